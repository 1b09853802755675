/* text.c - immutable counted text, and cutting texts to size. See text.h. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static size_t block_size(size_t len)
{
    return offsetof(lg_text, data) + len + 1;
}

lg_text *lg__text_new(lg_mem *m, const char *s, size_t len)
{
    lg_text *t;

    if (len > LG_BYTES_MAX)
        return NULL;
    t = lg__mem_new(m, block_size(len));
    if (!t)
        return NULL;
    t->mem = m;
    t->len = len;
    t->refs = 1;
    t->media = 0;
    if (len)
        memcpy(t->data, s, len);
    t->data[len] = '\0';
    return t;
}

int lg__text_check(const char *s, size_t len)
{
    if (!s && len)
        return LG_EINVAL;
    if (len > LG_BYTES_MAX)
        return LG_ELIMIT;
    return lg_utf8_check(s, len) < 0 ? LG_OK : LG_EUTF8;
}

lg_text *lg__text_of(lg_bytes *b)
{
    lg_text *t = b->err ? NULL : lg__text_new(b->mem, b->data, b->len);

    lg__bytes_free(b);
    return t;
}

lg_text *lg__text_ref(lg_text *t)
{
    if (t)
        t->refs++;
    return t;
}

void lg__text_unref(lg_text *t)
{
    if (t && --t->refs == 0)
        lg__mem_free(t->mem, t, block_size(t->len));
}

/* ---- cutting ------------------------------------------------------------- */

static bool is_inner(char c) /* a byte that continues a UTF-8 sequence */
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t lg__text_line(const char *s, size_t len)
{
    const char *end = memchr(s, '\n', len);
    return end ? (size_t)(end - s) : len;
}

size_t lg__text_border(const char *s, size_t len)
{
    size_t n = len, lead, size;
    unsigned char c;

    while (n > 0 && len - n < 3 && is_inner(s[n - 1]))
        n--;
    if (n == 0)
        return len; /* no sequence starts here: nothing to spare */
    lead = n - 1;
    c = (unsigned char)s[lead];
    size = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return size > len - lead ? lead : len;
}

/* Bytes of the longest head of at most this many tokens. */
static size_t head_size(const char *s, size_t len, size_t tokens)
{
    size_t most = tokens <= len / 4 ? tokens * 4 : len;
    size_t words = 0, i;
    bool inside = false;

    for (i = 0; i < most; i++) {
        bool blank = is_blank(s[i]);

        if (!blank && !inside && ++words > tokens)
            break;
        inside = !blank;
    }
    while (i > 0 && i < len && is_inner(s[i]))
        i--;
    return i;
}

/* Bytes of the longest tail of at most this many tokens. */
static size_t tail_size(const char *s, size_t len, size_t tokens)
{
    size_t most = tokens <= len / 4 ? tokens * 4 : len;
    size_t words = 0, n;
    bool inside = false;

    for (n = 0; n < most; n++) {
        bool blank = is_blank(s[len - n - 1]);

        if (!blank && !inside && ++words > tokens)
            break;
        inside = !blank;
    }
    while (n > 0 && is_inner(s[len - n]))
        n--;
    return n;
}

static size_t count_characters(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += !is_inner(s[i]);
    return n;
}

/* The line between head and tail, with a newline before and behind. */
static size_t write_marker(char marker[80], size_t characters)
{
    int n = snprintf(marker, 80, "\n[… %zu characters left out …]\n", characters);

    return n > 0 ? (size_t)n : 0;
}

lg_text *lg__text_trim(lg_mem *m, lg_text *t, size_t max_tokens)
{
    char marker[80];
    size_t size, room, head, tail, skip;
    lg_bytes b;

    if (lg_token_estimate(t->data, t->len) <= max_tokens)
        return lg__text_ref(t);
    size = write_marker(marker, t->len); /* the final number is no longer than this one */
    room = lg_token_estimate(marker, size);
    if (max_tokens < room + 2)
        return lg__text_new(m, t->data, head_size(t->data, t->len, max_tokens));
    room = max_tokens - room;
    head = head_size(t->data, t->len, room - room / 2);
    tail = tail_size(t->data, t->len, room / 2);
    size = write_marker(marker, count_characters(t->data + head, t->len - head - tail));
    skip = head && t->data[head - 1] == '\n'; /* no blank lines where the text breaks anyway */
    if (tail && t->data[t->len - tail] == '\n')
        size--;
    lg__bytes_init(&b, m, LG_BYTES_MAX);
    lg__bytes_add(&b, t->data, head);
    lg__bytes_add(&b, marker + skip, size - skip);
    lg__bytes_add(&b, t->data + t->len - tail, tail);
    return lg__text_of(&b);
}

/* ---- one line ------------------------------------------------------------ */

void lg__text_flatten(char *s, size_t len)
{
    size_t at = 0;

    while (at < len) {
        int64_t bad = lg_utf8_check(s + at, len - at);

        if (bad < 0)
            break;
        at += (size_t)bad;
        s[at++] = '?';
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c < 0x20 || c == 0x7F)
            s[i] = ' ';
        else if (c == 0xC2 && i + 1 < len && (unsigned char)s[i + 1] < 0xA0)
            s[i] = s[i + 1] = ' '; /* U+0080 … U+009F also steer terminals */
    }
}
