-- plans.lua - what a radiotherapy plan costs: CPU time, how the inner optimisation ends, and how long
-- others wait meanwhile.
--
--   lunagrad run benchmarks/plans.lua --display none       phantoms=8 plans=40
--
-- Importance weights are drawn evenly in the logarithm. Asks no model.

local lg = require "lunagrad"
local statistics = require "lunagrad.stats_math"

local rt, clock = lg.task.radiotherapy, os.clock
local n_phantoms = tonumber(lg.args.phantoms) or 8
local n_plans = tonumber(lg.args.plans) or 40

local waits, done = {}, false

-- Another task, that would run whenever it can.
local function watch()
  local last = clock()
  while not done do
    lg.sleep(0)
    local now = clock()
    waits[#waits + 1], last = (now - last) * 1000, now
  end
end

local made, times, passes, steps, residual, settled = {}, {}, {}, {}, 0, 0

local function work()
  local random = lg.rng.new(1)
  for seed = 1, n_phantoms do
    local began = clock()
    local case = rt.phantom(seed)
    made[seed] = (clock() - began) * 1000
    for _ = 1, n_plans do
      local weights = {}
      for i in ipairs(case.names) do weights[i] = rt.MOST ^ random:float() end
      began = clock()
      local plan = rt.plan(case, weights)
      times[#times + 1] = (clock() - began) * 1000
      passes[#passes + 1], steps[#steps + 1] = plan.solver.passes, plan.solver.steps
      residual = math.max(residual, plan.solver.residual)
      settled = settled + (plan.solver.state == "settled" and 1 or 0)
    end
  end
  done = true
end

lg.map({ watch, work }, function(task)
  task()
  return true
end)

local function row(name, list, unit)
  table.sort(list)
  print(("%-34s median %.1f, nine of ten below %.1f, most %.1f %s"):format(name,
    statistics.quantile(list, 0.5), statistics.quantile(list, 0.9), list[#list], unit))
end

row("a phantom", made, "ms of CPU")
row("a plan", times, "ms of CPU")
row("Newton steps of a plan", steps, "")
row("passes over the matrix", passes, "")
row("between turns of another task", waits, "ms of CPU")
print(("settled %d of %d plans, largest residual %.1e"):format(settled, #times, residual))
