--- Method "best_of_n": rewrites of the start that know nothing of each other, the best of them.
--
-- The baseline of every search: what as much money brings without one. Each proposal is the
-- start's texts rewritten along another batch (operator "gradient"; others by `operators`), and is
-- asked all of validation. n is what the budget allows. Selection among many by one validation set
-- flatters the winner more than anything: believe the claim.

local gates = require "lunagrad.improve.gates"
local operators = require "lunagrad.improve.operators"

local AT_ONCE = 8

return function(spec)
  local operator = operators.in_turn(spec, "gradient")
  return {
    lag = AT_ONCE, window = function(n) return n end, blind = true,
    select = function(pool) return pool:get(0) end,
    choose = function(search) return operator(search.planned) end,
    gate = gates.full {},
    learn = function() end,
  }
end
