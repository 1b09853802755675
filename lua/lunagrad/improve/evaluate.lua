--- Evaluation: a program over all rows at once, scored, with an interval.
--
-- `lg.evaluate{ program, data = val, metric = lg.metric.exact }` runs the
-- program on every row concurrently and returns the mean score, its 95%
-- interval (see stats_math) and the rows. Nothing is changed or kept.

local recorder = require "lunagrad.book.record"
local core = require "lunagrad.core"
local data = require "lunagrad.data"
local graphs = require "lunagrad.book.graphs"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local metrics = require "lunagrad.metric"
local options = require "lunagrad.options"
local progress = require "lunagrad.progress"
local stats_math = require "lunagrad.stats_math"
local var = require "lunagrad.var"

local SPEC = {
  program = "callable", data = "table", metric = "callable", concurrency = "integer?",
  field = "string?", seed = { type = "any", default = 0 }, phase = "string?",
  on_error = { type = "string", one_of = { "raise", "zero", "skip" }, default = "raise" },
  unrecorded = "boolean?", purpose = "integer?", on_answer = "callable?",
}

---@class lunagrad.evaluation
local Evaluation = { __name = "lunagrad.evaluation" }

function Evaluation:__tostring()
  if not self.mean then return ("no score: all of %d rows failed"):format(#self.rows) end
  local failed = self.errors > 0 and (", %d failed"):format(self.errors) or ""
  if not self.low then
    return ("%.3f (no interval: all scores are equal, n = %d%s)"):format(self.mean, self.n, failed)
  end
  return ("%.3f (95%% interval %.3f to %.3f, n = %d%s)"):format(self.mean, self.low, self.high,
    self.n, failed)
end

--- What a program returned, as text. Waits for a variable.
local function text_of(output)
  if var.is(output) then return output:text() end
  local kind = type(output)
  if kind == "string" then return output end
  if kind == "number" then return core.number_text(output) end
  if kind == "boolean" then return tostring(output) end
  errors.raise("inval", ("the program must return a variable or a text, got %s"):format(kind),
    nil, 2)
end

--- What a metric returned, as a number. A loss may serve as a metric: its score counts.
local function number_of(value)
  if var.is(value) then
    value:text()
    value = value.score
    if value == nil then
      errors.raise("inval", "the metric returned a variable without a score",
        "return a number, or a loss with a score such as lg.loss.judge", 2)
    end
  end
  return metrics.score(value, "the metric")
end

--- Run a program on one row and score what comes out.
---@return string output
---@return number score
---@return any answer what the program returned
local function score_row(program, metric, row, field)
  local answer = program(row)
  local output = text_of(answer)
  local seen = row
  if field then
    seen = setmetatable({ answer = metrics.truth(row, field) }, { __index = row })
  end
  return output, number_of(metric(output, seen, answer)), answer
end

--- The same as a row of a result: {example, output, score} or {example, error, score}.
---@param spec table {program, metric, field, on_error}
---@param on_answer fun(answer: any, score: number)|nil is told what the program returned
local function run_row(spec, row, on_answer)
  local function told(output, score, answer)
    if on_answer then on_answer(answer, score) end
    return { example = row, output = output, score = score }
  end
  if spec.on_error == "raise" then
    return told(score_row(spec.program, spec.metric, row, spec.field))
  end
  local ok, output, score, answer = pcall(score_row, spec.program, spec.metric, row, spec.field)
  if ok then return told(output, score, answer) end
  if errors.stops(output) then error(output, 0) end
  loop.passed_on()
  return { example = row, error = output, score = spec.on_error == "zero" and 0 or nil }
end

--- The data of a spec, as a data set that has rows.
---@param level integer whose line is to blame
local function check_rows(spec, where, level)
  spec.data = data.list(spec.data)
  if #spec.data == 0 then
    errors.raise("inval", where .. ": the data set is empty", nil, level)
  end
  return spec
end

local function check(spec)
  local named = {}
  for key, value in pairs(spec) do named[key] = value end
  named.program, named[1] = spec.program or spec[1], nil
  named = options.check(named, SPEC, "lg.evaluate")
  return check_rows(named, "lg.evaluate", 4)
end

--- Rows of an evaluation as the record takes them.
---@param rows table of the result
---@param of table|nil the example's number of each; nil: they are counted
local function numbered(rows, of)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = { example = of and of[i] or i, score = row.score, output = row.output }
  end
  return list
end

--- Rows with their mean, its interval, and how many failed.
---@param rows table[]
---@param seed integer|string of the interval
---@return lunagrad.evaluation
local function summed(rows, seed)
  local scores, failed = {}, 0
  for _, row in ipairs(rows) do
    if row.error ~= nil then failed = failed + 1 end
    if row.score then scores[#scores + 1] = row.score end
  end
  local low, high = stats_math.interval(scores, seed)
  return setmetatable({ mean = stats_math.mean(scores), low = low, high = high, n = #scores,
    errors = failed, rows = rows }, Evaluation)
end

--- Run a program on all rows and score the outputs.
---
--- spec: program (or the first item), data, metric(output, row) → number or boolean; concurrency,
--- field (of the row: what is right, "answer" if not given), seed of the interval, on_error:
--- "raise" (default), "zero" (a failed row scores 0) or "skip" (it does not count).
---@param spec table
---@return lunagrad.evaluation {mean, low, high, n, errors,
--- rows = {{example, output, score, error}}}
local function evaluate(spec)
  if type(spec) ~= "table" then
    errors.raise("inval", "lg.evaluate: expected a table",
      "lg.evaluate{ program, data = …, metric = … }", 2)
  end
  spec = check(spec)
  local total, done = #spec.data, 0
  if spec.phase then progress.emit { kind = "phase", name = spec.phase } end
  local tape = not spec.unrecorded and recorder.search { kind = "evaluate", seed = spec.seed,
    options = { phase = spec.phase, examples = total, on_error = spec.on_error } }
  local purpose, on_answer = spec.purpose, spec.on_answer
  if tape then
    purpose = tape:purpose {}
    tape:set(nil, spec.data, spec.field)
    on_answer = function(answer, score)
      tape:graph { example = 1, score = score, text = tape.id and graphs.text(answer) }
    end
  end
  local rows = loop.map(spec.data, function(row, i)
    loop.context().purpose = purpose and purpose + i
    local result = run_row(spec, row, i == 1 and on_answer)
    done = done + 1
    progress.emit { kind = "progress", done = done, total = total }
    return result
  end, { concurrency = spec.concurrency })
  local result = summed(rows, spec.seed)
  if tape then
    tape:scores { phase = spec.phase or ("evaluation %d"):format(tape.number),
      rows = numbered(rows) }
    tape:close { complete = true, score = result.mean }
  end
  return result
end

return setmetatable({ score_row = score_row, number_of = number_of, text_of = text_of,
  numbered = numbered, check_rows = check_rows, run_row = run_row, summed = summed }, {
  __call = function(_, spec) return evaluate(spec) end,
})
