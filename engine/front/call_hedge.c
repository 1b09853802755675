/* call_hedge.c - stragglers: the same request on the wire a second time.
 *
 * The twin (sched_hedge.c) holds the second attempt: its transfer, its entry in the books.
 * Whichever attempt turns out to be the call's is moved to the request, the other to the
 * twin, which ends there: cancelled when a good reply came, noted when it failed first.
 * So a request goes on after that as if it had been sent once. With a store the second
 * intent is written before it leaves, like any other. Called by engine.c. */
#include "front/front_internal.h"

/* ---- sending --------------------------------------------------------------- */

void lg__hedge_sent(lg_engine *e, const lg_request *r)
{
    int64_t late = lg__sched_late(r);
    e->hedge_due = late < e->hedge_due ? late : e->hedge_due;
}

/* false: there is no memory, or no store to write its intent to. */
static bool hedge(lg_engine *e, lg_request *r)
{
    lg_request *t = lg__sched_hedge(e->sched, r);
    if (!t) {
        return false;
    }
    if (!e->store) {
        lg__engine_send(e, t);
        return true;
    }
    bool noted = lg__turn_pick_twin(e, t);
    if (!noted) {
        lg__sched_withdraw(e->sched, t);
    }
    return noted;
}

/* What could not be begun is not tried again soon: the first attempt is still there. */
void lg__hedge_look(lg_engine *e)
{
    enum { REST_US = 1000000 };
    lg_request *r = NULL;
    int64_t now = e->hedge_due == INT64_MAX ? 0 : lg__clock_now(&e->clock);
    if (e->hedge_due > now) {
        return;
    }
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

static void swap(lg_engine *e, lg_request *r, lg_request *t)
{
    lg__sched_swap(r, t);
    if (e->store) {
        lg__turn_swap(r, t);
    }
    if (r->transfer) {
        lg__http_give(r->transfer, r);
    }
    if (t->transfer) {
        lg__http_give(t->transfer, t);
    }
}

static void note(lg_engine *e, lg_request *t, lg_http_done *d)
{
    lg_fail said;
    lg_paid paid;
    if (e->store) {
        lg__turn_lost(e, t, d);
        return;
    }
    lg__sched_lose(e->sched, t, d, &said, &paid);
    lg__fail_free(&said);
    lg__http_done_free(d);
}

/* One that did not leave yet stays for the turn, which finds that nobody wants it. */
void lg__hedge_cancel(lg_engine *e, lg_request *r)
{
    lg_request *t = r->twin;
    if (!t->transfer) {
        lg__sched_part(t);
        return;
    }
    lg__http_cancel(t->transfer);
    t->transfer = NULL;
    if (e->store) {
        lg__turn_cancelled(e, t);
    }
    lg__sched_cancel_twin(e->sched, t);
}

lg_request *lg__hedge_ended(lg_engine *e, lg_request *ended, lg_http_done *d)
{
    lg_request *r = ended->is_twin ? ended->twin : ended, *t = r->twin;
    if (ended == r && !t->transfer) {
        lg__hedge_cancel(e, r);
        return r;
    }
    bool good = lg__sched_is_good(e->sched, ended, d);
    if (good != (ended == r)) {
        swap(e, r, t);
    }
    if (!good) {
        note(e, t, d);
        return NULL;
    }
    lg__hedge_cancel(e, r);
    return r;
}
