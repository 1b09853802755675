--- What a host asks of the library's own Lua state, by functions of the C API: losses, optimizers,
--- training and search.
--
-- The policy is the same as in scripts: everything here only reads what C hands over (JSON,
-- variables, models) and calls lunagrad.loss, lunagrad.improve.*. C begins each call by run(), which
-- returns at once; the answer is a promise of the graph that C made. Whatever the host itself has to
-- say (an answer of its program, a score) is asked for by lunagrad.host.query. Nothing here is for
-- scripts.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local promise = require "lunagrad.promise"
local scopes = require "lunagrad.scope"
local var = require "lunagrad.var"

local host = {}

-- Loaded when they are called.
local CALLS = {
  critic = "loss", judge = "loss", exact = "loss", score = "loss",
  optimizer = "optimizer", step = "optimizer", forget = "optimizer",
  train = "train", search = "search",
}
local ROOMS = {
  loss = function() return require "lunagrad.host.loss" end,
  optimizer = function() return require "lunagrad.host.optimizer" end,
  train = function() return require "lunagrad.host.train" end,
  search = function() return require "lunagrad.host.search" end,
}

local function value_of(result)
  if var.is(result) then return result end
  local text = type(result) == "string" and result or core.json_encode(result or {})
  return core.var(loop.engine(), text, "report", false)
end

--- Begin a call. Never waits and never raises: what goes wrong is the promise's failure. When the
--- promise is cancelled the call's work ends.
---@param answer Var the promise
---@param name string of CALLS
---@param text string its arguments, a JSON object
---@param vars Var[]
---@param models userdata[]
function host.run(answer, name, text, vars, models)
  local scope = scopes.new()
  local task = loop.spawn(function()
    local args = core.json_decode(text)
    return ROOMS[CALLS[name]]()[name](args, vars, models)
  end, { scope = scope, what = name })
  local engine = loop.engine()
  loop.watch(answer, function()
    if not task.done then scope:cut(errors.new("cancelled", name .. " was cancelled")) end
  end)
  task.after = function(t)
    scope:close(t)
    if answer:raw_state() ~= "pending" then return end
    if not t.ok then return promise.broken(engine, answer, t[1]) end
    local ok, problem = pcall(core.keep, engine, answer, value_of(t[1]))
    if not ok then promise.broken(engine, answer, problem) end
  end
end

return host
