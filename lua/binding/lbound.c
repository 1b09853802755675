/* lbound.c - candidates: what a variable stands for while a task of a candidate runs.
 *
 * A binding is a table from a variable's number to the variable that stands in for it. At most one
 * counts at a time, that of the task which runs now: loop.lua sets it with every resume. All
 * functions that take a variable see through it, so that programs, tools and losses need not know
 * that they are tried. Nothing of the engine knows of it. */
#include "binding/lua_binding.h"

/* Raises unless the table at index holds open variables of the engine by number. */
static void check_binding(lua_State *L, int t, const lg_lua_engine *e)
{
    luaL_checktype(L, t, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
        const lg_lua_var *u = luaL_testudata(L, -1, LG_LUA_VAR);
        if (!lua_isinteger(L, -2) || !u || !u->v || u->owner != e)
            lg__lua_raise(L, LG_EINVAL, NULL, "a binding holds variables of its engine by number");
    }
}

/* core.binding(engine, { id → variable }): the table, once it is known to be sound. It is never
 * changed afterwards. */
static int l_binding(lua_State *L)
{
    check_binding(L, 2, lg__lua_check_engine(L, 1));
    lua_settop(L, 2);
    return 1;
}

/* core.bind(engine, binding | nil): for the code that runs from now on. A binding comes from
 * core.binding. */
static int l_bind(lua_State *L)
{
    lg_lua_engine *e = luaL_checkudata(L, 1, LG_LUA_ENGINE);
    lua_settop(L, 2);
    e->bound = lua_istable(L, 2);
    lg__lua_set_bound(L);
    return 0;
}

void lg__lua_open_bound(lua_State *L)
{
    static const luaL_Reg functions[] = {{"binding", l_binding}, {"bind", l_bind}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
