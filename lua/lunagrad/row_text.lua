--- Rows of data as texts: what came in, and what is right.
--
-- Any value that a script has in its rows becomes a text; nothing is waited for. Used by the
-- questions of the search (lunagrad.improve.cases) and by the record (lunagrad.book.examples).

local core = require "lunagrad.core"
local metric = require "lunagrad.metric"
local field_of = require("lunagrad.row").get
local var = require "lunagrad.var"

local row_text = {}

local RIGHT = { "answer", "target", "answers" } -- fields that say what is right, as metric has them

local function of_variable(value)
  local state = value:raw_state()
  return state == "ready" and value:shown() or ("(%s)"):format(state)
end

--- One value; of a table its JSON, where it has one.
---@param value any
---@return string
function row_text.value(value)
  if var.is(value) then return of_variable(value) end
  if type(value) == "table" then
    local ok, text = pcall(core.json_encode, value)
    return ok and text or "(a table)"
  end
  return math.type(value) and core.number_text(value) or tostring(value)
end

-- What is right has its own place.
local function is_right(name, field)
  if field then return name == field end
  for _, known in ipairs(RIGHT) do
    if name == known then return true end
  end
  return false
end

--- What came in: a row's fields but the right answer, one alone without its name.
---@param row any
---@param field string|nil that holds what is right
---@return string
function row_text.input(row, field)
  if type(row) ~= "table" or var.is(row) then return row == nil and "" or row_text.value(row) end
  local names = {}
  for name in next, row do
    if type(name) == "string" and not is_right(name, field) then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 1 then return row_text.value(rawget(row, names[1])) end
  local lines = {}
  for i, name in ipairs(names) do
    lines[i] = name .. ": " .. row_text.value(rawget(row, name))
  end
  return table.concat(lines, "\n")
end

--- What a row says is right, as texts; nothing where it does not say.
---@param row any
---@param field string|nil
---@return string[]
function row_text.truths(row, field)
  if type(row) ~= "table" or var.is(row) then return {} end
  for _, name in ipairs(field and { field } or RIGHT) do
    if field_of(row, name) ~= nil then
      local ok, list = pcall(metric.truths, row, field)
      return ok and list or {}
    end
  end
  return {}
end

return row_text
