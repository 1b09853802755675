--- What instructions teach the scholar, and what feedback wants: per subject, by the meaning of
-- sentences (lexer.lua), not by anybody's exact words.
--
-- A subject has a list of slips: { name, rate = chance where nothing is said against it,
-- cues = { { strength, "class|class", "class" }, … } (all groups met in one sentence, strongest
-- first), complaint = likewise, fault, remedy, rule = what critics and editors say of it }.

local hash = require "lunagrad.world.hash"
local lexer = require "lunagrad.world.lexer"

local lessons = {}

local vocabulary = lexer.vocabulary {
  each = "each, every, all, any, none, complete",
  step = "step by step, one by one, in turn, step, line by line, one after other, go through, "
    .. "work through, walk through, show work, show working, reasoning, one step",
  sentence = "sentence, statement, fact, event, clause",
  number = "number, quantity, figure",
  mean = "mean, refer, count, stand, describe, say what, belong, unit",
  check = "check, double check, verify, recheck, confirm, compare, make sure, twice, second time",
  calculation = "calculation, arithmetic, equation, computation, sum, result",
  write = "write, show, put down, note, state",
  question = "question, what is asked, asked",
  again = "read question, once more, look at question, at end, look back, precisely, "
    .. "before answer, before you answer, before giving",
  ending = "end, finish, conclude, last line, final line, own line, last",
  answer = "answer, result, letter, option",
  only = "only, nothing else, nothing but, alone, just, no other, nothing after, nothing behind, "
    .. "without comment, no comment",
  word = "word, list, entry",
  there = "appear, contain, missing, left out, leave out, lost, lose, present, hold, include",
  letters = "letter by letter, second letter, next letter, further letter, later letter, "
    .. "same letter, letter follow, following letter",
  order = "wrong order, order",
  split = "split, break, divide, decompose, separate, one look, sub question, simpler question, "
    .. "several question, two question, smaller question",
  hop = "look up, lookup, fact, question, document, piece, part",
  key = "key word, keyword, only word, word name, name alone, ordinary word, polite word",
  missing = "pass over, missing, skip, omit, leave out, left out, not in it, lost",
  misread = "misread, wrong way, put together wrong, mean something else",
  wrong = "wrong, slip, error, mistake, incorrect",
  stops = "stop before, not what is asked, not answered yet",
  remark = "remark, behind answer, other word, not answer, add word",
  before = "answer step before, earlier answer, answer line before, answer before",
  place = "place, use, put",
  fits = "document name, right document, document speak, document about",
  short = "short, name or number, number alone, name alone, value alone, few word",
}

local function compile(list)
  for _, cue in ipairs(list or {}) do
    for i = 2, #cue do
      local any = {}
      for name in cue[i]:gmatch "[^|]+" do any[#any + 1] = name end
      cue[i] = any
    end
  end
end

--- Make a subject's slips ready to be read for.
---@param slips table[]
---@return table[] slips the same, also by name
function lessons.of(slips)
  for _, slip in ipairs(slips) do
    compile(slip.cues)
    compile(slip.complaint)
    slips[slip.name] = slip
  end
  return slips
end

local function meets(cue, hits)
  if cue.unless and hits[cue.unless] then return false end
  for i = 2, #cue do
    local met = false
    for _, class in ipairs(cue[i]) do met = met or hits[class] end
    if not met then return false end
  end
  return true
end

local function strongest(list, hits)
  for _, cue in ipairs(list or {}) do
    if meets(cue, hits) then return cue[1] end
  end
  return 0
end

--- How strongly a text asks for what prevents each slip: name → 0 to 1.
---@param text string
---@param slips table[]
---@return table<string, number>
function lessons.read(text, slips)
  local left, cure = {}, {}
  lexer.read(vocabulary, text, function(hits)
    for _, slip in ipairs(slips) do
      local s = strongest(slip.cues, hits)
      if s > 0 then left[slip.name] = (left[slip.name] or 1) * (1 - s) end
    end
  end)
  for _, slip in ipairs(slips) do cure[slip.name] = 1 - (left[slip.name] or 1) end
  return cure
end

--- Which slips feedback wants prevented, by advice or by complaint.
---@param text string
---@param slips table[]
---@return table<string, integer> name → in how many sentences
function lessons.wishes(text, slips)
  local wanted = {}
  lexer.read(vocabulary, text, function(hits)
    for _, slip in ipairs(slips) do
      if strongest(slip.cues, hits) >= 0.8 or strongest(slip.complaint, hits) > 0 then
        wanted[slip.name] = (wanted[slip.name] or 0) + 1
      end
    end
  end)
  return wanted
end

--- The chance of a slip at one place of one question. Some places are hard: whoever stumbles there
-- once does so nearly always; others hardly ever do harm. The rate is the mean of both.
---@param q { text: string }
---@param slip table
---@param place string
---@param cure table<string, number>
---@param scale number
---@return number
function lessons.chance(q, slip, place, cure, scale)
  local easy, hard = 0.06, 0.85
  local share = math.max(0, (slip.rate - easy) / (hard - easy))
  local is_hard = hash.unit(hash.text(q.text:lower()), slip.name .. place) < share
  return math.min(0.95, (is_hard and hard or easy) * (1 - (cure[slip.name] or 0)) * scale)
end

-- ---- criticism and edits -----------------------------------------------------------

local function fill(text, detail)
  return (text:gsub("{detail}", function() return detail or "part of it" end))
end

local FRAMES = {
  "The {role} should tell the model to {remedy}.", "Ask the model to {remedy}.",
  "An instruction to {remedy} would prevent this.", "The model should be told to {remedy}.",
}

--- Said of texts when nothing definite comes to mind.
lessons.VAGUE = {
  "The output is not reliable yet. More guidance is needed.",
  "This did not come out right; the text leaves too much open.",
  "Something in the way this was handled is off.",
}

--- One mistake, and what to do about it.
---@param slip table
---@param detail string?
---@param role string
---@param seed integer
---@return string
function lessons.point(slip, detail, role, seed)
  local frame = hash.pick(seed, slip.name .. "frame", FRAMES):gsub("{role}", role)
  local remedy = hash.pick(seed, slip.name .. "remedy", slip.remedy)
  return fill(hash.pick(seed, slip.name .. "fault", slip.fault), detail) .. " "
    .. frame:gsub("{remedy}", function() return remedy end)
end

local STRAY = { "You are a helpful assistant.", "Keep a friendly tone.", "Answer in English." }
local GENERIC = { "Read the question carefully.", "Take your time.", "Be thorough.",
  "The answer matters, so take care." }

--- Rework instructions: a sentence for each point that feedback makes and they do not.
---@param text string
---@param feedback string
---@param slips table[]
---@param options { noise: number, seed: integer }
---@return string
function lessons.rework(text, feedback, slips, options)
  local wanted, said = lessons.wishes(feedback, slips), lessons.read(text, slips)
  local seed, list, last = options.seed, {}, nil
  if hash.unit(seed, "stray") < options.noise then list[1] = hash.pick(seed, "which", STRAY) end
  for _, slip in ipairs(slips) do
    if wanted[slip.name] and said[slip.name] < 0.8
      and hash.unit(seed, "drop " .. slip.name) >= options.noise then
      local rule = hash.pick(seed, "rule " .. slip.name, slip.rule)
      if slip.name == "form" then last = rule else list[#list + 1] = rule end
    end
  end
  list[#list + 1] = last
  if #list == 0 then list[1] = hash.pick(seed, "generic", GENERIC) end
  if text:find "[%w\"']$" then text = text .. "." end
  return (text == "" and "" or text .. " ") .. table.concat(list, " ")
end

--- Several pieces of feedback as one: each point once, the most common first.
---@param pieces string[]
---@param slips table[]
---@param seed integer
---@return string?
function lessons.merge(pieces, slips, seed)
  local counts, lines = {}, {}
  for _, piece in ipairs(pieces) do
    for name in pairs(lessons.wishes(piece, slips)) do counts[name] = (counts[name] or 0) + 1 end
  end
  for n = #pieces, 1, -1 do
    for _, slip in ipairs(slips) do
      if counts[slip.name] == n then
        lines[#lines + 1] = ("- %d of %d: tell the model to %s."):format(n, #pieces,
          hash.pick(seed, "merge " .. slip.name, slip.remedy))
      end
    end
  end
  return #lines > 0 and table.concat(lines, "\n") or nil
end

return lessons
