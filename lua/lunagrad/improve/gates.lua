--- Gates: what a child has to do to be kept.
--
-- Each is a function (search, proposal) → { kept, why, race }, runs as part of the proposal's task
-- and buys the child's scores through the search (search:may, search:try). The race is lunagrad's
-- own; the others are there to be compared with it: what they need whole they buy whole, or not at
-- all.

local loop = require "lunagrad.loop"
local racing = require "lunagrad.improve.racing"

local gates = {}

local DELTA = 0.05 -- what is worth looking for …
local LEAST = 3    -- … and so many examples at least, where there are few, …
local MOST = 0.5   -- … but no more than that
local NEAR = 6     -- so many right answers are missing: that is near the top
local GROWTH = 3   -- of the window where so many proposals at once were asked for: time counts there

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

local function all_of(search)
  local order = {}
  for i = 1, search.n do order[i] = i end
  return order
end

-- Where a child takes more calls for an example than any did before, it is told from the first of
-- them on: by those that are there whoever is quicker.
local function learn_calls(one, i)
  local result = i and one.child.known.val[i]
  if result then one.per = math.max(one.per, result.calls) end
end

-- Near the top. What a rival has not got is little there: a child that gets none of it is out, and
-- that is seen when these examples are asked first. An order that is not drawn by chance leaves
-- nothing to bet on; what is left is what can be foreseen (race.lua). So many of them come first, or
-- nil: it is not near the top.
local function open_first(search, rival, order)
  if rival.open then return nil end
  local missing, rest, left = {}, {}, 0
  for _, i in ipairs(order) do
    local score = rival.scores[i]
    if not (score >= 0 and score <= 1) then return nil end
    left = left + 1 - score
    local list = score < search.perfect and missing or rest
    list[#list + 1] = i
  end
  if left > NEAR or #missing == 0 or #missing > 2 * NEAR then return nil end
  table.move(missing, 1, #missing, 1, order)
  table.move(rest, 1, #rest, #missing + 1, order)
  return #missing
end

local function run(search, one, options)
  local order = all_of(search)
  one.rng:fork("order"):shuffle(order)
  local rival = rival_of(one)
  one.rival = rival
  local first = not options.whole and options.early and open_first(search, rival, order) or nil
  local delta = options.delta or math.min(MOST, math.max(DELTA, LEAST / search.n))
  local outcome = racing.run { order = order, window = options.window or search.window,
    growth = search.lag_is_given and GROWTH or nil, whole = options.whole, first = first,
    delta = delta, beta = first and 0 or options.beta, tie = options.tie,
    early = not first and not rival.objectives and options.early or nil,
    parent = function(i) return not rival.open and rival.scores[i] or nil end,
    evaluate = function(i)
      if not rival.open then return search:try(one, i) end
      local task = loop.spawn(search.try_rival, {}, search, one, i)
      local score = search:try(one, i)
      return score, task:await()
    end,
    may = not options.whole and function(k, at)
      learn_calls(one, order[at])
      return search:may(one, k)
    end or nil }
  if search.stopped and not outcome.kept then outcome.why = outcome.why or "stopped" end
  return outcome
end

--- The race (lunagrad.improve.race). With `early` a child may be kept that is not known on all of
--- validation; what is missing is bought when it is needed.
---@param options {delta: number|nil, beta: number|nil, early: number|nil, tie: string|nil}
function gates.race(options)
  return function(search, one) return run(search, one, options) end
end

-- What is still to be bought of a child. Other proposals may be buying the same: only where the
-- method keeps variants, and tries one at a time, is that nobody's.
local function missing_of(search, one, rows)
  if not search.method.keeps then return rows end
  local missing = {}
  for _, i in ipairs(rows) do
    if not one.child.known.val[i] then missing[#missing + 1] = i end
  end
  return missing
end

--- The child on some validation examples, all at once. Waits.
---@param search lunagrad.search
---@param one table the proposal
---@param rows integer[]
---@return number[]|nil scores nil: the budget does not reach for all of them, and none is bought
function gates.buy(search, one, rows)
  local missing = missing_of(search, one, rows)
  if not search:may(one, #missing) then return nil end
  local scores = loop.map(rows, function(i) return search:try(one, i) end, { example = false })
  one.gate_from = one.gate_from + #missing
  return scores
end

local function poor(search)
  return { kept = false, why = search.stopped and "stopped" or "the budget", unraced = true }
end

--- All of validation, and more than the parent. `any`: everything is kept.
---@param options {tie: string|nil, any: boolean|nil}
function gates.full(options)
  return function(search, one)
    if not gates.buy(search, one, all_of(search)) then return poor(search) end
    local outcome = run(search, one, { beta = 0, delta = 0, window = search.n, tie = options.tie,
      whole = true })
    if options.any then outcome.kept, outcome.why = true, nil end
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
    if not search:may(one, #one.batch) then return poor(search) end
    local results = loop.map(one.batch, function(example)
      return search:try_batch(one, example.i)
    end, { example = false })
    for k, example in ipairs(one.batch) do
      before, after = before + example.score, after + results[k]
    end
    if after < before or after == before and not options.tie then
      return { kept = false, why = "no gain on its batch", unraced = true }
    end
    one.gate_from = one.gate_from + #one.batch
    return whole(search, one)
  end
end

-- ---- GEPA's merges -------------------------------------------------------------

local SOME = 5 -- validation examples that a merged child is tried on first

-- Examples by who of two is better: the first, the other, neither; each in a drawn order.
local function by_winner(a, b, n, random)
  local buckets = { {}, {}, {} }
  for i = 1, n do
    local x, y = a.scores[i], b.scores[i]
    local list = buckets[x > y and 1 or x < y and 2 or 3]
    list[#list + 1] = i
  end
  for _, list in ipairs(buckets) do random:shuffle(list) end
  return buckets
end

-- As many of each kind as there are, then of what is left.
local function some_of(buckets, random)
  local rows, rest = {}, {}
  for _, list in ipairs(buckets) do
    for k, i in ipairs(list) do
      local taken = k <= (SOME + 2) // 3 and #rows < SOME
      local into = taken and rows or rest
      into[#into + 1] = i
    end
  end
  random:shuffle(rest)
  table.move(rest, 1, math.min(SOME - #rows, #rest), #rows + 1, rows)
  return rows
end

local function parent_of(one, idx)
  for _, candidate in ipairs(one.list) do
    if candidate.idx == idx then return candidate end
  end
  return one.parent
end

local function sum_on(scores, rows)
  local sum = 0
  for _, i in ipairs(rows) do sum = sum + scores[i] end
  return sum
end

--- GEPA's, of a child of two: on some examples as good as the better of them, then all of
--- validation, and kept whatever that says.
function gates.merged()
  local whole = gates.full { any = true }
  return function(search, one)
    local a, b = parent_of(one, one.parents[1]), parent_of(one, one.parents[2])
    local random = one.rng:fork "some"
    local rows = some_of(by_winner(a, b, search.n, random), random)
    local scores = gates.buy(search, one, rows)
    if not scores then return poor(search) end
    local sum = 0
    for _, score in ipairs(scores) do sum = sum + score end
    if sum < math.max(sum_on(a.scores, rows), sum_on(b.scores, rows)) then
      return { kept = false, why = "worse than its parents on some", unraced = true }
    end
    return whole(search, one)
  end
end

return gates
