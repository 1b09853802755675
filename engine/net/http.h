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

#include "base/attempt.h"
#include "base/log.h"
#include "base/loop.h"

typedef struct lg_http lg_http;
typedef struct lg_transfer lg_transfer;

typedef struct lg_http_config {
    const char *ca_file, *ca_path, *proxy; /* borrowed until _free; NULL: default */
    bool http2;
    int shard_size; /* transfers a multi handle; 0: 256 */
    lg_door *door;  /* libcurl works outside of it; NULL: none */
} lg_http_config;

typedef struct lg_http_request {
    const char *method; /* "POST", "GET" or "HEAD" */
    const char *url;
    const char *headers; /* "Name: value\n" lines */
    const char *body;    /* these three are borrowed until the transfer ends */
    size_t body_len;
    int connect_timeout_ms, first_byte_timeout_ms, total_timeout_ms;
    bool fresh; /* on a connection of its own, that others may use later */
} lg_http_request;

int lg__http_new(lg_mem *m, lg_loop *loop, lg_log *log, const lg_http_config *cfg, lg_http **out);
void lg__http_free(lg_http *h); /* frees sockets of what is in flight */
/* What the first request over TLS would have to do, and cannot be cut: tens of ms.
 * LG_ENOMEM; LG_ETLS with *why (borrowed): there are no certificates. */
int lg__http_preload(lg_http *h, const char **why);
/* 0, LG_ENOMEM, LG_EINVAL (a bad URL). a, with room for the reply after decompression, is
 * written to until lg__http_next gave it, or cancel; *out is h's as long. Not to be called
 * from a callback of the loop. */
int lg__http_start(lg_http *h, const lg_http_request *r, lg_attempt *a, lg_transfer **out);
/* What came of the body, of a transfer that has not ended. Borrowed until the loop runs. */
size_t lg__http_so_far(const lg_transfer *t, const char **data);
/* Frees the socket at once; its attempt has no end. */
void lg__http_cancel(lg_transfer *t);
/* Ends it with what came, as a whole reply. false: it is not on the wire. */
bool lg__http_stop(lg_transfer *t);
/* One that has ended; NULL: none. */
lg_attempt *lg__http_next(lg_http *h);
/* A step that had no more time left some that may begin now. h NULL: none */
bool lg__http_is_due(const lg_http *h);
size_t lg__http_active(const lg_http *h); /* h NULL: 0 */ /* started and not finished */

/* Seconds since 1970 of a date as headers have it; -1: none. */
int64_t lg__http_date(const lg_http *h, const char *text);
/* Where certificates are when nothing names others. dir: NULL when it holds none. */
void lg__http_ca(const lg_http *h, const char **dir, const char **file);
/* libcurl's; *tls: its TLS library's, NULL: it knows none. */
const char *lg__http_version(const lg_http *h, const char **tls);

#endif
