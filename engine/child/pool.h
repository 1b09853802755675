/* pool.h - Lua candidates that run in worker processes: boxes, jobs and who runs them.
 *
 * A box is a set of limits; a job is one candidate in one box. Jobs wait in their box, boxes take
 * turns, and as many workers as the pool may have run them, each one at a time. A worker that
 * crashes, or has to be killed, costs the job that it ran; another takes its place.
 *
 * Jobs end in a list that lg__pool_next takes from; nothing is called back. Time is real,
 * whatever the engine's clock. */
#ifndef LG_POOL_H
#define LG_POOL_H

#include "base/fail.h"
#include "base/loop.h"

typedef struct lg_pool lg_pool;
typedef struct lg_box lg_box;
typedef struct lg_candidate lg_candidate;

typedef struct lg_box_limits {
    uint64_t memory, instructions, output;
    int timeout_ms; /* of the processor's time */
    int workers;    /* jobs of the box that run at once */
    bool fresh;     /* a worker for each job */
} lg_box_limits;

typedef struct lg_candidate_request { /* borrowed during start only */
    const char *name;                 /* of the candidate, in messages */
    const char *source;
    size_t source_len;
    const char *call; /* NULL: the chunk alone */
    const char *args; /* a JSON array */
    size_t args_len;
} lg_candidate_request;

typedef struct lg_pool_stats {
    uint64_t jobs, started, lost; /* ended jobs; workers started; … that crashed or were killed */
    uint64_t workers, waiting;    /* now */
    uint32_t holds, landlock;     /* of the newest worker: enum lg_worker_hold, ABI */
} lg_pool_stats;

int lg__pool_new(lg_mem *m, lg_loop *loop, lg_pool **out);
void lg__pool_free(lg_pool *p);           /* and all of its workers and jobs; NULL: nothing */
size_t lg__pool_active(const lg_pool *p); /* jobs that have not ended; NULL: 0 */
bool lg__pool_is_due(const lg_pool *p);   /* lg__pool_give has something to do */
void lg__pool_give(lg_pool *p);           /* jobs that wait to workers that are free */
lg_candidate *lg__pool_next(lg_pool *p);  /* one that has ended, to be freed; NULL: none */
void lg__pool_stats(const lg_pool *p, lg_pool_stats *out);

int lg__box_new(lg_pool *p, const lg_box_limits *limits, lg_box **out); /* 0, LG_ENOMEM */
void lg__box_free(lg_box *b);                                           /* when its last job is */

/* 0, LG_ENOMEM, LG_ELIMIT: more than a worker has room for */
int lg__candidate_start(lg_box *b, const lg_candidate_request *r, void *ud, lg_candidate **out);
void *lg__candidate_ud(const lg_candidate *j);
/* Its result, a JSON object, taken over by the caller; NULL: *why tells, borrowed. */
lg_text *lg__candidate_take(lg_candidate *j, const lg_fail **why);
void lg__candidate_free(lg_candidate *j); /* at any time: then it is not wanted any more */

#endif
