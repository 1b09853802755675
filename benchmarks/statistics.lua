-- statistics.lua - what the race and the claim are worth: errors, power, and coverage of intervals.
--
-- Usage: lunagrad run benchmarks/statistics.lua [runs=2000] [seed=1]
--
-- Nothing is asked and nothing is timed: seeded draws of scores, of which the truth is known. The
-- figures in docs/statistics.md are its output. ± is a standard error.

local lg = require "lunagrad"
local betting = require "lunagrad.improve.betting"
local claim = require "lunagrad.improve.claim"
local race = require "lunagrad.improve.race"
local stats = require "lunagrad.stats_math"

local options = { runs = 2000, seed = 1 }
for name, value in pairs(lg.args) do
  if not options[name] or not math.tointeger(tonumber(value)) then
    error(("%s=: say runs= or seed= and a whole number"):format(name), 0)
  end
  options[name] = math.tointeger(tonumber(value))
end
local runs = options.runs
local rng = lg.rng.new(options.seed)

-- A pair of scores, parent's and child's: d of them differ, and the child gains `gain` in the mean.
local function hits(d, gain)
  local u = rng:float()
  if u < (d + gain) / 2 then return 0, 1 end
  if u < d then return 1, 0 end
  local same = u < (1 + d) / 2 and 1 or 0
  return same, same
end

-- ---- evidence, looked at after every example --------------------------------------------

local function one_of_evidence(d, gain, most, futility)
  local bets, against = betting.new(), betting.futility { delta = 0.1, beta = 0.2 }
  for i = 1, most do
    local before, after = hits(d, gain)
    if bets:add(after - before) >= 20 then return true, i end
    local _, dropped = against:add(after - before)
    if futility and dropped then return false, i end
  end
  return false, most
end

local function evidence(futility)
  for _, gain in ipairs { 0, 0.05, 0.1, 0.2 } do
    local accepted, used = 0, 0
    for _ = 1, runs do
      local yes, n = one_of_evidence(0.25, gain, 300, futility)
      accepted, used = accepted + (yes and 1 or 0), used + n
    end
    local share = accepted / runs
    print(("%+5.2f   %.3f ±%.3f   %5.1f"):format(gain, share,
      math.sqrt(share * (1 - share) / runs), used / runs))
  end
end

-- ---- the race ------------------------------------------------------------------------------

local function one_race(n, d, gain, beta)
  local parent, child = {}, {}
  for i = 1, n do parent[i], child[i] = hits(d, gain) end
  local r = race.new { n = n, parent = parent, beta = beta }
  for i = 1, n do
    local verdict, why = r:add(child[i])
    if verdict ~= "go" then return verdict == "keep" and "keep" or why, i end
  end
end

local function races(n, beta)
  for _, gain in ipairs { -0.1, 0, 0.05, 0.1 } do
    local count, used = { keep = 0, futile = 0, curtailed = 0, ["no gain"] = 0 }, 0
    for _ = 1, runs do
      local how, at = one_race(n, 0.25, gain, beta)
      count[how], used = count[how] + 1, used + at
    end
    print(("%4d  %.1f  %+5.2f   %.3f   %.3f   %.3f     %.3f    %5.1f"):format(n, beta, gain,
      count.keep / runs, count.futile / runs, count.curtailed / runs, count["no gain"] / runs,
      used / runs))
  end
end

-- ---- intervals --------------------------------------------------------------------------------

-- Worlds of graded values: bounds, mean, a draw.
local WORLDS = {
  { "tenths", 0, 0.5, function() return rng:int(0, 10) / 10 end },
  { "nearly all 1", 0, 0.97, function() return rng:float() < 0.94 and 1 or rng:float() end },
  { "0, 1 and between", 0, 0.6, function()
    local u = rng:float()
    return u < 0.4 and 1 or u < 0.6 and 0 or rng:float()
  end },
  { "skewed", 0, 1 / 6, function() return rng:float() ^ 5 end },
  { "a fifth differs", -1, 0, function()
    return rng:float() < 0.8 and 0 or 2 * rng:float() - 1
  end },
  { "mostly a little better", -1, 0, function() return rng:float() < 0.2 and -0.8 or 0.2 end },
}

local function coverage(world, n, times)
  local name, floor, mean, draw = table.unpack(world)
  local covered, width, alone = 0, 0, 0
  for run = 1, times do
    local values = {}
    for i = 1, n do values[i] = draw() end
    local low, high = stats.mean_interval(values, floor, 1.0, run)
    covered, width = covered + (low <= mean and mean <= high and 1 or 0), width + high - low
    low, high = stats.bca(values, run) -- none where all are equal
    if low and low <= mean and mean <= high then alone = alone + 1 end
  end
  print(("%-24s %4d   %.3f ±%.3f   %.3f   %.3f"):format(name, n, covered / times,
    math.sqrt(0.05 * 0.95 / times), width / times, alone / times))
end

local function paired(n, d, gain)
  local covered, shown, width = 0, 0, 0
  for _ = 1, runs do
    local won, lost = 0, 0
    for _ = 1, n do
      local before, after = hits(d, gain)
      if after > before then won = won + 1 elseif after < before then lost = lost + 1 end
    end
    local low, high = claim.paired_interval(won, lost, n)
    covered, width = covered + (low <= gain and gain <= high and 1 or 0), width + high - low
    if won > lost and stats.sign_test(won, lost) <= 0.05 then shown = shown + 1 end
  end
  print(("%4d  %.2f  %+5.2f   %.3f     %.3f   %.3f"):format(n, d, gain, shown / runs,
    covered / runs, width / runs))
end

print(("%d runs a line, seed %d"):format(runs, options.seed))
print "\nE of 20 or more within 300 examples, a quarter of which differ: gain, share, mean examples"
evidence(false)
print "the same, given up when less than 0.1 is likely"
evidence(true)
print "\nraces, a quarter differs\n   n  beta  gain    kept  futile  curtailed  no gain  examples"
for _, n in ipairs { 50, 100, 300 } do
  for _, beta in ipairs { 0.2, 0.4 } do races(n, beta) end
end
print "\nclaims of hits\n   n     d   gain   shown   covered   width"
for _, n in ipairs { 30, 100, 300 } do
  for _, gain in ipairs { 0, 0.05, 0.1 } do paired(n, 0.25, gain) end
end
print "\nintervals of graded values   n   covered        width   covered by BCa alone"
for _, world in ipairs(WORLDS) do
  for _, n in ipairs { 10, 20, 50, 100 } do coverage(world, n, runs // 4) end
end
