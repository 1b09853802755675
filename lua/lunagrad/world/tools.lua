--- Decides by rules whether a message asks for a tool, and reads its arguments from the text.
--
-- A tool is called when words of its name or description meet the message and every required
-- argument can be read there. It knows words, numbers, quotes and schemas; no particular tool
-- and nobody's particular message. Pure.

local schema = require "lunagrad.world.fill"
local sim_words = require "lunagrad.world.words"
local wire = require "lunagrad.world.wire"

local tools = {}

local STOP = {}
for word in ([[a an and any are as at be by can do for from get give has have how in into is it its
  me my of on or that the their this to tool use used using was what when where which who will with
  you your please call function returns return given about]]):gmatch "%a+" do
  STOP[word] = true
end

-- "cities" and "city", "searches" and "search" are one word.
local function stem(word)
  word = word:lower()
  if #word > 4 then word = word:gsub("ies$", "y"):gsub("ches$", "ch"):gsub("([^s])s$", "%1") end
  if #word > 6 then
    word = word:gsub("ing$", ""):gsub("ed$", ""):gsub("[eo]r$", ""):gsub("ion$", "")
  end
  return #word > 4 and word:gsub("e$", "") or word
end

-- The words of a text as a set of stems; names in snake_case or camelCase come apart.
local function stems(text)
  local set = {}
  for word in text:gsub("(%l)(%u)", "%1 %2"):gmatch "%a+" do
    if #word > 1 and not STOP[word:lower()] then set[stem(word)] = true end
  end
  return set
end

local function common(one, other)
  local n = 0
  for word in pairs(one) do n = n + (other[word] and 1 or 0) end
  return n
end

-- ---- reading arguments -----------------------------------------------------------------------

-- The text with numbers in words as digits, and without dates and times, whose digits are no
-- numbers.
local function plain_numbers(text)
  text = text:lower():gsub("%d%d%d%d%-%d%d%-%d%d", " "):gsub("%d%d?:%d%d", " ")
  text = text:gsub("%f[%w][%w.-]*@[%w.-]+", " "):gsub("%f[%w]%a+%-?%d[%w-]*", " ")
  return (text:gsub("%a+%-?%a+", function(word)
    local value = word ~= "an" and sim_words.value(word)
    return value and tostring(value) or nil
  end))
end

-- "days = 3", "days: 3", "days is 3", "3 days"
local function number_beside(text, name)
  for word in name:lower():gmatch "%a+" do
    local found = text:match("%f[%w]" .. word .. "%s*[=:]%s*(%-?%d+%.?%d*)")
    if not found and #word > 1 then
      found = text:match("%f[%w]" .. word .. "%s+i?s?%s*(%-?%d+%.?%d*)")
        or text:match("(%-?%d+%.?%d*)[%s%-]+" .. word:gsub("s$", "") .. "s?%f[%W]")
    end
    if found then return tonumber(found) end
  end
end

local function all_numbers(text)
  local list = {}
  for digits in text:gsub("(%d),(%d%d%d)", "%1%2"):gmatch "%-?%d+%.?%d*" do
    list[#list + 1] = tonumber(digits)
  end
  return list
end

local function read_number(node, name, source)
  local value = number_beside(source.plain, name)
  if not value then
    while source.numbers[source.next_number] do
      local candidate = source.numbers[source.next_number]
      source.next_number = source.next_number + 1
      if node.type ~= "integer" or candidate == math.floor(candidate) then
        value = candidate
        break
      end
    end
  end
  if value and node.type == "integer" and value ~= math.floor(value) then return nil end
  return value and (math.tointeger(value) or value)
end

-- name = value, name: "value"
local function labelled(text, name)
  local pattern = name:lower():gsub("_", "[_%%s]")
  local low = text:lower()
  local _, to = low:find("%f[%w]" .. pattern .. "%s*[=:]%s*")
  if not to then
    _, to = low:find("%f[%w]" .. pattern .. "%s+%f[\"'`]")
  end
  if not to then return nil end
  local rest = text:sub(to + 1)
  return rest:match '^"([^"]+)"' or rest:match "^'([^']+)'" or rest:match "^`([^`]+)`"
    or rest:match "^([^%s,;]+)"
end

local SHAPES = { -- words in an argument's name, and what such a thing looks like
  { "date day when", { "%d%d%d%d%-%d%d%-%d%d" }, { "today", "tomorrow", "yesterday", "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" } },
  { "email mail address recipient to", { "[%w._%%+-]+@[%w.-]+%.%a+" } },
  { "url uri link page site", { "https?://[%w%-._~:/?#@!$&*+,;=%%]*[%w/]" } },
  { "file path filename", { "[%w_./-]*[%w_-]+%.%a%w*", "/[%w_./-]+" } },
  { "time hour", { "%d%d?:%d%d" } },
  { "expression formula calculation equation sum", {
    "[%d%(][%d%s%.%+%-%*/%^%(%)x%%]*[%+%-%*/%^x][%d%s%.%+%-%*/%^%(%)x%%]*[%d%)]" } },
  { "id number code key", { "%f[%w]%u+%-?%d[%w%-]*", "#(%w+)" } },
}

local function has_word(list, name)
  for word in name:lower():gmatch "%a+" do
    if (" " .. list .. " "):find(" " .. word .. " ", 1, true) then return true end
  end
end

local function shaped(text, name)
  for _, shape in ipairs(SHAPES) do
    if has_word(shape[1], name) then
      for _, pattern in ipairs(shape[2]) do
        local found = text:match(pattern)
        if found then return (found:gsub("^%s+", ""):gsub("%s+$", "")), true end
      end
      for _, word in ipairs(shape[3] or {}) do
        local at = text:lower():find("%f[%a]" .. word .. "%f[%A]")
        if at then return text:sub(at, at + #word - 1), true end
      end
    end
  end
end

-- Names: runs of capitalised words that do not begin a sentence.
local function proper_names(text)
  local list = {}
  local at = 1
  while true do
    local from, to = text:find("%f[%w\128-\255]%u[%w\128-\255'%-]*", at)
    if not from then return list end
    local before = text:sub(1, from - 1)
    while true do
      local _, more = text:find("^ %u[%w\128-\255'%-]*", to + 1)
      if not more then break end
      to = more
    end
    local begins = before:find("^%s*$") or before:find("[.!?:]%s+$") or before:find("\n%s*$")
    local name = text:sub(from, to)
    if not begins and name ~= "I" then
      list[#list + 1] = { text = name, before = before:lower():match("(%a+)%s+$") or "" }
    end
    at = to + 1
  end
end

local QUOTES = { '"([^"\n]+)"', "“([^”\n]+)”", "`([^`\n]+)`", "%f[%w']'([^'\n]+)'%f[%W]" }

local function quoted(text)
  local list = {}
  for _, pattern in ipairs(QUOTES) do
    for found in text:gmatch(pattern) do list[#list + 1] = found end
  end
  return list
end

local FREE = "query question q text input prompt search keyword topic subject message content "
  .. "body task"

-- What stands behind the verb: "search for blue whales" → "blue whales".
local function behind_verb(text)
  local line = text:match("([^\n]*)%s*$")
  local rest = line:match("%f[%a][Ff]or%s+(.+)$") or line:match("%f[%a][Aa]bout%s+(.+)$")
    or line:match("[:]%s+(.+)$") or line
  return (rest:gsub("^%s+", ""):gsub("[%s.?!]+$", ""))
end

local PLACE = "city location place country town region destination origin"
local NEAR = { origin = "from", from = "from", source = "from", destination = "to", to = "to",
  target = "to" }

local function read_name(name, source)
  local wanted
  for word in name:lower():gmatch "%a+" do wanted = wanted or NEAR[word] end
  for i, one in ipairs(source.names) do
    if not one.used and (not wanted or one.before == wanted) then
      return one.text, i
    end
  end
end

local function read_string(node, name, source)
  local found = labelled(source.text, name) or shaped(source.text, name)
  if found then return found end
  if has_word(FREE, name) then return source.quotes[1] or behind_verb(source.text) end
  local quote = source.quotes[source.next_quote]
  if quote then
    source.next_quote = source.next_quote + 1
    return quote
  end
  local value, i = read_name(name, source)
  if value then
    source.names[i].used = true
    source.spread = source.spread or { name = name, first = i }
    return value
  end
  if has_word(PLACE, name) then
    for _, before in ipairs { "in", "for", "at", "of" } do
      local rest = source.text:match("%f[%a]" .. before .. " ([%a\128-\255 ]+)")
      if rest then return (rest:gsub(" +and .*", ""):gsub("%s+$", "")) end
    end
  end
  local about = type(node.description) == "string" and shaped(source.text, node.description)
  return about or nil
end

local function read_enum(node, source)
  local low = source.text:lower()
  for _, value in ipairs(node.enum) do
    local word = type(value) == "string" and value:lower():gsub("%p", "%%%0")
    if word and low:find("%f[%w]" .. word .. "%f[%W]") then return value end
  end
end

local function read_array(node, source)
  local item = wire.is_object(node.items) and node.items or {}
  local list = wire.list {}
  if item.type == "number" or item.type == "integer" then
    for i, value in ipairs(source.numbers) do list[i] = value end
  elseif #source.quotes > 0 then
    for i, value in ipairs(source.quotes) do list[i] = value end
  else
    for i, one in ipairs(source.names) do list[i] = one.text end
  end
  return #list > 0 and list or nil
end

local read_object

local function read_value(node, name, source, depth)
  if not wire.is_object(node) then return nil end
  if node.const ~= nil then return node.const end
  if wire.is_list(node.enum) then return read_enum(node, source) end
  local kind = node.type
  if wire.is_list(kind) then kind = kind[1] end
  kind = type(kind) == "string" and kind:lower() or "string"
  if kind == "number" or kind == "integer" then
    return read_number({ type = kind }, name, source)
  elseif kind == "boolean" then
    if common(stems(name), stems(source.text)) > 0 then
      return not source.text:lower():find("%f[%a]no[nt]?%f[%A]")
    end
    return nil
  elseif kind == "array" then
    return read_array(node, source)
  elseif kind == "object" and depth < 3 then
    return (read_object(node, source, depth + 1))
  end
  return kind == "string" and read_string(node, name, source) or nil
end

-- The arguments; and false when a required one is not there.
function read_object(node, source, depth)
  local required, names, args = {}, {}, {}
  local properties = wire.is_object(node.properties) and node.properties or {}
  for i, name in ipairs(wire.is_list(node.required) and node.required or {}) do
    required[name] = i
  end
  for name in pairs(properties) do names[#names + 1] = name end
  table.sort(names, function(a, b) -- the required ones first, in the order they are named
    local one, other = required[a] or math.huge, required[b] or math.huge
    if one ~= other then return one < other end
    return a < b
  end)
  for _, name in ipairs(names) do
    local property = properties[name]
    local value = read_value(property, name, source, depth)
    if value == nil and required[name] then return nil, name end
    args[name] = value
  end
  return args
end

local function source_of(text)
  local plain = plain_numbers(text)
  return { text = text, plain = plain, numbers = all_numbers(plain), next_number = 1,
    quotes = quoted(text), next_quote = 1, names = proper_names(text) }
end

-- "in Paris and in Rome": the same call for each further name of the list.
local function spread(args, source)
  local list = { args }
  local first = source.spread and source.names[source.spread.first]
  if not first then return list end
  for i = source.spread.first + 1, #source.names do
    local one = source.names[i]
    if not one.used and (one.before == "and" or one.before == first.before or one.before == "") then
      local copy = {}
      for key, value in pairs(args) do copy[key] = value end
      copy[source.spread.name] = one.text
      list[#list + 1] = copy
    end
  end
  return list
end

local function score(tool, text)
  local said = stems(text)
  local named = common(stems(tool.name), said)
  local described = common(stems(tool.description or ""), said)
  local by_shape = 0
  local parameters = wire.is_object(tool.parameters) and tool.parameters or {}
  for name in pairs(wire.is_object(parameters.properties) and parameters.properties or {}) do
    local value, found = shaped(text, name)
    if found then by_shape = math.max(by_shape, value:find("%d%s*[*/+^]") and 2 or 1) end
  end
  return 2 * named + described + by_shape
end

local NEEDED = 2 -- one word of its name, or two of its description, or one and a fitting shape

local function calls_of(tool, text)
  local source = source_of(text)
  local parameters = wire.is_object(tool.parameters) and tool.parameters or {}
  local args = read_object(parameters, source, 1)
  if not args then return nil end
  return spread(args, source)
end

-- A call that has to be made: what cannot be read is filled in.
local function forced(tool, text)
  local list = calls_of(tool, text)
  if list then return list end
  local args = schema.fill(tool.parameters or {}, text)
  return { wire.is_object(args) and args or {} }
end

---@class mock.call
---@field name string
---@field args table

--- The calls that a message asks for, in the order of the tools.
---@param list { name: string, description: string?, parameters: table? }[]
---@param text string what to read arguments from: the message, and results so far
---@param options { choice: string, name: string?, parallel: boolean?, done: table<string, boolean>? }
---  choice "auto", "required" or "name" (then name); done: what was called already
---@return mock.call[]
function tools.choose(list, text, options)
  local calls, best, best_score = {}, nil, -1
  local done = options.done or {}
  for _, tool in ipairs(list) do
    local wanted = options.choice ~= "name" or tool.name == options.name
    local points = wanted and score(tool, text) or -1
    if wanted and points > best_score then best, best_score = tool, points end
    local found = wanted and not done[tool.name] and points >= NEEDED and calls_of(tool, text)
    for _, args in ipairs(found or {}) do calls[#calls + 1] = { name = tool.name, args = args } end
  end
  if #calls == 0 and options.choice ~= "auto" and best then
    for _, args in ipairs(forced(best, text)) do
      calls[#calls + 1] = { name = best.name, args = args }
    end
  end
  if options.parallel == false then calls = { calls[1] } end
  return calls
end

-- A result as words: fields of an object one after the other.
local function result_words(text)
  local core = require "lunagrad.core"
  local value = core.json_decode(text)
  if not wire.is_object(value) then return text end
  local parts, keys = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local field = value[key]
    if type(field) == "table" then field = core.json_encode(field) end
    if field ~= wire.null then parts[#parts + 1] = ("%s: %s"):format(key, tostring(field)) end
  end
  return table.concat(parts, ", ")
end

--- What to say once the tools have answered.
---@param results { name: string, content: string, failed: boolean? }[]
---@return string
function tools.say(results)
  local lines = {}
  for i, result in ipairs(results) do
    local words = result_words(result.content):gsub("%s+$", "")
    if result.failed then
      lines[i] = ("%s failed: %s"):format(result.name, words)
    elseif #results == 1 then
      lines[i] = ("The answer is: %s"):format(words)
    else
      lines[i] = ("%s: %s"):format(result.name, words)
    end
  end
  return table.concat(lines, "\n")
end

return tools
