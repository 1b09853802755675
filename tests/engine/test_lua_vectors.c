/* test_lua_vectors.c - the nearest rows against a plain sort; gaps, ties, odd vectors. */
#include "../support.h"

#include <math.h>

#include "binding/vectors.h"

enum { DIM = 19, ROWS = 300 };

static float draw(uint64_t *seed)
{
    return (float)(int64_t)(support_random(seed) % 2001) - 1000.0F;
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < DIM; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

static void test_like_a_plain_scan(void **state)
{
    support_heap h;
    lg_vectors v;
    lg_near near[10];
    uint64_t seed = 7;
    static float rows[ROWS][DIM];
    float query[DIM];

    (void)state;
    support_heap_init(&h);
    lg__vectors_init(&v, support_alloc, &h, DIM);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < DIM; j++)
            rows[i][j] = draw(&seed);
        assert_int_equal(lg__vectors_put(&v, i, rows[i]), 0);
    }
    for (size_t j = 0; j < DIM; j++)
        query[j] = draw(&seed);
    lg__vectors_drop(&v, 17);
    assert_int_equal(lg__vectors_nearest(&v, query, near, 10), 10);
    for (size_t n = 0; n < 10; n++) {
        size_t better = 0;
        for (size_t i = 0; i < ROWS; i++)
            better += i != 17 && cosine(rows[i], query) > cosine(rows[near[n].row], query);
        assert_int_equal(better, n);
        assert_true(fabs(near[n].score - cosine(rows[near[n].row], query)) < 1e-5);
    }
    lg__vectors_free(&v);
    assert_heap_empty(&h);
}

static void test_ties_gaps_and_odd_vectors(void **state)
{
    static const float x[2] = {3, 0}, y[2] = {0, 2}, zero[2] = {0, 0};
    const float bad[2] = {NAN, 1}, huge[2] = {1e30F, 1e30F};
    support_heap h;
    lg_vectors v;
    lg_near near[4];

    (void)state;
    support_heap_init(&h);
    lg__vectors_init(&v, support_alloc, &h, 2);
    assert_int_equal(lg__vectors_nearest(&v, x, near, 4), 0);
    assert_int_equal(lg__vectors_put(&v, 1, x), LG_EINVAL); /* row 0 comes first */
    assert_int_equal(lg__vectors_put(&v, 0, zero), LG_EINVAL);
    assert_int_equal(lg__vectors_put(&v, 0, bad), LG_EINVAL);
    assert_int_equal(v.n, 0);
    assert_int_equal(lg__vectors_put(&v, 0, y), 0);
    assert_int_equal(lg__vectors_put(&v, 1, x), 0);
    assert_int_equal(lg__vectors_put(&v, 2, x), 0);
    assert_int_equal(lg__vectors_put(&v, 3, huge), 0);
    assert_int_equal(lg__vectors_nearest(&v, x, near, 2), 2);
    assert_int_equal(near[0].row, 1);
    assert_int_equal(near[1].row, 2);
    assert_int_equal(lg__vectors_nearest(&v, x, near, 0), 0);
    assert_int_equal(lg__vectors_nearest(&v, zero, near, 4), 0);
    lg__vectors_drop(&v, 1);
    lg__vectors_drop(&v, 99);
    assert_int_equal(lg__vectors_nearest(&v, x, near, 4), 3);
    assert_int_equal(near[0].row, 2);
    assert_int_equal(lg__vectors_put(&v, 1, y), 0); /* the gap is filled */
    assert_int_equal(lg__vectors_nearest(&v, x, near, 4), 4);
    lg__vectors_free(&v);
    assert_heap_empty(&h);
}

static int grow(support_heap *h, void *ctx)
{
    static const float x[3] = {1, 2, 3};
    lg_vectors v;
    lg_near near[1];
    int err = 0;

    (void)ctx;
    lg__vectors_init(&v, support_alloc, h, 3);
    for (size_t i = 0; !err && i < 200; i++)
        err = lg__vectors_put(&v, i, x);
    assert_int_equal(lg__vectors_nearest(&v, x, near, 1), v.n > 0); /* what is there stays */
    lg__vectors_free(&v);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(grow, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_like_a_plain_scan),
    cmocka_unit_test(test_ties_gaps_and_odd_vectors),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
