/* attempts.c - what a contained program may try, one function an attempt.
 *
 * usage: attempts all|controls VICTIM     VICTIM: a folder that is not the program's
 * Each attempt runs in a process of its own and says whether it got what it must not get. Those
 * marked as controls harm nobody, and succeed where nothing contains them: they are real. Compiled
 * and run by tests/lua/test_escapes.lua. */
#define _GNU_SOURCE
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *victim;
static pid_t parent; /* who started us: the engine */

static const char *in_victim(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", victim, name);
    return path;
}

static bool can_open(const char *path, int flags)
{
    return open(path, flags | O_NONBLOCK | O_NOCTTY, 0600) >= 0;
}

static bool can_read(const char *path)
{
    char c;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return fd >= 0 && read(fd, &c, 1) == 1;
}

static const char *of_parent(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)parent, name);
    return path;
}

/* ---- files ------------------------------------------------------------------------ */

static bool read_ssh_key(void)
{
    return can_read(in_victim(".ssh/id_rsa"));
}

static bool read_store(void)
{
    return can_read(in_victim(".lunagrad/store.db"));
}

static bool list_home(void)
{
    return opendir(victim) != NULL;
}

static bool overwrite(void)
{
    return can_open(in_victim("precious"), O_WRONLY);
}

static bool append_to_profile(void)
{
    return can_open(in_victim(".profile"), O_WRONLY | O_APPEND | O_CREAT);
}

static bool truncate_by_path(void)
{
    return truncate(in_victim("to-truncate"), 0) == 0;
}

static bool truncate_by_open(void)
{
    return can_open(in_victim("to-truncate"), O_RDONLY | O_TRUNC);
}

static bool unlink_file(void)
{
    return unlink(in_victim("to-unlink")) == 0;
}

static bool make_folder(void)
{
    return mkdir(in_victim("new-folder"), 0700) == 0;
}

static bool rename_out(void)
{
    return rename(in_victim("to-rename"), "mine") == 0;
}

static bool rename_in(void)
{
    return can_open("planted", O_WRONLY | O_CREAT) && rename("planted", in_victim("planted")) == 0;
}

static bool hard_link(void)
{
    return link(in_victim(".ssh/id_rsa"), "linked") == 0 && can_read("linked");
}

static bool hard_link_by_proc(void)
{
    char path[64];
    int fd = open(in_victim(".ssh/id_rsa"), O_PATH);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd >= 0 && linkat(AT_FDCWD, path, AT_FDCWD, "linked-2", AT_SYMLINK_FOLLOW) == 0 &&
           can_read("linked-2");
}

static bool symbolic_link(void)
{
    return symlink(in_victim(".ssh/id_rsa"), "symbolic") == 0 && can_read("symbolic");
}

static bool dots(void)
{
    char path[4200];
    snprintf(path, sizeof path, "../../../../../../..%s", in_victim(".ssh/id_rsa"));
    return can_read(path);
}

static bool neighbour(void) /* the folder of all scratch directories */
{
    return opendir("..") != NULL || can_open("../mine-too", O_WRONLY | O_CREAT);
}

static bool reopen_path(void)
{
    char path[64];
    int fd = open(in_victim(".ssh/id_rsa"), O_PATH);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return fd >= 0 && can_read(path);
}

static bool is_open_to_all(const char *path) /* a change may only seem done */
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & 077) != 0;
}

static bool chmod_to_all(void)
{
    return chmod(in_victim("to-chmod"), 0777) == 0 && is_open_to_all(in_victim("to-chmod"));
}

static bool chmod_by_descriptor(void)
{
    int fd = open(in_victim("to-chmod"), O_PATH);
    fchmod(fd, 0777);
    syscall(452, fd, "", 0777, AT_EMPTY_PATH);
    return fd >= 0 && is_open_to_all(in_victim("to-chmod"));
}

static bool change_owner(void)
{
    return chown(in_victim("to-chmod"), getuid(), getgid()) == 0;
}

static bool change_times(void)
{
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    struct stat st;
    utimensat(AT_FDCWD, in_victim("to-touch"), times, 0);
    return stat(in_victim("to-touch"), &st) == 0 && st.st_mtime == 1;
}

static bool extended_attribute(void)
{
    return setxattr(in_victim("to-touch"), "user.mine", "x", 1, 0) == 0;
}

static bool run_program(void)
{
    char *args[] = {(char *)"tool", NULL};
    execv(in_victim("tool"), args); /* exits with 99 */
    return false;
}

static bool by_handle(void)
{
    char room[sizeof(struct file_handle) + 128];
    struct file_handle *h = (struct file_handle *)room;
    int mount;
    h->handle_bytes = 128;
    return name_to_handle_at(AT_FDCWD, victim, h, &mount, 0) == 0;
}

static bool temporary_folders(void)
{
    return can_open("/tmp/lunagrad-planted", O_WRONLY | O_CREAT) ||
           can_open("/var/tmp/lunagrad-planted", O_WRONLY | O_CREAT) ||
           can_open("/dev/shm/lunagrad-planted", O_WRONLY | O_CREAT);
}

static bool watch_folder(void)
{
    int fd = (int)syscall(SYS_inotify_init1, 0);
    return fd >= 0 && syscall(SYS_inotify_add_watch, fd, victim, 0xFFF) >= 0;
}

static bool secrets_of_the_system(void)
{
    return can_read("/etc/shadow") || can_read("/etc/ssh/ssh_host_rsa_key") ||
           opendir("/var/log") || opendir("/home") || opendir("/");
}

/* ---- other processes, by files ---------------------------------------------------------- */

static bool environ_of_parent(void)
{
    return can_open(of_parent("environ"), O_RDONLY);
}

static bool memory_of_parent(void)
{
    return can_open(of_parent("mem"), O_RDONLY) || can_open(of_parent("mem"), O_RDWR);
}

static bool descriptors_of_parent(void)
{
    return opendir(of_parent("fd")) != NULL || opendir(of_parent("task")) != NULL;
}

static bool list_processes(void)
{
    return opendir("/proc") != NULL || can_read("/proc/1/cmdline");
}

static bool root_by_proc(void)
{
    char path[4200];
    snprintf(path, sizeof path, "/proc/self/root%s", in_victim(".ssh/id_rsa"));
    return can_read(path);
}

static bool folder_by_proc(void)
{
    return opendir("/proc/self/cwd/..") != NULL;
}

static bool kernel_settings(void)
{
    return can_open("/proc/sys/kernel/core_pattern", O_WRONLY) ||
           can_open("/proc/sysrq-trigger", O_WRONLY) ||
           can_open("/sys/kernel/uevent_helper", O_WRONLY) || opendir("/sys/fs/cgroup") != NULL;
}

static bool devices(void)
{
    static const char *const paths[] = {
        "/dev/mem", "/dev/kmsg",    "/dev/sda",  "/dev/vda",     "/dev/kvm",         "/dev/fuse",
        "/dev/tty", "/dev/console", "/dev/ptmx", "/dev/net/tun", "/dev/loop-control"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (can_open(paths[i], O_RDONLY) || can_open(paths[i], O_RDWR))
            return true;
    }
    return false;
}

static bool make_device(void)
{
    return mknod("device", S_IFCHR | 0600, 0x101) == 0 && can_open("device", O_RDONLY);
}

/* ---- sockets ----------------------------------------------------------------------------- */

static bool udp(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) >= 0 || socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
}

static bool tcp(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_INET6, SOCK_STREAM, 0) >= 0;
}

static bool raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, 1) >= 0 || socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
}

static bool rare_sockets(void)
{
    return socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0 ||
           socket(AF_BLUETOOTH, SOCK_RAW, 0) >= 0;
}

static bool unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}

static bool listen_somewhere(void) /* a pair is a socket, too */
{
    int pair[2];
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0listens"};
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
           bind(pair[0], (struct sockaddr *)&a, sizeof a) == 0;
}

static bool abstract_by_pair(void)
{
    int pair[2];
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
        return false;

    sendto(pair[0], "x", 1, 0, (struct sockaddr *)&a, sizeof a);
    return errno == ECONNREFUSED; /* it has asked for it */
}

static bool stream_to_address(void)
{
    int pair[2];
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
    struct iovec io = {(void *)"x", 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &io, .msg_iovlen = 1};
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
           (sendmsg(pair[0], &m, 0) == 1 || connect(pair[0], (struct sockaddr *)&a, sizeof a) == 0);
}

/* ---- other processes ---------------------------------------------------------------------- */

static bool signal_parent(void)
{
    return kill(parent, 0) == 0;
}

static bool signal_group_of_parent(void)
{
    return kill(-getpgid(parent), 0) == 0;
}

static bool signal_thread_of_parent(void)
{
    return syscall(SYS_tgkill, parent, parent, 0) == 0 || syscall(SYS_tkill, parent, 0) == 0;
}

static bool signal_with_value(void)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_code = SI_QUEUE;
    return syscall(SYS_rt_sigqueueinfo, parent, 0, &info) == 0;
}

static bool signal_by_descriptor(void)
{
    int fd = (int)syscall(434, parent, 0);
    return fd >= 0 && syscall(424, fd, 0, NULL, 0) == 0;
}

static bool signal_by_owner(void)
{
    int fds[2];
    return pipe(fds) == 0 && fcntl(fds[0], F_SETOWN, parent) == 0;
}

static bool signal_init(void)
{
    return kill(1, 0) == 0;
}

static bool trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, parent, NULL, NULL) == 0;
}

static bool trace_child(void) /* would let it change what a filter has seen */
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool read_memory(void)
{
    char c;
    struct iovec mine = {&c, 1}, theirs = {(void *)&victim, 1};
    ssize_t n = process_vm_readv(parent, &mine, 1, &theirs, 1, 0);
    return n >= 0 || errno == EFAULT; /* not there, but it has looked */
}

static bool take_descriptor(void)
{
    int fd = (int)syscall(434, parent, 0);
    return fd >= 0 && syscall(438, fd, 0, 0) >= 0;
}

static bool limits_of_parent(void)
{
    struct rlimit r;
    return prlimit(parent, RLIMIT_NOFILE, NULL, &r) == 0;
}

static bool priority_of_parent(void)
{
    return setpriority(PRIO_PROCESS, (id_t)parent, getpriority(PRIO_PROCESS, (id_t)parent)) == 0;
}

static bool processor_of_parent(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 &&
           sched_setaffinity(parent, sizeof set, &set) == 0;
}

static bool compare_descriptors(void)
{
    return syscall(SYS_kcmp, parent, getpid(), 0, 0, 0) >= 0;
}

/* ---- leaving ------------------------------------------------------------------------------- */

static bool own_session(void)
{
    return setsid() > 0;
}

static bool own_group(void)
{
    return setpgid(0, 0) == 0;
}

static bool child_of_parent(void)
{
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);

    return pid > 0;
}

static bool outlive_engine(void)
{
    return prctl(PR_SET_PDEATHSIG, 0) == 0;
}

static bool namespaces(void)
{
    return unshare(CLONE_NEWUSER) == 0 || unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWNS) == 0;
}

static bool namespace_by_clone(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);

    return pid > 0;
}

static bool namespace_by_clone3(void)
{
    uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
    long pid = syscall(435, args, sizeof args);
    if (pid == 0)
        _exit(0);

    return pid > 0;
}

static bool enter_namespace(void)
{
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    return (fd >= 0 && setns(fd, 0) == 0) || setns(0, 0) == 0;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static bool mount_something(void)
{
    return mkdir("here", 0700) == 0 && mount("none", "here", "tmpfs", 0, NULL) == 0;
}

static bool new_mounts(void)
{
    return syscall(430, "tmpfs", 0) >= 0 || syscall(428, AT_FDCWD, "/", 0) >= 0;
}

static bool change_root(void)
{
    return chroot(".") == 0 || syscall(SYS_pivot_root, ".", ".") == 0;
}

static bool rings(void)
{
    char params[120] = {0};
    return syscall(425, 4, params) >= 0 || syscall(425, 4, NULL) >= 0;
}

static bool keys(void)
{
    return syscall(SYS_keyctl, 0 /* of a keyring */, -3, 0) >= 0 ||
           syscall(SYS_add_key, "user", "mine", "x", 1, -3) >= 0;
}

static bool bpf(void)
{
    struct {
        uint32_t type, key, value, entries;
        char rest[112];
    } attr = {2, 4, 4, 1, {0}};
    return syscall(SYS_bpf, 0, &attr, sizeof attr) >= 0;
}

static bool performance_events(void)
{
    char attr[128] = {0};
    uint32_t size = sizeof attr;
    memcpy(attr + 4, &size, sizeof size);
    return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0) >= 0;
}

static bool page_faults(void)
{
    return syscall(SYS_userfaultfd, 0) >= 0 || syscall(SYS_userfaultfd, 1) >= 0;
}

static bool run_memory(void)
{
    int fd = memfd_create("mine", 0);
    return fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10;
}

static bool shared_memory(void) /* it would stay behind */
{
    return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0 ||
           syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600) >= 0 ||
           syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600) >= 0 ||
           syscall(SYS_mq_open, "mine", O_CREAT | O_RDWR, 0600, NULL) >= 0;
}

static bool other_personality(void)
{
    return syscall(SYS_personality, 0x0040000) >= 0; /* no random addresses */
}

static bool type_for_others(void)
{
    char c = 'x';
    int fd = open("/dev/tty", O_RDWR);
    errno = 0;
    return ioctl(fd >= 0 ? fd : 0, TIOCSTI, &c) == 0 || ioctl(0, 0x541C, &c) == 0;
}

static bool new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || setuid(0) == 0;
}

static bool capabilities(void)
{
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } all[2] = {{~0U, ~0U, ~0U}, {~0U, ~0U, ~0U}};
    return syscall(SYS_capset, &head, all) == 0;
}

static bool raise_limits(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CPU, &all) == 0 || setrlimit(RLIMIT_NPROC, &all) == 0 ||
           setrlimit(RLIMIT_AS, &all) == 0 || setrlimit(RLIMIT_FSIZE, &all) == 0;
}

static bool dump_core(void)
{
    struct rlimit r;
    return getrlimit(RLIMIT_CORE, &r) || r.rlim_max > 1;
}

static bool kernel_log(void)
{
    char text[64];
    return syscall(SYS_syslog, 3, text, sizeof text) >= 0;
}

static bool system_calls_of_others(void) /* of the 32-bit kind, where the machine has them */
{
#ifdef __x86_64__
    long fd = syscall(0x40000000 | 41, AF_INET, SOCK_DGRAM, 0);
    if (fd >= 0)
        return true;

    __asm__ volatile("int $0x80" : "=a"(fd) : "a"(359L), "b"(AF_INET), "c"(SOCK_DGRAM), "d"(0L));
    return fd >= 0;
#else
    return false;
#endif
}

static bool machine_state(void)
{
    return syscall(SYS_reboot, 0, 0, 0, NULL) == 0 || errno == EINVAL || /* else it may */
           sethostname("mine", 4) == 0;
}

/* ---- what was handed on --------------------------------------------------------------------- */

static bool inherited_key(void)
{
    return getenv("ESCAPES_API_KEY") != NULL;
}

static bool inherited_descriptor(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return true;
    }
    return false;
}

static bool inherited_signals(void)
{
    struct sigaction a;
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    for (int i = 1; i < 32; i++) {
        if (sigismember(&set, i) || (sigaction(i, NULL, &a) == 0 && a.sa_handler != SIG_DFL))
            return true;
    }
    return false;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static const struct attempt {
    const char *name;
    bool (*fn)(void);
    bool control;
} attempts[] = {
#define TRY(name)          \
    {                      \
#name, name, false \
    }
#define CONTROL(name)     \
    {                     \
#name, name, true \
    }
    CONTROL(read_ssh_key),
    CONTROL(read_store),
    CONTROL(list_home),
    CONTROL(overwrite),
    CONTROL(append_to_profile),
    CONTROL(truncate_by_path),
    CONTROL(truncate_by_open),
    CONTROL(unlink_file),
    CONTROL(make_folder),
    CONTROL(rename_out),
    CONTROL(rename_in),
    CONTROL(hard_link),
    TRY(hard_link_by_proc),
    CONTROL(symbolic_link),
    CONTROL(dots),
    CONTROL(neighbour),
    CONTROL(reopen_path),
    CONTROL(chmod_to_all),
    TRY(chmod_by_descriptor),
    CONTROL(change_owner),
    CONTROL(change_times),
    TRY(extended_attribute),
    CONTROL(run_program),
    CONTROL(by_handle),
    TRY(temporary_folders),
    CONTROL(watch_folder),
    CONTROL(secrets_of_the_system),
    CONTROL(environ_of_parent),
    CONTROL(memory_of_parent),
    CONTROL(descriptors_of_parent),
    CONTROL(list_processes),
    CONTROL(root_by_proc),
    CONTROL(folder_by_proc),
    TRY(kernel_settings),
    CONTROL(devices),
    TRY(make_device),
    CONTROL(udp),
    CONTROL(tcp),
    TRY(raw_socket),
    CONTROL(netlink),
    TRY(rare_sockets),
    CONTROL(unix_socket),
    CONTROL(listen_somewhere),
    CONTROL(abstract_by_pair),
    TRY(stream_to_address),
    CONTROL(signal_parent),
    CONTROL(signal_group_of_parent),
    CONTROL(signal_thread_of_parent),
    CONTROL(signal_with_value),
    CONTROL(signal_by_descriptor),
    CONTROL(signal_by_owner),
    TRY(signal_init),
    TRY(trace_parent),
    CONTROL(trace_child),
    TRY(read_memory),
    TRY(take_descriptor),
    CONTROL(limits_of_parent),
    CONTROL(priority_of_parent),
    CONTROL(processor_of_parent),
    TRY(compare_descriptors),
    CONTROL(own_session),
    CONTROL(own_group),
    TRY(child_of_parent),
    CONTROL(outlive_engine),
    TRY(namespaces),
    TRY(namespace_by_clone),
    TRY(namespace_by_clone3),
    TRY(enter_namespace),
    TRY(mount_something),
    TRY(new_mounts),
    TRY(change_root),
    TRY(rings),
    TRY(keys),
    TRY(bpf),
    TRY(performance_events),
    TRY(page_faults),
    CONTROL(run_memory),
    TRY(shared_memory),
    CONTROL(other_personality),
    TRY(type_for_others),
    TRY(new_privileges),
    TRY(capabilities),
    TRY(raise_limits),
    TRY(dump_core),
    TRY(kernel_log),
    CONTROL(system_calls_of_others),
    TRY(machine_state),
    TRY(inherited_key),
    TRY(inherited_descriptor),
    TRY(inherited_signals),
};

/* In a process of its own; what kills it has held it. */
static bool escapes(const struct attempt *a)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(a->fn() ? 99 : 0);

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 99;
}

int main(int n, char **args)
{
    int tried = 0, escaped = 0;
    if (n != 3)
        return 2;

    victim = args[2];
    parent = getppid();
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        if (strcmp(args[1], "controls") == 0 && !attempts[i].control)
            continue;

        bool bad = escapes(&attempts[i]);
        tried++;
        escaped += bad;
        printf("%s %s\n", bad ? "ESCAPED" : "held", attempts[i].name);
    }
    printf("tried %d escaped %d\n", tried, escaped);
    return 0;
}
