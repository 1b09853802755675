--- Makes word problems in the form of GSM8K: two to four steps of arithmetic told as a story.
--
-- Rows are those of lg.task.gsm8k (question, answer, steps, id). The answer is known from making
-- the story, not from reading it.

local making = require "lunagrad.task.making"
local problem = require "lunagrad.task.word_problem"

local word_problems = {}

--- Make n different word problems in GSM8K's form. Equal seeds give equal problems.
---@param n integer up to 10,000
---@param seed? integer|string default 1
---@return { question: string, answer: string, steps: string, id: string }[]
word_problems.generate = making("lg.task.word_problems.generate", function(r)
  return (problem(r, 1, 2))
end)

return word_problems
