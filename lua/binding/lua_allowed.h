/* lua_allowed.h - what code finds that is not this program's own: Lua candidates in the sandbox's
 * worker, scripts of users in a host (and, beside more, the library's own files there).
 *
 * Of Lua's libraries what computes, by name, so that what another Lua has besides is not there.
 * What runs long in one go, or is otherwise there in another way, each room replaces itself. */
#ifndef LG_LUA_ALLOWED_H
#define LG_LUA_ALLOWED_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <string.h>

typedef struct lg_lua_allowed {
    const char *library;
    lua_CFunction open;
    const char *names; /* between blanks */
} lg_lua_allowed;

static const lg_lua_allowed lg__lua_allowed[] = {
    {LUA_GNAME, luaopen_base,
     " _G _VERSION assert error getmetatable ipairs load next pairs pcall print rawequal rawget "
     "rawlen rawset select setmetatable tonumber tostring type xpcall "
     "string table math utf8 coroutine "},
    {LUA_STRLIBNAME, luaopen_string,
     " byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack "
     "upper "},
    {LUA_TABLIBNAME, luaopen_table, " concat insert move pack remove sort unpack "},
    {LUA_MATHLIBNAME, luaopen_math,
     " abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max "
     "maxinteger min mininteger modf pi pow rad random randomseed sin sinh sqrt tan tanh "
     "tointeger type ult "},
    {LUA_UTF8LIBNAME, luaopen_utf8, " char charpattern codepoint codes len offset "},
    {LUA_COLIBNAME, luaopen_coroutine,
     " close create isyieldable resume running status wrap yield "},
};

static inline int lg__lua_is_allowed(const char *names, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = names; (at = strstr(at, name)); at++) {
        if (at[-1] == ' ' && at[len] == ' ') /* the list begins and ends with one */
            return 1;
    }
    return 0;
}

/* Of the table on top. */
static inline void lg__lua_keep_allowed(lua_State *L, const char *names)
{
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING && lg__lua_is_allowed(names, lua_tostring(L, -1)))
            continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4); /* a field may be cleared on the way */
    }
}

static inline void lg__lua_open_allowed(lua_State *L)
{
    const size_t n = sizeof lg__lua_allowed / sizeof *lg__lua_allowed;
    for (size_t i = 0; i < n; i++) {
        luaL_requiref(L, lg__lua_allowed[i].library, lg__lua_allowed[i].open, 1);
        lua_pop(L, 1);
    }
    for (size_t i = 0; i < n; i++) {
        luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_getfield(L, -1, lg__lua_allowed[i].library);
        lg__lua_keep_allowed(L, lg__lua_allowed[i].names);
        lua_pop(L, 2);
    }
}

/* ---- functions that stand for Lua's own ------------------------------------------ */

/* The function that it stands for, the first upvalue, with what is on the stack. */
static inline int lg__lua_call_own(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* In the table on top; what was there before is its upvalue. */
static inline void lg__lua_stand_for(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

/* load: of texts alone, no bytecode. */
static inline int lg__lua_load_text(lua_State *L)
{
    lua_settop(L, lua_gettop(L) > 3 ? 4 : 3); /* an environment that is nil is one */
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    return lg__lua_call_own(L);
}

/* string.rep: nothing, repeated so often, takes long. */
static inline int lg__lua_repeat(lua_State *L)
{
    size_t one = 0, between = 0;
    luaL_checklstring(L, 1, &one);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (one + between > 0)
        return lg__lua_call_own(L);
    lua_pushliteral(L, "");
    return 1;
}

#endif
