/* provider_gemini.c - Gemini: POST <base>/models/NAME:generateContent, and
 * :streamGenerateContent?alt=sse for streams.
 *
 * Same ask, same bytes. Not its embeddings (provider_gemini_embed.c) and not Google's
 * imitation of OpenAI, which is the dialect openai. */
#include "model/provider_gemini.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "model/provider_read.h"
#include "model/provider_wire.h"

#define NO_MEDIA \
    "this API takes pictures, wav, mp3, ogg or flac sound and pdf documents as parts of a message"
#define NO_MEDIA_SYSTEM "this API takes only text as system messages"

/* What a function's name may hold besides what every API takes. */
#define NAMES_ALSO ".:"

/* Begins the ids that the API did not give itself and must not be sent. */
#define OWN_ID "gemini_call_"

/* ---- address ----------------------------------------------------------- */

/* Whether the base address ends in a version: "/v1", "/v1beta", … */
static bool is_versioned(const lg_model *model)
{
    const char *query;
    size_t len = lg__model_base(model, &query), at = len;
    while (at > 0 && model->base_url[at - 1] != '/')
        at--;

    return at > 0 && len > at + 1 && model->base_url[at] == 'v' &&
           isdigit((unsigned char)model->base_url[at + 1]);
}

void lg__gemini_name(lg_bytes *b, const lg_model *model)
{
    bool whole =
        strncmp(model->model, "models/", 7) == 0 || strncmp(model->model, "tunedModels/", 12) == 0;
    lg__bytes_adds(b, whole ? "" : "models/");
    lg__bytes_adds(b, model->model);
}

void lg__gemini_url(const lg_model *model, lg_bytes *url, const char *verb)
{
    lg_bytes path, name;
    lg__bytes_init(&path, url->mem, LG_BYTES_MAX);
    lg__bytes_init(&name, url->mem, LG_BYTES_MAX);
    lg__gemini_name(&name, model);
    lg__bytes_adds(&path, is_versioned(model) ? "/" : "/v1/");
    char *slash = name.data ? strchr(name.data, '/') : NULL;
    if (slash) {
        lg__bytes_add(&path, name.data, (size_t)(slash + 1 - name.data));
        lg__wire_segment(&path, slash + 1);
    }
    lg__bytes_adds(&path, verb);
    url->err = url->err ? url->err : name.err ? name.err : path.err;
    lg__wire_url(model, url, path.data ? path.data : "");
    lg__bytes_free(&name);
    lg__bytes_free(&path);
}

/* ---- messages ---------------------------------------------------------- */

/* Before the next item of a list. */
static void comma(lg_bytes *b)
{
    if (b->len > 0 && b->data[b->len - 1] != '[')
        lg__bytes_addc(b, ',');
}

/* The type that an address's ending tells; NULL: none that we know. */
static const char *type_of_url(const lg_ask_part *t)
{
    static const char *const endings[][2] = {
        {".png", "image/png"},       {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},       {".webp", "image/webp"}, {".wav", "audio/wav"},
        {".mp3", "audio/mpeg"},      {".ogg", "audio/ogg"},   {".flac", "audio/flac"},
        {".pdf", "application/pdf"},
    };
    size_t len = strcspn(t->text, "?#");
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i][0]);
        if (len > n && len <= t->len && strncasecmp(t->text + len - n, endings[i][0], n) == 0)
            return endings[i][1];
    }
    return t->media == LG_MEDIA_PDF_URL ? "application/pdf" : NULL;
}

/* As the inside of a part. NULL, or why it cannot be said. */
static const char *write_media(lg_bytes *b, const lg_ask_part *t)
{
    const char *type = lg__media_is_url(t->media) ? type_of_url(t) : lg__media_type(t->media);
    if (t->media <= LG_MEDIA_CALLS || t->media == LG_MEDIA_PCM)
        return NO_MEDIA;

    if (lg__media_is_url(t->media)) {
        lg__bytes_adds(b, "{\"fileData\":{\"fileUri\":");
        lg__json_write_string(b, t->text, t->len);
        lg__bytes_addf(b, type ? ",\"mimeType\":\"%s\"}}" : "}}", type);
        return NULL;
    }
    lg__bytes_addf(b, "{\"inlineData\":{\"mimeType\":\"%s\",\"data\":", type);
    lg__wire_base64(b, t);
    lg__bytes_adds(b, "}}");
    return NULL;
}

static void write_text(lg_bytes *b, const char *s, size_t len)
{
    comma(b);
    lg__bytes_adds(b, "{\"text\":");
    lg__json_write_string(b, s, len);
    lg__bytes_addc(b, '}');
}

static void write_id(lg_bytes *b, const char *id, size_t len)
{
    if (len > 0 && strncmp(id, OWN_ID, strlen(OWN_ID)) != 0) {
        lg__bytes_adds(b, "\"id\":");
        lg__json_write_string(b, id, len);
        lg__bytes_addc(b, ',');
    }
}

static void write_call(lg_bytes *b, const lg_json *call)
{
    const char *id = lg__json_string(lg__json_get(call, "id"));
    comma(b);
    lg__bytes_adds(b, "{\"functionCall\":{");
    write_id(b, id, id ? strlen(id) : 0);
    lg__wire_called(b, "name", lg__json_string(lg__json_get(call, "name")), NAMES_ALSO);
    lg__bytes_adds(b, ",\"args\":");
    lg__wire_object(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "}}");
}

/* A part as it came; call: what the message calls it, if it is one. */
static void write_raw(lg_bytes *b, const lg_json *part, const lg_json *call)
{
    if (!lg__json_get(part, "functionCall")) {
        lg__json_write(b, part);
        return;
    }
    const char *id = lg__json_string(lg__json_get(lg__json_get(part, "functionCall"), "id"));
    call = id && id[0] ? call : NULL; /* ids of our own do not go out */
    lg__bytes_addc(b, '{');
    for (const lg_json *j = lg__json_first(part); j; j = lg__json_after(j)) {
        const char *key = lg__json_name(j);
        bool is_call = key && strcmp(key, "functionCall") == 0;
        lg__bytes_adds(b, j == lg__json_first(part) ? "" : ",");
        lg__json_write_string(b, key ? key : "", key ? strlen(key) : 0);
        lg__bytes_addc(b, ':');
        if (is_call && lg__json_type(j) == LG_JSON_OBJECT)
            lg__wire_call_raw(b, j, &(lg_own_call){call, "id", NAMES_ALSO});
        else
            lg__json_write(b, j);
    }
    lg__bytes_addc(b, '}');
}

/* What the model said when it called tools: as it came, or made anew. */
static void write_calls(lg_bytes *b, const lg_ask_part *t)
{
    lg_json *part = lg__wire_calls(t, b);
    const lg_json *raw = lg__wire_raw(part, "gemini");
    const char *words = lg__json_string(lg__json_get(part, "text"));
    const lg_json *call = lg__json_first(lg__json_get(part, "calls"));
    for (const lg_json *j = lg__json_first(raw); j; j = lg__json_after(j)) {
        comma(b);
        write_raw(b, j, call);
        bool heard = lg__json_get(j, "functionCall") && !lg__json_true(lg__json_get(j, "thought"));
        call = heard ? lg__json_after(call) : call;
    }
    if (!raw) {
        if (words && words[0])
            write_text(b, words, strlen(words));

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
        if (t->media == LG_MEDIA_TEXT) {
            write_text(b, t->text, t->len);
        } else if (t->media == LG_MEDIA_CALLS) {
            write_calls(b, t);
        } else {
            comma(b);
            why = write_media(b, t);
        }
    }
    return why;
}

/* Models from 3 on take pictures and documents as a part of a result. */
static bool takes_parts(const lg_model *model)
{
    const char *family = strstr(model->model, "gemini-");
    char first = family ? family[strlen("gemini-")] : '\0';
    return (isdigit((unsigned char)first) && first > '2') || strstr(model->model, "-latest");
}

/* Whether a result's parts that are no words must stand behind the results. */
static bool is_below(const lg_ask *ask, const lg_said *s)
{
    static const int inside[] = {LG_MEDIA_TEXT, LG_MEDIA_PNG, LG_MEDIA_JPEG, LG_MEDIA_WEBP,
                                 LG_MEDIA_PDF};
    bool all = takes_parts(ask->model);
    for (size_t i = 0; i < s->n_parts && all; i++) {
        all = false;
        for (size_t k = 0; k < sizeof inside / sizeof *inside; k++)
            all = all || s->parts[i].media == inside[k];
    }
    return !all && !lg__said_is_words(s);
}

/* ,"parts":[…] of what is no words */
static const char *write_inside(lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    lg__bytes_adds(b, ",\"parts\":[");
    for (size_t i = 0; !why && i < s->n_parts; i++) {
        if (s->parts[i].media != LG_MEDIA_TEXT) {
            comma(b);
            why = write_media(b, &s->parts[i]);
        }
    }
    lg__bytes_addc(b, ']');
    return why;
}

/* Words go into the response. */
static const char *write_result(const lg_ask *ask, lg_bytes *b, const lg_said *s)
{
    const char *why = NULL;
    comma(b);
    lg__bytes_adds(b, "{\"functionResponse\":{");
    write_id(b, s->id, s->id_len);
    lg__wire_called(b, "name", s->tool, NAMES_ALSO);
    lg__bytes_adds(b, s->error ? ",\"response\":{\"error\":" : ",\"response\":{\"output\":");
    if (is_below(ask, s))
        lg__wire_result(b, s);
    else if (s->n_parts == 1 && s->parts[0].media != LG_MEDIA_TEXT)
        lg__bytes_adds(b, "\"\"");
    else
        lg__wire_words(b, s);

    lg__bytes_addc(b, '}');
    if (!lg__said_is_words(s) && !is_below(ask, s))
        why = write_inside(b, s);

    lg__bytes_adds(b, "}}");
    return why;
}

/* What the results from a message to another hold besides, as the user's next content: models
 * before 3 refuse it among the results of several calls. */
static const char *write_returned(const lg_ask *ask, size_t from, size_t to, lg_bytes *b)
{
    const char *why = NULL;
    bool any = false;
    lg_said s;
    for (size_t at = from; at < to && !why && lg__said_next(ask, &at, &s);) {
        if (s.who != LG_WHO_TOOL || !is_below(ask, &s))
            continue;

        lg__bytes_adds(b, any ? "," : "],\"role\":\"user\"},{\"parts\":[");
        lg__bytes_adds(b, "{\"text\":");
        lg__wire_returned(b, &s);
        lg__bytes_addc(b, '}');
        for (size_t i = 0; i < s.n_parts && !why; i++) {
            if (s.parts[i].media > LG_MEDIA_CALLS) {
                comma(b);
                why = write_media(b, &s.parts[i]);
            }
        }
        any = true;
    }
    return why;
}

/* The next message that is not the system's. */
static bool next_spoken(const lg_ask *ask, size_t *at, lg_said *s)
{
    bool any = lg__said_next(ask, at, s);
    while (any && s->who == LG_WHO_SYSTEM)
        any = lg__said_next(ask, at, s);

    return any;
}

/* One speaker's messages, from s on, which begins at message *from and ends at *at. Whether
 * there are more: then s, *from and *at are of the next. */
static bool write_speaker(const lg_ask *ask, size_t *from, size_t *at, lg_said *s, lg_bytes *b,
                          const char **why)
{
    bool model = s->who == LG_WHO_ASSISTANT, any = true, results = false;
    size_t first = *from; /* of the results that stand together */
    while (!*why && any && (s->who == LG_WHO_ASSISTANT) == model) {
        bool result = s->who == LG_WHO_TOOL;
        if (results && !result)
            *why = write_returned(ask, first, *from, b);

        first = results ? first : *from;
        results = result;
        if (!*why)
            *why = result ? write_result(ask, b, s) : write_parts(b, s);

        *from = *at;
        any = next_spoken(ask, at, s);
    }
    if (results && !*why)
        *why = write_returned(ask, first, *from, b);

    return any;
}

/* Messages of one speaker that follow each other are one. */
static const char *write_contents(const lg_ask *ask, lg_bytes *b)
{
    lg_said s;
    size_t at = 0, from = 0;
    const char *why = NULL;
    bool any = next_spoken(ask, &at, &s);
    lg__bytes_adds(b, "\"contents\":[");
    while (!why && any) {
        const char *role = s.who == LG_WHO_ASSISTANT ? "model" : "user";
        comma(b);
        lg__bytes_adds(b, "{\"parts\":[");
        any = write_speaker(ask, &from, &at, &s, b, &why);
        lg__bytes_addf(b, "],\"role\":\"%s\"}", role);
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
        lg__bytes_adds(b, ",\"systemInstruction\":{\"parts\":[{\"text\":");
        lg__bytes_add(b, words.data ? words.data : "", words.len);
        lg__bytes_adds(b, "}],\"role\":\"user\"}");
    }
    b->err = b->err ? b->err : words.err;
    lg__bytes_free(&words);
    return NULL;
}

/* ---- tools and options ------------------------------------------------- */

static void write_tools(const lg_ask *ask, const lg_json *tools, lg_bytes *b)
{
    lg__bytes_adds(b, ",\"tools\":[{\"functionDeclarations\":[");
    for (const lg_json *t = lg__json_first(tools); t; t = lg__json_after(t)) {
        comma(b);
        lg__bytes_addc(b, '{');
        lg__wire_member(b, t, "name");
        lg__bytes_adds(b, ",\"description\":");
        lg__wire_description(ask, t, b);
        lg__bytes_adds(b, ",\"parametersJsonSchema\":");
        lg__wire_parameters(t, b);
        lg__bytes_addc(b, '}');
    }
    lg__bytes_adds(b, "]}]");
}

static void write_choice(const lg_ask *ask, lg_bytes *b)
{
    lg_json *choice = lg__wire_tree(ask, "tool_choice", b);
    const char *word = lg__json_string(choice);
    const char *name = lg__json_string(lg__json_get(choice, "name"));
    if (choice) {
        bool automatic = word && strcmp(word, "auto") == 0,
             none = word && strcmp(word, "none") == 0;
        lg__bytes_addf(b, ",\"toolConfig\":{\"functionCallingConfig\":{\"mode\":\"%s\"",
                       automatic ? "AUTO"
                       : none    ? "NONE"
                                 : "ANY");
        if (name) {
            lg__bytes_adds(b, ",\"allowedFunctionNames\":[");
            lg__json_write_string(b, name, strlen(name));
            lg__bytes_addc(b, ']');
        }
        lg__bytes_adds(b, "}}");
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

typedef struct effort_row {
    const char *word, *level; /* of 3.x, which has no way not to think at all */
    int budget;               /* of 2.5, in tokens, as Google's imitation of OpenAI has them */
} effort_row;

/* Efforts become levels, with the models before them budgets. */
static void write_effort(const lg_ask *ask, lg_bytes *b)
{
    static const effort_row rows[] = {
        {"none", "MINIMAL", 0},     {"minimal", "MINIMAL", 512}, {"low", "LOW", 1024},
        {"medium", "MEDIUM", 8192}, {"high", "HIGH", 24576},     {"xhigh", "HIGH", 24576},
        {"max", "HIGH", 24576},
    };
    lg_json *effort = lg__wire_tree(ask, "reasoning_effort", b);
    const char *word = lg__json_string(effort);
    bool wanted = word && lg__wire_name(ask->model, "reasoning_effort") &&
                  !lg__wire_option(ask, "thinkingConfig");
    size_t i = 0;
    while (wanted && i < sizeof rows / sizeof *rows && strcmp(rows[i].word, word) != 0)
        i++;

    if (wanted && i == sizeof rows / sizeof *rows) { /* a word for the server to judge */
        lg__bytes_adds(b, ",\"thinkingConfig\":{\"thinkingLevel\":");
        lg__json_write_string(b, word, strlen(word));
        lg__bytes_addc(b, '}');
    } else if (wanted && strstr(ask->model->model, "gemini-2")) {
        int least = strstr(ask->model->model, "-pro") ? 128 : 0; /* it thinks always */
        lg__bytes_addf(b, ",\"thinkingConfig\":{\"thinkingBudget\":%d}",
                       rows[i].budget > least ? rows[i].budget : least);
    } else if (wanted) {
        lg__bytes_addf(b, ",\"thinkingConfig\":{\"thinkingLevel\":\"%s\"}", rows[i].level);
    }
    lg__json_free(b->mem, effort);
}

static void write_schema(const lg_ask *ask, lg_bytes *b)
{
    const lg_json *schema;
    lg_json *root = lg__wire_schema(ask, b, &schema);
    const char *type = lg__json_string(lg__json_get(root, "type"));
    bool any = lg__wire_option(ask, "schema") || (type && strcmp(type, "json_object") == 0);
    if (schema || any)
        lg__bytes_adds(b, ",\"responseMimeType\":\"application/json\"");

    if (schema) {
        lg__bytes_adds(b, ",\"responseJsonSchema\":");
        lg__json_write(b, schema);
    }
    lg__json_free(b->mem, root);
}

/* ["text", "image"] → ["TEXT","IMAGE"] */
static void write_modalities(const lg_ask *ask, lg_bytes *b)
{
    lg_json *list = lg__wire_tree(ask, "modalities", b);
    if (list) {
        lg__bytes_adds(b, ",\"responseModalities\":[");
        for (const lg_json *j = lg__json_first(list); j; j = lg__json_after(j)) {
            char word[16] = "";
            const char *s = lg__json_string(j);
            for (size_t i = 0; s && s[i] && i + 1 < sizeof word; i++)
                word[i] = (char)toupper((unsigned char)s[i]);

            comma(b);
            lg__json_write_string(b, word, strlen(word));
        }
        lg__bytes_addc(b, ']');
    }
    lg__json_free(b->mem, list);
}

static void write_config(const lg_ask *ask, lg_bytes *b)
{
    lg_bytes members;
    lg__bytes_init(&members, b->mem, LG_BYTES_MAX);
    write_effort(ask, &members);
    write_schema(ask, &members);
    write_modalities(ask, &members);
    lg__wire_members(ask, "generationConfig", true, &members, b);
}

static int encode(const lg_ask *ask, lg_bytes *url, lg_bytes *headers, lg_bytes *body,
                  const char **why)
{
    lg__gemini_url(ask->model, url, ask->stream ? ":streamGenerateContent" : ":generateContent");
    if (ask->stream)
        lg__bytes_adds(url, url->data && strchr(url->data, '?') ? "&alt=sse" : "?alt=sse");

    lg__wire_headers(ask->model, headers, "x-goog-api-key", "");
    lg__bytes_addc(body, '{');
    *why = write_contents(ask, body);
    *why = *why ? *why : write_system(ask, body);
    write_tooling(ask, body);
    write_config(ask, body);
    lg__wire_fields(ask, NULL, body);
    lg__bytes_addc(body, '}');
    int err = url->err ? url->err : headers->err;
    err = err ? err : body->err;
    return err ? err : *why ? LG_EINVAL : LG_OK;
}

/* ---- what came --------------------------------------------------------- */

/* The tokens of pictures among those that are told apart; -1: they are not. */
static int64_t picture_tokens(const lg_json *details)
{
    int64_t n = 0;
    for (const lg_json *d = lg__json_first(details); d; d = lg__json_after(d)) {
        const char *of = lg__json_string(lg__json_get(d, "modality"));
        n += of && strcmp(of, "IMAGE") == 0 ? lg__heard_tokens(d, "tokenCount") : 0;
    }
    return lg__json_count(details) > 0 ? n : -1;
}

void lg__gemini_usage(lg_heard *h, const lg_json *usage)
{
    int64_t seen, drawn;
    lg_usage *u = &h->usage;
    if (lg__json_type(usage) != LG_JSON_OBJECT)
        return;

    u->input = lg__heard_tokens(usage, "promptTokenCount") +
               lg__heard_tokens(usage, "toolUsePromptTokenCount");
    u->cached = lg__heard_tokens(usage, "cachedContentTokenCount");
    u->reasoning = lg__heard_tokens(usage, "thoughtsTokenCount");
    u->output = lg__heard_tokens(usage, "candidatesTokenCount") + u->reasoning;
    seen = picture_tokens(lg__json_get(usage, "promptTokensDetails"));
    drawn = picture_tokens(lg__json_get(usage, "candidatesTokensDetails"));
    h->image_in = seen > 0 ? seen : 0;
    h->image_out = drawn >= 0 ? drawn : h->media ? u->output - u->reasoning : 0;
    h->has_usage = u->input > 0 || u->output > 0;
}

/* Calls without an id get one, for results are told apart by it. */
static void hear_call(lg_heard *h, const lg_json *call)
{
    const char *id = lg__json_string(lg__json_get(call, "id"));
    char own[40];
    snprintf(own, sizeof own, OWN_ID "%zu", h->n_calls + 1);
    lg__heard_call(h, id && id[0] ? id : own, lg__json_string(lg__json_get(call, "name")), NULL,
                   lg__json_get(call, "args"));
}

/* Thoughts are not said. What is signed must go back as it came: state counts it. */
static void hear_part(lg_heard *h, const lg_json *part)
{
    const lg_json *data = lg__json_get(part, "inlineData");
    bool thought = lg__json_true(lg__json_get(part, "thought"));
    h->state += thought || lg__json_get(part, "thoughtSignature");
    lg__bytes_adds(&h->scratch, h->scratch.len ? "," : "");
    if (lg__json_type(data) == LG_JSON_OBJECT)
        lg__bytes_adds(&h->scratch, "{}"); /* a picture is the answer: none follows it */
    else
        lg__json_write(&h->scratch, part);

    if (thought) {
        lg__heard_think(h, lg__json_string(lg__json_get(part, "text")));
        return;
    }

    lg__heard_say(h, lg__json_string(lg__json_get(part, "text")));
    if (lg__json_get(part, "functionCall"))
        hear_call(h, lg__json_get(part, "functionCall"));

    if (lg__json_type(data) == LG_JSON_OBJECT) {
        lg__heard_media(h, lg__json_string(lg__json_get(data, "mimeType")),
                        lg__json_string(lg__json_get(data, "data")));
    }
}

static void hear_finish(lg_heard *h, const lg_json *candidate)
{
    static const char *const botched[] = {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL",
                                          "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"};
    const char *word = lg__json_string(lg__json_get(candidate, "finishReason"));
    lg__heard_end(h, word);
    for (size_t i = 0; word && i < sizeof botched / sizeof *botched; i++) {
        if (strcmp(word, botched[i]) == 0)
            h->bad = "the model called a tool in a way that the server could not read";
    }
    if (word && h->finish == LG_FINISH_STOP && h->n_calls > 0)
        h->finish = LG_FINISH_TOOLS; /* they stop for it with the same word */

    if (word && h->state > 0 && h->n_calls > 0 && h->raw.len == 0) {
        lg__bytes_addc(&h->raw, '[');
        lg__bytes_add(&h->raw, h->scratch.data ? h->scratch.data : "", h->scratch.len);
        lg__bytes_addc(&h->raw, ']');
    }
}

/* A prompt that is blocked has an answer, without candidates, under 200. */
static void hear_feedback(lg_heard *h, const lg_json *feedback)
{
    const char *reason = lg__json_string(lg__json_get(feedback, "blockReason"));
    const char *said = lg__json_string(lg__json_get(feedback, "blockReasonMessage"));
    if (reason) {
        lg__heard_end(h, reason);
        lg__heard_refuse(h, said && said[0] ? said : reason);
    }
}

static void hear_event(lg_heard *h, const char *name, const lg_json *data)
{
    const lg_json *candidate = lg__json_at(lg__json_get(data, "candidates"), 0);
    const lg_json *parts = lg__json_get(lg__json_get(candidate, "content"), "parts");
    (void)name;
    for (const lg_json *p = lg__json_first(parts); p; p = lg__json_after(p))
        hear_part(h, p);

    hear_finish(h, candidate);
    hear_feedback(h, lg__json_get(data, "promptFeedback"));
    lg__gemini_usage(h, lg__json_get(data, "usageMetadata"));
}

static void hear(lg_heard *h, const lg_json *root)
{
    hear_event(h, "", root);
    if (lg__json_count(lg__json_get(root, "candidates")) == 0 && !h->refused)
        h->unsaid = "the reply has no candidates";
}

#define CONFIG "generationConfig"

static const lg_field fields[] = {
    {"max_tokens", "maxOutputTokens", CONFIG, LG_AS_IS},
    {"max_completion_tokens", "maxOutputTokens", CONFIG, LG_AS_IS},
    {"maxOutputTokens", "maxOutputTokens", CONFIG, LG_AS_IS},
    {"temperature", "temperature", CONFIG, LG_AS_IS},
    {"top_p", "topP", CONFIG, LG_AS_IS},
    {"topP", "topP", CONFIG, LG_AS_IS},
    {"top_k", "topK", CONFIG, LG_AS_IS},
    {"topK", "topK", CONFIG, LG_AS_IS},
    {"seed", "seed", CONFIG, LG_AS_IS},
    {"stop", "stopSequences", CONFIG, LG_AS_LIST},
    {"stopSequences", "stopSequences", CONFIG, LG_AS_LIST},
    {"presence_penalty", "presencePenalty", CONFIG, LG_AS_IS},
    {"frequency_penalty", "frequencyPenalty", CONFIG, LG_AS_IS},
    {"logprobs", "responseLogprobs", CONFIG, LG_AS_IS},
    {"top_logprobs", "logprobs", CONFIG, LG_AS_IS},
    {"thinkingConfig", "thinkingConfig", CONFIG, LG_AS_IS},
    {"responseModalities", "responseModalities", CONFIG, LG_AS_IS},
    {"responseMimeType", "responseMimeType", CONFIG, LG_AS_IS},
    {"responseSchema", "responseSchema", CONFIG, LG_AS_IS},
    {"mediaResolution", "mediaResolution", CONFIG, LG_AS_IS},
    {"speechConfig", "speechConfig", CONFIG, LG_AS_IS},
    {"imageConfig", "imageConfig", CONFIG, LG_AS_IS},
    {"modalities", "responseModalities", CONFIG, LG_BY_HAND},
    {"reasoning_effort", "thinkingConfig", CONFIG, LG_BY_HAND},
    {"schema", "responseJsonSchema", CONFIG, LG_BY_HAND},
    {"response_format", "responseMimeType", CONFIG, LG_BY_HAND},
    {CONFIG, CONFIG, NULL, LG_BY_HAND},
    {"tools", "tools", NULL, LG_BY_HAND},
    {"tool_choice", "toolConfig", NULL, LG_BY_HAND},
    {"parallel_tool_calls", NULL, NULL, LG_AS_IS},
    {"n", NULL, NULL, LG_AS_IS},
    {"user", NULL, NULL, LG_AS_IS},
    {"min_p", NULL, NULL, LG_AS_IS},
    {"verbosity", NULL, NULL, LG_AS_IS},
    {"logit_bias", NULL, NULL, LG_AS_IS},
    {"service_tier", NULL, NULL, LG_AS_IS},
    {NULL, NULL, NULL, 0},
};

const lg_provider lg__provider_gemini = {
    .dialect = "gemini",
    .most_each = LG_MB(20),
    .most_all = LG_MB(20),
    .too_large = "Gemini takes up to 20 MB in base64 (15 MB as files) in one request",
    .fields = fields,
    .encode = encode,
    .hear = hear,
    .hear_event = hear_event,
};
