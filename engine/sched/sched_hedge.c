/* sched_hedge.c - a second attempt beside one that is late: when, and its books.
 *
 * The second attempt is a request of its own, the first one's twin, with its own place in
 * the lane, its own part of the allowances and its own worst case set aside. It has no
 * texts and no waiters, is found by no key and is never asked again: what its end means
 * for the call is call_hedge.c's. */
#include <string.h>

#include "sched/sched_internal.h"

enum { MOST = 200 };
static const int64_t LOOK_AGAIN_US = 100000;

/* ---- when ------------------------------------------------------------------ */

/* Streams are watched: what they said cannot be taken back for another's words. */
static bool is_hedgeable(const lg_request *r)
{
    const lg_model *m = r->model;
    return m->hedge_budget > 0 && m->provider && !m->provider->process && !r->stream &&
           !r->is_twin && !r->twin && r->hedges < MOST;
}

/* -1: not known yet. */
static int64_t patience_us(const lg_request *r)
{
    const lg_model *m = r->model;
    return m->hedge_percentile > 0 ? lg__times_quantile(r->lane->times, m->hedge_percentile)
                                   : m->hedge_after_us;
}

int64_t lg__sched_late(const lg_request *r)
{
    int64_t us = is_hedgeable(r) ? patience_us(r) : INT64_MAX;
    return us == INT64_MAX ? us : r->sent_us + (us < 0 ? LOOK_AGAIN_US : us);
}

/* Calls that wait go first, and the call's second worst case must fit beside its first. */
static bool has_room(lg_sched *s, lg_request *r, int64_t now)
{
    const lg_model *m = r->model;
    bool spare = (double)(m->hedges + 1) <= m->hedge_budget * (double)m->hedge_calls;
    if (!spare || !lg__lane_is_idle(s, r->lane) || !lg__ledger_spares(s, r))
        return false;

    lg_request ask = *r; /* for what it would take; r's own part stays as it is */
    int64_t until = lg__rate_wait(&ask, now);
    r->guess = ask.guess;
    return until <= now && !lg__ledger_late(s, now);
}

lg_request *lg__sched_straggler(lg_sched *s, int64_t *due)
{
    int64_t now = lg__clock_now(s->clock);
    *due = INT64_MAX;
    for (lg_request *r = s->flight.head; r; r = r->next) {
        if (r->state != LG_REQ_SENT || !(r->attempt && r->attempt->load) || !is_hedgeable(r))
            continue;

        int64_t us = patience_us(r), at = r->sent_us + us;
        if (us >= 0 && at <= now && has_room(s, r, now))
            return r;

        at = us >= 0 && at > now ? at : now + LOOK_AGAIN_US;
        *due = at < *due ? at : *due;
    }
    return NULL;
}

/* ---- its life -------------------------------------------------------------- */

static lg_request *twin_of(lg_sched *s, const lg_request *r)
{
    lg_request *t = lg__mem_zero(s->mem, sizeof *t);
    if (!t)
        return NULL;

    t->id = r->id;
    t->kind = r->kind;
    t->model = r->model;
    t->model->refs++;
    t->keeps_thinking = r->keeps_thinking;
    memcpy(t->key, r->key, sizeof t->key);
    lg__bytes_init(&t->url, s->mem, LG_BYTES_MAX);
    lg__bytes_init(&t->headers, s->mem, LG_BYTES_MAX);
    lg__bytes_init(&t->body, s->mem, LG_BYTES_MAX);
    lg__reply_init(&t->reply);
    t->options = r->options; /* in r's block */
    t->n_options = r->n_options;
    t->worst_tokens = r->worst_tokens;
    t->worst_micros = r->worst_micros;
    t->guess = r->guess;
    t->lane = r->lane;
    return t;
}

lg_request *lg__sched_hedge(lg_sched *s, lg_request *r)
{
    int64_t now = lg__clock_now(s->clock);
    lg_request *t = twin_of(s, r);
    if (!t)
        return NULL;

    r->hedges++;
    t->attempts = ++r->attempts; /* its number; r's own has been noted */
    t->is_twin = t->second = true;
    t->twin = r;
    r->twin = t;
    lg__sched_adopt(s, t, LG_REQ_SENT);
    t->sent_us = now;
    t->seq = ++s->seq;
    lg_request ask = *r;
    lg__rate_wait(&ask, now); /* what it needs */
    memcpy(t->needs, ask.needs, sizeof t->needs);
    lg__ledger_reserve(s, t);
    lg__rate_take(t, now);
    lg__lane_started(t->lane, t);
    lg__window_note(&s->window, now, false);
    s->stats.attempts++;
    s->stats.retries++;
    s->stats.hedged++;
    r->model->hedges++;
    return t;
}

void lg__sched_swap(lg_request *r, lg_request *twin)
{
    lg_request was = *r;
    r->attempt = twin->attempt;
    r->second = twin->second;
    r->reserved = twin->reserved;
    r->taken = twin->taken;
    r->sent_us = twin->sent_us;
    r->seq = twin->seq;
    memcpy(r->needs, twin->needs, sizeof r->needs);
    memcpy(r->marks, twin->marks, sizeof r->marks);
    twin->attempt = was.attempt;
    twin->second = was.second;
    twin->reserved = was.reserved;
    twin->taken = was.taken;
    twin->sent_us = was.sent_us;
    twin->seq = was.seq;
    memcpy(twin->needs, was.needs, sizeof twin->needs);
    memcpy(twin->marks, was.marks, sizeof twin->marks);
    if (r->attempt)
        r->attempt->request = r;

    if (twin->attempt)
        twin->attempt->request = twin;
}

bool lg__sched_is_good(lg_sched *s, lg_attempt *a)
{
    lg__sched_hear(s, a);
    bool good = a->request->reply.fail.code == LG_OK;
    lg__reply_free(&a->request->reply);
    return good;
}

void lg__sched_lose(lg_sched *s, lg_attempt *a)
{
    lg_request *twin = a->request;
    lg__sched_hear(s, a);
    lg__sched_settle(s, a);
    s->stats.ambiguous += twin->reply.fail.ambiguous ? 1 : 0;
    a->request = NULL;
    lg__sched_part(twin);
    lg__sched_drop(s, twin);
}

/* It would have taken longer: without it the quantile would sink and sink. */
void lg__sched_cancel_twin(lg_sched *s, lg_request *twin)
{
    if (twin->model->hedge_percentile > 0)
        lg__times_note(s, twin->lane, lg__clock_now(s->clock) - twin->sent_us);

    lg__sched_part(twin);
    lg__sched_cancel(s, twin);
}
