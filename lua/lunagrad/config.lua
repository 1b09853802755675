--- Settings by name: what a variable like OPENAI_BASE_URL stands for, and who says so.
--
-- In this order: files that the user named (--env-file, --config); the environment; .env here and
-- in the folders above, the nearest first; the project's file (lunagrad.lua or
-- .lunagrad/config.lua, likewise); the user's file ($XDG_CONFIG_HOME/lunagrad/config.lua); for
-- keys at last the user's key store (keys.json). Which of them count is trust.lua's.
-- A file of settings is Lua that returns a table and is read as data: nothing is there that it
-- could call. Nothing here prints a value. Used by model.lua, settings.lua and the commands.

local core = require "lunagrad.core"
local dotenv = require "lunagrad.dotenv"
local errors = require "lunagrad.errors"
local trust = require "lunagrad.trust"

local config = {}

local MOST_STEPS = 100000       -- of a file of settings, in the Lua machine's instructions
local MOST_KB = 1024            -- of memory that it may take; one instruction can join 250 such

-- What names a file or a folder: relative to the file that says it.
local PATHS = { SSL_CERT_FILE = true, SSL_CERT_DIR = true, CURL_CA_BUNDLE = true,
  LUNAGRAD_HOME = true, LUNAGRAD_RUN_PRICES = true }

local function folder_of(path) return path:match "^(.*/)[^/]*$" or "" end

-- The value as whoever asks can use it.
local function placed(name, value, path)
  if PATHS[name] and not value:find "^/" and value ~= "" then return folder_of(path) .. value end
  return value
end

local function read_dotenv(found, text)
  local read, problem = dotenv.read(text)
  if not read then
    found.problem = problem
    return
  end
  found.values, found.lines, found.ignored = read.values, read.lines, read.ignored
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

local function read_settings(found, text)
  local path = found.path
  if text == "" then return end -- it only marks the project's root, or is /dev/null
  local chunk, problem = load(text:gsub("^\xEF\xBB\xBF", ""), "@" .. path, "t", {})
  local ok, result = chunk ~= nil, problem
  if chunk then ok, result = without_methods(run_as_data, chunk) end
  if not ok then
    found.problem = tostring(result):gsub("^" .. path:gsub("%p", "%%%0") .. ":", "line ")
    return
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
  table.sort(found.ignored)
end

-- ---- where they are --------------------------------------------------------------

local function from_env(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

local function user_folder(variable, below)
  local base = from_env(variable)
  if base and base:find "^/" then return base .. "/lunagrad" end
  local home = trust.home()
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

-- What a file says, as far as it may: text is nil when it could not be read, as problem says.
local function take(path, kind, level, text, problem)
  local found = { path = path, kind = kind, level = level, values = {}, lines = {}, ignored = {},
    denied = {}, problem = problem }
  if text then
    local reader = kind == ".env" and read_dotenv or read_settings
    reader(found, text)
  end
  for name, value in pairs(found.values) do
    if trust.may_say(name, value, level) then
      found.values[name] = placed(name, value, path)
    else
      found.values[name] = nil
      found.denied[#found.denied + 1] = name
    end
  end
  table.sort(found.denied)
  return found
end

local the_files, the_passed, named

local function add_found(path, kind, level)
  local text, why, open = trust.read(path)
  if text then
    the_files[#the_files + 1] = take(path, kind, level, text)
  elseif why then
    the_passed[#the_passed + 1] = { path = path, kind = kind, why = why, open = open }
  end
end

-- A file that the user names counts before the environment, and in place of those of its kind that
-- would be looked for.
local function add_named(path, kind)
  if not path then return false end
  local found = take(path, kind, "user", trust.read_named(path))
  found.named = true
  the_files[#the_files + 1] = found
  return true
end

local function find_files()
  the_files, the_passed = {}, {}
  local folders = trust.folders()
  named = named or {}
  local has_env = add_named(named.env_file or from_env "LUNAGRAD_ENV_FILE", ".env")
  local has_config = add_named(named.config or from_env "LUNAGRAD_CONFIG", "project")
  for _, folder in ipairs(has_env and {} or folders) do
    add_found(folder.prefix .. ".env", ".env", folder.level)
  end
  for _, folder in ipairs(has_config and {} or folders) do
    add_found(folder.prefix .. "lunagrad.lua", "project", folder.level)
    add_found(folder.prefix .. ".lunagrad/config.lua", "project", folder.level)
  end
  local path = config.user_path()
  if path then add_found(path, "user", "user") end
end

--- Name files outright: they count instead of those of their kind that would be looked for.
---@param files {env_file: string|nil, config: string|nil}
function config.name(files)
  config.forget()
  named = files
end

--- The files that were found, the first to be asked before the others.
---@return table list of {path, kind = ".env", "project" or "user", level = "user" or "project",
--- values, lines, ignored, denied = names that it may not say, named, problem}
function config.files()
  if not the_files then find_files() end
  return the_files
end

--- The files that do not count, and why.
---@return {path: string, kind: string, why: string, open: string|nil}[] open: what others may write
function config.passed_over()
  if not the_files then find_files() end
  return the_passed
end

local function chmod_of(one)
  return one.open and ("chmod go-w %s, or "):format(one.open == "./" and "." or one.open) or ""
end

--- What mends that a file is passed over.
---@param one table of config.passed_over
function config.mend_of(one)
  if one.kind == "user" then return "make it a file of yours that nobody else can write" end
  return ("%sname it yourself, if it is right: %s %s"):format(chmod_of(one),
    one.kind == ".env" and "--env-file" or "--config", one.path)
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
  if not path then return the_keys end
  local text, stat = trust.read(path)
  if not text then
    the_keys.problem = stat
    the_keys.mend = stat and "make it a file of yours that nobody else can read or write"
    return the_keys
  end
  local ok, values = pcall(core.json_decode, text)
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
  if value then return value, keys.path, { name = keys.path, level = "user" } end
end

-- ---- asking ----------------------------------------------------------------------

local function check(found)
  if found.problem then
    errors.raise("inval", ("%s: %s"):format(found.path, found.problem), found.named
      and "it was named by --env-file or --config (LUNAGRAD_ENV_FILE, LUNAGRAD_CONFIG)"
      or "mend it or take it away: lunagrad help doctor says what it may hold", 0)
  end
end

--- Raise what is wrong with a file of settings that cannot be read.
function config.check()
  for _, found in ipairs(config.files()) do check(found) end
end

local function from_files(name, is_named)
  for _, found in ipairs(config.files()) do
    if (found.named or false) == is_named then
      check(found)
      local value = found.values[name]
      if value and value ~= "" then
        return value, found.path, { name = found.path, level = found.level,
          line = found.lines[name], option = found.kind == ".env" and "--env-file" or "--config" }
      end
    end
  end
end

--- A setting's value and where it is from: "environment", or a file's path. An empty value is as
--- good as none.
---@param name string
---@return string|nil value, string|nil source, lunagrad.place|nil place
function config.lookup(name)
  local value, source, place = from_files(name, true)
  if value then return value, source, place end
  value = from_env(name)
  if value then return value, "environment", trust.ENVIRONMENT end
  value, source, place = from_files(name, false)
  if value then return value, source, place end
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

-- ---- telling ---------------------------------------------------------------------

local told = {}

local function tell(text, mend)
  if told[text] then return end
  told[text] = true
  io.stderr:write("lunagrad: ", text, "\n", mend and "  hint: " .. mend .. "\n" or "")
end

--- How many settings a file holds.
function config.count(found)
  local n = 0
  for _ in pairs(found.values) do n = n + 1 end
  return ("%d setting%s"):format(n, n == 1 and "" or "s")
end

--- Say once what was read because the user named it, which files do not count, and what in the
--- others does not: a limit in them would not hold.
function config.tell()
  for _, one in ipairs(config.passed_over()) do
    tell(("%s is passed over: %s"):format(one.path, one.why), config.mend_of(one))
  end
  for _, found in ipairs(config.files()) do
    if found.named and not found.problem then
      tell(("%s is read: %s"):format(found.path, config.count(found)))
    end
    for _, name in ipairs(found.denied) do
      tell(config.denial(found, name), config.mend_of_denial(found))
    end
  end
end

--- Why a setting of a file does not count.
function config.denial(found, name)
  return ("%s: %s does not count in a project's file"):format(found.path, name)
end

--- What mends that.
function config.mend_of_denial(found)
  return ("put it into the environment, or name the file yourself, if it is right: %s %s")
    :format(found.kind == ".env" and "--env-file" or "--config", found.path)
end

--- Look again: files may have changed.
function config.forget() the_files, the_passed, the_keys = nil, nil, nil end

return config
