/* store_sync.c - the thread that waits for the disk, and does nothing else.
 *
 * SQLite writes its log and does not sync it (synchronous=NORMAL); this does, on a
 * descriptor of its own, so that the loop goes on meanwhile. Eager: at once, for those
 * who wait for it. Else in groups, some milliseconds after the first commit. A sync
 * that failed is never tried again: what it should have written may be gone. */
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GROUP_MS = 100, STACK = 64 * 1024 };

/* Until somebody asks, or wants the end. */
static void wait_for_work(lg_syncer *y)
{
    while (y->wanted == y->done && !y->stop) {
        pthread_cond_wait(&y->ask, &y->mutex);
    }
}

static void wait_for_group(lg_syncer *y)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += GROUP_MS * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    while (!y->eager && !y->stop && pthread_cond_timedwait(&y->ask, &y->mutex, &t) != ETIMEDOUT) {
    }
}

static void *run(void *ud)
{
    lg_syncer *y = ud;
    pthread_mutex_lock(&y->mutex);
    for (;;) {
        wait_for_work(y);
        if (y->wanted == y->done || y->err) {
            break; /* to stop, with nothing left to do */
        }
        wait_for_group(y);
        uint64_t upto = y->wanted;
        pthread_mutex_unlock(&y->mutex);
        int err = fdatasync(y->fd) == 0 ? 0 : errno;
        pthread_mutex_lock(&y->mutex);
        y->done = upto;
        y->err = err;
        if (y->wake && (y->eager || err)) {
            y->wake(y->wake_ud);
        }
    }
    pthread_mutex_unlock(&y->mutex);
    return NULL;
}

/* Signals are the host's: none is delivered here. */
static int start_thread(lg_syncer *y)
{
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&y->thread, &attr, run, y);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return err;
}

int lg__sync_start(lg_syncer *y, const char *path, bool eager, void (*wake)(void *), void *ud)
{
    pthread_condattr_t attr;
    if (y->running) {
        return 0;
    }
    y->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (y->fd < 0) {
        return errno;
    }
    y->eager = eager;
    y->wake = wake;
    y->wake_ud = ud;
    pthread_mutex_init(&y->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&y->ask, &attr);
    pthread_condattr_destroy(&attr);
    int err = start_thread(y);
    if (err) {
        pthread_cond_destroy(&y->ask);
        pthread_mutex_destroy(&y->mutex);
        close(y->fd);
        y->fd = -1;
        return err;
    }
    y->running = true;
    return 0;
}

void lg__sync_ask(lg_syncer *y)
{
    pthread_mutex_lock(&y->mutex);
    if (y->wanted++ == y->done) {
        pthread_cond_signal(&y->ask);
    }
    pthread_mutex_unlock(&y->mutex);
}

bool lg__sync_pending(lg_syncer *y)
{
    if (!y->running) {
        return false;
    }
    pthread_mutex_lock(&y->mutex);
    bool pending = y->wanted != y->done && !y->err;
    pthread_mutex_unlock(&y->mutex);
    return pending;
}

int lg__sync_error(lg_syncer *y)
{
    if (!y->running) {
        return 0;
    }
    pthread_mutex_lock(&y->mutex);
    int err = y->err;
    pthread_mutex_unlock(&y->mutex);
    return err;
}

void lg__sync_stop(lg_syncer *y)
{
    if (!y->running) {
        return;
    }
    pthread_mutex_lock(&y->mutex);
    y->stop = true;
    pthread_cond_signal(&y->ask);
    pthread_mutex_unlock(&y->mutex);
    pthread_join(y->thread, NULL);
    pthread_cond_destroy(&y->ask);
    pthread_mutex_destroy(&y->mutex);
    close(y->fd);
    y->running = false;
}
