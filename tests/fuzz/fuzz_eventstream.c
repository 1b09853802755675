/* fuzz_eventstream.c - the same events however the bytes are split.
 *
 * The first byte of the input chooses the ceiling and where the callback stops.
 * The rest is fed whole, byte by byte, and in pieces whose sizes are taken from
 * the input; and, when short, split in two at every place. Events, codes and
 * the absence of leaks must be equal. */
#include <stdlib.h>
#include <string.h>

#include "base/eventstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

typedef struct seen {
    lg_bytes log;
    size_t ceiling;
    int left; /* events until the callback stops; never at 0 */
} seen;

static int note(void *ud, const char *name, const char *data, size_t len)
{
    seen *s = ud;

    CHECK(name && data && len <= s->ceiling);
    CHECK(!strpbrk(name, "\r\n") && !memchr(data, '\r', len));
    lg__bytes_addf(&s->log, "%zu:%s,%zu:", strlen(name), name, len);
    lg__bytes_add(&s->log, data, len);
    return s->left > 0 && --s->left == 0 ? 4711 : 0;
}

typedef struct run {
    lg_mem m;
    lg_sse sse;
    seen seen;
    int rc;
} run;

static void start(run *r, size_t ceiling, int left)
{
    lg__mem_init(&r->m, NULL, NULL);
    lg__bytes_init(&r->seen.log, &r->m, LG_BYTES_MAX);
    r->seen.ceiling = ceiling;
    r->seen.left = left;
    r->rc = 0;
    lg__sse_init(&r->sse, &r->m, ceiling, note, &r->seen);
}

static void feed(run *r, const char *s, size_t n)
{
    char *copy = malloc(n ? n : 1);
    int rc;

    CHECK(copy != NULL);
    memcpy(copy, s, n);
    rc = lg__sse_feed(&r->sse, copy, n);
    free(copy);
    if (r->rc)
        CHECK(rc == r->rc); /* stopped for good */
    r->rc = rc;
}

static void end(run *r)
{
    int rc = lg__sse_end(&r->sse);

    CHECK(r->rc == 0 || rc == r->rc);
    r->rc = rc;
    CHECK(rc == 0 || rc == 4711 || rc == LG_ELIMIT);
    lg__sse_free(&r->sse);
}

static void finish(run *r)
{
    lg__bytes_free(&r->seen.log);
    CHECK(r->m.live_blocks == 0);
}

static void check_same(run *r, const run *want)
{
    end(r);
    CHECK(r->rc == want->rc);
    CHECK(r->seen.log.len == want->seen.log.len);
    CHECK(r->seen.log.len == 0 ||
          memcmp(r->seen.log.data, want->seen.log.data, r->seen.log.len) == 0);
    finish(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t ceilings[] = {1 << 20, 1 << 20, 64, 7};
    const char *s = (const char *)data + 1;
    size_t n = size - 1, ceiling;
    int left;
    run whole, r;

    if (size == 0)
        return 0;
    ceiling = ceilings[data[0] & 3];
    left = (data[0] >> 2) & 3;
    start(&whole, ceiling, left);
    feed(&whole, s, n);
    end(&whole);

    start(&r, ceiling, left);
    for (size_t i = 0; i < n; i++)
        feed(&r, s + i, 1);
    check_same(&r, &whole);

    start(&r, ceiling, left);
    for (size_t i = 0, k; i < n; i += k) {
        k = 1 + (data[i] & 15);
        if (k > n - i)
            k = n - i;
        feed(&r, s + i, k);
    }
    check_same(&r, &whole);

    for (size_t cut = 1; n <= 200 && cut < n; cut++) {
        start(&r, ceiling, left);
        feed(&r, s, cut);
        feed(&r, s + cut, n - cut);
        check_same(&r, &whole);
    }
    finish(&whole);
    return 0;
}
