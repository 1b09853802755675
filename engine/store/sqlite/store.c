/* store.c - opening and closing a store.
 *
 * What all of its files need is store_base.c's; what is kept in it is in those beside this
 * one. */
#include "store/sqlite/store_internal.h"

#include <fcntl.h>
#include <unistd.h>

enum { WAIT_MS = 5000, CLOSE_WAIT_MS = 1000 };

/* ---- opening ------------------------------------------------------------------- */

static int open_db(lg_store *s)
{
    int flags = s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             s->below);
    if (rc != SQLITE_OK)
        return s->db ? lg__store_failed(s, rc, "be opened") : LG_ENOMEM;

    sqlite3_busy_timeout(s->db, s->read_only ? s->wait_ms : 50);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return lg__store_do(s, "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"
                           "PRAGMA cache_size=-1024; PRAGMA synchronous=NORMAL;"
                           "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864");
}

static int remember_pages(void *ud, sqlite3 *db, const char *name, int pages)
{
    lg_store *s = ud;
    (void)db;
    (void)name;
    s->room_end = pages < s->log_pages ? 0 : s->room_end; /* it began anew, maybe cut */
    s->log_pages = pages;
    return SQLITE_OK;
}

static void sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

static int open_all(lg_store *s, const lg_store_config *c)
{
    int err = lg__store_name_files(s, c->dir);
    err = err || s->read_only ? err : lg__store_make_dirs(s);
    err = err ? err : lg__store_check_files(s);
    if (err)
        return err;

    err = s->read_only ? LG_OK : lg__store_lock_wait(s);
    if (err)
        return err;

    if (!s->read_only)
        lg__store_make_file(s);

    err = open_db(s);
    err = err ? err : lg__store_migrate(s);
    err = err || s->read_only ? err : lg__store_make_private(s);
    if (!s->read_only)
        lg__store_unlock(s);

    if (err || s->read_only)
        return err;

    sqlite3_wal_hook(s->db, remember_pages, s);
    s->has_bad = lg__store_int(s, "SELECT EXISTS(SELECT 1 FROM attempt WHERE body IS NOT NULL)", 0);
    s->tail.seen = lg__store_int(s, "SELECT upto FROM reply_indexed", 0);
    lg__store_notice(s);
    sync_dir(s->dir);
    return s->why.code ? s->why.code : lg__tail_learn(s);
}

int lg__store_open(lg_mem *m, lg_log *log, const lg_store_config *c, lg_store **out, lg_fail *why)
{
    lg__fail_init(why);
    *out = NULL;
    lg_store *s = lg__mem_zero(m, sizeof *s);
    if (!s) {
        lg__fail_set(why, m, LG_ENOMEM, "%s", lg_error_text(LG_ENOMEM));
        return LG_ENOMEM;
    }
    s->mem = m;
    s->log = log;
    s->below = c->below;
    s->wait_ms = c->wait_ms > 0 ? c->wait_ms : WAIT_MS;
    s->durable = c->durable;
    s->read_only = c->read_only;
    s->mean_bytes = 4096;
    s->lock_fd = s->run_fd = s->claim_fd = s->sync.fd = s->sync.event_fd = -1;
    s->sync.sync = c->sync;
    s->sync.eager = c->durable;
    s->queue_end = &s->queue;
    lg__fail_init(&s->why);
    lg__bytes_init(&s->intents, m, LG_BYTES_MAX);
    lg__bytes_init(&s->used, m, LG_BYTES_MAX);
    lg__bytes_init(&s->purposes, m, LG_BYTES_MAX);
    lg__bytes_init(&s->scratch, m, LG_BYTES_MAX);
    lg__keymap_init(&s->lost, m);
    lg__keymap_init(&s->tail.map, m);
    lg__keymap_init(&s->others.map, m);
    int err = open_all(s, c);
    if (err) {
        lg__fail_copy(why, &s->why);
        why->code = err;
        lg__store_close(s);
        return err;
    }
    *out = s;
    return LG_OK;
}

/* ---- closing ------------------------------------------------------------------- */

/* All that was written moves into the database, if nobody reads or writes just now. */
static void tidy(lg_store *s)
{
    s->wait_ms = CLOSE_WAIT_MS;
    if (s->wrote && s->tail.n > 0 && !lg__store_begin_wait(s)) {
        if (lg__tail_index(s, 1))
            lg__store_rollback(s);
        else
            lg__store_commit(s);
    }
    if (s->wrote && !s->broken && lg__store_lock_within(s, CLOSE_WAIT_MS) == LG_OK) {
        sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        lg__store_unlock(s);
    }
}

void lg__store_close(lg_store *s)
{
    if (!s)
        return;

    if (s->in_turn)
        lg__store_rollback(s);

    lg__store_drop_queue(s);
    sqlite3_finalize(s->cursor);
    lg__store_end_reading(s);
    if (s->db && !s->read_only)
        tidy(s);

    for (int i = 0; i < LG_SQLS; i++) {
        sqlite3_finalize(s->sql[i]);
        s->sql[i] = NULL;
    }
    lg__sync_stop(&s->sync);
    sqlite3_close(s->db);
    lg__store_run_close(s);
    lg__claims_close(s);
    if (s->lock_fd >= 0)
        close(s->lock_fd);

    lg_mem *m = s->mem;
    char *paths[] = {s->dir, s->path, s->log_path, s->lock_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        lg__mem_strfree(m, paths[i]);

    lg__fail_free(&s->why);
    lg__bytes_free(&s->intents);
    lg__bytes_free(&s->used);
    lg__bytes_free(&s->purposes);
    lg__bytes_free(&s->scratch);
    lg__keymap_free(&s->lost);
    lg__tail_free(s);
    lg__others_free(s);
    lg__mem_free(m, s, sizeof *s);
}
