/* host_bench.c - what the calls of docs/embedding.md cost their host, in CPU time of its thread.
 *
 *   build/benchmarks/host_bench [ROUNDS]     200
 *
 * A host model answers at once, so that what is measured is the library alone. One line a case:
 * the median of the rounds, and the largest. */
#include "bench.h"
#include "lunagrad.h"

enum { MOST = 10000 };

typedef struct host {
    lg_engine *e;
    lg_model *model;
    lg_var *prompt;
    bool ended;
} host;

static double spent[MOST];
static size_t rounds = 200;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, size_t n)
{
    qsort(spent, n, sizeof *spent, by_size);
    printf("%-58s %10.1f us %10.1f us\n", what, spent[n / 2], spent[n - 1]);
}

static void check(int err, const lg_engine *e)
{
    if (err) {
        fprintf(stderr, "host_bench: %s\n", e ? lg_engine_errmsg(e) : lg_error_text(err));
        exit(1);
    }
}

/* ---- the host ------------------------------------------------------------------ */

static void answer(void *ud, lg_engine *e, const lg_query *q)
{
    (void)ud;
    if (q->what == LG_QUERY_PROGRAM)
        lg_answer_var(e, q->id, q->params[0]);
    else
        lg_answer_score(e, q->id, 0.5, NULL, 0);
}

static void drain(host *h)
{
    const lg_event *event;
    while ((event = lg_engine_next(h->e))) {
        if (event->type == LG_EVENT_CALL)
            lg_call_reply(h->e, event->id, "<NEW_VARIABLE>new</NEW_VARIABLE>", 32, "stop", NULL);
        h->ended = h->ended || event->type == LG_EVENT_END;
    }
}

static void open_host(host *h)
{
    lg_model_config m;
    *h = (host){.ended = false};
    check(lg_engine_new(NULL, &h->e), NULL);
    lg_model_config_init(&m);
    m.dialect = "host";
    m.name = m.model = "host/model";
    m.no_memo = true;
    check(lg_model_new(h->e, &m, &h->model), h->e);
    check(lg_engine_models(h->e, h->model, NULL, NULL, NULL), h->e);
    check(lg_var_new(h->e, "prompt", 6, "system prompt", true, &h->prompt), h->e);
}

static void settle(host *h, lg_var *v)
{
    while (lg_var_state(v) == LG_PENDING) {
        lg_engine_step(h->e, 0);
        drain(h);
    }
    lg_var_unref(v);
}

/* ---- the cases ------------------------------------------------------------------- */

static void life(void)
{
    for (size_t i = 0; i < rounds; i++) {
        lg_engine *e;
        double from = now_us();
        check(lg_engine_new(NULL, &e), NULL);
        lg_engine_free(e);
        spent[i] = now_us() - from;
    }
    tell("lg_engine_new() and lg_engine_free(), without a store", rounds);
}

static void first_lua(void)
{
    size_t n = rounds < 50 ? rounds : 50;
    for (size_t i = 0; i < n; i++) {
        host h;
        lg_var *loss;
        open_host(&h);
        double from = now_us();
        check(lg_loss_exact(h.e, h.prompt, "7", false, &loss), h.e);
        spent[i] = now_us() - from;
        settle(&h, loss);
        lg_engine_free(h.e);
    }
    tell("the first loss, optimizer, job or sim of an engine: the call", n);
    for (size_t i = 0; i < n; i++) {
        host h;
        lg_var *loss;
        open_host(&h);
        check(lg_loss_exact(h.e, h.prompt, "7", false, &loss), h.e);
        double from = now_us();
        settle(&h, loss);
        spent[i] = now_us() - from;
        lg_engine_free(h.e);
    }
    tell("... and the steps until it is ready (the library's Lua is loaded)", n);
}

static void calls(host *h)
{
    for (size_t i = 0; i < rounds; i++) {
        lg_var *question, *v;
        lg_call call;
        char text[32];
        int len = snprintf(text, sizeof text, "question %zu", i);
        double from = now_us();
        lg_call_init(&call);
        check(lg_var_new(h->e, text, (size_t)len, "question", false, &question), h->e);
        call.messages = (lg_message[]){{"system", h->prompt}, {"user", question}};
        call.n_messages = 2;
        check(lg_call_model(h->e, h->model, &call, &v), h->e);
        settle(h, v);
        lg_var_unref(question);
        spent[i] = now_us() - from;
    }
    tell("a call of a host model, with its steps and answer", rounds);
}

typedef int (*loss_fn)(host *h, lg_var **out);

static int exact(host *h, lg_var **out)
{
    return lg_loss_exact(h->e, h->prompt, "7", false, out);
}

static int critic(host *h, lg_var **out)
{
    return lg_loss_critic(h->e, h->prompt, "Is it right?", NULL, out);
}

static int score(host *h, lg_var **out)
{
    return lg_loss_score(h->e, h->prompt, "looks", answer, NULL, 0, out);
}

static void losses(host *h, const char *what, loss_fn make)
{
    for (size_t i = 0; i < rounds; i++) {
        lg_var *loss;
        double from = now_us();
        check(make(h, &loss), h->e);
        settle(h, loss);
        spent[i] = now_us() - from;
    }
    tell(what, rounds);
}

static void optimizer(host *h)
{
    lg_optimizer *o;
    lg_optimizer_config c;
    lg_optimizer_config_init(&c);
    c.params = &h->prompt;
    c.n_params = 1;
    check(lg_optimizer_new(h->e, &c, &o), h->e);
    for (size_t i = 0; i < rounds; i++) {
        lg_var *report;
        lg_optimizer_zero_grad(o);
        lg_var_set(h->prompt, "prompt", 6);
        lg_var_add_feedback(h->prompt, "be clear", 8);
        double from = now_us();
        check(lg_optimizer_step(o, &report), h->e);
        settle(h, report);
        spent[i] = now_us() - from;
    }
    lg_optimizer_free(o);
    tell("lg_optimizer_step() with its one call, until the report", rounds);
}

/* A search of n evaluations and no proposals that are kept. */
static double search(host *h, size_t n)
{
    lg_job *j;
    lg_job_config c;
    lg_job_config_init(&c);
    c.params = &h->prompt;
    c.n_params = 1;
    c.evaluate = answer;
    c.max_evaluations = n;
    double from = now_us();
    check(lg_search(h->e, &c, &j), h->e);
    for (h->ended = false; !h->ended;) {
        lg_engine_step(h->e, 0);
        drain(h);
    }
    from = now_us() - from;
    lg_job_free(j);
    return from;
}

static void searches(host *h)
{
    size_t n = rounds < 20 ? rounds : 20;
    for (size_t i = 0; i < n; i++)
        spent[i] = search(h, 20) / 20;
    tell("lg_search() by evaluation, for each of 20 evaluations", n);
}

int main(int argc, char **argv)
{
    host h;
    if (argc > 1)
        rounds = (size_t)atoi(argv[1]);
    rounds = rounds < 1 ? 1 : rounds > MOST ? MOST : rounds;
    printf("%-58s %13s %13s\n", "CPU of the host's thread", "median", "largest");
    life();
    first_lua();
    open_host(&h);
    calls(&h);
    losses(&h, "lg_loss_exact(), until it is ready", exact);
    losses(&h, "lg_loss_critic(), with its call", critic);
    losses(&h, "lg_loss_score(), with a callback", score);
    optimizer(&h);
    searches(&h);
    lg_engine_free(h.e);
    return 0;
}
