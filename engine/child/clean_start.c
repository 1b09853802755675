/* clean_start.c - the part of a start that is the same for all children (posix_spawn). What is
 * contained is begun by contain_spawn.c instead. */
#include "child/clean_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int lg__fd_lifted(int fd)
{
    if (fd < 0 || fd > 2)
        return fd;

    int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return higher;
}

int lg__fd_write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, data, n);
        if (done < 0 && errno != EINTR)
            return errno;

        data += done > 0 ? done : 0;
        n -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

void lg__fd_close_watched(lg_watch **w, int *fd)
{
    lg__watch_close(*w);
    *w = NULL;
    if (*fd >= 0)
        close(*fd);

    *fd = -1;
}

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

static int set_actions(posix_spawn_file_actions_t *f, const int *fds, int n, int first)
{
    int err = 0;
    for (int i = 0; !err && i < n; i++)
        err = posix_spawn_file_actions_adddup2(f, fds[i], first + i);

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    /* what a host opened without close-on-exec stays with the host */
    err = err ? err : posix_spawn_file_actions_addclosefrom_np(f, first + n);
#endif
#endif
    return err;
}

int lg__spawn_clean(pid_t *pid, const char *path, bool search, char *const *argv, char *const *env,
                    const int *fds, int n, int first)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int err = posix_spawn_file_actions_init(&actions);
    if (err)
        return err;

    err = posix_spawnattr_init(&attributes);
    if (!err) {
        err = set_attributes(&attributes);
        err = err ? err : set_actions(&actions, fds, n, first);
        if (!err) {
            int (*start)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                         const posix_spawnattr_t *, char *const[], char *const[]) =
                search ? posix_spawnp : posix_spawn;
            err = start(pid, path, &actions, &attributes, argv, env);
        }
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return err;
}
