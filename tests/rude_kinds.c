/* rude_kinds.c - the ways of being rude, a function each; see the list in rude.h. */
#include "rude_internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* ---- replies ---------------------------------------------------------------- */

static bool reply_head(conn *c, int status, const char *type, const char *extra, size_t len)
{
    char head[2048];

    snprintf(head, sizeof head,
             "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
             status < 400 ? "OK" : "No", type, len, extra ? extra : "");
    return rude__puts(c, head);
}

static bool reply(conn *c, int status, const char *type, const char *extra, const char *body)
{
    char out[8192];
    if (strncmp(c->head, "HEAD ", 5) == 0) /* what follows a head alone would end the connection */
        return reply_head(c, status, type, extra, strlen(body));

    int n = snprintf(
        out, sizeof out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
        status, status < 400 ? "OK" : "No", type, strlen(body), extra ? extra : "", body);

    return n > 0 && (size_t)n < sizeof out && rude__write(c, out, (size_t)n);
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
    return rude__pause(c, (int)c->arg) && kind_ok(c);
}

static bool kind_late(conn *c)
{
    return rude__pause(c, (int)c->arg) &&
           reply(c, 500, "application/json", NULL, "{\"error\":{\"message\":\"late\"}}");
}

/* Until all requests of the script are here. */
static bool all_came(conn *c)
{
    int i;

    for (i = 0; i < 1000 && rude_bodies(c->r) < c->r->script_len; i++) {
        if (!rude__pause(c, 10))
            return false;
    }
    return true;
}

static bool kind_after(conn *c)
{
    return all_came(c) && kind_delay(c);
}

static bool kind_lateafter(conn *c)
{
    return all_came(c) && kind_late(c);
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
    rude__reset(c);
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
    rude__reset(c);
    return false;
}

static bool kind_silent(conn *c)
{
    rude__pause(c, 600 * 1000);
    return false;
}

static bool kind_rsthead(conn *c)
{
    rude__puts(c, "HTTP/1.1 200 OK\r\nContent-Ty");
    rude__pause(c, 30);
    rude__reset(c);
    return false;
}

static bool kind_rstbody(conn *c)
{
    reply_head(c, 200, "application/json", NULL, 1000);
    rude__puts(c, "{\"half\":");
    rude__pause(c, 30);
    rude__reset(c);
    return false;
}

static bool kind_short(conn *c)
{
    reply_head(c, 200, "application/json", NULL, 1000);
    rude__puts(c, "{\"half\":");
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

        if (!rude__write(c, block, n))
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
    static const unsigned char head[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    bits b = {out + sizeof head, 0, 0, 0};
    uint32_t crc = crc_of_zeros(zeros);
    size_t left;

    memcpy(out, head, sizeof head);
    put_bits(&b, 1, 1);    /* the last block */
    put_bits(&b, 1, 2);    /* fixed codes */
    put_code(&b, 0x30, 8); /* the byte 0 */
    for (left = zeros - 1; left >= 258; left -= 258) {
        put_code(&b, 0xc5, 8); /* length 258 … */
        put_code(&b, 0, 5);    /* … at distance 1 */
    }
    for (; left > 0; left--)
        put_code(&b, 0x30, 8);
    put_code(&b, 0, 7); /* end of block */
    put_bits(&b, 0, 7); /* out to a whole byte */
    left = sizeof head + b.n;
    memcpy(out + left, &crc, 4); /* little-endian machines only, as the tests are */
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
         rude__write(c, out, n);
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
        if (!rude__write(c, s, 1) || !rude__pause(c, (int)c->arg))
            return false;
    }
    return true;
}

static bool kind_drip(conn *c)
{
    const char *type = c->r->type[0] ? c->r->type : "application/json";
    return reply_head(c, 200, type, NULL, strlen(c->r->body)) && drip_body(c);
}

static bool kind_early(conn *c)
{
    return rude__puts(c, "HTTP/1.1 100 Continue\r\nX-Request-Id: not-this\r\n\r\n") &&
           rude__puts(c, "HTTP/1.1 103 Early Hints\r\nRetry-After: 77\r\nLink: </x>\r\n\r\n") &&
           rude__pause(c, (int)c->arg) && kind_ok(c);
}

static bool chunks(conn *c, const char *text)
{
    return rude__puts(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n") &&
           rude__puts(c, text);
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

    if (!rude__puts(c, "HTTP/1.1 200 OK\r\n"))
        return false;
    memset(line, 'h', sizeof line);
    memcpy(line, "X-A: ", 5);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    for (left = c->arg; left > 0; left -= (long)sizeof line) {
        if (!rude__puts(c, line))
            return false;
    }
    return rude__puts(c, "Content-Length: 2\r\n\r\n{}");
}

static bool kind_garbage(conn *c)
{
    rude__puts(c, "220 smtp.example.org ESMTP at your service\r\n");
    return false;
}

static bool kind_echo(conn *c)
{
    return reply_head(c, 200, "application/json", NULL, c->body_len) &&
           rude__write(c, c->body, c->body_len);
}

static const struct {
    const char *name;
    bool (*fn)(conn *c);
} kinds[] = {
    {"ok", kind_ok},
    {"delay", kind_delay},
    {"late", kind_late},
    {"after", kind_after},
    {"lateafter", kind_lateafter},
    {"bye", kind_bye},
    {"close", kind_close},
    {"rst", kind_rst},
    {"second", kind_second},
    {"stale", kind_stale},
    {"silent", kind_silent},
    {"deaf", kind_silent},
    {"rsthead", kind_rsthead},
    {"rstbody", kind_rstbody},
    {"short", kind_short},
    {"html", kind_html},
    {"status", kind_status},
    {"retry", kind_retry},
    {"retryms", kind_retryms},
    {"retrydate", kind_retrydate},
    {"huge", kind_huge},
    {"bomb", kind_bomb},
    {"badgzip", kind_badgzip},
    {"drip", kind_drip},
    {"early", kind_early},
    {"chunked", kind_chunked},
    {"badchunk", kind_badchunk},
    {"cutchunk", kind_cutchunk},
    {"bighead", kind_bighead},
    {"garbage", kind_garbage},
    {"echo", kind_echo},
};

bool rude__answer(conn *c)
{
    size_t i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, c->kind) == 0)
            return kinds[i].fn(c);
    }
    return false;
}
