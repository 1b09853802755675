/* attempt.h - one attempt of a call: by what it goes, and how it ended.
 *
 * Made by whoever sends it, before it leaves, so that no reply is lost for want of memory.
 * Whatever carries it (a transfer, a process, the host) writes down what came; the
 * scheduler what that was taken for and what it cost; the store keeps both. No copy is
 * made on the way. */
#ifndef LG_ATTEMPT_H
#define LG_ATTEMPT_H

#include "base/bytes.h"
#include "base/fail.h"

struct lg_request;
typedef struct lg_attempt lg_attempt;

typedef struct lg_carrier {
    /* Sets load. 0; LG_ENOMEM, LG_EINVAL (a bad URL): it did not leave. */
    int (*start)(lg_engine *e, lg_attempt *a);
    /* It will not end: nothing of it is touched any more. */
    void (*cancel)(lg_engine *e, lg_attempt *a);
    /* The body as far as it came; borrowed until the loop runs. NULL: it comes as a whole. */
    size_t (*so_far)(const lg_attempt *a, const char **data);
    /* It ends now, with what came: it is the next that has ended. false: it cannot. NULL: none
     * can. */
    bool (*stop)(lg_engine *e, lg_attempt *a);
} lg_carrier;

/* What a server allows in a minute, and what of it is left. */
enum { LG_LIMIT_REQUESTS = 0, LG_LIMIT_TOKENS, LG_LIMIT_INPUT, LG_LIMIT_OUTPUT, LG_LIMITS };

typedef struct lg_server_limit {
    int64_t limit;               /* 0: not said */
    int64_t remaining, reset_ms; /* -1: not said */
} lg_server_limit;

struct lg_attempt {
    struct lg_request *request; /* whose; NULL: it is gone, or there is none */
    const lg_carrier *carrier;
    void *load; /* the carrier's, while it is under way; NULL: it is not */

    /* what came, the carrier's to say */
    int status;    /* 0: no reply */
    lg_bytes body; /* no more than its ceiling */
    char content_type[96], request_id[80], should_retry[8];
    char moved_to[200];     /* Location, without query and secrets; "": none */
    char date[40];          /* the server's clock, as it wrote it; "": not said */
    int64_t retry_after_ms; /* retry-after-ms, Retry-After (seconds, date); -1 */
    int64_t reset_ms;       /* until a limit that is used up, of no kind, is whole again; -1 */
    lg_server_limit limits[LG_LIMITS];
    lg_fail fail; /* code 0: a whole reply arrived */
    bool sent;    /* the whole request was handed to the network */

    /* what it was taken for, the scheduler's to say */
    int64_t now_ms; /* since 1970, when it was read; 0: not known */
    lg_fail said;   /* code 0: a good reply */
    bool has_usage;
    lg_usage usage;
    int64_t micros; /* what it cost; -1: not known */
};

/* Nothing came. The body may have so many bytes. */
void lg__attempt_init(lg_attempt *a, lg_mem *m, size_t ceiling);
void lg__attempt_free(lg_attempt *a); /* what it holds */
/* "" where there is none. */
const char *lg__attempt_body(const lg_attempt *a);
/* Notes that it was ended by us, because it said the same over and over; with what came, so that
 * whoever reads it later knows. */
void lg__attempt_break_off(lg_attempt *a);
bool lg__attempt_is_broken_off(const lg_attempt *a);
/* A whole answer of a status that means well: worth keeping. */
bool lg__attempt_is_whole(const lg_attempt *a);

#endif
