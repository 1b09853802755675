/* host_work.c - what the host is asked to do: calls of its models, tools, feedback of tools.
 *
 * Work has one life: queued, announced by an event, answered or abandoned. The id finds it. */
#include "front/front_internal.h"

int lg__work_new(lg_engine *e, int type, lg_work **out)
{
    lg_work *w = lg__mem_zero(&e->mem, sizeof *w);
    if (!w)
        return LG_ENOMEM;
    w->id = ++e->graph.last_id;
    w->type = type;
    if (lg__map_put(&e->works, w->id, w)) {
        lg__mem_free(&e->mem, w, sizeof *w);
        return LG_ENOMEM;
    }
    w->queued = true;
    LG_QUEUE_PUSH(&e->out, w, next);
    *out = w;
    return LG_OK;
}

void lg__work_release(lg_engine *e, lg_work *w)
{
    lg__text_unref(w->heard);
    lg__mem_free(&e->mem, w, sizeof *w);
}

/* While it is queued the queue frees it; see lg_engine_next. */
void lg__work_free(lg_engine *e, lg_work *w)
{
    lg__map_take(&e->works, w->id);
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
    e->turn.kept_due = e->turn.kept != NULL;
    w->type = w->announced ? LG_EVENT_ABANDON : LG_EVENT_NONE;
    w->node = NULL;
    w->request = NULL;
    if (w->queued)
        return;
    w->queued = true;
    LG_QUEUE_PUSH(&e->out, w, next);
}

void lg__works_free(lg_engine *e)
{
    lg_work *w;
    for (;;) {
        LG_QUEUE_POP(&e->out, w, next);
        if (!w)
            break;
        lg__map_take(&e->works, w->id);
        lg__work_release(e, w);
    }
    size_t pos = 0;
    uint64_t id;
    while ((w = lg__map_next(&e->works, &pos, &id)))
        lg__work_release(e, w);
    lg__map_free(&e->works);
}
