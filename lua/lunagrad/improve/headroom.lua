--- Before a search spends: what can be found and shown here, and what that will cost.
--
-- The seed is asked twice about a few validation examples (two draws of everything that is sampled),
-- and so are three crude variants of it (lunagrad.improve.crude), once. What changes between two draws
-- of one text is noise; what changes more than that between texts is what a search can work on. The
-- smallest gain that validation and test can show follows from how many examples change. No search
-- and no gate is in here, and nothing that is bought decides anything. Arithmetic and words are in
-- lunagrad.improve.headroom_report.

local budgets = require "lunagrad.improve.budget"
local crude = require "lunagrad.improve.crude"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local options = require "lunagrad.options"
local problems = require "lunagrad.improve.problem"
local reports = require "lunagrad.improve.headroom_report"
local rng = require "lunagrad.rng"
local var = require "lunagrad.var"

local headroom = {}

headroom.EXAMPLES = 12
headroom.PASSES = 20        -- over validation, where no budget is given
headroom.LEAST = 4          -- examples that are worth asking about
local EXTRA = 1 + #crude.NAMES -- draws beside the one that validation needs anyway
local BATCH = { 3, 8, 12 }  -- at least, at most, and a part of validation: a proposal is worth that

--- So many training examples a proposal learns from, where nothing else is said.
---@param n integer validation examples
---@return integer
function headroom.batch_of(n) return math.max(BATCH[1], math.min(BATCH[2], n // BATCH[3])) end

-- ---- what the search will ask for ------------------------------------------------

--- What a budget allows: evaluations at most, or nil where it says nothing of them.
---@param limits table of a budget
---@param n integer validation examples
---@param batch integer
---@param per integer calls of an evaluation at most
---@return integer|nil
function headroom.evaluations(limits, n, batch, per)
  local most = math.huge
  if limits.evaluations then most = limits.evaluations end
  if limits.calls then most = math.min(most, limits.calls // math.max(per, 1)) end
  if limits.proposals then most = math.min(most, n + limits.proposals * (n + batch)) end
  return most < math.huge and most or nil
end

-- ---- asking ------------------------------------------------------------------------

local function some_of(n, k, seed)
  local list = {}
  for i = 1, n do list[i] = i end
  rng.new(seed):fork("headroom"):shuffle(list)
  list = table.move(list, 1, k, 1, {})
  table.sort(list)
  return list
end

local function draw(problem, variant, at, sample)
  return loop.map(at, function(i) return problem:evaluate(variant, "val", i, sample) end,
    { example = false })
end

-- A crude text may be one that the program breaks on: it is left out then.
local function try(problem, variant, at)
  local ok, results = pcall(draw, problem, variant, at, 0)
  if ok then return results end
  if errors.stops(results) then error(results, 0) end
  loop.passed_on()
  return nil
end

local function most_calls(results)
  local most = 0
  for _, result in ipairs(results) do most = math.max(most, result.calls) end
  return most
end

local function take(asked, name, results)
  local scores = {}
  for k, result in ipairs(results) do scores[k] = result.score end
  asked.draws[#asked.draws + 1] = { name = name, scores = scores, results = results }
end

local function roles_of(problem)
  local roles = {}
  for i, p in ipairs(problem.params) do roles[i] = p.role end
  return roles
end

-- All but the seed's first draw, at the same time.
local function ask_more(problem, variant, asked)
  local variants = crude.variants(variant.texts, roles_of(problem))
  local list = { { name = "again", variant = variant } }
  for i, one in ipairs(variants) do
    list[i + 1] = { name = one.name, variant = problem:variant(one.texts, -1) }
  end
  local all = loop.map(list, function(one)
    if one.variant == variant then return draw(problem, variant, asked.at, 1) end
    return try(problem, one.variant, asked.at) or false
  end, { example = false })
  for i, results in ipairs(all) do
    if results then take(asked, list[i].name, results)
    else asked.failed[#asked.failed + 1] = list[i].name end
  end
end

--- Ask. Waits. What the seed's first draw brings is validation's, and known to the problem.
---@param problem lunagrad.problem
---@param variant table the seed's, of problem:variant
---@param how {examples: integer, seed: integer|string, room: fun(per: integer): integer} room: of how
--- many examples all draws may be bought, when an evaluation takes so many calls
---@return table asked {at, per, draws = {{name, scores, results}}, failed}: draws[1] is the seed
function headroom.ask(problem, variant, how)
  local n = #problem.sets.val
  local at = some_of(n, math.min(how.examples, n), how.seed)
  local first = draw(problem, variant, at, 0)
  local asked = { per = most_calls(first), draws = {}, failed = {} }
  local k = math.max(0, math.min(#at, how.room(asked.per)))
  asked.at = table.move(at, 1, k, 1, {})
  take(asked, "as it is", table.move(first, 1, k, 1, {}))
  if k > 0 then ask_more(problem, variant, asked) end
  return asked
end

--- The results that were bought beyond validation's.
---@param asked table
---@return lunagrad.result[]
function headroom.extra(asked)
  local list = {}
  for d = 2, #asked.draws do
    local results = asked.draws[d].results
    table.move(results, 1, #results, #list + 1, list)
  end
  return list
end

--- How many examples are asked about where nobody says: a tenth of the budget at most, and nothing
--- where that is little or the budget is below twenty passes over validation.
---@param evaluations integer|nil of headroom.evaluations
---@param n integer
---@return integer
function headroom.usual(evaluations, n)
  if not evaluations or evaluations < headroom.PASSES * n then return 0 end
  local k = math.min(headroom.EXAMPLES, n, evaluations // (10 * EXTRA))
  return k >= headroom.LEAST and k or 0
end

--- So many examples fit into a budget beside a whole validation.
---@param limits table
---@param n integer
---@return fun(per: integer): integer
function headroom.room_in(limits, n)
  return function(per)
    local most = math.huge
    if limits.evaluations then most = limits.evaluations end
    if limits.calls then most = math.min(most, limits.calls // math.max(per, 1)) end
    return most < math.huge and (most - n) // EXTRA or n
  end
end

-- ---- money -------------------------------------------------------------------------

--- Begin to look at what an evaluation costs; the function that is returned says it, in
--- micro-dollars, or nil where that is not known.
---@return fun(evaluations: integer): number|nil
function headroom.meter()
  local engine = loop.engine()
  local before = engine:stats()
  return function(evaluations)
    local now = engine:stats()
    local micros = (now.micros or 0) - (before.micros or 0)
    if micros <= 0 or evaluations == 0 or (now.unpriced or 0) > (before.unpriced or 0)
      or (now.served or 0) > (before.served or 0) then
      return nil
    end
    return micros / evaluations
  end
end

-- ---- lg.headroom ---------------------------------------------------------------------

local SPEC = { program = "callable", params = "table", metric = "callable", val = "table",
  test = "table?", budget = "table?", weights = "table?",
  examples = { type = "integer", default = headroom.EXAMPLES },
  seed = { type = "any", default = 0 } }

local function rows(list, name)
  local set = data.list(list)
  if #set == 0 then
    errors.refuse(name, ("lg.headroom: the set %s is empty"):format(name), nil, 4)
  end
  return set
end

local function check_params(list)
  local texts, any = {}, false
  for i, p in ipairs(list) do
    if not var.is(p) or not p:grad() then
      errors.refuse("params", ("lg.headroom: parameter %d is none"):format(i),
        "make it with lg.param(text, role)", 4)
    end
    texts[i] = media.snapshot(p)
    any = any or type(texts[i]) == "string"
  end
  if not any then
    errors.refuse("params", "lg.headroom: there is no parameter that is a text", nil, 4)
  end
  return texts
end

local function number(spec, name, least)
  local value = spec[name]
  if value < least then
    errors.refuse(name, ("lg.headroom: %s must be at least %d, got %d"):format(name, least, value),
      nil, 4)
  end
  return value
end

--- What a search over these parameters can find and show, before it is begun: noise, whether the
--- texts matter, the smallest gain that validation and test can show, and what the search will ask
--- for. Buys 5 × examples evaluations. Waits. tostring() is some six lines.
---
--- spec: program, params, metric, val as for lg.optimize; test; budget as for lg.optimize (20 passes
--- over val), which is only reckoned with; examples (12); seed (0). docs/search-headroom.md.
---@param spec table
---@return lunagrad.headroom
function headroom.of(spec)
  spec = options.check(spec, SPEC, "lg.headroom", 2)
  local texts = check_params(spec.params)
  local val, test = rows(spec.val, "val"), spec.test and rows(spec.test, "test") or {}
  local limits = budgets.check(spec.budget, "lg.headroom", 3)
  local n, seed = #val, spec.seed
  if next(limits) == nil then limits = { evaluations = headroom.PASSES * n } end
  local problem = problems.new { params = spec.params, program = spec.program, names = {},
    metric = spec.metric, weights = spec.weights, on_error = "raise",
    sets = { train = {}, val = val, test = test } }
  local examples = number(spec, "examples", 1)
  local cost = headroom.meter()
  local asked = headroom.ask(problem, problem:variant(texts), { examples = examples, seed = seed,
    room = function() return n end })
  return reports.new { asked = asked, n = n, test = #test, limits = limits, seed = seed,
    batch = headroom.batch_of(n), micros = cost(#asked.at * #asked.draws),
    evaluations = headroom.evaluations(limits, n, headroom.batch_of(n), asked.per) }
end

return headroom
