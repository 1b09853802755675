--- Random numbers that are the same everywhere: xoshiro256** in integers, from a seed.
--
-- The only source of chance in the library. A seed is a whole number or a text;
-- the same seed gives the same numbers on every machine and in every version.
-- Not for secrets.

local errors = require "lunagrad.errors"
local signatures = require "lunagrad.signatures"

local rng = {}

local Rng = {}
Rng.__index = Rng
Rng.__name = "lunagrad.rng"

local function rotate(x, k)
  return x << k | x >> (64 - k)
end

--- splitmix64: a state and the next number of it.
local function splitmix(state)
  state = state + 0x9E3779B97F4A7C15
  local z = state
  z = (z ~ z >> 30) * 0xBF58476D1CE4E5B9
  z = (z ~ z >> 27) * 0x94D049BB133111EB
  return state, z ~ z >> 31
end

--- FNV-1a of a text, 64 bits.
local function hash(text)
  local h = 0xCBF29CE484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001B3 end
  return h
end

--- A whole number, from any seed. Texts and numbers are kept apart.
local function number_of(seed, level, who)
  if type(seed) == "string" then return hash("text:" .. seed) end
  local n = math.type(seed) and math.tointeger(seed)
  if not n then
    errors.raise("inval", ("%s: a seed is a whole number or a text, got %s"):format(who,
      math.type(seed) and tostring(seed) or type(seed)), nil, level + 1)
  end
  return n
end

local function from_state(state)
  local r = { key = state }
  for i = 1, 4 do state, r[i] = splitmix(state) end
  return setmetatable(r, Rng)
end

--- A generator.
---@param seed integer|string
---@return lunagrad.rng
function rng.new(seed)
  return from_state(number_of(seed, 2, "lg.rng.new"))
end

--- The next 64 bits.
local function next_bits(r)
  local a, b, c, d = r[1], r[2], r[3], r[4]
  local result = rotate(b * 5, 7) * 9
  c, d = c ~ a, d ~ b
  r[1], r[2], r[3], r[4] = a ~ d, b ~ c, c ~ b << 17, rotate(d, 45)
  return result
end

--- A whole number from a to b, all equally likely.
---@param a integer
---@param b integer
---@return integer
function Rng:int(a, b)
  if getmetatable(self) ~= Rng then
    errors.raise("inval", "rng:int: this is no generator", "call it with a colon: rng:int(a, b)", 2)
  end
  if math.type(a) ~= "integer" or math.type(b) ~= "integer" or a > b then
    errors.raise("inval", ("rng:int: expected two whole numbers, the smaller first, got %s and %s")
      :format(tostring(a), tostring(b)), nil, 2)
  end
  local span = b - a -- as an unsigned number
  local mask = span
  for shift = 0, 5 do mask = mask | mask >> (1 << shift) end
  local x
  repeat x = next_bits(self) & mask until not math.ult(span, x)
  return a + x
end

--- A number from 0 up to, but not including, 1.
---@return number
function Rng:float()
  return (next_bits(self) >> 11) * 0x1p-53
end

local function check_list(list, where)
  if type(list) == "table" then return end
  errors.raise("inval", ("rng:%s: expected a list, got %s"):format(where, type(list)), nil, 3)
end

--- Brings a list into random order, in place, and returns it.
---@generic T
---@param list T[]
---@return T[]
function Rng:shuffle(list)
  check_list(list, "shuffle")
  for i = #list, 2, -1 do
    local j = self:int(1, i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- One element of a list; nil of an empty one.
---@generic T
---@param list T[]
---@return T|nil
function Rng:pick(list)
  check_list(list, "pick")
  if #list == 0 then return nil end
  return list[self:int(1, #list)]
end

--- An independent generator, for a part of the work.
---
--- It depends on the seed and the name only, not on what was drawn before.
---@param name string|integer
---@return lunagrad.rng
function Rng:fork(name)
  local _, mixed = splitmix(self.key ~ rotate(number_of(name, 2, "rng:fork"), 32))
  return from_state(mixed)
end

signatures.methods(Rng, "rng", "lunagrad.rng", { float = {}, shuffle = { { "list", "table" } },
  pick = { { "list", "table" } }, fork = { { "name", "number|string" } } })

return rng
