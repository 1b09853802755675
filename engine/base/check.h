/* check.h - what must hold, looked at in a debug build (-DLG_DEBUG) and nowhere else.
 *
 * A debug build also begins with the smallest buffers, so that growing is no rare event. It
 * changes no struct: objects of both builds can be linked together. */
#ifndef LG_CHECK_H
#define LG_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef LG_DEBUG
/* Writes the place and the expression to stderr and aborts. */
_Noreturn void lg__check_failed(const char *file, int line, const char *expression);
#define LG_CHECK(x) ((x) ? (void)0 : lg__check_failed(__FILE__, __LINE__, #x))
#define LG_SMALL(usual, debug) (debug)
#else
#define LG_CHECK(x) ((void)(0 && (x))) /* not evaluated, but compiled */
#define LG_SMALL(usual, debug) (usual)
#endif

/* ---- for the walkers (*_check.c) ----------------------------------------------- */

/* An LG_QUEUE_OF(type) is whole: as many as it says, the last one its tail. */
#define LG_CHECK_QUEUE(q, type, next_)                                 \
    do {                                                               \
        size_t n_ = 0;                                                 \
        const type *last_ = NULL;                                      \
        for (const type *one_ = (q)->head; one_; one_ = one_->next_) { \
            LG_CHECK(n_ < (q)->n);                                     \
            n_++;                                                      \
            last_ = one_;                                              \
        }                                                              \
        LG_CHECK(n_ == (q)->n);                                        \
        LG_CHECK(last_ == (q)->tail);                                  \
    } while (0)

/* Two walks that should meet the same things, in whatever order and as often, have the same
 * sum of these. It saves the memory and the time of marks. */
static inline uint64_t lg__check_sum(const void *p)
{
    uint64_t x = (uint64_t)(uintptr_t)p + UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return p ? x ^ (x >> 31) : 0;
}

#endif
