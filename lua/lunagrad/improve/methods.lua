--- Methods of search by name: which parts lunagrad.improve.search is put together from.
--
-- A method has select(pool, rng) → parent; choose(search, parent, rng) → operator; gate(search,
-- proposal) → outcome; learn(search, proposal, record). It may have, called when a proposal is
-- planned: ready(search, number), whether that one may be planned before all others are decided;
-- edits(search, proposal), how many it may make; component(search, proposal), which parameter
-- alone; draw(search, parent, rng, operator), its batch, and others for when that is solved; and
-- over(search) → why it has come to its end. Fields: lag, batch, front; window(n), how many
-- evaluations a proposal must be able to buy; blind = true, operators see the seed alone; keeps =
-- true, what is known of a child that was not kept is known when its texts come again.
-- Each file of the folder methods is one, and says where it comes from and where it differs.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

local methods = {}

local KNOWN = {
  race = require "lunagrad.improve.methods.race",
  gepa = require "lunagrad.improve.methods.gepa",
  tgd = require "lunagrad.improve.methods.tgd",
  mipro = require "lunagrad.improve.methods.mipro",
  opro = require "lunagrad.improve.methods.opro",
  best_of_n = require "lunagrad.improve.methods.best_of_n",
}

-- Options that say how a search goes, and who looks at them: the other methods are what they are.
local LOOKS_AT = {
  operators = { race = true, gepa = true, tgd = true, best_of_n = true },
  select = { race = true, gepa = true }, delta = { race = true }, beta = { race = true },
  front = { race = true, gepa = true },
  batch = { race = true, gepa = true, tgd = true, best_of_n = true },
}

-- Nothing is left out silently.
local function check(name, spec, level)
  for option, by in pairs(LOOKS_AT) do
    if spec[option] ~= nil and not by[name] then
      errors.refuse(option, ("lg.optimize: method %q has no %s"):format(name, option),
        'method = "race" has all options', level + 1)
    end
  end
end

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
  check(name, spec, level + 1)
  return KNOWN[name](spec)
end

return methods
