/* provider_ollama.c - Ollama's own API (/api/chat), which knows what its imitation of Chat
 * Completions does not: the size of the context, thinking, how long a model stays loaded.
 *
 * Options of the model itself go into the object "options"; keep_alive, truncate and the
 * like beside it. What Ollama has no name for (tool_choice, n, logit_bias, verbosity, …) is
 * not sent. */
#include <stdio.h>
#include <string.h>

#include "model/provider_openai.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define NO_MEDIA "Ollama takes pictures, as bytes, as parts of a message"

/* ---- messages ---------------------------------------------------------- */

/* NULL, or why it cannot be said. */
static const char *write_images(lg_bytes *b, const lg_said *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_parts; i++) {
        const lg_ask_part *t = &s->parts[i];
        if (t->media == LG_MEDIA_TEXT || t->media == LG_MEDIA_CALLS)
            continue;

        if (!lg__media_is_image(t->media) || lg__media_is_url(t->media))
            return NO_MEDIA;

        lg__bytes_adds(b, n++ ? "," : ",\"images\":[");
        lg__wire_base64(b, t);
    }
    lg__bytes_adds(b, n ? "]" : "");
    return NULL;
}

static void write_call(lg_bytes *b, const lg_json *call)
{
    lg__bytes_adds(b, "{\"function\":{");
    lg__wire_called(b, "name", lg__json_string(lg__json_get(call, "name")), NULL);
    lg__bytes_adds(b, ",\"arguments\":");
    lg__wire_object(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "}}");
}

static void write_calls(lg_bytes *b, const lg_ask_part *t)
{
    lg_json *part = lg__wire_calls(t, b);
    const char *words = lg__json_string(lg__json_get(part, "text"));
    const lg_json *first = lg__json_first(lg__json_get(part, "calls"));
    lg__json_write_string(b, words ? words : "", words ? strlen(words) : 0);
    lg__bytes_adds(b, first ? ",\"tool_calls\":[" : "");
    for (const lg_json *c = first; c; c = lg__json_after(c)) {
        lg__bytes_adds(b, c == first ? "" : ",");
        write_call(b, c);
    }
    lg__bytes_adds(b, first ? "]" : "");
    lg__json_free(b->mem, part);
}

static const char *write_message(lg_bytes *b, const lg_said *s)
{
    const char *role = s->role;
    if (s->who == LG_WHO_SYSTEM)
        role = "system";
    else if (s->who == LG_WHO_USER)
        role = "user";

    lg__bytes_adds(b, "{\"role\":");
    lg__json_write_string(b, role, strlen(role));
    lg__bytes_adds(b, ",\"content\":");
    if (s->parts[0].media == LG_MEDIA_CALLS)
        write_calls(b, &s->parts[0]);
    else if (s->n_parts == 1 && s->parts[0].media != LG_MEDIA_TEXT)
        lg__bytes_adds(b, "\"\"");
    else
        lg__wire_words(b, s);

    const char *why = write_images(b, s);
    lg__bytes_addc(b, '}');
    return why;
}

static void write_result(lg_bytes *b, const lg_said *s)
{
    lg__bytes_adds(b, "{\"role\":\"tool\",\"content\":");
    lg__wire_result(b, s);
    lg__bytes_addc(b, ',');
    lg__wire_called(b, "tool_name", s->tool, NULL);
    lg__bytes_addc(b, '}');
}

/* Models look at what a user shows them: pictures among the results from a message to another
 * follow those. */
static const char *write_returned(const lg_ask *ask, size_t from, size_t to, lg_bytes *b)
{
    const char *why = NULL;
    lg_said s;
    for (size_t at = from; at < to && !why && lg__said_next(ask, &at, &s);) {
        if (!lg__said_is_words(&s)) {
            lg__bytes_adds(b, ",{\"role\":\"user\",\"content\":");
            lg__wire_returned(b, &s);
            why = write_images(b, &s);
            lg__bytes_addc(b, '}');
        }
    }
    return why;
}

static const char *write_messages(const lg_ask *ask, lg_bytes *b)
{
    const char *why = NULL;
    size_t at = 0, before = 0, first = 0; /* of the results that stand together */
    bool results = false;
    lg_said s;
    lg__bytes_adds(b, ",\"messages\":[");
    while (!why && lg__said_next(ask, &at, &s)) {
        bool result = s.who == LG_WHO_TOOL;
        if (results && !result)
            why = write_returned(ask, first, before, b);

        first = results ? first : before;
        results = result;
        lg__bytes_adds(b, before ? "," : "");
        if (result)
            write_result(b, &s);
        else
            why = why ? why : write_message(b, &s);

        before = at;
    }
    if (results && !why)
        why = write_returned(ask, first, at, b);

    lg__bytes_addc(b, ']');
    return why;
}

/* ---- options ----------------------------------------------------------- */

/* "none" is false; words that a model does not know are for the server to refuse. */
static void write_think(const lg_ask *ask, lg_bytes *b)
{
    const char *effort = lg__wire_option(ask, "reasoning_effort");
    if (!effort || lg__wire_option(ask, "think") || !lg__wire_name(ask->model, "think"))
        return;

    lg__bytes_adds(b, ",\"think\":");
    if (strcmp(effort, "\"none\"") == 0)
        lg__bytes_adds(b, "false");
    else if (strcmp(effort, "\"minimal\"") == 0)
        lg__bytes_adds(b, "\"low\"");
    else if (strcmp(effort, "\"xhigh\"") == 0)
        lg__bytes_adds(b, "\"max\"");
    else
        lg__bytes_adds(b, effort);
}

/* The bare JSON Schema, or "json". */
static void write_format(const lg_ask *ask, lg_bytes *b)
{
    lg_json *schema = lg__wire_tree(ask, "schema", b);
    lg_json *chat = schema ? NULL : lg__wire_tree(ask, "response_format", b);
    const lg_json *inner = schema ? schema : lg__json_get(chat, "json_schema");
    const char *type = lg__json_string(lg__json_get(chat, "type"));
    inner = lg__json_get(inner, "schema");
    if (inner) {
        lg__bytes_adds(b, ",\"format\":");
        lg__json_write(b, inner);
    } else if (schema || (type && strcmp(type, "json_object") == 0)) {
        lg__bytes_adds(b, ",\"format\":\"json\"");
    }
    lg__json_free(b->mem, chat);
    lg__json_free(b->mem, schema);
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    lg__wire_url(ask->model, url, "/api/chat");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    *why = write_messages(ask, body);
    lg__wire_fields(ask, NULL, body);
    write_think(ask, body);
    write_format(ask, body);
    lg__openai_tools(ask, body);
    lg__wire_group(ask, "options", NULL, NULL, body);
    lg__bytes_adds(body, ask->stream ? ",\"stream\":true}" : ",\"stream\":false}");
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

/* Older servers give calls no id: their number is one. */
static void hear_call(lg_heard *h, const lg_json *call)
{
    const lg_json *f = lg__json_get(call, "function"), *args = lg__json_get(f, "arguments");
    const char *id = lg__json_string(lg__json_get(call, "id"));
    char own[32];
    snprintf(own, sizeof own, "call_%zu", h->n_calls + 1);
    lg__heard_call(h, id && id[0] ? id : own, lg__json_string(lg__json_get(f, "name")),
                   lg__json_string(args), lg__json_type(args) == LG_JSON_OBJECT ? args : NULL);
}

static void hear_end(lg_heard *h, const lg_json *root)
{
    const char *reason = lg__json_string(lg__json_get(root, "done_reason"));
    if (!lg__json_true(lg__json_get(root, "done")))
        return;

    h->usage.input = lg__heard_tokens(root, "prompt_eval_count");
    h->usage.output = lg__heard_tokens(root, "eval_count");
    h->has_usage = h->usage.input > 0 || h->usage.output > 0;
    lg__heard_end(h, reason && reason[0] ? reason : "stop");
    if (h->finish == LG_FINISH_STOP && h->n_calls > 0)
        h->finish = LG_FINISH_TOOLS; /* they stop for it with the same word */
}

static void hear_line(lg_heard *h, const char *name, const lg_json *line)
{
    const lg_json *message = lg__json_get(line, "message");
    const lg_json *call = lg__json_first(lg__json_get(message, "tool_calls"));
    (void)name;
    lg__heard_think(h, lg__openai_thinking(message));
    lg__heard_say(h, lg__json_string(lg__json_get(message, "content")));
    for (; call; call = lg__json_after(call))
        hear_call(h, call);

    hear_end(h, line);
}

static void hear(lg_heard *h, const lg_json *root)
{
    if (lg__json_type(lg__json_get(root, "message")) != LG_JSON_OBJECT)
        h->unsaid = "the reply has no message";

    hear_line(h, "", root);
}

static const lg_field fields[] = {
    {"max_tokens", "num_predict", "options", LG_AS_IS},
    {"max_completion_tokens", "num_predict", "options", LG_AS_IS},
    {"temperature", "temperature", "options", LG_AS_IS},
    {"top_p", "top_p", "options", LG_AS_IS},
    {"top_k", "top_k", "options", LG_AS_IS},
    {"min_p", "min_p", "options", LG_AS_IS},
    {"typical_p", "typical_p", "options", LG_AS_IS},
    {"seed", "seed", "options", LG_AS_IS},
    {"stop", "stop", "options", LG_AS_LIST},
    {"presence_penalty", "presence_penalty", "options", LG_AS_IS},
    {"frequency_penalty", "frequency_penalty", "options", LG_AS_IS},
    {"repeat_penalty", "repeat_penalty", "options", LG_AS_IS},
    {"repeat_last_n", "repeat_last_n", "options", LG_AS_IS},
    {"num_ctx", "num_ctx", "options", LG_AS_IS},
    {"num_keep", "num_keep", "options", LG_AS_IS},
    {"num_batch", "num_batch", "options", LG_AS_IS},
    {"num_gpu", "num_gpu", "options", LG_AS_IS},
    {"num_thread", "num_thread", "options", LG_AS_IS},
    {"options", "options", NULL, LG_BY_HAND},
    {"reasoning_effort", "think", NULL, LG_BY_HAND},
    {"schema", "format", NULL, LG_BY_HAND},
    {"response_format", "format", NULL, LG_BY_HAND},
    {"tools", "tools", NULL, LG_BY_HAND},
    {"tool_choice", NULL, NULL, LG_AS_IS},
    {"parallel_tool_calls", NULL, NULL, LG_AS_IS},
    {"n", NULL, NULL, LG_AS_IS},
    {"logit_bias", NULL, NULL, LG_AS_IS},
    {"user", NULL, NULL, LG_AS_IS},
    {"service_tier", NULL, NULL, LG_AS_IS},
    {"verbosity", NULL, NULL, LG_AS_IS},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_ollama = {
    .dialect = "ollama",
    .fields = fields,
    .framing = LG_FRAMES_LINES,
    .cuts = true,
    .encode = encode,
    .hear = hear,
    .hear_event = hear_line,
};
