-- test_train.lua - the gated loop: validation is never lowered, refusals roll back, the best stays

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local progress = require "lunagrad.progress"

-- A world of one number. The prompt is "level N"; a row of difficulty d is answered well when
-- d <= N. So the score of a level is known, and so is which proposal is better.

local function rows(n)
  local list = {}
  for i = 1, n do list[i] = { question = tostring((i - 1) % 10 + 1), answer = "ok" } end
  return list
end

local function level_of(text) return tonumber(text:match "level (%d+)") end

local function world(proposals)
  local w = { prompt = lg.param("level 2", "system prompt"), edits = 0, answers = 0, shown = {} }
  w.answerer = lg.model(function(request)
    w.answers = w.answers + 1
    local level = level_of(request.messages[1].content)
    return tonumber(request.messages[2].content) <= level and "ok" or "bad"
  end)
  w.critic = lg.model(function() return "raise the level" end)
  w.editor = lg.model(function(request)
    w.edits = w.edits + 1
    w.shown[w.edits] = request.messages[2].content
    local proposal = proposals[math.min(w.edits, #proposals)]
    if type(proposal) == "function" then return proposal() end
    return "<NEW_VARIABLE>level " .. proposal .. "</NEW_VARIABLE>"
  end)
  w.spec = {
    program = function(row) return w.answerer { row.question, system = w.prompt } end,
    params = { w.prompt }, metric = lg.metric.exact, train = rows(10), val = rows(10),
    loss = function(answer, row) return w.exact(answer, row.answer) end,
    optimizer = lg.optim.tgd { w.prompt, model = w.editor }, steps = 5, batch = 10,
    backward = { model = w.critic },
  }
  w.exact = lg.loss.exact {}
  return w
end

TestTrain = {}

function TestTrain.test_keeps_what_is_better()
  local w = world { 4, 6, 8 }
  w.spec.steps = 3
  local r = lg.train(w.spec)
  lu.assertEquals({ r.seed_score, r.best_score, r.accepted, r.rejected }, { 0.2, 0.8, 3, 0 })
  lu.assertEquals(w.prompt:text(), "level 8")
  lu.assertEquals(r.best, { ["system prompt"] = "level 8" })
  lu.assertEquals(r.stopped, "steps")
  lu.assertAlmostEquals(r.steps[1].train_score, 0.2, 1e-9)
  lu.assertEquals({ r.steps[2].val_before, r.steps[2].val_after }, { 0.4, 0.6 })
  lu.assertStrContains(tostring(r), "0.400 -> 0.600")
  lu.assertStrContains(tostring(r), "validation 0.200 -> 0.800, 3 kept, 0 rejected, stopped: steps")
end

function TestTrain.test_rejects_what_is_worse_and_goes_on_from_the_best()
  local w = world { 5, 1, 3, 7 }
  w.spec.steps = 4
  local r = lg.train(w.spec)
  lu.assertEquals(w.prompt:text(), "level 7")
  lu.assertEquals({ r.accepted, r.rejected }, { 2, 2 })
  lu.assertStrContains(r.steps[2].reason, "rejected: worse")
  lu.assertStrContains(w.shown[3], "level 5")  -- the variable
  lu.assertStrContains(w.shown[3], "level 1")  -- what was refused
  lu.assertStrContains(w.shown[3], "0.1")      -- and its score
  lu.assertEquals(w.prompt:history(), { "level 2", "level 5", "level 7" })
end

function TestTrain.test_validation_never_falls()
  for seed = 1, 6 do
    local r = require "lunagrad.rng".new(seed)
    local proposals = {}
    for i = 1, 12 do proposals[i] = r:int(0, 9) end
    for _, accept in ipairs { "better", "not_worse" } do
      local w = world(proposals)
      w.spec.steps, w.spec.accept = 12, accept
      local result = lg.train(w.spec)
      local score = result.seed_score
      for _, step in ipairs(result.steps) do
        lu.assertEquals(step.val_before, score)
        if step.accepted then
          lu.assertTrue(step.val_after >= score)
          score = step.val_after
        end
      end
      lu.assertEquals(result.best_score, score)
      lu.assertEquals(level_of(w.prompt:text()) / 10, score)
    end
  end
end

function TestTrain.test_ties()
  local function level(accept)
    local w = world { "2, really" }
    w.spec.steps, w.spec.accept = 1, accept
    local r = lg.train(w.spec)
    lu.assertStrContains(r.steps[1].reason, "a tie")
    return w.prompt:text()
  end
  lu.assertEquals(level(nil), "level 2")
  lu.assertEquals(level "better", "level 2")
  lu.assertEquals(level "not_worse", "level 2, really")
end

function TestTrain.test_always_accepts_but_ends_with_the_best()
  local w = world { 8, 1 }
  w.spec.steps, w.spec.accept = 2, "always"
  local r = lg.train(w.spec)
  lu.assertEquals({ r.accepted, r.best_score }, { 2, 0.8 })
  lu.assertEquals(w.prompt:text(), "level 8")
end

function TestTrain.test_scores_of_what_is_kept_are_not_bought_twice()
  local w = world { 3, 1, 4 }
  w.spec.steps = 3
  lg.train(w.spec)
  -- seed 10, then for each step 10 of the batch and 10 of the candidate
  lu.assertEquals(w.answers, 10 + 3 * 20)
end

function TestTrain.test_stops_when_solved()
  local w = world { 10 }
  local r = lg.train(w.spec)
  lu.assertEquals({ r.stopped, #r.steps, r.best_score }, { "solved", 1, 1 })
  w = world { 3 }
  w.prompt:set "level 10"
  r = lg.train(w.spec)
  lu.assertEquals({ r.stopped, #r.steps, r.seed_score, w.edits }, { "solved", 0, 1, 0 })
end

function TestTrain.test_patience()
  local w = world { 1 }
  w.spec.steps, w.spec.patience = 50, 3
  local r = lg.train(w.spec)
  lu.assertEquals({ r.stopped, #r.steps }, { "patience", 3 })
end

function TestTrain.test_when_all_rows_are_solved_it_ends_and_nothing_was_asked()
  local w = world { 9 }
  w.spec.train = { { question = "1", answer = "ok" }, { question = "2", answer = "ok" },
    { question = "1", answer = "ok" } }
  w.spec.batch, w.spec.steps = 1, 5
  w.spec.loss = function() error "no loss for solved rows" end
  local r = lg.train(w.spec)
  lu.assertEquals({ w.edits, r.accepted, #r.steps, r.redrawn }, { 0, 0, 0, 3 })
  lu.assertEquals(r.stopped, "all solved")
  lu.assertStrContains(tostring(r), "3 batches were solved, drawn again")
end

-- Runs with batches of so many rows, and notes the rows of each.
local function noted(w, batch, steps)
  local drawn, inner, now = {}, w.spec.program, nil
  w.spec.batch, w.spec.steps = batch, steps
  w.spec.program = function(row)
    if row.train then
      now = now or {}
      now[#now + 1] = tonumber(row.question)
    end
    return inner(row)
  end
  for _, row in ipairs(w.spec.train) do row.train = true end
  w.spec.on_step = function(record)
    drawn[#drawn + 1], now = { rows = now, redrawn = record.redrawn, solved = record.solved }, nil
  end
  return lg.train(w.spec), drawn
end

function TestTrain.test_a_solved_batch_is_no_step()
  local w = world { 1, 2, 3 }
  w.prompt:set "level 9" -- one row in ten teaches something
  local r, drawn = noted(w, 2, 3)
  lu.assertEquals({ #r.steps, r.stopped, r.rejected }, { 3, "steps", 3 })
  local redrawn = 0
  for _, one in ipairs(drawn) do
    redrawn = redrawn + one.redrawn
    lu.assertTrue(#one.rows == 2 * (one.redrawn + 1))
    lu.assertEquals(one.solved, 1)
    lu.assertTrue(one.rows[#one.rows] == 10 or one.rows[#one.rows - 1] == 10)
  end
  lu.assertEquals(r.redrawn, redrawn)
  -- the row that failed comes again at once, beside one that is not known yet
  lu.assertEquals({ drawn[2].redrawn, drawn[3].redrawn }, { 0, 0 })
  lu.assertEquals({ drawn[2].rows[1], drawn[3].rows[1] }, { 10, 10 })
end

-- As when a run was killed and is started again: replies are the same, and so are the batches.
function TestTrain.test_what_is_started_again_draws_the_same_batches()
  local function play(most)
    local w = world { 1, 2, 6, 3, 8, 4 }
    w.prompt:set "level 5"
    w.spec.seed = "again"
    local inner, drawn = w.spec.program, {}
    w.spec.program = function(row)
      drawn[#drawn + 1] = row.question
      if #drawn == most then error "killed" end
      return inner(row)
    end
    w.spec.batch, w.spec.steps = 3, 6
    pcall(lg.train, w.spec)
    return table.concat(drawn, " ", 1, math.min(most, #drawn)), #drawn
  end
  local whole, n = play(1000)
  lu.assertTrue(n > 60)
  lu.assertEquals(play(1000), whole)
  for _, most in ipairs { 15, 30, 47 } do
    lu.assertEquals(whole:sub(1, #play(most)), play(most))
  end
end

function TestTrain.test_a_step_that_is_kept_forgets_what_failed()
  local w = world { 9, 1 }
  w.spec.val = nil
  local _, drawn = noted(w, 5, 2)
  local first, again = {}, 0
  for i = 1, 5 do first[drawn[1].rows[i]] = true end
  for i = 1, 5 do again = again + (first[drawn[2].rows[i]] and 1 or 0) end
  lu.assertEquals(again, 0)
end

function TestTrain.test_critics_without_a_score_that_are_content_end_it()
  local w = world { 3 }
  w.critic = lg.model(function() return "NOTHING TO IMPROVE" end)
  w.spec.metric, w.spec.val, w.spec.batch = nil, nil, 4
  w.spec.backward = { model = w.critic }
  local critic = lg.loss.critic { "Is it right?", model = lg.model(function() return "Fine." end) }
  w.spec.loss = function(answer) return critic(answer) end
  local r = lg.train(w.spec)
  lu.assertEquals({ #r.steps, r.redrawn, r.stopped, w.edits }, { 0, 3, "all solved", 0 })
end

function TestTrain.test_rows_that_fail_always_do_not_hold_it_up()
  local w = world { 3 }
  w.prompt:set "level 9"
  local inner = w.spec.program
  w.spec.on_error, w.spec.batch, w.spec.steps = "zero", 1, 50
  w.spec.program = function(row)
    if row.question == "10" then error "filtered" end
    return inner(row)
  end
  local r = lg.train(w.spec)
  lu.assertEquals({ #r.steps, r.redrawn, r.stopped }, { 0, 10, "nothing to learn from" })
end

-- 9 of 10 solved, by a metric, with a critic that gives no score.
local function nearly(aggregate)
  local w = world { 10 }
  w.prompt:set "level 9"
  w.asked = 0
  local judge = lg.model(function()
    w.asked = w.asked + 1
    return "The answer is bad."
  end)
  local critic = lg.loss.critic { "Is it right?", model = judge }
  w.spec.loss = function(answer, row) return critic(answer, { question = row.question }) end
  w.spec.steps, w.spec.aggregate = 1, aggregate
  return w
end

function TestTrain.test_the_editor_is_told_what_is_solved_and_how_well_it_does()
  for _, aggregate in ipairs { "mean", "sum" } do
    local w = nearly(aggregate)
    local r = lg.train(w.spec)
    lu.assertStrContains(w.shown[1], "9 of 10")
    lu.assertStrContains(w.shown[1], "validation it has 0.9;")
    lu.assertStrContains(w.shown[1], "<OUTPUT>\nok\n</OUTPUT>") -- what must not be lost
    lu.assertEquals(w.asked, 1)
    lu.assertEquals({ r.steps[1].solved, r.steps[1].examples }, { 9, 10 })
    local entry = r.steps[1].report.params[1]
    lu.assertEquals({ entry.solved, entry.examples, entry.feedback_count }, { 9, 10, 1 })
  end
end

function TestTrain.test_a_loss_may_be_asked_about_solved_rows_too()
  local w = nearly()
  w.spec.skip_solved = false
  lg.train(w.spec)
  lu.assertEquals(w.asked, 10)
end

-- Two calls of one example are one example, for the merge as well.
function TestTrain.test_examples_are_counted_not_calls()
  local w, merged = nearly(), nil
  w.prompt:set "level 7"
  w.spec.backward = { model = lg.model(function(request)
    local question = request.messages[2].content
    if not question:find "Merge" then return "raise it, " .. #question end
    merged = question
    return "raise the level"
  end) }
  local reader = lg.model(function(request)
    return request.messages[2].content:match " (%a+)"
  end)
  local inner = w.spec.program
  w.spec.program = function(row)
    return reader { lg.format("{n} {first}", { n = row.question, first = inner(row) }),
      system = w.prompt }
  end
  lg.train(w.spec)
  lu.assertStrContains(merged, "7 of 10 examples")
  lu.assertStrContains(w.shown[1], "7 of 10 examples")
  lu.assertStrContains(w.shown[1], "of 3 examples together")
end

function TestTrain.test_without_a_metric_the_loss_scores()
  local w = world { 6 }
  w.spec.metric, w.spec.steps = nil, 1
  local r = lg.train(w.spec)
  lu.assertEquals({ r.seed_score, r.best_score }, { 0.2, 0.6 })
end

function TestTrain.test_without_validation_everything_is_kept()
  local w = world { 6, 3 }
  w.spec.val, w.spec.steps = nil, 2
  local r = lg.train(w.spec)
  lu.assertEquals({ w.prompt:text(), r.accepted, r.best_score }, { "level 3", 2, nil })
  lu.assertStrContains(tostring(r), "2 kept")
end

function TestTrain.test_a_refused_step_is_told_and_not_validated()
  local w = world { function() return "no tags" end }
  w.spec.steps = 1
  local r = lg.train(w.spec)
  lu.assertFalse(r.steps[1].changed)
  lu.assertStrContains(r.steps[1].reason, "refused")
  lu.assertEquals(w.answers, 20)
  lu.assertEquals(r.rejected, 0)
end

function TestTrain.test_sum_and_mean()
  for aggregate, kinds in pairs { sum = 8, mean = 1 } do
    local w = world { 6 }
    w.spec.steps, w.spec.aggregate = 1, aggregate
    local seen
    w.spec.on_step = function(record) seen = record.report.params[1].feedback_count end
    lg.train(w.spec)
    lu.assertEquals(seen, kinds, aggregate)
  end
end

function TestTrain.test_epochs_limit_the_steps()
  local w = world { 1 }
  w.spec.steps, w.spec.epochs, w.spec.batch = nil, 2, 4
  lu.assertEquals(#lg.train(w.spec).steps, 6)
end

function TestTrain.test_on_step_and_seed()
  local function batches(seed)
    local seen = {}
    local w = world { 1 }
    local inner = w.spec.program
    w.spec.val, w.spec.seed, w.spec.batch, w.spec.steps = nil, seed, 3, 2
    w.spec.program = function(row)
      seen[#seen + 1] = row.question
      return inner(row)
    end
    local steps = {}
    w.spec.on_step = function(record, result) steps[#steps + 1] = { record.step, #result.steps } end
    lg.train(w.spec)
    lu.assertEquals(steps, { { 1, 1 }, { 2, 2 } })
    return table.concat(seen, " ")
  end
  lu.assertEquals(batches(1), batches(1))
  lu.assertNotEquals(batches(1), batches(2))
end

function TestTrain.test_after_an_error_the_best_texts_are_back()
  local w = world { 6, function() error "the editor broke" end }
  helper.fails("tool", "the editor broke", lg.train, w.spec)
  lu.assertEquals(w.prompt:text(), "level 6")
  w = world { 6, 9 }
  local inner = w.spec.program
  w.spec.program = function(row)
    if w.prompt:text() == "level 9" then
      lg.errors.raise("cancelled", "interrupted")
    end
    return inner(row)
  end
  local ok, problem = pcall(lg.train, w.spec)
  lu.assertFalse(ok)
  lu.assertEquals(problem.kind, "cancelled")
  lu.assertEquals(problem.training.best, { ["system prompt"] = "level 6" })
  lu.assertStrContains(tostring(problem.training), "stopped: by an error")
  lu.assertEquals(w.prompt:text(), "level 6")
end

function TestTrain.test_failed_rows_can_be_left_out()
  local w = world { 6 }
  local inner = w.spec.program
  w.spec.steps, w.spec.on_error = 1, "zero"
  w.spec.program = function(row)
    if row.question == "1" then error "filtered" end
    return inner(row)
  end
  local r = lg.train(w.spec)
  lu.assertEquals({ r.seed_score, r.best_score }, { 0.1, 0.5 })
end

function TestTrain.test_several_parameters_with_one_role()
  local w = world { 6 }
  local other = lg.param("unused", "system prompt")
  w.spec.params = { w.prompt, other }
  w.spec.optimizer = lg.optim.tgd { w.prompt, other, model = w.editor }
  w.spec.steps = 1
  lu.assertEquals(lg.train(w.spec).best,
    { ["system prompt"] = "level 6", ["system prompt #2"] = "unused" })
end

function TestTrain.test_tells_an_observer()
  local events = {}
  progress.on_event = function(event) table.insert(events, event) end
  local w = world { 6, 3 }
  w.spec.steps = 2
  lg.train(w.spec)
  progress.on_event = nil
  local steps, best = {}, nil
  for _, event in ipairs(events) do
    if event.kind == "step" then steps[event.number] = event.reason end
    if event.kind == "score" then best = event.best end
  end
  lu.assertEquals(steps, { "better, fixed 4, broke 0", "worse, fixed 0, broke 3" })
  lu.assertEquals(best, 0.6)
end

-- ---- acceptance ---------------------------------------------------------------

TestAcceptance = {}

-- A validation of 200 rows, where each text is right on those that `right` says; proposals are the
-- texts "b", "c", …; `asked` counts what validation has bought.
local function ruled(accept, right, steps)
  local w, asked, turn = world {}, {}, 0
  w.prompt:set "a"
  w.answerer = lg.model(function(request)
    local text, i = request.messages[1].content, tonumber(request.messages[2].content)
    if i > 0 then asked[text] = (asked[text] or 0) + 1 end
    return i > 0 and right[text](i) and "ok" or "bad"
  end)
  local editor = lg.model(function()
    turn = turn + 1
    return ("<NEW_VARIABLE>%s</NEW_VARIABLE>"):format(("bcdefg"):sub(turn, turn))
  end)
  w.spec.optimizer = lg.optim.tgd { w.prompt, model = editor }
  w.spec.train, w.spec.val, w.spec.batch = { { question = "0", answer = "ok" } }, {}, 1
  for i = 1, 200 do w.spec.val[i] = { question = tostring(i), answer = "ok" } end
  w.spec.accept, w.spec.steps = accept, steps or 1
  local rejected = w.spec.optimizer.rejected
  function w.spec.optimizer.rejected(self, ...)
    w.told = { ... }
    return rejected(self, ...)
  end
  w.asked = asked
  return lg.train(w.spec), w
end

local function half(i) return i % 2 == 0 end

function TestAcceptance.test_a_race_leaves_what_is_worse_soon_and_keeps_what_is_better_whole()
  local r, w = ruled(nil, { a = half, b = function(i) return i % 10 == 0 end,
    c = function(i) return i % 2 == 0 and i > 20 or i % 5 == 1 end }, 2)
  local dropped, kept = r.steps[1], r.steps[2]
  lu.assertEquals({ dropped.accepted, kept.accepted, w.prompt:text() }, { false, true, "c" })
  lu.assertEquals({ w.asked.a, w.asked.c }, { 200, 200 }) -- the first's are bought once
  lu.assertTrue(w.asked.b < 60)
  lu.assertNil(dropped.val_after)
  lu.assertEquals({ dropped.race.why, dropped.race.of }, { "futile", 200 })
  lu.assertTrue(dropped.race.n <= w.asked.b and #dropped.race.trace == dropped.race.n)
  lu.assertStrContains(dropped.reason, ("rejected: futile after %d of 200, fixed 0, broke %d")
    :format(dropped.race.n, #dropped.broken))
  -- what the editor is told of it is comparable: both on the same rows
  local seen, before = table.unpack(w.told)
  lu.assertAlmostEquals(before - seen, #dropped.broken / w.asked.b, 1e-9)
  lu.assertEquals(kept.val_after, 0.56) -- 8 broken of 100, and 20 fixed
  lu.assertEquals({ #kept.fixed, #kept.broken, kept.fixed[1], kept.broken[1] }, { 20, 8, 1, 2 })
  lu.assertEquals(kept.reason, "kept: better, fixed 20, broke 8")
end

function TestAcceptance.test_a_race_that_cannot_be_won_is_curtailed()
  local function all_but(n) return function(i) return i > n end end
  local r, w = ruled(nil, { a = all_but(1), b = function(i) return i % 20 ~= 0 end })
  lu.assertEquals(r.steps[1].race.why, "curtailed")
  lu.assertTrue(w.asked.b < 100)
end

function TestAcceptance.test_the_same_seed_asks_the_same()
  local right = { a = half, b = function(i) return i % 3 == 0 end }
  local one, other = ruled(nil, right), ruled(nil, right)
  lu.assertEquals(one.steps[1].race, other.steps[1].race)
end

function TestAcceptance.test_no_regression()
  local better = function(i) return i % 2 == 0 or i % 5 == 1 end
  local broken = function(i) return better(i) and i ~= 100 end
  local r = ruled("no_regression", { a = half, b = broken, c = half, d = better }, 3)
  lu.assertEquals({ r.steps[1].accepted, r.steps[2].accepted, r.steps[3].accepted },
    { false, false, true })
  lu.assertEquals(r.steps[1].broken, { 100 })
  lu.assertEquals(r.steps[3].reason, "kept: better, fixed 20, broke 0")
end

function TestAcceptance.test_no_regression_leaves_with_the_first_that_broke()
  local mixed = function(i) return i % 4 == 0 or i % 3 == 1 end
  local r, w = ruled("no_regression", { a = half, b = mixed })
  lu.assertEquals(r.steps[1].race.why, "regression")
  lu.assertTrue(r.steps[1].race.n < 20 and w.asked.b < 60)
end

-- The window has bought all rows before the broken one is looked at.
function TestAcceptance.test_no_regression_holds_for_few_rows_too()
  local w = world { "5" }
  w.spec.val, w.spec.steps, w.spec.accept = rows(8), 1, "no_regression"
  w.spec.metric = function(_, row, answer)
    local raised = level_of(w.prompt:text()) == 5
    return answer:text() and raised ~= (row.question == "1") and 1 or 0
  end
  local r = lg.train(w.spec)
  lu.assertEquals({ r.accepted, #r.steps[1].fixed, r.steps[1].broken }, { 0, 7, { 1 } })
  lu.assertEquals(r.steps[1].reason, "rejected: a row got worse, fixed 7, broke 1")
end

-- Nobody can gain 0.05 on texts that are at 0.96.
function TestAcceptance.test_where_little_is_left_little_is_asked_for()
  local function all_but(n) return function(i) return i > n end end
  local r = ruled(nil, { a = all_but(8), b = all_but(4) })
  lu.assertEquals(r.steps[1].reason, "kept: better, fixed 4, broke 0")
end

function TestAcceptance.test_the_other_rules_look_at_all_rows()
  for _, accept in ipairs { "better", "not_worse", "always" } do
    local r, w = ruled(accept, { a = half, b = function(i) return i % 10 == 0 end })
    lu.assertEquals({ w.asked.b, r.steps[1].val_after, #r.steps[1].broken }, { 200, 0.1, 80 })
    lu.assertEquals(r.steps[1].accepted, accept == "always")
  end
end

-- Small sets are bought as a whole, and what is known whole decides as a whole.
function TestAcceptance.test_what_was_bought_whole_is_decided_whole()
  local w = world { 3, 1 }
  w.spec.val, w.spec.steps = rows(8), 2
  local r = lg.train(w.spec)
  lu.assertEquals({ r.steps[1].val_after, r.steps[2].val_after }, { 3 / 8, 1 / 8 })
end

function TestAcceptance.test_scores_without_bounds_are_compared_at_the_end()
  local w = world { 4, 3 }
  w.spec.metric = function(_, row, answer)
    answer:text()
    return -math.abs(level_of(w.prompt:text()) * 10 - tonumber(row.question))
  end
  w.spec.steps, w.spec.perfect = 2, 1000
  w.spec.val = rows(60)
  w.prompt:set "level 9"
  local r = lg.train(w.spec)
  lu.assertEquals({ r.accepted, r.steps[2].val_after ~= nil }, { 2, true })
end

function TestTrain.test_misuse()
  local w = world { 1 }
  w.spec.stepps = 3
  helper.fails("inval", { field = "stepps" }, lg.train, w.spec)
  w = world { 1 }
  w.spec.accept = "sometimes"
  helper.fails("inval", { field = "accept" }, lg.train, w.spec)
  w = world { 1 }
  w.spec.train = {}
  helper.fails("inval", "train is empty", lg.train, w.spec)
  w = world { 1 }
  w.spec.program = function() return "text" end
  helper.fails("inval", "no loss depends on a parameter", lg.train, w.spec)
  w = world { 1 }
  w.spec.loss = function() return 0.5 end
  helper.fails("inval", "loss must return a variable", lg.train, w.spec)
end

os.exit(lu.LuaUnit.run())
