--- Models of sim that C makes (lua/host/sim.c): who answers for tags that Lua did not give.

local model = require "lunagrad.model"
local work = require "lunagrad.work"

work.set_others(function(name) return model.sim(name) end)

return {}
