/* lsandbox.c - sandboxes for Lua candidates as Lua objects: only handles, see lg_sandbox_new. */
#include "binding/lua_binding.h"

#include <limits.h>

typedef struct lg_lua_sandbox {
    lg_sandbox *s; /* NULL: closed */
    const lg_lua_engine *owner;
} lg_lua_sandbox;

static lg_lua_sandbox *check_sandbox(lua_State *L, int arg)
{
    lg_lua_sandbox *u = luaL_testudata(L, arg, LG_LUA_SANDBOX);
    if (!u)
        lg__lua_badarg(L, arg, "expected a sandbox");
    else
        lg__lua_check_open(L, u->owner, u->s, "sandbox");

    return u;
}

/* core.sandbox(engine, {memory =, instructions =, timeout_ms =, output_limit =, workers =,
 * fresh =}) -> sandbox; what is absent has the engine's default */
static int l_sandbox(lua_State *L)
{
    lg__lua_check_leave(L, LG_ALLOW_COMMANDS, "sandboxes");
    static const char *const keys[] = {"memory",  "instructions", "timeout_ms", "output_limit",
                                       "workers", "fresh",        NULL};
    lg_sandbox_config c;
    const lg_lua_engine *owner = lg__lua_check_engine(L, 1);
    lg__lua_check_list(L, 2);
    lg__lua_check_keys(L, 2, keys, "sandbox");
    lg_sandbox_config_init(&c);
    c.memory = (size_t)lg__lua_field_int(L, 2, "memory", 1, LUA_MAXINTEGER, 0);
    c.instructions = (uint64_t)lg__lua_field_int(L, 2, "instructions", 1, LUA_MAXINTEGER, 0);
    c.timeout_ms = (int)lg__lua_field_int(L, 2, "timeout_ms", 1, INT_MAX, 0);
    c.output_limit = (size_t)lg__lua_field_int(L, 2, "output_limit", 1, LUA_MAXINTEGER, 0);
    c.workers = (int)lg__lua_field_int(L, 2, "workers", 1, INT_MAX, 0);
    c.fresh = lg__lua_field_true(L, 2, "fresh");
    lg_lua_sandbox *u = lua_newuserdatauv(L, sizeof *u, 1);
    *u = (lg_lua_sandbox){.owner = owner};
    luaL_setmetatable(L, LG_LUA_SANDBOX);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    int err = lg_sandbox_new(owner->e, &c, &u->s);
    return err ? lg__lua_engine_failed(L, owner->e, err) : 1;
}

/* core.sandbox_run(engine, sandbox, name, source, call | nil, args | nil) -> var; args: a JSON
 * array */
static int l_run(lua_State *L)
{
    size_t len;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    const lg_lua_sandbox *u = check_sandbox(L, 2);
    const char *name = lg__lua_check_name(L, 3);
    const char *source = luaL_checklstring(L, 4, &len);
    const char *call = lg__lua_opt_name(L, 5), *args = lg__lua_opt_name(L, 6);
    lg_lua_var *v = lg__lua_new_var(L, 1);
    int err = lg_sandbox_run(u->s, name, source, len, call, args, &v->v);
    return err ? lg__lua_engine_failed(L, e, err) : 1;
}

static int l_gc(lua_State *L)
{
    lg_lua_sandbox *u = luaL_testudata(L, 1, LG_LUA_SANDBOX);
    if (u && u->owner->e)
        lg_sandbox_free(u->s);

    if (u)
        u->s = NULL;

    return 0;
}

void lg__lua_open_sandbox(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"sandbox", l_sandbox}, {"sandbox_run", l_run}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", l_gc}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lg__lua_new_class(L, LG_LUA_SANDBOX, meta, methods);
    lua_pop(L, 1);
}
