/* contain_spawn.c - from the fork to the exec: system calls alone.
 *
 * The child shares the parent's memory until its exec (as in vfork; the parent stands still
 * meanwhile), so a start costs the same whatever the parent's size. Nothing here that runs in
 * the child may allocate, lock or look at errno's owner: C library functions only where they
 * are bare system calls, and syscall() where the library would tell its other threads. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/contain_internal.h"

enum { STACK = 64 * 1024, RULESET = 3, REPORT = 4, CHILD_END = 127 };

struct start { /* all that the child needs */
    const lg_contain *c;
    lg_filter filter;
    int ruleset; /* -1: none */
    int report;  /* where the child says what went wrong; closed by exec */
    pid_t parent;
};

struct report {
    int stage, problem;
};

/* ---- in the child ------------------------------------------------------------------ */

static void usual_signals(void)
{
    struct sigaction usual;
    sigset_t none;
    memset(&usual, 0, sizeof usual);
    usual.sa_handler = SIG_DFL;
    for (int i = 1; i < 65; i++)
        sigaction(i, &usual, NULL); /* some refuse */

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closes all from here on, but for those that close themselves at the exec. */
static void close_from(int first)
{
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
    if (syscall(SYS_close_range, first, ~0U, 0) == 0)
        return;

    for (int fd = first; fd < 65536; fd++) /* Linux before 5.9 */
        close(fd);
}

/* Numbers that are taken twice are moved out of each other's way first. 0, errno */
static int place_descriptors(struct start *s)
{
    int high[5] = {s->c->fds[0], s->c->fds[1], s->c->fds[2], s->ruleset, s->report};
    for (int i = 0; i < 5; i++) {
        if (high[i] >= 0 && high[i] <= REPORT)
            high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, REPORT + 1);
    }
    if (fchdir(s->c->folder))
        return errno;

    for (int i = 0; i < 3; i++) {
        if (dup2(high[i], i) < 0)
            return errno;
    }
    if (high[3] >= 0 && dup3(high[3], RULESET, s->c->handed ? 0 : O_CLOEXEC) < 0)
        return errno;

    if (dup3(high[4], REPORT, O_CLOEXEC) < 0)
        return errno;

    s->report = REPORT;
    close_from(REPORT + 1);
    if (high[3] < 0)
        close(RULESET);

    return 0;
}

static int own_session(const struct start *s)
{
    if (setsid() < 0)
        return errno;

    if (s->c->tied && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != s->parent))
        return errno ? errno : ESRCH;

    umask(077);
    return 0;
}

/* Of glibc an enum, of others a number. */
#ifdef __GLIBC__
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

static int limit(resource what, uint64_t soft, uint64_t hard)
{
    struct rlimit r = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};
    struct rlimit now;
    if (getrlimit(what, &now) == 0 && r.rlim_max > now.rlim_max) {
        r.rlim_max = now.rlim_max; /* it is tighter already */
        r.rlim_cur = r.rlim_cur < r.rlim_max ? r.rlim_cur : r.rlim_max;
    }
    return setrlimit(what, &r) ? errno : 0;
}

/* A core of one byte: none is written, and none is handed to a program that collects them. */
static int set_limits(const lg_contain *c)
{
    int err = limit(RLIMIT_CORE, 1, 1);
    if (!err && c->cpu_seconds)
        err = limit(RLIMIT_CPU, c->cpu_seconds, c->cpu_seconds + 1);

    if (!err && c->memory)
        err = limit(RLIMIT_AS, c->memory, c->memory);

    if (!err && c->file_size)
        err = limit(RLIMIT_FSIZE, c->file_size, c->file_size);

    if (!err && c->open_files)
        err = limit(RLIMIT_NOFILE, c->open_files, c->open_files);

    if (!err && c->processes)
        err = limit(RLIMIT_NPROC, c->processes, c->processes);

    if (!err && c->contained)
        err = limit(RLIMIT_MSGQUEUE, 0, 0);

    return err;
}

enum { READ_SEARCH = 2 }; /* CAP_DAC_READ_SEARCH: what root may read, under Landlock's rules */

static int become(uint32_t user, bool bare)
{
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    const uint32_t keep = bare ? 0 : 1U << READ_SEARCH;
    struct {
        uint32_t effective, permitted, inheritable;
    } sets[2] = {{keep, keep, keep}, {0, 0, 0}};
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || syscall(SYS_setgroups, 0, NULL) ||
        syscall(SYS_setresgid, user, user, user) || syscall(SYS_setresuid, user, user, user) ||
        syscall(SYS_capset, &head, sets) ||
        (!bare && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, READ_SEARCH, 0, 0)))
        return errno;

    return 0;
}

static int contain(struct start *s, int *stage)
{
    const lg_contain *c = s->c;
    *stage = LG_STAGE_DESCRIPTORS;
    int err = place_descriptors(s);
    if (!err) {
        *stage = LG_STAGE_LIMITS;
        err = set_limits(c);
    }
    if (!err && c->user) {
        *stage = LG_STAGE_USER;
        err = become(c->user, c->bare);
    }
    if (!err) { /* after the user: a change of it forgets pdeathsig */
        *stage = LG_STAGE_SESSION;
        err = own_session(s);
    }
    if (err || !c->contained)
        return err;

    *stage = LG_STAGE_LANDLOCK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return errno;

    err = lg__landlock_restrict(RULESET);
    close(RULESET);
    if (err)
        return err;

    *stage = LG_STAGE_SECCOMP;
    return lg__filter_load(&s->filter, (pid_t)syscall(SYS_getpid));
}

static int in_child(void *arg)
{
    struct start *s = arg;
    struct report r = {LG_STAGE_DESCRIPTORS, 0};
    usual_signals();
    r.problem = contain(s, &r.stage);
    if (!r.problem) {
        execve(s->c->program, s->c->argv, s->c->envp);
        r = (struct report){LG_STAGE_EXEC, errno};
    }
    while (write(s->report, &r, sizeof r) < 0 && errno == EINTR)
        continue;

    syscall(SYS_exit_group, CHILD_END);
    return CHILD_END;
}

/* ---- in the parent ------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHARED 0 /* what watches memory must not watch two processes in it */
#else
#define SHARED (CLONE_VM | CLONE_VFORK)
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

/* 0, errno */
static int start_child(struct start *s, lg_contain_end *end)
{
    sigset_t all, before;
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        return errno;

    int dumpable = s->c->user ? prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) : -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    end->pid = clone(in_child, stack + STACK, SHARED | CLONE_PIDFD | SIGCHLD, s, &end->exit);
    int problem = end->pid < 0 ? errno : 0;
    if (dumpable == 0 || dumpable == 1)
        prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0); /* the child's new user has taken it from us */

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, STACK);
    return problem;
}

/* What the child has said; nothing: it runs its program. */
static void hear(lg_contain_end *end, int from)
{
    struct report r;
    ssize_t n;
    do {
        n = read(from, &r, sizeof r);
    } while (n < 0 && errno == EINTR);
    if (n != sizeof r)
        return;

    end->stage = r.stage;
    end->problem = r.problem;
    while (waitpid(end->pid, NULL, 0) < 0 && errno == EINTR)
        continue;

    end->pid = 0;
    if (end->exit >= 0)
        close(end->exit);

    end->exit = -1;
}

static void run(struct start *s, lg_contain_end *end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        end->problem = errno;
        return;
    }
    s->report = ends[1];
    end->problem = start_child(s, end);
    close(ends[1]);
    if (!end->problem)
        hear(end, ends[0]);
    else
        *end = (lg_contain_end){.stage = LG_STAGE_FORK, .problem = end->problem, .exit = -1};

    close(ends[0]);
}

/* The filter as a file, for a program that sets it. -1: errno */
static int filter_file(const lg_filter *f)
{
    size_t size = f->n * sizeof *f->code;
    int fd = memfd_create("lunagrad-filter", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, f->code, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* 0, errno */
static int prepare(struct start *s, const lg_kernel *k)
{
    const lg_contain *c = s->c;
    if (!c->contained && !c->handed)
        return 0;

    if (!lg__filter_make(&s->filter, c, k->abi))
        return ENOSYS;

    s->ruleset = c->contained ? lg__landlock_ruleset(c, k->abi) : filter_file(&s->filter);
    return s->ruleset < 0 ? errno : 0;
}

void lg__contain_start(const lg_contain *c, const lg_kernel *k, lg_mem *m, lg_contain_end *end)
{
    *end = (lg_contain_end){.stage = LG_STAGE_PREPARE, .problem = ENOMEM, .exit = -1};
    struct start *s = lg__mem_new(m, sizeof *s);
    if (!s)
        return;

    s->c = c;
    s->parent = (pid_t)syscall(SYS_getpid);
    s->ruleset = -1;
    end->problem = prepare(s, k);
    if (!end->problem)
        run(s, end);

    if (s->ruleset >= 0)
        close(s->ruleset);

    lg__mem_free(m, s, sizeof *s);
}

const char *lg__contain_stage_name(int stage)
{
    static const char *const names[] = {
        [LG_STAGE_PREPARE] = "preparing",
        [LG_STAGE_FORK] = "fork",
        [LG_STAGE_DESCRIPTORS] = "descriptors",
        [LG_STAGE_SESSION] = "session",
        [LG_STAGE_LIMITS] = "limits",
        [LG_STAGE_USER] = "another user",
        [LG_STAGE_LANDLOCK] = "Landlock",
        [LG_STAGE_SECCOMP] = "seccomp",
        [LG_STAGE_EXEC] = "running the program",
    };
    return stage >= 0 && stage <= LG_STAGE_EXEC ? names[stage] : "unknown";
}
