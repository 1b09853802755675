--- The pool of a search: the candidates that were kept, who is best at what, and who comes from
--- whom.
--
-- A candidate comes with its texts, its parents and its scores on the whole validation set. Fronts
-- are GEPA's: the best value of each key and all that have it. Keys are the examples ("instance"),
-- the named objectives by their means ("objective"), both ("hybrid"), or each objective of each
-- example ("cartesian"); where a metric names no objectives its score is the only one.
-- The pool is bounded: above `size` one leaves, of those that hold no front alone the one with the
-- lowest mean, never the seed or the best. Of those that left, texts, mean and parents are still
-- known, not the scores. Pure: it waits for nothing, and the same candidates in the same order make
-- the same pool.

local fronts = require "lunagrad.improve.fronts"
local wording = require "lunagrad.improve.wording"

---@class lunagrad.candidate
---@field idx integer 0 for the seed, then as they came; given by the pool
---@field texts string[] by order of the parameters
---@field parents integer[]
---@field scores number[] by validation example
---@field objectives? table<integer, table<string, number>> by validation example
---@field mean number
---@field words? integer words of all texts
---@field operator? string who proposed it
---@field born? integer the proposal's number

---@class lunagrad.pool
---@field list lunagrad.candidate[] those that are in it, as they came
---@field added integer how many ever came
local Pool = {}
Pool.__index = Pool

local pool = {}

local ONLY = "score" -- the objective where none is named

-- ---- what a candidate is worth, key by key ------------------------------------

local function sums_by_name(objectives)
  local sum, count = {}, {}
  for _, by_name in ipairs(objectives) do
    for name, value in pairs(by_name) do
      sum[name], count[name] = (sum[name] or 0) + value, (count[name] or 0) + 1
    end
  end
  return sum, count
end

local function means(candidate)
  if not candidate.objectives then return { [ONLY] = candidate.mean } end
  local sum, count = sums_by_name(candidate.objectives)
  for name, value in pairs(sum) do sum[name] = value / count[name] end
  return sum
end

local function by_objective(candidate)
  if not candidate.objectives then return { [ONLY] = candidate.scores } end
  local columns = {}
  for k, by_name in ipairs(candidate.objectives) do
    for name, value in pairs(by_name) do
      columns[name] = columns[name] or {}
      columns[name][k] = value
    end
  end
  return columns
end

--- Kind of front → the columns of a candidate's values.
local COLUMNS = {
  instance = function(candidate) return { instance = candidate.scores } end,
  objective = function(candidate) return { objective = means(candidate) } end,
  hybrid = function(candidate)
    return { instance = candidate.scores, objective = means(candidate) }
  end,
  cartesian = by_objective,
}

-- ---- making one ----------------------------------------------------------------

---@class lunagrad.pool.options
---@field n integer validation examples
---@field front? "instance"|"objective"|"hybrid"|"cartesian" "instance"
---@field size? integer how many may be in it; 64

--- An empty pool. The first candidate that is added is the seed.
---@param options lunagrad.pool.options
---@return lunagrad.pool
function pool.new(options)
  local front = options.front or "instance"
  assert(COLUMNS[front], "no such front")
  return setmetatable({ n = options.n, front = front, size = math.max(2, options.size or 64),
    list = {}, added = 0, values = COLUMNS[front], fronts = fronts.new(), known = {}, family = {},
    past = {} }, Pool)
end

-- ---- order ---------------------------------------------------------------------

--- Whether a is better than b: by mean, then by fewer words, then by age.
---@param a lunagrad.candidate
---@param b lunagrad.candidate
---@return boolean
function pool.better(a, b)
  if a.mean ~= b.mean then return a.mean > b.mean end
  local words_a, words_b = a.words or 0, b.words or 0
  if words_a ~= words_b then return words_a < words_b end
  return a.idx < b.idx
end

local function worse(a, b)
  return pool.better(b, a)
end

-- ---- coming and going ----------------------------------------------------------

local function mean_of(scores, n)
  local sum = 0
  for k = 1, n do sum = sum + scores[k] end
  return n > 0 and sum / n or 0
end

-- Whoever would rather go: of those that hold nothing alone the worst; if all hold something alone,
-- the one that holds least.
local function rather(self, a, b)
  local alone_a, alone_b = self.fronts.alone[a], self.fronts.alone[b]
  if alone_a ~= alone_b then return alone_a < alone_b end
  return worse(a, b)
end

local function leaver(self)
  local who
  for i = 2, #self.list do -- 1 is the seed
    local one = self.list[i]
    if one ~= self.top and (not who or rather(self, one, who)) then who = one end
  end
  return who
end

local function leave(self, who)
  for i, one in ipairs(self.list) do
    if one == who then
      table.remove(self.list, i)
      break
    end
  end
  self.fronts:remove(who, self.list)
  self.family[who.idx] = { idx = who.idx, texts = who.texts, parents = who.parents,
    mean = who.mean, words = who.words, operator = who.operator, born = who.born, left = true }
end

--- Whether these texts were ever in the pool.
---@param texts string[]
---@return integer|nil idx of the candidate that has or had them
function Pool:find(texts)
  return self.known[wording.key(texts)]
end

--- A candidate is given its number, and is known by its texts; it may be added later, when all its
--- scores are there.
---@param candidate lunagrad.candidate
---@return boolean entered
---@return string|nil problem "same texts as …"
function Pool:enter(candidate)
  local key = wording.key(candidate.texts)
  local same = self.known[key]
  if same then return false, "same texts as " .. same end
  candidate.idx, candidate.parents = self.added, candidate.parents or {}
  self.known[key], self.family[candidate.idx] = candidate.idx, candidate
  self.added = self.added + 1
  return true
end

--- A candidate with all its scores comes. It gets its number here, unless it has one, and its mean.
---@param candidate lunagrad.candidate
---@return boolean added
---@return string|nil problem "same texts as …"
---@return lunagrad.candidate|nil left who left for it, perhaps itself
function Pool:add(candidate)
  if not candidate.idx then
    local entered, problem = self:enter(candidate)
    if not entered then return false, problem end
    candidate.mean = candidate.mean or mean_of(candidate.scores, self.n)
  else
    candidate.mean = mean_of(candidate.scores, self.n)
  end
  self.list[#self.list + 1] = candidate
  self.fronts:add(candidate, self.values(candidate))
  if not self.top or pool.better(candidate, self.top) then self.top = candidate end
  self.survivors = nil
  local who = #self.list > self.size and leaver(self) or nil
  if who then leave(self, who) end
  return true, nil, who
end

--- How a candidate is now stays known to those who look at the pool as it was: more is about to be
--- known of it.
---@param candidate lunagrad.candidate
function Pool:remember(candidate)
  self.past[#self.past + 1] = { idx = candidate.idx, texts = candidate.texts,
    parents = candidate.parents, mean = candidate.mean, words = candidate.words,
    operator = candidate.operator, born = candidate.born, open = candidate.open }
end

--- A candidate is known better: it is replaced by one with other scores, so that whoever looks at
--- the pool as it was sees what was known then.
---@param idx integer
---@param scores number[]
---@param objectives table|nil
---@return lunagrad.candidate|nil candidate the new one; nil: it has left
function Pool:rescore(idx, scores, objectives)
  for i, old in ipairs(self.list) do
    if old.idx == idx then
      local new = {}
      self:remember(old)
      for name, value in pairs(old) do new[name] = value end
      new.scores, new.objectives, new.mean = scores, objectives, mean_of(scores, self.n)
      table.remove(self.list, i)
      self.fronts:remove(old, self.list)
      table.insert(self.list, i, new)
      self.fronts:add(new, self.values(new))
      self.family[idx], self.survivors, self.top = new, nil, self.list[1]
      for _, one in ipairs(self.list) do
        if pool.better(one, self.top) then self.top = one end
      end
      return new
    end
  end
  return nil
end

--- Make an empty pool what another was, when it held these: for who must not see what came since.
---@param list lunagrad.candidate[] as they came
---@param from lunagrad.pool
---@param since integer how many were remembered then (#from.past)
function Pool:restore(list, from, since)
  for i, candidate in ipairs(list) do
    self.list[i], self.known[wording.key(candidate.texts)] = candidate, candidate.idx
    self.fronts:add(candidate, self.values(candidate))
    if not self.top or pool.better(candidate, self.top) then self.top = candidate end
    self.added = math.max(self.added, candidate.idx + 1)
  end
  self.family = setmetatable({}, { __index = function(_, idx)
    for k = since + 1, #from.past do
      if from.past[k].idx == idx then return from.past[k] end
    end
    return from.family[idx]
  end })
  for _, candidate in ipairs(list) do self.family[candidate.idx] = candidate end
end

-- ---- looking -------------------------------------------------------------------

--- The best by its mean.
---@return lunagrad.candidate
function Pool:best()
  return self.top
end

--- A candidate by its number; of one that left what is still known of it (`left` is true).
---@param idx integer
---@return lunagrad.candidate|nil
function Pool:get(idx)
  return self.family[idx]
end

--- Who is best at a key: an example's number, or an objective's name; with the front "cartesian" an
--- example's number and an objective's name.
---@param key integer|string
---@param name? string
---@return lunagrad.candidate[]|nil holders as they came; not to be changed
---@return number|nil best
function Pool:front_of(key, name)
  local column = self.front == "cartesian" and (name or ONLY)
    or math.type(key) and "instance" or "objective"
  local best, holders = self.fronts:of(column, key)
  return holders, best
end

--- Those that are left when, from the worst to the best, each goes whose every front is held by
--- another that is left: who is needed.
---@return lunagrad.candidate[] dominators from the worst to the best; not to be changed
---@return table<lunagrad.candidate, integer> weight how many fronts each holds
function Pool:dominators()
  if not self.survivors then
    local order = table.move(self.list, 1, #self.list, 1, {})
    table.sort(order, worse)
    self.survivors, self.weight = self.fronts:survivors(order)
  end
  return self.survivors, self.weight
end

-- ---- lineage -------------------------------------------------------------------

--- All that a candidate comes from, itself not among them.
---@param idx integer
---@return integer[] idxs from the oldest to the youngest
---@return table<integer, true> set
function Pool:ancestors(idx)
  local list, set, open = {}, {}, { idx }
  while #open > 0 do
    for _, parent in ipairs(self.family[table.remove(open)].parents) do
      if not set[parent] then
        set[parent], list[#list + 1], open[#open + 1] = true, parent, parent
      end
    end
  end
  table.sort(list)
  return list, set
end

--- What two candidates both come from; nothing where one comes from the other.
---@param a integer
---@param b integer
---@return integer[] idxs from the oldest to the youngest
function Pool:common_ancestors(a, b)
  local list, of_a = self:ancestors(a)
  local _, of_b = self:ancestors(b)
  local both = {}
  if a == b or of_a[b] or of_b[a] then return both end
  for _, idx in ipairs(list) do
    if of_b[idx] then both[#both + 1] = idx end
  end
  return both
end

return pool
