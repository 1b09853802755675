-- quickstart.lua - one answer, improved by a critic.
--
--   lunagrad run scripts/quickstart.lua                        on sim, the embedded stand-in
--   lunagrad run scripts/quickstart.lua -m openai/gpt-4o-mini  on a real model

local lg = require "lunagrad"

local model = lg.model() -- what -m says, or sim
local question = "I have two pears, a lamp, three plums, a head of broccoli, a mango, two clocks, "
  .. "four figs, and a lime. How many fruits do I have?"

local answer = lg.param(model(question):text(), "answer to the question")
local critic = lg.loss.critic "Is the answer to the question right? Be brief and critical."
local optimizer = lg.optim.tgd { answer }

print("the question:\n" .. question .. "\n\nbefore:\n" .. answer:text())

local critique = critic(answer, { question = question })
critique:backward()  -- what should change in the answer, and why?
optimizer:step()     -- write it again with that in mind

print("\nthe critic:\n" .. critique:text() .. "\n\nafter:\n" .. answer:text())
