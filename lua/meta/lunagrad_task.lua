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
---@param spec table {program, input, n = 5, extract = lg.extract.whole, concurrency=, on_error=},
--- or {outputs =, extract =, ties = "first"|"last"}: a vote over what is there already
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

--- Published data sets, from the files that people have, and generators of rows in their form.
lunagrad.task = {}

--- GSM8K's file: rows with question, answer (the number), steps, id.
---@param path string
---@return lunagrad.dataset
function lunagrad.task.gsm8k(path) end

--- DSPy's split of GSM8K's files: 200 rows to learn from, 300 to validate on, all of test.
---@param spec {train: lunagrad.dataset, test: lunagrad.dataset|nil} of lg.task.gsm8k
---@return lunagrad.dataset train
---@return lunagrad.dataset val
---@return lunagrad.dataset|nil test
function lunagrad.task.gsm8k_split(spec) end

--- MMLU's file (CSV without header): rows with question, options, right, answer (a letter), id.
---@param path string
---@return lunagrad.dataset
function lunagrad.task.mmlu(path) end

--- GPQA's file (CSV): the same, the right option first, and subdomain, domain, explanation.
---@param path string
---@return lunagrad.dataset
function lunagrad.task.gpqa(path) end

--- Rows with options as questions that can be asked, their order drawn for each item from the
--- seed (0) and the question; answer is the right letter, asked the bare question.
---@param rows table question, options, and right (a number) or answer (a letter or the option)
---@param options? {seed: integer|string|nil, permute: boolean|nil}
---@return lunagrad.dataset
function lunagrad.task.multiple_choice(rows, options) end

--- HumanEval's or MBPP's file, or LeetCode's in their manner: rows with question, entry_point,
--- tests (Python), id, form, and answer and challenge_tests where the file has them. Runs nothing.
---@param path string
---@return lunagrad.dataset
function lunagrad.task.programs(path) end

--- ScienceQA's problems.json: rows with question, asked, hint, options, right, answer (a letter),
--- picture (a file, or nil), id, subject, topic, grade, split, lecture, solution, …
---@param path string
---@param options? {split: string|nil, only: "pictures"|"text"|nil, pictures: string|nil}
---@return lunagrad.dataset
function lunagrad.task.scienceqa(path, options) end

--- MathVista's testmini.json: rows with question, asked, answer, picture, kind, precision, id, …; those
--- with choices have options and right.
---@param path string
---@param options? {split: string|nil, pictures: string|nil}
---@return lunagrad.dataset
function lunagrad.task.mathvista(path, options) end

--- The metric for lg.task.mathvista's rows: letters, numbers (rounded as the row says), texts.
---@param prediction string
---@param row table
---@return number
function lunagrad.task.mathvista_score(prediction, row) end

--- DOCKSTRING's receptors in a folder: rows with id, receptor, conf, center, size.
---@param folder string
---@param options? {targets: string[]|nil} names; without: the published ones that are there
---@return lunagrad.dataset
function lunagrad.task.dockstring(folder, options) end

--- DOCKSTRING's table of scores: rows with id (the InChIKey), smiles and scores by target.
---@param path string
---@param options? {targets: string[]|nil, most: integer|nil}
---@return lunagrad.dataset
function lunagrad.task.dockstring_scores(path, options) end

--- A made receptor, a hollow of atoms in the form of lg.task.dockstring's, its text in pdbqt.
---@param seed? integer|string
---@return { id: string, pdbqt: string, center: number[], size: number[], made: boolean }
function lunagrad.task.pocket(seed) end


lunagrad.task.object_counting = {}
--- Questions in BIG-Bench Hard's form, as rows with question and answer.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.object_counting.generate(n, seed) end

lunagrad.task.word_problems = {}
--- Word problems in GSM8K's form, as rows with question, answer, steps and id.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_problems.generate(n, seed) end

lunagrad.task.number_choice = {}
--- Arithmetic with four options, the right one first, as rows for lg.task.multiple_choice.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.number_choice.generate(n, seed) end

lunagrad.task.word_choice = {}
--- Word problems of three to five steps with four options, the right one first, as rows for
--- lg.task.multiple_choice.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_choice.generate(n, seed) end

lunagrad.task.word_sorting = {}
--- Lists of words to sort, in BIG-Bench Hard's form, as rows with question, answer and id.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_sorting.generate(n, seed) end

lunagrad.task.lookups = {}
--- Questions whose answer is two look-ups away, as rows with question, answer, hops (ids of both
--- documents), between and id; and the documents, rows with id and text.
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[] rows
---@return lunagrad.row[] documents
function lunagrad.task.lookups.generate(n, seed) end

lunagrad.task.repair = {}
--- Programs with a planted defect: rows with id, question, entry_point, language, start, defect,
--- shown and hidden ({args, expect} each).
---@param language? "lua"|"python" nil: both
---@return lunagrad.row[]
function lunagrad.task.repair.problems(language) end
--- Problems in the same form from a file: JSON lines with question, entry_point, shown and hidden (and
--- id, language, start), or HumanEval's, MBPP's and LeetCode-like files.
---@param path string
---@return lunagrad.dataset
function lunagrad.task.repair.read(path) end

---@class lunagrad.program_tests
local ProgramTests = {}
--- Run a program on a row's tests: {passed, total, score, report, tests = {{passed, said}}}. Waits.
---@param row lunagrad.row entry_point, language, shown and hidden
---@param program string
---@param which? "shown"|"hidden"
---@return table
function ProgramTests:run(row, program, which) end
--- A test in words: "gcd(12, 18) should give 6".
---@param row lunagrad.row
---@param test table {args, expect} or {code}
---@return string
function ProgramTests:said(row, test) end

--- What runs programs on tests: box (of lg.sandbox) those in Lua, python (of lg.command, with the
--- fields harness and job) those in Python; limit: seconds of each test in Python (1).
---@param spec {box: table|nil, python: table|nil, limit: number|nil}
---@return lunagrad.program_tests
function lunagrad.task.program_tests(spec) end
