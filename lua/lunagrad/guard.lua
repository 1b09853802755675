--- Guards: what plain arguments public functions take, looked at before they run.
--
-- For functions whose arguments are plain (a text, a row, a list) and which trust them, as the
-- library itself calls them by the thousand. Scripts reach them through here, so that a wrong
-- one raises an error object that names the function and the argument. A function that takes a
-- table of options checks it itself (options.lua).

local errors = require "lunagrad.errors"
local is_var = require("lunagrad.var").is

local guard = {}

local WORDS = { var = "variable", callable = "function", list = "list",
  constraints = "list of constraints", context = "table without a scope", unmarked = "table",
  schema = "JSON Schema (see lg.schema.of)" }

local function is_callable(x)
  local meta = type(x) == "table" and getmetatable(x)
  return type(x) == "function" or (type(meta) == "table" and meta.__call ~= nil)
end

-- A metatable that makes things up is none of a plain table.
local function is_plain(x)
  local meta = getmetatable(x)
  return meta == nil or type(meta) == "table" and type(rawget(meta, "__index")) ~= "function"
end

-- A table, or what stands in for one (a data set).
local IS = {
  var = is_var,
  callable = is_callable,
  list = function(x) return type(x) == "table" end,
  constraints = function(x)
    if type(x) ~= "table" then return false end
    for _, one in ipairs(x) do
      if type(one) ~= "table" or type(one.text) ~= "string" then return false end
    end
    return true
  end,
  any = function() return true end,
  schema = function(x)
    if type(x) ~= "table" or not is_plain(x) then return false end
    local ok, full = pcall(require("lunagrad.schema").of, x)
    return ok and (rawequal(full, x) or next(x) == nil) -- a short form becomes another table
  end,
  unmarked = function(x) return type(x) == "table" and not rawequal(getmetatable(x), false) end,
  -- What it tells is inherited, so its metatable is set; the scope is the library's own.
  context = function(x)
    return type(x) == "table" and is_plain(x) and rawget(x, "scope") == nil
  end,
}

local function fits(x, kind)
  if IS[kind] then return IS[kind](x) end
  return type(x) == kind
end

local function check(where, i, x, kind)
  local optional = kind:sub(-1) == "?"
  kind = optional and kind:sub(1, -2) or kind
  if x == nil and optional or fits(x, kind) then return end
  errors.raise("inval", ("%s: argument %d must be a %s, got %s"):format(where, i,
    WORDS[kind] or kind, is_var(x) and "a variable" or type(x)), nil, 3)
end

--- fn, whose arguments are looked at first; kinds.gives: those of the functions that it returns.
local function guarded(where, fn, kinds)
  return function(...)
    for i = 1, math.max(#kinds, kinds.all and select("#", ...) or 0) do
      check(where, i, (select(i, ...)), kinds[i] or kinds.all)
    end
    if not kinds.gives then return fn(...) end
    return guarded("the function of " .. where, fn(...), kinds.gives)
  end
end

local TEXT = { "string" }
local SCORES = { "string", "table" }
local GUARDS = {
  extract = {
    trim = TEXT, last_number = TEXT, last_line = TEXT, whole = TEXT, code = TEXT, object = TEXT,
    tag = { gives = TEXT }, after = { gives = TEXT }, choice = { gives = TEXT },
    json = { gives = TEXT }, any = { all = "callable", gives = TEXT },
  },
  metric = {
    exact = SCORES, number = SCORES, contains = SCORES, f1 = SCORES, same = { "string", "string" },
    canonical_number = TEXT, truth = { "table", "string?" }, make = { gives = SCORES },
  },
  constraint = { for_media = { "constraints" }, broken = { "constraints", "string" } },
  schema = { strict = { "schema" }, validate = { "any", "schema" }, tidy = { "any", "schema" } },
  errors = { from_var = { "var" } },
  save = { "var", "string" },
  map = { "list", "callable", "table?" },
  default = { "table" }, ["json.array"] = { "unmarked?" },
  var = { "any", "string?" }, spawn = { "callable", "context?" },
}

--- A public function, or a module of them, of this name: its functions are guarded in place.
---@param name string below lg
---@param value function|table
function guard.of(name, value)
  local kinds = GUARDS[name]
  if kinds and type(value) == "function" then return guarded("lg." .. name, value, kinds) end
  for fn, each in pairs(kinds or {}) do
    value[fn] = guarded(("lg.%s.%s"):format(name, fn), value[fn], each)
  end
  return value
end

return guard
