/* provider_anthropic.c - Anthropic Messages: POST <base>/v1/messages, in both versions.
 *
 * 2026-10-21 knows no sampling and takes the key as a bearer token; 2023-06-01 is spoken
 * where a request samples (temperature, top_p, top_k), where the quirk old_version says so,
 * and where the script's own anthropic-version header does. Same ask, same bytes. What
 * answers become is provider_read.c's. */
#include <string.h>
#include <strings.h>

#include "model/provider_read.h"
#include "model/provider_wire.h"

#define VERSION "2026-10-21"
#define OLD_VERSION "2023-06-01"
#define NO_MEDIA "this API takes pictures and pdf documents as parts of a user's message"
#define NO_MEDIA_SAID "this API takes no pictures or documents in what the assistant said"
#define NO_MEDIA_SYSTEM "this API takes only text as system messages"

/* ---- messages ---------------------------------------------------------- */

/* Before the next item of a list. */
static void comma(lg_bytes *b)
{
    if (b->len > 0 && b->data[b->len - 1] != '[')
        lg__bytes_addc(b, ',');
}

/* The API refuses empty ones. */
static void write_text(lg_bytes *b, const char *s, size_t len)
{
    if (len > 0) {
        comma(b);
        lg__bytes_adds(b, "{\"type\":\"text\",\"text\":");
        lg__json_write_string(b, s, len);
        lg__bytes_addc(b, '}');
    }
}

static const char *write_media(lg_bytes *b, const lg_ask_part *t)
{
    bool pdf = t->media == LG_MEDIA_PDF || t->media == LG_MEDIA_PDF_URL;
    if (!pdf && !lg__media_is_image(t->media))
        return NO_MEDIA;

    comma(b);
    lg__bytes_addf(b, "{\"type\":\"%s\",\"source\":{", pdf ? "document" : "image");
    if (lg__media_is_url(t->media)) {
        lg__bytes_adds(b, "\"type\":\"url\",\"url\":");
        lg__json_write_string(b, t->text, t->len);
    } else {
        lg__bytes_addf(
            b, "\"type\":\"base64\",\"media_type\":\"%s\",\"data\":", lg__media_type(t->media));
        lg__wire_base64(b, t);
    }
    lg__bytes_adds(b, "}}");
    return NULL;
}

static void write_call(lg_bytes *b, const lg_json *call)
{
    comma(b);
    lg__bytes_adds(b, "{\"type\":\"tool_use\",");
    lg__wire_member(b, call, "id");
    lg__bytes_addc(b, ',');
    lg__wire_called(b, "name", lg__json_string(lg__json_get(call, "name")), "");
    lg__bytes_adds(b, ",\"input\":");
    lg__wire_object(b, lg__json_get(call, "arguments"));
    lg__bytes_addc(b, '}');
}

/* What the assistant said when it called tools: as it came, or made anew. */
static void write_calls(lg_bytes *b, const lg_ask_part *t)
{
    lg_json *part = lg__wire_calls(t, b);
    const lg_json *raw = lg__wire_raw(part, "anthropic");
    const char *words = lg__json_string(lg__json_get(part, "text"));
    const lg_json *call = lg__json_first(lg__json_get(part, "calls"));
    for (const lg_json *j = lg__json_first(raw); j; j = lg__json_after(j)) {
        const char *type = lg__json_string(lg__json_get(j, "type"));
        comma(b);
        if (type && strcmp(type, "tool_use") == 0) {
            lg__wire_call_raw(b, j, &(lg_own_call){call, "id", ""});
            call = lg__json_after(call);
        } else {
            lg__json_write(b, j);
        }
    }
    if (!raw) {
        write_text(b, words ? words : "", words ? strlen(words) : 0);
        for (; call; call = lg__json_after(call))
            write_call(b, call);
    }
    lg__json_free(b->mem, part);
}

static const char *write_parts(lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    for (size_t i = 0; !why && i < s->n_parts; i++) {
        const lg_ask_part *t = &s->parts[i];
        if (t->media == LG_MEDIA_TEXT)
            write_text(b, t->text, t->len);
        else if (t->media == LG_MEDIA_CALLS)
            write_calls(b, t);
        else if (s->who == LG_WHO_ASSISTANT)
            why = NO_MEDIA_SAID;
        else
            why = write_media(b, t);
    }
    return why;
}

static const char *write_result(lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    comma(b);
    lg__bytes_adds(b, "{\"type\":\"tool_result\",\"tool_use_id\":");
    lg__json_write_string(b, s->id, s->id_len);
    lg__bytes_adds(b, ",\"content\":");
    if (s->n_parts == 1 && s->parts[0].media == LG_MEDIA_TEXT) {
        lg__json_write_string(b, s->parts[0].text, s->parts[0].len);
    } else {
        lg__bytes_addc(b, '[');
        why = write_parts(b, s);
        lg__bytes_addc(b, ']');
    }
    lg__bytes_adds(b, s->error ? ",\"is_error\":true}" : "}");
    return why;
}

static const char *write_blocks(lg_bytes *b, const lg_said *s)
{
    return s->who == LG_WHO_TOOL ? write_result(b, s) : write_parts(b, s);
}

/* The next message that is not the system's. */
static bool next_spoken(const lg_ask *ask, size_t *at, lg_said *s)
{
    bool any = lg__said_next(ask, at, s);
    while (any && s->who == LG_WHO_SYSTEM)
        any = lg__said_next(ask, at, s);

    return any;
}

static bool same_speaker(const lg_said *a, const lg_said *b)
{
    return (a->who == LG_WHO_ASSISTANT) == (b->who == LG_WHO_ASSISTANT);
}

/* One message of the API: this one, and all behind it by the same speaker. *at moves
 * behind them. */
static const char *write_message(const lg_ask *ask, size_t *at, const lg_said *first, lg_bytes *b)
{
    size_t ahead = *at;
    lg_said more;
    const char *why = NULL;
    bool together = next_spoken(ask, &ahead, &more) && same_speaker(first, &more);
    bool plain =
        first->who != LG_WHO_TOOL && first->n_parts == 1 && first->parts[0].media == LG_MEDIA_TEXT;
    lg__bytes_addf(
        b, "{\"role\":\"%s\",\"content\":", first->who == LG_WHO_ASSISTANT ? "assistant" : "user");
    if (plain && !together) {
        lg__json_write_string(b, first->parts[0].text, first->parts[0].len);
        lg__bytes_addc(b, '}');
        return NULL;
    }
    lg__bytes_addc(b, '[');
    why = write_blocks(b, first);
    while (!why && together) {
        why = write_blocks(b, &more);
        *at = ahead;
        together = next_spoken(ask, &ahead, &more) && same_speaker(first, &more);
    }
    lg__bytes_adds(b, "]}");
    return why;
}

static const char *write_messages(const lg_ask *ask, lg_bytes *b)
{
    lg_said s;
    const char *why = NULL;
    lg__bytes_adds(b, ",\"messages\":[");
    for (size_t at = 0; !why && next_spoken(ask, &at, &s);) {
        comma(b);
        why = write_message(ask, &at, &s, b);
    }
    lg__bytes_addc(b, ']');
    return why;
}

static const char *write_system(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes words;
    lg_said s;
    for (size_t at = 0; lg__said_next(ask, &at, &s);) {
        if (s.who == LG_WHO_SYSTEM && !lg__said_is_words(&s))
            return NO_MEDIA_SYSTEM;
    }
    lg__bytes_init(&words, b->mem, LG_BYTES_MAX);
    if (lg__wire_system(&words, ask)) {
        lg__bytes_adds(b, ",\"system\":");
        lg__bytes_add(b, words.data ? words.data : "", words.len);
    }
    b->err = b->err ? b->err : words.err;
    lg__bytes_free(&words);
    return NULL;
}

/* ---- options ----------------------------------------------------------- */

/* The API has no default for it. */
static void write_max_tokens(const lg_ask *ask, lg_bytes *b)
{
    const char *most = lg__wire_option(ask, "max_completion_tokens");
    most = most ? most : lg__wire_option(ask, "max_tokens");
    lg__bytes_adds(b, ",\"max_tokens\":");
    if (most) {
        lg__bytes_adds(b, most);
    } else {
        int64_t known = ask->model->max_output;
        lg__bytes_addf(b, "%lld", (long long)(known > 0 ? known : LG_USUAL_OUTPUT));
    }
}

static void write_tools(const lg_ask *ask, const lg_json *tools, lg_bytes *b)
{
    lg__bytes_adds(b, ",\"tools\":[");
    for (const lg_json *t = lg__json_first(tools); t; t = lg__json_after(t)) {
        comma(b);
        lg__bytes_addc(b, '{');
        lg__wire_member(b, t, "name");
        lg__bytes_adds(b, ",\"description\":");
        lg__wire_description(ask, t, b);
        lg__bytes_adds(b, ",\"input_schema\":");
        lg__wire_parameters(t, b);
        lg__bytes_adds(b, lg__json_true(lg__json_get(t, "strict")) ? ",\"strict\":true}" : "}");
    }
    lg__bytes_addc(b, ']');
}

static const char *choice_of(const lg_json *choice)
{
    const char *word = lg__json_string(choice);
    if (!choice)
        return "auto";

    if (!word)
        return "tool";

    return strcmp(word, "required") == 0 ? "any" : word;
}

static void write_choice(const lg_ask *ask, lg_bytes *b)
{
    lg_json *choice = lg__wire_tree(ask, "tool_choice", b);
    const char *parallel = lg__wire_option(ask, "parallel_tool_calls");
    const char *word = choice_of(choice);
    bool serial = parallel && strcmp(parallel, "false") == 0;
    if (choice || serial) {
        lg__bytes_adds(b, ",\"tool_choice\":{\"type\":");
        lg__json_write_string(b, word, strlen(word));
        if (strcmp(word, "tool") == 0) {
            lg__bytes_addc(b, ',');
            lg__wire_member(b, choice, "name");
        }
        if (serial && strcmp(word, "none") != 0)
            lg__bytes_adds(b, ",\"disable_parallel_tool_use\":true");

        lg__bytes_addc(b, '}');
    }
    lg__json_free(b->mem, choice);
}

static void write_tooling(const lg_ask *ask, lg_bytes *b)
{
    lg_json *tools = lg__wire_tools(ask, b);
    if (tools) {
        write_tools(ask, tools, b);
        write_choice(ask, b);
    }
    lg__json_free(b->mem, tools);
}

/* "none" is no effort here but no thinking; "minimal" is the least there is. */
static void write_effort(const lg_ask *ask, lg_bytes *members, lg_bytes *b)
{
    lg_json *effort = lg__wire_tree(ask, "reasoning_effort", b);
    const char *word = lg__json_string(effort);
    if (word && strcmp(word, "none") == 0 && !lg__wire_option(ask, "thinking")) {
        lg__bytes_adds(b, ",\"thinking\":{\"type\":\"disabled\"}");
    } else if (word && strcmp(word, "none") != 0 && lg__wire_name(ask->model, "reasoning_effort")) {
        word = strcmp(word, "minimal") == 0 ? "low" : word;
        lg__bytes_adds(members, ",\"effort\":");
        lg__json_write_string(members, word, strlen(word));
    }
    lg__json_free(b->mem, effort);
}

static void write_output(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes members;
    const lg_json *schema;
    lg__bytes_init(&members, b->mem, LG_BYTES_MAX);
    write_effort(ask, &members, b);
    lg_json *root = lg__wire_schema(ask, b, &schema);
    if (schema) {
        lg__bytes_adds(&members, ",\"format\":{\"type\":\"json_schema\",\"schema\":");
        lg__json_write(&members, schema);
        lg__bytes_addc(&members, '}');
    }
    lg__json_free(b->mem, root);
    lg__wire_members(ask, "output_config", false, &members, b);
}

static void write_user(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes members;
    lg__bytes_init(&members, b->mem, LG_BYTES_MAX);
    lg__wire_members(ask, "metadata", false, &members, b);
}

/* ---- the request ------------------------------------------------------- */

static bool samples(const lg_ask *ask)
{
    static const char *const names[] = {"temperature", "top_p", "top_k"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (lg__wire_option(ask, names[i]) && lg__wire_name(ask->model, names[i]))
            return true;
    }
    return false;
}

static bool is_old(const lg_ask *ask)
{
    const lg_model *model = ask->model;
    for (size_t i = 0; i < model->n_headers; i++) {
        if (strcasecmp(model->headers[i].name, "anthropic-version") == 0)
            return strcmp(model->headers[i].value, OLD_VERSION) == 0;
    }
    return (model->quirks & LG_QUIRK_OLD_VERSION) || samples(ask);
}

/* Base addresses are given with the version and without. */
static void write_url(const lg_model *model, lg_bytes *url)
{
    const char *query;
    size_t len = lg__model_base(model, &query);
    bool versioned = len > 3 && memcmp(model->base_url + len - 3, "/v1", 3) == 0;
    lg__wire_url(model, url, versioned ? "/messages" : "/v1/messages");
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    bool old = is_old(ask);
    write_url(ask->model, url);
    lg__wire_header(ask->model, headers, "anthropic-version", old ? OLD_VERSION : VERSION);
    lg__wire_headers(ask->model, headers, old ? "x-api-key" : "Authorization",
                     old ? "" : "Bearer ");
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    write_max_tokens(ask, body);
    *why = write_system(ask, body);
    *why = *why ? *why : write_messages(ask, body);
    lg__wire_fields(ask, NULL, body);
    write_tooling(ask, body);
    write_output(ask, body);
    write_user(ask, body);
    lg__bytes_adds(body, ask->stream ? ",\"stream\":true}" : "}");
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

/* What is there takes the place of what was: a stream's counts are totals so far. */
static void update(int64_t *to, const lg_json *usage, const char *name)
{
    if (lg__json_type(lg__json_get(usage, name)) == LG_JSON_NUMBER)
        *to = lg__heard_tokens(usage, name);
}

/* input_tokens leaves out what was read from a cache and written to it. */
static void hear_usage(lg_heard *h, const lg_json *usage)
{
    lg_usage *u = &h->usage;
    int64_t fresh = u->input - u->cached - u->cache_write;
    update(&fresh, usage, "input_tokens");
    update(&u->cached, usage, "cache_read_input_tokens");
    update(&u->cache_write, usage, "cache_creation_input_tokens");
    update(&u->output, usage, "output_tokens");
    update(&u->reasoning, lg__json_get(usage, "output_tokens_details"), "thinking_tokens");
    u->input = fresh + u->cached + u->cache_write;
    h->has_usage = u->input > 0 || u->output > 0;
}

static void hear_end(lg_heard *h, const lg_json *from)
{
    const char *word = lg__json_string(lg__json_get(from, "stop_reason"));
    const lg_json *details = lg__json_get(from, "stop_details");
    lg__heard_end(h, word);
    if (is(word, "refusal") && lg__json_type(details) == LG_JSON_OBJECT) {
        const char *said = lg__json_string(lg__json_get(details, "explanation"));
        lg__heard_refuse(h, said ? said : lg__json_string(lg__json_get(details, "category")));
    }
}

/* Thoughts go back with the message they led to, or the next answer is refused. */
static void hear(lg_heard *h, const lg_json *root)
{
    const lg_json *content = lg__json_get(root, "content");
    bool raw = false;
    for (const lg_json *c = lg__json_first(content); c; c = lg__json_after(c)) {
        const char *type = lg__json_string(lg__json_get(c, "type"));
        if (is(type, "text")) {
            lg__heard_say(h, lg__json_string(lg__json_get(c, "text")));
        } else if (is(type, "tool_use")) {
            lg__heard_call(h, lg__json_string(lg__json_get(c, "id")),
                           lg__json_string(lg__json_get(c, "name")), NULL,
                           lg__json_get(c, "input"));
        } else {
            raw = true;
            lg__heard_think_next(h);
            lg__heard_think(h, lg__json_string(lg__json_get(c, "thinking")));
        }
    }
    if (raw)
        lg__json_write(&h->raw, content);

    hear_usage(h, lg__json_get(root, "usage"));
    hear_end(h, root);
    if (lg__json_type(content) != LG_JSON_ARRAY)
        h->unsaid = "the reply has no content";
}

/* ---- streams ----------------------------------------------------------- */

/* lg_heard.state: which kind of block is being written to scratch, and whether any needs
 * to go back as it came. Blocks come one behind the other. */
enum {
    BLOCK_NONE = 0,
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_SIGNED, /* a thought whose signature is being written */
    BLOCK_TOOL,
    BLOCK_OTHER,
    BLOCK_MASK = 7,
    HAS_RAW = 8
};

static void set_block(lg_heard *h, int block)
{
    h->state = (h->state & ~(int64_t)BLOCK_MASK) | block;
}

/* Adds s to the JSON string that b ends with. */
static void extend(lg_bytes *b, const char *s)
{
    if (b->len == 0 || !s)
        return;

    size_t at = --b->len; /* its closing quote */
    lg__json_write_string(b, s, strlen(s));
    if (!b->err) {
        memmove(b->data + at, b->data + at + 1, b->len - at); /* the new opening one */
        b->len--;
    }
}

static void start_string(lg_heard *h, const char *before, const char *s)
{
    lg__bytes_adds(&h->scratch, before);
    lg__json_write_string(&h->scratch, s ? s : "", s ? strlen(s) : 0);
}

static void start_call(lg_heard *h, int64_t index, const lg_json *block)
{
    const char *id = lg__json_string(lg__json_get(block, "id"));
    const char *name = lg__json_string(lg__json_get(block, "name"));
    lg_heard_call *c = lg__heard_call_at(h, index);
    if (c && c->id.len == 0 && c->name.len == 0) {
        lg__bytes_adds(&c->id, id ? id : "");
        lg__bytes_adds(&c->name, name ? name : "");
    }
}

static void hear_start(lg_heard *h, int64_t index, const lg_json *block)
{
    const char *type = lg__json_string(lg__json_get(block, "type"));
    const char *text = lg__json_string(lg__json_get(block, "text"));
    lg__bytes_adds(&h->scratch, h->scratch.len ? "," : "");
    if (is(type, "text")) {
        set_block(h, BLOCK_TEXT);
        lg__heard_say(h, text);
        start_string(h, "{\"type\":\"text\",\"text\":", text);
    } else if (is(type, "tool_use")) {
        set_block(h, BLOCK_TOOL);
        start_call(h, index, block);
    } else if (is(type, "thinking")) {
        set_block(h, BLOCK_THINKING);
        h->state |= HAS_RAW;
        const char *begun = lg__json_string(lg__json_get(block, "thinking"));
        lg__heard_think_next(h);
        lg__heard_think(h, begun);
        start_string(h, "{\"type\":\"thinking\",\"thinking\":", begun);
    } else {
        set_block(h, BLOCK_OTHER);
        h->state |= HAS_RAW;
        lg__json_write(&h->scratch, block);
    }
}

static void hear_delta(lg_heard *h, int64_t index, const lg_json *delta)
{
    const char *type = lg__json_string(lg__json_get(delta, "type"));
    int64_t block = h->state & BLOCK_MASK;
    if (is(type, "text_delta") && block == BLOCK_TEXT) {
        const char *text = lg__json_string(lg__json_get(delta, "text"));
        lg__heard_say(h, text);
        extend(&h->scratch, text);
    } else if (is(type, "input_json_delta") && block == BLOCK_TOOL) {
        lg_heard_call *c = lg__heard_call_at(h, index);
        const char *more = lg__json_string(lg__json_get(delta, "partial_json"));
        if (c)
            lg__bytes_adds(&c->arguments, more ? more : "");

    } else if (is(type, "thinking_delta") && block == BLOCK_THINKING) {
        const char *more = lg__json_string(lg__json_get(delta, "thinking"));
        lg__heard_think(h, more);
        extend(&h->scratch, more);
    } else if (is(type, "signature_delta") && block == BLOCK_THINKING) {
        set_block(h, BLOCK_SIGNED);
        start_string(h, ",\"signature\":", lg__json_string(lg__json_get(delta, "signature")));
    } else if (is(type, "signature_delta") && block == BLOCK_SIGNED) {
        extend(&h->scratch, lg__json_string(lg__json_get(delta, "signature")));
    }
}

/* A call in its own form, once its arguments are whole. */
static void keep_call(lg_heard *h, int64_t index)
{
    lg_heard_call *c = lg__heard_call_at(h, index);
    lg_json *input = NULL;
    if (!c)
        return;

    int err =
        lg__json_parse_most(h->mem, c->arguments.data ? c->arguments.data : "", c->arguments.len,
                            lg__provider_most_values(false, c->arguments.len), &input, NULL);
    h->err = err == LG_ENOMEM ? err : h->err;
    start_string(h, "{\"type\":\"tool_use\",\"id\":", c->id.data);
    start_string(h, ",\"name\":", c->name.data);
    lg__bytes_adds(&h->scratch, ",\"input\":");
    if (lg__json_type(input) == LG_JSON_OBJECT)
        lg__json_write(&h->scratch, input);
    else
        lg__bytes_adds(&h->scratch, "{}");

    lg__bytes_addc(&h->scratch, '}');
    lg__json_free(h->mem, input);
}

static void hear_stop(lg_heard *h, int64_t index)
{
    int64_t block = h->state & BLOCK_MASK;
    if (block == BLOCK_TOOL)
        keep_call(h, index);
    else if (block != BLOCK_NONE && block != BLOCK_OTHER)
        lg__bytes_addc(&h->scratch, '}');

    set_block(h, BLOCK_NONE);
}

/* The end: what must go back is whole now. */
static void hear_last(lg_heard *h, const lg_json *data)
{
    hear_usage(h, lg__json_get(data, "usage"));
    hear_end(h, lg__json_get(data, "delta"));
    bool whole = (h->state & BLOCK_MASK) == BLOCK_NONE;
    if (whole && (h->state & HAS_RAW) && h->word[0] && h->raw.len == 0) {
        lg__bytes_addc(&h->raw, '[');
        lg__bytes_add(&h->raw, h->scratch.data ? h->scratch.data : "", h->scratch.len);
        lg__bytes_addc(&h->raw, ']');
    }
}

static void hear_event(lg_heard *h, const char *name, const lg_json *data)
{
    const char *type = lg__json_string(lg__json_get(data, "type"));
    int64_t index = lg__json_int(lg__json_get(data, "index"), 0);
    type = type ? type : name;
    if (is(type, "content_block_start")) {
        if ((h->state & BLOCK_MASK) != BLOCK_NONE)
            hear_stop(h, h->n_calls ? h->calls[h->n_calls - 1].index : 0);

        hear_start(h, index, lg__json_get(data, "content_block"));
    } else if (is(type, "content_block_delta")) {
        hear_delta(h, index, lg__json_get(data, "delta"));
    } else if (is(type, "content_block_stop")) {
        hear_stop(h, index);
    } else if (is(type, "message_start")) {
        hear_usage(h, lg__json_get(lg__json_get(data, "message"), "usage"));
    } else if (is(type, "message_delta")) {
        hear_last(h, data);
    } else if (is(type, "message_stop")) {
        h->ended = true;
    }
}

static const lg_field fields[] = {
    {"max_tokens", "max_tokens", NULL, LG_BY_HAND},
    {"max_completion_tokens", "max_tokens", NULL, LG_BY_HAND},
    {"stop", "stop_sequences", NULL, LG_AS_LIST},
    {"reasoning_effort", "effort", "output_config", LG_BY_HAND},
    {"output_config", "output_config", NULL, LG_BY_HAND},
    {"schema", "format", "output_config", LG_BY_HAND},
    {"response_format", "format", "output_config", LG_BY_HAND},
    {"tools", "tools", NULL, LG_BY_HAND},
    {"tool_choice", "tool_choice", NULL, LG_BY_HAND},
    {"parallel_tool_calls", "disable_parallel_tool_use", NULL, LG_BY_HAND},
    {"user", "user_id", "metadata", LG_AS_IS},
    {"metadata", "metadata", NULL, LG_BY_HAND},
    {"seed", NULL, NULL, LG_AS_IS},
    {"n", NULL, NULL, LG_AS_IS},
    {"min_p", NULL, NULL, LG_AS_IS},
    {"verbosity", NULL, NULL, LG_AS_IS},
    {"logit_bias", NULL, NULL, LG_AS_IS},
    {"logprobs", NULL, NULL, LG_AS_IS},
    {"top_logprobs", NULL, NULL, LG_AS_IS},
    {"presence_penalty", NULL, NULL, LG_AS_IS},
    {"frequency_penalty", NULL, NULL, LG_AS_IS},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_anthropic = {
    .dialect = "anthropic",
    .most_each = LG_MB(5),
    .most_all = LG_MB(32),
    .too_large = "Anthropic takes pictures up to 5 MB in base64 (3.75 MB as a file), and 32 MB "
                 "in all",
    .fields = fields,
    .encode = encode,
    .hear = hear,
    .hear_event = hear_event,
};
