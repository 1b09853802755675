/* term.h - what the command asks of the terminal and the system, as a Lua module. */
#ifndef LG_TERM_H
#define LG_TERM_H

#include <lua.h>

int luaopen_lunagrad_term(lua_State *L);

void lg__signals_open(lua_State *L); /* signals.c: adds its functions to the table on top */
int lg__term_signals(void);          /* how many came, since they were last forgotten */

int lg__term_check_output(int code); /* the exit code: no success when output was lost */

#endif
