/* turn_time.c - how much of a step's time is left, and how much of the store's work fits into it.
 *
 * Looks, and changes nothing but what it knows of the store's speed. */
#include "front/front_internal.h"

#include "base/check.h"

enum { TURN = LG_SMALL(512, 16) };  /* replies and requests in one transaction */
enum { LEAST = 32 };                /* … that are written before all that is to come has come */
enum { ENTRY_US = 30, FEWEST = 4 }; /* with a budget: what storing one takes, as a first guess */

bool lg__batch_is_listed(const lg_batch *t)
{
    return t->ended.head || t->picked.head || t->results.head;
}

size_t lg__turn_size(const lg_engine *e)
{
    return e->turn.ended.n + e->turn.picked.n + e->turn.results.n;
}

/* One turn may be written while the disk takes another: one that is worth it. */
bool lg__turn_may_write(const lg_engine *e)
{
    bool none = !lg__batch_is_listed(&e->synced);
    return none || (!lg__batch_is_listed(&e->next) && lg__turn_size(e) >= e->turn.entries / 4);
}

/* Most of what is under way goes to the disk while the rest is worked on: were all
 * to wait for it at once, nobody would have work meanwhile. */
bool lg__turn_is_full(const lg_engine *e)
{
    size_t n = lg__turn_size(e);
    bool waits = e->store && lg__store_is_durable(e->store) && lg__turn_may_write(e);
    if (e->store && e->turn.most && n >= e->turn.most)
        return true;
    return n >= TURN || (waits && n >= LEAST && n >= e->turn.entries * 5 / 8);
}

/* What a turn of n has taken, a part of it: so that one outlier does not count for all. */
void lg__turn_note_cost(lg_engine *e, size_t n, int64_t took_us)
{
    int64_t each = took_us / (int64_t)(n ? n : 1);
    e->turn.entry_us = e->turn.entry_us ? (3 * e->turn.entry_us + each) / 4 : each;
}

int64_t lg__turn_cost_us(const lg_engine *e)
{
    size_t n = e->store ? lg__turn_size(e) : 0;
    return n ? (int64_t)n * (e->turn.entry_us ? e->turn.entry_us : ENTRY_US) : 0;
}

void lg__turn_budget(lg_engine *e, int64_t budget_us)
{
    int64_t each = e->turn.entry_us ? e->turn.entry_us : ENTRY_US;
    int64_t most = budget_us / 2 / each;
    e->turn.most = budget_us <= 0 ? 0 : most > FEWEST ? (size_t)most : FEWEST;
    if (e->store && budget_us > 0)
        lg__store_cut(e->store);
}

bool lg__engine_is_over(const lg_engine *e)
{
    lg_clock real = {.is_virtual = false};
    return e->until_us && lg__clock_now(&real) + lg__turn_cost_us(e) >= e->until_us;
}

bool lg__engine_is_late(const lg_engine *e)
{
    lg__door_breathe(e->door);
    return e->until_us && (lg__turn_is_full(e) || lg__engine_is_over(e));
}
