--- Finds the pieces of a message: blocks between tags, and sections behind labels.
--
-- "<ANSWER> … </ANSWER>", "Answer: …", "[assistant] …", "### Output". What a piece
-- holds is guessed from words in its name; nobody's particular names are known here.

local tags = {}

-- What a tag or label holds, by a word in its name. The first match wins.
local MEANING = {
  { "past", "PAST MEMORY HISTORY REJECTED PREVIOUS EXAMPLE VERSION" },
  { "frame", "CONSTRAINT RULES LIMIT" },
  { "feedback", "FEEDBACK CRITICISM CRITIQUE COMMENT ADVICE REVIEW GRADIENT" },
  { "system", "SYSTEM" },
  { "target", "TARGET EXPECTED REFERENCE TRUTH GOLD" },
  { "objective", "OBJECTIVE GOAL" },
  { "role", "ROLE" },
  { "variable", "VARIABLE TEXT DRAFT CANDIDATE PARAMETER CURRENT ORIGINAL" },
  { "conversation", "CONVERSATION CONTEXT EXCHANGE DIALOG DIALOGUE TRACE" },
  { "input", "INPUT INPUTS USER QUESTION HUMAN PROBLEM TASK" },
  { "output", "OUTPUT ASSISTANT RESPONSE ANSWER PREDICTION PREDICTED REPLY SOLUTION MODEL" },
  { "variable", "PROMPT INSTRUCTION INSTRUCTIONS" },
}

local meaning_of = {}
for _, entry in ipairs(MEANING) do
  for word in entry[2]:gmatch "%u+" do
    meaning_of[word] = meaning_of[word] or entry[1]
  end
end

--- What a name speaks of: "LM_SYSTEM_PROMPT" → "system", "FEEDBACK-2" → "feedback".
---@param name string
---@return string?
function tags.meaning(name)
  local best
  for _, entry in ipairs(MEANING) do
    for word in name:upper():gmatch "%u+" do
      if meaning_of[word] == entry[1] or meaning_of[word:match "^(.-)S$" or ""] == entry[1] then
        best = best or entry[1]
      end
    end
  end
  return best
end

local VERDICTS = { "ACCURACY", "VERDICT", "SCORE", "GRADE", "CORRECT", "JUDGE", "RATING", "PASS" }

--- Does a tag ask for a verdict rather than a text?
---@param name string
---@return boolean
function tags.is_verdict(name)
  for _, word in ipairs(VERDICTS) do
    if name:upper():find(word, 1, true) then
      return true
    end
  end
  return false
end

--- Does a tag's name say that it is for a new text?
---@param name string
---@return boolean
function tags.is_new(name)
  local upper = name:upper()
  return (upper:find "NEW" or upper:find "IMPROVED" or upper:find "REVISED"
    or upper:find "BETTER") ~= nil
end

-- "<NEW> and </NEW>", "<NEW>{the new text}</NEW>": said about a form, not material.
local function is_mention(name, content)
  if #content < 20 and tags.is_verdict(name) then
    return true
  end
  if #content > 80 or content:find "\n" then
    return content:find "^%s*$" ~= nil or content:find "^%s*{[^{}\n]*}%s*$" ~= nil
  end
  if content:find "^%W*$" or content:find "^[%s`'\"]*and[%s`'\"]*$" then
    return true
  elseif content:find "^%s*[{%[][^\n]*[}%]]%s*$" then
    return true
  end
  local low = content:lower()
  if tags.meaning(name) and not tags.is_new(name) then
    return false
  end
  return low:find "^%s*your " ~= nil or low:find "^%s*the " ~= nil or low:find "^%s*new " ~= nil
    or low:find "^%s*%d+ or %d+%s*$" ~= nil or low:find "^%s*%a+ or %a+%s*$" ~= nil
    or low:find "%.%.%.%s*$" ~= nil
end

---@class sim.block a piece of text between tags
---@field name string as written
---@field meaning string? what it seems to hold
---@field text string
---@field from integer first byte with its tag
---@field to integer last byte with its tag
---@field depth integer 1: in no other block
---@field past boolean inside a block about earlier versions or examples

local MAX_DEPTH = 50 -- tags that are open at once; nobody means more

-- How deep each block lies, and whether in one about the past.
local function set_depths(blocks)
  local order, around = table.move(blocks, 1, #blocks, 1, {}), {}
  table.sort(order, function(a, b) return a.from < b.from end)
  for _, block in ipairs(order) do
    while #around > 0 and around[#around].to < block.from do
      around[#around] = nil
    end
    local parent = around[#around]
    block.depth = #around + 1
    block.past = parent and (parent.past or parent.meaning == "past") or false
    around[#around + 1] = block
  end
end

-- The names of mentions that stand in no block: what material speaks of is not asked of us.
local function spoken_outside(mentions, blocks)
  local names, at = {}, 1
  table.sort(mentions, function(a, b) return a.from < b.from end)
  local outer = {}
  for _, block in ipairs(blocks) do
    outer[#outer + 1] = block.depth == 1 and block or nil
  end
  for _, mention in ipairs(mentions) do
    while outer[at] and outer[at].to < mention.from do
      at = at + 1
    end
    if not outer[at] or outer[at].from > mention.from then
      names[#names + 1] = mention.name
    end
  end
  return names
end

--- The blocks of one message in order of their ends, and the tags only spoken of.
---@param text string
---@return sim.block[] blocks
---@return string[] mentions
function tags.blocks(text)
  local open, n_open, blocks, mentions = {}, {}, {}, {}
  for from, slash, name, to in text:gmatch "()<(/?)(%a[%w_%-]*)>()" do
    if slash == "" and #open < MAX_DEPTH then
      open[#open + 1] = { name = name, from = from, inner = to }
      n_open[name] = (n_open[name] or 0) + 1
    elseif slash ~= "" and (n_open[name] or 0) > 0 then
      local tag
      repeat -- what was opened since and never closed was only spoken of
        tag = table.remove(open)
        n_open[tag.name] = n_open[tag.name] - 1
      until tag.name == name
      local content = text:sub(tag.inner, from - 1)
      if is_mention(name, content) then
        mentions[#mentions + 1] = { name = name, from = tag.from }
      else
        blocks[#blocks + 1] = {
          name = name, meaning = tags.meaning(name), from = tag.from, to = to - 1,
          text = content:match "^%s*(.*%S)" or "",
        }
      end
    end
  end
  set_depths(blocks)
  return blocks, spoken_outside(mentions, blocks)
end

-- ---- labels: "Question: …", "[assistant] …", "### Output" ----------------------

local LABELS = {
  system = "system", instructions = "system", instruction = "system", user = "input",
  human = "input", input = "input", question = "input", problem = "input", assistant = "output",
  output = "output", response = "output", reply = "output", answer = "output",
  prediction = "output", solution = "output", ai = "output", model = "output",
  target = "target", expected = "target", reference = "target", ["ground truth"] = "target",
  ["correct answer"] = "target", feedback = "feedback", ["expected answer"] = "target",
  ["reference answer"] = "target", ["system prompt"] = "system", ["model output"] = "output",
  prompt = "variable", text = "variable", draft = "variable", variable = "variable",
  ["current prompt"] = "variable", ["current text"] = "variable",
  ["language model"] = "output", ["predicted answer"] = "output",
  ["proposed answer"] = "output", ["student answer"] = "output", ["model answer"] = "output",
}

local function label_of(line)
  local bold, rest = line:match "^%s*%*%*(%a[^%*]*)%*%*%s*:?%s*(.*)$"
  if bold and tags.meaning(bold) then
    return tags.meaning(bold), rest
  end
  local word, more = line:match "^[%s%[%*#=%-]*(%a[%a ]*)%s*(.*)$"
  local kind = word and LABELS[word:lower():match "^.*%S"]
  if not kind then
    return nil
  end
  local mark = more:match "^[%]%*=#]+:?" or more:match "^%b()%s*[%]%*]*:" or more:match "^:"
  if mark then
    return kind, more:sub(#mark + 1)
  elseif more == "" and line:find "^%s*[#=%[]" then
    return kind, ""
  end
  return nil
end

--- Split a text at its labels. What precedes the first one has no meaning.
---@param text string
---@return { meaning: string?, text: string, from: integer }[]
function tags.sections(text)
  local sections = { { from = 1 } }
  local lines = {}
  for at, line in text:gmatch "()([^\n]*)\n?" do
    local kind, rest = label_of(line)
    local current = sections[#sections]
    -- "Answer: 7" inside an output is part of it.
    if kind and not (kind == "output" and current.meaning == "output") then
      current.text = table.concat(lines, "\n")
      sections[#sections + 1] = { meaning = kind, from = at }
      lines = { rest:match "^%s*(.*)$" }
    else
      lines[#lines + 1] = line
    end
  end
  sections[#sections].text = table.concat(lines, "\n")
  return sections
end

return tags
