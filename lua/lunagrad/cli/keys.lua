--- `lunagrad keys`: the user's key store, a file that only the user can read.
--
-- A key is never an argument (the list of processes and the shell's history would have it) and is
-- never printed.

local args = require "lunagrad.cli.args"
local config = require "lunagrad.config"
local core = require "lunagrad.core"
local file = require "lunagrad.file"
local providers = require "lunagrad.providers"
local term = require "lunagrad.term"

local keys = {}

local HELP = [[
usage: lunagrad keys set NAME [--from-env VARIABLE]
       lunagrad keys list [--json]
       lunagrad keys path
       lunagrad keys remove NAME

Keys of servers in a file that only you can read. NAME is a provider (openai) or the variable that
the key stands for (OPENAI_API_KEY). set reads the key from the terminal without showing it, or one
line from standard input in a pipe; it is never an argument, since other users see those. A key in
the environment, in .env or in a file of settings comes before the stored one.

  --from-env VARIABLE  store what this variable holds
  --json               of list: a JSON line for each key
  --env-file FILE      of list: read this instead of .env
  --config FILE        of list: read this instead of lunagrad.lua

examples:
  lunagrad keys set openai
  pass show openai | lunagrad keys set openai
  lunagrad keys list
]]

keys.spec = { name = "keys", options = {
  { names = { "--from-env" }, key = "from_env", type = "word", what = "a variable's name" },
  { names = { "--json" }, key = "json", type = "flag" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }
args.add_files(keys.spec)

local WHAT = { "set", "list", "path", "remove" }

--- The text of `lunagrad help keys`.
function keys.help() return HELP end

-- ---- names -----------------------------------------------------------------------

-- The variable of a provider's key.
local function variable_of(name)
  if config.is_key_name(name) then return name end
  name = providers.server(name) -- its other APIs take the same key
  local row = providers.rows[name]
  if row and row.key == false and not row.keys then
    args.fail(("%s needs no key"):format(name))
  end
  if row or name:find "^%l[%l_-]*$" and #name <= 20 and not name:find "^%l%l%l?[-_]" then
    return row and row.keys and row.keys[1] or providers.env_name(name) .. "_API_KEY"
  end
  -- What was given may be the key itself: it is not said again.
  args.fail("that is neither a provider nor a variable's name like OPENAI_API_KEY",
    "lunagrad keys set openai asks for the key; if that was a key, your shell's history and the "
      .. "list of processes had it: replace it at the provider")
end

-- Whose key it is, for people.
local function provider_of(variable)
  local found = {}
  for name, row in pairs(providers.rows) do
    local names = row.keys or { providers.env_name(name) .. "_API_KEY" }
    for _, key in ipairs(names) do
      if key == variable then found[#found + 1] = name end
    end
    if row.token == variable then found[#found + 1] = name end
  end
  table.sort(found)
  return found[1] or variable:match "^(.*)_API_KEY$" and variable:match("^(.*)_API_KEY$"):lower()
end

-- ---- the file --------------------------------------------------------------------

local function path_of()
  local path = config.keys_path()
  if not path then args.fail("there is no home to keep keys in", "set HOME or XDG_DATA_HOME") end
  return path
end

-- A store that others can read is not used and not changed before that is mended.
local function sound_store()
  local path, store = path_of(), config.keys()
  if store.problem then
    require("lunagrad.errors").raise("auth", ("%s is not used: %s"):format(path, store.problem),
      store.mend, 0)
  end
  return path, store.values
end

local function save(path, values)
  local names, lines = {}, {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    lines[i] = ("  %s: %s"):format(core.json_encode(name), core.json_encode(values[name]))
  end
  local text = #lines == 0 and "{}\n" or "{\n" .. table.concat(lines, ",\n") .. "\n}\n"
  local ok, problem = file.write(path, text, true)
  if not ok then require("lunagrad.errors").raise("system", problem, nil, 0) end
end

-- ---- set -------------------------------------------------------------------------

local function read_key(name, options)
  if options.from_env then
    local key = os.getenv(options.from_env)
    if not key or key == "" then args.fail(("%s is not set"):format(options.from_env)) end
    return key
  end
  if term.isatty(0) then
    term.catch_signals() -- Ctrl-C ends the reading, and the terminal shows what is typed again
    return term.read_hidden(("Key for %s (not shown): "):format(name))
  end
  return io.read "l"
end

local function checked(key)
  key = key and key:match "^%s*(.-)%s*$" or ""
  if key == "" then args.fail("no key was given: nothing is stored") end
  if key:find "[%s%c\128-\255]" then
    args.fail("that is no key: it holds blanks or characters that no key has")
  end
  return key
end

local function set(options)
  local name = options.rest[2]
  if not name then args.fail("keys set: whose?", "lunagrad keys set openai") end
  local variable = variable_of(name)
  if options.rest[3] then
    args.fail("keys set takes no key as an argument: the list of processes and your shell's "
      .. "history show it to others", ("lunagrad keys set %s asks for it, or reads it from a pipe; "
      .. "replace the one you just typed"):format(name))
  end
  local path, values = sound_store()
  values[variable] = checked(read_key(variable, options))
  save(path, values)
  io.stderr:write(("lunagrad: %s is kept in %s\n"):format(variable, path))
  local from = os.getenv(variable)
  if from and from ~= "" then
    io.stderr:write(("  %s is also in the environment, which comes first\n"):format(variable))
  end
  return 0
end

local function remove(options)
  local name = options.rest[2]
  if not name or options.rest[3] then
    args.fail("keys remove: which?", "lunagrad keys remove openai")
  end
  local variable = variable_of(name)
  local path, values = sound_store()
  if not values[variable] then
    local known = {}
    for key in pairs(values) do known[#known + 1] = key end
    table.sort(known)
    args.fail(("%s is not in %s"):format(variable, path),
      args.did_you_mean(variable, known, "lunagrad keys list shows what is"))
  end
  values[variable] = nil
  save(path, values)
  io.stderr:write(("lunagrad: %s is removed from %s\n"):format(variable, path))
  return 0
end

-- ---- list ------------------------------------------------------------------------

-- Every key that could be used, by name: those of the rows, and those that are stored.
local function candidates()
  local set_of = {}
  for name in pairs(config.keys().values) do set_of[name] = true end
  for name, row in pairs(providers.rows) do
    if row.key ~= false then
      for _, key in ipairs(row.keys or { providers.env_name(name) .. "_API_KEY" }) do
        set_of[key] = true
      end
    end
    if row.token then set_of[row.token] = true end
  end
  local list = {}
  for name in pairs(set_of) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function found_keys()
  local list = {}
  config.check()
  for _, name in ipairs(candidates()) do
    local ok, value, source = pcall(config.lookup, name)
    if not ok then
      list[#list + 1] = { name = name, provider = provider_of(name), from = config.keys_path(),
        problem = config.keys().problem or tostring(value) }
    elseif value then
      list[#list + 1] = { name = name, provider = provider_of(name), from = source }
    end
  end
  local store = config.keys()
  return { list = setmetatable(list, core.array), problem = store.problem, mend = store.mend }
end

local function list_keys(options)
  local found = require("lunagrad.cli.servers").apart(found_keys)
  local list = found.list
  local rows = { { "name", "provider", "from" } }
  for _, one in ipairs(list) do
    if options.json then io.stdout:write(core.json_encode(one), "\n") end
    rows[#rows + 1] = { one.name, one.provider,
      one.problem and ("%s, not used: %s"):format(one.from, one.problem) or one.from }
  end
  if #list > 0 and not options.json then
    for _, line in ipairs(require("lunagrad.cli.table").lines(rows, "lll")) do
      io.stdout:write(line, "\n")
    end
  elseif not options.json then
    io.stdout:write "no keys\n"
  end
  if not found.problem then return 0 end
  io.stderr:write(("lunagrad: the key store %s is not used: %s\n  hint: %s\n"):format(path_of(),
    found.problem, found.mend))
  return 1
end

-- ---- the command -----------------------------------------------------------------

--- Run the command.
---@return integer exit code
function keys.main(argv, first)
  local options = args.parse(keys.spec, argv, first)
  args.use_files(options)
  local what = options.rest[1]
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if what == nil then args.fail("keys: what?", "lunagrad keys set openai, or keys list") end
  if what == "set" then return set(options) end
  if what == "remove" then return remove(options) end
  if what == "list" then return list_keys(options) end
  if what == "path" then
    io.stdout:write(path_of(), "\n")
    return 0
  end
  args.fail("keys does not know that word", args.did_you_mean(what, WHAT,
    "one of " .. table.concat(WHAT, ", ")))
end

return keys
