--- Method "tgd": the loop of the TextGrad paper (arXiv 2406.07496), one line of texts.
--
-- A batch of 3, in epochs; the losses' feedback goes backward; the editor rewrites; all of
-- validation is asked, and a step that makes it worse is taken back (a tie stays). Where it
-- differs: what is returned is the best that was kept, which with ties need not be the last; a
-- solved batch is no step; the loop ends with the budget and not after 12 steps; scores of the
-- batch are bought once and served to the backward pass. lg.train is the same loop with more
-- options.

local epochs = require "lunagrad.improve.epochs"
local gates = require "lunagrad.improve.gates"
local operators = require "lunagrad.improve.operators"

local BATCH = 3

return function(spec)
  local operator, order = operators.in_turn(spec, "gradient"), nil
  return {
    lag = 1, batch = BATCH, window = function(n) return n end,
    select = function(pool) return pool.list[#pool.list] end, -- the last one that was kept
    choose = function(search) return operator(search.planned) end,
    draw = function(search)
      order = order or epochs.new(#search.problem.sets.train, search.batch,
        search.random:fork "epochs")
      return { order:batch(search.planned) }
    end,
    gate = gates.full { tie = "keep" },
    learn = function() end,
  }
end
