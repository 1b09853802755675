/* test_bytes.c - growth, the ceiling, sticky errors. */
#include "../support.h"

#include "base/bytes.h"

static void test_adds_of_all_kinds(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    assert_null(b.data);
    assert_int_equal(lg__bytes_add(&b, NULL, 0), 0);
    assert_int_equal(lg__bytes_adds(&b, "ab"), 0);
    assert_int_equal(lg__bytes_addc(&b, '-'), 0);
    assert_int_equal(lg__bytes_add(&b, "c\0d", 3), 0);
    assert_int_equal(lg__bytes_addf(&b, "|%d|%s", 42, "x"), 0);
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "ab-c\0d|42|x", 12); /* with the NUL */
    lg__bytes_free(&b);
    assert_heap_empty(&h);
}

static void test_grows_to_any_size(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    for (int i = 0; i < 100000; i++)
        lg__bytes_addf(&b, "%05d", i);
    assert_int_equal(b.err, 0);
    assert_int_equal(b.len, 500000);
    assert_memory_equal(b.data + 5 * 12345, "1234512346", 10);
    assert_true(m.calls < 20); /* doubling, not creeping */
    lg__bytes_free(&b);
    assert_heap_empty(&h);
}

static void test_ceiling_is_exact_and_sticky(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(lg__bytes_addc(&b, 'x'), 0);
    assert_int_equal(b.cap, 101);
    assert_int_equal(lg__bytes_addc(&b, 'x'), LG_ELIMIT);
    assert_int_equal(b.len, 0);
    assert_null(b.data);
    assert_heap_empty(&h);
    assert_int_equal(lg__bytes_adds(&b, "more"), LG_ELIMIT);
    assert_int_equal(lg__bytes_addf(&b, "%d", 1), LG_ELIMIT);
    assert_int_equal(lg__bytes_add(&b, "", 0), LG_ELIMIT);
    assert_null(b.data);
    lg__bytes_clear(&b);
    assert_int_equal(lg__bytes_adds(&b, "again"), 0);
    assert_bytes(b.data, b.len, "again");
    lg__bytes_free(&b);
    assert_int_equal(lg__bytes_add(&b, "far too much", SIZE_MAX), LG_ELIMIT);
    lg__bytes_free(&b);
    assert_int_equal(b.err, 0);
    assert_heap_empty(&h);
}

static void test_formatted_text_at_the_ceiling(void **state)
{
    lg_mem m;
    lg_bytes b;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, 5);
    assert_int_equal(lg__bytes_addf(&b, "%s", "12345"), 0);
    assert_bytes(b.data, b.len, "12345");
    assert_int_equal(lg__bytes_addf(&b, "%s", ""), 0);
    assert_int_equal(lg__bytes_addf(&b, "%s", "6"), LG_ELIMIT);
    lg__bytes_free(&b);
    lg__bytes_init(&b, &m, 0);
    assert_int_equal(lg__bytes_addc(&b, 'x'), LG_ELIMIT);
    lg__bytes_free(&b);
    assert_int_equal(m.live_blocks, 0);
}

static void test_clear_keeps_memory(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, 1000);
    lg__bytes_adds(&b, "first");
    lg__bytes_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.data, "");
    lg__bytes_adds(&b, "second");
    assert_int_equal(m.calls, 1);
    lg__bytes_free(&b);
    assert_heap_empty(&h);
}

/* As much as was guessed takes one allocation; the guess binds nobody. */
static void test_what_is_expected(void **state)
{
    support_heap h;
    lg_mem m;
    lg_bytes b;

    (void)state;
    support_mem_init(&m, &h);
    lg__bytes_init(&b, &m, 1000);
    assert_int_equal(lg__bytes_expect(&b, 100), 0);
    assert_string_equal(b.data, "");
    for (int i = 0; i < 100; i++)
        lg__bytes_addc(&b, 'x');
    assert_int_equal(m.calls, 1);
    assert_int_equal(m.live_bytes, 101);
    lg__bytes_addc(&b, 'y');
    assert_int_equal(b.len, 101);
    assert_int_equal(lg__bytes_expect(&b, 500), 0); /* it is not the first */
    assert_int_equal(m.calls, 2);
    lg__bytes_free(&b);
    assert_int_equal(lg__bytes_expect(&b, 1001), 0); /* more than it may hold */
    assert_null(b.data);
    assert_heap_empty(&h);
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_bytes b;
    int rc;

    (void)ctx;
    support_mem_on(&m, h);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    lg__bytes_expect(&b, 200);
    for (int i = 0; i < 100; i++) {
        lg__bytes_adds(&b, "some text ");
        lg__bytes_addf(&b, "%d", i);
    }
    rc = b.err;
    if (rc) {
        assert_int_equal(b.len, 0);
        assert_null(b.data);
    } else {
        assert_int_equal(b.len, 1190);
    }
    lg__bytes_free(&b);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_adds_of_all_kinds),
    cmocka_unit_test(test_grows_to_any_size),
    cmocka_unit_test(test_ceiling_is_exact_and_sticky),
    cmocka_unit_test(test_formatted_text_at_the_ceiling),
    cmocka_unit_test(test_clear_keeps_memory),
    cmocka_unit_test(test_what_is_expected),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
