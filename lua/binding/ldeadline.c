/* ldeadline.c - ends Lua code that computes past its deadline.
 *
 * A timer of the engine ends what waits; code that never waits never lets the loop see
 * that timer. So a function with a time limit runs with a count hook, which looks at the
 * monotonic clock and raises. Hooks belong to coroutines: those that such a function
 * makes inherit it, others that it resumes are not watched; nor is a C function that does
 * not return. A hook that is there already (a debugger's) is left alone. The library's own
 * code is not broken off in the middle, the script's function that called it is.
 *
 * One deadline for a Lua state, that of the task which runs now: loop.lua sets it with
 * every resume. It is no wall against code that means harm. */
#include "binding/lua_binding.h"

#include <string.h>
#include <time.h>

enum {
    EVERY = 10000, /* instructions between two looks at the clock */
    SOON = 100,    /* … when the time is over, and the library's code runs */
    PATIENCE = 3,  /* so often the error may be caught; then each instruction raises */
};

typedef struct deadline { /* its user value is the error */
    int64_t due_us;       /* on the monotonic clock; 0: none */
    int raised;
} deadline;

static const char key; /* of the deadline in the registry */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool in_library(lua_State *L, lua_Debug *ar)
{
    static const char own[] = "@lunagrad/";
    return lua_getinfo(L, "S", ar) && strncmp(ar->source, own, sizeof own - 1) == 0;
}

static void look(lua_State *L, lua_Debug *ar)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
    deadline *d = lua_touserdata(L, -1);
    if (!d || !d->due_us || now_us() < d->due_us) {
        lua_pop(L, 1);
        return;
    }
    if (in_library(L, ar)) {
        lua_sethook(L, look, LUA_MASKCOUNT, SOON);
        lua_pop(L, 1);
        return;
    }
    lua_sethook(L, look, LUA_MASKCOUNT, ++d->raised < PATIENCE ? EVERY : 1);
    lua_getiuservalue(L, -1, 1);
    lua_error(L);
}

static int ended(lua_State *L, int status, lua_KContext extra)
{
    if (lua_gethook(L) == look)
        lua_sethook(L, NULL, 0, 0);
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)extra;
    lua_pushboolean(L, 0);
    lua_pushvalue(L, -2);
    return 2;
}

/* core.limited(fn, handler, …): as xpcall, and ends at the deadline */
static int l_limited(lua_State *L)
{
    int n = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (!lua_gethook(L))
        lua_sethook(L, look, LUA_MASKCOUNT, EVERY);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    return ended(L, lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, ended), 2);
}

/* core.deadline(due | nil, error): for the code that runs from now on */
static int l_deadline(lua_State *L)
{
    int64_t due = lg__lua_opt_int(L, 1, 0, LUA_MAXINTEGER, 0);
    lua_settop(L, 2);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) != LUA_TUSERDATA) {
        deadline *fresh = lua_newuserdatauv(L, sizeof *fresh, 1);
        *fresh = (deadline){0};
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    }
    deadline *d = lua_touserdata(L, -1);
    *d = (deadline){.due_us = due};
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    return 0;
}

/* core.due(seconds) -> µs on the monotonic clock */
static int l_due(lua_State *L)
{
    double us = lg__lua_check_number(L, 1) * 1e6;
    int64_t now = now_us();
    lua_pushinteger(L, us < 9e18 - (double)now ? now + (int64_t)us : INT64_MAX);
    return 1;
}

void lg__lua_open_deadline(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"limited", l_limited}, {"deadline", l_deadline}, {"due", l_due}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
