/* pool_queue.c - boxes and the candidates that wait in them: which one is next.
 *
 * A candidate is in one place: waiting in its box, with a worker, in the list of ended ones, or
 * handed out. Nothing here knows what a worker is. */
#include <string.h>

#include "child/pool_internal.h"

enum {
    TRIES = 3, /* workers that may die before a candidate began */
    MOST_WORKERS = 1024
};

/* ---- candidates ---------------------------------------------------------- */

static char *append(char *to, const char *text, size_t n)
{
    if (n > 0)
        memcpy(to, text, n);

    return to + n;
}

static int write_frame(lg_candidate *j, const lg_candidate_request *r)
{
    const lg_box_limits *l = &j->box->limits;
    size_t name = strlen(r->name), call = r->call ? strlen(r->call) : 0;
    size_t args = call ? r->args_len : 0;
    uint64_t size = (uint64_t)name + r->source_len + call + args;
    if (r->source_len > LG_WORKER_INPUT || args > LG_WORKER_INPUT || size > LG_WORKER_INPUT)
        return LG_ELIMIT;

    lg_worker_job head = {.magic = LG_WORKER_JOB,
                          .size = (uint32_t)size,
                          .memory = l->memory,
                          .instructions = l->instructions,
                          .cpu_us = (uint64_t)l->timeout_ms * 1000,
                          .output = l->output,
                          .name = (uint32_t)name,
                          .source = (uint32_t)r->source_len,
                          .call = (uint32_t)call,
                          .args = (uint32_t)args};
    j->frame_len = sizeof head + (size_t)size;
    j->frame = lg__mem_new(j->box->pool->mem, j->frame_len);
    if (!j->frame)
        return LG_ENOMEM;

    char *at = append(j->frame, (const char *)&head, sizeof head);
    at = append(at, r->name, name);
    at = append(at, r->source, r->source_len);
    at = append(at, r->call, call);
    append(at, r->args, args);
    return LG_OK;
}

static void wait_in_box(lg_candidate *j)
{
    LG_QUEUE_PUSH(&j->box->waiting, j, next);
    j->box->pool->waiting++;
    j->box->pool->due = true;
}

int lg__candidate_start(lg_box *b, const lg_candidate_request *r, void *ud, lg_candidate **out)
{
    lg_candidate *j = lg__mem_zero(b->pool->mem, sizeof *j);
    if (!j)
        return LG_ENOMEM;

    j->box = b;
    j->ud = ud;
    lg__fail_init(&j->fail);
    int err = write_frame(j, r);
    if (err) {
        lg__mem_free(b->pool->mem, j, sizeof *j);
        return err;
    }
    b->jobs++;
    b->pool->active++;
    wait_in_box(j);
    *out = j;
    return LG_OK;
}

void lg__candidate_end(lg_candidate *j)
{
    lg_pool *p = j->box->pool;
    lg__mem_free(p->mem, j->frame, j->frame_len); /* a source may be long, a queue as well */
    j->frame = NULL;
    j->ended = true;
    p->stats.jobs++;
    LG_QUEUE_PUSH(&p->ended, j, next);
}

void lg__candidate_again(lg_candidate *j)
{
    if (++j->tries < TRIES || j->box->pool->refused.code) {
        wait_in_box(j);
        return;
    }
    lg__fail_set(&j->fail, j->box->pool->mem, LG_EIO,
                 "%d of the sandbox's workers ended before they began", TRIES);
    lg__candidate_end(j);
}

void *lg__candidate_ud(const lg_candidate *j)
{
    return j->ud;
}

lg_text *lg__candidate_take(lg_candidate *j, const lg_fail **why)
{
    lg_text *text = j->text;
    *why = &j->fail;
    j->text = NULL;
    return text;
}

/* ---- boxes --------------------------------------------------------------- */

int lg__box_new(lg_pool *p, const lg_box_limits *limits, lg_box **out)
{
    lg_box *b = lg__mem_zero(p->mem, sizeof *b);
    if (!b)
        return LG_ENOMEM;

    b->pool = p;
    b->limits = *limits;
    if (limits->workers > MOST_WORKERS)
        b->limits.workers = MOST_WORKERS;

    p->most = b->limits.workers > p->most ? b->limits.workers : p->most;
    lg__ring_before(&p->boxes, &b->link);
    *out = b;
    return LG_OK;
}

void lg__box_free(lg_box *b)
{
    b->abandoned = true;
    lg__box_drop(b);
}

void lg__box_drop(lg_box *b)
{
    if (!b->abandoned || b->jobs > 0)
        return;

    lg__ring_cut(&b->link);
    lg__mem_free(b->pool->mem, b, sizeof *b);
}

/* ---- who is next --------------------------------------------------------- */

/* Beside the limit there is room for what lies between blocks. */
uint64_t lg__pool_arena(const lg_candidate *j)
{
    uint64_t need = 2 * j->box->limits.memory + ((uint64_t)4 << 20);
    uint64_t arena = (uint64_t)64 << 20;
    while (arena < need)
        arena *= 2;

    return arena;
}

static bool may_run(const lg_box *b)
{
    return b->waiting.head && b->running < b->limits.workers;
}

/* The first box in turn that may run one; NULL: none. */
lg_box *lg__pool_box(const lg_pool *p)
{
    for (lg_ring *at = p->boxes.next; at != &p->boxes; at = at->next) {
        lg_box *b = LG_OF(at, lg_box, link);
        if (may_run(b))
            return b;
    }
    return NULL;
}

lg_candidate *lg__box_take(lg_box *b)
{
    lg_candidate *j;
    LG_QUEUE_POP(&b->waiting, j, next);
    b->pool->waiting--;
    lg__ring_cut(&b->link); /* others first, the next time */
    lg__ring_before(&b->pool->boxes, &b->link);
    return j;
}

lg_candidate *lg__pool_pick(lg_pool *p, uint64_t arena)
{
    lg_box *b = p->waiting > 0 && p->refused.code == 0 ? lg__pool_box(p) : NULL;
    return b && lg__pool_arena(b->waiting.head) <= arena ? lg__box_take(b) : NULL;
}
