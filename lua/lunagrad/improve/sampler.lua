--- Which rows make the next batch: what failed under the present texts, then what is not known
--- under them, then what is solved.
--
-- Rows that are not known come in a shuffled order, anew for each time round, so that all have
-- their turn. As long as there are such, rows that failed fill at most half of a batch, those that
-- were drawn longest ago first: it shall not be fitted to one hard row. What was known is forgotten
-- when the texts change. Counts and indices alone: it sees no row, waits for nothing, and draws
-- the same batches for the same seed and the same outcomes.

local rng = require "lunagrad.rng"

---@class lunagrad.sampler
local Sampler = {}
Sampler.__index = Sampler

local sampler = {}

--- For n rows.
---@param n integer at least 1
---@param seed integer|string
---@return lunagrad.sampler
function sampler.new(n, seed)
  local self = setmetatable({ n = n, random = rng.new(seed), order = {}, at = n + 1, draws = 0,
    drawn = {} }, Sampler)
  for i = 1, n do self.order[i], self.drawn[i] = i, 0 end
  self:forget()
  return self
end

--- The texts are others: how rows fared is no longer known.
function Sampler:forget()
  self.state, self.unknown = {}, self.n
end

--- How a row fared: "failed" (there is something to learn from it), "solved" or "idle" (neither: an
--- error, or nobody has anything to say about it).
---@param i integer
---@param state string
function Sampler:note(i, state)
  if not self.state[i] then self.unknown = self.unknown - 1 end
  self.state[i] = state
end

-- The next row of the shuffled order.
local function step(self)
  if self.at > self.n then
    self.random:shuffle(self.order)
    self.at = 1
  end
  self.at = self.at + 1
  return self.order[self.at - 1]
end

local function take_unknown(self, batch, many)
  local taken = {}
  while many > 0 do
    local i = step(self)
    if not self.state[i] and not taken[i] then
      taken[i], many = true, many - 1
      batch[#batch + 1] = i
    end
  end
end

-- The known rows, failed ones or the others, those first that were drawn longest ago.
local function known(self, failed)
  local list = {}
  for i = 1, self.n do
    local state = self.state[i]
    if state and (state == "failed") == failed then list[#list + 1] = i end
  end
  table.sort(list, function(a, b)
    if self.drawn[a] ~= self.drawn[b] then return self.drawn[a] < self.drawn[b] end
    return a < b
  end)
  return list
end

--- The rows of the next batch: n, or all where there are fewer. nil: no row failed, and none is
--- unknown.
---@param n integer
---@return integer[]|nil
function Sampler:draw(n)
  local failed = known(self, true)
  if #failed == 0 and self.unknown == 0 then return nil end
  local hard = math.min(#failed, math.max(n // 2, n - self.unknown))
  local batch = table.move(failed, 1, hard, 1, {})
  take_unknown(self, batch, math.min(self.unknown, n - hard))
  local rest = known(self, false)
  table.move(rest, 1, math.min(n - #batch, #rest), #batch + 1, batch)
  self.draws = self.draws + 1
  for _, i in ipairs(batch) do self.drawn[i] = self.draws end
  return batch
end

--- Whether every row is solved, as far as is known.
---@return boolean
function Sampler:all_solved()
  for i = 1, self.n do
    if self.state[i] ~= "solved" then return false end
  end
  return true
end

return sampler
