--- JSON Schemas: written short as Lua tables, made strict for providers, checked on arrival.
--
-- The short form:
--   "string" "number" "integer" "boolean" "object" "null" "any"   a value of that type
--   { T }                    a list of T: { "string" }, { { name = "string" } }
--   { "yes", "no", … }       one of these values (at least two)
--   { name = T, … }          an object; all of it is required, but for what may be left out:
--   "string?", ["name?"] = T
-- A table with a key `type`, `properties`, `enum`, `const`, `anyOf`, `oneOf`, `allOf` or `$ref`
-- is a full JSON Schema, and all of it stays as it is (an object with a field of such a name is
-- written in full). What cannot be checked here is refused, not passed over. Pure.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local schema = {}

local DEPTH = 64        -- of schemas and values together, and of $ref
local STEPS = 200000   -- of one check: anyOf in anyOf may multiply

local TYPES = { string = true, number = true, integer = true, boolean = true, object = true,
  array = true, null = true }
local FULL = { "type", "properties", "enum", "const", "anyOf", "oneOf", "allOf", "$ref" }
local REFUSED = { pattern = true, patternProperties = true, propertyNames = true, ["if"] = true,
  ["then"] = true, ["else"] = true, ["not"] = true, dependentRequired = true,
  dependentSchemas = true, dependencies = true, contains = true, minContains = true,
  maxContains = true, prefixItems = true, additionalItems = true, unevaluatedItems = true,
  unevaluatedProperties = true, ["$dynamicRef"] = true, ["$recursiveRef"] = true }
local BRANCHES = { "anyOf", "oneOf", "allOf" }

local LIMITS = { "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf" }

-- A number that Lua's would change stands as its text, marked (core.json_decode, "number").
local function is_long(value) return getmetatable(value) == core.number_metatable end

local function array(list) return setmetatable(list, core.array) end

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local function is_full(t)
  for _, key in ipairs(FULL) do
    if rawget(t, key) ~= nil then return true end
  end
  return false
end

local function at(path, key)
  if type(key) == "number" then return ("%s[%d]"):format(path, key) end
  return path == "" and key or path .. "." .. key
end

local function shown(value)
  local ok, text = pcall(core.json_encode, value)
  text = ok and text or type(value)
  if #text <= 80 then return text end
  return core.trim(text, 16) .. "…"
end

-- ---- full schemas: is it one that can be checked? --------------------------------

local function complain(where, path, what, hint)
  local place = path ~= "" and path .. ": " or ""
  errors.raise("inval", ("%s: %s%s"):format(where, place, what), hint, 2)
end

local check_node

local function check_type(node, path, where)
  local list = type(node.type) == "table" and node.type or { node.type }
  for _, name in ipairs(list) do
    if not TYPES[name] then
      complain(where, at(path, "type"), shown(node.type) .. " is no type of JSON",
        "a field that is called `type` needs the full form: "
          .. "{ type = \"object\", properties = { type = … } }")
    end
  end
end

local function check_limits(node, path, where)
  for _, key in ipairs(LIMITS) do
    local limit = node[key]
    if limit ~= nil and type(limit) ~= "number" and not is_long(limit) then
      complain(where, at(path, key), "must be a number, got " .. shown(limit),
        type(limit) == "string" and tonumber(limit)
          and 'lg.json.decode(text, "number") reads large ones as numbers' or nil)
    end
  end
end

local function check_map(map, path, where, depth, seen)
  if type(map) ~= "table" then complain(where, path, "must be a table of schemas") end
  for _, name in ipairs(sorted_keys(map)) do
    check_node(map[name], at(path, name), where, depth + 1, seen)
  end
end

local function check_list(list, path, where, depth, seen)
  if type(list) ~= "table" or #list == 0 then complain(where, path, "must be a list of schemas") end
  for i = 1, #list do check_node(list[i], at(path, i), where, depth + 1, seen) end
end

-- A metatable that makes items up gives a list without an end.
local function may_be_list(value)
  local meta = getmetatable(value)
  return type(value) == "table"
    and (meta == nil or type(meta) == "table" and type(rawget(meta, "__index")) ~= "function")
end

-- seen: tables that were looked through; one that is used in many places is looked through once.
function check_node(node, path, where, depth, seen)
  if type(node) == "boolean" or seen[node] then return end
  if type(node) ~= "table" then complain(where, path, "expected a schema, got " .. shown(node)) end
  if depth > DEPTH then complain(where, path, "the schema is nested too deep") end
  seen[node] = true
  for _, key in ipairs(sorted_keys(node)) do
    if REFUSED[key] then
      complain(where, at(path, key), "this keyword cannot be checked here",
        "take it out, say it in the description, and test the value in Lua")
    end
  end
  for _, key in ipairs { "required", "enum" } do
    if node[key] ~= nil and not may_be_list(node[key]) then
      complain(where, at(path, key), "must be a list, got " .. shown(node[key]))
    end
  end
  if node.type ~= nil then check_type(node, path, where) end
  check_limits(node, path, where)
  if node.properties then check_map(node.properties, at(path, "properties"), where, depth, seen) end
  for _, key in ipairs { "$defs", "definitions" } do
    if node[key] then check_map(node[key], at(path, key), where, depth, seen) end
  end
  if node.items ~= nil then check_node(node.items, at(path, "items"), where, depth + 1, seen) end
  if node.additionalProperties ~= nil then
    check_node(node.additionalProperties, at(path, "additionalProperties"), where, depth + 1, seen)
  end
  for _, key in ipairs(BRANCHES) do
    if node[key] then check_list(node[key], at(path, key), where, depth, seen) end
  end
end

local checked = setmetatable({}, { __mode = "k" }) -- schemas that were looked through

-- A full schema that a script gave, once.
local function look_through(full, where)
  if checked[full] then return end
  check_node(full, "", where, 1, {})
  if type(full) == "table" then checked[full] = true end
end

-- ---- the short form ---------------------------------------------------------------

local expand

local function expand_name(name, path, where)
  if name == "any" then return {} end
  if not TYPES[name] or name == "array" then
    complain(where, path, ("%q is no type"):format(name),
      'one of "string", "number", "integer", "boolean", "object", "null", "any"; '
        .. 'a list of texts is { "string" }')
  end
  return { type = name }
end

local function expand_list(list, path, where, depth)
  for key in pairs(list) do
    if math.type(key) ~= "integer" then
      complain(where, path, "a table has names, or is a list, not both")
    end
  end
  if #list == 1 then
    return { type = "array", items = expand(list[1], path .. "[]", where, depth + 1) }
  end
  local kind
  for i, value in ipairs(list) do
    local this = type(value) == "number" and "number" or type(value) == "string" and "string"
    if not this then
      complain(where, at(path, i), "a choice is a text or a number, got " .. type(value))
    end
    kind = (kind == nil or kind == this) and this or false
  end
  return { type = kind or nil, enum = array { table.unpack(list) } }
end

local function expand_object(short, path, where, depth)
  local properties, required = {}, array {}
  for _, key in ipairs(sorted_keys(short)) do
    local value, name, optional = short[key], key, false
    if name:sub(-1) == "?" then name, optional = name:sub(1, -2), true end
    if type(value) == "string" and value:sub(-1) == "?" then
      value, optional = value:sub(1, -2), true
    end
    if properties[name] then complain(where, at(path, name), "it is described twice") end
    properties[name] = expand(value, at(path, name), where, depth + 1)
    if not optional then required[#required + 1] = name end
  end
  table.sort(required)
  return { type = "object", properties = properties, required = required,
    additionalProperties = false }
end

function expand(short, path, where, depth)
  if depth > DEPTH then complain(where, path, "the schema is nested too deep, or inside itself") end
  if type(short) == "string" then return expand_name(short, path, where) end
  if type(short) ~= "table" then
    complain(where, path, "expected a type or a table, got " .. type(short))
  end
  if is_full(short) then
    check_node(short, path, where, depth, {})
    return short
  end
  if #short > 0 then return expand_list(short, path, where, depth) end
  return expand_object(short, path, where, depth)
end

-- ---- references -------------------------------------------------------------------

-- "#", "#/$defs/name": only within the schema itself.
local function resolve(root, ref)
  local node = root
  if type(ref) ~= "string" or ref:sub(1, 1) ~= "#" then return nil end
  for written in ref:sub(2):gmatch "[^/]+" do
    local part = written:gsub("~1", "/"):gsub("~0", "~")
    if type(node) ~= "table" then return nil end
    local place = math.tointeger(tonumber(part)) -- lists count from 0 there
    node = node[part] ~= nil and node[part] or place and node[place + 1] or nil
  end
  return node
end

-- Where a chain of references ends must be a schema.
local function check_ref(node, root, path, where)
  local ref, steps = node["$ref"], 0
  while type(node) == "table" and type(node["$ref"]) == "string" do
    node, steps = resolve(root, node["$ref"]), steps + 1
    if node == nil then
      complain(where, at(path, "$ref"), shown(ref) .. " is not in the schema",
        "a reference leads to a place within it, such as \"#/$defs/name\"")
    elseif steps > DEPTH then
      complain(where, at(path, "$ref"), shown(ref) .. " leads only to itself")
    end
  end
end

local VALUES = { enum = true, const = true, default = true, examples = true }

local function check_refs(node, root, path, where, seen, depth)
  depth = (depth or 0) + 1
  if type(node) ~= "table" or seen[node] then return end
  if depth > 4 * DEPTH then complain(where, "", "the schema is nested too deep") end
  seen[node] = true
  check_ref(node, root, path, where)
  for _, key in ipairs(#node > 0 and {} or sorted_keys(node)) do
    if not VALUES[key] then check_refs(node[key], root, at(path, key), where, seen, depth) end
  end
  for i, child in ipairs(node) do check_refs(child, root, at(path, i), where, seen, depth) end
end

--- The JSON Schema that a short form stands for; a full one as it is. Raises what is wrong with it.
---@param spec string|table
---@param where? string who asks, for the message
---@return table
function schema.of(spec, where)
  where = where or "schema"
  local full = expand(spec, "", where, 1)
  check_refs(full, full, "", where, {})
  return full
end

-- ---- strict -----------------------------------------------------------------------

local strict

local function nullable(node)
  if type(node) ~= "table" or node.const ~= nil or node["$ref"] or node.anyOf or node.oneOf
    or node.allOf or not node.type then
    return { anyOf = array { node, { type = "null" } } }
  end
  local made, kinds, has = {}, array {}, false
  for key, value in pairs(node) do made[key] = value end
  for i, kind in ipairs(type(node.type) == "table" and node.type or { node.type }) do
    kinds[i], has = kind, has or kind == "null"
  end
  if not has then kinds[#kinds + 1] = "null" end
  made.type = kinds
  if node.enum then
    made.enum = array { table.unpack(node.enum) }
    made.enum[#made.enum + 1] = core.null
  end
  return made
end

local function strict_object(copy, state, depth)
  local required, properties = {}, copy.properties
  for _, name in ipairs(copy.required or {}) do required[name] = true end
  local extra = copy.additionalProperties
  if not properties or (extra ~= nil and extra ~= false) then state.open = true end
  if not properties then return end
  local made, names = {}, array {}
  for _, name in ipairs(sorted_keys(properties)) do
    made[name] = strict(properties[name], state, depth + 1)
    if not required[name] then made[name] = nullable(made[name]) end
    names[#names + 1] = name
  end
  copy.properties, copy.required, copy.additionalProperties = made, names, extra or false
end

local function strict_map(map, state, depth)
  local made = {}
  for name, node in pairs(map) do made[name] = strict(node, state, depth) end
  return made
end

function strict(node, state, depth)
  if type(node) ~= "table" then
    state.open = true
    return node
  end
  if state[node] then return state[node] end
  if depth > DEPTH then errors.raise("inval", "the schema is nested too deep", nil, 2) end
  local copy = setmetatable({}, getmetatable(node) == core.array and core.array or nil)
  state[node] = copy
  for key, value in pairs(node) do copy[key] = value end
  for _, key in ipairs { "$defs", "definitions" } do
    if copy[key] then copy[key] = strict_map(copy[key], state, depth + 1) end
  end
  if copy.items ~= nil then copy.items = strict(copy.items, state, depth + 1) end
  for _, key in ipairs(BRANCHES) do
    if copy[key] then
      local list = array {}
      for i, branch in ipairs(copy[key]) do list[i] = strict(branch, state, depth + 1) end
      copy[key] = list
    end
  end
  if copy.type == "object" or copy.properties then strict_object(copy, state, depth) end
  if next(node) == nil then state.open = true end
  return copy
end

--- A copy as providers' strict modes want it: every property required, those that may be left out
--- nullable, no others allowed. The second result is false when that cannot be done (objects
--- with properties of any name, values of any type).
---@param full table
---@return table schema, boolean strict
function schema.strict(full)
  look_through(full, "lg.schema.strict")
  local state = { open = false }
  local copy = strict(full, state, 1)
  return copy, not state.open
end

-- ---- checking ---------------------------------------------------------------------

local function is_list(value)
  return type(value) == "table" and (getmetatable(value) == core.array or #value > 0)
end

local function is_object(value)
  return type(value) == "table" and #value == 0 and getmetatable(value) ~= core.array
end

-- The digits of one that is whole.
local function digits_of(value) return tostring(value):match "^-?(%d+)$" end

local function is_type(value, name)
  if is_long(value) then
    return name == "number" or name == "integer" and digits_of(value) ~= nil
  elseif name == "array" then
    return is_list(value) or type(value) == "table" and next(value) == nil
  elseif name == "object" then
    return is_object(value)
  elseif name == "integer" then
    return type(value) == "number" and math.tointeger(value) ~= nil
  elseif name == "null" then
    return value == core.null
  end
  return type(value) == name
end

local ARTICLE = { array = "a list", object = "an object", integer = "a whole number",
  number = "a number", string = "a text", boolean = "true or false", null = "null" }

local function kinds_in_words(kinds)
  local words = {}
  for i, kind in ipairs(kinds) do words[i] = ARTICLE[kind] end
  return table.concat(words, " or ")
end

-- A number in JSON's writing.
local function written(x)
  if is_long(x) then return tostring(x) end
  return type(x) == "number" and core.number_text(x) or nil
end

-- The nearest number that can be calculated with.
local function value_of(limit) return is_long(limit) and tonumber(tostring(limit)) or limit end

local function equal(a, b)
  if is_long(a) or is_long(b) then
    local x, y = written(a), written(b)
    return x ~= nil and y ~= nil and core.same_number(x, y)
  end
  if type(a) == "number" and type(b) == "number" then return a == b end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  local ok, one = pcall(core.json_encode, a)
  local fine, other = pcall(core.json_encode, b)
  return ok and fine and one == other
end

local function among(value, list)
  for _, one in ipairs(list) do
    if equal(value, one) then return true end
  end
  return false
end

local function listed(list)
  local words = {}
  for i, value in ipairs(list) do words[i] = shown(value) end
  return table.concat(words, ", ")
end

local function check_values(value, node)
  if node.type ~= nil then
    local kinds, fits = type(node.type) == "table" and node.type or { node.type }, false
    for _, kind in ipairs(kinds) do fits = fits or is_type(value, kind) end
    if not fits then return ("must be %s, got %s"):format(kinds_in_words(kinds), shown(value)) end
  end
  if node.const ~= nil and not equal(value, node.const) then
    return ("must be %s, got %s"):format(shown(node.const), shown(value))
  end
  if node.enum and not among(value, node.enum) then
    return ("must be one of %s, got %s"):format(listed(node.enum), shown(value))
  end
end

-- Integers exactly, whatever their size; fractions as far as floats can tell.
local function is_multiple(x, step, long)
  local part = math.type(step) == "float" and math.tointeger(step) or step
  if math.type(part) == "integer" and part ~= 0 and math.abs(part) < 2 ^ 59 then
    if math.type(x) == "integer" then return x % part == 0 end
    local digits = long and digits_of(long)
    if digits then
      local rest = 0
      for digit in digits:gmatch "%d" do rest = (rest * 10 + math.tointeger(digit)) % part end
      return rest == 0
    end
  end
  return math.abs(x / step - math.floor(x / step + 0.5)) <= 1e-9
end

-- long: the number as it was written, if x is not quite it.
local function check_number(x, node, long)
  local least, most = value_of(node.minimum), value_of(node.maximum)
  local over, under = value_of(node.exclusiveMinimum), value_of(node.exclusiveMaximum)
  local got = long or x
  if least and x < least then return ("must be at least %s, got %s"):format(least, shown(got)) end
  if most and x > most then return ("must be at most %s, got %s"):format(most, shown(got)) end
  if over and x <= over then return ("must be more than %s, got %s"):format(over, shown(got)) end
  if under and x >= under then return ("must be less than %s, got %s"):format(under, shown(got)) end
  local step = value_of(node.multipleOf)
  if step and not is_multiple(x, step, long) then
    return ("must be a multiple of %s, got %s"):format(step, shown(got))
  end
end

local function count_trouble(n, least, most, what)
  if least and n < least then return ("must have at least %d %s, has %d"):format(least, what, n) end
  if most and n > most then return ("must have at most %d %s, has %d"):format(most, what, n) end
end

local validate

local function check_items(list, node, path, state, depth)
  local trouble = count_trouble(#list, node.minItems, node.maxItems, "items")
  if trouble then return path, trouble end
  if node.uniqueItems then
    local seen = {}
    for i, item in ipairs(list) do
      local ok, text = pcall(core.json_encode, item)
      if ok and seen[text] then return at(path, i), "is there twice" end
      seen[text] = ok or nil
    end
  end
  for i = 1, node.items ~= nil and #list or 0 do
    local where, what = validate(list[i], node.items, at(path, i), state, depth + 1)
    if what then return where, what end
  end
end

local function check_members(value, node, path, state, depth)
  for _, name in ipairs(node.required or {}) do
    if rawget(value, name) == nil then return at(path, name), "is missing" end
  end
  local names, properties = sorted_keys(value), node.properties or {}
  local trouble = count_trouble(#names, node.minProperties, node.maxProperties, "members")
  if trouble then return path, trouble end
  for _, name in ipairs(names) do
    local rule = properties[name]
    if rule == nil then rule = node.additionalProperties end
    if rule == false and properties[name] == nil then return at(path, name), "is not expected" end
    if rule ~= nil then
      local where, what = validate(value[name], rule, at(path, name), state, depth + 1)
      if what then return where, what end
    end
  end
end

-- How many of the branches fit, and what the first says when none does.
local function fitting(value, list, path, state, depth)
  local n, first_where, first_what = 0, nil, nil
  for _, branch in ipairs(list) do
    local where, what = validate(value, branch, path, state, depth + 1)
    if not what then
      n = n + 1
    elseif not first_what or #where > #first_where then
      first_where, first_what = where, what
    end
  end
  return n, first_where, first_what
end

local function check_branches(value, node, path, state, depth)
  for _, branch in ipairs(node.allOf or {}) do
    local where, what = validate(value, branch, path, state, depth + 1)
    if what then return where, what end
  end
  for _, key in ipairs { "anyOf", "oneOf" } do
    if node[key] then
      local n, where, what = fitting(value, node[key], path, state, depth)
      if n == 0 then return where, what end
      if key == "oneOf" and n > 1 then
        return path, ("fits %d of the forms, must fit one"):format(n)
      end
    end
  end
end

-- nil when it fits, else where and what.
function validate(value, node, path, state, depth)
  state.steps = state.steps + 1
  if depth > DEPTH then return path, "is nested too deep" end
  if state.steps > STEPS then return path, "" end
  if node == true then return nil end
  if node == false then return path, "is not expected" end
  if node["$ref"] then
    local target = resolve(state.root, node["$ref"])
    if target == nil then return path, "the schema has no " .. tostring(node["$ref"]) end
    local where, what = validate(value, target, path, state, depth + 1)
    if what then return where, what end
  end
  local trouble = check_values(value, node)
  if not trouble and type(value) == "number" then trouble = check_number(value, node) end
  if not trouble and is_long(value) then
    trouble = check_number(tonumber(tostring(value)), node, value)
  end
  if not trouble and type(value) == "string" then
    trouble = count_trouble(utf8.len(value) or #value, node.minLength, node.maxLength, "characters")
  end
  if trouble then return path, trouble end
  local where, what = nil, nil
  if is_list(value) then
    where, what = check_items(value, node, path, state, depth)
  elseif is_object(value) then
    where, what = check_members(value, node, path, state, depth)
  end
  if what then return where, what end
  return check_branches(value, node, path, state, depth)
end

--- Does a value fit a full schema? true; or false, where ("items[2].name", "" for the whole) and
--- what is wrong. Annotations (title, format, default, …) are passed over.
---@param value any
---@param full table
---@return boolean ok, string|nil path, string|nil message
function schema.validate(value, full)
  look_through(full, "lg.schema.validate")
  local state = { root = full, steps = 0 }
  local where, what = validate(value, full, "", state, 1)
  if state.steps > STEPS then return false, "", "takes too many steps to check" end
  if what then return false, where, what end
  return true
end

-- ---- what strict modes add is taken away --------------------------------------------

local function allows_null(node, root, depth)
  if type(node) ~= "table" or depth > DEPTH then return node == true end
  return (validate(core.null, node, "", { root = root, steps = 0 }, depth)) == nil
end

local function tidy(value, node, root, depth)
  if type(value) ~= "table" or type(node) ~= "table" or depth > DEPTH then return value end
  if node["$ref"] then return tidy(value, resolve(root, node["$ref"]), root, depth + 1) end
  if is_list(value) then
    for i = 1, node.items and #value or 0 do
      value[i] = tidy(value[i], node.items, root, depth + 1)
    end
    return value
  end
  local required = {}
  for _, name in ipairs(node.required or {}) do required[name] = true end
  for name, rule in pairs(node.properties or {}) do
    local member = rawget(value, name)
    if member == core.null and not required[name] and not allows_null(rule, root, depth) then
      value[name] = nil
    elseif member ~= nil then
      value[name] = tidy(member, rule, root, depth + 1)
    end
  end
  return value
end

--- Take out the nulls that stand for members which were left out, in place.
---@param value any
---@param full table
---@return any value
function schema.tidy(value, full)
  look_through(full, "lg.schema.tidy")
  return tidy(value, full, full, 1)
end

return schema
