--- Acceptance: what validation says of a training's new texts, and what it cost to find out.
--
-- A rule is named by `accept`. "race" asks row by row, in windows, and leaves as soon as the texts
-- are unlikely to be better (lunagrad.improve.race); "no_regression" leaves with the first row that
-- got worse; the others look at all rows. What the kept texts got on each row is known and never
-- bought again. Texts that stay have been asked about all rows, so that their score is a whole one.
-- Nothing is kept, told or taken back here: that is lunagrad.improve.train's.

local evaluate = require "lunagrad.improve.evaluate"
local loop = require "lunagrad.loop"
local progress = require "lunagrad.progress"
local racing = require "lunagrad.improve.racing"
local rng = require "lunagrad.rng"
local stats_math = require "lunagrad.stats_math"

local acceptance = {}

-- A gain that is worth asking on for: so much, or half of what is left to gain, if that is less.
local DELTA, BETA, HALF = 0.05, 0.2, 0.5
local SLACK = 1e-9 -- sums of graded scores are a little off

---@class lunagrad.acceptance
---@field kept boolean
---@field reason string "kept: better, fixed 7, broke 2"
---@field score number|nil the mean of all rows; nil when the rule left before
---@field seen_score number on the rows that were asked about
---@field kept_score number what the kept texts have on the same rows
---@field rows table<integer, table> what is known, by row: {example, output, score}
---@field fixed integer[] rows that got better
---@field broken integer[] rows that got worse
---@field race table|nil of race:summary(), with trace and of = all rows

-- ---- asking ------------------------------------------------------------------

-- From the second training of a run on its phases say whose they are.
function acceptance.phase_name(run, name)
  return run.number > 1 and ("training %d, %s"):format(run.number, name) or name
end

--- What is told of the first row's answer: its graph is drawn if the texts stay.
function acceptance.looker(run)
  return function(answer) run.answer = run.tape.id and answer end
end

--- All rows, as an evaluation.
---@param run table of lunagrad.improve.train
---@param phase string
---@param which table what the calls are for
---@return lunagrad.evaluation
function acceptance.validate(run, phase, which)
  return evaluate { run.program, data = run.val, metric = run.metric_or_loss, seed = run.seed,
                    on_error = run.on_error, concurrency = run.concurrency,
                    phase = acceptance.phase_name(run, phase), unrecorded = true,
                    on_answer = acceptance.looker(run), purpose = run.tape:purpose(which) }
end

-- One row, as a task of a race: its score is looked at when it is its turn.
local function asker(run, purpose, rows)
  local spec = { program = run.program, metric = run.metric_or_loss, on_error = run.on_error }
  local done, total, look = 0, #run.val, acceptance.looker(run)
  return function(i)
    local context = loop.context()
    context.example, context.purpose = i, purpose and purpose + i
    local row = evaluate.run_row(spec, run.val[i], i == 1 and look)
    rows[i], done = row, done + 1
    progress.emit { kind = "progress", done = done, total = total }
    return row.score
  end
end

-- So many rows are under way, and asked for in vain when texts are dropped: texts that stay take
-- the time of some eight answers.
local function window_of(run)
  return math.min(run.concurrency or math.huge, math.max(8, #run.val // 8))
end

local function raced(run, options)
  local phase = ("validation %d"):format(run.step)
  progress.emit { kind = "phase", name = acceptance.phase_name(run, phase) }
  local order, rows = {}, {}
  for i = 1, #run.val do order[i] = i end
  rng.new(run.seed):fork(phase):shuffle(order)
  local purpose = run.tape:purpose { proposal = run.step, split = "validation" }
  local left = math.max(1 - run.score, 0)
  local outcome = racing.run { order = order, window = window_of(run),
    delta = math.min(options.delta, HALF * left),
    beta = options.beta, strict = options.strict,
    parent = function(i) return run.kept_rows[i].score end, evaluate = asker(run, purpose, rows) }
  return rows, outcome
end

-- ---- what came out -------------------------------------------------------------

-- Everything that the rows say, beside those of the kept texts.
local function compare(run, rows)
  local seen = { rows = rows, fixed = {}, broken = {}, sum = 0.0, n = 0 }
  local new, old = {}, {}
  for i = 1, #run.val do
    local row = rows[i]
    if row then
      local x = row.score - run.kept_rows[i].score
      new[#new + 1], old[#old + 1] = row.score, run.kept_rows[i].score
      if x > 0 then seen.fixed[#seen.fixed + 1] = i end
      if x < 0 then seen.broken[#seen.broken + 1] = i end
      seen.sum, seen.n = seen.sum + x, seen.n + 1
    end
  end
  seen.seen_score, seen.kept_score = stats_math.mean(new), stats_math.mean(old)
  if seen.n == #run.val then seen.score = seen.seen_score end
  return seen
end

local function counted(seen)
  return ("fixed %d, broke %d"):format(#seen.fixed, #seen.broken)
end

local function how(seen)
  return seen.sum > SLACK and "better" or seen.sum < -SLACK and "worse" or "a tie"
end

local function finish(seen, kept, why)
  seen.kept = kept
  seen.reason = ("%s: %s, %s"):format(kept and "kept" or "rejected", why, counted(seen))
  return seen
end

-- A rule that looks at all rows, and then at the two means.
local function whole(keeps)
  return function(run)
    local evaluation = acceptance.validate(run, ("validation %d"):format(run.step),
      { proposal = run.step, split = "validation" })
    local seen = compare(run, evaluation.rows)
    return finish(seen, keeps(evaluation.mean, run.score), how(seen))
  end
end

-- When all rows were asked about, what was on its way included, they decide, not what was foreseen.
local function race(options)
  return function(run)
    local rows, outcome = raced(run, options)
    local seen = compare(run, rows)
    seen.race = outcome.race:summary()
    seen.race.trace, seen.race.of = outcome.race:trace(), #run.val
    if not seen.score then
      return finish(seen, false, ("%s after %d of %d"):format(outcome.why, outcome.n, #run.val))
    end
    if options.strict and #seen.broken > 0 then return finish(seen, false, "a row got worse") end
    return finish(seen, seen.sum > SLACK, how(seen))
  end
end

local RULES = {
  race = race { delta = DELTA, beta = BETA },
  no_regression = race { delta = 0, beta = 0, strict = true },
  better = whole(function(new, old) return new > old end),
  not_worse = whole(function(new, old) return new >= old end),
  always = whole(function() return true end),
}

--- The names of the rules.
acceptance.RULES = RULES

--- Whether the texts that the parameters hold now stay. Waits.
---@param run table of lunagrad.improve.train: kept_rows, score, step and what it was given
---@return lunagrad.acceptance
function acceptance.judge(run) return RULES[run.accept](run) end

--- What is known of the rows, as the record takes it: in their order.
---@param seen lunagrad.acceptance
---@param n integer of all rows
---@return table[]
function acceptance.told_rows(seen, n)
  local list, of = {}, {}
  for i = 1, n do
    if seen.rows[i] then list[#list + 1], of[#of + 1] = seen.rows[i], i end
  end
  return evaluate.numbered(list, of)
end

return acceptance
