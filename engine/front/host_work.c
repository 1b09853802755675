/* host_work.c - what the host is asked to do: calls of its models, tools, feedback of tools.
 *
 * Work has one life: queued, announced by an event, answered or abandoned. The id finds it. */
#include "front/front_internal.h"

int lg__work_new(lg_engine *e, lg_party *p, int type, lg_work **out)
{
    if (!p->run && p != &e->graph.host_party)
        return LG_ECANCELLED; /* it has ended, and would never answer */
    lg_work *w = lg__mem_zero(&e->mem, sizeof *w);
    if (!w)
        return LG_ENOMEM;
    w->id = ++e->graph.last_id;
    w->type = type;
    if (lg__map_put(&e->works, w->id, w)) {
        lg__mem_free(&e->mem, w, sizeof *w);
        return LG_ENOMEM;
    }
    w->party = lg__party_ref(p);
    p->n_works++;
    w->queued = true;
    LG_QUEUE_PUSH(&p->out, w, next);
    *out = w;
    return LG_OK;
}

void lg__work_release(lg_engine *e, lg_work *w)
{
    lg__text_unref(w->heard);
    lg__text_unref(w->told);
    lg__parts_free(&e->mem, &w->asked);
    if (w->from)
        lg__party_unref(w->from);
    lg__party_unref(w->party);
    lg__mem_free(&e->mem, w, sizeof *w);
}

/* While it is queued the queue frees it; see lg_engine_next. */
void lg__work_free(lg_engine *e, lg_work *w)
{
    lg__map_take(&e->works, w->id);
    w->party->n_works--;
    e->turn.kept_due = e->turn.kept != NULL;
    if (w->queued)
        w->type = LG_EVENT_NONE;
    else
        lg__work_release(e, w);
}

void lg__work_abandon(lg_engine *e, uint64_t id)
{
    lg_work *w = lg__map_get(&e->works, id);
    if (!w)
        return;
    lg__map_take(&e->works, id);
    w->party->n_works--;
    e->turn.kept_due = e->turn.kept != NULL;
    w->type = w->announced ? LG_EVENT_ABANDON : LG_EVENT_NONE;
    if (w->announced && w->request)
        w->asked = lg__request_part(w->request);
    w->node = NULL;
    w->request = NULL;
    if (w->queued)
        return;
    w->queued = true;
    LG_QUEUE_PUSH(&w->party->out, w, next);
}

void lg__work_told(lg_engine *e, const lg_work *w)
{
    lg_party *p = w->from;
    size_t size = w->told ? w->told->len + sizeof *w : 0;
    bool was_full = p->untold >= LG_MOST_UNTOLD;
    p->untold -= size;
    if (was_full && p->untold < LG_MOST_UNTOLD)
        lg__engine_touch(e);
}

void lg__works_free(lg_engine *e)
{
    lg_work *w;
    for (lg_party *p = &e->graph.host_party; p;) {
        LG_QUEUE_POP(&p->out, w, next);
        if (!w) {
            p = p->next;
            continue;
        }
        lg__map_take(&e->works, w->id);
        p = &e->graph.host_party; /* the other may go with its work */
        lg__work_release(e, w);
    }
    size_t pos = 0;
    uint64_t id;
    while ((w = lg__map_next(&e->works, &pos, &id)))
        lg__work_release(e, w);
    lg__map_free(&e->works);
}
