--- Criticises: says in prose what is wrong with an output and what would prevent it.
--
-- It recomputes the question it finds in the messages, looks for the slips that
-- explain the output (diagnose.lua) and words them; where a verdict is asked for
-- it gives one. Like people it is sometimes vague or names the wrong cause
-- (`noise`). It never sees what the answerer drew.

local cases = require "lunagrad.world.case"
local cues = require "lunagrad.world.cues"
local diagnose = require "lunagrad.world.diagnose"
local hash = require "lunagrad.world.hash"
local judge = require "lunagrad.world.judge"
local search = require "lunagrad.world.search"
local slips = require "lunagrad.world.slips"
local tags = require "lunagrad.world.tags"

local critic = {}

-- "reply with exactly: NOTHING TO IMPROVE" → the words to use when all is well.
local function words_for_nothing(view)
  local text = view.outside .. "\n" .. view.system
  return text:match "exactly:?%s*[\"'`]([^\"'`\n]+)[\"'`]"
    or text:match "exactly:%s*([^\n]-)%.?%s*\n" or text:match "exactly:%s*([^\n]-)%.?%s*$"
end

-- ---- wording ---------------------------------------------------------------------

local function fill(text, case, detail)
  text = text:gsub("{[Dd]etail}", function(field)
    return field == "{Detail}" and detail:gsub("^%l", string.upper) or detail
  end)
  return (text:gsub("{asked}", case.question and case.question.asked or "things asked for"))
end

local FOR_PROMPT = {
  "The {role} should tell the model to {remedy}.",
  "An instruction to {remedy} would prevent this.",
  "Ask the model to {remedy}.",
  "The model should be told to {remedy}.",
}
local FOR_ANSWER = {
  "A better answer would {remedy}.",
  "It should {remedy}.",
  "The next try should {remedy}.",
}

-- One mistake and what to do about it.
local function point(case, finding, seed)
  local slip = slips[finding.slip]
  local key = finding.slip .. finding.detail
  local fault = hash.pick(seed, key .. "fault", finding.unseen and slip.unseen or slip.fault)
  local frame = hash.pick(seed, key .. "frame", case.about_answer and FOR_ANSWER or FOR_PROMPT)
  frame = frame:gsub("{role}", case.about_answer and "answer" or "prompt")
  frame = frame:gsub("{remedy}", (hash.pick(seed, key .. "remedy", slip.remedy)))
  return fill(fault, case, finding.detail) .. " " .. frame
end

local VAGUE = {
  "The output is not reliable yet. It would help to be clearer about what a good outcome is.",
  "This did not come out right. More guidance is needed.",
  "The outcome is not what was wanted; the text leaves too much open.",
  "Something in the way the question was handled is off. Think about how to handle it better.",
}

local NOTHING = {
  "Nothing needs to change: the output is right and easy to read off.",
  "The output is right, and its form is fine. No change is needed.",
  "No feedback is needed; the result is correct.",
}

-- Habits in the instructions that invite a slip.
local function bad_habit(case, slip)
  local advice = cues.read(case.instructions)
  if not advice.harm[slip] then
    return nil
  end
  if slip == "words" then
    return "The instructions ask for words; remove that."
  elseif slip == "ramble" then
    return "The instructions invite chatter; remove that."
  end
  return "The instructions press for haste or leave things out; remove that."
end

-- The findings to speak of: seldom all of them, and sometimes the wrong one.
local function choose(findings, noise, seed)
  if hash.unit(seed, "noise") < noise then
    if hash.unit(seed, "vague") < 0.5 then
      return {}
    end
    local other = hash.pick(seed, "wrong cause", cues.slips)
    return { { slip = other, detail = "one of the items" } }
  end
  local chosen, named = {}, {}
  local first = hash.int(seed, "first", #findings)
  for i = 0, #findings - 1 do
    local finding = findings[(first + i - 1) % #findings + 1]
    if i == 0 or not named[finding.slip] and hash.unit(seed, "also " .. i) < 0.15 then
      chosen[#chosen + 1], named[finding.slip] = finding, true
    end
  end
  return chosen
end

-- What others said about the output that the texts judged here do not answer yet.
local function pass_on(case, seed)
  local wanted = case.feedback and cues.wishes(case.feedback) or {}
  local advice = cues.read(case.instructions)
  local said = {}
  for _, name in ipairs(cues.slips) do
    if wanted[name] and (advice.cure[name] or 0) < 0.8 then
      said[#said + 1] = "The " .. case.role .. " should tell the model to "
        .. hash.pick(seed, "pass " .. name, slips[name].remedy) .. "."
    end
  end
  return #said > 0 and table.concat(said, " ") or nil
end

-- What a question can hold that readers stumble over; also noted by who only sees questions.
local AHEAD = {
  { "container", "lists hold heads and stalks", function(i) return i.wanted and i.held end },
  { "quantity", "lists hold several of a thing", function(i) return i.wanted and i.n > 1 end },
  { "distractor", "lists hold things of another kind", function(i) return not i.wanted end },
  { "sum", "there is much to add up", function(i) return i.wanted end },
  { "words", "somebody has to read the answer off", function(i) return i.wanted end },
  { "ramble", "somebody has to find the answer", function(i) return i.wanted end },
}

--- The points that a reader of a question can foresee trouble with, in a fixed order.
---@param q sim.question
---@return { slip: string, because: string }[]
function critic.foresee(q)
  local points = {}
  for _, entry in ipairs(AHEAD) do
    for _, item in ipairs(q.items) do
      if entry[3](item) then
        points[#points + 1] = { slip = entry[1], because = entry[2] }
        break
      end
    end
  end
  return points
end

-- What others will stumble over, though this output did not. The more the instructions say
-- already, the more attention is left for it.
local function look_ahead(case, named, seed)
  local said, open, room = cues.read(case.instructions).cure, {}, 0
  for _, entry in ipairs(AHEAD) do
    local name, applies = entry[1], entry[3]
    local found = false
    for _, item in ipairs(case.question.items) do
      found = found or applies(item)
    end
    if (said[name] or 0) >= 0.8 then
      room = room + 0.25
    elseif found and not named[name] then
      open[#open + 1] = entry
    end
  end
  if case.about_answer or #open == 0 or hash.unit(seed, "look ahead") >= room then
    return nil
  end
  local entry = hash.pick(seed, "ahead", open)
  return "Looking ahead, " .. entry[2] .. ": tell the model to "
    .. hash.pick(seed, "how ahead", slips[entry[1]].remedy) .. "."
end

-- Whoever is told to mind something speaks of it also where this output did not stumble over it.
local function as_told(view, case, named, seed)
  if case.about_answer then
    return nil
  end
  local minds, present, said = cues.read(view.system).cure, cues.read(case.instructions).cure, {}
  for _, entry in ipairs(AHEAD) do
    local name = entry[1]
    if (minds[name] or 0) >= 0.8 and (present[name] or 0) < 0.8 and not named[name] then
      said[#said + 1] = "As " .. entry[2] .. ", tell the model to "
        .. hash.pick(seed, "as told " .. name, slips[name].remedy) .. "."
      named[name] = true
    end
  end
  return #said > 0 and table.concat(said, " ") or nil
end

--- Criticism in prose of the output in a case.
---@param view sim.view
---@param case sim.case
---@param options { noise: number, seed: integer } seed: of this text
---@return string
function critic.prose(view, case, options)
  local seed = options.seed
  local q, output = case.question, case.output
  local of_search = not q and hash.unit(seed, "noise") >= options.noise
    and search.critique(case, seed, words_for_nothing(view) or NOTHING[1])
  if of_search then return of_search end
  if not q or not output then
    return pass_on(case, seed) or hash.pick(seed, "vague words", VAGUE)
  end
  local found = diagnose.answer(q, output, seed)
  if found.right then
    local expected = case.feedback and cases.expected(case.feedback)
    if expected and expected ~= q.total then
      return "Counting again I get " .. q.total .. ", as the output does, although "
        .. expected .. " was expected. " .. hash.pick(seed, "vague words", VAGUE)
    end
    return pass_on(case, seed) or words_for_nothing(view) or hash.pick(seed, "nothing", NOTHING)
  end
  local said, named = {}, {}
  for _, finding in ipairs(choose(found.findings, options.noise, seed)) do
    said[#said + 1] = point(case, finding, seed)
    said[#said + 1] = bad_habit(case, finding.slip)
    named[finding.slip] = true
  end
  if #said == 0 then
    return hash.pick(seed, "vague words", VAGUE)
  end
  if found.stated and found.stated ~= q.total and hash.unit(seed, "state it") < 0.5 then
    table.insert(said, 1, "Counting again gives " .. q.total .. "; the output says "
      .. found.stated .. ".")
  end
  said[#said + 1] = as_told(view, case, named, seed)
  said[#said + 1] = look_ahead(case, named, seed)
  return table.concat(said, " ")
end

-- A verdict in the words and the tag that were asked for, with reasons if there is a tag.
local function verdict(view, case, tag, options)
  local scale = judge.scale(view) or { "1", "0" }
  local right = judge.is_right(view, case)
  if hash.unit(options.seed, "misjudge") < options.noise / 5 then
    right = not right
  end
  local said = right and scale[1] or scale[2]
  if tag then
    return critic.prose(view, case, options) .. "\n<" .. tag .. ">" .. said .. "</" .. tag .. ">"
  end
  return said
end

--- Answer a request for criticism or a verdict.
---@param view sim.view
---@param options { noise: number, seed: integer } seed: of the sampling options
---@return string
function critic.reply(view, options)
  local case = cases.of(view)
  options = { noise = options.noise, seed = hash.text(view.all, options.seed) }
  if view.asked and tags.is_verdict(view.asked) then
    return verdict(view, case, view.asked, options)
  elseif not case.variable and not view.asked and judge.scale(view) then
    return verdict(view, case, nil, options)
  end
  local said = critic.prose(view, case, options)
  if view.asked then
    return "<" .. view.asked .. ">" .. said .. "</" .. view.asked .. ">"
  end
  return said
end

return critic
