/* test_script_jobs.c - losses, optimizers, training and search from C, in the library's own state:
 * queries by callback and by event, now and later; what is told, and in which order; wrong, late
 * and repeated calls; memory that is short. */
#include "../jobs_kit.h"
#include "host/hosted.h"

/* ---- losses -------------------------------------------------------------- */

static void test_losses(void **state)
{
    static const int none[] = {3};
    world w;
    lg_var *v, *loss;
    double score, target;
    (void)state;
    open_world(&w, none, 1);
    assert_int_equal(lg_var_new(w.e, "it is 7", 7, "answer", true, &v), 0);
    assert_int_equal(lg_loss_exact(w.e, v, "7", true, &loss), 0);
    assert_int_equal(run_var(&w, loss), LG_READY);
    assert_true(lg_var_score(loss, &score, &target));
    assert_true(score == 1 && target == 1);
    lg_var_unref(loss);
    assert_int_equal(lg_loss_critic(w.e, v, "Is it right?", NULL, &loss), 0);
    assert_int_equal(run_var(&w, loss), LG_READY);
    assert_string_equal(lg_var_text(loss, NULL), "raise the level");
    assert_false(lg_var_score(loss, &score, &target));
    lg_var_unref(loss);
    w.verdict = "So so. <VERDICT>0.5</VERDICT>";
    assert_int_equal(lg_loss_judge(w.e, v, "Is it right?", w.models[CRITIC], &loss), 0);
    assert_int_equal(run_var(&w, loss), LG_READY);
    assert_true(lg_var_score(loss, &score, NULL) || lg_var_score(loss, &score, &target));
    assert_true(score == 0.5);
    lg_var_unref(loss);
    lg_var_unref(v);
    close_world(&w);
}

/* A host that scores all day long holds no more than one that begins. */
static void test_many_scores(void **state)
{
    static const int none[] = {3};
    world w;
    (void)state;
    open_world(&w, none, 1);
    for (int i = 0; i < 20; i++) {
        lg_var *loss;
        assert_int_equal(lg_loss_score(w.e, w.prompt, "looks", on_query, &w, TAG, &loss), 0);
        if (i % 2)
            assert_int_equal(run_var(&w, loss), LG_READY);
        else
            assert_int_equal(lg_var_cancel(loss), 0);
        for (int k = 0; k < 9; k++)
            turn(&w);
        lg_var_unref(loss);
    }
    const lg_hosted *p = lh_private_peek(w.e)->hosted;
    assert_null(p->owners);
    assert_int_equal(p->n_asked, 0);
    close_world(&w);
}

/* A pass from a loss that is not settled: no template was set, and no model named. */
static void test_backward_of_a_score(void **state)
{
    static const int none[] = {3};
    for (int by_event = 0; by_event < 2; by_event++) {
        world w;
        lg_var *loss, *pass;
        lg_backward b;
        lg_feedback f;
        (void)state;
        open_world(&w, none, 1);
        lg_query_fn fn = by_event ? NULL : on_query;
        assert_int_equal(lg_loss_score(w.e, w.prompt, "looks", fn, &w, TAG, &loss), 0);
        lg_backward_init(&b);
        assert_int_equal(lg_backward_start(w.e, loss, &b, &pass), 0);
        assert_int_equal(run_var(&w, pass), LG_READY);
        assert_int_equal(w.functions, by_event);
        assert_int_equal(lg_var_feedbacks(w.prompt), 1);
        assert_int_equal(lg_var_feedback(w.prompt, 0, &f), 0);
        assert_non_null(strstr(f.text, "raise it"));
        lg_var_unref(pass);
        lg_var_unref(loss);
        close_world(&w);
    }
}

/* ---- optimizers ---------------------------------------------------------- */

static void test_optimizer(void **state)
{
    static const int edits[] = {900, 4, 5};
    static const char *const words[] = {"short"};
    for (int by_event = 0; by_event < 2; by_event++) {
        world w;
        lg_optimizer *o;
        lg_optimizer_config c;
        lg_var *report, *other;
        (void)state;
        open_world(&w, edits, 3);
        w.most_level = 100;
        lg_optimizer_config_init(&c);
        c.tag = TAG;
        c.params = &w.prompt;
        c.n_params = 1;
        c.constraints = words;
        c.n_constraints = 1;
        c.check = by_event ? NULL : on_query;
        c.query_check = by_event;
        c.ud = &w;
        c.check_words = "at most level 100";
        c.momentum = 1;
        assert_int_equal(lg_optimizer_new(w.e, &c, &o), 0);
        lg_var_add_feedback(w.prompt, "raise it", 8);
        assert_int_equal(lg_optimizer_step(o, &report), 0);
        assert_int_equal(lg_optimizer_step(o, &other), LG_ESTATE);
        assert_int_equal(run_var(&w, report), LG_READY);
        assert_non_null(strstr(lg_var_text(report, NULL), "\"changed\":true"));
        assert_string_equal(lg_var_text(w.prompt, NULL), "level 4");
        assert_int_equal(by_event ? w.functions : w.asked, 2);
        assert_int_equal(lg_optimizer_zero_grad(o), 0);
        assert_int_equal(lg_var_feedbacks(w.prompt), 0);
        lg_var_unref(report);
        assert_int_equal(lg_optimizer_step(o, &report), 0); /* nothing was said */
        assert_int_equal(run_var(&w, report), LG_READY);
        assert_non_null(strstr(lg_var_text(report, NULL), "\"changed\":false"));
        lg_var_unref(report);
        lg_var_add_feedback(w.prompt, "raise it", 8);
        assert_int_equal(lg_optimizer_step(o, &report), 0);
        lg_optimizer_free(o);
        assert_int_equal(run_var(&w, report), LG_CANCELLED);
        assert_string_equal(lg_var_text(w.prompt, NULL), "level 4");
        lg_var_unref(report);
        close_world(&w);
    }
}

static void test_optimizer_wrong(void **state)
{
    static const int edits[] = {4};
    world w, other;
    lg_optimizer *o;
    lg_optimizer_config c;
    lg_var *report;
    (void)state;
    open_world(&w, edits, 1);
    open_world(&other, edits, 1);
    memset(&c, 0, sizeof c);
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL);
    assert_int_equal(lg_optimizer_new(w.e, NULL, &o), LG_EINVAL);
    lg_optimizer_config_init(&c);
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL); /* no parameter */
    c.params = &other.prompt;
    c.n_params = 1;
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL);
    c.params = (lg_var *[]){w.prompt, w.prompt};
    c.n_params = 2;
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL);
    c.n_params = 1;
    c.model = other.models[EDITOR];
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL);
    c.model = NULL;
    c.momentum = -1;
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL);
    c.momentum = 0;
    c.check = on_query;
    c.query_check = true;
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EINVAL); /* who is to be asked? */
    c.check = NULL;
    c.query_check = false;
    c.options = "[]";
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), LG_EPARSE);
    c.options = "{\"mod\":\"edit\"}";
    assert_int_equal(lg_optimizer_new(w.e, &c, &o), 0);
    assert_int_equal(lg_optimizer_step(o, NULL), LG_EINVAL);
    assert_int_equal(lg_optimizer_step(o, &report), 0);
    assert_int_equal(run_var(&w, report), LG_FAILED);
    lg_failure f;
    assert_true(lg_var_error(report, &f));
    assert_int_equal(f.code, LG_EINVAL);
    assert_non_null(strstr(f.message, "\"mod\""));
    lg_var_unref(report);
    lg_optimizer_free(o);
    lg_optimizer_free(NULL);
    close_world(&w);
    close_world(&other);
}

/* ---- training ------------------------------------------------------------ */

static void test_train_by_question(void **state)
{
    static const int edits[] = {4, 6, 8};
    world w;
    lg_job *j;
    lg_job_config c;
    size_t len;
    (void)state;
    open_world(&w, edits, 3);
    config(&w, &c);
    c.metric = "exact";
    assert_int_equal(lg_train(w.e, &c, &j), 0);
    assert_int_equal(lg_job_state(j), LG_PENDING);
    assert_null(lg_job_result(j, NULL));
    assert_string_equal(lg_job_best(j, 0, &len), "level 2");
    assert_null(lg_job_best(j, 1, &len));
    assert_int_equal(run_job(&w, j), LG_READY);
    assert_int_equal(w.progress, 3);
    assert_string_equal(lg_var_text(w.prompt, NULL), "level 8");
    assert_string_equal(lg_job_best(j, 0, &len), "level 8");
    const char *json = lg_job_result(j, &len);
    assert_int_equal(strlen(json), len);
    assert_true(number(json, "\"seed_score\":") == 0.2);
    assert_true(number(json, "\"best_score\":") == 0.8);
    assert_int_equal(lg_var_set(w.prompt, "level 1", 7), 0);
    assert_int_equal(lg_params_load(&w.prompt, 1, json, len), 1);
    assert_string_equal(lg_var_text(w.prompt, NULL), "level 8");
    assert_false(lg_job_error(j, NULL));
    lg_job_cancel(j); /* nothing */
    assert_int_equal(lg_job_state(j), LG_READY);
    lg_job_free(j);
    close_world(&w);
}

/* The host's own parameter never holds what was refused. */
static void test_train_by_the_host(void **state)
{
    static const int edits[] = {9, 1, 7};
    for (int way = 0; way < 3; way++) { /* callbacks, callbacks that answer later, events */
        world w;
        lg_job *j;
        lg_job_config c;
        (void)state;
        open_world(&w, edits, 3);
        w.most_level = 8;
        w.later = way == 1;
        config(&w, &c);
        if (way < 2)
            c.program = c.score = c.check = on_query;
        else
            c.queries = LG_QUERY_PROGRAM | LG_QUERY_SCORE | LG_QUERY_CHECK;

        assert_int_equal(lg_train(w.e, &c, &j), 0);
        assert_int_equal(run_job(&w, j), LG_READY);
        assert_string_equal(lg_var_text(w.prompt, NULL), "level 7");
        assert_int_equal(w.seen_level, 7);
        assert_true((way < 2 ? w.asked : w.functions) > 40);
        assert_int_equal(w.abandoned, 0);
        lg_job_free(j);
        close_world(&w);
    }
}

/* Without scores: a critic says what is wrong, and validation is by a metric. */
static void test_train_by_a_critic(void **state)
{
    static const int edits[] = {5};
    world w;
    lg_job *j;
    lg_job_config c;
    (void)state;
    open_world(&w, edits, 1);
    config(&w, &c);
    c.metric = "exact";
    c.critic = "Is the answer right?";
    c.steps = 1;
    c.options = "{\"accept\":\"better\",\"optimizer\":{\"memory\":2}}";
    assert_int_equal(lg_train(w.e, &c, &j), 0);
    assert_int_equal(run_job(&w, j), LG_READY);
    assert_string_equal(lg_var_text(w.prompt, NULL), "level 5");
    lg_job_free(j);
    close_world(&w);
}

static void fails(world *w, lg_job_config *c, const char *about)
{
    lg_job *j;
    lg_failure f;
    assert_int_equal(lg_train(w->e, c, &j), 0);
    w->ends = 0;
    w->ended = false;
    assert_int_equal(run_job(w, j), LG_FAILED);
    assert_true(lg_job_error(j, &f));
    assert_non_null(strstr(f.message, about));
    lg_job_free(j);
    assert_string_equal(lg_var_text(w->prompt, NULL), "level 2");
}

static void test_train_wrong(void **state)
{
    static const int edits[] = {5};
    world w;
    lg_job *j = NULL;
    lg_job_config c;
    (void)state;
    open_world(&w, edits, 1);
    config(&w, &c);
    c.train = NULL;
    c.train_len = 0;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EINVAL);
    c.train = "\xff";
    c.train_len = 1;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EUTF8);
    config(&w, &c);
    c.steps = -1;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EINVAL);
    config(&w, &c);
    c.evaluate = on_query;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EINVAL);
    config(&w, &c);
    c.score = on_query;
    c.queries = LG_QUERY_SCORE;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EINVAL);
    assert_non_null(strstr(lg_engine_errmsg(w.e), "score"));
    c.score = NULL;
    c.queries = LG_QUERY_SCORE | LG_QUERY_CHECK << 1;
    assert_int_equal(lg_train(w.e, &c, &j), LG_EINVAL);
    config(&w, &c);
    c.options = "{";
    assert_int_equal(lg_train(w.e, &c, &j), LG_EPARSE);
    assert_non_null(strstr(lg_engine_errmsg(w.e), "options"));
    assert_int_equal(lg_train(w.e, &c, NULL), LG_EINVAL);
    assert_null(j);
    config(&w, &c);
    fails(&w, &c, "nothing says how good");
    c.metric = "exakt";
    fails(&w, &c, "exakt");
    c.metric = "exact";
    c.options = "{\"patince\":3}";
    fails(&w, &c, "patince");
    c.options = "{\"seed\":3}";
    fails(&w, &c, "seed");
    c.options = NULL;
    c.train = "no json";
    c.train_len = 7;
    fails(&w, &c, "train");
    config(&w, &c);
    c.metric = "exact";
    c.question = "{quest}";
    fails(&w, &c, "quest");
    lg_engine_models(w.e, w.models[ANSWERER], NULL, NULL, NULL);
    lg_engine_models(w.e, NULL, NULL, NULL, NULL);
    c.question = NULL;
    fails(&w, &c, "model");
    close_world(&w);
}

/* ---- search -------------------------------------------------------------- */

static void test_search(void **state)
{
    static const int edits[] = {4, 6, 8, 9};
    for (int way = 0; way < 3; way++) { /* program, its answers later, evaluation */
        world w;
        lg_job *j;
        lg_job_config c;
        (void)state;
        open_world(&w, edits, 4);
        w.later = way == 1;
        config(&w, &c);
        if (way < 2) {
            c.program = c.score = on_query;
            c.max_calls = 150;
            c.options = "{\"headroom\":false}";
        } else {
            c.evaluate = on_query;
            c.train = c.val = NULL;
            c.train_len = c.val_len = 0;
            c.max_evaluations = 12;
        }
        assert_int_equal(lg_search(w.e, &c, &j), 0);
        assert_int_equal(run_job(&w, j), LG_READY);
        const char *json = lg_job_result(j, NULL);
        assert_true(number(json, "\"best_score\":") > number(json, "\"seed_score\":"));
        assert_true(level_of(lg_var_text(w.prompt, NULL)) > 2);
        assert_string_equal(lg_var_text(w.prompt, NULL), lg_job_best(j, 0, NULL));
        assert_true(w.progress > 1);
        if (way < 2)
            assert_true(number(json, "\"calls\":") <= 150);
        lg_job_free(j);
        close_world(&w);
    }
}

/* ---- ended from outside -------------------------------------------------- */

static void test_cancel_anywhere(void **state)
{
    static const int edits[] = {4, 6, 8};
    (void)state;
    for (int turns = 0; turns < 24; turns++) {
        world w;
        lg_job *j;
        lg_job_config c;
        open_world(&w, edits, 3);
        config(&w, &c);
        if (turns % 2)
            c.program = c.score = on_query;
        else
            c.queries = LG_QUERY_PROGRAM | LG_QUERY_SCORE;
        w.mute = turns % 3 == 2;
        c.steps = 50;
        assert_int_equal(lg_train(w.e, &c, &j), 0);
        for (int i = 0; i < turns; i++)
            turn(&w);
        lg_job_cancel(j);
        lg_job_cancel(j);
        run_job(&w, j);
        assert_true(lg_job_state(j) == LG_CANCELLED || lg_job_state(j) == LG_READY);
        assert_string_equal(lg_job_best(j, 0, NULL), lg_var_text(w.prompt, NULL));
        lg_job_free(j);
        for (int i = 0; i < 5; i++)
            turn(&w);
        assert_int_equal(w.ends, 1);
        close_world(&w);
    }
}

static void test_free_anywhere(void **state)
{
    static const int edits[] = {4, 6, 8};
    (void)state;
    for (int turns = 0; turns < 24; turns++) {
        world w;
        lg_job *j;
        lg_job_config c;
        open_world(&w, edits, 3);
        config(&w, &c);
        c.program = c.score = c.check = on_query;
        w.later = turns % 2;
        c.steps = 50;
        assert_int_equal(lg_train(w.e, &c, &j), 0);
        for (int i = 0; i < turns; i++)
            turn(&w);
        lg_job_free(j);
        w.ended = true; /* nothing comes of it any more */
        size_t before = w.ends;
        for (int i = 0; i < 10; i++)
            turn(&w);
        assert_int_equal(w.ends, before);
        close_world(&w);
    }
    lg_job_free(NULL);
}

/* An engine that goes while jobs run, with handles that nobody freed. */
static void test_engine_ends(void **state)
{
    static const int edits[] = {4, 6, 8};
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        world w;
        lg_job *j;
        lg_var *loss;
        lg_job_config c;
        open_world(&w, edits, 3);
        config(&w, &c);
        c.program = c.score = on_query;
        w.mute = turns % 2;
        assert_int_equal(lg_train(w.e, &c, &j), 0);
        assert_int_equal(lg_loss_score(w.e, w.prompt, "x", on_query, &w, TAG, &loss), 0);
        for (int i = 0; i < turns; i++)
            turn(&w);
        close_world(&w);
    }
}

/* ---- answers that are wrong, late, repeated ------------------------------ */

static void test_answers(void **state)
{
    static const int edits[] = {4};
    world w;
    lg_var *loss, *v;
    lg_query q = {.size = sizeof q};
    (void)state;
    open_world(&w, edits, 1);
    w.later = true;
    assert_int_equal(lg_loss_score(w.e, w.prompt, "x", on_query, &w, TAG, &loss), 0);
    for (int i = 0; i < 100 && !w.n_waiting; i++) {
        lg_engine_wait(w.e, 10);
        while (lg_engine_next(w.e))
            continue;
    }
    uint64_t id = w.waiting[0];
    assert_int_equal(lg_query_view(w.e, id, &q), 0);
    assert_int_equal(q.what, LG_QUERY_SCORE);
    assert_string_equal(q.text, "level 2");
    assert_int_equal(q.index, -1);
    q.size = 0;
    assert_int_equal(lg_query_view(w.e, id, &q), LG_EINVAL);
    assert_int_equal(lg_query_view(w.e, id, NULL), LG_EINVAL);
    assert_int_equal(lg_query_view(w.e, id + 1000, &q), LG_ENOTFOUND);
    struct {
        size_t size;
        int what;
    } old = {.size = offsetof(lg_query, id)};
    assert_int_equal(lg_query_view(w.e, id, (lg_query *)&old), 0); /* an older host's */
    assert_int_equal(old.what, LG_QUERY_SCORE);
    assert_int_equal(lg_var_new(w.e, "x", 1, "x", false, &v), 0);
    assert_int_equal(lg_answer_var(w.e, id, v), LG_EINVAL);
    assert_int_equal(lg_answer_score(w.e, id, 0.0 / 0.0, NULL, 0), LG_EINVAL);
    assert_int_equal(lg_answer_score(w.e, id, 1, NULL, 3), LG_EINVAL);
    assert_int_equal(lg_answer_score(w.e, id, 1, "\xff", 1), LG_EUTF8);
    assert_int_equal(lg_tool_return(w.e, id, "x", 1, NULL, 0), LG_EINVAL);
    assert_non_null(strstr(lg_engine_errmsg(w.e), "lg_answer_score"));
    assert_int_equal(lg_tool_fail(w.e, id, LG_ETOOL, "x"), LG_EINVAL);
    assert_int_equal(lg_answer_score(w.e, id, 0.25, NULL, 0), 0);
    assert_int_equal(lg_tool_return(w.e, id, "x", 1, NULL, 0), LG_ENOTFOUND);
    assert_int_equal(lg_answer_score(w.e, id, 0.5, NULL, 0), LG_ENOTFOUND);
    assert_int_equal(lg_answer_fail(w.e, id, LG_ETOOL, "x"), LG_ENOTFOUND);
    w.n_waiting = 0;
    assert_int_equal(run_var(&w, loss), LG_READY);
    double score, target;
    assert_true(lg_var_score(loss, &score, &target) && score == 0.25);
    lg_var_unref(loss);
    lg_var_unref(v);
    close_world(&w);
}

static void fail_it(void *ud, lg_engine *e, const lg_query *q)
{
    (void)ud;
    assert_null(lg_engine_next(e));
    assert_int_equal(lg_answer_fail(e, q->id, LG_ETOOL, "no such thing"), 0);
}

static void test_failed_answers(void **state)
{
    static const int edits[] = {4};
    (void)state;
    for (int of_program = 0; of_program < 2; of_program++) {
        world w;
        lg_job *j;
        lg_job_config c;
        lg_failure f;
        open_world(&w, edits, 1);
        config(&w, &c);
        c.program = of_program ? fail_it : on_query;
        c.score = of_program ? on_query : fail_it;
        assert_int_equal(lg_train(w.e, &c, &j), 0);
        assert_int_equal(run_job(&w, j), LG_FAILED);
        assert_true(lg_job_error(j, &f));
        assert_non_null(strstr(f.message, "no such thing"));
        lg_job_free(j);
        close_world(&w);
    }
}

/* ---- texts from a file --------------------------------------------------- */

static void test_load(void **state)
{
    static const int edits[] = {4};
    static const char best[] = "{\"name\":\"run\",\"score\":0.5,\"texts\":{\"system prompt\":\"a\","
                               "\"other\":\"b\",\"system prompt #2\":\"c\"},\"x\":[{\"best\":1}]}";
    world w;
    lg_var *two;
    (void)state;
    open_world(&w, edits, 1);
    assert_int_equal(lg_var_new(w.e, "z", 1, "system prompt", true, &two), 0);
    lg_var *const params[] = {w.prompt, two};
    assert_int_equal(lg_params_load(params, 2, best, sizeof best - 1), 2);
    assert_string_equal(lg_var_text(w.prompt, NULL), "a");
    assert_string_equal(lg_var_text(two, NULL), "c");
    assert_int_equal(lg_params_load(params, 2, "{}", 2), LG_EPARSE);
    assert_int_equal(lg_params_load(params, 2, "{", 1), LG_EPARSE);
    assert_int_equal(lg_params_load(params, 2, "{\"best\":{}}", 11), 0);
    assert_int_equal(lg_params_load(NULL, 2, "{}", 2), LG_EINVAL);
    lg_var_unref(two);
    close_world(&w);
}

/* ---- short of memory ----------------------------------------------------- */

/* A host cannot answer what the library's own state was asked, though it may guess the id. */
static void test_ids_of_others(void **state)
{
    (void)state;
    lg_engine *e = support_engine_new(NULL);
    lg_model *m = NULL;
    lg_var *q = NULL, *answer = NULL;
    lg_call c;
    assert_int_equal(lg_model_sim(e, "sim/default", &m), 0);
    assert_int_equal(lg_var_new(e, "How many: a cat, a dog?", 23, "question", false, &q), 0);
    const lg_message said = {"user", q};
    lg_call_init(&c);
    c.messages = &said;
    c.n_messages = 1;
    assert_int_equal(lg_call_model(e, m, &c, &answer), 0);
    for (int i = 0; i < 100000 && lg_var_state(answer) == LG_PENDING; i++) {
        (void)lg_engine_step(e, 1);
        for (uint64_t id = 1; id < 100; id++) {
            assert_int_equal(lg_call_reply(e, id, "guessed", 7, NULL, NULL), LG_ENOTFOUND);
            assert_int_equal(lg_tool_return(e, id, "guessed", 7, NULL, 0), LG_ENOTFOUND);
        }
    }
    assert_int_equal(lg_var_state(answer), LG_READY);
    lg_var_unref(q);
    lg_var_unref(answer);
    lg_model_unref(m);
    lg_engine_free(e);
}

static int short_of_memory(support_heap *h, void *ctx)
{
    static const int edits[] = {4};
    world w;
    lg_config cfg;
    lg_job *j = NULL;
    lg_job_config c;
    lg_failure f;
    support_config(&cfg, h);
    int err = try_open(&w, &cfg, edits, 1);
    if (!err) {
        config(&w, &c);
        c.evaluate = on_query;
        c.train = c.val = NULL;
        c.train_len = c.val_len = 0;
        c.max_evaluations = 2;
        err = lg_search(w.e, &c, &j);
    }
    for (int i = 0; !err && i < 200 && !w.ended; i++)
        turn(&w);
    if (!err && lg_job_error(j, &f))
        err = LG_ENOMEM; /* whatever it calls it */
    (void)ctx;
    lg_job_free(j);
    close_world(&w);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep_by(short_of_memory, NULL, 1499);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_losses),
    cmocka_unit_test(test_many_scores),
    cmocka_unit_test(test_backward_of_a_score),
    cmocka_unit_test(test_optimizer),
    cmocka_unit_test(test_optimizer_wrong),
    cmocka_unit_test(test_train_by_question),
    cmocka_unit_test(test_train_by_the_host),
    cmocka_unit_test(test_train_by_a_critic),
    cmocka_unit_test(test_train_wrong),
    cmocka_unit_test(test_search),
    cmocka_unit_test(test_cancel_anywhere),
    cmocka_unit_test(test_free_anywhere),
    cmocka_unit_test(test_engine_ends),
    cmocka_unit_test(test_answers),
    cmocka_unit_test(test_failed_answers),
    cmocka_unit_test(test_ids_of_others),
    cmocka_unit_test(test_load),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
