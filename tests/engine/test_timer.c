/* test_timer.c - timers: their order, the virtual and the real clock, cancelling from any
 * place of the heap, a host whose own work waits for one, memory that runs short. */
#include <time.h>

#include "../scripted.h"

static lg_var *timer(lg_engine *e, int64_t after_us)
{
    lg_var *v = NULL;
    assert_int_equal(lg_timer_new(e, after_us, NULL, &v), 0);
    return v;
}

static lg_stats stats_of(lg_engine *e)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(e, &s);
    return s;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_becomes_ready_in_its_time(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    int64_t start = lg_engine_now(e);
    size_t len = 1;
    lg_var *v = timer(e, 5000000), *named = NULL;
    assert_string_equal(lg_var_role(v), "timer");
    assert_string_equal(lg_op_name(lg_var_op(v)), "timer");
    assert_int_equal(stats_of(e).timers, 1);
    assert_int_equal(lg_var_state(v), LG_PENDING);
    assert_int_equal(lg_engine_step(e, 0), 0);
    assert_int_equal(lg_var_state(v), LG_READY);
    assert_string_equal(lg_var_text(v, &len), "");
    assert_int_equal(len, 0);
    assert_int_equal(lg_engine_now(e) - start, 5000000);
    assert_int_equal(stats_of(e).timers, 0);
    assert_int_equal(lg_timer_new(e, 1, "\xff", &named), LG_EUTF8);
    assert_int_equal(lg_timer_new(e, -7, "at once", &named), 0);
    assert_int_equal(lg_engine_step(e, 0), 0);
    assert_int_equal(lg_var_state(named), LG_READY);
    assert_int_equal(lg_engine_now(e) - start, 5000000);
    lg_var_unref(timer(e, INT64_MAX)); /* no overflow: it is never due, and goes with the engine */
    assert_int_equal(lg_engine_step(e, 0), 0);
    lg_var_unref(named);
    lg_var_unref(v);
    lg_engine_free(e);
}

/* Thousands at once, a third cancelled at random: the others in the order of their times,
 * and of their creation where these are equal. */
static void test_many_in_order(void **state)
{
    (void)state;
    enum { N = 3000 };
    static lg_var *v[N];
    static int64_t after[N];
    lg_engine *e = support_engine_new(NULL);
    uint64_t random = 7;
    const lg_event *ev;
    size_t n = 0, last = N;
    for (size_t i = 0; i < N; i++) {
        after[i] = (int64_t)(support_random(&random) % 500) * 1000 + 1000;
        v[i] = timer(e, after[i]);
        assert_int_equal(lg_var_watch(v[i], i), 0);
    }
    for (size_t i = 0; i < N / 3; i++) {
        size_t k = support_random(&random) % N;
        if (lg_var_state(v[k]) == LG_PENDING) {
            lg_var_unwatch(v[k], k);
            assert_int_equal(lg_var_cancel(v[k]), 0);
            n++;
        }
    }
    assert_null(lg_engine_next(e)); /* cancelled ones leave the heap, and none is watched */
    assert_int_equal(stats_of(e).timers, N - n);
    while (stats_of(e).timers > 0) {
        assert_int_equal(lg_engine_step(e, 0), 0);
        while ((ev = lg_engine_next(e))) {
            size_t i = (size_t)ev->tag;
            assert_int_equal(lg_var_state(ev->var), LG_READY);
            if (last < N)
                assert_true(after[last] < after[i] || (after[last] == after[i] && last < i));
            last = i;
            n++;
        }
    }
    assert_int_equal(n, N);
    for (size_t i = 0; i < N; i++)
        lg_var_unref(v[i]);
    assert_int_equal(stats_of(e).vars_live, 0);
    lg_engine_free(e);
}

static void test_on_the_real_clock(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD();
    lg_config cfg;
    support_config(&cfg, NULL);
    cfg.virtual_clock = false;
    lg_engine *e = support_engine_new(&cfg);
    double start = seconds();
    lg_var *v = timer(e, 20000), *far = timer(e, INT64_C(3600000000));
    lg_var_watch(v, 1);
    assert_int_equal(lg_engine_step(e, 0), 0);
    int ms = lg_engine_timeout(e);
    assert_true(ms > 0 && ms <= 20);
    assert_int_equal(lg_engine_wait(e, -1), 0);
    assert_true(seconds() - start >= 0.02);
    assert_int_equal(lg_var_state(v), LG_READY);
    assert_non_null(lg_engine_next(e));
    assert_true(lg_engine_timeout(e) > 3000000);
    assert_int_equal(lg_var_cancel(far), 0);
    assert_int_equal(lg_engine_step(e, 0), 0);
    assert_int_equal(lg_engine_timeout(e), -1);
    lg_var_unref(far);
    lg_var_unref(v);
    lg_engine_free(e);
}

/* A tool that sleeps is work of the host: step() does not jump, it might compute; wait() says
 * that the host has nothing to do but wait. */
static void test_a_host_that_waits(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *t = script_tool_call(&s, s.tool, script_leaf(&s, "x", "x", false), "t");
    lg_engine_step(s.e, 0);
    uint64_t id = lg_engine_next(s.e)->id;
    lg_var *v = timer(s.e, 1000000);
    int64_t start = lg_engine_now(s.e);
    assert_int_equal(lg_engine_step(s.e, 0), 0);
    assert_int_equal(lg_engine_wait(s.e, 0), 0);
    assert_int_equal(lg_var_state(v), LG_PENDING);
    lg_var_watch(v, 3);
    assert_int_equal(lg_engine_wait(s.e, 60000), 0);
    assert_int_equal(lg_engine_now(s.e) - start, 1000000);
    const lg_event *ev = lg_engine_next(s.e);
    assert_int_equal(ev->type, LG_EVENT_VAR);
    assert_int_equal(ev->tag, 3);
    lg_tool_return(s.e, id, "1", 1, NULL, 0);
    assert_text(t, "1");
    lg_var_unref(v);
    script_end(&s);
}

static void test_wanted(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *v = timer(s.e, 1000), *next = NULL;
    assert_false(lg_var_wanted(v));
    lg_var_watch(v, 1);
    lg_var_watch(v, 2);
    assert_true(lg_var_wanted(v));
    lg_var_unwatch(v, 1);
    lg_var_unwatch(v, 9);
    assert_true(lg_var_wanted(v));
    lg_var_unwatch(v, 2);
    assert_false(lg_var_wanted(v));
    assert_int_equal(lg_concat(s.e, &v, 1, "k", &next), 0);
    assert_true(lg_var_wanted(v));
    lg_var_cancel(next);
    assert_false(lg_var_wanted(v));
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(v), LG_READY);
    assert_false(lg_var_wanted(v));
    assert_int_equal(s.n_vars, 0);
    lg_var_unref(v);
    lg_var_unref(next);
    script_end(&s);
}

/* Twenty timers, so that the heap grows; every second is cancelled. */
static int short_of_memory(support_heap *h, void *ctx)
{
    (void)ctx;
    lg_config cfg;
    lg_engine *e = NULL;
    lg_var *v[20] = {NULL};
    support_config(&cfg, h);
    int err = lg_engine_new(&cfg, &e);
    for (size_t i = 0; !err && i < 20; i++)
        err = lg_timer_new(e, (int64_t)(20 - i) * 1000, "t", &v[i]);
    for (size_t i = 0; i < 20; i += 2) {
        if (v[i])
            lg_var_cancel(v[i]);
    }
    if (e)
        assert_int_equal(lg_engine_step(e, 0), 0);
    for (size_t i = 0; i < 20; i++) {
        if (v[i]) /* those that were made end, whatever happens */
            assert_int_equal(lg_var_state(v[i]), i % 2 ? LG_READY : LG_CANCELLED);
        lg_var_unref(v[i]);
    }
    lg_engine_free(e);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(short_of_memory, NULL);
}

/* With timers under way, some cancelled and not yet dropped. */
static void test_freed_with_its_engine(void **state)
{
    (void)state;
    support_heap h;
    lg_config cfg;
    support_heap_init(&h);
    support_config(&cfg, &h);
    lg_engine *e = support_engine_new(&cfg);
    for (int i = 0; i < 40; i++) {
        lg_var *v = timer(e, 1000000 * i);
        if (i % 3 == 0)
            lg_var_cancel(v);
        lg_var_unref(v);
    }
    lg_engine_free(e);
    assert_heap_empty(&h);
}

/* Time has an end, some 146 000 years away. There timers are due at once, and what waits a
 * while after it can still be told. */
static void test_no_time_overflows(void **state)
{
    (void)state;
    static const int64_t after[] = {INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, INT64_MIN, 1};
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
            lg_var *v = timer(s.e, after[i]), *call = script_call(&s, NULL, x, "answer", round);
            assert_true(script_run(&s));
            assert_int_equal(lg_var_state(v), LG_READY);
            assert_int_equal(lg_var_state(call), LG_READY);
        }
    }
    assert_true(lg_engine_now(s.e) == INT64_MAX / 2);
    assert_int_equal(lg_engine_step(s.e, INT64_MAX), 0);
    assert_int_equal(lg_engine_step(s.e, INT64_MIN), 0);
    assert_int_equal(lg_engine_wait(s.e, INT32_MIN), 0); /* nothing is pending */
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_becomes_ready_in_its_time),
    cmocka_unit_test(test_many_in_order),
    cmocka_unit_test(test_on_the_real_clock),
    cmocka_unit_test(test_a_host_that_waits),
    cmocka_unit_test(test_wanted),
    cmocka_unit_test(test_oom),
    cmocka_unit_test(test_freed_with_its_engine),
    cmocka_unit_test(test_no_time_overflows),
};
LG_TEST_MAIN(tests)
