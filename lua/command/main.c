/* main.c - the command `lunagrad`: a Lua state, the library inside it, and
 * require("lunagrad.cli").main(arguments). Everything else the command does is Lua.
 *
 * It ignores SIGPIPE and SIGXFSZ: a connection or a pipe that goes away, and a file that
 * may not become larger, are errors to report. */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "binding/clean.h"
#include "command/line.h"
#include "command/look.h"
#include "binding/lunagrad_lua.h"
#include "command/mockd.h"
#include "command/term.h"

typedef struct arguments {
    int argc;
    char **argv;
} arguments;

/* Error objects (tables) pass unchanged; texts get a traceback. */
static int on_error(lua_State *L)
{
    if (lua_type(L, 1) != LUA_TSTRING)
        return 1;
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

static int command(lua_State *L)
{
    const arguments *args = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lg_lua_preload(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_lunagrad_term);
    lua_setfield(L, -2, "lunagrad.term");
    lua_pushcfunction(L, luaopen_lunagrad_mockd);
    lua_setfield(L, -2, "lunagrad.mockd");
    lua_pushcfunction(L, luaopen_lunagrad_look);
    lua_setfield(L, -2, "lunagrad.look");
    lua_pushcfunction(L, luaopen_lunagrad_line);
    lua_setfield(L, -2, "lunagrad.line");
    lua_getglobal(L, "require");
    lua_pushliteral(L, "lunagrad.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, args->argc, 1);
    for (int i = 0; i < args->argc; i++) {
        lua_pushstring(L, args->argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    return 1;
}

/* A closed stdin, stdout or stderr would be the number of the next file or socket, and
 * what is printed would go there. What is in its place gives nothing and takes nothing. */
static void occupy_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* A defect of the command itself; the error is on top. */
static void tell(lua_State *L)
{
    lua_pushcfunction(L, lg__lua_clean);
    luaL_tolstring(L, -2, NULL);
    if (isatty(STDERR_FILENO) && lua_pcall(L, 1, 1, 0) != LUA_OK)
        lua_pushliteral(L, "?");
    fprintf(stderr, "lunagrad: %s\n", lua_tostring(L, -1));
}

int main(int argc, char **argv)
{
    arguments args = {argc, argv};
    lg_warnings warnings;
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    lua_State *L = luaL_newstate();
    if (!L) {
        fputs("lunagrad: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    lg__clean_warnings(L, &warnings);
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, command);
    lua_pushlightuserdata(L, &args);
    int code = EXIT_FAILURE;
    if (lua_pcall(L, 1, 1, 1) == LUA_OK)
        code = (int)lua_tointeger(L, -1);
    else
        tell(L);
    lua_close(L);
    return lg__term_check_output(code);
}
