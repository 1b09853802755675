/* command_watcher.c - a small process that outlives us, should we be killed.
 *
 * The kernel ends a program's first process when its parent dies, and nothing that this has
 * started. So a shell is told of each contained program's group, and that it is over; when the
 * line breaks (we are dead) it kills the groups that are left, and removes the directory of
 * all scratches. One for each engine, from its first contained program on; where it cannot be
 * started, a killed engine's leftovers end at their own limits. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child/command_internal.h"

/* A number that comes a second time is over. */
static const char script[] =
    "trap '' HUP INT QUIT TERM; l=' '\n"
    "while read -r p; do case $l in *\" $p \"*) l=\"${l%%\" $p \"*} ${l#*\" $p \"}\" ;; "
    "*) l=\"$l$p \" ;; esac; done\n"
    "for p in $l; do kill -s KILL -- \"-$p\"; done; cd /; exec rm -rf -- \"$1\"\n";

static void start_shell(lg_group_watcher *w, const lg_kernel *k, lg_mem *m, const char *path,
                        int theirs, int null)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, (char *)"lunagrad-watcher",
                    (char *)path, NULL};
    char *env[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    lg_contain_end end;
    const lg_contain c = {.program = "/bin/sh",
                          .argv = argv,
                          .envp = env,
                          .folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          .fds = {theirs, null, null}};
    if (c.folder < 0)
        return;

    lg__contain_start(&c, k, m, &end);
    close(c.folder);
    if (end.problem)
        return;

    w->pid = end.pid;
    if (end.exit >= 0)
        close(end.exit);
}

void lg__watcher_start(lg_group_watcher *w, const lg_kernel *k, lg_mem *m, const char *path)
{
    int ends[2];
    if (w->tried)
        return;

    w->tried = true;
    w->line = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
        return;

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    fcntl(ends[1], F_SETFL, 0); /* the shell waits */
    if (null >= 0)
        start_shell(w, k, m, path, ends[1], null);

    if (null >= 0)
        close(null);

    close(ends[1]);
    if (w->pid > 0)
        w->line = ends[0];
    else
        close(ends[0]);
}

void lg__watcher_tell(const lg_group_watcher *w, pid_t group)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)group);
    if (w->pid > 0)
        (void)(send(w->line, text, (size_t)n, MSG_NOSIGNAL) < 0);
}

void lg__watcher_end(lg_group_watcher *w)
{
    if (w->pid <= 0)
        return;

    kill(w->pid, SIGKILL); /* before the line breaks */
    close(w->line);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        continue;

    w->pid = 0;
}
