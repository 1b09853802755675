/* engine_bench.c - model calls through the engine, from graph step to node done.
 *
 *   engine_bench --port N [--calls N] [--inflight N] [--busy 1] [--cpu N]
 *                [--log LEVEL]
 *                [--store DIR] [--durable 1] [--first N]
 *
 * Uses lunagrad.h alone, as a host would: it keeps as many call nodes pending as
 * may be in flight and makes a new one for each that is done. With --busy it steps
 * the engine without ever sleeping. With a store its calls are journalled; --first is
 * the number of the first prompt, so that a second run can ask for others (or, with
 * the same, be answered by the store). Prints one line of results (bench.h). */
#include <signal.h>

#include "bench.h"
#include "lunagrad.h"

typedef struct slot { /* one call at a time; its index is the event's tag */
    lg_var *answer;
    int64_t started_us;
} slot;

typedef struct host {
    bench_run run;
    uint64_t started, last;
    lg_engine *engine;
    lg_model *model;
    lg_var *system;
    slot *slots;
    bool busy;
    uint64_t lines; /* of the log */
} host;

static void check(const host *h, int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "engine_bench: %s: %s (%s)\n", what, lg_error_text(code),
            h->engine ? lg_engine_errmsg(h->engine) : "no engine");
    exit(EXIT_FAILURE);
}

static void start(host *h, uint64_t tag)
{
    char prompt[BENCH_PROMPT + 1];
    slot *s = &h->slots[tag];
    lg_var *question;
    lg_call call;
    s->started_us = bench_now_us();
    bench_prompt(prompt, h->started++);
    check(h, lg_var_new(h->engine, prompt, BENCH_PROMPT, "question", false, &question), "question");
    lg_message messages[] = {{"system", h->system}, {"user", question}};
    lg_call_init(&call);
    call.messages = messages;
    call.n_messages = 2;
    check(h, lg_call_model(h->engine, h->model, &call, &s->answer), "call");
    check(h, lg_var_watch(s->answer, tag), "watch");
    lg_var_unref(question);
}

static void finish(host *h, uint64_t tag)
{
    slot *s = &h->slots[tag];
    lg_failure why;
    if (lg_var_state(s->answer) != LG_READY) {
        if (h->run.failed++ == 0 && lg_var_error(s->answer, &why))
            fprintf(stderr, "engine_bench: %s\n", why.message);
    }
    lg_var_unref(s->answer);
    s->answer = NULL;
    bench_call_done(&h->run, s->started_us);
}

static void hear(void *ud, int level, const char *msg)
{
    uint64_t *n = ud;
    (void)level;
    *n += msg[0] != '\0';
}

static void setup(host *h, long port, const char *store, bool durable, int log_level)
{
    lg_config cfg;
    lg_model_config model;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%ld/v1", port);
    lg_config_init(&cfg);
    char why[512] = "";
    cfg.concurrency = h->run.inflight;
    cfg.store_dir = store;
    cfg.durable = durable;
    cfg.why = why;
    cfg.why_size = sizeof why;
    cfg.log = hear; /* as a host has one */
    cfg.log_ud = &h->lines;
    cfg.log_level = log_level;
    check(h, lg_engine_new(&cfg, &h->engine), why[0] ? why : "engine");
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "bench/bench";
    model.model = "bench";
    model.base_url = url;
    model.api_key = "bench-key-000000";
    model.key_name = "BENCH_API_KEY";
    check(h, lg_model_new(h->engine, &model, &h->model), "model");
    check(h,
          lg_var_new(h->engine, BENCH_SYSTEM, strlen(BENCH_SYSTEM), "system prompt", true,
                     &h->system),
          "system prompt");
    h->slots = calloc((size_t)h->run.inflight, sizeof *h->slots);
    if (!h->slots)
        exit(EXIT_FAILURE);
}

static void run(host *h)
{
    const lg_event *ev;
    for (int i = 0; i < h->run.inflight; i++)
        start(h, (uint64_t)i);
    while (h->run.done < h->run.calls) {
        check(h, h->busy ? lg_engine_step(h->engine, 0) : lg_engine_wait(h->engine, -1), "step");
        while ((ev = lg_engine_next(h->engine))) {
            uint64_t tag = ev->tag;
            if (ev->type != LG_EVENT_VAR)
                continue;
            finish(h, tag);
            if (h->started < h->last)
                start(h, tag);
        }
    }
}

int main(int argc, char **argv)
{
    host h = {0};
    uint64_t first = (uint64_t)bench_option(argc, argv, "--first", 0);
    signal(SIGPIPE, SIG_IGN);
    bench_raise_files();
    bench_pin((int)bench_option(argc, argv, "--cpu", -1));
    h.run.calls = (uint64_t)bench_option(argc, argv, "--calls", 10000);
    h.run.inflight = (int)bench_option(argc, argv, "--inflight", 128);
    h.busy = bench_option(argc, argv, "--busy", 0) != 0;
    if (h.run.inflight < 1 || h.run.calls < (uint64_t)h.run.inflight) {
        fputs("engine_bench: --calls must be at least --inflight\n", stderr);
        return EXIT_FAILURE;
    }
    h.started = first;
    setup(&h, bench_option(argc, argv, "--port", 0), bench_text(argc, argv, "--store"),
          bench_option(argc, argv, "--durable", 0) != 0, (int)bench_option(argc, argv, "--log", 0));
    h.last = first + h.run.calls;
    bench_begin(&h.run);
    run(&h);
    bench_end(&h.run);
    lg_engine_free(h.engine);
    free(h.slots);
    return h.run.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
