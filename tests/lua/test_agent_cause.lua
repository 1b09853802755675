-- test_agent_cause.lua - a tool that failed because a variable did: the model is told the cause,
-- people also which variables it came by

local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

-- What a model is told that calls these tools in its first turn, one text a call.
local function told(names, tools)
  local calls, list = lg.json.array {}, {}
  for i, name in ipairs(names) do calls[i] = { id = "c" .. i, name = name, arguments = {} } end
  local turn = lg.json.encode { text = "let me see", calls = calls }
  local asked = lg.model(function(request)
    for _, message in ipairs(request.messages) do
      if message.role:find "^tool " then
        list[#list + 1] = message.role .. ": " .. message.content
      end
    end
    if #list > 0 then return "done" end
    return { text = turn, media = "application/vnd.lunagrad.turn+json" }
  end)
  lu.assertEquals(lg.agent { model = asked, tools = tools } "q":text(), "done")
  return list
end

TestCause = {}

-- Which variables an error came by, and their numbers, are for people alone.
function TestCause.test_no_numbers_of_nodes()
  local failing = lg.model(function() error({ message = "out of order" }, 0) end)
  local v
  local function ask()
    v = lg.format("{a}", { a = failing "hi" }) .. "!"
    return v
  end
  local list = told({ "ask" }, { { name = "ask", run = function() return ask() end } })
  lu.assertEquals(list[1], "tool ask c1 error: Error: out of order")
  local problem = v:error()
  lu.assertStrContains(problem.message, "(node ")
  lu.assertEquals(problem.cause, "out of order")
end

-- Nor when it came by other tools, models and agents, whose variables failed before.
function TestCause.test_no_numbers_of_nodes_of_what_is_within()
  local inner = lg.model(function() lg.errors.raise("refused", "not that", "try this", 0) end)
  local outer = lg.model(function() return inner("x"):text() end)
  local within = {
    tool = lg.tool { name = "b", run = function(x) return inner(x):text() end },
    model = outer,
    agent = lg.agent { model = outer, on_error = "raise" },
    joined = function(x) return inner(x) .. "!" end,
    both = lg.agent { model = lg.model(function() return outer("y"):text() end) },
  }
  for name, ask in pairs(within) do
    local v
    local list = told({ "ask" }, { { name = "ask", run = function()
      v = ask "x"
      return v
    end } })
    lu.assertStrContains(list[1], "tool ask c1 error: Error: not that", false, name)
    lu.assertNotStrContains(list[1], "(node", false, name)
    local problem = v:error()
    lu.assertEquals(problem.message:sub(-#problem.cause), problem.cause, name)
    lu.assertEquals(problem.kind, "refused", name)
    local _, nodes = problem.message:gsub("%(node %d+%)", "") -- people are told the whole way
    lu.assertTrue(nodes >= 2, problem.message)
  end
end

-- What a script raises is not ours: its `cause` means nothing here, and may be anything.
function TestCause.test_a_cause_of_the_scripts_own()
  local caught = select(2, pcall(lg.errors.raise, "refused", "not that"))
  local list = told({ "own", "odd", "bytes" }, {
    { name = "own", run = function() error({ message = "mine", cause = "other" }, 0) end },
    { name = "odd", run = function()
      caught.cause = {}
      return lg.tool { name = "b", run = function() error(caught, 0) end } "x"
    end },
    { name = "bytes", run = function()
      return lg.tool { name = "c", run = function()
        local _, problem = pcall(lg.errors.raise, "refused", "not that")
        problem.cause = "\0"
        error(problem, 0)
      end } "x"
    end } })
  lu.assertEquals(list[1], "tool own c1 error: Error: mine")
  lu.assertStrContains(list[2], "not that")
  lu.assertStrContains(list[3], "not that")
end

os.exit(lu.LuaUnit.run(), true)
