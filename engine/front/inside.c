/* inside.c - what the Lua binding needs of an engine beyond lunagrad.h. */
#include "front/inside.h"

#include "front/front_internal.h"
#include "graph/graph.h"

lg_store *lg__inside_store(const lg_engine *e)
{
    return e->store;
}

void lg__inside_flush(lg_engine *e)
{
    if (lg__store_queued(e->store))
        lg__engine_flush(e);
}

void lg__inside_queued(lg_engine *e)
{
    enum { MOST = 256 };
    if (lg__store_queued(e->store) >= MOST)
        lg__engine_flush(e);
    else
        lg__engine_touch(e);
}

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

void lg__inside_look(lg_var *v)
{
    lg__unseen_look(v);
}

void lg__inside_disown(lg_var *v)
{
    lg__unseen_disown(v);
}
