/* call.c - calls of functions of lua/lunagrad/host/ in the private state.
 *
 * A call only begins here: a task of that state goes on with it in lg_engine_step(), and a promise
 * of the host's becomes what it comes to. */
#include <string.h>

#include "binding/lua_binding.h"
#include "host/hosted.h"

static const char *const roles[LG_KINDS] = {"model", "backward", "optimizer", "judge"};

typedef struct lg_begun {
    lg_private *home;
    const lg_host_call *call;
    const char *json;
    size_t len;
    lg_var *answer;
} lg_begun;

/* ---- in Lua ---------------------------------------------------------------- */

static void push_model(lua_State *L, int engine, lg_model *m)
{
    lg_lua_model *u = lua_newuserdatauv(L, sizeof *u, 1);
    u->m = NULL;
    u->owner = lua_touserdata(L, engine);
    lua_pushvalue(L, engine);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, LG_LUA_MODEL);
    u->m = lg_model_ref(m);
}

/* {models}, without those that nobody plays. */
static void push_models(lua_State *L, int engine, const lg_begun *b)
{
    lua_createtable(L, LG_KINDS, 0);
    lua_Integer n = 0;
    for (int i = 0; i < LG_KINDS; i++) {
        if (!b->call->models[i])
            continue;
        push_model(L, engine, b->call->models[i]);
        lua_rawseti(L, -2, ++n);
    }
}

static void push_vars(lua_State *L, int engine, const lg_host_call *call)
{
    lua_createtable(L, (int)call->n_vars, 0);
    for (size_t i = 0; i < call->n_vars; i++) {
        lg__lua_push_var(L, engine, call->vars[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int l_begin(lua_State *L)
{
    const lg_begun *b = lua_touserdata(L, 1);
    lg__private_push_engine(b->home, L);
    int engine = lua_gettop(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "lunagrad.host");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "run");
    lg__lua_push_var(L, engine, b->answer);
    lua_pushstring(L, b->call->name);
    lua_pushlstring(L, b->json, b->len);
    push_vars(L, engine, b->call);
    push_models(L, engine, b);
    lua_pushinteger(L, (lua_Integer)b->call->owner);
    lua_call(L, 6, 0);
    return 0;
}

/* ---- from C ------------------------------------------------------------------ */

/* {…,"models":{"judge":1,…}} */
static int finish(lg_args *a, lg_model *const *models)
{
    lg_args inner = {.out = a->out}; /* written into the same text */
    int n = 0;
    lg__args_json(a, "models", "{");
    inner.out = a->out;
    for (int i = 0; i < LG_KINDS; i++) {
        if (models[i])
            lg__args_int(&inner, roles[i], ++n);
    }
    lg__out_add(&inner.out, "}", 1);
    a->out = inner.out;
    return lg__args_end(a);
}

static int enter(lg_begun *b)
{
    lua_State *L = b->home->L;
    lg_party *before = lg__party_use(b->home->e, b->home->party);
    lua_pushcfunction(L, l_begin);
    lua_pushlightuserdata(L, b);
    int err = lua_pcall(L, 1, 0, 0);
    lg__party_use(b->home->e, before);
    if (err != LUA_OK) {
        const char *why = err == LUA_ERRMEM ? NULL : lua_tostring(L, -1);
        err = lg__inside_error(b->home->e, why ? LG_ESTATE : LG_ENOMEM, "%s: %s", b->call->name,
                               why ? why : "out of memory");
        lua_pop(L, 1);
        return err;
    }
    lg__party_due(b->home->party, 0);
    return LG_OK;
}

int lg__host_call(lg_private *p, const lg_host_call *call, lg_args *args, lg_var **out)
{
    lg_host_call c = *call;
    lg_begun b = {.home = p, .call = &c};
    for (int i = 0; i < LG_KINDS; i++)
        c.models[i] = c.models[i] ? c.models[i] : lg__inside_role(p->e, i);
    int err = finish(args, c.models);
    if (err)
        return lg__inside_error(p->e, err, "%s: no memory", c.name);
    b.json = args->out.data;
    b.len = args->out.len;
    err = lg_promise_new(p->e, c.vars, c.leads ? c.n_vars : 0, c.role, &b.answer);
    if (err)
        return err;
    err = enter(&b);
    if (err) {
        lg_var_cancel(b.answer);
        lg_var_unref(b.answer);
        return err;
    }
    *out = b.answer;
    return LG_OK;
}

int lg__hosted_open(lg_engine *e, lg_private **out)
{
    int err = lg__private_of(e, out);
    if (err || (*out)->hosted)
        return err;
    (*out)->hosted = lg__host_new(*out, sizeof(lg_hosted));
    return (*out)->hosted ? LG_OK : lg__inside_error(e, LG_ENOMEM, "out of memory");
}

static const char *problem_of(const lg_engine *e, lg_var *const *params, size_t i)
{
    if (!params[i] || !lg__inside_is_own(e, params[i]))
        return "is no variable of this engine";
    if (lg_var_op(params[i]) != LG_OP_LEAF || !lg_var_grad(params[i]))
        return "is no leaf that requires grad";
    for (size_t k = 0; k < i; k++) {
        if (params[k] == params[i])
            return "is given twice";
    }
    return NULL;
}

int lg__host_params(lg_engine *e, lg_var *const *params, size_t n, const char *where)
{
    enum { MOST = 1024 };
    if (!params || n == 0 || n > MOST)
        return lg__inside_error(e, LG_EINVAL, "%s: give 1 to %d parameters", where, MOST);
    for (size_t i = 0; i < n; i++) {
        const char *why = problem_of(e, params, i);
        if (why)
            return lg__inside_error(e, LG_EINVAL, "%s: parameter %zu %s", where, i + 1, why);
    }
    return LG_OK;
}
