--- The plain question to the editor, for weak models: what a prompt is for, how it is, and what was
--- said about what came of it, as three labelled lines.
--
-- A weak editor takes a conversation for what it is asked and gives it back; a weak critic loses the
-- facts and talks of scores. So there is no conversation here, and where the critic only said over
-- what it was told, the facts of the loss stand in its place. Two prompts improved by hand stand
-- before the question as turns of the talk: that shows the form, which a description does not.
-- For texts that instruct a model only. The words are tgd.plain.* of lunagrad.prompts. Used by
-- lunagrad.improve.rewrite.

local core = require "lunagrad.core"
local ask = require "lunagrad.improve.ask"
local context = require "lunagrad.improve.context"
local proposal = require "lunagrad.improve.proposal"
local layer = require "lunagrad.text"
local var = require "lunagrad.var"

local plain = {}

local SHARE = 4 -- the part of the budget that is shown of feedback

-- ---- is the critic to be trusted? ------------------------------------------

-- What stands in the critic's questions, or is said of one answer, and in no criticism of a prompt.
local FRAME = { "<VARIABLE", "<CONVERSATION", "<FEEDBACK", "<OBJECTIVE", "<NEW_VARIABLE",
  "<SYSTEM" }
local SAID = { "higher is better", "raise the score", "1 is best", "score is 0", "score is 1",
  "the right answer is", "should change to", "variable should change", "change the variable to" }

-- Eight words in a row of what the critic was shown.
local function is_copied(record, words)
  local told = record.remarks and proposal.words(record.remarks)
  if told and proposal.quotation(words, told, " ") then return true end
  local talk = record.conversation and proposal.words(record.conversation)
  return talk ~= nil and proposal.quotation(words, talk, " ") ~= nil
end

local function is_doubtful(record)
  local words = proposal.words(record.text)
  if record.remarks and words == proposal.words(record.remarks) then
    return false -- handed on by its number, and meant
  end
  for _, part in ipairs(FRAME) do
    if record.text:find(part, 1, true) then return true end
  end
  for _, part in ipairs(SAID) do
    if words:find(" " .. part .. " ", 1, true) then return true end
  end
  return is_copied(record, words)
end

-- The pieces as the critic gave them: of merged ones those that they were merged from.
local function pieces_of(records)
  local list = {}
  for _, record in ipairs(records) do
    local sources = record.sources and #record.sources > 0 and record.sources or { record }
    table.move(sources, 1, #sources, #list + 1, list)
  end
  return list
end

--- Whether the critic gave back what it was told, in half of the pieces or more.
---@param records table[] with text
---@return boolean
function plain.doubted(records)
  local pieces, n = pieces_of(records), 0
  for _, one in ipairs(pieces) do n = n + (is_doubtful(one) and 1 or 0) end
  return n > 0 and 2 * n >= #pieces
end

-- ---- what is shown ---------------------------------------------------------

-- On one line, and without the sentences on scores that losses add.
local function flat(text)
  text = text:gsub("[^.\n]*higher is better%.?", "")
  return layer.trim((text:gsub("%s+", " ")))
end

local function add(list, known, text)
  text = text and flat(text) or ""
  if text ~= "" and not known[text] then list[#list + 1], known[text] = text, true end
end

--- What was said, each once: the facts, and the critic's points where they can be trusted or
--- nothing else is known.
---@param records table[]
---@param doubted boolean
---@param budget integer tokens
---@return string
function plain.feedback(records, doubted, budget)
  local list, known = {}, {}
  for _, one in ipairs(pieces_of(records)) do add(list, known, context.remarks(one)) end
  if #list == 0 or not doubted then
    for _, record in ipairs(records) do add(list, known, record.text) end
  end
  return table.concat(context.fit(list, budget // SHARE), " ")
end

-- A text of one line as it is, a longer one between tags.
local function shown(text)
  if not text:find("\n", 1, true) then return text end
  local values = { value = text }
  local _, number = core.fence("<VARIABLE>\n{value}\n</VARIABLE>", values)
  return core.render(context.number_tags("<VARIABLE>\n{value}\n</VARIABLE>", number), values)
end

local FIELDS = { "role", "variable", "feedback" }
local WORKED = { "tgd.plain.first", "tgd.plain.second" }

-- A template with the reply's tag, which gets the number that the question needs.
local function tagged(what, name, number)
  local t = what.template(name)
  if number == 0 then return t end
  return core.var(var.engine(), context.number_tags(t:text(), number), t.role, false)
end

--- The messages of the question.
---@param what table {role, variable, records, doubted, constraints, budget, template(name), shown?
--- = a function that makes a variable of records and their text}
---@return table messages {…, plain = true}, integer number of the reply's tag
function plain.messages(what)
  local said = plain.feedback(what.records, what.doubted, what.budget)
  for _, one in ipairs(what.constraints) do
    said = said .. " " .. core.render(ask.prompt "tgd.plain.rule":text(), { rule = one.text })
  end
  local values = { role = what.role, variable = shown(what.variable), feedback = said }
  local reply = what.template "tgd.plain.first.reply":text()
  local _, number = core.fence(reply .. "{role}{variable}{feedback}", values)
  local user = ask.fill(ask.prompt "tgd.plain", FIELDS, values,
    what.shown and { feedback = what.shown(what.records, said) })
  local messages = { { "system", tagged(what, "tgd.plain.system", number) }, plain = true }
  for _, name in ipairs(WORKED) do
    messages[#messages + 1] = { "user", ask.prompt(name) }
    messages[#messages + 1] = { "assistant", tagged(what, name .. ".reply", number) }
  end
  messages[#messages + 1] = { "user", user }
  return messages, number
end

return plain
