--- Constraints: what a new text must keep to, in words for the editor and in code for the check.
--
-- An object { text = words, check = function(text) → true | false, reason }.
-- The optimizer shows the words to the model and runs the checks on what comes
-- back. A plain string is a constraint in words only: no code checks it, a judge may
-- (lunagrad.improve.check). What is about texts (of_text: all that are made here but `new`) does not concern
-- pictures and sounds. Used by lunagrad.improve.tgd; never calls a model.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local layer = require "lunagrad.text"
local options = require "lunagrad.options"

local constraint = {}

local Constraint = {}
Constraint.__index = Constraint
Constraint.__name = "lunagrad.constraint"
function Constraint:__tostring() return self.text end

local VALUE = { { "value", "string" } }

local function make(text, check)
  check = check and options.checked("constraint.check", VALUE, check)
  return setmetatable({ text = text, check = check, of_text = check ~= nil }, Constraint)
end

local function of_any(text, check)
  return setmetatable({ text = text, check = check }, Constraint)
end

local function whole_number(name, n, least)
  local value = math.type(n) and math.tointeger(n)
  if not value or value < least then
    errors.raise("inval", ("constraint.%s: expected a whole number of at least %d, got %s")
      :format(name, least, tostring(n)), nil, 3)
  end
  return value
end

local function some_text(name, text)
  if type(text) ~= "string" or text == "" then
    errors.raise("inval", ("constraint.%s: expected a text"):format(name), nil, 3)
  end
  return text
end

--- A quotation that cannot be taken for the end of the sentence around it.
local function quote(text)
  return core.json_encode(text)
end

--- A constraint of your own. Of a picture or sound its function gets the bytes and their type
--- ("image/png"); of a text no type.
---@param text string what the editor is told
---@param check fun(value: string, media: string|nil): boolean, string|nil
function constraint.new(text, check)
  some_text("new", text)
  if type(check) ~= "function" then
    errors.raise("inval", "constraint.new: the second argument is the function that checks", nil, 2)
  end
  return of_any(text, check)
end

--- At most `n` words, counted as lg.text.count_words does: also where no blanks part them.
function constraint.max_words(n)
  n = whole_number("max_words", n, 1)
  return make(("at most %d words"):format(n), function(text)
    local words = layer.count_words(text)
    if words <= n then return true end
    return false, ("it has %d words, %d are allowed"):format(words, n)
  end)
end

--- At least `n` words, counted as lg.text.count_words does.
function constraint.min_words(n)
  n = whole_number("min_words", n, 1)
  return make(("at least %d words"):format(n), function(text)
    local words = layer.count_words(text)
    if words >= n then return true end
    return false, ("it has %d words, %d are needed"):format(words, n)
  end)
end

--- At most `n` characters (bytes, if the text is not UTF-8).
function constraint.max_chars(n)
  n = whole_number("max_chars", n, 1)
  return make(("at most %d characters"):format(n), function(text)
    local chars = utf8.len(text) or #text
    if chars <= n then return true end
    return false, ("it has %d characters, %d are allowed"):format(chars, n)
  end)
end

--- The exact text `part` must be kept, for example a placeholder.
function constraint.contains(part)
  some_text("contains", part)
  return make("contains exactly " .. quote(part), function(text)
    if text:find(part, 1, true) then return true end
    return false, "it does not contain " .. quote(part)
  end)
end

--- The exact text `part` must not appear.
function constraint.not_contains(part)
  some_text("not_contains", part)
  return make("does not contain " .. quote(part), function(text)
    if not text:find(part, 1, true) then return true end
    return false, "it contains " .. quote(part)
  end)
end

--- Matches a Lua pattern. `words` tell the editor what that means; give them.
---@param pattern string
---@param words string|nil
function constraint.matches(pattern, words)
  some_text("matches", pattern)
  local ok, problem = pcall(string.find, "", pattern)
  if not ok then
    errors.raise("inval", "constraint.matches: " .. tostring(problem), nil, 2)
  end
  words = words or "matches the Lua pattern " .. quote(pattern)
  return make(some_text("matches", words), function(text)
    if text:find(pattern) then return true end
    return false, "it is not so: " .. words
  end)
end

--- One of the given texts and nothing else (blanks around it do not count).
---@param list string[]
function constraint.one_of(list)
  if type(list) ~= "table" or #list == 0 then
    errors.raise("inval", "constraint.one_of: give a list of texts", nil, 2)
  end
  local known, names = {}, {}
  for i, option in ipairs(list) do
    known[extract.trim(some_text("one_of", option))] = true
    names[i] = quote(option)
  end
  local all = table.concat(names, ", ")
  return make("is exactly one of " .. all, function(text)
    if known[extract.trim(text)] then return true end
    return false, "it is none of " .. all
  end)
end

--- A Lua 5.4 chunk without a syntax error. It is compiled, as text only, and never run.
function constraint.lua_syntax()
  return make("is a complete Lua 5.4 program without syntax errors", function(text)
    local chunk, problem = load(text, "=text", "t", {})
    if chunk then return true end
    return false, "it does not compile: " .. tostring(problem)
  end)
end

--- A JSON value.
function constraint.json()
  return make("is one valid JSON value and nothing else", function(text)
    local value, problem = core.json_decode(text)
    if value ~= nil then return true end
    return false, "it is not valid JSON: " .. tostring(problem)
  end)
end

--- Anything people may write where a constraint is expected, as a constraint.
---@param value string|table
---@param where string for the message
function constraint.lift(value, where)
  if getmetatable(value) == Constraint then return value end
  if type(value) == "string" and value:find "%S" then return make(value, nil) end
  if type(value) == "table" and type(value.text) == "string"
    and (value.check == nil or type(value.check) == "function") then
    return of_any(value.text, value.check)
  end
  local hint = type(value) == "function"
    and "a function needs words too: lg.constraint.new(\"at most …\", fn)" or nil
  errors.raise("inval", ("%s: a constraint is a text or one of lg.constraint, got %s")
    :format(where, type(value)), hint, 3)
end

--- The constraints of a list that concern a value of this kind.
---@param list table[]
---@param media string|nil "image/png", …; nil: a text
function constraint.for_media(list, media)
  if not media then return list end
  local some = {}
  for _, one in ipairs(list) do
    if not one.of_text then some[#some + 1] = one end
  end
  return some
end

--- The constraints of a list that are words only, which no code checks.
---@param list table[]
---@return table[]
function constraint.worded(list)
  local some = {}
  for _, one in ipairs(list) do
    if not one.check then some[#some + 1] = one end
  end
  return some
end

--- The first constraint of a list that a value breaks, and why; nil when it keeps to all.
---@param list table[]
---@param value string a text, or the bytes of a picture or sound
---@param media string|nil "image/png", …; nil: a text
---@param param integer|nil which parameter it is for, where several are rewritten
---@return table|nil broken
---@return string|nil reason
function constraint.broken(list, value, media, param)
  for _, one in ipairs(constraint.for_media(list, media)) do
    if one.check then
      local ok, reason = one.check(value, media, param)
      if not ok then return one, tostring(reason or ("it is not so: " .. one.text)) end
    end
  end
  return nil
end

return options.closed(constraint, "lg.constraint")
