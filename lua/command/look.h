/* look.h - module lunagrad.look: servers looked at, all at once. */
#ifndef LG_LOOK_H
#define LG_LOOK_H

#include <lua.h>

int luaopen_lunagrad_look(lua_State *L);

#endif
