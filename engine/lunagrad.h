/* lunagrad.h - the whole public C API of the lunagrad engine.
 *
 * What it is.  A graph of text variables and operators that runs by itself:
 * model calls go out over HTTP, all that can run at once does, and feedback
 * travels back through the graph as text (arXiv 2406.07496).
 *
 * The loop.  Unless asked to, the engine owns no thread (libcurl's resolver may start one) and
 * never blocks.  A host adds lg_engine_fd() to its own poll loop, calls lg_engine_step() when it is
 * readable or when lg_engine_timeout() has passed, and then drains
 * lg_engine_next().  A host without a loop calls lg_engine_wait().
 *
 * Threads.  An engine and everything made from it belong to one thread at a time, but
 * for lg_engine_wakeup(), which any thread or signal handler may call.
 * Several engines may live in one process, each on its own thread.
 *
 * Its own thread.  With lg_config.thread an engine has one that does what takes long: network,
 * TLS, the store, programs, scripts. The host's calls stay the same, and so do the events; no
 * call waits for the network or the disk (but for lg_run_begin(), lg_run_end(), lg_sandbox_new(),
 * lg_sandbox_free() and lg_engine_free(), which wait until the thread has done it).
 * lg_engine_step() does nothing, lg_engine_fd() is readable when there are events,
 * lg_engine_timeout() is 0 then and else -1, lg_engine_wait() waits for events. Lines of the log
 * and functions of scripts come on the host's thread, inside lg_engine_next(), _step() and
 * _wait(). The allocator is called by both threads, never at once. The thread blocks all
 * signals. With virtual_clock time goes on inside lg_engine_step() and _wait() only, which wait
 * for the thread. The host itself is still one thread.
 *
 * Lifetimes.  Four phrases are used throughout: *copied*; *borrowed until
 * <call>*; *owned by the caller, free with <call>*; *owned by <object>*.
 * Variables, models and tools are counted: _ref adds a count, _unref drops one.
 * They must not be touched after lg_engine_free(), which frees them all.
 *
 * Arguments.  Where no sentence says otherwise: an object must be alive; a pointer to the
 * engine or object that a function is about must not be NULL.  All else is checked: another
 * pointer that is NULL and may not be, a negative number or a list's length that cannot be,
 * gives LG_EINVAL (or LG_ELIMIT, LG_EUTF8) and changes nothing; where there is no code to
 * return, nothing happens.  A text that is NULL is an empty one when its length is 0.
 *
 * Versions.  A struct that begins with its size may be of an older or a newer header than
 * the library's.  lg_..._init() of the header sets it; hosts that have no C compiler (an FFI)
 * call lg_..._init_size() with the size of theirs.  What both know is read, what the host's
 * does not have is as if it had not been set, what the library does not know is not looked
 * at.  Of what the library fills, fields that it does not know are 0, and it writes nothing
 * behind the size.  A size that was never set is LG_EINVAL.  Fields are only ever added at
 * the end.
 *
 * Errors.  Functions return 0 or a positive value for success and a negative
 * LG_E* code for failure; lg_engine_errmsg() has the detail of the last
 * failure.  Expected trouble (a refusal, a time-out) is not a return code but
 * the state of a variable, see lg_var_error().
 *
 * What it asks of the process.  libcurl (libcurl.so.4, with its OpenSSL) is not
 * linked: the first request over HTTP loads it, and it stays; LG_ELIBRARY where
 * it is missing.  libcurl, libuv, OpenSSL and SQLite allocate
 * outside the host's allocator.  SIGPIPE must be ignored by the host (sockets of TLS
 * connections can raise it).  LC_NUMERIC has no influence.  No environment
 * variable or file is read but those named in lg_config and, by libcurl, the
 * *_proxy variables.  stdin, stdout, signal handlers and locale are untouched.
 * After fork() only exec() may follow.  Models of the dialect "exec", and nothing
 * else, start processes (posix_spawn, no shell), each with a process group of its own,
 * our environment and none of our descriptors.  They install no signal handler; their
 * host must not ignore SIGCHLD, nor wait for children that it did not start (waitpid
 * of -1), or their calls fail with LG_EIO.
 */
#ifndef LUNAGRAD_H
#define LUNAGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define LG_API
#else
#define LG_API __attribute__((visibility("default")))
#endif

#define LG_VERSION "0.1.0"
#define LG_API_VERSION 1

/* ---- errors ------------------------------------------------------------ */

/* name, text.  The numbers are -1, -2, … in this order; new ones go last. */
#define LG_ERROR_MAP(XX)                                                \
    XX(NOMEM, "out of memory")                                          \
    XX(INVAL, "invalid argument")                                       \
    XX(STATE, "not possible in this state")                             \
    XX(REENTRANT, "called from a callback that forbids it")             \
    XX(LIMIT, "a size limit was reached")                               \
    XX(CYCLE, "the graph has a cycle")                                  \
    XX(CANCELLED, "cancelled")                                          \
    XX(INPUT, "an input of this node failed")                           \
    XX(TOOL, "a tool or function raised an error")                      \
    XX(TEMPLATE, "bad template")                                        \
    XX(PARSE, "bad data")                                               \
    XX(UTF8, "invalid UTF-8")                                           \
    XX(NOTFOUND, "not found")                                           \
    XX(IO, "input or output failed")                                    \
    XX(RESOLVE, "host name not found")                                  \
    XX(CONNECT, "connection failed")                                    \
    XX(TLS, "TLS failed")                                               \
    XX(TIMEOUT, "timed out")                                            \
    XX(RESET, "connection lost")                                        \
    XX(BADREPLY, "the server's reply is not what it should be")         \
    XX(TRUNCATED, "the reply was cut short")                            \
    XX(TOOBIG, "the reply is too big")                                  \
    XX(AUTH, "key missing or refused")                                  \
    XX(RATE, "rate limit")                                              \
    XX(OVERLOAD, "server overloaded or failing")                        \
    XX(MONEY, "out of quota or credit")                                 \
    XX(REFUSED, "the model or its filter refused")                      \
    XX(BADREQUEST, "the server refused the request")                    \
    XX(CONTEXT, "too long for the model's context")                     \
    XX(NOMODEL, "no such model or endpoint")                            \
    XX(CAP, "a limit set for this run was reached")                     \
    XX(STORE, "the store failed")                                       \
    XX(LIBRARY, "libcurl.so.4 cannot be loaded: is libcurl installed?") \
    XX(AMBIGUOUS, "perhaps paid for already, without a reply")          \
    XX(EMPTY, "the answer has no words")                                \
    XX(PROGRAM, "a program failed")

enum lg_error_order {
    LG_ERROR_ZERO = 0,
#define XX(name, text) LG_ORDER_##name,
    LG_ERROR_MAP(XX)
#undef XX
        LG_ERROR_END
};
enum lg_error {
    LG_OK = 0,
#define XX(name, text) LG_E##name = -LG_ORDER_##name,
    LG_ERROR_MAP(XX)
#undef XX
};

/* "timeout" for LG_ETIMEOUT; "unknown" for a number that is no code. Static. */
LG_API const char *lg_error_name(int code);
/* One line for people. Static. */
LG_API const char *lg_error_text(int code);

/* ---- engine ------------------------------------------------------------ */

typedef struct lg_engine lg_engine;
typedef struct lg_var lg_var;
typedef struct lg_model lg_model;
typedef struct lg_tool lg_tool;
typedef struct lg_sandbox lg_sandbox;
typedef struct lg_script lg_script;

/* lua_Alloc's contract: nsize 0 frees and returns NULL; osize is the size that
 * was asked for when ptr was made. */
typedef void *(*lg_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);

/* DEBUG is a line for each change of a state: "request 17 openai/gpt-4o-mini: queued -> sent
 * (try 1)", with no texts. */
enum lg_log_level { LG_LOG_ERROR = 1, LG_LOG_WARN, LG_LOG_INFO, LG_LOG_DEBUG };
/* Must not call the engine. msg is borrowed until return, secrets redacted. */
typedef void (*lg_log_fn)(void *ud, int level, const char *msg);

/* Filled by lg_config_init(), then changed. Every zero means the default. */
typedef struct lg_config {
    size_t size;       /* set by lg_config_init */
    lg_alloc_fn alloc; /* NULL: malloc and free */
    void *alloc_ud;
    lg_log_fn log; /* NULL: silent */
    void *log_ud;
    int log_level; /* 0: LG_LOG_WARN */
    /* Calls in flight an endpoint, from the first on; 0: 64 at most, begun with 16, or with what
     * an earlier run at this store found that the server takes */
    int concurrency;
    int max_attempts;          /* tries of one call in all; 0: 10 */
    int connect_timeout_ms;    /* 0: 10 000 */
    int first_byte_timeout_ms; /* silence while a model thinks; 0: 600 000 */
    int total_timeout_ms;      /* one attempt; 0: 900 000 */
    size_t max_reply_bytes;    /* after decompression; 0: 16 MiB */
    size_t memo_bytes;         /* finished replies kept for repeats; 0: 64 MiB */
    size_t max_queued;         /* variables pending at once; 0: 16 million */
    uint64_t seed;             /* of back-off jitter; nothing else is random */
    bool virtual_clock;        /* time jumps to the next timer when idle: when nothing runs,
                                * or the host has work and lg_engine_wait()s */
    bool http2;                /* only where libcurl is 8.1 or newer */
    const char *ca_file;       /* copied; NULL: the system's store */
    const char *ca_path;       /* copied; a directory of hashed certificates */
    const char *proxy;         /* copied; NULL: the *_proxy variables */
    /* The store: replies that were paid for, and what was done with them. */
    const char *store_dir; /* copied; NULL: none. Made when it is missing */
    int durable;           /* 0: every reply survives the process, and soon a power
                                  cut; 1: nothing goes on before the disk has it */
    bool replay_only;      /* buy nothing: a call that is not stored fails with
                                  LG_ENOTFOUND */
    bool fail_ambiguous;   /* a call that a run that died had sent, and whose reply was
                                  never seen, fails with LG_EAMBIGUOUS: not bought again */
    /* Caps on what this engine buys; 0: none. A call's worst case is set aside before
     * it is sent. Behind a cap calls fail with LG_ECAP; those in flight finish. */
    uint64_t max_calls;  /* requests on the wire, retries too */
    uint64_t max_tokens; /* input and output */
    uint64_t max_micros; /* micro-dollars */
    int64_t max_time_ms; /* from the making of the engine on */
    char *why;           /* borrowed until lg_engine_new returns: gets one line when */
    size_t why_size;     /* that fails. NULL: none */
    /* Network, TLS, disk and all else that takes long is done by a thread of the engine's; see
     * "Its own thread" at the top, and docs/frames.md */
    bool thread;
} lg_config;

LG_API void lg_config_init_size(lg_config *cfg, size_t size);
static inline void lg_config_init(lg_config *cfg)
{
    lg_config_init_size(cfg, sizeof *cfg);
}

/* cfg is copied. *out is owned by the caller, free with lg_engine_free(). */
LG_API int lg_engine_new(const lg_config *cfg, lg_engine **out);
/* Cancels what is in flight without waiting for the network and frees all that
 * was made from the engine. */
LG_API void lg_engine_free(lg_engine *e);
/* A descriptor that polls readable when lg_engine_step() has work. */
LG_API int lg_engine_fd(const lg_engine *e);
/* Milliseconds until step() is due, 0 now, -1 nothing is waiting for time. */
LG_API int lg_engine_timeout(const lg_engine *e);
/* Does what can be done now, for about budget_us microseconds (0: no limit): it ends after the
 * piece of work in which they are over, and what is left is due at once; see docs/frames.md.
 * Never blocks. LG_OK, or LG_EREENTRANT. */
LG_API int lg_engine_step(lg_engine *e, int64_t budget_us);
/* As step, but first waits up to timeout_ms (-1: for ever) when nothing can be
 * done. Returns at once when events are queued or nothing is pending. */
LG_API int lg_engine_wait(lg_engine *e, int timeout_ms);
/* Buy nothing more: calls that are not on the wire are cancelled, now and from now
 * on; those in flight finish and are kept. false: go on again. */
LG_API void lg_engine_drain(lg_engine *e, bool drain);
/* Cancel all that is pending. What is on the wire is broken off, and may have been paid for. */
LG_API void lg_engine_cancel(lg_engine *e);
/* Makes a waiting or polling engine return. Any thread, any signal handler. */
LG_API void lg_engine_wakeup(lg_engine *e);
/* Does beforehand what the first request over HTTPS needs and nothing can cut into pieces: loads
 * libcurl and its TLS, reads the certificates, has TLS make its first keys. 20 to 60 ms of the
 * caller's time, for a loading screen; with a thread it returns at once, and the thread does it.
 * Not needed, and once is enough. LG_ELIBRARY, LG_ENOMEM; LG_ETLS: no certificates can be read. */
LG_API int lg_engine_preload(lg_engine *e);
/* Makes n connections to m's server (HEAD of its base_url, without the key: nothing is bought),
 * so that the first calls need not: at most one begins in a step. Returns at once. What fails is
 * tried again by the calls. Idle connections are used for some 40 s. LG_EINVAL: n is negative;
 * LG_EBADREQUEST: m has no server. More than 256 are 256. */
LG_API int lg_engine_preconnect(lg_engine *e, lg_model *m, int n);
/* Detail of the last call that returned a negative code. Borrowed until the
 * next call on the engine. */
LG_API const char *lg_engine_errmsg(const lg_engine *e);
/* The field of a struct that it is about ("base_url", "dialect", "quirks"), if that is known;
 * else NULL. */
LG_API const char *lg_engine_errfield(const lg_engine *e);
/* Microseconds of the engine's clock (monotonic, or virtual). */
LG_API int64_t lg_engine_now(const lg_engine *e);

/* What a call is for; the ledger keeps them apart. */
enum lg_kind { LG_FORWARD = 0, LG_BACKWARD, LG_OPTIMIZER, LG_JUDGE, LG_KINDS };

typedef struct lg_usage {
    int64_t input, cached, cache_write, output, reasoning; /* tokens */
} lg_usage;

enum lg_cap { LG_CAP_NONE = 0, LG_CAP_CALLS, LG_CAP_TOKENS, LG_CAP_COST, LG_CAP_TIME };

/* Why calls are held back: the server's limit, or it fails and is left alone a while. */
enum lg_hold { LG_HOLD_NONE = 0, LG_HOLD_RATE, LG_HOLD_DOWN };

typedef struct lg_stats {
    size_t size;                         /* set by the caller: sizeof (lg_stats) */
    uint64_t calls;                      /* model calls finished well, bought */
    uint64_t shared;                     /* calls answered by another's reply */
    uint64_t failed;                     /* model calls given up */
    uint64_t attempts;                   /* requests that went on the wire */
    uint64_t retries;                    /* attempts beyond a call's first */
    uint64_t ambiguous;                  /* attempts that may be paid, without a reply */
    uint64_t in_flight, queued, waiting; /* now: on the wire, in line, backing off */
    uint64_t host_running;               /* host calls and tools now running */
    uint64_t calls_by_kind[LG_KINDS];
    lg_usage usage[LG_KINDS];
    uint64_t live_bytes, live_blocks; /* in the engine's allocator */
    uint64_t vars_pending, vars_live;
    uint64_t served;   /* calls answered by the store */
    uint64_t unpriced; /* paid replies whose cost nobody knows */
    uint64_t micros;   /* micro-dollars paid, as far as they are known */
    uint64_t micros_by_kind[LG_KINDS];
    uint64_t reserved_micros, reserved_tokens; /* now: worst case of what is in flight */
    int cap;                                   /* enum lg_cap: the first that was reached */
    uint64_t held;                             /* of queued: calls that wait for time to pass */
    int64_t held_until_us;                     /* when the first of them may go; 0: held is 0 */
    int held_by;                               /* enum lg_hold: why that one waits */
    uint64_t hedged;                           /* of attempts: sent beside one that was late */
    uint64_t hedges_won;                       /* … whose reply was the call's */
    /* Replies that were paid for beside those of calls: a filter stopped them, they ended
     * before a word, another one was there first. Bought are calls and useless. */
    uint64_t useless;
    uint64_t timers;    /* now: lg_timer_new's that are not over */
    uint64_t storing;   /* now: replies and results that came, and are shown when stored */
    uint64_t sandboxed; /* now: Lua candidates that wait or run */
    uint64_t commands;  /* now: programs of scripts that run, or wait for others to end */
} lg_stats;
/* Nothing, where size was not set. */
LG_API void lg_engine_stats(const lg_engine *e, lg_stats *out);

/* ---- runs -------------------------------------------------------------- */
/* What an engine stores belongs to a run: one at a time, begun by itself when a call
 * is about to be bought and none was. LG_ESTATE without a store. */

/* meta: a JSON object (script, args and seed get columns of their own), or NULL. The
 * run counts as running as long as this process lives. run_id may be NULL. */
LG_API int lg_run_begin(lg_engine *e, const char *name, const char *meta, uint64_t *run_id);
/* state: "done", "interrupted", "limit" or "failed". */
LG_API int lg_run_end(lg_engine *e, const char *state);

/* ---- events ------------------------------------------------------------ */

enum lg_event_type {
    LG_EVENT_NONE = 0,
    LG_EVENT_VAR,        /* a watched variable is ready, failed or cancelled */
    LG_EVENT_CALL,       /* a host model is asked: lg_call_reply or lg_call_fail */
    LG_EVENT_TOOL,       /* a tool is to run: lg_tool_return or lg_tool_fail */
    LG_EVENT_GRADIENT,   /* a tool's own backward is to run: lg_tool_feedback for
                          each input, then lg_tool_return or lg_tool_fail */
    LG_EVENT_ABANDON,    /* the host work of this id is no longer wanted */
    LG_EVENT_PARTIAL,    /* more of a streamed answer: text is what is new. After a failed
                          attempt it begins anew: then restart is true */
    LG_EVENT_TOOL_GONE,  /* nobody holds the tool of this tag any more, nor a node that could
                           run it: what the host keeps for it is free. Not for tag 0 */
    LG_EVENT_MODEL_GONE, /* the same of a host model */
    LG_EVENT_LOG,        /* a script's line: text, without its end */
    LG_EVENT_PROGRESS,   /* how far a script's or job's work is: text, JSON {"step":n,"of":n,…} */
    LG_EVENT_FUNCTION,   /* a script calls host.name(…): text is its arguments, a JSON array;
                           lg_script_return or lg_script_fail. Not where there is a callback */
    LG_EVENT_END         /* a script or job has ended: it is ready, failed or cancelled. Its last */
};
/* Unknown types must be ignored. */
typedef struct lg_event {
    size_t size; /* what the library filled: fields behind it are not there */
    int type;
    uint64_t id;      /* VAR: the variable's; else the id to answer with */
    uint64_t tag;     /* VAR: as given to lg_var_watch; TOOL, GRADIENT: the tool's;
                       CALL: the model's; LOG, PROGRESS, FUNCTION, END: the script's */
    lg_var *var;      /* VAR, TOOL, GRADIENT, PARTIAL: borrowed until the next lg_engine_next */
    const char *text; /* PARTIAL, LOG, PROGRESS, FUNCTION: borrowed likewise */
    size_t len;
    bool restart;
    const char *name; /* FUNCTION: borrowed likewise */
} lg_event;
/* NULL when drained; borrowed until the next call of lg_engine_next. A tool's
 * or call's event comes once; its answer may come at any later time. */
LG_API const lg_event *lg_engine_next(lg_engine *e);

/* ---- variables --------------------------------------------------------- */

enum lg_state { LG_PENDING = 0, LG_READY, LG_FAILED, LG_CANCELLED };

/* A leaf. text and role are copied; text must be UTF-8 (LG_EUTF8). With grad
 * the variable takes feedback. *out is owned by the caller (lg_var_unref). */
LG_API int lg_var_new(lg_engine *e, const char *text, size_t len, const char *role, bool grad,
                      lg_var **out);
/* The same with a picture, sound or document. type: "image/png", …, or NULL: told by the
 * first bytes; "image/url" (and "audio/url", "application/pdf-url"): data is an address
 * that the provider fetches. LG_EINVAL: no kind that is known, or not what type says. */
LG_API int lg_var_new_media(lg_engine *e, const char *type, const void *data, size_t len,
                            const char *role, bool grad, lg_var **out);
/* "image/png", … of a ready variable, NULL: text. Its bytes are lg_var_text().
 * "application/vnd.lunagrad.turn+json": a model's answer that calls tools. */
LG_API const char *lg_var_media(const lg_var *v);
LG_API lg_var *lg_var_ref(lg_var *v);
LG_API void lg_var_unref(lg_var *v);
LG_API uint64_t lg_var_id(const lg_var *v); /* never reused */
LG_API int lg_var_state(const lg_var *v);   /* enum lg_state */
/* NULL unless ready. Borrowed until the variable is set or freed. */
LG_API const char *lg_var_text(const lg_var *v, size_t *len);
LG_API const char *lg_var_role(const lg_var *v);
LG_API int lg_var_set_role(lg_var *v, const char *role);
/* requires grad: true for a leaf made so, or when any input requires it */
LG_API bool lg_var_grad(const lg_var *v);
/* What a node made can be frozen (false: feedback ends there, and goes no further) or trained
 * (true: it is a parameter like a leaf, asked about by its own role, and hears of passes that
 * failed; feedback still goes on to what it is made of). Nodes that read it keep what they have.
 * Until the next pass. */
LG_API int lg_var_set_grad(lg_var *v, bool grad);
/* A variable that is or will be what v is, with its role and example, and takes no feedback.
 * *out is owned by the caller. */
LG_API int lg_var_detach(lg_var *v, lg_var **out);
/* Scores: larger is better. target is the score that counts as solved. */
LG_API bool lg_var_score(const lg_var *v, double *score, double *target);
LG_API int lg_var_set_score(lg_var *v, double score, double target);
/* What the caller is working on when it makes nodes (example number, -1: none);
 * carried into feedback and error messages. */
LG_API int64_t lg_var_example(const lg_var *v);
LG_API int lg_var_set_example(lg_var *v, int64_t example);

/* A new version. Nodes made before keep seeing the old one. LG_ESTATE when the
 * variable is pending, LG_EUTF8. */
LG_API int lg_var_set(lg_var *v, const char *text, size_t len);
LG_API int lg_var_set_media(lg_var *v, const char *type, const void *data, size_t len);
LG_API size_t lg_var_versions(const lg_var *v); /* 1 for a fresh leaf */
/* i from 0 (the oldest). Borrowed until the variable is set or freed. */
LG_API const char *lg_var_version(const lg_var *v, size_t i, size_t *len);
LG_API const char *lg_var_version_media(const lg_var *v, size_t i); /* as lg_var_media() */
/* Back to version i, forgetting the later ones. */
LG_API int lg_var_rollback(lg_var *v, size_t i);

/* Queue an LG_EVENT_VAR with this tag when v is (or already was) terminal. */
LG_API int lg_var_watch(lg_var *v, uint64_t tag);
/* Take a watch back; nothing happens when its event is queued already. */
LG_API void lg_var_unwatch(lg_var *v, uint64_t tag);
/* Whether a node that is not cancelled, a backward pass or a watch waits for it. */
LG_API bool lg_var_wanted(const lg_var *v);
/* Cancel a pending variable, and the work only it needed. Dependants become
 * cancelled too. LG_ESTATE when it is terminal already. */
LG_API int lg_var_cancel(lg_var *v);

typedef struct lg_failure {
    int code;               /* LG_E* */
    int http_status;        /* 0: none */
    bool retryable;         /* the same call may work later */
    bool ambiguous;         /* it may have been paid for */
    const char *message;    /* one line; of a dependant the whole chain */
    const char *hint;       /* what to do, or NULL */
    const char *request_id; /* the provider's, or NULL */
} lg_failure;
/* false unless failed or cancelled. Strings are owned by the variable. out may be NULL. */
LG_API bool lg_var_error(const lg_var *v, lg_failure *out);
/* The end of that message: what went wrong first, without the names of variables and nodes. NULL
 * unless failed or cancelled. */
LG_API const char *lg_var_cause(const lg_var *v);

/* How a variable was made. */
enum lg_op {
    LG_OP_LEAF = 0,
    LG_OP_CALL,
    LG_OP_FORMAT,
    LG_OP_CONCAT,
    LG_OP_SUM,
    LG_OP_MEAN,
    LG_OP_TOOL,
    LG_OP_REPLY,
    LG_OP_PASS,
    LG_OP_PROMISE,
    LG_OP_TIMER,
    LG_OP_SANDBOX, /* what a Lua candidate came to, a JSON object */
    LG_OP_COMMAND,
    LG_OP_TALK,
    LG_OPS
};
typedef struct lg_input {
    lg_var *var;      /* borrowed; NULL: a text that is no variable */
    const char *name; /* field, argument or message role; owned by var's producer */
    const char *text; /* as the node saw it, NULL while pending */
    size_t len;
} lg_input;
LG_API int lg_var_op(const lg_var *v);
LG_API const char *lg_op_name(int op);
LG_API size_t lg_var_inputs(const lg_var *v);
LG_API int lg_var_input(const lg_var *v, size_t i, lg_input *out);
/* What kind its text is, as lg_var_media(); NULL: text, or pending. */
LG_API const char *lg_var_input_media(const lg_var *v, size_t i);

typedef int (*lg_write_fn)(void *ud, const char *data, size_t len); /* 0 goes on */
/* The graph that made v, in Graphviz' DOT. with_feedback adds the feedback. write must not
 * call the engine. */
LG_API int lg_var_dot(lg_var *v, bool with_feedback, lg_write_fn write, void *ud);

/* ---- models ------------------------------------------------------------ */

/* One body field: name as in OpenAI Chat Completions (max_tokens, temperature, stop,
 * reasoning_effort, …; dialects translate), value as JSON text. Three have a form of
 * their own, the same for every dialect:
 * tools        [{"name":…, "description":…, "parameters": JSON Schema}, …]; an answer that
 *              calls some is a turn, see lg_var_media()
 * tool_choice  "auto", "none", "required" or {"name":…}
 * schema       {"name":…, "schema": JSON Schema, "strict": true}: the answer is such JSON */
typedef struct lg_option {
    const char *name;
    const char *json;
} lg_option;

/* Prices of a call whose input is more than `above` tokens, for the whole of it. They are
 * micro-dollars for a million tokens; -1: as below that number. */
typedef struct lg_price_tier {
    int64_t above, input, output, cached, cache_write;
} lg_price_tier;
enum { LG_PRICE_TIERS = 4 }; /* of a model, at most */

typedef struct lg_model_config {
    size_t size;              /* set by lg_model_config_init */
    const char *dialect;      /* "host", or how the server is spoken to: "openai",
                                 "responses", "azure", "anthropic", "gemini", "ollama", …:
                                 the rows of engine/model/provider.c; "exec": a program */
    const char *name;         /* as people write it: "openai/gpt-4o-mini" */
    const char *model;        /* as the server knows it; exec: the program and its words */
    const char *base_url;     /* "https://api.openai.com/v1"; not for host and exec */
    const char *api_key;      /* NULL: no Authorization header */
    const char *key_name;     /* the variable it came from, for messages */
    const lg_option *headers; /* extra headers: name, raw value */
    size_t n_headers;
    const lg_option *options;
    size_t n_options;
    int concurrency; /* at most, of this endpoint; 0: the engine's */
    bool no_memo;    /* do not keep finished replies for repeats */
    uint64_t tag;    /* host: echoed in LG_EVENT_CALL */
    /* Micro-dollars for a million tokens; -1 (as lg_model_config_init sets them):
     * not known. Without its own price cached or cache_write costs as input does. */
    int64_t price_input, price_output, price_cached, price_cache_write;
    /* Worst case of a call without max_tokens; of a picture that is made, of one of them.
     * 0: 4096; -1: not known, and not sent where cost is limited. */
    int64_t max_output;
    /* How the server differs from its dialect, words between blanks: "a>b" sends the
     * field a as b, "-a" never sends it, others are flags (engine/model/model.h). NULL: as is */
    const char *quirks;
    /* Whom to ask when this one cannot be had (nobody answers, overload, limits, no key, no
     * money, too long for it), in this order; at most 9, without fallbacks of their own.
     * Counted. The calls then go to them as if they had been made so. */
    lg_model *const *fallbacks;
    size_t n_fallbacks;
    const lg_price_tier *tiers; /* of a model with a price: for long inputs; ascending */
    size_t n_tiers;
    /* What the server allows, if it is known; 0: what its replies' headers and refusals
     * tell. Calls are spread so that no minute holds more; see docs/limits.md. Models of
     * one name, base_url and api_key share it. */
    int64_t requests_per_minute, tokens_per_minute;
    /* Hedging: a request without its whole reply after so many ms, or for longer than so
     * many percent of the last replies took (50 to 99; one of the two), is sent once more,
     * and the first good reply counts. Never for more than this part of the calls (0: not
     * at all; 1: all), nor for streams; see docs/limits.md. */
    int64_t hedge_after_ms;
    int hedge_percentile;
    double hedge_budget;
    /* Of the tokens that are pictures, where they cost other than words. -1 (as
     * lg_model_config_init sets them): the same. */
    int64_t price_image_input, price_image_output;
    /* Each call is bought by itself: none shares the reply of an equal one that is under way,
     * or is served from the memory or the store (but where nothing may be bought). What comes
     * is stored all the same. */
    bool fresh;
    /* What a model thought and wrote into its text (<think>…</think> at the beginning) stays
     * there. false: it is parted from the answer, see lg_var_thinking() and
     * docs/providers.md. */
    bool keep_thinking;
    /* A reply that says the same over and over is broken off, and ends as at its limit. All calls
     * go as streams then, where the dialect has them; see docs/models.md. */
    bool stop_repetition;
} lg_model_config;
LG_API void lg_model_config_init_size(lg_model_config *cfg, size_t size);
static inline void lg_model_config_init(lg_model_config *cfg)
{
    lg_model_config_init_size(cfg, sizeof *cfg);
}
/* Everything is copied. *out is owned by the caller (lg_model_unref). */
LG_API int lg_model_new(lg_engine *e, const lg_model_config *cfg, lg_model **out);
LG_API lg_model *lg_model_ref(lg_model *m);
LG_API void lg_model_unref(lg_model *m);
LG_API const char *lg_model_name(const lg_model *m);

/* ---- nodes ------------------------------------------------------------- */
/* Making a node schedules it. Inputs are counted, names and roles copied; *out
 * is owned by the caller. LG_EINVAL when a variable is another engine's. */

/* Roles of messages: "system", "developer", "user", "assistant";
 * LG_PART: another part of the message before (a picture behind its question);
 * "tool NAME ID": the result of the call ID of the tool NAME (%XX in it stands for a byte),
 * "tool NAME ID error" when it failed; behind the assistant's turn that called it;
 * "describe NAME": no message, but the description of the tool NAME (option tools), so
 * that feedback reaches it. */
#define LG_PART "+"
/* As LG_PART when the value is no text, else nothing: for a value that the message before
 * already holds in words. Feedback does not come back by it. */
#define LG_SHOWN "+shown"
typedef struct lg_message {
    const char *role;
    lg_var *var;
} lg_message;
typedef struct lg_call {
    size_t size; /* set by lg_call_init */
    const lg_message *messages;
    size_t n_messages;
    const char *role;         /* of the answer; NULL: "answer" */
    const lg_option *options; /* override the model's by name */
    size_t n_options;
    uint32_t sample;  /* equal calls with equal samples are one call */
    int kind;         /* enum lg_kind */
    int64_t example;  /* -1: none */
    bool stream;      /* LG_EVENT_PARTIAL as the answer comes; the answer is the same */
    uint64_t tag;     /* echoed in LG_EVENT_PARTIAL */
    uint64_t purpose; /* what it is made for, in numbers of the host's: the store keeps it beside
                       * the id of the reply; 0: none */
} lg_call;
LG_API void lg_call_init_size(lg_call *c, size_t size);
static inline void lg_call_init(lg_call *c)
{
    lg_call_init_size(c, sizeof *c);
}
LG_API int lg_call_model(lg_engine *e, lg_model *m, const lg_call *call, lg_var **out);

/* Template text with named fields: {name} is replaced, {{ and }} are braces,
 * any other brace stands for itself. A name is made of letters of any script,
 * digits and _, and begins with no digit. Values are never scanned again. A {name}
 * that is no field fails the node with LG_ETEMPLATE; a field that the template does
 * not name is not used. With fenced, the tags in capitals that the template writes
 * (<FEEDBACK> … </FEEDBACK>) are renamed when a value contains one, so that no value
 * can close or open one. */
LG_API int lg_format(lg_engine *e, lg_var *tmpl, const char *const *names, lg_var *const *vars,
                     size_t n, const char *role, bool fenced, lg_var **out);
LG_API int lg_concat(lg_engine *e, lg_var *const *vars, size_t n, const char *role, lg_var **out);

enum lg_reduce_flags { LG_SKIP_FAILED = 1 };
/* Texts joined by newlines, scores added (sum) or averaged (mean). Feedback
 * passes through unchanged; behind a mean it is reduced by one call for each
 * parameter. With LG_SKIP_FAILED failed inputs are left out unless all fail. */
LG_API int lg_sum(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out);
LG_API int lg_mean(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out);
/* The same where some inputs count more than others: each score and target is multiplied by its
 * weight (a mean is divided by their sum), and feedback says which weight it came with. weights
 * are copied; each is a number above 0, else LG_EINVAL. NULL: 1 each. */
LG_API int lg_sum_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n,
                           unsigned flags, lg_var **out);
LG_API int lg_mean_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n,
                            unsigned flags, lg_var **out);

/* A function of the host. purpose goes into backward prompts. tag is echoed in
 * events. own_backward: LG_EVENT_GRADIENT is sent instead of a model call. */
LG_API int lg_tool_new(lg_engine *e, const char *name, const char *purpose, bool own_backward,
                       uint64_t tag, lg_tool **out);
/* Keep its results in the store, by name, version and inputs, and do not run it again
 * for the same. version is copied; "" will do. Nothing without a store. */
LG_API int lg_tool_cache(lg_tool *t, const char *version);
LG_API lg_tool *lg_tool_ref(lg_tool *t);
LG_API void lg_tool_unref(lg_tool *t);
LG_API int lg_tool_call(lg_engine *e, lg_tool *t, const char *const *names, lg_var *const *vars,
                        size_t n, const char *role, lg_var **out);

/* A value that the host will make of other variables, in ways it does not know yet (a
 * model that calls tools until it is content). vars: all that may lead to it; it requires
 * grad when one of them does. A backward pass that finds an open promise begins when its
 * root has settled. */
LG_API int lg_promise_new(lg_engine *e, lg_var *const *vars, size_t n, const char *role,
                          lg_var **out);
/* It becomes what `from` is or will be; all feedback goes on to `from` unchanged. With text
 * (copied; LG_ESTATE unless from is ready) that text is its value. LG_ESTATE: it was kept
 * before, or has settled. LG_ECYCLE: from is v, or is or may come to be made of it. */
LG_API int lg_promise_keep(lg_var *v, lg_var *from, const char *text, size_t len);
/* message: one line. hint may be NULL. LG_ESTATE as above. */
LG_API int lg_promise_fail(lg_var *v, int code, const char *message, const char *hint);
/* The same for what failed because a variable did: cause is the end of message, as lg_var_cause()
 * has it, and becomes this failure's. NULL, or no end of message: the cause is all of it. */
LG_API int lg_promise_fail_as(lg_var *v, int code, const char *message, const char *cause,
                              const char *hint);

/* A variable that becomes ready, with an empty text, after so many µs on the engine's clock
 * (0 or less: in the next step; at the latest after some 146 000 years). lg_var_cancel()
 * stops it. role: for messages. */
LG_API int lg_timer_new(lg_engine *e, int64_t after_us, const char *role, lg_var **out);

/* ---- Lua candidates ------------------------------------------------------ */
/* Code that nobody has looked at, each in a fresh Lua state within limits, in processes that can do
 * nothing but compute (docs/sandbox.md). Where the kernel cannot contain it, it fails: LG_EIO.
 * Every zero means the default. */
typedef struct lg_sandbox_config {
    size_t size;           /* set by lg_sandbox_config_init */
    size_t memory;         /* bytes of the candidate's state; 0: 16 MiB; up to 1 GiB */
    uint64_t instructions; /* of Lua's machine; 0: 50 million */
    int timeout_ms;        /* of the processor's time; 0: 5 000 */
    size_t output_limit;   /* bytes that print may write; 0: 64 KiB; up to 4 MiB */
    int workers;           /* candidates that run at once; 0: one a processor */
    bool fresh;            /* a process of its own for each candidate */
} lg_sandbox_config;

LG_API void lg_sandbox_config_init_size(lg_sandbox_config *cfg, size_t size);
static inline void lg_sandbox_config_init(lg_sandbox_config *cfg)
{
    lg_sandbox_config_init_size(cfg, sizeof *cfg);
}

/* cfg is copied; NULL: all defaults. *out is the caller's, and gone with its engine. LG_EINVAL */
LG_API int lg_sandbox_new(lg_engine *e, const lg_sandbox_config *cfg, lg_sandbox **out);
LG_API void lg_sandbox_free(lg_sandbox *s); /* what was begun goes on */
/* Runs a chunk; then, if call is not NULL, the function of that name ("solve", "M.solve") with the
 * arguments in args, a JSON array (NULL: none). All is copied. *out becomes a JSON object:
 *   {"ok":true,"values":[…],"output":"what print wrote","instructions":n,"memory":n}
 *   {"ok":false,"kind":"syntax"|"error"|"memory"|"instructions"|"time"|"output"|"crash",
 *    "message":"…","line":n (where known),"output":"…"}
 * A number that JSON has not is {"\u0001":"inf"|"-inf"|"nan"}; "special" is true then.
 * LG_EINVAL, LG_EUTF8, LG_EPARSE (args), LG_ELIMIT (more than 8 MiB in all), LG_ENOMEM */
LG_API int lg_sandbox_run(lg_sandbox *s, const char *name, const char *source, size_t len,
                          const char *call, const char *args, lg_var **out);

/* Answers of the host, by the event's id. LG_ENOTFOUND when it was abandoned; LG_EINVAL for a
 * function of a script or a query, which have answers of their own (lg_script_return(),
 * lg_answer_var(), lg_answer_score()), and still wait for them.
 * score may be NULL. message: one line. A value that is none (not UTF-8, no picture, a score
 * that is no number) fails the variable; LG_EINVAL, and LG_ELIMIT for more than 1 GiB, leave
 * the work to be answered. */
LG_API int lg_tool_return(lg_engine *e, uint64_t id, const char *text, size_t len,
                          const double *score, double target);
/* The same with a picture, sound or document; type as in lg_var_new_media(). */
LG_API int lg_tool_return_media(lg_engine *e, uint64_t id, const char *type, const void *data,
                                size_t len, const double *score, double target);
LG_API int lg_tool_fail(lg_engine *e, uint64_t id, int code, const char *message);
/* cause as in lg_promise_fail_as(). */
LG_API int lg_tool_fail_as(lg_engine *e, uint64_t id, int code, const char *message,
                           const char *cause);
/* Feedback of a tool's own backward for input i (from 0). len 0: nothing to say */
LG_API int lg_tool_feedback(lg_engine *e, uint64_t id, size_t input, const char *text, size_t len);
/* What was said about the tool's result, joined; empty when it is the loss itself.
 * Borrowed until the answer. For LG_EVENT_GRADIENT only. */
LG_API int lg_tool_heard(lg_engine *e, uint64_t id, const char **text, size_t *len);

/* What a host model is asked, and its answer. Strings are borrowed until the answer, or until its
 * LG_EVENT_ABANDON has been told. */
typedef struct lg_request_view {
    lg_model *model;
    size_t n_messages;
    size_t n_options; /* the model's and the call's, merged, by name */
    uint32_t sample;
} lg_request_view;
LG_API int lg_call_view(lg_engine *e, uint64_t id, lg_request_view *out);
LG_API int lg_call_message(lg_engine *e, uint64_t id, size_t i, const char **role,
                           const char **text, size_t *len);
/* "image/png", …; NULL: text. */
LG_API const char *lg_call_message_media(lg_engine *e, uint64_t id, size_t i);
LG_API int lg_call_option(lg_engine *e, uint64_t id, size_t i, lg_option *out);
/* usage NULL: not known. A negative count is LG_EINVAL, and the call still waits; one above
 * 2^50 counts as that. */
LG_API int lg_call_reply(lg_engine *e, uint64_t id, const char *text, size_t len,
                         const char *finish_reason, const lg_usage *usage);
/* The same with another kind of value: "image/png", …, or a turn that calls tools. */
LG_API int lg_call_reply_media(lg_engine *e, uint64_t id, const char *type, const char *data,
                               size_t len, const char *finish_reason, const lg_usage *usage);
LG_API int lg_call_fail(lg_engine *e, uint64_t id, int code, bool retryable, const char *message);
/* cause as in lg_promise_fail_as(). */
LG_API int lg_call_fail_as(lg_engine *e, uint64_t id, int code, bool retryable, const char *message,
                           const char *cause);

/* "stop", "length", "content_filter", … of a model's answer, also one that a promise was
 * kept with; NULL for others. */
LG_API const char *lg_var_finish_reason(const lg_var *v);
/* What the model thought before the answer that v was made with, as far as it was told: UTF-8,
 * owned by v. NULL: nothing, or v is no ready answer of a model. len may be NULL. */
LG_API const char *lg_var_thinking(const lg_var *v, size_t *len);
/* false when v is no model's answer, or the server did not say. out may be NULL. */
LG_API bool lg_var_usage(const lg_var *v, lg_usage *out);

/* ---- feedback ---------------------------------------------------------- */

/* none: "this is the loss itself"; empty: "nothing to improve"; text. */
enum lg_feedback_state { LG_FB_NONE = 0, LG_FB_EMPTY, LG_FB_TEXT };
typedef struct lg_feedback {
    int state;
    const char *text; /* owned by the variable until zeroed, or a new pass brings other */
    size_t len;
    bool has_score;
    double score, target; /* of the loss it came from */
    uint64_t from;        /* id of the variable whose producer gave it; 0: by hand */
    size_t input;         /* which input of that producer */
    const char *from_role;
    int64_t example;          /* -1: none, or several after a reduction */
    const char *conversation; /* what it is about, rendered; NULL: none */
    size_t conversation_len;
    size_t n_sources; /* records a reduction made this from; 0: not reduced */
    lg_var *var;      /* the node that wrote it; NULL: by hand or passed on */
    double weight;    /* that of the sums and means it came through, multiplied; 1: none */
    /* What was said about the output that it is about, such as the words of the loss: the writer of
     * the feedback may have lost what stands there. NULL: nothing, or that is the feedback. */
    const char *remarks;
    size_t remarks_len;
} lg_feedback;
LG_API size_t lg_var_feedbacks(const lg_var *v);
LG_API int lg_var_feedback(const lg_var *v, size_t i, lg_feedback *out);
LG_API int lg_var_feedback_source(const lg_var *v, size_t i, size_t source, lg_feedback *out);
/* Feedback given by hand (a person's, a program's). Survives backward. */
LG_API int lg_var_add_feedback(lg_var *v, const char *text, size_t len);
/* Forget all feedback, and passes that failed. LG_ESTATE while a pass runs. */
LG_API int lg_var_zero_grad(lg_var *v);

/* How much one question is about. LG_GRAIN_EDGE: one for each text that a node was given and that
 * takes feedback; NODE: one for all that a node was given (edge, where that is one text, a picture
 * or more than a dozen); GRAPH: one for a batch, which shows what was done for each of its examples
 * and names changes for every parameter (up to a dozen texts; functions' own backward is not
 * called); AUTO: graph where an example goes through four steps or more, else node. The same
 * records come of each; GRAPH has none for what is no parameter. */
enum lg_grain { LG_GRAIN_EDGE = 0, LG_GRAIN_NODE, LG_GRAIN_GRAPH, LG_GRAIN_AUTO };

typedef struct lg_backward {
    size_t size;           /* set by lg_backward_init */
    lg_model *model;       /* writes the feedback; NULL: lg_engine_models() */
    size_t context_tokens; /* budget of the contexts in one prompt; 0: 24 000 */
    bool skip_failed;      /* an edge that fails is left out, not an error */
    /* Ceiling of one reply, for models that have none of their own (max_tokens); 0: 2048. A reply
     * that was cut before its first word, as by long reasoning, is asked for again without. */
    size_t reply_tokens;
    bool no_ceiling; /* none at all */
    int grain;       /* enum lg_grain */
} lg_backward;
LG_API void lg_backward_init_size(lg_backward *b, size_t size);
static inline void lg_backward_init(lg_backward *b)
{
    lg_backward_init_size(b, sizeof *b);
}
/* Start a pass from root, which may be pending. b NULL: all defaults. *out becomes ready when every
 * variable that requires grad has its feedback, or failed; its text says in one
 * line what was done. *out is owned by the caller. */
LG_API int lg_backward_start(lg_engine *e, lg_var *root, const lg_backward *b, lg_var **out);
/* A pass through v that is running or failed; NULL: none. Borrowed until the engine runs; where it
 * has a thread, until lg_var_pass is called again. */
LG_API lg_var *lg_var_pass(const lg_var *v);

/* The operators' own prompts, by name (see lua/lunagrad/prompts.lua for the
 * names and fields). A template is a variable like any other and may require
 * grad. v is counted. LG_ECYCLE from set: v is made of a pass that runs, which may still
 * ask with it. LG_ENOTFOUND from get: none set; out may be NULL. */
LG_API int lg_template_set(lg_engine *e, const char *name, lg_var *v);
LG_API int lg_template_get(lg_engine *e, const char *name, lg_var **out); /* borrowed */

/* ---- scripts ------------------------------------------------------------- */
/* A user's Lua, in a state of the library's own (Lua 5.4; that of the host, if it has one, is not
 * touched): lg and host are there, and of Lua's libraries what computes (docs/scripts.md). It runs
 * in slices inside lg_engine_step(), and shares the engine's models, limits, caps and store; what
 * it begins and what it hears of is its own, and not the host's to see. Any number may run at
 * once. A script that is held to its limits cannot harm others or the host, and need not be
 * trusted further than that; code that nobody has looked at belongs into a sandbox. */

enum lg_script_allow {
    LG_ALLOW_MODELS = 1,  /* lg.model of names: the network, keys in the environment */
    LG_ALLOW_FILES = 2,   /* below root */
    LG_ALLOW_COMMANDS = 4 /* programs (lg.command, exec/…) */
};

/* Filled by lg_script_config_init(), then changed. Every zero means the default. */
typedef struct lg_script_config {
    size_t size;           /* set by lg_script_config_init */
    uint64_t tag;          /* echoed in its events */
    size_t memory;         /* bytes of its Lua state; 0: 64 MiB */
    uint64_t instructions; /* of Lua's machine, about; 0: no limit */
    int64_t cpu_ms;        /* of the processor's time that its Lua takes; 0: 10 000; -1: no limit */
    int64_t wall_ms;       /* from its start on, waiting included; 0: no limit */
    unsigned allow;        /* enum lg_script_allow */
    const char *root;      /* copied; a directory. NULL: no files, whatever is allowed */
    uint64_t seed;         /* of math.random; not 0: lg.args.seed too, unless it is given */
    int64_t slice_us;      /* longest run of its Lua in a step; 0: 1 000 */
} lg_script_config;

LG_API void lg_script_config_init_size(lg_script_config *cfg, size_t size);
static inline void lg_script_config_init(lg_script_config *cfg)
{
    lg_script_config_init_size(cfg, sizeof *cfg);
}

/* Compiles; nothing runs before lg_script_start(). source is copied; name is what messages call it
 * (NULL: "script"). cfg is copied; NULL: all defaults. *out is the caller's, free with
 * lg_script_free() before its engine. LG_EPARSE: lg_engine_errmsg() has the line. LG_ELIMIT: that
 * takes more memory than it may have. LG_ENOMEM, LG_EINVAL, LG_EUTF8 */
LG_API int lg_script_new(lg_engine *e, const char *source, size_t len, const char *name,
                         const lg_script_config *cfg, lg_script **out);
/* What require(name) of the script finds; before its start. source is copied. LG_ESTATE */
LG_API int lg_script_module(lg_script *s, const char *name, const char *source, size_t len);
/* Called inside lg_engine_next() alone, on its thread. args: a JSON array, borrowed until return.
 * It may call the engine, lg_engine_next() excepted (that returns NULL then), and free nothing of
 * this script; it answers with lg_script_return() or lg_script_fail(), now or at any later time. */
typedef void (*lg_script_fn)(void *ud, lg_script *s, uint64_t id, const char *args, size_t len);
/* host.NAME(…) of the script, which waits for the answer as for a model's. fn NULL: asked for by
 * LG_EVENT_FUNCTION. A name is one of Lua's; setting it again replaces it. Before or after the
 * start. LG_EINVAL, LG_ENOMEM, LG_ESTATE: it has ended */
LG_API int lg_script_function(lg_script *s, const char *name, lg_script_fn fn, void *ud);
/* A model that the script may ask. role: "default" (what all roles fall back to), "backward",
 * "optimizer" or "judge"; or any other name, which lg.model(name) finds. Counted. Before its start.
 * A script without a default model, and without LG_ALLOW_MODELS, asks none but "sim/…". */
LG_API int lg_script_model(lg_script *s, const char *role, lg_model *m);
/* args: a JSON object (lg.args, and the first of ...), an array (..., and lg.args as well) or NULL.
 * Copied. LG_ESTATE: it was started before. LG_EPARSE */
LG_API int lg_script_start(lg_script *s, const char *args);
/* The answer to a function's id: a JSON value (len 0: nothing, nil). Copied. LG_ENOTFOUND: nobody
 * waits for it any more. It still waits after LG_EPARSE (it is no JSON) and LG_EINVAL (it is a
 * function of another script, or a query). */
LG_API int lg_script_return(lg_script *s, uint64_t id, const char *json, size_t len);
/* The call raises an error in the script. message: one line. */
LG_API int lg_script_fail(lg_script *s, uint64_t id, const char *message);
/* LG_PENDING (also before its start), LG_READY, LG_FAILED, LG_CANCELLED (it was killed). */
LG_API int lg_script_state(const lg_script *s);
/* What it returned, as JSON: its value, or an array of several; "null" of none. NULL unless ready.
 * Owned by the script. len may be NULL. */
LG_API const char *lg_script_result(const lg_script *s, size_t *len);
/* false unless failed or killed. LG_ELIMIT: one of its limits, which message names ("memory",
 * "instructions", "cpu", "wall"); LG_ETOOL: an error of its own; else what it did not
 * catch. Strings are owned by the script. out may be NULL. */
LG_API bool lg_script_error(const lg_script *s, lg_failure *out);
/* Bytes of its Lua state, and most of them so far; the processor's time that it took. NULL: not
 * wanted. */
LG_API void lg_script_used(const lg_script *s, size_t *bytes, size_t *peak, int64_t *cpu_us);
/* Ends it, wherever it is. It never runs again; what it began is cancelled; its END event still
 * comes. Nothing when it has ended. */
LG_API void lg_script_kill(lg_script *s);
/* Kills it; no event of it comes any more. NULL: nothing. */
LG_API void lg_script_free(lg_script *s);

/* ---- queries: what a loss, an optimizer or a job wants of the host -------- */
/* Each is a callback of the type lg_query_fn, or (for hosts that take none) an LG_EVENT_FUNCTION
 * whose name is "program", "evaluate", "score" or "check", whose tag is that of whoever asks, and
 * whose text is what it is about: {"example":{…},"index":n,"texts":[…],"text":"…","param":n}.
 * Both are answered by the id, at once or at any later time; LG_EVENT_ABANDON with that id says
 * that nobody waits for it any more. */

enum lg_query_what {
    LG_QUERY_PROGRAM = 1,  /* make the answer to an example out of params: lg_answer_var() */
    LG_QUERY_EVALUATE = 2, /* how good are the texts of params, for an example: lg_answer_score() */
    LG_QUERY_SCORE = 4,    /* how good is text, the answer to an example: lg_answer_score() */
    LG_QUERY_CHECK = 8     /* may a parameter become text: lg_answer_score(), below 1: no, and
                              feedback says why */
};

/* Borrowed: of a callback until its return; else until the answer, or until its LG_EVENT_ABANDON
 * has been told. */
typedef struct lg_query {
    size_t size; /* of a view, set by the caller: sizeof (lg_query) */
    int what;    /* enum lg_query_what */
    uint64_t id;
    uint64_t tag;
    /* The parameters in the order of the config, with the texts that are tried: a program must
     * read these, and not the host's own. CHECK: the one parameter that it is about */
    lg_var *const *params;
    size_t n_params;
    size_t param;        /* CHECK: its number in the config */
    const char *example; /* a JSON object; "": there are no examples */
    size_t example_len;
    int64_t index;    /* of the example in its set, from 0; -1: none */
    const char *text; /* SCORE, CHECK; else "" */
    size_t len;
    lg_var *answer;   /* SCORE: text as a variable, where it is one; else NULL */
    uint32_t sample;  /* for calls that are made of it: see lg_query_call() */
    uint64_t purpose; /* likewise */
} lg_query;

/* Called inside lg_engine_next() alone, on the thread that calls it. It may call the engine (but
 * lg_engine_next() returns NULL then) and may free nothing of what asks. */
typedef void (*lg_query_fn)(void *ud, lg_engine *e, const lg_query *query);

/* What a query that is not answered yet is about. LG_ENOTFOUND; LG_EINVAL: no size, or a function
 * of a script */
LG_API int lg_query_view(lg_engine *e, uint64_t id, lg_query *out);
/* As lg_call_init(), for a call that belongs to this query: its example, its number among several
 * draws, and its place in the books. */
static inline void lg_query_call(const lg_query *query, lg_call *call)
{
    lg_call_init(call);
    call->sample = query->sample;
    call->example = query->index;
    call->purpose = query->purpose;
}
/* v may be pending; counted. LG_ENOTFOUND: nobody waits for it any more. LG_EINVAL: another
 * engine's, or what was asked for is a score, or a script asks. LG_ECYCLE: it is made of what
 * asks. */
LG_API int lg_answer_var(lg_engine *e, uint64_t id, lg_var *v);
/* Larger is better, 1 is solved. feedback (copied; NULL: none): what would have to change.
 * LG_ENOTFOUND, LG_EUTF8, LG_ELIMIT, LG_ENOMEM; LG_EINVAL: score is no number, or a variable was
 * asked for */
LG_API int lg_answer_score(lg_engine *e, uint64_t id, double score, const char *feedback,
                           size_t len);
/* message: one line. LG_ENOTFOUND, LG_EINVAL: a script asks */
LG_API int lg_answer_fail(lg_engine *e, uint64_t id, int code, const char *message);

/* ---- losses -------------------------------------------------------------- */
/* Who is asked where no model is named, by lg_backward_start(), losses, optimizers and jobs. What
 * is NULL falls back: optimizer and judge to backward, that to model. Counted; set anew as a
 * whole. LG_EINVAL: another engine's */
LG_API int lg_engine_models(lg_engine *e, lg_model *model, lg_model *backward, lg_model *optimizer,
                            lg_model *judge);
/* The embedded stand-in for a language model (docs/sim.md): no network, no key; for trials and
 * tests, and no evidence about real models. name: "sim/default", "sim/noise=0.2", …; settings
 * that it does not know fail its calls. *out is owned by the caller. LG_EINVAL: another name */
LG_API int lg_model_sim(lg_engine *e, const char *name, lg_model **out);

/* A model says what is wrong with answer, as instruction wants it: no score. judge NULL: the
 * default one. *out is owned by the caller, as all losses. */
LG_API int lg_loss_critic(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge,
                          lg_var **out);
/* A model gives reasons, and a verdict from 0 to 1 as score. */
LG_API int lg_loss_judge(lg_engine *e, lg_var *answer, const char *instruction, lg_model *judge,
                         lg_var **out);
/* 1 when answer is target, else 0; with number, when the last number in it is. No call. */
LG_API int lg_loss_exact(lg_engine *e, lg_var *answer, const char *target, bool number,
                         lg_var **out);
/* The host says how good it is: LG_QUERY_SCORE, or by event where fn is NULL. What it says is the
 * feedback; no call. purpose: what is looked at, in words. */
LG_API int lg_loss_score(lg_engine *e, lg_var *answer, const char *purpose, lg_query_fn fn,
                         void *ud, uint64_t tag, lg_var **out);

/* ---- optimizers ---------------------------------------------------------- */

typedef struct lg_optimizer lg_optimizer;

/* Textual gradient descent (docs/optimizers.md). Every zero means the default. */
typedef struct lg_optimizer_config {
    size_t size; /* set by lg_optimizer_config_init */
    uint64_t tag;
    lg_var *const *params; /* leaves that require grad; counted */
    size_t n_params;
    lg_model *model;                /* rewrites; NULL: lg_engine_models() */
    const char *const *constraints; /* in words, shown to the model; copied, as all texts */
    size_t n_constraints;
    lg_query_fn check;           /* of every new text: LG_QUERY_CHECK. NULL: none */
    bool query_check;            /* … by event */
    void *ud;                    /* of check */
    const char *check_words;     /* what check looks at, as the model is told; NULL: nothing */
    int momentum;                /* past versions that are shown */
    int memory;                  /* past steps' feedback that is shown */
    const char *const *examples; /* texts that the result should be like */
    size_t n_examples;
    const char *options; /* JSON object of what else lg.optim.tgd knows: {"mode":"edit"} */
} lg_optimizer_config;
LG_API void lg_optimizer_config_init_size(lg_optimizer_config *cfg, size_t size);
static inline void lg_optimizer_config_init(lg_optimizer_config *cfg)
{
    lg_optimizer_config_init_size(cfg, sizeof *cfg);
}
/* *out is the caller's, free with lg_optimizer_free() before its engine. What options have wrong
 * fails the first step. LG_EINVAL, LG_EPARSE, LG_EUTF8, LG_ENOMEM */
LG_API int lg_optimizer_new(lg_engine *e, const lg_optimizer_config *cfg, lg_optimizer **out);
/* Rewrites the parameters that have feedback, all or none, when the backward passes that run have
 * ended. *report becomes ready with a JSON object {"changed":true,"reason":"…","params":[{"role",
 * "changed","reason","before","after","feedback":[…]}, …]}, or fails, and nothing was changed.
 * Owned by the caller. LG_ESTATE: the step before is not over */
LG_API int lg_optimizer_step(lg_optimizer *o, lg_var **report);
/* Forget the feedback on all parameters. LG_ESTATE while a pass runs */
LG_API int lg_optimizer_zero_grad(lg_optimizer *o);
LG_API void lg_optimizer_free(lg_optimizer *o); /* its step is cancelled; NULL: nothing */

/* ---- jobs ------------------------------------------------------------------ */
/* lg.train and lg.optimize of Lua (docs/training.md, docs/search.md) as work of the engine's own.
 * The parameters hold texts that were accepted, and no others: while a job runs, and when it has
 * ended, however it did. */

typedef struct lg_job lg_job;

/* Every zero means the default. All is copied or counted. */
typedef struct lg_job_config {
    size_t size;           /* set by lg_job_config_init */
    uint64_t tag;          /* echoed in its events and queries */
    lg_var *const *params; /* leaves that require grad */
    size_t n_params;
    /* Examples, as lines of JSON objects or as one list of them. val decides what is kept (search:
     * without it train does); on test seed and best are compared at the end (search). Where
     * evaluate is given, none are needed. */
    const char *train, *val, *test;
    size_t train_len, val_len, test_len;
    /* What is done with an example: a program, or a question to the model. Or, for a search alone,
     * an evaluation of the texts as such. */
    lg_query_fn program, evaluate, score, check;
    void *ud;             /* of all four */
    unsigned queries;     /* enum lg_query_what: these by event, instead of a callback */
    const char *question; /* {fields} of the example; asked with the parameters as instructions.
                           * NULL: "{question}" */
    lg_model *model;      /* whom to ask; NULL: lg_engine_models() */
    /* How good the answer is: score, or a metric; what is wrong with it: what score said, the facts
     * that the metric knows, or a model's critique. */
    const char *metric;             /* "exact", "number", "contains", "choice", "f1": against the
                                     * example's "answer" */
    const char *critic;             /* instruction; sees the answer and the example's fields */
    const char *const *constraints; /* of new texts, as an optimizer's */
    size_t n_constraints;
    const char *check_words;
    int batch;                                       /* examples of a proposal */
    int steps;                                       /* training; 0: 12 */
    uint64_t seed;                                   /* below 2^63 */
    const char *method;                              /* search: "race", "gepa", "tgd", … */
    uint64_t max_calls, max_evaluations, max_micros; /* search: its budget */
    int64_t max_time_ms;                             /* search: likewise */
    const char *options; /* JSON object of what else lg.train or lg.optimize knows:
                          * {"patience":3,"accept":"better"}; for training also what lg.optim.tgd
                          * does: {"optimizer":{"momentum":3}} */
} lg_job_config;
LG_API void lg_job_config_init_size(lg_job_config *cfg, size_t size);
static inline void lg_job_config_init(lg_job_config *cfg)
{
    lg_job_config_init_size(cfg, sizeof *cfg);
}
/* *out is the caller's, free with lg_job_free() before its engine. LG_EVENT_PROGRESS tells how far
 * it is, LG_EVENT_END that it is over. What only Lua can tell to be wrong (a field of the options,
 * an example's line) fails the job. LG_EINVAL, LG_EPARSE, LG_EUTF8, LG_ENOMEM */
LG_API int lg_train(lg_engine *e, const lg_job_config *cfg, lg_job **out);
LG_API int lg_search(lg_engine *e, const lg_job_config *cfg, lg_job **out);
LG_API int lg_job_state(const lg_job *j); /* enum lg_state */
/* A JSON object: {"best":{role: text, …},"texts":[…],"seed_score":x,"best_score":x,"stopped":"…",
 * …} and "steps", or "proposals", "spent" and "claim". Of a job that failed or was cancelled what
 * it had reached. NULL: it has not ended, or reached nothing. Owned by the job. len may be NULL */
LG_API const char *lg_job_result(const lg_job *j, size_t *len);
/* The best text so far of parameter i; borrowed until it is asked for again. NULL: no such i */
LG_API const char *lg_job_best(const lg_job *j, size_t i, size_t *len);
/* false unless failed or cancelled. Strings are owned by the job. out may be NULL */
LG_API bool lg_job_error(const lg_job *j, lg_failure *out);
/* It ends soon, with what it has; what is on the wire is broken off. Its END still comes. Nothing
 * when it has ended. */
LG_API void lg_job_cancel(lg_job *j);
LG_API void lg_job_free(lg_job *j); /* cancels it; no event of it comes any more. NULL: nothing */
/* Sets the parameters to the texts that a job's result, or the best.json of a run, has for their
 * roles. → how many were set; LG_EPARSE: it is neither; LG_ENOMEM */
LG_API int lg_params_load(lg_var *const *params, size_t n, const char *json, size_t len);

/* ---- text tools (pure) ------------------------------------------------- */

/* Offset of the first byte that is not UTF-8, or -1. Overlong forms,
 * surrogates and values above U+10FFFF are refused; NUL is allowed. */
LG_API int64_t lg_utf8_check(const char *s, size_t len);
/* A rough count of tokens: bytes/4, at least one a word. Never 0 for text. */
LG_API size_t lg_token_estimate(const char *s, size_t len);
/* The text inside the last <tag>…</tag> that can be an answer, trimmed of one
 * newline at each end. Returns 1 when found, 0 when not. A pair is well-formed
 * when the closing tag follows with no opening of the same tag between. One that
 * stands by itself (at the start of a line or behind a sentence's end) counts
 * before one inside a sentence; tags in backticks, "between <tag> and </tag>" and
 * a pair that holds only dots are talk about the tags and never count. */
LG_API int lg_tag_last(const char *s, size_t len, const char *tag, const char **out,
                       size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
