/* store_sql.c - statements of the binding: queued writes, one cursor, maintenance.
 *
 * Not for hosts: tables and columns are docs/store.md's word, not the API's. */
#include "store/sqlite/store_internal.h"

#include <string.h>

static int bad_sql(lg_store *s)
{
    return lg__store_fail(s, LG_EINVAL, false, "SQL: %s", sqlite3_errmsg(s->db));
}

void lg__store_bind(sqlite3_stmt *stmt, int at, const lg_cell *c)
{
    switch (c->type) {
    case LG_CELL_INT:
        sqlite3_bind_int64(stmt, at, c->i);
        break;
    case LG_CELL_REAL:
        sqlite3_bind_double(stmt, at, c->d);
        break;
    case LG_CELL_TEXT:
        sqlite3_bind_text64(stmt, at, c->s, c->len, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case LG_CELL_BLOB:
        sqlite3_bind_blob64(stmt, at, c->s, c->len, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_bind_null(stmt, at);
    }
}

/* One statement, bound. 0, LG_EINVAL, LG_E… */
static int prepare(lg_store *s, const char *sql, const lg_cell *cells, size_t n, bool reads,
                   sqlite3_stmt **out)
{
    const char *rest = "";
    *out = NULL;
    if (s->broken)
        return s->why.code;

    int rc = sqlite3_prepare_v2(s->db, sql, -1, out, &rest);
    if (rc == SQLITE_ERROR)
        return bad_sql(s);

    if (rc != SQLITE_OK)
        return lg__store_failed(s, rc, "be read");

    bool one = *out && rest[strspn(rest, " \t\r\n;")] == '\0';
    if (!one || (sqlite3_stmt_readonly(*out) != 0) != reads ||
        n > (size_t)sqlite3_bind_parameter_count(*out)) {
        sqlite3_finalize(*out);
        *out = NULL;
        return lg__store_fail(s, LG_EINVAL, false,
                              "SQL: expected one statement that %s, with %zu "
                              "parameters at least: %.200s",
                              reads ? "reads" : "writes", n, sql);
    }
    for (size_t i = 0; i < n; i++)
        lg__store_bind(*out, (int)i + 1, &cells[i]);

    return LG_OK;
}

/* ---- the queue ----------------------------------------------------------------- */

int lg__store_exec(lg_store *s, const char *sql, const lg_cell *cells, size_t n)
{
    sqlite3_stmt *stmt;
    int err = prepare(s, sql, cells, n, false, &stmt);
    if (err)
        return err;

    lg_queued *q = lg__mem_zero(s->mem, sizeof *q);
    if (!q) {
        sqlite3_finalize(stmt);
        return lg__store_fail(s, LG_ENOMEM, false, "%s", lg_error_text(LG_ENOMEM));
    }
    q->stmt = stmt;
    *s->queue_end = q;
    s->queue_end = &q->next;
    s->n_queued++;
    return LG_OK;
}

int lg__store_remember(lg_store *s, const unsigned char key[32], const char *name, const char *word)
{
    const lg_cell cells[] = {
        {.type = LG_CELL_BLOB, .s = (const char *)key, .len = 32},
        {.type = LG_CELL_INT, .i = s->run},
        {.type = LG_CELL_TEXT, .s = name, .len = strlen(name)},
        {.type = LG_CELL_TEXT, .s = word, .len = strlen(word)},
        {.type = LG_CELL_INT, .i = lg__store_now()},
    };
    return lg__store_exec(s, lg__store_text(LG_SQL_REMEMBER), cells, sizeof cells / sizeof *cells);
}

size_t lg__store_queued(const lg_store *s)
{
    return s->n_queued;
}

void lg__store_drop_queue(lg_store *s)
{
    while (s->queue) {
        lg_queued *q = s->queue;
        s->queue = q->next;
        sqlite3_finalize(q->stmt);
        lg__mem_free(s->mem, q, sizeof *q);
    }
    s->queue_end = &s->queue;
    s->n_queued = 0;
}

/* A statement that breaks a rule of the tables is a mistake of ours, and no reason to
 * lose a turn of paid replies. */
int lg__store_run_queue(lg_store *s)
{
    for (lg_queued *q = s->queue; q; q = q->next) {
        int rc = sqlite3_step(q->stmt);
        sqlite3_reset(q->stmt);
        if ((rc & 0xff) == SQLITE_CONSTRAINT || (rc & 0xff) == SQLITE_MISMATCH) {
            if (s->log) {
                lg__log_line(s->log, LG_LOG_WARN, "%s: a record was refused: %s", s->path,
                             sqlite3_errmsg(s->db));
            }
        } else if (rc != SQLITE_DONE && rc != SQLITE_ROW) {
            return lg__store_failed(s, rc, "be written");
        }
    }
    lg__store_drop_queue(s);
    return LG_OK;
}

/* ---- the cursor ---------------------------------------------------------------- */

int lg__store_query(lg_store *s, const char *sql, const lg_cell *cells, size_t n)
{
    sqlite3_finalize(s->cursor);
    return prepare(s, sql, cells, n, true, &s->cursor);
}

int lg__store_row(lg_store *s)
{
    int rc = s->cursor ? sqlite3_step(s->cursor) : SQLITE_DONE;
    if (rc == SQLITE_ROW)
        return 1;

    int err = rc == SQLITE_DONE    ? LG_OK
              : rc == SQLITE_ERROR ? bad_sql(s)
                                   : lg__store_failed(s, rc, "be read");
    sqlite3_finalize(s->cursor);
    s->cursor = NULL;
    return err;
}

size_t lg__store_columns(const lg_store *s)
{
    return s->cursor ? (size_t)sqlite3_column_count(s->cursor) : 0;
}

const char *lg__store_column(const lg_store *s, size_t i)
{
    return s->cursor ? sqlite3_column_name(s->cursor, (int)i) : NULL;
}

void lg__store_column_cell(sqlite3_stmt *stmt, int at, lg_cell *out)
{
    *out = (lg_cell){.type = LG_CELL_NULL};
    switch (stmt ? sqlite3_column_type(stmt, at) : SQLITE_NULL) {
    case SQLITE_INTEGER:
        out->type = LG_CELL_INT;
        out->i = sqlite3_column_int64(stmt, at);
        break;
    case SQLITE_FLOAT:
        out->type = LG_CELL_REAL;
        out->d = sqlite3_column_double(stmt, at);
        break;
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        out->type = sqlite3_column_type(stmt, at) == SQLITE_TEXT ? LG_CELL_TEXT : LG_CELL_BLOB;
        out->s = sqlite3_column_blob(stmt, at);
        out->len = (size_t)sqlite3_column_bytes(stmt, at);
        out->s = out->s ? out->s : "";
        break;
    default:
        break;
    }
}

void lg__store_cell(const lg_store *s, size_t i, lg_cell *out)
{
    lg__store_column_cell(s->cursor, (int)i, out);
}

/* ---- maintenance --------------------------------------------------------------- */

int lg__store_maintain(lg_store *s, const char *sql, const lg_cell *cells, size_t n,
                       int64_t *changed)
{
    sqlite3_stmt *stmt;
    *changed = 0;
    int err = prepare(s, sql, cells, n, false, &stmt);
    err = err ? err : lg__store_lock_wait(s);
    if (!err) {
        int rc = sqlite3_step(stmt);
        err = rc == SQLITE_DONE || rc == SQLITE_ROW ? LG_OK
              : rc == SQLITE_ERROR                  ? bad_sql(s)
                                                    : lg__store_failed(s, rc, "be written");
        *changed = err ? 0 : sqlite3_changes64(s->db);
        err = err ? err
                  : lg__store_do(s, "DELETE FROM reply_key WHERE NOT EXISTS("
                                    "SELECT 1 FROM reply WHERE id=reply_id)");
        s->wrote = true;
        lg__store_unlock(s);
    }
    sqlite3_finalize(stmt);
    return err;
}
