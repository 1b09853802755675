--- Settings by name: what a variable like OPENAI_BASE_URL stands for, and who says so.
--
-- In this order: the environment; .env here and in the folders above, the nearest first; the
-- project's file (lunagrad.lua or .lunagrad/config.lua, likewise); the user's file
-- ($XDG_CONFIG_HOME/lunagrad/config.lua); for keys at last the user's key store (keys.json).
-- A file of settings is Lua that returns a table and is read as data: nothing is there that it
-- could call. Nothing here prints a value. Used by model.lua, settings.lua and the commands.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local file = require "lunagrad.file"

local config = {}

local UP = 8                    -- folders up is far enough
local MOST_STEPS = 100000       -- of a file of settings, in the Lua machine's instructions
local MOST_KB = 8 * 1024        -- of memory that it may take
local MOST_BYTES = 1024 * 1024  -- of a file

-- What names a file or a folder: relative to the file that says it.
local PATHS = { SSL_CERT_FILE = true, SSL_CERT_DIR = true, CURL_CA_BUNDLE = true,
  LUNAGRAD_HOME = true, LUNAGRAD_RUN_PRICES = true }

local function read(path)
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local text = handle:read(MOST_BYTES)
  handle:close()
  return text -- nil: a folder
end

local function folder_of(path) return path:match "^(.*/)[^/]*$" or "" end

-- The value as whoever asks can use it.
local function placed(name, value, path)
  if PATHS[name] and not value:find "^/" and value ~= "" then return folder_of(path) .. value end
  return value
end

-- ---- .env ------------------------------------------------------------------------

-- Quotes around it and a comment behind it are no part of a value.
local function bare(value)
  local _, inside, rest = value:match "^([\"'])(.-)%1(.*)$"
  if inside and (rest == "" or rest:find "^%s+#") then return inside end
  return (value:gsub("%s+#.*$", ""))
end

local function read_dotenv(path, text)
  local values, ignored, number = {}, {}, 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local name, value = line:gsub("^%s*export%s+", ""):match "^%s*([%a_][%w_]*)%s*=%s*(.-)%s*$"
    if name and values[name] == nil then
      values[name] = placed(name, bare(value), path)
    elseif not name and line:find "^%s*[^#%s]" then
      ignored[#ignored + 1] = "line " .. number -- and not what it says: it may hold a key
    end
  end
  return { path = path, kind = ".env", values = values, ignored = ignored }
end

-- ---- files of settings -----------------------------------------------------------

-- Texts have methods through their metatable, and those never end when they are asked so.
local function without_methods(fn, ...)
  local meta = getmetatable ""
  local methods = meta.__index
  meta.__index = nil
  local ok, result = pcall(fn, ...)
  meta.__index = methods
  return ok, result
end

-- The chunk's table; raises a text. Counted: it may neither run long nor grow large.
local function run_as_data(chunk)
  local steps, before = 0, collectgarbage "count"
  local thread = coroutine.create(chunk)
  debug.sethook(thread, function()
    steps = steps + 1
    if steps > MOST_STEPS then error("it runs too long for a list of settings", 0) end
    if collectgarbage "count" - before > MOST_KB then
      error("it takes too much memory for a list of settings", 0)
    end
  end, "", 1)
  local ok, result = coroutine.resume(thread)
  if not ok then error(result, 0) end
  if coroutine.status(thread) ~= "dead" or type(result) ~= "table" then
    error("it must return a table: return { OPENAI_BASE_URL = \"…\" }", 0)
  end
  return result
end

local function as_text(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return ("%.14g"):format(value) end
  if kind == "boolean" then return value and "1" or "0" end
end

-- run = { max_cost = 2, model = { "a/x", "judge=b/y" } } → LUNAGRAD_RUN_MAX_COST, …
local function take_run(found, options)
  for name, value in next, options do
    local text = as_text(value)
    if type(value) == "table" then
      local parts = {}
      for i = 1, rawlen(value) do parts[i] = as_text(rawget(value, i)) or "" end
      text = table.concat(parts, "; ")
    end
    if type(name) == "string" and name:find "^[%l_]+$" and text then
      found.values[config.run_name(name)] = text
    else
      found.ignored[#found.ignored + 1] = "run." .. tostring(name)
    end
  end
end

local function read_settings(path, text, kind)
  local found = { path = path, kind = kind, values = {}, ignored = {} }
  local chunk, problem = load(text, "@" .. path, "t", {})
  local ok, result = chunk ~= nil, problem
  if chunk then ok, result = without_methods(run_as_data, chunk) end
  if not ok then
    found.problem = tostring(result):gsub("^" .. path:gsub("%p", "%%%0") .. ":", "line ")
    return found
  end
  for name, value in next, result do
    local said = type(name) == "string" and name:find "^[%a_][%w_]*$" and as_text(value)
    if name == "run" and type(value) == "table" then
      take_run(found, value)
    elseif said and name == name:upper() then
      found.values[name] = said
    else
      found.ignored[#found.ignored + 1] = tostring(name)
    end
  end
  for name, value in pairs(found.values) do found.values[name] = placed(name, value, path) end
  table.sort(found.ignored)
  return found
end

-- ---- where they are --------------------------------------------------------------

local function from_env(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local function user_folder(variable, below)
  local base = from_env(variable)
  if base and base:find "^/" then return base .. "/lunagrad" end
  local home = from_env "HOME"
  return home and home .. below .. "/lunagrad"
end

--- The user's file of settings; nil without a home.
---@return string|nil
function config.user_path()
  local folder = user_folder("XDG_CONFIG_HOME", "/.config")
  return folder and folder .. "/config.lua"
end

--- The user's key store; nil without a home.
---@return string|nil
function config.keys_path()
  local folder = user_folder("XDG_DATA_HOME", "/.local/share")
  return folder and folder .. "/keys.json"
end

--- Where what was typed at the prompt is kept: in LUNAGRAD_HOME, or the user's folder of states;
--- nil without a home.
---@return string|nil
function config.history_path()
  local folder = from_env "LUNAGRAD_HOME" or user_folder("XDG_STATE_HOME", "/.local/state")
  return folder and folder .. "/history"
end

local function add_above(list, name, kind, reader)
  for up = 0, UP do
    local path = ("../"):rep(up) .. name
    local text = read(path)
    if text then list[#list + 1] = reader(path, text, kind) end
  end
end

local function add_projects(list)
  for up = 0, UP do
    for _, name in ipairs { "lunagrad.lua", ".lunagrad/config.lua" } do
      local path = ("../"):rep(up) .. name
      local text = read(path)
      if text then list[#list + 1] = read_settings(path, text, "project") end
    end
  end
end

local the_files

--- The files that were found, the first to be asked before the others.
---@return table list of {path, kind = ".env", "project" or "user", values, ignored, problem}
function config.files()
  if the_files then return the_files end
  local list = {}
  add_above(list, ".env", ".env", read_dotenv)
  add_projects(list)
  local path = config.user_path()
  local text = path and read(path)
  if text then list[#list + 1] = read_settings(path, text, "user") end
  the_files = list
  return list
end

-- ---- the key store ---------------------------------------------------------------

--- Whether this is a name that a key may have.
function config.is_key_name(name)
  return name:find "^[%u][%u%d_]*$" ~= nil and (name:find "KEY$" or name:find "TOKEN$") ~= nil
end

local the_keys

--- The key store: its path, the keys by name, and why it is not used, if so.
---@return {path: string|nil, values: table<string, string>, problem: string|nil, mend: string|nil}
function config.keys()
  if the_keys then return the_keys end
  local path = config.keys_path()
  the_keys = { path = path, values = {} }
  local stat = path and file.stat(path)
  if not stat then return the_keys end
  local ok, values = pcall(core.json_decode, read(path) or "")
  if ok and type(values) == "table" then
    for name, value in pairs(values) do
      if type(name) == "string" and type(value) == "string" then
        the_keys.values[name] = value
      end
    end
  else
    the_keys.problem = "it is no JSON object of keys"
    the_keys.mend = "mend it, or remove it and use lunagrad keys set again"
  end
  if stat.mode & 63 ~= 0 then
    the_keys.problem = ("others may read or write it (mode %04o)"):format(stat.mode)
    the_keys.mend = "chmod 600 " .. path
  elseif not stat.own then
    the_keys.problem, the_keys.mend = "it is another user's", "make it yours: chown"
  end
  return the_keys
end

local function stored_key(name)
  if not config.is_key_name(name) then return nil end
  local keys = config.keys()
  local value = keys.values[name]
  if value and keys.problem then
    errors.raise("auth", ("the key %s is in %s, which is not used: %s")
      :format(name, keys.path, keys.problem), keys.mend, 0)
  end
  return value, value and keys.path
end

-- ---- asking ----------------------------------------------------------------------

local function check(found)
  if found.problem then
    errors.raise("inval", ("%s: %s"):format(found.path, found.problem),
      "mend it or take it away: lunagrad help doctor says what it may hold", 0)
  end
end

--- Raise what is wrong with a file of settings that cannot be read.
function config.check()
  for _, found in ipairs(config.files()) do check(found) end
end

--- A setting's value and where it is from: "environment", or a file's path. An empty value is as
--- good as none.
---@param name string
---@return string|nil value, string|nil source
function config.lookup(name)
  local value = from_env(name)
  if value then return value, "environment" end
  for _, found in ipairs(config.files()) do
    check(found)
    value = found.values[name]
    if value and value ~= "" then return value, found.path end
  end
  return stored_key(name)
end

--- A setting's value alone.
---@param name string
---@return string|nil
function config.get(name) return (config.lookup(name)) end

--- The variable that stands for an option of `lunagrad run`: "max-cost" → LUNAGRAD_RUN_MAX_COST.
---@param option string
function config.run_name(option)
  return "LUNAGRAD_RUN_" .. option:gsub("%-", "_"):upper()
end

--- Look again: files may have changed.
function config.forget() the_files, the_keys = nil, nil end

return config
