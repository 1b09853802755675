--- What a search tells: events while it goes, rows in the store, and the result that is printed.
--
-- Everything here looks and decides nothing. Used by lunagrad.improve.optimize.

local recorder = require "lunagrad.book.record"
local graphs = require "lunagrad.book.graphs"
local claims = require "lunagrad.improve.claim"
local dryrun = require "lunagrad.dryrun"
local model = require "lunagrad.model"
local progress = require "lunagrad.progress"

local reports = {}

---@class lunagrad.optimized
---@field best table<string, string> name of a parameter → text
---@field texts string[] by the order of the parameters: what was shipped
---@field seed_score number on validation
---@field best_score number on validation; it overstates: the claim does not
---@field claim lunagrad.claim|nil seed against best on the test set
---@field pool lunagrad.pool
---@field proposals table[] {number, operator, parent, kept, reason, gain, calls, evaluations, race,
--- upkeep = true: no texts, scores of a candidate were bought}
---@field best_seen integer validation examples that best_score is known from; the rest is a guess
---@field spent {calls: integer, evaluations: integer, beside: table|nil} beside: calls and evaluations
--- of proposals that were open when the search was ended by a decision
---@field stopped string why it ended
---@field has_test boolean whether there is a test set to claim on
---@field headroom lunagrad.headroom what was known before it began
---@field shipped integer the candidate that the parameters hold now
local Optimized = { __name = "lunagrad.optimized" }

--- The result of a search, before there is anything in it.
---@param search lunagrad.search
---@return lunagrad.optimized
function reports.new(search)
  return setmetatable({ proposals = search.proposals, spent = search.spent, kept = 0, dropped = 0,
    method = search.method_name, has_test = #search.problem.sets.test > 0 }, Optimized)
end

-- ---- in words --------------------------------------------------------------------

-- "kept: fixed 7, broke 2 of 100", "dropped after 14: futile"; the reason of what had no race.
local function verdict(record)
  local race = record.race
  if not record.kept then
    if record.unraced or not race or race.at == 0 then return record.reason or "no proposal" end
    return ("dropped after %d: %s"):format(race.at, record.reason or "")
  elseif not race then
    return "kept"
  end
  return ("kept%s: fixed %d, broke %d of %d"):format(record.reason == "early" and " early" or "",
    race.won, race.lost, race.at)
end

local function line(record)
  return ("%4d  %-8s  %4d  %s"):format(record.number, record.operator, record.parent,
    verdict(record))
end

local function operator_lines(proposals)
  local names, by_name = {}, {}
  for _, record in ipairs(proposals) do
    local one = by_name[record.operator]
    if not one then
      one = { tried = 0, kept = 0, calls = 0, upkeep = record.upkeep }
      by_name[record.operator], names[#names + 1] = one, record.operator
    end
    one.tried, one.kept = one.tried + 1, one.kept + (record.kept and 1 or 0)
    one.calls = one.calls + record.calls
  end
  local parts = {}
  for i, name in ipairs(names) do
    local one = by_name[name]
    parts[i] = one.upkeep and ("%s %d, %d calls"):format(name, one.tried, one.calls)
      or ("%s %d of %d kept, %d calls"):format(name, one.kept, one.tried, one.calls)
  end
  return table.concat(parts, "; ")
end

-- Why there is no claim.
local function unclaimed(self)
  if not self.has_test then return "no claim: there is no test set" end
  if self.kept == 0 then return "no claim: nothing was kept" end
  if self.best_idx == 0 then
    return "no claim: nothing that was kept is better on validation"
  end
  return "no claim: the run ended before all of the test set was asked"
end

-- What is known of the best on a part of validation alone.
local function guessed(self)
  if not self.best_seen or self.best_seen == self.of then return "" end
  return ("as far as %d of %d examples say, "):format(self.best_seen, self.of)
end

local function beside(spent)
  return spent and (" and %d that were on their way at the end"):format(spent.calls) or ""
end

function Optimized:__tostring()
  local lines = { ("%4s  %-8s  %4s  %s"):format("no.", "operator", "from", "what happened") }
  for _, record in ipairs(self.proposals) do lines[#lines + 1] = line(record) end
  if #self.proposals > 0 then lines[#lines + 1] = operator_lines(self.proposals) end
  if self.seed_score then
    lines[#lines + 1] = ("validation %.3f -> %.3f (%schosen by it: overstated), %d kept, "
      .. "%d dropped, %d evaluations, %d calls%s, stopped: %s"):format(self.seed_score,
      self.best_score or self.seed_score, guessed(self), self.kept, self.dropped,
      self.spent.evaluations, self.spent.calls, beside(self.spent.beside),
      self.stopped or "by an error")
  end
  lines[#lines + 1] = self.claim and "test: " .. tostring(self.claim) or unclaimed(self)
  if self.shipped == 0 and (self.best_idx or 0) > 0 then
    lines[#lines + 1] = "the seed is kept, because no gain is shown"
  end
  return table.concat(lines, "\n")
end

-- ---- while it goes -----------------------------------------------------------------

-- Under a dry run sim answers: what is asked counts, what it says of the texts is nobody's business.
local function show_headroom(search, result, found)
  if model.dry_run then found = found:unmeasured() end
  result.headroom = found
  if search.tape then search.tape:headroom(found) end
  if model.dry_run then return dryrun.plan(found) end
  for _, text in ipairs(found:lines()) do progress.emit { kind = "note", text = text } end
end

local function show(search, result, event)
  if event.kind == "phase" or event.kind == "progress" then return progress.emit(event) end
  if event.kind == "headroom" then return show_headroom(search, result, event.headroom) end
  if event.kind == "seed" then
    result.seed_score = event.candidate.mean
    progress.emit { kind = "score", training = 1, best = result.seed_score,
      seed = result.seed_score }
    progress.emit { kind = "phase", name = "search" }
  elseif event.kind == "kept" or event.kind == "dropped" then
    local record = event.proposal
    result.kept = result.kept + (record.kept and 1 or 0)
    result.dropped = result.dropped + ((record.kept or record.upkeep) and 0 or 1)
    progress.emit { kind = "proposal", number = record.number, operator = record.operator,
      accepted = record.kept, reason = verdict(record) }
    local spent, limits = search.spent, search.limits
    local unit = limits.calls and "calls" or limits.evaluations and "evaluations"
    if unit then progress.emit { kind = "progress", done = spent[unit], total = limits[unit] } end
    progress.emit { kind = "score", training = 1, best = search.pool:best().mean,
      seed = result.seed_score, last = event.candidate and event.candidate.mean }
  end
end

--- Events go to the display, to the result, and to the script's function.
---@param search lunagrad.search
---@param result lunagrad.optimized
function reports.watch(search, result)
  search.tell = function(event)
    show(search, result, event)
    if search.on_event then search.on_event(event) end
  end
end

-- ---- the record --------------------------------------------------------------------

local Tape = {}
Tape.__index = Tape

local SPLIT = { train = "train", val = "validation", test = "test" }

-- What is known and not yet recorded: a candidate may be kept before all of it is.
local function rows_of(variant, set, n)
  local rows = {}
  for i = 1, n do
    local result = variant.known[set][i]
    if result and not result.await and not result.recorded then
      result.recorded = true
      rows[#rows + 1] = { example = i, score = result.score, output = result.output,
        objectives = result.objectives }
    end
  end
  return rows
end

--- The search in the store; silent without one.
---@param search lunagrad.search
---@param spec table of lg.optimize
function reports.tape(search, spec)
  local problem = search.problem
  local inner = recorder.search { kind = "optimize", method = search.method_name,
    names = problem.names, seed = search.seed, options = { budget = search.limits,
      batch = search.batch, lag = search.lag, window = search.window, delta = spec.delta,
      beta = spec.beta, patience = search.patience, examples = { train = #problem.sets.train,
        validation = #problem.sets.val, test = #problem.sets.test } } }
  problem.purpose = function(variant, set, i)
    return inner:purpose { candidate = variant.born == 0 and 0 or nil,
      proposal = variant.born > 0 and variant.born or nil, split = SPLIT[set], example = i }
  end
  for _, set in ipairs { "train", "val", "test" } do
    if #problem.sets[set] > 0 then inner:set(SPLIT[set], problem.sets[set]) end
  end
  problem.on_answer = inner.id and function(variant, answer) variant.answer = answer end
  return setmetatable({ inner = inner, search = search }, Tape)
end

-- The graph of the first example of validation, once that was asked.
local function draw(self, candidate)
  local variant = candidate.variant
  local known = variant.known.val[1]
  if variant.answer and known then
    self.inner:graph { candidate = candidate.idx, split = "validation", example = 1,
      score = known.score, text = graphs.text(variant.answer) }
  end
  variant.answer = nil
end

function Tape:seed(candidate)
  self.inner:candidate { idx = 0, iteration = 0, texts = candidate.texts, score = candidate.mean,
    best = true, words = candidate.words, operator = "seed", parents = {} }
  self.inner:scores { candidate = 0, split = "validation",
    rows = rows_of(candidate.variant, "val", self.search.n) }
  draw(self, candidate)
end

--- What is known before it begins: among the options, and the scores by the names of the draws.
function Tape:headroom(found)
  self.inner:describe { headroom = found:told() }
  for d = 2, found.measured and #found.draws or 0 do
    local one, rows = found.draws[d], {}
    for k, result in ipairs(one.results) do
      rows[k] = { example = found.examples[k], score = result.score, output = result.output,
        objectives = result.objectives }
    end
    self.inner:scores { split = "validation", phase = "headroom, " .. one.name, rows = rows }
  end
end

--- What the calls of an operator are for.
function Tape:purpose(number) return self.inner:purpose { proposal = number } end

--- A proposal that is decided.
function Tape:proposal(one, record, search)
  local race = record.race
  self.inner:proposal { number = record.number, parents = one.parents or { record.parent },
    operator = record.operator, accepted = record.kept, reason = record.reason,
    texts = record.texts, before = one.parent.mean, gain = record.gain,
    after = one.candidate and one.candidate.mean, batch = record.batch,
    race = race and { verdict = race.verdict, why = race.why, n = race.at, won = race.won,
      lost = race.lost, sum = race.sum, trace = race:trace() }, calls = record.calls }
  self.inner:scores { proposal = record.number, candidate = record.candidate,
    split = "validation", rows = one.child and rows_of(one.child, "val", search.n) or {} }
  local candidate = one.candidate
  if candidate then
    self.inner:candidate { idx = candidate.idx, iteration = record.number,
      texts = candidate.texts, score = candidate.mean, operator = record.operator,
      best = search.pool:best() == candidate, words = candidate.words,
      proposal = record.number, parents = candidate.parents }
    draw(self, candidate)
  end
  if one.graph then self.inner:graph(one.graph) end
end

--- A candidate that was kept early is known on all of validation now.
function Tape:completed(candidate, search)
  self.inner:rescored { idx = candidate.idx, texts = candidate.texts, score = candidate.mean,
    best = search.pool:best() == candidate }
  self.inner:scores { proposal = candidate.born, candidate = candidate.idx, split = "validation",
    rows = rows_of(candidate.variant, "val", search.n) }
  draw(self, candidate)
end

--- What is the best at the end, and not known on all of validation: nobody was told so before.
function Tape:guessed(candidate)
  self.inner:rescored { idx = candidate.idx, texts = candidate.texts, score = candidate.mean,
    best = true }
end

--- A candidate was asked once more: its score is the mean of both draws, and perhaps another is the
--- best now.
function Tape:rescored(candidate, search, results)
  local best = search.pool:best()
  self.inner:rescored { idx = candidate.idx, texts = candidate.texts, score = candidate.mean,
    best = best == candidate }
  if best ~= candidate then
    self.inner:rescored { idx = best.idx, texts = best.texts, score = best.mean, best = true }
  end
  self.inner:scores { candidate = candidate.idx, split = "validation", phase = "rescored",
    rows = rows_of({ known = { val = results } }, "val", search.n) }
end

--- The search has ended.
function Tape:close(complete, result)
  local claim = result.claim
  self.inner:close { complete = complete, texts = result.texts, score = result.best_score,
    seed_score = result.seed_score, stopped = result.stopped,
    claim = claim and { shown = claim.shown, p = claim.p, gain = claim.gain, low = claim.low,
      high = claim.high, n = claim.n, test = claim.test, needed = claim.needed } or nil }
end

-- ---- the end -----------------------------------------------------------------------

--- Seed against best on the test set.
---@param search lunagrad.search
---@param seed lunagrad.candidate
---@param best lunagrad.candidate
---@param alpha number|nil
---@return lunagrad.claim with ids of fixed and broken examples
function reports.claim(search, seed, best, alpha)
  local problem, scores, spent = search.problem, {}, search.spent
  for k, candidate in ipairs { seed, best } do
    local _, results = problem:evaluate_all(candidate.variant, "test", nil, function(done, total)
      progress.emit { kind = "progress", done = done + (k - 1) * total, total = 2 * total }
    end)
    scores[k] = {}
    for i, result in ipairs(results) do
      scores[k][i] = result.score
      spent.test_calls = (spent.test_calls or 0) + result.calls
    end
    if search.tape then
      search.tape.inner:scores { candidate = candidate.idx, split = "test",
        rows = rows_of(candidate.variant, "test", #results) }
    end
  end
  local claim = claims.paired(scores[1], scores[2], { alpha = alpha, seed = search.seed })
  claim.fixed_ids, claim.broken_ids = {}, {}
  for k, i in ipairs(claim.fixed) do claim.fixed_ids[k] = problem:id_of("test", i) end
  for k, i in ipairs(claim.broken) do claim.broken_ids[k] = problem:id_of("test", i) end
  return claim
end

--- Fill in what is reached.
---@param search lunagrad.search
---@param result lunagrad.optimized
---@param best lunagrad.candidate
---@param taken lunagrad.candidate the one that is shipped
function reports.finish(search, result, best, taken)
  result.pool, result.best_idx = search.pool, best.idx
  result.best_score, result.texts, result.best = best.mean, taken.texts, {}
  result.best_seen, result.of = best.open and best.n_known or search.n, search.n
  for i, name in ipairs(search.problem.names) do result.best[name] = taken.texts[i] end
  local shape = search.problem.shape
  if shape then result.artefact = shape(taken.texts) end
end

return reports
