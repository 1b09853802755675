/* bombs.c - programs that take all they can get, or will not end, one a name.
 *
 * usage: bombs NAME
 *
 * Each is run alone by tests/lua/test_escapes.lua, which knows what must become of it: which limit
 * ends it, or that it ends by itself; and that no process with this program's path is left. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void for_ever(void)
{
    for (;;)
        pause();
}

/* ---- processes ------------------------------------------------------------------- */

static void fork_bomb(void)
{
    for (;;)
        fork();
}

static void fork_and_sleep(void) /* how many there can be */
{
    int n = 0;
    pid_t pid;
    while (n < 5000 && (pid = fork()) > 0)
        n++;

    if (pid == 0)
        for_ever();

    printf("%d\n", n);
}

static void fork_and_end(void) /* a chain: each starts the next, and ends */
{
    for (;;) {
        if (fork() > 0)
            _exit(0);
    }
}

static void *rest(void *arg)
{
    for_ever();
    return arg;
}

static void threads(void)
{
    int n = 0;
    pthread_t t;
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, 65536);
    while (n < 5000 && pthread_create(&t, &a, rest, NULL) == 0)
        n++;

    printf("%d\n", n);
    fflush(stdout);
    _exit(0);
}

static void leftovers(void) /* by all the known ways to be nobody's child */
{
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            setsid();
            setpgid(0, 0);
            if (fork() == 0) {
                signal(SIGHUP, SIG_IGN);
                signal(SIGTERM, SIG_IGN);
                for_ever();
            }
            _exit(0);
        }
    }
    usleep(20000);
    puts("done");
}

static void held_output(void) /* its child keeps stdout open */
{
    if (fork() == 0)
        for_ever();

    puts("done");
}

static void zombies(void)
{
    for (int i = 0; i < 40; i++) {
        if (fork() == 0)
            _exit(0);
    }
    usleep(20000);
    puts("done");
}

/* ---- memory ----------------------------------------------------------------------- */

static void memory(void)
{
    size_t n = (size_t)1 << 20;
    for (int i = 0; i < 100000; i++) {
        char *p = malloc(n);
        if (!p) {
            printf("%d\n", i);
            return;
        }
        for (size_t at = 0; at < n; at += 4096)
            p[at] = 1;
    }
}

static void shared_maps(void)
{
    int i = 0;
    while (i < 100000 && mmap(NULL, (size_t)1 << 20, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED)
        i++;

    printf("%d\n", i);
}

static int deep(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return deep(here) + here[0];
}

static void stack(void)
{
    volatile char c = 1;
    deep(&c);
}

/* ---- files ------------------------------------------------------------------------- */

static void fill(int fd)
{
    static char block[1 << 16];
    while (write(fd, block, sizeof block) > 0)
        continue;
}

static void big_file(void)
{
    fill(open("big", O_WRONLY | O_CREAT, 0600));
}

static void big_file_ignored(void) /* … and the signal of its limit is ignored */
{
    signal(SIGXFSZ, SIG_IGN);
    fill(open("big", O_WRONLY | O_CREAT, 0600));
    printf("%s\n", strerror(errno));
}

static void sparse_file(void)
{
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("sparse", O_WRONLY | O_CREAT, 0600);
    printf("%s\n", ftruncate(fd, (off_t)1 << 40) ? "refused" : "made");
}

static void big_files(void)
{
    char name[32];
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "big-%d", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || ftruncate(fd, 0) || posix_fallocate(fd, 0, 1 << 20))
            usleep(1000);

        close(fd);
    }
}

static void many_files(void)
{
    char name[32];
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "%d", i % 1000000);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
}

static void deep_folders(void)
{
    for (int i = 0; i < 2500; i++) {
        if (mkdir("ddddddddddddddddddddddddd", 0700) || chdir("ddddddddddddddddddddddddd"))
            break;
    }
    puts("done");
}

static void shut_folders(void) /* that not even their owner can look into */
{
    for (int i = 0; i < 3; i++) {
        mkdir("shut", 0700);
        chdir("shut");
        close(open("file", O_WRONLY | O_CREAT, 0));
    }
    mkdir("dark", 0);
    puts("done");
}

static void descriptors(void)
{
    int n = 0;
    while (n < 1000000 && open("/dev/null", O_RDONLY) >= 0)
        n++;

    printf("%d\n", n);
}

static void odd_output(void) /* where a file is expected: a link out, a pipe, a folder */
{
    symlink("/etc/shadow", "out");
    symlink("/proc/self/environ", "link");
    mkfifo("pipe", 0600);
    mkdir("folder", 0700);
    symlink("..", "folder/up");
    puts("done");
}

/* ---- output -------------------------------------------------------------------------- */

static void flood(void)
{
    fill(1);
}

static void error_flood(void)
{
    fill(2);
}

static void both_floods(void)
{
    if (fork() == 0)
        fill(2);

    fill(1);
}

static void flood_and_end(void) /* more than a pipe holds, by a child that outlives it */
{
    if (fork() == 0)
        fill(1);

    usleep(1000);
}

/* ---- time ------------------------------------------------------------------------------ */

static void spin(void)
{
    for (volatile int i = 0;; i++)
        continue;
}

static void spin_for_ever(void) /* the signal of its limit is ignored */
{
    signal(SIGXCPU, SIG_IGN);
    spin();
}

static void deaf(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for_ever();
}

static void shut_and_run(void)
{
    close(0);
    close(1);
    close(2);
    for_ever();
}

static void stop(void)
{
    raise(SIGSTOP);
}

static void stop_all(void)
{
    fork();
    kill(0, SIGSTOP);
}

static void kill_own_group(void)
{
    kill(0, SIGKILL);
}

static void crash(void)
{
    abort();
}

static const struct bomb {
    const char *name;
    void (*fn)(void);
} bombs[] = {
#define BOMB(name)  \
    {               \
#name, name \
    }
    BOMB(fork_bomb),     BOMB(fork_and_sleep), BOMB(fork_and_end),  BOMB(threads),
    BOMB(leftovers),     BOMB(held_output),    BOMB(zombies),       BOMB(memory),
    BOMB(shared_maps),   BOMB(stack),          BOMB(big_file),      BOMB(big_file_ignored),
    BOMB(sparse_file),   BOMB(big_files),      BOMB(many_files),    BOMB(deep_folders),
    BOMB(shut_folders),  BOMB(descriptors),    BOMB(odd_output),    BOMB(flood),
    BOMB(error_flood),   BOMB(both_floods),    BOMB(flood_and_end), BOMB(spin),
    BOMB(spin_for_ever), BOMB(deaf),           BOMB(shut_and_run),  BOMB(stop),
    BOMB(stop_all),      BOMB(kill_own_group), BOMB(crash),         {"sleep", for_ever},
};

int main(int n, char **args)
{
    for (size_t i = 0; n == 2 && i < sizeof bombs / sizeof *bombs; i++) {
        if (strcmp(bombs[i].name, args[1]) == 0) {
            bombs[i].fn();
            return 0;
        }
    }
    return 2;
}
