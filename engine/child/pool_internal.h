/* pool_internal.h - what the files of the pool share, in this order: pool_queue.c,
 * pool_worker.c, pool.c; nobody else includes it. */
#ifndef LG_POOL_INTERNAL_H
#define LG_POOL_INTERNAL_H

#include "base/clock.h"
#include "base/list.h"
#include "child/pool.h"
#include "child/worker.h"
#include "child/worker_wire.h"

typedef struct lg_worker lg_worker;

struct lg_box {
    lg_ring link; /* in the pool's ring of boxes */
    lg_pool *pool;
    lg_box_limits limits;
    LG_QUEUE_OF(lg_candidate) waiting;
    size_t jobs;    /* all that are not freed */
    int running;    /* … with a worker */
    bool abandoned; /* goes with its last job */
};

struct lg_candidate {
    lg_candidate *next; /* in its box's queue, or in the pool's list of ended ones */
    lg_box *box;
    void *ud;
    lg_worker *worker;  /* that runs it; NULL: none */
    int tries;          /* workers that died before they began */
    bool ended, handed; /* … and given out by lg__pool_next */
    size_t frame_len;
    char *frame;   /* head and texts, as they are sent */
    lg_text *text; /* its result */
    lg_fail fail;  /* … or why there is none */
};

struct lg_worker {
    lg_ring link; /* in the pool's idle, busy or dying */
    lg_pool *pool;
    lg_worker_process process;
    lg_watch *io, *exit;
    lg_alarm *alarm;
    uint64_t arena;
    lg_candidate *job; /* NULL: none */
    size_t sent;       /* of its frame */
    lg_bytes in;       /* what came of its reply, or of the hello */
    int looks;         /* at its candidate, which has not ended */
    int64_t cpu_us;    /* … the processor's time at the first */
    bool greeted;      /* it has said what holds it */
    bool dying;        /* killed, and to be reaped */
    int64_t idle_us;   /* since when */
};

struct lg_pool {
    lg_mem *mem;
    lg_loop *loop;
    lg_clock clock; /* real */
    pid_t owner;    /* a process that was forked off has no workers of its own */
    int program;    /* -1: not made yet */
    int most;       /* workers */
    size_t workers; /* that live */
    size_t waiting, active;
    lg_ring boxes;
    lg_ring idle, busy, dying;
    LG_QUEUE_OF(lg_candidate) ended;
    lg_alarm *alarm; /* to go on starting workers; to end idle ones */
    bool due;
    int failures;    /* workers in a row that died before they greeted */
    lg_fail refused; /* why none can be had; code 0: they can */
    lg_pool_stats stats;
};

/* pool_queue.c */
void lg__candidate_end(lg_candidate *j);        /* it has its text, or its fail */
void lg__candidate_again(lg_candidate *j);      /* its worker died before it began */
uint64_t lg__pool_arena(const lg_candidate *j); /* what its worker needs */
lg_box *lg__pool_box(const lg_pool *p);         /* the next in turn that may run one; NULL: none */
lg_candidate *lg__box_take(lg_box *b);          /* its first, which does not wait any more */
/* The next that may run, by a worker with such an arena; NULL: none. */
lg_candidate *lg__pool_pick(lg_pool *p, uint64_t arena);
void lg__box_drop(lg_box *b); /* it may be over */

/* pool_worker.c */
/* A new one, busy with nothing yet. 0, LG_ENOMEM, or p->refused tells. */
int lg__worker_new(lg_pool *p, uint64_t arena, lg_worker **out);
void lg__worker_give(lg_worker *w, lg_candidate *j); /* it is idle */
void lg__worker_end(lg_worker *w);                   /* it is not wanted any more */
void lg__worker_free(lg_worker *w);                  /* reaped, or given up */

#endif
