/* http_kit.h - an lg_http with its loop and a rude server, for test_http*.c. */
#ifndef LG_TEST_HTTP_KIT_H
#define LG_TEST_HTTP_KIT_H

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

#include "attempts.h"
#include "net/http.h"
#include "rude.h"
#include "support.h"

typedef struct kit {
    support_heap heap;
    lg_mem mem;
    lg_loop *loop;
    lg_log log;
    lg_http *http;
    size_t most; /* bytes of a reply */
    rude *server;
    char url[256];
    char logged[512];
} kit;

static inline int64_t kit_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void kit_on_log(void *ud, int level, const char *msg)
{
    kit *k = ud;

    (void)level;
    snprintf(k->logged, sizeof k->logged, "%s", msg);
}

static inline void kit_open(kit *k, rude *server, const lg_http_config *cfg)
{
    lg_http_config none = {0};

    memset(k, 0, sizeof *k);
    k->server = server;
    k->most = 1 << 20;
    support_mem_init(&k->mem, &k->heap);
    lg__log_init(&k->log, &k->mem, kit_on_log, k, LG_LOG_DEBUG);
    assert_int_equal(lg__loop_new(&k->mem, &k->loop), 0);
    assert_int_equal(lg__http_new(&k->mem, k->loop, &k->log, cfg ? cfg : &none, &k->http), 0);
}

static inline void kit_close(kit *k)
{
    lg__http_free(k->http);
    attempts_drop(&k->mem);
    lg__loop_free(k->loop);
    lg__log_free(&k->log);
    assert_heap_empty(&k->heap);
}

/* A POST of a small body, with limits that a test never meets by accident. */
static inline lg_http_request kit_request(const char *url)
{
    lg_http_request r = {0};

    r.method = "POST";
    r.url = url;
    r.headers = "Content-Type: application/json\nAuthorization: Bearer test\n";
    r.body = "{\"question\":\"?\"}";
    r.body_len = strlen(r.body);
    r.connect_timeout_ms = 20000;
    r.first_byte_timeout_ms = 20000;
    r.total_timeout_ms = 40000;
    return r;
}

static inline lg_transfer *kit_start(kit *k, const lg_http_request *r, void *ud)
{
    lg_transfer *t = NULL;

    assert_int_equal(lg__http_start(k->http, r, attempt_make(&k->mem, k->most, ud), &t), 0);
    assert_non_null(t);
    return t;
}

/* Turns the loop until a transfer is finished. */
static inline lg_attempt kit_wait(kit *k)
{
    lg_attempt d;
    int64_t until = kit_now_ms() + 60000;

    memset(&d, 0, sizeof d);
    while (!attempt_take(lg__http_next(k->http), &d)) {
        if (kit_now_ms() > until)
            fail_msg("no transfer finished within a minute");
        lg__loop_run(k->loop, 1000);
    }
    return d;
}

static inline lg_attempt kit_do(kit *k, const lg_http_request *r)
{
    kit_start(k, r, k);
    return kit_wait(k);
}

static inline lg_attempt kit_post(kit *k, const char *path)
{
    lg_http_request r = kit_request(rude_url(k->server, path, k->url, sizeof k->url));

    return kit_do(k, &r);
}

/* A POST that must go well. */
static inline void kit_ok(kit *k, const char *path)
{
    lg_attempt d = kit_post(k, path);

    if (d.fail.code != 0)
        fail_msg("%s: %s", path, lg__fail_message(&d.fail));
    assert_int_equal(d.status, 200);
    lg__attempt_free(&d);
}

static inline void kit_turns(kit *k, int ms)
{
    int64_t until = kit_now_ms() + ms;

    while (kit_now_ms() < until)
        lg__loop_run(k->loop, 5);
}

/* For cmocka: a kit with a server, and away with both. */
static inline int kit_setup(void **state)
{
    kit *k = malloc(sizeof *k);

    assert_non_null(k);
    kit_open(k, rude_start(), NULL);
    assert_non_null(k->server);
    *state = k;
    return 0;
}

static inline int kit_teardown(void **state)
{
    kit *k = *state;

    kit_close(k);
    rude_stop(k->server);
    free(k);
    return 0;
}

static inline const char *kit_message(const lg_attempt *d)
{
    return lg__fail_message(&d->fail);
}

/* A listener whose queue is full lets a connection attempt hang. */
static inline int kit_full_listener(int *port, int fillers[8])
{
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), i;

    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    for (i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&a, sizeof a);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static inline void kit_close_all(int fd, int fillers[8])
{
    int i;

    for (i = 0; i < 8; i++)
        close(fillers[i]);
    close(fd);
}

#define assert_has(text, part)                                                         \
    do {                                                                               \
        const char *text_ = (text);                                                    \
        if (!text_ || !strstr(text_, part))                                            \
            fail_msg("\"%s\" does not say \"%s\"", text_ ? text_ : "(nothing)", part); \
    } while (0)

#endif
