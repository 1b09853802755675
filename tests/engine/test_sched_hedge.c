/* test_sched_hedge.c - which calls are late, who may be asked twice, and the books of it. */
#include "sched_fixture.h"

#include "sched/sched_internal.h"

enum { AFTER_MS = 100, LATE = AFTER_MS * 1000 };

static void hedging(fixture *f, int64_t after_ms, int percentile, double budget)
{
    f->model->hedge_after_us = after_ms * 1000;
    f->model->hedge_percentile = percentile;
    f->model->hedge_budget = budget;
}

/* On the wire, as the engine would have it. */
static lg_request *send(fixture *f, const char *text)
{
    submit(f, text);
    lg_request *r = lg__sched_next(f->s);
    assert_non_null(r);
    assert_int_equal(r->state, LG_REQ_SENT);
    r->attempt = &f->wire;
    return r;
}

static lg_request *straggler(fixture *f)
{
    int64_t due;
    return lg__sched_straggler(f->s, &due);
}

static void good(fixture *f, lg_request *r)
{
    assert_int_equal(answer(f, r, 200, GOOD("A")), LG_REQ_DONE);
    lg__sched_release(f->s, r);
}

static void test_late(void **state)
{
    (void)state;
    fixture f;
    int64_t due;
    fixture_start(&f, NULL);
    hedging(&f, AFTER_MS, 0, 1);
    lg_request *a = send(&f, "a");
    int64_t sent = lg__clock_now(&f.clock);
    assert_int_equal(lg__sched_late(a), sent + LATE);
    assert_null(lg__sched_straggler(f.s, &due));
    assert_int_equal(due, sent + LATE);
    advance(&f, LATE - 1);
    assert_null(straggler(&f));
    advance(&f, 1);
    assert_ptr_equal(straggler(&f), a);
    lg_request *t = lg__sched_hedge(f.s, a);
    assert_int_equal(stats_of(&f).in_flight, 2);
    assert_null(lg__sched_straggler(f.s, &due)); /* no third */
    assert_int_equal(due, INT64_MAX);
    assert_int_equal(lg__sched_late(a), INT64_MAX);
    assert_int_equal(lg__sched_late(t), INT64_MAX);
    lg__sched_cancel_twin(f.s, t);
    assert_null(a->twin);
    good(&f, a);
    fixture_end(&f);
}

static void test_off(void **state)
{
    (void)state;
    fixture f;
    int64_t due;
    fixture_start(&f, NULL);
    lg_request *a = send(&f, "a");
    advance(&f, 1000 * SECOND);
    assert_int_equal(lg__sched_late(a), INT64_MAX);
    assert_null(lg__sched_straggler(f.s, &due));
    assert_int_equal(due, INT64_MAX);
    hedging(&f, AFTER_MS, 0, 1);
    a->stream = true; /* it is watched */
    assert_null(lg__sched_straggler(f.s, &due));
    assert_int_equal(due, INT64_MAX);
    a->stream = false;
    assert_ptr_equal(straggler(&f), a);
    fixture_end(&f);
}

static void test_percentile(void **state)
{
    (void)state;
    fixture f;
    char text[16];
    fixture_start(&f, NULL);
    hedging(&f, 0, 95, 1);
    for (int i = 1; i <= 20; i++) {
        snprintf(text, sizeof text, "%d", i);
        lg_request *r = send(&f, text);
        advance(&f, i * 10000);
        assert_null(straggler(&f)); /* too little is known */
        good(&f, r);
    }
    lg_request *late = send(&f, "late");
    assert_int_equal(lg__sched_late(late), lg__clock_now(&f.clock) + 190000); /* the 19th of 20 */
    advance(&f, 190000);
    lg_request *t = lg__sched_hedge(f.s, straggler(&f));
    assert_non_null(t);
    lg__sched_swap(late, t);
    lg__sched_cancel_twin(f.s, t); /* it took so long at least */
    good(&f, late);
    assert_int_equal(stats_of(&f).hedges_won, 1);
    fixture_end(&f);
}

/* 200 calls that are all late: never more than 5% are asked twice, at no time. */
static void test_budget(void **state)
{
    (void)state;
    fixture f;
    char text[16];
    fixture_start(&f, NULL);
    hedging(&f, AFTER_MS, 0, 0.05);
    for (unsigned i = 1; i <= 200; i++) {
        snprintf(text, sizeof text, "%u", i);
        lg_request *r = send(&f, text);
        advance(&f, LATE);
        lg_request *late = straggler(&f);
        if (late)
            lg__sched_cancel_twin(f.s, lg__sched_hedge(f.s, late));

        assert_int_equal(stats_of(&f).hedged, i / 20);
        good(&f, r);
    }
    lg_stats s = stats_of(&f);
    assert_int_equal(s.attempts, 210);
    assert_int_equal(s.ambiguous, 10);
    assert_int_equal(s.calls, 200);
    fixture_end(&f);
}

static void no_room(const lg_sched_config *cfg, int concurrency)
{
    fixture f;
    fixture_start(&f, cfg);
    hedging(&f, AFTER_MS, 0, 1);
    f.model->concurrency = concurrency;
    lg_request *a = send(&f, "a");
    advance(&f, LATE);
    assert_null(straggler(&f));
    assert_int_equal(stats_of(&f).cap, LG_CAP_NONE); /* nothing was reached by that */
    good(&f, a);
    fixture_end(&f);
}

static void test_no_room(void **state)
{
    (void)state;
    no_room(&(lg_sched_config){.max_calls = 1}, 0);
    no_room(&(lg_sched_config){.max_tokens = 50}, 0); /* one worst case is 34 */
    no_room(NULL, 1);
    no_room(&(lg_sched_config){.concurrency = 1}, 0);
}

/* Who waits goes first; so do refusals, and the minute's allowance counts both. */
static void test_governor(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 2});
    hedging(&f, AFTER_MS, 0, 1);
    lg_request *a = send(&f, "a"), *b = send(&f, "b");
    submit(&f, "c");
    advance(&f, LATE);
    assert_null(straggler(&f)); /* full */
    good(&f, b);
    assert_null(straggler(&f)); /* "c" waits */
    lg_request *c = lg__sched_next(f.s);
    c->attempt = &f.wire;
    good(&f, c);
    a->lane->allowances[LG_LIMIT_REQUESTS].stated = 3;
    assert_null(straggler(&f)); /* not in this minute */
    a->lane->allowances[LG_LIMIT_REQUESTS].stated = 0;
    a->lane->endpoint->is_down = true;
    assert_null(straggler(&f));
    a->lane->endpoint->is_down = false;
    assert_ptr_equal(straggler(&f), a);
    good(&f, a);
    fixture_end(&f);
}

/* Both worst cases are set aside; what comes of each is booked once. */
static void test_books(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    hedging(&f, AFTER_MS, 0, 1);
    f.model->price_input = f.model->price_output = 1000000;
    lg_request *a = send(&f, "a");
    uint64_t one = stats_of(&f).reserved_tokens;
    advance(&f, LATE);
    lg_request *t = lg__sched_hedge(f.s, straggler(&f));
    assert_int_equal(stats_of(&f).reserved_tokens, 2 * one);
    assert_int_equal(a->lane->allowances[LG_LIMIT_REQUESTS].sum, 2);
    lg__sched_swap(a, t); /* the first failed first */
    lg_attempt d = ended(&f, t, 200, "{\"choices\":[],\"usage\":{\"prompt_tokens\":7}}");
    assert_false(lg__sched_is_good(f.s, &d));
    lg__sched_lose(f.s, &d);
    assert_null(d.request);
    assert_int_equal(d.usage.input, 7);
    lg__attempt_free(&d);
    assert_int_equal(stats_of(&f).reserved_tokens, one);
    good(&f, a);
    lg_stats s = stats_of(&f);
    assert_int_equal(s.reserved_tokens, 0);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.attempts, 2);
    assert_int_equal(s.hedges_won, 1);
    fixture_end(&f);
}

/* A hedge is no try: the call has as many as without. Its numbers go on behind it. */
static void test_tries(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 2});
    hedging(&f, AFTER_MS, 0, 1);
    lg_request *a = send(&f, "a");
    a->lane->endpoint->answered = true;
    advance(&f, LATE);
    lg_request *t = lg__sched_hedge(f.s, straggler(&f));
    assert_int_equal(t->attempts, 2);
    lg__sched_withdraw(f.s, t); /* it never left */
    assert_null(a->twin);
    assert_int_equal(stats_of(&f).hedged, 0);
    assert_int_equal(stats_of(&f).attempts, 1);
    assert_int_equal(f.model->hedges, 0);
    assert_int_equal(answer(&f, a, 500, ""), LG_REQ_BACKOFF);
    advance_to_due(&f);
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_int_equal(a->attempts, 3);
    assert_int_equal(answer(&f, a, 500, ""), LG_REQ_FAILED);
    assert_part(lg__fail_message(&a->reply.fail), "gave up after 2 tries");
    fixture_end(&f);
}

static int faulty_life(support_heap *h, void *ctx)
{
    fixture f;
    (void)ctx;
    memset(&f, 0, sizeof f);
    support_mem_on(&f.mem, h);
    int err = fixture_start_on(&f, &(lg_sched_config){.max_attempts = 1});
    lg_request *r = err ? NULL : make(&f, f.model, "a"), *a = r ? lg__sched_submit(f.s, r) : NULL;
    if (r && !a)
        lg__request_free(&f.mem, r);

    if (a && (a = lg__sched_next(f.s)) && a->state == LG_REQ_SENT) {
        hedging(&f, AFTER_MS, 95, 1);
        a->attempt = &f.wire;
        advance(&f, LATE);
        lg_request *t = lg__sched_hedge(f.s, a);
        lg_attempt d = ended(&f, t ? t : a, 200, GOOD("A"));
        if (t && lg__sched_is_good(f.s, &d)) {
            lg__sched_swap(a, t);
            lg__sched_cancel_twin(f.s, t);
        } else if (t) {
            lg__sched_lose(f.s, &d);
        }
        assert_null(a->twin);
        d.request = a;
        finish_attempt(&f, &d);
        lg__sched_release(f.s, a);
    }
    err = err || !a || h->faults ? LG_ENOMEM : 0;
    lg__sched_free(f.s);
    lg__model_destroy(f.model);
    lg__log_free(&f.log);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(faulty_life, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_late),       cmocka_unit_test(test_off),
    cmocka_unit_test(test_percentile), cmocka_unit_test(test_budget),
    cmocka_unit_test(test_no_room),    cmocka_unit_test(test_governor),
    cmocka_unit_test(test_books),      cmocka_unit_test(test_tries),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
