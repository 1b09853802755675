/* state.c - what a candidate finds: the language, and of its libraries what can neither leave
 * the state nor tell anything of the machine or of other candidates.
 *
 * What is there says binding/lua_allowed.h. Others than usual: print writes to the result, load
 * takes text alone, what makes a coroutine counts it. */
#include "worker/worker.h"

#include "binding/lua_allowed.h"

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

/* The hook of a coroutine begins to count anew, so that what runs in it for a moment would
 * cost nothing. */
static int make_coroutine(lua_State *L)
{
    lw_run_count(L, LW_EVERY);
    return lg__lua_call_own(L);
}

static int prepare(lua_State *L)
{
    lg__lua_open_allowed(L);
    lua_pushglobaltable(L);
    lg__lua_stand_for(L, "load", lg__lua_load_text);
    lg__lua_stand_for(L, "print", print);
    lua_getfield(L, -1, LUA_STRLIBNAME);
    lg__lua_stand_for(L, "rep", lg__lua_repeat);
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_COLIBNAME);
    lg__lua_stand_for(L, "create", make_coroutine);
    lg__lua_stand_for(L, "wrap", make_coroutine);
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
