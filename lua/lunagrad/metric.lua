--- Metrics: how good a prediction is for a row of data, as a number. Larger is better.
--
-- metric(prediction, row) → score. The truth is row.answer, or row.target when
-- there is no answer. No metric calls a model; one that should is any function
-- of the same two arguments. Used by lunagrad.evaluate and lunagrad.train.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local options = require "lunagrad.options"
local field_of = require("lunagrad.row").get

local metric = {}

local trim = extract.trim

--- 1,234,567.5 without its commas; nil when the commas stand elsewhere.
local function without_commas(text)
  local sign, head, tail = text:match "^([+-]?)(%d[%d,]*)(.*)$"
  if not head or not head:find(",", 1, true) then return text end
  local plain = head:gsub(",(%d%d%d)", "%1")
  if not head:find "^%d%d?%d?," or plain:find(",", 1, true) or #plain <= 3 then return nil end
  local groups = select(2, head:gsub(",%d%d%d%f[^%d]", ""))
  if groups ~= select(2, head:gsub(",", "")) then return nil end
  return sign .. plain .. tail
end

--- A decimal number in one writing only, so that 8, +8.0, 08 and 0.8e1 are the same and long
--- numbers lose no digit; nil when the text is no number.
---@param text string
---@return string|nil
function metric.canonical_number(text)
  local body = #text <= 400 and without_commas(trim(text))
  if not body then return nil end
  local sign, whole, fraction, power = body:match "^([+-]?)(%d*)%.?(%d*)(.*)$"
  if whole == "" and fraction == "" then return nil end
  local shift = 0
  if power ~= "" then
    shift = math.tointeger(tonumber(power:match "^[eE]([+-]?%d%d?%d?)$"))
    if not shift then return nil end
  end
  local digits, point = whole .. fraction, #whole + shift
  if point < 0 then digits, point = ("0"):rep(-point) .. digits, 0 end
  if point > #digits then digits = digits .. ("0"):rep(point - #digits) end
  whole = digits:sub(1, point):gsub("^0+", "")
  fraction = digits:sub(point + 1):gsub("0+$", "")
  if whole == "" then whole = "0" end
  local plain = fraction == "" and whole or whole .. "." .. fraction
  return sign == "-" and plain ~= "0" and "-" .. plain or plain
end

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

--- What a row says is right, as text.
---@param row table
---@param field string|nil
---@return string
function metric.truth(row, field)
  local value
  if type(row) == "table" then
    value = field_of(row, field or "answer")
    if value == nil and not field then value = field_of(row, "target") end
  end
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "number" then return core.number_text(value) end
  if kind == "boolean" then return tostring(value) end
  errors.raise("inval", ("the row has no %s to compare with"):format(field or "answer (or target)"),
    "name the field: lg.metric.make{ lg.metric.exact, field = \"…\" }", 3)
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

--- 1 when the prediction is the answer: as a number when both are numbers, else the same text.
function metric.exact(prediction, row)
  return metric.same(prediction, metric.truth(row)) and 1 or 0
end

--- 1 when the last number in the prediction is the last number in the answer.
function metric.number(prediction, row)
  local truth = metric.truth(row)
  local wanted = extract.last_number(truth)
  if not wanted then
    errors.raise("inval", ("the row's answer holds no number: %q"):format(truth:sub(1, 60)),
      nil, 2)
  end
  local got = extract.last_number(prediction)
  return got ~= nil and metric.same(got, wanted) and 1 or 0
end

--- 1 when the answer stands in the prediction as words of its own: "8" is not in "18".
function metric.contains(prediction, row)
  local text, wanted = prediction:lower(), trim(metric.truth(row)):lower()
  if wanted == "" then return 1 end
  local at = 1
  while true do
    local from, to = text:find(wanted, at, true)
    if not from then return 0 end
    local left, right = text:sub(from - 1, from - 1), text:sub(to + 1, to + 1)
    local glued = left:find "[%w\128-\255]" and wanted:find "^[%w\128-\255]"
      or right:find "[%w\128-\255]" and wanted:find "[%w\128-\255]$"
    if not glued then return 1 end
    at = from + 1
  end
end

local ARTICLES = { a = true, an = true, the = true }

local function bag_of_words(text)
  local bag, n = {}, 0
  for word in text:lower():gmatch "[%w\128-\255]+" do
    if not ARTICLES[word] then bag[word], n = (bag[word] or 0) + 1, n + 1 end
  end
  return bag, n
end

--- Overlap of words, from 0 to 1: the harmonic mean of precision and recall, without case,
--- punctuation and articles.
function metric.f1(prediction, row)
  local got, n_got = bag_of_words(prediction)
  local wanted, n_wanted = bag_of_words(metric.truth(row))
  if n_got == 0 or n_wanted == 0 then return n_got == n_wanted and 1 or 0 end
  local common = 0
  for word, n in pairs(got) do common = common + math.min(n, wanted[word] or 0) end
  return 2 * common / (n_got + n_wanted)
end

--- A metric with an extractor in front or another field of the row as truth.
---
--- `lg.metric.make{ lg.metric.exact, extract = lg.extract.after "Answer:", field = "label" }`.
--- A prediction in which the extractor finds nothing scores 0.
---@param spec table|function {metric, extract=, field=, name=}
---@return fun(prediction: string, row: table): number
function metric.make(spec)
  if type(spec) == "function" then spec = { spec } end
  options.check(spec, {
    [1] = "callable", extract = "callable?", field = "string?", name = "string?",
  }, "lg.metric.make")
  local fn, take, field = spec[1], spec.extract, spec.field
  local who = ("metric %q"):format(spec.name or "made by lg.metric.make")
  return function(prediction, row)
    local text = prediction
    if take then text = take(prediction) end
    if text == nil then return 0 end
    local seen = row
    if field then seen = setmetatable({ answer = metric.truth(row, field) }, { __index = row }) end
    return metric.score(fn(text, seen), who)
  end
end

return options.closed(metric, "lg.metric")
