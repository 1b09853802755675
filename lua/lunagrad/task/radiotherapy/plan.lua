--- A plan: beamlet weights that are best for given importance weights, and what dose they give.
--
-- The inner optimisation, as in matRad (Wieser et al. 2017): the sum over structures of importance
-- times the mean square, over the structure's own voxels, of what a voxel's dose is off its aim
-- (the target, both ways) or above its limit (the others). It is solved to a tolerance, from the
-- same start always, so that a plan depends on the case and the importance weights alone. Then all
-- weights are scaled so that D95 of the target is the prescription.

local fit = require "lunagrad.fit"
local dose = require "lunagrad.task.radiotherapy.dose"
local protocol = require "lunagrad.task.radiotherapy.protocol"

local plan = {}

local TOLERANCE = 1e-8
local RIDGE = 1e-7 -- of the first weight: so small that it only decides between equal plans

---@class lunagrad.radiotherapy.plan
---@field weights number[] importance, by structure
---@field beamlets number[]
---@field doses number[] Gy by voxel (row of the matrix)
---@field lists table<string, number[]> doses of each structure, the highest first
---@field findings lunagrad.radiotherapy.finding[]
---@field met integer goals that are met
---@field excess number what the others are over, by their limits, in sum
---@field solver table how the inner optimisation ended
---@field scale number what the beamlets were multiplied by

local EVEN = 100.0

--- The weights that a plan begins with: 100 for each structure.
---@param case lunagrad.radiotherapy.case
---@return number[]
function plan.even(case)
  local list = {}
  for i in ipairs(case.names) do list[i] = EVEN end
  return list
end

local function aims_of(case, weights)
  local aims = {}
  for i, one in ipairs(case.structures) do
    if one.to >= one.from then
      local each = weights[i] / (one.to - one.from + 1)
      aims[#aims + 1] = { from = one.from, to = one.to, high = one.dose, over = each,
        low = one.target and one.dose or nil, under = one.target and each or 0 }
    end
  end
  return aims
end

local function scaled(list, by)
  for i = 1, #list do list[i] = list[i] * by end
end

--- The plan for a case with these importance weights. Waits.
---@param case lunagrad.radiotherapy.case
---@param weights number[]
---@return lunagrad.radiotherapy.plan
function plan.make(case, weights)
  local x, doses, report = fit.solve { matrix = case.matrix, aims = aims_of(case, weights),
    tolerance = TOLERANCE, ridge = RIDGE * weights[1] }
  local reached = dose.measure(dose.sorted(doses, case.structures[1].rows), "D95")
  local scale = reached > 0 and case.prescription / reached or 1
  scaled(x, scale)
  scaled(doses, scale)
  local lists = {}
  for i, one in ipairs(case.structures) do
    fit.pause()
    lists[case.names[i]] = dose.sorted(doses, one.rows)
  end
  local findings, met, excess = protocol.check(case.goals, lists)
  return { weights = weights, beamlets = x, doses = doses, lists = lists, findings = findings,
    met = met, excess = excess, solver = report, scale = scale, case = case }
end

local function in_order(made)
  local lists = {}
  for i, name in ipairs(made.case.names) do lists[i] = made.lists[name] end
  return lists
end

local BEYOND = 1.2 -- of the prescription: histograms end there

-- The step of a histogram for reading, some 15 lines up to the prescription: 1, 2 or 5 and noughts.
local function step_of(prescription)
  local unit = 10.0 ^ math.floor(math.log(prescription / 14, 10))
  local count = prescription / 14 / unit
  return unit * (count >= 5 and 5 or count >= 2 and 2 or 1)
end

--- What a planner is shown of a plan: weights, statistics, the histogram.
---@param made lunagrad.radiotherapy.plan
---@return string
function plan.describe(made)
  local names, lists, said, measures = made.case.names, in_order(made), {}, {}
  for i, goal in ipairs(made.case.goals) do measures[i] = goal.measure end
  local step = step_of(made.case.prescription)
  for i, name in ipairs(names) do said[i] = ("%s %.4g"):format(name, made.weights[i]) end
  return ("Importance weights: %s.\nDoses in Gy, scaled so that 95%% of the %s get %.2f Gy; V in "
    .. "percent of the volume.\n\n%s\n\nDose-volume histogram, percent of the volume that get at "
    .. "least the dose:\n%s"):format(table.concat(said, ", "), names[1], made.case.prescription,
    dose.statistics(names, lists, measures),
    dose.table(names, lists, step, BEYOND * made.case.prescription))
end

--- A measure of a structure in a plan: "mean", "min", "max", "D5", "V50" and their like.
---@param made lunagrad.radiotherapy.plan
---@param name string
---@param measure string
---@return number|nil
function plan.measure(made, name, measure) return dose.measure(made.lists[name], measure) end

--- Lists of points {dose, percent}, by structure.
---@param made lunagrad.radiotherapy.plan
---@return {name: string, points: number[][]}[]
function plan.histograms(made)
  local series, most = {}, BEYOND * made.case.prescription
  for i, list in ipairs(in_order(made)) do
    series[i] = { name = made.case.names[i], points = dose.histogram(list, most / 180, most) }
  end
  return series
end

return plan
