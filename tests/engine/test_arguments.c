/* test_arguments.c - what public functions answer to arguments that cannot be: pointers that
 * are NULL, lengths and counts that are no number of things, times beyond the end. The fuzz
 * (tests/fuzz/api_fuzz.c) calls all of them; here stand the answers. */
#include "../scripted.h"

static void test_null_where_something_is_needed(void **state)
{
    (void)state;
    script s;
    lg_call c;
    lg_message m = {"user", NULL};
    lg_backward b;
    const char *x = "x";
    lg_var *v = NULL;
    script_start(&s);
    lg_var *leaf = script_leaf(&s, "x", "x", true), *all[1] = {leaf};
    lg_call_init(&c);
    lg_backward_init(&b);
    m.var = leaf;
    c.messages = &m;
    c.n_messages = 1;
    assert_int_equal(lg_engine_new(NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_var_new(s.e, "x", 1, "x", false, NULL), LG_EINVAL);
    assert_int_equal(lg_var_new(s.e, NULL, 1, "x", false, &v), LG_EINVAL);
    assert_int_equal(lg_var_new_media(s.e, NULL, NULL, 9, "x", false, &v), LG_EINVAL);
    assert_int_equal(lg_call_model(s.e, s.model, NULL, &v), LG_EINVAL);
    assert_int_equal(lg_call_model(s.e, s.model, &c, NULL), LG_EINVAL);
    m.role = NULL;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    c.messages = NULL;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    assert_int_equal(lg_format(s.e, NULL, &x, all, 1, "x", false, &v), LG_EINVAL);
    assert_int_equal(lg_format(s.e, leaf, NULL, all, 1, "x", false, &v), LG_EINVAL);
    assert_int_equal(lg_concat(s.e, NULL, 1, "x", &v), LG_EINVAL);
    assert_int_equal(lg_sum(s.e, all, 1, 0, NULL), LG_EINVAL);
    assert_int_equal(lg_tool_new(s.e, "x", NULL, false, 0, NULL), LG_EINVAL);
    assert_int_equal(lg_tool_call(s.e, s.tool, &x, NULL, 1, "x", &v), LG_EINVAL);
    assert_int_equal(lg_promise_new(s.e, NULL, 1, "x", &v), LG_EINVAL);
    assert_int_equal(lg_timer_new(s.e, 0, "x", NULL), LG_EINVAL);
    assert_int_equal(lg_model_new(s.e, NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_backward_start(s.e, NULL, NULL, &v), LG_EINVAL);
    assert_int_equal(lg_backward_start(s.e, leaf, &b, NULL), LG_EINVAL);
    assert_int_equal(lg_template_get(s.e, NULL, &v), LG_EINVAL);
    assert_int_equal(lg_template_get(s.e, "objective", NULL), 0);
    assert_int_equal(lg_var_dot(leaf, false, NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_var_set(leaf, NULL, 1), LG_EINVAL);
    assert_int_equal(lg_var_add_feedback(leaf, NULL, 1), LG_EINVAL);
    assert_null(v);
    lg_engine_stats(s.e, NULL);
    script_end(&s);
}

static void test_counts_and_lengths_that_cannot_be(void **state)
{
    (void)state;
    script s;
    lg_call c;
    lg_model_config m;
    lg_model *model = NULL;
    lg_var *v = NULL;
    script_start(&s);
    lg_var *leaf = script_leaf(&s, "x", "x", true), *all[1] = {leaf};
    lg_message one = {"user", leaf};
    assert_int_equal(lg_var_new(s.e, "x", SIZE_MAX, "x", false, &v), LG_ELIMIT);
    assert_int_equal(lg_var_set(leaf, "x", SIZE_MAX), LG_ELIMIT);
    assert_int_equal(lg_concat(s.e, all, SIZE_MAX, "x", &v), LG_ELIMIT);
    assert_int_equal(lg_format(s.e, leaf, NULL, all, SIZE_MAX, "x", false, &v), LG_ELIMIT);
    assert_int_equal(lg_promise_new(s.e, all, SIZE_MAX, "x", &v), LG_ELIMIT);
    assert_int_equal(lg_mean(s.e, all, (size_t)-2, 0, &v), LG_ELIMIT);
    lg_call_init(&c);
    c.messages = &one;
    c.n_messages = SIZE_MAX;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_ELIMIT);
    c.n_messages = 1;
    c.n_options = 1;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    lg_model_config_init(&m);
    m.dialect = "host";
    m.name = "host/x";
    m.n_headers = SIZE_MAX;
    assert_int_equal(lg_model_new(s.e, &m, &model), LG_EINVAL);
    m.n_headers = 0;
    m.n_fallbacks = 1;
    assert_int_equal(lg_model_new(s.e, &m, &model), LG_EINVAL);
    m.size = 0;
    assert_int_equal(lg_model_new(s.e, &m, &model), LG_EINVAL);
    script_end(&s);
}

/* The work stays to be answered. */
static void test_answers_that_cannot_be(void **state)
{
    (void)state;
    script s;
    lg_usage bad[] = {{-1, 0, 0, 0, 0}, {1, 0, 0, -1, 0}, {0, 0, 0, 0, INT64_MIN}};
    lg_usage good = {INT64_C(1) << 40, 0, 0, INT64_C(1) << 40, 0};
    script_start(&s);
    lg_var *leaf = script_leaf(&s, "x", "x", true), *call = script_call(&s, NULL, leaf, "a", -1);
    lg_engine_step(s.e, 0);
    uint64_t next = lg_var_id(call) + 1; /* the work's, which no event has told yet */
    assert_int_equal(lg_call_reply(s.e, next, "x", 1, NULL, NULL), LG_ENOTFOUND);
    script_take(&s);
    uint64_t id = s.works[0].id;
    assert_int_equal(lg_call_view(s.e, id, NULL), LG_EINVAL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lg_call_reply(s.e, id, "x", 1, "stop", &bad[i]), LG_EINVAL);
    assert_int_equal(lg_call_reply(s.e, id, NULL, 1, "stop", NULL), LG_EINVAL);
    assert_int_equal(lg_call_reply(s.e, id, "x", SIZE_MAX, "stop", NULL), LG_ELIMIT);
    assert_int_equal(lg_call_reply(s.e, id, "x", 1, "stop", &good), 0);
    lg_engine_step(s.e, 0);
    assert_text(call, "x");
    assert_true(script_stats(&s).usage[LG_FORWARD].input == good.input);
    script_end(&s);
}

static void test_a_run_ends_in_a_known_way(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    assert_int_equal(lg_run_end(s.e, NULL), LG_ESTATE); /* there is no store */
    script_end(&s);
}

static void test_pure_functions_of_nothing(void **state)
{
    (void)state;
    assert_int_equal(lg_utf8_check(NULL, 0), -1);
    assert_int_equal(lg_utf8_check(NULL, 3), 0);
    assert_int_equal(lg_token_estimate(NULL, 3), 0);
    assert_int_equal(lg_tag_last(NULL, 3, "x", NULL, NULL), 0);
    assert_int_equal(lg_tag_last("<x>a</x>", 8, "x", NULL, NULL), 1);
    lg_config_init(NULL);
    lg_call_init(NULL);
    lg_backward_init(NULL);
    lg_model_config_init(NULL);
}

/* What is set by hand on a node whose input failed has had no input to speak of. */
static void test_no_feedback_for_what_was_never_seen(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *v = NULL;
    assert_int_equal(lg_promise_new(s.e, &x, 1, "promise", &v), 0);
    lg_var *call = script_call(&s, NULL, v, "answer", -1);
    lg_promise_fail(v, LG_ETOOL, "no", NULL);
    lg_engine_step(s.e, 0);
    assert_int_equal(lg_var_set(call, "by hand", 7), 0);
    lg_var *pass = script_backward(&s, call);
    assert_true(script_run(&s));
    assert_error(pass, LG_ETOOL, "no");
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_null_where_something_is_needed),
    cmocka_unit_test(test_counts_and_lengths_that_cannot_be),
    cmocka_unit_test(test_answers_that_cannot_be),
    cmocka_unit_test(test_a_run_ends_in_a_known_way),
    cmocka_unit_test(test_pure_functions_of_nothing),
    cmocka_unit_test(test_no_feedback_for_what_was_never_seen),
};
LG_TEST_MAIN(tests)
