/* store_index.c - the database of a retriever: opened, asked, closed.
 *
 * With SQLite's rollback journal and not the store's log: it is written seldom, and
 * several processes may have it open. */
#include "store/store_index.h"

#include <string.h>

#include "store/sqlite/store_internal.h"

enum { WAIT_MS = 5000 };

struct lg_index {
    lg_mem *mem;
    char *path; /* for messages */
    sqlite3 *db;
    sqlite3_stmt *stmt; /* the one that runs, or NULL */
    lg_fail why;
};

size_t lg__index_bytes(const lg_index *x)
{
    int now = 0, most = 0;
    if (!x->path)
        sqlite3_db_status(x->db, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0);
    return now > 0 ? (size_t)now : 0;
}

static int failed(lg_index *x, int rc)
{
    int code = rc == SQLITE_ERROR || rc == SQLITE_MISUSE ? LG_EINVAL
               : rc == SQLITE_NOMEM                      ? LG_ENOMEM
                                                         : LG_ESTORE;
    lg__fail_set(&x->why, x->mem, code, "%s: %s", x->path ? x->path : "index",
                 x->db ? sqlite3_errmsg(x->db) : sqlite3_errstr(rc));
    if ((rc & 0xff) == SQLITE_BUSY)
        lg__fail_hint(&x->why, x->mem, "another process is writing it; try again");
    else if ((rc & 0xff) == SQLITE_NOTADB)
        lg__fail_hint(&x->why, x->mem, "name another file: this one is no index");

    return code;
}

static int connect(lg_index *x, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path ? path : ":memory:", &x->db, flags, NULL);
    if (rc != SQLITE_OK)
        return failed(x, rc);

    sqlite3_busy_timeout(x->db, WAIT_MS);
    sqlite3_limit(x->db, SQLITE_LIMIT_ATTACHED, 0); /* no statement opens another file */
    rc = sqlite3_exec(x->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return failed(x, rc);

    if (!sqlite3_compileoption_used("ENABLE_FTS5")) {
        lg__fail_set(&x->why, x->mem, LG_ESTORE, "this SQLite (%s) has no FTS5",
                     sqlite3_libversion());
        lg__fail_hint(&x->why, x->mem, "install one that was built with it");
        return LG_ESTORE;
    }
    return LG_OK;
}

int lg__index_open(lg_mem *m, const char *path, lg_index **out, lg_fail *why)
{
    lg__fail_init(why);
    *out = NULL;
    lg_index *x = lg__mem_zero(m, sizeof *x);
    if (!x) {
        lg__fail_set(why, m, LG_ENOMEM, "%s", lg_error_text(LG_ENOMEM));
        return LG_ENOMEM;
    }
    x->mem = m;
    lg__fail_init(&x->why);
    x->path = lg__mem_strdup(m, path);
    int err = path && !x->path ? LG_ENOMEM : connect(x, path);
    if (err) {
        lg__fail_copy(why, &x->why);
        why->code = err;
        lg__index_close(x);
        return err;
    }
    *out = x;
    return LG_OK;
}

void lg__index_close(lg_index *x)
{
    sqlite3_finalize(x->stmt);
    sqlite3_close(x->db);
    lg__fail_free(&x->why);
    lg__mem_strfree(x->mem, x->path);
    lg__mem_free(x->mem, x, sizeof *x);
}

const lg_fail *lg__index_why(const lg_index *x)
{
    return &x->why;
}

int lg__index_do(lg_index *x, const char *sql, const lg_cell *cells, size_t n)
{
    sqlite3_finalize(x->stmt);
    x->stmt = NULL;
    int rc = sqlite3_prepare_v2(x->db, sql, -1, &x->stmt, NULL);
    if (rc != SQLITE_OK)
        return failed(x, rc);

    if (n > (size_t)sqlite3_bind_parameter_count(x->stmt))
        return failed(x, SQLITE_MISUSE);

    for (size_t i = 0; i < n; i++)
        lg__store_bind(x->stmt, (int)i + 1, &cells[i]);

    return LG_OK;
}

int lg__index_row(lg_index *x)
{
    int rc = x->stmt ? sqlite3_step(x->stmt) : SQLITE_DONE;
    if (rc == SQLITE_ROW)
        return 1;

    int err = rc == SQLITE_DONE ? LG_OK : failed(x, rc);
    sqlite3_finalize(x->stmt);
    x->stmt = NULL;
    return err;
}

size_t lg__index_columns(const lg_index *x)
{
    return x->stmt ? (size_t)sqlite3_column_count(x->stmt) : 0;
}

const char *lg__index_column(const lg_index *x, size_t i)
{
    return x->stmt ? sqlite3_column_name(x->stmt, (int)i) : NULL;
}

void lg__index_cell(const lg_index *x, size_t i, lg_cell *out)
{
    lg__store_column_cell(x->stmt, (int)i, out);
}
