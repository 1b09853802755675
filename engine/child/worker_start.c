/* worker_start.c - the start of a sandbox's worker, and its end. */
#include "child/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "child/clean_start.h"
#include "child/worker_image.h"
#include "child/worker_wire.h"

enum {
    PIDFD_SEND_SIGNAL = 424, /* the same on all machines */
    PIDFD_OPEN = 434
};

/* ---- the program -------------------------------------------------------------- */

static int not_now(lg_mem *m, lg_fail *why, int problem)
{
    if (problem == ENOMEM)
        return LG_ENOMEM;

    lg__fail_set(why, m, LG_EIO, "a sandbox's worker cannot be started: %s",
                 lg__errno_text(problem));
    if (problem == EMFILE || problem == ENFILE) {
        lg__fail_hint(why, m, "too many files are open: raise the limit (ulimit -n)");
    } else if (problem == ENOENT || problem == EACCES) {
        lg__fail_hint(why, m,
                      "it is run from memory: /proc has to be mounted, and the sysctl "
                      "vm.memfd_noexec less than 2");
    }
    return LG_OK;
}

int lg__worker_program(lg_mem *m, lg_fail *why)
{
    size_t size = (size_t)(lg__worker_image_end - lg__worker_image);
    int fd = lg__fd_lifted(memfd_create("lunagrad-lua", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    int problem = fd < 0 ? errno : lg__fd_write_all(fd, lg__worker_image, size);
    if (problem) {
        if (fd >= 0)
            close(fd);

        not_now(m, why, problem);
        return -1;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return fd;
}

/* ---- the start ----------------------------------------------------------------- */

/* It gets its channel, and its own program, which it closes first. */
static int spawn(pid_t *pid, int channel, int program, char *arena)
{
    char path[32], name[] = "lunagrad-lua", *argv[] = {name, arena, NULL}, *env[] = {NULL};
    const int fds[] = {channel, program};
    snprintf(path, sizeof path, "/proc/self/fd/%d", LG_WORKER_CHANNEL + 1);
    return lg__spawn_clean(pid, path, false, argv, env, fds, 2, LG_WORKER_CHANNEL);
}

int lg__worker_start(lg_mem *m, int program, uint64_t arena, lg_worker_process *p, lg_fail *why)
{
    char size[24];
    int ends[2];
    *p = (lg_worker_process){.channel = -1, .exit = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return not_now(m, why, errno);

    snprintf(size, sizeof size, "%llu", (unsigned long long)arena);
    p->channel = lg__fd_lifted(ends[0]);
    int theirs = lg__fd_lifted(ends[1]);
    bool good = p->channel >= 0 && theirs >= 0 && fcntl(p->channel, F_SETFL, O_NONBLOCK) == 0;
    int problem = good ? spawn(&p->pid, theirs, program, size) : errno;
    if (theirs >= 0)
        close(theirs);

    if (!problem) {
        p->exit = lg__fd_lifted((int)syscall(PIDFD_OPEN, p->pid, 0));
        return LG_OK;
    }
    p->pid = 0;
    lg__worker_close(p);
    return not_now(m, why, problem);
}

/* ---- the end -------------------------------------------------------------------- */

int64_t lg__worker_cpu_us(const lg_worker_process *p)
{
    clockid_t clock;
    struct timespec t;
    if (p->pid <= 0 || clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;

    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void lg__worker_kill(const lg_worker_process *p)
{
    if (p->pid <= 0)
        return;

    if (p->exit < 0 || syscall(PIDFD_SEND_SIGNAL, p->exit, SIGKILL, NULL, 0) != 0)
        kill(p->pid, SIGKILL);
}

bool lg__worker_reap(lg_worker_process *p, int *status)
{
    pid_t got;
    if (p->pid <= 0)
        return true;

    do {
        got = waitpid(p->pid, status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;

    if (got < 0)
        *status = -1;

    p->pid = 0;
    return true;
}

void lg__worker_close(lg_worker_process *p)
{
    if (p->channel >= 0)
        close(p->channel);

    if (p->exit >= 0)
        close(p->exit);

    p->channel = p->exit = -1;
}
