--- sim/teller: plans and tells little stories, judges and criticises them, and edits the prompts.
--
-- A stand-in for a language model that is asked for a story by a wish (teller_brief.lua) and writes
-- one (teller_story.lua) with the slips of a hurried writer: words left out, too long, a name lost,
-- another end. What the instructions say against a slip makes it rare, the more instructions the
-- less surely; what a plan already holds is seldom forgotten. As critic it says what in a prompt
-- would prevent what was said of the story, or what it sees itself; as editor it puts that in. It
-- sees the messages and nothing else: no check of anybody's program.

local brief = require "lunagrad.world.teller_brief"
local hash = require "lunagrad.world.hash"
local judge = require "lunagrad.world.judge"
local letters = require "lunagrad.world.letters"
local lexer = require "lunagrad.world.lexer"
local rewriting = require "lunagrad.world.rewriting"
local story = require "lunagrad.world.teller_story"
local tags = require "lunagrad.world.tags"

local teller = {}

-- ---- slips and what speaks of them ------------------------------------------------

-- How often each happens to who is told nothing, and the sentences that prevent it.
local SLIPS = {
  words = { rate = .42, plan = true, rule = { "Use every word of the list.",
    "Each of the listed words has to stand in the text.", "Leave out none of the wanted words." } },
  length = { rate = .6, rule = { "Keep to the length that is asked for.",
    "Count as you write and stay within the asked length." } },
  names = { rate = .4, plan = true, rule = { "Keep the names.",
    "Call everybody by the given names all the way through." } },
  ending = { rate = .5, plan = true, rule = { "End as it is wished.",
    "Make the last sentence the ending that is asked for." } },
  repeats = { rate = .35, rule = { "Do not repeat a sentence.", "Say nothing twice." } },
  ease = { rate = .5, rule = { "Write short sentences with easy words.",
    "Use simple sentences that a child can read." } },
  frame = { rate = .4, rule = { "Write the story alone, without a preface or title.",
    "Give only the story, without remarks." } },
}
local ORDER = { "words", "length", "names", "ending", "repeats", "ease", "frame" }

local vocabulary = lexer.vocabulary {
  words = "word list, listed word, wanted word, given word, every word, all words, each word, "
    .. "does not use, left out, leave out, words use, use words, lacks word",
  length = "length, too long, too short, longer, number words, count words, within range, "
    .. "word count",
  names = "name",
  ending = "ending, end, ends, last sentence, close",
  repeats = "repeat, repetition, twice, same sentence",
  ease = "short sentence, simple sentence, simple, easy, easier, plain, hard read, reading ease, "
    .. "long sentence, child can read, shorter sentence",
  frame = "preface, title, heading, remark, introduction, story alone, only story, afterword, "
    .. "commentary",
}

-- Which slips a text speaks of.
local function topics_of(text)
  local found = {}
  lexer.read(vocabulary, text, function(hits)
    for class in pairs(hits) do found[class:gsub("^!", "")] = true end
  end)
  return found
end

local STRAY = { "Be creative.", "Write from the heart.", "You are a famous author.",
  "Surprise the reader.", "Make it a masterpiece." }
local GENERIC = { "Take care.", "Write well.", "Think of the reader.", "Make it a good one." }

-- ---- writing ---------------------------------------------------------------------

local MANY = 60 -- words of instructions; beyond, each is minded a little less surely

-- How likely slips are under instructions, and with a plan that holds something already.
local function chances_of(instructions, plan, slips)
  local said, chances = topics_of(instructions), {}
  local minded = .92 - .12 * math.min(1, math.max(0, brief.count(instructions) - MANY) / MANY)
  for name, slip in pairs(SLIPS) do
    chances[name] = math.min(.95, slip.rate * (slips or 1) * (said[name] and 1 - minded or 1))
  end
  local words = chances.words
  chances.words = function(word) return words * (plan and brief.has(plan, word) and .25 or 1) end
  if plan and plan:find "[Ee]nd: %a" then chances.ending = chances.ending * .3 end
  return chances
end

local function is_planning(view)
  local low = (view.system .. "\n" .. view.outside):lower()
  return not view.user:find "\n?Plan:" and (low:find "%f[%a]plan" or low:find "outline") ~= nil
end

local function write(view, options)
  local wish = brief.of(view.user)
  if not wish then return nil end
  local seed = hash.text(view.user, options.seed)
  local plan = view.user:match "\n?Plan:%s*(.*)"
  local chances = chances_of(view.system, plan, options.slips)
  if is_planning(view) then return story.plan(wish, chances, seed) end
  return story.write(wish, chances, seed)
end

-- ---- reading what others wrote ----------------------------------------------------

local function block_of(view, name)
  for _, block in ipairs(view.blocks) do
    if not block.past and block.name:upper():find("^" .. name) then return block.text end
  end
  return nil
end

-- The story that is spoken of: what a block called so or an output holds.
local function story_in(view)
  return block_of(view, "OUTPUT") or block_of(view, "ANSWER") or block_of(view, "STORY")
    or block_of(view, "RESULT") or block_of(view, "VARIABLE")
end

local function faults_in(view)
  local wish, text = brief.of(view.user), story_in(view)
  if not wish or not text then return {} end
  return brief.faults(wish, text)
end

-- ---- the judge -------------------------------------------------------------------

local function verdict(view, settings, options)
  local seed = hash.text(view.all, options.seed)
  local faults, said = faults_in(view), {}
  for i, one in ipairs(faults) do
    if hash.unit(seed, "see " .. i) >= settings.critic_noise then said[#said + 1] = one.said end
  end
  local text = story_in(view) or ""
  if not text:find "['\"]" then said[#said + 1] = "Nobody speaks in it." end
  local score = math.max(0, 1 - .16 * #said - .1 * hash.unit(seed, "mood"))
  local words = #said > 0 and table.concat(said, " ") or "It is a story of a piece."
  return ("%s\n<%s>%.2f</%s>"):format(words, view.asked, score, view.asked)
end

-- ---- the critic ------------------------------------------------------------------

-- What a prompt should tell, and what an output should be.
local REMEDY = { words = "use every word of the list", length = "keep to the asked length",
  names = "keep the names", ending = "end as it is wished, in the last sentence",
  repeats = "not repeat a sentence", ease = "write short, simple sentences",
  frame = "write the story alone, without preface or title" }
local BETTER = { words = "More of the wanted words belong in it, every word of them.",
  length = "Its length is off.", names = "A name gets lost.", ending = "Another ending is wanted.",
  repeats = "There is a repetition.", ease = "It is no easy reading.",
  frame = "A preface or title stands around it." }
local VAGUE = { "The outcome is not quite what was wished for.", "More care is needed here.",
  "It could be livelier." }

local function words_for_nothing(view)
  return (view.system .. "\n" .. view.outside):match "exactly:%s*([%u ]+)" or "No change is needed."
end

-- What was said of the outcome, piece by piece; what is seen where nothing was said.
local function heard(view)
  local wanted, any = {}, false
  for _, block in ipairs(view.blocks) do
    local said = block.meaning == "feedback" or block.name:upper():find "^RESULT"
    if said and not block.past then
      any = true
      for name in pairs(topics_of(block.text)) do wanted[name] = true end
    end
  end
  if any then return wanted end
  for _, one in ipairs(faults_in(view)) do wanted[one.slip] = true end
  return wanted
end

-- Whether a text is about plans, and whether it is a prompt.
local function kind_of(role)
  local low = role:lower()
  return low:find "plan" ~= nil, low:find "prompt" ~= nil or low:find "instruction" ~= nil
end

local function criticise(view, settings, options)
  local seed = hash.text(view.all, options.seed)
  if hash.unit(seed, "noise") < settings.critic_noise then
    return hash.pick(seed, "vague", VAGUE)
  end
  local wanted, said = heard(view), {}
  local plan, prompt = kind_of(view.user:match 'role "(.-)"' or "")
  local present = prompt and topics_of(block_of(view, "VARIABLE") or "") or {}
  for _, name in ipairs(ORDER) do
    if wanted[name] and not present[name] and (SLIPS[name].plan or not plan) and #said < 3 then
      said[#said + 1] = prompt and ("It should say to %s."):format(REMEDY[name]) or BETTER[name]
    end
  end
  return #said > 0 and table.concat(said, "\n") or words_for_nothing(view)
end

-- "A: … \n B: …" where several texts stand under letters.
local function criticise_all(view, settings, options)
  local lines = {}
  local wanted = heard(view)
  for _, one in ipairs((letters.find(view.user))) do
    local present, said = topics_of(one.text), {}
    local seed = hash.text(one.letter .. view.all, options.seed)
    for _, name in ipairs(ORDER) do
      local fits = SLIPS[name].plan or not one.role:lower():find "plan"
      if wanted[name] and fits and not present[name] and #said < 3
        and hash.unit(seed, name) >= settings.critic_noise then
        said[#said + 1] = "It should say to " .. REMEDY[name] .. "."
      end
    end
    lines[#lines + 1] = one.letter .. ": " .. (#said > 0 and table.concat(said, " ")
      or "NOTHING TO IMPROVE")
  end
  return #lines > 1 and table.concat(lines, "\n") or nil
end

-- Several pieces as one: each point once, with how many pieces make it.
local function merge(view)
  local counts, pieces = {}, 0
  for _, block in ipairs(view.blocks) do
    if block.meaning == "feedback" then
      for piece in ("\n" .. block.text):gmatch "\n%d+%. ([^\n].-)%f[\n\0]" do
        pieces = pieces + 1
        for name in pairs(topics_of(piece)) do counts[name] = (counts[name] or 0) + 1 end
      end
      if pieces == 0 then
        for name in pairs(topics_of(block.text)) do counts[name] = (counts[name] or 0) + 1 end
      end
    end
  end
  local names = {}
  for _, name in ipairs(ORDER) do if counts[name] then names[#names + 1] = name end end
  table.sort(names, function(x, y) return counts[x] > counts[y] end)
  for i, name in ipairs(names) do
    names[i] = ("- %d of %d: it should say to %s."):format(counts[name], math.max(pieces, 1),
      REMEDY[name])
  end
  return #names > 0 and table.concat(names, "\n", 1, math.min(#names, 5))
    or "The pieces agree that the outcome is not good enough, but name no cause."
end

-- ---- the editor ------------------------------------------------------------------

local function sentences_of(text)
  local list = {}
  for one in text:gmatch "[^.!?\n]+[.!?]*" do
    local trimmed = one:match "^%s*(.-)%s*$"
    if trimmed ~= "" then list[#list + 1] = trimmed end
  end
  return list
end

local function joined(list) return table.concat(list, " ") end

-- Without sentences that say nothing that the others do not.
local function shorter(found)
  local list, seen, kept = sentences_of(found.text), {}, {}
  for i, one in ipairs(list) do
    local new = i == 1
    for name in pairs(topics_of(one)) do
      new, seen[name] = new or not seen[name], true
    end
    if new and hash.unit(found.seed, "lose " .. i) >= found.noise then kept[#kept + 1] = one end
  end
  return joined(kept)
end

local function add_rule(list, name, seed)
  list[#list + 1] = hash.pick(seed, "rule " .. name, SLIPS[name].rule)
end

-- A prompt along what was said: a sentence for each point that it does not make yet.
local function rework(found)
  local seed, list = found.seed, sentences_of(found.text)
  local present, wanted, any = topics_of(found.text), {}, false
  local plan = found.role:lower():find "plan" ~= nil
  local said = found.other and { found.other } or found.feedback
  for _, piece in ipairs(said) do
    for name in pairs(topics_of(piece)) do wanted[name] = true end
  end
  if #list == 0 then list[1] = plan and "Plan the story." or "Tell the story." end
  for _, name in ipairs(ORDER) do
    local fits = SLIPS[name].plan or not plan
    if wanted[name] and not present[name] and fits and hash.unit(seed, "drop " .. name)
      >= found.noise + .15 then
      add_rule(list, name, seed)
      any = true
    end
  end
  if hash.unit(seed, "stray") < found.noise then
    list[#list + 1] = hash.pick(seed, "what", STRAY)
  end
  if not any then list[#list + 1] = hash.pick(seed, "generic", GENERIC) end
  return joined(list)
end

-- Another start: what the best version says, and a point or two that anybody could think of.
local function anew(found)
  local list, present = sentences_of(found.text), topics_of(found.text)
  local plan = found.role:lower():find "plan" ~= nil
  for i = 1, 2 do
    local name = hash.pick(found.seed, "think of " .. i, ORDER)
    if not present[name] and (SLIPS[name].plan or not plan) then
      add_rule(list, name, found.seed)
      present[name] = true
    end
  end
  return joined(list)
end

local function mend(found, wish)
  local wanted = {}
  for _, piece in ipairs(found.feedback) do
    for name in pairs(topics_of(piece)) do
      wanted[name] = hash.unit(found.seed, name) >= found.noise
    end
  end
  return story.mend(wish, found.text, wanted, found.seed)
end

local function edit(found)
  local wish = brief.of(found.said)
  if wish and not found.role:lower():find "prompt" and #found.feedback > 0 then
    return mend(found, wish)
  elseif found.shorter then
    return shorter(found)
  end
  return found.is_new and anew(found) or rework(found)
end

-- ---- the reply -------------------------------------------------------------------

--- Answer what has to do with little stories; nil for all else.
---@param view sim.view
---@param settings { critic_noise: number, editor_noise: number, slips: number }
---@param options { seed: integer }
---@return string?
---@return "stop"|"length"?
function teller.reply(view, settings, options)
  if view.asked and tags.is_verdict(view.asked) then
    return verdict(view, settings, options), "stop"
  end
  local new, finish = rewriting.reply(view, options, settings.editor_noise, edit)
  if new then return new, finish end
  if #view.blocks == 0 and brief.of(view.user) then
    return write(view, { seed = options.seed, slips = settings.slips }), "stop"
  elseif view.task == "merge" then
    return merge(view), "stop"
  elseif view.task == "critique" and not judge.rules(view) then
    return criticise_all(view, settings, options) or criticise(view, settings, options), "stop"
  end
  return nil
end

return teller
