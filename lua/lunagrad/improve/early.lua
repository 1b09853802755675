--- Candidates that were kept early: before they were known on all of validation.
--
-- Such a candidate is open: its mean is a guess. What is missing is bought where it is the rival of a
-- race, and all of it when it is to be believed. A guess is the mean of what it was raced against,
-- which may be a guess itself, and the differences on the examples that are known of both, with some
-- more that show none: the less is known, the nearer it is to its rival. An open one that seems the
-- best of all is the parent of the next proposals, and what a search that ends gives back. All this
-- is looked at where something is decided. Used by lunagrad.improve.search.

local early = {}

local SHRINK = 8     -- examples without a difference that a guess is made with
local ALL_RIGHT = 12 -- so many scores, all perfect, are worth a look at the rest

--- The open one that seems better than all of the pool; nil: there is none.
---@param search lunagrad.search
---@return lunagrad.candidate|nil
function early.leader(search)
  local best
  for _, one in ipairs(search.open) do
    if not best or one.mean > best.mean then best = one end
  end
  return best and best.mean > search.pool:best().mean and best or nil
end

--- Whether it is time to buy what is missing of a leader.
---@param search lunagrad.search
---@param one lunagrad.candidate
---@return boolean
function early.is_due(search, one)
  if one.exhausted then return true end
  return one.n_known >= math.min(ALL_RIGHT, search.n)
    and one.sum_known >= search.perfect * one.n_known
end

--- A candidate that is open from now on, ahead of its rival.
---@param child lunagrad.candidate
---@param rival lunagrad.candidate
---@param race lunagrad.race
function early.open(child, rival, race)
  child.open, child.rival = true, rival.live or rival
  child.lead = race.sum / (race.at + SHRINK)
  child.mean = child.rival.mean + child.lead
end

-- What a candidate has got on an example, as far as that is decided.
local function score_of(candidate, i)
  if candidate.scores then return candidate.scores[i] end
  local result = candidate.variant.known.val[i]
  return result and result.charged and result.score or nil
end

local function lead_of(search, one)
  local sum, n = 0, 0
  for i = 1, search.n do
    local score, before = score_of(one, i), score_of(one.rival, i)
    if score and before then sum, n = sum + score - before, n + 1 end
  end
  return sum / (n + SHRINK)
end

-- No guess is better than all right.
local function bounded(search, mean) return search.perfect <= 1 and math.min(mean, 1) or mean end

--- Guesses are made anew, in the order in which they were kept: rivals come first.
---@param search lunagrad.search
---@param known table<lunagrad.candidate, true> of early.learn
function early.guess(search, known)
  for _, one in ipairs(search.open) do
    if known[one] or known[one.rival] then one.lead = lead_of(search, one) end
    one.mean = bounded(search, one.rival.mean + one.lead)
  end
end

-- So much is known of an open one now; whether that is all.
local function count(search, one)
  local n, sum = 0, 0
  for i = 1, search.n do
    local score = score_of(one, i)
    if score then n, sum = n + 1, sum + score end
  end
  one.n_known, one.sum_known = n, sum
  return n == search.n
end

--- What a decision has made known of open candidates.
---@param search lunagrad.search
---@param ... lunagrad.candidate|nil its child and its rival
---@return lunagrad.candidate[] whole those that are known on all of validation now, no longer open
---@return table<lunagrad.candidate, true> known all of which there is more to know
function early.learn(search, ...)
  local known, whole, left = {}, {}, {}
  for k = 1, select("#", ...) do
    local one = select(k, ...)
    one = one and one.live or one
    if one and one.open then known[one] = true end
  end
  for _, one in ipairs(search.open) do
    local into = known[one] and count(search, one) and whole or left
    into[#into + 1] = one
  end
  search.open = left
  return whole, known
end

return early
