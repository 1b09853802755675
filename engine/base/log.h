/* log.h - lines for the host's log, with secrets taken out.
 *
 * Stars out, length unchanged: every secret registered with lg__log_secret,
 * wherever it stands and also as JSON or a URL would escape it; and, whether
 * registered or not, the value behind Authorization, api-key (x-api-key,
 * x-goog-api-key, api_key, apikey), ?key= and &key=, as header, query or JSON. */
#ifndef LG_LOG_H
#define LG_LOG_H

#include "base/bytes.h"

typedef struct lg_log {
    lg_mem *mem;
    lg_log_fn fn;
    void *ud;
    int level;
    char **secrets; /* owned copies */
    size_t n_secrets, cap_secrets;
    void *lock;                  /* a pthread_mutex_t: lines wait for lg__log_deliver; NULL: none */
    struct lg_log_wait *waiting; /* the oldest first */
    struct lg_log_wait *last;
    size_t n_waiting, n_lost;
    bool delivers; /* fn runs, on the host's thread */
} lg_log;

void lg__log_init(lg_log *l, lg_mem *m, lg_log_fn fn, void *ud, int level);
int lg__log_secret(lg_log *l, const char *secret); /* shorter than 6: ignored */
/* One line; control characters become spaces, and its end is cut off when it is
 * longer than 2,000 bytes. Needs no memory. */
void lg__log_line(lg_log *l, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Whether a line of this level is heard by anybody. l may be NULL. */
static inline bool lg__log_hears(const lg_log *l, int level)
{
#ifdef LG_QUIET /* to measure what asking costs: benchmarks/run.sh log */
    if (level == LG_LOG_DEBUG)
        return false;
#endif
    return l && level <= l->level && l->fn;
}
/* A state changed: "request 17 openai/gpt-4o-mini: queued -> sent (try 1)", that is what and
 * which, from, to, and more in brackets; no texts and no keys. Where nobody hears it, not even
 * the arguments are evaluated. */
#define LG_TRACE(log, ...)                                \
    do {                                                  \
        if (lg__log_hears(log, LG_LOG_DEBUG))             \
            lg__log_line(log, LG_LOG_DEBUG, __VA_ARGS__); \
    } while (0)
/* Where two threads write: what waits is told, by the thread that calls. */
void lg__log_deliver(lg_log *l);
/* The same redaction for texts that leave otherwise (error messages). In place. */
void lg__log_redact(lg_log *l, char *s, size_t len);
void lg__log_free(lg_log *l);

#endif
