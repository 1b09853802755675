/* contain.c - what this kernel offers to contain children with, and who can be nobody. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/contain_internal.h"

/* ---- other users ----------------------------------------------------------------- */

enum {
    IDS = 0x70000000, /* from here on systemd, containers and people give out none */
    N_IDS = 1 << 28
};

/* What a parent needs to have children of another user, and to be rid of them and their files. */
static bool has_powers(void)
{
    /* CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, KILL, SETGID, SETUID, SETPCAP */
    const uint32_t wanted = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 3 | 1U << 5 | 1U << 6 | 1U << 7;
    struct {
        uint32_t version;
        int pid;
    } head = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } sets[2] = {{0, 0, 0}, {0, 0, 0}};
    return syscall(SYS_capget, &head, sets) == 0 && (sets[0].effective & wanted) == wanted;
}

/* Whether the numbers mean users here: in a user namespace most do not. */
static bool are_mapped(const char *map)
{
    char text[256];
    int fd = open(map, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);

    if (n <= 0)
        return false;

    text[n] = '\0';
    char *at = text;
    unsigned long from = strtoul(at, &at, 10);
    strtoul(at, &at, 10);
    unsigned long many = strtoul(at, &at, 10);
    return from == 0 && many > (unsigned long)IDS + N_IDS;
}

/* ---- the kernel -------------------------------------------------------------------- */

void lg__kernel_look(lg_kernel *k, int most_abi)
{
    *k = (lg_kernel){.abi = 0};
    k->abi = lg__landlock_abi(&k->abi_problem);
    if (most_abi > 0 && k->abi > most_abi)
        k->abi = most_abi;

    k->seccomp = lg__filter_available();
#if !defined(__x86_64__) && !(defined(__aarch64__) && !defined(__AARCH64EB__))
    k->unknown_machine = true;
#endif
    if (geteuid() != 0)
        return;

    bool mapped = are_mapped("/proc/self/uid_map") && are_mapped("/proc/self/gid_map");
    k->bound_root = mapped && !has_powers();
    k->ids = mapped && !k->bound_root ? IDS : 0;
}

const char *lg__kernel_problem(const lg_kernel *k)
{
    if (k->unknown_machine)
        return "system calls are filtered on x86_64 and aarch64 only";

    if (!k->abi && k->abi_problem == EOPNOTSUPP)
        return "this kernel has Landlock, but it is switched off (kernel parameter lsm=…)";

    if (!k->abi)
        return "this kernel has no Landlock (Linux 5.13 or newer is needed)";

    if (!k->seccomp)
        return "this kernel, or the container around it, has no seccomp filters";

    if (k->bound_root) {
        return "root without CAP_SETUID cannot give a program another user, and no limit of "
               "processes holds for root";
    }

    return NULL;
}

uint32_t lg__kernel_user(const lg_kernel *k)
{
    uint32_t some = 0;
    if (!k->ids || syscall(SYS_getrandom, &some, sizeof some, 1) != sizeof some)
        return k->ids;

    return k->ids + some % (N_IDS - 2);
}

/* ---- how many run -------------------------------------------------------------------- */

enum { MOST = 4096 };

static uint64_t threads_of(int proc, const char *name)
{
    char path[300], text[2048];
    snprintf(path, sizeof path, "%s/status", name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);

    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "\nThreads:");
    return at ? strtoull(at + 9, NULL, 10) : 1;
}

uint64_t lg__contain_count(void)
{
    uint64_t count = 0;
    const struct dirent *e;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;

    for (int i = 0; i < MOST && (e = readdir(proc)); i++) {
        struct stat st;
        if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
            fstatat(dirfd(proc), e->d_name, &st, 0) != 0 || st.st_uid != getuid())
            continue;

        count += threads_of(dirfd(proc), e->d_name);
    }
    closedir(proc);
    return count;
}
