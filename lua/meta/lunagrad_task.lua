---@meta lunagrad_task
-- What editors should know of tasks, and of votes over their answers (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.votes
---@field answer string|nil what was voted for; nil: no sample holds an answer
---@field votes integer for it
---@field n integer samples
---@field unread integer samples that hold no answer, failed ones among them
---@field tally {answer: string, votes: integer, sample: integer}[] most votes first
---@field sample integer which one was returned
---@field samples {output: any, text: string, answer: string|nil, error: any}[]

--- n answers of a program, and the one that most of them agree on: self-consistency. Of answers
--- with equal votes the first seen. extract: what counts of an output, nil for no answer.
---@param spec table {program, input, n = 5, extract = lg.extract.whole, concurrency=, on_error=}
---@return any output what the program returned, of the first sample with that answer
---@return lunagrad.votes votes
function lunagrad.vote(spec) end

---@class lunagrad.best
---@field score number
---@field mean number over all that were scored: what one sample is worth
---@field n integer samples
---@field sample integer which one was returned
---@field samples {output: any, text: string, score: number|nil, error: any}[]

--- n answers of a program, and the one with the largest score; of equal ones the first.
--- score(text, output) returns a number, a boolean, or a loss that has a score.
---@param spec table {program, input, n = 5, score=, concurrency=, on_error=}
---@return any output what the program returned
---@return lunagrad.best best
function lunagrad.best_of(spec) end
