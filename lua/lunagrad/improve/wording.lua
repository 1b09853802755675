--- Of texts as such: how long, how repetitive, and whether they were there before. Pure. A picture
--- among them is what media.words says of it.

local layer = require "lunagrad.text"
local media = require "lunagrad.media"

local wording = {}

local GRAM = 5

--- Words of all texts together.
---@param texts string[]
---@return integer
function wording.count(texts)
  local words = 0
  for _, text in ipairs(texts) do
    local _, n = media.words(text):gsub("%S+", "")
    words = words + n
  end
  return words
end

-- All runs of five words of a text: how many, and how many of them were there before.
local function grams(text)
  local list, seen, again, all = {}, {}, 0, 0
  for word in layer.fold(text):gmatch "%S+" do list[#list + 1] = word end
  for i = 1, #list - GRAM + 1 do
    local gram = table.concat(list, " ", i, i + GRAM - 1)
    all = all + 1
    if seen[gram] then again = again + 1 end
    seen[gram] = true
  end
  return all, again
end

--- The share of the runs of five words that stand in the same text before: 0 to below 1.
---@param texts string[]
---@return number
function wording.repetition(texts)
  local all, again = 0, 0
  for _, text in ipairs(texts) do
    local n, repeated = grams(media.words(text))
    all, again = all + n, again + repeated
  end
  return all > 0 and again / all or 0.0
end

-- ---- known ones ----------------------------------------------------------------

local Known = {}
Known.__index = Known

--- A list of texts as one text that no other list makes.
---@param texts string[]
---@return string
function wording.key(texts)
  local parts = {}
  for i, text in ipairs(texts) do
    text = media.words(text)
    parts[i] = ("%d:%s"):format(#text, text)
  end
  return table.concat(parts)
end

--- Lists of texts by the number of the proposal that had them first.
function wording.known() return setmetatable({ by_key = {} }, Known) end

---@param texts string[]
---@param number integer
function Known:add(texts, number)
  local key = wording.key(texts)
  self.by_key[key] = self.by_key[key] or number
end

--- Which proposal had them, if it is known and not after `latest`.
---@param texts string[]
---@param latest integer|nil
---@return integer|nil
function Known:seen(texts, latest)
  local number = self.by_key[wording.key(texts)]
  return number and (not latest or number <= latest) and number or nil
end

return wording
