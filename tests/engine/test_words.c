/* test_words.c - UTF-8, tokens, tags. */
#include "../support.h"

/* ---- UTF-8 --------------------------------------------------------------- */

static int64_t check(const char *s)
{
    return lg_utf8_check(s, strlen(s));
}

static void test_good_utf8(void **state)
{
    (void)state;
    assert_true(lg_utf8_check(NULL, 0) == -1);
    assert_true(lg_utf8_check("a\0b", 3) == -1);
    assert_true(check("plain and long enough for the fast path") == -1);
    assert_true(check("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF") ==
                -1);
    assert_true(check("\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF") == -1);
}

/* ASCII is looked through in big steps: none may step over what is not. */
static void test_bad_utf8_anywhere(void **state)
{
    char s[200];

    (void)state;
    for (size_t len = 1; len <= sizeof s; len++) {
        for (size_t at = 0; at < len; at++) {
            memset(s, 'x', len);
            assert_true(lg_utf8_check(s, len) == -1);
            s[at] = '\xFF';
            assert_int_equal(lg_utf8_check(s, len), at);
            if (at >= 2) { /* behind something good that is not ASCII */
                memcpy(s + at - 2, "é", 2);
                assert_int_equal(lg_utf8_check(s, len), at);
            }
        }
    }
}

static void test_bad_utf8_and_where(void **state)
{
    static const struct {
        const char *s;
        int64_t at;
    } bad[] = {
        {"\x80", 0},
        {"a\xBF", 1},
        {"\xC0\xAF", 0},
        {"\xC1\xBF", 0}, /* overlong */
        {"\xE0\x9F\xBF", 0},
        {"\xF0\x8F\xBF\xBF", 0},
        {"ab\xED\xA0\x80", 2},
        {"\xED\xBF\xBF", 0}, /* surrogates */
        {"\xF4\x90\x80\x80", 0},
        {"\xF5\x80\x80\x80", 0}, /* above U+10FFFF */
        {"\xFF", 0},
        {"\xFE", 0},
        {"x\xC3", 1},
        {"12345678\xE2\x82", 8}, /* cut off */
        {"12345678\xE2\x82 x", 8},
        {"\xF0\x9F\x99", 0},
        {"\xE2\x28\xA1", 0},
        {"\xF0\x9F\x28\x80", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (check(bad[i].s) != bad[i].at)
            fail_msg("case %zu: %lld", i, (long long)check(bad[i].s));
    }
}

/* Every code point, against the definition. */
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        char s[4];
        size_t n;
        bool good = c < 0x110000 && !(c >= 0xD800 && c < 0xE000);

        if (c < 0x80) {
            s[0] = (char)c;
            n = 1;
        } else if (c < 0x800) {
            s[0] = (char)(0xC0 | c >> 6);
            s[1] = (char)(0x80 | (c & 0x3F));
            n = 2;
        } else if (c < 0x10000) {
            s[0] = (char)(0xE0 | c >> 12);
            s[1] = (char)(0x80 | (c >> 6 & 0x3F));
            s[2] = (char)(0x80 | (c & 0x3F));
            n = 3;
        } else {
            s[0] = (char)(0xF0 | c >> 18);
            s[1] = (char)(0x80 | (c >> 12 & 0x3F));
            s[2] = (char)(0x80 | (c >> 6 & 0x3F));
            s[3] = (char)(0x80 | (c & 0x3F));
            n = 4;
        }
        if ((lg_utf8_check(s, n) == -1) != good || lg_utf8_check(s, n - 1) != (n > 1 ? 0 : -1))
            fail_msg("U+%04X", c);
    }
}

/* ---- tokens -------------------------------------------------------------- */

static void test_tokens(void **state)
{
    (void)state;
    assert_int_equal(lg_token_estimate("", 0), 0);
    assert_int_equal(lg_token_estimate(NULL, 0), 0);
    assert_int_equal(lg_token_estimate("a", 1), 1);
    assert_int_equal(lg_token_estimate(" ", 1), 1); /* never 0 for text */
    assert_int_equal(lg_token_estimate("a b c d", 7), 4);
    assert_int_equal(lg_token_estimate("internationalization", 20), 5);
    assert_int_equal(lg_token_estimate("internationalisations", 21), 6);
    assert_int_equal(lg_token_estimate(" a\tb\nc\r\n ", 9), 3);
    assert_int_equal(lg_token_estimate("a\rb\fc\vd", 7), 4);
}

/* ---- tags ---------------------------------------------------------------- */

/* want NULL: none */
static void expect_tag(const char *s, const char *tag, const char *want)
{
    const char *out = NULL;
    size_t len = 0;
    int found = lg_tag_last(s, strlen(s), tag, &out, &len);

    if (!want) {
        if (found)
            fail_msg("found \"%.*s\" in \"%s\"", (int)len, out, s);
        return;
    }
    if (!found)
        fail_msg("nothing found in \"%s\"", s);
    assert_int_equal(found, 1);
    assert_bytes(out, len, want);
}

static void test_the_last_pair_counts(void **state)
{
    (void)state;
    expect_tag("<T>a</T>", "T", "a");
    expect_tag("x <T>a</T> y <T>b</T> z", "T", "b");
    expect_tag("<T>a</T><T>b", "T", "a");
    expect_tag("<T>a<T>b</T>", "T", "b");
    expect_tag("<T>a</T>b</T>", "T", "a");
    expect_tag("</T><T>a</T>", "T", "a");
    expect_tag("<T></T>", "T", "");
    expect_tag("<T><U>in</U></T>", "U", "in");
    expect_tag("<T><U>in</U></T>", "T", "<U>in</U>");
    expect_tag("<IMPROVED_VARIABLE>é</IMPROVED_VARIABLE>", "IMPROVED_VARIABLE", "é");
}

/* What a model writes about the tags is no answer. */
static void test_a_pair_that_stands_counts_before_one_in_a_sentence(void **state)
{
    static const char *const talk[] = {
        "<T>v2</T>. As asked, between <T> and </T>.",
        "<T>v2</T>\nI put it between `<T>` and `</T>`.",
        "<T>v2</T>\n\nNote: the text stands between <T> and </T> tags",
        "<T>v2</T> (as asked, in the form <T>...</T>)",
        "<T>v2</T>\nThe form <T>text</T> was asked for.",
        "I use <T>x</T> for it:\n<T>v2</T>",
        "Between `<T>` and `</T>`: <T>v2</T>",
        "Use `<T>x</T>`.\n\n**<T>v2</T>**",
        "<T>v2</T>\nDas steht zwischen <T> und </T>.",
        "<T>v2</T>\n答案在<T>和</T>之间。",
        "> <T>v2</T>\nas <T>…</T> wants it",
        "My text: <T>v2</T> and nothing but <T> … </T>",
        "The tags <T>\nv2\n</T> hold it",
    };

    (void)state;
    for (size_t i = 0; i < sizeof talk / sizeof *talk; i++)
        expect_tag(talk[i], "T", "v2");
}

static void test_talk_about_tags_alone_is_no_pair(void **state)
{
    (void)state;
    expect_tag("I write between <T> and </T>.", "T", NULL);
    expect_tag("The tags are `<T>` and `</T>`", "T", NULL);
    expect_tag("<T>...</T>", "T", NULL);
    expect_tag("<T> … </T>", "T", NULL);
    expect_tag("from <T> to </T>", "T", NULL);
    expect_tag("<T>and</T>", "T", "and");
    expect_tag("`<T>a</T>`", "T", "a");
    expect_tag("<T>`a`</T>", "T", "`a`");
    expect_tag("It is <T>a</T>", "T", "a");
    expect_tag("<T>1</T> no, <T>2</T>", "T", "2");
}

static void test_no_pair(void **state)
{
    const char *out;
    size_t len;

    (void)state;
    expect_tag("", "T", NULL);
    expect_tag("<T>", "T", NULL);
    expect_tag("</T>", "T", NULL);
    expect_tag("<T>a", "T", NULL);
    expect_tag("a</T><T>", "T", NULL);
    expect_tag("<T>a</t>", "T", NULL);
    expect_tag("<T >a</T>", "T", NULL);
    expect_tag("<TT>a</TT>", "T", NULL);
    expect_tag("<>a</>", "", NULL);
    expect_tag("<T>a</T", "T", NULL);
    assert_int_equal(lg_tag_last("<T></T>", 7, NULL, &out, &len), 0);
    assert_int_equal(lg_tag_last(NULL, 0, "T", &out, &len), 0);
    assert_int_equal(lg_tag_last("<T>a</T>", 7, "T", &out, &len), 0); /* not beyond len */
}

static void test_one_newline_off_each_end(void **state)
{
    (void)state;
    expect_tag("<T>\na\n</T>", "T", "a");
    expect_tag("<T>\n\na\n\n</T>", "T", "\na\n");
    expect_tag("<T>\r\na\r\n</T>", "T", "a");
    expect_tag("<T> \na </T>", "T", " \na ");
    expect_tag("<T>\n</T>", "T", "");
    expect_tag("<T>\r\n</T>", "T", "");
    expect_tag("<T>\n\n</T>", "T", "");
    expect_tag("<T>\r</T>", "T", "\r");
}

/* A megabyte of openings, and of openings never closed: linear, no stack. */
static void test_long_input(void **state)
{
    size_t n = 1000000, len;
    char *s = malloc(n + 8);
    const char *out;

    (void)state;
    assert_non_null(s);
    for (size_t i = 0; i < n; i++)
        s[i] = "<T>"[i % 3];
    memcpy(s + n - n % 3, "x</T>", 5);
    assert_int_equal(lg_tag_last(s, n - n % 3 + 5, "T", &out, &len), 1);
    assert_bytes(out, len, "x");
    memset(s, '<', n);
    assert_int_equal(lg_tag_last(s, n, "T", &out, &len), 0);
    free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_good_utf8),
    cmocka_unit_test(test_bad_utf8_and_where),
    cmocka_unit_test(test_bad_utf8_anywhere),
    cmocka_unit_test(test_all_code_points),
    cmocka_unit_test(test_tokens),
    cmocka_unit_test(test_the_last_pair_counts),
    cmocka_unit_test(test_a_pair_that_stands_counts_before_one_in_a_sentence),
    cmocka_unit_test(test_talk_about_tags_alone_is_no_pair),
    cmocka_unit_test(test_no_pair),
    cmocka_unit_test(test_one_newline_off_each_end),
    cmocka_unit_test(test_long_input),
};

LG_TEST_MAIN(tests)
