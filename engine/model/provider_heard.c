/* provider_heard.c - what the dialects write down of an answer while they hear it.
 *
 * What is then made of it is provider_read.c's. */
#include "model/provider_read.h"

#include <string.h>
#include <strings.h>

enum { MOST_CALLS = 1024 };

const lg_asked lg__asked_nothing = {.tools = false};

void lg__heard_init(lg_heard *h, lg_mem *m, const lg_model *model, const lg_asked *asked)
{
    lg_bytes *all[] = {&h->text, &h->thought, &h->refusal, &h->raw, &h->scratch, &h->data};
    memset(h, 0, sizeof *h);
    h->mem = m;
    h->model = model;
    h->asked = asked ? asked : &lg__asked_nothing;
    h->micros = -1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lg__bytes_init(all[i], m, LG_BYTES_MAX);
}

void lg__heard_free(lg_heard *h)
{
    lg_bytes *all[] = {&h->text, &h->thought, &h->refusal, &h->raw, &h->scratch, &h->data};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        lg__bytes_free(all[i]);

    for (size_t i = 0; i < h->n_calls; i++) {
        lg__bytes_free(&h->calls[i].id);
        lg__bytes_free(&h->calls[i].name);
        lg__bytes_free(&h->calls[i].arguments);
    }
    lg__mem_free(h->mem, h->calls, h->cap_calls * sizeof *h->calls);
}

int lg__heard_err(const lg_heard *h)
{
    int err = h->err ? h->err : h->text.err;
    err = err ? err : h->thought.err;
    err = err ? err : h->refusal.err;
    err = err ? err : h->raw.err;
    err = err ? err : h->scratch.err;
    err = err ? err : h->data.err;
    for (size_t i = 0; !err && i < h->n_calls; i++)
        err = h->calls[i].id.err | h->calls[i].name.err | h->calls[i].arguments.err;

    return err;
}

void lg__heard_say(lg_heard *h, const char *s)
{
    lg__bytes_adds(&h->text, s ? s : "");
}

void lg__heard_think(lg_heard *h, const char *s)
{
    if (s && s[0])
        lg__bytes_adds(&h->thought, s);
}

void lg__heard_think_next(lg_heard *h)
{
    const lg_bytes *b = &h->thought;
    if (b->len > 0 && (b->len < 2 || memcmp(b->data + b->len - 2, "\n\n", 2) != 0))
        lg__bytes_adds(&h->thought, "\n\n");
}

void lg__heard_refuse(lg_heard *h, const char *why)
{
    h->refused = true;
    lg__bytes_adds(&h->refusal, why ? why : "");
}

int64_t lg__heard_tokens(const lg_json *usage, const char *name)
{
    int64_t n = lg__json_int(lg__json_get(usage, name), 0);
    return n <= 0 ? 0 : n < LG_MOST_TOKENS ? n : LG_MOST_TOKENS;
}

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
        {"completed", LG_FINISH_STOP},
        {"length", LG_FINISH_LENGTH},
        {"max_tokens", LG_FINISH_LENGTH},
        {"max_output_tokens", LG_FINISH_LENGTH},
        {"incomplete", LG_FINISH_LENGTH},
        {"model_length", LG_FINISH_LENGTH},
        {"model_context_window_exceeded", LG_FINISH_LENGTH},
        {"repetition", LG_FINISH_LENGTH}, /* ours: it was broken off */
        {"pause_turn", LG_FINISH_LENGTH}, /* it would go on if it were asked again */
        {"content_filter", LG_FINISH_FILTER},
        {"safety", LG_FINISH_FILTER},
        {"recitation", LG_FINISH_FILTER},
        {"sensitive", LG_FINISH_FILTER},
        {"refusal", LG_FINISH_FILTER},
        {"language", LG_FINISH_FILTER},
        {"blocklist", LG_FINISH_FILTER},
        {"prohibited_content", LG_FINISH_FILTER},
        {"spii", LG_FINISH_FILTER},
        {"model_armor", LG_FINISH_FILTER},
        {"jailbreak", LG_FINISH_FILTER},
        {"image_safety", LG_FINISH_FILTER},
        {"image_prohibited_content", LG_FINISH_FILTER},
        {"image_recitation", LG_FINISH_FILTER},
        {"tool_calls", LG_FINISH_TOOLS},
        {"tool_use", LG_FINISH_TOOLS},
        {"function_call", LG_FINISH_TOOLS},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(known[i].word, word) == 0)
            return known[i].finish;
    }
    return LG_FINISH_UNKNOWN;
}

void lg__heard_end(lg_heard *h, const char *word)
{
    size_t n = 0;
    if (!word)
        return;

    for (; word[n] && n + 1 < sizeof h->word; n++)
        h->word[n] = word[n] > 0x20 && word[n] < 0x7F ? word[n] : '?';

    h->word[n] = '\0';
    h->finish = finish_of(word);
    if (h->finish == LG_FINISH_UNKNOWN)
        lg__model_redact(h->model, h->word, n);
}

lg_heard_call *lg__heard_call_at(lg_heard *h, int64_t index)
{
    for (size_t i = 0; i < h->n_calls; i++) {
        if (h->calls[i].index == index)
            return &h->calls[i];
    }
    if (h->n_calls == MOST_CALLS) {
        h->err = LG_ELIMIT;
        return NULL;
    }
    if (h->n_calls == h->cap_calls) {
        size_t cap = h->cap_calls ? h->cap_calls * 2 : 4;
        lg_heard_call *calls =
            lg__mem_grow(h->mem, h->calls, h->cap_calls * sizeof *calls, cap * sizeof *calls);
        if (!calls) {
            h->err = LG_ENOMEM;
            return NULL;
        }
        h->calls = calls;
        h->cap_calls = cap;
    }
    lg_heard_call *c = &h->calls[h->n_calls++];
    lg__bytes_init(&c->id, h->mem, LG_BYTES_MAX);
    lg__bytes_init(&c->name, h->mem, LG_BYTES_MAX);
    lg__bytes_init(&c->arguments, h->mem, LG_BYTES_MAX);
    c->index = index;
    return c;
}

void lg__heard_call(lg_heard *h, const char *id, const char *name, const char *arguments,
                    const lg_json *tree)
{
    lg_heard_call *c = lg__heard_call_at(h, (int64_t)h->n_calls);
    if (!c)
        return;

    lg__bytes_adds(&c->id, id ? id : "");
    lg__bytes_adds(&c->name, name ? name : "");
    if (tree)
        lg__json_write(&c->arguments, tree);
    else
        lg__bytes_adds(&c->arguments, arguments ? arguments : "");
}

void lg__heard_media(lg_heard *h, const char *type, const char *base64)
{
    const char *data = base64 ? strstr(base64, ";base64,") : NULL;
    if (!base64)
        return;

    h->data.len = 0;
    int err = data && strncmp(base64, "data:", 5) == 0
                  ? lg__base64_read(&h->data, data + 8, strlen(data + 8))
                  : lg__base64_read(&h->data, base64, strlen(base64));
    int media = lg__media_sniff(h->data.data ? h->data.data : "", h->data.len);
    int said = type ? lg__media_of_type(type) : -1;
    if (err == LG_EPARSE || h->data.len == 0)
        h->bad = "the reply's picture or sound is no base64";

    h->media = media >= 0 ? media : said;
    if (h->media < 0) {
        h->bad = "the reply's picture or sound is of no known kind";
        h->media = 0;
    }
}

size_t lg__provider_most_values(bool vectors, size_t len)
{
    enum { SMALL = 1 << 16, WORDS = 1 << 20 }; /* some 4 MB; some 64 MB */
    size_t most = SMALL + len / (vectors ? 3 : 4);
    return vectors || most < WORDS ? most : WORDS;
}
