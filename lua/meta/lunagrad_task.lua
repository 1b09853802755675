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

---@class lunagrad.vote_spec
---@field [1] fun(input: any): lunagrad.text the program
---@field [2] any what it is called with
---@field n? integer samples (default 5)
---@field extract? fun(text: string): string|nil what counts of an output (default:
---lg.extract.whole)
---@field concurrency? integer samples at the same time (default: all)
---@field on_error? "raise"|"skip" skip: a sample that failed does not vote (default "raise")

---@class lunagrad.vote_given
---@field outputs lunagrad.text[] what is voted over
---@field extract? fun(text: string): string|nil what counts of an output (default:
---lg.extract.whole)
---@field ties? "first"|"last" which of equal ones (default "first")

--- n answers of a program, and the one that most of them agree on: self-consistency. Of answers
--- with equal votes the first seen. extract: what counts of an output, nil for no answer.
--- ```lua
--- local n = 0
--- local model = lg.model(function() n = n + 1 return n == 2 and "7" or "8" end)
--- local answer, votes = lg.vote { model, "How many?", n = 3, extract = lg.extract.last_number }
--- print(answer, votes.votes, votes.n)                            --> 8	2	3
--- print(lg.vote { outputs = { "a", "b", "b" } })                 --> b
--- ```
---@param spec lunagrad.vote_spec|lunagrad.vote_given over what is there already
---@return any output what the program returned, of the first sample with that answer
---@return lunagrad.votes votes
---@raises what the program raised, unless on_error is "skip"
function lunagrad.vote(spec) end

---@class lunagrad.best
---@field score number
---@field mean number over all that were scored: what one sample is worth
---@field n integer samples
---@field sample integer which one was returned
---@field samples {output: any, text: string, score: number|nil, error: any}[]

---@class lunagrad.best_of_spec
---@field [1] fun(input: any): lunagrad.text the program
---@field [2] any what it is called with
---@field score fun(text: string, output: any): any a number, a boolean, or a loss that has a score
---@field n? integer samples (default 5)
---@field concurrency? integer samples at the same time (default: all)
---@field on_error? "raise"|"skip" skip: a sample that failed does not count (default "raise")

--- n answers of a program, and the one with the largest score; of equal ones the first.
--- score(text, output) returns a number, a boolean, or a loss that has a score.
--- ```lua
--- local n = 0
--- local model = lg.model(function() n = n + 1 return ("!"):rep(n) end)
--- local text, best = lg.best_of { model, "Shout.", n = 3, score = function(text) return #text end }
--- print(text, best.score)                                        --> !!!	3
--- ```
---@param spec lunagrad.best_of_spec
---@return any output what the program returned
---@return lunagrad.best best
---@raises what the program raised, unless on_error is "skip"
function lunagrad.best_of(spec) end

--- Published data sets, from the files that people have, and generators of rows in their form.
lunagrad.task = {}

--- GSM8K's file: rows with question, answer (the number), steps, id.
--- ```lua
--- lg.save(lg.var '{"question": "2 + 2?", "answer": "It is 4.\\n#### 4"}\n', "test.jsonl")
--- print(lg.task.gsm8k "test.jsonl"[1].answer)                    --> 4
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
function lunagrad.task.gsm8k(path) end

---@class lunagrad.gsm8k_files
---@field train lunagrad.dataset of lg.task.gsm8k
---@field test? lunagrad.dataset of lg.task.gsm8k

--- DSPy's split of GSM8K's files: 200 rows to learn from, 300 to validate on, all of test.
--- ```lua
--- -- local train, val, test = lg.task.gsm8k_split { train = lg.task.gsm8k "train.jsonl" }
--- print(pcall(lg.task.gsm8k_split, { train = lg.data.list { { question = "2 + 2?" } } })) --> false
--- ```
---@param spec lunagrad.gsm8k_files
---@return lunagrad.dataset train
---@return lunagrad.dataset val
---@return lunagrad.dataset|nil test
function lunagrad.task.gsm8k_split(spec) end

--- MMLU's file (CSV without header): rows with question, options, right, answer (a letter), id.
--- ```lua
--- lg.save(lg.var "2 + 2?,3,4,5,6,B\n", "test.csv")
--- print(lg.task.mmlu "test.csv"[1].answer)                       --> B
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
function lunagrad.task.mmlu(path) end

--- GPQA's file (CSV): the same, the right option first, and subdomain, domain, explanation.
--- ```lua
--- lg.save(lg.var("Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\n"
---   .. "2 + 2?,4,3,5,6\n"), "gpqa.csv")
--- print(lg.task.gpqa "gpqa.csv"[1].options[1])                   --> 4
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
function lunagrad.task.gpqa(path) end

---@class lunagrad.choice_options
---@field seed? integer|string of the order (default 0)
---@field permute? boolean false: the order of the file (default true)

--- Rows with options as questions that can be asked, their order drawn for each item from the
--- seed (0) and the question; answer is the right letter, asked the bare question.
--- ```lua
--- local rows = lg.task.multiple_choice({ { question = "2 + 2?", options = { "4", "5" }, right = 1 } },
---   { permute = false })
--- print(rows[1].answer, rows[1].question)                        --> A	2 + 2?
--- ```
---@param rows table question, options, and right (a number) or answer (a letter or the option)
---@param options? lunagrad.choice_options
---@return lunagrad.dataset
---@raises inval: a row without options, or without one that is right
function lunagrad.task.multiple_choice(rows, options) end

--- HumanEval's or MBPP's file, or LeetCode's in their manner: rows with question, entry_point,
--- tests (Python), id, form, and answer and challenge_tests where the file has them. Runs nothing.
--- ```lua
--- lg.save(lg.var(lg.json.encode { task_id = "T/0", prompt = "def f():\n", entry_point = "f",
---   canonical_solution = "    return 1\n", test = "def check(f):\n    assert f() == 1\n" }), "he.jsonl")
--- print(lg.task.programs "he.jsonl"[1].entry_point)              --> f
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
function lunagrad.task.programs(path) end

---@class lunagrad.picture_options
---@field split? string "train", "val", "test", …: these alone
---@field only? "pictures"|"text" these alone
---@field pictures? string the folder of the pictures (default: beside the file)

--- ScienceQA's problems.json: rows with question, asked, hint, options, right, answer (a letter),
--- picture (a file, or nil), id, subject, topic, grade, split, lecture, solution, …
--- ```lua
--- lg.save(lg.var(lg.json.encode { ["1"] = { question = "A fruit?", choices = { "plum", "lamp" },
---   answer = 0, hint = "", split = "test", subject = "natural science" } }), "problems.json")
--- print(lg.task.scienceqa("problems.json", { split = "test", only = "text" })[1].answer) --> A
--- ```
---@param path string
---@param options? lunagrad.picture_options
---@return lunagrad.dataset
function lunagrad.task.scienceqa(path, options) end

--- MathVista's testmini.json: rows with question, asked, answer, picture, kind, precision, id, …; those
--- with choices have options and right.
--- ```lua
--- print(pcall(lg.task.mathvista, "testmini.json", { split = "testmini" })) --> false
--- ```
---@param path string
---@param options? lunagrad.picture_options
---@return lunagrad.dataset
function lunagrad.task.mathvista(path, options) end

--- The metric for lg.task.mathvista's rows: letters, numbers (rounded as the row says), texts.
--- ```lua
--- print(lg.task.mathvista_score("Answer: 1.25", { answer = "1.2", kind = "float", precision = 1 }))
--- ```
---@param prediction string
---@param row table
---@return number
function lunagrad.task.mathvista_score(prediction, row) end

---@class lunagrad.dockstring_options
---@field targets? string[] names (default: the published ones that are there)

--- DOCKSTRING's receptors in a folder: rows with id, receptor, conf, center, size.
--- ```lua
--- print(pcall(lg.task.dockstring, "dockstring", { targets = { "DRD2" } })) --> false
--- ```
---@param folder string
---@param options? lunagrad.dockstring_options
---@return lunagrad.dataset
function lunagrad.task.dockstring(folder, options) end

---@class lunagrad.dockstring_rows
---@field targets? string[] names (default: the published ones)
---@field most? integer so many rows from the first

--- DOCKSTRING's table of scores: rows with id (the InChIKey), smiles and scores by target.
--- ```lua
--- lg.save(lg.var "inchikey\tsmiles\tDRD2\nA-B\tCC\t-5.5\n", "scores.tsv")
--- print(lg.task.dockstring_scores("scores.tsv", { targets = { "DRD2" }, most = 10 })[1].smiles) --> CC
--- ```
---@param path string
---@param options? lunagrad.dockstring_rows
---@return lunagrad.dataset
function lunagrad.task.dockstring_scores(path, options) end

--- A made receptor, a hollow of atoms in the form of lg.task.dockstring's, its text in pdbqt.
--- ```lua
--- print(lg.task.pocket(1).made, #lg.task.pocket(1).center)       --> true	3
--- ```
---@param seed? integer|string
---@return { id: string, pdbqt: string, center: number[], size: number[], made: boolean }
function lunagrad.task.pocket(seed) end


lunagrad.task.object_counting = {}
--- Questions in BIG-Bench Hard's form, as rows with question and answer.
--- ```lua
--- print(#lg.task.object_counting.generate(3, 1))                 --> 3
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.object_counting.generate(n, seed) end

lunagrad.task.word_problems = {}
--- Word problems in GSM8K's form, as rows with question, answer, steps and id.
--- ```lua
--- print(lg.task.word_problems.generate(1, 1)[1].answer ~= nil)   --> true
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_problems.generate(n, seed) end

lunagrad.task.number_choice = {}
--- Arithmetic with four options, the right one first, as rows for lg.task.multiple_choice.
--- ```lua
--- print(#lg.task.number_choice.generate(1, 1)[1].options)        --> 4
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.number_choice.generate(n, seed) end

lunagrad.task.word_choice = {}
--- Word problems of three to five steps with four options, the right one first, as rows for
--- lg.task.multiple_choice.
--- ```lua
--- print(#lg.task.word_choice.generate(1, 1)[1].options)          --> 4
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_choice.generate(n, seed) end

lunagrad.task.word_sorting = {}
--- Lists of words to sort, in BIG-Bench Hard's form, as rows with question, answer and id.
--- ```lua
--- print(lg.task.word_sorting.generate(1, 1)[1].question)         --> Sort
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[]
function lunagrad.task.word_sorting.generate(n, seed) end

lunagrad.task.lookups = {}
--- Questions whose answer is two look-ups away, as rows with question, answer, hops (ids of both
--- documents), between and id; and the documents, rows with id and text.
--- ```lua
--- local rows, documents = lg.task.lookups.generate(2, 1)
--- print(#rows, #documents >= 4)                                  --> 2	true
--- ```
---@param n integer
---@param seed? integer|string
---@return lunagrad.row[] rows
---@return lunagrad.row[] documents
function lunagrad.task.lookups.generate(n, seed) end

lunagrad.task.repair = {}
--- Programs with a planted defect: rows with id, question, entry_point, language, start, defect,
--- shown and hidden ({args, expect} each).
--- ```lua
--- print(#lg.task.repair.problems "lua" > 0)                      --> true
--- ```
---@param language? "lua"|"python" nil: both
---@return lunagrad.row[]
function lunagrad.task.repair.problems(language) end
--- Problems in the same form from a file: JSON lines with question, entry_point, shown and hidden (and
--- id, language, start), or HumanEval's, MBPP's and LeetCode-like files.
--- ```lua
--- lg.save(lg.var(lg.json.encode { id = "double", language = "lua", entry_point = "double",
---   question = "Twice a number.", start = "function double(x) return x end",
---   shown = { { args = { 2 }, expect = 4 } }, hidden = { { args = { 3 }, expect = 6 } } }), "mine.jsonl")
--- print(lg.task.repair.read "mine.jsonl"[1].entry_point)         --> double
--- ```
---@param path string
---@return lunagrad.dataset
function lunagrad.task.repair.read(path) end

---@class lunagrad.program_tests
local ProgramTests = {}
--- Run a program on a row's tests: {passed, total, score, report, tests = {{passed, said}}}. Waits.
--- ```lua
--- local tests = lg.task.program_tests { box = lg.sandbox() }
--- local row = { id = "double", language = "lua", entry_point = "double",
---   shown = { { args = { 2 }, expect = 4 } }, hidden = { { args = { 3 }, expect = 6 } } }
--- print(tests:run(row, "function double(x) return 2 * x end", "hidden").score) --> 1
--- ```
---@param row lunagrad.row entry_point, language, shown and hidden
---@param program string
---@param which? "shown"|"hidden"
---@return table
function ProgramTests:run(row, program, which) end
--- A test in words: "gcd(12, 18) should give 6".
--- ```lua
--- local tests = lg.task.program_tests { box = lg.sandbox() }
--- local row = { language = "lua", entry_point = "double" }
--- print(tests:said(row, { args = { 2 }, expect = 4 }))           --> double(2) should give 4
--- ```
---@param row lunagrad.row
---@param test table {args, expect} or {code}
---@return string
function ProgramTests:said(row, test) end

---@class lunagrad.tests_spec
---@field box? lunagrad.sandbox runs those in Lua
---@field python? lunagrad.command runs those in Python: its fields are harness and job
---@field limit? number seconds of each test in Python (default 1)

--- What runs programs on tests: box (of lg.sandbox) those in Lua, python (of lg.command, with the
--- fields harness and job) those in Python; limit: seconds of each test in Python (1).
--- ```lua
--- local tests = lg.task.program_tests { box = lg.sandbox(), limit = 2 }
--- print(type(tests.run))                                         --> function
--- ```
---@param spec lunagrad.tests_spec
---@return lunagrad.program_tests
function lunagrad.task.program_tests(spec) end
