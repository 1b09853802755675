/* test_store_oom.c - an engine with a store whose n-th allocation fails, for every n.
 *
 * It asks a real server. Whatever fails: nothing leaks or hangs, what a script was shown
 * is stored, and what is bought twice stands in the list of ambiguous calls. */
#include "../store_kit.h"

#include <unistd.h>

#include "../rude.h"

#define PNG "\x89PNG\r\n\x1a\nred"

enum { ASKED = 5, DISTINCT = 4, PATIENCE = 100, WITH_PICTURE = 1, WITH_SEED = 2 };

typedef struct bench {
    kit k;
    rude *server;
    const char *path;
    unsigned rounds;
} bench;

typedef struct shop {
    lg_engine *e;
    lg_model *m;
    lg_tool *t;
    lg_var *v[ASKED], *tool;
    bool ready[ASKED], tool_ready;
    int err;
} shop;

static const char *const questions[ASKED] = {"a", "b", "c", "a", "d"};

/* ---- an engine for a while --------------------------------------------------------- */

static void open_shop(shop *s, bench *b, support_heap *h)
{
    char url[128];
    lg_config cfg;
    lg_model_config model;
    memset(s, 0, sizeof *s);
    support_config(&cfg, h);
    cfg.virtual_clock = false;
    cfg.store_dir = b->k.dir;
    cfg.max_attempts = 1;
    s->err = lg_engine_new(&cfg, &s->e);
    lg_model_config_init(&model);
    model.dialect = "openai";
    model.name = "x/m";
    model.model = "m";
    model.base_url = rude_url(b->server, b->path, url, sizeof url);
    model.price_input = model.price_output = 1000000;
    s->err = s->err ? s->err : lg_model_new(s->e, &model, &s->m);
    s->err = s->err ? s->err : lg_tool_new(s->e, "t", "tests", false, 0, &s->t);
    s->err = s->err ? s->err : lg_tool_cache(s->t, "1");
    s->err = s->err ? s->err : lg_run_begin(s->e, "r", "{}", NULL);
}

static void ask(shop *s, int i)
{
    static const lg_option seed = {"seed", "1"};
    lg_var *q = NULL, *picture = NULL;
    lg_call c;
    int err = lg_var_new(s->e, questions[i], 1, "question", false, &q);
    if (!err && i == WITH_PICTURE)
        err = lg_var_new_media(s->e, NULL, PNG, sizeof PNG - 1, "picture", false, &picture);

    if (!err) {
        lg_message m[] = {{"user", q}, {LG_PART, picture}};
        lg_call_init(&c);
        c.messages = m;
        c.n_messages = picture ? 2 : 1;
        c.options = &seed;
        c.n_options = i == WITH_SEED;
        c.purpose = (uint64_t)i + 1;
        err = lg_call_model(s->e, s->m, &c, &s->v[i]);
    }
    lg_var_unref(q);
    lg_var_unref(picture);
    s->err = s->err ? s->err : err;
}

static void use_tool(shop *s)
{
    static const char *const names[] = {"x"};
    lg_var *x = NULL;
    int err = lg_var_new(s->e, "in", 2, "input", false, &x);
    err = err ? err : lg_tool_call(s->e, s->t, names, &x, 1, "loss", &s->tool);
    lg_var_unref(x);
    s->err = s->err ? s->err : err;
}

static void answer_tools(shop *s)
{
    const lg_event *ev;
    double score = 0.5;
    while ((ev = lg_engine_next(s->e))) {
        if (ev->type == LG_EVENT_TOOL) {
            int err = lg_tool_return_media(s->e, ev->id, NULL, PNG, sizeof PNG - 1, &score, 1);
            if (err)
                err = lg_tool_fail(s->e, ev->id, LG_ETOOL, "no memory");

            s->err = s->err ? s->err : err;
        }
    }
}

static bool is_pending(const shop *s)
{
    bool any = s->tool && lg_var_state(s->tool) == LG_PENDING;
    for (int i = 0; i < ASKED; i++)
        any = any || (s->v[i] && lg_var_state(s->v[i]) == LG_PENDING);

    return any;
}

/* A step that fails is done again: that is a host's part. */
static void work(shop *s)
{
    for (int i = 0; i < ASKED; i++)
        ask(s, i);

    use_tool(s);
    for (int i = 0; is_pending(s); i++) {
        int err = lg_engine_wait(s->e, 1000);
        s->err = s->err ? s->err : err;
        answer_tools(s);
        if (i > PATIENCE)
            fail_msg("something hangs");
    }
    for (int i = 0; i < ASKED; i++)
        s->ready[i] = s->v[i] && lg_var_state(s->v[i]) == LG_READY;

    s->tool_ready = s->tool && lg_var_state(s->tool) == LG_READY;
}

static void close_shop(shop *s)
{
    if (s->e) {
        int err = lg_run_end(s->e, "done");
        s->err = s->err ? s->err : err;
    }
    for (int i = 0; i < ASKED; i++)
        lg_var_unref(s->v[i]);

    lg_var_unref(s->tool);
    lg_model_unref(s->m);
    lg_tool_unref(s->t);
    lg_engine_free(s->e);
    s->e = NULL;
}

/* ---- what must hold afterwards ----------------------------------------------------- */

static size_t ambiguous(bench *b)
{
    lg_ambiguous *list = NULL;
    size_t n = 0;
    if (kit_open_with(&b->k, NULL))
        fail_msg("%s", lg__fail_message(&b->k.why));

    assert_int_equal(lg__store_ambiguous(b->k.s, 1, &list, &n), 0);
    lg__mem_free(&b->k.mem, list, n * sizeof *list);
    kit_shut(&b->k);
    return n;
}

/* All is asked again, with memory: what was shown is served, and the bill adds up. */
static void again(bench *b, const shop *before, unsigned sent, unsigned refused)
{
    shop s;
    lg_stats stats = {.size = sizeof stats};
    size_t open = ambiguous(b);
    rude_script(b->server, NULL, 0);
    open_shop(&s, b, NULL);
    assert_int_equal(s.err, 0);
    work(&s);
    lg_engine_stats(s.e, &stats);
    unsigned shown = 0;
    for (int i = 0; i < ASKED; i++) {
        assert_true(s.ready[i]);
        shown += before->ready[i] && !(i == 3 && before->ready[0]);
    }
    assert_true(s.tool_ready);
    assert_true(stats.served >= shown);
    close_shop(&s);
    unsigned all = rude_posts(b->server);
    assert_true(all >= sent);
    if (all - refused > DISTINCT + open) {
        fail_msg("%u requests of which %u were refused, for %d questions with %zu ambiguous", all,
                 refused, DISTINCT, open);
    }
}

static int round_of(support_heap *h, void *ctx)
{
    static const char *const mixed[] = {"ok", "status=500", "close"};
    bench *b = ctx;
    shop s;
    b->server = rude_start();
    assert_non_null(b->server);
    rude_reply(b->server, GOOD("yes"), "application/json", NULL);
    rude_script(b->server, mixed, 3); /* the path "ok" never looks */
    open_shop(&s, b, h);
    if (!s.err)
        work(&s);

    close_shop(&s);
    unsigned sent = rude_posts(b->server);
    again(b, &s, sent, strncmp(b->path, "script", 6) == 0 && sent > 1 ? 1 : 0);
    rude_stop(b->server);
    nftw(b->k.dir, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
    b->rounds++;
    return s.err && h->faults ? LG_ENOMEM : s.err; /* of a store that gave up, too */
}

static void sweep(const char *path, uint64_t stride)
{
    bench b = {.path = path};
    const char *own = getenv("LG_OOM_STRIDE");
    kit_setup(&b.k);
    oom_sweep_by(round_of, &b, own ? strtoull(own, NULL, 10) : stride);
    kit_end(&b.k);
}

static void test_oom_of_calls(void **state)
{
    (void)state;
    sweep("ok/v1", 23);
}

static void test_oom_with_failures(void **state)
{
    (void)state;
    sweep("script/v1", 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oom_of_calls),
        cmocka_unit_test(test_oom_with_failures),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
