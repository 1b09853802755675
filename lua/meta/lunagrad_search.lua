---@meta lunagrad_search
-- What editors should know of optimizers, candidates and the search (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.optimizer what lg.optim.tgd returns
local Optimizer = {}

---@class lunagrad.step_options
---@field judge? fun(texts: string[]): number for candidates: what these texts are worth
---@field functional? boolean nothing is set: the new texts come back as variables of the graph

--- Rewrite the texts that have feedback: all of them, or none. Waits.
--- ```lua
--- local p = lg.param("Give the answer.", "system prompt")
--- local optimizer = lg.optim.tgd { p, model = lg.model(function()
---   return "<NEW_VARIABLE>Give the answer, and be kind.</NEW_VARIABLE>"
--- end) }
--- p:add_feedback "be kind"
--- print(optimizer:step().changed, p)                             --> true	Give the answer, and be kind.
--- ```
---@param opts? lunagrad.step_options
---@return table report {changed, reason, params = {{role, changed, reason, before, after, …}}};
---with
---functional the new variables
---@raises what a call of the editor failed with; then nothing has changed
function Optimizer:step(opts) end

--- Forget the feedback of all its parameters.
--- ```lua
--- local p = lg.param("x", "a text")
--- p:add_feedback "say more"
--- lg.optim.tgd { p }:zero_grad()
--- print(#p:feedback())                                           --> 0
--- ```
function Optimizer:zero_grad() end

--- The parameters, in the order in which they were given.
--- ```lua
--- print(#lg.optim.tgd({ lg.param("x", "a text") }):parameters()) --> 1
--- ```
---@return Var[]
function Optimizer:parameters() end

lunagrad.optim = {}

---@class lunagrad.tgd_spec
---@field [integer] Var the parameters: made with lg.param
---@field model? lunagrad.model|string who rewrites (default: the role "optimizer")
---@field media_model? lunagrad.model|string who edits pictures and sounds (default: model)
---@field mode? "rewrite"|"edit"|"auto" the whole text anew, a few edits of it, or edits of texts
---beyond some 1,500 tokens (default "rewrite")
---@field max_edits? integer so many edits of a reply are taken (default 5)
---@field together? boolean one question and one reply for all texts that have feedback (default
---false)
---@field candidates? integer so many proposals a step, of which the best is taken (default 1)
---@field judge? fun(texts: string[]): number which candidate is best
---@field momentum? integer so many past versions are shown (default 0)
---@field memory? integer the feedback of so many past steps is shown (default 0)
---@field constraints? (string|lunagrad.constraint)[] what a new text must keep to
---@field check_constraints? boolean|lunagrad.model|string a judge looks at those that are
---sentences; who (default false)
---@field examples? lunagrad.text[] texts that the new one should be like
---@field tags? string|string[] the tag that a reply must use (default "NEW_VARIABLE")
---@field context_tokens? integer budget of all that is shown beside the parameter (default 24000)
---@field reply_tokens? integer ceiling of a reply, for models without max_tokens; 0: none
---(default: what
---the text needs)
---@field pictures? boolean those that the feedback is about are shown to the editor (default true)
---@field may_grow? boolean a step may make a text more than four times as long (default false)

--- Textual gradient descent over the given parameters. docs/optimizers.md says more of the options.
--- ```lua
--- local p = lg.param("Be brief.", "system prompt")
--- local optimizer = lg.optim.tgd { p, momentum = 2, constraints = { "be polite", lg.constraint.max_words(40) } }
--- print(optimizer:step().reason)                                 --> no parameter has feedback
--- ```
---@param spec lunagrad.tgd_spec
---@return lunagrad.optimizer
---@raises inval: no parameter, one that takes no feedback, or the same twice
function lunagrad.optim.tgd(spec) end

--- Run fn with other texts for parameters: in it, in every task begun there and every tool called
--- there a parameter is the candidate's version. Outside nothing changes. Waits for fn.
--- ```lua
--- local prompt = lg.param("Be brief.", "system prompt")
--- print(lg.with({ [prompt] = "Be kind." }, function() return prompt:text() end), prompt) --> Be kind.	Be brief.
--- ```
---@param candidate table<Var, lunagrad.text>
---@param fn function
---@param ... any for fn
---@return any ... what fn returns
---@raises inval: a candidate that maps no parameters
function lunagrad.with(candidate, fn, ...) end

---@class lunagrad.compare_spec
---@field [integer] function|table the two: programs, or candidates of one `program`
---@field a? function|table the first by name
---@field b? function|table the second by name
---@field program? fun(row: lunagrad.row): lunagrad.text the one program, where a and b are
---candidates
---@field data lunagrad.dataset|lunagrad.row[] rows that nobody has tuned to
---@field metric lunagrad.metric_function the score of an output
---@field field? string of the row: what is right (default: "answer")
---@field alpha? number how small a p shows it (default 0.05)
---@field seed? any of intervals and tests (default 0)
---@field on_error? "raise"|"zero"|"skip" what a row that fails is: as of lg.evaluate (default
---"raise")
---@field concurrency? integer rows at the same time (default: all)

---@class lunagrad.comparison what lg.compare returns; print it
---@field a lunagrad.evaluation of the first
---@field b lunagrad.evaluation of the second
---@field shown boolean whether the second is shown to be better
---@field gain number mean difference
---@field low number its 95% interval
---@field high number likewise
---@field p number one-sided
---@field test string the name of the test
---@field n integer rows that both have a score for
---@field needed integer|nil rows that would show this gain
---@field smallest number|nil gain that so many rows show in four of five cases
---@field fixed table[] rows that got better: {i, id, example, a, b, a_score, b_score}
---@field broken table[] rows that got worse
---@field claim table|nil all that the test said

--- Run two programs on all rows at the same time: is the second better, and is that shown?
--- Instead of two programs there may be one, program=, with two candidates as of lg.with.
--- fixed and broken: the rows that got better and worse, {i, id, example, a, b, a_score, b_score}.
--- ```lua
--- local rows = lg.data.list(lg.task.object_counting.generate(40, 1))
--- local model = lg.model()
--- local function with(system)
---   return function(row) return model { row.question, system = system } end
--- end
--- local result = lg.compare { with "Answer.", with "List the items, one a line. End with: Answer: N",
---   data = rows, metric = lg.metric.number }
--- print(result.shown, #result.broken, result.n)                  --> true	2	40
--- ```
---@param spec lunagrad.compare_spec
---@return lunagrad.comparison
---@raises inval: an empty data set
function lunagrad.compare(spec) end

---@class lunagrad.headroom
---@field measured boolean whether anything was asked
---@field examples integer[]|nil rows of val that were asked about
---@field noise number|nil share of them whose score changes between two draws of the same texts
---@field changes number|nil share of them whose score differs in any draw
---@field matters "yes"|"unclear"|"no"|nil whether crude variants differ by more than noise; nil:
---none
---@field p number|nil chance of such a difference if noise were all of it
---@field scores table<string, number>|nil mean of each draw
---@field failed string[]|nil variants that the program broke on
---@field differ number share of examples that texts differ on, as the gains are reckoned with
---@field smallest {validation: number|nil, test: number|nil} gain shown in four of five cases
---@field evaluations integer|nil of the search, at most
---@field calls integer|nil of the search, about
---@field cost number|nil dollars, about
---@field bought {evaluations: integer, calls: integer}

---@class lunagrad.headroom_spec
---@field program fun(row: lunagrad.row): lunagrad.text as of lg.optimize
---@field params Var[] as of lg.optimize
---@field metric lunagrad.metric_function as of lg.optimize
---@field val lunagrad.dataset|lunagrad.row[] as of lg.optimize
---@field test? lunagrad.dataset|lunagrad.row[] as of lg.optimize
---@field budget? lunagrad.budget only reckoned with (default: 20 passes over val)
---@field weights? table<string, number> of objectives, as of lg.optimize
---@field examples? integer rows that are asked about, five times each (default 12)
---@field seed? any (default 0)

--- What a search can find and show here, and what it will ask for; before it spends. Scores the
--- parameters' texts twice and three crude variants of them once, on a few rows of val. Waits.
--- ```lua
--- local rows = lg.data.list(lg.task.object_counting.generate(30, 1))
--- local prompt, model = lg.param("Answer the question.", "system prompt"), lg.model()
--- local look = lg.headroom { params = { prompt }, val = rows, metric = lg.metric.number, examples = 6,
---   program = function(row) return model { row.question, system = prompt } end,
---   budget = { evaluations = 300 } }
--- print(look)                                                    --> noise
--- print(look.measured, look.bought.evaluations)                  --> true	30
--- ```
---@param spec lunagrad.headroom_spec
---@return lunagrad.headroom
---@raises inval: no parameter that is a text
function lunagrad.headroom(spec) end

---@class lunagrad.optimized
---@field best table<string, string> name of a parameter → text that was shipped
---@field texts string[] the same by the order of the parameters
---@field artefact string|table<string, string>|nil of the door with evaluate
---@field seed_score number on validation
---@field best_score number on validation, which it was chosen by: it overstates
---@field best_seen integer validation examples that best_score is known from: what was kept early
---may
--- be the best before all are known, and its score is a guess then
---@field claim lunagrad.claim|nil seed against best on the test set, with fixed_ids and broken_ids
---@field proposals table[] {number, operator, parent, kept, reason, gain, calls, evaluations, race}
---@field headroom lunagrad.headroom what was known before it began
---@field pool table candidates: pool.list, pool:best()
---@field kept integer
---@field dropped integer
---@field spent {calls: integer, evaluations: integer, beside: table|nil} beside: {calls,
---evaluations}
--- of proposals that were open when a decision ended the search
---@field stopped string "budget", "score", "patience", "proposals", "nothing new", "cost",
---"tokens",
--- "time", "stop" or "limit"
---@field shipped integer which candidate the parameters hold; 0: the seed

---@class lunagrad.budget counts what the store serves, too; cost, tokens and time what this start
---took
---@field evaluations? integer a program on a row; none is begun beyond them
---@field calls? integer of models
---@field cost? number dollars
---@field tokens? integer input and output
---@field time? number seconds
---@field proposals? integer new texts that are tried

---@class lunagrad.stop
---@field score? number on validation
---@field patience? integer proposals in a row that were not kept
---@field when? fun(search: table): boolean

---@class lunagrad.headroom_options
---@field examples? integer rows that are asked about (default: 12)

---@class lunagrad.optimize_spec
---@field program? fun(row: lunagrad.row): lunagrad.text the one door: a program …
---@field params? Var[] … whose texts are searched
---@field train? lunagrad.dataset|lunagrad.row[] rows that proposals look at
---@field val? lunagrad.dataset|lunagrad.row[] rows that candidates are chosen by (default: train)
---@field test? lunagrad.dataset|lunagrad.row[] rows for the claim at the end; without: no claim
---@field metric? lunagrad.metric_function score, or { name = score }, and if it can what is wrong
---@field loss? fun(answer: Var, row: lunagrad.row): Var what is said backward (default: the
---metric's words)
---@field start? string|table<string, string> the other door: a text, or several by name …
---@field role? string|table<string, string> … what it is for
---@field evaluate? fun(candidate: any, example: any): number, string|nil, any score, feedback,
---output
---@field examples? lunagrad.dataset|lunagrad.row[] what evaluate is called with
---@field objective? string in words, for the operators
---@field budget? lunagrad.budget (default: 20 times validation in evaluations)
---@field stop? lunagrad.stop|fun(search: table): boolean (default: when validation is perfect)
---@field method? string "race", "gepa", "tgd", "mipro", "opro", "best_of_n" (default "race")
---@field operators? (string|table)[] names, or {name =, propose =}: the first begins (default: all)
---@field select? string|function who is a parent: "pareto", "best", "top_5", … (default:
---"pareto_0.2")
---@field front? "instance"|"objective"|"hybrid"|"cartesian" what fronts are of (default:
---"instance")
---@field batch? integer rows that a proposal looks at (default: 3 to 8, a twelfth of validation)
---@field lag? integer proposals at once (default: up to 8, and 1 after one that is kept)
---@field window? integer scores of a race on their way at once (default: 8)
---@field delta? number a child so much better … (default: 0.05)
---@field beta? number … is dropped with this chance at most (default: 0.4)
---@field pool? integer candidates that are kept (default: 64)
---@field max_demos? integer worked examples in one text (default 4)
---@field constraints? (string|lunagrad.constraint)[] what a new text must keep to
---@field model? lunagrad.model|string who writes (default: the role "optimizer")
---@field backward? lunagrad.backward options of backward
---@field perfect? number a score that cannot be better (default: 1 with a program)
---@field weights? table<string, number> of objectives
---@field alpha? number how small a p shows the claim (default 0.05)
---@field ship? "best"|"shown" shown: the seed comes back unless the claim is shown (default "best")
---@field rescore? boolean what becomes the best is asked once more on validation (default false)
---@field headroom? boolean|lunagrad.headroom_options what is asked before it spends, see
---lg.headroom
---(default: on, from twenty passes over validation)
---@field patience? integer the same as stop.patience
---@field on_error? "raise"|"zero" zero: a row that fails scores 0 (default "raise")
---@field on_event? fun(event: table) hears what happens
---@field seed? any of all that is drawn (default 0)

--- Improve the parameters of a program, or one artefact, by a search over a pool of candidates.
--- Two doors: { program, params, train, val, test, metric } or { start, role, evaluate, examples,
--- test }. docs/search.md says more. The parameters hold the best texts afterwards. Waits.
--- ```lua
--- local result = lg.optimize { start = "aaa", role = "a word of b alone", budget = { evaluations = 30 },
---   headroom = { examples = 1 },
---   evaluate = function(text) return select(2, text:gsub("b", "")) / 3, "only b" end,
---   operators = { { name = "swap", propose = function(parent)
---     return { (parent.texts[1]:gsub("a", "b", 1)) }
---   end } } }
--- print(result.artefact, result.stopped)                         --> bbb
--- ```
---@param spec lunagrad.optimize_spec
---@return lunagrad.optimized
---@raises what ended it; the best so far is in the parameters. A limit of the run ends it with
---stopped = "limit" and raises cap
function lunagrad.optimize(spec) end

---@class lunagrad.evaluate_spec
---@field [1] fun(row: lunagrad.row): lunagrad.text the program; `program` is the same
---@field program? fun(row: lunagrad.row): lunagrad.text the same by name
---@field data lunagrad.dataset|lunagrad.row[] the rows
---@field metric lunagrad.metric_function output, row → score
---@field field? string of the row: what is right (default: "answer", "target" or "answers")
---@field concurrency? integer rows at the same time (default: all)
---@field on_error? "raise"|"zero"|"skip" a row that fails: raised, scores 0, does not count
---(default "raise")
---@field seed? any of the interval (default 0)
---@field phase? string what the display calls it
---@field unrecorded? boolean true: not put down in the record of the run
---@field purpose? integer for the library's own calls
---@field on_answer? fun(answer: any, score: number) for the library's own calls: is told of answers

---@class lunagrad.evaluation what lg.evaluate returns; print it
---@field mean number
---@field low number|nil its 95% interval
---@field high number|nil likewise
---@field n integer rows that count
---@field errors integer rows that failed
---@field rows table[] of each {example, output, score, error}

--- Run a program over all rows at once: mean, low, high (its 95% interval), n, rows.
--- Hits and misses have Wilson's interval, other scores one of resampling; scores beyond 0 and 1
--- that are all equal have none (low and high are nil).
--- ```lua
--- local rows = lg.data.list { { question = "2 + 2?", answer = "4" }, { question = "2 + 3?", answer = "5" } }
--- local result = lg.evaluate { function() return "4" end, data = rows, metric = lg.metric.exact }
--- print(result.mean, result.n, result.rows[2].score)             --> 0.5	2	0
--- ```
---@param spec lunagrad.evaluate_spec
---@return lunagrad.evaluation
---@raises inval: an empty data set
---@raises what the first row that failed raised, unless on_error says otherwise
function lunagrad.evaluate(spec) end
---@class lunagrad.train_spec
---@field program fun(row: lunagrad.row): lunagrad.text what is trained
---@field params Var[] the texts that may change
---@field loss fun(answer: Var, row: lunagrad.row): Var what is wrong with an answer
---@field metric? lunagrad.metric_function for validation (default: the loss' own score)
---@field train lunagrad.dataset|lunagrad.row[] rows to learn from
---@field val? lunagrad.dataset|lunagrad.row[] rows that new texts must not do worse on; without:
---all are kept
---@field batch? integer rows of a step (default 3)
---@field steps? integer at most so many steps (default 12)
---@field epochs? integer as many steps as so many times round the rows take
---@field optimizer? lunagrad.optimizer (default: lg.optim.tgd(params))
---@field accept? "race"|"better"|"not_worse"|"no_regression"|"always" what validation keeps
---(default "race")
---@field patience? integer so many steps in a row that brought nothing end it
---@field aggregate? "mean"|"sum" feedback of a batch is merged by a call, or passed on as it is
---(default "mean")
---@field skip_solved? boolean the loss is not asked about rows that the metric counts as solved
---(default true)
---@field perfect? number a score that cannot be better (default 1)
---@field on_error? "raise"|"zero" zero: a row that fails scores 0 (default "raise")
---@field backward? lunagrad.backward options of backward
---@field concurrency? integer rows at the same time (default: all)
---@field seed? any of the order of the rows (default 0)
---@field on_step? fun(record: table, result: lunagrad.training) called after each step

---@class lunagrad.training what lg.train returns; print it
---@field best table {texts}: the best texts, by the order of the parameters
---@field steps table[] {step, changed, accepted, reason, train_score, solved, examples, val_before,
---val_after, fixed, broken, report, race, redrawn}
---@field seed_score number|nil on validation, before
---@field best_score number|nil on validation, after: it overstates
---@field accepted integer steps that were kept
---@field rejected integer steps that were taken back
---@field redrawn integer batches that were solved
---@field stopped string why it ended

--- The gated loop: keeps a step only when validation does not refuse it. docs/training.md. Waits.
---
--- A batch that is solved as a whole is no step: another is drawn (redrawn counts them).
--- stopped: "steps", "solved" (validation is perfect), "all solved" (all rows to learn from are),
--- "nothing to learn from", "patience" or "limit".
--- ```lua
--- local rows = lg.data.list(lg.task.object_counting.generate(40, 1))
--- local train, val = rows:split { 15, 25, seed = 1 }
--- local prompt, model = lg.param("Answer the question.", "system prompt"), lg.model()
--- local result = lg.train { params = { prompt }, train = train, val = val, steps = 4,
---   program = function(row) return model { row.question, system = prompt } end,
---   loss = lg.loss.exact { extract = lg.extract.last_number }, metric = lg.metric.number }
--- print(result.best_score > result.seed_score, prompt:text() ~= "Answer the question.") --> true	true
--- ```
---@param spec lunagrad.train_spec
---@return lunagrad.training
---@raises what failed; the parameters hold the best texts so far. A limit of the run ends it with
---stopped = "limit" and raises cap
function lunagrad.train(spec) end
