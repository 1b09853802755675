/* store_base.c - what every file of the store needs: its clock, what its failures are called,
 * its statements, its lock. */
#include "store/sqlite/store_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>

enum { POLL_MS = 5 };

/* ---- time ---------------------------------------------------------------------- */

static int64_t clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t lg__store_now(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t lg__store_ticks(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* ---- failures ------------------------------------------------------------------ */

int lg__store_fail(lg_store *s, int code, bool final, const char *fmt, ...)
{
    va_list args;
    char text[1024];
    if (s->broken || (s->full && !final))
        return s->broken ? s->why.code : code; /* the first one counts */

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    lg__fail_set(&s->why, s->mem, code, "%s", text);
    s->broken = final;
    return code;
}

static const char *hint_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return "free some space and run again: what was stored is kept and not bought again";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "move it away, or save what it holds with: sqlite3 store.db .recover";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "end the program that holds it, and run again";
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return LG_STORE_WRITABLE;
    default:
        return NULL;
    }
}

static const char *text_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return "the disk is full";
    case SQLITE_CORRUPT:
        return "it is damaged";
    case SQLITE_NOTADB:
        return "it is damaged, or no database";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another program keeps it locked";
    case SQLITE_READONLY:
        return "it cannot be written";
    default:
        return sqlite3_errstr(rc);
    }
}

#define LIMITED "files may not become larger here: raise ulimit -f, or keep no store"

/* SQLite does not say so when that was why. */
static bool is_limited(void)
{
    struct rlimit most;
    return getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY;
}

int lg__store_failed(lg_store *s, int rc, const char *what)
{
    bool busy = (rc & 0xff) == SQLITE_BUSY;
    int code = (rc & 0xff) == SQLITE_NOMEM ? LG_ENOMEM : LG_ESTORE;
    int sys = s->db ? sqlite3_system_errno(s->db) : 0;
    bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
    if (io && (sys == ENOSPC || sys == EDQUOT)) {
        rc = SQLITE_FULL;
        io = false;
    }
    code = lg__store_fail(s, code, !busy && code != LG_ENOMEM, "%s: cannot %s: %s%s%s%s", s->path,
                          what, text_of(rc), io && sys ? " (" : "",
                          io && sys ? lg__errno_text(sys) : "", io && sys ? ")" : "");
    const char *hint = io && is_limited() ? LIMITED : hint_of(rc);
    if (hint && !s->why.hint)
        lg__fail_hint(&s->why, s->mem, "%s", hint);

    return code;
}

const lg_fail *lg__store_why(const lg_store *s)
{
    return &s->why;
}

bool lg__store_broken(const lg_store *s)
{
    return s->broken;
}

const char *lg__store_version(bool *fts5)
{
    *fts5 = sqlite3_compileoption_used("ENABLE_FTS5") != 0;
    return sqlite3_libversion();
}

const char *lg__store_dir(const lg_store *s)
{
    return s->dir;
}

/* ---- statements ---------------------------------------------------------------- */

const char *lg__store_text(int which)
{
    static const char *const texts[] = {
        [LG_SQL_BEGIN] = "BEGIN IMMEDIATE",
        [LG_SQL_COMMIT] = "COMMIT",
        [LG_SQL_ROLLBACK] = "ROLLBACK",
        [LG_SQL_READ] = "BEGIN",
        [LG_SQL_FIND] = "SELECT r.status, r.content_type, r.request_id, r.sum, r.body, r.id "
                        "FROM reply_key k JOIN reply r ON r.id=k.reply_id "
                        "WHERE k.key=?1 AND r.key=?1",
        [LG_SQL_FIND_ID] = "SELECT status, content_type, request_id, sum, body, id FROM reply "
                           "WHERE id=?2 AND key=?1",
        [LG_SQL_FIND_BAD] = "SELECT status, content_type, '', NULL, body, 0 FROM attempt "
                            "WHERE key=?1 AND body IS NOT NULL ORDER BY id DESC LIMIT 1",
        [LG_SQL_PUT_REPLY] =
            "INSERT INTO reply(id, key, run_id, kind, model, endpoint, status, content_type, "
            "request_id, finish_reason, input, cached, cache_write, output, reasoning, micros, "
            "unpriced, latency_us, created_us, sum, request, body)VALUES(?22, ?1, ?2, ?3, ?4, ?5, "
            "?6, "
            "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
        [LG_SQL_DROP_REPLY] = "DELETE FROM reply WHERE id=?1",
        [LG_SQL_PUT_ATTEMPT] =
            "INSERT INTO attempt(run_id, key, number, code, ambiguous, message, created_us, "
            "status, content_type, input, output, micros, body) "
            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        [LG_SQL_PUT_INTENT] = "INSERT INTO intent(run_id, created_us, packed) VALUES(?1, ?2, ?3)",
        [LG_SQL_PUT_USED] = "INSERT INTO used(run_id, packed) VALUES(?1, ?2)",
        [LG_SQL_PUT_PURPOSES] = "INSERT INTO purposes(run_id, packed) VALUES(?1, ?2)",
        [LG_SQL_FIND_RESULT] = "SELECT text, score, target FROM tool_result WHERE key=?1",
        [LG_SQL_PUT_RESULT] =
            "INSERT INTO tool_result(key, run_id, name, version, text, score, target, created_us) "
            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(key) DO NOTHING",
        [LG_SQL_REMEMBER] =
            "INSERT OR REPLACE INTO tool_result(key, run_id, name, version, text, created_us) "
            "VALUES(?1, ?2, ?3, '', ?4, ?5)",
        [LG_SQL_TOTALS] = "UPDATE run SET calls=?2, served=?3, tokens_in=?4, tokens_out=?5, "
                          "micros=?6 WHERE id=?1",
        [LG_SQL_TAIL] = "SELECT id, key FROM reply WHERE id>?1 ORDER BY id",
        [LG_SQL_INDEX] = "INSERT OR REPLACE INTO reply_key(key, reply_id) VALUES(?1, ?2)",
        [LG_SQL_INTENTS] = "SELECT id, created_us, run_id, packed FROM intent WHERE id>?1 "
                           "ORDER BY id DESC",
        [LG_SQL_ATTEMPTS] = "SELECT id, created_us, run_id, key FROM attempt WHERE id>?1 "
                            "ORDER BY id DESC",
        [LG_SQL_INDEXED] = "UPDATE reply_indexed SET upto=?1 WHERE upto<?1",
    };
    _Static_assert(sizeof texts / sizeof *texts == LG_SQLS, "a text for each");
    return texts[which];
}

sqlite3_stmt *lg__store_sql(lg_store *s, int which)
{
    if (!s->sql[which]) {
        int rc = sqlite3_prepare_v3(s->db, lg__store_text(which), -1, SQLITE_PREPARE_PERSISTENT,
                                    &s->sql[which], NULL);
        if (rc != SQLITE_OK)
            lg__store_failed(s, rc, "be used");
    }
    return s->sql[which];
}

int lg__store_step(lg_store *s, int which)
{
    sqlite3_stmt *stmt = lg__store_sql(s, which);
    if (!stmt)
        return s->why.code;

    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE ? LG_OK : lg__store_failed(s, rc, "be written");
}

int lg__store_do(lg_store *s, const char *sql)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? LG_OK : lg__store_failed(s, rc, "be used");
}

int64_t lg__store_int(lg_store *s, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *stmt = NULL;
    int64_t n = otherwise;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        n = sqlite3_column_int64(stmt, 0);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        lg__store_failed(s, rc, "be read");

    sqlite3_finalize(stmt);
    return n;
}

/* ---- the lock ------------------------------------------------------------------ */

int lg__store_lock(lg_store *s)
{
    while (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return LG_STORE_BUSY;

        if (errno != EINTR) {
            return lg__store_fail(s, LG_ESTORE, true, "%s: cannot be locked: %s", s->lock_path,
                                  lg__errno_text(errno));
        }
    }
    return LG_OK;
}

static void nap(void)
{
    poll(NULL, 0, POLL_MS);
}

int lg__store_lock_within(lg_store *s, int ms)
{
    int64_t until = lg__store_ticks() + (int64_t)ms * 1000;
    int err;
    while ((err = lg__store_lock(s)) == LG_STORE_BUSY && lg__store_ticks() < until)
        nap();

    return err;
}

int lg__store_lock_wait(lg_store *s)
{
    int err = lg__store_lock_within(s, s->wait_ms);
    if (err != LG_STORE_BUSY)
        return err;

    err = lg__store_fail(s, LG_ESTORE, false, "%s: another process has held it for %d s",
                         s->lock_path, s->wait_ms / 1000);
    lg__fail_hint(&s->why, s->mem, "%s", hint_of(SQLITE_BUSY));
    return err;
}

void lg__store_unlock(lg_store *s)
{
    flock(s->lock_fd, LOCK_UN);
}

void lg__store_notice(lg_store *s)
{
    uint32_t v = 0;
    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_DATA_VERSION, &v);
    s->foreign += v != s->version;
    s->version = v;
}
