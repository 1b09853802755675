-- test_optimize.lua - lg.optimize: both doors, what it keeps, the budget, and that who is quicker
-- decides nothing

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local hash = require "lunagrad.world.hash"

lg.configure { virtual_clock = true }

-- ---- a world ---------------------------------------------------------------------

-- A share of 0 to 1 that the texts decide.
local function share(...) return hash.text(table.concat({ ... }, "|")) % 10000 / 10000 end

-- A program is right on a row when the prompt's quality (its number of plus signs, an eighth each)
-- is above the row's difficulty; `wait` says how long an answer takes.
local function world(wait)
  local prompt = lg.param("prompt ", "system prompt")
  local asked = {}
  local model = lg.model(function(request)
    local system, question = request.messages[1].content, request.messages[2].content
    asked[#asked + 1] = system .. "|" .. question
    if wait then lg.sleep(wait(system, question)) end
    local _, quality = system:gsub("%+", "")
    return (0.1 + quality / 8 > share("difficulty", question)) and "right" or "wrong"
  end, "model")
  local function program(row) return model { row.question, system = prompt } end
  return { prompt = prompt, program = program, asked = asked }
end

local function rows(name, n)
  local list = {}
  for i = 1, n do list[i] = { question = name .. i, answer = "right", id = name .. i } end
  return list
end

-- Adds or takes a sign, in the order that the proposal's generator says.
local function walker(wait)
  return { name = "walk", propose = function(parent, batch, context)
    assert(#batch > 0)
    if wait then lg.sleep(wait("walk", tostring(context.sample))) end
    local text = parent.texts[1]
    if context.rng:float() < 0.6 then return { text .. "+" .. context.rng:int(1, 3) } end
    return { (text:gsub("%+%d?", "", 1)) .. "-" .. context.rng:int(1, 3) }
  end }
end

local function search(more, wait)
  local w = world(wait)
  local spec = { program = w.program, params = { w.prompt }, metric = lg.metric.exact,
    train = rows("train", 20), val = rows("val", 30), operators = { walker(wait) },
    budget = { evaluations = 500 }, seed = 7 }
  for name, value in pairs(more or {}) do spec[name] = value end
  return lg.optimize(spec), w
end

-- All that a result says, but for what is only shown.
local function told(result)
  local lines = {}
  for _, one in ipairs(result.proposals) do
    lines[#lines + 1] = table.concat({ one.number, one.operator, one.parent, tostring(one.kept),
      tostring(one.reason), one.texts and one.texts[1] or "", one.calls, one.evaluations,
      one.race and one.race:trace() or "" }, " ")
  end
  for _, one in ipairs(result.pool.list) do
    lines[#lines + 1] = table.concat({ one.idx, one.texts[1], one.mean, table.concat(one.parents,
      ",") }, " ")
  end
  lines[#lines + 1] = ("%d %d %s"):format(result.spent.calls, result.spent.evaluations,
    result.stopped)
  return table.concat(lines, "\n")
end

-- ---- what it does ------------------------------------------------------------------

TestOptimize = {}

function TestOptimize.test_it_gets_better_and_says_how()
  local result, w = search { test = rows("test", 40) }
  lu.assertTrue(result.best_score > result.seed_score + 0.3)
  lu.assertEquals(w.prompt:text(), result.texts[1])
  lu.assertEquals(result.best["system prompt"], result.texts[1])
  lu.assertTrue(result.claim.shown)
  lu.assertEquals(#result.claim.fixed, #result.claim.fixed_ids)
  lu.assertStrContains(result.claim.fixed_ids[1], "test")
  local upkeep = 0
  for _, one in ipairs(result.proposals) do upkeep = upkeep + (one.upkeep and 1 or 0) end
  lu.assertEquals(result.kept + result.dropped + upkeep, #result.proposals)
  lu.assertStrContains(tostring(result), "shown")
end

function TestOptimize.test_the_budget_is_kept_to_the_unit()
  for _, most in ipairs { 30, 45, 100, 333 } do
    local result, w = search { budget = { evaluations = most } }
    lu.assertTrue(result.spent.evaluations <= most, most)
    lu.assertEquals(result.spent.evaluations, result.spent.calls)
    lu.assertEquals(#w.asked, result.spent.calls) -- counted by who was asked
  end
  helper.fails("inval", { field = "evaluations" }, search, { budget = { evaluations = 29 } })
end

function TestOptimize.test_a_budget_of_calls()
  local result, w = search { budget = { calls = 200 } }
  lu.assertTrue(result.spent.calls <= 200 and result.spent.calls > 120)
  lu.assertEquals(#w.asked, result.spent.calls)
end

-- Said before validation is bought, where one example tells that it cannot be.
function TestOptimize.test_a_budget_that_does_not_reach_for_the_seed()
  local w = world()
  local function program(row)
    w.program({ question = row.question .. " first" }):text()
    return w.program(row)
  end
  local function run(calls)
    return lg.optimize { program = program, params = { w.prompt }, metric = lg.metric.exact,
      train = rows("train", 20), val = rows("val", 30), budget = { calls = calls },
      operators = { walker() } }
  end
  for _, calls in ipairs { 1, 59 } do
    local before = #w.asked
    helper.fails("inval", { field = "calls" }, run, calls)
    lu.assertEquals(#w.asked - before, 2)
  end
  lu.assertEquals(run(60).spent.calls, 60)
end

-- Near the top the examples that are missing are asked about first.
function TestOptimize.test_near_the_top_little_shows_that_nothing_is_gained()
  local w = world()
  w.prompt:set "prompt +++++++"
  local letter = { name = "letter", batch = false, propose = function(parent, _, context)
    return { parent.texts[1] .. context.sample }
  end }
  local result = lg.optimize { program = w.program, params = { w.prompt },
    metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 100),
    operators = { letter }, budget = { evaluations = 300, proposals = 5 }, seed = 7 }
  local missing = math.floor(100 * (1 - result.seed_score) + 0.5)
  lu.assertTrue(missing > 0 and missing <= 6, missing)
  lu.assertEquals(#result.proposals, 5)
  for _, one in ipairs(result.proposals) do
    lu.assertEquals({ one.race.at, one.evaluations }, { missing, missing })
    lu.assertEquals(one.reason, "curtailed")
  end
end

function TestOptimize.test_near_the_top_what_fixes_and_breaks_nothing_is_kept()
  local w = world()
  w.prompt:set "prompt +++++++"
  local adder = { name = "adder", batch = false, propose = function(parent)
    return { parent.texts[1] .. "+" }
  end }
  local result = lg.optimize { program = w.program, params = { w.prompt },
    metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 100),
    operators = { adder }, budget = { evaluations = 300, proposals = 1 }, seed = 7 }
  lu.assertEquals({ result.kept, result.best_score, result.spent.evaluations }, { 1, 1, 200 })
end

-- Who is named first begins; a parent that solves all that it learns from is left to operators that
-- look at no batch.
function TestOptimize.test_who_proposes()
  local function noop(name, batch)
    return { name = name, batch = batch, propose = function(parent, _, context)
      return { parent.texts[1] .. name .. context.sample }
    end }
  end
  for seed = 1, 5 do
    local result = search { operators = { noop("one"), noop("two", false) }, seed = seed,
      budget = { proposals = 1 } }
    lu.assertEquals(result.proposals[1].operator, "one")
  end
  local w, counts = world(), {}
  w.prompt:set "prompt +++++++"
  local result = lg.optimize { program = w.program, params = { w.prompt },
    metric = lg.metric.exact, train = { { question = "train1", answer = "right" } },
    val = rows("val", 100), operators = { noop("one"), noop("two", false) },
    budget = { proposals = 30 }, seed = 7 }
  for _, one in ipairs(result.proposals) do
    counts[one.operator] = (counts[one.operator] or 0) + 1
  end
  lu.assertEquals(counts, { one = 1, two = 29 })
end

-- What was kept early counts, though there is no money left to look at all of it.
function TestOptimize.test_what_was_kept_early_is_given_back()
  local adder = { name = "adder", propose = function(parent)
    return { parent.texts[1] .. "++++++" }
  end }
  local w = world()
  local result = lg.optimize { program = w.program, params = { w.prompt },
    metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 100),
    operators = { adder }, budget = { evaluations = 130 }, seed = 7 }
  lu.assertEquals({ result.kept, result.best_idx }, { 1, 1 })
  lu.assertEquals(w.prompt:text(), "prompt ++++++")
  lu.assertTrue(result.best_seen < 40)
  lu.assertTrue(result.best_score > result.seed_score and result.best_score <= 1)
  lu.assertStrContains(tostring(result), "of 100 examples say")
end

-- What children take more than the seed is learned from the first of them: a window of eight is
-- on its way by then.
function TestOptimize.test_a_budget_of_calls_where_children_take_more()
  for _, most in ipairs { 170, 250, 400 } do
    local w = world()
    local function program(row)
      local more = w.prompt:text():find("+", 1, true) and 3 or 0
      for i = 1, more do w.program({ question = row.question .. "/" .. i }):text() end
      return w.program(row)
    end
    local result = lg.optimize { program = program, params = { w.prompt },
      metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 30), seed = 7,
      operators = { walker() }, budget = { calls = most } }
    lu.assertTrue(result.spent.calls <= most + 8 * 3, result.spent.calls)
  end
end

function TestOptimize.test_what_an_operator_tries_at_once_counts()
  local denied = 0
  local curious = { name = "curious", batch = false, propose = function(parent, _, context)
    for _, one in ipairs(lg.map(rows("train", 60), function(_, i)
      return context.tried(context.pool.list[1], i) or false
    end)) do
      denied = denied + (one and 0 or 1)
    end
    return { parent.texts[1] .. "+" }
  end }
  local result = search { operators = { curious }, train = rows("train", 60),
    budget = { evaluations = 60 } }
  lu.assertTrue(result.spent.evaluations <= 60, result.spent.evaluations)
  lu.assertTrue(denied > 0)
end

function TestOptimize.test_completing_is_not_dropping()
  local adder = { name = "adder", propose = function(parent)
    return { parent.texts[1] .. "++++" }
  end }
  local result = search { operators = { adder }, stop = { score = 1 } }
  local upkeep = 0
  for _, one in ipairs(result.proposals) do
    if one.operator == "complete" then
      lu.assertTrue(one.upkeep)
      upkeep = upkeep + 1
    end
  end
  lu.assertTrue(upkeep > 0)
  lu.assertEquals(result.kept + result.dropped, #result.proposals - upkeep)
  for _, one in ipairs(result.proposals) do lu.assertNil(one.race and one.race.parent) end
end

function TestOptimize.test_nothing_is_asked_twice()
  local _, w = search { headroom = false }
  local seen = {}
  for _, one in ipairs(w.asked) do
    lu.assertNil(seen[one])
    seen[one] = true
  end
end

-- ---- who is quicker ------------------------------------------------------------------

TestOrder = {}

function TestOrder.test_latencies_decide_nothing()
  local wanted
  for trial = 1, 6 do
    local wait = trial > 1 and function(...)
      return share(tostring(trial), ...) * (trial == 2 and 0 or 3)
    end or nil
    local result = search({ lag = 5 }, wait)
    wanted = wanted or told(result)
    lu.assertEquals(told(result), wanted, "trial " .. trial)
  end
end

-- The editor never finds the tags, and manages JSON: that is learned in the order of decisions.
function TestOrder.test_who_asks_an_editor_first()
  local function run(trial)
    local n = 0
    local editor = lg.model(function(request)
      local text = {}
      for i, one in ipairs(request.messages) do text[i] = one.content end
      text = table.concat(text, "|")
      lg.sleep(0.01)
      n = n + 1
      if not request.schema then return "no tags " .. share(text) end
      return ('{"new_text": "prompt %s, right, %d"}'):format(("+"):rep(hash.text(text) % 4),
        hash.text(text) % 1000)
    end, "editor")
    local result = search({ lag = 4, operators = { "reflect", "gradient" }, model = editor,
      budget = { proposals = 8 } }, function(...) return share(tostring(trial), ...) end)
    return told(result) .. "\n" .. n
  end
  local wanted = run(1)
  for trial = 2, 6 do lu.assertEquals(run(trial), wanted, "trial " .. trial) end
end

function TestOrder.test_proposals_run_beside_each_other()
  local running, most = 0, 0
  local beside = { name = "beside", propose = function(parent, _, context)
    running = running + 1
    most = math.max(most, running)
    lg.sleep(1)
    running = running - 1
    return { parent.texts[1] .. context.sample }
  end }
  search { lag = 4, operators = { beside } }
  lu.assertEquals(most, 4)
end

function TestOrder.test_each_seed_is_another_search()
  lu.assertNotEquals(told((search { seed = 1 })), told((search { seed = 2 })))
  lu.assertEquals(told((search { seed = 1 })), told((search { seed = 1 })))
end

-- ---- stopping --------------------------------------------------------------------------

TestStop = {}

function TestStop.test_conditions()
  lu.assertEquals(search({ stop = { score = 0.3 } }).stopped, "score")
  lu.assertEquals(search({ stop = { patience = 1 } }).stopped, "patience")
  local result = search { stop = function(state) return state.decided >= 3 end }
  lu.assertEquals({ result.stopped, #result.proposals }, { "stop", 3 })
  result = search { budget = { proposals = 2 } }
  lu.assertEquals({ result.stopped, #result.proposals }, { "proposals", 2 })
  lu.assertEquals(search({ budget = { time = 1e9, evaluations = 60 } }).stopped, "budget")
  local function slow() return 0.01 end -- half a second has more than whole ones
  result = search({ budget = { time = 0.2, evaluations = 5000 } }, slow)
  lu.assertEquals(result.stopped, "time")
  local ok, problem = pcall(search, { select = function() return nil end })
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "select")
end

function TestStop.test_an_operator_without_ideas()
  local result = search { operators = { { name = "none", propose = function()
    return nil, "no idea"
  end } } }
  lu.assertEquals({ result.stopped, result.kept }, { "nothing new", 0 })
  lu.assertEquals(result.proposals[1].reason, "no idea")
end

function TestStop.test_errors_come_out_with_what_was_reached()
  local n = 0
  local ok, problem = pcall(search, { operators = { { name = "bad", propose = function(parent)
    n = n + 1
    if n == 3 then error "broken" end
    return { parent.texts[1] .. "+" }
  end } } })
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "broken")
  lu.assertTrue(problem.result.best_score >= problem.result.seed_score)
end

-- What goes wrong while something is decided is not swallowed: the script's own functions run there.
function TestStop.test_what_listens_may_fail()
  local function bad(event)
    if event.kind == "kept" or event.kind == "dropped" then error "deaf" end
  end
  for _, more in ipairs { { on_event = bad }, { stop = function(state)
    if state.decided == 2 then error "deaf" end
  end } } do
    for _, lag in ipairs { 1, 4 } do
      more.lag = lag
      local ok, problem = pcall(search, more)
      lu.assertFalse(ok)
      lu.assertStrContains(tostring(problem), "deaf")
    end
  end
end

-- Work that a decision overtakes was bought all the same.
function TestStop.test_what_was_bought_beside_the_end_is_counted()
  for _, stop in ipairs { { patience = 2 }, { when = function(s) return s.decided == 3 end } } do
    local result, w = search({ lag = 6, stop = stop }, function() return 0.01 end)
    local beside = result.spent.beside
    lu.assertTrue(beside.calls > 0 and beside.evaluations == beside.calls)
    lu.assertEquals(result.spent.calls + beside.calls, #w.asked)
    lu.assertStrContains(tostring(result), "on their way")
  end
  lu.assertNil(search({ lag = 1 }).spent.beside)
end

-- The third proposal fails at once, the first is slow and ends the search.
function TestStop.test_the_error_of_what_is_never_decided()
  local slow = { name = "slow", batch = false, propose = function(parent, _, context)
    if context.sample == 3 then error "too early" end
    lg.sleep(context.sample == 1 and 5 or 1)
    return { parent.texts[1] .. context.sample }
  end }
  local result = search { lag = 4, operators = { slow },
    stop = function(state) return state.decided == 1 end }
  lu.assertEquals({ result.stopped, #result.proposals }, { "stop", 1 })
  local ok, problem = pcall(search, { lag = 4, operators = { slow } })
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "too early")
  lu.assertEquals(#problem.result.proposals, 2)
end

function TestStop.test_why_there_is_no_claim()
  local nothing = { { name = "none", propose = function() return nil, "no idea" end } }
  lu.assertStrContains(tostring(search { operators = nothing }), "no claim: there is no test set")
  local result = search { operators = nothing, test = rows("test", 9) }
  lu.assertStrContains(tostring(result), "no claim: nothing was kept")
end

function TestStop.test_an_operator_of_rubbish()
  local given = { 3, {}, { 4 }, { "" }, { "prompt " } }
  local n = 0
  local result = search { operators = { { name = "odd", propose = function()
    n = n % #given + 1
    return given[n]
  end } }, budget = { proposals = 5 } }
  lu.assertEquals(result.kept, 0)
end

-- ---- a picture among the parameters ------------------------------------------------------

local PNG = "\137PNG\r\n\26\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\8\2\0\0\0" .. ("\0"):rep(40)

function TestOptimize.test_a_picture_stays_as_it_is()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(PNG)
  file:close()
  local picture, w = lg.param(lg.image(path), "picture"), world()
  os.remove(path)
  local result = lg.optimize { params = { picture, w.prompt }, program = function(row)
    assert(picture.media == "image/png")
    return w.program(row)
  end, metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 30),
    operators = { { name = "adder", propose = function(parent)
      return { parent.texts[1], parent.texts[2] .. "+" }
    end } }, budget = { evaluations = 300 } }
  lu.assertTrue(result.best_score > result.seed_score)
  lu.assertEquals({ picture.media, w.prompt:text() }, { "image/png", result.texts[2] })
  helper.fails("inval", { field = "params" }, lg.optimize, { params = { picture },
    program = print, metric = print, train = rows("train", 2) })
  helper.fails("inval", { field = "method" }, lg.optimize, { params = { picture, w.prompt },
    program = print, metric = print, train = rows("train", 2), method = "mipro" })
  helper.fails("inval", { field = "start" }, lg.optimize, { start = picture, role = "x",
    evaluate = print })
end

-- Rows of a file refuse fields that they lack, and an id is one that few have.
function TestOptimize.test_rows_of_a_file_need_no_id()
  local lines = {}
  for i = 1, 12 do lines[i] = ('{"question": "%d", "answer": "%d"}'):format(i, i) end
  local train, val, test = lg.data.jsonl_text(table.concat(lines, "\n")):split { 4, 4, 4 }
  local prompt = lg.param("say", "prompt")
  local result = lg.optimize { program = function(row) return prompt .. row.question end,
    params = { prompt }, train = train, val = val, test = test,
    metric = function(output) return #output / 100 end, budget = { evaluations = 30 }, seed = 1,
    operators = { { name = "grows", propose = function(parent)
      return { parent.texts[1] .. "y" }
    end } } }
  lu.assertNotNil(result.claim)
  lu.assertTrue(result.best_score > result.seed_score)
end

-- ---- objectives ----------------------------------------------------------------------

function TestOptimize.test_objectives_of_a_program()
  local said = {}
  local function both(output)
    return { right = output == "right" and 1 or 0, short = 0.5, feedback = "say right" }
  end
  local result = search { metric = both, front = "objective", weights = { right = 1 },
    operators = { { name = "hears", propose = function(parent, batch)
      said[#said + 1] = batch[1].feedback
      return { parent.texts[1] .. "+" }
    end } } }
  lu.assertTrue(result.best_score > result.seed_score)
  lu.assertEquals(result.pool:get(0).objectives[1].short, 0.5)
  lu.assertEquals(said[1], "say right")
  local ok, problem = pcall(search, { metric = both, weights = { rihgt = 1 } })
  lu.assertFalse(ok)
  lu.assertStrContains(tostring(problem), "right, short")
end

-- ---- one artefact ------------------------------------------------------------------------

TestArtefact = {}

local function adds(sign)
  return { name = "adds", batch = false, propose = function(parent)
    return { parent.texts[1] .. sign }
  end }
end

function TestArtefact.test_without_examples()
  local result = lg.optimize { start = "a", role = "row of a", operators = { adds "a" },
    evaluate = function(text) return -math.abs(#text - 5), "make it five" end,
    budget = { evaluations = 20 } }
  lu.assertEquals({ result.artefact, result.best_score }, { "aaaaa", 0 })
end

function TestArtefact.test_parts_by_name_and_objectives()
  local result = lg.optimize { start = { head = "h", tail = "t" }, role = { head = "the head",
    tail = "the tail" }, front = "objective",
    operators = { { name = "both", propose = function(parent, batch)
      lu.assertEquals(batch[1].feedback, "more")
      return { parent.texts[1] .. "+", parent.texts[2] }
    end } },
    evaluate = function(parts, example)
      return { length = math.min(#parts.head / 4, 1), fixed = example.x }, "more"
    end,
    examples = { { x = 0.5 }, { x = 0.25 } }, budget = { evaluations = 40 } }
  lu.assertEquals(result.artefact, { head = "h+++", tail = "t" })
  lu.assertEquals(result.pool:best().objectives[2], { length = 1, fixed = 0.25 })
end

function TestArtefact.test_an_objective_alone_will_do()
  local editor = lg.model(function(request)
    local user = request.messages[#request.messages].content
    lu.assertStrContains(user, "a row of five letters")
    return "<NEW_VARIABLE>first words</NEW_VARIABLE>"
  end, "editor")
  local seen
  local result = lg.optimize { objective = "a row of five letters", model = editor,
    operators = { adds "a" }, budget = { evaluations = 12, calls = 50 },
    evaluate = function(text)
      seen = seen or text
      return -math.abs(#text - 14)
    end }
  lu.assertEquals({ seen, result.artefact, result.spent.calls }, { "first words",
    "first wordsaaa", 1 })
  local dumb = lg.model(function() return "no idea" end, "dumb")
  helper.fails("parse", "give a start", lg.optimize, { objective = "x", model = dumb,
    operators = { adds "a" }, evaluate = function() return 1 end })
end

function TestArtefact.test_errors_count_as_zero_where_wanted()
  local result = lg.optimize { start = "1", role = "a Lua expression", on_error = "zero",
    operators = { adds "+1", }, budget = { evaluations = 12 },
    evaluate = function(text)
      local value = load("return " .. text)()
      if value == 3 then error "three is broken" end
      return value / 10
    end }
  lu.assertEquals(result.artefact, "1+1")
end

-- ---- misuse --------------------------------------------------------------------------------

TestMisuse = {}

function TestMisuse.test_options()
  local p = lg.param("x", "y")
  local good = { program = print, params = { p }, metric = print, train = { {} } }
  local function with(more)
    local spec = {}
    for name, value in pairs(good) do spec[name] = value end
    for name, value in pairs(more) do spec[name] = value end
    return spec
  end
  helper.fails("inval", "expected a table", lg.optimize, 3)
  helper.fails("inval", { field = "method" }, lg.optimize, with { method = "gep" })
  helper.fails("inval", { field = "operators" }, lg.optimize, with { operators = { "gradnt" } })
  helper.fails("inval", { field = "operators" }, lg.optimize, with { operators = {} })
  helper.fails("inval", { field = "select" }, lg.optimize, with { select = "worst" })
  helper.fails("inval", { field = "lag" }, lg.optimize, with { lag = 0 })
  helper.fails("inval", { field = "start" }, lg.optimize, with { start = "x" })
  helper.fails("inval", { field = "evaluate" }, lg.optimize, { start = "x", role = "y" })
  helper.fails("inval", { field = "role" }, lg.optimize, { start = "x", evaluate = print })
  helper.fails("inval", { field = "train" }, lg.optimize, with { train = {} })
  helper.fails("inval", { field = "calls" }, lg.optimize, with { budget = { calls = 0 } })
  helper.fails("inval", "cals", lg.optimize, with { budget = { cals = 3 } })
  helper.fails("inval", "butget", lg.optimize, with { butget = {} })
  helper.fails("inval", { field = "seed" }, lg.optimize, with { seed = {} })
  local shared = { { question = "q", answer = "a" } }
  helper.fails("inval", { field = "test" }, lg.optimize, with { train = shared, test = shared })
  helper.fails("inval", { field = "test" }, lg.optimize, with { val = shared,
    test = { { question = "r" }, shared[1] } })
  -- before anything is spent
  helper.fails("inval", { field = "alpha" }, lg.optimize, with { alpha = 2 })
  helper.fails("inval", { field = "delta" }, lg.optimize, with { delta = 2 })
  helper.fails("inval", { field = "beta" }, lg.optimize, with { beta = -1 })
  helper.fails("inval", { field = "perfect" }, lg.optimize, with { perfect = 0 / 0 })
  helper.fails("inval", { field = "weights" }, lg.optimize, with { weights = { x = -1 } })
  helper.fails("inval", { field = "params" }, lg.optimize, with { params = { p, p } })
end

os.exit(lu.LuaUnit.run())
