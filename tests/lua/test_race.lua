-- test_race.lua - a child against its parent: what is dropped, when, and how often wrongly

local helper = require "helper"
local lu = require "luaunit"
local race = require "lunagrad.improve.race"
local rng = require "lunagrad.rng"

TestRace = {}

-- Runs a race on the child's scores to its decision.
local function run(parent, child, spec)
  spec = spec or {}
  spec.n, spec.parent = #parent, parent
  local r = race.new(spec)
  for i = 1, #child do
    local verdict, why = r:add(child[i])
    if verdict ~= "go" then return verdict, why, i, r end
  end
  return "go", nil, #child, r
end

local function scores(r, n, share) -- 0 and 1, `share` of them right
  local list = {}
  for i = 1, n do list[i] = r:float() < share and 1 or 0 end
  return list
end

local function graded(r, n)
  local list = {}
  for i = 1, n do list[i] = r:int(0, 10) / 10 end
  return list
end

function TestRace.test_kept_when_the_sum_ends_above_zero()
  lu.assertEquals(run({ 0, 1, 0, 1 }, { 1, 1, 0, 1 }), "keep")
  local verdict, why = run({ 1, 0, 0 }, { 0, 1, 0 })
  lu.assertEquals({ verdict, why }, { "drop", "no gain" })
  lu.assertEquals(run({ 1, 0, 0 }, { 0, 1, 0 }, { tie = "keep" }), "keep")
  lu.assertEquals(run({ 1, 1 }, { 1, 1 }, { tie = "keep" }), "keep")
end

function TestRace.test_curtailed_when_full_marks_would_not_do()
  local verdict, why, at = run({ 1, 1, 0, 1 }, { 1, 0, 1, 1 })
  lu.assertEquals({ verdict, why, at }, { "drop", "curtailed", 2 }) -- one wrong one is left to gain
  verdict, why, at = run({ 1, 1, 1 }, { 1, 1, 1 })
  lu.assertEquals({ verdict, why, at }, { "drop", "curtailed", 1 }) -- nothing to gain at all
  verdict, why, at = run({ 0.5, 0.75, 1, 0 }, { 0.25, 0.25, 1, 1 }, { beta = 0 })
  lu.assertEquals({ verdict, why, at }, { "keep", nil, 4 })
  verdict, why, at = run({ 0.5, 0.75, 1, 0.5 }, { 0.25, 0.25, 1, 1 }, { beta = 0 })
  lu.assertEquals({ verdict, why, at }, { "drop", "curtailed", 2 })
end

-- Whatever the scores, a race that is only curtailed keeps what the whole set would keep.
function TestRace.test_curtailing_changes_no_verdict()
  local r, early, kept = rng.new(5), 0, 0
  for round = 1, 600 do
    local n = r:int(1, 40)
    local draw = round % 2 == 0 and scores or graded
    local parent, child, sum = draw(r, n, 0.5), draw(r, n, 0.5), 0
    for i = 1, n do sum = sum + math.floor((child[i] - parent[i]) * 10 + 0.5) end
    for tie, least in pairs { keep = 0, drop = 1 } do
      local verdict, _, at = run(parent, child, { beta = 0, tie = tie })
      lu.assertEquals(verdict, sum >= least and "keep" or "drop", "round " .. round)
      if at < n then early = early + 1 end
      if verdict == "keep" then kept = kept + 1 end
    end
  end
  lu.assertTrue(early > 200 and kept > 200)
end

-- Tenths do not add up exactly; equal is equal all the same.
function TestRace.test_a_rounding_error_is_no_gain()
  lu.assertEquals(run({ 0, 0, 0.3 }, { 0.1, 0.2, 0 }, { beta = 0 }), "drop")
  lu.assertEquals(run({ 0, 0, 0.3 }, { 0.1, 0.2, 0 }, { beta = 0, tie = "keep" }), "keep")
end

function TestRace.test_a_bad_child_is_futile_early()
  local parent, child = {}, {}
  for i = 1, 300 do parent[i], child[i] = i % 2, i % 5 == 0 and 1 or 0 end
  local verdict, why, at = run(parent, child)
  lu.assertEquals({ verdict, why }, { "drop", "futile" })
  lu.assertTrue(at < 40, tostring(at))
  verdict, why = run(parent, child, { beta = 0 })
  lu.assertEquals({ verdict, why }, { "drop", "curtailed" })
end

-- Decided is decided: what comes later is not looked at, and the same beginning is the same verdict.
function TestRace.test_a_verdict_is_about_the_scores_so_far()
  local r = rng.new(9)
  for _ = 1, 100 do
    local n = r:int(5, 120)
    local parent, child = scores(r, n, 0.6), scores(r, n, 0.5)
    local verdict, why, at, one = run(parent, child)
    local again = select(4, run(parent, table.move(child, 1, at, 1, {})))
    lu.assertEquals(again:summary(), one:summary())
    lu.assertEquals({ one:add(1) }, { verdict, why })
    lu.assertEquals(one:summary(), again:summary())
  end
end

-- Children that are better by delta, on examples that are drawn anew: how many are found futile.
local function false_drops(runs, n, delta, beta, draw)
  local r, wrong = rng.new(2), 0
  for _ = 1, runs do
    local parent, child = {}, {}
    for i = 1, n do parent[i], child[i] = draw(r, delta) end
    local _, why = run(parent, child, { delta = delta, beta = beta })
    if why == "futile" then wrong = wrong + 1 end
  end
  return wrong / runs
end

function TestRace.test_a_good_child_is_seldom_futile()
  local function pairs_of(r, delta) -- a third turn out differently
    local u = r:float()
    if u < (1 / 3 + delta) / 2 then return 0, 1 end
    if u < 1 / 3 then return 1, 0 end
    return u < 2 / 3 and 1 or 0, u < 2 / 3 and 1 or 0
  end
  local function skewed(r, delta) -- mostly a little worse, now and then much better
    if r:float() < 0.8 then return 0.3, 0.2 end
    return 0.3, 0.3 + 0.4 + 5 * delta
  end
  for _, beta in ipairs { 0.2, 0.4 } do
    local most = beta + 3 * math.sqrt(beta * (1 - beta) / 700)
    for name, world in pairs { pairs = pairs_of, skewed = skewed } do
      local wrong = false_drops(700, 100, 0.05, beta, world)
      lu.assertTrue(wrong > beta / 10 and wrong <= most, ("%s, %g: %g"):format(name, beta, wrong))
    end
  end
end

-- Without gain most leave before the end, which is what the race is for.
function TestRace.test_what_it_saves()
  local r, used, runs, n = rng.new(4), 0, 300, 300
  for _ = 1, runs do
    local parent, child = {}, {}
    for i = 1, n do
      local u = r:float()
      parent[i] = u < 0.125 and 0 or u < 0.25 and 1 or r:int(0, 1)
      child[i] = u < 0.125 and 1 or u < 0.25 and 0 or parent[i]
    end
    used = used + select(3, run(parent, child, { delta = 0.1, beta = 0.2 }))
  end
  lu.assertTrue(used / runs < 115 and used / runs > 70, tostring(used / runs))
end

-- Percentages cannot be foreseen: no score is the last word before the end.
function TestRace.test_scores_without_bounds_go_to_the_end()
  local verdict, why, at, r = run({ 50, 60, 70 }, { 10, 10, 200 })
  lu.assertEquals({ verdict, why, at }, { "keep", nil, 3 })
  lu.assertNil(r:e())
  lu.assertNil(r:summary().e)
  verdict, why, at = run({ 1, 1, 1, 1 }, { 7, -5, -5, 0 })
  lu.assertEquals({ verdict, why, at }, { "drop", "no gain", 4 })
end

-- A parent whose scores come with the child's: kept or not is the same, only nothing is foreseen
-- before they are known.
function TestRace.test_parents_scores_may_come_later()
  local r = rng.new(21)
  local early, late = 0, 0
  for _ = 1, 200 do
    local n = r:int(1, 30)
    local parent, child = scores(r, n, 0.5), scores(r, n, 0.5)
    local verdict, _, at = run(parent, child, { beta = 0 })
    local blind = race.new { n = n, parent = {}, beta = 0 }
    local said, i = "go", 0
    while said == "go" do
      i = i + 1
      said = blind:add(child[i], parent[i])
    end
    lu.assertEquals(said, verdict)
    lu.assertTrue(i >= at)
    early, late = early + at, late + i
  end
  lu.assertTrue(late > early)
end

function TestRace.test_enough_evidence_keeps_early()
  local parent, child = {}, {}
  for i = 1, 100 do parent[i], child[i] = i % 2, 1 end
  local verdict, why, at, r = run(parent, child, { early = 20 })
  lu.assertEquals({ verdict, why }, { "keep", "early" })
  lu.assertTrue(at < 40 and r:e() >= 20, tostring(at))
  lu.assertEquals({ r:add(0) }, { "keep", "early" })
  verdict, why, at = run(parent, child)
  lu.assertEquals({ verdict, why, at }, { "keep", nil, 100 })
end

function TestRace.test_trace_and_summary()
  local r = select(4, run({ 0, 1, 1, 0, 0 }, { 1, 0, 1, 1 }))
  lu.assertEquals(r:trace(), "+-=+")
  local s = r:summary()
  lu.assertEquals({ s.n, s.won, s.lost, s.sum, s.verdict }, { 4, 2, 1, 1.0, "go" })
  lu.assertAlmostEquals(s.p, 0.5, 1e-12)
  lu.assertEquals(s.e, r:e())
  s = select(4, run({ 0, 0, 1, 0 }, { 1, 1, 1 })):summary()
  lu.assertTrue(s.e > 2 and s.f < 0.5)
  r = select(4, run({ 0.5, 0.5, 0 }, { 0.75, 0.4, 0 }, { beta = 0 }))
  lu.assertEquals(r:trace(), "0.25 -0.1 0")
  lu.assertEquals(race.new { n = 1, parent = { 0 } }:trace(), "")
  r = select(4, run({ 0.3, 0.5 }, { 0.1 + 0.2, 0.5 }, { beta = 0 }))
  lu.assertEquals({ r:trace(), r:summary().won }, { "==", 0 })
end

function TestRace.test_misuse()
  helper.fails("inval", nil, race.new, { n = 2, parent = { 1, 1, 1 } })
  helper.fails("inval", nil, race.new, { n = 0, parent = {} })
  helper.fails("inval", { field = "beta" }, race.new, { n = 1, parent = { 1 }, beta = 1 })
  helper.fails("inval", { field = "delta" }, race.new, { n = 1, parent = { 1 }, delta = -0.1 })
end

os.exit(lu.LuaUnit.run())
