---@meta lunagrad_agent
-- What editors should know of agents, embeddings, retrievers and schemas (LuaLS). See lunagrad.lua.

---@class lunagrad
local lunagrad = {}

---@class lunagrad.agent_tool
---@field name string letters, digits, _ and -
---@field description? lunagrad.text what the model reads; an lg.param takes feedback
---@field parameters? lunagrad.schemaspec of its arguments: { city = "string" }
---@field run (fun(args: table, ctx: {name: string, example: integer|nil}): any)|lunagrad.retriever
---returns a text, a table, or a variable, which may be a picture or sound
---@field cache? boolean keep results in the store
---@field version? string of the function: part of what results are found by
---@field backward? fun(ctx: table): table feedback on the arguments; no model call then
---@field timeout? number seconds that `run` may take; then the model is told

---@class lunagrad.agent_spec
---@field model? lunagrad.model|string who decides (default: the role "model")
---@field system? lunagrad.text the system prompt; an lg.param takes feedback
---@field tools? (lunagrad.agent_tool|lunagrad.retriever)[] what it may call
---@field max_steps? integer calls of the model that may call tools (default 10)
---@field max_calls_per_step? integer tools that one of them may call (default 16)
---@field parallel? boolean false: one tool at a time (default true)
---@field on_error? "tell"|"raise" what fails is told to the model, or ends the agent (default
---"tell")
---@field role? string of the answer (default "answer")
---@field name? string for messages (default "agent")
---@field timeout? number seconds for the whole answer; then it fails (kind "timeout")

---@class lunagrad.agent_ask
---@field [integer] lunagrad.text the question; further ones are parts of it (pictures, …)
---@field sample? integer equal questions with equal samples are one answer
---@field role? string of the answer
---@field example? integer the row it belongs to

---@class lunagrad.step
---@field calls {id: string, name: string, arguments: table}[] what it called
---@field results {id: string, name: string, text: string, error: boolean, media: string|nil}[]
---what came
---@field words string what it said beside

---@class lunagrad.agent what lg.agent returns; it is called with a question
---@field name string for messages
---@overload fun(question: lunagrad.text|lunagrad.agent_ask): Var

--- A model that calls tools until it can answer. agent(question) is a pending variable; feedback
--- on it walks the whole trace.
--- ```lua
--- local agent = lg.agent { system = "Use the tools.", max_steps = 3, tools = { {
---   name = "weather", description = "Tells the weather of a city.", parameters = { city = "string" },
---   run = function(args) return { city = args.city, degrees = 21 } end } } }
--- local answer = agent { "What is the weather in Paris?", sample = 1 }
--- print(#answer:text() > 0, #answer:trace() >= 1)                --> true	true
--- ```
---@param spec lunagrad.agent_spec
---@return lunagrad.agent
---@raises inval: a tool without a name, or two of one name
function lunagrad.agent(spec) end

---@class lunagrad.embed_opts
---@field model? string|table|fun(texts: string[]): number[][] "openai/text-embedding-3-small",
--- { name, base_url =, api_key =, headers = }, or a function (default "sim/embed")
---@field dimensions? integer of a vector (default: the model's own; sim/embed: 256)
---@field batch? integer texts in one request (default: what the server takes)
---@field extra? table body fields of the server's own

--- Vectors of texts: a list of them for a list, one for one text. Waits. Each text is paid once: its
--- vector is remembered, in the store by model, options and text.
--- ```lua
--- local one, two = lg.embed("a cat"), lg.embed({ "a cat", "a dog" }, { dimensions = 64 })
--- print(#one, #two, #two[1])                                     --> 256	2	64
--- ```
---@param texts lunagrad.text|lunagrad.text[]
---@param opts? lunagrad.embed_opts
---@return number[]|number[][]
---@raises inval: a text that is empty
function lunagrad.embed(texts, opts) end

---@class lunagrad.found a document that was found
---@field rank integer from 1
---@field score number larger is better; only comparable within one list
---@field id string its id, or its place
---@field title? string its title
---@field text string what it says
---@field row any as it was given
---@field var? Var of a document that is one

---@class lunagrad.retriever_spec
---@field docs? (lunagrad.text|table)[] texts, variables or rows; may be missing with a path
---@field text? string a row's field: the text or variable (default "text")
---@field id? string its id; its place when it has none (default "id")
---@field title? string its title (default "title")
---@field k? integer how many are returned (default 5)
---@field mode? "bm25"|"vector"|"hybrid" by words, by meaning, by both (default: "bm25",
---with embed "hybrid")
---@field embed? string|table|function who embeds, as `model` of lg.embed
---@field dimensions? integer of the vectors
---@field tokens? "words"|"stems"|"trigrams" what counts as the same word (default "words")
---@field path? string a file that keeps the index; in memory without
---@field name? string as a tool (default "search")
---@field description? lunagrad.text as a tool (default "Searches the documents and returns those
---that fit best.")
---@field purpose? string what it does, for the critic
---@field role? string of what it returns (default "documents found")
---@field backward? fun(ctx: table): table feedback by input name, as for lg.tool

---@class lunagrad.search_options
---@field k? integer how many (default: the retriever's own)

---@class lunagrad.retriever what lg.retriever returns; it is called with a query
---@field name string as a tool
---@overload fun(query: lunagrad.text, opts?: lunagrad.search_options): Var
local Retriever = {}

--- The same without a node: what is found, as a list. Waits.
--- ```lua
--- local search = lg.retriever { docs = { "Plums grow on trees.", "Whales live in the sea." } }
--- print(search:search("plums", { k = 1 })[1].text)               --> Plums grow on trees.
--- ```
---@param query lunagrad.text
---@param opts? lunagrad.search_options
---@return lunagrad.found[]
function Retriever:search(query, opts) end

--- Finds documents. retriever(query) is a pending variable that holds them, fenced and numbered;
--- feedback on it reaches the query, and those documents found that are lg.param.
--- ```lua
--- local search = lg.retriever { docs = { "Plums grow on trees.", "Whales live in the sea." }, k = 1 }
--- print(search "Where do whales live?")                          --> Whales live in the sea.
--- ```
---@param spec lunagrad.retriever_spec
---@return lunagrad.retriever
---@raises inval: neither documents nor a path
function lunagrad.retriever(spec) end

--- A JSON Schema, or the short form: { score = "number", verdict = { "yes", "no" },
--- note = "string?", items = { "string" } }.
---@alias lunagrad.schemaspec string|table

lunagrad.schema = {}
--- The JSON Schema that a short form stands for; a full one as it is. Raises what is wrong with it.
--- ```lua
--- local full = lg.schema.of { verdict = { "yes", "no" }, note = "string?" }
--- print(full.type, full.properties.verdict.enum[1])              --> object	yes
--- ```
---@param spec lunagrad.schemaspec
---@param where? string
---@return table
---@raises inval: a type that there is not
function lunagrad.schema.of(spec, where) end
--- A copy as strict modes want it; the second result is false when that cannot be done.
--- ```lua
--- local strict, can = lg.schema.strict(lg.schema.of { note = "string?" })
--- print(can, strict.additionalProperties)                        --> true	false
--- ```
---@param full table
---@return table schema, boolean strict
function lunagrad.schema.strict(full) end
--- Does a value fit a full schema? Else where it does not, and why.
--- ```lua
--- local full = lg.schema.of { score = "number" }
--- print(lg.schema.validate({ score = 1 }, full))                 --> true
--- print(lg.schema.validate({ score = "one" }, full))             --> false	score
--- ```
---@param value any
---@param full table
---@return boolean ok, string|nil path, string|nil message
function lunagrad.schema.validate(value, full) end
--- Take out the nulls that stand for members which were left out, in place.
--- ```lua
--- local full = lg.schema.of { note = "string?" }
--- print(lg.schema.tidy({ note = lg.json.null }, full).note)      --> nil
--- ```
---@param value any
---@param full table
---@return any value
function lunagrad.schema.tidy(value, full) end
