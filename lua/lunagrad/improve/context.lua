--- What an optimizer shows besides the variable: feedback with its conversations, and the extras.
--
-- Texts in, two texts out, under a budget of tokens; no model and no graph.
-- Whatever comes from a model or a user is a value of a template whose tags are
-- fenced together, so no value can close a section or open another. When the
-- budget is short, conversations go first, then feedback is trimmed. The words
-- are the templates tgd.* of lunagrad.prompts. Used by lunagrad.improve.tgd.

local core = require "lunagrad.core"

local context = {}

local SOURCES_SHOWN = 3     -- conversations shown of feedback that was merged
local SMALLEST_TALK = 40    -- tokens; a shorter piece of a conversation says nothing
local SMALLEST_PIECE = 20   -- tokens of one piece of feedback, however many there are

-- ---- budgets ---------------------------------------------------------------

--- Each text cut so that all fit `budget` tokens: short ones whole, long ones share what is left.
---@param texts string[]
---@param budget integer
---@return string[]
function context.fit(texts, budget)
  local order, cut = {}, {}
  for i, text in ipairs(texts) do order[i] = { i = i, size = core.tokens(text) } end
  table.sort(order, function(a, b)
    if a.size ~= b.size then return a.size < b.size end
    return a.i < b.i
  end)
  local left = budget
  for rank, one in ipairs(order) do
    local share = math.max(left // (#order - rank + 1), 1)
    cut[one.i] = one.size <= share and texts[one.i] or core.trim(texts[one.i], share)
    left = left - math.min(one.size, share)
  end
  return cut
end

local function total(texts)
  local sum = 0
  for _, text in ipairs(texts) do sum = sum + core.tokens(text) end
  return sum
end

-- ---- pieces of a template --------------------------------------------------

--- Collects values; each is written as a field in the template.
local Values = {}
Values.__index = Values

local function new_values()
  return setmetatable({ fields = {}, n = 0 }, Values)
end

function Values:add(text)
  self.n = self.n + 1
  local name = "value" .. self.n
  self.fields[name] = text
  return "{" .. name .. "}"
end

local function scored(score, target)
  if not score then return "" end
  return (", scored %.4g of %.4g, higher is better"):format(score, target)
end

local function validated(score)
  return score and (", %.4g in validation, higher is better"):format(score) or ""
end

-- ---- feedback --------------------------------------------------------------

--- Equal texts once, with how often they came.
local function distinct(records)
  local list, known = {}, {}
  for _, record in ipairs(records) do
    local one = known[record.text]
    if one then
      one.count = one.count + 1
    else
      one = { record = record, count = 1 }
      list[#list + 1], known[record.text] = one, one
    end
  end
  return list
end

--- The conversations a record is about; of merged feedback those of its first sources.
local function conversations(record)
  if record.conversation and record.conversation ~= "" then return { record.conversation } end
  local list = {}
  for _, source in ipairs(record.sources or {}) do
    local talk = source.conversation
    if talk and talk ~= "" and #list < SOURCES_SHOWN then list[#list + 1] = talk end
  end
  return list
end

local function head_of(values, n, one)
  local record, parts = one.record, {}
  if record.from_role and record.from_role ~= "" then
    parts[1] = " by way of the " .. values:add(record.from_role)
  end
  if record.sources and #record.sources > 1 then
    parts[#parts + 1] = (", merged from %d pieces"):format(#record.sources)
  elseif one.count > 1 then
    parts[#parts + 1] = (", given %d times in these words"):format(one.count)
  end
  parts[#parts + 1] = scored(record.score, record.target or 1)
  return ("Piece %d%s"):format(n, table.concat(parts))
end

--- Pieces of feedback and conversations, cut to the budget. The conversations of a piece are none
-- when there is no room.
local function room_for(list, budget)
  local texts, talks, owner = {}, {}, {}
  for n, one in ipairs(list) do
    texts[n] = one.record.text
    for _, talk in ipairs(conversations(one.record)) do
      talks[#talks + 1], owner[#owner + 1] = talk, n
    end
  end
  texts = context.fit(texts, budget)
  local left = budget - total(texts)
  local fits = #talks > 0 and left // #talks >= SMALLEST_TALK
  local shown = {}
  for k, talk in ipairs(fits and context.fit(talks, left) or {}) do
    shown[owner[k]] = shown[owner[k]] or {}
    table.insert(shown[owner[k]], talk)
  end
  return texts, shown
end

local function feedback_body(values, records, budget)
  local list = distinct(records)
  local most = math.max(budget // SMALLEST_PIECE, 1)
  local left_out = #list - most
  for n = #list, most + 1, -1 do list[n] = nil end
  local texts, talks = room_for(list, budget)
  local lines = {}
  for n, one in ipairs(list) do
    lines[#lines + 1] = head_of(values, n, one) .. ":"
    for _, talk in ipairs(talks[n] or {}) do
      lines[#lines + 1] = "<CONVERSATION>\n" .. values:add(talk) .. "\n</CONVERSATION>"
    end
    lines[#lines + 1] = "<FEEDBACK>\n" .. values:add(texts[n]) .. "\n</FEEDBACK>"
  end
  if left_out > 0 then
    lines[#lines + 1] = ("(%d more pieces are left out for want of room.)"):format(left_out)
  end
  return table.concat(lines, "\n")
end

-- ---- extras ----------------------------------------------------------------

local function texts_of(list, field)
  local texts = {}
  for i, one in ipairs(list) do texts[i] = field and one[field] or one end
  return texts
end

local function past_body(values, past, budget)
  local versions = context.fit(texts_of(past, "text"), budget // 2)
  local said = context.fit(texts_of(past, "feedback"), budget // 2)
  local lines = {}
  for i, one in ipairs(past) do
    lines[i] = ("Version %d%s:\n<VERSION>\n%s\n</VERSION>\nWhat was said about it:\n"
      .. "<FEEDBACK>\n%s\n</FEEDBACK>"):format(i, validated(one.score), values:add(versions[i]),
      values:add(said[i]))
  end
  return table.concat(lines, "\n")
end

local function memory_body(values, memory, budget)
  local lines = {}
  for i, text in ipairs(context.fit(texts_of(memory, "feedback"), budget)) do
    lines[i] = ("Step %d:\n<FEEDBACK>\n%s\n</FEEDBACK>"):format(i, values:add(text))
  end
  return table.concat(lines, "\n")
end

local function refused_body(values, refused, budget)
  local lines = {}
  for i, text in ipairs(context.fit(texts_of(refused, "text"), budget)) do
    local one, note = refused[i], ""
    if one.score and one.kept then
      note = (" (validation: %.4g, the present version has %.4g, higher is better)")
        :format(one.score, one.kept)
    end
    lines[i] = ("Attempt %d%s:\n<VERSION>\n%s\n</VERSION>"):format(i, note, values:add(text))
  end
  return table.concat(lines, "\n")
end

local function constraints_body(values, constraints)
  local lines = {}
  for i, one in ipairs(constraints) do lines[i] = ("%d. %s"):format(i, values:add(one.text)) end
  return table.concat(lines, "\n")
end

local function examples_body(values, examples, budget)
  local lines = {}
  for i, text in ipairs(context.fit(examples, budget)) do
    lines[i] = ("Example %d:\n<TEXT>\n%s\n</TEXT>"):format(i, values:add(text))
  end
  return table.concat(lines, "\n")
end

-- ---- both ------------------------------------------------------------------

--- A section's template with its body in place of its one field.
local function section(prompt, name, body)
  if body == "" then return nil end
  local text = prompt("tgd." .. name)
  local from, to = text:find("{" .. name .. "}", 1, true)
  if not from then return text .. "\n" .. body end
  return text:sub(1, from - 1) .. body .. text:sub(to + 1)
end

--- Tags in capitals get a number, as the engine's fence does.
local function number_tags(text, suffix)
  if suffix == 0 then return text end
  return (text:gsub("(</?[A-Z][A-Z0-9_]*)>", "%1_" .. suffix .. ">"))
end

--- The two texts for the optimizer's question.
---
--- what: feedback (records with text), budget, constraints, examples, refused, past, memory, and
--- prompt(name), which gives the text of a template.
---@param what table
---@return {context: string, extras: string}
function context.build(what)
  local values, budget, extras = new_values(), what.budget, {}
  local bodies = {
    { "past", past_body(values, what.past, budget // 4) },
    { "memory", memory_body(values, what.memory, budget // 8) },
    { "rejected", refused_body(values, what.refused, budget // 8) },
    { "examples", examples_body(values, what.examples, budget // 8) },
    { "constraints", constraints_body(values, what.constraints) },
  }
  for _, body in ipairs(bodies) do
    extras[#extras + 1] = section(what.prompt, body[1], body[2])
  end
  local used = 0
  for _, text in pairs(values.fields) do used = used + core.tokens(text) end
  local said = feedback_body(values, what.feedback, math.max(budget - used, budget // 4))
  local rest = #extras > 0 and "\n" .. table.concat(extras, "\n\n") .. "\n" or ""
  local _, suffix = core.fence(said .. rest, values.fields)
  return {
    context = core.render(number_tags(said, suffix), values.fields),
    extras = core.render(number_tags(rest, suffix), values.fields),
  }
end

--- The last n of a list.
function context.last(list, n)
  return table.move(list, math.max(#list - n + 1, 1), #list, 1, {})
end

--- The last n versions of a history that are not `text`, each text once (as it was seen last).
function context.last_other(list, n, text)
  local kept, known = {}, { [text] = true }
  for i = #list, 1, -1 do
    if #kept == n then break end
    local one = list[i]
    if not known[one.text] then
      known[one.text] = true
      table.insert(kept, 1, one)
    end
  end
  return kept
end

return context
