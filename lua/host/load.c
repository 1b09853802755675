/* load.c - the texts of a job's result, or of the best.json of a run, into parameters. */
#include <string.h>

#include "host/hosted.h"

typedef struct lg_loading {
    lg_var *const *params;
    size_t n, set;
    int err;
} lg_loading;

/* Roles that repeat are numbered from the second on: "role #2". */
static bool is_called(const lg_loading *l, size_t i, const char *name)
{
    const char *role = lg_var_role(l->params[i]);
    size_t before = 1, len = strlen(role);
    for (size_t k = 0; k < i; k++)
        before += strcmp(lg_var_role(l->params[k]), role) == 0;
    if (strncmp(name, role, len) != 0)
        return false;
    if (before == 1)
        return name[len] == '\0';
    size_t number = 0;
    const char *at = name + len;
    if (strncmp(at, " #", 2) != 0 || at[2] == '\0')
        return false;
    for (at += 2; *at >= '0' && *at <= '9' && number < 100000; at++)
        number = 10 * number + (size_t)(*at - '0');
    return *at == '\0' && number == before;
}

static void take(lg_loading *l, const lg_item *item)
{
    for (size_t i = 0; i < l->n && !l->err; i++) {
        if (!l->params[i] || !is_called(l, i, item->name))
            continue;
        l->err = lg_var_set(l->params[i], item->text, strlen(item->text));
        l->set += l->err == LG_OK;
    }
}

/* Of "best" or "texts", an object at the top: its texts. false: there is none. */
static bool read(lg_items *items, lg_loading *l)
{
    lg_item item;
    size_t depth = 0, inside = 0;
    bool found = false;
    while (lg__items_next(items, &item)) {
        if (item.kind == LG_ITEM_END) {
            if (depth-- == inside)
                inside = 0;
            continue;
        }
        bool opens = item.kind == LG_ITEM_OBJECT || item.kind == LG_ITEM_ARRAY;
        if (inside && depth == inside && item.kind == LG_ITEM_STRING && item.name)
            take(l, &item);
        depth += opens;
        if (depth == 2 && item.kind == LG_ITEM_OBJECT && item.name &&
            (strcmp(item.name, "best") == 0 || strcmp(item.name, "texts") == 0)) {
            inside = depth;
            found = true;
        }
    }
    return found;
}

int lg_params_load(lg_var *const *params, size_t n, const char *json, size_t len)
{
    lg_items *items;
    size_t where;
    lg_loading l = {.params = params, .n = n};
    if ((n && !params) || (!json && len))
        return LG_EINVAL;
    if (len > LG_HOST_LONGEST)
        return LG_ELIMIT;
    int err = lg__items_open(NULL, NULL, json, len, &items, &where);
    if (err)
        return err;
    bool found = read(items, &l);
    lg__items_close(items);
    if (l.err)
        return l.err;
    return found ? (int)l.set : LG_EPARSE;
}
