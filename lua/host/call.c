/* call.c - functions of the host's, as a state calls them.
 *
 * host.name(…) makes a node of a tool that is the host's; its one input is the arguments as JSON,
 * and what the host answers is JSON, too. The task that called waits for it as for any variable;
 * before the library is there, the whole script does. */
#include "host/host.h"

#include <string.h>

enum { ENGINE = 1, TOOL }; /* upvalues */

static const char engine_key; /* its address is a key of the registry */

/* ---- errors ------------------------------------------------------------------ */

static int code_named(const char *name)
{
    for (int code = -1; code > -LG_ERROR_END; code--) {
        if (strcmp(lg_error_name(code), name) == 0)
            return code;
    }
    return LG_ETOOL;
}

int lh_code_of(lua_State *L)
{
    int code = LG_ETOOL;
    luaL_getmetatable(L, LG_LUA_ERROR);
    if (lua_istable(L, -2) && lua_getmetatable(L, -2)) {
        bool own = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        lua_pushliteral(L, "kind");
        if (own && lua_rawget(L, -3) == LUA_TSTRING)
            code = code_named(lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return code;
}

/* ---- calls ------------------------------------------------------------------- */

/* The binding's classes are opened here, once. */
void lh_push_engine(lua_State *L)
{
    lh_state *s = lh_state_of(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_key) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lg__lua_open_core(L);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "lunagrad.core");
    lg__lua_lend_engine(L, s->e, &s->lent);
    lua_newtable(L);
    if (s->fill)
        s->fill(L, s);
    lua_setfield(L, -3, "host");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_key);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* The arguments become one text at 1. */
static void encode(lua_State *L)
{
    int n = lua_gettop(L);
    lua_createtable(L, n, 0);
    lua_insert(L, 1);
    for (int i = n; i > 0; i--)
        lua_rawseti(L, 1, i);
    lg__lua_set_class(L, LG_LUA_ARRAY);
    lua_pushcfunction(L, lg__lua_json_encode);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
}

static int answered(lua_State *L, lg_lua_var *u)
{
    lg_failure f;
    size_t len;
    if (lg_var_error(u->v, &f)) {
        if (f.code == LG_ETOOL && lg_var_cause(u->v)) {
            luaL_where(L, 1);
            lua_pushstring(L, lg_var_cause(u->v));
            lua_concat(L, 2);
            return lua_error(L);
        }
        return lg__lua_raise(L, f.code, f.hint, "%s", f.message);
    }
    const char *text = lg_var_text(u->v, &len);
    lua_pushcfunction(L, lg__lua_json_decode);
    lua_pushlstring(L, text, len);
    lua_call(L, 1, 1);
    return 1;
}

/* At 2 the variable. */
static int waited(lua_State *L, int status, lua_KContext extra)
{
    lg_lua_var *u = lua_touserdata(L, 2);
    (void)status;
    (void)extra;
    if (status == LUA_YIELD)
        lh_went_on(L);
    if (lg_var_state(u->v) != LG_PENDING)
        return answered(L, u);
    lh_state_of(L)->due = INT64_MAX;
    return lh_yield(L, 0, waited);
}

static int awaited(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    return answered(L, lua_touserdata(L, 2));
}

/* core.host.settle: waits, and raises nothing that v tells */
static void push_settle(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "lunagrad.core");
    lua_getfield(L, -1, "host");
    lua_getfield(L, -1, "settle");
    lua_replace(L, -4);
    lua_pop(L, 2);
}

static int l_call(lua_State *L)
{
    lh_state *s = lh_state_of(L);
    lg_tool *t = *(lg_tool **)lua_touserdata(L, lua_upvalueindex(TOOL));
    size_t len;
    encode(L);
    const char *args = lua_tolstring(L, 1, &len);
    lg_lua_var *u = lg__lua_new_var(L, lua_upvalueindex(ENGINE));
    lg_lua_var *arg = lg__lua_new_var(L, lua_upvalueindex(ENGINE));
    int err = lg_var_new(s->e, args, len, "arguments", false, &arg->v);
    if (!err)
        err = lg_tool_call(s->e, t, NULL, &arg->v, 1, NULL, &u->v);
    if (err)
        return lg__lua_engine_failed(L, s->e, err);
    lua_pop(L, 1);
    lg__inside_look(u->v, true);
    if (s->library) {
        push_settle(L);
        lua_pushvalue(L, 2);
        lua_callk(L, 1, 0, 0, awaited);
        return awaited(L, LUA_OK, 0);
    }
    if (lg_var_watch(u->v, 0))
        return lg__lua_raise(L, LG_ENOMEM, NULL, "out of memory");
    return waited(L, LUA_OK, 0);
}

void lh_push_function(lua_State *L, lg_tool *t)
{
    lh_push_engine(L);
    lg_tool **at = lua_newuserdatauv(L, sizeof(lg_tool *), 0);
    *at = t;
    lua_pushcclosure(L, l_call, 2);
}
