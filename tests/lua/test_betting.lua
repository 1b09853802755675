-- test_betting.lua - evidence by betting: its values, and that it is seldom wrong

require "helper"
local lu = require "luaunit"
local betting = require "lunagrad.improve.betting"
local rng = require "lunagrad.rng"

TestBetting = {}

local SHARES = { 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9 }

-- By the formula, from the start each time: the mean over the shares of the products.
local function worked_out(list)
  local sum = 0
  for _, share in ipairs(SHARES) do
    local product = 1
    for _, x in ipairs(list) do product = product * (1 + share * x) end
    sum = sum + product
  end
  return sum / #SHARES
end

function TestBetting.test_evidence_is_the_mean_of_the_products()
  local list, bets = {}, betting.new()
  lu.assertEquals(bets:e(), 1.0)
  for i, x in ipairs { 1, 0, -1, 0.5, -0.25, 1, 1, -1, 0, 0.1 } do
    list[i] = x
    lu.assertAlmostEquals(bets:add(x), worked_out(list), 1e-12)
    lu.assertAlmostEquals(bets:e(), worked_out(list), 1e-12)
  end
end

function TestBetting.test_futility_bets_on_less_than_delta()
  local list, bets = {}, betting.futility { delta = 0.05, beta = 0.2 }
  for i, x in ipairs { 0, -1, 0, 1, -1, -0.5, -1, -1, -1, -1 } do
    list[i] = -(x - 0.05) / 1.05
    local f, dropped = bets:add(x)
    lu.assertAlmostEquals(f, worked_out(list), 1e-12)
    lu.assertEquals(dropped, worked_out(list) >= 5)
  end
  lu.assertTrue(bets:f() >= 5) -- it was said in the end
end

-- All 2^14 fair sequences of won and lost, by their chance: the mean of E stays 1, and the share of
-- those in which E is ever 1/alpha or more is at most alpha.
function TestBetting.test_a_fair_game_makes_nobody_rich()
  local n, reached, sum = 14, { [2] = 0, [5] = 0, [20] = 0 }, 0.0
  for sequence = 0, (1 << n) - 1 do
    local bets, most = betting.new(), 1.0
    for i = 0, n - 1 do most = math.max(most, bets:add((sequence >> i & 1) * 2 - 1)) end
    sum = sum + bets:e()
    for level in pairs(reached) do
      if most >= level then reached[level] = reached[level] + 1 end
    end
  end
  lu.assertAlmostEquals(sum / (1 << n), 1.0, 1e-9)
  for level, count in pairs(reached) do
    lu.assertTrue(count > 0 and count / (1 << n) <= 1 / level, tostring(level))
  end
end

-- A world where d of the examples turn out differently, and the child gains `gain` in the mean.
local function difference(r, d, gain)
  local u = r:float()
  if u < (d + gain) / 2 then return 1 end
  return u < d and -1 or 0
end

local function share_reaching(level, runs, n, d, gain)
  local r, reached = rng.new(11), 0
  for _ = 1, runs do
    local bets, i = betting.new(), 0
    repeat
      i = i + 1
      local e = bets:add(difference(r, d, gain))
    until e >= level or i == n
    if bets:e() >= level then reached = reached + 1 end
  end
  return reached / runs
end

-- Worked out elsewhere with 4,000 runs (another program): .024, .82, 1.00 of 300 examples, a quarter
-- of which turn out differently.
function TestBetting.test_power_and_false_claims_are_those_of_the_reference()
  lu.assertTrue(share_reaching(20, 800, 300, 0.25, 0) <= 0.05)
  lu.assertAlmostEquals(share_reaching(20, 500, 300, 0.25, 0.1), 0.82, 3 * 0.019)
  lu.assertTrue(share_reaching(20, 200, 300, 0.25, 0.2) >= 0.98)
end

-- Graded and skewed: mostly a little better, rarely much worse, 0 in the mean.
function TestBetting.test_graded_differences()
  local r, reached = rng.new(3), 0
  for _ = 1, 800 do
    local bets, most = betting.new(), 1.0
    for _ = 1, 150 do most = math.max(most, bets:add(r:float() < 0.8 and 0.2 or -0.8)) end
    if most >= 10 then reached = reached + 1 end
  end
  lu.assertTrue(reached > 0 and reached / 800 <= 0.1 + 3 * 0.0106)
end

function TestBetting.test_long_runs_stay_numbers()
  local bets = betting.new()
  for _ = 1, 5000 do bets:add(1) end
  lu.assertTrue(bets:e() > 1e200 and bets:e() < math.huge)
  for _ = 1, 20000 do bets:add(-1) end
  lu.assertTrue(bets:e() >= 0 and bets:e() < 1e-9)
end

-- With a cap that knows the parent's score more may be bet where it is low, and that is sound when
-- nothing changes at any place. It is not evidence about the mean: a child that draws its scores
-- anew gains 0 in the mean, and still makes money.
function TestBetting.test_a_cap_is_about_each_place_not_about_the_mean()
  local function worth(child, parent) -- the mean of E after one number
    local bets = betting.new { lambdas = { 0.5, 3 },
      cap = function() return parent > 0 and 0.95 / parent or 3 end }
    return bets:add(child - parent)
  end
  local same = (worth(0, 0) + worth(1, 1)) / 2
  lu.assertEquals(same, 1.0)
  local anew = (worth(0, 0) + worth(1, 0) + worth(0, 1) + worth(1, 1)) / 4
  lu.assertTrue(anew > 1.2)
  local places = {}
  local bets = betting.new { cap = function(i) places[#places + 1] = i; return 0.05 end }
  lu.assertAlmostEquals(bets:add(1), 1.05, 1e-12)
  bets:add(0)
  lu.assertEquals(places, { 1, 2 })
end

os.exit(lu.LuaUnit.run())
