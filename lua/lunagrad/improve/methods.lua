--- Methods of search by name: which parts lunagrad.improve.search is put together from.
--
-- A method has select(pool, rng) → parent; choose(search, parent, rng) → operator; gate(search,
-- proposal) → outcome; edits(search, proposal) → how many a proposal may make; learn(search,
-- proposal, record); and may have component(search, proposal) → which parameter, lag, front. Each
-- file of the folder methods is one, and says where it comes from and where it differs.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

local methods = {}

local KNOWN = {
  race = require "lunagrad.improve.methods.race",
}

local function names()
  local list = {}
  for name in pairs(KNOWN) do list[#list + 1] = name end
  table.sort(list)
  return list
end

--- The parts of a method.
---@param name string
---@param spec table of lg.optimize, checked
---@param level integer
---@return table
function methods.of(name, spec, level)
  if not KNOWN[name] then
    errors.refuse("method", ("lg.optimize: there is no method %q"):format(tostring(name)),
      options.suggest(tostring(name), KNOWN)
        or "there are " .. table.concat(names(), ", "), level + 1)
  end
  return KNOWN[name](spec)
end

return methods
