/* store_bench.c - how long it takes to open a store of many replies.
 *
 *   store_bench --store DIR --fill N     N replies, straight into the store
 *   store_bench --store DIR --open N     opened and closed N times by an engine
 *
 * Prints one line: the median of milliseconds an opening, or of the filling. */
#include "bench.h"
#include "store/store.h"

enum { TURN = 1000 };

static void give_up(const char *what)
{
    fprintf(stderr, "store_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

static void put(lg_store *s, lg_mem *m, lg_model *model, uint64_t n)
{
    static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"yes\"},"
                               "\"finish_reason\":\"stop\"}]}";
    const char *role = "user";
    char text[32];
    lg_request *r = NULL;
    int len = snprintf(text, sizeof text, "question %llu", (unsigned long long)n);
    lg_text *t = lg__text_new(m, text, (size_t)len);
    if (!t || lg__request_new(m, n, model, &role, &t, 1, NULL, 0, 0, LG_FORWARD, &r))
        give_up("out of memory");
    lg__text_unref(t);
    lg_attempt a; /* the body is borrowed */
    lg__attempt_init(&a, m, sizeof body);
    a.status = 200;
    snprintf(a.content_type, sizeof a.content_type, "application/json");
    a.body.data = (char *)(uintptr_t)body;
    a.body.len = sizeof body - 1;
    lg_bought came = {.key = r->key, .attempt = &a};
    if (lg__store_put_reply(s, r, &came))
        give_up(lg__fail_message(lg__store_why(s)));
    lg__request_free(m, r);
}

static void fill(const char *dir, uint64_t n)
{
    lg_mem m;
    lg_fail why;
    lg_store *s;
    lg_model *model;
    const char *problem = "";
    lg_store_config c = {.dir = dir};
    lg_model_config cfg = {.size = sizeof cfg,
                           .dialect = "openai",
                           .name = "bench/bench",
                           .model = "bench",
                           .base_url = "http://127.0.0.1/v1"};
    lg__mem_init(&m, NULL, NULL);
    if (lg__store_open(&m, NULL, &c, &s, &why))
        give_up(lg__fail_message(&why));
    if (lg__model_make(&m, &cfg, &model, &problem, &(const char *){NULL}))
        give_up(problem);
    for (uint64_t i = 0; i < n;) {
        if (lg__store_begin_wait(s))
            give_up(lg__fail_message(lg__store_why(s)));
        for (uint64_t end = i + TURN; i < end && i < n; i++)
            put(s, &m, model, i);
        if (lg__store_commit(s))
            give_up(lg__fail_message(lg__store_why(s)));
    }
    lg__store_close(s);
    lg__model_destroy(model);
}

static int64_t open_once(const char *dir)
{
    lg_config cfg;
    lg_engine *e = NULL;
    char why[512] = "";
    lg_config_init(&cfg);
    cfg.store_dir = dir;
    cfg.why = why;
    cfg.why_size = sizeof why;
    int64_t start = bench_now_us();
    if (lg_engine_new(&cfg, &e))
        give_up(why);
    int64_t took = bench_now_us() - start;
    lg_engine_free(e);
    return took;
}

int main(int argc, char **argv)
{
    const char *dir = bench_text(argc, argv, "--store");
    long n = bench_option(argc, argv, "--fill", 0), opens = bench_option(argc, argv, "--open", 0);
    bench_times times;
    if (!dir)
        give_up("--store DIR is missing");
    int64_t start = bench_now_us();
    if (n > 0)
        fill(dir, (uint64_t)n);
    if (n > 0)
        printf("fill_us=%.2f\n", (double)(bench_now_us() - start) / (double)n);
    bench_times_init(&times, (size_t)opens + 1);
    for (long i = 0; i < opens; i++)
        bench_times_add(&times, open_once(dir));
    bench_times_sort(&times);
    if (opens > 0)
        printf("open_ms=%.2f\n", bench_times_at(&times, 0.5) / 1000.0);
    return EXIT_SUCCESS;
}
