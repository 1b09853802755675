/* test_call_reply.c - what a host says of a model's reply: counts of tokens at their ends, and
 * what was thought before it. */
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

static const char *thinking_of(const lg_var *v)
{
    size_t len;
    const char *s = lg_var_thinking(v, &len);
    assert_int_equal(len, s ? strlen(s) : 0);
    assert_ptr_equal(lg_var_thinking(v, NULL), s);
    return s ? s : "";
}

static void test_thinking(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *c = script_call(&s, NULL, x, "c", -1);
    script_take(&s);
    assert_string_equal(thinking_of(x), "");
    assert_string_equal(thinking_of(c), ""); /* still asked for */
    assert_int_equal(lg_call_reply(s.e, s.works[0].id, "<think>hm", 9, "length", NULL), LG_OK);
    script_drop(&s, 0);
    assert_true(script_run(&s));
    assert_string_equal(thinking_of(c), "hm");
    assert_string_equal(lg_var_text(c, NULL), "");
    assert_string_equal(lg_var_finish_reason(c), "length");
    assert_int_equal(lg_var_set(c, "by hand", 7), LG_OK);
    assert_string_equal(thinking_of(c), "hm"); /* of the answer that it was made with */
    lg_var_unref(c);
    lg_var_unref(x);
    script_end(&s);
}

static int think(support_heap *h, void *ctx)
{
    script s;
    lg_config cfg;
    lg_var *x = NULL, *c = NULL;
    (void)ctx;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    if (!err && !(err = lg_var_new(s.e, "x", 1, "x", false, &x)))
        c = script_call(&s, NULL, x, "c", -1);

    if (c)
        script_take(&s);
    if (c && s.n_works > 0) {
        lg_call_reply(s.e, s.works[0].id, "<think>hm</think>4", 18, NULL, NULL);
        script_drop(&s, 0);
        assert_true(script_run(&s));
    }
    if (c && lg_var_state(c) == LG_READY) {
        assert_string_equal(lg_var_text(c, NULL), "4");
        assert_string_equal(thinking_of(c), "hm");
    } else {
        err = err ? err : LG_ENOMEM;
    }
    if (c)
        lg_var_unref(c);
    if (x)
        lg_var_unref(x);
    script_end(&s);
    return err;
}

static void test_thinking_oom(void **state)
{
    (void)state;
    oom_sweep(think, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negative_counts_are_refused),
        cmocka_unit_test(test_the_largest_counts_stay_in_range),
        cmocka_unit_test(test_thinking),
        cmocka_unit_test(test_thinking_oom),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
