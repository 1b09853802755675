/* test_oom_rare.c - every allocation fails once where engines seldom go: calls of many
 * messages with options and fallbacks, media, promises kept with a text, a scored tool, a
 * stream, an output that is criticized twice.
 *
 * What it is not: the sweep of an ordinary run (test_engine.c) or of a store. */
#include "../scripted.h"

#include "lg_inside.h"

#define PNG "\x89PNG\r\n\x1a\nred"

enum { PARTS = 20, PNG_LEN = sizeof PNG - 1, MOST = 16 };

typedef struct rare {
    script s;
    lg_model *second, *first; /* first has second as its fallback */
    lg_var *all[MOST];
    size_t n;
    int err;
} rare;

/* *v is read once the call is over that has filled it. */
static lg_var *keep(rare *r, int err, lg_var *const *v)
{
    r->err = r->err ? r->err : err;
    if (!err)
        r->all[r->n++] = *v;

    return err ? NULL : *v;
}

static void scored(script *s, const script_work *w)
{
    double score = 0.25;
    int err = lg_tool_return(s->e, w->id, "0.25", 4, &score, 1);
    if (err && lg_tool_fail(s->e, w->id, LG_ENOMEM, "no memory"))
        lg_var_cancel(w->var);
}

static void make_models(rare *r)
{
    static const lg_option option = {"temperature", "0.5"};
    lg_model_config c;
    lg_model_config_init(&c);
    c.dialect = "host";
    c.name = "host/second";
    c.model = "second";
    r->err = lg_model_new(r->s.e, &c, &r->second);
    if (r->err)
        return;

    c.name = "host/first";
    c.fallbacks = &r->second;
    c.n_fallbacks = 1;
    c.options = &option;
    c.n_options = 1;
    r->err = lg_model_new(r->s.e, &c, &r->first);
}

/* A picture, twenty messages, options; streamed. */
static lg_var *wide_call(rare *r, lg_var *prompt)
{
    static const lg_option options[] = {{"seed", "1"}, {"stop", "[\"a\"]"}};
    lg_message m[PARTS];
    lg_call c;
    lg_var *picture = NULL, *answer = NULL;
    int err = lg_var_new_media(r->s.e, NULL, PNG, PNG_LEN, "picture", false, &picture);
    if (!keep(r, err, &picture))
        return NULL;

    err = lg_var_set_media(picture, "image/png", PNG, PNG_LEN);
    r->err = r->err ? r->err : err;
    for (size_t i = 0; i < PARTS; i++)
        m[i] = (lg_message){i % 2 ? LG_PART : "user", i % 2 ? picture : prompt};

    lg_call_init(&c);
    c.messages = m;
    c.n_messages = PARTS;
    c.options = options;
    c.n_options = 2;
    c.stream = true;
    c.example = 3;
    err = lg_call_model(r->s.e, r->first, &c, &answer);
    return keep(r, err, &answer);
}

/* Losses of two examples of one answer, one of them of a promise that is kept with a text. */
static lg_var *losses(rare *r, lg_var *answer)
{
    lg_var *two[2] = {NULL, NULL}, *promise = NULL, *mean = NULL;
    if (!keep(r, lg_promise_new(r->s.e, &answer, 1, "extract", &promise), &promise))
        return NULL;

    script_run(&r->s);
    bool ready = lg_var_state(answer) == LG_READY;
    int err = ready ? lg_promise_keep(promise, answer, "part", 4) : LG_ENOMEM;
    r->err = r->err ? r->err : err;
    if (err) {
        lg_var_cancel(promise);
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        lg_var *c = script_call(&r->s, NULL, i ? promise : answer, "further", i + 1);
        if (!keep(r, c ? LG_OK : LG_ENOMEM, &c))
            return NULL;

        two[i] = script_tool_call(&r->s, r->s.tool, c, "loss");
        if (!keep(r, two[i] ? LG_OK : LG_ENOMEM, &two[i]))
            return NULL;
    }
    return keep(r, lg_mean(r->s.e, two, 2, 0, &mean), &mean);
}

/* The pass that runs is found from its root, and none any more when it is over. */
static void find(rare *r, lg_var *root, const lg_var *wanted)
{
    lg_var *found;
    int err = lg__inside_pass_behind(root, &found);
    if (err)
        r->err = r->err ? r->err : err;
    else
        assert_ptr_equal(found, wanted);
}

static void work(rare *r)
{
    lg_var *prompt = NULL;
    make_models(r);
    if (r->err || !keep(r, lg_var_new(r->s.e, "p", 1, "prompt", true, &prompt), &prompt))
        return;

    lg_var *answer = wide_call(r, prompt);
    lg_var *mean = answer ? losses(r, answer) : NULL;
    lg_var *pass = mean ? script_backward(&r->s, mean) : NULL;
    if (mean)
        keep(r, pass ? LG_OK : LG_ENOMEM, &pass);
    if (pass)
        find(r, mean, pass);

    if (!script_run(&r->s))
        r->err = LG_ESTATE; /* something hangs */
    else if (pass && lg_var_state(pass) != LG_READY)
        r->err = r->err ? r->err : LG_ENOMEM;
    else if (pass && !r->err)
        assert_true(lg_var_feedbacks(prompt) >= 1);
    if (pass && r->err != LG_ESTATE)
        find(r, mean, NULL);
}

static int oom_rare(support_heap *h, void *ctx)
{
    rare r = {.n = 0};
    lg_config c;
    (void)ctx;
    support_config(&c, h);
    r.err = script_try(&r.s, &c);
    r.s.on_tool = scored;
    if (!r.err)
        work(&r);

    for (size_t i = 0; i < r.n; i++)
        lg_var_unref(r.all[i]);

    if (r.first)
        lg_model_unref(r.first);

    if (r.second)
        lg_model_unref(r.second);

    script_end(&r.s);
    return r.err;
}

static void test_oom_rare(void **state)
{
    (void)state;
    oom_sweep(oom_rare, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_oom_rare),
};

LG_TEST_MAIN(tests)
