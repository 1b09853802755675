/* store_sync.c - has the disk what was written to the log?
 *
 * SQLite writes its log and does not sync it (synchronous=NORMAL); this does, on a
 * descriptor of its own. The kernel syncs in the background (asynchronous I/O, no
 * thread of ours: one would make every malloc of the process take locks); where it
 * cannot, the loop waits. Eager: after each commit, for those who wait for it. Else in
 * groups, some time after the first commit of a group. A sync that failed is never
 * tried again: what it should have written may be gone. */
#include "store/sqlite/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { GROUP_US = 100000 };

/* ---- the kernel's side ----------------------------------------------------------- */

static bool submit(lg_syncer *y)
{
    struct iocb *list[] = {&y->request};
    memset(&y->request, 0, sizeof y->request);
    y->request.aio_lio_opcode = IOCB_CMD_FDSYNC;
    y->request.aio_fildes = (uint32_t)y->fd;
    y->request.aio_flags = IOCB_FLAG_RESFD;
    y->request.aio_resfd = (uint32_t)y->event_fd;
    return syscall(SYS_io_submit, y->aio, 1, list) == 1;
}

static void finished(lg_syncer *y, int err)
{
    y->busy = false;
    y->done = y->asked;
    y->err = y->err ? y->err : err;
}

void lg__sync_end(lg_syncer *y, int err)
{
    finished(y, err);
}

/* wait: until it is finished. */
static void collect(lg_syncer *y, bool wait)
{
    struct io_event event;
    struct timespec at_once = {0, 0};
    long n = 0;
    while (y->busy && y->aio && n <= 0) {
        n = syscall(SYS_io_getevents, y->aio, wait ? 1 : 0, 1, &event, wait ? NULL : &at_once);
        if (n == 1)
            finished(y, event.res < 0 ? (int)-event.res : 0);
        else if (n < 0 && errno != EINTR)
            finished(y, errno);
        else if (!wait)
            break;
    }
}

/* What was written until now goes to the disk. */
static void sync_now(lg_syncer *y)
{
    y->asked = y->wanted;
    y->since_us = 0;
    y->busy = y->aio && submit(y);
    if (!y->busy) {
        int failed = y->sync ? y->sync(y->fd) : fdatasync(y->fd);
        y->busy = failed && y->sync && errno == EINPROGRESS;
        if (!y->busy)
            finished(y, failed ? errno : 0);
    }
}

/* ---- life ------------------------------------------------------------------------ */

int lg__sync_start(lg_syncer *y, const char *path)
{
    if (y->running)
        return 0;

    y->fd = open(path, O_RDWR | O_CLOEXEC);
    if (y->fd < 0)
        return errno;

    y->running = true;
    y->event_fd = y->sync ? -1 : eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (y->event_fd >= 0 && syscall(SYS_io_setup, 1, &y->aio) != 0)
        y->aio = 0;

    return 0;
}

void lg__sync_ask(lg_syncer *y)
{
    if (y->wanted++ == y->asked)
        y->since_us = lg__store_ticks();

    lg__sync_tick(y);
}

void lg__sync_tick(lg_syncer *y)
{
    collect(y, false);
    bool due = y->eager || lg__store_ticks() - y->since_us >= GROUP_US;
    if (y->running && !y->busy && !y->err && y->wanted != y->asked && due)
        sync_now(y);
}

bool lg__sync_reached(lg_syncer *y, uint64_t commit)
{
    lg__sync_tick(y);
    return y->done >= commit || y->err;
}

void lg__sync_wait(lg_syncer *y)
{
    collect(y, true);
    if (y->running && y->wanted != y->done && !y->err) {
        sync_now(y);
        collect(y, true);
    }
}

int lg__sync_error(lg_syncer *y)
{
    collect(y, false);
    return y->err;
}

void lg__sync_stop(lg_syncer *y)
{
    if (!y->running)
        return;

    lg__sync_wait(y);
    if (y->aio)
        syscall(SYS_io_destroy, y->aio);

    if (y->event_fd >= 0)
        close(y->event_fd);

    close(y->fd);
    y->running = false;
}
