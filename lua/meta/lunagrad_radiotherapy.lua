---@meta lunagrad_radiotherapy
-- What editors should know of lg.task.radiotherapy (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

--- Plans of radiotherapy: phantoms, cases of files, and what importance weights make of them.
lunagrad.task.radiotherapy = {}

--- The smallest and the largest importance weight of a text.
lunagrad.task.radiotherapy.LEAST = 1
lunagrad.task.radiotherapy.MOST = 1000

---@class lunagrad.radiotherapy.goal
---@field text string "rectum V50 <= 25"
---@field structure string
---@field measure string "mean", "min", "max", "D5", "V50" and their like
---@field most boolean at most; false: at least
---@field limit number

---@class lunagrad.radiotherapy.structure
---@field name string
---@field dose number Gy that is aimed at (the target) or not to be exceeded
---@field target boolean
---@field rows integer[] of the matrix, all that it holds
---@field from integer the first of its own rows, which no structure before it holds
---@field to integer the last one

---@class lunagrad.radiotherapy.case
---@field name string
---@field prescription number Gy
---@field structures lunagrad.radiotherapy.structure[] the target first
---@field names string[]
---@field goals lunagrad.radiotherapy.goal[]

---@class lunagrad.radiotherapy.plan
---@field case lunagrad.radiotherapy.case
---@field weights number[] importance
---@field beamlets number[] after scaling
---@field doses number[] Gy, by row of the matrix
---@field lists table<string, number[]> doses of each structure, the highest first
---@field findings {goal: lunagrad.radiotherapy.goal, value: number, met: boolean, excess: number}[]
---@field met integer protocols that are met
---@field excess number what the others are over, by their limits, in sum
---@field scale number what brought the target's D95 to the prescription
---@field solver {state: string, cost: number, residual: number, steps: integer, passes: integer}

---@class lunagrad.radiotherapy.settings
---@field voxel? number mm (default 3.0)
---@field beamlet? number mm (default 5.0)
---@field beams? integer how many (default 9)

--- A phantom: a slice of a pelvis by seed.
--- ```lua
--- local case = lg.task.radiotherapy.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(case.names[1], #case.goals > 0)                          --> PTV	true
--- ```
---@param seed integer|string
---@param settings? lunagrad.radiotherapy.settings
---@return lunagrad.radiotherapy.case
function lunagrad.task.radiotherapy.phantom(seed, settings) end

--- A case of a file in JSON: structures, dose matrix, protocols. docs/radiotherapy.md has its form.
--- ```lua
--- print(pcall(lg.task.radiotherapy.read, "no such file.json"))   --> false
--- ```
---@param path string
---@return lunagrad.radiotherapy.case
function lunagrad.task.radiotherapy.read(path) end

--- The plan for importance weights. Waits.
--- ```lua
--- local case = lg.task.radiotherapy.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- local plan = lg.task.radiotherapy.plan(case, lg.task.radiotherapy.even(case))
--- print(plan.met <= #case.goals, plan.solver.state)              --> true
--- ```
---@param case lunagrad.radiotherapy.case
---@param weights number[] by structure
---@return lunagrad.radiotherapy.plan
function lunagrad.task.radiotherapy.plan(case, weights) end

--- What a planner is shown of a plan: weights, statistics, dose-volume histogram.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.describe(rt.plan(case, rt.even(case))))               --> PTV
--- ```
---@param plan lunagrad.radiotherapy.plan
---@return string
function lunagrad.task.radiotherapy.describe(plan) end

--- Is a plan better: is there less excess over the protocols' limits? Better than none is any.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.better(rt.plan(case, rt.even(case)), nil))            --> true
--- ```
---@param plan lunagrad.radiotherapy.plan
---@param other lunagrad.radiotherapy.plan|nil
---@return boolean
function lunagrad.task.radiotherapy.better(plan, other) end

--- A measure of a structure: "mean", "min", "max", "D5", "V50" and their like; nil: there is none.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.measure(rt.plan(case, rt.even(case)), "PTV", "mean") > 0) --> true
--- ```
---@param plan lunagrad.radiotherapy.plan
---@param name string of the structure
---@param measure string
---@return number|nil
function lunagrad.task.radiotherapy.measure(plan, name, measure) end

--- Points {dose, percent of the volume that get at least so much}, for each structure.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.histograms(rt.plan(case, rt.even(case)))[1].name)     --> PTV
--- ```
---@param plan lunagrad.radiotherapy.plan
---@return {name: string, points: number[][]}[]
function lunagrad.task.radiotherapy.histograms(plan) end

--- The weights that a plan begins with: 100 for each structure.
--- ```lua
--- print(lg.task.radiotherapy.even(lg.task.radiotherapy.phantom(1))[1]) --> 100
--- ```
---@param case lunagrad.radiotherapy.case
---@return number[]
function lunagrad.task.radiotherapy.even(case) end

--- Weights as a text, "rectum: 100", a line each.
--- ```lua
--- print(lg.task.radiotherapy.write_weights({ "PTV", "rectum" }, { 100, 50 })) --> PTV: 100
--- ```
---@param names string[]
---@param weights number[]
---@return string
function lunagrad.task.radiotherapy.write_weights(names, weights) end

--- The weights of a text; nil, and in words what is wrong with it.
--- ```lua
--- print(lg.task.radiotherapy.read_weights("PTV: 100\nrectum: 50", { "PTV", "rectum" })[2]) --> 50
--- ```
---@param text string
---@param names string[]
---@return number[]|nil weights
---@return string|nil problem
function lunagrad.task.radiotherapy.read_weights(text, names) end

--- What a text of weights has to keep to, for an optimizer's constraints.
--- ```lua
--- local case = lg.task.radiotherapy.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(lg.task.radiotherapy.constraint(case).check "no weights") --> false
--- ```
---@param case lunagrad.radiotherapy.case
---@return lunagrad.constraint
function lunagrad.task.radiotherapy.constraint(case) end

--- The protocols of a case, a line each.
--- ```lua
--- local case = lg.task.radiotherapy.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(lg.task.radiotherapy.protocols(case))                    --> rectum
--- ```
---@param case lunagrad.radiotherapy.case
---@return string
function lunagrad.task.radiotherapy.protocols(case) end

--- What a plan makes of each protocol: "rectum V50 <= 25: 31.20, not met".
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.findings(rt.plan(case, rt.even(case))))               --> rectum
--- ```
---@param plan lunagrad.radiotherapy.plan
---@return string
function lunagrad.task.radiotherapy.findings(plan) end

--- A tool node from a text of weights to the description of their plan; what is no weights is answered
--- in words. on_plan(plan or nil, text) hears of each.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- local planner = rt.planner(case)
--- print(planner(rt.write_weights(case.names, rt.even(case))))    --> PTV
--- ```
---@param case lunagrad.radiotherapy.case
---@param on_plan fun(plan: lunagrad.radiotherapy.plan|nil, text: string)|nil
---@return table tool
function lunagrad.task.radiotherapy.planner(case, on_plan) end

---@class lunagrad.radiotherapy.search_spec
---@field case lunagrad.radiotherapy.case
---@field plans integer how many are made at most
---@field method? "random"|"coordinate"|"bayesian" who says what is tried next (default "random")
---@field start? number[] weights to begin with (default: 100 each)
---@field seed? any of what is drawn (default 1)
---@field candidates? number[][] weights to try instead of a method's

--- A search that reads no words: it begins with `start` (100 each), makes at most so many plans, and
--- ends when all protocols are met. candidates: weights to try instead of a method's.
--- ```lua
--- local rt = lg.task.radiotherapy
--- local case = rt.phantom(1, { voxel = 8, beamlet = 10, beams = 5 })
--- print(rt.search({ case = case, plans = 3, method = "random", seed = 1 }).plans <= 3) --> true
--- ```
---@param spec lunagrad.radiotherapy.search_spec
---@return {best: lunagrad.radiotherapy.plan, first: lunagrad.radiotherapy.plan, plans: integer}
function lunagrad.task.radiotherapy.search(spec) end
