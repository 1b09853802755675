/* old_stores.h - the tables of stores as older versions made them, word for word, and what such
 * a store may hold. Frozen: what is changed here was never on anybody's disk. */
#ifndef LG_TEST_OLD_STORES_H
#define LG_TEST_OLD_STORES_H

static const char old_version_1[] =
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
    "PRAGMA application_id=1819635297;\n";

static const char old_version_2[] =
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

static const char old_version_3[] =
    "CREATE TABLE replacements(id INTEGER PRIMARY KEY, run_id INTEGER, iteration INTEGER, "
    "param TEXT, number INTEGER, find TEXT, put TEXT, problem TEXT);\n"
    "CREATE INDEX replacements_run ON replacements(run_id);\n";

static const char old_version_4[] =
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

static const char *const old_versions[] = {old_version_1, old_version_2, old_version_3,
                                           old_version_4};
enum { OLD_VERSIONS = 4 };

/* A training with two candidates, of any of them. */
static const char old_rows[] =
    "INSERT INTO run(name, started_us, state, best_score) VALUES('old', 5, 'done', 0.5);\n"
    "INSERT INTO candidates(run_id, idx, iteration, parents, texts, score, is_best) VALUES"
    "(1, 0, 0, '[]', '{\"p\":\"a\"}', 0.25, 0), (1, 1, 1, '[0]', '{\"p\":\"b\"}', 0.5, 1);\n"
    "INSERT INTO proposals(run_id, iteration, parent_idx, accepted, reason) VALUES"
    "(1, 1, 0, 1, 'kept: better');\n"
    "INSERT INTO gradients(run_id, iteration, param, text) VALUES(1, 1, 'p', 'more');\n"
    "INSERT INTO edits(run_id, iteration, param, before, after) VALUES(1, 1, 'p', 'a', 'b');\n"
    "INSERT INTO scores(run_id, candidate_idx, phase, example, score) VALUES"
    "(1, 1, 'validation', 1, 0), (1, 1, 'validation', 2, 1);\n";

#endif
