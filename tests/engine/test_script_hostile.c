/* test_script_hostile.c - scripts that want to run for ever, to have all memory, to get out, or to
 * live on: each is ended within its limits, or fails, or ends; and one that means well runs beside
 * it all the time. */
#include "../support.h"

#include <time.h>

#include "lunagrad.h"

/* LONGEST_US: of the processor, in a step of 2 ms; twenty times as much as any takes */
enum { CPU_MS = 15, MEMORY = 4 << 20, LONGEST_US = 1000000 };

/* What must have become of it: LIMIT, ended by one; ANY: of these, what its Lua makes of it. */
enum end { LIMIT, ANY, GOOD };

typedef struct attack {
    enum end end;
    const char *source;
} attack;

static const attack attacks[] = {
    /* for ever */
    {LIMIT, "while true do end"},
    {LIMIT, "repeat until false"},
    {LIMIT, "for i = 1, math.huge do end"},
    {LIMIT, "::a:: goto a"},
    {LIMIT, "local function f() return f() end f()"},
    {LIMIT, "while true do pcall(function() while true do end end) end"},
    {LIMIT, "while true do xpcall(error, function() while true do end end) end"},
    {LIMIT,
     "while true do pcall(error, setmetatable({}, {__tostring = function() while true do end "
     "end})) end"},
    {LIMIT, "coroutine.wrap(function() while true do end end)()"},
    {LIMIT, "local co = coroutine.create(function() while true do end end) while true do "
            "coroutine.resume(co) end"},
    {LIMIT, "while true do coroutine.wrap(function() coroutine.yield() end)() end"},
    {LIMIT,
     "local function nest(n) return coroutine.wrap(function() if n > 0 then nest(n - 1)() end "
     "while true do end end) end nest(50)()"},
    {LIMIT, "local co co = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) "
            "while true do co() end"},
    {LIMIT, "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) while true do "
            "pcall(function() return t.x end) end"},
    {LIMIT, "local x <close> = setmetatable({}, {__close = function() while true do end end})"},
    {LIMIT,
     "pcall(function() local x <close> = setmetatable({}, {__close = function() while true do "
     "end end}) error 'x' end) while true do end"},
    {LIMIT,
     "coroutine.close(coroutine.create(function() end)) local co = coroutine.create(function() "
     "local x <close> = setmetatable({}, {__close = function() while true do end end}) "
     "coroutine.yield() end) coroutine.resume(co) coroutine.close(co)"},
    {LIMIT, "for k in function() return 1 end do end"},
    {LIMIT,
     "for k, v in pairs(setmetatable({}, {__pairs = function() return function() return 1 end "
     "end})) do end"},
    {LIMIT, "for i in ipairs(setmetatable({}, {__index = function() return 1 end})) do end"},
    {LIMIT, "lg.spawn(function() while true do end end):await()"},
    {LIMIT, "lg.tool{name = 't', run = function() while true do end end}(lg.var 'x'):text()"},
    {LIMIT, "lg.model(function() while true do end end) 'x':text()"},
    /* in one instruction */
    {ANY, "return #('').rep('', 1e18)"},
    {ANY, "return #('').rep('', 1e18, '')"},
    {LIMIT, "return #('x'):rep(1e9)"},
    {LIMIT, "local s = ('x'):rep(1e6) while true do s = s .. s end"},
    {LIMIT, "return ('a'):rep(30):find(('a?'):rep(30) .. ('a'):rep(31))"},
    {LIMIT, "return ('a'):rep(1e5):find('.-.-.-.-.-.-b')"},
    {LIMIT, "return ('a'):rep(1e5):match('(.*)(.*)(.*)(.*)(.*)x')"},
    {LIMIT, "return ('a'):rep(1e5):gsub('.-.-.-.-b', '')"},
    {LIMIT, "for x in ('a'):rep(1e5):gmatch('.-.-.-.-b') do end"},
    {LIMIT, "return ('('):rep(1e5):find('%b()%b()%b()')"},
    {LIMIT, "return ('a'):rep(4e5):find(('[a-z]*'):rep(20) .. '!')"},
    {LIMIT, "return ('x'):gsub('x', function() while true do end end)"},
    {LIMIT,
     "return ('x'):gsub('x', setmetatable({}, {__index = function() while true do end end}))"},
    {ANY, "return ('a'):rep(1e6):find(('a'):rep(5e5) .. 'b', 1, true)"},
    {ANY, "return ('('):rep(1e6):find(('('):rep(300))"},
    {ANY, "return pcall(string.find, 'a', ('(a'):rep(1000))"},
    {LIMIT, "table.sort({3, 2, 1}, function() while true do end end)"},
    {LIMIT,
     "local t = {} for i = 1, 1e4 do t[i] = i end while true do table.sort(t, function(a, b) "
     "return a < b end) end"},
    {ANY, "local t = {} for i = 1, 1e3 do t[i] = i end table.sort(t, function() return true end)"},
    {LIMIT, "table.move({}, 1, 1e15, 2)"},
    {LIMIT, "table.move(setmetatable({}, {__index = function() return 1 end}), 1, 1e15, 1, "
            "setmetatable({}, {__newindex = function() end}))"},
    {LIMIT, "table.concat(setmetatable({}, {__index = function() return '' end, __len = function() "
            "return 1e15 end}))"},
    {LIMIT, "table.insert(setmetatable({}, {__len = function() return 1e15 end, __newindex = "
            "function() end}), 1, 'x')"},
    {LIMIT, "table.remove(setmetatable({}, {__len = function() return 1e15 end, __newindex = "
            "function() end}), 1)"},
    {LIMIT,
     "table.sort(setmetatable({}, {__len = function() return 1e9 end, __index = function(_, k) "
     "return k end, __newindex = function() end}))"},
    {ANY,
     "return #table.pack(table.unpack(setmetatable({}, {__len = function() return 1e15 end})))"},
    {LIMIT,
     "return table.unpack(setmetatable({}, {__index = function() while true do end end}), 1, 9)"},
    {LIMIT, "print(setmetatable({}, {__tostring = function() while true do end end}))"},
    {LIMIT,
     "return ('%s'):format(setmetatable({}, {__tostring = function() while true do end end}))"},
    {LIMIT, "load(function() return 'x = 1 ' end)"},
    {LIMIT, "load(function() while true do end end)"},
    {ANY, "return load(('x = 1 '):rep(1e6))"},
    {ANY, "return load(('('):rep(1e5))"},
    {ANY, "return load('return ' .. ('{'):rep(1e5))"},
    {ANY, "return load('local a ' .. ('a = a .. '):rep(1e4) .. 'a')"},
    {ANY, "local n = 0 return load(function() n = n + 1 return n < 9 and ('--x\\n'):rep(1e5) end)"},
    /* much in each instruction */
    {LIMIT, "while true do local s = ('x'):rep(1e6) end"},
    {LIMIT,
     "local a, b = ('\\0'):rep(1.2e6), ('\\0'):rep(1.2e6) while true do local c = a < b end"},
    {LIMIT, "local s = ('x'):rep(1e6) while true do utf8.len(s) end"},
    {LIMIT, "local s = ('1'):rep(1e6) while true do tonumber(s) end"},
    {LIMIT, "local t = {} for i = 1, 6e4 do t[i] = i end while true do table.insert(t, 1, 1) "
            "table.remove(t, 1) end"},
    {LIMIT,
     "local s = ('1'):rep(1e6) local function f() while true do tonumber(s) coroutine.yield() end "
     "end while true do local co = coroutine.wrap(f) co() co() end"},
    {ANY, "local t = {} local d = t for i = 1, 990 do d[1] = {} d = d[1] end local e = {} "
          "for i = 1, 1e5 do d[i] = e end return #lg.json.encode(t)"},
    /* memory */
    {LIMIT, "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end"},
    {LIMIT, "local t = {} while true do t = {t, {}} end"},
    {LIMIT,
     "while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end"},
    {LIMIT, "local t = {} for i = 1, 1e9 do t[i] = i end"},
    {LIMIT, "local t = {} for i = 1, 1e9 do t['k' .. i] = i end"},
    {LIMIT, "local function f(...) return f(1, ...) end f()"},
    {LIMIT, "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end"},
    {LIMIT, "local t = {} for i = 1, 1e9 do t[i] = lg.var(('x'):rep(1e5) .. i) end"},
    {LIMIT,
     "local x = ('x'):rep(1e5) while true do local v = lg.var(x) v:set(x) v:set(x) keep = {keep, "
     "v} end"},
    {ANY, "local x = ('x'):rep(1e5) for i = 1, 1e3 do lg.var(x) end"},
    {LIMIT, "local s = ('x'):rep(1e6) local t = {} for i = 1, 1e4 do t[i] = s end return "
            "#lg.json.encode(t)"},
    {LIMIT, "local t = {} for i = 1, 1e5 do t[i] = ('x'):rep(1e3) end return table.concat(t)"},
    {LIMIT, "local keep = {} while true do local r = lg.retriever{docs = {('w '):rep(1e4)}} "
            "r:search 'w' for k, v in pairs(r) do if type(v) == 'table' then r[k] = {} end end "
            "keep[#keep + 1] = r end"},
    {LIMIT, "return string.pack('!16c1000000000', 'x')"},
    {ANY, "return ('%99.99f'):rep(1e4):format(1)"},
    /* depth */
    {ANY, "local function f() return 1 + f() end return f()"},
    {ANY, "return pcall(function() local function f() return (pcall(f)) end return f() end)"},
    {ANY, "local function f() local x <close> = setmetatable({}, {__close = f}) error 'x' end f()"},
    {ANY, "local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return t.x"},
    {ANY, "local e e = function() error(setmetatable({}, {__tostring = e})) end xpcall(e, e)"},
    {ANY, "xpcall(function() error 'x' end, function(m) error(m) end)"},
    {ANY, "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x"},
    {ANY, "local function f() return coroutine.wrap(f)() end f()"},
    {ANY, "local mt = {__concat = function() local function d(n) if n == 0 then return 'x' end "
          "return (d(n - 1)) end return d(1e4) end} local t = setmetatable({}, mt) "
          "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = "
          "function() return 'a' .. t .. 'b' end}) coroutine.yield() end) coroutine.resume(co) "
          "coroutine.close(co)"},
    {ANY,
     "local mt = {} mt.__concat = function() local function d(n) if n == 0 then return 'x' end "
     "return (d(n - 1)) end return d(1e4) end local t = setmetatable({}, mt) return 'a' .. t .. "
     "'b'"},
    {ANY,
     "local mt = {} mt.__concat = function() local t = {} for i = 1, 2e4 do t[i] = {} end return "
     "'x' "
     "end local t = setmetatable({}, mt) for i = 1, 100 do local s = 'a' .. t .. 'b' .. t end"},
    {ANY, "local function d(n) if n == 0 then return 0 end return 1 + d(n - 1) end d(5000) local "
          "mt = {} "
          "mt.__concat = function() local t for i = 1, 5e4 do t = {i} end return 'x' end "
          "local t = setmetatable({}, mt) for i = 1, 50 do local s = 'a' .. t .. 'b' .. t end"},
    {ANY, "local a = {} a[1] = a return a"},
    {ANY, "local t = {} for i = 1, 1e4 do t = {t} end return t"},
    /* out */
    {GOOD,
     "assert(not os and not io and not debug and not package and not dofile and not loadfile)"},
    {GOOD, "assert(not pcall(require, 'os') and not pcall(require, 'lunagrad.core'))"},
    {GOOD, "assert(not pcall(require, 'lunagrad.file') and not pcall(require, 'lunagrad.loop'))"},
    {GOOD, "assert(not string.dump and not load(('').char(27) .. 'Lua'))"},
    {GOOD, "assert(not load(function() return nil end, 'x', 'b') or true)"},
    {GOOD, "assert(not load('x', 'x', 'b', {}) == false or true)"},
    {GOOD, "assert(getmetatable('') == false and not pcall(setmetatable, '', {}))"},
    {GOOD, "string.find = nil string.gsub = error table.concat = error local v = lg.var 'x' "
           "assert(('abc'):find 'b' == 2 and v:text() == 'x')"},
    {GOOD, "assert(not pcall(setmetatable, {}, {__gc = function() end}))"},
    {GOOD, "assert(not pcall(collectgarbage) and not pcall(collectgarbage, 'stop'))"},
    {GOOD, "assert(not pcall(lg.model, 'exec/true')) assert(not pcall(lg.model, 'openai/gpt-4o'))"},
    {GOOD, "assert(not pcall(function() return lg.command{'true'}():text() end))"},
    {GOOD, "assert(not pcall(function() return lg.data.load '/etc/passwd' end))"},
    {GOOD, "assert(not pcall(function() lg.save(lg.var 'x', '/tmp/never') end))"},
    {GOOD, "assert(not pcall(lg.configure, {store = '/tmp/never'}))"},
    {GOOD, "assert(not pcall(lg.configure, {max_calls = 1}))"},
    {GOOD, "assert(not pcall(function() return lg.sandbox.run 'return 1' end))"},
    {GOOD, "_ENV = {} x = 1"},
    {GOOD, "setmetatable(_G, nil) host = nil lg = 1 require = nil"},
    {GOOD, "local g = _G for k in pairs(g) do g[k] = nil end"},
    {GOOD,
     "local mt = getmetatable(lg.var 'x') if type(mt) == 'table' then for k, v in pairs(mt) do "
     "if type(v) == 'function' then pcall(v) pcall(v, 1) pcall(v, {}) end end end"},
    {GOOD,
     "local v = lg.var 'x' local mt = getmetatable(v) if type(mt) == 'table' and mt.__gc then "
     "mt.__gc(v) mt.__gc(v) pcall(v.text, v) end"},
    {GOOD,
     "for k, v in pairs(lg) do if type(v) == 'function' and k ~= 'sleep' then pcall(v) end end"},
    {GOOD, "local f = getmetatable(_G).__index for _, x in ipairs{1 << 30, 'x', false, print} do "
           "assert(not pcall(f, x, 'lg')) end assert(not pcall(f, nil, 'lg'))"},
    {GOOD, "local seen, open = {}, {lg.retriever{docs = {'a', 'b'}}} while #open > 0 do "
           "local x = table.remove(open) assert(lg.is_var(x) or type(x) ~= 'userdata') "
           "if type(x) == 'table' and not seen[x] then seen[x] = true for _, v in next, x do "
           "open[#open + 1] = v end open[#open + 1] = getmetatable(x) end end"},
    {GOOD, "for _, x in ipairs{lg.var 'x', lg.json.null, lg.json.decode '[1e400]'[1]} do "
           "assert(not getmetatable(x)) end"},
    /* finalizers, which nothing could end */
    {ANY, "local mt = getmetatable(lg.var 'x') mt.__gc = function() while true do end end "
          "for i = 1, 1e3 do lg.var 'y' end"},
    {GOOD, "local mt = getmetatable(lg.json.array()) mt.__gc = function() while true do end end "
           "for i = 1, 1e4 do lg.json.decode '[[1]]' end"},
    {GOOD, "local ok, e = pcall(lg.json.decode, 1, 'x') e.__index.__gc = function() while true do "
           "end end "
           "for i = 1, 1e3 do pcall(lg.json.decode, 1, 'x') end"},
    {ANY, "error(setmetatable({}, {__tostring = function() while true do end end}))"},
    {ANY, "error(nil)"},
    {ANY, "coroutine.yield(1)"},
    {ANY, "return coroutine.running()"},
    {ANY, "return host"},
    /* much output, work that is never done, waiting for nothing */
    {LIMIT, "while true do print(('x'):rep(1000)) end"},
    {LIMIT, "while true do print() end"},
    {LIMIT, "while true do lg.model('sim/default')('x') end"},
    {LIMIT, "while true do lg.sleep(0) end"},
    {LIMIT, "while true do lg.spawn(function() end):await() end"},
    {ANY, "host.never()"},
    {LIMIT, "while true do pcall(host.never) end"},
    {ANY, "local v v = lg.tool{name = 't', run = function() return v:text() end}(lg.var 'x') "
          "return v:text()"},
};

enum { N = sizeof attacks / sizeof *attacks };

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* All that there is to hear; the other script's lines are counted. */
static int hear(lg_engine *e)
{
    const lg_event *event;
    int steps = 0;
    while ((event = lg_engine_next(e)))
        steps += event->type == LG_EVENT_LOG && event->tag == 7;
    return steps;
}

/* cpu_ms below 0: nothing limits it */
static lg_script *begin(lg_engine *e, const char *source, uint64_t tag, int64_t cpu_ms)
{
    bool limited = cpu_ms > 0;
    lg_script_config c;
    lg_script *s = NULL;
    lg_script_config_init(&c);
    c.tag = tag;
    c.cpu_ms = cpu_ms;
    c.memory = limited ? MEMORY : 0;
    c.wall_ms = limited ? 1500 : 0;
    if (lg_script_new(e, source, strlen(source), "t", &c, &s))
        fail_msg("%s: %s", source, lg_engine_errmsg(e));
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    return s;
}

/* false: it is not what must have become of it. */
static bool check_end(const attack *a, const lg_script *s)
{
    lg_failure f = {0};
    int state = lg_script_state(s);
    bool failed = lg_script_error(s, &f);
    bool good = a->end == GOOD    ? state == LG_READY
                : a->end == LIMIT ? failed && f.code == LG_ELIMIT
                                  : true;
    if (!good)
        print_message("%s: state %d, %s\n", a->source, state, failed ? f.message : "no failure");
    return good;
}

static void test_attacks(void **state)
{
    support_heap heap;
    lg_config c;
    (void)state;
    support_heap_init(&heap);
    support_config(&c, &heap);
    c.virtual_clock = false;
    lg_engine *e = support_engine_new(&c);
    lg_script *good =
        begin(e, "while true do for i = 1, 1000 do end print 'on' lg.sleep(0) end", 7, -1);
    uint64_t most = 0;
    int bad = 0;
    for (int i = 0; i < N; i++) {
        /* one that ends by itself needs time enough for it */
        int64_t cpu_ms = attacks[i].end == GOOD ? 100 * CPU_MS : CPU_MS;
        lg_script *s = begin(e, attacks[i].source, 1, cpu_ms);
        int64_t longest = 0, from = cpu_us();
        int steps = 0;
        while (lg_script_state(s) == LG_PENDING) {
            int64_t before = cpu_us();
            assert_int_equal(lg_engine_step(e, 2000), LG_OK);
            int64_t took = cpu_us() - before;
            longest = took > longest ? took : longest;
            steps += hear(e);
            most = heap.live_bytes > most ? heap.live_bytes : most;
            if (cpu_us() - from > 20000000)
                fail_msg("%s: it does not end", attacks[i].source);
        }
        bad += !check_end(&attacks[i], s);
        if (longest > LONGEST_US) {
            print_message("%s: %lld us in a step\n", attacks[i].source, (long long)longest);
            bad++;
        }
        if (getenv("LG_TEST_TELL")) {
            print_message("%6lld us longest, %d: %.70s\n", (long long)longest, steps,
                          attacks[i].source);
        }
        lg_script_free(s);
        hear(e);
    }
    assert_int_equal(bad, 0);
    assert_int_equal(lg_script_state(good), LG_PENDING);
    lg_script_kill(good);
    lg_script_free(good);
    lg_engine_free(e);
    assert_heap_empty(&heap);
    print_message("%d attacks; at most %llu KiB\n", N, (unsigned long long)most / 1024);
}

/* Lua does not count coroutines that are closed inside of each other: the C stack would end. */
static void test_nested_closes(void **state)
{
    static const char source[] =
        "local n, cos = 20000, {} for i = 1, n do local next = cos[i - 1]\n"
        "cos[i] = coroutine.create(function() local x <close> = setmetatable({}, {__close = "
        "function()\n"
        "if next then assert(coroutine.close(next)) end end}) coroutine.yield() end)\n"
        "coroutine.resume(cos[i]) end\n"
        "local ok, why = coroutine.close(cos[n]) return ok, why";
    lg_config c;
    lg_script_config limits;
    lg_script *s;
    (void)state;
    support_config(&c, NULL);
    lg_engine *e = support_engine_new(&c);
    lg_script_config_init(&limits);
    limits.memory = (size_t)1 << 30;
    assert_int_equal(lg_script_new(e, source, sizeof source - 1, "t", &limits, &s), LG_OK);
    assert_int_equal(lg_script_start(s, NULL), LG_OK);
    while (lg_script_state(s) == LG_PENDING) {
        assert_int_equal(lg_engine_wait(e, 10), LG_OK);
        hear(e);
    }
    assert_non_null(lg_script_result(s, NULL));
    assert_non_null(strstr(lg_script_result(s, NULL), "C stack overflow"));
    lg_script_free(s);
    lg_engine_free(e);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_attacks),
    cmocka_unit_test(test_nested_closes),
};

LG_TEST_MAIN(tests)
