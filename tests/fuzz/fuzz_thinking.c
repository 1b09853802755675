/* fuzz_thinking.c - what a model thought, parted from its answer, whole and as it grows.
 *
 * The first byte chooses whether the text was cut, and in what steps it comes. Invariants: the
 * answer is an end of the text; thinking and answer are no longer than it (but for the lines that
 * join pieces) and stay UTF-8; what a stream shows is the answer's beginning, unless it is taken
 * back once; nothing is read beyond the text, no block is left. */
#include <stdlib.h>
#include <string.h>

#include "model/thinking.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

/* The text so far, of the exact size: a read beyond it shows. */
static void look(lg_thinking *t, const char *s, size_t len)
{
    char *exact = malloc(len ? len : 1);
    CHECK(exact != NULL);
    memcpy(exact, s, len);
    lg__thinking_look(t, exact, len);
    CHECK(t->from <= len && t->seen <= len);
    free(exact);
}

static void check_growing(const char *s, size_t len, size_t from, size_t step)
{
    lg_thinking t = {.from = 0};
    size_t begin = 0, back = 0;
    bool shown = false;
    for (size_t n = 0; n < len;) {
        n = len - n < step ? len : n + step;
        look(&t, s, n);
        bool now = lg__thinking_is_told(&t) && n > t.from;
        back += now && shown && t.from != begin;
        begin = now ? t.from : begin;
        shown = shown || now;
    }
    CHECK(back <= 1);
    CHECK(!shown || begin == from || begin == 0); /* 0: it is taken back at the end */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    lg_mem m;
    lg_bytes thought;
    size_t len = size - 1, step = 1 + data[0] / 2 % 16;
    char *s = malloc(len ? len : 1);
    CHECK(s != NULL);
    memcpy(s, data + 1, len);
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&thought, &m, LG_BYTES_MAX);
    size_t from = lg__thinking_part(s, len, data[0] & 1, &thought);
    CHECK(from <= len && thought.err == 0 && thought.len <= from);
    if (lg_utf8_check(s, len) < 0) {
        CHECK(lg_utf8_check(s + from, len - from) < 0);
        CHECK(lg_utf8_check(thought.data ? thought.data : "", thought.len) < 0);
    }
    check_growing(s, len, from, step);
    lg__bytes_free(&thought);
    CHECK(m.live_blocks == 0);
    free(s);
    return 0;
}
