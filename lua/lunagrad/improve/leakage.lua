--- Leakage: does a text hold what only training examples hold?
--
-- A text that copies examples does well on them and no better elsewhere. Found are passages of a
-- row of eight words or more, right answers of three words or more, and shorter passages with
-- their row's right answer behind them. What many rows share is the task's form, not an example:
-- such passages, numbers and labels ("positive") may stand in any text. What stood in the text
-- before is not asked about, nor are the worked examples that the operator "demos" puts behind a
-- text. The rows are indexed once, an integer for each of their words; a text is read once. Pure.

local cases = require "lunagrad.improve.cases"
local worked = require "lunagrad.improve.worked"
local layer = require "lunagrad.text"

local leakage = {}

local WINDOW = 5       -- words in a row that are indexed
local PASSAGE = 8      -- words in a row that nobody else says by chance
local ANSWER = 3       -- words of a right answer that nobody else gives by chance
local BEHIND = 30      -- words behind a passage in which its answer is looked for
local COMMON = { 3, 0.05 } -- rows, and share of all rows, that have a passage in common
local SHOWN = 12       -- words of a quotation
local BASE = 0x5DEECE66D

-- ---- words -------------------------------------------------------------------

local function words_of(text) return layer.words(layer.fold(text)) end

-- An ideograph or syllable by itself says half of what a word says.
local function weight(words, from, to)
  local sum = 0
  for i = from, to do
    local w = words[i]
    sum = sum + (#w <= 3 and w:byte() >= 0xE3 and 0.5 or 1)
  end
  return sum
end

-- Calls fn(key, i) for each window of words that have numbers; i is its first word.
local function windows(words, number_of, fn)
  local top = 1
  for _ = 2, WINDOW do top = top * BASE end
  local key, known, ids = 0, 0, {}
  for i, word in ipairs(words) do
    local id = number_of(word)
    ids[i] = id or 0
    if not id then
      key, known = 0, 0
    else
      if known >= WINDOW then key = key - ids[i - WINDOW] * top end
      key, known = key * BASE + id, known + 1
      if known >= WINDOW then fn(key, i - WINDOW + 1) end
    end
  end
end

-- ---- the index -----------------------------------------------------------------

local function number_of(index)
  return function(word)
    local id = index.ids[word]
    if not id then
      index.n_ids = index.n_ids + 1
      id = index.n_ids
      index.ids[word] = id
    end
    return id
  end
end

local function add_windows(index, words, row)
  windows(words, number_of(index), function(key)
    if not index.row[key] then
      index.row[key] = row
    elseif index.last[key] ~= row and index.row[key] ~= row then
      index.count[key], index.last[key] = (index.count[key] or 1) + 1, row
    end
  end)
end

local function add_answer(index, words, row)
  index.answers[row] = index.answers[row] or {}
  table.insert(index.answers[row], words)
  local phrase = table.concat(words, " ")
  local known = index.phrases[phrase]
  if known == nil then
    index.phrases[phrase] = row
  elseif known ~= row then
    index.phrases[phrase] = false -- a label
  end
  if #words >= ANSWER and known == nil then
    local list = index.by_first[words[1]] or {}
    index.by_first[words[1]], list[#list + 1] = list, words
  end
end

local function build(rows, field)
  local index = { ids = {}, n_ids = 0, row = {}, last = {}, count = {}, answers = {}, phrases = {},
    by_first = {}, common = math.max(COMMON[1], math.ceil(COMMON[2] * #rows)) }
  for i = 1, #rows do
    add_windows(index, words_of(cases.input(rows[i], field)), i)
    for _, truth in ipairs(cases.truths(rows[i], field)) do
      local words = words_of(truth)
      add_windows(index, words, i)
      if #words > 0 then add_answer(index, words, i) end
    end
  end
  index.last = nil
  return index
end

-- ---- looking -------------------------------------------------------------------

local function quoted(words, from, to)
  local last = math.min(to, from + SHOWN - 1)
  return ('"%s%s"'):format(table.concat(words, " ", from, last), last < to and " …" or "")
end

local function starts_at(words, at, part)
  for k = 1, #part do
    if words[at + k - 1] ~= part[k] then return false end
  end
  return true
end

-- The first words at which one of some answers stands in words[from … to].
local function stands_in(words, from, to, answers)
  for at = from, to do
    for _, answer in ipairs(answers or {}) do
      if starts_at(words, at, answer) then return true end
    end
  end
  return false
end

-- Where a window of the text is one of a row, and not of many: first word → row.
local function hits_of(index, words, old)
  local hits, known = {}, {}
  local function id_of(word) return index.ids[word] end
  windows(old, id_of, function(key) known[key] = true end)
  windows(words, id_of, function(key, i)
    local row = index.row[key]
    if row and not known[key] and (index.count[key] or 1) < index.common then hits[i] = row end
  end)
  return hits
end

-- A long passage, or a shorter one with its answer.
local function passage(index, words, old)
  local hits, from = hits_of(index, words, old), nil
  for i = 1, #words do
    local row = hits[i]
    from = row and (from or i) or nil
    if row then
      local to = i + WINDOW - 1
      if weight(words, from, to) >= PASSAGE then
        return ("it copies a passage of training example %d (%s)"):format(row,
          quoted(words, from, to))
      elseif stands_in(words, to + 1, math.min(to + BEHIND, #words), index.answers[row]) then
        return ("it copies training example %d (%s) with its answer"):format(row,
          quoted(words, from, to))
      end
    end
  end
  return nil
end

-- A right answer that is one row's alone.
local function answer(index, words, old)
  local before
  for i, word in ipairs(words) do
    for _, one in ipairs(index.by_first[word] or {}) do
      local phrase = table.concat(one, " ")
      local row = index.phrases[phrase]
      if row and weight(one, 1, #one) >= ANSWER and starts_at(words, i, one) then
        before = before or " " .. table.concat(old, " ") .. " "
        if not before:find(" " .. phrase .. " ", 1, true) then
          return ("it copies the right answer of training example %d (%s)"):format(row,
            quoted(one, 1, #one))
        end
      end
    end
  end
  return nil
end

--- What finds out whether a text copies from these rows.
---@param rows table[] the training set
---@param options? {field: string|nil} the field that holds the right answer
---@return fun(text: string, before: string|nil): string|nil leak what is copied, or nil
function leakage.new(rows, options)
  local index = build(rows, options and options.field)
  return function(text, before)
    local words, old = words_of((worked.split(text))), words_of(before or "")
    return passage(index, words, old) or answer(index, words, old)
  end
end

return leakage
