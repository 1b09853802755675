/* clock.c - time in microseconds, real (monotonic) or virtual. See clock.h. */
#include "base/clock.h"

#include <time.h>

void lg__clock_init(lg_clock *c, bool is_virtual)
{
    c->is_virtual = is_virtual;
    c->virtual_us = 0;
}

int64_t lg__clock_now(const lg_clock *c)
{
    struct timespec now = {0, 0};

    if (c->is_virtual)
        return c->virtual_us;
    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void lg__clock_advance(lg_clock *c, int64_t to_us)
{
    if (c->is_virtual && to_us > c->virtual_us)
        c->virtual_us = to_us;
}
