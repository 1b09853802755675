--- lg_search: lg.optimize on what a host hands over. Evaluations of texts as such bind the same
--- parameters as programs do: a host reads them in both.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local given = require "lunagrad.host.given"
local jobs = require "lunagrad.host.job"
local loop = require "lunagrad.loop"
local optimize = require "lunagrad.improve.optimize"
local query = require "lunagrad.host.query"

local searches = {}

local TAKEN = { "program", "params", "loss", "metric", "train", "val", "test", "batch", "seed",
  "on_event", "method", "evaluate", "start", "role", "examples", "constraints", "model",
  "objective" }

-- ---- by evaluation -------------------------------------------------------------

local function key(i) return ("p%06d"):format(i) end -- in the order of the parameters

-- A candidate's texts, as variables that the host reads.
local function leaves(job, candidate)
  local list = {}
  for i, p in ipairs(job.params) do
    list[i] = core.var(loop.engine(), candidate[key(i)], p:raw_role(), false)
  end
  return list
end

local function by_evaluation(job, spec)
  spec.start, spec.role = {}, {}
  for i, p in ipairs(job.params) do
    if p:raw_media() then
      errors.raise("inval", ("lg_search: parameter %d is no text"):format(i), nil, 0)
    end
    spec.start[key(i)], spec.role[key(i)] = p:raw_text(), p:raw_role()
  end
  spec.evaluate = function(candidate, row)
    return query.score(job.owner, "evaluate", leaves(job, candidate),
      { row = row, index = row and job.index[row] })
  end
end

local function by_program(job, spec)
  spec.program, spec.params, spec.loss = job:program(), job.params, job:loss()
  spec.metric = job:metric() or errors.raise("inval",
    "lg_search: nothing says how good an answer is", "set score or metric, or evaluate", 0)
end

-- ---- what is told ----------------------------------------------------------------

local function told_claim(claim)
  return claim and { shown = claim.shown, p = claim.p, gain = claim.gain, low = claim.low,
    high = claim.high, n = claim.n, test = claim.test } or nil
end

local function told(result)
  local proposals = {}
  for i, one in ipairs(result.proposals) do
    proposals[i] = { number = one.number, operator = one.operator, parent = one.parent,
      kept = one.kept, reason = one.reason, gain = one.gain, calls = one.calls,
      evaluations = one.evaluations }
  end
  local spent = result.spent
  return { texts = result.texts, seed_score = result.seed_score, best_score = result.best_score,
    stopped = result.stopped, kept = result.kept, dropped = result.dropped,
    shipped = result.shipped, method = result.method, claim = told_claim(result.claim),
    spent = { calls = spent.calls, evaluations = spent.evaluations },
    proposals = setmetatable(proposals, core.array) }
end

-- The best is told as it is known while the search goes: the pool decides at its end.
local function watcher(job)
  local best, seed, kept, dropped = nil, nil, 0, 0
  local function consider(candidate)
    if candidate and candidate.mean and (not best or candidate.mean > best.mean) then
      best = candidate
      job:reached(candidate.texts)
    end
  end
  return function(event)
    local one = event.proposal
    if event.kind == "seed" then seed = event.candidate.mean end
    if event.kind == "kept" then kept = kept + 1 end
    if event.kind == "dropped" then dropped = dropped + 1 end
    consider(event.candidate)
    if event.kind == "seed" or event.kind == "kept" or event.kind == "dropped" then
      job:tell { kind = event.kind == "seed" and "seed" or "proposal",
        step = one and one.number or 0, accepted = event.kind == "kept",
        score = best and best.mean, seed_score = seed, operator = one and one.operator,
        kept = kept, dropped = dropped, reason = one and one.reason }
    end
  end
end

-- ---- the call --------------------------------------------------------------------

local function budget_of(args, given_one)
  local budget = given_one or {}
  budget.calls, budget.evaluations = args.max_calls or budget.calls,
    args.max_evaluations or budget.evaluations
  if args.max_micros then budget.cost = args.max_micros / 1e6 end
  if args.max_time_ms then budget.time = args.max_time_ms / 1e3 end
  return budget
end

local function spec_of(job)
  local args = job.args
  local spec = given.options(args, TAKEN, job.where)
  spec.train, spec.val, spec.test = job:rows "train", job:rows "val", job:rows "test"
  if args.evaluate then by_evaluation(job, spec) else by_program(job, spec) end
  spec.batch, spec.seed, spec.method = args.batch, args.seed, args.method
  spec.constraints = given.constraints(args, job.params)
  spec.budget = budget_of(args, spec.budget)
  spec.model = given.model(job.models, "optimizer", job.where)
  spec.backward = spec.backward or {}
  spec.backward.model = given.model(job.models, "backward", job.where)
  spec.on_event = watcher(job)
  return spec
end

local function search(job)
  local ok, result = pcall(optimize, spec_of(job))
  if ok then return job:finish(told(result)) end
  local reached = errors.is(result) and result.result
  if reached and reached.texts then job:finish(told(reached)) end
  error(result, 0)
end

--- As train, with evaluate, test, method and max_calls, max_evaluations, max_micros, max_time_ms.
function searches.search(args, vars, models)
  return jobs.new("lg_search", args, vars, models):run(search)
end

return searches
