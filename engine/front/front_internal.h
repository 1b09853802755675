/* front_internal.h - the engine itself, and what the files of the front door share:
 *   engine.c   life, step, pump;  front_base.c, stats.c
 *   host_*.c   what a host builds, is told and asked, and answers
 *   call_*.c   a call's way from its node to an attempt that leaves, and back
 *   turn_*.c   what is stored before it is used
 *   inside*.c  what lua/ needs beyond lunagrad.h */
#ifndef LG_FRONT_INTERNAL_H
#define LG_FRONT_INTERNAL_H

#include <stdatomic.h>

#include "base/heap.h"
#include "base/list.h"
#include "child/command.h"
#include "child/pool.h"
#include "child/process.h"
#include "child/talk.h"
#include "graph/gradient.h"
#include "net/http.h"
#include "sched/sched.h"
#include "store/store.h"
#include "store/store_index.h"

typedef struct lg_work { /* something the host was, or will be, asked to do */
    uint64_t id;
    int type;            /* enum lg_event_type */
    lg_request *request; /* CALL */
    lg_node *node;       /* TOOL; its variable is pending, so it stays */
    lg_step *step;       /* GRADIENT; its pass waits for us */
    lg_text *heard;      /* GRADIENT, made when asked for */
    lg_parts asked;      /* ABANDON of a CALL: what the host may still be looking at */
    lg_party *party;     /* counted: who is asked, or told */
    lg_party *from;      /* LOG, PROGRESS, END: counted: who tells; NULL: another type */
    lg_text *told;       /* … and what */
    const void *about;   /* … and of what; NULL: of itself */
    uint64_t tag;        /* … */
    bool queued, announced;
    struct lg_work *next; /* in the party's queue */
} lg_work;

/* An attempt in the engine's books, from before it leaves until its end is told, and stored. */
typedef struct lg_entry {
    lg_attempt attempt;
    struct lg_entry *next_listed; /* picked, ended, or unstarted */
    struct lg_entry *prev, *next; /* all that are under way */
    unsigned char key[32];        /* the request may be gone first */
    int number;
    int64_t latency_us;
    bool kept;      /* the store is told of its end */
    bool serve;     /* about to be sent, and found in the store after all */
    bool intended;  /* its intent is stored */
    bool elsewhere; /* another process has the same in flight */
} lg_entry;

typedef LG_QUEUE_OF(lg_entry) lg_entries;

typedef struct lg_outcome { /* of a tool whose results are kept */
    struct lg_outcome *next;
    lg_var *out; /* counted */
    lg_text *text;
    lg_text *version; /* of the tool, when it was run; counted */
    unsigned char key[32];
    bool has_score;
    double score, target;
} lg_outcome;

typedef LG_QUEUE_OF(lg_outcome) lg_outcomes;

typedef struct lg_kept lg_kept; /* turn_tools.c */

typedef struct lg_batch {     /* what waits for a transaction, or for the disk */
    lg_entries ended, picked; /* attempts: over; about to be sent */
    lg_outcomes results;      /* of tools */
    uint64_t commit;          /* the transaction's number in the store */
    size_t entries;           /* attempts that are listed or on the wire */
    lg_entries stored;        /* picked, their intents are stored: they may leave */
    int64_t entry_us;         /* what storing one has taken lately; 0: not known */
    size_t most;              /* in a transaction, for the budget of this step; 0: as usual */
    lg_entries waiting;       /* picked, and another process has the same in flight */
    lg_alarm *look;           /* to look for their replies */
    lg_entry *under_way;      /* all that are picked, on the wire or with the host */
    lg_alarm *alarm;          /* to try the store's lock again */
    bool alarmed;
    lg_alarm *group; /* to sync what was committed a while ago */
    bool grouped;
    lg_watch *synced; /* durable: a sync has ended */
    lg_stats base;    /* as it stood when the run began */
    lg_kept *kept;    /* tools that run, and whose results will be kept */
    lg_keymap kept_map;
    bool sharing;       /* others wait for one of them */
    bool kept_due;      /* one of them may be over */
    lg_nodes elsewhere; /* of tools that another process runs */
    size_t n_elsewhere, looks;
    lg_alarm *kept_look; /* to look for their results */
} lg_batch;

typedef struct lg_stream lg_stream;         /* call_stream.c's */
typedef struct lg_warm lg_warm;             /* host_warm.c's, as is … */
typedef struct lg_preconnect lg_preconnect; /* … this */

typedef struct lg_timer lg_timer; /* host_timer.c's */

typedef struct lg_timers {
    lg_heap due;
    lg_text *text; /* of those that are over */
} lg_timers;

struct lg_book {       /* inside_book.c's: one of these three */
    lg_engine *engine; /* borrowed, with the store that it has */
    lg_store *store;
    lg_index *index;
    lg_mem mem;
    lg_fail why;        /* it could not be opened */
    bool refused;       /* … or has no such statements */
    lg_ambiguous *list; /* n of them */
    size_t n;
};

typedef struct lg_thread lg_thread; /* thread.c's */

struct lg_engine {
    lg_mem mem;
    lg_thread *thread; /* cfg.thread: it steps; NULL: the host does */
    lg_door *door;     /* … who may touch all this */
    lg_clock clock;
    lg_log log;
    lg_loop *loop;
    lg_http *http;                   /* made by the first request that goes out */
    char *ca_file, *ca_path, *proxy; /* what it is made with */
    bool http2;
    lg_processes *processes; /* … by the first program that is started */
    lg_talks *talks;         /* … and by the first that stays */
    lg_pool *pool;           /* … by the first sandbox */
    lg_sandbox *sandboxes;
    lg_commands *commands; /* … and by the first that is a tool */
    lg_sched *sched;
    lg_store *store;      /* NULL: none */
    struct lg_book book;  /* it, for lua/ */
    lg_entries unstarted; /* entries that could not begin: they have ended */
    lg_batch turn;
    lg_batch synced;  /* durable: committed, and on its way to the disk */
    lg_batch next;    /* … and the one committed meanwhile */
    lg_batch writing; /* in the transaction that is under way; empty between steps */
    uint64_t served;
    lg_stream *streams; /* call_stream.c: under way and watched */
    lg_timers timers;
    int64_t hedge_due; /* call_hedge.c: when stragglers are looked for; INT64_MAX: never */
    bool replay_only, fail_ambiguous;
    lg_graph graph;
    lg_model *models;
    lg_model *roles[LG_KINDS]; /* lg_engine_models(): counted, by enum lg_kind */
    lg_map works;              /* id → lg_work, announced or queued */
    lg_nodes leaving;          /* cancelled, and their way off the wire takes time */
    lg_warm *warm;             /* connections that are made beforehand … */
    lg_preconnect *preconnect; /* … and servers that more are to be made to */
    int64_t until_us;          /* of a step with a budget: when it is over; 0: none */
    int connect_timeout_ms, first_byte_timeout_ms, total_timeout_ms;
    size_t max_reply_bytes;
    uint64_t last_request;
    bool in_step, woken, draining;
    bool built_in;    /* built_in.c: the prompts of passes are there */
    size_t unchecked; /* debug builds: steps since the last lg__engine_check */
    atomic_int poked;
    void *own;             /* lua/host/: the library's own Lua state */
    bool in_next;          /* a function of the host's runs, called by lg_engine_next */
    struct lg_last_error { /* to the host; and to scripts, and the engine's own thread */
        char errmsg[512];
        const char *errfield; /* static */
    } said[2];
    bool preload; /* the thread is to do it */
};

/* front_base.c */
/* Sets the message and returns the code. */
int lg__engine_error(lg_engine *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void lg__engine_errfield(lg_engine *e, const char *field); /* that the error is about */
int lg__engine_null(lg_engine *e);                         /* LG_EINVAL: an argument is NULL */
/* Work was made outside step(): a polling host must hear of it. */
void lg__engine_touch(lg_engine *e);

/* front_check.c, debug builds */
void lg__engine_check(lg_engine *e);   /* all of it, between two calls; aborts */
void lg__engine_stepped(lg_engine *e); /* … when enough steps have paid for it */

/* thread.c. turn: steps, and says in how many ms it is to be called again; look: whether a host
 * that waits is to return. LG_ENOMEM, LG_EIO */
int lg__thread_start(lg_engine *e, int (*turn)(lg_engine *), bool (*look)(lg_engine *));
void lg__thread_stop(lg_engine *e);
void lg__thread_free(lg_engine *e);
void lg__thread_tell(lg_engine *e, bool events); /* the host, where there is a thread */
/* By the engine's thread, while the caller waits; without one: by the caller. → fn's */
int lg__thread_do(lg_engine *e, int (*fn)(lg_engine *e, void *ud), void *ud);
void lg__thread_look(lg_engine *e);          /* by the host: there may be work for the thread */
bool lg__thread_is_host(const lg_engine *e); /* there is a thread, and it is not the caller */
int lg__thread_fd(const lg_engine *e);
void lg__thread_wakeup(lg_engine *e);                /* the host; any thread, any signal handler */
void lg__thread_drained(lg_engine *e, bool stepped); /* the host has seen all events */
/* jump, where time is virtual: it may go on now. */
int lg__thread_wait(lg_engine *e, int timeout_ms, int (*jump)(lg_engine *e, void *ud));

/* host_work.c */
/* Ask the host. The work is freed by its answer. 0, LG_ENOMEM */
int lg__work_new(lg_engine *e, lg_party *p, int type, lg_work **out);
/* The host's work is not wanted any more: one LG_EVENT_ABANDON if it knows of it */
void lg__work_abandon(lg_engine *e, uint64_t id);
void lg__work_free(lg_engine *e, lg_work *w);    /* answered */
void lg__work_release(lg_engine *e, lg_work *w); /* neither found by its id nor queued */
void lg__works_free(lg_engine *e);
enum { LG_MOST_UNTOLD = 256 << 10 }; /* bytes that a party tells before the host has fetched */
void lg__work_told(lg_engine *e, const lg_work *w); /* the host fetches it */

/* call.c */
void lg__call_submit(lg_engine *e, int most); /* nodes whose inputs have settled */
/* An attempt of r has ended in this state. When that is the end, all who waited for r
 * are settled, and it is gone. */
void lg__call_attempted(lg_engine *e, lg_request *r, int state);
void lg__call_complete(lg_engine *e, lg_request *r);         /* DONE or FAILED: tell all, let go */
void lg__call_fail_code(lg_engine *e, lg_node *n, int code); /* n's variable */

/* host_warm.c: what is done before it is needed */
int lg__warm_load(lg_engine *e);   /* LG_ENOMEM, LG_ELIBRARY, LG_ETLS */
bool lg__warm_begin(lg_engine *e); /* one connection, at most; true: there is more to begin */
void lg__warm_ended(lg_engine *e, lg_attempt *a);
void lg__warm_free(lg_engine *e);

/* call_send.c */
int lg__call_ensure_http(lg_engine *e); /* LG_ENOMEM, LG_ELIBRARY */
/* r is SENT: it leaves, or waits for the turn that stores its intent, or is refused. */
void lg__call_go(lg_engine *e, lg_request *r);
bool lg__call_go_twin(lg_engine *e, lg_request *twin); /* false: it cannot */
void lg__call_send(lg_engine *e, lg_attempt *a);       /* now: what must be stored is */
/* SENT, but it does not leave: it fails. */
void lg__call_refuse(lg_engine *e, lg_request *r, int code, const char *text);

/* call_leave.c */
void lg__call_leave(lg_engine *e, lg_request *r); /* nobody waits for it any more */
/* What was cancelled lets go of requests and of the host's work. Where that takes time, it is
 * only listed. */
void lg__call_drop_cancelled(lg_engine *e);
void lg__call_drop_leaving(lg_engine *e, bool all); /* … and this does it; all: late or not */
void lg__call_cancel_all(lg_party *p);              /* all that it made and is pending */

/* call_fallback.c */
lg_model *lg__fallback_model(const lg_call_data *c); /* whom to ask now */
/* The fallback that an earlier run took for this request; 0: none. */
uint32_t lg__fallback_decided(lg_engine *e, const lg_call_data *c, const lg_request *first);
/* Its model is failing and rests: whether the next one is asked at once. */
bool lg__fallback_pass(lg_engine *e, lg_node *n);
/* The store is told what was decided since the last time. */
void lg__fallback_remember(lg_engine *e, lg_call_data *c);
/* The call failed so: whether the next model is asked (n is in line again). */
bool lg__fallback_take(lg_engine *e, lg_node *n, const lg_fail *why);

/* call_stream.c */
void lg__stream_started(lg_engine *e, lg_request *r); /* it goes out now */
void lg__stream_ended(lg_engine *e, lg_request *r);   /* its attempt has ended */
bool lg__stream_listen(lg_engine *e); /* to what came since; true: one was broken off */
void lg__stream_settled(lg_node *n);  /* its answer is there */
bool lg__stream_next(lg_party *p);    /* fills its event; false: nothing new */
void lg__streams_free(lg_engine *e);

/* call_hedge.c */
void lg__hedge_look(lg_engine *e);                  /* whether one is late by now */
void lg__hedge_cancel(lg_engine *e, lg_request *r); /* its twin is not wanted any more */
/* An attempt of one that has or is a twin has ended. The request that has ended with it;
 * NULL: none, as the other attempt goes on. */
lg_request *lg__hedge_ended(lg_engine *e, lg_attempt *a);

/* host_events.c */
const lg_event *lg__events_next(lg_engine *e, lg_party *p);

/* host_party.c */
bool lg__parties_hear(const lg_engine *e);   /* somebody beside the host can go on at once */
bool lg__parties_busy(const lg_engine *e);   /* … runs, or waits for something */
int64_t lg__parties_due(const lg_engine *e); /* INT64_MAX: not by time alone */
/* They run, each for a slice. idle: nothing else can happen any more. until_us 0: one slice each */
void lg__parties_run(lg_engine *e, int64_t until_us, bool idle);
void lg__parties_end(lg_engine *e);                  /* the engine is about to be freed */
void lg__party_told(lg_engine *e, const lg_work *w); /* the host fetches what one told */

/* host_timer.c */
int64_t lg__timers_due(const lg_engine *e);    /* INT64_MAX: there are none */
void lg__timers_fire(lg_engine *e);            /* those that are due */
void lg__timer_drop(lg_engine *e, lg_node *n); /* n was cancelled */
void lg__timers_free(lg_engine *e);

/* host_sandbox.c */
bool lg__sandboxes_settle(lg_engine *e); /* those that have ended; true: there were some */
void lg__sandbox_drop(lg_node *n);       /* n was cancelled */
void lg__sandboxes_free(lg_engine *e);
/* host_command.c */
bool lg__commands_tell(lg_engine *e);            /* true: there is more to do at once */
void lg__command_left(lg_engine *e, lg_node *n); /* n was cancelled */
bool lg__talks_tell(lg_engine *e);               /* answers; true: there were some */
void lg__talk_left(lg_node *n);                  /* n was cancelled */

/* turn_books.c */
void lg__entries_push(lg_entries *l, lg_entry *one);
lg_entry *lg__entries_pop(lg_entries *l);   /* NULL: it is empty */
lg_entries lg__entries_take(lg_entries *l); /* all of them */
lg_entry *lg__entry_of(lg_attempt *a);
lg_attempt *lg__entry_new(lg_engine *e, lg_request *r); /* r's; NULL: memory */
lg_entry *lg__entry_take(lg_engine *e, lg_request *r);  /* it is under way no more; NULL */
void lg__entry_free(lg_engine *e, lg_entry *one);       /* NULL: nothing */
void lg__entries_free(lg_engine *e);                    /* all that are under way */
bool lg__turn_takes(const lg_engine *e);                /* the store can be written to */
void lg__turn_pick(lg_engine *e, lg_attempt *a);        /* it may leave when it is stored */
/* r's attempt has ended: judged, and listed for the store; or given back, to be let go. */
lg_entry *lg__turn_ended(lg_engine *e, lg_request *r);
void lg__turn_lost(lg_engine *e, lg_request *twin);   /* … a twin's, which is freed */
void lg__turn_cancelled(lg_engine *e, lg_request *r); /* its carrier has let it go */

/* turn_commit.c; most with a store only */
int lg__turn_open(lg_engine *e, const lg_config *c);
void lg__turn_close(lg_engine *e);
/* An entry is done with: what it held goes on, or goes. */
void lg__turn_let_go(lg_engine *e, lg_entry *one);
void lg__turn_flush(lg_engine *e); /* write it, unless it must wait */
void lg__turn_send(lg_engine *e);  /* what is stored leaves, as far as there is time */
bool lg__turn_waits(const lg_engine *e);
void lg__turn_finish(lg_engine *e);          /* all that waits, even for another process's lock */
void lg__turn_count(lg_engine *e);           /* the run's totals, for the next commit */
size_t lg__turn_storing(const lg_engine *e); /* what came, and nobody has heard of */

/* turn_time.c */
bool lg__engine_is_over(const lg_engine *e);  /* its budget, or storing what came takes the rest */
bool lg__engine_is_late(const lg_engine *e);  /* … or enough has come to be stored */
int64_t lg__turn_cost_us(const lg_engine *e); /* of a flush now, roughly */
void lg__turn_budget(lg_engine *e, int64_t budget_us); /* of this step; 0: none */
void lg__turn_note_cost(lg_engine *e, size_t n, int64_t took_us);
bool lg__turn_is_full(const lg_engine *e);
size_t lg__turn_size(const lg_engine *e);
bool lg__turn_may_write(const lg_engine *e);
bool lg__batch_is_listed(const lg_batch *t);

/* turn_width.c: how many calls at once a server takes, from run to run */
void lg__turn_recall_width(lg_engine *e, lg_request *r); /* r was submitted */
void lg__turn_note_width(lg_engine *e);                  /* for the next commit */

/* turn_tools.c: of tools whose results are kept in the store */
/* 0: text is taken over, the variable is ready after the turn; LG_ENOMEM; 1: not kept. */
int lg__kept_result(lg_engine *e, lg_node *n, lg_text *text, const double *score, double target);
int lg__kept_open(lg_engine *e);
/* Whether its result is there, or another process runs it, and n waits for that. */
bool lg__kept_elsewhere(lg_engine *e, lg_node *n);
void lg__kept_unclaim(lg_engine *e, const lg_node *n); /* it is not run after all */
bool lg__kept_shares(lg_engine *e, lg_node *n);        /* an equal one runs, and n waits for it */
void lg__kept_runs(lg_engine *e, const lg_node *n);
void lg__kept_sweep(lg_engine *e); /* those that are over let the waiting go on */
void lg__kept_free(lg_engine *e);

/* For inside.c and the tests. */
size_t lg__engine_unseen(const lg_engine *e, lg_unseen *out, size_t *shown);
lg_store *lg__engine_store(lg_engine *e); /* NULL: none */
void lg__engine_flush(lg_engine *e);      /* a statement was queued */
int lg__engine_sync(lg_engine *e);        /* a whole step, by the thread while the caller waits */

#endif
