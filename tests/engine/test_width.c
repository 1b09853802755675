/* test_width.c - how many calls at once a server was found to take, from run to run: in the
 * store, whatever stands there. How it is found out is test_sched_start.c's. */
#include "../store_kit.h"

#include "front/front_internal.h"
#include "../rude.h"

enum { MANY = 200, FIRST = 16, CAP = 64 };

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
    lg_var *answers[MANY];
    int asked;
} host;

static void open_engine(host *h, int concurrency)
{
    char url[128];
    lg_config cfg;
    lg_model_config model;
    lg_config_init(&cfg);
    cfg.store_dir = h->k.dir;
    cfg.concurrency = concurrency;
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.api_key = "sk-canary-0";
    model.base_url = rude_url(h->server, "ok/v1", url, sizeof url);
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
}

static void begin(host *h)
{
    kit_setup(&h->k);
    h->server = rude_start();
    assert_non_null(h->server);
    rude_reply(h->server, GOOD("yes"), "application/json", NULL);
}

static void ask(host *h, int n)
{
    for (int i = 0; i < n; i++) {
        char text[32];
        lg_var *q;
        lg_call c;
        snprintf(text, sizeof text, "question %d", h->asked++);
        assert_int_equal(lg_var_new(h->e, text, strlen(text), "question", false, &q), 0);
        lg_message m = {"user", q};
        lg_call_init(&c);
        c.messages = &m;
        c.n_messages = 1;
        assert_int_equal(lg_call_model(h->e, h->m, &c, &h->answers[i]), 0);
        lg_var_unref(q);
    }
}

static int in_flight(const host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return (int)s.in_flight;
}

static bool pending(lg_var *const *answers)
{
    for (int i = 0; i < MANY; i++) {
        if (answers[i] && lg_var_state(answers[i]) == LG_PENDING)
            return true;
    }
    return false;
}

static void finish(host *h)
{
    while (pending(h->answers)) {
        (void)lg_engine_wait(h->e, 50);
        while (lg_engine_next(h->e)) {
        }
    }
    for (int i = 0; i < MANY; i++) {
        assert_true(!h->answers[i] || lg_var_state(h->answers[i]) == LG_READY);
        lg_var_unref(h->answers[i]);
        h->answers[i] = NULL;
    }
}

/* How many are begun at once in a run of its own; all of them are answered. */
static int begun(host *h, int n, int concurrency)
{
    open_engine(h, concurrency);
    ask(h, n);
    assert_int_equal(lg_engine_step(h->e, 0), 0);
    int first = in_flight(h);
    finish(h);
    lg_engine_free(h->e);
    return first;
}

/* The word that stands in the store, or one that is put there. */
static void with_store(host *h, const char *put, char *word, size_t size)
{
    lg_cell cell = {.type = LG_CELL_NULL};
    lg_store_config cfg = {.dir = h->k.dir};
    lg_store *s;
    lg_fail why;
    int64_t changed;
    assert_int_equal(lg__store_open(&h->k.mem, NULL, &cfg, &s, &why), 0);
    lg_cell text = {.type = LG_CELL_TEXT, .s = put, .len = put ? strlen(put) : 0};
    if (put) {
        assert_int_equal(lg__store_maintain(s, "UPDATE tool_result SET text=?1 WHERE name='width'",
                                            &text, 1, &changed),
                         0);
        assert_int_equal(changed, 1);
    }
    assert_int_equal(lg__store_query(s, "SELECT text FROM tool_result WHERE name='width'", NULL, 0),
                     0);
    word[0] = '\0';
    for (int n = 0; lg__store_row(s) == 1; n++) {
        assert_int_equal(n, 0); /* one row, however many runs */
        lg__store_cell(s, 0, &cell);
        snprintf(word, size, "%.*s", (int)cell.len, cell.s);
    }
    lg__store_close(s);
    lg__fail_free(&why);
}

static void end(host *h)
{
    rude_stop(h->server);
    kit_end(&h->k);
}

static void test_from_run_to_run(void **state)
{
    (void)state;
    host h = {.e = NULL};
    char word[40];
    SUPPORT_NO_THREAD(); /* what is on the wire when the host looks is seen in its own steps */
    begin(&h);
    assert_int_equal(begun(&h, MANY, 0), FIRST);
    with_store(&h, NULL, word, sizeof word);
    assert_string_equal(word, "64");
    assert_int_equal(begun(&h, MANY, 0), CAP);
    assert_int_equal(begun(&h, 30, 20), 20); /* stated: nothing is looked for, or changed */
    assert_int_equal(begun(&h, 3, 0), 3);
    with_store(&h, NULL, word, sizeof word);
    assert_string_equal(word, "64");
    end(&h);
}

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int first;
    } words[] = {{"999999999999999999999", FIRST},
                 {"100000", CAP},
                 {"", FIRST},
                 {"-7", FIRST},
                 {"0", FIRST},
                 {"forty", FIRST},
                 {"40 calls", FIRST},
                 {"40", 40},
                 {"40 refused", 35},
                 {"0x40", FIRST},
                 {"1 refused", 4}};
    host h = {.e = NULL};
    char word[40];
    SUPPORT_NO_THREAD();
    begin(&h);
    assert_int_equal(begun(&h, MANY, 0), FIRST);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        with_store(&h, words[i].word, word, sizeof word);
        assert_int_equal(begun(&h, 70, 0), words[i].first);
    }
    end(&h);
}

/* Two engines at one store: what each found is written by each, and neither waits. */
static void test_two_at_once(void **state)
{
    (void)state;
    SUPPORT_NO_THREAD();
    host one = {.e = NULL}, two = {.e = NULL};
    char word[40];
    begin(&one);
    two.k = one.k;
    two.server = one.server;
    two.asked = 100000;
    open_engine(&one, 0);
    open_engine(&two, 0);
    ask(&one, MANY);
    ask(&two, MANY);
    while (pending(one.answers) || pending(two.answers)) {
        (void)lg_engine_wait(one.e, 5);
        (void)lg_engine_wait(two.e, 5);
        while (lg_engine_next(one.e) || lg_engine_next(two.e)) {
        }
    }
    finish(&one);
    finish(&two);
    lg_engine_free(one.e);
    lg_engine_free(two.e);
    with_store(&one, NULL, word, sizeof word);
    assert_string_equal(word, "64");
    end(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_run_to_run),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
