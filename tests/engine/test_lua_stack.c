/* test_lua_stack.c - variables joined by `..` in a host's own Lua state, whose allocator
 * moves every block and poisons what it lets go, so that a stack that was lost shows. */
#include "../support.h"

#include <lauxlib.h>
#include <lualib.h>

#include "../../lua/binding/lua_compat.h"
#include "../../lua/binding/lunagrad_lua.h"

/* The host's functions, as texts: each is called with how deep and how long. */
static const char source[] =
    "local lg, core = require 'lunagrad', require 'lunagrad.core'\n"
    "local v, joins = lg.var('v', 'text'), {}\n"
    "for k = 2, 12 do\n"
    "  local words = {}\n"
    "  for i = 1, k do words[i] = i % 2 == 1 and 'v' or ('%q'):format(i) end\n"
    "  joins[k] = load('local v = ... return ' .. table.concat(words, ' .. '))\n"
    "end\n"
    "function deep(depth, k)\n"
    "  if depth > 0 then local text = deep(depth - 1, k) return text end\n"
    "  return joins[k](v)\n"
    "end\n"
    "function join(depth, k) return deep(depth, k):text() end\n"
    "function join_in_task(depth, k) return lg.spawn(join, nil, depth, k):await() end\n"
    "function loses_stacks() return core.stack_mark ~= nil end\n";

typedef struct host {
    support_heap heap;
    lua_State *L;
    bool loses_stacks;
} host;

static void open_bare(host *h)
{
    support_heap_init(&h->heap);
    h->L = lg__lua_newstate(support_alloc, &h->heap, 0);
    assert_non_null(h->L);
    luaL_openlibs(h->L);
    lg_lua_preload(h->L);
}

static void load_source(lua_State *L)
{
    if (luaL_dostring(L, source) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_settop(L, 0);
}

static void open_host(host *h)
{
    open_bare(h);
    load_source(h->L);
    lua_getglobal(h->L, "loses_stacks");
    lua_call(h->L, 0, 1);
    h->loses_stacks = lua_toboolean(h->L, -1);
    lua_pop(h->L, 1);
}

static void close_host(host *h)
{
    lua_close(h->L);
    assert_int_equal(h->heap.live_blocks, 0);
}

/* "v2v4v…": what a chain of k must say */
static void expect(const char *text, int k)
{
    char want[32] = "";
    size_t at = 0;
    for (int i = 1; i <= k; i++)
        at += (size_t)snprintf(want + at, sizeof want - at, i % 2 ? "v" : "%d", i);
    assert_string_equal(text, want);
}

/* Right, or (where the Lua would lose its stack) refused; which it was. */
static bool joined(host *h, lua_State *L, const char *function, int depth, int k)
{
    lua_getglobal(L, function);
    lua_pushinteger(L, depth);
    lua_pushinteger(L, k);
    bool right = lua_pcall(L, 2, 1, 0) == LUA_OK;
    if (right)
        expect(lua_tostring(L, -1), k);
    else if (!h->loses_stacks)
        fail_msg("depth %d, %d operands: %s", depth, k, luaL_tolstring(L, -1, NULL));
    lua_settop(L, 0);
    return right;
}

static void test_tasks_join_at_any_depth(void **state)
{
    host h;

    (void)state;
    open_host(&h);
    for (int i = 0; i < 600; i++)
        assert_true(joined(&h, h.L, "join_in_task", i % 201, 2 + i % 11));
    close_host(&h);
}

static void test_the_hosts_main_thread_joins(void **state)
{
    host h;

    (void)state;
    open_host(&h);
    for (int i = 0; i < 600; i++)
        assert_true(joined(&h, h.L, "join", i % 201, 2 + i % 11));
    close_host(&h);
}

/* It knows nothing of what the stack needs. */
static void test_a_thread_of_the_hosts_joins_or_says_that_it_cannot(void **state)
{
    host h;
    int right = 0;

    (void)state;
    open_host(&h);
    for (int i = 0; i < 600; i++) {
        lua_State *co = lua_newthread(h.L);
        right += joined(&h, co, "join", i % 201, 2 + i % 11);
        lua_settop(h.L, 0);
    }
    assert_true(h.loses_stacks || right == 600);
    close_host(&h);
}

static void test_the_thread_that_loads_the_library_joins(void **state)
{
    host h;

    (void)state;
    open_bare(&h);
    lua_State *co = lua_newthread(h.L);
    load_source(co);
    for (int i = 0; i < 600; i++)
        assert_true(joined(&h, co, "join", i % 201, 2 + i % 11));
    close_host(&h);
}

/* So do threads that were given room, until it is used up. */
static void test_a_thread_with_room_joins(void **state)
{
    host h;

    (void)state;
    open_host(&h);
    for (int i = 0; i < 600; i++) {
        lua_State *co = lua_newthread(h.L);
        assert_true(lua_checkstack(co, 2000));
        assert_true(joined(&h, co, "join", i % 201, 2 + i % 11));
        lua_settop(h.L, 0);
    }
    close_host(&h);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tasks_join_at_any_depth),
    cmocka_unit_test(test_the_hosts_main_thread_joins),
    cmocka_unit_test(test_a_thread_of_the_hosts_joins_or_says_that_it_cannot),
    cmocka_unit_test(test_the_thread_that_loads_the_library_joins),
    cmocka_unit_test(test_a_thread_with_room_joins),
};

LG_TEST_MAIN(tests)
