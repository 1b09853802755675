/* lstack.c - room on Lua's stacks, where a metamethod `__concat` must not move them.
 *
 * The upstream change that mends CVE-2022-33099 lets luaV_concat go on with a pointer into
 * the stack from before it called a metamethod. When that call made the stack move (it grew,
 * or a collection shrank it) the pointer leads into freed memory. Later releases mend it;
 * distributions brought the first change without the second to older releases (Debian 12:
 * 5.4.4-3+deb12u1). Two ways lead past it, and var.lua takes one of them each time:
 *
 * - The metamethod yields after its work. Lua finishes the concatenation of a frame that is
 *   resumed by another way, which has no such pointer. Tasks do that; no depth harms them.
 * - The stack does not move. It never shrinks below what a frame has asked for, so room that
 *   is asked for below all frames, before a thread begins, stays. Within it nothing grows.
 *
 * Elsewhere (deep in a plain script, in the callback of a sort) the script is told. Nothing
 * here does anything on other releases. */
#include "binding/lua_binding.h"

#include <lualib.h>
#include <string.h>

enum {
    VALUE = 2 * sizeof(lua_Number), /* bytes of a value on the stack */
    ROOM_MAIN = 4000 * VALUE,       /* a frame of Lua takes some 5 to 20 values */
    ROOM_OTHER = 500 * VALUE,
    ROOM_ENTRY = 64 * VALUE, /* more than entering __concat takes */
};

/* How Lua's CallInfo begins in all releases that are meant: where the frame's function and
 * its end are on the stack, and the frame below; that of the lowest is NULL. */
typedef struct frame {
    char *func, *top;
    struct frame *previous;
} frame;

#pragma weak lua_ident /* of the Lua that runs, if it tells */

/* "5.4.4", of the Lua that runs: its package may be newer than the headers were */
static void release_of(char buf[16])
{
    const char *at = (uintptr_t)lua_ident ? strstr(lua_ident, "Lua ") : NULL;
    if (!at)
        at = LUA_RELEASE;
    at += strlen("Lua ");
    size_t n = strspn(at, "0123456789.");
    if (n > 15)
        n = 15;
    memcpy(buf, at, n);
    buf[n] = '\0';
}

bool lg__lua_loses_stacks(void)
{
    char release[16];
    release_of(release);
    return strncmp(release, "5.4.", 4) == 0 && strspn(release + 4, "01234") == 1 && !release[5];
}

static frame *lowest(frame *f)
{
    while (f->previous)
        f = f->previous;
    return f;
}

/* core.stack_mark() -> where on the stack the function that asks stands; nil when its thread
 * was given no room, or has used it up: calling it may have moved the stack. The same mark at
 * the function's begin and end: nothing moved. */
static int l_stack_mark(lua_State *L)
{
    lua_Debug ar;
    if (!lua_getstack(L, 1, &ar))
        return 0;
    const frame *f = (const frame *)ar.i_ci;
    if (lowest((frame *)ar.i_ci)->top - f->func < ROOM_ENTRY)
        return 0;
    lua_pushinteger(L, (lua_Integer)(intptr_t)f->func);
    return 1;
}

/* The thread that a coroutine.wrap'ed function drives is its first upvalue. */
static void give_room(lua_State *L, int index)
{
    lua_State *co = lua_tothread(L, index);
    if (!co && lua_getupvalue(L, index, 1)) {
        co = lua_tothread(L, -1);
        lua_pop(L, 1);
    }
    if (co)
        lua_checkstack(co, ROOM_OTHER / VALUE);
}

/* coroutine.create and .wrap: the upvalue, and then room */
static int l_with_room(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    give_room(L, -1);
    return 1;
}

static void wrap_maker(lua_State *L, const char *name)
{
    if (lua_getfield(L, -1, name) == LUA_TFUNCTION) {
        lua_pushcclosure(L, l_with_room, 1);
        lua_setfield(L, -2, name);
    } else {
        lua_pop(L, 1);
    }
}

/* A thread that runs already: its lowest frame is said to reach further than it did. */
static void raise_lowest(lua_State *L)
{
    lua_Debug ar;
    if (!lua_checkstack(L, ROOM_MAIN / VALUE) || !lua_getstack(L, 0, &ar))
        return;
    frame *low = lowest((frame *)ar.i_ci);
    char *top = low->func + ROOM_MAIN;
    if (low->top < top)
        low->top = top;
}

void lg__lua_give_room(lua_State *L)
{
    static const char given = 0; /* its address is a key */
    if (!lg__lua_loses_stacks())
        return;
    bool done = lua_rawgetp(L, LUA_REGISTRYINDEX, &given) != LUA_TNIL;
    lua_pop(L, 1);
    if (done)
        return;
    lua_pushboolean(L, true);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &given);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    raise_lowest(lua_tothread(L, -1));
    lua_pop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, LUA_COLIBNAME) == LUA_TTABLE) {
        wrap_maker(L, "create");
        wrap_maker(L, "wrap");
    }
    lua_pop(L, 2);
}

void lg__lua_open_stack(lua_State *L)
{
    char release[16];
    release_of(release);
    lua_pushstring(L, release);
    lua_setfield(L, -2, "lua_release");
    if (!lg__lua_loses_stacks())
        return;
    lua_pushcfunction(L, l_stack_mark);
    lua_setfield(L, -2, "stack_mark");
    bool is_main = lua_pushthread(L);
    lua_pop(L, 1);
    if (!is_main)
        raise_lowest(L); /* of a host, perhaps, that made it without coroutine.create */
}
