--- The gated loop: batch, losses, backward, step, and validation that may refuse.
--
-- A step's new texts are kept only if the validation set says so (lunagrad.improve.acceptance);
-- else all parameters go back. By default a tie is refused: a change that validation cannot see is
-- unproved, and keeping ties lets a prompt drift and grow (the script of TextGrad keeps them;
-- accept = "not_worse" does so too). Whatever ends the loop, an error and an interrupt included,
-- the parameters hold the best texts seen. With the same seed and the same outcomes the same rows
-- come in the same order (lunagrad.improve.sampler). A batch that is solved is no step: another is
-- drawn.

local recorder = require "lunagrad.book.record"
local acceptance = require "lunagrad.improve.acceptance"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local graphs = require "lunagrad.book.graphs"
local evaluate = require "lunagrad.improve.evaluate"
local sampler = require "lunagrad.improve.sampler"
local solved = require "lunagrad.improve.solved"
local tgd = require "lunagrad.improve.tgd"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local options = require "lunagrad.options"
local progress = require "lunagrad.progress"
local stats_math = require "lunagrad.stats_math"
local var = require "lunagrad.var"

local SPEC = {
  program = "callable", params = "table", loss = "callable", metric = "callable?",
  train = "table", val = "table?", batch = { type = "integer", default = 3 },
  steps = { type = "integer", default = 12 }, epochs = "integer?", optimizer = "table?",
  seed = { type = "any", default = 0 }, patience = "integer?", on_step = "callable?",
  accept = { type = "string", default = "race",
    one_of = { "race", "better", "not_worse", "no_regression", "always" } },
  aggregate = { type = "string", one_of = { "mean", "sum" }, default = "mean" },
  skip_solved = { type = "boolean", default = true }, perfect = { type = "number", default = 1 },
  on_error = { type = "string", one_of = { "raise", "zero" }, default = "raise" },
  backward = "table?", concurrency = "integer?",
}

local OPERATOR = "gradient" -- what makes proposals here, in the record

-- ---- the result ------------------------------------------------------------

---@class lunagrad.training
local Training = { __name = "lunagrad.training" }

local function cell(score)
  return score and ("%.3f"):format(score) or "-"
end

local function step_line(record)
  local val = cell(record.val_before)
  if record.val_after then val = val .. " -> " .. cell(record.val_after) end
  return ("%4d  %6s  %-14s  %s"):format(record.step, cell(record.train_score), val, record.reason)
end

function Training:__tostring()
  local lines = { ("%4s  %6s  %-14s  %s"):format("step", "train", "validation", "what happened") }
  for _, record in ipairs(self.steps) do lines[#lines + 1] = step_line(record) end
  local scores = self.seed_score and self.best_score
    and ("validation %.3f -> %.3f, "):format(self.seed_score, self.best_score) or ""
  lines[#lines + 1] = ("%s%d kept, %d rejected, stopped: %s"):format(scores, self.accepted,
    self.rejected, self.stopped or "by an error")
  if self.redrawn > 0 then
    lines[#lines + 1] = self.redrawn == 1 and "1 batch was solved, drawn again"
      or ("%d batches were solved, drawn again"):format(self.redrawn)
  end
  return table.concat(lines, "\n")
end

--- A name for each parameter: its role, numbered where roles repeat.
local function param_names(params)
  local names, seen = {}, {}
  for i, p in ipairs(params) do
    local role = p.role
    seen[role] = (seen[role] or 0) + 1
    names[i] = seen[role] == 1 and role or ("%s #%d"):format(role, seen[role])
  end
  return names
end

-- ---- values of the parameters ----------------------------------------------

-- Texts; of pictures and sounds fixed variables that hold them.
local function texts_of(params)
  local texts = {}
  for i, p in ipairs(params) do texts[i] = media.snapshot(p) end
  return texts
end

local function restore(run)
  for i, p in ipairs(run.params) do
    if not media.same(p, run.best.texts[i]) then p:set(run.best.texts[i]) end
  end
end

local function versions_of(params)
  local versions = {}
  for i, p in ipairs(params) do versions[i] = p:versions() end
  return versions
end

local function roll_back(params, versions)
  for i, p in ipairs(params) do
    if p:versions() > versions[i] then p:rollback(versions[i]) end
  end
end

-- ---- one batch -------------------------------------------------------------

--- The loss of one row and what is known of its score. About a row that the metric calls perfect
--- nothing is asked.
local function row_loss(run, row)
  local answer, score = run.program(row), nil
  if run.metric and run.skip_solved then
    local output = evaluate.text_of(answer)
    score = evaluate.number_of(run.metric(output, row, answer))
    if score >= run.perfect then
      return { score = score, solved = true,
               loss = var.is(answer) and solved.loss(answer, score, run.perfect) or nil }
    end
  end
  local loss = run.loss(answer, row)
  if not var.is(loss) then
    errors.raise("inval", ("lg.train: loss must return a variable, got %s"):format(type(loss)),
      "use one of lg.loss, for example lg.loss.critic \"…\"", 0)
  end
  loss:text()
  local own, target = loss.score, loss.target
  return { score = score or own, solved = own ~= nil and own >= (target or 1), loss = loss }
end

local function try_row(run, row)
  if run.on_error == "raise" then return row_loss(run, row) end
  local ok, result = pcall(row_loss, run, row)
  if ok then return result end
  if errors.stops(result) then error(result, 0) end
  loop.passed_on()
  return { failed = result }
end

--- How the rows of a batch fared: told to the sampler, and summed up.
---@return table {rows, losses, open = how many of them ask for something, solved, failed, score}
local function run_batch(run, batch)
  local rows = {}
  for n, i in ipairs(batch) do rows[n] = run.train[i] end
  local purpose = run.tape:purpose { proposal = run.step, split = "train" }
  local results = loop.map(rows, function(row, n)
    loop.context().purpose = purpose and purpose + batch[n]
    return try_row(run, row)
  end, { concurrency = run.concurrency })
  local seen = { rows = results, losses = {}, open = 0, solved = 0, failed = 0 }
  local scores = {}
  for n, result in ipairs(results) do
    local state = result.failed and "idle" or result.solved and "solved" or "failed"
    run.sampler:note(batch[n], state)
    if result.failed then seen.failed = seen.failed + 1 end
    if result.solved then seen.solved = seen.solved + 1 end
    if result.score then scores[#scores + 1] = result.score end
    if result.loss then
      seen.losses[#seen.losses + 1] = result.loss
      seen.open = seen.open + (result.solved and 0 or 1)
      seen.scored = seen.scored or not result.solved and result.loss.score ~= nil
    end
  end
  seen.score = stats_math.mean(scores)
  return seen
end

-- For an optimizer with several candidates: what the texts that the parameters hold get on a batch.
local function judge_on(run, batch)
  return function()
    local rows = {}
    for n, i in ipairs(batch) do rows[n] = run.train[i] end
    return evaluate { run.program, data = rows, metric = run.metric_or_loss, seed = run.seed,
      on_error = run.on_error, concurrency = run.concurrency, unrecorded = true }.mean
  end
end

local function check_reaches(losses)
  for _, loss in ipairs(losses) do
    if loss:grad() then return end
  end
  errors.raise("inval", "lg.train: no loss depends on a parameter",
    "the program must use the parameters and return a variable, not a text", 0)
end

local function learn(run, losses, batch)
  check_reaches(losses)
  run.optimizer:zero_grad()
  run.optimizer.step_number, run.optimizer.search = run.step, run.tape.id
  local root = #losses == 1 and losses[1] or var[run.aggregate](losses)
  root:backward(run.backward)
  return run.optimizer:step { judge = run.optimizer.judge or judge_on(run, batch) }
end

-- The graphs of rows that had something to say, with what was said.
local function draw(run, seen, batch)
  for n, row in ipairs(seen.rows) do
    if row.loss and not row.solved and run.tape:wants_graph(run.idx, true) then
      run.tape:graph { candidate = run.idx, proposal = run.step, split = "train",
        example = batch[n], score = row.score, heard = true, text = graphs.text(row.loss) }
    end
  end
end

--- Whether critics that give no score had nothing to say: the batch is solved as far as they know.
local function is_content(seen, report)
  if seen.scored or report.changed then return false end
  local heard = false
  for _, entry in ipairs(report.params or {}) do
    if entry.feedback_count ~= 0 then return false end
    heard = heard or entry.examples ~= nil
  end
  return heard
end

local function note_content(run, batch, seen)
  for n, row in ipairs(seen.rows) do
    if not row.failed and not row.solved then
      run.sampler:note(batch[n], row.score and "idle" or "solved") -- a metric knows better
    end
  end
end

--- Batch, losses, backward, step: with another batch while there is nothing to improve in one.
---@return table|nil report nil: no row is left that could teach something
---@return table|nil seen how the batch fared
---@return table|nil batch
local function propose(run, record)
  while true do
    local batch = run.sampler:draw(run.batch)
    if not batch then return nil end
    local seen = run_batch(run, batch)
    if seen.open > 0 then
      -- as a task, so that its calls are told what they are made for
      local report = loop.spawn(learn, { purpose = run.tape:purpose { proposal = run.step } }, run,
        seen.losses, batch):await()
      draw(run, seen, batch)
      if not is_content(seen, report) then return report, seen, batch end
      note_content(run, batch, seen)
    end
    record.redrawn, run.result.redrawn = record.redrawn + 1, run.result.redrawn + 1
  end
end

-- ---- validation ------------------------------------------------------------

--- The texts that are kept now, in the record; whether they are the best is decided here.
local function keep(run, iteration, rows, score)
  local texts = texts_of(run.params)
  local best = not run.val or iteration == 0 or score > run.best.score
    or score == run.best.score and run.accept ~= "always"
  if best then run.best = { texts = texts, score = score } end
  local idx = run.tape:candidate { iteration = iteration, texts = texts, score = score, best = best,
    operator = iteration > 0 and OPERATOR or nil, proposal = iteration > 0 and iteration or nil }
  if rows then
    run.kept_rows, run.score = rows, score
    run.tape:scores { candidate = idx, proposal = iteration > 0 and iteration or nil,
      split = "validation", rows = evaluate.numbered(rows) }
    run.tape:graph { candidate = idx, split = "validation", example = 1, score = rows[1].score,
      text = graphs.text(run.answer) }
  end
  run.idx, run.answer = idx, nil
end

-- The rows that the step learned from, and what the texts before it got on them.
local function told_batch(run)
  local list = {}
  for n, i in ipairs(run.taught.batch) do
    list[n] = { example = i, before = run.taught.rows[n].score }
  end
  return list
end

local function tell_proposal(run, record, seen)
  local race = seen and seen.race
  run.tape:proposal { number = record.step, operator = OPERATOR, accepted = record.accepted,
    reason = record.reason, before = record.val_before, after = record.val_after,
    gain = race and race.sum / race.n, race = race, report = record.report,
    texts = record.changed and texts_of(run.params), batch = told_batch(run) }
  if seen and not record.accepted then
    run.tape:scores { proposal = record.step, split = "validation",
      rows = acceptance.told_rows(seen, #run.val) }
  end
end

local function decide(run, record, versions)
  if not run.val then
    record.accepted, record.reason = true, "kept: there is no validation set"
    tell_proposal(run, record)
    keep(run, record.step)
    return
  end
  local seen = acceptance.judge(run)
  record.accepted, record.reason, record.val_after = seen.kept, seen.reason, seen.score
  record.fixed, record.broken, record.race = seen.fixed, seen.broken, seen.race
  tell_proposal(run, record, seen)
  if seen.kept then
    keep(run, record.step, seen.rows, seen.score)
    if run.optimizer.accepted then run.optimizer:accepted(run.score) end
  else
    if run.optimizer.rejected then run.optimizer:rejected(seen.seen_score, seen.kept_score) end
    roll_back(run.params, versions)
  end
end

-- ---- the loop --------------------------------------------------------------

--- nil: there was nothing to learn from any more.
local function one_step(run, number)
  local record = { step = number, changed = false, accepted = false, val_before = run.score,
                   redrawn = 0 }
  progress.emit { kind = "phase",
    name = acceptance.phase_name(run, ("train step %d/%d"):format(number, run.steps)) }
  local versions = versions_of(run.params)
  run.step = number
  local report, seen, batch = propose(run, record)
  if not report then
    run.optimizer:zero_grad()
    return nil
  end
  run.taught = { rows = seen.rows, batch = batch }
  record.report, record.train_score = report, seen.score
  record.solved, record.examples = seen.solved, seen.solved + seen.open + seen.failed
  if report.changed then
    record.changed = true
    decide(run, record, versions)
    if record.accepted then run.sampler:forget() end
  else
    record.reason = report.reason
    tell_proposal(run, record)
  end
  run.optimizer:zero_grad()
  return record
end

local function tell(run, record)
  local result = run.result
  result.steps[#result.steps + 1] = record
  result.accepted = result.accepted + (record.accepted and 1 or 0)
  result.rejected = result.rejected + (record.changed and not record.accepted and 1 or 0)
  progress.emit { kind = "step", training = run.number, number = record.step,
    accepted = record.accepted, redrawn = record.redrawn, solved = record.solved,
    examples = record.examples, reason = (record.reason:gsub("^%a+: ", "")) }
  progress.emit { kind = "score", training = run.number, best = run.best.score,
                  seed = result.seed_score, last = record.val_after or record.train_score }
  if run.on_step then run.on_step(record, result) end
end

--- Why the loop should end now, or nil.
local function stop_reason(run, idle)
  if run.val and run.score >= run.perfect then return "solved" end
  if run.patience and idle >= run.patience then return "patience" end
  return nil
end

-- What the record calls it: lg.optim.tgd, or somebody's own optimizer.
local function method_of(optimizer)
  local class = getmetatable(optimizer)
  return type(class) == "table" and class.__name == "lunagrad.tgd" and "tgd" or "own"
end

-- What the record keeps of the options.
local function told_options(run)
  return { batch = run.batch, steps = run.steps, accept = run.accept, aggregate = run.aggregate,
    patience = run.patience, perfect = run.perfect, on_error = run.on_error,
    skip_solved = run.skip_solved, train = #run.train, val = run.val and #run.val }
end

local function start(run)
  local names = param_names(run.params)
  run.tape = recorder.search { kind = "train", method = method_of(run.optimizer), names = names,
    seed = run.seed, options = told_options(run) }
  run.number = run.tape.number
  run.tape:set("train", run.train)
  if run.val then run.tape:set("validation", run.val) end
  progress.emit { kind = "training", number = run.number, params = names }
  if not run.val then return keep(run, 0) end
  local evaluation = acceptance.validate(run, "validation of the start",
    { candidate = 0, split = "validation" })
  keep(run, 0, evaluation.rows, evaluation.mean)
  run.result.seed_score = run.score
end

local function rounds(run)
  local result = run.result
  start(run)
  if run.val then
    if run.optimizer.accepted then run.optimizer:accepted(run.score) end
    progress.emit { kind = "score", training = run.number, best = run.score, seed = run.score }
  end
  result.stopped = stop_reason(run, 0)
  local idle = 0
  for number = 1, run.steps do
    if result.stopped then break end
    local record = one_step(run, number)
    if record then
      idle = record.accepted and 0 or idle + 1
      tell(run, record)
      result.stopped = stop_reason(run, idle)
    else
      result.stopped = run.sampler:all_solved() and "all solved" or "nothing to learn from"
    end
  end
  result.stopped = result.stopped or "steps"
end

-- ---- options ---------------------------------------------------------------

local function at_least(spec, name, least)
  if spec[name] and spec[name] < least then
    errors.refuse(name, ("lg.train: %s must be at least %d, got %s"):format(name, least,
      tostring(spec[name])), nil, 4)
  end
  return spec[name]
end

--- The metric for validation; without one the loss' own score.
local function metric_of(spec)
  if spec.metric then return spec.metric end
  return function(_, row, answer) return spec.loss(answer, row) end
end

local function rows(list, name)
  local set = data.list(list)
  if #set == 0 then
    errors.raise("inval", ("lg.train: the set %s is empty"):format(name), nil, 4)
  end
  return set
end

local function seed_of(seed)
  if type(seed) ~= "string" and not (math.type(seed) and math.tointeger(seed)) then
    errors.refuse("seed", ("lg.train: a seed is a whole number or a text, got %s")
      :format(type(seed)), nil, 4)
  end
  return seed
end

local function new_run(given)
  local spec = options.check(given, SPEC, "lg.train")
  local params = table.move(spec.params, 1, #spec.params, 1, {})
  local optimizer = spec.optimizer or tgd(params)
  local run = {
    program = spec.program, params = params, loss = spec.loss, metric = spec.metric,
    metric_or_loss = metric_of(spec), train = rows(spec.train, "train"),
    val = spec.val and rows(spec.val, "val"), optimizer = optimizer, seed = seed_of(spec.seed),
    batch = at_least(spec, "batch", 1), steps = at_least(spec, "steps", 0),
    patience = at_least(spec, "patience", 1), accept = spec.accept, aggregate = spec.aggregate,
    on_error = spec.on_error, skip_solved = spec.skip_solved, perfect = spec.perfect,
    on_step = spec.on_step,
    backward = spec.backward, concurrency = spec.concurrency,
    best = { texts = texts_of(params) },
    result = setmetatable({ steps = {}, accepted = 0, rejected = 0, redrawn = 0 }, Training),
  }
  run.sampler = sampler.new(#run.train, run.seed)
  if at_least(spec, "epochs", 1) then
    local of_epochs = spec.epochs * ((#run.train + run.batch - 1) // run.batch)
    run.steps = given.steps and math.min(run.steps, of_epochs) or of_epochs
  end
  return run
end

local function how_it_ended(problem)
  return errors.stops(problem) == "cap" and "limit" or "an error"
end

--- Improve parameters step by step; keep what validation does not refuse. A batch comes of the rows
--- that failed under the present texts (half of it at most, while others are unknown), of unknown
--- ones and at last of solved ones; one that is solved as a whole is no step, and another is drawn,
--- until all rows are (`stopped` is "all solved"). When an error or an
--- interrupt ends it, the error object's field `training` holds what was reached. A limit of the
--- run (max_cost, …) ends it as steps do: the best so far is returned, `stopped` is "limit".
---
--- spec: program(row) → variable; params; loss(answer, row) → variable; train; and, if wanted,
--- val, metric(output, row) → number (default: the loss' score), batch (3), steps (12), epochs (as
--- many steps as so many times round the rows take),
--- optimizer (default: lg.optim.tgd over params), seed (0), patience (steps without an
--- improvement), accept ("race"; "better", "not_worse", "no_regression" or "always": see
--- docs/training.md), aggregate ("mean" or "sum"),
--- skip_solved (true: a row that the metric calls perfect costs no call of the loss, and counts as
--- solved backward; false: the loss is asked about it as well), perfect (1: the score
--- that counts as solved), on_error ("raise" or "zero": failed rows are left out of the batch and
--- score 0 in validation), on_step(record, result), backward (options for backward), concurrency.
---@param spec table
---@return lunagrad.training {best = {role → text}, texts, steps = {{step, changed, accepted,
--- reason, train_score, solved, examples, redrawn, val_before, val_after (nil when not all rows were
--- asked about), fixed, broken (rows of validation), race, report}}, seed_score,
--- best_score, stopped, accepted, rejected, redrawn}
local function train(spec)
  if type(spec) ~= "table" then
    errors.raise("inval", "lg.train: expected a table", nil, 2)
  end
  local run = new_run(spec)
  local ok, problem = pcall(rounds, run)
  restore(run)
  if run.tape then
    run.tape:close { complete = ok, texts = run.best.texts, score = run.best.score,
      stopped = run.result.stopped or how_it_ended(problem) }
  end
  local result = run.result
  result.best_score, result.texts, result.best = run.best.score, run.best.texts, {}
  for i, name in ipairs(param_names(run.params)) do result.best[name] = run.best.texts[i] end
  if ok then return result end
  if errors.stops(problem) == "cap" then
    result.stopped = "limit"
    return result
  end
  if errors.is(problem) then problem.training = result end
  error(problem, 0)
end

return train
