/* host_timer.c - variables that become ready when a time has come.
 *
 * By time, then by order of creation, so that what falls due together does so in the order
 * in which it was asked for. The clock is the engine's, no descriptor and no libuv timer is
 * taken: engine.c asks for the first time due as it does for retries. */
#include <string.h>

#include "front/front_internal.h"

struct lg_timer {
    lg_due due;
    lg_node *node; /* not counted: a pending variable is the graph's */
};

/* NULL: no memory. */
static lg_timer *make_timer(lg_engine *e)
{
    lg_timers *t = &e->timers;
    return lg__heap_reserve(&t->due, &e->mem, t->due.n + 1)
               ? NULL
               : lg__mem_zero(&e->mem, sizeof(lg_timer));
}

/* The text of all timers that are over: made before the first, so that ending one never
 * asks for memory. */
static int make_text(lg_engine *e)
{
    if (!e->timers.text)
        e->timers.text = lg__text_new(&e->mem, "", 0);
    return e->timers.text ? LG_OK : LG_ENOMEM;
}

int lg_timer_new(lg_engine *e, int64_t after_us, const char *role, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    if (!out)
        return lg__engine_null(e);
    if (role && lg_utf8_check(role, strlen(role)) >= 0)
        return lg__engine_error(e, LG_EUTF8, "the role is not UTF-8");
    lg_timer *t = make_timer(e);
    int err = t ? make_text(e) : LG_ENOMEM;
    if (!err)
        err = lg__node_new(&e->graph, LG_OP_TIMER, 0, role ? role : "timer", &v);
    if (err) {
        lg__mem_free(&e->mem, t, sizeof *t);
        return lg__engine_error(e, err, "cannot make a timer: %s", lg_error_text(err));
    }
    int64_t now = lg__clock_now(&e->clock), after = after_us > 0 ? after_us : 0;
    int64_t left = now < LG_CLOCK_END ? LG_CLOCK_END - now : 0;
    t->due = (lg_due){.us = now + (after < left ? after : left), .number = v->id};
    t->node = v->node;
    v->node->u.timer = t;
    lg__node_hold(v->node);
    lg__heap_put(&e->timers.due, &t->due);
    lg__engine_touch(e);
    *out = v;
    return LG_OK;
}

void lg__timer_drop(lg_engine *e, lg_node *n)
{
    lg_timer *t = n->u.timer;
    if (!t)
        return;
    n->u.timer = NULL;
    lg__heap_take(&e->timers.due, &t->due);
    lg__mem_free(&e->mem, t, sizeof *t);
}

int64_t lg__timers_due(const lg_engine *e)
{
    const lg_due *first = lg__heap_first(&e->timers.due);
    return first ? first->us : INT64_MAX;
}

/* What a cancelled one leaves behind is dropped before this is called. */
void lg__timers_fire(lg_engine *e)
{
    if (!e->timers.due.n)
        return;
    int64_t now = lg__clock_now(&e->clock);
    while (lg__timers_due(e) <= now) {
        lg_node *n = LG_OF(lg__heap_first(&e->timers.due), lg_timer, due)->node;
        lg__timer_drop(e, n);
        if (!n->done)
            lg__var_ready(n->out, lg__text_ref(e->timers.text));
    }
}

void lg__timers_free(lg_engine *e)
{
    for (size_t i = 0; i < e->timers.due.n; i++) {
        lg_timer *t = LG_OF(e->timers.due.all[i], lg_timer, due);
        t->node->u.timer = NULL;
        lg__mem_free(&e->mem, t, sizeof *t);
    }
    lg__heap_free(&e->timers.due, &e->mem);
    lg__text_unref(e->timers.text);
    e->timers = (lg_timers){.text = NULL};
}
