/* test_eventstream.c - every line ending, every split, limits, stopping. */
#include "../support.h"

#include "base/eventstream.h"

typedef struct seen {
    char text[2000]; /* "name=data;" for each event */
    size_t len;
    int count, stop_at; /* stop_at: this event returns 77 */
} seen;

static int note(void *ud, const char *name, const char *data, size_t len)
{
    seen *s = ud;
    int n = snprintf(s->text + s->len, sizeof s->text - s->len, "%s=%.*s;", name, (int)len, data);

    s->len += (size_t)n;
    assert_true(data[len] == '\0' || len > 0);
    return ++s->count == s->stop_at ? 77 : 0;
}

/* Feeds the input in pieces of `step` bytes and ends. Returns the last code. */
static int run(const char *in, size_t len, size_t step, size_t ceiling, seen *out)
{
    support_heap h;
    lg_mem m;
    lg_sse s;
    int rc = 0, stop_at = out->stop_at;

    memset(out, 0, sizeof *out);
    out->stop_at = stop_at;
    support_mem_init(&m, &h);
    lg__sse_init(&s, &m, ceiling, note, out);
    for (size_t at = 0; at < len && rc == 0; at += step)
        rc = lg__sse_feed(&s, in + at, step < len - at ? step : len - at);
    if (rc == 0)
        rc = lg__sse_end(&s);
    else
        assert_int_equal(lg__sse_end(&s), rc);
    lg__sse_free(&s);
    assert_heap_empty(&h);
    return rc;
}

static void expect_events(const char *in, const char *want)
{
    size_t len = strlen(in);
    seen got = {.stop_at = 0};

    for (size_t step = 1; step <= len + 1; step++) {
        assert_int_equal(run(in, len, step, 1000, &got), 0);
        if (strcmp(got.text, want) != 0)
            fail_msg("in steps of %zu: \"%s\", not \"%s\"", step, got.text, want);
    }
}

static void test_events(void **state)
{
    (void)state;
    expect_events("", "");
    expect_events("data: a\n\n", "=a;");
    expect_events("data:a\n\ndata:b\n\n", "=a;=b;");
    expect_events("data: a\ndata:  b\ndata\n\n", "=a\n b\n;");
    expect_events("event: e\ndata: x\n\ndata: y\n\n", "e=x;=y;");
    expect_events("event: e\nevent: f\ndata: x\n\n", "f=x;");
    expect_events("event: lost\n\ndata: x\n\n", "=x;");
    expect_events("data:\n\n", "=;");
    expect_events("data\n\n", "=;");
    expect_events("\n\n\n", "");
    expect_events(": comment\ndata: a\n:\n\n", "=a;");
    expect_events("id: 7\nretry: 10\nunknown: x\ndatax: y\ndata: a\n\n", "=a;");
    expect_events("data: a: b\n\n", "=a: b;");
    expect_events("data: {\"x\":\"é\"}\n\n", "={\"x\":\"é\"};");
}

static void test_line_endings(void **state)
{
    (void)state;
    expect_events("data: a\r\n\r\ndata: b\r\n\r\n", "=a;=b;");
    expect_events("data: a\r\rdata: b\r\r", "=a;=b;");
    expect_events("data: a\r\n\rdata: b\n\r\n", "=a;=b;");
    expect_events("data: a\n\rdata: b\r\n\n", "=a;=b;");
}

static void test_the_end_flushes(void **state)
{
    (void)state;
    expect_events("data: a", "=a;");
    expect_events("data: a\n", "=a;");
    expect_events("event: e\r\ndata: a\r", "e=a;");
    expect_events("event: e", "");
    expect_events(": only a comment", "");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    expect_events("\xEF\xBB\xBF"
                  "data: a\n\n",
                  "=a;");
    expect_events("\xEF\xBB\xBF\n\n", "");
    expect_events("data: a\n\n\xEF\xBB\xBF"
                  "data: b\n\n",
                  "=a;");
}

static void test_limits_do_not_depend_on_splits(void **state)
{
    static const struct {
        const char *in;
        int rc;
        const char *events;
    } cases[] = {
        {"data: 123456\n\n", 0, "=123456;"}, /* a line of just 12 */
        {"data: 1234567\n\n", LG_ELIMIT, ""},
        {"data:x\n\ndata: 1234567", LG_ELIMIT, "=x;"},
        {"data:12345\ndata:123456\n\n", 0, "=12345\n123456;"}, /* data of just 12 */
        {"data:123456\ndata:123456\n\n", LG_ELIMIT, ""},
        {": comments are lines too\n", LG_ELIMIT, ""},
    };
    seen got = {.stop_at = 0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].in);

        for (size_t step = 1; step <= len; step++) {
            assert_int_equal(run(cases[i].in, len, step, 12, &got), cases[i].rc);
            assert_string_equal(got.text, cases[i].events);
        }
    }
}

static void test_the_callback_can_stop(void **state)
{
    const char *in = "data: a\n\ndata: b\n\ndata: c\n\n";
    seen got = {.stop_at = 2};

    (void)state;
    for (size_t step = 1; step <= strlen(in); step++) {
        assert_int_equal(run(in, strlen(in), step, 100, &got), 77);
        assert_string_equal(got.text, "=a;=b;");
    }
}

static void test_nul_bytes(void **state)
{
    seen got = {.stop_at = 0};

    (void)state;
    assert_int_equal(run("data: a\0b\n\n", 11, 3, 100, &got), 0);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.len, 3); /* "=a" as C prints it, and ; */
}

static int ignore(void *ud, const char *name, const char *data, size_t len)
{
    (void)name;
    (void)data;
    *(size_t *)ud += len + 1;
    return 0;
}

/* A body of one kind of line ending is read in one pass. */
static void test_long_streams_take_linear_time(void **state)
{
    size_t n = 4000000, total = 0;
    char *in = malloc(n);
    lg_mem m;
    lg_sse s;

    (void)state;
    assert_non_null(in);
    for (size_t i = 0; i < n; i++)
        in[i] = "data:\r\r\r"[i % 8];
    lg__mem_init(&m, NULL, NULL);
    lg__sse_init(&s, &m, 100, ignore, &total);
    assert_int_equal(lg__sse_feed(&s, in, n), 0);
    assert_int_equal(lg__sse_end(&s), 0);
    assert_int_equal(total, n / 8);
    lg__sse_free(&s);
    assert_int_equal(m.live_blocks, 0);
    free(in);
}

static int work(support_heap *h, void *ctx)
{
    const char *in = "event: some\ndata: first line\ndata: second line\n\ndata: last";
    size_t step = *(const size_t *)ctx, len = strlen(in), total = 0;
    lg_mem m;
    lg_sse s;
    int rc = 0;

    support_mem_on(&m, h);
    lg__sse_init(&s, &m, 1000, ignore, &total);
    for (size_t at = 0; at < len && rc == 0; at += step)
        rc = lg__sse_feed(&s, in + at, step < len - at ? step : len - at);
    if (rc == 0)
        rc = lg__sse_end(&s);
    if (rc == 0)
        assert_int_equal(total, 22 + 1 + 4 + 1);
    lg__sse_free(&s);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    for (size_t step = 1; step < 100; step *= 3)
        oom_sweep(work, &step);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_events),
    cmocka_unit_test(test_line_endings),
    cmocka_unit_test(test_the_end_flushes),
    cmocka_unit_test(test_byte_order_mark),
    cmocka_unit_test(test_limits_do_not_depend_on_splits),
    cmocka_unit_test(test_the_callback_can_stop),
    cmocka_unit_test(test_nul_bytes),
    cmocka_unit_test(test_long_streams_take_linear_time),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
