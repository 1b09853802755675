--- The other things sim can do: sort words and work out short sums. With slips too.
--
-- Small on purpose: enough that a second and third task exist to try a script on.

local hash = require "lunagrad.world.hash"
local lexer = require "lunagrad.world.lexer"

local extras = {}

local vocabulary = lexer.vocabulary {
  letters = "letter by letter, second letter, next letter, each letter, same letter, first letter",
  check = "double check, check, verify, recheck, careful, carefully, compare, make sure, twice",
  all = "all word, every word, each word, no word, any word, number word, missing, leave out",
  step = "step by step, steps, show work, one at time, one by one, order operations",
}

local function told(instructions)
  local found = {}
  lexer.read(vocabulary, instructions, function(hits)
    for class in pairs(hits) do
      found[class] = true
    end
  end)
  return found
end

--- "Sort the following words alphabetically: List: …"
---@param text string the question
---@param instructions string
---@param sampling integer
---@return string? the answer, nil when it is no such question
function extras.sort(text, instructions, sampling)
  local list = text:match "[Ss]ort the following words alphabetically:?%s*(.+)$"
  if not list then
    return nil
  end
  local sorted = {}
  for word in list:gsub("^%s*[Ll]ist:%s*", ""):match("^[^\n]*"):gmatch "[^%s,]+" do
    sorted[#sorted + 1] = word
  end
  table.sort(sorted)
  local said, seed = told(instructions), hash.text(list, sampling)
  if hash.unit(seed, "lose a word") < (said.all and 0.01 or said.check and 0.1 or 0.25)
    and #sorted > 3 then
    table.remove(sorted, hash.int(seed, "which word", #sorted))
  end
  -- Words that share their first letter are easily left in the wrong order.
  local swap = said.letters and 0.01 or said.check and 0.08 or 0.15
  for i = 1, #sorted - 1 do
    if sorted[i]:sub(1, 1) == sorted[i + 1]:sub(1, 1) and hash.unit(seed, "swap " .. i) < swap then
      sorted[i], sorted[i + 1] = sorted[i + 1], sorted[i]
    end
  end
  return table.concat(sorted, " ")
end

-- product, then sum: iterative, left to right, no brackets.
local function evaluate(tokens)
  local sums, sign = 0, 1
  local product = tokens[1]
  for i = 2, #tokens, 2 do
    local op, n = tokens[i], tokens[i + 1]
    if op == "*" then
      product = product * n
    elseif op == "/" then
      if n == 0 then
        return nil
      end
      product = product / n
    else
      sums = sums + sign * product
      sign, product = op == "-" and -1 or 1, n
    end
  end
  return sums + sign * product
end

--- "What is 12 + 7 * 3?" – chains of + - * / without brackets.
---@param text string
---@param instructions string
---@param sampling integer
---@return string?
function extras.arithmetic(text, instructions, sampling)
  local chain
  for found in text:gmatch "%d[%d%s%.%+%-%*/x]*%d" do
    if found:find "%d%s*[%+%-%*/x]%s*%d" then
      chain = found
    end
  end
  if not chain or not text:find "[%?=]" or text:find "[%(%)%^]" then
    return nil
  end
  local tokens = {}
  for number, op in (chain:gsub("x", "*") .. " "):gmatch "([%d%.]+)%s*([%+%-%*/]?)" do
    tokens[#tokens + 1] = tonumber(number)
    tokens[#tokens + 1] = op ~= "" and op or nil
    if not tonumber(number) then
      return nil
    end
  end
  local value = #tokens % 2 == 1 and evaluate(tokens)
  if not value then
    return nil
  end
  local said, seed = told(instructions), hash.text(chain, sampling)
  local p = #tokens * 0.05 * (said.step and 0.1 or said.check and 0.4 or 1)
  if hash.unit(seed, "slip") < math.min(0.6, p) then
    value = value + (hash.unit(seed, "way") < 0.5 and 1 or -1)
  end
  local whole = math.tointeger(value)
  return "The result is " .. (whole and tostring(whole) or string.format("%.4g", value)) .. "."
end

return extras
