/* http_fail.c - what went wrong with a transfer, as a code and in words.
 *
 * It does not decide about retries; it says what is known: whether the same
 * request may work later (retryable) and whether it may have been paid for
 * (ambiguous: all of it had left, and the server did not refuse). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "net/http_internal.h"

#define CANNOT_RESOLVE "Could not resolve proxy: "

typedef struct lg_story {
    int code;
    bool retryable;
    const char *hint;
    char text[640];
} lg_story;

static void tell(lg_story *s, int code, bool retryable, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void tell(lg_story *s, int code, bool retryable, const char *hint, const char *fmt, ...)
{
    va_list ap;

    s->code = code;
    s->retryable = retryable;
    s->hint = hint;
    va_start(ap, fmt);
    vsnprintf(s->text, sizeof s->text, fmt, ap);
    va_end(ap);
}

static int os_error(const lg_transfer *t)
{
    long err = 0;

    if (t->os_error)
        return t->os_error;
    t->http->curl.easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &err);
    return (int)err;
}

/* Resolvers do not say so when it was descriptors they lacked. */
bool lg__http_no_descriptors(const lg_transfer *t)
{
    int fd;

    if (t->os_error == EMFILE || t->os_error == ENFILE)
        return true;
    fd = fcntl(lg__loop_fd(t->http->loop), F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE;
    close(fd);
    return false;
}

/* ---- proxies ------------------------------------------------------------- */

/* curl alone knows which proxy the environment names, and says to whom it wanted to
 * connect: when that is not the URL's host, it was a proxy. "" : it was none. */
static const char *unreached_proxy(const lg_transfer *t, const char *host, char *buf, size_t size)
{
    char name[200];
    int port = 0;
    const char *colon = strrchr(host, ':');

    buf[0] = '\0';
    if (sscanf(t->why, "Failed to connect to %199s port %d", name, &port) != 2)
        return buf;
    if (colon && strchr(colon, ']'))
        colon = NULL;
    if (!strcasestr(host, name) || (colon && strtol(colon + 1, NULL, 10) != port))
        snprintf(buf, size, "%s:%d", name, port);
    return buf;
}

/* Where its last socket was to go. */
static const char *opened_to(const lg_transfer *t, char *ip, size_t size, long *port)
{
    const struct sockaddr_in *v4 = (const void *)&t->to;
    bool six = t->to.sin6_family == AF_INET6;

    *port = ntohs(six ? t->to.sin6_port : v4->sin_port);
    return inet_ntop(six ? AF_INET6 : AF_INET, six ? (const void *)&t->to.sin6_addr : &v4->sin_addr,
                     ip, (socklen_t)size);
}

/* Where the connection went. curl 8.14 does not tell of one that was not completed,
 * and a refused tunnel is none. */
static const char *peer(const lg_transfer *t, char *buf, size_t size)
{
    char *told = NULL, text[INET6_ADDRSTRLEN];
    const char *ip;
    long port = 0;

    t->http->curl.easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &told);
    t->http->curl.easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
    ip = told && *told ? told : t->opened ? opened_to(t, text, sizeof text, &port) : NULL;
    buf[0] = '\0';
    if (ip)
        snprintf(buf, size, strchr(ip, ':') ? " [%s]:%ld" : " %s:%ld", ip, port);
    return buf;
}

static void tell_refused_way(lg_story *s, const lg_transfer *t, long status, const char *host)
{
    char buf[128];
    const char *hint = "check the proxy setting; no_proxy lists hosts that need none";

    if (status == 407)
        hint = "put user name and password into the proxy's URL: http://NAME:PASSWORD@HOST:PORT";
    tell(s, LG_ECONNECT, status >= 500, hint, "the proxy%s gave no way to %s: it answered %ld%s",
         peer(t, buf, sizeof buf), host, status,
         status == 407   ? " (who are you?)"
         : status == 403 ? " (forbidden)"
                         : "");
}

/* What a proxy answered instead of the server; 0: nothing. */
static long refused_way(const lg_transfer *t)
{
    long status = 0;

    t->http->curl.easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300 ? status : t->attempt->status == 407 ? 407 : 0;
}

/* ---- connections --------------------------------------------------------- */

static void tell_connect(lg_story *s, const lg_transfer *t, CURLcode rc, const char *host)
{
    char proxy[256];
    int err = os_error(t);
    const char *by = err ? lg__errno_text(err) : t->why;

    if (lg__http_no_descriptors(t)) {
        tell(s, LG_ECONNECT, true, "raise the limit (ulimit -n) or lower the concurrency",
             "too many open files: no socket left for %s", host);
    } else if (rc == CURLE_COULDNT_RESOLVE_HOST) {
        tell(s, LG_ERESOLVE, true, "check the base URL and the network", "host name not found: %s",
             host);
    } else if (rc == CURLE_COULDNT_RESOLVE_PROXY) {
        tell(s, LG_ERESOLVE, true, "check the proxy setting",
             "the host name of the proxy %s was not found (on the way to %s)",
             strncmp(t->why, CANNOT_RESOLVE, sizeof CANNOT_RESOLVE - 1) == 0
                 ? t->why + sizeof CANNOT_RESOLVE - 1
                 : "",
             host);
    } else if (rc != CURLE_COULDNT_CONNECT) {
        tell(s, LG_ECONNECT, true, "check the proxy setting", "the proxy gave no way to %s: %s",
             host, t->why);
    } else if (*unreached_proxy(t, host, proxy, sizeof proxy)) {
        tell(s, LG_ECONNECT, true,
             "is the proxy running, and its setting right? no_proxy lists hosts that need none",
             "cannot connect to the proxy %s, on the way to %s: %s", proxy, host, by);
    } else {
        tell(s, LG_ECONNECT, true, "is the server running, and is the base URL right?",
             "cannot connect to %s: %s", host, by);
    }
}

static void tell_timeout(lg_story *s, const lg_transfer *t, const char *host)
{
    const lg_http_request *r = &t->req;
    int connect_ms = r->connect_timeout_ms;

    if (r->total_timeout_ms > 0 && (connect_ms <= 0 || r->total_timeout_ms < connect_ms))
        connect_ms = r->total_timeout_ms;
    if (t->stop == LG_ETIMEOUT) {
        tell(s, LG_ETIMEOUT, true, "raise first_byte_timeout_ms if the model may think longer",
             "no first byte from %s within %d ms", host, r->first_byte_timeout_ms);
    } else if (!t->asked) {
        tell(s, LG_ETIMEOUT, true, "is the server up, and the network?",
             "no connection to %s within %d ms", host, connect_ms);
    } else {
        tell(s, LG_ETIMEOUT, true, "raise total_timeout_ms if replies may take longer",
             "no whole reply from %s within %d ms in all", host, r->total_timeout_ms);
    }
}

#define WANTS_CERTIFICATE                                                               \
    "the server asks for a client's certificate, and lunagrad shows none: put a proxy " \
    "that has one before it, or ask for another way in"

static bool wants_certificate(const lg_transfer *t)
{
    const char *at;
    size_t n = lg__url_host(t->req.url, &at);

    return lg__tls_asked(t->http->tls, at, n);
}

static void tell_tls(lg_story *s, const lg_transfer *t, CURLcode rc, const char *host)
{
    const char *why = t->why[0] ? t->why : t->http->curl.easy_strerror(rc);
    const char *problem = lg__tls_problem(t->http->tls), *hint = NULL;
    bool cut = strstr(why, "SSL_ERROR_SYSCALL") || strstr(why, "reset by peer") ||
               strstr(why, "unexpected eof");
    long verified = 0;

    if (rc == CURLE_SSL_CACERT_BADFILE) {
        tell(s, LG_ETLS, false, "check ca_file and ca_path, or install ca-certificates", "TLS: %s",
             problem ? problem : why);
        return;
    }
    t->http->curl.easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    hint = lg__tls_hint(verified);
    if (!hint && rc == CURLE_PEER_FAILED_VERIFICATION)
        hint = "the certificate is for another host: check the base URL";
    if (strstr(why, "wrong version number"))
        hint = "that server speaks plain HTTP: the base URL should begin with http://";
    if (strstr(why, "protocol version") || strstr(why, "unsupported protocol"))
        hint = "that server knows only old TLS; at least TLS 1.2 is needed";
    if (!hint && wants_certificate(t))
        hint = WANTS_CERTIFICATE;
    tell(s, LG_ETLS, rc == CURLE_SSL_CONNECT_ERROR && cut, hint, "TLS with %s failed: %s", host,
         why);
}

static void tell_lost(lg_story *s, const lg_transfer *t, CURLcode rc, const char *host)
{
    const char *where = t->attempt->status ? "inside the reply" : "before a reply";
    bool unread = !t->attempt->status && wants_certificate(t);
    int err = os_error(t);

    /* with TLS 1.3 the refusal comes when the request has left; a reset may swallow it */
    if (unread && strstr(t->why, "certificate required")) {
        tell(s, LG_ETLS, false, WANTS_CERTIFICATE, "TLS with %s failed: %s", host, t->why);
        return;
    }
    if (rc == CURLE_RECV_ERROR && (strstr(t->why, "chunk") || strstr(t->why, "Chunk"))) {
        tell(s, LG_EBADREPLY, true, NULL, "the reply of %s is broken: %s", host, t->why);
    } else if (rc == CURLE_GOT_NOTHING) {
        tell(s, LG_ERESET, true, unread ? WANTS_CERTIFICATE : NULL,
             "%s closed the connection before a reply", host);
    } else {
        tell(s, LG_ERESET, true, unread ? WANTS_CERTIFICATE : NULL, "connection to %s lost %s: %s",
             host, where,
             err         ? lg__errno_text(err)
             : t->why[0] ? t->why
                         : t->http->curl.easy_strerror(rc));
    }
}

/* What a callback of ours ended. */
static void tell_stop(lg_story *s, const lg_transfer *t, const char *host)
{
    if (t->stop == LG_ETIMEOUT) {
        tell_timeout(s, t, host);
    } else if (t->stop == LG_ETOOBIG && t->attempt->body.err == 0) {
        tell(s, LG_ETOOBIG, false, NULL, "the reply headers of %s are too big", host);
    } else if (t->stop == LG_ETOOBIG) {
        tell(s, LG_ETOOBIG, false, "raise max_reply_bytes if such replies are right",
             "the reply of %s is over %zu bytes", host, t->attempt->body.ceiling);
    } else if (t->refused_resend) {
        tell(s, LG_ERESET, true, NULL, "%s closed a kept connection as the request was sent", host);
    } else if (t->stop == LG_ERESET) {
        tell(s, LG_ERESET, true, NULL, "connection to %s given up after an error in libcurl", host);
    } else {
        tell(s, t->stop, false, NULL, "%s (reply of %s)", lg_error_text(t->stop), host);
    }
}

/* What came before any status line was no HTTP. */
static void tell_broken(lg_story *s, const lg_transfer *t, CURLcode rc, const char *host)
{
    const char *why = t->why[0] ? t->why : t->http->curl.easy_strerror(rc);

    if (rc == CURLE_UNSUPPORTED_PROTOCOL || (rc == CURLE_WEIRD_SERVER_REPLY && !t->attempt->status))
        tell(s, LG_EBADREPLY, false, "check the base URL", "%s does not speak HTTP: %s", host, why);
    else
        tell(s, LG_EBADREPLY, true, NULL, "the reply of %s is broken: %s", host, why);
}

static void tell_curl(lg_story *s, const lg_transfer *t, CURLcode rc, const char *host)
{
    const char *why = t->why[0] ? t->why : t->http->curl.easy_strerror(rc);

    if (refused_way(t)) {
        tell_refused_way(s, t, refused_way(t), host);
        return;
    }
    switch ((int)rc) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
        tell_connect(s, t, rc, host);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        tell_timeout(s, t, host);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
        tell_tls(s, t, rc, host);
        break;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_SSL_SHUTDOWN_FAILED:
        tell_lost(s, t, rc, host);
        break;
    case CURLE_PARTIAL_FILE:
        tell(s, LG_ETRUNCATED, true, NULL, "the reply of %s ended before its end", host);
        break;
    case CURLE_WRITE_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        tell_broken(s, t, rc, host);
        break;
    case CURLE_URL_MALFORMAT:
        tell(s, LG_EINVAL, false, "check the base URL", "bad URL (host %s): %s", host, why);
        break;
    case CURLE_OUT_OF_MEMORY:
        tell(s, LG_ENOMEM, false, NULL, "%s (in libcurl)", lg_error_text(LG_ENOMEM));
        break;
    default:
        tell(s, LG_EIO, false, NULL, "request to %s failed: %s", host, why);
        break;
    }
}

void lg__http_explain(lg_transfer *t, CURLcode rc)
{
    lg_http *h = t->http;
    lg_fail *f = &t->attempt->fail;
    lg_story s;
    char host[256];
    const char *at;
    size_t n = lg__url_host(t->req.url, &at);

    if (n >= sizeof host)
        n = sizeof host - 1;
    memcpy(host, at, n);
    host[n] = '\0';
    if (t->stop)
        tell_stop(&s, t, host);
    else
        tell_curl(&s, t, rc, host);
    lg__log_redact(h->log, s.text, strlen(s.text));
    lg__fail_set(f, h->mem, s.code, "%s", s.text);
    if (s.hint)
        lg__fail_hint(f, h->mem, "%s", s.hint);
    f->retryable = s.retryable;
    t->attempt->sent = t->attempt->sent && s.code != LG_ETLS; /* it was not let in */
    f->ambiguous = t->attempt->sent && t->attempt->status < 400;
    f->http_status = t->attempt->status;
    f->retry_after_ms = t->attempt->retry_after_ms;
    memcpy(f->request_id, t->attempt->request_id, sizeof f->request_id);
}
