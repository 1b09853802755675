/* inside.c - results that nobody looked at, passes, and libraries, for lua/. See lg_inside.h. */
#include "lg_inside.h"

#include <stdio.h>

#include "base/library.h"
#include "front/front_internal.h"
#include "graph/graph.h"

lg_engine *lg__inside_enter(lg_engine *e)
{
    if (e && e->door)
        lg__door_enter(e->door);
    return e;
}

void lg__inside_leave(lg_engine *const *e)
{
    if (*e && (*e)->door)
        lg__door_leave((*e)->door);
}

/* ---- unseen ------------------------------------------------------------------- */

_Static_assert((int)LG_INSIDE_UNSEEN == (int)LG_UNSEEN_KEPT, "all that is kept can be told");

size_t lg__inside_unseen(const lg_engine *e, lg_inside_unseen *out, size_t *shown)
{
    lg_unseen list[LG_UNSEEN_KEPT];
    size_t n = lg__engine_unseen(e, list, shown);
    for (size_t i = 0; i < *shown; i++) {
        const lg_unseen *u = &list[i];
        out[i] = (lg_inside_unseen){
            .id = u->id,
            .code = u->code,
            .message = u->message ? u->message->data : lg_error_text(u->code),
            .hint = u->hint ? u->hint->data : NULL,
        };
    }
    return n;
}

void lg__inside_look(lg_var *v, bool for_good)
{
    if (for_good)
        lg__unseen_disown(v);
    else
        lg__unseen_look(v);
}

int lg__inside_pass_behind(lg_var *v, lg_var **out)
{
    return lg__var_pass_behind(v, out);
}

/* ---- libraries ------------------------------------------------------------------ */

bool lg__inside_load(const char *file, const lg_import *imports, size_t n, char *why,
                     size_t why_size)
{
    void *library = lg__library_open(file, why, why_size);
    for (size_t i = 0; library && i < n; i++) {
        lg_symbol symbol = {.name = imports[i].name};
        if (lg__library_find(library, &symbol, 1, imports[i].to)) {
            snprintf(why, why_size, "%s has no %s", file, symbol.name);
            return false;
        }
    }
    return library != NULL;
}

/* ---- for public functions of lua/ ------------------------------------------------- */

void lg__inside_error(lg_engine *e, int code, const char *message)
{
    lg__engine_error(e, code, "%s", message);
}

void **lg__inside_own(lg_engine *e)
{
    return &e->own;
}

void *lg__inside_alloc(lg_engine *e, void *block, size_t old_size, size_t size)
{
    if (size > 0)
        return block ? lg__mem_grow(&e->mem, block, old_size, size) : lg__mem_new(&e->mem, size);
    lg__mem_free(&e->mem, block, old_size);
    return NULL;
}
