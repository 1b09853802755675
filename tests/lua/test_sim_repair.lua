-- test_sim_repair.lua - sim/repair: what it reads in a request, and that it reads nothing else

require "helper"
local lu = require "luaunit"
local sim = require "lunagrad.world"

local function ask(user, more)
  more = more or {}
  local messages = { { role = "user", content = user } }
  if more.system then table.insert(messages, 1, { role = "system", content = more.system }) end
  return sim.reply { model = more.model or "sim/repair,noise=0", messages = messages,
    sample = more.sample, temperature = more.temperature }.text
end

local PROGRAM = [[
function count_above(list, limit)
  local count = 0
  for i = 1, #list do
    if list[i] > limit then
      count = count + 1
    end
  end
  return count
end
]]

local STATEMENT = "count_above(list, limit) counts the numbers of the list that are limit or "
  .. "more.\n"
local REPORT = "1 of 2 tests pass.\ncount_above([1, 9], 5) should give 1: passed\n"
  .. "count_above([3, 3], 3) should give 2, but gave 0\n"

local CRITIC = "Give criticism: what is wrong with the program?\n" .. STATEMENT .. "<PROGRAM>\n"
  .. PROGRAM .. "</PROGRAM>\n<TESTS>\n" .. REPORT .. "</TESTS>"

local function editor(said)
  return "Improve a variable with the role \"program\". This is the variable, whole:\n<VARIABLE>\n"
    .. PROGRAM .. "</VARIABLE>\nThis is the feedback on it:\n<CONTEXT>\n" .. said
    .. "\n</CONTEXT>\nWrite the improved variable between <NEW_VARIABLE> and </NEW_VARIABLE>."
end

local HINT = "- Line 4, `if list[i] > limit then`: the comparison is wrong.\n"

local function new_program(reply) return reply:match "<NEW_VARIABLE>\n(.-)</NEW_VARIABLE>" end

local function lines(text)
  local list = {}
  for line in text:gmatch "[^\n]*" do list[#list + 1] = line end
  return list
end

TestCritic = {}

function TestCritic.test_it_says_what_a_failing_test_shows_and_where_to_look()
  local reply = ask(CRITIC)
  lu.assertStrContains(reply, "count_above([3, 3], 3)")
  lu.assertNil(reply:find("[1, 9]", 1, true))
  local n, quoted = reply:match "Line (%d+), `([^`]+)`"
  lu.assertStrContains(lines(PROGRAM)[tonumber(n)], quoted)
  lu.assertNil(reply:find("```", 1, true))
end

function TestCritic.test_no_failing_test_is_nothing_to_say()
  local said = CRITIC:gsub("but gave 0", "and gave 2"):gsub("count_above%(list, limit%) counts",
    "It counts")
  lu.assertEquals(ask(said), "NOTHING TO IMPROVE")
end

-- An error's line draws looks there.
function TestCritic.test_lines_of_errors_count()
  local said, there = CRITIC:gsub("but gave 0", "but failed: line 4: attempt to compare nil"), 0
  for sample = 1, 40 do
    if ask(said, { sample = sample }):find("Line 4,", 1, true) then there = there + 1 end
  end
  lu.assertTrue(there >= 16, there)
end

function TestCritic.test_noise_leads_astray()
  local function right(model)
    local n = 0
    for sample = 1, 60 do
      local reply = ask(CRITIC, { sample = sample, model = model })
      n = n + (reply:find "Line 4, `if[^\n]+comparison" and 1 or 0)
    end
    return n
  end
  lu.assertTrue(right "sim/repair,noise=0" > right "sim/repair,noise=1")
end

TestEditor = {}

function TestEditor.test_one_change_in_the_form_that_was_asked_for()
  for sample = 1, 30 do
    local new = new_program(ask(editor "It is wrong.", { sample = sample }))
    lu.assertNotNil(new)
    lu.assertNotEquals(new, PROGRAM)
    lu.assertStrContains(new, "count_above")
  end
  local fenced = ask("This program is wrong:\n```lua\n" .. PROGRAM .. "```\nWrite it repaired.")
  lu.assertStrMatches(fenced, "```lua\n.*\n```")
end

-- What is to be found stands in the program just once, and the program changes.
function TestEditor.test_edits_where_they_are_asked_for()
  local ask_edits = editor("It is wrong."):gsub("Write the improved.*$",
    "Reply with edits:\n<EDIT>\n"
    .. "<FIND>words of it</FIND>\n<REPLACE>what stands there instead</REPLACE>\n</EDIT>")
  for sample = 1, 60 do
    local reply = ask(ask_edits, { sample = sample })
    local find, put = reply:match "^<EDIT>\n<FIND>(.-)</FIND>\n<REPLACE>(.-)</REPLACE>\n</EDIT>$"
    lu.assertNotNil(find, reply)
    local at, to = PROGRAM:find(find, 1, true)
    lu.assertNotNil(at, reply)
    lu.assertNil(PROGRAM:find(find, at + 1, true), reply)
    lu.assertNotEquals(PROGRAM:sub(1, at - 1) .. put .. PROGRAM:sub(to + 1), PROGRAM)
  end
end

function TestEditor.test_it_follows_what_was_said()
  local follows, n = 0, 40
  for sample = 1, n do
    local new = new_program(ask(editor(HINT), { sample = sample }))
    local line = lines(new)[4]
    follows = follows + (line:find "if list%[i%] [<>]=? limit then" and 1 or 0)
  end
  lu.assertTrue(follows >= n * .6, follows)
end

function TestEditor.test_what_was_tried_is_not_tried_again()
  local tried, seen = "", {}
  for _ = 1, 12 do
    local new = new_program(ask(editor(HINT .. "These were tried:\n" .. tried)))
    lu.assertNil(seen[new])
    seen[new] = true
    local before, after = lines(PROGRAM), lines(new)
    local at = 1
    while before[at] == after[at] do at = at + 1 end
    if #before == #after then
      tried = tried .. ("- line %d was changed from `%s` to `%s`\n"):format(at,
        before[at]:match "^%s*(.-)%s*$", after[at]:match "^%s*(.-)%s*$")
    else
      break
    end
  end
end

function TestEditor.test_programs_that_are_shown_are_not_given_again()
  local first = new_program(ask(editor "It is wrong."))
  for sample = 1, 30 do
    local text = editor("It is wrong.\n<REJECTED>\n" .. first .. "</REJECTED>")
    lu.assertNotEquals(new_program(ask(text, { sample = sample })), first)
  end
end

-- Special cases are taken from tests that the request shows, and from nowhere else.
function TestEditor.test_values_come_from_the_request()
  for sample = 1, 60 do
    local new = new_program(ask(editor("f(0) is a special case that is missing."),
      { sample = sample }))
    lu.assertNil(new:find "77")
    new = new_program(ask(editor("count_above([], 3) should give 77, but gave 0\n"
      .. "- Line 2, `local count = 0`: a special case may be missing."), { sample = sample }))
    if new:find("77", 1, true) then return end
  end
  lu.fail "no special case was ever tried"
end

TestWorld = {}

function TestWorld.test_equal_requests_have_equal_replies()
  lu.assertEquals(ask(CRITIC), ask(CRITIC))
  local met, n = {}, 0
  for sample = 0, 19 do
    local new = ask(editor "It is wrong.", { sample = sample })
    if not met[new] then n = n + 1 end
    met[new] = true
    lu.assertEquals(ask(editor "It is wrong.", { sample = sample, temperature = 0 }),
      ask(editor "It is wrong.", { temperature = 0 }))
  end
  lu.assertTrue(n > 5, n)
end

function TestWorld.test_it_knows_no_problem_by_its_name()
  lu.assertEquals(ask("Write the whole program in Lua, in one block of code. " .. STATEMENT),
    sim.CANNOT)
  lu.assertNotEquals(ask "I have two apples and a pear. How many fruits do I have?", sim.CANNOT)
end

function TestWorld.test_python()
  local program = "def first(items):\n    for x in items:\n        return x\n"
  local reply = ask("This program is wrong:\n```python\n" .. program .. "```\nWrite it repaired.")
  lu.assertStrMatches(reply, "```python\ndef first.*```")
end

-- Whatever stands where a program should be, there is a reply.
function TestWorld.test_odd_programs()
  local odd = { PROGRAM:gsub("\n", "\r\n"), PROGRAM:gsub("end", ""), PROGRAM:rep(200),
    "function f(", "function f() end end ) ] }", "def f(:\n    return ((((", "function f()\0end",
    "function f() return \"\\", "function f() --[[ end", "def f(x):\n\n\n",
    "def f(x=[], y={}): end", "function f() return [[ end", "function \xff\xfe() end",
    ("function f() return "):rep(50) .. "end",
    "local x = 1\nfunction f() return x end\nfunction f() return x end" }
  for _, program in ipairs(odd) do
    for _, words in ipairs { "Improve this program.", "Give criticism of this program." } do
      local reply = ask(words .. "\n<PROGRAM>\n" .. program .. "\n</PROGRAM>\nf(1) should give 2, "
        .. "but gave 1\nf( should be\nf(1) should give \"")
      lu.assertTrue(#reply > 0)
    end
  end
end

os.exit(lu.LuaUnit.run(), true)
