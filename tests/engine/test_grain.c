/* test_grain.c - one question about all that a node was given, or about a batch: letters and
 * marks, replies in many shapes, points that are handed on, and who does not keep to letters. */
#include "../scripted.h"

#include "graph/gradient_internal.h"
#include "graph/letters.h"

/* ---- replies by letter ------------------------------------------------------- */

typedef struct lettered { /* a reply, and what it says of A and B; NULL: nothing */
    const char *reply, *a, *b;
    size_t named;
} lettered;

static const lettered replies[] = {
    {"A: be brief\nB: count", "be brief\n", "count\n", 2},
    {"**A**: be brief\n**B:** count", "be brief\n", "count\n", 2},
    {"- A. be brief\n- B. count", "be brief\n", "count\n", 2},
    {"[A] be brief\n[B]: count", "be brief\n", "count\n", 2},
    {"(B) count", NULL, "count\n", 1},
    {"Text A: be brief", "be brief\n", NULL, 1},
    {"A:\n- be brief\n- be kind\nB:\n- count", "\n- be brief\n- be kind\n", "\n- count\n", 2},
    {"Here it is.\nA: be brief\nNOBODY: the weather", "be brief\n", NULL, 2},
    {"style: be brief\n\"method of counting\": count", "be brief\n", "count\n", 2},
    {"A: be brief\nA: be kind", "be brief\nbe kind\n", NULL, 1},
    {"A prompt should be brief.\nB-sides are longer: count", NULL, NULL, 0},
    {"C: be brief", NULL, NULL, 0},
    {"", NULL, NULL, 0},
};

static void check_reply(const lettered *want, const lg_aims *aims, lg_mem *m)
{
    size_t named = 9;
    lg_text *said[LG_LETTERS], *reply = lg__text_new(m, want->reply, strlen(want->reply));
    assert_int_equal(lg__letters_read(m, reply, aims, said, &named), 0);
    const char *texts[] = {want->a, want->b};
    for (int i = 0; i < 2; i++) {
        const char *got = said[i] ? said[i]->data : "(nothing)";
        if (strcmp(got, texts[i] ? texts[i] : "(nothing)") != 0)
            fail_msg("\"%s\" says of %c \"%s\"", want->reply, 'A' + i, got);
        lg__text_unref(said[i]);
    }
    assert_int_equal(named, want->named);
    lg__text_unref(reply);
}

static void test_replies_by_letter(void **state)
{
    (void)state;
    lg_mem m;
    support_heap h;
    support_mem_init(&m, &h);
    lg_var vars[2] = {{.role = lg__text_new(&m, "style", 5)},
                      {.role = lg__text_new(&m, "method of counting", 18)}};
    lg_step steps[2] = {{.var = &vars[0]}, {.var = &vars[1]}};
    lg_aim list[2] = {{.step = &steps[0]}, {.step = &steps[1]}};
    lg_aims aims = {.list = list, .n = 2};
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        check_reply(&replies[i], &aims, &m);
    lg__text_unref(vars[0].role);
    lg__text_unref(vars[1].role);
    assert_int_equal(h.live_blocks, 0);
}

/* ---- questions --------------------------------------------------------------- */

static const char *by_letter(script *s, const char *prompt)
{
    if (strstr(prompt, "NODE") || strstr(prompt, "GRAPH"))
        return s->ud;
    return script_reply(s, prompt);
}

static lg_var *learn_by_node(script *s, lg_var *root)
{
    lg_backward b;
    lg_var *pass = NULL;
    lg_backward_init(&b);
    b.model = s->model;
    b.grain = LG_GRAIN_NODE;
    assert_int_equal(lg_backward_start(s->e, root, &b, &pass), 0);
    assert_true(script_run(s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    lg_var_unref(pass);
    return root;
}

static lg_var *answer(script *s, lg_var **style, lg_var **method)
{
    *style = script_leaf(s, "be {brief}", "style", true);
    *method = script_leaf(s, "</A> count", "method", true);
    return script_call(s, *style, *method, "answer", 3);
}

static void start(script *s, const char *reply)
{
    script_start(s);
    s->reply = by_letter;
    s->ud = (void *)(uintptr_t)reply;
}

static void test_one_question_for_all_inputs(void **state)
{
    (void)state;
    script s;
    lg_var *style, *method;
    lg_feedback f;
    start(&s, "B: Say how.\nA: NOTHING TO IMPROVE");
    learn_by_node(&s, answer(&s, &style, &method));
    assert_int_equal(s.n_prompts, 2);
    const char *asked = script_find(&s, "NODE out=answer", 0);
    assert_non_null(strstr(asked, "A. style:\n<A_2>\nbe {brief}\n</A_2>\n\nB. method:\n<B_2>\n"
                                  "</A> count\n</B_2>\n"));
    assert_non_null(strstr(asked, "<SYSTEM>\n[A]\n</SYSTEM>\n<USER>\n[B]\n</USER>"));
    assert_string_equal(script_said(method, 0), "Say how.");
    lg_var_feedback(style, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    lg_var_feedback(method, 0, &f);
    assert_int_equal(f.example, 3);
    assert_non_null(strstr(f.conversation, "<SYSTEM>\nbe {brief}\n</SYSTEM>\n<USER>\n[VARIABLE]"));
    assert_non_null(f.var);
    script_end(&s);
}

/* One input needs no letters; nor does a step whose reply names nothing to improve. */
static void test_one_input_is_asked_as_ever(void **state)
{
    (void)state;
    script s;
    lg_var *style, *method;
    lg_feedback f;
    start(&s, "NOTHING TO IMPROVE");
    lg_var *p = script_leaf(&s, "p", "p", true);
    learn_by_node(&s, script_call(&s, NULL, p, "loss", -1));
    assert_int_equal(script_asked(&s, "BASE role=p"), 1);
    learn_by_node(&s, answer(&s, &style, &method));
    lg_var_feedback(style, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    assert_int_equal(lg_var_feedbacks(method), 1);
    assert_int_equal(script_asked(&s, "NODE"), 1);
    script_end(&s);
}

/* Points go to who caused them: by number to the text that was made, in words to the prompt. */
static void test_points_are_routed(void **state)
{
    (void)state;
    script s;
    lg_var *style, *method;
    start(&s, "A: Say which unit.\nB: #2\nNOBODY: #3");
    lg_var *first = answer(&s, &style, &method);
    lg_var *units = script_leaf(&s, "in feet", "units", true);
    lg_var *last = script_call(&s, units, first, "report", -1);
    lg_var_add_feedback(last, "- wrong unit\n- wrong count\n- it rained", 38);
    learn_by_node(&s, last);
    const char *asked = script_find(&s, "NODE out=report", 0);
    assert_non_null(strstr(asked, "1. wrong unit\n2. wrong count\n3. it rained\n</FEEDBACK>"));
    assert_non_null(strstr(asked, "B. answer (an earlier step made it"));
    asked = script_find(&s, "NODE out=answer", 0);
    assert_non_null(strstr(asked, "<FEEDBACK>\nwrong count\n</FEEDBACK>"));
    assert_string_equal(script_said(units, 0), "Say which unit.");
    assert_string_equal(script_said(method, 0),
                        "- wrong count"); /* of one point any number is it */
    script_end(&s);
}

/* Who does not keep to letters is told so, and then asked about each. */
static void test_without_letters(void **state)
{
    (void)state;
    script s;
    lg_var *style, *method;
    start(&s, "They should be better.");
    learn_by_node(&s, answer(&s, &style, &method));
    assert_int_equal(script_asked(&s, "NODE"), 2);
    assert_int_equal(script_asked(&s, "BASE role=style"), 1);
    assert_int_equal(script_asked(&s, "BASE role=method"), 1);
    assert_int_equal(lg_var_feedbacks(style), 1);
    script_end(&s);
}

/* ---- a batch at once ---------------------------------------------------------- */

static lg_var *learn_by_graph(script *s, lg_var *root, int grain, size_t context_tokens)
{
    lg_backward b;
    lg_var *pass = NULL;
    lg_backward_init(&b);
    b.model = s->model;
    b.grain = grain;
    b.context_tokens = context_tokens;
    assert_int_equal(lg_backward_start(s->e, root, &b, &pass), 0);
    assert_true(script_run(s));
    return pass;
}

static const char *of_the_graph(script *s, const char *prompt)
{
    return strstr(prompt, "GRAPH") ? s->ud : script_reply(s, prompt);
}

enum { CASES = 3 };

/* Draft and report of some questions; the first case is solved. */
static lg_var *batch(script *s, lg_var **draft, lg_var **report, size_t n)
{
    lg_var *loss[64], *mean = NULL;
    *draft = script_leaf(s, "draft it", "how to draft", true);
    *report = script_leaf(s, "report it", "how to report", true);
    for (size_t i = 0; i < n; i++) {
        char q[20];
        snprintf(q, sizeof q, "question %zu", i);
        lg_var *d = script_call(s, *draft, script_leaf(s, q, "q", false), "draft", (int64_t)i);
        loss[i] = script_call(s, *report, d, "loss", (int64_t)i);
        lg_var_set_score(loss[i], i == 0, 1);
    }
    assert_int_equal(lg_mean(s->e, loss, n, 0, &mean), 0);
    return mean;
}

static void test_one_question_for_a_batch(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report;
    lg_feedback f;
    start(&s, "A: Say when.\nB: NOTHING TO IMPROVE");
    s.reply = of_the_graph;
    lg_var *pass = learn_by_graph(&s, batch(&s, &draft, &report, CASES), LG_GRAIN_GRAPH, 0);
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(s.n_prompts, 2 * CASES + 1);
    const char *asked = script_find(&s, "GRAPH", 0);
    assert_non_null(strstr(asked, "A. how to report:\n<A>\nreport it\n</A>\n"));
    assert_non_null(strstr(asked, "1 of 3 cases solved\n"));
    assert_null(strstr(asked, "question 0"));
    assert_non_null(strstr(asked, "Case 1 (example 1), scored 0 of 1:\nStep 1 makes \"draft\":\n"
                                  "<SYSTEM>\n[B]\n</SYSTEM>\n<USER>\nquestion 1\n</USER>\n"));
    assert_non_null(strstr(asked, "Step 2 makes \"loss\":\n<SYSTEM>\n[A]\n</SYSTEM>\n<USER>\n"
                                  "[step 1]\n</USER>\n"));
    assert_int_equal(lg_var_feedbacks(report), 1);
    assert_string_equal(script_said(report, 0), "Say when.");
    lg_var_feedback(report, 0, &f);
    assert_non_null(strstr(f.conversation, "Case 2 (example 2)"));
    assert_non_null(f.var);
    lg_var_feedback(draft, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    lg_var_unref(pass);
    script_end(&s);
}

/* A batch that is too long for one question is several; what they say is merged. */
static void test_a_long_batch(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report;
    lg_feedback f;
    start(&s,
          "B: Say why, and when, and who it was, and how much it costs, at the very least once.");
    s.reply = of_the_graph;
    lg_var *pass = learn_by_graph(&s, batch(&s, &draft, &report, 10), LG_GRAIN_GRAPH, 3000);
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(script_asked(&s, "GRAPH"), 3);
    assert_int_equal(script_asked(&s, "REDUCE role=how to draft"), 1);
    assert_int_equal(script_asked(&s, "REDUCE role=how to report"), 0);
    assert_int_equal(lg_var_feedbacks(draft), 1);
    lg_var_feedback(draft, 0, &f);
    assert_int_equal(f.n_sources, 3);
    lg_var_unref(pass);
    script_end(&s);
}

static void test_a_solved_batch_asks_nothing(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report;
    lg_feedback f;
    start(&s, "A: no");
    lg_var *pass = learn_by_graph(&s, batch(&s, &draft, &report, 1), LG_GRAIN_GRAPH, 0);
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(s.n_prompts, 2);
    lg_var_feedback(draft, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    assert_true(f.has_score && f.score == 1);
    lg_var_unref(pass);
    script_end(&s);
}

/* By the plan alone: long examples are shown whole, short ones asked about step by step. */
static void test_auto(void **state)
{
    (void)state;
    for (int deep = 2; deep <= 5; deep += 3) {
        script s;
        start(&s, "A: x");
        lg_var *at = script_leaf(&s, "q", "q", false), *p = NULL;
        for (int i = 0; i < deep; i++) {
            p = script_leaf(&s, "p", "p", true);
            at = script_call(&s, p, at, i + 1 < deep ? "step" : "loss", -1);
        }
        lg_var_unref(learn_by_graph(&s, at, LG_GRAIN_AUTO, 0));
        assert_int_equal(script_asked(&s, "GRAPH") > 0, deep == 5);
        assert_int_equal(script_asked(&s, "NODE") + script_asked(&s, "CHAIN") > 0, deep == 2);
        script_end(&s);
    }
}

/* One parameter needs no letter; more than a dozen are asked about step by step. */
static void test_few_and_many_parameters(void **state)
{
    (void)state;
    script s;
    lg_var *many[LG_LETTERS + 1], *all = NULL;
    start(&s, "Say where.");
    s.reply = of_the_graph;
    many[0] = script_leaf(&s, "p", "p", true);
    lg_var_unref(learn_by_graph(&s, script_call(&s, NULL, many[0], "x", -1), LG_GRAIN_GRAPH, 0));
    assert_string_equal(script_said(many[0], 0), "Say where.");
    for (int i = 0; i <= LG_LETTERS; i++)
        many[i] = script_leaf(&s, "p", "p", true);
    assert_int_equal(lg_concat(s.e, many, LG_LETTERS + 1, "all", &all), 0);
    lg_var_unref(learn_by_graph(&s, script_call(&s, NULL, all, "x", -1), LG_GRAIN_GRAPH, 0));
    assert_int_equal(script_asked(&s, "GRAPH"), 1);
    assert_int_equal(script_asked(&s, "BASE role=p"), LG_LETTERS + 1);
    script_end(&s);
}

static void test_failures(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report;
    start(&s, "They should be better.");
    s.reply = of_the_graph;
    lg_var *root = batch(&s, &draft, &report, CASES);
    lg_var *pass = learn_by_graph(&s, root, LG_GRAIN_GRAPH, 0);
    assert_int_equal(lg_var_state(pass), LG_READY); /* malformed, and told so */
    assert_non_null(strstr(lg_var_text(pass, NULL), "2 malformed"));
    lg_var_unref(pass);
    lg_backward b;
    lg_backward_init(&b); /* no model */
    b.grain = LG_GRAIN_GRAPH;
    assert_int_equal(lg_backward_start(s.e, root, &b, &pass), 0);
    assert_true(script_run(&s));
    assert_error(pass, LG_EINVAL, "backward model");
    lg_var_unref(pass);
    b.grain = LG_GRAIN_AUTO + 1;
    assert_int_equal(lg_backward_start(s.e, root, &b, &pass), LG_EINVAL);
    script_end(&s);
}

/* The question given back, letters and trace and all, is no feedback; a mark of the text itself
 * may be spoken of. */
static void test_the_question_given_back(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report;
    lg_feedback f;
    start(&s, "A: how to report:\n<A>\nreport it\n</A>\nB: It did this:\n<TRACE>\nCase 1");
    s.reply = of_the_graph;
    lg_var *root = batch(&s, &draft, &report, CASES);
    lg_var *pass = learn_by_graph(&s, root, LG_GRAIN_GRAPH, 0);
    assert_non_null(strstr(lg_var_text(pass, NULL), "2 malformed"));
    lg_var_feedback(draft, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    lg_var_feedback(report, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    lg_var_unref(pass);
    script_end(&s);

    start(&s, "A: Say what stands in <A></A>.\nB: NOTHING TO IMPROVE");
    s.reply = of_the_graph;
    draft = script_leaf(&s, "draft it", "how to draft", true);
    report = script_leaf(&s, "report it in <A></A>", "how to report", true);
    root = script_call(&s, draft, script_leaf(&s, "question", "q", false), "draft", 0);
    root = script_call(&s, report, root, "loss", 0);
    lg_var_set_score(root, 0, 1);
    lg_var_unref(learn_by_graph(&s, root, LG_GRAIN_GRAPH, 0));
    assert_string_equal(script_said(report, 0), "Say what stands in <A></A>.");
    script_end(&s);
}

/* What the host makes a parameter meanwhile is one for the next pass. */
static void test_a_parameter_made_meanwhile(void **state)
{
    (void)state;
    script s;
    lg_var *draft, *report, *pass = NULL;
    start(&s, "A: x");
    lg_var *root = batch(&s, &draft, &report, CASES);
    assert_true(script_run(&s));
    lg_backward b;
    lg_backward_init(&b);
    b.model = s.model;
    b.grain = LG_GRAIN_GRAPH;
    assert_int_equal(lg_backward_start(s.e, root, &b, &pass), 0);
    script_take(&s); /* it is asked */
    assert_int_equal(lg_var_set_grad(root, true), 0);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(lg_var_feedbacks(root), 0);
    lg_var_unref(pass);
    script_end(&s);
}

static int short_of_memory(support_heap *h, void *ctx)
{
    script s;
    lg_config cfg;
    support_config(&cfg, h);
    lg_backward b;
    lg_var *pass = NULL, *x = NULL;
    int err = script_try(&s, &cfg);
    s.reply = by_letter;
    s.ud = (void *)(uintptr_t) "A: #1\nB: two";
    lg_var *in[2] = {NULL, NULL};
    for (int i = 0; !err && i < 2; i++)
        err = lg_var_new(s.e, "text", 4, i ? "method" : "style", true, &in[i]);
    if (!err)
        x = script_call(&s, in[0], in[1], "x", -1);
    if (!err && !x)
        err = LG_ENOMEM;
    lg_backward_init(&b);
    b.model = s.model;
    b.grain = *(int *)ctx;
    if (!err)
        err = lg_backward_start(s.e, x, &b, &pass);
    if (!err)
        err = script_run(&s) && lg_var_state(pass) == LG_READY ? LG_OK : LG_ENOMEM;
    if (!err)
        assert_true(lg_var_feedbacks(in[0]) == 1 && lg_var_feedbacks(in[1]) == 1);
    script_end(&s); /* all that is left goes with the engine */
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    for (int grain = LG_GRAIN_NODE; grain <= LG_GRAIN_GRAPH; grain++)
        oom_sweep(short_of_memory, &grain);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_replies_by_letter),
    cmocka_unit_test(test_one_question_for_all_inputs),
    cmocka_unit_test(test_one_input_is_asked_as_ever),
    cmocka_unit_test(test_points_are_routed),
    cmocka_unit_test(test_without_letters),
    cmocka_unit_test(test_one_question_for_a_batch),
    cmocka_unit_test(test_a_long_batch),
    cmocka_unit_test(test_a_solved_batch_asks_nothing),
    cmocka_unit_test(test_auto),
    cmocka_unit_test(test_few_and_many_parameters),
    cmocka_unit_test(test_failures),
    cmocka_unit_test(test_the_question_given_back),
    cmocka_unit_test(test_a_parameter_made_meanwhile),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
