--- Searching and reading: sim writes a search query for a question, answers a question from the
-- documents before it, and criticises queries and what led to them.
--
-- Its slip: like people who talk to a search field it writes the question down as it is, with the
-- polite and ordinary words that lead to other documents, unless it is told to write key words
-- only. A question is answered with the sentence of the documents that shares most of its words;
-- nothing is understood, and what no document says it does not know.

local hash = require "lunagrad.world.hash"

local search = {}

-- Words that say nothing of what is sought.
local ORDINARY = {}
for word in ([[a about all am an and any are as ask at be been but by can could did do does during
  each find for from get give had has have he her him his how i if in into is it its kind kindly
  know like many may me more most much my name no not of on one or our out over people please
  question said say she should so some somebody something tell than that the their them there these
  they thing things this those to under understand us was we were what when where which who whom
  whose why will with wonder would year years you your]]):gmatch "%a+" do
  ORDINARY[word] = true
end

--- The words of a text that name something, in their order, each once.
---@param text string
---@return string[]
local function key_words(text)
  local list, seen = {}, {}
  for word in text:gmatch "[%w\128-\255]+" do
    local low = word:lower()
    if not ORDINARY[low] and #low > 1 and not seen[low] then
      seen[low], list[#list + 1] = true, word
    end
  end
  return list
end

search.key_words = key_words

local function ordinary_words(text)
  local list, seen = {}, {}
  for word in text:lower():gmatch "%a+" do
    if ORDINARY[word] and not seen[word] then seen[word], list[#list + 1] = true, word end
  end
  return list
end

-- ---- queries ---------------------------------------------------------------------

local TOLD = { "key ?words?", "only the words", "leave out", "nothing but the words",
  "words that name", "omit", "without ordinary", "no ordinary" }

-- Do these instructions say that ordinary words are to be left out?
local function told(instructions)
  local low = instructions:lower()
  for _, pattern in ipairs(TOLD) do
    if low:find(pattern) then return true end
  end
  return false
end

local function wants_query(instructions)
  local low = instructions:lower()
  return low:find "search quer" or low:find "query for" or low:find "search terms"
    or low:find "words to search"
end

--- The query that instructions ask for; nil when they ask for something else.
---@param user string the question
---@param instructions string
---@return string?
function search.query(user, instructions)
  if not wants_query(instructions) then return nil end
  local question = user:match "^%s*(.-)%s*$"
  if told(instructions) then
    local list = key_words(question)
    if #list > 0 then return table.concat(list, " ") end
  end
  return question
end

-- ---- answers ---------------------------------------------------------------------

-- The same word in another form: "bridges", "bridge".
local function stem(word)
  return (word:lower():gsub("ing$", ""):gsub("ed$", ""):gsub("e?s$", ""):gsub("e$", ""))
end

local function sentences(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    for sentence in (line .. " "):gmatch "(.-[.!?])%s+" do list[#list + 1] = sentence end
    local rest = line:match "[.!?]%s+([^.!?]+)$" or not line:find "[.!?]%s*$" and line
    if rest then list[#list + 1] = rest end
  end
  return list
end

-- The question that the text ends with, else its first; looked for piece by piece, because a
-- pattern that starts anywhere takes the square of a long text's length.
local function question_of(text)
  local first, last
  for piece, mark in text:gmatch "([^\n.!?]*)([\n.!?]?)" do
    if mark == "?" and piece ~= "" then
      first, last = first or piece .. mark, piece .. mark
    elseif piece:find "%S" then
      last = nil
    end
  end
  return last or first
end

--- The answer to a question from the documents between tags in the same message; nil when there
--- are none, or no question.
---@param view sim.view
---@return string?
function search.answer(view)
  local documents = {}
  for _, block in ipairs(view.blocks) do
    if not block.meaning or block.meaning == "conversation" then
      documents[#documents + 1] = block.text
    end
  end
  local question = #documents > 0 and question_of(view.outside)
  if not question then return nil end
  local wanted, n = {}, 0
  for _, word in ipairs(key_words(question)) do wanted[stem(word)], n = true, n + 1 end
  local best, most = nil, 0
  for _, sentence in ipairs(sentences(table.concat(documents, "\n"))) do
    local count, seen = 0, {}
    for _, word in ipairs(key_words(sentence)) do
      local s = stem(word)
      if wanted[s] and not seen[s] then seen[s], count = true, count + 1 end
    end
    if count > most then best, most = sentence, count end
  end
  if best and (most >= 2 or most * 2 > n) then return best end
  return "The documents do not say."
end

-- ---- criticism and edits ---------------------------------------------------------

local REMEDY = {
  "write only the key words of the question and leave out polite and ordinary words",
  "leave out all ordinary words and write only the words that name what is sought",
}

local RULES = {
  "Write only the key words of the question.",
  "Leave out polite and ordinary words: write only the words that name what is sought.",
}

local function quoted(words)
  return '"' .. table.concat(words, '", "', 1, math.min(3, #words)) .. '"'
end

--- Criticism of a query, of what it found, or of the instructions for queries; nil for others.
---@param case sim.case
---@param seed integer
---@param nothing string what to say when all is well
---@return string?
function search.critique(case, seed, nothing)
  local role, text = case.role:lower(), case.variable
  if not text then return nil end
  local how = hash.pick(seed, "remedy", REMEDY)
  if role:find "document" and role:find "found" then
    return "These documents do not hold what was asked for. The query should " .. how .. "."
  elseif not role:find "quer" then
    return nil
  elseif role:find "prompt" or role:find "instruction" then
    if told(text) then return nothing end
    return "The queries hold ordinary words, which lead to other documents. The prompt should tell "
      .. "the model to " .. how .. "."
  end
  local ordinary = ordinary_words(text)
  if #ordinary == 0 then return nothing end
  return ("The query holds ordinary words such as %s, which lead to other documents. It should %s.")
    :format(quoted(ordinary), how)
end

--- Whether a piece of feedback is about queries, and wants the words in them that name something.
---@param piece string
---@return boolean
function search.wish(piece) return piece:lower():find "quer" ~= nil and told(piece) end

--- What such pieces come to.
---@param seed integer
---@return string
function search.remedy(seed) return hash.pick(seed, "merge queries", REMEDY) end

--- The sentence that answers feedback on instructions for queries; nil when it wants none.
---@param text string the instructions
---@param feedback string
---@param seed integer
---@return string?
function search.rule(text, feedback, seed)
  if not wants_query(text) or told(text) or not told(feedback) then return nil end
  return hash.pick(seed, "query rule", RULES)
end

return search
