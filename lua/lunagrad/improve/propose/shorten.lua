--- Operator "shorten": the same with fewer words, at least a tenth less.
--
-- One question that shows the texts and nothing else. What is not shorter, loses a field of a
-- template or a label that is an allowed answer is asked for once more, and then refused. Whether it
-- is as good, the search finds out; ties are broken by length there.

local core = require "lunagrad.core"
local cases = require "lunagrad.improve.cases"
local material = require "lunagrad.improve.material"
local question = require "lunagrad.improve.question"
local number = require "lunagrad.number"
local layer = require "lunagrad.text"

local shorten = { name = "shorten", batch = false }

local LEAST = 12   -- words; shorter texts are left alone
local SHARE = 0.9  -- of the words that may stay

local function folded(text)
  return " " .. table.concat(layer.words(layer.fold(text)), " ") .. " "
end

-- Right answers that several rows have, and no numbers: what the program may answer.
local function labels(context)
  local count, list = {}, {}
  for i = 1, #(context.train or {}) do
    for _, truth in ipairs(cases.truths(context.train[i], context.field)) do
      count[truth] = (count[truth] or 0) + 1
      if count[truth] == 2 and truth:find "%S" and not number.canonical(truth) then
        list[#list + 1] = truth
      end
    end
  end
  return list
end

-- What must stand in the new text because it stands in the old one.
local function lost(before, new, context)
  local fields = {}
  for _, name in ipairs(core.fields(new)) do fields[name] = true end
  for _, name in ipairs(core.fields(before)) do
    if not fields[name] then return ("it lacks the field {%s}"):format(name) end
  end
  local old, now = folded(before), folded(new)
  for _, label in ipairs(labels(context)) do
    local part = folded(label)
    if old:find(part, 1, true) and not now:find(part, 1, true) then
      return ("it no longer says \"%s\", which is an allowed answer"):format(label)
    end
  end
  return nil
end

local function words_of(texts, targets)
  local sum = 0
  for _, i in ipairs(targets) do sum = sum + layer.count_words(texts[i]) end
  return sum
end

local function checker(plain, targets, most, context)
  return function(new)
    local words = words_of(new, targets)
    if words > most then
      return ("it has %d words, and at most %d are allowed"):format(words, most)
    end
    for _, i in ipairs(targets) do
      local problem = lost(plain[i], new[i], context)
      if problem then return problem end
    end
    return nil
  end
end

--- Whether there are words to take out.
---@param _ lunagrad.search
---@param parent lunagrad.candidate
---@return boolean
function shorten.fits(_, parent)
  local plain, targets = (material.split(parent.texts)), {}
  for i, text in ipairs(plain) do targets[#targets + 1] = type(text) == "string" and i or nil end
  return words_of(plain, targets) >= LEAST
end

--- The parent's texts with fewer words.
---@param parent lunagrad.candidate
---@param batch table[]|nil
---@param context table
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function shorten.propose(parent, batch, context)
  local targets, plain = material.targets(parent, context), (material.split(parent.texts))
  local before = words_of(plain, targets)
  if before < LEAST then return nil, "it is short already" end
  local most = math.floor(before * SHARE)
  local check = checker(plain, targets, most, context)
  return question.ask { prompt = "shorten", parent = parent, batch = batch, context = context,
    check = check, said = { words = tostring(before), most = tostring(most) } }
end

return shorten
