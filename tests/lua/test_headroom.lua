-- test_headroom.lua - what is said before a search begins: noise, whether the text matters, the
-- smallest gain that can be shown, and what is bought for that

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local command = require "command"
local core = require "lunagrad.core"
local crude = require "lunagrad.improve.crude"
local loop = require "lunagrad.loop"
local reports = require "lunagrad.improve.headroom_report"
local hash = require "lunagrad.world.hash"

local dir = os.tmpname()
os.remove(dir)
lg.configure { virtual_clock = true, store = dir }

local function share(...) return hash.text(table.concat({ ... }, "|")) % 10000 / 10000 end

-- ---- crude variants --------------------------------------------------------------

TestCrude = {}

local function texts_of(text, role)
  local list = {}
  for _, one in ipairs(crude.variants({ text }, { role or "the role" })) do
    list[one.name] = one.texts[1]
  end
  return list
end

function TestCrude.test_each()
  lu.assertEquals(texts_of "Be kind. Answer!\tCount twice?", { emptied = "the role",
    ["step by step"] = "Be kind. Answer!\tCount twice?\n\nThink step by step.",
    reversed = "Count twice? Answer! Be kind." })
  lu.assertEquals(texts_of("One. Two. three").reversed, "three Two. One.")
  lu.assertEquals(texts_of("a\nb. c\n\nd\n").reversed, "d\nb. c\na")
  lu.assertEquals(texts_of("count the fruit").reversed, "fruit the count")
end

function TestCrude.test_what_would_be_the_same_is_left_out()
  lu.assertNil(texts_of("word").reversed)
  lu.assertNil(texts_of("word", "word").emptied)
  lu.assertEquals(texts_of "", { emptied = "the role", ["step by step"] = "Think step by step." })
end

function TestCrude.test_several_are_changed_at_once_and_only_texts()
  local picture = {}
  local list = crude.variants({ "a b", picture, "c d" }, { "x", "y", "z" })
  lu.assertEquals(list[3].texts, { "b a", picture, "d c" })
  lu.assertEquals(list[2].texts, { "x", picture, "z" })
  lu.assertEquals(crude.variants({ picture }, { "y" }), {})
end

-- ---- arithmetic --------------------------------------------------------------------

TestFigures = {}

local NAMES = { "as it is", "again", "step by step", "emptied", "reversed" }

local function report(draws, more)
  local asked = { at = {}, draws = {}, failed = {}, per = 1 }
  for k = 1, #draws[1] do asked.at[k] = k end
  for d, scores in ipairs(draws) do
    local results = {}
    for k, score in ipairs(scores) do results[k] = { score = score, calls = 1 } end
    asked.draws[d] = { name = NAMES[d], scores = scores, results = results }
  end
  local what = { asked = asked, n = 100, test = 50, limits = { evaluations = 2000 }, seed = 0,
    batch = 8, evaluations = 2000 }
  for name, value in pairs(more or {}) do what[name] = value end
  return reports.new(what)
end

local function drawn(n, draws, chance)
  local r, list = lg.rng.new(n), {}
  for d = 1, draws do
    list[d] = {}
    for k = 1, 12 do list[d][k] = r:float() < chance(d, k) and 1 or 0 end
  end
  return list
end

function TestFigures.test_noise_alone_is_seldom_taken_for_more()
  local yes, no = 0, 0
  for n = 1, 100 do
    local found = report(drawn(n, 5, function() return 0.5 end))
    yes, no = yes + (found.matters == "yes" and 1 or 0), no + (found.matters == "no" and 1 or 0)
    lu.assertTrue(found.noise > 0 and found.changes > found.noise - 1e-9)
  end
  lu.assertTrue(yes <= 11, yes) -- 5% are allowed: more than 11 of 100 come once in 200 times
  lu.assertEquals(no, 0)
end

function TestFigures.test_what_is_more_than_noise_is_found()
  local yes = 0
  for n = 1, 40 do
    local found = report(drawn(n, 5, function(d) return d > 2 and 0.05 or 0.9 end))
    yes = yes + (found.matters == "yes" and 1 or 0)
  end
  lu.assertTrue(yes >= 30, yes)
end

function TestFigures.test_without_noise_and_without_an_effect()
  local same = { 1, 0, 1, 1 }
  local found = report { same, same, same, same }
  lu.assertEquals({ found.noise, found.changes, found.matters, found.p }, { 0, 0, "no", 1 })
  lu.assertTrue(found.smallest.validation > 0.05 and found.smallest.validation < 0.3)
  lu.assertStrContains(tostring(found), "at most 53%") -- what 4 equal pairs leave possible
  lu.assertNil(tostring(found):find "nan")
end

function TestFigures.test_without_noise_and_with_an_effect()
  local a, b = { 1, 1, 1, 1, 0, 0, 0, 0 }, { 0, 0, 0, 0, 1, 0, 0, 0 }
  local found = report { a, a, b, b, b }
  lu.assertEquals({ found.noise, found.changes, found.matters }, { 0, 5 / 8, "yes" })
  lu.assertTrue(found.p < 0.05)
  found = report { a, a, { 1, 1, 1, 0, 0, 0, 0, 0 } }
  lu.assertEquals(found.matters, "unclear") -- one example is not enough to say so
end

function TestFigures.test_what_differs_decides_what_can_be_shown()
  local a = { 1, 1, 1, 1, 0, 0, 0, 0 }
  local little = report { a, a, a }
  local much = report { a, { 0, 0, 1, 1, 1, 1, 0, 0 }, a }
  lu.assertAlmostEquals(much.differ, 0.5, 1e-9)
  lu.assertTrue(much.smallest.validation > little.smallest.validation)
  lu.assertTrue(much.smallest.test > much.smallest.validation)
  lu.assertNil(report({ a, a, a }, { n = 4 }).smallest.validation)
  lu.assertStrContains(tostring(report({ a, a }, { test = 0 })), "without a test set")
end

function TestFigures.test_graded_and_unbounded_scores()
  local found = report { { 0.5, 0.25 }, { 0.5, 0.35 }, { 0.6, 0.25 } }
  lu.assertEquals(found.noise, 0.5)
  lu.assertTrue(found.smallest.validation > 0)
  found = report { { 5, -1 }, { 5, -1 }, { 7, -1 } }
  lu.assertNil(found.smallest.validation)
  lu.assertStrContains(tostring(found), "not from 0 to 1")
end

function TestFigures.test_nothing_asked()
  local found = reports.new { n = 30, test = 0, limits = { cost = 2, time = 60 }, batch = 3 }
  lu.assertEquals({ found.measured, #found:lines(), found.bought.evaluations }, { false, 2, 0 })
  lu.assertStrContains(tostring(found), "until $2.00 are spent, until 60 s are spent")
  found = reports.new { n = 30, test = 0, limits = { evaluations = 50 }, batch = 3,
    evaluations = 50 }
  lu.assertStrContains(tostring(found), "below two looks at validation")
end

function TestFigures.test_money()
  local a = { 1, 0 }
  local found = report({ a, a, a }, { micros = 500 })
  lu.assertAlmostEquals(found.cost, found.calls * 500 / 1e6, 1e-9)
  lu.assertTrue(found.calls > 2000)
  lu.assertStrContains(tostring(found), "about $1.")
  lu.assertNil(report({ a, a, a }).cost)
end

-- ---- lg.headroom -----------------------------------------------------------------------

TestHeadroom = {}

-- Right where the text's luck on the question says so; `noise`: of the draw as well.
local worlds = 0 -- each has a model of its own name, which nothing is served for from the store

local function world(noise, matters)
  worlds = worlds + 1
  local w = { prompt = lg.param("Answer. Be brief.", "system prompt"), asked = 0, seen = {} }
  local model = lg.model(function(request)
    w.asked = w.asked + 1
    local system, question = request.messages[1].content, request.messages[2].content
    local key = system .. "|" .. question .. "|" .. (request.sample or 0)
    lu.assertNil(w.seen[key])
    w.seen[key] = true
    if w.breaks and system:find(w.breaks, 1, true) then error "broken" end
    local luck = share(question, matters and system or "", noise and request.sample or "")
    return luck > 0.5 and "right" or "wrong"
  end, "world " .. worlds)
  w.spec = { program = function(row) return model { row.question, system = w.prompt } end,
    params = { w.prompt }, metric = lg.metric.exact, val = {}, budget = { evaluations = 400 } }
  for i = 1, 40 do w.spec.val[i] = { question = "q" .. i, answer = "right" } end
  return w
end

function TestHeadroom.test_five_draws_of_each_example()
  local w = world(false, true)
  local found = lg.headroom(w.spec)
  lu.assertEquals({ found.bought.evaluations, found.bought.calls, w.asked }, { 60, 60, 60 })
  lu.assertEquals({ #found.examples, found.noise, found.matters }, { 12, 0, "yes" })
  lu.assertEquals(w.prompt:text(), "Answer. Be brief.")
  lu.assertEquals(#found:lines(), 6)
end

function TestHeadroom.test_a_program_that_is_only_noise()
  local w = world(true, false)
  w.spec.examples = 30
  local found = lg.headroom(w.spec)
  lu.assertTrue(found.noise > 0.2)
  lu.assertNotEquals(found.matters, "yes")
end

function TestHeadroom.test_a_variant_that_breaks_the_program_is_left_out()
  local w = world(false, true)
  w.breaks = "Think step by step"
  local found = lg.headroom(w.spec)
  lu.assertEquals(found.failed, { "step by step" })
  lu.assertNil(found.scores["step by step"])
  lu.assertStrContains(tostring(found), "failed: step by step")
  w = world(false, true)
  w.breaks = "Answer."
  helper.fails("tool", "broken", lg.headroom, w.spec)
end

function TestHeadroom.test_few_examples_and_no_budget()
  local w = world(false, true)
  w.spec.val, w.spec.budget = { { question = "one", answer = "right" } }, nil
  local found = lg.headroom(w.spec)
  lu.assertEquals({ #found.examples, found.evaluations }, { 1, 20 })
  lu.assertNil(found.smallest.validation)
  lu.assertNil(tostring(found):find "nan")
end

function TestHeadroom.test_misuse()
  local function with(name, value)
    local spec = world().spec
    spec[name] = value
    return spec
  end
  helper.fails("inval", { field = "examples" }, lg.headroom, with("examples", 0))
  helper.fails("inval", { field = "val" }, lg.headroom, with("val", {}))
  helper.fails("inval", { field = "params" }, lg.headroom, with("params", { 3 }))
  helper.fails("inval", { field = "params" }, lg.headroom, with("params", {}))
  helper.fails("inval", { field = "calls" }, lg.headroom, with("budget", { calls = 0 }))
  helper.fails("inval", { field = "exmples" }, lg.headroom, with("exmples", 3))
end

-- ---- in a search -------------------------------------------------------------------------

TestSearch = {}

local function optimize(w, more)
  local spec = { train = w.spec.val, operators = { { name = "walk", batch = false,
    propose = function(parent, _, context)
      return { parent.texts[1] .. " " .. context.rng:int(1, 1000000) }
    end } } }
  for name, value in pairs(w.spec) do spec[name] = value end
  for name, value in pairs(more or {}) do spec[name] = value end
  return lg.optimize(spec)
end

-- The world itself fails when the same is asked twice.
function TestSearch.test_what_is_asked_before_it_counts_and_is_bought_once()
  for _, more in ipairs { { headroom = true }, { headroom = { examples = 5 } },
    { headroom = true, budget = { calls = 300 } } } do
    local w = world(true, true)
    local result = optimize(w, more)
    local most = more.budget and 300 or 400
    lu.assertTrue(result.headroom.measured and result.spent.evaluations <= most)
    lu.assertEquals({ result.spent.evaluations, result.spent.calls }, { w.asked, w.asked })
  end
end

function TestSearch.test_when_it_asks()
  local function looks(more)
    local w = world(false, true)
    local result = optimize(w, more)
    return result.headroom.measured and #result.headroom.examples or 0
  end
  lu.assertEquals(looks { budget = { evaluations = 1000 } }, 12)
  lu.assertEquals(looks { budget = { evaluations = 800 } }, 12)
  lu.assertEquals(looks { budget = { evaluations = 799 } }, 0) -- below twenty passes
  lu.assertEquals(looks { headroom = true }, 12)
  lu.assertEquals(looks { budget = { proposals = 2 } }, 0)
  lu.assertEquals(looks { headroom = false }, 0)
  lu.assertEquals(looks { headroom = { examples = 7 } }, 7)
  lu.assertEquals(looks { headroom = true, budget = { evaluations = 60 } }, 5) -- what fits
  lu.assertEquals(looks { headroom = true, budget = { evaluations = 40 } }, 0)
  helper.fails("inval", { field = "headroom" }, optimize, world(), { headroom = 3 })
  helper.fails("inval", { field = "examples" }, optimize, world(), { headroom = { examples = 0 } })
end

function TestSearch.test_an_artefact_is_not_asked_unless_wanted()
  local seen = {}
  local function play(headroom)
    return lg.optimize { start = "abc def", role = "a text", headroom = headroom,
      evaluate = function(text)
        seen[text] = true
        return #text / 100
      end, examples = { { x = 1 }, { x = 2 } }, budget = { evaluations = 60 },
      operators = { { name = "adds", batch = false, propose = function(parent)
        return { parent.texts[1] .. "+" }
      end } } }
  end
  lu.assertFalse(play(nil).headroom.measured)
  lu.assertNil(seen["def abc"])
  lu.assertTrue(play(true).headroom.measured)
  lu.assertTrue(seen["def abc"] and seen["a text"])
end

function TestSearch.test_it_is_told_first()
  local kinds, notes = {}, {}
  require("lunagrad.progress").on_event = function(event)
    if event.kind == "note" then notes[#notes + 1] = event.text end
  end
  local result = optimize(world(false, true), { on_event = function(event)
    kinds[#kinds + 1] = event.kind
    if event.kind == "headroom" then lu.assertTrue(event.headroom.measured) end
  end, headroom = true })
  require("lunagrad.progress").on_event = nil
  lu.assertEquals(table.concat(kinds, " ", 1, 3), "phase headroom phase")
  lu.assertEquals(notes, result.headroom:lines())
end

function TestSearch.test_it_stands_in_the_store()
  local result = optimize(world(true, true), { headroom = { examples = 10 } })
  local function query(sql, ...) return loop.engine():store_query(sql, ...) end
  local row = query("SELECT id, options FROM searches ORDER BY id DESC LIMIT 1")[1]
  local told = core.json_decode(row.options).headroom
  lu.assertEquals({ told.measured, told.noise, told.matters, #told.examples },
    { true, result.headroom.noise, result.headroom.matters, 10 })
  local phases = {}
  for _, one in ipairs(query("SELECT phase, count(*) AS n FROM scores WHERE search_id = ?"
    .. " AND candidate_idx IS NULL AND phase IS NOT NULL GROUP BY phase ORDER BY phase", row.id)) do
    phases[#phases + 1] = one.phase .. " " .. one.n
  end
  lu.assertEquals(phases, { "headroom, again 10", "headroom, emptied 10", "headroom, reversed 10",
    "headroom, step by step 10" })
end

-- ---- a dry run ---------------------------------------------------------------------------

TestDryRun = {}

local SCRIPT = [[
local m = lg.model "openai/gpt-4o-mini"
local rows = lg.data.list(lg.task.object_counting.generate(20, 1))
local prompt = lg.param("Answer. Be brief.", "system prompt")
local result = lg.optimize { program = function(row) return m { row.question, system = prompt } end,
  params = { prompt }, train = rows, val = rows, metric = lg.metric.number,
  test = lg.data.list(lg.task.object_counting.generate(20, 2)),
  budget = { evaluations = 400 }, operators = { "reflect" } }
assert(not result.headroom.measured)]]

function TestDryRun.test_the_plan_is_printed_and_what_sim_says_is_not()
  local got = command.run("-e", SCRIPT, "--dry-run")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.err, "plan: the search: at most 400 evaluations, about ")
  lu.assertStrContains(got.err, "with 20 validation examples")
  lu.assertNil(got.err:find "noise")
end

function TestDryRun.test_programs_are_told()
  local got, estimate = command.run("-e", SCRIPT, "--dry-run", "--json"), nil
  for line in got.out:gmatch "[^\n]+" do
    local event = lg.json.decode(line)
    if event.event == "estimate" then estimate = event end
  end
  local plan = estimate.searches[1]
  lu.assertEquals({ plan.measured, plan.evaluations, plan.noise }, { false, 400, nil })
  lu.assertEquals(plan.smallest.validation, plan.smallest.test)
  lu.assertTrue(estimate.calls >= 40) -- validation, and five draws of five rows
end

local failed = lu.LuaUnit.run()
os.execute("rm -rf '" .. dir .. "'")
os.exit(failed)
