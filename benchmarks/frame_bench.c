/* frame_bench.c - what the engine takes of a host's frame: CPU time of the thread that calls it.
 *
 *   frame_bench --server TLS_SERVER [--calls N] [--concurrency N] [--think MS] [--thread 1]
 *               [--store DIR] [--cold 1] [--preconnect N] [--cancel MS] [--linger MS] [--idle 1]
 *               [--rate N --seconds S] [--frame_us N]
 *
 * A loop of 60 frames a second with a budget of 2 ms a step. After preload (unless --cold) all
 * calls are made at once; with --rate so many a second, for a while. Each call of the API is
 * timed by itself (CLOCK_THREAD_CPUTIME_ID; what a look at that clock takes is measured first and
 * taken off). Without --server the calls go to --port, plain. */
#include <signal.h>
#include <sys/wait.h>

#include "bench.h"
#include "lunagrad.h"

enum { BUDGET_US = 2000 };

typedef struct series { /* CPU microseconds of the calls of one kind */
    const char *name;
    double *us;
    size_t n, cap;
    double sum;
} series;

enum kind { NEW, PRELOAD, STEP, CALL, NEXT, TAKE, CANCEL, FREE, KINDS };

typedef struct host {
    lg_engine *engine;
    lg_model *model;
    series of[KINDS];
    int64_t last_ns;
    double clock_us; /* of begin() and end() themselves */
    size_t started, done, failed;
} host;

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void begin(host *h)
{
    h->last_ns = cpu_ns();
}

static void end(host *h, enum kind kind)
{
    series *s = &h->of[kind];
    double us = (double)(cpu_ns() - h->last_ns) / 1e3 - h->clock_us;
    us = us > 0 ? us : 0;
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4096;
        s->us = realloc(s->us, s->cap * sizeof *s->us);
        if (!s->us)
            exit(EXIT_FAILURE);
    }
    s->us[s->n++] = us;
    s->sum += us;
}

static void learn_clock(host *h)
{
    double least = 1e9;
    for (int i = 0; i < 10000; i++) {
        begin(h);
        double us = (double)(cpu_ns() - h->last_ns) / 1e3;
        least = us < least ? us : least;
    }
    h->clock_us = least;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at(const series *s, double part) /* sorted */
{
    return s->n ? s->us[(size_t)((double)(s->n - 1) * part)] : 0;
}

static void show(series *s)
{
    if (s->n == 0)
        return;
    qsort(s->us, s->n, sizeof *s->us, by_value);
    printf("call=%s n=%zu sum_us=%.0f median_us=%.1f p999_us=%.1f max_us=%.1f\n", s->name, s->n,
           s->sum, at(s, 0.5), at(s, 0.999), at(s, 1));
}

static void check(const host *h, int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "frame_bench: %s: %s %s\n", what, lg_error_text(rc),
            h->engine ? lg_engine_errmsg(h->engine) : "");
    exit(EXIT_FAILURE);
}

/* ---- the server --------------------------------------------------------------------- */

static pid_t start_server(const char *program, const char *bundle, long think, long *port)
{
    int out[2];
    char ms[24], line[64] = "";
    snprintf(ms, sizeof ms, "%ld", think);
    if (pipe(out) != 0)
        exit(EXIT_FAILURE);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        execl(program, program, "--bundle", bundle, "--think", ms, "--cpu", "1", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    if (pid < 0 || read(out[0], line, sizeof line - 1) <= 0 ||
        sscanf(line, "port %ld", port) != 1) {
        fputs("frame_bench: the server does not start\n", stderr);
        exit(EXIT_FAILURE);
    }
    close(out[0]);
    return pid;
}

/* ---- the host ------------------------------------------------------------------------- */

static void make_engine(host *h, int argc, char **argv, const char *bundle)
{
    lg_config cfg;
    static char why[512];
    lg_config_init(&cfg);
    cfg.concurrency = (int)bench_option(argc, argv, "--concurrency", 0);
    cfg.ca_file = bundle;
    cfg.store_dir = bench_text(argc, argv, "--store");
    cfg.why = why;
    cfg.why_size = sizeof why;
    cfg.thread = bench_option(argc, argv, "--thread", 0) != 0;
    begin(h);
    int rc = lg_engine_new(&cfg, &h->engine);
    end(h, NEW);
    if (rc < 0)
        fprintf(stderr, "frame_bench: %s\n", why);
    check(h, rc, "engine");
}

static void make_model(host *h, bool tls, long port)
{
    lg_model_config model;
    char url[64];
    snprintf(url, sizeof url, "http%s://127.0.0.1:%ld/v1", tls ? "s" : "", port);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "bench/bench";
    model.model = "bench";
    model.base_url = url;
    model.api_key = "bench-key-000000";
    model.key_name = "BENCH_API_KEY";
    check(h, lg_model_new(h->engine, &model, &h->model), "model");
}

/* One call, as a host makes it: a text, the node, a watch. The node is held by its tag. */
static void ask(host *h)
{
    char text[BENCH_PROMPT + 1];
    lg_var *v, *out;
    bench_prompt(text, h->started++);
    begin(h);
    check(h, lg_var_new(h->engine, text, BENCH_PROMPT, "question", false, &v), "variable");
    end(h, CALL);
    const lg_message message = {"user", v};
    lg_call c;
    lg_call_init(&c);
    c.messages = &message;
    c.n_messages = 1;
    begin(h);
    check(h, lg_call_model(h->engine, h->model, &c, &out), "call");
    end(h, CALL);
    begin(h);
    check(h, lg_var_watch(out, (uint64_t)(uintptr_t)out), "watch");
    end(h, CALL);
    begin(h);
    lg_var_unref(v);
    end(h, CALL);
}

static void take(host *h, uint64_t tag)
{
    lg_var *v = (lg_var *)(uintptr_t)tag; /* NOLINT(performance-no-int-to-ptr) */
    size_t len;
    lg_failure why;
    begin(h);
    const char *text = lg_var_text(v, &len);
    end(h, TAKE);
    if (!text && h->failed++ == 0 && lg_var_error(v, &why))
        fprintf(stderr, "frame_bench: %s\n", why.message);
    begin(h);
    lg_var_unref(v);
    end(h, TAKE);
    h->done++;
}

static void frame(host *h)
{
    begin(h);
    check(h, lg_engine_step(h->engine, BUDGET_US), "step");
    end(h, STEP);
    for (;;) {
        begin(h);
        const lg_event *ev = lg_engine_next(h->engine);
        uint64_t tag = ev ? ev->tag : 0;
        bool is_var = ev && ev->type == LG_EVENT_VAR;
        end(h, NEXT);
        if (!ev)
            return;
        if (is_var)
            take(h, tag);
    }
}

static void sleep_until(int64_t us)
{
    int64_t left = us - bench_now_us();
    if (left > 0)
        usleep((useconds_t)left);
}

static void run(host *h, size_t calls, long rate, int64_t frame_us, long cancel_ms)
{
    int64_t start = bench_now_us(), next = start;
    while (h->done < calls) {
        if (cancel_ms && (bench_now_us() - start) / 1000 >= cancel_ms) {
            cancel_ms = 0;
            begin(h);
            lg_engine_cancel(h->engine);
            end(h, CANCEL);
        }
        size_t due = rate ? (size_t)((double)(bench_now_us() - start) * (double)rate / 1e6) : calls;
        while (h->started < due && h->started < calls)
            ask(h);
        frame(h);
        next += frame_us;
        if (next < bench_now_us())
            next = bench_now_us(); /* the machine was busy: no frames are made up for */
        sleep_until(next);
    }
}

/* Two seconds of frames with nothing to do, then what the process holds. */
static void idle(host *h, int64_t frame_us)
{
    for (int i = 0; i < 120; i++) {
        frame(h);
        usleep((useconds_t)frame_us);
    }
    printf("idle_rss_kb=%lld\n", (long long)bench_rss_kb());
}

int main(int argc, char **argv)
{
    static const char *const names[KINDS] = {"new",  "preload", "step",   "call",
                                             "next", "take",    "cancel", "free"};
    static host h;
    char bundle[64] = "";
    const char *program = bench_text(argc, argv, "--server");
    long port = bench_option(argc, argv, "--port", 0), rate = bench_option(argc, argv, "--rate", 0);
    long seconds = bench_option(argc, argv, "--seconds", 10);
    size_t calls = (size_t)bench_option(argc, argv, "--calls", rate ? rate * seconds : 200);
    int64_t frame_us = bench_option(argc, argv, "--frame_us", 16667);
    pid_t server = 0;
    signal(SIGPIPE, SIG_IGN);
    bench_raise_files();
    bench_pin((int)bench_option(argc, argv, "--cpu", -1));
    for (int i = 0; i < KINDS; i++)
        h.of[i].name = names[i];
    if (program) {
        snprintf(bundle, sizeof bundle, "/tmp/frame_bench.%d.pem", (int)getpid());
        server = start_server(program, bundle, bench_option(argc, argv, "--think", 20), &port);
    }
    learn_clock(&h);
    make_engine(&h, argc, argv, program ? bundle : NULL);
    make_model(&h, program != NULL, port);
    if (bench_option(argc, argv, "--idle", 0))
        idle(&h, frame_us);
    if (!bench_option(argc, argv, "--cold", 0)) {
        begin(&h);
        check(&h, lg_engine_preload(h.engine), "preload");
        end(&h, PRELOAD);
        if (h.of[PRELOAD].us[0] < 1000)
            usleep(300000); /* on its thread */
    }
    int many = (int)bench_option(argc, argv, "--preconnect", 0);
    if (many) {
        check(&h, lg_engine_preconnect(h.engine, h.model, many), "preconnect");
        for (int i = 0; i < 200; i++) {
            frame(&h);
            usleep(5000);
        }
    }
    int64_t wall = bench_now_us(), cpu = cpu_ns(), all = bench_cpu_us();
    run(&h, calls, rate, frame_us, bench_option(argc, argv, "--cancel", 0));
    for (long ms = bench_option(argc, argv, "--linger", 0); ms > 0; ms -= frame_us / 1000) {
        frame(&h); /* idle connections are closed */
        usleep((useconds_t)frame_us);
    }
    wall = bench_now_us() - wall;
    cpu = cpu_ns() - cpu;
    printf("calls=%zu failed=%zu wall_s=%.3f host_thread_cpu_us=%.0f process_cpu_us=%lld\n", h.done,
           h.failed, (double)wall / 1e6, (double)cpu / 1e3, (long long)(bench_cpu_us() - all));
    begin(&h);
    lg_engine_free(h.engine);
    end(&h, FREE);
    double sum = 0;
    for (int i = 0; i < KINDS; i++) {
        show(&h.of[i]);
        sum += i == STEP || i == CALL || i == NEXT || i == TAKE ? h.of[i].sum : 0;
        free(h.of[i].us);
    }
    printf("host_us_per_call=%.2f host_percent=%.2f clock_us=%.2f\n", sum / (double)h.done,
           sum / (double)wall * 100, h.clock_us);
    if (server) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
        unlink(bundle);
    }
    return h.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
