/* repetition.c - whether a text that grows has begun to say the same over and over.
 *
 * The periods of all ends of a text are told by one pass over it from behind (the borders of
 * Knuth, Morris and Pratt). That is done for the last few thousand bytes, once in some hundred
 * new ones, and only where the very end stands just before it, too: a byte costs little. */
#include "model/repetition.h"

#include <string.h>

enum {
    WINDOW = 4096, /* bytes that are looked at */
    PAUSE = 512,   /* new bytes between two looks */
    TAIL = 16      /* bytes whose return is looked for first */
};

_Static_assert((int)WINDOW >= (int)LG_REPEATS_TIMES * (int)LG_REPEATS_PERIOD, "a loop fits");
_Static_assert((int)WINDOW >= (int)LG_REPEATS_BARE, "a bare one fits into the window, too");

static bool has_letter(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i] | 0x20;
        if ((c >= 'a' && c <= 'z') || c >= 0x80)
            return true;
    }
    return false;
}

/* Whether the last TAIL bytes stand in those that a period may reach back to. */
static bool returns(const char *s, size_t len)
{
    size_t back = len < LG_REPEATS_PERIOD + TAIL ? len : LG_REPEATS_PERIOD + TAIL;
    return len > TAIL && memmem(s + len - back, back - 1, s + len - TAIL, TAIL) != NULL;
}

/* Whether an end of s is a loop; borders: room for len numbers. */
static bool ends_in_loop(const char *s, size_t len, uint16_t *borders)
{
    const char *last = s + len - 1; /* read backwards: last[-i] is its byte i */
    size_t border = 0;
    borders[0] = 0;
    for (size_t i = 1; i < len; i++) {
        while (border > 0 && last[-(ptrdiff_t)i] != last[-(ptrdiff_t)border])
            border = borders[border - 1];

        border += last[-(ptrdiff_t)i] == last[-(ptrdiff_t)border];
        borders[i] = (uint16_t)border;
        size_t n = i + 1, period = n - border;
        if (n >= LG_REPEATS_BYTES && period <= LG_REPEATS_PERIOD &&
            n >= LG_REPEATS_TIMES * period &&
            (n >= LG_REPEATS_BARE || has_letter(s + len - period, period)))
            return true;
    }
    return false;
}

bool lg__repetition_look(lg_repetition *r, const char *s, size_t len)
{
    uint16_t borders[WINDOW];
    if (len < r->seen) /* a server said it once more, from its start */
        r->seen = 0;

    if (len < r->seen + PAUSE || len < LG_REPEATS_BYTES)
        return false;

    size_t window = len < WINDOW ? len : WINDOW;
    r->seen = len;
    return returns(s, len) && ends_in_loop(s + len - window, window, borders);
}
