/* query.c - queries: what Lua asks of the host, and how the host answers.
 *
 * A query is a tool of the host's (so it has an event, an id and an ABANDON like any other work)
 * called with what it is about as JSON. Where a score is wanted, the tool's result is the answer.
 * Where a variable is, a promise stands beside it: it is kept with what the host names, so that
 * feedback goes on from there. What the host may look at is kept here until it has answered, found
 * by the id of the tool's variable. */
#include <math.h>
#include <string.h>

#include "binding/lua_binding.h"
#include "host/hosted.h"

struct lg_question {
    lg_question *next; /* in its bucket */
    lg_owner *owner;
    lg_var *var;     /* the tool's result: counted */
    lg_var *promise; /* PROGRAM: counted */
    lg_var *answer;  /* SCORE: counted; NULL */
    lg_query view;   /* what it points to is behind it */
    size_t size;     /* of this block */
    bool calling;    /* its function runs: it is freed when that returns */
    bool over;
    bool viewed;      /* by its id: what it shows stays until the host knows that it is over */
    lg_var *params[]; /* counted; then the example and the text */
};

static const char *const names[LG_QUERIES] = {"program", "evaluate", "score", "check"};

enum { FIRST_SWEEP = 64 };

/* ---- the list ------------------------------------------------------------- */

static lg_question **bucket(lg_hosted *p, uint64_t id)
{
    return &p->asked[id % LG_ASKED_BUCKETS];
}

static void let_go(lg_engine *e, lg_question *a)
{
    for (size_t i = 0; i < a->view.n_params; i++)
        lg_var_unref(a->params[i]);
    lg_var_unref(a->var);
    lg_var_unref(a->promise);
    lg_var_unref(a->answer);
    lg__inside_alloc(e, a, a->size, 0);
}

/* It is not found any more. */
static void take_out(lg_hosted *p, lg_question *a)
{
    for (lg_question **at = bucket(p, lg_var_id(a->var)); *at; at = &(*at)->next) {
        if (*at == a) {
            *at = a->next;
            p->n_asked--;
            break;
        }
    }
    a->over = true;
    if (!a->calling)
        let_go(p->e, a);
}

/* What was cancelled is nobody's to answer. */
static void sweep(lg_hosted *p)
{
    if (p->n_asked < p->sweep_at)
        return;
    for (size_t b = 0; b < LG_ASKED_BUCKETS; b++) {
        for (lg_question *a = p->asked[b], *next; a; a = next) {
            next = a->next;
            if (lg_var_state(a->var) == LG_PENDING)
                continue;
            if (!a->viewed || !lg__inside_abandons(p->e, a->view.id))
                take_out(p, a);
        }
    }
    p->sweep_at = p->n_asked < FIRST_SWEEP ? FIRST_SWEEP : 2 * p->n_asked;
}

void lg__queries_drop(lg_hosted *p, const lg_owner *o)
{
    for (size_t b = 0; b < LG_ASKED_BUCKETS; b++) {
        for (lg_question *a = p->asked[b], *next; a; a = next) {
            next = a->next;
            if (o && a->owner != o)
                continue;
            if (o && lg_var_state(a->var) == LG_PENDING)
                lg_var_cancel(a->var);
            take_out(p, a);
        }
    }
}

/* The query behind an id that was announced. LG_ENOTFOUND: nobody waits for its answer; LG_EINVAL:
 * it is a script's function */
static int find(lg_engine *e, uint64_t id, lg_hosted **home, lg_question **out)
{
    lg_var *v = lg__inside_asked(e, id);
    const lh_shared *shared = lh_shared_peek(e);
    const lh_private *state = shared ? shared->own : NULL;
    lg_hosted *p = state ? state->hosted : NULL;
    lg_question *a = v && p ? *bucket(p, lg_var_id(v)) : NULL;
    while (a && a->var != v)
        a = a->next;
    *home = p;
    *out = a;
    if (v && !a) {
        return lg__host_refuse(e, LG_EINVAL, "%llu is no query, but a function of a script",
                               (unsigned long long)id);
    }
    if (!a) {
        return lg__host_refuse(e, LG_ENOTFOUND, "nothing waits for an answer to %llu",
                               (unsigned long long)id);
    }
    return LG_OK;
}

/* ---- asking ------------------------------------------------------------------ */

static int kind_of(lua_State *L, int arg)
{
    const char *name = lg__lua_check_name(L, arg);
    int k = 0;
    while (k < LG_QUERIES && strcmp(names[k], name) != 0)
        k++;
    return k < LG_QUERIES ? k : lg__lua_badarg(L, arg, "no kind of query");
}

/* A field of the table at 5, which holds it. */
static const char *text_field(lua_State *L, const char *field, size_t *len)
{
    lua_getfield(L, 5, field);
    const char *text = lg__lua_check_text(L, -1, len);
    lua_pop(L, 1);
    return text;
}

static lg_question *new_asked(lg_owner *o, size_t n, const char *example, size_t example_len,
                              const char *text, size_t len)
{
    size_t vars = n * sizeof(lg_var *);
    size_t size = sizeof(lg_question) + vars + example_len + len + 2;
    lg_question *a = lg__host_new(o->home, size);
    if (!a)
        return NULL;
    char *room = (char *)a->params + vars;
    memcpy(room, example, example_len);
    memcpy(room + example_len + 1, text, len);
    a->size = size;
    a->owner = o;
    a->view = (lg_query){.size = sizeof a->view,
                         .params = a->params,
                         .n_params = n,
                         .example = room,
                         .example_len = example_len,
                         .text = room + example_len + 1,
                         .len = len};
    return a;
}

static void take_view(lg_question *a, const lg_query *v)
{
    a->view.what = v->what;
    a->view.index = v->index;
    a->view.param = v->param;
    a->view.sample = v->sample;
    a->view.purpose = v->purpose;
    a->view.answer = a->answer = v->answer;
}

/* What hosts without callbacks read. */
static int in_json(const lg_question *a, lg_args *j)
{
    lg__args_json(j, "example", a->view.example_len ? a->view.example : NULL);
    lg__args_int(j, "index", a->view.index);
    lg__args_text(j, "text", a->view.text, a->view.len);
    lg__args_int(j, "param", (int64_t)a->view.param);
    lg__args_int(j, "sample", a->view.sample);
    lg__out_add(&j->out, ",\"texts\":[", 10);
    for (size_t i = 0; i < a->view.n_params; i++) {
        size_t len = 0;
        const char *text = lg_var_media(a->params[i]) ? "" : lg_var_text(a->params[i], &len);
        lg__out_add(&j->out, ",", i > 0);
        lg__out_as(&j->out, LG_AS_JSON, text ? text : "", text ? len : 0);
    }
    lg__out_add(&j->out, "]", 1);
    return lg__args_end(j);
}

static int call_tool(lg_question *a, const lg_args *j, int k)
{
    static const char *const input = "query";
    lg_engine *e = a->owner->home->e;
    lg_var *about = NULL;
    int err = lg_var_new(e, j->out.data, j->out.len, "query", false, &about);
    if (!err)
        err = lg_tool_call(e, a->owner->tools[k], &input, &about, 1, names[k], &a->var);
    lg_var_unref(about);
    return err;
}

/* Nothing of Lua is called here. a is freed when it fails. */
static int begin(lg_question *a, lg_var *const *params, int k)
{
    lg_args j;
    lg_hosted *p = a->owner->home;
    for (size_t i = 0; i < a->view.n_params; i++)
        a->params[i] = lg_var_ref(params[i]);
    lg_var_ref(a->answer);
    lg__args_begin(p, &j);
    int err = in_json(a, &j);
    if (!err)
        err = call_tool(a, &j, k);
    lg__args_free(&j);
    if (!err && a->view.what == LG_QUERY_PROGRAM)
        err = lg_promise_new(p->e, a->params, a->view.n_params, "answer", &a->promise);
    if (err) {
        if (a->var)
            lg_var_cancel(a->var); /* else the host is asked what it cannot answer */
        let_go(p->e, a);
        return err;
    }
    lg_question **at = bucket(p, lg_var_id(a->var));
    a->next = *at;
    *at = a;
    p->n_asked++;
    return LG_OK;
}

static lg_var **read_params(lua_State *L, size_t n, lg_var **few)
{
    lg_var **params = lg__lua_scratch(L, n, sizeof *params, few);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 4, (lua_Integer)i + 1);
        params[i] = lg__lua_check_var(L, -1);
        lua_pop(L, 1);
    }
    return params;
}

static lg_var *read_answer(lua_State *L)
{
    lua_getfield(L, 5, "answer");
    lg_var *v = lua_isnil(L, -1) ? NULL : lg__lua_check_var(L, -1);
    lua_pop(L, 1);
    return v;
}

/* NULL: it is gone. */
static lg_owner *owner_at(lua_State *L, int arg)
{
    const lh_private *p = (const lh_private *)lh_state_of(L);
    uint64_t number = (uint64_t)lg__lua_check_int(L, arg, 0, LUA_MAXINTEGER);
    return p->hosted ? lg__owner_of(p->hosted, number) : NULL;
}

/* wire.query(engine, owner, kind, {params}, {example, index, text, answer, param, sample, purpose})
 * -> variable; of a program the promise of its answer, and the variable that asks */
static int l_query(lua_State *L)
{
    size_t example_len, len;
    lg_var *few[LG_LUA_FEW];
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_owner *o = owner_at(L, 2);
    int k = kind_of(L, 3);
    size_t n = lg__lua_check_list(L, 4);
    lua_settop(L, 5);
    const char *example = text_field(L, "example", &example_len);
    const char *text = text_field(L, "text", &len);
    lg_query view = {.what = 1 << k,
                     .index = lg__lua_field_int(L, 5, "index", -1, LUA_MAXINTEGER, -1),
                     .param = (size_t)lg__lua_field_int(L, 5, "param", 0, LUA_MAXINTEGER, 0),
                     .sample = (uint32_t)lg__lua_field_int(L, 5, "sample", 0, UINT32_MAX, 0),
                     .purpose = (uint64_t)lg__lua_field_int(L, 5, "purpose", 0, LUA_MAXINTEGER, 0),
                     .answer = read_answer(L)};
    lg_var **params = read_params(L, n, few);
    if (!o || !o->tools[k])
        return lg__lua_raise(L, LG_ECANCELLED, NULL, "nobody is there to ask any more");
    sweep(o->home);
    lg_lua_var *u = lg__lua_new_var(L, 1), *w = lg__lua_new_var(L, 1);
    lg_question *a = new_asked(o, n, example, example_len, text, len);
    int err = a ? (take_view(a, &view), begin(a, params, k)) : LG_ENOMEM;
    if (err)
        return lg__lua_engine_failed(L, e, err);
    u->v = lg_var_ref(a->promise ? a->promise : a->var);
    w->v = lg_var_ref(a->var);
    lua_settop(L, -(a->promise ? 1 : 2));
    return a->promise ? 2 : 1;
}

/* ---- what Lua tells ---------------------------------------------------------- */

/* wire.tell(owner, json): how far it is */
static int l_tell(lua_State *L)
{
    size_t len;
    lg_owner *o = owner_at(L, 1);
    const char *json = lg__lua_check_text(L, 2, &len);
    if (o && o->class->tell)
        o->class->tell(o, json, len);
    return 0;
}

/* wire.best(owner, {texts}) */
static int l_best(lua_State *L)
{
    lg_owner *o = owner_at(L, 1);
    size_t n = lg__lua_check_list(L, 2);
    for (size_t i = 0; o && o->class->best && i < n; i++) {
        size_t len;
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        const char *text = lg__lua_check_text(L, -1, &len);
        o->class->best(o, i, text, len);
        lua_pop(L, 1);
    }
    return 0;
}

/* wire.result(owner, json) */
static int l_result(lua_State *L)
{
    size_t len;
    lg_owner *o = owner_at(L, 1);
    const char *json = lg__lua_check_text(L, 2, &len);
    if (o && o->class->result && !o->class->result(o, json, len))
        return lg__lua_raise(L, LG_ENOMEM, NULL, "no memory for the result");
    return 0;
}

/* wire.running(owner, flag): its code runs, or has ended */
static int l_running(lua_State *L)
{
    lg_owner *o = owner_at(L, 1);
    if (o && o->class->running)
        o->class->running(o, lua_toboolean(L, 2) != 0);
    return 0;
}

/* wire.over(owner): it asks nothing more */
static int l_over(lua_State *L)
{
    lg_owner *o = owner_at(L, 1);
    if (o && o->class->over)
        o->class->over(o);
    return 0;
}

void lg__hosted_wire(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"query", l_query},     {"tell", l_tell}, {"best", l_best}, {"result", l_result},
        {"running", l_running}, {"over", l_over}, {NULL, NULL}};
    luaL_newlib(L, functions);
}

/* ---- the host's side ------------------------------------------------------------ */

/* NULL: it was withdrawn in the meantime, and the host need not know that it ever was. */
static lg_question *take_up(lg_engine *e, uint64_t id, lg_query_fn *fn, void **ud)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_question *a;
    int k = 0;
    if (find(e, id, &p, &a)) {
        lg__inside_unheard(e, id);
        return NULL;
    }
    while (a->view.what != 1 << k)
        k++;
    a->view.id = id;
    a->view.tag = a->owner->tag;
    a->calling = true;
    *fn = a->owner->fns[k];
    *ud = a->owner->ud;
    return a;
}

static void put_down(lg_engine *e, lg_question *a)
{
    LG_INSIDE(e);
    a->calling = false;
    if (a->over)
        let_go(e, a);
}

/* The host's function is called without the engine being held, and may do anything. */
void lg__query_ask(void *ud, lg_script *none, uint64_t id, const char *args, size_t len)
{
    lg_engine *e = ud; /* there still when what asks is not */
    lg_query_fn fn;
    (void)none, (void)args, (void)len;
    lg_question *a = take_up(e, id, &fn, &ud);
    if (!a)
        return;
    fn(ud, e, &a->view);
    put_down(e, a);
}

int lg_query_view(lg_engine *e, uint64_t id, lg_query *out)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_question *a;
    int err = find(e, id, &p, &a);
    if (!a)
        return err;
    if (!out || out->size < sizeof out->size)
        return lg__host_refuse(e, LG_EINVAL, "the view's size is not set");
    size_t size = out->size;
    a->viewed = true;
    a->view.id = id;
    a->view.tag = a->owner->tag;
    memset(out, 0, size);
    memcpy(out, &a->view, size < sizeof a->view ? size : sizeof a->view);
    out->size = size;
    return LG_OK;
}

int lg_answer_var(lg_engine *e, uint64_t id, lg_var *v)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_question *a;
    int err = find(e, id, &p, &a);
    if (!a)
        return err;
    if (!a->promise)
        return lg__host_refuse(e, LG_EINVAL, "a score is asked for, not a variable");
    if (!v)
        return lg__host_refuse(e, LG_EINVAL, "the answer is NULL");
    if (lg_var_state(a->promise) == LG_PENDING)
        err = lg_promise_keep(a->promise, v, NULL, 0);
    if (err)
        return err;
    err = lg__function_return(e, NULL, id, "", 0, NULL);
    take_out(p, a);
    return err;
}

int lg_answer_score(lg_engine *e, uint64_t id, double score, const char *feedback, size_t len)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_question *a;
    int err = find(e, id, &p, &a);
    if (!a)
        return err;
    if (a->promise)
        return lg__host_refuse(e, LG_EINVAL, "a variable is asked for, not a score");
    if (!isfinite(score) || (!feedback && len > 0))
        return lg__host_refuse(e, LG_EINVAL, "the score is no number, or the feedback NULL");
    if (len > LG_HOST_LONGEST)
        return lg__host_refuse(e, LG_ELIMIT, "the feedback is too long");
    if (lg_utf8_check(feedback, len) >= 0)
        return lg__host_refuse(e, LG_EUTF8, "the feedback is not UTF-8");
    err = lg__function_return(e, NULL, id, feedback, len, &score);
    if (!err)
        take_out(p, a);
    return err;
}

int lg_answer_fail(lg_engine *e, uint64_t id, int code, const char *message)
{
    LG_INSIDE(e);
    lg_hosted *p;
    lg_question *a;
    int err = find(e, id, &p, &a);
    if (!a)
        return err;
    code = code < 0 ? code : LG_ETOOL;
    message = message ? message : lg_error_text(code);
    if (a->promise) {
        if (lg_var_state(a->promise) == LG_PENDING)
            err = lg_promise_fail(a->promise, code, message, NULL);
        if (!err)
            err = lg__function_return(e, NULL, id, "", 0, NULL);
    } else {
        err = lg__function_fail(e, NULL, id, code, message);
    }
    if (!err)
        take_out(p, a);
    return err;
}
