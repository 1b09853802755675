--- The statistics behind the numbers that are printed: means and their 95% intervals.
--
-- Pure arithmetic on lists of numbers, seeded, the same on every machine. Used
-- by lunagrad.improve.evaluate and lunagrad.train.

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

--- The distribution of the number of successes in n draws: cumulative, from 0 successes on.
local function binomial_cumulative(n, p)
  local cumulative, sum = {}, 0.0
  local log_choose, log_p, log_q = 0.0, math.log(p), math.log(1 - p)
  for k = 0, n do
    sum = sum + math.exp(log_choose + k * log_p + (n - k) * log_q)
    cumulative[k] = sum
    log_choose = log_choose + math.log(n - k) - math.log(k + 1)
  end
  return cumulative
end

--- Means of resamples of a list that holds two values only. The count of the larger one in a
-- resample is binomial, so it is drawn at once instead of element by element.
local function resample_two(low, high, n, share, resamples, r)
  local cumulative, means = binomial_cumulative(n, share), {}
  for i = 1, resamples do
    local u, from, to = r:float(), 0, n
    while from < to do
      local middle = (from + to) // 2
      if cumulative[middle] > u then to = middle else from = middle + 1 end
    end
    means[i] = low + (high - low) * (from / n)
  end
  return means
end

local function resample_any(values, resamples, r)
  local n, means = #values, {}
  for i = 1, resamples do
    local sum = 0.0
    for _ = 1, n do sum = sum + values[r:int(1, n)] end
    means[i] = sum / n
  end
  return means
end

--- Low, high and how many there are of high, when a list holds exactly two different values.
local function two_values(values)
  local low, high, count = math.huge, -math.huge, 0
  for i = 1, #values do
    low, high = math.min(low, values[i]), math.max(high, values[i])
  end
  for i = 1, #values do
    if values[i] == high then count = count + 1 elseif values[i] ~= low then return nil end
  end
  return low, high, count
end

-- Draws in all, so that an interval never takes seconds. Only lists of more
-- than 2,000 graded values get fewer resamples than asked for.
local MAX_DRAWS = 4000000

--- The percentile bootstrap interval of the mean. With all values equal it has no width, which
--- says nothing about the mean: see interval.
---@param values number[]
---@param options {resamples: integer|nil, level: number|nil, seed: integer|string|nil}|nil
---@return number|nil low
---@return number|nil high
function stats_math.bootstrap(values, options)
  options = options or {}
  local n = #values
  if n == 0 then return nil, nil end
  local low, high, count = two_values(values)
  if low and low == high then return values[1] + 0.0, values[1] + 0.0 end
  local resamples, level = options.resamples or 2000, options.level or 0.95
  local r = rng.new(options.seed or 0)
  local means = low and resample_two(low, high, n, count / n, resamples, r)
    or resample_any(values, math.max(200, math.min(resamples, MAX_DRAWS // n)), r)
  table.sort(means)
  local tail = (1 - level) / 2
  return stats_math.quantile(means, tail), stats_math.quantile(means, 1 - tail)
end

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

local function all(values, fits)
  for i = 1, #values do
    if not fits(values[i]) then return false end
  end
  return true
end

local function is_hit_or_miss(x) return x == 0 or x == 1 end
local function is_share(x) return x >= 0 and x <= 1 end

--- The 95% interval of the mean of scores.
---
--- Hits and misses (1 and 0) have Wilson's. Other scores from 0 to 1 are resampled together with
--- two of each bound, which is what Wilson's interval comes to for hits and misses: a few equal
--- scores do not show that no other will come. Scores without bounds are resampled as they are;
--- when these are all equal, nothing is known of their spread, and there is no interval.
---@param scores number[]
---@param seed integer|string|nil of the resampling
---@return number|nil low
---@return number|nil high
function stats_math.interval(scores, seed)
  local n = #scores
  if n == 0 then return nil, nil end
  if all(scores, is_hit_or_miss) then
    local hits = 0
    for i = 1, n do hits = hits + scores[i] end
    return stats_math.wilson(hits, n)
  end
  if not all(scores, is_share) then
    local low, high = stats_math.bootstrap(scores, { seed = seed })
    if low == high then return nil, nil end
    return low, high
  end
  local bounded = table.move(scores, 1, n, 1, {})
  bounded[n + 1], bounded[n + 2], bounded[n + 3], bounded[n + 4] = 0, 0, 1, 1
  local low, high = stats_math.bootstrap(bounded, { seed = seed })
  local mean = stats_math.mean(scores)
  return math.min(low, mean), math.max(high, mean)
end

return stats_math
