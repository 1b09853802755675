/* rude.h - an HTTP server for tests that misbehaves on request.
 *
 * In-process, on a random port of 127.0.0.1, a thread for each connection. The
 * first segment of the path says what it does, so one server can be several
 * kinds of rude at once:  http://127.0.0.1:PORT/close/v1/chat/completions
 *
 *   ok               a reply, connection kept
 *   delay=MS         the same after a while
 *   late=MS          500 after a while
 *   after=MS, lateafter=MS  the two, a while after all requests of the script have come
 *   bye              a reply with "Connection: close"
 *   close            reads the whole request, closes without a reply
 *   rst              … resets
 *   second           ok for the first request of a connection; later ones: close
 *   stale            ok for the first; resets when the next begins to arrive
 *   silent           reads the request, never replies
 *   rsthead rstbody  resets inside the head, inside the body
 *   short            a body cut short of its Content-Length
 *   html             200, text/html
 *   status=N         that status, a JSON error
 *   retry=N retryms=N retrydate=N   429 with Retry-After, retry-after-ms, a date
 *   huge=N           a body of N bytes
 *   bomb=N           N zero bytes, gzipped (about 1:160)
 *   badgzip          says gzip, is not
 *   drip=MS          the body byte by byte
 *   early            100 and 103 before the reply
 *   chunked badchunk cutchunk
 *   bighead=N        N bytes of headers
 *   garbage          no HTTP at all
 *   deaf             does not even read
 *   script           the next of rude_script's list
 *   echo             the request's body is the reply's
 *
 * Not for use outside of tests. Link with pthread and openssl. */
#ifndef LG_TEST_RUDE_H
#define LG_TEST_RUDE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct rude rude;

rude *rude_start(void);                                          /* NULL: it did not work */
rude *rude_start_tls(const char *cert_pem, const char *key_pem); /* names of files */
void rude_tls_asks(rude *r, bool newest); /* for a certificate of the client's; TLS 1.3 or 1.2 */
void rude_tls_old(rude *r);               /* from now on at most TLS 1.1 */
void rude_stop(rude *r);
int rude_port(const rude *r);
/* "http://127.0.0.1:PORT/PATH"; path without the leading slash. */
const char *rude_url(const rude *r, const char *path, char *buf, size_t size);
void rude_script(rude *r, const char *const *kinds, size_t n); /* borrowed until stop */
/* What ok and its like answer; NULL leaves it. headers: "Name: value\r\n" lines */
void rude_reply(rude *r, const char *body, const char *content_type, const char *headers);

unsigned rude_posts(rude *r);                     /* POSTs whose head arrived */
unsigned rude_bodies(rude *r);                    /* requests read to their end */
unsigned rude_connections(rude *r);               /* made so far */
unsigned rude_open(rude *r);                      /* now open */
unsigned rude_reads(rude *r);                     /* read calls that brought request bytes */
bool rude_wait_open(rude *r, unsigned n, int ms); /* until n are open */
bool rude_wait_bodies(rude *r, unsigned n, int ms);
/* The last request's head, cut to fit. */
void rude_last_head(rude *r, char *buf, size_t size);

#endif
