/* test_request.c - keys, merged options, bytes, and what a request gives back. */
#include "../support.h"

#include "model/request.h"

typedef struct fixture {
    support_heap heap;
    lg_mem mem;
    lg_model *model, *host;
    lg_text *sys, *user;
} fixture;

static lg_model *make_model(lg_mem *m, const lg_model_config *cfg)
{
    lg_model *model = NULL;
    const char *why = NULL;
    assert_int_equal(lg__model_make(m, cfg, &model, &why, &(const char *){NULL}), LG_OK);
    return model;
}

static const lg_option model_options[] = {{"temperature", "0"}, {"max_tokens", "9"}};

static lg_model_config wire_config(void)
{
    return (lg_model_config){
        .size = sizeof(lg_model_config),
        .dialect = "openai",
        .name = "x/m",
        .model = "m",
        .base_url = "https://x/v1",
        .api_key = "sk-0123456789",
        .options = model_options,
        .n_options = 2,
    };
}

static void start(fixture *f)
{
    lg_model_config wire = wire_config();
    lg_model_config host = {.size = sizeof host, .dialect = "host", .name = "lua/f", .tag = 3};
    support_mem_init(&f->mem, &f->heap);
    f->model = make_model(&f->mem, &wire);
    f->host = make_model(&f->mem, &host);
    f->sys = lg__text_new(&f->mem, "Be brief.", 9);
    f->user = lg__text_new(&f->mem, "1+1?", 4);
}

static void end(fixture *f)
{
    assert_int_equal(f->model->refs, 1);
    assert_int_equal(f->host->refs, 1);
    assert_int_equal(f->sys->refs, 1);
    lg__text_unref(f->sys);
    lg__text_unref(f->user);
    lg__model_destroy(f->model);
    lg__model_destroy(f->host);
    assert_heap_empty(&f->heap);
}

/* A call of two messages; what differs is given. */
static lg_request *ask(fixture *f, lg_model *model, const char *role, lg_text *second,
                       const lg_option *options, size_t n, uint32_t sample)
{
    const char *roles[] = {role, "user"};
    lg_text *texts[] = {f->sys, second};
    lg_request *r = NULL;
    assert_int_equal(
        lg__request_new(&f->mem, 1, model, roles, texts, 2, options, n, sample, LG_FORWARD, &r),
        LG_OK);
    return r;
}

static bool same_key(const lg_request *a, const lg_request *b)
{
    return memcmp(a->key, b->key, sizeof a->key) == 0;
}

static void test_state_names(void **state)
{
    (void)state;
    assert_string_equal(lg__request_state_name(LG_REQ_QUEUED), "queued");
    assert_string_equal(lg__request_state_name(LG_REQ_FAILED), "failed");
    assert_string_equal(lg__request_state_name(LG_REQ_STATES), "unknown");
    assert_string_equal(lg__request_state_name(-1), "unknown");
}

static void test_options_merge(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_option mine[] = {{"temperature", "0.7"}, {"seed", "5"}, {"seed", "6"}};
    lg_request *r = ask(&f, f.model, "system", f.user, mine, 3, 0);
    assert_int_equal(r->n_options, 3);
    assert_string_equal(r->options[0].name, "max_tokens");
    assert_string_equal(r->options[0].value, "9");
    assert_string_equal(r->options[1].name, "seed");
    assert_string_equal(r->options[1].value, "6");
    assert_string_equal(r->options[2].name, "temperature");
    assert_string_equal(r->options[2].value, "0.7");
    assert_int_equal(f.sys->refs, 2);
    assert_int_equal(f.model->refs, 2);
    lg__request_free(&f.mem, r);
    end(&f);
}

static void test_encode_is_late_and_repeatable(void **state)
{
    (void)state;
    static const char want[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"1+1?\"}],\"max_tokens\":9,\"temperature\":0}";
    static const char repaired[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},"
        "{\"role\":\"user\",\"content\":\"1+1?\"}],\"max_completion_tokens\":9}";
    fixture f;
    start(&f);
    lg_request *r = ask(&f, f.model, "system", f.user, NULL, 0, 0);
    assert_int_equal(r->body.len, 0);
    assert_int_equal(lg__request_encode(r), LG_OK);
    assert_bytes(r->url.data, r->url.len, "https://x/v1/chat/completions");
    assert_bytes(r->body.data, r->body.len, want);
    assert_int_equal(lg__request_encode(r), LG_OK);
    assert_bytes(r->body.data, r->body.len, want);
    assert_int_equal(lg__model_repair(f.model, "temperature", NULL), LG_OK);
    assert_int_equal(lg__model_repair(f.model, "max_tokens", "max_completion_tokens"), LG_OK);
    assert_int_equal(lg__request_encode(r), LG_OK);
    assert_bytes(r->body.data, r->body.len, repaired);
    lg__request_unload(r);
    assert_null(r->body.data);
    assert_null(r->headers.data);
    lg__request_free(&f.mem, r);
    end(&f);
}

static void test_equal_calls_have_equal_keys(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_text *again = lg__text_new(&f.mem, "1+1?", 4);
    lg_option same[] = {{"temperature", "0"}};
    lg_request *a = ask(&f, f.model, "system", f.user, NULL, 0, 0);
    lg_request *b = ask(&f, f.model, "system", again, same, 1, 0);
    assert_true(same_key(a, b));
    /* … also before and after something was learned of the model */
    assert_int_equal(lg__model_repair(f.model, "temperature", NULL), LG_OK);
    lg_request *c = ask(&f, f.model, "system", f.user, NULL, 0, 0);
    assert_true(same_key(a, c));
    lg__request_free(&f.mem, a);
    lg__request_free(&f.mem, b);
    lg__request_free(&f.mem, c);
    lg__text_unref(again);
    end(&f);
}

static void test_the_key_is_in_no_digest(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_model_config cfg = wire_config();
    cfg.api_key = "sk-another-key";
    cfg.base_url = "https://x/v1/";
    cfg.name = "other/name";
    lg_model *other = make_model(&f.mem, &cfg);
    lg_request *a = ask(&f, f.model, "system", f.user, NULL, 0, 0);
    lg_request *b = ask(&f, other, "system", f.user, NULL, 0, 0);
    assert_true(same_key(a, b));
    lg__request_free(&f.mem, a);
    lg__request_free(&f.mem, b);
    lg__model_destroy(other);
    end(&f);
}

static void test_what_differs_differs(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_text *empty = lg__text_new(&f.mem, "", 0);
    lg_option warm[] = {{"temperature", "1"}}, seed[] = {{"seed", "1"}};
    lg_model_config cfg = wire_config();
    cfg.model = "n";
    lg_model *n = make_model(&f.mem, &cfg);
    cfg.model = "m";
    cfg.base_url = "https://x/v2";
    lg_model *v2 = make_model(&f.mem, &cfg);
    cfg.base_url = "https://x/v1?v=2";
    lg_model *query = make_model(&f.mem, &cfg);
    lg_request *all[] = {
        ask(&f, f.model, "system", f.user, NULL, 0, 0),
        ask(&f, f.model, "system", f.user, NULL, 0, 1),
        ask(&f, f.model, "developer", f.user, NULL, 0, 0),
        ask(&f, f.model, "system", empty, NULL, 0, 0),
        ask(&f, f.model, "system", f.user, warm, 1, 0),
        ask(&f, f.model, "system", f.user, seed, 1, 0),
        ask(&f, n, "system", f.user, NULL, 0, 0),
        ask(&f, v2, "system", f.user, NULL, 0, 0),
        ask(&f, query, "system", f.user, NULL, 0, 0),
        ask(&f, f.host, "system", f.user, NULL, 0, 0),
    };
    enum { N = sizeof all / sizeof *all };
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < i; k++) {
            if (same_key(all[i], all[k]))
                fail_msg("requests %zu and %zu have one key", k, i);
        }
    }
    for (size_t i = 0; i < N; i++)
        lg__request_free(&f.mem, all[i]);

    lg__model_destroy(n);
    lg__model_destroy(v2);
    lg__model_destroy(query);
    lg__text_unref(empty);
    end(&f);
}

/* Pieces must not run into each other: one message "a"+"b" is not "ab". */
static void test_borders_count(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_text *t[] = {lg__text_new(&f.mem, "a", 1), lg__text_new(&f.mem, "ba", 2),
                    lg__text_new(&f.mem, "ab", 2)};
    const char *roles[] = {"user", "user"};
    lg_text *one[] = {t[0], t[1]}, *two[] = {t[2], t[0]};
    lg_request *a, *b;
    assert_int_equal(lg__request_new(&f.mem, 1, f.host, roles, one, 2, NULL, 0, 0, LG_JUDGE, &a),
                     LG_OK);
    assert_int_equal(lg__request_new(&f.mem, 2, f.host, roles, two, 2, NULL, 0, 0, LG_JUDGE, &b),
                     LG_OK);
    assert_false(same_key(a, b));
    lg__request_free(&f.mem, a);
    lg__request_free(&f.mem, b);
    for (int i = 0; i < 3; i++)
        lg__text_unref(t[i]);

    end(&f);
}

static void test_host_models(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_model_config cfg = {.size = sizeof cfg, .dialect = "host", .name = "lua/f", .tag = 4};
    lg_model *other = make_model(&f.mem, &cfg);
    lg_request *a = ask(&f, f.host, "system", f.user, NULL, 0, 0);
    lg_request *b = ask(&f, f.host, "system", f.user, NULL, 0, 0);
    lg_request *c = ask(&f, other, "system", f.user, NULL, 0, 0);
    assert_true(same_key(a, b));
    assert_false(same_key(a, c)); /* another function of the same name */
    assert_int_equal(lg__request_encode(a), LG_OK);
    assert_null(a->url.data);
    assert_null(a->body.data);
    assert_string_equal(a->part_roles[0], "system");
    assert_ptr_equal(a->part_texts[1], f.user);
    lg__request_free(&f.mem, a);
    lg__request_free(&f.mem, b);
    lg__request_free(&f.mem, c);
    lg__model_destroy(other);
    end(&f);
}

static void test_bad_requests(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    const char *roles[] = {"user"};
    lg_text *texts[] = {f.user};
    static const lg_option bad[] = {
        {"model", "1"}, {"messages", "[]"}, {"stream", "true"}, {"a", "nope"}, {"", "1"}};
    lg_request *r = (lg_request *)&f;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            lg__request_new(&f.mem, 1, f.model, roles, texts, 1, &bad[i], 1, 0, LG_FORWARD, &r),
            LG_EINVAL);
        assert_null(r);
    }
    assert_int_equal(lg__request_new(&f.mem, 1, f.model, roles, texts, 1, NULL, 0, 0, LG_KINDS, &r),
                     LG_EINVAL);
    end(&f);
}

static void test_strip_keeps_key_and_reply(void **state)
{
    (void)state;
    fixture f;
    start(&f);
    lg_request *r = ask(&f, f.model, "system", f.user, NULL, 0, 0);
    unsigned char key[32];
    memcpy(key, r->key, sizeof key);
    assert_int_equal(lg__request_encode(r), LG_OK);
    r->reply.text = lg__text_new(&f.mem, "2", 1);
    lg__request_strip(&f.mem, r);
    assert_null(r->model);
    assert_null(r->body.data);
    assert_int_equal(r->n_parts, 0);
    assert_int_equal(f.model->refs, 1);
    assert_int_equal(f.sys->refs, 1);
    assert_memory_equal(key, r->key, sizeof key);
    assert_string_equal(r->reply.text->data, "2");
    lg__request_free(&f.mem, r);
    end(&f);
}

enum { MANY = 100 };

static int oom_request(support_heap *h, void *ctx)
{
    lg_option options[] = {{"seed", "1"}, {"stop", "[\"a\",\"b\"]"}};
    lg_mem m;
    lg_model *model = NULL;
    const char *why, *roles[MANY];
    lg_text *text, *texts[MANY];
    lg_request *r;
    size_t n = ctx ? MANY : 2; /* many do not fit on the stack */
    support_mem_on(&m, h);
    lg_model_config cfg = wire_config();
    int err = lg__model_make(&m, &cfg, &model, &why, &(const char *){NULL});
    if (err)
        return err;

    text = lg__text_new(&m, "hello", 5);
    for (size_t i = 0; i < n; i++) {
        roles[i] = "user";
        texts[i] = text;
    }
    err = text ? lg__request_new(&m, 1, model, roles, texts, n, options, 2, 0, LG_FORWARD, &r)
               : LG_ENOMEM;
    if (err == LG_OK) {
        err = lg__request_encode(r);
        assert_int_equal(err == LG_OK, r->body.len > 0);
        lg__request_free(&m, r);
    }
    lg__text_unref(text);
    assert_int_equal(model->refs, 1);
    lg__model_destroy(model);
    return err;
}

static void test_oom_request(void **state)
{
    (void)state;
    int many = 1;
    oom_sweep(oom_request, NULL);
    oom_sweep(oom_request, &many);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_state_names),
    cmocka_unit_test(test_options_merge),
    cmocka_unit_test(test_encode_is_late_and_repeatable),
    cmocka_unit_test(test_equal_calls_have_equal_keys),
    cmocka_unit_test(test_the_key_is_in_no_digest),
    cmocka_unit_test(test_what_differs_differs),
    cmocka_unit_test(test_borders_count),
    cmocka_unit_test(test_host_models),
    cmocka_unit_test(test_bad_requests),
    cmocka_unit_test(test_strip_keeps_key_and_reply),
    cmocka_unit_test(test_oom_request),
};
LG_TEST_MAIN(tests)
