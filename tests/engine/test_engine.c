/* test_engine.c - the front door: step, wait, waking, draining, limits, retries,
 * many engines, deep graphs, and memory that runs short in a whole run. */
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "../scripted.h"

static bool readable(const lg_engine *e)
{
    struct pollfd p = {.fd = lg_engine_fd(e), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Until nothing is due, as a polling host would. */
static void settle(script *s)
{
    for (int i = 0; i < 5; i++)
        lg_engine_step(s->e, 0);
    assert_false(readable(s->e));
    assert_int_not_equal(lg_engine_timeout(s->e), 0);
}

/* ---- life --------------------------------------------------------------- */

static void test_config(void **state)
{
    (void)state;
    lg_engine *e = NULL;
    lg_config cfg;
    lg_config_init(&cfg);
    assert_int_equal(cfg.size, sizeof cfg);
    assert_int_equal(lg_engine_new(NULL, &e), 0);
    assert_true(lg_engine_now(e) > 0);
    assert_string_equal(lg_engine_errmsg(e), "");
    lg_engine_free(e);
    lg_engine_free(NULL);
    cfg.size = offsetof(lg_config, virtual_clock); /* an older caller's, shorter one */
    cfg.virtual_clock = true;
    assert_int_equal(lg_engine_new(&cfg, &e), 0);
    int64_t now = lg_engine_now(e);
    while (lg_engine_now(e) == now)
        continue; /* real time goes on */
    lg_engine_free(e);
}

static void test_stats_of_older_callers(void **state)
{
    (void)state;
    script s;
    lg_stats stats;
    script_start(&s);
    memset(&stats, 0xAA, sizeof stats);
    stats.size = offsetof(lg_stats, shared);
    lg_engine_stats(s.e, &stats);
    assert_int_equal(stats.size, offsetof(lg_stats, shared));
    assert_int_equal(stats.calls, 0);
    assert_int_equal(stats.shared, UINT64_C(0xAAAAAAAAAAAAAAAA));
    assert_true(script_stats(&s).live_blocks > 0);
    assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES);
    script_end(&s);
}

static lg_engine *inner_engine;
static int inner_step, inner_wait;

static void *nosy_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    if (inner_engine && nsize) {
        inner_step = lg_engine_step(inner_engine, 0);
        inner_wait = lg_engine_wait(inner_engine, 0);
    }
    return support_alloc(ud, ptr, osize, nsize);
}

static void test_step_inside_step(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD();
    script s;
    support_heap h;
    lg_config cfg;
    support_heap_init(&h);
    support_config(&cfg, &h);
    cfg.alloc = nosy_alloc;
    assert_int_equal(script_try(&s, &cfg), 0);
    lg_var *v = NULL, *x = script_leaf(&s, "x", "x", false);
    lg_concat(s.e, &x, 1, "k", &v);
    inner_engine = s.e;
    assert_int_equal(lg_engine_step(s.e, 0), 0);
    inner_engine = NULL;
    assert_int_equal(inner_step, LG_EREENTRANT);
    assert_int_equal(inner_wait, LG_EREENTRANT);
    assert_text(v, "x");
    script_end(&s);
    assert_heap_empty(&h);
}

/* ---- waiting and waking ------------------------------------------------- */

static void test_wait_returns_at_once(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    assert_int_equal(lg_engine_wait(s.e, -1), 0); /* nothing is pending */
    lg_var *x = script_leaf(&s, "x", "x", false);
    lg_var *t = script_tool_call(&s, s.tool, x, "t");
    assert_int_equal(lg_engine_wait(s.e, -1), 0); /* an event is queued */
    const lg_event *ev = lg_engine_next(s.e);
    assert_int_equal(ev->type, LG_EVENT_TOOL);
    assert_int_equal(ev->tag, 8);
    assert_ptr_equal(ev->var, t);
    uint64_t id = ev->id;
    assert_null(lg_engine_next(s.e));
    double start = seconds();
    assert_int_equal(lg_engine_wait(s.e, 30), 0); /* the host's turn: time passes */
    assert_true(seconds() - start > 0.02);
    assert_int_equal(lg_engine_timeout(s.e), -1);
    lg_tool_return(s.e, id, "1", 1, NULL, 0);
    assert_text(t, "1");
    script_end(&s);
}

static void *wake_later(void *ud)
{
    struct timespec t = {0, 20000000};
    nanosleep(&t, NULL);
    lg_engine_wakeup(ud);
    return NULL;
}

static void test_wakeup_from_a_thread(void **state)
{
    (void)state;
    script s;
    pthread_t thread;
    script_start(&s);
    lg_var_unref(script_tool_call(&s, s.tool, script_leaf(&s, "x", "x", false), "t"));
    script_take(&s);
    settle(&s);
    assert_int_equal(pthread_create(&thread, NULL, wake_later, s.e), 0);
    assert_int_equal(lg_engine_wait(s.e, -1), 0); /* else for ever */
    pthread_join(thread, NULL);
    settle(&s);
    lg_engine_wakeup(s.e);
    assert_true(readable(s.e));
    double start = seconds();
    assert_int_equal(lg_engine_wait(s.e, 60000), 0); /* woken before it began to wait */
    assert_true(seconds() - start < 30);
    assert_int_equal(script_stats(&s).vars_pending, 1);
    script_end(&s);
}

/* Whatever makes work outside step() must be seen by a host that only polls. */
static void test_descriptor_tells_of_work(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD();
    script s;
    lg_var *v = NULL;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", true);
    settle(&s);
    lg_concat(s.e, &x, 1, "k", &v);
    assert_true(readable(s.e));
    assert_int_equal(lg_engine_timeout(s.e), 0);
    settle(&s);
    lg_var_watch(v, 1);
    assert_true(readable(s.e));
    assert_non_null(lg_engine_next(s.e));
    settle(&s);
    lg_var *t = script_tool_call(&s, s.tool, x, "t");
    script_take(&s);
    settle(&s);
    lg_var *pass = script_backward(&s, t);
    assert_true(readable(s.e));
    settle(&s);
    script_answer_one(&s);
    assert_true(readable(s.e));
    script_take(&s);
    settle(&s);
    assert_int_equal(s.n_works, 1); /* the critic is asked */
    lg_call_fail(s.e, s.works[0].id, LG_ETOOL, false, "no");
    script_drop(&s, 0);
    assert_true(readable(s.e));
    settle(&s);
    lg_var *c = script_call(&s, NULL, x, "c", -1);
    script_take(&s);
    settle(&s);
    lg_var_cancel(c);
    assert_true(readable(s.e));
    script_take(&s);
    settle(&s);
    assert_int_equal(lg_var_state(pass), LG_FAILED);
    lg_engine_drain(s.e, true);
    assert_true(readable(s.e));
    script_end(&s);
}

/* A short budget ends a step early, and the rest is due at once. */
static void test_budget(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD();
    script s;
    int steps = 0;
    script_start(&s);
    lg_var *v = script_leaf(&s, "x", "x", false), *next = NULL;
    for (int i = 0; i < 5000; i++) {
        lg_concat(s.e, &v, 1, "k", &next);
        lg_var_unref(v);
        v = next;
    }
    for (; lg_var_state(v) == LG_PENDING; steps++) {
        assert_int_equal(lg_engine_timeout(s.e), 0);
        assert_true(readable(s.e) || steps == 0);
        lg_engine_step(s.e, 1);
    }
    assert_true(steps > 5);
    script_end(&s);
}

/* ---- calls -------------------------------------------------------------- */

static void test_equal_calls_are_one(void **state)
{
    (void)state;
    script s;
    lg_var *c[20];
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    for (int i = 0; i < 20; i++)
        c[i] = script_call(&s, NULL, x, "c", i);
    assert_true(script_run(&s));
    assert_int_equal(s.n_prompts, 1);
    for (int i = 1; i < 20; i++)
        assert_string_equal(lg_var_text(c[i], NULL), lg_var_text(c[0], NULL));
    lg_stats stats = script_stats(&s);
    assert_int_equal(stats.calls, 1);
    assert_int_equal(stats.shared, 19);
    lg_var *later = script_call(&s, NULL, x, "c", -1); /* kept for repeats */
    lg_engine_step(s.e, 0);
    assert_int_equal(lg_var_state(later), LG_READY);
    assert_string_equal(lg_var_finish_reason(later), "stop");
    script_end(&s);
}

static void test_retries_on_the_virtual_clock(void **state)
{
    (void)state;
    script s;
    const lg_event *ev;
    int tries = 0;
    script_start(&s);
    lg_var *c = script_call(&s, NULL, script_leaf(&s, "x", "x", false), "c", -1);
    int64_t start = lg_engine_now(s.e);
    double real = seconds();
    while (lg_var_state(c) == LG_PENDING && tries < 100) {
        assert_int_equal(lg_engine_wait(s.e, -1), 0);
        while ((ev = lg_engine_next(s.e))) {
            tries++;
            assert_int_equal(lg_call_fail(s.e, ev->id, LG_ERATE, true, "slow down"), 0);
        }
    }
    assert_int_equal(tries, 10); /* max_attempts */
    assert_error(c, LG_ERATE, "gave up after 10 tries; the last: slow down");
    assert_true(lg_engine_now(s.e) - start > 10000000); /* µs of waiting … */
    assert_true(seconds() - real < 5);                  /* … that nobody waited */
    assert_int_equal(script_stats(&s).retries, 9);
    lg_var *again = script_call(&s, NULL, script_leaf(&s, "x", "x", false), "c", -1);
    assert_true(script_run(&s)); /* a failure is not kept */
    assert_int_equal(lg_var_state(again), LG_READY);
    script_end(&s);
}

/* More than one slice can be started at once when many places become free. */
static void test_all_free_places_are_taken(void **state)
{
    (void)state;
    script s;
    char q[24];
    script_start(&s);
    for (int i = 0; i < 1500; i++) {
        snprintf(q, sizeof q, "q%d", i);
        lg_var *x = script_leaf(&s, q, "x", false);
        lg_var_unref(script_call(&s, NULL, x, "c", i));
        lg_var_unref(x);
    }
    script_take(&s);
    assert_int_equal(s.n_works, 1000); /* the model's own limit */
    for (int i = 0; i < 900; i++)
        script_answer_one(&s);
    script_take(&s);
    assert_int_equal(s.n_works, 600);
    assert_true(script_run(&s));
    for (int i = 0; i < 500; i++) { /* the same for those that back off together */
        snprintf(q, sizeof q, "r%d", i);
        lg_var *x = script_leaf(&s, q, "x", false);
        lg_var_unref(script_call(&s, NULL, x, "c", i));
        lg_var_unref(x);
    }
    script_take(&s);
    while (s.n_works) {
        lg_call_fail(s.e, s.works[0].id, LG_ERATE, true, "slow down");
        script_drop(&s, 0);
    }
    assert_true(script_run(&s));
    assert_int_equal(script_stats(&s).calls, 2000);
    script_end(&s);
}

/* Models come and go; nothing is left of them but what is kept for repeats. */
static void test_models_are_freed(void **state)
{
    (void)state;
    script s;
    uint64_t blocks = 0;
    script_start(&s);
    lg_var *x = script_leaf(&s, "x", "x", false);
    for (int i = 0; i < 20; i++) {
        lg_model_config m;
        lg_model_config_init(&m);
        m.dialect = m.name = m.model = "host";
        m.no_memo = true;
        lg_model *own = s.model;
        assert_int_equal(lg_model_new(s.e, &m, &s.model), 0);
        assert_string_equal(lg_model_name(s.model), "host");
        lg_var *c = script_call(&s, NULL, x, "c", -1), *d = script_call(&s, x, x, "d", -1);
        lg_model_unref(s.model);
        s.model = own;
        script_take(&s);
        lg_var_cancel(d);
        lg_var_unref(d);
        lg_var_unref(c); /* the request alone is left */
        assert_true(script_run(&s));
        script_forget(&s);
        if (i == 4)
            blocks = script_stats(&s).live_blocks;
        if (i > 4)
            assert_int_equal(script_stats(&s).live_blocks, blocks);
    }
    script_end(&s);
}

/* ---- draining ----------------------------------------------------------- */

static void test_drain(void **state)
{
    (void)state;
    script s;
    lg_config cfg;
    lg_var *c[6];
    support_config(&cfg, NULL);
    assert_int_equal(script_try(&s, &cfg), 0);
    lg_model_config m;
    lg_model_config_init(&m);
    m.dialect = m.name = m.model = "host";
    m.concurrency = 2;
    assert_int_equal(lg_model_new(s.e, &m, &s.model), 0);
    for (int i = 0; i < 6; i++) {
        char q[24];
        snprintf(q, sizeof q, "q%d", i);
        c[i] = script_call(&s, NULL, script_leaf(&s, q, "x", false), "c", i);
        lg_var_watch(c[i], (uint64_t)i);
    }
    lg_var *after = script_call(&s, NULL, c[0], "after", -1);
    lg_var *tool = script_tool_call(&s, s.tool, c[1], "tool");
    script_take(&s);
    assert_int_equal(s.n_works, 2);
    lg_engine_drain(s.e, true);
    lg_engine_drain(s.e, true);
    script_take(&s);
    for (int i = 2; i < 6; i++)
        assert_error(c[i], LG_ECANCELLED, "c (node");
    assert_int_equal(s.n_abandons, 0);
    assert_int_equal(s.n_vars, 4);
    /* the two on the wire: one comes, the other would have to be bought again */
    script_answer_one(&s);
    lg_call_fail(s.e, s.works[0].id, LG_ERATE, true, "slow down");
    script_drop(&s, 0);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(c[0]), LG_READY);
    assert_error(c[1], LG_ECANCELLED, "cancelled");
    assert_error(after, LG_ECANCELLED, "after (node");
    assert_error(tool, LG_ECANCELLED, "tool (node");
    lg_var *x = script_leaf(&s, "x", "x", false);
    tool = script_tool_call(&s, s.tool, x, "tool"); /* tools cost nothing */
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(tool), LG_READY);
    lg_engine_drain(s.e, false);
    lg_var *again = script_call(&s, NULL, x, "again", -1);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(again), LG_READY);
    assert_int_equal(s.n_vars, 6);
    script_end(&s);
}

static void test_cancel_all(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_engine_cancel(s.e); /* nothing is there */
    lg_var *leaf = script_leaf(&s, "q", "x", false);
    lg_var *sent = script_call(&s, NULL, leaf, "sent", -1);
    lg_var *tool = script_tool_call(&s, s.tool, leaf, "tool");
    lg_var *after = script_call(&s, NULL, tool, "after", -1);
    lg_var_watch(after, 1);
    script_take(&s);
    assert_int_equal(s.n_works, 2);
    lg_engine_cancel(s.e);
    lg_engine_cancel(s.e);
    assert_error(sent, LG_ECANCELLED, "cancelled");
    assert_error(tool, LG_ECANCELLED, "cancelled");
    assert_error(after, LG_ECANCELLED, "cancelled");
    assert_int_equal(lg_var_state(leaf), LG_READY);
    assert_true(script_run(&s));
    assert_int_equal(s.n_abandons, 2);
    assert_int_equal(s.n_vars, 1);
    lg_var *again = script_call(&s, NULL, leaf, "again", -1); /* it is no end */
    assert_true(script_run(&s));
    assert_int_equal(lg_var_state(again), LG_READY);
    script_end(&s);
}

static void test_drain_during_backward(void **state)
{
    (void)state;
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *mid = script_call(&s, NULL, p, "mid", -1);
    lg_var *loss = script_call(&s, NULL, mid, "loss", -1);
    assert_true(script_run(&s));
    lg_var *pass = script_backward(&s, loss);
    script_take(&s);
    lg_engine_drain(s.e, true);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_feedbacks(mid), 1); /* what was on the wire is kept */
    assert_error(pass, LG_ECANCELLED, "feedback on p");
    lg_engine_drain(s.e, false);
    lg_var_zero_grad(p);
    script_learn(&s, loss);
    assert_int_equal(lg_var_feedbacks(p), 1);
    script_end(&s);
}

/* ---- the end ------------------------------------------------------------ */

static void test_free_with_everything_in_flight(void **state)
{
    (void)state;
    for (int steps = 0; steps < 12; steps++) {
        support_heap h;
        support_heap_init(&h);
        script s;
        lg_config cfg;
        lg_var *mean = NULL, *loss[8];
        support_config(&cfg, &h);
        assert_int_equal(script_try(&s, &cfg), 0);
        lg_var *p = script_leaf(&s, "prompt", "p", true);
        for (int i = 0; i < 8; i++) {
            char q[24];
            snprintf(q, sizeof q, "q%d", i);
            lg_var *x = script_leaf(&s, q, "x", false);
            loss[i] =
                script_tool_call(&s, i % 2 ? s.own : s.tool, script_call(&s, p, x, "c", i), "t");
            lg_var_watch(loss[i], 1);
        }
        lg_mean(s.e, loss, 8, 0, &mean);
        lg_var_add_feedback(loss[3], "by hand", 7);
        lg_var *pass = script_backward(&s, mean);
        lg_var_watch(pass, 2);
        if (steps > 6)
            assert_true(script_run(&s));
        for (int i = 0; i < steps; i++) {
            lg_engine_step(s.e, 0);
            if (i % 2)
                script_take(&s);
            if (s.n_works)
                script_answer_one(&s);
        }
        if (steps == 5)
            lg_var_cancel(pass);
        lg_engine_next(s.e); /* an event is out, its variable borrowed */
        script_end(&s);
        assert_heap_empty(&h);
    }
}

static void test_several_engines(void **state)
{
    (void)state;
    script s[3];
    for (int i = 0; i < 3; i++) {
        script_start(&s[i]);
        lg_var *x = script_leaf(&s[i], "x", "x", false);
        lg_var_watch(script_call(&s[i], NULL, x, "c", -1), (uint64_t)i + 1);
        assert_true(lg_engine_fd(s[i].e) >= 0);
    }
    assert_int_not_equal(lg_engine_fd(s[0].e), lg_engine_fd(s[1].e));
    for (int i = 0; i < 3; i++)
        script_take(&s[i]);
    script_end(&s[1]); /* one goes with its call in flight */
    for (int i = 0; i < 3; i += 2) {
        assert_true(script_run(&s[i]));
        assert_int_equal(s[i].last_tag, i + 1);
        script_end(&s[i]);
    }
}

static void *engine_of_its_own(void *ud)
{
    script s;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    for (int i = 0; i < 50; i++) {
        script_learn(&s, script_call(&s, NULL, p, "loss", i));
        lg_var_zero_grad(p);
    }
    *(uint64_t *)ud = script_stats(&s).calls;
    script_end(&s);
    return NULL;
}

static void test_engines_on_threads(void **state)
{
    (void)state;
    pthread_t t[4];
    uint64_t calls[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, engine_of_its_own, &calls[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(calls[i], calls[0]);
    }
    assert_int_equal(calls[0], 2);
}

/* ---- depth -------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
enum { DEEP = 100000 };
#else
enum { DEEP = 1000000 };
#endif

static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && (strstr(preload, "vgpreload") || strstr(preload, "valgrind"));
}

static lg_var *deep_chain(script *s, lg_var *p, int n)
{
    lg_var *v = lg_var_ref(p), *next = NULL;
    for (int i = 0; i < n; i++) {
        if (lg_concat(s->e, &v, 1, "link", &next))
            return NULL;
        lg_var_unref(v);
        v = next;
    }
    return v;
}

static size_t drawn;
static int draw(void *ud, const char *data, size_t len)
{
    (void)ud;
    (void)data;
    drawn += len;
    return 0;
}

/* Built, run, learned through, drawn, cancelled and freed: nothing may recurse. */
static void *deep(void *ud)
{
    script s;
    const char *problem = NULL;
    int n = under_valgrind() ? 20000 : DEEP;
    script_start(&s);
    lg_var *p = script_leaf(&s, "prompt", "p", true);
    lg_var *v = deep_chain(&s, p, n);
    lg_var *loss = script_call(&s, NULL, v, "loss", -1);
    lg_var *pass = script_backward(&s, loss);
    if (!script_run(&s) || lg_var_state(pass) != LG_READY)
        problem = "the pass is not ready";
    else if (lg_var_feedbacks(p) != 1 || s.n_prompts != 2)
        problem = "not one piece of feedback, by one question";
    else if (strcmp(lg_var_text(v, NULL), "prompt") != 0)
        problem = "the text was lost on the way";
    else if (lg_var_dot(loss, true, draw, NULL) || drawn < (size_t)n * 20)
        problem = "no drawing";
    lg_var_unref(pass);
    lg_var_unref(loss);
    lg_var_unref(v);
    if (script_stats(&s).vars_live > SCRIPT_TEMPLATES + 6)
        problem = "the chain was not freed";
    lg_var *bottom = script_tool_call(&s, s.tool, p, "bottom");
    v = deep_chain(&s, bottom, n / 4);
    lg_var_unref(bottom);
    script_take(&s);
    script_drop(&s, 0);
    lg_var_cancel(v); /* all of it is needed by v alone */
    script_take(&s);
    if (s.n_abandons != 1)
        problem = "the bottom was not cancelled";
    lg_var *rest = deep_chain(&s, p, n / 4);
    lg_var_cancel(rest);
    script_end(&s); /* and one chain is freed with the engine */
    *(const char **)ud = problem;
    return NULL;
}

static void test_deep_chain_on_a_small_stack(void **state)
{
    (void)state;
    pthread_attr_t attr;
    pthread_t thread;
    const char *problem = "not run";
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, deep, &problem), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    if (problem)
        fail_msg("%s", problem);
}

/* ---- memory ------------------------------------------------------------- */

typedef struct oom_vars {
    lg_var *all[64];
    size_t n;
    int err;
} oom_vars;

static lg_var *keep(oom_vars *k, lg_var *v)
{
    if (!v)
        k->err = LG_ENOMEM;
    else
        k->all[k->n++] = v;
    return v;
}

static lg_var *leaf(oom_vars *k, script *s, const char *text, const char *role, bool grad)
{
    lg_var *v = NULL;
    lg_var_new(s->e, text, strlen(text), role, grad, &v);
    return keep(k, v);
}

/* One example: format → call → tool; NULL when memory was short. */
static lg_var *example(oom_vars *k, script *s, lg_var *p, int i)
{
    char q[24];
    const char *names[] = {"q"};
    lg_var *text = NULL, *t;
    snprintf(q, sizeof q, "question %d", i);
    lg_var *x = leaf(k, s, q, "q", false);
    lg_var *tmpl = x ? leaf(k, s, "Do: {q}", "template", true) : NULL;
    if (!tmpl)
        return NULL;
    lg_format(s->e, tmpl, names, &x, 1, "text", true, &text);
    if (!keep(k, text))
        return NULL;
    lg_var *c = keep(k, script_call(s, p, text, "answer", i));
    t = c ? keep(k, script_tool_call(s, i == 2 ? s->own : s->tool, c, "loss")) : NULL;
    if (t && lg_var_watch(t, 1))
        k->err = LG_ENOMEM;
    return t;
}

static void whole_run(oom_vars *k, script *s)
{
    lg_var *loss[3], *mean = NULL, *pass, *all = NULL;
    lg_var *p = leaf(k, s, "prompt", "system prompt", true);
    for (int i = 0; p && i < 3; i++) {
        if (!(loss[i] = example(k, s, p, i)))
            return;
    }
    if (!p || lg_mean(s->e, loss, 3, 0, &mean))
        k->err = LG_ENOMEM;
    if (!mean || !keep(k, mean) || !(pass = keep(k, script_backward(s, mean))))
        return;
    lg_concat(s->e, loss, 3, "all", &all);
    if (!keep(k, all))
        return;
    if (!script_run(s))
        k->err = LG_ESTATE; /* something hangs */
    if (lg_var_state(mean) != LG_READY || lg_var_state(pass) != LG_READY)
        k->err = k->err ? k->err : LG_ENOMEM;
    else
        assert_true(lg_var_feedbacks(p) >= 1);
    if (lg_var_set(p, "better", 6) == 0)
        assert_int_equal(lg_var_rollback(p, 0), 0);
    if (lg_var_dot(mean, true, draw, NULL))
        k->err = k->err ? k->err : LG_ENOMEM;
    lg_var *late = keep(k, script_tool_call(s, s->tool, p, "late"));
    lg_var *again = keep(k, script_backward(s, mean));
    script_take(s);
    if (late)
        lg_var_cancel(late);
    if (again)
        lg_var_cancel(again);
    if (!script_run(s))
        k->err = LG_ESTATE;
    lg_var_zero_grad(p);
}

/* After a failed allocation the engine must do a small job as if nothing had been. */
static void still_usable(script *s)
{
    lg_var *x = script_leaf(s, "after the fault", "p", true);
    lg_var *c = script_call(s, NULL, x, "c", -1);
    assert_non_null(c);
    script_learn(s, c);
    assert_int_equal(lg_var_state(c), LG_READY);
    assert_int_equal(lg_var_feedbacks(x), 1);
    lg_var_unref(c);
    lg_var_zero_grad(x);
    lg_var_unref(x);
}

static int oom_whole_run(support_heap *h, void *ctx)
{
    (void)ctx;
    script s;
    lg_config cfg;
    oom_vars k = {.n = 0};
    support_config(&cfg, h);
    int err = script_try(&s, &cfg);
    if (!err) {
        whole_run(&k, &s);
        err = k.err;
        for (size_t i = 0; i < k.n; i++)
            lg_var_unref(k.all[i]);
        if (!script_run(&s))
            err = LG_ESTATE;
        if (h->faults && !h->for_good)
            still_usable(&s);
        assert_int_equal(script_stats(&s).vars_pending, 0);
        if (!h->for_good) /* nothing was lost but by the engine's end */
            assert_int_equal(script_stats(&s).vars_live, SCRIPT_TEMPLATES);
    }
    script_end(&s);
    return err;
}

static void test_oom_whole_run(void **state)
{
    (void)state;
    oom_sweep(oom_whole_run, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_config),
    cmocka_unit_test(test_stats_of_older_callers),
    cmocka_unit_test(test_step_inside_step),
    cmocka_unit_test(test_wait_returns_at_once),
    cmocka_unit_test(test_wakeup_from_a_thread),
    cmocka_unit_test(test_descriptor_tells_of_work),
    cmocka_unit_test(test_budget),
    cmocka_unit_test(test_equal_calls_are_one),
    cmocka_unit_test(test_retries_on_the_virtual_clock),
    cmocka_unit_test(test_all_free_places_are_taken),
    cmocka_unit_test(test_models_are_freed),
    cmocka_unit_test(test_drain),
    cmocka_unit_test(test_cancel_all),
    cmocka_unit_test(test_drain_during_backward),
    cmocka_unit_test(test_free_with_everything_in_flight),
    cmocka_unit_test(test_several_engines),
    cmocka_unit_test(test_engines_on_threads),
    cmocka_unit_test(test_deep_chain_on_a_small_stack),
    cmocka_unit_test(test_oom_whole_run),
};
LG_TEST_MAIN(tests)
