/* store_other.c - calls that other processes have in flight.
 *
 * Several runs in one directory often ask the same at the same time. Whoever wrote its
 * intent first buys; the others may wait for that reply, as long as the run that sent it
 * lives and for a minute at most, by a clock that nobody sets. Read in a turn, under the
 * lock, and only when another process has written: a run that is alone never looks.
 * */
#include <string.h>

#include "store/sqlite/store_internal.h"

#include "base/check.h"

enum { MOST_ROWS = 1 << 16 };
static const int64_t PATIENCE_US = 60000000;

typedef int (*row_fn)(lg_store *s, sqlite3_stmt *row);

static lg_other *other_of(const lg_store *s, const unsigned char key[32])
{
    size_t at = (size_t)(uintptr_t)lg__keymap_get(&s->others.map, key);
    return at ? &s->others.rows[at - 1] : NULL;
}

static int grow(lg_store *s)
{
    lg_others *o = &s->others;
    if (o->n == MOST_ROWS) { /* forgotten: then they are bought twice at worst */
        lg__keymap_free(&o->map);
        lg__keymap_init(&o->map, s->mem);
        o->n = 0;
    }
    if (o->n < o->cap)
        return LG_OK;

    size_t cap = o->cap ? o->cap * 2 : LG_SMALL(64, 1);
    lg_other *rows = lg__mem_grow(s->mem, o->rows, o->cap * sizeof *rows, cap * sizeof *rows);
    if (!rows)
        return LG_ENOMEM;

    o->rows = rows;
    o->cap = cap;
    return LG_OK;
}

/* What was sent a while ago is waited for so much less. Where the clock was set since, it is
 * no younger than now. */
static int64_t waited_since(int64_t created)
{
    int64_t age = lg__store_now() - created;
    age = age < 0 ? 0 : age < PATIENCE_US ? age : PATIENCE_US;
    return lg__store_ticks() - age;
}

static int note(lg_store *s, const unsigned char key[32], int64_t run, int64_t created)
{
    lg_others *o = &s->others;
    lg_other *one = other_of(s, key);
    if (!one) {
        int err = grow(s);
        err = err ? err : lg__keymap_put(&o->map, key, (void *)(uintptr_t)(o->n + 1));
        if (err)
            return err;

        one = &o->rows[o->n++];
        memset(one, 0, sizeof *one);
    }
    if (created > one->created_us)
        *one = (lg_other){run, created, waited_since(created)};

    return LG_OK;
}

/* id, created_us, run_id, packed */
static int note_intents(lg_store *s, sqlite3_stmt *row)
{
    const unsigned char *p = sqlite3_column_blob(row, 3);
    size_t n = (size_t)sqlite3_column_bytes(row, 3) / LG_INTENT_BYTES;
    int err = LG_OK;
    for (size_t i = 0; !err && i < n; i++) {
        err = note(s, p + i * LG_INTENT_BYTES, sqlite3_column_int64(row, 2),
                   sqlite3_column_int64(row, 1));
    }
    return err;
}

/* id, created_us, run_id, key: that try is over */
static int note_attempt(lg_store *s, sqlite3_stmt *row)
{
    const unsigned char *key = sqlite3_column_blob(row, 3);
    lg_other *one = key && sqlite3_column_bytes(row, 3) == 32 ? other_of(s, key) : NULL;
    if (one && one->run == sqlite3_column_int64(row, 2) &&
        one->created_us <= sqlite3_column_int64(row, 1))
        one->run = 0;

    return LG_OK;
}

/* The newest first, as far back as anybody waits for. */
static int learn(lg_store *s, int which, int64_t *seen, row_fn fn)
{
    sqlite3_stmt *row = lg__store_sql(s, which);
    int64_t oldest = lg__store_now() - PATIENCE_US, newest = *seen;
    int err = LG_OK, rc = SQLITE_ROW;
    if (!row)
        return s->why.code;

    sqlite3_bind_int64(row, 1, *seen);
    while (!err && (rc = sqlite3_step(row)) == SQLITE_ROW &&
           sqlite3_column_int64(row, 1) >= oldest) {
        int64_t id = sqlite3_column_int64(row, 0);
        newest = id > newest ? id : newest;
        err = sqlite3_column_int64(row, 2) == s->run ? LG_OK : fn(s, row);
    }
    sqlite3_reset(row);
    if (!err && rc != SQLITE_ROW && rc != SQLITE_DONE)
        err = lg__store_failed(s, rc, "be read");

    *seen = err ? *seen : newest;
    return err;
}

int lg__store_is_elsewhere(lg_store *s, const unsigned char key[32])
{
    lg_others *o = &s->others;
    if (o->foreign != s->foreign) {
        int err = learn(s, LG_SQL_INTENTS, &o->seen_intent, note_intents);
        err = err ? err : learn(s, LG_SQL_ATTEMPTS, &o->seen_attempt, note_attempt);
        if (err)
            return err;

        o->foreign = s->foreign;
    }
    const lg_other *one = other_of(s, key);
    return one && one->run && lg__store_ticks() - one->since < PATIENCE_US &&
           lg__store_is_alive(s, one->run);
}

void lg__others_free(lg_store *s)
{
    lg__keymap_free(&s->others.map);
    lg__mem_free(s->mem, s->others.rows, s->others.cap * sizeof *s->others.rows);
    s->others.rows = NULL;
}
