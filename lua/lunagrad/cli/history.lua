--- What was typed at the prompt, kept in a file for the user alone.
--
-- One entry a line, its own line ends written as "\n". What looks as if it held a key is not kept,
-- nor what begins with a blank. Without a home nothing is kept; a file that cannot be written is
-- said once and is no reason to stop. Used by cli.repl.

local config = require "lunagrad.config"
local file = require "lunagrad.file"

local history = {}

local MOST = 1000          -- entries that are read again
local LARGEST = 1024 * 1024 -- bytes of the file before the old ones are dropped

-- Names that stand before a key, and how keys of some servers begin.
local NAMES = { "api[_-]?key", "_key%f[^%w_]", "_token%f[^%w_]", "secret", "passw", "bearer",
  "authorization", "base_url.*@" }
local BEGINNINGS = { "%f[%w]sk%-%w", "%f[%w]xai%-%w", "%f[%w]gsk_%w", "%f[%w]aiza%w", "%f[%w]hf_%w",
  "%f[%w]r8_%w", "%f[%w]key%-%w", "%f[%w]pplx%-%w", "%f[%w]nvapi%-%w", "%f[%w]fw_%w",
  "%f[%w]tgp_%w", "%f[%w]ghp_%w", "%f[%w]eyj%w" }

--- Whether a text could hold a key. Wrong now and then, so that no key is ever kept.
---@param text string
function history.is_secret(text)
  text = text:lower()
  for _, list in ipairs { NAMES, BEGINNINGS } do
    for _, pattern in ipairs(list) do
      if text:find(pattern) then return true end
    end
  end
  for word in text:gmatch "[%w_%-]+" do -- long, of letters and digits: no word of a language
    if #word >= 32 and word:find "%d" and word:find "%a" then return true end
  end
  return false
end

local function encode(text)
  return (text:gsub("\\", "\\\\"):gsub("\n", "\\n"))
end

local function decode(row)
  return (row:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

local function read_rows(path)
  local rows = {}
  local handle = file.open(path)
  if not handle then return rows end
  local text = handle:read "a" or ""
  handle:close()
  for row in text:gmatch "[^\n]+" do rows[#rows + 1] = row end
  return table.move(rows, math.max(1, #rows - MOST + 1), #rows, 1, {})
end

---@class lunagrad.history
local methods = {}
methods.__index = methods

--- Read the file, and make one for the user alone if there is none.
---@param path string|nil
---@return lunagrad.history self, string|nil problem why nothing is kept
function history.open(path)
  path = path or config.history_path()
  local self = setmetatable({ entries = {} }, methods)
  if not path then return self end
  local rows = read_rows(path)
  for i, row in ipairs(rows) do self.entries[i] = decode(row) end
  local stat = file.stat(path)
  if stat and stat.kind ~= "file" then return self, path .. ": it is no file" end
  if not stat or stat.mode & 63 ~= 0 or stat.size > LARGEST then
    rows[#rows + 1] = ""
    local ok, problem = file.write(path, table.concat(rows, "\n"), true)
    if not ok then return self, problem end
  end
  self.path = path
  return self
end

--- Keep an entry, unless it is the last one again or may hold a key.
---@param text string
---@return boolean whether the arrow keys should find it
function methods:add(text)
  if not text:find "%S" or text:find "^%s" or text == self.entries[#self.entries] then
    return false
  end
  self.entries[#self.entries + 1] = text
  if not self.path or history.is_secret(text) or text:find "\0" then return true end
  local handle = io.open(self.path, "ab")
  if handle then
    handle:write(encode(text), "\n")
    handle:close()
  end
  return true
end

return history
