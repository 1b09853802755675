/* test_promise.c - values that the host makes of variables it did not know: kept, broken,
 * cancelled; what a backward pass does with an open one; memory that runs short. */
#include "../scripted.h"

#include "graph/graph.h"

static lg_var *promise(script *s, lg_var *lead)
{
    lg_var *v = NULL;
    lg_promise_new(s->e, &lead, 1, "promise", &v);
    return v;
}

static void keep(lg_var *v, lg_var *from)
{
    assert_int_equal(lg_promise_keep(v, from, NULL, 0), 0);
}

static void test_kept(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", false);
    lg_var *v = promise(&s, p), *later = script_call(&s, NULL, v, "later", -1);
    lg_input in;
    assert_true(lg_var_grad(v));
    assert_string_equal(lg_op_name(lg_var_op(v)), "promise");
    assert_false(script_run(&s));
    assert_null(lg_var_finish_reason(v));
    lg_var *call = script_call(&s, p, q, "answer", -1);
    keep(v, call);
    assert_int_equal(lg_var_state(v), LG_PENDING);
    assert_true(script_run(&s));
    assert_text(v, lg_var_text(call, NULL));
    assert_string_equal(lg_var_finish_reason(v), "stop");
    assert_int_equal(lg_var_state(later), LG_READY);
    assert_int_equal(lg_var_inputs(v), 2);
    assert_int_equal(lg_var_input(v, 0, &in), 0);
    assert_null(in.var); /* what might have led to it is forgotten */
    assert_int_equal(lg_var_input(v, 1, &in), 0);
    assert_ptr_equal(in.var, call);
    script_end(&s);
}

static void test_kept_with_a_text_and_a_score(void **state)
{
    (void)state;
    script s;
    double score = 0, target = 0;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *v = promise(&s, p), *w = promise(&s, p);
    lg_var *pending = script_call(&s, NULL, p, "answer", -1);
    lg_var_set_score(p, 0.5, 1);
    assert_int_equal(lg_promise_keep(v, pending, "x", 1), LG_ESTATE);
    assert_int_equal(lg_promise_keep(v, p, "\xff", 1), LG_EUTF8);
    assert_int_equal(lg_promise_keep(v, v, NULL, 0), LG_ECYCLE);
    assert_int_equal(lg_promise_keep(v, NULL, NULL, 0), LG_EINVAL);
    assert_int_equal(lg_promise_keep(v, p, "own words", 9), 0);
    assert_text(v, "own words");
    assert_true(lg_var_score(v, &score, &target));
    assert_true(score == 0.5 && target == 1);
    keep(w, v);
    assert_true(script_run(&s));
    assert_text(w, "own words");
    assert_int_equal(lg_promise_keep(v, p, NULL, 0), LG_ESTATE);
    assert_int_equal(lg_promise_fail(v, LG_ELIMIT, "no", NULL), LG_ESTATE);
    assert_int_equal(lg_promise_fail(p, LG_ELIMIT, "no", NULL), LG_ESTATE);
    script_end(&s);
}

static void test_broken(void **state)
{
    (void)state;
    script s;
    lg_failure why;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *v = promise(&s, p);
    lg_var *pass = script_backward(&s, script_call(&s, NULL, v, "later", -1));
    assert_int_equal(lg_promise_fail(v, LG_ELIMIT, "too many steps", "allow more"), 0);
    assert_true(lg_var_error(v, &why));
    assert_string_equal(why.hint, "allow more");
    assert_true(script_run(&s));
    assert_error(pass, LG_ELIMIT, "too many steps");
    assert_ptr_equal(lg_var_pass(p), pass);
    v = promise(&s, p);
    keep(v, script_call(&s, NULL, pass, "answer", -1)); /* of what failed */
    assert_true(script_run(&s));
    assert_error(v, LG_ELIMIT, "promise (node");
    assert_true(lg_var_error(v, &why));
    assert_string_equal(lg_var_cause(v), "too many steps");
    script_end(&s);
}

/* ---- no circles -------------------------------------------------------------- */

static void refuses(lg_var *v, lg_var *from)
{
    assert_int_equal(lg_promise_keep(v, from, NULL, 0), LG_ECYCLE);
    assert_int_equal(lg_var_state(v), LG_PENDING); /* and open: it can be kept otherwise */
}

static void test_not_kept_by_what_is_made_of_it(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *v = promise(&s, x), *all[2] = {x, v};
    lg_var *call = script_call(&s, x, v, "answer", -1), *sum = NULL, *mean = NULL;
    lg_var *tool = script_tool_call(&s, s.tool, call, "tool");
    lg_var *own = script_tool_call(&s, s.own, tool, "own"), *led = promise(&s, own);
    lg_sum(s.e, all, 2, 0, &sum);
    lg_mean(s.e, all, 2, LG_SKIP_FAILED, &mean);
    lg_var *made[] = {v, call, sum, mean, tool, own, led};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        refuses(v, made[i]);
    keep(led, own); /* the other way round is no circle */
    refuses(v, led);
    keep(v, x);
    assert_true(script_run(&s));
    assert_text(led, lg_var_text(own, NULL));
    script_end(&s);
}

static void test_two_promises_are_not_kept_by_each_other(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *a = promise(&s, x), *b = promise(&s, x), *c = promise(&s, x);
    keep(a, b);
    refuses(b, a);
    keep(b, c); /* a waits for b, b for c */
    refuses(c, a);
    refuses(c, script_call(&s, a, x, "answer", -1));
    keep(c, x);
    assert_true(script_run(&s));
    assert_text(a, "x");
    script_end(&s);
}

/* What was cancelled or failed is still what the other is made of: feedback goes that way. */
static void test_not_kept_behind_what_was_cancelled_or_failed(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *v = promise(&s, x), *mean = NULL;
    lg_var *call = script_call(&s, NULL, v, "answer", -1), *broken = promise(&s, v);
    lg_var *all[2] = {call, x};
    lg_mean(s.e, all, 2, LG_SKIP_FAILED, &mean);
    lg_var_cancel(call);
    lg_promise_fail(broken, LG_ETOOL, "no", NULL);
    script_run(&s);
    assert_int_equal(lg_var_state(mean), LG_READY);
    refuses(v, call);
    refuses(v, mean);
    refuses(v, broken);
    assert_int_equal(lg_promise_keep(v, mean, "text", 4), LG_ECYCLE);
    keep(v, x);
    assert_true(script_run(&s));
    script_end(&s);
}

static void test_not_kept_by_a_pass_that_needs_it(void **state)
{
    (void)state;
    script s;
    lg_var *sum = NULL;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *v = promise(&s, x), *words = promise(&s, x);
    lg_var *loss[2] = {script_call(&s, x, v, "loss", 0), script_call(&s, x, x, "loss", 1)};
    lg_sum(s.e, loss, 2, 0, &sum);
    assert_int_equal(lg_template_set(s.e, "objective", words), 0);
    lg_var *pass = script_backward(&s, sum), *of_pass = script_call(&s, NULL, pass, "a", -1);
    refuses(v, pass);
    refuses(v, of_pass);
    refuses(words, pass); /* it asks with them */
    assert_int_equal(lg_template_set(s.e, "critic.base", of_pass), LG_ECYCLE);
    keep(words, x);
    keep(v, x);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(lg_template_set(s.e, "critic.base", of_pass), 0); /* it is over */
    script_end(&s);
}

/* Built behind the front door's back: the pass itself must not take harm either. */
static void test_a_pass_through_a_circle_is_refused(void **state)
{
    (void)state;
    script s;
    lg_backward b;
    lg_var *pass = NULL;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *v = promise(&s, x);
    lg_var *call = script_call(&s, NULL, v, "answer", -1);
    lg_backward_init(&b);
    b.model = s.model;
    assert_int_equal(lg__promise_keep(v->node, call, NULL), 0);
    assert_int_equal(lg_backward_start(s.e, v, &b, &pass), LG_ECYCLE);
    assert_int_equal(lg_backward_start(s.e, call, &b, &pass), LG_ECYCLE);
    lg_engine_cancel(s.e);
    script_run(&s);
    script_end(&s);
}

/* A cancelled promise that is gone has no say any more in who else needs its leads. */
static void test_what_is_held_outlives_cancelled_promises_and_nodes(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false), *held = script_call(&s, NULL, x, "held", -1);
    lg_var *v = promise(&s, held), *call = script_call(&s, NULL, held, "other", -1);
    assert_int_equal(lg_var_cancel(v), 0);
    lg_engine_step(s.e, 0);
    lg_var_unref(v);
    assert_int_equal(lg_var_cancel(call), 0);
    assert_int_equal(lg_var_state(held), LG_PENDING);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(held), LG_READY);
    script_end(&s);
}

/* Each look must end where nothing open is behind: a walk to the first would take minutes. */
static void test_a_long_chain_of_promises_is_kept_in_no_time(void **state)
{
    (void)state;
    enum { LINKS = 20000 };
    script s;
    script_start(&s);
    lg_var *last = script_leaf(&s, "x", "x", false);
    for (int i = 0; i < LINKS; i++) {
        lg_var *v = promise(&s, last), *all[1] = {last}, *sum = NULL;
        assert_int_equal(lg_sum(s.e, all, 1, 0, &sum), 0);
        keep(v, sum); /* which is pending: nothing has run yet */
        lg_var_unref(sum);
        lg_var_unref(last);
        last = v;
    }
    lg_var *first = promise(&s, last);
    refuses(first, first);
    keep(first, last);
    assert_true(script_run(&s));
    assert_text(first, "x");
    script_end(&s);
}

/* The plan is made when the root has settled; until then the leaves know of the pass. */
static void test_backward_through_an_open_promise(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", false);
    lg_var *v = promise(&s, p), *other = script_call(&s, p, q, "other", -1);
    lg_var *loss[2] = {script_call(&s, NULL, v, "loss", 0), script_call(&s, NULL, other, "l", 1)};
    lg_var *sum = NULL;
    assert_int_equal(lg_sum(s.e, loss, 2, 0, &sum), 0);
    lg_var *pass = script_backward(&s, sum);
    assert_ptr_equal(lg_var_pass(p), pass);
    assert_false(script_run(&s));
    assert_int_equal(lg_var_feedbacks(p), 0);
    lg_var *turn = script_call(&s, p, q, "turn", -1);
    lg_var *tool = script_tool_call(&s, s.tool, turn, "tool");
    lg_var *final = script_call(&s, p, tool, "final", -1);
    keep(v, final);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_null(lg_var_pass(p));
    assert_int_equal(lg_var_feedbacks(p), 3); /* of turn, final and other */
    assert_int_equal(lg_var_feedbacks(v), 1);
    assert_int_equal(lg_var_feedbacks(tool), 1);
    assert_int_equal(script_asked(&s, "TOOLCHAIN"), 1);
    script_end(&s);
}

static void test_cancelled(void **state)
{
    (void)state;
    support_heap h;
    lg_config cfg;
    script s;
    support_heap_init(&h);
    support_config(&cfg, &h);
    assert_int_equal(script_try(&s, &cfg), 0);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    for (int when = 0; when < 4; when++) {
        lg_var *v = promise(&s, p), *call = NULL;
        lg_var *later = script_call(&s, NULL, v, "later", -1);
        lg_var *pass = script_backward(&s, later);
        if (when & 1)
            assert_int_equal(lg_var_cancel(pass), 0);
        if (when & 2) {
            call = script_call(&s, NULL, p, "answer", when);
            keep(v, call);
        }
        lg_var_cancel(v);
        assert_int_equal(lg_promise_keep(v, p, NULL, 0), LG_ESTATE);
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(later), LG_CANCELLED);
        lg_var_zero_grad(p);
        lg_var_unref(v);
        lg_var_unref(call);
        lg_var_unref(later);
        lg_var_unref(pass);
    }
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES + 1); /* and p */
    lg_var *open = script_backward(&s, script_call(&s, NULL, promise(&s, p), "later", -1));
    assert_non_null(open);
    script_end(&s); /* with an open promise and a pass that waits for it */
    assert_heap_empty(&h);
}

/* One that settles whatever happens; feedback is complete or the pass failed. */
static int short_of_memory(support_heap *h, void *ctx)
{
    lg_config cfg;
    script s;
    (void)ctx;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    lg_var *p = NULL, *v = NULL;
    if (!err)
        err = lg_var_new(s.e, "prompt", 6, "p", true, &p);
    if (!err)
        err = lg_promise_new(s.e, &p, 1, "promise", &v);
    if (!err) {
        lg_var *loss = script_call(&s, NULL, v, "loss", -1);
        lg_var *pass = loss ? script_backward(&s, loss) : NULL;
        lg_var *call = script_call(&s, NULL, p, "answer", -1);
        if (!call || lg_promise_keep(v, call, NULL, 0))
            lg_promise_fail(v, LG_ENOMEM, NULL, NULL);
        script_run(&s);
        assert_int_not_equal(lg_var_state(v), LG_PENDING);
        if (!pass || lg_var_state(pass) != LG_READY)
            err = LG_ENOMEM;
        else
            assert_int_equal(lg_var_feedbacks(p), 1);
        lg_var_unref(call);
        lg_var_unref(pass);
        lg_var_unref(loss);
    }
    lg_var_unref(v);
    lg_var_unref(p);
    script_end(&s);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(short_of_memory, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_kept),
    cmocka_unit_test(test_kept_with_a_text_and_a_score),
    cmocka_unit_test(test_broken),
    cmocka_unit_test(test_backward_through_an_open_promise),
    cmocka_unit_test(test_cancelled),
    cmocka_unit_test(test_oom),
    cmocka_unit_test(test_not_kept_by_what_is_made_of_it),
    cmocka_unit_test(test_two_promises_are_not_kept_by_each_other),
    cmocka_unit_test(test_not_kept_behind_what_was_cancelled_or_failed),
    cmocka_unit_test(test_not_kept_by_a_pass_that_needs_it),
    cmocka_unit_test(test_a_pass_through_a_circle_is_refused),
    cmocka_unit_test(test_what_is_held_outlives_cancelled_promises_and_nodes),
    cmocka_unit_test(test_a_long_chain_of_promises_is_kept_in_no_time),
};
LG_TEST_MAIN(tests)
