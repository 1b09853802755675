/* test_model.c - what a model may be made of, what it learns, what it hides. */
#include "../support.h"

#include "model/provider.h"

static lg_model_config config(void)
{
    return (lg_model_config){
        .size = sizeof(lg_model_config),
        .dialect = "openai",
        .name = "openai/m",
        .model = "m",
        .base_url = "https://api.example.com/v1",
        .api_key = "sk-0123456789",
        .key_name = "OPENAI_API_KEY",
    };
}

static lg_model *make(lg_mem *m, const lg_model_config *cfg)
{
    lg_model *model = NULL;
    const char *why = NULL;
    int err = lg__model_make(m, cfg, &model, &why, &(const char *){NULL});
    if (err)
        fail_msg("no model: %s", why ? why : lg_error_text(err));

    return model;
}

static void refused(const lg_model_config *cfg, const char *part)
{
    support_heap h;
    lg_mem m;
    lg_model *model;
    const char *why = NULL;
    support_mem_init(&m, &h);
    const char *field = "x";
    assert_int_equal(lg__model_make(&m, cfg, &model, &why, &field), LG_EINVAL);
    assert_null(model);
    for (size_t i = 0; i < 3; i++) { /* a field that the reason names is told as data, too */
        const char *name = (const char *[]){"base_url", "dialect", "quirks"}[i];
        if (strstr(part, name))
            assert_string_equal(field, name);
    }
    if (!why || !strstr(why, part))
        fail_msg("the reason is \"%s\", without \"%s\"", why ? why : "(none)", part);

    assert_heap_empty(&h);
}

static void test_everything_is_copied(void **state)
{
    (void)state;
    char key[] = "sk-0123456789", name[] = "b", json[] = "1";
    lg_option options[] = {{name, json}, {"a", "[true]"}, {"c", "\"x\""}, {"a", "2"}};
    lg_option headers[] = {{"X-One", "1"}};
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_model_config cfg = config();
    cfg.api_key = key;
    cfg.options = options;
    cfg.n_options = 4;
    cfg.headers = headers;
    cfg.n_headers = 1;
    cfg.concurrency = 7;
    cfg.no_memo = true;
    cfg.tag = 42;
    lg_model *model = make(&m, &cfg);
    memset(key, 'x', sizeof key - 1);
    name[0] = json[0] = '9';
    assert_string_equal(model->api_key, "sk-0123456789");
    assert_int_equal(model->n_options, 3);
    assert_string_equal(model->options[0].name, "a");
    assert_string_equal(model->options[0].value, "2");
    assert_string_equal(model->options[1].name, "b");
    assert_string_equal(model->options[1].value, "1");
    assert_string_equal(model->options[2].name, "c");
    assert_string_equal(model->headers[0].value, "1");
    assert_ptr_equal(model->provider, &lg__provider_openai);
    assert_int_equal(model->refs, 1);
    assert_int_equal(model->concurrency, 7);
    assert_int_equal(model->tag, 42);
    assert_true(model->no_memo);
    lg__model_destroy(model);
    assert_heap_empty(&h);
}

static void test_host_model(void **state)
{
    (void)state;
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_model_config cfg = {.size = sizeof cfg, .dialect = "host", .name = "lua/f"};
    lg_model *model = make(&m, &cfg);
    assert_null(model->provider);
    assert_null(model->base_url);
    assert_string_equal(model->model, "lua/f");
    lg__model_destroy(model);
    cfg.base_url = "http://localhost";
    refused(&cfg, "no base_url");
    assert_heap_empty(&h);
}

static void test_price_tiers(void **state)
{
    (void)state;
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_price_tier tiers[] = {{100, 1, 2, -1, -1}, {200, 3, 4, 5, 6}, {0}, {0}, {0}};
    lg_model_config cfg = config();
    cfg.tiers = tiers;
    cfg.n_tiers = 2;
    lg_model *model = make(&m, &cfg);
    assert_int_equal(model->n_tiers, 2);
    assert_int_equal(model->tiers[1].cached, 5);
    lg__model_destroy(model);
    tiers[1].above = 100;
    refused(&cfg, "above the one before");
    tiers[1] = (lg_price_tier){200, -2, 0, 0, 0};
    refused(&cfg, "must not be negative");
    tiers[0].above = 0;
    refused(&cfg, "begin above 0");
    cfg.n_tiers = 5;
    refused(&cfg, "at most 4");
    assert_heap_empty(&h);
}

static void test_bad_names(void **state)
{
    (void)state;
    lg_model_config cfg = config();
    cfg.dialect = "telepathy";
    refused(&cfg, "dialect");
    cfg.dialect = NULL;
    refused(&cfg, "dialect");
    cfg = config();
    cfg.name = "";
    refused(&cfg, "name");
    cfg.name = "two\nlines";
    refused(&cfg, "one line");
    cfg.name = "no \xff utf8";
    refused(&cfg, "UTF-8");
    cfg = config();
    cfg.model = NULL;
    refused(&cfg, "model");
    cfg = config();
    cfg.key_name = "A\tB";
    refused(&cfg, "key_name");
    cfg = config();
    cfg.api_key = "sk-1\r\nX-Evil: 1";
    refused(&cfg, "key");
    cfg = config();
    cfg.concurrency = -1;
    refused(&cfg, "concurrency");
}

static void test_bad_urls(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"", "https://host"},
        {"api.example.com", "https://host"},
        {"ftp://x/", "https://host"},
        {"https://", "https://host"},
        {"https:///v1", "https://host"},
        {"https://me:pw@x/v1", "password"},
        {"https://x/v1#top", "fragment"},
        {"https://x/a b", "blanks"},
        {"https://x/\n", "blanks"},
        {"https://x/é", "non-ASCII"},
    };
    lg_model_config cfg = config();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        cfg.base_url = urls[i][0];
        refused(&cfg, urls[i][1]);
    }
    cfg.base_url = NULL;
    refused(&cfg, "base_url");
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const lg_option bad[] = {
        {"", "x"},
        {"A B", "x"},
        {"A:", "x"},
        {"A", "x\ny"},
        {"Content-Length", "1"},
        {"transfer-encoding", "chunked"},
        {NULL, "x"},
        {"A", NULL},
        {"\xc3\xa9", "x"},
    };
    lg_model_config cfg = config();
    cfg.n_headers = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cfg.headers = &bad[i];
        refused(&cfg, "header");
    }
}

static void test_bad_options(void **state)
{
    (void)state;
    static const lg_option bad[] = {
        {"model", "\"x\""}, {"messages", "[]"}, {"stream", "true"}, {"a", "{"},
        {"a", ""},          {"a", NULL},        {"", "1"},          {NULL, "1"},
        {"a", "1,\"b\":2"}, {"a\n", "1"},       {"a", "\"\xff\""},
    };
    lg_model_config cfg = config();
    cfg.n_options = 1;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cfg.options = &bad[i];
        refused(&cfg, "");
    }
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_option fine = {"stream", "false"};
    assert_int_equal(lg__model_option_check(&m, &fine, NULL), LG_OK);
    assert_heap_empty(&h);
}

static void test_repairs(void **state)
{
    (void)state;
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_model_config cfg = config();
    lg_model *model = make(&m, &cfg);
    assert_string_equal(lg__model_field(model, "seed"), "seed");
    assert_int_equal(lg__model_repair(model, "seed", NULL), LG_OK);
    assert_null(lg__model_field(model, "seed"));
    assert_int_equal(lg__model_repair(model, "seed", NULL), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "seed", "random_seed"), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "a", "b"), LG_OK);
    assert_int_equal(lg__model_repair(model, "b", "c"), LG_OK);
    assert_string_equal(lg__model_field(model, "a"), "c");
    assert_int_equal(lg__model_repair(model, "c", "a"), LG_ESTATE); /* a circle */
    assert_int_equal(lg__model_repair(model, "d", "d"), LG_ESTATE);
    assert_string_equal(lg__model_field(model, "d"), "d");
    assert_int_equal(lg__model_repair(model, "c", NULL), LG_OK);
    assert_null(lg__model_field(model, "a"));
    lg__model_destroy(model);
    assert_heap_empty(&h);
}

/* A server must not talk us into overwriting what is asked. */
static void test_repairs_of_reserved_fields(void **state)
{
    (void)state;
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_model_config cfg = config();
    lg_model *model = make(&m, &cfg);
    assert_int_equal(lg__model_repair(model, "messages", NULL), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "model", "x"), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "user", "messages"), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "user", "stream"), LG_ESTATE);
    assert_int_equal(lg__model_repair(model, "user", ""), LG_ESTATE);
    assert_string_equal(lg__model_field(model, "user"), "user");
    lg__model_destroy(model);
    assert_heap_empty(&h);
}

static void base_is(const char *url, const char *base, const char *query)
{
    const char *q;
    lg_mem m;
    lg__mem_init(&m, NULL, NULL);
    lg_model_config cfg = config();
    cfg.base_url = url;
    lg_model *model = make(&m, &cfg);
    size_t len = lg__model_base(model, &q);
    assert_bytes(model->base_url, len, base);
    assert_string_equal(q, query);
    lg__model_destroy(model);
}

static void test_base(void **state)
{
    (void)state;
    base_is("https://x/v1", "https://x/v1", "");
    base_is("https://x/v1//", "https://x/v1", "");
    base_is("https://x/v1/?a=b/", "https://x/v1", "?a=b/");
    base_is("https://x", "https://x", "");
}

static void test_redaction(void **state)
{
    (void)state;
    char text[] = "key sk-0123456789, again sk-0123456789; azure-key-1; tok-77777; plain-9";
    lg_option headers[] = {
        {"api-key", "azure-key-1"}, {"X-Auth", "Token tok-77777"}, {"X-Title", "plain-9"}};
    support_heap h;
    lg_mem m;
    support_mem_init(&m, &h);
    lg_model_config cfg = config();
    cfg.headers = headers;
    cfg.n_headers = 3;
    lg_model *model = make(&m, &cfg);
    lg__model_redact(model, text, strlen(text));
    assert_string_equal(text,
                        "key *************, again *************; ***********; *********; plain-9");
    lg__model_destroy(model);
    assert_heap_empty(&h);
}

static int oom_make(support_heap *h, void *ctx)
{
    lg_option options[] = {{"b", "1"}, {"a", "{\"x\":[1,2]}"}, {"b", "3"}};
    lg_option headers[] = {{"X-One", "1"}, {"X-Two", "2"}};
    lg_mem m;
    lg_model *model;
    const char *why = NULL;
    (void)ctx;
    support_mem_on(&m, h);
    lg_model_config cfg = config();
    cfg.options = options;
    cfg.n_options = 3;
    cfg.headers = headers;
    cfg.n_headers = 2;
    int err = lg__model_make(&m, &cfg, &model, &why, &(const char *){NULL});
    if (err) {
        assert_null(model);
        assert_null(why); /* not a matter of the caller's */
        return err;
    }
    err = lg__model_repair(model, "a", "c");
    if (err == LG_OK) {
        err = lg__model_repair(model, "b", NULL);
        assert_string_equal(lg__model_field(model, "a"), "c");
    } else {
        assert_string_equal(lg__model_field(model, "a"), "a");
    }
    lg__model_destroy(model);
    return err;
}

static void test_oom_make(void **state)
{
    (void)state;
    oom_sweep(oom_make, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_everything_is_copied),
    cmocka_unit_test(test_host_model),
    cmocka_unit_test(test_price_tiers),
    cmocka_unit_test(test_bad_names),
    cmocka_unit_test(test_bad_urls),
    cmocka_unit_test(test_bad_headers),
    cmocka_unit_test(test_bad_options),
    cmocka_unit_test(test_repairs),
    cmocka_unit_test(test_repairs_of_reserved_fields),
    cmocka_unit_test(test_base),
    cmocka_unit_test(test_redaction),
    cmocka_unit_test(test_oom_make),
};
LG_TEST_MAIN(tests)
