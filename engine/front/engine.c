/* engine.c - the front door: create, step, free, and pump().
 *
 * The only place that moves an item from stage to stage:
 *   graph → request → sched → http → sched → graph → gradient → graph …
 * Stages are passive; each gives what it has when it is asked. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "front/front_internal.h"
#include "model/provider.h"

/* ---- errors ------------------------------------------------------------ */

int lg__engine_error(lg_engine *e, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->errmsg, sizeof e->errmsg, fmt, ap);
    va_end(ap);
    return code;
}

int lg__engine_null(lg_engine *e)
{
    return lg__engine_error(e, LG_EINVAL, "an argument is NULL that must not be");
}

const char *lg_engine_errmsg(const lg_engine *e)
{
    return e->errmsg;
}

/* ---- life -------------------------------------------------------------- */

void lg_config_init(lg_config *cfg)
{
    if (!cfg)
        return;
    memset(cfg, 0, sizeof *cfg);
    cfg->size = sizeof *cfg;
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

/* Late, because libcurl and OpenSSL take megabytes that a host which only uses its own
 * models never needs. */
static int ensure_http(lg_engine *e)
{
    lg_http_config http = {
        .ca_file = e->ca_file, .ca_path = e->ca_path, .proxy = e->proxy, .http2 = e->http2};
    return e->http ? LG_OK : lg__http_new(&e->mem, e->loop, &e->log, &http, &e->http);
}

static int build(lg_engine *e, const lg_config *c)
{
    lg__bytes_init(&e->partial, &e->mem, LG_BYTES_MAX);
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

int lg_engine_new(const lg_config *cfg, lg_engine **out)
{
    lg_config c;
    lg_mem first;
    if (!out)
        return LG_EINVAL;
    *out = NULL;
    if (cfg && cfg->size < sizeof cfg->size)
        return LG_EINVAL; /* lg_config_init was not called */
    lg_config_init(&c);
    if (cfg)
        memcpy(&c, cfg, cfg->size < sizeof c ? cfg->size : sizeof c);
    lg__mem_init(&first, c.alloc, c.alloc_ud);
    lg_engine *e = lg__mem_zero(&first, sizeof *e);
    if (!e)
        return LG_ENOMEM;
    e->mem = first;
    int err = build(e, &c);
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
    if (e->store)
        take_replies(e, INT_MAX); /* paid for */
    lg__streams_free(e);
    lg__turn_close(e);
    if (e->http)
        lg__http_free(e->http);
    lg__processes_free(e->processes);
    lg__mem_strfree(&e->mem, e->ca_file);
    lg__mem_strfree(&e->mem, e->ca_path);
    lg__mem_strfree(&e->mem, e->proxy);
    lg__works_free(e);
    lg__timers_free(e);
    if (e->event_var) /* its count dies with the graph */
        e->event_var = NULL;
    if (e->graph.mem)
        lg__graph_free(&e->graph);
    if (e->sched)
        lg__sched_free(e->sched);
    while (e->models) {
        lg_model *m = e->models;
        e->models = m->next;
        lg__model_destroy(m);
    }
    if (e->loop)
        lg__loop_free(e->loop);
    lg__log_free(&e->log);
    lg_mem last = e->mem;
    lg__mem_free(&last, e, sizeof *e);
}

/* ---- waking ------------------------------------------------------------ */

void lg__engine_touch(lg_engine *e)
{
    if (e->in_step || e->woken)
        return;
    e->woken = true;
    lg__loop_wakeup(e->loop);
}

void lg_engine_wakeup(lg_engine *e)
{
    atomic_store(&e->poked, 1);
    lg__loop_wakeup(e->loop);
}

int lg_engine_fd(const lg_engine *e)
{
    return lg__loop_fd(e->loop);
}

static bool has_events(const lg_engine *e)
{
    return e->graph.fired.head || e->out_head || e->partial_head;
}

static bool has_work(const lg_engine *e)
{
    const lg_graph *g = &e->graph;
    return g->ready.head || g->calls.head || g->work.head || g->dropped.head || g->steps.head ||
           g->host_head;
}

/* When time alone brings something to do; INT64_MAX: never. */
static int64_t next_due(const lg_engine *e)
{
    int64_t calls = lg__sched_due(e->sched), timers = lg__timers_due(e);
    return calls < timers ? calls : timers;
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

int lg_engine_timeout(const lg_engine *e)
{
    if (has_events(e) || has_work(e))
        return 0;
    int64_t due = next_due(e);
    due = e->hedge_due < due ? e->hedge_due : due;
    int own = e->clock.is_virtual ? -1 : ms_until(due, lg__clock_now(&e->clock));
    return sooner(lg__loop_timeout(e->loop), own);
}

int64_t lg_engine_now(const lg_engine *e)
{
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
    }
}

static void offer_tools(lg_engine *e, int most)
{
    lg_node *n;
    if (e->turn.sharing || e->turn.kept_due || (e->turn.kept && e->graph.work.head))
        lg__kept_sweep(e);
    while (most-- > 0 && (n = lg__nodes_pop(&e->graph.work))) {
        lg_work *w;
        if (n->done) {
            lg_var_unref(n->out);
        } else if (lg__kept_shares(e, n) || lg__kept_elsewhere(e, n)) {
            continue; /* in this order: what is stored may not be on the disk yet */
        } else if (lg__work_new(e, LG_EVENT_TOOL, &w)) {
            lg__kept_unclaim(e, n);
            lg__engine_fail_code(e, n, LG_ENOMEM);
        } else {
            w->node = n;
            n->work = w->id;
            lg__kept_runs(e, n);
        }
    }
}

static void offer_gradients(lg_engine *e)
{
    lg_step *s;
    lg_fail f;
    while ((s = lg__graph_next_host(&e->graph))) {
        lg_work *w;
        if (lg__step_cancelled(s)) {
            lg__work_abandon(e, s->work);
            s->work = 0;
            lg__pass_host_done(s, NULL);
        } else if (lg__work_new(e, LG_EVENT_GRADIENT, &w)) {
            lg__fail_init(&f);
            f.code = LG_ENOMEM;
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
    while (most-- > 0 && (w = lg__waits_pop(&e->graph.steps)))
        lg__pass_fired(w);
    offer_gradients(e);
}

/* An attempt that could not even start has ended like any other. */
static void finish_attempt(lg_engine *e, lg_request *r, lg_http_done *d)
{
    r->transfer = NULL;
    if (r->twin) {
        r = lg__hedge_ended(e, r, d);
        if (!r)
            return;
    }
    lg__stream_ended(e, r);
    if (e->store)
        lg__turn_ended(e, r, d);
    else
        lg__engine_attempted(e, r, lg__sched_finish(e->sched, r, d));
}

static void not_started(lg_engine *e, lg_request *r, int err)
{
    lg_http_done d;
    memset(&d, 0, sizeof d);
    d.ud = r;
    d.retry_after_ms = -1;
    lg__bytes_init(&d.body, &e->mem, 1);
    lg__fail_init(&d.fail);
    if (err == LG_EINVAL)
        lg__fail_set(&d.fail, &e->mem, err, "bad URL: %.200s", r->url.data ? r->url.data : "");
    else
        lg__fail_set(&d.fail, &e->mem, err, "cannot start a request: %s", lg_error_text(err));
    finish_attempt(e, r, &d);
}

static void start_host(lg_engine *e, lg_request *r)
{
    lg_work *w;
    if (!lg__work_new(e, LG_EVENT_CALL, &w)) {
        w->request = r;
        r->transfer = w;
        return;
    }
    lg__fail_set(&r->reply.fail, &e->mem, LG_ENOMEM, "no memory to ask the model");
    lg__engine_attempted(e, r, lg__sched_finish_host(e->sched, r));
}

static int send_to_server(lg_engine *e, lg_request *r)
{
    lg_transfer *t;
    const lg_request *says = r->is_twin ? r->twin : r;
    lg_http_request h = {
        .method = r->model->provider->get ? "GET" : "POST",
        .url = says->url.data,
        .headers = says->headers.data ? says->headers.data : "",
        .body = says->body.data,
        .body_len = says->body.len,
        .connect_timeout_ms = e->connect_timeout_ms,
        .first_byte_timeout_ms = e->first_byte_timeout_ms,
        .total_timeout_ms = e->total_timeout_ms,
        .max_reply_bytes = e->max_reply_bytes,
    };
    int err = ensure_http(e);
    if (!err)
        err = lg__http_start(e->http, &h, r, &t);
    r->transfer = err ? NULL : t;
    return err;
}

void lg__engine_send(lg_engine *e, lg_request *r)
{
    bool program = r->model->provider->process;
    int err = program ? lg__engine_send_to_program(e, r) : send_to_server(e, r);
    if (err)
        not_started(e, r, err);
    else if (!program)
        lg__stream_started(e, r);
    if (!err && r->model->hedge_budget > 0)
        lg__hedge_sent(e, r);
}

/* true when there may be more to start */
static bool start_requests(lg_engine *e, int most)
{
    lg_request *r;
    for (; most > 0 && (r = lg__sched_next(e->sched)); most--) {
        if (r->state == LG_REQ_FAILED) { /* it could not even be written */
            if (!r->held)                /* else its last attempt is still to be stored */
                lg__engine_complete(e, r);
        } else if (!r->model->provider) {
            start_host(e, r);
        } else if (e->store) {
            lg__turn_pick(e, r);
        } else {
            lg__engine_send(e, r);
        }
    }
    return most == 0;
}

static bool take_replies(lg_engine *e, int most)
{
    lg_http_done d;
    bool any = false;
    while (most-- > 0 &&
           ((e->http && lg__http_next(e->http, &d)) || lg__process_next(e->processes, &d))) {
        any = true;
        finish_attempt(e, d.ud, &d);
    }
    return any;
}

/* ---- what was cancelled ------------------------------------------------ */

static void leave_request(lg_engine *e, lg_node *n)
{
    lg_request *r = n->u.call->request;
    if (!r)
        return;
    n->u.call->request = NULL;
    lg_node *prev = NULL;
    for (lg_node *w = r->waiters; w && w != n; w = w->u.call->next_waiting)
        prev = w;
    if (prev)
        prev->u.call->next_waiting = n->u.call->next_waiting;
    else
        r->waiters = n->u.call->next_waiting;
    n->u.call->next_waiting = NULL;
    if (!r->waiters && !r->held)
        lg__engine_leave(e, r);
}

void lg__engine_leave(lg_engine *e, lg_request *r)
{
    lg__stream_ended(e, r);
    if (r->twin)
        lg__hedge_cancel(e, r);
    if (r->state == LG_REQ_SENT && r->transfer) {
        if (r->model->provider && r->model->provider->process)
            lg__process_cancel(r->transfer);
        else if (r->model->provider)
            lg__http_cancel(r->transfer);
        if (r->model->provider && e->store)
            lg__turn_cancelled(e, r);
        if (!r->model->provider)
            lg__work_abandon(e, ((lg_work *)r->transfer)->id);
        r->transfer = NULL;
    }
    lg_model *m = lg_model_ref(r->model);
    lg__sched_cancel(e->sched, r);
    lg_model_unref(m);
}

void lg__engine_drop_cancelled(lg_engine *e)
{
    lg_node *n;
    while ((n = lg__nodes_pop(&e->graph.dropped))) {
        if (n->out->op == LG_OP_CALL)
            leave_request(e, n);
        else if (n->out->op == LG_OP_TIMER)
            lg__timer_drop(e, n);
        else if (n->work)
            lg__work_abandon(e, n->work);
        lg_var_unref(n->out);
    }
}

static bool is_unsent_call(const lg_var *v)
{
    if (v->state != LG_PENDING || v->op != LG_OP_CALL || !v->node)
        return false;
    const lg_request *r = v->node->u.call->request;
    return r && (r->state == LG_REQ_QUEUED || r->state == LG_REQ_BACKOFF ||
                 (r->state == LG_REQ_SENT && !r->transfer));
}

static bool is_pending(const lg_var *v)
{
    return v->state == LG_PENDING;
}

/* Cancelling may free neighbours, so the next one is held before this is let go. */
static void cancel_those(lg_engine *e, bool (*wanted)(const lg_var *))
{
    lg_var *v = lg_var_ref(e->graph.vars);
    while (v) {
        if (wanted(v))
            lg_var_cancel(v);
        lg_var *next = lg_var_ref(v->next);
        lg_var_unref(v);
        v = next;
    }
}

void lg_engine_drain(lg_engine *e, bool drain)
{
    e->draining = drain;
    if (drain)
        cancel_those(e, is_unsent_call);
    lg__engine_touch(e);
}

void lg_engine_cancel(lg_engine *e)
{
    cancel_those(e, is_pending);
    lg__engine_touch(e);
}

/* ---- step -------------------------------------------------------------- */

enum { SLICE = 64 }; /* items of one stage between two looks at the clock */

static void pump(lg_engine *e, int64_t until_us)
{
    lg_clock real = {.is_virtual = false};
    bool replies, more;
    do {
        lg__engine_drop_cancelled(e);
        lg__timers_fire(e);
        run_ready(e, SLICE);
        lg__engine_submit_calls(e, SLICE);
        offer_tools(e, SLICE);
        move_steps(e, SLICE);
        replies = take_replies(e, SLICE);
        lg__stream_listen(e);
        more = start_requests(e, SLICE);
        lg__hedge_look(e);
        bool last = until_us && lg__clock_now(&real) >= until_us;
        bool idle = !(has_work(e) || replies || more);
        if (idle && !last && lg__turn_size(e) > 0 && !lg__turn_is_full(e)) {
            lg__loop_run(e->loop, 0); /* what came meanwhile goes along */
            replies = take_replies(e, SLICE);
            idle = !replies;
        }
        if (last || idle || lg__turn_is_full(e))
            lg__turn_flush(e); /* all of the turn at once */
        if (last)
            break;
    } while (has_work(e) || replies || more);
    if (has_work(e) || replies || more)
        lg__loop_wakeup(e->loop); /* the rest is due at once */
}

/* Nothing but, perhaps, the host's work. */
static bool nothing_runs(lg_engine *e)
{
    return lg__http_active(e->http) == 0 && lg__processes_active(e->processes) == 0 &&
           !has_work(e) && !lg__turn_waits(e);
}

/* Virtual time goes on to what is due next; false: it stays, as something may still come. */
static bool jump(lg_engine *e)
{
    if (!e->clock.is_virtual || !nothing_runs(e) || has_events(e))
        return false;
    int64_t due = next_due(e);
    if (due == INT64_MAX || due <= lg__clock_now(&e->clock))
        return false;
    lg__clock_advance(&e->clock, due);
    return true;
}

static void settle_down(lg_engine *e, int64_t until_us)
{
    pump(e, until_us);
    while (e->works.count == 0 && jump(e))
        pump(e, until_us);
}

int lg_engine_step(lg_engine *e, int64_t budget_us)
{
    lg_clock real = {.is_virtual = false};
    int64_t now = budget_us > 0 ? lg__clock_now(&real) : 0;
    if (e->in_step)
        return lg__engine_error(e, LG_EREENTRANT, "step is running already");
    e->in_step = true;
    e->woken = false;
    int err = lg__loop_run(e->loop, 0);
    settle_down(e, now > 0 && budget_us < INT64_MAX - now ? now + budget_us : 0);
    e->in_step = false;
    return err;
}

int lg_engine_wait(lg_engine *e, int timeout_ms)
{
    lg_clock real = {.is_virtual = false};
    int64_t start = lg__clock_now(&real);
    for (;;) {
        int err = lg_engine_step(e, 0);
        if (err || has_events(e) || !e->graph.n_pending || atomic_exchange(&e->poked, 0))
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

/* ---- numbers ----------------------------------------------------------- */

void lg_engine_stats(const lg_engine *e, lg_stats *out)
{
    lg_stats s;
    if (!out)
        return;
    memset(&s, 0, sizeof s);
    lg__sched_stats(e->sched, &s);
    s.size = out->size;
    s.host_running = e->works.count;
    s.live_bytes = e->mem.live_bytes;
    s.live_blocks = e->mem.live_blocks;
    s.vars_pending = e->graph.n_pending;
    s.vars_live = e->graph.n_live;
    s.served = e->served;
    s.timers = e->timers.n;
    s.storing = lg__turn_storing(e);
    memcpy(out, &s, s.size < sizeof s ? s.size : sizeof s);
}
