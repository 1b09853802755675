--- Makes counting questions in the form of BIG-Bench Hard's "object counting".
--
-- "I have a flute, two drums, and a lamp. How many musical instruments do I have?"
-- with the true answer. Word lists are sim's (lunagrad.world.words) so that sim can
-- read them; the answer is known from making the question, not from reading it.

local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"
local words = require "lunagrad.world.words"

local object_counting = {}

local KINDS = { "animal", "fruit", "instrument", "object", "vegetable" }
local ASKED = {
  animal = "animals", fruit = "fruits", instrument = "musical instruments", object = "objects",
  vegetable = "vegetables",
}

-- How many entries a list has, and how many of one entry: as in BIG-Bench Hard.
local LENGTHS = { 2, 3, 3, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10 }

local function quantity(r)
  local u = r:float()
  if u < 0.76 then
    return 1
  end
  return u < 0.88 and 2 or u < 0.95 and 3 or u < 0.99 and 4 or 5
end

local function entry(noun, n)
  if n == 1 then
    return words.article(noun) .. " " .. noun
  end
  return words.spell(n) .. " " .. words.plural(noun)
end

-- Some nouns of a kind, none twice.
local function nouns(r, kind, n)
  local all = table.move(words.nouns[kind], 1, #words.nouns[kind], 1, {})
  r:shuffle(all)
  return table.move(all, 1, math.min(n, #all), 1, {})
end

local function question(r)
  local kind = r:pick(KINDS)
  local length = r:pick(LENGTHS)
  -- "How many objects" asks for everything; other questions may hold a few strays.
  local strays = 0
  if kind ~= "object" and length > 3 and r:float() < 0.35 then
    strays = r:int(1, 3)
  end
  local entries, total = {}, 0
  for _, noun in ipairs(nouns(r, kind, length - strays)) do
    local n = quantity(r)
    total = total + n
    entries[#entries + 1] = entry(noun, n)
  end
  local seen = {}
  while strays > 0 do
    local other = r:pick(KINDS)
    local noun = r:pick(words.nouns[other])
    if other ~= kind and not seen[noun] then
      seen[noun], strays = true, strays - 1
      entries[#entries + 1] = entry(noun, quantity(r))
    end
  end
  r:shuffle(entries)
  local list = table.concat(entries, ", ", 1, #entries - 1) .. ", and " .. entries[#entries]
  return {
    question = "I have " .. list .. ". How many " .. ASKED[kind] .. " do I have?",
    answer = tostring(total),
  }
end

local MOST = 1000000 -- questions: more is a mistake, and would never come back

--- Make n different questions. Equal seeds give equal questions.
---@param n integer
---@param seed? integer|string default 1
---@return { question: string, answer: string }[]
function object_counting.generate(n, seed)
  if math.type(n) ~= "integer" or n < 0 or n > MOST then
    errors.raise("inval", ("object_counting.generate: expected how many questions, up to %d,"
      .. " got %s"):format(MOST, tostring(n)), nil, 2)
  end
  local r = rng.new(seed or 1)
  local rows, known = {}, {}
  while #rows < n do
    local row = question(r)
    if not known[row.question] then
      known[row.question] = true
      rows[#rows + 1] = row
    end
  end
  return rows
end

return object_counting
