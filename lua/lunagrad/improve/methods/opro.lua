--- Method "opro": a model is shown texts with their scores, ascending, and writes a better one.
--
-- Optimization by prompting (arXiv 2309.03409; google-deepmind/opro): steps of 8 new texts, drawn
-- from the same history at temperature 1; 20 best texts and 3 examples are shown; all new ones
-- are scored and join the history. Where it differs: scores are of all of validation, as for the
-- other methods here, not of a part of the training set; they are shown as they are, not in whole
-- hundredths, and without a threshold; each of the 8 is shown examples of its own; copies of
-- examples are refused. The history is the pool, which holds 64.

local gates = require "lunagrad.improve.gates"
local fresh = require "lunagrad.improve.propose.fresh"
local selection = require "lunagrad.improve.selection"

local AT_ONCE = 8
local OPTIONS = { best = 20, temperature = 1 }

local write = { name = "opro", batch = false, propose = function(parent, batch, context)
  return fresh.write(parent, batch, context, OPTIONS)
end }

return function()
  return {
    lag = AT_ONCE, batch = 1, window = function(n) return n end,
    -- a step's texts see the same history
    ready = function(_, number) return (number - 1) % AT_ONCE ~= 0 end,
    select = selection.best,
    choose = function() return write end,
    gate = gates.full { any = true },
    learn = function() end,
  }
end
