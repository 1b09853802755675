/* clean.h - texts without what a terminal would obey. See clean.c. */
#ifndef LG_CLEAN_H
#define LG_CLEAN_H

#include <lua.h>
#include <stddef.h>

/* Writes at most len bytes to `to`, which may be `from`; returns how many. */
size_t lg__clean(char *to, const char *from, size_t len);

int lg__lua_clean(lua_State *L); /* core.clean(text) -> text */

typedef struct lg_warnings { /* as the state of a Lua has them */
    int on, inside;
} lg_warnings;

/* w lives as long as L. */
void lg__clean_warnings(lua_State *L, lg_warnings *w);

#endif
