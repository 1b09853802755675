/* test_hedge.c - engines that ask a slow server a second time, with and without a store.
 *
 * The server's script says what becomes of the first request and what of the second. */
#include "../store_kit.h"

#include <sys/file.h>
#include <sys/wait.h>

#include "../rude.h"

enum { SOON_MS = 20 };

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
    int after_ms; /* 0: SOON_MS */
} host;

static int host_open_on(host *h, support_heap *heap, lg_config *cfg, double budget)
{
    char url[128];
    lg_model_config model;
    cfg->max_attempts = 1;
    if (heap) {
        cfg->alloc = support_alloc;
        cfg->alloc_ud = heap;
    }
    int err = lg_engine_new(cfg, &h->e);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(h->server, "script/v1", url, sizeof url);
    model.price_input = model.price_output = 1000000;
    model.max_output = 100;
    model.hedge_after_ms = h->after_ms ? h->after_ms : SOON_MS;
    model.hedge_budget = budget;
    return err ? err : lg_model_new(h->e, &model, &h->m);
}

static void host_open(host *h, int durable)
{
    lg_config cfg;
    lg_config_init(&cfg);
    cfg.store_dir = durable >= 0 ? h->k.dir : NULL;
    cfg.durable = durable > 0;
    assert_int_equal(host_open_on(h, NULL, &cfg, 1), 0);
}

static void host_setup(host *h)
{
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
}

static void host_close(host *h)
{
    lg_engine_free(h->e);
    h->e = NULL;
}

static void host_end(host *h)
{
    host_close(h);
    rude_stop(h->server);
    kit_end(&h->k);
}

static lg_var *ask(host *h, const char *text)
{
    lg_var *q = NULL, *a = NULL;
    lg_call c;
    if (lg_var_new(h->e, text, strlen(text), "question", false, &q))
        return NULL;

    lg_message m = {"user", q};
    lg_call_init(&c);
    c.messages = &m;
    c.n_messages = 1;
    (void)lg_call_model(h->e, h->m, &c, &a);
    lg_var_unref(q);
    return a;
}

static lg_stats stats(const host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return s;
}

static int settle(host *h, lg_var *v)
{
    assert_non_null(v);
    assert_int_equal(lg_var_watch(v, 1), 0);
    while (lg_var_state(v) == LG_PENDING) {
        assert_int_equal(lg_engine_wait(h->e, 5000), 0);
        while (lg_engine_next(h->e)) {
        }
    }
    return lg_var_state(v);
}

/* The first request is the first at the server, however slow this machine is. */
static void arrive(host *h)
{
    double budget = h->m->hedge_budget;
    h->m->hedge_budget = 1e-9; /* none yet */
    for (int i = 0; rude_bodies(h->server) < 1 && i < 1000; i++)
        assert_int_equal(lg_engine_wait(h->e, 1), 0);

    h->m->hedge_budget = budget;
}

static void until_hedged(host *h)
{
    for (int i = 0; rude_bodies(h->server) < 2 && i < 500; i++)
        assert_int_equal(lg_engine_wait(h->e, 10), 0);

    assert_int_equal(stats(h).hedged, 1);
}

/* ---- who wins ---------------------------------------------------------------- */

typedef struct outcome {
    const char *kinds[2];
    int state;
    unsigned won, ambiguous, unread; /* unread: attempts stored without a good reply */
} outcome;

static const outcome outcomes[] = {
    {{"silent", "ok"}, LG_READY, 1, 1, 1},
    {{"after=140", "silent"}, LG_READY, 0, 1, 1},
    {{"after=140", "status=500"}, LG_READY, 0, 0, 1},
    {{"after=140", "close"}, LG_READY, 0, 1, 1},
    {{"lateafter=100", "delay=250"}, LG_READY, 1, 0, 1},
    {{"lateafter=140", "status=500"}, LG_FAILED, 0, 0, 2},
    {{"lateafter=100", "late=150"}, LG_FAILED, 0, 0, 2},
};

static void stored(host *h, const outcome *o)
{
    assert_int_equal(kit_open_with(&h->k, NULL), 0);
    assert_int_equal(kit_int(&h->k, "SELECT count(*) FROM reply"), o->state == LG_READY);
    assert_int_equal(kit_int(&h->k, "SELECT count(*) FROM attempt"), o->unread);
    assert_int_equal(kit_int(&h->k, "SELECT count(DISTINCT number) FROM attempt"), o->unread);
    assert_int_equal(kit_int(&h->k, "SELECT sum(length(packed)) / 44 FROM intent"), 2);
    kit_shut(&h->k);
}

/* The same once more: nothing is bought. */
static void served(host *h, int durable)
{
    unsigned before = rude_posts(h->server);
    host_open(h, durable);
    lg_var *v = ask(h, "q");
    assert_int_equal(settle(h, v), LG_READY);
    lg_var_unref(v);
    assert_int_equal(stats(h).served, 1);
    assert_int_equal(rude_posts(h->server), before);
    host_close(h);
}

static void race(const outcome *o, int durable)
{
    host h = {.e = NULL};
    lg_failure why;
    host_setup(&h);
    rude_script(h.server, o->kinds, 2);
    host_open(&h, durable);
    lg_var *v = ask(&h, "q");
    arrive(&h);
    assert_int_equal(settle(&h, v), o->state);
    if (o->state == LG_READY) {
        assert_bytes(lg_var_text(v, &(size_t){0}), 3, "yes");
    } else {
        assert_true(lg_var_error(v, &why));
        assert_int_equal(why.http_status, 500);
        assert_null(strstr(why.message, "gave up")); /* there was one try */
    }
    lg_var_unref(v);
    lg_stats s = stats(&h);
    assert_int_equal(s.attempts, 2);
    assert_int_equal(s.hedged, 1);
    assert_int_equal(s.hedges_won, o->won);
    assert_int_equal(s.ambiguous, o->ambiguous);
    assert_int_equal(s.calls, o->state == LG_READY);
    assert_int_equal(s.failed, o->state != LG_READY);
    assert_int_equal(s.in_flight + s.queued + s.waiting, 0);
    assert_int_equal(s.reserved_tokens + s.reserved_micros, 0);
    assert_int_equal(rude_posts(h.server), 2);
    host_close(&h);
    if (durable >= 0)
        stored(&h, o);

    if (durable >= 0 && o->state == LG_READY)
        served(&h, durable);

    host_end(&h);
}

static void test_outcomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        race(&outcomes[i], -1);
        race(&outcomes[i], 0);
    }
    race(&outcomes[0], 1);
    race(&outcomes[4], 1);
}

/* Both answers are there before the engine looks: one is read, both are on the bill. */
static void test_two_answers(void **state)
{
    static const char *const kinds[] = {"delay=120", "delay=60"};
    (void)state;
    host h = {.e = NULL};
    host_setup(&h);
    rude_script(h.server, kinds, 2);
    host_open(&h, -1);
    lg_var *v = ask(&h, "q");
    arrive(&h);
    until_hedged(&h);
    usleep(180 * 1000);
    assert_int_equal(settle(&h, v), LG_READY);
    lg_var_unref(v);
    lg_stats s = stats(&h);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.attempts, 2);
    assert_int_equal(s.ambiguous, 1);
    assert_int_equal(s.micros, 12); /* the other's cost is not known */
    assert_int_equal(s.usage[LG_FORWARD].input, 10);
    host_end(&h);
}

/* ---- ends of other kinds ------------------------------------------------------- */

static const char *const silence[] = {"silent", "silent"};

static void test_cancel(void **state)
{
    (void)state;
    for (int durable = -1; durable < 1; durable++) {
        host h = {.e = NULL};
        host_setup(&h);
        rude_script(h.server, silence, 2);
        host_open(&h, durable);
        lg_var *v = ask(&h, "q");
        until_hedged(&h);
        assert_int_equal(lg_var_cancel(v), 0);
        lg_var_unref(v);
        assert_int_equal(lg_engine_step(h.e, 0), 0);
        lg_stats s = stats(&h);
        assert_int_equal(s.in_flight, 0);
        assert_int_equal(s.ambiguous, 2);
        assert_int_equal(s.reserved_tokens, 0);
        assert_true(rude_wait_open(h.server, 0, 2000));
        host_end(&h);
    }
}

static void test_freed_meanwhile(void **state)
{
    (void)state;
    for (int durable = -1; durable < 2; durable++) {
        host h = {.e = NULL};
        host_setup(&h);
        rude_script(h.server, silence, 2);
        host_open(&h, durable);
        lg_var *v = ask(&h, "q");
        until_hedged(&h);
        lg_var_unref(v);
        host_end(&h);
    }
}

/* It dies with both on the wire: both may be paid. */
static void test_killed(void **state)
{
    (void)state;
    host h = {.e = NULL};
    lg_ambiguous *list = NULL;
    size_t n = 0;
    host_setup(&h);
    rude_script(h.server, silence, 2);
    pid_t child = fork();
    if (child == 0) {
        host_open(&h, 0);
        ask(&h, "q");
        for (;;)
            lg_engine_wait(h.e, 10);
    }
    assert_true(rude_wait_bodies(h.server, 2, 5000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(kit_open_with(&h.k, NULL), 0);
    assert_int_equal(lg__store_ambiguous(h.k.s, 1, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].number + list[1].number, 3);
    lg__mem_free(&h.k.mem, list, n * sizeof *list);
    kit_shut(&h.k);
    host_end(&h);
}

/* ---- an intent that cannot be written yet ------------------------------------------ */

static int take_lock(host *h)
{
    char path[192];
    snprintf(path, sizeof path, "%s/store.lock", h->k.dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static lg_var *until_wanted(host *h, int *lock)
{
    static const char *const kinds[] = {"delay=280", "delay=200"};
    host_setup(h);
    h->after_ms = 150;
    rude_script(h->server, kinds, 2);
    host_open(h, 0);
    lg_var *v = ask(h, "q");
    arrive(h);
    *lock = take_lock(h);
    for (int i = 0; stats(h).hedged < 1 && i < 500; i++)
        assert_int_equal(lg_engine_wait(h->e, 1), 0);

    assert_int_equal(stats(h).hedged, 1);
    assert_int_equal(stats(h).in_flight, 2);
    return v;
}

static void sent_only_once(host *h)
{
    lg_stats s = stats(h);
    assert_int_equal(s.hedged, 0);
    assert_int_equal(s.attempts, 1);
    assert_int_equal(s.retries, 0);
    assert_int_equal(s.in_flight, 0);
    assert_int_equal(s.reserved_tokens, 0);
    assert_int_equal(rude_posts(h->server), 1);
}

/* Another program keeps the store locked: nothing is sent without its intent. */
static void test_not_sent_yet(void **state)
{
    enum { ANSWERED, CANCELLED, DRAINED, SENT, WAYS };
    (void)state;
    for (int way = 0; way < WAYS; way++) {
        host h = {.e = NULL};
        int lock;
        lg_var *v = until_wanted(&h, &lock);
        for (int i = 0; way == ANSWERED && stats(&h).in_flight > 0 && i < 500; i++)
            assert_int_equal(lg_engine_wait(h.e, 1), 0);

        if (way == CANCELLED)
            assert_int_equal(lg_var_cancel(v), 0);
        else if (way == DRAINED)
            lg_engine_drain(h.e, true);

        assert_int_equal(rude_posts(h.server), 1);
        close(lock);
        assert_int_equal(settle(&h, v), way == CANCELLED ? LG_CANCELLED : LG_READY);
        lg_var_unref(v);
        assert_int_equal(lg_engine_step(h.e, 0), 0);
        if (way == SENT) {
            assert_int_equal(rude_posts(h.server), 2);
            assert_int_equal(stats(&h).hedged, 1);
        } else {
            sent_only_once(&h);
        }
        host_end(&h);
    }
}

/* ---- limits ---------------------------------------------------------------------- */

/* 200 calls, all of them late. */
static void test_budget(void **state)
{
    enum { CALLS = 200 };
    static const char *kinds[2 * CALLS];
    (void)state;
    host h = {.e = NULL};
    lg_config cfg;
    lg_var *v[CALLS];
    char text[16];
    for (int i = 0; i < 2 * CALLS; i++)
        kinds[i] = "delay=100";

    host_setup(&h);
    rude_script(h.server, kinds, 2 * CALLS);
    lg_config_init(&cfg);
    cfg.concurrency = 150;
    assert_int_equal(host_open_on(&h, NULL, &cfg, 0.05), 0);
    for (int i = 0; i < CALLS; i++) {
        snprintf(text, sizeof text, "q%d", i);
        v[i] = ask(&h, text);
    }
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(settle(&h, v[i]), LG_READY);
        lg_var_unref(v[i]);
    }
    lg_stats s = stats(&h);
    assert_true(s.hedged > 0 && s.hedged <= CALLS / 20);
    assert_int_equal(s.attempts, CALLS + s.hedged);
    assert_int_equal(s.calls, CALLS);
    host_end(&h);
}

static void test_caps(void **state)
{
    static const char *const kinds[] = {"delay=60", "ok"};
    (void)state;
    for (int cap = 0; cap < 3; cap++) {
        host h = {.e = NULL};
        lg_config cfg;
        host_setup(&h);
        rude_script(h.server, kinds, 2);
        lg_config_init(&cfg);
        cfg.max_calls = cap == 0 ? 1 : 0;
        cfg.max_tokens = cap == 1 ? 200 : 0; /* a worst case is 125 */
        cfg.max_micros = cap == 2 ? 200 : 0;
        assert_int_equal(host_open_on(&h, NULL, &cfg, 1), 0);
        lg_var *v = ask(&h, "q");
        assert_int_equal(settle(&h, v), LG_READY);
        lg_var_unref(v);
        assert_int_equal(stats(&h).hedged, 0);
        assert_int_equal(stats(&h).cap, LG_CAP_NONE);
        assert_int_equal(rude_posts(h.server), 1);
        host_end(&h);
    }
}

static void test_draining(void **state)
{
    static const char *const kinds[] = {"delay=250", "ok"};
    (void)state;
    host h = {.e = NULL};
    host_setup(&h);
    h.after_ms = 150;
    rude_script(h.server, kinds, 2);
    host_open(&h, 0);
    lg_var *v = ask(&h, "q");
    arrive(&h);
    lg_engine_drain(h.e, true);
    assert_int_equal(settle(&h, v), LG_READY);
    lg_var_unref(v);
    assert_int_equal(stats(&h).hedged, 0);
    host_end(&h);
}

static void test_config(void **state)
{
    (void)state;
    static const struct {
        int64_t after;
        int percentile;
        double budget;
    } bad[] = {{0, 0, 0.1},  {100, 95, 0.1}, {-1, 0, 0.1}, {0, 100, 0.1},
               {0, 49, 0.1}, {9, 0, -0.1},   {9, 0, 1.1},  {9, 0, 0.0 / 0.0}};
    lg_engine *e = support_engine_new(NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lg_model *m;
        lg_model_config c;
        lg_model_config_init(&c);
        c.dialect = "openai";
        c.name = c.model = "m";
        c.base_url = "http://127.0.0.1:1/v1";
        c.hedge_after_ms = bad[i].after;
        c.hedge_percentile = bad[i].percentile;
        c.hedge_budget = bad[i].budget;
        assert_int_equal(lg_model_new(e, &c, &m), LG_EINVAL);
        assert_non_null(strstr(lg_engine_errmsg(e), "hedg"));
    }
    lg_engine_free(e);
}

/* ---- memory ------------------------------------------------------------------------ */

/* Only what is allocated from the second attempt on may fail: the rest is other tests'. */
typedef struct plan {
    uint64_t nth;
    bool with_store;
} plan;

static bool faulty(const plan *p)
{
    static const char *const kinds[] = {"delay=130", "ok"};
    host h = {.e = NULL};
    lg_config cfg;
    support_heap heap;
    support_heap_init(&heap);
    host_setup(&h);
    rude_script(h.server, kinds, 2);
    lg_config_init(&cfg);
    cfg.store_dir = p->with_store ? h.k.dir : NULL;
    assert_int_equal(host_open_on(&h, &heap, &cfg, 1), 0);
    lg_var *v = ask(&h, "q");
    arrive(&h);
    heap.fail_at = heap.calls + p->nth;
    for (int i = 0; lg_var_state(v) == LG_PENDING && i < 500; i++) {
        (void)lg_engine_wait(h.e, 100);
        while (lg_engine_next(h.e)) {
        }
    }
    assert_int_not_equal(lg_var_state(v), LG_PENDING);
    lg_var_unref(v);
    lg_stats s = stats(&h);
    assert_int_equal(s.in_flight, 0);
    assert_int_equal(s.reserved_tokens, 0);
    host_close(&h);
    assert_heap_empty(&heap);
    host_end(&h);
    return heap.faults > 0;
}

static void test_oom(void **state)
{
    (void)state;
    for (int with_store = 0; with_store < 2; with_store++) {
        uint64_t n = 1;
        while (faulty(&(plan){n, with_store != 0}))
            n++;

        assert_true(n > 3);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_outcomes), cmocka_unit_test(test_two_answers),
    cmocka_unit_test(test_cancel),   cmocka_unit_test(test_freed_meanwhile),
    cmocka_unit_test(test_killed),   cmocka_unit_test(test_not_sent_yet),
    cmocka_unit_test(test_budget),   cmocka_unit_test(test_caps),
    cmocka_unit_test(test_draining), cmocka_unit_test(test_config),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
