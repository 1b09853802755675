/* api_jobs.c - the fuzz' calls of what runs in the library's own Lua: losses, optimizers, jobs,
 * their queries, and scripts. Some seeds alone, as each such state costs milliseconds. */
#include <string.h>

#include "api_fuzz.h"

static uint64_t new_tag(bool ends)
{
    if (w.n_endings == ENDINGS)
        return 0;
    w.endings[w.n_endings] = (ending){.tag = FIRST_ENDING + w.n_endings, .ends = ends};
    return w.endings[w.n_endings++].tag;
}

static ending *ending_of(uint64_t tag)
{
    return tag >= FIRST_ENDING && tag < FIRST_ENDING + w.n_endings ? &w.endings[tag - FIRST_ENDING]
                                                                   : NULL;
}

void told(const lg_event *ev)
{
    ending *one = ending_of(ev->tag);
    if (!one)
        broken("an event %d of tag %llu, which nothing has", ev->type, (unsigned long long)ev->tag);
    if (one->freed)
        broken("an event %d of tag %llu, which was freed", ev->type, (unsigned long long)ev->tag);
    if (one->ended)
        broken("an event %d of tag %llu, which has ended", ev->type, (unsigned long long)ev->tag);
    if (ev->type == LG_EVENT_END)
        one->ended = true;
}

static void freed(uint64_t tag)
{
    ending *one = ending_of(tag);
    if (one)
        one->freed = true;
}

/* ---- answers ------------------------------------------------------------- */

static void answer_query(work *one, const lg_query *q)
{
    double score = chance(80) ? (double)below(2) : odd_double();
    bytes b = odd_text();
    int err, what = chance(95) ? q->what : 1 << below(4);
    if (chance(10)) {
        err = CALL(lg_answer_fail, w.e, one->id, odd_code(), odd_name());
    } else if (what == LG_QUERY_PROGRAM) {
        err =
            CALL(lg_answer_var, w.e, one->id, chance(70) && q->n_params ? q->params[0] : odd_var());
    } else if (chance(80)) {
        err = CALL(lg_answer_score, w.e, one->id, score, "better", 6);
    } else {
        err = CALL(lg_answer_score, w.e, one->id, score, b.s, b.len);
    }
    if (R(err) == LG_OK && (one->over || one->type != LG_EVENT_FUNCTION))
        broken("an answer to %llu was taken, but it is over", (unsigned long long)one->id);
    one->over |= err == LG_OK;
}

/* A callback: it answers now, later, twice or never, and may call anything else. */
static void on_query(void *ud, lg_engine *e, const lg_query *q)
{
    if (ud != &w || e != w.e || !q->size || !q->id)
        broken("a query that is not ours");
    const ending *one = ending_of(q->tag);
    A("query %llu of tag %llu", (unsigned long long)q->id, (unsigned long long)q->tag);
    if (one && one->freed)
        broken("a query of what was freed");
    if (CALL(lg_engine_next, w.e))
        broken("an event inside of a callback");
    if (w.n_works == WORKS)
        return;
    work *open = &w.works[w.n_works++];
    *open = (work){q->id, LG_EVENT_FUNCTION, false};
    w.inside++;
    if (chance(10) && w.inside == 1)
        one_call();
    if (chance(70)) {
        lg_query seen = *q; /* what it points to is not there after an answer */
        answer_query(open, q);
        seen.n_params = 0;
        if (chance(10))
            answer_query(open, &seen);
    }
    w.inside--;
}

static void on_function(void *ud, lg_script *s, uint64_t id, const char *args, size_t len)
{
    if (ud != &w || !s || !id || strlen(args) != len)
        broken("a function that is not ours");
    if (w.n_works == WORKS)
        return;
    work *open = &w.works[w.n_works++];
    *open = (work){id, LG_EVENT_FUNCTION, false};
    if (chance(80))
        open->over = R(CALL(lg_script_return, s, id, chance(90) ? "[1,2]" : "[1,2}", 5)) == LG_OK;
}

bool answer_function(work *one)
{
    lg_query q = {.size = sizeof q};
    one->over = true; /* or nobody waits for it any more */
    if (CALL(lg_query_view, w.e, one->id, &q) == LG_OK) {
        int err = q.what == LG_QUERY_PROGRAM
                      ? CALL(lg_answer_var, w.e, one->id, q.params[0])
                      : CALL(lg_answer_score, w.e, one->id, 0.5, "better", 6);
        if (err && err != LG_ENOMEM)
            R(CALL(lg_answer_fail, w.e, one->id, LG_ETOOL, "it cannot"));
        return true;
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (w.scripts[i] && CALL(lg_script_return, w.scripts[i], one->id, "null", 4) == LG_OK)
            return true;
    }
    return true;
}

static void op_query(void)
{
    work *one = odd_work(LG_EVENT_FUNCTION);
    lg_query q = {.size = chance(90) ? sizeof q : below(sizeof q)};
    A("%llu", (unsigned long long)one->id);
    int err = R(CALL(lg_query_view, w.e, one->id, chance(95) ? &q : NULL));
    if (err == LG_OK && q.size == sizeof q && chance(50))
        answer_query(one, &q);
    else if (chance(10))
        answer_query(one, &(lg_query){.what = 1 << below(4)});
}

/* ---- models and losses --------------------------------------------------- */

static lg_model *some_model(void)
{
    return chance(5) ? w.strange_model : chance(20) ? NULL : w.models[below(MODELS)];
}

static void op_models(void)
{
    lg_model *m = NULL;
    R(CALL(lg_engine_models, w.e, some_model(), some_model(), some_model(), some_model()));
    if (R(CALL(lg_model_sim, w.e, chance(80) ? "sim/default" : odd_name(),
               chance(95) ? &m : NULL)) == 0)
        lg_model_unref(m);
}

static void op_warm(void)
{
    lg_model *m = some_model();
    if (chance(20))
        R(CALL(lg_engine_preload, w.e));
    if (m)
        R(CALL(lg_engine_preconnect, w.e, m, chance(80) ? (int)below(4) : (int)odd_int()));
}

static void op_loss(void)
{
    lg_var *v = NULL, *answer = odd_var();
    const char *words = chance(90) ? "Is it right?" : odd_name();
    lg_var **out = chance(95) ? &v : NULL;
    int err;
    switch (below(4)) {
    case 0:
        err = CALL(lg_loss_critic, w.e, answer, words, some_model(), out);
        break;
    case 1:
        err = CALL(lg_loss_judge, w.e, answer, words, some_model(), out);
        break;
    case 2:
        err = CALL(lg_loss_exact, w.e, answer, words, chance(50), out);
        break;
    default:
        err = CALL(lg_loss_score, w.e, answer, words, chance(50) ? on_query : NULL, &w, 0, out);
    }
    keep_var(out ? err : LG_EINVAL, &v);
}

/* ---- optimizers ---------------------------------------------------------- */

static const char *const options[] = {NULL, "{}", "{\"mode\":\"edit\"}",  "{\"x\":1}",
                                      "[",  "7",  "{\"headroom\":false}", "{\"patience\":1}"};
enum { OPTIONS = sizeof options / sizeof *options };

static size_t some_params(lg_var *params[3])
{
    size_t n = 1 + below(2);
    for (size_t i = 0; i < n; i++)
        params[i] = chance(90) ? w.vars[2 * below(3)] : odd_var();
    return chance(95) ? n : below(3);
}

static const char *const words[] = {"short", "kind"};

static void op_optimizer_new(void)
{
    lg_optimizer_config c;
    lg_var *params[3] = {NULL};
    size_t at = below(OPTIMIZERS);
    CALL(lg_optimizer_config_init_size, &c, sizeof c);
    c.params = params;
    c.n_params = some_params(params);
    c.tag = 0;
    c.model = some_model();
    c.constraints = words;
    c.n_constraints = below(3);
    c.check = chance(40) ? on_query : NULL;
    c.query_check = chance(30);
    c.ud = &w;
    c.momentum = chance(90) ? (int)below(3) : (int)odd_int();
    c.examples = words;
    c.n_examples = below(3);
    c.options = chance(80) ? NULL : options[below(OPTIONS)];
    c.size = chance(95) ? sizeof c : below(9);
    CALL(lg_optimizer_free, w.optimizers[at]);
    w.optimizers[at] = NULL;
    R(CALL(lg_optimizer_new, w.e, chance(98) ? &c : NULL, &w.optimizers[at]));
    CALL(lg_optimizer_config_init_size, NULL, 0);
}

static void op_optimizer(void)
{
    lg_var *v = NULL;
    size_t at = below(OPTIMIZERS);
    lg_optimizer *o = w.optimizers[at];
    if (!o)
        return;
    if (chance(20))
        R(CALL(lg_optimizer_zero_grad, o));
    if (chance(80))
        keep_var(CALL(lg_optimizer_step, o, &v), &v);
    R(CALL(lg_optimizer_step, o, NULL));
    if (chance(10)) {
        CALL(lg_optimizer_free, o);
        w.optimizers[at] = NULL;
    }
}

/* ---- jobs ---------------------------------------------------------------- */

static const char rows[] = "{\"question\":\"1\",\"answer\":\"well\"}\n"
                           "{\"question\":\"2\",\"answer\":\"bad\"}\n"
                           "{\"question\":\"3\",\"answer\":\"well\"}\n";

static void fill(lg_job_config *c, lg_var **params)
{
    static const char *const metrics[] = {"exact", "number", "f1", "none"};
    CALL(lg_job_config_init_size, c, sizeof *c);
    c->params = params;
    c->n_params = some_params(params);
    c->train = chance(90) ? rows : odd_name();
    c->train_len = c->train == rows ? sizeof rows - 1 : c->train ? strlen(c->train) : below(2);
    c->val = rows;
    c->val_len = chance(50) ? sizeof rows - 1 : 0;
    c->program = chance(40) ? on_query : NULL;
    c->score = chance(40) ? on_query : NULL;
    c->check = chance(20) ? on_query : NULL;
    c->evaluate = chance(20) ? on_query : NULL;
    c->ud = &w;
    c->queries = chance(30) ? (unsigned)below(16) & ~(unsigned)LG_QUERY_EVALUATE : 0;
    c->metric = chance(50) ? metrics[below(4)] : NULL;
    c->critic = chance(20) ? "Is it right?" : NULL;
    c->model = chance(80) ? NULL : some_model();
    c->steps = 1 + (int)below(3);
    c->batch = (int)below(4);
    c->max_evaluations = chance(70) ? 3 + below(10) : 0;
    c->max_calls = chance(30) ? below(30) : 0;
    c->options = chance(80) ? NULL : options[below(OPTIONS)];
    if (chance(5))
        c->steps = (int)odd_int();
    if (chance(5))
        c->seed = (uint64_t)odd_int();
}

static void free_job(size_t at)
{
    freed(w.jobs[at] ? w.job_tags[at] : 0);
    CALL(lg_job_free, w.jobs[at]);
    w.jobs[at] = NULL;
}

static void op_job_new(void)
{
    lg_job_config c;
    lg_var *params[3] = {NULL};
    size_t at = below(JOBS);
    uint64_t tag = new_tag(true);
    if (!tag)
        return;
    free_job(at);
    fill(&c, params);
    c.tag = w.job_tags[at] = tag;
    c.size = chance(95) ? sizeof c : below(9);
    const lg_job_config *given = chance(98) ? &c : NULL;
    int err = chance(50) ? CALL(lg_train, w.e, given, &w.jobs[at])
                         : CALL(lg_search, w.e, given, &w.jobs[at]);
    if (R(err)) {
        freed(tag);
        w.jobs[at] = NULL;
    }
    CALL(lg_job_config_init_size, NULL, 0);
}

static void op_job(void)
{
    size_t at = below(JOBS), len = 0;
    lg_job *j = w.jobs[at];
    lg_failure f;
    if (!j)
        return;
    int state = CALL(lg_job_state, j);
    if (w.threaded && state == LG_PENDING)
        return; /* by now it may be something else */
    const char *result = CALL(lg_job_result, j, &len);
    if (result && (state == LG_PENDING || strlen(result) != len))
        broken("a result of what has not ended, or of another length");
    if (!CALL(lg_job_best, j, 0, &len) || CALL(lg_job_best, j, 1000, NULL))
        broken("a job without a best text, or with too many");
    if (CALL(lg_job_error, j, &f) != (state == LG_FAILED || state == LG_CANCELLED))
        broken("an error of what has none, or none of what failed");
    if (result) {
        lg_var *one = any_var();
        R(CALL(lg_params_load, &one, 1, result, len));
    }
    if (chance(20))
        CALL(lg_job_cancel, j);
    if (chance(10))
        free_job(at);
}

static void op_load(void)
{
    lg_var *one = any_var();
    bytes b = odd_text();
    R(CALL(lg_params_load, chance(90) ? &one : NULL, 1, b.s, b.len));
    R(CALL(lg_params_load, &one, 1, "{\"best\":{\"leaf\":\"x\",\"y\":[]}}", 29));
}

/* ---- scripts ------------------------------------------------------------- */

static const char *const sources[] = {
    "return 1, {a = {}}",
    "print(host.f(1, {2}))",
    "local lg = require 'lunagrad' return lg.model('given')('x'):text()",
    "while true do end",
    "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1000) end",
    "error({})",
    "return ...",
    "return require('mine')",
    "local lg = require 'lunagrad' return lg.map({1, 2, 3}, function(i) return host.f(i) end)",
    "x = = 1",
    "return coroutine.wrap(function() return host.f() end)()"};
enum { SOURCES = sizeof sources / sizeof *sources };

static void free_script(size_t at)
{
    freed(w.scripts[at] ? w.script_tags[at] : 0);
    CALL(lg_script_free, w.scripts[at]);
    w.scripts[at] = NULL;
}

static void op_script_new(void)
{
    lg_script_config c;
    bytes b = odd_text();
    size_t at = below(SCRIPTS);
    const char *source = sources[below(SOURCES)];
    uint64_t tag = new_tag(false); /* one that is not started tells nothing */
    if (!tag || w.inside)
        return;
    free_script(at);
    CALL(lg_script_config_init_size, &c, sizeof c);
    c.tag = w.script_tags[at] = tag;
    c.cpu_ms = 30;
    c.memory = (size_t)8 << 20;
    c.instructions = chance(30) ? below(100000) : 0;
    c.wall_ms = chance(20) ? 1 + (int64_t)below(1000) : 0;
    c.allow = (unsigned)below(2);
    c.size = chance(95) ? sizeof c : below(9);
    bool odd = chance(10);
    int err = CALL(lg_script_new, w.e, odd ? b.s : source, odd ? b.len : strlen(source), odd_name(),
                   &c, &w.scripts[at]);
    if (R(err) || c.size < sizeof c) { /* then it has no tag */
        CALL(lg_script_free, w.scripts[at]);
        freed(tag);
        w.scripts[at] = NULL;
    }
    CALL(lg_script_config_init_size, NULL, 0);
}

static void op_script_give(void)
{
    size_t at = below(SCRIPTS);
    lg_script *s = w.scripts[at];
    if (!s)
        return;
    R(CALL(lg_script_module, s, chance(80) ? "mine" : odd_name(), "return 7", 8));
    R(CALL(lg_script_function, s, chance(90) ? "f" : odd_name(), chance(60) ? on_function : NULL,
           &w));
    R(CALL(lg_script_model, s, chance(80) ? "given" : odd_name(), some_model()));
    if (chance(70) && R(CALL(lg_script_start, s, chance(70) ? "{\"a\":1}" : odd_name())) == 0)
        ending_of(w.script_tags[at])->ends = true;
}

static void op_script(void)
{
    size_t at = below(SCRIPTS), bytes_now, peak;
    lg_script *s = w.scripts[at];
    int64_t cpu;
    lg_failure f;
    if (!s)
        return;
    int state = CALL(lg_script_state, s);
    if (w.threaded && state == LG_PENDING)
        return;
    const char *result = CALL(lg_script_result, s, NULL);
    if ((result != NULL) != (state == LG_READY))
        broken("a result of a script that is not ready, or none of one that is");
    if (CALL(lg_script_error, s, &f) != (state == LG_FAILED || state == LG_CANCELLED))
        broken("an error of a script that has none, or none of one that failed");
    CALL(lg_script_used, s, &bytes_now, &peak, chance(50) ? &cpu : NULL);
    work *one = odd_work(LG_EVENT_FUNCTION);
    if (chance(30) && R(CALL(lg_script_return, s, one->id, chance(80) ? "1" : "{", 1)) == LG_OK)
        one->over = true;
    if (chance(20) && R(CALL(lg_script_fail, s, one->id, odd_name())) == LG_OK)
        one->over = true;
    if (chance(10))
        CALL(lg_script_kill, s);
    if (chance(10) && !w.inside)
        free_script(at);
}

/* ---- all ----------------------------------------------------------------- */

void one_job_call(void)
{
    static void (*const ops[])(void) = {
        op_query,     op_query,     op_models,      op_warm, op_loss,    op_loss,
        op_optimizer, op_optimizer, op_job,         op_job,  op_job_new, op_script_new,
        op_script,    op_script,    op_script_give, op_load, op_job_new, op_optimizer_new};
    ops[below(sizeof ops / sizeof *ops)]();
}

/* Something in Lua may still go on. */
bool jobs_run(void)
{
    for (size_t i = 0; i < JOBS; i++) {
        if (w.jobs[i] && CALL(lg_job_state, w.jobs[i]) == LG_PENDING)
            return true;
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (w.scripts[i] && CALL(lg_script_state, w.scripts[i]) == LG_PENDING)
            return true;
    }
    return false;
}

void end_jobs(void)
{
    for (size_t i = 0; i < JOBS; i++) {
        if (w.jobs[i])
            CALL(lg_job_cancel, w.jobs[i]);
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        if (w.scripts[i])
            CALL(lg_script_kill, w.scripts[i]);
    }
}

void check_jobs(void)
{
    for (size_t i = 0; i < w.n_endings; i++) {
        const ending *one = &w.endings[i];
        if (one->ends && !one->freed && !one->ended)
            broken("tag %llu never ended", (unsigned long long)one->tag);
    }
}

void free_jobs(void)
{
    for (size_t i = 0; i < JOBS; i++)
        free_job(i);
    for (size_t i = 0; i < SCRIPTS; i++)
        free_script(i);
    for (size_t i = 0; i < OPTIMIZERS; i++)
        CALL(lg_optimizer_free, w.optimizers[i]);
}
