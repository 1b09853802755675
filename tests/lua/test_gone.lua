-- test_gone.lua - tools and models that nobody can use any more are forgotten, and no others

local lu = require "luaunit"
local lg = require "lunagrad"

local function memory()
  lg.sleep(0.001) -- what the engine lets go is fetched here
  collectgarbage()
  collectgarbage()
  lg.sleep(0.001)
  collectgarbage()
  return collectgarbage "count" * 1024, lg.stats().live_bytes
end

-- Bytes of Lua's and of the engine's that each of n leaves behind.
local function left_of(n, make)
  for i = 1, 2000 do make(i) end
  local lua, engine = memory()
  for i = 1, n do make(i) end
  local lua_after, engine_after = memory()
  return (lua_after - lua) / n, (engine_after - engine) / n
end

local CALL = lg.json.encode{ calls = { { id = "1", name = "t", arguments = { a = 1 } } } }
local caller = lg.model(function(request)
  if #request.messages > 1 then return "done" end
  return { text = CALL, media = "application/vnd.lunagrad.turn+json" }
end)
local echo = lg.model(function(request) return request.messages[1].content end)

TestGone = {}

function TestGone.test_a_loop_that_makes_them_stays_flat()
  local makers = {
    tool = function(i) return lg.tool{ name = "t", run = function() return i end } end,
    model = function(i) return lg.model(function() return tostring(i) end) end,
  }
  for name, make in pairs(makers) do
    local lua, engine = left_of(100000, make)
    lu.assertTrue(lua < 2 and engine < 2, ("%s: %.1f B, %.1f B"):format(name, lua, engine))
  end
end

function TestGone.test_a_loop_that_uses_them_stays_flat()
  local makers = {
    tool = function(i)
      return lg.tool{ name = "t", run = function(x) return x .. i end }("a"):text()
    end,
    model = function(i) return lg.model(function() return tostring(i) end) "hi":text() end,
    score = function(i) return lg.loss.score(function() return i % 2 end)("text").score end,
    exact = function(i) return lg.loss.exact{ target = "x" .. i }("x1").score end,
    agent = function(i)
      local tools = { { name = "t", run = function() return "found " .. i end } }
      return lg.agent{ model = caller, tools = tools }("question " .. i):text()
    end,
    stream = function(i) return echo{ "hi " .. i, stream = function() end }:text() end,
  }
  for name, make in pairs(makers) do
    local lua, engine = left_of(3000, make)
    lu.assertTrue(lua < 40 and engine < 40, ("%s: %.1f B, %.1f B"):format(name, lua, engine))
  end
end

-- The node holds what it needs: the script may have dropped all but the answer.
function TestGone.test_a_pending_node_keeps_its_tool_and_model()
  local open = lg.tool{ name = "late", run = function(x) lg.sleep(0.01) return x .. "!" end }
  local model = lg.model(function(request)
    lg.sleep(0.01)
    return request.messages[1].content .. "?"
  end)
  local from_tool, from_model = open "a", model "b"
  local chained = lg.tool{ name = "second", run = function(x) return x .. "." end }(from_tool)
  open, model = nil, nil -- luacheck: ignore
  for _ = 1, 3 do
    collectgarbage()
    lg.sleep(0.001)
  end
  lu.assertEquals(from_tool:text(), "a!")
  lu.assertEquals(from_model:text(), "b?")
  lu.assertEquals(chained:text(), "a!.")
end

-- Feedback asks a tool's own backward long after the tool was dropped.
function TestGone.test_a_settled_node_keeps_its_tool_for_feedback()
  local p = lg.param("a text", "prompt")
  local v = lg.tool{ name = "own", run = function(x) return x, 0 end,
    backward = function() return { input = "say more" } end, inputs = { "input" }, target = 1 }(p)
  v:text()
  for _ = 1, 3 do
    collectgarbage()
    lg.sleep(0.001)
  end
  v:backward()
  lu.assertEquals(p:feedback()[1].text, "say more")
end

os.exit(lu.LuaUnit.run())
