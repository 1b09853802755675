/* test_log.c - secrets never get out, and lines stay lines. */
#include "../support.h"

#include "base/log.h"

static void keep_line(void *ud, int level, const char *msg)
{
    char *kept = ud;

    kept[0] = (char)('0' + level);
    snprintf(kept + 1, 2999, "%s", msg);
}

/* s redacted is want; * in want stands for any number of stars. */
static void expect_redacted(lg_log *l, const char *s, const char *want)
{
    char copy[1000], folded[1000];
    size_t len = strlen(s), n = 0;

    memcpy(copy, s, len + 1);
    lg__log_redact(l, copy, len);
    assert_int_equal(strlen(copy), len);
    for (size_t i = 0; i < len; i++) {
        if (copy[i] != '*' || n == 0 || folded[n - 1] != '*')
            folded[n++] = copy[i];
    }
    folded[n] = '\0';
    if (strcmp(folded, want) != 0)
        fail_msg("\"%s\" became \"%s\", not \"%s\"", s, folded, want);
}

static void test_registered_secrets(void **state)
{
    support_heap h;
    lg_mem m;
    lg_log l;

    (void)state;
    support_mem_init(&m, &h);
    lg__log_init(&l, &m, NULL, NULL, 0);
    assert_int_equal(lg__log_secret(&l, NULL), 0);
    assert_int_equal(lg__log_secret(&l, "short"), 0);
    assert_int_equal(l.n_secrets, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lg__log_secret(&l, "sk-abc123"), 0);
    assert_int_equal(l.n_secrets, 1);
    expect_redacted(&l, "key sk-abc123 refused", "key * refused");
    expect_redacted(&l, "xxsk-abc123yy", "xx*yy");
    expect_redacted(&l, "{\"message\":\"bad sk-abc123sk-abc123.\"}", "{\"message\":\"bad *.\"}");
    expect_redacted(&l, "short sk-abc12 sk-ABC123", "short sk-abc12 sk-ABC123");
    expect_redacted(&l, "cut off: sk-abc12", "cut off: *");
    expect_redacted(&l, "cut off: sk-abc", "cut off: *");
    expect_redacted(&l, "cut off: sk-ab", "cut off: sk-ab");
    expect_redacted(&l, "", "");
    lg__log_free(&l);
    assert_heap_empty(&h);
}

static void test_overlapping_secrets(void **state)
{
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, NULL, NULL, 0);
    lg__log_secret(&l, "abcdefgh");
    lg__log_secret(&l, "fghijklm");
    lg__log_secret(&l, "abcdef");
    lg__log_secret(&l, "aaaaaa");
    lg__log_secret(&l, "more");
    lg__log_secret(&l, "another-one");
    lg__log_secret(&l, "and one with spaces");
    expect_redacted(&l, "-abcdefghijklm-", "-*-");
    expect_redacted(&l, "-abcdef-", "-*-");
    expect_redacted(&l, "-aaaaaaaaaa-", "-*-");
    expect_redacted(&l, "x-api-key: and one with spaces!", "x-api-key: *");
    lg__log_free(&l);
    assert_int_equal(m.live_blocks, 0);
}

static void test_escaped_secrets(void **state)
{
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, NULL, NULL, 0);
    lg__log_secret(&l, "p/w\"x+y=z");
    expect_redacted(&l, "raw p/w\"x+y=z.", "raw *.");
    expect_redacted(&l, "json p\\/w\\\"x+y=z.", "json *.");
    expect_redacted(&l, "json p/w\\u0022x\\u002By=z.", "json *.");
    expect_redacted(&l, "url p%2Fw%22x%2by%3Dz.", "url *.");
    expect_redacted(&l, "broken p%2", "broken p%2");
    expect_redacted(&l, "no escape p\\x002fw\"x+y=z", "no escape p\\x002fw\"x+y=z");
    lg__log_free(&l);
}

static void test_values_by_name(void **state)
{
    static const char *const cases[][2] = {
        {"Authorization: Bearer abc.def", "Authorization: Bearer *"},
        {"authorization:Basic dTpw\r\nHost: x", "authorization:Basic *\r\nHost: x"},
        {"PROXY-AUTHORIZATION: Digest a=b, c=d\nx", "PROXY-AUTHORIZATION: *\nx"},
        {"(i.e. Authorization: Bearer YOUR_KEY), or", "(i.e. Authorization: Bearer *), or"},
        {"Authorization: raw-token", "Authorization: *"},
        {"x-api-key: k1 rest", "x-api-key: * rest"},
        {"X-Goog-Api-Key: k1", "X-Goog-Api-Key: *"},
        {"api-key=k1&b=2", "api-key=*&b=2"},
        {"https://h/v1?key=k1&alt=sse", "https://h/v1?key=*&alt=sse"},
        {"https://h/v1?alt=sse&key=k1 failed", "https://h/v1?alt=sse&key=* failed"},
        {"\"https://h/v1?alt=sse\\u0026key=k1\"", "\"https://h/v1?alt=sse\\u0026key=*\""},
        {"{\"authorization\":\"Bearer a b\",\"x\":1}", "{\"authorization\":\"*\",\"x\":1}"},
        {"{\"api_key\" : \"a\\\"b\", \"x\":1}", "{\"api_key\" : \"*\", \"x\":1}"},
        {"{\\\"apiKey\\\":\\\"a b\\\",\\\"x\\\":1}", "{\\\"apiKey\\\":\\\"*\\\",\\\"x\\\":1}"},
        {"[\"Authorization\", \"Bearer a\"]", "[\"Authorization\", \"*\"]"},
        {"{\"x-api-key\":[\"a\"]}", "{\"x-api-key\":[\"*\"]}"},
        {"{'api_key': 'a b', 'c': 1}", "{'api_key': '*', 'c': 1}"},
        {"{\"api_key\":\"never ends", "{\"api_key\":\"*"},
        /* and what is no value stays */
        {"invalid api_key or authorization", "invalid api_key or authorization"},
        {"Authorization header missing", "Authorization header missing"},
        {"no api_key, \"see docs\"", "no api_key, \"see docs\""},
        {"monkey=1 ?keys=2", "monkey=1 ?keys=2"},
        {"api_key", "api_key"},
        {"api_key:", "api_key:"},
        {"\"api_key\":\"\"", "\"api_key\":\"\""},
    };
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_redacted(&l, cases[i][0], cases[i][1]);
    assert_int_equal(m.calls, 0);
}

/* Wherever a secret stands in random rubbish, it is gone afterwards. */
static void test_no_secret_survives(void **state)
{
    static const char alphabet[] = "abAB:=\"\\ ,&?key-_1*authorization";
    char s[200];
    uint64_t seed = 7;
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, NULL, NULL, 0);
    lg__log_secret(&l, "s3cr3t!");
    lg__log_secret(&l, "tt0ken:=");
    for (int round = 0; round < 20000; round++) {
        size_t n = support_random(&seed) % 150, at;

        for (size_t i = 0; i < n; i++)
            s[i] = alphabet[support_random(&seed) % (sizeof alphabet - 1)];
        at = n ? support_random(&seed) % n : 0;
        memmove(s + at + 8, s + at, n - at);
        memcpy(s + at, round % 2 ? "s3cr3t!x" : "tt0ken:=", 8);
        n += 8;
        s[n] = '\0';
        lg__log_redact(&l, s, n);
        assert_int_equal(strlen(s), n);
        assert_null(strstr(s, "s3cr3t!"));
        assert_null(strstr(s, "tt0ken:="));
    }
    lg__log_free(&l);
}

static void test_lines(void **state)
{
    char kept[3000] = "";
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, keep_line, kept, LG_LOG_INFO);
    lg__log_secret(&l, "sk-abc123");
    lg__log_line(&l, LG_LOG_DEBUG, "not heard");
    assert_string_equal(kept, "");
    lg__log_line(&l, LG_LOG_INFO, "key %s, %d times\r\n\033[1m", "sk-abc123", 2);
    assert_string_equal(kept, "3key *********, 2 times   [1m");
    lg__log_line(&l, LG_LOG_ERROR, "Authorization: Bearer %s", "x");
    assert_string_equal(kept, "1Authorization: Bearer *");
    lg__log_free(&l);
    lg__log_init(&l, &m, keep_line, kept, 0);
    kept[0] = '\0';
    lg__log_line(&l, LG_LOG_INFO, "default is warn");
    assert_string_equal(kept, "");
    lg__log_line(&l, LG_LOG_WARN, "%s", "");
    assert_string_equal(kept, "2");
    lg__log_init(&l, &m, NULL, NULL, LG_LOG_DEBUG);
    lg__log_line(&l, LG_LOG_ERROR, "nobody listens");
    assert_int_equal(m.live_blocks, 0);
}

static void test_long_lines_are_cut(void **state)
{
    char kept[3000], text[2500];
    lg_mem m;
    lg_log l;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, keep_line, kept, LG_LOG_INFO);
    for (size_t n = 1990; n < 2010; n++) {
        memset(text, 'x', sizeof text);
        text[n] = '\0';
        lg__log_line(&l, LG_LOG_INFO, "%s", text);
        assert_int_equal(strlen(kept + 1), n <= 2000 ? n : 2003);
        assert_true((strstr(kept, "…") != NULL) == (n > 2000));
        memcpy(text + n - 3, "€€€", 10);
        lg__log_line(&l, LG_LOG_INFO, "%s", text);
        assert_true(lg_utf8_check(kept, strlen(kept)) == -1);
        assert_null(strchr(kept, '?'));
    }
    /* a secret that the cut divides does not get out in part */
    lg__log_secret(&l, "sk-0123456789");
    memset(text, 'x', sizeof text);
    strcpy(text + 1990, "sk-0123456789");
    lg__log_line(&l, LG_LOG_INFO, "%s", text);
    assert_null(strstr(kept, "sk-"));
    lg__log_free(&l);
}

static int work(support_heap *h, void *ctx)
{
    char kept[3000] = "", secret[20];
    lg_mem m;
    lg_log l;
    int rc = 0;

    (void)ctx;
    support_mem_on(&m, h);
    lg__log_init(&l, &m, keep_line, kept, 0);
    for (int i = 0; i < 20 && rc == 0; i++) {
        snprintf(secret, sizeof secret, "secret-%d", i);
        rc = lg__log_secret(&l, secret);
        lg__log_line(&l, LG_LOG_ERROR, "%s; api-key: x", secret);
        if (rc == 0)
            assert_null(strstr(kept, secret));
        assert_null(strchr(kept, 'x')); /* logging needs no memory */
    }
    lg__log_free(&l);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_registered_secrets), cmocka_unit_test(test_overlapping_secrets),
    cmocka_unit_test(test_escaped_secrets),    cmocka_unit_test(test_values_by_name),
    cmocka_unit_test(test_no_secret_survives), cmocka_unit_test(test_lines),
    cmocka_unit_test(test_long_lines_are_cut), cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
