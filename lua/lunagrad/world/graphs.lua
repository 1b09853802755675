--- A recorded computation: code, the values in it, the variables that may change, and feedback on
-- the result, each behind a heading such as "#Variables"; a JSON object with suggested values is
-- wanted back.
--
-- The calls whose arguments hold a question become the examples of a reflection (reflect.lua), so
-- that this form is read as well as that one, with the same noise. One text is changed: the first
-- variable that such a call is given.

local core = require "lunagrad.core"
local question = require "lunagrad.world.question"
local reflect = require "lunagrad.world.reflect"

local graphs = {}

-- "#Inputs" on a line of its own → the text below it.
local function sections_of(text)
  local list, name, lines = {}, nil, {}
  local function close()
    if name then list[name] = table.concat(lines, "\n") end
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local heading = line:match "^#(%a+)%s*$"
    if heading then
      close()
      name, lines = heading:lower(), {}
    elseif line:find "^====" then
      close()
      name = nil
    else
      lines[#lines + 1] = line
    end
  end
  close()
  return list
end

-- "(str) name=value", values over several lines, into `values`.
local function read_values(text, values)
  local name
  for line in ((text or "") .. "\n"):gmatch "([^\n]*)\n" do
    local start, rest = line:match "^%(%a+%) ([%w_:]+) ?=(.*)$"
    if start then
      name = start
      values[name] = rest
    elseif name then
      values[name] = values[name] .. "\n" .. line
    end
  end
  for key, value in pairs(values) do values[key] = value:match "^%s*(.-)%s*$" end
  return values
end

---@class sim.record
---@field variable string the name of the variable to change
---@field reflection sim.reflection

--- Read a recorded computation; nil when it is none.
---@param user string the user's message
---@return sim.record?
function graphs.of(user)
  if not (user:find("\n#Variables", 1, true) and user:find("\n#Feedback", 1, true)) then
    return nil
  end
  local parts = sections_of(user)
  local values, changeable = {}, read_values(parts.variables, {})
  for _, name in ipairs { "inputs", "others", "outputs" } do read_values(parts[name], values) end
  local examples, variable = {}, nil
  for line in (parts.code or ""):gmatch "[^\n]+" do
    local result, given = line:match "^%s*([%w_]+) ?= ?[%w_.]+%((.*)%)%s*$"
    local input, uses
    for name in (given or ""):gmatch "=%s*([%w_]+)" do
      if changeable[name] then uses = uses or name end
      if values[name] and question.find(values[name]) then input = values[name] end
    end
    if input and uses and values[result] then
      variable = variable or uses
      examples[#examples + 1] = { input = input, output = values[result],
        feedback = parts.feedback }
    end
  end
  if not variable then return nil end
  return { variable = variable,
    reflection = { text = changeable[variable], examples = examples } }
end

--- Suggest a value for the variable. Where JSON is wanted the form is kept: servers hold models to it.
---@param record sim.record
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string
---@return "stop"
function graphs.reply(record, options)
  local new = reflect.rework(record.reflection, options)
  return core.json_encode { reasoning = "The feedback is worked into the text.", answer = "",
    suggestion = { [record.variable] = new } }, "stop"
end

return graphs
