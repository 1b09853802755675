/* door.h - who may touch an engine that has a thread of its own: one lock, for all of it.
 *
 * Every public function enters by LG_GUARD, which leaves by itself where the function ends. A
 * thread may enter again where it is inside. The engine's thread goes out (pause) for what takes
 * long and touches nothing that others do, and lets others in between two pieces of work
 * (breathe). An engine without a thread has no door: NULL everywhere. */
#ifndef LG_DOOR_H
#define LG_DOOR_H

#include "base/mem.h"

typedef struct lg_door lg_door;

lg_door *lg__door_new(lg_mem *m); /* NULL: memory */
void lg__door_free(lg_mem *m, lg_door *d);
void lg__door_enter(lg_door *d);
void lg__door_leave(lg_door *d);
/* All the way out, by whoever is inside, and in again as deep. NULL: nothing */
int lg__door_pause(lg_door *d);
void lg__door_resume(lg_door *d, int depth);
void lg__door_breathe(lg_door *d); /* those who wait come in first; NULL: nothing */
/* The calling thread is the engine's own. */
void lg__door_own(lg_door *d, bool own);
bool lg__door_is_own(const lg_door *d); /* NULL: false */
/* Of one who is inside, once: waits, outside, until another tells. */
void lg__door_await(lg_door *d);
void lg__door_tell(lg_door *d);

static inline void lg__door_out(lg_door *const *d)
{
    if (*d)
        lg__door_leave(*d);
}

static inline lg_door *lg__door_in(lg_door *d)
{
    if (d)
        lg__door_enter(d);
    return d;
}

#define LG_GUARD(door) \
    lg_door *const door_ __attribute__((cleanup(lg__door_out), unused)) = lg__door_in(door)

#endif
