--- Running a race: the child's scores are asked for in a window that slides along the order, and the
--- verdict of each prefix decides whether the next ones are.
--
-- The window keeps the lanes busy while the head is waited for. What is asked about is a function
-- of the scores alone (the k-th is asked for once the race goes on after the first k - window), so
-- that the same is bought at any concurrency, and some `window` scores more than a child needed
-- that is dropped. What a race is, lunagrad.improve.race says. Used by lg.optimize and lg.train.

local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local race = require "lunagrad.improve.race"

local racing = {}

local WINDOW = 8

-- All that were begun have to end before the first error of the order is raised.
local function drain(tasks, from)
  local bad
  for k = from, #tasks do
    local ok, problem = pcall(tasks[k].await, tasks[k])
    if not ok and not bad then bad = problem end
  end
  return bad
end

--- Race a child against the scores of its parent. Runs as part of a task.
---
--- spec: order (the examples, all of them), parent(example) → score if it is known,
--- evaluate(example) → score and the parent's, window (8), growth (one more in the window for so
--- many scores that it has lasted: quicker, and more is bought of what is dropped late), first (so
--- many are looked at before more than these are asked for), delta, beta,
--- early, tie, strict, whole as lunagrad.improve.race has them; may(k, at) → whether the k-th score
--- may be bought, asked when the first `at` are there.
---@param spec table
---@return table {kept, why, n = scores that were looked at, bought, race}
function racing.run(spec)
  local order, parent, n = spec.order, {}, #spec.order
  for k = 1, n do parent[k] = spec.parent(order[k]) end
  local one = race.new { n = n, parent = parent, delta = spec.delta, beta = spec.beta,
    early = spec.early, tie = spec.tie, strict = spec.strict, whole = spec.whole }
  local tasks, window, verdict, why, stopped = {}, spec.window or WINDOW, "go", nil, false
  local function reach(done)
    local most = done + window + (spec.growth and done // spec.growth or 0)
    local first = spec.first or 0
    return math.min(n, done < first and math.min(first, most) or most)
  end
  local at = 0
  while verdict == "go" do
    while #tasks < reach(at) and not stopped do
      if spec.may and not spec.may(#tasks + 1, at) then
        stopped = true
      else
        tasks[#tasks + 1] = loop.spawn(spec.evaluate, {}, order[#tasks + 1])
      end
    end
    if at == #tasks then
      verdict, why = "drop", "the budget"
    else
      at = at + 1
      local ok, score, before = pcall(tasks[at].await, tasks[at])
      if not ok then
        drain(tasks, at + 1)
        error(score, 0)
      end
      verdict, why = one:add(score, before)
    end
  end
  local bad = drain(tasks, at + 1)
  if bad and errors.stops(bad) then error(bad, 0) end
  return { kept = verdict == "keep", why = why, n = at, bought = #tasks, race = one }
end

return racing
