/* test_json.c - strict reading, forgiving look-ups, writing that never changes. */
#include "../support.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>

#include <cjson/cJSON.h>

#include "base/json.h"

/* ---- reading ------------------------------------------------------------- */

/* Parses a copy of just len bytes, so that a tool sees a read beyond it. */
static int parse(lg_mem *m, const char *s, size_t len, lg_json **out, size_t *where)
{
    char *copy = malloc(len ? len : 1);
    int rc;

    assert_non_null(copy);
    memcpy(copy, s, len);
    rc = lg__json_parse(m, copy, len, out, where);
    free(copy);
    return rc;
}

static void expect_refused(const char *s, size_t len, int code, size_t at)
{
    support_heap h;
    lg_mem m;
    lg_json *j = (lg_json *)&m;
    size_t where = 9999;

    support_mem_init(&m, &h);
    if (parse(&m, s, len, &j, &where) != code)
        fail_msg("\"%s\" was not refused as %s", s, lg_error_name(code));
    assert_null(j);
    if (where != at)
        fail_msg("\"%s\": at %zu, not %zu", s, where, at);
    assert_heap_empty(&h);
    assert_int_equal(lg__json_parse(&m, s, len, &j, NULL), code);
}

static void test_refuses_what_is_no_json(void **state)
{
    static const struct {
        const char *s;
        size_t at;
    } bad[] = {
        {"", 0},
        {" ", 1},
        {"{", 1},
        {"[", 1},
        {"]", 0},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"{\"a\":1]", 6},
        {"{\"a\"}", 4},
        {"{\"a\":}", 5},
        {"{a:1}", 1},
        {"{\"a\":1,}", 7},
        {"{1:2}", 1},
        {"{,}", 1},
        {"nul", 0},
        {"nulll", 4},
        {"True", 0},
        {"NaN", 0},
        {"Infinity", 0},
        {"-", 1},
        {"+1", 0},
        {"01", 1},
        {"-01", 2},
        {".5", 0},
        {"1.", 2},
        {"1.e5", 2},
        {"1e", 2},
        {"1e+", 3},
        {"0x10", 1},
        {"--1", 1},
        {"'a'", 0},
        {"\"a", 2},
        {"\"a\nb\"", 2},
        {"\"\\x\"", 2},
        {"\"\\", 2},
        {"\"\\u12g4\"", 3},
        {"\"\\u12", 3},
        {"1 2", 2},
        {"{} x", 3},
        {"[]]", 2},
        {"// c\n1", 0},
        {"\"a\"\"b\"", 3},
        {"<html>", 0},
        {"\v1", 0},
        {"\xEF\xBB\xBF", 3},
        {"\xEF\xBB\xBF\xEF\xBB\xBF"
         "1",
         3},
        {"[1\xEF\xBB\xBF]", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i].s, strlen(bad[i].s), LG_EPARSE, bad[i].at);
    expect_refused("[1,\0002]", 6, LG_EPARSE, 3); /* NUL bytes */
    expect_refused("\"a\0b\"", 5, LG_EPARSE, 2);
    expect_refused("1\0", 2, LG_EPARSE, 1);
    expect_refused("\"\xff\"", 3, LG_EUTF8, 1);
    expect_refused("{\"\xC3\":1}", 7, LG_EUTF8, 2);
    expect_refused("[1] \x80", 5, LG_EUTF8, 4);
}

static void test_reads_values(void **state)
{
    const char *s = " {\"s\":\"a\\n\\u00e9\\ud83d\\ude42\\/\",\"n\":-1.5e2,\"t\":true,\"f\":false,"
                    "\"z\":null,\"a\":[1,2,[]],\"o\":{\"A\":1,\"a\":2}}\r\n";
    support_heap h;
    lg_mem m;
    lg_json *j;
    const lg_json *o;
    double x;

    (void)state;
    support_mem_init(&m, &h);
    assert_int_equal(parse(&m, s, strlen(s), &j, NULL), 0);
    assert_int_equal(lg__json_type(j), LG_JSON_OBJECT);
    assert_int_equal(lg__json_count(j), 7);
    assert_string_equal(lg__json_string(lg__json_get(j, "s")), "a\né🙂/");
    assert_true(lg__json_number(lg__json_get(j, "n"), &x));
    assert_true(x == -150);
    assert_int_equal(lg__json_int(lg__json_get(j, "n"), 7), -150);
    assert_true(lg__json_true(lg__json_get(j, "t")));
    assert_false(lg__json_true(lg__json_get(j, "f")));
    assert_int_equal(lg__json_type(lg__json_get(j, "f")), LG_JSON_BOOL);
    assert_int_equal(lg__json_type(lg__json_get(j, "z")), LG_JSON_NULL);
    assert_int_equal(lg__json_count(lg__json_get(j, "a")), 3);
    assert_int_equal(lg__json_int(lg__json_at(lg__json_get(j, "a"), 1), 0), 2);
    assert_null(lg__json_at(lg__json_get(j, "a"), 3));
    o = lg__json_get(j, "o"); /* case matters */
    assert_int_equal(lg__json_int(lg__json_get(o, "a"), 0), 2);
    assert_int_equal(lg__json_int(lg__json_get(o, "A"), 0), 1);
    assert_string_equal(lg__json_name(lg__json_first(o)), "A");
    assert_string_equal(lg__json_name(lg__json_after(lg__json_first(o))), "a");
    assert_null(lg__json_after(lg__json_after(lg__json_first(o))));
    lg__json_free(&m, j);
    assert_heap_empty(&h);
}

static void test_look_ups_forgive_everything(void **state)
{
    lg_mem m;
    lg_json *j;
    double x = 5;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    assert_null(lg__json_get(NULL, "a"));
    assert_null(lg__json_at(NULL, 0));
    assert_null(lg__json_first(NULL));
    assert_null(lg__json_after(NULL));
    assert_null(lg__json_name(NULL));
    assert_null(lg__json_string(NULL));
    assert_false(lg__json_number(NULL, &x));
    assert_false(lg__json_true(NULL));
    assert_int_equal(lg__json_int(NULL, -3), -3);
    assert_int_equal(lg__json_count(NULL), 0);
    assert_int_equal(lg__json_type(NULL), 0);
    lg__json_free(&m, NULL);
    assert_int_equal(lg__json_parse(&m, "[\"a\",{\"b\":1}]", 13, &j, NULL), 0);
    assert_null(lg__json_get(j, "a"));
    assert_null(lg__json_get(lg__json_at(j, 1), NULL));
    assert_null(lg__json_get(lg__json_at(j, 1), "B"));
    assert_null(lg__json_at(lg__json_at(j, 1), 0));
    assert_null(lg__json_first(lg__json_at(j, 0)));
    assert_null(lg__json_string(j));
    assert_null(lg__json_name(lg__json_at(j, 0)));
    assert_false(lg__json_number(lg__json_at(j, 0), &x));
    assert_true(x == 5);
    lg__json_free(&m, j);
    assert_int_equal(m.live_blocks, 0);
}

static void expect_parsed(const char *s, const char *want)
{
    lg_mem m;
    lg_json *j;

    lg__mem_init(&m, NULL, NULL);
    assert_int_equal(parse(&m, s, strlen(s), &j, NULL), 0);
    assert_string_equal(lg__json_string(j), want);
    lg__json_free(&m, j);
    assert_int_equal(m.live_blocks, 0);
}

/* A paid reply is not lost for these; nor is its text cut off at a NUL. */
static void test_what_no_text_can_hold(void **state)
{
    (void)state;
    expect_parsed("\"a\\u0000b\"", "a\xEF\xBF\xBD"
                                   "b");
    expect_parsed("\"\\ud83d\"", "\xEF\xBF\xBD");
    expect_parsed("\"\\ud800,\\udfff\"", "\xEF\xBF\xBD,\xEF\xBF\xBD");
    expect_parsed("\"\\ud800\\udc00\\udbff\\udfff\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
    expect_parsed("\"\\ud7ff\\ue000\"", "\xED\x9F\xBF\xEE\x80\x80");
    expect_parsed("\"\\ud83dx\\ude42\"", "\xEF\xBF\xBDx\xEF\xBF\xBD");
    expect_parsed("\"\\ud83d\\ud83d\\ude42\"", "\xEF\xBF\xBD🙂");
    expect_parsed("\"\\uD83D\\uDE42\\\\u0000\"", "🙂\\u0000");
    expect_parsed("\xEF\xBB\xBF\"marked\"", "marked");
}

static double number_of(const char *s, size_t len)
{
    lg_mem m;
    lg_json *j;
    double x = NAN;

    lg__mem_init(&m, NULL, NULL);
    assert_int_equal(parse(&m, s, len, &j, NULL), 0);
    assert_true(lg__json_number(j, &x));
    lg__json_free(&m, j);
    assert_int_equal(m.live_blocks, 0);
    return x;
}

static void test_numbers(void **state)
{
    char s[500];

    (void)state;
    assert_true(number_of("0", 1) == 0);
    assert_true(number_of("-0", 2) == 0);
    assert_true(number_of("1E2", 3) == 100);
    assert_true(number_of("123456789012345678", 18) == 123456789012345678.0);
    assert_true(isinf(number_of("1e999", 5)));
    memset(s, '3', sizeof s); /* longer than any double is written */
    memcpy(s, "0.", 2);
    for (size_t len = 60; len < 70; len++)
        assert_true(number_of(s, len) == 1 / 3.0);
    assert_true(number_of(s, 500) == 1 / 3.0);
    memset(s, '0', sizeof s);
    s[0] = '[';
    s[1] = '-';
    s[2] = '1';
    assert_true(number_of(s + 1, 302) == -1e300);
    assert_true(number_of(s + 1, 402) < -1e308);
}

static void test_long_numbers_leave_their_neighbours_alone(void **state)
{
    char s[300];
    lg_mem m;
    lg_json *j;
    int len = snprintf(s, sizeof s, "[1,%0100d,0.%0100d1,{\"a\":-%s1e2},2]", 0, 0, "");

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    assert_int_equal(lg__json_parse(&m, s, (size_t)len, &j, NULL), LG_EPARSE); /* 000…0 */
    len = snprintf(s, sizeof s, "[1,1%0100d,0.%0100d1,{\"a\":-1e2},2]", 0, 0);
    assert_int_equal(lg__json_parse(&m, s, (size_t)len, &j, NULL), 0);
    assert_int_equal(lg__json_count(j), 5);
    assert_int_equal(lg__json_int(lg__json_at(j, 1), 0), INT64_MAX);
    assert_int_equal(lg__json_int(lg__json_at(j, 2), 5), 0);
    assert_int_equal(lg__json_int(lg__json_get(lg__json_at(j, 3), "a"), 0), -100);
    assert_int_equal(lg__json_int(lg__json_at(j, 4), 0), 2);
    lg__json_free(&m, j);
    assert_int_equal(m.live_blocks, 0);
}

static void test_nesting(void **state)
{
    size_t n = 1000000;
    char *s = malloc(2 * n);
    support_heap h;
    lg_mem m;
    lg_json *j;

    (void)state;
    assert_non_null(s);
    memset(s, '[', 1001);
    memset(s + 1000, ']', 1000);
    support_mem_init(&m, &h);
    assert_int_equal(lg__json_parse(&m, s, 2000, &j, NULL), 0);
    lg__json_free(&m, j);
    memset(s, '[', 1001);
    memset(s + 1001, ']', 1001);
    expect_refused(s, 2002, LG_EPARSE, 1000);
    memset(s, '[', 2 * n);
    expect_refused(s, 2 * n, LG_EPARSE, 1000);
    for (size_t i = 0; i < 2 * n; i++)
        s[i] = "{\"\":"[i % 4];
    expect_refused(s, 2 * n, LG_EPARSE, 4000);
    free(s);
    assert_heap_empty(&h);
}

/* A host's own use of cJSON goes on as if we were not there: its hooks are the host's. */
static void test_the_host_may_use_cjson_too(void **state)
{
    cJSON *before = cJSON_Parse("{\"x\":[1,2]}"), *after;
    support_heap h;
    lg_mem m;
    lg_json *j;
    char *text;

    (void)state;
    support_mem_init(&m, &h);
    assert_int_equal(lg__json_parse(&m, "[1]", 3, &j, NULL), 0);
    assert_true(h.live_blocks > 0);
    after = cJSON_Parse("[\"host\"]");
    text = cJSON_PrintUnformatted(before);
    assert_string_equal(text, "{\"x\":[1,2]}");
    free(text);
    cJSON_Delete(before);
    lg__json_free(&m, j);
    assert_heap_empty(&h);
    cJSON_Delete(after);
}

/* Short decimals are read without strtod, and must be what it makes of them. */
static void test_numbers_are_read_as_c_reads_them(void **state)
{
    static const char *const edges[] = {
        "0.1",      "-0.3",   "0.0009",     "999999999999999",  "0.000999999999999999",
        "2.675",    "1.005",  "123456.789", "100000000000000",  "-99999999.9999999",
        "0.000123", "8.5e-5", "1e22",       "9007199254740993", "179769313486231.5",
    };
    char s[64];
    uint64_t dice = 1;

    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        assert_true(number_of(edges[i], strlen(edges[i])) == strtod(edges[i], NULL));
    for (int i = 0; i < 20000; i++) {
        dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int n = snprintf(s, sizeof s, "%s%" PRIu64 ".%" PRIu64, i % 2 ? "-" : "",
                         (dice >> 33) % (UINT64_C(1) << i % 31), dice >> (10 + i % 50));
        assert_true(number_of(s, (size_t)n) == strtod(s, NULL));
    }
}

/* ---- writing ------------------------------------------------------------- */

static void expect_written(const char *s, size_t len, const char *want)
{
    lg_mem m;
    lg_bytes b;

    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    assert_int_equal(lg__json_write_string(&b, s, len), 0);
    assert_bytes(b.data, b.len, want);
    lg__bytes_free(&b);
}

static void test_writes_strings(void **state)
{
    (void)state;
    expect_written("", 0, "\"\"");
    expect_written(NULL, 0, "\"\"");
    expect_written("plain é🙂 /", 14, "\"plain é🙂 /\"");
    expect_written("\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
    expect_written("\0\1\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"");
    expect_written("a\xff\xfe"
                   "b\xC3",
                   5,
                   "\"a\xEF\xBF\xBD\xEF\xBF\xBD"
                   "b\xEF\xBF\xBD\"");
}

/* Strings are looked through in big steps: none may step over a byte to be escaped. */
static void test_escapes_anywhere(void **state)
{
    static const struct {
        char c;
        const char *written;
    } special[] = {
        {'"', "\\\""}, {'\\', "\\\\"}, {'\x1f', "\\u001f"}, {'\x7f', "\x7f"}, {' ', " "}};

    (void)state;
    for (size_t i = 0; i < 5 * 96; i++) {
        char s[96], want[112];
        size_t at = i % 96;

        memset(s, 'x', sizeof s);
        memcpy(s + 20, "é", 2);
        if (at == 21)
            continue;
        if (at == 20)
            s[21] = 'x';
        s[at] = special[i / 96].c;
        snprintf(want, sizeof want, "\"%.*s%s%.*s\"", (int)at, s, special[i / 96].written,
                 (int)(95 - at), s + at + 1);
        expect_written(s, sizeof s, want);
    }
}

static void test_strings_come_back(void **state)
{
    uint64_t seed = 3;
    lg_mem m;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    for (int round = 0; round < 2000; round++) {
        char s[64];
        size_t len = support_random(&seed) % sizeof s;
        lg_bytes b;
        lg_json *j;

        for (size_t i = 0; i < len; i++)
            s[i] = (char)(1 + support_random(&seed) % 127);
        lg__bytes_init(&b, &m, LG_BYTES_MAX);
        assert_int_equal(lg__json_write_string(&b, s, len), 0);
        assert_int_equal(parse(&m, b.data, b.len, &j, NULL), 0);
        assert_memory_equal(lg__json_string(j), s, len);
        assert_int_equal(strlen(lg__json_string(j)), len);
        lg__json_free(&m, j);
        lg__bytes_free(&b);
    }
    assert_int_equal(m.live_blocks, 0);
}

static void expect_number(double x, const char *want)
{
    lg_mem m;
    lg_bytes b;

    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    assert_int_equal(lg__json_write_number(&b, x), 0);
    assert_bytes(b.data, b.len, want);
    if (isfinite(x))
        assert_true(number_of(b.data, b.len) == x);
    lg__bytes_free(&b);
}

static void check_numbers(void)
{
    expect_number(0, "0");
    expect_number(-0.0, "-0.0");
    expect_number(1, "1");
    expect_number(-17, "-17");
    expect_number(100000, "100000");
    expect_number(999999999999999, "999999999999999");
    expect_number(1e15, "1e+15");
    expect_number(0.1, "0.1");
    expect_number(0.7, "0.7");
    expect_number(-2.5, "-2.5");
    expect_number(1 / 3.0, "0.3333333333333333");
    expect_number(0.1 + 0.2, "0.30000000000000004");
    expect_number(1e300, "1e+300");
    expect_number(5e-324, "5e-324");
    expect_number(1.7976931348623157e308, "1.7976931348623157e+308");
    expect_number(9007199254740993.0, "9007199254740992");
    expect_number(NAN, "null");
    expect_number(-INFINITY, "null");
}

static void test_writes_numbers(void **state)
{
    (void)state;
    check_numbers();
}

static void test_any_number_comes_back(void **state)
{
    uint64_t seed = 11;
    lg_mem m;
    lg_bytes b;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    for (int round = 0; round < 5000; round++) {
        uint64_t bits = support_random(&seed);
        double x;

        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        lg__bytes_clear(&b);
        assert_int_equal(lg__json_write_number(&b, x), 0);
        assert_true(b.len <= 24);
        assert_true(number_of(b.data, b.len) == x);
    }
    lg__bytes_free(&b);
}

static void test_numbers_under_a_decimal_comma(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8",
                                        "ps_AF.UTF-8"};
    bool tried = false;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char shown[20];

        if (!setlocale(LC_NUMERIC, names[i]))
            continue;
        snprintf(shown, sizeof shown, "%.1f", 0.5);
        assert_string_not_equal(shown, "0.5"); /* the locale does what it is tried for */
        check_numbers();
        assert_true(number_of("0.25", 4) == 0.25);
        assert_true(number_of("0.33333333333333333333333333333333333333333333333333333333333333333"
                              "33333333",
                              75) == 1 / 3.0);
        snprintf(shown, sizeof shown, "%.1f", 0.5);
        assert_string_not_equal(shown, "0.5"); /* and is still in force */
        tried = true;
    }
    setlocale(LC_NUMERIC, "C");
    if (!tried) {
        print_message("SKIPPED: no locale with a decimal comma (de_DE.UTF-8) is installed\n");
        skip();
    }
}

/* ---- memory -------------------------------------------------------------- */

static int work(support_heap *h, void *ctx)
{
    const char *s = ctx;
    lg_mem m;
    lg_bytes b;
    lg_json *j;
    int rc;

    support_mem_on(&m, h);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    rc = lg__json_parse(&m, s, strlen(s), &j, NULL);
    if (rc == 0) {
        assert_non_null(j);
        lg__json_write_string(&b, s, strlen(s));
        lg__json_write_number(&b, 0.1);
        rc = b.err;
    } else {
        assert_null(j);
    }
    lg__bytes_free(&b);
    lg__json_free(&m, j);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, "{\"a\":[1,2,{\"b\":\"text\"}],\"c\":null,\"d\":\"e\"}");
    oom_sweep(work, "[\"\\u0000\",{\"long\":0.3333333333333333333333333333333333333333333333333"
                    "33333333333333333333333333333333}]");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_refuses_what_is_no_json),
    cmocka_unit_test(test_reads_values),
    cmocka_unit_test(test_look_ups_forgive_everything),
    cmocka_unit_test(test_what_no_text_can_hold),
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_long_numbers_leave_their_neighbours_alone),
    cmocka_unit_test(test_nesting),
    cmocka_unit_test(test_the_host_may_use_cjson_too),
    cmocka_unit_test(test_numbers_are_read_as_c_reads_them),
    cmocka_unit_test(test_writes_strings),
    cmocka_unit_test(test_escapes_anywhere),
    cmocka_unit_test(test_strings_come_back),
    cmocka_unit_test(test_writes_numbers),
    cmocka_unit_test(test_any_number_comes_back),
    cmocka_unit_test(test_numbers_under_a_decimal_comma),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
