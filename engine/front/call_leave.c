/* call_leave.c - what is not wanted any more: calls leave their requests, requests the wire. */
#include "front/front_internal.h"

void lg__call_leave(lg_engine *e, lg_request *r)
{
    lg_attempt *a = r->attempt;
    lg__stream_ended(e, r);
    if (r->twin)
        lg__hedge_cancel(e, r);

    if (a && !a->load)
        return; /* it could not begin, and waits in unstarted: it ends there, for nobody */

    if (a)
        a->carrier->cancel(e, a);

    lg__turn_cancelled(e, r);
    lg_model *m = lg_model_ref(r->model);
    lg__sched_cancel(e->sched, r);
    lg_model_unref(m);
}

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
    if (!r->waiters && !r->listed)
        lg__call_leave(e, r);
}

static void let_go(lg_engine *e, lg_node *n)
{
    if (n->out->op == LG_OP_CALL)
        leave_request(e, n);
    else if (n->out->op == LG_OP_TIMER)
        lg__timer_drop(e, n);
    else if (n->out->op == LG_OP_SANDBOX)
        lg__sandbox_drop(n);
    else if (n->out->op == LG_OP_COMMAND)
        lg__command_left(e, n);
    else if (n->out->op == LG_OP_TALK)
        lg__talk_left(n);
    else if (n->work)
        lg__work_abandon(e, n->work);
    lg_var_unref(n->out);
}

/* A connection is closed, a process is killed: not while the host asks for an event. */
static bool takes_time(const lg_node *n)
{
    const lg_request *r;
    switch (n->out->op) {
    case LG_OP_CALL:
        r = n->u.call->request; /* which nobody else wants, and which is on the wire */
        return r && r->waiters == n && !n->u.call->next_waiting && !r->listed && r->attempt &&
               r->attempt->load && r->model->provider;
    case LG_OP_SANDBOX:
    case LG_OP_COMMAND:
    case LG_OP_TALK:
        return true;
    default:
        return false;
    }
}

void lg__call_drop_cancelled(lg_engine *e)
{
    lg_node *n;
    while ((n = lg__nodes_pop(&e->graph.dropped))) {
        if (takes_time(n))
            lg__nodes_push(&e->leaving, n);
        else
            let_go(e, n);
    }
}

void lg__call_drop_leaving(lg_engine *e, bool all)
{
    lg_node *n;
    lg__call_drop_cancelled(e);
    while ((n = lg__nodes_pop(&e->leaving))) {
        let_go(e, n);
        if (!all && lg__engine_is_late(e))
            break;
    }
}

static bool is_unsent_call(const lg_var *v)
{
    if (v->state != LG_PENDING || v->op != LG_OP_CALL || !v->node)
        return false;
    const lg_request *r = v->node->u.call->request;
    return r && (r->state == LG_REQ_QUEUED || r->state == LG_REQ_BACKOFF ||
                 (r->state == LG_REQ_SENT && !(r->attempt && r->attempt->load)));
}

static bool is_pending(const lg_var *v)
{
    return v->state == LG_PENDING;
}

/* Cancelling may free neighbours, so the next one is held before this is let go. */
static void cancel_those(lg_engine *e, bool (*wanted)(const lg_var *))
{
    lg_var *v = lg_var_ref(lg__vars_first(&e->graph));
    while (v) {
        if (wanted(v))
            lg_var_cancel(v);
        lg_var *next = lg_var_ref(lg__vars_after(v));
        lg_var_unref(v);
        v = next;
    }
}

void lg__call_cancel_all(lg_party *p)
{
    lg_var *v = lg_var_ref(p->vars);
    while (v) {
        if (is_pending(v))
            lg_var_cancel(v);
        lg_var *next = lg_var_ref(v->next);
        lg_var_unref(v);
        v = next;
    }
}

void lg_engine_drain(lg_engine *e, bool drain)
{
    LG_GUARD(e->door);
    e->draining = drain;
    if (drain)
        cancel_those(e, is_unsent_call);
    lg__engine_touch(e);
}

void lg_engine_cancel(lg_engine *e)
{
    LG_GUARD(e->door);
    cancel_those(e, is_pending);
    lg__engine_touch(e);
}
