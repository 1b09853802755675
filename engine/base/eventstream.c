/* eventstream.c - incremental parser of server-sent events. See eventstream.h.
 *
 * Bytes are gathered into lines, lines into an event. A line that lies whole
 * within one piece of input is not copied. The first line may begin with a byte
 * order mark. `id` and `retry` mean nothing to us. */
#include "base/eventstream.h"

#include <string.h>

void lg__sse_init(lg_sse *s, lg_mem *m, size_t ceiling, lg_sse_fn fn, void *ud)
{
    memset(s, 0, sizeof *s);
    lg__bytes_init(&s->line, m, ceiling);
    lg__bytes_init(&s->data, m, ceiling);
    lg__bytes_init(&s->name, m, ceiling);
    s->first = true;
    s->fn = fn;
    s->ud = ud;
}

void lg__sse_free(lg_sse *s)
{
    lg__bytes_free(&s->line);
    lg__bytes_free(&s->data);
    lg__bytes_free(&s->name);
}

static bool is_field(const char *name, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(name, want, len) == 0;
}

static int take_field(lg_sse *s, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    size_t from = colon ? name_len + 1 : len;

    if (from < len && line[from] == ' ')
        from++;
    if (is_field(line, name_len, "data")) {
        if (s->has_data)
            lg__bytes_addc(&s->data, '\n');
        s->has_data = true;
        return lg__bytes_add(&s->data, line + from, len - from);
    }
    if (is_field(line, name_len, "event")) {
        lg__bytes_clear(&s->name);
        return lg__bytes_add(&s->name, line + from, len - from);
    }
    return 0;
}

/* A blank line: the event, if there is data, goes out. */
static int dispatch(lg_sse *s)
{
    int rc = 0;

    if (s->has_data) {
        rc = s->fn(s->ud, s->name.data ? s->name.data : "", s->data.data ? s->data.data : "",
                   s->data.len);
    }
    s->has_data = false;
    lg__bytes_clear(&s->data);
    lg__bytes_clear(&s->name);
    return rc;
}

static int take_line(lg_sse *s, const char *line, size_t len)
{
    if (s->first && len >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        line += 3;
        len -= 3;
    }
    s->first = false;
    if (len == 0)
        return dispatch(s);
    return take_field(s, line, len); /* a comment is a field without a name */
}

/* A line's last piece. Its length counts the same however it was split. */
static int end_line(lg_sse *s, const char *piece, size_t len)
{
    int rc;

    if (s->line.len == 0 && len <= s->line.ceiling)
        return take_line(s, piece, len);
    rc = lg__bytes_add(&s->line, piece, len);
    if (rc == 0)
        rc = take_line(s, s->line.data, s->line.len);
    lg__bytes_clear(&s->line);
    return rc;
}

/* Not two memchr: a stream of lone CRs would be searched for LF to its end at
 * every line. */
static size_t line_size(const char *data, size_t len)
{
    size_t n = 0;

    while (n < len && data[n] != '\n' && data[n] != '\r')
        n++;
    return n;
}

int lg__sse_feed(lg_sse *s, const char *data, size_t len)
{
    size_t at = 0;

    while (s->stopped == 0 && at < len) {
        size_t n;

        if (s->after_cr) {
            s->after_cr = false;
            if (data[at] == '\n') {
                at++;
                continue;
            }
        }
        n = line_size(data + at, len - at);
        if (at + n == len) {
            s->stopped = lg__bytes_add(&s->line, data + at, n);
            break;
        }
        s->after_cr = data[at + n] == '\r';
        s->stopped = end_line(s, data + at, n);
        at += n + 1;
    }
    return s->stopped;
}

int lg__sse_end(lg_sse *s)
{
    if (s->stopped == 0 && s->line.len > 0)
        s->stopped = end_line(s, "", 0);
    if (s->stopped == 0)
        s->stopped = dispatch(s);
    return s->stopped;
}
