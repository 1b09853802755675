/* test_lua_fit.c - bounded least squares: no step helps, slices, odd problems, memory. */
#include "../support.h"

#include <math.h>

#include "binding/fit.h"

enum { ROWS = 90, COLUMNS = 25 };

static double draw(uint64_t *seed)
{
    return (double)(int64_t)(support_random(seed) % 2001) / 1000 - 1;
}

static int add_row(lg_sparse *m, uint64_t *seed, size_t columns)
{
    uint32_t column[COLUMNS];
    double value[COLUMNS];
    size_t n = 0;
    for (uint32_t j = 0; j < columns; j++) {
        if (support_random(seed) % 3 == 0) {
            column[n] = j;
            value[n++] = fabs(draw(seed));
        }
    }
    return lg__sparse_add(m, n, column, value);
}

/* Rows that want at least 1, at most 2, or 1.5, with weights; x from 0 to 0.8. */
static int make(lg_sparse *m, lg_fit *f, support_heap *h, uint64_t seed)
{
    int err = 0;
    lg__sparse_init(m, support_alloc, h, COLUMNS);
    for (size_t i = 0; !err && i < ROWS; i++)
        err = add_row(m, &seed, COLUMNS);
    if (!err)
        err = lg__fit_init(f, m);
    if (err) {
        lg__sparse_free(m);
        return err;
    }
    f->tolerance = 1e-10;
    for (size_t i = 0; i < ROWS; i++) {
        double weight = 0.1 + fabs(draw(&seed));
        f->aim[i] = (lg_fit_aim){.low = i % 3 == 0 ? 1.5 : 1,
                                 .high = i % 3 == 0 ? 1.5 : 2,
                                 .under = i % 3 == 1 ? 0 : weight,
                                 .over = i % 3 == 2 ? 0 : weight};
    }
    for (size_t j = 0; j < COLUMNS; j++)
        f->top[j] = 0.8;
    return 0;
}

static double cost_at(const lg_fit *f, const double *x)
{
    double cost = 0;
    for (size_t i = 0; i < f->rows; i++) {
        double value = 0;
        for (size_t k = f->a->begin[i]; k < f->a->begin[i + 1]; k++)
            value += f->a->value[k] * x[f->a->column[k]];
        double under = fmax(0, f->aim[i].low - value), over = fmax(0, value - f->aim[i].high);
        cost += f->aim[i].under * under * under + f->aim[i].over * over * over;
    }
    for (size_t j = 0; j < f->columns; j++)
        cost += f->ridge * x[j] * x[j];
    return cost;
}

static void test_no_step_helps(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        support_heap h;
        lg_sparse m;
        lg_fit f;
        double x[COLUMNS], zero[COLUMNS] = {0};
        support_heap_init(&h);
        assert_int_equal(make(&m, &f, &h, seed), 0);
        f.ridge = 1e-3;
        lg__fit_start(&f, zero);
        assert_true(lg__fit_step(&f, SIZE_MAX));
        assert_int_equal(f.state, LG_FIT_SETTLED);
        assert_true(fabs(cost_at(&f, f.x) - f.cost) <= 1e-12 * f.cost);
        for (size_t j = 0; j < COLUMNS; j++) {
            assert_true(f.x[j] >= 0 && f.x[j] <= 0.8);
            for (int sign = -1; sign <= 1; sign += 2) {
                memcpy(x, f.x, sizeof x);
                x[j] = fmin(0.8, fmax(0, x[j] + sign * 1e-4));
                assert_true(cost_at(&f, x) >= f.cost * (1 - 1e-12));
            }
        }
        lg__fit_free(&f);
        lg__sparse_free(&m);
        assert_heap_empty(&h);
    }
}

/* However it is cut, and wherever it begins (the ridge leaves one best point), it ends there. */
static void test_slices_and_starts(void **state)
{
    support_heap h;
    lg_sparse m;
    lg_fit f;
    double whole[COLUMNS], start[COLUMNS] = {0};

    (void)state;
    support_heap_init(&h);
    for (size_t work = 0; work < 60; work += 7) {
        assert_int_equal(make(&m, &f, &h, 5), 0);
        f.ridge = 1e-3;
        lg__fit_start(&f, start);
        while (!lg__fit_step(&f, work > 0 ? work : SIZE_MAX))
            continue;
        if (work == 0)
            memcpy(whole, f.x, sizeof whole);
        assert_memory_equal(whole, f.x, sizeof whole);
        lg__fit_free(&f);
        lg__sparse_free(&m);
    }
    for (size_t j = 0; j < COLUMNS; j++)
        start[j] = (double)j - 5;
    assert_int_equal(make(&m, &f, &h, 5), 0);
    f.ridge = 1e-3;
    lg__fit_start(&f, start);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    for (size_t j = 0; j < COLUMNS; j++)
        assert_true(fabs(f.x[j] - whole[j]) < 1e-7);
    lg__fit_free(&f);
    lg__sparse_free(&m);
    assert_heap_empty(&h);
}

/* A system with one solution, inside the bounds, is solved as such. */
static void test_plain_least_squares(void **state)
{
    static const uint32_t column[2] = {0, 1};
    static const double a[2] = {2, 1}, b[2] = {1, -3}, zero[2] = {0, 0};
    support_heap h;
    lg_sparse m;
    lg_fit f;

    (void)state;
    support_heap_init(&h);
    lg__sparse_init(&m, support_alloc, &h, 2);
    assert_int_equal(lg__sparse_add(&m, 2, column, a), 0);
    assert_int_equal(lg__sparse_add(&m, 2, column, b), 0);
    assert_int_equal(lg__fit_init(&f, &m), 0);
    f.aim[0] = (lg_fit_aim){.low = 5, .high = 5, .under = 1, .over = 1};
    f.aim[1] = (lg_fit_aim){.low = -8, .high = -8, .under = 2, .over = 2};
    f.bottom[0] = f.bottom[1] = -INFINITY;
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    assert_int_equal(f.state, LG_FIT_SETTLED);
    assert_true(fabs(f.x[0] - 1) < 1e-6 && fabs(f.x[1] - 3) < 1e-6);
    assert_true(fabs(f.value[0] - 5) < 1e-6 && fabs(f.value[1] + 8) < 1e-6);
    lg__fit_free(&f);
    lg__sparse_free(&m);
    assert_heap_empty(&h);
}

/* No rows, no penalties, weights beyond all measure, no steps allowed: it comes to an end. */
static void test_odd_problems(void **state)
{
    double zero[COLUMNS] = {0};
    support_heap h;
    lg_sparse m;
    lg_fit f;

    (void)state;
    support_heap_init(&h);
    lg__sparse_init(&m, support_alloc, &h, COLUMNS);
    assert_int_equal(lg__fit_init(&f, &m), 0);
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    assert_int_equal(f.state, LG_FIT_SETTLED);
    lg__fit_free(&f);
    lg__sparse_free(&m);

    assert_int_equal(make(&m, &f, &h, 3), 0);
    for (size_t i = 0; i < ROWS; i++)
        f.aim[i].under = f.aim[i].over = 1e308;
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    assert_int_equal(f.state, LG_FIT_STALLED);
    lg__fit_free(&f);
    lg__sparse_free(&m);

    assert_int_equal(make(&m, &f, &h, 3), 0);
    f.most_steps = 0;
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    assert_int_equal(f.state, LG_FIT_STOPPED);
    lg__fit_free(&f);
    lg__sparse_free(&m);

    assert_int_equal(make(&m, &f, &h, 3), 0);
    f.tolerance = 0; /* as far as doubles go */
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    assert_true(f.residual <= 1e-12 * f.scale);
    lg__fit_free(&f);
    lg__sparse_free(&m);
    assert_heap_empty(&h);
}

static void test_rows_that_are_none(void **state)
{
    static const uint32_t beyond[2] = {0, 3}, again[2] = {1, 1}, good[2] = {0, 2};
    const double bad[2] = {1, NAN}, fine[2] = {1, 2};
    support_heap h;
    lg_sparse m;

    (void)state;
    support_heap_init(&h);
    lg__sparse_init(&m, support_alloc, &h, 3);
    assert_int_equal(lg__sparse_add(&m, 2, beyond, fine), LG_EINVAL);
    assert_int_equal(lg__sparse_add(&m, 2, again, fine), LG_EINVAL);
    assert_int_equal(lg__sparse_add(&m, 2, good, bad), LG_EINVAL);
    assert_int_equal(m.rows, 0);
    assert_int_equal(lg__sparse_add(&m, 0, good, fine), 0);
    assert_int_equal(lg__sparse_add(&m, 2, good, fine), 0);
    assert_int_equal(m.rows, 2);
    assert_int_equal(m.begin[1], 0);
    assert_int_equal(m.begin[2], 2);
    lg__sparse_free(&m);
    assert_heap_empty(&h);
}

static int solve(support_heap *h, void *ctx)
{
    static const double zero[COLUMNS] = {0};
    lg_sparse m;
    lg_fit f;
    (void)ctx;
    int err = make(&m, &f, h, 9);
    if (err)
        return err;
    lg__fit_start(&f, zero);
    assert_true(lg__fit_step(&f, SIZE_MAX));
    lg__fit_free(&f);
    lg__sparse_free(&m);
    return 0;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(solve, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_step_helps),       cmocka_unit_test(test_slices_and_starts),
    cmocka_unit_test(test_plain_least_squares), cmocka_unit_test(test_odd_problems),
    cmocka_unit_test(test_rows_that_are_none),  cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
