--- Makes questions whose answer is two look-ups away, and the small documents that hold it.
--
-- "Could you please tell me in which year they finished the bridge of the town where Ada Morel was
-- born?": one document says where she was born, another says it of that town's bridge. People,
-- towns and facts are made up, so that no model knows them. Documents that hold nothing but the
-- ordinary words of such questions are among them: a question is a poor query.

local errors = require "lunagrad.errors"
local rng = require "lunagrad.rng"

local lookups = {}

local FIRST = { "Ada", "Bela", "Cora", "Dario", "Edda", "Fenn", "Gita", "Hanno", "Ines", "Jarl",
  "Kora", "Lena", "Milo", "Nadia", "Orin", "Pella", "Rasmus", "Sanna", "Timo", "Ulla" }
local HEAD = { "Bar", "Cal", "Dor", "Fal", "Gor", "Hal", "Kes", "Lor", "Mar", "Nor", "Pel", "Ras",
  "Sel", "Tar", "Vor", "Wil" }
local TAIL = { "bek", "dan", "ford", "gard", "holm", "ken", "lin", "mere", "nau", "rik", "stad",
  "ven" }
local TIES = { "was born", "grew up", "is buried", "learned to swim" }
local JOBS = { "painter", "doctor", "printer", "surveyor", "baker", "weaver", "pilot", "singer" }
local DAYS = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local SHOWN = { "clocks", "kites", "maps", "masks", "organs", "radios", "ships", "stoves" }

-- Of each town: what its document says, what is asked, and the answer.
local FACTS = {
  { "The stone bridge of %s was finished in %s.", "in which year they finished the bridge of %s",
    function(r) return tostring(r:int(1801, 1989)) end },
  { "The lighthouse of %s is %s metres tall.", "how many metres tall the lighthouse of %s is",
    function(r) return tostring(r:int(21, 79)) end },
  { "The school of %s teaches %s children.", "how many children the school of %s teaches",
    function(r) return tostring(r:int(102, 498)) end },
  { "The market of %s is held on %s.", "on which day they hold the market of %s",
    function(r) return r:pick(DAYS) end },
  { "The museum of %s shows %s.", "what the museum of %s shows",
    function(r) return r:pick(SHOWN) end },
}

local ASKED = { "Please could you tell me %s?", "I wonder whether you could tell me %s?",
  "Could you please find out for me %s?", "Would you please tell me %s?" }

local IDLE = { "Please could you tell us how many would like to come, and on which day?",
  "I wonder whether they would find it for me.",
  "Would you like to know in which year they hold it?" }

local MOST = 2000 -- questions: five of a person

-- Different names, as many as wanted.
local function names(r, n, make)
  local list, seen = {}, {}
  while #list < n do
    local name = make(r)
    if not seen[name] then list[#list + 1], seen[name] = name, true end
  end
  return list
end

local function town_name(r) return r:pick(HEAD) .. r:pick(TAIL) end
local function person_name(r) return r:pick(FIRST) .. " " .. r:pick(HEAD):lower():gsub("^%l",
  string.upper) .. r:pick { "son", "berg", "mann", "sen", "ova", "etti", "well", "ley" } end

local function add(docs, text) docs[#docs + 1] = { id = tostring(#docs + 1), text = text } end

-- A town with a document for each fact: what is asked of each, the answer, and the document's id.
local function town_of(r, name, docs)
  local town = { name = name }
  for i, fact in ipairs(FACTS) do
    local answer = fact[3](r)
    add(docs, fact[1]:format(name, answer))
    town[i] = { asked = fact[2], answer = answer, id = docs[#docs].id }
  end
  return town
end

local function row_of(r, person, fact)
  local where = ("the town where %s %s"):format(person.name, person.tie)
  local asked = r:pick(ASKED):format((fact.asked:gsub("%%s", where)))
  return { question = asked, answer = fact.answer, hops = { person.id, fact.id },
    between = person.town.name }
end

--- Make n different questions, and the documents that they are answered from, in two look-ups.
--- Rows have question, answer, hops (the ids of both documents, in order), between (the answer of the
--- first look-up) and id; documents id and text. Equal seeds give equal ones.
---@param n integer up to 2,000
---@param seed? integer|string default 1
---@return { question: string, answer: string, hops: string[], between: string, id: string }[] rows
---@return { id: string, text: string }[] documents
function lookups.generate(n, seed)
  if math.type(n) ~= "integer" or n < 0 or n > MOST then
    errors.raise("inval", ("lg.task.lookups.generate: expected how many questions, up to %d,"
      .. " got %s"):format(MOST, tostring(n)), nil, 2)
  end
  local r, docs, towns, all = rng.new(seed or 1), {}, {}, {}
  local people = math.max(1, (n + #FACTS - 1) // #FACTS)
  for i, name in ipairs(names(r, math.min(100, math.max(4, people // 2)), town_name)) do
    towns[i] = town_of(r, name, docs)
  end
  for _, name in ipairs(names(r, people, person_name)) do
    local person = { name = name, tie = r:pick(TIES), town = r:pick(towns) }
    add(docs, ("%s %s in %s; the family had a %s."):format(name, person.tie, person.town.name,
      r:pick(JOBS)))
    person.id = docs[#docs].id
    for _, fact in ipairs(person.town) do all[#all + 1] = row_of(r, person, fact) end
  end
  for _, text in ipairs(IDLE) do add(docs, text) end
  r:shuffle(all)
  local rows = table.move(all, 1, n, 1, {})
  for i, row in ipairs(rows) do row.id = tostring(i) end
  return rows, docs
end

return lookups
