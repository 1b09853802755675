-- test_concat.lua - `..` of variables: the right text at any depth, in any chain, whatever the
-- collector does meanwhile. Some Luas of distributions lose their stack there (lua/binding/lstack.c).

require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local lg = require "lunagrad"

TestConcat = {}

local DEPTHS, LONGEST = 201, 12
local variable = lg.var("v", "text")

-- A chain of k operands, variables and texts in turn, as one expression; and what it must say.
local function chain(k)
  local source, want = {}, {}
  for i = 1, k do
    source[i] = i % 2 == 1 and "v" or ('"%d"'):format(i)
    want[i] = i % 2 == 1 and "v" or tostring(i)
  end
  return load("local v = ... return " .. table.concat(source, " .. ")), table.concat(want)
end

local chains, wants = {}, {}
for k = 2, LONGEST do chains[k], wants[k] = chain(k) end

-- Calls with frames below, and garbage that makes the collector look at the stack.
local function deep(depth, k)
  if depth > 0 then
    local result = deep(depth - 1, k)
    return result
  end
  local waste = { {}, {}, {} }
  return chains[k](variable, waste)
end

-- n joins, each at another depth and of another length, checked by `check(depth, k)`.
local function each(n, check)
  for i = 1, n do check(i % DEPTHS, 2 + i % (LONGEST - 1)) end
end

-- Calls f with a collector that runs a whole cycle whenever it is asked whether to.
local function always_collecting(f)
  local function set(name, value) -- until Lua 5.4 by options of their own
    local fine, before = pcall(collectgarbage, "param", name, value)
    return fine and before or collectgarbage("set" .. name, value)
  end
  local mode = _VERSION ~= "Lua 5.3" and collectgarbage "incremental"
  local pause, speed = set("pause", 0), set("stepmul", 1000)
  f()
  set("pause", pause)
  set("stepmul", speed)
  if mode then collectgarbage(mode) end
end

local function join_in_tasks(n)
  local tasks, right = {}, 0
  local function wait_for_all()
    for i, task in ipairs(tasks) do
      local text, want = task:await()
      lu.assertEquals(text, want)
      right, tasks[i] = right + 1, nil
    end
  end
  each(n, function(depth, k)
    tasks[#tasks + 1] = lg.spawn(function() return deep(depth, k):text(), wants[k] end)
    if #tasks == 100 then wait_for_all() end
  end)
  wait_for_all()
  lu.assertEquals(right, n)
end

function TestConcat.test_tasks_of_any_depth_join_chains_of_any_length()
  join_in_tasks(10000)
end

-- LG_TEST_JOINS=10000 takes minutes.
function TestConcat.test_they_do_while_the_collector_never_rests()
  always_collecting(function() join_in_tasks(tonumber(os.getenv "LG_TEST_JOINS") or 211) end)
end

-- Where there is no task to step out of, a Lua that would lose its stack is told apart: an
-- error that says what to do, never a wrong text. Returns how many were right.
local function right_or_told(n, join)
  local right = 0
  each(n, function(depth, k)
    local ok, text = pcall(join, depth, k)
    if ok then
      lu.assertEquals(text, wants[k])
      right = right + 1
    else
      lu.assertNotNil(core.stack_mark, tostring(text))
      lu.assertEquals(errors.is(text) and text.kind, "state", tostring(text))
      lu.assertStrContains(text.hint, "lg.format")
    end
  end)
  return right
end

function TestConcat.test_a_plain_script_joins()
  local right = right_or_told(2000, function(depth, k) return deep(depth, k):text() end)
  lu.assertEquals(right, 2000)
end

function TestConcat.test_own_coroutines_join()
  local function join(depth, k)
    return coroutine.wrap(function() return deep(depth, k):text() end)()
  end
  lu.assertTrue(right_or_told(2000, join) > 800)
end

function TestConcat.test_a_coroutine_within_a_task_joins()
  local function join(depth, k)
    local co = coroutine.create(function() return deep(depth, k):text() end)
    local ok, text = coroutine.resume(co)
    if not ok then error(text, 0) end
    return text
  end
  local right = lg.spawn(function() return right_or_told(2000, join) end):await()
  lu.assertTrue(right > 800)
end

function TestConcat.test_callbacks_of_c_functions_join()
  local function join(depth, k)
    return (string.gsub("x", "x", function() return deep(depth, k):text() end))
  end
  lu.assertTrue(right_or_told(1000, join) > 400)
  lu.assertTrue(lg.spawn(function() return right_or_told(1000, join) end):await() > 400)
end

function TestConcat.test_coroutines_are_made_and_fail_as_ever()
  lu.assertErrorMsgContains("bad argument #1 to", coroutine.wrap, 5)
  lu.assertErrorMsgContains("bad argument #1 to", coroutine.create)
  local co = coroutine.create(function(a) return coroutine.yield(a + 1) end)
  lu.assertEquals({ coroutine.resume(co, 1) }, { true, 2 })
  lu.assertEquals({ coroutine.resume(co, "x") }, { true, "x" })
  lu.assertErrorMsgContains("lost", coroutine.wrap(function() error "lost" end))
end

function TestConcat.test_an_operand_that_is_no_text_is_an_error_in_a_task_too()
  local task = lg.spawn(function() return variable .. {} end)
  local ok, problem = pcall(task.await, task)
  lu.assertFalse(ok)
  lu.assertEquals(problem.kind, "inval")
end

os.exit(lu.LuaUnit.run(), true)
