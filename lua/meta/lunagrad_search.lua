---@meta lunagrad_search
-- What editors should know of candidates and of the search (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

--- Run fn with other texts for parameters: in it, in every task begun there and every tool called
--- there a parameter is the candidate's version. Outside nothing changes. Waits for fn.
---@param candidate table<Var, lunagrad.text>
---@param fn function
---@param ... any for fn
---@return any ... what fn returns
function lunagrad.with(candidate, fn, ...) end

--- Run two programs on all rows at the same time: is the second better, and is that shown?
--- Instead of two programs there may be one, program=, with two candidates as of lg.with.
--- fixed and broken: the rows that got better and worse, {i, id, example, a, b, a_score, b_score}.
---@param spec table {a, b, program=, data=, metric=, field=, seed=, alpha=, on_error=, concurrency=}
---@return table {a=, b=, shown=, gain=, low=, high=, p=, test=, n=, needed=, smallest=, fixed=, broken=}
function lunagrad.compare(spec) end
