/* test_store_clock.c - the store when the machine's clock is set while runs go on. This
 * program's clock_gettime stands before the library's: both clocks can be moved. */
#include "../store_kit.h"

#include <sys/syscall.h>
#include <time.h>

static int64_t set_by_s, gone_s; /* the clock was set by so much; so long ago */

int clock_gettime(clockid_t id, struct timespec *t)
{
    int err = (int)syscall(SYS_clock_gettime, id, t);
    t->tv_sec += (time_t)((id == CLOCK_REALTIME ? set_by_s : 0) + gone_s);
    return err;
}

enum { HOURS = 18 * 3600, MINUTE = 60 };

static void open_it(kit *k)
{
    set_by_s = gone_s = 0;
    if (kit_open_with(k, NULL))
        fail_msg("%s", lg__fail_message(&k->why));
}

static void check_duration(int64_t set_by)
{
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(lg__store_run_begin(k.s, "r", NULL), 0);
    set_by_s = set_by;
    gone_s = 100;
    assert_int_equal(lg__store_run_end(k.s, "done"), 0);
    assert_int_equal(kit_int(&k, "SELECT (ended_us - started_us) / 1000000 FROM run"), 100);
    kit_end(&k);
}

static void test_a_run_took_as_long_as_it_took(void **state)
{
    (void)state;
    check_duration(0);
    check_duration(-HOURS);
    check_duration(HOURS);
}

/* A second store in this process, as another's would be: it sends "a" and lives on. */
static lg_store *send_elsewhere(kit *k)
{
    lg_store *other = NULL;
    lg_store_config c = {.dir = k->dir, .wait_ms = 200};
    assert_int_equal(lg__store_open(&k->mem, &k->log, &c, &other, &k->why), 0);
    assert_int_equal(lg__store_run_begin(other, "other", NULL), 0);
    lg_request *r = kit_ask(k, "a", 0);
    r->attempts = 1;
    assert_int_equal(lg__store_begin(other), 0);
    assert_int_equal(lg__store_intend(other, r), 0);
    assert_int_equal(lg__store_commit(other), 0);
    lg__request_free(&k->mem, r);
    return other;
}

static int is_elsewhere(kit *k)
{
    lg_request *r = kit_ask(k, "a", 0);
    assert_int_equal(lg__store_begin(k->s), 0);
    int elsewhere = lg__store_is_elsewhere(k->s, r->key);
    lg__store_rollback(k->s);
    lg__request_free(&k->mem, r);
    return elsewhere;
}

static void check_patience(int64_t set_by)
{
    kit k;
    kit_setup(&k);
    open_it(&k);
    assert_int_equal(lg__store_run_begin(k.s, "r", NULL), 0);
    lg_store *other = send_elsewhere(&k);
    set_by_s = set_by < 0 ? set_by : 0; /* before it is seen, and after */
    assert_int_equal(is_elsewhere(&k), 1);
    set_by_s = set_by;
    gone_s = MINUTE / 2;
    assert_int_equal(is_elsewhere(&k), 1);
    gone_s = MINUTE + 1;
    assert_int_equal(is_elsewhere(&k), 0);
    lg__store_close(other);
    kit_end(&k);
}

static void test_another_process_is_waited_for_a_minute(void **state)
{
    (void)state;
    check_patience(0);
    check_patience(-HOURS);
    check_patience(HOURS);
}

/* ---- claims: no clock, but two stores as well --------------------------------------- */

static void test_a_claim_is_one_stores_until_it_lets_go(void **state)
{
    (void)state;
    kit k;
    unsigned char a[32] = {1, 2, 3}, b[32] = {255, 255, 255, 255, 255, 255, 255, 255};
    lg_store *other = NULL;
    kit_setup(&k);
    open_it(&k);
    lg_store_config c = {.dir = k.dir, .wait_ms = 200};
    assert_int_equal(lg__store_open(&k.mem, &k.log, &c, &other, &k.why), 0);
    assert_true(lg__store_claim(k.s, a));
    assert_true(lg__store_claim(k.s, a));
    assert_false(lg__store_claim(other, a));
    assert_true(lg__store_claim(other, b));
    assert_false(lg__store_claim(k.s, b));
    lg__store_unclaim(k.s, a);
    assert_true(lg__store_claim(other, a));
    lg__store_close(other); /* as when its process dies */
    assert_true(lg__store_claim(k.s, a));
    assert_true(lg__store_claim(k.s, b));
    kit_end(&k);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_run_took_as_long_as_it_took),
    cmocka_unit_test(test_another_process_is_waited_for_a_minute),
    cmocka_unit_test(test_a_claim_is_one_stores_until_it_lets_go),
};

LG_TEST_MAIN(tests)
