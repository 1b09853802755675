-- test_sampler.lua - what makes a batch: what failed, what is not known, what is solved

local helper = require "helper"
local lu = require "luaunit"
local sampler = require "lunagrad.improve.sampler"

TestSampler = {}

local function note(s, batch, state)
  for _, i in ipairs(batch) do s:note(i, state) end
end

local function set(list)
  local all = {}
  for _, i in ipairs(list) do
    lu.assertNil(all[i], "a row twice in a batch")
    all[i] = true
  end
  return all
end

function TestSampler.test_unknown_rows_have_their_turn()
  local s, seen = sampler.new(10, 1), {}
  for _ = 1, 5 do
    for i in pairs(set(s:draw(2))) do
      lu.assertNil(seen[i])
      seen[i] = true
    end
  end
  lu.assertEquals(#seen, 10)
  lu.assertEquals(#s:draw(2), 2) -- drawn, but nothing was noted: they are still unknown
end

function TestSampler.test_at_most_half_failed_before()
  local s = sampler.new(20, "seed")
  local first = s:draw(4)
  note(s, first, "failed")
  local failed, second = set(first), s:draw(4)
  lu.assertTrue(failed[second[1]] and failed[second[2]])
  lu.assertNil(failed[second[3]] or failed[second[4]])
  note(s, second, "failed")
  local third = s:draw(4) -- the two that did not come again are next
  lu.assertTrue(failed[third[1]] and failed[third[2]])
  lu.assertNil(set(second)[third[1]] or set(second)[third[2]])
  local one = sampler.new(3, 0)
  note(one, one:draw(1), "failed")
  lu.assertEquals(#one:draw(1), 1)
  lu.assertEquals(one.unknown, 2)
end

function TestSampler.test_failed_rows_fill_it_when_all_are_known()
  local s = sampler.new(6, 0)
  for i = 1, 6 do s:note(i, i <= 3 and "failed" or "solved") end
  lu.assertEquals(s:draw(2), { 1, 2 })
  lu.assertEquals(s:draw(2), { 3, 1 })
  lu.assertEquals(set(s:draw(4))[1], true)
  local all = set(s:draw(100))
  lu.assertEquals(#all, 6)
end

function TestSampler.test_nothing_is_left()
  local s = sampler.new(3, 0)
  note(s, s:draw(3), "solved")
  lu.assertNil(s:draw(3))
  lu.assertTrue(s:all_solved())
  s:note(2, "idle")
  lu.assertNil(s:draw(3))
  lu.assertFalse(s:all_solved())
  s:forget()
  lu.assertEquals(#s:draw(2), 2)
end

-- Whatever the outcomes: full batches of different rows, the same ones for the same seed, and
-- draws without a failure come to an end.
function TestSampler.test_any_outcomes()
  local function play(seed, n, size)
    local s, luck, log = sampler.new(n, seed), require "lunagrad.rng".new(seed), {}
    for _ = 1, 60 do
      local batch = s:draw(size)
      if not batch then break end
      lu.assertEquals(#batch, math.min(n, size))
      set(batch)
      log[#log + 1] = table.concat(batch, " ")
      for _, i in ipairs(batch) do
        s:note(i, ({ "failed", "solved", "solved", "idle" })[luck:int(1, 4)])
      end
      if luck:int(1, 9) == 1 then s:forget() end
    end
    local draws = 0
    while true do
      local batch = s:draw(size)
      if not batch then break end
      note(s, batch, "solved")
      draws = draws + 1
    end
    lu.assertTrue(draws <= n)
    return table.concat(log, ";")
  end
  for seed = 1, 40 do
    local n, size = seed % 13 + 1, seed % 5 + 1
    lu.assertEquals(play(seed, n, size), play(seed, n, size))
  end
  lu.assertNotEquals(play(1, 13, 3), play(2, 13, 3))
end

function TestSampler.test_a_seed_is_a_number_or_a_text()
  helper.fails("inval", nil, sampler.new, 3, {})
end

os.exit(lu.LuaUnit.run())
