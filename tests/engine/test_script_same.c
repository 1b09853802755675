/* test_script_same.c - what runs in a script's state does what it does in Lua's own: patterns,
 * functions of tables, coroutines; however small the slices that it is cut into. */
#include "../support.h"

#include <lauxlib.h>
#include <lualib.h>

#include "lunagrad.h"

/* Each chunk returns a text. seed: a number for chance, the same in both. */
static const char *const chunks[] = {
    /* patterns against texts, of few letters so that much matches */
    "local seed = ...\n"
    "local function r(n) seed = (seed * 1103515245 + 12345) % 2147483648 return seed // 65536 % n "
    "end\n"
    "local items = {'a', 'b', '.', '%a', '%d', '[ab]', '[^a]', '%w', '(a)', '()', '(', ')', '%1', "
    "'$', '^', '%b()', '%f[a]', '%s', '[a-c]', '[%d_]', '%', '[', '-', '%%', '[]]', '[^]a]', "
    "'(.-)', "
    "'\\0', '%f', '%bx', '[a-]', '[%a-z]', '(%1)', '%2'}\n"
    "local suffix = {'', '', '', '*', '+', '-', '?'}\n"
    "local letters = {'a', 'b', 'c', '1', ' ', '(', ')', '_', '%', '\\0', 'A', '.'}\n"
    "local out = {}\n"
    "local function told(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) "
    "end "
    "return table.concat(t, ',') end\n"
    "for i = 1, 3000 do\n"
    "  local p, s = {}, {}\n"
    "  if r(8) == 0 then p[1] = '^' end\n"
    "  for k = 1, r(5) do p[#p + 1] = items[r(#items) + 1] .. suffix[r(#suffix) + 1] end\n"
    "  for k = 1, r(12) do s[k] = letters[r(#letters) + 1] end\n"
    "  p, s = table.concat(p), table.concat(s)\n"
    "  local from = r(14) - 6\n"
    "  local function try(f, ...) local t = table.pack(pcall(f, ...)) "
    "if not t[1] then return 'error' end return told(table.unpack(t, 1, t.n)) end\n"
    "  out[#out + 1] = try(string.find, s, p, from)\n"
    "  out[#out + 1] = try(string.find, s, p, from, true)\n"
    "  out[#out + 1] = try(string.match, s, p, from)\n"
    "  out[#out + 1] = try(string.gsub, s, p, '<%0>')\n"
    "  out[#out + 1] = try(string.gsub, s, p, '%1', r(4))\n"
    "  out[#out + 1] = try(string.gsub, s, p, {a = 'x', b = false, ['1'] = 7})\n"
    "  out[#out + 1] = try(string.gsub, s, p, function(a, b) return a == 'a' and 'y' or b end)\n"
    "  out[#out + 1] = try(function() local t = {} for a, b in s:gmatch(p) do "
    "t[#t + 1] = told(a, b) if #t > 50 then break end end return table.concat(t, ';') end)\n"
    "end\n"
    "return (table.concat(out, '\\n'):gsub('\\0', '@'))",
    /* sorting, with equal ones, and orders that are none */
    "local seed = ...\n"
    "local function r(n) seed = (seed * 1103515245 + 12345) % 2147483648 return seed // 65536 % n "
    "end\n"
    "local out = {}\n"
    "for i = 1, 60 do\n"
    "  local t, n = {}, r(i < 50 and 30 or 90)\n"
    "  for k = 1, n do t[k] = {r(6), k} end\n"
    "  local ok = pcall(table.sort, t, i % 5 == 0 and function(a, b) return r(2) == 0 end or "
    "function(a, b) return a[1] < b[1] end)\n"
    "  if i % 5 ~= 0 then for k = 1, n do t[k] = t[k][1] .. ':' .. t[k][2] end "
    "out[#out + 1] = table.concat(t, ' ') end\n"
    "  local words = {}\n"
    "  for k = 1, n do words[k] = 'w' .. r(1000) end\n"
    "  table.sort(words)\n"
    "  out[#out + 1] = table.concat(words, ' ')\n"
    "end\n"
    "return table.concat(out, '\\n')",
    /* tables with metamethods */
    "local seed = ...\n"
    "local out = {}\n"
    "local function proxy(t) return setmetatable({}, {__index = function(_, k) return t[k] end, "
    "__newindex = function(_, k, v) out[#out + 1] = tostring(k) .. '=' .. tostring(v) t[k] = v "
    "end, "
    "__len = function() return #t end}) end\n"
    "local p = proxy {3, 1, 2, 'x', 5}\n"
    "local function try(f, ...) local t = table.pack(pcall(f, ...)) for i = 1, t.n do "
    "t[i] = type(t[i]) == 'table' and 'table' or tostring(t[i]) end if t[1] == 'false' then "
    "t = {'error', n = 1} end out[#out + 1] = table.concat(t, ',', 1, t.n) end\n"
    "try(table.insert, p, 'y') try(table.insert, p, 2, 'z') try(table.insert, p, 9, 1)\n"
    "try(table.insert, p, 0, 1) try(table.insert, p) try(table.insert, p, 1, 2, 3)\n"
    "try(table.remove, p) try(table.remove, p, 2) try(table.remove, p, 9) try(table.remove, p, 6)\n"
    "try(table.concat, p, '-') try(table.concat, p, '-', 2, 3) try(table.concat, p, '', 1, 99)\n"
    "try(table.unpack, p) try(table.unpack, p, 2, 4) try(table.unpack, p, 1, 1e8)\n"
    "try(table.move, p, 1, 3, 2) try(table.move, p, 2, 4, 1) try(table.move, p, 1, 2, 5, {})\n"
    "try(table.move, {1, 2, 3}, 1, 3, 2) try(table.move, {}, 1, math.maxinteger, 2)\n"
    "try(table.move, {}, -1, math.maxinteger, 2)\n"
    "local few = proxy {4, 2, 3} try(table.sort, few)\n"
    "try(table.sort, few, function(a, b) return a > b end) try(table.sort, {1, 'x'})\n"
    "try(table.unpack, 'abc') try(table.insert, 'abc', 1) try(table.sort, {3, 2}, 5)\n"
    "return table.concat(out, '\\n') .. seed",
    /* coroutines, errors in them, closing, pcall, goto, varargs, metamethods that yield */
    "local seed = ...\n"
    "local out = {}\n"
    "local function say(...) local t = table.pack(...) for i = 1, t.n do "
    "t[i] = type(t[i]) == 'table' and 'table' or tostring(t[i]):gsub('0x%x+', '') end "
    "out[#out + 1] = table.concat(t, ',', 1, t.n) end\n"
    "local co = coroutine.create(function(a, b) local c = coroutine.yield(a + b) "
    "local d, e = coroutine.yield(c * 2) error({d, e}) end)\n"
    "say(coroutine.resume(co, 1, 2)) say(coroutine.resume(co, 10)) say(coroutine.resume(co, 5, "
    "6))\n"
    "say(coroutine.resume(co)) say(coroutine.status(co))\n"
    "local w = coroutine.wrap(function(...) for i = 1, select('#', ...) do "
    "coroutine.yield((select(i, ...))) end error 'end' end)\n"
    "say(w('a', nil, 'c'), w(), w(), pcall(w)) say(pcall(w))\n"
    "local t = setmetatable({}, {__index = function(_, k) return coroutine.yield(k) end, "
    "__lt = function(a, b) coroutine.yield 'lt' return true end, "
    "__call = function(_, x) return coroutine.yield('call' .. x) end, "
    "__concat = function(a, b) return coroutine.yield 'concat' end})\n"
    "local m = coroutine.wrap(function() local v = t.key say('got', v) if t < {} then say 'less' "
    "end "
    "say(t(7)) say(t .. 'x') return 'over' end)\n"
    "say(m()) say(m(5)) say(m()) say(m(8)) say(m 'joined')\n"
    "local c2 = coroutine.create(function() local x <close> = setmetatable({}, {__close = "
    "function() "
    "say 'closed' end}) coroutine.yield(1) end)\n"
    "coroutine.resume(c2) say(coroutine.close(c2)) say(coroutine.status(c2))\n"
    "say(pcall(function() local x <close> = setmetatable({}, {__close = function(_, e) "
    "say('close', e) error 'second' end}) error 'first' end))\n"
    "say(select(2, xpcall(function() error 'e' end, function(e) return 'h:' .. e end)))\n"
    "say(coroutine.resume(coroutine.create(function() "
    "return coroutine.isyieldable() end)))\n"
    "local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)\n"
    "for i in gen do say(i) end\n"
    "local nest = coroutine.wrap(function() local inner = coroutine.wrap(function() for i = 1, 3 "
    "do "
    "local s = 0 for k = 1, 3000 do s = s + k end coroutine.yield(i + s) end end) for i = 1, 3 do "
    "coroutine.yield(inner()) end end)\n"
    "say(nest(), nest(), nest()) say(pcall(nest)) say(pcall(nest))\n"
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end "
    "say(fib(18))\n"
    "for i = 10, 1, -3 do goto continue do say 'never' end ::continue:: say(i) end\n"
    "local function va(...) local a, b = ... return select('#', ...), a, b end say(va(1, nil, "
    "nil))\n"
    "say(string.format('%5.2f %d %s %q', 3.14159, 42, 'x', 'a\\nb')) say(#string.rep('ab', 1000, "
    "'-'))\n"
    "say(tostring(setmetatable({}, {__tostring = function() return 'me' end})))\n"
    "say(string.format('%s|%10s', setmetatable({}, {__tostring = function() return 'me' end}), "
    "'r'))\n"
    "say(pcall(string.rep, 'x', -1)) say(load('return 1 + ...')(2)) say(load(function() return nil "
    "end))\n"
    "say(table.concat({1, 2, 3}, ', '), #table.pack(table.unpack({}, 1, 100)))\n"
    "say(math.type(3), math.type(3.0), 7 // 2, 7 % -3, 2^53 | 0, 1e15, 0x7fffffffffffffff + 1)\n"
    "say(('x'):rep(3), ('%d'):format(3), utf8.char(228, 8364), utf8.len 'äö', #'äö')\n"
    "say(next({}), rawlen({1, 2}), rawequal(t, t), rawget(t, 1), select(-1, 1, 2, 3))\n"
    "return table.concat(out, '\\n') .. seed",
};

static char *plain(const char *source, int seed)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (luaL_loadbuffer(L, source, strlen(source), "@t") != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_pushinteger(L, seed);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    char *text = strdup(lua_tostring(L, -1));
    lua_close(L);
    return text;
}

static void compare(lg_engine *e, const char *source, int seed, int64_t slice)
{
    /* The result is told as lines of the log, which are no JSON. */
    size_t size = strlen(source) + 200;
    char *whole = malloc(size), args[32], *wanted = plain(source, seed);
    snprintf(whole, size, "local text = (function(...) %s end)(...) print(text)", source);
    snprintf(args, sizeof args, "[%d]", seed);
    lg_script_config c;
    lg_script_config_init(&c);
    c.slice_us = slice;
    lg_script *s = NULL;
    assert_int_equal(lg_script_new(e, whole, strlen(whole), "t", &c, &s), LG_OK);
    assert_int_equal(lg_script_start(s, args), LG_OK);
    const char *at = wanted;
    for (bool over = false; !over;) {
        const lg_event *event;
        lg_engine_wait(e, 20);
        while ((event = lg_engine_next(e))) {
            over = over || event->type == LG_EVENT_END;
            if (event->type != LG_EVENT_LOG)
                continue;
            if (strncmp(at, event->text, event->len) != 0 ||
                (at[event->len] != '\n' && at[event->len] != '\0'))
                fail_msg("seed %d: wanted %.80s, got %.80s", seed, at, event->text);
            at += event->len + (at[event->len] == '\n');
        }
    }
    lg_failure f;
    if (lg_script_error(s, &f))
        fail_msg("%s", f.message);
    assert_int_equal(*at, '\0');
    lg_script_free(s);
    free(whole);
    free(wanted);
}

static void test_same(void **state)
{
    lg_engine *e = support_engine_new(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        for (int seed = 1; seed <= 3; seed++)
            compare(e, chunks[i], seed, seed == 1 ? 1 : seed == 2 ? 50 : 1000);
    }
    lg_engine_free(e);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_same),
};

LG_TEST_MAIN(tests)
