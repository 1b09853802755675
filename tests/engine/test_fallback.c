/* test_fallback.c - for which failures the next model of the list is asked. */
#include "../scripted.h"

typedef struct failure {
    int code;
    bool passed_on;
} failure;

#define EACH(name, text) {LG_E##name, false},
/* What the model itself cannot give is the next one's turn; what is wrong with the question, with
 * us, or with the host is not. */
static const int passed_on[] = {LG_ERESOLVE,   LG_ECONNECT, LG_ETLS,     LG_ETIMEOUT, LG_ERESET,
                                LG_EBADREPLY,  LG_EEMPTY,   LG_EAUTH,    LG_ERATE,    LG_EOVERLOAD,
                                LG_ETRUNCATED, LG_EMONEY,   LG_ECONTEXT, LG_ENOMODEL, LG_ETOOL};
static failure failures[] = {LG_ERROR_MAP(EACH)};

static lg_model *second_of(script *s, lg_model **first)
{
    lg_model *second = NULL;
    lg_model_config c;
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "second";
    c.tag = 2;
    assert_int_equal(lg_model_new(s->e, &c, &second), 0);
    c.name = "first";
    c.tag = 1;
    c.fallbacks = &second;
    c.n_fallbacks = 1;
    assert_int_equal(lg_model_new(s->e, &c, first), 0);
    return second;
}

/* How many of each were asked, and what became of the call. */
static int ask(script *s, lg_model *first, int code, int asked[3])
{
    lg_var *q = script_leaf(s, "q?", "question", false), *out = NULL;
    lg_message message = {"user", q};
    lg_call call;
    lg_call_init(&call);
    call.messages = &message;
    call.n_messages = 1;
    assert_int_equal(lg_call_model(s->e, first, &call, &out), 0);
    for (int i = 0; i < 20 && lg_var_state(out) == LG_PENDING; i++) {
        const lg_event *ev;
        lg_engine_step(s->e, 0);
        while ((ev = lg_engine_next(s->e))) {
            if (ev->type != LG_EVENT_CALL)
                continue;
            asked[ev->tag]++;
            if (ev->tag == 1)
                lg_call_fail(s->e, ev->id, code, false, "as the test wants it");
            else
                lg_call_reply(s->e, ev->id, "from the second", 15, NULL, NULL);
        }
    }
    int state = lg_var_state(out);
    lg_var_unref(out);
    lg_var_unref(q);
    return state;
}

static void test_each_kind_of_failure(void **state)
{
    (void)state;
    size_t n = sizeof failures / sizeof *failures, expected = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof passed_on / sizeof *passed_on; k++)
            failures[i].passed_on = failures[i].passed_on || passed_on[k] == failures[i].code;
        expected += failures[i].passed_on;
    }
    assert_int_equal(expected, sizeof passed_on / sizeof *passed_on);
    for (size_t i = 0; i < n; i++) {
        script s;
        lg_model *first = NULL;
        int asked[3] = {0};
        if (failures[i].code == LG_OK)
            continue;
        script_start(&s);
        lg_model *second = second_of(&s, &first);
        int became = ask(&s, first, failures[i].code, asked);
        if (asked[1] != 1 || asked[2] != failures[i].passed_on ||
            (became == LG_READY) != failures[i].passed_on || became == LG_PENDING) {
            fail_msg("%s: the first was asked %d times, the second %d",
                     lg_error_name(failures[i].code), asked[1], asked[2]);
        }
        lg_model_unref(second);
        lg_model_unref(first);
        script_end(&s);
    }
}

/* Nothing more is bought while the engine drains, from anybody. */
static void test_not_while_draining(void **state)
{
    (void)state;
    script s;
    lg_model *first = NULL;
    script_start(&s);
    lg_model *second = second_of(&s, &first);
    lg_var *q = script_leaf(&s, "q?", "question", false), *out = NULL;
    lg_message message = {"user", q};
    lg_call call;
    lg_call_init(&call);
    call.messages = &message;
    call.n_messages = 1;
    assert_int_equal(lg_call_model(s.e, first, &call, &out), 0);
    lg_engine_step(s.e, 0);
    const lg_event *ev = lg_engine_next(s.e);
    assert_non_null(ev);
    uint64_t id = ev->id;
    lg_engine_drain(s.e, true);
    assert_int_equal(lg_call_fail(s.e, id, LG_ECONTEXT, false, "too long"), 0);
    lg_engine_step(s.e, 0);
    assert_int_not_equal(lg_var_state(out), LG_PENDING);
    assert_int_not_equal(lg_var_state(out), LG_READY);
    while ((ev = lg_engine_next(s.e)))
        assert_int_not_equal(ev->type, LG_EVENT_CALL);
    lg_var_unref(out);
    lg_var_unref(q);
    lg_model_unref(second);
    lg_model_unref(first);
    script_end(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_kind_of_failure),
    cmocka_unit_test(test_not_while_draining),
};
LG_TEST_MAIN(tests)
