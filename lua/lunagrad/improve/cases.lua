--- How examples and what came of them stand in questions: what came in, what came out, what was
--- said of it and what is right.
--
-- Texts only; nobody is asked. Used by lunagrad.improve.propose.*.

local core = require "lunagrad.core"
local context_of = require "lunagrad.improve.context"
local metric = require "lunagrad.metric"
local field_of = require("lunagrad.row").get
local var = require "lunagrad.var"

local cases = {}

local RIGHT = { "answer", "target", "answers" } -- fields that say what is right, as metric has them

-- ---- rows ------------------------------------------------------------------

local function value_text(value)
  if var.is(value) then return value:shown() end
  if type(value) == "table" then return core.json_encode(value) end
  return type(value) == "number" and core.number_text(value) or tostring(value)
end

-- What is right has its own place.
local function is_right(name, field)
  if field then return name == field end
  for _, known in ipairs(RIGHT) do
    if name == known then return true end
  end
  return false
end

--- What came in, as text: a row's fields but the right answer, one alone without its name.
---@param row any
---@param field string|nil that holds what is right
---@return string
function cases.input(row, field)
  if type(row) ~= "table" or var.is(row) then return row == nil and "" or value_text(row) end
  local names = {}
  for name in next, row do
    if type(name) == "string" and not is_right(name, field) then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 1 then return value_text(rawget(row, names[1])) end
  local lines = {}
  for i, name in ipairs(names) do lines[i] = name .. ": " .. value_text(rawget(row, name)) end
  return table.concat(lines, "\n")
end

--- What a row says is right, as texts; nothing where it does not say.
---@param row any
---@param field string|nil
---@return string[]
function cases.truths(row, field)
  if type(row) ~= "table" or var.is(row) then return {} end
  for _, name in ipairs(field and { field } or RIGHT) do
    if field_of(row, name) ~= nil then
      local ok, list = pcall(metric.truths, row, field)
      return ok and list or {}
    end
  end
  return {}
end

-- ---- what came of them -------------------------------------------------------

--- "scored 0 of 1".
---@param one table of a batch
---@param context table
---@return string
function cases.scored(one, context)
  return ("scored %.4g of %.4g"):format(one.score or 0, context.perfect or 1)
end

--- What the metric or the evaluation said of an output, in words.
---@param one table of a batch
---@param context table
---@return string
function cases.verdict(one, context)
  local said = { "It was " .. cases.scored(one, context) .. "." }
  local right = cases.truths(one.row, context.field)
  if #right > 0 then said[2] = "Right is: " .. table.concat(right, " or ") end
  if one.feedback and one.feedback:find "%S" then said[#said + 1] = one.feedback end
  return table.concat(said, "\n")
end

local function add(lines, values, name, value)
  if not value or not value:find "%S" then return end
  local field = ("case%d"):format(#values.texts + 1)
  values.texts[#values.texts + 1] = value
  lines[#lines + 1] = ("<%s>\n{%s}\n</%s>"):format(name, field, name)
end

--- A template in which some cases stand, and the values of its fields.
---@param batch table[]
---@param context table
---@param budget integer tokens of all that is shown
---@param head? fun(one: table, n: integer): string what stands before each
---@return string template
---@return table<string, string> values
function cases.template(batch, context, budget, head)
  local lines, values = {}, { texts = {} }
  for n, one in ipairs(batch) do
    local title = head and head(one, n) or ("Case %d (%s)"):format(n, cases.scored(one, context))
    lines[#lines + 1] = title .. ":\n<CASE>"
    add(lines, values, "INPUT", cases.input(one.row, context.field))
    add(lines, values, "OUTPUT", one.output)
    add(lines, values, "OTHER_OUTPUT", one.other)
    add(lines, values, "EXPECTED", table.concat(cases.truths(one.row, context.field), " or "))
    add(lines, values, "FEEDBACK", one.feedback)
    lines[#lines + 1] = "</CASE>"
  end
  local named = {}
  for i, text in ipairs(context_of.fit(values.texts, budget)) do named["case" .. i] = text end
  return table.concat(lines, "\n"), named
end

return cases
