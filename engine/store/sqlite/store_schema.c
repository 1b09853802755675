/* store_schema.c - the tables, their version, and the way from older ones.
 *
 * docs/store.md describes them for people who read them. */
#include "store/sqlite/store_internal.h"

#include <stdio.h>
#include <string.h>

#define APPLICATION "1819635297" /* "luna": what `file` and others go by */

/* Replies stand in the order they came, narrow columns first. Keys are spread evenly,
 * so that an index of them costs each new reply a page of its own: reply_key takes them
 * in thousands at a time. Replies with an id above reply_indexed.upto are not in it
 * yet; there are few of them. No id of a reply is ever used again. */
static const char version_1[] =
    "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, script TEXT, args TEXT, "
    "seed INTEGER, meta TEXT, started_us INTEGER NOT NULL, ended_us INTEGER, state TEXT NOT NULL, "
    "pid INTEGER, calls INTEGER NOT NULL DEFAULT 0, served INTEGER NOT NULL DEFAULT 0, "
    "tokens_in INTEGER NOT NULL DEFAULT 0, tokens_out INTEGER NOT NULL DEFAULT 0, "
    "micros INTEGER NOT NULL DEFAULT 0, best_score REAL, seed_score REAL);\n"
    "CREATE INDEX run_name ON run(name);\n"
    "CREATE TABLE reply(id INTEGER PRIMARY KEY, key BLOB NOT NULL, run_id INTEGER, "
    "kind INTEGER, model TEXT, endpoint TEXT, status INTEGER, content_type TEXT, "
    "request_id TEXT, finish_reason TEXT, input INTEGER, cached INTEGER, cache_write INTEGER, "
    "output INTEGER, reasoning INTEGER, micros INTEGER, unpriced INTEGER, latency_us INTEGER, "
    "created_us INTEGER, sum INTEGER, request TEXT, body BLOB);\n"
    "CREATE INDEX reply_run ON reply(run_id);\n"
    "CREATE TABLE reply_key(key BLOB PRIMARY KEY, reply_id INTEGER NOT NULL) WITHOUT ROWID;\n"
    "CREATE TABLE reply_indexed(upto INTEGER NOT NULL);\n"
    "INSERT INTO reply_indexed VALUES(0);\n"
    "CREATE TABLE intent(id INTEGER PRIMARY KEY, run_id INTEGER, created_us INTEGER, "
    "packed BLOB);\n"
    "CREATE INDEX intent_run ON intent(run_id);\n"
    "CREATE TABLE attempt(id INTEGER PRIMARY KEY, run_id INTEGER, key BLOB, number INTEGER, "
    "code TEXT, ambiguous INTEGER, message TEXT, created_us INTEGER, status INTEGER, "
    "content_type TEXT, input INTEGER, output INTEGER, micros INTEGER, body BLOB);\n"
    "CREATE INDEX attempt_run ON attempt(run_id);\n"
    "CREATE INDEX attempt_body ON attempt(key) WHERE body IS NOT NULL;\n"
    "CREATE TABLE tool_result(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, run_id INTEGER, "
    "name TEXT, version TEXT, text TEXT, score REAL, target REAL, created_us INTEGER);\n"
    "CREATE TABLE candidates(id INTEGER PRIMARY KEY, run_id INTEGER, idx INTEGER, "
    "iteration INTEGER, parents TEXT, texts TEXT, score REAL, is_best INTEGER, "
    "created_us INTEGER);\n"
    "CREATE INDEX candidates_run ON candidates(run_id);\n"
    "CREATE TABLE proposals(id INTEGER PRIMARY KEY, run_id INTEGER, iteration INTEGER, "
    "parent_idx INTEGER, accepted INTEGER, reason TEXT, before REAL, after REAL, texts TEXT, "
    "feedback TEXT, created_us INTEGER);\n"
    "CREATE INDEX proposals_run ON proposals(run_id);\n"
    "CREATE TABLE gradients(id INTEGER PRIMARY KEY, run_id INTEGER, iteration INTEGER, "
    "param TEXT, text TEXT, source_example INTEGER, from_role TEXT, score REAL);\n"
    "CREATE INDEX gradients_run ON gradients(run_id);\n"
    "CREATE TABLE edits(id INTEGER PRIMARY KEY, run_id INTEGER, iteration INTEGER, param TEXT, "
    "before TEXT, after TEXT, gradient_ids TEXT);\n"
    "CREATE INDEX edits_run ON edits(run_id);\n"
    "CREATE TABLE scores(id INTEGER PRIMARY KEY, run_id INTEGER, candidate_idx INTEGER, "
    "phase TEXT, example INTEGER, score REAL);\n"
    "CREATE INDEX scores_run ON scores(run_id);\n"
    "PRAGMA application_id=" APPLICATION ";\n";

/* used: replies that a run was served, packed ids; for an export that can be replayed.
 * forgotten: what deleted replies had cost, so that the books of a run stay whole. */
static const char version_2[] =
    "CREATE TABLE used(id INTEGER PRIMARY KEY, run_id INTEGER, packed BLOB);\n"
    "CREATE INDEX used_run ON used(run_id);\n"
    "CREATE TABLE forgotten(run_id INTEGER NOT NULL, kind INTEGER NOT NULL, model TEXT NOT NULL, "
    "calls INTEGER, input INTEGER, cached INTEGER, cache_write INTEGER, output INTEGER, "
    "reasoning INTEGER, micros INTEGER, unpriced INTEGER, PRIMARY KEY(run_id, kind, model)) "
    "WITHOUT ROWID;\n"
    "CREATE TRIGGER reply_forgotten AFTER DELETE ON reply BEGIN INSERT INTO forgotten VALUES("
    "coalesce(old.run_id, 0), coalesce(old.kind, 0), coalesce(old.model, ''), 1, "
    "coalesce(old.input, 0), coalesce(old.cached, 0), coalesce(old.cache_write, 0), "
    "coalesce(old.output, 0), coalesce(old.reasoning, 0), coalesce(old.micros, 0), "
    "coalesce(old.unpriced, 0)) ON CONFLICT DO UPDATE SET calls=calls+1, "
    "input=input+excluded.input, cached=cached+excluded.cached, "
    "cache_write=cache_write+excluded.cache_write, output=output+excluded.output, "
    "reasoning=reasoning+excluded.reasoning, micros=micros+excluded.micros, "
    "unpriced=unpriced+excluded.unpriced; END;\n";

/* What an editor wrote edit by edit, where it did not write the whole text anew. */
static const char version_3[] =
    "CREATE TABLE replacements(id INTEGER PRIMARY KEY, run_id INTEGER, iteration INTEGER, "
    "param TEXT, number INTEGER, find TEXT, put TEXT, problem TEXT);\n"
    "CREATE INDEX replacements_run ON replacements(run_id);\n";

/* Searches, each with an id; what a program answered beside its score; which calls were made
 * for what. Old rows have no search. Scores are many: their texts stand in outputs, and no
 * index leads to a candidate's. */
static const char version_4[] =
    "CREATE TABLE searches(id INTEGER PRIMARY KEY, run_id INTEGER, number INTEGER, kind TEXT, "
    "method TEXT, names TEXT, options TEXT, seed, started_us INTEGER, ended_us INTEGER, "
    "stopped TEXT, seed_score REAL, best_score REAL, best_idx INTEGER, claim TEXT);\n"
    "CREATE INDEX searches_run ON searches(run_id);\n"
    "CREATE TABLE outputs(id INTEGER PRIMARY KEY, text TEXT);\n"
    "CREATE TABLE purposes(id INTEGER PRIMARY KEY, run_id INTEGER, packed BLOB);\n"
    "CREATE INDEX purposes_run ON purposes(run_id);\n"
    "ALTER TABLE candidates ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE candidates ADD COLUMN operator TEXT;\n"
    "ALTER TABLE candidates ADD COLUMN proposal INTEGER;\n"
    "ALTER TABLE candidates ADD COLUMN words INTEGER;\n"
    "CREATE INDEX candidates_search ON candidates(search_id, proposal);\n"
    "ALTER TABLE proposals ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE proposals ADD COLUMN number INTEGER;\n"
    "ALTER TABLE proposals ADD COLUMN operator TEXT;\n"
    "ALTER TABLE proposals ADD COLUMN parents TEXT;\n"
    "ALTER TABLE proposals ADD COLUMN batch TEXT;\n"
    "ALTER TABLE proposals ADD COLUMN race TEXT;\n"
    "ALTER TABLE proposals ADD COLUMN calls INTEGER;\n"
    "ALTER TABLE proposals ADD COLUMN tokens INTEGER;\n"
    "ALTER TABLE proposals ADD COLUMN gain REAL;\n"
    "ALTER TABLE gradients ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE edits ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE replacements ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE scores ADD COLUMN search_id INTEGER;\n"
    "ALTER TABLE scores ADD COLUMN proposal INTEGER;\n"
    "ALTER TABLE scores ADD COLUMN split TEXT;\n"
    "ALTER TABLE scores ADD COLUMN output_id INTEGER;\n"
    "ALTER TABLE scores ADD COLUMN objectives TEXT;\n"
    "CREATE VIEW results AS SELECT s.id, s.run_id, s.search_id, "
    "coalesce(s.candidate_idx, c.idx) AS candidate_idx, s.proposal, s.split, s.phase, s.example, "
    "s.score, o.text AS output, s.objectives FROM scores s LEFT JOIN candidates c ON "
    "s.candidate_idx IS NULL AND c.search_id=s.search_id AND c.proposal=s.proposal "
    "LEFT JOIN outputs o ON o.id=s.output_id;\n";

/* What examples say, as sets that several searches may share; and the graph of some of them,
 * with its values and the feedback on its edges, as JSON. */
static const char version_5[] =
    "CREATE TABLE sets(id INTEGER PRIMARY KEY, run_id INTEGER, search_id INTEGER, split TEXT, "
    "number INTEGER, rows INTEGER);\n"
    "CREATE INDEX sets_run ON sets(run_id);\n"
    "CREATE TABLE examples(id INTEGER PRIMARY KEY, run_id INTEGER, set_number INTEGER, "
    "example INTEGER, input TEXT, target TEXT);\n"
    "CREATE INDEX examples_set ON examples(run_id, set_number, example);\n"
    "CREATE TABLE graphs(id INTEGER PRIMARY KEY, run_id INTEGER, search_id INTEGER, "
    "candidate_idx INTEGER, proposal INTEGER, split TEXT, example INTEGER, score REAL, "
    "graph TEXT);\n"
    "CREATE INDEX graphs_run ON graphs(run_id);\n";

/* versions[v] leads from version v to v + 1, inside a transaction that also raises
 * user_version. Columns that are added later than their table stand behind it as ALTER TABLE
 * name ADD COLUMN. */
static const char *const versions[] = {version_1, version_2, version_3, version_4, version_5};
_Static_assert(sizeof versions / sizeof *versions == LG_SCHEMA, "a step to each version");

/* A database in the other journal mode has its lock where two writers can meet. */
static int use_log(lg_store *s)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
    bool good = rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW &&
                sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW)
        return lg__store_failed(s, rc, "be opened");

    return good ? LG_OK
                : lg__store_fail(s, LG_ESTORE, true,
                                 "%s: this file system cannot hold a "
                                 "database with a write-ahead log",
                                 s->path);
}

static int newer(lg_store *s, int64_t version)
{
    int err = lg__store_fail(s, LG_ESTORE, true,
                             "%s: it was made by a newer lunagrad (its tables "
                             "have version %lld, this one knows %d)",
                             s->path, (long long)version, LG_SCHEMA);
    lg__fail_hint(&s->why, s->mem, "use the newer lunagrad, or another directory");
    return err;
}

static int raise_version(lg_store *s, int64_t version)
{
    char sql[64];
    int err = use_log(s);
    for (; !err && version < LG_SCHEMA; version++) {
        snprintf(sql, sizeof sql, "PRAGMA user_version=%lld", (long long)version + 1);
        err = lg__store_do(s, "BEGIN IMMEDIATE");
        err = err ? err : lg__store_do(s, versions[version]);
        err = err ? err : lg__store_do(s, sql);
        err = err ? err : lg__store_do(s, "COMMIT");
        if (err && !sqlite3_get_autocommit(s->db))
            sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return err;
}

static int make(lg_store *s)
{
    if (s->read_only)
        return lg__store_fail(s, LG_ENOTFOUND, true, "%s: there is no store here", s->dir);

    int err = lg__store_do(s, "PRAGMA page_size=16384");
    return err ? err : raise_version(s, 0);
}

static int not_ours(lg_store *s, int64_t version)
{
    int err = lg__store_fail(s, LG_ESTORE, true,
                             "%s: its tables are not those of this lunagrad, though they have its "
                             "version (%lld)",
                             s->path, (long long)version);
    lg__fail_hint(&s->why, s->mem, "move it away, or choose another directory");
    return err;
}

static size_t length(const char *at)
{
    return (size_t)(strstr(at, ";\n") - at);
}

static bool begins(const char *at, const char *word, size_t len)
{
    return strncmp(at, word, len) == 0;
}

/* The columns that were added to a table up to a version, as SQLite adds them to its text. */
static int add_columns(lg_bytes *out, const char *name, size_t name_len, int64_t version)
{
    static const char alter[] = "ALTER TABLE ", add[] = " ADD COLUMN ";
    int err = LG_OK;
    for (int64_t v = 0; v < version; v++) {
        for (const char *at = versions[v]; *at; at += length(at) + 2) {
            const char *of = at + sizeof alter - 1, *def = of + name_len + sizeof add - 1;
            if (err || !begins(at, alter, sizeof alter - 1) || !begins(of, name, name_len) ||
                !begins(of + name_len, add, sizeof add - 1))
                continue;

            err = lg__bytes_add(out, ", ", 2);
            err = err ? err : lg__bytes_add(out, def, length(at) - (size_t)(def - at));
        }
    }
    return err;
}

/* What SQLite has kept of a CREATE, after all that came later. */
static int text_now(lg_bytes *out, const char *at, int64_t version)
{
    static const char table[] = "CREATE TABLE ";
    size_t len = length(at);
    lg__bytes_clear(out);
    if (!begins(at, table, sizeof table - 1) || at[len - 1] != ')')
        return lg__bytes_add(out, at, len);

    const char *name = at + sizeof table - 1;
    int err = lg__bytes_add(out, at, len - 1);
    err = err ? err : add_columns(out, name, strcspn(name, "("), version);
    return err ? err : lg__bytes_add(out, ")", 1);
}

static int no_memory(lg_store *s)
{
    return lg__store_fail(s, LG_ENOMEM, false, "%s", lg_error_text(LG_ENOMEM));
}

/* SQLite keeps the text of each CREATE. Tables and indexes of others do no harm. */
static int check_tables(lg_store *s, int64_t version)
{
    sqlite3_stmt *find = NULL;
    bool same = true;
    int err = LG_OK;
    int rc = sqlite3_prepare_v2(s->db, "SELECT 1 FROM sqlite_schema WHERE sql=?1", -1, &find, NULL);
    rc = rc == SQLITE_OK ? SQLITE_ROW : rc;
    for (int64_t v = 0; v < version; v++) {
        for (const char *at = versions[v]; !err && rc == SQLITE_ROW && same && *at;
             at += length(at) + 2) {
            if (!begins(at, "CREATE ", 7))
                continue;

            err = text_now(&s->scratch, at, version);
            sqlite3_bind_text(find, 1, s->scratch.data, (int)s->scratch.len, SQLITE_STATIC);
            rc = err ? rc : sqlite3_step(find);
            sqlite3_reset(find);
            same = rc == SQLITE_ROW;
        }
    }
    sqlite3_finalize(find);
    if (err)
        return no_memory(s);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return lg__store_failed(s, rc, "be read");

    return same ? LG_OK : not_ours(s, version);
}

int lg__store_migrate(lg_store *s)
{
    int64_t version = lg__store_int(s, "PRAGMA user_version", 0);
    int64_t owner = lg__store_int(s, "PRAGMA application_id", 0);
    int64_t tables_there = lg__store_int(s, "SELECT count(*) FROM sqlite_schema", 0);
    if (s->why.code)
        return s->why.code;

    if (tables_there == 0 && version == 0)
        return make(s);

    if (owner != lg__store_int(s, "SELECT " APPLICATION, 0) || version < 1) {
        return lg__store_fail(s, LG_ESTORE, true, "%s: this is another program's database",
                              s->path);
    }
    if (version > LG_SCHEMA)
        return newer(s, version);

    int err = check_tables(s, version);
    return err || s->read_only ? err : raise_version(s, version);
}
