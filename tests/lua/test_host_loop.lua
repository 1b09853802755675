-- test_host_loop.lua - hosts with a loop of their own: lg.fd, lg.timeout, lg.step, lg.wakeup

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

local fails = helper.fails
local has_luv, uv = pcall(require, "luv")

local before = { lg.timeout(), lg.step() } -- of an engine that nobody has needed yet
local quick = lg.model(function(request) return request.messages[1].content:upper() end, "quick")

-- Steps until done() or so often; how often.
local function step_until(done, budget)
  for i = 1, 1000000 do
    if done() then return i - 1 end
    lg.step(budget)
  end
  error "it never comes"
end

-- ---- steps -------------------------------------------------------------------------

TestStep = {}

function TestStep.test_nothing_to_do()
  lu.assertEquals(before, { -1, false })
  lu.assertFalse(lg.step())
  lu.assertFalse(lg.step(2000))
end

function TestStep.test_a_variable_that_is_asked_without_waiting()
  local v = quick "here"
  lu.assertEquals(v:state(), "pending")
  lu.assertNil(v:raw_text())
  lu.assertEquals(lg.timeout(), 0)
  lu.assertTrue(lg.step())
  step_until(function() return v:state() ~= "pending" end)
  lu.assertEquals(v:raw_text(), "HERE")
end

function TestStep.test_one_that_fails()
  local bad = lg.model(function() error "no luck" end, "bad")
  local v = bad "x"
  step_until(function() return v:state() ~= "pending" end)
  lu.assertEquals(v:state(), "failed")
  lu.assertStrContains(v:error().message, "no luck")
end

function TestStep.test_tasks_and_map()
  local task = lg.spawn(function()
    local texts = lg.map({ "a", "b", "c" }, function(name)
      lg.sleep(0.001)
      return quick(name):text()
    end)
    return table.concat(texts)
  end)
  lu.assertNil(task.done)
  step_until(function() return task.done end, 500)
  lu.assertTrue(task.ok)
  lu.assertEquals(task:await(), "ABC") -- at once
end

function TestStep.test_a_task_that_fails_is_told_where_it_is_awaited()
  local task = lg.spawn(function() lg.errors.raise("inval", "told") end)
  step_until(function() return task.done end)
  lu.assertFalse(task.ok)
  fails("inval", "told", task.await, task)
end

-- Each task begins only while the time is not over: what is left goes on in the next step.
function TestStep.test_a_budget_is_kept_between_tasks()
  local ran, tasks = 0, {}
  for i = 1, 20 do
    tasks[i] = lg.spawn(function()
      local till = os.clock() + 0.002
      while os.clock() < till do end -- luacheck: ignore
      ran = ran + 1
    end)
  end
  lu.assertTrue(lg.step(3000))
  lu.assertTrue(ran >= 1 and ran < 20, ran)
  lu.assertEquals(lg.timeout(), 0)
  local steps = step_until(function() return tasks[20].done end, 3000)
  lu.assertTrue(steps >= 2, steps)
  lu.assertEquals(ran, 20)
end

-- Tasks that take turns for ever do not keep a step.
function TestStep.test_a_task_that_never_ends()
  local turns, over = 0, false
  local task = lg.spawn(function()
    while not over do
      turns = turns + 1
      lg.sleep(0)
    end
  end)
  for _ = 1, 5 do lg.step() end
  lg.step(1000)
  lu.assertTrue(turns > 1)
  over = true
  step_until(function() return task.done end)
end

function TestStep.test_timeout_tells_of_a_timer()
  local task = lg.spawn(function() lg.sleep(3600) end)
  step_until(function() return lg.timeout() ~= 0 end)
  local ms = lg.timeout()
  lu.assertTrue(ms > 3590000 and ms <= 3600000, ms)
  lu.assertNil(task.done)
  require("lunagrad.timer").end_sleeps()
  step_until(function() return task.done end)
  fails("cancelled", nil, task.await, task)
end

function TestStep.test_arguments()
  fails("inval", { field = "budget_us" }, lg.step, -1)
  fails("inval", { field = "budget_us" }, lg.step, "soon")
  fails("inval", { field = "budget_us" }, lg.step, 0.5)
  lu.assertEquals(math.type(lg.fd()), "integer")
end

-- ---- where it is called -----------------------------------------------------------------

TestWhere = {}

function TestWhere.test_in_a_coroutine_of_the_host()
  local co = coroutine.wrap(function()
    local v = quick "yielding"
    while v:state() == "pending" do
      lg.step(100)
      coroutine.yield "not yet"
    end
    return v:raw_text()
  end)
  local said
  repeat said = co() until said ~= "not yet"
  lu.assertEquals(said, "YIELDING")
end

-- A task has the loop above it: it hands over, and comes back.
function TestWhere.test_in_a_task()
  local order, v = {}, nil
  local one = lg.spawn(function()
    v = quick "polled"
    while v:state() == "pending" do
      order[#order + 1] = 1
      lu.assertTrue(lg.step(100))
    end
    return v:raw_text()
  end)
  local two = lg.spawn(function()
    order[#order + 1] = 2
    lg.step()
    order[#order + 1] = 2
  end)
  step_until(function() return one.done and two.done end)
  lu.assertEquals(one:await(), "POLLED")
  lu.assertEquals({ order[1], order[2] }, { 1, 2 })
end

function TestWhere.test_in_functions_that_the_library_calls()
  local tool = lg.tool { name = "stepping", run = function(text)
    lg.step()
    return (text:gsub("%a", function(c)
      lg.step()
      return c:upper()
    end))
  end }
  local v = tool "abc"
  step_until(function() return v:state() ~= "pending" end)
  lu.assertEquals(v:raw_text(), "ABC")
end

function TestWhere.test_in_a_scripts_sort()
  local list, v = { 3, 1, 2 }, quick "in a sort"
  table.sort(list, function(a, b)
    lg.step()
    return a < b
  end)
  step_until(function() return v:state() == "ready" end)
  lu.assertEquals(list, { 1, 2, 3 })
end

-- Waiting where one may wait goes on to work beside steps.
function TestWhere.test_beside_waiting()
  local task = lg.spawn(function() return quick "a task":text() end)
  lg.step()
  lu.assertEquals(quick("waited for"):text(), "WAITED FOR")
  lu.assertEquals(task:await(), "A TASK")
end

function TestWhere.test_training_beside_a_loop()
  local frames, sim = 0, lg.model "sim"
  local prompt = lg.param("Count the objects.", "system prompt for counting questions")
  local task = lg.spawn(function()
    local answer = sim { "I have two apples and a cat. How many objects are these?",
      system = prompt }
    return answer:text()
  end)
  while not task.done do
    lg.step(2000)
    frames = frames + 1
  end
  lu.assertEquals(type(task:await()), "string")
  lu.assertTrue(frames > 0)
end

-- ---- the descriptor -----------------------------------------------------------------

TestDescriptor = {}

-- The host's loop, until done(): steps only when the descriptor or the timeout says so.
local function serve(done, begin)
  local poll, timer, steps = uv.new_poll(lg.fd()), uv.new_timer(), 0
  local limit = uv.new_timer()
  local too_late = false
  local function step()
    steps = steps + 1
    lg.step(2000)
    timer:stop()
    if done() then return uv.stop() end
    local ms = lg.timeout()
    if ms >= 0 then timer:start(math.max(ms, 1), 0, step) end
  end
  poll:start("r", step)
  limit:start(20000, 0, function()
    too_late = true
    uv.stop()
  end)
  uv.update_time()
  if begin then begin(step) else step() end
  uv.run()
  for _, handle in ipairs { poll, timer, limit } do handle:close() end
  uv.run "nowait"
  lu.assertFalse(too_late, "the descriptor never told")
  return steps
end

function TestDescriptor.test_a_loop_of_libuv()
  lu.skipIf(not has_luv, "luv is not installed (Debian: lua-luv)")
  local task = lg.spawn(function()
    lg.sleep(0.02)
    return quick "by uv":text()
  end)
  local steps = serve(function() return task.done end)
  lu.assertEquals(task:await(), "BY UV")
  lu.assertTrue(steps < 50, steps)
end

-- What is begun between two steps is told by the descriptor alone: no timer runs.
function TestDescriptor.test_what_is_begun_elsewhere()
  lu.skipIf(not has_luv, "luv is not installed (Debian: lua-luv)")
  local v, task
  local elsewhere = uv.new_timer()
  serve(function() return task and task.done and v:state() == "ready" end, function()
    elsewhere:start(5, 0, function()
      task = lg.spawn(function() return quick "later":text() end)
      v = quick "a call"
    end)
  end)
  elsewhere:close()
  lu.assertEquals({ task:await(), v:raw_text() }, { "LATER", "A CALL" })
end

-- … from the first on: nobody has called for a step.
function TestDescriptor.test_before_the_first_step()
  lu.skipIf(not has_luv, "luv is not installed (Debian: lua-luv)")
  local got = command.lua [[
local lg, uv = require "lunagrad", require "luv"
local poll, begin = uv.new_poll(lg.fd()), uv.new_timer()
local task
poll:start("r", function()
  lg.step()
  if task and task.done then uv.stop() end
end)
begin:start(5, 0, function() task = lg.spawn(function() return lg.var "told":text() end) end)
uv.new_timer():start(5000, 0, uv.stop)
uv.run()
print(task.done and task:await())]]
  lu.assertEquals(got.err .. got.out, "told\n")
end

-- … as is what a step had to leave for want of time.
function TestDescriptor.test_what_was_left()
  lu.skipIf(not has_luv, "luv is not installed (Debian: lua-luv)")
  local fd, seen, ran = lg.fd(), 0, 0
  step_until(function() return lg.timeout() ~= 0 end)
  for _ = 1, 3 do
    lg.spawn(function()
      local till = os.clock() + 0.001
      while os.clock() < till do end -- luacheck: ignore
      ran = ran + 1
    end)
  end
  lg.step(1)
  lu.assertEquals(ran, 1)
  local poll = uv.new_poll(fd)
  poll:start("r", function() seen = seen + 1 end)
  uv.run "nowait"
  poll:close()
  uv.run "nowait"
  lu.assertEquals(seen, 1)
  step_until(function() return ran == 3 end)
end

function TestDescriptor.test_wakeup()
  lu.skipIf(not has_luv, "luv is not installed (Debian: lua-luv)")
  local seen = 0
  step_until(function() return lg.timeout() ~= 0 end)
  lg.step()
  local poll = uv.new_poll(lg.fd())
  poll:start("r", function()
    seen = seen + 1
    lg.step()
  end)
  uv.run "nowait"
  lu.assertEquals(seen, 0)
  lg.wakeup()
  uv.run "nowait"
  uv.run "nowait"
  poll:close()
  uv.run "nowait"
  lu.assertEquals(seen, 1)
end

os.exit(lu.LuaUnit.run())
