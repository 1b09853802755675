--- The one-step probe: single steps of critic and editor, each from the start prompt, for a person
--- to look at.
--
-- Rows that the start prompt fails on, one step each, independent of one another. Form is counted
-- here; whether a proposal makes sense is for who reads it.

local lg = require "lunagrad"

local operators = require "operators"

-- The first n rows that the start prompt fails on.
local function failing(case, rows, n)
  local found, asked = {}, 0
  for from = 1, #rows, n do
    local some = table.move(rows, from, math.min(from + n - 1, #rows), 1, {})
    asked = asked + #some
    local start = case.start()
    local scores = lg.map(some, function(row)
      return case.metric(case.program(start, row):text(), row)
    end)
    for i, row in ipairs(some) do
      if scores[i] < 1 and #found < n then found[#found + 1] = row end
    end
    if #found == n then break end
  end
  return found, asked
end

local function indent(text) return "    " .. text:gsub("\n", "\n    ") end

-- One step: what the critic said, what the editor made of it.
local function step(case, row)
  local prompt = case.start()
  local answer = case.program(prompt, row)
  local loss = case.loss(answer, row)
  loss:backward(case.backward)
  local judge = (case.candidates or 1) > 1 and function()
    return case.metric(case.program(prompt, row):text(), row)
  end or nil
  local report = case.optimizer(prompt):step { judge = judge }
  return { row = row, output = answer:text(), entry = report.params[1],
    candidates = report.candidates }
end

local function show(i, one)
  local entry = one.entry
  print(("%d. %s  [right: %s]\n  the model:\n%s\n  the critic:\n%s\n  %s, %d malformed:\n%s\n")
    :format(i, one.row.question, one.row.answer, indent(one.output),
    indent(table.concat(entry.feedback or {}, "\n")),
    entry.reasked and entry.reason .. ", asked twice" or entry.reason, entry.malformed or 0,
    indent(entry.after or entry.reply and entry.reply:text() or "-")))
  for k, candidate in ipairs(one.candidates or {}) do
    print(("  candidate %d, %s: %s"):format(k, candidate.problem or candidate.score or "not judged",
      candidate.texts and candidate.texts[1] or "-"))
  end
end

--- Make n independent single steps and print them.
---@param case table start(), program(prompt, row), loss, metric, backward, optimizer(prompt),
---candidates (more than one are judged on the step's own row)
---@param rows table[]
---@param n integer
return function(case, rows, n)
  local since = operators.mark()
  local failed, asked = failing(case, rows, n)
  local steps = lg.map(failed, function(row) return step(case, row) end)
  local sum = { usable = 0, twice = 0, malformed = 0 }
  for i, one in ipairs(steps) do
    show(i, one)
    sum.usable = sum.usable + (one.entry.changed and 1 or 0)
    sum.twice = sum.twice + (one.entry.reasked and 1 or 0)
    sum.malformed = sum.malformed + (one.entry.malformed or 0)
  end
  print(("%d rows failed of %d asked; %d steps: %d usable, %d refused, %d asked twice")
    :format(#failed, asked, #steps, sum.usable, #steps - sum.usable, sum.twice))
  print(("malformed replies: critic %d, editor %d"):format(operators.critic_malformed(),
    sum.malformed))
  print(operators.spent(since))
  print "Whether a proposal is sensible is for you to say. So few say little; a second run differs."
end
