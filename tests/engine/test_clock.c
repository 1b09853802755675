/* test_clock.c - virtual time stands still, real time does not go back. */
#include "../support.h"

#include "base/clock.h"

static void test_virtual_time_moves_only_when_told(void **state)
{
    lg_clock c;

    (void)state;
    lg__clock_init(&c, true);
    assert_int_equal(lg__clock_now(&c), 0);
    lg__clock_advance(&c, 1500);
    assert_int_equal(lg__clock_now(&c), 1500);
    lg__clock_advance(&c, 1000); /* never back */
    assert_int_equal(lg__clock_now(&c), 1500);
    lg__clock_advance(&c, INT64_MAX);
    assert_true(lg__clock_now(&c) == INT64_MAX);
}

static void test_real_time_goes_on(void **state)
{
    lg_clock c;
    int64_t first, now;

    (void)state;
    lg__clock_init(&c, false);
    first = now = lg__clock_now(&c);
    assert_true(first > 0);
    lg__clock_advance(&c, INT64_MAX); /* has no say here */
    for (int i = 0; i < 100000000 && now == first; i++) {
        now = lg__clock_now(&c);
        assert_true(now >= first);
    }
    assert_true(now > first);
    assert_true(now < first + 60000000); /* microseconds */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_virtual_time_moves_only_when_told),
    cmocka_unit_test(test_real_time_goes_on),
};

LG_TEST_MAIN(tests)
