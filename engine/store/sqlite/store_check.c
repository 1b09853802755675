/* store_check.c - whether the store is as store_internal.h says, between two turns.
 *
 * Debug builds only. It reads no database: what is on the disk is sqlite's to check. */
#include "base/check.h"
#include "store/sqlite/store_internal.h"

#ifdef LG_DEBUG

static void check_turn(const lg_store *s)
{
    LG_CHECK(!s->in_turn || (!s->read_only && s->lock_fd >= 0));
    LG_CHECK((s->in_turn || s->reading) != (sqlite3_get_autocommit(s->db) != 0) || s->broken);
    LG_CHECK(!s->broken || s->why.code != LG_OK);
    LG_CHECK(!s->full || s->why.code != LG_OK);
    LG_CHECK(s->intents.len % LG_INTENT_BYTES == 0);
    LG_CHECK(s->used.len % 8 == 0);
    LG_CHECK(s->purposes.len % LG_PURPOSE_BYTES == 0);
    LG_CHECK(s->run == 0 || s->run_fd >= 0);
}

static void check_queue(const lg_store *s)
{
    size_t n = 0;
    lg_queued *const *end = &s->queue;
    for (; *end; end = &(*end)->next) {
        LG_CHECK(n++ < s->n_queued);
        LG_CHECK((*end)->stmt);
    }
    LG_CHECK(n == s->n_queued);
    LG_CHECK(end == s->queue_end || !s->queue_end);
}

/* A key that is there twice leads to the newer one. */
static void check_tail(const lg_tail *t)
{
    LG_CHECK(t->n <= t->cap && t->map.count <= t->n);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = (size_t)(uintptr_t)lg__keymap_get(&t->map, t->rows[i].key);
        LG_CHECK(t->rows[i].id <= t->seen);
        LG_CHECK(at == 0 || (at <= t->n && at > i));
    }
}

static void check_sync(const lg_syncer *y)
{
    LG_CHECK(y->done <= y->asked && y->asked <= y->wanted);
    LG_CHECK(!y->busy || (y->running && y->done < y->asked));
    LG_CHECK(!y->running || y->fd >= 0);
}

void lg__store_check(const lg_store *s)
{
    check_turn(s);
    check_queue(s);
    check_tail(&s->tail);
    LG_CHECK(s->others.n <= s->others.cap && s->others.map.count == s->others.n);
    check_sync(&s->sync);
}

#endif
