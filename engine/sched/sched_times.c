/* sched_times.c - how long the replies of a lane took, and how long most of them take. */
#include <stdlib.h>
#include <string.h>

#include "sched/sched_internal.h"

enum { TIMES = 128, ENOUGH = 20, STALE = 8 };
static const int64_t SHORTEST_US = 1000;

struct lg_times { /* the newest of a lane, in µs */
    int64_t us[TIMES];
    size_t n, at;
    size_t news; /* since the quantile was found */
    int percent; /* of the quantile; 0: not found */
    int64_t quantile;
};

void lg__times_note(lg_sched *s, lg_lane *lane, int64_t us)
{
    lane->times = lane->times ? lane->times : lg__mem_zero(s->mem, sizeof *lane->times);
    struct lg_times *t = lane->times;
    if (t) {
        t->us[t->at] = us;
        t->at = (t->at + 1) % TIMES;
        t->n += t->n < TIMES ? 1 : 0;
        t->news++;
    }
}

void lg__times_free(lg_sched *s, lg_lane *lane)
{
    lg__mem_free(s->mem, lane->times, sizeof *lane->times);
    lane->times = NULL;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t lg__times_quantile(struct lg_times *t, int percent)
{
    int64_t sorted[TIMES];
    if (!t || t->n < ENOUGH)
        return -1;

    if (t->percent != percent || t->news >= STALE) {
        memcpy(sorted, t->us, t->n * sizeof *sorted);
        qsort(sorted, t->n, sizeof *sorted, ascending);
        t->quantile = sorted[(t->n * (size_t)percent + 99) / 100 - 1];
        t->percent = percent;
        t->news = 0;
    }
    return t->quantile > SHORTEST_US ? t->quantile : SHORTEST_US;
}
