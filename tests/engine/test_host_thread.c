/* test_host_thread.c - what a host holds, is told and calls while the engine's thread goes on: what
 * it borrowed, messages of its own failures, wakeups, scripts and programs that it ends. */
#include "../jobs_kit.h"

#include <poll.h>
#include <pthread.h>

#include "../rude.h"
#include "../store_kit.h"
#include "front/front_internal.h"
#include "lg_inside.h"

static lg_engine *open_engine(support_heap *heap)
{
    lg_config cfg;
    lg_engine *e = NULL;
    lg_config_init(&cfg);
    cfg.thread = true;
    cfg.max_attempts = 1;
    support_heap_init(heap);
    cfg.alloc = support_alloc;
    cfg.alloc_ud = heap;
    assert_int_equal(lg_engine_new(&cfg, &e), 0);
    return e;
}

static void close_engine(lg_engine *e, const support_heap *heap)
{
    lg_engine_free(e);
    assert_heap_empty(heap);
}

static bool poll_for(const lg_engine *e, int ms)
{
    struct pollfd p = {.fd = lg_engine_fd(e), .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

/* It may run programs. m: its model; NULL: none */
static lg_script *start(lg_engine *e, const char *source, lg_model *m)
{
    lg_script *s = NULL;
    lg_script_config c;
    lg_script_config_init(&c);
    c.cpu_ms = -1;
    c.allow = LG_ALLOW_COMMANDS;
    assert_int_equal(lg_script_new(e, source, strlen(source), "t", &c, &s), 0);
    if (m)
        assert_int_equal(lg_script_model(s, "default", m), 0);
    assert_int_equal(lg_script_function(s, "ready", NULL, NULL), 0);
    assert_int_equal(lg_script_start(s, NULL), 0);
    return s;
}

enum { TYPES = LG_EVENT_END + 1 };

/* Until an event of this type has come; ids: of each type the last one's. */
static uint64_t hear(lg_engine *e, uint64_t ids[TYPES], int type)
{
    for (int i = 0; i < 500 && !ids[type]; i++) {
        const lg_event *ev;
        lg_engine_wait(e, 20);
        while ((ev = lg_engine_next(e)))
            ids[ev->type] = ev->id;
    }
    return ids[type];
}

/* ---- told ---------------------------------------------------------------------- */

/* What was waited for is not forgotten by a look at the events that falls between. */
static void test_a_wakeup_stays(void **state)
{
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    (void)state;
    lg_engine_wakeup(e);
    assert_null(lg_engine_next(e));
    assert_true(poll_for(e, 0));
    assert_null(lg_engine_next(e));
    assert_false(poll_for(e, 0));
    lg_engine_wakeup(e);
    assert_int_equal(lg_engine_step(e, 0), 0);
    assert_null(lg_engine_next(e));
    assert_false(poll_for(e, 0));
    close_engine(e, &heap);
}

/* Whenever a call falls into the thread's turn, the thread looks at what it has brought. */
static void test_no_call_is_overlooked(void **state)
{
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        lg_var *v, *joined;
        const lg_event *ev;
        assert_int_equal(lg_var_new(e, "x", 1, "x", false, &v), 0);
        assert_int_equal(lg_concat(e, &v, 1, "joined", &joined), 0);
        for (uint64_t n = support_random(&random) % 4000; n > 0; n--)
            __asm__ volatile("");
        assert_int_equal(lg_var_watch(v, 1), 0);
        if (!poll_for(e, 10000))
            fail_msg("the host was never told of call %d", i);
        while ((ev = lg_engine_next(e))) {
        }
        lg_var_unref(joined);
        lg_var_unref(v);
    }
    close_engine(e, &heap);
}

/* ---- messages ------------------------------------------------------------------ */

static void test_messages_of_errands(void **state)
{
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    lg_sandbox *box;
    lg_sandbox_config c;
    lg_var *v;
    (void)state;
    assert_int_equal(lg_var_new(e, "\xff", 1, "x", false, &v), LG_EUTF8);
    assert_int_equal(lg_run_begin(e, "mine", NULL, NULL), LG_ESTATE);
    assert_non_null(strstr(lg_engine_errmsg(e), "no store"));
    assert_null(lg_engine_errfield(e));
    lg_sandbox_config_init(&c);
    c.memory = 1;
    assert_int_equal(lg_sandbox_new(e, &c, &box), LG_EINVAL);
    assert_non_null(strstr(lg_engine_errmsg(e), "64 KiB"));
    assert_string_equal(lg_engine_errfield(e), "memory");
    close_engine(e, &heap);
}

/* What a script runs into is not the host's to hear. */
static void test_messages_of_scripts(void **state)
{
    static const char source[] = "return pcall(lg.var, '\\xff\\xff', 'x')";
    (void)state;
    for (int threaded = 0; threaded < 2; threaded++) {
        uint64_t ids[TYPES] = {0};
        lg_config cfg;
        lg_engine *e = NULL;
        lg_var *v;
        lg_config_init(&cfg);
        cfg.thread = threaded;
        assert_int_equal(lg_engine_new(&cfg, &e), 0);
        lg_script *s = start(e, source, NULL);
        assert_int_equal(lg_var_new(e, "mine\xff", 5, "x", false, &v), LG_EUTF8);
        for (int i = 0; i < 500 && lg_script_state(s) == LG_PENDING; i++)
            lg_engine_wait(e, 20);
        assert_int_equal(lg_script_state(s), LG_READY);
        assert_non_null(strstr(lg_engine_errmsg(e), "byte 5"));
        (void)hear(e, ids, LG_EVENT_END);
        lg_engine_free(e);
    }
}

/* ---- borrowed ------------------------------------------------------------------ */

static void open_threaded(world *w, support_heap *heap, const int *proposals, size_t n)
{
    lg_config cfg;
    support_heap_init(heap);
    support_config(&cfg, heap);
    cfg.virtual_clock = false;
    cfg.thread = true;
    assert_int_equal(try_open(w, &cfg, proposals, n), 0);
}

/* A better one does not take it away. */
static void test_the_best_text_stays(void **state)
{
    static const int edits[] = {4, 6, 8};
    support_heap heap;
    world w;
    lg_job *j;
    lg_job_config c;
    size_t len;
    (void)state;
    open_threaded(&w, &heap, edits, 3);
    config(&w, &c);
    c.metric = "exact";
    assert_int_equal(lg_train(w.e, &c, &j), 0);
    const char *first = lg_job_best(j, 0, &len);
    assert_bytes(first, len, "level 2");
    assert_int_equal(run_job(&w, j), LG_READY);
    assert_string_equal(lg_var_text(w.prompt, NULL), "level 8");
    assert_bytes(first, len, "level 2");
    assert_string_equal(lg_job_best(j, 0, &len), "level 8");
    lg_job_free(j);
    close_world(&w);
    assert_heap_empty(&heap);
}

/* A call of a script's that ends, and takes its questions back. */
static void test_a_question_stays(void **state)
{
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    lg_model_config c;
    lg_model *m;
    const char *role, *text;
    size_t len;
    lg_option option;
    (void)state;
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "mine";
    c.tag = 1;
    c.options = &(lg_option){"max_tokens", "77"};
    c.n_options = 1;
    assert_int_equal(lg_model_new(e, &c, &m), 0);
    lg_script *s = start(e, "local v = lg.model() 'how are you?'\nhost.ready()\nv:cancel()", m);
    uint64_t ids[TYPES] = {0}, id = hear(e, ids, LG_EVENT_CALL);
    uint64_t ready = hear(e, ids, LG_EVENT_FUNCTION);
    assert_int_equal(lg_call_message(e, id, 0, &role, &text, &len), 0);
    assert_int_equal(lg_call_option(e, id, 0, &option), 0);
    assert_int_equal(lg_script_return(s, ready, NULL, 0), 0);
    for (int i = 0; i < 1000 && lg_script_state(s) == LG_PENDING; i++)
        poll(NULL, 0, 10);
    assert_int_equal(lg_script_state(s), LG_READY);
    assert_string_equal(role, "user");
    assert_bytes(text, len, "how are you?");
    assert_string_equal(option.name, "max_tokens");
    assert_string_equal(option.json, "77");
    assert_int_equal(hear(e, ids, LG_EVENT_ABANDON), id);
    assert_int_equal(lg_call_message(e, id, 0, &role, &text, &len), LG_ENOTFOUND);
    lg_script_free(s);
    lg_model_unref(m);
    close_engine(e, &heap);
}

/* Of a pass that the host let go of, and that ends. */
static void test_a_pass_stays(void **state)
{
    static const int none[] = {3};
    support_heap heap;
    world w;
    lg_var *loss, *pass;
    lg_backward b;
    (void)state;
    open_threaded(&w, &heap, none, 1);
    assert_int_equal(lg_loss_score(w.e, w.prompt, "looks", on_query, &w, TAG, &loss), 0);
    lg_backward_init(&b);
    assert_int_equal(lg_backward_start(w.e, loss, &b, &pass), 0);
    lg_var_unref(pass);
    assert_ptr_equal(lg_var_pass(w.prompt), pass);
    for (int i = 0; i < 3000 && lg_var_feedbacks(w.prompt) == 0; i++)
        turn(&w);
    while (lg_var_state(pass) == LG_PENDING)
        turn(&w);
    assert_int_equal(lg_var_state(pass), LG_READY);
    assert_null(lg_var_pass(w.prompt));
    lg_var_unref(loss);
    close_world(&w);
    assert_heap_empty(&heap);
}

/* In line to be asked, or asked, and not answered. */
static bool asks(const world *w, size_t n)
{
    for (int i = 0; i < 3000; i++) {
        lg_stats s = {.size = sizeof s};
        lg_engine_stats(w->e, &s);
        if (n ? s.host_running >= n : s.host_running == 0)
            return true;
        poll(NULL, 0, 2);
    }
    return false;
}

/* … a job's that ends, while many others are asked. */
static void test_a_query_stays(void **state)
{
    enum { MANY = 100 };
    static const int none[] = {3};
    char many[MANY * 40];
    size_t n = 0;
    support_heap heap;
    world w;
    lg_job *first, *second;
    lg_job_config c;
    uint64_t ids[TYPES] = {0};
    lg_query q = {.size = sizeof q};
    (void)state;
    for (int i = 0; i < MANY; i++)
        n += (size_t)sprintf(many + n, "{\"question\":\"%d\"}\n", i);
    open_threaded(&w, &heap, none, 1);
    config(&w, &c);
    c.train = c.val = many;
    c.train_len = c.val_len = n;
    c.batch = MANY;
    c.queries = LG_QUERY_PROGRAM | LG_QUERY_SCORE;
    assert_int_equal(lg_train(w.e, &c, &first), 0);
    assert_int_equal(lg_query_view(w.e, hear(w.e, ids, LG_EVENT_FUNCTION), &q), 0);
    char *before = strdup(q.example);
    assert_true(asks(&w, MANY));
    lg_job_cancel(first);
    assert_true(asks(&w, 0));
    assert_int_equal(lg_train(w.e, &c, &second), 0);
    assert_true(asks(&w, MANY));
    assert_string_equal(q.example, before);
    assert_int_equal(lg_query_view(w.e, ids[LG_EVENT_FUNCTION], &q), LG_ENOTFOUND);
    free(before);
    lg_job_free(first);
    lg_job_free(second);
    close_world(&w);
    assert_heap_empty(&heap);
}

/* ---- ended --------------------------------------------------------------------- */

/* While others run. */
static void test_scripts_come_and_go(void **state)
{
    enum { MANY = 8 };
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    lg_script *all[MANY];
    uint64_t random = 7;
    (void)state;
    for (int i = 0; i < MANY; i++)
        all[i] = start(e, "while true do end", NULL);
    for (int i = 0; i < 1000; i++) {
        lg_script **one = &all[support_random(&random) % MANY];
        lg_script_free(*one);
        *one = start(e, "while true do end", NULL);
    }
    for (int i = 0; i < MANY; i++)
        lg_script_free(all[i]);
    close_engine(e, &heap);
}

/* … with what belongs to the thread: a sandbox, a program that stays. */
static void script_with(const char *source, bool frees)
{
    support_heap heap;
    lg_engine *e = open_engine(&heap);
    uint64_t ids[TYPES] = {0};
    lg_script *s = start(e, source, NULL);
    assert_int_not_equal(hear(e, ids, LG_EVENT_FUNCTION), 0);
    if (frees)
        lg_script_free(s);
    close_engine(e, &heap);
}

static void test_a_script_with_a_sandbox(void **state)
{
    static const char source[] = "local box = lg.sandbox{}\nhost.ready()\nreturn box";
    (void)state;
    script_with(source, true);
    script_with(source, false);
}

static void test_a_script_with_a_program(void **state)
{
    static const char source[] =
        "local cat = lg.command{ 'cat', persistent = true, fields = { 'a' } }\n"
        "cat{ a = 'x' }:text()\nhost.ready()\nreturn cat";
    (void)state;
    for (int i = 0; i < 20; i++)
        script_with(source, i % 2 == 0);
}

/* ---- lines --------------------------------------------------------------------- */

static void count_line(void *ud, int level, const char *msg)
{
    size_t *n = ud;
    (void)level;
    *n += strstr(msg, "pending -> cancelled") != NULL;
}

/* What the end of an engine has to say is told, too. */
static void test_the_last_lines(void **state)
{
    uint64_t ids[TYPES] = {0};
    size_t lines = 0;
    lg_config cfg;
    lg_engine *e = NULL;
    lg_config_init(&cfg);
    cfg.thread = true;
    cfg.log = count_line;
    cfg.log_ud = &lines;
    cfg.log_level = LG_LOG_DEBUG;
    (void)state;
    assert_int_equal(lg_engine_new(&cfg, &e), 0);
    start(e, "host.ready()", NULL);
    assert_int_not_equal(hear(e, ids, LG_EVENT_FUNCTION), 0);
    assert_int_equal(lines, 0);
    lg_engine_free(e);
    assert_int_not_equal(lines, 0);
}

/* ---- calls --------------------------------------------------------------------- */

/* One that was cancelled while libcurl was being loaded never leaves. */
static void test_cancelled_while_loading(void **state)
{
    char url[160];
    support_heap heap;
    lg_model_config c;
    lg_model *m;
    lg_call call;
    lg_var *q, *v;
    bool seen = false;
    rude *server = rude_start();
    lg_engine *e = open_engine(&heap);
    (void)state;
    lg_model_config_init(&c);
    c.dialect = "openai";
    c.name = "x/m";
    c.model = "m";
    c.base_url = rude_url(server, "ok/v1", url, sizeof url);
    assert_int_equal(lg_model_new(e, &c, &m), 0);
    assert_int_equal(lg_var_new(e, "q", 1, "question", false, &q), 0);
    lg_call_init(&call);
    call.messages = &(lg_message){"user", q};
    call.n_messages = 1;
    assert_int_equal(lg_call_model(e, m, &call, &v), 0);
    while (!seen && lg_var_state(v) == LG_PENDING) {
        lg_stats s = {.size = sizeof s};
        LG_GUARD(e->door);
        lg_engine_stats(e, &s);
        seen = s.in_flight == 1 && !e->http; /* it is outside, and loads */
        if (seen) {
            assert_int_equal(lg_var_cancel(v), 0);
            assert_null(lg_engine_next(e));
        }
    }
    if (seen) {
        lg_var *other;
        call.sample = 1;
        assert_int_equal(lg_call_model(e, m, &call, &other), 0);
        while (lg_var_state(other) == LG_PENDING)
            lg_engine_wait(e, 20);
        assert_int_equal(rude_posts(server), 1); /* of the other */
        lg_var_unref(other);
    }
    lg_var_unref(v);
    lg_var_unref(q);
    lg_model_unref(m);
    close_engine(e, &heap);
    rude_stop(server);
    if (!seen)
        skip();
}

/* ---- the store ----------------------------------------------------------------- */

static void open_stored(kit *k, lg_engine **e)
{
    lg_config cfg;
    kit_setup(k);
    lg_config_init(&cfg);
    cfg.thread = true;
    cfg.store_dir = k->dir;
    assert_int_equal(lg_engine_new(&cfg, e), 0);
}

static void stored(lg_engine *e, const char *sql, const char *wanted)
{
    lg_cell cell;
    lg_book *b = lg__book_of(e);
    assert_int_equal(lg_run_end(e, "done"), 0);
    assert_int_equal(lg__book_query(b, sql, NULL, 0), 0);
    assert_int_equal(lg__book_next(b), 1);
    lg__book_cell(b, 0, &cell);
    assert_bytes(cell.s, cell.len, wanted);
    assert_int_equal(lg__book_next(b), 0);
}

/* It is the thread's alone: what a host's answer decides, the thread writes down. */
static void test_a_host_decides(void **state)
{
    kit k;
    uint64_t ids[TYPES] = {0};
    lg_engine *e;
    lg_model_config c;
    lg_model *second, *first;
    lg_call call;
    lg_var *q, *v;
    (void)state;
    open_stored(&k, &e);
    assert_int_equal(lg_run_begin(e, "r", NULL, NULL), 0);
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "second";
    assert_int_equal(lg_model_new(e, &c, &second), 0);
    c.name = "first";
    c.fallbacks = &second;
    c.n_fallbacks = 1;
    assert_int_equal(lg_model_new(e, &c, &first), 0);
    assert_int_equal(lg_var_new(e, "q", 1, "question", false, &q), 0);
    lg_call_init(&call);
    call.messages = &(lg_message){"user", q};
    call.n_messages = 1;
    assert_int_equal(lg_call_model(e, first, &call, &v), 0);
    uint64_t id = hear(e, ids, LG_EVENT_CALL);
    lg__door_enter(e->door);
    int err = lg_call_fail(e, id, LG_ETOOL, false, "not today");
    size_t queued = lg__store_queued(e->store);
    lg__door_leave(e->door);
    assert_int_equal(err, 0);
    assert_int_equal(queued, 0);
    ids[LG_EVENT_CALL] = 0;
    id = hear(e, ids, LG_EVENT_CALL);
    assert_int_equal(lg_call_reply(e, id, "yes", 3, NULL, NULL), 0);
    while (lg_var_state(v) == LG_PENDING)
        lg_engine_wait(e, 20);
    assert_int_equal(lg_var_state(v), LG_READY);
    stored(e, "SELECT text FROM tool_result WHERE name='fallback'", "1");
    lg_var_unref(v);
    lg_var_unref(q);
    lg_engine_free(e);
    kit_end(&k);
}

/* A version is that of when it was run, whatever the host says before it is written. */
static void test_a_version_is_set_meanwhile(void **state)
{
    kit k;
    uint64_t ids[TYPES] = {0};
    lg_engine *e;
    lg_tool *t;
    lg_var *v;
    (void)state;
    open_stored(&k, &e);
    assert_int_equal(lg_run_begin(e, "r", NULL, NULL), 0);
    assert_int_equal(lg_tool_new(e, "t", "a tool", false, 1, &t), 0);
    assert_int_equal(lg_tool_cache(t, "1"), 0);
    assert_int_equal(lg_tool_call(e, t, NULL, NULL, 0, "out", &v), 0);
    uint64_t id = hear(e, ids, LG_EVENT_TOOL);
    lg__door_enter(e->door);
    int err = lg_tool_return(e, id, "done", 4, NULL, 0);
    err = err ? err : lg_tool_cache(t, "2");
    lg__door_leave(e->door);
    assert_int_equal(err, 0);
    stored(e, "SELECT version FROM tool_result WHERE name='t'", "1");
    assert_int_equal(lg_var_state(v), LG_READY);
    lg_var_unref(v);
    lg_tool_unref(t);
    lg_engine_free(e);
    kit_end(&k);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_cancelled_while_loading),
    cmocka_unit_test(test_a_wakeup_stays),
    cmocka_unit_test(test_no_call_is_overlooked),
    cmocka_unit_test(test_messages_of_errands),
    cmocka_unit_test(test_messages_of_scripts),
    cmocka_unit_test(test_the_best_text_stays),
    cmocka_unit_test(test_a_question_stays),
    cmocka_unit_test(test_a_query_stays),
    cmocka_unit_test(test_a_pass_stays),
    cmocka_unit_test(test_scripts_come_and_go),
    cmocka_unit_test(test_a_script_with_a_sandbox),
    cmocka_unit_test(test_a_script_with_a_program),
    cmocka_unit_test(test_the_last_lines),
    cmocka_unit_test(test_a_host_decides),
    cmocka_unit_test(test_a_version_is_set_meanwhile),
};
LG_TEST_MAIN(tests)
