-- test_selection.lua - who is the next parent: how often, and always the same for the same seed

require "helper"
local lu = require "luaunit"
local pool = require "lunagrad.improve.pool"
local rng = require "lunagrad.rng"
local selection = require "lunagrad.improve.selection"

TestSelection = {}

local function pool_of(rows, options)
  local p = pool.new { n = #rows[1], front = options and options.front }
  for i, scores in ipairs(rows) do p:add { texts = { "text " .. i }, scores = scores } end
  return p
end

local function shares(p, how, draws)
  local random, count = rng.new "shares", {}
  for _ = 1, draws do
    local c = how(p, random)
    count[c.idx] = (count[c.idx] or 0) + 1 / draws
  end
  return count
end

function TestSelection.test_pareto_is_by_fronts_that_are_left()
  local p = pool_of {
    { 0, 0, 0, 0, 0, 0 }, -- the seed holds nothing
    { 1, 1, 1, 0, 0, 0 },
    { 1, 1, 0, 0, 0, 0 }, -- nothing that 1 does not hold as well
    { 0, 0, 0, 1, 1, 0 },
    { 0, 0, 0, 0, 0, 1 },
  }
  local share = shares(p, selection.pareto, 6000)
  lu.assertNil(share[0])
  lu.assertNil(share[2])
  lu.assertAlmostEquals(share[1], 3 / 6, .02)
  lu.assertAlmostEquals(share[3], 2 / 6, .02)
  lu.assertAlmostEquals(share[4], 1 / 6, .02)
end

function TestSelection.test_equal_ones_share_a_front()
  local p = pool_of { { 0, 0, 0 }, { 1, 1, 0 }, { 1, 0, 1 } }
  local share = shares(p, selection.pareto, 4000) -- 2 fronts each: the first is held by both
  lu.assertAlmostEquals(share[1], .5, .03)
  lu.assertAlmostEquals(share[2], .5, .03)
end

function TestSelection.test_the_seed_alone()
  local p = pool_of { { 0, 0 } }
  local ways = { selection.pareto, selection.best, selection.top(3), selection.epsilon(.5) }
  for _, how in ipairs(ways) do
    lu.assertEquals(how(p, rng.new(1)).idx, 0)
  end
  local none = pool.new { n = 0, front = "instance" } -- no examples, hence no fronts
  none:add { texts = { "a" }, scores = {}, mean = .5 }
  lu.assertEquals(selection.pareto(none, rng.new(1)).idx, 0)
end

function TestSelection.test_best_top_and_epsilon()
  local p = pool_of { { .1 }, { .4 }, { .3 }, { .2 } }
  lu.assertNil(shares(p, selection.best, 10)[0])
  lu.assertAlmostEquals(shares(p, selection.best, 10)[1], 1, 1e-9)
  local top = shares(p, selection.top(2), 2000)
  lu.assertNil(top[0])
  lu.assertNil(top[3])
  lu.assertAlmostEquals(top[1], .5, .04)
  local mixed = shares(p, selection.epsilon(.4), 4000)
  lu.assertAlmostEquals(mixed[1], .6 + .1, .03)
  lu.assertAlmostEquals(mixed[0], .1, .03)
  local two = pool_of { { 0, 0, 0 }, { 1, 1, 0 }, { 0, 0, 1 } }
  local shared = shares(two, selection.pareto_share(.6), 4000)
  lu.assertNil(shared[0])
  lu.assertAlmostEquals(shared[2], .6 / 3, .03)
end

function TestSelection.test_same_seed_same_parents()
  local p = pool_of { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } }
  for _, how in ipairs { selection.pareto, selection.top(2), selection.epsilon(.5) } do
    local a, b = rng.new "x", rng.new "x"
    for _ = 1, 50 do lu.assertEquals(how(p, a).idx, how(p, b).idx) end
  end
end

os.exit(lu.LuaUnit.run())
