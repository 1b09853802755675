-- test_bandit.lua - which operator proposes next

require "helper"
local bandit = require "lunagrad.improve.bandit"
local lu = require "luaunit"
local rng = require "lunagrad.rng"

TestBandit = {}

-- How often each is chosen in a world: name → what a proposal brings, or nothing.
local function play(world, many, prior)
  local names = {}
  for name in pairs(world) do names[#names + 1] = name end
  table.sort(names)
  local b, random, count = bandit.new { names = names, prior = prior }, rng.new "play", {}
  for _ = 1, many do
    local name = b:pick(random)
    count[name] = (count[name] or 0) + 1
    b:note(name, world[name](random))
  end
  return count, b
end

local function operator(chance, gain, calls)
  return function(random)
    local kept = random:float() < chance
    return { kept = kept, gain = kept and gain or 0, calls = calls }
  end
end

function TestBandit.test_what_is_kept_more_often()
  local count = play({ good = operator(.5, .05, 50), bad = operator(.05, .05, 50) }, 300)
  lu.assertTrue(count.good > 220)
  lu.assertTrue(count.bad >= 3) -- looked at now and then
end

function TestBandit.test_only_those_that_may()
  local b, random = bandit.new { names = { "a", "b", "c" } }, rng.new(1)
  for _ = 1, 30 do
    lu.assertEquals(b:pick(random, function(name) return name == "b" end), "b")
  end
  lu.assertNil(b:pick(random, function() return false end))
end

function TestBandit.test_what_brings_more()
  local count = play({ big = operator(.3, .2, 50), small = operator(.3, .02, 50) }, 300)
  lu.assertTrue(count.big > 220)
end

function TestBandit.test_what_costs_less()
  local count = play({ cheap = operator(.3, .05, 10), dear = operator(.3, .05, 200) }, 300)
  lu.assertTrue(count.cheap > 220)
end

function TestBandit.test_old_proposals_are_forgotten()
  local count = {}
  local first = operator(.6, .1, 10)
  local b, random = bandit.new { names = { "early", "late" } }, rng.new(3)
  for turn = 1, 600 do
    local name = b:pick(random)
    if turn > 300 then count[name] = (count[name] or 0) + 1 end
    local good = (name == "early") == (turn <= 200)
    b:note(name, good and first(random) or { kept = false, gain = 0, calls = 10 })
  end
  lu.assertTrue(count.late > 200)
end

function TestBandit.test_prior()
  local same = operator(0, 0, 10)
  local count = play({ a = same, b = same }, 20, { a = { kept = 30, lost = 1 } })
  lu.assertTrue(count.a > 15)
end

function TestBandit.test_same_seed_same_choice()
  local one = operator(.3, .1, 20)
  local a = play({ x = one, y = one, z = one }, 100)
  lu.assertEquals(a, (play({ x = one, y = one, z = one }, 100)))
end

function TestBandit.test_told()
  local b = bandit.new { names = { "x", "y" } }
  b:note("x", { kept = true, gain = .25, calls = 8 })
  b:note("x", { kept = false, gain = -.5, calls = 2 })
  b:note("who", { kept = true, gain = 1, calls = 1 }) -- not one of its own: no matter
  local told = b:told()
  lu.assertEquals(told.x, { gain = .25, kept = 1, calls = 10, tried = 2 })
  lu.assertEquals(told.y, { gain = 0, kept = 0, calls = 0, tried = 0 })
end

os.exit(lu.LuaUnit.run())
