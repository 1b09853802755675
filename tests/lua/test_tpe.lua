-- test_tpe.lua - the Parzen estimator over categories: that it finds what is good, and repeats itself

require "helper"
local lu = require "luaunit"
local rng = require "lunagrad.rng"
local tpe = require "lunagrad.improve.tpe"

TestAsk = {}

-- A combination's worth: places that fit, of which the first counts most.
local function worth(x)
  return (x[1] == 4 and 3 or 0) + (x[2] == 2 and 2 or 0) + (x[3] == 5 and 1 or 0)
end

local SIZES = { 6, 5, 7 }

-- The best of n trials, and how often the last ten had the right first place.
local function searched(seed, n, startup)
  local study, random = tpe.new { sizes = SIZES, startup = startup }, rng.new(seed)
  local best, right, asked = 0, 0, {}
  for k = 1, n do
    local x = study:ask(random:fork(k))
    study:tell(x, worth(x))
    best = math.max(best, worth(x))
    right = right + (k > n - 10 and x[1] == 4 and 1 or 0)
    asked[k] = table.concat(x, " ")
  end
  return best, right, table.concat(asked, ";")
end

function TestAsk.test_it_finds_more_than_chance()
  local found, by_chance, right = 0, 0, 0
  for seed = 1, 30 do
    local best, last = searched(seed, 40)
    found, right = found + best, right + last
    by_chance = by_chance + (searched(seed, 40, 1000))
  end
  lu.assertTrue(found > by_chance + 15, found .. " against " .. by_chance)
  lu.assertTrue(right > 120, right) -- of 300; 50 by chance
end

function TestAsk.test_equal_seeds_ask_the_same()
  local _, _, first = searched(3, 40)
  local _, _, again = searched(3, 40)
  local _, _, other = searched(4, 40)
  lu.assertEquals(first, again)
  lu.assertNotEquals(first, other)
end

function TestAsk.test_combinations_are_within_their_sizes()
  local study, random = tpe.new { sizes = { 1, 3, 2 }, startup = 4 }, rng.new(1)
  for k = 1, 200 do
    local x = study:ask(random)
    lu.assertEquals(#x, 3)
    for place, size in ipairs { 1, 3, 2 } do
      lu.assertTrue(math.type(x[place]) == "integer" and x[place] >= 1 and x[place] <= size)
    end
    study:tell(x, k % 7)
  end
end

function TestAsk.test_what_is_taken_is_not_asked_for()
  local study, random, taken, n = tpe.new { sizes = { 4, 5 }, startup = 3 }, rng.new(2), {}, 0
  while true do
    local x = study:ask(random, function(x) return taken[table.concat(x, " ")] end)
    if not x then break end
    local key = table.concat(x, " ")
    lu.assertNil(taken[key])
    taken[key], n = true, n + 1
    study:tell(x, x[1])
  end
  lu.assertEquals(n, 20)
end

function TestAsk.test_very_many_combinations_are_not_gone_through()
  local sizes = {}
  for i = 1, 40 do sizes[i] = 10 end
  local study = tpe.new { sizes = sizes }
  lu.assertNil(study:ask(rng.new(1), function() return true end))
  lu.assertEquals(#study:ask(rng.new(1)), 40)
end

-- What was good first and is bad now is left: the same combination may be told again.
function TestAsk.test_it_goes_by_all_that_was_told()
  local study = tpe.new { sizes = { 2 }, startup = 1 }
  for _ = 1, 10 do study:tell({ 1 }, 0) end
  for _ = 1, 10 do study:tell({ 2 }, 1) end
  local second, random = 0, rng.new(5)
  for _ = 1, 50 do second = second + (study:ask(random)[1] == 2 and 1 or 0) end
  lu.assertTrue(second > 40, second)
end

os.exit(lu.LuaUnit.run())
