/* lunagrad_lua.h - the Lua 5.4 module, for programs that embed both.
 *
 * A host that links liblunagrad and its own Lua calls lg_lua_preload() once for
 * each lua_State; from then on scripts there may say require "lunagrad". A stock
 * Lua needs none of this: it finds luaopen_lunagrad in lunagrad.so. */
#ifndef LUNAGRAD_LUA_H
#define LUNAGRAD_LUA_H

#include <lua.h>

#include "lunagrad.h"

/* Makes all modules known to require, through package.preload: lunagrad.core and
 * the Lua files built in. What the host has put there itself stays. Pushes
 * nothing and returns 0; may raise Lua's memory error. */
LG_API int lg_lua_preload(lua_State *L);

/* require "lunagrad": preloads, then runs the library's first file */
LG_API int luaopen_lunagrad(lua_State *L);
/* require "lunagrad.core": preloads, and returns the table of C functions */
LG_API int luaopen_lunagrad_core(lua_State *L);

#endif
