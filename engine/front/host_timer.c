/* host_timer.c - variables that become ready when a time has come.
 *
 * A heap by time, then by order of creation, so that what falls due together does so in
 * the order in which it was asked for. Where a timer stands in the heap is kept in its
 * node (work: place + 1; 0: nowhere), so that a cancelled one leaves at once. The clock
 * is the engine's, no descriptor and no libuv timer is taken: engine.c asks for the first
 * time due as it does for retries. */
#include <string.h>

#include "front/front_internal.h"

struct lg_timer {
    int64_t due_us;
    lg_node *node; /* not counted: a pending variable is the graph's */
};

static bool is_before(const lg_timer *a, const lg_timer *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    return a->node->out->id < b->node->out->id;
}

static void put(lg_timers *h, size_t at, lg_timer t)
{
    h->heap[at] = t;
    t.node->work = at + 1;
}

static void move_up(lg_timers *h, size_t at, lg_timer t)
{
    for (; at > 0 && is_before(&t, &h->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(h, at, h->heap[(at - 1) / 2]);
    put(h, at, t);
}

static void move_down(lg_timers *h, size_t at, lg_timer t)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < h->n && is_before(&h->heap[child + 1], &h->heap[child]))
            child++;
        if (child >= h->n || !is_before(&h->heap[child], &t))
            break;
        put(h, at, h->heap[child]);
        at = child;
    }
    put(h, at, t);
}

static int make_room(lg_engine *e)
{
    lg_timers *h = &e->timers;
    if (h->n < h->cap)
        return LG_OK;
    size_t cap = h->cap ? h->cap * 2 : 16;
    lg_timer *grown = lg__mem_grow(&e->mem, h->heap, h->cap * sizeof *grown, cap * sizeof *grown);
    if (!grown)
        return LG_ENOMEM;
    h->heap = grown;
    h->cap = cap;
    return LG_OK;
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
    lg_var *v = NULL;
    if (!out)
        return lg__engine_null(e);
    if (role && lg_utf8_check(role, strlen(role)) >= 0)
        return lg__engine_error(e, LG_EUTF8, "the role is not UTF-8");
    int err = make_text(e);
    if (!err)
        err = make_room(e);
    if (!err)
        err = lg__node_new(&e->graph, LG_OP_TIMER, 0, role ? role : "timer", &v);
    if (err)
        return lg__engine_error(e, err, "cannot make a timer: %s", lg_error_text(err));
    int64_t now = lg__clock_now(&e->clock), after = after_us > 0 ? after_us : 0;
    int64_t left = now < LG_CLOCK_END ? LG_CLOCK_END - now : 0;
    int64_t due = now + (after < left ? after : left);
    lg__node_hold(v->node);
    move_up(&e->timers, e->timers.n++, (lg_timer){due, v->node});
    lg__engine_touch(e);
    *out = v;
    return LG_OK;
}

void lg__timer_drop(lg_engine *e, lg_node *n)
{
    lg_timers *h = &e->timers;
    size_t at = (size_t)n->work;
    if (!at--)
        return;
    n->work = 0;
    lg_timer last = h->heap[--h->n];
    if (last.node == n)
        return;
    if (at > 0 && is_before(&last, &h->heap[(at - 1) / 2]))
        move_up(h, at, last);
    else
        move_down(h, at, last);
}

int64_t lg__timers_due(const lg_engine *e)
{
    return e->timers.n ? e->timers.heap[0].due_us : INT64_MAX;
}

/* What a cancelled one leaves behind is dropped before this is called. */
void lg__timers_fire(lg_engine *e)
{
    if (!e->timers.n)
        return;
    int64_t now = lg__clock_now(&e->clock);
    while (lg__timers_due(e) <= now) {
        lg_node *n = e->timers.heap[0].node;
        lg__timer_drop(e, n);
        if (!n->done)
            lg__var_ready(n->out, lg__text_ref(e->timers.text));
    }
}

void lg__timers_free(lg_engine *e)
{
    lg__text_unref(e->timers.text);
    lg__mem_free(&e->mem, e->timers.heap, e->timers.cap * sizeof *e->timers.heap);
    e->timers = (lg_timers){0};
}
