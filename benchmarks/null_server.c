/* null_server.c - a server that costs little: any HTTP/1.1 request gets the same
 * chat completion, at once or after a fixed time of "thinking".
 *
 *   null_server [--port N] [--think MS] [--busy 1] [--cpu N]
 *
 * Prints "port N" and serves until it is killed or its parent ends. One thread,
 * one epoll, keep-alive; with --busy it polls instead of sleeping. It checks
 * nothing and is no stand-in for a provider: `lunagrad mock` is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "bench.h"

enum { MAX_FDS = 65536, HEAD = 2048, READ = 65536 };

typedef struct conn {
    bool open;
    uint32_t generation; /* of this descriptor number: an answer in line may be late */
    size_t body_left;
    size_t head_len;
    char head[HEAD + 1];
} conn;

typedef struct waiting { /* an answer in line; the think time is fixed, so a ring will do */
    int fd;
    uint32_t generation;
    int64_t due_us;
} waiting;

typedef struct server {
    int listener, poll;
    int64_t think_us;
    bool busy;
    conn *conns[MAX_FDS];
    waiting ring[MAX_FDS];
    size_t first, count;
    char reply[4096];
    size_t reply_len;
} server;

static void make_reply(server *s)
{
    static const char text[] =
        "Let me list the things: an apple, two pears, a drum, four chairs, an accordion. "
        "The fruits are one apple and two pears, which makes three. ";
    char content[800], body[2048];
    size_t used = 0;
    while (used + sizeof text < sizeof content) {
        memcpy(content + used, text, sizeof text - 1);
        used += sizeof text - 1;
    }
    content[used] = '\0';
    int len = snprintf(
        body, sizeof body,
        "{\"id\":\"chatcmpl-000000000001\",\"object\":\"chat.completion\",\"created\":1700000000,"
        "\"model\":\"bench\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"%s Answer: 3\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
        "\"prompt_tokens\":480,\"completion_tokens\":170,\"total_tokens\":650}}",
        content);
    int total = snprintf(s->reply, sizeof s->reply,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Content-Length: %d\r\n\r\n%s",
                         len, body);
    s->reply_len = (size_t)total;
}

static void close_conn(server *s, int fd)
{
    s->conns[fd]->open = false;
    s->conns[fd]->generation++;
    close(fd);
}

static void send_reply(server *s, int fd)
{
    if (send(fd, s->reply, s->reply_len, MSG_NOSIGNAL) != (ssize_t)s->reply_len)
        close_conn(s, fd);
}

/* A whole request has arrived. */
static void answer(server *s, int fd)
{
    if (s->think_us == 0) {
        send_reply(s, fd);
    } else if (s->count < MAX_FDS) {
        s->ring[(s->first + s->count++) % MAX_FDS] = (waiting){
            .fd = fd,
            .generation = s->conns[fd]->generation,
            .due_us = bench_now_us() + s->think_us,
        };
    }
}

/* Takes bytes of the head; returns how many, or 0 when it is too long. */
static size_t take_head(conn *c, const char *data, size_t n, bool *whole)
{
    size_t room = HEAD - c->head_len, taken = n < room ? n : room, before = c->head_len;
    memcpy(c->head + before, data, taken);
    c->head[before + taken] = '\0';
    const char *end = strstr(c->head, "\r\n\r\n");
    c->head_len += taken;
    if (!end)
        return taken;
    taken = (size_t)(end + 4 - c->head) - before;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->body_left = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    c->head_len = 0;
    *whole = true;
    return taken;
}

static void feed(server *s, int fd, const char *data, size_t n)
{
    conn *c = s->conns[fd];
    while (n > 0 && c->open) {
        size_t taken;
        bool whole = false;
        if (c->body_left > 0) {
            taken = n < c->body_left ? n : c->body_left;
            c->body_left -= taken;
            whole = c->body_left == 0;
        } else {
            taken = take_head(c, data, n, &whole);
            whole = whole && c->body_left == 0;
            if (taken == 0) {
                close_conn(s, fd);
                return;
            }
        }
        data += taken;
        n -= taken;
        if (whole)
            answer(s, fd);
    }
}

static void on_readable(server *s, int fd)
{
    static char data[READ];
    ssize_t n = read(fd, data, sizeof data);
    if (n > 0)
        feed(s, fd, data, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_conn(s, fd);
}

static void on_connect(server *s)
{
    for (;;) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        if (fd < 0)
            return;
        if (fd < MAX_FDS && !s->conns[fd])
            s->conns[fd] = calloc(1, sizeof **s->conns);
        if (fd >= MAX_FDS || !s->conns[fd]) {
            close(fd);
            return;
        }
        conn *c = s->conns[fd];
        c->open = true;
        c->body_left = c->head_len = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &ev);
    }
}

/* Sends what is due; milliseconds until the next, -1 for none. */
static int run_waiting(server *s)
{
    while (s->count > 0) {
        const waiting *w = &s->ring[s->first];
        int64_t left = w->due_us - bench_now_us();
        if (left > 0)
            return (int)((left + 999) / 1000);
        if (s->conns[w->fd]->open && s->conns[w->fd]->generation == w->generation)
            send_reply(s, w->fd);
        s->first = (s->first + 1) % MAX_FDS;
        s->count--;
    }
    return -1;
}

static void serve(server *s)
{
    static struct epoll_event events[1024];
    for (;;) {
        int timeout = run_waiting(s);
        int n = epoll_wait(s->poll, events, 1024, s->busy ? 0 : timeout);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == s->listener)
                on_connect(s);
            else if (s->conns[fd]->open)
                on_readable(s, fd);
        }
    }
}

static int listen_on(long port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 8192) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        perror("null_server");
        exit(EXIT_FAILURE);
    }
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    static server s;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    bench_raise_files();
    bench_pin((int)bench_option(argc, argv, "--cpu", -1));
    s.think_us = bench_option(argc, argv, "--think", 0) * 1000;
    s.busy = bench_option(argc, argv, "--busy", 0) != 0;
    make_reply(&s);
    s.poll = epoll_create1(EPOLL_CLOEXEC);
    s.listener = listen_on(bench_option(argc, argv, "--port", 0));
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = s.listener};
    epoll_ctl(s.poll, EPOLL_CTL_ADD, s.listener, &ev);
    serve(&s);
}
