--- lg.optimize: two doors into one search, and what comes out of it.
--
-- A program with parameters, data and a metric; or one artefact and a function that judges it. This
-- file reads the options, puts problem, method and search together, and hands the end to the
-- claim. How proposals are made and decided, lunagrad.improve.search says.

local constraint = require "lunagrad.constraint"
local data = require "lunagrad.data"
local errors = require "lunagrad.errors"
local batches = require "lunagrad.improve.batches"
local budgets = require "lunagrad.improve.budget"
local headroom = require "lunagrad.improve.headroom"
local headroom_reports = require "lunagrad.improve.headroom_report"
local leakage = require "lunagrad.improve.leakage"
local methods = require "lunagrad.improve.methods"
local problems = require "lunagrad.improve.problem"
local fresh = require "lunagrad.improve.propose.fresh"
local reports = require "lunagrad.improve.search_report"
local searches = require "lunagrad.improve.search"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local progress = require "lunagrad.progress"
local var = require "lunagrad.var"

local SPEC = {
  program = "callable?", params = "table?", train = "table?", val = "table?", test = "table?",
  metric = "callable?", loss = "callable?", start = "any", role = "any", evaluate = "callable?",
  examples = "table?", objective = "string?", operators = "table?",
  method = { type = "string", default = "race" },
  select = "any", front = { type = "string", one_of = { "instance", "objective", "hybrid",
    "cartesian" } },
  budget = "table?", stop = "any", on_event = "callable?",
  seed = { type = "any", default = 0 }, batch = "integer?",
  lag = "integer?", window = "integer?", delta = "number?", beta = "number?", pool = "integer?",
  max_demos = { type = "integer", default = 4 }, constraints = "table?", model = "any",
  backward = "table?",
  perfect = "number?", weights = "table?", patience = "integer?",
  alpha = { type = "number", default = 0.05 },
  on_error = { type = "string", one_of = { "raise", "zero" }, default = "raise" },
  ship = { type = "string", one_of = { "best", "shown" }, default = "best" }, headroom = "any",
  rescore = { type = "boolean", default = false },
}
local HEADROOM = { examples = "integer?" }
local STOP = { score = "number?", patience = "integer?", when = "callable?" }

local LAG = 8              -- proposals at once, at most
local NO_EXAMPLE = {}

-- ---- options -------------------------------------------------------------------

local function refuse(name, message, hint)
  errors.refuse(name, "lg.optimize: " .. message, hint, 4)
end

local function at_least(spec, name, least)
  if spec[name] and spec[name] < least then
    refuse(name, ("%s must be at least %d, got %s"):format(name, least, tostring(spec[name])))
  end
  return spec[name]
end

-- What would else be refused when the money is spent.
local function check_numbers(spec)
  local alpha, perfect = spec.alpha, spec.perfect
  if not (alpha > 0 and alpha < 1) then
    refuse("alpha", "alpha is between 0 and 1")
  end
  for _, name in ipairs { "delta", "beta" } do
    if spec[name] and not (spec[name] >= 0 and spec[name] < 1) then
      refuse(name, name .. " is from 0 to below 1")
    end
  end
  if perfect and perfect ~= perfect then refuse("perfect", "perfect is no number (nan)") end
  for name, weight in pairs(spec.weights or {}) do
    if not math.type(weight) or not (weight >= 0 and weight < math.huge) then
      refuse("weights", ("the weight of %s is a number, 0 or more"):format(tostring(name)))
    end
  end
end

local function set(list, name)
  local rows = data.list(list)
  if #rows == 0 then refuse(name, ("the set %s is empty"):format(name)) end
  return rows
end

-- The stop conditions, from a function or a table.
local function stop_of(spec)
  local stop = spec.stop
  if type(stop) == "function" then stop = { when = stop } end
  stop = options.check(stop or {}, STOP, "lg.optimize: stop", 4)
  return { score = stop.score, patience = stop.patience or spec.patience, when = stop.when }
end

local function budget_of(spec, n)
  local given = budgets.check(spec.budget, "lg.optimize", 3)
  if next(given) == nil then given = { evaluations = math.max(headroom.PASSES * n, 60) } end
  if given.evaluations and given.evaluations < n then
    refuse("evaluations", ("budget: %d evaluations, but scoring the start takes %d")
      :format(given.evaluations, n), "raise the budget, or give fewer validation rows")
  end
  return given
end

-- How many examples are asked about before the search; nil: as many as the budget is worth.
local function looks_of(spec)
  local asked = spec.headroom
  if asked == nil then return not spec.program and 0 or nil end -- an artefact is no instruction
  if asked == false then return 0 end
  if asked == true then return headroom.EXAMPLES end
  if type(asked) ~= "table" then
    refuse("headroom", ("headroom is a flag or { examples = n }, got a %s"):format(type(asked)))
  end
  asked = options.check(asked, HEADROOM, "lg.optimize: headroom", 4)
  return at_least(asked, "examples", 1) or headroom.EXAMPLES
end

-- ---- the doors -----------------------------------------------------------------

local function check_params(list)
  local params, any = table.move(list, 1, #list, 1, {}), false
  if #params == 0 then refuse("params", "no parameter given", "params = { prompt }") end
  for i, p in ipairs(params) do
    if not var.is(p) or not p:grad() then
      refuse("params", ("parameter %d is none"):format(i), "make it with lg.param(text, role)")
    end
    any = any or not media.family(p)
    for k = 1, i - 1 do
      if params[k]:own_id() == p:own_id() then
        refuse("params", ("parameters %d and %d are the same variable"):format(k, i))
      end
    end
  end
  if not any then refuse("params", "there is no parameter that is a text") end
  return params
end

local function by_program(spec)
  for _, name in ipairs { "params", "train", "metric" } do
    if spec[name] == nil then
      refuse(name, name .. " is missing",
        "lg.optimize{ program = …, params = { … }, train = …, val = …, metric = … }")
    end
  end
  for _, name in ipairs { "start", "role", "examples" } do
    if spec[name] ~= nil then
      refuse(name, name .. " goes with evaluate, not with program")
    end
  end
  local train = set(spec.train, "train")
  return { program = spec.program, params = check_params(spec.params), metric = spec.metric,
    sets = { train = train, val = spec.val and set(spec.val, "val") or train,
      test = spec.test and set(spec.test, "test") or {} } }
end

-- One text, or several by name: names in order, their texts, and what a candidate looks like to
-- the script.
local function shape_of(start)
  if var.is(start) and media.family(start) then
    refuse("start", "start is a text, got a picture, sound or document")
  end
  if type(start) ~= "table" or var.is(start) then
    return nil, { var.is(start) and start:text() or tostring(start) },
      function(texts) return texts[1] end
  end
  local names, texts = {}, {}
  for name in pairs(start) do
    if type(name) ~= "string" then refuse("start", "the parts of start have names") end
    names[#names + 1] = name
  end
  if #names == 0 then refuse("start", "start is empty") end
  table.sort(names)
  for i, name in ipairs(names) do texts[i] = tostring(start[name]) end
  return names, texts, function(list)
    local candidate = {}
    for i, name in ipairs(names) do candidate[name] = list[i] end
    return candidate
  end
end

local function role_of(spec, name)
  local role = spec.role
  if type(role) == "table" then role = role[name] end
  role = role or name or spec.objective
  if type(role) ~= "string" or role == "" then
    refuse("role", "the role is missing", 'say what the text is: role = "Lua function that sorts"')
  end
  return role
end

local function by_judge(spec)
  if not spec.evaluate then
    refuse("evaluate", "neither program nor evaluate is given",
      "lg.optimize{ start = text, role = …, evaluate = function(candidate, example) … end }")
  end
  for _, name in ipairs { "params", "metric", "loss" } do
    if spec[name] ~= nil then refuse(name, name .. " goes with program, not with evaluate") end
  end
  if spec.start == nil and not spec.objective then
    refuse("start", "neither start nor objective is given", "say what is wanted: objective = …")
  end
  local names, texts, shape = shape_of(spec.start == nil and "" or spec.start)
  local params = {}
  for i, text in ipairs(texts) do
    params[i] = var.param(text, role_of(spec, names and names[i]))
  end
  local examples = spec.examples or spec.train or { NO_EXAMPLE }
  local train = set(spec.train or examples, "train")
  local judge = function(candidate, row)
    return spec.evaluate(candidate, row ~= NO_EXAMPLE and row or nil)
  end
  return { params = params, names = names, shape = shape, begins = spec.start ~= nil,
    judge = judge,
    artefact = function(list, row) return judge(shape(list), row) end,
    sets = { train = train, val = spec.val and set(spec.val, "val") or set(examples, "examples"),
      test = spec.test and set(spec.test, "test") or {} } }
end

-- A claim on rows that something was chosen by is none.
local function check_apart(sets)
  local seen, shared = {}, 0
  for _, name in ipairs { "train", "val" } do
    for _, row in ipairs(sets[name]) do seen[row] = true end
  end
  for _, row in ipairs(sets.test) do shared = shared + (seen[row] and 1 or 0) end
  if shared > 0 then
    refuse("test", ("%d of the %d test rows are among those that texts are made from or chosen by")
      :format(shared, #sets.test), "give rows of its own (data:split), or leave test out")
  end
end

local function names_of(params)
  local names, seen = {}, {}
  for i, p in ipairs(params) do
    seen[p.role] = (seen[p.role] or 0) + 1
    names[i] = seen[p.role] == 1 and p.role or ("%s #%d"):format(p.role, seen[p.role])
  end
  return names
end

-- ---- what is spent beyond calls and evaluations ----------------------------------

local function tokens_of(stats)
  local sum = 0
  for _, usage in ipairs(stats.usage) do sum = sum + usage.input + usage.output end
  return sum
end

-- Cost, tokens and time are looked at when a proposal is decided: what was bought by then.
local function meter_of(budget)
  if not (budget.cost or budget.tokens or budget.time) then return nil end
  local engine = loop.engine()
  local first, from = engine:stats(), engine:now()
  return function()
    local now = engine:stats()
    if budget.cost and now.micros - first.micros >= budget.cost * 1e6 then return "cost" end
    if budget.tokens and tokens_of(now) - tokens_of(first) >= budget.tokens then return "tokens" end
    if budget.time and engine:now() - from >= budget.time * 1e6 then return "time" end
    return nil
  end
end

local function stopper(budget, stop)
  local meter = meter_of(budget)
  return function(state)
    local why = meter and meter()
    if why then return why end
    return stop.when and stop.when(state) and "stop" or nil
  end
end

-- ---- putting it together ---------------------------------------------------------

local function constraints_of(spec)
  local list = {}
  for i, one in ipairs(spec.constraints or {}) do
    list[i] = constraint.lift(one, ("lg.optimize: constraint %d"):format(i))
  end
  return list
end

local function seed_of(seed)
  if type(seed) ~= "string" and not (math.type(seed) and math.tointeger(seed)) then
    refuse("seed", ("a seed is a whole number or a text, got %s"):format(type(seed)))
  end
  return seed
end

local function new_search(spec)
  check_numbers(spec)
  local door = spec.program and by_program(spec) or by_judge(spec)
  check_apart(door.sets)
  door.names = door.names or names_of(door.params)
  door.on_error, door.weights = spec.on_error, spec.weights
  local problem = problems.new(door)
  local n, stop = #problem.sets.val, stop_of(spec)
  local limits = budget_of(spec, n)
  local method = methods.of(spec.method, spec, 3)
  local seed, perfect = seed_of(spec.seed), spec.perfect or problem.program and 1 or nil
  local window = method.window and method.window(n) or 8
  return searches.new {
    looks = looks_of(spec), rescore = spec.rescore,
    problem = problem, method = method, method_name = spec.method, seed = seed,
    lag = at_least(spec, "lag", 1) or method.lag or LAG,
    lag_is_given = (spec.lag or method.lag) ~= nil,
    batch = at_least(spec, "batch", 1) or method.batch or headroom.batch_of(n),
    window = at_least(spec, "window", 1) or math.min(window, n), limits = limits,
    pool_size = at_least(spec, "pool", 2), patience = stop.patience, most = limits.proposals,
    stop_score = stop.score,
    stop = stopper(limits, stop), perfect = perfect, loss = spec.loss,
    objective = spec.objective, backward = spec.backward, constraints = constraints_of(spec),
    model = spec.model ~= nil and model.of(spec.model, "optimizer") or nil,
    max_demos = at_least(spec, "max_demos", 0),
    batches = batches.new(#problem.sets.train, seed, { perfect = perfect or 1 }),
    leak = problem.program and leakage.new(problem.sets.train) or nil, on_event = spec.on_event,
  }
end

-- ---- the run ---------------------------------------------------------------------

local function texts_of(problem)
  local texts = {}
  for i, p in ipairs(problem.params) do texts[i] = media.snapshot(p) end
  return texts
end

local function set_params(problem, texts)
  for i, p in ipairs(problem.params) do
    if not media.same(p, texts[i]) then p:set(texts[i]) end
  end
end

-- What can be said before it begins. The seed's scores are validation's, and bought once.
local function look_ahead(search, seed)
  local n, limits = search.n, search.limits
  local evaluations = headroom.evaluations(limits, n, search.batch, 1)
  local wanted, asked = search.looks or headroom.usual(evaluations, n), nil
  local cost = headroom.meter()
  if wanted > 0 then
    search:say { kind = "phase", name = "a look ahead" }
    asked = headroom.ask(search.problem, seed, { examples = wanted, seed = search.seed,
      room = function(per)
        local room = headroom.room_in(limits, n)(per)
        local real = headroom.evaluations(limits, n, search.batch, per)
        return search.looks and room or math.min(room, headroom.usual(real, n))
      end })
    search:buy(headroom.extra(asked))
  end
  local found = headroom_reports.new { asked = asked, n = n, test = #search.problem.sets.test,
    limits = limits, batch = search.batch, seed = search.seed,
    micros = asked and cost(#asked.at * #asked.draws) or nil,
    evaluations = headroom.evaluations(limits, n, search.batch, asked and asked.per or 1) }
  search:say { kind = "headroom", headroom = found }
end

local function run(search, result)
  reports.watch(search, result)
  local texts = texts_of(search.problem)
  if search.problem.begins == false then texts = search:first(texts, fresh) end
  local seed = search.problem:variant(texts)
  look_ahead(search, seed)
  search:begin(seed)
  result.stopped = search:run()
end

-- Seed and best on the test set, which nothing was chosen by.
local function claim(search, result, spec)
  local best = search:best()
  if #search.problem.sets.test == 0 or best.idx == 0 then return end
  progress.emit { kind = "phase", name = "test" }
  result.claim = reports.claim(search, search.pool:get(0), best, spec.alpha)
end

local function ship(search, result, spec)
  local best = search.pool and search:best()
  if not best then return end
  local shown = result.claim and result.claim.shown
  local taken = spec.ship == "shown" and not shown and search.pool:get(0) or best
  result.shipped = taken.idx
  set_params(search.problem, taken.texts)
  if best.open and search.tape then search.tape:guessed(best) end
  reports.finish(search, result, best, taken)
end

--- Improve the parameters of a program, or one artefact, by a search over a pool of candidates.
---
--- Two doors. program(row) → variable or text, params, train, val, metric(output, row) → number or
--- { name = number }, feedback; with loss(answer, row) → variable the operators that go backward
--- hear it. Or start (a text, or several by name), role, evaluate(candidate, example) → score,
--- feedback; with or without examples. test (rows): the claim at the end.
---
--- budget = {calls, evaluations, cost, tokens, time, proposals}: evaluations are kept to the unit,
--- calls too while an example takes no more than the seed's; both count what was served from the
--- store. The others (time in seconds) are looked at with each decision.
--- stop = {score, patience, when = function(search)} or a function. method ("race",
--- "gepa", "tgd", "mipro", "opro", "best_of_n"), operators (names or {name, propose}), select
--- ("pareto_0.2", "pareto", "best", "top_5", "epsilon_0.1"), front, lag (proposals at once; left
--- out: up to 8, and fewer after one that is kept), batch (3), window, delta (.05) and beta (.4) of
--- the race, pool (64 candidates), max_demos (4), constraints, ship ("best" or "shown"), rescore
--- (true: what becomes the best is scored once more), headroom (false, true or { examples = 12 }:
--- what is asked before it begins, see lg.headroom), on_error ("raise" or "zero"), on_event(event),
--- seed (0). docs/search.md.
---@param spec table
---@return lunagrad.optimized
local function optimize(spec)
  if type(spec) ~= "table" then
    errors.raise("inval", "lg.optimize: expected a table", nil, 2)
  end
  spec = options.check(spec, SPEC, "lg.optimize", 2)
  local search = new_search(spec)
  local result = reports.new(search)
  search.tape = reports.tape(search, spec)
  local ok, problem = pcall(run, search, result)
  if ok or errors.stops(problem) ~= "cancelled" then
    local claimed, trouble = true, nil
    if ok then claimed, trouble = pcall(claim, search, result, spec) end
    if not claimed then ok, problem = false, trouble end
  end
  ship(search, result, spec)
  if search.tape then search.tape:close(ok, result) end
  if ok then return result end
  if errors.stops(problem) == "cap" then
    result.stopped = "limit"
    return result
  end
  if errors.is(problem) then problem.result = result end
  error(problem, 0)
end

return optimize
