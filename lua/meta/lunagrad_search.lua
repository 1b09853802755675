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

---@class lunagrad.optimized
---@field best table<string, string> name of a parameter → text that was shipped
---@field texts string[] the same by the order of the parameters
---@field artefact string|table<string, string>|nil of the door with evaluate
---@field seed_score number on validation
---@field best_score number on validation, which it was chosen by: it overstates
---@field claim lunagrad.claim|nil seed against best on the test set, with fixed_ids and broken_ids
---@field proposals table[] {number, operator, parent, kept, reason, gain, calls, evaluations, race}
---@field pool table candidates: pool.list, pool:best()
---@field kept integer
---@field dropped integer
---@field spent {calls: integer, evaluations: integer}
---@field stopped string "budget", "score", "patience", "proposals", "nothing new", "cost", "tokens",
--- "time", "stop" or "limit"
---@field shipped integer which candidate the parameters hold; 0: the seed

--- Improve the parameters of a program, or one artefact, by a search over a pool of candidates.
--- Doors: { program, params, train, val, test, metric, loss } or { start, role, evaluate =
--- function(candidate, example) return score, feedback, output end, examples, objective }.
--- budget = { calls, evaluations, cost, tokens, time, proposals }; stop = { score, patience, when }
--- or a function; method, operators, select, front, lag, batch, window, delta, beta, pool, max_demos,
--- constraints, model, backward, perfect, weights, alpha, ship, on_error, on_event, seed.
---@param spec table
---@return lunagrad.optimized
function lunagrad.optimize(spec) end
