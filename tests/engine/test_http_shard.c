/* test_http_shard.c - connections kept, shards, gates, cancel and free, memory. */
#include <fcntl.h>
#include <netinet/tcp.h>

#include "net/http_internal.h"
#include "../http_kit.h"

/* ---- connections ------------------------------------------------------------ */

static void test_a_thousand_requests_one_connection(void **state)
{
    kit *k = *state;
    int i;

    for (i = 0; i < 1000; i++)
        kit_ok(k, "ok");
    assert_int_equal(rude_connections(k->server), 1);
    assert_int_equal(rude_posts(k->server), 1000);
    /* head and body in one write: the server read once for each */
    assert_int_equal(rude_reads(k->server), 1000);
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void test_socket_options(void **state)
{
    kit *k = *state;
    size_t fd;
    int found = 0;

    kit_ok(k, "ok");
    for (fd = 0; fd < k->http->n_sockets; fd++) {
        if (!k->http->sockets[fd].ours)
            continue;
        found++;
        assert_int_equal(option((int)fd, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option((int)fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_int_equal(option((int)fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
        assert_int_equal(option((int)fd, IPPROTO_TCP, TCP_KEEPINTVL), 60);
        assert_int_equal(option((int)fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
        assert_true(fcntl((int)fd, F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(found, 1);
}

static void start_many(kit *k, const char *path, int n)
{
    lg_http_request r = kit_request(rude_url(k->server, path, k->url, sizeof k->url));
    int i;

    for (i = 0; i < n; i++)
        kit_start(k, &r, NULL);
}

static void finish_many(kit *k, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        lg_attempt d = kit_wait(k);

        if (d.fail.code != 0)
            fail_msg("%d of %d: %s", i, n, kit_message(&d));
        lg__attempt_free(&d);
    }
}

static void test_shards(void **state)
{
    kit *k = *state;
    int round;

    for (round = 0; round < 3; round++) {
        start_many(k, "delay=200", 300);
        assert_int_equal(lg__http_active(k->http), 300);
        finish_many(k, 300);
        assert_int_equal(k->http->n_shards, 2);
    }
    assert_int_equal(rude_posts(k->server), 900);
    assert_int_equal(rude_connections(k->server), 300); /* all kept, all used again */
}

static void test_small_shards(void **state)
{
    kit *k = *state;
    lg_http_config cfg = {0};
    kit small;

    cfg.shard_size = 3;
    kit_open(&small, k->server, &cfg);
    start_many(&small, "ok", 20);
    finish_many(&small, 20);
    assert_int_equal(small.http->n_shards, 7);
    kit_ok(&small, "ok");
    assert_int_equal(small.http->room, 0);
    kit_close(&small);
}

static void test_idle_shard_closes_its_connections(void **state)
{
    kit *k = *state;
    lg_shard *s;

    start_many(k, "delay=30", 5);
    finish_many(k, 5);
    assert_int_equal(rude_open(k->server), 5);
    s = k->http->shards[0];
    s->idle_us -= INT64_C(61) * 1000000; /* a minute passes */
    lg__alarm_set(s->alarm, 0);
    lg__loop_run(k->loop, 0);
    assert_null(s->multi);
    assert_true(rude_wait_open(k->server, 0, 5000));
    kit_ok(k, "ok");
    assert_int_equal(k->http->n_shards, 1);
}

/* An idle connection that the server closes must not keep the loop busy. */
static void test_idle_connections_are_quiet(void **state)
{
    kit *k = *state;
    rude *own = rude_start();
    lg_http_request r = kit_request(rude_url(own, "ok", k->url, sizeof k->url));
    lg_attempt d = kit_do(k, &r);
    int64_t begun;

    lg__attempt_free(&d);
    rude_stop(own);
    kit_turns(k, 20);
    begun = kit_now_ms();
    lg__loop_run(k->loop, 80);
    assert_true(kit_now_ms() - begun >= 75);
}

static size_t open_descriptors(void)
{
    size_t n = 0;
    int fd;

    for (fd = 0; fd < 2048; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_no_descriptor_is_left_behind(void **state)
{
    kit *k = *state;
    kit other;
    size_t before;
    int round;

    kit_ok(k, "ok");
    before = open_descriptors();
    for (round = 0; round < 3; round++) {
        kit_open(&other, k->server, NULL);
        start_many(&other, "delay=20", 20);
        finish_many(&other, 20);
        start_many(&other, "silent", 5);
        kit_turns(&other, 20);
        kit_close(&other);
    }
    assert_true(rude_wait_open(k->server, 1, 5000));
    assert_int_equal(open_descriptors(), before);
}

/* Names: localhost's relatives have two addresses, and only one is listened on. */
static void named(kit *k, int n, int want)
{
    lg_http_request r;
    int i;

    snprintf(k->url, sizeof k->url, "http://some.localhost:%d/delay=20", rude_port(k->server));
    r = kit_request(k->url);
    for (i = 0; i < n; i++)
        kit_start(k, &r, NULL);
    kit_turns(k, 2);
    for (i = 0; i < n; i++) {
        lg_attempt d = kit_wait(k);

        assert_int_equal(d.fail.code, want);
        lg__attempt_free(&d);
    }
}

static void test_gate(void **state)
{
    kit *k = *state;

    named(k, 40, 0);
    assert_non_null(k->http->gates);
    assert_null(k->http->gates->next);
    assert_null(k->http->gates->opener);
    assert_int_equal(rude_posts(k->server), 40);
    assert_in_range(rude_connections(k->server), 1, 40);
    k->http->gates->open_until_us = 0; /* minutes pass; it is opened again */
    named(k, 5, 0);
    assert_true(k->http->gates->open_until_us > 0);
}

static void test_gate_holds_until_connected(void **state)
{
    kit *k = *state;
    lg_transfer *t[3];
    lg_http_request r;
    int i;

    snprintf(k->url, sizeof k->url, "http://some.localhost:%d/ok", rude_port(k->server));
    r = kit_request(k->url);
    for (i = 0; i < 3; i++)
        t[i] = kit_start(k, &r, NULL);
    assert_int_equal(t[0]->state, LG_T_FLYING);
    assert_int_equal(t[1]->state, LG_T_WAITING);
    assert_int_equal(lg__http_active(k->http), 3);
    lg__http_cancel(t[0]); /* another takes its place */
    assert_int_equal(t[1]->state, LG_T_FLYING);
    lg__http_cancel(t[2]);
    assert_int_equal(lg__http_active(k->http), 1);
    finish_many(k, 1);
    assert_int_equal(rude_posts(k->server), 1);
    for (i = 0; i < 3; i++)
        kit_start(k, &r, NULL);
    finish_many(k, 3);
}

/* A name nobody can find: asked for once, the answer is everybody's. */
static void test_name_not_found(void **state)
{
    kit *k = *state;
    lg_http_request r;
    int i;

    snprintf(k->url, sizeof k->url, "http://%064d.invalid/", 1); /* a label too long to be asked */
    r = kit_request(k->url);
    for (i = 0; i < 30; i++)
        kit_start(k, &r, NULL);
    for (i = 0; i < 30; i++) {
        lg_attempt d = kit_wait(k);

        assert_int_equal(d.fail.code, LG_ERESOLVE);
        assert_has(kit_message(&d), "host name not found");
        assert_true(d.fail.retryable);
        assert_false(d.fail.ambiguous);
        assert_false(d.sent);
        lg__attempt_free(&d);
    }
    assert_int_equal(lg__http_active(k->http), 0);
}

static void test_gate_of_a_dead_server(void **state)
{
    kit *k = *state;
    rude *gone = rude_start();
    rude *keep = k->server;

    k->server = gone;
    rude_port(gone);
    snprintf(k->url, sizeof k->url, "http://some.localhost:%d/ok", rude_port(gone));
    rude_stop(gone);
    k->server = keep;
    {
        lg_http_request r = kit_request(k->url);
        int i;

        for (i = 0; i < 10; i++)
            kit_start(k, &r, NULL);
        for (i = 0; i < 10; i++) {
            lg_attempt d = kit_wait(k);

            assert_int_equal(d.fail.code, LG_ECONNECT);
            lg__attempt_free(&d);
        }
    }
}

/* ---- cancel and free ---------------------------------------------------------- */

static void test_cancel_closes_the_socket_at_once(void **state)
{
    kit *k = *state;
    lg_http_request r = kit_request(rude_url(k->server, "silent", k->url, sizeof k->url));
    lg_transfer *t = kit_start(k, &r, NULL);
    lg_attempt d;

    while (rude_bodies(k->server) == 0)
        lg__loop_run(k->loop, 10);
    lg__http_cancel(t);
    assert_true(rude_wait_open(k->server, 0, 5000)); /* the loop was not turned */
    assert_int_equal(lg__http_active(k->http), 0);
    kit_turns(k, 10);
    assert_false(attempt_take(lg__http_next(k->http), &d));
    kit_ok(k, "ok");
}

static void test_cancel_in_every_state(void **state)
{
    kit *k = *state;
    lg_http_request r = kit_request(rude_url(k->server, "ok", k->url, sizeof k->url));
    lg_transfer *t;
    lg_attempt d;
    int turns;

    for (turns = 0; turns < 8; turns++) {
        int i;

        t = kit_start(k, &r, NULL);
        for (i = 0; i < turns; i++)
            lg__loop_run(k->loop, 1);
        lg__http_cancel(t); /* before it began, while connecting, when done */
        assert_false(attempt_take(lg__http_next(k->http), &d));
        assert_int_equal(lg__http_active(k->http), 0);
    }
    kit_ok(k, "ok");
}

static void test_cancel_while_connecting(void **state)
{
    kit *k = *state;
    int port, fillers[8], fd = kit_full_listener(&port, fillers);
    size_t before;
    lg_http_request r;
    lg_transfer *t;

    kit_ok(k, "ok");
    before = open_descriptors();
    snprintf(k->url, sizeof k->url, "http://127.0.0.1:%d/", port);
    r = kit_request(k->url);
    t = kit_start(k, &r, NULL);
    kit_turns(k, 10);
    assert_int_equal(open_descriptors(), before + 1);
    lg__http_cancel(t);
    assert_int_equal(open_descriptors(), before);
    kit_ok(k, "ok");
    kit_close_all(fd, fillers);
}

static void test_cancel_while_resolving_does_not_wait(void **state)
{
    kit *k = *state;
    lg_http_request r = kit_request("http://lunagrad-test.invalid/");
    int64_t begun = kit_now_ms();
    lg_transfer *t = kit_start(k, &r, NULL);

    lg__loop_run(k->loop, 0);
    lg__loop_run(k->loop, 0);
    lg__http_cancel(t);
    assert_true(kit_now_ms() - begun < 2000);
}

static void test_free_in_flight(void **state)
{
    kit *k = *state;
    kit other;
    int64_t begun;

    kit_open(&other, k->server, NULL);
    start_many(&other, "silent", 20);
    assert_true(lg__http_active(other.http) == 20);
    while (rude_bodies(k->server) < 20)
        lg__loop_run(other.loop, 10);
    start_many(&other, "ok", 3); /* not begun yet */
    begun = kit_now_ms();
    kit_close(&other);
    assert_true(kit_now_ms() - begun < 2000);
    assert_true(rude_wait_open(k->server, 0, 5000));
}

static void test_free_with_finished_ones(void **state)
{
    kit *k = *state;
    kit other;

    kit_open(&other, k->server, NULL);
    start_many(&other, "ok", 5);
    start_many(&other, "close", 5);
    while (lg__http_active(other.http) > 0)
        lg__loop_run(other.loop, 10);
    kit_close(&other);
}

/* ---- memory -------------------------------------------------------------------- */

typedef struct oom_case {
    rude *server;
    const char *path;
    int n;
} oom_case;

static int oom_transfers(lg_mem *m, lg_http *http, lg_loop *loop, const oom_case *c)
{
    char url[128];
    lg_http_request r;
    lg_transfer *t;
    lg_attempt d;
    int i, err = 0, started = 0;

    if (strcmp(c->path, "named") == 0)
        snprintf(url, sizeof url, "http://some.localhost:%d/ok", rude_port(c->server));
    else
        rude_url(c->server, c->path, url, sizeof url);
    r = kit_request(url);
    for (i = 0; i < c->n && err == 0; i++) {
        err = lg__http_start(http, &r, attempt_make(m, 1 << 20, NULL), &t);
        started += err == 0;
    }
    for (i = 0; i < started; i++) {
        int64_t until = kit_now_ms() + 20000;

        while (!attempt_take(lg__http_next(http), &d)) {
            assert_true(kit_now_ms() < until); /* a lost transfer */
            lg__loop_run(loop, 100);
        }
        if (d.fail.code == LG_ENOMEM)
            err = LG_ENOMEM;
        else if (strcmp(c->path, "close") != 0)
            assert_int_equal(d.fail.code, 0);
        lg__attempt_free(&d);
    }
    assert_int_equal(lg__http_active(http), 0);
    return err;
}

static int oom_work(support_heap *h, void *ctx)
{
    lg_http_config cfg = {0};
    lg_mem mem;
    lg_log log;
    lg_loop *loop = NULL;
    lg_http *http = NULL;
    int err;

    cfg.shard_size = 2;
    support_mem_on(&mem, h);
    lg__log_init(&log, &mem, NULL, NULL, LG_LOG_WARN);
    err = lg__loop_new(&mem, &loop);
    if (err == 0)
        err = lg__http_new(&mem, loop, &log, &cfg, &http);
    if (err == 0)
        err = oom_transfers(&mem, http, loop, ctx);
    lg__http_free(http);
    attempts_drop(&mem);
    lg__loop_free(loop);
    lg__log_free(&log);
    return err;
}

static void test_oom_http(void **state)
{
    static const char *const paths[] = {"ok", "close", "huge=5000", "named"};
    kit *k = *state;
    size_t i;

    for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        oom_case c = {k->server, paths[i], 3};

        oom_sweep(oom_work, &c);
    }
}

static void test_http2_only_where_it_is_safe(void **state)
{
    kit *k = *state;
    lg_http_config cfg = {0};
    kit other;

    cfg.http2 = true;
    kit_open(&other, k->server, &cfg);
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x080100) {
        assert_false(other.http->http2);
        assert_has(other.logged, "HTTP/1.1 is used");
    }
    kit_ok(&other, "ok");
    kit_close(&other);
}

#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

static const struct CMUnitTest tests[] = {
    T(test_a_thousand_requests_one_connection),
    T(test_socket_options),
    T(test_shards),
    T(test_small_shards),
    T(test_idle_shard_closes_its_connections),
    T(test_idle_connections_are_quiet),
    T(test_no_descriptor_is_left_behind),
    T(test_gate),
    T(test_gate_holds_until_connected),
    T(test_name_not_found),
    T(test_gate_of_a_dead_server),
    T(test_cancel_closes_the_socket_at_once),
    T(test_cancel_in_every_state),
    T(test_cancel_while_connecting),
    T(test_cancel_while_resolving_does_not_wait),
    T(test_free_in_flight),
    T(test_free_with_finished_ones),
    T(test_oom_http),
    T(test_http2_only_where_it_is_safe),
};

LG_TEST_MAIN(tests)
