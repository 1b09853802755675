/* test_lua_worker.c - the parts of the sandbox's worker, outside of it: its memory, its JSON, its
 * texts; so that sanitizers and valgrind see them. What the whole does is tests/lua/. */
#include <setjmp.h>
#include <stdlib.h>

#include "../scripted.h"
#include "worker/arena.c"
#include "worker/json_in.c"
#include "worker/json_out.c"
#include "worker/sink.c"

enum { REGION = 8 << 20 };

static jmp_buf full_at;

static void is_full(void)
{
    longjmp(full_at, 1);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* ---- memory -------------------------------------------------------------------- */

typedef struct piece {
    unsigned char *data;
    size_t size;
    unsigned char mark;
} piece;

static void check_piece(const piece *p)
{
    for (size_t i = 0; i < p->size; i++)
        assert_int_equal(p->data[i], p->mark);
}

static size_t some_size(uint64_t *seed)
{
    uint64_t r = next_random(seed);
    return 1 + (size_t)(r % 10 < 6 ? r / 16 % 260 : r % 10 < 9 ? r / 16 % 5000 : r / 16 % 100000);
}

static void resize(lw_arena *a, piece *p, size_t size)
{
    size_t kept = p->size < size ? p->size : size;
    p->data = lw_arena_alloc(a, p->data, p->size, size);
    assert_int_equal((uintptr_t)p->data % 16, 0);
    for (size_t i = 0; i < kept; i++)
        assert_int_equal(p->data[i], p->mark);

    memset(p->data, p->mark, size);
    p->size = size;
}

/* Pieces never lie over each other, keep what is in them, and all come back. */
static void test_arena(void **state)
{
    (void)state;
    enum { PIECES = 300, STEPS = 60000 };
    static piece all[PIECES];
    char *region = test_malloc(REGION);
    lw_arena *a = lw_arena_make(region, REGION, is_full);
    uint64_t seed = 88172645463325252ULL;
    size_t used = 0;
    memset(all, 0, sizeof all);
    for (int i = 0; i < STEPS; i++) {
        piece *p = &all[next_random(&seed) % PIECES];
        size_t size = some_size(&seed);
        used -= p->size;
        if (p->data && next_random(&seed) % 3 == 0) {
            check_piece(p);
            lw_arena_alloc(a, p->data, p->size, 0);
            *p = (piece){NULL, 0, 0};
        } else {
            p->mark = p->data ? p->mark : (unsigned char)i;
            resize(a, p, size);
        }
        used += p->size;
        assert_int_equal(lw_arena_used(a), used);
    }
    for (int i = 0; i < PIECES; i++) {
        check_piece(&all[i]);
        if (all[i].data)
            lw_arena_alloc(a, all[i].data, all[i].size, 0);
    }
    assert_int_equal(lw_arena_used(a), 0);
    assert_true(lw_arena_top(a) <= REGION);
    assert_true(lw_arena_peak(a) > 0);
    test_free(region);
}

static void test_arena_is_full(void **state)
{
    (void)state;
    char *region = test_malloc(REGION);
    lw_arena *a = lw_arena_make(region, REGION, is_full);
    volatile size_t got = 0;
    if (!setjmp(full_at)) {
        for (;; got += 1000)
            memset(lw_arena_alloc(a, NULL, 0, 1000), 1, 1000);
    }
    assert_true(got > REGION / 10 * 9);
    a = lw_arena_make(region, REGION, is_full);
    lw_arena_limit(a, 5000);
    got = 0;
    if (!setjmp(full_at)) {
        for (;; got += 1000)
            memset(lw_arena_alloc(a, NULL, 0, 1000), 1, 1000);
    }
    assert_int_equal(got, 5000);
    test_free(region);
}

/* A Lua state lives in it, with all that its collector does. */
static void test_arena_holds_lua(void **state)
{
    (void)state;
    static const char source[] =
        "local t = {} for i = 1, 20000 do t[i % 500] = ('x'):rep(i % 900) .. i"
        " if i % 7 == 0 then t[i % 500] = { t } end end"
        " local s = {} for i = 1, 2000 do s[#s + 1] = tostring(i) end return #table.concat(s)";
    char *region = test_malloc(4 * (size_t)REGION);
    lw_arena *a = lw_arena_make(region, 4 * (size_t)REGION, is_full);
    if (setjmp(full_at))
        fail_msg("it is full");

    lua_State *L = lg__lua_newstate(lw_arena_alloc, a, 0);
    luaL_openlibs(L);
    assert_int_equal(luaL_loadbuffer(L, source, sizeof source - 1, "t"), 0);
    assert_int_equal(lua_pcall(L, 0, 1, 0), 0);
    assert_int_equal(lua_tointeger(L, -1), 6893);
    lua_close(L);
    assert_int_equal(lw_arena_used(a), 0);
    test_free(region);
}

/* ---- JSON -------------------------------------------------------------------------- */

/* Reads from memory that ends where the text does, and writes what it has read. */
static int convert(lua_State *L)
{
    size_t len;
    const char *text = lua_touserdata(L, 1);
    lw_sink *out = lua_touserdata(L, 3);
    len = (size_t)lua_tointeger(L, 2);
    int n = lw_json_push(L, text, len);
    out->len = 0;
    out->over = false;
    lw_json_write(L, lua_gettop(L) - n + 1, n, out);
    return 0;
}

static bool converts(lua_State *L, const char *text, size_t len, lw_sink *out)
{
    char *exact = test_malloc(len ? len : 1);
    memcpy(exact, text, len);
    lua_settop(L, 0);
    lua_pushcfunction(L, convert);
    lua_pushlightuserdata(L, exact);
    lua_pushinteger(L, (lua_Integer)len);
    lua_pushlightuserdata(L, out);
    bool good = lua_pcall(L, 3, 0, 0) == LUA_OK;
    test_free(exact);
    return good;
}

static void test_json(void **state)
{
    (void)state;
    static const char *const same[] = {
        "[]",
        "[1,2.5,-3,1e+100,true,false,null]",
        "[[],[[1]],{\"a\":{\"b\":[1,2]}}]",
        "[\"ä€😀\\n\\t\\\"\\\\\"]",
        "[9223372036854775807,0.1,3.0]",
        "[{\"1\":1,\"x\":[{\"y\":[]}]}]",
    };
    char room[4096];
    lw_sink out = {.data = room, .most = sizeof room};
    lua_State *L = luaL_newstate();
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        size_t len = strlen(same[i]);
        assert_true(converts(L, same[i], len, &out));
        if (i != 5) /* names have no order */
            assert_memory_equal(room, same[i], len);

        for (size_t n = 0; n < len; n++) /* what is cut off is an error, and not read beyond */
            assert_false(converts(L, same[i], n, &out));
    }
    assert_true(converts(L, " [ \"\\u00e4\\ud83d\\ude00\\u0041\" , { } ] ", 38, &out));
    assert_memory_equal(room, "[\"ä😀A\",[]]", 14);
    assert_false(converts(L, "[1 2]", 5, &out));
    assert_false(converts(L, "{}", 2, &out));
    lua_close(L);
}

static void test_json_of_any_bytes(void **state)
{
    (void)state;
    static const char seedling[] =
        "[{\"a\":[1,2,{\"b\":\"x\\u00e4\\n\"}],\"c\":-1.5e3},[[[]]],true,null,\"z\"]";
    char text[sizeof seedling], room[8192];
    lw_sink out = {.data = room, .most = sizeof room};
    lua_State *L = luaL_newstate();
    uint64_t seed = 1234567;
    for (int i = 0; i < 20000; i++) {
        memcpy(text, seedling, sizeof seedling);
        for (uint64_t n = 1 + next_random(&seed) % 4; n > 0; n--) {
            static const char bytes[] = "[]{},:\"\\u0e-+.19tfn x\xff";
            text[next_random(&seed) % (sizeof text - 1)] =
                bytes[next_random(&seed) % (sizeof bytes - 1)];
        }
        converts(L, text, sizeof text - 1, &out);
    }
    lua_close(L);
}

static void test_too_deep(void **state)
{
    (void)state;
    char text[1000], room[4096];
    lw_sink out = {.data = room, .most = sizeof room};
    lua_State *L = luaL_newstate();
    for (size_t depth = 90; depth < 110; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        bool good = converts(L, text, 2 * depth, &out);
        assert_true(good || depth > LW_DEPTH);
        assert_true(!good || depth <= LW_DEPTH + 2);
    }
    lua_close(L);
}

static void test_sink(void **state)
{
    (void)state;
    char room[64];
    lw_sink s = {.data = room, .most = sizeof room};
    lw_sink_string(&s, "a\xff\xc3\xa4\xed\xa0\x80\0\x1f", 9);
    lw_sink_number(&s, 18446744073709551615ULL);
    const char wanted[] = "\"a\xef\xbf\xbdä\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\u0000\\u001f\""
                          "18446744073709551615";
    assert_int_equal(s.len, sizeof wanted - 1);
    assert_memory_equal(room, wanted, s.len);
    assert_false(s.over);
    lw_sink_adds(&s, "0123456789012345678901234567890123456789");
    assert_true(s.over);
    assert_int_equal(s.len, sizeof room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_is_full),
        cmocka_unit_test(test_arena_holds_lua),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_of_any_bytes),
        cmocka_unit_test(test_too_deep),
        cmocka_unit_test(test_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
