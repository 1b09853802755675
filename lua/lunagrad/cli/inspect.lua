--- Values as the prompt shows them: tables with what is in them, everything else as print does.
--
-- Pure but for variables that are settled: their texts are read, and none is waited for.

local inspect = {}

local DEPTH = 3    -- tables in tables
local MOST = 50    -- entries of one table
local LONGEST = 200 -- bytes of a text inside a table
local BROAD = 78   -- what is longer takes several lines

local function is_null(value)
  local core = package.loaded["lunagrad.core"]
  return core ~= nil and value == core.null
end

local function is_var(value)
  local core = package.loaded["lunagrad.core"]
  return type(value) == "userdata" and core ~= nil and getmetatable(value) == core.var_metatable
end

local function quoted(text)
  local rest = ""
  if #text > LONGEST then
    local cut = LONGEST
    while cut > LONGEST - 4 and (text:byte(cut + 1) or 0) & 0xC0 == 0x80 do cut = cut - 1 end
    text, rest = text:sub(1, cut), ("… (%d bytes)"):format(#text)
  end
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n"):gsub("\t", "\\t") .. '"' .. rest
end

local function var_text(v)
  local state = v:state()
  if state ~= "ready" then return ("<%s: %s>"):format(v:raw_role(), state) end
  local media = v:raw_media()
  return media and ("<%s: %s>"):format(v:raw_role(), media) or quoted(v:raw_text())
end

-- What a metatable makes of it is for tostring; a list of the library's JSON is a plain one, and so
-- is a row of a data set.
local function is_plain(value)
  if type(value) ~= "table" then return false end
  local meta = getmetatable(value)
  local core = package.loaded["lunagrad.core"]
  return meta == nil or core ~= nil and meta == core.array
    or type(meta) == "table" and rawget(meta, "__name") == "lunagrad.row"
end

local function by_name(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
  return type(a) < type(b)
end

local function sorted_keys(t, n)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then keys[#keys + 1] = key end
  end
  table.sort(keys, by_name)
  return keys
end

local show

local function show_table(t, depth, seen, indent)
  if seen[t] then return "{…}" end -- holds itself
  if next(t) == nil then return "{}" end
  if depth == 0 then return "{…}" end
  seen[t] = true
  local parts, n = {}, rawlen(t)
  local deeper = indent .. "  "
  for i = 1, math.min(n, MOST) do parts[i] = show(rawget(t, i), depth - 1, seen, deeper) end
  for _, key in ipairs(sorted_keys(t, n)) do
    if #parts >= MOST then break end
    local name = type(key) == "string" and key:find "^[%a_][%w_]*$" and key
      or ("[%s]"):format(show(key, 0, seen, deeper))
    parts[#parts + 1] = name .. " = " .. show(rawget(t, key), depth - 1, seen, deeper)
  end
  if #parts >= MOST then parts[#parts + 1] = "…" end
  seen[t] = nil
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + #indent <= BROAD and not line:find("\n", 1, true) then return line end
  return "{\n" .. deeper .. table.concat(parts, ",\n" .. deeper) .. "\n" .. indent .. "}"
end

function show(value, depth, seen, indent)
  if type(value) == "string" then return quoted(value) end
  if is_var(value) then return var_text(value) end
  if is_plain(value) then return show_table(value, depth, seen, indent) end
  return is_null(value) and "null" or tostring(value)
end

--- A value's text; nil for one that print shows as well.
---@param value any
---@return string|nil
function inspect.text(value)
  if is_plain(value) then return show_table(value, DEPTH, {}, "") end
end

return inspect
