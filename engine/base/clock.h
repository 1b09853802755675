/* clock.h - time in microseconds, real (monotonic) or virtual.
 *
 * Virtual time stands still until lg__clock_advance, so that back-off and
 * time-outs are tested without sleeping. */
#ifndef LG_CLOCK_H
#define LG_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lg_clock {
    bool is_virtual;
    int64_t virtual_us;
} lg_clock;

/* Some 146 000 years. Timers end here at the latest, so that what is due a while after now can
 * always be told: sums of times need no look at their overflow. */
#define LG_CLOCK_END (INT64_MAX / 2)

void lg__clock_init(lg_clock *c, bool is_virtual);
int64_t lg__clock_now(const lg_clock *c);           /* µs */
void lg__clock_advance(lg_clock *c, int64_t to_us); /* virtual only; never back */

#endif
