-- test_timeout.lua - lg.sleep, time limits of tools and agents, what they take along, deadlocks

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"

lg.configure { virtual_clock = true }

local fails = helper.fails

local function now() return loop.engine():now() / 1e6 end

-- A model that answers after so many (virtual) seconds, and the list of what it was asked.
local function slow_model(seconds, name)
  local asked = {}
  return lg.model(function(request)
    local question = request.messages[#request.messages].content
    asked[#asked + 1] = question
    lg.sleep(seconds)
    return "answer to " .. question
  end, name or "slow"), asked
end

-- Nothing is left that waits or is on its way.
local function nothing_left()
  loop.pump(0)
  local stats = lg.stats()
  lu.assertEquals({ stats.timers, stats.host_running, stats.in_flight, stats.vars_pending },
    { 0, 0, 0, 0 })
end

-- ---- lg.sleep ---------------------------------------------------------------------------

TestSleep = {}

function TestSleep.test_at_the_top_and_in_tasks()
  local start = now()
  lg.sleep(2.5)
  lu.assertAlmostEquals(now() - start, 2.5, 1e-3)
  start = now()
  local order = {}
  lg.map({ 3, 1, 2 }, function(n)
    lg.sleep(n)
    order[#order + 1] = n
  end)
  lu.assertEquals(order, { 1, 2, 3 })
  lu.assertAlmostEquals(now() - start, 3, 1e-3)
  lg.sleep(0)
  nothing_left()
end

function TestSleep.test_where_no_coroutine_may_yield()
  local start = now()
  table.sort({ 2, 1 }, function(a, b)
    lg.sleep(1)
    return a < b
  end)
  lu.assertTrue(now() - start >= 1)
end

function TestSleep.test_thousands_at_once()
  local real, list = os.clock(), {}
  for i = 1, 5000 do list[i] = i end
  local start = now()
  lg.map(list, function(i) lg.sleep(1 + i % 7) end)
  lu.assertAlmostEquals(now() - start, 7, 1e-3)
  lu.assertTrue(os.clock() - real < 2)
  nothing_left()
end

function TestSleep.test_misuse()
  fails("inval", { field = "seconds" }, lg.sleep, -1)
  fails("inval", { field = "seconds" }, lg.sleep, 0 / 0)
  fails("inval", { field = "seconds" }, lg.sleep, math.huge)
  fails("inval", { field = "1" }, lg.sleep, "soon")
end

-- The other clock: it does wait, and nothing spins meanwhile.
function TestSleep.test_on_the_real_clock()
  local r = command.lua [[
local lg = require "lunagrad"
local function seconds() return require "lunagrad.core".due(0) / 1e6 end
local start, cpu = seconds(), os.clock()
lg.map({ 1, 2, 3 }, function() lg.sleep(0.2) end)
local t = seconds() - start
print(t >= 0.2 and t < 5, os.clock() - cpu < 0.1)]]
  lu.assertEquals(r.out, "true\ttrue\n", r.err)
end

-- ---- tools that wait --------------------------------------------------------------------

TestWaiting = {}

function TestWaiting.test_a_sleep()
  local went_on
  local tool = lg.tool { name = "slow", timeout = 5, run = function()
    lg.sleep(100)
    went_on = true
  end }
  local start = now()
  local v = tool "x"
  local problem = fails("timeout", "timed out after 5 s", v.text, v)
  lu.assertStrContains(problem.message, "slow (node")
  lu.assertAlmostEquals(now() - start, 5, 1e-3)
  lg.sleep(200)
  lu.assertNil(went_on)
  nothing_left()
end

function TestWaiting.test_in_time()
  local tool = lg.tool { name = "quick", timeout = 5, run = function(x)
    lg.sleep(4.9)
    return x .. "!"
  end }
  local vs = {}
  for i = 1, 500 do vs[i] = tool("x" .. i) end
  for i = 1, 500 do lu.assertEquals(vs[i]:text(), "x" .. i .. "!") end
  nothing_left()
end

-- What it began is cancelled, also what it does not wait for.
function TestWaiting.test_calls_are_cancelled()
  local m, asked = slow_model(1000)
  local began = {}
  local tool = lg.tool { name = "caller", timeout = 2, run = function(x)
    for i = 1, 3 do began[i] = m(x .. i) end
    began[4] = m { lg.format("{a} and more", { a = began[1] }) }
    return tostring(began[4])
  end }
  local v = tool "q"
  fails("timeout", "timed out after 2 s", v.text, v)
  for i = 1, 4 do lu.assertEquals(began[i]:state(), "cancelled") end
  lu.assertEquals(#asked, 3)
  lg.sleep(2000)
  nothing_left()
end

-- … but not what somebody else waits for: the same question of another, or the same variable.
function TestWaiting.test_what_others_need_goes_on()
  local m, asked = slow_model(10)
  local shared
  local tool = lg.tool { name = "sharer", timeout = 2, run = function()
    shared = m "shared variable"
    return tostring(m "shared question") .. tostring(shared)
  end }
  local same, v = m "shared question", tool "x"
  local other = loop.spawn(function()
    while not shared do lg.sleep(0.5) end
    return tostring(shared)
  end)
  fails("timeout", nil, v.text, v)
  lu.assertEquals(other:await(), "answer to shared variable")
  lu.assertEquals(tostring(same), "answer to shared question")
  lu.assertEquals(#asked, 2)
  nothing_left()
end

-- sleep() with a to-be-closed variable, which Lua 5.3 does not know: it counts without.
local function sleep_with_end(seconds, ended)
  local code = [[
    local at_end <close> = setmetatable({}, { __close = ended })
    sleep(seconds)
    return at_end]]
  if _VERSION == "Lua 5.3" then
    pcall(lg.sleep, seconds)
    return ended()
  end
  return assert(load(code, "=sleep", "t", { setmetatable = setmetatable, sleep = lg.sleep,
    seconds = seconds, ended = ended }))()
end

function TestWaiting.test_tasks_of_its_own()
  local ended, started = 0, 0
  local tool = lg.tool { name = "mapper", timeout = 3, run = function()
    lg.map({ 1, 2, 3, 4, 5, 6 }, function()
      started = started + 1
      return sleep_with_end(50, function() ended = ended + 1 end)
    end, { concurrency = 4 })
    return "never"
  end }
  local v = tool "x"
  fails("timeout", "timed out after 3 s", v.text, v)
  nothing_left()
  lu.assertEquals({ started, ended }, { 4, 4 })
end

function TestWaiting.test_tools_that_tools_call()
  local inner_went_on
  local inner = lg.tool { name = "inner", run = function()
    lg.sleep(100)
    inner_went_on = true
    return "late"
  end }
  local outer = lg.tool { name = "outer", timeout = 1, run = function() return inner "y" end }
  local v = outer "x"
  fails("timeout", "timed out after 1 s", v.text, v)
  nothing_left()
  lg.sleep(200)
  lu.assertNil(inner_went_on)
end

-- One that catches the error gets it again wherever it waits, and then is not resumed.
function TestWaiting.test_one_that_does_not_listen()
  local tries, caught = 0, {}
  local m, asked = slow_model(100)
  local tool = lg.tool { name = "stubborn", timeout = 1, run = function()
    while true do
      tries = tries + 1
      local _, problem = pcall(function() return m("try " .. tries):text() end)
      caught[#caught + 1] = problem
    end
  end }
  local v = tool "x"
  fails("timeout", "timed out after 1 s", v.text, v)
  nothing_left()
  lu.assertTrue(tries <= 5, tries)
  lu.assertEquals(caught[1].kind, "timeout")
  lu.assertEquals(#asked, 1)
end

function TestWaiting.test_where_no_coroutine_may_yield()
  local tool = lg.tool { name = "sorter", timeout = 1, run = function()
    table.sort({ 3, 2, 1 }, function(a, b)
      lg.sleep(100)
      return a < b
    end)
    return "sorted"
  end }
  local v = tool "x"
  fails("timeout", "timed out after 1 s", v.text, v)
  nothing_left()
end

function TestWaiting.test_misuse()
  local function make(timeout)
    return lg.tool { name = "t", run = function() return "" end, timeout = timeout }
  end
  fails("inval", { field = "timeout" }, make, 0)
  fails("inval", { field = "timeout" }, make, 0 / 0)
  fails("inval", { field = "timeout" }, make, "2")
  fails("inval", { field = "timeout" }, lg.agent, { timeout = -1 })
  fails("inval", 'tool "t": timeout must be', lg.agent, { tools = {
    { name = "t", run = function() end, timeout = 0 } } })
end

-- ---- tools that compute -----------------------------------------------------------------

TestComputing = {}

local function busy(fn, limit)
  local v = lg.tool { name = "busy", timeout = limit or 0.05, run = fn } "x"
  return fails("timeout", "timed out after", v.text, v), v
end

function TestComputing.test_a_loop()
  local start = os.clock()
  local problem = busy(function() while true do end end)
  lu.assertStrContains(problem.message, "busy (node")
  lu.assertTrue(os.clock() - start < 2)
  busy(function() local function f(n) return f(n + 1) end return f(1) end)
  nothing_left()
end

function TestComputing.test_one_that_catches_all()
  busy(function() while true do pcall(function() while true do end end) end end)
  busy(function()
    while true do pcall(function() while true do pcall(error, "x") end end) end
  end)
end

function TestComputing.test_in_a_coroutine()
  busy(function() return coroutine.wrap(function() while true do end end)() end)
  busy(function()
    for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do end
  end)
end

-- After it waited; in a task that it began; in a tool that it called.
function TestComputing.test_after_waiting()
  busy(function()
    lg.sleep(0.01)
    while true do end
  end)
  busy(function() lg.map({ 1, 2 }, function() while true do end end) end)
  local inner = lg.tool { name = "inner", run = function() while true do end end }
  busy(function() return inner "y" end)
  nothing_left()
end

function TestComputing.test_what_it_began_is_cancelled()
  local m = slow_model(100)
  local began
  busy(function()
    began = m "begun"
    while true do end
  end)
  lu.assertEquals(began:state(), "cancelled")
  nothing_left()
end

-- No other task is watched, and no hook stays behind.
function TestComputing.test_others_are_left_alone()
  local count = 0
  busy(function() while true do end end)
  local free = lg.tool { name = "free", run = function()
    lu.assertNil((debug.gethook()))
    for _ = 1, 3000000 do count = count + 1 end
    return "done"
  end }
  local limited = lg.tool { name = "limited", timeout = 60, run = function()
    lu.assertNotNil((debug.gethook()))
    lg.sleep(1)
    lu.assertNotNil((debug.gethook()))
    return "limited"
  end }
  local first, second = limited "x", free "y"
  lu.assertEquals(first:text() .. second:text() .. limited "z":text(), "limiteddonelimited")
  lu.assertEquals(count, 3000000)
  lu.assertNil((debug.gethook()))
end

-- A debugger's hook stays.
function TestComputing.test_a_hook_that_is_there()
  local r = command.lua [[
local lg = require "lunagrad"
local n, function_ = 0, nil
local tool = lg.tool { name = "t", timeout = 30, run = function()
  debug.sethook(function() n = n + 1 end, "", 100)
  for _ = 1, 10000 do end
  return "kept"
end }
print(tool "x":text(), n > 10)]]
  lu.assertEquals(r.out, "kept\ttrue\n", r.err)
end

-- ---- agents -----------------------------------------------------------------------------

TestAgents = {}

local TURN = "application/vnd.lunagrad.turn+json"

-- A model that calls these tools, and then says what it was told.
local function caller(names, seconds)
  return lg.model(function(request)
    if seconds then lg.sleep(seconds) end
    local told = {}
    for _, message in ipairs(request.messages) do
      if message.role:find "^tool" then told[#told + 1] = message.content end
    end
    if #told > 0 then return table.concat(told, "; ") end
    local calls = lg.json.array {}
    for i, name in ipairs(names) do
      calls[i] = { id = "c" .. i, name = name, arguments = {} }
    end
    return { text = lg.json.encode { text = "", calls = calls }, media = TURN }
  end, "caller")
end

local function slow_tool(timeout)
  return { name = "slow", timeout = timeout, run = function()
    lg.sleep(1000)
    return "late"
  end }
end

function TestAgents.test_the_model_is_told()
  local agent = lg.agent { model = caller { "slow", "spin", "fine" }, tools = { slow_tool(3),
    { name = "spin", timeout = 0.05, run = function() while true do end end },
    { name = "fine", timeout = 9, run = function() return "fine" end } } }
  local v = agent "go"
  lu.assertEquals(v:text(),
    "Error: timed out after 3 s; Error: timed out after 0.05 s; fine")
  local results = v:trace()[1].results
  lu.assertTrue(results[1].error)
  lu.assertFalse(results[3].error)
  nothing_left()
end

function TestAgents.test_a_tool_that_calls_a_model()
  local m, asked = slow_model(1000)
  local agent = lg.agent { model = caller { "ask" }, tools = {
    { name = "ask", timeout = 3, run = function() return m "deep question" end } } }
  lu.assertEquals(agent "go":text(), "Error: timed out after 3 s")
  lu.assertEquals(#asked, 1)
  nothing_left()
end

function TestAgents.test_on_error_raise()
  local agent = lg.agent { model = caller { "slow" }, tools = { slow_tool(3) },
    on_error = "raise" }
  local v = agent "go"
  fails("timeout", "timed out after 3 s", v.text, v)
  nothing_left()
end

-- While the model is asked, and while a tool runs: both are cancelled.
function TestAgents.test_the_whole_agent()
  for _, case in ipairs { { 100, 20 }, { 10, 20 } } do
    local agent = lg.agent { model = caller({ "slow" }, case[1]), tools = { slow_tool() },
      timeout = case[2], name = "helper" }
    local start = now()
    local v = agent "go"
    local problem = fails("timeout", "helper: timed out after 20 s", v.text, v)
    lu.assertStrContains(problem.message, "answer (node")
    lu.assertAlmostEquals(now() - start, 20, 1e-3)
    nothing_left()
  end
end

function TestAgents.test_a_tool_that_computes()
  local agent = lg.agent { model = caller { "spin" }, timeout = 0.05, tools = {
    { name = "spin", run = function() while true do end end } } }
  local v = agent "go"
  fails("timeout", "timed out after 0.05 s", v.text, v)
  nothing_left()
end

-- Time is counted from when the question is there.
function TestAgents.test_the_question_may_take_its_time()
  local agent = lg.agent { model = caller({ "fine" }, 1), timeout = 5, tools = {
    { name = "fine", run = function() return "fine" end } } }
  lu.assertEquals(agent(slow_model(100) "question"):text(), "fine")
  nothing_left()
end

function TestAgents.test_an_agent_in_a_tool()
  local inner = lg.agent { model = caller({ "slow" }, 1), tools = { slow_tool() } }
  local outer = lg.agent { model = caller { "delegate" }, tools = {
    { name = "delegate", timeout = 30, run = function() return inner "go" end } } }
  lu.assertEquals(outer "go":text(), "Error: timed out after 30 s")
  nothing_left()
end

-- ---- real servers and programs ----------------------------------------------------------

TestReal = {}

function TestReal:tearDown() command.remove_files() end

-- The connections of a tool whose time is over are closed, the others stay.
function TestReal:test_sockets_are_freed()
  local code = [[
local lg = require "lunagrad"
lg.configure { store = false }
local function sockets()
  local pipe = io.popen "ls -l /proc/$PPID/fd | grep -c socket:"
  return pipe:read "n"
end
local m = lg.model "openai/m"
local tool = lg.tool { name = "t", timeout = 0.4, run = function(x)
  local all = {}
  for i = 1, 5 do all[i] = m(x .. i) end
  return all[1]
end }
local a = tool "q"
local most = 0
for _ = 1, 30 do
  lg.sleep(0.02)
  most = math.max(most, sockets())
end
local ok, problem = pcall(a.text, a)
lg.sleep(0.05)
print(ok, problem.kind, most - sockets(), lg.stats().in_flight, lg.stats().ambiguous)]]
  local got = command.with_mock({ "--latency", "20000" }, command.lua_line(code,
    "OPENAI_API_KEY=k OPENAI_BASE_URL=$url"))
  lu.assertEquals(got.out, "false\ttimeout\t5\t0\t5\n", got.err)
end

-- A program that a tool waits for gets its signal.
function TestReal:test_programs_are_ended()
  local pid = command.temp()
  local path = command.write(("#!/bin/sh\necho $$ >%s; exec sleep 60\n"):format(pid), ".sh")
  os.execute("chmod +x " .. path)
  local r = command.lua(([[
local lg = require "lunagrad"
local m = lg.model "exec/%s"
local tool = lg.tool { name = "t", timeout = 0.3, run = function() return m "x" end }
local v = tool "y"
local _, problem = pcall(v.text, v)
local pid = io.open("%s"):read "n"
local alive
for _ = 1, 100 do
  lg.sleep(0.02)
  alive = os.execute("kill -0 " .. pid .. " 2>/dev/null")
  if not alive then break end
end
print(problem.kind, alive)]]):format(path, pid))
  lu.assertEquals(r.out, "timeout\tnil\n", r.err)
end

-- A time-out is no result: with the store the same script has the tool run again, and what was
-- in time is found.
function TestReal:test_it_is_not_kept()
  local script = command.write([[
local lg = require "lunagrad"
local tool = lg.tool { name = "t", timeout = 0.2, cache = true, run = function(x)
  print "runs"
  if lg.args.slow == "yes" then lg.sleep(30) end
  return x .. "!"
end }
print(pcall(tostring, tool "x"))]], ".lua")
  local home = command.temp() .. ".home"
  local function run(slow)
    local r = command.shell(("LUNAGRAD_HOME=%s %s"):format(home,
      command.line("run", script, "slow=" .. slow)))
    return r.out:gsub("lunagrad.error: %S+", "")
  end
  local out = run "yes"
  lu.assertStrContains(out, "timed out after 0.2 s")
  lu.assertEquals(run "no", "runs\ntrue\tx!\n")
  lu.assertEquals(run "yes", "true\tx!\n")
  os.execute("rm -rf " .. home)
end

-- ---- deadlocks --------------------------------------------------------------------------

TestDeadlock = {}

function TestDeadlock.test_names_who_waits()
  local r = command.lua [[
local lg = require "lunagrad"
local node
local tool = lg.tool { name = "looper", run = function() return node:text() end }
node = tool "x"
local _, problem = pcall(node.text, node)
print(problem.kind, problem.message)]]
  lu.assertStrContains(r.out, "state\tdeadlock: nothing runs, and the script waits for looper")
  lu.assertStrContains(r.out, 'the tool "looper" (node')
  lu.assertStrContains(r.out, ') waits for looper (node')
end

function TestDeadlock.test_of_many()
  local script = command.write([[
local lg = require "lunagrad"
local nodes = {}
local tool = lg.tool { name = "ring", run = function(i) return nodes[i % 9 + 1]:text() end }
for i = 1, 9 do nodes[i] = tool(i) end
print(nodes[1])]], ".lua")
  local r = command.run("run", script)
  lu.assertEquals(r.code, 1)
  lu.assertStrContains(r.err, "the script waits for ring (node")
  lu.assertStrContains(r.err, "more wait")
  command.remove_files()
end

-- With a time limit it is none: the tool ends.
function TestDeadlock.test_a_time_limit_ends_it()
  local node
  local tool = lg.tool { name = "looper", timeout = 4, run = function() return node:text() end }
  node = tool "x"
  fails("timeout", "timed out after 4 s", node.text, node)
  nothing_left()
end

os.exit(lu.LuaUnit.run())
