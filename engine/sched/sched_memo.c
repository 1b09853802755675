/* sched_memo.c - finished replies that are kept for repeats, within a size.
 *
 * Only good and whole ones; least recently used goes first. Not the store of
 * runs: it lives as long as the scheduler. */
#include "sched/sched_internal.h"

enum { MAP_SHARE = 64 }; /* bytes of the key's map for one entry, about */

static bool may_keep(const lg_request *r)
{
    bool whole = r->reply.finish != LG_FINISH_LENGTH && r->reply.finish != LG_FINISH_FILTER;
    return r->state == LG_REQ_DONE && r->in_flight_map && whole && !r->model->no_memo;
}

bool lg__memo_keep(lg_sched *s, lg_request *r)
{
    if (!may_keep(r))
        return false;

    const lg_text *thinking = r->reply.thinking;
    size_t size = sizeof *r + sizeof *r->reply.text + r->reply.text->len + MAP_SHARE;
    size += thinking ? sizeof *thinking + thinking->len : 0;
    if (size > s->cfg.memo_bytes)
        return false;

    while (s->memo_bytes + size > s->cfg.memo_bytes)
        lg__sched_drop(s, s->memo.head);

    lg__sched_tell_end(s, r, "kept");
    lg__line_remove(&s->flight, r);
    lg__line_push(&s->memo, r);
    r->memo_size = size;
    s->memo_bytes += size;
    lg__request_strip(s->mem, r);
    r->lane = NULL;
    return true;
}

void lg__memo_touch(lg_sched *s, lg_request *r)
{
    if (r->memo_size > 0) {
        lg__line_remove(&s->memo, r);
        lg__line_push(&s->memo, r);
    }
}
