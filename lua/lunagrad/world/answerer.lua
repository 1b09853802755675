--- Answers a counting question the way a capable but hurried reader does.
--
-- The question is really read and really counted (question.lua). On the way
-- there are slips (slips.lua); each is likely or not by what the instructions
-- say (cues.lua), and happens or not by a hash of the question, the slip and
-- the sampling options. Nothing else is known here: not who asks, nor why.

local cues = require "lunagrad.world.cues"
local hash = require "lunagrad.world.hash"
local slips = require "lunagrad.world.slips"
local words = require "lunagrad.world.words"

local answerer = {}

-- Who writes the items down also makes fewer of the other slips.
local EASED = { quantity = 0.7, distractor = 0.3, container = 0.3, sum = 0.3 }

--- How likely each slip is under these instructions, where it can happen at all.
---@param advice sim.advice
---@param options? { slips?: number, temperature?: number }
---@return table<string, number>
function answerer.chances(advice, options)
  local scale = options and options.slips or 1
  local heat = options and options.temperature or 1
  local listed = (advice.cure.skip or 0) > 0.8
  local chances = {}
  for _, name in ipairs(cues.slips) do
    local slip, cured = slips[name], advice.cure[name] or 0
    local p = slip.rate * (1 - cured) * (0.9 + 0.1 * heat) * (listed and EASED[name] or 1)
    local harm = advice.harm[name]
    if harm then
      -- Contradictory instructions: half of the readers follow the bad one.
      p = p + math.max(0, slip.worst - p) * harm * (cured > 0.5 and 0.5 or 1)
    end
    chances[name] = math.min(0.95, p * scale)
  end
  return chances
end

-- Which slips can happen with this question, and on which items.
local function openings(q)
  local open = { skip = {}, quantity = {}, distractor = {}, container = {} }
  for i, item in ipairs(q.items) do
    if item.wanted then
      open.skip[#open.skip + 1] = i
      if item.n > 1 then
        open.quantity[#open.quantity + 1] = i
      end
      if item.held then
        open.container[#open.container + 1] = i
      end
    else
      open.distractor[#open.distractor + 1] = i
    end
  end
  return open
end

---@class sim.reading what the reader makes of a question
---@field counted integer[] item index → counted as so many; 0: left out; nil: not seen
---@field total integer the number it ends with
---@field parts integer[] the numbers it adds
---@field slipped table<string, boolean>

--- Read a question with slips.
---@param q sim.question
---@param chances table<string, number>
---@param seed integer
---@return sim.reading
function answerer.count(q, chances, seed)
  local open, slipped, counted = openings(q), {}, {}
  for i, item in ipairs(q.items) do
    counted[i] = item.wanted and item.n or 0
  end
  local function happens(name, weight)
    if hash.unit(seed, name) < chances[name] * weight then
      slipped[name] = true
      return true
    end
    return false
  end
  if #open.container > 0 and happens("container", 1) then
    for _, i in ipairs(open.container) do
      counted[i] = 0
    end
  end
  if #open.distractor > 0 and happens("distractor", 1) then
    local one = hash.pick(seed, "which distractor", open.distractor)
    local all = hash.unit(seed, "all distractors") < 0.3
    for _, i in ipairs(open.distractor) do
      counted[i] = (all or i == one) and q.items[i].n or 0
    end
  end
  if #open.quantity > 0 and happens("quantity", 1) then
    counted[hash.pick(seed, "which quantity", open.quantity)] = 1
  end
  -- The longer the list, the easier an item is lost.
  if #open.skip > 1 and happens("skip", math.min(1.2, 0.5 + 0.065 * #q.items)) then
    counted[hash.pick(seed, "which item", open.skip)] = nil
  end
  local parts, total = {}, 0
  for i = 1, #q.items do
    if (counted[i] or 0) > 0 then
      parts[#parts + 1] = counted[i]
      total = total + counted[i]
    end
  end
  if #parts > 2 and happens("sum", 1) then
    local off = hash.unit(seed, "off by") < 0.8 and 1 or 2
    total = total + (hash.unit(seed, "too many") < 0.4 and off or -off)
  end
  slipped.words = hash.unit(seed, "words") < chances.words or nil
  slipped.ramble = hash.unit(seed, "ramble") < chances.ramble or nil
  return { counted = counted, total = total, parts = parts, slipped = slipped }
end

-- ---- saying it ----------------------------------------------------------

local function join(list, last)
  if #list < 2 then
    return list[1] or ""
  end
  return table.concat(list, ", ", 1, #list - 1) .. last .. list[#list]
end

local function noun(n, base)
  return n == 1 and base or words.plural(base)
end

-- Everything on its own line; what was not seen has none.
local function as_list(q, reading, seed)
  local lines = { hash.pick(seed, "opening", {
    "Let me go through the list.", "Item by item:", "Here is what the question lists:",
    "Taking them in order:",
  }) }
  local numbered, row = hash.unit(seed, "numbered") < 0.4, 0
  for i, item in ipairs(q.items) do
    local n = reading.counted[i]
    if n then
      row = row + 1
      local bullet = numbered and row .. ". " or "- "
      lines[#lines + 1] = bullet .. item.said .. ": " .. (n > 0 and n or "not counted")
    end
  end
  return table.concat(lines, "\n")
end

local function as_sum(reading, shown)
  if #reading.parts == 0 then
    return "Nothing in it counts, so the total is " .. shown .. "."
  end
  return "Total: " .. table.concat(reading.parts, " + ") .. " = " .. shown
end

local function in_passing(q, reading, shown)
  local said = {}
  for i, item in ipairs(q.items) do
    local n = reading.counted[i] or 0
    if n > 0 then
      said[#said + 1] = words.spell(n) .. " " .. noun(n, item.noun)
    end
  end
  if #said == 0 then
    return "I see no " .. q.asked .. " there, so the answer is " .. shown .. "."
  end
  return "I see " .. join(said, " and ") .. ", which makes " .. shown .. " " .. q.asked .. "."
end

local function asides(q, seed, avoid)
  local k = #q.items
  local n = k ~= avoid and k or k + 1
  if n == k then
    return hash.pick(seed, "aside", {
      "Mind you, the list itself has " .. k .. " entries.",
      "By the way, I read the list twice; it has " .. k .. " parts.",
      "Should you pack them, that would be " .. k .. " different labels.",
    })
  end
  return "If you get one more entry, the list will have " .. n .. "."
end

-- A form of answer that the instructions show in quotes: "Answer: N", '#### $VALUE'.
local BLANKS = {
  "%$%u+", "<%a[%a _]*>", "%[%a[%a _]*%]", "{%a[%a _]*}", "%f[%w][NXY]%f[%W]",
}

local function shown_form(instructions)
  for form in instructions:gmatch "[%s(:][\"'`]([^\"'`\n]-)[\"'`]" do
    for _, blank in ipairs(BLANKS) do
      local from, to = form:find(blank)
      if from and #form < 40 then
        return form:sub(1, from - 1), form:sub(to + 1)
      end
    end
  end
  return nil
end

-- The sentence or line that states the answer.
local function closing(q, shown, instructions, advice, seed)
  local before, behind = shown_form(instructions)
  if before then
    return before .. shown .. behind
  elseif (advice.cure.ramble or 0) > 0.6 then
    return "Answer: " .. shown
  end
  return hash.pick(seed, "closing", {
    "So the answer is " .. shown .. ".",
    "That makes " .. shown .. " " .. q.asked .. ".",
    "In total there are " .. shown .. ".",
  })
end

-- A slip's chance is cured by what instructions say and by what worked examples show.
local function with_shown(advice, shown)
  for name, strength in pairs(shown and shown.cure or {}) do
    advice.cure[name] = 1 - (1 - (advice.cure[name] or 0)) * (1 - strength)
  end
  for name, strength in pairs(shown and shown.harm or {}) do
    advice.harm[name] = math.max(advice.harm[name] or 0, strength)
  end
  return advice
end

--- The answer to a counting question, in the parts that it consists of.
---@param q sim.question
---@param instructions string everything around the question that is an instruction
---@param options { seed: integer, slips?: number, temperature?: number, shown?: sim.shown }
---@return string[] working what comes before the statement; may be empty
---@return string stated the statement; "" where the working ends with it
---@return string? aside what is added behind it
---@return string number as it is shown, in digits or in words
function answerer.parts(q, instructions, options)
  local advice = with_shown(cues.read(instructions), options.shown)
  local seed = hash.text(q.text:lower(), options.seed)
  local reading = answerer.count(q, answerer.chances(advice, options), seed)
  local shown = reading.slipped.words and words.spell(reading.total) or tostring(reading.total)
  local last = closing(q, shown, instructions, advice, seed)
  local formal = (advice.cure.ramble or 0) > 0.6 or shown_form(instructions) ~= nil
  local listed = (advice.cure.skip or 0) > 0.4 and not advice.harm.skip
  local working, stated = {}, last
  if listed then
    working = { as_list(q, reading, seed), as_sum(reading, shown) }
  elseif advice.harm.quantity and advice.harm.sum then -- told to be brief
    stated = formal and last or shown
  elseif hash.unit(seed, "aloud") < 0.5 then
    working, stated = { in_passing(q, reading, shown) }, formal and last or ""
  else
    stated = formal and last or "You have " .. shown .. " " .. q.asked .. "."
  end
  local aside = reading.slipped.ramble and asides(q, seed, reading.total) or nil
  return working, stated, aside, shown
end

--- Write the answer to a counting question.
---@param q sim.question
---@param instructions string everything around the question that is an instruction
---@param options { seed: integer, slips?: number, temperature?: number, shown?: sim.shown }
---@return string
function answerer.reply(q, instructions, options)
  local out, stated, aside = answerer.parts(q, instructions, options)
  out[#out + 1] = stated ~= "" and stated or nil
  out[#out + 1] = aside
  return table.concat(out, "\n")
end

return answerer
