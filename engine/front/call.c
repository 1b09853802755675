/* call.c - a model call on its way: from a node whose inputs have settled to a
 * request, and from the request's end back to all nodes that wait for it.
 *
 * Before anything is bought the store, a call that already waits for the same, and the
 * way that an earlier run took are looked at. */
#include <stdio.h>
#include <string.h>

#include "front/front_internal.h"
#include "base/media.h"
#include "model/provider.h"

static void fail_node(lg_engine *e, lg_node *n, const lg_fail *why)
{
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    lg__fail_copy(&f, why);
    lg_bytes b;
    lg__bytes_init(&b, &e->mem, LG_BYTES_MAX);
    lg__bytes_addf(&b, "%s: %s", lg__var_describe(n->out, who, sizeof who), lg__fail_message(why));
    lg__fail_lead(&f, lg__text_of(&b));
    lg__var_fail(n->out, why->code, &f);
    lg__fail_free(&f);
}

void lg__call_fail_code(lg_engine *e, lg_node *n, int code)
{
    lg_fail f;
    lg__fail_init(&f);
    f.code = code;
    fail_node(e, n, &f);
}

static void settle_call(lg_engine *e, lg_node *n, const lg_request *r)
{
    lg_call_data *c = n->u.call;
    const lg_reply *reply = &r->reply;
    c->request = NULL;
    if (r->state != LG_REQ_DONE) {
        if (!lg__fallback_take(e, n, &reply->fail))
            fail_node(e, n, &reply->fail);
        return;
    }
    if (e->store && c->purpose && r->row && !r->unfit)
        lg__store_note_purpose(e->store, c->purpose, r->row);

    c->has_usage = reply->has_usage;
    c->usage = reply->usage;
    memcpy(c->finish_reason, reply->finish_reason, sizeof c->finish_reason);
    lg__text_unref(c->thinking);
    c->thinking = lg__text_ref(reply->thinking);
    c->restart = c->restart || (c->streamed > 0 && c->begin == 0 && reply->parted);
    const char *name = lg__finish_name(reply->finish);
    if (reply->finish != LG_FINISH_UNKNOWN)
        snprintf(c->finish_reason, sizeof c->finish_reason, "%s", name);
    if (!c->stream) {
        lg__var_ready(n->out, lg__text_ref(reply->text)); /* n may be gone */
        return;
    }
    lg_var *out = lg_var_ref(n->out);
    lg__var_ready(out, lg__text_ref(reply->text));
    lg__stream_settled(n);
    lg_var_unref(out);
}

static void settle_waiters(lg_engine *e, lg_request *r)
{
    lg_node *list = r->waiters, *in_order = NULL;
    r->waiters = NULL;
    while (list) {
        lg_node *next = list->u.call->next_waiting;
        list->u.call->next_waiting = in_order;
        in_order = list;
        list = next;
    }
    while (in_order) {
        lg_node *n = in_order;
        in_order = n->u.call->next_waiting;
        n->u.call->next_waiting = NULL;
        if (n->done) /* cancelled, and about to leave */
            n->u.call->request = NULL;
        else
            settle_call(e, n, r);
    }
}

/* A request drops its model's count without freeing it, so it is held meanwhile. */
void lg__call_complete(lg_engine *e, lg_request *r)
{
    lg_model *m = lg_model_ref(r->model);
    settle_waiters(e, r);
    lg__sched_release(e->sched, r);
    lg_model_unref(m);
}

static void cancel_waiters(lg_request *r)
{
    lg_node *n = r->waiters;
    while (n) {
        lg_node *next = n->u.call->next_waiting; /* cancelling takes none off this list */
        lg_var_cancel(n->out);
        n = next;
    }
}

void lg__call_attempted(lg_engine *e, lg_request *r, int state)
{
    if (state == LG_REQ_DONE || state == LG_REQ_FAILED)
        lg__call_complete(e, r);
    else if (e->draining) /* it would be bought once more */
        cancel_waiters(r);
}

/* roles and texts of a node's edges; small calls need no allocation */
enum { FEW = 8 };

/* The role of an edge in the request; NULL: it is not in it. */
static const char *role_of(const lg_edge *e)
{
    if (strcmp(e->name->data, LG_SHOWN) != 0)
        return e->name->data;
    return e->seen->media > LG_MEDIA_CALLS ? LG_PART : NULL;
}

static int make_request(lg_engine *e, lg_node *n, lg_request **out)
{
    const char *few_roles[FEW], **roles = few_roles;
    lg_text *few_texts[FEW], **texts = few_texts;
    size_t edges = n->n_edges, parts = 0;
    lg_call_data *c = n->u.call;
    if (edges > FEW) {
        roles = lg__mem_new(&e->mem, edges * sizeof *roles);
        texts = lg__mem_new(&e->mem, edges * sizeof *texts);
    }
    int err = roles && texts ? LG_OK : LG_ENOMEM;
    for (size_t i = 0; !err && i < edges; i++) {
        roles[parts] = role_of(&n->edges[i]);
        texts[parts] = n->edges[i].seen;
        parts += roles[parts] ? 1 : 0;
    }
    if (!err) {
        err = lg__request_new(&e->mem, ++e->last_request, lg__fallback_model(c), roles, texts,
                              parts, c->options, c->n_options, c->sample, c->kind, out);
    }
    if (edges > FEW) {
        lg__mem_free(&e->mem, roles, edges * sizeof *roles);
        lg__mem_free(&e->mem, texts, edges * sizeof *texts);
    }
    return err;
}

/* The store has answered. n may be gone behind it. */
static void serve(lg_engine *e, lg_node *n, lg_request *r)
{
    LG_TRACE(&e->log, "request %llu %s: new -> served (by the store)", (unsigned long long)r->id,
             r->model->name);
    r->state = LG_REQ_DONE;
    e->served++;
    settle_call(e, n, r);
}

/* A call that the store answers costs nothing. 1: it did; 0: it is to be bought; LG_E…:
 * it must not be. */
static int ask_store(lg_engine *e, lg_node *n, lg_request *r)
{
    bool fresh = r->model->fresh && !e->replay_only;
    if (!e->store || !r->model->provider || fresh || lg__sched_shares(e->sched, r))
        return 0;
    int found = lg__store_find(e->store, r);
    if (found == 1) {
        serve(e, n, r);
        return 1;
    }
    if (found == 0 && e->replay_only)
        return LG_ENOTFOUND;
    if (found == 0 && e->fail_ambiguous)
        found = lg__store_is_ambiguous(e->store, r->key) == 1 ? LG_EAMBIGUOUS : 0;
    return found;
}

static void fail_unbought(lg_engine *e, lg_node *n, int code)
{
    lg_fail f;
    lg__fail_init(&f);
    if (code == LG_ENOTFOUND) {
        lg__fail_set(&f, &e->mem, code, "it is not in the store %s, and nothing is to be bought",
                     lg__store_dir(e->store));
    } else if (code == LG_EAMBIGUOUS) {
        lg__fail_set(&f, &e->mem, code, "an earlier run had sent it, and may have paid for it");
    } else {
        lg__fail_copy(&f, lg__store_why(e->store));
    }
    f.code = code;
    fail_node(e, n, &f);
    lg__fail_free(&f);
}

/* The request drops its model's count without freeing it. */
static void free_request(lg_engine *e, lg_request *r)
{
    lg_model *m = lg_model_ref(r->model);
    lg__request_free(&e->mem, r);
    lg_model_unref(m);
}

/* An earlier run got this answer from a fallback, and the store has it. */
static bool serve_fallback(lg_engine *e, lg_node *n, const lg_request *first)
{
    lg_call_data *c = n->u.call;
    lg_request *r;
    if (c->rank > 0 || !c->model->n_fallbacks)
        return false;
    memcpy(c->first_key, first->key, sizeof c->first_key);
    if (c->model->fresh && !e->replay_only)
        return false;
    c->rank = lg__fallback_decided(e, c, first);
    bool served = false;
    if (c->rank > 0 && !make_request(e, n, &r)) {
        /* one that is under way may be stored, and not yet on the disk */
        served = !lg__sched_shares(e->sched, r) && lg__store_find(e->store, r) == 1;
        if (served)
            serve(e, n, r);

        free_request(e, r);
    }
    if (!served)
        c->rank = 0;
    return served;
}

static void submit(lg_engine *e, lg_node *n)
{
    lg_request *r, *wanted;
    if (e->draining) {
        lg__call_fail_code(e, n, LG_ECANCELLED);
        return;
    }
    lg__fallback_remember(e, n->u.call);
    int err = make_request(e, n, &r);
    if (err) {
        lg__call_fail_code(e, n, err);
        return;
    }
    if (serve_fallback(e, n, r)) {
        free_request(e, r);
        return;
    }
    int answered = ask_store(e, n, r);
    if (answered) {
        free_request(e, r);
        if (answered < 0)
            fail_unbought(e, n, answered);
        return;
    }
    if (lg__fallback_pass(e, n)) {
        free_request(e, r);
        return;
    }
    r->stream = (n->u.call->stream || r->model->stop_repetition) && r->model->provider &&
                r->model->provider->hear_event;
    wanted = lg__sched_submit(e->sched, r);
    if (!wanted) {
        lg__request_free(&e->mem, r);
        lg__call_fail_code(e, n, LG_ENOMEM);
        return;
    }
    lg__turn_recall_width(e, wanted);
    if (wanted->state == LG_REQ_DONE && !wanted->listed) { /* kept from before */
        settle_call(e, n, wanted);
        return;
    }
    n->u.call->request = wanted;
    n->u.call->next_waiting = wanted->waiters;
    wanted->waiters = n;
}

void lg__call_submit(lg_engine *e, int most)
{
    lg_node *n;
    while (most-- > 0 && (n = lg__nodes_pop(&e->graph.calls))) {
        if (n->done)
            lg_var_unref(n->out);
        else
            submit(e, n);
        if (lg__engine_is_late(e))
            break;
    }
    if (e->store)
        lg__store_end_reading(e->store);
}
