-- script.lua - what the kill tests run: a small training whose end is the same every time.
local lg = require "lunagrad"
local examples = math.tointeger(tonumber(os.getenv "KILL_EXAMPLES" or "24"))
local rows = lg.data.list(lg.task.object_counting.generate(2 * examples, 3))
local train, val = rows:split { examples, examples, seed = 1 }
local model = lg.model "openai/gpt-4o-mini"
lg.default { model = model }
local prompt = lg.param("Answer the question.", "system prompt for counting questions")
local exact = lg.loss.exact { extract = lg.extract.last_number }
local result = lg.train {
  program = function(row) return model { row.question, system = prompt } end,
  params = { prompt }, loss = function(answer, row) return exact(answer, row.answer) end,
  metric = lg.metric.number, train = train, val = val, batch = 3, steps = 4, seed = 1,
}
print(result.stopped, result.best_score)
print(prompt)
