/* main.c - the worker: a program that runs Lua candidates, one after the other.
 *
 * Started by the engine (child/worker.c) with the size of its arena as its only argument and one
 * descriptor, the channel. It maps its memory at fixed addresses, goes over to a stack that
 * lies at one, too (Lua makes the seed of its hashes from addresses, and of the time), makes
 * the state, gives up its rights, and answers jobs until the channel ends. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Below 2^38, where every 64-bit machine lets programs map; far from where anything is. */
#define AT_STACK ((char *)0x1000000000)
#define AT_INPUT ((char *)0x1100000000)
#define AT_OUTPUT ((char *)0x1200000000)
#define AT_VALUES ((char *)0x1300000000)
#define AT_REPLY ((char *)0x1400000000)
#define AT_ARENA ((char *)0x2000000000)

enum {
    STACK = 1024 * 1024,
    GUARD = 64 * 1024,
    HEADS = 64, /* room before a region's text for a frame's head */
    FAILED = 111
};

static struct {
    lw_parts parts;
    size_t arena_size;
    size_t have; /* bytes of input that are there */
} worker;

/* The time is no business of a candidate's, nor of its state: Lua takes its seed from it. The
 * linker puts this in the place of time(). */
time_t __wrap_time(time_t *t);
time_t __wrap_time(time_t *t)
{
    if (t)
        *t = 0;

    return 0;
}

/* ---- memory -------------------------------------------------------------- */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static char *map(char *at, size_t size)
{
    char *got = mmap(at, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != at)
        _exit(FAILED);

    return at;
}

static lw_sink map_sink(char *at, uint64_t size)
{
    return (lw_sink){.data = map(at, size + HEADS), .most = size};
}

static void map_all(void)
{
    lw_parts *p = &worker.parts;
    map(AT_STACK, STACK);
    mprotect(AT_STACK, GUARD, PROT_NONE);
    map(AT_INPUT, sizeof(lg_worker_job) + LG_WORKER_INPUT);
    p->output = map_sink(AT_OUTPUT, LG_WORKER_OUTPUT);
    p->values = map_sink(AT_VALUES, LG_WORKER_VALUES);
    p->reply = map_sink(AT_REPLY, LG_WORKER_REPLY_MOST);
    p->reply.data += sizeof(lg_worker_reply);
    p->arena = lw_arena_make(map(AT_ARENA, worker.arena_size), worker.arena_size, lw_run_full);
}

/* ---- the channel --------------------------------------------------------- */

static void send_all(const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = write(LG_WORKER_CHANNEL, data, n);
        if (sent < 0 && errno != EINTR)
            _exit(0);

        data += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
}

/* So much of the input is there. The engine's end: ours. */
static void await(size_t n)
{
    size_t room = sizeof(lg_worker_job) + LG_WORKER_INPUT;
    while (worker.have < n) {
        ssize_t got = read(LG_WORKER_CHANNEL, AT_INPUT + worker.have, room - worker.have);
        if (got == 0 || (got < 0 && errno != EINTR))
            _exit(0);

        worker.have += got > 0 ? (size_t)got : 0;
    }
}

static void hello(void)
{
    unsigned landlock = 0;
    unsigned holds = lw_contain(&landlock);
    lg_worker_hello h = {
        .magic = LG_WORKER_HELLO, .holds = holds, .landlock = landlock, .lua = LUA_VERSION_NUM};
    send_all((const char *)&h, sizeof h);
    if (!(holds & LG_HOLDS_SECCOMP)) /* it runs nothing of others that it could not hold */
        _exit(FAILED);
}

/* ---- jobs ---------------------------------------------------------------- */

/* Ticks go on from job to job, so that a job costs no system call for its clock. */
static void on_clock(int sig)
{
    (void)sig;
    lw_run_tick();
}

static void start_clock(void)
{
    struct timeval tick = {.tv_usec = LW_TICK_US};
    struct itimerval t = {.it_value = tick, .it_interval = tick};
    setitimer(ITIMER_PROF, &t, NULL);
}

static void answer(void)
{
    lw_sink *reply = &worker.parts.reply;
    lg_worker_reply head = {.magic = LG_WORKER_REPLY, .size = (uint32_t)reply->len};
    char *frame = reply->data - sizeof head;
    memcpy(frame, &head, sizeof head);
    send_all(frame, sizeof head + reply->len);
    if (reply->len > ((size_t)1 << 20))
        madvise(AT_REPLY, reply->len + HEADS, MADV_DONTNEED);

    reply->len = 0;
    reply->over = false;
}

static void one_job(void)
{
    lg_worker_job job;
    await(sizeof job);
    memcpy(&job, AT_INPUT, sizeof job);
    uint64_t sum = (uint64_t)job.name + job.source + job.call + job.args;
    if (job.magic != LG_WORKER_JOB || job.size > LG_WORKER_INPUT || sum != job.size)
        _exit(FAILED);

    await(sizeof job + job.size);
    lw_run(&job, AT_INPUT + sizeof job);
    answer();
    lw_image_restore(&worker.parts, AT_ARENA);
    size_t used = sizeof job + job.size;
    memmove(AT_INPUT, AT_INPUT + used, worker.have - used);
    worker.have -= used;
}

/* ---- life ---------------------------------------------------------------- */

static void live(void)
{
    struct sigaction on = {.sa_handler = on_clock, .sa_flags = SA_RESTART | SA_NODEFER};
    sigemptyset(&on.sa_mask);
    worker.parts.L = lw_state_new(worker.parts.arena);
    if (!worker.parts.L || sigaction(SIGPROF, &on, NULL) != 0)
        _exit(FAILED);

    lw_run_ready(&worker.parts);
    lw_image_take(&worker.parts, AT_ARENA, AT_STACK + GUARD);
    start_clock();
    hello();
    for (;;)
        one_job();
}

/* Goes on with live() on the stack that lies where we want it, and does not come back. */
static void go_over(void)
{
#if defined(__x86_64__)
    __asm__ volatile(
        "mov %0, %%rsp\n\txor %%ebp, %%ebp\n\tcall *%1\n\thlt" ::"r"(AT_STACK + STACK - 64),
        "r"(live)
        : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mov sp, %0\n\tmov x29, xzr\n\tblr %1\n\tbrk #0" ::"r"(AT_STACK + STACK - 64),
                     "r"(live)
                     : "memory");
#else
    live(); /* it will be refused, as it cannot be contained */
#endif
}

int main(int argc, char **argv)
{
    worker.arena_size = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    if (worker.arena_size < 1 << 20)
        return FAILED;

    map_all();
    go_over();
    return FAILED;
}
