--- Makes multiple choice of word problems, three to five steps, in the form of MMLU's rows.
--
-- The wrong options are what one comes to who misreads a sentence, passes over one, or stops too
-- early, so that a look at the options does not show the right one, and a slip is hardly noticed by
-- them. Rows are those of lg.task.mmlu, with the right option first: lg.task.multiple_choice draws
-- the order.

local making = require "lunagrad.task.making"
local problem = require "lunagrad.task.word_problem"

local word_choice = {}

-- The right option and three others, all different whole numbers.
local function options_of(right, slips, r)
  local list, seen = { tostring(right) }, { [right] = true }
  local function add(n)
    n = math.tointeger(n)
    if n and n > 0 and #list < 4 and not seen[n] then
      seen[n] = true
      list[#list + 1] = tostring(n)
    end
  end
  r:shuffle(slips)
  for _, slip in ipairs(slips) do add(slip) end
  while #list < 4 do add(right + r:int(-12, 12)) end
  return list
end

--- Make n different word problems with four options, the right one first: give them to
--- lg.task.multiple_choice. Equal seeds give equal problems.
---@param n integer up to 10,000
---@param seed? integer|string default 1
---@return { question: string, options: string[], right: integer, answer: string, id: string }[]
word_choice.generate = making("lg.task.word_choice.generate", function(r)
  local row, slips = problem(r, 2, 3)
  return { question = row.question, options = options_of(math.tointeger(row.answer), slips, r),
    right = 1, answer = "A", steps = row.steps }
end)

return word_choice
