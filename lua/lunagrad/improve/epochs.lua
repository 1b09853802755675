--- Batches as the published loops draw them: all examples in a drawn order, a batch after the other,
--- and then in another order.
--
-- With `pad` (GEPA) the last batch of an epoch is filled up with the examples that were drawn least
-- so far; else (TextGrad) it is shorter. The k-th batch is the same for equal generators; batches
-- are asked for in their order. lunagrad's own way to draw batches is lunagrad.improve.batches. Pure.

---@class lunagrad.epochs
local Epochs = {}
Epochs.__index = Epochs

local epochs = {}

--- Over n examples, in batches of `size` (of n where there are fewer).
---@param n integer
---@param size integer
---@param random lunagrad.rng
---@param options {pad: boolean|nil}|nil
---@return lunagrad.epochs
function epochs.new(n, size, random, options)
  local self = setmetatable({ n = n, size = math.min(size, n), random = random, epoch = -1,
    pad = options and options.pad, drawn = {}, order = {} }, Epochs)
  for i = 1, n do self.drawn[i] = 0 end
  return self
end

local function least_drawn(self)
  local least = 1
  for i = 2, self.n do
    if self.drawn[i] < self.drawn[least] then least = i end
  end
  return least
end

local function begin(self)
  local order = {}
  for i = 1, self.n do order[i] = i end
  self.random:shuffle(order)
  for _, i in ipairs(order) do self.drawn[i] = self.drawn[i] + 1 end
  while self.pad and #order % self.size ~= 0 do
    local i = least_drawn(self)
    order[#order + 1], self.drawn[i] = i, self.drawn[i] + 1
  end
  self.order = order
end

--- The k-th batch, from 1 on.
---@param k integer
---@return integer[]
function Epochs:batch(k)
  local of_epoch = (self.n + self.size - 1) // self.size
  while (k - 1) // of_epoch > self.epoch do
    self.epoch = self.epoch + 1
    begin(self)
  end
  local from = (k - 1) % of_epoch * self.size + 1
  return table.move(self.order, from, math.min(from + self.size - 1, #self.order), 1, {})
end

return epochs
