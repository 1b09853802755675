--- How examples and what came of them stand in questions: what came in, what came out, what was
--- said of it and what is right.
--
-- Texts only; nobody is asked. Used by lunagrad.improve.propose.*.

local context_of = require "lunagrad.improve.context"
local row_text = require "lunagrad.row_text"

local cases = {}

--- What came in, and what a row says is right.
cases.input, cases.truths = row_text.input, row_text.truths

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
