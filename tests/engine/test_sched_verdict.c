/* test_sched_verdict.c - retries, back-off, repairs, budgets and messages: what an
 * ended attempt means. Time is virtual. */
#include "sched_fixture.h"

static lg_request *send(fixture *f, const char *text)
{
    lg_request *r = submit(f, text);
    assert_ptr_equal(lg__sched_next(f->s), r);
    return r;
}

/* ---- again --------------------------------------------------------------- */

static void test_retry_until_good(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(answer(&f, r, 503, ""), LG_REQ_BACKOFF);
        assert_int_equal(stats_of(&f).waiting, 1);
        if (lg__sched_due(f.s) > lg__clock_now(&f.clock))
            assert_null(lg__sched_next(f.s));

        advance_to_due(&f);
        assert_ptr_equal(lg__sched_next(f.s), r);
        assert_int_equal(r->attempts, i + 1);
    }
    assert_int_equal(answer(&f, r, 200, GOOD("A")), LG_REQ_DONE);
    assert_int_equal(r->reply.fail.code, LG_OK);
    assert_string_equal(r->reply.text->data, "A");
    lg_stats s = stats_of(&f);
    assert_int_equal(s.calls, 1);
    assert_int_equal(s.calls_by_kind[LG_FORWARD], 1);
    assert_int_equal(s.attempts, 4);
    assert_int_equal(s.retries, 3);
    assert_int_equal(s.failed, 0);
    assert_int_equal(s.ambiguous, 0);
    assert_int_equal(s.usage[LG_FORWARD].output, 2);
    fixture_end(&f);
}

static void test_gives_up(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 3});
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 500, ""), LG_REQ_BACKOFF);
    advance_to_due(&f);
    lg__sched_next(f.s);
    assert_int_equal(answer(&f, r, 429, ""), LG_REQ_BACKOFF);
    advance_to_due(&f);
    lg__sched_next(f.s);
    assert_int_equal(answer(&f, r, 503, "{\"error\":\"too busy\"}"), LG_REQ_FAILED);
    assert_string_equal(lg__fail_message(&r->reply.fail),
                        "gave up after 3 tries; the last: x/m: HTTP 503 (server overloaded or "
                        "failing): too busy");
    assert_int_equal(r->reply.fail.code, LG_EOVERLOAD);
    assert_int_equal(r->reply.fail.http_status, 503);
    assert_true(r->reply.fail.retryable); /* the same call may work later */
    assert_int_equal(stats_of(&f).failed, 1);
    fixture_end(&f);
}

static void test_permanent_refusals(void **state)
{
    (void)state;
    static const int statuses[] = {400, 401, 402, 403, 404, 413, 422, 301};
    fixture f;
    fixture_start(&f, NULL);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        lg_request *r = send(&f, "a");
        assert_int_equal(answer(&f, r, statuses[i], ""), LG_REQ_FAILED);
        assert_null(strstr(lg__fail_message(&r->reply.fail), "gave up"));
        lg__sched_release(f.s, r);
    }
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 429, "{\"error\":{\"code\":\"insufficient_quota\"}}"),
                     LG_REQ_FAILED);
    assert_int_equal(r->reply.fail.code, LG_EMONEY);
    assert_int_equal(stats_of(&f).retries, 0);
    fixture_end(&f);
}

static void test_failures_below_http(void **state)
{
    (void)state;
    static const struct {
        int code, state;
        bool sent;
    } rows[] = {
        {LG_ERESOLVE, LG_REQ_BACKOFF, false},  {LG_ECONNECT, LG_REQ_BACKOFF, false},
        {LG_ETIMEOUT, LG_REQ_BACKOFF, true},   {LG_ERESET, LG_REQ_BACKOFF, true},
        {LG_ETRUNCATED, LG_REQ_BACKOFF, true}, {LG_ETLS, LG_REQ_FAILED, false},
        {LG_ETOOBIG, LG_REQ_FAILED, true},     {LG_EINVAL, LG_REQ_FAILED, false},
        {LG_ENOMEM, LG_REQ_FAILED, true},
    };
    fixture f;
    uint64_t ambiguous = 0;
    char text[16];
    fixture_start(&f, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "%zu", i);
        lg_request *r = send(&f, text);
        assert_int_equal(break_off(&f, r, rows[i].code, rows[i].sent, "what curl says"),
                         rows[i].state);
        ambiguous += rows[i].sent ? 1 : 0;
        assert_int_equal(stats_of(&f).ambiguous, ambiguous);
        if (rows[i].state == LG_REQ_FAILED) {
            assert_string_equal(lg__fail_message(&r->reply.fail), "x/m: what curl says");
            assert_int_equal(r->reply.fail.ambiguous, rows[i].sent);
        }
        lg__sched_cancel(f.s, r);
    }
    fixture_end(&f);
}

/* r's next try ends with nobody there. */
static int try_nobody(fixture *f, lg_request *r)
{
    advance_to_due(f);
    assert_ptr_equal(lg__sched_next(f->s), r);
    return break_off(f, r, LG_ECONNECT, false, "connection refused");
}

static void test_nobody_was_ever_there(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(break_off(&f, r, LG_ECONNECT, false, "connection refused"), LG_REQ_BACKOFF);
    assert_int_equal(try_nobody(&f, r), LG_REQ_BACKOFF);
    assert_int_equal(try_nobody(&f, r), LG_REQ_FAILED);
    fixture_end(&f);
}

/* The first call of a process, whose server dies in the middle and starts again. */
static void test_a_server_that_died_is_waited_for(void **state)
{
    (void)state;
    static const int codes[] = {LG_ERESET, LG_ETRUNCATED, LG_ETIMEOUT};
    for (size_t i = 0; i <= sizeof codes / sizeof *codes; i++) {
        fixture f;
        fixture_start(&f, NULL);
        lg_request *r = send(&f, "a");
        if (i < sizeof codes / sizeof *codes)
            assert_int_equal(break_off(&f, r, codes[i], true, "it broke off"), LG_REQ_BACKOFF);
        else
            assert_int_equal(answer(&f, r, 503, "{\"error\":\"loading\"}"), LG_REQ_BACKOFF);

        for (int tries = 2; tries < 10; tries++)
            assert_int_equal(try_nobody(&f, r), LG_REQ_BACKOFF);

        advance_to_due(&f);
        assert_ptr_equal(lg__sched_next(f.s), r);
        assert_int_equal(answer(&f, r, 200, GOOD("A")), LG_REQ_DONE);
        fixture_end(&f);
    }
}

/* A web page is no model, however well it is reached. */
static void test_a_wrong_address_is_told_soon(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    for (int tries = 1; tries < 3; tries++) {
        assert_int_equal(answer(&f, r, 200, "<html>"), LG_REQ_BACKOFF);
        advance_to_due(&f);
        assert_ptr_equal(lg__sched_next(f.s), r);
    }
    assert_int_equal(answer(&f, r, 200, "<html>"), LG_REQ_FAILED);
    fixture_end(&f);
}

/* Each of them is paid for, and they tell nothing about the address. */
static void test_empty_answers_are_asked_for_three_times(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a"), *other = send(&f, "b");
    for (int tries = 1; tries < 3; tries++) {
        assert_int_equal(answer(&f, r, 200, GOOD("")), LG_REQ_BACKOFF);
        advance_to_due(&f);
        assert_ptr_equal(lg__sched_next(f.s), r);
    }
    assert_int_equal(answer(&f, r, 200, GOOD("")), LG_REQ_FAILED);
    assert_int_equal(r->reply.fail.code, LG_EEMPTY);
    assert_int_equal(stats_of(&f).usage[LG_FORWARD].output, 3 * 2);
    assert_int_equal(stats_of(&f).ambiguous, 0);
    lg__sched_release(f.s, r);
    lg_request *again = send(&f, "a"); /* nor is it kept for the next who asks */
    assert_int_equal(answer(&f, again, 200, GOOD("A")), LG_REQ_DONE);
    assert_int_equal(answer(&f, other, 200, GOOD("B")), LG_REQ_DONE);
    fixture_end(&f);
}

#define AS(name)         \
    "{\"model\":\"" name \
    "\",\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"

/* Said once for a model of a place, whatever objects there are of it. */
static void test_another_model_is_told_once(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *twin = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    assert_int_equal(answer(&f, send(&f, "a"), 200, AS("m-2024-08-06")), LG_REQ_DONE);
    assert_null(strstr(f.logged, "another model"));
    assert_int_equal(answer(&f, send(&f, "b"), 200, AS("qwen3\\n-8b.gguf")), LG_REQ_DONE);
    assert_part(f.logged, "x/m: the server answered as \"qwen3?-8b.gguf\", which is another model "
                          "than \"m\"");
    size_t logged = strlen(f.logged);
    assert_int_equal(answer(&f, send(&f, "c"), 200, AS("sk-canary-0")), LG_REQ_DONE);
    lg_request *r = submit_to(&f, twin, "d");
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 200, AS("qwen3")), LG_REQ_DONE);
    assert_int_equal(strlen(f.logged), logged);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(twin);
    fixture_end(&f);
}

static void test_paid_but_useless(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 200, "{\"choices\":[{\"mess"), LG_REQ_BACKOFF);
    assert_int_equal(stats_of(&f).ambiguous, 1);
    advance_to_due(&f);
    lg__sched_next(f.s);
    /* refused with usage: paid for sure, so it is counted as that */
    assert_int_equal(answer(&f, r, 200,
                            "{\"choices\":[{\"message\":{\"refusal\":\"no\"}}],"
                            "\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":1}}"),
                     LG_REQ_FAILED);
    assert_int_equal(stats_of(&f).ambiguous, 1);
    assert_int_equal(stats_of(&f).usage[LG_FORWARD].input, 7);
    assert_int_equal(stats_of(&f).calls, 0);
    fixture_end(&f);
}

static void test_no_key_in_messages(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    break_off(&f, r, LG_EINVAL, false, "bad URL: https://x/?key=sk-canary-0");
    assert_null(strstr(lg__fail_message(&r->reply.fail), "canary"));
    assert_part(lg__fail_message(&r->reply.fail), "bad URL");
    fixture_end(&f);
}

/* ---- back-off ------------------------------------------------------------ */

/* Something went well: the endpoint is not down. */
static void sign_of_life(fixture *f)
{
    char text[32];
    snprintf(text, sizeof text, "well %d", (int)f->last_id);
    lg_request *r = send(f, text);
    assert_int_equal(answer(f, r, 200, GOOD("A")), LG_REQ_DONE);
    lg__sched_release(f->s, r);
}

/* The delay before the try of this number (from 2) of a call with this text. */
static int64_t delay_of(fixture *f, const char *text, int try)
{
    int64_t us = 0;
    lg_request *r = send(f, text);
    for (int i = 2; i <= try; i++) {
        sign_of_life(f);
        assert_int_equal(answer(f, r, 500, ""), LG_REQ_BACKOFF);
        us = r->due.us - lg__clock_now(&f->clock);
        lg__clock_advance(&f->clock, r->due.us);
        assert_ptr_equal(lg__sched_next(f->s), r);
    }
    lg__sched_cancel(f->s, r);
    advance(f, 100 * SECOND); /* the budget of retries is whole again */
    return us;
}

static void test_full_jitter(void **state)
{
    (void)state;
    enum { N = 300 };
    fixture f;
    char text[32];
    fixture_start(&f, NULL);
    for (int try = 2; try <= 9; try++) {
        int64_t longest = SECOND / 2, sum = 0, most = 0;
        for (int i = 2; i < try && longest < 30 * SECOND; i++)
            longest *= 2;

        longest = longest < 30 * SECOND ? longest : 30 * SECOND;
        for (int i = 0; i < N; i++) {
            snprintf(text, sizeof text, "%d-%d", try, i);
            int64_t us = delay_of(&f, text, try);
            assert_in_range(us, 0, longest);
            sum += us;
            most = us > most ? us : most;
        }
        /* evenly spread: the mean of 300 is half, give or take six deviations */
        assert_in_range(sum / N, longest * 40 / 100, longest * 60 / 100);
        assert_true(most > longest * 9 / 10);
    }
    fixture_end(&f);
}

static void test_jitter_depends_on_nothing_else(void **state)
{
    (void)state;
    fixture f, g, other;
    fixture_start(&f, &(lg_sched_config){.seed = 5});
    fixture_start(&g, &(lg_sched_config){.seed = 5});
    fixture_start(&other, &(lg_sched_config){.seed = 6});
    int64_t a = delay_of(&f, "a", 2), b = delay_of(&f, "b", 2), a3 = delay_of(&f, "a", 3);
    delay_of(&g, "z", 4);
    assert_int_equal(delay_of(&g, "b", 2), b);
    assert_int_equal(delay_of(&g, "a", 3), a3);
    assert_int_equal(delay_of(&g, "a", 2), a);
    assert_int_not_equal(a, b);
    assert_int_not_equal(delay_of(&other, "a", 2), a);
    fixture_end(&f);
    fixture_end(&g);
    fixture_end(&other);
}

static void test_server_delay_is_a_minimum(void **state)
{
    (void)state;
    fixture f;
    char text[16];
    int64_t first = 0, last = 0;
    lg_request *all[51];
    fixture_start(&f, &(lg_sched_config){.concurrency = 64});
    for (int i = 0; i < 51; i++) {
        snprintf(text, sizeof text, "%d", i);
        all[i] = send(&f, text);
    }
    for (int i = 0; i < 50; i++) {
        lg_request *r = all[i];
        assert_int_equal(answer_later(&f, r, 429, 8000), LG_REQ_BACKOFF);
        int64_t us = r->due.us - lg__clock_now(&f.clock);
        assert_in_range(us, 8 * SECOND, 9 * SECOND);
        first = i == 0 || us < first ? us : first;
        last = us > last ? us : last;
    }
    assert_true(last - first > SECOND / 2); /* not all at once */
    assert_int_equal(answer_later(&f, all[50], 503, 120000), LG_REQ_BACKOFF);
    fixture_end(&f);
}

static void test_server_delay_too_long(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer_later(&f, r, 429, 120001), LG_REQ_FAILED);
    assert_part(lg__fail_message(&r->reply.fail), "x/m: HTTP 429 (rate limit)");
    assert_part(lg__fail_message(&r->reply.fail), "asks to wait 121 s");
    assert_part(lg__fail_message(&r->reply.fail), "120 s");
    assert_int_equal(r->reply.fail.retry_after_ms, 120001);
    assert_int_equal(r->reply.fail.code, LG_ERATE);
    fixture_end(&f);
}

/* More than a tenth of retries, and more than ten: twice as long, but never failed. */
static void test_budget_of_retries(void **state)
{
    (void)state;
    fixture f, calm;
    char text[16];
    fixture_start(&f, NULL);
    fixture_start(&calm, NULL);
    int64_t alone = delay_of(&calm, "x", 2);
    for (int i = 0; i < 11; i++) {
        snprintf(text, sizeof text, "%d", i);
        lg_request *r = send(&f, text);
        assert_int_equal(answer(&f, r, 500, ""), LG_REQ_BACKOFF);
        lg__clock_advance(&f.clock, r->due.us);
        assert_ptr_equal(lg__sched_next(f.s), r);
        lg__sched_cancel(f.s, r);
        if (i == 9) { /* ten retries are free */
            lg_request *x = send(&f, "x");
            assert_int_equal(answer(&f, x, 500, ""), LG_REQ_BACKOFF);
            assert_int_equal(x->due.us - lg__clock_now(&f.clock), alone);
            lg__sched_cancel(f.s, x);
        }
    }
    lg_request *x = send(&f, "x");
    assert_int_equal(answer(&f, x, 500, ""), LG_REQ_BACKOFF);
    assert_in_range(x->due.us - lg__clock_now(&f.clock), alone * 2 - 1, alone * 2 + 1);
    lg__sched_cancel(f.s, x);
    advance(&f, 61 * SECOND); /* the minute is over */
    x = send(&f, "x");
    assert_int_equal(answer(&f, x, 500, ""), LG_REQ_BACKOFF);
    assert_int_equal(x->due.us - lg__clock_now(&f.clock), alone);
    fixture_end(&f);
    fixture_end(&calm);
}

/* ---- turns --------------------------------------------------------------- */

static void test_back_off_holds_no_place(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1});
    lg_request *a = send(&f, "a"), *b = submit(&f, "b"), *c = submit(&f, "c");
    assert_int_equal(answer_later(&f, a, 500, 1000), LG_REQ_BACKOFF);
    assert_ptr_equal(lg__sched_next(f.s), b);
    advance(&f, 2 * SECOND);
    assert_null(lg__sched_next(f.s)); /* a is due, but b is in the only place */
    assert_int_equal(a->state, LG_REQ_QUEUED);
    assert_int_equal(lg__sched_due(f.s), INT64_MAX);
    assert_int_equal(answer(&f, b, 200, GOOD("B")), LG_REQ_DONE);
    assert_ptr_equal(lg__sched_next(f.s), a); /* before c, which was never tried */
    assert_int_equal(answer(&f, a, 200, GOOD("A")), LG_REQ_DONE);
    assert_ptr_equal(lg__sched_next(f.s), c);
    fixture_end(&f);
}

static void test_due_goes_first_in_order(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 20});
    lg_model *y = fixture_model(&f, "https://y/v1", NULL, 0);
    lg_request *all[20];
    char text[16];
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "%d", i);
        all[i] = send(&f, text);
    }
    for (int i = 0; i < 20; i++)
        assert_int_equal(answer_later(&f, all[i], 500, 1000), LG_REQ_BACKOFF);

    lg_request *fresh = submit_to(&f, y, "fresh");
    advance(&f, 3 * SECOND);
    int64_t before = 0;
    for (int i = 0; i < 20; i++) {
        lg_request *r = lg__sched_next(f.s);
        assert_ptr_not_equal(r, fresh);
        assert_true(r->due.us >= before);
        before = r->due.us;
    }
    assert_ptr_equal(lg__sched_next(f.s), fresh);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(y);
    fixture_end(&f);
}

/* ---- repair -------------------------------------------------------------- */

#define RENAME                                                                              \
    "{\"error\":{\"message\":\"'max_tokens' is not supported. Use 'max_completion_tokens' " \
    "instead.\",\"param\":\"max_tokens\",\"code\":\"unsupported_parameter\"}}"
#define DROP \
    "{\"error\":{\"message\":\"no\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}"

static void test_repair(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 1});
    lg_request *r = send(&f, "a");
    assert_part(r->body.data, "\"max_tokens\":9,\"temperature\":0}");
    assert_int_equal(answer(&f, r, 400, RENAME), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r); /* at once */
    assert_part(r->body.data, "\"max_completion_tokens\":9,\"temperature\":0}");
    assert_int_equal(answer(&f, r, 400, DROP), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_part(r->body.data, "\"max_completion_tokens\":9}");
    assert_int_equal(answer(&f, r, 200, GOOD("A")), LG_REQ_DONE);
    assert_string_equal(f.logged, "2 x/m does not take max_tokens; from now on it is sent as "
                                  "max_completion_tokens\n"
                                  "2 x/m does not take temperature; from now on it is left out\n");
    assert_int_equal(stats_of(&f).attempts, 3);
    assert_int_equal(r->repairs, 2);
    lg__sched_release(f.s, r);
    r = send(&f, "b"); /* known now */
    assert_part(r->body.data, "\"max_completion_tokens\":9}");
    fixture_end(&f);
}

/* Calls that were on their way when the model learned are sent again, too. */
static void test_repair_of_many_in_flight(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 1});
    lg_request *a = send(&f, "a"), *b = send(&f, "b"), *c = submit(&f, "c");
    assert_int_equal(answer(&f, a, 400, DROP), LG_REQ_QUEUED);
    assert_int_equal(answer(&f, b, 400, DROP), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_ptr_equal(lg__sched_next(f.s), b);
    assert_ptr_equal(lg__sched_next(f.s), c);
    assert_null(strstr(b->body.data, "temperature"));
    assert_null(strstr(c->body.data, "temperature"));
    assert_string_equal(f.logged, "2 x/m does not take temperature; from now on it is left out\n");
    fixture_end(&f);
}

static void test_repair_that_does_not_help(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 400, DROP), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 400, DROP), LG_REQ_FAILED); /* it was not even sent */
    assert_int_equal(r->reply.fail.code, LG_EBADREQUEST);
    assert_int_equal(r->attempts, 2);
    fixture_end(&f);
}

static void test_repair_of_what_was_not_sent(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 400,
                            "{\"error\":{\"message\":\"no\",\"param\":\"seed\","
                            "\"code\":\"unsupported_parameter\"}}"),
                     LG_REQ_FAILED);
    assert_null(f.model->repairs);
    assert_string_equal(f.logged, "");
    fixture_end(&f);
}

/* A server that wants the field under ever other names is believed four times. */
static void test_repairs_end(void **state)
{
    (void)state;
    static const char *const names[] = {
        "max_tokens", "max_completion_tokens", "n", "seed", "user", "store", "top_k"};
    fixture f;
    char body[300];
    int i = 0, now = LG_REQ_QUEUED;
    fixture_start(&f, NULL);
    lg_request *r = submit(&f, "a");
    for (; now == LG_REQ_QUEUED; i++) {
        assert_ptr_equal(lg__sched_next(f.s), r);
        snprintf(body, sizeof body,
                 "{\"error\":{\"message\":\"Use '%s' instead\",\"param\":\"%s\","
                 "\"code\":\"unsupported_parameter\"}}",
                 names[i + 1], names[i]);
        now = answer(&f, r, 400, body);
    }
    assert_int_equal(now, LG_REQ_FAILED);
    assert_int_equal(i, 5);
    assert_int_equal(r->repairs, 4);
    fixture_end(&f);
}

/* A repaired attempt is none of the tries: neither counted nor backed off for. */
static void test_repair_and_retry(void **state)
{
    (void)state;
    fixture f, plain;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 2});
    fixture_start(&plain, NULL);
    int64_t alone = delay_of(&plain, "a", 2);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 400, DROP), LG_REQ_QUEUED);
    lg__sched_next(f.s);
    assert_int_equal(answer(&f, r, 500, ""), LG_REQ_BACKOFF);
    assert_int_equal(r->due.us, alone);
    advance_to_due(&f);
    lg__sched_next(f.s);
    assert_int_equal(answer(&f, r, 500, ""), LG_REQ_FAILED);
    assert_part(lg__fail_message(&r->reply.fail), "gave up after 2 tries");
    assert_int_equal(stats_of(&f).attempts, 3);
    fixture_end(&f);
    fixture_end(&plain);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_retry_until_good),
    cmocka_unit_test(test_gives_up),
    cmocka_unit_test(test_permanent_refusals),
    cmocka_unit_test(test_failures_below_http),
    cmocka_unit_test(test_nobody_was_ever_there),
    cmocka_unit_test(test_a_server_that_died_is_waited_for),
    cmocka_unit_test(test_a_wrong_address_is_told_soon),
    cmocka_unit_test(test_empty_answers_are_asked_for_three_times),
    cmocka_unit_test(test_another_model_is_told_once),
    cmocka_unit_test(test_paid_but_useless),
    cmocka_unit_test(test_no_key_in_messages),
    cmocka_unit_test(test_full_jitter),
    cmocka_unit_test(test_jitter_depends_on_nothing_else),
    cmocka_unit_test(test_server_delay_is_a_minimum),
    cmocka_unit_test(test_server_delay_too_long),
    cmocka_unit_test(test_budget_of_retries),
    cmocka_unit_test(test_back_off_holds_no_place),
    cmocka_unit_test(test_due_goes_first_in_order),
    cmocka_unit_test(test_repair),
    cmocka_unit_test(test_repair_of_many_in_flight),
    cmocka_unit_test(test_repair_that_does_not_help),
    cmocka_unit_test(test_repair_of_what_was_not_sent),
    cmocka_unit_test(test_repairs_end),
    cmocka_unit_test(test_repair_and_retry),
};
LG_TEST_MAIN(tests)
