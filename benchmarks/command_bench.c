/* command_bench.c - what a contained program costs, and how long the engine's loop stands still.
 *
 * usage: command_bench cost [N]     wall time of `true`, from its start to its end: posix_spawn and
 *                                   each way of lg.command, in turn; N rounds (300)
 *        command_bench size         the same, plain and contained, while this process holds 1 GB
 *        command_bench stall [N]    the longest steps while N programs (60) flood, are killed, fill
 *                                   the disk and leave deep trees
 * One line "name=value …" a way: microseconds, median, quartiles, the 95th hundredth. */
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"
#include "lg_inside.h"

enum { MOST = 20000 };

typedef struct series {
    const char *name;
    size_t n;
    double us[MOST];
} series;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void note(series *s, double us)
{
    if (s->n < MOST)
        s->us[s->n++] = us;
}

static double at(const series *s, double part)
{
    return s->n ? s->us[(size_t)((double)(s->n - 1) * part)] : 0;
}

static void show(series *s, double above)
{
    qsort(s->us, s->n, sizeof *s->us, by_value);
    printf("way=%s n=%zu median=%.0f quartiles=%.0f..%.0f p95=%.0f max=%.0f above_plain=%.0f\n",
           s->name, s->n, at(s, 0.5), at(s, 0.25), at(s, 0.75), at(s, 0.95), at(s, 1),
           at(s, 0.5) - above);
}

/* ---- one program ---------------------------------------------------------------------- */

static const char *const readable[] = {"/usr",  "/lib",      "/lib64", "/bin", "/etc/ld.so.cache",
                                       "/sbin", "/dev/zero", NULL};

static lg_command_spec spec_of(enum lg_command_way way, const char *const *argv)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    return (lg_command_spec){.program = argv[0],
                             .argv = argv,
                             .env = env,
                             .way = way,
                             .readable = readable,
                             .bwrap = "/usr/bin/bwrap",
                             .width = 2,
                             .time_ms = 2000,
                             .cpu_seconds = 5,
                             .memory = (int64_t)1 << 30,
                             .file_size = 64 << 20,
                             .processes = 32,
                             .open_files = 64,
                             .disk = 256 << 20,
                             .output = 256 << 10};
}

/* Steps until nothing of it is left to do; how long they took, and of that on the processor. */
static void run_all(lg_engine *e, series *steps, series *busy)
{
    lg_stats s = {.size = sizeof s};
    for (int idle = 0; idle < 20; idle = s.commands ? 0 : idle + 1) {
        int64_t before = bench_now_us(), cpu = bench_cpu_us();
        lg_engine_step(e, 0);
        note(steps, (double)(bench_now_us() - before));
        note(busy, (double)(bench_cpu_us() - cpu));
        lg_engine_stats(e, &s);
        usleep(500);
    }
}

static bool run_one(lg_engine *e, enum lg_command_way way, series *times)
{
    static const char *const argv[] = {"/bin/true", NULL};
    const lg_command_spec s = spec_of(way, argv);
    lg_command *c;
    lg_command_end end;
    lg_var *waits;
    int64_t before = bench_now_us();
    if (lg__command_start(e, &s, "true", &c, &waits))
        return false;

    while (lg_var_state(waits) == LG_PENDING)
        lg_engine_wait(e, 1000);

    note(times, (double)(bench_now_us() - before));
    bool fine = lg__command_look(c, &end) && end.code == 0;
    lg__command_close(c);
    lg_var_unref(waits);
    return fine;
}

static void spawn_one(series *times)
{
    char *argv[] = {(char *)"/bin/true", NULL};
    char *env[] = {NULL};
    pid_t pid;
    int64_t before = bench_now_us();
    if (posix_spawn(&pid, argv[0], NULL, NULL, argv, env) == 0)
        waitpid(pid, NULL, 0);

    note(times, (double)(bench_now_us() - before));
}

static int cost(int rounds, bool strict)
{
    static series all[4] = {
        {.name = "posix_spawn"}, {.name = "plain"}, {.name = "sandbox"}, {.name = "strict"}};
    lg_engine *e = NULL;
    bool fine[4] = {true, true, true, true};
    if (lg_engine_new(NULL, &e))
        return 1;

    for (int i = 0; i < rounds; i++) {
        spawn_one(&all[0]);
        for (int way = LG_COMMAND_PLAIN; way <= (strict ? LG_COMMAND_STRICT : LG_COMMAND_BOX);
             way++)
            fine[way + 1] = run_one(e, (enum lg_command_way)way, &all[way + 1]) && fine[way + 1];
    }
    qsort(all[1].us, all[1].n, sizeof *all[1].us, by_value);
    for (int i = 0; i < 4; i++) {
        if (!fine[i])
            printf("way=%s is not to be had here\n", all[i].name);
        else if (all[i].n)
            show(&all[i], at(&all[1], 0.5));
    }
    lg_engine_free(e);
    return 0;
}

static int with_size(void)
{
    size_t n = (size_t)1 << 30;
    char *big = malloc(n);
    if (!big)
        return 1;

    memset(big, 1, n);
    int err = cost(100, false);
    free(big);
    return err;
}

/* ---- stalls ------------------------------------------------------------------------------ */

static int stall(int n)
{
    static const char *const texts[] = {
        "yes",
        "yes >&2",
        "yes > big",
        "while :; do i=$((i+1)); head -c 3000000 /dev/zero > f$i; done",
        "while :; do i=$((i+1)); : > f$i; done",
        "i=0; while [ $i -lt 900 ]; do mkdir d; cd d; i=$((i+1)); done",
        "f() { f | f & }; f; sleep 1",
        "head -c 60000000 /dev/zero > big",
        "sleep 9",
        "echo fine > out",
    };
    static series steps = {.name = "step"}, busy = {.name = "step_cpu"};
    lg_engine *e = NULL;
    if (lg_engine_new(NULL, &e))
        return 1;

    for (int i = 0; i < n; i++) {
        const char *argv[] = {"/bin/sh", "-c", texts[(size_t)i % (sizeof texts / sizeof *texts)],
                              NULL};
        const lg_command_spec s = spec_of(LG_COMMAND_BOX, argv);
        lg_command *c;
        lg_var *waits;
        if (lg__command_start(e, &s, "bad", &c, &waits))
            return 1;

        lg__command_close(c);
        lg_var_unref(waits);
    }
    run_all(e, &steps, &busy);
    int64_t before = bench_cpu_us();
    lg_engine_free(e);
    show(&steps, 0);
    show(&busy, 0);
    printf("free=%lld\n", (long long)(bench_cpu_us() - before));
    return 0;
}

int main(int n, char **args)
{
    int times = n > 2 ? (int)strtol(args[2], NULL, 10) : 0;
    if (n > 1 && strcmp(args[1], "cost") == 0)
        return cost(times ? times : 300, access("/usr/bin/bwrap", X_OK) == 0);

    if (n > 1 && strcmp(args[1], "size") == 0)
        return with_size();

    if (n > 1 && strcmp(args[1], "stall") == 0)
        return stall(times ? times : 60);

    return 2;
}
