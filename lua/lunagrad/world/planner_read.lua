--- What sim/planner reads in a request: tables of doses, protocols, weights, earlier weights.
--
-- By their form, nobody's wording: a table begins with a line of measures, a protocol is a name, a
-- measure, "<=" or ">=" and a number, weights are lines of a name, a colon and a number. Texts in,
-- tables out. Used by lunagrad.world.planner.

local read = {}

local MEASURE = "[DV]%d+%.?%d*"

local function lines_of(text)
  return (text .. "\n"):gmatch "(.-)\r?\n"
end

local function trim(text) return text:match "^%s*(.-)%s*$" end

local function is_measure(word)
  return word == "mean" or word == "min" or word == "max" or word:find("^" .. MEASURE .. "$") ~= nil
end

-- The measures of a table's first line; nil: it is none.
local function header_of(line)
  local measures = {}
  for word in line:gmatch "%S+" do
    if is_measure(word) then
      measures[#measures + 1] = word
    elseif #measures > 0 then
      return nil
    end
  end
  return #measures >= 3 and measures or nil
end

-- Name and numbers of a table's line, if it has so many.
local function row_of(line, n)
  local numbers, name = {}, line:match "^%s*(%a.-)%s+%-?%d"
  if not name then return nil end
  for number in line:sub(#line:match "^%s*" + #name + 1):gmatch "%S+" do
    numbers[#numbers + 1] = tonumber(number)
  end
  return #numbers == n and name or nil, numbers
end

--- The last table of doses in a text: names in their order, and by name the measures; nil: none.
---@param text string
---@return { names: string[], of: table<string, table<string, number>> }|nil
function read.doses(text)
  local found, measures
  for line in lines_of(text) do
    local header = header_of(line)
    local name, numbers
    if measures and not header then name, numbers = row_of(line, #measures) end
    if header then
      measures, found = header, { names = {}, of = {} }
    elseif name then
      found.names[#found.names + 1], found.of[name] = name, {}
      for i, measure in ipairs(measures) do found.of[name][measure] = numbers[i] end
    else
      measures = nil
    end
  end
  return found and #found.names > 0 and found or nil
end

--- The protocols of a text: {name, measure, most, limit, text}.
---@param text string
---@return table[]
function read.protocols(text)
  local list, known = {}, {}
  for line in lines_of(text) do
    local name, measure, sign, limit = line:match "^%s*(%a.-)%s+(%S+)%s*([<>]=)%s*(%d+%.?%d*)%s*$"
    if name and is_measure(measure) and not known[trim(line)] then
      known[trim(line)] = true
      list[#list + 1] = { name = name, measure = measure, most = sign == "<=",
        limit = tonumber(limit), text = trim(line) }
    end
  end
  return list
end

--- Does a text say of a protocol that it is not met? "rectum V50 <= 25: 31.2, not met"
---@param text string
---@param protocol string
---@return boolean
function read.is_told(text, protocol)
  local from = 1
  while true do
    local _, to = text:find(protocol .. ":", from, true)
    if not to then return false end
    if text:find("^[^\n]*not met", to) then return true end
    from = to
  end
end

--- The weights in a text, as lines; names in their order. nil: there are none.
---@param text string
---@return { names: string[], of: table<string, number> }|nil
function read.weights(text)
  local found = { names = {}, of = {} }
  for line in lines_of(text) do
    local name, value = line:match "^%s*(%a[^:]-)%s*:%s*(%d+%.?%d*)%s*$"
    if name and not found.of[name] then
      found.names[#found.names + 1], found.of[name] = name, tonumber(value)
    end
  end
  return #found.names > 0 and found or nil
end

--- The blocks between tags of a name, in their order; the tag may be numbered.
---@param text string
---@param tag string
---@return string[]
function read.blocks(text, tag)
  local list, at = {}, 1
  while true do
    local from, to, number = text:find("<" .. tag .. "(_?%d*)>\n", at)
    if not from then return list end
    local last, behind = text:find("\n</" .. tag .. number .. ">", to, true)
    if not last then return list end
    list[#list + 1], at = text:sub(to + 1, last - 1), behind + 1
  end
end

--- Which names a text asks to be written, where it says so: "PTV: number; rectum: number".
---@param text string
---@return string[]
function read.wanted(text)
  local list, known = {}, {}
  for name in text:gmatch "%f[%a](%a[^:;\n]-): number" do
    if not known[name] then
      known[name] = true
      list[#list + 1] = name
    end
  end
  return list
end

-- A line for each clause.
local function clauses(text)
  return (text:gsub("[.;] ", "\n"):gsub(",? and ", "\n"):gsub(",? while ", "\n"))
end

--- Points about a structure: clauses of a text that name it, and the numbers in them.
---@param text string
---@param name string
---@return { value: number|nil, limit: number|nil, more: boolean, less: boolean }[]
function read.points(text, name)
  local list = {}
  local plain = name:lower():gsub("%W", "%%%0")
  for line in lines_of(clauses(text)) do
    local lower = line:lower()
    if lower:find("%f[%w]" .. plain .. "%f[%W]") then
      local value, limit = lower:match "is (%d+%.?%d*) where at %a+ (%d+%.?%d*)"
      list[#list + 1] = { value = tonumber(value), limit = tonumber(limit),
        more = lower:find "more weight" ~= nil or lower:find "raise" ~= nil
          or lower:find "increase" ~= nil,
        less = lower:find "less weight" ~= nil or lower:find "room" ~= nil
          or lower:find "lower" ~= nil or lower:find "reduce" ~= nil }
    end
  end
  return list
end

return read
