-- test_claim.lua - the claim: exact tests against counting all cases, intervals, what is needed

local helper = require "helper"
local lu = require "luaunit"
local claim = require "lunagrad.improve.claim"
local rng = require "lunagrad.rng"
local stats_math = require "lunagrad.stats_math"

TestClaim = {}

-- Scores of two programs on n examples: so many that only the second has right, and so many that
-- only the first has.
local function outcome(n, won, lost)
  local a, b = {}, {}
  for i = 1, n do
    local same = i % 2
    a[i] = i <= won and 0 or i <= won + lost and 1 or same
    b[i] = i <= won and 1 or i <= won + lost and 0 or same
  end
  return a, b
end

-- The share of all choices of signs under which the sum is as large, each counted by itself.
local function all_signs(sizes, least)
  local count = 0
  for signs = 0, (1 << #sizes) - 1 do
    local sum = 0
    for i, size in ipairs(sizes) do sum = sum + (signs >> (i - 1) & 1) * 2 * size - size end
    if sum >= least - 1e-9 then count = count + 1 end
  end
  return count / (1 << #sizes)
end

function TestClaim.test_mcnemar_is_the_share_of_all_outcomes()
  for won = 0, 9 do
    for lost = 0, 5 do
      local ones = {}
      for i = 1, won + lost do ones[i] = 1 end
      lu.assertAlmostEquals(stats_math.sign_test(won, lost), all_signs(ones, won - lost), 1e-12)
    end
  end
  lu.assertAlmostEquals(stats_math.sign_test(14, 2), 0.0020904541, 1e-9) -- (1 + 16 + 120) / 2^16
  lu.assertAlmostEquals(stats_math.sign_test(500, 500), 0.5126125, 1e-6)
  lu.assertTrue(stats_math.sign_test(5000, 0) < 1e-300)
  lu.assertAlmostEquals(stats_math.sign_test(0, 5000), 1, 1e-9)
end

function TestClaim.test_sign_flips_are_all_counted()
  local r = rng.new(8)
  for m = 0, 12 do
    for _ = 1, 6 do
      local sizes, differences, sum = {}, { 0, 0 }, 0
      for i = 1, m do
        sizes[i] = r:int(1, 20) / 20
        local x = r:int(0, 2) > 0 and sizes[i] or -sizes[i]
        differences[i + 2], sum = x, sum + x
      end
      lu.assertAlmostEquals(claim.sign_flip(differences), all_signs(sizes, sum), 1e-12)
    end
  end
end

-- Tenths have few sums, so that their distribution can be worked out in full.
local function by_convolution(tenths)
  local chance, least, all = { [0] = 1.0 }, 0, 0
  for _, t in ipairs(tenths) do
    local size, after = math.abs(t), {}
    for sum, p in pairs(chance) do
      after[sum + size] = (after[sum + size] or 0) + p / 2
      after[sum - size] = (after[sum - size] or 0) + p / 2
    end
    chance, least = after, least + t
  end
  for sum, p in pairs(chance) do
    if sum >= least then all = all + p end
  end
  return all
end

function TestClaim.test_many_flips_are_drawn()
  for seed, n in ipairs { 27, 60, 200 } do
    local r, tenths, differences = rng.new(seed), {}, {}
    for i = 1, n do
      tenths[i] = r:int(-9, 11)
      differences[i] = tenths[i] / 10
    end
    local right, got = by_convolution(tenths), claim.sign_flip(differences, 1)
    lu.assertAlmostEquals(got, right, 4 * math.sqrt(right * (1 - right) / 50000) + 1 / 50000)
    lu.assertEquals(claim.sign_flip(differences, 1), got)
  end
  local ones = {}
  for i = 1, 100 do ones[i] = 1 end
  lu.assertEquals(claim.sign_flip(ones), 1 / 50001) -- never 0: what was seen is one of the cases
end

-- The likelihood of a broken example, at its maximum under a given gain: by trying.
local function score_by_trying(won, lost, n, gain)
  local best, at = -math.huge, 0
  local least, most = math.max(0, -gain), (1 - gain) / 2
  for i = 1, 19999 do
    local q = least + (most - least) * i / 20000
    local likely = won * math.log(q + gain) + lost * math.log(q)
      + (n - won - lost) * math.log(1 - 2 * q - gain)
    if likely > best then best, at = likely, q end
  end
  return (won - lost - n * gain) / math.sqrt(n * (2 * at + gain * (1 - gain)))
end

function TestClaim.test_the_interval_ends_where_the_score_says()
  for _, c in ipairs { { 14, 2, 100 }, { 9, 6, 40 }, { 30, 31, 300 }, { 2, 7, 12 } } do
    local low, high = claim.paired_interval(table.unpack(c))
    lu.assertAlmostEquals(score_by_trying(c[1], c[2], c[3], low), 1.959964, 0.002)
    lu.assertAlmostEquals(score_by_trying(c[1], c[2], c[3], high), -1.959964, 0.002)
  end
  -- Swapped programs have the mirrored interval.
  local low, high = claim.paired_interval(14, 2, 100)
  local low2, high2 = claim.paired_interval(2, 14, 100)
  lu.assertAlmostEquals(low, -high2, 1e-9)
  lu.assertAlmostEquals(high, -low2, 1e-9)
end

-- The chance of every outcome (won, lost) of n examples.
local function each_outcome(n, d, gain, visit)
  local log_of = { [0] = 0.0 }
  for i = 1, n do log_of[i] = log_of[i - 1] + math.log(i) end
  for won = 0, n do
    for lost = 0, n - won do
      local same = n - won - lost
      visit(won, lost, math.exp(log_of[n] - log_of[won] - log_of[lost] - log_of[same]
        + won * math.log((d + gain) / 2) + lost * math.log((d - gain) / 2)
        + same * math.log(1 - d)))
    end
  end
end

function TestClaim.test_the_interval_covers_and_has_width()
  for _, c in ipairs { { 12, 0.4, 0.1 }, { 30, 0.2, 0 }, { 30, 0.5, 0.3 }, { 40, 0.15, 0.05 } } do
    local n, d, gain = table.unpack(c)
    local covered, all = 0, 0
    each_outcome(n, d, gain, function(won, lost, chance)
      all = all + chance
      if chance < 1e-9 then return end
      local low, high = claim.paired_interval(won, lost, n)
      lu.assertTrue(high - low > 0.05 and low >= -1 and high <= 1)
      lu.assertTrue(low <= (won - lost) / n + 1e-9 and high >= (won - lost) / n - 1e-9)
      if low <= gain and gain <= high then covered = covered + chance end
    end)
    lu.assertAlmostEquals(all, 1, 1e-9)
    lu.assertTrue(covered > 0.93 and covered < 0.985, ("%d, %g: %g"):format(n, gain, covered))
  end
end

-- Exact, over all outcomes: without a gain "shown" is said in 5 of 100 cases at most, and with the
-- smallest gain, and with the number of examples asked for, in about 80.
local function said(n, d, gain)
  local shown = 0
  each_outcome(n, d, gain, function(won, lost, chance)
    if won > lost and stats_math.sign_test(won, lost) <= 0.05 then shown = shown + chance end
  end)
  return shown
end

function TestClaim.test_how_often_it_says_shown()
  for _, n in ipairs { 10, 30, 100 } do
    for _, d in ipairs { 0.1, 0.25, 0.5 } do lu.assertTrue(said(n, d, 0) <= 0.05) end
  end
  lu.assertTrue(said(100, 0.25, 0) > 0.02)
  for _, c in ipairs { { 0.5, 0.2 }, { 0.35, 0.15 }, { 0.25, 0.1 }, { 0.2, 0.18 } } do
    local power = said(claim.examples(c[2], c[1]), c[1], c[2])
    lu.assertTrue(power > 0.77 and power < 0.88, tostring(power))
    power = said(100, c[1], claim.smallest(100, c[1]))
    lu.assertTrue(power > 0.74 and power < 0.86, tostring(power))
  end
end

-- The numbers of the reference: needed pairs, and the smallest gain.
function TestClaim.test_known_sizes()
  lu.assertAlmostEquals(claim.smallest(100, 0.3), 0.136, 0.0005)
  lu.assertAlmostEquals(claim.smallest(300, 0.3), 0.079, 0.0005)
  lu.assertAlmostEquals(claim.smallest(1000, 0.3), 0.043, 0.0005)
  for _, c in ipairs { { 0.5, 0.05, 1234 }, { 0.5, 0.2, 75 }, { 0.35, 0.1, 214 },
    { 0.25, 0.1, 152 } } do
    lu.assertAlmostEquals(claim.examples(c[2], c[1], nil, c[1]), c[3], 1.01)
    lu.assertAlmostEquals(claim.examples(c[2], c[1]), c[3] + 1 / c[2], 1.51)
  end
  lu.assertNil(claim.smallest(4, 0.5))
  lu.assertEquals(claim.smallest(5, 0.5), 1.0)
  lu.assertTrue(claim.smallest(100, 0) > 0.05) -- that nothing differed does not make sure of little
end

function TestClaim.test_hits()
  local c = claim.paired(outcome(100, 14, 2))
  lu.assertEquals({ c.shown, c.test, c.n, #c.fixed, c.broken, c.needed },
    { true, "mcnemar", 100, 14, { 15, 16 }, nil })
  lu.assertAlmostEquals(c.gain, 0.12, 1e-12)
  lu.assertEquals({ c.low, c.high }, { claim.paired_interval(14, 2, 100) })
  lu.assertEquals(tostring(c),
    "shown: +0.120 [+0.048, +0.205], p = .002 (exact McNemar, n = 100: fixed 14, broke 2)")
  c = claim.paired(outcome(100, 9, 6))
  lu.assertFalse(c.shown)
  lu.assertEquals(c.needed, claim.examples(0.03, 0.15) - 100)
  lu.assertStrContains(tostring(c), "not shown: +0.030")
  lu.assertStrContains(tostring(c), "some 970 more examples would decide")
  c = claim.paired(outcome(100, 2, 14))
  lu.assertEquals({ c.shown, c.needed }, { false, nil })
  lu.assertStrContains(tostring(c), "nothing suggests a gain")
  c = claim.paired(outcome(20, 0, 0))
  lu.assertEquals({ c.shown, c.p, c.gain }, { false, 1.0, 0.0 })
  lu.assertTrue(c.low < -0.1 and c.high > 0.1)
end

-- As many more as it asks for at the same rates, and it is shown.
function TestClaim.test_what_is_needed_decides()
  for _, few in ipairs { { 3, 3, 0 }, { 20, 4, 1 }, { 50, 5, 1 }, { 30, 4, 0 } } do
    local c = claim.paired(outcome(table.unpack(few)))
    lu.assertFalse(c.shown)
    local times = math.ceil((c.needed + c.n) / c.n)
    lu.assertTrue(claim.paired(outcome(few[1] * times, few[2] * times, few[3] * times)).shown)
  end
  local c = claim.paired({ 0.1, 0.5 }, { 0.3, 0.7 })
  lu.assertEquals(c.needed, 3) -- five must differ, all for the better
end

function TestClaim.test_alpha()
  local a, b = outcome(20, 5, 0)
  lu.assertTrue(claim.paired(a, b).shown)
  lu.assertFalse(claim.paired(a, b, { alpha = 0.01 }).shown)
end

function TestClaim.test_graded()
  local a, b, r = {}, {}, rng.new(4)
  for i = 1, 60 do
    a[i] = r:int(0, 8) / 10
    b[i] = a[i] + (i % 3 == 0 and 0.2 or i % 7 == 0 and -0.1 * (a[i] >= 0.1 and 1 or 0) or 0)
  end
  local c = claim.paired(a, b, { seed = 3 })
  lu.assertEquals({ c.shown, c.test, #c.fixed }, { true, "sign-flip", 20 })
  lu.assertTrue(c.low > 0 and c.low < c.gain and c.gain < c.high and c.high < 0.12)
  local again = claim.paired(a, b, { seed = 3 })
  lu.assertEquals({ again.low, again.high, again.p }, { c.low, c.high, c.p })
  lu.assertStrContains(tostring(c), "better on 20, worse on")
end

function TestClaim.test_no_bounded_difference_has_zero_width()
  for _, n in ipairs { 1, 2, 5, 40 } do
    for _, x in ipairs { 0, 0.25, -0.5, 1 } do
      local a, b = {}, {}
      for i = 1, n do a[i], b[i] = x < 0 and 0.5 or 0, x < 0 and 0 or x end
      local c = claim.paired(a, b)
      lu.assertTrue(c.low < c.high and c.low <= c.gain and c.gain <= c.high, n .. ": " .. x)
      lu.assertTrue(c.low >= -1 and c.high <= 1)
    end
  end
end

function TestClaim.test_scores_without_bounds()
  local c = claim.paired({ 1, 2, 37 }, { 2, 3, 39 })
  lu.assertTrue(c.low < 0 and c.high > 2.5 and c.smallest > 0)
  c = claim.paired({ 1, 2, 37 }, { 2, 3, 38 })
  lu.assertNil(c.low) -- all differ by the same: nothing is known of the spread
  lu.assertStrContains(tostring(c), "+1.000, p = .125")
end

-- 0.1 + 0.2 is not quite 0.3, and differences that cancel are not quite 0.
function TestClaim.test_a_rounding_error_is_no_gain()
  local c = claim.paired({ 0.3, 0.5 }, { 0.1 + 0.2, 0.5 })
  lu.assertEquals({ #c.fixed, #c.broken, c.gain, c.needed }, { 0, 0, 0.0, nil })
  c = claim.paired({ 0.1, 0.3, 0.3 }, { 0.2, 0.4, 0.1 })
  lu.assertEquals({ c.shown, c.needed }, { false, nil })
  lu.assertStrContains(tostring(c), "nothing suggests a gain")
  lu.assertStrContains(tostring(claim.paired({ 0.1, 0 }, { 0, 0.1000001 })), "nothing suggests")
end

-- Scores of two programs that are as good as each other, drawn anew for each.
function TestClaim.test_graded_claims_are_seldom_false()
  local r, runs, shown = rng.new(6), 1500, 0
  for _ = 1, runs do
    local differences = {}
    for i = 1, 13 do differences[i] = r:float() ^ 4 - r:float() ^ 4 end
    if claim.sign_flip(differences) <= 0.05 then shown = shown + 1 end
  end
  lu.assertTrue(shown / runs > 0.02 and shown / runs <= 0.05 + 3 * 0.0057, tostring(shown))
end

local function covered(runs, n, draw, mean)
  local r, count = rng.new(12), 0
  for run = 1, runs do
    local values = {}
    for i = 1, n do values[i] = draw(r) end
    local low, high = stats_math.mean_interval(values, -1.0, 1.0, run)
    if low <= mean and mean <= high then count = count + 1 end
  end
  return count / runs
end

-- BCa where values are of many kinds, the padded interval where few differ: both about 95%.
function TestClaim.test_graded_intervals_cover()
  local skewed = covered(80, 24, function(r) return r:float() ^ 3 end, 0.25)
  lu.assertTrue(skewed >= 0.95 - 3 * 0.0244, tostring(skewed))
  local sparse = covered(2000, 40, function(r) return r:float() < 0.9 and 0 or r:float() end, 0.05)
  lu.assertTrue(sparse >= 0.94, tostring(sparse))
end

function TestClaim.test_misuse()
  helper.fails("inval", nil, claim.paired, {}, {})
  helper.fails("inval", nil, claim.paired, { 1 }, { 1, 0 })
  helper.fails("inval", { field = "alpha" }, claim.paired, { 1 }, { 1 }, { alpha = 1 })
end

os.exit(lu.LuaUnit.run())
