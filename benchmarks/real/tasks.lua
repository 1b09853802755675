--- Five small tasks for real models: rows, a role for the prompt, and how an answer is judged.
--
-- Rows are made from a seed, or bundled (reviews.lua); none is taken from a data set. Each task has
-- rows(n, seed), role (of the prompt that is improved), max_tokens (of an answer), loss(answer,
-- row) and metric(output, row). Nothing here calls a model.

local lg = require "lunagrad"

local films = require "films"
local reviews = require "reviews"

local tasks = {}

-- ---- counting ------------------------------------------------------------------

tasks.counting = {
  role = "system prompt for counting questions", max_tokens = 60,
  rows = function(n, seed) return lg.task.object_counting.generate(n, seed) end,
  read = lg.extract.last_number, form = "a number",
}

-- ---- sentiment -----------------------------------------------------------------

-- The word of the two that is named, when the other one is not.
local function verdict(text)
  local plain = text:lower()
  local yes, no = plain:find "%f[%a]positive%f[%A]", plain:find "%f[%a]negative%f[%A]"
  if (yes == nil) == (no == nil) then return nil end
  return yes and "positive" or "negative"
end

tasks.sentiment = {
  role = "system prompt for judging reviews", max_tokens = 12, most = #reviews,
  rows = function(n, seed)
    local rows = table.move(reviews, 1, #reviews, 1, {})
    lg.rng.new(seed):shuffle(rows)
    for i, row in ipairs(rows) do
      rows[i] = { question = "Review: " .. row.question, answer = row.answer }
    end
    return table.move(rows, 1, n, 1, {})
  end,
  read = verdict, form = "one of the words positive and negative",
}

-- Longer ones, of films, in the order in which they are written: halves stay what they are.
tasks.films = {
  role = "system prompt for judging reviews", max_tokens = 12, most = #films,
  rows = function(n) return table.move(films, 1, n, 1, {}) end,
  read = verdict, form = "one of the words positive and negative",
}

-- ---- sorting words -------------------------------------------------------------

local WORDS = {}
for word in ([[anchor basket candle dragon engine falcon garden hammer island jacket kettle ladder
  magnet needle orange pepper quartz ribbon saddle tunnel velvet window yellow zipper acorn bridge
  copper desert ember forest glacier harbor insect jungle kernel lantern meadow nectar]])
  :gmatch "%a+" do WORDS[#WORDS + 1] = word end

-- The words of the last line, in lower case, with single blanks.
local function words_in(text)
  local line, found = lg.extract.last_line(text), {}
  for word in (line or ""):lower():gsub("^[^:]*:", ""):gmatch "%a+" do found[#found + 1] = word end
  return #found > 0 and table.concat(found, " ") or nil
end

tasks.sorting = {
  role = "system prompt for sorting words", max_tokens = 40,
  rows = function(n, seed)
    local r, rows = lg.rng.new(seed), {}
    for i = 1, n do
      r:shuffle(WORDS)
      local words = table.move(WORDS, 1, r:int(3, 6), 1, {})
      rows[i] = { question = "Sort these words alphabetically: " .. table.concat(words, " ") }
      table.sort(words)
      rows[i].answer = table.concat(words, " ")
    end
    return rows
  end,
  read = words_in, form = "the words on one line, with blanks between them",
}

-- ---- arithmetic in words -------------------------------------------------------

local NAMES = { "Ana", "Ben", "Chidi", "Dora", "Emil", "Farah", "Goro", "Hana" }

-- Each a story with numbers a, b and c, and its answer.
local STORIES = {
  { "{name} bakes {a} trays of {b} buns and sells {c} of the buns. How many buns are left?",
    function(a, b, c) return a * b - c end },
  { "A ticket costs {a} euros. {name} buys {b} tickets and pays {c} euros for parking. "
    .. "How many euros does {name} pay in all?", function(a, b, c) return a * b + c end },
  { "{name} reads {a} pages on Monday and {b} pages on each of the next {c} days. "
    .. "How many pages does {name} read?", function(a, b, c) return a + b * c end },
  { "{name} has {a} boxes with {b} pens each. A friend brings {c} pens more and takes {a} pens "
    .. "home. How many pens does {name} have now?", function(a, b, c) return a * b + c - a end },
  { "{name} earns {a} euros an hour and works {b} hours. Lunch costs {c} euros. "
    .. "How many euros are left?", function(a, b, c) return a * b - c end },
}

tasks.arithmetic = {
  role = "system prompt for word problems", max_tokens = 60,
  rows = function(n, seed)
    local r, rows = lg.rng.new(seed), {}
    for i = 1, n do
      local story, values = r:pick(STORIES), { name = r:pick(NAMES) }
      values.a, values.b, values.c = r:int(3, 12), r:int(4, 12), r:int(2, 9)
      rows[i] = { question = (story[1]:gsub("{(%a+)}", values)),
        answer = tostring(story[2](values.a, values.b, values.c)) }
    end
    return rows
  end,
  read = lg.extract.last_number, form = "a number",
}

-- ---- JSON from a sentence ------------------------------------------------------

local GOODS = { "lamps", "chairs", "bicycles", "tents", "clocks", "carpets", "kettles" }
local CITIES = { "Oslo", "Porto", "Lima", "Accra", "Osaka", "Quito", "Riga", "Perth" }
local ORDERS = {
  "Please send {count} {item} to {name} in {city}.",
  "{name} from {city} would like {count} {item}.",
  "We are to deliver {count} {item}; the customer is {name}, {city}.",
  "Order of the day: {item} for {name}. {count} of them, to {city}.",
}
local FIELDS = { "name", "city", "item", "count" }

-- How many of the fields an answer has right, as a share, and what is wrong.
local function judge_json(text, row)
  local right, got = lg.json.decode(row.answer), nil
  local inner = text:match "{.-}"
  if inner then got = lg.json.decode(inner) end
  if type(got) ~= "table" then
    return 0, "There is no JSON object in this text. Right would be " .. row.answer .. "."
  end
  local hits = 0
  for _, field in ipairs(FIELDS) do
    if tostring(got[field]) == tostring(right[field]) then hits = hits + 1 end
  end
  if hits == #FIELDS then return 1, "right" end
  return hits / #FIELDS, ("%d of %d fields are right; right would be %s."):format(hits, #FIELDS,
    row.answer)
end

tasks.json = {
  role = "system prompt for turning orders into JSON", max_tokens = 60,
  rows = function(n, seed)
    local r, rows = lg.rng.new(seed), {}
    for i = 1, n do
      local order = { name = r:pick(NAMES), city = r:pick(CITIES), item = r:pick(GOODS),
        count = r:int(2, 40) }
      rows[i] = { question = (r:pick(ORDERS):gsub("{(%a+)}", order)),
        answer = lg.json.encode(order) }
    end
    return rows
  end,
  metric = function(output, row) return (judge_json(output, row)) end,
  loss = function(answer, row)
    return lg.loss.score { name = "fields",
      purpose = "share of the JSON fields name, city, item and count that are right",
      function(text) return judge_json(text, row) end }(answer)
  end,
}

-- ---- what they have in common --------------------------------------------------

-- "films" has too few rows to train on, and is for the probe.
tasks.names = { "counting", "sorting", "arithmetic", "sentiment", "json" }

for _, task in pairs(tasks) do -- "names" is left alone: it has no read
  if task.read then
    local exact = lg.loss.exact { extract = task.read, form = task.form }
    task.loss = function(answer, row) return exact(answer, row.answer) end
    task.metric = function(output, row)
      local taken = task.read(output)
      return taken == row.answer and 1 or 0
    end
  end
end

return tasks
