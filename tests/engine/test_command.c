/* test_command.c - the life of programs that are tools: in line, running, collected, cancelled;
 * each allocation failing once; a host that goes on without them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "child/command.h"
#include "child/contain.h"
#include "../support.h"

typedef struct fixture {
    support_heap heap;
    lg_mem mem;
    lg_loop *loop;
    lg_commands *cs;
    char tmp[64]; /* where its scratches are */
} fixture;

static int begin(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    support_mem_init(&f.mem, &f.heap);
    strcpy(f.tmp, "/tmp/lunagrad-test-XXXXXX");
    assert_non_null(mkdtemp(f.tmp));
    chmod(f.tmp, 0755);
    assert_int_equal(lg__loop_new(&f.mem, &f.loop), 0);
    assert_int_equal(lg__commands_new(&f.mem, f.loop, &f.cs), 0);
    *state = &f;
    return 0;
}

static int end(void **state)
{
    fixture *f = *state;
    lg__commands_free(f->cs);
    lg__loop_free(f->loop);
    assert_heap_empty(&f->heap);
    assert_int_equal(rmdir(f->tmp), 0); /* nothing is left in it */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    return 0;
}

static const char *const readable[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", NULL};
static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};

static bool contains(void)
{
    lg_kernel k;
    lg__kernel_look(&k, 0);
    return !lg__kernel_problem(&k);
}

/* argv holds its words as long as the spec lives */
static lg_command_spec spec_of(const fixture *f, const char *text, const char *argv[4])
{
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = text;
    argv[3] = NULL;
    return (lg_command_spec){.program = "/bin/sh",
                             .argv = argv,
                             .env = env,
                             .readable = readable,
                             .tmp = f->tmp,
                             .time_ms = 20000,
                             .output = 1 << 20};
}

static lg_command *start(fixture *f, const lg_command_spec *s)
{
    lg_command *c = NULL;
    assert_int_equal(lg__commands_start(f->cs, s, f, &c), 0);
    return c;
}

static lg_command *next(fixture *f)
{
    lg_command *c;
    for (int i = 0; !(c = lg__commands_next(f->cs)); i++) {
        assert_true(i < 100000);
        if (!lg__commands_work(f->cs))
            lg__loop_run(f->loop, 500);
    }
    assert_ptr_equal(lg__command_tag(c), f);
    lg__command_drop(c); /* the other holder has it still */
    return c;
}

static void ends(fixture *f, const char *text, enum lg_command_way way, int code, const char *out)
{
    const char *argv[4];
    lg_command_spec s = spec_of(f, text, argv);
    lg_command_end e;
    s.way = way;
    lg_command *c = start(f, &s);
    assert_int_equal(lg__commands_active(f->cs), 1);
    assert_false(lg__command_read(c, &e));
    assert_ptr_equal(next(f), c);
    assert_int_equal(lg__command_fail(c)->code, 0);
    assert_true(lg__command_read(c, &e));
    assert_int_equal(e.code, code);
    assert_bytes(e.out, e.out_len, out);
    lg__command_drop(c);
    assert_int_equal(lg__commands_active(f->cs), 0);
}

static void test_ends(void **state)
{
    fixture *f = *state;
    for (int way = LG_COMMAND_PLAIN; way <= (contains() ? LG_COMMAND_BOX : LG_COMMAND_PLAIN);
         way++) {
        ends(f, "printf fine", (enum lg_command_way)way, 0, "fine");
        ends(f, "printf bad; exit 3", (enum lg_command_way)way, 3, "bad");
        ends(f, "exec >&- 2>&-; sleep 0.02", (enum lg_command_way)way, 0, "");
    }
}

static void test_files(void **state)
{
    fixture *f = *state;
    const char *argv[4];
    const lg_command_file files[] = {{"in/a", "A\n", 2}, {"b", "", 0}};
    lg_command_spec s = spec_of(f, "cat in/a - > c; mkdir d; echo more >> b", argv);
    lg_command_file file;
    lg_command_end e;
    s.files = files;
    s.n_files = 2;
    s.input = "input";
    s.input_len = 5;
    lg_command *c = start(f, &s);
    next(f);
    assert_true(lg__command_read(c, &e));
    assert_int_equal(e.n_files, 2);
    lg__command_file_at(c, 0, &file);
    assert_string_equal(file.name, "b");
    assert_bytes(file.data, file.len, "more\n");
    lg__command_file_at(c, 1, &file);
    assert_string_equal(file.name, "c");
    assert_bytes(file.data, file.len, "A\ninput");
    lg__command_drop(c);
}

static void test_width(void **state)
{
    fixture *f = *state;
    const char *argv[4];
    lg_command_spec s = spec_of(f, "[ $(ls .. | wc -l) -le 3 ] && sleep 0.02", argv);
    lg_command *all[9];
    lg_command_end e;
    s.width = 2;
    for (int i = 0; i < 9; i++)
        all[i] = start(f, &s);

    for (int i = 0; i < 9; i++)
        next(f);

    for (int i = 0; i < 9; i++) {
        assert_true(lg__command_read(all[i], &e));
        lg__command_drop(all[i]);
    }
}

/* In line, running, and when its end was not yet told. */
static void test_cancel(void **state)
{
    fixture *f = *state;
    const char *argv[4];
    lg_command_spec s = spec_of(f, "trap '' TERM; sleep 60 & sleep 60", argv);
    s.way = contains() ? LG_COMMAND_BOX : LG_COMMAND_PLAIN;
    s.width = 1;
    lg_command *runs = start(f, &s), *waits = start(f, &s);
    lg__commands_work(f->cs);
    lg__command_cancel(waits);
    lg__command_cancel(runs);
    lg__command_cancel(runs);
    lg__command_drop(waits);
    for (int i = 0; lg__commands_active(f->cs) && i < 1000; i++) {
        lg__commands_work(f->cs);
        lg__loop_run(f->loop, 100);
    }
    assert_int_equal(lg__commands_active(f->cs), 0);
    assert_null(lg__commands_next(f->cs));
    lg__command_drop(runs);
}

/* What runs or waits when all is given up, and is still held. */
static void test_given_up(void **state)
{
    fixture *f = *state;
    const char *argv[4];
    lg_command_spec s = spec_of(f, "sleep 60 & sleep 60", argv);
    s.width = 2;
    for (int i = 0; i < 4; i++)
        start(f, &s);

    lg__commands_work(f->cs);
    lg__commands_work(f->cs);
    assert_int_equal(lg__commands_active(f->cs), 4);
}

static void test_no_place(void **state)
{
    fixture *f = *state;
    const char *argv[4];
    lg_command_spec s = spec_of(f, "", argv);
    s.tmp = "/no/such/folder";
    lg_command *c = start(f, &s);
    next(f);
    assert_int_equal(lg__command_fail(c)->code, LG_EPROGRAM);
    assert_non_null(strstr(lg__fail_message(lg__command_fail(c)), "directory"));
    lg__command_drop(c);
}

/* What an engine that was killed has left is removed by the next; what lives is not touched. */
static void test_sweep(void **state)
{
    fixture *f = *state;
    char dead[128], other[128], deep[256];
    snprintf(dead, sizeof dead, "%s/lunagrad-AAAAAA", f->tmp);
    snprintf(other, sizeof other, "%s/other-AAAAAA", f->tmp);
    snprintf(deep, sizeof deep, "%s/1/2/3", dead);
    assert_int_equal(mkdir(dead, 0700) | mkdir(other, 0700), 0);
    for (char *at = deep + strlen(dead) + 1; (at = strchr(at + 1, '/')); *at = '/') {
        *at = '\0';
        mkdir(deep, 0700);
    }
    mkdir(deep, 0);
    for (time_t now = time(NULL); time(NULL) - now < 2;) /* as old as a dead one is */
        usleep(20000);

    ends(f, "printf fine", LG_COMMAND_PLAIN, 0, "fine");
    while (lg__commands_work(f->cs))
        continue;

    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(rmdir(other), 0); /* not ours by its name */
}

/* ---- memory --------------------------------------------------------------------------- */

static size_t open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    while (readdir(d))
        n++;

    closedir(d);
    return n;
}

static int oom_commands(support_heap *h, void *ctx)
{
    static const char *const texts[] = {"cat in; echo x > out; echo y >&2", "exit 2"};
    const lg_command_file file = {"in", "text", 4};
    fixture f = {.cs = NULL};
    lg_command *all[2] = {NULL, NULL}, *c;
    size_t descriptors = open_descriptors();
    (void)ctx;
    support_mem_on(&f.mem, h);
    strcpy(f.tmp, "/tmp");
    int err = lg__loop_new(&f.mem, &f.loop);
    err = err ? err : lg__commands_new(&f.mem, f.loop, &f.cs);
    for (int i = 0; !err && i < 2; i++) {
        const char *argv[4];
        lg_command_spec s = spec_of(&f, texts[i], argv);
        s.way = contains() ? LG_COMMAND_BOX : LG_COMMAND_PLAIN;
        s.files = &file;
        s.n_files = 1;
        err = lg__commands_start(f.cs, &s, &f, &all[i]);
    }
    while (lg__commands_active(f.cs)) {
        if (!lg__commands_work(f.cs))
            lg__loop_run(f.loop, 100);

        while ((c = lg__commands_next(f.cs))) {
            err = err ? err : lg__command_fail(c)->code;
            lg__command_drop(c);
        }
    }
    if (f.cs)
        lg__commands_free(f.cs);

    if (f.loop)
        lg__loop_free(f.loop);

    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    return err ? LG_ENOMEM : 0;
}

static void test_oom_commands(void **state)
{
    (void)state;
    fixture f = {.cs = NULL};
    support_mem_init(&f.mem, &f.heap);
    assert_int_equal(lg__loop_new(&f.mem, &f.loop), 0);
    lg__loop_free(f.loop); /* the first one opens what all of them share */
    oom_sweep(oom_commands, NULL);
}

/* ---- through the engine ------------------------------------------------------------------ */

static void test_engine(void **state)
{
    const fixture *f = *state;
    const char *argv[4];
    lg_command_spec s = spec_of(f, "printf fine", argv);
    lg_config cfg;
    lg_stats stats = {.size = sizeof stats};
    lg_command *c, *d;
    lg_command_end e;
    lg_var *v, *w;
    SUPPORT_NO_THREAD(); /* lg__command_start() is called from inside of the door alone */
    support_config(&cfg, NULL);
    lg_engine *engine = support_engine_new(&cfg);
    assert_int_equal(lg__command_start(engine, &s, "a program", &c, &v), 0);
    s.argv = (const char *[]){"sh", "-c", "sleep 60", NULL};
    assert_int_equal(lg__command_start(engine, &s, "slow", &d, &w), 0);
    assert_int_equal(lg_var_op(v), LG_OP_COMMAND);
    assert_string_equal(lg_op_name(LG_OP_COMMAND), "command");
    lg_engine_stats(engine, &stats);
    assert_int_equal(stats.commands, 2);
    lg_var_cancel(w);
    while (lg_var_state(v) == LG_PENDING)
        lg_engine_wait(engine, 1000);

    assert_int_equal(lg_var_state(v), LG_READY);
    assert_true(lg__command_look(c, &e));
    assert_bytes(e.out, e.out_len, "fine");
    lg__command_close(c);
    lg_var_unref(v);
    lg_var_unref(w); /* d is held, and goes with the engine */
    lg_engine_free(engine);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(test_ends),   T(test_files),    T(test_width),
        T(test_cancel), T(test_given_up), T(test_no_place),
        T(test_sweep),  T(test_engine),   cmocka_unit_test(test_oom_commands),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
