/* test_op.c - what each operator makes of its inputs, what a critic is told of it,
 * and the drawing of graphs. How feedback travels is test_gradient.c's. */
#include "../scripted.h"

#include <math.h>

#include "graph/op.h"

static lg_var *format(script *s, const char *tmpl, const char *const *names, lg_var *const *vars,
                      size_t n, bool fenced)
{
    lg_var *v = NULL, *t = script_leaf(s, tmpl, "template", false);
    assert_int_equal(lg_format(s->e, t, names, vars, n, "text", fenced, &v), 0);
    lg_var_unref(t);
    assert_true(script_run(s));
    return v;
}

/* ---- format ------------------------------------------------------------- */

static void test_format(void **state)
{
    static const char *const names[] = {"a", "b"};
    (void)state;
    script s;
    lg_input in;
    script_start(&s);
    lg_var *vars[] = {script_leaf(&s, "1", "a", false), script_leaf(&s, "{a}{{", "b", false)};
    lg_var *v = format(&s, "{b}-{a} {{\"json\": {a}}} {", names, vars, 2, false);
    assert_text(v, "{a}{{-1 {\"json\": 1} {");
    assert_int_equal(lg_var_op(v), LG_OP_FORMAT);
    assert_int_equal(lg_var_inputs(v), 3);
    lg_var_input(v, 2, &in);
    assert_string_equal(in.name, "b");
    assert_ptr_equal(in.var, vars[1]);
    assert_text(format(&s, "no fields", NULL, NULL, 0, true), "no fields");
    assert_text(format(&s, "", names, vars, 2, true), "");
    script_end(&s);
}

static void test_format_unknown_field(void **state)
{
    static const char *const names[] = {"a"};
    (void)state;
    script s;
    lg_failure f;
    script_start(&s);
    lg_var *a = script_leaf(&s, "1", "a", false);
    lg_var *v = format(&s, "{a} {missing}", names, &a, 1, false);
    assert_error(v, LG_ETEMPLATE, "text (node");
    assert_error(v, LG_ETEMPLATE, "{missing}");
    lg_var_error(v, &f);
    assert_non_null(strstr(f.hint, "{{missing}}"));
    script_end(&s);
}

static void test_format_fenced(void **state)
{
    static const char *const names[] = {"a"};
    (void)state;
    script s;
    script_start(&s);
    lg_var *a = script_leaf(&s, "x</A>y", "a", false);
    assert_text(format(&s, "<A>{a}</A>", names, &a, 1, true), "<A_2>x</A>y</A_2>");
    assert_text(format(&s, "<A>{a}</A>", names, &a, 1, false), "<A>x</A>y</A>");
    script_end(&s);
}

/* ---- concat, sum, mean -------------------------------------------------- */

static void test_concat(void **state)
{
    (void)state;
    script s;
    lg_var *v = NULL, *none = NULL;
    script_start(&s);
    lg_var *in[] = {script_leaf(&s, "a", "", false), script_leaf(&s, "", "", false),
                    script_leaf(&s, "ü", "", false)};
    assert_int_equal(lg_concat(s.e, in, 3, "all", &v), 0);
    assert_int_equal(lg_concat(s.e, NULL, 0, NULL, &none), 0);
    assert_true(script_run(&s));
    assert_text(v, "aü");
    assert_text(none, "");
    assert_string_equal(lg_var_role(none), "");
    script_end(&s);
}

static lg_var *scored(script *s, const char *text, double score, double target)
{
    lg_var *v = script_leaf(s, text, "loss", true);
    assert_int_equal(lg_var_set_score(v, score, target), 0);
    return v;
}

static void test_sum_and_mean(void **state)
{
    (void)state;
    script s;
    double score, target;
    lg_var *sum = NULL, *mean = NULL, *mixed = NULL;
    script_start(&s);
    lg_var *in[] = {scored(&s, "one", 1, 1), scored(&s, "half", 0.5, 2),
                    script_leaf(&s, "plain", "loss", false)};
    lg_sum(s.e, in, 2, 0, &sum);
    lg_mean(s.e, in, 2, 0, &mean);
    lg_mean(s.e, in, 3, 0, &mixed);
    assert_true(script_run(&s));
    assert_text(sum, "one\nhalf");
    assert_true(lg_var_score(sum, &score, &target));
    assert_true(score == 1.5 && target == 3);
    assert_true(lg_var_score(mean, &score, &target));
    assert_true(score == 0.75 && target == 1.5);
    assert_text(mixed, "one\nhalf\nplain");
    assert_false(lg_var_score(mixed, NULL, NULL)); /* one has none */
    assert_string_equal(lg_var_role(sum), "sum of 2 times loss");
    assert_string_equal(lg_op_name(lg_var_op(mean)), "mean");
    script_end(&s);
}

static void test_weights(void **state)
{
    (void)state;
    script s;
    double score, target;
    const double weights[] = {3, 1}, bad[][2] = {{1, 0}, {-1, 1}, {NAN, 1}, {1, INFINITY}};
    lg_var *sum = NULL, *mean = NULL, *plain = NULL;
    script_start(&s);
    lg_var *in[] = {scored(&s, "one", 1, 1), scored(&s, "half", 0.5, 2)};
    lg_sum_weighted(s.e, in, weights, 2, 0, &sum);
    lg_mean_weighted(s.e, in, weights, 2, 0, &mean);
    lg_mean_weighted(s.e, in, NULL, 2, 0, &plain);
    assert_true(script_run(&s));
    assert_true(lg_var_score(sum, &score, &target));
    assert_true(score == 3.5 && target == 5);
    assert_true(lg_var_score(mean, &score, &target));
    assert_true(score == 0.875 && target == 1.25);
    assert_true(lg_var_score(plain, &score, &target));
    assert_true(score == 0.75 && target == 1.5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lg_sum_weighted(s.e, in, bad[i], 2, 0, &sum), LG_EINVAL);
    script_end(&s);
}

/* What a long list is made of is not said. */
static void test_sums_name_their_parts(void **state)
{
    (void)state;
    script s;
    lg_var *some = NULL, *many[60], *all = NULL;
    script_start(&s);
    for (int i = 0; i < 60; i++) {
        char role[20];
        snprintf(role, sizeof role, "part %d", i);
        many[i] = script_leaf(&s, "x", role, false);
    }
    lg_sum(s.e, many, 3, 0, &some);
    lg_mean(s.e, many, 60, 0, &all);
    assert_string_equal(lg_var_role(some), "sum of part 0, part 1 and part 2");
    assert_string_equal(lg_var_role(all), "mean");
    script_end(&s);
}

static void fail_some(script *s, const script_work *w)
{
    lg_input in;
    double score = 3;
    lg_var_input(w->var, 0, &in);
    if (in.text[0] == 'b')
        lg_tool_fail(s->e, w->id, LG_ETOOL, "bad input");
    else
        lg_tool_return(s->e, w->id, in.text, in.len, &score, 4);
}

static void test_skip_failed(void **state)
{
    (void)state;
    script s;
    double score, target;
    lg_var *t[4], *skips = NULL, *stops = NULL, *none = NULL;
    script_start(&s);
    s.on_tool = fail_some;
    static const char *const texts[] = {"a", "b1", "c", "b2"};
    for (int i = 0; i < 4; i++)
        t[i] = script_tool_call(&s, s.tool, script_leaf(&s, texts[i], "x", false), texts[i]);
    lg_mean(s.e, t, 4, LG_SKIP_FAILED, &skips);
    lg_mean(s.e, t, 4, 0, &stops);
    lg_sum(s.e, (lg_var *[]){t[3], t[1]}, 2, LG_SKIP_FAILED, &none);
    assert_true(script_run(&s));
    assert_text(skips, "a\nc");
    assert_true(lg_var_score(skips, &score, &target));
    assert_true(score == 3 && target == 4);
    assert_error(stops, LG_ETOOL, "mean of a, b1, c and b2 (node");
    assert_error(stops, LG_ETOOL, "b1 (node");
    assert_error(none, LG_ETOOL, "b2 (node"); /* the first of those that failed */
    script_end(&s);
}

/* ---- tools and calls ---------------------------------------------------- */

static void odd_result(script *s, const script_work *w)
{
    double nan = (double)NAN;
    lg_input in;
    lg_var_input(w->var, 0, &in);
    if (in.text[0] == 'n')
        lg_tool_return(s->e, w->id, "x", 1, &nan, 1);
    else
        lg_tool_return(s->e, w->id, "ab\xff", 3, NULL, 0);
}

static void test_bad_results(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    s.on_tool = odd_result;
    lg_var *n = script_tool_call(&s, s.tool, script_leaf(&s, "nan", "x", false), "r");
    lg_var *u = script_tool_call(&s, s.tool, script_leaf(&s, "utf8", "x", false), "r");
    assert_true(script_run(&s));
    assert_error(n, LG_ETOOL, "tool \"f\" returned a score that is not a number");
    assert_error(u, LG_EUTF8, "tool \"f\" returned text that is not UTF-8 (byte 3)");
    lg_var *c = script_call(&s, NULL, script_leaf(&s, "q", "x", false), "answer", -1);
    script_take(&s);
    assert_int_equal(lg_call_reply(s.e, s.works[0].id, "\xc3", 1, "stop", NULL), 0);
    script_drop(&s, 0);
    assert_true(script_run(&s));
    assert_error(c, LG_EUTF8, "host/model returned text that is not UTF-8 (byte 1)");
    script_end(&s);
}

static void test_tool_result(void **state)
{
    static const char *const names[] = {"first", NULL};
    (void)state;
    script s;
    lg_var *v = NULL, *none = NULL;
    script_start(&s);
    lg_var *in[] = {script_leaf(&s, "1", "", false), script_leaf(&s, "2", "", false)};
    assert_int_equal(lg_tool_call(s.e, s.tool, names, in, 2, NULL, &v), 0);
    assert_int_equal(lg_tool_call(s.e, s.tool, NULL, NULL, 0, "nothing", &none), 0);
    lg_tool_unref(s.tool); /* the nodes hold it */
    assert_true(script_run(&s));
    assert_text(v, "first=1,=2");
    assert_string_equal(lg_var_role(v), "f");
    assert_text(none, "");
    script_end(&s);
}

static void test_call_view(void **state)
{
    (void)state;
    script s;
    lg_var *v = NULL;
    lg_request_view view;
    lg_option o;
    lg_usage usage = {.input = 3, .output = 4}, got;
    const char *role, *text;
    size_t len;
    script_start(&s);
    lg_message m[10];
    for (int i = 0; i < 10; i++) { /* more than need no allocation */
        char t[16];
        snprintf(t, sizeof t, "m%d", i);
        m[i] = (lg_message){i ? "user" : "system", script_leaf(&s, t, "", false)};
    }
    lg_option options[] = {{"temperature", "0.5"}, {"max_tokens", "9"}};
    lg_call c;
    lg_call_init(&c);
    c.messages = m;
    c.n_messages = 10;
    c.options = options;
    c.n_options = 2;
    c.sample = 5;
    c.kind = LG_JUDGE;
    c.example = 4;
    assert_int_equal(lg_call_model(s.e, s.model, &c, &v), 0);
    assert_string_equal(lg_var_role(v), "answer");
    assert_int_equal(lg_var_example(v), 4);
    lg_engine_step(s.e, 0);
    const lg_event *ev = lg_engine_next(s.e);
    assert_int_equal(ev->type, LG_EVENT_CALL);
    assert_int_equal(ev->tag, 7);
    uint64_t id = ev->id;
    assert_int_equal(lg_call_view(s.e, id, &view), 0);
    assert_ptr_equal(view.model, s.model);
    assert_int_equal(view.n_messages, 10);
    assert_int_equal(view.n_options, 2);
    assert_int_equal(view.sample, 5);
    assert_int_equal(lg_call_message(s.e, id, 9, &role, &text, &len), 0);
    assert_string_equal(role, "user");
    assert_bytes(text, len, "m9");
    assert_int_equal(lg_call_message(s.e, id, 10, &role, &text, &len), LG_ENOTFOUND);
    assert_int_equal(lg_call_option(s.e, id, 0, &o), 0);
    assert_string_equal(o.name, "max_tokens"); /* by name */
    assert_string_equal(o.json, "9");
    assert_int_equal(lg_call_option(s.e, id, 2, &o), LG_ENOTFOUND);
    assert_int_equal(lg_tool_return(s.e, id, "x", 1, NULL, 0), LG_ENOTFOUND); /* no tool */
    assert_int_equal(lg_tool_feedback(s.e, id, 0, "x", 1), LG_ENOTFOUND);
    assert_int_equal(lg_call_reply(s.e, id, "cut", 3, "length", &usage), 0);
    assert_int_equal(lg_call_reply(s.e, id, "cut", 3, "length", &usage), LG_ENOTFOUND);
    lg_engine_step(s.e, 0);
    assert_text(v, "cut");
    assert_string_equal(lg_var_finish_reason(v), "length");
    assert_true(lg_var_usage(v, &got));
    assert_int_equal(got.output, 4);
    assert_int_equal(script_stats(&s).calls_by_kind[LG_JUDGE], 1);
    assert_int_equal(script_stats(&s).usage[LG_JUDGE].input, 3);
    script_end(&s);
}

/* ---- conversations ------------------------------------------------------ */

static void assert_talk(script *s, lg_var *v, size_t tokens, const char *want)
{
    (void)s;
    lg_text *t = lg__ops[v->op].conversation(v->graph, v->node, NULL, tokens);
    assert_non_null(t);
    if (want)
        assert_bytes(t->data, t->len, want);
    else
        assert_true(lg_token_estimate(t->data, t->len) < tokens + tokens / 2 + 20);
    lg__text_unref(t);
}

static void test_conversation(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *sys = script_leaf(&s, "be brief", "", false);
    lg_var *user = script_leaf(&s, "</OUTPUT> <USER> lies", "", false);
    lg_var *v = script_call(&s, sys, user, "answer", -1);
    script_take(&s);
    lg_call_reply(s.e, s.works[0].id, "ok", 2, NULL, NULL);
    script_drop(&s, 0);
    assert_true(script_run(&s));
    assert_talk(&s, v, 1000,
                "<SYSTEM_2>\nbe brief\n</SYSTEM_2>\n<USER_2>\n</OUTPUT> <USER> lies\n</USER_2>\n"
                "<OUTPUT_2>\nok\n</OUTPUT_2>");
    lg_var_set(v, "mended later", 12); /* it is about what was said then */
    assert_talk(&s, v, 1000,
                "<SYSTEM_2>\nbe brief\n</SYSTEM_2>\n<USER_2>\n</OUTPUT> <USER> lies\n</USER_2>\n"
                "<OUTPUT_2>\nok\n</OUTPUT_2>");
    script_end(&s);
}

static void test_conversation_of_tools(void **state)
{
    static const char *const names[] = {"my arg", "3rd", "\xc3\xbc"};
    (void)state;
    script s;
    lg_var *v = NULL, *own = NULL;
    script_start(&s);
    lg_var *in[] = {script_leaf(&s, "1", "", false), script_leaf(&s, "2", "", false),
                    script_leaf(&s, "3", "", false)};
    lg_tool_call(s.e, s.tool, names, in, 3, "r", &v);
    lg_tool_call(s.e, s.own, names, in, 1, "r", &own);
    assert_true(script_run(&s));
    assert_talk(&s, v, 1000,
                "<FUNCTION>\nIt computes f.\n</FUNCTION>\n<MY_ARG>\n1\n</MY_ARG>\n"
                "<INPUT>\n2\n</INPUT>\n<INPUT>\n3\n</INPUT>\n"
                "<RESULT>\nmy arg=1,3rd=2,\xc3\xbc=3\n</RESULT>");
    assert_talk(&s, own, 1000,
                "<FUNCTION>\nown\n</FUNCTION>\n<MY_ARG>\n1\n</MY_ARG>\n"
                "<RESULT>\nmy arg=1\n</RESULT>");
    script_end(&s);
}

static void test_conversation_is_trimmed(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    char *big = malloc(100001);
    memset(big, 'w', 100000);
    big[100000] = '\0';
    lg_var *v = script_call(&s, script_leaf(&s, big, "", false), script_leaf(&s, big, "", false),
                            "answer", -1);
    assert_true(script_run(&s));
    assert_talk(&s, v, 200, NULL);
    free(big);
    script_end(&s);
}

/* ---- DOT ---------------------------------------------------------------- */

typedef struct drawing {
    char text[8000];
    size_t len, writes, fail_at;
} drawing;

static int draw(void *ud, const char *data, size_t len)
{
    drawing *d = ud;
    if (++d->writes == d->fail_at)
        return LG_EIO;
    assert_true(d->len + len < sizeof d->text);
    memcpy(d->text + d->len, data, len);
    d->len += len;
    d->text[d->len] = '\0';
    return 0;
}

/* id, in decimal, of the drawing's names */
static void node_line(const lg_var *v, char *buf, size_t size)
{
    snprintf(buf, size, "  v%llu [", (unsigned long long)lg_var_id(v));
}

static void test_dot(void **state)
{
    (void)state;
    script s;
    char a[40], b[40], c[40];
    lg_var *sum = NULL;
    drawing d = {.len = 0};
    script_start(&s);
    lg_var *x = script_leaf(&s, "say \"hi\"\\ &amp; {a|b}\nsecond\tline <b>", "the \"x\"", true);
    lg_var *y = script_leaf(&s, "y", "", false);
    lg_var *t = script_tool_call(&s, s.tool, x, "pending one");
    lg_sum(s.e, (lg_var *[]){t, y, x, t}, 4, 0, &sum);
    lg_var_set_score(x, 0.5, 1);
    lg_var_add_feedback(x, "more \"quotes\"", 13);
    assert_int_equal(lg_var_dot(sum, true, draw, &d), 0);
    assert_true(strncmp(d.text, "digraph ", 8) == 0);
    assert_string_equal(d.text + d.len - 2, "}\n");
    node_line(sum, a, sizeof a);
    node_line(t, b, sizeof b);
    node_line(x, c, sizeof c);
    /* breadth first, each once */
    assert_true(strstr(d.text, a) < strstr(d.text, b));
    assert_true(strstr(d.text, b) < strstr(d.text, c));
    assert_null(strstr(strstr(d.text, b) + 1, b));
    assert_non_null(strstr(d.text, "tool: pending one\\n(pending)"));
    assert_non_null(strstr(d.text,
                           "leaf: the \\\"x\\\"\\nsay \\\"hi\\\"\\\\ &amp; {a|b}\\nsecond line "
                           "<b>\\nscore 0.5 of 1\\nfeedback: more \\\"quotes\\\"\"];\n"));
    assert_non_null(strstr(d.text, " [label=\"x\"];\n")); /* the tool's argument */
    drawing plain = {.len = 0};
    assert_int_equal(lg_var_dot(sum, false, draw, &plain), 0);
    assert_null(strstr(plain.text, "feedback"));
    drawing again = {.len = 0};
    lg_var_dot(sum, true, draw, &again);
    assert_string_equal(again.text, d.text);
    for (size_t n = 1; n <= d.writes; n++) { /* a writer that gives up */
        drawing stop = {.fail_at = n};
        assert_int_equal(lg_var_dot(sum, true, draw, &stop), LG_EIO);
        assert_int_equal(stop.writes, n);
    }
    script_end(&s);
}

static void test_dot_shortens_at_characters(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    for (int pad = 0; pad < 4; pad++) {
        char text[400] = "aaa";
        drawing d = {.len = 0};
        text[pad] = '\0';
        while (strlen(text) < 350)
            strcat(text, "€");
        lg_var_dot(script_leaf(&s, text, "r", false), false, draw, &d);
        assert_int_equal(lg_utf8_check(d.text, d.len), -1);
        assert_non_null(strstr(d.text, "€ (...)"));
        assert_true(d.len < 350);
    }
    script_end(&s);
}

static int count_bytes(void *ud, const char *data, size_t len)
{
    (void)data;
    *(size_t *)ud += len;
    return 0;
}

static int oom_dot(support_heap *h, void *ctx)
{
    (void)ctx;
    script s;
    lg_config cfg;
    size_t n = 0;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    lg_var *v[50] = {NULL};
    if (!err)
        err = lg_var_new(s.e, "x", 1, "x", true, &v[0]);
    for (int i = 1; !err && i < 50; i++)
        err = lg_concat(s.e, (lg_var *[]){v[i - 1], v[0]}, 2, "k", &v[i]);
    if (!err)
        err = lg_var_dot(v[49], true, count_bytes, &n);
    if (!err)
        assert_true(n > 1000);
    script_end(&s);
    return err;
}

static void test_oom_dot(void **state)
{
    (void)state;
    oom_sweep_by(oom_dot, NULL, 3);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_format),
    cmocka_unit_test(test_format_unknown_field),
    cmocka_unit_test(test_format_fenced),
    cmocka_unit_test(test_concat),
    cmocka_unit_test(test_sum_and_mean),
    cmocka_unit_test(test_weights),
    cmocka_unit_test(test_sums_name_their_parts),
    cmocka_unit_test(test_skip_failed),
    cmocka_unit_test(test_bad_results),
    cmocka_unit_test(test_tool_result),
    cmocka_unit_test(test_call_view),
    cmocka_unit_test(test_conversation),
    cmocka_unit_test(test_conversation_of_tools),
    cmocka_unit_test(test_conversation_is_trimmed),
    cmocka_unit_test(test_dot),
    cmocka_unit_test(test_dot_shortens_at_characters),
    cmocka_unit_test(test_oom_dot),
};
LG_TEST_MAIN(tests)
