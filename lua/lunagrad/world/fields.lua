--- The field form: material and reply in sections that begin with marks of their own,
-- "[[ ## question ## ]]", one for each named field, explained in the system message.
--
-- This file reads such a request into what it means without the marks (objective, material by
-- name, earlier turns) and writes values under the marks that the reply is wanted in, or as the JSON
-- object that is wanted instead. It knows marks and kinds of names, no program's fields.

local core = require "lunagrad.core"

local fields = {}

local MARK = "^%s*%[%[ ## ([%w_]+) ## %]%](.*)$"
local END = "completed" -- the mark that closes every turn, and holds nothing

-- A text cut at the marks that begin its lines: { name, text } in order; what precedes the first
-- one has no name.
local function sections_of(text)
  local list, lines = { { text = "" } }, {}
  local function close()
    list[#list].text = table.concat(lines, "\n"):match "^%s*(.-)%s*$"
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local name, rest = line:match(MARK)
    if name then
      close()
      list[#list + 1], lines = { name = name }, { rest }
    else
      lines[#lines + 1] = line
    end
  end
  close()
  return list
end

-- The names of marks that a text speaks of within its lines: `[[ ## answer ## ]]`.
local function spoken_of(text)
  local names = {}
  for name in text:gmatch "[`'\"]%[%[ ## ([%w_]+) ## %]%][`'\"]" do
    if name ~= END then names[#names + 1] = name end
  end
  return names
end

-- "1. `answer` (str): the number of things" → what is said of a field behind its type.
local function descriptions_of(text)
  local said = {}
  for line in text:gmatch "[^\n]+" do
    local description = line:match "^%s*%d+%. `[%w_]+` %b():%s*(.*%S)"
    said[#said + 1] = description and not description:find "^%${" and description or nil
  end
  return table.concat(said, "\n")
end

local function last_user(messages)
  for i = #messages, 1, -1 do
    if messages[i].role == "user" then return messages[i].content, i end
  end
  return "", 0
end

local function without_marks(text)
  local parts = {}
  for _, section in ipairs(sections_of(text)) do
    if section.name and section.name ~= END and section.text ~= "" then
      parts[#parts + 1] = section.text
    end
  end
  return #parts > 0 and table.concat(parts, "\n") or text
end

-- "Respond with a JSON object in the following order of fields: `reasoning`, then `answer`."
local function as_json(text)
  return text:lower():find "json object" ~= nil
end

local function json_names(text)
  local names = {}
  for name in text:gmatch "`([%a_][%w_]*)`" do names[#names + 1] = name end
  return names
end

---@class sim.fields
---@field objective string the instructions, with what is said of the fields
---@field inputs { name: string, text: string }[] the material
---@field outputs string[] the fields wanted, in order
---@field json boolean they are wanted as one JSON object
---@field turns { role: string, content: string }[] earlier turns, without marks

-- The fields of the structure that are not given are wanted, unless the user names them.
local function wanted(system, asked, inputs)
  local names = as_json(asked) and json_names(asked) or spoken_of(asked)
  if #names > 0 then return names end
  local given = { [END] = true }
  for _, input in ipairs(inputs) do given[input.name] = true end
  for _, section in ipairs(system) do
    if section.name and not given[section.name] then names[#names + 1] = section.name end
  end
  return names
end

--- Read a request in the field form; nil when it is none.
---@param messages { role: string, content: string }[]
---@return sim.fields?
function fields.of(messages)
  local said = {}
  for _, message in ipairs(messages) do
    if message.role == "system" or message.role == "developer" then
      said[#said + 1] = message.content
    end
  end
  local user, at = last_user(messages)
  local text = table.concat(said, "\n")
  if not (text:find "%[%[ ## [%w_]+ ## %]%]" and user:find "%[%[ ## [%w_]+ ## %]%]") then
    return nil
  end
  local system, inputs, asked = sections_of(text), {}, ""
  for _, section in ipairs(sections_of(user)) do
    if section.name then inputs[#inputs + 1] = section end
  end
  -- What the reply should look like is said behind the last field.
  local last = inputs[#inputs]
  if last then
    local body, tail = last.text:match "^(.*)\n%s*\n([^\n]*fields?[^\n]*)$"
    if body then last.text, asked = body, tail end
  end
  local form = { inputs = inputs, json = as_json(asked ~= "" and asked or text), turns = {} }
  form.outputs = wanted(system, asked, inputs)
  form.objective = system[#system].text .. "\n" .. descriptions_of(text)
  for i = 1, at - 1 do
    local role = messages[i].role
    if role == "user" or role == "assistant" then
      form.turns[#form.turns + 1] = { role = role, content = without_marks(messages[i].content) }
    end
  end
  return form
end

--- The text of a field whose name holds one of the words, or nil.
---@param form sim.fields
---@param ... string
---@return string?
function fields.input(form, ...)
  for _, word in ipairs { ... } do
    for _, input in ipairs(form.inputs) do
      if input.name:find(word, 1, true) then return input.text end
    end
  end
  return nil
end

--- The material as a message: one field as it is, several each between tags of its name.
---@param form sim.fields
---@return string
function fields.material(form)
  if #form.inputs == 1 then return form.inputs[1].text end
  local parts = {}
  for i, input in ipairs(form.inputs) do
    local name = input.name:upper()
    parts[i] = ("<%s>\n%s\n</%s>"):format(name, input.text, name)
  end
  return table.concat(parts, "\n")
end

--- The mark of a field; without a name, the one that ends a turn.
---@param name? string
---@return string
function fields.mark(name)
  return "[[ ## " .. (name or END) .. " ## ]]"
end

--- Write the reply: what leads to the result in the fields before the last, the result there.
---@param form sim.fields
---@param working string may be empty
---@param result string
---@return string
function fields.write(form, working, result)
  local n = #form.outputs
  if n == 0 then
    return result
  elseif n == 1 and working ~= "" then
    result = working .. "\n" .. result
  end
  local parts, object = {}, {}
  for i, name in ipairs(form.outputs) do
    local text = i == n and result or working ~= "" and working or "It follows from what is given."
    parts[i], object[name] = fields.mark(name) .. "\n" .. text, text
  end
  if form.json then return core.json_encode(object) end
  parts[n + 1] = fields.mark()
  return table.concat(parts, "\n\n")
end

return fields
