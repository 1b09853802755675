/* http_internal.h - what the http*.c files share; nobody else includes it.
 *
 * A transfer is in exactly one place: waiting at a gate, flying in a shard, in the
 * list of ended ones, in that of ready ones, or in the pool of spare ones.
 *   http.c          start, cancel, next; the pool; gates
 *   http_url.c      addresses
 *   http_easy.c     the options of a transfer, and curl's callbacks for its bytes
 *   http_shard.c    multi handles, their sockets and timers
 *   http_headers.c  the few reply headers that matter
 *   http_fail.c     what went wrong, in words
 *   http_tls.c      one certificate store for all connections
 *   http_curl.c     loads libcurl
 * curl's callbacks only note things. A shard looks at them when curl has returned and lists
 * what ended; what follows from that (gates, the pool) is done by lg__http_next. */
#ifndef LG_HTTP_INTERNAL_H
#define LG_HTTP_INTERNAL_H

#include <netinet/in.h>
#include <time.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/http.h"
#include "net/http_curl.h"

/* Header lines and curl's list of them. Counted: nearly all requests have the same. */
typedef struct lg_heads {
    char *lines;
    struct curl_slist *list;
    size_t refs;
} lg_heads;

/* An address and curl's reading of it, which takes longer than a request's start should.
 * Counted: nearly all requests go where the one before went. */
typedef struct lg_target {
    char *url;
    CURLU *parts;
    size_t refs;
} lg_target;

typedef struct lg_shard lg_shard;
typedef struct lg_gate lg_gate;
typedef struct lg_tls lg_tls;

enum lg_transfer_state { LG_T_SPARE = 0, LG_T_WAITING, LG_T_FLYING, LG_T_ENDED, LG_T_READY };

struct lg_transfer {
    lg_ring link;    /* first: in a gate, a shard, the ready list or the pool */
    lg_ring silence; /* in shard->silent until the first byte */
    int state;
    lg_http *http;
    lg_shard *shard; /* while flying */
    lg_gate *gate;   /* while waiting there, or flying as the one that opens it */
    CURLcode rc;     /* how it ended, in curl's words */
    CURL *easy;      /* kept from use to use, with the options that never change */
    lg_heads *heads; /* from prepare to done */
    lg_target *target;
    lg_http_request req;
    int64_t started_us, due_us; /* on the wire; when the first byte is overdue */
    size_t header_bytes;
    int opened;                      /* sockets made for it */
    struct sockaddr_in6 to;          /* where the last of them was to go, of either family */
    int os_error;                    /* of socket() */
    int stop;                        /* LG_E* why a callback of ours ended it; 0 */
    bool asked;                      /* its request was begun on a connection */
    bool refused_resend;             /* curl wanted to send it again */
    bool interim;                    /* the header lines now coming are a 1xx's */
    time_t retry_at;                 /* Retry-After as a date; 0: none */
    int64_t resets_at_ms[LG_LIMITS]; /* as a date; 0: none */
    int64_t left, reset_at_ms;       /* of a limit of no kind; -1: not said; 0: as above */
    lg_attempt *attempt;             /* the caller's; not while it is spare */
    char why[CURL_ERROR_SIZE];       /* curl's own words */
};

struct lg_shard {
    lg_http *http;
    CURLM *multi;              /* NULL: retired, made again on demand */
    lg_alarm *curl_alarm;      /* curl's own timer */
    lg_alarm *alarm;           /* first bytes that are overdue; idleness */
    int64_t alarm_us, idle_us; /* when the alarm rings (0: not set); idle since */
    size_t index;
    int flying_count;
    bool doomed;            /* a transfer of it has stop set outside of curl's calls */
    lg_ring flying, silent; /* silent: by due_us */
};

/* A descriptor that curl uses. Those that curl opened through us stay watched
 * while their connection is idle. */
typedef struct lg_socket {
    lg_watch *watch;
    lg_shard *shard;
    bool ours;
} lg_socket;

/* One host. Its first transfer opens the gate (name resolved, connection made);
 * until then the others wait, so that a cold start of thousands does not
 * make a resolver thread each. */
struct lg_gate {
    lg_gate *next;
    char *host;          /* "host:port" as in the URL */
    lg_transfer *opener; /* on the wire to open it; NULL: open or idle */
    int64_t open_until_us;
    lg_ring waiting;
};

struct lg_http {
    lg_mem *mem;
    lg_loop *loop;
    lg_log *log;
    lg_http_config cfg;
    lg_curl curl;
    bool http2;
    bool opened;    /* a gate's opener got through, or an open one still holds some */
    bool rested;    /* a shard was idle and closed */
    lg_clock clock; /* always real time: sockets know no other */
    CURLSH *share;
    lg_tls *tls;
    lg_shard **shards;
    size_t n_shards, cap_shards, room; /* room: shards before it are full */
    lg_socket *sockets;                /* by descriptor */
    size_t n_sockets;
    lg_ring ended, ready, pool;
    lg_ring held;        /* that may begin, and would make a step too long */
    int connecting;      /* flying, and not asked yet */
    uint64_t launched;   /* the loop's turn when one began last */
    int64_t eyeballs_ms; /* when the last of them is looked after */
    size_t active, n_pool;
    lg_heads *heads;   /* of the last request */
    lg_target *target; /* of the last request */
    char encodings[48];
    lg_gate *gates;
};

/* http_url.c */
int lg__target_take(lg_http *h, const char *url, lg_target **out); /* LG_EINVAL: no good one */
void lg__target_unref(lg_http *h, lg_target *target);              /* NULL: nothing */
size_t lg__url_host(const char *url, const char **host);           /* "host:port"; length */

/* http_easy.c */
int lg__easy_new(lg_transfer *t);     /* options that never change */
int lg__easy_prepare(lg_transfer *t); /* those of t->req */
bool lg__easy_sent(lg_transfer *t);
void lg__heads_unref(lg_http *h, lg_heads *heads); /* NULL: nothing */
void lg__encodings_write(lg_http *h);              /* what curl can unpack, as a header line */

/* http_shard.c */
lg_shard *lg__shard_with_room(lg_http *h); /* NULL: memory */
int lg__shard_add(lg_shard *s, lg_transfer *t);
void lg__shard_drive(lg_shard *s); /* does what is due now, as one's start */
void lg__shard_remove(lg_transfer *t);
void lg__shard_stop(lg_transfer *t);
/* flying: it has ended, and well */ /* its socket goes unless reusable */
void lg__shard_first_byte(lg_transfer *t);
void lg__shards_free(lg_http *h);
curl_socket_t lg__socket_open(lg_transfer *t, const struct curl_sockaddr *a);
int lg__socket_close(lg_http *h, curl_socket_t fd);

/* http_headers.c */
bool lg__headers_line(lg_transfer *t, const char *line, size_t len); /* false: too many */
void lg__headers_retry_date(lg_transfer *t); /* retry_at into its attempt, limits' too */

/* http_limits.c */
#define LG_SECONDS_MAX_MS INT64_C(1000000000000)       /* thirty years: no sum of it overflows */
int64_t lg__limits_seconds(const char *s, size_t len); /* "1.5" in ms; -1: no number */
void lg__limits_clear(lg_transfer *t);
/* Whether the header of this name (n bytes) is one of a limit; it is kept then. */
bool lg__limits_header(lg_transfer *t, const char *name, size_t n, const char *v, size_t len);
/* A number that is a moment since 1970, in seconds or milliseconds; in ms, 0: it is none. */
int64_t lg__limits_moment(const char *s, size_t len);
void lg__limits_settle(lg_transfer *t, int64_t now_s); /* dates into time left; by this clock */

/* http_fail.c */
void lg__http_explain(lg_transfer *t, CURLcode rc);
bool lg__http_no_descriptors(const lg_transfer *t); /* the process has none left */

/* http_tls.c */
int lg__tls_new(lg_mem *m, const lg_curl *c, const lg_http_config *cfg, lg_tls **out);
void lg__tls_free(lg_tls *tls);
CURLcode lg__tls_options(lg_tls *tls, CURL *easy);
/* Reads the certificates and makes the keys of a handshake, once. LG_ENOMEM, LG_ETLS */
int lg__tls_preload(lg_tls *tls);
const char *lg__tls_problem(const lg_tls *tls); /* why the store is unusable; NULL: fine */
const char *lg__tls_hint(long verify_result);   /* NULL: none */
/* Whether this host asked for a client's certificate. */
bool lg__tls_asked(const lg_tls *tls, const char *host, size_t n);
void lg__tls_places(const lg_tls *tls, const char **dir, const char **file);

#endif
