--- Losses for hosts: one call each, of an answer that C hands over.

local core = require "lunagrad.core"
local extract = require "lunagrad.extract"
local given = require "lunagrad.host.given"
local loop = require "lunagrad.loop"
local loss = require "lunagrad.loss"
local query = require "lunagrad.host.query"

local losses = {}

local function by_model(make, args, vars, models)
  local judge = given.model(given.models(args, models), "judge", "the loss")
  return make { args.instruction, model = judge }(vars[1])
end

--- {instruction, models}; the answer
function losses.critic(args, vars, models) return by_model(loss.critic, args, vars, models) end

--- The same with a verdict.
function losses.judge(args, vars, models) return by_model(loss.judge, args, vars, models) end

--- {target, number}; the answer
function losses.exact(args, vars)
  return loss.exact { target = args.target,
    extract = args.number and extract.last_number or nil }(vars[1])
end

--- {owner, purpose}; the answer
function losses.score(args, vars)
  local scored = loss.score { function(text)
    return query.score(args.owner, "score", {}, { text = text, answer = vars[1] })
  end, purpose = args.purpose }(vars[1])
  loop.watch(scored, function() core.host.wire.over(args.owner) end)
  return scored
end

return losses
