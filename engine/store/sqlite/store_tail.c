/* store_tail.c - the replies that are not in the index of keys yet.
 *
 * They are kept in memory, by key, and go into the index in thousands, sorted: so a
 * page of it is written once for many replies. What other processes add is read when
 * they have written. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/store_internal.h"

#include "base/check.h"

static int grow(lg_store *s)
{
    lg_tail *t = &s->tail;
    if (t->n < t->cap)
        return LG_OK;

    size_t cap = t->cap ? t->cap * 2 : LG_SMALL(256, 1);
    lg_unindexed *rows = lg__mem_grow(s->mem, t->rows, t->cap * sizeof *rows, cap * sizeof *rows);
    if (!rows)
        return LG_ENOMEM;

    t->rows = rows;
    t->cap = cap;
    return LG_OK;
}

static int remember(lg_store *s, const unsigned char key[32], int64_t id)
{
    lg_tail *t = &s->tail;
    int err = grow(s);
    err = err ? err : lg__keymap_put(&t->map, key, (void *)(uintptr_t)(t->n + 1));
    if (err)
        return err;

    memcpy(t->rows[t->n].key, key, 32);
    t->rows[t->n++].id = id;
    return LG_OK;
}

int lg__tail_learn(lg_store *s)
{
    sqlite3_stmt *row = lg__store_sql(s, LG_SQL_TAIL);
    int rc = SQLITE_DONE, err = row ? LG_OK : s->why.code;
    if (row)
        sqlite3_bind_int64(row, 1, s->tail.seen);

    while (!err && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const unsigned char *key = sqlite3_column_blob(row, 1);
        int64_t id = sqlite3_column_int64(row, 0);
        err = key && sqlite3_column_bytes(row, 1) == 32 ? remember(s, key, id) : LG_OK;
        s->tail.seen = err ? s->tail.seen : id;
    }
    sqlite3_reset(row);
    if (!err && rc != SQLITE_DONE)
        err = lg__store_failed(s, rc, "be read");

    s->tail.foreign = err ? s->tail.foreign : s->foreign;
    return err;
}

int64_t lg__tail_find(const lg_store *s, const unsigned char key[32])
{
    size_t at = (size_t)(uintptr_t)lg__keymap_get(&s->tail.map, key);
    return at ? s->tail.rows[at - 1].id : 0;
}

static int index_one(lg_store *s, const unsigned char key[32], int64_t id)
{
    sqlite3_stmt *put = lg__store_sql(s, LG_SQL_INDEX);
    if (!put)
        return s->why.code;

    sqlite3_bind_blob(put, 1, key, 32, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, id);
    return lg__store_step(s, LG_SQL_INDEX);
}

int lg__tail_add(lg_store *s, const unsigned char key[32], int64_t id)
{
    s->tail.seen = id;
    return remember(s, key, id) ? index_one(s, key, id) : LG_OK;
}

static int by_key(const void *a, const void *b)
{
    const lg_unindexed *one = a, *other = b;
    int order = memcmp(one->key, other->key, 32);
    return order ? order : (one->id > other->id) - (one->id < other->id);
}

int lg__tail_index(lg_store *s, size_t from)
{
    lg_tail *t = &s->tail;
    int err = LG_OK;
    if (t->n < from)
        return LG_OK;

    qsort(t->rows, t->n, sizeof *t->rows, by_key); /* the map is cleared behind */
    for (size_t i = 0; !err && i < t->n; i++)
        err = index_one(s, t->rows[i].key, t->rows[i].id);

    sqlite3_stmt *mark = err ? NULL : lg__store_sql(s, LG_SQL_INDEXED);
    if (!mark)
        return err ? err : s->why.code;

    sqlite3_bind_int64(mark, 1, t->seen);
    err = lg__store_step(s, LG_SQL_INDEXED);
    lg__keymap_free(&t->map);
    lg__keymap_init(&t->map, s->mem);
    t->n = 0;
    return err;
}

void lg__tail_free(lg_store *s)
{
    lg__keymap_free(&s->tail.map);
    lg__mem_free(s->mem, s->tail.rows, s->tail.cap * sizeof *s->tail.rows);
    s->tail.rows = NULL;
}
