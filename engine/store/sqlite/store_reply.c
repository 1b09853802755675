/* store_reply.c - replies and tools' results: found by key, written in a turn.
 *
 * What is stored of a reply is the bytes that came; it is read by the dialect each
 * time it is served, so that a mistake in reading costs nothing. A sum over key and
 * bytes tells a damaged row. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/media.h"
#include "base/sha256.h"
#include "store/sqlite/store_internal.h"

/* ---- a sum against damage ------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t sum_bytes(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    h = mix(h, len);
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        h = mix(h, le64toh(x));
    }
    uint64_t x = 0;
    for (size_t i = 0; i < len; i++)
        x = x << 8 | p[i];

    return mix(h, x);
}

static int64_t sum_of(const unsigned char key[32], int status, const char *type, const char *body,
                      size_t len)
{
    uint64_t h = sum_bytes((uint64_t)status, key, 32);
    h = sum_bytes(h, type, strlen(type));
    return (int64_t)sum_bytes(h, body, len);
}

/* ---- finding ------------------------------------------------------------------- */

static const char *text_at(sqlite3_stmt *row, int column)
{
    const char *s = (const char *)sqlite3_column_text(row, column);
    return s ? s : "";
}

static void tell_unfit(lg_store *s, const lg_request *r, const char *why)
{
    if (s->log) {
        lg__log_line(s->log, LG_LOG_WARN,
                     "%s: a stored reply cannot be used, so it is asked for "
                     "again: %s",
                     r->model->name, why);
    }
}

/* As it came. The body is the row's: a is not to be freed. */
static void read_row(lg_store *s, lg_attempt *a, sqlite3_stmt *row)
{
    lg__attempt_init(a, s->mem, LG_BYTES_MAX);
    a->status = sqlite3_column_int(row, 0);
    snprintf(a->content_type, sizeof a->content_type, "%s", text_at(row, 1));
    snprintf(a->request_id, sizeof a->request_id, "%s", text_at(row, 2));
    a->body.data = (char *)sqlite3_column_blob(row, 4);
    a->body.len = (size_t)sqlite3_column_bytes(row, 4);
}

/* The row's bytes as a reply. 1, 0, LG_ENOMEM. */
static int serve(lg_store *s, lg_request *r, sqlite3_stmt *row)
{
    lg_attempt a;
    lg_asked asked = lg__request_asked(r);
    read_row(s, &a, row);
    if (sqlite3_column_type(row, 3) != SQLITE_NULL &&
        sqlite3_column_int64(row, 3) !=
            sum_of(r->key, a.status, a.content_type, lg__attempt_body(&a), a.body.len)) {
        tell_unfit(s, r, "it is damaged");
        return 0;
    }
    lg__reply_free(&r->reply);
    lg__provider_decode(s->mem, r->model, &a, &asked, &r->reply);
    if (r->reply.fail.code == LG_OK)
        return 1;

    int code = r->reply.fail.code;
    if (code != LG_ENOMEM && sqlite3_column_type(row, 3) != SQLITE_NULL)
        tell_unfit(s, r, lg__fail_message(&r->reply.fail));

    lg__reply_free(&r->reply);
    return code == LG_ENOMEM ? LG_ENOMEM : 0;
}

/* 1, 0, LG_E…; *id: of the row that was there. */
static int find(lg_store *s, lg_request *r, int which, int64_t *id)
{
    sqlite3_stmt *row = lg__store_sql(s, which);
    if (!row)
        return s->why.code;

    int found = 0;
    sqlite3_bind_blob(row, 1, r->key, sizeof r->key, SQLITE_STATIC);
    if (which == LG_SQL_FIND_ID)
        sqlite3_bind_int64(row, 2, *id);

    int rc = sqlite3_step(row);
    *id = 0;
    if (rc == SQLITE_ROW) {
        *id = sqlite3_column_int64(row, 5);
        found = serve(s, r, row);
    } else if (rc != SQLITE_DONE) {
        found = lg__store_failed(s, rc, "be read");
    }
    sqlite3_reset(row);
    return found;
}

/* Replies that are not in the index yet, of others too. */
static int find_new(lg_store *s, lg_request *r, int64_t *id)
{
    lg__store_notice(s);
    int err = s->tail.foreign != s->foreign ? lg__tail_learn(s) : LG_OK;
    *id = err ? 0 : lg__tail_find(s, r->key);
    return err ? err : *id ? find(s, r, LG_SQL_FIND_ID, id) : 0;
}

static int begin_reading(lg_store *s)
{
    if (s->in_turn || s->reading)
        return LG_OK;

    int err = lg__store_step(s, LG_SQL_READ);
    s->reading = !err;
    return err;
}

void lg__store_end_reading(lg_store *s)
{
    if (s->reading) {
        s->reading = false;
        lg__store_step(s, LG_SQL_COMMIT);
    }
}

/* For an export of the run; without memory for it that lacks a line. */
static void note_use(lg_store *s, int64_t id)
{
    uint64_t packed = htole64((uint64_t)id);
    if (s->run && id > 0 && !s->read_only)
        (void)lg__bytes_add(&s->used, &packed, sizeof packed);
}

/* Without memory for it that call stands by itself. */
void lg__store_note_purpose(lg_store *s, uint64_t purpose, int64_t row)
{
    uint64_t packed[2] = {htole64(purpose), htole64((uint64_t)row)};
    _Static_assert(sizeof packed == LG_PURPOSE_BYTES, "as it is read");
    if (s->run && !s->read_only)
        (void)lg__bytes_add(&s->purposes, packed, sizeof packed);
}

int lg__store_find(lg_store *s, lg_request *r)
{
    int64_t old = 0, new = 0, bad = 0;
    if (s->broken)
        return s->why.code;

    int found = begin_reading(s);
    found = found ? found : find(s, r, LG_SQL_FIND, &old);
    found = found ? found : find_new(s, r, &new);
    if (found == 0 && s->has_bad)
        found = find(s, r, LG_SQL_FIND_BAD, &bad);

    r->row = found >= 0 ? (new ? new : old) : 0;
    r->unfit = found == 0 && r->row;
    if (found == 1)
        note_use(s, r->row);

    r->looked = s->foreign;
    return found;
}

bool lg__store_is_stale(const lg_store *s, const lg_request *r)
{
    return r->looked != s->foreign;
}

/* ---- writing replies ----------------------------------------------------------- */

static void bind_text(sqlite3_stmt *to, int at, const char *s)
{
    sqlite3_bind_text(to, at, s, -1, SQLITE_STATIC);
}

static void bind_known(sqlite3_stmt *to, int at, bool known, int64_t n)
{
    if (known)
        sqlite3_bind_int64(to, at, n);
    else
        sqlite3_bind_null(to, at);
}

/* Nothing is left bound, so that nothing is read after it has gone. */
static int finish(lg_store *s, sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? LG_OK : lg__store_failed(s, rc, "be written");
}

/* Of a picture, sound or document no bytes: their SHA-256 says which it was. */
static void write_content(lg_bytes *b, const lg_text *t)
{
    bool bytes = t->media > LG_MEDIA_CALLS && !lg__media_is_url(t->media);
    if (t->media)
        lg__bytes_addf(b, ",\"media\":\"%s\"", lg__media_type(t->media));

    if (!bytes) {
        lg__bytes_adds(b, ",\"content\":");
        lg__json_write_string(b, t->data, t->len);
        return;
    }
    unsigned char digest[32];
    lg__sha256(t->data, t->len, digest);
    lg__bytes_adds(b, ",\"digest\":\"");
    for (size_t i = 0; i < sizeof digest; i++)
        lg__bytes_addf(b, "%02x", digest[i]);

    lg__bytes_addf(b, "\",\"bytes\":%zu", t->len);
}

/* What was asked, for people and for replays: messages, options, sample. */
static int write_request(const lg_request *r, lg_bytes *b)
{
    lg__bytes_clear(b);
    lg__bytes_adds(b, "{\"messages\":[");
    for (size_t i = 0; i < r->n_parts; i++) {
        lg__bytes_adds(b, i ? ",{\"role\":" : "{\"role\":");
        lg__json_write_string(b, r->part_roles[i], strlen(r->part_roles[i]));
        write_content(b, r->part_texts[i]);
        lg__bytes_addc(b, '}');
    }
    lg__bytes_adds(b, "],\"options\":{");
    for (size_t i = 0; i < r->n_options; i++) {
        lg__bytes_adds(b, i ? "," : "");
        lg__json_write_string(b, r->options[i].name, strlen(r->options[i].name));
        lg__bytes_addc(b, ':');
        lg__bytes_adds(b, r->options[i].value);
    }
    return lg__bytes_addf(b, "},\"sample\":%lu}", (unsigned long)r->sample);
}

static void bind_bought(sqlite3_stmt *to, const lg_bought *b)
{
    const lg_attempt *a = b->attempt;
    const lg_usage *u = &a->usage;
    const char *body = lg__attempt_body(a);
    bind_text(to, 7, a->content_type);
    bind_text(to, 8, a->request_id);
    bind_known(to, 10, a->has_usage, u->input);
    bind_known(to, 11, a->has_usage, u->cached);
    bind_known(to, 12, a->has_usage, u->cache_write);
    bind_known(to, 13, a->has_usage, u->output);
    bind_known(to, 14, a->has_usage, u->reasoning);
    bind_known(to, 15, a->micros >= 0, a->micros);
    sqlite3_bind_int(to, 16, a->micros < 0);
    sqlite3_bind_int64(to, 17, b->latency_us);
    sqlite3_bind_int64(to, 18, lg__store_now());
    sqlite3_bind_int64(to, 19, sum_of(b->key, a->status, a->content_type, body, a->body.len));
    sqlite3_bind_blob64(to, 21, body, a->body.len, SQLITE_STATIC);
}

static int drop_unfit(lg_store *s, lg_request *r)
{
    sqlite3_stmt *drop = r->unfit ? lg__store_sql(s, LG_SQL_DROP_REPLY) : NULL;
    if (!drop)
        return r->unfit ? s->why.code : LG_OK;

    sqlite3_bind_int64(drop, 1, r->row);
    r->row = 0;
    r->unfit = false;
    return finish(s, drop);
}

/* said: as what it ended. The body is kept where it is whole: of a reply that is none. */
static int put_attempt(lg_store *s, const lg_bought *b, const lg_fail *said, bool body)
{
    const lg_attempt *a = b->attempt;
    sqlite3_stmt *put = lg__store_sql(s, LG_SQL_PUT_ATTEMPT);
    if (!put)
        return s->why.code;

    sqlite3_bind_int64(put, 1, s->run);
    sqlite3_bind_blob(put, 2, b->key, 32, SQLITE_STATIC);
    sqlite3_bind_int(put, 3, b->number);
    bind_text(put, 4, lg_error_name(said->code));
    sqlite3_bind_int(put, 5, said->ambiguous);
    bind_text(put, 6, lg__fail_message(said));
    sqlite3_bind_int64(put, 7, lg__store_now());
    bind_known(put, 8, a->status > 0, a->status);
    bind_text(put, 9, a->content_type);
    bind_known(put, 10, a->has_usage, a->usage.input);
    bind_known(put, 11, a->has_usage, a->usage.output);
    bind_known(put, 12, a->micros >= 0, a->micros);
    if (body) {
        sqlite3_bind_blob64(put, 13, lg__attempt_body(a), a->body.len, SQLITE_STATIC);
        s->has_bad = true;
    }
    return finish(s, put);
}

/* Two runs bought the same at once: both go on with the reply that was first. */
static int put_twice(lg_store *s, const lg_bought *b)
{
    lg_fail twice;
    lg__fail_init(&twice);
    lg__fail_set(&twice, s->mem, LG_OK, "another run stored its reply to this first");
    int err = put_attempt(s, b, &twice, false);
    lg__fail_free(&twice);
    return err;
}

static int put_first(lg_store *s, lg_request *r, const lg_bought *b)
{
    sqlite3_stmt *put = lg__store_sql(s, LG_SQL_PUT_REPLY);
    int err = put ? write_request(r, &s->scratch) : s->why.code;
    if (err)
        return err;

    const char *query;
    size_t base = lg__model_base(r->model, &query);
    sqlite3_bind_blob(put, 1, b->key, 32, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, s->run);
    sqlite3_bind_int(put, 3, r->kind);
    bind_text(put, 4, r->model->name);
    sqlite3_bind_text(put, 5, base ? r->model->base_url : "", (int)base, SQLITE_STATIC);
    sqlite3_bind_int(put, 6, b->attempt->status);
    bind_text(put, 9, r->reply.finish_reason);
    bind_bought(put, b);
    sqlite3_bind_text64(put, 20, s->scratch.data, s->scratch.len, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_int64(put, 22, s->tail.seen + 1);
    s->mean_bytes = (s->mean_bytes * 15 + s->scratch.len + b->attempt->body.len) / 16;
    err = finish(s, put);
    r->row = err ? 0 : s->tail.seen + 1;
    return err ? err : lg__tail_add(s, b->key, s->tail.seen + 1);
}

int lg__store_put_reply(lg_store *s, lg_request *r, const lg_bought *b)
{
    if (lg__store_is_stale(s, r) && !r->model->fresh) {
        lg_reply own = r->reply;
        lg__reply_init(&r->reply);
        int found = lg__store_find(s, r);
        if (found == 1) {
            lg__reply_free(&own);
            return put_twice(s, b);
        }
        lg__reply_free(&r->reply);
        r->reply = own;
        if (found < 0)
            return found;
    }
    int err = drop_unfit(s, r);
    return err ? err : put_first(s, r, b);
}

int lg__store_put_attempt(lg_store *s, const lg_bought *b)
{
    return put_attempt(s, b, &b->attempt->said, lg__attempt_is_whole(b->attempt));
}

/* ---- tools' results ------------------------------------------------------------ */

int lg__store_tool_key(const char *name, const char *version, const lg_piece *inputs, size_t n,
                       lg_mem *m, unsigned char key[32])
{
    static const char schema[] = "lunagrad-tool-1";
    lg_piece *pieces = lg__mem_new(m, (n + 3) * sizeof *pieces);
    if (!pieces)
        return LG_ENOMEM;

    pieces[0] = (lg_piece){schema, sizeof schema - 1};
    pieces[1] = (lg_piece){name, strlen(name)};
    pieces[2] = (lg_piece){version, strlen(version)};
    memcpy(pieces + 3, inputs, n * sizeof *inputs);
    lg__digest(pieces, n + 3, key);
    lg__mem_free(m, pieces, (n + 3) * sizeof *pieces);
    return 0;
}

/* A text as it is; of another kind: a blob of its type, a NUL, and its bytes. 1, LG_ENOMEM;
 * 0: it cannot be read. */
static int read_result(lg_store *s, sqlite3_stmt *row, lg_text **out)
{
    bool blob = sqlite3_column_type(row, 0) == SQLITE_BLOB; /* before it is read as a text */
    const char *data = blob ? sqlite3_column_blob(row, 0) : text_at(row, 0);
    size_t len = (size_t)sqlite3_column_bytes(row, 0), head = 0;
    int media = LG_MEDIA_TEXT;
    if (blob) {
        head = data ? strnlen(data, len) + 1 : len + 1;
        media = head <= len ? lg__media_check(data, data + head, len - head) : -1;
    }
    if (media < 0)
        return 0;

    *out = lg__text_new_media(s->mem, media, data + head, len - head);
    return *out ? 1 : LG_ENOMEM;
}

static int bind_result(lg_store *s, sqlite3_stmt *put, const lg_result *t)
{
    if (t->media == LG_MEDIA_TEXT) {
        sqlite3_bind_text64(put, 5, t->text, t->len, SQLITE_STATIC, SQLITE_UTF8);
        return LG_OK;
    }
    const char *type = lg__media_type(t->media);
    lg__bytes_clear(&s->scratch);
    lg__bytes_add(&s->scratch, type, strlen(type) + 1);
    int err = lg__bytes_add(&s->scratch, t->text, t->len);
    sqlite3_bind_blob64(put, 5, s->scratch.data, s->scratch.len, SQLITE_STATIC);
    return err;
}

int lg__store_find_result(lg_store *s, const unsigned char key[32], lg_text **text, bool *has_score,
                          double *score, double *target)
{
    sqlite3_stmt *row = s->broken ? NULL : lg__store_sql(s, LG_SQL_FIND_RESULT);
    if (!row)
        return s->why.code;

    int found = 0;
    sqlite3_bind_blob(row, 1, key, 32, SQLITE_STATIC);
    int rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        found = read_result(s, row, text);
        *has_score = sqlite3_column_type(row, 1) != SQLITE_NULL;
        *score = sqlite3_column_double(row, 1);
        *target = sqlite3_column_double(row, 2);
    } else if (rc != SQLITE_DONE) {
        found = lg__store_failed(s, rc, "be read");
    }
    sqlite3_reset(row);
    return found;
}

int lg__store_put_result(lg_store *s, const lg_result *t)
{
    sqlite3_stmt *put = lg__store_sql(s, LG_SQL_PUT_RESULT);
    if (!put)
        return s->why.code;

    sqlite3_bind_blob(put, 1, t->key, 32, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, s->run);
    bind_text(put, 3, t->name);
    bind_text(put, 4, t->version);
    int err = bind_result(s, put, t);
    if (err) {
        sqlite3_clear_bindings(put);
        return err;
    }
    if (t->has_score) {
        sqlite3_bind_double(put, 6, t->score);
        sqlite3_bind_double(put, 7, t->target);
    }
    sqlite3_bind_int64(put, 8, lg__store_now());
    return finish(s, put);
}
