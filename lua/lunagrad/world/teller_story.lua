--- Little stories from a grammar, as a hurried storyteller writes them.
--
-- A story is really put together: an opening from the subject, what the wanted words are about,
-- a meeting, a trouble, a turn and an end; its length, tone, names and end follow the wish as far as
-- the chances of the slips let them. All draws are hashes.

local brief = require "lunagrad.world.teller_brief"
local hash = require "lunagrad.world.hash"

local story = {}

local TONES = {
  quiet = { "softly", "slowly", "without a sound", "in the still air" },
  merry = { "with a laugh", "at a skip", "in the bright light", "and sang a little" },
  eerie = { "in the pale fog", "with a shiver", "under a cold moon", "and listened" },
  brave = { "with a firm step", "without looking back", "in spite of the wind", "and stood tall" },
}

local OPENINGS = {
  "{A} was {subject}.", "Once there was {subject}, and the name was {A}.",
  "This is about {A}, {subject}.", "Everybody knew {A}, {subject}.",
}
local WORDS = {
  "There was a {w} by the path.", "{A} found a {w} and kept it.", "'Take the {w},' said {B}.",
  "{B} had a {w} and did not need it.", "Near the gate lay a {w}.", "They sat down beside a {w}.",
  "'Have you seen the {w}?' asked {A}.", "The {w} was old, but it would do.",
}
local MEETINGS = {
  "On the way {A} met {B}.", "Then {B} came round the corner.", "{B} was the first to ask.",
  "Nobody was about but {B}.",
}
local TROUBLES = {
  "Then it began to rain.", "The road was gone.", "But the door was shut.",
  "{A} did not know the way.", "It grew dark too soon.", "The bridge was too narrow.",
}
local TURNS = {
  "'We will try once more,' said {B}.", "{A} had an idea.", "{B} laughed and held out a hand.",
  "Then they heard a voice.", "So {A} knocked three times.", "'Look there!' called {B}.",
}
local FILLERS = {
  "They went on {t}.", "{A} waited {t}.", "{B} said nothing for a while.", "The wind turned.",
  "{A} went first {t}.", "A bird flew up.", "{B} came after {t}.", "The hill was steep.",
  "{A} counted the steps.", "The moss was wet.", "{B} told a joke.", "It smelled of leaves.",
  "{A} looked up at the sky.", "The light was yellow.", "{B} whistled.", "A dog barked far away.",
  "{A} tied a shoe.", "The stones were warm.", "{B} shared an apple.", "Nobody was in a hurry.",
}
local ENDINGS = {
  "In the end there was {e} for both of them.", "And that is how {A} came to {e}.",
  "After that they spoke of nothing but {e}.", "The last thing {A} thought of was {e}.",
}
local MORALS = {
  "And so we see that one should never give up.", "What they found there is another tale.",
  "The moral is that patience pays.", "Nobody ever knew what happened next.",
}
local JOINTS = {
  ", and, notwithstanding the considerable difficulties of that particular situation, ",
  ", which was, under the circumstances, altogether remarkable, whereupon ",
  ", although practically everybody would have anticipated something different, and ",
}
local PREFACES = { "Here is a story for you:\n\n", "**A little story**\n\n", "Here is what I came "
  .. "up with:\n\n" }
local AFTERWORDS = { "\n\nI hope you like it!", "\n\n(Tell me if I should change anything.)", "" }

local function fill(text, values) return (text:gsub("{(%a)}", values):gsub("{(%a+)}", values)) end

local function values_of(wish)
  return { A = wish.names[1] or "Ann", B = wish.names[2] or "Ben", subject = wish.subject,
    e = wish.ending or "rest", tone = wish.tone }
end

-- A shuffled copy, by the seed.
local function shuffled(list, seed, key)
  local order = {}
  for i, one in ipairs(list) do order[i] = { one, hash.unit(seed, key .. i) } end
  table.sort(order, function(a, b) return a[2] < b[2] end)
  for i, one in ipairs(order) do order[i] = one[1] end
  return order
end

-- The sentences about the wanted words, those that are not forgotten.
local function about_words(wish, chances, seed, values)
  local forms, list = shuffled(WORDS, seed, "word form"), {}
  for i, word in ipairs(wish.words) do
    if hash.unit(seed, "forget " .. word) >= chances.words(word) then
      values.w = word
      list[#list + 1] = fill(forms[(i - 1) % #forms + 1], values)
    end
  end
  return list
end

-- So many words are aimed at.
local function aim(wish, chances, seed)
  if hash.unit(seed, "mind the length") >= chances.length then
    return wish.least + (wish.most - wish.least) // 2, wish.most
  elseif hash.unit(seed, "too short") < 0.35 then
    return wish.least * 11 // 20, wish.least * 3 // 4
  end
  return wish.most * 13 // 10, wish.most * 3
end

local function words_in(list)
  local n = 0
  for _, one in ipairs(list) do n = n + brief.count(one) end
  return n
end

-- What happens between opening and end, without what is only there for the length.
local function middle(wish, chances, seed, values)
  local parts = about_words(wish, chances, seed, values)
  local list = { fill(hash.pick(seed, "meeting", MEETINGS), values) }
  for i, one in ipairs(parts) do
    list[#list + 1] = one
    if i == (#parts + 1) // 2 then
      list[#list + 1] = fill(hash.pick(seed, "trouble", TROUBLES), values)
    end
  end
  list[#list + 1] = fill(hash.pick(seed, "turn", TURNS), values)
  return list
end

local function lengthen(list, target, seed, values, room)
  local tones = TONES[(values.tone or ""):lower():match "%a+" or ""] or TONES.quiet
  local fillers = shuffled(FILLERS, seed, "filler")
  for i, form in ipairs(fillers) do
    if words_in(list) + room >= target then break end
    values.t = hash.pick(seed, "tone " .. i, tones)
    table.insert(list, 1 + hash.int(seed, "where " .. i, #list), fill(form, values))
  end
end

-- Whoever forgets names speaks of them in another way.
local function drift(list, wish, seed)
  local other = wish.names[2]
  if not other then return end
  local lost = hash.pick(seed, "lost name", { "the other one", "a friend", "somebody" })
  local kept = false
  for i, one in ipairs(list) do
    if one:find(other, 1, true) then
      if kept then list[i] = one:gsub(other, lost):gsub("^%l", string.upper) end
      kept = true
    end
  end
end

-- Two and two sentences made one, with many words.
local function harden(list, wish, seed)
  local out, i = {}, 1
  while i <= #list do
    local one, two = list[i], list[i + 1]
    if two and not two:find "^'" and one:find "%.$" then
      local joint = hash.pick(seed, "joint " .. i, JOINTS)
      local named = false
      for _, name in ipairs(wish.names) do named = named or two:find("^" .. name) ~= nil end
      if not named then two = two:gsub("^%u", string.lower) end
      out[#out + 1] = one:gsub("%.$", "") .. joint .. two
      i = i + 2
    else
      out[#out + 1] = one
      i = i + 1
    end
  end
  return out
end

---@class sim.slip_chances how likely each slip is; words(word) for each of the wanted words
---@field words fun(word: string): number
---@field length number
---@field names number
---@field ending number
---@field repeats number
---@field ease number
---@field frame number

--- A story by a wish, with the slips that happen.
---@param wish sim.brief
---@param chances sim.slip_chances
---@param seed integer
---@return string
function story.write(wish, chances, seed)
  local values = values_of(wish)
  local list = middle(wish, chances, seed, values)
  table.insert(list, 1, fill(hash.pick(seed, "opening", OPENINGS), values))
  local ending = fill(hash.pick(seed, "ending", ENDINGS), values)
  if hash.unit(seed, "forget the ending") < chances.ending then
    ending = hash.pick(seed, "moral", MORALS)
  end
  local target = aim(wish, chances, seed)
  lengthen(list, target, seed, values, brief.count(ending))
  if hash.unit(seed, "drift") < chances.names then drift(list, wish, seed) end
  if hash.unit(seed, "again") < chances.repeats then
    list[#list + 1] = list[hash.int(seed, "which again", #list)]
  end
  list[#list + 1] = ending
  if hash.unit(seed, "hard") < chances.ease then list = harden(list, wish, seed) end
  local text = table.concat(list, " ")
  if hash.unit(seed, "frame") < chances.frame then
    text = hash.pick(seed, "preface", PREFACES) .. text .. hash.pick(seed, "afterword", AFTERWORDS)
  end
  return text
end

-- ---- plans -----------------------------------------------------------------------

--- A plan of a story in a few lines; what the chances leave out is left out.
---@param wish sim.brief
---@param chances sim.slip_chances
---@param seed integer
---@return string
function story.plan(wish, chances, seed)
  local a, b = wish.names[1] or "somebody", wish.names[2] or "somebody else"
  if hash.unit(seed, "names in the plan") < chances.names then b = "a helper" end
  local words = {}
  for _, word in ipairs(wish.words) do
    if hash.unit(seed, "plan " .. word) >= chances.words(word) then words[#words + 1] = word end
  end
  local lines = { ("1. Beginning: %s, %s."):format(a, wish.subject),
    ("2. On the way: %s meets %s%s."):format(a, b,
      #words > 0 and "; there are " .. table.concat(words, ", ") or ""),
    "3. Trouble, and how they get out of it." }
  lines[4] = hash.unit(seed, "plan the end") >= chances.ending and wish.ending
    and ("4. End: the last sentence speaks of %s."):format(wish.ending) or "4. The end."
  return table.concat(lines, "\n")
end

-- ---- mending a story -------------------------------------------------------------

-- The sentences without one that stood before, without what comes before and behind the story.
local function cleaned(text, wanted)
  if wanted.frame then
    text = text:gsub("^%s*[^\n]-[:*]%s*\n+", ""):gsub("\n\n[^\n]*$", "")
  end
  local list, seen = {}, {}
  for _, one in ipairs(brief.sentences(text)) do
    if wanted.ease then
      for _, joint in ipairs(JOINTS) do
        local at, to = one:find(joint, 1, true)
        if at then
          list[#list + 1] = one:sub(1, at - 1) .. "."
          one = one:sub(to + 1):gsub("^%l", string.upper)
        end
      end
    end
    if not (wanted.repeats and seen[one]) then list[#list + 1] = one end
    seen[one] = true
  end
  return list
end

local function shorten(list, wish)
  local i = #list - 1
  while words_in(list) > wish.most and i > 1 do
    local needed = false
    for _, word in ipairs(wish.words) do needed = needed or brief.has(list[i], word) end
    if not needed then table.remove(list, i) end
    i = i - 1
  end
end

--- A story told again so that what is wanted of it holds; wanted: slip → true.
---@param wish sim.brief
---@param text string
---@param wanted table<string, boolean>
---@param seed integer
---@return string
function story.mend(wish, text, wanted, seed)
  local values = values_of(wish)
  local list = cleaned(text, wanted)
  local function put(form) table.insert(list, math.max(#list, 1), fill(form, values)) end
  if wanted.ending and #list > 0 then
    list[#list] = fill(hash.pick(seed, "mend ending", ENDINGS), values)
  end
  for i, word in ipairs(wanted.words and wish.words or {}) do
    if not brief.has(text, word) then
      values.w = word
      put(WORDS[(hash.int(seed, word, #WORDS) + i) % #WORDS + 1])
    end
  end
  if wanted.names then put "{A} and {B} went on." end
  if wanted.length then
    lengthen(list, wish.least + 5, seed, values, 0)
    shorten(list, wish)
  end
  return table.concat(list, " ")
end

return story
