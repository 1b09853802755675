--- The statistics behind the numbers that are printed: means and their 95% intervals.
--
-- Pure arithmetic on lists of numbers, seeded, the same on every machine. Used by
-- lunagrad.improve.evaluate, train, race and claim. Formulas and sources: docs/statistics.md.

local rng = require "lunagrad.rng"

local stats_math = {}

--- The mean of a list; nil when it is empty.
---@param values number[]
---@return number|nil
function stats_math.mean(values)
  if #values == 0 then return nil end
  local sum, lost = 0.0, 0.0 -- Kahan: long lists of small scores stay exact
  for i = 1, #values do
    local y = values[i] - lost
    local t = sum + y
    lost = (t - sum) - y
    sum = t
  end
  return sum / #values
end

--- Sample standard deviation; 0 for fewer than two values.
---@param values number[]
---@return number
function stats_math.deviation(values)
  if #values < 2 then return 0.0 end
  local mean, squares = stats_math.mean(values), 0.0
  for i = 1, #values do squares = squares + (values[i] - mean) ^ 2 end
  return math.sqrt(squares / (#values - 1))
end

--- The quantile q (0 to 1) of a sorted list, interpolated.
---@param sorted number[]
---@param q number
---@return number
function stats_math.quantile(sorted, q)
  local at = 1 + (#sorted - 1) * q
  local low = math.floor(at)
  local high = math.min(low + 1, #sorted)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
end

-- Of Hart's rational approximation (West, "Better approximations to cumulative normal functions"):
-- 15 digits.
local ABOVE = { 3.52624965998911e-2, 0.700383064443688, 6.37396220353165, 33.912866078383,
  112.079291497871, 221.213596169931, 220.206867912376 }
local BELOW = { 8.83883476483184e-2, 1.75566716318264, 16.064177579207, 86.7807322029461,
  296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752 }

local function polynomial(factors, x)
  local sum = 0.0
  for i = 1, #factors do sum = sum * x + factors[i] end
  return sum
end

--- The share of the normal distribution that lies below x.
---@param x number
---@return number
function stats_math.normal_below(x)
  local far = math.abs(x)
  local tail = 0.0
  if far < 7.07106781186547 then
    tail = math.exp(-far * far / 2) * polynomial(ABOVE, far) / polynomial(BELOW, far)
  elseif far < 37 then
    local build = far + 0.65
    for i = 4, 1, -1 do build = far + i / build end
    tail = math.exp(-far * far / 2) / build / 2.506628274631
  end
  return x > 0 and 1 - tail or tail
end

--- The x below which a share of the normal distribution lies.
---@param share number from 0 to 1; the ends give -38 and 38, which is as good as no end
---@return number
function stats_math.normal_quantile(share)
  local from, to = -38.0, 38.0
  for _ = 1, 64 do
    local middle = (from + to) / 2
    if stats_math.normal_below(middle) < share then from = middle else to = middle end
  end
  return (from + to) / 2
end

--- The chance that a fair coin shows heads `won` times or more in won + lost throws: the one-sided p
--- of the sign test, and of McNemar's exact test. 1 without throws.
---@param won integer
---@param lost integer
---@return number
function stats_math.sign_test(won, lost)
  local n, sum = won + lost, 0.0
  local log_chance = -n * math.log(2) -- of n heads, then of one fewer each time
  for k = n, won, -1 do
    sum = sum + math.exp(log_chance)
    log_chance = log_chance + math.log(k) - math.log(n - k + 1)
  end
  return math.min(sum, 1.0)
end

-- Two places of a draw of 64 bits, 32 for each: this is where the time goes.
local function resampled_means(values, resamples, r)
  local n, means = #values, {}
  for i = 1, resamples do
    local sum = 0.0
    for k = 1, n, 2 do
      local bits = r:int(math.mininteger, math.maxinteger)
      sum = sum + values[((bits & 0xFFFFFFFF) * n >> 32) + 1]
      if k < n then sum = sum + values[((bits >> 32) * n >> 32) + 1] end
    end
    means[i] = sum / n
  end
  return means
end

-- Draws in all, so that an interval never takes seconds. Only lists of more
-- than 2,000 graded values get fewer resamples than asked for.
local MAX_DRAWS = 4000000

-- ---- the interval that is printed ------------------------------------------------

local Z = 1.959963984540054 -- 95% of the normal distribution lie within

--- Wilson's score interval of a share: hits of n draws. It has width when all or none are hits,
--- and stays within 0 and 1.
---@param hits number
---@param n integer
---@return number low
---@return number high
function stats_math.wilson(hits, n)
  local share, weight = hits / n, Z * Z / n
  local middle = (share + weight / 2) / (1 + weight)
  local half = Z / (1 + weight) * math.sqrt(share * (1 - share) / n + weight / (4 * n))
  return hits == 0 and 0.0 or math.max(middle - half, 0.0),
    hits == n and 1.0 or math.min(middle + half, 1.0)
end

-- Student's t within which 95% lie, for `free` degrees of freedom: exact for 1 and 2, else the
-- normal distribution's with the first terms of the expansion (off by less than 1%).
local function student(free)
  if free == 1 then return math.tan(0.475 * math.pi) end
  if free == 2 then return 0.95 * math.sqrt(2 / (1 - 0.95 ^ 2)) end
  local z = Z
  return z + (z ^ 3 + z) / (4 * free) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96 * free ^ 2)
    + (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / (384 * free ^ 3)
end

-- How lopsided a list is, as BCa wants it: of the mean, the jackknife comes to this.
local function acceleration(values, mean)
  local squares, cubes = 0.0, 0.0
  for i = 1, #values do
    local off = values[i] - mean
    squares, cubes = squares + off ^ 2, cubes + off ^ 3
  end
  return cubes / (6 * squares ^ 1.5)
end

--- The BCa bootstrap interval of the mean (Efron 1987): the percentiles are moved by how lopsided
--- the list and its resamples are, and widened for short lists (Hesterberg 2015), since a resample
--- knows less of the spread than Student's t does. For lists with values of many kinds: with few
--- that differ it is much too short. nil where all are equal.
---@param values number[]
---@param seed integer|string|nil
---@return number|nil low
---@return number|nil high
function stats_math.bca(values, seed)
  local n, mean = #values, stats_math.mean(values)
  if n < 2 or stats_math.deviation(values) == 0 then return nil, nil end
  local means = resampled_means(values, math.max(200, math.min(2000, MAX_DRAWS // n)),
    rng.new(seed or 0))
  table.sort(means)
  local less, slack = 0.0, 1e-12 * math.max(math.abs(mean), 1)
  for i = 1, #means do
    if means[i] < mean - slack then
      less = less + 1
    elseif means[i] <= mean + slack then
      less = less + 0.5
    end
  end
  local shift, lop = stats_math.normal_quantile(less / #means), acceleration(values, mean)
  local wide = student(n - 1) * math.sqrt(n / (n - 1))
  local function bound(z)
    local off = 1 - lop * (shift + z)
    if off <= 0 then return nil end
    return stats_math.quantile(means, stats_math.normal_below(shift + (shift + z) / off))
  end
  local low, high = bound(-wide), bound(wide)
  if low and high and low < high then return low, high end
  return nil, nil
end

local function all(values, fits)
  for i = 1, #values do
    if not fits(values[i]) then return false end
  end
  return true
end

local function is_hit_or_miss(x) return x == 0 or x == 1 end
local function is_share(x) return x >= 0 and x <= 1 end

-- How many values are not the commonest one.
local function uncommon(values)
  local count, most = {}, 0
  for i = 1, #values do
    local x = values[i]
    count[x] = (count[x] or 0) + 1
    most = math.max(most, count[x])
  end
  return #values - most
end

-- Below so many uncommon values BCa's intervals miss the mean more often than they say (measured,
-- docs/statistics.md).
local ENOUGH = 10

-- As if one more value had been seen at each bound: a few equal scores do not show that no other
-- will come. For differences of hits and misses this is the interval of Bonett and Price (2012).
local function padded(values, floor, top)
  local n, mean = #values + 2, stats_math.mean(values)
  local middle = (mean * (n - 2) + floor + top) / n
  local squares = (floor - middle) ^ 2 + (top - middle) ^ 2
  for i = 1, #values do squares = squares + (values[i] - middle) ^ 2 end
  local half = Z * math.sqrt(squares) / n
  return math.max(math.min(middle - half, mean), floor),
    math.min(math.max(middle + half, mean), top)
end

--- The 95% interval of the mean of values that lie between two bounds, which has width whatever
--- they are; without bounds (nil), Student's for few values, and none where all are equal.
---@param values number[]
---@param floor number|nil
---@param top number|nil
---@param seed integer|string|nil of the resampling
---@return number|nil low
---@return number|nil high
function stats_math.mean_interval(values, floor, top, seed)
  local n = #values
  if n == 0 then return nil, nil end
  if uncommon(values) >= ENOUGH then
    local low, high = stats_math.bca(values, seed)
    if low then return low, high end
  end
  if floor then return padded(values, floor, top) end
  local half = n > 1 and student(n - 1) * stats_math.deviation(values) / math.sqrt(n) or 0
  if half == 0 then return nil, nil end
  local mean = stats_math.mean(values)
  return mean - half, mean + half
end

--- The 95% interval of the mean of scores.
---
--- Hits and misses (1 and 0) have Wilson's; other scores from 0 to 1, and scores without bounds,
--- that of mean_interval.
---@param scores number[]
---@param seed integer|string|nil of the resampling
---@return number|nil low
---@return number|nil high
function stats_math.interval(scores, seed)
  local n = #scores
  if n == 0 then return nil, nil end
  if not all(scores, is_share) then return stats_math.mean_interval(scores, nil, nil, seed) end
  if not all(scores, is_hit_or_miss) then
    return stats_math.mean_interval(scores, 0.0, 1.0, seed)
  end
  local hits = 0
  for i = 1, n do hits = hits + scores[i] end
  return stats_math.wilson(hits, n)
end

return stats_math
