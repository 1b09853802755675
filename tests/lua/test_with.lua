-- test_with.lua - candidates: a parameter is another text inside lg.with, and nowhere else

local helper = require "helper"
local lu = require "luaunit"
local bind = require "lunagrad.bind"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

-- Answers with the system prompt in brackets, after a while that the question says.
local function teller(wait)
  return lg.model(function(request)
    if wait then lg.sleep(wait()) end
    return "<" .. request.messages[1].content .. ">"
  end, "teller")
end

local function param(text) return lg.param(text or "old", "system prompt") end

TestWith = {}

function TestWith.test_text_nodes_and_what_comes_later()
  local p, m = param(), teller()
  local inside, answer = lg.with({ [p] = "new" }, function()
    return p:text(), m { "q", system = p }
  end)
  lu.assertEquals({ inside, answer:text(), p:text() }, { "new", "<new>", "old" })
  lu.assertEquals(m({ "q", system = p }):text(), "<old>")
  lu.assertEquals(p:versions(), 1)
end

function TestWith.test_many_at_once_do_not_meet()
  local p = param()
  local m = teller(function() return 0.1 end)
  local got = lg.map({ "a", "b", "c", "d" }, function(text)
    return lg.with({ [p] = text }, function()
      local first = m { "1", system = p }:text()
      lg.sleep(text == "a" and 3 or 1)
      return first .. m { "2", system = p }:text() .. p:text()
    end)
  end)
  lu.assertEquals(got, { "<a><a>a", "<b><b>b", "<c><c>c", "<d><d>d" })
  lu.assertEquals(p:text(), "old")
end

function TestWith.test_every_kind_of_node()
  local p = param "old"
  local tool = lg.tool { name = "t", run = function(x) return "t(" .. x .. ")" end }
  lg.with({ [p] = "new" }, function()
    lu.assertEquals(lg.format("{p}!", { p = p }):text(), "new!")
    lu.assertEquals(lg.format(p, {}):text(), "new")
    lu.assertEquals((p .. "+"):text(), "new+")
    lu.assertStrContains(lg.sum({ p, p }):text(), "new")
    lu.assertEquals(tool(p):text(), "t(new)")
    lu.assertEquals(p:detach():text(), "new")
    lu.assertEquals(tostring(p), "new")
  end)
end

function TestWith.test_tasks_and_tools_that_run_later()
  local p, m = param(), teller()
  local tool = lg.tool { name = "asks", run = function() return m { "q", system = p } end }
  local outer = lg.spawn(function() return p:text() end)
  local late, task = lg.with({ [p] = "new" }, function()
    return tool "x", lg.spawn(function()
      lg.sleep(5)
      return p:text()
    end)
  end)
  lu.assertEquals({ late:text(), task:await(), outer:await() }, { "<new>", "new", "old" })
end

function TestWith.test_a_tools_own_backward()
  local p = param()
  local seen
  local tool = lg.tool { name = "judge", inputs = { "x" }, target = 1,
    run = function() return "bad", 0 end,
    backward = function()
      seen = p:text()
      return { x = "say more" }
    end }
  lg.with({ [p] = "new" }, function()
    tool(p):backward():await()
    lu.assertEquals(p:feedback()[1].text, "say more")
  end)
  lu.assertEquals({ seen, #p:feedback() }, { "new", 0 })
end

function TestWith.test_feedback_and_steps_stay_inside()
  local p = param()
  local editor = lg.model(function() return "<NEW_VARIABLE>rewritten well</NEW_VARIABLE>" end, "e")
  local opt = lg.optim.tgd { p, model = editor }
  local text = lg.with({ [p] = "candidate text" }, function()
    p:add_feedback "improve"
    local report = opt:step()
    lu.assertEquals(report.params[1].before, "candidate text")
    return p:text()
  end)
  lu.assertEquals({ text, p:text(), p:versions() }, { "rewritten well", "old", 1 })
  lu.assertEquals(#p:feedback(), 0)
end

function TestWith.test_inner_ones_are_added_to_outer_ones()
  local a, b = param "a", param "b"
  local got = lg.with({ [a] = "A", [b] = "B" }, function()
    local inner = lg.with({ [b] = "C" }, function() return a:text() .. b:text() end)
    return inner .. a:text() .. b:text()
  end)
  lu.assertEquals(got .. a:text() .. b:text(), "ACABab")
end

function TestWith.test_errors_come_out_and_leave_nothing()
  local p = param()
  local ok, problem = pcall(lg.with, { [p] = "new" }, function() error "mine" end)
  lu.assertEquals({ ok, problem.kind, p:text() }, { false, "script", "old" })
  lu.assertStrContains(tostring(problem), "mine")
end

-- Inside print, sort and other code that no task can leave.
function TestWith.test_where_no_task_may_yield()
  local p = param()
  local m = teller(function() return 1 end)
  lg.with({ [p] = "new" }, function()
    local list = { 1, 2 }
    local seen = {}
    table.sort(list, function(x, y)
      seen[#seen + 1] = m { "q" .. x .. y, system = p }:text()
      return x < y
    end)
    for _, one in ipairs(seen) do lu.assertEquals(one, "<new>") end
    lu.assertEquals(p:text(), "new")
  end)
  lu.assertEquals(p:text(), "old")
end

function TestWith.test_a_picture()
  local dot = "\x89PNG\r\n\x1a\n" .. ("\0"):rep(20)
  local p = lg.param(lg.image { bytes = dot }, "the logo")
  local other = lg.image { bytes = dot .. "x" }
  lg.with({ [p] = other }, function() lu.assertEquals(p:text(), dot .. "x") end)
  lu.assertEquals(p:text(), dot)
end

function TestWith.test_misuse()
  local p = param()
  local fixed = lg.var("x", "fixed")
  helper.fails("inval", "lg.with", lg.with, "x", print)
  helper.fails("inval", "lg.with", lg.with, { x = "y" }, print)
  helper.fails("inval", "no parameter", lg.with, { [fixed] = "y" }, print)
  helper.fails("inval", "lg.with", lg.with, { [p] = {} }, print)
  helper.fails("inval", "lg.with", lg.with, { [p] = "y" }, 3)
end

TestMeter = {}

function TestMeter.test_calls_of_programs_tools_and_passes()
  local p, m = param(), teller()
  local critic = lg.model(function() return "it should be longer than it is now" end, "critic")
  local tool = lg.tool { name = "asks", run = function(x) return m { "t" .. x, system = p } end }
  local meter = bind.meter()
  local map = bind.map({ p }, { "new" })
  bind.run(map, { meter = meter }, function()
    local answer = m { "q", system = p }
    tool(answer):text()
    lu.assertEquals(bind.calls(meter), 2)
    answer:add_feedback "too short"
    answer:backward { model = critic }:await()
  end)
  lu.assertEquals(bind.calls(meter), 3)
  bind.run(map, { meter = meter }, function() m { "q", system = p }:text() end) -- an equal question counts
  lu.assertEquals(bind.calls(meter), 4)
end

os.exit(lu.LuaUnit.run())
