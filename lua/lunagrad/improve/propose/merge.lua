--- Operator "merge": the parent and another candidate that is better elsewhere, made into one.
--
-- Of programs with several texts GEPA's: both come from one ancestor, and of each text the side is
-- taken that has changed it since; where both have, the better candidate's. Nobody is asked. Of one
-- text GEPA can make nothing, nor where both have changed all texts; then the editor is shown both,
-- with the cases in which either does better, and writes one that does what both do. The other one
-- is run on the batch for that, through context.tried(candidate, i) → {output, score}.

local ask = require "lunagrad.improve.ask"
local material = require "lunagrad.improve.material"
local question = require "lunagrad.improve.question"
local together = require "lunagrad.improve.together"
local worked = require "lunagrad.improve.worked"
local loop = require "lunagrad.loop"

local merge = { name = "merge" }

local TRIES = 10 -- partners that are looked at
local CASES = 6  -- that are shown

-- ---- with whom -----------------------------------------------------------------

-- On how many examples a does better than b, and b than a.
local function wins(a, b)
  local won, lost = 0, 0
  for k, score in pairs(a.scores or {}) do
    local other = b.scores and b.scores[k]
    if other and score > other then won = won + 1 end
    if other and score < other then lost = lost + 1 end
  end
  return won, lost
end

local function related(pool, a, b)
  local _, of_a = pool:ancestors(a.idx)
  local _, of_b = pool:ancestors(b.idx)
  return of_a[b.idx] or of_b[a.idx]
end

-- Those that hold a front, do better than the parent somewhere and worse elsewhere, and are no
-- relatives in the straight line.
local function partners(parent, pool)
  local list = {}
  for _, one in ipairs((pool:dominators())) do
    if one.idx ~= parent.idx and not related(pool, parent, one) then
      local won, lost = wins(one, parent)
      if won > 0 and lost > 0 then list[#list + 1] = one end
    end
  end
  return list
end

-- ---- text by text ----------------------------------------------------------------

-- Whether some text is the ancestor's in just one of them: else there is nothing to combine.
local function splits(ancestor, a, b)
  for i, text in ipairs(ancestor.texts) do
    if (a.texts[i] == text) ~= (b.texts[i] == text) then return true end
  end
  return false
end

local function drawn(list, rng)
  local sum = 0
  for _, one in ipairs(list) do sum = sum + math.max(one.mean, 0) end
  if sum <= 0 then return rng:pick(list) end
  local at = rng:float() * sum
  for _, one in ipairs(list) do
    at = at - math.max(one.mean, 0)
    if at < 0 then return one end
  end
  return list[#list]
end

local function ancestor_of(a, b, pool, rng)
  local list = {}
  for _, idx in ipairs(pool:common_ancestors(a.idx, b.idx)) do
    local one = pool:get(idx)
    if one and one.mean <= math.min(a.mean, b.mean) and splits(one, a, b) then
      list[#list + 1] = one
    end
  end
  if #list > 0 then return drawn(list, rng) end
end

local function combined(ancestor, a, b, rng)
  local texts = {}
  for i, text in ipairs(ancestor.texts) do
    local x, y = a.texts[i], b.texts[i]
    if x == text then
      texts[i] = y
    elseif y == text or x == y then
      texts[i] = x
    elseif a.mean == b.mean then
      texts[i] = rng:int(1, 2) == 1 and x or y
    else
      texts[i] = a.mean > b.mean and x or y
    end
  end
  return texts
end

local function by_ancestor(parent, list, context)
  for _, other in ipairs(list) do
    local ancestor = ancestor_of(parent, other, context.pool, context.rng)
    if ancestor then
      local texts = combined(ancestor, parent, other, context.rng)
      local found = material.finish(parent, texts, context)
      if found then
        found.parents = { parent.idx, other.idx }
        return found, nil, { ancestor = ancestor.idx }
      end
    end
  end
  return nil
end

-- ---- in one piece: the editor ---------------------------------------------------------

local function try(other, one, context)
  local tried = context.tried and one.i and context.tried(other, one.i)
  if not tried or not tried.score or tried.score == one.score then return false end
  return { row = one.row, output = one.output, other = tried.output, feedback = one.feedback,
    score = one.score, other_score = tried.score }
end

-- Of the batch, and of two more that the parent solves, where one of them does better.
local function cases_of(batch, other, context)
  local rows, solved = table.move(batch, 1, #batch, 1, {}), context.solved()
  solved = context.rng:shuffle(table.move(solved, 1, #solved, 1, {}))
  table.move(solved, 1, 2, #rows + 1, rows)
  local list = {}
  for _, one in ipairs(loop.map(rows, function(one) return try(other, one, context) end)) do
    if one and #list < CASES then list[#list + 1] = one end
  end
  return list
end

local function head(one, n)
  local better = one.score > one.other_score and "the first" or "the other"
  return ("Case %d, where %s does better (%.4g and %.4g)"):format(n, better, one.score,
    one.other_score)
end

-- The other's texts, under the letters of the parent's.
local function shown_other(other, targets)
  local name = #targets > 1 and "merge.other.part" or "merge.other"
  local parts, values = {}, {}
  for n, i in ipairs(targets) do
    parts[n] = together.lettered(ask.prompt(name):text(), together.letter(n),
      { other = (worked.split(other.texts[i])) }, values)
  end
  return { template = table.concat(parts, "\n"), values = values }
end

local function by_editor(parent, other, targets, batch, context)
  local won, lost = wins(parent, other)
  local shown = { cases = question.cases(cases_of(batch, other, context), context, head),
    other = shown_other(other, targets) }
  local standing = ("The first does better on %d examples, the other on %d."):format(won, lost)
  local texts, why, detail = question.ask { prompt = "merge", parent = parent, batch = batch,
    context = context, targets = targets, shown = shown, said = { standing = standing } }
  if texts then texts.parents = { parent.idx, other.idx } end
  return texts, why, detail
end

--- Whether there is another candidate to merge with.
---@param search lunagrad.search
---@param parent lunagrad.candidate
---@return boolean
function merge.fits(search, parent) return #partners(parent, search.pool) > 0 end

-- With whom, in a drawn order.
local function some_partners(parent, context)
  if not context.pool then return nil, "there is no pool" end
  local list = context.rng:shuffle(partners(parent, context.pool))
  if #list == 0 then return nil, "no other candidate does better elsewhere" end
  return table.move(list, 1, math.min(TRIES, #list), 1, {})
end

--- One candidate of two, text by text over an ancestor: GEPA's, which asks nobody.
---@param parent lunagrad.candidate
---@param _ table[] the batch, which is not needed
---@param context table
---@return string[]|nil texts with parents, both
---@return string|nil why
---@return table|nil detail {ancestor}
function merge.by_ancestor(parent, _, context)
  local list, why = some_partners(parent, context)
  if not list then return nil, why end
  local texts, _, detail = by_ancestor(parent, list, context)
  if texts then return texts, nil, detail end
  return nil, "over no ancestor anything new comes of two"
end

--- One candidate of two.
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@return string[]|nil texts with parents, both
---@return string|nil why
---@return table|nil detail {ancestor}
function merge.propose(parent, batch, context)
  local list, why = some_partners(parent, context)
  if not list then return nil, why end
  local texts, _, detail = by_ancestor(parent, list, context)
  if texts then return texts, nil, detail end
  local targets = material.targets(parent, { component = nil })
  if #targets == 0 then return nil, "there is no text to change" end
  return by_editor(parent, list[1], targets, batch, context)
end

return merge
