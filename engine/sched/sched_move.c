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

/* ---- the heap of those that back off ----------------------------------- */

static bool is_sooner(const lg_request *a, const lg_request *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->id < b->id;
}

static void heap_put(lg_sched *s, size_t pos, lg_request *r)
{
    s->heap[pos - 1] = r;
    r->heap_pos = pos;
}

static void heap_rise(lg_sched *s, size_t pos, lg_request *r)
{
    while (pos > 1 && is_sooner(r, s->heap[pos / 2 - 1])) {
        heap_put(s, pos, s->heap[pos / 2 - 1]);
        pos /= 2;
    }
    heap_put(s, pos, r);
}

static void heap_sink(lg_sched *s, size_t pos, lg_request *r)
{
    for (size_t child; (child = pos * 2) <= s->heap_count; pos = child) {
        if (child < s->heap_count && is_sooner(s->heap[child], s->heap[child - 1])) {
            child++;
        }
        if (!is_sooner(s->heap[child - 1], r)) {
            break;
        }
        heap_put(s, pos, s->heap[child - 1]);
    }
    heap_put(s, pos, r);
}

static void heap_add(lg_sched *s, lg_request *r)
{
    s->heap_count++;
    heap_rise(s, s->heap_count, r);
}

static void heap_remove(lg_sched *s, lg_request *r)
{
    size_t pos = r->heap_pos;
    lg_request *last = s->heap[--s->heap_count];
    r->heap_pos = 0;
    if (last != r) {
        heap_rise(s, pos, last);
        heap_sink(s, last->heap_pos, last);
    }
}

int lg__sched_reserve(lg_sched *s)
{
    if (s->owned < s->heap_cap) {
        return LG_OK;
    }
    size_t cap = s->heap_cap ? s->heap_cap * 2 : 64;
    lg_request **heap = lg__mem_grow(s->mem, s->heap, s->heap_cap * sizeof(lg_request *),
                                     cap * sizeof(lg_request *));
    if (!heap) {
        return LG_ENOMEM;
    }
    s->heap = heap;
    s->heap_cap = cap;
    return LG_OK;
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
        heap_remove(s, r);
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
        heap_add(s, r);
        s->waiting++;
    }
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
