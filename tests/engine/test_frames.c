/* test_frames.c - hosts that give each step a moment: with any budget all is done, in pieces, and
 * a host that polls hears of what was left. What is done beforehand. */
#include "../store_kit.h"

#include <poll.h>
#include <sys/stat.h>

#include "../rude.h"

enum { MANY = 60 };

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
    lg_var *answers[MANY];
    size_t steps;
} host;

static void host_open(host *h, const char *name, const char *path, bool store, int durable)
{
    char url[160];
    lg_config cfg;
    lg_model_config model;
    lg_config_init(&cfg);
    cfg.concurrency = MANY;
    cfg.max_attempts = 1;
    cfg.store_dir = store ? h->k.dir : NULL;
    cfg.durable = durable;
    cfg.alloc = support_alloc;
    cfg.alloc_ud = &h->k.heap;
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    snprintf(url, sizeof url, "http://%s:%d/%s", name, rude_port(h->server), path);
    model.base_url = url;
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
    h->steps = 0;
}

static void host_setup(host *h)
{
    memset(h, 0, sizeof *h);
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
}

static void host_close(host *h)
{
    for (int i = 0; i < MANY; i++) {
        lg_var_unref(h->answers[i]);
        h->answers[i] = NULL;
    }
    lg_engine_free(h->e);
    h->e = NULL;
}

static void host_end(host *h)
{
    rude_stop(h->server);
    kit_end(&h->k);
}

static void ask(host *h, int i, int about)
{
    char text[32];
    lg_var *q = NULL;
    lg_call c;
    snprintf(text, sizeof text, "question %d", about);
    assert_int_equal(lg_var_new(h->e, text, strlen(text), "question", false, &q), 0);
    lg_message m = {"user", q};
    lg_call_init(&c);
    c.messages = &m;
    c.n_messages = 1;
    assert_int_equal(lg_call_model(h->e, h->m, &c, &h->answers[i]), 0);
    assert_int_equal(lg_var_watch(h->answers[i], (uint64_t)i), 0);
    lg_var_unref(q);
}

static void ask_all(host *h, int first)
{
    for (int i = 0; i < MANY; i++)
        ask(h, i, first + i);
}

/* As a host with a loop of its own does it. Whether an event came within so many ms. */
static bool turn(host *h, int64_t budget_us, int most_ms)
{
    struct pollfd p = {.fd = lg_engine_fd(h->e), .events = POLLIN};
    int ms = lg_engine_timeout(h->e);
    bool any = false;
    assert_true(poll(&p, 1, ms < 0 || ms > most_ms ? most_ms : ms) >= 0);
    assert_int_equal(lg_engine_step(h->e, budget_us), 0);
    h->steps++;
    while (lg_engine_next(h->e))
        any = true;
    return any;
}

static size_t settled(const host *h, int state)
{
    size_t n = 0;
    for (int i = 0; i < MANY; i++)
        n += h->answers[i] && lg_var_state(h->answers[i]) == state;
    return n;
}

static void until_all(host *h, int state, int64_t budget_us)
{
    while (settled(h, LG_PENDING) > 0) {
        bool any = turn(h, budget_us, 20000);
        assert_true(any || h->steps < 100000); /* it does not spin, and nothing is forgotten */
    }
    assert_int_equal(settled(h, state), MANY);
}

static lg_stats stats(const host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return s;
}

/* ---- steps --------------------------------------------------------------------- */

static void all_with(int64_t budget_us, const char *name, bool store, int durable)
{
    host h;
    host_setup(&h);
    host_open(&h, name, "ok/v1", store, durable);
    for (int round = 0; round < 2; round++) {
        ask_all(&h, round * MANY);
        until_all(&h, LG_READY, budget_us);
        for (int i = 0; i < MANY; i++) {
            lg_var_unref(h.answers[i]);
            h.answers[i] = NULL;
        }
    }
    assert_int_equal(stats(&h).calls, 2 * MANY);
    assert_int_equal(stats(&h).attempts, 2 * MANY);
    assert_int_equal(rude_posts(h.server), 2 * MANY);
    host_close(&h);
    host_end(&h);
}

static void test_least_budget(void **state)
{
    (void)state;
    all_with(1, "127.0.0.1", false, 0);
}

static void test_budget_of_a_frame(void **state)
{
    (void)state;
    all_with(2000, "127.0.0.1", false, 0);
}

static void test_least_budget_and_a_gate(void **state)
{
    (void)state;
    all_with(1, "some.localhost", false, 0);
}

static void test_least_budget_with_a_store(void **state)
{
    (void)state;
    all_with(1, "127.0.0.1", true, 0);
}

static void test_frames_with_a_durable_store(void **state)
{
    (void)state;
    all_with(1, "127.0.0.1", true, 1);
    all_with(2000, "127.0.0.1", true, 1);
}

/* What the pieces stored serves another engine, and so does its index. */
static void test_stored_in_pieces(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    for (int round = 0; round < 2; round++) {
        host_open(&h, "127.0.0.1", "ok/v1", true, 0);
        for (int first = 0; first < 5 * MANY; first += MANY) {
            ask_all(&h, first);
            until_all(&h, LG_READY, 1);
            for (int i = 0; i < MANY; i++) {
                lg_var_unref(h.answers[i]);
                h.answers[i] = NULL;
            }
        }
        assert_int_equal(stats(&h).served, round * 5 * MANY);
        host_close(&h);
    }
    assert_int_equal(rude_posts(h.server), 5 * MANY);
    host_end(&h);
}

/* Starts are spread: the first moment does not begin all. */
static void test_starts_are_spread(void **state)
{
    SUPPORT_NO_THREAD();
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "silent/v1", false, 0);
    ask_all(&h, 0);
    assert_int_equal(lg_engine_step(h.e, 1), 0);
    assert_in_range(rude_connections(h.server), 0, 2);
    while (rude_bodies(h.server) < 3)
        turn(&h, 1, 100);
    host_close(&h); /* some fly, some are held, some wait */
    host_end(&h);
}

/* Steps of both kinds take turns. */
static void test_with_and_without_a_budget(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "ok/v1", true, 0);
    ask_all(&h, 0);
    for (int i = 0; settled(&h, LG_PENDING) > 0; i++)
        turn(&h, i % 3 ? 1 : 0, 20000);
    assert_int_equal(settled(&h, LG_READY), MANY);
    host_close(&h);
    host_end(&h);
}

/* ---- what is not wanted any more ----------------------------------------------------- */

static void cancel_after(int steps, bool store)
{
    host h;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "delay=20/v1", store, 0);
    ask_all(&h, 0);
    for (int i = 0; i < steps; i++)
        turn(&h, 1, 5);
    lg_engine_cancel(h.e);
    assert_int_equal(settled(&h, LG_PENDING), 0);
    while (stats(&h).in_flight > 0 || stats(&h).queued > 0)
        turn(&h, 1, 100);
    for (int i = 0; i < MANY; i++) {
        lg_var_unref(h.answers[i]);
        h.answers[i] = NULL;
    }
    ask_all(&h, 0); /* and it works on */
    until_all(&h, LG_READY, 1);
    host_close(&h);
    host_end(&h);
}

static void test_cancel_at_any_time(void **state)
{
    (void)state;
    for (int steps = 0; steps < 120; steps += 17) {
        cancel_after(steps, false);
        cancel_after(steps, true);
    }
}

/* ---- beforehand ------------------------------------------------------------------------ */

static void test_preload(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "ok/v1", false, 0);
    assert_int_equal(lg_engine_preload(h.e), 0);
    assert_int_equal(lg_engine_preload(h.e), 0);
    ask_all(&h, 0);
    until_all(&h, LG_READY, 500);
    assert_int_equal(lg_engine_preload(h.e), 0);
    host_close(&h);
    host_end(&h);
}

static void test_preload_without_certificates(void **state)
{
    SUPPORT_NO_THREAD();
    lg_config cfg;
    lg_engine *e;
    (void)state;
    lg_config_init(&cfg);
    cfg.ca_file = "/nowhere/at/all.pem";
    assert_int_equal(lg_engine_new(&cfg, &e), 0);
    assert_int_equal(lg_engine_preload(e), LG_ETLS);
    assert_non_null(strstr(lg_engine_errmsg(e), "/nowhere/at/all.pem"));
    lg_engine_free(e);
}

static void test_preconnect(void **state)
{
    enum { N = 7 };
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "delay=30/v1", false, 0);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, 3), 0);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, N), 0); /* the later one counts */
    assert_int_equal(rude_connections(h.server), 0);
    while (rude_bodies(h.server) < N)
        turn(&h, 2000, 100);
    for (int i = 0; i < 20; i++)
        turn(&h, 2000, 10);
    assert_int_equal(rude_connections(h.server), N);
    assert_int_equal(rude_posts(h.server), 0); /* nothing is bought */
    assert_int_equal(stats(&h).attempts, 0);
    for (int i = 0; i < N; i++)
        ask(&h, i, i);
    while (settled(&h, LG_PENDING) > 0)
        turn(&h, 2000, 20000);
    assert_int_equal(settled(&h, LG_READY), N);
    assert_int_equal(rude_connections(h.server), N);
    host_close(&h);
    host_end(&h);
}

static void test_preconnect_is_refused(void **state)
{
    host h;
    lg_model_config model;
    lg_model *own;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "ok/v1", false, 0);
    lg_model_config_init(&model);
    model.dialect = "host";
    model.name = "own";
    assert_int_equal(lg_model_new(h.e, &model, &own), 0);
    assert_int_equal(lg_engine_preconnect(h.e, own, 1), LG_EBADREQUEST);
    assert_int_equal(lg_engine_preconnect(h.e, NULL, 1), LG_EINVAL);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, -1), LG_EINVAL);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, 0), 0);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, 1000000), 0);
    assert_int_equal(lg_engine_step(h.e, 1), 0);
    assert_int_equal(lg_engine_step(h.e, 0), 0); /* no more than one in this, either */
    if (!support_threaded())
        assert_in_range(rude_connections(h.server), 0, 2);
    lg_model_unref(own);
    host_close(&h); /* with more to be made, and one on its way */
    host_end(&h);
}

/* Nobody listens there: calls find out by themselves. */
static void test_preconnect_to_nobody(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "127.0.0.1", "close/v1", false, 0);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, 4), 0);
    while (rude_bodies(h.server) < 4)
        turn(&h, 1, 100);
    ask(&h, 0, 0);
    while (settled(&h, LG_PENDING) > 0)
        turn(&h, 1, 20000);
    assert_int_equal(settled(&h, LG_FAILED), 1);
    host_close(&h);
    host_end(&h);
}

static int oom_run(support_heap *heap, void *ctx)
{
    host *h = ctx;
    lg_config cfg;
    lg_model_config model;
    char url[128];
    lg_config_init(&cfg);
    cfg.alloc = support_alloc;
    cfg.alloc_ud = heap;
    int err = lg_engine_new(&cfg, &h->e);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(h->server, "ok/v1", url, sizeof url);
    err = err ? err : lg_model_new(h->e, &model, &h->m);
    err = err ? err : lg_engine_preload(h->e);
    err = err ? err : lg_engine_preconnect(h->e, h->m, 2);
    for (int i = 0; !err && i < 6; i++)
        err = lg_engine_step(h->e, 100);
    lg_engine_free(h->e);
    h->e = NULL;
    return err;
}

static void test_oom(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    oom_sweep(oom_run, &h);
    host_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_budget),
        cmocka_unit_test(test_budget_of_a_frame),
        cmocka_unit_test(test_least_budget_and_a_gate),
        cmocka_unit_test(test_least_budget_with_a_store),
        cmocka_unit_test(test_frames_with_a_durable_store),
        cmocka_unit_test(test_stored_in_pieces),
        cmocka_unit_test(test_starts_are_spread),
        cmocka_unit_test(test_with_and_without_a_budget),
        cmocka_unit_test(test_cancel_at_any_time),
        cmocka_unit_test(test_preload),
        cmocka_unit_test(test_preload_without_certificates),
        cmocka_unit_test(test_preconnect),
        cmocka_unit_test(test_preconnect_is_refused),
        cmocka_unit_test(test_preconnect_to_nobody),
        cmocka_unit_test(test_oom),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
