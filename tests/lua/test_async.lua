-- test_async.lua - tasks and waiting: where one may wait, in which order results come, what is told

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"

lg.configure { virtual_clock = true }

local fails = helper.fails

-- Answers with the question in capitals; looks at a few other answers first when asked to "wait N".
local quick = lg.model(function(request) return request.messages[1].content:upper() end, "quick")

local function wait_turns(n)
  for i = 1, n do quick("turn " .. i):text() end
end

-- Awaited in the main chunk, before any test runs.
local at_top = quick("at the top"):text()

local function one_to(n)
  local list = {}
  for i = 1, n do list[i] = i end
  return list
end

-- ---- where one may wait -----------------------------------------------------------

TestWhere = {}

function TestWhere.test_main_chunk()
  lu.assertEquals(at_top, "AT THE TOP")
  local v = quick "here"
  lu.assertEquals(v:state(), "pending")
  lu.assertEquals(v:await(), v)
  lu.assertEquals(v:state(), "ready")
end

function TestWhere.test_a_coroutine_of_the_script()
  local words = coroutine.wrap(function()
    for _, word in ipairs { "one", "two" } do coroutine.yield(quick(word):text()) end
  end)
  lu.assertEquals({ words(), words() }, { "ONE", "TWO" })
end

function TestWhere.test_a_coroutine_inside_a_task()
  local found = lg.map({ "a", "b", "c" }, function(name)
    local words = coroutine.wrap(function()
      for i = 1, 2 do coroutine.yield(quick(name .. i):text()) end
    end)
    wait_turns(1)
    return words() .. words()
  end)
  lu.assertEquals(found, { "A1A2", "B1B2", "C1C2" })
end

function TestWhere.test_tostring_and_print()
  local plain = command.lua [[
local lg = require "lunagrad"
local m = lg.model(function(r) return r.messages[1].content:upper() end)
print(m "from main", m "twice")
lg.map({ "x", "y" }, function(name) print(m("task " .. name)) end, { concurrency = 1 })]]
  lu.assertEquals(plain.err, "")
  lu.assertEquals(plain.out, "FROM MAIN\tTWICE\nTASK X\nTASK Y\n")
end

-- Each of these waits inside C: as many at once as Lua's stack allows, and the others after them.
function TestWhere.test_tostring_in_very_many_tasks()
  local texts = lg.map(one_to(300), function(i) return tostring(quick("t" .. i)) end)
  lu.assertEquals({ texts[1], texts[300], #texts }, { "T1", "T300", 300 })
  local slow = lg.tool { name = "slow", run = function(text)
    wait_turns(2)
    return table.concat(lg.map({ 1, 2 }, function(k) return quick(text .. k):text() end))
  end }
  texts = lg.map(one_to(100), function(i) return tostring(slow("t" .. i)) end)
  lu.assertEquals({ texts[1], texts[100], #texts }, { "T11T12", "T1001T1002", 100 })
end

-- At the deepest level somebody waits for a task that is still in line: it has to run after all.
function TestWhere.test_awaiting_another_task_inside_very_many_gsubs()
  local tasks = {}
  local last = lg.spawn(function() return quick("last"):text() end)
  for i = 1, 30 do
    tasks[i] = lg.spawn(function()
      return (("x"):gsub("x", function()
        return i < 22 and quick("g" .. i):text() or tasks[i + 1]:await()
      end))
    end)
  end
  tasks[31] = last
  for i = 1, 30 do lu.assertEquals(tasks[i]:await(), i < 22 and "G" .. i or "LAST") end
end

function TestWhere.test_sort_and_gsub()
  local function sorted(list)
    table.sort(list, function(a, b) return quick(a):text() < quick(b):text() end)
    return table.concat(list, " ")
  end
  local function shouted(text)
    return (text:gsub("%w+", function(word) return quick(word):text() .. "!" end))
  end
  lu.assertEquals(sorted { "c", "a", "d", "b" }, "a b c d")
  lu.assertEquals(shouted "so it is", "SO! IT! IS!")
  lu.assertEquals(lg.map({ "b c a", "z y" }, function(text)
    local words = {}
    for word in text:gmatch "%a" do words[#words + 1] = word end
    return shouted(sorted(words))
  end), { "A! B! C!", "Y! Z!" })
end

function TestWhere.test_pcall_around_a_wait()
  local bad = lg.model(function() error "no luck" end, "bad")
  local found = lg.map(one_to(3), function(i)
    local ok, problem = pcall(function()
      wait_turns(i)
      return bad("q" .. i):text()
    end)
    local fine, text = pcall(function() return quick("after " .. i):text() end)
    return { ok, lg.errors.is(problem), problem.kind, fine, text }
  end)
  lu.assertEquals(found, { { false, true, "tool", true, "AFTER 1" },
    { false, true, "tool", true, "AFTER 2" }, { false, true, "tool", true, "AFTER 3" } })
end

function TestWhere.test_a_tool_may_ask_models()
  local twice = lg.tool { name = "twice", run = function(text)
    return quick(text):text() .. quick(text .. "?"):text(), 0.5
  end }
  local v = twice "hm"
  lu.assertEquals({ v:text(), v.score }, { "HMHM?", 0.5 })
end

function TestWhere.test_a_tool_may_return_a_pending_variable()
  local inner = lg.tool { name = "inner", run = function(text) return text, 0.25 end }
  local outer = lg.tool { name = "outer", run = function(text) return inner(text .. "+") end }
  local v = outer "x"
  lu.assertEquals({ v:text(), v.score }, { "x+", 0.25 })
end

function TestWhere.test_a_model_may_ask_models()
  local boss = lg.model(function(request)
    local q = request.messages[1].content
    return lg.map({ "a", "b" }, function(name) return quick(q .. name):text() end)[2]
  end, "boss")
  lu.assertEquals(boss("q"):text(), "QB")
end

-- Every level needs C's stack; the loop says so before Lua would.
function TestWhere.test_endless_nesting_inside_gsub_is_an_error()
  local function deep()
    return (("x"):gsub("x", function() return lg.map({ 1 }, deep)[1] end))
  end
  local problem = fails("limit", "print, sort or gsub", deep)
  lu.assertStrContains(problem.hint, "v:text() first")
  lu.assertEquals(quick("still there"):text(), "STILL THERE")
end

-- ---- tasks -------------------------------------------------------------------------

TestTask = {}

function TestTask.test_arguments_and_results()
  local function echo(...)
    wait_turns(1)
    return ...
  end
  local task = lg.spawn(echo, nil, 1, nil, 3)
  lu.assertNil(task.done)
  lu.assertEquals(table.pack(task:await()), { 1, nil, 3, n = 3 })
  lu.assertTrue(task.done)
  lu.assertEquals(table.pack(task:await()), { 1, nil, 3, n = 3 })
  lu.assertEquals(select("#", lg.spawn(echo):await()), 0)
end

function TestTask.test_several_may_await_one()
  local runs = 0
  local slow = lg.spawn(function()
    runs = runs + 1
    wait_turns(3)
    return "done"
  end)
  local others = {}
  for i = 1, 3 do others[i] = lg.spawn(function() return slow:await() .. i end) end
  lu.assertEquals({ others[3]:await(), others[1]:await(), others[2]:await(), slow:await() },
    { "done3", "done1", "done2", "done" })
  lu.assertEquals(runs, 1)
end

function TestTask.test_an_error_reaches_each_await()
  local task = lg.spawn(function()
    wait_turns(1)
    error "broken"
  end)
  local other = lg.spawn(function() return select(2, pcall(task.await, task)).kind end)
  fails("script", "broken", task.await, task)
  fails("script", "broken", task.await, task)
  lu.assertEquals(other:await(), "script")
end

function TestTask.test_errors_tell_where_and_at_which_example()
  local function of_row(row)
    wait_turns(1)
    if row == "c" then error "row is bad" end
  end
  local problem = fails("script", "row is bad", lg.map, { "a", "b", "c" }, of_row)
  lu.assertEquals(problem.example, 3)
  lu.assertStrContains(problem.traceback, "test_async.lua")
  lu.assertStrContains(tostring(problem), "test_async.lua:")
  local task = lg.spawn(function() lg.map({ 1 }, error, { example = false }) end,
    { step = 7, example = 5 })
  problem = select(2, pcall(task.await, task))
  lu.assertEquals({ problem.step, problem.example }, { 7, 5 })
end

function TestTask.test_what_is_raised_may_be_anything()
  lu.assertEquals(fails("script", "nil", lg.spawn(error).await, lg.spawn(error)).kind, "script")
  local own = lg.errors.new("mine", "own text", "own hint")
  local task = lg.spawn(function() error(own) end)
  lu.assertTrue(rawequal(select(2, pcall(task.await, task)), own))
end

function TestTask.test_context_reaches_the_nodes_of_a_task()
  local examples = lg.map({ "x", "y" }, function(name)
    wait_turns(1)
    return quick(name):example()
  end)
  lu.assertEquals(examples, { 1, 2 })
  -- a tool that runs while another task waits inside tostring is not that task's work
  local seen = {}
  local tool = lg.tool { name = "plain", run = function(text)
    seen[#seen + 1] = loop.context().example or "none"
    return text
  end }
  local plain = tool "p"
  plain:set_example(-1)
  lg.map({ "x" }, function(name) return tostring(quick(name)) end)
  lu.assertEquals({ plain:text(), seen[1] }, { "p", "none" })
  lu.assertNil(quick("outside"):example())
  lu.assertNil(loop.context())
end

function TestTask.test_a_foreign_yield_is_an_error()
  local task = lg.spawn(function() coroutine.yield "to nobody" end)
  local problem = fails("inval", "may not yield", task.await, task)
  lu.assertStrContains(problem.hint, "coroutine.wrap")
  lu.assertEquals(lg.spawn(function() return quick("next"):text() end):await(), "NEXT")
end

-- ---- map ---------------------------------------------------------------------------

TestMap = {}

function TestMap.test_results_in_order_whoever_ends_first()
  local ended = {}
  local found = lg.map(one_to(5), function(i, index)
    lu.assertEquals(index, i)
    wait_turns(6 - i)
    ended[#ended + 1] = i
    return i * 10
  end)
  lu.assertEquals(found, { 10, 20, 30, 40, 50 })
  lu.assertEquals(ended, { 5, 4, 3, 2, 1 })
  lu.assertEquals(lg.map({}, error), {})
end

local function most_at_once(n, opts)
  local now, most = 0, 0
  lg.map(one_to(n), function()
    now = now + 1
    most = math.max(most, now)
    wait_turns(2)
    now = now - 1
  end, opts)
  return most
end

function TestMap.test_concurrency()
  lu.assertEquals(most_at_once(12, { concurrency = 3 }), 3)
  lu.assertEquals(most_at_once(12, { concurrency = 1 }), 1)
  lu.assertEquals(most_at_once(12), 12)
end

function TestMap.test_raises_the_first_in_order_and_starts_no_more()
  local started, ended = {}, {}
  local problem = fails("script", "bad 2", lg.map, one_to(20), function(i)
    started[#started + 1] = i
    wait_turns(i == 3 and 1 or 4) -- the third fails first
    ended[#ended + 1] = i
    if i == 2 or i == 3 then error("bad " .. i) end
  end, { concurrency = 4 })
  lu.assertEquals(problem.example, 2)
  lu.assertEquals(started, { 1, 2, 3, 4 })
  table.sort(ended)
  lu.assertEquals(ended, started)
end

function TestMap.test_collect()
  local found = lg.map(one_to(4), function(i)
    wait_turns(5 - i)
    if i % 2 == 0 then error("bad " .. i) end
    if i == 3 then return nil end
    return i
  end, { on_error = "collect" })
  lu.assertEquals(#found, 4)
  lu.assertEquals({ found[1].ok, found[1].value, found[3].ok, found[3].value }, { true, 1, true })
  lu.assertEquals({ found[2].ok, found[4].ok }, { false, false })
  lu.assertStrContains(tostring(found[2].err), "bad 2")
  lu.assertEquals(found[4].err.example, 4)
end

function TestMap.test_nested()
  local found = lg.map({ "a", "b" }, function(name)
    return table.concat(lg.map(one_to(3), function(i)
      local ends = lg.map({ "x", "y" }, function(last) return quick(name .. i .. last):text() end)
      return table.concat(ends, ",")
    end, { concurrency = 2 }), ";")
  end)
  lu.assertEquals(found, { "A1X,A1Y;A2X,A2Y;A3X,A3Y", "B1X,B1Y;B2X,B2Y;B3X,B3Y" })
end

function TestMap.test_two_thousand_tasks()
  local before = lg.stats().calls
  local found = lg.map(one_to(2000), function(i)
    return tonumber(quick(("%d"):format(i)):text()) + tonumber(quick(("%d"):format(-i)):text()) + i
  end)
  lu.assertEquals(found, one_to(2000))
  lu.assertEquals(lg.stats().calls - before, 4000)
end

function TestMap.test_misuse()
  fails("inval", { field = "concurrency" }, lg.map, {}, print, { concurrency = 0 })
  fails("inval", { field = "concurrency" }, lg.map, {}, print, { concurrency = 1.5 })
  fails("inval", { field = "concurency", hint = 'did you mean "concurrency"?' },
    lg.map, {}, print, { concurency = 2 })
  fails("inval", { field = "on_error", hint = 'did you mean "collect"?' },
    lg.map, {}, print, { on_error = "colect" })
  local problem = fails("inval", { field = "fn" }, function()
    lg.map({ 1 }, "no function")
  end)
  lu.assertStrContains(problem.where, "test_async.lua")
end

-- ---- the loop ----------------------------------------------------------------------

TestLoop = {}

function TestLoop.test_a_deadlock_is_an_error_and_no_hang()
  local mine
  mine = lg.spawn(function() return mine:await() end)
  fails("state", "deadlock", mine.await, mine)
  local node
  local tool = lg.tool { name = "ouroboros", run = function() return node:text() end }
  node = tool "x"
  local problem = fails("state", "deadlock", node.text, node)
  lu.assertStrContains(problem.hint, "own result")
  lu.assertTrue(node:cancel())
  lu.assertEquals(quick("life goes on"):text(), "LIFE GOES ON")
end

function TestLoop.test_on_tick()
  local ticks = 0
  loop.on_tick(function() ticks = ticks + 1 end)
  wait_turns(3)
  loop.on_tick(nil)
  local before = ticks
  wait_turns(3)
  lu.assertTrue(before > 0)
  lu.assertEquals(ticks, before)
end

function TestLoop.test_an_error_of_the_tick_ends_the_wait()
  loop.on_tick(function() error(lg.errors.new("cancelled", "stop now"), 0) end)
  local ok, problem = pcall(function() return quick("tick"):text() end)
  loop.on_tick(nil)
  lu.assertFalse(ok)
  lu.assertEquals(problem.kind, "cancelled")
  lu.assertEquals(quick("tock"):text(), "TOCK")
end

function TestLoop.test_configure_after_the_start_is_an_error()
  fails("state", "running already", lg.configure, { concurrency = 2 })
  fails("inval", { field = "concurency", hint = 'did you mean "concurrency"?' },
    lg.configure, { concurency = 2 })
end

function TestLoop.test_what_made_no_node_may_still_configure()
  local result = command.lua [[
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local task = lg.spawn(function() lg.configure { concurrency = 1 } return loop.started() end)
print(task:await())
local now, most = 0, 0
local inner = lg.model(function() return "x" end)
local m = lg.model(function()
  now = now + 1
  most = math.max(most, now)
  coroutine.wrap(function() end)()
  now = now - 1
  return "x"
end)
lg.map({ 1, 2, 3 }, function(i) return m("q" .. i):text() .. inner("r" .. i):text() end)
print(loop.started(), most)
print(pcall(lg.configure, { concurrency = 3 }))]]
  lu.assertEquals(result.err, "")
  lu.assertStrMatches(result.out, "false\ntrue\t1\nfalse\t.*running already.*\n")
end

function TestLoop.test_requiring_starts_nothing()
  local result = command.lua [[
local lg = require "lunagrad"
print(require "lunagrad.loop".started(), lg.loss ~= nil, lg.optim ~= nil)]]
  lu.assertEquals(result.out .. result.err, "false\ttrue\ttrue\n")
end

TestLoop.tearDown = command.remove_files
TestWhere.tearDown = command.remove_files

os.exit(lu.LuaUnit.run())
