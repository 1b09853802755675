-- test_propose_demos.lua - the operator "demos": worked examples from what the parent solved

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local demos = require "lunagrad.improve.propose.demos"
local worked = require "lunagrad.improve.worked"

lg.configure { virtual_clock = true }

local function train(n)
  local rows = {}
  for i = 1, n do rows[i] = { question = "question " .. i, answer = "answer " .. i } end
  return rows
end

-- A program of one step that upper-cases; the rows below `solved` are known to be solved.
local function door(more, solved)
  local rows = train(8)
  local context = kit.context({ "system prompt" }, { train = rows, max_demos = 3,
    solved = function()
      local list = {}
      for i = 1, solved do list[i] = { i = i, row = rows[i], output = "ANSWER", score = 1 } end
      return list
    end })
  local model, asked = kit.model(function(request)
    return request.messages[#request.messages].content:upper()
  end)
  context.program = function(row)
    return model { "It is " .. row.question, system = context.params[1], role = "answer" }
  end
  for name, value in pairs(more or {}) do context[name] = value end
  return context, asked
end

local PARENT = kit.candidate(0, { "Shout." }, { 0, 1 })

local function count(text, part)
  local _, n = text:gsub(part, "")
  return n
end

TestDemos = {}

function TestDemos.test_what_came_in_and_out_at_the_call()
  local context = door({ max_demos = 1 }, 8)
  local texts, why, detail = demos.propose(PARENT, {}, context)
  local i = next(detail.rows)
  lu.assertEquals({ texts, why }, { { ("Shout.\n\nWorked examples:\n\nInput: It is question %d"
    .. "\nOutput: IT IS QUESTION %d"):format(i, i) } })
end

function TestDemos.test_at_most_so_many_as_the_generator_draws()
  local seen = {}
  for seed = 1, 30 do
    local context = door({ rng = lg.rng.new(seed) }, 8)
    local texts = demos.propose(PARENT, {}, context)
    local n = count(texts[1], "\nInput:")
    lu.assertEquals(count(texts[1], "Worked examples:"), 1)
    seen[n] = true
    context.rng = lg.rng.new(seed)
    lu.assertEquals(demos.propose(PARENT, {}, context), texts)
  end
  lu.assertEquals(seen, { true, true, true })
end

function TestDemos.test_they_are_replaced_not_stacked_and_may_be_taken_off()
  local parent = kit.candidate(0, { "Shout.\n\nWorked examples:\n\nInput: old\nOutput: OLD" })
  local none = false
  for seed = 1, 30 do
    local texts = demos.propose(parent, {}, (door({ rng = lg.rng.new(seed) }, 8)))
    lu.assertNotStrContains(texts[1], "old")
    lu.assertEquals((worked.split(texts[1])), "Shout.")
    none = none or texts[1] == "Shout."
  end
  lu.assertTrue(none)
end

function TestDemos.test_right_answers_where_nothing_is_solved()
  local context, asked = door(nil, 0)
  local texts = demos.propose(PARENT, {}, context)
  lu.assertStrMatches(texts[1],
    "Shout.\n\nWorked examples:\n\nInput: question (%d)\nOutput: answer %1.*")
  lu.assertEquals(#asked, 0)
  context.train = { { question = "nobody knows" } }
  lu.assertEquals({ demos.propose(PARENT, {}, context) }, { nil, "nothing is solved yet" })
end

function TestDemos.test_long_ones_are_left_out()
  local context = door(nil, 1)
  context.train[1].question = ("long "):rep(500)
  lu.assertEquals({ demos.propose(PARENT, {}, context) },
    { nil, "no solved example can be shown" })
end

function TestDemos.test_each_step_of_a_program_has_its_own()
  local context = door({ max_demos = 1 }, 1)
  local more = kit.context { "plan", "work" }
  context.params, context.run = more.params, more.run
  local model = lg.model(function(request)
    return "(" .. request.messages[#request.messages].content .. ")"
  end)
  context.program = function(row)
    local plan = model { row.question, system = context.params[1], role = "plan" }
    return model { plan, system = context.params[2], role = "answer" }
  end
  local parent = kit.candidate(0, { "Plan.", "Work." })
  lu.assertEquals(demos.propose(parent, {}, context), {
    "Plan.\n\nWorked examples:\n\nInput: question 1\nOutput: (question 1)",
    "Work.\n\nWorked examples:\n\nInput: (question 1)\nOutput: ((question 1))" })
  context.component = 2
  lu.assertEquals(demos.propose(parent, {}, context), { "Plan.",
    "Work.\n\nWorked examples:\n\nInput: (question 1)\nOutput: ((question 1))" })
  context.solved = function() return {} end -- a right answer is none of a step in the middle
  lu.assertEquals({ demos.propose(parent, {}, context) }, { nil, "nothing is solved yet" })
end

function TestDemos.test_in_a_template_braces_stay_braces()
  local context = door({ max_demos = 1 }, 1)
  local model = lg.model(function() return "{x}" end)
  context.program = function(row)
    return model { lg.format(context.params[1], { q = row.question }), role = "answer" }
  end
  context.train[1].question = "question {1"
  local parent = kit.candidate(0, { "Answer {q}." })
  local texts = demos.propose(parent, {}, context)
  lu.assertEquals(texts, { "Answer {q}.\n\nWorked examples:\n\nInput: question {{1\nOutput: {{x}" })
  lu.assertStrContains(lg.format(texts[1], { q = "this" }):text(), "Answer this.")
end

function TestDemos.test_without_a_program_there_are_none()
  local context = door(nil, 8)
  context.program = nil
  lu.assertEquals({ demos.propose(PARENT, {}, context) },
    { nil, "there is no program that solves examples" })
end

TestWorked = {}

function TestWorked.test_split_and_join()
  local block = worked.block { { input = "a", output = "b" }, { input = "c\nd", output = "e\nf" } }
  lu.assertEquals(block,
    "Worked examples:\n\nInput: a\nOutput: b\n\nInput:\nc\nd\nOutput:\ne\nf")
  lu.assertEquals({ worked.split(worked.join("Do.\n", block)) }, { "Do.", block })
  lu.assertEquals({ worked.split(worked.join("", block)) }, { "", block })
  lu.assertEquals({ worked.split "Do." }, { "Do.", "" })
  lu.assertEquals({ worked.split "Worked examples: none." }, { "Worked examples: none.", "" })
  local said = "Give no Worked examples:\n\nInput: x"
  lu.assertEquals({ worked.split(said) }, { said, "" })
  lu.assertEquals(worked.block {}, "")
end

os.exit(lu.LuaUnit.run())
