-- test_pool.lua - the pool of a search: fronts against a recomputation, who leaves, who comes from
-- whom, and that its costs stay flat

require "helper"
local lu = require "luaunit"
local pool = require "lunagrad.improve.pool"
local rng = require "lunagrad.rng"

TestPool = {}

local made = 0
local function candidate(scores, fields)
  made = made + 1
  local c = { texts = { "text " .. made }, scores = scores }
  for name, value in pairs(fields or {}) do c[name] = value end
  return c
end

-- A candidate with scores on a grid, so that there are many ties.
local function random_candidate(random, n, names)
  local scores, objectives = {}, names and {}
  for k = 1, n do
    scores[k] = random:int(0, 3) / 3
    if names then
      objectives[k] = {}
      for _, name in ipairs(names) do objectives[k][name] = random:int(0, 2) / 2 end
    end
  end
  return candidate(scores, { objectives = objectives })
end

local function best_of(list, value)
  local best, holders
  for _, c in ipairs(list) do
    local v = value(c)
    if not best or v > best then
      best, holders = v, { c }
    elseif v == best then
      holders[#holders + 1] = c
    end
  end
  return best, holders
end

local function mean_objective(name)
  return function(c)
    local sum = 0
    for _, by_name in ipairs(c.objectives) do sum = sum + by_name[name] end
    return sum / #c.objectives
  end
end

-- key, name, value of every front that this kind of pool has.
local function keys(front, n, names)
  local list = {}
  for k = 1, n do
    if front == "instance" or front == "hybrid" then
      list[#list + 1] = { k, nil, function(c) return c.scores[k] end }
    elseif front == "cartesian" then
      for _, name in ipairs(names) do
        list[#list + 1] = { k, name, function(c) return c.objectives[k][name] end }
      end
    end
  end
  if front == "objective" or front == "hybrid" then
    for _, name in ipairs(names) do list[#list + 1] = { name, nil, mean_objective(name) } end
  end
  return list
end

-- GEPA's words: visit from the lowest mean, drop who has another survivor in every front.
local function dominators(p, fronts)
  local order = table.move(p.list, 1, #p.list, 1, {})
  table.sort(order, function(a, b) return pool.better(b, a) end)
  local gone = {}
  local function needed(c)
    for _, holders in ipairs(fronts) do
      local in_it, others = false, 0
      for _, h in ipairs(holders) do
        if h == c then in_it = true elseif not gone[h] then others = others + 1 end
      end
      if in_it and others == 0 then return true end
    end
    return false
  end
  local left = {}
  for _, c in ipairs(order) do
    if needed(c) then left[#left + 1] = c else gone[c] = true end
  end
  return left
end

local function check_fronts(p, n, names)
  local all = {}
  for _, key in ipairs(keys(p.front, n, names)) do
    local best, holders = best_of(p.list, key[3])
    local seen, value = p:front_of(key[1], key[2])
    lu.assertEquals(value, best)
    local want, got = {}, {}
    for _, c in ipairs(holders) do want[#want + 1] = c.idx end
    for _, c in ipairs(seen) do got[#got + 1] = c.idx end
    table.sort(got)
    lu.assertEquals(got, want)
    all[#all + 1] = holders
  end
  local idx = function(list)
    local of = {}
    for i, c in ipairs(list) do of[i] = c.idx end
    return of
  end
  lu.assertEquals(idx(p:dominators()), idx(dominators(p, all)))
  local _, weight = p:dominators()
  for _, c in ipairs((p:dominators())) do
    local count = 0
    for _, holders in ipairs(all) do
      for _, h in ipairs(holders) do if h == c then count = count + 1 end end
    end
    lu.assertEquals(weight[c], count)
  end
end

function TestPool.test_fronts_are_what_a_recomputation_gives()
  local random, names = rng.new "fronts", { "cost", "right" }
  for _, front in ipairs { "instance", "objective", "hybrid", "cartesian" } do
    for _, size in ipairs { 4, 100 } do
      local p = pool.new { n = 12, front = front, size = size }
      for _ = 1, 30 do
        p:add(random_candidate(random, 12, names))
        check_fronts(p, 12, names)
      end
      lu.assertEquals(#p.list, math.min(size, 30))
    end
  end
end

function TestPool.test_without_objectives_the_score_is_the_only_one()
  for _, front in ipairs { "objective", "hybrid", "cartesian" } do
    local p = pool.new { n = 2, front = front }
    p:add(candidate { 0, 1 })
    p:add(candidate { 1, 1 })
    local key = front == "cartesian" and 1 or "score"
    local holders, best = p:front_of(key)
    lu.assertEquals(best, 1)
    lu.assertEquals(holders, { p:get(1) })
  end
end

function TestPool.test_equal_texts_once()
  local p = pool.new { n = 1 }
  lu.assertTrue(p:add { texts = { "a", "b" }, scores = { 0 } })
  lu.assertTrue(p:add { texts = { "ab", "" }, scores = { 0 } })
  local added, why = p:add { texts = { "a", "b" }, scores = { 1 } }
  lu.assertFalse(added)
  lu.assertEquals(why, "same texts as 0")
  lu.assertEquals(p:find { "ab", "" }, 1)
  lu.assertNil(p:find { "", "ab" })
  lu.assertEquals(p.added, 2)
end

function TestPool.test_the_best_is_the_mean_then_the_shorter_then_the_older()
  local p = pool.new { n = 2 }
  p:add(candidate({ 0, 1 }, { words = 9 }))
  lu.assertEquals(p:best().idx, 0)
  p:add(candidate({ 1, 0 }, { words = 9 }))
  lu.assertEquals(p:best().idx, 0)
  p:add(candidate({ 1, 0 }, { words = 3 }))
  lu.assertEquals(p:best().idx, 2)
  p:add(candidate({ 1, 1 }, { words = 99 }))
  lu.assertEquals(p:best().idx, 3)
end

function TestPool.test_who_leaves()
  local p = pool.new { n = 4, size = 3 }
  p:add(candidate { 0, 0, 0, 0 })
  p:add(candidate { 1, 1, 1, 0 })
  p:add(candidate { 0, 0, 0, 1 })               -- alone in front 4, though its mean is low
  local _, _, left = p:add(candidate { 1, 1, 0, 0 }) -- better, but needed for nothing
  lu.assertEquals(left.idx, 3)
  lu.assertEquals(#p.list, 3)
  lu.assertTrue(p:get(3).left)
  lu.assertNil(p:get(3).scores)
  _, _, left = p:add(candidate { 1, 1, 1, 1 })  -- now neither 1 nor 2 holds anything alone
  lu.assertEquals(left.idx, 2)
  lu.assertFalse((p:add(candidate({ 1, 1, 0, 0 }, { texts = p:get(3).texts }))))
end

function TestPool.test_where_all_hold_something_alone_the_least_leaves()
  local p = pool.new { n = 6, size = 3 }
  p:add(candidate { 0, 0, 0, 0, 0, .1 })
  p:add(candidate { 1, 1, 1, 0, 0, 0 })
  p:add(candidate { 0, 0, .5, .5, 1, 0 })
  local _, _, left = p:add(candidate { .5, .5, 0, .6, 0, 0 })
  lu.assertEquals(left.idx, 3)
  local holders, best = p:front_of(4)
  lu.assertEquals(best, .5) -- the front was filled from the rest
  lu.assertEquals(holders, { p:get(2) })
end

function TestPool.test_lineage()
  local p = pool.new { n = 1, size = 3 }
  local parents = { {}, { 0 }, { 0 }, { 1 }, { 1, 2 }, { 3 }, { 5 } }
  for i, of in ipairs(parents) do p:add(candidate({ i / 9 }, { parents = of })) end
  lu.assertEquals(p:ancestors(0), {})
  lu.assertEquals(p:ancestors(6), { 0, 1, 3, 5 })
  lu.assertEquals(p:ancestors(4), { 0, 1, 2 })
  lu.assertEquals(p:common_ancestors(4, 6), { 0, 1 })
  lu.assertEquals(p:common_ancestors(1, 6), {}) -- one comes from the other
  lu.assertEquals(p:common_ancestors(6, 1), {})
  lu.assertEquals(p:common_ancestors(4, 4), {})
  for i = 7, 3000 do p:add(candidate({ i / 9 }, { parents = { i - 1 } })) end
  lu.assertEquals(#p:ancestors(3000), 2998)
end

function TestPool.test_costs_stay_flat()
  local n, p, random = 60, pool.new { n = 60 }, rng.new(1)
  local function add(many)
    local before = os.clock()
    for _ = 1, many do
      local scores = {}
      for k = 1, n do scores[k] = random:int(0, 1) end
      p:add(candidate(scores))
      p:dominators()
    end
    return os.clock() - before
  end
  add(100)
  local first = add(200)
  add(600)
  lu.assertTrue(add(200) < first * 3 + .05)
  lu.assertEquals(#p.list, 64)
end

-- Whoever looks at the pool as it was sees no score that came since.
function TestPool.test_as_it_was()
  local p = pool.new { n = 2 }
  p:add(candidate { 0, 0 })
  local open = candidate(nil, { parents = { 0 }, mean = 0.9, open = true })
  p:enter(open)
  p:add(candidate({ 1, 0 }, { parents = { 0 } }))
  local list, since = table.move(p.list, 1, #p.list, 1, {}), #p.past
  local was = pool.new { n = 2 }
  was:restore(list, p, since)
  p:remember(open)
  open.scores, open.open = { 0, 0 }, nil
  p:add(open)
  p:rescore(2, { 0, 0 })
  lu.assertEquals({ p:get(1).mean, p:get(2).mean }, { 0, 0 })
  lu.assertEquals({ was:get(1).mean, was:get(1).open, was:get(2).mean }, { 0.9, true, 0.5 })
  local now = pool.new { n = 2 }
  now:restore(table.move(p.list, 1, #p.list, 1, {}), p, #p.past)
  lu.assertEquals({ now:get(1).mean, now:get(2).mean }, { 0, 0 })
end

os.exit(lu.LuaUnit.run())
