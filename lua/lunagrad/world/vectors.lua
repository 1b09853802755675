--- Embeddings by rule: a text's words and pairs of letters, hashed into so many directions, of
-- length one. Texts that share words lie near each other; that is all they mean. Pure.

local hash = require "lunagrad.world.hash"
local wire = require "lunagrad.world.wire"

local vectors = {}

local function add(sums, key, weight, size)
  local bits = hash.text(key)
  local at = (bits >> 8) % size + 1
  sums[at] = sums[at] + (bits & 1 == 0 and weight or -weight)
end

--- The vector of a text.
---@param text string
---@param size integer how many numbers
---@return number[]
function vectors.of(text, size)
  local sums = wire.list {}
  for i = 1, size do sums[i] = 0.0 end
  for word in text:lower():gmatch "[%w\128-\255]+" do
    add(sums, "w" .. word, 1.0, size)
    for i = 1, #word - 2 do add(sums, "t" .. word:sub(i, i + 2), 0.3, size) end
  end
  local square = 0.0
  for i = 1, size do square = square + sums[i] * sums[i] end
  if square == 0 then
    sums[1], square = 1.0, 1.0
  end
  local length = math.sqrt(square)
  for i = 1, size do -- as single floats, so that every form of the reply holds the same numbers
    sums[i] = string.unpack("<f", string.pack("<f", sums[i] / length))
  end
  return sums
end

--- The same as little-endian single floats in base64.
---@param list number[]
---@return string
function vectors.base64(list)
  local out = {}
  for i, value in ipairs(list) do out[i] = string.pack("<f", value) end
  return wire.base64(table.concat(out))
end

return vectors
