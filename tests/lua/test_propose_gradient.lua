-- test_propose_gradient.lua - the operator "gradient": through the graph of the batch, and in the
-- artefact's door

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local gradient = require "lunagrad.improve.propose.gradient"

lg.configure { virtual_clock = true }

-- A program of one step, a loss that compares, and the models that it uses.
local function door(more, ...)
  local editor, edits = kit.model(...)
  local critic, critics = kit.model "The prompt should ask for a number."
  local context = kit.context({ "system prompt" },
    { model = editor, backward = { model = critic } })
  local answers = lg.model(function() return "seven" end)
  context.program = function(row)
    return answers { row.question, system = context.params[1], role = "answer" }
  end
  context.loss = function(answer, row) return lg.loss.exact()(answer, row) end
  for name, value in pairs(more or {}) do context[name] = value end
  return context, edits, critics
end

local function row(i, score)
  return { i = i, row = { question = "How many are there, " .. i .. "?", answer = "7" },
    output = "seven", score = score or 0 }
end

local PARENT = kit.candidate(3, { "Answer the question." }, { 0, 1 })

TestGradient = {}

function TestGradient.test_a_step_along_the_feedback_of_the_batch()
  local context, edits, critics = door(nil, kit.new "Answer with a number.")
  local before = context.params[1]:text()
  local texts, why = gradient.propose(PARENT, { row(1), row(2, 1), row(3) }, context)
  lu.assertEquals({ texts, why }, { { "Answer with a number." } })
  lu.assertEquals(context.params[1]:text(), before)
  lu.assertEquals(#edits, 1)
  lu.assertEquals(#critics, 2) -- of those that failed
  lu.assertStrContains(kit.said(edits[1]), "Answer the question.")
  lu.assertStrContains(kit.said(edits[1]), "1 of 3 examples of the batch are solved")
end

function TestGradient.test_without_a_loss_the_metric_speaks()
  local context, edits, critics = door({ loss = false }, kit.new "Answer with a number.")
  local one = row(1)
  one.feedback = "it is in words"
  lu.assertEquals(gradient.propose(PARENT, { one }, context), { "Answer with a number." })
  lu.assertStrContains(kit.said(critics[1]), "it is in words")
  lu.assertStrContains(kit.said(critics[1]), "Right is: 7")
  lu.assertEquals(#edits, 1)
end

function TestGradient.test_nothing_to_do_is_nil_and_why()
  local context, edits = door(nil, kit.new "Answer with a number.")
  lu.assertEquals({ gradient.propose(PARENT, { row(1, 1) }, context) },
    { nil, "the batch is solved" })
  context.program = function() return lg.var "seven" end
  lu.assertEquals({ gradient.propose(PARENT, { row(1) }, context) },
    { nil, "no answer depends on the texts" })
  lu.assertEquals(#edits, 0)
end

function TestGradient.test_what_the_editor_cannot_do_is_why()
  local context = door(nil, kit.new "Answer the question.")
  local texts, why = gradient.propose(PARENT, { row(1) }, context)
  lu.assertNil(texts)
  lu.assertStrContains(why, "the new text is the old one")
end

function TestGradient.test_what_was_refused_before_is_shown_and_not_proposed_again()
  local proposals = { { texts = { "Count them." }, parent = 3, kept = false },
    { texts = { "Of another parent." }, parent = 2, kept = false } }
  local context, edits = door({ proposals = proposals }, kit.new "Count them.",
    kit.new "Count well.")
  lu.assertEquals(gradient.propose(PARENT, { row(1) }, context), { "Count well." })
  lu.assertStrContains(edits[1].messages[2].content, "<VERSION>\nCount them.\n</VERSION>")
  lu.assertNotStrContains(edits[1].messages[2].content, "Of another parent.")
end

function TestGradient.test_texts_that_are_known_are_no_proposal()
  local pool = { list = { kit.candidate(5, { "Count them." }) } }
  local context = door({ pool = pool }, kit.new "Count them.")
  lu.assertEquals({ gradient.propose(PARENT, { row(1) }, context) },
    { nil, "these are the texts of candidate 5", {} })
end

-- Equal questions of two proposals are different draws; the critic's are the same.
function TestGradient.test_each_proposal_is_a_draw_of_its_own()
  local context, edits, critics = door(nil, kit.new "Answer with a number.")
  for sample = 0, 2 do
    context.sample = sample
    gradient.propose(PARENT, { row(1) }, context)
    lu.assertEquals(edits[sample + 1].sample or 0, sample)
    lu.assertEquals(critics[sample + 1].sample or 0, 0)
  end
end

function TestGradient.test_worked_examples_stay_and_are_not_shown_to_the_editor()
  local parent = kit.candidate(3,
    { "Answer the question.\n\nWorked examples:\n\nInput: one\nOutput: 1" })
  local context, edits, critics = door(nil, kit.new "Answer with a number.")
  lu.assertEquals(gradient.propose(parent, { row(1) }, context),
    { "Answer with a number.\n\nWorked examples:\n\nInput: one\nOutput: 1" })
  lu.assertStrContains(kit.said(critics[1]), "Output: 1")
  lu.assertStrContains(kit.said(edits[1]), "<VARIABLE>\nAnswer the question.\n</VARIABLE>")
end

function TestGradient.test_a_leak_is_refused_and_asked_for_again()
  local leak = function(text) return text:find "seven" and "it copies an answer" or nil end
  local context, edits = door({ leak = leak }, kit.new "Say seven.", kit.new "Say the number.")
  lu.assertEquals(gradient.propose(PARENT, { row(1) }, context), { "Say the number." })
  lu.assertStrContains(kit.said(edits[2]), "it copies an answer")
end

-- ---- several texts -----------------------------------------------------------

local TWO = kit.candidate(0, { "Plan it.", "Do it." })

local function pipeline(...)
  local context, edits, critics = door(nil, ...)
  local more = kit.context({ "plan", "work" })
  context.params, context.run, context.roles = more.params, more.run, more.roles
  local model = lg.model(function() return "seven" end)
  context.program = function(one)
    local plan = model { one.question, system = context.params[1], role = "plan" }
    return model { plan, system = context.params[2], role = "answer" }
  end
  return context, edits, critics
end

function TestGradient.test_all_texts_or_one_component()
  local context, edits = pipeline(kit.new "New.")
  lu.assertEquals(gradient.propose(TWO, { row(1) }, context), { "New.", "New." })
  lu.assertEquals(#edits, 2)
  context, edits = pipeline(kit.new "New.")
  context.component = 2
  lu.assertEquals(gradient.propose(TWO, { row(1) }, context), { "Plan it.", "New." })
  lu.assertEquals(#edits, 1)
  lu.assertTrue(context.params[1]:grad())
end

function TestGradient.test_nobody_is_asked_about_a_text_that_stays()
  local context, _, critics = pipeline(kit.new "New.")
  context.component = 2
  gradient.propose(TWO, { row(1) }, context)
  lu.assertEquals(#critics, 1)
end

-- ---- the artefact's door -----------------------------------------------------

function TestGradient.test_what_the_evaluation_said_is_the_feedback()
  local editor, edits = kit.model(kit.new "return 2")
  local context = kit.context({ "a program" }, { model = editor, objective = "return two" })
  local parent = kit.candidate(0, { "return 1" }, { 0 })
  lu.assertEquals(gradient.propose(parent, { { i = 1, score = 0.25, feedback = "it gives 1" } },
    context), { "return 2" })
  lu.assertStrContains(kit.said(edits[1]), "scored 0.25 of 1.\nit gives 1")
  lu.assertStrContains(kit.said(edits[1]), "What is wanted: return two")
end

os.exit(lu.LuaUnit.run())
