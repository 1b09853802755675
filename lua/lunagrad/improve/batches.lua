--- Which training examples a parent is shown to its next proposal: what it fails or has by luck,
--- then what is not known of it.
--
-- Hard for a parent is, in this order, what it failed; what is not known of it but was failed by its
-- own parent; and what it has by luck: it solved that, but its own parent or most others failed. As
-- long as anything else is not known of it, hard ones fill at most half of a batch: it shall not be
-- fitted to one of them. The rest is what is not known of it, the least seen by anybody first, so
-- that all have their turn; only where there is too little of that what it solves.
-- What is drawn depends on what was noted, whatever the order, and on the generator: the search
-- notes what is decided, when it is decided. It sees no row and waits for nothing.

local rng = require "lunagrad.rng"

---@class lunagrad.batches
local Batches = {}
Batches.__index = Batches

local batches = {}

---@class lunagrad.batches.options
---@field perfect? number from this score on an example is solved; 1

--- Over n training examples.
---@param n integer
---@param seed integer|string
---@param options? lunagrad.batches.options
---@return lunagrad.batches
function batches.new(n, seed, options)
  local self = setmetatable({ n = n, perfect = options and options.perfect or 1, order = {},
    seen = {}, failed = {}, lowest = {}, solved = {}, parents = {} }, Batches)
  for i = 1, n do self.order[i], self.seen[i], self.failed[i] = i, 0, 0 end
  rng.new(seed):shuffle(self.order)
  return self
end

--- A candidate comes from others: what these failed is likely hard for it.
---@param idx integer
---@param parents integer[]
function Batches:child(idx, parents)
  self.parents[idx] = parents
end

--- How a candidate scored on an example. Of several scores the lowest counts: what failed once is
--- not solved.
---@param idx integer the candidate
---@param i integer the example
---@param score number
function Batches:note(idx, i, score)
  local lowest = self.lowest[idx]
  if not lowest then
    lowest = {}
    self.lowest[idx], self.solved[idx] = lowest, 0
  end
  local before, solves = lowest[i], score >= self.perfect
  self.seen[i] = self.seen[i] + 1
  if not solves then self.failed[i] = self.failed[i] + 1 end
  if before and before <= score then return end
  lowest[i] = score
  local did = before and before >= self.perfect
  if solves and not before then
    self.solved[idx] = self.solved[idx] + 1
  elseif did and not solves then
    self.solved[idx] = self.solved[idx] - 1
  end
end

-- Whether one of a candidate's parents failed an example.
local function inherited(self, idx, i)
  local parents = self.parents[idx]
  for p = 1, parents and #parents or 0 do
    local lowest = self.lowest[parents[p]]
    if lowest and lowest[i] and lowest[i] < self.perfect then return true end
  end
  return false
end

-- Kinds of examples for a parent.
local FAILED, LIKELY, LUCKY, OPEN, SOLVED = 1, 2, 3, 4, 5

local function kind(self, idx, known, i)
  local score = known[i]
  if score and score < self.perfect then return FAILED end
  if not score then return inherited(self, idx, i) and LIKELY or OPEN end
  local lucky = self.failed[i] * 2 > self.seen[i] or inherited(self, idx, i)
  return lucky and LUCKY or SOLVED
end

local function gcd(a, b)
  while b > 0 do a, b = b, a % b end
  return a
end

-- A walk over all examples that begins and strides as the generator says: for each batch another
-- order, without a number for every example.
local function walk(self, random)
  local n, order = self.n, self.order
  local at, stride = random:int(0, n - 1), random:int(1, math.max(1, n - 1))
  while gcd(stride, n) > 1 do stride = stride % n + 1 end
  return function()
    at = (at + stride) % n
    return order[at + 1]
  end
end

-- Keep i among the `size` least seen of a list, which is in that order.
local function keep_least(list, seen, i, size)
  local at = #list + 1
  if at > size then
    if seen[list[size]] <= seen[i] then return end
    at = size
  end
  while at > 1 and seen[list[at - 1]] > seen[i] do
    list[at] = list[at - 1]
    at = at - 1
  end
  list[at] = i
end

local NONE = {}

local function sort_out(self, idx, size, random)
  local known, next_one = self.lowest[idx] or NONE, walk(self, random)
  local kinds = { {}, {}, {}, {}, {} }
  for _ = 1, self.n do
    local i = next_one()
    local what = kind(self, idx, known, i)
    local list = kinds[what]
    if what == OPEN then
      keep_least(list, self.seen, i, size)
    elseif #list < size then
      list[#list + 1] = i
    end
  end
  return kinds
end

local function take(batch, list, up_to)
  table.move(list, 1, math.min(up_to - #batch, #list), #batch + 1, batch)
end

--- Whether a candidate is known to solve all examples.
---@param idx integer
---@return boolean
function Batches:is_solved(idx) return self.n == 0 or self.solved[idx] == self.n end

--- The examples of a parent's next batch: `size`, or all where there are fewer. nil when it is known
--- to solve all of them.
---@param idx integer the parent
---@param size integer
---@param random lunagrad.rng
---@return integer[]|nil
function Batches:draw(idx, size, random)
  if self:is_solved(idx) then return nil end
  local kinds, batch = sort_out(self, idx, size, random), {}
  local half = math.max(size // 2, size - #kinds[OPEN])
  take(batch, kinds[FAILED], math.max(half, 1))
  take(batch, kinds[LIKELY], math.max(half, 1))
  take(batch, kinds[LUCKY], half)
  take(batch, kinds[OPEN], size)
  take(batch, kinds[SOLVED], size)
  return batch
end

return batches
