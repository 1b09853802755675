-- prompt.lua - a system prompt, improved step by step on counting questions.
--
-- The loop of the TextGrad paper (arXiv 2406.07496, section 3.3): 50 questions to learn from,
-- in batches of 3 for 12 steps; 100 to validate on, which decide whether a step is kept; 100
-- that are only looked at before and after.
--
--   lunagrad run scripts/prompt.lua                            on sim, with generated questions
--   lunagrad run scripts/prompt.lua -m openai/gpt-4o-mini      on a real model
--   lunagrad run scripts/prompt.lua data=object_counting.json  with BIG-Bench Hard's questions
--
-- Other arguments: steps=12 batch=3 seed=1.

local lg = require "lunagrad"

local args = lg.args

-- An argument that is a whole number of at least `least`; checked before anything is asked.
local function number(name, default, least)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= least then return value end
  error(("%s=%s: expected a whole number of at least %d"):format(name, args[name], least), 0)
end

for name in pairs(args) do
  if not ("data seed steps batch "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, seed, steps and batch"):format(name), 0)
  end
end
local seed, steps, batch = number("seed", 1, 0), number("steps", 12, 0), number("batch", 3, 1)

local questions
if args.data then
  questions = lg.data.bbh(args.data)
else
  questions = lg.data.list(lg.task.object_counting.generate(250, seed))
end
local train, val, test = questions:split { 50, 100, 100, seed = seed }

-- The program: one call. The prompt is what will be improved.
local model = lg.model() -- what -m says, or sim
local prompt = lg.param("Answer the question.", "system prompt for counting questions")

local function program(row)
  return model { row.question, system = prompt, role = "answer to the question" }
end

-- The judge: the last number in the answer is the right one, or it is not.
local exact = lg.loss.exact { extract = lg.extract.last_number }

local function accuracy()
  return lg.evaluate { program, data = test, metric = lg.metric.number }
end

local before, accuracy_before = prompt:text(), accuracy()

local training = lg.train {
  program = program, params = { prompt },
  loss = function(answer, row) return exact(answer, row.answer) end,
  metric = lg.metric.number,
  train = train, val = val, seed = seed,
  batch = batch, steps = steps,
}

local accuracy_after = accuracy()

print(training)
-- One sentence a line, for people.
local function shown(text)
  return "  " .. text:gsub("([.!?]) +", "%1\n"):gsub("\n", "\n  ")
end

print("\nprompt before:\n" .. shown(before))
print("\nprompt after:\n" .. shown(prompt:text()))
print("\ntest accuracy before: " .. tostring(accuracy_before))
print("test accuracy after:  " .. tostring(accuracy_after))
