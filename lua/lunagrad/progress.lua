--- What a long job tells whoever is watching: one observer, or nobody.
--
-- The library calls progress.emit; the command sets progress.on_event. Nothing here
-- prints, keeps or waits. Without an observer an event costs one comparison.
--
-- Events, by kind
--   phase     name                        "train step 3/12", "test"
--   progress  done, total                 of the phase
--   training  number, params              one begins: which of the run, and the parameters' names
--   score     training, best, seed, last  larger is better; any may be nil
--   step      training, number, accepted, reason, of an optimizer's step; redrawn (solved batches
--             before it), solved and examples (of its own batch)
--   proposal  number, operator, accepted, reason, of a search
--   note      text                        one line for people

local progress = { on_event = nil }

--- Tell the observer, if there is one.
---@param event table with a field `kind`
function progress.emit(event)
  local on_event = progress.on_event
  if on_event then on_event(event) end
end

return progress
