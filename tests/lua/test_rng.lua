-- test_rng.lua - random numbers: known values, range, fairness, forks

local helper = require "helper"
local lu = require "luaunit"
local rng = require "lunagrad.rng"

TestRng = {}

local function draw(r, n)
  local list = {}
  for i = 1, n do list[i] = r:int(0, 999) end
  return list
end

-- The published xoshiro256** over the published splitmix64, seed 0.
function TestRng.test_reference_numbers()
  local r = rng.new(0)
  lu.assertEquals({ r[1], r[2], r[3], r[4] },
    { 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC })
  lu.assertEquals(r:int(math.mininteger, math.maxinteger), 0x99EC5F36CB75F2B4 + math.mininteger)
end

function TestRng.test_same_seed_same_numbers()
  lu.assertEquals(draw(rng.new(7), 50), draw(rng.new(7), 50))
  lu.assertEquals(draw(rng.new "seven", 50), draw(rng.new "seven", 50))
  lu.assertEquals(draw(rng.new(7), 50), draw(rng.new(7.0), 50))
  lu.assertNotEquals(draw(rng.new(7), 50), draw(rng.new(8), 50))
  lu.assertNotEquals(draw(rng.new(7), 50), draw(rng.new "7", 50))
end

function TestRng.test_int_is_in_range_and_fair()
  local r, counts = rng.new(1), {}
  for _ = 1, 6000 do
    local x = r:int(-2, 3)
    counts[x] = (counts[x] or 0) + 1
  end
  for x = -2, 3 do
    lu.assertTrue(counts[x] > 850 and counts[x] < 1150, ("%d came %d times"):format(x, counts[x]))
    counts[x] = nil
  end
  lu.assertNil(next(counts))
end

function TestRng.test_int_at_the_limits()
  local r = rng.new(2)
  lu.assertEquals(r:int(5, 5), 5)
  lu.assertEquals(r:int(math.maxinteger, math.maxinteger), math.maxinteger)
  local low, high = false, false
  for _ = 1, 100 do
    local x = r:int(math.mininteger, math.maxinteger)
    low, high = low or x < 0, high or x > 0
  end
  lu.assertTrue(low and high)
  helper.fails("inval", "the smaller first", r.int, r, 2, 1)
  helper.fails("inval", "whole numbers", r.int, r, 1, 2.5)
end

function TestRng.test_float()
  local r, sum = rng.new(3), 0
  for _ = 1, 4000 do
    local x = r:float()
    lu.assertTrue(x >= 0 and x < 1)
    sum = sum + x
  end
  lu.assertAlmostEquals(sum / 4000, 0.5, 0.02)
end

function TestRng.test_shuffle()
  local list = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }
  lu.assertIs(rng.new(4):shuffle(list), list)
  lu.assertNotEquals(list, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
  lu.assertItemsEquals(list, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
  lu.assertEquals(rng.new(4):shuffle {}, {})
end

function TestRng.test_every_order_is_as_likely()
  local r, counts = rng.new(5), {}
  for _ = 1, 6000 do
    local order = table.concat(r:shuffle { "a", "b", "c" })
    counts[order] = (counts[order] or 0) + 1
  end
  local n = 0
  for order, count in pairs(counts) do
    n = n + 1
    lu.assertTrue(count > 850 and count < 1150, ("%s came %d times"):format(order, count))
  end
  lu.assertEquals(n, 6)
end

function TestRng.test_pick()
  local r = rng.new(6)
  lu.assertNil(r:pick {})
  lu.assertEquals(r:pick { "only" }, "only")
  local seen = {}
  for _ = 1, 100 do seen[r:pick { "a", "b", "c" }] = true end
  lu.assertEquals(seen, { a = true, b = true, c = true })
end

function TestRng.test_fork_depends_on_seed_and_name_only()
  local a, b = rng.new(9), rng.new(9)
  draw(b, 10)
  lu.assertEquals(draw(a:fork "x", 20), draw(b:fork "x", 20))
  lu.assertNotEquals(draw(a:fork "x", 20), draw(a:fork "y", 20))
  lu.assertNotEquals(draw(a:fork "x", 20), draw(rng.new(10):fork "x", 20))
  lu.assertNotEquals(draw(a:fork(1), 20), draw(a:fork "1", 20))
  lu.assertNotEquals(draw(a:fork "x":fork "y", 20), draw(a:fork "y":fork "x", 20))
  lu.assertNotEquals(draw(rng.new(9), 20), draw(rng.new(9):fork(0), 20))
end

function TestRng.test_bad_seeds()
  helper.fails("inval", "a whole number or a text, got 1.5", rng.new, 1.5)
  helper.fails("inval", "a whole number or a text, got nil", rng.new, nil)
end

os.exit(lu.LuaUnit.run(), true)
