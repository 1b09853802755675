/* test_unstarted.c - attempts that cannot begin, and are wanted no more before that is seen. */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../scripted.h"

enum { BRIEFLY = 1 }; /* µs: such a step ends before it sees what could not begin */

typedef struct bench {
    script s;
    char dir[64]; /* of the store; "": none */
    lg_model *model;
    lg_var *call;
} bench;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void end_bench(bench *b)
{
    lg_var_unref(b->call);
    lg_model_unref(b->model);
    script_end(&b->s);
    if (b->dir[0])
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A call whose URL is none; it was to leave in a step too short to see how that ended. */
static void begin_bench(bench *b, bool store)
{
    lg_config cfg;
    lg_model_config m;
    lg_call c;
    SUPPORT_NO_THREAD(); /* there are no steps of the host's */
    memset(b, 0, sizeof *b);
    lg_config_init(&cfg);
    if (store) {
        snprintf(b->dir, sizeof b->dir, "/tmp/lg_unstarted_XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        cfg.store_dir = b->dir;
    }
    assert_int_equal(script_try(&b->s, &cfg), 0);
    lg_model_config_init(&m);
    m.dialect = "openai";
    m.name = "x/m";
    m.model = "m";
    m.base_url = "http://h:99999";
    assert_int_equal(lg_model_new(b->s.e, &m, &b->model), 0);
    lg_var *x = script_leaf(&b->s, "x", "x", false);
    const lg_message said = {"user", x};
    lg_call_init(&c);
    c.messages = &said;
    c.n_messages = 1;
    assert_int_equal(lg_call_model(b->s.e, b->model, &c, &b->call), 0);
    lg_var_unref(x);
    assert_int_equal(lg_engine_step(b->s.e, BRIEFLY), 0);
    assert_int_equal(lg_var_state(b->call), LG_PENDING);
    assert_int_equal(script_stats(&b->s).attempts, 1);
}

static void expect_nothing_left(bench *b)
{
    assert_int_equal(lg_engine_step(b->s.e, 0), 0);
    lg_stats s = script_stats(&b->s);
    assert_int_equal(s.in_flight + s.queued + s.waiting, 0);
    assert_int_equal(s.calls, 0);
    assert_int_equal(s.micros, 0);
}

static void test_it_fails(void **state)
{
    (void)state;
    for (int store = 0; store < 2; store++) {
        bench b;
        lg_failure why = {0};
        begin_bench(&b, store);
        expect_nothing_left(&b);
        assert_int_equal(lg_var_state(b.call), LG_FAILED);
        assert_true(lg_var_error(b.call, &why));
        assert_int_equal(why.code, LG_EINVAL);
        assert_false(why.ambiguous);
        end_bench(&b);
    }
}

static void test_it_is_cancelled(void **state)
{
    (void)state;
    for (int store = 0; store < 2; store++) {
        bench b;
        begin_bench(&b, store);
        assert_int_equal(lg_var_cancel(b.call), 0);
        expect_nothing_left(&b);
        assert_int_equal(lg_var_state(b.call), LG_CANCELLED);
        end_bench(&b);
    }
}

static void test_the_engine_drains(void **state)
{
    (void)state;
    for (int store = 0; store < 2; store++) {
        bench b;
        begin_bench(&b, store);
        lg_engine_drain(b.s.e, true);
        expect_nothing_left(&b);
        assert_int_equal(lg_var_state(b.call), LG_CANCELLED);
        end_bench(&b);
    }
}

static void test_the_engine_ends(void **state)
{
    (void)state;
    for (int store = 0; store < 2; store++) {
        bench b;
        begin_bench(&b, store);
        end_bench(&b);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_it_fails),
    cmocka_unit_test(test_it_is_cancelled),
    cmocka_unit_test(test_the_engine_drains),
    cmocka_unit_test(test_the_engine_ends),
};

LG_TEST_MAIN(tests)
