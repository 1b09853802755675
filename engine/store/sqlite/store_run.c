/* store_run.c - runs: begun, ended, found dead; and the calls that dead ones had sent.
 *
 * A run lives as long as its process holds runs/<id>.lock. */
#include "store/sqlite/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"

/* ---- the runs' locks ----------------------------------------------------------- */

static int open_lock(lg_store *s, int64_t id, bool make)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/runs/%lld.lock", s->dir, (long long)id);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
}

static void remove_lock(lg_store *s, int64_t id)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/runs/%lld.lock", s->dir, (long long)id);
    if (n > 0 && (size_t)n < sizeof path)
        unlink(path);
}

bool lg__store_is_alive(lg_store *s, int64_t id)
{
    int fd = open_lock(s, id, false);
    if (fd < 0)
        return false;

    bool alive = flock(fd, LOCK_EX | LOCK_NB) != 0;
    close(fd);
    return alive;
}

/* Runs that say they are running, and are not: killed. In a turn. */
static int bury_dead(lg_store *s)
{
    sqlite3_stmt *row = NULL;
    char sql[96];
    int err = LG_OK;
    int rc = sqlite3_prepare_v2(s->db, "SELECT id FROM run WHERE state='running'", -1, &row, NULL);
    while (!err && rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(row, 0);
        rc = SQLITE_OK;
        if (!lg__store_is_alive(s, id)) {
            snprintf(sql, sizeof sql, "UPDATE run SET state='killed' WHERE id=%lld", (long long)id);
            err = lg__store_do(s, sql);
            remove_lock(s, id);
        }
    }
    sqlite3_finalize(row);
    return err || rc == SQLITE_DONE ? err : lg__store_failed(s, rc, "be read");
}

/* ---- life ---------------------------------------------------------------------- */

static int check_meta(lg_store *s, const char *meta)
{
    lg_json *root = NULL;
    int err = lg__json_parse(s->mem, meta, strlen(meta), &root, NULL);
    bool object = !err && lg__json_type(root) == LG_JSON_OBJECT;
    lg__json_free(s->mem, root);
    if (err == LG_ENOMEM)
        return err;

    return object ? LG_OK
                  : lg__store_fail(s, LG_EPARSE, false, "a run's meta must be a JSON object");
}

static int insert_run(lg_store *s, const char *name, const char *meta)
{
    static const char sql[] =
        "INSERT INTO run(name, script, args, seed, meta, started_us, state, pid) VALUES(?1, "
        "json_extract(?2,'$.script'), json_extract(?2,'$.args'), json_extract(?2,'$.seed'), ?2, "
        "?3, "
        "'running', ?4)";
    sqlite3_stmt *put = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &put, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, meta, -1, SQLITE_STATIC);
        s->began_us = lg__store_now();
        sqlite3_bind_int64(put, 3, s->began_us);
        sqlite3_bind_int64(put, 4, getpid());
        rc = sqlite3_step(put);
    }
    sqlite3_finalize(put);
    return rc == SQLITE_DONE ? LG_OK : lg__store_failed(s, rc, "be written");
}

/* Held before anybody can see the run. */
static int hold_lock(lg_store *s, int64_t id)
{
    s->run_fd = open_lock(s, id, true);
    if (s->run_fd >= 0 && flock(s->run_fd, LOCK_EX | LOCK_NB) == 0)
        return LG_OK;

    return lg__store_fail(s, LG_ESTORE, true, "%s/runs/%lld.lock: cannot be locked: %s", s->dir,
                          (long long)id, lg__errno_text(errno));
}

int lg__store_run_begin(lg_store *s, const char *name, const char *meta)
{
    int err = meta ? check_meta(s, meta) : LG_OK;
    if (!err && s->run)
        err = lg__store_fail(s, LG_ESTATE, false, "a run is going on; it must end first");

    err = err ? err : lg__store_begin_wait(s);
    if (err)
        return err;

    err = bury_dead(s);
    err = err ? err : insert_run(s, name, meta);
    int64_t id = sqlite3_last_insert_rowid(s->db);
    err = err ? err : hold_lock(s, id);
    if (err) {
        lg__store_rollback(s);
        return err;
    }
    err = lg__store_commit(s);
    if (!err) {
        s->run = id;
        s->began_ticks = lg__store_ticks();
        s->totals = (lg_totals){0};
    }
    return err;
}

int64_t lg__store_run(const lg_store *s)
{
    return s->run;
}

void lg__store_totals(lg_store *s, const lg_totals *t)
{
    if (memcmp(&s->totals, t, sizeof *t) != 0) {
        s->totals = *t;
        s->totals_changed = true;
    }
}

/* When it ended is told by how long it took: the clock may have been set meanwhile. */
int lg__store_run_end(lg_store *s, const char *state)
{
    sqlite3_stmt *put = NULL;
    if (!s->run)
        return lg__store_fail(s, LG_ESTATE, false, "no run is going on");

    int err = lg__store_begin_wait(s);
    if (err)
        return err;

    int rc = sqlite3_prepare_v2(s->db, "UPDATE run SET state=?1, ended_us=?2 WHERE id=?3", -1, &put,
                                NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(put, 1, state, -1, SQLITE_STATIC);
        sqlite3_bind_int64(put, 2, s->began_us + lg__store_ticks() - s->began_ticks);
        sqlite3_bind_int64(put, 3, s->run);
        rc = sqlite3_step(put);
    }
    sqlite3_finalize(put);
    if (rc != SQLITE_DONE) {
        err = lg__store_failed(s, rc, "be written");
        lg__store_rollback(s);
        return err;
    }
    err = lg__store_commit(s);
    if (!err) {
        remove_lock(s, s->run);
        lg__store_run_close(s);
    }
    return err;
}

void lg__store_run_close(lg_store *s)
{
    if (s->run_fd >= 0)
        close(s->run_fd);

    s->run_fd = -1;
    s->run = 0;
}

/* ---- calls of which nobody knows how they ended --------------------------------- */

typedef struct tally { /* of one key in one run */
    struct tally *next;
    unsigned char key[32];
    int64_t sent, ended, worst;
} tally;

typedef struct sheet {
    lg_store *s;
    lg_keymap map;
    tally *all;
    lg_ambiguous *list;
    size_t n, cap;
} sheet;

static tally *tally_of(sheet *t, const unsigned char key[32])
{
    tally *one = lg__keymap_get(&t->map, key);
    if (one)
        return one;

    one = lg__mem_zero(t->s->mem, sizeof *one);
    if (!one)
        return NULL;

    memcpy(one->key, key, 32);
    one->worst = -1;
    one->next = t->all;
    if (lg__keymap_put(&t->map, key, one)) {
        lg__mem_free(t->s->mem, one, sizeof *one);
        return NULL;
    }
    t->all = one;
    return one;
}

static uint64_t number_at(const unsigned char *p, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--)
        x = x << 8 | p[i];

    return x;
}

static int list_one(sheet *t, lg_ambiguous a)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : LG_SMALL(64, 1);
        lg_ambiguous *list =
            lg__mem_grow(t->s->mem, t->list, t->cap * sizeof *list, cap * sizeof *list);
        if (!list)
            return LG_ENOMEM;

        t->list = list;
        t->cap = cap;
    }
    t->list[t->n++] = a;
    return LG_OK;
}

typedef int (*row_fn)(sheet *t, sqlite3_stmt *row);

static int each_row(sheet *t, const char *sql, int64_t run, row_fn fn)
{
    sqlite3_stmt *row = NULL;
    int err = LG_OK;
    int rc = sqlite3_prepare_v2(t->s->db, sql, -1, &row, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, run);
        while ((rc = sqlite3_step(row)) == SQLITE_ROW && !(err = fn(t, row))) {
        }
    }
    sqlite3_finalize(row);
    return err || rc == SQLITE_DONE ? err : lg__store_failed(t->s, rc, "be read");
}

/* reply.key, or attempt: key, number, ambiguous, code, created_us */
static int count_end(sheet *t, sqlite3_stmt *row)
{
    const unsigned char *key = sqlite3_column_blob(row, 0);
    if (!key || sqlite3_column_bytes(row, 0) != 32)
        return LG_OK;

    tally *one = tally_of(t, key);
    if (!one)
        return LG_ENOMEM;

    one->ended++;
    if (sqlite3_column_count(row) == 1 || sqlite3_column_int(row, 2) == 0)
        return LG_OK;

    lg_ambiguous a = {.number = sqlite3_column_int(row, 1),
                      .worst_micros = -1,
                      .created_us = sqlite3_column_int64(row, 4)};
    const char *code = (const char *)sqlite3_column_text(row, 3);
    for (int i = 1; code && i < LG_ERROR_END; i++)
        a.code = strcmp(lg_error_name(-i), code) == 0 ? -i : a.code;

    memcpy(a.key, key, 32);
    return list_one(t, a);
}

/* Newest first: an intent is open while fewer ends than intents are known. */
static int count_intents(sheet *t, sqlite3_stmt *row)
{
    const unsigned char *p = sqlite3_column_blob(row, 0);
    size_t n = (size_t)sqlite3_column_bytes(row, 0) / LG_INTENT_BYTES;
    for (size_t i = n; i > 0; i--) {
        const unsigned char *one = p + (i - 1) * LG_INTENT_BYTES;
        tally *of = tally_of(t, one);
        if (!of)
            return LG_ENOMEM;

        of->sent++;
        of->worst = (int64_t)number_at(one + 36, 8);
    }
    return LG_OK;
}

static int list_intents(sheet *t, sqlite3_stmt *row)
{
    const unsigned char *p = sqlite3_column_blob(row, 0);
    size_t n = (size_t)sqlite3_column_bytes(row, 0) / LG_INTENT_BYTES;
    int err = LG_OK;
    for (size_t i = n; !err && i > 0; i--) {
        const unsigned char *one = p + (i - 1) * LG_INTENT_BYTES;
        tally *of = tally_of(t, one);
        if (!of || of->sent <= of->ended)
            continue;

        of->sent--;
        lg_ambiguous a = {.number = (int)number_at(one + 32, 4),
                          .worst_micros = (int64_t)number_at(one + 36, 8),
                          .created_us = sqlite3_column_int64(row, 1)};
        memcpy(a.key, one, 32);
        err = list_one(t, a);
    }
    return err;
}

static int mark_bought(sheet *t)
{
    sqlite3_stmt *row = NULL;
    int rc =
        sqlite3_prepare_v2(t->s->db,
                           "SELECT 1 FROM reply_key WHERE key=?1 UNION ALL SELECT 1 FROM reply "
                           "WHERE key=?1 AND id>(SELECT upto FROM reply_indexed)",
                           -1, &row, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < t->n; i++) {
        sqlite3_bind_blob(row, 1, t->list[i].key, 32, SQLITE_STATIC);
        int got = sqlite3_step(row);
        t->list[i].again = got == SQLITE_ROW;
        rc = got == SQLITE_ROW || got == SQLITE_DONE ? SQLITE_OK : got;
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return rc == SQLITE_OK ? LG_OK : lg__store_failed(t->s, rc, "be read");
}

static void free_tallies(sheet *t)
{
    while (t->all) {
        tally *one = t->all;
        t->all = one->next;
        lg__mem_free(t->s->mem, one, sizeof *one);
    }
    lg__keymap_free(&t->map);
}

int lg__store_ambiguous(lg_store *s, int64_t run, lg_ambiguous **list, size_t *n)
{
    static const char intents[] =
        "SELECT packed, created_us FROM intent WHERE run_id=?1 ORDER BY id DESC";
    sheet t = {.s = s};
    lg__keymap_init(&t.map, s->mem);
    int err = each_row(&t, "SELECT key FROM reply WHERE run_id=?1", run, count_end);
    if (!err) {
        err = each_row(&t,
                       "SELECT key, number, ambiguous, code, created_us FROM attempt "
                       "WHERE run_id=?1 ORDER BY id",
                       run, count_end);
    }
    err = err ? err : each_row(&t, intents, run, count_intents);
    err = err ? err : each_row(&t, intents, run, list_intents);
    for (size_t i = 0; !err && i < t.n; i++) {
        const tally *of = lg__keymap_get(&t.map, t.list[i].key);
        t.list[i].worst_micros = of ? of->worst : -1;
    }
    err = err ? err : mark_bought(&t);
    free_tallies(&t);
    lg_ambiguous *fit = !err && t.n > 0
                            ? lg__mem_grow(s->mem, t.list, t.cap * sizeof *fit, t.n * sizeof *fit)
                            : NULL;
    if (!fit) {
        lg__mem_free(s->mem, t.list, t.cap * sizeof *t.list);
        err = !err && t.n > 0 ? LG_ENOMEM : err;
    }
    *list = fit;
    *n = fit ? t.n : 0;
    return err;
}

/* All keys of dead runs, once: how dead runs ended changes no more. */
static int learn_lost(lg_store *s)
{
    sqlite3_stmt *row = NULL;
    int err = LG_OK;
    int rc = sqlite3_prepare_v2(s->db, "SELECT id, state FROM run WHERE id<>?1", -1, &row, NULL);
    if (rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, s->run);

    while (!err && rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(row, 0);
        const char *state = (const char *)sqlite3_column_text(row, 1);
        lg_ambiguous *list = NULL;
        size_t n = 0;
        rc = SQLITE_OK;
        if (state && strcmp(state, "running") == 0 && lg__store_is_alive(s, id))
            continue;

        err = lg__store_ambiguous(s, id, &list, &n);
        for (size_t i = 0; !err && i < n; i++) {
            if (!list[i].again)
                err = lg__keymap_put(&s->lost, list[i].key, s);
        }
        lg__mem_free(s->mem, list, n * sizeof *list);
    }
    sqlite3_finalize(row);
    return err || rc == SQLITE_DONE ? err : lg__store_failed(s, rc, "be read");
}

int lg__store_is_ambiguous(lg_store *s, const unsigned char key[32])
{
    int err = s->lost_known ? LG_OK : learn_lost(s);
    s->lost_known = s->lost_known || !err;
    return err ? err : lg__keymap_get(&s->lost, key) != NULL;
}
