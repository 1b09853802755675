/* stacks.c - stacks that Lua would lose, see binding/lstack.c: in some releases a metamethod
 * `__concat` must not move the stack below it.
 *
 * A user's script may have such metamethods, so each stack that is moved is looked at, in the
 * allocator: when a frame on it is in the midst of a concatenation, the state dies. Those releases
 * either ask for another size of the block, or make a new one, copy, and free the old one; then
 * the rest of the move is done here first, so that the state can be closed. On other releases
 * nothing is done. */
#include "host/host.h"

#include <string.h>

enum {
    VALUE = 2 * sizeof(lua_Number),
    LEAST = 20 * VALUE,
    EXTRA = 5 * VALUE,
    TYPE_AT = sizeof(lua_Number)
};
enum { LUA_CLOSURE = LUA_TFUNCTION | 1 << 6, OPCODE = 0x7f };

/* How Lua's CallInfo begins in the releases that are meant. */
typedef struct frame {
    char *func, *top;
    struct frame *previous, *next;
    const unsigned *pc; /* of a function in Lua */
} frame;

static bool is_lua(const frame *f)
{
    return (unsigned char)f->func[TYPE_AT] == LUA_CLOSURE;
}

static const frame *lowest(const frame *f)
{
    while (f->previous)
        f = f->previous;
    return f;
}

static const char *word_at(const lua_State *L, size_t at)
{
    const char *word;
    memcpy(&word, (const char *)L + at, sizeof word);
    return word;
}

/* __concat of learn(): which operation called it, and where in a thread its stack and its frame
 * are told. */
static int look(lua_State *L)
{
    lua_Debug ar;
    lh_stacks *k = lua_touserdata(L, lua_upvalueindex(1));
    lua_getstack(L, 0, &ar);
    const frame *f = (const frame *)ar.i_ci;
    k->concat = f->previous->pc[-1] & OPCODE;
    for (size_t at = 0; at < 128 && !(k->stack_at && k->frame_at); at += sizeof(void *)) {
        if (!k->stack_at && word_at(L, at) == lowest(f)->func)
            k->stack_at = at;
        if (!k->frame_at && word_at(L, at) == (const char *)f)
            k->frame_at = at;
    }
    k->fragile = k->stack_at && k->frame_at;
    lua_pushliteral(L, "");
    return 1;
}

void lh_learn_stacks(lua_State *L, lh_stacks *k)
{
    static const char join[] = "local a = ... return a .. ''";
    if (!lg__lua_loses_stacks())
        return;
    if (luaL_loadbufferx(L, join, sizeof join - 1, "=join", "t") != LUA_OK)
        lua_error(L);
    lua_newtable(L);
    lua_newtable(L);
    lua_pushlightuserdata(L, k);
    lua_pushcclosure(L, look, 1);
    lua_setfield(L, -2, "__concat");
    lua_setmetatable(L, -2);
    lua_call(L, 1, 0);
}

static bool joins(const lh_stacks *k, const lua_State *L)
{
    const frame *f = (const frame *)(const void *)word_at(L, k->frame_at);
    for (; f; f = f->previous) {
        if (f->previous && is_lua(f) && (f->pc[-1] & OPCODE) == k->concat)
            return true;
    }
    return false;
}

lua_State *lh_joining(const lh_stacks *k, const lh_running *chain, const void *block, size_t size)
{
    if (size < LEAST || size % VALUE != 0)
        return NULL;
    for (const lh_running *r = chain; r; r = r->below) {
        if (word_at(r->L, k->stack_at) == block)
            return joins(k, r->L) ? r->L : NULL;
    }
    return NULL;
}

void lh_finish_move(const lh_stacks *k, lua_State *L, char *stack, size_t size)
{
    char *end = stack + size - EXTRA;
    memcpy((char *)L + k->stack_at, &stack, sizeof stack);
    memcpy((char *)L + k->stack_at - sizeof end, &end, sizeof end);
}
