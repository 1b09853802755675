/* line.h - lines that a person types, as a Lua module; for `lunagrad repl`. */
#ifndef LG_LINE_H
#define LG_LINE_H

#include <lua.h>

int luaopen_lunagrad_line(lua_State *L);

#endif
