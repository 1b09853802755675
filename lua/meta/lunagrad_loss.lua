---@meta lunagrad_loss
-- What editors should know of losses, constraints and metrics (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

lunagrad.loss = {}

---@class lunagrad.critic_spec
---@field [1] lunagrad.text what to look at, in words; `instruction` is the same
---@field instruction? lunagrad.text the same by name
---@field model? lunagrad.model|string who judges (default: the role "judge")
---@field role? string of the critique (default "critique")

--- A model criticises the answer. critic(answer), or with what belongs to it: critic(answer,
--- { question = q }). It has no score: what it says is the feedback.
--- ```lua
--- local judge = lg.model(function() return "It is not polite." end)
--- local critic = lg.loss.critic { "Is the letter polite? Be brief.", model = judge }
--- local letter = lg.param("Send money.", "letter")
--- local loss = critic(letter, { reader = "a customer" })
--- loss:backward()
--- print(loss)                                                    --> It is not polite.
--- ```
---@param spec string|Var|lunagrad.critic_spec the instruction, or a table
---@return fun(answer: lunagrad.text, more?: table): Var
---@raises inval: no words
function lunagrad.loss.critic(spec) end

---@class lunagrad.compare_loss_spec
---@field [1] lunagrad.text what to look at, in words; `instruction` is the same
---@field instruction? lunagrad.text the same by name
---@field fields string[] names of what is judged together: { "question", "prediction", "answer" }
---@field model? lunagrad.model|string who judges (default: the role "judge")
---@field role? string of the critique (default "critique")

--- A model judges several named fields together.
--- ```lua
--- local compare = lg.loss.compare { "Do they agree?", fields = { "prediction", "answer" },
---   model = lg.model(function() return "They agree." end) }
--- print(compare { prediction = "five", answer = "5" })           --> They agree.
--- ```
---@param spec lunagrad.compare_loss_spec
---@return fun(fields: table): Var
---@raises inval: no fields
function lunagrad.loss.compare(spec) end

---@class lunagrad.exact_spec
---@field target? any what is right; of a list any; left out: given with each call
---@field extract? fun(text: string): string|nil what counts of the answer: lg.extract.…
---@field form? string in words, how the answer should be given: told where nothing was found
---@field role? string of the score (default "score of the answer")

--- 1 when the answer is the target, else 0; states the facts as feedback, no model call.
--- exact(answer), or exact(answer, target); a row of data stands for its answer.
--- ```lua
--- local exact = lg.loss.exact { target = "12", extract = lg.extract.last_number }
--- print(exact "That makes 12.".score, exact("That makes 11.", "11").score) --> 1.0	1.0
--- print(exact(lg.var "about 10").score)                          --> 0.0
--- ```
---@param spec string|number|lunagrad.exact_spec the target, or a table
---@return fun(answer: lunagrad.text, target?: any): Var
---@raises inval: the target is nil
function lunagrad.loss.exact(spec) end

---@class lunagrad.judge_spec
---@field [1] lunagrad.text what to look at, in words; `instruction` is the same
---@field instruction? lunagrad.text the same by name
---@field fields? string[] names of what is judged together; called with a table of them then
---@field model? lunagrad.model|string who judges (default: the role "judge")
---@field target? number from which on it is solved (default 1)
---@field role? string of the verdict (default "verdict")

--- A model gives reasons and a verdict from 0 to 1, which is the score.
--- ```lua
--- local judge = lg.loss.judge { "Is it true?", model = lg.model(function()
---   return "It is. <VERDICT>0.9</VERDICT>"
--- end) }
--- print(judge "Plums are fruits.".score)                         --> 0.9
--- ```
---@param spec string|Var|lunagrad.judge_spec the instruction, or a table
---@return fun(answer: lunagrad.text|table, more?: table): Var
---@raises inval: no words
function lunagrad.loss.judge(spec) end

---@class lunagrad.score_spec
---@field [1] fun(text: string, ...): number|boolean, string|nil the score, and what is wrong
---@field name? string for messages (default "score")
---@field purpose? string what it looks at, for the editor (default "scores a text, higher is
---better")
---@field target? number from which on it is solved (default 1)
---@field role? string of the score (default "score")
---@field critic? boolean a model works out the feedback from purpose, inputs and score (default
---false)

--- A function of yours judges: what it says, with the score, is the feedback; no model is called.
--- score(answer), or score(answer, reference): a row of data stands for its answer.
--- ```lua
--- local brief = lg.loss.score { function(text) return #text <= 10, "at most 10 characters" end,
---   name = "brief" }
--- local v = brief "far too many words"
--- print(v.score, v)                                              --> 0.0	0: at most 10 characters
--- ```
---@param spec function|lunagrad.score_spec the function, or a table
---@return fun(answer: lunagrad.text, ...): Var
---@raises inval: no function
function lunagrad.loss.score(spec) end

---@class lunagrad.person_spec
---@field [1] string what to look at; `instruction` is the same
---@field instruction? string the same by name (default "What should change?")
---@field ask? fun(question: table): any, string|nil instead of the terminal: score or choice, and
---words
---@field choices? (string|table)[] what may be answered: { { "good", 1 }, "too long" }
---@field target? number a score is asked for, and from this on it is solved
---@field name? string keeps the answers of several people apart
---@field role? string of the judgement (default "judgement of a person")

--- A person judges, at the terminal or by a function of yours; kept, so that nobody is asked twice.
--- ```lua
--- local person = lg.loss.person { "Would you send it?", choices = { { "yes", 1 }, "no" },
---   ask = function(question) return #question.output < 20 and "yes" or "no", "shorter, please" end }
--- print(person "We will write soon.".score)                      --> 1.0
--- ```
---@param spec? string|lunagrad.person_spec what to look at, or a table
---@return fun(answer: lunagrad.text|table, more?: table): Var
function lunagrad.loss.person(spec) end

---@class lunagrad.all_spec
---@field [integer] function|table losses, or { loss, weight }
---@field weights? number[] one for each (default: 1 each)
---@field skip_failed? boolean leave out what fails (default false)
---@field role? string of the whole (default "judgement")

--- Several losses as one, called with what each is called with; the score is their mean by weight.
--- ```lua
--- local exact = lg.loss.exact { extract = lg.extract.last_number }
--- local brief = lg.loss.score(function(text) return #text < 10 end)
--- local loss = lg.loss.all { exact, function(answer) return brief(answer) end, weights = { 3, 1 } }
--- print(loss("It must be 12.", "12").score)                      --> 0.75
--- ```
---@param spec lunagrad.all_spec
---@return fun(answer: lunagrad.text, ...): Var
---@raises inval: a part that is no loss, or weights that are not as many
function lunagrad.loss.all(spec) end

---@class lunagrad.constraint
---@field text string what the editor is told
---@field check fun(value: string, media: string|nil): boolean, string|nil
---@field of_text boolean|nil it is about texts and does not concern pictures and sounds

--- What a new text must keep to, in words for the editor and as code.
lunagrad.constraint = {}
--- One of your own: words for the editor, and a function that looks.
--- ```lua
--- local polite = lg.constraint.new("says please", function(text)
---   return text:lower():find "please" ~= nil, "it does not say please"
--- end)
--- print(lg.constraint.broken({ polite }, "Do it."))              --> it does not say please
--- ```
---@param text string
---@param check fun(text: string): boolean, string|nil
---@return lunagrad.constraint
---@raises inval: no words
function lunagrad.constraint.new(text, check) end
--- Words as lg.text.count_words counts them.
--- ```lua
--- print(lg.constraint.max_words(3).check "one two three four")   --> false
--- ```
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.max_words(n) end
--- Words as lg.text.count_words counts them.
--- ```lua
--- print(lg.constraint.min_words(2).check "one two")              --> true
--- ```
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.min_words(n) end
--- Characters as people count them.
--- ```lua
--- print(lg.constraint.max_chars(5).check "hello")                --> true
--- ```
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.max_chars(n) end
--- This stands in it.
--- ```lua
--- print(lg.constraint.contains("Answer:").check "Answer: 4")     --> true
--- ```
---@param part string
---@return lunagrad.constraint
function lunagrad.constraint.contains(part) end
--- This does not stand in it.
--- ```lua
--- print(lg.constraint.not_contains("sorry").check "I am sorry.") --> false
--- ```
---@param part string
---@return lunagrad.constraint
function lunagrad.constraint.not_contains(part) end
--- A Lua pattern is found in it.
--- ```lua
--- print(lg.constraint.matches("^%d+$", "is a whole number").check "42") --> true
--- ```
---@param pattern string a Lua pattern
---@param words? string what it means, for the editor
---@return lunagrad.constraint
function lunagrad.constraint.matches(pattern, words) end
--- It is one of these texts.
--- ```lua
--- print(lg.constraint.one_of({ "yes", "no" }).check "maybe")     --> false
--- ```
---@param list string[]
---@return lunagrad.constraint
function lunagrad.constraint.one_of(list) end
--- Lua 5.4 without a syntax error; compiled, never run.
--- ```lua
--- print(lg.constraint.lua_syntax().check "return 1 +")           --> false
--- ```
---@return lunagrad.constraint
function lunagrad.constraint.lua_syntax() end
--- It is JSON.
--- ```lua
--- print(lg.constraint.json().check '{"a": 1}')                   --> true
--- ```
---@return lunagrad.constraint
function lunagrad.constraint.json() end
--- A text or a constraint, as a constraint.
--- ```lua
--- print(lg.constraint.lift("be polite", "my list").text)         --> be polite
--- ```
---@param value string|lunagrad.constraint
---@param where string
---@return lunagrad.constraint
function lunagrad.constraint.lift(value, where) end
--- Those of a list that concern a value of this kind.
--- ```lua
--- local list = { lg.constraint.max_words(3), lg.constraint.new("shows a cat", function() return true end) }
--- print(#lg.constraint.for_media(list, "image/png"), #lg.constraint.for_media(list)) --> 1	2
--- ```
---@param list lunagrad.constraint[]
---@param media string|nil "image/png", …; nil: a text
---@return lunagrad.constraint[]
function lunagrad.constraint.for_media(list, media) end
--- Those of a list that are words only.
--- ```lua
--- local list = { lg.constraint.lift("be polite", "list"), lg.constraint.max_words(3) }
--- print(lg.constraint.worded(list)[1].text)                      --> be polite
--- ```
---@param list lunagrad.constraint[]
---@return lunagrad.constraint[]
function lunagrad.constraint.worded(list) end
--- The first constraint that a value breaks, and why.
--- ```lua
--- local one, why = lg.constraint.broken({ lg.constraint.max_words(2) }, "one two three")
--- print(one.text, why)                                           --> 2 words
--- ```
---@param list lunagrad.constraint[]
---@param value string a text, or the bytes of a picture or sound
---@param media string|nil "image/png", …; nil: a text
---@return lunagrad.constraint|nil broken, string|nil reason
function lunagrad.constraint.broken(list, value, media) end

---@alias lunagrad.metric_function fun(prediction: string, row: lunagrad.row): number

--- The truth is row.answer, row.target or row.answers; of a list any item is right.
lunagrad.metric = {}
--- 1 when the prediction is the answer. Normalization: none but blanks at the ends; decimal numbers
--- by value.
--- ```lua
--- print(lg.metric.exact(" Paris ", { answer = "Paris" }), lg.metric.exact("5.0", { answer = "5" })) --> 1	1
--- ```
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.exact(prediction, row) end
--- 1 when the last numbers are the same. Normalization: extract.last_number, then by value (3/4 is
--- 0.75).
--- ```lua
--- print(lg.metric.number("That makes 1,234 in all.", { answer = "1234" })) --> 1
--- ```
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.number(prediction, row) end
--- 1 when the letter that the prediction answers with is the row's answer: extract.choice of A to D,
--- or of as many letters as row.options has.
--- ```lua
--- print(lg.metric.choice("So the answer is (B).", { answer = "B" }))  --> 1
--- ```
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.choice(prediction, row) end
--- 1 when the answer stands in the prediction, as words or a number of its own. Normalization:
--- text.fold of both; quotes around the answer and a stop behind it do not count; numbers by value.
--- ```lua
--- print(lg.metric.contains("It is Paris, of course.", { answer = "paris" })) --> 1
--- ```
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.contains(prediction, row) end
--- Overlap of words, 0 to 1. Normalization: text.words of text.fold of both, hyphenated words in
--- parts, no punctuation, no English articles unless the answer is one; numbers by value.
--- ```lua
--- print(lg.metric.f1("the big red house", { answer = "big house" }))  --> 0.8
--- ```
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.f1(prediction, row) end

---@class lunagrad.metric_spec
---@field [1] lunagrad.metric_function the metric
---@field extract? fun(text: string): string|nil what counts of the prediction; nothing: 0
---@field field? string the row's field that is right (default: "answer", "target" or "answers")
---@field name? string for messages (default "made by lg.metric.make")

--- A metric with an extractor in front, or another field as truth.
--- ```lua
--- local metric = lg.metric.make { lg.metric.exact, extract = lg.extract.after "Answer:", field = "label" }
--- print(metric("Let me see. Answer: cat", { label = "cat" }))    --> 1
--- ```
---@param spec function|lunagrad.metric_spec
---@return lunagrad.metric_function
function lunagrad.metric.make(spec) end
--- A number in one writing only; nil for no number.
--- ```lua
--- print(lg.metric.canonical_number "1,234.50")                   --> 1234.5
--- ```
---@param text string
---@return string|nil
function lunagrad.metric.canonical_number(text) end
--- Do two texts say the same, as numbers or as texts?
--- ```lua
--- print(lg.metric.same("5.0", "5"), lg.metric.same("Paris", "Rome"))  --> true	false
--- ```
---@param a string
---@param b string
---@return boolean
function lunagrad.metric.same(a, b) end
--- What a row says is right; of several the first.
--- ```lua
--- print(lg.metric.truth { answers = { "Paris", "paris" } })      --> Paris
--- ```
---@param row lunagrad.row
---@param field? string
---@return string
---@raises inval: the row says nothing of what is right
function lunagrad.metric.truth(row, field) end
--- All that a row says is right; { "" } when its list is empty.
--- ```lua
--- print(#lg.metric.truths { answers = { "Paris", "paris" } })    --> 2
--- ```
---@param row lunagrad.row
---@param field? string
---@return string[]
---@raises inval: the row says nothing of what is right
function lunagrad.metric.truths(row, field) end
--- A number, or true and false, as a number.
--- ```lua
--- print(lg.metric.score(true, "my metric"), lg.metric.score(0.5, "my metric")) --> 1	0.5
--- ```
---@param value any
---@param who string
---@return number
function lunagrad.metric.score(value, who) end
