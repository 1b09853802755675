/* sched_parts.h - the scheduler's inside, shared by sched*.c and nobody else.
 *
 * Invariants: a request that the scheduler owns is in exactly one list: its
 * endpoint's line (QUEUED), flight (SENT, BACKOFF, or finished and not yet read)
 * or memo (read and kept, memo_size > 0). BACKOFF is in the heap besides.
 * in_flight_map tells whether its key leads to it; never for FAILED. Only
 * lg__sched_move changes a state. The heap has room for every owned request, so
 * that no reply is lost for want of memory. */
#ifndef LG_SCHED_PARTS_H
#define LG_SCHED_PARTS_H

#include "sched.h"

typedef struct lg_line { /* first in, first out */
    lg_request *head, *tail;
    size_t count;
} lg_line;

/* Two lines an endpoint: calls that had an attempt already go first. */
enum { LG_LINE_AGAIN = 0, LG_LINE_FRESH, LG_LINES };

typedef struct lg_endpoint {
    unsigned char key[32];
    int limit; /* the smallest that a model states; 0: the config's */
    int in_flight;
    bool answered; /* a model replied here once */
    /* A refusal that holds for all who were in line when it came (a wrong key, no
     * credit, nobody there): they fail with it and are not sent. */
    lg_fail refusal;
    uint64_t refused_up_to;        /* ids; 0: none */
    const lg_model *refused_model; /* compared only; NULL: every model's calls */
    uint32_t models;               /* whose calls come here */
    lg_line lines[LG_LINES];
    /* In the ring of each kind of line while it could start one; NULL: not. */
    struct lg_endpoint *ring_prev[LG_LINES], *ring_next[LG_LINES];
    struct lg_endpoint *prev, *next; /* all */
} lg_endpoint;

enum { LG_WINDOW_SECONDS = 60 };

typedef struct lg_window { /* attempts of the last minute, by second */
    int64_t second;        /* of the newest bucket */
    uint32_t requests[LG_WINDOW_SECONDS], retries[LG_WINDOW_SECONDS];
    uint64_t sum_requests, sum_retries;
} lg_window;

struct lg_sched {
    lg_mem *mem;
    lg_log *log;
    lg_clock *clock;
    lg_sched_config cfg;
    uint64_t newest; /* id of the last request submitted */
    lg_keymap endpoints, calls;
    lg_endpoint *all_endpoints;
    lg_endpoint *rings[LG_LINES]; /* whose turn it is */
    lg_line flight, memo;         /* memo: least recently used first */
    size_t memo_bytes;
    lg_request **heap; /* by due_us, then id; heap_pos is 1-based */
    size_t heap_count, heap_cap, owned;
    lg_window window;
    size_t sent_host, sent_wire, queued, waiting;
    int64_t start_us;
    uint64_t used_calls, used_tokens, used_micros; /* as the caps count them */
    lg_stats stats;
};

/* sched.c */
void lg__line_push(lg_line *l, lg_request *r);
void lg__line_remove(lg_line *l, lg_request *r);
void lg__sched_move(lg_sched *s, lg_request *r, int state);
/* Its key leads to it no more. */
void lg__sched_unmap(lg_sched *s, lg_request *r);
/* Unmapped, out of its list, freed. */
void lg__sched_drop(lg_sched *s, lg_request *r);

/* sched_verdict.c: r is SENT and its reply filled. */
void lg__sched_judge(lg_sched *s, lg_request *r);
void lg__window_note(lg_window *w, int64_t now_us, bool retry);

/* sched_ledger.c */
enum { LG_ADMIT = 0, LG_HOLD, LG_REFUSE };
/* Whether r may be sent now: yes; not before others have ended; no, with r->reply.fail
 * set and the cap that was reached noted. */
int lg__ledger_admit(lg_sched *s, lg_request *r, int64_t now);
void lg__ledger_reserve(lg_sched *s, lg_request *r); /* it was admitted and is written */
void lg__ledger_unsent(lg_sched *s, lg_request *r);  /* it never left */
void lg__ledger_lost(lg_sched *s, lg_request *r);    /* sent, and the reply not awaited */
void lg__ledger_settle(lg_sched *s, lg_request *r);  /* r->reply is filled, not yet judged */
bool lg__ledger_late(lg_sched *s, int64_t now);      /* a cap was reached, of time at last */
int64_t lg__ledger_due(const lg_sched *s);           /* when the cap of time is reached */

/* sched_memo.c */
bool lg__memo_keep(lg_sched *s, lg_request *r);  /* false: not to be kept */
void lg__memo_touch(lg_sched *s, lg_request *r); /* used just now, if it is kept */

#endif
