/* module.c - how require finds the library: the modules in C and the Lua files
 * that bake.lua built in. Knows nothing of engines. */
#include "binding/lunagrad_lua.h"

#include <lauxlib.h>
#include <string.h>

#include "binding/lua_binding.h"

/* Runs an embedded file as require would: its name and where it came from. */
static int load_embedded(lua_State *L)
{
    const struct lg_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
    const char *source = (const char *)file->data;
    if (luaL_loadbufferx(L, source, file->len, file->chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, file->name);
    lua_pushliteral(L, ":embedded:");
    lua_call(L, 2, 1);
    return 1;
}

static void push_loader(lua_State *L, const struct lg_embedded *file)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)file);
    lua_pushcclosure(L, load_embedded, 1);
}

/* package.preload is on top, the loader above it. */
static void offer(lua_State *L, const char *name)
{
    if (lua_getfield(L, -2, name) == LUA_TNIL) {
        lua_pushvalue(L, -2);
        lua_setfield(L, -4, name);
    }
    lua_pop(L, 2);
}

int lg_lua_preload(lua_State *L)
{
    luaL_checkstack(L, 5, "preloading lunagrad");
    lg__lua_give_room(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_lunagrad_core);
    offer(L, "lunagrad.core");
    lua_pushcfunction(L, luaopen_lunagrad_file);
    offer(L, "lunagrad.file");
    for (const struct lg_embedded *file = lg__embedded; file->name; file++) {
        push_loader(L, file);
        offer(L, file->name);
    }
    lua_pop(L, 1);
    return 0;
}

/* A stock Lua may be asked for this module first: the others are found then, too. */
int luaopen_lunagrad_core(lua_State *L)
{
    lg_lua_preload(L);
    return lg__lua_open_core(L);
}

/* Not through require: that is what called us, and it would call us again. */
int luaopen_lunagrad(lua_State *L)
{
    lg_lua_preload(L);
    const struct lg_embedded *file = lg__embedded;
    while (file->name && strcmp(file->name, "lunagrad") != 0)
        file++;
    if (!file->name)
        return luaL_error(L, "lunagrad: the library was built without its Lua files");
    push_loader(L, file);
    lua_call(L, 0, 1);
    return 1;
}
