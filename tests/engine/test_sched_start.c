/* test_sched_start.c - how soon a server is used: round trips of one step of training on
 * virtual time, cold, warm, and where what an earlier run found does not hold any more. */
#include "sched_fixture.h"

enum { EXAMPLES = 64, CAP = 64, STAGES = 4, MOST = 512, SERVED = EXAMPLES * STAGES + 1 };

typedef struct step {
    fixture *f;
    lg_model *other; /* asked backward and by the optimizer; NULL: the same one */
    int capacity;    /* of the server; what comes beyond is refused */
    int64_t says;    /* requests a minute, in its headers; 0: nothing */
    lg_width known;  /* of an earlier run */
    lg_request *sent[MOST];
    int stage_of[SERVED + 2]; /* by request id */
    int in_flight, served, done, refused;
    int waves, wide[256];
} step;

static const char other_place[] = "https://y/v1";

static lg_model *model_of(fixture *f, const char *url, const char *name)
{
    lg_model_config cfg = {
        .size = sizeof cfg, .dialect = "openai", .name = "x/n", .model = name, .base_url = url};
    const char *why;
    lg_model *model = NULL;
    cfg.api_key = "sk-canary-0";
    assert_int_equal(lg__model_make(&f->mem, &cfg, &model, &why, NULL), LG_OK);
    return model;
}

static void recall(step *s, const lg_request *r)
{
    unsigned char key[32];
    if (s->known.most != 0 && lg__sched_width_wanted(r, key)) {
        lg__sched_width_recall(s->f->s, (lg_request *)r, s->known);
        assert_false(lg__sched_width_wanted(r, key)); /* once is enough */
    }
}

/* An example's calls follow one another: two forward, two backward. The last of all asks
 * the optimizer. */
static void ask(step *s, int stage)
{
    static const int kinds[] = {LG_FORWARD, LG_FORWARD, LG_BACKWARD, LG_BACKWARD, LG_OPTIMIZER};
    fixture *f = s->f;
    char text[32];
    const char *role = "user";
    snprintf(text, sizeof text, "%llu", (unsigned long long)f->last_id);
    lg_text *t = lg__text_new(&f->mem, text, strlen(text));
    lg_request *r = NULL;
    lg_model *model = s->other && stage >= 2 ? s->other : f->model;
    assert_int_equal(
        lg__request_new(&f->mem, ++f->last_id, model, &role, &t, 1, NULL, 0, 0, kinds[stage], &r),
        LG_OK);
    lg__text_unref(t);
    assert_ptr_equal(lg__sched_submit(f->s, r), r);
    s->stage_of[r->id] = stage;
    recall(s, r);
}

static void start(step *s)
{
    for (lg_request *r; (r = lg__sched_next(s->f->s)) != NULL; s->in_flight++)
        s->sent[s->in_flight] = r;
}

static void served(step *s, lg_request *r)
{
    int stage = s->stage_of[r->id];
    lg_attempt a = ended(s->f, r, 200, GOOD("A"));
    a.limits[LG_LIMIT_REQUESTS] = (lg_server_limit){s->says, s->says, 1000};
    assert_int_equal(finish_attempt(s->f, &a), LG_REQ_DONE);
    lg__sched_release(s->f->s, r);
    s->served++;
    if (stage + 1 < STAGES)
        ask(s, stage + 1);
    else if (stage < STAGES && ++s->done == EXAMPLES)
        ask(s, STAGES);
}

/* All that is in flight is answered after a second. */
static void wave(step *s)
{
    lg_request *ended[MOST];
    int n = s->in_flight;
    memcpy(ended, s->sent, (size_t)n * sizeof *ended);
    if (n > 0)
        s->wide[s->waves++] = n;

    s->in_flight = 0;
    advance(s->f, SECOND);
    for (int i = 0; i < n; i++) {
        if (i < s->capacity) {
            served(s, ended[i]);
        } else {
            assert_int_equal(answer(s->f, ended[i], 429, "{}"), LG_REQ_BACKOFF);
            s->refused++;
        }
    }
    start(s);
}

static void play(step *s)
{
    for (int i = 0; i < EXAMPLES; i++)
        ask(s, 0);

    start(s);
    while (s->served < SERVED) {
        assert_true(s->waves < 250);
        wave(s);
    }
}

static void begin(step *s, fixture *f, const lg_sched_config *cfg)
{
    fixture_start(f, cfg);
    s->f = f;
    s->capacity = s->capacity ? s->capacity : MOST;
}

static void end(step *s)
{
    lg__sched_free(s->f->s);
    s->f->s = NULL;
    lg__model_destroy(s->other);
    fixture_end(s->f);
}

static void assert_waves(const step *s, const int *wide, int n)
{
    for (int i = 0; i < n && i < s->waves; i++)
        assert_int_equal(s->wide[i], wide[i]);

    assert_int_equal(s->waves, n);
}

/* What the next run is told, at most once. most 0: nothing. */
static lg_width news_of(step *s)
{
    unsigned char key[32], again[32];
    lg_width w = {0, false}, none;
    if (lg__sched_width_news(s->f->s, key, &w))
        assert_false(lg__sched_width_news(s->f->s, again, &none));

    return w;
}

/* ---- waves -------------------------------------------------------------------------- */

static void test_stated(void **state)
{
    (void)state;
    static const int wide[] = {64, 64, 64, 64, 1};
    fixture f;
    step s = {.known = {8, true}}; /* nobody asks for it */
    begin(&s, &f, &(lg_sched_config){.concurrency = 64});
    play(&s);
    assert_waves(&s, wide, 5);
    assert_int_equal(news_of(&s).most, 0);
    end(&s);
}

/* Twice as many after each round trip. */
static void test_cold(void **state)
{
    (void)state;
    static const int wide[] = {16, 32, 64, 64, 64, 16, 1};
    fixture f;
    step s = {.done = 0};
    begin(&s, &f, NULL);
    play(&s);
    assert_waves(&s, wide, 7);
    lg_width w = news_of(&s);
    assert_int_equal(w.most, 64);
    assert_false(w.refused);
    end(&s);
}

/* A server that says how much it takes is used in full behind its first reply: the allowance
 * spreads calls, and the window need not. */
static void test_cold_with_headers(void **state)
{
    (void)state;
    static const int wide[] = {16, 64, 64, 64, 48, 1};
    fixture f;
    step s = {.says = 10000};
    begin(&s, &f, NULL);
    play(&s);
    assert_waves(&s, wide, 6);
    end(&s);
    step little = {.says = 120};
    begin(&little, &f, NULL);
    play(&little);
    for (int i = 1; i < little.waves; i++)
        assert_true(little.wide[i] <= 16);

    end(&little);
}

/* It grows with each reply, not behind the last of a wave. */
static void test_it_grows_while_replies_come(void **state)
{
    (void)state;
    fixture f;
    step s = {.done = 0};
    begin(&s, &f, NULL);
    for (int i = 0; i < EXAMPLES; i++)
        ask(&s, 0);

    start(&s);
    assert_int_equal(s.in_flight, 16);
    for (int i = 0; i < 16; i++) {
        served(&s, s.sent[i]);
        start(&s);
        assert_int_equal(s.in_flight, 16 + 2 * (i + 1));
    }
    end(&s);
}

static void test_warm(void **state)
{
    (void)state;
    static const int wide[] = {64, 64, 64, 64, 1};
    fixture f;
    step s = {.known = {64, false}};
    begin(&s, &f, NULL);
    play(&s);
    assert_waves(&s, wide, 5);
    assert_int_equal(news_of(&s).most, 0); /* it is known */
    end(&s);
}

/* Of two models at one server the second begins with half of what the first was seen to
 * have; one elsewhere begins as ever. */
static void test_two_models(void **state)
{
    (void)state;
    static const int near[] = {16, 32, 64, 48, 64, 32, 1};
    static const int far[] = {16, 32, 64, 32, 32, 64, 16, 1};
    for (int i = 0; i < 2; i++) {
        fixture f;
        step s = {.done = 0};
        begin(&s, &f, NULL);
        s.other = model_of(&f, i ? other_place : "https://x/v1", "n");
        play(&s);
        assert_waves(&s, i ? far : near, i ? 8 : 7);
        end(&s);
    }
}

/* ---- what was found does not hold, or was never true ------------------------------------ */

static int first_wave(lg_width known)
{
    fixture f;
    step s = {.known = known};
    begin(&s, &f, NULL);
    for (int i = 0; i < EXAMPLES + 16; i++)
        ask(&s, 0);

    start(&s);
    int n = s.in_flight;
    end(&s);
    return n;
}

static void test_bounds(void **state)
{
    (void)state;
    assert_int_equal(first_wave((lg_width){1000000, false}), 64);
    assert_int_equal(first_wave((lg_width){1000000, true}), 64);
    assert_int_equal(first_wave((lg_width){-5, false}), 16);
    assert_int_equal(first_wave((lg_width){3, false}), 16); /* it had no use for more */
    assert_int_equal(first_wave((lg_width){40, false}), 40);
    assert_int_equal(first_wave((lg_width){40, true}), 35); /* a bit below */
    assert_int_equal(first_wave((lg_width){1, true}), 4);
}

/* A word that is too small costs two round trips, once: what is told then is right. */
static void test_too_small(void **state)
{
    (void)state;
    static const int wide[] = {4, 8, 16, 32, 64, 64, 64, 4, 1};
    fixture f;
    step s = {.known = {1, true}};
    begin(&s, &f, NULL);
    play(&s);
    lg_width w = news_of(&s);
    assert_waves(&s, wide, 9);
    assert_int_equal(w.most, 64);
    assert_false(w.refused);
    end(&s);
}

/* One that is too large is halved at once, and what is told is what held. */
static void test_too_large(void **state)
{
    (void)state;
    fixture f;
    step s = {.known = {64, false}, .capacity = 20};
    begin(&s, &f, NULL);
    play(&s);
    assert_int_equal(s.wide[0], 64);
    assert_true(s.wide[1] <= 32);
    lg_width w = news_of(&s);
    assert_true(w.refused);
    assert_in_range(w.most, 1, 20);
    end(&s);
}

/* A server that takes 20: the first run finds out, the next one is not refused at first. */
static void test_refusals_are_remembered(void **state)
{
    (void)state;
    fixture f;
    step cold = {.capacity = 20}, warm = {.capacity = 20};
    begin(&cold, &f, NULL);
    play(&cold);
    warm.known = news_of(&cold);
    end(&cold);
    assert_true(warm.known.refused);
    assert_in_range(warm.known.most, 4, 20);
    begin(&warm, &f, NULL);
    play(&warm);
    assert_true(warm.wide[0] <= 20);
    end(&warm);
    print_message(
        "a server that takes 20: cold %d waves, %d refused; warm (%d) %d waves, %d refused\n",
        cold.waves, cold.refused, warm.known.most, warm.waves, warm.refused);
    assert_true(warm.refused < cold.refused && warm.waves < cold.waves);
}

/* What held once, and is refused later, holds no more. */
static void test_a_server_that_takes_less_later(void **state)
{
    (void)state;
    fixture f;
    step s = {.done = 0};
    begin(&s, &f, NULL);
    for (int i = 0; i < EXAMPLES; i++)
        ask(&s, 0);

    start(&s);
    wave(&s);
    wave(&s);
    assert_int_equal(news_of(&s).most, 32);
    s.capacity = 10;
    while (s.served < SERVED)
        wave(&s);

    lg_width w = news_of(&s);
    assert_true(w.refused);
    assert_in_range(w.most, 1, 16);
    end(&s);
}

/* Calls that are on their way prove nothing: one of those that were sent last must be back. */
static void test_what_is_under_way_is_no_proof(void **state)
{
    (void)state;
    fixture f;
    step s = {.says = 10000};
    begin(&s, &f, NULL);
    for (int i = 0; i < EXAMPLES; i++)
        ask(&s, 0);

    start(&s);
    served(&s, s.sent[0]);
    start(&s);
    assert_int_equal(s.in_flight, 1 + CAP);
    served(&s, s.sent[1]);
    assert_int_equal(news_of(&s).most, 0);
    served(&s, s.sent[CAP]);
    assert_int_equal(news_of(&s).most, CAP);
    end(&s);
}

/* A run with little to do tells nothing, and takes nothing back. */
static void test_little_to_do(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        step s = {.known = {i ? 50 : 0, false}};
        begin(&s, &f, NULL);
        for (int k = 0; k < 10; k++)
            ask(&s, STAGES);

        start(&s);
        wave(&s);
        assert_int_equal(s.served, 10);
        assert_int_equal(news_of(&s).most, 0);
        end(&s);
    }
}

/* The key is of place and model: no secret is in it. */
static void test_key(void **state)
{
    (void)state;
    unsigned char keys[4][32];
    static const char *const places[] = {"https://x/v1", "https://x/v1", "https://x/v1",
                                         "https://y/v1"};
    static const char *const names[] = {"n", "n", "o", "n"};
    static const char *const secrets[] = {"sk-canary-0", "sk-canary-1", "sk-canary-0",
                                          "sk-canary-0"};
    for (int i = 0; i < 4; i++) {
        fixture f;
        step s = {.done = 0};
        begin(&s, &f, NULL);
        s.other = model_of(&f, places[i], names[i]);
        lg__mem_strfree(&f.mem, s.other->api_key);
        s.other->api_key = lg__mem_strdup(&f.mem, secrets[i]);
        lg_request *r = submit_to(&f, s.other, "a");
        assert_true(lg__sched_width_wanted(r, keys[i]));
        end(&s);
    }
    assert_memory_equal(keys[0], keys[1], 32);
    assert_memory_not_equal(keys[0], keys[2], 32);
    assert_memory_not_equal(keys[0], keys[3], 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stated),
        cmocka_unit_test(test_cold),
        cmocka_unit_test(test_cold_with_headers),
        cmocka_unit_test(test_it_grows_while_replies_come),
        cmocka_unit_test(test_warm),
        cmocka_unit_test(test_two_models),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_too_small),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_refusals_are_remembered),
        cmocka_unit_test(test_a_server_that_takes_less_later),
        cmocka_unit_test(test_what_is_under_way_is_no_proof),
        cmocka_unit_test(test_little_to_do),
        cmocka_unit_test(test_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
