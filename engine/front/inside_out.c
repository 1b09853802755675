/* inside_out.c - texts that grow, and numbers as texts, for lua/. See lg_inside.h.
 *
 * The engine's own buffer borrows the memory of one that lua/ has, for as long as a call takes. */
#include "lg_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_number.h"
#include "base/media.h"
#include "base/sha256.h"
#include "base/template.h"
#include "model/model.h"
#include "model/provider.h"

typedef struct lent { /* bytes.mem is mem */
    lg_mem mem;
    lg_bytes bytes;
} lent;

static lg_bytes *lend(const lg_out *out, lent *l)
{
    lg__mem_init(&l->mem, out->alloc, out->alloc_ud);
    l->mem.live_bytes = out->cap;
    l->mem.live_blocks = out->data != NULL;
    l->bytes = (lg_bytes){.mem = &l->mem,
                          .data = out->data,
                          .len = out->len,
                          .cap = out->cap,
                          .ceiling = LG_BYTES_MAX,
                          .err = out->err};
    return &l->bytes;
}

static int take_back(lg_out *out, const lent *l)
{
    out->data = l->bytes.data;
    out->len = l->bytes.len;
    out->cap = l->bytes.cap;
    return out->err = l->bytes.err;
}

/* ---- texts -------------------------------------------------------------------- */

int lg__out_add(lg_out *out, const void *data, size_t n)
{
    lent l;
    if (n < out->cap - out->len) {
        memcpy(out->data + out->len, data, n);
        out->len += n;
        out->data[out->len] = '\0';
        return LG_OK;
    }
    lg__bytes_add(lend(out, &l), data, n);
    return take_back(out, &l);
}

void lg__out_free(lg_out *out)
{
    lent l;
    out->err = LG_OK;
    if (!out->data)
        return;

    lg__bytes_free(lend(out, &l));
    take_back(out, &l);
}

static void add_sha256(lg_bytes *b, const void *data, size_t n)
{
    unsigned char sum[32];
    lg__sha256(data, n, sum);
    for (size_t i = 0; i < sizeof sum; i++)
        lg__bytes_addf(b, "%02x", sum[i]);
}

int lg__out_as(lg_out *out, enum lg_form form, const void *data, size_t n)
{
    lent l;
    int err = LG_OK;
    lg_bytes *b = lend(out, &l);
    switch (form) {
    case LG_AS_JSON:
        lg__json_write_string(b, data, n);
        break;
    case LG_AS_BASE64:
        lg__base64_write(b, data, n);
        break;
    case LG_OF_BASE64:
        err = lg__base64_read(b, data, n);
        break;
    case LG_AS_SHA256:
        add_sha256(b, data, n);
        break;
    }
    take_back(out, &l);
    return out->err ? out->err : err;
}

static int no_memory(lg_out *out)
{
    lg__out_free(out);
    return out->err = LG_ENOMEM;
}

int lg__out_trim(lg_out *out, const char *s, size_t len, size_t max_tokens)
{
    lg_mem m;
    if (lg_token_estimate(s, len) <= max_tokens)
        return lg__out_add(out, s, len);

    lg__mem_init(&m, out->alloc, out->alloc_ud);
    lg_text *whole = lg__text_new(&m, s, len);
    lg_text *part = whole ? lg__text_trim(&m, whole, max_tokens) : NULL;
    lg__text_unref(whole);
    int err = part ? lg__out_add(out, part->data, part->len) : no_memory(out);
    lg__text_unref(part);
    return err;
}

int lg__out_template(lg_out *out, const char *tmpl, size_t len, const lg_fill *fields, size_t n,
                     unsigned *suffix, char bad[64])
{
    lent l;
    int err = lg__template_render(lend(out, &l), tmpl, len, fields, n, suffix != NULL, suffix, bad);
    take_back(out, &l);
    return err;
}

bool lg__inside_field(const char *tmpl, size_t len, size_t *at, const char **name, size_t *size)
{
    return lg__template_field(tmpl, len, at, name, size);
}

/* ---- a reply ------------------------------------------------------------------ */

/* A model of this dialect, which nobody asks. 0, LG_EPARSE, LG_ENOMEM */
static int make_model(lg_mem *m, const char *dialect, lg_model **out)
{
    const char *why;
    lg_model_config c;
    lg_model_config_init(&c);
    c.dialect = c.name = c.model = dialect;
    c.base_url = "http://127.0.0.1";
    if (!lg__provider_find(dialect))
        return LG_EPARSE;

    return lg__model_make(m, &c, out, &why, NULL) == LG_ENOMEM ? LG_ENOMEM : *out ? 0 : LG_EPARSE;
}

int lg__out_reply(lg_out *out, const char *dialect, const char *content_type, const char *body,
                  size_t len, bool tools, const char **media, lg_out *thinking)
{
    lg_mem m;
    lg_reply r;
    lg_attempt a;
    lg_model *model = NULL;
    lg_asked asked = {.tools = tools};
    lg__mem_init(&m, out->alloc, out->alloc_ud);
    *media = NULL;
    int err = make_model(&m, dialect, &model);
    if (err)
        return err == LG_ENOMEM ? no_memory(out) : err;

    lg__attempt_init(&a, &m, LG_BYTES_MAX); /* the body is borrowed: it is not to be freed */
    a.status = 200;
    snprintf(a.content_type, sizeof a.content_type, "%s", content_type ? content_type : "");
    a.body.data = (char *)(uintptr_t)body;
    a.body.len = len;
    lg__reply_init(&r);
    lg__provider_decode(&m, model, &a, &asked, &r);
    if (r.text)
        err = lg__out_add(out, r.text->data, r.text->len);
    else
        err = r.fail.code == LG_ENOMEM ? no_memory(out) : LG_EPARSE;
    if (!err && thinking && r.thinking)
        err = lg__out_add(thinking, r.thinking->data, r.thinking->len);
    if (!err && r.text->media)
        *media = lg__media_type(r.text->media);
    lg__reply_free(&r);
    lg__model_destroy(model);
    return err;
}

/* ---- numbers ------------------------------------------------------------------ */

_Static_assert((int)LG_NUMBER_ROOM == (int)LG_NUMBER_SIZE, "any number has room");

bool lg__inside_number(char text[LG_NUMBER_ROOM], double x, bool for_people)
{
    if (for_people)
        return lg__number_for_people(text, x);

    locale_t own, before = lg__c_enter(&own);
    if (!own)
        return false;

    lg__number_shortest(text, x);
    lg__c_leave(own, before);
    return true;
}

bool lg__inside_same_number(const char *a, const char *b)
{
    return lg__number_same(a, b);
}
