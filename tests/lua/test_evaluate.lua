-- test_evaluate.lua - evaluation: scores, intervals, failing rows, everything at the same time

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

TestEvaluate = {}

local function rows(n)
  local list = {}
  for i = 1, n do list[i] = { question = tostring(i), answer = tostring(i % 4) } end
  return list
end

local function echo(row) return row.question end

function TestEvaluate.test_mean_interval_rows()
  local r = lg.evaluate { function(row) return tostring(math.tointeger(row.question) % 2) end,
                          data = rows(40), metric = lg.metric.exact }
  lu.assertEquals({ r.mean, r.n, r.errors, #r.rows }, { 0.5, 40, 0, 40 })
  lu.assertTrue(r.low < 0.5 and r.high > 0.5 and r.low > 0.3 and r.high < 0.7)
  lu.assertEquals(r.rows[3].output, "1")
  lu.assertEquals(r.rows[3].example.answer, "3")
  lu.assertEquals(r.rows[3].score, 0)
  lu.assertStrContains(tostring(r), "0.500 (95% interval")
end

function TestEvaluate.test_a_few_hits_do_not_make_sure()
  local function said(n, score)
    return tostring(lg.evaluate { echo, data = rows(n), metric = function() return score end })
  end
  lu.assertEquals(said(3, 1), "1.000 (95% interval 0.439 to 1.000, n = 3)")
  lu.assertEquals(said(3, 0), "0.000 (95% interval 0.000 to 0.561, n = 3)")
  lu.assertEquals(said(1, true), "1.000 (95% interval 0.207 to 1.000, n = 1)")
  lu.assertNotStrContains(said(4, 0.5), "0.500 to 0.500")
  lu.assertEquals(said(3, 37), "37.000 (no interval: all scores are equal, n = 3)")
end

function TestEvaluate.test_the_interval_is_seeded()
  local function low(seed)
    return lg.evaluate { echo, data = rows(30), seed = seed,
                         metric = function(out) return (tonumber(out) % 7) / 7 end }.low
  end
  lu.assertEquals(low(1), low(1))
  lu.assertNotEquals(low(1), low(2))
end

function TestEvaluate.test_programs_may_return_variables_and_metrics_may_judge()
  local m = lg.model(function(request) return "answer " .. request.messages[1].content end)
  local judge = lg.loss.score(function(text) return text == "answer 2" end)
  local r = lg.evaluate { function(row) return m(row.question) end, data = rows(4),
                          metric = function(_, _, answer) return judge(answer) end }
  lu.assertEquals({ r.mean, r.rows[1].output }, { 0.25, "answer 1" })
end

function TestEvaluate.test_field_names_the_truth()
  local r = lg.evaluate { echo, data = { { question = "a", label = "a" } }, field = "label",
                          metric = lg.metric.exact }
  lu.assertEquals(r.mean, 1)
end

function TestEvaluate.test_failing_rows()
  local function program(row)
    if row.question == "2" then error "broken row" end
    return "1"
  end
  local spec = { program, data = rows(4), metric = function(out) return tonumber(out) end }
  helper.fails("script", "broken row", lg.evaluate, spec)
  spec.on_error = "zero"
  local zero = lg.evaluate(spec)
  lu.assertEquals({ zero.mean, zero.n, zero.errors }, { 0.75, 4, 1 })
  lu.assertStrContains(tostring(zero.rows[2].error), "broken row")
  spec.on_error = "skip"
  local skip = lg.evaluate(spec)
  lu.assertEquals({ skip.mean, skip.n, skip.errors }, { 1, 3, 1 })
  lu.assertNil(skip.rows[2].score)
end

function TestEvaluate.test_an_interrupt_is_never_taken_for_a_failed_row()
  local ok, problem = pcall(lg.evaluate, { function()
    lg.errors.raise("cancelled", "interrupted")
  end, data = rows(2), metric = lg.metric.exact, on_error = "zero" })
  lu.assertFalse(ok)
  lu.assertEquals(problem.kind, "cancelled")
end

function TestEvaluate.test_all_rows_failed_is_no_score()
  local r = lg.evaluate { function() error "x" end, data = rows(2), metric = lg.metric.exact,
                          on_error = "skip" }
  lu.assertNil(r.mean)
  lu.assertStrContains(tostring(r), "all of 2 rows failed")
end

-- Every row waits until all have started.
function TestEvaluate.test_rows_run_at_the_same_time()
  local m = lg.model(function(request) return request.messages[1].content end)
  local started, seen = 0, {}
  lg.evaluate { function(row)
    started = started + 1
    local text = m(row.question):text()
    seen[#seen + 1] = started
    return text
  end, data = rows(20), metric = function() return 1 end }
  for _, n in ipairs(seen) do lu.assertEquals(n, 20) end
end

function TestEvaluate.test_misuse()
  local spec = { echo, data = rows(2), metric = lg.metric.exact }
  helper.fails("inval", "empty", lg.evaluate, { echo, data = {}, metric = lg.metric.exact })
  helper.fails("inval", { field = "metric" }, lg.evaluate, { echo, data = rows(2) })
  helper.fails("inval", { field = "program" }, lg.evaluate,
    { data = rows(2), metric = lg.metric.exact })
  spec.on_error = "ignore"
  helper.fails("inval", { field = "on_error" }, lg.evaluate, spec)
  helper.fails("inval", "must return a variable or a text", lg.evaluate,
    { function() return {} end, data = rows(1), metric = lg.metric.exact })
  helper.fails("inval", "the metric must return", lg.evaluate,
    { echo, data = rows(1), metric = function() return "good" end })
end

os.exit(lu.LuaUnit.run())
