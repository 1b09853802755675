-- test_compare.lua - two programs on the same rows: pairs, what was fixed and broken, failures

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

TestCompare = {}

local function rows(n, id)
  local list = {}
  for i = 1, n do
    list[i] = { question = tostring(i), answer = tostring(i), id = id and id .. i }
  end
  return list
end

-- A program that is right but where a function of the row's number says no.
local function but(wrong)
  return function(row)
    return wrong(math.tointeger(row.question)) and "?" or row.question
  end
end

local function third(i) return i % 3 == 0 end
local function tenth(i) return i % 10 == 0 end

local function places(list)
  local found = {}
  for k, one in ipairs(list) do found[k] = one.i end
  return found
end

function TestCompare.test_a_gain()
  local r = lg.compare { but(third), but(tenth), data = rows(30), metric = lg.metric.exact }
  lu.assertAlmostEquals(r.a.mean, 2 / 3, 1e-12)
  lu.assertAlmostEquals(r.b.mean, 0.9, 1e-12)
  lu.assertEquals({ r.shown, r.n, r.test }, { true, 30, "mcnemar" })
  lu.assertAlmostEquals(r.gain, 7 / 30, 1e-12)
  lu.assertAlmostEquals(r.p, 67 / 2048, 1e-12) -- 9 fixed, 2 broken: (1 + 11 + 55) of 2^11
  lu.assertTrue(r.low > 0 and r.low < r.gain and r.gain < r.high)
  lu.assertNil(r.needed)
end

function TestCompare.test_which_rows()
  local r = lg.compare { but(third), but(tenth), data = rows(30, "q"), metric = lg.metric.exact }
  lu.assertEquals(places(r.fixed), { 3, 6, 9, 12, 15, 18, 21, 24, 27 })
  lu.assertEquals(places(r.broken), { 10, 20 })
  local one = r.broken[1]
  lu.assertEquals({ one.id, one.a, one.b, one.a_score, one.b_score, one.example.question },
    { "q10", "10", "?", 1, 0, "10" })
  lu.assertEquals(lg.compare { but(third), but(tenth), data = rows(3),
    metric = lg.metric.exact }.fixed[1].id, 3) -- rows without an id have their number
end

function TestCompare.test_in_words()
  local text = tostring(lg.compare { but(third), but(tenth), data = rows(60, "q"),
    metric = lg.metric.exact })
  lu.assertStrMatches(text:match "^[^\n]*", "a      0%.667 %(95%% interval .* n = 60%)")
  lu.assertStrContains(text, "\nb - a  shown: +0.233 [")
  lu.assertStrContains(text, "fixed 18, broke 4")
  lu.assertStrContains(text, "\nfixed  q3, q6, q9, q12, q15, q18, q21, q24, q27, q33, q36, q39 "
    .. "and 6 more")
  lu.assertStrContains(text, "\nbroken q10, q20, q40, q50")
  text = tostring(lg.compare { but(third), but(third), data = rows(5), metric = lg.metric.exact })
  lu.assertStrContains(text, "not shown: +0.000")
  lu.assertNotStrContains(text, "fixed  ")
end

function TestCompare.test_graded_scores_and_a_field()
  local function graded(off)
    return function(row) return tostring((row.label or 0) + off) end
  end
  local data = {}
  for i = 1, 12 do data[i] = { label = i } end
  local r = lg.compare { graded(0.5), graded(0.25), data = data, field = "label",
    metric = function(out, row) return 1 - math.abs(tonumber(out) - tonumber(row.answer)) end }
  lu.assertEquals({ r.test, r.shown, #r.fixed }, { "sign-flip", true, 12 })
  lu.assertAlmostEquals(r.gain, 0.25, 1e-12)
  lu.assertAlmostEquals(r.p, 1 / 4096, 1e-12)
  lu.assertTrue(r.low < 0.25 and r.high > 0.25)
end

-- A row that one of the two has no score for counts for neither.
function TestCompare.test_failing_rows()
  local function breaks(row)
    if row.question == "2" then error "broken row" end
    return row.question
  end
  local spec = { breaks, but(third), data = rows(6), metric = lg.metric.exact }
  helper.fails("script", "broken row", lg.compare, spec)
  spec.on_error = "skip"
  local r = lg.compare(spec)
  lu.assertEquals({ r.n, r.a.n, r.b.n, r.a.errors, r.b.errors }, { 5, 5, 6, 1, 0 })
  lu.assertEquals(places(r.broken), { 3, 6 }) -- places of rows, not of pairs
  spec.on_error = "zero"
  r = lg.compare(spec)
  lu.assertEquals({ r.n, places(r.fixed), places(r.broken) }, { 6, { 2 }, { 3, 6 } })
  local none = lg.compare { function() error "x" end, but(third), data = rows(2),
    metric = lg.metric.exact, on_error = "skip" }
  lu.assertEquals({ none.n, none.shown, none.gain }, { 0, false, nil })
  lu.assertStrContains(tostring(none), "no row has two scores")
end

-- Both programs and all rows wait until all have started.
function TestCompare.test_everything_runs_at_the_same_time()
  local m = lg.model(function(request) return request.messages[1].content end)
  local started, seen = 0, {}
  local function program(which)
    return function(row)
      started = started + 1
      local text = m(which .. row.question):text()
      seen[#seen + 1] = started
      return text
    end
  end
  lg.compare { program "a", program "b", data = rows(10), metric = lg.metric.exact }
  lu.assertEquals(#seen, 20)
  for _, n in ipairs(seen) do lu.assertEquals(n, 20) end
end

function TestCompare.test_concurrency_is_rows_at_the_same_time()
  local m = lg.model(function(request) return request.messages[1].content end)
  local now, most = 0, 0
  local function program(row)
    now = now + 1
    most = math.max(most, now)
    local text = m(row.question .. now):text()
    now = now - 1
    return text
  end
  lg.compare { program, program, data = rows(10), metric = lg.metric.exact, concurrency = 2 }
  lu.assertEquals(most, 4)
end

-- An equal question of both is one call.
function TestCompare.test_equal_questions_are_asked_once()
  local asked = 0
  local m = lg.model(function(request)
    asked = asked + 1
    return request.messages[1].content
  end)
  local function program(row) return m(row.question) end
  local r = lg.compare { program, program, data = rows(8), metric = lg.metric.exact }
  lu.assertEquals({ asked, r.a.mean, r.b.mean, #r.fixed }, { 8, 1, 1, 0 })
end

function TestCompare.test_two_candidates_of_one_program()
  local prompt = lg.param("no", "prompt")
  local function program(row) return prompt:text() == "yes" and row.question or "?" end
  local r = lg.compare { program = program, a = {}, b = { [prompt] = "yes" }, data = rows(8),
    metric = lg.metric.exact }
  lu.assertEquals({ r.a.mean, r.b.mean, r.shown }, { 0, 1, true })
  lu.assertEquals(prompt:text(), "no")
end

function TestCompare.test_misuse()
  local a, exact = but(third), lg.metric.exact
  helper.fails("inval", nil, lg.compare)
  helper.fails("inval", { field = "b" }, lg.compare, { a, data = rows(2), metric = exact })
  helper.fails("inval", { field = "metric" }, lg.compare, { a, a, data = rows(2) })
  helper.fails("inval", { field = "datas" }, lg.compare, { a, a, datas = rows(2), data = rows(2),
    metric = exact })
  helper.fails("inval", { field = "alpha" }, lg.compare, { a, a, data = rows(2), metric = exact,
    alpha = 2 })
  helper.fails("inval", { field = "on_error" }, lg.compare, { a, a, data = rows(2), metric = exact,
    on_error = "ignore" })
  helper.fails("inval", { field = "a" }, lg.compare, { a, {}, program = a, data = rows(2),
    metric = exact })
  helper.fails("inval", "empty", lg.compare, { a, a, data = {}, metric = exact })
end

os.exit(lu.LuaUnit.run())
