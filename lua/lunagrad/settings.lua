--- What a run may cost, where its store is, and what its models' prices are.
--
-- Turns the options people write (dollars, seconds, a directory) into the engine's (micro-dollars,
-- milliseconds). The command's options stand against the script's: a cap can only become lower, a
-- place or a price file named on the command line stays. Used by lg.configure and cli.limits.

local config = require "lunagrad.config"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local prices = require "lunagrad.prices"

local settings = {}

--- The options of lg.configure that this module reads.
settings.SPEC = {
  store = "string|boolean?", durable = "string|boolean?", prices = "string|table?",
  max_cost = "number?", max_calls = "integer?", max_tokens = "integer?", max_time = "number?",
}

local CAPS = { max_cost = "max_micros", max_calls = "max_calls", max_tokens = "max_tokens",
  max_time = "max_time_ms" }

local current = {}  -- the engine's names → what was set
local pinned = {}   -- what the command line said: these stay

local function positive(name, value, level)
  if value ~= value or value <= 0 or value >= 2 ^ 53 then
    errors.refuse(name, ("%s must be more than 0, got %s"):format(name, tostring(value)), nil,
      level + 1)
  end
  return value
end

-- A cap in the engine's unit; never more than was said.
local function in_units(name, value, level)
  positive(name, value, level + 1)
  local units = name == "max_cost" and value * 1e6 or name == "max_time" and value * 1e3 or value
  local whole = math.tointeger(math.floor(units + 1e-6))
  if not whole or whole < 1 then
    errors.refuse(name, ("%s: %s is too small to count"):format(name, tostring(value)), nil,
      level + 1)
  end
  return whole
end

local DURABLE = { full = true, group = false }

local function durable_of(value, level)
  if type(value) == "boolean" then return value end
  if DURABLE[value] == nil then
    errors.refuse("durable", ("durable must be \"group\" or \"full\", got %q"):format(value),
      'group: written at once, synced in groups; full: every commit waits for the disk', level + 1)
  end
  return DURABLE[value]
end

local function default_dir()
  return config.get "LUNAGRAD_HOME" or ".lunagrad"
end

--- The directory of the store when nothing names one: LUNAGRAD_HOME, or .lunagrad here.
settings.default_dir = default_dir

local function store_of(value)
  if value == true then return default_dir() end
  return value
end

local function take_cap(found, name, opts, level)
  local key = CAPS[name]
  local wanted = in_units(name, opts[name], level + 1)
  local limit = pinned[key]
  found[key] = limit and math.min(limit, wanted) or wanted
end

--- Options of people → options of the engine; what is not of this module is passed through.
---@param opts table
---@param level? integer whose line is to blame
---@return table
function settings.translate(opts, level)
  level = (level or 1) + 1
  local found = {}
  for name, value in pairs(opts) do
    if settings.SPEC[name] == nil and pinned[name] == nil then found[name] = value end
  end
  for name in pairs(CAPS) do
    if opts[name] ~= nil then take_cap(found, name, opts, level) end
  end
  if opts.durable ~= nil and pinned.durable == nil then
    found.durable = durable_of(opts.durable, level)
  end
  if opts.store ~= nil and pinned.store_dir == nil then found.store_dir = store_of(opts.store) end
  if opts.prices ~= nil and not pinned.prices then prices.use(opts.prices, level) end
  return found
end

local function remember(found)
  for key, value in pairs(found) do current[key] = value end
end

--- lg.configure: checked already; before the engine is made.
---@param opts table
---@param level? integer whose line is to blame
function settings.configure(opts, level)
  local found = settings.translate(opts, (level or 1) + 1)
  loop.configure(found)
  remember(found)
end

--- The same from the command line; it stands against what a script says later.
---@param opts table
function settings.pin(opts)
  local found = settings.translate(opts, 0)
  for key, value in pairs(found) do pinned[key] = value end
  if opts.store ~= nil then pinned.store_dir = found.store_dir end
  if opts.prices ~= nil then pinned.prices = true end
  loop.configure(found)
  remember(found)
end

--- What was set, in the engine's names: store_dir, max_micros, max_calls, …
---@param key string
---@return any
function settings.get(key) return current[key] end

--- The directory of the store, or nil without one.
---@return string|nil
function settings.store_dir() return current.store_dir or nil end

return settings
