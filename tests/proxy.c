/* proxy.c - an HTTP proxy for tests. See proxy.h.
 *
 * Blocking, a thread for each connection; a plain request's connection is given to the
 * server as it is once the first line is shortened. */
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 16384, MOST = 64 };

struct proxy {
    int fd, port, status;
    pthread_t acceptor, threads[MOST];
    int conns[MOST];
    size_t n;
    unsigned tunnels, plain;
    char head[HEAD];
    bool stop;
    pthread_mutex_t lock;
};

typedef struct job {
    proxy *p;
    int fd;
} job;

static bool write_all(int fd, const char *s, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, s, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        s += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Until the empty line; what came behind it is there as well. 0: no head. */
static size_t read_head(int fd, char *head)
{
    size_t n = 0;
    while (n < HEAD - 1) {
        ssize_t got = recv(fd, head + n, HEAD - 1 - n, 0);
        if (got <= 0)
            return 0;
        n += (size_t)got;
        head[n] = '\0';
        if (strstr(head, "\r\n\r\n"))
            return n;
    }
    return 0;
}

static int reach(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void relay(proxy *p, int a, int b)
{
    struct pollfd fds[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    char chunk[16384];
    while (poll(fds, 2, 100) >= 0 && !p->stop) {
        for (int i = 0; i < 2; i++) {
            if (!fds[i].revents)
                continue;
            ssize_t n = recv(fds[i].fd, chunk, sizeof chunk, 0);
            if (n <= 0 || !write_all(fds[1 - i].fd, chunk, (size_t)n))
                return;
        }
    }
}

static void refuse(int fd, int status)
{
    char reply[256];
    snprintf(reply, sizeof reply,
             "HTTP/1.1 %d Refused\r\nProxy-Authenticate: Basic realm=\"test\"\r\n"
             "Content-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!\n",
             status);
    write_all(fd, reply, strlen(reply));
}

/* "CONNECT host:port …" or "POST http://host:port/path …", both to 127.0.0.1:port */
static void serve(proxy *p, int fd, char *head, size_t n)
{
    bool tunnel = strncmp(head, "CONNECT ", 8) == 0;
    char *host = strstr(head, tunnel ? " " : "http://");
    char *colon = host ? strchr(host + 7, ':') : NULL;
    char *path = colon ? strchr(colon, '/') : NULL;
    int there = colon ? reach(atoi(colon + 1)) : -1;
    if (there < 0)
        return refuse(fd, 502);
    if (tunnel) {
        const char *yes = "HTTP/1.1 200 Connection established\r\n\r\n";
        if (write_all(fd, yes, strlen(yes)))
            relay(p, fd, there);
    } else if (path && write_all(there, head, (size_t)(host - head)) &&
               write_all(there, path, n - (size_t)(path - head))) {
        relay(p, fd, there);
    }
    close(there);
}

static void *connection(void *ud)
{
    job j = *(job *)ud;
    char head[HEAD];
    size_t n = read_head(j.fd, head);
    free(ud);
    if (n > 0) {
        pthread_mutex_lock(&j.p->lock);
        memcpy(j.p->head, head, n + 1);
        *(strncmp(head, "CONNECT ", 8) == 0 ? &j.p->tunnels : &j.p->plain) += 1;
        pthread_mutex_unlock(&j.p->lock);
        if (j.p->status)
            refuse(j.fd, j.p->status);
        else
            serve(j.p, j.fd, head, n);
    }
    shutdown(j.fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *ud)
{
    proxy *p = ud;
    int fd;
    while (p->n < MOST && (fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        job *j = malloc(sizeof *j);
        *j = (job){p, fd};
        p->conns[p->n] = fd;
        pthread_create(&p->threads[p->n], NULL, connection, j);
        p->n++;
    }
    return NULL;
}

proxy *proxy_start(int status)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    proxy *p = calloc(1, sizeof *p);
    p->status = status;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(p->fd, (struct sockaddr *)&at, sizeof at) || listen(p->fd, MOST) ||
        getsockname(p->fd, (struct sockaddr *)&at, &size)) {
        close(p->fd);
        free(p);
        return NULL;
    }
    p->port = ntohs(at.sin_port);
    pthread_mutex_init(&p->lock, NULL);
    pthread_create(&p->acceptor, NULL, accept_all, p);
    return p;
}

void proxy_stop(proxy *p)
{
    p->stop = true;
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->acceptor, NULL);
    for (size_t i = 0; i < p->n; i++) {
        shutdown(p->conns[i], SHUT_RDWR);
        pthread_join(p->threads[i], NULL);
        close(p->conns[i]);
    }
    close(p->fd);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int proxy_port(const proxy *p)
{
    return p->port;
}

static unsigned count(proxy *p, const unsigned *of)
{
    pthread_mutex_lock(&p->lock);
    unsigned n = *of;
    pthread_mutex_unlock(&p->lock);
    return n;
}

unsigned proxy_tunnels(proxy *p)
{
    return count(p, &p->tunnels);
}

unsigned proxy_plain(proxy *p)
{
    return count(p, &p->plain);
}

void proxy_last_head(proxy *p, char *buf, size_t size)
{
    pthread_mutex_lock(&p->lock);
    snprintf(buf, size, "%s", p->head);
    pthread_mutex_unlock(&p->lock);
}
