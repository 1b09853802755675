--- The claim: is the best text better than the first one, on examples that nobody has tuned to?
--
-- Both are scored on the same examples, and only the differences count. Hits and misses (1 and 0)
-- are tested by McNemar's exact test, other scores by flipping signs: if neither were better, each
-- difference could as well have come the other way round. Beside p stand the gain with its 95%
-- interval, which examples were fixed and which were broken, and, where nothing is shown, how many
-- more examples would decide.
--
-- Arithmetic alone: it sees scores, in the order of the examples, and nothing else. Formulas and
-- sources are in docs/statistics.md.

local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"
local stats_math = require "lunagrad.stats_math"

local claim = {}

---@class lunagrad.claim
local Claim = { __name = "lunagrad.claim" }

-- ---- sign flips ------------------------------------------------------------------

-- Up to so many differences all ways of flipping are counted, by halves: 2^13 sums each.
local MOST_COUNTED = 26
-- Beyond: so many random ways, fewer where lists are so long that they would take seconds.
local FLIPS, LOOKUPS = 50000, 5000000

-- All sums of some numbers with every choice of signs.
local function signed_sums(numbers, from, to)
  local sums = { 0.0 }
  for i = from, to do
    local x, count = numbers[i], #sums
    for k = 1, count do
      sums[count + k] = sums[k] - x
      sums[k] = sums[k] + x
    end
  end
  return sums
end

-- The share of all flips whose sum is at least `least`: for each sum of the first half, the sums of
-- the second half that suffice are the upper part of a sorted list.
local function count_flips(numbers, least)
  local half = #numbers // 2
  local a, b = signed_sums(numbers, 1, half), signed_sums(numbers, half + 1, #numbers)
  table.sort(a)
  table.sort(b)
  local at, count = #b + 1, 0
  for i = 1, #a do
    while at > 1 and a[i] + b[at - 1] >= least do at = at - 1 end
    count = count + (#b + 1 - at)
  end
  return count / (#a * #b)
end

-- The same of random flips, and the one that was seen counts as one of them. Signs come eight at
-- a time, as a byte that looks up the sum of eight differences.
local function draw_flips(numbers, least, seed)
  local blocks = {}
  for i = 1, #numbers, 8 do
    blocks[#blocks + 1] = signed_sums(numbers, i, math.min(i + 7, #numbers))
  end
  local r, flips, count = rng.new(seed), math.max(2000, math.min(FLIPS, LOOKUPS // #blocks)), 0
  for _ = 1, flips do
    local sum, bits = 0.0, 0
    for k = 1, #blocks do
      if k % 8 == 1 then bits = r:int(math.mininteger, math.maxinteger) end
      local block = blocks[k]
      sum = sum + block[(bits & 255) % #block + 1]
      bits = bits >> 8
    end
    if sum >= least then count = count + 1 end
  end
  return (count + 1) / (flips + 1)
end

--- One-sided p of the sign-flip permutation test: the chance that differences of these sizes, with
--- signs by a fair coin, add up to as much as these do, or more.
---@param differences number[]
---@param seed integer|string|nil where there are too many to count all ways
---@return number
function claim.sign_flip(differences, seed)
  local sizes, sum, all = {}, 0.0, 0.0
  for i = 1, #differences do
    local x = differences[i]
    sum, all = sum + x, all + math.abs(x)
    if x ~= 0 then sizes[#sizes + 1] = math.abs(x) end
  end
  if #sizes == 0 then return 1.0 end
  local least = sum - 1e-9 * all -- sums that are equal but for rounding count
  if #sizes <= MOST_COUNTED then return count_flips(sizes, least) end
  return draw_flips(sizes, least, seed or 0)
end

-- ---- the interval of a difference of hits -----------------------------------------------

local Z = 1.959963984540054 -- 95% of the normal distribution lie within

-- Tango's score: how many standard errors the seen difference is above `gain`, the chance of a
-- broken example being the likeliest one under it.
local function score_of(won, lost, n, gain)
  local b = (2 * n - won + lost) * gain - won - lost
  local c = -lost * gain * (1 - gain)
  local broken = (math.sqrt(math.max(b * b - 8 * n * c, 0)) - b) / (4 * n)
  local variance = n * (2 * broken + gain * (1 - gain))
  local off = won - lost - n * gain
  if variance <= 0 then return off > 0 and math.huge or off < 0 and -math.huge or 0 end
  return off / math.sqrt(variance)
end

--- Tango's score interval (1998) of a difference of paired shares: 95%, never without width.
---@param won integer examples that only the second has right
---@param lost integer examples that only the first has right
---@param n integer all examples
---@return number low
---@return number high
function claim.paired_interval(won, lost, n)
  local function edge(from, to, wanted) -- where the score, which falls, comes down to `wanted`
    for _ = 1, 60 do
      local middle = (from + to) / 2
      if score_of(won, lost, n, middle) > wanted then from = middle else to = middle end
    end
    return (from + to) / 2
  end
  local seen = (won - lost) / n
  return edge(-1.0, seen, Z), edge(seen, 1.0, -Z)
end

-- ---- how many examples it takes -----------------------------------------------------------

local POWER = stats_math.normal_quantile(0.8)

local function sure(alpha) return stats_math.normal_quantile(1 - (alpha or 0.05)) end

-- So many differences, all of them wins, are the fewest that show anything.
local function fewest(alpha) return math.ceil(-math.log(alpha or 0.05, 2)) end

--- The smallest gain in hits that n examples show in four of five cases: 2.49 · √(d / n) with alpha
--- 0.05. nil: no gain can be shown with so few.
---@param n integer
---@param d number the share of examples that turn out differently
---@param alpha number|nil
---@return number|nil
function claim.smallest(n, d, alpha)
  if n < fewest(alpha) then return nil end
  local factor = sure(alpha) + POWER
  -- a gain cannot be more than what turns out differently
  return math.min(factor * math.sqrt(math.max(d, factor ^ 2 / n) / n), 1.0)
end

--- How many examples show a gain in four of five cases.
---@param gain number above 0
---@param d number the share of examples that turn out differently; of graded scores, the mean square
--- of the differences
---@param alpha number|nil
---@param differ number|nil of graded scores: the share of examples that turn out differently
---@return integer
function claim.examples(gain, d, alpha, differ)
  local spread = math.sqrt(math.max(d - gain ^ 2, 0))
  local n = ((sure(alpha) * math.sqrt(d) + POWER * spread) / gain) ^ 2
  if not differ then n = n + 1 / gain end -- hits are counted whole: the exact test asks for more
  return math.ceil(math.max(n, fewest(alpha) / (differ or d)) - 1e-9)
end

-- ---- the claim ----------------------------------------------------------------------------

local function check(seed_scores, best_scores, alpha)
  if #seed_scores == 0 or #seed_scores ~= #best_scores then
    errors.raise("inval", ("claim: expected two scores for each example, got %d and %d")
      :format(#seed_scores, #best_scores), nil, 3)
  end
  if not (alpha > 0 and alpha < 1) then
    errors.refuse("alpha", "claim: alpha is between 0 and 1", nil, 3)
  end
end

-- What the scores are: "hits" (0 and 1), "shares" (0 to 1) or "any".
local function kind_of(...)
  local kind = "hits"
  for _, scores in ipairs { ... } do
    for i = 1, #scores do
      local x = scores[i]
      if x < 0 or x > 1 then return "any" end
      if x ~= 0 and x ~= 1 then kind = "shares" end
    end
  end
  return kind
end

-- Scores that are means are a little off; less than this is no difference.
local SLACK = 1e-12

local function compare(a, b)
  local seen = { differences = {}, fixed = {}, broken = {}, squares = 0.0 }
  for i = 1, #a do
    local x = b[i] - a[i]
    if math.abs(x) < SLACK then x = 0.0 end
    seen.differences[i], seen.squares = x, seen.squares + x * x
    if x > 0 then seen.fixed[#seen.fixed + 1] = i end
    if x < 0 then seen.broken[#seen.broken + 1] = i end
  end
  return seen
end

local function test(seen, kind, n, seed)
  if kind == "hits" then
    local won, lost = #seen.fixed, #seen.broken
    return "mcnemar", stats_math.sign_test(won, lost), claim.paired_interval(won, lost, n)
  end
  local bound = kind == "shares" and 1.0 or nil
  return "sign-flip", claim.sign_flip(seen.differences, seed),
    stats_math.mean_interval(seen.differences, bound and -bound, bound, seed)
end

-- The smallest gain that can be shown; where scores have no bounds, nothing is too much.
local function smallest(n, d, alpha, kind)
  if kind == "hits" or kind == "shares" and d == 0 then return claim.smallest(n, d, alpha) end
  if d > 0 then return (sure(alpha) + POWER) * math.sqrt(d / n) end
end

local MOST_NEEDED = 1e9 -- more is as good as no gain

-- How many more examples would decide, if the gain is what was seen.
local function more(seen, gain, d, alpha, kind)
  if gain < SLACK or d / gain ^ 2 > MOST_NEEDED then return nil end
  local n = #seen.differences
  local differ = kind ~= "hits" and (#seen.fixed + #seen.broken) / n or nil
  return math.max(claim.examples(gain, d, alpha, differ) - n, 1)
end

--- Is the second of two better, on the same examples?
---
--- opts: alpha (0.05), how often "shown" may be said where there is no gain; seed of what is drawn.
--- Returned: shown; gain, the mean difference, with low and high, its 95% interval (nil only
--- where scores without bounds all differ by the same); p, one-sided; test, "mcnemar" or
--- "sign-flip"; n; fixed and broken, the places of what got better and worse; needed, how many more
--- examples would decide in four of five cases if the gain is what was seen (nil: shown already, or
--- nothing suggests a gain); smallest, the gain that n examples show in four of five cases.
--- tostring() is a line for people.
---@param seed_scores number[]
---@param best_scores number[]
---@param opts? {alpha: number|nil, seed: integer|string|nil}
---@return lunagrad.claim
function claim.paired(seed_scores, best_scores, opts)
  local alpha = opts and opts.alpha or 0.05
  check(seed_scores, best_scores, alpha)
  local n, kind = #seed_scores, kind_of(seed_scores, best_scores)
  local seen = compare(seed_scores, best_scores)
  local gain, d = stats_math.mean(seen.differences), seen.squares / n
  local name, p, low, high = test(seen, kind, n, opts and opts.seed or 0)
  local shown = gain > 0 and p <= alpha
  local needed = not shown and more(seen, gain, d, alpha, kind) or nil
  return setmetatable({ shown = shown, gain = gain, low = low, high = high, p = p, test = name,
    n = n, alpha = alpha, fixed = seen.fixed, broken = seen.broken, needed = needed,
    smallest = smallest(n, d, alpha, kind) }, Claim)
end

-- ---- in words -------------------------------------------------------------------------------

local function p_text(p)
  if p < 0.001 then return "p < .001" end
  return "p = " .. (p < 0.9995 and ("%.3f"):format(p):sub(2) or "1")
end

-- Two figures: more is not known.
local function about(n)
  local unit = 10 ^ math.max(math.floor(math.log(n, 10)) - 1, 0)
  return ("%d"):format(math.ceil(n / unit) * unit // 1)
end

local function rest(self)
  if self.shown then return "" end
  if self.needed == 1 then return "; one more example would decide" end
  if self.needed then return ("; some %s more examples would decide"):format(about(self.needed)) end
  return "; nothing suggests a gain"
end

function Claim:__tostring()
  local interval = self.low and (" [%+.3f, %+.3f]"):format(self.low + 0.0, self.high + 0.0) or ""
  local exact = self.test == "mcnemar"
  return ("%s: %+.3f%s, %s (%s, n = %d: %s %d, %s %d)%s"):format(
    self.shown and "shown" or "not shown", self.gain + 0.0, interval, p_text(self.p),
    exact and "exact McNemar" or "sign flips", self.n, exact and "fixed" or "better on",
    #self.fixed, exact and "broke" or "worse on", #self.broken, rest(self))
end

return claim
