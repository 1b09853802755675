/* mockd.h - the loopback server of `lunagrad mock`, as a Lua module. */
#ifndef LG_MOCKD_H
#define LG_MOCKD_H

#include <lua.h>

int luaopen_lunagrad_mockd(lua_State *L);

#endif
