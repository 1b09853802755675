/* test_gradient_reduce.c - what comes through a mean becomes one piece for each
 * parameter: one call, or a tree of them within the budget; sources are kept. */
#include "../scripted.h"

/* n losses of one prompt, through a mean. */
static lg_var *mean_of(script *s, lg_var *p, int n, unsigned flags, lg_var **loss)
{
    lg_var *mean = NULL, *own[200];
    loss = loss ? loss : own;
    for (int i = 0; i < n; i++) {
        char q[24];
        snprintf(q, sizeof q, "question %d", i);
        loss[i] = script_call(s, p, script_leaf(s, q, "q", false), "loss", i);
    }
    assert_int_equal(lg_mean(s->e, loss, (size_t)n, flags, &mean), 0);
    return mean;
}

static lg_var *backward(script *s, lg_var *root, size_t context_tokens, bool skip_failed)
{
    lg_backward b;
    lg_var *pass = NULL;
    lg_backward_init(&b);
    b.model = s->model;
    b.context_tokens = context_tokens;
    b.skip_failed = skip_failed;
    assert_int_equal(lg_backward_start(s->e, root, &b, &pass), 0);
    return pass;
}

static void test_one_call_a_parameter(void **state)
{
    (void)state;
    script s;
    lg_feedback f, source;
    lg_var *loss[5], *mean = NULL;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "style", "q", true);
    for (int i = 0; i < 5; i++) {
        char x[24];
        snprintf(x, sizeof x, "question %d", i);
        lg_var *a = script_call(&s, p, script_leaf(&s, x, "x", false), "answer", i);
        loss[i] = script_call(&s, q, a, "loss", i);
    }
    lg_mean(s.e, loss, 5, 0, &mean);
    script_learn(&s, mean);
    assert_int_equal(script_asked(&s, "REDUCE role=p"), 1);
    assert_int_equal(script_asked(&s, "REDUCE role=q"), 1);
    assert_int_equal(script_stats(&s).calls_by_kind[LG_BACKWARD], 5 * 3 + 2);
    const char *asked = script_find(&s, "REDUCE role=p", 0);
    assert_non_null(strstr(asked, "system: Merge.\n"));
    assert_non_null(strstr(asked, "<VARIABLE>\nprompt\n</VARIABLE>\n<FEEDBACK>\n"
                                  "1. (example 0) fb-"));
    assert_non_null(strstr(asked, "\n5. (example 4) fb-"));
    assert_null(strstr(asked, "\n6. "));
    assert_int_equal(lg_var_feedbacks(p), 1);
    lg_var_feedback(p, 0, &f);
    assert_int_equal(f.state, LG_FB_TEXT);
    assert_true(strncmp(f.text, "merged-", 7) == 0);
    assert_int_equal(f.n_sources, 5);
    assert_int_equal(f.example, -1); /* several */
    assert_string_equal(lg_var_text(f.var, NULL), f.text);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(lg_var_feedback_source(p, 0, (size_t)i, &source), 0);
        assert_int_equal(source.example, i);
        assert_true(strncmp(source.text, "fb-", 3) == 0);
        assert_non_null(source.conversation);
        assert_non_null(strstr(asked, source.text));
        assert_int_equal(source.n_sources, 0);
    }
    assert_int_equal(lg_var_feedback_source(p, 0, 5, &source), LG_ENOTFOUND);
    /* in between nothing is merged */
    assert_int_equal(lg_var_feedbacks(loss[0]), 1);
    script_end(&s);
}

static void score_half(script *s, const script_work *w)
{
    double score = lg_var_example(w->var) == 0 ? 1 : 0.25 * (double)lg_var_example(w->var);
    lg_tool_return(s->e, w->id, "x", 1, &score, 1);
}

/* Solved samples say nothing, but are told of; two short pieces are no work for a merge. */
static void test_solved_are_not_merged(void **state)
{
    (void)state;
    for (int n = 2; n <= 4; n++) {
        script s;
        lg_feedback f;
        lg_var *loss[4], *mean = NULL;
        script_start(&s);
        s.on_tool = score_half;
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        for (int i = 0; i < n; i++) {
            char x[24];
            snprintf(x, sizeof x, "question %d", i);
            lg_var *a = script_call(&s, p, script_leaf(&s, x, "x", false), "answer", i);
            loss[i] = script_tool_call(&s, s.tool, a, "loss");
            lg_var_set_example(loss[i], i);
        }
        lg_mean(s.e, loss, (size_t)n, 0, &mean);
        script_learn(&s, mean);
        assert_int_equal(script_asked(&s, "REDUCE"), n == 4);
        assert_int_equal(script_asked(&s, "\n1 of 4 solved\n"), n == 4);
        assert_int_equal(script_asked(&s, "1. (example 1) (scored 0.25 of 1) fb-"), n == 4);
        assert_int_equal(script_asked(&s, "\nThis is about:\n<SYSTEM>\n[VARIABLE]\n"), n == 4);
        assert_int_equal(lg_var_feedbacks(p), n == 3 ? 3 : 2);
        lg_var_feedback(p, 0, &f);
        assert_int_equal(f.state, LG_FB_EMPTY);
        assert_int_equal(f.example, 0);
        assert_non_null(strstr(f.conversation, "question 0")); /* what it does well */
        lg_var_feedback(p, 1, &f);
        assert_int_equal(f.state, LG_FB_TEXT);
        assert_int_equal(f.n_sources, n == 4 ? 3 : 0);
        assert_true(f.has_score && f.score == (n == 4 ? 0.5 : 0.25) && f.target == 1);
        script_end(&s);
    }
}

/* A sum beside the mean is left as it is; two means are two pieces. */
static void test_groups(void **state)
{
    (void)state;
    script s;
    lg_var *root = NULL, *inner = NULL;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *a = mean_of(&s, p, 3, 0, NULL);
    lg_var *single = script_call(&s, NULL, p, "single", -1);
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *more[3] = {script_call(&s, p, x, "other", 10), script_call(&s, x, p, "other", 11),
                       script_call(&s, NULL, p, "other", 12)};
    lg_mean(s.e, more, 3, 0, &inner);
    lg_sum(s.e, (lg_var *[]){a, single, inner}, 3, 0, &root);
    script_learn(&s, root);
    assert_int_equal(script_asked(&s, "REDUCE"), 2);
    assert_int_equal(lg_var_feedbacks(p), 3);
    size_t sources[3];
    for (size_t i = 0; i < 3; i++) {
        lg_feedback f;
        lg_var_feedback(p, i, &f);
        sources[i] = f.n_sources;
    }
    assert_int_equal(sources[0], 0); /* what was not merged, then the merged ones */
    assert_int_equal(sources[1], 3);
    assert_int_equal(sources[2], 3);
    script_end(&s);
}

static const char *long_reply(script *s, const char *prompt)
{
    static char text[2000];
    (void)s;
    if (strstr(prompt, "REDUCE"))
        snprintf(text, sizeof text, "merged-%08x", (unsigned)script_hash(prompt));
    else
        snprintf(text, sizeof text, "fb-%08x %0*d", (unsigned)script_hash(prompt), 160, 7);
    return text;
}

/* 49 tokens each, a budget for four: 13 pieces are 4 + 4 + 4 + 1, those 4 are one. */
static void test_tree_within_the_budget(void **state)
{
    (void)state;
    char *first = NULL;
    for (uint64_t seed = 0; seed < 8; seed++) {
        script s;
        lg_feedback f;
        script_start(&s);
        s.reply = long_reply;
        s.random = seed;
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        lg_var *pass = backward(&s, mean_of(&s, p, 13, 0, NULL), 210, false);
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(pass), LG_READY);
        assert_int_equal(script_asked(&s, "REDUCE"), 4);
        assert_int_equal(script_asked(&s, "<FEEDBACK>\n1. merged-"), 1);
        assert_int_equal(script_asked(&s, "\n4. "), 4); /* the left-over one goes up */
        for (size_t i = 0; i < 4; i++) {
            assert_true(lg_token_estimate(script_find(&s, "REDUCE", i),
                                          strlen(script_find(&s, "REDUCE", i))) < 260);
        }
        assert_int_equal(lg_var_feedbacks(p), 1);
        lg_var_feedback(p, 0, &f);
        assert_int_equal(f.n_sources, 13);
        char *all = script_feedback(p);
        if (first)
            assert_string_equal(all, first);
        else
            first = strdup(all);
        free(all);
        script_end(&s);
    }
    free(first);
}

/* However small the budget, each level is shorter than the one below. */
static void test_tiny_budget(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    s.reply = long_reply;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *pass = backward(&s, mean_of(&s, p, 9, 0, NULL), 40, false);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(script_asked(&s, "REDUCE"), 7); /* 4 pairs, 2 groups of theirs, 1 */
    lg_var_feedback(p, 0, &f);
    assert_int_equal(f.n_sources, 9);
    script_end(&s);
}

/* ---- when the merging fails --------------------------------------------- */

static const char *no_merge(script *s, const char *prompt)
{
    return strstr(prompt, "REDUCE") ? NULL : long_reply(s, prompt);
}

static void test_failed_merge_keeps_the_pieces(void **state)
{
    (void)state;
    char *told = NULL;
    for (uint64_t seed = 0; seed < 12; seed++) {
        script s;
        script_start(&s);
        s.reply = no_merge;
        s.random = seed;
        lg_var *p = script_leaf(&s, "prompt", "p", true), *q = script_leaf(&s, "x", "q", true);
        lg_var *loss[13];
        lg_var *mean = mean_of(&s, p, 13, 0, loss), *both = NULL;
        lg_sum(s.e, (lg_var *[]){mean, script_call(&s, NULL, q, "beside", -1)}, 2, 0, &both);
        lg_var *pass = backward(&s, both, 210, seed % 2 != 0);
        assert_true(script_run(&s));
        assert_int_equal(script_asked(&s, "REDUCE"), 3);
        assert_int_equal(lg_var_feedbacks(p), 13);
        assert_int_equal(lg_var_feedbacks(q), 1);
        assert_string_equal(script_said(p, 12) + 11, script_said(p, 0) + 11);
        if (seed % 2) {
            assert_int_equal(lg_var_state(pass), LG_READY);
            assert_non_null(strstr(lg_var_text(pass, NULL), "left out: feedback on p"));
        } else {
            assert_error(pass, LG_EREFUSED, "the model refused");
            assert_ptr_equal(lg_var_pass(p), pass);
            if (told) /* the first of the three, whichever failed first */
                assert_string_equal(script_error(pass), told);
            else
                told = strdup(script_error(pass));
        }
        script_end(&s);
    }
    free(told);
}

static const char *blank_merge(script *s, const char *prompt)
{
    return strstr(prompt, "REDUCE") ? "Nothing to improve." : long_reply(s, prompt);
}

static void test_merged_to_nothing(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    s.reply = blank_merge;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    script_learn(&s, mean_of(&s, p, 3, 0, NULL));
    assert_int_equal(lg_var_feedbacks(p), 1);
    lg_var_feedback(p, 0, &f);
    assert_int_equal(f.state, LG_FB_EMPTY);
    assert_int_equal(f.n_sources, 3);
    script_end(&s);
}

/* A host that sets no templates has those of lua/lunagrad/prompts.lua. */
static void test_built_in(void **state)
{
    (void)state;
    script s;
    lg_config cfg;
    memset(&s, 0, sizeof s);
    support_config(&cfg, NULL);
    lg_model_config m;
    lg_model_config_init(&m);
    m.dialect = m.name = "host";
    assert_int_equal(lg_engine_new(&cfg, &s.e), 0);
    assert_int_equal(lg_model_new(s.e, &m, &s.model), 0);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *pass = backward(&s, mean_of(&s, p, 3, 0, NULL), 0, false);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_int_equal(script_asked(&s, "Give feedback on a variable with the role \"p\""), 3);
    assert_int_equal(lg_var_feedbacks(p), 1);
    script_end(&s);
}

/* ---- inputs that failed ------------------------------------------------- */

static const char *refuse_some(script *s, const char *prompt)
{
    if (!strstr(prompt, "BASE") && !strstr(prompt, "CHAIN") && strstr(prompt, "question 1"))
        return NULL;
    return script_reply(s, prompt);
}

/* Left out forward, left out backward, with all that failed before it. */
static void test_skip_failed_inputs(void **state)
{
    (void)state;
    for (int deep = 0; deep < 2; deep++) {
        script s;
        lg_var *loss[3], *mean = NULL;
        script_start(&s);
        s.reply = refuse_some;
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        for (int i = 0; i < 3; i++) {
            char q[24];
            snprintf(q, sizeof q, "question %d", i);
            loss[i] = script_call(&s, p, script_leaf(&s, q, "q", false), "answer", i);
            for (int k = 0; k < deep * 3; k++) {
                loss[i] = k == 1 ? script_tool_call(&s, s.tool, loss[i], "tool")
                                 : script_call(&s, NULL, loss[i], "next", i);
            }
        }
        lg_mean(s.e, loss, 3, LG_SKIP_FAILED, &mean);
        lg_var *pass = backward(&s, mean, 0, false);
        assert_true(script_run(&s));
        assert_int_equal(lg_var_state(mean), LG_READY);
        if (lg_var_state(pass) != LG_READY)
            fail_msg("deep %d: %s", deep, script_error(pass));
        assert_int_equal(lg_var_feedbacks(p), 2);
        assert_true(strncmp(script_said(p, 0), "fb-", 3) == 0);
        script_end(&s);
    }
}

/* A sum that failed inside one that skips it: its input's failure is skipped, too. */
static void test_skip_a_failed_sum(void **state)
{
    (void)state;
    script s;
    lg_var *loss[3], *inner = NULL, *outer = NULL;
    script_start(&s);
    s.reply = refuse_some;
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    for (int i = 0; i < 3; i++) {
        char q[24];
        snprintf(q, sizeof q, "question %d", i);
        loss[i] = script_call(&s, p, script_leaf(&s, q, "q", false), "loss", i);
    }
    lg_sum(s.e, loss, 2, 0, &inner);
    lg_sum(s.e, (lg_var *[]){inner, loss[2]}, 2, LG_SKIP_FAILED, &outer);
    lg_var *pass = backward(&s, outer, 0, false);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(inner), LG_FAILED);
    assert_int_equal(lg_var_state(outer), LG_READY);
    assert_string_equal(script_error(pass), "");
    assert_int_equal(lg_var_feedbacks(loss[2]), 1);
    script_end(&s);
}

/* Without the flag the pass fails, by the same message in every order. */
static void test_failed_input_fails_the_pass(void **state)
{
    (void)state;
    char *told = NULL;
    for (uint64_t seed = 0; seed < 10; seed++) {
        script s;
        script_start(&s);
        s.reply = refuse_some; /* questions 1, and 10 to 12 */
        s.random = seed;
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        lg_var *pass = backward(&s, mean_of(&s, p, 13, 0, NULL), 0, false);
        assert_true(script_run(&s));
        assert_error(pass, LG_EREFUSED, "example 1)");
        if (told)
            assert_string_equal(script_error(pass), told);
        else
            told = strdup(script_error(pass));
        assert_int_equal(lg_var_feedbacks(p), 1); /* the others' work is not lost */
        script_end(&s);
    }
    free(told);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_one_call_a_parameter),
    cmocka_unit_test(test_solved_are_not_merged),
    cmocka_unit_test(test_groups),
    cmocka_unit_test(test_tree_within_the_budget),
    cmocka_unit_test(test_tiny_budget),
    cmocka_unit_test(test_failed_merge_keeps_the_pieces),
    cmocka_unit_test(test_merged_to_nothing),
    cmocka_unit_test(test_built_in),
    cmocka_unit_test(test_skip_failed_inputs),
    cmocka_unit_test(test_skip_a_failed_sum),
    cmocka_unit_test(test_failed_input_fails_the_pass),
};
LG_TEST_MAIN(tests)
