/* test_sched_ledger.c - what calls cost, and that no cap is ever exceeded. */
#include "sched_fixture.h"

#define BILLED(in, cached, out)                                                    \
    "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":" #in ",\"completion_tokens\":" #out             \
    ",\"prompt_tokens_details\":{\"cached_tokens\":" #cached "}}}"

/* 2 dollars in, 0.5 cached, 8 out for a million tokens; the worst of a call's output is
 * max_tokens of the fixture's options: 9. */
static void price(fixture *f)
{
    f->model->price_input = 2000000;
    f->model->price_cached = 500000;
    f->model->price_cache_write = -1;
    f->model->price_output = 8000000;
}

static lg_request *next(fixture *f)
{
    return lg__sched_next(f->s);
}

static void test_cost(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    price(&f);
    submit(&f, "a");
    lg_request *r = next(&f);
    assert_int_equal(answer(&f, r, 200, BILLED(1000, 400, 50)), LG_REQ_DONE);
    assert_int_equal(r->reply.micros, 600 * 2 + 400 / 2 + 50 * 8);
    assert_int_equal(stats_of(&f).micros, 1800);
    assert_int_equal(stats_of(&f).micros_by_kind[LG_FORWARD], 1800);
    assert_int_equal(stats_of(&f).reserved_micros, 0);
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

static void test_cost_is_rounded_up(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    price(&f);
    f.model->price_input = 50000; /* a twentieth of a micro-dollar a token */
    submit(&f, "a");
    lg_request *r = next(&f);
    answer(&f, r, 200, BILLED(3, 0, 0));
    assert_int_equal(r->reply.micros, 1);
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

/* Twice for the whole of a call above 100 tokens of input, and 1.5 times for its answer. */
static void price_long(fixture *f)
{
    price(f);
    f->model->tiers[0] = (lg_price_tier){100, 4000000, 12000000, 1000000, -1};
    f->model->tiers[1] = (lg_price_tier){1000, 6000000, -1, -1, -1};
    f->model->n_tiers = 2;
}

static void test_long_inputs_cost_more(void **state)
{
    static const struct {
        const char *body;
        int64_t micros;
    } cases[] = {
        {BILLED(100, 0, 10), 100 * 2 + 10 * 8},
        {BILLED(101, 0, 10), 101 * 4 + 10 * 12},
        {BILLED(200, 50, 10), 150 * 4 + 50 * 1 + 10 * 12},
        {BILLED(1000, 0, 1), 1000 * 4 + 12},
        {BILLED(1001, 1, 1), 1001 * 6 + 12}, /* its own price for cached: not known */
    };
    (void)state;
    fixture f;
    char text[16];
    fixture_start(&f, NULL);
    price_long(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "q%zu", i);
        submit(&f, text);
        lg_request *r = next(&f);
        answer(&f, r, 200, cases[i].body);
        assert_int_equal(r->reply.micros, cases[i].micros);
        lg__sched_release(f.s, r);
    }
    fixture_end(&f);
}

/* What is set aside is what a call may cost in the tier that its bytes may reach. */
static void test_long_inputs_are_reserved(void **state)
{
    (void)state;
    fixture f;
    char text[120];
    fixture_start(&f, NULL);
    price_long(&f);
    submit(&f, "short");
    lg_request *a = next(&f);
    assert_int_equal(a->worst_micros, (16 + 8 + 5) * 2 + 9 * 8);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    submit(&f, text);
    lg_request *b = next(&f);
    assert_int_equal(b->worst_micros, (16 + 8 + 119) * 4 + 9 * 12);
    f.model->tiers[0].input = 1; /* cheaper above: the worst is just below it */
    f.model->tiers[0].output = f.model->tiers[0].cached = f.model->tiers[0].cache_write = 1;
    text[0] = 'y';
    submit(&f, text);
    lg_request *c = next(&f);
    assert_int_equal(c->worst_micros, (16 + 8 + 119) * 2 + 9 * 8);
    lg_request *all[] = {a, b, c};
    for (int i = 0; i < 3; i++) {
        answer(&f, all[i], 200, GOOD("a"));
        lg__sched_release(f.s, all[i]);
    }
    fixture_end(&f);
}

/* A schema is part of what the model reads. */
static void test_schemas_are_reserved(void **state)
{
    (void)state;
    fixture f;
    const char *role = "user";
    const char *schema = "{\"type\":\"json_object\"}";
    lg_option option = {"response_format", schema};
    lg_request *r = NULL;
    fixture_start(&f, NULL);
    price(&f);
    lg_text *t = lg__text_new(&f.mem, "a", 1);
    assert_int_equal(
        lg__request_new(&f.mem, ++f.last_id, f.model, &role, &t, 1, &option, 1, 0, LG_FORWARD, &r),
        0);
    lg__text_unref(t);
    lg__sched_submit(f.s, r);
    r = next(&f);
    assert_int_equal(r->worst_tokens, 16 + 8 + 1 + (int)strlen(schema) + 9);
    answer(&f, r, 200, GOOD("a"));
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

static void test_the_providers_word_wins(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    price(&f);
    submit(&f, "a");
    lg_request *r = next(&f);
    answer(&f, r, 200,
           "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],"
           "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"cost\":0.0123456}}");
    assert_int_equal(stats_of(&f).micros, 12346);
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

static void test_unknown_is_unpriced(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    f.model->price_input = -1;
    submit(&f, "a");
    lg_request *r = next(&f);
    answer(&f, r, 200, GOOD("a"));
    assert_int_equal(r->reply.micros, -1);
    assert_int_equal(stats_of(&f).micros, 0);
    assert_int_equal(stats_of(&f).unpriced, 1);
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

/* What a filter stopped, or a limit before the first word, was billed all the same. */
static void test_useless_replies_are_bought(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"choices\":[{\"message\":{\"content\":\"ha\"},\"finish_reason\":\"content_filter\"}],"
        "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}",
        "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"length\"}],"
        "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1}}",
        /* without a bill nothing is known to have been paid */
        "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"content_filter\"}]}"};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        fixture_start(&f, NULL);
        price(&f);
        submit(&f, "a");
        lg_request *r = next(&f);
        assert_int_equal(answer(&f, r, 200, bodies[i]), LG_REQ_FAILED);
        lg_stats s = stats_of(&f);
        assert_int_equal(s.calls, 0);
        assert_int_equal(s.failed, 1);
        assert_int_equal(s.useless, i < 2);
        assert_int_equal(s.micros, i < 2 ? 28 : 0);
        assert_int_equal(s.usage[LG_FORWARD].output, i < 2);
        lg__sched_release(f.s, r);
        fixture_end(&f);
    }
}

/* A model that speaks another dialect, at a dollar in and four out, pictures 2 and 8. */
static lg_model *other_model(fixture *f, const char *dialect, int64_t max_output)
{
    const char *why;
    lg_model_config cfg;
    lg_model *m = NULL;
    lg_model_config_init(&cfg);
    cfg.dialect = dialect;
    cfg.name = "x/other";
    cfg.model = "other";
    cfg.base_url = "https://x/v1";
    cfg.price_input = 1000000;
    cfg.price_output = 4000000;
    cfg.price_image_input = 2000000;
    cfg.price_image_output = 8000000;
    cfg.max_output = max_output;
    assert_int_equal(lg__model_make(&f->mem, &cfg, &m, &why, &(const char *){NULL}), LG_OK);
    return m;
}

#define PNG                                                                          \
    "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGP4z8AAQQxwFgBB0gX7h/" \
    "C5SAAAAABJRU5ErkJggg=="

static void test_pictures_have_prices_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *usage;
        int64_t micros;
    } rows[] = {
        {"\"input_tokens\":100,\"output_tokens\":1000", 100 + 8000}, /* all of it a picture */
        {"\"input_tokens\":100,\"input_tokens_details\":{\"text_tokens\":40,\"image_tokens\":60},"
         "\"output_tokens\":1000,\"output_tokens_details\":{\"text_tokens\":10}",
         40 + 120 + 40 + 7920},
        {"\"input_tokens\":10,\"input_tokens_details\":{\"image_tokens\":60},"
         "\"output_tokens\":5,\"output_tokens_details\":{\"text_tokens\":9}",
         20 + 20}, /* not trusted */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        char body[600];
        fixture_start(&f, NULL);
        lg_model *m = other_model(&f, "openai-image", 1000);
        snprintf(body, sizeof body, "{\"data\":[{\"b64_json\":\"%s\"}],\"usage\":{%s}}", PNG,
                 rows[i].usage);
        submit_to(&f, m, "a");
        lg_request *r = next(&f);
        assert_int_equal(r->worst_micros, (16 + 8 + 1) * 2 + 1000 * 8);
        assert_int_equal(answer(&f, r, 200, body), LG_REQ_DONE);
        assert_int_equal(r->reply.micros, rows[i].micros);
        lg__sched_release(f.s, r);
        lg_model_config none;
        lg_model_config_init(&none);
        assert_int_equal(none.price_image_output, -1);
        lg__sched_free(f.s);
        f.s = NULL;
        lg__model_destroy(m);
        fixture_end(&f);
    }
}

#define DRAWN(usage)                                                                         \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"image/png\"," \
    "\"data\":\"" PNG "\"}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{" usage "}}"

/* Of a model that writes and draws the server tells which tokens are which, or not. */
static void test_pictures_among_words(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        DRAWN("\"promptTokenCount\":10,\"candidatesTokenCount\":1300,\"thoughtsTokenCount\":5,"
              "\"candidatesTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":10},"
              "{\"modality\":\"IMAGE\",\"tokenCount\":1290}]"),
        DRAWN("\"promptTokenCount\":10,\"candidatesTokenCount\":1300,\"thoughtsTokenCount\":5"),
    };
    static const int64_t micros[] = {20 + 1290 * 8 + 15 * 4, 20 + 1300 * 8 + 5 * 4};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        fixture_start(&f, NULL);
        lg_model *m = other_model(&f, "gemini", 0);
        m->price_input = 2000000;
        submit_to(&f, m, "a");
        lg_request *r = next(&f);
        assert_int_equal(r->worst_micros, (16 + 8 + 1) * 2 + 4096 * 8);
        assert_int_equal(answer(&f, r, 200, bodies[i]), LG_REQ_DONE);
        assert_int_equal(r->reply.micros, micros[i]);
        lg__sched_release(f.s, r);
        lg__sched_free(f.s);
        f.s = NULL;
        lg__model_destroy(m);
        fixture_end(&f);
    }
}

static void test_vectors_have_no_output(void **state)
{
    (void)state;
    static const char *const usages[] = {"\"prompt_tokens\":3,\"total_tokens\":3",
                                         "\"total_tokens\":3"};
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        char body[200];
        lg_sched_config cfg = {.max_micros = 25};
        fixture_start(&f, &cfg);
        lg_model *m = other_model(&f, "openai-embed", 0);
        m->price_output = 0;
        m->price_image_input = m->price_image_output = -1;
        submit_to(&f, m, "a");
        lg_request *r = next(&f);
        assert_int_equal(r->worst_tokens, 16 + 8 + 1);
        assert_int_equal(r->worst_micros, 25);
        snprintf(body, sizeof body, "{\"data\":[{\"embedding\":[1,0]}],\"usage\":{%s}}", usages[i]);
        assert_int_equal(answer(&f, r, 200, body), LG_REQ_DONE);
        assert_int_equal(r->reply.micros, 3);
        lg__sched_release(f.s, r);
        lg__sched_free(f.s);
        f.s = NULL;
        lg__model_destroy(m);
        fixture_end(&f);
    }
}

/* Where nobody knows how much can come, a limit of cost cannot be kept. */
static void test_the_most_must_be_known(void **state)
{
    (void)state;
    for (uint64_t cap = 0; cap <= 1000000; cap += 1000000) {
        fixture f;
        lg_sched_config cfg = {.max_micros = cap};
        fixture_start(&f, &cfg);
        lg_model *m = other_model(&f, "openai-image", -1);
        submit_to(&f, m, "a");
        lg_request *r = next(&f);
        if (cap) {
            assert_int_equal(r->reply.fail.code, LG_EINVAL);
            assert_part(lg__fail_message(&r->reply.fail), "the most that a call of it may cost");
        } else {
            assert_int_equal(r->state, LG_REQ_SENT);
            answer(&f, r, 400, "{}");
        }
        lg__sched_release(f.s, r);
        lg__sched_free(f.s);
        f.s = NULL;
        lg__model_destroy(m);
        fixture_end(&f);
    }
}

/* Retries are requests on the wire, too; what was not sent is none. */
static void test_cap_of_calls(void **state)
{
    (void)state;
    fixture f;
    lg_sched_config cfg = {.max_calls = 3};
    fixture_start(&f, &cfg);
    const char *texts[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++)
        submit(&f, texts[i]);
    lg_request *a = next(&f), *b = next(&f), *c = next(&f), *d = next(&f);
    assert_int_equal(c->state, LG_REQ_SENT);
    assert_int_equal(d->state, LG_REQ_FAILED);
    assert_int_equal(d->reply.fail.code, LG_ECAP);
    assert_part(lg__fail_message(&d->reply.fail), "x/m: the limit max_calls = 3 is reached");
    assert_int_equal(stats_of(&f).cap, LG_CAP_CALLS);
    assert_int_equal(answer(&f, a, 200, GOOD("a")), LG_REQ_DONE); /* in flight: is kept */
    assert_int_equal(answer(&f, b, 429, "{}"), LG_REQ_BACKOFF);
    assert_ptr_equal(next(&f), b); /* at once: there is nothing to wait for */
    assert_int_equal(b->reply.fail.code, LG_ECAP);
    assert_int_equal(break_off(&f, c, LG_ECONNECT, false, "nobody there"), LG_REQ_BACKOFF);
    assert_ptr_equal(next(&f), c);
    assert_int_equal(stats_of(&f).attempts, 3);
    lg_request *all[] = {a, b, c, d};
    for (int i = 0; i < 4; i++)
        lg__sched_release(f.s, all[i]);
    fixture_end(&f);
}

/* However many are in flight: paid and set aside never pass the cap, and while others
 * may still give back, a call waits instead of failing. */
static void sweep_cost(uint64_t cap, bool silent)
{
    fixture f;
    lg_sched_config cfg = {.max_micros = cap};
    lg_request *flight[64];
    size_t n = 0, ended = 0;
    char text[16];
    fixture_start(&f, &cfg);
    price(&f);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "q%d", i);
        submit(&f, text);
    }
    while (ended < 40) {
        lg_request *r;
        while ((r = next(&f))) {
            lg_stats s = stats_of(&f);
            assert_true(s.micros + s.reserved_micros <= cap);
            if (r->state == LG_REQ_FAILED) {
                assert_int_equal(r->reply.fail.code, LG_ECAP);
                lg__sched_release(f.s, r);
                ended++;
            } else {
                flight[n++] = r;
            }
        }
        if (n > 0) {
            r = flight[--n];
            answer(&f, r, 200,
                   silent ? "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}" : BILLED(3, 0, 1));
            lg__sched_release(f.s, r);
            ended++;
        }
        assert_true(stats_of(&f).micros <= cap);
    }
    assert_int_equal(stats_of(&f).cap, LG_CAP_COST);
    assert_true(stats_of(&f).calls > 0);
    fixture_end(&f);
}

static void test_cap_of_cost(void **state)
{
    (void)state;
    for (uint64_t cap = 130; cap < 500; cap += 37) {
        sweep_cost(cap, false);
        sweep_cost(cap, true); /* no bill: the worst case counts */
    }
}

static void test_cap_of_tokens(void **state)
{
    (void)state;
    fixture f;
    lg_sched_config cfg = {.max_tokens = 60};
    fixture_start(&f, &cfg);
    submit(&f, "a");
    submit(&f, "b");
    lg_request *a = next(&f);
    assert_null(next(&f)); /* until the first has given back */
    assert_int_equal(stats_of(&f).cap, LG_CAP_NONE);
    answer(&f, a, 200, GOOD("a")); /* 12 tokens */
    lg_request *b = next(&f);
    assert_int_equal(b->state, LG_REQ_SENT);
    answer(&f, b, 200, BILLED(30, 0, 9));
    submit(&f, "c");
    lg_request *c = next(&f);
    assert_int_equal(c->reply.fail.code, LG_ECAP);
    assert_int_equal(stats_of(&f).cap, LG_CAP_TOKENS);
    lg_request *all[] = {a, b, c};
    for (int i = 0; i < 3; i++)
        lg__sched_release(f.s, all[i]);
    fixture_end(&f);
}

static void test_cap_of_time(void **state)
{
    (void)state;
    fixture f;
    lg_sched_config cfg = {.max_time_ms = 1000};
    fixture_start(&f, &cfg);
    submit(&f, "a");
    submit(&f, "b");
    lg_request *a = next(&f);
    lg_request *b = next(&f);
    answer_later(&f, a, 429, 60000);
    assert_int_equal(lg__sched_due(f.s), SECOND); /* not in a minute */
    advance_to_due(&f);
    assert_ptr_equal(next(&f), a);
    assert_int_equal(a->reply.fail.code, LG_ECAP);
    assert_int_equal(answer(&f, b, 200, GOOD("b")), LG_REQ_DONE);
    assert_int_equal(stats_of(&f).cap, LG_CAP_TIME);
    lg__sched_release(f.s, a);
    lg__sched_release(f.s, b);
    fixture_end(&f);
}

static void test_cost_needs_prices(void **state)
{
    (void)state;
    fixture f;
    lg_sched_config cfg = {.max_micros = 1000000};
    fixture_start(&f, &cfg);
    f.model->price_output = -1;
    submit(&f, "a");
    lg_request *a = next(&f);
    assert_int_equal(a->reply.fail.code, LG_EINVAL);
    assert_part(lg__fail_message(&a->reply.fail), "its price is not known");
    assert_int_equal(stats_of(&f).cap, LG_CAP_NONE);
    lg__sched_release(f.s, a);
    fixture_end(&f);
}

/* Numbers from servers are not trusted. */
static void test_huge_numbers(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    price(&f);
    submit(&f, "a");
    lg_request *r = next(&f);
    answer(&f, r, 200, BILLED(9223372036854775807, 9223372036854775807, 9223372036854775807));
    assert_int_equal(r->reply.micros, INT64_MAX / 1000000);
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

/* What is set aside for calls that may cost more than can be counted comes back whole. */
static void test_sums_of_huge_numbers(void **state)
{
    (void)state;
    enum { MANY = 40 };
    fixture f;
    lg_request *r[MANY];
    char text[16];
    fixture_start(&f, &(lg_sched_config){.max_tokens = UINT64_MAX, .concurrency = MANY});
    price(&f);
    f.model->price_output = INT64_MAX;
    f.model->max_output = INT64_MAX;
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "q%d", i);
        submit(&f, text);
    }
    for (int i = 0; i < MANY; i++) {
        r[i] = next(&f);
        assert_non_null(r[i]);
    }
    assert_true(stats_of(&f).reserved_tokens >= MANY);
    assert_true(stats_of(&f).reserved_micros >= MANY);
    for (int i = 0; i < MANY; i++) {
        answer(&f, r[i], 200, BILLED(9223372036854775807, 0, 9223372036854775807));
        assert_true(stats_of(&f).micros >= (uint64_t)r[i]->reply.micros);
        lg__sched_release(f.s, r[i]);
    }
    assert_int_equal(stats_of(&f).reserved_tokens, 0);
    assert_int_equal(stats_of(&f).reserved_micros, 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_cost_is_rounded_up),
        cmocka_unit_test(test_long_inputs_cost_more),
        cmocka_unit_test(test_long_inputs_are_reserved),
        cmocka_unit_test(test_schemas_are_reserved),
        cmocka_unit_test(test_the_providers_word_wins),
        cmocka_unit_test(test_unknown_is_unpriced),
        cmocka_unit_test(test_useless_replies_are_bought),
        cmocka_unit_test(test_pictures_have_prices_of_their_own),
        cmocka_unit_test(test_pictures_among_words),
        cmocka_unit_test(test_vectors_have_no_output),
        cmocka_unit_test(test_the_most_must_be_known),
        cmocka_unit_test(test_cap_of_calls),
        cmocka_unit_test(test_cap_of_cost),
        cmocka_unit_test(test_cap_of_tokens),
        cmocka_unit_test(test_cap_of_time),
        cmocka_unit_test(test_cost_needs_prices),
        cmocka_unit_test(test_huge_numbers),
        cmocka_unit_test(test_sums_of_huge_numbers),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
