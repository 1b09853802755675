/* private.c - the library's own state: what is policy, and stands in Lua, for a host that has none.
 *
 * One an engine, made when it is first needed; trusted, without limits but for the slices. A call
 * is a promise at once. The state takes the calls in their order (lua/lunagrad/host/serve.lua),
 * each is a task of its own there. */
#include "host/hosted.h"

#include <string.h>

typedef struct lh_pending { /* a call that was not taken yet */
    struct lh_pending *next;
    lg_var *answer;    /* counted, as all of these */
    char *name, *args; /* args: NULL: none */
    size_t args_len;
    lg_var **vars;
    size_t n_vars;
    lg_model **models;
    size_t n_models;
    lg_tool **functions;
    size_t n_functions;
} lh_pending;

/* ---- calls that wait to be taken --------------------------------------------- */

static void free_list(lg_engine *e, void *list, size_t n)
{
    if (list)
        lg__inside_alloc(e, list, (n + 1) * sizeof(void *), 0);
}

static void free_text(lg_engine *e, char *text, size_t len)
{
    if (text)
        lg__inside_alloc(e, text, len + 1, 0);
}

static void free_pending(lg_engine *e, lh_pending *p)
{
    for (size_t i = 0; p->vars && i < p->n_vars; i++)
        lg_var_unref(p->vars[i]);
    for (size_t i = 0; p->models && i < p->n_models; i++)
        lg_model_unref(p->models[i]);
    for (size_t i = 0; p->functions && i < p->n_functions; i++)
        lg_tool_unref(p->functions[i]);
    lg_var_unref(p->answer);
    free_list(e, p->vars, p->n_vars);
    free_list(e, p->models, p->n_models);
    free_list(e, p->functions, p->n_functions);
    free_text(e, p->name, p->name ? strlen(p->name) : 0);
    free_text(e, p->args, p->args_len);
    lg__inside_alloc(e, p, sizeof *p, 0);
}

static void *copy_list(lg_engine *e, const void *list, size_t n)
{
    void *copy = lg__inside_alloc(e, NULL, 0, (n + 1) * sizeof(void *));
    if (copy && n > 0)
        memcpy(copy, list, n * sizeof(void *));
    return copy;
}

static char *copy_text(lg_engine *e, const char *text, size_t len)
{
    char *copy = lg__inside_alloc(e, NULL, 0, len + 1);
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static lh_pending *new_pending(lg_engine *e, const lh_call *call)
{
    lh_pending *p = lg__inside_alloc(e, NULL, 0, sizeof *p);
    if (!p)
        return NULL;
    *p = (lh_pending){.args_len = call->args ? call->args_len : 0};
    p->name = copy_text(e, call->name, strlen(call->name));
    p->args = call->args ? copy_text(e, call->args, call->args_len) : NULL;
    p->vars = copy_list(e, call->vars, call->n_vars);
    p->models = copy_list(e, call->models, call->n_models);
    p->functions = copy_list(e, call->functions, call->n_functions);
    bool whole = p->name && (p->args || !call->args) && p->vars && p->models && p->functions;
    p->n_vars = call->n_vars;
    p->n_models = call->n_models;
    p->n_functions = call->n_functions;
    for (size_t i = 0; p->vars && i < p->n_vars; i++)
        lg_var_ref(p->vars[i]);
    for (size_t i = 0; p->models && i < p->n_models; i++)
        lg_model_ref(p->models[i]);
    for (size_t i = 0; p->functions && i < p->n_functions; i++)
        lg_tool_ref(p->functions[i]);
    if (whole)
        return p;
    free_pending(e, p);
    return NULL;
}

/* ---- taking them, in Lua ----------------------------------------------------------- */

typedef void (*pusher)(lua_State *L, int engine, void *one);

static void push_var(lua_State *L, int engine, void *one)
{
    lg__lua_push_var(L, engine, one);
}

static void push_model(lua_State *L, int engine, void *one)
{
    lg__lua_push_model(L, engine, one);
}

static void push_function(lua_State *L, int engine, void *one)
{
    (void)engine;
    lh_push_function(L, one);
}

static void set_list(lua_State *L, int engine, const char *field, void **list, size_t n,
                     pusher push)
{
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push(L, engine, list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, field);
}

static void push_pending(lua_State *L, const lh_pending *p)
{
    lh_push_engine(L);
    int engine = lua_gettop(L);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, p->name);
    lua_setfield(L, -2, "name");
    lg__lua_push_var(L, engine, p->answer);
    lua_setfield(L, -2, "answer");
    if (p->args) {
        lua_pushcfunction(L, lg__lua_json_decode);
        lua_pushlstring(L, p->args, p->args_len);
        lua_call(L, 1, 1);
        lua_setfield(L, -2, "args");
    }
    set_list(L, engine, "vars", (void **)p->vars, p->n_vars, push_var);
    set_list(L, engine, "models", (void **)p->models, p->n_models, push_model);
    set_list(L, engine, "functions", (void **)p->functions, p->n_functions, push_function);
}

/* core.host.take() -> {name, answer, args, vars, models, functions} | nil */
static int l_take(lua_State *L)
{
    lh_private *p = (lh_private *)lh_state_of(L);
    lh_pending *one = p->first;
    p->loaded = true;
    if (!one)
        return 0;
    push_pending(L, one);
    p->first = one->next;
    if (!p->first)
        p->last = NULL;
    free_pending(p->s.e, one);
    return 1;
}

static void fill(lua_State *L, lh_state *s)
{
    (void)s;
    lua_pushcfunction(L, l_take);
    lua_setfield(L, -2, "take");
    lg__hosted_wire(L);
    lua_setfield(L, -2, "wire");
}

/* ---- the state ----------------------------------------------------------------------- */

enum { SLICE_US = 1000 };

/* Who waits for a call hears what the state has died of. */
static void give_up(lh_private *p)
{
    lg__party_break(p->s.party, p->s.dead ? p->s.dead : LG_ECANCELLED,
                    p->s.why[0] ? p->s.why : "the library's own state has ended");
    while (p->first) {
        lh_pending *one = p->first;
        p->first = one->next;
        free_pending(p->s.e, one);
    }
    p->last = NULL;
}

/* It has died: only memory does that. What was begun in it fails, and the next call makes
 * another; where models of sim have to be answered that is done now, if there is any hope that it
 * does not die at once. */
static void bury(lh_private *p, bool all)
{
    lg_engine *e = p->s.e;
    lh_shared *shared = lh_shared_peek(e);
    bool again = !all && p->loaded && shared && shared->sims;
    if (shared)
        shared->own = NULL;
    give_up(p);
    lg__hosted_free(p->hosted, all);
    lh_state_free(&p->s);
    lg__inside_alloc(e, p, sizeof *p, 0);
    if (again)
        (void)lh_private_of(e, &p);
}

static void report(lh_state *s, void *ud)
{
    (void)ud;
    int code = lh_code_of(s->co);
    if (lua_istable(s->co, -1))
        lua_getfield(s->co, -1, "message");
    const char *why = lua_tostring(s->co, -1);
    lh_die(s, code, "%s", why ? why : "the library's own state failed");
}

static bool run(void *ud, int64_t until_us, bool idle)
{
    lh_private *p = ud;
    int n;
    (void)idle;
    enum lh_slice how = lh_state_run(&p->s, until_us, &n);
    if (how == LH_CUT || how == LH_WAITS) {
        bool more = how == LH_CUT || p->first;
        if (more || p->s.due != INT64_MAX)
            lg__party_due(p->s.party, more ? 0 : p->s.due);
        return how == LH_CUT;
    }
    if (how == LH_FAILED)
        lh_guard(&p->s, report, NULL);
    bury(p, false);
    return false;
}

static void engine_ends(void *ud)
{
    bury(ud, true);
}

static void load_driver(lh_state *s, void *ud)
{
    (void)ud;
    lua_settop(s->co, 0);
    lua_pushcfunction(s->co, lh_require_own);
    lua_pushliteral(s->co, "lunagrad.host.serve");
}

/* Models of sim are asked of it, whoever answered before. */
void lh_private_take_sims(lh_private *p)
{
    lg__party_inherit(p->s.e, p->s.party, &lh_shared_peek(p->s.e)->sims);
}

static int make(lg_engine *e, lh_private **out)
{
    lh_shared *shared = lh_shared_of(e);
    lh_private *p = !shared ? NULL : lg__inside_alloc(e, NULL, 0, sizeof *p);
    if (!p)
        return LG_ENOMEM;
    *p = (lh_private){.s.limits.slice_us = SLICE_US, .s.lent.trusted = true, .s.fill = fill};
    int err = lh_open(&p->s, e, &(lh_owner){run, engine_ends, p});
    if (err) {
        lg__inside_alloc(e, p, sizeof *p, 0);
        return err;
    }
    p->s.library = true;
    shared->own = p;
    if (!lh_guard(&p->s, load_driver, NULL)) {
        bury(p, true);
        return LG_ENOMEM;
    }
    if (shared->sims)
        lh_private_take_sims(p);
    *out = p;
    return LG_OK;
}

lh_private *lh_private_peek(lg_engine *e)
{
    const lh_shared *shared = lh_shared_peek(e);
    return shared ? shared->own : NULL;
}

int lh_private_of(lg_engine *e, lh_private **out)
{
    LG_INSIDE(e);
    *out = lh_private_peek(e);
    return *out ? LG_OK : make(e, out);
}

int lh_private_call(lg_engine *e, const lh_call *call, lg_var **out)
{
    lh_private *p;
    int err = lh_private_of(e, &p);
    lh_pending *one = err ? NULL : new_pending(e, call);
    if (!one) {
        lg__inside_error(e, LG_ENOMEM, "no memory for the library's own state");
        return LG_ENOMEM;
    }
    lg_party *before = lg__party_use(e, p->s.party);
    err = lg_promise_new(e, call->vars, call->n_vars, call->role ? call->role : call->name,
                         &one->answer);
    lg__party_use(e, before);
    if (err) {
        free_pending(e, one);
        return err;
    }
    *(p->last ? &p->last->next : &p->first) = one;
    p->last = one;
    *out = lg_var_ref(one->answer);
    lg__party_due(p->s.party, 0);
    return LG_OK;
}

int lh_function(lg_engine *e, const char *name, lg_script_fn fn, void *ud, lg_tool **out)
{
    return lg__function_new(e, name, NULL, 0, fn, ud, out);
}
