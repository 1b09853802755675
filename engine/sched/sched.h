/* sched.h - which call goes next: lines, limits, single flight, retries, memo.
 *
 * One endpoint (origin and key) has a limit of calls in flight, and a lane for each model,
 * which follows the server's limits. Passive: engine.c asks what to start, starts it, and
 * tells how it ended; the verdict (done, again later, failed) is decided here. */
#ifndef LG_SCHED_H
#define LG_SCHED_H

#include "base/clock.h"
#include "model/request.h"

typedef struct lg_sched_config { /* zeros: as in lg_config */
    int concurrency, max_attempts;
    size_t memo_bytes;
    uint64_t seed;
    uint64_t max_calls, max_tokens, max_micros;
    int64_t max_time_ms;
} lg_sched_config;

typedef struct lg_sched lg_sched;

/* log may be NULL. All three are borrowed until _free. */
int lg__sched_new(lg_mem *m, lg_log *log, lg_clock *clock, const lg_sched_config *cfg,
                  lg_sched **out);
/* And all requests in it. Before the models are destroyed: their counts are dropped. */
void lg__sched_free(lg_sched *s);
/* A model is about to be destroyed: its line may go. */
void lg__sched_forget(lg_sched *s, lg_model *model);
/* An equal request that is in flight, or finished and kept: the one to wait on (its
 * state tells which), and r is freed. One that is DONE is to be read before the next
 * call here, which may push it out of the memo; it has no model and no messages any
 * more. Otherwise r itself, now queued and owned by the scheduler. NULL: out of memory,
 * r is the caller's. */
lg_request *lg__sched_submit(lg_sched *s, lg_request *r);
/* Whether submit would give another request than r. */
bool lg__sched_shares(const lg_sched *s, const lg_request *r);
/* The next request that may start now, moved to SENT with its attempt counted; NULL:
 * none. One that could not be written (memory, size) comes FAILED instead. */
lg_request *lg__sched_next(lg_sched *s);
/* How the attempt of a request that is SENT ended: what was said and what it cost is noted
 * in it, and the request moves to DONE, FAILED or BACKOFF (or back to QUEUED after a repair).
 * Returns the new state. */
int lg__sched_finish(lg_sched *s, lg_attempt *a);
/* The same for a host model: fill r->reply first (it is empty when r is SENT): text
 * and finish and usage, or fail with code, retryable and message. */
int lg__sched_finish_host(lg_sched *s, lg_request *r);
/* Nobody waits for r any more: it leaves its line and is freed. The caller has
 * cancelled the transfer of one that was SENT. Not for DONE and FAILED: release. */
void lg__sched_cancel(lg_sched *s, lg_request *r);
/* SENT, but it never left: its attempt is taken back. To FAILED with code and the
 * text (r->reply.fail), … */
void lg__sched_refuse(lg_sched *s, lg_request *r, int code, const char *text);
/* … to DONE with r->reply, which was found elsewhere, … */
void lg__sched_serve(lg_sched *s, lg_request *r);
/* DONE, but it could not be stored: to FAILED with LG_ESTORE; say why in r->reply.fail. */
void lg__sched_spoil(lg_sched *s, lg_request *r);
/* … or away, as nobody wants it. */
void lg__sched_withdraw(lg_sched *s, lg_request *r);
/* Hedging (sched_hedge.c). The next request on the wire that is late and may be sent a
 * second time; NULL: none, and *due says when to look again (INT64_MAX: need not be). */
lg_request *lg__sched_straggler(lg_sched *s, int64_t *due);
/* When r, just sent, will be late. INT64_MAX: that does not matter. */
int64_t lg__sched_late(const lg_request *r);
/* Begins r's second attempt: its twin, SENT, which has r's key, but no texts: what goes on
 * the wire is r's. It lives no longer than r is SENT: one of these ends it. NULL: no memory */
lg_request *lg__sched_hedge(lg_sched *s, lg_request *r);
/* Each takes the other's attempt, with what the scheduler knows of it. */
void lg__sched_swap(lg_request *r, lg_request *twin);
/* Whether this end of the attempt would make its request DONE. */
bool lg__sched_is_good(lg_sched *s, lg_attempt *a);
/* The twin's attempt ended so, while the first goes on: it is booked, and the twin freed. */
void lg__sched_lose(lg_sched *s, lg_attempt *a);
/* … was cancelled on the wire, … */
void lg__sched_cancel_twin(lg_sched *s, lg_request *twin);
/* … or will never be sent: it stays until it is withdrawn. */
void lg__sched_part(lg_request *twin);
/* The engine has read a DONE or FAILED request: kept as memo or freed. */
void lg__sched_release(lg_sched *s, lg_request *r);
/* How many calls at once a server was found to take, from one run to the next (sched_width.c).
 * Nothing of it is known where the user states a concurrency. */
typedef struct lg_width {
    int most;
    bool refused; /* it refused more */
} lg_width;

/* r was submitted, as the first one there: whether to look for what an earlier run found
 * under that key; if there is something, recall it. */
bool lg__sched_width_wanted(const lg_request *r, unsigned char key[32]);
void lg__sched_width_recall(lg_sched *s, lg_request *r, lg_width width);
/* What the next run should know, and has not been told; false: nothing more. */
bool lg__sched_width_news(lg_sched *s, unsigned char key[32], lg_width *out);
/* When the next BACKOFF or held call is due (µs of the clock), INT64_MAX: none. */
int64_t lg__sched_due(const lg_sched *s);
/* Whether the model's endpoint failed again and again, so that calls to it wait. */
bool lg__sched_is_open(const lg_sched *s, const lg_model *model);
/* Sets calls … usage of out; host_running to the host calls now SENT. */
void lg__sched_stats(const lg_sched *s, lg_stats *out);
/* Debug builds (sched_check.c): aborts unless everything is as sched_internal.h says. */
void lg__sched_check(const lg_sched *s);
/* … every request that has not been read. */
void lg__sched_walk(const lg_sched *s, void (*see)(const lg_request *r, void *ud), void *ud);

#endif
