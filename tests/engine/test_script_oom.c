/* test_script_oom.c - losses, optimizers and jobs of a host, each allocation of which fails
 * once, or from there on for a while, all in the life of one engine.
 *
 * Whatever fails: all that was begun ends, once; what is ready is whole; nothing leaks; and when
 * there is memory again the same engine does the same work. */
#include "../support.h"
#include "lunagrad.h"

enum { MOST_OPEN = 256, TURNS = 400, SHORT_OF = 40, TAG = 5 };
enum { ANSWERER = 1, CRITIC, EDITOR, MODELS };

typedef struct asked {
    int type; /* of the event; NONE: done */
    uint64_t id, tag;
} asked;

typedef struct host {
    support_heap heap;
    lg_engine *e;
    lg_model *models[MODELS];
    asked open[MOST_OPEN];
    size_t n_open, ends;
    bool by_event;
    int others; /* ends by memory that were called otherwise */
} host;

/* ---- a host that answers when it can --------------------------------------------- */

static void note(host *h, int type, uint64_t id, uint64_t tag)
{
    assert_true(h->n_open < MOST_OPEN);
    h->open[h->n_open++] = (asked){type, id, tag};
}

static void on_query(void *ud, lg_engine *e, const lg_query *q)
{
    (void)e;
    note(ud, LG_EVENT_FUNCTION, q->id, 0);
}

static int reply(host *h, const asked *t)
{
    static const char *const says[] = {"", "4", "it should say more",
                                       "<NEW_VARIABLE>Say 5.</NEW_VARIABLE>"};
    return lg_call_reply(h->e, t->id, says[t->tag], strlen(says[t->tag]), "stop", NULL);
}

static int make_answer(host *h, const lg_query *q, lg_var **out)
{
    lg_call call;
    lg_var *question = NULL;
    int err = lg_var_new(h->e, "q", 1, "question", false, &question);
    lg_query_call(q, &call);
    call.messages = (lg_message[]){{"system", q->params[0]}, {"user", question}};
    call.n_messages = 2;
    if (!err)
        err = lg_call_model(h->e, h->models[ANSWERER], &call, out);
    lg_var_unref(question);
    return err;
}

static int answer(host *h, const asked *t)
{
    lg_query q = {.size = sizeof q};
    lg_var *v = NULL;
    int err = lg_query_view(h->e, t->id, &q);
    if (err)
        return err;
    if (q.what != LG_QUERY_PROGRAM)
        return lg_answer_score(h->e, t->id, q.what == LG_QUERY_CHECK ? 1 : 0.5, "more", 4);
    err = make_answer(h, &q, &v);
    if (!err)
        err = lg_answer_var(h->e, t->id, v);
    lg_var_unref(v);
    return err;
}

/* What there is no memory for stays to be done. */
static void do_open(host *h)
{
    size_t left = 0, n = h->n_open;
    for (size_t i = 0; i < n; i++) {
        asked t = h->open[i];
        int err = t.type == LG_EVENT_CALL ? reply(h, &t) : answer(h, &t);
        if (err != LG_OK && err != LG_ENOMEM && err != LG_ENOTFOUND)
            fail_msg("an answer: %s", lg_engine_errmsg(h->e));
        if (err == LG_ENOMEM)
            h->open[left++] = t;
    }
    h->n_open = left;
}

static void turn(host *h)
{
    const lg_event *event;
    lg_engine_wait(h->e, 1);
    while ((event = lg_engine_next(h->e))) {
        if (event->type == LG_EVENT_CALL)
            note(h, event->type, event->id, event->tag);
        else if (event->type == LG_EVENT_FUNCTION)
            note(h, event->type, event->id, 0);
        h->ends += event->type == LG_EVENT_END;
    }
    do_open(h);
    if (h->heap.for_good && h->heap.faults > SHORT_OF)
        h->heap.fail_at = 0; /* there is memory again */
}

static void open_host(host *h)
{
    static const char *const names[] = {"", "host/answerer", "host/critic", "host/editor"};
    lg_config cfg;
    memset(h, 0, sizeof *h);
    support_heap_init(&h->heap);
    support_config(&cfg, &h->heap);
    h->e = support_engine_new(&cfg);
    for (int tag = ANSWERER; tag < MODELS; tag++) {
        lg_model_config m;
        lg_model_config_init(&m);
        m.dialect = "host";
        m.name = m.model = names[tag];
        m.tag = (uint64_t)tag;
        m.no_memo = true;
        assert_int_equal(lg_model_new(h->e, &m, &h->models[tag]), LG_OK);
    }
    assert_int_equal(
        lg_engine_models(h->e, h->models[ANSWERER], h->models[CRITIC], h->models[EDITOR], NULL),
        LG_OK);
}

static void close_host(host *h)
{
    for (int i = ANSWERER; i < MODELS; i++)
        lg_model_unref(h->models[i]);
    lg_engine_free(h->e);
    assert_heap_empty(&h->heap);
}

/* ---- what is begun --------------------------------------------------------------------- */

/* How something ended: LG_OK, or LG_ENOMEM whatever it was called. */
static int ended_with(host *h, bool failed, const lg_failure *f)
{
    if (!failed)
        return LG_OK;
    if (h->heap.faults == 0)
        fail_msg("%s", f->message);
    h->others += f->code != LG_ENOMEM;
    if (f->code != LG_ENOMEM && getenv("LG_TEST_TELL"))
        print_message("  %s: %s\n", lg_error_name(f->code), f->message);
    return LG_ENOMEM;
}

static int settle(host *h, const lg_var *v)
{
    lg_failure f;
    for (int i = 0; i < TURNS && lg_var_state(v) == LG_PENDING; i++)
        turn(h);
    if (lg_var_state(v) == LG_PENDING)
        fail_msg("it hangs (allocation %llu)", (unsigned long long)h->heap.fail_at);
    return ended_with(h, lg_var_error(v, &f), &f);
}

static int make_param(host *h, lg_var **out)
{
    return lg_var_new(h->e, "Say 4.", 6, "system prompt", true, out);
}

static int losses(host *h)
{
    lg_var *v = NULL, *loss[3] = {NULL}, *pass = NULL;
    lg_query_fn fn = h->by_event ? NULL : on_query;
    int err = make_param(h, &v);
    if (!err)
        err = lg_loss_exact(h->e, v, "4", true, &loss[0]);
    if (!err)
        err = lg_loss_critic(h->e, v, "Is it right?", NULL, &loss[1]);
    if (!err)
        err = lg_loss_score(h->e, v, "looks", fn, h, TAG, &loss[2]);
    for (int i = 0; i < 3; i++) {
        int one = loss[i] ? settle(h, loss[i]) : LG_OK;
        err = err ? err : one;
    }
    if (!err)
        err = lg_backward_start(h->e, loss[2], NULL, &pass);
    if (!err)
        err = settle(h, pass);
    if (!err)
        assert_int_equal(lg_var_feedbacks(v), 1);
    lg_var_unref(pass);
    for (int i = 0; i < 3; i++)
        lg_var_unref(loss[i]);
    lg_var_unref(v);
    return err;
}

static int optimizer(host *h)
{
    lg_var *v = NULL, *report = NULL;
    lg_optimizer *o = NULL;
    lg_optimizer_config c;
    int err = make_param(h, &v);
    lg_optimizer_config_init(&c);
    c.params = &v;
    c.n_params = 1;
    c.constraints = (const char *const[]){"short"};
    c.n_constraints = 1;
    c.check = h->by_event ? NULL : on_query;
    c.query_check = h->by_event;
    c.ud = h;
    c.momentum = 1;
    if (!err)
        err = lg_var_add_feedback(v, "more", 4);
    if (!err)
        err = lg_optimizer_new(h->e, &c, &o);
    if (!err)
        err = lg_optimizer_step(o, &report);
    /* the library's own state may have died between the two */
    err = err == LG_ESTATE ? LG_ENOMEM : err;
    if (!err)
        err = settle(h, report);
    if (!err)
        assert_string_equal(lg_var_text(v, NULL), "Say 5.");
    else if (v)
        assert_non_null(lg_var_text(v, NULL));
    lg_var_unref(report);
    lg_optimizer_free(o);
    lg_var_unref(v);
    return err;
}

static int run_job(host *h, lg_job *j, lg_var *v)
{
    lg_failure f = {0};
    h->ends = 0;
    for (int i = 0; i < TURNS && !h->ends; i++)
        turn(h);
    if (!h->ends)
        fail_msg("a job does not end (allocation %llu)", (unsigned long long)h->heap.fail_at);
    turn(h);
    assert_int_equal(h->ends, 1);
    assert_int_not_equal(lg_job_state(j), LG_PENDING);
    if (lg_job_state(j) == LG_READY) {
        assert_non_null(lg_job_result(j, NULL));
        assert_non_null(strstr(lg_job_result(j, NULL), lg_var_text(v, NULL)));
    }
    return ended_with(h, lg_job_error(j, &f), &f);
}

static const char rows[] =
    "{\"question\":\"1\",\"answer\":\"5\"}\n{\"question\":\"2\",\"answer\":\"5\"}\n";

static int train(host *h)
{
    lg_var *v = NULL;
    lg_job *j = NULL;
    lg_job_config c;
    int err = make_param(h, &v);
    lg_job_config_init(&c);
    c.tag = TAG;
    c.params = &v;
    c.n_params = 1;
    c.train = c.val = rows;
    c.train_len = c.val_len = sizeof rows - 1;
    c.batch = 2;
    c.steps = 1;
    c.program = c.score = h->by_event ? NULL : on_query;
    c.queries = h->by_event ? LG_QUERY_PROGRAM | LG_QUERY_SCORE : 0;
    c.ud = h;
    if (!err)
        err = lg_train(h->e, &c, &j);
    if (!err)
        err = run_job(h, j, v);
    lg_job_free(j);
    lg_var_unref(v);
    return err;
}

static int search(host *h)
{
    lg_var *v = NULL;
    lg_job *j = NULL;
    lg_job_config c;
    int err = make_param(h, &v);
    lg_job_config_init(&c);
    c.tag = TAG;
    c.params = &v;
    c.n_params = 1;
    c.evaluate = h->by_event ? NULL : on_query;
    c.queries = h->by_event ? LG_QUERY_EVALUATE : 0;
    c.ud = h;
    c.max_evaluations = 2;
    if (!err)
        err = lg_search(h->e, &c, &j);
    if (!err)
        err = run_job(h, j, v);
    lg_job_free(j);
    lg_var_unref(v);
    return err;
}

/* ---- the sweep ------------------------------------------------------------------------- */

typedef int (*work)(host *h);

/* Allocations that were tried. */
static uint64_t sweep(host *h, work fn, uint64_t stride, bool for_good)
{
    uint64_t n = 1, tried = 0;
    for (;; n += stride, tried++) {
        h->heap.faults = 0;
        h->heap.for_good = for_good;
        h->heap.fail_at = h->heap.calls + n;
        h->n_open = 0;
        int err = fn(h);
        bool over = h->heap.faults == 0;
        h->heap.fail_at = 0;
        if (err != LG_OK && err != LG_ENOMEM)
            fail_msg("%s: %s", lg_error_name(err), lg_engine_errmsg(h->e));
        if (over) {
            assert_int_equal(err, LG_OK);
            return tried;
        }
    }
}

/* LG_TEST_STRIDE=1 tries each allocation, which takes minutes. */
static void sweep_all(work fn, uint64_t stride)
{
    const char *wanted = getenv("LG_TEST_STRIDE");
    stride = wanted ? strtoull(wanted, NULL, 10) : stride;
    for (int way = 0; way < 2; way++) {
        host h;
        open_host(&h);
        h.by_event = way;
        assert_int_equal(fn(&h), LG_OK);
        uint64_t tried = sweep(&h, fn, stride, way);
        assert_int_equal(fn(&h), LG_OK); /* all is well again */
        print_message("%llu rounds, %d failures by another name\n", (unsigned long long)tried,
                      h.others);
        assert_true(tried > 1);
        close_host(&h);
    }
}

static void test_losses(void **state)
{
    (void)state;
    sweep_all(losses, 293);
}

static void test_optimizer(void **state)
{
    (void)state;
    sweep_all(optimizer, 293);
}

static void test_train(void **state)
{
    (void)state;
    sweep_all(train, 499);
}

static void test_search(void **state)
{
    (void)state;
    sweep_all(search, 499);
}

/* ---- what outlives the library's own state ---------------------------------------------- */

/* It dies in the midst of a loss. */
static void kill_state(host *h, lg_var *v, bool for_good)
{
    lg_var *loss;
    assert_int_equal(lg_loss_exact(h->e, v, "4", false, &loss), LG_OK);
    h->heap.faults = 0;
    h->heap.for_good = for_good;
    h->heap.fail_at = h->heap.calls + 5;
    for (int i = 0; i < 10; i++) {
        const lg_event *event;
        lg_engine_step(h->e, 0);
        while ((event = lg_engine_next(h->e)))
            continue;
    }
    h->heap.fail_at = 0;
    assert_int_equal(settle(h, loss), LG_ENOMEM);
    lg_var_unref(loss);
}

static lg_var *ask(host *h, lg_model *m, lg_var *question)
{
    static uint32_t sample;
    lg_call call;
    lg_var *answer;
    lg_call_init(&call);
    call.messages = (lg_message[]){{"user", question}};
    call.n_messages = 1;
    call.sample = ++sample;
    assert_int_equal(lg_call_model(h->e, m, &call, &answer), LG_OK);
    return answer;
}

/* sim answers before, perhaps not, and again; feedback of a loss that was ready comes to an end. */
static void test_state_dies(void **state)
{
    static const char text[] = "I have two pears and a lime. How many fruits do I have?";
    (void)state;
    for (int for_good = 0; for_good < 2; for_good++) {
        host h;
        lg_var *v, *answer, *loss, *pass;
        lg_model *sim;
        open_host(&h);
        assert_int_equal(lg_model_sim(h.e, "sim/default", &sim), LG_OK);
        assert_int_equal(lg_var_new(h.e, text, sizeof text - 1, "question", true, &v), LG_OK);
        assert_int_equal(lg_loss_score(h.e, v, "looks", on_query, &h, TAG, &loss), LG_OK);
        assert_int_equal(settle(&h, loss), LG_OK);
        answer = ask(&h, sim, v);
        assert_int_equal(settle(&h, answer), LG_OK);
        lg_var_unref(answer);
        kill_state(&h, v, for_good);
        assert_int_equal(lg_backward_start(h.e, loss, NULL, &pass), LG_OK);
        assert_int_equal(settle(&h, pass), LG_ENOMEM);
        answer = ask(&h, sim, v);
        assert_int_equal(settle(&h, answer), for_good ? LG_ENOMEM : LG_OK);
        lg_var_unref(answer);
        assert_int_equal(losses(&h), LG_OK);
        answer = ask(&h, sim, v);
        assert_int_equal(settle(&h, answer), LG_OK);
        assert_non_null(strstr(lg_var_text(answer, NULL), "fruits"));
        lg_var_unref(answer);
        lg_var_unref(pass);
        lg_var_unref(loss);
        lg_var_unref(v);
        lg_model_unref(sim);
        close_host(&h);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_state_dies), cmocka_unit_test(test_losses),
    cmocka_unit_test(test_optimizer),  cmocka_unit_test(test_train),
    cmocka_unit_test(test_search),
};
LG_TEST_MAIN(tests)
