/* sink.c - text that grows to a ceiling, in memory that is there already. */
#include "worker/worker.h"

#include <string.h>

void lw_sink_add(lw_sink *s, const char *data, size_t n)
{
    size_t room = s->most - s->len;
    if (n > room) {
        n = room;
        s->over = true;
    }
    memcpy(s->data + s->len, data, n);
    s->len += n;
}

void lw_sink_adds(lw_sink *s, const char *text)
{
    lw_sink_add(s, text, strlen(text));
}

void lw_sink_number(lw_sink *s, uint64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    lw_sink_add(s, digits + at, sizeof digits - at);
}

/* How many bytes the character at s has; 0: it is no UTF-8. */
static size_t character(const unsigned char *s, size_t n)
{
    size_t size = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (size == 0 || size > n)
        return 0;

    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool odd = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
    return odd ? 0 : size;
}

static void add_escape(lw_sink *s, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (c == '"' || c == '\\') {
        char two[2] = {'\\', (char)c};
        lw_sink_add(s, two, 2);
    } else if (c == '\n') {
        lw_sink_add(s, "\\n", 2);
    } else if (c == '\t') {
        lw_sink_add(s, "\\t", 2);
    } else if (c < 0x20) {
        lw_sink_add(s, six, 6);
    } else {
        lw_sink_adds(s, "\xef\xbf\xbd");
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

void lw_sink_string(lw_sink *s, const char *data, size_t n)
{
    const unsigned char *at = (const unsigned char *)data, *end = at + n;
    lw_sink_add(s, "\"", 1);
    while (at < end && !s->over) {
        const unsigned char *from = at;
        size_t size;
        while (at < end && is_plain(*at))
            at++;

        while (at < end && *at >= 0x80 && (size = character(at, (size_t)(end - at))) > 0)
            at += size;

        if (at > from)
            lw_sink_add(s, (const char *)from, (size_t)(at - from));
        else
            add_escape(s, *at++);
    }
    lw_sink_add(s, "\"", 1);
}
