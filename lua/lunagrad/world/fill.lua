--- JSON schemas: whether one may be sent as strict, and a value that satisfies it, filled from
-- a plain answer where the types allow. Pure.

local core = require "lunagrad.core"
local sim_words = require "lunagrad.world.words"
local wire = require "lunagrad.world.wire"

local schema = {}

local DEEP = 12 -- deeper than this a schema that holds itself is filled with what ends it

local function sorted(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local MOST = 5000 -- values in one reply
local BIG = 2 ^ 53

-- What is not of its kind is as if it were not there.
local function list_of(value) return wire.is_list(value) and value or {} end
local function object_of(value) return wire.is_object(value) and value or {} end

local TYPES = { object = true, array = true, string = true, number = true, integer = true,
  boolean = true, null = true }

local FORBIDDEN = { "allOf", "not", "if", "then", "else", "dependentRequired",
  "dependentSchemas", "patternProperties" }

-- What is wrong with this object schema by the rules of strict ones.
local function object_trouble(node, at)
  if node.additionalProperties ~= false then
    return ("In context=%s, 'additionalProperties' is required to be supplied and to be false.")
      :format(at)
  end
  local required = {}
  for _, name in ipairs(list_of(node.required)) do
    required[name] = true
  end
  for _, name in ipairs(sorted(object_of(node.properties))) do
    if not required[name] then
      return ("In context=%s, 'required' is required to be supplied and to be an array including "
        .. "every key in properties. Missing '%s'."):format(at, name)
    end
  end
end

local function push_children(stack, node, at)
  local function push(child, ...)
    local path = at == "()" and "(" or at:sub(1, -2) .. ", "
    local keys = {}
    for i, key in ipairs({ ... }) do keys[i] = ("'%s'"):format(key) end
    stack[#stack + 1] = { child, path .. table.concat(keys, ", ") .. ")" }
  end
  for _, group in ipairs({ "properties", "$defs", "definitions" }) do
    for _, name in ipairs(sorted(object_of(node[group]))) do
      push(node[group][name], group, name)
    end
  end
  if node.items ~= nil then push(node.items, "items") end
  for i, one in ipairs(list_of(node.anyOf)) do
    push(one, "anyOf", tostring(i - 1))
  end
end

--- Why a schema may not be sent as strict, in OpenAI's words; nil: it may.
---@param root table
---@return string|nil
function schema.strict_trouble(root)
  if not wire.is_object(root) then return "schema must be a JSON Schema of 'type: \"object\"'" end
  if root.type ~= "object" then
    return ("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"%s\"'.")
      :format(type(root.type) == "string" and root.type or "None")
  end
  local stack = { { root, "()" } }
  while #stack > 0 do
    local node, at = table.unpack(table.remove(stack))
    if not wire.is_object(node) then
      return ("In context=%s, a schema must be an object."):format(at)
    end
    for _, word in ipairs(FORBIDDEN) do
      if node[word] ~= nil then
        return ("In context=%s, '%s' is not permitted."):format(at, word)
      end
    end
    if node.type == nil and not (node.anyOf or node["$ref"] or node.enum or node.const ~= nil) then
      return ("In context=%s, schema must have a 'type' key."):format(at)
    end
    if type(node.type) == "string" and not TYPES[node.type] then
      return ("In context=%s, '%s' is not a type."):format(at, node.type)
    end
    local trouble = (node.type == "object" or node.properties) and object_trouble(node, at)
    if trouble then return trouble end
    push_children(stack, node, at)
  end
end

-- ---- filling -----------------------------------------------------------------------------

local fill

local function number_of(value) return type(value) == "number" and value or nil end

local function numbers_of(text)
  local list = {}
  for token in text:gmatch "%S+" do
    local word = token:lower():gsub("^%p+", ""):gsub("%p+$", "")
    local value = tonumber(token:match("^%W*(%-%d[%d.]*%d?)") or token:match("%d+%.?%d*"))
    if not value and word ~= "a" and word ~= "an" then value = sim_words.value(word) end
    list[#list + 1] = value
  end
  return list
end

local function fill_number(node, source)
  local value = source.numbers[#source.numbers] or 0
  local low = number_of(node.minimum) or number_of(node.exclusiveMinimum)
  local high = number_of(node.maximum) or number_of(node.exclusiveMaximum)
  if low and value < low or node.exclusiveMinimum and value == low then
    value = low + (node.exclusiveMinimum and 1 or 0)
  end
  if high and value > high or node.exclusiveMaximum and value == high then
    value = high - (node.exclusiveMaximum and 1 or 0)
  end
  if node.type == "integer" then value = math.floor(math.max(-BIG, math.min(BIG, value))) end
  local step = number_of(node.multipleOf)
  if step and step > 0 then value = value // step * step end
  return math.tointeger(value) or value
end

local FORMATS = { date = "2026-01-01", time = "00:00:00Z", ["date-time"] = "2026-01-01T00:00:00Z",
  email = "sim@example.com", uri = "https://example.com", uuid =
  "00000000-0000-4000-8000-000000000000", ipv4 = "127.0.0.1", ipv6 = "::1", hostname = "localhost",
  duration = "PT0S" }

local function is_short(name)
  name = (name or ""):lower()
  for _, word in ipairs({ "answer", "result", "value", "total", "final", "verdict", "label" }) do
    if name:find(word, 1, true) then return true end
  end
end

local function fill_string(node, source, name)
  if type(node.format) == "string" and FORMATS[node.format] then return FORMATS[node.format] end
  local text = source.text
  if is_short(name) and #source.numbers > 0 then
    text = tostring(source.numbers[#source.numbers])
  end
  local most, least = number_of(node.maxLength), number_of(node.minLength) or 0
  if most and (utf8.len(text) or #text) > most then
    text = text:sub(1, (utf8.offset(text, most + 1) or #text + 1) - 1)
  end
  local short = math.min(least, MOST) - (utf8.len(text) or #text)
  return short > 0 and text .. ("."):rep(short) or text
end

local function fill_boolean(source)
  local low = source.text:lower()
  return not (low:find("%f[%a]no%f[%A]") or low:find("%f[%a]not%f[%A]")
    or low:find("%f[%a]wrong%f[%A]") or low:find("%f[%a]false%f[%A]")
    or low:find("%f[%a]incorrect%f[%A]"))
end

local function fill_array(node, source, name, depth)
  local list = wire.list {}
  local n = math.max(math.min(number_of(node.minItems) or 0, MOST), depth < DEEP and 1 or 0)
  if number_of(node.maxItems) then n = math.min(n, number_of(node.maxItems)) end
  for i = 1, n do
    local item = wire.is_object(node.items) and node.items or { type = "string" }
    list[i] = fill(item, source, name, depth + 1)
  end
  return list
end

local function fill_object(node, source, depth)
  local object, required = {}, {}
  for _, name in ipairs(list_of(node.required)) do required[name] = true end
  for _, name in ipairs(sorted(object_of(node.properties))) do
    if required[name] or depth < DEEP // 2 then
      object[name] = fill(node.properties[name], source, name, depth + 1)
    end
  end
  return object
end

local function resolve(node, source)
  local ref = node["$ref"]
  if type(ref) ~= "string" then return node end
  local at = source.root
  for key in ref:gsub("^#/?", ""):gmatch("[^/]+") do
    at = type(at) == "table" and at[key:gsub("~1", "/"):gsub("~0", "~")] or nil
  end
  return wire.is_object(at) and at or {}
end

local function fill_enum(values, source)
  local low, best = source.text:lower(), nil
  for _, value in ipairs(values) do
    if type(value) == "string" and value ~= "" then
      local from = low:find(value:lower(), 1, true)
      if from and (not best or #value > #best) then best = value end
    elseif type(value) == "number" and source.numbers[#source.numbers] == value then
      return value
    end
  end
  return best or values[1]
end

local function type_of(node, depth)
  local kind = node.type
  if wire.is_list(kind) then
    for _, one in ipairs(kind) do
      if TYPES[one] and one ~= "null" and depth < DEEP then return one end
    end
    return TYPES[kind[#kind]] and kind[#kind] or "null"
  end
  if type(kind) == "string" then return kind:lower() end -- Gemini writes them in capitals
  return node.properties and "object" or node.items and "array" or "string"
end

function fill(node, source, name, depth)
  source.budget = source.budget - 1
  if depth > 2 * DEEP or source.budget < 0 then return wire.null end
  if not wire.is_object(node) then return source.text end
  node = resolve(node, source)
  if node.const ~= nil then return node.const end
  if wire.is_list(node.enum) and #node.enum > 0 then return fill_enum(node.enum, source) end
  local choices = node.anyOf or node.oneOf
  if wire.is_list(choices) and #choices > 0 then
    return fill(choices[depth < DEEP and 1 or #choices], source, name, depth + 1)
  end
  local kind = type_of(node, depth)
  if kind == "object" then return fill_object(node, source, depth) end
  if kind == "array" then return fill_array(node, source, name, depth) end
  if kind == "number" or kind == "integer" then return fill_number(node, source) end
  if kind == "boolean" then return fill_boolean(source) end
  if kind == "null" then return wire.null end
  return fill_string(node, source, name)
end

--- A value that satisfies the schema: strings are the plain answer, numbers its last number,
--- choices the one that it names.
---@param root table a JSON schema
---@param text string the plain answer
---@param name string|nil what the value is called
---@return any
function schema.fill(root, text, name)
  return fill(root, { text = text, numbers = numbers_of(text), root = root, budget = MOST },
    name, 0)
end

-- A schema of an object that has nothing but texts in it.
local function only_texts(root)
  if not wire.is_object(root.properties) then return false end
  for _, node in pairs(root.properties) do
    if not wire.is_object(node) or node.type ~= "string" then return false end
  end
  return true
end

-- Whether an answer is an object already, with the fields that a schema names.
local function is_object(text, root)
  if not text:find "^%s*{" then return false end
  local ok, value = pcall(core.json_decode, text)
  if not ok or type(value) ~= "table" then return false end
  for name in pairs(root and wire.is_object(root.properties) and root.properties or {}) do
    if value[name] == nil then return false end
  end
  return true
end

--- The plain answer as JSON of that schema, or of any shape; an answer that is an object already
--- stays as it is where any will do, or where a schema of texts has its names.
---@param root table|nil
---@param text string
---@return string
function schema.json(root, text)
  if is_object(text, root) and (not root or only_texts(root)) then return text end
  if root then return core.json_encode(schema.fill(root, text)) end
  local number = text:match("%-?%d+%.?%d*%D*$")
  local value = { text = text }
  if number then value.answer = tonumber(number:match("%-?%d+%.?%d*")) end
  return core.json_encode(value)
end

return schema
