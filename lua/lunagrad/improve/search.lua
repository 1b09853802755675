--- The search: numbered proposals, work in any order, decisions in theirs.
--
-- A proposal is an operator's new texts for a parent of the pool, and what a gate says of them.
-- Proposal n is planned (parent, operator, batch, its share of the budget) at the moment when all up
-- to some m are decided, at the latest n - 1 and at the earliest n - lag; it is decided after n - 1.
-- So nobody waits for the slowest, and yet the same pool comes out at any concurrency, whatever
-- the latencies, and after any restart: everything random is drawn from a generator of its own
-- number, and nothing that depends on who was first is looked at.
--
-- The parts are given (lunagrad.improve.methods): select, operators, gate, batches. What is tried on
-- which examples, lunagrad.improve.problem knows; options and results are lunagrad.improve.optimize.

local bind = require "lunagrad.bind"
local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local budget = require "lunagrad.improve.budget"
local early = require "lunagrad.improve.early"
local given = require "lunagrad.improve.given"
local habits = require "lunagrad.improve.habits"
local pools = require "lunagrad.improve.pool"
local rescore = require "lunagrad.improve.rescore"
local wording = require "lunagrad.improve.wording"
local loop = require "lunagrad.loop"
local rng = require "lunagrad.rng"
local stats_math = require "lunagrad.stats_math"

---@class lunagrad.search
local Search = {}
Search.__index = Search

local search = {}

local REMEMBERED = 60  -- of the last proposals, for operators that learn from them
local CHUNKS = 4       -- batches that are tried until one holds something to learn from
local FRUITLESS = 30   -- proposals in a row that bought nothing: nothing new is found any more
local LOOKS, PART = 2, 3 -- at validation, with what is put aside, and the most that it may be
local QUIET = 4        -- so many proposals in a row that are not kept: one more at once
local ENOUGH = 20      -- passes over validation in calls: the seed's are no question then
local UNITS = { "calls", "evaluations" }

--- spec: problem, method (its parts), seed, lag, lag_is_given, batch, limits = {calls, evaluations},
--- patience, rescore, stop(state) → reason|nil, tell(event), tape, and what operators are given:
--- loss, program, objective, model, backward, constraints, edits, max_demos, perfect, leak.
---@param spec table
---@return lunagrad.search
function search.new(spec)
  local self = setmetatable(spec, Search)
  self.random = rng.new(spec.seed)
  self.budgets = {}
  for i, unit in ipairs(UNITS) do self.budgets[i] = budget.new(spec.limits[unit] or math.huge) end
  self.proposals, self.tasks, self.waiting, self.done = {}, {}, {}, {}
  self.decided, self.planned, self.idle, self.kept = 0, 0, 0, 0
  self.spent, self.open, self.fruitless = { calls = 0, evaluations = 0 }, {}, 0
  self.working = {}
  self.trying, self.leaving, self.n = {}, {}, #spec.problem.sets.val
  self.anew, self.doubted, self.habits = {}, {}, habits.new() -- doubted: of rescore.lua
  self.operator_calls = 2 * spec.batch + 4 -- until there is one that has been seen
  return self
end

local function say(self, event)
  if self.tell then self.tell(event, self) end
end

--- Tell whoever listens of an event.
function Search:say(event) say(self, event) end

-- ---- what a variant is worth ---------------------------------------------------

-- Of a candidate whose variant is known on all of validation.
local function take_scores(self, candidate)
  local scores, objectives = {}, nil
  for i = 1, self.n do
    local result = candidate.variant.known.val[i]
    scores[i] = result.score
    if result.objectives then
      objectives = objectives or {}
      objectives[i] = result.objectives
    end
  end
  candidate.scores, candidate.objectives = scores, objectives
  candidate.mean, candidate.open = stats_math.mean(scores), nil
  candidate.variant.scored = { scores = scores, objectives = objectives }
end

-- Of results that are in the record the scores are enough: a pool of a thousand candidates holds a
-- million of them.
local function compact(variant)
  local scored = variant.scored
  if not scored then return end
  variant.known.val = setmetatable({}, { __index = function(_, i)
    local score, objectives = scored.scores[i], scored.objectives
    return score and { score = score, objectives = objectives and objectives[i], calls = 0,
      charged = true } or nil
  end })
end

-- A variant as a candidate of the pool.
local function candidate_of(variant, more)
  local one = { texts = variant.texts, variant = variant, words = wording.count(variant.texts),
    repetition = wording.repetition(variant.texts) }
  for name, value in pairs(more) do one[name] = value end
  return one
end

-- Evaluations and calls that nobody has been charged for yet: in the order of decisions, so that
-- the same proposal pays for what two of them use.
local function charge(results)
  local calls, evaluations = 0, 0
  for _, result in ipairs(results) do
    if not result.charged then
      result.charged = true
      calls, evaluations = calls + result.calls, evaluations + 1
    end
  end
  return calls, evaluations
end

local function most_calls(results)
  local most = 0
  for _, result in ipairs(results) do most = math.max(most, result.calls) end
  return most
end

-- ---- the seed ------------------------------------------------------------------

--- What is asked before the first proposal, and counts.
---@param results lunagrad.result[]
function Search:buy(results) self:pay(0, charge(results)) end

-- What counts as solved: what was said, else 1 where the seed's scores are from 0 to 1; scores
-- without bounds are never perfect.
local function settle_perfect(self, seed)
  if not self.perfect then
    self.perfect = 1
    for _, score in ipairs(seed.scores) do
      if score < 0 or score > 1 then self.perfect = math.huge end
    end
  end
  self.batches.perfect = self.perfect
  self.stop_score = self.stop_score or self.perfect
end

-- Where calls may be few, an example is asked first: it says what all of them take.
local function check_reach(self, seed)
  local most = self.limits.calls
  if not most or most >= ENOUGH * self.n then return end
  local per = self.problem:evaluate(seed, "val", 1).calls
  if self.spent.calls + per * self.n > most then
    errors.refuse("calls", ("lg.optimize: budget: %d calls, but scoring the start on %d examples "
      .. "takes some %d"):format(most, self.n, per * self.n),
      "raise the budget, or give fewer validation rows", 0)
  end
end

--- Score the seed on all of validation; it is the pool's first.
---@param seed table its variant
---@return table candidate
function Search:begin(seed)
  self.pool = pools.new { n = self.n, front = self.method.front, size = self.pool_size }
  say(self, { kind = "phase", name = "validation of the seed" })
  check_reach(self, seed)
  local _, results = self.problem:evaluate_all(seed, "val", nil, function(done, total)
    say(self, { kind = "progress", done = done, total = total })
  end)
  self.per_evaluation = most_calls(results)
  local calls, evaluations = charge(results)
  self:pay(0, calls, evaluations)
  local one = candidate_of(seed, { operator = "seed", parents = {}, born = 0 })
  take_scores(self, one)
  settle_perfect(self, one)
  self.pool:add(one)
  self.batches:child(0, {})
  if self.tape then self.tape:seed(one, results) end
  say(self, { kind = "seed", candidate = one })
  return one
end

--- Spent by a proposal (0: before the first).
function Search:pay(number, calls, evaluations)
  self.spent.calls = self.spent.calls + calls
  self.spent.evaluations = self.spent.evaluations + evaluations
  local units = { calls, evaluations }
  for i, one in ipairs(self.budgets) do
    if number == 0 then one:begin(units[i]) else one:decide(number, units[i]) end
  end
end

-- ---- those that were kept early --------------------------------------------------

--- Completes a candidate: what a proposal of its own is planned for.
local COMPLETE = { name = "complete", batch = false }

-- A candidate that was open is known on all of validation.
local function close(self, candidate)
  self.pool:remember(candidate)
  take_scores(self, candidate)
  candidate.rival = nil
  self.pool:add(candidate)
  if self.tape then self.tape:completed(candidate, self) end
  say(self, { kind = "complete", candidate = candidate })
  if not self.trying[wording.key(candidate.texts)] then compact(candidate.variant) end
end

-- What was bought of open candidates is known from now on.
local function learn_scores(self, ...)
  local whole, known = early.learn(self, ...)
  for _, candidate in ipairs(whole) do close(self, candidate) end
  early.guess(self, known)
end

-- ---- planning ------------------------------------------------------------------

-- So much of each unit: overhead of a proposal, and of that many evaluations.
local function units_of(self, evaluations)
  local all = self.batch + evaluations * (#self.open > 0 and 2 or 1)
  return { self.operator_calls + all * self.per_evaluation, all }
end

local function snapshot(self)
  if self.method.blind then return { self.pool:get(0) }, {} end
  local list = table.move(self.pool.list, 1, #self.pool.list, 1, {})
  local first = math.max(1, #self.proposals - REMEMBERED + 1)
  return list, table.move(self.proposals, first, #self.proposals, 1, {})
end

-- The batch, and others for when it holds nothing to learn from.
local function draw(self, parent, random)
  local first = self.batches:draw(parent.idx, self.batch, random)
  if not first then return {} end
  local chunks, taken = { first }, {}
  for _, i in ipairs(first) do taken[i] = true end
  local more = {}
  for _, i in ipairs(self.batches:draw(parent.idx, self.batch * CHUNKS, random)) do
    if not taken[i] then more[#more + 1] = i end
  end
  for from = 1, math.min(#more, self.batch * (CHUNKS - 1)), self.batch do
    chunks[#chunks + 1] = table.move(more, from, math.min(#more, from + self.batch - 1), 1, {})
  end
  return chunks
end

-- A candidate as it is now: an open one is known better later, and that must not be seen.
local function frozen(candidate)
  local copy = { live = candidate }
  for name, value in pairs(candidate) do copy[name] = value end
  return copy
end

-- Training examples that it is known to solve.
local function solved_by(self, candidate)
  local list = {}
  for i, score in pairs(self.batches.lowest[candidate.idx] or {}) do
    if score >= self.perfect then list[#list + 1] = i end
  end
  table.sort(list)
  return list
end

local function plan(self, granted)
  local number = self.planned + 1
  self.planned = number
  local random = self.random:fork("proposal " .. number)
  local doubted = table.remove(self.doubted, 1)
  if doubted then
    return { number = number, rng = random, parent = frozen(doubted), granted = granted,
      per = self.per_evaluation, from = self.decided, operator = rescore.OPERATOR, chunks = {},
      solved = {} }
  end
  local leader = early.leader(self)
  local due = leader and not leader.due and early.is_due(self, leader)
  local parent = leader or self.method.select(self.pool, random)
  if due then leader.due = true end
  local list, proposals = snapshot(self)
  local one = { number = number, rng = random, parent = frozen(parent), granted = granted,
    list = list, proposals = proposals, from = self.decided, solved = solved_by(self, parent),
    operator = due and COMPLETE or self.method.choose(self, parent, random),
    past = #self.pool.past, per = self.per_evaluation,
    habits = habits.copy(self.habits) }
  one.edits = self.method.edits and self.method.edits(self, one)
  one.component = self.method.component and self.method.component(self, one)
  one.chunks = one.operator.batch == false and {}
    or (self.method.draw or draw)(self, parent, random, one.operator)
  return one
end

-- The error of a proposal ends the search in its turn, so that it is not a matter of luck whether
-- one that is never decided does; what stops everything stops at once, and so does what goes wrong
-- while something is decided: nobody else would decide the next.
local function start(self, one)
  self.waiting[one.number], self.working[one.number] = loop.signal(), one
  self.tasks[one.number] = loop.spawn(function()
    local ok, problem = pcall(self.work, self, one)
    if ok or not errors.stops(problem) then
      if not ok then loop.passed_on() end
      one.problem = not ok and problem or nil
      ok, problem = pcall(self.finish, self, one)
    end
    if not ok then
      self:fail(problem)
      error(problem, 0)
    end
  end, {})
end

-- Whether the next proposal may be planned before all others are decided.
local function is_ready(self)
  local number = self.planned + 1
  return self.planned == self.decided or not self.method.ready
    or self.method.ready(self, number)
end

-- How many proposals may be open at once. When one is kept, those that are open come from a parent
-- that is not the best any more, and most of what they find is lost: so there are the fewer of them,
-- the likelier that is. Counted by what is decided, as all that is decided here.
local function at_once(self)
  if self.lag_is_given then return self.lag end
  return math.min(self.lag, 1 + self.idle // QUIET)
end

-- Plans as many proposals as may be open now. Where the budget is plenty each is granted a whole
-- race; else that of a third of validation, which most children do not survive: who does waits for
-- its turn.
local function plan_more(self)
  local last = math.min(self.decided + at_once(self), self.most or math.huge)
  while not self.stopped and self.planned < last and is_ready(self) do
    local some = math.min(self.n, math.max(self.window, (self.n + 2) // 3))
    local whole = units_of(self, self.n)
    local plenty = budget.is_plenty(self.budgets, whole, self.lag)
    local granted = budget.grant(self.budgets, plenty and whole or units_of(self, some),
      units_of(self, math.min(self.n, self.window)))
    if not granted then
      if self.planned == self.decided then self.stopped = "budget" end
      return
    end
    start(self, plan(self, granted))
  end
end

--- Something went wrong that ends the search: nobody waits for a turn that does not come.
function Search:fail(problem)
  self.problem_met = self.problem_met or problem
  self.stopped = self.stopped or "error"
  for _, signal in pairs(self.waiting) do signal:fire() end
end

-- ---- one proposal --------------------------------------------------------------

-- The parent on a batch: the first of the chunks that holds something to learn from. nil: none
-- does, or the budget does not reach.
local function learn_from(self, one)
  local open = one.operator.any_batch
  for _, chunk in ipairs(one.chunks) do
    one.gate_from = #one.used
    if not self:may(one, #chunk) then return nil, "the budget" end
    local batch = loop.map(chunk, function(i)
      return self.problem:evaluate(one.parent.variant, "train", i)
    end, { example = false })
    for n, result in ipairs(batch) do
      one.seen[#one.seen + 1], one.used[#one.used + 1] = { chunk[n], result.score }, result
      open = open or result.score < self.perfect
      batch[n] = { i = chunk[n], row = self.problem.sets.train[chunk[n]], output = result.output,
        score = result.score, feedback = result.feedback, objectives = result.objectives,
        failed = result.failed }
    end
    if open then return batch end
  end
  one.unteachable = true
  return nil, "nothing to learn from: the batches are solved"
end

-- What an operator gives, looked at once more: it may be a script's own.
local function refusal(self, one, texts)
  local n = #self.problem.params
  if type(texts) ~= "table" then return "the operator gave no texts" end
  local changed = false
  for i = 1, n do
    if type(texts[i]) ~= "string" and texts[i] ~= one.parent.texts[i] then
      return "the operator gave no text for each parameter"
    end
    changed = changed or texts[i] ~= one.parent.texts[i]
  end
  if not changed then return "unchanged" end
  local before = not one.operator.again and self.known:seen(texts, one.from)
  if before then
    return before == 0 and "the texts of the seed" or "the texts of proposal " .. before
  end
  for i = 1, n do
    local text = texts[i]
    if text ~= one.parent.texts[i] then
      if not text:find "%S" then return "an empty text" end
      local broken, why = constraint.broken(self.constraints, text, nil, i)
      if broken then return ("breaks \"%s\": %s"):format(broken.text, why) end
      local leaked = self.leak and not one.operator.may_quote
        and self.leak(text, one.parent.texts[i])
      if leaked then return leaked end
    end
  end
  return nil
end

local function propose(self, one)
  local batch = {}
  if one.operator.batch ~= false then
    local found, nothing = learn_from(self, one)
    if not found then return nil, nothing end
    batch = found
  end
  one.batch = batch
  if self.stopped then return nil, "stopped" end
  local meter = bind.meter()
  one.meter = meter
  local purpose = self.tape and self.tape:purpose(one.number)
  local texts, why, detail = bind.run(core.binding(loop.engine(), {}), { meter = meter,
    purpose = purpose }, one.operator.propose, one.parent, batch, given.to(self, one, meter))
  one.calls, one.detail = bind.calls(meter), detail or {}
  if not texts then return nil, why or "no proposal" end
  local problem = refusal(self, one, texts)
  if problem then return nil, problem end
  return table.move(texts, 1, #self.problem.params, 1, { parents = texts.parents })
end

--- A first text, where the script has none: an operator writes it from what is wanted, as proposal 0.
---@param texts string[] blank ones
---@param operator table
---@return string[]
function Search:first(texts, operator)
  local parent = { idx = 0, texts = texts, mean = 0, parents = {}, scores = {} }
  parent.variant = self.problem:variant(texts)
  local one = { number = 0, rng = self.random:fork "start", parent = parent, list = {},
    proposals = {}, solved = {}, used = {}, seen = {}, habits = self.habits }
  local meter = bind.meter()
  local made, why = bind.run(core.binding(loop.engine(), {}), { meter = meter }, operator.propose,
    parent, {}, given.to(self, one, meter))
  self:pay(0, bind.calls(meter), 0)
  if not made then
    errors.raise("parse", "lg.optimize: no first text came of the objective: " .. (why or ""),
      "give a start", 0)
  end
  return table.move(made, 1, #texts, 1, {})
end

--- Wait until all proposals before this one are decided. false: the search has ended meanwhile.
function Search:turn(one)
  if self.decided < one.number - 1 then self.waiting[one.number]:wait() end
  return not self.stopped and self.decided == one.number - 1
end

--- Whether a proposal may buy its k-th evaluation of a gate: within its grant, else within what is
--- left when it is its turn. May wait.
---@param one table
---@param k integer
---@return boolean
function Search:may(one, k)
  if self.stopped then return false end
  local all = one.gate_from + (one.rival and one.rival.open and one.child and 2 or 1) * k
  local needed = { one.calls + all * one.per, all }
  for i, granted in ipairs(one.granted) do
    if needed[i] > granted then
      if not one.extended then
        if not self:turn(one) then return false end
        one.extended = true
        for n, unit in ipairs(self.budgets) do one.granted[n] = unit:extend(one.number) end
        return self:may(one, k)
      end
      return false
    end
  end
  return true
end

--- How many evaluations are left of the budget, as far as it is decided.
---@return number
function Search:left()
  local calls, evaluations = self.budgets[1], self.budgets[2]
  return math.min(evaluations.most - evaluations.spent,
    (calls.most - calls.spent) // math.max(self.per_evaluation, 1))
end

--- What a child is worth on a validation example: for gates.
---@param one table
---@param i integer
---@return number score
function Search:try(one, i)
  local result = self.problem:evaluate(one.child, "val", i)
  one.used[#one.used + 1] = result
  return result.score
end

--- What the rival is worth on the same, if that is still to be found out.
function Search:try_rival(one, i)
  local result = self.problem:evaluate(one.rival.variant, "val", i)
  one.used[#one.used + 1] = result
  return result.score
end

--- What a child is worth on a training example.
function Search:try_batch(one, i)
  local result = self.problem:evaluate(one.child, "train", i)
  one.used[#one.used + 1] = result
  return result.score
end

-- All that is missing of an open candidate, as far as the budget goes.
local function complete(self, one)
  one.gate_from, one.rival = 0, one.parent
  local missing, known = {}, one.parent.variant.known.val
  for i = 1, self.n do
    if not known[i] or not known[i].charged then missing[#missing + 1] = i end
  end
  local all = self:may(one, self.n - one.parent.n_known)
  if all then
    loop.map(missing, function(i) return self:try_rival(one, i) end, { example = false })
  end
  return { kept = false, why = all and "completed" or "the budget", unraced = true }
end

-- What proposals have in common whose texts are the same: one variant, asked once. Whoever was
-- planned before the first of them was decided does not know it, and may still come to these texts:
-- so long it is kept, however quick that one was.
local function child_of(self, one)
  local key = wording.key(one.texts)
  local shared = self.trying[key] or { key = key, n = 0,
    variant = self.problem:variant(one.texts, one.number) }
  self.trying[key], shared.n, one.shared = shared, shared.n + 1, shared
  return shared.variant
end

local function leave(self, one)
  if self.method.keeps then return end
  local shared, list = one.shared, self.leaving
  if shared then
    shared.n = shared.n - 1
    list[#list + 1] = { shared = shared, until_number = self.planned }
  end
  while list[1] and list[1].until_number <= self.decided do
    local gone = table.remove(list, 1).shared
    if gone.n == 0 and self.trying[gone.key] == gone then
      self.trying[gone.key] = nil
      compact(gone.variant)
    end
  end
end

function Search:work(one)
  one.seen, one.used, one.calls = {}, {}, 0
  local own = one.operator == COMPLETE and complete
    or one.operator == rescore.OPERATOR and rescore.ask
  if own then
    one.outcome = own(self, one)
    return
  end
  say(self, { kind = "proposal", number = one.number, operator = one.operator.name,
              parent = one.parent.idx })
  local texts, why = propose(self, one)
  if not texts then
    one.outcome = { kept = false, why = why, unraced = true,
      gathered = one.detail and one.detail.gathered }
    return
  end
  one.texts, one.gate_from = texts, #one.used
  one.parents = texts.parents
  one.child = child_of(self, one)
  one.outcome = self.method.gate(self, one)
end

-- ---- deciding ------------------------------------------------------------------

local function gain_of(one)
  local race = one.outcome.race
  return race and race.at > 0 and race.sum / race.at or 0
end

local function accept(self, one)
  local child = candidate_of(one.child, { operator = one.operator.name, born = one.number,
    parents = one.parents or { one.parent.idx } })
  local race = one.outcome.race
  local entered, why
  if one.outcome.why == "early" and race.at < self.n then
    early.open(child, one.rival, race)
    entered, why = self.pool:enter(child)
    if entered then self.open[#self.open + 1] = child end
  else
    take_scores(self, child)
    entered, why = self.pool:add(child)
  end
  if not entered then
    one.outcome.kept, one.outcome.why = false, why
    return
  end
  one.candidate = child
  self.kept, self.idle = self.kept + 1, 0
  self.batches:child(child.idx, child.parents)
end

local function remember(self, one, calls, evaluations)
  local record = { number = one.number, operator = one.operator.name, parent = one.parent.idx,
    texts = one.texts, kept = one.outcome.kept, reason = one.outcome.why, gain = gain_of(one),
    calls = calls, evaluations = evaluations, race = one.outcome.race, batch = one.seen,
    candidate = one.candidate and one.candidate.idx, unraced = one.outcome.unraced,
    upkeep = one.operator == COMPLETE or one.operator == rescore.OPERATOR or nil }
  self.proposals[#self.proposals + 1] = record
  return record
end

-- Not all of it is wanted for ever. The race stays in the record, and its parent's scores, as many
-- as validation has examples, are known elsewhere.
local function let_go(self, one)
  leave(self, one)
  self.working[one.number] = nil
  if one.outcome.race then one.outcome.race.parent = nil end
  one.child, one.list, one.proposals, one.used, one.batch = nil, nil, nil, nil, nil
end

local function decide(self, one)
  local calls, evaluations = charge(one.used)
  calls = calls + one.calls
  for _, seen in ipairs(one.seen) do self.batches:note(one.parent.idx, seen[1], seen[2]) end
  local again = one.operator == rescore.OPERATOR
  local counts = not (again or one.outcome.gathered)
  self.decided, self.idle = one.number, self.idle + (counts and 1 or 0)
  if one.outcome.kept and not one.operator.again and self.known:seen(one.texts) then
    one.outcome.kept = false
    one.outcome.why = "the texts of proposal " .. self.known:seen(one.texts)
  end
  if one.outcome.kept then accept(self, one) end
  if one.texts then self.known:add(one.texts, one.number) end
  if one.unteachable then one.parent.live.exhausted = true end
  if again then rescore.decide(self, one) else habits.learn(self.habits, one.habits) end
  self.per_evaluation = math.max(self.per_evaluation, most_calls(one.used))
  self.fruitless = evaluations > 0 and 0
    or self.fruitless + (one.outcome.gathered and 0 or 1)
  self:pay(one.number, calls, evaluations)
  if one.calls > 0 then
    self.operator_calls = math.max(one.calls, self.operator_calls - 1)
  end
  local record = remember(self, one, calls, evaluations)
  self.method.learn(self, one, record)
  if self.tape then self.tape:proposal(one, record, self) end
  learn_scores(self, one.candidate, one.rival)
  rescore.doubt(self)
  say(self, { kind = one.outcome.kept and "kept" or "dropped", proposal = record,
              candidate = one.candidate })
  let_go(self, one)
end

local function stop_reason(self)
  local best = self.pool:best()
  if best.mean >= self.stop_score and not rescore.is_pending(self, best) then return "score" end
  if self.patience and self.idle >= self.patience then return "patience" end
  if self.fruitless >= FRUITLESS then return "nothing new" end
  if self.most and self.decided >= self.most then return "proposals" end
  local over = self.method.over and self.method.over(self)
  if over then return over end
  return self.stop and self.stop(self) or nil
end

--- A proposal's work is done: decide all that are next, and plan what may be planned then.
function Search:finish(one)
  self.done[one.number] = one
  while not self.stopped do
    local next_one = self.done[self.decided + 1]
    if not next_one then break end
    self.done[self.decided + 1] = nil
    if next_one.problem then return self:fail(next_one.problem) end
    decide(self, next_one)
    self.stopped = stop_reason(self)
    plan_more(self)
    local waiting = self.waiting[self.decided + 1]
    if waiting then waiting:fire() end
    self.waiting[self.decided] = nil
  end
  if self.stopped then
    for _, signal in pairs(self.waiting) do signal:fire() end
  end
end

-- So many evaluations are put aside for the end where what is the best is asked anew: two looks at all
-- of validation, where the budget is worth it.
local function put_aside(self)
  if not self.rescore or not self.method.early then return end
  self.aside = 0
  for i, one in ipairs(self.budgets) do
    local whole = LOOKS * (i == 1 and self.n * self.per_evaluation or self.n)
    local share = math.min(whole, one.most // PART)
    if one.most < math.huge then
      one.most = one.most - share
      self.aside = i == 1 and share // math.max(self.per_evaluation, 1)
        or math.min(self.aside > 0 and self.aside or share, share)
    end
  end
  if self.aside == 0 then self.aside = LOOKS * self.n end
end

-- What the proposals had bought that were open when a decision ended the search. How far they were
-- is a matter of who was quicker: it is counted by itself.
local function count_beside(self)
  local calls, evaluations = 0, 0
  for number = self.decided + 1, self.planned do
    local one = self.working[number]
    local own, units = charge(one.used or {})
    calls = calls + own + (one.meter and bind.calls(one.meter) or 0)
    evaluations = evaluations + units
  end
  if calls + evaluations > 0 then
    self.spent.beside = { calls = calls, evaluations = evaluations }
  end
end

--- Search until a condition says stop. Waits. An error that ends the search is raised when all that
--- was begun has ended.
---@return string stopped why
function Search:run()
  put_aside(self)
  self.known = wording.known()
  self.known:add(self.pool:best().texts, 0)
  self.stopped = stop_reason(self)
  plan_more(self)
  local i = 1
  while self.tasks[i] do
    pcall(self.tasks[i].await, self.tasks[i])
    self.tasks[i] = false
    i = i + 1
  end
  if self.problem_met then error(self.problem_met, 0) end
  self:settle()
  rescore.settle(self)
  count_beside(self)
  return self.stopped
end

--- All of validation for a variant, out of what was put aside. Waits.
---@param variant table
---@param evaluations integer that are missing
---@param sample integer|nil
function Search:spend_aside(variant, evaluations, sample)
  if self.aside then self.aside = self.aside - evaluations end
  local _, results = self.problem:evaluate_all(variant, "val", sample)
  local calls, units = charge(results)
  self.spent.calls = self.spent.calls + calls
  self.spent.evaluations = self.spent.evaluations + units
end

--- So many evaluations there are for the end.
---@return number
function Search:rest()
  if self.aside then return self.aside end
  local limits, spent = self.limits, self.spent
  local calls = ((limits.calls or math.huge) - spent.calls) // math.max(self.per_evaluation, 1)
  return math.min(calls, (limits.evaluations or math.huge) - spent.evaluations)
end

--- What is the best as far as is known: perhaps one that was kept early, whose mean is a guess then.
---@return lunagrad.candidate
function Search:best() return early.leader(self) or self.pool:best() end

--- The open ones that seem better than the best are looked at on all of validation, the most
--- promising first, with what was put aside for that.
function Search:settle()
  while #self.open > 0 do
    local leader = early.leader(self)
    local missing = leader and self.n - leader.n_known
    if not leader or missing > self:rest() then return end
    self:spend_aside(leader.variant, missing)
    learn_scores(self, leader)
  end
end

return search
