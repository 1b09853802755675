-- test_sandbox.lua - lg.sandbox: what scripts give and get

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local box = lg.sandbox()

TestRun = {}

function TestRun.test_values()
  local r = box:run("return 1, 2.5, 'ä', true, nil, { 1, { x = {} } }, 1 / 0, -1 / 0, 0 / 0, nil")
  lu.assertTrue(r.ok)
  lu.assertEquals(r.values.n, 10)
  lu.assertEquals({ r.values[1], r.values[2], r.values[3], r.values[4] }, { 1, 2.5, "ä", true })
  lu.assertNil(r.values[5])
  lu.assertEquals(r.values[6][2].x, {})
  lu.assertEquals({ r.values[7], r.values[8] }, { math.huge, -math.huge })
  lu.assertTrue(r.values[9] ~= r.values[9])
  lu.assertEquals(r.output, "")
  r = box:run("return 3, 3.0, 1 << 62, math.mininteger, 0.1, 1e300, 2^53, -0.0")
  lu.assertEquals(math.type(r.values[1]), "integer")
  lu.assertEquals(math.type(r.values[2]), "float")
  lu.assertEquals(r.values[3], 1 << 62)
  lu.assertEquals(r.values[4], math.mininteger)
  lu.assertEquals({ r.values[5], r.values[6], r.values[7] }, { 0.1, 1e300, 2.0 ^ 53 })
end

function TestRun.test_tables()
  local function value(source) return box:run("return " .. source).values[1] end
  lu.assertEquals(lg.json.encode(value "{ 1, 2, 3 }"), "[1,2,3]")
  lu.assertEquals(lg.json.encode(value "{}"), "[]")
  lu.assertEquals(value "{ [1] = 'a', [3] = 'c' }", { ["1"] = "a", ["3"] = "c" })
  lu.assertEquals(value "{ 1, 2, x = 3 }", { ["1"] = 1, ["2"] = 2, x = 3 })
  lu.assertEquals(value "{ [0] = 1 }", { ["0"] = 1 })
  lu.assertEquals(value "{ [1.5] = 1 }", { ["1.5"] = 1 })
  lu.assertEquals(value "{ ['\\1'] = 'x' }", { ["\1"] = "x" })
  lu.assertEquals(value "setmetatable({ 1 }, { __index = { x = 2 }, __len = load 'return 9' })",
    { 1 })
  for _, bad in ipairs { "print", "coroutine.create(print)", "{ print }", "{ [{}] = 1 }",
    "{ [true] = 1 }" } do
    lu.assertEquals(box:run("return " .. bad).kind, "error", bad)
  end
end

function TestRun.test_calls()
  local function call(source, name, ...)
    local r = box:run(source, { call = name, args = { n = select("#", ...), ... } })
    return r.ok and r.values[1] or r.kind, r.message
  end
  lu.assertEquals(call("function add(a, b) return a + b end", "add", 2, 3), 5)
  lu.assertEquals(call("return { add = function(a, b) return a + b end }", "add", 2, 3), 5)
  lu.assertEquals(call("return { m = { f = function(a) return a.x[2] end } }", "m.f",
    { x = { 1, 7 } }), 7)
  lu.assertEquals(call("M = {} function M.f(s) return #s end", "M.f", 'q"\\\n\t\1ä€😀'), 15)
  lu.assertEquals(call("return function(a, b, c) return select('#', a, b, c), b end", "solve",
    1, nil, nil), 3)
  lu.assertEquals(call("function f(...) return select('#', ...) end", "f"), 0)
  lu.assertEquals(call("function f(t) return #t, next(t) end", "f", {}), 0)
  lu.assertEquals(call("f = setmetatable({}, { __call = function(_, x) return x end })", "f", 9), 9)
  lu.assertEquals(call("local function f() end", "f"), "error")
  lu.assertEquals(call("f = 1", "f"), "error")
  lu.assertEquals(call("function f(x) return x end", "f", 1.5e10), 1.5e10)
  local deep = {}
  for _ = 1, 90 do deep = { deep } end
  lu.assertEquals(call("function f(x) local n = 0 while x[1] do x, n = x[1], n + 1 end "
    .. "return n end", "f", deep), 90)
end

function TestRun.test_output()
  local r = box:run("print('a', 1, nil, true) print() print('b\\0c')")
  lu.assertEquals(r.output, "a\t1\tnil\ttrue\n\nb\239\191\189c\n") -- no text here holds a zero
  lu.assertEquals(box:run("print('seen') error('then')").output, "seen\n")
  r = lg.sandbox { output_limit = 5 }:run("print('1234567')")
  lu.assertEquals({ r.kind, r.output, r.line }, { "output", "12345", 1 })
end

function TestRun.test_how_it_fails()
  local r = box:run("x = = 1")
  lu.assertEquals({ r.ok, r.kind, r.line }, { false, "syntax", 1 })
  r = box:run("\n\nlocal t = nil\nreturn t.x", { name = "solution" })
  lu.assertEquals({ r.kind, r.line }, { "error", 4 })
  lu.assertStrContains(r.message, "solution:4:")
  r = box:run("error { code = 1 }")
  lu.assertEquals({ r.kind, r.line }, { "error", nil })
  r = box:run("error(setmetatable({}, { __tostring = function() return 'mine' end }))")
  lu.assertEquals(r.message, "mine")
  lu.assertEquals(box:run("error()").kind, "error")
  r = lg.sandbox { instructions = 1000 }:run("\nwhile true do end")
  lu.assertEquals({ r.kind, r.line, r.instructions }, { "instructions", 2, 1000 })
  r = lg.sandbox { memory = "64K" }:run("return ('x'):rep(60000)")
  lu.assertEquals(r.kind, "memory")
  lu.assertTrue(lg.sandbox { memory = "64K" }:run("return #('x'):rep(20000)").ok)
  r = lg.sandbox { timeout = 0.05 }:run("return ('a'):rep(40):find(('a*'):rep(25) .. 'b')")
  lu.assertEquals(r.kind, "time")
end

-- A state that is nearly full is looked through, so that garbage does not count against it.
function TestRun.test_garbage_does_not_count()
  local small = lg.sandbox { memory = "1M" }
  local r = small:run("local keep = ('k'):rep(3e5)\
    for i = 1, 2000 do local s = ('x'):rep(15000) .. i end return #keep")
  lu.assertTrue(r.ok, r.message)
end

function TestRun.test_arguments()
  helper.fails("inval", { field = "memory" }, lg.sandbox, { memory = "1K" })
  helper.fails("inval", { field = "memory" }, lg.sandbox, { memory = "many" })
  helper.fails("inval", { field = "timeout" }, lg.sandbox, { timeout = 0 })
  helper.fails("inval", { field = "workers" }, lg.sandbox, { workers = 0 })
  helper.fails("inval", { field = "output_limit" }, lg.sandbox, { output_limit = "1G" })
  helper.fails("inval", nil, lg.sandbox, { memmory = 1 })
  helper.fails("inval", nil, box.run, box, "return 1", { cal = "f" })
  helper.fails("inval", { field = "source" }, box.run, box, 12)
  helper.fails("inval", { field = "args" }, box.run, box, "", { call = "f", args = { print } })
  helper.fails("limit", nil, box.run, box, ("x"):rep(9 << 20))
  lu.assertTrue(box:run(lg.var("return 1", "code")).ok)
end

-- ---- many, and one after another --------------------------------------------------------

TestMany = {}

function TestMany.test_in_order()
  local list = {}
  for i = 1, 300 do list[i] = i end
  local results = lg.map(list, function(i) return box:run("return ... or " .. i) end)
  for i = 1, 300 do lu.assertEquals(results[i].values[1], i) end
  lu.assertEquals(lg.stats().sandboxed, 0)
end

function TestMany.test_a_state_is_fresh()
  box:run("leak = 1 string.leak = 2 getmetatable('').leak = 3 math.randomseed(7)")
  local r = box:run("return leak, string.leak, getmetatable('').leak")
  lu.assertEquals({ r.values[1], r.values[2], r.values[3], r.values.n }, { nil, nil, nil, 3 })
end

-- Addresses, the order of pairs and chance are the same for every worker, of any sandbox.
function TestMany.test_the_same_everywhere()
  local source = [[local keys = {} for i = 1, 50 do keys["k" .. i] = {} end
    local order = {} for k, v in pairs(keys) do order[#order + 1] = k .. tostring(v) end
    return order, math.random(), tostring(print), tostring(coroutine.create(print))]]
  local boxes = { box, lg.sandbox { memory = "256M" }, lg.sandbox { fresh = true }, box }
  local results = lg.map(boxes, function(one) return one:run(source) end)
  for i = 2, #boxes do lu.assertEquals(results[i].values, results[1].values) end
end

function TestMany.test_a_process_for_each()
  local fresh = lg.sandbox { fresh = true, workers = 2 }
  local results = lg.map({ 1, 2, 3, 4, 5 }, function(i) return fresh:run("return " .. i) end)
  for i = 1, 5 do lu.assertEquals(results[i].values[1], i) end
end

function TestMany.test_what_nobody_waits_for_is_ended()
  local slow = lg.tool { name = "slow", purpose = "never ends", timeout = 0.2, run = function()
    return box:run("return ('a'):rep(40):find(('a*'):rep(25) .. 'b')").kind
  end }
  local problem = helper.fails("timeout", nil, function() return slow():text() end)
  lu.assertEquals(problem.kind, "timeout")
  lu.assertTrue(box:run("return 1").ok)
end

function TestMany.test_in_a_tool()
  local judge = lg.tool { name = "tests", purpose = "runs the code", run = function(code)
    local r = box:check(code, { { call = "f", args = { 2 }, expect = 4 },
      { call = "f", args = { 3 }, expect = 9 } })
    return ("%d of %d"):format(r.passed, r.total), r.passed / r.total
  end }
  local v = judge(lg.param("function f(x) return x + x end", "code"))
  lu.assertEquals({ v:text(), v.score }, { "1 of 2", 0.5 })
end

-- ---- check --------------------------------------------------------------------------------

TestCheck = {}

function TestCheck.test_counts()
  local r = box:check("count = 0 function f(x) count = count + 1 return x * 2, count end", {
    { call = "f", args = { 2 }, expect = 4 },
    { call = "f", args = { 3 }, expect = 7 },
    { call = "f", args = { "x" }, expect = 0, name = "text" },
    { call = "f", args = { 1 }, check = function(_, count) return count == 1 end },
    { call = "f", args = { 1 } },
  })
  lu.assertEquals({ r.passed, r.total }, { 3, 5 })
  lu.assertEquals({ r.tests[1].ok, r.tests[2].ok, r.tests[2].got, r.tests[2].expect },
    { true, false, 6, 7 })
  lu.assertEquals({ r.tests[3].kind, r.tests[3].name, r.tests[3].got }, { "error", "text", nil })
end

function TestCheck.test_same()
  local function passes(returned, expect, close)
    return box:check("function f() return " .. returned .. " end",
      { { call = "f", expect = expect, close = close } }).passed == 1
  end
  lu.assertTrue(passes("{ 1, 2, { x = 'y' } }", { 1, 2, { x = "y" } }))
  lu.assertFalse(passes("{ 1, 2, 3 }", { 1, 2 }))
  lu.assertFalse(passes("{ 1, 2 }", { 1, 2, 3 }))
  lu.assertTrue(passes("{ [1] = 1, [5] = 5 }", { [1] = 1, [5] = 5 }))
  lu.assertTrue(passes("{}", {}))
  lu.assertTrue(passes("1.0", 1))
  lu.assertFalse(passes("'1'", 1))
  lu.assertTrue(passes("0.1 + 0.2", 0.3, 1e-9))
  lu.assertFalse(passes("0.1 + 0.2", 0.3))
  lu.assertTrue(passes("{ 1e9 + 1 }", { 1e9 }, 1e-6))
  lu.assertTrue(passes("0 / 0", 0 / 0))
  lu.assertTrue(passes("false", false))
  lu.assertFalse(passes("nil", false))
  lu.assertTrue(passes("-1 / 0", -math.huge))
end

function TestCheck.test_arguments()
  helper.fails("inval", nil, box.check, box, "", { { cal = "f" } })
  helper.fails("inval", nil, box.check, box, "", nil)
  lu.assertEquals(box:check("", {}), { passed = 0, total = 0, tests = {} })
end

os.exit(lu.LuaUnit.run(), true)
