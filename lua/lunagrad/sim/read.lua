--- Reads a request the way its receiver would: what is asked of me, about which
-- texts, and in what form is the reply wanted?
--
-- Clients differ: some put material between tags, some behind labels, some just
-- write. This file knows kinds of words and kinds of tags, nobody's particular
-- prompts. Called by init; the critic and the editor work on the view it makes.

local lexer = require "lunagrad.sim.lexer"
local question = require "lunagrad.sim.question"

local read = {}

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

-- "LM_SYSTEM_PROMPT" → "system", "FEEDBACK-2" → "feedback".
local function meaning(name)
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
function read.is_verdict(name)
  for _, word in ipairs(VERDICTS) do
    if name:upper():find(word, 1, true) then
      return true
    end
  end
  return false
end

local function is_new(name)
  local upper = name:upper()
  return upper:find "NEW" or upper:find "IMPROVED" or upper:find "REVISED" or upper:find "BETTER"
end

-- "<NEW> and </NEW>", "<NEW>{the new text}</NEW>": said about a form, not material.
local function is_mention(name, content)
  if #content < 20 and read.is_verdict(name) then
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
  if meaning(name) and not is_new(name) then
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
---@field past? boolean inside a block about earlier versions or examples

--- The blocks of one message in order of their ends, and the tags only spoken of.
---@param text string
---@return sim.block[] blocks
---@return string[] mentions
function read.blocks(text)
  local open, blocks, mentions = {}, {}, {}
  for from, slash, name, to in text:gmatch "()<(/?)(%a[%w_%-]*)>()" do
    if slash == "" then
      open[#open + 1] = { name = name, from = from, inner = to }
    else
      for i = #open, 1, -1 do
        local tag = open[i]
        if tag.name == name then
          local content = text:sub(tag.inner, from - 1)
          for k = #open, i, -1 do
            open[k] = nil
          end
          if is_mention(name, content) then
            mentions[#mentions + 1] = name
          else
            blocks[#blocks + 1] = {
              name = name, meaning = meaning(name), from = tag.from, to = to - 1,
              text = content:match "^%s*(.-)%s*$",
            }
          end
          break
        end
      end
    end
  end
  for _, block in ipairs(blocks) do
    block.depth = 1
    for _, other in ipairs(blocks) do
      if other.from < block.from and other.to > block.to then
        block.depth = block.depth + 1
        block.past = block.past or other.meaning == "past"
      end
    end
  end
  return blocks, mentions
end

-- A message without its outermost blocks (those that `keep` refuses stay).
local function without(text, blocks, keep)
  local parts, at = {}, 1
  for _, block in ipairs(blocks) do
    if block.depth == 1 and not (keep and keep[block.meaning or ""]) then
      parts[#parts + 1] = { block.from, block.to }
    end
  end
  table.sort(parts, function(a, b) return a[1] < b[1] end)
  local out = {}
  for _, part in ipairs(parts) do
    out[#out + 1] = text:sub(at, part[1] - 1)
    at = part[2] + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out, "\n")
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
  if bold and meaning(bold) then
    return meaning(bold), rest
  end
  local word, more = line:match "^[%s%[%*#=%-]*(%a[%a ]*)%s*(.*)$"
  local kind = word and LABELS[word:lower():match "^(.-)%s*$"]
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
function read.sections(text)
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

-- ---- what is asked -------------------------------------------------------------

local vocabulary = lexer.vocabulary {
  rewrite = "improve, rewrite, revise, rework, refine, reword, edit, update, polish",
  new = "improved, new, revised, rewritten, updated, refined, better version, better text, "
    .. "better prompt, better variable",
  thing = "variable, text, prompt, version, answer, solution, code, draft, instruction, response",
  write = "write, send, put, output only, output new, output improved, give, provide, return, "
    .. "reply, respond, produce, generate",
  critique = "feedback, criticism, critique, criticize, criticise, critic, evaluate, evaluation, "
    .. "judge, judgement, assess, assessment, grade, verdict, critical, score, rate, what wrong, "
    .. "what should change, grader",
  merge = "merge, combine, summarize, summarise, aggregate, consolidate, unify, unite, condense, "
    .. "synthesize, summary",
  right = "right, correct, complete, accurate, wrong, incorrect",
  judged = "answer, response, output, solution, prediction, reply, result",
}

local VERBS = {}
for word in ([[improve rewrite revise rework refine reword edit update polish]]):gmatch "%a+" do
  VERBS[word] = true
end

local function signals(text)
  local found = {}
  lexer.read(vocabulary, text, function(hits, _, from, to)
    local first = text:match("^[%s%p]*(%a+)", from)
    if first and VERBS[first:lower()] or hits.write and hits.new and hits.thing then
      found.rewrite = true
    end
    if hits.merge then
      found.merge = true
    end
    if hits.critique or hits.judged and hits.right and text:sub(from, to):find "%?" then
      found.critique = true
    end
  end)
  return found
end

---@class sim.view
---@field system string what system messages say
---@field user string the last user message
---@field outside string it, without what stands between tags
---@field frame string all user messages without the material, but with constraints
---@field blocks sim.block[] of all user messages
---@field asked string? the tag that the reply is wanted in
---@field question sim.question? of a plain question
---@field task "answer"|"critique"|"rewrite"|"merge"
---@field all string everything, for draws

local function decide(view)
  local has = {}
  for _, block in ipairs(view.blocks) do
    has[block.meaning or ""] = true
  end
  for _, section in ipairs(view.sections) do
    has[section.meaning or ""] = true
  end
  local user, system = signals(view.outside), signals(view.system)
  local q = view.question
  local room = q and #view.outside - #q.text or #view.outside
  local bare = q and room < 60 + #q.text // 2 and not (has.output or has.variable)
  local verdict = view.asked and read.is_verdict(view.asked)
  local rewritable = view.asked and not verdict or has.variable
  if verdict and (user.critique or system.critique) then
    return "critique"
  elseif user.rewrite and (rewritable or not bare and view.outside:find "\"[^\"\n]+\"") then
    return "rewrite"
  elseif user.merge or system.merge and has.feedback and not (has.conversation or bare) then
    return "merge"
  elseif user.critique and (has.output or has.variable or has.conversation or not bare) then
    return "critique"
  elseif bare then
    return "answer"
  elseif system.rewrite and rewritable then
    return "rewrite"
  elseif system.critique and (#view.blocks > 0 or has.output or not q) then
    return "critique"
  end
  return "answer"
end

local FRAME = { frame = true, objective = true, [""] = true }

-- A plain answer task has no tags, no labels and none of the words of the other tasks.
local function plainly_a_question(system, user)
  local low = (system .. "\n" .. user):lower()
  for _, sign in ipairs { "<", "improve", "feedback", "critic", "evaluat", "judg", "grade",
    "merge", "rewrite", "verdict", "answer:", "assess", "revise", "score", "summar" } do
    if low:find(sign, 1, true) then
      return false
    end
  end
  return true
end

--- Read a list of messages (contents are strings).
---@param messages { role: string, content: string }[]
---@return sim.view
function read.view(messages)
  local systems, all, users = {}, {}, {}
  for _, message in ipairs(messages) do
    all[#all + 1] = message.content
    if message.role == "system" or message.role == "developer" then
      systems[#systems + 1] = message.content
    elseif message.role ~= "assistant" then
      users[#users + 1] = message.content
    end
  end
  local view = {
    system = table.concat(systems, "\n"), all = table.concat(all, "\0"),
    user = users[#users] or "", blocks = {}, sections = {},
  }
  view.outside, view.frame = view.user, view.user
  view.question = question.find(view.user)
  if view.question and plainly_a_question(view.system, view.user) then
    view.task = "answer"
    return view
  end
  local frames = {}
  for i, text in ipairs { view.system, table.unpack(users) } do
    local blocks, mentions = read.blocks(text)
    for name in text:gmatch "%f[%w]in%a* <(%a[%w_]*)> tags?" do
      mentions[#mentions + 1] = not meaning(name) and name or nil
    end
    for _, name in ipairs(mentions) do
      -- System messages also explain the tags that material comes in.
      if i > 1 or read.is_verdict(name) or is_new(name) or not meaning(name) then
        view.asked = name
      end
    end
    if i > 1 then
      for _, block in ipairs(blocks) do
        view.blocks[#view.blocks + 1] = block
      end
      view.outside = without(text, blocks)
      frames[#frames + 1] = without(text, blocks, FRAME)
    end
  end
  view.frame = table.concat(frames, "\n")
  view.sections = read.sections(view.outside)
  view.task = decide(view)
  return view
end

--- The text of the outermost block with a meaning; of several such, the last.
---@param view sim.view
---@param kind string
---@return string?
function read.block(view, kind)
  local best
  for _, block in ipairs(view.blocks) do
    if block.meaning == kind and not block.past and (not best or block.depth <= best.depth) then
      best = block
    end
  end
  return best and best.text
end

--- The role of the text in question, if the messages name one.
---@param view sim.view
---@return string?
function read.role(view)
  return read.block(view, "role") or view.outside:match "role[^\"\n]-\"([^\"\n]+)\""
    or view.outside:match "role[^%(\n]-%(([^%)\n]+)%)"
end

return read
