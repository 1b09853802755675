--- Makes multiple choice in the form of MMLU's rows: facts of arithmetic with four options.
--
-- The wrong options are slips that are really made (a digit, a carry, the wrong order of
-- operations), so that a look at the options does not show the right one. Rows are those of
-- lg.task.mmlu, with the right option first: lg.task.multiple_choice draws the order.

local making = require "lunagrad.task.making"

local number_choice = {}

-- Each: the question, the right number, and slips.
local KINDS = {
  function(r)
    local a, b, c = r:int(3, 19), r:int(3, 19), r:int(3, 12)
    return ("What is %d + %d * %d?"):format(a, b, c), a + b * c,
      { (a + b) * c, a * b + c, a + b + c, a + b * c + 10 }
  end,
  function(r)
    local a, b = r:int(120, 899), r:int(15, 99)
    return ("What is %d - %d?"):format(a, b), a - b, { a - b + 10, a - b - 10, a - b + 100, a + b }
  end,
  function(r)
    local a, b = r:int(12, 49), r:int(6, 19)
    return ("What is %d times %d?"):format(a, b), a * b,
      { a * b + a, a * b - b, a * b + 10, a * b - 2 }
  end,
  function(r)
    local a, b = r:int(30, 299), r:int(4, 17)
    return ("What is the remainder when %d is divided by %d?"):format(a, b), a % b,
      { a // b, a % b + 1, b - a % b, b }
  end,
  function(r)
    local a, share = r:int(2, 40) * 20, r:pick { 5, 10, 15, 20, 25, 30, 40 }
    return ("What is %d percent of %d?"):format(share, a), share * a // 100,
      { share * a // 10, a - share * a // 100, share * a // 100 + 5, a // share }
  end,
}

-- The right option and three others, all different.
local function options_of(right, slips, r)
  local list, seen = { tostring(right) }, { [right] = true }
  r:shuffle(slips)
  for _, slip in ipairs(slips) do
    if #list < 4 and not seen[slip] then
      seen[slip] = true
      list[#list + 1] = tostring(slip)
    end
  end
  while #list < 4 do
    local near = right + r:int(-9, 20)
    if near >= 0 and not seen[near] then
      seen[near] = true
      list[#list + 1] = tostring(near)
    end
  end
  return list
end

local function item(r)
  local question, right, slips = r:pick(KINDS)(r)
  return { question = question, options = options_of(right, slips, r), right = 1, answer = "A" }
end

--- Make n different questions with four options, the right one first: give them to
--- lg.task.multiple_choice. Equal seeds give equal questions.
---@param n integer up to 10,000
---@param seed? integer|string default 1
---@return { question: string, options: string[], right: integer, answer: string, id: string }[]
number_choice.generate = making("lg.task.number_choice.generate", item)

return number_choice
