/* test_call_reply.c - what a host says of a model's reply: counts of tokens at their ends. */
#include "../scripted.h"

static uint64_t ask(script *s, lg_var *x, const char *role)
{
    script_call(s, NULL, x, role, -1);
    script_take(s);
    assert_int_equal(s->n_works, 1);
    uint64_t id = s->works[0].id;
    script_drop(s, 0);
    return id;
}

/* Nothing changes: the call still waits for its reply. */
static void test_negative_counts_are_refused(void **state)
{
    (void)state;
    static const lg_usage bad[] = {
        {.input = -1},         {.cached = -1},    {.cache_write = -1},
        {.output = INT64_MIN}, {.reasoning = -7},
    };
    script s;
    script_start(&s);
    uint64_t id = ask(&s, script_leaf(&s, "x", "x", false), "c");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lg_call_reply(s.e, id, "a", 1, NULL, &bad[i]), LG_EINVAL);
        assert_int_equal(script_stats(&s).host_running, 1);
    }
    assert_int_equal(lg_call_reply(s.e, id, "a", 1, NULL, &(lg_usage){.input = 1}), LG_OK);
    assert_int_equal(script_stats(&s).usage[LG_FORWARD].input, 1);
    assert_true(script_run(&s));
    script_end(&s);
}

/* The sanitizers look at the sums. */
static void test_the_largest_counts_stay_in_range(void **state)
{
    (void)state;
    const lg_usage most = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    script s;
    script_start(&s);
    for (int i = 0; i < 5; i++) {
        char q[16];
        snprintf(q, sizeof q, "q%d", i);
        uint64_t id = ask(&s, script_leaf(&s, q, "x", false), "c");
        assert_int_equal(lg_call_reply(s.e, id, "a", 1, "stop", &most), LG_OK);
        assert_true(script_run(&s));
    }
    lg_usage sum = script_stats(&s).usage[LG_FORWARD];
    assert_true(sum.input > 0 && sum.input == sum.output && sum.input == sum.reasoning);
    script_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negative_counts_are_refused),
        cmocka_unit_test(test_the_largest_counts_stay_in_range),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
