--- lg_train: lg.train on what a host hands over.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local given = require "lunagrad.host.given"
local jobs = require "lunagrad.host.job"
local media = require "lunagrad.media"
local run = require "lunagrad.improve.train"
local tgd = require "lunagrad.improve.tgd"

local trainings = {}

local TAKEN = { "program", "params", "loss", "metric", "train", "val", "batch", "steps", "seed",
  "on_step" }
local OF_OPTIMIZER = { "model", "constraints" }

local function optimizer_of(job, options)
  local spec = given.options({ options = options.optimizer }, OF_OPTIMIZER,
    job.where .. ": optimizer")
  options.optimizer = nil
  for i, p in ipairs(job.params) do spec[i] = p end
  spec.model = given.model(job.models, "optimizer", job.where)
  spec.constraints = given.constraints(job.args, job.params)
  return tgd(spec)
end

local function told_step(record)
  return { step = record.step, changed = record.changed, accepted = record.accepted,
    reason = record.reason, train_score = record.train_score, val_before = record.val_before,
    val_after = record.val_after, solved = record.solved, examples = record.examples,
    redrawn = record.redrawn }
end

local function told(result)
  local steps = {}
  for i, record in ipairs(result.steps) do steps[i] = told_step(record) end
  return { texts = result.texts, seed_score = result.seed_score, best_score = result.best_score,
    stopped = result.stopped, accepted = result.accepted, rejected = result.rejected,
    redrawn = result.redrawn, steps = setmetatable(steps, core.array) }
end

-- The host's parameters get what was accepted at once, and hear how it went.
local function watcher(job, steps)
  return function(record, result)
    local texts = {}
    for i, p in ipairs(job.params) do texts[i] = media.snapshot(p) end
    if record.accepted then
      given.set(job.theirs, texts)
      job:reached(texts)
    end
    job:tell { kind = "step", step = record.step, of = steps, accepted = record.accepted,
      score = record.val_after or record.train_score, train_score = record.train_score,
      seed_score = result.seed_score, reason = record.reason }
  end
end

local function spec_of(job)
  local args = job.args
  local spec = given.options(args, TAKEN, job.where)
  spec.loss = job:loss() or errors.raise("inval", "lg_train: nothing says how good an answer is",
    "set score, metric or critic", 0)
  spec.program, spec.params, spec.metric = job:program(), job.params, job:metric()
  spec.train, spec.val = job:rows "train", job:rows "val"
  spec.batch, spec.steps, spec.seed = args.batch, args.steps, args.seed
  spec.optimizer = optimizer_of(job, spec)
  spec.backward = spec.backward or {}
  spec.backward.model = given.model(job.models, "backward", job.where)
  spec.on_step = watcher(job, args.steps)
  return spec
end

local function train(job)
  local ok, result = pcall(run, spec_of(job))
  if ok then return job:finish(told(result)) end
  if errors.is(result) and result.training then job:finish(told(result.training)) end
  error(result, 0)
end

--- {owner, program, score, check: booleans, question, metric, critic, constraints, check_words,
--- train, val: JSON lines, batch, steps, seed, options, models}; the parameters
function trainings.train(args, vars, models)
  return jobs.new("lg_train", args, vars, models):run(train)
end

return trainings
