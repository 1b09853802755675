--- Optimizers for hosts: lg.optim.tgd over the host's own parameters, by the number that C gave.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local given = require "lunagrad.host.given"
local tgd = require "lunagrad.improve.tgd"

local optimizers = {}

local all = {} -- number → optimizer, or the error that it could not be made with
local TAKEN = { "model", "constraints", "examples", "momentum", "memory" }

local function make(args, vars, models)
  local spec = given.options(args, TAKEN, "lg_optimizer_new")
  for i, v in ipairs(vars) do spec[i] = v end
  spec.model = given.model(given.models(args, models), "optimizer", "lg_optimizer_new")
  spec.constraints = given.constraints(args, vars)
  spec.examples, spec.momentum, spec.memory = args.examples, args.momentum, args.memory
  return tgd(spec)
end

--- {owner, constraints, check, check_words, examples, momentum, memory, options, models}; the
--- parameters. What is wrong is told by the first step.
function optimizers.new(args, vars, models)
  local ok, made = pcall(make, args, vars, models)
  all[args.owner] = ok and made or errors.wrap(made)
  return {}
end

local function told(report)
  local params = {}
  for i, p in ipairs(report.params) do
    params[i] = { role = p.role, changed = p.changed, reason = p.reason, before = p.before,
      after = p.after, feedback = setmetatable(p.feedback or {}, core.array),
      solved = p.solved, examples = p.examples }
  end
  return { changed = report.changed, reason = report.reason,
    params = setmetatable(params, core.array) }
end

--- {owner}
function optimizers.step(args)
  local one = all[args.owner]
  if errors.is(one) then error(one, 0) end
  return told(one:step())
end

--- {owner}: it is gone.
function optimizers.forget(args)
  all[args.owner] = nil
  return {}
end

return optimizers
