/* test_durable.c - who waits for the disk: nothing is sent before the disk has its
 * intent, nothing is shown before it has the reply, while one turn is on its way to the
 * disk and the next is written.
 *
 * The disk is a function that says "in progress" and ends when the test says so; real
 * syncs, and file systems that fail at each write, are test_store_fault.c's. */
#include "../store_kit.h"

#include <errno.h>

#include "front/front_internal.h"
#include "sched/sched_internal.h"
#include "store/sqlite/store_internal.h"
#include "../rude.h"

enum { FEW = 1, MANY = 12, STEPS = 30 }; /* few: all their replies come in one turn */

static unsigned syncs;   /* that were begun */
static unsigned fail_at; /* of those that end at once: this one fails */

static int slow_sync(int fd)
{
    (void)fd;
    syncs++;
    errno = EINPROGRESS;
    return -1;
}

static int quick_sync(int fd)
{
    (void)fd;
    errno = EIO;
    return ++syncs == fail_at ? -1 : 0;
}

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
    lg_var *few[FEW], *many[MANY];
} host;

static lg_syncer *disk(host *h)
{
    return &lg__engine_store(h->e)->sync;
}

static void host_open_kind(host *h, const char *kind, int attempts)
{
    char url[128], path[64];
    lg_config cfg;
    lg_model_config model;
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
    lg_config_init(&cfg);
    cfg.store_dir = h->k.dir;
    cfg.durable = 1;
    cfg.max_attempts = attempts;
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    snprintf(path, sizeof path, "%s/v1", kind);
    model.base_url = rude_url(h->server, path, url, sizeof url);
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
    assert_false(disk(h)->running);
    disk(h)->sync = slow_sync;
    syncs = 0;
}

static void host_open(host *h)
{
    host_open_kind(h, "ok", 1);
}

static void ask(host *h, const char *name, lg_var **answers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[32];
        lg_var *q;
        lg_call c;
        snprintf(text, sizeof text, "%s %zu", name, i);
        assert_int_equal(lg_var_new(h->e, text, strlen(text), "question", false, &q), 0);
        lg_message m = {"user", q};
        lg_call_init(&c);
        c.messages = &m;
        c.n_messages = 1;
        assert_int_equal(lg_call_model(h->e, h->m, &c, &answers[i]), 0);
        assert_int_equal(lg_var_watch(answers[i], 1), 0);
        lg_var_unref(q);
    }
}

static void step(host *h, int times)
{
    for (int i = 0; i < times; i++) {
        (void)lg_engine_wait(h->e, 5);
        while (lg_engine_next(h->e)) {
        }
    }
}

/* What must come is waited for on slow machines, too; what must not, has STEPS to come. */
#define UNTIL(h, condition)                               \
    for (int left = 4000; left && !(condition); left--) { \
        step(h, 1);                                       \
    }

static size_t settled(lg_var *const *answers, size_t n, int state)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += lg_var_state(answers[i]) == state;

    return found;
}

/* For the stats: nothing is on the wire or in a line, and yet something comes. */
static void must_wait(host *h, uint64_t storing)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    assert_int_equal(s.storing, storing);
}

/* Few are answered, and their replies are on the way to the disk; the intents of many are
 * written behind them. */
static void two_turns_wait(host *h)
{
    ask(h, "few", h->few, FEW);
    step(h, STEPS);
    for (unsigned n = 1; n <= 2; n++) { /* the run's row, and the intents */
        assert_int_equal(syncs, n);
        assert_int_equal(rude_posts(h->server), 0);
        lg__sync_end(disk(h), 0);
        step(h, STEPS);
    }
    UNTIL(h, syncs == 3);
    assert_int_equal(rude_posts(h->server), FEW);
    assert_int_equal(syncs, 3);
    assert_int_equal(settled(h->few, FEW, LG_PENDING), FEW);
    must_wait(h, FEW);
    uint64_t before = lg__store_committed(lg__engine_store(h->e));
    ask(h, "many", h->many, MANY);
    step(h, STEPS);
    assert_int_equal(lg__store_committed(lg__engine_store(h->e)), before + 1);
    assert_int_equal(syncs, 3);
    assert_int_equal(rude_posts(h->server), FEW);
}

static void host_end(host *h)
{
    for (size_t i = 0; i < FEW; i++)
        lg_var_unref(h->few[i]);

    for (size_t i = 0; i < MANY; i++)
        lg_var_unref(h->many[i]);

    disk(h)->sync = NULL; /* what is still to be written */
    if (disk(h)->busy)
        lg__sync_end(disk(h), 0);

    lg_engine_free(h->e);
    rude_stop(h->server);
    kit_end(&h->k);
}

static void test_each_waits_for_its_own_sync(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, settled(h.few, FEW, LG_READY) == FEW);
    step(&h, STEPS);
    assert_int_equal(settled(h.few, FEW, LG_READY), FEW);
    must_wait(&h, 0);
    assert_int_equal(syncs, 4);
    assert_int_equal(rude_posts(h.server), FEW);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, rude_posts(h.server) == FEW + MANY);
    assert_int_equal(rude_posts(h.server), FEW + MANY);
    disk(&h)->sync = NULL; /* quick from here on */
    UNTIL(&h, disk(&h)->busy);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, settled(h.many, MANY, LG_READY) == MANY);
    assert_int_equal(settled(h.many, MANY, LG_READY), MANY);
    assert_int_equal(rude_posts(h.server), FEW + MANY);
    host_end(&h);
}

static void test_a_failed_sync_fails_both_turns(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    lg__sync_end(disk(&h), EIO);
    step(&h, STEPS);
    assert_int_equal(settled(h.few, FEW, LG_FAILED), FEW);
    assert_int_equal(settled(h.many, MANY, LG_FAILED), MANY);
    assert_int_equal(rude_posts(h.server), FEW);
    assert_int_equal(syncs, 3);
    host_end(&h);
}

static void test_the_next_sync_may_fail(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, settled(h.few, FEW, LG_READY) == FEW);
    step(&h, STEPS);
    assert_int_equal(settled(h.few, FEW, LG_READY), FEW);
    lg__sync_end(disk(&h), EIO);
    step(&h, STEPS);
    assert_int_equal(settled(h.many, MANY, LG_FAILED), MANY);
    assert_int_equal(rude_posts(h.server), FEW);
    host_end(&h);
}

/* A host that leaves while the disk is slow. */
static void test_end_while_two_turns_wait(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    host_end(&h);
}

/* ---- the disk fails at once -------------------------------------------------------- */

static void fails_at(unsigned at, unsigned posts)
{
    host h = {.e = NULL};
    host_open(&h);
    fail_at = at;
    disk(&h)->sync = quick_sync;
    ask(&h, "few", h.few, FEW);
    UNTIL(&h, settled(h.few, FEW, LG_PENDING) == 0);
    assert_int_equal(settled(h.few, FEW, LG_FAILED), FEW);
    step(&h, STEPS);
    assert_int_equal(rude_posts(h.server), posts);
    fail_at = 0;
    host_end(&h);
}

static void test_a_sync_that_fails_at_once(void **state)
{
    (void)state;
    fails_at(1, 0); /* the run's row */
    fails_at(2, 0); /* the intent */
    fails_at(3, 1); /* the reply */
}

/* ---- a retry beside the attempt that is on its way to the disk ----------------------- */

static uint64_t failed(host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return s.failed;
}

/* The first attempt has failed; that is on its way to the disk. */
static void failure_waits(host *h, const char *kind)
{
    host_open_kind(h, kind, 3);
    ask(h, "few", h->few, FEW);
    for (unsigned n = 1; n <= 2; n++) {
        UNTIL(h, syncs == n);
        lg__sync_end(disk(h), 0);
    }
    UNTIL(h, syncs == 3);
    assert_int_equal(syncs, 3);
    assert_int_equal(rude_posts(h->server), 1);
}

static void ends_with_its_first_attempt(host *h)
{
    UNTIL(h, failed(h) == 1);
    assert_int_equal(failed(h), 1);
    step(h, STEPS);
    assert_int_equal(settled(h->few, FEW, LG_PENDING), FEW);
    lg__sync_end(disk(h), 0);
    UNTIL(h, settled(h->few, FEW, LG_FAILED) == FEW);
    assert_int_equal(settled(h->few, FEW, LG_FAILED), FEW);
    assert_int_equal(rude_posts(h->server), 1);
    host_end(h);
}

/* The store breaks before the second attempt is picked. */
static void test_a_retry_is_refused_while_the_first_waits(void **state)
{
    (void)state;
    host h = {.e = NULL};
    failure_waits(&h, "retryms=1");
    lg__store_give_up(lg__engine_store(h.e), LG_ESTORE);
    ends_with_its_first_attempt(&h);
}

/* The run's time is over before that. */
static void test_a_retry_is_too_late_while_the_first_waits(void **state)
{
    (void)state;
    host h = {.e = NULL};
    failure_waits(&h, "retryms=60000");
    h.e->sched->cfg.max_time_ms = 1;
    ends_with_its_first_attempt(&h);
}

/* ---- room, other commits ------------------------------------------------------------ */

static void test_room_for_replies_of_both_turns(void **state)
{
    (void)state;
    enum { MEAN = 1 << 20, FRAME = 16384 + 24 };
    host h = {.e = NULL};
    host_open(&h);
    lg_store *s = lg__engine_store(h.e);
    s->mean_bytes = MEAN;
    ask(&h, "one", h.many, MANY / 2);
    UNTIL(&h, syncs == 1);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, syncs == 2);
    uint64_t before = lg__store_committed(s);
    ask(&h, "two", h.many + MANY / 2, MANY / 2);
    UNTIL(&h, lg__store_committed(s) > before);
    assert_int_equal(syncs, 2);
    assert_int_equal(rude_posts(h.server), 0);
    if (s->room_end > 0) { /* the file system promises */
        int64_t least = (int64_t)s->log_pages * FRAME + (int64_t)MANY * 2 * MEAN;
        assert_true(s->room_end >= least - 16 * FRAME);
    }
    host_end(&h);
}

/* Nobody waits for these, and nothing comes behind them. */
static void test_the_last_statement_is_synced(void **state)
{
    (void)state;
    static const char sql[] = "UPDATE run SET name='x' WHERE id<0";
    host h = {.e = NULL};
    SUPPORT_NO_THREAD();
    host_open(&h);
    lg_store *s = lg__engine_store(h.e);
    assert_int_equal(lg_run_begin(h.e, "r", "{}", NULL), 0);
    assert_int_equal(syncs, 1);
    for (int i = 0; i < 2; i++) {
        uint64_t before = lg__store_committed(s);
        assert_int_equal(lg__store_exec(s, sql, NULL, 0), 0);
        lg__engine_flush(h.e);
        assert_int_equal(lg__store_committed(s), before + 1);
    }
    assert_int_equal(syncs, 1);
    lg__sync_end(disk(&h), 0);
    for (int left = 4000; left && syncs < 2; left--) {
        (void)lg_engine_step(h.e, 0);
        usleep(500);
    }
    assert_int_equal(syncs, 2);
    host_end(&h);
}

/* ---- tools' results -------------------------------------------------------------------- */

static void call_tool(host *h, lg_tool *t, lg_var *in, bool watched, lg_var **out)
{
    const char *names[] = {"in"};
    assert_int_equal(lg_tool_call(h->e, t, names, &in, 1, "its result", out), 0);
    if (watched)
        assert_int_equal(lg_var_watch(*out, 1), 0);
}

/* How many tools are to run; each is given its result, if that is wanted. */
static unsigned run_tools(host *h, bool answer)
{
    const lg_event *ev;
    unsigned n = 0;
    (void)lg_engine_step(h->e, 0);
    while ((ev = lg_engine_next(h->e))) {
        if (ev->type == LG_EVENT_TOOL) {
            n++;
            assert_true(!answer || lg_tool_return(h->e, ev->id, "yes", 3, NULL, 0) == 0);
        }
    }
    return n;
}

/* The first one's result is on its way to the disk; an equal call waits. */
static void result_waits(host *h, lg_tool **t, lg_var **in, lg_var *out[2])
{
    host_open(h);
    assert_int_equal(lg_tool_new(h->e, "t", "a tool", false, 1, t), 0);
    assert_int_equal(lg_tool_cache(*t, "1"), 0);
    assert_int_equal(lg_var_new(h->e, "x", 1, "input", false, in), 0);
    call_tool(h, *t, *in, false, &out[0]);
    assert_int_equal(run_tools(h, true), 1);
    step(h, STEPS);
    assert_int_equal(syncs, 1); /* the run's row */
    lg__sync_end(disk(h), 0);
    UNTIL(h, syncs == 2);
    assert_int_equal(lg_var_state(out[0]), LG_PENDING);
    call_tool(h, *t, *in, true, &out[1]);
    for (int i = 0; i < STEPS; i++)
        assert_int_equal(run_tools(h, false), 0);

    assert_int_equal(lg_var_state(out[0]), LG_PENDING);
    assert_int_equal(lg_var_state(out[1]), LG_PENDING);
    must_wait(h, 1);
}

static void tools_end(host *h, lg_tool *t, lg_var *in, lg_var *out[2])
{
    lg_var_unref(in);
    lg_var_unref(out[0]);
    lg_var_unref(out[1]);
    lg_tool_unref(t);
    host_end(h);
}

static void test_an_equal_tool_waits_for_the_disk(void **state)
{
    (void)state;
    host h = {.e = NULL};
    lg_tool *t;
    lg_var *in, *out[2];
    result_waits(&h, &t, &in, out);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, settled(out, 2, LG_READY) == 2);
    assert_int_equal(settled(out, 2, LG_READY), 2);
    tools_end(&h, t, in, out);
}

/* Its result is lost, and the other one runs: in the step that hears of it, as nothing
 * else may come that would lead to one more. */
static void test_an_equal_tool_runs_when_the_disk_fails(void **state)
{
    (void)state;
    host h = {.e = NULL};
    lg_tool *t;
    lg_var *in, *out[2];
    result_waits(&h, &t, &in, out);
    lg__sync_end(disk(&h), EIO);
    assert_int_equal(run_tools(&h, true), 1);
    assert_int_equal(lg_var_state(out[0]), LG_FAILED);
    UNTIL(&h, lg_var_state(out[1]) != LG_PENDING);
    assert_int_equal(lg_var_state(out[1]), LG_READY);
    tools_end(&h, t, in, out);
}

/* ---- leaving --------------------------------------------------------------------------- */

/* Ctrl-C: intents that are on the disk, and were not sent, are not ambiguous. */
static void test_drain_while_two_turns_wait(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    lg_engine_drain(h.e, true);
    step(&h, STEPS);
    assert_int_equal(settled(h.many, MANY, LG_CANCELLED), MANY);
    lg__sync_end(disk(&h), 0);
    UNTIL(&h, settled(h.few, FEW, LG_READY) == FEW);
    assert_int_equal(settled(h.few, FEW, LG_READY), FEW);
    disk(&h)->sync = quick_sync;
    lg__sync_end(disk(&h), 0);
    step(&h, STEPS);
    assert_int_equal(rude_posts(h.server), FEW);
    lg_store *s = lg__engine_store(h.e);
    lg_ambiguous *list;
    size_t n;
    int64_t run = lg__store_run(s);
    assert_int_equal(lg_run_end(h.e, "interrupted"), 0);
    assert_int_equal(lg__store_ambiguous(s, run, &list, &n), 0);
    assert_int_equal(n, 0);
    host_end(&h);
}

/* Everything is cancelled with replies and intents on their way. */
static void test_cancel_while_two_turns_wait(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    lg_engine_cancel(h.e);
    step(&h, STEPS);
    lg__sync_end(disk(&h), 0);
    step(&h, STEPS);
    disk(&h)->sync = quick_sync;
    lg__sync_end(disk(&h), 0);
    step(&h, STEPS);
    assert_int_equal(rude_posts(h.server), FEW);
    assert_int_equal(settled(h.few, FEW, LG_CANCELLED), FEW);
    assert_int_equal(settled(h.many, MANY, LG_CANCELLED), MANY);
    assert_int_equal(lg_run_end(h.e, "done"), 0);
    host_end(&h);
}

/* The end of a run waits for a disk that is slow, and what waited is heard. */
static void test_a_run_ends_while_two_turns_wait(void **state)
{
    (void)state;
    host h = {.e = NULL};
    host_open(&h);
    two_turns_wait(&h);
    disk(&h)->sync = quick_sync;
    lg__sync_end(disk(&h), 0);
    assert_int_equal(lg_run_end(h.e, "done"), 0);
    UNTIL(&h, settled(h.few, FEW, LG_READY) == FEW);
    assert_int_equal(settled(h.few, FEW, LG_READY), FEW);
    host_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_waits_for_its_own_sync),
        cmocka_unit_test(test_a_failed_sync_fails_both_turns),
        cmocka_unit_test(test_the_next_sync_may_fail),
        cmocka_unit_test(test_end_while_two_turns_wait),
        cmocka_unit_test(test_a_sync_that_fails_at_once),
        cmocka_unit_test(test_a_retry_is_refused_while_the_first_waits),
        cmocka_unit_test(test_a_retry_is_too_late_while_the_first_waits),
        cmocka_unit_test(test_room_for_replies_of_both_turns),
        cmocka_unit_test(test_the_last_statement_is_synced),
        cmocka_unit_test(test_an_equal_tool_waits_for_the_disk),
        cmocka_unit_test(test_an_equal_tool_runs_when_the_disk_fails),
        cmocka_unit_test(test_drain_while_two_turns_wait),
        cmocka_unit_test(test_cancel_while_two_turns_wait),
        cmocka_unit_test(test_a_run_ends_while_two_turns_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
