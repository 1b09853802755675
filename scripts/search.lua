-- search.lua - a prompt for a data set, by a search over many candidates at once, and a claim at the
-- end that holds: seed against best on questions that nothing was chosen by.
--
--   lunagrad run scripts/search.lua                            on sim, with generated questions
--   lunagrad run scripts/search.lua -m openai/gpt-4o-mini      on a real model
--   lunagrad run scripts/search.lua data=object_counting.json  with BIG-Bench Hard's questions
--
-- Other arguments: calls=700 seed=1 method=race (or gepa, tgd, mipro, opro, best_of_n).

local lg = require "lunagrad"

local args = lg.args

local function number(name, default)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= 0 then return value end
  error(("%s=%s: expected a whole number"):format(name, args[name]), 0)
end

for name in pairs(args) do
  if not ("data seed calls method "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, seed, calls and method"):format(name), 0)
  end
end
local seed = number("seed", 1)

local questions = args.data and lg.data.bbh(args.data)
  or lg.data.list(lg.task.object_counting.generate(250, seed))
local train, val, test = questions:split { 50, 100, 100, seed = seed }

local model = lg.model() -- what -m says, or sim
local prompt = lg.param("Answer the question.", "system prompt for counting questions")
local exact = lg.loss.exact { extract = lg.extract.last_number }

local result = lg.optimize {
  program = function(row)
    return model { row.question, system = prompt, role = "answer to the question" }
  end,
  params = { prompt }, metric = lg.metric.number,
  loss = function(answer, row) return exact(answer, row.answer) end,
  train = train, val = val, test = test,
  budget = { calls = number("calls", 700) }, method = args.method, seed = seed,
}

print(result)
print("\nprompt after:\n  " .. prompt:text():gsub("([.!?]) +", "%1\n"):gsub("\n", "\n  "))
