/* provider_halves.c - characters that a stream cuts in two.
 *
 * Servers written in JavaScript may cut a text between the surrogates of one character:
 * one event's string ends in \ud83c, the next one's begins with \udf50. Each alone is no
 * text. The first half is taken out of its event and put before the second: on the JSON
 * itself, so that it serves every dialect, and calls' arguments as well as words. A half
 * that stays alone is dropped. */
#include "model/provider_halves.h"

#include <string.h>

enum { ESCAPE = 6 }; /* \uXXXX */

void lg__halves_init(lg_halves *x, lg_mem *m)
{
    memset(x, 0, sizeof *x);
    lg__bytes_init(&x->copy, m, LG_BYTES_MAX);
}

void lg__halves_free(lg_halves *x)
{
    lg__bytes_free(&x->copy);
}

/* Whether s begins with \uD… whose next digit is one of these. */
static bool is_half(const char *s, size_t len, const char *digits)
{
    return len >= ESCAPE && s[0] == '\\' && s[1] == 'u' && (s[2] == 'd' || s[2] == 'D') && s[3] &&
           strchr(digits, s[3]);
}

/* Whether the character at `at` stands behind an even number of backslashes. */
static bool is_plain(const char *s, size_t at)
{
    size_t n = 0;
    while (n < at && s[at - n - 1] == '\\')
        n++;

    return n % 2 == 0;
}

/* Where a string begins with the second half of a character; len: nowhere. */
static size_t find_low(const char *s, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        const char *slash = memchr(s + i, '\\', len - i);
        if (!slash)
            return len;

        i = (size_t)(slash - s);
        if (s[i - 1] == '"' && is_plain(s, i - 1) && is_half(slash, len - i, "cdefCDEF"))
            return i;
    }
    return len;
}

/* Where the last string that ends in the first half of one has it; len: nowhere. */
static size_t find_high(const char *s, size_t len)
{
    size_t found = len;
    for (size_t i = 0; i < len; i++) {
        const char *slash = memchr(s + i, '\\', len - i);
        if (!slash)
            break;

        i = (size_t)(slash - s);
        if (len - i > ESCAPE && s[i + ESCAPE] == '"' && is_half(slash, len - i, "89abAB") &&
            is_plain(s, i))
            found = i;
    }
    return found;
}

int lg__halves_join(lg_halves *x, const char **s, size_t *len)
{
    size_t low = x->high[0] ? find_low(*s, *len) : *len, high = find_high(*s, *len), at = 0;
    if (low == *len && high == *len)
        return LG_OK;

    x->copy.len = 0;
    if (low < *len) {
        lg__bytes_add(&x->copy, *s, low);
        lg__bytes_add(&x->copy, x->high, ESCAPE);
        x->high[0] = '\0';
        at = low;
    }
    if (high < *len && high >= at) {
        lg__bytes_add(&x->copy, *s + at, high - at);
        memcpy(x->high, *s + high, ESCAPE);
        at = high + ESCAPE;
    }
    lg__bytes_add(&x->copy, *s + at, *len - at);
    *s = x->copy.data;
    *len = x->copy.len;
    return x->copy.err;
}
