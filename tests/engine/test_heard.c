/* test_heard.c - points of feedback that are handed on by number: lists and prose, references and
 * what only looks like one, and a chain through which a point goes as it was said. */
#include "../scripted.h"

#include "graph/gradient_internal.h"

static size_t refers(const char *line, size_t *numbers)
{
    return lg__references(line, strlen(line), numbers, 4);
}

static void test_lines_that_only_refer(void **state)
{
    static const char *const refer[] = {"#2",           "2",      " 2. ",
                                        "- #2",         "**#2**", "Point 2",
                                        "Hand on: #2.", "(2)",    "Keep point no. 2 as it is"};
    static const char *const say[] = {
        "",  "Say it twice", "2. Name the items", "#2 is wrong", "Add 2", "feedback 2",
        "#", "1234",         "1 2 3 4 5",         "2 étapes",    "two"};
    size_t n[4];
    (void)state;
    for (size_t i = 0; i < sizeof refer / sizeof *refer; i++) {
        assert_int_equal(refers(refer[i], n), 1);
        assert_int_equal(n[0], 2);
    }
    assert_int_equal(refers("#1, #3 and 2", n), 3);
    assert_true(n[0] == 1 && n[1] == 3 && n[2] == 2);
    for (size_t i = 0; i < sizeof say / sizeof *say; i++) {
        if (refers(say[i], n))
            fail_msg("\"%s\" was taken for a reference", say[i]);
    }
}

static char *point(lg_mem *m, const char *text, size_t n, char *out)
{
    const char *at;
    size_t len;
    lg_text *t = lg__text_new(m, text, strlen(text));
    *out = '\0';
    if (lg__heard_point(t, n, &at, &len))
        snprintf(out, 80, "%.*s", (int)len, at);
    lg__text_unref(t);
    return out;
}

static void test_points_by_number(void **state)
{
    static const char list[] = "1. one\nmore of it\n3. not a point\n2. two\n\n3. three\n";
    char out[80];
    lg_mem own, *m = &own;
    (void)state;
    support_heap h;
    support_mem_init(m, &h);
    assert_string_equal(point(m, list, 1, out), "one\nmore of it\n3. not a point");
    assert_string_equal(point(m, list, 2, out), "two");
    assert_string_equal(point(m, list, 3, out), "three");
    assert_string_equal(point(m, list, 4, out), "");
    assert_string_equal(point(m, list, 0, out), "");
    assert_string_equal(point(m, "only this", 1, out), "only this");
    assert_string_equal(point(m, "only this", 2, out), "only this");
    assert_string_equal(point(m, "", 1, out), "");
    assert_int_equal(h.live_blocks, 0);
}

/* ---- through a chain --------------------------------------------------------- */

enum { DEEP = 6 };

/* The loss has three points; who is asked about what was made hands on the second. */
static const char *hands_on(script *s, const char *prompt)
{
    if (strstr(prompt, "BASE"))
        return "- It has wrong dates.\n- It names no source for 12 May.\n- It is too long.";
    return strstr(prompt, " passed") ? "Hand on #2" : script_reply(s, prompt);
}

static lg_var *chain(script *s, lg_var **prompts)
{
    lg_var *at = script_leaf(s, "question", "question", false);
    for (int i = 0; i < DEEP; i++) {
        char text[20];
        snprintf(text, sizeof text, "do step %d", i);
        prompts[i] = script_leaf(s, text, text, true);
        snprintf(text, sizeof text, "result %d", i);
        at = script_call(s, prompts[i], at, text, -1);
    }
    return at;
}

static void test_a_point_goes_through_as_it_was_said(void **state)
{
    (void)state;
    script s;
    lg_var *prompts[DEEP];
    script_start(&s);
    s.reply = hands_on;
    lg_var *judge = script_leaf(&s, "prompt of the judge", "judge", false);
    lg_var *loss = script_call(&s, judge, chain(&s, prompts), "loss", -1);
    script_learn(&s, loss);
    const char *first = script_find(&s, "CHAIN role=do step 5", 0);
    assert_non_null(
        strstr(first, "1. It has wrong dates.\n2. It names no source for 12 May.\n3. "));
    const char *last = script_find(&s, "CHAIN role=do step 0", 0);
    assert_non_null(strstr(last, "<FEEDBACK>\nIt names no source for 12 May.\n</FEEDBACK>"));
    assert_int_equal(lg_var_feedbacks(prompts[0]), 1);
    script_end(&s);
}

/* Who rewrites a prompt is told what was said of its output, whatever the critic made of that. */
static void test_what_was_said_of_the_output_goes_with_the_feedback(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    lg_var *p = script_leaf(&s, "p", "p", true);
    lg_var *x = script_call(&s, NULL, p, "answer", -1);
    lg_var_add_feedback(x, "The right answer is 12.", 23);
    script_learn(&s, x);
    assert_int_equal(lg_var_feedback(p, 0, &f), LG_OK);
    assert_string_equal(f.remarks, "The right answer is 12.");
    assert_int_equal(f.remarks_len, 23);
    assert_null(strstr(f.text, "12"));
    script_end(&s);
}

static const char *gives_it_back(script *s, const char *prompt)
{
    return strstr(prompt, "CHAIN role=p") ? "weigh it" : script_reply(s, prompt);
}

/* A critic that has nothing but its question to give, twice, hands on what it was told. */
static void test_what_was_said_stands_in_for_an_echo(void **state)
{
    (void)state;
    script s;
    lg_feedback f;
    script_start(&s);
    s.reply = gives_it_back;
    script_template(&s, "critic.again", "AGAIN");
    lg_var *p = script_leaf(&s, "weigh it", "p", true);
    lg_var *x = script_call(&s, NULL, p, "answer", -1);
    lg_var_add_feedback(x, "The right answer is 12.", 23);
    script_learn(&s, x);
    assert_int_equal(lg_var_feedback(p, 0, &f), LG_OK);
    assert_int_equal(f.state, LG_FB_TEXT);
    assert_string_equal(f.text, "The right answer is 12.");
    script_end(&s);
}

/* What a judge says in a list is handed on likewise; prose is not shown twice. */
static const char *judges(script *s, const char *prompt)
{
    if (strstr(prompt, "BASE"))
        return "#2";
    return strstr(prompt, "Is it kind?") ? s->ud : script_reply(s, prompt);
}

static void test_points_of_a_judge(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"It is not.", "1. It is long.\n2. It is rude.\n"};
    for (int i = 0; i < 2; i++) {
        script s;
        script_start(&s);
        s.reply = judges;
        s.ud = (void *)(uintptr_t)verdicts[i];
        lg_var *p = script_leaf(&s, "p", "p", true);
        lg_var *judge = script_leaf(&s, "Is it kind?", "judge", false);
        lg_var *answer = script_call(&s, NULL, p, "answer", -1);
        script_learn(&s, script_call(&s, judge, answer, "loss", -1));
        const char *asked = script_find(&s, "BASE role=answer", 0);
        assert_int_equal(strstr(asked, "<POINTS>\n1. It is long.\n2. It is rude.\n") != NULL, i);
        assert_string_equal(script_said(answer, 0), i ? "- It is rude." : "#2");
        script_end(&s);
    }
}

/* Numbers that no point has are left out; with nothing else there is nothing to improve. */
static const char *wrong_number(script *s, const char *prompt)
{
    if (strstr(prompt, "BASE"))
        return "- one\n- two";
    return strstr(prompt, "out=result 4") ? "#3"
           : strstr(prompt, " passed")    ? "#2, #7, #1"
                                          : script_reply(s, prompt);
}

static void test_a_number_that_no_point_has(void **state)
{
    (void)state;
    script s;
    lg_var *prompts[DEEP];
    script_start(&s);
    s.reply = wrong_number;
    script_learn(&s, script_call(&s, NULL, chain(&s, prompts), "loss", -1));
    assert_non_null(
        strstr(script_find(&s, "CHAIN role=do step 4", 0), "<FEEDBACK>\n1. two\n2. one\n"));
    assert_int_equal(script_asked(&s, "CHAIN role=do step 3"), 0);
    script_end(&s);
}

/* Lines of a report are no points; equal pieces count once. */
static void test_prose_is_one_point(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "p", "p", true);
    lg_var *x = script_call(&s, NULL, p, "answer", -1);
    static const char report[] = "test_a: ok\n- not a list\ntest_b: FAILED";
    lg_var_add_feedback(x, report, strlen(report));
    lg_var_add_feedback(x, "* short\n* no dates", 18);
    lg_var_add_feedback(x, report, strlen(report));
    script_learn(&s, x);
    assert_non_null(strstr(script_find(&s, "CHAIN role=p", 0),
                           "<FEEDBACK>\n1. test_a: ok\n- not a list\ntest_b: FAILED\n2. short\n"
                           "3. no dates\n</FEEDBACK>"));
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines_that_only_refer),
    cmocka_unit_test(test_points_by_number),
    cmocka_unit_test(test_a_point_goes_through_as_it_was_said),
    cmocka_unit_test(test_what_was_said_of_the_output_goes_with_the_feedback),
    cmocka_unit_test(test_what_was_said_stands_in_for_an_echo),
    cmocka_unit_test(test_points_of_a_judge),
    cmocka_unit_test(test_a_number_that_no_point_has),
    cmocka_unit_test(test_prose_is_one_point),
};
LG_TEST_MAIN(tests)
