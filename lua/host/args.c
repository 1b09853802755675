/* args.c - arguments of calls into the private state: a JSON object, name by name. */
#include <stdio.h>
#include <string.h>

#include "host/hosted.h"

static void *from_engine(void *ud, void *block, size_t old_size, size_t size)
{
    return lg__inside_alloc(ud, block, old_size, size);
}

void lg__args_begin(lg_hosted *p, lg_args *a)
{
    *a = (lg_args){.out = {.alloc = from_engine, .alloc_ud = p->e}};
    lg__out_add(&a->out, "{", 1);
}

static void name_it(lg_args *a, const char *name)
{
    if (a->any)
        lg__out_add(&a->out, ",", 1);
    a->any = true;
    lg__out_as(&a->out, LG_AS_JSON, name, strlen(name));
    lg__out_add(&a->out, ":", 1);
}

void lg__args_text(lg_args *a, const char *name, const char *text, size_t len)
{
    if (!text)
        return;
    name_it(a, name);
    lg__out_as(&a->out, LG_AS_JSON, text, len);
}

void lg__args_word(lg_args *a, const char *name, const char *text)
{
    lg__args_text(a, name, text, text ? strlen(text) : 0);
}

void lg__args_words(lg_args *a, const char *name, const char *const *texts, size_t n)
{
    if (n == 0)
        return;
    name_it(a, name);
    for (size_t i = 0; i < n; i++) {
        lg__out_add(&a->out, i ? "," : "[", 1);
        lg__out_as(&a->out, LG_AS_JSON, texts[i], strlen(texts[i]));
    }
    lg__out_add(&a->out, "]", 1);
}

void lg__args_json(lg_args *a, const char *name, const char *json)
{
    if (!json)
        return;
    name_it(a, name);
    lg__out_add(&a->out, json, strlen(json));
}

void lg__args_int(lg_args *a, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    lg__args_json(a, name, text);
}

void lg__args_some(lg_args *a, const char *name, int64_t value)
{
    if (value != 0)
        lg__args_int(a, name, value);
}

void lg__args_true(lg_args *a, const char *name, bool value)
{
    lg__args_json(a, name, value ? "true" : NULL);
}

int lg__args_end(lg_args *a)
{
    return lg__out_add(&a->out, "}", 1);
}

void lg__args_free(lg_args *a)
{
    lg__out_free(&a->out);
}

const char *lg__args_bad(const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (texts[i] && lg_utf8_check(texts[i], strlen(texts[i])) >= 0)
            return texts[i];
    }
    return NULL;
}

int lg__args_object(lg_engine *e, const char *json, const char *what)
{
    lg_items *items;
    lg_item first;
    size_t where = 0;
    if (!json)
        return LG_OK;
    int err = lg__items_open(NULL, NULL, json, strlen(json), &items, &where);
    if (err)
        return lg__host_refuse(e, err, "%s: no JSON from byte %zu on", what, where + 1);
    bool good = lg__items_next(items, &first) && first.kind == LG_ITEM_OBJECT;
    lg__items_close(items);
    return good ? LG_OK : lg__host_refuse(e, LG_EPARSE, "%s: no JSON object", what);
}

bool lg__args_sized(void *to, size_t size, const void *from)
{
    size_t theirs;
    memcpy(&theirs, from, sizeof theirs);
    if (theirs < sizeof theirs)
        return false;
    memset(to, 0, size);
    memcpy(to, from, theirs < size ? theirs : size);
    return true;
}

void lg__args_init(void *cfg, size_t size)
{
    if (!cfg || size < sizeof size)
        return;
    memset(cfg, 0, size);
    memcpy(cfg, &size, sizeof size);
}
