--- The tree-structured Parzen estimator over categories: which combination is to be tried next.
--
-- Observed combinations are parted into the best tenth and the others. Of each part a density is
-- made: a mixture with a kernel for each observation (its own category is likely in each place, the
-- others a little) and an even one. What is drawn from the density of the good ones is taken where
-- it is likeliest against that of the others. As in Optuna's multivariate TPE, which MIPROv2 uses
-- (Bergstra et al. 2011; arXiv 2304.11127): ten random ones first, 24 draws. Unlike there what is
-- `taken` is not asked for again. Only sums, products and quotients: the same on every machine.
-- Pure: it waits for nothing, and equal observations and generators give equal combinations.

---@class lunagrad.tpe
local Tpe = {}
Tpe.__index = Tpe

local tpe = {}

local GOOD, MOST_GOOD = 0.1, 25 -- the part that counts as good, and at most so many
local FRESH = 25   -- so many of the last observations weigh fully, older ones less
local REDRAWS = 30 -- until all combinations are gone through in their order
local LARGE = 1e5  -- combinations that are never gone through

---@class lunagrad.tpe.options
---@field sizes integer[] how many categories each place has
---@field startup? integer random ones before it begins; 10
---@field draws? integer 24

--- For combinations of one category a place.
---@param options lunagrad.tpe.options
---@return lunagrad.tpe
function tpe.new(options)
  return setmetatable({ sizes = options.sizes, startup = options.startup or 10,
    draws = options.draws or 24, seen = {} }, Tpe)
end

--- How a combination fared; higher is better. The same one may come again.
---@param x integer[] categories from 1 on
---@param value number
function Tpe:tell(x, value)
  self.seen[#self.seen + 1] = { x = x, value = value, at = #self.seen + 1 }
end

-- ---- densities -----------------------------------------------------------------

-- Observations in time; those before the last FRESH weigh the less, the older they are.
local function weights_of(n)
  local list, sum = {}, 1
  for i = 1, n do
    local old = n - FRESH
    list[i] = i > old and 1.0 or 1 / n + (1 - 1 / n) * (i - 1) / math.max(old - 1, 1)
    sum = sum + list[i]
  end
  for i = 1, n do list[i] = list[i] / sum end
  list[n + 1] = 1 / sum -- the even kernel
  return list
end

-- The chance of a category under a kernel; the one behind the observations is even.
local function chance(density, kernel, size, place, category)
  local one = density.list[kernel]
  if not one then return 1 / size end
  local prior = 1 / (#density.list + 1)
  return ((one.x[place] == category and 1 or 0) + prior) / (1 + size * prior)
end

local function density_of(list)
  table.sort(list, function(a, b) return a.at < b.at end)
  return { list = list, weights = weights_of(#list) }
end

local function likelihood(self, density, x)
  local sum = 0
  for kernel, weight in ipairs(density.weights) do
    local product = weight
    for place, size in ipairs(self.sizes) do
      product = product * chance(density, kernel, size, place, x[place])
    end
    sum = sum + product
  end
  return sum
end

-- Position of a draw among chances that sum to 1.
local function drawn(random, n, chance_of)
  local at = random:float()
  for i = 1, n - 1 do
    at = at - chance_of(i)
    if at < 0 then return i end
  end
  return n
end

local function draw(self, density, random)
  local kernel = drawn(random, #density.weights, function(i) return density.weights[i] end)
  local x = {}
  for place, size in ipairs(self.sizes) do
    x[place] = drawn(random, size, function(category)
      return chance(density, kernel, size, place, category)
    end)
  end
  return x
end

-- ---- asking --------------------------------------------------------------------

local function at_random(self, random)
  local x = {}
  for place, size in ipairs(self.sizes) do x[place] = random:int(1, size) end
  return x
end

local function parts(self)
  local order = table.move(self.seen, 1, #self.seen, 1, {})
  table.sort(order, function(a, b)
    if a.value ~= b.value then return a.value > b.value end
    return a.at < b.at
  end)
  local n = math.min(math.ceil(GOOD * #order), MOST_GOOD)
  return density_of(table.move(order, 1, n, 1, {})),
    density_of(table.move(order, n + 1, #order, 1, {}))
end

local function by_density(self, random, taken)
  local good, others = parts(self)
  local best, most
  for _ = 1, self.draws do
    local x = draw(self, good, random)
    local worth = not taken(x) and likelihood(self, good, x) / likelihood(self, others, x)
    if worth and (not most or worth > most) then best, most = x, worth end
  end
  return best
end

-- The next one that is not taken, from a drawn place on.
local function gone_through(self, random, taken)
  local all = 1
  for _, size in ipairs(self.sizes) do
    all = all * size
    if all > LARGE then return nil end
  end
  local first = random:int(0, all - 1)
  for k = 0, all - 1 do
    local rest, x = (first + k) % all, {}
    for place, size in ipairs(self.sizes) do
      x[place], rest = rest % size + 1, rest // size
    end
    if not taken(x) then return x end
  end
  return nil
end

local function none() return false end

--- The combination to try next; nil: all are taken.
---@param random lunagrad.rng
---@param taken? fun(x: integer[]): boolean
---@return integer[]|nil
function Tpe:ask(random, taken)
  taken = taken or none
  if #self.seen >= self.startup then
    local found = by_density(self, random, taken)
    if found then return found end
  end
  for _ = 1, REDRAWS do
    local x = at_random(self, random)
    if not taken(x) then return x end
  end
  return gone_through(self, random, taken)
end

return tpe
