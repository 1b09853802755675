/* support.h - what the C tests share: a heap that can fail, the out-of-memory
 * sweep, a seeded generator, and main().
 *
 * All of it is static inline, so a test links with the engine's objects and
 * cmocka and nothing else. It is not for fuzz targets, which have no cmocka.
 *
 *   LG_TEST_FILTER=*oom*   runs only the tests whose names match
 *   LG_TEST_SECONDS=300    the whole program is killed after so long; 0: never */
#ifndef LG_TEST_SUPPORT_H
#define LG_TEST_SUPPORT_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

/* ---- a heap that counts, checks and fails when told ---------------------- */

enum { SUPPORT_LIVE = 0x4c47414c, SUPPORT_DEAD = 0x44454144, SUPPORT_POISON = 0xA5 };

typedef struct support_heap {
    uint64_t calls; /* allocations and growths asked for */
    uint64_t live_blocks, live_bytes;
    uint64_t fail_at; /* the call of this number fails; 0: none */
    bool for_good;    /* … and all after it (persistent); else only it (transient) */
    uint64_t faults;  /* how many were failed */
} support_heap;

/* Bytes behind every block that must stay as they are. None where a sanitizer
 * watches, which then sees the first byte beyond. */
#if defined(__SANITIZE_ADDRESS__)
#define SUPPORT_FENCE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SUPPORT_FENCE 0
#endif
#endif
#ifndef SUPPORT_FENCE
#define SUPPORT_FENCE 8
#endif

typedef union support_block {
    struct {
        size_t size;
        uint32_t mark;
    } of;
    max_align_t align;
} support_block;

/* A broken promise to the allocator is no mere test failure: stop on the spot,
 * so that a debugger or sanitizer shows the caller. */
static inline void support_heap_check(const support_block *b, size_t osize)
{
    if (b->of.mark != SUPPORT_LIVE) {
        fprintf(stderr, "heap: block freed twice, or not of this heap\n");
        abort();
    }
    if (b->of.size != osize) {
        fprintf(stderr, "heap: osize %zu given for a block of %zu\n", osize, b->of.size);
        abort();
    }
}

static inline void support_fence(support_block *b, size_t size, bool check)
{
    unsigned char *fence = (unsigned char *)(b + 1) + size;
    size_t n = SUPPORT_FENCE;

    for (size_t i = 0; i < n; i++) {
        if (check && fence[i] != 0xFE) {
            fprintf(stderr, "heap: written %zu bytes behind a block of %zu\n", i + 1, size);
            abort();
        }
        fence[i] = 0xFE;
    }
}

static inline void support_heap_drop(support_heap *h, support_block *b)
{
    support_fence(b, b->of.size, true);
    h->live_blocks--;
    h->live_bytes -= b->of.size;
    b->of.mark = SUPPORT_DEAD;
    memset(b + 1, SUPPORT_POISON, b->of.size);
    free(b);
}

static inline bool support_heap_fails(support_heap *h)
{
    h->calls++;
    if (h->fail_at == 0 || h->calls < h->fail_at || (h->calls > h->fail_at && !h->for_good))
        return false;
    h->faults++;
    return true;
}

/* An lg_alloc_fn; ud is a support_heap. A growth always moves the block, and
 * new memory is poisoned, so that stale pointers and missing zeros show. */
static inline void *support_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    support_heap *h = ud;
    support_block *old = ptr ? (support_block *)ptr - 1 : NULL;
    support_block *b;

    if (old)
        support_heap_check(old, osize);
    if (nsize == 0) {
        if (old)
            support_heap_drop(h, old);
        return NULL;
    }
    if (support_heap_fails(h))
        return NULL;
    b = malloc(sizeof *b + nsize + SUPPORT_FENCE);
    if (!b)
        return NULL;
    b->of.size = nsize;
    b->of.mark = SUPPORT_LIVE;
    memset(b + 1, SUPPORT_POISON, nsize);
    support_fence(b, nsize, false);
    h->live_blocks++;
    h->live_bytes += nsize;
    if (old) {
        memcpy(b + 1, old + 1, osize < nsize ? osize : nsize);
        support_heap_drop(h, old);
    }
    return b + 1;
}

static inline void support_heap_init(support_heap *h)
{
    memset(h, 0, sizeof *h);
}

/* A heap and an lg_mem on it, for tests of one module. */
static inline void support_mem_init(lg_mem *m, support_heap *h)
{
    support_heap_init(h);
    lg__mem_init(m, support_alloc, h);
}

#define assert_heap_empty(h)                   \
    do {                                       \
        assert_int_equal((h)->live_blocks, 0); \
        assert_int_equal((h)->live_bytes, 0);  \
    } while (0)

/* ---- the out-of-memory sweep --------------------------------------------- */

/* Does the work with allocations from h (pass support_alloc and h on, or
 * support_mem_on) and frees everything. Returns 0 or LG_ENOMEM. */
typedef int (*support_oom_fn)(support_heap *h, void *ctx);

static inline void support_mem_on(lg_mem *m, support_heap *h)
{
    lg__mem_init(m, support_alloc, h);
}

static inline uint64_t support_oom_mode(support_oom_fn run, void *ctx, bool for_good,
                                        uint64_t stride)
{
    uint64_t n = 1, rounds = 0;

    for (;; n += stride) {
        support_heap h;
        int rc;

        support_heap_init(&h);
        h.fail_at = n;
        h.for_good = for_good;
        rc = run(&h, ctx);
        rounds++;
        if (h.live_blocks != 0 || h.live_bytes != 0) {
            fail_msg("call %llu failed (%s): %llu blocks, %llu bytes leaked", (unsigned long long)n,
                     for_good ? "persistent" : "transient", (unsigned long long)h.live_blocks,
                     (unsigned long long)h.live_bytes);
        }
        if (rc != 0 && rc != LG_ENOMEM) {
            fail_msg("call %llu failed (%s): the work returned %d (%s), not ENOMEM",
                     (unsigned long long)n, for_good ? "persistent" : "transient", rc,
                     lg_error_name(rc));
        }
        if (h.faults == 0) {
            if (rc != 0) {
                fail_msg("no allocation failed, yet the work returned %d (%s)", rc,
                         lg_error_name(rc));
            }
            return rounds;
        }
    }
}

/* Runs the work with the 1st, 2nd, 3rd … allocation failing, once and for good,
 * until it comes through without a fault. No block may be left after any
 * round. Swallowing a fault (returning 0) is allowed: what that means for the
 * result is for `run` to assert. At least one fault must have been met. */
static inline void oom_sweep(support_oom_fn run, void *ctx)
{
    assert_true(support_oom_mode(run, ctx, false, 1) > 1);
    assert_true(support_oom_mode(run, ctx, true, 1) > 1);
}

/* The same with only every stride-th allocation tried: for long scenarios,
 * whose sweep is quadratic. Choose a stride that is prime. */
static inline void oom_sweep_by(support_oom_fn run, void *ctx, uint64_t stride)
{
    assert_true(support_oom_mode(run, ctx, false, stride) > 1);
    assert_true(support_oom_mode(run, ctx, true, stride) > 1);
}

/* ---- engines ------------------------------------------------------------- */

/* Defaults for tests: virtual time, a fixed seed, memory from h (NULL: malloc). */
static inline void support_config(lg_config *cfg, support_heap *h)
{
    lg_config_init(cfg);
    cfg->virtual_clock = true;
    cfg->seed = 1;
    if (h) {
        cfg->alloc = support_alloc;
        cfg->alloc_ud = h;
    }
}

/* With LG_TEST_THREAD=1 every engine of a test has a thread of its own. */
static inline bool support_threaded(void)
{
    const char *thread = getenv("LG_TEST_THREAD");

    return thread && *thread == '1';
}

/* Begins a test of what the host's own steps do, or that looks behind the engine's door. */
#define SUPPORT_NO_THREAD()     \
    do {                        \
        if (support_threaded()) \
            skip();             \
    } while (0)

static inline int support_new(const lg_config *cfg, lg_engine **out)
{
    lg_config own;

    if (!cfg || cfg->size != sizeof own || !support_threaded())
        return (lg_engine_new)(cfg, out);
    own = *cfg;
    own.thread = true;
    return (lg_engine_new)(&own, out);
}
#define lg_engine_new(cfg, out) support_new(cfg, out)

int lg__engine_sync(lg_engine *e); /* front_internal.h's */

/* … and what tests expect of a step is done when it returns. */
static inline int support_step(lg_engine *e, int64_t budget_us)
{
    if (support_threaded())
        (void)lg__engine_sync(e);
    return (lg_engine_step)(e, budget_us);
}
#define lg_engine_step(e, budget_us) support_step(e, budget_us)

/* cfg NULL: support_config's. Fails the test when there is no engine. */
static inline lg_engine *support_engine_new(const lg_config *cfg)
{
    lg_config own;
    lg_engine *e = NULL;

    if (!cfg) {
        support_config(&own, NULL);
        cfg = &own;
    }
    assert_int_equal(lg_engine_new(cfg, &e), 0);
    assert_non_null(e);
    return e;
}

/* ---- small things -------------------------------------------------------- */

/* splitmix64: the same numbers everywhere. */
static inline uint64_t support_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* got (of len bytes, need not end in NUL) is the string want */
#define assert_bytes(got, got_len, want)                                                        \
    do {                                                                                        \
        const char *want_ = (want);                                                             \
        const char *got_ = (got);                                                               \
        size_t len_ = (got_len);                                                                \
        if (len_ != strlen(want_) || (len_ && memcmp(got_, want_, len_) != 0))                  \
            fail_msg("got \"%.*s\" (%zu bytes), not \"%s\"", (int)len_, got_ ? got_ : "", len_, \
                     want_);                                                                    \
    } while (0)

static inline void support_start(void)
{
    const char *filter = getenv("LG_TEST_FILTER");
    const char *seconds = getenv("LG_TEST_SECONDS");

    signal(SIGPIPE, SIG_IGN); /* as lunagrad.h asks of a host */
    alarm(seconds ? (unsigned)strtoul(seconds, NULL, 10) : 300u);
    if (filter && *filter)
        cmocka_set_test_filter(filter);
}

#define LG_TEST_MAIN(tests)                                       \
    int main(void)                                                \
    {                                                             \
        support_start();                                          \
        return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0; \
    }

#endif
