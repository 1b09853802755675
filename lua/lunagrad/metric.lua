--- Metrics: how good a prediction is for a row of data, as a number. Larger is better.
--
-- metric(prediction, row) → score. The truth is row.answer, else row.target, else row.answers; where
-- it is a list (or SQuAD's { text = {…} }), the best score over its items counts. No metric calls a
-- model; one that should is any function of the same two arguments. What each takes for the same:
--
--   exact     the text as written, but for blanks at the ends; decimal numbers by value (8, 8.0)
--   number    the last numbers, by value: lg.extract.last_number, fractions and decimals alike
--   contains  folded texts (lg.text.fold: no case, NFKC, plain quotes, dashes, digits, blanks)
--   choice    letters of options: lg.extract.choice
--   f1        words of folded texts, without punctuation and English articles; numbers by value
--
-- Used by lunagrad.improve.evaluate and lunagrad.train.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local layer = require "lunagrad.text"
local number = require "lunagrad.number"
local options = require "lunagrad.options"
local field_of = require("lunagrad.row").get

local metric = {}

local trim = extract.trim

--- A decimal number in one writing only, so that 8, +8.0, 08 and 0.8e1 are the same and long
--- numbers lose no digit; nil when the text is no number.
---@param text string
---@return string|nil
function metric.canonical_number(text) return number.canonical(text) end

--- Do two texts say the same? As numbers when both are numbers ("8" and "8.0"), else exactly,
--- but for blanks at the ends.
---@param a string
---@param b string
---@return boolean
function metric.same(a, b)
  if trim(a) == trim(b) then return true end
  local x = metric.canonical_number(a)
  return x ~= nil and x == metric.canonical_number(b)
end

-- A value of a row as texts; nil when it is none, nor a list of some.
local function texts_of(value)
  local kind = type(value)
  if kind == "string" then return { value } end
  if kind == "number" then return { core.number_text(value) } end
  if kind == "boolean" then return { tostring(value) } end
  if kind ~= "table" then return nil end
  if type(rawget(value, "text")) == "table" then value = value.text end -- SQuAD's answers
  local list = {}
  for i = 1, #value do
    local item = value[i]
    if type(item) == "table" then item = rawget(item, "text") end
    local one = type(item) ~= "table" and texts_of(item)
    if not one then return nil end
    list[i] = one[1]
  end
  if #list == 0 and next(value) ~= nil then return nil end
  return #list > 0 and list or { "" } -- none is right: the question has no answer
end

local function value_of(row, field)
  if type(row) ~= "table" then return nil end
  if field then return field_of(row, field) end
  for _, name in ipairs { "answer", "target", "answers" } do
    local value = field_of(row, name)
    if value ~= nil then return value end
  end
  return nil
end

--- What a row says is right: a list of texts, any of which is. An empty list in the row says that
--- nothing is, and gives "".
---@param row table
---@param field string|nil
---@return string[]
function metric.truths(row, field)
  return texts_of(value_of(row, field)) or errors.refuse(field or "answer",
    ("the row has no %s to compare with"):format(field or "answer (or target, or answers)"),
    "name the field: lg.metric.make{ lg.metric.exact, field = \"…\" }", 3)
end

--- What a row says is right, as text; of several the first.
---@param row table
---@param field string|nil
---@return string
function metric.truth(row, field) return metric.truths(row, field)[1] end

-- The best score over all that is right.
local function best(row, fn)
  local most = 0
  for _, truth in ipairs(metric.truths(row)) do most = math.max(most, fn(truth)) end
  return most
end

--- A score as a number: true is 1, false is 0. Anything else that is no number is an error.
---@param value any
---@param who string
---@return number
function metric.score(value, who)
  if value == true then return 1 end
  if value == false then return 0 end
  if math.type(value) and value - value == 0 then return value end -- neither infinite nor NaN
  errors.raise("inval", ("%s must return a number, true or false, got %s"):format(who,
    value ~= value and "not-a-number" or math.type(value) and tostring(value) or type(value)),
    nil, 3)
end

--- 1 when the prediction is the answer: as a number when both are decimal numbers, else the same
--- text, character by character, but for blanks at the ends.
function metric.exact(prediction, row)
  return best(row, function(truth) return metric.same(prediction, truth) and 1 or 0 end)
end

--- 1 when the last number in the prediction is the last number in the answer, by value: digits of
--- all scripts, 1,234 and 1 234, 3/4 and 0.75, as lg.extract.last_number reads them.
function metric.number(prediction, row)
  local got = number.last(prediction)
  return best(row, function(truth)
    local wanted = number.last(truth)
    if not wanted then
      errors.raise("inval", ("the row's answer holds no number: %q"):format(truth:sub(1, 60)), nil,
        0)
    end
    return got ~= nil and number.same(got, wanted) and 1 or 0
  end)
end

local LETTERS = 4 -- options of a row that does not list them
local letter_readers = {} -- number of options → extractor

local function letter_reader(n)
  if not letter_readers[n] then
    local letters = {}
    for i = 1, n do letters[i] = string.char(64 + i) end
    letter_readers[n] = extract.choice(letters)
  end
  return letter_readers[n]
end

--- 1 when the letter that the prediction answers with, as lg.extract.choice reads it ("the answer is
--- (C)", "**C**", "C."), is the row's answer. The letters are A to D, or as many as row.options has.
function metric.choice(prediction, row)
  local list = field_of(row, "options")
  local n = type(list) == "table" and #list or LETTERS
  local got = letter_reader(math.max(2, math.min(n, 26)))(prediction)
  return best(row, function(truth) return got == trim(truth) and 1 or 0 end)
end

-- ---- contains --------------------------------------------------------------------

-- Korean puts its particles behind a word without a blank: 서울은, 서울입니다.
local PARTICLES = {}
for _, particle in ipairs { "은", "는", "이", "가", "을", "를", "의", "에", "에서", "에게", "로", "으로",
  "와", "과", "도", "만", "이다", "입니다", "예요", "이에요", "이며", "이고", "라고", "이라고", "다" } do
  PARTICLES[particle] = true
end

local function char_before(text, at)
  if at < 1 then return nil end
  return utf8.offset(text, -1, at + 1)
end

local function is_hangul(text, at)
  return at <= #text and text:find("^[\xEA-\xED]", at) ~= nil and core.char_kind(text, at) == "p"
end

-- Does a word or number go on to the left of `from`? Signs, points and digits belong to a number.
local function glued_left(text, from)
  local first = core.char_kind(text, from)
  local before = char_before(text, from - 1)
  if not first or not before then return false end
  local kind = core.char_kind(text, before)
  if is_hangul(text, from) then return is_hangul(text, before) end
  if first == "p" then return false end
  if kind and kind ~= "p" then return true end
  if first ~= "n" then return false end
  return text:find("^[^%w%)]%-", before - 1) ~= nil or (before == 1 and text:find "^%-" ~= nil)
    or text:find("^%d[.,]", before - 1) ~= nil or text:find("^%.", before) ~= nil
end

local function glued_right(text, to)
  local last = char_before(text, to)
  local kind = core.char_kind(text, last)
  local behind = core.char_kind(text, to + 1)
  if not kind then return false end
  if kind == "w" and text:find("^[+#]", to + 1) then return true end -- C is not in C++
  if is_hangul(text, last) and is_hangul(text, to + 1) then
    local stop = to + 1
    while is_hangul(text, stop) do stop = utf8.offset(text, 2, stop) end
    return not PARTICLES[text:sub(to + 1, stop - 1)]
  end
  if kind == "p" then return behind == "m" end
  return behind ~= nil and behind ~= "p" or (kind == "n" and text:find("^[.,]%d", to + 1) ~= nil)
end

-- What is looked for: without quotes around it and a stop behind it, unless nothing else is there.
local function bare(truth)
  local inner = truth:match "^[\"' ]*(.-)[\"'.!?,;: ]*$"
  return inner ~= "" and inner or truth
end

local function holds_number(prediction, wanted)
  for _, one in ipairs(number.all(prediction)) do
    if one and number.same(one, wanted) then return true end
  end
  return false
end

local function contains(prediction, text, truth)
  local wanted = bare(layer.fold(truth))
  if wanted == "" then return text == "" end
  if number.canonical(wanted) then return holds_number(prediction, wanted) end
  local at = 1
  while true do
    local from, to = text:find(wanted, at, true)
    if not from then return false end
    if not glued_left(text, from) and not glued_right(text, to) then return true end
    at = from + 1
  end
end

--- 1 when the answer stands in the prediction as words of its own, both folded: "8" is not in "18",
--- "-8" or "8.5", “Paris” is in "It is Paris…", МОСКВА in "в городе Москва". A number counts by value
--- (8 is in "8.0"). In scripts that part no words (Chinese, Japanese, Thai) it may stand anywhere, a
--- Korean word may have a particle behind it. An empty answer is only in an empty prediction.
function metric.contains(prediction, row)
  local text = layer.fold(prediction)
  return best(row, function(truth) return contains(prediction, text, truth) and 1 or 0 end)
end

-- ---- f1 --------------------------------------------------------------------------

local ARTICLES = { a = true, an = true, the = true }

-- Words with how often each comes. Hyphens part, points inside do not count (U.S. is us).
local function bag_of_words(text, drop)
  local bag, n = {}, 0
  local function add(word)
    if drop and ARTICLES[word] then return end
    bag[word], n = (bag[word] or 0) + 1, n + 1
  end
  for _, word in ipairs(layer.words(text)) do
    local value = number.canonical(word)
    if value then
      add(value)
    else
      for part in word:gmatch "[^%-_]+" do add((part:gsub("[.'\"]", ""))) end
    end
  end
  return bag, n
end

local function f1(text, truth)
  local folded = layer.fold(truth)
  local wanted, n_wanted = bag_of_words(folded, true)
  local drop = n_wanted > 0 -- an answer of nothing but articles is an answer: "A"
  if not drop then wanted, n_wanted = bag_of_words(folded, false) end
  local got, n_got = bag_of_words(text, drop)
  if n_wanted == 0 then return n_got == 0 and (folded == "" or text == folded) and 1 or 0 end
  if n_got == 0 then return 0 end
  local common = 0
  for word, n in pairs(got) do common = common + math.min(n, wanted[word] or 0) end
  return 2 * common / (n_got + n_wanted)
end

--- Overlap of words, from 0 to 1: the harmonic mean of precision and recall. Both texts are folded
--- and cut into lg.text.words, hyphenated ones into their parts; punctuation does not count, nor do
--- the English articles, unless the answer has no other word; numbers count by value.
function metric.f1(prediction, row)
  local text = layer.fold(prediction)
  return best(row, function(truth) return f1(text, truth) end)
end

--- A metric with an extractor in front or another field of the row as truth.
---
--- `lg.metric.make{ lg.metric.exact, extract = lg.extract.after "Answer:", field = "label" }`.
--- A prediction in which the extractor finds nothing scores 0.
---@param spec table|function {metric, extract=, field=, name=}
---@return fun(prediction: string, row: table): number
function metric.make(spec)
  if type(spec) == "function" then spec = { spec } end
  spec = options.check(spec, {
    [1] = "callable", extract = "callable?", field = "string?",
    name = { type = "string", default = "made by lg.metric.make" },
  }, "lg.metric.make")
  local fn, take, field = spec[1], spec.extract, spec.field
  local who = ("metric %q"):format(spec.name)
  return function(prediction, row)
    local text = prediction
    if take then text = take(prediction) end
    if text == nil then return 0 end
    local seen = row
    if field then
      local right = metric.truths(row, field)
      seen = setmetatable({ answer = #right == 1 and right[1] or right }, { __index = row })
    end
    return metric.score(fn(text, seen), who)
  end
end

return options.closed(metric, "lg.metric")
