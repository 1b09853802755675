/* test_plan.c - the reverse plan: who takes part, in which order, with which slots. */
#include "../scripted.h"

#include "graph/plan.h"

static lg_var *concat(script *s, lg_var *a, lg_var *b)
{
    lg_var *v = NULL;
    assert_int_equal(lg_concat(s->e, (lg_var *[]){a, b}, b ? 2 : 1, "k", &v), 0);
    return v;
}

static void build(lg_plan *p, lg_var *root)
{
    assert_int_equal(lg__plan_build(p, root->graph, root), 0);
}

static void test_one_leaf(void **state)
{
    (void)state;
    script s;
    lg_plan p;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true);
    build(&p, x);
    assert_int_equal(p.n_steps, 1);
    assert_int_equal(p.n_slots, 0);
    assert_int_equal(p.n_links, 0);
    assert_ptr_equal(p.steps[0].var, x);
    assert_int_equal(p.steps[0].n_missing, 0);
    lg__plan_free(&p, x->graph);
    script_end(&s);
}

/* root = c(a, x, a); a = b(x, y), y takes no feedback. */
static void test_slots(void **state)
{
    (void)state;
    script s;
    lg_plan p;
    lg_var *root = NULL;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true), *y = script_leaf(&s, "y", "y", false);
    lg_var *a = concat(&s, x, y);
    lg_concat(s.e, (lg_var *[]){a, x, a}, 3, "root", &root);
    build(&p, root);
    assert_int_equal(p.n_steps, 3);
    assert_ptr_equal(p.steps[0].var, root);
    assert_ptr_equal(p.steps[1].var, a);
    assert_ptr_equal(p.steps[2].var, x);
    assert_int_equal(p.n_links, 5);
    assert_int_equal(p.n_slots, 4);
    assert_int_equal(p.steps[0].n_missing, 0);
    assert_int_equal(p.steps[1].n_missing, 2);
    assert_int_equal(p.steps[2].n_missing, 2);
    const uint32_t *of_root = p.links + p.steps[0].first_link;
    const uint32_t *of_a = p.links + p.steps[1].first_link;
    assert_int_equal(of_root[0], p.steps[1].first_slot);
    assert_int_equal(of_root[2], p.steps[1].first_slot + 1);
    assert_int_equal(of_root[1], p.steps[2].first_slot); /* the root is before a */
    assert_int_equal(of_a[0], p.steps[2].first_slot + 1);
    assert_int_equal(of_a[1], LG_NO_SLOT);
    for (size_t i = 0; i < p.n_slots; i++)
        assert_int_equal(p.slots[i].step, i < 2 ? 1 : 2);
    assert_int_equal(x->mark | y->mark | a->mark | root->mark, 0); /* the scratch is clean */
    lg__plan_free(&p, root->graph);
    assert_int_equal(p.n_steps, 0);
    assert_true(script_run(&s));
    script_end(&s);
}

static void test_nothing_trainable(void **state)
{
    (void)state;
    script s;
    lg_plan p;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *root = concat(&s, concat(&s, x, x), x);
    build(&p, root);
    assert_int_equal(p.n_steps, 1);
    assert_int_equal(p.n_slots, 0);
    lg__plan_free(&p, root->graph);
    script_end(&s);
}

/* 2^60 paths, 61 steps. */
static void test_ladder(void **state)
{
    (void)state;
    script s;
    lg_plan p;
    script_start(&s);
    lg_var *v = script_leaf(&s, "", "x", true);
    for (int i = 0; i < 60; i++)
        v = concat(&s, v, v);
    build(&p, v);
    assert_int_equal(p.n_steps, 61);
    assert_int_equal(p.n_slots, 120);
    for (size_t i = 1; i < p.n_steps; i++)
        assert_int_equal(p.steps[i].n_missing, 2);
    lg__plan_free(&p, v->graph);
    script_end(&s);
}

/* The plan holds what it plans. */
static void test_counts(void **state)
{
    (void)state;
    script s;
    lg_plan p;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true);
    lg_var *root = concat(&s, x, NULL);
    assert_true(script_run(&s));
    lg_graph *g = root->graph;
    build(&p, root);
    lg_var_unref(root);
    lg_var_unref(x);
    assert_ptr_equal(p.steps[0].var->node->edges[0].var, p.steps[1].var);
    assert_int_equal(script_stats(&s).vars_live, 2 + SCRIPT_TEMPLATES);
    lg__plan_free(&p, g);
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES);
    script_end(&s);
}

static int oom_plan(support_heap *h, void *ctx)
{
    (void)ctx;
    script s;
    lg_config cfg;
    lg_plan p;
    lg_var *v = NULL;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    if (!err)
        err = lg_var_new(s.e, "x", 1, "x", true, &v);
    for (int i = 0; !err && i < 150; i++) {
        lg_var *next = NULL;
        err = lg_concat(s.e, &v, 1, "k", &next);
        lg_var_unref(v);
        v = next;
    }
    if (!err)
        err = lg__plan_build(&p, v->graph, v);
    if (!err) {
        assert_int_equal(p.n_steps, 151);
        lg__plan_free(&p, v->graph);
    }
    script_end(&s);
    return err;
}

static void test_oom_plan(void **state)
{
    (void)state;
    oom_sweep(oom_plan, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_leaf),
    cmocka_unit_test(test_slots),
    cmocka_unit_test(test_nothing_trainable),
    cmocka_unit_test(test_ladder),
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_oom_plan),
};
LG_TEST_MAIN(tests)
