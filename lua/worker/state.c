/* state.c - what a candidate finds: the language, and of its libraries what can neither leave
 * the state nor tell anything of the machine or of other candidates.
 *
 * There: _G, string, table, math, utf8, coroutine. Not there: io, os, package and require, debug,
 * dofile, loadfile, collectgarbage, warn, string.dump. Others than usual: print writes to the
 * result, load takes text alone, what makes a coroutine counts it. */
#include "worker/worker.h"

static int print(lua_State *L)
{
    int n = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        size_t len;
        const char *text = luaL_tolstring(L, i, &len);
        if (i > 1)
            lw_run_print(L, "\t", 1);

        lw_run_print(L, text, len);
        lua_pop(L, 1);
    }
    lw_run_print(L, "\n", 1);
    return 0;
}

/* The function that it stands for, with what is on the stack. */
static int call_own(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int load_text(lua_State *L)
{
    lua_settop(L, lua_gettop(L) > 3 ? 4 : 3); /* an environment that is nil is one */
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    return call_own(L);
}

/* The hook of a coroutine begins to count anew, so that what runs in it for a moment would
 * cost nothing. */
static int make_coroutine(lua_State *L)
{
    lw_run_count(L, LW_EVERY);
    return call_own(L);
}

/* Nothing, repeated so often, takes long. */
static int repeat(lua_State *L)
{
    size_t one = 0, between = 0;
    luaL_checklstring(L, 1, &one);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (one + between > 0)
        return call_own(L);

    lua_pushliteral(L, "");
    return 1;
}

/* In the table on top; what was there before is its upvalue. */
static void stand_for(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

static void take_away(lua_State *L, const char *const *names)
{
    for (; *names; names++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *names);
    }
}

static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine},
    };
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
}

static int prepare(lua_State *L)
{
    static const char *const base[] = {"dofile", "loadfile", "collectgarbage", "warn", NULL};
    static const char *const strings[] = {"dump", NULL};
    open_libraries(L);
    lua_pushglobaltable(L);
    take_away(L, base);
    stand_for(L, "load", load_text);
    stand_for(L, "print", print);
    lua_getfield(L, -1, LUA_STRLIBNAME);
    take_away(L, strings);
    stand_for(L, "rep", repeat);
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_COLIBNAME);
    stand_for(L, "create", make_coroutine);
    stand_for(L, "wrap", make_coroutine);
    return 0;
}

static void on_count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lw_run_count(L, LW_EVERY);
}

lua_State *lw_state_new(lw_arena *arena)
{
    lua_State *L = lg__lua_newstate(lw_arena_alloc, arena, 0); /* the same for all candidates */
    if (!L)
        return NULL;

    lua_pushcfunction(L, prepare);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK)
        return NULL;

    lua_gc(L, LUA_GCCOLLECT, 0);
    lua_sethook(L, on_count, LUA_MASKCOUNT, LW_EVERY); /* coroutines inherit it */
    return L;
}
