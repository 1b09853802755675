/* attempts.h - attempts for tests that have no engine: made, and taken back as values. */
#ifndef LG_TEST_ATTEMPTS_H
#define LG_TEST_ATTEMPTS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attempt.h"

typedef struct made_attempt {
    lg_attempt attempt;
    struct made_attempt *next;
} made_attempt;

static made_attempt *made_attempts;

/* load: anything to know it by. */
static inline lg_attempt *attempt_make(lg_mem *m, size_t ceiling, void *load)
{
    made_attempt *one = calloc(1, sizeof *one);
    if (!one)
        abort();
    lg__attempt_init(&one->attempt, m, ceiling);
    one->attempt.load = load;
    one->next = made_attempts;
    made_attempts = one;
    return &one->attempt;
}

/* What one that has ended holds is *out's; false: a is NULL. */
static inline bool attempt_take(lg_attempt *a, lg_attempt *out)
{
    made_attempt **at = &made_attempts;
    if (!a)
        return false;
    while (&(*at)->attempt != a)
        at = &(*at)->next;
    made_attempt *one = *at;
    *at = one->next;
    *out = *a;
    free(one);
    return true;
}

/* Those of this memory that were never taken: cancelled, or never begun. */
static inline void attempts_drop(lg_mem *m)
{
    for (made_attempt **at = &made_attempts; *at;) {
        made_attempt *one = *at;
        if (one->attempt.body.mem != m) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        lg__attempt_free(&one->attempt);
        free(one);
    }
}

/* An answer as it came; body is borrowed, so it is not to be freed. */
static inline lg_attempt attempt_of(lg_mem *m, int status, const char *type, const char *body,
                                    size_t len)
{
    lg_attempt a;
    lg__attempt_init(&a, m, LG_BYTES_MAX);
    a.status = status;
    a.sent = true;
    snprintf(a.content_type, sizeof a.content_type, "%s", type);
    a.body.data = (char *)(uintptr_t)body;
    a.body.len = len;
    return a;
}

#endif
