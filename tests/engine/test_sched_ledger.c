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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_the_providers_word_wins),
        cmocka_unit_test(test_unknown_is_unpriced),
        cmocka_unit_test(test_cap_of_calls),
        cmocka_unit_test(test_cap_of_cost),
        cmocka_unit_test(test_cap_of_tokens),
        cmocka_unit_test(test_cap_of_time),
        cmocka_unit_test(test_cost_needs_prices),
        cmocka_unit_test(test_huge_numbers),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
