-- prompt.lua - a system prompt, improved step by step on questions of one kind.
--
-- The loop of the TextGrad paper (arXiv 2406.07496, section 3.3): 50 questions to learn from,
-- in batches of 3 for 12 steps; 100 to validate on, which decide whether a step is kept; 100
-- that are only looked at before and after.
--
--   lunagrad run scripts/prompt.lua                            on sim, with generated questions
--   lunagrad run scripts/prompt.lua task=sorting               words to sort; or task=math
--   lunagrad run scripts/prompt.lua data=object_counting.json  with BIG-Bench Hard's questions
--   lunagrad run scripts/prompt.lua task=math data=train.jsonl with GSM8K's
--   lunagrad run scripts/prompt.lua -m openai/gpt-4o-mini      on a real model
--   … -m model=openai/gpt-4o-mini -m backward=openai/gpt-4o    the stronger one criticises and edits
--   lunagrad run scripts/prompt.lua with=compare      a search instead of the loop: the
--       instruction alone, worked examples alone, and both (with=instruction, examples or both)
--
-- Other arguments: steps=12 batch=3 seed=1, vote=5 (beside it, a vote over so many answers of the
-- first prompt; 0: none, as it is where only counting is asked for).

local lg = require "lunagrad"

local args = lg.args

-- An argument that is a whole number of at least `least`; checked before anything is asked.
local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

local function choice(name, default, list)
  local value = args[name] or default
  if list[value] then return list[value], value end
  local names = {}
  for known in pairs(list) do names[#names + 1] = known end
  table.sort(names)
  error(("%s=%s: expected one of %s"):format(name, value, table.concat(names, ", ")), 0)
end

for name in pairs(args) do
  if not ("data seed steps batch task with calls vote "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, seed, steps, batch, task, with, calls and vote")
      :format(name), 0)
  end
end
local seed, steps, batch = number("seed", 1, 0), number("steps", 12, 0), number("batch", 3, 1)
local calls = number("calls", 1500, 1)

-- ---- the tasks -----------------------------------------------------------------------

-- The words of a sorted list, one blank between two: what stands behind the last "Answer:", else
-- the last line.
local function sorted_words(text)
  local line = lg.extract.after "Answer:"(text) or lg.extract.last_line(text)
  return line and (line:gsub("[%s,]+", " "):gsub("^[%s%p]+", ""):gsub("[%s%p]+$", ""))
end

local TASKS = {
  counting = { role = "system prompt for counting questions", read = lg.data.bbh,
    make = lg.task.object_counting.generate,
    extract = lg.extract.last_number, metric = lg.metric.number },
  sorting = { role = "system prompt for sorting words", read = lg.data.bbh,
    make = lg.task.word_sorting.generate, extract = sorted_words,
    metric = function(answer, row) return sorted_words(answer) == sorted_words(row.answer) end },
  math = { role = "system prompt for word problems", read = lg.task.gsm8k,
    make = lg.task.word_problems.generate,
    extract = lg.extract.last_number, metric = lg.metric.number },
}
local WITH = { instruction = { "gradient" }, examples = { "demos" },
  both = { "gradient", "demos" }, compare = { "instruction", "examples", "both" }, loop = {} }

local task, task_name = choice("task", "counting", TASKS)
local with, with_name = choice("with", "loop", WITH)

local questions = args.data and task.read(args.data) or lg.data.list(task.make(250, seed))
local train, val, test = questions:split { 50, 100, 100, seed = seed }

-- Without -m: a world that can do the task; for the harder ones a hasty answerer and a careful
-- critic.
if task_name ~= "counting" then
  lg.default { model = "sim/scholar,slips=1.2" }
  if lg.model().name:find "^sim/" then lg.default { backward = "sim/scholar,noise=0.05" } end
end

-- The program: one call. The prompt is what will be improved.
local model = lg.model() -- what -m says, or sim
local prompt = lg.param("Answer the question.", task.role)

local function program(row)
  return model { row.question, system = prompt, role = "answer to the question" }
end

-- The judge: what is read from the answer is the right one, or it is not.
local exact = lg.loss.exact { extract = task.extract }

local function loss(answer, row) return exact(answer, row.answer) end

-- One sentence a line, for people.
local function shown(text)
  return "  " .. text:gsub("([.!?]) +", "%1\n"):gsub("\n", "\n  ")
end

-- ---- the search: instruction, worked examples, or both -----------------------------------

local function search(operators)
  local before = prompt:text()
  local result = lg.optimize { program = program, params = { prompt }, metric = task.metric,
    loss = loss, train = train, val = val, test = test, operators = operators, seed = seed,
    budget = { calls = calls } }
  local best = prompt:text()
  prompt:set(before)
  return result, best
end

local function comparison()
  local best = {}
  for _, name in ipairs(with) do
    local result
    result, best[name] = search(WITH[name])
    print(("\n%s, %d calls\n%s"):format(name, result.spent.calls, shown(best[name])))
    print(result.claim)
  end
  for _, name in ipairs { "instruction", "examples" } do
    print(("\na: %s alone, b: both"):format(name))
    print(lg.compare { program = program, a = { [prompt] = best[name] },
      b = { [prompt] = best.both }, data = test, metric = task.metric })
  end
end

if with_name == "compare" then
  comparison()
  return
elseif with_name ~= "loop" then
  local result, best = search(with)
  print(result)
  print("\nprompt after:\n" .. shown(best))
  return
end

-- ---- the loop ----------------------------------------------------------------------------

local function accuracy(run)
  return lg.evaluate { run, data = test, metric = task.metric }
end

-- The same answers again, for the claim.
local function given(result)
  local of = {}
  for i, row in ipairs(test) do of[row] = result.rows[i].output end
  return function(row) return of[row] end
end

local before, accuracy_before = prompt:text(), accuracy(program)
local votes = number("vote", task_name == "counting" and 0 or 5, 0)
local accuracy_voted = votes > 0 and accuracy(function(row)
  return (lg.vote { program, row, n = votes, extract = task.extract })
end)

local training = lg.train {
  program = program, params = { prompt }, loss = loss, metric = task.metric,
  train = train, val = val, seed = seed,
  batch = batch, steps = steps,
}

local accuracy_after = accuracy(program)

print(training)
print("\nprompt before:\n" .. shown(before))
print("\nprompt after:\n" .. shown(prompt:text()))
print("\ntest accuracy before: " .. tostring(accuracy_before))
if accuracy_voted then
  print(("  … a vote over %d:    %s"):format(votes, tostring(accuracy_voted)))
end
print("test accuracy after:  " .. tostring(accuracy_after))
print("after - before:       " .. tostring(lg.compare { given(accuracy_before),
  given(accuracy_after), data = test, metric = task.metric }.claim))
