/* bench.h - what the benchmark programs share: clocks, memory, the bodies.
 *
 * All of it is static inline, so each program is one C file. */
#ifndef LG_BENCH_H
#define LG_BENCH_H

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- the bodies: about 2 KB out, 1 KB in ---------------------------------- */

#define BENCH_SYSTEM "Answer the question. Think step by step and end with the number."
#define BENCH_LINE "I have an apple, two pears, a drum, four chairs and a very old accordion. "

enum { BENCH_PROMPT = 1900 };

/* The n-th user message, BENCH_PROMPT bytes and a NUL: no two calls are alike, since
 * the engine answers equal calls once. */
static inline void bench_prompt(char out[BENCH_PROMPT + 1], uint64_t n)
{
    size_t used =
        (size_t)snprintf(out, BENCH_PROMPT + 1, "Question %012llu: ", (unsigned long long)n);
    for (size_t line = sizeof BENCH_LINE - 1; used < BENCH_PROMPT; used += line) {
        if (line > BENCH_PROMPT - used)
            line = BENCH_PROMPT - used;
        memcpy(out + used, BENCH_LINE, line);
    }
    out[BENCH_PROMPT] = '\0';
}

/* ---- measuring ------------------------------------------------------------- */

static inline int64_t bench_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline int64_t bench_cpu_us(void) /* user and system, of this process */
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (int64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000 + r.ru_utime.tv_usec +
           r.ru_stime.tv_usec;
}

static inline int64_t bench_rss_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (int64_t)pages * sysconf(_SC_PAGESIZE) / 1024;
}

static inline int bench_fds(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n - 3; /* ".", ".." and the directory itself */
}

/* Latencies of all calls, in whole microseconds. */
typedef struct bench_times {
    uint32_t *us;
    size_t n, cap;
} bench_times;

static inline void bench_times_init(bench_times *t, size_t cap)
{
    *t = (bench_times){.us = malloc(cap * sizeof *t->us), .cap = cap};
    if (!t->us)
        exit(EXIT_FAILURE);
    memset(t->us, 1, cap * sizeof *t->us); /* resident before memory is measured */
}

static inline void bench_times_add(bench_times *t, int64_t us)
{
    if (t->n < t->cap)
        t->us[t->n++] = (uint32_t)us;
}

static inline int bench_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static inline void bench_times_sort(bench_times *t)
{
    qsort(t->us, t->n, sizeof *t->us, bench_order);
}

static inline uint32_t bench_times_at(const bench_times *t, double part) /* sorted */
{
    return t->n ? t->us[(size_t)((double)(t->n - 1) * part)] : 0;
}

/* ---- one run, and its result ------------------------------------------------ */

typedef struct bench_run {
    uint64_t calls, done, failed;
    int inflight;
    bench_times times;
    int64_t wall0, cpu0, rss0;
    int64_t rss_tenth, rss_peak; /* after a tenth of the calls; the highest seen */
    int fds_tenth;
} bench_run;

static inline void bench_begin(bench_run *r)
{
    bench_times_init(&r->times, r->calls);
    r->rss0 = r->rss_peak = bench_rss_kb();
    r->wall0 = bench_now_us();
    r->cpu0 = bench_cpu_us();
}

/* After each call: started_us is when it was asked for. */
static inline void bench_call_done(bench_run *r, int64_t started_us)
{
    bench_times_add(&r->times, bench_now_us() - started_us);
    r->done++;
    if (r->done == 1 || r->done % 65536 == 0) {
        int64_t rss = bench_rss_kb();
        r->rss_peak = rss > r->rss_peak ? rss : r->rss_peak;
    }
    if (r->done == r->calls / 10) {
        r->rss_tenth = bench_rss_kb();
        r->fds_tenth = bench_fds();
    }
}

/* One line of name=value, read by run.sh. */
static inline void bench_end(bench_run *r)
{
    int64_t cpu = bench_cpu_us() - r->cpu0, wall = bench_now_us() - r->wall0;
    int64_t rss = bench_rss_kb();
    r->rss_peak = rss > r->rss_peak ? rss : r->rss_peak;
    bench_times_sort(&r->times);
    printf("calls=%llu failed=%llu cpu_us=%.2f wall_s=%.3f p50_us=%u p99_us=%u max_us=%u "
           "kb_per_inflight=%.1f rss_tenth_kb=%lld rss_kb=%lld fds_tenth=%d fds=%d\n",
           (unsigned long long)r->done, (unsigned long long)r->failed,
           (double)cpu / (double)r->done, (double)wall / 1e6, bench_times_at(&r->times, 0.5),
           bench_times_at(&r->times, 0.99), bench_times_at(&r->times, 1.0),
           (double)(r->rss_peak - r->rss0) / r->inflight, (long long)r->rss_tenth, (long long)rss,
           r->fds_tenth, bench_fds());
    free(r->times.us);
}

/* ---- the process ------------------------------------------------------------ */

static inline void bench_raise_files(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

static inline void bench_pin(int cpu) /* below 0: anywhere */
{
    cpu_set_t set;
    if (cpu < 0 || cpu >= sysconf(_SC_NPROCESSORS_ONLN))
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* The value behind "--name", a number; with no such argument, otherwise. */
static inline long bench_option(int argc, char **argv, const char *name, long otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return strtol(argv[i + 1], NULL, 10);
    }
    return otherwise;
}

static inline const char *bench_text(int argc, char **argv, const char *name) /* or NULL */
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

#endif
