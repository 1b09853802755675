/* pool.c - candidates that wait are given to workers that are free; the pool's life.
 *
 * Which one is next is said in pool_queue.c, what is said to a worker in pool_worker.c. */
#include "child/pool.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "child/pool_internal.h"

enum {
    STARTS = 2,      /* workers that are started at once: each takes a millisecond */
    TRIES = 3,       /* workers that may die before a job began */
    IDLE_MS = 10000, /* an idle worker is kept so long */
    ROUNDS = 400,    /* of 5 ms: for all to end with the pool */
};

/* ---- a candidate that is over, or not wanted ----------------------------- */

static void queue_cut(lg_candidate *j)
{
    lg_candidate *one;
    for (size_t n = j->box->waiting.n; n > 0; n--) { /* once round, without it */
        LG_QUEUE_POP(&j->box->waiting, one, next);
        if (one != j)
            LG_QUEUE_PUSH(&j->box->waiting, one, next);
    }
    j->box->pool->waiting--;
}

static void ended_cut(lg_candidate *j)
{
    lg_pool *p = j->box->pool;
    lg_candidate *one;
    for (size_t n = p->ended.n; n > 0; n--) {
        LG_QUEUE_POP(&p->ended, one, next);
        if (one != j)
            LG_QUEUE_PUSH(&p->ended, one, next);
    }
}

void lg__candidate_free(lg_candidate *j)
{
    lg_box *b = j->box;
    lg_pool *p = b->pool;
    lg_worker *w = j->worker;
    if (w) {
        w->job = NULL;
        b->running--;
        lg__worker_end(w);
    } else if (!j->ended) {
        queue_cut(j);
    } else if (!j->handed) {
        ended_cut(j);
    }
    lg__mem_free(p->mem, j->frame, j->frame_len);
    lg__text_unref(j->text);
    lg__fail_free(&j->fail);
    lg__mem_free(p->mem, j, sizeof *j);
    b->jobs--;
    p->active--;
    lg__box_drop(b);
}

/* ---- giving -------------------------------------------------------------- */

/* An idle worker that has room for it; the newest, whose memory is warm. NULL: none. */
static lg_worker *find_idle(const lg_pool *p, uint64_t arena)
{
    for (lg_ring *at = p->idle.prev; at != &p->idle; at = at->prev) {
        lg_worker *w = LG_OF(at, lg_worker, link);
        if (w->arena >= arena)
            return w;
    }
    return NULL;
}

static void end_one_idle(lg_pool *p)
{
    if (!lg__ring_empty(&p->idle))
        lg__worker_end(LG_OF(p->idle.next, lg_worker, link));
}

/* All that waits fails, with one reason. */
static void refuse_all(lg_pool *p)
{
    for (lg_ring *at = p->boxes.next; at != &p->boxes; at = at->next) {
        lg_box *b = LG_OF(at, lg_box, link);
        lg_candidate *j;
        for (;;) {
            LG_QUEUE_POP(&b->waiting, j, next);
            if (!j)
                break;

            p->waiting--;
            lg__fail_copy(&j->fail, &p->refused);
            lg__candidate_end(j);
        }
    }
}

/* Those that come later are tried anew: it may be better then. */
static void refuse_waiting(lg_pool *p)
{
    refuse_all(p);
    lg__fail_free(&p->refused);
    lg__fail_init(&p->refused);
    p->failures = 0;
}

static int make_program(lg_pool *p)
{
    if (p->program >= 0)
        return LG_OK;

    int fd = lg__worker_program(p->mem, &p->refused);
    p->program = fd;
    return fd >= 0 ? LG_OK : p->refused.code ? p->refused.code : LG_ENOMEM;
}

/* For the next job of b. NULL: not now; then p->refused tells whether ever. */
static lg_worker *worker_for(lg_pool *p, const lg_box *b, int *starts)
{
    uint64_t arena = lg__pool_arena(b->waiting.head);
    lg_worker *w = find_idle(p, arena);
    if (w || *starts == 0)
        return w;

    if (p->workers >= (size_t)p->most)
        end_one_idle(p); /* its memory is too small */

    if (p->workers >= (size_t)p->most)
        return NULL;

    --*starts;
    int err = make_program(p);
    err = err ? err : lg__worker_new(p, arena, &w);
    if (err && p->refused.code == 0)
        p->refused.code = err; /* memory */

    return err ? NULL : w;
}

void lg__pool_give(lg_pool *p)
{
    int starts = STARTS;
    lg_box *b;
    p->due = false;
    if (p->waiting > 0 && getpid() != p->owner) {
        lg__fail_set(&p->refused, p->mem, LG_ESTATE,
                     "the engine's process was forked: candidates run in the one that made it");
    }
    while (p->refused.code == 0 && p->waiting > 0 && (b = lg__pool_box(p))) {
        lg_worker *w = worker_for(p, b, &starts);
        if (!w)
            break;

        lg__worker_give(w, lg__box_take(b));
    }
    if (p->refused.code)
        refuse_waiting(p);

    bool more = starts == 0 && p->waiting > 0 && p->workers < (size_t)p->most;
    lg__alarm_set(p->alarm, more ? 0 : lg__ring_empty(&p->idle) ? -1 : IDLE_MS);
}

bool lg__pool_is_due(const lg_pool *p)
{
    return p && (p->due || p->ended.head);
}

lg_candidate *lg__pool_next(lg_pool *p)
{
    lg_candidate *j = NULL;
    if (p)
        LG_QUEUE_POP(&p->ended, j, next);

    if (j)
        j->handed = true;

    return j;
}

size_t lg__pool_active(const lg_pool *p)
{
    return p ? p->active : 0;
}

void lg__pool_stats(const lg_pool *p, lg_pool_stats *out)
{
    *out = p->stats;
    out->workers = p->workers;
    out->waiting = p->waiting;
}

/* ---- life ---------------------------------------------------------------- */

/* More workers can be started, or idle ones are old. */
static void on_alarm(void *ud)
{
    lg_pool *p = ud;
    int64_t old = lg__clock_now(&p->clock) - (int64_t)IDLE_MS * 1000;
    for (lg_ring *at = p->idle.next, *next; at != &p->idle; at = next) {
        lg_worker *w = LG_OF(at, lg_worker, link);
        next = at->next;
        if (w->idle_us <= old)
            lg__worker_end(w);
    }
    p->due = true;
}

int lg__pool_new(lg_mem *m, lg_loop *loop, lg_pool **out)
{
    lg_pool *p = lg__mem_zero(m, sizeof *p);
    if (!p)
        return LG_ENOMEM;

    p->mem = m;
    p->loop = loop;
    p->owner = getpid();
    p->program = -1;
    lg__clock_init(&p->clock, false);
    lg__fail_init(&p->refused);
    lg__ring_init(&p->boxes);
    lg__ring_init(&p->idle);
    lg__ring_init(&p->busy);
    lg__ring_init(&p->dying);
    int err = lg__alarm_new(loop, on_alarm, p, &p->alarm);
    if (err) {
        lg__mem_free(m, p, sizeof *p);
        return err;
    }
    *out = p;
    return LG_OK;
}

static void free_jobs(lg_box *b)
{
    lg_candidate *j;
    b->jobs++; /* so that it stays until we are done */
    while ((j = b->waiting.head))
        lg__candidate_free(j);

    b->jobs--;
    lg__box_drop(b);
}

static void end_list(lg_ring *list)
{
    while (!lg__ring_empty(list)) {
        lg_worker *w = LG_OF(list->next, lg_worker, link);
        if (w->job)
            lg__candidate_free(w->job);
        else
            lg__worker_end(w);
    }
}

/* Those that were killed may have one still, which would be told when they are reaped. */
static void free_jobs_of_dying(lg_pool *p)
{
    for (lg_ring *at = p->dying.next; at != &p->dying; at = at->next) {
        lg_worker *w = LG_OF(at, lg_worker, link);
        if (w->job)
            lg__candidate_free(w->job);
    }
}

/* Killed ones end within moments; a process that was forked off waits for none. */
static void reap_all(lg_pool *p)
{
    for (int i = 0; i < ROUNDS && !lg__ring_empty(&p->dying); i++) {
        for (lg_ring *at = p->dying.next, *next; at != &p->dying; at = next) {
            lg_worker *w = LG_OF(at, lg_worker, link);
            int status;
            next = at->next;
            if (lg__worker_reap(&w->process, &status))
                lg__worker_free(w);
        }
        if (!lg__ring_empty(&p->dying))
            poll(NULL, 0, i < 20 ? 1 : 5);
    }
    while (!lg__ring_empty(&p->dying))
        lg__worker_free(LG_OF(p->dying.next, lg_worker, link));
}

/* A copy of another process's pool: its workers are not ours to end. */
static void disown(lg_pool *p)
{
    lg_ring *lists[] = {&p->idle, &p->busy, &p->dying};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (lg_ring *at = lists[i]->next; at != lists[i]; at = at->next)
            LG_OF(at, lg_worker, link)->process.pid = 0;
    }
}

void lg__pool_free(lg_pool *p)
{
    if (!p)
        return;

    if (getpid() != p->owner)
        disown(p);

    for (lg_ring *at = p->boxes.next, *next; at != &p->boxes; at = next) {
        next = at->next; /* a box with jobs that run stays for them */
        free_jobs(LG_OF(at, lg_box, link));
    }
    end_list(&p->busy);
    end_list(&p->idle);
    free_jobs_of_dying(p);
    while (p->ended.head)
        lg__candidate_free(p->ended.head);

    reap_all(p);
    while (!lg__ring_empty(&p->boxes)) {
        lg_box *b = LG_OF(p->boxes.next, lg_box, link);
        b->abandoned = true;
        b->jobs = 0;
        lg__box_drop(b);
    }
    lg__alarm_close(p->alarm);
    if (p->program >= 0)
        close(p->program);

    lg__fail_free(&p->refused);
    lg__mem_free(p->mem, p, sizeof *p);
}
