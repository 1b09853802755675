/* stats.c - what the host is told in numbers. */
#include "base/sized.h"
#include "front/front_internal.h"

void lg_engine_stats(const lg_engine *e, lg_stats *out)
{
    LG_GUARD(e->door);
    lg_stats s = {.size = sizeof s};
    size_t size = out ? lg__sized_of(out) : 0;
    lg__sched_stats(e->sched, &s);
    s.host_running = e->works.count;
    lg__mem_live((lg_mem *)&e->mem, &s.live_bytes, &s.live_blocks);
    s.vars_pending = e->graph.n_pending;
    s.vars_live = e->graph.n_live;
    s.served = e->served;
    s.timers = e->timers.due.n;
    s.commands = lg__commands_active(e->commands) + lg__talks_active(e->talks);
    s.storing = lg__turn_storing(e);
    s.sandboxed = lg__pool_active(e->pool);
    if (size)
        lg__sized_write(out, size, &s);
}
