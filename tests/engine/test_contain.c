/* test_contain.c - what contains a child: the filter of system calls, read as the kernel reads it,
 * for every ABI of Landlock; descriptors, limits and stages of a start. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child/contain_internal.h"
#include "../support.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#define MACHINE 0
#endif

/* ---- a filter, read ------------------------------------------------------------------ */

/* What the filter says of a call; classic BPF, as much of it as the filter uses. */
static uint32_t verdict(const lg_filter *f, const struct seccomp_data *d)
{
    uint32_t a = 0;
    for (size_t pc = 0; pc < f->n; pc++) {
        const struct sock_filter *w = &f->code[pc];
        switch (w->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(w->k + 4 <= sizeof *d);
            memcpy(&a, (const char *)d + w->k, 4);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= w->k;
            break;
        case BPF_JMP | BPF_JA:
            pc += w->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == w->k ? w->jt : w->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= w->k ? w->jt : w->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            pc += a & w->k ? w->jt : w->jf;
            break;
        case BPF_RET | BPF_K:
            return w->k;
        default:
            fail_msg("word %zu is none that the filter uses", pc);
        }
    }
    fail_msg("the filter has no end");
    return 0;
}

static const uint32_t allowed = SECCOMP_RET_ALLOW;

static uint32_t refused(int problem)
{
    return SECCOMP_RET_ERRNO | (uint32_t)problem;
}

struct filters { /* in the order of tightness */
    lg_filter old, new, other;
};

static void make(struct filters *all)
{
    const lg_contain mine = {.contained = true}, theirs = {.contained = true, .user = 7};
    assert_true(lg__filter_make(&all->old, &mine, 1));
    assert_true(lg__filter_make(&all->new, &mine, 7));
    assert_true(lg__filter_make(&all->other, &theirs, 1));
}

static uint32_t call3(const lg_filter *f, int nr, uint64_t a, uint64_t b, uint64_t c)
{
    const struct seccomp_data d = {.nr = nr, .arch = MACHINE, .args = {a, b, c}};
    return verdict(f, &d);
}

static void test_calls(void **state)
{
    static const int fine[] = {SYS_read,       SYS_openat, SYS_mmap,  SYS_execve,
                               SYS_exit_group, SYS_wait4,  SYS_futex, 437 /* openat2 */};
    static const int bad[] = {SYS_socket,           SYS_connect,         SYS_bind,
                              SYS_ptrace,           SYS_mount,           SYS_unshare,
                              SYS_setsid,           SYS_setpgid,         SYS_bpf,
                              SYS_keyctl,           SYS_shmget,          SYS_memfd_create,
                              SYS_process_vm_readv, SYS_perf_event_open, 425 /* io_uring_setup */};
    static struct filters all;
    (void)state;
    make(&all);
    const lg_filter *list[] = {&all.old, &all.new, &all.other};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof fine / sizeof *fine; j++)
            assert_int_equal(call3(list[i], fine[j], 1, 2, 3), allowed);

        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++)
            assert_int_equal(call3(list[i], bad[j], 1, 2, 3), refused(EPERM));

        for (int nr = 470; nr < 2000; nr++) /* nobody knows them yet */
            assert_int_equal(call3(list[i], nr, 0, 0, 0), refused(ENOSYS));

        assert_int_equal(call3(list[i], SYS_read | 0x40000000, 0, 0, 0), refused(ENOSYS));
        assert_int_equal(call3(list[i], -1, 0, 0, 0), refused(ENOSYS));
        assert_int_equal(call3(list[i], 435 /* clone3 */, 0, 0, 0), refused(ENOSYS));
    }
}

static void test_other_machines(void **state)
{
    static struct filters all;
    (void)state;
    make(&all);
    const struct seccomp_data d = {.nr = SYS_read, .arch = AUDIT_ARCH_I386};
    assert_int_equal(verdict(&all.new, &d), SECCOMP_RET_KILL_PROCESS);
}

static void test_arguments(void **state)
{
    static struct filters all;
    (void)state;
    make(&all);
    const lg_filter *f = &all.new;
    const uint64_t dgram = SOCK_DGRAM, stream = SOCK_STREAM | SOCK_CLOEXEC;
    assert_int_equal(call3(f, SYS_socketpair, AF_UNIX, stream, 0), allowed);
    assert_int_equal(call3(f, SYS_socketpair, AF_UNIX, dgram, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_socketpair, AF_INET, stream, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_clone, SIGCHLD, 0, 0), allowed);
    assert_int_equal(call3(f, SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_clone, CLONE_NEWNS, 0, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_prctl, 1, 0, 0), refused(EINVAL));
    assert_int_equal(call3(f, SYS_prctl, 15, 0, 0), allowed);
    assert_int_equal(call3(f, SYS_ioctl, 0, 0x5412, 0), refused(ENOTTY));
    assert_int_equal(call3(f, SYS_ioctl, 1, 0x5401, 0), allowed);
    assert_int_equal(call3(f, SYS_fcntl, 1, F_SETOWN, 5), refused(EPERM));
    assert_int_equal(call3(f, SYS_fcntl, 1, F_SETOWN_EX, 5), refused(EPERM));
    assert_int_equal(call3(f, SYS_fcntl, 1, F_GETFD, 0), allowed);
    assert_int_equal(call3(f, SYS_prlimit64, 0, 7, 0), allowed);
    assert_int_equal(call3(f, SYS_prlimit64, 9, 7, 0), refused(EPERM));
    assert_int_equal(call3(f, SYS_personality, 0xFFFFFFFF, 0, 0), allowed);
    assert_int_equal(call3(f, SYS_personality, 0x40000, 0, 0), refused(EPERM));
    const struct seccomp_data to = {
        .nr = SYS_sendto, .arch = MACHINE, .args = {1, 2, 3, 0, (uint64_t)1 << 32, 16}};
    assert_int_equal(verdict(f, &to), refused(EPERM)); /* an address that is low half zero */
    assert_int_equal(call3(f, SYS_sendto, 1, 2, 3), allowed);
}

/* What Landlock of this age does not hold, and the user does not, the filter does. */
static void test_by_age(void **state)
{
    static struct filters all;
    (void)state;
    make(&all);
    assert_int_equal(all.new.n_own, 0);
    assert_true(all.old.n_own > 0);
    for (size_t i = 0; i < all.old.n_own; i++) /* as the child does */
        all.old.code[all.old.own[i].at].k = (uint32_t)(all.old.own[i].negative ? -77 : 77);

    assert_int_equal(call3(&all.old, SYS_kill, 77, 9, 0), allowed);
    assert_int_equal(call3(&all.old, SYS_kill, (uint32_t)-77, 9, 0), allowed);
    assert_int_equal(call3(&all.old, SYS_kill, 0, 9, 0), allowed);
    assert_int_equal(call3(&all.old, SYS_kill, 1, 0, 0), refused(EPERM));
    assert_int_equal(call3(&all.old, SYS_kill, (uint32_t)-1, 9, 0), refused(EPERM));
    assert_int_equal(call3(&all.old, SYS_tgkill, 78, 78, 6), refused(EPERM));
    assert_int_equal(call3(&all.new, SYS_kill, 1, 0, 0), allowed);
    assert_int_equal(call3(&all.other, SYS_kill, 1, 0, 0), allowed);
    assert_int_equal(call3(&all.old, SYS_truncate, 1, 0, 0), refused(EPERM));
    assert_int_equal(call3(&all.new, SYS_truncate, 1, 0, 0), allowed);
    assert_int_equal(call3(&all.new, SYS_fchmodat, 1, 2, 0777), refused(0)); /* as if done */
    assert_int_equal(call3(&all.new, SYS_fchmodat, 1, 2, 0700), allowed);
    assert_int_equal(call3(&all.new, SYS_fchmodat, 1, 2, 04700), refused(0));
    assert_int_equal(call3(&all.new, SYS_fchmod, 1, 0644, 0), refused(0));
    assert_int_equal(call3(&all.other, SYS_fchmodat, 1, 2, 0755), allowed);
    assert_int_equal(call3(&all.new, SYS_utimensat, 1, 2, 0), refused(0));
    assert_int_equal(call3(&all.new, SYS_utimensat, 1, 0, 0), allowed);
}

/* ---- starts ----------------------------------------------------------------------------- */

typedef struct start {
    lg_mem mem;
    support_heap heap;
    lg_kernel kernel;
    char folder[64];
    lg_contain c;
    char *argv[4];
} start;

static char *const no_env[] = {NULL};
static const char *const readable[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"};

static void prepare(start *s, const char *text, bool contained)
{
    memset(s, 0, sizeof *s);
    support_mem_init(&s->mem, &s->heap);
    lg__kernel_look(&s->kernel, 0);
    strcpy(s->folder, "/tmp/lunagrad-test-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->argv[0] = (char *)"sh";
    s->argv[1] = (char *)"-c";
    s->argv[2] = (char *)text;
    s->c = (lg_contain){.program = "/bin/sh",
                        .argv = s->argv,
                        .envp = no_env,
                        .folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                        .contained = contained,
                        .tied = true,
                        .readable = readable,
                        .n_readable = 5,
                        .scratch = true};
    for (int i = 0; i < 3; i++)
        s->c.fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);

    if (contained && s->kernel.ids) {
        s->c.user = lg__kernel_user(&s->kernel);
        assert_int_equal(fchown(s->c.folder, s->c.user, s->c.user), 0);
    }
}

static void put_away(start *s)
{
    for (int i = 0; i < 3; i++)
        close(s->c.fds[i]);

    close(s->c.folder);
    rmdir(s->folder);
    assert_heap_empty(&s->heap);
}

static int run(start *s)
{
    int status = 0;
    lg_contain_end end;
    lg__contain_start(&s->c, &s->kernel, &s->mem, &end);
    assert_int_equal(end.problem, 0);
    assert_true(end.pid > 0);
    assert_int_equal(waitpid(end.pid, &status, 0), end.pid);
    if (end.exit >= 0)
        close(end.exit);

    put_away(s);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool can_contain(void)
{
    lg_kernel k;
    lg__kernel_look(&k, 0);
    return lg__kernel_problem(&k) == NULL;
}

static void test_start(void **state)
{
    start s;
    (void)state;
    prepare(&s, "exit 7", false);
    assert_int_equal(run(&s), 7);
    if (!can_contain())
        skip();

    prepare(&s, "exit 8", true);
    assert_int_equal(run(&s), 8);
    prepare(&s, "echo > /dev/null && mkdir x && rmdir x", true);
    assert_int_equal(run(&s), 0);
    prepare(&s, "ls / 2>/dev/null || exit 9", true);
    assert_int_equal(run(&s), 9);
}

static void test_limits(void **state)
{
    start s;
    (void)state;
    prepare(&s, "[ $(ulimit -f) = 2048 ] && [ $(ulimit -t) = 5 ] && [ $(ulimit -c) -le 1 ]", false);
    s.c.file_size = 1 << 20;
    s.c.cpu_seconds = 5;
    assert_int_equal(run(&s), 0);
}

static void fails_at(start *s, int stage, int problem)
{
    lg_contain_end end;
    lg__contain_start(&s->c, &s->kernel, &s->mem, &end);
    assert_int_equal(end.stage, stage);
    assert_int_equal(end.problem, problem);
    assert_int_equal(end.pid, 0);
    assert_int_equal(end.exit, -1);
    put_away(s);
}

static void test_bad_starts(void **state)
{
    start s;
    (void)state;
    prepare(&s, "", false);
    s.c.program = "/no/such/program";
    fails_at(&s, LG_STAGE_EXEC, ENOENT);
    prepare(&s, "", false);
    s.c.program = "/etc/passwd";
    fails_at(&s, LG_STAGE_EXEC, EACCES);
    prepare(&s, "", false);
    close(s.c.folder);
    s.c.folder = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fails_at(&s, LG_STAGE_DESCRIPTORS, ENOTDIR);
    if (!can_contain())
        skip();

    prepare(&s, "", true);
    s.c.n_readable = 0; /* not even its loader */
    fails_at(&s, LG_STAGE_EXEC, EACCES);
}

/* Descriptors with the numbers that the child itself takes are not mixed up. */
static void test_numbers(void **state)
{
    start s;
    (void)state;
    prepare(&s, "read a; echo $a; [ \"$a\" = hello ]", false);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "hello\n", 6), 6);
    close(ends[1]);
    close(s.c.fds[0]);
    s.c.fds[0] = ends[0];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    close(s.c.fds[1]);
    s.c.fds[1] = null;
    assert_int_equal(run(&s), 0);
}

static void test_older_kernels(void **state)
{
    lg_kernel k;
    (void)state;
    lg__kernel_look(&k, 0);
    int abi = k.abi;
    for (int most = 1; most <= LG_CONTAIN_ABI_MAX; most++) {
        lg__kernel_look(&k, most);
        assert_int_equal(k.abi, abi < most ? abi : most);
    }
    k = (lg_kernel){.abi = 0, .abi_problem = ENOSYS, .seccomp = true};
    assert_non_null(strstr(lg__kernel_problem(&k), "no Landlock"));
    k.abi_problem = EOPNOTSUPP;
    assert_non_null(strstr(lg__kernel_problem(&k), "switched off"));
    k = (lg_kernel){.abi = 1, .seccomp = false};
    assert_non_null(strstr(lg__kernel_problem(&k), "seccomp"));
    k = (lg_kernel){.abi = 1, .seccomp = true, .bound_root = true};
    assert_non_null(strstr(lg__kernel_problem(&k), "root"));
    k.bound_root = false;
    assert_null(lg__kernel_problem(&k));
    assert_int_equal(lg__kernel_user(&k), 0);
    assert_true(lg__contain_count() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),         cmocka_unit_test(test_other_machines),
        cmocka_unit_test(test_arguments),     cmocka_unit_test(test_by_age),
        cmocka_unit_test(test_start),         cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bad_starts),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_older_kernels),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
