/* model.c - a model: counted, read by everybody, and what was learned of it.
 *
 * How it is made is model_make.c's, how it is spoken to provider_*.c's; the public
 * lg_model_new, which needs the engine, is front/host_make.c's. */
#include "model/model.h"

#include <string.h>
#include <strings.h>

#include "base/json.h"

#define SECRET_MIN 6 /* shorter ones would star out ordinary words */

/* ---- what may be said of it --------------------------------------------- */

bool lg__model_is_line(const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
            return false;
    }
    return lg_utf8_check(s, len) < 0;
}

static bool is_reserved(const char *name)
{
    static const char *const names[] = {"model", "messages", "contents",
                                        "input", "system",   "systemInstruction"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

int lg__model_option_check(lg_mem *m, const lg_option *o, const char **why)
{
    const char *unused;
    why = why ? why : &unused;
    *why = NULL;
    if (!o->name || !o->name[0] || !lg__model_is_line(o->name)) {
        *why = "an option needs a name: one line of UTF-8";
        return LG_EINVAL;
    }
    if (is_reserved(o->name)) {
        *why = "an option must not replace the model or its messages";
        return LG_EINVAL;
    }
    lg_json *value = NULL;
    int err = o->json ? lg__json_parse(m, o->json, strlen(o->json), &value, NULL) : LG_EPARSE;
    if (err == LG_ENOMEM)
        return err;

    if (err) {
        *why = "an option's value is not JSON";
        return LG_EINVAL;
    }
    bool on = strcmp(o->name, "stream") == 0 && lg__json_true(value);
    lg__json_free(m, value);
    *why = on ? "stream is the engine's own choice; leave it out" : NULL;
    return on ? LG_EINVAL : LG_OK;
}

/* ---- its life ---------------------------------------------------------- */

static void pairs_free(lg_mem *m, lg_pair *pairs, size_t n)
{
    for (size_t i = 0; pairs && i < n; i++) {
        lg__mem_strfree(m, pairs[i].name);
        lg__mem_strfree(m, pairs[i].value);
    }
    lg__mem_free(m, pairs, n * sizeof *pairs);
}

static void repair_free(lg_mem *m, lg_repair *r)
{
    lg__mem_strfree(m, r->from);
    lg__mem_strfree(m, r->to);
    lg__mem_free(m, r, sizeof *r);
}

void lg__model_destroy(lg_model *model)
{
    if (!model)
        return;

    lg_mem *m = model->mem;
    char *strings[] = {model->dialect,  model->name,    model->model,
                       model->base_url, model->api_key, model->key_name};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        lg__mem_strfree(m, strings[i]);

    pairs_free(m, model->headers, model->n_headers);
    for (size_t i = 0; i < model->n_options; i++) {
        lg__mem_strfree(m, model->options[i].name);
        lg__mem_strfree(m, model->options[i].value);
    }
    lg__mem_free(m, model->options, model->cap_options * sizeof *model->options);
    for (lg_repair *r = model->repairs, *next; r; r = next) {
        next = r->next;
        repair_free(m, r);
    }
    lg__mem_free(m, model->fallbacks, model->n_fallbacks * sizeof(lg_model *));
    lg__mem_free(m, model, sizeof *model);
}

lg_model *lg_model_ref(lg_model *m)
{
    if (m) {
        LG_GUARD(m->door);
        m->refs++;
    }
    return m;
}

void lg_model_unref(lg_model *m)
{
    if (!m)
        return;
    LG_GUARD(m->door);
    if (--m->refs > 0)
        return;
    m->forget(m);
    for (size_t i = 0; i < m->n_fallbacks; i++)
        lg_model_unref(m->fallbacks[i]); /* they have none: no deeper than this */
    lg__model_destroy(m);
}

/* ---- what was learned -------------------------------------------------- */

static const lg_repair *repair_of(const lg_model *model, const char *name)
{
    for (const lg_repair *r = model->repairs; r; r = r->next) {
        if (strcmp(r->from, name) == 0)
            return r;
    }
    return NULL;
}

/* Terminates: lg__model_repair lets no circle come into being. */
const char *lg__model_field(const lg_model *model, const char *name)
{
    const lg_repair *r;
    while (name && (r = repair_of(model, name)) != NULL)
        name = r->to;

    return name;
}

int lg__model_repair(lg_model *model, const char *from, const char *to)
{
    if (is_reserved(from) || repair_of(model, from))
        return LG_ESTATE;

    if (to) {
        const char *end = lg__model_field(model, to);
        bool bad = is_reserved(to) || strcmp(to, "stream") == 0 || !to[0] || !lg__model_is_line(to);
        if (bad || (end && strcmp(end, from) == 0))
            return LG_ESTATE;
    }
    lg_repair *r = lg__mem_zero(model->mem, sizeof *r);
    if (!r)
        return LG_ENOMEM;

    r->from = lg__mem_strdup(model->mem, from);
    r->to = lg__mem_strdup(model->mem, to);
    if (!r->from || (to && !r->to)) {
        repair_free(model->mem, r);
        return LG_ENOMEM;
    }
    r->next = model->repairs;
    model->repairs = r;
    return LG_OK;
}

void lg__model_forget(lg_model *model, const char *from)
{
    lg_repair *r = model->repairs;
    if (r && strcmp(r->from, from) == 0) {
        model->repairs = r->next;
        repair_free(model->mem, r);
    }
}

/* ---- views ------------------------------------------------------------- */

size_t lg__model_base(const lg_model *model, const char **query)
{
    const char *url = model->base_url ? model->base_url : "";
    size_t len = strcspn(url, "?");
    *query = url + len;
    while (len > 0 && url[len - 1] == '/')
        len--;

    return len;
}

/* The log knows how keys hide (escapes, query strings); a log of one secret. */
static void star_out(char *s, size_t len, const char *secret)
{
    char *secrets[] = {(char *)(uintptr_t)secret};
    lg_log one = {.secrets = secrets, .n_secrets = strlen(secret) >= SECRET_MIN ? 1 : 0};
    lg__log_redact(&one, s, len);
}

static bool is_secret_header(const char *name)
{
    static const char *const parts[] = {"key", "auth", "token", "secret", "cookie", "password"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcasestr(name, parts[i]))
            return true;
    }
    return false;
}

void lg__model_redact(const lg_model *model, char *s, size_t len)
{
    star_out(s, len, model->api_key ? model->api_key : "");
    for (size_t i = 0; i < model->n_headers; i++) {
        if (is_secret_header(model->headers[i].name)) {
            const char *value = model->headers[i].value;
            const char *word = strrchr(value, ' '); /* "Bearer …": the word alone as well */
            star_out(s, len, value);
            star_out(s, len, word ? word + 1 : "");
        }
    }
}
