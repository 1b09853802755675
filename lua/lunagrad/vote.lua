--- Several answers of one program, and one of them: by a vote, or by a score.
--
-- The baselines that cost as many calls as an optimised program does. Each sample runs the program
-- with the sample index of every call in it shifted, so that the answers are draws of their own,
-- the first is the one that the program gives without a vote, and a repeated run finds all of them
-- in the store. What comes back is an output of the program, a variable where it returned one:
-- scored by the same metric, and feedback reaches what led to it.

local bind = require "lunagrad.bind"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local loop = require "lunagrad.loop"
local metric = require "lunagrad.metric"
local options = require "lunagrad.options"
local var = require "lunagrad.var"

local vote = {}

local MOST = 1000 -- samples: more is a mistake that costs money

local COMMON = {
  [1] = "callable", [2] = "any", n = { type = "integer", default = 5 }, concurrency = "integer?",
  on_error = { type = "string", one_of = { "raise", "skip" }, default = "raise" },
}

local function spec_with(more)
  for key, rule in pairs(COMMON) do more[key] = rule end
  return more
end

local VOTE = spec_with { extract = "callable?" }
local GIVEN = { outputs = { type = "table", required = true }, extract = "callable?",
  ties = { type = "string", one_of = { "first", "last" }, default = "first" } }
local BEST = spec_with { score = { type = "callable", required = true } }

local function check(spec, known, where)
  spec = options.check(spec, known, where, 3)
  if spec.n < 1 or spec.n > MOST then
    errors.refuse("n", ("%s: n must be from 1 to %d, got %d"):format(where, MOST, spec.n), nil, 3)
  end
  if spec.concurrency and spec.concurrency < 1 then
    errors.refuse("concurrency", where .. ": concurrency must be at least 1", nil, 3)
  end
  return spec
end

-- What the program returned, as text. Waits for a variable.
local function text_of(output, where)
  if var.is(output) then return output:text() end
  local kind = type(output)
  if kind == "string" then return output end
  if kind == "number" then return core.number_text(output) end
  errors.raise("inval", ("%s: the program must return a variable or a text, got %s")
    :format(where, kind), nil, 0)
end

local function draw(spec, where)
  local output = spec[1](spec[2])
  return { output = output, text = text_of(output, where) }
end

-- The same, with what failed as a sample that has no output; what ends a run is raised.
local function draw_or_error(spec, where)
  local ok, sample = pcall(draw, spec, where)
  if ok then return sample end
  if errors.stops(sample) then error(sample, 0) end
  loop.passed_on()
  return { error = sample }
end

-- All samples, in order. Inside a run that is a sample itself (a vote in a vote, a candidate that
-- is scored again) they are others than outside of it: sample s of n has s * n to s * n + n - 1.
local function samples_of(spec, where)
  local context = loop.context()
  local candidate = context and context.candidate
  local from = (candidate and candidate.sample or 0) * spec.n
  local binding, numbers = bind.map({}, {}), {}
  for i = 1, spec.n do numbers[i] = from + i - 1 end
  local one = spec.on_error == "skip" and draw_or_error or draw
  local samples = loop.map(numbers, function(number)
    return bind.run(binding, { sample = number }, one, spec, where)
  end, { concurrency = spec.concurrency, example = false })
  for _, sample in ipairs(samples) do
    if not sample.error then return samples end
  end
  error(samples[1].error, 0) -- none is left to choose from
end

-- ---- by a vote -------------------------------------------------------------------

local function read(take, text)
  local answer = take(text)
  if math.type(answer) then answer = core.number_text(answer) end
  if answer ~= nil and type(answer) ~= "string" then
    errors.raise("inval", ("lg.vote: extract must return a text or nil, got %s")
      :format(type(answer)), nil, 0)
  end
  return answer
end

-- Counted by what they say (8 and 8.0 are one answer), most votes first, then the first seen; with
-- later, the one whose last vote came last.
local function tally(samples, later)
  local list, unread = {}, 0
  for i, sample in ipairs(samples) do
    local same
    for _, one in ipairs(sample.answer and list or {}) do
      if metric.same(one.answer, sample.answer) then same = one end
    end
    if same then
      same.votes, same.last = same.votes + 1, i
    elseif sample.answer then
      list[#list + 1] = { answer = sample.answer, votes = 1, sample = i, last = i }
    else
      unread = unread + 1
    end
  end
  table.sort(list, function(a, b)
    if a.votes ~= b.votes then return a.votes > b.votes end
    if later then return a.last > b.last end
    return a.sample < b.sample
  end)
  return list, unread
end

local function first_good(samples)
  for i, sample in ipairs(samples) do
    if not sample.error then return i end
  end
end

---@class lunagrad.votes
---@field answer string|nil what was voted for; nil: no sample holds an answer
---@field votes integer for it
---@field n integer samples
---@field unread integer samples that hold no answer, failed ones among them
---@field tally {answer: string, votes: integer, sample: integer}[] most votes first
---@field sample integer which one was returned
---@field samples {output: any, text: string, answer: string|nil, error: any}[]

-- Who won among samples, and the count.
local function elect(samples, spec, later)
  for _, sample in ipairs(samples) do
    sample.answer = sample.text and read(spec.extract or extract.whole, sample.text)
  end
  local list, unread = tally(samples, later)
  local won = list[1]
  local i = won and (later and won.last or won.sample) or first_good(samples)
  for _, one in ipairs(list) do one.last = nil end
  return samples[i].output, { answer = won and won.answer, votes = won and won.votes or 0,
    n = #samples, unread = unread, tally = list, sample = i, samples = samples }
end

-- A vote over what is there already.
local function given(spec)
  spec = options.check(spec, GIVEN, "lg.vote", 3)
  local samples = {}
  for i, output in ipairs(spec.outputs) do
    samples[i] = { output = output, text = text_of(output, "lg.vote") }
  end
  if #samples == 0 then
    errors.refuse("outputs", "lg.vote: outputs is a list of at least one text or variable", nil, 3)
  end
  return elect(samples, spec, spec.ties == "last")
end

--- n answers of a program, and the one that most of them agree on: self-consistency.
---
--- `lg.vote{ program, row, n = 5, extract = lg.extract.last_number }` calls program(row) n times.
--- Of the samples whose extracted answer has most votes the first is returned; of answers with
--- equal votes the one that was seen first. Samples that hold no answer do not vote; where none
--- does, the first sample is returned. on_error = "skip" leaves out samples that failed.
---
--- `lg.vote{ outputs = { … }, extract = … }` votes over what is there already, texts or variables,
--- and calls nothing. ties = "last": of answers with equal votes the one that was seen last, and
--- of its samples the last, as is right for versions of one text that get better.
---@param spec table {program, input, n = 5, extract = lg.extract.whole, concurrency=, on_error=}
--- or {outputs=, extract=, ties = "first"|"last"}
---@return any output what the program returned
---@return lunagrad.votes votes
function vote.vote(spec)
  if type(spec) == "table" and spec.outputs ~= nil then return given(spec) end
  spec = check(spec, VOTE, "lg.vote")
  return elect(samples_of(spec, "lg.vote"), spec)
end

-- ---- by a score ------------------------------------------------------------------

local function score_of(fn, sample)
  local value = fn(sample.text, sample.output)
  if var.is(value) then
    value:text()
    value = value.score
    if value == nil then
      errors.raise("inval", "lg.best_of: score returned a variable without a score",
        "return a number, or a loss with a score such as lg.loss.judge", 0)
    end
  end
  return metric.score(value, "lg.best_of: score")
end

---@class lunagrad.best
---@field score number
---@field mean number over all that were scored: what one sample is worth
---@field n integer samples
---@field sample integer which one was returned
---@field samples {output: any, text: string, score: number|nil, error: any}[]

--- n answers of a program, and the one with the largest score; of equal ones the first.
---
--- `lg.best_of{ program, row, n = 5, score = function(text, output) … end }`. score returns a
--- number, true or false, or a loss that has a score. Equal texts are scored by equal questions,
--- so a judge's chance does not choose among them. A score that knows the right answer shows what
--- the samples hold (pass at n), and is no baseline.
---@param spec table {program, input, n = 5, score=, concurrency=, on_error=}
---@return any output what the program returned
---@return lunagrad.best best
function vote.best_of(spec)
  spec = check(spec, BEST, "lg.best_of")
  local samples, good = samples_of(spec, "lg.best_of"), {}
  for i, sample in ipairs(samples) do
    if not sample.error then good[#good + 1] = i end
  end
  local sum, best = 0, nil
  local scores = loop.map(good, function(i) return score_of(spec.score, samples[i]) end,
    { concurrency = spec.concurrency, example = false })
  for k, i in ipairs(good) do
    samples[i].score, sum = scores[k], sum + scores[k]
    if not best or scores[k] > samples[best].score then best = i end
  end
  return samples[best].output, { score = samples[best].score, mean = sum / #good, n = spec.n,
    sample = best, samples = samples }
end

return vote
