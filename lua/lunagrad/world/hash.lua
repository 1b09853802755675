--- Randomness for sim: everything it "decides" is a hash of the text it reads.
--
-- There is no generator and no state here. The same text gives the same draws
-- in every process, so equal requests get equal replies. Not for shuffling data
-- (that is lunagrad.rng) and not for anything secret.

local byte, unpack = string.byte, string.unpack

local hash = {}

local PRIME = 0x100000001b3

local function mix(z)
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb
  return z ~ (z >> 31)
end

--- 64 bits of a text, FNV style but eight bytes at a time. `seed` chains several texts.
---@param text string
---@param seed? integer
---@return integer
function hash.text(text, seed)
  local h = ((seed or 0xcbf29ce484222325) ~ #text) * PRIME
  local whole = #text - #text % 8
  for i = 1, whole, 8 do
    h = (h ~ unpack("<i8", text, i)) * PRIME
    h = h ~ (h >> 32)
  end
  for i = whole + 1, #text do
    h = (h ~ byte(text, i)) * PRIME
  end
  return mix(h)
end

--- A number in [0, 1) for one named decision.
---@param seed integer
---@param name string
---@return number
function hash.unit(seed, name)
  return (hash.text(name, seed) >> 11) * 0x1p-53
end

--- A whole number from 1 to n for one named decision.
---@param seed integer
---@param name string
---@param n integer
---@return integer
function hash.int(seed, name, n)
  return (hash.text(name, seed) >> 1) % n + 1
end

--- One element of a list for one named decision.
function hash.pick(seed, name, list)
  return list[hash.int(seed, name, #list)]
end

return hash
