--- Looks at an answer to a counting question and works out what went wrong in it.
--
-- It has the question and the answer's text, nothing else: it counts for itself,
-- compares what the answer shows of its work, and where no work is shown tries
-- which single slip would explain the number.

local hash = require "lunagrad.world.hash"
local slips = require "lunagrad.world.slips"
local words = require "lunagrad.world.words"

local diagnose = {}

-- Number words that stand for a count; "a" and "an" do not.
local function value(word)
  if word == "a" or word == "an" or word == "couple" or word == "pair" then
    return nil
  end
  return words.value(word)
end

-- Where an answer is usually stated, the surest place first.
local MARKS = {
  "answer", "####", "that makes", "which makes", "in total there are", "total of", "total is",
  "there are", "you have", "=", "total",
}

-- The value within the few words behind a mark, not past the end of its line.
local function value_behind(low, at)
  local line = low:sub(at, at + 79):match "^[^\n]*"
  local seen = 0
  for from, word in line:gmatch "()([%w%-]+)" do
    seen = seen + 1
    local n = value(word)
    if n then
      return { n = n, at = at + from - 1, to = at + from + #word - 2, digits = word:find "^%d" }
    elseif seen == 5 then
      return nil
    end
  end
  return nil
end

--- The number that an answer states, where, and whether in digits.
---@param low string the answer in lower case
---@return { n: integer, at: integer, to: integer, digits: any }?
function diagnose.stated(low)
  for _, mark in ipairs(MARKS) do
    local at, found = 1, nil
    while true do
      local from, to = low:find(mark, at, true)
      if not from then
        break
      end
      found = value_behind(low, to + 1) or found
      at = to + 1
    end
    if found then
      return found
    end
  end
  return value_behind(low, low:find "%S" or 1)
end

-- The last number in digits: what a program would read.
local function last_digits(low)
  local n, at
  for from, digits in low:gmatch "()(%d+)" do
    n, at = math.tointeger(tonumber(digits)), from
  end
  return n, at
end

-- What one part of an answer says of an item: how many, 0 for "not counted".
local function amount(part, from, to)
  local tail = part:sub(to + 1)
  local colon = tail:find "[:=]"
  if colon then
    tail = tail:sub(colon)
    local digits = tail:match "%d+"
    if digits then
      return math.tointeger(tonumber(digits))
    end
  end
  if part:find "%f[%a]not%f[%A]" or part:find "%f[%a]no%f[%A]" or part:find "ignor" then
    return 0
  end
  local n
  for word in part:sub(1, from - 1):gmatch "[%w%-]+" do
    n = words.value(word) or n
  end
  return n or 1
end

--- What an answer shows of each item: how many it takes it for, 0 for "not counted", nil where it
--- does not speak of it.
---@param q sim.question
---@param low string the answer in lower case
---@param limit integer bytes of it to look at
---@return table<integer, integer>
function diagnose.shown(q, low, limit)
  local said, at = {}, 1
  local text = low:sub(1, limit)
  for part, stop in (text:gsub(" and ", "  ,  ") .. "\n"):gmatch "([^\n,]*)[\n,]()" do
    if at > #text then
      break
    end
    for i, item in ipairs(q.items) do
      if said[i] == nil then
        local from, to = part:find(words.plural(item.noun), 1, true)
        if not from then
          from, to = part:find("%f[%a]" .. item.noun:gsub("%-", "%%-") .. "%f[%A]")
        end
        if from then
          said[i] = amount(part, from, to)
        end
      end
    end
    at = stop
  end
  return said
end

---@class sim.finding
---@field slip string
---@field detail string what exactly, in words
---@field unseen? boolean no work was shown: a guess

local function from_work(q, said, stated, findings)
  local parts, total = {}, 0
  for i, item in ipairs(q.items) do
    local n = said[i]
    if item.wanted and (n or 0) == 0 then
      findings[#findings + 1] = { slip = item.held and "container" or "skip", detail = item.said }
    elseif item.wanted and n ~= item.n then
      findings[#findings + 1] = { slip = "quantity", detail = item.said }
    elseif not item.wanted and (n or 0) > 0 then
      findings[#findings + 1] = { slip = "distractor", detail = item.said }
    end
    if (n or 0) > 0 then
      parts[#parts + 1], total = n, total + n
    end
  end
  if stated and #parts > 1 and total ~= stated.n then
    findings[#findings + 1] = {
      slip = "sum",
      detail = table.concat(parts, " + ") .. " makes " .. total .. ", not " .. stated.n,
    }
  end
end

-- No work to see: which one slip would give this number?
local function from_difference(q, off, seed, findings)
  local guesses = {}
  local function guess(slip, item, detail)
    guesses[#guesses + 1] = {
      slip = slip, detail = detail or item.said,
      weight = slips[slip].rate * (0.2 + hash.unit(seed, slip .. #guesses)),
    }
  end
  for _, item in ipairs(q.items) do
    if item.wanted then
      if off == -item.n then
        guess(item.held and "container" or "skip", item)
      end
      if item.n > 1 and off == 1 - item.n then
        guess("quantity", item)
      end
    elseif off == item.n then
      guess("distractor", item)
    end
  end
  if off == 1 or off == -1 then
    guess("sum", nil, "the number is off by one")
  end
  if #guesses == 0 or hash.unit(seed, "show work first") < 0.35 then
    findings[#findings + 1] = { slip = "skip", detail = "an item", unseen = true }
    return
  end
  table.sort(guesses, function(a, b) return a.weight > b.weight end)
  findings[#findings + 1] = guesses[1]
end

---@class sim.diagnosis
---@field right boolean the stated number is the true one and a program can read it
---@field stated integer? the number it states
---@field read integer? the last number in digits
---@field findings sim.finding[] the most harmful first

--- Judge an answer.
---@param q sim.question
---@param answer string
---@param seed integer for choices between equally good explanations
---@return sim.diagnosis
function diagnose.answer(q, answer, seed)
  local low = answer:lower()
  local stated = diagnose.stated(low)
  local last, last_at = last_digits(low)
  local findings = {}
  local said = diagnose.shown(q, low, stated and stated.at - 1 or #low)
  local wanted, seen = 0, 0
  for i, item in ipairs(q.items) do
    if item.wanted then
      wanted = wanted + 1
      seen = seen + (said[i] and 1 or 0)
    end
  end
  if stated and stated.n ~= q.total then
    if seen * 2 >= wanted and seen > 0 then
      from_work(q, said, stated, findings)
    end
    if #findings == 0 then
      from_difference(q, stated.n - q.total, seed, findings)
    end
  elseif not stated then
    findings[#findings + 1] = { slip = "skip", detail = "everything", unseen = true }
  end
  if stated and not stated.digits then
    findings[#findings + 1] = { slip = "words", detail = words.spell(stated.n) }
  end
  if stated and last_at and last_at > stated.to and last ~= stated.n then
    findings[#findings + 1] = { slip = "ramble", detail = tostring(last) }
  end
  return {
    right = #findings == 0 and stated ~= nil and stated.n == q.total,
    stated = stated and stated.n, read = last, findings = findings,
  }
end

return diagnose
