/* test_gone.c - hosts are told when a tag is free: its tool or model can be used by nobody. */
#include "../scripted.h"

/* The tag that an event of this type told last; 0: none did. */
static uint64_t told(script *s, int type)
{
    const lg_event *ev;
    uint64_t tag = 0;
    while ((ev = lg_engine_next(s->e))) {
        if (ev->type == type)
            tag = ev->tag;
    }
    return tag;
}

static lg_tool *tool(script *s, uint64_t tag)
{
    lg_tool *t = NULL;
    assert_int_equal(lg_tool_new(s->e, "t", "", false, tag, &t), 0);
    return t;
}

static void test_a_tool_lives_as_long_as_a_node_needs_it(void **state)
{
    (void)state;
    script s;
    const char *name = "x";
    script_start(&s);
    lg_tool *t = tool(&s, 41);
    lg_var *x = script_leaf(&s, "x", "x", false), *v = NULL;
    assert_int_equal(lg_tool_call(s.e, t, &name, &x, 1, "v", &v), 0);
    lg_tool_unref(t);
    lg_engine_step(s.e, 0);
    const lg_event *ev = lg_engine_next(s.e);
    assert_non_null(ev);
    assert_int_equal(ev->type, LG_EVENT_TOOL);
    assert_int_equal(lg_tool_return(s.e, ev->id, "y", 1, NULL, 0), 0);
    lg_engine_step(s.e, 0);
    assert_int_equal(lg_var_state(v), LG_READY);
    assert_int_equal(told(&s, LG_EVENT_TOOL_GONE), 0); /* feedback may still ask for it */
    lg_var_unref(v);
    assert_int_equal(told(&s, LG_EVENT_TOOL_GONE), 41);
    assert_int_equal(told(&s, LG_EVENT_TOOL_GONE), 0);
    lg_var_unref(x);
    script_end(&s);
}

static void test_a_model_likewise(void **state)
{
    (void)state;
    script s;
    lg_model *m = NULL;
    lg_model_config c;
    script_start(&s);
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "m";
    c.tag = 42;
    assert_int_equal(lg_model_new(s.e, &c, &m), 0);
    lg_model_unref(m);
    assert_int_equal(lg_engine_timeout(s.e), 0); /* there is something to fetch */
    assert_int_equal(told(&s, LG_EVENT_MODEL_GONE), 42);
    /* one that a server answers has a tag of the host's, too, and no function behind it */
    c.dialect = "openai";
    c.model = "m";
    c.base_url = "http://127.0.0.1:9";
    assert_int_equal(lg_model_new(s.e, &c, &m), 0);
    lg_model_unref(m);
    assert_int_equal(told(&s, LG_EVENT_MODEL_GONE), 0);
    script_end(&s);
}

static void test_nobodys_tag_is_not_told(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_tool_unref(tool(&s, 0));
    assert_null(lg_engine_next(s.e));
    lg_tool_unref(tool(&s, 43)); /* told to nobody: the engine ends first */
    script_end(&s);
}

static int oom_tools(support_heap *h, void *ctx)
{
    lg_config cfg;
    script s;
    lg_tool *t = NULL;
    (void)ctx;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    if (!err)
        err = lg_tool_new(s.e, "t", "why", false, 7, &t);
    if (!err) {
        lg_tool_unref(t); /* needs no memory to be told */
        assert_int_equal(told(&s, LG_EVENT_TOOL_GONE), 7);
    }
    script_end(&s);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(oom_tools, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_tool_lives_as_long_as_a_node_needs_it),
    cmocka_unit_test(test_a_model_likewise),
    cmocka_unit_test(test_nobodys_tag_is_not_told),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
