--- lg.task.radiotherapy: phantoms, cases of files, plans for importance weights, and the tool node.
--
-- Only puts together: phantom.lua and case.lua make cases, plan.lua plans, dose.lua and protocol.lua
-- judge, weights.lua reads and writes the text that is improved.

local case = require "lunagrad.task.radiotherapy.case"
local plan = require "lunagrad.task.radiotherapy.plan"
local search = require "lunagrad.task.radiotherapy.search"
local constraint = require "lunagrad.constraint"
local weights = require "lunagrad.task.radiotherapy.weights"
local var = require "lunagrad.var"

local radiotherapy = {
  phantom = case.phantom, read = case.read,
  plan = plan.make, even = plan.even, describe = plan.describe, measure = plan.measure,
  histograms = plan.histograms, search = search.run, better = search.better,
  read_weights = weights.read, write_weights = weights.write,
}

--- What the planner's rules are about: importance from 1 to 1000.
radiotherapy.LEAST, radiotherapy.MOST = weights.LEAST, weights.MOST

--- The protocols of a case as a text, a line each.
---@param of lunagrad.radiotherapy.case
---@return string
function radiotherapy.protocols(of)
  local lines = {}
  for i, goal in ipairs(of.goals) do lines[i] = goal.text end
  return table.concat(lines, "\n")
end

--- What a plan makes of each protocol: "rectum V50 <= 30: 41.20, not met".
---@param made lunagrad.radiotherapy.plan
---@return string
function radiotherapy.findings(made)
  local lines = {}
  for i, one in ipairs(made.findings) do
    lines[i] = ("%s: %.2f, %s"):format(one.goal.text, one.value, one.met and "met" or "not met")
  end
  return table.concat(lines, "\n")
end

--- What a text of importance weights has to keep to, for an optimizer.
---@param of lunagrad.radiotherapy.case
---@return lunagrad.constraint
function radiotherapy.constraint(of)
  local words = ("%d lines, one for each of %s: its name, a colon, and a number from %d to %d")
    :format(#of.names, table.concat(of.names, ", "), weights.LEAST, weights.MOST)
  return constraint.new(words, function(text)
    local values, problem = weights.read(text, of.names)
    return values ~= nil, problem
  end)
end

--- A tool node from the text of importance weights to the plan's description. What cannot be read
--- as weights is answered in words. Feedback on the plan is feedback on the weights: nothing else
--- went in, so no model is asked.
---@param of lunagrad.radiotherapy.case
---@param on_plan? fun(made: lunagrad.radiotherapy.plan|nil, text: string) hears of each plan
---@return table tool
function radiotherapy.planner(of, on_plan)
  return var.tool {
    name = "inner optimizer", inputs = { "weights" }, role = "radiotherapy plan",
    purpose = "optimizes the beamlets for these importance weights and reports the plan's doses",
    run = function(text)
      local values, problem = weights.read(text, of.names)
      local made = values and plan.make(of, values)
      if on_plan then on_plan(made, text) end
      return made and plan.describe(made) or "There is no plan. " .. problem
    end,
    backward = function(ctx) return { weights = ctx.feedback } end,
  }
end

return radiotherapy
