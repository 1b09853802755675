/* job.c - lg_train() and lg_search(): work of the private state (lua/lunagrad/host/train.lua,
 * search.lua), and what of it the host can look at. */
#include <string.h>

#include "host/hosted.h"

typedef struct lg_best {
    char *text;
    size_t len;
    char *shown; /* what the host was given last; may be text */
    size_t shown_len;
} lg_best;

struct lg_job {
    lg_owner owner;
    lg_model *model;
    lg_var *done; /* counted: what its call comes to */
    lg_told *end; /* the event that tells its end; NULL: it is told */
    bool running; /* its code in the private state */
    bool settled; /* done has */
    bool ended;   /* neither goes on: END is told */
    char *result;
    size_t result_len;
    size_t n;
    lg_best best[]; /* by parameter */
};

void lg_job_config_init_size(lg_job_config *cfg, size_t size)
{
    lg__args_init(cfg, size);
}

/* ---- what a config says ------------------------------------------------------ */

static int check_lists(lg_engine *e, const lg_job_config *c, const char *where)
{
    enum { MOST = 1024 };
    if ((c->n_constraints && !c->constraints) || c->n_constraints > MOST)
        return lg__host_refuse(e, LG_EINVAL, "%s: the constraints are missing, or too many", where);
    for (size_t i = 0; i < c->n_constraints; i++) {
        if (!c->constraints[i])
            return lg__host_refuse(e, LG_EINVAL, "%s: constraint %zu is NULL", where, i + 1);
    }
    const char *const words[] = {c->question, c->metric, c->critic, c->check_words, c->method};
    if (lg__args_bad(c->constraints, c->n_constraints) ||
        lg__args_bad(words, sizeof words / sizeof *words))
        return lg__host_refuse(e, LG_EUTF8, "%s: a text is not UTF-8", where);
    return LG_OK;
}

static int check_data(lg_engine *e, const lg_job_config *c, const char *where)
{
    const char *const texts[] = {c->train, c->val, c->test};
    const size_t lens[] = {c->train_len, c->val_len, c->test_len};
    static const char *const names[] = {"train", "val", "test"};
    for (int i = 0; i < 3; i++) {
        if (!texts[i] && lens[i])
            return lg__host_refuse(e, LG_EINVAL, "%s: %s is NULL", where, names[i]);
        if (lens[i] > LG_HOST_LONGEST)
            return lg__host_refuse(e, LG_ELIMIT, "%s: %s is too long", where, names[i]);
        if (texts[i] && lg_utf8_check(texts[i], lens[i]) >= 0)
            return lg__host_refuse(e, LG_EUTF8, "%s: %s is not UTF-8", where, names[i]);
    }
    return LG_OK;
}

static bool by_evaluation(const lg_job_config *c)
{
    return c->evaluate || (c->queries & LG_QUERY_EVALUATE);
}

/* A question has one who answers it. */
static int check_queries(lg_engine *e, const lg_job_config *c, const char *where)
{
    static const char *const names[LG_QUERIES] = {"program", "evaluate", "score", "check"};
    const lg_query_fn fns[LG_QUERIES] = {c->program, c->evaluate, c->score, c->check};
    if (c->queries >= 1U << LG_QUERIES)
        return lg__host_refuse(e, LG_EINVAL, "%s: queries has a bit that is no query", where);
    for (int k = 0; k < LG_QUERIES; k++) {
        if (fns[k] && (c->queries & 1U << k)) {
            return lg__host_refuse(e, LG_EINVAL, "%s: %s is a callback, and in queries, too", where,
                                   names[k]);
        }
    }
    return LG_OK;
}

static int check(lg_engine *e, const lg_job_config *c, const char *where, bool search)
{
    int err = lg__host_params(e, c->params, c->n_params, where);
    err = err ? err : check_queries(e, c, where);
    if (err)
        return err;
    if (c->model && !lg__inside_is_own_model(e, c->model))
        return lg__host_refuse(e, LG_EINVAL, "%s: the model is another engine's", where);
    if (c->batch < 0 || c->steps < 0 || c->seed > INT64_MAX || c->max_calls > INT64_MAX ||
        c->max_evaluations > INT64_MAX || c->max_micros > INT64_MAX || c->max_time_ms < 0)
        return lg__host_refuse(e, LG_EINVAL, "%s: a number is out of range", where);
    if (by_evaluation(c) && !search)
        return lg__host_refuse(e, LG_EINVAL, "%s: evaluate is for lg_search", where);
    if (!c->train && !by_evaluation(c))
        return lg__host_refuse(e, LG_EINVAL, "%s: there are no examples (train)", where);
    err = check_lists(e, c, where);
    if (!err)
        err = check_data(e, c, where);
    const char *what = search ? "lg_search: options" : "lg_train: options";
    return err ? err : lg__args_object(e, c->options, what);
}

static void add_budget(lg_args *a, const lg_job_config *c)
{
    lg__args_word(a, "method", c->method);
    lg__args_text(a, "test", c->test, c->test_len);
    lg__args_some(a, "max_calls", (int64_t)c->max_calls);
    lg__args_some(a, "max_evaluations", (int64_t)c->max_evaluations);
    lg__args_some(a, "max_micros", (int64_t)c->max_micros);
    lg__args_some(a, "max_time_ms", c->max_time_ms);
}

static void add_args(lg_args *a, const lg_job *j, const lg_job_config *c)
{
    lg__args_int(a, "owner", (int64_t)j->owner.number);
    lg__args_true(a, "program", j->owner.tools[0] != NULL);
    lg__args_true(a, "evaluate", j->owner.tools[1] != NULL);
    lg__args_true(a, "score", j->owner.tools[2] != NULL);
    lg__args_true(a, "check", j->owner.tools[3] != NULL);
    lg__args_word(a, "question", c->question);
    lg__args_word(a, "metric", c->metric);
    lg__args_word(a, "critic", c->critic);
    lg__args_words(a, "constraints", c->constraints, c->n_constraints);
    lg__args_word(a, "check_words", c->check_words);
    lg__args_text(a, "train", c->train, c->train_len);
    lg__args_text(a, "val", c->val, c->val_len);
    lg__args_some(a, "batch", c->batch);
    lg__args_int(a, "seed", (int64_t)c->seed);
    lg__args_json(a, "options", c->options);
}

/* ---- what Lua tells ---------------------------------------------------------------- */

/* Without memory the older text stays; one that the host looks at stays as well. */
static void take_best(lg_owner *o, size_t i, const char *text, size_t len)
{
    lg_job *j = (lg_job *)o;
    lg_hosted *p = o->home;
    char *copy = i < j->n ? lg__host_copy(p, text, len) : NULL;
    if (!copy)
        return;
    lg_best *b = &j->best[i];
    if (b->text != b->shown)
        lg__host_free(p, b->text, b->len + 1);
    b->text = copy;
    b->len = len;
}

static void hide_best(lg_hosted *p, lg_best *b)
{
    if (b->shown != b->text)
        lg__host_free(p, b->shown, b->shown_len + 1);
    b->shown = NULL;
}

static bool take_result(lg_owner *o, const char *json, size_t len)
{
    lg_job *j = (lg_job *)o;
    lg_hosted *p = o->home;
    char *copy = lg__host_copy(p, json, len);
    if (!copy)
        return false;
    if (j->result)
        lg__host_free(p, j->result, j->result_len + 1);
    j->result = copy;
    j->result_len = len;
    return true;
}

static void take_progress(lg_owner *o, const char *json, size_t len)
{
    lg__told_progress(o->home->state->party, o, o->tag, json, len);
}

/* Whether it is over, and can be told so. */
static void look(lg_job *j)
{
    if (j->ended || j->running || !j->settled)
        return;
    j->ended = true;
    lg__told_send(j->end);
    j->end = NULL;
}

static void take_running(lg_owner *o, bool running)
{
    lg_job *j = (lg_job *)o;
    j->running = running;
    look(j);
}

static void take_death(lg_owner *o)
{
    take_running(o, false);
}

/* Its promise has settled. */
static void settled(void *ud)
{
    lg_job *j = ud;
    j->settled = true;
    look(j);
}

/* ---- life ---------------------------------------------------------------------- */

static void release(lg_owner *owner)
{
    lg_job *j = (lg_job *)owner;
    for (size_t i = 0; i < j->n; i++) {
        hide_best(owner->home, &j->best[i]);
        lg__host_free(owner->home, j->best[i].text, j->best[i].len + 1);
    }
    lg__host_free(owner->home, j->result, j->result_len + 1);
    lg__told_free(j->end);
    lg_var_unref(j->done);
    lg_model_unref(j->model);
}

static const lg_owner_class of_jobs = {.held = true,
                                       .release = release,
                                       .died = take_death,
                                       .running = take_running,
                                       .best = take_best,
                                       .result = take_result,
                                       .tell = take_progress};

/* The parameters' texts as they are now. */
static int take_params(lg_job *j, const lg_job_config *c)
{
    for (size_t i = 0; i < c->n_params; i++) {
        size_t len = 0;
        const char *text = lg_var_text(c->params[i], &len);
        take_best(&j->owner, i, text ? text : "", text ? len : 0);
        if (!j->best[i].text)
            return LG_ENOMEM;
    }
    return lg__told_new(j->owner.home->state->party, j, j->owner.tag, &j->end);
}

static int call(lg_job *j, const lg_job_config *c, bool search)
{
    lg_args a;
    lg_hosted *p = j->owner.home;
    lg_host_call what = {.name = search ? "search.search" : "train.train",
                         .vars = c->params,
                         .n_vars = c->n_params,
                         .models = {[LG_FORWARD] = c->model},
                         .role = search ? "search" : "training"};
    lg__args_begin(p, &a);
    add_args(&a, j, c);
    if (search)
        add_budget(&a, c);
    else
        lg__args_int(&a, "steps", c->steps ? c->steps : 12);
    int err = lg__host_call(p, &what, &a, &j->done);
    lg__args_free(&a);
    if (!err)
        err = lg__inside_watch(j->done, settled, j);
    return err;
}

static int start(lg_engine *e, const lg_job_config *cfg, bool search, lg_job **out)
{
    static const char *const names[] = {"lg_train", "lg_search"};
    lg_hosted *p;
    lg_job *j;
    lg_job_config c;
    if (!cfg || !out || !lg__args_sized(&c, sizeof c, cfg)) {
        return lg__host_refuse(e, LG_EINVAL, "%s needs lg_job_config_init, and an out",
                               names[search]);
    }
    int err = check(e, &c, names[search], search);
    if (!err)
        err = lg__hosted_open(e, &p);
    if (err)
        return err;
    lg_owner_config asks = {.tag = c.tag,
                            .ud = c.ud,
                            .fns = {c.program, c.evaluate, c.score, c.check},
                            .by_event = c.queries};
    err = lg__owner_new(p, &asks, sizeof *j + c.n_params * sizeof *j->best, &of_jobs, &j);
    if (err)
        return err;
    j->model = lg_model_ref(c.model);
    j->n = c.n_params;
    err = take_params(j, &c);
    if (err)
        lg__host_refuse(e, err, "%s: no memory", names[search]);
    else
        err = call(j, &c, search);
    if (err)
        lg_job_free(j);
    else
        *out = j;
    return err;
}

int lg_train(lg_engine *e, const lg_job_config *cfg, lg_job **out)
{
    LG_INSIDE(e);
    return start(e, cfg, false, out);
}

int lg_search(lg_engine *e, const lg_job_config *cfg, lg_job **out)
{
    LG_INSIDE(e);
    return start(e, cfg, true, out);
}

void lg_job_cancel(lg_job *j)
{
    LG_INSIDE(j ? j->owner.home->e : NULL);
    if (!j->ended && j->done)
        lg_var_cancel(j->done);
}

void lg_job_free(lg_job *j)
{
    LG_INSIDE(j ? j->owner.home->e : NULL);
    if (!j)
        return;
    lg_job_cancel(j);
    if (j->done)
        lg__inside_unwatch(j->done, j);
    lg__told_take_back(j->owner.home->e, j);
    lg__owner_free(&j->owner);
}

/* ---- what the host looks at ------------------------------------------------------ */

int lg_job_state(const lg_job *j)
{
    LG_INSIDE(j ? j->owner.home->e : NULL);
    return j->ended ? lg_var_state(j->done) : LG_PENDING;
}

const char *lg_job_result(const lg_job *j, size_t *len)
{
    LG_INSIDE(j ? j->owner.home->e : NULL);
    const char *text = j->ended ? j->result : NULL;
    if (len)
        *len = text ? j->result_len : 0;
    return text;
}

/* The job is the host's to look into, and const to it. */
const char *lg_job_best(const lg_job *job, size_t i, size_t *len)
{
    LG_INSIDE(job ? job->owner.home->e : NULL);
    lg_job *j = (lg_job *)(uintptr_t)job;
    lg_best *b = i < j->n ? &j->best[i] : NULL;
    if (b) {
        hide_best(j->owner.home, b);
        b->shown = b->text;
        b->shown_len = b->len;
    }
    if (len)
        *len = b ? b->len : 0;
    return b ? b->text : NULL;
}

bool lg_job_error(const lg_job *j, lg_failure *out)
{
    LG_INSIDE(j ? j->owner.home->e : NULL);
    return j->ended && lg_var_error(j->done, out);
}
