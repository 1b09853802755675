/* test_durable.c - who waits for the disk: nothing is sent before the disk has its
 * intent, nothing is shown before it has the reply, while one turn is on its way to the
 * disk and the next is written.
 *
 * The disk is a function that says "in progress" and ends when the test says so; real
 * syncs, and file systems that fail at each write, are test_store_fault.c's. */
#include "../store_kit.h"

#include <errno.h>

#include "../../engine/engine_internal.h"
#include "../../engine/store_internal.h"
#include "../rude.h"

enum { FEW = 1, MANY = 12, STEPS = 30 }; /* few: all their replies come in one turn */

static unsigned syncs; /* that were begun */

static int slow_sync(int fd)
{
    (void)fd;
    syncs++;
    errno = EINPROGRESS;
    return -1;
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

static void host_open(host *h)
{
    char url[128];
    lg_config cfg;
    lg_model_config model;
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
    lg_config_init(&cfg);
    cfg.store_dir = h->k.dir;
    cfg.durable = 1;
    cfg.max_attempts = 1;
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(h->server, "ok/v1", url, sizeof url);
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
    assert_false(disk(h)->running);
    disk(h)->sync = slow_sync;
    syncs = 0;
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
    for (size_t i = 0; i < n; i++) {
        found += lg_var_state(answers[i]) == state;
    }
    return found;
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
    uint64_t before = lg__store_committed(lg__engine_store(h->e));
    ask(h, "many", h->many, MANY);
    step(h, STEPS);
    assert_int_equal(lg__store_committed(lg__engine_store(h->e)), before + 1);
    assert_int_equal(syncs, 3);
    assert_int_equal(rude_posts(h->server), FEW);
}

static void host_end(host *h)
{
    for (size_t i = 0; i < FEW; i++) {
        lg_var_unref(h->few[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        lg_var_unref(h->many[i]);
    }
    disk(h)->sync = NULL; /* what is still to be written */
    if (disk(h)->busy) {
        lg__sync_end(disk(h), 0);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_waits_for_its_own_sync),
        cmocka_unit_test(test_a_failed_sync_fails_both_turns),
        cmocka_unit_test(test_the_next_sync_may_fail),
        cmocka_unit_test(test_end_while_two_turns_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
