--- What a critique or a rewrite is about: the text in question, the question asked,
-- the output, and what was said of it, found in the messages by tags, labels and
-- position. It judges nothing.

local question = require "lunagrad.world.question"
local read = require "lunagrad.world.read"
local tags = require "lunagrad.world.tags"

local case = {}

local ANSWER_WORDS = { "answer", "solution", "response", "prediction", "reply", "output" }
local PROMPT_WORDS = { "prompt", "instruction", "question", "template", "criteri", "rubric" }

local function mentions_any(text, list)
  for _, word in ipairs(list) do
    if text:find(word, 1, true) then
      return true
    end
  end
  return false
end

--- Is the text to be judged or rewritten itself an answer, and not instructions?
---@param role string? what it is called
---@param text string? the text
---@param behind string? what follows the question in the material
---@return boolean
local function is_answer(role, text, behind)
  if role then
    local low = role:lower()
    local answer = mentions_any(low, ANSWER_WORDS)
    -- "system prompt for answering …" is a prompt, "answer to the question" an answer.
    if answer and (low:find "^%A*answer to" or low:find "^%A*solution to") then
      return true
    elseif answer or mentions_any(low, PROMPT_WORDS) then
      return answer and not mentions_any(low, { "prompt", "instruction", "template" })
    end
  end
  return text ~= nil and behind ~= nil and #text > 0 and behind:find(text, 1, true) ~= nil
end

-- What stands behind the question: the output, when nothing says so more clearly.
local function behind_question(material, q)
  local rest = material:sub(q.to + 1)
  local out
  for _, section in ipairs(tags.sections(rest)) do
    if section.meaning == "output" or out and not section.meaning then
      out = (out and out .. "\n" or "") .. section.text
    elseif out then
      break
    end
  end
  return out or rest:gsub("</?%a[%w_%-]*>", "\n")
end

-- A text to judge that consists of fields, one of which is an answer.
local function holds_output(text)
  for _, block in ipairs((tags.blocks(text))) do
    if block.meaning == "output" then
      return true
    end
  end
  return false
end

---@class sim.case
---@field variable string? the text that the critique is about
---@field role string
---@field answer boolean whether that text is itself an answer
---@field about_answer boolean so it is, or there is no such text and only an output to judge
---@field question sim.question?
---@field output string? what is to be judged
---@field feedback string? what was already said about the output
---@field instructions string

--- Collect what a critique or a rewrite is about.
---@param view sim.view
---@return sim.case
function case.of(view)
  local found = { role = read.role(view), variable = read.block(view, "variable") }
  local material = read.block(view, "conversation") or view.user
  local q = question.find(material)
  local nested = read.output(view)
  local behind = q and behind_question(material, q)
  found.answer = is_answer(found.role, found.variable, behind)
  if not q then
    q = question.find(view.user) or question.find(view.system)
  end
  found.question = q
  found.feedback = read.block(view, "feedback")
  if found.answer and found.variable then
    found.output = found.variable
  else
    found.output = nested or behind
  end
  if not found.output and not read.block(view, "conversation") then
    found.output = view.outside -- "Is this right?" in the system message, the text below it
  end
  if q and found.output and question.find(found.output) and not nested then
    found.output = behind
  end
  found.instructions = not found.answer and found.variable or material:sub(1, q and q.from - 1 or 0)
  found.about_answer = found.answer or not found.variable or holds_output(found.variable)
  found.role = found.role or (found.about_answer and "answer" or "prompt")
  return found
end

--- The value that the messages say was expected, if any does.
---@param text string
---@return integer?
function case.expected(text)
  local low = text:lower()
  for _, mark in ipairs { "expected", "should be", "should have been", "correct answer is",
    "correct answer:", "ground truth", "reference", "target", "right answer is" } do
    local at = low:find(mark, 1, true)
    local digits = at and low:sub(at + #mark, at + #mark + 30):match "^[^%d\n.]*(%d+)"
    if digits then
      return math.tointeger(tonumber(digits))
    end
  end
  return nil
end

return case
