/* test_repetition.c - whether a text has begun to say the same over and over. */
#include "model/repetition.h"
#include "../support.h"

/* text, then `one` again and again to so many bytes, fed in steps. → bytes when it was told; 0:
 * never */
static size_t told_at(const char *text, const char *one, size_t len, size_t step)
{
    lg_repetition r = {.seen = 0};
    size_t n = strlen(text), each = strlen(one), at = 0;
    char *s = malloc(n + len);
    memcpy(s, text, n);
    for (size_t i = 0; i < len; i++)
        s[n + i] = one[i % each];

    for (size_t now = step; at == 0 && now <= n + len; now += step)
        at = lg__repetition_look(&r, s, now) ? now : 0;

    free(s);
    return at;
}

static void test_loops(void **state)
{
    static const char *const loops[] = {
        "a",
        "ha",
        "The answer is 4.\n",
        "Wait, let me think again. I count the apples: one, two, three. So there are three.\n\n",
        "and 北京 ",
    };
    (void)state;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        for (size_t step = 1; step < 2000; step += 333) {
            size_t at = told_at("Let us see. ", loops[i], 8000, step);
            assert_true(at >= LG_REPEATS_BYTES);
            assert_true(at <= LG_REPEATS_BYTES + 1200 + 2 * step);
        }
    }
    char longest[LG_REPEATS_PERIOD + 2];
    for (size_t i = 0; i <= LG_REPEATS_PERIOD; i++)
        longest[i] = (char)('a' + i * i % 23 + (i % 7 == 0));

    longest[LG_REPEATS_PERIOD] = '\0';
    assert_true(told_at("", longest, 9000, 100) > 0);
    longest[LG_REPEATS_PERIOD] = 'z';
    longest[LG_REPEATS_PERIOD + 1] = '\0';
    assert_int_equal(told_at("", longest, 9000, 100), 0); /* longer than is looked for */
}

static void test_good_texts(void **state)
{
    (void)state;
    assert_int_equal(told_at("", "a", LG_REPEATS_BYTES - 1, 1), 0);
    assert_int_equal(told_at("A rule:\n", "-", 3000, 64), 0);
    assert_int_equal(told_at("|", "---|", 3000, 64), 0);
    assert_int_equal(told_at("zeros = { ", "0, ", 3000, 64), 0);
    assert_int_equal(told_at("{", "    ", 3000, 64), 0);
    assert_true(told_at("zeros = { ", "0, ", 8000, 64) > 0); /* but not for ever */
}

/* Rows of a table, lines of code, a list: alike, and no loop. */
static void test_lines_that_are_alike(void **state)
{
    lg_repetition r = {.seen = 0};
    char s[40000];
    size_t len = 0;
    (void)state;
    for (int i = 0; len + 80 < sizeof s; i++) {
        len += (size_t)snprintf(s + len, sizeof s - len, "| item %d | the same words | yes |\n", i);
        assert_false(lg__repetition_look(&r, s, len));
    }
}

static void test_said_again(void **state)
{
    char s[4000];
    lg_repetition r = {.seen = 0};
    (void)state;
    memset(s, '.', sizeof s);
    assert_false(lg__repetition_look(&r, s, 3000));
    memset(s, 'a', sizeof s);
    assert_true(lg__repetition_look(&r, s, 2000)); /* shorter: it is looked at anew */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_loops),
    cmocka_unit_test(test_good_texts),
    cmocka_unit_test(test_lines_that_are_alike),
    cmocka_unit_test(test_said_again),
};
LG_TEST_MAIN(tests)
