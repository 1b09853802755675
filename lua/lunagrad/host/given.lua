--- What hosts hand over, as the library wants it: models, constraints with a check by the host,
--- parameters of a job's own, and options as JSON.
--
-- Used by the other files of lunagrad.host.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"
local query = require "lunagrad.host.query"

local given = {}

local ROLES = { "model", "backward", "optimizer", "judge" }

--- The models of a call by role, where args.models has their places in the list; they are the
--- defaults of this state from now on, too.
---@param args table
---@param models userdata[]
---@return table<string, lunagrad.model>
function given.models(args, models)
  local made, by_role, roles = {}, {}, {}
  for i, one in ipairs(models) do made[i] = model.adopt(one) end
  for name, i in pairs(args.models or {}) do by_role[name] = made[i] end
  for _, role in ipairs(ROLES) do roles[role] = by_role[role] end
  if next(roles) then model.default(roles) end
  return by_role
end

--- Raises unless a model was named for this.
---@param by_role table<string, lunagrad.model>
---@param role string
---@param where string
---@return lunagrad.model
function given.model(by_role, role, where)
  return by_role[role] or errors.raise("inval", ("%s: no %s model is given"):format(where, role),
    "lg_engine_models() names one", 0)
end

--- Constraints: words, and a check by the host if there is one.
---@param args table {constraints, check = boolean, check_words, owner}
---@param params Var[]
---@return table
function given.constraints(args, params)
  local list = table.move(args.constraints or {}, 1, #(args.constraints or {}), 1, {})
  if args.check then
    list[#list + 1] = { text = args.check_words or "passes the check of the program that asks",
      check = function(value, _, param)
        param = param or 1
        local score, why = query.score(args.owner, "check", { params[param] },
          { text = value, param = param - 1 })
        return score >= 1, why
      end }
  end
  return list
end

--- Parameters of a job's own with the texts of the host's, so that those hold accepted texts only.
---@param theirs Var[]
---@return Var[]
function given.copies(theirs)
  local own = {}
  for i, v in ipairs(theirs) do
    loop.await(v)
    local kind = v:raw_media()
    own[i] = kind and core.media(loop.engine(), kind, v:raw_text(), v:raw_role(), true)
      or core.var(loop.engine(), v:raw_text(), v:raw_role(), true)
  end
  return own
end

--- The host's parameters get these texts, where they differ.
---@param theirs Var[]
---@param texts (string|Var)[]
function given.set(theirs, texts)
  for i, v in ipairs(theirs) do
    local text = texts[i]
    if type(text) == "userdata" then
      if v:raw_text() ~= text:raw_text() then v:set(text) end
    elseif v:raw_text() ~= text then
      v:set(text)
    end
  end
end

--- A name for each parameter: its role, numbered where roles repeat.
---@param params Var[]
---@return string[]
function given.names(params)
  local names, seen = {}, {}
  for i, p in ipairs(params) do
    local role = p:raw_role()
    seen[role] = (seen[role] or 0) + 1
    names[i] = seen[role] == 1 and role or ("%s #%d"):format(role, seen[role])
  end
  return names
end

--- A copy of the options in JSON; those that a field of the config says are refused.
---@param args table
---@param taken string[]
---@param where string
---@return table
function given.options(args, taken, where)
  local options = {}
  for name, value in pairs(args.options or {}) do
    if value ~= core.null then options[name] = value end
  end
  for _, name in ipairs(taken) do
    if options[name] ~= nil then
      errors.refuse(name, ("%s: options: %s is a field of the config"):format(where, name), nil, 0)
    end
  end
  return options
end

return given
