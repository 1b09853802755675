--- Chance in the worlds of trials: whole numbers mixed, and how likely an example is answered right.
--
-- Integers, sums and quotients alone, so that a world is the same on every machine. No state.

local chance = {}

--- 64 bits of 64 bits (the end of splitmix64).
---@param z integer
---@return integer
local function mix(z)
  z = (z ~ z >> 30) * 0xBF58476D1CE4E5B9
  z = (z ~ z >> 27) * 0x94D049BB133111EB
  return z ~ z >> 31
end
chance.mix = mix

--- A number from 0 up to, not including, 1 of 64 bits.
---@param h integer
---@return number
local function unit(h)
  return (mix(h) >> 11) * 0x1p-53
end
chance.unit = unit

local STEP = 0x9E3779B97F4A7C15

--- About a normal number: mean 0, deviation 1.
---@param h integer
---@return number
function chance.normal(h)
  local sum = -6.0
  for i = 1, 12 do sum = sum + unit(h + i * STEP) end
  return sum
end

--- How easy an example is: Beta(2, 2), the median of three uniform numbers.
---@param h integer
---@return number
function chance.ease(h)
  local a, b, c = unit(h + STEP), unit(h + 2 * STEP), unit(h + 3 * STEP)
  return math.max(math.min(a, b), math.min(math.max(a, b), c))
end

-- ---- quality -------------------------------------------------------------------

-- Who answers an example of ease e right with the odds e/(1-e) · m is right on the whole population
-- with some mean of m: its quality. Beta(2, 2) in so many equally likely steps.
local STEPS = 64

local eases

local function population()
  local list = {}
  for s = 1, STEPS do
    local want, low, high = (s - .5) / STEPS, 0.0, 1.0
    for _ = 1, 50 do
      local x = (low + high) / 2
      if 3 * x * x - 2 * x * x * x < want then low = x else high = x end
    end
    list[s] = low
  end
  return list
end

local function mean_right(m)
  local sum = 0.0
  for s = 1, STEPS do
    local e = eases[s]
    sum = sum + e * m / (e * m + 1 - e)
  end
  return sum / STEPS
end

local factors = {}

--- The factor m on the odds that makes a quality. Qualities are counted in steps of a
--- ten-thousandth and lie between .01 and .99.
---@param quality number
---@return number
function chance.factor(quality)
  eases = eases or population()
  local at = math.floor(math.max(.01, math.min(.99, quality)) * 10000 + .5)
  if not factors[at] then
    local low, high = -20.0, 20.0 -- of the logarithm of m to the base 2
    for _ = 1, 40 do
      local x = (low + high) / 2
      if mean_right(2.0 ^ x) < at / 10000 then low = x else high = x end
    end
    factors[at] = 2.0 ^ low
  end
  return factors[at]
end

return chance
