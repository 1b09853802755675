-- test_textgrad_graph.lua - the rules by which feedback travels, where TextGrad's differ or are open:
-- shapes of graphs, what is shared, what failed, what is frozen, what a person said

local helper = require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"
local lg = require "lunagrad"
local kit = require "textgrad_kit"

local ask, critic, graded, texts = kit.ask, kit.critic, kit.graded, kit.texts
local fails, holds = helper.fails, kit.holds

local broken = lg.model(function() error "out of order" end, "broken")

-- n losses over one parameter, each with an answer of its own.
local function losses_of(p, n)
  local list = {}
  for i = 1, n do list[i] = ask("q" .. i .. ".", p, "answer " .. i) end
  return list
end

-- A critic who says which question each piece is about, and how many pieces a merge has.
local function counting()
  return critic(function(prompt)
    if not prompt.merge then return "on " .. prompt.conversation:match "q%d+" end
    return "merged " .. kit.count(prompt.feedback, ". on q")
  end)
end

-- ---- shapes --------------------------------------------------------------------------

TestShapes = {}

function TestShapes.test_a_diamond_is_asked_about_once_an_edge()
  local p = lg.param("Think.", "advice")
  local m, asked = critic(function(prompt) return "on " .. prompt.role end)
  local left, right = ask("left", p, "left half"), ask("right", p, "right half")
  ask(left .. right, nil, "whole"):backward { model = m }
  lu.assertEquals({ #texts(p), #asked }, { 2, 4 })
end

-- Twelve diamonds in a row have 4,096 paths and 48 edges; feedback goes by edges.
function TestShapes.test_diamonds_in_a_row_are_no_tree()
  local p = lg.param("Think.", "advice")
  local v = p
  for i = 1, 12 do
    v = ask(ask(v, nil, "left " .. i) .. " + " .. ask(v, nil, "right " .. i), nil, "layer " .. i)
  end
  local m, asked = critic()
  v:backward { model = m }
  lu.assertEquals({ #texts(p), #asked }, { 2, 48 })
end

-- A step waits for all that is said of its output, short and long ways alike.
function TestShapes.test_ways_of_different_length_meet()
  local p = lg.param("Think.", "advice")
  local answer = ask("q", p, "answer")
  local far = answer
  for i = 1, 5 do far = ask(far, nil, "link " .. i) end
  local m, asked = critic(function(prompt, n)
    return prompt.role == "answer" and "short or long " .. n or "along"
  end)
  lg.sum { ask(answer, nil, "near"), far }:backward { model = m }
  lu.assertEquals({ #texts(p), #asked }, { 1, 7 })
  local last = asked[#asked]
  lu.assertEquals(last.role, "advice")
  lu.assertEquals(kit.count(last.feedback, "short or long"), 2)
end

function TestShapes.test_a_thousand_wide()
  local p = lg.param("Think.", "advice")
  local losses = losses_of(p, 1000)
  local m, asked = counting()
  lg.sum(losses):backward { model = m }
  local found = texts(p)
  lu.assertEquals({ #found, #asked, found[1], found[1000] }, { 1000, 1000, "on q1", "on q1000" })
end

-- Merged under the budget: pieces in groups, and the groups' pieces again.
function TestShapes.test_a_mean_of_a_thousand()
  local p = lg.param("Think.", "advice")
  local largest, merges = 0, 0
  local m = critic(function(prompt, n)
    if not prompt.merge then return ("piece %d "):format(n) .. ("word "):rep(80) end
    merges, largest = merges + 1, math.max(largest, core.tokens(prompt.text))
    return "merged"
  end)
  lg.mean(losses_of(p, 1000)):backward { model = m, context_tokens = 4000 }
  lu.assertEquals({ texts(p), #p:feedback()[1].sources }, { { "merged" }, 1000 })
  lu.assertTrue(merges > 10 and merges < 200, merges)
  lu.assertTrue(largest < 4400, largest)
end

function TestShapes.test_a_thousand_deep()
  local makers = {
    joined = function(v) return v .. "." end,
    template = function(v) return lg.format("{x}.", { x = v }) end,
    sum = function(v) return lg.sum { v } end,
    mean = function(v) return lg.mean { v } end,
    called = function(v) return ask(v) end,
  }
  for name, make in pairs(makers) do
    local p = lg.param("A", "start")
    local v = ask("q", p)
    for _ = 1, 1000 do v = make(v) end
    ask(v):backward { model = critic "as before" }
    lu.assertEquals(texts(p), { "as before" }, name)
  end
end

-- ---- the same twice ------------------------------------------------------------------

TestTwice = {}

function TestTwice.test_in_one_call_it_is_one_question()
  local tool = lg.tool { name = "pair", run = function(x, y) return x .. y, 0 end }
  for name, make in pairs {
    joined = function(p) return ask(p .. p) end,
    template = function(p) return ask(lg.format("{x}-{y}-{x}", { x = p, y = p })) end,
    messages = function(p) return ask(p, p) end, tool = function(p) return tool(p, p) end,
  } do
    local p = lg.param("Think.", "advice")
    local m, asked = critic()
    make(p):backward { model = m }
    lu.assertEquals({ texts(p), #asked }, { { "fix 1" }, 1 }, name)
    lu.assertTrue(kit.count(asked[1].conversation, "[VARIABLE]") >= 2, name) -- marked at each place
  end
end

function TestTwice.test_a_loss_that_is_summed_twice_is_asked_about_once()
  for _, join in ipairs { lg.sum, lg.mean } do
    local p = lg.param("Think.", "advice")
    local loss, m, asked = ask("q", p), critic()
    join { loss, loss, loss }:backward { model = m }
    lu.assertEquals({ texts(p), #asked }, { { "fix 1" }, 1 })
  end
end

-- ---- sums and means ------------------------------------------------------------------

TestNested = {}

local function nested(outer, inner)
  local p, groups = lg.param("Think.", "advice"), {}
  local losses = losses_of(p, 9)
  for g = 1, 3 do groups[g] = inner { table.unpack(losses, 3 * g - 2, 3 * g) } end
  local m, asked = counting()
  outer(groups):backward { model = m }
  return texts(p), #asked, p:feedback()
end

function TestNested.test_a_sum_of_sums_is_a_sum()
  local found, asked = nested(lg.sum, lg.sum)
  lu.assertEquals({ #found, asked, found[1], found[9] }, { 9, 9, "on q1", "on q9" })
end

-- A mean merges once for each parameter, whatever stands below it.
function TestNested.test_a_mean_of_means_merges_once()
  for _, inner in ipairs { lg.mean, lg.sum } do
    local found, asked, records = nested(lg.mean, inner)
    lu.assertEquals({ found, asked, #records[1].sources }, { { "merged 9" }, 10, 9 })
  end
end

function TestNested.test_a_sum_of_means_merges_each()
  local found, asked, records = nested(lg.sum, lg.mean)
  lu.assertEquals({ found, asked }, { { "merged 3", "merged 3", "merged 3" }, 12 })
  for g, record in ipairs(records) do
    lu.assertEquals({ record.sources[1].text, #record.sources }, { "on q" .. 3 * g - 2, 3 })
  end
end

function TestNested.test_scores_add_up_and_are_averaged()
  local losses = {}
  for i, score in ipairs { 0, 0.5, 1, 0.25 } do losses[i] = graded(score)("text " .. i) end
  local halves = { { losses[1], losses[2] }, { losses[3], losses[4] } }
  lu.assertEquals(lg.sum { lg.sum(halves[1]), lg.sum(halves[2]) }.score, 1.75)
  lu.assertEquals(lg.mean { lg.mean(halves[1]), lg.mean(halves[2]) }.score, 0.4375)
end

function TestNested.test_members_may_weigh_more()
  local p = lg.param("Think.", "advice")
  local losses = { graded(0)(ask("q1", p)), graded(0.8)(ask("q2", p)) }
  lu.assertAlmostEquals(lg.mean(losses, { weights = { 3, 1 } }).score, 0.2, 1e-9)
  local total = lg.sum(losses, { weights = { 10, 1 } })
  lu.assertAlmostEquals(total.score, 0.8, 1e-9)
  total:backward { model = critic() }
  local e, edits = kit.editor "Think twice."
  lg.optim.tgd({ p, model = e }):step()
  holds(edits[1].text, "weight 10")
end

-- ---- failures ------------------------------------------------------------------------

TestFailing = {}

function TestFailing.test_a_failed_member_fails_the_pass()
  local p = lg.param("Think.", "advice")
  lg.sum { ask("q1", p), broken { "q2", system = p } }:backward { model = critic() }
  fails("tool", "out of order", p.feedback, p)
  fails("tool", "out of order", function()
    lg.optim.tgd({ p, model = kit.nobody }):step()
  end)
end

function TestFailing.test_skip_failed_in_the_sum_or_in_the_pass()
  for i = 1, 2 do
    local p = lg.param("Think.", "advice")
    local members = { ask("q1", p), broken { "q2", system = p }, ask("q3", p) }
    local sum = lg.sum(members, { skip_failed = i == 1 })
    sum:backward { model = critic "mend", skip_failed = i == 2 }
    lu.assertEquals(texts(p), { "mend", "mend" })
  end
end

function TestFailing.test_scores_of_what_failed_do_not_count()
  local p = lg.param("Think.", "advice")
  local mean = lg.mean({ graded(0.5)(ask("q1", p)), graded(0)(broken { "q2", system = p }) },
    { skip_failed = true })
  lu.assertEquals(mean.score, 0.5)
  mean:backward { model = critic() }
  lu.assertEquals(#texts(p), 1)
end

function TestFailing.test_a_critic_that_fails_within_a_chain()
  local p = lg.param("Think.", "advice")
  local function pass(skip)
    p:zero_grad()
    local middle = ask("q1", p, "middle")
    local m = critic(function(prompt)
      return prompt.role == "middle" and error "no opinion" or "mend"
    end)
    return lg.sum { ask(middle), ask("q2", p) }:backward { model = m, skip_failed = skip }
  end
  pass(false)
  fails("tool", "no opinion", p.feedback, p)
  local said = pass(true):text()
  holds(said, "left out: feedback on middle")
  local pieces = {}
  for _, record in ipairs(p:feedback()) do
    if record.state == "text" then pieces[#pieces + 1] = record.text end
  end
  lu.assertEquals(pieces, { "mend" })
end

function TestFailing.test_all_members_failed()
  local p = lg.param("Think.", "advice")
  local sum = lg.sum({ broken { "q1", system = p }, broken { "q2", system = p } },
    { skip_failed = true })
  fails("tool", "out of order", sum.text, sum)
  sum:backward { model = kit.nobody, skip_failed = true }
  lu.assertEquals(texts(p), {})
end

-- ---- what takes feedback -------------------------------------------------------------

TestFrozen = {}

function TestFrozen.test_a_fixed_input_is_shown_and_not_asked_about()
  local p, fixed = lg.param("Think.", "advice"), lg.var("Mind the units.", "rule")
  local m, asked = critic()
  ask("q", p .. "\n" .. fixed):backward { model = m }
  lu.assertEquals({ texts(p), texts(fixed), #asked }, { { "fix 1" }, {}, 1 })
  holds(asked[1].conversation, "[VARIABLE]\nMind the units.")
end

-- What counts is whether it takes feedback when backward is called.
function TestFrozen.test_freezing_and_thawing_after_the_call()
  local p = lg.param("Think.", "advice")
  local loss = ask("q", p)
  p.requires_grad = false
  loss:backward { model = kit.nobody }
  lu.assertEquals(texts(p), {})
  p.requires_grad = true
  loss:backward { model = critic() }
  lu.assertEquals(texts(p), { "fix 1" })
  local v = lg.var("Think.", "advice")
  loss = ask("q", v)
  v.requires_grad = true
  loss:backward { model = critic() }
  lu.assertEquals(texts(v), { "fix 1" })
end

function TestFrozen.test_a_parameter_made_from_an_answer_cuts_the_graph()
  local p = lg.param("Think.", "advice")
  local answer = lg.param(ask("q", p), "answer to improve")
  local m, asked = critic()
  ask(answer):backward { model = m }
  lu.assertEquals({ #texts(answer), texts(p), #asked }, { 1, {}, 1 })
end

-- There a node without grad may have no predecessor with it; here feedback ends there.
function TestFrozen.test_an_output_may_be_frozen_or_detached()
  local p = lg.param("Think.", "advice")
  local answer = ask("q", p, "answer")
  ask(answer:detach()):backward { model = kit.nobody }
  lu.assertEquals({ texts(p), answer.requires_grad }, { {}, true })
  answer.requires_grad = false
  ask(answer):backward { model = kit.nobody }
  lu.assertEquals(texts(p), {})
end

-- Coordinate descent over the steps of a compound system: what a step made is rewritten itself.
function TestFrozen.test_an_output_may_be_a_parameter()
  local answer = ask("q", lg.var("Think.", "advice"), "answer")
  answer.requires_grad = true
  local m, asked = critic "be exact"
  ask(answer):backward { model = m }
  lu.assertEquals({ texts(answer), #asked, asked[1].role }, { { "be exact" }, 1, "answer" })
  lg.optim.tgd({ answer, model = (kit.editor "an exact answer") }):step()
  lu.assertEquals(ask(answer):text(), "answer to an exact answer")
end

-- Feedback is about the text that was used; the step rewrites the present one.
function TestFrozen.test_a_node_sees_its_inputs_as_they_were()
  local p = lg.param("old advice", "advice")
  local loss = ask("q", p)
  p:set "new advice"
  local m, asked = critic()
  loss:backward { model = m }
  lu.assertEquals({ #texts(p), asked[1].variable }, { 1, "old advice" })
  local e, edits = kit.editor "newer advice"
  lg.optim.tgd { p, model = e }:step()
  holds(edits[1].text, "<VARIABLE>\nnew advice\n</VARIABLE>")
end

-- ---- by hand, again, and forgotten ---------------------------------------------------

TestByHand = {}

function TestByHand.test_in_the_middle_it_counts_beside_what_the_loss_says()
  local p = lg.param("Think.", "advice")
  local middle = ask("q", p, "answer")
  middle:add_feedback "by hand"
  local loss, m, asked = ask(middle, nil, "critique"), critic()
  loss:backward { model = m }
  lu.assertEquals({ texts(p), #asked }, { { "fix 2" }, 2 })
  holds(asked[2].feedback, "by hand", "fix 1")
  loss:backward { model = m } -- it stays, what the pass said is replaced
  lu.assertEquals({ texts(p), #asked }, { { "fix 4" }, 4 })
  lu.assertItemsEquals(texts(middle), { "by hand", "fix 3" })
end

-- A person's word goes on where the score says that all is well.
function TestByHand.test_on_a_solved_loss()
  local p = lg.param("Think.", "advice")
  local loss = graded(1)(ask("q", p))
  loss:backward { model = kit.nobody }
  lu.assertEquals(texts(p), { "empty" })
  loss:add_feedback "right, but far too long"
  local m, asked = critic()
  loss:backward { model = m }
  lu.assertEquals({ texts(p), asked[1].feedback }, { { "fix 2" }, "right, but far too long" })
end

function TestByHand.test_on_a_parameter_no_backward_is_needed()
  local p = kit.param("Think.", "advice", "shorter", "and kinder")
  p:backward { model = kit.nobody }
  lu.assertEquals(texts(p), { "shorter", "and kinder" })
  local e, edits = kit.editor "Please think."
  lu.assertTrue(lg.optim.tgd({ p, model = e }):step().changed)
  holds(edits[1].text, "shorter", "and kinder")
end

function TestByHand.test_two_losses_add_up_until_zero_grad()
  local p = lg.param("Think.", "advice")
  local first, second = ask("q1", p), ask("q2", p)
  first:backward { model = critic "one" }
  second:backward { model = critic "two" }
  lu.assertEquals(texts(p), { "one", "two" })
  first:backward { model = critic "one again" } -- replaces its own, and nothing else
  lu.assertItemsEquals(texts(p), { "one again", "two" })
  p:zero_grad()
  lu.assertEquals(texts(p), {})
  second:backward { model = critic "two again" }
  lu.assertEquals(texts(p), { "two again" })
end

function TestByHand.test_zero_grad_of_a_node_between_leaves_the_others()
  local p = lg.param("Think.", "advice")
  local middle = ask("q", p, "answer")
  ask(middle):backward { model = critic() }
  middle:zero_grad()
  lu.assertEquals({ texts(middle), texts(p) }, { {}, { "fix 2" } })
end

function TestByHand.test_zero_grad_of_an_optimizer_is_that_of_its_parameters()
  local p, q, other = kit.param("a", "first", "x"), kit.param("b", "second", "x"),
    kit.param("c", "third", "x")
  lg.optim.tgd({ p, q, model = kit.nobody }):zero_grad()
  lu.assertEquals({ texts(p), texts(q), texts(other) }, { {}, {}, { "x" } })
end

-- ---- time ------------------------------------------------------------------------------

TestTime = {}

function TestTime.test_a_root_that_is_pending_is_waited_for()
  local slow = lg.model(function()
    lg.sleep(1)
    return "late"
  end)
  local p = lg.param("Think.", "advice")
  local loss = slow { "q", system = p }
  local m, asked = critic()
  loss:backward { model = m }
  lu.assertEquals({ loss:state(), #asked }, { "pending", 0 })
  lu.assertEquals(texts(p), { "fix 1" })
end

function TestTime.test_a_cancelled_root_says_so()
  local slow = lg.model(function()
    lg.sleep(1)
    return "late"
  end)
  local p = lg.param("Think.", "advice")
  local loss = slow { "q", system = p }
  loss:backward { model = kit.nobody }
  loss:cancel()
  fails("cancelled", nil, p.feedback, p)
end

os.exit(lu.LuaUnit.run())
