---@meta lunagrad_search
-- What editors should know of optimizers, candidates and the search (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.optimizer
---@field step fun(self, opts?: {judge: function, functional: boolean}): table report or, functional, new variables
---@field zero_grad fun(self)
---@field parameters fun(self): Var[]

lunagrad.optim = {}
--- Textual gradient descent over the given parameters.
--- media_model edits those that are pictures or sounds, e.g. "openai-image/gpt-image-1".
--- docs/optimizers.md describes the options.
---@param spec table {params…, model=, media_model=, momentum=, memory=, constraints=, examples=,
--- tags=, context_tokens=, reply_tokens=, may_grow=, mode="rewrite"|"edit"|"auto", max_edits=,
--- candidates=, judge=, check_constraints=true|model, together=, pictures=}
---@return lunagrad.optimizer
function lunagrad.optim.tgd(spec) end

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

---@class lunagrad.headroom
---@field measured boolean whether anything was asked
---@field examples integer[]|nil rows of val that were asked about
---@field noise number|nil share of them whose score changes between two draws of the same texts
---@field changes number|nil share of them whose score differs in any draw
---@field matters "yes"|"unclear"|"no"|nil whether crude variants differ by more than noise; nil: none
---@field p number|nil chance of such a difference if noise were all of it
---@field scores table<string, number>|nil mean of each draw
---@field failed string[]|nil variants that the program broke on
---@field differ number share of examples that texts differ on, as the gains are reckoned with
---@field smallest {validation: number|nil, test: number|nil} gain shown in four of five cases
---@field evaluations integer|nil of the search, at most
---@field calls integer|nil of the search, about
---@field cost number|nil dollars, about
---@field bought {evaluations: integer, calls: integer}

--- What a search can find and show here, and what it will ask for; before it spends. Scores the
--- parameters' texts twice and three crude variants of them once, on a few rows of val. Waits.
---@param spec table {program=, params=, metric=, val=, test=, budget=, examples=12, seed=, weights=}
---@return lunagrad.headroom
function lunagrad.headroom(spec) end

---@class lunagrad.optimized
---@field best table<string, string> name of a parameter → text that was shipped
---@field texts string[] the same by the order of the parameters
---@field artefact string|table<string, string>|nil of the door with evaluate
---@field seed_score number on validation
---@field best_score number on validation, which it was chosen by: it overstates
---@field best_seen integer validation examples that best_score is known from: what was kept early may
--- be the best before all are known, and its score is a guess then
---@field claim lunagrad.claim|nil seed against best on the test set, with fixed_ids and broken_ids
---@field proposals table[] {number, operator, parent, kept, reason, gain, calls, evaluations, race}
---@field headroom lunagrad.headroom what was known before it began
---@field pool table candidates: pool.list, pool:best()
---@field kept integer
---@field dropped integer
---@field spent {calls: integer, evaluations: integer, beside: table|nil} beside: {calls, evaluations}
--- of proposals that were open when a decision ended the search
---@field stopped string "budget", "score", "patience", "proposals", "nothing new", "cost", "tokens",
--- "time", "stop" or "limit"
---@field shipped integer which candidate the parameters hold; 0: the seed

--- Improve the parameters of a program, or one artefact, by a search over a pool of candidates.
--- Doors: { program, params, train, val, test, metric, loss } or { start, role, evaluate =
--- function(candidate, example) return score, feedback, output end, examples, objective }.
--- budget = { calls, evaluations, cost, tokens, time, proposals }; stop = { score, patience, when }
--- or a function; method, operators, select, front, lag, batch, window, delta, beta, pool, max_demos,
--- constraints, model, backward, perfect, weights, alpha, ship, rescore, headroom, on_error,
--- on_event, seed.
---@param spec table
---@return lunagrad.optimized
function lunagrad.optimize(spec) end
