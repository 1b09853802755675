/* test_var.c - leaves: texts, roles, versions, scores, records, watches.
 * How computed variables settle is test_graph.c's. */
#include "../scripted.h"

#include <math.h>

#include "graph/graph.h"

/* ---- texts and roles ---------------------------------------------------- */

static void test_leaf(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *v = script_leaf(&s, "grüße", "greeting", true);
    assert_text(v, "grüße");
    assert_string_equal(lg_var_role(v), "greeting");
    assert_int_equal(lg_var_state(v), LG_READY);
    assert_int_equal(lg_var_op(v), LG_OP_LEAF);
    assert_string_equal(lg_op_name(LG_OP_LEAF), "leaf");
    assert_string_equal(lg_op_name(-1), "unknown");
    assert_string_equal(lg_op_name(LG_OPS), "unknown");
    assert_true(lg_var_grad(v));
    assert_int_equal(lg_var_inputs(v), 0);
    assert_int_equal(lg_var_example(v), -1);
    assert_null(lg_var_finish_reason(v));
    lg_usage u;
    assert_false(lg_var_usage(v, &u));
    lg_failure f;
    assert_false(lg_var_error(v, &f));
    lg_input in;
    assert_int_equal(lg_var_input(v, 0, &in), LG_ENOTFOUND);
    assert_int_equal(lg_var_cancel(v), LG_ESTATE);
    lg_var *w = script_leaf(&s, "", "", false);
    assert_true(lg_var_id(w) > lg_var_id(v));
    assert_text(w, "");
    script_end(&s);
}

static void test_not_utf8(void **state)
{
    (void)state;
    script s;
    lg_var *v = NULL;
    script_start(&s);
    assert_int_equal(lg_var_new(s.e, "ab\xff", 3, "r", false, &v), LG_EUTF8);
    assert_non_null(strstr(lg_engine_errmsg(s.e), "byte 3"));
    assert_int_equal(lg_var_new(s.e, "ab", 2, "\xc0\x80", false, &v), LG_EUTF8);
    assert_null(v);
    v = script_leaf(&s, "a", "r", false);
    assert_int_equal(lg_var_set(v, "\xed\xa0\x80", 3), LG_EUTF8);
    assert_int_equal(lg_var_set_role(v, "\xff"), LG_EUTF8);
    assert_int_equal(lg_var_set_role(v, NULL), LG_EUTF8);
    assert_int_equal(lg_var_add_feedback(v, "\xff", 1), LG_EUTF8);
    assert_text(v, "a");
    assert_string_equal(lg_var_role(v), "r");
    assert_int_equal(lg_var_feedbacks(v), 0);
    assert_int_equal(lg_var_set(v, "a\0b", 3), 0); /* NUL is a character like others */
    size_t len;
    assert_memory_equal(lg_var_text(v, &len), "a\0b", 4);
    assert_int_equal(len, 3);
    script_end(&s);
}

static void test_roles_are_shared_and_own(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *a = script_leaf(&s, "1", "same role", false);
    lg_var *b = script_leaf(&s, "2", "same role", false);
    assert_ptr_equal(lg_var_role(a), lg_var_role(b)); /* one copy of equal roles */
    assert_int_equal(lg_var_set_role(a, "another"), 0);
    assert_string_equal(lg_var_role(a), "another");
    assert_string_equal(lg_var_role(b), "same role");
    for (int i = 0; i < 1000; i++) { /* more than are kept */
        char role[20];
        snprintf(role, sizeof role, "role %d", i);
        lg_var *v = script_leaf(&s, "x", role, false);
        assert_string_equal(lg_var_role(v), role);
        lg_var_unref(v);
    }
    assert_string_equal(lg_var_role(a), "another");
    script_end(&s);
}

static void test_score(void **state)
{
    (void)state;
    script s;
    double score = 5, target = 5;
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "r", false);
    assert_false(lg_var_score(v, &score, &target));
    assert_int_equal(lg_var_set_score(v, (double)NAN, 1), LG_EINVAL);
    assert_int_equal(lg_var_set_score(v, 1, (double)NAN), LG_EINVAL);
    assert_false(lg_var_score(v, NULL, NULL));
    assert_int_equal(lg_var_set_score(v, 0.25, 1), 0);
    assert_true(lg_var_score(v, &score, &target));
    assert_true(score == 0.25 && target == 1);
    assert_int_equal(lg_var_set_example(v, 12), 0);
    assert_int_equal(lg_var_example(v), 12);
    script_end(&s);
}

static void test_number_text(void **state)
{
    static const struct {
        double x;
        const char *want;
    } cases[] = {{0, "0"},          {-1.5, "-1.5"},        {1e300, "1e+300"},
                 {0.1, "0.1"},      {1.25e-7, "1.25e-07"}, {(double)INFINITY, "inf"},
                 {100000, "100000"}};
    char buf[40];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(lg__number_text(buf, sizeof buf, cases[i].x), cases[i].want);
}

/* ---- versions ----------------------------------------------------------- */

static void assert_version(const lg_var *v, size_t i, const char *want)
{
    size_t len;
    const char *text = lg_var_version(v, i, &len);
    assert_non_null(text);
    assert_bytes(text, len, want);
}

static void test_versions(void **state)
{
    (void)state;
    script s;
    char text[20];
    script_start(&s);
    lg_var *v = script_leaf(&s, "v0", "r", true);
    assert_int_equal(lg_var_versions(v), 1);
    assert_version(v, 0, "v0");
    for (int i = 1; i <= 9; i++) {
        snprintf(text, sizeof text, "v%d", i);
        assert_int_equal(lg_var_set(v, text, strlen(text)), 0);
    }
    assert_int_equal(lg_var_versions(v), 10);
    for (size_t i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "v%zu", i);
        assert_version(v, i, text);
    }
    assert_null(lg_var_version(v, 10, NULL));
    assert_int_equal(lg_var_rollback(v, 10), LG_ENOTFOUND);
    assert_int_equal(lg_var_rollback(v, 9), 0); /* where it is */
    assert_int_equal(lg_var_versions(v), 10);
    assert_int_equal(lg_var_rollback(v, 3), 0);
    assert_text(v, "v3");
    assert_int_equal(lg_var_versions(v), 4);
    assert_int_equal(lg_var_set(v, "new", 3), 0);
    assert_version(v, 3, "v3");
    assert_version(v, 4, "new");
    assert_int_equal(lg_var_rollback(v, 0), 0);
    assert_text(v, "v0");
    assert_int_equal(lg_var_versions(v), 1);
    script_end(&s);
}

static void test_set_and_rollback_of_pending_and_failed(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "r", false);
    lg_var *t = script_tool_call(&s, s.tool, x, "result");
    assert_int_equal(lg_var_set(t, "no", 2), LG_ESTATE);
    assert_int_equal(lg_var_versions(t), 0);
    assert_int_equal(lg_var_rollback(t, 0), LG_ENOTFOUND);
    assert_null(lg_var_text(t, NULL));
    lg_var_cancel(t);
    script_take(&s);
    assert_int_equal(lg_var_state(t), LG_CANCELLED);
    assert_int_equal(lg_var_set(t, "by hand", 7), 0); /* a person fills the hole */
    assert_int_equal(lg_var_state(t), LG_READY);
    lg_failure f;
    assert_false(lg_var_error(t, &f));
    assert_text(t, "by hand");
    assert_int_equal(lg_var_versions(t), 1);
    script_end(&s);
}

/* ---- watches ------------------------------------------------------------ */

static void test_watch(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "r", false);
    assert_int_equal(lg_var_watch(x, 11), 0); /* terminal already */
    assert_int_equal(lg_engine_timeout(s.e), 0);
    const lg_event *ev = lg_engine_next(s.e);
    assert_int_equal(ev->type, LG_EVENT_VAR);
    assert_int_equal(ev->tag, 11);
    assert_int_equal(ev->id, lg_var_id(x));
    assert_ptr_equal(ev->var, x);
    assert_null(lg_engine_next(s.e));

    lg_var *t = script_tool_call(&s, s.tool, x, "result");
    lg_var_watch(t, 12);
    lg_var_watch(t, 13);
    uint64_t id = lg_var_id(t);
    lg_var_unref(t); /* nobody holds it, yet the events come */
    assert_true(script_run(&s));
    assert_int_equal(s.n_vars, 2);
    assert_int_equal(s.last_tag, 13);
    assert_true(id > 0);
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES + 1); /* and x */
    script_end(&s);
}

/* ---- records ------------------------------------------------------------ */

static void test_feedback_by_hand(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "r", true);
    assert_int_equal(lg_var_add_feedback(v, "shorter", 7), 0);
    assert_int_equal(lg_var_add_feedback(v, "", 0), 0);
    assert_int_equal(lg_var_feedbacks(v), 2);
    assert_int_equal(lg_var_feedback(v, 0, &f), 0);
    assert_int_equal(f.state, LG_FB_TEXT);
    assert_bytes(f.text, f.len, "shorter");
    assert_int_equal(f.from, 0);
    assert_string_equal(f.from_role, "");
    assert_null(f.var);
    assert_null(f.conversation);
    assert_int_equal(f.n_sources, 0);
    assert_int_equal(lg_var_feedback(v, 1, &f), 0);
    assert_int_equal(f.state, LG_FB_EMPTY);
    assert_int_equal(lg_var_feedback(v, 2, &f), LG_ENOTFOUND);
    assert_int_equal(lg_var_feedback_source(v, 0, 0, &f), LG_ENOTFOUND);
    assert_int_equal(lg_var_feedback_source(v, 9, 0, &f), LG_ENOTFOUND);
    assert_int_equal(lg_var_zero_grad(v), 0);
    assert_int_equal(lg_var_feedbacks(v), 0);
    script_end(&s);
}

static lg_record *record_of(lg_var *v, uint64_t root, const char *text)
{
    lg_record *r = lg__record_new(v->graph->mem, LG_FB_TEXT);
    r->root = root;
    r->from = 1;
    r->text = lg__text_new(v->graph->mem, text, strlen(text));
    return r;
}

/* Whatever pass ends first, its records stand in the order of the roots. */
static void test_records_stand_in_order_of_roots(void **state)
{
    (void)state;
    script s;
    char all[100] = "";
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "r", true);
    lg__var_add_records(v, record_of(v, 30, "30a"), 30);
    lg__var_add_records(v, NULL, 30);
    lg__var_add_records(v, record_of(v, 10, "10"), 10);
    lg_var_add_feedback(v, "hand", 4);
    lg__var_add_records(v, record_of(v, 20, "20"), 20);
    lg__var_add_records(v, record_of(v, 30, "30b"), 30);
    for (size_t i = 0; i < lg_var_feedbacks(v); i++) {
        strcat(all, script_said(v, i));
        strcat(all, " ");
    }
    assert_string_equal(all, "10 20 30a hand 30b ");
    lg__var_drop_records(v, true, 30);
    assert_int_equal(lg_var_feedbacks(v), 3);
    lg__var_drop_records(v, false, 0);
    assert_int_equal(lg_var_feedbacks(v), 1);
    assert_string_equal(script_said(v, 0), "hand");
    script_end(&s);
}

/* Sources of sources of …: freeing them must not recurse. */
static void test_deep_sources(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "r", true);
    lg_record *r = NULL;
    for (int i = 0; i < 200000; i++) {
        lg_record *outer = lg__record_new(v->graph->mem, LG_FB_EMPTY);
        outer->sources = r;
        r = outer;
    }
    lg__var_add_records(v, r, 1);
    lg_var_zero_grad(v);
    assert_int_equal(lg_var_feedbacks(v), 0);
    script_end(&s);
}

static void test_set_grad(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "r", false);
    lg_var *plain = script_tool_call(&s, s.tool, x, "a");
    assert_int_equal(lg_var_set_grad(x, true), 0);
    lg_var *grad = script_tool_call(&s, s.tool, x, "b");
    assert_false(lg_var_grad(plain)); /* as it was made */
    assert_true(lg_var_grad(grad));
    assert_int_equal(lg_var_set_grad(grad, false), 0); /* feedback ends there: test_aims.c */
    assert_false(lg_var_grad(grad));
    assert_int_equal(lg_var_set_grad(plain, true), 0);
    assert_true(lg_var_grad(plain));
    assert_int_equal(lg_var_set_grad(x, false), 0);
    assert_false(lg_var_grad(x));
    script_end(&s);
}

/* ---- memory ------------------------------------------------------------- */

static int oom_leaves(support_heap *h, void *ctx)
{
    (void)ctx;
    script s;
    lg_config cfg;
    lg_var *v = NULL;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    if (!err)
        err = lg_var_new(s.e, "v0", 2, "role", true, &v);
    for (int i = 0; !err && i < 6; i++)
        err = lg_var_set(v, "more", 4);
    if (v)
        assert_true(lg_var_versions(v) >= 1);
    if (!err)
        err = lg_var_add_feedback(v, "said", 4);
    if (!err)
        err = lg_var_watch(v, 1);
    if (!err)
        err = lg_var_set_role(v, "another role");
    if (!err)
        err = lg_var_rollback(v, 2);
    if (v)
        lg_var_unref(v);
    if (s.e) {
        while (lg_engine_next(s.e))
            continue;
    }
    script_end(&s);
    return err;
}

static void test_oom_leaves(void **state)
{
    (void)state;
    oom_sweep(oom_leaves, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_leaf),
    cmocka_unit_test(test_not_utf8),
    cmocka_unit_test(test_roles_are_shared_and_own),
    cmocka_unit_test(test_score),
    cmocka_unit_test(test_number_text),
    cmocka_unit_test(test_versions),
    cmocka_unit_test(test_set_and_rollback_of_pending_and_failed),
    cmocka_unit_test(test_watch),
    cmocka_unit_test(test_feedback_by_hand),
    cmocka_unit_test(test_records_stand_in_order_of_roots),
    cmocka_unit_test(test_deep_sources),
    cmocka_unit_test(test_set_grad),
    cmocka_unit_test(test_oom_leaves),
};
LG_TEST_MAIN(tests)
