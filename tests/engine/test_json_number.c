/* test_json_number.c - no digit of a JSON number is lost on its way in and out */
#include "../support.h"

#include <math.h>

#include "base/json.h"
#include "base/json_number.h"

static lg_json *parsed(lg_mem *m, const char *s)
{
    lg_json *j = NULL;

    assert_int_equal(lg__json_parse(m, s, strlen(s), &j, NULL), 0);
    return j;
}

/* s, read and written again. */
static void expect_written(const char *s)
{
    lg_mem m;
    lg_bytes b;

    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    lg_json *j = parsed(&m, s);
    assert_int_equal(lg__json_write(&b, j), 0);
    assert_string_equal(b.data, s);
    lg__json_free(&m, j);
    lg__bytes_free(&b);
    assert_int_equal(m.live_blocks, 0);
}

static void test_every_number_is_written_as_it_came(void **state)
{
    static const char *const numbers[] = {
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.0",
        "1.50",
        "1E5",
        "1e3",
        "1e+05",
        "0.1",
        "0.0001",
        "0.00001",
        "738529527931269425",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "12345678901234567890",
        "0.30000000000000004",
        "123456789.123456789",
        "999999999999999",
        "1000000000000000",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "0.333333333333333333333333333333333333333333333333333333333333333333333333333",
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
    };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        expect_written(numbers[i]);
}

static void test_texts_go_to_their_own_numbers(void **state)
{
    (void)state;
    expect_written("{\"1e5\":[1e5,\"-2.0e1 \\\" 7\",2.0,{\"a\\\\\":3.00,\"b\":[]},[[1.0]],{}],"
                   "\"x\":[true,false,null,1,10000000000000000001],\"y\":-0}");
    expect_written("[[],[[],1.0],{\"a\":{\"b\":{\"c\":2.0}}},3.0,[4.0]]");
    expect_written("[\"\",1.0,\"\\\\\",2.0]");
}

static void test_what_stands_beside_a_mended_text_keeps_its_digits(void **state)
{
    lg_mem m;
    lg_bytes b;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    lg_json *j = parsed(&m, "\xEF\xBB\xBF[\"\\u0000\",9007199254740993,0."
                            "1000000000000000000000000000000000000000000000000000000000000000,1]");
    assert_int_equal(lg__json_write(&b, j), 0);
    assert_string_equal(b.data,
                        "[\"\xEF\xBF\xBD\",9007199254740993,0."
                        "1000000000000000000000000000000000000000000000000000000000000000,1]");
    lg__json_free(&m, j);
    lg__bytes_free(&b);
}

static void expect_integer(const char *s, bool is, int64_t want)
{
    lg_mem m;
    int64_t n = 7;

    lg__mem_init(&m, NULL, NULL);
    lg_json *j = parsed(&m, s);
    assert_int_equal(lg__json_integer(j, &n), is);
    assert_true(n == (is ? want : 7));
    if (is)
        assert_true(lg__json_int(j, -1) == want);
    lg__json_free(&m, j);
}

static void test_integers_are_those_written_as_such_that_fit(void **state)
{
    (void)state;
    expect_integer("0", true, 0);
    expect_integer("-0", true, 0);
    expect_integer("-17", true, -17);
    expect_integer("9007199254740993", true, INT64_C(9007199254740993));
    expect_integer("9223372036854775807", true, INT64_MAX);
    expect_integer("-9223372036854775808", true, INT64_MIN);
    expect_integer("9223372036854775808", false, 0);
    expect_integer("-9223372036854775809", false, 0);
    expect_integer("99999999999999999999", false, 0);
    expect_integer("1.0", false, 0);
    expect_integer("1e3", false, 0);
    expect_integer("1.5", false, 0);
    expect_integer("\"1\"", false, 0);
    assert_false(lg__json_integer(NULL, NULL));
    assert_null(lg__json_number_text(NULL));
}

static void test_the_same_value_in_other_words(void **state)
{
    static const char *const same[][2] = {
        {"1", "1.0"},      {"100", "1e2"},        {"0", "-0.00e7"},
        {"0.001", "1E-3"}, {"-12.50", "-125e-1"}, {"1000000", "1.0e6"},
        {"0.1e1", "1"},    {"0.000", "0"},        {"120e-1", "12"},
    };
    static const char *const other[][2] = {
        {"1", "-1"},   {"1", "10"},     {"123456789.123456789", "123456789.12345679"},
        {"0", "1e-9"}, {"12", "1"},     {"12345678901234567890", "12345678901234567168"},
        {"101", "11"}, {"1.01", "1.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(lg__number_same(same[i][0], same[i][1]));
        assert_true(lg__number_same(same[i][1], same[i][0]));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_false(lg__number_same(other[i][0], other[i][1]));
        assert_false(lg__number_same(other[i][1], other[i][0]));
    }
}

static void expect_for_people(double x, const char *want)
{
    char text[LG_NUMBER_SIZE];

    assert_true(lg__number_for_people(text, x));
    assert_string_equal(text, want);
}

static void test_a_float_is_told_in_few_digits_and_none_too_few(void **state)
{
    (void)state;
    expect_for_people(0, "0.0");
    expect_for_people(-0.0, "-0.0");
    expect_for_people(1, "1.0");
    expect_for_people(100, "100.0");
    expect_for_people(0.1, "0.1");
    expect_for_people(0.1 + 0.2, "0.30000000000000004");
    expect_for_people(1e15, "1e+15");
    expect_for_people(9007199254740992.0, "9007199254740992.0");
    expect_for_people(1 / 3.0, "0.3333333333333333");
    expect_for_people(-1.7976931348623157e308, "-1.7976931348623157e+308");
}

/* A plain number is one that its double is written as. */
static void test_plain_numbers_come_back_without_a_text(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char s[64], again[LG_NUMBER_SIZE];
        double x = (double)(int64_t)support_random(&seed) / 1e10;
        int digits = (int)(support_random(&seed) % 20);

        snprintf(s, sizeof s, "%.*f", digits, x / pow(10, (double)(support_random(&seed) % 20)));
        if (!lg__number_is_plain(s, strlen(s)))
            continue;
        lg__number_shortest(again, strtod(s, NULL));
        assert_string_equal(again, s);
    }
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_json *j;

    support_mem_on(&m, h);
    int rc = lg__json_parse(&m, ctx, strlen(ctx), &j, NULL);
    lg__json_free(&m, j);
    return rc;
}

static void test_oom(void **state)
{
    char s[4000] = "[1.0";

    (void)state;
    for (size_t n = strlen(s); n + 24 < sizeof s; n = strlen(s)) /* some chunks */
        strcat(s, ",0.12345678901234567");
    strcat(s, "]");
    oom_sweep(work, s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_number_is_written_as_it_came),
    cmocka_unit_test(test_texts_go_to_their_own_numbers),
    cmocka_unit_test(test_what_stands_beside_a_mended_text_keeps_its_digits),
    cmocka_unit_test(test_integers_are_those_written_as_such_that_fit),
    cmocka_unit_test(test_the_same_value_in_other_words),
    cmocka_unit_test(test_a_float_is_told_in_few_digits_and_none_too_few),
    cmocka_unit_test(test_plain_numbers_come_back_without_a_text),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
