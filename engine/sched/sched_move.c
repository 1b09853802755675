/* sched_move.c - the one place that takes a request from state to state, and the lists
 * that each state is.
 *
 * Why it moves is decided elsewhere. */
#include "sched/sched_internal.h"

/* ---- lines ------------------------------------------------------------- */

void lg__line_push(lg_line *l, lg_request *r)
{
    r->prev = l->tail;
    r->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = r;
    l->tail = r;
    l->count++;
}

void lg__line_remove(lg_line *l, lg_request *r)
{
    *(r->prev ? &r->prev->next : &l->head) = r->next;
    *(r->next ? &r->next->prev : &l->tail) = r->prev;
    r->prev = r->next = NULL;
    l->count--;
}

/* ---- moving ------------------------------------------------------------ */

static lg_line *line_of(lg_request *r)
{
    return &r->lane->lines[r->attempts > 0 ? LG_LINE_AGAIN : LG_LINE_FRESH + r->kind];
}

static size_t *sent_count(lg_sched *s, const lg_request *r)
{
    return r->model->provider ? &s->sent_wire : &s->sent_host;
}

static void land(lg_request *r)
{
    lg_lane *l = r->lane;
    lg_endpoint *ep = l->endpoint;
    l->in_flight--;
    ep->in_flight--;
    l->probe = l->probe == r ? NULL : l->probe;
    ep->probe = ep->probe == r ? NULL : ep->probe;
}

static void take_off(lg_request *r)
{
    lg_lane *l = r->lane;
    lg_endpoint *ep = l->endpoint;
    l->in_flight++;
    ep->in_flight++;
    l->probe = l->probing && !l->probe ? r : l->probe;
    ep->probe = ep->is_down && !ep->probe ? r : ep->probe;
}

static void leave(lg_sched *s, lg_request *r)
{
    if (r->state == LG_REQ_QUEUED) {
        lg__line_remove(line_of(r), r);
        s->queued--;
        return;
    }
    lg__line_remove(&s->flight, r);
    if (r->state == LG_REQ_SENT) {
        land(r);
        *sent_count(s, r) -= 1;
    } else if (r->state == LG_REQ_BACKOFF) {
        lg__heap_take(&s->back_off, &r->due);
        s->waiting--;
    }
}

static void enter(lg_sched *s, lg_request *r)
{
    if (r->state == LG_REQ_QUEUED) {
        lg__line_push(line_of(r), r);
        s->queued++;
        return;
    }
    lg__line_push(&s->flight, r);
    if (r->state == LG_REQ_SENT) {
        take_off(r);
        *sent_count(s, r) += 1;
    } else if (r->state == LG_REQ_BACKOFF) {
        r->due.number = r->id;
        lg__heap_put(&s->back_off, &r->due);
        s->waiting++;
    }
}

int lg__sched_reserve(lg_sched *s)
{
    return lg__heap_reserve(&s->back_off, s->mem, s->owned + 1);
}

void lg__sched_move(lg_sched *s, lg_request *r, int state)
{
    leave(s, r);
    if (r->state == LG_REQ_QUEUED && state == LG_REQ_SENT) {
        r->attempts++;
    }
    r->state = state;
    enter(s, r);
    lg__endpoint_refresh(s, r->lane->endpoint);
}

void lg__sched_adopt(lg_sched *s, lg_request *r, int state)
{
    r->state = state;
    s->owned++;
    enter(s, r);
    lg__endpoint_refresh(s, r->lane->endpoint);
}

void lg__sched_unmap(lg_sched *s, lg_request *r)
{
    if (r->in_flight_map) {
        lg__keymap_take(&s->calls, r->key);
        r->in_flight_map = false;
    }
}

void lg__sched_drop(lg_sched *s, lg_request *r)
{
    lg_lane *l = r->lane;
    lg__sched_unmap(s, r);
    if (r->memo_size > 0) {
        lg__line_remove(&s->memo, r);
        s->memo_bytes -= r->memo_size;
    } else {
        leave(s, r);
    }
    if (l) {
        lg__endpoint_refresh(s, l->endpoint);
    }
    s->owned--;
    lg__request_free(s->mem, r);
}

void lg__sched_part(lg_request *twin)
{
    if (twin->twin) {
        twin->twin->twin = NULL;
        twin->twin = NULL;
        twin->options = NULL;
        twin->n_options = 0;
    }
}

void lg__sched_cancel(lg_sched *s, lg_request *r)
{
    if (r->state == LG_REQ_SENT && r->model->provider) {
        s->stats.ambiguous++; /* the server may go on and send the bill */
    }
    if (r->state == LG_REQ_SENT) {
        lg__ledger_lost(s, r);
    }
    lg__sched_drop(s, r);
}
