--- Models of sim that C makes (lua/host/sim.c): who answers for their tags.

local model = require "lunagrad.model"
local work = require "lunagrad.work"

local sims = {}

--- {tag, name}
function sims.add(args)
  work.set_model(args.tag, model.sim(args.name))
  return {}
end

return sims
