/* test_replay_only.c - an engine that buys nothing: what is stored answers, all else fails. */
#include "../store_kit.h"

#include "../rude.h"

typedef struct host {
    kit k;
    rude *server;
    lg_engine *e;
    lg_model *m;
} host;

static void engine_open(host *h, bool replay_only, bool fresh)
{
    char url[128];
    lg_config cfg;
    lg_model_config model;
    lg_config_init(&cfg);
    cfg.store_dir = h->k.dir;
    cfg.max_attempts = 1;
    cfg.replay_only = replay_only;
    assert_int_equal(lg_engine_new(&cfg, &h->e), 0);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.fresh = fresh;
    model.base_url = rude_url(h->server, "ok/v1", url, sizeof url);
    assert_int_equal(lg_model_new(h->e, &model, &h->m), 0);
}

static void engine_close(host *h)
{
    lg_model_unref(h->m);
    lg_engine_free(h->e);
}

/* What became of one question: its state; *code: of its failure. */
static int ask(host *h, const char *text, int *code)
{
    lg_var *q, *out = NULL;
    lg_call c;
    assert_int_equal(lg_var_new(h->e, text, strlen(text), "question", false, &q), 0);
    lg_message m = {"user", q};
    lg_call_init(&c);
    c.messages = &m;
    c.n_messages = 1;
    assert_int_equal(lg_call_model(h->e, h->m, &c, &out), 0);
    for (int i = 0; i < 4000 && lg_var_state(out) == LG_PENDING; i++) {
        (void)lg_engine_wait(h->e, 5);
        while (lg_engine_next(h->e)) {
        }
    }
    lg_failure f;
    int state = lg_var_state(out);
    *code = lg_var_error(out, &f) ? f.code : 0;
    if (state == LG_READY)
        assert_string_equal(lg_var_text(out, NULL), "yes");

    lg_var_unref(out);
    lg_var_unref(q);
    return state;
}

static uint64_t served(host *h)
{
    lg_stats s = {.size = sizeof s};
    lg_engine_stats(h->e, &s);
    return s.served;
}

static void buys_nothing(bool fresh)
{
    host h;
    int code;
    kit_setup(&h.k);
    h.server = rude_start();
    assert_non_null(h.server);
    rude_reply(h.server, GOOD("yes"), "application/json", NULL);
    engine_open(&h, false, false);
    assert_int_equal(ask(&h, "known", &code), LG_READY);
    engine_close(&h);
    assert_int_equal(rude_posts(h.server), 1);
    engine_open(&h, true, fresh);
    assert_int_equal(ask(&h, "known", &code), LG_READY);
    assert_int_equal(served(&h), 1);
    assert_int_equal(ask(&h, "unknown", &code), LG_FAILED);
    assert_int_equal(code, LG_ENOTFOUND);
    engine_close(&h);
    assert_int_equal(rude_posts(h.server), 1);
    rude_stop(h.server);
    kit_end(&h.k);
}

static void test_what_is_stored_answers_and_all_else_fails(void **state)
{
    (void)state;
    buys_nothing(false);
}

/* Of a model whose calls are bought each by itself, what an earlier run has is taken, too. */
static void test_a_fresh_model_is_served_as_well(void **state)
{
    (void)state;
    buys_nothing(true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_what_is_stored_answers_and_all_else_fails),
    cmocka_unit_test(test_a_fresh_model_is_served_as_well),
};
LG_TEST_MAIN(tests)
