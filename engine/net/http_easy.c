/* http_easy.c - one transfer as curl sees it: its options and its callbacks.
 *
 * Why a request is sent once and never again: when a kept-alive connection dies
 * before the first byte of a reply, libcurl sends the request again by itself,
 * and a model is paid twice. curl asks (CURLOPT_PREREQFUNCTION, 7.80) before it
 * begins a request on a connection, each time; the second time it is refused,
 * unless not one byte of the request had left. This holds for GET, for HTTP/2's
 * refused streams and for every size of body, and the body stays with
 * POSTFIELDS, so that head and body leave in one write (a read callback costs a
 * second one, and an upload buffer for each transfer, on libcurl below 8.7).
 *
 * Handles are kept and not reset: lg__easy_new sets what never changes,
 * lg__easy_prepare all that does. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "net/http_internal.h"

#include "base/check.h"

enum {
    CONNECT_DEFAULT_MS = 10000,
    MAXAGE_CONN_S = 45, /* below the idle limits of load balancers */
    KEEPALIVE_S = 60,   /* below what address translators forget in */
    KEEPALIVE_PROBES = 5,
    RECEIVE_BYTES = LG_SMALL(
        8192, 1024),     /* curl's least; replies are some KB; ten thousand of these are 80 MB */
    UPLOAD_BYTES = 16384 /* TLS needs one; curl's default is 64 KB */
};

/* These two go as header lines, and what is to be unpacked is told to curl as well: lines
 * that curl makes of its options are formatted twice a request, byte by byte. */
#define USER_AGENT "User-Agent: lunagrad/" LG_VERSION
#define ENCODINGS "Accept-Encoding: "

/* ---- callbacks: they note, and call nothing of ours that acts ------------- */

static size_t on_body(char *data, size_t size, size_t n, void *ud)
{
    lg_transfer *t = ud;
    int err = lg__bytes_add(&t->attempt->body, data, size * n);

    if (err == 0)
        return size * n;
    t->stop = err == LG_ELIMIT ? LG_ETOOBIG : LG_ENOMEM;
    return 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *ud)
{
    lg_transfer *t = ud;

    if (!lg__headers_line(t, line, size * n)) {
        t->stop = LG_ETOOBIG;
        return 0;
    }
    if (!t->interim)
        lg__shard_first_byte(t);
    return size * n;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is curl's */
static int on_request(void *ud, char *peer, char *self, int peer_port, int self_port)
{
    lg_transfer *t = ud;
    long bytes = 0;

    (void)peer;
    (void)self;
    (void)peer_port;
    (void)self_port;
    if (!t->asked) {
        t->asked = true;
        t->http->connecting--;
        t->http->opened = t->http->opened || t->gate != NULL;
        return CURL_PREREQFUNC_OK;
    }
    t->http->curl.easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
    if (bytes == 0)
        return CURL_PREREQFUNC_OK; /* the connection was dead before the first byte */
    t->stop = LG_ERESET;
    t->refused_resend = true;
    return CURL_PREREQFUNC_ABORT;
}

static curl_socket_t on_open(void *ud, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    return lg__socket_open(ud, a);
}

/* curl names this option only from 8.9 on, and then sets a number of its own. */
static int on_socket_made(void *ud, curl_socket_t fd, curlsocktype purpose)
{
    int probes = KEEPALIVE_PROBES;

    (void)ud;
    (void)purpose;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    return CURL_SOCKOPT_OK;
}

static int on_close(void *ud, curl_socket_t fd)
{
    return lg__socket_close(ud, fd);
}

/* ---- options -------------------------------------------------------------- */

#define SET(option, value) (rc = rc ? rc : c->easy_setopt(e, option, value))

static CURLcode set_callbacks(lg_transfer *t)
{
    const lg_curl *c = &t->http->curl;
    CURL *e = t->easy;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->why);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_request);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
    SET(CURLOPT_OPENSOCKETDATA, t);
    SET(CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
    SET(CURLOPT_CLOSESOCKETDATA, t->http); /* connections outlive transfers */
    return rc;
}

static CURLcode set_connection(const lg_http *h, CURL *e)
{
    const lg_curl *c = &h->curl;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancel never waits for a resolver's thread */
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    SET(CURLOPT_MAXAGE_CONN, (long)MAXAGE_CONN_S);
    SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
    SET(CURLOPT_SHARE, h->share);
    if (h->cfg.proxy)
        SET(CURLOPT_PROXY, h->cfg.proxy);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return rc;
}

static CURLcode set_http(const lg_http *h, CURL *e)
{
    const lg_curl *c = &h->curl;
    CURLcode rc = CURLE_OK;

    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTP_VERSION,
        h->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_ACCEPT_ENCODING, ""); /* all curl knows; on_body counts what comes out */
    return rc;
}

int lg__easy_new(lg_transfer *t)
{
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    t->easy = t->http->curl.easy_init();
    if (t->easy) {
        rc = set_callbacks(t);
        rc = rc ? rc : set_connection(t->http, t->easy);
        rc = rc ? rc : set_http(t->http, t->easy);
        rc = rc ? rc : lg__tls_options(t->http->tls, t->easy);
    }
    if (rc == CURLE_OK)
        return 0;
    lg__log_line(t->http->log, LG_LOG_ERROR, "libcurl refuses an option: %s",
                 t->http->curl.easy_strerror(rc));
    t->http->curl.easy_cleanup(t->easy);
    t->easy = NULL;
    return rc == CURLE_OUT_OF_MEMORY ? LG_ENOMEM : LG_EIO;
}

void lg__encodings_write(lg_http *h)
{
    static const struct {
        int feature;
        const char *name;
    } known[] = {
        {CURL_VERSION_LIBZ, "gzip"}, {CURL_VERSION_BROTLI, "br"}, {CURL_VERSION_ZSTD, "zstd"}};
    int features = h->curl.version_info(CURLVERSION_NOW)->features;
    size_t i, n = 0;

    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (features & known[i].feature) {
            n += (size_t)snprintf(h->encodings + n, sizeof h->encodings - n, "%s%s",
                                  n > 0 ? ", " : ENCODINGS, known[i].name);
        }
    }
}

/* ---- headers -------------------------------------------------------------- */

static int add_header(const lg_curl *c, lg_heads *heads, const char *line)
{
    struct curl_slist *more = c->slist_append(heads->list, line);

    if (!more)
        return LG_ENOMEM;
    heads->list = more;
    return 0;
}

/* "Name: value\n" lines into curl's list. */
static int add_headers(const lg_curl *c, lg_heads *heads, const char *lines)
{
    char line[2048];
    int err = 0;

    while (*lines && err == 0) {
        size_t len = strcspn(lines, "\r\n");

        if (len >= sizeof line)
            return LG_EINVAL;
        memcpy(line, lines, len);
        line[len] = '\0';
        lines += len;
        lines += strspn(lines, "\r\n");
        if (len > 0)
            err = add_header(c, heads, line);
    }
    return err;
}

static int heads_new(lg_http *h, const char *lines, lg_heads **out)
{
    const lg_curl *c = &h->curl;
    lg_heads *heads = lg__mem_zero(h->mem, sizeof *heads);
    int err;

    if (!heads)
        return LG_ENOMEM;
    heads->refs = 1;
    heads->lines = lg__mem_strdup(h->mem, lines);
    err = heads->lines ? add_headers(c, heads, lines) : LG_ENOMEM;
    err = err ? err : add_header(c, heads, USER_AGENT);
    if (h->encodings[0])
        err = err ? err : add_header(c, heads, h->encodings);
    err = err ? err : add_header(c, heads, "Expect:"); /* never wait for a 100 */
    if (err) {
        lg__heads_unref(h, heads);
        return err;
    }
    *out = heads;
    return 0;
}

void lg__heads_unref(lg_http *h, lg_heads *heads)
{
    if (!heads || --heads->refs > 0)
        return;
    h->curl.slist_free_all(heads->list);
    lg__mem_strfree(h->mem, heads->lines);
    lg__mem_free(h->mem, heads, sizeof *heads);
}

static int heads_take(lg_transfer *t, const char *lines)
{
    lg_http *h = t->http;
    lg_heads *fresh;
    int err;

    lines = lines ? lines : "";
    if (!h->heads || strcmp(h->heads->lines, lines) != 0) {
        err = heads_new(h, lines, &fresh);
        if (err)
            return err;
        lg__heads_unref(h, h->heads);
        h->heads = fresh;
    }
    h->heads->refs++;
    t->heads = h->heads;
    return 0;
}

/* ---- one request ---------------------------------------------------------- */

static long limit_ms(int ms, int otherwise)
{
    return ms > 0 ? ms : otherwise;
}

int lg__easy_prepare(lg_transfer *t)
{
    const lg_http_request *r = &t->req;
    const lg_curl *c = &t->http->curl;
    CURL *e = t->easy;
    CURLcode rc = CURLE_OK;
    int err = heads_take(t, r->headers);

    if (err)
        return err;
    SET(CURLOPT_URL, r->url);
    SET(CURLOPT_CURLU, t->target->parts); /* so that it is not read again */
    SET(CURLOPT_HTTPHEADER, t->heads->list);
    SET(CURLOPT_FRESH_CONNECT, (long)r->fresh);
    if (strcmp(r->method, "POST") != 0) {
        SET(CURLOPT_HTTPGET, 1L); /* it takes a NOBODY back, too */
        if (strcmp(r->method, "HEAD") == 0)
            SET(CURLOPT_NOBODY, 1L);
    } else {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDS, r->body ? r->body : "");
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    }
    SET(CURLOPT_CONNECTTIMEOUT_MS, limit_ms(r->connect_timeout_ms, CONNECT_DEFAULT_MS));
    SET(CURLOPT_TIMEOUT_MS, limit_ms(r->total_timeout_ms, 0));
    return rc == CURLE_OK ? 0 : rc == CURLE_URL_MALFORMAT ? LG_EINVAL : LG_ENOMEM;
}

bool lg__easy_sent(lg_transfer *t)
{
    curl_off_t body = 0;
    long bytes = 0;

    if (t->refused_resend)
        return true; /* how much of it is not known: think the worst */
    if (!t->asked)
        return false;
    if (t->req.body_len == 0) {
        t->http->curl.easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &bytes);
        return bytes > 0;
    }
    t->http->curl.easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &body);
    return body >= (curl_off_t)t->req.body_len;
}
