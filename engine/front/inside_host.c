/* inside_host.c - what lua/host/ needs for the jobs of a host: whose things are, what a query is
 * for, a function that is called when a variable has settled, and events of its own. */
#include "lg_inside.h"

#include "front/front_internal.h"

/* ---- whose ---------------------------------------------------------------- */

bool lg__inside_is_own(const lg_engine *e, const lg_var *v)
{
    return v->graph == &e->graph;
}

bool lg__inside_is_own_model(const lg_engine *e, const lg_model *m)
{
    return m->engine == e;
}

lg_var *lg__inside_asked(lg_engine *e, uint64_t id)
{
    lg__call_drop_cancelled(e);
    const lg_work *w = lg__map_get(&e->works, id);
    return w && w->announced && w->type == LG_EVENT_FUNCTION ? w->node->out : NULL;
}

bool lg__inside_abandons(lg_engine *e, uint64_t id)
{
    lg__call_drop_cancelled(e);
    const lg_work *w = e->graph.host_party.out.head;
    while (w && !(w->id == id && w->type == LG_EVENT_ABANDON))
        w = w->next;
    return w != NULL;
}

void lg__inside_unheard(lg_engine *e, uint64_t id)
{
    lg_work *w = lg__map_get(&e->works, id);
    if (w)
        w->announced = false;
    for (w = e->graph.host_party.out.head; w; w = w->next) {
        if (w->id == id && w->type == LG_EVENT_ABANDON)
            w->type = LG_EVENT_NONE;
    }
}

/* ---- watching --------------------------------------------------------------- */

int lg__inside_watch(lg_var *v, void (*fn)(void *ud), void *ud)
{
    if (lg__var_call(v, fn, ud))
        return lg__engine_error(v->graph->engine, LG_ENOMEM, "no memory to watch a variable");
    return LG_OK;
}

void lg__inside_unwatch(lg_var *v, const void *ud)
{
    lg__var_uncall(v, ud);
}

/* ---- telling ------------------------------------------------------------------- */

int lg__told_new(lg_party *p, const void *about, uint64_t tag, lg_told **out)
{
    lg_engine *e = p->graph->engine;
    lg_work *w = lg__mem_zero(&e->mem, sizeof *w);
    if (!w)
        return lg__engine_error(e, LG_ENOMEM, "no memory for an event");
    w->type = LG_EVENT_END;
    w->tag = tag;
    w->about = about;
    w->from = lg__party_ref(p);
    w->party = lg__party_ref(&p->graph->host_party);
    *out = (lg_told *)w;
    return LG_OK;
}

void lg__told_send(lg_told *told)
{
    lg_work *w = (lg_work *)told;
    lg_engine *e = w->party->graph->engine;
    w->queued = true;
    LG_QUEUE_PUSH(&w->party->out, w, next);
    lg__engine_touch(e);
}

void lg__told_free(lg_told *told)
{
    lg_work *w = (lg_work *)told;
    if (w)
        lg__work_release(w->party->graph->engine, w);
}

bool lg__told_progress(lg_party *p, const void *about, uint64_t tag, const char *text, size_t len)
{
    if (!lg__party_tell(p, LG_EVENT_PROGRESS, tag, text, len))
        return false;
    p->graph->host_party.out.tail->about = about;
    return true;
}

void lg__told_take_back(lg_engine *e, const void *about)
{
    for (lg_work *w = e->graph.host_party.out.head; w; w = w->next) {
        if (w->about == about) {
            w->type = LG_EVENT_NONE;
            w->about = NULL;
        }
    }
}
