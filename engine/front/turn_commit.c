/* turn_commit.c - the engine's dealings with its store, a turn of the loop at a time.
 *
 * Three lists wait for the turn's transaction: attempts that ended, requests about to be
 * sent, results of tools. When it is committed (and, if the engine is durable, on the
 * disk) waiters hear of the replies, requests leave, tools' variables are ready: nothing
 * is sent before its intent is stored, and nothing sees a reply before that is.
 * While another process holds the store's lock all three lists wait. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "front/front_internal.h"

#include "base/check.h"

enum { RETRY_MS = 2, GROUP_MS = 110, LOOK_MS = 200 };

static lg_outcome *pop_outcome(lg_outcomes *l)
{
    lg_outcome *one;
    LG_QUEUE_POP(l, one, next);
    return one;
}

static lg_outcomes take_outcomes(lg_outcomes *l)
{
    lg_outcomes all = *l;
    *l = (lg_outcomes){NULL, NULL, 0};
    return all;
}

static void free_outcome(lg_engine *e, lg_outcome *o)
{
    lg__text_unref(o->text);
    lg__text_unref(o->version);
    lg__mem_free(&e->mem, o, sizeof *o);
}

/* ---- a turn -------------------------------------------------------------------------- */

/* A request drops its model's count without freeing it. */
static void withdraw(lg_engine *e, lg_request *r)
{
    lg_model *m = lg_model_ref(r->model);
    lg__sched_withdraw(e->sched, r);
    lg_model_unref(m);
}

/* What was about to be sent is not. */
static void leave_out(lg_engine *e, lg_request *r)
{
    r->listed--;
    lg__entry_free(e, lg__entry_take(e, r));
    withdraw(e, r);
}

/* Whether anybody wants what is about to be sent. A twin is wanted as long as the first
 * attempt is under way. */
static bool is_wanted(const lg_engine *e, const lg_request *r)
{
    return r->waiters || (r->twin && !e->draining);
}

static void drop_unwanted(lg_engine *e)
{
    lg_entries all = lg__entries_take(&e->turn.picked);
    lg_entry *one;
    while ((one = lg__entries_pop(&all))) {
        lg_request *r = one->attempt.request;
        if (is_wanted(e, r) || r->listed > 1)
            lg__entries_push(&e->turn.picked, one);
        else
            leave_out(e, r);
    }
}

static int write_entry(lg_engine *e, lg_entry *one)
{
    lg_bought b = {one->key, one->number, one->latency_us, &one->attempt};
    lg_request *r = one->attempt.request;
    bool good = r && one->attempt.said.code == LG_OK && r->state == LG_REQ_DONE;
    return good ? lg__store_put_reply(e->store, r, &b) : lg__store_put_attempt(e->store, &b);
}

/* Another process may have bought the same since it was looked for. */
static int write_intent(lg_engine *e, lg_entry *one)
{
    lg_request *r = one->attempt.request;
    /* A twin's first attempt is on the wire: that was looked for. */
    if (r->is_twin || r->model->fresh) {
        one->intended = true;
        return lg__store_intend(e->store, r);
    }
    if (lg__store_is_stale(e->store, r)) {
        int found = lg__store_find(e->store, r);
        one->serve = found == 1;
        if (found != 0)
            return found < 0 ? found : LG_OK;
    }
    int elsewhere = lg__store_is_elsewhere(e->store, r->key);
    one->elsewhere = elsewhere == 1;
    if (elsewhere != 0)
        return elsewhere < 0 ? elsewhere : LG_OK;

    one->intended = true;
    return lg__store_intend(e->store, r);
}

static int write_outcome(lg_engine *e, const lg_outcome *o)
{
    const lg_tool *t = o->out->node->u.tool;
    lg_result result = {
        .key = o->key,
        .name = t->name->data,
        .version = o->version->data,
        .text = o->text->data,
        .len = o->text->len,
        .media = o->text->media,
        .has_score = o->has_score,
        .score = o->score,
        .target = o->target,
    };
    return lg__store_put_result(e->store, &result);
}

/* As the store's columns can hold. */
static void grow(uint64_t *sum, int64_t by)
{
    uint64_t all = *sum + (uint64_t)(by > 0 ? by : 0);
    *sum = all < INT64_MAX ? all : INT64_MAX;
}

void lg__turn_count(lg_engine *e)
{
    lg_stats s = {.size = sizeof s};
    lg__sched_stats(e->sched, &s);
    const lg_stats *b = &e->turn.base;
    uint64_t bought = s.calls + s.useless - b->calls - b->useless;
    lg_totals t = {bought, e->served - b->served, 0, 0, s.micros - b->micros};
    for (int k = 0; k < LG_KINDS; k++) {
        grow(&t.tokens_in, s.usage[k].input - b->usage[k].input);
        grow(&t.tokens_out, s.usage[k].output - b->usage[k].output);
    }
    lg__store_totals(e->store, &t);
}

static void move(lg_batch *to, lg_batch *from)
{
    to->commit = from->commit;
    to->ended = lg__entries_take(&from->ended);
    to->picked = lg__entries_take(&from->picked);
    to->results = take_outcomes(&from->results);
}

/* What is written is nobody else's meanwhile. room: for the replies to so many calls. */
static int write_batch(lg_engine *e, const lg_batch *t, size_t calls)
{
    int err = LG_OK;
    for (lg_entry *at = t->ended.head; !err && at; at = at->next_listed)
        err = write_entry(e, at);

    bool room = t->picked.head && !lg__store_room(e->store, calls);
    for (lg_entry *at = t->picked.head; !err && room && at; at = at->next_listed)
        err = write_intent(e, at);

    for (lg_outcome *at = t->results.head; !err && at; at = at->next)
        err = write_outcome(e, at);

    return err;
}

/* A transaction that was begun: all of it. Those who look in meanwhile may bring more for the
 * next; what is in this one stands in e->writing. */
static int write_turn(lg_engine *e)
{
    /* Intents that are on their way to the disk are promised for, too. */
    size_t calls = e->turn.entries - e->synced.ended.n - e->next.ended.n;
    move(&e->writing, &e->turn);
    int depth = lg__door_pause(e->door);
    int err = write_batch(e, &e->writing, calls);
    lg__door_resume(e->door, depth);
    if (err) {
        lg__store_rollback(e->store);
        return err;
    }
    lg__turn_count(e);
    lg__turn_note_width(e);
    depth = lg__door_pause(e->door);
    err = lg__store_commit(e->store);
    lg__door_resume(e->door, depth);
    return err;
}

/* ---- after it ------------------------------------------------------------------------ */

void lg__turn_let_go(lg_engine *e, lg_entry *one)
{
    lg_request *r = one->attempt.request;
    lg__entry_free(e, one);
    if (!r || --r->listed > 0)
        return;

    bool over = r->state == LG_REQ_DONE || r->state == LG_REQ_FAILED;
    if (over || r->waiters)
        lg__call_attempted(e, r, r->state);
    else
        lg__call_leave(e, r);
}

static void release_picked(lg_engine *e, lg_entry *one)
{
    lg_request *r = one->attempt.request;
    if (one->elsewhere) {
        one->elsewhere = false;
        lg__entries_push(&e->turn.waiting, one);
        lg__alarm_set(e->turn.look, LOOK_MS);
        return;
    }
    if (r->is_twin && !one->intended) {
        leave_out(e, r);
        return;
    }
    r->listed--;
    if (one->serve) {
        lg__entry_free(e, lg__entry_take(e, r));
        e->served++;
        lg__sched_serve(e->sched, r);
        lg__call_attempted(e, r, LG_REQ_DONE);
    } else if (!one->intended) { /* no room for its reply */
        lg__entry_free(e, lg__entry_take(e, r));
        lg__call_refuse(e, r, LG_ESTORE, lg__fail_message(lg__store_why(e->store)));
    } else if (!is_wanted(e, r) && !r->listed) {
        lg__entry_take(e, r); /* its intent is there, and how it ended is noted, too */
        one->attempt.request = NULL;
        lg__fail_set(&one->attempt.said, &e->mem, LG_ECANCELLED, "cancelled before it was sent");
        lg__entries_push(&e->turn.ended, one);
        withdraw(e, r);
    } else {
        lg__call_send(e, r->attempt);
    }
}

void lg__turn_send(lg_engine *e)
{
    lg_entry *one;
    while ((one = lg__entries_pop(&e->turn.stored))) {
        release_picked(e, one);
        if (lg__engine_is_late(e))
            break;
    }
}

static void release_outcome(lg_engine *e, lg_outcome *o)
{
    lg_var *v = o->out;
    if (v->state == LG_PENDING) {
        if (o->has_score)
            lg_var_set_score(v, o->score, o->target);

        lg__var_ready(v, lg__text_ref(o->text));
    }
    lg_var_unref(v);
    free_outcome(e, o);
}

static void release(lg_engine *e, lg_batch *t)
{
    lg_entry *one;
    lg_outcome *o;
    lg_entries ended = lg__entries_take(&t->ended), picked = lg__entries_take(&t->picked);
    lg_outcomes results = take_outcomes(&t->results);
    while ((one = lg__entries_pop(&ended))) {
        lg__turn_let_go(e, one);
        lg__door_breathe(e->door);
    }

    if (e->draining)
        lg__call_drop_leaving(e, true); /* what would be asked again */

    while ((one = lg__entries_pop(&picked)))
        lg__entries_push(&e->turn.stored, one);
    lg__turn_send(e);

    while ((o = pop_outcome(&results)))
        release_outcome(e, o);

    if (e->turn.kept)
        lg__kept_sweep(e);
}

/* The turn could not be stored: nobody may see what came, nothing may be sent. */
static void fail_ended(lg_engine *e, lg_entry *one)
{
    lg_request *r = one->attempt.request;
    const lg_fail *why = lg__store_why(e->store);
    if (r && r->state == LG_REQ_DONE) {
        lg__sched_spoil(e->sched, r);
        lg__fail_set(&r->reply.fail, &e->mem, LG_ESTORE,
                     "%s: the reply came and was paid for, but could not be stored: %s",
                     r->model->name, lg__fail_message(why));
        r->reply.fail.ambiguous = true;
        if (why->hint)
            lg__fail_hint(&r->reply.fail, &e->mem, "%s", why->hint->data);
    }
    lg__turn_let_go(e, one);
}

static void fail_picked(lg_engine *e, lg_entry *one)
{
    lg_request *r = one->attempt.request;
    if (r->is_twin) {
        leave_out(e, r);
        return;
    }
    r->listed--;
    lg__entry_free(e, lg__entry_take(e, one->attempt.request));
    lg__call_refuse(e, r, LG_ESTORE, lg__fail_message(lg__store_why(e->store)));
}

static void fail_outcome(lg_engine *e, lg_outcome *o)
{
    lg_fail f;
    if (o->out->state == LG_PENDING) {
        lg__fail_init(&f);
        lg__fail_copy(&f, lg__store_why(e->store));
        f.code = LG_ESTORE;
        lg__var_fail(o->out, LG_ESTORE, &f);
        lg__fail_free(&f);
    }
    lg_var_unref(o->out);
    free_outcome(e, o);
}

static void fail_turn(lg_engine *e, lg_batch *t)
{
    lg_entry *one;
    lg_outcome *o;
    lg_entries ended = lg__entries_take(&t->ended), picked = lg__entries_take(&t->picked);
    lg_outcomes results = take_outcomes(&t->results);
    const lg_fail *why = lg__store_why(e->store);
    lg__log_line(&e->log, LG_LOG_ERROR, "%s; nothing more is bought", lg__fail_message(why));
    while ((one = lg__entries_pop(&ended)))
        fail_ended(e, one);

    while ((one = lg__entries_pop(&picked)))
        fail_picked(e, one);

    while ((o = pop_outcome(&results)))
        fail_outcome(e, o);

    if (e->turn.kept)
        lg__kept_sweep(e); /* equal ones run on their own */
}

/* ---- when ------------------------------------------------------------------------------ */

static bool is_empty(const lg_engine *e)
{
    return !lg__batch_is_listed(&e->turn) && !lg__store_queued(e->store);
}

static void sync_group(void *ud)
{
    lg_engine *e = ud;
    e->turn.grouped = e->store && lg__store_tick(e->store);
    if (e->turn.grouped)
        lg__alarm_set(e->turn.group, GROUP_MS);
}

/* The step that runs this looks at what the disk has; what came behind is synced next. */
static void disk_answered(void *ud, int fd, int events)
{
    uint64_t n;
    lg_engine *e = ud;
    (void)events;
    while (read(fd, &n, sizeof n) > 0) {
    }
    if (e->store)
        lg__store_tick(e->store); /* for commits that nobody waits for */
}

/* A commit was written: its sync is watched for, or comes later. */
static void expect_sync(lg_engine *e, bool syncing)
{
    lg_batch *t = &e->turn;
    if (syncing) {
        if (!t->synced && lg__store_sync_fd(e->store) >= 0 &&
            !lg__watch_new(e->loop, lg__store_sync_fd(e->store), disk_answered, e, &t->synced))
            lg__watch_set(t->synced, LG_READ);

        if (!t->synced)
            lg__alarm_set(t->alarm, RETRY_MS); /* look again then */

    } else if (!t->grouped) {
        t->grouped = true;
        lg__alarm_set(t->group, GROUP_MS);
    }
}

/* Set again, if what it is for has still not come. */
static void try_later(void *ud)
{
    lg_engine *e = ud;
    e->turn.alarmed = false; /* the step that runs this flushes */
    if (!e->turn.synced && e->store && lg__store_is_durable(e->store) && lg__store_tick(e->store))
        lg__alarm_set(e->turn.alarm, RETRY_MS);
}

/* Has the other process its reply by now? The step that runs this flushes. */
static void look_again(void *ud)
{
    lg_engine *e = ud;
    lg_entry *one;
    while ((one = lg__entries_pop(&e->turn.waiting)))
        lg__entries_push(&e->turn.picked, one);
}

/* Without a run of the host's, what is bought belongs to one of its own. */
static int begin_own_run(lg_engine *e)
{
    if (lg__store_run(e->store) || (!e->turn.picked.head && !e->turn.results.head))
        return LG_OK;

    int depth = lg__door_pause(e->door);
    int err = lg__store_run_begin(e->store, NULL, NULL);
    lg__door_resume(e->door, depth);
    return err;
}

/* Of the disk's answers. To ask is also to have the next sync begin, which goes on while
 * those who waited for the last one do their work. */
static void settle_synced(lg_engine *e)
{
    while (lg__batch_is_listed(&e->synced) && lg__store_reached(e->store, e->synced.commit)) {
        lg_batch done = {.ended.head = NULL};
        move(&done, &e->synced);
        move(&e->synced, &e->next);
        if (lg__store_check_sync(e->store))
            fail_turn(e, &done);
        else
            release(e, &done);
    }
}

static void store_turn(lg_engine *e)
{
    int err = begin_own_run(e);
    if (!err) {
        int depth = lg__door_pause(e->door);
        err = lg__store_begin(e->store);
        lg__door_resume(e->door, depth);
    }
    if (err == LG_STORE_BUSY) {
        if (!e->turn.alarmed && e->turn.alarm) {
            e->turn.alarmed = true;
            lg__alarm_set(e->turn.alarm, RETRY_MS);
        }
        return;
    }
    if (err) { /* before anything was taken out of it */
        lg__store_give_up(e->store, err);
        fail_turn(e, &e->turn);
        return;
    }
    err = write_turn(e);
    if (err) {
        lg__store_give_up(e->store, err);
        fail_turn(e, &e->writing);
        return;
    }
    e->writing.commit = lg__store_committed(e->store);
    expect_sync(e, !lg__store_reached(e->store, e->writing.commit));
    if (lg__store_is_durable(e->store)) {
        move(lg__batch_is_listed(&e->synced) ? &e->next : &e->synced, &e->writing);
        settle_synced(e); /* the disk may have it, or have failed, by now */
    } else {
        release(e, &e->writing);
    }
}

static void write_now(lg_engine *e)
{
    lg_clock real = {.is_virtual = false};
    size_t n = lg__turn_size(e);
    int64_t began_us = e->until_us ? lg__clock_now(&real) : 0;
    store_turn(e);
    if (e->until_us && n > 0)
        lg__turn_note_cost(e, n, lg__clock_now(&real) - began_us);
}

void lg__turn_flush(lg_engine *e)
{
    if (!e->store)
        return;

    settle_synced(e);
    if (!lg__turn_may_write(e))
        return;

    drop_unwanted(e);
    if (!is_empty(e))
        write_now(e);
}

bool lg__turn_waits(const lg_engine *e)
{
    return e->store && (!is_empty(e) || e->turn.waiting.head || e->turn.elsewhere.head ||
                        lg__batch_is_listed(&e->synced));
}

/* While the store is locked, or its disk is slow, these are on no wire and in no line. */
size_t lg__turn_storing(const lg_engine *e)
{
    return e->turn.ended.n + e->turn.results.n + e->writing.ended.n + e->writing.results.n +
           e->synced.ended.n + e->synced.results.n + e->next.ended.n + e->next.results.n +
           e->turn.n_elsewhere;
}

/* ---- life ------------------------------------------------------------------------------ */

static void say_why(const lg_config *c, const lg_fail *why)
{
    if (c->why && c->why_size > 0) {
        snprintf(c->why, c->why_size, "%s%s%s%s", lg__fail_message(why), why->hint ? " (" : "",
                 why->hint ? why->hint->data : "", why->hint ? ")" : "");
    }
}

int lg__turn_open(lg_engine *e, const lg_config *c)
{
    lg_fail why;
    lg_store_config config = {.dir = c->store_dir, .durable = c->durable != 0};
    lg__keymap_init(&e->turn.kept_map, &e->mem);
    if (!c->store_dir)
        return LG_OK;

    int err = lg__store_open(&e->mem, &e->log, &config, &e->store, &why);
    if (err) {
        say_why(c, &why);
        lg__log_line(&e->log, LG_LOG_ERROR, "%s", lg__fail_message(&why));
    }
    lg__fail_free(&why);
    err = err ? err : lg__alarm_new(e->loop, try_later, e, &e->turn.alarm);
    err = err ? err : lg__alarm_new(e->loop, look_again, e, &e->turn.look);
    err = err ? err : lg__kept_open(e);
    return err ? err : lg__alarm_new(e->loop, sync_group, e, &e->turn.group);
}

static void drop_all(lg_engine *e, lg_batch *t)
{
    lg_entry *one;
    lg_outcome *o;
    while ((one = lg__entries_pop(&t->ended)))
        lg__entry_free(e, one);

    while ((o = pop_outcome(&t->results))) {
        lg_var_unref(o->out);
        free_outcome(e, o);
    }
}

/* What came and was not yet written is paid for: it is written. Nobody hears of it. */
void lg__turn_close(lg_engine *e)
{
    if (!e->store)
        return;

    lg__entries_take(&e->turn.picked); /* they are under way, too */
    lg__entries_take(&e->turn.stored);
    lg__entries_take(&e->turn.waiting);
    lg__entries_take(&e->synced.picked);
    lg__entries_take(&e->next.picked);
    if (!is_empty(e) && !lg__store_begin_at_last(e->store))
        write_turn(e);

    drop_all(e, &e->turn);
    drop_all(e, &e->writing);
    drop_all(e, &e->synced);
    drop_all(e, &e->next);
    lg__kept_free(e);
    if (e->turn.synced)
        lg__watch_close(e->turn.synced); /* before its descriptor */

    lg__store_close(e->store);
    e->store = NULL;
}

/* All that waits is written now, even if another process must be waited for. */
void lg__turn_finish(lg_engine *e)
{
    lg__store_wait(e->store);
    settle_synced(e);
    drop_unwanted(e);
    if (is_empty(e))
        return;

    int err = lg__store_begin_at_last(e->store);
    err = err ? err : write_turn(e);
    if (err) {
        lg__store_give_up(e->store, err);
    } else {
        lg__store_wait(e->store);
        err = lg__store_check_sync(e->store);
    }
    lg_batch *all = lg__batch_is_listed(&e->writing) ? &e->writing : &e->turn;
    if (err)
        fail_turn(e, all);
    else
        release(e, all);
}
