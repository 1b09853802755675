/* server_uv.c - a server on libuv that asks a model: a line comes in by TCP, its answer goes out.
 *
 *   cc server_uv.c $(pkg-config --cflags --libs lunagrad libuv) -o server
 *   ./server 7000                                     sim answers
 *   ./server 7000 http://127.0.0.1:8080/v1 my-model   a server does
 *   echo 'I have two apples and a pear. How many fruits do I have?' | nc -N 127.0.0.1 7000
 *
 * The engine is one descriptor and one time-out in the loop of the host: both call pump(). Any
 * number of questions are under way at once. It ends when its standard input does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lunagrad.h>
#include <uv.h>

enum { LINE = 4096 };

typedef struct client {
    uv_tcp_t tcp; /* its data: this */
    uint64_t id;
    struct client *next;
    char line[LINE];
    size_t len;
} client;

static lg_engine *engine;
static lg_model *model;
static uv_loop_t *loop;
static uv_poll_t readable;
static uv_timer_t due;
static uv_pipe_t input;
static uv_tcp_t server;
static client *clients;
static uint64_t last_id;

/* ---- answers ------------------------------------------------------------------- */

typedef struct reply {
    uv_write_t write;
    char *text;
} reply;

static void written(uv_write_t *w, int status)
{
    reply *r = (reply *)w;
    (void)status;
    free(r->text);
    free(r);
}

static void send_line(client *c, const char *text, size_t len)
{
    reply *r = malloc(sizeof *r);
    char *copy = malloc(len + 1);
    uv_buf_t buf = uv_buf_init(copy, (unsigned)len + 1);
    if (!r || !copy)
        abort();
    r->text = memcpy(copy, text, len);
    for (size_t i = 0; i < len; i++)
        copy[i] = copy[i] == '\n' ? ' ' : copy[i];
    copy[len] = '\n';
    if (uv_write(&r->write, (uv_stream_t *)&c->tcp, &buf, 1, written) < 0)
        written(&r->write, 0);
}

/* A client may have left: its number finds nobody then. */
static client *find(uint64_t id)
{
    client *c = clients;
    while (c && c->id != id)
        c = c->next;
    return c;
}

static void answered(uint64_t id, const lg_var *answer)
{
    lg_failure why;
    size_t len = 0;
    client *c = find(id);
    const char *text = lg_var_text(answer, &len);
    if (c && text)
        send_line(c, text, len);
    else if (c && lg_var_error(answer, &why))
        send_line(c, why.message, strlen(why.message));
}

/* ---- the engine in the loop ------------------------------------------------------ */

static void pump(void);

static void on_readable(uv_poll_t *p, int status, int events)
{
    (void)p, (void)status, (void)events;
    pump();
}

static void on_due(uv_timer_t *t)
{
    (void)t;
    pump();
}

static void pump(void)
{
    const lg_event *event;
    lg_engine_step(engine, 10000);
    while ((event = lg_engine_next(engine))) {
        if (event->type == LG_EVENT_VAR)
            answered(event->tag, event->var);
    }
    int ms = lg_engine_timeout(engine);
    if (ms >= 0)
        uv_timer_start(&due, on_due, (uint64_t)ms, 0);
    else
        uv_timer_stop(&due);
}

static void ask(client *c, const char *line, size_t len)
{
    lg_var *question, *answer;
    lg_call call;
    if (lg_var_new(engine, line, len, "question", false, &question)) {
        send_line(c, lg_engine_errmsg(engine), strlen(lg_engine_errmsg(engine)));
        return;
    }
    lg_call_init(&call);
    call.messages = &(lg_message){"user", question};
    call.n_messages = 1;
    if (lg_call_model(engine, model, &call, &answer) == LG_OK) {
        lg_var_watch(answer, c->id);
        lg_var_unref(answer); /* it lives until its event has come */
    }
    lg_var_unref(question);
    pump();
}

/* ---- clients ------------------------------------------------------------------------ */

static void closed(uv_handle_t *h)
{
    free(h->data);
}

static void leave(client *c)
{
    for (client **at = &clients; *at; at = &(*at)->next) {
        if (*at == c) {
            *at = c->next;
            uv_close((uv_handle_t *)&c->tcp, closed);
            return;
        }
    }
}

static void give_room(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
    client *c = h->data;
    (void)wanted;
    *buf = uv_buf_init(c->line + c->len, (unsigned)(LINE - c->len));
}

static void take_lines(client *c)
{
    char *end;
    while ((end = memchr(c->line, '\n', c->len))) {
        size_t len = (size_t)(end - c->line);
        ask(c, c->line, len);
        c->len -= len + 1;
        memmove(c->line, end + 1, c->len);
    }
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    client *c = s->data;
    (void)buf;
    if (n == UV_EOF && c->len == 0)
        return; /* it has said all, and waits for answers */
    if (n < 0 || c->len == LINE) {
        leave(c);
        return;
    }
    c->len += (size_t)n;
    take_lines(c);
}

static void on_connection(uv_stream_t *s, int status)
{
    client *c = status < 0 ? NULL : calloc(1, sizeof *c);
    if (!c || uv_tcp_init(loop, &c->tcp) < 0)
        return;
    c->tcp.data = c;
    c->id = ++last_id;
    c->next = clients;
    clients = c;
    if (uv_accept(s, (uv_stream_t *)&c->tcp) < 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, give_room, on_read) < 0)
        leave(c);
}

/* ---- beginning and end ----------------------------------------------------------------- */

static void give_input(uv_handle_t *h, size_t wanted, uv_buf_t *buf)
{
    static char nobody[64];
    (void)h, (void)wanted;
    *buf = uv_buf_init(nobody, sizeof nobody);
}

static void on_input(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    (void)s, (void)buf;
    if (n < 0)
        uv_stop(loop);
}

static int make_model(int argc, char **argv)
{
    lg_model_config m;
    if (argc < 4)
        return lg_model_sim(engine, "sim/default", &model);
    lg_model_config_init(&m);
    m.dialect = "openai";
    m.base_url = argv[2];
    m.name = m.model = argv[3];
    m.api_key = getenv("OPENAI_API_KEY");
    return lg_model_new(engine, &m, &model);
}

static int listen_at(int port)
{
    struct sockaddr_in at;
    uv_ip4_addr("127.0.0.1", port, &at);
    uv_tcp_init(loop, &server);
    int err = uv_tcp_bind(&server, (const struct sockaddr *)&at, 0);
    return err ? err : uv_listen((uv_stream_t *)&server, 128, on_connection);
}

static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, h->data ? closed : NULL);
}

int main(int argc, char **argv)
{
    loop = uv_default_loop();
    if (argc < 2 || lg_engine_new(NULL, &engine) || make_model(argc, argv)) {
        fprintf(stderr, "usage: server PORT [BASE_URL MODEL]\n");
        return 2;
    }
    if (listen_at(atoi(argv[1]))) {
        fprintf(stderr, "server: port %s is taken\n", argv[1]);
        return 1;
    }
    uv_timer_init(loop, &due);
    uv_poll_init(loop, &readable, lg_engine_fd(engine));
    uv_poll_start(&readable, UV_READABLE, on_readable);
    uv_pipe_init(loop, &input, 0);
    if (uv_pipe_open(&input, 0) == 0)
        uv_read_start((uv_stream_t *)&input, give_input, on_input);
    printf("ready\n");
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    lg_model_unref(model);
    lg_engine_free(engine);
    return 0;
}
