--- Rewriting by what was tried: cases between tags (what came in, what came out, what was expected),
-- a second text of the same purpose, versions with scores, a description of the data, or only the
-- wish for fewer words.
--
-- Where a request to rewrite shows no feedback of a critic, this is what there is to go by. Cases are
-- read as a reflection reads its examples (reflect.lua), with the same noise; what another text says
-- is taken over like feedback; without an old text the best version is the start, and points that a
-- reader of the questions can foresee come in, each in half of the drafts. Names of tags are read by
-- their meaning, as everywhere.

local cues = require "lunagrad.world.cues"
local critic = require "lunagrad.world.critic"
local editor = require "lunagrad.world.editor"
local hash = require "lunagrad.world.hash"
local propose = require "lunagrad.world.propose"
local question = require "lunagrad.world.question"
local reflect = require "lunagrad.world.reflect"
local slips = require "lunagrad.world.slips"
local tags = require "lunagrad.world.tags"

local drafts = {}

local TAKEN = 0.5 -- share of the drafts that a foreseen point gets into
local START = "Answer the question."

-- ---- what is shown ---------------------------------------------------------------

-- A block that itself holds what came in, and what came out or was expected.
local function case_in(block)
  local case = {}
  for _, part in ipairs((tags.blocks(block.text))) do
    if part.depth == 1 then
      local kind = part.meaning or ""
      if kind == "output" and case.output then kind = "other" end
      case[kind] = case[kind] or part.text
    end
  end
  if not case.input or not (case.output or case.target) then return nil end
  if case.target then
    case.feedback = (case.feedback or "") .. "\nThe expected answer is " .. case.target .. "."
  end
  return case
end

local function is_other(block)
  return block.name:find "OTHER" ~= nil or block.name:find "SECOND" ~= nil
end

-- The material of a request, or nil where a critic's words or a conversation are there to go by.
local function material_of(view)
  local found = { cases = {}, texts = {}, others = {}, versions = {} }
  for _, block in ipairs(view.blocks) do
    if block.meaning == "conversation" and not block.past then return nil end
    if block.meaning == "past" and block.name:upper():find "VERSION" then
      found.versions[#found.versions + 1] = block.text
    elseif not block.past and block.meaning == "variable" then
      local list = is_other(block) and found.others or found.texts
      list[#list + 1] = block
    elseif not block.past and not block.meaning then
      found.cases[#found.cases + 1] = case_in(block)
    end
  end
  return found
end

local SHORTER = { "fewer words", "shorter", "more briefly", "less words" }

local function wants_shorter(view)
  local low = view.outside:lower()
  for _, words in ipairs(SHORTER) do
    if low:find(words, 1, true) then return true end
  end
  return false
end

-- ---- new texts ---------------------------------------------------------------------

-- What the questions let a reader foresee, each point in half of the drafts.
local function foreseen(cases, seed)
  local said, known = {}, {}
  for _, case in ipairs(cases) do
    local q = question.find(case.input)
    for _, point in ipairs(q and critic.foresee(q) or {}) do
      if not known[point.slip] then
        known[point.slip] = true
        if hash.unit(seed, "take " .. point.slip) < TAKEN then
          said[#said + 1] = "One has to " .. hash.pick(seed, point.slip, slips[point.slip].remedy)
            .. "."
        end
      end
    end
  end
  return table.concat(said, "\n")
end

-- A text of one's own: the best version is taken for what it says, not for how.
local function anew(found, options)
  local best = found.versions[#found.versions] or ""
  local said = foreseen(found.cases, options.seed) .. "\n" .. best
  local start = best:match "^[^.!?\n]*[.!?]" or START
  if next(cues.read(start).cure) then start = START end
  return editor.rework(start, said, { noise = options.editor_noise, seed = options.seed })
end

local function letter_of(block) return block.name:match "_(%u)_?%d*$" end

local function of_one(text, letter, found, view, options)
  if wants_shorter(view) then return editor.shorter(view, text, options) end
  local others = {}
  for _, block in ipairs(found.others) do
    if not letter or letter_of(block) == letter then others[#others + 1] = block.text end
  end
  if #others > 0 then
    return editor.rework(text, table.concat(others, "\n"),
      { noise = options.editor_noise, seed = options.seed })
  end
  local described = propose.described(view, options)
  if described then
    return editor.rework(text, described, { noise = options.editor_noise, seed = options.seed })
  end
  return (reflect.rework({ text = text, examples = found.cases }, options))
end

-- What was refused before is not proposed again, if that can be helped.
local function unlike(versions, options, make)
  local known, new = {}, nil
  for _, text in ipairs(versions) do known[text] = true end
  for try = 1, 5 do
    new = make { critic_noise = options.critic_noise, editor_noise = options.editor_noise,
      seed = try == 1 and options.seed or hash.text("try " .. try, options.seed) }
    if not known[new] then break end
  end
  return new
end

-- ---- the reply -----------------------------------------------------------------------

-- Whether there is something to go by: cases, another text, versions without an old text, or the
-- wish for fewer words; and where each new text goes.
local function is_trial(view, found)
  if #found.texts == 0 then return #found.versions + #found.cases > 0 end
  return #found.cases + #found.others > 0 or wants_shorter(view)
    or propose.described(view, { seed = 0 }) ~= nil
end

--- Answer a request to rewrite by what was tried; nil when it is none.
---@param view sim.view
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string?
---@return "stop"|"length"?
function drafts.reply(view, options)
  if not view.asked or not tags.is_new(view.asked) then return nil end
  local found = material_of(view)
  if not found or not is_trial(view, found) then return nil end
  local seed = hash.text(view.all, options.seed)
  local noise = view.again and 0 or options.editor_noise
  local letters, tag, number = editor.letters(view)
  local function write(text, of_seed, letter)
    local with = { critic_noise = options.critic_noise, editor_noise = options.editor_noise,
      seed = of_seed }
    return unlike(found.versions, with, function(drawn)
      return text and of_one(text, letter, found, view, drawn) or anew(found, drawn)
    end)
  end
  if #letters < 2 then
    local new = write(found.texts[1] and found.texts[1].text, seed)
    if view.untagged then return new, "stop" end
    return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">",
      { noise = noise, seed = seed })
  end
  local by_letter, parts = {}, {}
  for _, block in ipairs(found.texts) do by_letter[letter_of(block) or ""] = block.text end
  for i, letter in ipairs(letters) do
    local name = ("%s_%s%s"):format(tag, letter, number)
    parts[i] = ("<%s>\n%s\n</%s>"):format(name,
      write(by_letter[letter], hash.text(letter, seed), letter), name)
  end
  return table.concat(parts, "\n"), "stop"
end

return drafts
