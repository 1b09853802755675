-- test_worlds.lua - worlds for whole runs of a search: the truth in them is the truth, edits do what
-- the kind says, and all of it is the same for the same seed

require "helper"
local lg = require "lunagrad"
local lu = require "luaunit"
local rng = require "lunagrad.rng"
local trials = require "lunagrad.world.trials"

TestWorlds = {}

local function mean(world, texts, split, n, sample)
  local sum = 0
  for i = 1, n do sum = sum + world:evaluate(texts, split, i, sample) end
  return sum / n
end

local function edited(world, times, seed)
  local texts, random = world:start(), rng.new(seed or 1)
  for _ = 1, times do texts = world:edit(texts, random:int(1, #texts), random) end
  return texts
end

function TestWorlds.test_quality_is_the_share_that_is_right()
  for kind in pairs(trials.kinds) do
    local world = trials.new { kind = kind, seed = 7 }
    for _, times in ipairs { 0, 3, 6 } do
      local texts = edited(world, times)
      lu.assertAlmostEquals(mean(world, texts, "test", 3000), world:quality(texts), .035)
    end
  end
end

function TestWorlds.test_base_grades_and_noise()
  local high = trials.new { base = .8, grades = 4, seed = 2 }
  lu.assertAlmostEquals(mean(high, high:start(), "val", 2000), .8, .03)
  local seen = {}
  for i = 1, 200 do seen[high:evaluate(high:start(), "val", i)] = true end
  lu.assertTrue(seen[.25] or seen[.5])
  local noisy = trials.new { noise = .5, seed = 2 }
  local texts, others, n = noisy:start(), 0, 2000
  for i = 1, n do
    local a, b = noisy:evaluate(texts, "val", i, 0), noisy:evaluate(texts, "val", i, 1)
    lu.assertEquals(a, (noisy:evaluate(texts, "val", i, 0)))
    if a ~= b then others = others + 1 end
  end
  lu.assertAlmostEquals(others / n, .2, .04) -- .5 · 2 E[p(1-p)]
  lu.assertAlmostEquals(mean(noisy, texts, "val", n, 3), .5, .03)
end

-- Shares of single edits that help and hurt.
local function effects(world, many)
  local start, random, better, worse = world:start(), rng.new(3), 0, 0
  local base = world:quality(start)
  for _ = 1, many do
    local change = world:quality(world:edit(start, random:int(1, #start), random)) - base
    if change > 1e-9 then better = better + 1 / many end
    if change < -1e-9 then worse = worse + 1 / many end
  end
  return better, worse
end

function TestWorlds.test_edits_help_and_hurt_as_often_as_the_kind_says()
  for kind, of in pairs(trials.kinds) do
    local better, worse = effects(trials.new { kind = kind }, 1000)
    lu.assertAlmostEquals(better, of.help, .04)
    lu.assertAlmostEquals(worse, of.hurt, .05)
  end
end

function TestWorlds.test_an_edit_redraws_a_share_of_the_answers()
  local function discordant(redrawn)
    local world, count = trials.new { redrawn = redrawn, help = 0, hurt = 0 }, 0
    local child = edited(world, 1)
    for i = 1, 3000 do
      local one, other = world:evaluate(world:start(), "val", i), world:evaluate(child, "val", i)
      if one ~= other then count = count + 1 / 3000 end
    end
    return count
  end
  lu.assertEquals(discordant(0), 0)
  lu.assertAlmostEquals(discordant(.4), .16, .03) -- .4 · 2 E[p(1-p)], Beta(2, 2)
  lu.assertAlmostEquals(discordant(1), .4, .03)
end

function TestWorlds.test_overfitting_carries_no_further_than_training()
  local world = trials.new { kind = "overfit", seed = 4 }
  local texts = edited(world, 5)
  lu.assertTrue(mean(world, texts, "train", 2000) > mean(world, texts, "val", 2000) + .1)
end

function TestWorlds.test_components_are_blamed_and_have_examples_of_their_own()
  local world = trials.new { kind = "components", seed = 5 }
  lu.assertEquals(#world:start(), 3)
  local seen = {}
  for i = 1, 100 do
    local score, _, blamed = world:evaluate(world:start(), "train", i)
    if score < 1 then seen[blamed] = true else lu.assertNil(blamed) end
  end
  lu.assertEquals(seen, { true, true, true })
  local batch = { { score = 0, feedback = trials.feedback(0, 2) },
    { score = 1, feedback = trials.feedback(1) } }
  local operator = world:operator()
  local texts = operator.propose({ texts = world:start() }, batch, { rng = rng.new(1) })
  lu.assertEquals({ texts[1], texts[3] }, { "base", "base" })
  lu.assertStrMatches(texts[2], "base %+edit:%x+")
  texts = operator.propose({ texts = world:start() }, batch, { rng = rng.new(1), component = 3 })
  lu.assertNotEquals(texts[3], "base")
end

function TestWorlds.test_two_objectives()
  local world, apart = trials.new { kind = "objectives", seed = 6 }, false
  for e = 1, 20 do
    local texts = edited(world, 1, e)
    local sum = { right = 0, brief = 0 }
    for i = 1, 200 do
      local score, of = world:evaluate(texts, "val", i)
      lu.assertEquals(score, (of.right + of.brief) / 2)
      for name, value in pairs(of) do sum[name] = sum[name] + value / 200 end
    end
    apart = apart or math.abs(sum.right - sum.brief) > .08
  end
  lu.assertTrue(apart)
end

function TestWorlds.test_pipelines_of_any_depth_begin_alike()
  for depth = 1, 8 do
    local world = trials.new { kind = "pipeline", depth = depth }
    lu.assertEquals(#world:start(), depth)
    lu.assertAlmostEquals(world:quality(world:start()), .5, 1e-9)
  end
end

function TestWorlds.test_operators_of_different_worth()
  local world = trials.new { kind = "null" }
  local good = world:operator("good", { help = 1, hurt = 0 })
  local texts = good.propose({ texts = world:start() }, {}, { rng = rng.new(1) })
  lu.assertTrue(world:quality(texts) > .5)
  lu.assertStrMatches(texts[1], "base %+good:%x+")
end

function TestWorlds.test_merging_takes_the_edits_of_both_once()
  local world = trials.new { kind = "components" }
  local one = { idx = 1, mean = .6, texts = { "base +edit:1", "base +edit:2", "base" } }
  local worse = { idx = 2, mean = .4, texts = { "base +edit:1 +edit:3", "base", "base" } }
  local old = { idx = 0, mean = .5, texts = world:start() } -- has nothing of its own
  local context = { pool = { list = { old, one, worse } }, proposals = {} }
  local texts = world:merger().propose(one, {}, context)
  lu.assertEquals({ table.unpack(texts) }, { "base +edit:1 +edit:3", "base +edit:2", "base" })
  lu.assertEquals(texts.parents, { 1, 2 })
  context.proposals[1] = { texts = texts }
  local none, why = world:merger().propose(one, {}, context)
  lu.assertNil(none)
  lu.assertEquals(why, "nothing to merge")
end

function TestWorlds.test_a_search_runs_in_them_as_it_is()
  for _, kind in ipairs { "components", "objectives" } do
    local world = trials.new { kind = kind, help = 1, hurt = 0, seed = 3 }
    local spec = world:door { train = 20, val = 30, test = 40, merge = true }
    spec.budget, spec.seed = { evaluations = 400 }, 1
    local result = lg.optimize(spec)
    lu.assertTrue(world:quality(result.texts) > .55)
    lu.assertTrue(result.spent.evaluations <= 400)
  end
end

function TestWorlds.test_the_same_for_the_same_seed()
  local function all(seed)
    local world, list = trials.new { kind = "components", noise = .2, seed = seed }, {}
    local texts = edited(world, 4)
    for i = 1, 50 do
      list[i] = world:evaluate(texts, "val", i, i % 3) .. " " .. world:seconds(texts, "val", i)
    end
    return list
  end
  lu.assertEquals(all(1), all(1))
  lu.assertNotEquals(all(1), all(2))
  lu.assertNotEquals(all(1), all "1 ")
end

function TestWorlds.test_latency()
  local world, sum = trials.new { latency = .2 }, 0
  for i = 1, 500 do
    local seconds = world:seconds(world:start(), "val", i)
    lu.assertTrue(seconds >= .1 and seconds < .3)
    sum = sum + seconds / 500
  end
  lu.assertAlmostEquals(sum, .2, .01)
end

os.exit(lu.LuaUnit.run())
