--- The loss of an answer that needs no improvement: it has its score, and costs nothing backward.
--
-- So whoever merges feedback and the editor are told how many examples are solved, and see what
-- solves them. Used by lunagrad.improve.train and the operators of the search.

local var = require "lunagrad.var"

local solved = {}

--- A loss of an answer that is right.
---@param answer lunagrad.var
---@param score number
---@param perfect number the score that counts as solved
---@return lunagrad.var
function solved.loss(answer, score, perfect)
  return var.tool { name = "metric", purpose = "scores an answer, higher is better",
    inputs = { "answer" }, target = perfect, role = "score of the answer",
    run = function() return "solved", score end }(answer)
end

return solved
