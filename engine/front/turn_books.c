/* turn_books.c - attempts from the moment they are made until the store has them.
 *
 * Every attempt is made here before it may leave. Where its end is kept, it is listed for the
 * turn's transaction twice: before it leaves and when it has ended (turn_commit.c). */
#include <string.h>

#include "front/front_internal.h"

/* ---- lists ------------------------------------------------------------------------- */

void lg__entries_push(lg_entries *l, lg_entry *one)
{
    LG_QUEUE_PUSH(l, one, next_listed);
}

lg_entry *lg__entries_pop(lg_entries *l)
{
    lg_entry *one;
    LG_QUEUE_POP(l, one, next_listed);
    return one;
}

lg_entries lg__entries_take(lg_entries *l)
{
    lg_entries all = *l;
    *l = (lg_entries){NULL, NULL, 0};
    return all;
}

/* ---- made and freed -------------------------------------------------------------- */

lg_entry *lg__entry_of(lg_attempt *a)
{
    return LG_OF(a, lg_entry, attempt);
}

lg_attempt *lg__entry_new(lg_engine *e, lg_request *r)
{
    lg_entry *one = lg__mem_zero(&e->mem, sizeof *one);
    if (!one)
        return NULL;

    lg__attempt_init(&one->attempt, &e->mem, e->max_reply_bytes);
    one->attempt.request = r;
    r->attempt = &one->attempt;
    memcpy(one->key, r->key, sizeof one->key);
    one->number = r->attempts;
    one->kept = e->store && r->model->provider;
    e->turn.entries += one->kept ? 1 : 0;
    one->next = e->turn.under_way;
    if (one->next)
        one->next->prev = one;

    e->turn.under_way = one;
    return &one->attempt;
}

lg_entry *lg__entry_take(lg_engine *e, lg_request *r)
{
    lg_entry *one = r->attempt ? lg__entry_of(r->attempt) : NULL;
    r->attempt = NULL;
    if (one) {
        *(one->prev ? &one->prev->next : &e->turn.under_way) = one->next;
        if (one->next)
            one->next->prev = one->prev;

        one->prev = one->next = NULL;
    }
    return one;
}

void lg__entry_free(lg_engine *e, lg_entry *one)
{
    if (one) {
        e->turn.entries -= one->kept ? 1 : 0;
        lg__attempt_free(&one->attempt);
        lg__mem_free(&e->mem, one, sizeof *one);
    }
}

/* What is still on the wire, or with the host: nobody waits any more. */
void lg__entries_free(lg_engine *e)
{
    while (e->turn.under_way) {
        lg_entry *one = e->turn.under_way;
        e->turn.under_way = one->next;
        lg__entry_free(e, one);
    }
}

/* ---- before it leaves ------------------------------------------------------------ */

static void list_entry(lg_entries *l, lg_entry *one)
{
    one->attempt.request->listed++;
    lg__entries_push(l, one);
}

void lg__turn_pick(lg_engine *e, lg_attempt *a)
{
    list_entry(&e->turn.picked, lg__entry_of(a));
}

bool lg__turn_takes(const lg_engine *e)
{
    return !lg__store_broken(e->store) && !lg__store_full(e->store);
}

/* ---- its end --------------------------------------------------------------------- */

/* Servers and proxies that fail may say back what they heard. What a model answers stays
 * as it is. */
static void hide_key(const lg_model *m, lg_attempt *a, bool good)
{
    lg__model_redact(m, a->content_type, strlen(a->content_type));
    lg__model_redact(m, a->request_id, strlen(a->request_id));
    if (!good && a->body.data)
        lg__model_redact(m, a->body.data, a->body.len);
}

lg_entry *lg__turn_ended(lg_engine *e, lg_request *r)
{
    lg_entry *one = lg__entry_take(e, r);
    lg_attempt *a = &one->attempt;
    const lg_model *m = r->model;
    one->latency_us = lg__clock_now(&e->clock) - r->sent_us;
    r->listed++;
    lg__sched_finish(e->sched, a);
    if (one->kept) {
        lg__entries_push(&e->turn.ended, one);
        hide_key(m, a, a->said.code == LG_OK);
        return NULL;
    }
    return one;
}

void lg__turn_lost(lg_engine *e, lg_request *twin)
{
    lg_entry *one = lg__entry_take(e, twin);
    const lg_model *m = twin->model; /* the first attempt counts it, too */
    one->latency_us = lg__clock_now(&e->clock) - twin->sent_us;
    lg__sched_lose(e->sched, &one->attempt);
    if (one->kept) {
        hide_key(m, &one->attempt, false);
        lg__entries_push(&e->turn.ended, one);
    } else {
        lg__entry_free(e, one);
    }
}

/* Sent, and nobody waits any more: it may be paid for all the same. */
void lg__turn_cancelled(lg_engine *e, lg_request *r)
{
    lg_entry *one = lg__entry_take(e, r);
    if (!one || !one->kept) {
        lg__entry_free(e, one);
        return;
    }
    lg_attempt *a = &one->attempt;
    lg__bytes_free(&a->body); /* it is no whole one */
    a->status = 0;
    a->content_type[0] = a->request_id[0] = '\0';
    a->request = NULL;
    lg__fail_set(&a->said, &e->mem, LG_ECANCELLED, "cancelled while it was in flight");
    a->said.ambiguous = true;
    lg__entries_push(&e->turn.ended, one);
}
