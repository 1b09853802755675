/* test_thread.c - engines with a thread of their own: the host only looks in, and is told.
 *
 * What is the same with and without one is in the other tests, which LG_TEST_THREAD=1 runs so. */
#include "../store_kit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "../rude.h"

enum { MANY = 64 };

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
    lg_var *answers[MANY];
    pthread_t self;
    unsigned lines, strange; /* of the log; not by this thread */
    unsigned refused, taken; /* steps from inside of it */
} host;

static void on_log(void *ud, int level, const char *msg)
{
    host *h = ud;
    (void)level;
    (void)msg;
    h->lines++;
    h->strange += !pthread_equal(h->self, pthread_self());
    if (!h->e)
        return;
    bool refused = (lg_engine_step)(h->e, 0) == LG_EREENTRANT && /* not support_step */
                   lg_engine_wait(h->e, 0) == LG_EREENTRANT;
    *(refused ? &h->refused : &h->taken) += 1;
}

static void host_open(host *h, const char *path, bool store)
{
    char url[160];
    lg_config cfg;
    lg_model_config model;
    lg_config_init(&cfg);
    cfg.thread = true;
    cfg.concurrency = MANY;
    cfg.max_attempts = 1;
    cfg.store_dir = store ? h->k.dir : NULL;
    cfg.alloc = support_alloc; /* not made for two threads at once: it need not be */
    cfg.alloc_ud = &h->k.heap;
    cfg.log = on_log;
    cfg.log_ud = h;
    cfg.log_level = LG_LOG_DEBUG;
    h->self = pthread_self();
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(h->server, path, url, sizeof url);
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
}

static void host_setup(host *h)
{
    memset(h, 0, sizeof *h);
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
}

static void let_go(host *h)
{
    for (int i = 0; i < MANY; i++) {
        lg_var_unref(h->answers[i]);
        h->answers[i] = NULL;
    }
}

static void host_end(host *h)
{
    let_go(h);
    lg_engine_free(h->e);
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

static bool poll_for(const host *h, int ms)
{
    struct pollfd p = {.fd = lg_engine_fd(h->e), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

/* By the descriptor alone, without one step. */
static void until_all(host *h, int n)
{
    const lg_event *ev;
    for (int seen = 0; seen < n;) {
        assert_true(poll_for(h, 30000));
        while ((ev = lg_engine_next(h->e)))
            seen += ev->type == LG_EVENT_VAR;
    }
}

static lg_stats stats(const host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return s;
}

/* ---- told -------------------------------------------------------------------------- */

static void calls_without_a_step(bool store)
{
    host h;
    host_setup(&h);
    host_open(&h, "ok/v1", store);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++)
            ask(&h, i, round * MANY + i);
        until_all(&h, MANY);
        for (int i = 0; i < MANY; i++) {
            size_t len;
            const char *text = lg_var_text(h.answers[i], &len);
            assert_bytes(text, len, "yes");
        }
        let_go(&h);
    }
    assert_int_equal(stats(&h).calls, 2 * MANY);
    assert_int_equal(rude_posts(h.server), 2 * MANY);
    assert_true(h.lines > 0);
    assert_int_equal(h.strange, 0);
    assert_int_equal(h.taken, 0);
    assert_true(h.refused > 0);
    host_end(&h);
}

static void test_calls(void **state)
{
    (void)state;
    calls_without_a_step(false);
}

static void test_calls_with_a_store(void **state)
{
    (void)state;
    calls_without_a_step(true);
}

static void test_the_descriptor_falls_silent(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "ok/v1", false);
    assert_false(poll_for(&h, 0));
    assert_int_equal(lg_engine_timeout(h.e), -1);
    ask(&h, 0, 0);
    until_all(&h, 1);
    assert_null(lg_engine_next(h.e));
    assert_false(poll_for(&h, 20));
    lg_engine_wakeup(h.e);
    assert_true(poll_for(&h, 0));
    assert_int_equal(lg_engine_step(h.e, 0), 0);
    assert_false(poll_for(&h, 0));
    assert_int_equal(lg_engine_wait(h.e, 0), 0);
    host_end(&h);
}

static void test_wait(void **state)
{
    host h;
    lg_var *far;
    (void)state;
    host_setup(&h);
    host_open(&h, "delay=20/v1", false);
    assert_int_equal(lg_engine_wait(h.e, -1), 0); /* nothing is pending */
    ask(&h, 0, 0);
    assert_int_equal(lg_engine_wait(h.e, -1), 0);
    assert_non_null(lg_engine_next(h.e));
    assert_int_equal(lg_var_state(h.answers[0]), LG_READY);
    assert_null(lg_engine_next(h.e));
    assert_int_equal(lg_timer_new(h.e, INT64_C(3600000000), "an hour", &far), 0);
    assert_int_equal(lg_engine_wait(h.e, 20), 0);
    assert_int_equal(lg_var_state(far), LG_PENDING);
    lg_engine_wakeup(h.e);
    assert_int_equal(lg_engine_wait(h.e, -1), 0); /* else for an hour */
    lg_var_unref(far);
    host_end(&h);
}

static void test_timers(void **state)
{
    host h;
    lg_var *soon;
    (void)state;
    host_setup(&h);
    host_open(&h, "ok/v1", false);
    assert_int_equal(lg_timer_new(h.e, 20000, "soon", &soon), 0);
    assert_int_equal(lg_var_watch(soon, 7), 0);
    until_all(&h, 1);
    assert_int_equal(lg_var_state(soon), LG_READY);
    lg_var_unref(soon);
    host_end(&h);
}

/* ---- two at once ----------------------------------------------------------------------- */

/* Variables come and go while the thread works on others. */
static void test_counts_while_it_works(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "ok/v1", true);
    for (int i = 0; i < MANY; i++)
        ask(&h, i, i);
    for (int i = 0; stats(&h).vars_pending > 0; i++) {
        lg_var *v, *all[MANY], *joined;
        assert_int_equal(lg_var_new(h.e, "x", 1, "x", true, &v), 0);
        for (int k = 0; k < MANY; k++)
            all[k] = lg_var_ref(h.answers[k]);
        assert_int_equal(lg_concat(h.e, all, MANY, "all of them", &joined), 0);
        for (int k = 0; k < MANY; k++)
            lg_var_unref(all[k]);
        (void)lg_var_wanted(joined);
        lg_var_unref(joined);
        lg_var_unref(v);
        if (i > 100)
            lg_engine_wait(h.e, 1);
        while (lg_engine_next(h.e)) {
        }
    }
    host_end(&h);
}

static void test_cancelled_while_it_works(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        host h;
        host_setup(&h);
        host_open(&h, round % 2 ? "delay=5/v1" : "ok/v1", round % 3 == 0);
        for (int i = 0; i < MANY; i++)
            ask(&h, i, i);
        poll_for(&h, round);
        for (int i = 0; i < MANY; i += 2)
            (void)lg_var_cancel(h.answers[i]);
        until_all(&h, MANY);
        for (int i = 0; i < MANY; i++)
            assert_int_not_equal(lg_var_state(h.answers[i]), LG_PENDING);
        host_end(&h);
    }
}

/* With calls on the wire, in line, in a transaction. */
static void test_freed_while_it_works(void **state)
{
    (void)state;
    for (int round = 0; round < 12; round++) {
        host h;
        host_setup(&h);
        host_open(&h, round % 2 ? "silent/v1" : "ok/v1", round % 3 == 0);
        for (int i = 0; i < MANY; i++)
            ask(&h, i, i);
        poll_for(&h, round);
        host_end(&h);
    }
}

static void test_tools(void **state)
{
    host h;
    lg_tool *t;
    lg_var *x, *out[8];
    const char *const names[] = {"x"};
    const lg_event *ev;
    int left = 8;
    (void)state;
    host_setup(&h);
    host_open(&h, "ok/v1", true);
    assert_int_equal(lg_tool_new(h.e, "t", "a tool", false, 1, &t), 0);
    assert_int_equal(lg_tool_cache(t, "1"), 0);
    for (int i = 0; i < 8; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(lg_var_new(h.e, text, strlen(text), "x", false, &x), 0);
        assert_int_equal(lg_tool_call(h.e, t, names, &x, 1, "out", &out[i]), 0);
        assert_int_equal(lg_var_watch(out[i], 2), 0);
        lg_var_unref(x);
    }
    while (left > 0) {
        assert_true(poll_for(&h, 30000));
        while ((ev = lg_engine_next(h.e))) {
            if (ev->type == LG_EVENT_TOOL)
                assert_int_equal(lg_tool_return(h.e, ev->id, "done", 4, NULL, 0), 0);
            else
                left -= ev->type == LG_EVENT_VAR;
        }
    }
    for (int i = 0; i < 8; i++) {
        assert_int_equal(lg_var_state(out[i]), LG_READY);
        lg_var_unref(out[i]);
    }
    lg_tool_unref(t);
    host_end(&h);
}

/* ---- beside it ------------------------------------------------------------------------- */

static void test_runs_and_messages(void **state)
{
    host h;
    uint64_t id = 0;
    lg_var *none;
    (void)state;
    host_setup(&h);
    host_open(&h, "ok/v1", true);
    assert_int_equal(lg_run_begin(h.e, "mine", NULL, &id), 0);
    assert_true(id > 0);
    ask(&h, 0, 0);
    until_all(&h, 1);
    assert_int_equal(lg_run_end(h.e, "strange"), LG_EINVAL);
    assert_int_equal(lg_run_end(h.e, "done"), 0);
    assert_int_equal(lg_var_new(h.e, "\xff", 1, "x", false, &none), LG_EUTF8);
    assert_non_null(strstr(lg_engine_errmsg(h.e), "byte 1"));
    host_end(&h);
}

static void test_preload_and_preconnect(void **state)
{
    host h;
    (void)state;
    host_setup(&h);
    host_open(&h, "delay=30/v1", false);
    assert_int_equal(lg_engine_preload(h.e), 0);
    assert_int_equal(lg_engine_preconnect(h.e, h.m, 5), 0);
    assert_true(rude_wait_bodies(h.server, 5, 30000));
    assert_int_equal(rude_posts(h.server), 0);
    ask(&h, 0, 0);
    until_all(&h, 1);
    host_end(&h);
}

/* Signals are the host's: the thread takes none. */
static void test_signals_are_blocked(void **state)
{
    host h;
    sigset_t before, now;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    host_setup(&h);
    host_open(&h, "ok/v1", false);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&now, SIGTERM));
    ask(&h, 0, 0);
    until_all(&h, 1);
    host_end(&h);
}

static int oom_run(support_heap *heap, void *ctx)
{
    lg_config cfg;
    lg_engine *e = NULL;
    (void)ctx;
    lg_config_init(&cfg);
    cfg.thread = true;
    cfg.alloc = support_alloc;
    cfg.alloc_ud = heap;
    int err = lg_engine_new(&cfg, &e);
    lg_engine_free(e);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(oom_run, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_calls),
    cmocka_unit_test(test_calls_with_a_store),
    cmocka_unit_test(test_the_descriptor_falls_silent),
    cmocka_unit_test(test_wait),
    cmocka_unit_test(test_timers),
    cmocka_unit_test(test_counts_while_it_works),
    cmocka_unit_test(test_cancelled_while_it_works),
    cmocka_unit_test(test_freed_while_it_works),
    cmocka_unit_test(test_tools),
    cmocka_unit_test(test_runs_and_messages),
    cmocka_unit_test(test_preload_and_preconnect),
    cmocka_unit_test(test_signals_are_blocked),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
