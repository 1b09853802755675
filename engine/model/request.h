/* request.h - one model call as a state machine, shared by all who ask the same.
 *
 * It holds the bytes to send, the attempts made and the reply. It is not the
 * policy of when to send (sched.h) and does no I/O. */
#ifndef LG_REQUEST_H
#define LG_REQUEST_H

#include "base/heap.h"
#include "base/map.h"
#include "model/provider.h"

enum lg_request_state {                    /* in life order */
                        LG_REQ_QUEUED = 0, /* in its lane's line */
                        LG_REQ_SENT,       /* on the wire, or with the host */
                        LG_REQ_BACKOFF,    /* waits for its next attempt */
                        LG_REQ_DONE,       /* reply.text is there */
                        LG_REQ_FAILED,     /* reply.fail says why */
                        LG_REQ_STATES      /* not a state */
};

typedef struct lg_request {
    uint64_t id;
    int state;
    int kind;                    /* enum lg_kind of who asked first */
    lg_model *model;             /* counted */
    unsigned char key[32];       /* where, what and which sample: makes two calls one */
    lg_bytes url, headers, body; /* while it is being sent; empty for a host model */
    lg_text **part_texts;        /* the messages, counted (encode again, host view) */
    char **part_roles;
    size_t n_parts;
    lg_pair *options; /* the model's and the call's, merged, sorted */
    size_t n_options;
    void *block; /* owned: part_texts, part_roles, options */
    size_t block_size;
    uint32_t sample;
    bool stream : 1;         /* as it comes; no part of the key: the answer is the same */
    bool keeps_thinking : 1; /* the model's word; nor is this: the bytes are the same */
    bool unfit : 1;          /* store_reply.c: what row holds is of no use */
    bool reserved;           /* SENT: the worst case is set aside */
    bool taken;              /* … and its part of its lane's allowance: sched_rate.c */
    bool in_flight_map;      /* found by key */
    const char *why;         /* static: what cannot be said in its dialect */
    int attempts;
    uint8_t repairs, hedges; /* of the attempts: sched_verdict.c, sched_hedge.c */
    bool is_twin;            /* a second attempt beside that of twin: sched_hedge.c */
    bool second;             /* SENT: its attempt was begun as such */
    lg_due due;              /* BACKOFF: when; in the scheduler's heap */
    int64_t sent_us;         /* SENT: since when */
    int64_t worst_tokens;    /* of one attempt; sched_ledger.c */
    int64_t worst_micros;    /* … -1: not known */
    uint32_t looked;         /* store_reply.c: when it was looked for */
    uint32_t listed;         /* turn_books.c: entries in lists of the turn that name it */
    int64_t row;             /* store_reply.c: the row that holds its reply; 0: none */
    struct lg_lane *lane;    /* owned by the scheduler */
    lg_attempt *attempt;     /* the one under way; NULL: none */
    struct lg_request *twin; /* SENT: the same, on its way as well; NULL: no */
    lg_reply reply;
    void *waiters;                  /* engine.c: nodes that wait for it */
    struct lg_request *prev, *next; /* line, memo list: sched.c */
    struct lg_stream *watched;      /* call_stream.c: a stream as it comes, or NULL */
    size_t memo_size;               /* bytes it counts in the memo; 0: not kept */
    uint64_t seq;                   /* of the attempt: sched_rate.c, sched_flow.c */
    int32_t guess;                  /* tokens in, before experience; 0: not counted yet */
    int32_t needs[2];               /* tokens in, out */
    uint32_t marks[3]; /* requests, tokens in, out that were taken up to it; low bits */
} lg_request;

/* What it says in words, and options; options and roles are in the block. */
typedef struct lg_parts {
    lg_text **texts; /* counted; in the block, too */
    size_t n;
    void *block;
    size_t size;
} lg_parts;

/* They are the caller's to free now, and the request has none: to be let go, not sent. */
lg_parts lg__request_part(lg_request *r);
void lg__parts_free(lg_mem *m, lg_parts *p); /* all zero: nothing */
/* Whether tools are offered. */
bool lg__request_has_tools(const lg_request *r);
/* What it asks for, as far as it tells how its answer is to be read. Borrowed. */
lg_asked lg__request_asked(const lg_request *r);

const char *lg__request_state_name(int state);
/* Copies what it needs; texts are counted, the model too. Computes the key: a digest of
 * everything that determines the reply but the API key, before any repair, so that it
 * is the same before and after one was learned. LG_EINVAL: an option may not be sent
 * (see lg__model_option_check), or kind is none. */
int lg__request_new(lg_mem *m, uint64_t id, lg_model *model, const char *const *roles,
                    lg_text *const *texts, size_t n_parts, const lg_option *options,
                    size_t n_options, uint32_t sample, int kind, lg_request **out);
/* Writes url, headers and body, which a request has only while it is under way: a
 * million in line are no million copies of their texts. Nothing for a host model.
 * 0, LG_ENOMEM, LG_ELIMIT. */
int lg__request_encode(lg_request *r);
/* Gives back what encode wrote. */
void lg__request_unload(lg_request *r);
/* Gives back all but key and reply: what a memo needs. Drops the model's count. */
void lg__request_strip(lg_mem *m, lg_request *r);
void lg__request_free(lg_mem *m, lg_request *r); /* drops the model's count, by count only */

#endif
