--- Method "mipro": instructions × sets of worked examples, combined by what a Parzen estimator says.
--
-- MIPROv2 (arXiv 2406.11695; dspy 3.4.1). The start is run on training rows; sets of worked examples
-- are bootstrapped from what it solved (operator "demos"); the data are described, and instructions
-- written along that, each with a tip. Then trials: the estimator names an instruction and a set for
-- each text, and they are tried on 35 validation examples (on all, where there are 50 or fewer);
-- after every fifth, and when the budget comes to its end, the combination with the best mean so far
-- is asked all of validation. The best of those that were is the result. Where it differs: how many
-- candidates there are follows from the budget, and trials go on as long as it lasts; a program's
-- code is not described; there is no set of mere labels unless nothing is solved; a combination
-- that is known on all of validation is not tried again, and what is known of one is not bought
-- again. With `evaluate` there are no worked examples, only instructions.

local errors = require "lunagrad.errors"
local gates = require "lunagrad.improve.gates"
local demos = require "lunagrad.improve.propose.demos"
local instruct = require "lunagrad.improve.propose.instruct"
local worked = require "lunagrad.improve.worked"
local tpe = require "lunagrad.improve.tpe"
local media = require "lunagrad.media"
local stats_math = require "lunagrad.stats_math"

local MINI, SMALL = 35, 50 -- examples of a trial; where there are so few all are asked
local EVERY = 5            -- trials to one look at all of validation
local MOST, LEAST = 18, 3  -- sets of worked examples (half as many instructions)
local PER_CANDIDATE = 1.5  -- trials
local ROWS, SHARE = 35, 8  -- rows that the start is run on: so many, or a part of the budget
local PASSES = 20          -- over validation, where the budget is no number of evaluations

local function mini(n) return n <= SMALL and n or MINI end

-- ---- what is collected first -----------------------------------------------------

local function gathered(why, more)
  more = more or {}
  more.gathered = true
  return nil, why, more
end

local bootstrap = { name = "solve", any_batch = true, propose = function(_, batch, context)
  local solved = 0
  for _, one in ipairs(batch) do
    solved = solved + (one.score >= context.perfect and 1 or 0)
  end
  return gathered(("%d of %d rows are solved"):format(solved, #batch))
end }

local facts = { name = "facts", batch = false, propose = function(_, _, context)
  return gathered("described the data", { facts = instruct.facts(context) })
end }

local function writer(state, tip)
  return { name = "instruct", batch = false, propose = function(parent, _, context)
    return instruct.write(parent, context, state.facts, tip)
  end }
end

local collector = { name = "demos", batch = false, may_quote = true, propose = demos.propose }

-- How many sets of worked examples the budget is enough for.
local function candidates(search)
  local n, left = search.n, search:left()
  if left == math.huge then left = PASSES * n end
  local trial = mini(n) + (mini(n) < n and n / EVERY or 0)
  return math.max(LEAST, math.min(MOST, left // trial // PER_CANDIDATE))
end

-- The proposals before the trials, in their order.
local function plan(state, search)
  local steps, n = {}, math.tointeger(candidates(search))
  local program = search.problem.program
  steps[1] = program and bootstrap or nil
  steps[#steps + 1] = facts
  for k = 1, math.max(program and n // 2 or n, 2) - 1 do
    steps[#steps + 1] = writer(state, (k - 1) % instruct.TIPS + 1)
  end
  for _ = 1, program and search.max_demos > 0 and n - 1 or 0 do steps[#steps + 1] = collector end
  return steps
end

local function add(list, text)
  for _, known in ipairs(list) do
    if known == text then return end
  end
  list[#list + 1] = text
end

-- What the start has, and what was written or collected: of each text the instructions and sets.
local function collect(state, one, texts)
  for i, text in ipairs(texts) do
    local plain, block = worked.split(text)
    state.plain[i], state.blocks[i] = state.plain[i] or {}, state.blocks[i] or {}
    if one ~= "demos" then add(state.plain[i], plain) end
    if one ~= "instruct" then add(state.blocks[i], block) end
  end
end

-- ---- trials ----------------------------------------------------------------------

local function key_of(x) return table.concat(x, " ") end

local function texts_of(state, x)
  local texts = {}
  for i in ipairs(state.plain) do
    texts[i] = worked.join(state.plain[i][x[2 * i - 1]], state.blocks[i][x[2 * i]])
  end
  return texts
end

local function begin(state, search)
  local sizes, first = {}, {}
  for i in ipairs(state.plain) do
    sizes[2 * i - 1], sizes[2 * i] = #state.plain[i], #state.blocks[i]
    first[2 * i - 1], first[2 * i] = 1, 1
  end
  state.study = tpe.new { sizes = sizes }
  local seed = search.pool:get(0)
  state.study:tell(first, seed.mean)
  state.known[key_of(first)] = { x = first, sum = seed.mean, n = 1, whole = true }
end

-- The combination with the best mean of those that are not known on all of validation.
local function leader(state)
  local best
  for _, key in ipairs(state.order) do
    local one = state.known[key]
    if not one.whole and (not best or one.sum / one.n > best.sum / best.n) then best = one end
  end
  return best
end

local function is_whole_due(state, search, best)
  return best ~= nil and (state.trials >= EVERY or search:left() < search.n)
end

local function combine(name, state, x, whole)
  return { name = name, batch = false, again = true, may_quote = true, x = x, whole = whole,
    propose = function() return texts_of(state, x) end }
end

local nothing = { name = "combine", batch = false, propose = function()
  return nil, "all combinations are known"
end }

local function trial(state, search, random)
  if not state.study then begin(state, search) end
  local best = leader(state)
  if is_whole_due(state, search, best) then return combine("confirm", state, best.x, true) end
  local x = state.study:ask(random:fork "study", function(x)
    local known = state.known[key_of(x)]
    return known and known.whole
  end)
  state.exhausted = not x
  return x and combine("combine", state, x, mini(search.n) == search.n) or nothing
end

local whole_gate = gates.full { any = true }

local function some_rows(search, one)
  local order = {}
  for i = 1, search.n do order[i] = i end
  one.rng:fork("rows"):shuffle(order)
  return table.move(order, 1, mini(search.n), 1, {})
end

local function gate(search, one)
  if one.operator.name == "instruct" or one.operator.name == "demos" then
    return { kept = false, why = "collected", unraced = true, gathered = true }
  end
  if one.operator.whole then return whole_gate(search, one) end
  local scores = gates.buy(search, one, some_rows(search, one))
  if not scores then return { kept = false, why = "the budget", unraced = true } end
  local mean = stats_math.mean(scores)
  return { kept = false, unraced = true, mean = mean,
    why = ("%.3f on %d examples"):format(mean, #scores) }
end

-- How a combination fared; one that could not be tried is not asked for again.
local function note(state, one)
  local x, outcome = one.operator.x, one.outcome
  local key = key_of(x)
  local known = state.known[key]
  if not known then
    known = { x = x, sum = 0, n = 0 }
    state.known[key], state.order[#state.order + 1] = known, key
  end
  local mean = one.candidate and one.candidate.mean or outcome.mean
  known.whole = known.whole or one.operator.whole or not mean
  if mean then
    state.study:tell(x, mean)
    known.sum, known.n = known.sum + mean, known.n + 1
  end
  state.trials = one.operator.name == "confirm" and 0 or state.trials + 1
end

local function learn(state, one, record)
  local name = one.operator.name
  if name == "facts" then
    state.facts = one.detail and one.detail.facts or ""
  elseif (name == "instruct" or name == "demos") and record.texts then
    collect(state, name, record.texts)
  elseif one.operator.x then
    note(state, one)
  end
end

-- Too little is left for a trial, and nothing can be confirmed with it.
local function over(state, search)
  if not state.study then return nil end
  if state.exhausted and not leader(state) then return "nothing new" end
  local least = search.n - (leader(state) and mini(search.n) or 0)
  return search:left() < least and "budget" or nil
end

-- ---- the method ------------------------------------------------------------------

local function choose(state, search, random)
  if not state.steps then
    state.steps = plan(state, search)
    collect(state, nil, search.pool:get(0).texts)
  end
  return state.steps[search.planned] or trial(state, search, random)
end

-- What is collected together has nothing to wait for; trials come one by one.
local function ready(state, number)
  local steps = state.steps
  local step, before = steps[number], steps[number - 1]
  return step ~= nil and before ~= nil and step.name == before.name
end

local function rows_to_solve(search, random)
  local order, most = {}, search:left() // SHARE
  for i = 1, #search.problem.sets.train do order[i] = i end
  random:fork("rows"):shuffle(order)
  return { table.move(order, 1, math.tointeger(math.min(#order, ROWS, math.max(most, 1))), 1, {}) }
end

return function(spec)
  if not spec.program and not spec.examples and not spec.train then
    errors.refuse("method", 'lg.optimize: method "mipro" needs examples to describe and to try on',
      'give examples = { … }, or take "race", "gepa", "tgd", "opro" or "best_of_n"', 5)
  end
  for _, p in ipairs(spec.params or {}) do
    if media.family(p) then
      errors.refuse("method", 'lg.optimize: method "mipro" combines texts, and a parameter is none',
        'take "race"', 5)
    end
  end
  local state = { facts = "", plain = {}, blocks = {}, known = {}, order = {}, trials = 0 }
  return {
    lag = 1, batch = 1, window = mini, keeps = true, blind = true,
    select = function(pool) return pool:get(0) end,
    ready = function(_, number) return ready(state, number) end,
    choose = function(search, _, random) return choose(state, search, random) end,
    draw = function(search, _, random) return rows_to_solve(search, random) end,
    gate = gate,
    learn = function(_, one, record) learn(state, one, record) end,
    over = function(search) return over(state, search) end,
  }
end
