/* sched_move.c - the one place that takes a request from state to state, and the lists
 * that each state is.
 *
 * Why it moves is decided elsewhere. */
#include <stdio.h>

#include "base/check.h"
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
    LG_CHECK(l->count > 0 && (r->prev || l->head == r) && (r->next || l->tail == r));
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

static void tell(const lg_sched *s, const lg_request *r, const char *from, const char *to,
                 const char *why)
{
    LG_TRACE(s->log, "request %llu %s: %s -> %s (try %d%s%s)", (unsigned long long)r->id,
             r->model ? r->model->name : "-", from, to, r->attempts, r->is_twin ? ", hedge" : "",
             why);
}

static void tell_move(const lg_sched *s, const lg_request *r, const char *from)
{
    char why[64] = "";
    if (!lg__log_hears(s->log, LG_LOG_DEBUG))
        return;

    if (r->state == LG_REQ_BACKOFF) {
        double us = (double)(r->due.us - lg__clock_now(s->clock));
        snprintf(why, sizeof why, ", again in %.3f s", us / 1e6);
    } else if (r->state == LG_REQ_FAILED) {
        snprintf(why, sizeof why, ", %s", lg_error_name(r->reply.fail.code));
    }
    tell(s, r, from, lg__request_state_name(r->state), why);
}

void lg__sched_tell_end(const lg_sched *s, const lg_request *r, const char *to)
{
    tell(s, r, r->memo_size > 0 ? "kept" : lg__request_state_name(r->state), to, "");
}

/* Where a request may go from each state. FAILED is the end, and so is DONE, unless its
 * reply turned out to be of no use. */
static bool may_move(int from, int to)
{
    switch (from) {
    case LG_REQ_QUEUED:
        return to == LG_REQ_SENT;
    case LG_REQ_SENT:
        return to != LG_REQ_SENT;
    case LG_REQ_BACKOFF:
        return to == LG_REQ_QUEUED;
    default:
        return from == LG_REQ_DONE && to == LG_REQ_FAILED;
    }
}

void lg__sched_move(lg_sched *s, lg_request *r, int state)
{
    const char *from = lg__request_state_name(r->state);
    LG_CHECK(may_move(r->state, state));
    leave(s, r);
    if (r->state == LG_REQ_QUEUED && state == LG_REQ_SENT)
        r->attempts++;

    r->state = state;
    enter(s, r);
    tell_move(s, r, from);
    lg__endpoint_refresh(s, r->lane->endpoint);
}

void lg__sched_adopt(lg_sched *s, lg_request *r, int state)
{
    r->state = state;
    s->owned++;
    enter(s, r);
    tell_move(s, r, "new");
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
    lg__sched_tell_end(s, r, "gone");
    lg__sched_unmap(s, r);
    if (r->memo_size > 0) {
        lg__line_remove(&s->memo, r);
        s->memo_bytes -= r->memo_size;
    } else {
        leave(s, r);
    }
    if (l)
        lg__endpoint_refresh(s, l->endpoint);

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
    if (r->state == LG_REQ_SENT && r->model->provider)
        s->stats.ambiguous++; /* the server may go on and send the bill */

    if (r->state == LG_REQ_SENT)
        lg__ledger_lost(s, r);

    lg__sched_drop(s, r);
}
