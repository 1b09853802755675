/* call_hedge.c - stragglers: the same request on the wire a second time.
 *
 * The twin (sched_hedge.c) holds the second attempt.
 * Whichever attempt turns out to be the call's is moved to the request, the other to the
 * twin, which ends there: cancelled when a good reply came, noted when it failed first.
 * So a request goes on after that as if it had been sent once. With a store the second
 * intent is written before it leaves, like any other. */
#include "front/front_internal.h"

/* ---- sending --------------------------------------------------------------- */

/* false: there is no memory, or no store to write its intent to. */
static bool hedge(lg_engine *e, lg_request *r)
{
    lg_request *t = lg__sched_hedge(e->sched, r);
    bool gone = t && lg__call_go_twin(e, t);
    if (t && !gone)
        lg__sched_withdraw(e->sched, t);

    return gone;
}

/* What could not be begun is not tried again soon: the first attempt is still there. */
void lg__hedge_look(lg_engine *e)
{
    enum { REST_US = 1000000 };
    lg_request *r = NULL;
    int64_t now = e->hedge_due == INT64_MAX ? 0 : lg__clock_now(&e->clock);
    if (e->hedge_due > now || e->leaving.head) /* none of these is to be sent again */
        return;

    if (e->draining) {
        e->hedge_due = INT64_MAX; /* nothing more is bought */
        return;
    }
    do {
        r = lg__sched_straggler(e->sched, &e->hedge_due);
    } while (r && hedge(e, r));
    e->hedge_due = r ? now + REST_US : e->hedge_due;
}

/* ---- ending ---------------------------------------------------------------- */

/* One that did not leave yet stays for the turn, which finds that nobody wants it. */
void lg__hedge_cancel(lg_engine *e, lg_request *r)
{
    lg_request *t = r->twin;
    lg_attempt *a = t->attempt;
    if (!a || !a->load) {
        lg__sched_part(t);
        return;
    }
    a->carrier->cancel(e, a);
    lg__turn_cancelled(e, t);
    lg__sched_cancel_twin(e->sched, t);
}

lg_request *lg__hedge_ended(lg_engine *e, lg_attempt *a)
{
    bool first = !a->request->is_twin;
    lg_request *r = first ? a->request : a->request->twin, *t = r->twin;
    if (first && !(t->attempt && t->attempt->load)) {
        lg__hedge_cancel(e, r);
        return r;
    }
    bool good = lg__sched_is_good(e->sched, a);
    if (good != first)
        lg__sched_swap(r, t);

    if (!good) {
        lg__turn_lost(e, t);
        return NULL;
    }
    lg__hedge_cancel(e, r);
    return r;
}
