/* provider_refusal.c - error bodies: their shapes, and what they mean.
 *
 * Not the dialects (provider_*.c) and not the policy of retries (sched.c), for
 * which it only says what could be tried again. */
#include "model/provider_refusal.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/provider_refused.h"
#include "model/provider_words.h"

enum {
    MESSAGE_CHARS = 300, /* of a server's message that go into ours */
    QUOTE_WINDOW = 8192, /* bytes looked at for a quote */
    QUOTE_SPARE = 4096   /* of these, only to see secrets whole */
};

/* ---- quoting ----------------------------------------------------------- */

/* Length of the character at s; 0: not UTF-8. */
static size_t char_size(const char *s, size_t len)
{
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return n <= len && lg_utf8_check(s, n) < 0 ? n : 0;
}

/* Breaks, controls and direction marks: a message must stay one plain line. */
static bool is_blank(const char *s, size_t n)
{
    unsigned char a = (unsigned char)s[0], b = n > 1 ? (unsigned char)s[1] : 0,
                  c = n > 2 ? (unsigned char)s[2] : 0;
    if (n == 1)
        return a <= 0x20 || a == 0x7F;

    if (n == 2)
        return a == 0xC2 && b <= 0xA0;

    return n == 3 && a == 0xE2 &&
           ((b == 0x80 && c >= 0xA8 && c <= 0xAE) || (b == 0x81 && c >= 0xA6 && c <= 0xA9));
}

static void add_clean(lg_bytes *out, const char *s, size_t len, size_t max_chars)
{
    size_t chars = 0;
    bool gap = false;
    for (size_t at = 0; at < len;) {
        size_t n = char_size(s + at, len - at);
        if (n > 0 && is_blank(s + at, n)) {
            gap = chars > 0;
            at += n;
            continue;
        }
        if (chars + (gap ? 1 : 0) >= max_chars) {
            lg__bytes_adds(out, "\xE2\x80\xA6");
            return;
        }
        chars += gap ? 2 : 1;
        if (gap)
            lg__bytes_addc(out, ' ');

        gap = false;
        lg__bytes_add(out, n ? s + at : "\xEF\xBF\xBD", n ? n : 3);
        at += n ? n : 1;
    }
}

/* Secrets go first and cut comes last, or half a key could be left. */
void lg__refusal_quote(lg_bytes *out, const lg_model *model, const char *s, size_t len,
                       size_t max_chars)
{
    bool cut = len > QUOTE_WINDOW;
    lg_bytes copy;
    lg__bytes_init(&copy, out->mem, QUOTE_WINDOW);
    lg__bytes_add(&copy, s, cut ? QUOTE_WINDOW : len);
    if (copy.len > 0) {
        lg__model_redact(model, copy.data, copy.len);
        add_clean(out, copy.data, cut ? copy.len - QUOTE_SPARE : copy.len, max_chars);
    }
    lg__bytes_free(&copy);
}

static void set_request_id(const lg_model *model, lg_reply *r, const char *id)
{
    size_t n = 0;
    for (; id[n] && n + 1 < sizeof r->fail.request_id; n++)
        r->fail.request_id[n] = id[n] > 0x20 && id[n] < 0x7F ? id[n] : '?';

    r->fail.request_id[n] = '\0';
    lg__model_redact(model, r->fail.request_id, n);
}

void lg__refusal_set(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r, int code,
                     const char *text, const char *quote)
{
    lg_bytes line;
    lg__bytes_init(&line, m, LG_BYTES_MAX);
    if (quote && quote[0])
        lg__refusal_quote(&line, model, quote, strlen(quote), MESSAGE_CHARS);

    if (line.len > 0)
        lg__fail_set(&r->fail, m, code, "%s: %s: %s", model->name, text, line.data);
    else
        lg__fail_set(&r->fail, m, code, "%s: %s", model->name, text);

    lg__bytes_free(&line);
    r->fail.http_status = a->status;
    r->fail.retryable = false;
    r->fail.ambiguous = false;
    r->fail.retry_after_ms = a->retry_after_ms;
    set_request_id(model, r, a->request_id);
}

/* ---- shapes ------------------------------------------------------------ */

static const char *string_or_empty(const lg_json *object, const char *name)
{
    const char *s = lg__json_string(lg__json_get(object, name));
    return s ? s : "";
}

/* code and status are words with some servers and numbers with others. */
static void find_codes(const lg_json *e, lg_refusal *w)
{
    const lg_json *code = lg__json_get(e, "code");
    w->code = string_or_empty(e, "code");
    w->status = (int)lg__json_int(code, 0);
    if (w->status == 0)
        w->status = (int)lg__json_int(lg__json_get(e, "status"), 0);

    if (w->status < 400 || w->status > 599)
        w->status = 0;

    w->type = string_or_empty(e, "type");
    if (!w->type[0])
        w->type = string_or_empty(e, "status");

    w->param = string_or_empty(e, "param");
}

/* "36s", "1.5s" → milliseconds; -1 when it is no such thing */
static int64_t duration_ms(const char *s)
{
    int64_t ms = 0, unit = 1000;
    if (*s < '0' || *s > '9')
        return -1;

    for (; *s >= '0' && *s <= '9' && ms < INT64_C(100000000000); s++)
        ms = ms * 10 + (*s - '0') * 1000;

    for (s += *s == '.'; *s >= '0' && *s <= '9'; s++) {
        unit /= 10;
        ms += (*s - '0') * unit;
    }
    return strcmp(s, "s") == 0 ? ms : -1;
}

/* Google's details: when to come back, which quota was used up, and the reason in a word. */
static void find_google_details(const lg_json *details, lg_refusal *w)
{
    for (const lg_json *d = lg__json_first(details); d; d = lg__json_after(d)) {
        int64_t ms = duration_ms(string_or_empty(d, "retryDelay"));
        w->retry_after_ms = ms >= 0 ? ms : w->retry_after_ms;
        w->detail_code = w->detail_code[0] ? w->detail_code : string_or_empty(d, "reason");
        const lg_json *v = lg__json_first(lg__json_get(d, "violations"));
        for (; v; v = lg__json_after(v))
            w->daily = w->daily || strstr(string_or_empty(v, "quotaId"), "PerDay");
    }
}

/* OpenRouter hands on the headers that it would have sent: a moment since 1970, in
 * milliseconds, in seconds with others. */
static void find_reset(const lg_json *headers, lg_refusal *w)
{
    for (const lg_json *j = lg__json_first(headers); j; j = lg__json_after(j)) {
        const char *name = lg__json_name(j), *s = lg__json_string(j);
        if (name && strcasecmp(name, "x-ratelimit-reset") == 0) {
            int64_t at = s ? strtoll(s, NULL, 10) : lg__json_int(j, 0);
            bool seconds = at > 1000000000 && at < INT64_C(100000000000);
            w->reset_at_ms = seconds ? at * 1000 : at > INT64_C(100000000000) ? at : 0;
        }
    }
}

/* [{loc: ["body", field], msg, type}], as pydantic has it. */
static void find_in_places(const lg_json *places, lg_refusal *w)
{
    const lg_json *first = lg__json_at(places, 0), *loc = lg__json_get(first, "loc");
    const char *field = lg__json_string(lg__json_at(loc, 1)), *message = w->message;
    w->message = string_or_empty(first, "msg");
    w->message = w->message[0] ? w->message : message;
    w->code = string_or_empty(first, "type");
    /* Only a field of the body itself: one further down we could not take out. */
    if (field && lg__json_count(loc) == 2)
        w->param = field;
    else
        w->more = field ? field : "";
}

/* {message, type, param, code, status, details, metadata} */
static void find_in_error(const lg_json *e, lg_refusal *w)
{
    const lg_json *details = lg__json_get(e, "details");
    const lg_json *metadata = lg__json_get(e, "metadata");
    w->message = string_or_empty(e, "message");
    find_codes(e, w);
    w->detail_code = string_or_empty(details, "error_code");
    w->more = string_or_empty(metadata, "raw");
    find_reset(lg__json_get(metadata, "headers"), w);
    if (lg__json_get(lg__json_at(details, 0), "loc"))
        find_in_places(details, w);
    else if (lg__json_type(details) == LG_JSON_ARRAY)
        find_google_details(details, w);
}

/* "text", {message…} or [{loc: ["body", field], msg, type}] */
static bool find_in_detail(const lg_json *detail, lg_refusal *w)
{
    const lg_json *first = lg__json_at(detail, 0);
    if (lg__json_string(detail)) {
        w->message = lg__json_string(detail);
        return true;
    }
    if (lg__json_type(detail) == LG_JSON_OBJECT) {
        find_in_error(detail, w);
        return w->message[0] != '\0';
    }
    if (lg__json_type(detail) != LG_JSON_ARRAY || lg__json_type(first) != LG_JSON_OBJECT)
        return false;

    find_in_places(detail, w);
    return true;
}

bool lg__refusal_find(const lg_json *root, lg_refusal *w)
{
    *w = (lg_refusal){"", "", "", "", "", "", "", 0, -1, 0, false};
    if (lg__json_type(root) == LG_JSON_ARRAY && lg__json_count(root) == 1)
        root = lg__json_at(root, 0);

    if (lg__json_type(root) != LG_JSON_OBJECT)
        return false;

    const lg_json *error = lg__json_get(root, "error");
    const lg_json *message = lg__json_get(root, "message");
    bool found = false;
    if (lg__json_type(error) == LG_JSON_OBJECT) {
        find_in_error(error, w);
        found = true;
    } else if (lg__json_string(error)) {
        find_codes(root, w);
        w->message = lg__json_string(error);
        w->more = string_or_empty(root, "message"); /* "Bad Request" is no reason */
        found = true;
    } else if (lg__json_string(message) || lg__json_type(message) == LG_JSON_OBJECT) {
        find_in_error(root, w);
        found = w->message[0] || find_in_detail(lg__json_get(message, "detail"), w);
    } else if (lg__json_get(root, "detail")) {
        found = find_in_detail(lg__json_get(root, "detail"), w);
    } else if (strcmp(string_or_empty(root, "object"), "error") == 0) {
        find_in_error(root, w);
        found = true;
    }
    w->request_id = string_or_empty(root, "request_id");
    return found;
}

/* ---- meaning ----------------------------------------------------------- */

/* A server that says "server_error" or "rate limit" with a status that blames
 * the request itself (400, 413, …) would say it again. */
static bool believable(int code, int status)
{
    bool blames_us = status >= 400 && status < 500;
    if (code == LG_EOVERLOAD || code == LG_ETIMEOUT)
        return !blames_us;

    return code != LG_ERATE || !blames_us || status == 429 || status == 403;
}

static int by_word(const char *word, int status)
{
    int code = lg__wording_code(word);
    return code && believable(code, status) ? code : 0;
}

static int by_phrase(const lg_refusal *w, int status)
{
    lg_found found;
    /* Google says "quota" of limits that are over in a minute. */
    bool comes_back = w->retry_after_ms >= 0 || strcasecmp(w->type, "resource_exhausted") == 0;
    bool said = status < 500 && (lg__wording_find(LG_SAYS_PHRASE, w->message, NULL, NULL, &found) ||
                                 lg__wording_find(LG_SAYS_PHRASE, w->more, NULL, NULL, &found));
    return said && !(comes_back && found.row->code == LG_EMONEY) ? found.row->code : 0;
}

static int by_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return LG_EAUTH;
    case 402:
        return LG_EMONEY;
    case 404:
        return LG_ENOMODEL;
    case 408:
    case 504:
    case 524: /* Cloudflare's gateway time-out */
        return LG_ETIMEOUT;
    case 409:
    case 425:
    case 498: /* Groq: no capacity */
        return LG_EOVERLOAD;
    case 413:
        return LG_ECONTEXT;
    case 429:
        return LG_ERATE;
    case 501: /* it has no such thing, and will have none in a minute */
    case 505:
        return LG_EBADREQUEST;
    default:
        return status >= 500 && status <= 599   ? LG_EOVERLOAD
               : status >= 400 && status <= 499 ? LG_EBADREQUEST
                                                : LG_EBADREPLY;
    }
}

static int meaning_of(const lg_refusal *w, int status)
{
    int code = w->daily || status == 402 ? LG_EMONEY : 0;
    code = code ? code : by_word(w->code, status);
    code = code ? code : by_word(w->detail_code, status);
    /* A rate limit's message may still say that the money is gone. */
    int said = code && code != LG_ERATE ? 0 : by_phrase(w, status);
    code = said ? said : code;
    code = code ? code : by_word(w->type, status);
    return code ? code : by_status(status);
}

/* ---- verdict ----------------------------------------------------------- */

/* What the way to the server says instead of the server. */
static bool add_hint_of_way(lg_mem *m, lg_reply *r)
{
    const char *said = lg__fail_message(&r->fail);
    int status = r->fail.http_status;
    if (status == 400 && (strstr(said, "HTTPS port") || strstr(said, "HTTPS server"))) {
        lg__fail_hint(&r->fail, m,
                      "that server speaks TLS: the base URL should begin with https://");
    } else if (status == 413 && r->fail.code == LG_ECONTEXT) {
        lg__fail_hint(
            &r->fail, m,
            "shorten the messages, or let the server (or the proxy before it) take larger "
            "requests");
    } else if (status == 403 && r->fail.code == LG_EBADREPLY) {
        lg__fail_hint(&r->fail, m,
                      "a web page answered instead of the API: something on the way (Cloudflare, a "
                      "firewall, a proxy) blocks this address or network; the key was not judged");
    } else {
        return false;
    }
    return true;
}

/* The way to a service, which is no part of a base address. */
static void cut_service(char *url)
{
    static const char *const ends[] = {"/chat/completions", "/responses", "/v1/messages",
                                       "/embeddings", "/api/chat"};
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        url[--len] = '\0';

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t n = strlen(ends[i]);
        if (len > n && strcmp(url + len - n, ends[i]) == 0) {
            url[len - n] = '\0';
            return;
        }
    }
}

/* A key is never sent where the user has not said: nobody is followed. */
static void hint_of_move(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r)
{
    const char *query, *url = model->base_url ? model->base_url : "";
    int base = (int)lg__model_base(model, &query);
    const char *host = strstr(url, "://");
    int origin = host ? (int)(host + 3 - url + (ptrdiff_t)strcspn(host + 3, "/?")) : 0;
    if (a->status < 300 || a->status > 399)
        return;

    if (a->moved_to[0]) {
        char to[400];
        snprintf(to, sizeof to, "%.*s%.250s", a->moved_to[0] == '/' ? origin : 0, url, a->moved_to);
        lg__model_redact(model, to, strlen(to));
        cut_service(to);
        lg__fail_hint(&r->fail, m, "%.*s sends on to %s: if that is right, make it the base URL",
                      base, url, to);
    } else {
        lg__fail_hint(&r->fail, m, "the base URL %.*s has moved: ask its owner for the new one",
                      base, url);
    }
}

/* Of a request that the server will never take as it is. */
static void hint_of_request(lg_mem *m, const lg_model *model, const char *inner, lg_reply *r)
{
    if (r->fail.http_status == 501 && model->provider && model->provider->vectors) {
        lg__fail_hint(&r->fail, m,
                      "the server has no embeddings: start it with them (llama-server "
                      "--embeddings), or take another");
    } else if (r->learn == LG_LEARN_SYSTEM || r->learn == LG_LEARN_DEVELOPER) {
        lg__fail_hint(&r->fail, m, "the model does not take the roles of these messages");
    } else if (r->bad_param[0]) {
        lg__fail_hint(&r->fail, m, "the model does not take the option %s", r->bad_param);
    } else if (inner[0]) {
        lg__fail_hint(&r->fail, m, "the model does not take %s: take it out of the option %.*s",
                      inner, (int)strcspn(inner, ".["), inner);
    }
}

static void hint_of_limit(lg_mem *m, const char *key, lg_reply *r)
{
    if (r->daily) {
        lg__fail_hint(
            &r->fail, m,
            "a cap of a day or longer is used up: wait, take another model, or raise the limit "
            "of %s at the provider",
            key);
    } else if (r->fail.code == LG_EMONEY) {
        lg__fail_hint(&r->fail, m, "add credit or raise the limit of %s at the provider", key);
    } else if (r->fail.retry_after_ms > LG_PATIENCE_MS) {
        lg__fail_hint(&r->fail, m, "take another model until then, or ask the provider for more");
    } else {
        lg__fail_hint(&r->fail, m, "lower the concurrency, or ask the provider for more");
    }
}

static void hint_of_key(lg_mem *m, const lg_model *model, const lg_refusal *w, const char *key,
                        lg_reply *r)
{
    lg_found found;
    const char *query, *url = model->base_url ? model->base_url : "";
    int base = (int)lg__model_base(model, &query);
    if (lg__wording_find(LG_SAYS_PLACE, w->message, NULL, NULL, &found)) {
        lg__fail_hint(&r->fail, m,
                      "%.*s does not serve the place that this comes from, whatever the key", base,
                      url);
    } else {
        lg__fail_hint(&r->fail, m,
                      model->api_key ? "check %s: it was refused by %.*s"
                                     : "set %s: no key was sent to %.*s",
                      key, base, url);
    }
}

static void add_hint(lg_mem *m, const lg_model *model, const lg_refusal *w, const char *inner,
                     lg_reply *r)
{
    const char *key = model->key_name && model->key_name[0] ? model->key_name : "the API key";
    const char *query;
    int base = (int)lg__model_base(model, &query);
    const char *url = model->base_url ? model->base_url : "";
    if (add_hint_of_way(m, r))
        return;

    switch (r->fail.code) {
    case LG_EAUTH:
        hint_of_key(m, model, w, key, r);
        break;
    case LG_ENOMODEL:
        lg__fail_hint(&r->fail, m, "check the model's name \"%s\" and the base URL %.*s",
                      model->model, base, url);
        break;
    case LG_EMONEY:
    case LG_ERATE:
        hint_of_limit(m, key, r);
        break;
    case LG_ECONTEXT:
        lg__fail_hint(&r->fail, m, "shorten the messages, or take a model with a larger context");
        break;
    case LG_EREFUSED:
        lg__fail_hint(&r->fail, m, "change the messages; the same ones will be refused again");
        break;
    case LG_EBADREQUEST:
    case LG_EOVERLOAD:
        hint_of_request(m, model, inner, r);
        break;
    default:
        break;
    }
}

static bool may_retry(int code, const lg_attempt *a)
{
    bool retry = code == LG_ERATE || code == LG_EOVERLOAD || code == LG_ETIMEOUT;
    if (code == LG_EBADREPLY)
        retry = (a->status < 300 || a->status > 399) && a->status != 403; /* they stay so */

    if (code == LG_EMONEY || code == LG_EAUTH)
        return false;

    if (strcmp(a->should_retry, "true") == 0)
        return true;

    return retry && strcmp(a->should_retry, "false") != 0;
}

/* Where tag stands in s, whatever its case; len: nowhere. */
static size_t find_tag(const char *s, size_t len, const char *tag)
{
    size_t n = strlen(tag);
    for (size_t i = 0; i + n <= len; i++) {
        if (strncasecmp(s + i, tag, n) == 0)
            return i;
    }
    return len;
}

/* How a body begins; of a web page (a proxy's, mostly) its title says it. */
static void quote_body(lg_bytes *out, const lg_model *model, const lg_attempt *a)
{
    size_t look = a->body.len < QUOTE_WINDOW ? a->body.len : QUOTE_WINDOW;
    size_t from = find_tag(lg__attempt_body(a), look, "<title>"),
           end = find_tag(lg__attempt_body(a), look, "</title>");
    if (from < end && end < look) {
        from += strlen("<title>");
        lg__refusal_quote(out, model, lg__attempt_body(a) + from, end - from, LG_QUOTE_CHARS);
    }
    if (out->len == 0)
        lg__refusal_quote(out, model, lg__attempt_body(a), a->body.len, LG_QUOTE_CHARS);
}

/* What the server said, or how its answer begins when that is no error we know. */
static void add_saying(lg_bytes *out, const lg_model *model, const lg_attempt *a,
                       const lg_refusal *w)
{
    lg__refusal_quote(out, model, w->message, strlen(w->message), MESSAGE_CHARS);
    if (w->more[0]) {
        lg__bytes_adds(out, out->len > 0 ? ": " : "");
        lg__refusal_quote(out, model, w->more, strlen(w->more), MESSAGE_CHARS);
    }
    if (out->len == 0 && !w->type[0] && !w->code[0]) {
        quote_body(out, model, a);
    } else if (out->len == 0) {
        const char *word = w->code[0] ? w->code : w->type;
        lg__refusal_quote(out, model, word, strlen(word), LG_QUOTE_CHARS);
    }
}

/* A firewall's page, where the API would have answered in JSON. */
static bool is_page(const lg_attempt *a, const lg_refusal *w)
{
    size_t i = 0;
    while (i < a->body.len && lg__attempt_body(a)[i] && strchr(" \t\r\n", lg__attempt_body(a)[i]))
        i++;

    bool said = w->message[0] || w->code[0] || w->type[0];
    return !said && (strcasestr(a->content_type, "text/html") ||
                     (i < a->body.len && lg__attempt_body(a)[i] == '<'));
}

/* When to come back, as far as anything says so; -1: nothing does. */
static int64_t wait_of(const lg_attempt *a, const lg_refusal *w, int code)
{
    int64_t ms = a->retry_after_ms, said = code == LG_ERATE ? lg__refused_wait(w) : -1;
    int64_t left = w->reset_at_ms && a->now_ms ? w->reset_at_ms - a->now_ms : -1;
    left = left < 0 && a->reset_ms > 0 ? a->reset_ms : left;
    ms = w->retry_after_ms > ms ? w->retry_after_ms : ms;
    ms = said > ms ? said : ms;
    return code == LG_ERATE && ms < 0 ? left : ms;
}

/* A cap of a day that is over within a call's patience is a rate limit like any other. */
static int judge_limit(const lg_attempt *a, const lg_refusal *w, int code, lg_reply *r)
{
    int64_t wait = wait_of(a, w, code);
    bool limit = code == LG_ERATE || (code == LG_EMONEY && w->daily);
    r->daily = limit && lg__refused_day(w) && (w->daily || wait < 0 || wait > LG_PATIENCE_MS);
    return r->daily ? LG_EMONEY : code;
}

static int code_of(const lg_attempt *a, const lg_refusal *w, int status, lg_reply *r)
{
    if (status == 403 && is_page(a, w)) /* whose words are not looked into */
        return LG_EBADREPLY;

    if (status == 500 && lg__refused_role(w))
        return LG_EBADREQUEST; /* a chat template's word, which breaks the server */

    return judge_limit(a, w, meaning_of(w, status), r);
}

/* said: as it is quoted; w: as it is understood. */
static void judge(lg_mem *m, const lg_model *model, const lg_attempt *a, const lg_refusal *said,
                  const lg_refusal *w, lg_reply *r)
{
    bool good_status = a->status >= 200 && a->status <= 299;
    int status = good_status ? w->status : a->status;
    int code = code_of(a, w, status, r);
    char inner[64];
    lg_bytes saying, text;
    lg__bytes_init(&saying, m, LG_BYTES_MAX);
    lg__bytes_init(&text, m, LG_BYTES_MAX);
    add_saying(&saying, model, a, said);
    lg__bytes_addf(&text, good_status ? "an error under HTTP %d (%s)" : "HTTP %d (%s)", a->status,
                   lg_error_text(code));
    lg__refusal_set(m, model, a, r, code, text.len ? text.data : lg_error_text(code), saying.data);
    lg__bytes_free(&saying);
    lg__bytes_free(&text);
    lg__refused_find(model, w, status, r, inner);
    r->elsewhere = status < 500 && strcasestr(w->message, "v1/responses");
    r->fail.retryable = may_retry(code, a);
    /* A gateway that gave up waiting, or a model that broke off, may be on the bill. */
    r->fail.ambiguous = good_status || a->status == 504 || a->status == 524;
    r->fail.retry_after_ms = wait_of(a, w, r->daily ? LG_ERATE : code);
    if (!r->fail.request_id[0])
        set_request_id(model, r, w->request_id);

    add_hint(m, model, w, inner, r);
    hint_of_move(m, model, a, r);
}

/* Some servers refuse in plain words, or in JSON of their own: what they mean is looked for
 * in the body itself, which goes into copy. */
static lg_refusal meant_by(const lg_attempt *a, const lg_refusal *w, lg_bytes *copy)
{
    enum { LOOK = 2048 };
    lg_refusal meant = *w;
    if (!w->message[0] && !w->more[0] && !is_page(a, w)) {
        lg__bytes_add(copy, lg__attempt_body(a), a->body.len < LOOK ? a->body.len : LOOK);
        meant.message = copy->data ? copy->data : "";
    }
    return meant;
}

void lg__refusal_judge(lg_mem *m, const lg_model *model, const lg_attempt *a, const lg_refusal *w,
                       lg_reply *r)
{
    lg_bytes copy;
    lg__bytes_init(&copy, m, LG_BYTES_MAX);
    lg_refusal meant = meant_by(a, w, &copy);
    if (copy.err)
        lg__refusal_set(m, model, a, r, LG_ENOMEM, lg_error_text(LG_ENOMEM), NULL);
    else
        judge(m, model, a, w, &meant, r);

    lg__bytes_free(&copy);
}
