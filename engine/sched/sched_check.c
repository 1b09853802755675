/* sched_check.c - a walk over the scheduler that looks for what sched_internal.h promises.
 *
 * Debug builds only. In time linear in its requests and lanes, without memory of its own. */
#include "base/check.h"
#include "sched/sched_internal.h"

#ifdef LG_DEBUG

typedef struct lg_count { /* what a walk met */
    size_t queued, waiting, sent_wire, sent_host, twins, mapped;
    uint64_t tokens, micros; /* set aside */
    uint64_t in_flight;      /* the sum of the lanes that are in use, once for each call */
    size_t memo_bytes;
    size_t lanes, endpoints, held;
} lg_count;

static int line_at(const lg_request *r)
{
    return r->attempts > 0 ? LG_LINE_AGAIN : LG_LINE_FRESH + r->kind;
}

static void check_line(const lg_line *l)
{
    const lg_request *last = NULL;
    size_t n = 0;
    for (const lg_request *r = l->head; r; last = r, r = r->next) {
        LG_CHECK(r->prev == last);
        LG_CHECK(n++ < l->count);
    }
    LG_CHECK(n == l->count);
    LG_CHECK(last == l->tail);
}

/* ---- requests -------------------------------------------------------------- */

static void check_key(const lg_sched *s, const lg_request *r, lg_count *c)
{
    if (r->in_flight_map) {
        LG_CHECK(r->state != LG_REQ_FAILED);
        LG_CHECK(lg__keymap_get(&s->calls, r->key) == r);
        c->mapped++;
    }
}

static void check_queued(const lg_sched *s, const lg_lane *l, int line, lg_count *c)
{
    check_line(&l->lines[line]);
    for (const lg_request *r = l->lines[line].head; r; r = r->next) {
        LG_CHECK(r->state == LG_REQ_QUEUED);
        LG_CHECK(r->lane == l && line_at(r) == line);
        LG_CHECK(r->model && r->model->lane == l);
        LG_CHECK(!r->is_twin && !r->twin && !r->attempt);
        LG_CHECK(!r->reserved && r->memo_size == 0 && r->due.place == 0);
        check_key(s, r, c);
        c->queued++;
    }
}

static void check_sent(const lg_request *r, lg_count *c)
{
    if (r->twin) {
        LG_CHECK(r->twin->twin == r && r->twin->state == LG_REQ_SENT);
        LG_CHECK(r->twin->is_twin != r->is_twin);
        LG_CHECK(r->twin->lane == r->lane && r->twin->model == r->model);
    }
    if (r->reserved) {
        c->tokens += (uint64_t)r->worst_tokens;
        c->micros += r->worst_micros > 0 ? (uint64_t)r->worst_micros : 0;
    }
    c->sent_wire += r->model->provider ? 1 : 0;
    c->sent_host += r->model->provider ? 0 : 1;
    c->in_flight += lg__check_sum(r->lane);
}

static void check_flight(const lg_sched *s, lg_count *c)
{
    check_line(&s->flight);
    for (const lg_request *r = s->flight.head; r; r = r->next) {
        bool sent = r->state == LG_REQ_SENT, waits = r->state == LG_REQ_BACKOFF;
        LG_CHECK(sent || waits || r->state == LG_REQ_DONE || r->state == LG_REQ_FAILED);
        LG_CHECK(r->lane && r->model && r->memo_size == 0);
        LG_CHECK(sent || (!r->twin && !r->is_twin && !r->reserved));
        LG_CHECK(waits == (r->due.place > 0));
        LG_CHECK(!r->is_twin || (r->twin && !r->in_flight_map && !r->waiters));
        if (sent)
            check_sent(r, c);

        check_key(s, r, c);
        c->waiting += waits ? 1 : 0;
        c->twins += r->is_twin ? 1 : 0;
    }
}

static void check_memo(const lg_sched *s, lg_count *c)
{
    check_line(&s->memo);
    for (const lg_request *r = s->memo.head; r; r = r->next) {
        LG_CHECK(r->state == LG_REQ_DONE && r->reply.text);
        LG_CHECK(r->memo_size > 0 && !r->lane && !r->model && !r->waiters);
        LG_CHECK(r->in_flight_map && r->due.place == 0);
        check_key(s, r, c);
        c->memo_bytes += r->memo_size;
    }
}

static void check_back_off(const lg_sched *s)
{
    lg__heap_check(&s->back_off);
    for (size_t i = 0; i < s->back_off.n; i++) {
        const lg_request *r = LG_OF(s->back_off.all[i], lg_request, due);
        LG_CHECK(r->state == LG_REQ_BACKOFF && r->due.number == r->id);
    }
}

/* ---- lanes ----------------------------------------------------------------- */

static void check_rings(const lg_sched *s, const lg_lane *l)
{
    for (int k = 0; k < LG_GOES; k++) {
        LG_CHECK((l->ring_next[k] != NULL) == (l->ring_prev[k] != NULL));
        if (l->ring_next[k]) {
            LG_CHECK(s->rings[k]);
            LG_CHECK(l->ring_next[k]->ring_prev[k] == l);
            LG_CHECK(l->ring_prev[k]->ring_next[k] == l);
        }
        /* A cap that was just reached frees all: they come in when they are looked at. */
        LG_CHECK(s->stats.cap || (l->ring_next[k] != NULL) == lg__lane_could(s, l, k));
    }
}

static void check_lane(const lg_sched *s, const lg_endpoint *ep, const lg_lane *l, lg_count *c)
{
    LG_CHECK(l->endpoint == ep && l->models > 0);
    LG_CHECK(lg__keymap_get(&s->lanes, l->key) == l);
    LG_CHECK(!l->next || l->next->prev == l);
    LG_CHECK(l->in_flight >= 0 && l->window >= 1);
    LG_CHECK(!l->probe || (l->probe->state == LG_REQ_SENT && l->probe->lane == l));
    for (int i = 0; i < LG_LINES; i++)
        check_queued(s, l, i, c);

    check_rings(s, l);
    c->lanes++;
    c->held += l->held ? 1 : 0;
    c->in_flight -= (uint64_t)l->in_flight * lg__check_sum(l);
}

static void check_endpoint(const lg_sched *s, const lg_endpoint *ep, lg_count *c)
{
    int in_flight = 0;
    LG_CHECK(lg__keymap_get(&s->endpoints, ep->key) == ep);
    LG_CHECK(ep->lanes && !ep->lanes->prev);
    LG_CHECK(!ep->next || ep->next->prev == ep);
    LG_CHECK(!ep->probe || (ep->probe->state == LG_REQ_SENT && ep->probe->lane->endpoint == ep));
    for (const lg_lane *l = ep->lanes; l; l = l->next) {
        check_lane(s, ep, l, c);
        in_flight += l->in_flight;
    }
    LG_CHECK(in_flight == ep->in_flight);
    c->endpoints++;
}

static void check_held(const lg_sched *s, size_t n)
{
    const lg_lane *last = NULL;
    for (const lg_lane *l = s->held; l; last = l, l = l->held_next) {
        LG_CHECK(n-- > 0 && l->held);
        LG_CHECK(l->held_prev == last);
    }
    LG_CHECK(n == 0);
}

static void check_ring(const lg_sched *s, int k, size_t lanes)
{
    const lg_lane *l = s->rings[k];
    while (l) {
        LG_CHECK(lanes-- > 0 && l->ring_next[k]);
        l = l->ring_next[k] == s->rings[k] ? NULL : l->ring_next[k];
    }
}

void lg__sched_check(const lg_sched *s)
{
    lg_count c = {0};
    check_flight(s, &c);
    check_memo(s, &c);
    check_back_off(s);
    for (const lg_endpoint *ep = s->all_endpoints; ep; ep = ep->next)
        check_endpoint(s, ep, &c);

    check_held(s, c.held);
    for (int k = 0; k < LG_GOES; k++)
        check_ring(s, k, c.lanes);

    LG_CHECK(c.in_flight == 0); /* each lane's count is of the calls that are sent there */
    LG_CHECK(c.queued == s->queued && c.waiting == s->waiting);
    LG_CHECK(c.sent_wire == s->sent_wire && c.sent_host == s->sent_host);
    LG_CHECK(c.waiting == s->back_off.n);
    LG_CHECK(c.mapped == s->calls.count);
    LG_CHECK(c.lanes == s->lanes.count && c.endpoints == s->endpoints.count);
    LG_CHECK(s->owned == s->queued + s->flight.count + s->memo.count);
    LG_CHECK(s->owned - c.twins <= s->back_off.cap);
    LG_CHECK(c.memo_bytes == s->memo_bytes && s->memo_bytes <= s->cfg.memo_bytes);
    LG_CHECK(c.tokens == s->stats.reserved_tokens && c.micros == s->stats.reserved_micros);
}

void lg__sched_walk(const lg_sched *s, void (*see)(const lg_request *r, void *ud), void *ud)
{
    for (const lg_request *r = s->flight.head; r; r = r->next)
        see(r, ud);

    for (const lg_endpoint *ep = s->all_endpoints; ep; ep = ep->next) {
        for (const lg_lane *l = ep->lanes; l; l = l->next) {
            for (int i = 0; i < LG_LINES; i++) {
                for (const lg_request *r = l->lines[i].head; r; r = r->next)
                    see(r, ud);
            }
        }
    }
}

#endif
