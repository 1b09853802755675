--- One word problem in the form of GSM8K: two to four steps of arithmetic told as a story.
--
-- Makes the story, its worked steps, its answer, and the numbers that whoever slips on one step comes
-- to. Used by word_problems and word_choice. No story says anything that is not needed.

local PEOPLE = { "Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Hugo", "Ida", "Jonas",
  "Kira", "Leo", "Mila", "Noah", "Olga", "Paul" }
local THINGS = { "apples", "books", "buttons", "candles", "coins", "cookies", "marbles", "pencils",
  "plums", "shells", "stamps", "stickers" }
local HOLDERS = { "bags", "baskets", "boxes", "crates", "jars" }

-- A start: a sentence, a step, how many there are, and how many for who misreads it.
local STARTS = {
  function(r, who, things)
    local holders, each = r:int(3, 12), r:int(4, 15)
    local kind = r:pick(HOLDERS)
    return ("%s has %d %s with %d %s each."):format(who, holders, kind, each, things),
      ("%d %s with %d each are %d %s."):format(holders, kind, each, holders * each, things),
      holders * each, holders + each
  end,
  function(r, who, things)
    local first, more = r:int(10, 60), r:int(5, 40)
    return ("%s collects %d %s on Monday and %d more than that on Tuesday."):format(who, first,
      things, more), ("On Tuesday it is %d + %d = %d, in all %d + %d = %d %s."):format(first, more,
      first + more, first, first + more, 2 * first + more, things), 2 * first + more, first + more
  end,
  function(r, who, things)
    local first, times = r:int(6, 30), r:int(2, 4)
    return ("%s finds %d %s in the morning and %d times as many in the afternoon."):format(who,
      first, things, times), ("In the afternoon it is %d * %d = %d, in all %d %s."):format(times,
      first, times * first, first + times * first, things), first + times * first, times * first
  end,
}

-- A change of how many there are: a sentence, a step, how many, and what it does to any number. nil
-- where it does not fit.
local CHANGES = {
  function(r, who, _, n)
    if n < 8 then return nil end
    local away = r:int(2, n // 2)
    return ("%s gives %d of them to %s."):format(who, away, "a friend"),
      ("%d - %d = %d are left."):format(n, away, n - away), n - away,
      function(x) return x - away end
  end,
  function(_, who, _, n)
    if n % 2 == 1 then return nil end
    return ("Then %s sells half of them."):format(who), ("Half of %d is %d."):format(n, n // 2),
      n // 2, function(x) return x / 2 end
  end,
  function(r, who, _, n)
    local more = r:int(5, 50)
    return ("Later %s gets %d more."):format(who, more),
      ("%d + %d = %d."):format(n, more, n + more), n + more, function(x) return x + more end
  end,
}

-- What is asked: the question, the last step, the answer, and how it comes of any number.
local function ending(r, who, things, n)
  local shares = r:int(2, 6)
  if n % shares == 0 and r:float() < 0.5 then
    return ("%s puts them evenly into %d bowls. How many %s are in each bowl?"):format(who, shares,
      things), ("%d / %d = %d in each."):format(n, shares, n // shares), n // shares,
      function(x) return x / shares end
  elseif r:float() < 0.4 then
    local price = r:int(2, 9)
    return ("Each of the %s is worth $%d. How many dollars are they worth together?"):format(things,
      price), ("%d * %d = %d dollars."):format(n, price, n * price), n * price,
      function(x) return x * price end
  end
  return ("How many %s does %s have now?"):format(things, who), nil, n
end

-- What each one comes to who slips on one step: misreads the start, or leaves out a later step.
local function slips_of(start, misread, ops)
  local list = {}
  for out = 0, #ops do
    local x = out == 0 and misread or start
    for i, op in ipairs(ops) do
      if i ~= out then x = op(x) end
    end
    list[#list + 1] = x
  end
  return list
end

--- Make a problem: its row, and the numbers of slips (of whole numbers, some are none).
---@param r lunagrad.rng
---@param least integer changes between the start and what is asked
---@param most integer
---@return { question: string, answer: string, steps: string } row
---@return number[] slips
return function(r, least, most)
  local who, things = r:pick(PEOPLE), r:pick(THINGS)
  local said, step, n, misread = r:pick(STARTS)(r, who, things)
  local story, steps, ops, start = { said }, { step }, {}, n
  local left = r:int(least, most)
  while left > 0 do
    local change, how, rest, op = r:pick(CHANGES)(r, who, things, n)
    if change then
      left, n = left - 1, rest
      story[#story + 1], steps[#steps + 1], ops[#ops + 1] = change, how, op
    end
  end
  local asked, last, answer, op = ending(r, who, things, n)
  story[#story + 1], steps[#steps + 1], ops[#ops + 1] = asked, last, op
  return { question = table.concat(story, " "), answer = tostring(answer),
    steps = table.concat(steps, "\n") }, slips_of(start, misread, ops)
end
