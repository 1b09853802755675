/* test_mem.c - counting, sizes given back, faults. */
#include "../support.h"

static void test_counts_blocks_and_bytes(void **state)
{
    support_heap h;
    lg_mem m;
    char *a, *b;

    (void)state;
    support_mem_init(&m, &h);
    a = lg__mem_new(&m, 10);
    b = lg__mem_zero(&m, 3);
    assert_non_null(a);
    assert_memory_equal(b, "\0\0\0", 3);
    assert_int_equal(m.live_blocks, 2);
    assert_int_equal(m.live_bytes, 13);
    assert_int_equal(h.live_bytes, 13);
    memcpy(a, "0123456789", 10);
    a = lg__mem_grow(&m, a, 10, 100);
    assert_memory_equal(a, "0123456789", 10);
    assert_int_equal(m.live_bytes, 103);
    assert_int_equal(m.calls, 3);
    lg__mem_free(&m, a, 100); /* the heap stops the program if a size is wrong */
    lg__mem_free(&m, b, 3);
    assert_int_equal(m.live_blocks, 0);
    assert_int_equal(m.live_bytes, 0);
    assert_heap_empty(&h);
}

static void test_nothing_is_a_block_too(void **state)
{
    support_heap h;
    lg_mem m;
    void *p, *q;

    (void)state;
    support_mem_init(&m, &h);
    p = lg__mem_new(&m, 0);
    assert_non_null(p);
    p = lg__mem_grow(&m, p, 0, 0);
    assert_non_null(p);
    q = lg__mem_zero(&m, 0);
    assert_non_null(q);
    lg__mem_free(&m, p, 0);
    lg__mem_free(&m, q, 0);
    lg__mem_free(&m, NULL, 0);
    lg__mem_free(&m, NULL, 77);
    assert_int_equal(m.live_blocks, 0);
    assert_heap_empty(&h);
}

static void test_strings(void **state)
{
    support_heap h;
    lg_mem m;
    char *s;

    (void)state;
    support_mem_init(&m, &h);
    assert_null(lg__mem_strdup(&m, NULL));
    s = lg__mem_strdup(&m, "héllo");
    assert_string_equal(s, "héllo");
    lg__mem_strfree(&m, s);
    lg__mem_strfree(&m, NULL);
    assert_heap_empty(&h);
}

static void test_default_allocator(void **state)
{
    lg_mem m;
    char *p;

    (void)state;
    lg__mem_init(&m, NULL, &m);
    p = lg__mem_new(&m, 5);
    memcpy(p, "abcd", 5);
    p = lg__mem_grow(&m, p, 5, 5000);
    assert_string_equal(p, "abcd");
    p = lg__mem_grow(&m, p, 5000, 2);
    assert_int_equal(m.live_bytes, 2);
    lg__mem_free(&m, p, 2);
    assert_int_equal(m.live_blocks, 0);
}

static void test_own_fault_counter(void **state)
{
    lg_mem m;
    char *a, *b;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    m.fail_at = 2;
    a = lg__mem_new(&m, 8);
    assert_non_null(a);
    memcpy(a, "unmoved", 8);
    assert_null(lg__mem_grow(&m, a, 8, 16)); /* the second call */
    assert_string_equal(a, "unmoved");
    assert_int_equal(m.live_bytes, 8);
    b = lg__mem_new(&m, 8); /* the third works: transient */
    assert_non_null(b);
    m.fail_at = m.calls + 1;
    m.fail_for_good = true;
    assert_null(lg__mem_new(&m, 1));
    assert_null(lg__mem_zero(&m, 1));
    assert_null(lg__mem_strdup(&m, "x"));
    lg__mem_free(&m, a, 8); /* freeing never fails */
    lg__mem_free(&m, b, 8);
    assert_int_equal(m.live_blocks, 0);
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    void *p, *q;
    char *s;
    int rc = LG_ENOMEM;

    (void)ctx;
    support_mem_on(&m, h);
    p = lg__mem_new(&m, 4);
    q = p ? lg__mem_grow(&m, p, 4, 64) : NULL;
    s = q ? lg__mem_strdup(&m, "text") : NULL;
    if (s)
        rc = 0;
    lg__mem_strfree(&m, s);
    lg__mem_free(&m, q ? q : p, q ? 64 : 4);
    assert_int_equal(m.live_blocks, h->live_blocks);
    assert_int_equal(m.live_bytes, h->live_bytes);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
    assert_int_equal(support_oom_mode(work, NULL, false, 1), 4); /* three faults, then none */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_counts_blocks_and_bytes),
    cmocka_unit_test(test_nothing_is_a_block_too),
    cmocka_unit_test(test_strings),
    cmocka_unit_test(test_default_allocator),
    cmocka_unit_test(test_own_fault_counter),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
