/* provider_refusal.c - error bodies: their shapes, and what they mean.
 *
 * Not the dialects (provider_*.c) and not the policy of retries (sched.c), for
 * which it only says what could be tried again. Called by provider_openai.c. */
#include "provider_refusal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
    if (n == 1) {
        return a <= 0x20 || a == 0x7F;
    }
    if (n == 2) {
        return a == 0xC2 && b <= 0xA0;
    }
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
        if (gap) {
            lg__bytes_addc(out, ' ');
        }
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
    for (; id[n] && n + 1 < sizeof r->fail.request_id; n++) {
        r->fail.request_id[n] = id[n] > 0x20 && id[n] < 0x7F ? id[n] : '?';
    }
    r->fail.request_id[n] = '\0';
    lg__model_redact(model, r->fail.request_id, n);
}

void lg__refusal_set(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r, int code,
                     const char *text, const char *quote)
{
    lg_bytes line;
    lg__bytes_init(&line, m, LG_BYTES_MAX);
    if (quote && quote[0]) {
        lg__refusal_quote(&line, model, quote, strlen(quote), MESSAGE_CHARS);
    }
    if (line.len > 0) {
        lg__fail_set(&r->fail, m, code, "%s: %s: %s", model->name, text, line.data);
    } else {
        lg__fail_set(&r->fail, m, code, "%s: %s", model->name, text);
    }
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
    if (w->status == 0) {
        w->status = (int)lg__json_int(lg__json_get(e, "status"), 0);
    }
    if (w->status < 400 || w->status > 599) {
        w->status = 0;
    }
    w->type = string_or_empty(e, "type");
    if (!w->type[0]) {
        w->type = string_or_empty(e, "status");
    }
    w->param = string_or_empty(e, "param");
}

/* "36s", "1.5s" → milliseconds; -1 when it is no such thing */
static int64_t duration_ms(const char *s)
{
    int64_t ms = 0, unit = 1000;
    if (*s < '0' || *s > '9') {
        return -1;
    }
    for (; *s >= '0' && *s <= '9' && ms < INT64_C(100000000000); s++) {
        ms = ms * 10 + (*s - '0') * 1000;
    }
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
        for (; v; v = lg__json_after(v)) {
            w->daily = w->daily || strstr(string_or_empty(v, "quotaId"), "PerDay");
        }
    }
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
    if (lg__json_type(details) == LG_JSON_ARRAY) {
        find_google_details(details, w);
    }
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
    if (lg__json_type(detail) != LG_JSON_ARRAY || lg__json_type(first) != LG_JSON_OBJECT) {
        return false;
    }
    const lg_json *loc = lg__json_get(first, "loc");
    const char *field = lg__json_string(lg__json_at(loc, 1));
    w->message = string_or_empty(first, "msg");
    w->code = string_or_empty(first, "type");
    /* Only a field of the body itself: one further down we could not take out. */
    if (field && lg__json_count(loc) == 2) {
        w->param = field;
    } else {
        w->more = field ? field : "";
    }
    return true;
}

bool lg__refusal_find(const lg_json *root, lg_refusal *w)
{
    *w = (lg_refusal){"", "", "", "", "", "", "", 0, -1, false};
    if (lg__json_type(root) == LG_JSON_ARRAY && lg__json_count(root) == 1) {
        root = lg__json_at(root, 0);
    }
    if (lg__json_type(root) != LG_JSON_OBJECT) {
        return false;
    }
    const lg_json *error = lg__json_get(root, "error");
    const lg_json *message = lg__json_get(root, "message");
    bool found = false;
    if (lg__json_type(error) == LG_JSON_OBJECT) {
        find_in_error(error, w);
        found = true;
    } else if (lg__json_string(error)) {
        find_codes(root, w);
        w->message = lg__json_string(error);
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

typedef struct meaning {
    const char *word;
    int code;
} meaning;

/* Codes and types, compared whole and without case. */
static const meaning words[] = {
    {"insufficient_quota", LG_EMONEY},
    {"credit_balance_exhausted", LG_EMONEY},
    {"billing_hard_limit_reached", LG_EMONEY},
    {"billing_not_active", LG_EMONEY},
    {"billing_error", LG_EMONEY},
    {"insufficient_balance", LG_EMONEY},
    {"insufficient_credits", LG_EMONEY},
    {"payment_required", LG_EMONEY},
    {"enforced_spend_limit_reached", LG_EMONEY},
    {"contract_spend_limit_reached", LG_EMONEY},
    {"billing_disabled", LG_EMONEY},
    {"invalid_api_key", LG_EAUTH},
    {"api_key_invalid", LG_EAUTH},
    {"authentication_error", LG_EAUTH},
    {"permission_error", LG_EAUTH},
    {"permission_denied", LG_EAUTH},
    {"unauthenticated", LG_EAUTH},
    {"unauthorized", LG_EAUTH},
    {"content_filter", LG_EREFUSED},
    {"content_policy_violation", LG_EREFUSED},
    {"moderation_blocked", LG_EREFUSED},
    {"context_length_exceeded", LG_ECONTEXT},
    {"context_window_exceeded", LG_ECONTEXT},
    {"exceed_context_size_error", LG_ECONTEXT},
    {"request_too_large", LG_ECONTEXT},
    {"model_not_found", LG_ENOMODEL},
    {"not_found_error", LG_ENOMODEL},
    {"not_found", LG_ENOMODEL},
    {"rate_limit_exceeded", LG_ERATE},
    {"rate_limit_error", LG_ERATE},
    {"resource_exhausted", LG_ERATE},
    {"server_error", LG_EOVERLOAD},
    {"internal_error", LG_EOVERLOAD},
    {"api_error", LG_EOVERLOAD},
    {"overloaded_error", LG_EOVERLOAD},
    {"unavailable", LG_EOVERLOAD},
    {"timeout_error", LG_ETIMEOUT},
    {"deadline_exceeded", LG_ETIMEOUT},
};

/* What messages say when the code is missing or says nothing. */
static const meaning phrases[] = {
    {"exceeded your current quota", LG_EMONEY},
    {"insufficient balance", LG_EMONEY},
    {"insufficient credits", LG_EMONEY},
    {"credit balance is too low", LG_EMONEY},
    {"api key not valid", LG_EAUTH},
    {"incorrect api key", LG_EAUTH},
    {"invalid api key", LG_EAUTH},
    {"maximum context length", LG_ECONTEXT},
    {"exceeds the maximum number of tokens", LG_ECONTEXT},
    {"exceed context limit", LG_ECONTEXT},
    {"context length exceeded", LG_ECONTEXT},
    {"exceeds the available context size", LG_ECONTEXT},
    {"prompt is too long", LG_ECONTEXT},
};

/* A server that says "server_error" or "rate limit" with a status that blames
 * the request itself (400, 413, …) would say it again. */
static bool believable(int code, int status)
{
    bool blames_us = status >= 400 && status < 500;
    if (code == LG_EOVERLOAD || code == LG_ETIMEOUT) {
        return !blames_us;
    }
    return code != LG_ERATE || !blames_us || status == 429 || status == 403;
}

static int by_word(const char *word, int status)
{
    for (size_t i = 0; word[0] && i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(words[i].word, word) == 0) {
            return believable(words[i].code, status) ? words[i].code : 0;
        }
    }
    return 0;
}

static int by_phrase(const lg_refusal *w, int status)
{
    /* Google says "quota" of limits that are over in a minute. */
    bool comes_back = w->retry_after_ms >= 0 || strcasecmp(w->type, "resource_exhausted") == 0;
    for (size_t i = 0; status < 500 && i < sizeof phrases / sizeof *phrases; i++) {
        bool said = strcasestr(w->message, phrases[i].word) || strcasestr(w->more, phrases[i].word);
        if (said && !(comes_back && phrases[i].code == LG_EMONEY)) {
            return phrases[i].code;
        }
    }
    return 0;
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

/* ---- refused body fields ----------------------------------------------- */

/* Fields that a model may refuse without the request losing its sense. */
static const char *const fields[] = {
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "stop",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "verbosity",
    "service_tier",
    "parallel_tool_calls",
    "response_format",
    "stream_options",
    "store",
    "metadata",
    "user",
    "prompt_cache_key",
    "safety_identifier",
    "reasoning",
    "random_seed",
    "include",
    "effort",
    "encoding_format",
    "think",
    "topP",
    "topK",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "thinkingConfig",
};

static bool is_field(const lg_model *model, const char *s, size_t len)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (strlen(fields[i]) == len && memcmp(fields[i], s, len) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < model->n_options; i++) {
        const char *name = model->options[i].name;
        if (strlen(name) == len && memcmp(name, s, len) == 0) {
            return true;
        }
    }
    return false;
}

/* The next 'word', "word" or `word` at or behind s; its length, 0: none. */
static size_t next_quoted(const char **s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_";
    for (const char *c = *s; (c = strpbrk(c, "'\"`")) != NULL; c++) {
        size_t len = strspn(c + 1, letters);
        if (len > 0 && c[len + 1] == c[0]) {
            *s = c + 1;
            return len;
        }
    }
    return 0;
}

static void copy_field(char to[64], const char *s, size_t len)
{
    if (len < 64) {
        memcpy(to, s, len);
        to[len] = '\0';
    }
}

/* "Use 'max_completion_tokens' instead." */
static void find_new_param(const lg_model *model, const char *message, char to[64])
{
    const char *s = strcasestr(message, "use ");
    size_t len = 0;
    if (s && strcasestr(s, "instead")) {
        len = next_quoted(&s);
    }
    if (len > 0 && is_field(model, s, len)) {
        copy_field(to, s, len);
    }
}

static bool says_unsupported(const lg_refusal *w)
{
    static const char *const codes[] = {"unsupported_parameter", "unsupported_value",
                                        "unknown_parameter", "extra_forbidden"};
    static const char *const texts[] = {
        "unsupported",  "not supported", "not support", "deprecated", "unknown",
        "unrecognized", "not permitted", "not allowed", "unexpected", "instead"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(w->code, codes[i]) == 0 || strcmp(w->type, codes[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcasestr(w->message, texts[i])) {
            return true;
        }
    }
    return false;
}

/* Servers that describe a field instead of naming it: Ollama, Gemini, Anthropic. */
static const char *param_of_phrase(const char *message)
{
    static const char *const known[][2] = {
        {"does not support thinking", "think"},
        {"thinking level", "thinkingConfig"},
        {"thinking budget", "thinkingConfig"},
        {"effort parameter", "effort"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasestr(message, known[i][0])) {
            return known[i][1];
        }
    }
    return NULL;
}

/* "temperature: Extra inputs are not permitted", "output_config.effort: …" */
static void find_led_param(const lg_model *model, const char *message, char to[64])
{
    size_t len = strcspn(message, ": "), at = len;
    while (at > 0 && message[at - 1] != '.') {
        at--;
    }
    if (message[len] == ':' && is_field(model, message + at, len - at)) {
        copy_field(to, message + at, len - at);
    }
}

/* "reasoning.effort" → "effort"; what is deeper down stays, and is no field then. */
static const char *without_group(const char *param)
{
    const char *dot = strchr(param, '.');
    return dot && !strpbrk(dot + 1, ".[") && !memchr(param, '[', (size_t)(dot - param)) ? dot + 1
                                                                                        : param;
}

static void find_bad_param(const lg_model *model, const lg_refusal *w, lg_reply *r)
{
    const char *phrased = NULL;
    if (!says_unsupported(w)) {
        return;
    }
    if (w->param[0]) {
        const char *name = without_group(w->param);
        if (is_field(model, name, strlen(name))) {
            copy_field(r->bad_param, name, strlen(name));
        }
    } else if ((phrased = param_of_phrase(w->message)) != NULL) {
        copy_field(r->bad_param, phrased, strlen(phrased));
    } else {
        const char *s = w->message;
        for (size_t len; (len = next_quoted(&s)) > 0 && !r->bad_param[0]; s += len + 1) {
            if (is_field(model, s, len)) {
                copy_field(r->bad_param, s, len);
            }
        }
    }
    if (!r->bad_param[0] && !w->param[0]) {
        find_led_param(model, w->message, r->bad_param);
    }
    if (r->bad_param[0]) {
        find_new_param(model, w->message, r->new_param);
    }
    if (strcmp(r->new_param, r->bad_param) == 0) {
        r->new_param[0] = '\0';
    }
}

/* ---- verdict ----------------------------------------------------------- */

/* A key is never sent where the user has not said: nobody is followed. */
static void hint_of_move(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r)
{
    const char *query;
    int base = (int)lg__model_base(model, &query);
    const char *url = model->base_url ? model->base_url : "";
    if (a->status < 300 || a->status > 399) {
        return;
    }
    if (a->moved_to && a->moved_to[0]) {
        char to[128];
        size_t n = strnlen(a->moved_to, sizeof to - 1);
        memcpy(to, a->moved_to, n);
        to[n] = '\0';
        lg__model_redact(model, to, n);
        lg__fail_hint(&r->fail, m, "%.*s sends on to %s: if that is right, make it the base URL",
                      base, url, to);
    } else {
        lg__fail_hint(&r->fail, m, "the base URL %.*s has moved: ask its owner for the new one",
                      base, url);
    }
}

static void add_hint(lg_mem *m, const lg_model *model, lg_reply *r)
{
    const char *key = model->key_name && model->key_name[0] ? model->key_name : "the API key";
    const char *query;
    int base = (int)lg__model_base(model, &query);
    const char *url = model->base_url ? model->base_url : "";
    switch (r->fail.code) {
    case LG_EAUTH:
        lg__fail_hint(&r->fail, m,
                      model->api_key ? "check %s: it was refused by %.*s"
                                     : "set %s: no key was sent to %.*s",
                      key, base, url);
        break;
    case LG_ENOMODEL:
        lg__fail_hint(&r->fail, m, "check the model's name \"%s\" and the base URL %.*s",
                      model->model, base, url);
        break;
    case LG_EMONEY:
        lg__fail_hint(&r->fail, m, "add credit or raise the limit of %s at the provider", key);
        break;
    case LG_ERATE:
        lg__fail_hint(&r->fail, m, "lower the concurrency, or ask the provider for more");
        break;
    case LG_ECONTEXT:
        lg__fail_hint(&r->fail, m, "shorten the messages, or take a model with a larger context");
        break;
    case LG_EREFUSED:
        lg__fail_hint(&r->fail, m, "change the messages; the same ones will be refused again");
        break;
    case LG_EBADREQUEST:
        if (r->bad_param[0]) {
            lg__fail_hint(&r->fail, m, "the model does not take the option %s", r->bad_param);
        }
        break;
    default:
        break;
    }
}

static bool may_retry(int code, const lg_answer *a)
{
    bool retry = code == LG_ERATE || code == LG_EOVERLOAD || code == LG_ETIMEOUT;
    if (code == LG_EBADREPLY) {
        retry = a->status < 300 || a->status > 399; /* a redirection stays one */
    }
    if (code == LG_EMONEY || code == LG_EAUTH) {
        return false;
    }
    if (strcmp(a->should_retry, "true") == 0) {
        return true;
    }
    return retry && strcmp(a->should_retry, "false") != 0;
}

/* What the server said, or how its answer begins when that is no error we know. */
static void add_saying(lg_bytes *out, const lg_model *model, const lg_answer *a,
                       const lg_refusal *w)
{
    lg__refusal_quote(out, model, w->message, strlen(w->message), MESSAGE_CHARS);
    if (w->more[0]) {
        lg__bytes_adds(out, out->len > 0 ? ": " : "");
        lg__refusal_quote(out, model, w->more, strlen(w->more), MESSAGE_CHARS);
    }
    if (out->len == 0 && !w->type[0] && !w->code[0]) {
        lg__refusal_quote(out, model, a->body, a->len, LG_QUOTE_CHARS);
    } else if (out->len == 0) {
        const char *word = w->code[0] ? w->code : w->type;
        lg__refusal_quote(out, model, word, strlen(word), LG_QUOTE_CHARS);
    }
}

void lg__refusal_judge(lg_mem *m, const lg_model *model, const lg_answer *a, const lg_refusal *w,
                       lg_reply *r)
{
    bool good_status = a->status >= 200 && a->status <= 299;
    int status = good_status ? w->status : a->status;
    int code = meaning_of(w, status);
    lg_bytes saying, text;
    lg__bytes_init(&saying, m, LG_BYTES_MAX);
    lg__bytes_init(&text, m, LG_BYTES_MAX);
    add_saying(&saying, model, a, w);
    lg__bytes_addf(&text, good_status ? "an error under HTTP %d (%s)" : "HTTP %d (%s)", a->status,
                   lg_error_text(code));
    lg__refusal_set(m, model, a, r, code, text.len ? text.data : lg_error_text(code), saying.data);
    lg__bytes_free(&saying);
    lg__bytes_free(&text);
    if (code == LG_EBADREQUEST && (status == 400 || status == 422)) {
        find_bad_param(model, w, r);
    }
    r->elsewhere = status < 500 && strcasestr(w->message, "v1/responses");
    r->fail.retryable = may_retry(code, a);
    /* A gateway that gave up waiting, or a model that broke off, may be on the bill. */
    r->fail.ambiguous = good_status || a->status == 504 || a->status == 524;
    if (w->retry_after_ms > r->fail.retry_after_ms) {
        r->fail.retry_after_ms = w->retry_after_ms;
    }
    if (!r->fail.request_id[0]) {
        set_request_id(model, r, w->request_id);
    }
    add_hint(m, model, r);
    hint_of_move(m, model, a, r);
}
