/* sched_flow.c - how many calls at once, and when none: what replies tell of a server's
 * state.
 *
 * A lane begins with 16 in flight (or all that the user states, or as many as an earlier run
 * found to hold: sched_width.c) and has one more for each reply, or all there may be once the
 * server's headers say how many requests it takes, until it refuses (429, 503, 529): then half,
 * once a round trip, and from there on one more a round trip. A server's Retry-After stops the
 * lane; so do three refusals in a row, for a time that doubles, and behind it one call tries
 * alone.
 *
 * An endpoint that failed eight times and ten seconds in a row is down: nothing starts for
 * 5 s, then one call tries, and so on, at last every two minutes. After ten minutes all
 * who are in line fail with it. */
#include "sched/sched_internal.h"

enum { REFUSALS = 3, PROBES = 3, FAILURES = 8 };
static const int64_t SECOND_US = 1000000;
static const int64_t PAUSE_US = 250000, PAUSE_MOST_US = 8000000;
static const int64_t FAILING_US = 10000000, DOWN_US = 5000000, DOWN_MOST_US = 120000000;
static const int64_t HOPELESS_US = 600000000;

enum { NOTHING = 0, ALIVE, REFUSED, FAILED }; /* what an end tells of the server */

void lg__flow_refuse_line(lg_sched *s, const lg_request *r, bool of_model)
{
    lg_endpoint *ep = r->lane->endpoint;
    lg__fail_copy(&ep->refusal, &r->reply.fail);
    ep->refused_up_to = s->newest;
    ep->refused_model = of_model ? r->model : NULL;
    lg__endpoint_release(s, ep);
}

static bool is_refusal_status(int status)
{
    return status == 429 || status == 503 || status == 529 || status == 498;
}

static int tells(const lg_request *r)
{
    const lg_fail *f = &r->reply.fail;
    switch (f->code) {
    case LG_ERATE:
        return REFUSED;
    case LG_EOVERLOAD:
        return is_refusal_status(f->http_status) || f->http_status < 400 ? REFUSED : FAILED;
    case LG_ERESOLVE:
    case LG_ECONNECT:
    case LG_ETIMEOUT:
    case LG_ERESET:
        return FAILED;
    case LG_ENOMEM:
    case LG_EINVAL:
    case LG_ETLS:
    case LG_ETRUNCATED:
        return NOTHING;
    default:
        return ALIVE;
    }
}

static int64_t doubled(int64_t us, int times, int64_t longest)
{
    for (; times > 0 && us < longest; times--)
        us *= 2;

    return us < longest ? us : longest;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- a lane ---------------------------------------------------------------- */

/* Half of what is really in flight: the window may be far above it. */
static void cut(lg_sched *s, lg_lane *l)
{
    double flying = l->in_flight;
    double half = (flying < l->window ? flying : l->window) / 2;
    double least = lg__width_least(l);
    l->window = half > least ? half : least;
    l->slow_start = false;
    l->cut_seq = s->seq;
    lg__width_cut(s, l);
}

static void pause_lane(lg_sched *s, lg_lane *l, const lg_request *r, int64_t now)
{
    int64_t ms = r->reply.fail.retry_after_ms;
    if (ms > 0 && ms <= LG_PATIENCE_MS) {
        l->pause_us = later(l->pause_us, now + ms * 1000);
        lg__rate_silence(l);
    }
    if (l->refusals >= REFUSALS && r->seq > l->pause_seq) {
        l->pause_us = later(l->pause_us, now + doubled(PAUSE_US, l->pauses, PAUSE_MOST_US));
        l->pauses++;
        l->pause_seq = s->seq;
        l->probing = true;
        lg__rate_silence(l);
    }
}

static void refused(lg_sched *s, lg_request *r, int64_t now)
{
    lg_lane *l = r->lane;
    bool full = l->probe == r && l->pauses >= PROBES;
    l->refusals++;
    lg__rate_refund(r, now);
    if (r->seq > l->cut_seq) {
        cut(s, l);
        if (r->reply.fail.code == LG_ERATE)
            lg__rate_refused(l, now, full);
    }
    pause_lane(s, l, r, now);
}

/* One more for each reply, or for each round trip, while as many are really used; all at once
 * where the server's allowance is known, which spreads them. */
static void widen(const lg_sched *s, lg_lane *l, uint64_t seq)
{
    int limit = lg__endpoint_limit(s, l->endpoint);
    if (l->window >= limit)
        return;

    if (lg__width_is_spread(l))
        l->window = limit;
    else if (seq <= l->full_seq)
        l->window += lg__width_step(l);
}

static void taken(lg_sched *s, lg_request *r, int64_t now)
{
    lg_lane *l = r->lane;
    l->refusals = 0;
    if (l->probing && r->seq > l->pause_seq) {
        l->probing = false;
        l->pauses = 0;
        l->pause_us = 0;
    }
    widen(s, l, r->seq);
    lg__width_held(s, l, r->seq);
    lg__rate_grow(l, now);
}

/* ---- an endpoint ------------------------------------------------------------- */

static void log_down(const lg_sched *s, const lg_request *r, int64_t now)
{
    const lg_endpoint *ep = r->lane->endpoint;
    if (s->log) {
        lg__log_line(s->log, LG_LOG_WARN,
                     "%s: %d failures in a row in %lld s; its server is left alone for %lld s "
                     "(the last: %s)",
                     r->model->name, ep->failures, (long long)((now - ep->failing_us) / SECOND_US),
                     (long long)(DOWN_US / SECOND_US), lg__fail_message(&r->reply.fail));
    }
}

static void shut(lg_sched *s, lg_endpoint *ep, int64_t now)
{
    ep->is_down = true;
    ep->down_us = now + doubled(DOWN_US, ep->downs, DOWN_MOST_US);
    ep->down_seq = s->seq;
    ep->downs++;
}

static void open_again(lg_sched *s, lg_request *r, int64_t now, bool answers)
{
    lg_endpoint *ep = r->lane->endpoint;
    if (ep->is_down && s->log) {
        lg__log_line(s->log, LG_LOG_WARN,
                     answers ? "%s: its server answers again, after %lld s"
                             : "%s: its server was down for %lld s; given up",
                     r->model->name, (long long)((now - ep->failing_us) / SECOND_US));
    }
    ep->failures = ep->downs = 0;
    ep->is_down = false;
    ep->down_us = 0;
}

static void despair(lg_sched *s, lg_request *r, int64_t now)
{
    lg_fail *f = &r->reply.fail, said;
    lg__fail_init(&said);
    lg__fail_copy(&said, f);
    lg__fail_set(f, s->mem, said.code, "nothing but failures for %lld s; the last: %s",
                 (long long)((now - r->lane->endpoint->failing_us) / SECOND_US),
                 lg__fail_message(&said));
    f->http_status = said.http_status;
    f->retryable = said.retryable;
    f->ambiguous = said.ambiguous;
    f->hint = lg__text_ref(said.hint);
    lg__fail_free(&said);
    open_again(s, r, now, false);
    lg__flow_refuse_line(s, r, false);
}

/* True: it is hopeless. */
static bool failed(lg_sched *s, lg_request *r, int64_t now)
{
    lg_endpoint *ep = r->lane->endpoint;
    if (ep->failures++ == 0)
        ep->failing_us = now;

    bool fresh = !ep->is_down || r->seq > ep->down_seq;
    if (ep->failures < FAILURES || now - ep->failing_us < FAILING_US || !fresh)
        return false;

    if (ep->is_down && now - ep->failing_us >= HOPELESS_US) {
        despair(s, r, now);
        return true;
    }
    if (!ep->is_down)
        log_down(s, r, now);

    shut(s, ep, now);
    return false;
}

bool lg__flow_ended(lg_sched *s, lg_request *r, int64_t now)
{
    int what = tells(r);
    if (what == REFUSED)
        refused(s, r, now);
    else if (what == ALIVE)
        taken(s, r, now);

    if (what == FAILED || (what == REFUSED && r->reply.fail.http_status >= 500))
        return failed(s, r, now);

    if (what == ALIVE || what == REFUSED)
        open_again(s, r, now, true);

    return false;
}
