/* provider_responses.c - the dialect of OpenAI's Responses.
 *
 * Asked without the server keeping anything (store: false): a model's reasoning comes back
 * encrypted when tools are offered, and is sent again with the calls that it led to. What
 * this API has no name for (seed, stop, n, penalties, logit_bias, logprobs) is not sent.
 * Also called by provider_openai.c and provider_azure.c, for models that Chat Completions
 * refuses. */
#include <string.h>

#include "model/provider_openai.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define NO_MEDIA "the Responses API takes pictures and pdf documents as parts of a message"
#define NO_WORDS "the Responses API takes only text as what the assistant said"

/* ---- input ------------------------------------------------------------- */

/* NULL, or why it cannot be said. */
static const char *write_part(lg_bytes *b, const lg_ask_part *t)
{
    if (t->media == LG_MEDIA_TEXT) {
        lg__bytes_adds(b, "{\"type\":\"input_text\",\"text\":");
        lg__json_write_string(b, t->text, t->len);
        lg__bytes_addc(b, '}');
    } else if (lg__media_is_image(t->media)) {
        lg__bytes_adds(b, "{\"type\":\"input_image\",\"image_url\":");
        lg__wire_data_url(b, t);
        lg__bytes_adds(b, ",\"detail\":\"auto\"}");
    } else if (t->media == LG_MEDIA_PDF) {
        lg__bytes_adds(b, "{\"type\":\"input_file\",\"filename\":\"document.pdf\",\"file_data\":");
        lg__wire_data_url(b, t);
        lg__bytes_addc(b, '}');
    } else if (t->media == LG_MEDIA_PDF_URL) {
        lg__bytes_adds(b, "{\"type\":\"input_file\",\"file_url\":");
        lg__wire_data_url(b, t);
        lg__bytes_addc(b, '}');
    } else {
        return NO_MEDIA;
    }
    return NULL;
}

/* A text, or the list of the message's parts. */
static const char *write_content(lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    bool words = lg__said_is_words(s);
    if (words && (s->n_parts == 1 || s->who != LG_WHO_USER)) {
        lg__wire_words(b, s);
        return NULL;
    }
    if (s->who == LG_WHO_ASSISTANT)
        return NO_WORDS;

    lg__bytes_addc(b, '[');
    for (size_t i = 0; !why && i < s->n_parts; i++) {
        lg__bytes_adds(b, i ? "," : "");
        why = write_part(b, &s->parts[i]);
    }
    lg__bytes_addc(b, ']');
    return why;
}

static void begin_item(lg_bytes *b, size_t *n)
{
    lg__bytes_adds(b, *n ? "," : "");
    (*n)++;
}

static const char *type_of(const lg_json *j)
{
    const char *type = lg__json_string(lg__json_get(j, "type"));
    return type ? type : "";
}

static void write_call(lg_bytes *b, const lg_json *call)
{
    const char *id = lg__json_string(lg__json_get(call, "id"));
    lg__bytes_adds(b, "{\"type\":\"function_call\",\"call_id\":");
    lg__json_write_string(b, id ? id : "", id ? strlen(id) : 0);
    lg__bytes_addc(b, ',');
    lg__wire_called(b, "name", lg__json_string(lg__json_get(call, "name")), "");
    lg__bytes_adds(b, ",\"arguments\":");
    lg__wire_arguments(b, lg__json_get(call, "arguments"));
    lg__bytes_addc(b, '}');
}

/* The items that the model's message was made of; built anew when nothing in them is secret. */
static void write_calls(lg_bytes *b, const lg_ask_part *t, size_t *n)
{
    lg_json *part = lg__wire_calls(t, b);
    const lg_json *raw = lg__json_first(lg__wire_raw(part, "responses"));
    const char *words = lg__json_string(lg__json_get(part, "text"));
    if (!raw && words && words[0]) {
        begin_item(b, n);
        lg__bytes_adds(b, "{\"role\":\"assistant\",\"content\":");
        lg__json_write_string(b, words, strlen(words));
        lg__bytes_addc(b, '}');
    }
    const lg_json *call = lg__json_first(lg__json_get(part, "calls"));
    for (const lg_json *j = raw; j; j = lg__json_after(j)) {
        begin_item(b, n);
        if (strcmp(type_of(j), "function_call") == 0) {
            lg__wire_call_raw(b, j, &(lg_own_call){call, "call_id", ""});
            call = lg__json_after(call);
        } else {
            lg__json_write(b, j);
        }
    }
    for (; !raw && call; call = lg__json_after(call)) {
        begin_item(b, n);
        write_call(b, call);
    }
    lg__json_free(b->mem, part);
}

static const char *write_said(lg_bytes *b, const lg_said *s, size_t *n)
{
    const char *role = strcmp(s->role, LG_PART) == 0 ? "user" : s->role, *why;
    if (s->parts[0].media == LG_MEDIA_CALLS) {
        write_calls(b, &s->parts[0], n);
        return NULL;
    }
    begin_item(b, n);
    if (s->who == LG_WHO_TOOL) {
        lg__bytes_adds(b, "{\"type\":\"function_call_output\",\"call_id\":");
        lg__json_write_string(b, s->id, s->id_len);
        lg__bytes_adds(b, ",\"output\":");
    } else {
        lg__bytes_adds(b, "{\"role\":");
        lg__json_write_string(b, role, strlen(role));
        lg__bytes_adds(b, ",\"content\":");
    }
    why = write_content(b, s);
    lg__bytes_addc(b, '}');
    return why;
}

/* Instructions alone are no input: then they are messages. */
static bool has_input(const lg_ask *ask)
{
    lg_said s;
    for (size_t at = 0; lg__said_next(ask, &at, &s);) {
        if (s.who != LG_WHO_SYSTEM)
            return true;
    }
    return false;
}

static const char *write_input(const lg_ask *ask, lg_bytes *b)
{
    bool split = has_input(ask);
    const char *why = NULL;
    size_t n = 0;
    lg_said s;
    if (split) {
        size_t len = b->len;
        lg__bytes_adds(b, ",\"instructions\":");
        if (!lg__wire_system(b, ask) && !b->err)
            b->len = len;
    }
    lg__bytes_adds(b, ",\"input\":[");
    for (size_t at = 0; !why && lg__said_next(ask, &at, &s);)
        why = split && s.who == LG_WHO_SYSTEM ? NULL : write_said(b, &s, &n);

    lg__bytes_addc(b, ']');
    return why;
}

/* ---- options ----------------------------------------------------------- */

/* A field that we send ourselves, unless a script or a refusal says otherwise. */
static bool is_ours(const lg_ask *ask, const char *name)
{
    return !lg__wire_option(ask, name) && lg__wire_name(ask->model, name);
}

static void write_tools(const lg_ask *ask, lg_bytes *b)
{
    lg_json *tools = lg__wire_tools(ask, b);
    const char *effort = lg__wire_option(ask, "reasoning_effort");
    if (!tools)
        return;

    if (is_ours(ask, "include") && !(effort && strcmp(effort, "\"none\"") == 0))
        lg__bytes_adds(b, ",\"include\":[\"reasoning.encrypted_content\"]");

    lg__bytes_adds(b, ",\"tools\":[");
    for (const lg_json *t = lg__json_first(tools); t; t = lg__json_after(t)) {
        bool strict = lg__json_true(lg__json_get(t, "strict"));
        lg__bytes_adds(b, t == lg__json_first(tools) ? "" : ",");
        lg__bytes_adds(b, "{\"type\":\"function\",");
        lg__wire_member(b, t, "name");
        lg__bytes_adds(b, ",\"description\":");
        lg__wire_description(ask, t, b);
        lg__bytes_adds(b, ",\"parameters\":");
        lg__wire_parameters(t, b);
        lg__bytes_adds(b, strict ? ",\"strict\":true}" : ",\"strict\":false}");
    }
    lg__bytes_addc(b, ']');
    lg__json_free(b->mem, tools);
}

static void write_tool_choice(const lg_ask *ask, lg_bytes *b)
{
    lg_json *choice = lg__wire_tree(ask, "tool_choice", b);
    const char *word = lg__json_string(choice);
    if (word) {
        lg__bytes_adds(b, ",\"tool_choice\":");
        lg__json_write_string(b, word, strlen(word));
    } else if (choice) {
        lg__bytes_adds(b, ",\"tool_choice\":{\"type\":\"function\",");
        lg__wire_member(b, choice, "name");
        lg__bytes_addc(b, '}');
    }
    lg__json_free(b->mem, choice);
}

/* text.format: of schema, or of Chat's response_format, whose inner object is taken out. */
static void write_format(const lg_ask *ask, lg_bytes *b)
{
    lg_json *schema = lg__wire_tree(ask, "schema", b);
    lg_json *chat = schema ? NULL : lg__wire_tree(ask, "response_format", b);
    const lg_json *inner = lg__json_get(chat, "json_schema");
    inner = schema ? schema : inner;
    if (schema && !lg__json_get(schema, "schema")) { /* it is told in words */
        lg__bytes_adds(b, "{\"type\":\"json_object\"}");
    } else if (inner) {
        lg__bytes_adds(b, "{\"type\":\"json_schema\"");
        for (const lg_json *j = lg__json_first(inner); j; j = lg__json_after(j)) {
            const char *name = lg__json_name(j);
            lg__bytes_addc(b, ',');
            lg__json_write_string(b, name ? name : "", name ? strlen(name) : 0);
            lg__bytes_addc(b, ':');
            lg__json_write(b, j);
        }
        lg__bytes_addc(b, '}');
    } else if (chat) {
        lg__json_write(b, chat);
    }
    lg__json_free(b->mem, chat);
    lg__json_free(b->mem, schema);
}

static void write_text(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes format;
    lg__bytes_init(&format, b->mem, LG_BYTES_MAX);
    write_format(ask, &format);
    lg__wire_group(ask, "text", "format", format.data, b);
    b->err = b->err ? b->err : format.err;
    lg__bytes_free(&format);
}

static void write_body(const lg_ask *ask, lg_bytes *body, const char **why)
{
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    *why = write_input(ask, body);
    lg__bytes_adds(body, is_ours(ask, "store") ? ",\"store\":false" : "");
    lg__wire_fields(ask, NULL, body);
    lg__wire_group(ask, "reasoning", NULL, NULL, body);
    write_text(ask, body);
    write_tools(ask, body);
    write_tool_choice(ask, body);
    lg__bytes_adds(body, ask->stream ? ",\"stream\":true}" : "}");
}

/* The model's own dialect may be another, whose names of options are others. */
void lg__responses_body(const lg_ask *ask, lg_bytes *body, const char **why)
{
    lg_model model = *ask->model;
    lg_ask same = *ask;
    model.provider = &lg__provider_responses;
    same.model = &model;
    write_body(&same, body, why);
}

bool lg__responses_wanted(const lg_ask *ask)
{
    int learned = ask->model->responses;
    return learned == LG_RESPONSES_ALL ||
           (learned == LG_RESPONSES_TOOLS && lg__wire_option(ask, "tools"));
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    lg__wire_url(ask->model, url, "/responses");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    write_body(ask, body, why);
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

bool lg__responses_is(const lg_json *root)
{
    const char *object = lg__json_string(lg__json_get(root, "object"));
    return object && strcmp(object, "response") == 0;
}

static void hear_usage(lg_heard *h, const lg_json *usage)
{
    const lg_json *in = lg__json_get(usage, "input_tokens_details");
    const lg_json *out = lg__json_get(usage, "output_tokens_details");
    lg_usage *u = &h->usage;
    u->input = lg__heard_tokens(usage, "input_tokens");
    u->cached = lg__heard_tokens(in, "cached_tokens");
    u->cache_write = lg__heard_tokens(in, "cache_write_tokens");
    u->output = lg__heard_tokens(usage, "output_tokens");
    u->reasoning = lg__heard_tokens(out, "reasoning_tokens");
    h->has_usage = u->input > 0 || u->output > 0;
}

static void hear_content(lg_heard *h, const lg_json *content)
{
    for (const lg_json *p = lg__json_first(content); p; p = lg__json_after(p)) {
        if (strcmp(type_of(p), "output_text") == 0)
            lg__heard_say(h, lg__json_string(lg__json_get(p, "text")));
        else if (strcmp(type_of(p), "refusal") == 0)
            lg__heard_refuse(h, lg__json_string(lg__json_get(p, "refusal")));
    }
}

/* Summaries of what was thought, and on servers with open models the words themselves. */
static void hear_thoughts(lg_heard *h, const lg_json *parts)
{
    for (const lg_json *p = lg__json_first(parts); p; p = lg__json_after(p)) {
        lg__heard_think_next(h);
        lg__heard_think(h, lg__json_string(lg__json_get(p, "text")));
    }
}

/* A stream says each call twice: when it is whole, and at the end of all. */
static void hear_call(lg_heard *h, const lg_json *item, int64_t index)
{
    const char *id = lg__json_string(lg__json_get(item, "call_id"));
    const char *name = lg__json_string(lg__json_get(item, "name"));
    const char *arguments = lg__json_string(lg__json_get(item, "arguments"));
    lg_heard_call *c = lg__heard_call_at(h, index);
    if (c && c->name.len == 0) {
        c->id.len = c->arguments.len = 0;
        lg__bytes_adds(&c->id, id ? id : "");
        lg__bytes_adds(&c->name, name ? name : "");
        lg__bytes_adds(&c->arguments, arguments ? arguments : "");
    }
}

/* → whether it is reasoning that must be sent back */
static bool hear_item(lg_heard *h, const lg_json *item, int64_t index)
{
    const char *type = type_of(item);
    if (strcmp(type, "message") == 0) {
        hear_content(h, lg__json_get(item, "content"));
    } else if (strcmp(type, "function_call") == 0) {
        hear_call(h, item, index);
    } else if (strcmp(type, "image_generation_call") == 0) {
        lg__heard_media(h, NULL, lg__json_string(lg__json_get(item, "result")));
    } else if (strcmp(type, "reasoning") == 0) {
        const char *sealed = lg__json_string(lg__json_get(item, "encrypted_content"));
        hear_thoughts(h, lg__json_get(item, "summary"));
        hear_thoughts(h, lg__json_get(item, "content"));
        return sealed && sealed[0];
    }
    return false;
}

static void hear_output(lg_heard *h, const lg_json *output)
{
    bool sealed = false;
    int64_t index = 0;
    for (const lg_json *i = lg__json_first(output); i; i = lg__json_after(i))
        sealed = hear_item(h, i, index++) || sealed;

    if (sealed && h->n_calls > 0) {
        h->raw.len = 0;
        lg__json_write(&h->raw, output);
    }
}

/* otherwise: the status when the response states none */
static void hear_end(lg_heard *h, const lg_json *root, const char *otherwise)
{
    const char *status = lg__json_string(lg__json_get(root, "status"));
    const lg_json *details = lg__json_get(root, "incomplete_details");
    const char *reason = lg__json_string(lg__json_get(details, "reason"));
    status = status ? status : otherwise;
    if (strcmp(status, "incomplete") == 0 && reason)
        lg__heard_end(h, reason);
    else if (strcmp(status, "completed") == 0 && h->n_calls > 0)
        lg__heard_end(h, "function_call");
    else if (strcmp(status, "in_progress") == 0 || strcmp(status, "queued") == 0)
        h->bad = "the response is not finished";
    else
        lg__heard_end(h, status[0] ? status : NULL);
}

static void hear(lg_heard *h, const lg_json *root)
{
    const lg_json *output = lg__json_get(root, "output");
    h->dialect = "responses";
    if (lg__json_type(output) != LG_JSON_ARRAY)
        h->unsaid = "the reply has no output";

    hear_usage(h, lg__json_get(root, "usage"));
    hear_output(h, output);
    hear_end(h, root, "");
}

/* What was heard piece by piece is said once more, whole; some servers leave it out. */
static void hear_last(lg_heard *h, const lg_json *response, const char *status)
{
    const lg_json *output = lg__json_get(response, "output");
    if (lg__json_count(output) > 0) {
        h->text.len = h->thought.len = 0;
        hear_output(h, output);
    }
    hear_usage(h, lg__json_get(response, "usage"));
    hear_end(h, response, status);
}

static void hear_event(lg_heard *h, const char *name, const lg_json *data)
{
    static const char *const last[] = {"completed", "incomplete", "failed"};
    const char *type = type_of(data)[0] ? type_of(data) : name;
    const char *what = strncmp(type, "response.", 9) == 0 ? type + 9 : "";
    h->dialect = "responses";
    if (strcmp(what, "output_text.delta") == 0) {
        lg__heard_say(h, lg__json_string(lg__json_get(data, "delta")));
    } else if (strcmp(what, "reasoning_summary_text.delta") == 0 ||
               strcmp(what, "reasoning_text.delta") == 0) {
        lg__heard_think(h, lg__json_string(lg__json_get(data, "delta")));
    } else if (strcmp(what, "reasoning_summary_part.added") == 0) {
        lg__heard_think_next(h);
    } else if (strcmp(what, "output_item.done") == 0) {
        const lg_json *item = lg__json_get(data, "item");
        if (strcmp(type_of(item), "function_call") == 0)
            hear_call(h, item, lg__json_int(lg__json_get(data, "output_index"), 0));
    }
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        if (strcmp(what, last[i]) == 0)
            hear_last(h, lg__json_get(data, "response"), last[i]);
    }
}

static const lg_field fields[] = {
    {"max_tokens", "max_output_tokens", NULL, LG_AS_IS},
    {"max_completion_tokens", "max_output_tokens", NULL, LG_AS_IS},
    {"reasoning_effort", "effort", "reasoning", LG_AS_IS},
    {"verbosity", "verbosity", "text", LG_AS_IS},
    {"reasoning", "reasoning", NULL, LG_BY_HAND},
    {"text", "text", NULL, LG_BY_HAND},
    {"schema", "text", NULL, LG_BY_HAND},
    {"response_format", "text", NULL, LG_BY_HAND},
    {"tools", "tools", NULL, LG_BY_HAND},
    {"tool_choice", "tool_choice", NULL, LG_BY_HAND},
    {"seed", NULL, NULL, LG_AS_IS},
    {"stop", NULL, NULL, LG_AS_IS},
    {"n", NULL, NULL, LG_AS_IS},
    {"presence_penalty", NULL, NULL, LG_AS_IS},
    {"frequency_penalty", NULL, NULL, LG_AS_IS},
    {"logit_bias", NULL, NULL, LG_AS_IS},
    {"logprobs", NULL, NULL, LG_AS_IS},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_responses = {
    .dialect = "responses",
    .most_each = LG_MB(20) / 3 * 4,
    .most_all = LG_MB(50),
    .too_large = LG_OPENAI_TOO_LARGE,
    .fields = fields,
    .encode = encode,
    .hear = hear,
    .hear_event = hear_event,
};
