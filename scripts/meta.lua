-- meta.lua - the critic's own prompt, improved: its points should make other prompts better.
--
--   lunagrad run scripts/meta.lua                           on sim, a rule-based stand-in
--   lunagrad run scripts/meta.lua -m openai/gpt-4o-mini     on a real model (2,300 calls)
--
-- A task is a prompt to start with, three counting questions to learn from, and others to judge
-- by. One step improves its prompt; the step stays in the graph (functional = true), so that
-- feedback on the answers that the new prompt gives goes back to the prompt of the critic whose
-- points it was made of. What that critic's new prompt is worth is measured on tasks that played no
-- part in finding it, each with the old and with the new one: the mean difference is printed with its
-- interval, and whether a gain is shown.
--
-- Other arguments: tasks=6 (to learn from in a round, and as many to validate on), tests=30,
-- rounds=4, seed=1.

local lg = require "lunagrad"
local claim = require "lunagrad.improve.claim"
local statistics = require "lunagrad.stats_math"

local args, known = lg.args, { tasks = 6, tests = 30, rounds = 4, seed = 1 }
for name, value in pairs(args) do
  local n = known[name] and math.tointeger(tonumber(value))
  if not n or n < (name == "seed" and 0 or 1) then
    error(("%s=%s: there are tasks, tests, rounds and seed, whole numbers"):format(name, value), 0)
  end
  known[name] = n
end

local LEARN, JUDGE = 3, 12 -- questions of a task
local STARTS = { "Answer the question.", "Give the answer.", "You are a helpful assistant.",
  "Reply to the user.", "Answer as well as you can.", "Solve the problem." }

local n_made = 0
local function make_tasks(n)
  local tasks = {}
  for i = 1, n do
    n_made = n_made + 1
    local rows = lg.task.object_counting.generate(LEARN + JUDGE,
      ("%d of seed %d"):format(n_made, known.seed))
    tasks[i] = { start = STARTS[n_made % #STARTS + 1], learn = table.move(rows, 1, LEARN, 1, {}),
      judge = table.move(rows, LEARN + 1, #rows, 1, {}) }
  end
  return tasks
end

local model = lg.model() -- what -m says, or sim
local exact = lg.loss.exact { extract = lg.extract.last_number }

local function losses_of(rows, prompt)
  return lg.map(rows, function(row)
    return exact(model { row.question, system = prompt, role = "answer to the question" }, row)
  end)
end

-- The task's prompt after one step, as a variable of the graph; and whether it is a new one.
local function improved(task)
  local prompt = lg.param(task.start, "system prompt for counting questions")
  lg.mean(losses_of(task.learn, prompt)):backward()
  local new, report = lg.optim.tgd { prompt }:step { functional = true }
  return new[1], report.changed
end

-- For each task the share of its questions that its new prompt gets right, if this critic is asked.
local function measure(tasks, critic)
  lg.prompts["critic.system"] = critic
  return lg.map(tasks, function(task)
    return lg.mean(losses_of(task.judge, (improved(task)))).score
  end)
end

local old = lg.prompts["critic.system"]:text()
local critic = lg.param(old, "system prompt of the one who gives points on other prompts")
local optimizer = lg.optim.tgd { critic }
local validation, tests = make_tasks(known.tasks), make_tasks(known.tests)

-- Feedback on the critic's prompt. Those who give it are asked in the old words.
local function look_back(tuning)
  optimizer:zero_grad()
  lg.prompts["critic.system"] = critic
  local new = lg.map(tuning, function(task)
    local prompt, changed = improved(task)
    return changed and prompt or false
  end)
  lg.prompts.use "default"
  local losses = {}
  for i, task in ipairs(tuning) do
    local all = new[i] and losses_of(task.judge, new[i]) or {}
    table.move(all, 1, #all, #losses + 1, losses)
  end
  if #losses > 0 then lg.mean(losses):backward() end
end

local best = statistics.mean(measure(validation, critic))
print(("validation with the old critic: %.3f"):format(best))
for round = 1, known.rounds do
  look_back(make_tasks(known.tasks))
  local report, said = optimizer:step(), nil
  if report.changed then
    local score = statistics.mean(measure(validation, critic))
    said = ("%s: validation %.3f -> %.3f"):format(score > best and "kept" or "taken back",
      best, score)
    if score > best then
      best = score
      optimizer:accepted(score)
    else
      optimizer:rejected(score, best)
      critic:rollback(critic:versions() - 1)
    end
  end
  print(("round %d, %s"):format(round, said or report.reason))
end

print("\nthe critic's prompt is now:\n  " .. critic:text():gsub("\n", "\n  "))

local before, after = measure(tests, old), measure(tests, critic)
print(("\n%d tasks that it was not tuned on, each with both critics, right answers after one step:")
  :format(#tests))
print(("old %.3f, new %.3f"):format(statistics.mean(before), statistics.mean(after)))
print(claim.paired(before, after, { seed = known.seed }))
