/* request.c - what one model call holds: its messages, its key, its bytes.
 *
 * Not when it is sent (sched.c) and not who waits (engine.c), who call it. */
#include "model/request.h"

#include <string.h>

#include "base/digest.h"
#include "model/provider_adapt.h"

/* Part of every key; raised when the same parts would mean another request. */
#define KEY_SCHEMA "lunagrad-request-1"
#define STACK_PIECES 48

const char *lg__request_state_name(int state)
{
    static const char *const names[] = {"queued", "sent", "backoff", "done", "failed"};
    _Static_assert(sizeof names / sizeof *names == LG_REQ_STATES, "a name for each state");
    return state >= 0 && state < LG_REQ_STATES ? names[state] : "unknown";
}

/* ---- options ----------------------------------------------------------- */

/* The sorted merge of the model's options and the call's, as pointers into both. */
typedef struct merge {
    lg_option *list; /* room for n_all */
    size_t n, n_all;
} merge;

static void merge_add(merge *all, lg_option o)
{
    size_t at = all->n;
    while (at > 0 && strcmp(all->list[at - 1].name, o.name) > 0)
        at--;

    if (at > 0 && strcmp(all->list[at - 1].name, o.name) == 0) {
        all->list[at - 1] = o; /* the call's word, or the later one */
        return;
    }
    memmove(all->list + at + 1, all->list + at, (all->n - at) * sizeof *all->list);
    all->list[at] = o;
    all->n++;
}

static int merge_options(lg_mem *m, const lg_model *model, const lg_option *options, size_t n,
                         merge *all)
{
    *all = (merge){NULL, 0, model->n_options + n};
    if (all->n_all == 0)
        return LG_OK;

    all->list = lg__mem_new(m, all->n_all * sizeof *all->list);
    if (!all->list)
        return LG_ENOMEM;

    for (size_t i = 0; i < model->n_options; i++)
        merge_add(all, (lg_option){model->options[i].name, model->options[i].value});

    for (size_t i = 0; i < n; i++) {
        int err = lg__model_option_check(m, &options[i], NULL);
        if (err) {
            lg__mem_free(m, all->list, all->n_all * sizeof *all->list);
            all->list = NULL;
            return err;
        }
        merge_add(all, options[i]);
    }
    return LG_OK;
}

/* ---- key --------------------------------------------------------------- */

static lg_piece piece(const char *s)
{
    return (lg_piece){s, strlen(s)};
}

/* Little-endian whatever the machine: keys may be kept. */
static void put_number(unsigned char to[8], uint64_t x)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(x >> (8 * i));
}

/* Hosts' models have no address: their name and tag stand for it. */
static int make_key(lg_mem *m, lg_request *r)
{
    lg_piece few[STACK_PIECES], *p = few;
    size_t size = 7 + 3 * r->n_parts + 2 * r->n_options, n = 0;
    unsigned char numbers[4][8];
    const char *query;
    size_t base = lg__model_base(r->model, &query);
    if (size > STACK_PIECES)
        p = lg__mem_new(m, size * sizeof *p);

    if (!p)
        return LG_ENOMEM;

    put_number(numbers[0], r->sample);
    put_number(numbers[1], r->n_parts);
    put_number(numbers[2], r->n_options);
    put_number(numbers[3], r->model->provider ? 0 : r->model->tag);
    p[n++] = piece(KEY_SCHEMA);
    p[n++] = piece(r->model->dialect);
    p[n++] = (lg_piece){r->model->base_url ? r->model->base_url : "", base};
    p[n++] = piece(query);
    p[n++] = piece(r->model->provider ? r->model->model : r->model->name);
    p[n++] = (lg_piece){numbers, sizeof numbers};
    for (size_t i = 0; i < r->n_parts; i++) {
        p[n++] = piece(r->part_roles[i]);
        p[n++] = (lg_piece){r->part_texts[i]->data, r->part_texts[i]->len};
        if (r->part_texts[i]->media) /* behind it: texts keep the keys that they had */
            p[n++] = piece(lg__media_type(r->part_texts[i]->media));
    }
    for (size_t i = 0; i < r->n_options; i++) {
        p[n++] = piece(r->options[i].name);
        p[n++] = piece(r->options[i].value);
    }
    lg__digest(p, n, r->key);
    if (p != few)
        lg__mem_free(m, p, size * sizeof *p);

    return 0;
}

/* ---- life -------------------------------------------------------------- */

/* Copies s to *at, which moves behind it. */
static char *place(char **at, const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = memcpy(*at, s, n);
    *at += n;
    return copy;
}

/* All small things in one block: a request in line is two allocations. */
static int fill_block(lg_mem *m, lg_request *r, const char *const *roles, lg_text *const *texts,
                      size_t n_parts, const merge *options)
{
    size_t size =
        n_parts * (sizeof *r->part_texts + sizeof *r->part_roles) + options->n * sizeof *r->options;
    for (size_t i = 0; i < n_parts; i++)
        size += strlen(roles[i]) + 1;

    for (size_t i = 0; i < options->n; i++)
        size += strlen(options->list[i].name) + strlen(options->list[i].json) + 2;

    r->block = lg__mem_new(m, size);
    if (!r->block)
        return LG_ENOMEM;

    r->block_size = size;
    r->options = r->block;
    r->part_texts = (lg_text **)(void *)(r->options + options->n);
    r->part_roles = (char **)(void *)(r->part_texts + n_parts);
    char *at = (char *)(r->part_roles + n_parts);
    for (size_t i = 0; i < n_parts; i++) {
        r->part_texts[i] = lg__text_ref(texts[i]);
        r->part_roles[i] = place(&at, roles[i]);
    }
    for (size_t i = 0; i < options->n; i++) {
        r->options[i].name = place(&at, options->list[i].name);
        r->options[i].value = place(&at, options->list[i].json);
    }
    r->n_parts = n_parts;
    r->n_options = options->n;
    return LG_OK;
}

int lg__request_new(lg_mem *m, uint64_t id, lg_model *model, const char *const *roles,
                    lg_text *const *texts, size_t n_parts, const lg_option *options,
                    size_t n_options, uint32_t sample, int kind, lg_request **out)
{
    merge all;
    *out = NULL;
    if (kind < 0 || kind >= LG_KINDS)
        return LG_EINVAL;

    int err = merge_options(m, model, options, n_options, &all);
    if (err)
        return err;

    lg_request *r = lg__mem_zero(m, sizeof *r);
    err = r ? LG_OK : LG_ENOMEM;
    if (r) {
        r->id = id;
        r->kind = kind;
        r->sample = sample;
        r->model = model;
        r->keeps_thinking = model->keep_thinking;
        model->refs++;
        lg__reply_init(&r->reply);
        lg__bytes_init(&r->url, m, LG_BYTES_MAX);
        lg__bytes_init(&r->headers, m, LG_BYTES_MAX);
        lg__bytes_init(&r->body, m, LG_BYTES_MAX);
        err = fill_block(m, r, roles, texts, n_parts, &all);
        err = err ? err : make_key(m, r);
    }
    lg__mem_free(m, all.list, all.n_all * sizeof *all.list);
    if (err) {
        lg__request_free(m, r);
        return err;
    }
    *out = r;
    return LG_OK;
}

static void parts_of(const lg_request *r, lg_ask_part *parts)
{
    for (size_t i = 0; i < r->n_parts; i++) {
        lg_text *t = r->part_texts[i];
        parts[i] = (lg_ask_part){r->part_roles[i], t->data, t->len, t->media};
    }
}

/* About as long as a body will be: what is said, in base64 where it is bytes, and around it. */
static size_t body_guess(const lg_ask *ask)
{
    size_t n = 256;
    for (size_t i = 0; i < ask->n_parts; i++) {
        size_t len = ask->parts[i].len;
        n += 64 + (ask->parts[i].media > LG_MEDIA_CALLS ? len / 3 * 4 : len);
    }
    for (size_t i = 0; i < ask->n_options; i++)
        n += strlen(ask->options[i].value) + 32;

    return n;
}

static int write_ask(lg_request *r, const lg_ask *ask)
{
    const lg_provider *p = r->model->provider;
    lg_adapted a;
    r->why = lg__provider_too_large(p, ask);
    if (r->why)
        return LG_EINVAL;

    int err = lg__adapt(r->body.mem, ask, &a);
    err = err || p->get ? err : lg__bytes_expect(&r->body, body_guess(ask));
    err = err ? err : p->encode(&a.ask, &r->url, &r->headers, &r->body, &r->why);
    lg__adapt_free(&a);
    return err;
}

int lg__request_encode(lg_request *r)
{
    lg_ask_part few[STACK_PIECES], *parts = few;
    lg_mem *m = r->body.mem;
    lg__request_unload(r);
    if (!r->model || !r->model->provider)
        return LG_OK;

    if (r->n_parts > STACK_PIECES)
        parts = lg__mem_new(m, r->n_parts * sizeof *parts);

    if (!parts)
        return LG_ENOMEM;

    parts_of(r, parts);
    lg_ask ask = {r->model, parts, r->n_parts, r->options, r->n_options, r->stream};
    int err = write_ask(r, &ask);
    if (parts != few)
        lg__mem_free(m, parts, r->n_parts * sizeof *parts);

    if (err)
        lg__request_unload(r);

    return err;
}

static const char *option_of(const lg_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_options; i++) {
        if (strcmp(r->options[i].name, name) == 0)
            return r->options[i].value;
    }
    return NULL;
}

bool lg__request_has_tools(const lg_request *r)
{
    return option_of(r, "tools") != NULL;
}

/* Where JSON is asked for, an answer in words is no call of a tool. */
lg_asked lg__request_asked(const lg_request *r)
{
    lg_asked asked = {.roles = (const char *const *)r->part_roles, .n_roles = r->n_parts};
    bool json = false;
    for (size_t i = 0; i < r->n_options; i++) {
        const char *name = r->options[i].name;
        json = json || strcmp(name, "schema") == 0 || strcmp(name, "response_format") == 0;
        asked.offered = strcmp(name, "tools") == 0 ? r->options[i].value : asked.offered;
        asked.stops = asked.stops || strcmp(name, "stop") == 0 ||
                      strcmp(name, "stop_sequences") == 0 || strcmp(name, "stopSequences") == 0;
    }
    asked.tools = asked.offered != NULL;
    asked.offered = json ? NULL : asked.offered;
    return asked;
}

void lg__request_unload(lg_request *r)
{
    if (r->headers.data)
        explicit_bzero(r->headers.data, r->headers.len); /* the key is in there */

    lg__bytes_free(&r->url);
    lg__bytes_free(&r->headers);
    lg__bytes_free(&r->body);
}

lg_parts lg__request_part(lg_request *r)
{
    lg_parts parts = {r->part_texts, r->n_parts, r->block, r->block_size};
    r->block = NULL;
    r->part_texts = NULL;
    r->part_roles = NULL;
    r->options = NULL;
    r->n_parts = r->n_options = r->block_size = 0;
    return parts;
}

void lg__parts_free(lg_mem *m, lg_parts *p)
{
    for (size_t i = 0; i < p->n; i++)
        lg__text_unref(p->texts[i]);

    lg__mem_free(m, p->block, p->size);
    *p = (lg_parts){.n = 0};
}

void lg__request_strip(lg_mem *m, lg_request *r)
{
    lg_parts parts = lg__request_part(r);
    lg__request_unload(r);
    lg__parts_free(m, &parts);
    if (r->model) {
        r->model->refs--;
        r->model = NULL;
    }
}

void lg__request_free(lg_mem *m, lg_request *r)
{
    if (!r)
        return;

    lg__request_strip(m, r);
    lg__reply_free(&r->reply);
    lg__mem_free(m, r, sizeof *r);
}
