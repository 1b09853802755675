-- test_batches.lua - which examples a parent is shown: hard ones, unknown ones, all over time

require "helper"
local batches = require "lunagrad.improve.batches"
local lu = require "luaunit"
local rng = require "lunagrad.rng"

TestBatches = {}

local function set(list)
  local all = {}
  for _, i in ipairs(list) do
    lu.assertNil(all[i], "an example twice in a batch")
    all[i] = true
  end
  return all
end

local function note_all(b, idx, n, score)
  for i = 1, n do b:note(idx, i, type(score) == "function" and score(i) or score) end
end

function TestBatches.test_all_have_their_turn()
  local b, random, seen = batches.new(30, 1), rng.new(1), {}
  for _ = 1, 6 do
    for i in pairs(set(b:draw(0, 5, random))) do
      lu.assertNil(seen[i])
      seen[i] = true
      b:note(0, i, 1)
    end
  end
  lu.assertNil(b:draw(0, 5, random)) -- all solved
  lu.assertEquals(#b:draw(1, 5, random), 5) -- but not by another
end

function TestBatches.test_the_least_seen_by_anybody_first()
  local b, random = batches.new(12, 1), rng.new(1)
  note_all(b, 0, 9, 1)
  lu.assertEquals(set(b:draw(1, 3, random)), { [10] = true, [11] = true, [12] = true })
end

function TestBatches.test_at_most_half_is_hard_while_something_is_unknown()
  local b, random = batches.new(40, "seed"), rng.new(2)
  note_all(b, 0, 20, 0)
  for _ = 1, 20 do
    local hard = 0
    for i in pairs(set(b:draw(0, 8, random))) do
      if i <= 20 then hard = hard + 1 end
    end
    lu.assertEquals(hard, 4)
  end
end

function TestBatches.test_what_failed_before_what_is_solved()
  local b, random = batches.new(10, 3), rng.new(3)
  note_all(b, 0, 10, function(i) return i <= 3 and 0 or 1 end)
  lu.assertEquals(set(b:draw(0, 3, random)), { [1] = true, [2] = true, [3] = true })
  local more = set(b:draw(0, 6, random))
  lu.assertTrue(more[1] and more[2] and more[3])
  lu.assertEquals(#b:draw(0, 99, random), 10)
end

function TestBatches.test_what_the_parent_failed_is_hard_for_the_child()
  local b, random = batches.new(50, 4), rng.new(4)
  note_all(b, 0, 10, function(i) return i <= 4 and 0 or 1 end)
  b:child(1, { 0 })
  local hard = 0
  for i in pairs(set(b:draw(1, 8, random))) do
    if i <= 4 then hard = hard + 1 end
  end
  lu.assertEquals(hard, 4)
end

function TestBatches.test_luck()
  local b, random = batches.new(20, 5), rng.new(5)
  for idx = 0, 2 do note_all(b, idx, 20, function(i) return i == 7 and 0 or 1 end) end
  note_all(b, 3, 20, function(i) return i == 1 and 0 or 1 end) -- solves 7, as nobody else
  lu.assertEquals(set(b:draw(3, 2, random)), { [1] = true, [7] = true })
  b:child(4, { 5 })
  note_all(b, 4, 20, function(i) return i == 2 and 0 or 1 end)
  b:note(5, 9, 0) -- its parent failed 9
  lu.assertTrue(set(b:draw(4, 3, random))[9])
end

function TestBatches.test_what_failed_once_is_not_solved()
  local b, random = batches.new(1, 1), rng.new(1)
  b:note(0, 1, 1)
  lu.assertNil(b:draw(0, 1, random))
  b:note(0, 1, .5)
  lu.assertEquals(b:draw(0, 1, random), { 1 })
  b:note(0, 1, 1)
  lu.assertEquals(b:draw(0, 1, random), { 1 })
end

function TestBatches.test_never_only_solved_ones()
  local random = rng.new "never"
  for round = 1, 200 do
    local n = random:int(1, 12)
    local b, solved = batches.new(n, round), {}
    for idx = 0, 2 do
      if idx > 0 then b:child(idx, { idx - 1 }) end
      for i = 1, n do
        local score = random:int(0, 2)
        if score < 2 then b:note(idx, i, score) end
        if idx == 2 then solved[i] = score == 1 end
      end
    end
    local batch = b:draw(2, random:int(1, 4), random)
    local open = batch == nil
    for i in pairs(set(batch or {})) do open = open or not solved[i] end
    lu.assertTrue(open)
    if not batch then
      for i = 1, n do lu.assertTrue(solved[i]) end
    end
  end
end

function TestBatches.test_the_order_of_notes_does_not_matter()
  local random, notes = rng.new(8), {}
  for i = 1, 60 do notes[i] = { random:int(0, 2), random:int(1, 20), random:int(0, 2) / 2 } end
  local function draws()
    local b, drawn = batches.new(20, 9), {}
    for _, one in ipairs(notes) do b:note(one[1], one[2], one[3]) end
    local again = rng.new(10)
    for d = 1, 10 do drawn[d] = b:draw(d % 3, 4, again) or false end
    return drawn
  end
  local first = draws()
  random:shuffle(notes)
  lu.assertEquals(draws(), first)
end

function TestBatches.test_nothing_to_draw()
  lu.assertNil(batches.new(0, 1):draw(0, 3, rng.new(1)))
  lu.assertEquals(batches.new(1, 1):draw(0, 3, rng.new(1)), { 1 })
  lu.assertEquals(#batches.new(2, 1):draw(0, 3, rng.new(1)), 2)
end

os.exit(lu.LuaUnit.run())
