--- Method "race", lunagrad's own: operators chosen by what they bring for a call, parents the
--- best and now and then one from the fronts of the pool, the race as the gate, several proposals at
--- once.

local bandit = require "lunagrad.improve.bandit"
local gates = require "lunagrad.improve.gates"
local operators = require "lunagrad.improve.operators"
local selection = require "lunagrad.improve.selection"

local EARLY = 10 -- evidence that is enough to keep a child before it is known on all of validation
local OTHERS = .2 -- share of proposals whose parent is drawn from the fronts, not the best
local BETA = .4   -- a child that is delta better is dropped so often: another is cheap
local EDITS, LAST_EDITS = 4, 2 -- of one proposal: at the beginning, and in the end

-- How far the search is, from 0 to 1, by what is decided.
local function progress(search)
  local far = 0
  for _, one in ipairs(search.budgets) do
    if one.most < math.huge then far = math.max(far, one.spent / one.most) end
  end
  return math.min(far, 1)
end

return function(spec)
  local list = operators.take(spec)
  local names, by_name = {}, {}
  for i, one in ipairs(list) do names[i], by_name[one.name] = one.name, one end
  local arms = bandit.new { names = names, prior = operators.PRIOR }
  return {
    front = spec.front or "instance", bandit = arms, operators = list,
    select = operators.selection(spec.select, selection.pareto_share(OTHERS)),
    choose = function(search, parent, random)
      return operators.pick(arms, by_name, search, parent, random)
    end,
    early = EARLY,
    gate = gates.race { delta = spec.delta, beta = spec.beta or BETA, early = EARLY },
    edits = function(search)
      return math.floor(EDITS - (EDITS - LAST_EDITS) * progress(search) + 0.5)
    end,
    learn = function(_, one, record)
      arms:note(one.operator.name, { gain = record.gain, kept = record.kept,
        calls = math.max(record.calls, record.evaluations) })
    end,
  }
end
