--- Options: one table, whose unknown keys are errors that suggest the right one.
--
-- A spec names the keys that may be given: { steps = "integer?", model = "string|table" }.
-- A type is what `type` says, or "integer", "any", "callable", "variable" (of the graph),
-- "constraints" (a list), "unmarked" (a table without a metatable, or a list of JSON's), or the
-- name of an object's kind with a point in it ("lunagrad.rng"); several joined by "|"; a "?" at
-- the end (or "nil" among them) lets the option be absent. The long form is a
-- table { type =, one_of = { … }, required = true, default = … }, where an option
-- may be absent unless it is required. Positional keys (1, 2, …) are named as such.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local options = {}

--- How many letters must be inserted, deleted, changed or swapped to make b of a.
---@param a string
---@param b string
---@return integer
function options.distance(a, b)
  local before, last, row = {}, {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    row[0] = i
    local x = a:byte(i)
    for j = 1, #b do
      local y = b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x == y and 0 or 1))
      if i > 1 and j > 1 and x == b:byte(j - 1) and a:byte(i - 1) == y then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last, row = last, row, before
  end
  return last[#b]
end

local LONGEST = 64

--- The nearest of the names, if one is near enough to be what was meant.
---@param name string
---@param names string[]
---@return string|nil
function options.nearest(name, names)
  local best, least = nil, nil
  if #name > LONGEST then return nil end
  for _, candidate in ipairs(names) do
    local d = options.distance(name:lower(), candidate:lower())
    local longer = math.max(#name, #candidate)
    local near = d <= math.max(1, longer // 3) and (d < longer or d == 0)
    if near and (not least or d < least) then best, least = candidate, d end
  end
  return best
end

--- "did you mean …?" for a name that none of the tables has as a key; nil when none is near.
---@param name string
---@param ... table
---@return string|nil
function options.suggest(name, ...)
  local names = {}
  for _, known in ipairs { ... } do
    for key in pairs(known) do
      if type(key) == "string" then names[#names + 1] = key end
    end
  end
  table.sort(names)
  local near = options.nearest(name, names)
  return near and ("did you mean %q?"):format(near)
end

local function is_callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

local split_types = {} -- "integer|string?" → { "integer", "string" }: few, and asked for often

local function split(types)
  local list = split_types[types]
  if not list then
    list = {}
    for name in types:gmatch "[^|?]+" do list[#list + 1] = name end
    split_types[types] = list
  end
  return list
end

local function is_constraint(value)
  if type(value) ~= "table" or type(value.text) ~= "string" then return false end
  return value.check == nil or is_callable(value.check)
end

local OF_A_KIND = {
  any = function() return true end,
  integer = function(value) return math.type(value) == "integer" end,
  callable = is_callable,
  variable = function(value)
    return type(value) == "userdata" and getmetatable(value) == core.var_metatable
  end,
  constraints = function(value)
    if type(value) ~= "table" then return false end
    for _, one in ipairs(value) do
      if not is_constraint(one) then return false end
    end
    return true
  end,
  unmarked = function(value)
    local meta = getmetatable(value)
    return type(value) == "table" and (meta == nil or rawequal(meta, core.array))
  end,
}

-- The name of an object's kind: "lunagrad.rng".
local function kind_of(value)
  local meta = getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or nil
end

local function fits(value, types)
  for _, name in ipairs(split(types)) do
    local is_one = OF_A_KIND[name]
    if type(value) == name or is_one and is_one(value) then return true end
    if name:find ".%.." and kind_of(value) == name then return true end
  end
  return false
end

local WORDS = { integer = "whole number", constraints = "list of constraints",
  unmarked = "table without a metatable" }

--- "integer|string?" for people.
local function in_words(types)
  local words = {}
  for _, name in ipairs(split(types)) do
    if name ~= "nil" then words[#words + 1] = WORDS[name] or name end
  end
  return table.concat(words, " or ")
end

local function shown(value)
  if type(value) == "string" then return errors.quoted(value) end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  if value == nil then return "nil" end
  return "a " .. (OF_A_KIND.variable(value) and "variable" or kind_of(value) or type(value))
end

local function is_one_of(value, list)
  for _, allowed in ipairs(list) do
    if value == allowed then return true end
  end
  return false
end

local function listed(list)
  local words = {}
  for i, value in ipairs(list) do words[i] = shown(value) end
  return table.concat(words, ", ")
end

--- The keys of a table, numbers first, each in their order.
local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
    if type(a) == type(b) then return tostring(a) < tostring(b) end
    return type(a) < type(b)
  end)
  return keys
end

local function names_of(spec)
  local names = {}
  for _, key in ipairs(sorted_keys(spec)) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  return names
end

local limits = setmetatable({}, { __mode = "k" }) -- spec of a call → { most, hint }

--- Let a spec take up to so many parts, at 1, 2, …; with more the error says so, and the hint.
---@param spec table<any, string|table>
---@param most integer
---@param hint string what to do with more
function options.parts(spec, most, hint)
  for i = 1, most do spec[i] = "any" end
  limits[spec] = { most = most, hint = hint }
end

--- How long a list is, holes and all: `#` may stop at a hole.
---@param list table
---@return integer
function options.length(list)
  local n = 0
  for key in next, list do
    if math.type(key) == "integer" and key > n then n = key end
  end
  return n
end

-- The field says which option it is: "steps", or "1" for what has no name.
local function refuse(key, message, hint, level)
  errors.refuse(tostring(key), message, hint, level + 1)
end

local function too_many(opts, limit, where, level)
  refuse(limit.most + 1, ("%s: at most %d parts can be given, there are %d"):format(where,
    limit.most, options.length(opts)), limit.hint, level + 1)
end

-- A part that is nil would end the list, and what stands behind it would be left out.
local function check_holes(opts, where, level)
  for i = 1, options.length(opts) do
    if opts[i] == nil then
      refuse(i, ("%s: part %d is nil"):format(where, i), nil, level + 1)
    end
  end
end

local function unknown(key, spec, where, level)
  local names = names_of(spec)
  local near = type(key) == "string" and options.nearest(key, names)
  local hint = near and ("did you mean %q?"):format(near)
    or #names > 0 and "possible are " .. table.concat(names, ", ") or nil
  local what = type(key) == "string" and ("unknown option %q"):format(key)
    or math.type(key) and ("unexpected value at position %s"):format(key)
    or ("unknown option %s"):format(tostring(key))
  refuse(key, ("%s: %s"):format(where, what), hint, level + 1)
end

local function named(key)
  return type(key) == "string" and key or ("argument %s"):format(key)
end

local optional_types = {} -- "integer?" → true: few, and asked for often

local function is_optional(types)
  local is = optional_types[types]
  if is == nil then
    is = types == "any" or types:sub(-1) == "?"
      or ("|" .. types .. "|"):find("|nil|", 1, true) ~= nil
    optional_types[types] = is
  end
  return is
end

--- A rule "type?" or { type =, one_of =, required = } in its parts.
local function parts_of(rule)
  if type(rule) == "table" then return rule.type or "any", not rule.required, rule.one_of end
  return rule, is_optional(rule)
end

local function is_good(value, rule)
  local types, optional, one_of = parts_of(rule)
  if value == nil then return optional end
  return fits(value, types) and (not one_of or is_one_of(value, one_of))
end

--- Raises what is wrong with one value that is not good.
local function complain(value, key, rule, where, level)
  local types, _, one_of = parts_of(rule)
  if value == nil then
    refuse(key, ("%s: %s is missing"):format(where, named(key)), nil, level + 1)
  elseif not fits(value, types) then
    refuse(key, ("%s: %s must be a %s, got %s"):format(where, named(key),
      in_words(types), shown(value)), nil, level + 1)
  end
  local near = type(value) == "string" and options.nearest(value, one_of)
  refuse(key, ("%s: %s must be one of %s, got %s"):format(where, named(key),
    listed(one_of), shown(value)), near and ("did you mean %q?"):format(near) or nil, level + 1)
end

--- Raises the first thing that is wrong, in the order of the keys: the same at every run.
local function report(opts, spec, where, level)
  for _, key in ipairs(sorted_keys(opts)) do
    local limit = spec[key] == nil and math.type(key) == "integer" and limits[spec]
    if limit and key > limit.most then too_many(opts, limit, where, level + 1) end
    if spec[key] == nil then unknown(key, spec, where, level + 1) end
  end
  for _, key in ipairs(sorted_keys(spec)) do
    if not is_good(opts[key], spec[key]) then
      complain(opts[key], key, spec[key], where, level + 1)
    end
  end
end

-- What stands in messages and prompts as a name ends where C's strings end.
local function check_names(opts, where, level)
  for _, key in ipairs { "role", "name", "purpose" } do
    if type(opts[key]) == "string" and opts[key]:find("\0", 1, true) then
      refuse(key, ("%s: %s holds a zero byte"):format(where, key), nil, level + 1)
    end
  end
end

local function has_default(rule)
  return type(rule) == "table" and rule.default ~= nil
end

local function with_defaults(opts, spec)
  local meta = getmetatable(opts) -- what a protected one shows instead may be anything
  local result = setmetatable({}, type(meta) == "table" and meta or nil)
  for key, rule in pairs(spec) do
    if has_default(rule) then result[key] = rule.default end
  end
  for key, value in pairs(opts) do result[key] = value end
  return result
end

--- Checks a table of options and returns it.
---
--- Raises an error object that names the option and says what is possible. With defaults in the
--- spec a copy comes back in which they are filled in.
---@param opts table|nil nil counts as an empty table
---@param spec table<any, string|table>
---@param where string what is being called, for the message: "lg.evaluate"
---@param level? integer whose line is to blame, from the caller's view; default 2, its caller
---@return table
function options.check(opts, spec, where, level)
  level = level or 2
  if opts == nil then opts = {} end
  if type(opts) ~= "table" then
    errors.raise("inval", ("%s: expected a table of options, got %s"):format(where, shown(opts)),
      nil, level + 1)
  end
  local good, defaults = true, false
  for key in pairs(opts) do good = good and spec[key] ~= nil end
  for key, rule in pairs(spec) do
    local use_default = opts[key] == nil and has_default(rule)
    defaults = defaults or use_default
    good = good and (use_default or is_good(opts[key], rule))
  end
  if defaults then opts = with_defaults(opts, spec) end
  if not good then report(opts, spec, where, level + 1) end
  if limits[spec] then check_holes(opts, where, level + 1) end
  check_names(opts, where, level + 1)
  return opts
end

--- For what takes its options beside the question, in one table: model("…", { temperature = 0 })
--- would drop them. A row, as losses get it in this place, is none of such tables.
---@param more any the second argument
---@param spec table<any, string|table>
---@param where string
---@param called string "model", for the hint
function options.check_second(more, spec, where, called)
  if type(more) ~= "table" or getmetatable(more) ~= nil then return end
  for _, key in ipairs(names_of(more)) do
    if spec[key] ~= nil or options.suggest(key, spec) then
      refuse(key, where .. ": options stand in one table with the question",
        ("%s{ question, %s = … }"):format(called, key), 3)
    end
  end
end

-- The first argument that is not what it should be.
local function complain_argument(where, rule, i, value)
  local types, _, one_of = parts_of(rule[2])
  local wanted = one_of and "one of " .. listed(one_of) or "a " .. in_words(types)
  local hint
  if i == 1 and where:find ":" then
    hint = ("call it with a colon: %s(…)"):format(where)
  end
  errors.raise("inval", ("%s: argument %d (%s) must be %s, got %s"):format(where,
    where:find ":" and i - 1 or i, rule[1], wanted, shown(value)), hint, 3, nil, rule[1])
end

--- Tells the binding what scripts call a function of it, for its own words about an argument.
---@param fn function any; Lua functions need none
---@param where string "lg.json.decode", "v:set_role"
function options.named(fn, where)
  if debug.getinfo(fn, "S").what == "C" then core.names[fn] = where end
end

local function with_checks(where, spec, fn)
  local rest = spec.rest
  return function(...)
    for i = 1, rest and math.max(#spec, select("#", ...)) or #spec do
      local value, rule = (select(i, ...)), spec[i] or rest
      if not is_good(value, rule[2]) then complain_argument(where, rule, i, value) end
    end
    return fn(...)
  end
end

--- fn, with its arguments checked first.
---
--- A spec is a list of { name, type }; what is behind them is not checked, unless there is `rest`,
--- the { name, type } of all further ones. `gives` is such a spec of the function that fn returns.
---@param where string what is being called: "lg.map", "v:set"
---@param spec table
---@param fn function
---@return function
function options.checked(where, spec, fn)
  options.named(fn, where)
  local checked = with_checks(where, spec, fn)
  if not spec.gives then return checked end
  return function(...) return with_checks(where .. "(…)", spec.gives, checked(...)) end
end

--- A module whose missing names are errors that suggest the right one.
---@param module table
---@param name string as scripts write it
---@param elsewhere? table<string, string> name → what does it instead, for names of other places
function options.closed(module, name, elsewhere)
  return setmetatable(module, { __index = function(_, key)
    local instead = elsewhere and elsewhere[key]
    errors.refuse(tostring(key), ("%s has no %q"):format(name, tostring(key)),
      instead or options.suggest(tostring(key), module), 2)
  end })
end

return options
