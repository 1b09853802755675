-- test_candidates.lua - several proposals a step: how they are asked for, judged and reported

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local function new_text(text) return "<NEW_VARIABLE>" .. text .. "</NEW_VARIABLE>" end

-- An editor that answers by the number of the sample, from 0.
local function sampler(answers)
  local asked = {}
  return lg.model(function(request)
    asked[#asked + 1] = request
    local answer = answers[(request.sample or 0) + 1]
    return type(answer) == "function" and answer(request) or answer
  end, "editor"), asked
end

local function param(text, role)
  local p = lg.param(text or "old", role or "system prompt")
  p:add_feedback "improve"
  return p
end

TestChoice = {}

function TestChoice.test_the_best_is_taken()
  local p = param()
  local m, asked = sampler { new_text "one", new_text "two", new_text "three" }
  local judged = {}
  local opt = lg.optim.tgd { p, model = m, candidates = 3, judge = function(texts)
    judged[#judged + 1] = { texts[1], p:text(), p:versions() }
    return #texts[1] == 3 and 0.5 or 0.75
  end }
  local report = opt:step()
  lu.assertEquals({ p:text(), p:versions(), #asked }, { "three", 2, 3 })
  lu.assertEquals(judged, { { "one", "one", 2 }, { "two", "two", 2 }, { "three", "three", 2 } })
  lu.assertEquals(report.candidates, {
    { texts = { "one" }, score = 0.5, times = 1, taken = false },
    { texts = { "two" }, score = 0.5, times = 1, taken = false },
    { texts = { "three" }, score = 0.75, times = 1, taken = true } })
  lu.assertStrContains(tostring(report), "candidate 3: 0.75, taken")
  lu.assertEquals(report.params[1].after, "three")
end

function TestChoice.test_of_equal_scores_the_first()
  local p = param()
  local m = sampler { new_text "one", new_text "two" }
  lg.optim.tgd { p, model = m, candidates = 2 }:step { judge = function() return true end }
  lu.assertEquals(p:text(), "one")
end

function TestChoice.test_equal_ones_count_once_and_one_alone_is_not_judged()
  local p = param()
  local m = sampler { new_text "one", new_text "one", "no tags" }
  local calls = 0
  local report = lg.optim.tgd { p, model = m, candidates = 2, judge = function()
    calls = calls + 1
    return 1
  end }:step()
  lu.assertEquals({ p:text(), calls, #report.candidates, report.candidates[1].times },
    { "one", 0, 1, 2 })
  lu.assertNil(report.candidates[1].score)
end

function TestChoice.test_a_refused_one_is_left_out()
  local p = param()
  local m = sampler { new_text "far too long", new_text "short", new_text "brief" }
  local report = lg.optim.tgd { p, model = m, candidates = 3,
    constraints = { lg.constraint.max_words(1) },
    judge = function(texts) return #texts[1] end }:step()
  lu.assertTrue(report.changed)
  lu.assertEquals(p:text(), "short")
  lu.assertStrContains(report.candidates[1].problem, "at most 1 words")
  lu.assertStrContains(tostring(report), "candidate 1: refused: ")
  local q = param()
  report = lg.optim.tgd { q, model = (sampler { new_text "old", new_text "old" }), candidates = 2,
    judge = function() return 1 end }:step()
  lu.assertEquals({ q:text(), report.changed, #report.candidates }, { "old", false, 2 })
end

-- Candidate k is the k-th proposal of each parameter; what has no feedback stands as it is.
function TestChoice.test_all_parameters_of_a_step_are_one_candidate()
  local a, b, c = param("a", "first"), lg.param("b", "second"), param("c", "third")
  local function by_role(n)
    return function(request)
      return new_text(request.messages[2].content:match 'role "(%w+)"' .. n)
    end
  end
  local seen = {}
  lg.optim.tgd { a, b, c, model = (sampler { by_role(1), by_role(2) }), candidates = 2,
    judge = function(texts)
      seen[#seen + 1] = texts
      return #seen
    end }:step()
  lu.assertEquals(seen, { { "first1", "b", "third1" }, { "first2", "b", "third2" } })
  lu.assertEquals({ a:text(), b:text(), c:text() }, { "first2", "b", "third2" })
end

function TestChoice.test_a_judge_that_fails_leaves_everything_as_it_was()
  for _, judge in ipairs { function() error "no judge" end, function() return "good" end } do
    local p = param()
    local opt = lg.optim.tgd { p, model = (sampler { new_text "one", new_text "two" }),
      candidates = 2, judge = judge }
    lu.assertFalse(pcall(opt.step, opt))
    lu.assertEquals({ p:text(), p:versions() }, { "old", 1 })
  end
end

function TestChoice.test_without_a_judge_it_is_refused_before_anything_is_asked()
  local m, asked = sampler { new_text "one", new_text "two" }
  local opt = lg.optim.tgd { param(), model = m, candidates = 2 }
  local problem = helper.fails("inval", { field = "judge" }, opt.step, opt)
  lu.assertStrContains(problem.hint, "judge = function(texts)")
  lu.assertEquals(#asked, 0)
  helper.fails("inval", { field = "candidates" }, lg.optim.tgd, { param(), candidates = 0 })
  helper.fails("inval", nil, opt.step, opt, { jugde = print })
end

TestTraining = {}

function TestTraining.test_the_batch_is_the_judge()
  local p = lg.param("Answer.", "system prompt")
  local rows = {}
  for i = 1, 6 do rows[i] = { question = "question " .. i, answer = "good" } end
  local calls = 0
  local answerer = lg.model(function(request)
    calls = calls + 1
    return request.messages[1].content:match "good" or "bad"
  end)
  local m, asked = sampler { new_text "Be bad.", new_text "Be good.", new_text "Be so-so." }
  local result = lg.train { program = function(row)
    return answerer { row.question, system = p }
  end, params = { p }, loss = lg.loss.exact {}, metric = lg.metric.exact, train = rows,
    val = rows, batch = 2, steps = 1, backward = { model = (sampler { "Say that it is good." }) },
    optimizer = lg.optim.tgd { p, model = m, candidates = 3 } }
  lu.assertEquals(p:text(), "Be good.")
  lu.assertEquals({ #asked, result.best_score }, { 3, 1 })
  local seen = result.steps[1].report.candidates
  lu.assertEquals({ seen[1].score, seen[2].score, seen[3].score }, { 0, 1, 0 })
  lu.assertEquals(calls, 6 + 2 + 3 * 2 + 6) -- validation, batch, candidates, validation
end

os.exit(lu.LuaUnit.run())
