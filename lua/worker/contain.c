/* contain.c - the worker gives up all that it could do but to compute and to answer.
 *
 * In this order: every descriptor but the channel, resource limits, new privileges, the file
 * system and the network (Landlock, with no rule at all), and last every system call that the
 * work does not need (seccomp). The constants are this file's own: headers of a distribution
 * know less than kernels do. Nothing is asked of a library. */
#include "worker/worker.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- descriptors, limits ------------------------------------------------- */

static void close_others(void)
{
    enum { CLOSE_RANGE = 436, SURELY = 4096 };
    if (syscall(CLOSE_RANGE, LG_WORKER_CHANNEL + 1, ~0U, 0) == 0)
        return;

    for (int fd = LG_WORKER_CHANNEL + 1; fd < SURELY; fd++)
        close(fd);
}

#define LIMIT(what, most) (setrlimit(what, &(struct rlimit){most, most}) == 0)

/* What is mapped stays, what is open stays: nothing is added. The processor's time is the
 * engine's to watch, job by job; that one is for a worker which nobody watches any more. */
static bool set_limits(void)
{
    enum { CPU_SECONDS = 4 * 3600 };
    bool all = LIMIT(RLIMIT_CORE, 0) && LIMIT(RLIMIT_AS, 0) && LIMIT(RLIMIT_FSIZE, 0);
    all = all && LIMIT(RLIMIT_NPROC, 0) && LIMIT(RLIMIT_NOFILE, 0) && LIMIT(RLIMIT_MEMLOCK, 0);
    return all && LIMIT(RLIMIT_CPU, CPU_SECONDS);
}

/* ---- Landlock ------------------------------------------------------------ */

enum {
    CREATE_RULESET = 444, /* the same on all machines */
    RESTRICT_SELF = 446,
    ASK_VERSION = 1,
    FS_FIRST = 13, /* rights of ABI 1, and how many are there with 2, 3 and 5 */
    FS_REFER = 14,
    FS_TRUNCATE = 15,
    FS_IOCTL = 16,
    NET_BOTH = 3,  /* bind and connect, ABI 4 */
    SCOPE_BOTH = 3 /* abstract sockets and signals, ABI 6 */
};

typedef struct ruleset {
    uint64_t fs, net, scoped;
} ruleset;

static ruleset all_of(long abi)
{
    int rights = abi >= 5 ? FS_IOCTL : abi >= 3 ? FS_TRUNCATE : abi >= 2 ? FS_REFER : FS_FIRST;
    return (ruleset){.fs = ((uint64_t)1 << rights) - 1,
                     .net = abi >= 4 ? NET_BOTH : 0,
                     .scoped = abi >= 6 ? SCOPE_BOTH : 0};
}

/* Its ABI; 0: the kernel has none, or does not let us. */
static unsigned lock_files(void)
{
    long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < 1)
        return 0;

    ruleset r = all_of(abi);
    size_t size = abi >= 6 ? sizeof r : abi >= 4 ? 2 * sizeof r.fs : sizeof r.fs;
    int fd = (int)syscall(CREATE_RULESET, &r, size, 0);
    if (fd < 0)
        return 0;

    long refused = syscall(RESTRICT_SELF, fd, 0);
    close(fd);
    return refused ? 0 : (unsigned)abi;
}

/* ---- seccomp ------------------------------------------------------------- */

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCH

#define LOAD(field) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field))
#define LOW(i) LOAD(args[i]) /* little endian, as both machines are */
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(value), 0, skip)
/* The call alone, or with this value as its argument i. */
#define CALL(nr) UNLESS(nr, 1), ALLOW
#define CALL_WITH(nr, i, value) UNLESS(nr, 4), LOW(i), UNLESS(value, 1), ALLOW, KILL

enum { DONTNEED = 4 };

static bool allow_few(void)
{
    static const struct sock_filter few[] = {
        LOAD(arch),
        UNLESS(THIS_ARCH, 1),
        BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        KILL,
        LOAD(nr), /* numbers of another calling convention of the machine are none of these */
        CALL_WITH(SYS_read, 0, LG_WORKER_CHANNEL),
        CALL_WITH(SYS_write, 0, LG_WORKER_CHANNEL),
        CALL_WITH(SYS_madvise, 2, DONTNEED),
        CALL(SYS_rt_sigreturn),
        CALL(SYS_restart_syscall),
        CALL(SYS_exit_group),
        KILL,
    };
    struct sock_fprog program = {.len = sizeof few / sizeof *few,
                                 .filter = (struct sock_filter *)(uintptr_t)few};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else /* no such machine was tried: what is not contained is refused */

static bool allow_few(void)
{
    return false;
}

#endif

unsigned lw_contain(unsigned *landlock)
{
    unsigned holds = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "lunagrad-lua", 0, 0, 0);
    close_others();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        holds |= LG_HOLDS_NO_NEW_PRIVS;

    *landlock = lock_files(); /* it needs a descriptor for a moment */
    holds |= *landlock ? LG_HOLDS_LANDLOCK : 0;
    holds |= set_limits() ? LG_HOLDS_LIMITS : 0;
    holds |= allow_few() ? LG_HOLDS_SECCOMP : 0;
    return holds;
}
