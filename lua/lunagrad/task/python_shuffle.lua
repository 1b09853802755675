--- The order that Python's random.Random(seed).shuffle(list) brings a list into.
--
-- Published splits are made by it (DSPy's of GSM8K), and can be had again only so. For chance of
-- our own there is lunagrad.rng. The generator is MT19937, seeded as CPython seeds it with a
-- whole number below 2^32.

local N, M = 624, 397

local function seeded(seed)
  local mt = { [0] = 19650218 }
  for i = 1, N - 1 do
    mt[i] = (1812433253 * (mt[i - 1] ~ mt[i - 1] >> 30) + i) & 0xFFFFFFFF
  end
  local i = 1
  local function step(factor, add)
    mt[i] = ((mt[i] ~ (mt[i - 1] ~ mt[i - 1] >> 30) * factor) + add) & 0xFFFFFFFF
    i = i + 1
    if i == N then mt[0], i = mt[N - 1], 1 end
  end
  for _ = 1, N do step(1664525, seed) end -- init_by_array with the one key
  for _ = 1, N - 1 do step(1566083941, -i) end
  mt[0] = 0x80000000
  return mt
end

local function twist(mt)
  for i = 0, N - 1 do
    local y = mt[i] & 0x80000000 | mt[(i + 1) % N] & 0x7FFFFFFF
    mt[i] = mt[(i + M) % N] ~ y >> 1 ~ (y & 1) * 0x9908B0DF
  end
end

-- A function that gives 32 bits after 32 bits.
local function generator(seed)
  local mt, at = seeded(seed), N
  return function()
    if at == N then
      twist(mt)
      at = 0
    end
    local y = mt[at]
    at = at + 1
    y = y ~ y >> 11
    y = y ~ y << 7 & 0x9D2C5680
    y = y ~ y << 15 & 0xEFC60000
    return (y ~ y >> 18) & 0xFFFFFFFF
  end
end

--- Bring a list into that order, in place.
---@generic T
---@param list T[]
---@param seed integer from 0 to 2^32 - 1
---@return T[] list
return function(list, seed)
  local next_word = generator(seed)
  for i = #list, 2, -1 do
    local bits = 0
    while i >> bits > 0 do bits = bits + 1 end
    local j
    repeat j = next_word() >> 32 - bits until j < i
    list[i], list[j + 1] = list[j + 1], list[i]
  end
  return list
end
