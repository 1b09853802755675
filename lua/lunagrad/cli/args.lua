--- Command lines: options by a table, positionals, "did you mean".
--
-- Reads nothing but its arguments (and hands two of them to config.lua), and raises usage errors
-- as tables { kind = "usage", message =, hint = }.

local args = {}

local usage_meta = { __tostring = function(e)
  return e.hint and ("%s (%s)"):format(e.message, e.hint) or e.message
end }

--- Raise a usage error.
---@param message string
---@param hint string|nil
function args.fail(message, hint)
  error(setmetatable({ kind = "usage", message = message, hint = hint }, usage_meta), 0)
end

--- Call it; what it raises is the command line's fault, or that of a file which the line stands on.
---@param fn function
function args.as_usage(fn, ...)
  local ok, problem = pcall(fn, ...)
  if ok then return end
  problem = require("lunagrad.errors").wrap(problem)
  args.fail(problem.message, problem.hint)
end

--- Is this value one of our usage errors?
function args.is_usage(err)
  return getmetatable(err) == usage_meta
end

--- The known word nearest to a mistyped or shortened one, or nil when none is near.
---@param word string
---@param known string[]
---@return string|nil
function args.suggest(word, known)
  for _, candidate in ipairs(known) do
    if #word >= 3 and candidate:sub(1, #word) == word then return candidate end
  end
  return require("lunagrad.options").nearest(word, known)
end

--- "did you mean X?" or the fallback.
function args.did_you_mean(word, known, fallback)
  local near = args.suggest(word, known)
  return near and ("did you mean %s?"):format(near) or fallback
end

-- Options that name files of settings, of every command that reads such.
local FILES = {
  { names = { "--env-file" }, key = "env_file", type = "word", what = "a file", places = true },
  { names = { "--config" }, key = "config", type = "word", what = "a file", places = true },
}

--- Their lines in a command's help.
args.FILES_HELP = [[
  --env-file FILE     read this instead of .env here and above, and before the environment
  --config FILE       read this instead of the project's lunagrad.lua, likewise
]]

--- Let a command have --env-file and --config.
---@param spec table of the command
function args.add_files(spec)
  for _, option in ipairs(FILES) do spec.options[#spec.options + 1] = option end
end

--- Read the files that the command line names, and none of their kind that would be looked for.
---@param options table of args.parse
function args.use_files(options)
  if options.env_file or options.config then
    require("lunagrad.config").name { env_file = options.env_file, config = options.config }
  end
end

local function option_names(spec)
  local names = {}
  for _, option in ipairs(spec.options) do
    for _, name in ipairs(option.names) do names[#names + 1] = name end
  end
  return names
end

local function find_option(spec, name)
  for _, option in ipairs(spec.options) do
    for _, known in ipairs(option.names) do
      if known == name then return option end
    end
  end
end

-- A number as people write it, within the option's bounds.
local function to_number(option, name, text)
  local value = tonumber(text)
  if value and option.type == "integer" then value = math.tointeger(value) end
  if not value or value ~= value or (option.min and value < option.min)
    or (option.max and value > option.max) then
    local what = option.type == "integer" and "a whole number" or "a number"
    if option.max then
      what = ("%s from %s to %s"):format(what, option.min or 0, option.max)
    elseif option.min then
      what = ("%s, at least %s"):format(what, option.min)
    end
    args.fail(("%s needs %s, not %q"):format(name, what, text))
  end
  return value
end

local function to_value(option, name, text)
  if option.type == "integer" or option.type == "number" then
    return to_number(option, name, text)
  end
  if option.values then
    for _, value in ipairs(option.values) do
      if value == text then return text end
    end
    args.fail(("%s does not know %q"):format(name, text),
      args.did_you_mean(text, option.values, "one of " .. table.concat(option.values, ", ")))
  end
  if text == "" and option.type ~= "text" then args.fail(name .. " needs a value") end
  return text
end

local function unknown_option(spec, name)
  args.fail(("unknown option %s"):format(name),
    args.did_you_mean(name, option_names(spec), ("lunagrad help %s lists them"):format(spec.name)))
end

-- "--name=value", "--name value", "-x value"; returns the next index to read.
local function read_option(spec, result, argv, i)
  local name, inline = argv[i]:match("^(%-%-[^=]+)=(.*)$")
  name = name or argv[i]
  local option = find_option(spec, name)
  if not option then unknown_option(spec, name) end
  if option.type == "flag" then
    if inline then args.fail(name .. " takes no value") end
    result[option.key] = true
    return i + 1
  end
  local text, after = inline, i + 1
  if not text then
    text, after = argv[i + 1], i + 2
    if not text then args.fail(("%s needs %s"):format(name, option.what or "a value")) end
  end
  local value = to_value(option, name, text)
  if option.list then
    local list = result[option.key] or {}
    list[#list + 1] = value
    result[option.key] = list
  else
    result[option.key] = value
  end
  return after
end

-- ---- words that are no options and look like one ------------------------------------

local SLIP_FROM = 5 -- letters of a name in which one slip makes no other word

-- Dashes that a page or an editor makes of "--".
local function without_dashes(word)
  local rest = word:gsub("^\xE2\x80[\x90-\x95]+", ""):gsub("^\xE2\x88\x92+", "")
  return rest, rest ~= word
end

-- "Max_Calls" → "maxcalls"
local function bare(name) return (name:lower():gsub("[-_]", "")) end

local function option_meant(spec, name)
  local slips = {}
  for _, option in ipairs(spec.options) do
    for _, known in ipairs(option.names) do
      local dashes, rest = known:match "^(%-+)(.*)$"
      if bare(rest) == bare(name) and (#dashes == 2 or rest == name) then return option, known end
      if #bare(rest) >= SLIP_FROM then slips[bare(rest)] = { option, known } end
    end
  end
  for one, found in pairs(#bare(name) >= SLIP_FROM and slips or {}) do
    if require("lunagrad.options").distance(one, bare(name)) <= 1 then return found[1], found[2] end
  end
end

--- The option that a word "max_calls=1" or "dry_run" is meant as: its name is one's, but for case,
--- "_" and "-", or one slip. A word without "=" only when the option's name has more than one part.
---@param spec table
---@param word string
---@return string|nil name as the word has it
---@return string|nil option as it is written: "--max-calls 1"
function args.meant(spec, word)
  local plain, dashed = without_dashes(word)
  local name, value = plain:match "^([%a_][%w_%-]*)=(.*)$"
  name = name or plain
  if not name:find "^[%a_][%w_%-]*$" then return nil end
  local option, known = option_meant(spec, name)
  if not option or not (value or dashed or known:find("%w%-%w")) then return nil end
  if option.type == "flag" or not value then return name, known end
  return name, known .. " " .. (value == "" and "…" or value)
end

-- A word that is the name of a flag, or a value that one option alone takes.
local function bare_word(spec, word)
  for _, option in ipairs(spec.options) do
    for _, name in ipairs(option.names) do
      if name == "--" .. word then return name .. (option.type == "flag" and "" or " …") end
    end
    for _, value in ipairs(option.values or {}) do
      if value == word then return ("%s %s"):format(option.names[1], word) end
    end
  end
end

-- Of a verb whose words are runs, files and the like: one that is meant as an option would be taken
-- for another such, or be dropped. Behind "--" it is what it says.
local function refuse_slips(spec, result)
  for i = 1, result.plain do
    local word = result.rest[i]
    local name, option = args.meant(spec, word)
    option = name and option or i > 1 and bare_word(spec, word)
    if option then
      args.fail(("%s takes no %s"):format(spec.name, word), ("did you mean %s?"):format(option))
    end
  end
end

--- Read a command line.
-- spec = { name = "run", options = { { names = { "--seed" }, key = "seed", type = "integer" |
-- "number" | "word" | "text" | "flag", min =, max =, values =, list = true, what = } },
-- arguments = true: its words may be anything }
---@param spec table
---@param argv string[]
---@param first integer where to begin
---@return table values by key; `rest` holds what is no option, `plain` of them came before "--"
function args.parse(spec, argv, first)
  local result = { rest = {} }
  local i, only_rest = first, false
  while i <= #argv do
    local word = argv[i]
    if only_rest or word == "-" or word:sub(1, 1) ~= "-" then
      result.rest[#result.rest + 1] = word
      i = i + 1
    elseif word == "--" then
      only_rest, i = true, i + 1
      result.plain = #result.rest
    else
      i = read_option(spec, result, argv, i)
    end
  end
  result.plain = result.plain or #result.rest
  if not spec.arguments then refuse_slips(spec, result) end
  return result
end

-- ---- variables that stand for options ---------------------------------------------

local YES = { ["1"] = true, ["true"] = true, yes = true, on = true }
local NO = { ["0"] = true, ["false"] = true, no = true, off = true }

local function flag_value(name, text)
  if YES[text:lower()] then return true end
  if NO[text:lower()] then return nil end
  args.fail(("%s needs 1 or 0, not %q"):format(name, text))
end

local function list_value(option, name, text)
  local list = {}
  for piece in text:gmatch "[^;]+" do
    local part = piece:match "^%s*(.-)%s*$"
    if part ~= "" then list[#list + 1] = to_value(option, name, part) end
  end
  return list[1] and list
end

-- "--max-cost" of "run" → LUNAGRAD_RUN_MAX_COST; nil for options without a long name, and for
-- those that say which files are read.
local function twin_name(spec, option)
  if option.places then return nil end
  for _, name in ipairs(option.names) do
    if name:find "^%-%-" and option.key ~= "help" then
      return ("LUNAGRAD_%s_%s"):format(spec.name, name:sub(3)):upper():gsub("%-", "_")
    end
  end
end

--- What variables say about a command's options: every option with a long name has one. Several
--- values of one that may be repeated are parted by ";".
---@param spec table
---@param lookup fun(name: string): string|nil
---@return table values by key, as args.parse makes them
function args.twins(spec, lookup)
  local result = {}
  for _, option in ipairs(spec.options) do
    local name = twin_name(spec, option)
    local text = name and lookup(name)
    if text then
      local read = option.type == "flag" and flag_value(name, text)
      if option.type ~= "flag" then
        read = (option.list and list_value or to_value)(option, name, text)
      end
      result[option.key] = read
    end
  end
  return result
end

--- Why a variable's name stands for no option of a command: nil when it is none of such names, or
--- does; else the name it should perhaps be.
---@param spec table
---@param name string "LUNAGRAD_RUN_MAX_COST"
---@return string|nil
function args.near_twin(spec, name)
  local known, before = {}, ("LUNAGRAD_%s_"):format(spec.name:upper())
  if name:sub(1, #before) ~= before then return nil end
  for _, option in ipairs(spec.options) do
    local twin = twin_name(spec, option)
    if twin == name then return nil end
    known[#known + 1] = twin and twin:sub(#before + 1)
  end
  local near = args.suggest(name:sub(#before + 1), known)
  return near and ("did you mean %s%s?"):format(before, near)
    or ("lunagrad help %s lists the options"):format(spec.name)
end

return args
