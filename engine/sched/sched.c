/* sched.c - the way of a request: single flight, who starts, what is counted.
 *
 * Its states are sched_move.c, who goes next sched_lane.c, when sched_rate.c and
 * sched_flow.c, what an ended attempt means sched_verdict.c, second attempts
 * sched_hedge.c, what is kept of it sched_memo.c, what it costs sched_ledger.c. */
#include <string.h>

#include "sched/sched_internal.h"

enum { DEFAULT_CONCURRENCY = 64, DEFAULT_ATTEMPTS = 10, DEFAULT_MEMO = 64 << 20 };

/* ---- life -------------------------------------------------------------- */

int lg__sched_new(lg_mem *m, lg_log *log, lg_clock *clock, const lg_sched_config *cfg,
                  lg_sched **out)
{
    lg_sched *s = lg__mem_zero(m, sizeof *s);
    *out = s;
    if (!s)
        return LG_ENOMEM;

    s->mem = m;
    s->log = log;
    s->clock = clock;
    s->cfg = *cfg;
    s->start_us = lg__clock_now(clock);
    s->cfg.concurrency = cfg->concurrency > 0 ? cfg->concurrency : DEFAULT_CONCURRENCY;
    s->cfg.max_attempts = cfg->max_attempts > 0 ? cfg->max_attempts : DEFAULT_ATTEMPTS;
    s->cfg.memo_bytes = cfg->memo_bytes > 0 ? cfg->memo_bytes : DEFAULT_MEMO;
    s->stated = cfg->concurrency > 0;
    lg__keymap_init(&s->endpoints, m);
    lg__keymap_init(&s->lanes, m);
    lg__keymap_init(&s->calls, m);
    return LG_OK;
}

static void free_line(lg_sched *s, lg_line *l)
{
    for (lg_request *r = l->head, *next; r; r = next) {
        next = r->next;
        lg__request_free(s->mem, r);
    }
}

void lg__sched_free(lg_sched *s)
{
    if (!s)
        return;

    free_line(s, &s->flight);
    free_line(s, &s->memo);
    lg__lanes_free(s);
    lg__keymap_free(&s->calls);
    lg__heap_free(&s->back_off, s->mem);
    lg__mem_free(s->mem, s, sizeof *s);
}

/* ---- the way of a request ---------------------------------------------- */

/* A kept reply is not for a model that wants none; being asked now is for all but those that
 * buy each call by itself, which nobody finds by its key. Who wants thinking left in the text
 * reads the same bytes as another text. */
static bool may_share(const lg_request *other, const lg_request *r)
{
    return other->keeps_thinking == r->keeps_thinking &&
           (other->memo_size == 0 || !r->model->no_memo);
}

static lg_request *find_equal(const lg_sched *s, const lg_request *r)
{
    return r->model->fresh ? NULL : lg__keymap_get(&s->calls, r->key);
}

bool lg__sched_shares(const lg_sched *s, const lg_request *r)
{
    const lg_request *other = find_equal(s, r);
    return other && may_share(other, r);
}

lg_request *lg__sched_submit(lg_sched *s, lg_request *r)
{
    lg_request *other = find_equal(s, r);
    if (other && may_share(other, r)) {
        s->stats.shared++;
        lg__memo_touch(s, other);
        lg__request_free(s->mem, r);
        return other;
    }
    lg_lane *l = lg__lane_of(s, r->model);
    if (!l || lg__sched_reserve(s))
        return NULL;

    if (other && other->memo_size > 0) {
        lg__sched_drop(s, other);
        other = NULL;
    }
    bool by_key = !r->model->fresh && !other; /* one that is under way keeps its place */
    if (by_key && lg__keymap_put(&s->calls, r->key, r))
        return NULL;

    r->in_flight_map = by_key;
    r->lane = l;
    s->newest = r->id > s->newest ? r->id : s->newest;
    lg__sched_adopt(s, r, LG_REQ_QUEUED);
    return r;
}

/* Back-offs that are over wait at the head of their lane's line, and lanes whose time has
 * come are free; behind a cap all are, to be refused. */
static bool wake_due(lg_sched *s, int64_t now)
{
    lg_due *first = lg__heap_first(&s->back_off);
    bool late = (first || s->held) && lg__ledger_late(s, now);
    while (first && (late || first->us <= now)) {
        lg__sched_move(s, LG_OF(first, lg_request, due), LG_REQ_QUEUED);
        first = lg__heap_first(&s->back_off);
    }
    lg__lanes_wake(s, now, late);
    return late;
}

/* r->reply.fail says why; it never left. */
static lg_request *give_up(lg_sched *s, lg_request *r)
{
    r->attempts--;
    s->stats.failed++;
    lg__sched_unmap(s, r);
    lg__sched_move(s, r, LG_REQ_FAILED);
    lg__request_unload(r);
    return r;
}

static lg_request *start(lg_sched *s, lg_request *r, int64_t now)
{
    int err = r->body.len > 0 ? LG_OK : lg__request_encode(r);
    lg__sched_move(s, r, LG_REQ_SENT);
    if (err) {
        lg__fail_set(&r->reply.fail, s->mem, err, "%s: the request could not be written: %s",
                     r->model->name, r->why ? r->why : lg_error_text(err));
        return give_up(s, r);
    }
    r->sent_us = now;
    r->seq = ++s->seq;
    lg__ledger_reserve(s, r);
    lg__rate_take(r, now);
    lg__lane_started(r->lane, r);
    lg__window_note(&s->window, now, r->attempts - r->repairs - r->hedges > 1);
    r->model->hedge_calls += r->attempts == 1 ? 1 : 0;
    s->stats.attempts += r->model->provider ? 1 : 0;
    s->stats.retries += r->attempts > 1 ? 1 : 0;
    return r;
}

/* Why it need not be sent; NULL: it must. */
static const lg_fail *refusal_of(const lg_request *r, int64_t now)
{
    const lg_endpoint *ep = r->lane->endpoint;
    if (r->id <= ep->refused_up_to && (!ep->refused_model || ep->refused_model == r->model))
        return &ep->refusal;

    return r->lane->day_us > now ? &r->lane->day : NULL;
}

/* It is the next: started, or failed, with what admitted it. */
static lg_request *let_go(lg_sched *s, lg_request *r, int admitted, int64_t now)
{
    if (admitted == LG_ADMIT)
        return start(s, r, now);

    lg__sched_move(s, r, LG_REQ_SENT);
    const lg_fail *refusal = refusal_of(r, now);
    if (refusal)
        lg__fail_copy(&r->reply.fail, refusal);

    return give_up(s, r);
}

/* NULL with *stop: nobody may start; NULL without: try again. */
static lg_request *next_of(lg_sched *s, int go, int64_t now, bool late, bool *stop)
{
    lg_lane *l = s->rings[go];
    lg_request *r = lg__lane_pick(l, go);
    if (refusal_of(r, now))
        return let_go(s, r, LG_REFUSE, now);

    int64_t until = late ? 0 : lg__rate_wait(r, now);
    if (until > now) {
        r->lane->hold_us = until;
        lg__endpoint_refresh(s, r->lane->endpoint);
        return NULL;
    }
    int admitted = lg__ledger_admit(s, r, now);
    *stop = admitted == LG_LATER;
    if (*stop)
        return NULL;

    s->rings[go] = l->ring_next[go]; /* the others come next */
    return let_go(s, r, admitted, now);
}

lg_request *lg__sched_next(lg_sched *s)
{
    int64_t now = lg__clock_now(s->clock);
    bool late = wake_due(s, now), stop = false;
    for (int go = 0; go < LG_GOES; go++) {
        while (s->rings[go] && !stop) {
            lg_request *r = next_of(s, go, now, late, &stop);
            if (r)
                return r;
        }
    }
    return NULL;
}

static void take_back(lg_sched *s, lg_request *r)
{
    lg__rate_refund(r, lg__clock_now(s->clock));
    r->lane->hold_us = 0;
    lg__ledger_unsent(s, r);
    s->stats.attempts -= r->model->provider ? 1 : 0;
    s->stats.retries -= r->attempts > 1 ? 1 : 0;
}

void lg__sched_refuse(lg_sched *s, lg_request *r, int code, const char *text)
{
    take_back(s, r);
    lg__fail_set(&r->reply.fail, s->mem, code, "%s: %s", r->model->name, text);
    give_up(s, r);
}

void lg__sched_serve(lg_sched *s, lg_request *r)
{
    take_back(s, r);
    r->attempts--;
    lg__request_unload(r);
    lg__sched_move(s, r, LG_REQ_DONE);
}

void lg__sched_spoil(lg_sched *s, lg_request *r)
{
    s->stats.calls--;
    s->stats.calls_by_kind[r->kind]--;
    s->stats.failed++;
    s->stats.useless++;
    lg__reply_free(&r->reply);
    r->reply.fail.code = LG_ESTORE;
    lg__sched_unmap(s, r);
    lg__sched_move(s, r, LG_REQ_FAILED);
}

void lg__sched_withdraw(lg_sched *s, lg_request *r)
{
    take_back(s, r);
    if (r->is_twin) {
        lg__sched_part(r);
        r->model->hedges--;
        s->stats.hedged--;
    }
    lg__sched_drop(s, r);
}

void lg__sched_release(lg_sched *s, lg_request *r)
{
    bool ended = r->state == LG_REQ_DONE || r->state == LG_REQ_FAILED;
    if (ended && r->memo_size == 0 && !lg__memo_keep(s, r))
        lg__sched_drop(s, r);
}

int64_t lg__sched_due(const lg_sched *s)
{
    int64_t cap = lg__ledger_due(s), due = lg__lanes_due(s);
    const lg_due *first = lg__heap_first(&s->back_off);
    due = first && first->us < due ? first->us : due;
    if (due == INT64_MAX)
        return INT64_MAX;

    return s->stats.cap ? 0 : cap < due ? cap : due;
}

void lg__sched_stats(const lg_sched *s, lg_stats *out)
{
    const lg_stats *mine = &s->stats;
    out->calls = mine->calls;
    out->shared = mine->shared;
    out->failed = mine->failed;
    out->attempts = mine->attempts;
    out->retries = mine->retries;
    out->ambiguous = mine->ambiguous;
    out->in_flight = s->sent_wire;
    out->queued = s->queued;
    out->waiting = s->waiting;
    out->host_running = s->sent_host;
    memcpy(out->calls_by_kind, mine->calls_by_kind, sizeof out->calls_by_kind);
    memcpy(out->usage, mine->usage, sizeof out->usage);
    memcpy(out->micros_by_kind, mine->micros_by_kind, sizeof out->micros_by_kind);
    out->micros = mine->micros;
    out->unpriced = mine->unpriced;
    out->reserved_micros = mine->reserved_micros;
    out->reserved_tokens = mine->reserved_tokens;
    out->cap = mine->cap;
    out->hedged = mine->hedged;
    out->hedges_won = mine->hedges_won;
    out->useless = mine->useless;
    lg__lanes_stats(s, out);
}
