/* store_turn.c - a turn of the loop as one transaction, under the lock.
 *
 * begin, then whatever store_reply.c writes, then commit, which adds the turn's
 * intents as one row. The log moves into the database seldom, by the one who holds
 * the lock and has just written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "store/sqlite/store_internal.h"

#include "base/check.h"

enum { INDEX_ROWS = LG_SMALL(4096, 256), CUT_ROWS = 128, FRAME = 16384 + 24 };
enum { ROOM_TURN = 512 * 1024, ROOM_MORE = 1024 * 1024 };
enum { CHECKPOINT_PAGES = 1024, CHECKPOINT_AGAIN = 256, CUT_PAGES = 256 };
enum { TELL_WAITS = 2, GIVE_UP_WAITS = 12 }; /* times wait_ms */

/* ---- begin --------------------------------------------------------------------- */

/* Nothing is sent while another holds the lock; that must not go unseen. */
static int busy(lg_store *s)
{
    int64_t now = lg__store_ticks();
    if (s->busy_since_us == 0)
        s->busy_since_us = now;

    int64_t gone = now - s->busy_since_us, wait = (int64_t)s->wait_ms * 1000;
    if (gone > TELL_WAITS * wait && !s->busy_told && s->log) {
        s->busy_told = true;
        lg__log_line(s->log, LG_LOG_WARN, "%s: waiting for another program that keeps it locked",
                     s->path);
    }
    if (gone <= GIVE_UP_WAITS * wait)
        return LG_STORE_BUSY;

    int err =
        lg__store_fail(s, LG_ESTORE, true, "%s: another process has kept it locked for %lld s",
                       s->path, (long long)(gone / 1000000));
    lg__fail_hint(&s->why, s->mem, "end the program that holds it, and run again");
    return err;
}

static int sync_failed(lg_store *s, int err)
{
    return lg__store_fail(s, LG_ESTORE, true, "%s: the disk did not take what was written: %s",
                          s->log_path, lg__errno_text(err));
}

/* By whatever call it came out: once. */
static void tell_synced(lg_store *s)
{
    if (s->told_synced != s->sync.done && !s->sync.err) {
        s->told_synced = s->sync.done;
        LG_TRACE(s->log, "turn %llu: committed -> synced", (unsigned long long)s->told_synced);
    }
}

int lg__store_check_sync(lg_store *s)
{
    int err = lg__sync_error(&s->sync);
    tell_synced(s);
    return err ? sync_failed(s, err) : LG_OK;
}

void lg__store_give_up(lg_store *s, int code)
{
    if (s->why.code == LG_OK)
        lg__store_fail(s, code, true, "%s: cannot be written: %s", s->path, lg_error_text(code));

    s->broken = true;
}

/* Turns are numbered by the commit that they are to become. */
static unsigned long long next_turn(const lg_store *s)
{
    return (unsigned long long)s->sync.wanted + 1;
}

int lg__store_begin(lg_store *s)
{
    lg__store_check_sync(s);
    if (s->broken)
        return s->why.code;

    lg__store_end_reading(s);
    sqlite3_stmt *begin = lg__store_sql(s, LG_SQL_BEGIN);
    int err = begin ? lg__store_lock(s) : s->why.code;
    if (err)
        return err == LG_STORE_BUSY ? busy(s) : err;

    int rc = sqlite3_step(begin);
    sqlite3_reset(begin);
    if (rc != SQLITE_DONE) {
        lg__store_unlock(s);
        return (rc & 0xff) == SQLITE_BUSY ? busy(s) : lg__store_failed(s, rc, "be written");
    }
    s->busy_since_us = 0;
    s->busy_told = false;
    s->in_turn = true;
    LG_TRACE(s->log, "turn %llu: new -> begun", next_turn(s));
    lg__bytes_clear(&s->intents);
    lg__store_notice(s);
    err = s->tail.foreign != s->foreign ? lg__tail_learn(s) : LG_OK;
    if (err)
        lg__store_rollback(s);

    return err;
}

int lg__store_begin_wait(lg_store *s)
{
    int64_t until = lg__store_ticks() + (int64_t)s->wait_ms * 1000;
    int err;
    while ((err = lg__store_begin(s)) == LG_STORE_BUSY && lg__store_ticks() < until)
        sqlite3_sleep(5);

    return err == LG_STORE_BUSY ? lg__store_failed(s, SQLITE_BUSY, "be written") : err;
}

int lg__store_begin_at_last(lg_store *s)
{
    int err;
    while ((err = lg__store_begin(s)) == LG_STORE_BUSY)
        sqlite3_sleep(5);

    return err;
}

/* ---- intents --------------------------------------------------------------------- */

static void put_number(unsigned char *to, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (unsigned char)(x >> (8 * i));
}

int lg__store_intend(lg_store *s, const lg_request *r)
{
    unsigned char one[LG_INTENT_BYTES];
    memcpy(one, r->key, 32);
    put_number(one + 32, (uint64_t)r->attempts, 4);
    put_number(one + 36, (uint64_t)r->worst_micros, 8);
    return lg__bytes_add(&s->intents, one, sizeof one);
}

static int run_bound(lg_store *s, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? LG_OK : lg__store_failed(s, rc, "be written");
}

static int write_intents(lg_store *s)
{
    sqlite3_stmt *put = s->intents.len > 0 ? lg__store_sql(s, LG_SQL_PUT_INTENT) : NULL;
    if (!put)
        return s->intents.len > 0 ? s->why.code : LG_OK;

    sqlite3_bind_int64(put, 1, s->run);
    sqlite3_bind_int64(put, 2, lg__store_now());
    sqlite3_bind_blob64(put, 3, s->intents.data, s->intents.len, SQLITE_STATIC);
    return run_bound(s, put);
}

/* What is packed into one row a turn of the run. */
static int write_packed(lg_store *s, int which, const lg_bytes *packed)
{
    bool any = packed->len > 0 && s->run;
    sqlite3_stmt *put = any ? lg__store_sql(s, which) : NULL;
    if (!put)
        return any ? s->why.code : LG_OK;

    sqlite3_bind_int64(put, 1, s->run);
    sqlite3_bind_blob64(put, 2, packed->data, packed->len, SQLITE_STATIC);
    return run_bound(s, put);
}

static int write_totals(lg_store *s)
{
    sqlite3_stmt *put = s->totals_changed && s->run ? lg__store_sql(s, LG_SQL_TOTALS) : NULL;
    if (!put)
        return s->totals_changed && s->run ? s->why.code : LG_OK;

    const lg_totals *t = &s->totals;
    sqlite3_bind_int64(put, 1, s->run);
    sqlite3_bind_int64(put, 2, (int64_t)t->calls);
    sqlite3_bind_int64(put, 3, (int64_t)t->served);
    sqlite3_bind_int64(put, 4, (int64_t)t->tokens_in);
    sqlite3_bind_int64(put, 5, (int64_t)t->tokens_out);
    sqlite3_bind_int64(put, 6, (int64_t)t->micros);
    return run_bound(s, put);
}

/* ---- room -------------------------------------------------------------------------- */

bool lg__store_full(const lg_store *s)
{
    return s->full;
}

static int fill_up(lg_store *s)
{
    int err = lg__store_fail(s, LG_ESTORE, false, "%s: the disk is full", s->path);
    lg__fail_hint(&s->why, s->mem,
                  "free some space and run again: what was stored is kept and not bought again");
    s->full = true;
    return err;
}

/* A reply takes its pages and some of the indexes'; a turn some more. File systems that
 * cannot promise space are left alone. */
int lg__store_room(lg_store *s, size_t calls)
{
    int err = lg__sync_start(&s->sync, s->log_path);
    int64_t now = (int64_t)s->log_pages * FRAME;
    int64_t need = ROOM_TURN + (int64_t)calls * (int64_t)(2 * FRAME + 2 * s->mean_bytes);
    if (err)
        return sync_failed(s, err);

    if (s->full || now + need <= s->room_end)
        return s->full ? s->why.code : LG_OK;

    int64_t end = now + need + ROOM_MORE;
    while ((err = fallocate(s->sync.fd, FALLOC_FL_KEEP_SIZE, 0, end)) != 0 && errno == EINTR) {
    }
    if (err && (errno == ENOSPC || errno == EDQUOT))
        return fill_up(s);

    s->room_end = end;
    return LG_OK;
}

/* ---- commit ---------------------------------------------------------------------- */

void lg__store_cut(lg_store *s)
{
    s->is_cut = true;
}

static int checkpoint_pages(const lg_store *s)
{
    return s->is_cut ? CUT_PAGES : CHECKPOINT_PAGES;
}

static void checkpoint(lg_store *s)
{
    if (s->log_pages < s->next_checkpoint)
        return;

    int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if ((rc & 0xff) == SQLITE_FULL)
        fill_up(s); /* the log still takes what is in flight */
    else if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
        lg__store_failed(s, rc, "take what its log holds");

    s->next_checkpoint = s->log_pages + CHECKPOINT_AGAIN;
}

static int ask_sync(lg_store *s)
{
    int err = lg__sync_start(&s->sync, s->log_path);
    if (err)
        return sync_failed(s, err);

    lg__sync_ask(&s->sync);
    return LG_OK;
}

void lg__store_rollback(lg_store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);

    s->in_turn = false;
    LG_TRACE(s->log, "turn %llu: begun -> undone", next_turn(s));
    lg__store_unlock(s);
}

int lg__store_commit(lg_store *s)
{
    sqlite3_stmt *commit = lg__store_sql(s, LG_SQL_COMMIT);
    int err = commit ? write_intents(s) : s->why.code;
    err = err ? err : write_packed(s, LG_SQL_PUT_USED, &s->used);
    err = err ? err : write_packed(s, LG_SQL_PUT_PURPOSES, &s->purposes);
    err = err ? err : write_totals(s);
    err = err ? err : lg__store_run_queue(s);
    err = err ? err : lg__tail_index(s, s->is_cut ? CUT_ROWS : INDEX_ROWS);
    if (!err) {
        int rc = sqlite3_step(commit);
        sqlite3_reset(commit);
        err = rc == SQLITE_DONE ? LG_OK : lg__store_failed(s, rc, "be written");
    }
    if (err) {
        lg__store_rollback(s);
        return err;
    }
    s->in_turn = false;
    LG_TRACE(s->log, "turn %llu: begun -> committed (%zu intents)", next_turn(s),
             s->intents.len / LG_INTENT_BYTES);
    s->wrote = true;
    s->totals_changed = false;
    lg__bytes_clear(&s->used);
    lg__bytes_clear(&s->purposes);
    uint32_t foreign = s->foreign;
    lg__store_notice(s);
    s->foreign = foreign; /* that was ourselves */
    if (s->log_pages < checkpoint_pages(s))
        s->next_checkpoint = checkpoint_pages(s);

    err = ask_sync(s);
    checkpoint(s);
    lg__store_unlock(s);
    return err;
}

bool lg__store_is_durable(const lg_store *s)
{
    return s->durable;
}

uint64_t lg__store_committed(const lg_store *s)
{
    return s->sync.wanted;
}

static bool look_at_sync(lg_store *s, uint64_t commit)
{
    bool reached = lg__sync_reached(&s->sync, commit);
    tell_synced(s);
    return reached;
}

bool lg__store_reached(lg_store *s, uint64_t commit)
{
    return !s->durable || look_at_sync(s, commit);
}

void lg__store_wait(lg_store *s)
{
    if (s->durable) {
        lg__sync_wait(&s->sync);
        tell_synced(s);
    }
}

int lg__store_sync_fd(const lg_store *s)
{
    return s->sync.event_fd;
}

bool lg__store_tick(lg_store *s)
{
    return !look_at_sync(s, s->sync.wanted);
}
