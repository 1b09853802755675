--- Searches over importance weights that read no words, to compare with: random, coordinate, Bayesian.
--
-- Each begins with the same plan, makes at most as many plans as it is given, the first one counted,
-- and ends early when all protocols are met. What is better: less excess over the protocols' limits,
-- in sum; none, and all are met.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local rng = require "lunagrad.rng"
local tpe = require "lunagrad.improve.tpe"
local plan = require "lunagrad.task.radiotherapy.plan"
local weights = require "lunagrad.task.radiotherapy.weights"

local search = {}

local STEPS = 13 -- categories of a weight: 1, 1.78, 3.16, … 1000, even in the logarithm

--- Is a plan better than another?
---@param a lunagrad.radiotherapy.plan
---@param b lunagrad.radiotherapy.plan|nil
---@return boolean
function search.better(a, b)
  return b == nil or a.excess < b.excess
end

-- A value that is higher for what is better.
local function value_of(made) return -made.excess end

local function at_step(k)
  return weights.LEAST * (weights.MOST / weights.LEAST) ^ ((k - 1) / (STEPS - 1))
end

local methods = {}

-- Drawn evenly in the logarithm.
function methods.random(self)
  local list = {}
  for i in ipairs(self.case.names) do
    list[i] = weights.LEAST * (weights.MOST / weights.LEAST) ^ self.random:float()
  end
  return list
end

-- The next move from the best: one weight by a factor, up, then down; when a round brings nothing the
-- factor becomes its root.
local function moved(self)
  local n = #self.case.names
  if self.move == 2 * n then
    if self.before_round == self.best then self.factor = math.sqrt(self.factor) end
    self.move, self.before_round = 0, self.best
  end
  local i, up = self.move // 2 + 1, self.move % 2 == 0
  self.move = self.move + 1
  local list = table.move(self.best.weights, 1, n, 1, {})
  list[i] = list[i] * (up and self.factor or 1 / self.factor)
  list[i] = math.max(weights.LEAST, math.min(weights.MOST, list[i]))
  return list
end

local SMALLEST = 1.001 -- factor

-- Moves that lead where it has been (the way back, or beyond the range) are not made.
function methods.coordinate(self)
  if not self.factor then
    self.factor, self.move, self.before_round = 10.0, 0, self.best
    self.been = { [weights.write(self.case.names, self.best.weights)] = true }
  end
  while self.factor > SMALLEST do
    local list = moved(self)
    local key = weights.write(self.case.names, list)
    if not self.been[key] then
      self.been[key] = true
      return list
    end
  end
  return nil
end

-- The tree-structured Parzen estimator over the steps; 10 random ones first, or half of few plans.
function methods.bayesian(self)
  if not self.tpe then
    local sizes = {}
    for i in ipairs(self.case.names) do sizes[i] = STEPS end
    self.tpe = tpe.new { sizes = sizes, startup = math.min(10, self.most // 2) }
  end
  if self.asked then self.tpe:tell(self.asked, value_of(self.last)) end
  self.asked = self.tpe:ask(self.random)
  local list = {}
  for i, k in ipairs(self.asked) do list[i] = at_step(k) end
  return list
end

---@class lunagrad.radiotherapy.search
---@field best lunagrad.radiotherapy.plan
---@field first lunagrad.radiotherapy.plan
---@field plans integer how many were made

--- Search. spec: case, method ("random", "coordinate", "bayesian"), start (weights), plans (at most),
--- seed, candidates (weights to try instead of a method's, in their order). Waits.
---@param spec table
---@return lunagrad.radiotherapy.search
function search.run(spec)
  spec = options.check(spec, { case = "table", method = { type = "string", default = "random" },
    start = "table?", plans = "integer", seed = { type = "any", default = 1 },
    candidates = "table?" }, "radiotherapy.search", 2)
  local method = methods[spec.method]
  if not method then
    errors.refuse("method", ("radiotherapy.search: no method %q"):format(spec.method),
      options.suggest(spec.method, methods) or "there are random, coordinate and bayesian", 2)
  end
  local self = { case = spec.case, most = spec.plans,
    random = rng.new(spec.seed):fork(spec.method):fork(spec.case.name) }
  local made = 0
  local function try(list)
    self.last, made = plan.make(spec.case, list), made + 1
    self.first = self.first or self.last
    if search.better(self.last, self.best) then self.best = self.last end
  end
  try(spec.start or plan.even(spec.case))
  local most = spec.candidates and math.min(#spec.candidates + 1, spec.plans) or spec.plans
  while made < most and self.best.met < #spec.case.goals do
    local list = spec.candidates and spec.candidates[made] or method(self)
    if not list then break end
    try(list)
  end
  return { best = self.best, first = self.first, plans = made }
end

return search
