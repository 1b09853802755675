/* test_text.c - counting, trimming to a budget, flattening. */
#include "../support.h"

#include "base/text.h"

static void test_counts(void **state)
{
    support_heap h;
    lg_mem m;
    lg_text *t;

    (void)state;
    support_mem_init(&m, &h);
    t = lg__text_new(&m, "a\0b", 3);
    assert_int_equal(t->len, 3);
    assert_memory_equal(t->data, "a\0b", 4);
    assert_ptr_equal(lg__text_ref(t), t);
    lg__text_unref(t);
    assert_int_equal(h.live_blocks, 1);
    lg__text_unref(t);
    assert_heap_empty(&h);
    assert_null(lg__text_ref(NULL));
    lg__text_unref(NULL);
    t = lg__text_new(&m, NULL, 0);
    assert_string_equal(t->data, "");
    lg__text_unref(t);
    assert_null(lg__text_new(&m, "x", SIZE_MAX));
    assert_heap_empty(&h);
}

static void test_of_bytes(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;
    lg_text *t;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, 10);
    lg__bytes_adds(&b, "abc");
    t = lg__text_of(&b);
    assert_bytes(t->data, t->len, "abc");
    assert_null(b.data);
    lg__text_unref(t);
    t = lg__text_of(&b); /* empty */
    assert_bytes(t->data, t->len, "");
    lg__text_unref(t);
    lg__bytes_adds(&b, "more than ten bytes");
    assert_null(lg__text_of(&b));
    assert_heap_empty(&h);
}

static void check_trim(lg_mem *m, const char *s, size_t len, size_t tokens)
{
    lg_text *t = lg__text_new(m, s, len);
    lg_text *cut = lg__text_trim(m, t, tokens);

    assert_non_null(cut);
    assert_true(lg_token_estimate(cut->data, cut->len) <= tokens);
    if (lg_utf8_check(s, len) < 0)
        assert_true(lg_utf8_check(cut->data, cut->len) < 0);
    if (lg_token_estimate(s, len) <= tokens)
        assert_ptr_equal(cut, t);
    else
        assert_ptr_not_equal(cut, t);
    lg__text_unref(cut);
    lg__text_unref(t);
}

static void test_trim_says_what_it_left_out(void **state)
{
    char s[4001];
    support_heap h;
    lg_mem m;
    lg_text *t, *cut;
    const char *line, *end;
    size_t head, tail;
    unsigned long said;

    (void)state;
    support_mem_init(&m, &h);
    for (size_t i = 0; i < sizeof s - 1; i++)
        s[i] = (char)('a' + i % 26);
    s[sizeof s - 1] = '\0';
    t = lg__text_new(&m, s, 4000);
    cut = lg__text_trim(&m, t, 100);
    line = strstr(cut->data, "\n[… ");
    assert_non_null(line);
    end = strstr(line, " characters left out …]\n");
    assert_non_null(end);
    head = (size_t)(line - cut->data);
    end += strlen(" characters left out …]\n");
    tail = strlen(end);
    assert_memory_equal(cut->data, s, head);
    assert_memory_equal(end, s + 4000 - tail, tail);
    said = strtoul(line + strlen("\n[… "), NULL, 10);
    assert_int_equal(said + head + tail, 4000);
    assert_true(cut->len > 380); /* the budget is used */
    assert_true(head > 150 && tail > 150);
    lg__text_unref(cut);
    lg__text_unref(t);
    assert_heap_empty(&h);
}

static void test_trim_counts_characters_and_keeps_them_whole(void **state)
{
    char s[3001];
    lg_mem m;
    lg_text *t, *cut;
    const char *line;
    size_t head, total;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    for (size_t i = 0; i < 1000; i++)
        memcpy(s + 3 * i, "€", 3);
    t = lg__text_new(&m, s, 3000);
    cut = lg__text_trim(&m, t, 60);
    line = strstr(cut->data, "\n[… ");
    assert_non_null(line);
    head = (size_t)(line - cut->data);
    assert_int_equal(head % 3, 0);
    total = strtoul(line + strlen("\n[… "), NULL, 10) + head / 3;
    line = strstr(line, "…]\n") + strlen("…]\n");
    assert_int_equal(total + strlen(line) / 3, 1000);
    assert_int_equal(strlen(line) % 3, 0);
    lg__text_unref(cut);
    for (size_t tokens = 0; tokens < 60; tokens++) {
        for (size_t from = 0; from < 3; from++)
            check_trim(&m, s + 3 * from, 500 * 3, tokens);
    }
    lg__text_unref(t);
    assert_int_equal(m.live_blocks, 0);
}

static void test_trim_without_room_for_the_line(void **state)
{
    lg_mem m;
    lg_text *t, *cut;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    t = lg__text_new(&m, "one two three four five six seven eight nine ten", 48);
    cut = lg__text_trim(&m, t, 3);
    assert_bytes(cut->data, cut->len, "one two thre");
    lg__text_unref(cut);
    cut = lg__text_trim(&m, t, 0);
    assert_bytes(cut->data, cut->len, "");
    lg__text_unref(cut);
    cut = lg__text_trim(&m, t, 12);
    assert_ptr_equal(cut, t);
    lg__text_unref(cut);
    lg__text_unref(t);
    assert_int_equal(m.live_blocks, 0);
}

/* Many short words cost more than their bytes; newlines at the cuts; garbage. */
static void test_trim_holds_its_promise_for_any_text(void **state)
{
    static const char *const parts[] = {"c\t", "d\r",  "a ", "bb",    "\n",   "é",
                                        "€",   "🙂", " ",  "word ", "\xff", "\x80"};
    char s[600];
    uint64_t seed = 1;
    lg_mem m;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    for (int round = 0; round < 3000; round++) {
        size_t len = 0, kinds = round % 2 ? 12 : 10;
        size_t want = support_random(&seed) % 500;

        while (len < want) {
            const char *part = parts[support_random(&seed) % kinds];

            memcpy(s + len, part, strlen(part));
            len += strlen(part);
        }
        check_trim(&m, s, len, support_random(&seed) % 120);
    }
    assert_int_equal(m.live_blocks, 0);
}

static void test_border(void **state)
{
    (void)state;
    assert_int_equal(lg__text_border("", 0), 0);
    assert_int_equal(lg__text_border("abc", 3), 3);
    assert_int_equal(lg__text_border("ab€", 5), 5);
    assert_int_equal(lg__text_border("ab€", 4), 2);
    assert_int_equal(lg__text_border("ab€", 3), 2);
    assert_int_equal(lg__text_border("🙂", 3), 0);
    assert_int_equal(lg__text_border("é🙂", 5), 2);
    assert_int_equal(lg__text_border("\x80\x80\x80\x80", 4), 4);
    assert_int_equal(lg__text_border("a\xff", 2), 1);
}

static void test_flatten(void **state)
{
    char s[] = "a\r\nb\tc\033[31m d\x7f é\xc2\x9b!\xff\xc3";

    (void)state;
    lg__text_flatten(s, sizeof s - 1);
    assert_string_equal(s, "a  b c [31m d  é  !??");
    lg__text_flatten(s, 0);
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_bytes b;
    lg_text *t, *cut = NULL;
    int rc = LG_ENOMEM;

    (void)ctx;
    support_mem_on(&m, h);
    lg__bytes_init(&b, &m, 1000);
    for (int i = 0; i < 100; i++)
        lg__bytes_adds(&b, "word ");
    t = lg__text_of(&b);
    if (t)
        cut = lg__text_trim(&m, t, 50);
    if (cut)
        rc = 0;
    lg__text_unref(cut);
    lg__text_unref(t);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_of_bytes),
    cmocka_unit_test(test_trim_says_what_it_left_out),
    cmocka_unit_test(test_trim_counts_characters_and_keeps_them_whole),
    cmocka_unit_test(test_trim_without_room_for_the_line),
    cmocka_unit_test(test_trim_holds_its_promise_for_any_text),
    cmocka_unit_test(test_border),
    cmocka_unit_test(test_flatten),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
