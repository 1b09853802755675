/* test_sched_rate.c - limits of requests and tokens, refusals, turns of kinds, and a
 * server that is down. Time is virtual; the goodput shows run whole minutes of it. */
#include <math.h>

#include "sched_fixture.h"

/* ---- a server that allows so much in a minute ------------------------------ */

enum { FIXED = 0, SLIDING, BUCKET };
enum { RPM = 600, TPM = 60000, LOG = 4096, FLIGHT = 256 };

typedef struct taken {
    int64_t at_us, tokens;
} taken;

typedef struct server {
    int kind, tokens; /* tokens: a mean call's */
    bool headers;
    int64_t offset_us; /* of the first window */
    taken log[LOG];    /* sliding: the last minute's */
    size_t head, tail;
    int64_t window, requests, sum; /* fixed: the window's; sliding: the minute's */
    double room[2], room_us;       /* bucket */
    int64_t served, refused, spent;
} server;

typedef struct flight {
    lg_request *r;
    int64_t end_us;
    lg_attempt done;
} flight;

typedef struct show {
    fixture f;
    server s;
    flight flying[FLIGHT];
    int n_flying, queued;
    uint64_t seed;
} show;

static void forget(server *s, int64_t now)
{
    int64_t window = (now + s->offset_us) / (60 * SECOND);
    if (s->kind == FIXED && window != s->window) {
        s->window = window;
        s->requests = s->sum = 0;
    }
    while (s->kind == SLIDING && s->head != s->tail &&
           s->log[s->head % LOG].at_us + 60 * SECOND <= now) {
        s->requests--;
        s->sum -= s->log[s->head++ % LOG].tokens;
    }
    if (s->kind == BUCKET) {
        double gone = ((double)now - s->room_us) / 60e6;
        s->room[0] = fmin(s->room[0] + gone * (double)RPM, (double)RPM);
        s->room[1] = fmin(s->room[1] + gone * (double)TPM, (double)TPM);
        s->room_us = (double)now;
    }
}

/* Whether it is allowed; then it is counted. */
static bool admit(server *s, int64_t tokens, int64_t now)
{
    forget(s, now);
    bool room = s->kind == BUCKET ? s->room[0] >= 1 && s->room[1] >= (double)tokens
                                  : s->requests + 1 <= RPM && s->sum + tokens <= TPM;
    if (!room) {
        s->refused++;
        return false;
    }
    s->served++;
    s->spent += tokens;
    s->requests++;
    s->sum += tokens;
    s->room[0] -= 1;
    s->room[1] -= (double)tokens;
    s->log[s->tail++ % LOG] = (taken){now, tokens};
    return true;
}

static int64_t reset_ms(const server *s, int axis, int64_t now)
{
    double all = axis ? TPM : RPM;
    if (s->kind == BUCKET)
        return (int64_t)((all - s->room[axis]) / all * 60000) + 1;

    if (s->kind == FIXED)
        return 60000 - (now + s->offset_us) / 1000 % 60000;

    return s->head == s->tail ? 1 : (s->log[(s->tail - 1) % LOG].at_us - now) / 1000 + 60000;
}

static void write_headers(const server *s, lg_attempt *d, int64_t now)
{
    for (int axis = 0; s->headers && axis < 2; axis++) {
        int64_t all = axis ? TPM : RPM, used = axis ? s->sum : s->requests;
        int64_t left = s->kind == BUCKET ? (int64_t)s->room[axis] : all - used;
        d->limits[axis] = (lg_server_limit){all, left, reset_ms(s, axis, now)};
    }
}

/* ---- a host that always has more to ask -------------------------------------- */

static void ask_more(show *w)
{
    char text[400];
    for (; w->queued < 100; w->queued++) {
        int words = 1 + (int)(support_random(&w->seed) % 60);
        int n = snprintf(text, sizeof text, "%d", (int)w->f.last_id);
        for (int i = 0; i < words; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, " word");

        submit(&w->f, text);
    }
}

static int64_t tokens_of(show *w)
{
    int64_t mean = w->s.tokens;
    return mean / 2 + (int64_t)(support_random(&w->seed) % (uint64_t)mean);
}

/* A call takes from 0.3 to 0.9 s there; it is counted when it arrives. */
static void launch(show *w, lg_request *r)
{
    int64_t now = lg__clock_now(&w->f.clock), tokens = tokens_of(w);
    int64_t took = 300000 + (int64_t)(support_random(&w->seed) % 600000);
    bool good = admit(&w->s, tokens, now);
    char body[200];
    snprintf(body, sizeof body,
             "{\"choices\":[{\"message\":{\"content\":\"A\"},\"finish_reason\":\"stop\"}],"
             "\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d}}",
             (int)(tokens / 4), (int)(tokens - tokens / 4));
    assert_true(w->n_flying < FLIGHT);
    flight *one = &w->flying[w->n_flying++];
    *one = (flight){r, now + (good ? took : 20000),
                    ended(&w->f, r, good ? 200 : 429, good ? body : "")};
    write_headers(&w->s, &one->done, now);
    w->queued--;
}

static int first_to_end(const show *w)
{
    int first = 0;
    for (int i = 1; i < w->n_flying; i++)
        first = w->flying[i].end_us < w->flying[first].end_us ? i : first;

    return w->n_flying > 0 ? first : -1;
}

static void land(show *w, int i)
{
    flight one = w->flying[i];
    w->flying[i] = w->flying[--w->n_flying];
    int now = finish_attempt(&w->f, &one.done);
    if (now == LG_REQ_DONE || now == LG_REQ_FAILED)
        lg__sched_release(w->f.s, one.r);
    else
        w->queued++;
}

static void run_until(show *w, int64_t end_us)
{
    for (;;) {
        ask_more(w);
        for (lg_request *r; (r = lg__sched_next(w->f.s)) != NULL; ask_more(w)) {
            assert_int_equal(r->state, LG_REQ_SENT);
            launch(w, r);
        }
        int i = first_to_end(w);
        int64_t due = lg__sched_due(w->f.s), at = i < 0 ? due : w->flying[i].end_us;
        assert_true(due > lg__clock_now(&w->f.clock));
        at = due < at ? due : at;
        assert_true(at < INT64_MAX);
        if (at > end_us) {
            lg__clock_advance(&w->f.clock, end_us);
            return;
        }
        lg__clock_advance(&w->f.clock, at);
        if (i >= 0 && w->flying[i].end_us <= at)
            land(w, i);
    }
}

typedef struct result {
    double used, refused; /* of the allowance; of the requests sent */
} result;

/* Ten minutes; the servers' counting begins with the first call. */
static result goodput(int kind, int tokens, bool headers, bool stated)
{
    enum { MINUTES = 10 };
    static show w;
    memset(&w, 0, sizeof w);
    fixture_start(&w.f, NULL);
    w.s = (server){.kind = kind, .tokens = tokens, .headers = headers, .offset_us = 17 * SECOND};
    w.s.room[0] = RPM;
    w.s.room[1] = TPM;
    w.seed = 3;
    lg__mem_strfree(&w.f.mem, w.f.model->options[0].value); /* max_tokens */
    w.f.model->options[0].value = lg__mem_strdup(&w.f.mem, "1000");
    w.f.model->requests_per_minute = stated ? RPM : 0;
    w.f.model->tokens_per_minute = stated ? TPM : 0;
    run_until(&w, MINUTES * 60 * SECOND);
    double requests = (double)w.s.served / (RPM * MINUTES);
    double spent = (double)w.s.spent / ((double)TPM * (double)MINUTES);
    result got = {requests > spent ? requests : spent,
                  (double)w.s.refused / (double)(w.s.refused + w.s.served)};
    while (w.n_flying > 0)
        land(&w, 0);

    fixture_end(&w.f);
    return got;
}

static void check_goodput(bool headers, bool stated, double least_used, double most_refused)
{
    static const char *const kinds[] = {"fixed window", "sliding window", "bucket"};
    static const int tokens[] = {60, 250};
    for (int kind = FIXED; kind <= BUCKET; kind++) {
        for (int i = 0; i < 2; i++) {
            result got = goodput(kind, tokens[i], headers, stated);
            print_message("%-14s %3d tokens a call, %s: %5.1f%% used, %4.2f%% refused\n",
                          kinds[kind], tokens[i],
                          headers  ? "headers"
                          : stated ? "stated"
                                   : "neither",
                          got.used * 100, got.refused * 100);
            if (got.used < least_used || got.refused > most_refused)
                fail_msg("not within %.0f%%, %.0f%%", least_used * 100, most_refused * 100);
        }
    }
}

static void test_goodput_stated(void **state)
{
    (void)state;
    check_goodput(false, true, 0.95, 0.02);
}

static void test_goodput_headers(void **state)
{
    (void)state;
    check_goodput(true, false, 0.95, 0.02);
}

/* Nobody says anything: what refusals alone teach. */
static void test_goodput_of_refusals(void **state)
{
    (void)state;
    check_goodput(false, false, 0.96, 0.05);
}

/* ---- small helpers ------------------------------------------------------------ */

static lg_request *submit_kind(fixture *f, lg_model *model, const char *text, int kind)
{
    lg_request *r = make(f, model, text);
    assert_non_null(r);
    r->kind = kind;
    assert_ptr_equal(lg__sched_submit(f->s, r), r);
    return r;
}

static void submit_many(fixture *f, const char *prefix, int n, int kind)
{
    char text[80];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "%s %d", prefix, i);
        submit_kind(f, f->model, text, kind);
    }
}

/* All that may start now; how many. */
static int start_all(fixture *f, lg_request **sent, int most)
{
    int n = 0;
    for (lg_request *r; n < most && (r = lg__sched_next(f->s)) != NULL; n++)
        sent[n] = r;

    return n;
}

static void good(fixture *f, lg_request *r)
{
    assert_int_equal(answer(f, r, 200, GOOD("A")), LG_REQ_DONE);
    lg__sched_release(f->s, r);
}

static lg_request *start_one(fixture *f)
{
    lg_request *r = lg__sched_next(f->s);
    assert_non_null(r);
    assert_int_equal(r->state, LG_REQ_SENT);
    return r;
}

/* ---- how many at once ------------------------------------------------------------ */

/* What little was asked for says nothing of what is allowed. */
static void test_no_pace_without_a_line(void **state)
{
    (void)state;
    fixture f;
    lg_request *sent[64];
    char text[20];
    int taken_then = 0;
    fixture_start(&f, &(lg_sched_config){.concurrency = 32});
    for (int i = 0; i < 60; i++) { /* one in a second, and the last is refused */
        snprintf(text, sizeof text, "slow %d", i);
        submit(&f, text);
        lg_request *r = start_one(&f);
        advance(&f, SECOND);
        if (i < 59)
            good(&f, r);
        else
            answer(&f, r, 429, "");
    }
    submit_many(&f, "a", 200, LG_FORWARD);
    for (int trip = 0; trip < 30; trip++) { /* three seconds */
        int n = start_all(&f, sent, 64);
        advance(&f, SECOND / 10);
        for (int i = 0; i < n; i++)
            good(&f, sent[i]);

        taken_then += n;
    }
    assert_in_range(taken_then, 100, 201);
    fixture_end(&f);
}

/* However many of one wave are refused, it is one piece of news. */
static void test_half_once_a_round_trip(void **state)
{
    (void)state;
    fixture f;
    lg_request *sent[64];
    fixture_start(&f, &(lg_sched_config){.concurrency = 32});
    submit_many(&f, "a", 200, LG_FORWARD);
    assert_int_equal(start_all(&f, sent, 64), 32);
    for (int i = 0; i < 32; i++) { /* two refused, thirty not */
        int status = i == 3 || i == 4 ? 429 : 200;
        answer(&f, sent[i], status, status == 200 ? GOOD("A") : "");
        if (status == 200)
            lg__sched_release(f.s, sent[i]);
    }
    int n = start_all(&f, sent, 64);
    assert_in_range(n, 14, 17);
    for (int i = 0; i < n; i++)
        good(&f, sent[i]);

    assert_in_range(start_all(&f, sent, 64), n, n + 2); /* one more a round trip */
    fixture_end(&f);
}

static void test_never_below_one(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 4, .max_attempts = 99});
    submit_many(&f, "a", 8, LG_FORWARD);
    for (int i = 0; i < 40; i++) {
        lg_request *r;
        while ((r = lg__sched_next(f.s)) == NULL)
            advance_to_due(&f);

        answer(&f, r, i % 3 == 0 ? 429 : i % 3 == 1 ? 503 : 529, "");
    }
    assert_int_equal(stats_of(&f).failed, 0);
    assert_null(strstr(f.logged, "gave up"));
    fixture_end(&f);
}

/* The server's delay holds all calls to the model there, and none to another model. */
static void test_retry_after_holds_the_lane(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 8});
    lg_model *other = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    other->model[0] = 'n';
    submit(&f, "a");
    lg_request *a = start_one(&f);
    submit(&f, "b");
    assert_int_equal(answer_later(&f, a, 429, 12000), LG_REQ_BACKOFF);
    assert_null(lg__sched_next(f.s));
    lg_stats s = stats_of(&f);
    assert_int_equal(s.held, 1);
    assert_int_equal(s.held_until_us, 12 * SECOND);
    assert_int_equal(s.held_by, LG_HOLD_RATE);
    lg_request *c = submit_to(&f, other, "c");
    assert_ptr_equal(start_one(&f), c);
    assert_int_equal(lg__sched_due(f.s), 12 * SECOND);
    advance(&f, 12 * SECOND);
    assert_string_equal(start_one(&f)->part_texts[0]->data, "b");
    assert_int_equal(stats_of(&f).held, 0);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(other);
    fixture_end(&f);
}

/* Three refusals in a row: silence, then one call alone, and silence twice as long. */
static void test_pause_and_probe(void **state)
{
    (void)state;
    fixture f;
    lg_request *sent[8];
    fixture_start(&f, &(lg_sched_config){.concurrency = 4, .max_attempts = 99});
    submit_many(&f, "a", 20, LG_FORWARD);
    assert_int_equal(start_all(&f, sent, 8), 4);
    for (int i = 0; i < 4; i++)
        answer(&f, sent[i], 429, "");

    assert_null(lg__sched_next(f.s));
    for (int64_t pause = SECOND / 4; pause <= 8 * SECOND; pause *= 2) {
        advance(&f, pause - 1);
        assert_null(lg__sched_next(f.s));
        advance(&f, 1);
        assert_int_equal(start_all(&f, sent, 8), 1);
        answer(&f, sent[0], 429, "");
    }
    advance(&f, 8 * SECOND);
    assert_int_equal(start_all(&f, sent, 8), 1);
    good(&f, sent[0]);
    assert_int_equal(start_all(&f, sent, 8), 2); /* the window was at one */
    good(&f, sent[0]);
    good(&f, sent[1]);
    assert_in_range(start_all(&f, sent, 8), 2, 3);
    fixture_end(&f);
}

/* ---- turns of kinds ---------------------------------------------------------------- */

static void test_steps_before_new_work(void **state)
{
    (void)state;
    static const int want[] = {LG_BACKWARD,  LG_OPTIMIZER, LG_JUDGE,    LG_BACKWARD,
                               LG_OPTIMIZER, LG_BACKWARD,  LG_BACKWARD, LG_FORWARD};
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1});
    submit_many(&f, "f", 3, LG_FORWARD);
    lg_request *tried = start_one(&f);
    answer(&f, tried, 500, "");
    submit_many(&f, "b", 4, LG_BACKWARD);
    submit_many(&f, "o", 2, LG_OPTIMIZER);
    submit_many(&f, "j", 1, LG_JUDGE);
    advance(&f, SECOND);
    assert_ptr_equal(start_one(&f), tried); /* what was tried goes first */
    good(&f, tried);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        lg_request *r = start_one(&f);
        assert_int_equal(r->kind, want[i]);
        good(&f, r);
    }
    fixture_end(&f);
}

/* Backward work without end, of the same model or of another one of the endpoint, leaves
 * an eighth to new work. */
static void nobody_starves(bool apart)
{
    fixture f;
    int forward = 0;
    fixture_start(&f, &(lg_sched_config){.concurrency = 2});
    lg_model *other = fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    other->model[0] = 'n';
    submit_many(&f, "f", 50, LG_FORWARD);
    for (int i = 0; i < 160; i++) {
        char text[32];
        snprintf(text, sizeof text, "b %d", i);
        submit_kind(&f, apart ? other : f.model, text, LG_BACKWARD);
        lg_request *r = start_one(&f);
        forward += r->kind == LG_FORWARD;
        good(&f, r);
    }
    assert_in_range(forward, 18, 22);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(other);
    fixture_end(&f);
}

static void test_nobody_starves(void **state)
{
    (void)state;
    nobody_starves(false);
    nobody_starves(true);
}

/* ---- limits ---------------------------------------------------------------------------- */

static void test_stated_limit_is_kept(void **state)
{
    (void)state;
    fixture f;
    int n = 0;
    fixture_start(&f, NULL);
    f.model->requests_per_minute = 3;
    submit_many(&f, "a", 20, LG_FORWARD);
    while (lg__clock_now(&f.clock) < 300 * SECOND) {
        lg_request *r = lg__sched_next(f.s);
        if (r) {
            n++;
            good(&f, r);
        } else {
            assert_int_equal(stats_of(&f).held_by, LG_HOLD_RATE);
            advance_to_due(&f);
        }
    }
    assert_in_range(n, 14, 16);
    fixture_end(&f);
}

/* One call that needs more than a minute holds goes alone, and is not kept for ever. */
static void test_bigger_than_a_minute(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    f.model->tokens_per_minute = 5;
    submit_many(&f, "some words that are more than five", 3, LG_FORWARD);
    for (int i = 0; i < 3; i++) {
        lg_request *r;
        while ((r = lg__sched_next(f.s)) == NULL)
            advance_to_due(&f);

        good(&f, r);
    }
    assert_in_range(lg__clock_now(&f.clock), 100 * SECOND, 600 * SECOND);
    fixture_end(&f);
}

/* Others use the key, too: nothing is left, and the server says until when. */
static void test_the_servers_word(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    submit_many(&f, "a", 5, LG_FORWARD);
    lg_request *r = start_one(&f);
    lg_attempt d = ended(&f, r, 200, GOOD("A"));
    d.limits[LG_LIMIT_REQUESTS] = (lg_server_limit){1000, 0, 7000};
    assert_int_equal(finish_attempt(&f, &d), LG_REQ_DONE);
    lg__sched_release(f.s, r);
    assert_null(lg__sched_next(f.s));
    assert_int_equal(stats_of(&f).held_until_us, 7 * SECOND);
    advance(&f, 7 * SECOND);
    r = start_one(&f);
    d = ended(&f, r, 200, GOOD("A")); /* Azure: what it says is no word */
    d.limits[LG_LIMIT_REQUESTS] = (lg_server_limit){1000, -1, 7000};
    d.limits[LG_LIMIT_TOKENS] = (lg_server_limit){0, 0, 0};
    assert_int_equal(finish_attempt(&f, &d), LG_REQ_DONE);
    lg__sched_release(f.s, r);
    r = start_one(&f);
    d = ended(&f, r, 200, GOOD("A")); /* a day's allowance is not waited for */
    d.limits[LG_LIMIT_REQUESTS] = (lg_server_limit){200, 0, 40000000};
    assert_int_equal(finish_attempt(&f, &d), LG_REQ_DONE);
    lg__sched_release(f.s, r);
    start_one(&f);
    fixture_end(&f);
}

/* What never left is given back. */
static void test_unsent_is_given_back(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    f.model->requests_per_minute = 1;
    submit_many(&f, "a", 3, LG_FORWARD);
    lg_request *r = start_one(&f);
    assert_null(lg__sched_next(f.s));
    lg__sched_withdraw(f.s, r);
    lg__sched_cancel(f.s, start_one(&f)); /* held no more, as nothing was taken */
    assert_null(lg__sched_next(f.s));     /* that one may have been counted */
    fixture_end(&f);
}

/* ---- a server that is down -------------------------------------------------- */

/* Fails all that starts, until time is up; how many that were. */
static int fail_until(fixture *f, int64_t end_us, int status)
{
    int n = 0;
    for (;;) {
        lg_request *r = lg__sched_next(f->s);
        if (r && r->state == LG_REQ_SENT) {
            n++;
            answer(f, r, status, "");
        } else if (r) {
            lg__sched_release(f->s, r);
            continue;
        }
        int64_t due = lg__sched_due(f->s);
        if (!r && (due > end_us || due == INT64_MAX)) {
            lg__clock_advance(&f->clock, end_us);
            return n;
        }
        if (!r)
            lg__clock_advance(&f->clock, due);
    }
}

static void test_breaker(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 4, .max_attempts = 99});
    submit_many(&f, "a", 4, LG_FORWARD);
    assert_false(lg__sched_is_open(f.s, f.model));
    fail_until(&f, 10 * SECOND - 1, 500);
    assert_false(lg__sched_is_open(f.s, f.model)); /* not for so short a time */
    while (!lg__sched_is_open(f.s, f.model))
        fail_until(&f, lg__clock_now(&f.clock) + SECOND / 10, 500);

    assert_part(f.logged, "failures in a row in 1");
    assert_part(f.logged, "its server is left alone for 5 s");
    assert_in_range(fail_until(&f, lg__clock_now(&f.clock) + 65 * SECOND, 500), 3, 4);
    assert_int_equal(stats_of(&f).failed, 0); /* they wait */
    assert_int_equal(stats_of(&f).held_by, LG_HOLD_DOWN);
    lg_request *r;
    while ((r = lg__sched_next(f.s)) == NULL)
        advance_to_due(&f);

    assert_null(lg__sched_next(f.s)); /* one tries */
    good(&f, r);
    assert_false(lg__sched_is_open(f.s, f.model));
    assert_part(f.logged, "its server answers again");
    assert_int_equal(stats_of(&f).held, 0);
    fixture_end(&f);
}

/* Ten minutes of nothing else: all in line fail, and a new call is tried anew. */
static void test_breaker_gives_up(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, &(lg_sched_config){.concurrency = 4, .max_attempts = 99});
    submit_many(&f, "a", 50, LG_FORWARD);
    while (!lg__sched_is_open(f.s, f.model))
        fail_until(&f, lg__clock_now(&f.clock) + SECOND, 500);

    f.logged[0] = '\0';
    assert_in_range(fail_until(&f, 900 * SECOND, 500), 6, 12); /* 5 s … 2 min apart */
    assert_int_equal(stats_of(&f).failed, 50);
    assert_int_equal(stats_of(&f).queued + stats_of(&f).waiting, 0);
    assert_part(f.logged, "given up");
    assert_false(lg__sched_is_open(f.s, f.model));
    submit(&f, "new");
    good(&f, start_one(&f));
    fixture_end(&f);
}

/* A call that hangs since before is no reason not to try. */
static void test_breaker_tries_beside_hanging_calls(void **state)
{
    (void)state;
    fixture f;
    lg_request *hanging;
    fixture_start(&f, &(lg_sched_config){.concurrency = 1, .max_attempts = 99});
    lg_model *wide = fixture_model(&f, "https://y/v1", "k", 2);
    hanging = submit_to(&f, wide, "hangs");
    assert_ptr_equal(start_one(&f), hanging);
    submit_to(&f, wide, "a");
    while (!lg__sched_is_open(f.s, wide))
        fail_until(&f, lg__clock_now(&f.clock) + SECOND, 500);

    advance(&f, 100 * SECOND);
    start_one(&f);
    assert_null(lg__sched_next(f.s));
    lg__sched_cancel(f.s, hanging);
    assert_null(lg__sched_next(f.s));
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(wide);
    fixture_end(&f);
}

/* ---- memory ---------------------------------------------------------------- */

/* A lane of each of two models at one endpoint, refused and held. */
static int oom_lanes(support_heap *h, void *ctx)
{
    fixture f;
    (void)ctx;
    memset(&f, 0, sizeof f);
    support_mem_on(&f.mem, h);
    int err = fixture_start_on(&f, &(lg_sched_config){.max_attempts = 3});
    lg_model *other = err ? NULL : fixture_model(&f, "https://x/v1", "sk-canary-0", 0);
    err = err || !other ? LG_ENOMEM : LG_OK;
    if (other)
        other->model[0] = 'n';

    for (int i = 0; err == LG_OK && i < 4; i++) {
        lg_request *r = make(&f, i % 2 ? other : f.model, i < 2 ? "a" : "b"), *got;
        got = r ? lg__sched_submit(f.s, r) : NULL;
        if (!got) {
            lg__request_free(&f.mem, r);
            err = LG_ENOMEM;
        }
    }
    for (int step = 0; err == LG_OK && step < 40; step++) {
        lg_request *r = lg__sched_next(f.s);
        if (r && r->state == LG_REQ_SENT)
            answer(&f, r, r->attempts == 1 ? 429 : 200, r->attempts == 1 ? "" : GOOD("A"));

        if (r && r->state == LG_REQ_FAILED) {
            assert_true(h->faults > 0);
            err = LG_ENOMEM;
        }
        if (r && (r->state == LG_REQ_DONE || r->state == LG_REQ_FAILED))
            lg__sched_release(f.s, r);

        advance(&f, SECOND);
    }
    if (h->faults == 0)
        assert_int_equal(stats_of(&f).calls, 4);

    lg__sched_free(f.s);
    lg__model_destroy(other);
    lg__model_destroy(f.model);
    lg__log_free(&f.log);
    return err;
}

static void test_oom_lanes(void **state)
{
    (void)state;
    oom_sweep(oom_lanes, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_goodput_stated),
    cmocka_unit_test(test_goodput_headers),
    cmocka_unit_test(test_goodput_of_refusals),
    cmocka_unit_test(test_no_pace_without_a_line),
    cmocka_unit_test(test_half_once_a_round_trip),
    cmocka_unit_test(test_never_below_one),
    cmocka_unit_test(test_retry_after_holds_the_lane),
    cmocka_unit_test(test_pause_and_probe),
    cmocka_unit_test(test_steps_before_new_work),
    cmocka_unit_test(test_nobody_starves),
    cmocka_unit_test(test_stated_limit_is_kept),
    cmocka_unit_test(test_bigger_than_a_minute),
    cmocka_unit_test(test_the_servers_word),
    cmocka_unit_test(test_unsent_is_given_back),
    cmocka_unit_test(test_breaker),
    cmocka_unit_test(test_breaker_gives_up),
    cmocka_unit_test(test_breaker_tries_beside_hanging_calls),
    cmocka_unit_test(test_oom_lanes),
};

LG_TEST_MAIN(tests)
