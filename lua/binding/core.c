/* core.c - module lunagrad.core: the engine's C API for Lua, as thin as it goes.
 *
 * Everything that waits, resumes or decides is in the Lua files beside it; this
 * only registers what the other files of the binding bring. */
#include "binding/lua_binding.h"

#include "binding/clean.h"

/* core.where(level) -> "file:line:" of the script's line there or above, or nil */
static int l_where(lua_State *L)
{
    lg__lua_push_where(L, (int)lg__lua_opt_int(L, 1, 0, 1000000, 1));
    return 1;
}

/* tostring of an error object: where: message (hint) */
int lg__lua_error_text(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "where");
    lua_getfield(L, 1, "message");
    lua_getfield(L, 1, "hint");
    const char *where = lua_tostring(L, 2);
    const char *message = lua_tostring(L, 3);
    const char *hint = lua_tostring(L, 4);
    lua_pushfstring(L, "%s%s%s%s%s%s", where ? where : "", where ? " " : "",
                    message ? message : "error", hint ? " (" : "", hint ? hint : "",
                    hint ? ")" : "");
    return 1;
}

static void open_errors(lua_State *L)
{
    luaL_newmetatable(L, LG_LUA_ERROR);
    lua_pushcfunction(L, lg__lua_error_text);
    lua_setfield(L, -2, "__tostring");
    lua_setfield(L, -2, "error_metatable");
    lua_pushcfunction(L, l_where);
    lua_setfield(L, -2, "where");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LG_LUA_NAMES);
    lua_setfield(L, -2, "names");
}

int lg__lua_open_core(lua_State *L)
{
    lua_newtable(L);
    lua_pushliteral(L, LG_VERSION);
    lua_setfield(L, -2, "VERSION");
    lua_pushcfunction(L, lg__lua_clean);
    lua_setfield(L, -2, "clean");
    open_errors(L);
    lg__lua_open_engine(L);
    lg__lua_open_var(L);
    lg__lua_open_node(L);
    lg__lua_open_model(L);
    lg__lua_open_text(L);
    lg__lua_open_unicode(L);
    lg__lua_open_store(L);
    lg__lua_open_reply(L);
    lg__lua_open_index(L);
    lg__lua_open_fit(L);
    lg__lua_open_deadline(L);
    lg__lua_open_stack(L);
    lg__lua_open_bound(L);
    lg__lua_open_sandbox(L);
    lg__lua_open_command(L);
    return 1;
}
