/* rude.c - an HTTP server for tests that misbehaves on request. See rude.h.
 *
 * Blocking reads and writes on a thread for each connection: it is meant to be
 * read, not to be fast. Counters are changed under one lock. */
#include "rude_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- bytes ----------------------------------------------------------------- */

static ssize_t conn_read(conn *c, void *buf, size_t n)
{
    ssize_t got = c->ssl ? SSL_read(c->ssl, buf, (int)n) : recv(c->fd, buf, n, 0);

    if (got > 0) {
        pthread_mutex_lock(&c->r->lock);
        c->r->reads++;
        pthread_mutex_unlock(&c->r->lock);
    }
    return got;
}

bool rude__write(conn *c, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        ssize_t sent = c->ssl ? SSL_write(c->ssl, p, n > 16384 ? 16384 : (int)n)
                              : send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool rude__puts(conn *c, const char *s)
{
    return rude__write(c, s, strlen(s));
}

void rude__reset(conn *c)
{
    struct linger now = {1, 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Sleeps, unless the peer goes away or the server stops. */
bool rude__pause(conn *c, int ms)
{
    struct pollfd p = {c->fd, POLLRDHUP, 0};

    return poll(&p, 1, ms) == 0;
}

/* ---- requests --------------------------------------------------------------- */

static const char *head_value(const char *head, const char *name)
{
    size_t n = strlen(name);
    const char *line;

    for (line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " ");
    }
    return NULL;
}

static void request_kind(conn *c)
{
    const char *path = strchr(c->head, ' '), *eq;
    size_t n;

    c->arg = 0;
    path = path ? path + 2 : "ok ";
    n = strcspn(path, "/ ?");
    if (n == 6 && strncmp(path, "script", 6) == 0) {
        pthread_mutex_lock(&c->r->lock);
        path = c->r->script_at < c->r->script_len ? c->r->script[c->r->script_at++] : "ok";
        pthread_mutex_unlock(&c->r->lock);
        n = strlen(path);
    }
    snprintf(c->kind, sizeof c->kind, "%.*s", (int)n, path);
    eq = strchr(c->kind, '=');
    if (eq) {
        c->arg = strtol(eq + 1, NULL, 10);
        c->kind[eq - c->kind] = '\0';
    }
}

static bool read_head(conn *c)
{
    char *end;

    for (;;) {
        ssize_t got;

        c->head[c->have] = '\0';
        end = strstr(c->head, "\r\n\r\n");
        if (end)
            break;
        if (c->have + 1 >= HEAD_MAX)
            return false;
        got = conn_read(c, c->head + c->have, HEAD_MAX - 1 - c->have);
        if (got <= 0)
            return false;
        c->have += (size_t)got;
        if (c->head[0] == 0x16) { /* a TLS greeting where none is understood */
            rude__puts(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            return false;
        }
    }
    c->head_len = (size_t)(end + 4 - c->head);
    return true;
}

static void count_head(conn *c)
{
    rude *r = c->r;

    pthread_mutex_lock(&r->lock);
    if (strncmp(c->head, "POST ", 5) == 0)
        r->posts++;
    snprintf(r->last_head, sizeof r->last_head, "%.*s", (int)c->head_len, c->head);
    pthread_mutex_unlock(&r->lock);
}

static bool read_body(conn *c)
{
    char saved = c->head[c->head_len];
    const char *v;
    size_t have = c->have - c->head_len;

    c->head[c->head_len] = '\0';
    v = head_value(c->head, "Content-Length");
    c->body_len = v ? strtoul(v, NULL, 10) : 0;
    c->head[c->head_len] = saved;
    c->body = malloc(c->body_len + 1);
    if (!c->body)
        return false;
    if (have > c->body_len)
        have = c->body_len;
    memcpy(c->body, c->head + c->head_len, have);
    while (have < c->body_len) {
        ssize_t got = conn_read(c, c->body + have, c->body_len - have);

        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    c->have = 0; /* nobody pipelines */
    pthread_mutex_lock(&c->r->lock);
    c->r->bodies++;
    pthread_cond_broadcast(&c->r->changed);
    pthread_mutex_unlock(&c->r->lock);
    return true;
}

/* ---- connections ------------------------------------------------------------- */

/* false: the connection is over */
static bool serve(conn *c)
{
    bool kept = false;

    if (!read_head(c))
        return false;
    count_head(c);
    request_kind(c);
    if (strcmp(c->kind, "deaf") == 0 || read_body(c)) {
        c->requests++;
        kept = rude__answer(c);
    }
    free(c->body);
    c->body = NULL;
    return kept;
}

static bool tls_begin(conn *c)
{
    if (!c->r->tls)
        return true;
    c->ssl = SSL_new(c->r->tls);
    return c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_accept(c->ssl) == 1;
}

static void conn_end(conn *c)
{
    rude *r = c->r;

    if (c->ssl) {
        SSL_free(c->ssl);
        ERR_clear_error();
    }
    pthread_mutex_lock(&r->lock);
    r->fds[c->slot] = -1;
    close(c->fd);
    r->open--;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    free(c);
}

static void *conn_main(void *ud)
{
    conn *c = ud;

    if (tls_begin(c)) {
        while (serve(c))
            continue;
    }
    conn_end(c);
    return NULL;
}

static int free_slot(rude *r)
{
    int i;

    for (i = 0; i < CONNS_MAX; i++) {
        if (r->fds[i] < 0)
            return i;
    }
    return -1;
}

static void conn_begin(rude *r, int fd)
{
    conn *c = calloc(1, sizeof *c);
    pthread_attr_t attr;
    pthread_t thread;
    int one = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pthread_mutex_lock(&r->lock);
    if (c)
        c->slot = free_slot(r);
    if (!c || c->slot < 0 || r->stopping) {
        pthread_mutex_unlock(&r->lock);
        free(c);
        close(fd);
        return;
    }
    c->r = r;
    c->fd = fd;
    r->fds[c->slot] = fd;
    r->connections++;
    r->open++;
    pthread_mutex_unlock(&r->lock);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, conn_main, c) != 0)
        conn_end(c);
    pthread_attr_destroy(&attr);
}

static void *accept_main(void *ud)
{
    rude *r = ud;

    for (;;) {
        int fd = accept(r->listener, NULL, NULL);

        if (fd >= 0)
            conn_begin(r, fd);
        else if (errno != EINTR && errno != ECONNABORTED && errno != EMFILE)
            return NULL;
    }
}

/* ---- the server ---------------------------------------------------------------- */

static bool listen_somewhere(rude *r)
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;

    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->listener < 0 || bind(r->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
        listen(r->listener, BACKLOG) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&a, &len) != 0)
        return false;
    r->port = ntohs(a.sin_port);
    return true;
}

static void rude_free(rude *r)
{
    if (r->listener >= 0)
        close(r->listener);
    SSL_CTX_free(r->tls);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

static bool tls_context(rude *r, const char *cert, const char *key)
{
    r->tls = SSL_CTX_new(TLS_server_method());
    return r->tls && SSL_CTX_use_certificate_chain_file(r->tls, cert) == 1 &&
           SSL_CTX_use_PrivateKey_file(r->tls, key, SSL_FILETYPE_PEM) == 1;
}

rude *rude_start_tls(const char *cert_pem, const char *key_pem)
{
    rude *r = calloc(1, sizeof *r);
    int i;

    if (!r)
        return NULL;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    r->listener = -1;
    for (i = 0; i < CONNS_MAX; i++)
        r->fds[i] = -1;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    rude_reply(r, "{\"ok\":true}", "application/json", "X-Request-Id: req-1\r\n");
    if ((cert_pem && !tls_context(r, cert_pem, key_pem)) || !listen_somewhere(r) ||
        pthread_create(&r->thread, NULL, accept_main, r) != 0) {
        rude_free(r);
        return NULL;
    }
    return r;
}

void rude_tls_asks(rude *r, bool newest)
{
    SSL_CTX_set_verify(r->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_max_proto_version(r->tls, newest ? TLS1_3_VERSION : TLS1_2_VERSION);
}

void rude_tls_old(rude *r)
{
    SSL_CTX_set_max_proto_version(r->tls, TLS1_1_VERSION);
    SSL_CTX_set_security_level(r->tls, 0);
}

rude *rude_start(void)
{
    return rude_start_tls(NULL, NULL);
}

void rude_stop(rude *r)
{
    int i;

    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    shutdown(r->listener, SHUT_RDWR);
    for (i = 0; i < CONNS_MAX; i++) {
        if (r->fds[i] >= 0)
            shutdown(r->fds[i], SHUT_RDWR);
    }
    while (r->open > 0)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    rude_free(r);
}

int rude_port(const rude *r)
{
    return r->port;
}

const char *rude_url(const rude *r, const char *path, char *buf, size_t size)
{
    snprintf(buf, size, "%s://127.0.0.1:%d/%s", r->tls ? "https" : "http", r->port, path);
    return buf;
}

void rude_script(rude *r, const char *const *list, size_t n)
{
    pthread_mutex_lock(&r->lock);
    r->script = list;
    r->script_len = n;
    r->script_at = 0;
    pthread_mutex_unlock(&r->lock);
}

void rude_reply(rude *r, const char *body, const char *content_type, const char *headers)
{
    pthread_mutex_lock(&r->lock);
    if (body)
        snprintf(r->body, sizeof r->body, "%s", body);
    if (content_type)
        snprintf(r->type, sizeof r->type, "%s", content_type);
    if (headers)
        snprintf(r->headers, sizeof r->headers, "%s", headers);
    pthread_mutex_unlock(&r->lock);
}

static unsigned counter(rude *r, const unsigned *of)
{
    unsigned n;

    pthread_mutex_lock(&r->lock);
    n = *of;
    pthread_mutex_unlock(&r->lock);
    return n;
}

unsigned rude_posts(rude *r)
{
    return counter(r, &r->posts);
}

unsigned rude_bodies(rude *r)
{
    return counter(r, &r->bodies);
}

unsigned rude_connections(rude *r)
{
    return counter(r, &r->connections);
}

unsigned rude_open(rude *r)
{
    return counter(r, &r->open);
}

unsigned rude_reads(rude *r)
{
    return counter(r, &r->reads);
}

static bool wait_for(rude *r, const unsigned *of, unsigned n, bool at_least, int ms)
{
    struct timespec until;
    bool there;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&r->lock);
    while (!(there = at_least ? *of >= n : *of == n)) {
        if (pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0)
            break;
    }
    pthread_mutex_unlock(&r->lock);
    return there;
}

bool rude_wait_open(rude *r, unsigned n, int ms)
{
    return wait_for(r, &r->open, n, false, ms);
}

bool rude_wait_bodies(rude *r, unsigned n, int ms)
{
    return wait_for(r, &r->bodies, n, true, ms);
}

void rude_last_head(rude *r, char *buf, size_t size)
{
    pthread_mutex_lock(&r->lock);
    snprintf(buf, size, "%s", r->last_head);
    pthread_mutex_unlock(&r->lock);
}
