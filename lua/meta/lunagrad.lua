---@meta lunagrad
-- What editors should know of lunagrad's Lua API (LuaLS). Nothing here runs. A test compares the
-- names with those of the module: `make lint` fails when one side has more.

---@alias lunagrad.text string|number|boolean|Var   what is lifted to a variable
---@alias lunagrad.row table<string, any>
---@alias lunagrad.kind "forward"|"backward"|"optimizer"|"judge"

--- A value of the graph: text that may still be pending. Looking at it waits.
---@class Var
---@field role string what it is for; shown to the critic and the editor
---@field score number|nil larger is better; waits for the value
---@field target number|nil the score that counts as solved
---@field requires_grad boolean
---@field media string|nil "image/png", …; nil: text. Waits for the value
---@operator concat(lunagrad.text): Var
---@operator len: integer
local Var = {}

---@class lunagrad.backward
---@field model? lunagrad.model|string who writes the feedback
---@field grain? integer enum lg_grain
---@field context_tokens? integer budget of the contexts in one prompt
---@field reply_tokens? integer ceiling of one reply, for models without max_tokens (2048); 0: none
---@field skip_failed? boolean leave out what fails

---@class lunagrad.usage tokens
---@field input integer
---@field cached integer
---@field cache_write integer
---@field output integer
---@field reasoning integer

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
---@field remarks string|nil what was said about its output, such as the words of the loss
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
---@return integer
function Var:own_id() end
--- Of one that failed this counts as having looked at it, as :error() does.
---@return "pending"|"ready"|"failed"|"cancelled"
function Var:state() end
--- The same, for the library: it does not count as looking.
---@return "pending"|"ready"|"failed"|"cancelled"
function Var:raw_state() end
--- The text, or nil unless ready; never waits.
---@return string|nil
function Var:raw_text() end
--- What is printed: the text; of a picture or sound its kind and size. Waits for it.
---@return string
function Var:shown() end
--- The tools that a model's answer calls; nil when it calls none. And its words.
---@return {id: string, name: string, arguments: table|string}[]|nil calls, string words
function Var:calls() end
--- The Lua value of a text that is, or holds, JSON, as answers to calls with a schema are.
---@return any
function Var:value() end
--- What a retriever found, the best first. Waits for it.
---@return lunagrad.found[]
function Var:documents() end
--- The steps that led to an agent's answer; the last has only words. Waits for it.
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
---@param role string
function Var:set_role(role) end
--- Does it take feedback? What a node made can be frozen (set_grad(false): feedback ends there) or
--- trained (set_grad(true): a parameter like any other); `v.requires_grad = …` is the same.
---@return boolean
function Var:grad() end
---@param on boolean
function Var:set_grad(on) end
--- A variable that is or will be what this one is and takes no feedback; never waits.
---@return lunagrad.var
function Var:detach() end
---@return lunagrad.var
function Var:raw_detach() end
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
--- All values it has had, the oldest first: texts; pictures and sounds as fixed variables.
---@return (string|Var)[]
function Var:history() end
---@return integer how many texts it has had
function Var:versions() end
---@param i integer from 1
---@return string
function Var:version(i) end
--- Back to version i, forgetting the later ones.
---@param i integer from 1
function Var:rollback(i) end
--- Cancel it while it is pending, and the work only it needs. The function of a tool that runs
--- ends where it waits next.
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
--- Take that back.
---@param tag integer
function Var:unwatch(tag) end
--- That it fails, or will, needs nobody's look: another error stands for it.
function Var:disown() end
---@return boolean whether a node, a backward pass or a watch waits for it
function Var:wanted() end
--- Is it the same variable?
---@param other Var
---@return boolean
function Var:same(other) end
--- Send feedback from here to all that is trainable. Does not wait.
---@param opts? lunagrad.backward
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
--- A backward pass that runs through it or what it was made of.
---@return Var|nil
function Var:pass_behind() end
--- The graph that made it, in Graphviz' DOT. Waits for its value and, with feedback, for the
--- passes that run through the graph.
---@param opts? {feedback?: boolean}
---@return string
function Var:dot(opts) end
---@param with_feedback boolean
---@return string
function Var:raw_dot(with_feedback) end
--- Why a model's answer ended. Waits for it.
---@return string|nil "stop", "length", …
function Var:finish_reason() end
--- What the model thought before its answer; nil: nothing was told. Waits for it.
---@return string|nil
function Var:thinking() end
--- What an answer took. Waits for it.
---@return lunagrad.usage|nil
function Var:usage() end

---@class lunagrad.error what failing calls raise; tostring is one readable line
---@field kind string "auth", "timeout", "rate", "inval", …
---@field message string
---@field cause string|nil of a variable's: the end of message, without the variables it came by
---@field field string|nil what of the arguments it is about: "base_url", "steps"; "1" if it has no name
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
---@overload fun(spec: lunagrad.ask): Var

--- What a model is made with, beside the body fields (temperature, max_tokens, stop, …).
---@class lunagrad.modelspec
---@field [1] string|fun(request: table): string|table
---@field base_url? string
---@field api_key? string
---@field headers? table<string, string>
---@field concurrency? integer calls in flight at its endpoint, all from the first on
---@field dialect? string how the server is spoken to: "openai", "anthropic", … (docs/providers.md)
---@field quirks? string how it differs from its dialect: "a>b -c json_object" (docs/providers.md)
---@field rpm? integer requests a minute that the server allows; calls are spread to it
---@field tpm? integer tokens a minute, input and output
---@field hedge? {after: integer|string, budget?: number} stragglers are asked twice: after so many
--- ms, or "p95" of the last replies; for at most this part of the calls (0.05)
---@field extra? table raw body fields
---@field memo? boolean false: each call is bought by itself, also what a run had bought before
---@field keep_thinking? boolean true: what it thinks in tags of its text stays in the answer
---@field stop_repetition? boolean true: a reply that says the same over and over is broken off
---@field fallback? lunagrad.model|string|(lunagrad.model|string)[] asked in order when it cannot be had
---@field schema? lunagrad.schemaspec of all its answers

--- What is asked, beside the body fields.
---@class lunagrad.ask
---@field [integer] lunagrad.text the question; further ones are parts of it (pictures, …)
---@field system? lunagrad.text
---@field messages? table[] {role = , content = } before the question
---@field role? string of the answer
---@field sample? integer equal questions with equal samples are one call
---@field stream? fun(piece: string, restart: boolean) hears the answer while it comes
---@field schema? lunagrad.schemaspec|false the answer is JSON that fits it
---@field tools? table[] {name = , description = , parameters = JSON Schema}
---@field tool_choice? "auto"|"none"|"required"|{name: string}
---@field kind? lunagrad.kind
---@field example? integer
---@field extra? table raw body fields

--- A model by name ("openai/gpt-4o-mini", "sim/default", "exec/./my_model.py --fast": a program that
--- reads JSON on its stdin and writes the answer), with options, or a Lua function; without
--- arguments the one that plays the role "model".
---@param spec? string|lunagrad.modelspec|fun(request: table): string
---@param name? string
---@return lunagrad.model
function lunagrad.model(spec, name) end
--- Which model plays which role.
---@param roles table<"model"|"backward"|"optimizer"|"judge", lunagrad.model|string>
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

---@class lunagrad.media
---@field [1]? string a file or an address
---@field file? string
---@field bytes? string
---@field url? string fetched by the provider
---@field role? string
---@field type? string "image/png", …; told by the bytes when it is left out

--- A picture: PNG, JPEG, GIF, WebP. A part of a message: model{ "What is in it?", picture }.
---@param spec string|lunagrad.media
---@return Var
function lunagrad.image(spec) end
--- Sound: WAV, MP3, Ogg, FLAC.
---@param spec string|lunagrad.media
---@return Var
function lunagrad.audio(spec) end
--- A PDF.
---@param spec string|lunagrad.media
---@return Var
function lunagrad.document(spec) end
--- Write a variable's picture, sound or text to a file. Waits for it.
---@param v Var
---@param path string
function lunagrad.save(v, path) end
---@param x any
---@return boolean
function lunagrad.is_var(x) end
--- A text with named fields: "{name}" is replaced, "{{" is a brace. A name is made of letters of
--- any script, digits and _. A field that the template does not have is an error.
---@param template lunagrad.text
---@param fields table<string, lunagrad.text>
---@param opts? {role?: string, fenced?: boolean}
---@return Var
function lunagrad.format(template, fields, opts) end
---@class lunagrad.tool_spec
---@field name string
---@field purpose string|nil what it does, for the critic
---@field run function the inputs' texts (of pictures and sounds variables) → text or variable, score
---@field backward nil|fun(ctx: table): table feedback by input name; no model call then
---@field inputs string[]|nil names
---@field role string|nil
---@field target number|nil the score that counts as solved
---@field cache boolean|nil keep results in the store
---@field version string|nil of the function: part of what results are found by
---@field timeout number|nil seconds that `run` may take; then the node fails (kind "timeout")
--- A Lua function as a node.
---@param spec lunagrad.tool_spec
---@return fun(...): Var
function lunagrad.tool(spec) end
---@class lunagrad.agent_tool
---@field name string
---@field description? lunagrad.text what the model reads; an lg.param takes feedback
---@field parameters? lunagrad.schemaspec
---@field run (fun(args: table, ctx: {name: string, example: integer|nil}): any)|lunagrad.retriever
---returns a text, a table, or a variable, which may be a picture or sound
---@field cache? boolean keep results in the store
---@field version? string of the function: part of what results are found by
---@field backward? fun(ctx: table): table feedback on the arguments; no model call then
---@field timeout? number seconds that `run` may take; then the model is told

---@class lunagrad.agent_spec
---@field model? lunagrad.model|string
---@field system? lunagrad.text
---@field tools? (lunagrad.agent_tool|lunagrad.retriever)[]
---@field max_steps? integer calls of the model that may call tools; default 10
---@field max_calls_per_step? integer default 16
---@field parallel? boolean false: one tool at a time
---@field on_error? "tell"|"raise" what fails is told to the model (default), or ends the agent
---@field role? string of the answer
---@field name? string for messages
---@field timeout? number seconds for the whole answer; then it fails (kind "timeout")

---@class lunagrad.step
---@field calls {id: string, name: string, arguments: table}[]
---@field results {id: string, name: string, text: string, error: boolean, media: string|nil}[]
---@field words string

---@class lunagrad.agent
---@field name string
---@overload fun(question: lunagrad.text|table): Var

--- A model that calls tools until it can answer. agent(question) is a pending variable; feedback
--- on it walks the whole trace.
---@param spec lunagrad.agent_spec
---@return lunagrad.agent
function lunagrad.agent(spec) end

---@class lunagrad.embed_opts
---@field model? string|table|fun(texts: string[]): number[][] "openai/text-embedding-3-small",
--- "sim/embed" (the default), { name, base_url =, api_key =, headers = }, or a function
---@field dimensions? integer
---@field batch? integer texts in one request
---@field extra? table body fields of the server's own

--- Vectors of texts: a list of them for a list, one for one text. Waits. Each text is paid once: its
--- vector is remembered, in the store by model, options and text.
---@param texts lunagrad.text|lunagrad.text[]
---@param opts? lunagrad.embed_opts
---@return number[]|number[][]
function lunagrad.embed(texts, opts) end

---@class lunagrad.found a document that was found
---@field rank integer from 1
---@field score number larger is better; only comparable within one list
---@field id string
---@field title? string
---@field text string
---@field row any as it was given
---@field var? Var of a document that is one

---@class lunagrad.retriever_spec
---@field docs? (lunagrad.text|table)[] texts, variables or rows; may be missing with a path
---@field text? string a row's field: the text or variable ("text")
---@field id? string … its id ("id"; its place when it has none)
---@field title? string … its title ("title")
---@field k? integer how many are returned (5)
---@field mode? "bm25"|"vector"|"hybrid" by words, by meaning, by both (the default with `embed`)
---@field embed? string|table|function who embeds, as `model` of lg.embed
---@field dimensions? integer of the vectors
---@field tokens? "words"|"stems"|"trigrams" what counts as the same word
---@field path? string a file that keeps the index; in memory without
---@field name? string as a tool ("search")
---@field description? lunagrad.text as a tool
---@field purpose? string what it does, for the critic
---@field role? string of what it returns ("documents found")
---@field backward? fun(ctx: table): table feedback by input name, as for lg.tool

---@class lunagrad.retriever
---@overload fun(query: lunagrad.text, opts?: {k?: integer}): Var
---@field search fun(self, query: lunagrad.text, opts?: {k?: integer}): lunagrad.found[] no node

--- Finds documents. retriever(query) is a pending variable that holds them, fenced and numbered;
--- feedback on it reaches the query, and those documents found that are lg.param.
---@param spec lunagrad.retriever_spec
---@return lunagrad.retriever
function lunagrad.retriever(spec) end

--- A JSON Schema, or the short form: { score = "number", verdict = { "yes", "no" },
--- note = "string?", items = { "string" } }.
---@alias lunagrad.schemaspec string|table

lunagrad.schema = {}
--- The JSON Schema that a short form stands for; a full one as it is. Raises what is wrong with it.
---@param spec lunagrad.schemaspec
---@param where? string
---@return table
function lunagrad.schema.of(spec, where) end
--- A copy as strict modes want it; the second result is false when that cannot be done.
---@param full table
---@return table schema, boolean strict
function lunagrad.schema.strict(full) end
--- Does a value fit a full schema? Else where it does not, and why.
---@param value any
---@param full table
---@return boolean ok, string|nil path, string|nil message
function lunagrad.schema.validate(value, full) end
--- Take out the nulls that stand for members which were left out, in place.
---@param value any
---@param full table
---@return any value
function lunagrad.schema.tidy(value, full) end
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
---@param context? {example: integer|nil, step: integer|nil} told by its nodes and errors
---@return table task
function lunagrad.spawn(fn, context, ...) end
--- Wait, on the engine's clock: in a task others run meanwhile.
---@param seconds number 0 or more
function lunagrad.sleep(seconds) end
---@class lunagrad.config
---@field store string|boolean|nil the store's directory; true: LUNAGRAD_HOME, or .lunagrad here
---@field durable "group"|"full"|nil synced in groups, or every write waits for the disk
---@field prices string|table|nil a file or a table in litellm's format, before the built-in prices
---@field max_cost number|nil dollars
---@field max_calls integer|nil
---@field max_tokens integer|nil input and output
---@field max_time number|nil seconds
---@field concurrency integer|nil calls in flight for each endpoint, all from the first on; nil: up
--- to 64, begun with 16 or what an earlier run found to hold
---@field max_attempts integer|nil tries of one call
---@field total_timeout_ms integer|nil of one try
---@field seed integer|nil
---@field log "error"|"warn"|"info"|"debug"|nil what the engine tells on stderr; debug: every change
---of a state
--- Options of the engine, before anything else is used.
---@param opts lunagrad.config|table
function lunagrad.configure(opts) end
--- What was done so far. Bought are calls and useless (replies that were paid for and no call
--- got: a filter stopped them, they ended before a word). While calls are held back: held (how
--- many), held_seconds (until the first may go) and held_by ("rate" or "down").
---@return table
function lunagrad.stats() end
---@class lunagrad.prompts
---@field [string] Var
--- The operators' prompts by name; assign a text or a variable to replace one.
---@type lunagrad.prompts
lunagrad.prompts = nil
--- Ask by another set from now on: "default", "textgrad" (what TextGrad tells its models, to compare
--- with), or your own, name to text or variable, in which what it lacks is as in "default". What
--- was assigned before is replaced. A set with a mistake is refused whole.
---@param set "default"|"textgrad"|table<string, string|Var>
function lunagrad.prompts.use(set) end

lunagrad.json = {}
---@param value any
---@return string
function lunagrad.json.encode(value) end
--- A number without fraction and exponent that fits in 64 bits is an integer, any other a float.
--- keep says what becomes of one that this would change: "size" (the default: only what is too
--- large stays, as its text), "text" (as its text, if any digit would be lost) or "number" (the
--- same, as a value that encode writes as it came and tostring shows).
---@param text string
---@param keep? "size"|"text"|"number"
---@return any value, string|nil problem, integer|nil byte where it is
function lunagrad.json.decode(text, keep) end
--- JSON's null.
lunagrad.json.null = nil
--- Marks a table as a list, so that an empty one is written as []; decode marks lists.
---@param list? table
---@return table list
function lunagrad.json.array(list) end

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
--- A person judges, at the terminal or by a function of yours; kept, so that nobody is asked twice.
---@param spec? string|table what to look at, or {instruction, ask = function(question) → score, words,
--- choices = { {"good", 1}, "too long" }, target=, name=, role=}
---@return fun(answer: lunagrad.text|table, more?: table): Var
function lunagrad.loss.person(spec) end
--- Several losses as one, called with what each is called with; the score is their mean by weight.
---@param spec table {loss, …, weights = {number, …}, skip_failed=, role=}, or {{loss, weight}, …}
---@return fun(answer: lunagrad.text, ...): Var
function lunagrad.loss.all(spec) end

---@class lunagrad.constraint
---@field text string what the editor is told
---@field check fun(value: string, media: string|nil): boolean, string|nil
---@field of_text boolean|nil it is about texts and does not concern pictures and sounds

--- What a new text must keep to, in words for the editor and as code.
lunagrad.constraint = {}
---@param text string
---@param check fun(text: string): boolean, string|nil
---@return lunagrad.constraint
function lunagrad.constraint.new(text, check) end
--- Words as lg.text.count_words counts them.
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.max_words(n) end
--- Words as lg.text.count_words counts them.
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.min_words(n) end
---@param n integer
---@return lunagrad.constraint
function lunagrad.constraint.max_chars(n) end
---@param part string
---@return lunagrad.constraint
function lunagrad.constraint.contains(part) end
---@param part string
---@return lunagrad.constraint
function lunagrad.constraint.not_contains(part) end
---@param pattern string a Lua pattern
---@param words? string what it means, for the editor
---@return lunagrad.constraint
function lunagrad.constraint.matches(pattern, words) end
---@param list string[]
---@return lunagrad.constraint
function lunagrad.constraint.one_of(list) end
--- Lua 5.4 without a syntax error; compiled, never run.
---@return lunagrad.constraint
function lunagrad.constraint.lua_syntax() end
---@return lunagrad.constraint
function lunagrad.constraint.json() end
--- A text or a constraint, as a constraint.
---@param value string|lunagrad.constraint
---@param where string
---@return lunagrad.constraint
function lunagrad.constraint.lift(value, where) end
--- Those of a list that concern a value of this kind.
---@param list lunagrad.constraint[]
---@param media string|nil "image/png", …; nil: a text
---@return lunagrad.constraint[]
function lunagrad.constraint.for_media(list, media) end
--- Those of a list that are words only.
---@param list lunagrad.constraint[]
---@return lunagrad.constraint[]
function lunagrad.constraint.worded(list) end
--- The first constraint that a value breaks, and why.
---@param list lunagrad.constraint[]
---@param value string a text, or the bytes of a picture or sound
---@param media string|nil "image/png", …; nil: a text
---@return lunagrad.constraint|nil broken, string|nil reason
function lunagrad.constraint.broken(list, value, media) end

---@class lunagrad.dataset
---@field split fun(self, spec: table): lunagrad.dataset ...
---@field batches fun(self, n: integer, opts?: table): fun(): lunagrad.dataset {seed=, epochs=}
---@field shuffle fun(self, seed: any): lunagrad.dataset
---@field sample fun(self, n: integer, seed: any, with_replacement?: boolean): lunagrad.dataset
---@field take fun(self, n: integer): lunagrad.dataset
---@field slice fun(self, from: integer, to?: integer): lunagrad.dataset
---@field map fun(self, fn: function): lunagrad.dataset
---@field filter fun(self, fn: function): lunagrad.dataset
---@operator len: integer

lunagrad.data = {}
---@param value any
---@return boolean
function lunagrad.data.is(value) end
---@param rows lunagrad.row[]
---@return lunagrad.dataset
function lunagrad.data.list(rows) end
--- A field that a row may lack: its value, or `otherwise`. Reading a field that a row of a file
--- does not have is an error; JSON's null is there and nil.
---@param from table
---@param name string
---@param otherwise? any
---@return any
function lunagrad.data.get(from, name, otherwise) end
--- One JSON object a line, or one list of objects.
---@param path string
---@return lunagrad.dataset
function lunagrad.data.jsonl(path) end
---@param text string
---@param name? string
---@return lunagrad.dataset
function lunagrad.data.jsonl_text(text, name) end
--- Texts in columns. The header line tells whether a comma, a semicolon, a tab or a bar parts them.
---@param path string
---@param opts? {header?: boolean|string[], separator?: string}
---@return lunagrad.dataset
function lunagrad.data.csv(path, opts) end
---@param text string
---@param opts? {header?: boolean|string[], separator?: string}
---@param name? string
---@return lunagrad.dataset
function lunagrad.data.csv_text(text, opts, name) end
--- BIG-Bench Hard's JSON: rows with question and answer.
---@param path string
---@return lunagrad.dataset
function lunagrad.data.bbh(path) end
---@param text string
---@param name? string
---@return lunagrad.dataset
function lunagrad.data.bbh_text(text, name) end

---@alias lunagrad.metric_function fun(prediction: string, row: lunagrad.row): number

--- The truth is row.answer, row.target or row.answers; of a list any item is right.
lunagrad.metric = {}
--- 1 when the prediction is the answer. Normalization: none but blanks at the ends; decimal numbers
--- by value.
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.exact(prediction, row) end
--- 1 when the last numbers are the same. Normalization: extract.last_number, then by value (3/4 is
--- 0.75).
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.number(prediction, row) end
--- 1 when the letter that the prediction answers with is the row's answer: extract.choice of A to D,
--- or of as many letters as row.options has.
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.choice(prediction, row) end
--- 1 when the answer stands in the prediction, as words or a number of its own. Normalization:
--- text.fold of both; quotes around the answer and a stop behind it do not count; numbers by value.
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.contains(prediction, row) end
--- Overlap of words, 0 to 1. Normalization: text.words of text.fold of both, hyphenated words in
--- parts, no punctuation, no English articles unless the answer is one; numbers by value.
---@param prediction string
---@param row lunagrad.row
---@return number
function lunagrad.metric.f1(prediction, row) end
--- A metric with an extractor in front, or another field as truth.
---@param spec table|function {metric, extract=, field=, name=}
---@return lunagrad.metric_function
function lunagrad.metric.make(spec) end
--- A number in one writing only; nil for no number.
---@param text string
---@return string|nil
function lunagrad.metric.canonical_number(text) end
--- Do two texts say the same, as numbers or as texts?
---@param a string
---@param b string
---@return boolean
function lunagrad.metric.same(a, b) end
--- What a row says is right; of several the first.
---@param row lunagrad.row
---@param field? string
---@return string
function lunagrad.metric.truth(row, field) end
--- All that a row says is right; { "" } when its list is empty.
---@param row lunagrad.row
---@param field? string
---@return string[]
function lunagrad.metric.truths(row, field) end
--- A number, or true and false, as a number.
---@param value any
---@param who string
---@return number
function lunagrad.metric.score(value, who) end

--- Run a program over all rows at once: mean, low, high (its 95% interval), n, rows.
--- Hits and misses have Wilson's interval, other scores one of resampling; scores beyond 0 and 1
--- that are all equal have none (low and high are nil).
---@param spec table {program, data=, metric=, concurrency=, field=, seed=, on_error=}
---@return table
function lunagrad.evaluate(spec) end
--- The gated loop: keeps a step only when validation does not refuse it.
--- accept: "race" (the default), "better", "not_worse", "no_regression" or "always".
--- A batch that is solved as a whole is no step: another is drawn (redrawn counts them).
--- stopped: "steps", "solved" (validation is perfect), "all solved" (all rows to learn from are),
--- "nothing to learn from", "patience" or "limit".
---@param spec table {program=, params=, loss=, metric=, train=, val=, batch=3, steps=12, seed=, …}
---@return table {best=, steps=, seed_score=, best_score=, accepted=, rejected=, redrawn=, stopped=}
function lunagrad.train(spec) end

lunagrad.rng = {}
--- A seeded generator: r:int(a, b), r:float(), r:shuffle(list), r:pick(list), r:fork(name).
---@param seed integer|string
---@return table
function lunagrad.rng.new(seed) end

---@param kind string
---@param message string
---@param hint? string
---@return lunagrad.error
function lunagrad.errors.new(kind, message, hint) end
---@param kind string
---@param message string
---@param hint? string
---@param level? integer
---@param cause? string
---@param field? string
function lunagrad.errors.raise(kind, message, hint, level, cause, field) end
---What is wrong with one argument: kind "inval", and `field` is its name
---@param field string
---@param message string
---@param hint? string
---@param level? integer
function lunagrad.errors.refuse(field, message, hint, level) end
---@param x any
---@return boolean
function lunagrad.errors.is(x) end

--- A text as messages quote it: its first 60 bytes, with escapes for what cannot be seen.
---@param text string
---@return string
function lunagrad.errors.quoted(text) end
--- Why nothing more can be bought, if a caught value says so: an interrupt, a limit of the run, or
--- a store that fails. nil for errors that a loop may survive.
---@param x any
---@return "cancelled"|"cap"|"store"|"ambiguous"|nil
function lunagrad.errors.stops(x) end
--- What was raised, in words that are the same in every run.
---@param x any
---@return string
function lunagrad.errors.words(x) end
--- Anything raised, as an error object.
---@param x any
---@return lunagrad.error
function lunagrad.errors.wrap(x) end
---@param v Var
---@return lunagrad.error|nil
function lunagrad.errors.from_var(v) end
