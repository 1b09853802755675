---@meta lunagrad
-- What editors should know of lunagrad's Lua API (LuaLS). Nothing here runs. A test
-- compares the names with those of the module, so a function without a line here, or
-- a line here without a function, fails `make lint`.

---@alias lunagrad.text string|number|boolean|Var   what is lifted to a variable
---@alias lunagrad.row table<string, any>
---@alias lunagrad.kind "forward"|"backward"|"optimizer"|"judge"

--- A value of the graph: text that may still be pending. Looking at it waits.
---@class Var
---@field role string what it is for; shown to the critic and the editor
---@field score number|nil larger is better; waits for the value
---@field target number|nil the score that counts as solved
---@field requires_grad boolean
---@operator concat(lunagrad.text): Var
---@operator len: integer
local Var = {}

--- One piece of feedback on a variable.
---@class lunagrad.feedback
---@field state "none"|"empty"|"text" the loss itself; nothing to improve; a text
---@field text string
---@field score number|nil of the loss it came from
---@field target number|nil
---@field from integer id of the node that gave it; 0: given by hand
---@field input integer which input of that node
---@field from_role string
---@field example integer|nil
---@field conversation string|nil what it is about
---@field var Var|nil the node that wrote it
---@field sources lunagrad.feedback[]|nil what a reduction made it from

--- The text; waits for it, raises when the variable failed.
---@return string
function Var:text() end
--- Wait until it is ready.
---@return Var
function Var:await() end
--- Never reused.
---@return integer
function Var:id() end
---@return "pending"|"ready"|"failed"|"cancelled"
function Var:state() end
--- The text, or nil unless ready; never waits.
---@return string|nil
function Var:raw_text() end
---@return string
function Var:raw_role() end
---@param role string
function Var:set_role(role) end
--- Does it take feedback?
---@return boolean
function Var:grad() end
---@param on boolean
function Var:set_grad(on) end
--- Score and target as they are now; never waits.
---@return number|nil score, number|nil target
function Var:raw_score() end
---@param score number
---@param target? number default 1
function Var:set_score(score, target) end
---@return integer the example worked on when it was made, -1: none
function Var:example() end
---@param example integer
function Var:set_example(example) end
--- A new version. Nodes made before keep the old text.
---@param text lunagrad.text
function Var:set(text) end
---@param text string
function Var:raw_set(text) end
--- All texts it has had, the oldest first.
---@return string[]
function Var:history() end
---@return integer how many texts it has had
function Var:versions() end
---@param i integer from 1
---@return string
function Var:version(i) end
--- Back to version i, forgetting the later ones.
---@param i integer from 1
function Var:rollback(i) end
--- Cancel it while it is pending, and the work only it needs.
function Var:cancel() end
--- Why it failed, nil when it did not.
---@return lunagrad.error|nil
function Var:error() end
---@return string the operator that made it
function Var:op() end
---@return {name: string, var: Var, text: string|nil}[]
function Var:inputs() end
--- An event with this tag when it has settled (for those who drive the engine).
---@param tag integer
function Var:watch(tag) end
--- Is it the same variable?
---@param other Var
---@return boolean
function Var:same(other) end
--- Send feedback from here to all that is trainable. Does not wait.
---@param opts? {model?: lunagrad.model|string, grain?: "edge", context_tokens?: integer, skip_failed?: boolean}
---@return Var pass ready when all feedback is there
function Var:backward(opts) end
--- The feedback; waits for passes that still run.
---@return lunagrad.feedback[]
function Var:feedback() end
---@return lunagrad.feedback[] what is there now
function Var:raw_feedback() end
--- Feedback from a person or a program; survives backward.
---@param text string
function Var:add_feedback(text) end
--- Forget all feedback.
function Var:zero_grad() end
--- … raises while a pass runs.
function Var:raw_zero_grad() end
--- A backward pass through it that runs or failed.
---@return Var|nil
function Var:pass() end
--- The graph that made it, in Graphviz' DOT.
---@param opts? {feedback?: boolean}
---@return string
function Var:dot(opts) end
---@param with_feedback boolean
---@return string
function Var:raw_dot(with_feedback) end
---@return string|nil "stop", "length", … of a model's answer
function Var:finish_reason() end
---@return {input: integer, cached: integer, cache_write: integer, output: integer, reasoning: integer}|nil
function Var:usage() end

---@class lunagrad.error what failing calls raise; tostring is one readable line
---@field kind string "auth", "timeout", "rate", "inval", …
---@field message string
---@field hint string|nil what to do
---@field retryable boolean|nil
---@field request_id string|nil
---@field http_status integer|nil

---@class lunagrad
local lunagrad = {}

---@type string
lunagrad.VERSION = nil

--- What `lunagrad run SCRIPT key=value …` was given; empty elsewhere.
---@type table<string, string>
lunagrad.args = nil

---@class lunagrad.model
---@field name string
---@overload fun(question: lunagrad.text): Var
---@overload fun(spec: table): Var

--- A model by name ("openai/gpt-4o-mini", "sim/default"), with options, or a Lua function; without
--- arguments the one that plays the role "model".
---@param spec? string|table|fun(request: table): string
---@param name? string
---@return lunagrad.model
function lunagrad.model(spec, name) end
--- Which model plays which role.
---@param roles {model?: lunagrad.model|string, backward?: lunagrad.model|string, optimizer?: lunagrad.model|string, judge?: lunagrad.model|string}
function lunagrad.default(roles) end
--- A trainable leaf.
---@param text lunagrad.text
---@param role string
---@return Var
function lunagrad.param(text, role) end
--- A fixed leaf.
---@param text lunagrad.text
---@param role? string
---@return Var
function lunagrad.var(text, role) end
---@param x any
---@return boolean
function lunagrad.is_var(x) end
--- A text with named fields: "{name}" is replaced, "{{" is a brace.
---@param template lunagrad.text
---@param fields table<string, lunagrad.text>
---@param opts? {role?: string, fenced?: boolean}
---@return Var
function lunagrad.format(template, fields, opts) end
--- A Lua function as a node.
---@param spec {name: string, purpose?: string, run: function, backward?: fun(ctx: table): table, inputs?: string[], role?: string, target?: number}
---@return fun(...): Var
function lunagrad.tool(spec) end
--- Texts joined, scores added; feedback passes on unchanged.
---@param list Var[]
---@param opts? {skip_failed?: boolean}
---@return Var
function lunagrad.sum(list, opts) end
--- Texts joined, scores averaged; feedback is merged by one call a parameter.
---@param list Var[]
---@param opts? {skip_failed?: boolean}
---@return Var
function lunagrad.mean(list, opts) end
--- fn(item, index) for every item at the same time; results in order.
---@param list table
---@param fn fun(item: any, index: integer): any
---@param opts? {concurrency?: integer, on_error?: "raise"|"collect", example?: boolean}
---@return table
function lunagrad.map(list, fn, opts) end
--- Start a function as a task; task:await() gives what it returns.
---@param fn function
---@param context? table
---@return table task
function lunagrad.spawn(fn, context, ...) end
--- Options of the engine, before anything else is used.
---@param opts table
function lunagrad.configure(opts) end
--- What was done so far.
---@return table
function lunagrad.stats() end
--- The operators' prompts by name; assign a text or a variable to replace one.
---@type table<string, Var>
lunagrad.prompts = nil

lunagrad.json = {}
---@param value any
---@return string
function lunagrad.json.encode(value) end
---@param text string
---@return any value, string|nil problem
function lunagrad.json.decode(text) end
--- JSON's null.
lunagrad.json.null = nil
--- A metatable: setmetatable({}, lg.json.array) is written as [].
lunagrad.json.array = nil

lunagrad.errors = {}

lunagrad.loss = {}
--- A model criticises the answer.
---@param spec string|table "instruction" or {instruction, model=, role=}
---@return fun(answer: lunagrad.text, more?: table): Var
function lunagrad.loss.critic(spec) end
--- A model judges several named fields together.
---@param spec table {instruction, fields = {"question", …}, model=, role=}
---@return fun(fields: table): Var
function lunagrad.loss.compare(spec) end
--- 1 when the answer is the target; states the facts as feedback, no model call.
---@param spec table|string {target=, extract=, form=, role=}
---@return fun(answer: lunagrad.text, target?: any): Var
function lunagrad.loss.exact(spec) end
--- A model gives reasons and a verdict from 0 to 1.
---@param spec string|table {instruction, model=, role=, fields=, target=}
---@return fun(answer: lunagrad.text|table, more?: table): Var
function lunagrad.loss.judge(spec) end
--- A function of yours judges.
---@param spec function|table fn or {fn, name=, purpose=, target=, role=, critic=}
---@return fun(answer: lunagrad.text, ...): Var
function lunagrad.loss.score(spec) end

---@class lunagrad.optimizer
---@field step fun(self): table report
---@field zero_grad fun(self)
---@field parameters fun(self): Var[]

lunagrad.optim = {}
--- Textual gradient descent over the given parameters.
---@param spec table { params…, model=, momentum=, memory=, constraints=, examples=, tags=, context_tokens= }
---@return lunagrad.optimizer
function lunagrad.optim.tgd(spec) end
