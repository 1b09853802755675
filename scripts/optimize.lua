-- optimize.lua - one text, made better by whatever can judge it: here instructions for counting.
--
--   lunagrad run scripts/optimize.lua                          on sim, without a key
--   lunagrad run scripts/optimize.lua -m openai/gpt-4o-mini    on a real model
--
-- Put your own text, role and evaluate in their place: evaluate may run code, a test, a simulator, a
-- model. It returns a score and, if it can, what is wrong, in words.

local lg = require "lunagrad"

local model = lg.model()
local questions = lg.data.list(lg.task.object_counting.generate(120, 1))
local examples, fresh = questions:split { 60, 60, seed = 1 }

local result = lg.optimize {
  start = "Answer the question.", role = "instructions for counting questions",
  evaluate = function(text, row)
    local answer = model { row.question, system = text }:text()
    local right = lg.metric.number(answer, row)
    return right, right == 1 and "right" or "wrong: " .. answer, answer
  end,
  examples = examples, test = fresh, budget = { calls = 600 },
}
print(result)
print("\n" .. result.artefact)
