--- Error objects: what a script catches when something of this library fails.
--
-- A table { kind, message, hint, where, retryable, request_id, http_status } that
-- prints as "where: message (hint)". The binding in C raises the same objects for
-- misuse. `kind` is a short name for programs ("timeout", "inval"), `where` the
-- line of the script, if a line is to blame. What a program may want to know of it is a
-- field, too (`cause`, `field`): nobody looks for it in the words.

local core = require "lunagrad.core"

local errors = {}

local Error = core.error_metatable
Error.__index = Error

--- An error object, not raised.
---@param kind string
---@param message string
---@param hint? string what to do about it
---@return lunagrad.error
local function new(kind, message, hint)
  return setmetatable({ kind = kind, message = message, hint = hint }, Error)
end
errors.new = new

local QUOTED = 60   -- bytes of a value that are shown
local LONGEST = 1000 -- of a message: whatever a script gives, it is no page

local function escape(c) return ("\\x%02x"):format(c:byte()) end
local function escape_wide(c) return ("\\u{%x}"):format(utf8.codepoint(c)) end

-- Control characters, those of direction and bytes that are no UTF-8, so that they can be seen.
local function visible(text)
  if not text:find "[^\n\t\32-\126]" then return text end
  text = text:gsub("[\0-\8\11-\31\127]", escape)
  if core.clean(text) == text then return text end
  local parts, i = {}, 1
  while i <= #text do
    local bad = select(2, utf8.len(text, i))
    parts[#parts + 1] = text:sub(i, bad and bad - 1 or #text)
    if bad then parts[#parts + 1] = escape(text:sub(bad, bad)) end
    i = (bad or #text) + 1
  end
  return (table.concat(parts):gsub("[\xC2\xD8\xE2][\x80-\xBF]+", function(c)
    return utf8.len(c) == 1 and core.clean(c) ~= c and escape_wide(c) or nil
  end))
end

-- As much of a text as fits, not cut within a character.
local function head(text, most)
  if #text <= most then return text end
  while most > 0 and text:byte(most + 1) & 0xC0 == 0x80 do most = most - 1 end
  return text:sub(1, most)
end

--- A text as it is quoted in a message: its first 60 bytes, with escapes for what cannot be seen.
---@param text string
---@return string
function errors.quoted(text)
  local first = head(text, QUOTED)
  local quoted = '"' .. visible(first):gsub('"', '\\"'):gsub("\n", "\\n"):gsub("\t", "\\t") .. '"'
  if #first == #text then return quoted end
  return ("%s… (%d bytes)"):format(quoted, #text)
end

-- A message or hint that quotes more than anybody reads, or what a terminal would obey.
local function readable(text)
  if type(text) ~= "string" then return text end
  if #text > 2 * LONGEST then
    text = head(text, LONGEST) .. " … " .. text:sub(-LONGEST):gsub("^[\x80-\xBF]+", "")
  end
  text = visible(text)
  if #text <= LONGEST then return text end
  return head(text, LONGEST * 2 // 3) .. " … "
    .. text:sub(-(LONGEST // 3)):gsub("^[\x80-\xBF]+", "")
end

--- Raises an error object.
---
--- level says whose line is to blame, as in `error`: 1 (the default) who calls this, 2 who called
--- that, 0 nobody's. Lines of the library itself are passed over.
---@param kind string
---@param message string
---@param hint? string
---@param level? integer
---@param cause? string the message without the names of variables, where it has some
---@param field? string what of the arguments it is about, as the script names it
function errors.raise(kind, message, hint, level, cause, field)
  local object = new(kind, readable(message), readable(hint))
  object.cause, object.field = cause, field
  level = level or 1
  if level > 0 then object.where = core.where(level + 1) end
  error(object, 0)
end

--- Raises what is wrong with one argument, kind "inval": `field` is its name for programs.
---@param field string
---@param message string
---@param hint? string
---@param level? integer as in errors.raise
function errors.refuse(field, message, hint, level)
  level = math.tointeger(level) or 1
  if level < 0 or level > 100 then level = 1 end
  errors.raise("inval", message, hint, level + 1, nil, field)
end

--- The error object of a variable that failed or was cancelled; nil for others.
---@param v lunagrad.var
---@return lunagrad.error|nil
function errors.from_var(v)
  local object = core.var_methods.error(v)
  return object and setmetatable(object, Error)
end

--- Whether a caught value is an error object.
function errors.is(x)
  return type(x) == "table" and getmetatable(x) == Error
end

-- Nothing more is bought: the user's interrupt, a limit of the run, a store that fails, or a call
-- that must not be bought twice.
local STOPS = { cancelled = true, cap = true, store = true, ambiguous = true }

--- Why nothing more can be bought, "cancelled", "cap", "store" or "ambiguous", if a caught value
--- says so; nil for errors of one call or row, which a loop may survive.
---@param x any
---@return string|nil
function errors.stops(x)
  if not errors.is(x) then return nil end
  local kind = x.cause_kind or x.kind
  return STOPS[kind] and kind or nil
end

local MOST_WORDS = 60 -- of a table that was raised and has no message, in tokens

local ADDRESS = "0x%x%x%x%x" -- as tostring tells what has no words of its own

local NOTHING = "<no error object>" -- what Lua 5.5 makes of error(nil)

--- What was raised, in words that are the same in every run: an address is none of them.
---@param x any
---@return string
function errors.words(x)
  if x == NOTHING then x = nil end
  if type(x) == "string" then return x end
  local fine, text = pcall(function()
    local meta = getmetatable(x)
    if type(x) ~= "table" or type(meta) == "table" and meta.__tostring then
      local said = tostring(x)
      return not said:find(ADDRESS) and said or nil
    end
    if x.message ~= nil then return errors.words(x.message) end
    return next(x) ~= nil and core.trim(core.json_encode(x), MOST_WORDS) or nil
  end)
  return fine and text or ("a %s without a message"):format(type(x))
end

--- Anything that was raised as an error object; what is no object becomes one of kind "script".
---@param x any
---@return lunagrad.error
function errors.wrap(x)
  if errors.is(x) then return x end
  return new("script", errors.words(x))
end

return errors
