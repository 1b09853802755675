--- What an optimizer shows besides the variable: feedback with its conversations, and the extras.
--
-- Texts in, two texts out, under a budget of tokens; no model and no graph.
-- Whatever comes from a model or a user is a value of a template whose tags are
-- fenced together, so no value can close a section or open another. When the
-- budget is short, conversations go first, then feedback is trimmed. The words
-- are the templates tgd.* of lunagrad.prompts. Used by lunagrad.improve.tgd.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local context = {}

local SOLVED_SHOWN = 2      -- conversations that came out well
local SOLVED_SHARE = 8      -- … and the part of the budget that they may have
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
  return (" (scored %.4g of %.4g)"):format(score, target)
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

--- The conversations a record is about; of merged feedback those of its sources.
local function conversations(record)
  if record.conversation and record.conversation ~= "" then return { record } end
  local list = {}
  for _, source in ipairs(record.sources or {}) do
    if source.conversation and source.conversation ~= "" then list[#list + 1] = source end
  end
  return list
end

-- How many examples merged feedback is of: one may have several pieces.
local function examples_of(sources)
  local n, met = 0, {}
  for _, source in ipairs(sources) do
    local key = source.example or source
    if not met[key] then n, met[key] = n + 1, true end
  end
  return n
end

local function head_of(n, one)
  local record, more = one.record, ""
  local merged = examples_of(record.sources or {})
  if merged > 1 then
    more = (", of %d examples together"):format(merged)
  elseif one.count > 1 then
    more = (", given %d times in these words"):format(one.count)
  end
  if record.weight then more = ("%s, weight %.4g"):format(more, record.weight) end
  return ("Feedback %d%s%s"):format(n, more, scored(record.score, record.target or 1))
end

--- What was said about a record's output, without a pair of tags around all of it; nil: nothing.
---@param record table
---@return string|nil
function context.remarks(record)
  local text = record.remarks
  return text and (select(2, text:match "^%s*<(%u[%u%d_]*)>%s*(.-)%s*</%1>%s*$") or text)
end

-- The tokens of what was said about the outputs of conversations.
local function remarked(sources)
  local sum = 0
  for _, source in ipairs(sources) do sum = sum + core.tokens(context.remarks(source) or "") end
  return sum
end

--- Pieces of feedback and conversations, cut to the budget. The conversations of a piece are none
-- when there is no room.
local function room_for(list, budget)
  local texts, sources, owner = {}, {}, {}
  for n, one in ipairs(list) do
    texts[n] = one.record.text
    for _, source in ipairs(conversations(one.record)) do
      sources[#sources + 1], owner[#owner + 1] = source, n
    end
  end
  texts = context.fit(texts, budget)
  local left = budget - total(texts) - remarked(sources)
  local most = math.max(math.min(#sources, left // SMALLEST_TALK), 0) -- the first ones, if not all
  local talks, shown = {}, {}
  for k = 1, most do talks[k] = sources[k].conversation end
  for k, talk in ipairs(most > 0 and context.fit(talks, left) or {}) do
    local n = owner[k]
    shown[n] = shown[n] or {}
    table.insert(shown[n], { talk = talk, record = sources[k] })
  end
  return texts, shown
end

-- Of a conversation that merged feedback is about: how it came out.
local function about(one, merged)
  return merged and "One of them" .. scored(one.record.score, one.record.target or 1) .. ":\n" or ""
end

local function feedback_body(values, records, budget)
  local list = distinct(records)
  local most = math.max(budget // SMALLEST_PIECE, 1)
  local left_out = #list - most
  for n = #list, most + 1, -1 do list[n] = nil end
  local texts, talks = room_for(list, budget)
  local lines = {}
  for n, one in ipairs(list) do
    lines[#lines + 1] = head_of(n, one) .. ":"
    lines[#lines + 1] = "<FEEDBACK>\n" .. values:add(texts[n]) .. "\n</FEEDBACK>"
    for _, shown in ipairs(talks[n] or {}) do
      lines[#lines + 1] = about(shown, one.record.sources and #one.record.sources > 0)
        .. "<CONVERSATION>\n" .. values:add(shown.talk) .. "\n</CONVERSATION>"
      local remarks = context.remarks(shown.record)
      if remarks then
        lines[#lines + 1] = "What was said about its output:\n<REMARKS>\n"
          .. values:add(remarks) .. "\n</REMARKS>"
      end
    end
  end
  if left_out > 0 then
    lines[#lines + 1] = ("(%d more pieces are left out for want of room.)"):format(left_out)
  end
  return table.concat(lines, "\n")
end

--- A few conversations that came out well: what must not be lost.
local function solved_body(values, solved, budget)
  local talks, lines = {}, {}
  for _, record in ipairs(solved) do
    if #talks < SOLVED_SHOWN and (record.conversation or "") ~= "" then
      talks[#talks + 1] = record.conversation
    end
  end
  for _, talk in ipairs(#talks > 0 and context.fit(talks, budget // SOLVED_SHARE) or {}) do
    lines[#lines + 1] = "This one came out right:\n<CONVERSATION>\n" .. values:add(talk)
      .. "\n</CONVERSATION>"
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

-- What each section of the extras holds; their order is the template tgd.extras'.
local BODIES = {
  past = function(values, what, budget) return past_body(values, what.past, budget // 4) end,
  memory = function(values, what, budget) return memory_body(values, what.memory, budget // 8) end,
  rejected = function(values, what, budget)
    return refused_body(values, what.refused, budget // 8)
  end,
  examples = function(values, what, budget)
    return examples_body(values, what.examples, budget // 8)
  end,
  constraints = function(values, what) return constraints_body(values, what.constraints) end,
}

-- ---- both ------------------------------------------------------------------

--- A section's template with its body in place of its field, or behind it where it has none.
local function section(prompt, name, body)
  if body == "" then return nil end
  local found = false
  local text = prompt("tgd." .. name):gsub("({+)" .. name .. "}", function(open)
    if #open % 2 == 0 then return nil end -- "{{" is a brace
    found = true
    return open:sub(2) .. body
  end)
  return found and text or text .. "\n" .. body
end

--- Tags in capitals get a number, as the engine's fence does; 0: they stay.
---@param text string
---@param suffix integer
---@return string
function context.number_tags(text, suffix)
  if suffix == 0 then return text end
  return (text:gsub("(</?[A-Z][A-Z0-9_]*)>", "%1_" .. suffix .. ">"))
end

--- How well the variable does as it is, in words; "" when nothing is known of it.
---@param what table solved, all (examples of the batch), score (of the validation)
---@return string
function context.standing(what)
  local said = {}
  if (what.solved or 0) > 0 then
    said[1] = ("As it is, %d of %d examples of the batch are solved."):format(what.solved, what.all)
  end
  if what.score then
    said[#said + 1] = ("In validation it has %.4g; higher is better."):format(what.score)
  end
  local good = what.score and what.score >= 0.75 or 2 * (what.solved or 0) > (what.all or 0)
  if #said > 0 and good then
    said[#said + 1] = "It does well already: change as little as will mend what is wrong."
  end
  return table.concat(said, " ")
end

--- The texts for the optimizer's question.
---
--- what: feedback (records with text), solved_records (of examples that came out right), solved and
--- all (their numbers), once (the text was judged itself), score (of the validation, or nil),
--- budget, constraints, examples, refused,
--- past, memory, and prompt(name), which gives the text of a template.
---@param what table
---@return {context: string, standing: string, extras: string}
function context.build(what)
  local values, budget, extras = new_values(), what.budget, {}
  for _, name in ipairs(core.fields(what.prompt "tgd.extras")) do
    local body = BODIES[name] and BODIES[name](values, what, budget)
    if not body then
      errors.raise("template", ("the operators' prompt \"tgd.extras\" has no section {%s}")
        :format(name), nil, 0)
    end
    extras[#extras + 1] = section(what.prompt, name, body)
  end
  local used = 0
  local solved = solved_body(values, what.solved_records or {}, budget)
  for _, text in pairs(values.fields) do used = used + core.tokens(text) end
  local said = feedback_body(values, what.feedback, math.max(budget - used, budget // 4))
  if solved ~= "" then said = said .. "\n" .. solved end
  local standing = (what.once and what.prompt "tgd.once" or "")
    .. (section(what.prompt, "standing", context.standing(what)) or "")
  local rest = #extras > 0 and "\n" .. table.concat(extras, "\n\n") .. "\n" or ""
  local _, suffix = core.fence(said .. rest, values.fields)
  return {
    standing = standing,
    context = core.render(context.number_tags(said, suffix), values.fields),
    extras = core.render(context.number_tags(rest, suffix), values.fields),
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
