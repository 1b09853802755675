/* worker_start.c - the start of a sandbox's worker, and its end. */
#include "child/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "child/worker_image.h"
#include "child/worker_wire.h"

enum {
    PIDFD_SEND_SIGNAL = 424, /* the same on all machines */
    PIDFD_OPEN = 434
};

/* ---- the program -------------------------------------------------------------- */

/* A host may have closed its own standard descriptors: their numbers are the child's. */
static int lifted(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;

    int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return higher;
}

static bool write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return false;

        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

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
    int fd = lifted(memfd_create("lunagrad-lua", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0 || !write_all(fd, lg__worker_image, size)) {
        int problem = errno;
        if (fd >= 0)
            close(fd);

        not_now(m, why, problem);
        return -1;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    return fd;
}

/* ---- the start ----------------------------------------------------------------- */

static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int err = posix_spawnattr_setpgroup(a, 0);
    err = err ? err : posix_spawnattr_setsigdefault(a, &all);
    err = err ? err : posix_spawnattr_setsigmask(a, &none);
    return err ? err
               : posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETSIGMASK);
}

/* Its channel, and its own program, which it closes first. */
static int set_actions(posix_spawn_file_actions_t *f, int channel, int program)
{
    int err = posix_spawn_file_actions_adddup2(f, channel, LG_WORKER_CHANNEL);
    err = err ? err : posix_spawn_file_actions_adddup2(f, program, LG_WORKER_CHANNEL + 1);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    err = err ? err : posix_spawn_file_actions_addclosefrom_np(f, LG_WORKER_CHANNEL + 2);
#endif
#endif
    return err;
}

static int spawn(pid_t *pid, int channel, int program, char *arena)
{
    char path[32], name[] = "lunagrad-lua", *argv[] = {name, arena, NULL}, *env[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    snprintf(path, sizeof path, "/proc/self/fd/%d", LG_WORKER_CHANNEL + 1);
    int err = posix_spawn_file_actions_init(&actions);
    if (err)
        return err;

    err = posix_spawnattr_init(&attributes);
    if (!err) {
        err = set_attributes(&attributes);
        err = err ? err : set_actions(&actions, channel, program);
        err = err ? err : posix_spawn(pid, path, &actions, &attributes, argv, env);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

int lg__worker_start(lg_mem *m, int program, uint64_t arena, lg_worker_process *p, lg_fail *why)
{
    char size[24];
    int ends[2];
    *p = (lg_worker_process){.channel = -1, .exit = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return not_now(m, why, errno);

    snprintf(size, sizeof size, "%llu", (unsigned long long)arena);
    p->channel = lifted(ends[0]);
    int theirs = lifted(ends[1]);
    bool good = p->channel >= 0 && theirs >= 0 && fcntl(p->channel, F_SETFL, O_NONBLOCK) == 0;
    int problem = good ? spawn(&p->pid, theirs, program, size) : errno;
    if (theirs >= 0)
        close(theirs);

    if (!problem) {
        p->exit = lifted((int)syscall(PIDFD_OPEN, p->pid, 0));
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
