/* test_aims.c - whom a question is about: the variables behind templates, joined texts and
 * promises, each once, by its own role, whole, with its places marked. */
#include "../scripted.h"

static lg_var *format1(script *s, const char *text, const char *name, lg_var *v)
{
    lg_var *out = NULL, *t = script_leaf(s, text, "template", false);
    assert_int_equal(lg_format(s->e, t, &name, &v, 1, "what is to be judged", false, &out), 0);
    return out;
}

static lg_var *join(script *s, lg_var *a, lg_var *b)
{
    lg_var *v = NULL;
    assert_int_equal(lg_concat(s->e, (lg_var *[]){a, b}, 2, "joined", &v), 0);
    return v;
}

/* Two trainable fields of one frame: two questions, by their roles, each beside the other. */
static void test_fields_are_told_apart(void **state)
{
    (void)state;
    script s;
    lg_var *text = NULL;
    const char *names[] = {"a", "b"};
    script_start(&s);
    lg_var *a = script_leaf(&s, "be brief", "style", true);
    lg_var *b = script_leaf(&s, "count", "method", true);
    lg_var *t = script_leaf(&s, "A: {a} B: {b}", "template", false);
    assert_int_equal(lg_format(s.e, t, names, (lg_var *[]){a, b}, 2, "frame", false, &text), 0);
    script_learn(&s, script_call(&s, text, script_leaf(&s, "q", "q", false), "loss", -1));
    assert_int_equal(s.n_prompts, 3);
    const char *of_a = script_find(&s, "BASE role=style out=loss", 0);
    const char *of_b = script_find(&s, "BASE role=method out=loss", 0);
    assert_non_null(strstr(of_a, "<SYSTEM>\nA: [VARIABLE] B: count\n</SYSTEM>"));
    assert_non_null(strstr(of_b, "<SYSTEM>\nA: be brief B: [VARIABLE]\n</SYSTEM>"));
    assert_non_null(strstr(of_a, "<VARIABLE>\nbe brief\n</VARIABLE>"));
    assert_non_null(strstr(of_a, " beside \"method\";"));
    assert_non_null(strstr(of_b, " beside \"style\";"));
    assert_string_not_equal(script_said(a, 0), script_said(b, 0));
    script_end(&s);
}

static void test_frames_within_frames(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *p = script_leaf(&s, "be brief", "style", true);
    lg_var *inner = format1(&s, "<{x}>", "x", p);
    lg_var *outer = format1(&s, "({x})", "x", join(&s, inner, inner));
    lg_var *all = join(&s, outer, script_leaf(&s, "!", "x", false));
    script_learn(&s, script_call(&s, all, join(&s, p, p), "loss", -1));
    assert_int_equal(s.n_prompts, 2);
    assert_int_equal(lg_var_feedbacks(p), 1);
    lg_var_feedback(p, 0, &f);
    assert_non_null(strstr(f.conversation, "<SYSTEM>\n(<[VARIABLE]><[VARIABLE]>)!\n</SYSTEM>\n"
                                           "<USER>\n[VARIABLE][VARIABLE]\n</USER>"));
    assert_null(strstr(f.conversation, "be brief"));
    script_end(&s);
}

/* What is trained itself is asked about, not what it is made of, which hears the same. */
static void test_a_trained_frame(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "be brief", "style", true);
    lg_var *frame = format1(&s, "<{x}>", "x", p);
    assert_int_equal(lg_var_set_grad(frame, true), 0);
    script_learn(&s, script_call(&s, NULL, join(&s, frame, frame), "loss", -1));
    assert_int_equal(s.n_prompts, 2);
    const char *asked = script_find(&s, "BASE role=what is to be judged", 0);
    assert_non_null(strstr(asked, "<VARIABLE>\n<be brief>\n</VARIABLE>"));
    assert_non_null(strstr(asked, "<USER>\n[VARIABLE][VARIABLE]\n</USER>"));
    assert_string_equal(script_said(frame, 0), script_said(p, 0));
    assert_int_equal(lg_var_set(frame, "<be clear>", 10), 0);
    script_end(&s);
}

/* Feedback ends at a frozen answer; beside it, it goes on. */
static void test_a_frozen_answer(void **state)
{
    (void)state;
    for (int detached = 0; detached < 2; detached++) {
        script s;
        script_start(&s);
        lg_var *p = script_leaf(&s, "be brief", "style", true);
        lg_var *q = script_leaf(&s, "judge", "manner", true);
        lg_var *x = script_call(&s, NULL, p, "answer", 7), *y = x;
        if (detached)
            assert_int_equal(lg_var_detach(x, &y), 0); /* it is pending still */
        else
            assert_int_equal(lg_var_set_grad(x, false), 0);
        assert_false(lg_var_grad(y));
        script_learn(&s, script_call(&s, q, y, "loss", -1));
        assert_string_equal(lg_var_text(y, NULL), lg_var_text(x, NULL));
        assert_string_equal(lg_var_role(y), "answer");
        assert_int_equal(lg_var_example(y), 7);
        assert_int_equal(lg_var_feedbacks(p), 0);
        assert_int_equal(lg_var_feedbacks(q), 1);
        assert_int_equal(s.n_prompts, 3);
        if (detached)
            lg_var_unref(y);
        script_end(&s);
    }
}

/* A text that was put in the place of a joined one, read before and behind that; and one put in
 * the place of one that failed. */
static void test_a_text_put_in_its_place(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "be brief", "style", true);
    lg_var *frame = format1(&s, "<{x}>", "x", p), *bad = format1(&s, "{y}", "x", p);
    assert_true(script_run(&s));
    lg_var *before = script_call(&s, NULL, frame, "before", -1);
    assert_int_equal(lg_var_set(frame, "[be clear]", 10), 0);
    assert_int_equal(lg_var_set(bad, "be kind", 7), 0);
    lg_var *behind = script_call(&s, bad, frame, "behind", -1);
    script_learn(&s, before);
    assert_non_null(strstr(script_find(&s, "BASE role=style out=before", 0), "<[VARIABLE]>"));
    script_learn(&s, behind);
    const char *asked = script_find(&s, "BASE role=what is to be judged out=behind", 0);
    assert_non_null(strstr(asked, "<SYSTEM>\n[VARIABLE]\n</SYSTEM>"));
    asked = script_find(&s, "BASE role=what is to be judged out=behind", 1);
    assert_non_null(strstr(asked, "<USER>\n[VARIABLE]\n</USER>"));
    assert_int_equal(lg_var_feedbacks(p), 2); /* the frame's goes on, the other's does not */
    script_end(&s);
}

/* A failed pass is told to a trained answer, as to a leaf. */
static void test_a_trained_answer_hears_of_failed_passes(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *x = script_tool_call(&s, s.tool, script_leaf(&s, "x", "x", false), "draft");
    assert_int_equal(lg_var_set_grad(x, true), 0);
    lg_var *loss = script_call(&s, NULL, x, "loss", -1), *pass = NULL;
    lg_backward b;
    lg_backward_init(&b); /* without a model */
    assert_int_equal(lg_backward_start(s.e, loss, &b, &pass), 0);
    assert_true(script_run(&s));
    assert_ptr_equal(lg_var_pass(x), pass);
    assert_int_equal(lg_var_state(pass), LG_FAILED);
    assert_int_equal(lg_var_zero_grad(x), 0);
    assert_null(lg_var_pass(x));
    script_learn(&s, loss);
    assert_int_equal(lg_var_feedbacks(x), 1);
    lg_var_unref(pass);
    script_end(&s);
}

/* A trainable template: its place is all that was made with it. */
static void test_a_template_is_shown_filled_in(void **state)
{
    (void)state;
    script s;
    lg_var *text = NULL;
    const char *names[] = {"q"};
    script_start(&s);
    lg_var *t = script_leaf(&s, "Question: {q}", "prompt template", true);
    lg_var *q = script_leaf(&s, "how many?", "question", false);
    assert_int_equal(lg_format(s.e, t, names, &q, 1, "frame", false, &text), 0);
    script_learn(&s, script_call(&s, NULL, text, "loss", -1));
    const char *asked = script_find(&s, "BASE role=prompt template", 0);
    assert_non_null(strstr(asked, "<VARIABLE>\nQuestion: {q}\n</VARIABLE>"));
    assert_non_null(strstr(asked, "<USER>\n[VARIABLE]\nQuestion: how many?\n</USER>"));
    script_end(&s);
}

/* What was produced is asked about as such; who produced it is asked in turn. */
static void test_what_was_made(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *answer = script_call(&s, p, script_leaf(&s, "q", "q", false), "answer", -1);
    lg_var *judge = script_leaf(&s, "Is it kind?", "judge", false);
    script_learn(&s, script_call(&s, judge, format1(&s, "[{x}]", "x", answer), "loss", -1));
    assert_int_equal(s.n_prompts, 4);
    const char *base = script_find(&s, "BASE role=answer out=loss", 0);
    assert_non_null(strstr(base, "<USER>\n[[VARIABLE]]\n</USER>"));
    assert_non_null(strstr(base, " made"));
    const char *chain = script_find(&s, "CHAIN role=p out=answer", 0);
    assert_non_null(strstr(chain, " judged by Is it kind?;")); /* upstream it is told, too */
    assert_null(strstr(chain, " made"));
    assert_null(strstr(base, " judged by"));
    script_end(&s);
}

/* A function's own feedback on a frame reaches what the frame is made of. */
static void test_own_feedback_goes_through(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", true);
    script_learn(&s, script_tool_call(&s, s.own, join(&s, p, q), "score"));
    assert_int_equal(lg_var_feedbacks(p), 1);
    assert_int_equal(lg_var_feedbacks(q), 1);
    lg_var_feedback(p, 0, &f);
    assert_string_equal(f.text, "own feedback 0");
    assert_non_null(strstr(f.conversation, "\n[VARIABLE]x\n"));
    lg_var_feedback(q, 0, &f);
    assert_non_null(strstr(f.conversation, "\nprompt[VARIABLE]\n"));
    script_end(&s);
}

/* A frame that is an outcome of its own, or has feedback by hand, passes it on as ever. */
static void test_a_frame_is_heard_by_hand(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", true);
    lg_var *both = join(&s, p, q);
    assert_int_equal(lg_var_add_feedback(both, "too long", 8), 0);
    script_learn(&s, script_call(&s, NULL, both, "loss", -1));
    assert_int_equal(lg_var_feedbacks(p), 2);
    assert_int_equal(lg_var_feedbacks(q), 2);
    bool heard = false;
    for (size_t i = 0; i < 2; i++)
        heard = heard || strcmp(script_said(p, i), "too long") == 0;
    assert_true(heard);
    script_end(&s);
}

/* A chain of frames as long as a user's loop makes it: no stack, the text marked once. */
static void test_a_long_chain(void **state)
{
    enum { N = 20000 };
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *p = script_leaf(&s, "x", "p", true), *v = p;
    lg_var *none = script_leaf(&s, "", "nothing", false);
    for (int i = 0; i < N; i++) {
        lg_var *next = join(&s, v, none);
        if (v != p)
            lg_var_unref(v);
        v = next;
    }
    script_learn(&s, script_call(&s, NULL, v, "loss", -1));
    assert_int_equal(lg_var_feedbacks(p), 1);
    lg_var_feedback(p, 0, &f);
    assert_non_null(strstr(f.conversation, "<USER>\n[VARIABLE]\n</USER>"));
    script_end(&s);
}

/* Many who use one frame give to its fields in the order of the graph. */
static void test_order_through_a_shared_frame(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        script s;
        lg_var *loss[8], *all = NULL;
        script_start(&s);
        s.random = seed;
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        lg_var *frame = format1(&s, "<{x}>", "x", p);
        for (int i = 0; i < 8; i++) {
            char q[16];
            snprintf(q, sizeof q, "q%d", i);
            loss[i] = script_call(&s, frame, script_leaf(&s, q, "q", false), "loss", i);
        }
        assert_int_equal(lg_sum(s.e, loss, 8, 0, &all), 0);
        script_learn(&s, all);
        assert_int_equal(lg_var_feedbacks(p), 8);
        for (int i = 0; i < 8; i++) {
            lg_feedback f;
            lg_var_feedback(p, (size_t)i, &f);
            assert_int_equal(f.example, i);
        }
        script_end(&s);
    }
}

/* Long inputs share the room that short ones leave; the mark of the variable is there. */
static void test_the_variable_is_whole_and_once(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    char *long_text = malloc(40001);
    memset(long_text, 'w', 40000);
    long_text[40000] = '\0';
    for (size_t i = 5; i < 40000; i += 6)
        long_text[i] = ' ';
    lg_var *p = script_leaf(&s, long_text, "p", true);
    lg_var *q = script_leaf(&s, "short", "q", false);
    script_learn(&s, script_call(&s, format1(&s, "Rules: {x}", "x", p), q, "loss", -1));
    const char *asked = script_find(&s, "BASE role=p", 0);
    const char *at = strstr(asked, long_text);
    assert_non_null(at);
    assert_null(strstr(at + 40000, "wwwww wwwww"));
    assert_non_null(strstr(asked, "<SYSTEM>\nRules: [VARIABLE]\n</SYSTEM>"));
    assert_true(strlen(asked) < 41000);
    free(long_text);
    script_end(&s);
}

static int short_of_memory(support_heap *h, void *ctx)
{
    (void)ctx;
    script s;
    lg_config cfg;
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    lg_var *p = NULL, *q = NULL, *both = NULL, *twice = NULL, *loss = NULL, *pass = NULL;
    if (!err)
        err = lg_var_new(s.e, "prompt", 6, "p", true, &p);
    if (!err)
        err = lg_var_new(s.e, "style", 5, "q", true, &q);
    if (!err)
        err = lg_concat(s.e, (lg_var *[]){p, q}, 2, "both", &both);
    if (!err)
        err = lg_concat(s.e, (lg_var *[]){both, p}, 2, "twice", &twice);
    if (!err)
        loss = script_call(&s, both, twice, "loss", -1);
    if (!err && !loss)
        err = LG_ENOMEM;
    if (!err)
        pass = script_backward(&s, loss);
    if (!err && !pass)
        err = LG_ENOMEM;
    if (!err)
        err = script_run(&s) && lg_var_state(pass) == LG_READY ? LG_OK : LG_ENOMEM;
    if (!err)
        assert_true(lg_var_feedbacks(p) == 1 && lg_var_feedbacks(q) == 1);
    script_end(&s);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(short_of_memory, NULL);
}

/* A question to a critic speaks of marks itself: those get a number. */
static void test_a_mark_that_was_there_before(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *p = script_leaf(&s, "be brief", "p", true);
    lg_var *q = script_leaf(&s, "[VARIABLE] marks it: a[VARIABLE]", "q", false);
    script_learn(&s, script_call(&s, p, q, "loss", -1));
    assert_int_equal(lg_var_feedback(p, 0, &f), LG_OK);
    assert_non_null(strstr(f.conversation, "<SYSTEM>\n[VARIABLE]\n</SYSTEM>"));
    assert_non_null(strstr(f.conversation, "\n[VARIABLE_1] marks it: a[VARIABLE_1]\n"));
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_mark_that_was_there_before),
    cmocka_unit_test(test_fields_are_told_apart),
    cmocka_unit_test(test_frames_within_frames),
    cmocka_unit_test(test_a_trained_frame),
    cmocka_unit_test(test_a_frozen_answer),
    cmocka_unit_test(test_a_text_put_in_its_place),
    cmocka_unit_test(test_a_trained_answer_hears_of_failed_passes),
    cmocka_unit_test(test_a_template_is_shown_filled_in),
    cmocka_unit_test(test_what_was_made),
    cmocka_unit_test(test_own_feedback_goes_through),
    cmocka_unit_test(test_a_frame_is_heard_by_hand),
    cmocka_unit_test(test_a_long_chain),
    cmocka_unit_test(test_order_through_a_shared_frame),
    cmocka_unit_test(test_the_variable_is_whole_and_once),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
