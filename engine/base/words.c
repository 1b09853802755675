/* words.c - what a text is made of: characters, words, tags.
 *
 * The pure text tools of lunagrad.h. No allocation and no state; the bytes may
 * be anything, a server's or a model's. */
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

#define HIGH_BITS UINT64_C(0x8080808080808080)

typedef unsigned char sixteen __attribute__((vector_size(16)));

/* The length of the ASCII at s, in steps: what is left may begin with some more. */
static size_t ascii_size(const unsigned char *s, size_t len)
{
    uint64_t word[2];
    sixteen x[4];
    size_t n = 0;

    for (; len - n >= sizeof x; n += sizeof x) {
        memcpy(x, s + n, sizeof x);
        x[0] |= x[1] | x[2] | x[3];
        memcpy(word, x, sizeof word);
        if ((word[0] | word[1]) & HIGH_BITS)
            break;
    }
    for (; len - n >= sizeof *word; n += sizeof *word) {
        memcpy(word, s + n, sizeof *word);
        if (*word & HIGH_BITS)
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

/* A tag that a sentence quotes: `<tag>` is talk about the tag, not the tag. */
static bool is_quoted(const char *s, size_t len, size_t from, size_t to)
{
    return from > 0 && s[from - 1] == '`' && to < len && s[to] == '`';
}

/* Marks of Markdown, or blanks of a line. */
static bool is_dressing(char c)
{
    return c == ' ' || c == '\t' || c == '*' || c == '_' || c == '`' || c == '~';
}

/* Whether a sentence runs into what begins at `open`: a word stands before it on its line. */
static bool in_sentence(const char *s, size_t open)
{
    static const char stops[4][4] = {"。", "：", "，", "…"};

    while (open > 0 && is_dressing(s[open - 1]))
        open--;
    if (open == 0 || s[open - 1] == '\n' || s[open - 1] == '\r')
        return false;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        if (open >= 3 && memcmp(s + open - 3, stops[i], 3) == 0)
            return false;
    }
    return !strchr(".,:;!?)]}>#=-|", s[open - 1]) || s[open - 1] == '\0';
}

/* What stands between two tags that are named: "between <tag> and </tag>". */
static bool is_glue(const char *s, size_t len)
{
    static const char *const words[] = {"and", "or", "to", "und", "oder", "et", "ou",
                                        "y",   "e",  "o",  "och", "en",   "и",  "или",
                                        "和",  "与", "或", "到",  "と"};
    size_t from = 0, to = len;

    while (from < to && is_blank(s[from]))
        from++;
    while (to > from && is_blank(s[to - 1]))
        to--;
    if (to - from == len && (len == 0 || !((unsigned char)s[0] & 0x80)))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == to - from && memcmp(words[i], s + from, to - from) == 0)
            return true;
    }
    return false;
}

/* "…" or "...": a form to fill in. */
static bool is_placeholder(const char *s, size_t len)
{
    bool dots = false;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '.')
            dots = true;
        else if (len - i >= 3 && memcmp(s + i, "…", 3) == 0)
            dots = true, i += 2;
        else if (!is_blank(s[i]))
            return false;
    }
    return dots;
}

/* How far a pair can be an answer: 0 not at all, 1 inside a sentence, 2 standing by itself. */
static int pair_rank(const char *s, size_t open, size_t from, size_t to)
{
    bool talk = s[from] != '\n' && s[from] != '\r' && in_sentence(s, open);

    if (is_placeholder(s + from, to - from) || (talk && is_glue(s + from, to - from)))
        return 0;
    return talk ? 1 : 2;
}

int lg_tag_last(const char *s, size_t len, const char *tag, const char **out, size_t *out_len)
{
    size_t tag_len = tag ? strlen(tag) : 0;
    size_t at = 0, open = 0, from = 0, to = 0;
    bool is_open = false;
    int best = 0;

    if (tag_len == 0 || !s)
        return 0;
    while (at < len) {
        const char *angle = memchr(s + at, '<', len - at);
        size_t i;

        if (!angle)
            break;
        i = (size_t)(angle - s);
        at = i + 1;
        if (tag_ends(s + at, len - at, tag, tag_len)) {
            at += tag_len + 1;
            if (!is_quoted(s, len, i, at)) {
                open = at;
                is_open = true;
            }
        } else if (is_open && at < len && s[at] == '/' &&
                   tag_ends(s + at + 1, len - at - 1, tag, tag_len)) {
            int rank = 0;

            at += tag_len + 2;
            if (is_quoted(s, len, i, at))
                continue;
            rank = pair_rank(s, open - tag_len - 2, open, i);
            if (rank > 0 && rank >= best) {
                best = rank;
                from = open;
                to = i;
            }
            is_open = false;
        }
    }
    if (best == 0)
        return 0;
    trim_newlines(s, &from, &to);
    if (out)
        *out = s + from;
    if (out_len)
        *out_len = to - from;
    return 1;
}
