--- gates.lua - whole searches with one line of parents in the worlds of trials, written down in a
-- page: what the gate alone does. No engine, no driver: the yardstick for the driver's runs.
--
-- Each rule is a function of a run (see `run` below) that plays one proposal: it buys evaluations
-- and says whether the child is taken. Used by run.lua.

local race = require "lunagrad.improve.race"
local rng = require "lunagrad.rng"

local gates = {}

-- ---- buying ----------------------------------------------------------------------

-- A text's score on a validation example, bought once.
local function score(run, c, k)
  local value = c.scores[k]
  if not value then
    run.spent = run.spent + 1
    value = run.world:evaluate(c.texts, "val", run.order[k])
    c.scores[k] = value
  end
  return value
end

local function sum(run, c)
  local total = 0
  for k = 1, run.n do total = total + score(run, c, k) end
  return total
end

local function train_sum(run, c, batch)
  local total = 0
  for _, i in ipairs(batch) do total = total + run.world:evaluate(c.texts, "train", i) end
  return total
end

-- ---- rules -----------------------------------------------------------------------

local function strict(run, parent, child)
  return sum(run, child) > sum(run, parent)
end

local function racing(beta, delta)
  return function(run, parent, child)
    local one = race.new { n = run.n, parent = parent.scores, beta = beta, delta = delta or .05 }
    local verdict = "go"
    for k = 1, run.n do
      verdict = one:add(score(run, child, k))
      if verdict ~= "go" then break end
    end
    return verdict == "keep"
  end
end

-- Better on 3 training examples: then it is scored whole and joins the pool, better or not; the
-- parent is the best of the pool, here: it is taken when its sum is more.
local function gepa(run, parent, child)
  local batch = {}
  for i = 1, 3 do batch[i] = run.random:int(1, run.train) end
  run.spent = run.spent + 3
  if train_sum(run, child, batch) <= train_sum(run, parent, batch) then return false end
  run.joined = run.joined + 1
  return sum(run, child) > sum(run, parent)
end

gates.rules = { strict = strict, gepa = gepa, ["race .2"] = racing(.2), ["race .4"] = racing(.4) }
gates.names = { "strict", "gepa", "race .2", "race .4" }
gates.racing = racing

-- ---- a run -----------------------------------------------------------------------

---@class gates.options
---@field n integer validation examples
---@field budget integer evaluations, proposals included
---@field proposal integer what a proposal costs

--- One search. Returns what it ends with: the texts and what is known of them.
---@param world lunagrad.trials
---@param rule function
---@param options gates.options
---@param seed integer
function gates.run(world, rule, options, seed)
  local random = rng.new(seed)
  local run = { world = world, n = options.n, train = 1000, random = random, spent = 0, joined = 0,
    order = {}, kept = 0, proposals = 0 }
  for k = 1, run.n do run.order[k] = k end
  random:shuffle(run.order)
  local best = { texts = world:start(), scores = {} }
  local first = sum(run, best) / run.n
  while run.spent + options.proposal + run.n <= options.budget do
    run.spent, run.proposals = run.spent + options.proposal, run.proposals + 1
    local texts = world:edit(best.texts, random:int(1, world.parameters), random)
    local child = { texts = texts, scores = {} }
    if rule(run, best, child) then best, run.kept = child, run.kept + 1 end
  end
  return { texts = best.texts, validated = sum(run, best) / run.n - first, kept = run.kept,
    proposals = run.proposals, spent = run.spent }
end

return gates
