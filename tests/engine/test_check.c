/* test_check.c - the walkers of debug builds: silent where all is well, and the end of the
 * program where one thing is not.
 *
 * Each breakage is made in a child of its own, which must die with the place on stderr. */
#include <sys/wait.h>

#include "../scripted.h"
#include "sched_fixture.h"

#include "base/check.h"
#include "front/front_internal.h"
#include "graph/gradient_internal.h"
#include "sched/sched_internal.h"

/* ---- a child that must die ----------------------------------------------------- */

static void child(void (*spoil)(void *), void (*look)(void *), void *ud, int to)
{
    signal(SIGABRT, SIG_DFL);
    dup2(to, 2);
    spoil(ud);
    look(ud);
    _exit(0);
}

/* The first lines of what it said. How it ended. */
static int run_child(void (*spoil)(void *), void (*look)(void *), void *ud, char said[400])
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(spoil, look, ud, ends[1]);
    close(ends[1]);
    ssize_t n = read(ends[0], said, 399), more = n;
    while (more > 0 && n < 399 && (more = read(ends[0], said + n, 399 - (size_t)n)) > 0)
        n += more;
    said[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void expect_death(const char *name, void (*spoil)(void *), void (*look)(void *), void *ud)
{
    char said[400];
    int status = run_child(spoil, look, ud, said);
    bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    if (!aborted || !strstr(said, ": check failed: "))
        fail_msg("%s: status %d, said \"%s\"", name, status, said);
}

static void nothing(void *ud)
{
    (void)ud;
}

/* ---- the scheduler ------------------------------------------------------------- */

typedef struct in_all_states {
    fixture f;
    lg_request *sent, *waits, *queued, *kept;
} in_all_states;

static void look_at_sched(void *ud)
{
    lg__sched_check(((in_all_states *)ud)->f.s);
}

static void set_up_sched(in_all_states *a)
{
    lg_sched_config cfg = {.concurrency = 1};
    fixture_start(&a->f, &cfg);
    a->kept = submit(&a->f, "kept");
    assert_ptr_equal(lg__sched_next(a->f.s), a->kept);
    answer(&a->f, a->kept, 200, GOOD("yes"));
    lg__sched_release(a->f.s, a->kept);
    a->waits = submit(&a->f, "waits");
    assert_ptr_equal(lg__sched_next(a->f.s), a->waits);
    answer(&a->f, a->waits, 500, "");
    a->sent = submit(&a->f, "sent");
    assert_ptr_equal(lg__sched_next(a->f.s), a->sent);
    a->queued = submit(&a->f, "queued");
    assert_int_equal(a->kept->memo_size > 0, true);
    assert_int_equal(a->waits->state, LG_REQ_BACKOFF);
    assert_int_equal(a->sent->state, LG_REQ_SENT);
    assert_int_equal(a->queued->state, LG_REQ_QUEUED);
}

#define SCHED_BREAKAGES(XX)                                                            \
    XX(state_by_hand, a->queued->state = LG_REQ_DONE)                                  \
    XX(forgotten_in_line, a->f.s->queued--)                                            \
    XX(off_its_list, lg__line_remove(&a->sent->lane->lines[LG_LINE_FRESH], a->queued)) \
    XX(off_flight, lg__line_remove(&a->f.s->flight, a->sent))                          \
    XX(in_two_lists, lg__line_push(&a->f.s->memo, a->waits))                           \
    XX(link_back, a->waits->next->prev = NULL)                                         \
    XX(heap_place, a->waits->due.place = 0)                                            \
    XX(heap_gone, a->f.s->back_off.n = 0)                                              \
    XX(lane_count, a->sent->lane->in_flight++)                                         \
    XX(both_counts, a->sent->lane->in_flight = a->sent->lane->endpoint->in_flight = 2) \
    XX(set_aside, a->f.s->stats.reserved_tokens++)                                     \
    XX(not_set_aside, a->sent->reserved = false)                                       \
    XX(key_lost, lg__keymap_take(&a->f.s->calls, a->queued->key))                      \
    XX(key_kept, a->sent->in_flight_map = false)                                       \
    XX(owned, a->f.s->owned++)                                                         \
    XX(memo_bytes, a->f.s->memo_bytes += 1)                                            \
    XX(held_by_none, a->sent->lane->held = true)                                       \
    XX(ring_left, a->f.s->rings[LG_GO_FORWARD] = a->sent->lane)                        \
    XX(twin_of_none, a->sent->is_twin = true)

#define XX(name, act)                  \
    static void spoil_##name(void *ud) \
    {                                  \
        in_all_states *a = ud;         \
        act;                           \
    }
SCHED_BREAKAGES(XX)
#undef XX

static void test_sched(void **state)
{
    in_all_states a;
    char said[400];
    (void)state;
    set_up_sched(&a);
    assert_int_equal(run_child(nothing, look_at_sched, &a, said), 0);
    assert_string_equal(said, "");
#define XX(name, act) expect_death(#name, spoil_##name, look_at_sched, &a);
    SCHED_BREAKAGES(XX)
#undef XX
    fixture_end(&a.f);
}

/* ---- the engine, with all that it can hold --------------------------------------- */

typedef struct held {
    script s;
    lg_var *leaf, *call, *below, *tool, *pass, *timer, *lone;
} held;

static void look_at_engine(void *ud)
{
    lg__engine_check(((held *)ud)->s.e);
}

static void set_up_engine(held *h)
{
    SUPPORT_NO_THREAD(); /* it is looked at from children */
    script_start(&h->s);
    lg_engine *e = h->s.e;
    h->leaf = script_leaf(&h->s, "prompt", "p", true);
    h->call = script_call(&h->s, h->leaf, script_leaf(&h->s, "x", "q", false), "answer", -1);
    h->below = script_call(&h->s, NULL, h->call, "below", -1);
    h->lone = script_call(&h->s, NULL, h->call, "lone", -1);
    assert_int_equal(lg_var_cancel(h->lone), 0);
    assert_int_equal(lg_timer_new(e, 1000000, "timer", &h->timer), 0);
    h->pass = script_backward(&h->s, h->below);
    assert_int_equal(lg_engine_step(e, 0), 0);
    assert_int_equal(h->call->state, LG_PENDING);
    assert_int_equal(h->pass->state, LG_PENDING);
    assert_non_null(h->call->node->u.call->request);
    assert_int_equal(e->works.count, 1);
}

static lg_request *request_of(held *h)
{
    return h->call->node->u.call->request;
}

static lg_work *first_work(held *h)
{
    return h->s.e->graph.host_party.out.head;
}

#define ENGINE_BREAKAGES(XX)                                                            \
    XX(pending, h->s.e->graph.n_pending++)                                              \
    XX(live, h->s.e->graph.n_live--)                                                    \
    XX(too_few_counts, h->call->refs = 1)                                               \
    XX(no_count, h->leaf->refs = 0)                                                     \
    XX(text_while_pending, h->call->text = h->leaf->text)                               \
    XX(done_while_pending, h->call->node->done = true)                                  \
    XX(misses_none, h->below->node->n_missing = 0)                                      \
    XX(off_the_waiters, h->call->waiters = h->call->waiters->next)                      \
    XX(given_up, h->call->given_up = 0)                                                 \
    XX(marked, h->leaf->mark = 1)                                                       \
    XX(unlinked, h->call->prev = NULL)                                                  \
    XX(busy_too_long, h->pass->pass->busy++)                                            \
    XX(busy_no_more, h->pass->pass->busy--)                                             \
    XX(steps_left, h->pass->pass->steps_left = 0)                                       \
    XX(over_too_soon, h->pass->pass->settled = true)                                    \
    XX(heard_early, h->pass->pass->plan.steps[1].gathered = true)                       \
    XX(slot_of_none, h->pass->pass->plan.links[0] = 1000)                               \
    XX(name, h->s.e->graph.interned[0] = h->s.e->graph.interned[0]                      \
                                             ? (h->leaf->role->refs = 0, h->leaf->role) \
                                             : (h->leaf->role->refs = 0, NULL))         \
    XX(waits_for_none, request_of(h)->waiters = NULL)                                   \
    XX(its_request, h->call->node->u.call->request = NULL)                              \
    XX(unnamed, request_of(h)->listed++)                                                \
    XX(entries, h->s.e->turn.entries++)                                                 \
    XX(attempt_of_none, request_of(h)->attempt->request = NULL)                         \
    XX(work, first_work(h)->queued = false)                                             \
    XX(timer_off, h->s.e->timers.due.n = 0)                                             \
    XX(queue_count, h->s.e->graph.calls.n++)

#define XX(name, act)                         \
    static void spoil_engine_##name(void *ud) \
    {                                         \
        held *h = ud;                         \
        act;                                  \
    }
ENGINE_BREAKAGES(XX)
#undef XX

static void test_engine(void **state)
{
    held h;
    char said[400];
    (void)state;
    set_up_engine(&h);
    assert_int_equal(run_child(nothing, look_at_engine, &h, said), 0);
    assert_string_equal(said, "");
#define XX(name, act) expect_death(#name, spoil_engine_##name, look_at_engine, &h);
    ENGINE_BREAKAGES(XX)
#undef XX
    script_end(&h.s);
}

/* ---- on the spot ----------------------------------------------------------------- */

static void move_kept(void *ud)
{
    in_all_states *a = ud;
    lg__sched_move(a->f.s, a->waits, LG_REQ_DONE); /* it was not even sent */
}

static void take_twice(void *ud)
{
    in_all_states *a = ud;
    lg__line_remove(&a->f.s->flight, a->sent);
    lg__line_remove(&a->f.s->flight, a->sent);
}

static void test_at_once(void **state)
{
    in_all_states a;
    (void)state;
    set_up_sched(&a);
    expect_death("a move that is none", move_kept, nothing, &a);
    expect_death("off a list twice", take_twice, nothing, &a);
    fixture_end(&a.f);
}

/* The tests' engine is a debug build. A step that does not look would let this one pass. */
static void step_on(void *ud)
{
    held *h = ud;
    lg_engine_step(h->s.e, 0);
}

static void spoil_quietly(void *ud)
{
    ((held *)ud)->leaf->mark = 1;
}

static void test_each_step_looks(void **state)
{
    held h;
    (void)state;
    set_up_engine(&h);
    expect_death("a step", spoil_quietly, step_on, &h);
    script_end(&h.s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_sched),
    cmocka_unit_test(test_engine),
    cmocka_unit_test(test_at_once),
    cmocka_unit_test(test_each_step_looks),
};

LG_TEST_MAIN(tests)
