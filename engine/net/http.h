/* http.h - HTTP transfers over libcurl's multi interface, in shards.
 *
 * The http*.c files are the only ones that see libcurl. No retry, no policy: one
 * transfer is one request on the wire, never sent again behind our back (curl
 * asks before it begins a request, and the second time is refused). Finished
 * transfers wait in a list for lg__http_next; nothing is called back.
 *
 * Time-outs are real time: sockets know no virtual clock. The first byte counts
 * from the start of a transfer on the wire, a 1xx reply is none. Transfers to a
 * host that was not reached yet wait for the first of them to connect. */
#ifndef LG_HTTP_H
#define LG_HTTP_H

#include "base/fail.h"
#include "base/log.h"
#include "base/loop.h"

typedef struct lg_http lg_http;
typedef struct lg_transfer lg_transfer;

typedef struct lg_http_config {
    const char *ca_file, *ca_path, *proxy; /* borrowed until _free; NULL: default */
    bool http2;
    int shard_size; /* transfers a multi handle; 0: 256 */
} lg_http_config;

typedef struct lg_http_request {
    const char *method; /* "POST" or "GET" */
    const char *url;
    const char *headers; /* "Name: value\n" lines */
    const char *body;    /* these three are borrowed until the transfer ends */
    size_t body_len;
    int connect_timeout_ms, first_byte_timeout_ms, total_timeout_ms;
    size_t max_reply_bytes; /* after decompression */
} lg_http_request;

/* What a server allows in a minute, and what of it is left. */
enum { LG_LIMIT_REQUESTS = 0, LG_LIMIT_TOKENS, LG_LIMIT_INPUT, LG_LIMIT_OUTPUT, LG_LIMITS };

typedef struct lg_http_limit {
    int64_t limit;               /* 0: not said */
    int64_t remaining, reset_ms; /* -1: not said */
} lg_http_limit;

typedef struct lg_http_done {
    void *ud;      /* as given to start */
    int status;    /* 0: no reply */
    lg_bytes body; /* owned by the done; moved out by the caller or freed */
    char content_type[96], request_id[80], should_retry[8];
    char moved_to[200];     /* Location, without query and secrets; "": none */
    char date[40];          /* the server's clock, as it wrote it; "": not said */
    int64_t retry_after_ms; /* retry-after-ms, Retry-After (seconds, date); -1 */
    int64_t reset_ms;       /* until a limit that is used up, of no kind, is whole again; -1 */
    lg_http_limit limits[LG_LIMITS];
    lg_fail fail; /* code 0: a whole reply arrived */
    bool sent;    /* the whole request was handed to the network */
} lg_http_done;

int lg__http_new(lg_mem *m, lg_loop *loop, lg_log *log, const lg_http_config *cfg, lg_http **out);
void lg__http_free(lg_http *h); /* frees sockets of what is in flight */
/* 0, LG_ENOMEM, LG_EINVAL (a bad URL). *out is owned by h until lg__http_next gave
 * its done, or cancel. Not to be called from a callback of the loop. */
int lg__http_start(lg_http *h, const lg_http_request *r, void *ud, lg_transfer **out);
/* What came of the body, of a transfer that has not ended. Borrowed until the loop runs. */
size_t lg__http_so_far(const lg_transfer *t, const char **data);
/* Its done will have this ud. */
void lg__http_give(lg_transfer *t, void *ud);
/* Frees the socket at once; the transfer gives no done. */
void lg__http_cancel(lg_transfer *t);
/* false: none. The caller frees with lg__http_done_free. */
bool lg__http_next(lg_http *h, lg_http_done *out);
void lg__http_done_free(lg_http_done *d);
size_t lg__http_active(const lg_http *h); /* h NULL: 0 */ /* started and not finished */

/* Seconds since 1970 of a date as headers have it; -1: none. */
int64_t lg__http_date(const lg_http *h, const char *text);
/* Where certificates are when nothing names others. dir: NULL when it holds none. */
void lg__http_ca(const lg_http *h, const char **dir, const char **file);
/* libcurl's; *tls: its TLS library's, NULL: it knows none. */
const char *lg__http_version(const lg_http *h, const char **tls);

#endif
