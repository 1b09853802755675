--- What goes to a terminal, by whatever road: cleaned of what it would obey.
--
-- The method `write` of all files is replaced: a file that is a terminal gets clean text, any
-- other gets its bytes as they are. The library's own display writes by output.raw. Where a script
-- runs, standard output and error are taken over: they keep out of the way of the live block.
-- What it is not: a wall. What other programs print is theirs.

local term = require "lunagrad.term"

local output = {}

local methods = getmetatable(io.stdout).__index
local write = methods.write -- Lua's own

local clean -- loaded when there is something to clean
local is_terminal = setmetatable({}, { __mode = "k" }) -- file → boolean
local taken = {}                                      -- file → function(text)

--- Text as a terminal may have it.
---@param text string
---@return string
function output.clean(text)
  if not text:find "[^\n\t\32-\126]" then return text end
  clean = clean or require("lunagrad.core").clean
  return clean(text)
end

-- Where a character begins that the text ends within; nil: it ends with a whole one.
local function cut_at(text)
  local at = text:find("[\xC2-\xF4][\x80-\xBF]*$", -3)
  if not at then return nil end
  local lead = text:byte(at)
  local whole = lead < 0xE0 and 2 or lead < 0xF0 and 3 or 4
  return #text - at + 1 < whole and at or nil
end

--- The same for a text that comes in pieces, which may cut characters: such a one waits for what
--- follows.
---@return fun(piece: string): string
function output.cleaner()
  local begun = ""
  return function(piece)
    local text = begun .. piece
    local at = cut_at(text)
    begun = at and text:sub(at) or ""
    return output.clean(at and text:sub(1, at - 1) or text)
  end
end

--- A stream's own `write` and `flush`, for what must reach the terminal as it is.
---@param stream file*
---@return table
function output.raw(stream)
  return {
    write = function(_, ...) return write(stream, ...) end,
    flush = function() return stream:flush() end,
  }
end

-- A variable of the graph, told without loading the library for it.
local function is_var(value)
  local core = package.loaded["lunagrad.core"]
  return type(value) == "userdata" and core ~= nil and getmetatable(value) == core.var_metatable
end

--- tostring that may wait: __tostring is called from C and cannot.
---@param value any
---@return string
function output.to_text(value)
  if is_var(value) then return value:shown() end
  return tostring(value)
end

-- As Lua's own complains, and at the script's line.
local function check(file, ...)
  local state = io.type(file)
  if state ~= "file" then
    error(state and "attempt to use a closed file"
      or ("bad argument #1 to 'write' (FILE* expected, got %s)"):format(type(file)), 3)
  end
  for i = 1, select("#", ...) do
    local part = select(i, ...)
    if type(part) ~= "string" and type(part) ~= "number" and not (taken[file] and is_var(part)) then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, type(part)), 3)
    end
  end
end

local function joined(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = output.to_text(parts[i]) end
  return table.concat(parts, "", 1, parts.n)
end

local function write_clean(file, ...)
  check(file, ...)
  local take = taken[file]
  if take then
    local text = joined(...)
    return take(text)
  end
  if is_terminal[file] == nil then is_terminal[file] = term.is_terminal(file) end
  if not is_terminal[file] then return write(file, ...) end
  return write(file, output.clean(joined(...)))
end

--- From now on all files that are terminals are written to clean.
function output.guard() methods.write = write_clean end

--- What is written to a file from now on goes through take(text), which returns what write does.
---@param file file*
---@param take fun(text: string): any, ...
function output.take(file, take) taken[file] = take end

return output
