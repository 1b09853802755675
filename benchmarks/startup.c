/* startup.c - two commands started in turn: how long each takes, how much memory.
 *
 *   startup PAIRS COMMAND… -- COMMAND…
 *
 * Prints the median times ms_a, ms_b and the peak resident memory kb_a, kb_b. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

static int64_t run(char **argv, const posix_spawn_file_actions_t *quiet, int64_t *kb)
{
    struct rusage used;
    pid_t pid;
    int status;
    int64_t start = bench_now_us();
    if (posix_spawnp(&pid, argv[0], quiet, NULL, argv, environ) ||
        wait4(pid, &status, 0, &used) < 0 || status != 0) {
        fprintf(stderr, "startup: %s failed\n", argv[0]);
        exit(EXIT_FAILURE);
    }
    *kb = used.ru_maxrss;
    return bench_now_us() - start;
}

int main(int argc, char **argv)
{
    long pairs = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int split = 2;
    bench_times times[2];
    int64_t kb[2] = {0, 0};
    posix_spawn_file_actions_t quiet;
    while (split < argc && strcmp(argv[split], "--") != 0)
        split++;
    if (pairs < 1 || split < 3 || split + 1 >= argc) {
        fputs("usage: startup PAIRS COMMAND... -- COMMAND...\n", stderr);
        return EXIT_FAILURE;
    }
    argv[split] = NULL;
    char **commands[2] = {argv + 2, argv + split + 1};
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    for (int i = 0; i < 2; i++) {
        bench_times_init(&times[i], (size_t)pairs);
        run(commands[i], &quiet, &kb[i]); /* once, to have the files in memory */
    }
    for (long pair = 0; pair < pairs; pair++) {
        for (int i = 0; i < 2; i++)
            bench_times_add(&times[i], run(commands[i], &quiet, &kb[i]));
    }
    for (int i = 0; i < 2; i++)
        bench_times_sort(&times[i]);
    printf("ms_a=%.2f ms_b=%.2f kb_a=%lld kb_b=%lld\n", bench_times_at(&times[0], 0.5) / 1e3,
           bench_times_at(&times[1], 0.5) / 1e3, (long long)kb[0], (long long)kb[1]);
    posix_spawn_file_actions_destroy(&quiet);
    free(times[0].us);
    free(times[1].us);
    return EXIT_SUCCESS;
}
