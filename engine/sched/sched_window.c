/* sched_window.c - the attempts of the last minute: how many of them were retries. */
#include <string.h>

#include "sched/sched_internal.h"

enum { BUDGET_FLOOR = 10, BUDGET_PART = 10 };

static void window_turn(lg_window *w, int64_t now_us)
{
    int64_t second = now_us / 1000000;
    if (second - w->second >= LG_WINDOW_SECONDS) {
        memset(w, 0, sizeof *w);
        w->second = second;
    }
    while (w->second < second) {
        size_t i = (size_t)(++w->second % LG_WINDOW_SECONDS);
        w->sum_requests -= w->requests[i];
        w->sum_retries -= w->retries[i];
        w->requests[i] = w->retries[i] = 0;
    }
}

void lg__window_note(lg_window *w, int64_t now_us, bool retry)
{
    window_turn(w, now_us);
    size_t i = (size_t)(w->second % LG_WINDOW_SECONDS);
    w->requests[i]++;
    w->sum_requests++;
    w->retries[i] += retry ? 1 : 0;
    w->sum_retries += retry ? 1 : 0;
}

bool lg__window_overspent(lg_window *w, int64_t now_us)
{
    window_turn(w, now_us);
    return w->sum_retries > BUDGET_FLOOR && w->sum_retries * BUDGET_PART > w->sum_requests;
}
