--- What Tab makes of a line at the prompt: names of the library, fields of tables, methods of
--- variables, files in strings, the prompt's own commands.
--
-- Nothing of the user's is called: a table is looked into as it is, and through an __index that is a
-- table. Only lg is indexed as code would, since its parts are loaded when they are named.

local complete = {}

local MOST = 200 -- names that are shown
local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until",
  "while" }

local function is_var(value)
  local core = package.loaded["lunagrad.core"]
  return type(value) == "userdata" and core ~= nil and getmetatable(value) == core.var_metatable
end

local function is_lg(value) return value ~= nil and value == package.loaded.lunagrad end

-- ---- names ---------------------------------------------------------------------------------

-- Those that the reference has right below a prefix: "lg.", "lg.loss.", "Var:".
local function add_known(set, prefix)
  for _, entry in ipairs(require("lunagrad.cli.reference").all()) do
    local rest = not entry.fields and entry.name:sub(1, #prefix) == prefix
      and entry.name:sub(#prefix + 1):match "^[%w_]+"
    if rest then set[rest] = true end
  end
end

local function add_fields(set, class)
  for _, entry in ipairs(require("lunagrad.cli.reference").all()) do
    for _, field in ipairs(entry.name == class and entry.fields or {}) do set[field.name] = true end
  end
end

local function add_keys(set, value)
  for _ = 1, 8 do -- of tables that stand behind each other by __index
    if type(value) ~= "table" then return end
    for key in next, value do
      if type(key) == "string" and key:find "^[%a_][%w_]*$" then set[key] = true end
    end
    local meta = getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index") or nil
  end
end

local function get(value, key)
  for _ = 1, 8 do
    if is_lg(value) then
      local ok, found = pcall(function() return value[key] end)
      return ok and found or nil
    end
    if type(value) ~= "table" then return nil end
    local found = rawget(value, key)
    if found ~= nil then return found end
    local meta = getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index") or nil
  end
  return nil
end

-- The value that a path "lg.loss." leads to.
local function walk(env, path)
  local value, first = nil, true
  for name in path:gmatch "[%w_]+" do
    if first then
      value = rawget(env, name)
      if value == nil and name == "lg" then value = require "lunagrad" end
      if value == nil then value = rawget(_G, name) end
    else
      value = get(value, name)
    end
    first = false
    if value == nil then return nil end
  end
  return value
end

local function globals(env)
  local set = { lg = true }
  for _, word in ipairs(KEYWORDS) do set[word] = true end
  add_keys(set, _G)
  add_keys(set, env)
  return set
end

local function members(env, path)
  local value, set = walk(env, path), {}
  if is_var(value) then
    add_known(set, "Var:")
    if path:sub(-1) == "." then add_fields(set, "Var") end
  elseif type(value) == "string" then
    add_keys(set, string)
  else
    add_keys(set, value)
    if path:find "^lg%." then add_known(set, path) end
  end
  return set
end

-- ---- files -----------------------------------------------------------------------------------

-- What stands in a string that is not ended; nil: the cursor is in none.
local function open_string(text)
  local quote, from
  local at = 1
  while at <= #text do
    local c = text:sub(at, at)
    if quote and c == "\\" then
      at = at + 1
    elseif quote and c == quote then
      quote = nil
    elseif not quote and (c == '"' or c == "'") then
      quote, from = c, at + 1
    elseif not quote and text:find("^%-%-", at) then
      return nil
    end
    at = at + 1
  end
  return quote and text:sub(from) or nil
end

-- Files of a folder, by the name so far; folders end with "/".
local function files(word)
  local folder, begun = word:match "^(.*/)([^/]*)$"
  local quoted = "'" .. (folder or "./"):gsub("'", "'\\''") .. "'"
  local pipe, set = io.popen("LC_ALL=C ls -1Ap -- " .. quoted .. " 2>/dev/null"), {}
  for name in pipe and pipe:lines() or function() end do
    local hidden = name:sub(1, 1) == "." and (begun or word):sub(1, 1) ~= "."
    if not hidden and not name:find "[%c\"'\\]" then set[(folder or "") .. name] = true end
  end
  if pipe then pipe:close() end
  return set
end

-- ---- the prompt's own commands --------------------------------------------------------------

local function providers()
  local set = { ["sim/default"] = true }
  for name in pairs(require("lunagrad.providers").rows) do set[name .. "/"] = true end
  for _, role in ipairs(require("lunagrad.cli.run").roles) do set[role .. "="] = true end
  return set
end

local function topics()
  local set = { lg = true }
  for _, entry in ipairs(require("lunagrad.cli.reference").all()) do set[entry.name] = true end
  return set
end

local WORDS = { help = topics, model = providers, load = files,
  stream = function() return { on = true, off = true } end }

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end

-- → the word that is begun, and a set of what it could be
local function choices(env, text, commands)
  local command = text:match "^%s*(:%a*)$"
  if command then return command, set_of(commands) end
  local name, rest = text:match "^%s*:(%a+)%s+(%S*)$"
  if name then
    if not WORDS[name] then return rest, {} end
    return rest, WORDS[name](rest)
  end
  if text:find "^%s*%?" then return "", {} end
  local inside = open_string(text)
  if inside then return inside, files(inside) end
  local path, last = text:match "([%a_][%w_.:]*[.:])([%w_]*)$"
  if path then return last, members(env, path) end
  local word = text:match "[%a_][%w_]*$"
  if not word then return "", {} end
  return word, globals(env)
end

-- ---- the face ----------------------------------------------------------------------------------

local function common(names)
  local prefix = names[1]
  for _, name in ipairs(names) do
    while name:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

local function listed(names, columns)
  local broad = 0
  for _, name in ipairs(names) do broad = math.max(broad, utf8.len(name) or #name) end
  local across, shown, out = math.max(1, columns // (broad + 2)), math.min(#names, MOST), {}
  local down = math.ceil(shown / across)
  for row = 1, down do
    local line = {}
    for at = row, shown, down do
      line[#line + 1] = names[at] .. (" "):rep(broad + 2 - (utf8.len(names[at]) or #names[at]))
    end
    out[row] = table.concat(line):gsub("%s+$", "")
  end
  if #names > shown then out[#out + 1] = ("… and %d more"):format(#names - shown) end
  return table.concat(out, "\n") .. "\n"
end

--- What Tab does to the text before the cursor.
---@param env table globals of the prompt
---@param text string
---@param again boolean Tab was the key before, too: what there is to choose from is shown
---@param about { commands: string[], columns: integer }
---@return integer gone bytes before the cursor that go
---@return string|nil put what comes in their place; nil: nothing
---@return string|nil shown lines for below
function complete.at(env, text, again, about)
  if not text:find "%S" then return 0, "  " end
  local word, set = choices(env, text, about.commands)
  local names = {}
  for name in pairs(set) do
    if name:sub(1, #word) == word and (word ~= "" or name:sub(1, 1) ~= "_") then
      names[#names + 1] = name
    end
  end
  if #names == 0 then return 0 end
  table.sort(names)
  local prefix = common(names)
  if #prefix > #word then return 0, prefix:sub(#word + 1) end
  if #names == 1 or not again then return 0 end
  local output = require "lunagrad.cli.output"
  return 0, nil, output.clean(listed(names, about.columns))
end

return complete
