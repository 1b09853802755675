--- Rows of data sets that were read: tables in which a field that is not there is an error.
--
-- A misspelled field is nil in Lua, and nil vanishes: from a call's parts, from the fields of a
-- loss, from a table. So a row says which fields it has instead. What may be missing is asked for
-- by row.get. JSON's null is a field that is there and nil. Rows that a script made itself are its
-- own plain tables. Used by lunagrad.data, and by whatever looks into rows.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

local row = {}

local SET = {}  -- key in the metatable of such rows: what the set is called
local MOST = 12 -- names in a message

local function known_names(t, nulls)
  local names = {}
  for key in next, t do
    if type(key) == "string" then names[#names + 1] = key end
  end
  for key in pairs(nulls or {}) do names[#names + 1] = key end
  table.sort(names)
  return names
end

local function listed(names)
  local words = {}
  for i = 1, math.min(#names, MOST) do words[i] = ("%q"):format(names[i]) end
  if #names > MOST then words[#words + 1] = ("and %d more"):format(#names - MOST) end
  return #words > 0 and "it has " .. table.concat(words, ", ") or "it has none"
end

local function missing(t, key, name, nulls)
  local names = known_names(t, nulls)
  local near = options.nearest(key, names)
  errors.refuse(key, ("%s: the row has no field %q; %s"):format(name, key, listed(names)),
    (near and ("did you mean %q? "):format(near) or "")
      .. ("where a row may lack it, lg.data.get(row, %q) gives nil"):format(key), 3)
end

--- A function that makes rows of tables: of(t, nulls), where nulls holds the names that are null.
---@param name string what the set is called in messages
---@return fun(t: table, nulls: table|nil): table
function row.maker(name)
  local nulls_of = setmetatable({}, { __mode = "k" })
  local meta = { __name = "lunagrad.row", [SET] = name }
  function meta.__index(t, key)
    local nulls = nulls_of[t]
    if type(key) == "string" and not (nulls and nulls[key]) then missing(t, key, name, nulls) end
  end
  return function(t, nulls)
    nulls_of[t] = nulls
    return setmetatable(t, meta)
  end
end

--- Is it a row of a set that was read?
---@param t any
---@return boolean
function row.is(t)
  local meta = type(t) == "table" and getmetatable(t)
  return type(meta) == "table" and rawget(meta, SET) ~= nil
end

--- A field that the row may lack: its value, or `otherwise`.
---@param t table a row, or any table
---@param name string
---@param otherwise any
---@return any
function row.get(t, name, otherwise)
  if type(t) ~= "table" then
    errors.raise("inval", ("lg.data.get: expected a row, got %s"):format(type(t)), nil, 2)
  end
  local value, meta = rawget(t, name), getmetatable(t)
  local index = type(meta) == "table" and not row.is(t) and rawget(meta, "__index")
  if value == nil and type(index) == "table" then
    value = row.get(index, name)
  elseif value == nil and index then
    value = t[name]
  end
  if value == nil then return otherwise end
  return value
end

return row
