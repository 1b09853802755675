-- pipeline.lua - 1,000 examples through two calls each, and backward of a batch of 64.
--
-- Run by run.sh, which sets BENCH_BASE_URL to a server that thinks for 200 ms. Prints one
-- line: wall_s, the time of the examples; waves, the time of backward in units of 200 ms.

local lg = require "lunagrad"
local clock = require("lunagrad.core").engine {}

local EXAMPLES, BATCH, LATENCY_S = 1000, 64, 0.2

local model = lg.model { "bench/bench", concurrency = EXAMPLES }
lg.default { model = model, backward = model, optimizer = model }
local prompt = lg.param("Answer the question. End with the number.", "system prompt")
local exact = lg.loss.exact { target = "10", extract = lg.extract.last_number }

local function seconds() return clock:now() / 1e6 end

local function pipeline(example)
  local draft = model { example.question, system = prompt, role = "draft of the answer" }
  local again = lg.format("Check this draft:\n{draft}", { draft = draft })
  return model { again, system = prompt, role = "answer" }
end

local examples = {}
for i = 1, EXAMPLES do
  examples[i] = { question = ("Question %d: how many fruits are there?"):format(i) }
end

local start = seconds()
local answers = lg.map(examples, pipeline, { concurrency = EXAMPLES })
for _, answer in ipairs(answers) do answer:text() end
local wall = seconds() - start

local losses = {}
for i = 1, BATCH do losses[i] = exact(answers[i]) end
start = seconds()
lg.mean(losses):backward()
assert(#prompt:feedback() > 0, "no feedback arrived")
local waves = (seconds() - start) / LATENCY_S

print(("wall_s=%.3f waves=%.2f"):format(wall, waves))
