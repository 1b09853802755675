--- Reads a counting question out of a text and works out its true answer.
--
-- "I have three bananas, a head of broccoli, and a lamp. How many fruits do I
-- have?" It reads the words only; it never sees how a question was made. Called
-- by the answerer, and by the critic, which recomputes what it judges.

local words = require "lunagrad.world.words"

local question = {}

---@class sim.item
---@field n integer the quantity
---@field noun string singular
---@field said string as the question says it ("three bananas")
---@field held boolean said through a head, stalk, bunch …
---@field wanted boolean whether it is of the kind asked for

---@class sim.question
---@field from integer first byte in the text
---@field to integer last byte
---@field text string
---@field asked string what is counted, as the question says it ("fruits")
---@field items sim.item[]
---@field total integer the true answer

local VERBS = { " do ", " does ", " are ", " is ", " have ", " has ", " did ", " can ", " in " }

local function asked_for(phrase)
  phrase = phrase .. " "
  for _, verb in ipairs(VERBS) do
    local at = phrase:find(verb, 1, true)
    if at then
      phrase = phrase:sub(1, at)
    end
  end
  return (phrase:gsub("^%s*of the%s+", ""):gsub("^%s+", ""):gsub("%s+$", ""))
end

-- One comma-separated part: the first quantity word and what stands behind it.
local function read_item(part)
  local at = 1
  while true do
    local from, to = part:find("[%w%-]+", at)
    if not from then
      return nil
    end
    local n = words.value(part:sub(from, to))
    if n then
      local rest = part:sub(to + 1):match "^%s+(.*%S)"
      local word, more = (rest or ""):match "^(%a+)%s+(.+)$"
      if n == 1 and word and (word == "couple" or word == "pair" or word == "dozen") then
        n, rest = words.value(word), more:gsub("^of%s+", "")
      end
      return n, rest, part:sub(from):match "^.*%S"
    end
    at = to + 1
  end
end

local function read_items(list, asked)
  local kind = words.kind(asked)
  local single = not kind and words.lookup(asked) or nil
  if not kind and not single then
    return nil
  end
  local items, known = {}, 0
  for part in (list:gsub("%f[%a]and%f[%A]", ",") .. ","):gmatch "([^,]*)," do
    local n, rest, said = read_item(part)
    if n and rest and rest ~= "" then
      local noun, of, held = words.lookup(rest)
      known = known + (noun and 1 or 0)
      local wanted = single ~= nil and noun == single or kind ~= nil and of == kind
      if kind == "object" then
        wanted = true -- in this kind of question everything is an object
      end
      items[#items + 1] = { n = n, noun = noun or rest, said = said, held = held, wanted = wanted }
    end
  end
  if #items == 0 or known * 2 < #items then
    return nil
  end
  return items
end

-- The sentence that ends just before byte `at`: it holds the list.
local function sentence_before(text, at)
  local last = at - 1
  while last > 0 and text:find("^[%s.,;:]", last) do
    last = last - 1
  end
  local first = last
  while first > 0 and not text:find("^[.!?:>\n\"|]", first) do
    first = first - 1
  end
  first = first + 1
  while first < last and text:find("^%s", first) do
    first = first + 1
  end
  return first, last
end

-- Where "how many" stands in a text in lower case.
local function marks_of(low)
  local marks, at = {}, 1
  while true do
    local from, to = low:find("how many ", at, true)
    if not from then
      return marks
    end
    marks[#marks + 1] = from
    at = to
  end
end

-- The counting question that asks at a mark, or nil.
local function asked_at(text, low, mark)
  local phrase, length = low:sub(mark, mark + 99):match "^how many ([%a%-' ]-)%s*()%?"
  if not phrase then
    return nil
  end
  local asked, to = asked_for(phrase), mark + length - 1
  local first, last = sentence_before(low, mark)
  local items = first < last and read_items(low:sub(first, last), asked)
  if not items then
    return nil
  end
  local q = { from = first, to = to, asked = asked, items = items }
  q.text = text:sub(first, to)
  q.total = question.count(q)
  return q
end

--- Find the last counting question in a text.
---@param text string
---@return sim.question?
function question.find(text)
  local low = text:lower()
  local marks = marks_of(low)
  for i = #marks, 1, -1 do
    local q = asked_at(text, low, marks[i])
    if q then
      return q
    end
  end
  return nil
end

--- All counting questions in a text, in their order.
---@param text string
---@return sim.question[]
function question.all(text)
  local low, list = text:lower(), {}
  for _, mark in ipairs(marks_of(low)) do
    list[#list + 1] = asked_at(text, low, mark)
  end
  return list
end

--- The true count.
---@param q sim.question
---@return integer
function question.count(q)
  local total = 0
  for _, item in ipairs(q.items) do
    if item.wanted then
      total = total + item.n
    end
  end
  return total
end

return question
