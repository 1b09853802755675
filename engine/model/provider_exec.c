/* provider_exec.c - the dialect of programs: JSON on their stdin, text on their stdout.
 *
 * In: {"model": …, "messages": [{"role", "content"}], "options": {…}, "tools": […]};
 * content is a text, or a list of {"type": "text", "text": …}, {"type": "image/png",
 * "data": base64} and {"type": "image/url", "url": …}; what called tools has "calls", a
 * tool's result "name" and "id". Out: the answer; or {"text", "finish_reason", "usage":
 * {"input", "output"}, "calls": [{"id", "name", "arguments"}]}; or a picture's or sound's
 * bytes. How the process ends is process.c's. */
#include <string.h>

#include "model/provider_read.h"
#include "model/provider_wire.h"

/* ---- messages ---------------------------------------------------------- */

static void write_part(lg_bytes *b, const lg_ask_part *t)
{
    bool text = t->media == LG_MEDIA_TEXT;
    lg__bytes_addf(b, "{\"type\":\"%s\",", text ? "text" : lg__media_type(t->media));
    if (text || lg__media_is_url(t->media)) {
        lg__bytes_adds(b, text ? "\"text\":" : "\"url\":");
        lg__json_write_string(b, t->text, t->len);
    } else {
        lg__bytes_adds(b, "\"data\":");
        lg__wire_base64(b, t);
    }
    lg__bytes_addc(b, '}');
}

/* What the assistant said when it called tools. */
static void write_calls(lg_bytes *b, const lg_ask_part *t)
{
    lg_json *part = lg__wire_calls(t, b);
    const char *words = lg__json_string(lg__json_get(part, "text"));
    lg__json_write_string(b, words ? words : "", words ? strlen(words) : 0);
    lg__bytes_adds(b, ",\"calls\":");
    lg__json_write(b, lg__json_get(part, "calls"));
    lg__json_free(b->mem, part);
}

static void write_content(lg_bytes *b, const lg_said *s)
{
    lg__bytes_adds(b, ",\"content\":");
    if (s->parts[0].media == LG_MEDIA_CALLS) {
        write_calls(b, &s->parts[0]);
        return;
    }
    if (s->n_parts == 1 && s->parts[0].media == LG_MEDIA_TEXT) {
        lg__json_write_string(b, s->parts[0].text, s->parts[0].len);
        return;
    }
    lg__bytes_addc(b, '[');
    for (size_t i = 0; i < s->n_parts; i++) {
        lg__bytes_adds(b, i ? "," : "");
        write_part(b, &s->parts[i]);
    }
    lg__bytes_addc(b, ']');
}

static void write_role(lg_bytes *b, const lg_said *s)
{
    const char *role = strcmp(s->role, LG_PART) == 0 ? "user" : s->role;
    lg__bytes_adds(b, "{\"role\":");
    if (s->who != LG_WHO_TOOL) {
        lg__json_write_string(b, role, strlen(role));
        return;
    }
    lg__bytes_adds(b, "\"tool\",\"name\":");
    lg__json_write_string(b, s->tool, strlen(s->tool));
    lg__bytes_adds(b, ",\"id\":");
    lg__json_write_string(b, s->id, s->id_len);
    lg__bytes_adds(b, s->error ? ",\"error\":true" : "");
}

static void write_messages(const lg_ask *ask, lg_bytes *b)
{
    lg_said s;
    lg__bytes_adds(b, ",\"messages\":[");
    for (size_t at = 0, n = 0; lg__said_next(ask, &at, &s); n++) {
        lg__bytes_adds(b, n ? "," : "");
        write_role(b, &s);
        write_content(b, &s);
        lg__bytes_addc(b, '}');
    }
    lg__bytes_addc(b, ']');
}

/* ---- tools and options ------------------------------------------------- */

static void write_tools(const lg_ask *ask, lg_bytes *b)
{
    lg_json *tools = lg__wire_tools(ask, b);
    const lg_json *first = lg__json_first(tools);
    lg__bytes_adds(b, first ? ",\"tools\":[" : "");
    for (const lg_json *t = first; t; t = lg__json_after(t)) {
        lg__bytes_adds(b, t == first ? "{" : ",{");
        lg__wire_member(b, t, "name");
        lg__bytes_adds(b, ",\"description\":");
        lg__wire_description(ask, t, b);
        lg__bytes_adds(b, ",\"parameters\":");
        lg__wire_parameters(t, b);
        lg__bytes_addc(b, '}');
    }
    lg__bytes_adds(b, first ? "]" : "");
    lg__json_free(b->mem, tools);
}

static void write_options(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes fields;
    lg__bytes_init(&fields, b->mem, LG_BYTES_MAX);
    lg__wire_fields(ask, NULL, &fields);
    b->err = b->err ? b->err : fields.err;
    lg__bytes_addf(b, ",\"options\":{%s}", fields.len ? fields.data + 1 : ""); /* its first comma */
    lg__bytes_free(&fields);
}

/* No headers; the address is only for messages and the store. */
static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    (void)headers;
    (void)why;
    lg__bytes_adds(url, "exec:");
    lg__bytes_adds(url, ask->model->model);
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    write_messages(ask, body);
    write_options(ask, body);
    write_tools(ask, body);
    lg__bytes_adds(body, "}\n");
    return url->err ? url->err : body->err;
}

/* ---- what came --------------------------------------------------------- */

static void hear(lg_heard *h, const lg_json *root)
{
    const lg_json *usage = lg__json_get(root, "usage"), *text = lg__json_get(root, "text");
    const lg_json *call = lg__json_first(lg__json_get(root, "calls"));
    const char *word = lg__json_string(lg__json_get(root, "finish_reason"));
    lg_usage *u = &h->usage;
    lg__heard_end(h, word ? word : call ? "tool_calls" : "stop");
    lg__heard_think(h, lg__json_string(lg__json_get(root, "thinking")));
    lg__heard_say(h, lg__json_string(text));
    if (lg__json_type(text) > LG_JSON_NULL && lg__json_type(text) != LG_JSON_STRING)
        h->bad = "the program's \"text\" is no text";

    for (; call; call = lg__json_after(call)) {
        const lg_json *args = lg__json_get(call, "arguments");
        lg__heard_call(h, lg__json_string(lg__json_get(call, "id")),
                       lg__json_string(lg__json_get(call, "name")), lg__json_string(args),
                       lg__json_type(args) == LG_JSON_OBJECT ? args : NULL);
    }
    u->input = lg__heard_tokens(usage, "input");
    u->output = lg__heard_tokens(usage, "output");
    u->cached = lg__heard_tokens(usage, "cached");
    u->reasoning = lg__heard_tokens(usage, "reasoning");
    h->has_usage = u->input > 0 || u->output > 0;
}

/* Any other object is an answer in JSON. */
static bool is_ours(const lg_json *root)
{
    static const char *const keys[] = {"text", "calls", "finish_reason", "usage"};
    bool any = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        any = any || lg__json_get(root, keys[i]);

    return any && lg__json_type(root) == LG_JSON_OBJECT;
}

/* print() and echo end a line; that is no part of what was said. */
static void hear_words(lg_heard *h, const char *s, size_t len)
{
    len -= len > 0 && s[len - 1] == '\n';
    len -= len > 0 && s[len - 1] == '\r';
    if (lg_utf8_check(s, len) >= 0 || memchr(s, 0, len))
        h->bad = "what the program wrote is neither UTF-8 nor a picture or sound of a known kind";
    else if (len == 0)
        h->bad = "the program wrote nothing to its stdout";
    else
        lg__bytes_add(&h->text, s, len);

    lg__heard_end(h, "stop");
}

static bool begins_object(const char *s, size_t len)
{
    size_t i = 0;
    while (i < len && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n'))
        i++;

    return i < len && s[i] == '{';
}

static void hear_raw(lg_heard *h, const lg_attempt *a)
{
    lg_json *root = NULL;
    int media = lg__media_sniff(lg__attempt_body(a), a->body.len);
    size_t most = lg__provider_most_values(false, a->body.len);
    if (begins_object(lg__attempt_body(a), a->body.len) &&
        lg__json_parse_most(h->mem, lg__attempt_body(a), a->body.len, most, &root, NULL) ==
            LG_ENOMEM) {
        h->err = LG_ENOMEM;
    } else if (is_ours(root)) {
        hear(h, root);
    } else if (media > 0) {
        lg__bytes_add(&h->data, lg__attempt_body(a), a->body.len);
        h->media = media;
        lg__heard_end(h, "stop");
    } else {
        hear_words(h, lg__attempt_body(a), a->body.len);
    }
    lg__json_free(h->mem, root);
}

static const lg_field fields[] = {
    {"tools", "tools", NULL, LG_BY_HAND},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_exec = {
    .dialect = "exec",
    .fields = fields,
    .process = true,
    .encode = encode,
    .hear = hear,
    .hear_raw = hear_raw,
};
