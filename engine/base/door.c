/* door.c - one lock that is entered again and again. See door.h.
 *
 * Two mutexes make it fair: who waits for the second holds the first, so that one who leaves
 * and comes back at once stands behind those who were there. */
#include "base/door.h"

#include <pthread.h>
#include <stdatomic.h>

struct lg_door {
    pthread_mutex_t line, lock;
    pthread_cond_t told;
    _Atomic(pthread_t) inside; /* … while depth is not 0 */
    atomic_int depth;          /* of the one who is inside; written by it alone */
    atomic_int waiting;
    pthread_t own;
    atomic_bool has_own;
};

lg_door *lg__door_new(lg_mem *m)
{
    lg_door *d = lg__mem_zero(m, sizeof *d);

    if (d) {
        pthread_mutex_init(&d->line, NULL);
        pthread_mutex_init(&d->lock, NULL);
        pthread_cond_init(&d->told, NULL);
    }
    return d;
}

void lg__door_free(lg_mem *m, lg_door *d)
{
    if (!d)
        return;
    pthread_cond_destroy(&d->told);
    pthread_mutex_destroy(&d->lock);
    pthread_mutex_destroy(&d->line);
    lg__mem_free(m, d, sizeof *d);
}

static bool is_inside(const lg_door *d)
{
    return atomic_load(&d->depth) > 0 && pthread_equal(atomic_load(&d->inside), pthread_self());
}

static void take(lg_door *d, int depth)
{
    atomic_fetch_add(&d->waiting, 1);
    pthread_mutex_lock(&d->line);
    pthread_mutex_lock(&d->lock);
    pthread_mutex_unlock(&d->line);
    atomic_fetch_sub(&d->waiting, 1);
    atomic_store(&d->inside, pthread_self());
    atomic_store(&d->depth, depth);
}

void lg__door_enter(lg_door *d)
{
    if (is_inside(d))
        atomic_fetch_add(&d->depth, 1);
    else
        take(d, 1);
}

void lg__door_leave(lg_door *d)
{
    if (atomic_fetch_sub(&d->depth, 1) == 1)
        pthread_mutex_unlock(&d->lock);
}

int lg__door_pause(lg_door *d)
{
    int depth = d ? atomic_exchange(&d->depth, 0) : 0;

    if (d)
        pthread_mutex_unlock(&d->lock);
    return depth;
}

void lg__door_resume(lg_door *d, int depth)
{
    if (d)
        take(d, depth);
}

void lg__door_breathe(lg_door *d)
{
    if (d && atomic_load(&d->waiting) > 0)
        lg__door_resume(d, lg__door_pause(d));
}

void lg__door_own(lg_door *d, bool own)
{
    d->own = pthread_self();
    atomic_store(&d->has_own, own);
}

bool lg__door_is_own(const lg_door *d)
{
    return d && atomic_load(&d->has_own) && pthread_equal(d->own, pthread_self());
}

void lg__door_await(lg_door *d)
{
    int depth = atomic_exchange(&d->depth, 0);

    pthread_cond_wait(&d->told, &d->lock);
    atomic_store(&d->inside, pthread_self());
    atomic_store(&d->depth, depth);
}

void lg__door_tell(lg_door *d)
{
    pthread_cond_broadcast(&d->told);
}
