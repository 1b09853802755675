/* test_sched_rate.c - limits of requests and tokens, refusals, turns of kinds, and a
 * server that is down. Time is virtual; the goodput shows run whole minutes of it. */
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
    lg_http_done done;
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
        s->room[0] = s->room[0] + gone * RPM < RPM ? s->room[0] + gone * RPM : RPM;
        s->room[1] = s->room[1] + gone * TPM < TPM ? s->room[1] + gone * TPM : TPM;
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
    if (s->kind == BUCKET) {
        return (int64_t)((all - s->room[axis]) / all * 60000) + 1;
    }
    if (s->kind == FIXED) {
        return 60000 - (now + s->offset_us) / 1000 % 60000;
    }
    return s->head == s->tail ? 1 : (s->log[(s->tail - 1) % LOG].at_us - now) / 1000 + 60000;
}

static void write_headers(const server *s, lg_http_done *d, int64_t now)
{
    for (int axis = 0; s->headers && axis < 2; axis++) {
        int64_t all = axis ? TPM : RPM, used = axis ? s->sum : s->requests;
        int64_t left = s->kind == BUCKET ? (int64_t)s->room[axis] : all - used;
        d->limits[axis] = (lg_http_limit){all, left, reset_ms(s, axis, now)};
    }
}

/* ---- a host that always has more to ask -------------------------------------- */

static void ask_more(show *w)
{
    char text[400];
    for (; w->queued < 100; w->queued++) {
        int words = 1 + (int)(support_random(&w->seed) % 60);
        int n = snprintf(text, sizeof text, "%d", (int)w->f.last_id);
        for (int i = 0; i < words; i++) {
            n += snprintf(text + n, sizeof text - (size_t)n, " word");
        }
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
                    done_of(&w->f, good ? 200 : 429, good ? body : "")};
    write_headers(&w->s, &one->done, now);
    w->queued--;
}

static int first_to_end(const show *w)
{
    int first = 0;
    for (int i = 1; i < w->n_flying; i++) {
        first = w->flying[i].end_us < w->flying[first].end_us ? i : first;
    }
    return w->n_flying > 0 ? first : -1;
}

static void land(show *w, int i)
{
    flight one = w->flying[i];
    w->flying[i] = w->flying[--w->n_flying];
    int now = lg__sched_finish(w->f.s, one.r, &one.done);
    if (now == LG_REQ_DONE || now == LG_REQ_FAILED) {
        lg__sched_release(w->f.s, one.r);
    } else {
        w->queued++;
    }
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
        if (i >= 0 && w->flying[i].end_us <= at) {
            land(w, i);
        }
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
    double spent = (double)w.s.spent / ((double)TPM * MINUTES);
    result got = {requests > spent ? requests : spent,
                  (double)w.s.refused / (double)(w.s.refused + w.s.served)};
    while (w.n_flying > 0) {
        land(&w, 0);
    }
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
            if (got.used < least_used || got.refused > most_refused) {
                fail_msg("not within %.0f%%, %.0f%%", least_used * 100, most_refused * 100);
            }
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
    check_goodput(false, false, 0.95, 0.20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_goodput_stated),
    cmocka_unit_test(test_goodput_headers),
    cmocka_unit_test(test_goodput_of_refusals),
};

LG_TEST_MAIN(tests)
