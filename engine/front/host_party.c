/* host_party.c - parties beside the host: when they run, and what they tell it.
 *
 * They run inside lg_engine_step(), a slice each, and the current party is theirs then. What
 * is in their queues is front/host_events.c's. For lua/: see lg_inside.h. */
#include "lg_inside.h"

#include <string.h>

#include "front/front_internal.h"

static lg_engine *engine_of(const lg_party *p)
{
    return p->graph->engine;
}

/* ---- life -------------------------------------------------------------- */

int lg__party_new(lg_engine *e, bool (*run)(void *ud, int64_t until_us, bool idle),
                  void (*end)(void *ud), void *ud, lg_party **out)
{
    lg_work *last = lg__mem_zero(&e->mem, sizeof *last);
    lg_party *p = last ? lg__party_make(&e->graph) : NULL;
    if (!p) {
        lg__mem_free(&e->mem, last, sizeof *last);
        return lg__engine_error(e, LG_ENOMEM, "out of memory");
    }
    p->last = last;
    p->run = run;
    p->end = end;
    p->ud = ud;
    *out = p;
    return LG_OK;
}

void lg__party_cancel(lg_party *p)
{
    lg__call_cancel_all(p);
    lg__engine_touch(engine_of(p));
}

/* What it told, and nobody has heard. */
static void take_back(lg_party *p)
{
    for (lg_work *w = p->graph->host_party.out.head; w; w = w->next) {
        if (w->from == p)
            w->type = LG_EVENT_NONE;
    }
}

/* What it was asked to do is not done any more: who waits for it is told so. */
static void give_up_works(lg_engine *e, lg_party *p, int code, const char *why)
{
    size_t pos = 0;
    uint64_t id;
    lg_work *w;
    while (p->n_works > 0 && (w = lg__map_next(&e->works, &pos, &id))) {
        if (w->party != p)
            continue;
        lg_party *before = lg__party_use(e, p);
        w->announced = true;
        if (w->type == LG_EVENT_CALL)
            lg_call_fail(e, id, code, false, why);
        else
            lg_tool_fail(e, id, code, why);
        lg__party_use(e, before);
        pos = 0; /* the map has changed */
    }
}

/* Feedback holds the variables that it came from, which may hold those that it is of. */
static void forget_feedback(lg_party *p)
{
    lg_var *v = lg_var_ref(p->vars);
    while (v) {
        lg_var_zero_grad(v);
        lg_var *next = lg_var_ref(v->next);
        lg_var_unref(v);
        v = next;
    }
}

void lg__party_break(lg_party *p, int code, const char *why)
{
    give_up_works(engine_of(p), p, code, why);
    lg_var *v = lg_var_ref(p->vars);
    while (v) { /* a promise that is kept ends with what keeps it */
        if (lg_var_op(v) == LG_OP_PROMISE && lg_var_state(v) == LG_PENDING)
            (void)lg_promise_fail(v, code, why, NULL);
        lg_var *next = lg_var_ref(v->next);
        lg_var_unref(v);
        v = next;
    }
}

void lg__party_inherit(lg_engine *e, lg_party *p, lg_party **held)
{
    lg_party *from = *held;
    *held = p ? lg__party_ref(p) : NULL;
    if (!from)
        return;
    for (lg_model *m = p ? e->models : NULL; m; m = m->next) {
        if (m->party == from) {
            m->party = lg__party_ref(p);
            lg__party_unref(from);
        }
    }
    lg__party_unref(from);
}

void lg__party_mute(lg_party *p)
{
    lg__call_cancel_all(p);
    lg__call_drop_cancelled(engine_of(p));
    forget_feedback(p);
    give_up_works(engine_of(p), p, LG_ECANCELLED, "the script that answers has ended");
    p->run = NULL;
    p->busy = false;
    p->due_us = INT64_MAX;
    lg__engine_touch(engine_of(p));
}

void lg__party_free(lg_party *p)
{
    if (!p)
        return;
    lg_engine *e = engine_of(p);
    lg_work *w;
    lg__party_mute(p);
    take_back(p);
    for (;;) {
        LG_QUEUE_POP(&p->out, w, next);
        if (!w)
            break;
        lg__work_release(e, w);
    }
    lg__mem_free(&e->mem, p->last, sizeof *p->last);
    p->last = NULL;
    lg__party_close(p);
}

void lg__parties_end(lg_engine *e)
{
    for (lg_party *p; e->graph.mem && (p = e->graph.host_party.next);) {
        while (p && p->closed)
            p = p->next;
        if (!p)
            break;
        p->end(p->ud); /* frees it */
    }
}

/* ---- running ------------------------------------------------------------- */

lg_party *lg__party_use(lg_engine *e, lg_party *p)
{
    lg_party *before = e->graph.party;
    e->graph.party = p ? p : &e->graph.host_party;
    return before;
}

void lg__party_due(lg_party *p, int64_t at_us)
{
    p->due_us = at_us;
    p->busy = true;
    if (at_us == 0)
        lg__engine_touch(engine_of(p));
}

bool lg__party_has_events(const lg_party *p)
{
    return lg__party_hears(p);
}

const lg_event *lg__party_next(lg_party *p)
{
    return lg__events_next(engine_of(p), p);
}

size_t lg__party_bytes(const lg_party *p)
{
    return p->bytes;
}

size_t lg__party_asked(const lg_party *p)
{
    return p->graph->host_party.n_works;
}

void *lg__party_alloc(lg_party *p, void *block, size_t old_size, size_t size)
{
    return lg__inside_alloc(engine_of(p), block, old_size, size);
}

static bool wants(const lg_party *p, int64_t now)
{
    return p->run && p->untold < LG_MOST_UNTOLD && (lg__party_hears(p) || p->due_us <= now);
}

bool lg__parties_hear(const lg_engine *e)
{
    const lg_party *p = e->graph.host_party.next;
    int64_t now = p ? lg__clock_now(&e->clock) : 0;
    while (p && !wants(p, now))
        p = p->next;
    return p != NULL;
}

bool lg__parties_busy(const lg_engine *e)
{
    const lg_party *p = e->graph.host_party.next;
    while (p && !p->busy)
        p = p->next;
    return p != NULL;
}

int64_t lg__parties_due(const lg_engine *e)
{
    int64_t due = INT64_MAX;
    for (const lg_party *p = e->graph.host_party.next; p; p = p->next) {
        if (p->run && p->due_us < due && p->untold < LG_MOST_UNTOLD)
            due = p->due_us;
    }
    return due;
}

enum { SLICE_US = 200 }; /* beside a thread of the engine's */

static void run(lg_engine *e, lg_party *p, int64_t until_us, bool idle)
{
    lg_party *before = lg__party_use(e, lg__party_ref(p)); /* it may free itself */
    p->due_us = INT64_MAX;
    p->idle = idle;
    lg_clock real = {.is_virtual = false};
    if (e->thread) /* the host waits for no longer than this */
        until_us = lg__clock_now(&real) + SLICE_US;
    bool busy = p->run(p->ud, until_us, idle);
    p->busy = busy && p->run;
    lg__party_use(e, before);
    lg__party_unref(p);
}

/* Those that ran go behind the others, so that each has its turn. */
static void to_the_end(lg_graph *g, lg_party *p)
{
    lg_party *last = p;
    while (last->next)
        last = last->next;
    if (last == p)
        return;
    p->prev->next = p->next;
    p->next->prev = p->prev;
    p->prev = last;
    p->next = NULL;
    last->next = p;
    (void)g;
}

static bool run_if_due(lg_engine *e, lg_party *p, int64_t until_us, int64_t now, bool idle)
{
    if (idle ? !p->run || !p->busy || p->idle : !wants(p, now))
        return false;
    to_the_end(&e->graph, p);
    run(e, p, until_us, idle);
    lg__door_breathe(e->door);
    return true;
}

/* The next one is held, as the host may free it while another one runs, or when it comes in. */
void lg__parties_run(lg_engine *e, int64_t until_us, bool idle)
{
    lg_clock real = {.is_virtual = false};
    lg_party *p = e->graph.host_party.next, *next;
    size_t left = 0;
    for (const lg_party *one = p; one; one = one->next)
        left++;
    int64_t now = p ? lg__clock_now(&e->clock) : 0;
    if (p)
        lg__party_ref(p);
    for (bool time = true; p && left > 0 && time; p = next, left--) {
        next = p->next ? lg__party_ref(p->next) : NULL;
        bool ran = run_if_due(e, p, until_us, now, idle);
        time = !(ran && until_us && lg__clock_now(&real) >= until_us);
        lg__party_unref(p);
    }
    if (p)
        lg__party_unref(p);
}

/* ---- what the host is told ------------------------------------------------- */

static void push(lg_party *p, lg_work *w, int type, uint64_t tag)
{
    lg_party *host = &p->graph->host_party;
    w->type = type;
    w->tag = tag;
    w->from = lg__party_ref(p);
    w->party = lg__party_ref(host);
    w->queued = true;
    LG_QUEUE_PUSH(&host->out, w, next);
}

bool lg__party_tell(lg_party *p, int type, uint64_t tag, const char *text, size_t len)
{
    lg_mem *m = p->graph->mem;
    lg_work *w = lg__mem_zero(m, sizeof *w);
    lg_text *t = w ? lg__text_new(m, text, len) : NULL;
    if (!t) {
        lg__mem_free(m, w, sizeof *w);
        return false;
    }
    w->told = t;
    p->untold += len + sizeof *w;
    push(p, w, type, tag);
    return true;
}

void lg__party_tell_end(lg_party *p, uint64_t tag)
{
    lg_work *w = p->last;
    p->last = NULL;
    if (w)
        push(p, w, LG_EVENT_END, tag);
    lg__engine_touch(engine_of(p));
}

/* ---- the host's functions ---------------------------------------------------- */

int lg__function_new(lg_engine *e, const char *name, lg_script *s, uint64_t tag, lg_script_fn fn,
                     void *ud, lg_tool **out)
{
    lg_party *before = lg__party_use(e, NULL);
    lg_gone *gone;
    int err = lg_tool_new(e, name, "a function of the host", false, tag, out);
    lg__party_use(e, before);
    if (err)
        return err;
    gone = (*out)->gone;
    (*out)->gone = NULL; /* nobody keeps anything for it */
    lg__gone_free(&e->graph, gone);
    (*out)->function = (lg_function){.is = true, .script = s, .fn = fn, .ud = ud};
    return LG_OK;
}
