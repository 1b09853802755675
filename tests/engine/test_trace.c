/* test_trace.c - the lines of the level debug: one for each change of a state, in the order of
 * life, with ids that lead from one to the next, and nothing of what anybody wrote. */
#include "../scripted.h"
#include "sched_fixture.h"

#include "base/log.h"

typedef struct change { /* one line */
    char what[24];
    unsigned long long id;
    char from[24], to[24];
    int try;
} change;

/* The changes that begin with `what`, in order. */
static size_t changes(const char *lines, const char *what, change *list, size_t most)
{
    size_t n = 0;
    for (const char *at = lines; at && *at; at = strchr(at, '\n'), at += at ? 1 : 0) {
        change c = {.try = -1};
        if (sscanf(at, "4 %23s %llu%*[^:]: %23s -> %23s (try %d", c.what, &c.id, c.from, c.to,
                   &c.try) >= 4 &&
            strcmp(c.what, what) == 0 && n < most)
            list[n++] = c;
    }
    return n;
}

static void expect(const change *c, unsigned long long id, const char *from, const char *to,
                   int try)
{
    assert_int_equal(c->id, id);
    assert_string_equal(c->from, from);
    assert_string_equal(c->to, to);
    assert_int_equal(c->try, try);
}

static void test_life_of_a_call(void **state)
{
    (void)state;
    fixture f;
    change c[20];
    fixture_start(&f, NULL);
    lg_request *r = submit(&f, "TEXTCANARY");
    unsigned long long id = r->id;
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 500, "{\"error\":\"BODYCANARY sk-canary-0\"}"), LG_REQ_BACKOFF);
    advance_to_due(&f);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 200, GOOD("BODYCANARY")), LG_REQ_DONE);
    lg__sched_release(f.s, r);
    assert_int_equal(changes(f.traced, "request", c, 20), 7);
    expect(&c[0], id, "new", "queued", 0);
    expect(&c[1], id, "queued", "sent", 1);
    expect(&c[2], id, "sent", "backoff", 1);
    expect(&c[3], id, "backoff", "queued", 1);
    expect(&c[4], id, "queued", "sent", 2);
    expect(&c[5], id, "sent", "done", 2);
    expect(&c[6], id, "done", "kept", 2);
    assert_null(strstr(f.traced, "CANARY"));
    assert_null(strstr(f.traced, "canary"));
    fixture_end(&f);
}

static void test_end_without_success(void **state)
{
    (void)state;
    fixture f;
    change c[20];
    fixture_start(&f, NULL);
    lg_request *one = submit(&f, "one"), *two = submit(&f, "two");
    unsigned long long first = one->id, second = two->id;
    assert_ptr_equal(lg__sched_next(f.s), one);
    assert_int_equal(answer(&f, one, 400, "{\"error\":\"BODYCANARY\"}"), LG_REQ_FAILED);
    lg__sched_release(f.s, one);
    lg__sched_cancel(f.s, two);
    size_t n = changes(f.traced, "request", c, 20);
    assert_int_equal(n, 6);
    expect(&c[3], first, "sent", "failed", 1);
    assert_non_null(strstr(f.traced, "sent -> failed (try 1, badrequest)"));
    expect(&c[4], first, "failed", "gone", 1);
    expect(&c[5], second, "queued", "gone", 0);
    fixture_end(&f);
}

static void test_reply_that_is_lost(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = submit(&f, "one");
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 200, GOOD("x")), LG_REQ_DONE);
    lg__sched_spoil(f.s, r);
    assert_non_null(strstr(f.traced, "done -> failed (try 1, store)"));
    lg__sched_release(f.s, r);
    fixture_end(&f);
}

static void test_lane_that_is_held(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = submit(&f, "one");
    submit(&f, "two");
    assert_ptr_equal(lg__sched_next(f.s), r);
    answer_later(&f, r, 429, 2000);
    assert_null(strstr(f.traced, "held -> open"));
    assert_non_null(strstr(f.traced, "4 lane x/m: open -> held (rate, "));
    advance_to_due(&f);
    assert_non_null(lg__sched_next(f.s));
    assert_non_null(strstr(f.traced, "4 lane x/m: held -> open"));
    fixture_end(&f);
}

/* ---- a graph and a pass ---------------------------------------------------------- */

typedef struct heard {
    char lines[1 << 14];
    size_t n, others;
} heard;

static void hear(void *ud, int level, const char *msg)
{
    heard *h = ud;
    h->others += level != LG_LOG_DEBUG;
    h->n += (size_t)snprintf(h->lines + h->n, sizeof h->lines - h->n, "%d %s\n", level, msg);
    assert_true(h->n < sizeof h->lines);
}

static size_t count_of(const change *c, size_t n, unsigned long long id, const char *to)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        found += c[i].id == id && strcmp(c[i].to, to) == 0;
    return found;
}

static void test_graph_and_pass(void **state)
{
    (void)state;
    script s;
    static heard h;
    change c[100];
    lg_config cfg;
    lg_feedback fb;
    char want[100];
    lg_config_init(&cfg);
    cfg.log = hear;
    cfg.log_ud = &h;
    cfg.log_level = LG_LOG_DEBUG;
    h = (heard){.n = 0};
    assert_int_equal(script_try(&s, &cfg), 0);
    lg_var *p = script_leaf(&s, "TEXTCANARY prompt", "ROLECANARY", true);
    lg_var *x = script_leaf(&s, "x", "q", false), *v = script_call(&s, p, x, "answer", -1);
    lg_var *lone = script_call(&s, NULL, v, "lone", -1);
    assert_int_equal(lg_var_cancel(lone), 0);
    lg_var *pass = script_backward(&s, v);
    assert_true(script_run(&s));
    size_t n = changes(h.lines, "node", c, 100);
    assert_int_equal(count_of(c, n, lg_var_id(v), "ready"), 1);
    assert_int_equal(count_of(c, n, lg_var_id(lone), "cancelled"), 1);
    assert_int_equal(count_of(c, n, lg_var_id(pass), "ready"), 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(count_of(c, n, c[i].id, c[i].to), 1); /* each settles once */
    n = changes(h.lines, "request", c, 100);                   /* queued, sent, done, kept */
    assert_true(n > 0 && n % 4 == 0);
    assert_int_equal(lg_var_feedback(p, 0, &fb), 0);
    snprintf(want, sizeof want, "feedback of pass %llu: node %llu -> node %llu (text, %zu bytes)",
             (unsigned long long)lg_var_id(pass), (unsigned long long)lg_var_id(v),
             (unsigned long long)lg_var_id(p), fb.len);
    assert_non_null(strstr(h.lines, want));
    assert_null(strstr(h.lines, "CANARY"));
    assert_null(strstr(h.lines, fb.text));
    assert_int_equal(h.others, 0);
    script_end(&s);
}

/* ---- off ------------------------------------------------------------------------- */

static int asked;

static int ask_for_it(void)
{
    return ++asked;
}

static void test_off_costs_nothing(void **state)
{
    (void)state;
    heard h = {.n = 0};
    lg_mem m;
    lg_log l;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&l, &m, hear, &h, LG_LOG_INFO);
    asked = 0;
    LG_TRACE(&l, "%d", ask_for_it());
    LG_TRACE((lg_log *)NULL, "%d", ask_for_it());
    l.level = LG_LOG_DEBUG;
    l.fn = NULL;
    LG_TRACE(&l, "%d", ask_for_it());
    assert_int_equal(asked, 0);
    assert_int_equal(h.n, 0);
    l.fn = hear;
    LG_TRACE(&l, "%d", ask_for_it());
    assert_int_equal(asked, 1);
    assert_string_equal(h.lines, "4 1\n");
    lg__log_free(&l);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_life_of_a_call),     cmocka_unit_test(test_end_without_success),
    cmocka_unit_test(test_reply_that_is_lost), cmocka_unit_test(test_lane_that_is_held),
    cmocka_unit_test(test_graph_and_pass),     cmocka_unit_test(test_off_costs_nothing),
};

LG_TEST_MAIN(tests)
