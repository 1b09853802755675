/* provider_openai.c - the dialect of OpenAI's Chat Completions, as many servers
 * speak it.
 *
 * Bytes in, bytes out. encode gives the same bytes for the same ask, for ever.
 * decode is strict about shape and tells a whole reply from a cut one; error
 * bodies are provider_refusal.c's. Called by request.c and sched.c. */
#include <string.h>
#include <strings.h>

#include "provider_refusal.h"

/* ---- encode ------------------------------------------------------------ */

static void add_url(const lg_model *model, lg_bytes *url)
{
    const char *query;
    size_t base = lg__model_base(model, &query);
    lg__bytes_add(url, model->base_url, base);
    lg__bytes_adds(url, "/chat/completions");
    lg__bytes_adds(url, query);
}

static bool has_header(const lg_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_headers; i++) {
        if (strcasecmp(model->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_header(lg_bytes *headers, const char *name, const char *value)
{
    lg__bytes_adds(headers, name);
    lg__bytes_adds(headers, ": ");
    lg__bytes_adds(headers, value);
    lg__bytes_addc(headers, '\n');
}

/* A header that the model states itself takes the place of ours. */
static void add_headers(const lg_model *model, lg_bytes *headers)
{
    if (!has_header(model, "Content-Type")) {
        add_header(headers, "Content-Type", "application/json");
    }
    if (model->api_key && !has_header(model, "Authorization")) {
        lg__bytes_adds(headers, "Authorization: Bearer ");
        lg__bytes_adds(headers, model->api_key);
        lg__bytes_addc(headers, '\n');
    }
    for (size_t i = 0; i < model->n_headers; i++) {
        add_header(headers, model->headers[i].name, model->headers[i].value);
    }
}

static void add_messages(const lg_ask *ask, lg_bytes *body)
{
    lg__bytes_adds(body, ",\"messages\":[");
    for (size_t i = 0; i < ask->n_turns; i++) {
        const lg_turn *t = &ask->turns[i];
        lg__bytes_adds(body, i ? ",{\"role\":" : "{\"role\":");
        lg__json_write_string(body, t->role, strlen(t->role));
        lg__bytes_adds(body, ",\"content\":");
        lg__json_write_string(body, t->text, t->len);
        lg__bytes_addc(body, '}');
    }
    lg__bytes_addc(body, ']');
}

/* A name that was asked for itself wins over one that a repair leads to. */
static bool is_given(const lg_ask *ask, const char *name)
{
    for (size_t i = 0; i < ask->n_options; i++) {
        const char *given = ask->options[i].name;
        if (strcmp(given, name) == 0) {
            return lg__model_field(ask->model, given) == given;
        }
    }
    return false;
}

/* Puts the option under its present name into the n sorted ones. Returns how many
 * there are now: a name that is there already stays as it is. */
static size_t insert_option(lg_option *sorted, size_t n, const char *name, const char *json)
{
    size_t at = n;
    while (at > 0 && strcmp(sorted[at - 1].name, name) > 0) {
        at--;
    }
    if (at > 0 && strcmp(sorted[at - 1].name, name) == 0) {
        return n;
    }
    memmove(sorted + at + 1, sorted + at, (n - at) * sizeof *sorted);
    sorted[at] = (lg_option){name, json};
    return n + 1;
}

static int add_options(const lg_ask *ask, lg_bytes *body)
{
    size_t n = 0;
    if (ask->n_options == 0) {
        return LG_OK;
    }
    lg_option *sorted = lg__mem_new(body->mem, ask->n_options * sizeof *sorted);
    if (!sorted) {
        return LG_ENOMEM;
    }
    for (size_t i = 0; i < ask->n_options; i++) {
        const lg_pair *o = &ask->options[i];
        const char *name = lg__model_field(ask->model, o->name);
        if (name && (name == o->name || !is_given(ask, name))) {
            n = insert_option(sorted, n, name, o->value);
        }
    }
    for (size_t i = 0; i < n; i++) {
        lg__bytes_addc(body, ',');
        lg__json_write_string(body, sorted[i].name, strlen(sorted[i].name));
        lg__bytes_addc(body, ':');
        lg__bytes_adds(body, sorted[i].json);
    }
    lg__mem_free(body->mem, sorted, ask->n_options * sizeof *sorted);
    return LG_OK;
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body)
{
    add_url(ask->model, url);
    add_headers(ask->model, headers);
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    add_messages(ask, body);
    int err = add_options(ask, body);
    lg__bytes_addc(body, '}');
    err = err ? err : url->err;
    err = err ? err : headers->err;
    return err ? err : body->err;
}

/* ---- decode: what a reply says beside its text ------------------------- */

typedef struct finish_word {
    const char *word;
    int finish;
} finish_word;

static int finish_of(const char *word)
{
    static const finish_word known[] = {
        {"stop", LG_FINISH_STOP},
        {"eos", LG_FINISH_STOP},
        {"eos_token", LG_FINISH_STOP},
        {"end_turn", LG_FINISH_STOP},
        {"stop_sequence", LG_FINISH_STOP},
        {"length", LG_FINISH_LENGTH},
        {"max_tokens", LG_FINISH_LENGTH},
        {"model_length", LG_FINISH_LENGTH},
        {"content_filter", LG_FINISH_FILTER},
        {"safety", LG_FINISH_FILTER},
        {"recitation", LG_FINISH_FILTER},
        {"sensitive", LG_FINISH_FILTER},
        {"tool_calls", LG_FINISH_TOOLS},
        {"function_call", LG_FINISH_TOOLS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(known[i].word, word) == 0) {
            return known[i].finish;
        }
    }
    return LG_FINISH_UNKNOWN;
}

static void read_finish(const lg_model *model, const lg_json *choice, lg_reply *r)
{
    const char *word = lg__json_string(lg__json_get(choice, "finish_reason"));
    size_t n = 0;
    for (; word && word[n] && n + 1 < sizeof r->finish_reason; n++) {
        r->finish_reason[n] = word[n] > 0x20 && word[n] < 0x7F ? word[n] : '?';
    }
    r->finish_reason[n] = '\0';
    r->finish = word ? finish_of(word) : LG_FINISH_UNKNOWN;
    if (r->finish == LG_FINISH_UNKNOWN) {
        lg__model_redact(model, r->finish_reason, n);
    }
}

static int64_t tokens(const lg_json *usage, const char *name)
{
    int64_t n = lg__json_int(lg__json_get(usage, name), 0);
    return n > 0 ? n : 0;
}

/* OpenRouter states dollars. */
static void read_cost(const lg_json *usage, lg_reply *r)
{
    double dollars;
    if (lg__json_number(lg__json_get(usage, "cost"), &dollars) && dollars >= 0 && dollars < 1e9) {
        r->micros = (int64_t)(dollars * 1e6 + 0.5);
    }
}

/* OpenAI: prompt includes cached, completion includes reasoning. DeepSeek says
 * hit and miss beside their sum. */
static void read_usage(const lg_json *usage, lg_reply *r)
{
    if (lg__json_type(usage) != LG_JSON_OBJECT) {
        return;
    }
    const lg_json *in = lg__json_get(usage, "prompt_tokens_details");
    const lg_json *out = lg__json_get(usage, "completion_tokens_details");
    int64_t hit = tokens(usage, "prompt_cache_hit_tokens");
    r->usage.input = tokens(usage, "prompt_tokens");
    if (r->usage.input == 0) {
        r->usage.input = hit + tokens(usage, "prompt_cache_miss_tokens");
    }
    r->usage.cached = tokens(in, "cached_tokens");
    if (r->usage.cached == 0) {
        r->usage.cached = hit;
    }
    r->usage.cache_write = tokens(in, "cache_write_tokens");
    r->usage.output = tokens(usage, "completion_tokens");
    r->usage.reasoning = tokens(out, "reasoning_tokens");
    r->has_usage = r->usage.input > 0 || r->usage.output > 0;
    read_cost(usage, r);
}

/* ---- decode: replies that are none ------------------------------------- */

/* A paid reply that is of no use. */
static void spoil(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r, int code,
                  bool retryable, const char *text, const char *quote)
{
    lg__refusal_set(m, model, a, r, code, text, quote);
    r->fail.ambiguous = true;
    r->fail.retryable = retryable && strcmp(a->should_retry, "false") != 0;
}

/* Where the body, read as JSON, ends inside a value: it was cut. */
static bool is_cut(const char *s, size_t len)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        if (quoted && s[i] == '\\') {
            i++;
        } else if (s[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (s[i] == '{' || s[i] == '[')) {
            depth++;
        } else if (!quoted && (s[i] == '}' || s[i] == ']')) {
            depth -= depth > 0;
        }
    }
    return depth > 0 || quoted;
}

static bool starts_json(const lg_answer *a)
{
    size_t i = 0;
    while (i < a->len && strchr(" \t\r\n", a->body[i]) && a->body[i]) {
        i++;
    }
    return i < a->len && a->body[i] == '{';
}

/* The hint for an answer that does not look like this API's at all. */
static void doubt_address(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r)
{
    const char *query;
    int base = (int)lg__model_base(model, &query);
    lg_bytes begin;
    lg__bytes_init(&begin, m, LG_BYTES_MAX);
    lg__refusal_quote(&begin, model, a->body, a->len, LG_QUOTE_CHARS);
    lg__fail_hint(&r->fail, m, "is %.*s the right base URL? The reply begins: %s", base,
                  model->base_url ? model->base_url : "", begin.len ? begin.data : "");
    lg__bytes_free(&begin);
}

/* A web page, a stream: most often the wrong address. */
static void spoil_by_type(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r)
{
    spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is no chat completion, content type",
          a->content_type[0] ? a->content_type : "none");
    doubt_address(m, model, a, r);
}

static bool is_json_type(const char *type)
{
    return !type[0] || strcasestr(type, "json");
}

static void spoil_by_parse(lg_mem *m, const lg_model *model, const lg_answer *a, int err,
                           lg_reply *r)
{
    if (err == LG_ENOMEM) {
        spoil(m, model, a, r, LG_ENOMEM, false, lg_error_text(LG_ENOMEM), NULL);
    } else if (a->len == 0) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is empty", NULL);
    } else if (starts_json(a) && is_cut(a->body, a->len)) {
        spoil(m, model, a, r, LG_ETRUNCATED, true, "the reply ends in the middle of its JSON",
              NULL);
    } else if (!starts_json(a) || !is_json_type(a->content_type)) {
        spoil_by_type(m, model, a, r);
    } else if (err == LG_EUTF8) {
        spoil(m, model, a, r, LG_EUTF8, false, "the reply is not UTF-8", NULL);
        lg__fail_hint(&r->fail, m, "its first bad byte is number %lld of %zu",
                      (long long)lg_utf8_check(a->body, a->len) + 1, a->len);
    } else {
        lg_bytes begin;
        lg__bytes_init(&begin, m, LG_BYTES_MAX);
        lg__refusal_quote(&begin, model, a->body, a->len, LG_QUOTE_CHARS);
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is malformed JSON", begin.data);
        lg__bytes_free(&begin);
    }
}

/* ---- decode: the text -------------------------------------------------- */

/* Adds the texts of content's parts; what the model would not say goes to refusal. */
static void read_parts(const lg_json *content, lg_bytes *text, const char **refusal)
{
    for (const lg_json *p = lg__json_first(content); p; p = lg__json_after(p)) {
        const char *type = lg__json_string(lg__json_get(p, "type"));
        const char *said = lg__json_string(lg__json_get(p, "text"));
        if (lg__json_string(p)) {
            lg__bytes_adds(text, lg__json_string(p));
        } else if (type && strcmp(type, "refusal") == 0) {
            const char *no = lg__json_string(lg__json_get(p, "refusal"));
            *refusal = no && no[0] ? no : "(no reason given)";
        } else if (said &&
                   (!type || strcmp(type, "text") == 0 || strcmp(type, "output_text") == 0)) {
            lg__bytes_adds(text, said);
        }
    }
}

static void explain_length(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r)
{
    spoil(m, model, a, r, LG_ETRUNCATED, false,
          "the token limit was reached before the first word of the answer", NULL);
    r->fail.ambiguous = false; /* it is certain: this was paid */
    lg__fail_hint(&r->fail, m,
                  "%lld tokens went into reasoning: raise max_completion_tokens (max_tokens), or "
                  "lower reasoning_effort",
                  (long long)r->usage.reasoning);
}

/* The model itself said no, in words or by a filter. Sure to be paid, so not ambiguous. */
static void refuse(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r,
                   const char *text, const char *quote)
{
    spoil(m, model, a, r, LG_EREFUSED, false, text, quote);
    r->fail.ambiguous = false;
    lg__fail_hint(&r->fail, m, "change the messages; the same ones will be refused again");
}

/* The server broke off: OpenRouter and Mistral say "error", DeepSeek this. */
static bool broke_off(const lg_reply *r)
{
    return strcmp(r->finish_reason, "error") == 0 ||
           strcmp(r->finish_reason, "insufficient_system_resource") == 0;
}

/* Replies whose text is empty or missing; false: they are good all the same. */
static bool judge_silence(lg_mem *m, const lg_model *model, const lg_answer *a,
                          const lg_json *message, lg_reply *r)
{
    bool calls = lg__json_count(lg__json_get(message, "tool_calls")) > 0;
    if (r->finish == LG_FINISH_LENGTH) {
        explain_length(m, model, a, r);
        return true;
    }
    if (r->finish == LG_FINISH_TOOLS || calls) {
        spoil(m, model, a, r, LG_EBADREPLY, false, "the model called a tool instead of answering",
              NULL);
        r->fail.ambiguous = false;
        return true;
    }
    if (r->finish == LG_FINISH_UNKNOWN) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply has neither text nor finish_reason",
              NULL);
        return true;
    }
    return false;
}

static void judge_message(lg_mem *m, const lg_model *model, const lg_answer *a,
                          const lg_json *message, lg_reply *r)
{
    const lg_json *content = lg__json_get(message, "content");
    const char *refusal = lg__json_string(lg__json_get(message, "refusal"));
    int type = lg__json_type(content);
    lg_bytes text;
    lg__bytes_init(&text, m, LG_BYTES_MAX);
    if (type == LG_JSON_STRING) {
        lg__bytes_adds(&text, lg__json_string(content));
    } else if (type == LG_JSON_ARRAY) {
        read_parts(content, &text, &refusal);
    }
    if (refusal && refusal[0]) {
        refuse(m, model, a, r, "the model refused", refusal);
    } else if (r->finish == LG_FINISH_FILTER) {
        refuse(m, model, a, r, "the provider's filter stopped the answer", r->finish_reason);
    } else if (type != 0 && type != LG_JSON_NULL && type != LG_JSON_STRING &&
               type != LG_JSON_ARRAY) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply's content is no text", NULL);
    } else if (broke_off(r)) {
        spoil(m, model, a, r, LG_EOVERLOAD, true, "the server broke off", r->finish_reason);
    } else if (text.err || text.len > 0 || !judge_silence(m, model, a, message, r)) {
        r->text = text.err ? NULL : lg__text_of(&text);
        if (!r->text) {
            spoil(m, model, a, r, LG_ENOMEM, false, lg_error_text(LG_ENOMEM), NULL);
        }
    }
    lg__bytes_free(&text);
}

static bool is_error(const lg_json *error)
{
    return lg__json_type(error) == LG_JSON_OBJECT || lg__json_string(error);
}

static void judge_tree(lg_mem *m, const lg_model *model, const lg_answer *a, const lg_json *root,
                       lg_reply *r)
{
    const lg_json *choices = lg__json_get(root, "choices");
    const lg_json *choice = lg__json_at(choices, 0);
    const lg_json *message = lg__json_get(choice, "message");
    const lg_json *error = lg__json_get(root, "error");
    lg_refusal w;
    read_usage(lg__json_get(root, "usage"), r);
    read_finish(model, choice, r);
    if (!is_error(error) && is_error(lg__json_get(choice, "error"))) {
        root = choice; /* OpenRouter: the error stands beside a half message */
        error = lg__json_get(choice, "error");
    }
    bool look = is_error(error) || lg__json_type(choices) != LG_JSON_ARRAY;
    if (look && lg__refusal_find(root, &w)) {
        lg__refusal_judge(m, model, a, &w, r);
    } else if (lg__json_type(root) != LG_JSON_OBJECT ||
               (!is_json_type(a->content_type) && !message)) {
        spoil_by_type(m, model, a, r);
    } else if (lg__json_type(choices) != LG_JSON_ARRAY) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply has no choices", NULL);
        doubt_address(m, model, a, r);
    } else if (!choice) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply's list of choices is empty", NULL);
    } else if (lg__json_type(message) != LG_JSON_OBJECT) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply's first choice has no message", NULL);
    } else {
        judge_message(m, model, a, message, r);
    }
}

static void decode(lg_mem *m, const lg_model *model, const lg_answer *a, lg_reply *r)
{
    lg_json *root = NULL;
    int err = lg__json_parse(m, a->body, a->len, &root, NULL);
    if (a->status >= 200 && a->status <= 299) {
        if (err) {
            spoil_by_parse(m, model, a, err, r);
        } else {
            judge_tree(m, model, a, root, r);
        }
    } else if (err == LG_ENOMEM) {
        lg__refusal_set(m, model, a, r, err, lg_error_text(err), NULL);
    } else {
        lg_refusal w;
        lg__refusal_find(root, &w);
        lg__refusal_judge(m, model, a, &w, r);
    }
    lg__json_free(m, root);
}

const lg_provider lg__provider_openai = {"openai", encode, decode};
