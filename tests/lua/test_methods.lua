-- test_methods.lua - the methods by name: each gets better, keeps to its budget, repeats itself
-- whoever is quicker, and does what its source does

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local epochs = require "lunagrad.improve.epochs"
local hash = require "lunagrad.world.hash"
local loop = require "lunagrad.loop"

local dir = os.tmpname()
os.remove(dir)
lg.configure { virtual_clock = true, store = dir }

local METHODS = { "gepa", "tgd", "mipro", "opro", "best_of_n" }

-- ---- a world ---------------------------------------------------------------------

-- A share of 0 to 1 that the texts decide.
local function share(...) return hash.text(table.concat({ ... }, "|")) % 10000 / 10000 end

local function rows(name, n)
  local list = {}
  for i = 1, n do list[i] = { question = name .. i .. "?", answer = "right " .. name .. i } end
  return list
end

-- How good instructions are: the digits behind "care", and a little for each worked example.
local function quality(text)
  local care = tonumber(text:match "care (%d)") or 0
  local _, shown = text:gsub("\nInput:", "")
  return care / 10 + shown / 40
end

-- One model that plays all roles: it answers questions, criticises, writes and describes. `wait`
-- says how long it takes.
local function world(wait)
  local w = { prompt = lg.param("Answer with care 1", "system prompt"), asked = 0, edited = 0,
    said = {}, seen = {} }
  local function reply(request)
    local user = request.messages[#request.messages].content
    local all = {}
    for i, message in ipairs(request.messages) do all[i] = message.content end
    all = table.concat(all, "\n")
    if wait then lg.sleep(wait(all, tostring(request.sample))) end
    local question = user:match "^([a-z]+%d+)%?$"
    if question then
      w.asked = w.asked + (w.seen[all] and 0 or 1) -- what runs again is served, were it no function
      w.seen[all] = true
      local good = quality(request.messages[1].content) > share("difficulty", question)
      return (good and "right " or "wrong ") .. question
    end
    w.asked, w.edited, w.said[#w.said + 1] = w.asked + 1, w.edited + 1, request
    local tag
    for one in user:gmatch "<(NEW_VARIABLE[_%d]*)>" do tag = one end
    if not tag then return "It is to take more care." end
    local n = hash.text(all .. tostring(request.sample))
    return ("<%s>\nAnswer with care %d, as in case %d.\n</%s>"):format(tag, n % 8, n % 997, tag)
  end
  w.model = lg.model(reply, "world")
  function w.program(row) return w.model { row.question, system = w.prompt, role = "answer" } end
  return w
end

local function search(method, more, wait)
  local w = world(wait)
  local spec = { method = method, program = w.program, params = { w.prompt },
    metric = lg.metric.exact, model = w.model, backward = { model = w.model },
    train = rows("train", 20), val = rows("val", 60), budget = { evaluations = 500 }, seed = 7 }
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

local function operators_of(result)
  local count = {}
  for _, one in ipairs(result.proposals) do
    count[one.operator] = (count[one.operator] or 0) + 1
  end
  return count
end

-- ---- what all of them do -----------------------------------------------------------

TestAll = {}

for _, method in ipairs(METHODS) do
  TestAll["test_gets_better_" .. method] = function()
    local result, w = search(method)
    lu.assertTrue(result.best_score > result.seed_score + 0.15, tostring(result))
    lu.assertEquals(w.prompt:text(), result.texts[1])
    lu.assertEquals(result.method, method)
  end

  TestAll["test_budget_of_evaluations_" .. method] = function()
    for n, most in ipairs { 60, 63, 200, 201, 203 } do
      local result, w = search(method, { budget = { evaluations = most },
        window = n > 3 and 5 or nil }) -- begins with less than it needs
      lu.assertTrue(result.spent.evaluations <= most, most)
      lu.assertEquals(w.asked - w.edited, result.spent.evaluations) -- counted by who was asked
    end
  end

  TestAll["test_budget_of_calls_" .. method] = function()
    for _, most in ipairs { 61, 200 } do
      local result, w = search(method, { budget = { calls = most } })
      lu.assertTrue(result.spent.calls <= most, result.spent.calls)
      if method == "best_of_n" then -- two at a time may ask the same, which is asked once
        lu.assertTrue(w.asked <= result.spent.calls)
      else
        lu.assertEquals(w.asked, result.spent.calls)
      end
    end
  end

  TestAll["test_latencies_decide_nothing_" .. method] = function()
    for _, lag in ipairs { false, 3 } do
      local wanted
      for trial = 1, lag and 2 or 3 do
        local wait = trial > 1 and function(...)
          return share(tostring(trial), ...) * 3
        end or nil
        local result = search(method, { lag = lag or nil, budget = { calls = 300 } }, wait)
        wanted = wanted or told(result)
        lu.assertEquals(told(result), wanted, "trial " .. trial)
      end
    end
  end

  TestAll["test_each_seed_is_another_search_" .. method] = function()
    lu.assertNotEquals(told((search(method, { seed = 1,
      budget = { calls = 200 } }))), told((search(method, { seed = 2, budget = { calls = 200 } }))))
  end

  TestAll["test_recorded_" .. method] = function()
    local result = search(method, { budget = { evaluations = 200 } })
    local engine = loop.engine()
    local run = engine:store_query("SELECT * FROM searches ORDER BY id DESC LIMIT 1")[1]
    lu.assertEquals(run.method, method)
    local kept = engine:store_query("SELECT * FROM proposals WHERE search_id = ? ORDER BY id",
      run.id)
    lu.assertEquals(#kept, #result.proposals)
    for i, row in ipairs(kept) do
      local record = result.proposals[i]
      lu.assertEquals({ row.operator, row.reason, row.accepted },
        { record.operator, record.reason, record.kept and 1 or 0 })
    end
  end
end

-- ---- one artefact ------------------------------------------------------------------------

TestArtefact = {}

local function judged(method, more)
  local w = world()
  local spec = { method = method, start = "Answer with care 1", role = "text", model = w.model,
    backward = { model = w.model }, budget = { evaluations = 40 },
    evaluate = function(text, example)
      return math.min(quality(text) + (example and example.x or 0), 1), "take more care"
    end }
  for name, value in pairs(more or {}) do spec[name] = value end
  return lg.optimize(spec)
end

for _, method in ipairs(METHODS) do
  TestArtefact["test_with_examples_" .. method] = function()
    local result = judged(method, { examples = { { x = 0.1 }, { x = 0 } } })
    lu.assertTrue(result.best_score > result.seed_score, tostring(result))
    lu.assertTrue(result.spent.evaluations <= 40)
  end

  TestArtefact["test_without_examples_" .. method] = function()
    if method == "mipro" then
      helper.fails("inval", { field = "method" }, judged, method)
      return
    end
    local result = judged(method)
    lu.assertTrue(result.best_score > result.seed_score, tostring(result))
  end
end

-- ---- each by itself ------------------------------------------------------------------------

TestGepa = {}

function TestGepa.test_three_of_an_epoch_first_and_then_all()
  local result = search "gepa"
  local seen, full = {}, 0
  for n, one in ipairs(result.proposals) do
    lu.assertEquals(one.operator, "reflect")
    lu.assertEquals(#one.batch, 3)
    if n <= 7 then -- 20 examples and one more are an epoch
      for _, pair in ipairs(one.batch) do seen[pair[1]] = (seen[pair[1]] or 0) + 1 end
    end
    if one.kept then
      full = full + 1
      lu.assertEquals(one.race.at, 60)
    else
      lu.assertTrue(one.evaluations <= 6, one.reason)
    end
  end
  lu.assertEquals(#seen, 20)
  lu.assertTrue(full > 0)
end

-- A program of two texts: each answers its half of the questions, each text others of it right.
local function two_parts()
  local first, second = lg.param("care 1", "first text"), lg.param("care 1", "second text")
  local model = lg.model(function(request)
    local question = request.messages[2].content
    local which = question:find "[02468]%?" and "^(.-)|" or "|(.*)$"
    local text = request.messages[1].content:match(which)
    local good = quality(text) + share(text, question) / 2 > share(question)
    return good and "right " .. question:sub(1, -2) or "wrong"
  end, "two parts")
  return { first, second }, function(row)
    return model { row.question, system = first .. "|" .. second }
  end
end

local function more_care(seen)
  return { name = "reflect", propose = function(parent, _, context)
    local texts = { table.unpack(parent.texts) }
    local i = context.component
    seen[#seen + 1] = { parent.idx, i }
    local care = tonumber(texts[i]:match "%d") + (context.rng:float() < 0.7 and 2 or -1)
    texts[i] = ("care %d %d"):format(math.max(0, math.min(9, care)), context.sample)
    return texts
  end }
end

local function of_two_parts(seed, seen)
  local params, program = two_parts()
  return lg.optimize { method = "gepa", program = program, params = params, seed = seed,
    metric = lg.metric.exact, train = rows("train", 20), val = rows("val", 30),
    operators = { more_care(seen) }, select = "epsilon_0.8", budget = { evaluations = 1000 } }
end

function TestGepa.test_texts_in_turn()
  local seen, last = {}, {}
  of_two_parts(1, seen)
  for _, one in ipairs(seen) do
    local parent, part = one[1], one[2]
    if last[parent] then lu.assertEquals(part, 3 - last[parent]) end
    last[parent] = part
  end
  lu.assertTrue(#seen > 20)
end

function TestGepa.test_merges()
  local merged, refused = 0, 0
  for seed = 1, 4 do
    local result, kept = of_two_parts(seed, {}), 0
    for n, one in ipairs(result.proposals) do
      if one.operator == "merge" then
        lu.assertTrue(result.proposals[n - 1].kept)
        refused = refused + (one.reason == "worse than its parents on some" and 1 or 0)
        kept = kept + (one.kept and 1 or 0)
        lu.assertTrue(one.evaluations <= 30) -- what it was tried on first is not bought again
      end
      if one.operator == "merge" and one.kept then
        lu.assertEquals(#result.pool:get(one.candidate).parents, 2)
      end
    end
    lu.assertTrue(kept <= 5)
    merged = merged + kept
  end
  lu.assertTrue(merged > 0 and refused > 0)
end

-- ---- epochs ----------------------------------------------------------------------

TestEpochs = {}

local function batches(n, size, options, count)
  local order, list = epochs.new(n, size, lg.rng.new(3), options), {}
  for k = 1, count do list[k] = order:batch(k) end
  return list
end

-- How often each of n is in batches from..to.
local function counted(list, from, to)
  local count = {}
  for k = from, to do
    for _, i in ipairs(list[k]) do count[i] = (count[i] or 0) + 1 end
  end
  return count
end

function TestEpochs.test_each_once_an_epoch()
  local list = batches(7, 3, nil, 6)
  lu.assertEquals({ #list[1], #list[2], #list[3], #list[4] }, { 3, 3, 1, 3 })
  for _, from in ipairs { 1, 4 } do
    lu.assertEquals(counted(list, from, from + 2), { 1, 1, 1, 1, 1, 1, 1 })
  end
  lu.assertNotEquals({ list[1], list[2] }, { list[4], list[5] })
end

function TestEpochs.test_the_last_one_is_filled_with_the_least_drawn()
  local list = batches(7, 3, { pad = true }, 21)
  for _, batch in ipairs(list) do lu.assertEquals(#batch, 3) end
  local count = counted(list, 1, 21) -- seven epochs of nine: each nine times
  for i = 1, 7 do lu.assertEquals(count[i], 9) end
end

function TestEpochs.test_few_examples()
  lu.assertEquals(batches(1, 3, { pad = true }, 2), { { 1 }, { 1 } })
  lu.assertEquals(#batches(2, 3, nil, 1)[1], 2)
end

TestTgd = {}

function TestTgd.test_one_line_of_texts()
  local result = search "tgd"
  local last = 0
  for _, one in ipairs(result.proposals) do
    lu.assertEquals({ one.operator, one.parent }, { "gradient", last })
    if one.kept then
      lu.assertTrue(one.race.sum >= 0)
      last = one.candidate
    elseif one.race then
      lu.assertTrue(one.race.sum < 0)
    end
  end
  lu.assertTrue(last > 0)
end

TestBestOfN = {}

function TestBestOfN.test_they_know_nothing_of_each_other()
  local told_of = {}
  local result = search("best_of_n", { lag = 1, operators = { { name = "blind",
    propose = function(parent, _, context)
      lu.assertEquals(parent.idx, 0)
      lu.assertEquals({ #context.pool.list, #context.proposals }, { 1, 0 })
      told_of[#told_of + 1] = context.sample
      return { ("Answer with care %d, %d."):format(context.rng:int(0, 7), context.sample) }
    end } } })
  lu.assertEquals(#told_of, 6) -- 500 evaluations: the start, and each a batch and 60
  lu.assertEquals(operators_of(result), { blind = 6 })
end

TestOpro = {}

function TestOpro.test_steps_share_a_history_that_ascends()
  local result, w = search("opro", { budget = { evaluations = 60 * 14 } })
  local scores = {}
  for n, request in ipairs(w.said) do
    lu.assertEquals(request.temperature, 1)
    local text = request.messages[#request.messages].content
    local list, last = {}, -1
    for score in text:gmatch "This one has (%S+) in validation" do
      lu.assertTrue(tonumber(score) >= last)
      last = tonumber(score)
      list[#list + 1] = score
    end
    scores[n] = table.concat(list, " ")
  end
  for n = 2, 8 do lu.assertEquals(scores[n], scores[1]) end
  for n = 10, #scores do lu.assertEquals(scores[n], scores[9]) end
  lu.assertNotEquals(scores[9], scores[1])
  lu.assertTrue(#scores > 10 and #scores <= 16)
  lu.assertEquals(result.dropped, 0)
end

TestMipro = {}

function TestMipro.test_collects_then_tries_and_confirms()
  local result = search("mipro", { budget = { evaluations = 900 } })
  local order, last = {}, nil
  for _, one in ipairs(result.proposals) do
    if one.operator ~= last then order[#order + 1], last = one.operator, one.operator end
    if one.operator == "combine" then lu.assertTrue(one.evaluations <= 35) end
    if one.operator == "confirm" then lu.assertTrue(one.evaluations <= 25) end -- 60 without 35
    lu.assertEquals(one.kept, one.operator == "confirm")
  end
  lu.assertEquals(table.concat(order, " ", 1, 6), "solve facts instruct demos combine confirm")
  lu.assertStrContains(result.texts[1], "Worked examples:")
end

function TestMipro.test_all_combinations_may_be_known()
  local result = search("mipro", { val = rows("val", 10), max_demos = 0, headroom = false,
    budget = { evaluations = 900 } })
  lu.assertEquals(result.stopped, "nothing new")
  local count = operators_of(result)
  lu.assertNil(count.demos)
  lu.assertTrue(result.spent.evaluations <= 35 + 10 * (count.instruct + 1),
    result.spent.evaluations .. " of " .. count.instruct)
end

-- ---- misuse --------------------------------------------------------------------------------

TestMisuse = {}

function TestMisuse.test_options_that_a_method_does_not_look_at()
  for _, method in ipairs { "opro", "mipro" } do
    helper.fails("inval", { field = "operators" }, search, method, { operators = { "fresh" } })
    helper.fails("inval", { field = "batch" }, search, method, { batch = 3 })
  end
  helper.fails("inval", { field = "delta" }, search, "gepa", { delta = 0.1 })
  helper.fails("inval", { field = "select" }, search, "tgd", { select = "best" })
  lu.assertEquals(search("gepa", { select = "best", batch = 2 }).method, "gepa")
end

os.exit(lu.LuaUnit.run())
