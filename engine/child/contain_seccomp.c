/* contain_seccomp.c - which system calls a child may make: a filter for the kernel.
 *
 * An allow-list: what is not in it does not exist (ENOSYS), so that a C library falls back on
 * what it did before; what must be seen to be refused is (EPERM). Some calls are allowed
 * with some arguments. The filter is a tree, each call is found by about ten comparisons.
 * It holds what Landlock does not, or not yet in an older ABI: every socket but a pair,
 * signals to others, truncate by path, chmod and times by path. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/contain_internal.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* ---- what is allowed --------------------------------------------------------- */

enum verdict {           /* of one call; below: by its arguments */
               NONE = 0, /* there is no such call */
               ALLOW,
               DENY,
               CLONE,
               PAIR,
               SEND,
               PRCTL,
               IOCTL,
               FCNTL,
               KILL,
               TKILL,
               PRLIMIT,
               PERSONALITY,
               MODE,    /* of chmod and fchmod: the second argument */
               MODE_AT, /* of fchmodat: the third */
               TIMES_AT,
               NICE,
               OWN,      /* the first argument is 0: this process itself */
               TRUNCATE, /* by path */
               TIMES,    /* … */
               UNSUPPORTED
};

struct rule {
    int call;
    enum verdict verdict;
};

/* In the order of files, memory, time, signals, processes, threads, descriptors, pairs of sockets,
 * what one is told; then forms that newer machines do without. */
static const uint16_t allowed[] = {
#ifdef MACHINE
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_openat, SYS_close, SYS_close_range, SYS_fstat, SYS_newfstatat,
    SYS_statx, SYS_lseek, SYS_faccessat, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir,
    SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_readlinkat,
    SYS_mknodat, SYS_umask, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_fadvise64,
    SYS_readahead, SYS_flock, SYS_sendfile, SYS_splice, SYS_tee, SYS_copy_file_range, SYS_statfs,
    SYS_fstatfs, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_msync, SYS_madvise,
    SYS_mincore, SYS_mlock, SYS_munlock, SYS_brk, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_getitimer, SYS_setitimer,
    SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_delete, SYS_timer_getoverrun,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait,
    SYS_sigaltstack, SYS_signalfd4, SYS_restart_syscall, SYS_getpid, SYS_getppid, SYS_gettid,
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups,
    SYS_getpgid, SYS_getsid, SYS_getpriority, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group,
    SYS_wait4, SYS_waitid, SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_set_tid_address,
    SYS_membarrier, SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getparam,
    SYS_sched_getscheduler, SYS_sched_get_priority_max, SYS_sched_get_priority_min,
    SYS_sched_rr_get_interval, SYS_getcpu, SYS_get_mempolicy, SYS_dup, SYS_dup3, SYS_pipe2,
    SYS_pselect6, SYS_ppoll, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2,
    SYS_recvfrom, SYS_recvmsg, SYS_sendmsg, SYS_shutdown, SYS_getsockopt, SYS_setsockopt,
    SYS_getsockname, SYS_getpeername, SYS_uname, SYS_sysinfo, SYS_times, SYS_getrusage,
    SYS_getrandom, SYS_capget,
    /* openat2, faccessat2, epoll_pwait2, futex_waitv, map_shadow_stack, futex_wake, futex_wait,
     * futex_requeue, mseal: older headers do not have them; 334, 293: rseq */
    437, 439, 441, 449, 453, 454, 455, 456, 462,
#if defined(__x86_64__)
    334, SYS_open, SYS_creat, SYS_stat, SYS_lstat, SYS_access, SYS_getdents, SYS_mkdir, SYS_rmdir,
    SYS_unlink, SYS_rename, SYS_renameat, SYS_link, SYS_symlink, SYS_readlink, SYS_mknod, SYS_time,
    SYS_alarm, SYS_pause, SYS_signalfd, SYS_getpgrp, SYS_fork, SYS_vfork, SYS_dup2, SYS_pipe,
    SYS_select, SYS_poll, SYS_epoll_create, SYS_epoll_wait, SYS_eventfd, SYS_arch_prctl,
    SYS_getrlimit, SYS_setrlimit
#else
    293
#endif
#endif
};

/* To be seen to be refused, not to be missing: a program tries nothing else then. The numbers:
 * io_uring_setup to io_uring_register, open_tree to fspick, mount_setattr. */
static const uint16_t denied[] = {
#ifdef MACHINE
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_setsid,
    SYS_setpgid,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_memfd_create,
    SYS_fchown,
    SYS_fchownat,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_sched_setscheduler,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_reboot,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_setgroups,
    SYS_shmget,
    SYS_msgget,
    SYS_semget,
    SYS_mq_open,
    SYS_userfaultfd,
    SYS_kcmp,
    SYS_syslog,
    SYS_vhangup,
    SYS_fanotify_init,
    SYS_inotify_init1,
    425,
    426,
    427,
    428,
    429,
    430,
    431,
    432,
    433,
#if defined(__x86_64__)
    SYS_chown,
    SYS_lchown,
    SYS_inotify_init,
    SYS_iopl,
    SYS_ioperm,
    442
#else
    442
#endif
#endif
};

/* As on a file system that has none. */
static const uint16_t unsupported[] = {
#ifdef MACHINE
    SYS_getxattr,   SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr,
    SYS_flistxattr, SYS_setxattr,  SYS_lsetxattr, SYS_fsetxattr
#endif
};

static const struct rule rules[] = {
#ifdef MACHINE
#if defined(__x86_64__)
    {SYS_chmod, MODE},
    {SYS_utime, TIMES},
    {SYS_utimes, TIMES},
    {SYS_futimesat, TIMES},
#endif
    {SYS_clone, CLONE},
    {SYS_socketpair, PAIR},
    {SYS_sendto, SEND},
    {SYS_prctl, PRCTL},
    {SYS_ioctl, IOCTL},
    {SYS_fcntl, FCNTL},
    {SYS_kill, KILL},
    {SYS_tgkill, KILL},
    {SYS_tkill, TKILL},
    {SYS_prlimit64, PRLIMIT},
    {SYS_personality, PERSONALITY},
    {SYS_fchmod, MODE},
    {SYS_fchmodat, MODE_AT},
    {SYS_utimensat, TIMES_AT},
    {SYS_setpriority, NICE},
    {SYS_sched_setaffinity, OWN},
    {SYS_truncate, TRUNCATE},
#endif
};

enum { CALLS = 512 };

/* ---- a filter, word by word ---------------------------------------------------- */

static void add(lg_filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    if (f->n == LG_FILTER_ROOM) {
        f->full = true;
        return;
    }
    f->code[f->n++] = (struct sock_filter){code, yes, no, k};
}

static void load(lg_filter *f, size_t offset)
{
    add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The lower half of an argument; both machines are little-endian. */
static void load_arg(lg_filter *f, int i)
{
    load(f, offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t));
}

static void load_arg_high(lg_filter *f, int i)
{
    load(f, offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t) + 4);
}

static void give(lg_filter *f, uint32_t verdict)
{
    add(f, BPF_RET | BPF_K, verdict, 0, 0);
}

static void refuse(lg_filter *f, int problem)
{
    give(f, SECCOMP_RET_ERRNO | (uint32_t)problem);
}

/* Allowed if what is loaded is k; else on. */
static void allow_equal(lg_filter *f, uint32_t k)
{
    add(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
    give(f, SECCOMP_RET_ALLOW);
}

/* … if it is the child's own number, which it will fill in. */
static void allow_own(lg_filter *f, bool negative)
{
    if (f->n_own < LG_FILTER_OWN) {
        f->own[f->n_own].at = f->n;
        f->own[f->n_own++].negative = negative;
    }
    allow_equal(f, 0);
}

static void allow_list(lg_filter *f, const uint32_t *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        allow_equal(f, list[i]);
}

#define ALLOW_LIST(f, list) allow_list(f, list, sizeof(list) / sizeof *(list))

/* ---- by their arguments ---------------------------------------------------------- */

/* No namespace; no child of our parent's; nobody traced. */
static void judge_clone(lg_filter *f)
{
    const uint32_t never = 0x7E020000 | 0x00008000 | 0x00002000;
    load_arg(f, 0);
    add(f, BPF_JMP | BPF_JSET | BPF_K, never, 0, 1);
    refuse(f, EPERM);
    give(f, SECCOMP_RET_ALLOW);
}

/* Connected streams alone: from a datagram socket anybody can be written to. */
static void judge_pair(lg_filter *f)
{
    load_arg(f, 0);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0);
    refuse(f, EPERM);
    load_arg(f, 1);
    add(f, BPF_ALU | BPF_AND | BPF_K, 0xF, 0, 0);
    allow_equal(f, SOCK_STREAM);
    refuse(f, EPERM);
}

static void judge_send(lg_filter *f) /* sendto: to no address */
{
    load_arg(f, 4);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    refuse(f, EPERM);
    load_arg_high(f, 4);
    allow_equal(f, 0);
    refuse(f, EPERM);
}

static void judge_prctl(lg_filter *f)
{
    static const uint32_t list[] = {
        2,  /* PR_GET_PDEATHSIG */
        3,  /* PR_GET_DUMPABLE */
        15, /* PR_SET_NAME */
        16, /* PR_GET_NAME */
        21, /* PR_GET_SECCOMP */
        23, /* PR_CAPBSET_READ */
        29, /* PR_SET_TIMERSLACK */
        30, /* PR_GET_TIMERSLACK */
        36, /* PR_SET_CHILD_SUBREAPER */
        37, /* PR_GET_CHILD_SUBREAPER */
        38, /* PR_SET_NO_NEW_PRIVS */
        39, /* PR_GET_NO_NEW_PRIVS */
    };
    load_arg(f, 0);
    ALLOW_LIST(f, list);
    refuse(f, EINVAL);
}

static void judge_ioctl(lg_filter *f)
{
    static const uint32_t list[] = {
        0x5401,     /* TCGETS: is it a terminal? */
        0x802C542A, /* TCGETS2 */
        0x540F,     /* TIOCGPGRP */
        0x5413,     /* TIOCGWINSZ */
        0x541B,     /* FIONREAD */
        0x5421,     /* FIONBIO */
        0x5450,     /* FIONCLEX */
        0x5451,     /* FIOCLEX */
        0x40049409, /* FICLONE: cp */
    };
    load_arg(f, 1);
    ALLOW_LIST(f, list);
    refuse(f, ENOTTY);
}

static void judge_fcntl(lg_filter *f) /* nobody is to be sent a signal by a descriptor */
{
    load_arg(f, 1);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, F_SETOWN, 1, 0);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 15, 0, 1); /* F_SETOWN_EX */
    refuse(f, EPERM);
    give(f, SECCOMP_RET_ALLOW);
}

/* Where neither Landlock nor the user keeps signals in: to the first process and its group. */
static void judge_kill(lg_filter *f, bool free)
{
    if (free) {
        give(f, SECCOMP_RET_ALLOW);
        return;
    }
    load_arg(f, 0);
    allow_equal(f, 0);
    allow_own(f, false);
    allow_own(f, true);
    refuse(f, EPERM);
}

static void judge_tkill(lg_filter *f, bool free)
{
    if (!free) {
        load_arg(f, 0);
        allow_own(f, false);
        refuse(f, EPERM);
    } else {
        give(f, SECCOMP_RET_ALLOW);
    }
}

static void judge_own(lg_filter *f)
{
    load_arg(f, 0);
    allow_equal(f, 0);
    refuse(f, EPERM);
}

static void judge_personality(lg_filter *f)
{
    load_arg(f, 0);
    allow_equal(f, 0);
    allow_equal(f, 0xFFFFFFFF); /* only asked */
    refuse(f, EPERM);
}

/* By path, and Landlock has no word for it: of somebody else's files the kernel refuses it; of
 * this user's only what takes nothing from their owner, and gives nothing to others. All else (what
 * copies of files ask for on their way) is answered as if it were done, and is not: programs take
 * its failure for their own. */
static void judge_mode(lg_filter *f, int arg, bool free)
{
    if (free) {
        give(f, SECCOMP_RET_ALLOW);
        return;
    }
    load_arg(f, arg);
    add(f, BPF_ALU | BPF_AND | BPF_K, 07777, 0, 0);
    allow_equal(f, 0700);
    refuse(f, 0);
}

static void judge_times(lg_filter *f, bool free)
{
    if (free)
        give(f, SECCOMP_RET_ALLOW);
    else
        refuse(f, 0);
}

static void judge_times_at(lg_filter *f, bool free) /* of a descriptor: no path */
{
    if (!free) {
        load_arg(f, 1);
        add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        refuse(f, 0);
        load_arg_high(f, 1);
        allow_equal(f, 0);
        refuse(f, 0);
    } else {
        give(f, SECCOMP_RET_ALLOW);
    }
}

static void judge_nice(lg_filter *f) /* of this process itself */
{
    load_arg(f, 0);
    add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    refuse(f, EPERM);
    load_arg(f, 1);
    allow_equal(f, 0);
    refuse(f, EPERM);
}

struct held { /* by others than this filter */
    bool files, truncate, signals;
};

static void judge_plain(lg_filter *f, bool allow)
{
    if (allow)
        give(f, SECCOMP_RET_ALLOW);
    else
        refuse(f, EPERM);
}

static void judge(lg_filter *f, enum verdict v, const struct held *h)
{
    switch (v) {
    case NONE:
        refuse(f, ENOSYS);
        break;
    case ALLOW:
        judge_plain(f, true);
        break;
    case DENY:
        judge_plain(f, false);
        break;
    case CLONE:
        judge_clone(f);
        break;
    case PAIR:
        judge_pair(f);
        break;
    case SEND:
        judge_send(f);
        break;
    case PRCTL:
        judge_prctl(f);
        break;
    case IOCTL:
        judge_ioctl(f);
        break;
    case FCNTL:
        judge_fcntl(f);
        break;
    case KILL:
        judge_kill(f, h->signals);
        break;
    case TKILL:
        judge_tkill(f, h->signals);
        break;
    case PERSONALITY:
        judge_personality(f);
        break;
    case MODE:
        judge_mode(f, 1, h->files);
        break;
    case MODE_AT:
        judge_mode(f, 2, h->files);
        break;
    case TIMES_AT:
        judge_times_at(f, h->files);
        break;
    case NICE:
        judge_nice(f);
        break;
    case PRLIMIT:
    case OWN:
        judge_own(f);
        break;
    case TRUNCATE:
        judge_plain(f, h->truncate);
        break;
    case TIMES:
        judge_times(f, h->files);
        break;
    case UNSUPPORTED:
        refuse(f, EOPNOTSUPP);
        break;
    }
}

/* ---- the tree ------------------------------------------------------------------ */

struct span { /* calls from `from` to the next span's */
    uint16_t from;
    uint8_t verdict;
};

static void set_all(uint8_t *by_call, const uint16_t *list, size_t n, enum verdict verdict)
{
    for (size_t i = 0; i < n; i++)
        by_call[list[i]] = (uint8_t)verdict;
}

/* The calls as spans of one verdict each; one by its arguments is a span of its own. */
static size_t spans_of(struct span *spans)
{
    uint8_t by_call[CALLS] = {NONE};
    size_t n = 0;
    set_all(by_call, allowed, sizeof allowed / sizeof *allowed, ALLOW);
    set_all(by_call, denied, sizeof denied / sizeof *denied, DENY);
    set_all(by_call, unsupported, sizeof unsupported / sizeof *unsupported, UNSUPPORTED);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        by_call[rules[i].call] = (uint8_t)rules[i].verdict;

    for (size_t i = 0; i < CALLS; i++) {
        if (n == 0 || spans[n - 1].verdict != by_call[i])
            spans[n++] = (struct span){(uint16_t)i, by_call[i]};
    }
    return n;
}

struct part { /* of the tree, still to be written: spans from `from` to before `to` */
    size_t from, to;
    size_t jump; /* the word that jumps here; 0: none */
};

/* Depth first, so that each part stands behind its jump; a list in the stead of recursion. */
static void add_tree(lg_filter *f, const struct span *spans, size_t n, const struct held *h)
{
    struct part list[16] = {{0, n, 0}};
    for (size_t left = 1; left > 0;) {
        struct part p = list[--left];
        if (p.jump)
            f->code[p.jump].k = (uint32_t)(f->n - p.jump - 1);

        while (p.to - p.from > 1 && left < sizeof list / sizeof *list && !f->full) {
            size_t middle = p.from + (p.to - p.from) / 2;
            add(f, BPF_JMP | BPF_JGE | BPF_K, spans[middle].from, 0, 1);
            list[left++] = (struct part){middle, p.to, f->n};
            add(f, BPF_JMP | BPF_JA, 0, 0, 0);
            p.to = middle;
        }
        judge(f, (enum verdict)spans[p.from].verdict, h);
    }
}

/* ---- for others ------------------------------------------------------------------ */

bool lg__filter_available(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool lg__filter_make(lg_filter *f, const lg_contain *c, int abi)
{
    f->n = f->n_own = 0;
    f->full = false;
#ifdef MACHINE
    struct span spans[CALLS];
    const bool other = c->user != 0 || c->handed; /* namespaces hold all three */
    const struct held held = {
        .files = other, .truncate = other || abi >= 3, .signals = other || abi >= 6};
    load(f, offsetof(struct seccomp_data, arch));
    add(f, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    give(f, SECCOMP_RET_KILL_PROCESS);
    load(f, offsetof(struct seccomp_data, nr));
    add_tree(f, spans, spans_of(spans), &held);
    return !f->full;
#else
    (void)c;
    (void)abi;
    return false;
#endif
}

int lg__filter_load(lg_filter *f, pid_t own)
{
    for (size_t i = 0; i < f->n_own; i++)
        f->code[f->own[i].at].k = (uint32_t)(f->own[i].negative ? -own : own);

    struct sock_fprog program = {.len = (unsigned short)f->n, .filter = f->code};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? errno : 0;
}
