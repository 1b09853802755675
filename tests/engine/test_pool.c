/* test_pool.c - Lua candidates from C: results, limits, crashes, cancelling, memory that runs
 * short, a process that was forked off, an engine that ends while they run. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../scripted.h"

#include "base/loop.h"
#include "child/pool_internal.h"

static lg_sandbox *sandbox(lg_engine *e, int workers)
{
    lg_sandbox *s = NULL;
    lg_sandbox_config c;
    lg_sandbox_config_init(&c);
    c.workers = workers;
    c.timeout_ms = 20000;
    assert_int_equal(lg_sandbox_new(e, &c, &s), 0);
    return s;
}

static lg_var *run(lg_sandbox *s, const char *source)
{
    lg_var *v = NULL;
    assert_int_equal(lg_sandbox_run(s, NULL, source, strlen(source), NULL, NULL, &v), 0);
    return v;
}

/* Until it has settled: its text, or NULL. */
static const char *result(lg_engine *e, lg_var *v)
{
    size_t len;
    while (lg_var_state(v) == LG_PENDING)
        assert_int_equal(lg_engine_wait(e, 1000), 0);

    return lg_var_state(v) == LG_READY ? lg_var_text(v, &len) : NULL;
}

static void expect(lg_engine *e, lg_var *v, const char *part)
{
    const char *text = result(e, v);
    assert_non_null(text);
    if (!strstr(text, part))
        fail_msg("%s is not in %s", part, text);

    lg_var_unref(v);
}

/* A child of ours that is a worker; 0: none. */
static pid_t find_worker(void)
{
    char path[300], line[400] = "";
    DIR *d = opendir("/proc");
    struct dirent *one;
    pid_t found = 0;
    assert_non_null(d);
    while (!found && (one = readdir(d))) {
        int pid = atoi(one->d_name), parent = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *f = pid > 0 ? fopen(path, "r") : NULL;
        if (!f)
            continue;

        if (fgets(line, sizeof line, f) && strstr(line, "(lunagrad-lua)") &&
            sscanf(strrchr(line, ')') + 1, " %*c %d", &parent) == 1 && parent == getpid())
            found = pid;

        fclose(f);
    }
    closedir(d);
    return found;
}

static void test_results(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 2);
    lg_stats stats = {.size = sizeof stats};
    lg_var *call = NULL;
    const char *source = "function f(a, b) return a .. b.x end";
    lg_var *v = run(s, "print 'hi' return 1 + 1, { 'a' }");
    assert_string_equal(lg_op_name(lg_var_op(v)), "sandbox");
    lg_engine_stats(e, &stats);
    assert_int_equal(stats.sandboxed, 1);
    expect(e, v, "{\"ok\":true,\"values\":[2,[\"a\"]],\"output\":\"hi\\n\"");
    assert_int_equal(
        lg_sandbox_run(s, "mine", source, strlen(source), "f", "[1,{\"x\":\"\\u00e4\"}]", &call),
        0);
    expect(e, call, "\"values\":[\"1ä\"]");
    expect(e, run(s, "x = = 1"), "\"kind\":\"syntax\"");
    expect(e, run(s, "return nil + 1"), "\"line\":1");
    lg_engine_stats(e, &stats);
    assert_int_equal(stats.sandboxed, 0);
    lg_sandbox_free(s);
    lg_engine_free(e);
}

static void test_misuse(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = NULL;
    lg_var *v = NULL;
    lg_sandbox_config c;
    lg_sandbox_config_init(&c);
    c.memory = 1;
    assert_int_equal(lg_sandbox_new(e, &c, &s), LG_EINVAL);
    assert_string_equal(lg_engine_errfield(e), "memory");
    assert_null(s);
    c.size = 0;
    assert_int_equal(lg_sandbox_new(e, &c, &s), LG_EINVAL);
    assert_int_equal(lg_sandbox_new(e, NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_sandbox_new(e, NULL, &s), 0);
    assert_int_equal(lg_sandbox_run(s, "\xff", "", 0, NULL, NULL, &v), LG_EUTF8);
    assert_int_equal(lg_sandbox_run(s, NULL, "", 0, "f", "{}", &v), LG_EPARSE);
    assert_int_equal(lg_sandbox_run(s, NULL, "", 0, "f", "[", &v), LG_EPARSE);
    assert_int_equal(lg_sandbox_run(s, NULL, NULL, 1, NULL, NULL, &v), LG_EINVAL);
    assert_int_equal(lg_sandbox_run(s, NULL, "", (size_t)9 << 20, NULL, NULL, &v), LG_ELIMIT);
    assert_int_equal(lg_sandbox_run(s, NULL, "", 0, NULL, NULL, NULL), LG_EINVAL);
    assert_int_equal(lg_sandbox_run(NULL, NULL, "", 0, NULL, NULL, &v), LG_EINVAL);
    lg_engine_free(e); /* the sandbox with it */
}

/* A worker that dies costs what it ran; the others do not notice. */
static void test_a_killed_worker_is_replaced(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 1);
    expect(e, run(s, "return 1"), "\"ok\":true");
    lg_var *hangs = run(s, "return ('a'):rep(40):find(('a*'):rep(25) .. 'b')");
    lg_var *waits = run(s, "return 'after'");
    for (int i = 0; i < 3; i++)
        assert_int_equal(lg_engine_step(e, 0), 0);

    pid_t worker = find_worker();
    assert_true(worker > 0);
    assert_int_equal(kill(worker, SIGSEGV), 0);
    expect(e, hangs, "\"kind\":\"crash\"");
    expect(e, waits, "after");
    lg_engine_free(e);
}

static void test_cancelled(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 1);
    lg_var *hangs = run(s, "return ('a'):rep(40):find(('a*'):rep(25) .. 'b')");
    lg_var *waits = run(s, "return 2");
    lg_var *after = run(s, "return 3");
    assert_int_equal(lg_engine_step(e, 0), 0);
    lg_var_cancel(hangs);
    lg_var_cancel(waits);
    expect(e, after, "\"values\":[3]");
    assert_int_equal(lg_var_state(waits), LG_CANCELLED);
    lg_sandbox_free(s);
    lg_var_unref(hangs);
    lg_var_unref(waits);
    lg_engine_free(e);
}

/* A large source needs many writes, a large result many reads. */
static void test_large(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 1);
    size_t n = (size_t)4 << 20;
    char *source = test_malloc(n + 1);
    memset(source, ' ', n);
    memcpy(source + n - 40, "return ('y'):rep(900000)", 24);
    source[n] = '\0';
    lg_var *v = run(s, source);
    const char *text = result(e, v);
    assert_non_null(text);
    assert_true(strlen(text) > 900000);
    lg_var_unref(v);
    test_free(source);
    lg_engine_free(e);
}

static void test_freed_while_they_run(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 2);
    for (int i = 0; i < 5; i++)
        lg_var_unref(run(s, "while true do end"));

    lg_sandbox_free(s);
    assert_int_equal(lg_engine_step(e, 0), 0);
    lg_engine_free(e);
    assert_int_equal(find_worker(), 0);
}

/* A worker that is killed has its candidate until it is reaped; the pool may end before. */
static void test_freed_before_it_is_reaped(void **state)
{
    (void)state;
    support_heap heap = {0};
    lg_mem m;
    lg_loop *loop;
    lg_pool *p;
    lg_box *b;
    lg_candidate *j;
    const lg_box_limits limits = {
        .memory = 1 << 20, .instructions = 1000, .output = 100, .timeout_ms = 1000, .workers = 1};
    const lg_candidate_request r = {.name = "x", .source = "return 1", .source_len = 8};
    support_mem_init(&m, &heap);
    assert_int_equal(lg__loop_new(&m, &loop), 0);
    assert_int_equal(lg__pool_new(&m, loop, &p), 0);
    assert_int_equal(lg__box_new(p, &limits, &b), 0);
    assert_int_equal(lg__candidate_start(b, &r, NULL, &j), 0);
    lg__pool_give(p);
    assert_non_null(j->worker);
    lg__worker_end(j->worker);
    assert_non_null(j->worker);
    lg__pool_free(p);
    lg__loop_free(loop);
    assert_int_equal(heap.live_blocks, 0);
    assert_int_equal(find_worker(), 0);
}

/* The child of a fork has no workers, and leaves its parent's alone. */
static void test_after_a_fork(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD(); /* it stays behind: only exec() may follow */
    lg_engine *e = support_engine_new(NULL);
    lg_sandbox *s = sandbox(e, 1);
    expect(e, run(s, "return 1"), "\"ok\":true");
    pid_t worker = find_worker();
    pid_t child = fork();
    if (child == 0) {
        lg_var *v = NULL;
        int err = lg_sandbox_run(s, NULL, "return 1", 8, NULL, NULL, &v);
        err = err ? err : lg_engine_step(e, 0);
        lg_failure f = {.code = 0};
        _exit(!err && lg_var_error(v, &f) && f.code == LG_ESTATE ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect(e, run(s, "return 2"), "[2]");
    assert_int_equal(find_worker(), worker);
    lg_engine_free(e);
}

static int short_of_memory(support_heap *h, void *ctx)
{
    (void)ctx;
    lg_engine *e = NULL;
    lg_sandbox *s = NULL;
    lg_var *v = NULL;
    lg_config cfg;
    support_config(&cfg, h);
    int err = lg_engine_new(&cfg, &e);
    err = err ? err : lg_sandbox_new(e, NULL, &s);
    err = err ? err : lg_sandbox_run(s, NULL, "return 1", 8, NULL, "[]", &v);
    while (!err && lg_var_state(v) == LG_PENDING)
        err = lg_engine_wait(e, 1000);

    if (!err && lg_var_state(v) == LG_FAILED) {
        lg_failure f;
        assert_true(lg_var_error(v, &f));
        err = f.code;
    }
    lg_var_unref(v);
    lg_engine_free(e);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(short_of_memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_a_killed_worker_is_replaced),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_freed_while_they_run),
        cmocka_unit_test(test_freed_before_it_is_reaped),
        cmocka_unit_test(test_after_a_fork),
        cmocka_unit_test(test_oom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
