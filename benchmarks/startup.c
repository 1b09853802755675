/* startup.c - two commands started in turn: how long each takes.
 *
 *   startup PAIRS COMMAND… -- COMMAND…
 *
 * Prints the median wall times ms_a, ms_b and CPU times cpu_a, cpu_b, in milliseconds. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

typedef struct command {
    char **argv;
    bench_times wall, cpu;
} command;

static int64_t micros(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

/* Once, from start to end. */
static void run(command *c, const posix_spawn_file_actions_t *quiet)
{
    struct rusage used;
    pid_t pid;
    int status;
    int64_t start = bench_now_us();
    if (posix_spawnp(&pid, c->argv[0], quiet, NULL, c->argv, environ) ||
        wait4(pid, &status, 0, &used) < 0 || status != 0) {
        fprintf(stderr, "startup: %s failed\n", c->argv[0]);
        exit(EXIT_FAILURE);
    }
    bench_times_add(&c->wall, bench_now_us() - start);
    bench_times_add(&c->cpu, micros(used.ru_utime) + micros(used.ru_stime));
}

static double median_ms(bench_times *t)
{
    bench_times_sort(t);
    return bench_times_at(t, 0.5) / 1e3;
}

static void measure(command commands[2], long pairs)
{
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < 2; i++) {
        bench_times_init(&commands[i].wall, (size_t)pairs);
        bench_times_init(&commands[i].cpu, (size_t)pairs);
        run(&commands[i], &quiet); /* to have the files in memory; not counted */
        commands[i].wall.n = commands[i].cpu.n = 0;
    }
    for (long pair = 0; pair < pairs; pair++) {
        for (int i = 0; i < 2; i++)
            run(&commands[i], &quiet);
    }
    posix_spawn_file_actions_destroy(&quiet);
}

int main(int argc, char **argv)
{
    long pairs = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int split = 2;
    while (split < argc && strcmp(argv[split], "--") != 0)
        split++;
    if (pairs < 1 || split < 3 || split + 1 >= argc) {
        fputs("usage: startup PAIRS COMMAND... -- COMMAND...\n", stderr);
        return EXIT_FAILURE;
    }
    argv[split] = NULL;
    command commands[2] = {{.argv = argv + 2}, {.argv = argv + split + 1}};
    measure(commands, pairs);
    printf("ms_a=%.2f ms_b=%.2f cpu_a=%.2f cpu_b=%.2f\n", median_ms(&commands[0].wall),
           median_ms(&commands[1].wall), median_ms(&commands[0].cpu), median_ms(&commands[1].cpu));
    for (int i = 0; i < 2; i++) {
        free(commands[i].wall.us);
        free(commands[i].cpu.us);
    }
    return EXIT_SUCCESS;
}
