--- Scoring the best anew: against the luck that made it the best.
--
-- What was kept because of its scores has lucky ones: among many, the highest mean is too high. With
-- `rescore` whatever becomes the best of the pool is asked once more on all of validation, with
-- another sample index, and has the mean of both draws from then on, in the races of its children
-- too. That is a proposal of its own, with a number and a share of the budget, so that the same comes
-- out at any concurrency. The seed is not asked anew: nobody chose it. Used by
-- lunagrad.improve.search.

local rescore = {}

--- What such a proposal has as its operator.
rescore.OPERATOR = { name = "rescore", batch = false }

local DRAW = 1 -- the sample index

--- Look at the best: it is to be asked anew, unless it has been. After each decision.
---@param search lunagrad.search
function rescore.doubt(search)
  local best = search.pool:best()
  if search.rescore and best.idx > 0 and search.anew[best.idx] == nil then
    search.anew[best.idx] = "pending"
    search.doubted[#search.doubted + 1] = best
  end
end

--- Whether a candidate's scores wait for another draw, and are not to be believed before.
---@param search lunagrad.search
---@param candidate lunagrad.candidate
function rescore.is_pending(search, candidate) return search.anew[candidate.idx] == "pending" end

--- The proposal's work: another draw on all of validation, if the budget allows all. Waits.
---@param search lunagrad.search
---@param one table the proposal
---@return table outcome
function rescore.ask(search, one)
  one.gate_from = 0
  local all = search:may(one, search.n)
  if all then
    local _, results = search.problem:evaluate_all(one.parent.variant, "val", DRAW)
    table.move(results, 1, #results, #one.used + 1, one.used)
  end
  return { kept = false, why = all and "scored anew" or "the budget", unraced = true, anew = all }
end

local function mean_of_objectives(a, b)
  local both = {}
  for name, value in pairs(a) do both[name] = (value + (b[name] or value)) / 2 end
  return both
end

-- Both draws are known.
local function merge(search, idx, variant)
  local first, second = variant.known.val, variant.again[DRAW].val
  local scores, objectives = {}, nil
  for i = 1, search.n do
    scores[i] = (first[i].score + second[i].score) / 2
    if first[i].objectives then
      objectives = objectives or {}
      objectives[i] = mean_of_objectives(first[i].objectives, second[i].objectives or {})
    end
  end
  local candidate = search.pool:rescore(idx, scores, objectives)
  if not candidate then return end
  if search.tape then search.tape:rescored(candidate, search, second) end
  search:say { kind = "rescored", candidate = candidate }
end

--- The proposal is decided.
---@param search lunagrad.search
---@param one table
function rescore.decide(search, one)
  search.anew[one.parent.idx] = "done"
  if not one.outcome.anew then return end
  local before = one.parent.mean
  merge(search, one.parent.idx, one.parent.variant)
  local now = search.pool:get(one.parent.idx)
  one.outcome.why = ("scored anew: %.3f -> %.3f"):format(before, now.mean)
end

--- At the end: what is the best and was not asked anew, while there is enough put aside for it.
---@param search lunagrad.search
function rescore.settle(search)
  local best = search.pool:best()
  while search.rescore and best.idx > 0 and search.anew[best.idx] ~= "done"
    and search:rest() >= search.n do
    search.anew[best.idx] = "done"
    search:spend_aside(best.variant, search.n, DRAW)
    merge(search, best.idx, best.variant)
    best = search.pool:best()
  end
end

return rescore
