/* provider_openai.c - the dialect of OpenAI's Chat Completions, as many servers
 * speak it.
 *
 * Bytes in, bytes out: encode gives the same bytes for the same ask, for ever. How
 * compatible servers differ are quirks of the model, not other dialects. */
#include <string.h>

#include "model/provider_openai.h"
#include "model/provider_read.h"
#include "model/provider_wire.h"

#define NO_MEDIA "this API takes pictures, wav or mp3 sound and pdf documents as parts of a message"

/* ---- messages ---------------------------------------------------------- */

static const char *write_audio(lg_bytes *b, const lg_ask_part *t)
{
    if (t->media != LG_MEDIA_WAV && t->media != LG_MEDIA_MP3)
        return NO_MEDIA;

    lg__bytes_adds(b, "{\"type\":\"input_audio\",\"input_audio\":{\"data\":");
    lg__wire_base64(b, t);
    lg__bytes_addf(b, ",\"format\":\"%s\"}}", lg__media_ending(t->media));
    return NULL;
}

/* NULL, or why it cannot be said. */
static const char *write_part(lg_bytes *b, const lg_ask_part *t)
{
    if (t->media == LG_MEDIA_TEXT) {
        lg__bytes_adds(b, "{\"type\":\"text\",\"text\":");
        lg__json_write_string(b, t->text, t->len);
        lg__bytes_addc(b, '}');
    } else if (lg__media_is_image(t->media)) {
        lg__bytes_adds(b, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
        lg__wire_data_url(b, t);
        lg__bytes_adds(b, "}}");
    } else if (t->media == LG_MEDIA_PDF) {
        lg__bytes_adds(b, "{\"type\":\"file\",\"file\":{\"filename\":\"document.pdf\","
                          "\"file_data\":");
        lg__wire_data_url(b, t);
        lg__bytes_adds(b, "}}");
    } else {
        return write_audio(b, t);
    }
    return NULL;
}

static const char *write_parts(lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    lg__bytes_addc(b, '[');
    for (size_t i = 0; !why && i < s->n_parts; i++) {
        lg__bytes_adds(b, i ? "," : "");
        why = write_part(b, &s->parts[i]);
    }
    lg__bytes_addc(b, ']');
    return why;
}

static void write_call(lg_bytes *b, const lg_json *call)
{
    lg__bytes_addc(b, '{');
    lg__wire_member(b, call, "id");
    lg__bytes_adds(b, ",\"type\":\"function\",\"function\":{");
    lg__wire_called(b, "name", lg__json_string(lg__json_get(call, "name")), "");
    lg__bytes_adds(b, ",\"arguments\":");
    lg__wire_arguments(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "}}");
}

/* What the assistant said when it called tools. */
static void write_calls(lg_bytes *b, const lg_ask_part *t)
{
    lg_json *part = lg__wire_calls(t, b);
    const char *words = lg__json_string(lg__json_get(part, "text"));
    if (words && words[0])
        lg__json_write_string(b, words, strlen(words));
    else
        lg__bytes_adds(b, "null");

    const lg_json *call = lg__json_first(lg__json_get(part, "calls"));
    lg__bytes_adds(b, call ? ",\"tool_calls\":[" : "");
    for (const lg_json *c = call; c; c = lg__json_after(c)) {
        lg__bytes_adds(b, c == call ? "" : ",");
        write_call(b, c);
    }
    lg__bytes_adds(b, call ? "]" : "");
    lg__json_free(b->mem, part);
}

static const char *write_content(lg_bytes *b, const lg_said *s)
{
    const lg_ask_part *first = &s->parts[0];
    lg__bytes_adds(b, ",\"content\":");
    if (first->media == LG_MEDIA_CALLS)
        write_calls(b, first);
    else if (s->n_parts == 1 && first->media == LG_MEDIA_TEXT)
        lg__json_write_string(b, first->text, first->len);
    else if (s->who == LG_WHO_TOOL && !lg__said_is_words(s))
        lg__wire_result(b, s);
    else
        return write_parts(b, s);

    return NULL;
}

static void write_role(lg_bytes *b, const lg_model *model, const lg_said *s)
{
    const char *role = s->role;
    bool developer =
        (model->quirks & LG_QUIRK_DEVELOPER) && !(model->learned & LG_LEARNED_NO_DEVELOPER);
    if (s->who == LG_WHO_TOOL)
        role = "tool";
    else if (strcmp(role, LG_PART) == 0)
        role = "user";
    else if (strcmp(role, "system") == 0 && developer)
        role = "developer";

    lg__bytes_adds(b, "{\"role\":");
    lg__json_write_string(b, role, strlen(role));
}

static const char *write_message(lg_bytes *b, const lg_model *model, const lg_said *s)
{
    write_role(b, model, s);
    if (s->who == LG_WHO_TOOL) {
        lg__bytes_adds(b, ",\"tool_call_id\":");
        lg__json_write_string(b, s->id, s->id_len);
    }
    const char *why = write_content(b, s);
    lg__bytes_addc(b, '}');
    return why;
}

/* What the results from a message to another hold besides words, which this API takes only
 * from the user. */
static const char *write_returned(const lg_ask *ask, size_t from, size_t to, lg_bytes *b)
{
    const char *why = NULL;
    bool any = false;
    lg_said s;
    for (size_t at = from; at < to && !why && lg__said_next(ask, &at, &s);) {
        if (lg__said_is_words(&s))
            continue;

        lg__bytes_adds(b, any ? "," : ",{\"role\":\"user\",\"content\":[");
        lg__bytes_adds(b, "{\"type\":\"text\",\"text\":");
        lg__wire_returned(b, &s);
        lg__bytes_addc(b, '}');
        for (size_t i = 0; i < s.n_parts && !why; i++) {
            if (s.parts[i].media > LG_MEDIA_CALLS) {
                lg__bytes_addc(b, ',');
                why = write_part(b, &s.parts[i]);
            }
        }
        any = true;
    }
    lg__bytes_adds(b, any ? "]}" : "");
    return why;
}

static const char *write_messages(const lg_ask *ask, lg_bytes *b)
{
    lg_said s;
    const char *why = NULL;
    size_t at = 0, before = 0, first = 0; /* of the results that stand together */
    bool results = false;
    lg__bytes_adds(b, ",\"messages\":[");
    while (!why && lg__said_next(ask, &at, &s)) {
        bool result = s.who == LG_WHO_TOOL;
        if (results && !result)
            why = write_returned(ask, first, before, b);

        first = results ? first : before;
        results = result;
        lg__bytes_adds(b, before ? "," : "");
        why = why ? why : write_message(b, ask->model, &s);
        before = at;
    }
    if (results && !why)
        why = write_returned(ask, first, at, b);

    lg__bytes_addc(b, ']');
    return why;
}

/* ---- tools and schema -------------------------------------------------- */

void lg__openai_tools(const lg_ask *ask, lg_bytes *b)
{
    lg_json *tools = lg__wire_tools(ask, b);
    if (!tools)
        return;

    lg__bytes_adds(b, ",\"tools\":[");
    for (const lg_json *t = lg__json_first(tools); t; t = lg__json_after(t)) {
        lg__bytes_adds(b, t == lg__json_first(tools) ? "" : ",");
        lg__bytes_adds(b, "{\"type\":\"function\",\"function\":{");
        lg__wire_member(b, t, "name");
        lg__bytes_adds(b, ",\"description\":");
        lg__wire_description(ask, t, b);
        lg__bytes_adds(b, ",\"parameters\":");
        lg__wire_parameters(t, b);
        if (lg__json_true(lg__json_get(t, "strict")))
            lg__bytes_adds(b, ",\"strict\":true");

        lg__bytes_adds(b, "}}");
    }
    lg__bytes_addc(b, ']');
    lg__json_free(b->mem, tools);
}

static void write_tool_choice(const lg_ask *ask, lg_bytes *b)
{
    lg_json *choice = lg__wire_tree(ask, "tool_choice", b);
    if (!choice)
        return;

    const char *word = lg__json_string(choice);
    lg__bytes_adds(b, ",\"tool_choice\":");
    if (word && strcmp(word, "required") == 0 && (ask->model->quirks & LG_QUIRK_TOOL_ANY)) {
        lg__bytes_adds(b, "\"any\"");
    } else if (word) {
        lg__json_write_string(b, word, strlen(word));
    } else {
        lg__bytes_adds(b, "{\"type\":\"function\",\"function\":{");
        lg__wire_member(b, choice, "name");
        lg__bytes_adds(b, "}}");
    }
    lg__json_free(b->mem, choice);
}

static void write_schema(const lg_ask *ask, lg_bytes *b)
{
    const char *json = lg__wire_option(ask, "schema");
    lg_json *root = lg__wire_tree(ask, "schema", b);
    if (json && lg__json_get(root, "schema")) {
        lg__bytes_adds(b, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":");
        lg__bytes_adds(b, json);
        lg__bytes_addc(b, '}');
    } else if (json) { /* a schema that is told in words */
        lg__bytes_adds(b, ",\"response_format\":{\"type\":\"json_object\"}");
    }
    lg__json_free(b->mem, root);
}

static void write_stream(const lg_ask *ask, lg_bytes *b)
{
    bool usage = !(ask->model->quirks & LG_QUIRK_NO_STREAM_USAGE);
    lg__bytes_adds(b, ask->stream ? ",\"stream\":true" : "");
    if (ask->stream && usage && lg__wire_name(ask->model, "stream_options"))
        lg__bytes_adds(b, ",\"stream_options\":{\"include_usage\":true}");
}

void lg__openai_body(const lg_ask *ask, lg_bytes *body, const char **why)
{
    lg__bytes_adds(body, "{\"model\":");
    lg__json_write_string(body, ask->model->model, strlen(ask->model->model));
    *why = write_messages(ask, body);
    lg__wire_fields(ask, NULL, body);
    lg__openai_tools(ask, body);
    write_tool_choice(ask, body);
    write_schema(ask, body);
    write_stream(ask, body);
    lg__bytes_addc(body, '}');
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    bool other = lg__responses_wanted(ask);
    lg__wire_url(ask->model, url, other ? "/responses" : "/chat/completions");
    lg__wire_headers(ask->model, headers, "Authorization", "Bearer ");
    if (other)
        lg__responses_body(ask, body, why);
    else
        lg__openai_body(ask, body, why);

    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

/* OpenRouter states dollars. */
static void hear_cost(const lg_json *usage, lg_heard *h)
{
    double dollars;
    if (lg__json_number(lg__json_get(usage, "cost"), &dollars) && dollars >= 0 && dollars < 1e9)
        h->micros = (int64_t)(dollars * 1e6 + 0.5);
}

/* OpenAI: prompt includes cached, completion includes reasoning. DeepSeek says
 * hit and miss beside their sum. */
static void hear_usage(lg_heard *h, const lg_json *usage)
{
    if (lg__json_type(usage) != LG_JSON_OBJECT)
        return;

    const lg_json *in = lg__json_get(usage, "prompt_tokens_details");
    const lg_json *out = lg__json_get(usage, "completion_tokens_details");
    int64_t hit = lg__heard_tokens(usage, "prompt_cache_hit_tokens");
    lg_usage *u = &h->usage;
    u->input = lg__heard_tokens(usage, "prompt_tokens");
    if (u->input == 0)
        u->input = hit + lg__heard_tokens(usage, "prompt_cache_miss_tokens");

    u->cached = lg__heard_tokens(in, "cached_tokens");
    if (u->cached == 0)
        u->cached = hit;

    u->cache_write = lg__heard_tokens(in, "cache_write_tokens");
    u->output = lg__heard_tokens(usage, "completion_tokens");
    u->reasoning = lg__heard_tokens(out, "reasoning_tokens");
    h->has_usage = u->input > 0 || u->output > 0;
    hear_cost(usage, h);
}

/* Magistral's thinking is a part of the content, with parts of its own. */
static void hear_thoughts(lg_heard *h, const lg_json *parts)
{
    lg__heard_think(h, lg__json_string(parts));
    for (const lg_json *p = lg__json_first(parts); p; p = lg__json_after(p))
        lg__heard_think(h, lg__json_string(lg__json_get(p, "text")));
}

/* Adds the texts of content's parts. */
static void hear_parts(lg_heard *h, const lg_json *content)
{
    for (const lg_json *p = lg__json_first(content); p; p = lg__json_after(p)) {
        const char *type = lg__json_string(lg__json_get(p, "type"));
        const char *said = lg__json_string(lg__json_get(p, "text"));
        if (lg__json_string(p)) {
            lg__heard_say(h, lg__json_string(p));
        } else if (type && strcmp(type, "refusal") == 0) {
            lg__heard_refuse(h, lg__json_string(lg__json_get(p, "refusal")));
        } else if (type && strcmp(type, "image_url") == 0) {
            const lg_json *image = lg__json_get(p, "image_url");
            lg__heard_media(h, NULL, lg__json_string(lg__json_get(image, "url")));
        } else if (type && strcmp(type, "thinking") == 0) {
            hear_thoughts(h, lg__json_get(p, "thinking"));
        } else if (said &&
                   (!type || strcmp(type, "text") == 0 || strcmp(type, "output_text") == 0)) {
            lg__heard_say(h, said);
        }
    }
}

static void hear_content(lg_heard *h, const lg_json *content)
{
    int type = lg__json_type(content);
    if (type == LG_JSON_STRING)
        lg__heard_say(h, lg__json_string(content));
    else if (type == LG_JSON_ARRAY)
        hear_parts(h, content);
    else if (type != 0 && type != LG_JSON_NULL)
        h->bad = "the reply's content is no text";
}

/* Sound that was asked for with modalities, pictures of OpenRouter's image models. */
static void hear_media(lg_heard *h, const lg_json *message)
{
    const lg_json *audio = lg__json_get(message, "audio");
    const char *data = lg__json_string(lg__json_get(audio, "data"));
    if (data)
        lg__heard_media(h, "audio/pcm", data);

    hear_parts(h, lg__json_get(message, "images"));
}

/* DeepSeek's name, OpenRouter's and vLLM's later one, Ollama's: servers give one, or the same
 * under two. */
const char *lg__openai_thinking(const lg_json *message)
{
    for (const lg_json *j = lg__json_first(message); j; j = lg__json_after(j)) {
        const char *name = lg__json_name(j);
        bool may_be = name && (strncmp(name, "rea", 3) == 0 || name[0] == 't');
        bool is_one = may_be && (strcmp(name, "reasoning_content") == 0 ||
                                 strcmp(name, "reasoning") == 0 || strcmp(name, "thinking") == 0);
        const char *said = is_one ? lg__json_string(j) : NULL;
        if (said && said[0])
            return said;
    }
    return NULL;
}

static void hear_refusal(lg_heard *h, const lg_json *message)
{
    const char *no = lg__json_string(lg__json_get(message, "refusal"));
    if (no && no[0])
        lg__heard_refuse(h, no);
}

static void hear_message(lg_heard *h, const lg_json *message)
{
    lg__heard_think(h, lg__openai_thinking(message));
    hear_content(h, lg__json_get(message, "content"));
    hear_refusal(h, message);
    hear_media(h, message);
    const lg_json *call = lg__json_first(lg__json_get(message, "tool_calls"));
    for (; call; call = lg__json_after(call)) {
        const lg_json *f = lg__json_get(call, "function"), *args = lg__json_get(f, "arguments");
        lg__heard_call(h, lg__json_string(lg__json_get(call, "id")),
                       lg__json_string(lg__json_get(f, "name")), lg__json_string(args),
                       lg__json_type(args) == LG_JSON_OBJECT ? args : NULL);
    }
}

static void hear_chat(lg_heard *h, const lg_json *root)
{
    const lg_json *choices = lg__json_get(root, "choices");
    const lg_json *choice = lg__json_at(choices, 0);
    const lg_json *message = lg__json_get(choice, "message");
    hear_usage(h, lg__json_get(root, "usage"));
    lg__heard_end(h, lg__json_string(lg__json_get(choice, "finish_reason")));
    if (lg__json_type(choices) != LG_JSON_ARRAY)
        h->unsaid = "the reply has no choices";
    else if (!choice)
        h->bad = "the reply's list of choices is empty";
    else if (lg__json_type(message) != LG_JSON_OBJECT)
        h->bad = "the reply's first choice has no message";
    else
        hear_message(h, message);
}

/* What answered is told by the answer: a recorded one may be of before the model learned. */
void lg__openai_hear(lg_heard *h, const lg_json *root)
{
    if (lg__responses_is(root))
        lg__provider_responses.hear(h, root);
    else
        hear_chat(h, root);
}

/* ---- streams ----------------------------------------------------------- */

/* Calls grow by their index; servers that leave it out send each call whole. */
static void hear_call_delta(lg_heard *h, const lg_json *delta)
{
    const lg_json *f = lg__json_get(delta, "function");
    const char *id = lg__json_string(lg__json_get(delta, "id"));
    const char *name = lg__json_string(lg__json_get(f, "name"));
    int64_t last = h->n_calls ? h->calls[h->n_calls - 1].index : 0;
    int64_t index = lg__json_int(lg__json_get(delta, "index"), id ? last + 1 : last);
    lg_heard_call *c = lg__heard_call_at(h, index);
    if (!c)
        return;

    if (c->id.len == 0)
        lg__bytes_adds(&c->id, id ? id : "");

    if (c->name.len == 0)
        lg__bytes_adds(&c->name, name ? name : "");

    const lg_json *args = lg__json_get(f, "arguments");
    const char *more = lg__json_string(args);
    lg__bytes_adds(&c->arguments, more ? more : "");
    if (lg__json_type(args) == LG_JSON_OBJECT)
        lg__json_write(&c->arguments, args);
}

/* Forgets what was said so far when a message says it again, and so many bytes more. */
static void forget_begun(lg_bytes *so_far, const char *said, size_t more)
{
    if (said && so_far->len > 0 && strlen(said) >= so_far->len + more &&
        memcmp(said, so_far->data, so_far->len) == 0)
        so_far->len = 0;
}

/* A server's message in the place of a delta is what is new, or all that was said so far. */
static const lg_json *find_delta(lg_heard *h, const lg_json *choice)
{
    const lg_json *delta = lg__json_get(choice, "delta");
    const lg_json *message = lg__json_get(choice, "message");
    if (lg__json_type(delta) == LG_JSON_OBJECT || lg__json_type(message) != LG_JSON_OBJECT)
        return delta;

    forget_begun(&h->text, lg__json_string(lg__json_get(message, "content")), 1);
    forget_begun(&h->thought, lg__openai_thinking(message), 0); /* it has ended, the answer not */
    return message;
}

/* Some of the first chunks of Azure have no choices. */
static void hear_chunk(lg_heard *h, const lg_json *data)
{
    const lg_json *choice = lg__json_at(lg__json_get(data, "choices"), 0);
    if (lg__json_int(lg__json_get(choice, "index"), 0) == 0) {
        const lg_json *delta = find_delta(h, choice);
        lg__heard_think(h, lg__openai_thinking(delta));
        hear_content(h, lg__json_get(delta, "content"));
        hear_refusal(h, delta);
        hear_parts(h, lg__json_get(delta, "images"));
        const lg_json *call = lg__json_first(lg__json_get(delta, "tool_calls"));
        for (; call; call = lg__json_after(call))
            hear_call_delta(h, call);

        lg__heard_end(h, lg__json_string(lg__json_get(choice, "finish_reason")));
    }
    hear_usage(h, lg__json_get(data, "usage"));
}

void lg__openai_hear_event(lg_heard *h, const char *name, const lg_json *data)
{
    const char *type = lg__json_string(lg__json_get(data, "type"));
    if (type && strncmp(type, "response.", strlen("response.")) == 0)
        lg__provider_responses.hear_event(h, name, data);
    else
        hear_chunk(h, data);
}

const lg_field lg__openai_fields[] = {
    {"tools", "tools", NULL, LG_BY_HAND},
    {"tool_choice", "tool_choice", NULL, LG_BY_HAND},
    {"schema", "response_format", NULL, LG_BY_HAND},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_openai = {
    .dialect = "openai",
    .most_each = LG_MB(20) / 3 * 4,
    .most_all = LG_MB(50),
    .too_large = LG_OPENAI_TOO_LARGE,
    .fields = lg__openai_fields,
    .encode = encode,
    .hear = lg__openai_hear,
    .hear_event = lg__openai_hear_event,
};
