--- Gates: what a child has to do to be kept.
--
-- Each is a function (search, proposal) → { kept, why, race }, runs as part of the proposal's task
-- and buys the child's scores through the search (search:may, search:try). The race is lunagrad's
-- own; the others are there to be compared with it.

local loop = require "lunagrad.loop"
local racing = require "lunagrad.improve.racing"

local gates = {}

local DELTA = 0.05 -- what is worth looking for …
local LEAST = 3    -- … and so many examples at least, where there are few, …
local MOST = 0.5   -- … but no more than that
local GROWTH = 3 -- of the window where so many proposals at once were asked for: time counts there

-- The rival is the parent; of several parents the best.
local function rival_of(one)
  local rival = one.parent
  for _, idx in ipairs(one.parents or {}) do
    for _, candidate in ipairs(one.list) do
      if candidate.idx == idx and candidate.mean > rival.mean then rival = candidate end
    end
  end
  return rival
end

local function run(search, one, options)
  local order = {}
  for i = 1, search.n do order[i] = i end
  one.rng:fork("order"):shuffle(order)
  local rival = rival_of(one)
  one.rival = rival
  local delta = options.delta or math.min(MOST, math.max(DELTA, LEAST / search.n))
  local outcome = racing.run { order = order, window = options.window or search.window,
    growth = search.lag_is_given and GROWTH or nil,
    delta = delta, beta = options.beta, tie = options.tie,
    early = not rival.objectives and options.early or nil,
    parent = function(i) return not rival.open and rival.scores[i] or nil end,
    evaluate = function(i)
      if not rival.open then return search:try(one, i) end
      local task = loop.spawn(search.try_rival, {}, search, one, i)
      local score = search:try(one, i)
      return score, task:await()
    end,
    may = function(k) return search:may(one, k) end,
    on_score = options.on_score and function(race) options.on_score(one, race) end }
  if search.stopped and not outcome.kept then outcome.why = outcome.why or "stopped" end
  return outcome
end

--- The race (lunagrad.improve.race). With `early` a child may be kept that is not known on all of
--- validation; what is missing is bought when it is needed.
---@param options {delta: number|nil, beta: number|nil, early: number|nil, tie: string|nil}
function gates.race(options)
  return function(search, one) return run(search, one, options) end
end

--- All of validation, and more than the parent. `any`: everything is kept.
---@param options {tie: string|nil, any: boolean|nil}
function gates.full(options)
  return function(search, one)
    local all = { beta = 0, delta = 0, window = search.n, tie = options.tie }
    local outcome = run(search, one, all)
    if options.any and outcome.n == search.n then outcome.kept, outcome.why = true, nil end
    return outcome
  end
end

--- GEPA's: more than the parent on the batch it was made from, then all of validation, and kept
--- whatever that says.
---@param options {tie: boolean|nil} tie: as much is enough
function gates.batch_first(options)
  local whole = gates.full { any = true }
  return function(search, one)
    local before, after = 0, 0
    local results = loop.map(one.batch, function(example)
      return search:try_batch(one, example.i)
    end, { example = false })
    for k, example in ipairs(one.batch) do
      before, after = before + example.score, after + results[k]
    end
    if after < before or after == before and not options.tie then
      return { kept = false, why = "no gain on its batch" }
    end
    one.gate_from = one.gate_from + #one.batch
    return whole(search, one)
  end
end

return gates
