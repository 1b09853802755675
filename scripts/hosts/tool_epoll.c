/* tool_epoll.c - a tool with a loop (epoll), an allocator and a log of its own: questions on
 * standard input, a line each; answers on standard output, in their order.
 *
 *   cc tool_epoll.c $(pkg-config --cflags --libs lunagrad) -o tool
 *   ./tool < questions.txt                             sim answers
 *   ./tool http://127.0.0.1:8080/v1 my-model < …       a server does
 *
 * Standard error tells what the engine logs, and at the end what it had of memory: every byte that
 * the engine allocates comes from here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <lunagrad.h>

/* ---- an allocator that counts --------------------------------------------------- */

typedef struct memory {
    size_t now, most, blocks;
} memory;

/* As lua_Alloc: nsize 0 frees; osize is what was asked for when ptr was made. */
static void *allocate(void *ud, void *ptr, size_t osize, size_t nsize)
{
    memory *m = ud;
    size_t before = ptr ? osize : 0;
    if (nsize == 0) {
        m->blocks -= ptr != NULL;
        m->now -= before;
        free(ptr);
        return NULL;
    }
    void *block = realloc(ptr, nsize);
    if (block) {
        m->blocks += ptr == NULL;
        m->now += nsize - before;
        m->most = m->now > m->most ? m->now : m->most;
    }
    return block;
}

static void tell(void *ud, int level, const char *line)
{
    static const char *const names[] = {"", "error", "warning", "note", "debug"};
    (void)ud;
    fprintf(stderr, "tool: %s: %s\n", names[level], line);
}

/* ---- questions --------------------------------------------------------------------- */

typedef struct questions {
    lg_var **answers;
    size_t n, room, pending;
} questions;

static int add(questions *q, lg_var *answer)
{
    if (q->n == q->room) {
        size_t room = q->room ? 2 * q->room : 64;
        lg_var **more = realloc(q->answers, room * sizeof(lg_var *));
        if (!more)
            return LG_ENOMEM;
        q->answers = more;
        q->room = room;
    }
    q->answers[q->n++] = answer;
    q->pending++;
    return lg_var_watch(answer, q->n);
}

static int ask(lg_engine *e, lg_model *m, questions *q, const char *line, size_t len)
{
    lg_var *question, *answer;
    lg_call call;
    int err = lg_var_new(e, line, len, "question", false, &question);
    if (err)
        return err;
    lg_call_init(&call);
    call.messages = &(lg_message){"user", question};
    call.n_messages = 1;
    err = lg_call_model(e, m, &call, &answer);
    lg_var_unref(question);
    return err ? err : add(q, answer);
}

static int ask_all(lg_engine *e, lg_model *m, questions *q)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    int err = 0;
    while (!err && (len = getline(&line, &room, stdin)) > 0) {
        len -= line[len - 1] == '\n';
        err = len > 0 ? ask(e, m, q, line, (size_t)len) : 0;
    }
    free(line);
    return err;
}

/* ---- the loop ------------------------------------------------------------------------ */

static void drain(lg_engine *e, questions *q)
{
    const lg_event *event;
    while ((event = lg_engine_next(e)))
        q->pending -= event->type == LG_EVENT_VAR;
}

static int run(lg_engine *e, questions *q)
{
    struct epoll_event watched = {.events = EPOLLIN}, ready;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, lg_engine_fd(e), &watched) < 0)
        return -errno;
    while (q->pending > 0) {
        lg_engine_step(e, 0);
        drain(e, q);
        if (q->pending > 0 && epoll_wait(poll, &ready, 1, lg_engine_timeout(e)) < 0 &&
            errno != EINTR)
            return -errno;
    }
    return 0;
}

static int show(const questions *q)
{
    int failed = 0;
    for (size_t i = 0; i < q->n; i++) {
        lg_failure why;
        const char *text = lg_var_text(q->answers[i], NULL);
        if (!text && lg_var_error(q->answers[i], &why))
            fprintf(stderr, "tool: question %zu: %s\n", i + 1, why.message);
        printf("%s\n", text ? text : "");
        failed += !text;
    }
    return failed;
}

/* ---- all of it -------------------------------------------------------------------------- */

static int make_model(lg_engine *e, int argc, char **argv, lg_model **out)
{
    lg_model_config m;
    if (argc < 3)
        return lg_model_sim(e, "sim/default", out);
    lg_model_config_init(&m);
    m.dialect = "openai";
    m.base_url = argv[1];
    m.name = m.model = argv[2];
    m.api_key = getenv("OPENAI_API_KEY");
    return lg_model_new(e, &m, out);
}

int main(int argc, char **argv)
{
    memory m = {0};
    char why[256] = "";
    lg_config cfg;
    lg_engine *e;
    lg_model *model;
    questions q = {0};
    lg_config_init(&cfg);
    cfg.alloc = allocate;
    cfg.alloc_ud = &m;
    cfg.log = tell;
    cfg.why = why;
    cfg.why_size = sizeof why;
    if (lg_engine_new(&cfg, &e)) {
        fprintf(stderr, "tool: %s\n", why);
        return 1;
    }
    int err = make_model(e, argc, argv, &model);
    if (!err)
        err = ask_all(e, model, &q);
    if (err)
        fprintf(stderr, "tool: %s\n", lg_engine_errmsg(e));
    else
        err = run(e, &q);
    int failed = err ? 1 : show(&q);
    lg_engine_free(e); /* and all that was made from it */
    free(q.answers);
    fprintf(stderr, "tool: %zu answers, %zu KB at most, %zu blocks left\n", q.n, m.most / 1024,
            m.blocks);
    return failed > 0;
}
