-- test_propose_sim.lua - all operators of the search against the embedded world: what each asks can
-- be read there, and helps

require "helper"
local lu = require "luaunit"
local kit = require "propose_kit"
local lg = require "lunagrad"
local leakage = require "lunagrad.improve.leakage"
local pool = require "lunagrad.improve.pool"

lg.configure { virtual_clock = true }

local ROWS = lg.task.object_counting.generate(60, 3)
local TRAIN, VAL = table.move(ROWS, 1, 30, 1, {}), table.move(ROWS, 31, 60, 1, {})
local MODEL = lg.model { "sim/default", temperature = 0 }

local SEED = "Answer the question."
local LISTS = SEED .. " List each item on its own line before you count."
local COUNTS = SEED .. " Count three apples as three and a head of broccoli as one. End with the "
  .. "number in digits."
local WORDY = SEED .. " Read the question carefully. Take your time and be attentive. List each "
  .. "item on its own line before you count. Think through the problem before you answer. Go "
  .. "through the list item by item."

-- A search's context over counting questions, with what has to be known of a candidate.
local function door(noise)
  local editor = lg.model { "sim/noise=" .. noise }
  local context = kit.context({ "system prompt for counting questions" }, { train = TRAIN,
    model = editor, backward = { model = editor }, leak = leakage.new(TRAIN) })
  context.program = function(row)
    return MODEL { row.question, system = context.params[1], role = "answer" }
  end
  context.loss = lg.loss.exact { extract = lg.extract.last_number }
  local function evaluate(texts, data)
    return context.run(texts, function()
      return lg.evaluate { context.program, data = data, metric = lg.metric.number }
    end)
  end
  local function result(texts, i)
    local row = evaluate(texts, { TRAIN[i] }).rows[1]
    return { i = i, row = TRAIN[i], output = row.output, score = row.score }
  end
  context.tried = function(candidate, i) return result(candidate.texts, i) end
  local function study(parent)
    local batch, solved = {}, {}
    for i = 1, #TRAIN do
      local one = result(parent.texts, i)
      solved[#solved + 1] = one.score == 1 and one or nil
      if one.score < 1 and #batch < 4 then batch[#batch + 1] = one end
    end
    context.solved = function() return solved end
    return batch
  end
  context.pool = pool.new { n = #VAL }
  local function join(text, parents)
    local candidate = { texts = { text }, parents = parents, scores = {} }
    for k, row in ipairs(evaluate(candidate.texts, VAL).rows) do candidate.scores[k] = row.score end
    assert(context.pool:add(candidate))
    return candidate
  end
  join(SEED)
  return context, study, join, function(texts) return evaluate(texts, VAL).mean end
end

local function operator(name) return require("lunagrad.improve.propose." .. name) end

TestWithoutNoise = {}

for _, name in ipairs { "gradient", "reflect", "edit", "fresh", "demos" } do
  TestWithoutNoise["test_" .. name] = function()
    local context, study, join, mean = door(0)
    local parent, gained = join(LISTS, { 0 }), 0
    local batch = study(parent)
    for sample = 1, 3 do
      context.sample, context.rng = sample, lg.rng.new(sample)
      local texts, why = operator(name).propose(parent, batch, context)
      lu.assertNotNil(texts, name .. ": " .. tostring(why))
      gained = gained + (mean(texts) - parent.mean) / 3
    end
    lu.assertTrue(gained > 0.05, ("%s: %.3f"):format(name, gained))
  end
end

function TestWithoutNoise.test_merge()
  local context, study, join, mean = door(0)
  local parent, other = join(LISTS, { 0 }), join(COUNTS, { 0 })
  local texts, why = operator("merge").propose(parent, study(parent), context)
  lu.assertNotNil(texts, why)
  lu.assertEquals(texts.parents, { parent.idx, other.idx })
  lu.assertTrue(mean(texts) > math.max(parent.mean, other.mean) + 0.1, texts[1])
end

function TestWithoutNoise.test_shorten()
  local context, study, join, mean = door(0)
  local parent = join(WORDY, { 0 })
  local texts, why = operator("shorten").propose(parent, study(parent), context)
  lu.assertNotNil(texts, why)
  lu.assertTrue(lg.text.count_words(texts[1]) <= 0.9 * lg.text.count_words(WORDY))
  lu.assertTrue(mean(texts) >= parent.mean - 0.01, texts[1])
end

-- A noisy editor sometimes does harm, as people do, and is never in the way of the run.
function TestWithoutNoise.test_with_noise_every_operator_still_answers()
  local context, study, join = door(0.6)
  local parent = join(LISTS, { 0 })
  join(COUNTS, { 0 })
  local batch = study(parent)
  for _, name in ipairs { "gradient", "reflect", "edit", "fresh", "demos", "merge", "shorten" } do
    local proposed = 0
    for sample = 1, 6 do
      context.sample, context.rng = sample, lg.rng.new(sample)
      local texts, why = operator(name).propose(parent, batch, context)
      lu.assertTrue(texts ~= nil or type(why) == "string", name)
      proposed = proposed + (texts and 1 or 0)
    end
    lu.assertTrue(proposed > (name == "shorten" and -1 or 2), name .. ": " .. proposed)
  end
end

os.exit(lu.LuaUnit.run())
