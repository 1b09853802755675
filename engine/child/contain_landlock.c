/* contain_landlock.c - which files a child may see, in the kernel's Landlock.
 *
 * Constants and structures are our own: headers of older systems lack the newer ones, and
 * the kernel says at run time which it knows. What an ABI does not know is left out, and is
 * held by seccomp where that matters (contain_seccomp.c). */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child/contain_internal.h"

#ifndef SYS_landlock_create_ruleset /* the same on all machines */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum { VERSION = 1, PATH_BENEATH = 1 }; /* flag, kind of rule */

enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    MAKE_FIFO = 1 << 10,
    MAKE_SYM = 1 << 12,
    ALL_1 = (1 << 13) - 1, /* with devices and sockets, which nobody is given */
    REFER = 1 << 13,       /* from ABI 2 */
    TRUNCATE = 1 << 14,    /* … 3 */
    IOCTL_DEV = 1 << 15    /* … 5 */
};

enum {
    NET_TCP = 3, /* bind, connect: from ABI 4 */
    SCOPES = 3   /* abstract sockets, signals: from ABI 6 */
};

struct ruleset_attr {
    uint64_t files, net, scopes;
};

struct path_attr {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

int lg__landlock_abi(int *problem)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
    *problem = abi < 0 ? errno : 0;
    return abi < 0 ? 0 : (int)abi;
}

static uint64_t handled(int abi)
{
    return (uint64_t)ALL_1 | (abi >= 2 ? REFER : 0) | (abi >= 3 ? TRUNCATE : 0) |
           (abi >= 5 ? IOCTL_DEV : 0);
}

static size_t attr_size(int abi)
{
    struct ruleset_attr a;
    return abi >= 6 ? sizeof a : abi >= 4 ? sizeof a.files + sizeof a.net : sizeof a.files;
}

enum { OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV };

/* 0, -1: errno */
static int allow(int ruleset, int at, uint64_t rights)
{
    struct stat st;
    struct path_attr a = {.allowed = rights, .parent = at};
    if (fstat(at, &st))
        return -1;

    if (!S_ISDIR(st.st_mode))
        a.allowed &= OF_FILES;

    return syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &a, 0) ? -1 : 0;
}

/* One that is not there is passed over: nothing in it can be seen. 0, -1: errno */
static int allow_path(int ruleset, const char *path, uint64_t rights)
{
    int at = open(path, O_PATH | O_CLOEXEC);
    if (at < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP ? 0 : -1;

    int err = allow(ruleset, at, rights), problem = errno;
    close(at);
    errno = problem;
    return err;
}

static int allow_all(int ruleset, const lg_contain *c, int abi)
{
    const uint64_t read = EXECUTE | READ_FILE | READ_DIR;
    const uint64_t mine = read | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG |
                          MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE;
    for (size_t i = 0; i < c->n_readable; i++) {
        if (allow_path(ruleset, c->readable[i], read))
            return -1;
    }
    if (allow_path(ruleset, "/dev/null", READ_FILE | WRITE_FILE))
        return -1;

    return c->scratch ? allow(ruleset, c->folder, mine & handled(abi)) : 0;
}

int lg__landlock_ruleset(const lg_contain *c, int abi)
{
    struct ruleset_attr a = {.files = handled(abi), .net = NET_TCP, .scopes = SCOPES};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, attr_size(abi), 0);
    if (ruleset < 0)
        return -1;

    if (!allow_all(ruleset, c, abi))
        return ruleset;

    int problem = errno;
    close(ruleset);
    errno = problem;
    return -1;
}

int lg__landlock_restrict(int ruleset)
{
    return syscall(SYS_landlock_restrict_self, ruleset, 0) ? errno : 0;
}
