--- The words sim knows: nouns by kind, their plurals, and how quantities are said.
--
-- Plain data with a few look-ups, shared with lunagrad.task.object_counting so
-- that the questions stay within what sim can read. No question, answer or slip
-- is decided here.

local words = {}

--- Nouns of each kind, in the singular.
words.nouns = {
  fruit = {
    "apple", "apricot", "banana", "blackberry", "blueberry", "cherry", "fig", "grape", "kiwi",
    "lemon", "lime", "mango", "melon", "nectarine", "orange", "papaya", "peach", "pear",
    "pineapple", "plum", "raspberry", "strawberry",
  },
  vegetable = {
    "asparagus", "beet", "bunch of kale", "cabbage", "carrot", "cauliflower", "cucumber",
    "ear of corn", "eggplant", "garlic", "head of broccoli", "leek", "lettuce head", "onion",
    "parsnip", "potato", "radish", "shallot", "spinach", "stalk of celery", "turnip", "yam",
    "zucchini",
  },
  animal = {
    "bear", "camel", "cat", "chicken", "cow", "dog", "donkey", "duck", "fish", "fox", "frog",
    "goat", "goose", "horse", "lizard", "mouse", "owl", "pig", "rabbit", "sheep", "snail",
    "snake", "turtle", "wolf",
  },
  instrument = {
    "accordion", "banjo", "bassoon", "cello", "clarinet", "drum", "flute", "guitar", "harp",
    "oboe", "piano", "saxophone", "tambourine", "trombone", "trumpet", "tuba", "violin", "viola",
  },
  object = {
    "bed", "bench", "bookcase", "bucket", "car", "chair", "clock", "couch", "desk", "fridge",
    "kettle", "ladder", "lamp", "microwave", "mirror", "oven", "stove", "suitcase", "table",
    "toaster", "umbrella", "vase",
  },
}

--- What a question calls each kind; the first is the usual one.
words.kind_names = {
  fruit = { "fruits", "fruit", "pieces of fruit" },
  vegetable = { "vegetables", "vegetable", "veggies" },
  animal = { "animals", "animal", "creatures" },
  instrument = { "musical instruments", "musical instrument", "instruments", "instrument" },
  object = { "objects", "object", "things", "items", "household objects" },
}

words.numbers = {
  [0] = "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
  "nineteen", "twenty",
}

local TENS = {
  "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
}

--- Words that hold or portion another noun: "two heads of broccoli" are two vegetables.
words.holders = {
  head = true, stalk = true, bunch = true, ear = true, clove = true, stick = true, bulb = true,
  leaf = true, piece = true, bag = true, basket = true, crate = true,
}

local irregular = {
  fish = "fish", goose = "geese", mouse = "mice", sheep = "sheep", wolf = "wolves",
  potato = "potatoes", mango = "mangoes", leaf = "leaves", asparagus = "asparagus",
  spinach = "spinach",
}

--- The plural of a noun ("mouse" → "mice", "head of broccoli" → "heads of broccoli").
---@param noun string
---@return string
function words.plural(noun)
  local holder, rest = noun:match "^(%a+)( of .+)$"
  if holder then
    return words.plural(holder) .. rest
  elseif irregular[noun] then
    return irregular[noun]
  elseif noun:find "[^aeiou]y$" then
    return (noun:gsub("y$", "ies"))
  elseif noun:find "[sxz]$" or noun:find "[cs]h$" then
    return noun .. "es"
  end
  return noun .. "s"
end

--- "a" or "an".
---@param noun string
---@return string
function words.article(noun)
  return noun:find "^[aeiou]" and not noun:find "^uni" and "an" or "a"
end

--- A number in words ("twenty-three"); digits from one hundred on.
---@param n integer
---@return string
function words.spell(n)
  if words.numbers[n] then
    return words.numbers[n]
  elseif n > 20 and n < 100 then
    local ones = n % 10
    return TENS[n // 10] .. (ones > 0 and "-" .. words.numbers[ones] or "")
  end
  return tostring(n)
end

-- Built once from the tables above; read only from then on.
local value_of = { a = 1, an = 1, couple = 2, pair = 2, dozen = 12 }
local base_of, kind_of, kind_named = {}, {}, {}
for n = 0, 99 do
  value_of[words.spell(n)] = n
end
for kind, list in pairs(words.nouns) do
  for _, noun in ipairs(list) do
    kind_of[noun] = kind
    base_of[noun] = noun
    base_of[words.plural(noun)] = noun
  end
end
for kind, names in pairs(words.kind_names) do
  for _, name in ipairs(names) do
    kind_named[name] = kind
  end
end
-- What is left of "bunch of kale" without its holder is a vegetable as well.
for _, noun in ipairs { "broccoli", "celery", "lettuce", "kale", "corn" } do
  kind_of[noun], base_of[noun] = "vegetable", noun
end
local holder_of = {}
for holder in pairs(words.holders) do
  holder_of[holder], holder_of[words.plural(holder)] = true, true
end

--- The value of a quantity word or of digits, or nil.
---@param word string lower case
---@return integer?
function words.value(word)
  return value_of[word] or math.tointeger(tonumber(word:match "^%d+$"))
end

--- The kind that a question asks for ("musical instruments"), or nil.
---@param name string
---@return string?
function words.kind(name)
  return kind_named[name]
end

--- Look a noun phrase up, dropping leading adjectives until something is known.
---@param phrase string lower case, without its quantity
---@return string? base singular
---@return string? kind
---@return boolean held whether it is said through a holder ("head of …", "… head")
function words.lookup(phrase)
  while phrase do
    local held = phrase:match "^(%a+) of " or phrase:match " (%a+)$"
    held = held ~= nil and holder_of[held] or false
    local base = base_of[phrase]
    if base then
      return base, kind_of[base], held
    end
    local inner = phrase:match "^%a+ of (.+)$" or phrase:match "^(.+) %a+$"
    if held and base_of[inner] then
      return base_of[inner], kind_of[base_of[inner]], true
    end
    phrase = phrase:match "^%S+%s+(.+)$"
  end
  return nil, nil, false
end

return words
