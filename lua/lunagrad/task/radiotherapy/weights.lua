--- Importance weights as a text, a line for each structure: "rectum: 100".
--
-- What a model wrote is read as people would read it (marks of lists and Markdown, "=" for ":",
-- capitals); what cannot be read is said in words that say what to write instead.

local layer = require "lunagrad.text"

local weights = { LEAST = 1, MOST = 1000 }

--- The text of weights.
---@param names string[]
---@param values number[]
---@return string
function weights.write(names, values)
  local lines = {}
  for i, name in ipairs(names) do
    lines[i] = ("%s: %s"):format(name, ("%.4g"):format(values[i]))
  end
  return table.concat(lines, "\n")
end

-- A line without marks of lists, Markdown and quotes.
local function bare(line)
  local plain = line:gsub("[*`_\"'|]", " "):gsub("^%s*[-+]%s+", ""):gsub("^%s*%d+[.)]%s+", "")
  return layer.trim(plain)
end

local function key_of(name) return (layer.fold(bare(name)):gsub("%s+", " ")) end

local function entry(line)
  local name, value = bare(line):match "^(.-)%s*[:=]%s*(%S.*)$"
  if not name then return nil end
  return key_of(name), (value:gsub("[%s,;.]+$", ""))
end

local function number_of(value)
  return value:match "^[%d.]+$" and tonumber(value) or nil
end

local function form(names)
  local lines = {}
  for i, name in ipairs(names) do lines[i] = name .. ": number" end
  return ("Write %d lines and nothing else: %s. Numbers from %d to %d."):format(#names,
    table.concat(lines, "; "), weights.LEAST, weights.MOST)
end

-- What of one line is no weight of a structure; nil: all is well.
local function take(found, known, name, value, line)
  local i = known[name]
  if not i then
    return ("%q names no structure of this plan."):format(layer.trim(line))
  elseif found[i] then
    return ("%q has two weights."):format(name)
  end
  local number = number_of(value)
  if not number then return ("%q is no number, as the weight of %s."):format(value, name) end
  if not (number >= weights.LEAST and number <= weights.MOST) then
    return ("%s is no weight from %d to %d, for %s."):format(value, weights.LEAST, weights.MOST,
      name)
  end
  found[i] = number
  return nil
end

--- The weights of a text, in the order of the names; nil and in words why not.
---@param text string
---@param names string[]
---@return number[]|nil
---@return string|nil problem
function weights.read(text, names)
  local known, found = {}, {}
  for i, name in ipairs(names) do known[key_of(name)] = i end
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    local name, value = entry(line)
    local problem = name and take(found, known, name, value, line)
    if not name and line:find "[%w]" then
      problem = ("The line %q is no weight."):format(layer.trim(line))
    end
    if problem then return nil, problem .. " " .. form(names) end
  end
  for i, name in ipairs(names) do
    if not found[i] then return nil, ("There is no weight for %s. %s"):format(name, form(names)) end
  end
  return found
end

return weights
