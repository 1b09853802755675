---@meta lunagrad_var
-- What editors should know of variables (LuaLS). See lunagrad.lua.

--- A value of the graph: text that may still be pending. Looking at it waits.
---@class Var
---@field role string what it is for; shown to the critic and the editor
---@field score number|nil larger is better; waits for the value
---@field target number|nil the score that counts as solved
---@field requires_grad boolean whether it takes feedback
---@field media string|nil "image/png", …; nil: text. Waits for the value
---@operator concat(lunagrad.text): Var
---@operator len: integer
local Var = {}

---@class lunagrad.backward
---@field model? lunagrad.model|string who writes the feedback (default: the role "backward")
---@field grain? "edge"|"node"|"graph"|"auto" one question about one text that a step was given,
---about
---all that it was given, or about a batch with all its steps; "auto": "graph" where an example goes
---through four steps or more, else "node" (default "edge")
---@field context_tokens? integer budget of the contexts in one prompt
---@field reply_tokens? integer ceiling of one reply, for models without max_tokens (default: 2048);
---0: none
---@field skip_failed? boolean leave out what fails (default false)

---@class lunagrad.dot_options
---@field feedback? boolean with the feedback on the edges (default false)

---@class lunagrad.usage tokens
---@field input integer all that was read
---@field cached integer of these, served from the provider's cache
---@field cache_write integer of these, written to it
---@field output integer all that was written
---@field reasoning integer of these, thinking

--- One piece of feedback on a variable.
---@class lunagrad.feedback
---@field state "none"|"empty"|"text" the loss itself; nothing to improve; a text
---@field text string what is to change
---@field score number|nil of the loss it came from
---@field target number|nil the score that would be solved
---@field from integer id of the node that gave it; 0: given by hand
---@field input integer which input of that node
---@field from_role string the role of that node
---@field example integer|nil which row it is about
---@field conversation string|nil what it is about
---@field remarks string|nil what was said about its output, such as the words of the loss
---@field var Var|nil the node that wrote it
---@field sources lunagrad.feedback[]|nil what a reduction made it from

--- The text; waits for it, raises when the variable failed.
--- ```lua
--- print(#lg.var("abc"):text())                                   --> 3
--- ```
---@return string
---@raises tool, timeout, rate, auth, …: what it failed with, its own or that of what it was made from
function Var:text() end
--- Wait until it is ready.
--- ```lua
--- local answer = lg.model() "How many fruits: a plum, a fig."
--- print(answer:await():state())                                  --> ready
--- ```
---@return Var
---@raises what it failed with
function Var:await() end
--- Never reused.
--- ```lua
--- print(lg.var("a"):id() ~= lg.var("a"):id())                    --> true
--- ```
---@return integer
function Var:id() end
--- The same where lg.with binds it: the parameter's own, not its version's.
--- ```lua
--- local p = lg.param("old", "a text")
--- print(lg.with({ [p] = "new" }, function() return p:own_id() == p:own_id() end)) --> true
--- ```
---@return integer
function Var:own_id() end
--- Of one that failed this counts as having looked at it, as :error() does.
--- ```lua
--- local answer = lg.model(function() return "yes" end) "Well?"
--- print(answer:state(), answer:text(), answer:state())           --> pending	yes	ready
--- ```
---@return "pending"|"ready"|"failed"|"cancelled"
function Var:state() end
--- The same, for the library: it does not count as looking.
---@return "pending"|"ready"|"failed"|"cancelled"
function Var:raw_state() end
--- The text, or nil unless ready; never waits.
---@return string|nil
function Var:raw_text() end
--- What is printed: the text; of a picture or sound its kind and size. Waits for it.
--- ```lua
--- print(lg.image({ bytes = "\x89PNG\r\n\x1a\n" }):shown())       --> image/png
--- ```
---@return string
function Var:shown() end
--- The tools that a model's answer calls; nil when it calls none. And its words.
--- ```lua
--- local model = lg.model(function() return "no tools" end)
--- print(model "Well?":calls())                                   --> nil	no tools
--- ```
---@return {id: string, name: string, arguments: table|string}[]|nil calls, string words
function Var:calls() end
--- The Lua value of a text that is, or holds, JSON, as answers to calls with a schema are.
--- ```lua
--- print(lg.var('{"n": 3}'):value().n)                            --> 3
--- ```
---@return any
---@raises parse: it is no JSON
function Var:value() end
--- What a retriever found, the best first. Waits for it.
--- ```lua
--- local found = lg.retriever { docs = { "Plums grow on trees." } } "plums"
--- print(found:documents()[1].rank, found:documents()[1].text)    --> 1	Plums grow on trees.
--- ```
---@return lunagrad.found[]
---@raises inval: no retriever made it
function Var:documents() end
--- The steps that led to an agent's answer; the last has only words. Waits for it.
--- ```lua
--- local agent = lg.agent { model = lg.model(function() return "Hello." end) }
--- print(#agent "Hi":trace(), agent "Hi":trace()[1].words)        --> 1	Hello.
--- ```
---@return lunagrad.step[]
function Var:trace() end
--- "image/png", …; nil for text; never waits.
---@return string|nil
function Var:raw_media() end
--- A new version of another kind; type nil: told by the first bytes.
---@param type string|nil
---@param bytes string
function Var:raw_set_media(type, bytes) end
---@return string
function Var:raw_role() end
--- What it is for, from now on; `v.role = …` is the same.
--- ```lua
--- local p = lg.param("Be brief.", "a text")
--- p:set_role "system prompt"
--- print(p.role)                                                  --> system prompt
--- ```
---@param role string
function Var:set_role(role) end
--- Does it take feedback? What a node made can be frozen (set_grad(false): feedback ends there) or
--- trained (set_grad(true): a parameter like any other); `v.requires_grad = …` is the same.
--- ```lua
--- print(lg.param("x", "a text"):grad(), lg.var("x"):grad())      --> true	false
--- ```
---@return boolean
function Var:grad() end
--- Freeze it, or train it; `v.requires_grad = …` is the same.
--- ```lua
--- local p = lg.param("x", "a text")
--- p:set_grad(false)
--- print(p.requires_grad)                                         --> false
--- ```
---@param on boolean
function Var:set_grad(on) end
--- A variable that is or will be what this one is and takes no feedback; never waits.
--- ```lua
--- print(lg.param("x", "a text"):detach().requires_grad)          --> false
--- ```
---@return lunagrad.var
function Var:detach() end
---@return lunagrad.var
function Var:raw_detach() end
--- Score and target as they are now; never waits.
---@return number|nil score, number|nil target
function Var:raw_score() end
--- Give it a score by hand; `v.score` reads it.
--- ```lua
--- local v = lg.var "an answer"
--- v:set_score(0.5)
--- print(v.score, v.target)                                       --> 0.5	1.0
--- ```
---@param score number larger is better
---@param target? number (default: 1)
function Var:set_score(score, target) end
--- Which row of lg.map or lg.train it was made for.
--- ```lua
--- print(lg.map({ "a", "b" }, function(x) return lg.var(x):example() end)[2]) --> 2
--- ```
---@return integer the example worked on when it was made, -1: none
function Var:example() end
--- Say it by hand.
--- ```lua
--- local v = lg.var "x"
--- v:set_example(7)
--- print(v:example())                                             --> 7
--- ```
---@param example integer
function Var:set_example(example) end
--- A new version. Nodes made before keep the old text.
--- ```lua
--- local p = lg.param("Be brief.", "system prompt")
--- p:set "Be very brief."
--- print(p, p:versions())                                         --> Be very brief.	2
--- ```
---@param text lunagrad.text
---@raises state: it is pending
function Var:set(text) end
---@param text string
function Var:raw_set(text) end
--- All values it has had, the oldest first: texts; pictures and sounds as fixed variables.
--- ```lua
--- local p = lg.param("one", "a text")
--- p:set "two"
--- print(table.concat(p:history(), " "))                          --> one two
--- ```
---@return (string|Var)[]
function Var:history() end
--- How many texts it has had.
--- ```lua
--- print(lg.param("one", "a text"):versions())                    --> 1
--- ```
---@return integer
function Var:versions() end
--- One of them.
--- ```lua
--- local p = lg.param("one", "a text")
--- p:set "two"
--- print(p:version(1))                                            --> one
--- ```
---@param i integer from 1
---@return string
---@raises notfound: there is no such version
function Var:version(i) end
--- Back to version i, forgetting the later ones.
--- ```lua
--- local p = lg.param("one", "a text")
--- p:set "two"
--- p:rollback(1)
--- print(p, p:versions())                                         --> one	1
--- ```
---@param i integer from 1
---@raises notfound: there is no such version
function Var:rollback(i) end
--- Cancel it while it is pending, and the work only it needs. The function of a tool that runs
--- ends where it waits next.
--- ```lua
--- local answer = lg.model(function() lg.sleep(60) return "late" end) "Well?"
--- answer:cancel()
--- print(answer:state())                                          --> cancelled
--- ```
function Var:cancel() end
--- Why it failed, nil when it did not.
--- ```lua
--- local v = lg.tool { name = "t", run = function() error "it broke" end } "x"
--- pcall(v.text, v)
--- print(v:state(), v:error().kind)                               --> failed	tool
--- ```
---@return lunagrad.error|nil
function Var:error() end
--- The operator that made it: "model", "format", "tool", …; "leaf" of what nothing made.
--- ```lua
--- print(lg.var("x"):op(), (lg.var("x") .. "y"):op())             --> leaf	concat
--- ```
---@return string
function Var:op() end
--- What it was made from.
--- ```lua
--- local text = lg.format("{a} and {b}", { a = "one", b = "two" })
--- print(text:inputs()[1].name, text:inputs()[1].var)             --> template
--- ```
---@return {name: string, var: Var, text: string|nil}[]
function Var:inputs() end
--- An event with this tag when it has settled (for those who drive the engine).
--- ```lua
--- lg.var("x"):watch(1)                                           -- for hosts: lg.wait and the like tell it
--- ```
---@param tag integer
function Var:watch(tag) end
--- Take that back.
--- ```lua
--- local v = lg.var "x"
--- v:watch(1)
--- v:unwatch(1)
--- ```
---@param tag integer
function Var:unwatch(tag) end
--- That it fails, or will, needs nobody's look: another error stands for it.
--- ```lua
--- local v = lg.tool { name = "t", run = function() error "told elsewhere" end } "x"
--- v:disown()                                                     -- no word at the end that nobody looked
--- ```
function Var:disown() end
--- Does a node, a backward pass or a watch wait for it?
--- ```lua
--- local question = lg.model(function() return "yes" end) "Well?"
--- local text = question .. "!"
--- print(question:wanted(), text)                                 --> true	yes!
--- ```
---@return boolean
function Var:wanted() end
--- Is it the same variable?
--- ```lua
--- local v = lg.var "x"
--- print(v:same(v), v:same(lg.var "x"))                           --> true	false
--- ```
---@param other Var
---@return boolean
function Var:same(other) end
--- Send feedback from here to all that is trainable. Does not wait.
--- ```lua
--- local p = lg.param("far too long", "a text")
--- local brief = lg.loss.score(function(text) return #text < 5, "fewer letters" end)
--- brief(p):backward { grain = "node" }
--- print(p:feedback()[1].text)                                    --> fewer letters
--- ```
---@param opts? lunagrad.backward
---@return Var pass ready when all feedback is there
function Var:backward(opts) end
--- The feedback; waits for passes that still run.
--- ```lua
--- local p = lg.param("x", "a text")
--- p:add_feedback "say more"
--- print(#p:feedback(), p:feedback()[1].text)                     --> 1	say more
--- ```
---@return lunagrad.feedback[]
function Var:feedback() end
---@return lunagrad.feedback[] what is there now
function Var:raw_feedback() end
--- Feedback from a person or a program; survives backward.
--- ```lua
--- local p = lg.param("x", "a text")
--- p:add_feedback "say more"
--- print(p:feedback()[1].state)                                   --> text
--- ```
---@param text string
function Var:add_feedback(text) end
--- Forget all feedback.
--- ```lua
--- local p = lg.param("x", "a text")
--- p:add_feedback "say more"
--- p:zero_grad()
--- print(#p:feedback())                                           --> 0
--- ```
function Var:zero_grad() end
--- … raises while a pass runs.
function Var:raw_zero_grad() end
--- A backward pass through it that runs or failed.
--- ```lua
--- local p = lg.param("x", "a text")
--- print(p:pass())                                                --> nil
--- ```
---@return Var|nil
function Var:pass() end
--- A backward pass that runs through it or what it was made of.
--- ```lua
--- print(lg.param("x", "a text"):pass_behind())                   --> nil
--- ```
---@return Var|nil
function Var:pass_behind() end
--- The graph that made it, in Graphviz' DOT. Waits for its value and, with feedback, for the
--- passes that run through the graph.
--- ```lua
--- local p = lg.param("x", "a text")
--- print((p .. "y"):dot { feedback = true })                      --> digraph
--- ```
---@param opts? lunagrad.dot_options
---@return string
function Var:dot(opts) end
---@param with_feedback boolean
---@return string
function Var:raw_dot(with_feedback) end
--- Why a model's answer ended. Waits for it.
--- ```lua
--- print(lg.model() "How many fruits: a plum, a fig.":finish_reason()) --> stop
--- ```
---@return string|nil "stop", "length", …
function Var:finish_reason() end
--- What the model thought before its answer; nil: nothing was told. Waits for it.
--- ```lua
--- local model = lg.model(function() return "<think>Hm.</think>Yes." end)
--- local answer = model "Well?"
--- print(answer, answer:thinking())                               --> Yes.	Hm.
--- ```
---@return string|nil
function Var:thinking() end
--- What an answer took. Waits for it.
--- ```lua
--- print(lg.model() "How many fruits: a plum, a fig.":usage().output > 0) --> true
--- ```
---@return lunagrad.usage|nil
function Var:usage() end
