/* test_sched.c - lines, limits, turns, single flight, memo, cancelling.
 * What an ended attempt means is test_sched_verdict.c's. */
#include "sched_fixture.h"

/* ---- lines and limits ---------------------------------------------------- */

static void test_first_come_first_served(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *a = submit(&f, "a"), *b = submit(&f, "b"), *c = submit(&f, "c");
    assert_int_equal(a->state, LG_REQ_QUEUED);
    assert_null(a->body.data); /* not written before its turn */
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_ptr_equal(lg__sched_next(f.s), b);
    assert_ptr_equal(lg__sched_next(f.s), c);
    assert_null(lg__sched_next(f.s));
    assert_int_equal(a->state, LG_REQ_SENT);
    assert_int_equal(a->attempts, 1);
    assert_non_null(a->body.data);
    fixture_end(&f);
}

static void test_limit(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 2});
    lg_request *a = submit(&f, "a");
    submit(&f, "b");
    lg_request *c = submit(&f, "c");
    assert_non_null(lg__sched_next(f.s));
    assert_non_null(lg__sched_next(f.s));
    assert_null(lg__sched_next(f.s));
    assert_int_equal(stats_of(&f).in_flight, 2);
    assert_int_equal(stats_of(&f).queued, 1);
    assert_int_equal(answer(&f, a, 200, GOOD("A")), LG_REQ_DONE);
    assert_ptr_equal(lg__sched_next(f.s), c); /* a place is free before a is read */
    assert_null(lg__sched_next(f.s));
    lg__sched_release(f.s, a);
    fixture_end(&f);
}

static int start_all(fixture *f, lg_request **sent)
{
    int n = 0;
    for (lg_request *r; (r = lg__sched_next(f->s)) != NULL; n++)
        sent[n] = r;

    return n;
}

/* A server that nobody stated anything of is met with 16 calls, and with twice as many
 * after each round trip. */
static void test_default_limit(void **state)
{
    (void)state;
    static const int waves[] = {16, 32, 64, 64};
    fixture f;
    char text[16];
    lg_request *sent[200];
    fixture_start(&f, NULL);
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "%d", i);
        submit(&f, text);
    }
    for (int wave = 0; wave < 4; wave++) {
        int n = start_all(&f, sent);
        assert_int_equal(n, waves[wave]);
        for (int i = 0; i < n; i++) {
            assert_int_equal(answer(&f, sent[i], 200, GOOD("A")), LG_REQ_DONE);
            lg__sched_release(f.s, sent[i]);
        }
    }
    fixture_end(&f);
}

static void test_stated_limit(void **state)
{
    (void)state;
    fixture f;
    char text[16];
    lg_request *sent[200];
    fixture_start(&f, &(lg_sched_config){.concurrency = 100});
    for (int i = 0; i < 150; i++) {
        snprintf(text, sizeof text, "%d", i);
        submit(&f, text);
    }
    assert_int_equal(start_all(&f, sent), 100);
    fixture_end(&f);
}

static void test_smallest_limit_of_an_endpoint(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 8});
    lg_model *three = fixture_model(&f, "https://x/v1/", "sk-canary-0", 3);
    lg_model *one = fixture_model(&f, "https://x/v1?a=b", "sk-canary-0", 1);
    submit(&f, "a");
    submit(&f, "b");
    submit_to(&f, three, "c");
    assert_non_null(lg__sched_next(f.s));
    submit_to(&f, one, "d");
    assert_null(lg__sched_next(f.s)); /* all three models share the line of one */
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(three);
    lg__model_destroy(one);
    fixture_end(&f);
}

static void test_endpoints_are_apart(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1});
    lg_model *others[] = {
        fixture_model(&f, "https://y/v1", "sk-canary-0", 0),                /* another place */
        fixture_model(&f, "https://x/v1", "sk-canary-1", 0),                /* another key */
        fixture_model(&f, NULL, NULL, 0), fixture_model(&f, NULL, NULL, 0), /* two hosts */
    };
    submit(&f, "a");
    submit(&f, "b");
    for (int i = 0; i < 4; i++) {
        char text[] = {(char)('p' + i), 0};
        submit_to(&f, others[i], text);
    }
    for (int i = 0; i < 5; i++)
        assert_non_null(lg__sched_next(f.s));

    assert_null(lg__sched_next(f.s)); /* b waits for a */
    lg__sched_free(f.s);
    f.s = NULL;
    for (int i = 0; i < 4; i++)
        lg__model_destroy(others[i]);

    fixture_end(&f);
}

static void test_endpoints_take_turns(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *y = fixture_model(&f, "https://y/v1", NULL, 0);
    lg_model *z = fixture_model(&f, "https://z/v1", NULL, 0);
    lg_request *a[] = {submit(&f, "1"), submit(&f, "2"), submit(&f, "3"), submit(&f, "4")};
    lg_request *b[] = {submit_to(&f, y, "1"), submit_to(&f, y, "2")};
    lg_request *c[] = {submit_to(&f, z, "1")};
    lg_request *want[] = {a[0], b[0], c[0], a[1], b[1], a[2], a[3]};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_ptr_equal(lg__sched_next(f.s), want[i]);

    assert_null(lg__sched_next(f.s));
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(y);
    lg__model_destroy(z);
    fixture_end(&f);
}

static void test_forgotten_model(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    uint64_t blocks = 0;
    for (int i = 0; i < 4; i++) {
        lg_model *m = fixture_model(&f, NULL, NULL, 0);
        lg_request *r = submit_to(&f, m, "a");
        assert_ptr_equal(lg__sched_next(f.s), r);
        lg__sched_cancel(f.s, r);
        lg__sched_forget(f.s, m);
        lg__model_destroy(m);
        blocks = i ? blocks : f.heap.live_blocks;
        assert_int_equal(f.heap.live_blocks, blocks);
    }
    lg__sched_forget(f.s, f.model); /* never called */
    fixture_end(&f);
}

/* ---- one call for equal requests ----------------------------------------- */

static void test_single_flight(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *a = submit(&f, "a");
    assert_ptr_equal(submit(&f, "a"), a); /* QUEUED */
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_null(lg__sched_next(f.s));
    assert_ptr_equal(submit(&f, "a"), a); /* SENT */
    assert_int_equal(answer(&f, a, 503, ""), LG_REQ_BACKOFF);
    assert_ptr_equal(submit(&f, "a"), a); /* BACKOFF */
    assert_ptr_not_equal(submit(&f, "b"), a);
    assert_int_equal(stats_of(&f).shared, 3);
    fixture_end(&f);
}

static void finish_good(fixture *f, const char *text, const char *body)
{
    lg_request *r = submit(f, text);
    assert_ptr_equal(lg__sched_next(f->s), r);
    assert_int_equal(answer(f, r, 200, body), LG_REQ_DONE);
    assert_null(r->body.data);
    lg__sched_release(f->s, r);
}

static void test_memo(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    finish_good(&f, "a", GOOD("A"));
    lg_request *r = submit(&f, "a");
    assert_int_equal(r->state, LG_REQ_DONE);
    assert_string_equal(r->reply.text->data, "A");
    assert_int_equal(r->reply.finish, LG_FINISH_STOP);
    assert_string_equal(r->reply.finish_reason, "stop");
    assert_true(r->reply.has_usage);
    assert_int_equal(r->reply.usage.input, 10);
    assert_int_equal(f.model->refs, 1); /* what is kept keeps no model */
    assert_null(lg__sched_next(f.s));
    assert_int_equal(stats_of(&f).attempts, 1);
    assert_int_equal(stats_of(&f).shared, 1);
    assert_int_equal(stats_of(&f).usage[LG_FORWARD].input, 10); /* paid once */
    lg__sched_release(f.s, r);                                  /* harmless */
    assert_ptr_equal(submit(&f, "a"), r);
    fixture_end(&f);
}

static void told(fixture *f, lg_request *r, const char *text, const char *thinking)
{
    const lg_text *t = r->reply.thinking;
    assert_int_equal(r->state, LG_REQ_DONE);
    assert_string_equal(r->reply.text->data, text);
    assert_string_equal(t ? t->data : "", thinking);
    lg__sched_release(f->s, r);
}

/* Who wants thinking left in the text reads the same bytes otherwise: nobody gets the other's. */
static void test_thinking_kept_or_parted(void **state)
{
    static const char body[] = GOOD("<think>hm</think>A");
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *keeps = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    keeps->keep_thinking = true;
    lg_request *a = submit(&f, "a"), *kept = submit_to(&f, keeps, "a");
    assert_ptr_not_equal(a, kept); /* both under way */
    assert_memory_equal(a->key, kept->key, sizeof a->key);
    assert_ptr_equal(submit(&f, "a"), a);
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_ptr_equal(lg__sched_next(f.s), kept);
    assert_int_equal(answer(&f, a, 200, body), LG_REQ_DONE);
    assert_int_equal(answer(&f, kept, 200, body), LG_REQ_DONE);
    told(&f, kept, "<think>hm</think>A", "");
    told(&f, a, "A", "hm");
    told(&f, submit(&f, "a"), "A", "hm"); /* from memory */
    kept = submit_to(&f, keeps, "a");
    assert_int_equal(kept->state, LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), kept);
    assert_int_equal(answer(&f, kept, 200, body), LG_REQ_DONE);
    told(&f, kept, "<think>hm</think>A", "");
    told(&f, submit_to(&f, keeps, "a"), "<think>hm</think>A", "");
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(keeps);
    lg_sched_config none = {0};
    assert_int_equal(lg__sched_new(&f.mem, &f.log, &f.clock, &none, &f.s), LG_OK);
    fixture_end(&f);
}

static void asked_again(fixture *f, const char *text)
{
    uint64_t attempts = stats_of(f).attempts;
    lg_request *r = submit(f, text);
    assert_int_equal(r->state, LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f->s), r);
    assert_int_equal(stats_of(f).attempts, attempts + 1);
}

static void test_what_is_not_kept(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    finish_good(&f, "cut", CUT("A"));
    asked_again(&f, "cut");
    lg_request *r = submit(&f, "failed");
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 401, ""), LG_REQ_FAILED);
    asked_again(&f, "failed"); /* even before the failure is read */
    lg__sched_release(f.s, r);
    fixture_end(&f);
    fixture_start(&f, NULL);
    f.model->no_memo = true;
    finish_good(&f, "a", GOOD("A"));
    asked_again(&f, "a");
    fixture_end(&f);
    fixture_start(&f, &(lg_sched_config){.memo_bytes = 1});
    finish_good(&f, "a", GOOD("A"));
    asked_again(&f, "a");
    fixture_end(&f);
}

/* It shares what is under way, but takes nothing from the shelf. */
static void test_no_memo_model_beside_another(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *fresh = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    fresh->no_memo = true;
    finish_good(&f, "a", GOOD("A"));
    lg_request *r = submit_to(&f, fresh, "a");
    assert_int_equal(r->state, LG_REQ_QUEUED);
    assert_ptr_equal(submit_to(&f, fresh, "a"), r);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 200, GOOD("B")), LG_REQ_DONE);
    lg__sched_release(f.s, r);
    asked_again(&f, "a");
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(fresh);
    fixture_end(&f);
}

/* It shares nothing, neither with others nor with itself, and leaves them alone. */
static void test_a_fresh_model_buys_each_call(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *fresh = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    fresh->no_memo = fresh->fresh = true;
    finish_good(&f, "a", GOOD("A"));
    lg_request *r[3];
    for (int i = 0; i < 3; i++) {
        r[i] = submit_to(&f, fresh, "a");
        assert_ptr_equal(lg__sched_next(f.s), r[i]);
    }
    assert_ptr_not_equal(r[0], r[1]);
    assert_int_equal(submit(&f, "a")->state, LG_REQ_DONE); /* what was kept still is */
    lg__sched_cancel(f.s, r[0]);
    assert_int_equal(answer(&f, r[1], 200, GOOD("B")), LG_REQ_DONE);
    lg__sched_release(f.s, r[1]);
    assert_int_equal(answer(&f, r[2], 401, ""), LG_REQ_FAILED);
    lg__sched_release(f.s, r[2]);
    lg_request *kept = submit(&f, "a");
    assert_int_equal(kept->state, LG_REQ_DONE);
    assert_string_equal(kept->reply.text->data, "A");
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(fresh);
    fixture_end(&f);
}

static void test_least_recently_used_goes(void **state)
{
    (void)state;
    fixture f;
    lg_sched_config cfg = {.memo_bytes = 3 * (sizeof(lg_request) + 200)};
    fixture_start(&f, &cfg);
    finish_good(&f, "a", GOOD("A"));
    finish_good(&f, "b", GOOD("B"));
    finish_good(&f, "c", GOOD("C"));
    assert_int_equal(submit(&f, "a")->state, LG_REQ_DONE);
    finish_good(&f, "d", GOOD("D"));
    assert_int_equal(submit(&f, "a")->state, LG_REQ_DONE);
    assert_int_equal(submit(&f, "c")->state, LG_REQ_DONE);
    assert_int_equal(submit(&f, "d")->state, LG_REQ_DONE);
    asked_again(&f, "b");
    fixture_end(&f);
}

static void test_memo_stays_within_its_size(void **state)
{
    (void)state;
    fixture f;
    char text[16];
    fixture_start(&f, &(lg_sched_config){.memo_bytes = 64 * 1024});
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "%d", i);
        finish_good(&f, text, GOOD("some text of an answer"));
    }
    assert_true(f.heap.live_bytes < 96 * 1024);
    assert_int_equal(submit(&f, "1999")->state, LG_REQ_DONE);
    fixture_end(&f);
}

/* ---- leaving ------------------------------------------------------------- */

static void test_cancel_in_every_state(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1});
    lg_request *a = submit(&f, "a"), *b = submit(&f, "b"), *c = submit(&f, "c");
    assert_ptr_equal(lg__sched_next(f.s), a);
    lg__sched_cancel(f.s, b); /* QUEUED */
    assert_int_equal(stats_of(&f).queued, 1);
    lg__sched_cancel(f.s, a); /* SENT: its place is free, and it may be on the bill */
    assert_int_equal(stats_of(&f).in_flight, 0);
    assert_int_equal(stats_of(&f).ambiguous, 1);
    assert_ptr_equal(lg__sched_next(f.s), c);
    assert_int_equal(answer(&f, c, 500, ""), LG_REQ_BACKOFF);
    lg__sched_cancel(f.s, c); /* BACKOFF */
    assert_int_equal(stats_of(&f).waiting, 0);
    assert_int_equal(lg__sched_due(f.s), INT64_MAX);
    asked_again(&f, "a"); /* nothing of the old one is left */
    fixture_end(&f);
}

static void test_free_with_all_states_inside(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 4});
    finish_good(&f, "kept", GOOD("A"));
    lg_request *done = submit(&f, "done"), *failed = submit(&f, "failed");
    lg_request *waits = submit(&f, "waits");
    submit(&f, "sent");
    for (int i = 0; i < 4; i++)
        assert_non_null(lg__sched_next(f.s));

    assert_int_equal(answer(&f, done, 200, GOOD("A")), LG_REQ_DONE);
    assert_int_equal(answer(&f, failed, 400, ""), LG_REQ_FAILED);
    assert_int_equal(answer(&f, waits, 500, ""), LG_REQ_BACKOFF);
    submit(&f, "queued");
    fixture_end(&f);
}

/* ---- host models --------------------------------------------------------- */

static void test_host_calls(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.max_attempts = 2});
    lg_model *host = fixture_model(&f, NULL, NULL, 0);
    lg_request *a = submit_to(&f, host, "a"), *b = submit_to(&f, host, "b");
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_ptr_equal(lg__sched_next(f.s), b);
    assert_null(a->body.data);
    assert_int_equal(stats_of(&f).host_running, 2);
    assert_int_equal(stats_of(&f).in_flight, 0);
    a->reply.text = lg__text_new(&f.mem, "A", 1);
    a->reply.finish = LG_FINISH_STOP;
    assert_int_equal(lg__sched_finish_host(f.s, a), LG_REQ_DONE);
    lg__sched_release(f.s, a);
    assert_int_equal(submit_to(&f, host, "a")->state, LG_REQ_DONE);
    lg__fail_set(&b->reply.fail, &f.mem, LG_EOVERLOAD, "later");
    b->reply.fail.retryable = true;
    assert_int_equal(lg__sched_finish_host(f.s, b), LG_REQ_BACKOFF);
    advance_to_due(&f);
    assert_ptr_equal(lg__sched_next(f.s), b);
    assert_int_equal(b->reply.fail.code, LG_OK); /* empty again */
    assert_int_equal(lg__sched_finish_host(f.s, b), LG_REQ_FAILED);
    assert_part(lg__fail_message(&b->reply.fail), "gave no text");
    lg__sched_release(f.s, b);
    assert_int_equal(stats_of(&f).attempts, 0); /* nothing went on the wire */
    assert_int_equal(stats_of(&f).calls, 1);
    assert_int_equal(stats_of(&f).failed, 1);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(host);
    fixture_end(&f);
}

/* ---- many ---------------------------------------------------------------- */

static void test_many_in_line(void **state)
{
    (void)state;
    enum { N = 50000 };
    fixture f;
    char text[16];
    fixture_start(&f, NULL);
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "%d", i);
        submit(&f, text);
    }
    assert_true(f.heap.live_bytes / N < 1024); /* texts are small here: this is us */
    for (int i = 0; i < N; i++) {
        lg_request *r = lg__sched_next(f.s);
        assert_non_null(r);
        assert_int_equal(r->id, i + 1);
        assert_int_equal(answer(&f, r, 200, GOOD("A")), LG_REQ_DONE);
        lg__sched_release(f.s, r);
    }
    assert_int_equal(stats_of(&f).calls, N);
    fixture_end(&f);
}

/* Anything may happen in any order; what must hold always does. */
static void test_random_lives(void **state)
{
    (void)state;
    enum { LIMIT = 5, PLACES = 40, STEPS = 20000 };
    static const int statuses[] = {200, 200, 429, 500, 400};
    fixture f;
    uint64_t seed = 7, ended = 0;
    lg_request *sent[LIMIT];
    int n_sent = 0;
    char text[16];
    fixture_start(&f,
                  &(lg_sched_config){.concurrency = LIMIT, .max_attempts = 3, .memo_bytes = 4096});
    for (int i = 0; i < STEPS; i++) {
        uint64_t x = support_random(&seed);
        lg_request *r = NULL;
        if (x % 4 == 0) {
            snprintf(text, sizeof text, "%d", (int)((x >> 8) % PLACES));
            submit(&f, text);
        } else if (x % 4 == 1) {
            advance(&f, (int64_t)(x >> 8) % SECOND);
        } else if (x % 4 == 2) {
            while ((r = lg__sched_next(f.s)) != NULL) {
                assert_true(n_sent < LIMIT);
                sent[n_sent++] = r;
            }
            assert_true(lg__sched_due(f.s) > lg__clock_now(&f.clock));
        } else if (n_sent > 0) {
            int k = (int)((x >> 8) % (uint64_t)n_sent);
            r = sent[k];
            sent[k] = sent[--n_sent];
            if ((x >> 20) % 8 == 0) {
                lg__sched_cancel(f.s, r);
            } else if (answer(&f, r, statuses[(x >> 20) % 5], GOOD("A")) >= LG_REQ_DONE) {
                ended++;
                lg__sched_release(f.s, r);
            }
        }
        lg_stats s = stats_of(&f);
        assert_int_equal(s.in_flight, n_sent);
        assert_int_equal(s.calls + s.failed, ended);
        assert_true(s.queued + s.waiting + s.in_flight <= PLACES);
    }
    assert_true(ended > 400);
    fixture_end(&f);
}

/* ---- memory -------------------------------------------------------------- */

/* Two calls and a repeat: one is repaired, both are tried again. */
static int oom_life(support_heap *h, void *ctx)
{
    static const char refusal[] =
        "{\"error\":{\"message\":\"no\",\"param\":\"temperature\",\"code\":\"unsupported_value\"}}";
    fixture f;
    (void)ctx;
    memset(&f, 0, sizeof f);
    support_mem_on(&f.mem, h);
    int err = fixture_start_on(&f, &(lg_sched_config){.max_attempts = 2});
    for (int i = 0; err == LG_OK && i < 3; i++) {
        lg_request *r = make(&f, f.model, i == 1 ? "b" : "a"), *got;
        got = r ? lg__sched_submit(f.s, r) : NULL;
        if (!got) {
            lg__request_free(&f.mem, r);
            err = LG_ENOMEM;
        }
    }
    for (int step = 0; err == LG_OK && step < 20; step++) {
        lg_request *r = lg__sched_next(f.s);
        if (r && r->state == LG_REQ_SENT) {
            int status = r->id == 1 && r->repairs == 0 ? 400 : r->attempts == 1 ? 503 : 200;
            answer(&f, r, status, status == 400 ? refusal : status == 503 ? "" : GOOD("A"));
        }
        if (r && r->state == LG_REQ_FAILED) {
            err = r->reply.fail.code == LG_ENOMEM ? LG_ENOMEM : err;
            /* a body that could not be copied for the test is an empty body */
            assert_true(h->faults > 0);
            assert_non_null(lg__fail_message(&r->reply.fail));
        }
        if (r && (r->state == LG_REQ_DONE || r->state == LG_REQ_FAILED))
            lg__sched_release(f.s, r);

        advance(&f, SECOND);
    }
    lg_stats s = {0};
    if (f.s) {
        lg__sched_stats(f.s, &s);
        assert_int_equal(s.in_flight, 0);
        assert_int_equal(s.waiting, 0);
    }
    if (h->faults == 0)
        assert_int_equal(s.calls, 2);

    lg__sched_free(f.s);
    lg__model_destroy(f.model);
    lg__log_free(&f.log);
    return err;
}

static void test_oom_life(void **state)
{
    (void)state;
    oom_sweep(oom_life, NULL);
}

/* A request that cannot be written comes out as a failure, not as a hole. */
static void test_unwritable_request(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1});
    lg_request *a = submit(&f, "a"), *b = submit(&f, "b");
    f.heap.fail_at = f.heap.calls + 1;
    assert_ptr_equal(lg__sched_next(f.s), a);
    assert_int_equal(a->state, LG_REQ_FAILED);
    assert_int_equal(a->reply.fail.code, LG_ENOMEM);
    assert_int_equal(a->attempts, 0);
    assert_int_equal(stats_of(&f).attempts, 0);
    assert_int_equal(stats_of(&f).failed, 1);
    assert_ptr_equal(lg__sched_next(f.s), b);
    lg__sched_release(f.s, a);
    fixture_end(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_first_come_first_served),
    cmocka_unit_test(test_limit),
    cmocka_unit_test(test_default_limit),
    cmocka_unit_test(test_stated_limit),
    cmocka_unit_test(test_smallest_limit_of_an_endpoint),
    cmocka_unit_test(test_endpoints_are_apart),
    cmocka_unit_test(test_endpoints_take_turns),
    cmocka_unit_test(test_forgotten_model),
    cmocka_unit_test(test_single_flight),
    cmocka_unit_test(test_memo),
    cmocka_unit_test(test_thinking_kept_or_parted),
    cmocka_unit_test(test_what_is_not_kept),
    cmocka_unit_test(test_no_memo_model_beside_another),
    cmocka_unit_test(test_a_fresh_model_buys_each_call),
    cmocka_unit_test(test_least_recently_used_goes),
    cmocka_unit_test(test_memo_stays_within_its_size),
    cmocka_unit_test(test_cancel_in_every_state),
    cmocka_unit_test(test_free_with_all_states_inside),
    cmocka_unit_test(test_host_calls),
    cmocka_unit_test(test_many_in_line),
    cmocka_unit_test(test_random_lives),
    cmocka_unit_test(test_oom_life),
    cmocka_unit_test(test_unwritable_request),
};
LG_TEST_MAIN(tests)
