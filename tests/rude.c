/* rude.c - an HTTP server for tests that misbehaves on request. See rude.h.
 *
 * Blocking reads and writes on a thread for each connection: it is meant to be
 * read, not to be fast. Counters are changed under one lock. */
#include "rude.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 64 * 1024, STACK = 256 * 1024, BACKLOG = 1024, CONNS_MAX = 4096 };

struct rude {
    int listener, port;
    SSL_CTX *tls;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    unsigned posts, bodies, connections, open, reads;
    int fds[CONNS_MAX];
    const char *const *script;
    size_t script_len, script_at;
    char body[4096], type[128], headers[1024], last_head[4096];
};

typedef struct conn {
    rude *r;
    int fd, slot;
    SSL *ssl;
    unsigned requests;       /* on this connection */
    char head[HEAD_MAX];
    size_t have, head_len;   /* bytes read; length of the head */
    char *body;
    size_t body_len;
    char kind[64];
    long arg;
} conn;

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

static bool conn_write(conn *c, const void *data, size_t n)
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

static bool conn_puts(conn *c, const char *s)
{
    return conn_write(c, s, strlen(s));
}

static void conn_reset(conn *c)
{
    struct linger now = { 1, 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* Sleeps, unless the peer goes away or the server stops. */
static bool conn_pause(conn *c, int ms)
{
    struct pollfd p = { c->fd, POLLRDHUP, 0 };

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
            conn_puts(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
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

/* ---- replies ---------------------------------------------------------------- */

static bool reply_head(conn *c, int status, const char *type, const char *extra, size_t len)
{
    char head[2048];

    snprintf(head, sizeof head,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
             status < 400 ? "OK" : "No", type, len, extra ? extra : "");
    return conn_puts(c, head);
}

static bool reply(conn *c, int status, const char *type, const char *extra, const char *body)
{
    char out[8192];
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                     status < 400 ? "OK" : "No", type, strlen(body), extra ? extra : "", body);

    return n > 0 && (size_t)n < sizeof out && conn_write(c, out, (size_t)n);
}

static bool kind_ok(conn *c)
{
    rude *r = c->r;
    char body[4096], type[128], headers[1024];

    pthread_mutex_lock(&r->lock);
    memcpy(body, r->body, sizeof body);
    memcpy(type, r->type, sizeof type);
    memcpy(headers, r->headers, sizeof headers);
    pthread_mutex_unlock(&r->lock);
    return reply(c, 200, type, headers, body);
}

static bool kind_delay(conn *c)
{
    return conn_pause(c, (int)c->arg) && kind_ok(c);
}

static bool kind_bye(conn *c)
{
    reply(c, 200, "application/json", "Connection: close\r\n", "{\"bye\":true}");
    return false;
}

static bool kind_close(conn *c)
{
    (void)c;
    return false;
}

static bool kind_rst(conn *c)
{
    conn_reset(c);
    return false;
}

static bool kind_second(conn *c)
{
    return c->requests == 1 && kind_ok(c);
}

/* The next request is counted, but not read. */
static bool kind_stale(conn *c)
{
    char begin[5];
    ssize_t got;

    if (!kind_ok(c))
        return false;
    got = recv(c->fd, begin, sizeof begin, MSG_PEEK);
    if (got == (ssize_t)sizeof begin && memcmp(begin, "POST ", 5) == 0) {
        pthread_mutex_lock(&c->r->lock);
        c->r->posts++;
        pthread_mutex_unlock(&c->r->lock);
    }
    conn_reset(c);
    return false;
}

static bool kind_silent(conn *c)
{
    conn_pause(c, 600 * 1000);
    return false;
}

static bool kind_rsthead(conn *c)
{
    conn_puts(c, "HTTP/1.1 200 OK\r\nContent-Ty");
    conn_pause(c, 30);
    conn_reset(c);
    return false;
}

static bool kind_rstbody(conn *c)
{
    reply_head(c, 200, "application/json", NULL, 1000);
    conn_puts(c, "{\"half\":");
    conn_pause(c, 30);
    conn_reset(c);
    return false;
}

static bool kind_short(conn *c)
{
    reply_head(c, 200, "application/json", NULL, 1000);
    conn_puts(c, "{\"half\":");
    return false;
}

static bool kind_html(conn *c)
{
    return reply(c, 200, "text/html; charset=utf-8", NULL, "<html><body>hello</body></html>");
}

static bool kind_status(conn *c)
{
    return reply(c, (int)c->arg, "application/json", c->r->headers,
                 "{\"error\":{\"message\":\"no\"}}");
}

static bool kind_retry(conn *c)
{
    char extra[128];

    snprintf(extra, sizeof extra, "Retry-After: %ld\r\n", c->arg);
    return reply(c, 429, "application/json", extra, "{\"error\":{\"message\":\"slow down\"}}");
}

static bool kind_retryms(conn *c)
{
    char extra[128];

    snprintf(extra, sizeof extra, "retry-after-ms: %ld\r\nRetry-After: 99\r\n", c->arg);
    return reply(c, 429, "application/json", extra, "{\"error\":{\"message\":\"slow down\"}}");
}

static bool kind_retrydate(conn *c)
{
    char extra[256], now[64], then[64];
    time_t t = time(NULL) - 5000, later = t + c->arg; /* its clock is wrong, both alike */
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(now, sizeof now, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    gmtime_r(&later, &tm);
    strftime(then, sizeof then, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    snprintf(extra, sizeof extra, "Retry-After: %s\r\nDate: %s\r\n", then, now);
    return reply(c, 429, "application/json", extra, "{\"error\":{\"message\":\"slow down\"}}");
}

static bool kind_huge(conn *c)
{
    char block[65536];
    size_t left = (size_t)c->arg;

    memset(block, 'x', sizeof block);
    if (!reply_head(c, 200, "application/json", NULL, left))
        return false;
    while (left > 0) {
        size_t n = left < sizeof block ? left : sizeof block;

        if (!conn_write(c, block, n))
            return false;
        left -= n;
    }
    return true;
}

/* -- gzip of zeros, by hand: one literal, then runs of 258 in fixed codes -- */

typedef struct bits {
    unsigned char *data;
    size_t n;
    unsigned acc, count;
} bits;

static void put_bits(bits *b, unsigned value, unsigned n)
{
    b->acc |= value << b->count;
    for (b->count += n; b->count >= 8; b->count -= 8) {
        b->data[b->n++] = (unsigned char)b->acc;
        b->acc >>= 8;
    }
}

/* Huffman codes go highest bit first. */
static void put_code(bits *b, unsigned code, unsigned n)
{
    while (n-- > 0)
        put_bits(b, (code >> n) & 1u, 1);
}

static uint32_t crc_of_zeros(size_t n)
{
    uint32_t table[256], crc = 0xffffffffu;
    unsigned i, k;

    for (i = 0; i < 256; i++) {
        table[i] = i;
        for (k = 0; k < 8; k++)
            table[i] = table[i] & 1u ? 0xedb88320u ^ (table[i] >> 1) : table[i] >> 1;
    }
    while (n-- > 0)
        crc = table[crc & 255u] ^ (crc >> 8);
    return crc ^ 0xffffffffu;
}

static size_t gzip_zeros(unsigned char *out, size_t zeros)
{
    static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
    bits b = { out + sizeof head, 0, 0, 0 };
    uint32_t crc = crc_of_zeros(zeros);
    size_t left;

    memcpy(out, head, sizeof head);
    put_bits(&b, 1, 1);              /* the last block */
    put_bits(&b, 1, 2);              /* fixed codes */
    put_code(&b, 0x30, 8);           /* the byte 0 */
    for (left = zeros - 1; left >= 258; left -= 258) {
        put_code(&b, 0xc5, 8);       /* length 258 … */
        put_code(&b, 0, 5);          /* … at distance 1 */
    }
    for (; left > 0; left--)
        put_code(&b, 0x30, 8);
    put_code(&b, 0, 7);              /* end of block */
    put_bits(&b, 0, 7);              /* out to a whole byte */
    left = sizeof head + b.n;
    memcpy(out + left, &crc, 4);     /* little-endian machines only, as the tests are */
    crc = (uint32_t)zeros;
    memcpy(out + left + 4, &crc, 4);
    return left + 8;
}

static bool kind_bomb(conn *c)
{
    size_t zeros = c->arg > 0 ? (size_t)c->arg : 1, n;
    unsigned char *out = malloc(zeros / 100 + 1024);
    bool ok;

    if (!out)
        return false;
    n = gzip_zeros(out, zeros);
    ok = reply_head(c, 200, "application/json", "Content-Encoding: gzip\r\n", n) &&
         conn_write(c, out, n);
    free(out);
    return ok;
}

static bool kind_badgzip(conn *c)
{
    return reply(c, 200, "application/json", "Content-Encoding: gzip\r\n", "this is no gzip");
}

static bool drip_body(conn *c)
{
    const char *s;

    for (s = c->r->body; *s; s++) {
        if (!conn_write(c, s, 1) || !conn_pause(c, (int)c->arg))
            return false;
    }
    return true;
}

static bool kind_drip(conn *c)
{
    return reply_head(c, 200, "application/json", NULL, strlen(c->r->body)) && drip_body(c);
}

static bool kind_early(conn *c)
{
    return conn_puts(c, "HTTP/1.1 100 Continue\r\nX-Request-Id: not-this\r\n\r\n") &&
           conn_puts(c, "HTTP/1.1 103 Early Hints\r\nRetry-After: 77\r\nLink: </x>\r\n\r\n") &&
           conn_pause(c, (int)c->arg) && kind_ok(c);
}

static bool chunks(conn *c, const char *text)
{
    return conn_puts(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n") &&
           conn_puts(c, text);
}

static bool kind_chunked(conn *c)
{
    return chunks(c, "5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n");
}

static bool kind_badchunk(conn *c)
{
    chunks(c, "5\r\n{\"a\":\r\nzzz\r\n1}\r\n0\r\n\r\n");
    return false;
}

static bool kind_cutchunk(conn *c)
{
    chunks(c, "5\r\n{\"a\":\r\n");
    return false;
}

static bool kind_bighead(conn *c)
{
    char line[1100];
    long left;

    if (!conn_puts(c, "HTTP/1.1 200 OK\r\n"))
        return false;
    memset(line, 'h', sizeof line);
    memcpy(line, "X-A: ", 5);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    for (left = c->arg; left > 0; left -= (long)sizeof line) {
        if (!conn_puts(c, line))
            return false;
    }
    return conn_puts(c, "Content-Length: 2\r\n\r\n{}");
}

static bool kind_garbage(conn *c)
{
    conn_puts(c, "220 smtp.example.org ESMTP at your service\r\n");
    return false;
}

static bool kind_echo(conn *c)
{
    return reply_head(c, 200, "application/json", NULL, c->body_len) &&
           conn_write(c, c->body, c->body_len);
}

static const struct {
    const char *name;
    bool (*fn)(conn *c);
} kinds[] = {
    { "ok", kind_ok },             { "delay", kind_delay },         { "bye", kind_bye },
    { "close", kind_close },       { "rst", kind_rst },             { "second", kind_second },
    { "stale", kind_stale },       { "silent", kind_silent },       { "rsthead", kind_rsthead },
    { "rstbody", kind_rstbody },   { "short", kind_short },         { "html", kind_html },
    { "status", kind_status },     { "retry", kind_retry },         { "retryms", kind_retryms },
    { "retrydate", kind_retrydate }, { "huge", kind_huge },         { "bomb", kind_bomb },
    { "badgzip", kind_badgzip },   { "drip", kind_drip },           { "early", kind_early },
    { "chunked", kind_chunked },   { "badchunk", kind_badchunk },   { "cutchunk", kind_cutchunk },
    { "bighead", kind_bighead },   { "garbage", kind_garbage },     { "echo", kind_echo },
};

/* ---- connections ------------------------------------------------------------- */

/* false: the connection is over */
static bool serve(conn *c)
{
    size_t i;
    bool kept = false;

    if (!read_head(c))
        return false;
    count_head(c);
    request_kind(c);
    if (strcmp(c->kind, "deaf") == 0)
        return kind_silent(c);
    if (!read_body(c)) {
        free(c->body);
        return false;
    }
    c->requests++;
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, c->kind) == 0)
            kept = kinds[i].fn(c);
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
    struct sockaddr_in a = { 0 };
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
