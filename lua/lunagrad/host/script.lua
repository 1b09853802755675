--- The library inside a state of its own (lua/host/): what the host gave, and how it is told.
--
-- Loaded there instead of `lunagrad`, which it returns; `core.host` is what C has to say: args,
-- seed, models = { { role, core model }, … }, progress(json). It sets core.host.settle, with which
-- functions of the host's wait. Nothing here runs in a Lua of somebody else's.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local lg = require "lunagrad"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"

local host = core.host

local ROLES = { default = "model", backward = "backward", optimizer = "optimizer",
  judge = "judge" }

--- Wait until v has settled, whatever it came to.
function host.settle(v)
  if v:state() ~= "pending" then return end
  local ok, problem = pcall(loop.await, v)
  if not ok and v:state() == "pending" then error(problem, 0) end
end

-- ---- models ---------------------------------------------------------------------------

for _, one in ipairs(host.models or {}) do
  local role, made = ROLES[one[1]], model.give(one[1], one[2])
  if role then lg.default { [role] = made } end
end

-- ---- what it was given ------------------------------------------------------------------

local args = host.args
lg.args = type(args) == "table" and args or {}
if host.seed and lg.args.seed == nil then lg.args.seed = ("%d"):format(host.seed) end

-- ---- what is its host's to say ------------------------------------------------------------

local configure = lg.configure
local OWNERS = { store = true, durable = true, prices = true, max_cost = true, max_calls = true,
  max_tokens = true, max_time = true }

--- Limits and the store are its host's; what else an engine is told is left to the host, too.
function lg.configure(opts)
  for name in pairs(type(opts) == "table" and opts or {}) do
    if OWNERS[name] then
      errors.refuse(name, ("lg.configure: %s: this script's engine is its host's"):format(name),
        "its host sets limits and the store", 2)
    end
  end
  configure(opts)
end

-- ---- progress ---------------------------------------------------------------------------

local TOLD = { progress = true, score = true, step = true, phase = true, note = true,
  training = true, proposal = true }

local function plain(value)
  local kind = math.type(value) or type(value)
  if kind == "float" and (value ~= value or value - value ~= 0) then return nil end
  return (kind == "integer" or kind == "float" or kind == "string" or kind == "boolean")
    and value or nil
end

require("lunagrad.progress").on_event = function(event)
  if not TOLD[event.kind] then return end
  local told = {}
  for name, value in pairs(event) do
    if type(name) == "string" then told[name] = plain(value) end
  end
  told.step = told.step or plain(event.number) or plain(event.done)
  told.of = plain(event.total)
  if told.score == nil then told.score = plain(event.best) or plain(event.last) end
  host.progress(core.json_encode(told))
end

return lg
