/* engine.c - the front door: an engine's life, its step, and pump().
 *
 * The only place that moves an item from stage to stage:
 *   graph → request → sched → carrier → sched → graph → gradient → graph …
 * Stages are passive; each gives what it has when it is asked. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/sized.h"
#include "front/front_internal.h"

#include "base/check.h"

/* ---- life -------------------------------------------------------------- */

void lg_config_init_size(lg_config *cfg, size_t size)
{
    const lg_config c = {.size = sizeof c};
    if (cfg)
        lg__sized_write(cfg, size, &c);
}

static int or_default(int value, int otherwise)
{
    return value > 0 ? value : otherwise;
}

static int keep_http_config(lg_engine *e, const lg_config *c)
{
    e->http2 = c->http2;
    e->ca_file = lg__mem_strdup(&e->mem, c->ca_file);
    e->ca_path = lg__mem_strdup(&e->mem, c->ca_path);
    e->proxy = lg__mem_strdup(&e->mem, c->proxy);
    bool lost =
        (c->ca_file && !e->ca_file) || (c->ca_path && !e->ca_path) || (c->proxy && !e->proxy);
    return lost ? LG_ENOMEM : LG_OK;
}

static int build(lg_engine *e, const lg_config *c)
{
    lg__clock_init(&e->clock, c->virtual_clock);
    lg__log_init(&e->log, &e->mem, c->log, c->log_ud, or_default(c->log_level, LG_LOG_WARN));
    lg__map_init(&e->works, &e->mem);
    e->connect_timeout_ms = or_default(c->connect_timeout_ms, 10000);
    e->first_byte_timeout_ms = or_default(c->first_byte_timeout_ms, 600000);
    e->total_timeout_ms = or_default(c->total_timeout_ms, 900000);
    e->max_reply_bytes = c->max_reply_bytes ? c->max_reply_bytes : (size_t)16 << 20;
    int err = lg__graph_init(&e->graph, &e->mem, &e->log, e,
                             c->max_queued ? c->max_queued : (size_t)16 << 20);
    e->graph.wake = lg__engine_touch;
    if (!err)
        err = lg__loop_new(&e->mem, &e->loop);
    if (!err)
        err = keep_http_config(e, c);
    lg_sched_config sched = {
        .concurrency = c->concurrency,
        .max_attempts = or_default(c->max_attempts, 10),
        .memo_bytes = c->memo_bytes ? c->memo_bytes : (size_t)64 << 20,
        .seed = c->seed,
        .max_calls = c->max_calls,
        .max_tokens = c->max_tokens,
        .max_micros = c->max_micros,
        .max_time_ms = c->max_time_ms,
    };
    e->hedge_due = INT64_MAX;
    e->replay_only = c->replay_only;
    e->fail_ambiguous = c->fail_ambiguous;
    e->turn.base.size = sizeof e->turn.base;
    if (!err)
        err = lg__sched_new(&e->mem, &e->log, &e->clock, &sched, &e->sched);
    return err ? err : lg__turn_open(e, c);
}

static int thread_turn(lg_engine *e);
static bool wait_is_over(lg_engine *e);

int lg_engine_new(const lg_config *cfg, lg_engine **out)
{
    lg_config c = {.size = sizeof c};
    lg_mem first;
    if (!out)
        return LG_EINVAL;
    *out = NULL;
    if (cfg && !lg__sized_read(&c, cfg))
        return LG_EINVAL; /* lg_config_init was not called */
    lg__mem_init(&first, c.alloc, c.alloc_ud);
    lg_engine *e = lg__mem_zero(&first, sizeof *e);
    if (!e)
        return LG_ENOMEM;
    e->mem = first;
    int err = build(e, &c);
    if (!err && c.thread)
        err = lg__thread_start(e, thread_turn, wait_is_over);
    if (err)
        lg_engine_free(e);
    else
        *out = e;
    return err;
}

static bool take_replies(lg_engine *e, int most);

void lg_engine_free(lg_engine *e)
{
    if (!e)
        return;
    lg__thread_stop(e);
    if (e->door)
        lg__door_enter(e->door); /* the store and libcurl let go of it, and take it again */
    lg__parties_end(e);
    if (e->store)
        take_replies(e, INT_MAX); /* paid for */
    lg__streams_free(e);
    lg__turn_close(e);
    if (e->http)
        lg__http_free(e->http);
    lg__processes_free(e->processes);
    lg__sandboxes_free(e);
    lg__commands_free(e->commands);
    lg__talks_free(e->talks);
    lg__entries_free(e);
    lg__warm_free(e);
    lg__mem_strfree(&e->mem, e->ca_file);
    lg__mem_strfree(&e->mem, e->ca_path);
    lg__mem_strfree(&e->mem, e->proxy);
    lg__works_free(e);
    lg__timers_free(e);
    if (e->graph.mem)
        lg__graph_free(&e->graph);
    if (e->sched)
        lg__sched_free(e->sched);
    while (e->models) {
        lg_model *m = e->models;
        e->models = m->next;
        lg__gone_free(&e->graph, m->gone);
        lg__party_unref(m->party);
        lg__model_destroy(m);
    }
    if (e->loop)
        lg__loop_free(e->loop);
    lg__log_deliver(&e->log);
    lg__log_free(&e->log);
    if (e->door)
        lg__door_leave(e->door);
    lg__thread_free(e);
    lg_mem last = e->mem;
    lg__mem_free(&last, e, sizeof *e);
}

/* ---- waking ------------------------------------------------------------ */

void lg_engine_wakeup(lg_engine *e)
{
    atomic_store(&e->poked, 1);
    if (e->thread)
        lg__thread_wakeup(e);
    else
        lg__loop_wakeup(e->loop);
}

int lg_engine_fd(const lg_engine *e)
{
    return e->thread ? lg__thread_fd(e) : lg__loop_fd(e->loop);
}

static bool has_events(const lg_engine *e)
{
    return lg__party_hears(&e->graph.host_party);
}

static bool has_work(const lg_engine *e)
{
    const lg_graph *g = &e->graph;
    return g->ready.head || g->calls.head || g->work.head || g->dropped.head || g->steps.head ||
           g->host.head || e->unstarted.head || e->leaving.head || e->turn.stored.head ||
           lg__http_is_due(e->http) || lg__pool_is_due(e->pool) || lg__talks_is_due(e->talks);
}

/* When time alone brings something to do; INT64_MAX: never. */
static int64_t next_due(const lg_engine *e)
{
    int64_t calls = lg__sched_due(e->sched), timers = lg__timers_due(e);
    int64_t first = calls < timers ? calls : timers, parties = lg__parties_due(e);
    return first < parties ? first : parties;
}

static int ms_until(int64_t due_us, int64_t now_us)
{
    if (due_us == INT64_MAX)
        return -1;
    if (due_us <= now_us)
        return 0;
    int64_t ms = (due_us - now_us + 999) / 1000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

static int sooner(int a, int b)
{
    if (a < 0)
        return b;
    return b >= 0 && b < a ? b : a;
}

static int own_timeout(const lg_engine *e)
{
    if (has_work(e) || e->preconnect || lg__parties_hear(e))
        return 0;
    int64_t due = next_due(e);
    due = e->hedge_due < due ? e->hedge_due : due;
    int own = e->clock.is_virtual ? -1 : ms_until(due, lg__clock_now(&e->clock));
    return sooner(lg__loop_timeout(e->loop), own);
}

int lg_engine_timeout(const lg_engine *e)
{
    LG_GUARD(e->door);
    if (has_events(e))
        return 0;
    return lg__thread_is_host(e) ? -1 : own_timeout(e);
}

int64_t lg_engine_now(const lg_engine *e)
{
    LG_GUARD(e->door);
    return lg__clock_now(&e->clock);
}

/* ---- pump: one stage after the other ----------------------------------- */

/* Nodes whose inputs have settled: compute, or hand on. */
static void run_ready(lg_engine *e, int most)
{
    lg_node *n;
    while (most-- > 0 && (n = lg__nodes_pop(&e->graph.ready))) {
        if (n->done)
            lg_var_unref(n->out);
        else
            lg__ops[n->out->op].forward(&e->graph, n);
        if (lg__engine_is_late(e))
            break;
    }
}

static int type_of(const lg_node *n)
{
    return n->u.tool->function.is ? LG_EVENT_FUNCTION : LG_EVENT_TOOL;
}

static void offer_tools(lg_engine *e, int most)
{
    lg_node *n;
    int err;
    if (e->turn.sharing || e->turn.kept_due || (e->turn.kept && e->graph.work.head))
        lg__kept_sweep(e);
    while (most-- > 0 && (n = lg__nodes_pop(&e->graph.work))) {
        lg_work *w;
        if (n->done) {
            lg_var_unref(n->out);
        } else if (lg__kept_shares(e, n) || lg__kept_elsewhere(e, n)) {
            continue; /* in this order: what is stored may not be on the disk yet */
        } else if ((err = lg__work_new(e, n->u.tool->party, type_of(n), &w))) {
            lg__kept_unclaim(e, n);
            lg__call_fail_code(e, n, err);
        } else {
            w->node = n;
            n->work = w->id;
            lg__kept_runs(e, n);
        }
        if (lg__engine_is_late(e))
            break;
    }
}

static void offer_gradients(lg_engine *e)
{
    lg_step *s;
    lg_fail f;
    int err;
    while ((s = lg__graph_next_host(&e->graph))) {
        lg_work *w;
        if (lg__step_cancelled(s)) {
            lg__work_abandon(e, s->work);
            s->work = 0;
            lg__pass_host_done(s, NULL);
        } else if ((err = lg__work_new(e, s->var->node->u.tool->party, LG_EVENT_GRADIENT, &w))) {
            lg__fail_init(&f);
            f.code = err;
            lg__pass_host_done(s, &f);
        } else {
            w->step = s;
            s->work = w->id;
        }
    }
}

static void move_steps(lg_engine *e, int most)
{
    lg_waiter *w;
    while (most-- > 0 && (w = lg__waits_pop(&e->graph.steps))) {
        lg__pass_fired(w);
        if (lg__engine_is_late(e))
            break;
    }
    offer_gradients(e);
}

/* An attempt has ended; where that is kept, it is heard of when the store has it. */
static void finish_attempt(lg_engine *e, lg_attempt *a)
{
    lg_request *r = a->request;
    a->load = NULL;
    if (r->twin) {
        r = lg__hedge_ended(e, a);
        if (!r)
            return;
    }
    lg__stream_ended(e, r);
    lg_entry *over = lg__turn_ended(e, r);
    if (over)
        lg__turn_let_go(e, over);
}

/* true when there may be more to start */
static bool start_requests(lg_engine *e, int most)
{
    lg_request *r;
    for (; most > 0 && (r = lg__sched_next(e->sched)); most--) {
        if (r->state != LG_REQ_FAILED)
            lg__call_go(e, r);
        else if (!r->listed) /* it could not even be written; else an end is still to be stored */
            lg__call_complete(e, r);
        if (lg__engine_is_late(e))
            return true;
    }
    return most == 0;
}

static lg_attempt *next_ended(lg_engine *e)
{
    lg_entry *unstarted = lg__entries_pop(&e->unstarted);
    if (unstarted)
        return &unstarted->attempt;
    lg_attempt *a = e->http ? lg__http_next(e->http) : NULL;
    return a ? a : lg__process_next(e->processes);
}

static bool take_replies(lg_engine *e, int most)
{
    lg_attempt *a;
    bool any = false;
    while (most-- > 0 && (a = next_ended(e))) {
        any = true;
        if (a->request)
            finish_attempt(e, a);
        else
            lg__warm_ended(e, a);
        if (lg__engine_is_late(e))
            break;
    }
    return any;
}

/* ---- step -------------------------------------------------------------- */

enum { SLICE = LG_SMALL(64, 1) }; /* items of one stage between two looks at the clock */

/* Nothing but, perhaps, the host's work. */
static bool nothing_runs(lg_engine *e)
{
    return lg__http_active(e->http) == 0 && lg__processes_active(e->processes) == 0 &&
           lg__pool_active(e->pool) == 0 && lg__commands_active(e->commands) == 0 &&
           lg__talks_active(e->talks) == 0 && !has_work(e) && !lg__turn_waits(e);
}

/* Nothing can happen any more, unless the host begins it. */
static bool is_over(lg_engine *e)
{
    return e->graph.host_party.next && nothing_runs(e) && e->graph.host_party.n_works == 0 &&
           !has_events(e) && !lg__parties_hear(e) && next_due(e) == INT64_MAX;
}

static void pump(lg_engine *e)
{
    bool replies, more;
    bool programs = false; /* more of theirs is to be done, in a step of its own */
    bool connected = false;
    do {
        lg__thread_tell(e, has_events(e));
        lg__door_breathe(e->door);
        lg__call_drop_leaving(e, false);
        lg__turn_send(e);
        programs = lg__commands_tell(e);
        lg__timers_fire(e);
        run_ready(e, SLICE);
        lg__call_submit(e, SLICE);
        offer_tools(e, SLICE);
        move_steps(e, SLICE);
        replies = take_replies(e, SLICE);
        replies = lg__stream_listen(e) || replies; /* one that was broken off has ended */
        replies = lg__sandboxes_settle(e) || replies;
        replies = lg__talks_tell(e) || replies;
        more = start_requests(e, SLICE);
        lg__hedge_look(e);
        if (!connected && e->preconnect) {
            lg__warm_begin(e);
            connected = true; /* one a step */
        }
        lg__parties_run(e, e->until_us, false);
        bool last = lg__engine_is_over(e);
        bool idle = !(has_work(e) || replies || more || (e->until_us && lg__parties_hear(e)));
        if (idle && !last && lg__turn_size(e) > 0 && !lg__turn_is_full(e)) {
            lg__loop_run(e->loop, 0); /* what came meanwhile goes along */
            replies = take_replies(e, SLICE);
            idle = !replies;
        }
        if (last || idle || lg__turn_is_full(e))
            lg__turn_flush(e); /* all of the turn at once */
        if (last)
            break;
        if (idle && is_over(e))
            lg__parties_run(e, e->until_us, true);
    } while (has_work(e) || replies || more || (e->until_us && lg__parties_hear(e)));
    if (has_work(e) || replies || more || programs || e->preconnect || lg__parties_hear(e))
        lg__loop_wakeup(e->loop); /* the rest is due at once */
}

/* Virtual time goes on to what is due next; false: it stays, as something may still come. */
static bool jump(lg_engine *e)
{
    if (!e->clock.is_virtual || !nothing_runs(e) || has_events(e) || lg__parties_hear(e))
        return false;
    int64_t due = next_due(e);
    if (due == INT64_MAX || due <= lg__clock_now(&e->clock))
        return false;
    lg__clock_advance(&e->clock, due);
    return true;
}

static void settle_down(lg_engine *e)
{
    pump(e);
    while (e->graph.host_party.n_works == 0 && jump(e))
        pump(e);
}

/* Of a step's time one half at most goes to what descriptors have, so that as much is done about
 * it as comes; what is left then is theirs again. */
static int run_limited(lg_engine *e, int64_t now, int64_t budget_us)
{
    lg_clock real = {.is_virtual = false};
    int err;
    e->until_us = now + budget_us;
    lg__turn_budget(e, budget_us);
    do {
        lg__loop_limit(e->loop, now + (e->until_us - now) / 2);
        err = lg__loop_run(e->loop, 0);
        lg__loop_limit(e->loop, e->until_us);
        settle_down(e);
        now = lg__clock_now(&real);
    } while (!err && lg__loop_was_cut(e->loop) && now < e->until_us);
    e->until_us = 0;
    lg__turn_budget(e, 0);
    lg__loop_limit(e->loop, 0);
    return err;
}

static int step(lg_engine *e, int64_t budget_us, void (*all)(lg_engine *e))
{
    lg_clock real = {.is_virtual = false};
    int64_t now = budget_us > 0 ? lg__clock_now(&real) : 0;
    int err;
    e->in_step = true;
    e->woken = false;
    if (now > 0 && budget_us < INT64_MAX - now) {
        err = run_limited(e, now, budget_us);
    } else {
        err = lg__loop_run(e->loop, 0);
        all(e);
    }
    e->in_step = false;
#ifdef LG_DEBUG
    lg__engine_stepped(e);
#endif
    return err;
}

/* On the engine's own thread; virtual time stands still. */
static int thread_turn(lg_engine *e)
{
    if (e->preload) {
        e->preload = false;
        lg__warm_load(e); /* what fails is logged, and fails again when it is needed */
    }
    step(e, 0, pump);
    lg__thread_tell(e, has_events(e));
    return own_timeout(e);
}

static int step_virtual(lg_engine *e, void *ud)
{
    (void)ud;
    return step(e, 0, settle_down);
}

int lg__engine_sync(lg_engine *e)
{
    return lg__thread_do(e, step_virtual, NULL);
}

static int refuse_step(lg_engine *e)
{
    LG_GUARD(e->door);
    return lg__engine_error(e, LG_EREENTRANT, "step is running already");
}

int lg_engine_step(lg_engine *e, int64_t budget_us)
{
    bool host = lg__thread_is_host(e);
    if (host ? e->log.delivers : e->in_step)
        return refuse_step(e);
    if (host) {
        int err = e->clock.is_virtual ? lg__engine_sync(e) : LG_OK;
        lg__log_deliver(&e->log);
        LG_GUARD(e->door);
        if (!has_events(e))
            lg__thread_drained(e, true);
        return err;
    }
    return step(e, budget_us, settle_down);
}

static bool is_quiet(const lg_engine *e)
{
    return !has_events(e) && (e->graph.n_pending > 0 || lg__parties_busy(e));
}

static bool wait_is_over(lg_engine *e)
{
    return !is_quiet(e) || atomic_load(&e->poked);
}

/* The host waits, and its work itself may wait for time to pass. ud: ms that are left. */
static int wait_virtual(lg_engine *e, void *ud)
{
    const int *left = ud;
    int err;
    do {
        err = step(e, 0, settle_down);
    } while (!err && *left != 0 && is_quiet(e) && jump(e));
    return err;
}

static int wait_for_thread(lg_engine *e, int timeout_ms)
{
    int err = lg__thread_wait(e, timeout_ms, e->clock.is_virtual ? wait_virtual : NULL);
    LG_GUARD(e->door);
    if (is_quiet(e))
        atomic_store(&e->poked, 0);
    return err;
}

int lg_engine_wait(lg_engine *e, int timeout_ms)
{
    lg_clock real = {.is_virtual = false};
    int64_t start = lg__clock_now(&real);
    if (lg__thread_is_host(e))
        return e->log.delivers ? refuse_step(e) : wait_for_thread(e, timeout_ms);
    for (;;) {
        int err = lg_engine_step(e, 0);
        bool pending = e->graph.n_pending || lg__parties_busy(e);
        if (err || has_events(e) || !pending || atomic_exchange(&e->poked, 0))
            return err;
        int64_t gone = (lg__clock_now(&real) - start) / 1000;
        if (timeout_ms >= 0 && gone >= timeout_ms)
            return LG_OK;
        int left = timeout_ms < 0 ? -1 : (int)(timeout_ms - gone);
        if (jump(e)) /* the host's work itself waits for time to pass */
            continue;
        e->in_step = true;
        err = lg__loop_run(e->loop, sooner(left, lg_engine_timeout(e)));
        e->in_step = false;
        if (err)
            return err;
    }
}
