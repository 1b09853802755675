/* test_process.c - programs that answer: good, slow, loud, crashing, deaf, absent.
 *
 * The programs are lines for sh; nothing is installed for them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "../attempts.h"
#include "child/process.h"
#include "child/process_internal.h"
#include "../support.h"

typedef struct fixture {
    support_heap heap;
    lg_mem mem;
    lg_loop *loop;
    lg_processes *ps;
    size_t most; /* bytes of a reply */
} fixture;

static int begin(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    f.most = 1 << 20;
    support_mem_init(&f.mem, &f.heap);
    assert_int_equal(lg__loop_new(&f.mem, &f.loop), 0);
    assert_int_equal(lg__processes_new(&f.mem, f.loop, &f.ps), 0);
    *state = &f;
    return 0;
}

static void assert_no_children(void)
{
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int end(void **state)
{
    fixture *f = *state;
    lg__processes_free(f->ps);
    attempts_drop(&f->mem);
    lg__loop_free(f->loop);
    assert_heap_empty(&f->heap);
    assert_no_children();
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static lg_process_request request(const char *command)
{
    return (lg_process_request){command, "question\n", 9, 20000};
}

static lg_process *start(fixture *f, const lg_process_request *r)
{
    lg_process *p = NULL;
    assert_int_equal(lg__process_start(f->ps, r, attempt_make(&f->mem, f->most, f), &p), 0);
    assert_non_null(p);
    return p;
}

static lg_attempt wait_done(fixture *f)
{
    lg_attempt d;
    int64_t until = now_ms() + 30000;
    while (!attempt_take(lg__process_next(f->ps), &d)) {
        assert_true(now_ms() < until);
        lg__loop_run(f->loop, 500);
    }
    assert_ptr_equal(d.load, f);
    assert_int_equal(lg__processes_active(f->ps), 0);
    return d;
}

static lg_attempt run(fixture *f, const lg_process_request *r)
{
    start(f, r);
    return wait_done(f);
}

/* It must go well and say this. */
static void says(fixture *f, const char *command, const char *what)
{
    lg_process_request r = request(command);
    lg_attempt d = run(f, &r);
    if (d.fail.code)
        fail_msg("%s: %s", command, lg__fail_message(&d.fail));
    assert_int_equal(d.status, 200);
    assert_true(d.sent);
    assert_string_equal(d.content_type, "text/plain");
    assert_bytes(d.body.data, d.body.len, what);
    lg__attempt_free(&d);
}

static void fails_by(fixture *f, const lg_process_request *r, int code, bool ran, bool again,
                     const char *message)
{
    lg_attempt d = run(f, r);
    assert_int_equal(d.fail.code, code);
    if (!strstr(lg__fail_message(&d.fail), message))
        fail_msg("%s: \"%s\" has no \"%s\"", r->command, lg__fail_message(&d.fail), message);
    assert_null(strchr(lg__fail_message(&d.fail), '\n'));
    assert_int_equal(d.sent, ran);
    assert_int_equal(d.fail.retryable, again);
    assert_int_equal(d.status, 0);
    lg__attempt_free(&d);
}

static void fails(fixture *f, const char *command, int code, bool ran, const char *message)
{
    lg_process_request r = request(command);
    fails_by(f, &r, code, ran, false, message);
}

/* ---- good ones ------------------------------------------------------------- */

static void test_reads_and_answers(void **state)
{
    says(*state, "cat", "question\n");
    says(*state, "sh -c 'cat /dev/stdin; echo \"$1\" >&2; echo $#' x 'a b' \"\" c\\ d",
         "question\n3\n");
    says(*state, "true", "");
    says(*state, "sh -c 'echo early; exec >&-; sleep 0.05'", "early\n");
}

static void test_much_in_and_out(void **state)
{
    fixture *f = *state;
    size_t n = 3000000;
    char *much = malloc(n);
    assert_non_null(much);
    for (size_t i = 0; i < n; i++)
        much[i] = (char)('a' + i % 26);
    lg_process_request r = {"cat", much, n, 20000};
    f->most = 4 << 20;
    lg_attempt d = run(f, &r);
    assert_int_equal(d.fail.code, 0);
    assert_int_equal(d.body.len, n);
    assert_memory_equal(d.body.data, much, n);
    lg__attempt_free(&d);
    r.command = "echo deaf"; /* it reads nothing of it */
    d = run(f, &r);
    assert_int_equal(d.fail.code, 0);
    assert_bytes(d.body.data, d.body.len, "deaf\n");
    lg__attempt_free(&d);
    free(much);
}

/* A loud stderr neither blocks it nor is kept. */
static void test_loud(void **state)
{
    says(*state, "sh -c 'head -c 5000000 /dev/zero >&2; echo good'", "good\n");
}

/* What it leaves behind holds its stdout open; that keeps nobody waiting. */
static void test_background_child(void **state)
{
    int64_t since = now_ms();
    says(*state, "sh -c 'sleep 10 & echo mine'", "mine\n");
    assert_true(now_ms() - since < 8000);
}

static void test_many_at_once(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        lg_process_request r = request("sh -c 'read x; echo $x; sleep 0.05'");
        start(f, &r);
    }
    assert_int_equal(lg__processes_active(f->ps), 40);
    for (int i = 0; i < 40; i++) {
        lg_attempt d;
        int64_t until = now_ms() + 30000;
        while (!attempt_take(lg__process_next(f->ps), &d)) {
            assert_true(now_ms() < until);
            lg__loop_run(f->loop, 500);
        }
        assert_int_equal(d.fail.code, 0);
        assert_bytes(d.body.data, d.body.len, "question\n");
        lg__attempt_free(&d);
    }
    assert_int_equal(lg__processes_active(f->ps), 0);
}

/* Three descriptors, and default signals with none blocked, whatever the host does. */
static void test_clean_start(void **state)
{
    sigset_t some, old;
    int leak = open("/dev/null", O_RDONLY); /* no close-on-exec */
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigaddset(&some, SIGUSR1);
    sigprocmask(SIG_BLOCK, &some, &old);
    says(*state, "sh -c 'exec ls /proc/self/fd'", "0\n1\n2\n3\n"); /* 3: ls reads the folder */
    says(*state, "grep ^SigBlk /proc/self/status", "SigBlk:\t0000000000000000\n");
    fails(*state, "sh -c 'kill -PIPE $$'", LG_EOVERLOAD, true, "signal 13"); /* ignored by us */
    sigprocmask(SIG_SETMASK, &old, NULL);
    close(leak);
}

/* ---- bad ones -------------------------------------------------------------- */

static void test_bad_ends(void **state)
{
    fixture *f = *state;
    fails(f, "false", LG_EOVERLOAD, true,
          "the program ended with exit code 1 and wrote nothing to stderr");
    fails(f, "sh -c 'echo first >&2; printf \"Oh: \\t no\\n\\n\" >&2; echo half; exit 3'",
          LG_EOVERLOAD, true, "ended with exit code 3; the last line of its stderr: Oh:   no");
    fails(f, "sh -c 'kill -SEGV $$'", LG_EOVERLOAD, true, "was ended by signal 11");
    fails(f, "sh -c 'head -c 100000 /dev/zero | tr \"\\\\0\" x >&2; exit 1'", LG_EOVERLOAD, true,
          "stderr: xxxxxx");
    lg_process_request r = request("sh -c 'exit 75'"); /* EX_TEMPFAIL */
    fails_by(f, &r, LG_EOVERLOAD, true, true, "exit code 75");
}

/* Under valgrind the child of posix_spawn cannot tell its parent that exec failed. */
static bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

static void test_cannot_start(void **state)
{
    fixture *f = *state;
    if (under_valgrind())
        skip();

    fails(f, "./no/such/program x", LG_ENOMODEL, false, "no program ./no/such/program");
    fails(f, "no-such-program-anywhere", LG_ENOMODEL, false, "no program no-such-program-anywhere");
    fails(f, "./Makefile", LG_ENOMODEL, false, "./Makefile cannot be run");
    fails(f, "/", LG_ENOMODEL, false, "/ cannot be run");
    fails(f, "sh 'oh", LG_ENOMODEL, false, "a quote has no end");
    fails(f, "   ", LG_ENOMODEL, false, "no program is named");
}

/* Takes all descriptors that are left below a low limit; gives them back. */
static void take_descriptors(struct rlimit *before, int *taken, size_t *n)
{
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
    struct rlimit low = {64, before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (*n = 0; *n < 64; (*n)++) {
        taken[*n] = fcntl(0, F_DUPFD_CLOEXEC, 0);
        if (taken[*n] < 0)
            break;
    }
    assert_int_equal(errno, EMFILE);
}

static void give_descriptors(const struct rlimit *before, const int *taken, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(taken[i]);

    assert_int_equal(setrlimit(RLIMIT_NOFILE, before), 0);
}

/* It may go by: the call is tried again, and no other program is at fault. */
static void test_no_descriptor_left_may_be_tried_again(void **state)
{
    fixture *f = *state;
    struct rlimit before;
    int taken[64];
    size_t n;
    lg_process_request r = request("cat");
    take_descriptors(&before, taken, &n);
    lg_process *p = NULL;
    int err = lg__process_start(f->ps, &r, attempt_make(&f->mem, f->most, f), &p);
    give_descriptors(&before, taken, n);
    assert_int_equal(err, 0);
    lg_attempt d = wait_done(f);
    assert_int_equal(d.fail.code, LG_EIO);
    assert_true(d.fail.retryable);
    assert_false(d.sent);
    assert_non_null(d.fail.hint);
    lg__attempt_free(&d);
    says(f, "cat", "question\n");
}

static void test_output_too_big(void **state)
{
    fixture *f = *state;
    lg_process_request r = request("yes");
    int64_t since = now_ms();
    f->most = 100000;
    fails_by(f, &r, LG_ETOOBIG, true, false, "wrote more than 100000 bytes");
    r.command = "sh -c 'echo more than ten bytes'"; /* ended before it was seen */
    f->most = 10;
    fails_by(f, &r, LG_ETOOBIG, true, false, "wrote more than 10 bytes");
    assert_true(now_ms() - since < 15000);
}

/* Its whole group ends, and one that will not is made to. */
static void test_timeout(void **state)
{
    lg_process_request r = request("sh -c 'sleep 30; echo late'");
    int64_t since = now_ms();
    r.timeout_ms = 60;
    fails_by(*state, &r, LG_ETIMEOUT, true, false, "did not end within 0.06 s");
    assert_true(now_ms() - since < 10000);
    r.command = "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done'";
    r.timeout_ms = 200;
    fails_by(*state, &r, LG_ETIMEOUT, true, false, "did not end within 0.2 s");
    assert_true(now_ms() - since >= 1000);
}

static bool gone(const char *file, int ms)
{
    char text[32] = "";
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    assert_non_null(fgets(text, sizeof text, in));
    fclose(in);
    for (int i = 0; i < ms / 5; i++) {
        if (kill((pid_t)atoi(text), 0) != 0)
            return true;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return false;
}

static void wait_file(fixture *f, const char *name)
{
    struct stat st;
    for (int i = 0; stat(name, &st) != 0 || st.st_size < 2; i++) {
        assert_true(i < 2000);
        lg__loop_run(f->loop, 5);
    }
}

static void test_cancel(void **state)
{
    fixture *f = *state;
    char dir[] = "/tmp/lunagrad-process-XXXXXX", file[64], command[256];
    lg_attempt d;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/pid", dir);
    snprintf(command, sizeof command, "sh -c 'sleep 60 & echo $! >%s; wait'", file);
    lg_process_request r = request(command);
    lg_process *p = start(f, &r);
    wait_file(f, file);
    lg__process_cancel(p);
    assert_int_equal(lg__processes_active(f->ps), 0);
    assert_true(gone(file, 5000)); /* what it had started, too */
    for (int i = 0; i < 100; i++)
        lg__loop_run(f->loop, 1);
    assert_false(attempt_take(lg__process_next(f->ps), &d));
    assert_no_children();
    r.command = "no-such-program-anywhere"; /* one that is ready, and not yet fetched */
    lg__process_cancel(start(f, &r));
    assert_false(attempt_take(lg__process_next(f->ps), &d));
    unlink(file);
    rmdir(dir);
}

/* The end of all: they are gone when free returns, after a moment. */
static void test_free_ends_all(void **state)
{
    fixture *f = *state;
    int64_t since = now_ms();
    lg_process_request r = request("sleep 60");
    start(f, &r);
    lg__process_cancel(start(f, &r));
    r.command = "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'";
    start(f, &r);
    r.command = "true";
    start(f, &r);
    lg__loop_run(f->loop, 50);
    lg__processes_free(f->ps);
    f->ps = NULL;
    assert_no_children();
    assert_true(now_ms() - since < 10000);
}

static void test_host_that_ignores_children(void **state)
{
    lg_process_request r = request("echo good");
    void (*old)(int) = signal(SIGCHLD, SIG_IGN);
    fails_by(*state, &r, LG_EIO, true, false, "how the program ended is not known");
    signal(SIGCHLD, old);
}

/* Standard descriptors that the host has closed come up again as a pipe's. */
static void test_closed_standard_descriptors(void **state)
{
    int in = dup(0), out = dup(1);
    close(0);
    close(1);
    lg_process_request r = request("cat");
    lg_attempt d = run(*state, &r);
    dup2(in, 0);
    dup2(out, 1);
    close(in);
    close(out);
    assert_int_equal(d.fail.code, 0);
    assert_bytes(d.body.data, d.body.len, "question\n");
    lg__attempt_free(&d);
}

/* ---- words ----------------------------------------------------------------- */

static void test_words(void **state)
{
    static const char *const cases[][5] = {
        {"a", "a"},
        {" a  b\tc ", "a", "b", "c"},
        {"a 'b c' \"d e\"", "a", "b c", "d e"},
        {"a\\ b 'c\\d' \"e\\\"f\"", "a b", "c\\d", "e\"f"},
        {"x'y'\"z\" ''", "xyz", ""},
        {"$HOME;|&>*", "$HOME;|&>*"},
        {"a \\", "a", "\\"},
    };
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char **argv;
        size_t size, n = 0;
        assert_int_equal(lg__child_words(&f->mem, cases[i][0], &argv, &size), 0);
        for (; argv[n]; n++)
            assert_string_equal(argv[n], cases[i][n + 1]);
        assert_null(cases[i][n + 1]);
        lg__mem_free(&f->mem, argv, size);
    }
}

/* ---- memory ---------------------------------------------------------------- */

static size_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int oom_processes(support_heap *h, void *ctx)
{
    const char *const commands[] = {"cat", "./no/such", "sh -c 'exit 2'"};
    fixture f = {.ps = NULL};
    size_t descriptors = open_descriptors();
    int err, n = 0;
    (void)ctx;
    support_mem_on(&f.mem, h);
    err = lg__loop_new(&f.mem, &f.loop);
    if (!err)
        err = lg__processes_new(&f.mem, f.loop, &f.ps);
    for (int i = 0; f.ps && i < 3; i++) {
        lg_process_request r = request(commands[i]);
        lg_process *p;
        int failed = lg__process_start(f.ps, &r, attempt_make(&f.mem, 1 << 20, &f), &p);
        err = err ? err : failed;
        n += !failed;
    }
    for (int i = 0; i < n; i++) {
        lg_attempt d;
        while (!attempt_take(lg__process_next(f.ps), &d))
            lg__loop_run(f.loop, 500);
        if (d.fail.code == LG_ENOMEM)
            err = LG_ENOMEM;
        lg__attempt_free(&d);
    }
    lg__processes_free(f.ps);
    attempts_drop(&f.mem);
    if (f.loop)
        lg__loop_free(f.loop);
    assert_int_equal(open_descriptors(), descriptors);
    assert_no_children();
    return err;
}

static void test_oom_processes(void **state)
{
    (void)state;
    fixture f = {.ps = NULL};
    support_mem_init(&f.mem, &f.heap);
    assert_int_equal(lg__loop_new(&f.mem, &f.loop), 0);
    lg__loop_free(f.loop); /* the first one opens what all of them share */
    oom_sweep(oom_processes, NULL);
}

/* ---- through the engine ---------------------------------------------------- */

static lg_model *exec_model(lg_engine *e, const char *command, int *err)
{
    lg_model_config c;
    lg_model *m = NULL;
    lg_model_config_init(&c);
    c.dialect = "exec";
    c.name = "exec/test";
    c.model = command;
    c.concurrency = 4;
    *err = lg_model_new(e, &c, &m);
    return m;
}

static lg_var *call(lg_engine *e, lg_model *m, const char *text, int *err)
{
    lg_var *v = NULL, *q = NULL;
    *err = lg_var_new(e, text, strlen(text), "question", false, &q);
    if (!*err) {
        lg_message said = {"user", q};
        lg_call c;
        lg_call_init(&c);
        c.messages = &said;
        c.n_messages = 1;
        *err = lg_call_model(e, m, &c, &v);
    }
    lg_var_unref(q);
    return v;
}

static int oom_engine(support_heap *h, void *ctx)
{
    lg_config cfg;
    lg_engine *e;
    lg_var *v = NULL, *w = NULL;
    int err;
    (void)ctx;
    support_config(&cfg, h);
    err = lg_engine_new(&cfg, &e);
    if (err)
        return err;
    lg_model *m = exec_model(e, "sh -c 'cat >/dev/null; echo fine'", &err);
    if (m) {
        v = call(e, m, "one", &err);
        int second = 0;
        w = call(e, m, "two", &second);
        err = err ? err : second;
    }
    if (w)
        lg_var_cancel(w);
    while (v && lg_var_state(v) == LG_PENDING)
        lg_engine_wait(e, 1000);
    if (v && lg_var_state(v) == LG_READY)
        assert_string_equal(lg_var_text(v, NULL), "fine");
    else
        err = LG_ENOMEM;
    lg_var_unref(v);
    lg_var_unref(w);
    lg_model_unref(m);
    lg_engine_free(e);
    assert_no_children();
    return err;
}

static void test_oom_engine(void **state)
{
    (void)state;
    oom_sweep(oom_engine, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(test_reads_and_answers),
        T(test_much_in_and_out),
        T(test_loud),
        T(test_background_child),
        T(test_many_at_once),
        T(test_clean_start),
        T(test_bad_ends),
        T(test_cannot_start),
        T(test_no_descriptor_left_may_be_tried_again),
        T(test_output_too_big),
        T(test_timeout),
        T(test_cancel),
        T(test_free_ends_all),
        T(test_host_that_ignores_children),
        T(test_closed_standard_descriptors),
        T(test_words),
        cmocka_unit_test(test_oom_processes),
        cmocka_unit_test(test_oom_engine),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
