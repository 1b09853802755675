/* script_bench.c - what a script costs: from lg_script_new() to its END, and the memory of one.
 *
 *   script_bench [--runs N]
 *
 * Times are of the processor, the least of N runs (a machine at work makes them longer, never
 * shorter) and their median. */
#include "bench.h"

#include "lunagrad.h"

enum { MOST = 10000 };

typedef struct scene {
    const char *name, *source;
} scene;

static const scene scenes[] = {
    {"trivial", "return 1"},
    {"trivial, one call of the host's", "return host.f(1)"},
    {"with require \"lunagrad\"", "local lg = require 'lunagrad' return lg.VERSION"},
    {"with one question to sim", "return lg.model 'sim/default' 'How many fruits are two?':text()"},
};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void answer(void *ud, lg_script *s, uint64_t id, const char *args, size_t len)
{
    (void)ud;
    (void)args;
    (void)len;
    lg_script_return(s, id, "1", 1);
}

static int64_t run_once(lg_engine *e, const char *source, size_t *peak, int64_t *longest)
{
    lg_script *s = NULL;
    int64_t from = cpu_ns();
    if (lg_script_new(e, source, strlen(source), "bench", NULL, &s)) {
        fprintf(stderr, "script_bench: %s\n", lg_engine_errmsg(e));
        exit(1);
    }
    lg_script_function(s, "f", answer, NULL);
    lg_script_start(s, NULL);
    while (lg_script_state(s) == LG_PENDING) {
        int64_t before = cpu_ns();
        lg_engine_step(e, 2000);
        int64_t took = cpu_ns() - before;
        *longest = took > *longest ? took : *longest;
        while (lg_engine_next(e))
            continue;
    }
    while (lg_engine_next(e))
        continue;
    lg_script_used(s, NULL, peak, NULL);
    if (lg_script_state(s) != LG_READY) {
        fprintf(stderr, "script_bench: the script failed\n");
        exit(1);
    }
    lg_script_free(s);
    return cpu_ns() - from;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int n = argc > 2 && strcmp(argv[1], "--runs") == 0 ? atoi(argv[2]) : 200;
    n = n > 0 ? n : 200;
    n = n < MOST ? n : MOST;
    static int64_t took[MOST];
    lg_engine *e = NULL;
    if (lg_engine_new(NULL, &e))
        return 1;
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        size_t peak = 0;
        int64_t longest = 0;
        for (int k = 0; k < n; k++)
            took[k] = run_once(e, scenes[i].source, &peak, &longest);
        qsort(took, (size_t)n, sizeof *took, by_size);
        int64_t median = took[n / 2];
        printf("%-32s %8.1f us least, %8.1f us median; longest step %6.2f ms; %6zu KiB of Lua\n",
               scenes[i].name, (double)took[0] / 1e3, (double)median / 1e3, (double)longest / 1e6,
               peak / 1024);
    }
    lg_engine_free(e);
    return 0;
}
