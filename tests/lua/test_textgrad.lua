-- test_textgrad.lua - what goes wrong in TextGrad 0.1.8, one test for each: gradients and optimizers
--
-- The numbers are those of a list of its defects; each test states what is right. What is about
-- robustness, models and scoring is in test_textgrad_more.lua, the rules of the graph at large in
-- test_textgrad_graph.lua.

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local kit = require "textgrad_kit"

local ask, critic, editor, graded, texts = kit.ask, kit.critic, kit.editor, kit.graded, kit.texts
local holds, lacks, count, fails = kit.holds, kit.lacks, kit.count, helper.fails

local function words(n)
  local list = {}
  for i = 1, n do list[i] = ("word%03d"):format(i) end
  return table.concat(list, " ")
end

-- A critic's instruction with a model that always complains.
local function judge(instruction)
  return lg.loss.critic { instruction, model = lg.model(function() return "not good" end) }
end

-- ---- gradients -----------------------------------------------------------------------

TestGradients = {}

-- There: Sum and "+" add the same feedback twice to each predecessor.
function TestGradients.test_defect_01_sum_adds_once()
  local p, q = lg.param("A", "first"), lg.param("B", "second")
  lg.sum { ask("q1", p), ask("q2", q) }:backward { model = critic() }
  lu.assertEquals({ texts(p), texts(q) }, { { "fix 1" }, { "fix 2" } })
  local a, b = lg.param("A", "first"), lg.param("B", "second")
  local m, asked = critic()
  ask(a .. b):backward { model = m }
  lu.assertEquals({ #texts(a), #texts(b), #asked }, { 1, 1, 2 })
  local c = lg.param("C", "third")
  local sum = lg.sum { c, c .. "!" } -- feedback by hand on a sum goes on, once an edge
  sum:add_feedback "shorter"
  sum:backward { model = kit.nobody }
  lu.assertEquals(texts(c), { "shorter", "shorter" })
end

-- There: a loss under a sum is asked about with a blank objective, in the form for chains.
function TestGradients.test_defect_02_losses_of_a_batch_are_losses()
  local p = lg.param("Think.", "advice")
  local losses, m, asked = {}, critic()
  for i = 1, 3 do losses[i] = judge("Is it right?")(ask("q" .. i, p, "reply")) end
  lg.sum(losses):backward { model = m }
  lu.assertEquals(#texts(p), 3)
  local base = 0
  for _, prompt in ipairs(asked) do
    lu.assertStrMatches(prompt.objective, ".*%a.*")
    if prompt.role == "reply" then
      base = base + 1
      lu.assertNil(prompt.feedback)
    else
      lu.assertStrMatches(prompt.feedback, "fix %d")
    end
  end
  lu.assertEquals(base, 3)
end

-- There: critic and optimizer see twenty words of what they are to judge and to rewrite.
function TestGradients.test_defect_03_the_variable_is_shown_whole()
  local text = words(200)
  local p = lg.param(text, "code")
  local m, asked = critic()
  graded(0)(p):backward { model = m }
  local e, edits = editor "shorter"
  lg.optim.tgd { p, model = e }:step()
  lu.assertEquals(asked[1].variable, text)
  holds(edits[1].text, text)
  lu.assertEquals({ count(edits[1].text, "word100"), count(asked[1].text, "word100") }, { 1, 1 })
end

-- There: of the members of an aggregate only the last one hears anything.
function TestGradients.test_defect_04_every_member_of_a_mean_hears()
  local params, members = {}, {}
  for i = 1, 5 do
    params[i] = lg.param("text " .. i, "text " .. i)
    members[i] = ask("q" .. i, params[i])
  end
  lg.mean(members):backward { model = critic(function(prompt) return "on " .. prompt.role end) }
  for i = 1, 5 do lu.assertEquals(texts(params[i]), { "on text " .. i }) end
end

-- There: what has no tag of the reduction is dropped, and three of four pieces are lost.
function TestGradients.test_defect_05_a_mean_loses_no_piece()
  local p = lg.param("Think.", "advice")
  local m, asked = critic(function(prompt)
    return prompt.merge and "all of it" or "on " .. prompt.conversation:match "q%d"
  end)
  local losses = {}
  for i = 1, 4 do losses[i] = ask("q" .. i, p) end
  lg.mean(losses):backward { model = m }
  lu.assertEquals({ texts(p), #asked }, { { "all of it" }, 5 })
  holds(asked[5].feedback, "on q1", "on q2", "on q3", "on q4")
  lu.assertEquals(#p:feedback()[1].sources, 4)
  local q = lg.param("Think.", "advice") -- beside a mean, what came another way stays
  lg.sum { lg.mean { ask("q1", q), ask("q2", q), ask("q3", q) }, ask("q4", q) }
    :backward { model = m }
  lu.assertItemsEquals(texts(q), { "all of it", "on q4" })
end

-- There: aggregates that were freed lend their id, and with it their group, to others.
function TestGradients.test_defect_06_means_are_groups_of_their_own()
  local p = lg.param("Think.", "advice")
  local m, asked = critic(function(prompt)
    if not prompt.merge then return "on " .. prompt.conversation:match "m%dq%d" end
    return "merged " .. prompt.feedback:match "m%d"
  end)
  local means = {}
  local function mean_of(i)
    local members = {}
    for k = 1, 3 do members[k] = ask(("m%dq%d"):format(i, k), p) end
    return lg.mean(members)
  end
  for i = 1, 6 do
    means[i] = mean_of(i)
    collectgarbage()
  end
  lg.sum(means):backward { model = m }
  lu.assertItemsEquals(texts(p), { "merged m1", "merged m2", "merged m3", "merged m4", "merged m5",
    "merged m6" })
  for _, prompt in ipairs(asked) do
    for other in (prompt.merge and prompt.feedback or ""):gmatch "on (m%d)" do
      lu.assertEquals(other, prompt.feedback:match "m%d")
    end
  end
end

-- There: tags and contexts outlive zero_grad, and take later gradients with them.
function TestGradients.test_defect_07_zero_grad_clears_everything()
  local p = lg.param("Think.", "advice")
  local opt = lg.optim.tgd { p, model = kit.nobody }
  lg.mean { ask("q1", p), ask("q2", p), ask("q3", p) }:backward { model = critic "old" }
  lu.assertEquals(#texts(p), 1)
  for i = 1, 10 do
    opt:zero_grad()
    lu.assertEquals(p:feedback(), {})
    lg.sum { ask("a" .. i, p), ask("b" .. i, p) }:backward { model = critic() }
    local found = p:feedback()
    lu.assertEquals({ #found, found[1].sources, found[2].sources }, { 2, {}, {} })
    lacks(found[1].conversation .. found[2].conversation, "q1", "a" .. i - 1)
  end
end

-- There: after reset_gradients, a gradient without a context breaks step().
function TestGradients.test_defect_08_feedback_without_a_conversation_is_feedback()
  local p = lg.param("old", "advice")
  ask("q", p):backward { model = critic() }
  p:zero_grad()
  p:add_feedback "shorter"
  local e, edits = editor "new"
  lu.assertTrue(lg.optim.tgd({ p, model = e }):step().changed)
  holds(edits[1].text, "<FEEDBACK>\nshorter\n</FEEDBACK>")
  lacks(edits[1].text, "<CONVERSATION>")
end

-- There: summed and reduced gradients come without context and the tags that are announced.
function TestGradients.test_defect_09_merged_feedback_keeps_its_conversations()
  for _, join in ipairs { lg.sum, lg.mean } do
    local p = lg.param("Think.", "advice")
    local m = critic(function(prompt) return prompt.merge and "be exact" or "mend it" end)
    join { ask("first question", p), ask("second question", p), ask("third question", p) }
      :backward { model = m }
    local e, edits = editor "Think twice."
    lg.optim.tgd { p, model = e }:step()
    local shown = edits[1].text
    lu.assertEquals({ count(shown, "<FEEDBACK>"), count(shown, "<CONVERSATION>") },
      { 1, join == lg.mean and 3 or 1 }) -- equal pieces of a sum are shown once, with the first
    holds(shown, join == lg.mean and "be exact" or "mend it", "first question")
  end
end

-- There: nodes between keep what they heard, and a second backward doubles it.
function TestGradients.test_defect_10_a_second_backward_does_not_double()
  local p = lg.param("Think.", "advice")
  local answer = ask("q", p, "reply")
  local loss, m, asked = judge("Judge.")(answer), critic()
  for round = 1, 3 do
    loss:backward { model = m }
    lu.assertEquals({ #texts(p), #texts(answer), #asked }, { 1, 1, 2 * round })
    lu.assertEquals(asked[2 * round].feedback, "fix " .. 2 * round - 1)
  end
end

-- There: an empty reply, which is what is asked for when all is well, makes upstream guess.
function TestGradients.test_defect_11_no_feedback_stops_there()
  for _, said in ipairs { "", " \n", "NOTHING TO IMPROVE" } do
    local p = lg.param("Think.", "advice")
    local m, asked = critic(said)
    judge("Judge.")(ask("q", p)):backward { model = m }
    lu.assertEquals({ texts(p), #asked }, { { "empty" }, 1 })
    lu.assertFalse(lg.optim.tgd({ p, model = kit.nobody }):step().changed)
  end
end

-- There: what a person said of the loss is wiped by backward().
function TestGradients.test_defect_12_feedback_by_hand_survives()
  local p = lg.param("Think.", "advice")
  local answer = ask("q", p, "reply")
  answer:add_feedback "A person says: too long."
  local m, asked = critic()
  answer:backward { model = m }
  lu.assertEquals({ texts(p), #asked }, { { "fix 1" }, 1 })
  lu.assertEquals(asked[1].feedback, "A person says: too long.")
  lu.assertEquals(texts(answer), { "A person says: too long." })
end

-- There: answers always require grad, so gradients are bought that lead nowhere.
function TestGradients.test_defect_13_nothing_trainable_costs_nothing()
  local fixed = lg.var("Think.", "advice")
  local loss = judge("Judge.")(ask("q", fixed))
  lu.assertStrContains(loss:backward({ model = kit.nobody }):text(), "0 questions asked")
  lu.assertFalse(loss.requires_grad)
  local p = lg.param("Think.", "advice") -- a fixed branch beside one that is not
  local m, asked = critic()
  judge("Judge.")(ask("q1", p) .. ask("q2", fixed)):backward { model = m }
  lu.assertEquals({ #texts(p), #asked }, { 1, 2 })
end

-- There: "improve the above metric", of which nobody says whether 0 or 1 is good.
function TestGradients.test_defect_14_score_and_direction_are_told()
  local p = lg.param("Think.", "advice")
  local m, asked = critic()
  graded(0.25, 0.75)(ask("q", p)):backward { model = m }
  lu.assertEquals(#texts(p), 1)
  holds(asked[1].objective, "0.25", "target is 0.75", "higher is better")
  local e, edits = editor "new"
  local opt = lg.optim.tgd { p, model = e }
  opt:accepted(0.4)
  opt:step()
  holds(edits[1].text, "(scored 0.25 of 0.75)", "In validation it has 0.4; higher is better")
end

-- There: the metric is called "the runtime of a function", and advice is to make that faster.
function TestGradients.test_defect_15_a_metric_says_what_it_found()
  local p = lg.param("I think 7.", "answer to the question")
  local exact = lg.loss.exact { target = "8", extract = lg.extract.last_number }
  exact(p):backward { model = kit.nobody }
  local said = texts(p)[1]
  holds(said, '"7"', '"8"', "higher is better")
  lacks(said:lower(), "runtime", "function")
end

-- ---- optimizers ----------------------------------------------------------------------

TestOptimizers = {}

local function steps(spec, n)
  local p, list = lg.param("version 0", "advice"), {}
  for i = 1, n do list[i] = "version " .. i end
  local e, edits = editor(list)
  spec[1], spec.model = p, e
  local opt = lg.optim.tgd(spec)
  for i = 1, n do
    opt:zero_grad()
    ask("question " .. i, p):backward { model = critic("criticism " .. i) }
    lu.assertTrue(opt:step().changed)
  end
  return edits
end

-- There: the prompt of momentum is never returned; the model is called with nothing.
function TestOptimizers.test_defect_16_momentum_shows_past_versions()
  local edits = steps({ momentum = 2 }, 4)
  lacks(edits[1].text, "<PAST_VERSIONS>")
  local past = edits[4].text:match "<PAST_VERSIONS>(.*)</PAST_VERSIONS>"
  holds(past, "version 1", "version 2", "criticism 2", "criticism 3")
  lacks(past, "version 0", "version 3", "criticism 1")
end

-- There: a window of 0 is a crash, and momentum drops the context of gradients.
function TestOptimizers.test_defect_17_momentum_may_be_0_and_keeps_conversations()
  lacks(steps({ momentum = 0 }, 2)[2].text, "<PAST_VERSIONS>")
  holds(steps({ momentum = 3 }, 3)[3].text, "<PAST_VERSIONS>", "<CONVERSATION>", "question 3")
end

-- There: gradient_memory is collected and never shown.
function TestOptimizers.test_defect_18_memory_is_shown()
  local memory = steps({ memory = 2 }, 4)[4].text:match "<FEEDBACK_MEMORY>(.*)</FEEDBACK_MEMORY>"
  holds(memory, "criticism 2", "criticism 3")
  lacks(memory, "criticism 1", "criticism 4", "version")
end

-- There: step() rewrites what has no feedback, is frozen or stands in no graph.
function TestOptimizers.test_defect_19_no_feedback_no_change()
  local silent, frozen = lg.param("a", "first"), kit.param("b", "second", "change")
  local opt = lg.optim.tgd { silent, frozen, model = kit.nobody }
  frozen.requires_grad = false
  local report = opt:step()
  lu.assertEquals({ report.changed, silent:text(), frozen:text() }, { false, "a", "b" })
end

-- There: a model's frozen system prompt is among its parameters, and is rewritten.
function TestOptimizers.test_defect_20_what_is_fixed_is_no_parameter()
  fails("inval", "does not require grad", lg.optim.tgd, { lg.var("fixed", "system prompt") })
end

-- There: the first tag counts, a missing end is the end, empty is a text, and nobody reads why a
-- reply ended.
function TestOptimizers.test_defect_21_only_a_whole_new_text_is_taken()
  local function after(...)
    local p = kit.param("old", "advice", "change")
    lg.optim.tgd { p, model = (editor({ ... }, true)) }:step()
    return p:text()
  end
  lu.assertEquals(after("Between <NEW_VARIABLE> and </NEW_VARIABLE>: "
    .. "<NEW_VARIABLE>new</NEW_VARIABLE>"), "new")
  lu.assertEquals(after "<NEW_VARIABLE>cut in the mid", "old")
  lu.assertEquals(after "<NEW_VARIABLE> \n</NEW_VARIABLE>", "old")
  lu.assertEquals(after "<NEW_VARIABLE>old</NEW_VARIABLE>", "old")
  lu.assertEquals(after { text = "<NEW_VARIABLE>half of", finish_reason = "length" }, "old")
end

-- There: a reply without tags ends the run, with some parameters changed and others not.
function TestOptimizers.test_defect_22_all_parameters_or_none()
  local a, b = kit.param("a", "first", "change"), kit.param("b", "second", "change")
  local m = lg.model(function(request)
    return request.messages[2].content:find('"first"', 1, true)
      and "<NEW_VARIABLE>a2</NEW_VARIABLE>" or "Sorry, I cannot."
  end)
  local report = lg.optim.tgd { a, b, model = m }:step()
  lu.assertEquals({ report.changed, a:text(), b:text(), a:versions() }, { false, "a", "b", 1 })
  lu.assertTrue(report.params[2].reasked)
end

-- There: other tags are asked for at the start of the prompt, and IMPROVED_VARIABLE at its end.
function TestOptimizers.test_defect_23_own_tags_are_asked_for()
  local p = kit.param("old", "advice", "change")
  local e, edits = editor({ "<BETTER>new</BETTER>" }, true)
  lg.optim.tgd { p, model = e, tags = { "<BETTER>", "</BETTER>" } }:step()
  lu.assertEquals(p:text(), "new")
  holds(edits[1].text, "<BETTER> and </BETTER>")
  lacks(edits[1].text, "NEW_VARIABLE")
end

-- There: no score, no gate, no best so far, no revert; constraints are only words.
function TestOptimizers.test_defect_24_worse_is_taken_back_and_constraints_are_checked()
  local p = lg.param("level 2", "advice")
  local model = lg.model(function(request)
    local level = tonumber(request.messages[1].content:match "%d+")
    return tonumber(request.messages[2].content) <= level and "yes" or "no"
  end)
  local rows = {}
  for i = 1, 10 do rows[i] = { question = tostring(i), answer = "yes" } end
  local result = lg.train { params = { p }, train = rows, val = rows, steps = 3, batch = 10,
    program = function(row) return model { row.question, system = p } end,
    loss = function(answer, row) return lg.loss.exact(row.answer)(answer) end,
    optimizer = lg.optim.tgd { p, model = (editor { "level 6", "level 1", "level 4" }) } }
  lu.assertEquals({ p:text(), result.accepted, result.rejected, result.best_score },
    { "level 6", 1, 2, 0.6 })
  local q = kit.param("old", "advice", "change")
  local report = lg.optim.tgd({ q, model = (editor "one two three"),
    constraints = { lg.constraint.max_words(2) } }):step()
  lu.assertEquals({ report.changed, q:text() }, { false, "old" })
end

-- There: a missing FINAL tag ends the run, and examples never reach the call they are for.
function TestOptimizers.test_defect_25_examples_reach_the_model_and_tags_may_be_missing()
  local seen
  local model = lg.model(function(request)
    seen = request.messages
    return "8"
  end)
  local shots = lg.param("1 + 1?", "question of an example")
  local answer = model { messages = { { "user", shots }, { "assistant", "<FINAL>2</FINAL>" },
    { "user", "4 + 4?" } } }
  local final = lg.extract.tag "FINAL"
  lu.assertNil(final(answer:text()))
  lu.assertEquals({ #seen, seen[1].content, seen[2].role }, { 3, "1 + 1?", "assistant" })
  answer:backward { model = critic() } -- so they can be improved as well
  lu.assertEquals(texts(shots), { "fix 1" })
end

os.exit(lu.LuaUnit.run())
