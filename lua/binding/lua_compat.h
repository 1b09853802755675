/* lua_compat.h - what Lua 5.3 does not have, in 5.4's words, and what 5.5 has otherwise. */
#ifndef LG_LUA_COMPAT_H
#define LG_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 504

#ifndef LUA_GNAME
#define LUA_GNAME "_G"
#endif

/* Of user values there is one. */
#define lua_newuserdatauv(L, size, n) lua_newuserdata(L, size)
#define lua_setiuservalue(L, index, n) lua_setuservalue(L, index)
#define lua_getiuservalue(L, index, n) lua_getuservalue(L, index)

#define luaL_argexpected(L, good, at, name) \
    ((void)((good) ||                       \
            luaL_argerror(L, at,            \
                          lua_pushfstring(L, "%s expected, got %s", name, luaL_typename(L, at)))))
#define luaL_typeerror(L, at, name) \
    luaL_argerror(L, at, lua_pushfstring(L, "%s expected, got %s", name, luaL_typename(L, at)))

/* Without to-be-closed variables there is nothing to close; what it ended with stays on top. */
#define lua_resetthread(co) ((void)(co))

#endif

/* From 5.5 on the seed of the strings' hashes is the host's to give. */
#if LUA_VERSION_NUM >= 505
#define lg__lua_newstate(alloc, ud, seed) lua_newstate(alloc, ud, seed)
#else
#define lg__lua_newstate(alloc, ud, seed) lua_newstate(alloc, ud)
#endif

#endif
