/* provider_read.c - from an answer's bytes to a reply, the same for every dialect.
 *
 * Strict about shape: it tells a whole answer from a cut one, and a stream without an
 * end is none. The dialects only write down what they hear (provider_read.h); error
 * bodies are provider_refusal.c's. */
#include "model/provider_read.h"

#include <string.h>
#include <strings.h>

#include "base/eventstream.h"
#include "model/model_alias.h"
#include "model/provider_calls.h"
#include "model/provider_halves.h"
#include "model/provider_refusal.h"
#include "model/repetition.h"
#include "model/thinking.h"

enum { STOP_TOKENS = 32 /* a sequence to stop at has fewer */ };

/* ---- replies that are none --------------------------------------------- */

/* A paid reply that is of no use. */
static void spoil(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r, int code,
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
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;
        else if (!quoted && (s[i] == '{' || s[i] == '['))
            depth++;
        else if (!quoted && (s[i] == '}' || s[i] == ']'))
            depth -= depth > 0;
    }
    return depth > 0 || quoted;
}

static bool starts_json(const lg_attempt *a)
{
    size_t i = 0; /* a body of the store has no NUL behind it */
    while (i < a->body.len && strchr(" \t\r\n", a->body.data[i]) && a->body.data[i])
        i++;

    return i < a->body.len && a->body.data[i] == '{';
}

/* The hint for an answer that does not look like this API's at all. */
static void doubt_address(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r)
{
    const char *query;
    int base = (int)lg__model_base(model, &query);
    lg_bytes begin;
    lg__bytes_init(&begin, m, LG_BYTES_MAX);
    lg__refusal_quote(&begin, model, lg__attempt_body(a), a->body.len, LG_QUOTE_CHARS);
    lg__fail_hint(&r->fail, m, "is %.*s the right base URL? The reply begins: %s", base,
                  model->base_url ? model->base_url : "", begin.len ? begin.data : "");
    lg__bytes_free(&begin);
}

/* A web page, another API's answer: most often the wrong address. */
static void spoil_by_type(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r)
{
    spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is no model's answer, content type",
          a->content_type[0] ? a->content_type : "none");
    doubt_address(m, model, a, r);
}

static bool is_json_type(const char *type)
{
    return !type[0] || strcasestr(type, "json");
}

static int parse(lg_mem *m, const lg_model *model, const char *s, size_t len, lg_json **root)
{
    size_t most = lg__provider_most_values(model->provider->vectors, len);
    return lg__json_parse_most(m, s, len, most, root, NULL);
}

static void spoil_by_parse(lg_mem *m, const lg_model *model, const lg_attempt *a, int err,
                           lg_reply *r)
{
    if (err == LG_ENOMEM) {
        spoil(m, model, a, r, LG_ENOMEM, false, lg_error_text(LG_ENOMEM), NULL);
    } else if (err == LG_ELIMIT) {
        spoil(m, model, a, r, LG_ETOOBIG, false, "the reply holds too many values to be an answer",
              NULL);
    } else if (a->body.len == 0) {
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is empty", NULL);
    } else if (starts_json(a) && is_cut(lg__attempt_body(a), a->body.len)) {
        spoil(m, model, a, r, LG_ETRUNCATED, true, "the reply ends in the middle of its JSON",
              NULL);
    } else if (!starts_json(a) || !is_json_type(a->content_type)) {
        spoil_by_type(m, model, a, r);
    } else if (err == LG_EUTF8) {
        spoil(m, model, a, r, LG_EUTF8, false, "the reply is not UTF-8", NULL);
        lg__fail_hint(&r->fail, m, "its first bad byte is number %lld of %zu",
                      (long long)lg_utf8_check(lg__attempt_body(a), a->body.len) + 1, a->body.len);
    } else {
        lg_bytes begin;
        lg__bytes_init(&begin, m, LG_BYTES_MAX);
        lg__refusal_quote(&begin, model, lg__attempt_body(a), a->body.len, LG_QUOTE_CHARS);
        spoil(m, model, a, r, LG_EBADREPLY, true, "the reply is malformed JSON", begin.data);
        lg__bytes_free(&begin);
    }
}

static void explain_length(const lg_heard *h, const lg_attempt *a, lg_reply *r)
{
    if (lg__attempt_is_broken_off(a)) {
        spoil(h->mem, h->model, a, r, LG_ETRUNCATED, false,
              "it thought the same over and over, and was broken off before an answer", NULL);
        r->fail.ambiguous = false; /* it is certain: this was paid */
        return;
    }
    spoil(h->mem, h->model, a, r, LG_ETRUNCATED, false,
          "the token limit was reached before the first word of the answer", NULL);
    r->fail.ambiguous = false; /* it is certain: this was paid */
    lg__fail_hint(&r->fail, h->mem,
                  "%lld tokens went into reasoning: raise max_completion_tokens (max_tokens), or "
                  "lower reasoning_effort",
                  (long long)(r->usage.reasoning ? r->usage.reasoning : r->usage.output));
}

/* The model itself said no, in words or by a filter. Sure to be paid, so not ambiguous. */
static void refuse(const lg_heard *h, const lg_attempt *a, lg_reply *r, const char *text,
                   const char *quote)
{
    spoil(h->mem, h->model, a, r, LG_EREFUSED, false, text, quote);
    r->fail.ambiguous = false;
    lg__fail_hint(&r->fail, h->mem, "change the messages; the same ones will be refused again");
}

/* The server broke off: OpenRouter and Mistral say "error", Responses "failed". */
static bool broke_off(const lg_heard *h)
{
    static const char *const words[] = {"error", "failed", "cancelled",
                                        "insufficient_system_resource"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(h->word, words[i]) == 0)
            return true;
    }
    return false;
}

/* ---- the verdict ------------------------------------------------------- */

/* It ended as an answer does, and says nothing: all went into reasoning, or a server lost the
 * text. The next try may bring it; nobody is served such a one. */
static void explain_empty(const lg_heard *h, const lg_attempt *a, lg_reply *r)
{
    spoil(h->mem, h->model, a, r, LG_EEMPTY, true, "the answer has no words", NULL);
    r->fail.ambiguous = false; /* it is certain: this was paid */
    if (r->usage.reasoning <= 0 && r->thinking) {
        lg__fail_hint(
            &r->fail, h->mem,
            "it thought, and gave no answer: ask for one in the messages; keep_thinking = "
            "true leaves what it thought in the text");
    } else if (r->usage.reasoning > 0) {
        lg__fail_hint(&r->fail, h->mem,
                      "%lld tokens went into reasoning and none into an answer: ask for one in the "
                      "messages, or lower reasoning_effort",
                      (long long)r->usage.reasoning);
    }
}

static bool has_words(const lg_heard *h)
{
    for (size_t i = 0; i < h->text.len; i++) {
        if (!strchr(" \t\r\n", h->text.data[i]) || !h->text.data[i])
            return true;
    }
    return false;
}

/* Nothing stands before the sequence that it stopped at. A reply that cost more tokens than such
 * a sequence has was lost, or is all reasoning. */
static bool is_stopped_at_once(const lg_heard *h, const lg_reply *r)
{
    return h->asked->stops && h->finish == LG_FINISH_STOP && r->usage.reasoning <= 0 &&
           !r->thinking && r->usage.output <= STOP_TOKENS;
}

/* Answers without a word; false: they are good all the same (a program's output may be none). */
static bool judge_silence(const lg_heard *h, const lg_attempt *a, lg_reply *r)
{
    if (h->finish == LG_FINISH_LENGTH) {
        explain_length(h, a, r);
    } else if (h->finish == LG_FINISH_TOOLS || h->n_calls > 0) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, false,
              "the model called a tool instead of answering", NULL);
        r->fail.ambiguous = false;
    } else if (h->finish == LG_FINISH_UNKNOWN && !h->word[0]) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, true,
              "the reply has neither text nor finish_reason", NULL);
    } else if (h->finish == LG_FINISH_UNKNOWN) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, true, "the reply is empty; it ended with",
              h->word);
    } else if (!h->model->provider->hear_raw && !is_stopped_at_once(h, r)) {
        explain_empty(h, a, r);
    } else {
        return false;
    }
    return true;
}

static void take_text(lg_heard *h, const lg_attempt *a, lg_reply *r)
{
    const lg_bytes *from = h->media ? &h->data : &h->text;
    if (h->n_calls > 0 && h->asked->tools) {
        lg__calls_name(h);
        r->text = lg__calls_value(h);
    } else {
        r->text = lg__text_new_media(h->mem, h->media, from->data ? from->data : "", from->len);
    }
    if (!r->text)
        spoil(h->mem, h->model, a, r, LG_ENOMEM, false, lg_error_text(LG_ENOMEM), NULL);
}

/* What was thought goes its own way before anybody reads the text. Vectors and pictures have
 * none. */
static void part_thinking(lg_heard *h, lg_reply *r)
{
    lg_bytes *text = &h->text;
    bool cut = h->finish == LG_FINISH_LENGTH;
    if (!h->model->keep_thinking && !h->model->provider->vectors) {
        size_t begin = lg__thinking_part(text->data, text->len, cut, &h->thought);
        r->parted = begin > 0;
        text->len -= begin;
        if (begin > 0)
            memmove(text->data, text->data + begin, text->len + 1);
    }
    if (h->thought.len > 0 && !(r->thinking = lg__thinking_text(&h->thought)))
        h->err = h->err ? h->err : LG_ENOMEM;
}

static void judge(lg_heard *h, const lg_attempt *a, lg_reply *r)
{
    part_thinking(h, r);
    if (h->asked->tools && !h->refused && h->finish != LG_FINISH_FILTER) {
        lg__calls_from_text(h, h->asked->offered);
        r->finish = h->finish;
    }
    bool said = has_words(h) || h->media || (h->n_calls > 0 && h->asked->tools);
    int err = lg__heard_err(h);
    if (err) {
        spoil(h->mem, h->model, a, r, err, false, lg_error_text(err), NULL);
    } else if (h->refused) {
        refuse(h, a, r, "the model refused",
               h->refusal.len ? h->refusal.data : "(no reason given)");
    } else if (h->finish == LG_FINISH_FILTER) {
        refuse(h, a, r, "the provider's filter stopped the answer", h->word);
    } else if (h->bad) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, true, h->bad, NULL);
    } else if (broke_off(h)) {
        spoil(h->mem, h->model, a, r, LG_EOVERLOAD, true, "the server broke off", h->word);
    } else if (said || !judge_silence(h, a, r)) {
        take_text(h, a, r);
    }
}

/* There are many replies. */
static uint32_t small(int64_t tokens)
{
    return tokens <= 0 ? 0 : tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
}

/* Every dialect names the model that answered, somewhere. */
static void hear_name(lg_heard *h, const lg_json *root)
{
    const lg_json *inner = lg__json_get(root, "response");
    const char *name = lg__json_string(lg__json_get(root, "model"));
    inner = inner ? inner : lg__json_get(root, "message");
    name = name ? name : lg__json_string(lg__json_get(root, "modelVersion"));
    name = name ? name : lg__json_string(lg__json_get(inner, "model"));
    name = h->named[0] ? NULL : name;
    for (size_t i = 0; name && name[i] && i + 1 < sizeof h->named; i++)
        h->named[i] = name[i] > 0x20 && name[i] < 0x7F ? name[i] : '?';
}

/* Azure is asked for deployments, whose names are people's own. */
static void take_name(lg_heard *h, lg_reply *r)
{
    const lg_model *model = h->model;
    bool named = h->named[0] && model->model && strncmp(model->provider->dialect, "azure", 5) != 0;
    if (named && !model->provider->get && lg__model_is_other(model->model, h->named)) {
        lg__model_redact(model, h->named, strlen(h->named));
        r->other = lg__text_new(h->mem, h->named, strlen(h->named)); /* NULL: it is not told */
    }
}

static void take_facts(lg_heard *h, lg_reply *r)
{
    take_name(h, r);
    r->finish = h->finish;
    memcpy(r->finish_reason, h->word, sizeof r->finish_reason);
    r->has_usage = h->has_usage;
    r->usage = h->usage;
    r->image_in = small(h->image_in);
    r->image_out = small(h->image_out);
    r->micros = h->micros;
}

/* ---- a whole reply ----------------------------------------------------- */

static bool is_error(const lg_json *error)
{
    return lg__json_type(error) == LG_JSON_OBJECT || lg__json_string(error);
}

/* OpenRouter: the error stands beside a half message; Responses' events: in the response. */
static const lg_json *error_root(const lg_json *root)
{
    const lg_json *choice = lg__json_at(lg__json_get(root, "choices"), 0);
    const lg_json *response = lg__json_get(root, "response");
    if (is_error(lg__json_get(root, "error")))
        return root;

    const lg_json *inside = is_error(lg__json_get(response, "error")) ? response : choice;
    return is_error(lg__json_get(inside, "error")) ? inside : root;
}

/* Whether it is for the dialect to hear. */
static bool is_heard(const lg_model *model, const lg_json *root)
{
    int type = lg__json_type(root);
    return type == LG_JSON_OBJECT || (type == LG_JSON_ARRAY && model->provider->get);
}

static void judge_tree(lg_heard *h, const lg_attempt *a, const lg_json *root, lg_reply *r)
{
    const lg_json *from = error_root(root);
    lg_refusal w;
    bool heard = is_heard(h->model, root);
    if (heard) {
        hear_name(h, root);
        h->model->provider->hear(h, root);
    }
    take_facts(h, r);
    bool look = is_error(lg__json_get(from, "error")) || h->unsaid || !heard;
    if (look && lg__refusal_find(from, &w)) {
        lg__refusal_judge(h->mem, h->model, a, &w, r);
    } else if (!heard || (!is_json_type(a->content_type) && (h->bad || h->unsaid))) {
        spoil_by_type(h->mem, h->model, a, r);
    } else if (h->unsaid) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, true, h->unsaid, NULL);
        doubt_address(h->mem, h->model, a, r);
    } else {
        judge(h, a, r);
    }
}

static void decode_tree(lg_mem *m, const lg_model *model, const lg_attempt *a,
                        const lg_asked *asked, lg_reply *r)
{
    lg_heard h;
    lg_json *root = NULL;
    int err = parse(m, model, lg__attempt_body(a), a->body.len, &root);
    if (err) {
        spoil_by_parse(m, model, a, err, r);
    } else {
        lg__heard_init(&h, m, model, asked);
        judge_tree(&h, a, root, r);
        lg__heard_free(&h);
    }
    lg__json_free(m, root);
}

static void decode_refusal(lg_mem *m, const lg_model *model, const lg_attempt *a, lg_reply *r)
{
    lg_refusal w;
    lg_json *root = NULL;
    int err = parse(m, model, lg__attempt_body(a), a->body.len, &root);
    if (err == LG_ENOMEM) {
        lg__refusal_set(m, model, a, r, err, lg_error_text(err), NULL);
    } else {
        lg__refusal_find(root, &w);
        lg__refusal_judge(m, model, a, &w, r);
    }
    lg__json_free(m, root);
}

/* ---- streams ----------------------------------------------------------- */

enum { STOP_ERROR = 1, STOP_MALFORMED }; /* why a hearing stopped; negative: LG_E… */

struct lg_hearing {
    lg_heard heard;
    lg_sse sse;
    lg_halves halves;
    lg_thinking thinking;   /* of what the stream says */
    lg_repetition loops[2]; /* in what it says, and thinks */
    bool repeats;
    lg_bytes line;  /* JSON lines: what has no end yet */
    lg_json *error; /* the event that is a refusal */
    int stopped;
};

static int hear_json(lg_hearing *x, const char *name, const char *data, size_t len)
{
    lg_json *root = NULL;
    len -= len > 0 && data[len - 1] == '\r' ? 1 : 0; /* of a line */
    if (len == 0 || strncmp(data, "[DONE]", 6) == 0) {
        x->heard.ended = x->heard.ended || len > 0;
        return 0;
    }
    int err = lg__halves_join(&x->halves, &data, &len);
    err = err ? err : parse(x->heard.mem, x->heard.model, data, len, &root);
    if (err)
        return err == LG_ENOMEM || err == LG_ELIMIT ? err : STOP_MALFORMED;

    if (is_error(lg__json_get(error_root(root), "error")) || strcmp(name, "error") == 0) {
        x->error = root;
        return STOP_ERROR;
    }
    if (lg__json_type(root) == LG_JSON_OBJECT) {
        hear_name(&x->heard, root);
        x->heard.model->provider->hear_event(&x->heard, name, root);
    }
    lg__json_free(x->heard.mem, root);
    return lg__heard_err(&x->heard);
}

static int hear_sse(void *ud, const char *name, const char *data, size_t len)
{
    return hear_json(ud, name, data, len);
}

int lg__hearing_new(lg_mem *m, const lg_model *model, lg_hearing **out)
{
    lg_hearing *x = lg__mem_zero(m, sizeof *x);
    if (!x)
        return LG_ENOMEM;

    lg__heard_init(&x->heard, m, model, NULL);
    lg__sse_init(&x->sse, m, LG_BYTES_MAX, hear_sse, x);
    lg__halves_init(&x->halves, m);
    lg__bytes_init(&x->line, m, LG_BYTES_MAX);
    *out = x;
    return LG_OK;
}

static int feed_lines(lg_hearing *x, const char *s, size_t len)
{
    int err = 0;
    for (size_t i = 0, from = 0; !err && from < len; from = i + 1) {
        for (i = from; i < len && s[i] != '\n'; i++) {
        }
        err = lg__bytes_add(&x->line, s + from, i - from);
        if (!err && i < len) {
            err = hear_json(x, "", x->line.data ? x->line.data : "", x->line.len);
            x->line.len = 0;
        }
    }
    return err;
}

static bool is_loop(lg_repetition *r, const lg_bytes *b)
{
    return b->len > 0 && lg__repetition_look(r, b->data, b->len);
}

static void look_for_loops(lg_hearing *x)
{
    bool said = is_loop(&x->loops[0], &x->heard.text);
    bool thought = is_loop(&x->loops[1], &x->heard.thought);
    x->repeats = x->repeats || said || thought;
}

int lg__hearing_feed(lg_hearing *x, const char *s, size_t len)
{
    if (!x->stopped) {
        bool lines = x->heard.model->provider->framing == LG_FRAMES_LINES;
        x->stopped = lines ? feed_lines(x, s, len) : lg__sse_feed(&x->sse, s, len);
        if (!x->heard.model->keep_thinking && x->heard.text.len > 0)
            lg__thinking_look(&x->thinking, x->heard.text.data, x->heard.text.len);

        if (x->heard.model->stop_repetition)
            look_for_loops(x);
    }
    return x->stopped;
}

static int hearing_end(lg_hearing *x)
{
    if (!x->stopped && x->heard.model->provider->framing == LG_FRAMES_LINES)
        x->stopped = x->line.len ? hear_json(x, "", x->line.data, x->line.len) : 0;
    else if (!x->stopped)
        x->stopped = lg__sse_end(&x->sse);

    return x->stopped;
}

const char *lg__hearing_text(const lg_hearing *x, size_t *len, size_t *begin)
{
    const lg_bytes *text = &x->heard.text;
    bool told = x->heard.model->keep_thinking || lg__thinking_is_told(&x->thinking);
    *begin = x->thinking.from;
    *len = told && text->len > *begin ? text->len - *begin : 0;
    return *len ? text->data + *begin : NULL;
}

bool lg__hearing_repeats(const lg_hearing *x)
{
    return x->repeats;
}

void lg__hearing_free(lg_hearing *x)
{
    if (!x)
        return;

    lg_mem *m = x->heard.mem;
    lg__json_free(m, x->error);
    lg__sse_free(&x->sse);
    lg__halves_free(&x->halves);
    lg__bytes_free(&x->line);
    lg__heard_free(&x->heard);
    lg__mem_free(m, x, sizeof *x);
}

/* An error in the middle that is no event: JSON from the start of a line to the end, maybe
 * as the one item of a list. NULL, and LG_ENOMEM in *err, when it cannot be told. */
static lg_json *bare_error(lg_mem *m, const lg_model *model, const lg_attempt *a, int *err)
{
    for (size_t i = 0; i < a->body.len; i++) {
        lg_json *root = NULL;
        bool opens = lg__attempt_body(a)[i] == '{' || lg__attempt_body(a)[i] == '[';
        if (!opens || (i > 0 && lg__attempt_body(a)[i - 1] != '\n'))
            continue;

        *err = parse(m, model, lg__attempt_body(a) + i, a->body.len - i, &root);
        if (*err == LG_ENOMEM || is_error(lg__json_get(root, "error")) ||
            is_error(lg__json_get(lg__json_at(root, 0), "error")))
            return root;

        lg__json_free(m, root);
    }
    return NULL;
}

static void judge_stream(lg_hearing *x, const lg_attempt *a, int stopped, lg_reply *r)
{
    lg_heard *h = &x->heard;
    lg_refusal w;
    take_facts(h, r);
    if (stopped >= 0 && !x->error && !h->word[0]) {
        int err = LG_OK;
        x->error = bare_error(h->mem, h->model, a, &err);
        stopped = err == LG_ENOMEM ? err : stopped;
    }
    if (stopped < 0) {
        spoil(h->mem, h->model, a, r, stopped, false, lg_error_text(stopped), NULL);
        return;
    }
    if (x->error && lg__refusal_find(error_root(x->error), &w)) {
        lg__refusal_judge(h->mem, h->model, a, &w, r);
        r->fail.ambiguous = r->fail.ambiguous || h->text.len > 0; /* it had begun */
    } else if (x->error) {
        spoil(h->mem, h->model, a, r, LG_EOVERLOAD, true, "the stream ended with an error", NULL);
    } else if (stopped == STOP_MALFORMED && is_cut(lg__attempt_body(a), a->body.len)) {
        spoil(h->mem, h->model, a, r, LG_ETRUNCATED, true, "the stream was cut", NULL);
    } else if (stopped == STOP_MALFORMED) {
        spoil(h->mem, h->model, a, r, LG_EBADREPLY, true, "an event of the stream is no JSON",
              NULL);
    } else if (!h->word[0] && !h->refused && !h->ended) {
        spoil(h->mem, h->model, a, r, LG_ETRUNCATED, true, "the stream ended before the answer did",
              NULL);
    } else {
        judge(h, a, r);
    }
}

static void decode_stream(lg_mem *m, const lg_model *model, const lg_attempt *a,
                          const lg_asked *asked, lg_reply *r)
{
    lg_hearing *x = NULL;
    if (lg__hearing_new(m, model, &x)) {
        spoil(m, model, a, r, LG_ENOMEM, false, lg_error_text(LG_ENOMEM), NULL);
        return;
    }
    x->heard.asked = asked;
    lg__hearing_feed(x, lg__attempt_body(a), a->body.len);
    bool broken_off = lg__attempt_is_broken_off(a);
    if (broken_off && !x->heard.word[0])
        lg__heard_end(&x->heard, "repetition");

    judge_stream(x, a, broken_off ? x->stopped : hearing_end(x), r);
    lg__hearing_free(x);
}

static bool is_stream(const lg_model *model, const lg_attempt *a)
{
    const char *type = a->content_type;
    return model->provider->hear_event && (strcasestr(type, "text/event-stream") ||
                                           strcasestr(type, "ndjson") || strcasestr(type, "jsonl"));
}

static void decode_raw(lg_mem *m, const lg_model *model, const lg_attempt *a, const lg_asked *asked,
                       lg_reply *r)
{
    lg_heard h;
    lg__heard_init(&h, m, model, asked);
    model->provider->hear_raw(&h, a);
    take_facts(&h, r);
    judge(&h, a, r);
    lg__heard_free(&h);
}

void lg__provider_decode(lg_mem *m, const lg_model *model, const lg_attempt *a,
                         const lg_asked *asked, lg_reply *r)
{
    asked = asked ? asked : &lg__asked_nothing;
    if (a->status < 200 || a->status > 299)
        decode_refusal(m, model, a, r);
    else if (model->provider->hear_raw)
        decode_raw(m, model, a, asked, r);
    else if (is_stream(model, a))
        decode_stream(m, model, a, asked, r);
    else
        decode_tree(m, model, a, asked, r);
}
