/* bounded.c - functions of string and table that could run for ever inside one instruction.
 *
 * Where one is called as usual (tables without metamethods, ranges that are there) it is Lua's own.
 * Else it is done in Lua (lua/lunagrad/host/bounded.lua), where it can be cut and may wait. */
#include "host/host.h"

#include "binding/lua_allowed.h"

#include <string.h>

#define BOUNDED "lunagrad.host.bounded"

static int all_of_it(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    return lua_gettop(L);
}

static void push_functions(lua_State *L)
{
    if (lua_getfield(L, LUA_REGISTRYINDEX, BOUNDED) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LH_REQUIRE);
    lua_pushliteral(L, BOUNDED);
    lua_call(L, 1, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LH_MATCH_AT);
    lua_call(L, 1, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, BOUNDED);
}

int lh_in_lua(lua_State *L, const char *name)
{
    int n = lua_gettop(L);
    push_functions(L);
    lua_getfield(L, -1, name);
    lua_insert(L, 1);
    lua_settop(L, n + 1);
    lua_callk(L, n, LUA_MULTRET, 0, all_of_it);
    return lua_gettop(L);
}

/* ---- string ------------------------------------------------------------------ */

void lh_open_strings(lua_State *L)
{
    lg__lua_stand_for(L, "rep", lg__lua_repeat);
}

/* ---- table --------------------------------------------------------------------- */

/* A table without metamethods is as long as memory allows. */
static bool is_plain(lua_State *L, int arg)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    if (!lua_getmetatable(L, arg))
        return true;
    lua_pop(L, 1);
    return false;
}

/* As an integer, whatever way it was written. */
static void check_integer(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return;
    lua_pushinteger(L, luaL_checkinteger(L, arg));
    lua_replace(L, arg);
}

static int l_insert(lua_State *L)
{
    int n = lua_gettop(L);
    if (is_plain(L, 1))
        return lg__lua_call_own(L);
    if (n != 2 && n != 3)
        return luaL_error(L, "wrong number of arguments to 'insert'");
    if (n == 3) {
        luaL_checkinteger(L, 2);
        check_integer(L, 2);
    }
    return lh_in_lua(L, "insert");
}

static int l_remove(lua_State *L)
{
    if (is_plain(L, 1))
        return lg__lua_call_own(L);
    check_integer(L, 2);
    return lh_in_lua(L, "remove");
}

static int l_concat(lua_State *L)
{
    if (is_plain(L, 1))
        return lg__lua_call_own(L);
    luaL_optstring(L, 2, "");
    check_integer(L, 3);
    check_integer(L, 4);
    return lh_in_lua(L, "concat");
}

static int l_move(lua_State *L)
{
    bool plain = is_plain(L, 1);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    luaL_checkinteger(L, 4);
    for (int i = 2; i <= 4; i++)
        check_integer(L, i);
    if (!lua_isnoneornil(L, 5))
        plain = is_plain(L, 5) && plain;
    uint64_t n = last >= first ? (uint64_t)last - (uint64_t)first : 0;
    return plain && n <= lua_rawlen(L, 1) + 1000 ? lg__lua_call_own(L) : lh_in_lua(L, "move");
}

static int l_unpack(lua_State *L)
{
    if (!lua_istable(L, 1) || is_plain(L, 1))
        return lg__lua_call_own(L);
    check_integer(L, 2);
    check_integer(L, 3);
    return lh_in_lua(L, "unpack");
}

enum { FEW = 5000 };

/* Few numbers are sorted at once. */
static bool are_few_numbers(lua_State *L)
{
    lua_Unsigned n = lua_rawlen(L, 1), i = 1;
    if (n > FEW)
        return false;
    for (; i <= n; i++) {
        bool number = lua_rawgeti(L, 1, (lua_Integer)i) == LUA_TNUMBER;
        lua_pop(L, 1);
        if (!number)
            break;
    }
    return i > n;
}

static int l_sort(lua_State *L)
{
    bool plain = is_plain(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    else if (plain && are_few_numbers(L))
        return lg__lua_call_own(L);
    lua_settop(L, 2);
    return lh_in_lua(L, "sort");
}

void lh_open_tables(lua_State *L)
{
    lg__lua_stand_for(L, "insert", l_insert);
    lg__lua_stand_for(L, "remove", l_remove);
    lg__lua_stand_for(L, "concat", l_concat);
    lg__lua_stand_for(L, "move", l_move);
    lg__lua_stand_for(L, "unpack", l_unpack);
    lg__lua_stand_for(L, "sort", l_sort);
}
