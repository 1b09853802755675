--- Candidates: other texts for parameters, for a while and for some tasks only.
--
-- Inside lg.with a parameter is the candidate's version: a variable of its own with the
-- candidate's text, which nodes are made of and feedback goes to. Tasks that are begun there, and
-- tools that are called there, see it as well, however late they run; others see the parameter as
-- it is. So many candidates are tried at the same time, and nothing global changes. What runs
-- under a binding may be counted (meter). Used by lg.with, lg.optimize, lg.compare and lg.vote.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local var = require "lunagrad.var"

local bind = {}

local LIFTED = { string = true, number = true, boolean = true }

local function stand_in(engine, param, value)
  local role = param.role
  if var.is(value) then
    loop.await(value)
    local kind = value:raw_media()
    if kind then return core.media(engine, kind, value:raw_text(), role, true) end
    value = value:raw_text()
  end
  return core.var(engine, type(value) == "number" and core.number_text(value) or tostring(value),
    role, true)
end

local function check_pair(param, value, level)
  if not var.is(param) then
    errors.raise("inval", ("lg.with: a candidate maps parameters to texts, got a %s as parameter")
      :format(type(param)), "lg.with({ [prompt] = \"…\" }, fn)", level + 1)
  elseif not param:grad() or param:op() ~= "leaf" then
    errors.raise("inval", ("lg.with: %q is no parameter"):format(param.role),
      "make it with lg.param(text, role)", level + 1)
  elseif not LIFTED[type(value)] and not var.is(value) then
    errors.raise("inval", ("lg.with: the text for %q is a %s"):format(param.role, type(value)),
      nil, level + 1)
  end
end

-- What the running task is bound to, by number, as a copy to be added to.
local function inherited()
  local context = loop.context()
  local map, outer = {}, context and context.candidate
  for id, v in pairs(outer and outer.binding or {}) do map[id] = v end
  return map
end

--- A binding of parameters to values, on top of what the running task is bound to. It may be used
--- for any number of tasks; feedback from all of them goes to the same variables.
---@param params Var[]
---@param values (string|Var)[] by the order of the parameters
---@return table
function bind.map(params, values)
  local engine, map = loop.engine(), inherited()
  for i, p in ipairs(params) do map[p:own_id()] = stand_in(engine, p, values[i]) end
  return core.binding(engine, map)
end

--- Run fn(…) as a task under a binding; waits for it, returns what it returns. opts as for start.
---@param binding table of bind.map
---@param opts table|nil
---@param fn function
function bind.run(binding, opts, fn, ...)
  return bind.start(binding, opts, fn, ...):await()
end

--- The same without waiting: the task.
---@param binding table of bind.map
---@param opts {meter: table, example: integer, sample: integer, purpose: integer}|nil meter: of
--- bind.meter, counts the calls to models that are begun under it; example: what errors and nodes
--- tell; sample: added to the sample index of every call; purpose: what the record knows calls by
---@param fn function
---@return table task
function bind.start(binding, opts, fn, ...)
  local context = loop.context()
  local outer = context and context.candidate
  opts = opts or {}
  local candidate = { binding = binding, meter = opts.meter or outer and outer.meter,
    sample = opts.sample or outer and outer.sample }
  local inner = { candidate = candidate, example = opts.example, purpose = opts.purpose }
  return loop.spawn(fn, inner, ...)
end

--- What counts the calls to models that are begun under a binding, served ones too: an answer from
--- the store or from another's equal question counts as a call, so that a run that goes on counts
--- as the one that was broken off did.
---@return table
function bind.meter() return { calls = 0, passes = {} } end

--- The calls that a meter has counted, with those of the backward passes that have settled.
---@param meter table
---@return integer
function bind.calls(meter)
  local calls = meter.calls
  for _, pass in ipairs(meter.passes) do
    local said = pass:raw_text() -- as engine/graph/gradient.c tells it
    calls = calls + (said and math.tointeger(tonumber(said:match "(%d+) questions asked")) or 0)
  end
  return calls
end

--- A backward pass was begun: its questions count for the running task.
---@param pass Var
---@return Var pass
function bind.passes(pass)
  local context = loop.context()
  local candidate = context and context.candidate
  if candidate and candidate.meter then
    local list = candidate.meter.passes
    list[#list + 1] = pass
  end
  return pass
end

--- Run fn with other texts for parameters: inside it, in every task begun there and in every tool
--- called there a parameter is the candidate's version (its text, its history, its feedback), and
--- `p:set` changes that. Outside nothing changes. Waits for fn; returns what it returns.
---@param candidate table<Var, string|number|boolean|Var> parameter → text (or picture, sound)
---@param fn function
---@return any ...
function bind.with(candidate, fn, ...)
  if type(candidate) ~= "table" or var.is(candidate) then
    errors.raise("inval", "lg.with: expected a table parameter → text, got a " .. type(candidate),
      "lg.with({ [prompt] = \"…\" }, fn)", 2)
  end
  options.check({ [2] = fn }, { [2] = "callable" }, "lg.with", 2)
  local params, values = {}, {}
  for param, value in pairs(candidate) do
    check_pair(param, value, 2)
    params[#params + 1], values[param] = param, value
  end
  table.sort(params, function(a, b) return a:own_id() < b:own_id() end)
  local list = {}
  for i, p in ipairs(params) do list[i] = values[p] end
  return bind.run(bind.map(params, list), nil, fn, ...)
end

return bind
