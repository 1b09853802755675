-- agent.lua - a model that calls tools, and the trace of what it did.

local lg = require "lunagrad"

local prices = { pear = 0.40, plum = 0.15, mango = 1.20 }

local agent = lg.agent {
  model = lg.model(), -- what -m says, or sim
  system = "Answer with the help of the tools. Be brief.",
  tools = {
    { name = "fruit_price", description = "Looks up the price of a fruit, in euros.",
      parameters = { fruit = { "pear", "plum", "mango" } },
      run = function(args) return { fruit = args.fruit, euros = prices[args.fruit] } end },
    { name = "multiply", description = "Multiplies two numbers a and b.",
      parameters = { a = "number", b = "number" },
      run = function(args) return args.a * args.b end },
  },
}

local answer = agent "What is the price of a mango? And multiply 12 by 7."

print(answer)
for i, step in ipairs(answer:trace()) do
  for n, call in ipairs(step.calls) do
    print(("step %d: %s %s -> %s"):format(i, call.name, lg.json.encode(call.arguments),
      step.results[n].text))
  end
end
