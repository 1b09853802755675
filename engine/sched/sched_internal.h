/* sched_internal.h - the scheduler's inside, shared by sched*.c and nobody else.
 *
 * Invariants: a request that the scheduler owns is in exactly one list: its
 * lane's line (QUEUED), flight (SENT, BACKOFF, or finished and not yet read)
 * or memo (read and kept, memo_size > 0). BACKOFF is in the heap besides.
 * in_flight_map tells whether its key leads to it; never for FAILED. Only
 * lg__sched_move changes a state. The heap has room for every owned request, so
 * that no reply is lost for want of memory. */
#ifndef LG_SCHED_INTERNAL_H
#define LG_SCHED_INTERNAL_H

#include "base/list.h"
#include "sched/sched.h"

typedef struct lg_line { /* first in, first out */
    lg_request *head, *tail;
    size_t count;
} lg_line;

/* Lines of a lane: calls that had an attempt already, and one for each kind of those
 * that had none. */
enum { LG_LINE_AGAIN = 0, LG_LINE_FRESH, LG_LINES = LG_LINE_FRESH + LG_KINDS };
/* Who may go: calls to be asked again; work that a step waits for; new work. */
enum { LG_GO_AGAIN = 0, LG_GO_STEP, LG_GO_FORWARD, LG_GOES };

enum { LG_HALF_US = 500000, LG_HALVES = 121 };
#define LG_MINUTE_US INT64_C(60000000)

typedef struct lg_allowance {      /* so many requests, or tokens, in a minute: sched_rate.c */
    int64_t stated, said, learned; /* by the user, by the server, of refusals; 0: not */
    int64_t learned_us;            /* when that was last changed */
    uint32_t taken;                /* in all, the low bits */
    /* What was taken in the last minute and the half second before it, by half seconds:
     * no minute, wherever it begins, holds more than the limit. */
    int64_t half; /* number of the newest */
    int64_t halves[LG_HALVES], sum;
    int64_t earned_us; /* when all that was taken is earned, at an even pace */
    bool strict;       /* a burst was refused */
    /* What refusals teach of a server that earns bit by bit: so many a minute, spread; 0: not.
     * It was last changed then, by so much of it, and is measured: so many taken since. */
    double pace, pace_step;
    int64_t pace_us, seen_us; /* seen_us 0: not being measured */
    int64_t seen;
    /* The server's last word, until it is all there again (0: none) */
    uint64_t gate_seq;
    int64_t gate_us, gate_at_us, gate_limit, gate_left;
    bool gate_earns; /* it comes back bit by bit, not all at once */
} lg_allowance;

/* One model of an endpoint: servers' limits are by key and model. */
typedef struct lg_lane {
    unsigned char key[32];
    struct lg_endpoint *endpoint;
    uint32_t models; /* whose calls come here */
    lg_line lines[LG_LINES];
    int last_kind; /* of LG_GO_STEP */
    int in_flight;
    /* How many at once: sched_flow.c */
    double window;
    bool slow_start;
    uint64_t full_seq; /* up to here as many as the window were sent */
    /* How many at once it was found to take: sched_width.c */
    bool gentle, recalled;       /* nobody states it; an earlier run was asked */
    unsigned char width_key[32]; /* of a gentle one */
    lg_width known, width, told; /* of an earlier run; what holds; what the next one is told */
    int tried;                   /* the most that were in flight since the last refusal */
    uint64_t tried_seq;          /* … from here on */
    uint64_t cut_seq;            /* a refusal of what was sent up to here is no news */
    int refusals;                /* since the last good reply */
    bool probing;                /* one at a time, until one is not refused */
    lg_request *probe;           /* that one; NULL: not sent */
    int pauses;                  /* in a row */
    uint64_t pause_seq;
    /* Nothing starts before; 0: no such thing */
    int64_t pause_us; /* it was refused */
    int64_t hold_us;  /* the allowance is used up */
    bool held;        /* in the scheduler's list of those */
    struct lg_lane *held_prev, *held_next;
    /* For each of those, in its ring while it could start one; NULL: not. */
    struct lg_lane *ring_prev[LG_GOES], *ring_next[LG_GOES];
    struct lg_lane *prev, *next; /* the endpoint's */
    lg_fail day;                 /* a cap of the day is used up: all fail so … */
    int64_t day_us;              /* … before this; 0: no such thing */
    lg_allowance allowances[LG_LIMITS];
    double input_ratio, mean_output; /* tokens that were, by those foreseen; -1: not known */
    bool told_other;                 /* it was said that another model answers */
    struct lg_times *times;          /* sched_times.c: how long replies took; NULL: no matter */
} lg_lane;

typedef struct lg_endpoint { /* a place and a key */
    unsigned char key[32];
    int limit; /* the smallest that a model states; 0: the config's */
    int in_flight;
    bool answered; /* a model replied here once */
    bool reached;  /* a request left for it once: somebody is, or was, there */
    /* A refusal that holds for all who were in line when it came (a wrong key, no
     * credit, nobody there): they fail with it and are not sent. */
    lg_fail refusal;
    uint64_t refused_up_to;        /* ids; 0: none */
    const lg_model *refused_model; /* compared only; NULL: every model's calls */
    int urgent_run;                /* starts of LG_GO_STEP in a row */
    /* Nobody there for a while: sched_flow.c */
    int failures; /* in a row */
    int64_t failing_us;
    bool is_down;
    int downs;         /* in a row */
    uint64_t down_seq; /* what was sent up to here tells nothing new */
    int64_t down_us;   /* nothing starts before; 0: one may try */
    lg_request *probe; /* while it is down: the one that tries */
    lg_lane *lanes;
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
    uint64_t seq;    /* of the last attempt */
    bool stated;     /* the config names a concurrency */
    bool width_news; /* there may be some */
    lg_keymap endpoints, lanes, calls;
    lg_endpoint *all_endpoints;
    lg_lane *rings[LG_GOES]; /* the next is at each of them */
    lg_lane *held;           /* calls wait there, and time must pass */
    lg_line flight, memo;    /* memo: least recently used first */
    size_t memo_bytes;
    lg_heap back_off; /* has room for all owned */
    size_t owned;
    lg_window window;
    size_t sent_host, sent_wire, queued, waiting;
    int64_t start_us;
    uint64_t used_calls, used_tokens, used_micros; /* as the caps count them */
    lg_stats stats;
};

/* sched_move.c */
void lg__line_push(lg_line *l, lg_request *r);
void lg__line_remove(lg_line *l, lg_request *r);
int lg__sched_reserve(lg_sched *s); /* room for one more owned request. 0, LG_ENOMEM */
void lg__sched_move(lg_sched *s, lg_request *r, int state);
/* Its key leads to it no more. */
void lg__sched_unmap(lg_sched *s, lg_request *r);
/* r is the scheduler's from now on, in this state. A twin never backs off, so the heap has
 * no room for it. */
void lg__sched_adopt(lg_sched *s, lg_request *r, int state);
/* For the log: its last state goes over into this. */
void lg__sched_tell_end(const lg_sched *s, const lg_request *r, const char *to);
/* Unmapped, out of its list, freed. */
void lg__sched_drop(lg_sched *s, lg_request *r);

/* sched_lane.c */
lg_lane *lg__lane_of(lg_sched *s, lg_model *model); /* NULL: out of memory */
void lg__lanes_free(lg_sched *s);
/* In the rings exactly when they could start a call, and held when time must pass:
 * all lanes of the endpoint. */
void lg__endpoint_refresh(lg_sched *s, lg_endpoint *ep);
bool lg__lane_could(const lg_sched *s, const lg_lane *l, int go); /* start a call of it */
/* Nothing there waits for time any more. */
void lg__endpoint_release(lg_sched *s, lg_endpoint *ep);
/* One more call could start in the lane at once, and none waits there. */
bool lg__lane_is_idle(const lg_sched *s, const lg_lane *lane);
/* Those whose time has come may start again; all: every one. */
void lg__lanes_wake(lg_sched *s, int64_t now, bool all);
int64_t lg__lanes_due(const lg_sched *s); /* INT64_MAX: none is held */
/* Who is next at a lane in this ring; maybe at another one of its endpoint. */
lg_request *lg__lane_pick(lg_lane *lane, int go);
void lg__lane_started(lg_lane *lane, const lg_request *r); /* … and was sent */
void lg__lanes_stats(const lg_sched *s, lg_stats *out);

/* sched_rate.c */
int64_t lg__rate_wait(lg_request *r, int64_t now); /* until when; 0: not at all */
void lg__rate_take(lg_request *r, int64_t now);    /* it is sent */
void lg__rate_refund(lg_request *r, int64_t now);  /* it never left, or was refused */
/* r->reply is filled: what it used, and what the server says is left. */
void lg__rate_settle(lg_request *r, const lg_attempt *a, int64_t now); /* a NULL: a host's */
/* A refusal, the first of its wave; full: others before it, alone too, were refused */
void lg__rate_refused(lg_lane *lane, int64_t now, bool full);
void lg__rate_grow(lg_lane *lane, int64_t now); /* a good reply */
void lg__rate_silence(lg_lane *lane);           /* nothing goes there for a while */

/* sched_width.c */
int lg__endpoint_limit(const lg_sched *s, const lg_endpoint *ep);
void lg__width_begin(const lg_sched *s, lg_lane *l, const lg_model *model); /* its first window */
/* Nobody was refused there, and how many requests it takes a minute is known. */
bool lg__width_is_spread(const lg_lane *l);
/* By how much a good reply widens it: until the first refusal to twice as much a round trip,
 * or by a quarter near where an earlier run was refused; then by one a round trip. */
double lg__width_step(const lg_lane *l);
/* What it is not cut below: where an earlier run was refused, near what held in this one. */
double lg__width_least(const lg_lane *l);
void lg__width_sent(lg_lane *l, const lg_request *r);
void lg__width_held(lg_sched *s, lg_lane *l, uint64_t seq); /* a good reply to that attempt */
void lg__width_cut(lg_sched *s, lg_lane *l);                /* it was refused; its window is cut */

/* sched_flow.c: r is SENT and its reply filled. True: nobody need try there any more. */
bool lg__flow_ended(lg_sched *s, lg_request *r, int64_t now);
/* All who are in line at r's endpoint now (of its model only) fail as r did. */
void lg__flow_refuse_line(lg_sched *s, const lg_request *r, bool of_model);

/* sched_verdict.c */
/* Fills the reply of its request, which is SENT, from how the attempt ended. */
void lg__sched_hear(lg_sched *s, lg_attempt *a);
/* In the books of money, of allowances and of the endpoint's state; the attempt has what was
 * said and what it cost. True: it is hopeless there. */
bool lg__sched_settle(lg_sched *s, lg_attempt *a);

/* sched_window.c */
void lg__window_note(lg_window *w, int64_t now_us, bool retry);
bool lg__window_overspent(lg_window *w, int64_t now_us); /* too many of them are retries */

/* sched_ledger.c */
int64_t lg__ledger_worst_output(const lg_request *r);
enum { LG_ADMIT = 0, LG_LATER, LG_REFUSE };
/* Whether r may be sent now: yes; not before others have ended; no, with r->reply.fail
 * set and the cap that was reached noted. */
int lg__ledger_admit(lg_sched *s, lg_request *r, int64_t now);
/* Whether r's worst case could be set aside as well; nothing is reached. */
bool lg__ledger_spares(const lg_sched *s, const lg_request *r);
void lg__ledger_reserve(lg_sched *s, lg_request *r); /* it was admitted and is written */
void lg__ledger_unsent(lg_sched *s, lg_request *r);  /* it never left */
void lg__ledger_lost(lg_sched *s, lg_request *r);    /* sent, and the reply not awaited */
void lg__ledger_settle(lg_sched *s, lg_request *r);  /* r->reply is filled, not yet judged */
bool lg__ledger_late(lg_sched *s, int64_t now);      /* a cap was reached, of time at last */
int64_t lg__ledger_due(const lg_sched *s);           /* when the cap of time is reached */

/* sched_times.c: an attempt took so long, or at least so long */
void lg__times_note(lg_sched *s, lg_lane *lane, int64_t us);
int64_t lg__times_quantile(struct lg_times *t, int percent); /* µs; -1: too little is known */
void lg__times_free(lg_sched *s, lg_lane *lane);

/* sched_memo.c */
bool lg__memo_keep(lg_sched *s, lg_request *r);  /* false: not to be kept */
void lg__memo_touch(lg_sched *s, lg_request *r); /* used just now, if it is kept */

#endif
