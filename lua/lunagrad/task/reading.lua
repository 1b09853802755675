--- Files of published data sets as rows: what all loaders of tasks share.
--
-- A loader gives a function that makes a row of what stands in the file. What is wrong with one
-- is a single error with the file and the line (where the file is one JSON list: the item).

local core = require "lunagrad.core"
local csv = require "lunagrad.csv"
local data = require "lunagrad.data"
local row_module = require "lunagrad.row"
local source = require "lunagrad.source"

local reading = {}

local get = data.get

-- The number of the line with the i-th object; nil where the text is one list.
local function line_of_object(text, i)
  if text:find "^%s*%[" then return nil end
  local number, seen = 0, 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    if line:find "%S" then seen = seen + 1 end
    if seen == i then return number end
  end
  return nil
end

--- Rows of a file of JSON objects, one a line or in one list.
---@param path string
---@param where string what is being called
---@param make fun(object: table, bad: fun(message: string, hint: string|nil), i: integer): table
---@return lunagrad.dataset
function reading.json(path, where, make)
  local text = source.clean(source.read_file(path, where), path, where)
  local rows, of = {}, row_module.maker(path)
  for i, object in ipairs(data.jsonl_text(text, path)) do
    rows[i] = of(make(object, function(message, hint)
      local line = line_of_object(text, i)
      if not line then message = ("item %d of the list: %s"):format(i, message) end
      source.broken("parse", path, line or 1, message, hint)
    end, i))
  end
  return data.list(rows)
end

--- Rows of a CSV file with commas.
---@param path string
---@param where string what is being called
---@param header boolean|string[] true: the first line has the names
---@param make fun(record: table, bad: fun(message: string, hint: string|nil), i: integer): table|nil
--- nil: the record is no row
---@return lunagrad.dataset
function reading.csv(path, where, header, make)
  local text = source.clean(source.read_file(path, where), path, where)
  local records, _, lines = csv.read(text, header, ",", path)
  local rows, of = {}, row_module.maker(path)
  for i, record in ipairs(records) do
    local row = make(record, function(message, hint)
      source.broken("parse", path, lines[i], message, hint)
    end, i)
    if row then rows[#rows + 1] = of(row) end
  end
  if #rows == 0 then source.broken("parse", path, 1, "the file holds no row") end
  return data.list(rows)
end

--- A text that the object must have, under the first of these names that it has.
---@param object table
---@param names string[]
---@param bad fun(message: string)
---@return string
function reading.text(object, names, bad)
  for _, name in ipairs(names) do
    local value = get(object, name)
    if math.type(value) then value = core.number_text(value) end
    if type(value) == "string" and value:find "%S" then return value end
    if value ~= nil then bad(("%q is %s"):format(name, type(value) == "string" and "blank"
      or "no text but a " .. type(value))) end
  end
  return bad(("there is no %q"):format(table.concat(names, "\" or \"")))
end

return reading
