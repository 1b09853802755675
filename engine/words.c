/* words.c - what a text is made of: characters, words, tags.
 *
 * The pure text tools of lunagrad.h. No allocation and no state; the bytes may
 * be anything, a server's or a model's. Called by hosts and by most modules. */
#include <string.h>

#include "lunagrad.h"

/* ---- characters ---------------------------------------------------------- */

/* Length of the UTF-8 sequence at s (n > 0 bytes left), 0 when it is none.
 * The bounds of the second byte exclude overlong forms, surrogates and values
 * above U+10FFFF (Unicode 15, table 3-7). */
static size_t sequence(const unsigned char *s, size_t n)
{
    unsigned char lead = s[0], low = 0x80, high = 0xBF;
    size_t size;

    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead == 0xE0)
        low = 0xA0;
    else if (lead == 0xED)
        high = 0x9F;
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (n < size || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    return size;
}

/* The length of the ASCII at s, in steps: what is left may begin with some more. */
static size_t ascii_size(const unsigned char *s, size_t len)
{
    uint64_t word[4];
    size_t n = 0;

    for (; len - n >= sizeof word; n += sizeof word) {
        memcpy(word, s + n, sizeof word);
        if ((word[0] | word[1] | word[2] | word[3]) & UINT64_C(0x8080808080808080))
            break;
    }
    for (; len - n >= sizeof *word; n += sizeof *word) {
        memcpy(word, s + n, sizeof *word);
        if (*word & UINT64_C(0x8080808080808080))
            break;
    }
    return n;
}

int64_t lg_utf8_check(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t at = s ? ascii_size(u, len) : 0;

    if (!s)
        return len ? 0 : -1;

    while (at < len) {
        size_t size = sequence(u + at, len - at);

        if (size == 0)
            return (int64_t)at;
        at += size;
        if (size == 1)
            at += ascii_size(u + at, len - at);
    }
    return -1;
}

/* ---- words --------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t lg_token_estimate(const char *s, size_t len)
{
    size_t words = 0, by_size = len / 4 + (len % 4 != 0);
    bool inside = false;

    for (size_t i = 0; s && i < len; i++) {
        bool blank = is_blank(s[i]);

        words += !blank && !inside;
        inside = !blank;
    }
    if (!s)
        return 0;
    return words > by_size ? words : by_size;
}

/* ---- tags ---------------------------------------------------------------- */

/* Whether name and > stand at s (n bytes left). */
static bool tag_ends(const char *s, size_t n, const char *tag, size_t tag_len)
{
    return n > tag_len && memcmp(s, tag, tag_len) == 0 && s[tag_len] == '>';
}

/* One newline, LF or CRLF, off each end. */
static void trim_newlines(const char *s, size_t *from, size_t *to)
{
    if (*to - *from >= 2 && s[*from] == '\r' && s[*from + 1] == '\n')
        *from += 2;
    else if (*to > *from && s[*from] == '\n')
        *from += 1;
    if (*to > *from && s[*to - 1] == '\n') {
        *to -= 1;
        if (*to > *from && s[*to - 1] == '\r')
            *to -= 1;
    }
}

int lg_tag_last(const char *s, size_t len, const char *tag, const char **out, size_t *out_len)
{
    size_t tag_len = tag ? strlen(tag) : 0;
    size_t at = 0, open = 0, from = 0, to = 0;
    bool is_open = false, found = false;

    if (tag_len == 0 || !s)
        return 0;
    while (at < len) {
        const char *angle = memchr(s + at, '<', len - at);
        size_t i;

        if (!angle)
            break;
        i = (size_t)(angle - s) + 1;
        at = i;
        if (tag_ends(s + i, len - i, tag, tag_len)) {
            at = open = i + tag_len + 1;
            is_open = true;
        } else if (is_open && i < len && s[i] == '/' &&
                   tag_ends(s + i + 1, len - i - 1, tag, tag_len)) {
            from = open;
            to = i - 1;
            found = true;
            is_open = false;
            at = i + tag_len + 2;
        }
    }
    if (!found)
        return 0;
    trim_newlines(s, &from, &to);
    if (out)
        *out = s + from;
    if (out_len)
        *out_len = to - from;
    return 1;
}
