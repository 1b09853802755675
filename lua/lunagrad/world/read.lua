--- Reads a request the way its receiver would: what is asked of me, about which
-- texts, and in what form is the reply wanted?
--
-- Clients differ: some put material between tags, some behind labels, some just
-- write. This file knows kinds of words and kinds of tags, nobody's particular
-- prompts. The critic and the editor work on the view it makes.

local lexer = require "lunagrad.world.lexer"
local question = require "lunagrad.world.question"
local tags = require "lunagrad.world.tags"

local read = {}

-- ---- what is asked -------------------------------------------------------------

local vocabulary = lexer.vocabulary {
  rewrite = "improve, rewrite, revise, rework, refine, reword, edit, update, polish",
  new = "improved, new, revised, rewritten, updated, refined, better version, better text, "
    .. "better prompt, better variable, better instruction",
  thing = "variable, text, prompt, version, answer, solution, code, draft, instruction, response",
  write = "write, send, put, output only, output new, output improved, give, provide, return, "
    .. "reply, respond, produce, generate",
  critique = "feedback, criticism, critique, criticize, criticise, critic, evaluate, evaluation, "
    .. "judge, judgement, assess, assessment, grade, verdict, critical, score, rate, what wrong, "
    .. "what should change, grader",
  merge = "merge, combine, summarize, summarise, aggregate, consolidate, unify, unite, condense, "
    .. "synthesize, summary",
  right = "right, correct, complete, accurate, wrong, incorrect, same, match, agree, equal",
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
---@field untagged boolean? … which was taken back: it is wanted without
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
  local verdict = view.asked and tags.is_verdict(view.asked)
  local rewritable = view.asked and not verdict or has.variable
  if verdict and (user.critique or system.critique) then
    return "critique"
  elseif view.asked and tags.is_new(view.asked) and system.rewrite then
    return "rewrite" -- the feedback that is spoken of is given, not wanted
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

-- "[THIS] marks where the text stood": what stands for a text that is given elsewhere is read as
-- that text.
local function fill_marks(text)
  local mark = text:match "(%[%u[%w_ ]*%]) marks"
  local blocks = mark and (tags.blocks(text)) or {}
  for _, block in ipairs(blocks) do
    if block.meaning == "variable" and block.depth == 1 then
      local plain = block.text:gsub("%%", "%%%%")
      local said = text:gsub(mark:gsub("%p", "%%%0") .. " marks", "\0")
      said = said:gsub(mark:gsub("%p", "%%%0"), plain)
      return (said:gsub("%z", (mark .. " marks"):gsub("%%", "%%%%")))
    end
  end
  return text
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
      users[#users + 1] = fill_marks(message.content)
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
    local blocks, mentions = tags.blocks(text)
    for name in text:gmatch "%f[%w]in%a* <(%a[%w_]*)> tags?" do
      mentions[#mentions + 1] = not tags.meaning(name) and name or nil
    end
    for _, name in ipairs(mentions) do
      -- System messages also explain the tags that material comes in.
      if i > 1 or tags.is_verdict(name) or tags.is_new(name) or not tags.meaning(name) then
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
  view.untagged = view.outside:lower():find("do not use the tags", 1, true) ~= nil
  view.frame = table.concat(frames, "\n")
  view.sections = tags.sections(view.outside)
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

--- What is to be judged, and what it should be where both are given in tags: of an <ANSWER> beside
--- a <PREDICTION> the prediction is judged.
---@param view sim.view
---@return string? output
---@return string? target
function read.output(view)
  local output, target = read.block(view, "output"), read.block(view, "target")
  local given, predicted
  for _, block in ipairs(view.blocks) do
    if block.meaning == "output" then
      if block.name:upper():find "^ANSWER" then
        given = block.text
      else
        predicted = block
      end
    end
  end
  if given and predicted and not target and not read.block(view, "conversation") then
    return predicted.text, given
  end
  return output, target
end

--- The role of the text in question, if the messages name one.
---@param view sim.view
---@return string?
function read.role(view)
  return read.block(view, "role") or view.outside:match "role[^\"\n]-\"([^\"\n]+)\""
    or view.outside:match "role[^%(\n]-%(([^%)\n]+)%)"
end

return read
