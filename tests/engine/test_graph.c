/* test_graph.c - making, settling, failing, cancelling and freeing of nodes.
 * What the operators compute is test_op.c's. */
#include "../scripted.h"

#include "front/front_internal.h"
#include "graph/graph.h"

static lg_var *concat2(script *s, lg_var *a, lg_var *b, const char *role)
{
    lg_var *in[2] = {a, b}, *v = NULL;
    assert_int_equal(lg_concat(s->e, in, b ? 2 : 1, role, &v), 0);
    return v;
}

static lg_var *tool(script *s, lg_var *x, const char *role)
{
    return script_tool_call(s, s->tool, x, role);
}

/* ---- what a node sees --------------------------------------------------- */

static void test_sees_inputs_as_when_made(void **state)
{
    (void)state;
    script s;
    lg_input in;
    script_start(&s);
    lg_var *x = script_leaf(&s, "old", "x", true);
    lg_var *call = script_call(&s, NULL, x, "answer", -1);
    lg_var *cat = concat2(&s, x, x, "both");
    lg_var_set(x, "new", 3);
    lg_var *after = concat2(&s, x, NULL, "after");
    assert_true(script_run(&s));
    assert_text(cat, "oldold");
    assert_text(after, "new");
    assert_int_equal(script_asked(&s, "user: old"), 1);
    assert_int_equal(lg_var_input(call, 0, &in), 0);
    assert_bytes(in.text, in.len, "old");
    assert_string_equal(in.name, "user");
    assert_ptr_equal(in.var, x);
    lg_var_rollback(x, 0);
    assert_text(after, "new");
    /* … and an output that is set later is seen only by what is made later */
    lg_var_set(cat, "mended", 6);
    lg_var *then = concat2(&s, cat, NULL, "then");
    assert_true(script_run(&s));
    assert_text(then, "mended");
    assert_string_equal(lg_var_version(cat, 0, NULL), "oldold");
    script_end(&s);
}

static void test_pending_inputs(void **state)
{
    (void)state;
    script s;
    lg_input in;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *a = tool(&s, x, "a");
    lg_var *b = concat2(&s, a, x, "b");
    script_take(&s);
    assert_int_equal(lg_var_state(a), LG_PENDING);
    assert_int_equal(lg_var_state(b), LG_PENDING);
    assert_int_equal(script_stats(&s).vars_pending, 2);
    assert_int_equal(lg_var_input(b, 0, &in), 0);
    assert_null(in.text);
    assert_true(script_run(&s));
    assert_text(b, "x=xx");
    assert_int_equal(script_stats(&s).vars_pending, 0);
    script_end(&s);
}

/* Dropped at once, a node still runs: others may watch what it does. */
static void test_unheld_nodes_run_and_go(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    uint64_t before = script_stats(&s).vars_live;
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *a = tool(&s, x, "a");
    lg_var_unref(x);
    lg_var_unref(concat2(&s, a, a, "b"));
    lg_var_unref(a);
    assert_true(script_run(&s));
    assert_int_equal(s.n_tools, 1);
    assert_int_equal(script_stats(&s).vars_live, before);
    script_end(&s);
}

static void test_strangers(void **state)
{
    (void)state;
    script s, other;
    lg_var *v = NULL, *in[2];
    const char *name = "x";
    script_start(&s);
    script_start(&other);
    lg_var *mine = script_leaf(&s, "x", "x", false);
    lg_var *theirs = script_leaf(&other, "x", "x", false);
    uint64_t live = script_stats(&s).vars_live, blocks = script_stats(&s).live_blocks;
    in[0] = mine;
    in[1] = theirs;
    assert_int_equal(lg_concat(s.e, in, 2, "r", &v), LG_EINVAL);
    assert_int_equal(lg_sum(s.e, in, 2, 0, &v), LG_EINVAL);
    in[1] = NULL;
    assert_int_equal(lg_mean(s.e, in, 2, 0, &v), LG_EINVAL);
    assert_int_equal(lg_sum(s.e, in, 0, 0, &v), LG_EINVAL);
    assert_int_equal(lg_format(s.e, theirs, NULL, NULL, 0, "r", false, &v), LG_EINVAL);
    assert_int_equal(lg_format(s.e, mine, &name, &theirs, 1, "r", false, &v), LG_EINVAL);
    assert_int_equal(lg_tool_call(s.e, other.tool, &name, &mine, 1, "r", &v), LG_EINVAL);
    assert_int_equal(lg_tool_call(s.e, NULL, &name, &mine, 1, "r", &v), LG_EINVAL);
    assert_int_equal(lg_template_set(s.e, "t", theirs), LG_EINVAL);
    assert_int_equal(lg_concat(s.e, &mine, 1, "\xff", &v), LG_EUTF8);
    lg_message m = {"user", theirs};
    lg_call c;
    lg_call_init(&c);
    c.messages = &m;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL); /* no message */
    c.n_messages = 1;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    m.var = mine;
    assert_int_equal(lg_call_model(s.e, other.model, &c, &v), LG_EINVAL);
    m.role = "\xff";
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EUTF8);
    m.role = "user";
    c.kind = LG_KINDS;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    c.kind = LG_FORWARD;
    lg_option o = {"temperature", "not json"};
    c.options = &o;
    c.n_options = 1;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), LG_EINVAL);
    assert_non_null(strstr(lg_engine_errmsg(s.e), "temperature"));
    assert_null(v);
    assert_int_equal(script_stats(&s).vars_live, live);
    assert_in_range(script_stats(&s).live_blocks, blocks, blocks + 10); /* names */
    assert_int_equal(script_stats(&s).vars_pending, 0);
    script_end(&s);
    script_end(&other);
}

/* ---- failures ----------------------------------------------------------- */

static void fail_tool(script *s, const script_work *w)
{
    lg_tool_fail(s->e, w->id, LG_ETOOL, "no\nluck");
}

static void test_failure_chain(void **state)
{
    (void)state;
    script s;
    char want[200];
    script_start(&s);
    s.on_tool = fail_tool;
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *bad = tool(&s, x, "the count");
    lg_var_set_example(bad, 3);
    lg_var *mid = concat2(&s, x, bad, "the page");
    lg_var *call = script_call(&s, NULL, mid, "the verdict", 3);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(call), LG_FAILED);
    assert_null(lg_var_text(call, NULL));
    snprintf(want, sizeof want,
             "the verdict (node %llu, example 3) <- the page (node %llu) <- "
             "the count (node %llu, example 3): no luck",
             (unsigned long long)lg_var_id(call), (unsigned long long)lg_var_id(mid),
             (unsigned long long)lg_var_id(bad));
    assert_string_equal(script_error(call), want);
    assert_error(call, LG_ETOOL, "no luck");
    assert_int_equal(s.n_prompts, 0);                 /* nothing was asked for it */
    lg_var *later = concat2(&s, call, NULL, "later"); /* made when the input had failed */
    assert_true(script_run(&s));
    assert_error(later, LG_ETOOL, "later (node");
    script_end(&s);
}

/* The message of the lowest input, whatever failed first. */
static void test_lowest_input_is_told(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        script s;
        lg_var *in[5], *v = NULL;
        script_start(&s);
        s.on_tool = fail_tool;
        s.random = seed;
        lg_var *x = script_leaf(&s, "x", "x", false);
        in[0] = x;
        for (int i = 1; i < 5; i++) {
            char role[24];
            snprintf(role, sizeof role, "tool %d", i);
            in[i] = tool(&s, x, role);
        }
        assert_int_equal(lg_concat(s.e, in, 5, "all", &v), 0);
        assert_true(script_run(&s));
        assert_error(v, LG_ETOOL, "tool 1 (node");
        script_end(&s);
    }
}

static void test_long_chain_of_failures(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    s.on_tool = fail_tool;
    lg_var *v = tool(&s, script_leaf(&s, "x", "x", false), "bottom");
    for (int i = 0; i < 1000; i++) {
        lg_var *next = concat2(&s, v, NULL, "one of the many links of a chain");
        lg_var_unref(v);
        v = next;
    }
    assert_true(script_run(&s));
    assert_error(v, LG_ETOOL, "no luck");
    assert_true(strlen(script_error(v)) < 2000);
    script_end(&s);
}

static void test_odd_codes_of_hosts(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    static const int codes[] = {0, 7, LG_ETIMEOUT, LG_ECANCELLED};
    static const int want[] = {LG_ETOOL, LG_ETOOL, LG_ETIMEOUT, LG_ECANCELLED};
    for (int i = 0; i < 4; i++) {
        lg_var *t = tool(&s, x, "t");
        script_take(&s);
        assert_int_equal(lg_tool_fail(s.e, s.works[0].id, codes[i], NULL), 0);
        script_drop(&s, 0);
        script_take(&s);
        assert_error(t, want[i], "t (node");
        assert_int_equal(lg_var_state(t), codes[i] == LG_ECANCELLED ? LG_CANCELLED : LG_FAILED);
    }
    script_end(&s);
}

/* ---- cancelling --------------------------------------------------------- */

/* Dependants go, and inputs that nobody else needs; the host hears of it once. */
static void test_cancel_both_ways(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *shared = tool(&s, x, "shared");
    lg_var *only = tool(&s, shared, "only");
    lg_var *v = concat2(&s, only, shared, "v");
    lg_var *other = concat2(&s, shared, NULL, "other");
    lg_var *top = concat2(&s, v, NULL, "top");
    lg_var_watch(v, 1);
    lg_var_watch(top, 2);
    lg_var_unref(shared);
    script_take(&s);
    assert_int_equal(s.n_works, 1);
    uint64_t id = s.works[0].id;
    script_drop(&s, 0);
    assert_int_equal(lg_var_cancel(v), 0);
    assert_int_equal(lg_var_cancel(v), LG_ESTATE);
    script_take(&s);
    assert_int_equal(lg_var_state(top), LG_CANCELLED);
    assert_error(top, LG_ECANCELLED, "v (node");
    assert_int_equal(lg_var_state(only), LG_PENDING); /* the test holds it */
    assert_int_equal(s.n_abandons, 0);
    assert_int_equal(lg_tool_return(s.e, id, "1", 1, NULL, 0), 0);
    assert_true(script_run(&s));
    assert_text(other, "1");
    assert_int_equal(s.n_vars, 2);
    script_end(&s);
}

static void test_cancel_tool(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *t = tool(&s, x, "t");
    lg_var *top = concat2(&s, t, NULL, "top");
    lg_var_watch(t, 1);
    lg_var_unref(t);
    script_take(&s);
    uint64_t id = s.works[0].id;
    script_drop(&s, 0); /* with its count of t */
    assert_int_equal(lg_var_cancel(top), 0);
    assert_int_equal(lg_tool_return(s.e, id, "late", 4, NULL, 0), LG_ENOTFOUND); /* at once */
    assert_int_equal(lg_tool_fail(s.e, id, LG_ETOOL, "late"), LG_ENOTFOUND);
    script_take(&s);
    assert_int_equal(s.n_abandons, 1);
    assert_int_equal(s.n_works, 0);
    assert_int_equal(s.n_vars, 1); /* the watched input was cancelled, and said so once */
    assert_int_equal(lg_tool_return(s.e, id, "late", 4, NULL, 0), LG_ENOTFOUND);
    script_take(&s);
    assert_int_equal(s.n_abandons, 1);
    assert_int_equal(s.n_vars, 1);
    assert_int_equal(lg_var_state(top), LG_CANCELLED);
    assert_true(script_run(&s));
    script_end(&s);
}

/* Before the host heard of the work there is nothing to abandon. */
static void test_cancel_unannounced(void **state)
{
    (void)state;
    script s;
    const lg_event *ev;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *t = tool(&s, x, "t"), *c = script_call(&s, NULL, x, "c", -1);
    lg_engine_step(s.e, 0); /* queued, not yet taken */
    lg_var_cancel(t);
    lg_var_cancel(c);
    assert_null(lg_engine_next(s.e));
    lg_var *t2 = tool(&s, x, "t"), *c2 = script_call(&s, NULL, x, "c", -1);
    lg_var_cancel(t2); /* before any step */
    lg_var_cancel(c2);
    lg_engine_step(s.e, 0);
    ev = lg_engine_next(s.e);
    assert_null(ev);
    assert_int_equal(script_stats(&s).vars_pending, 0);
    assert_int_equal(script_stats(&s).host_running, 0);
    script_end(&s);
}

static void test_cancel_call(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *a = script_call(&s, NULL, x, "a", -1), *b = script_call(&s, NULL, x, "b", -1);
    script_take(&s);
    assert_int_equal(s.n_works, 1); /* one question for both */
    uint64_t id = s.works[0].id;
    lg_var_cancel(a);
    script_take(&s);
    assert_int_equal(s.n_abandons, 0); /* b still wants it */
    lg_var_cancel(b);
    assert_int_equal(lg_call_reply(s.e, id, "late", 4, NULL, NULL), LG_ENOTFOUND);
    script_take(&s);
    assert_int_equal(s.n_abandons, 1);
    assert_int_equal(lg_call_fail(s.e, id, LG_ETOOL, false, "late"), LG_ENOTFOUND);
    lg_request_view view;
    assert_int_equal(lg_call_view(s.e, id, &view), LG_ENOTFOUND);
    lg_var *again = script_call(&s, NULL, x, "a", -1); /* asked anew, not lost */
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(again), LG_READY);
    script_end(&s);
}

/* x is needed by two that are both needed by the cancelled one alone. */
static void test_cancel_diamond(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *leaf = script_leaf(&s, "x", "x", false);
    lg_var *x = tool(&s, leaf, "x");
    lg_var *a = concat2(&s, x, x, "a"), *b = concat2(&s, x, NULL, "b");
    lg_var *top = concat2(&s, a, b, "top");
    lg_var_watch(x, 5);
    lg_var_unref(x);
    lg_var_unref(a);
    lg_var_unref(b);
    script_take(&s);
    script_drop(&s, 0);
    lg_var_cancel(top);
    script_take(&s);
    assert_int_equal(s.n_abandons, 1);
    assert_int_equal(s.last_tag, 5);
    lg_var_unref(top);
    assert_true(script_run(&s));
    assert_int_equal(script_stats(&s).vars_live, 1 + SCRIPT_TEMPLATES);
    script_end(&s);
}

/* Random graphs, random cancels and answers, random order: everything settles
 * once, nothing is left. */
static void random_life(uint64_t seed)
{
    support_heap h;
    support_heap_init(&h);
    script s;
    lg_config cfg;
    enum { N = 40 };
    lg_var *v[N];
    int n = 0;
    support_config(&cfg, &h);
    assert_int_equal(script_try(&s, &cfg), 0);
    s.random = seed;
    v[n++] = script_leaf(&s, "x", "x", seed & 1);
    while (n < N) {
        uint64_t r = support_random(&s.random);
        lg_var *a = v[r % (uint64_t)n], *b = v[(r >> 8) % (uint64_t)n];
        switch ((r >> 16) % 6) {
        case 0:
            v[n] = tool(&s, a, "t");
            break;
        case 1:
            v[n] = script_call(&s, a, b, "c", n);
            break;
        case 2:
        case 3:
            v[n] = concat2(&s, a, b, "k");
            break;
        case 4:
            lg_var_cancel(a);
            lg_sum(s.e, (lg_var *[]){a, b}, 2, LG_SKIP_FAILED, &v[n]);
            break;
        default:
            script_take(&s);
            if (s.n_works)
                script_answer_one(&s);
            v[n] = lg_var_ref(a);
        }
        lg_var_watch(v[n], (uint64_t)n);
        n++;
    }
    for (int i = 0; i < N; i += 3)
        lg_var_cancel(v[i]);
    for (int i = 0; i < N; i += 2)
        lg_var_unref(v[i]);
    assert_true(script_run(&s));
    assert_int_equal(s.n_vars, N - 1);
    for (int i = 1; i < N; i += 2)
        assert_int_not_equal(lg_var_state(v[i]), LG_PENDING);
    for (int i = 1; i < N; i += 2)
        lg_var_unref(v[i]);
    assert_int_equal(script_stats(&s).host_running, 0);
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES);
    script_end(&s);
    assert_heap_empty(&h);
}

static void test_random_lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        random_life(seed);
}

/* ---- limits, templates -------------------------------------------------- */

static void test_max_queued(void **state)
{
    (void)state;
    script s;
    lg_config cfg;
    lg_var *v = NULL;
    support_config(&cfg, NULL);
    cfg.max_queued = 3;
    assert_int_equal(script_try(&s, &cfg), 0);
    lg_var *x = script_leaf(&s, "x", "x", false);
    for (int i = 0; i < 3; i++)
        lg_var_unref(tool(&s, x, "t"));
    assert_int_equal(lg_concat(s.e, &x, 1, "r", &v), LG_ELIMIT);
    assert_non_null(strstr(lg_engine_errmsg(s.e), "max_queued"));
    assert_true(script_run(&s));
    assert_int_equal(lg_concat(s.e, &x, 1, "r", &v), 0);
    assert_true(script_run(&s));
    assert_text(v, "x");
    script_end(&s);
}

static void test_template_table(void **state)
{
    (void)state;
    script s;
    lg_var *got;
    script_start(&s);
    assert_int_equal(lg_template_get(s.e, "mine", &got), LG_ENOTFOUND);
    assert_null(got);
    lg_var *a = script_leaf(&s, "a", "t", false), *b = script_leaf(&s, "b", "t", false);
    assert_int_equal(lg_template_set(s.e, "mine", a), 0);
    assert_int_equal(lg_template_set(s.e, "mine", a), 0);
    assert_int_equal(lg_template_get(s.e, "mine", &got), 0);
    assert_ptr_equal(got, a);
    lg_var_unref(a); /* the table holds it */
    assert_text(got, "a");
    assert_int_equal(lg_template_set(s.e, "mine", b), 0);
    assert_int_equal(lg_template_get(s.e, "mine", &got), 0);
    assert_ptr_equal(got, b);
    assert_int_equal(lg_template_set(s.e, NULL, b), LG_EINVAL);
    assert_int_equal(lg_template_set(s.e, "mine", NULL), LG_EINVAL);
    script_end(&s);
}

/* A value given by hand is no failure any more that somebody has to be told of. */
static void test_mended_by_hand(void **state)
{
    (void)state;
    script s;
    lg_unseen list[LG_UNSEEN_KEPT];
    lg_var *two[2];
    size_t shown;
    script_start(&s);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lg_promise_new(s.e, NULL, 0, "promise", &two[i]), 0);
        assert_int_equal(lg_promise_fail(two[i], LG_ETOOL, "broken", NULL), 0);
    }
    assert_int_equal(lg__engine_unseen(s.e, list, &shown), 2);
    assert_int_equal(lg_var_set(two[0], "mended", 6), 0);
    assert_int_equal(lg__engine_unseen(s.e, list, &shown), 1);
    assert_int_equal(list[0].id, lg_var_id(two[1]));
    assert_int_equal(list[0].code, LG_ETOOL);
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_mended_by_hand),
    cmocka_unit_test(test_sees_inputs_as_when_made),
    cmocka_unit_test(test_pending_inputs),
    cmocka_unit_test(test_unheld_nodes_run_and_go),
    cmocka_unit_test(test_strangers),
    cmocka_unit_test(test_failure_chain),
    cmocka_unit_test(test_lowest_input_is_told),
    cmocka_unit_test(test_long_chain_of_failures),
    cmocka_unit_test(test_odd_codes_of_hosts),
    cmocka_unit_test(test_cancel_both_ways),
    cmocka_unit_test(test_cancel_tool),
    cmocka_unit_test(test_cancel_unannounced),
    cmocka_unit_test(test_cancel_call),
    cmocka_unit_test(test_cancel_diamond),
    cmocka_unit_test(test_random_lives),
    cmocka_unit_test(test_max_queued),
    cmocka_unit_test(test_template_table),
};
LG_TEST_MAIN(tests)
