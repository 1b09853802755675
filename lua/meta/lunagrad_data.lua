---@meta lunagrad_data
-- What editors should know of data sets, JSON, chance and errors (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.dataset rows that do not change: set[i], #set, ipairs(set)
---@operator len: integer
local Dataset = {}

--- Cut the set into random parts that share no row. The same seed makes the same parts.
--- ```lua
--- local set = lg.data.list(lg.task.word_sorting.generate(20, 1))
--- local train, val = set:split { 5, 15, seed = 1 }
--- print(#train, #val)                                            --> 5	15
--- ```
---@param spec table sizes or shares in the list, and seed (default 0): { 50, 100, seed = 1 }
---@return lunagrad.dataset ...
---@raises inval: the parts need more rows than there are
function Dataset:split(spec) end

---@class lunagrad.batches_options
---@field seed? any the rows are shuffled anew for each epoch; left out: they come in order
---@field epochs? number how many; math.huge never ends (default 1)
---@field drop_last? boolean leave out a last batch that is smaller (default false)

--- Batches of n rows, each a data set: `for batch, epoch in set:batches(3, { seed = 1 }) do`.
--- ```lua
--- local set = lg.data.list { { q = 1 }, { q = 2 }, { q = 3 } }
--- for batch, epoch in set:batches(2, { epochs = 2, drop_last = true }) do print(epoch, #batch) end --> 1	2
--- ```
---@param n integer
---@param opts? lunagrad.batches_options
---@return fun(): lunagrad.dataset|nil, integer|nil
function Dataset:batches(n, opts) end

--- The rows in random order.
--- ```lua
--- print(#lg.data.list({ { q = 1 }, { q = 2 } }):shuffle(7))      --> 2
--- ```
---@param seed? integer|string
---@return lunagrad.dataset
function Dataset:shuffle(seed) end

--- n random rows, each at most once unless with_replacement.
--- ```lua
--- print(#lg.data.list({ { q = 1 }, { q = 2 } }):sample(5, 1, true)) --> 5
--- ```
---@param n integer
---@param seed? integer|string
---@param with_replacement? boolean
---@return lunagrad.dataset
---@raises inval: there are not so many rows
function Dataset:sample(n, seed, with_replacement) end

--- The first n rows, or all if there are fewer.
--- ```lua
--- print(#lg.data.list({ { q = 1 }, { q = 2 } }):take(1))         --> 1
--- ```
---@param n integer
---@return lunagrad.dataset
function Dataset:take(n) end

--- Rows from to to, counted as in string.sub: negative numbers count from the end.
--- ```lua
--- print(lg.data.list({ { q = 1 }, { q = 2 }, { q = 3 } }):slice(-2)[1].q) --> 2
--- ```
---@param from integer
---@param to? integer
---@return lunagrad.dataset
function Dataset:slice(from, to) end

--- A set of fn(row, i) for each row, one after the other. For model calls use lg.map.
--- ```lua
--- local set = lg.data.list({ { q = 1 }, { q = 2 } }):map(function(row) return { q = row.q * 10 } end)
--- print(set[2].q)                                                --> 20
--- ```
---@param fn fun(row: any, i: integer): any
---@return lunagrad.dataset
function Dataset:map(fn) end

--- The rows for which fn(row, i) is true.
--- ```lua
--- print(#lg.data.list({ { q = 1 }, { q = 2 } }):filter(function(row) return row.q > 1 end)) --> 1
--- ```
---@param fn fun(row: any, i: integer): any
---@return lunagrad.dataset
function Dataset:filter(fn) end

lunagrad.data = {}
--- Is it a data set?
--- ```lua
--- print(lg.data.is(lg.data.list { { q = 1 } }), lg.data.is {})   --> true	false
--- ```
---@param value any
---@return boolean
function lunagrad.data.is(value) end
--- A data set of rows that are there already.
--- ```lua
--- local set = lg.data.list { { question = "2 + 2?", answer = "4" } }
--- print(#set, set[1].answer)                                     --> 1	4
--- ```
---@param rows lunagrad.row[]
---@return lunagrad.dataset
function lunagrad.data.list(rows) end
--- A field that a row may lack: its value, or `otherwise`. Reading a field that a row of a file
--- does not have is an error; JSON's null is there and nil.
--- ```lua
--- local row = lg.data.jsonl_text '{"question": "2 + 2?"}'[1]
--- print(lg.data.get(row, "hint", "none"))                        --> none
--- ```
---@param from table
---@param name string
---@param otherwise? any
---@return any
function lunagrad.data.get(from, name, otherwise) end
--- One JSON object a line, or one list of objects.
--- ```lua
--- lg.save(lg.var '{"question": "2 + 2?", "answer": "4"}\n', "rows.jsonl")
--- print(lg.data.jsonl "rows.jsonl"[1].answer)                    --> 4
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
---@raises parse: a line that is no JSON object; the error names it
function lunagrad.data.jsonl(path) end
--- The same of a text.
--- ```lua
--- print(#lg.data.jsonl_text '{"q": 1}\n{"q": 2}\n')              --> 2
--- ```
---@param text string
---@param name? string
---@return lunagrad.dataset
---@raises parse: a line that is no JSON object
function lunagrad.data.jsonl_text(text, name) end

---@class lunagrad.csv_options
---@field header? boolean|string[] false: rows are lists; a list: the names of the columns
---(default: true)
---@field separator? string one character (default: found out)

--- Texts in columns. The header line tells whether a comma, a semicolon, a tab or a bar parts them.
--- ```lua
--- lg.save(lg.var "question;answer\n2 + 2?;4\n", "rows.csv")
--- print(lg.data.csv("rows.csv", { separator = ";" })[1].answer)  --> 4
--- ```
---@param path string
---@param opts? lunagrad.csv_options
---@return lunagrad.dataset
---@raises notfound: there is no such file
---@raises parse: a line with more or fewer fields; the error names it
function lunagrad.data.csv(path, opts) end
--- The same of a text.
--- ```lua
--- print(lg.data.csv_text("2 + 2?,4\n", { header = { "question", "answer" } })[1].answer) --> 4
--- ```
---@param text string
---@param opts? lunagrad.csv_options
---@param name? string
---@return lunagrad.dataset
---@raises parse: a line with more or fewer fields
function lunagrad.data.csv_text(text, opts, name) end
--- BIG-Bench Hard's JSON: rows with question and answer.
--- ```lua
--- lg.save(lg.var '{"examples": [{"input": "2 + 2?", "target": "4"}]}', "task.json")
--- print(lg.data.bbh "task.json"[1].answer)                       --> 4
--- ```
---@param path string
---@return lunagrad.dataset
---@raises notfound: there is no such file
---@raises parse: another form
function lunagrad.data.bbh(path) end
--- The same of a text.
--- ```lua
--- print(lg.data.bbh_text '{"examples": [{"input": "2 + 2?", "target": "4"}]}'[1].question) --> 2 + 2?
--- ```
---@param text string
---@param name? string
---@return lunagrad.dataset
---@raises parse: another form
function lunagrad.data.bbh_text(text, name) end

lunagrad.json = {}
--- A value as JSON, keys sorted; what lg.json.array marked is a list.
--- ```lua
--- print(lg.json.encode { b = 1, a = lg.json.array {} })          --> {"a":[],"b":1}
--- ```
---@param value any
---@return string
---@raises inval: a value that JSON does not have
function lunagrad.json.encode(value) end
--- A number without fraction and exponent that fits in 64 bits is an integer, any other a float.
--- keep says what becomes of one that this would change: "size" (the default: only what is too
--- large stays, as its text), "text" (as its text, if any digit would be lost) or "number" (the
--- same, as a value that encode writes as it came and tostring shows).
--- ```lua
--- print(lg.json.decode '{"n": 3}'.n)                             --> 3
--- print(lg.json.decode "{")                                      --> nil
--- ```
---@param text string
---@param keep? "size"|"text"|"number"
---@return any value, string|nil problem, integer|nil byte where it is
function lunagrad.json.decode(text, keep) end
--- JSON's null.
lunagrad.json.null = nil
--- Marks a table as a list, so that an empty one is written as []; decode marks lists.
--- ```lua
--- print(lg.json.encode(lg.json.array {}), lg.json.encode {})     --> []	{}
--- ```
---@param list? table
---@return table list
function lunagrad.json.array(list) end

lunagrad.errors = {}

lunagrad.rng = {}
--- A seeded generator: the same numbers on every machine.
--- ```lua
--- local r = lg.rng.new(1)
--- print(r:int(1, 6) >= 1, lg.rng.new(1):float() == lg.rng.new(1):float()) --> true	true
--- ```
---@param seed integer|string
---@return lunagrad.rng
function lunagrad.rng.new(seed) end

---@class lunagrad.rng
local Rng = {}
--- A whole number from a to b, all equally likely.
--- ```lua
--- print(lg.rng.new(1):int(3, 3))                                 --> 3
--- ```
---@param a integer
---@param b integer
---@return integer
function Rng:int(a, b) end
--- A number from 0 up to, but not including, 1.
--- ```lua
--- print(lg.rng.new(1):float() < 1)                               --> true
--- ```
---@return number
function Rng:float() end
--- Brings a list into random order, in place, and returns it.
--- ```lua
--- print(#lg.rng.new(1):shuffle { "a", "b", "c" })                --> 3
--- ```
---@param list any[]
---@return any[]
function Rng:shuffle(list) end
--- One element of a list; nil of an empty one.
--- ```lua
--- print(lg.rng.new(1):pick { "a" })                              --> a
--- ```
---@param list any[]
---@return any
function Rng:pick(list) end
--- A generator of its own for a part of the work: it depends on the seed and the name, not on what was
--- drawn before.
--- ```lua
--- local r = lg.rng.new(1)
--- print(r:fork("data"):float() == lg.rng.new(1):fork("data"):float()) --> true
--- ```
---@param name string|integer
---@return lunagrad.rng
function Rng:fork(name) end

--- An error object, not raised.
--- ```lua
--- local problem = lg.errors.new("inval", "no such city", "there are Paris and Rome")
--- print(problem.kind, problem)                                   --> inval	no such city (there are Paris and Rome)
--- ```
---@param kind string
---@param message string
---@param hint? string
---@return lunagrad.error
function lunagrad.errors.new(kind, message, hint) end
--- Raise an error object.
--- ```lua
--- print(pcall(lg.errors.raise, "inval", "no such city"))         --> false
--- ```
---@param kind string
---@param message string
---@param hint? string what to do about it
---@param level? integer whose line is to blame, as of error
---@param cause? string the end of the message
---@param field? string what of the arguments it is about
---@raises the error that it makes
function lunagrad.errors.raise(kind, message, hint, level, cause, field) end
--- Raise what is wrong with one argument: kind "inval", and `field` is its name.
--- ```lua
--- local _, problem = pcall(lg.errors.refuse, "city", "no such city")
--- print(problem.kind, problem.field)                             --> inval	city
--- ```
---@param field string
---@param message string
---@param hint? string
---@param level? integer
---@raises inval: always
function lunagrad.errors.refuse(field, message, hint, level) end
--- Is it an error object?
--- ```lua
--- local _, problem = pcall(lg.train, { program = 1 })
--- print(lg.errors.is(problem), lg.errors.is "a text")            --> true	false
--- ```
---@param x any
---@return boolean
function lunagrad.errors.is(x) end

--- A text as messages quote it: its first 60 bytes, with escapes for what cannot be seen.
--- ```lua
--- print(lg.errors.quoted "a\tb")                                 --> "a
--- ```
---@param text string
---@return string
function lunagrad.errors.quoted(text) end
--- Why nothing more can be bought, if a caught value says so: an interrupt, a limit of the run, or
--- a store that fails. nil for errors that a loop may survive.
--- ```lua
--- print(lg.errors.stops(lg.errors.new("cap", "max_calls was reached")), lg.errors.stops "else") --> cap	nil
--- ```
---@param x any
---@return "cancelled"|"cap"|"store"|"ambiguous"|nil
function lunagrad.errors.stops(x) end
--- What was raised, in words that are the same in every run.
--- ```lua
--- print(lg.errors.words(lg.errors.new("inval", "no such city"))) --> no such city
--- ```
---@param x any
---@return string
function lunagrad.errors.words(x) end
--- Anything raised, as an error object.
--- ```lua
--- print(lg.errors.wrap("it broke").message)                      --> it broke
--- ```
---@param x any
---@return lunagrad.error
function lunagrad.errors.wrap(x) end
--- Why a variable failed; nil when it did not.
--- ```lua
--- local v = lg.tool { name = "t", run = function() error "it broke" end } "x"
--- v:state() pcall(v.text, v)
--- print(lg.errors.from_var(v).kind)                              --> tool
--- ```
---@param v Var
---@return lunagrad.error|nil
function lunagrad.errors.from_var(v) end
