/* http_headers.c - the few reply headers that matter, out of what curl hands on.
 *
 * One line at a time, any bytes at all. It is not a header store: what is not
 * listed here is gone. */
#include <string.h>
#include <strings.h>

#include "net/http_internal.h"

enum { HEADER_BYTES_MAX = 256 * 1024 };

typedef void (*header_fn)(lg_transfer *t, const char *value, size_t len);

/* Printable ASCII only, cut to fit. */
static void keep(char *to, size_t size, const char *s, size_t len)
{
    size_t i, n = 0;

    for (i = 0; i < len && n + 1 < size; i++) {
        if (s[i] >= 0x20 && s[i] < 0x7f)
            to[n++] = s[i];
    }
    to[n] = '\0';
}

static void on_retry_after_ms(lg_transfer *t, const char *v, size_t len)
{
    int64_t us = lg__limits_seconds(v, len); /* the same digits, a thousandth of the worth */

    if (us >= 0)
        t->attempt->retry_after_ms = (us + 999) / 1000;
}

static void on_retry_after(lg_transfer *t, const char *v, size_t len)
{
    char date[64];
    int64_t ms = lg__limits_seconds(v, len);

    if (t->attempt->retry_after_ms >= 0)
        return; /* the finer one was there first */
    int64_t at = lg__limits_moment(v, len);
    if (at > 0) { /* some mean a moment */
        t->retry_at = (time_t)(at / 1000);
        return;
    }
    if (ms >= 0) {
        t->attempt->retry_after_ms = ms;
        return;
    }
    keep(date, sizeof date, v, len);
    t->retry_at = t->http->curl.getdate(date, NULL);
    if (t->retry_at < 0)
        t->retry_at = 0;
}

static void on_date(lg_transfer *t, const char *v, size_t len)
{
    keep(t->attempt->date, sizeof t->attempt->date, v, len);
}

static void on_request_id(lg_transfer *t, const char *v, size_t len)
{
    if (t->attempt->request_id[0] == '\0')
        keep(t->attempt->request_id, sizeof t->attempt->request_id, v, len);
}

static void on_should_retry(lg_transfer *t, const char *v, size_t len)
{
    keep(t->attempt->should_retry, sizeof t->attempt->should_retry, v, len);
}

/* How far of an address is shown: no user's name, no query, and no path behind a part that
 * is as long as keys are. */
static size_t shown(const char *v, size_t len, size_t host)
{
    enum { LONGEST_PART = 24 };
    size_t n = host, part;

    while (n < len && v[n] == '/') {
        for (part = n + 1; part < len && !strchr("/?#", v[part]); part++)
            continue;
        if (part - n > LONGEST_PART)
            break;
        n = part;
    }
    return n;
}

/* An address, or a path of the same server's. */
static void on_location(lg_transfer *t, const char *v, size_t len)
{
    size_t n = len >= 8 && strncasecmp(v, "https://", 8) == 0  ? 8
               : len >= 7 && strncasecmp(v, "http://", 7) == 0 ? 7
                                                               : 0;

    t->attempt->moved_to[0] = '\0';
    if (n == 0 && (len == 0 || v[0] != '/' || (len > 1 && v[1] == '/')))
        return;
    while (n > 0 && n < len && v[n] != '/' && v[n] != '?' && v[n] != '#' && v[n] != '@')
        n++;
    if (n == len || v[n] != '@')
        keep(t->attempt->moved_to, sizeof t->attempt->moved_to, v, shown(v, len, n));
}

static void on_content_type(lg_transfer *t, const char *v, size_t len)
{
    keep(t->attempt->content_type, sizeof t->attempt->content_type, v, len);
}

static const struct {
    const char *name;
    header_fn fn;
} wanted[] = {
    {"retry-after-ms", on_retry_after_ms},
    {"retry-after", on_retry_after},
    {"date", on_date},
    {"x-request-id", on_request_id},
    {"request-id", on_request_id},
    {"x-generation-id", on_request_id},
    {"x-should-retry", on_should_retry},
    {"content-type", on_content_type},
    {"location", on_location},
};

/* A new reply begins; what a 1xx before it said is forgotten. */
static void on_status_line(lg_transfer *t, const char *line, size_t len)
{
    const char *sp = memchr(line, ' ', len);

    t->interim = sp && sp + 1 < line + len && sp[1] == '1';
    t->attempt->retry_after_ms = -1;
    t->retry_at = 0;
    t->attempt->date[0] = t->attempt->request_id[0] = '\0';
    t->attempt->should_retry[0] = t->attempt->content_type[0] = t->attempt->moved_to[0] = '\0';
    lg__limits_clear(t);
}

static void on_header(lg_transfer *t, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    const char *end = line + len, *v;
    size_t i, n;

    if (!colon)
        return;
    n = (size_t)(colon - line);
    for (v = colon + 1; v < end && (*v == ' ' || *v == '\t'); v++)
        continue;
    while (end > v && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (strlen(wanted[i].name) == n && strncasecmp(line, wanted[i].name, n) == 0) {
            wanted[i].fn(t, v, (size_t)(end - v));
            return;
        }
    }
    lg__limits_header(t, line, n, v, (size_t)(end - v));
}

bool lg__headers_line(lg_transfer *t, const char *line, size_t len)
{
    t->header_bytes += len;
    if (t->header_bytes > HEADER_BYTES_MAX)
        return false;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        on_status_line(t, line, len);
    else if (!t->interim)
        on_header(t, line, len);
    return true;
}

int64_t lg__http_date(const lg_http *h, const char *text)
{
    return text[0] ? (int64_t)h->curl.getdate(text, NULL) : -1;
}

/* By the server's own clock where it tells it: this machine's may be wrong. */
void lg__headers_retry_date(lg_transfer *t)
{
    time_t now = t->attempt->date[0] ? t->http->curl.getdate(t->attempt->date, NULL) : -1;
    int64_t ms;

    if (now < 0)
        now = time(NULL);
    lg__limits_settle(t, (int64_t)now);
    if (t->attempt->retry_after_ms >= 0 || t->retry_at == 0)
        return;
    ms = ((int64_t)t->retry_at - (int64_t)now) * 1000;
    t->attempt->retry_after_ms = ms < 0 ? 0 : ms < LG_SECONDS_MAX_MS ? ms : LG_SECONDS_MAX_MS;
}
