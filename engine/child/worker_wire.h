/* worker_wire.h - what the engine and a sandbox's worker say to each other: frames over one
 * socket, of one machine and one build, so that plain structs do.
 *
 *   worker → engine   lg_worker_hello, once: what contains it
 *   engine → worker   lg_worker_job and `size` bytes: name, source, call, args
 *   worker → engine   lg_worker_reply and `size` bytes: the result, a JSON object
 *
 * The engine believes nothing of what a worker says: sizes have ceilings, text is checked. */
#ifndef LG_WORKER_WIRE_H
#define LG_WORKER_WIRE_H

#include <stdint.h>

enum {
    LG_WORKER_HELLO = 0x4c475731, /* "LGW1" */
    LG_WORKER_JOB = 0x4c475732,
    LG_WORKER_REPLY = 0x4c475733,
    LG_WORKER_CHANNEL = 0, /* its only descriptor */
};

enum lg_worker_hold { /* bits of lg_worker_hello.holds */
                      LG_HOLDS_NO_NEW_PRIVS = 1,
                      LG_HOLDS_LIMITS = 2,
                      LG_HOLDS_LANDLOCK = 4,
                      LG_HOLDS_SECCOMP = 8
};

/* The most that a worker has room for. */
#define LG_WORKER_INPUT ((uint64_t)8 << 20)  /* a job's name, source, call and args */
#define LG_WORKER_OUTPUT ((uint64_t)4 << 20) /* what print wrote */
#define LG_WORKER_VALUES ((uint64_t)1 << 20) /* the values, as JSON */
/* Every byte of a text may become six in JSON. */
#define LG_WORKER_REPLY_MOST (6 * LG_WORKER_OUTPUT + LG_WORKER_VALUES + ((uint64_t)1 << 20))

typedef struct lg_worker_hello {
    uint32_t magic;
    uint32_t holds;    /* enum lg_worker_hold */
    uint32_t landlock; /* its ABI; 0: none */
    uint32_t lua;      /* LUA_VERSION_NUM */
} lg_worker_hello;

typedef struct lg_worker_job {
    uint32_t magic;
    uint32_t size;         /* of what follows: the four texts, without anything between */
    uint64_t memory;       /* bytes that the candidate's state may have */
    uint64_t instructions; /* of Lua's machine */
    uint64_t cpu_us;       /* of the processor's time */
    uint64_t output;       /* bytes that print may write */
    uint32_t name, source, call, args; /* their lengths. call 0: the chunk alone. args: JSON */
} lg_worker_job;

typedef struct lg_worker_reply {
    uint32_t magic;
    uint32_t size;
} lg_worker_reply;

#endif
