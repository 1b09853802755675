/* sched_fixture.h - a scheduler on virtual time, and short words for what tests do
 * with it. Shared by test_sched*.c. */
#ifndef LG_TEST_SCHED_FIXTURE_H
#define LG_TEST_SCHED_FIXTURE_H

#include "../support.h"

#include "sched/sched.h"

#define SECOND INT64_C(1000000)
#define GOOD(text)                                                                        \
    "{\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2}}"
#define CUT(text) \
    "{\"choices\":[{\"message\":{\"content\":\"" text "\"},\"finish_reason\":\"length\"}]}"

typedef struct fixture {
    support_heap heap;
    lg_mem mem;
    lg_log log;
    char logged[8192], traced[8192]; /* traced: of the level debug */
    lg_clock clock;
    lg_sched *s;
    lg_model *model;
    uint64_t last_id, unchecked;
    lg_attempt wire; /* what is under way, for those who ask whether something is */
} fixture;

/* Not every time where there are many: a walk sees them all. */
static inline void fixture_check(fixture *f)
{
    if (++f->unchecked * 64 >= f->last_id) {
        f->unchecked = 0;
        lg__sched_check(f->s);
    }
}

static inline void fixture_log(void *ud, int level, const char *msg)
{
    fixture *f = ud;
    char *to = level == LG_LOG_DEBUG ? f->traced : f->logged;
    size_t n = strlen(to);
    snprintf(to + n, sizeof f->logged - n, "%d %s\n", level, msg);
}

/* NULL: out of memory. */
static inline lg_model *fixture_model(fixture *f, const char *url, const char *key, int concurrency)
{
    static const lg_option options[] = {{"max_tokens", "9"}, {"temperature", "0"}};
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = url ? "openai" : "host",
        .name = url ? "x/m" : "lua/f",
        .model = "m",
        .base_url = url,
        .api_key = key,
        .options = options,
        .n_options = 2,
        .concurrency = concurrency,
    };
    const char *why;
    lg_model *model = NULL;
    int err = lg__model_make(&f->mem, &cfg, &model, &why, &(const char *){NULL});
    assert_true(err == LG_OK || err == LG_ENOMEM);
    return model;
}

/* On memory that is set up already. 0, LG_ENOMEM. */
static inline int fixture_start_on(fixture *f, const lg_sched_config *cfg)
{
    f->wire.load = f;
    lg__log_init(&f->log, &f->mem, fixture_log, f, LG_LOG_DEBUG);
    lg__clock_init(&f->clock, true);
    int err = lg__sched_new(&f->mem, &f->log, &f->clock, cfg, &f->s);
    f->model = err ? NULL : fixture_model(f, "https://x/v1", "sk-canary-0", 0);
    return err || !f->model ? LG_ENOMEM : LG_OK;
}

static inline void fixture_start(fixture *f, const lg_sched_config *cfg)
{
    lg_sched_config none = {0};
    memset(f, 0, sizeof *f);
    support_mem_init(&f->mem, &f->heap);
    if (fixture_start_on(f, cfg ? cfg : &none))
        abort(); /* of a heap that does not fail yet */
}

static inline void fixture_end(fixture *f)
{
    lg__sched_free(f->s);
    if (f->model)
        assert_int_equal(f->model->refs, 1);

    lg__model_destroy(f->model);
    lg__log_free(&f->log);
    assert_heap_empty(&f->heap);
}

/* NULL: out of memory. */
static inline lg_request *make(fixture *f, lg_model *model, const char *text)
{
    const char *role = "user";
    lg_request *r = NULL;
    lg_text *t = lg__text_new(&f->mem, text, strlen(text));
    if (t) {
        int err =
            lg__request_new(&f->mem, ++f->last_id, model, &role, &t, 1, NULL, 0, 0, LG_FORWARD, &r);
        assert_true(err == LG_OK || err == LG_ENOMEM);
        lg__text_unref(t);
    }
    return r;
}

static inline lg_request *submit_to(fixture *f, lg_model *model, const char *text)
{
    lg_request *r = make(f, model, text);
    assert_non_null(r);
    lg_request *got = lg__sched_submit(f->s, r);
    assert_non_null(got);
    fixture_check(f);
    return got;
}

static inline lg_request *submit(fixture *f, const char *text)
{
    return submit_to(f, f->model, text);
}

static inline lg_attempt ended(fixture *f, lg_request *r, int status, const char *body)
{
    lg_attempt a;
    lg__attempt_init(&a, &f->mem, LG_BYTES_MAX);
    a.request = r;
    a.status = status;
    a.sent = true;
    snprintf(a.content_type, sizeof a.content_type, "application/json");
    lg__bytes_adds(&a.body, body);
    return a;
}

/* a is freed. The request's new state. */
static inline int finish_attempt(fixture *f, lg_attempt *a)
{
    int state = lg__sched_finish(f->s, a);
    lg__attempt_free(a);
    fixture_check(f);
    return state;
}

static inline int answer(fixture *f, lg_request *r, int status, const char *body)
{
    lg_attempt a = ended(f, r, status, body);
    return finish_attempt(f, &a);
}

static inline int answer_later(fixture *f, lg_request *r, int status, int64_t retry_after_ms)
{
    lg_attempt a = ended(f, r, status, "");
    a.retry_after_ms = retry_after_ms;
    return finish_attempt(f, &a);
}

static inline int break_off(fixture *f, lg_request *r, int code, bool sent, const char *message)
{
    lg_attempt a = ended(f, r, 0, "");
    a.sent = sent;
    lg__fail_set(&a.fail, &f->mem, code, "%s", message);
    a.fail.retryable = code == LG_ERESOLVE || code == LG_ECONNECT || code == LG_ETIMEOUT ||
                       code == LG_ERESET || code == LG_ETRUNCATED; /* as http_fail.c says */
    return finish_attempt(f, &a);
}

static inline void advance(fixture *f, int64_t us)
{
    lg__clock_advance(&f->clock, lg__clock_now(&f->clock) + us);
    fixture_check(f);
}

/* Time passes until the next back-off is over. */
static inline void advance_to_due(fixture *f)
{
    int64_t due = lg__sched_due(f->s);
    assert_true(due < INT64_MAX);
    lg__clock_advance(&f->clock, due);
}

static inline lg_stats stats_of(fixture *f)
{
    lg_stats s;
    memset(&s, 0, sizeof s);
    lg__sched_stats(f->s, &s);
    return s;
}

#define assert_part(text, part)                           \
    do {                                                  \
        const char *text_ = (text);                       \
        if (!strstr(text_, part))                         \
            fail_msg("\"%s\" lacks \"%s\"", text_, part); \
    } while (0)

#endif
