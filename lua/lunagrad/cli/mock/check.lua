--- What a request's JSON must look like, said as a table and checked: fields, types, ranges.
--
-- Finds the first thing that is wrong and says where; each dialect puts it in its provider's
-- words. Fields that are null are taken away, as if they had not been sent. Pure.

local wire = require "lunagrad.world.wire"

local check = {}

--- Numbers from min to max; integers alike. nil: no bound.
function check.number(min, max) return { kind = "number", min = min, max = max } end
function check.integer(min, max) return { kind = "integer", min = min, max = max } end
check.boolean = { kind = "boolean" }
check.any = { kind = "any" }
check.string = { kind = "string" }
check.name = { kind = "string", min = 1 }
--- The name of a function.
check.word = { kind = "string", min = 1, pattern = "^[%w_-]+$", said = "^[a-zA-Z0-9_-]+$" }
--- An object of whatever fields.
check.map = { kind = "object", open = true, fields = {} }

--- A string of at most so many bytes.
function check.text(max) return { kind = "string", max = max } end

--- One of these strings.
function check.enum(...) return { kind = "enum", values = { ... } } end

--- A list of what `of` says, with at least min and at most max elements.
function check.list(of, min, max) return { kind = "list", of = of, min = min, max = max } end

--- An object. `required` is a list of names; with `open`, unknown fields are let through.
function check.object(fields, required, open)
  return { kind = "object", fields = fields, required = required or {}, open = open }
end

--- An object whose field `by` says which of the cases it is.
function check.tagged(by, cases) return { kind = "tagged", by = by, cases = cases } end

--- By its type: { string = spec, list = spec, object = spec, number = spec, boolean = spec }.
function check.union(by_type) return { kind = "union", by_type = by_type } end

---@class mock.finding
---@field kind "type"|"enum"|"low"|"high"|"missing"|"unknown"|"few"|"many"|"pattern"
---@field path (string|integer)[] from the body's root; elements of lists count from 0
---@field want string what it must be
---@field value any what it is

local function type_name(value)
  if value == wire.null then return "null" end
  if math.type(value) == "integer" then return "integer" end
  if type(value) ~= "table" then return type(value) end
  return wire.is_list(value) and "list" or "object"
end
check.type_name = type_name

local function finding(kind, path, want, value)
  return { kind = kind, path = table.move(path, 1, #path, 1, {}), want = want, value = value }
end

local walk

local function walk_number(spec, value, path)
  if type(value) ~= "number" or spec.kind == "integer" and math.type(value) ~= "integer" then
    return finding("type", path, spec.kind, value)
  elseif spec.min and value < spec.min then
    return finding("low", path, tostring(spec.min), value)
  elseif spec.max and value > spec.max then
    return finding("high", path, tostring(spec.max), value)
  end
end

local function walk_string(spec, value, path)
  if type(value) ~= "string" then return finding("type", path, "string", value) end
  if spec.min and #value < spec.min then return finding("few", path, "1", value) end
  if spec.max and #value > spec.max then return finding("many", path, tostring(spec.max), value) end
  if spec.pattern and not value:find(spec.pattern) then
    return finding("pattern", path, spec.said, value)
  end
end

local function walk_enum(spec, value, path)
  if type(value) ~= "string" then return finding("type", path, "string", value) end
  for _, one in ipairs(spec.values) do
    if one == value then return nil end
  end
  return finding("enum", path, "'" .. table.concat(spec.values, "', '") .. "'", value)
end

local function walk_list(spec, value, path)
  if not wire.is_list(value) then return finding("type", path, "list", value) end
  if #value < (spec.min or 0) then return finding("few", path, tostring(spec.min), value) end
  if spec.max and #value > spec.max then
    return finding("many", path, tostring(spec.max), value)
  end
  for i, element in ipairs(value) do
    path[#path + 1] = i - 1
    local found = walk(spec.of, element, path)
    if found then return found end
    path[#path] = nil
  end
end

local function sorted_keys(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function walk_object(spec, value, path)
  if not wire.is_object(value) then return finding("type", path, "object", value) end
  for _, key in ipairs(sorted_keys(value)) do
    local field = spec.fields[key]
    path[#path + 1] = key
    if not field and not spec.open then return finding("unknown", path, "", value[key]) end
    if value[key] == wire.null then
      value[key] = nil
    elseif field then
      local found = walk(field, value[key], path)
      if found then return found end
    end
    path[#path] = nil
  end
  for _, key in ipairs(spec.required or {}) do
    if value[key] == nil then
      path[#path + 1] = key
      return finding("missing", path, "", nil)
    end
  end
end

local function walk_tagged(spec, value, path)
  if not wire.is_object(value) then return finding("type", path, "object", value) end
  local tag = value[spec.by]
  path[#path + 1] = spec.by
  if tag == nil or tag == wire.null then return finding("missing", path, "", nil) end
  local case = type(tag) == "string" and spec.cases[tag]
  if not case then
    local names = sorted_keys(spec.cases)
    return finding("enum", path, "'" .. table.concat(names, "', '") .. "'", tag)
  end
  path[#path] = nil
  return walk(case, value, path)
end

local function walk_union(spec, value, path)
  local name = type_name(value)
  local case = spec.by_type[name] or name == "integer" and spec.by_type.number
  if case then return walk(case, value, path) end
  return finding("type", path, table.concat(sorted_keys(spec.by_type), " or "), value)
end

local WALK = {
  number = walk_number, integer = walk_number, string = walk_string, enum = walk_enum,
  list = walk_list, object = walk_object, tagged = walk_tagged, union = walk_union,
  boolean = function(_, value, path)
    if type(value) ~= "boolean" then return finding("type", path, "boolean", value) end
  end,
  any = function() end,
}

-- As deep as the spec is, however deep the value.
function walk(spec, value, path) return WALK[spec.kind](spec, value, path) end

--- The first thing that is wrong with a value, or nil.
---@param spec table
---@param value any decoded JSON; fields that are null are taken away
---@return mock.finding|nil
function check.find(spec, value) return walk(spec, value, {}) end

--- "messages[0].content" (dotted = false) or "messages.0.content".
---@param path (string|integer)[]
---@param dotted boolean|nil
---@return string
function check.path(path, dotted)
  local out = ""
  for _, key in ipairs(path) do
    if math.type(key) == "integer" and not dotted then
      out = ("%s[%d]"):format(out, key)
    else
      out = out .. (out == "" and "" or ".") .. key
    end
  end
  return out
end

return check
