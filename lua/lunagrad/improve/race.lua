--- The race of a child against its parent: example by example, until it is clear that the child is
--- not worth the rest, or to the end.
--
-- The child leaves as soon as
--   * the evidence that it is less than delta better than its parent is 1/beta ("futile": a child
--     that is better by delta leaves so with a chance of beta at most), or
--   * full marks in all that is left would not put it ahead ("curtailed": the end is known, nothing
--     is risked);
-- it is kept as soon as the evidence that it is better reaches `early`, where that is given; else it
-- is kept when, at the end, the sum of the differences is above 0. There is no test of
-- significance here: a search gains more when it keeps what is probably better, and proves the gain
-- once, on other examples (lunagrad.improve.claim).
--
-- A function of the scores in their order, and of nothing else: it sees no example, waits for
-- nothing, and does the same small work for each score.

local betting = require "lunagrad.improve.betting"
local errors = require "lunagrad.errors"
local stats_math = require "lunagrad.stats_math"

local race = {}

-- Sums of graded scores are a little off; half of this is more than they can be.
local SLACK = 1e-9

---@class lunagrad.race
local Race = {}
Race.__index = Race

local function share(x) return x >= 0 and x <= 1 end

local function check(spec)
  if math.type(spec.n) ~= "integer" or spec.n < 1 or #spec.parent > spec.n then
    errors.raise("inval", "race: n is the number of the examples, 1 or more", nil, 3)
  end
  local delta, beta = spec.delta or 0.05, spec.beta or 0.2
  if not (delta >= 0 and delta < 1) then
    errors.refuse("delta", "race: delta is from 0 to below 1", nil, 3)
  end
  if not (beta >= 0 and beta < 1) then
    errors.refuse("beta", "race: beta is from 0 (never futile) to below 1", nil, 3)
  end
  return delta, beta
end

--- A race, before the first score.
---
--- spec: n, the number of examples; parent, its scores in the order of the race, as far as they are
--- known; delta (0.05), beta (0.2; 0: only curtailed); early, the evidence that is enough (nil: none
--- is); tie = "keep" keeps a child that is as good as its parent, too; strict drops it with the first
--- example that got worse ("regression"); whole goes to the end, whatever can be foreseen. Without
--- scores from 0 to 1 there is nothing to bet and nothing to foresee: from the first other one on,
--- the race goes to its end.
---@param spec {n: integer, parent: table<integer, number>, delta: number|nil, beta: number|nil,
--- early: number|nil, tie: string|nil, strict: boolean|nil, whole: boolean|nil}
---@return lunagrad.race
function race.new(spec)
  local delta, beta = check(spec)
  local self = setmetatable({ n = spec.n, parent = spec.parent, at = 0, sum = 0.0, left = 0.0,
    won = 0, lost = 0, bounded = true, differences = {}, verdict = "go", early = spec.early,
    strict = spec.strict, whole = spec.whole,
    above = spec.tie == "keep" and -SLACK or SLACK, for_child = betting.new(),
    against = betting.futility { delta = delta, beta = beta } }, Race)
  for i = 1, spec.n do
    local before = spec.parent[i] or 0 -- what is not known may be as low as that
    self.left = self.left + (1 - before)
    self.bounded = self.bounded and share(before)
  end
  return self
end

-- What the scores so far come to.
local function judge(self, futile)
  if self.strict and self.lost > 0 then return "drop", "regression" end
  if self.at == self.n then
    if self.sum > self.above then return "keep" end
    return "drop", "no gain"
  end
  if self.whole or not self.bounded then return "go" end
  if self.sum + self.left <= self.above - SLACK / 2 then return "drop", "curtailed" end
  if futile then return "drop", "futile" end
  if self.early and self.for_child:e() >= self.early then return "keep", "early" end
  return "go"
end

--- The child's score on the next example, and its parent's where that was not known. When the race
--- is decided, it stays so, and further scores are not looked at.
---@param score number
---@param before number|nil
---@return string verdict "go", "keep" or "drop"
---@return string|nil why of "drop": "curtailed", "futile", "regression" or "no gain"; of "keep":
--- "early"
function Race:add(score, before)
  if self.verdict ~= "go" then return self.verdict, self.why end
  local i = self.at + 1
  local known = self.parent[i]
  before = known or before
  local x, futile = score - before, false
  if math.abs(x) < SLACK / 1000 then x = 0.0 end
  self.at, self.sum, self.left = i, self.sum + x, self.left - (1 - (known or 0))
  self.bounded = self.bounded and share(before)
  self.differences[i] = x
  if x > 0 then self.won = self.won + 1 elseif x < 0 then self.lost = self.lost + 1 end
  self.bounded = self.bounded and share(score)
  if self.bounded then
    self.for_child:add(x)
    futile = select(2, self.against:add(x))
  end
  self.verdict, self.why = judge(self, futile)
  return self.verdict, self.why
end

--- The evidence so far that the child is better than its parent: 1 at the start, 20 where an error
--- of 1 in 20 is allowed, whenever one looks. nil where scores are not from 0 to 1.
---@return number|nil
function Race:e()
  if self.bounded then return self.for_child:e() end
end

local SIGNS = { [-1] = "-", [0] = "=", [1] = "+" }

--- All differences in order, as a short text: + won, - lost, = equal, a sign each ("+==-"), where
--- scores were 0 and 1; else numbers with blanks between ("0.25 0 -0.1").
---@return string
function Race:trace()
  local signs, numbers, whole = {}, {}, true
  for i = 1, self.at do
    local x = self.differences[i]
    whole = whole and SIGNS[x] ~= nil
    signs[i], numbers[i] = SIGNS[x], ("%.4g"):format(x)
  end
  return whole and table.concat(signs) or table.concat(numbers, " ")
end

--- What there is to tell of it: n scores so far; won, lost and sum of the differences; e, the
--- evidence for the child; f, that against it; p of the sign test of won and lost, as if the number
--- of scores had been fixed beforehand: to be shown, not to decide by; verdict, why.
---@return table
function Race:summary()
  return { n = self.at, won = self.won, lost = self.lost, sum = self.sum, e = self:e(),
    f = self.bounded and self.against:f() or nil, p = stats_math.sign_test(self.won, self.lost),
    verdict = self.verdict, why = self.why }
end

return race
