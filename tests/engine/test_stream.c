/* test_stream.c - a streamed answer that is watched: its pieces, byte by byte as they come, are
 * the answer, and what was thought is not among them. */
#include "../rude.h"
#include "../support.h"

typedef struct watched {
    rude *server;
    lg_engine *e;
    lg_model *model;
    lg_var *q, *answer;
    char heard[4096], first[256]; /* since the last restart; the very first pieces */
    int restarts;
} watched;

static void watch(watched *w, const char *body, bool stop_repetition)
{
    char url[128];
    lg_model_config m;
    lg_call c;
    memset(w, 0, sizeof *w);
    w->server = rude_start();
    assert_non_null(w->server);
    rude_reply(w->server, body, "text/event-stream", NULL);
    assert_int_equal(lg_engine_new(NULL, &w->e), 0);
    lg_model_config_init(&m);
    m.dialect = "openai";
    m.name = m.model = "m";
    m.base_url = rude_url(w->server, "drip=1/v1", url, sizeof url);
    m.stop_repetition = stop_repetition;
    assert_int_equal(lg_model_new(w->e, &m, &w->model), 0);
    assert_int_equal(lg_var_new(w->e, "q?", 2, "question", false, &w->q), 0);
    lg_call_init(&c);
    c.messages = &(lg_message){"user", w->q};
    c.n_messages = 1;
    c.stream = !stop_repetition;
    assert_int_equal(lg_call_model(w->e, w->model, &c, &w->answer), 0);
}

static void hear(watched *w)
{
    const lg_event *ev;
    while ((ev = lg_engine_next(w->e))) {
        if (ev->type != LG_EVENT_PARTIAL)
            continue;

        size_t n = ev->restart ? 0 : strlen(w->heard);
        w->restarts += ev->restart;
        assert_true(n + ev->len < sizeof w->heard);
        memcpy(w->heard + n, ev->text, ev->len);
        w->heard[n + ev->len] = '\0';
        if (w->restarts == 0)
            memcpy(w->first, w->heard, sizeof w->first);
    }
}

/* Until it has an answer; heard only until so many bytes were, and at the end. */
static void run(watched *w, size_t until)
{
    while (lg_var_state(w->answer) == LG_PENDING) {
        lg_engine_wait(w->e, 50);
        if (strlen(w->heard) < until)
            hear(w);
    }
    lg_engine_step(w->e, 0);
    hear(w);
}

static void finish(watched *w)
{
    lg_var_unref(w->answer);
    lg_var_unref(w->q);
    lg_model_unref(w->model);
    lg_engine_free(w->e);
    rude_stop(w->server);
}

#define DELTA(text)                                                                            \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":" \
    "null}]}\n\n"
#define END                                                                                 \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: " \
    "[DONE]\n\n"
#define ANSWER "The answer, which is longer than what was thought, is 4."

static const char bare[] = DELTA("Two and") DELTA(" two.\\n") DELTA("</think>\\n\\n")
    DELTA("The answer, which is longer") DELTA(" than what was thought, is 4.") END;

static void check(watched *w, int restarts)
{
    assert_int_equal(lg_var_state(w->answer), LG_READY);
    assert_string_equal(lg_var_text(w->answer, NULL), ANSWER);
    assert_string_equal(w->heard, ANSWER);
    assert_string_equal(lg_var_thinking(w->answer, NULL), "Two and two.");
    assert_int_equal(w->restarts, restarts);
}

static void test_tags_are_not_shown(void **state)
{
    static const char body[] = DELTA("<thi") DELTA("nk>Two and") DELTA(" two.</think>")
        DELTA("\\nThe answer, which is longer") DELTA(" than what was thought, is 4.") END;
    (void)state;
    watched w;
    watch(&w, body, false);
    run(&w, SIZE_MAX);
    check(&w, 0);
    finish(&w);
}

/* It is known late: what was shown is taken back, however long the answer is. */
static void test_a_bare_tag_takes_back(void **state)
{
    (void)state;
    watched w;
    watch(&w, bare, false);
    run(&w, SIZE_MAX);
    check(&w, 1);
    assert_memory_equal(w.first, "Two and", 7);
    finish(&w);
}

/* … and when all the rest is heard at once, at the end. */
static void test_a_bare_tag_takes_back_at_the_end(void **state)
{
    (void)state;
    watched w;
    watch(&w, bare, false);
    run(&w, 1);
    check(&w, 1);
    assert_memory_equal(w.first, "Two and", 7);
    finish(&w);
}

/* The transfer ends long before the server does. */
static void test_a_loop_is_broken_off(void **state)
{
    enum { TIMES = 12, WORDS = 100 };
    char words[WORDS * 6 + 1] = "", body[4096] = "", head[] = DELTA("#");
    char *mark = strchr(head, '#');
    (void)state;
    for (int i = 0; i < WORDS / 10; i++)
        strcat(words, "and again and again ");

    for (int i = 0; i < TIMES; i++) {
        size_t n = strlen(body);
        snprintf(body + n, sizeof body - n, "%.*s%s%s", (int)(mark - head), head, words, mark + 1);
    }
    watched w;
    watch(&w, body, true);
    run(&w, 0);
    assert_int_equal(lg_var_state(w.answer), LG_READY);
    assert_string_equal(lg_var_finish_reason(w.answer), "length");
    size_t len = strlen(lg_var_text(w.answer, NULL));
    assert_true(len >= 800 && len < (TIMES - 1) * strlen(words));
    finish(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tags_are_not_shown),
    cmocka_unit_test(test_a_bare_tag_takes_back),
    cmocka_unit_test(test_a_bare_tag_takes_back_at_the_end),
    cmocka_unit_test(test_a_loop_is_broken_off),
};
LG_TEST_MAIN(tests)
