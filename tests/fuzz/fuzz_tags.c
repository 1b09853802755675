/* fuzz_tags.c - the text tools: tags, UTF-8, tokens, trimming, flattening.
 *
 * Each is checked against a slow and obvious version of itself, or against
 * what its header promises. The first byte chooses the token budget. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

static bool starts(const char *s, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

/* Whether the tag of n bytes at `at` stands there and not between backticks. */
static bool tag_at(const char *s, size_t len, size_t at, const char *tag)
{
    size_t end = at + strlen(tag);

    return starts(s + at, len - at, tag) &&
           !(at > 0 && s[at - 1] == '`' && end < len && s[end] == '`');
}

/* The last pair, in the order of what closes it, that is no talk about the tags: there is a
 * <T>, then no other <T> and no </T>, then this </T>. */
static bool slow_pair_before(const char *s, size_t len, size_t end, size_t *from, size_t *to)
{
    for (size_t close = end; close-- > 0;) {
        if (!tag_at(s, len, close, "</T>"))
            continue;
        for (size_t open = close; open-- > 0;) {
            if (tag_at(s, len, open, "</T>"))
                break;
            if (tag_at(s, len, open, "<T>")) {
                *from = open + 3;
                *to = close;
                return true;
            }
        }
    }
    return false;
}

static void check_tags(const char *s, size_t len)
{
    size_t from, to, end = len, out_len = 0;
    const char *out = NULL;
    int found = lg_tag_last(s, len, "T", &out, &out_len);

    CHECK(found == 0 || found == 1);
    while (slow_pair_before(s, len, end, &from, &to)) {
        bool line = from == 3 || s[from - 4] == '\n';

        if (found && out >= s + from && out + out_len <= s + to) {
            CHECK(out - (s + from) <= 2 && (s + to) - (out + out_len) <= 2);
            for (const char *p = s + from; p < out; p++) /* only newlines were taken off */
                CHECK(*p == '\r' || *p == '\n');
            for (const char *p = out + out_len; p < s + to; p++)
                CHECK(*p == '\r' || *p == '\n');
            return;
        }
        /* one that was passed over: not what stands at a line's start and holds a letter */
        CHECK(!line || !memchr(s + from, 'a', to - from));
        end = to;
    }
    CHECK(!found);
}

/* Decodes by arithmetic: 0 when no character stands here. */
static size_t slow_sequence(const unsigned char *s, size_t n)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = s[0] < 0x80       ? 1
                  : s[0] >> 5 == 6  ? 2
                  : s[0] >> 4 == 14 ? 3
                  : s[0] >> 3 == 30 ? 4
                                    : 0;
    uint32_t c;

    if (size < 2 || size > n)
        return size <= n ? size : 0;
    c = s[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if (s[i] >> 6 != 2)
            return 0;
        c = c << 6 | (s[i] & 0x3Fu);
    }
    return c < least[size] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0 : size;
}

static void check_utf8(const char *s, size_t len)
{
    size_t at = 0, size = 1;

    while (at < len && size > 0) {
        size = slow_sequence((const unsigned char *)s + at, len - at);
        at += size;
    }
    CHECK(lg_utf8_check(s, len) == (at < len ? (int64_t)at : -1));
}

static void check_tokens(const char *s, size_t len)
{
    size_t n = lg_token_estimate(s, len), words = 0;

    for (size_t i = 0; i < len; i++)
        words += !memchr(" \t\n\v\f\r", s[i], 6) && (i == 0 || memchr(" \t\n\v\f\r", s[i - 1], 6));
    CHECK(n * 4 >= len && n >= words && (n == words || n * 4 < len + 4));
    CHECK((n == 0) == (len == 0));
}

static void check_trim(lg_mem *m, const char *s, size_t len, size_t tokens)
{
    lg_text *t = lg__text_new(m, s, len), *cut = lg__text_trim(m, t, tokens);
    const char *mark;
    size_t head = 0;

    CHECK(cut && lg_token_estimate(cut->data, cut->len) <= tokens);
    CHECK((cut == t) == (lg_token_estimate(s, len) <= tokens));
    if (lg_utf8_check(s, len) == -1)
        CHECK(lg_utf8_check(cut->data, cut->len) == -1);
    while (head < cut->len && cut->data[head] == s[head])
        head++;
    mark = cut == t ? NULL : memmem(cut->data, cut->len, " characters left out …]", 25);
    if (mark && !memmem(s, len, "…", 3)) { /* what follows the line is the text's own end */
        const char *tail = mark + 25;
        size_t n = (size_t)(cut->data + cut->len - tail);

        CHECK(n > 0 && *tail == '\n');
        if (n > 1 && !(n <= len && memcmp(s + len - n, tail, n) == 0))
            CHECK(memcmp(s + len - (n - 1), tail + 1, n - 1) == 0);
    } else if (!mark && cut != t) {
        CHECK(head == cut->len);
    }
    lg__text_unref(cut);
    lg__text_unref(t);
}

static void check_flatten(char *s, size_t len)
{
    size_t border = lg__text_border(s, len);

    CHECK(border <= len && len - border <= 3);
    if (lg_utf8_check(s, border) == -1 && border < len)
        CHECK(lg_utf8_check(s, len) == (int64_t)border);
    lg__text_flatten(s, len);
    CHECK(lg_utf8_check(s, len) == -1);
    for (size_t i = 0; i < len; i++)
        CHECK((unsigned char)s[i] >= 0x20 && s[i] != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size - 1;
    lg_mem m;
    char *s;

    if (size == 0)
        return 0;
    s = malloc(n ? n : 1);
    CHECK(s != NULL);
    memcpy(s, data + 1, n);
    lg__mem_init(&m, NULL, NULL);
    check_tags(s, n);
    check_utf8(s, n);
    check_tokens(s, n);
    check_trim(&m, s, n, data[0]);
    check_trim(&m, s, n, n / 8);
    check_flatten(s, n);
    CHECK(m.live_blocks == 0);
    free(s);
    return 0;
}
