---@meta lunagrad
-- What editors should know of lunagrad's Lua API (LuaLS). Nothing here runs. A test compares the
-- names with those of the module: `make lint` fails when one side has more.

---@alias lunagrad.text string|number|boolean|Var   what is lifted to a variable
---@alias lunagrad.row table<string, any>
---@alias lunagrad.kind "forward"|"backward"|"optimizer"|"judge"


---@class lunagrad.error what failing calls raise; tostring is one readable line
---@field kind string "auth", "timeout", "rate", "inval", …
---@field message string what is wrong, in a line
---@field cause string|nil of a variable's: the end of message, without the variables it came by
---@field field string|nil what of the arguments it is about: "base_url", "steps"; "1" if it has no
---name
---@field hint string|nil what to do
---@field retryable boolean|nil whether the same call may succeed later
---@field request_id string|nil the server's number of the call
---@field http_status integer|nil what the server answered with

---@class lunagrad
local lunagrad = {}

---@type string
lunagrad.VERSION = nil

--- What `lunagrad run SCRIPT key=value …` was given; empty elsewhere.
---@type table<string, string>
lunagrad.args = nil

---@class lunagrad.model what lg.model returns; it is called with a question
---@field name string "openai/gpt-4o-mini"
---@overload fun(question: lunagrad.text): Var
---@overload fun(spec: lunagrad.ask): Var

---@class lunagrad.body what goes to the server as it is; of a model for all its calls, or of one
---call
---@field temperature? number
---@field top_p? number
---@field top_k? integer
---@field min_p? number
---@field max_tokens? integer the longest answer
---@field max_completion_tokens? integer the same, by its newer name
---@field stop? string|string[] where an answer ends
---@field seed? integer the server's, not the run's
---@field presence_penalty? number
---@field frequency_penalty? number
---@field logit_bias? table
---@field reasoning_effort? string "low", "medium", "high", …
---@field verbosity? string "low", "medium", "high"
---@field response_format? table what `schema` sets by itself
---@field modalities? string[]
---@field user? string
---@field service_tier? string
---@field tools? table[] {name = , description = , parameters = JSON Schema}; lg.agent runs them
---@field tool_choice? "auto"|"none"|"required"|{name: string}
---@field parallel_tool_calls? boolean

---@class lunagrad.hedge
---@field after integer|string so many ms, or "p95": longer than 95% of the last replies took
---@field budget? number for at most this part of the calls (default 0.05)

---@class lunagrad.modelspec: lunagrad.body what a model is made with
---@field [1] string|fun(request: table): string|table its name, or a function that answers
---@field base_url? string the server's address
---@field api_key? string the key, instead of the one that the environment has
---@field headers? table<string, string> sent with each call
---@field concurrency? integer calls in flight at its endpoint (default: up to 64; exec/…: 8)
---@field dialect? string how the server is spoken to: "openai", "anthropic", …
---(docs/providers.md)
---@field quirks? string how it differs from its dialect: "a>b -c json_object" (docs/providers.md)
---@field rpm? integer requests a minute that the server allows; calls are spread to it
---@field tpm? integer tokens a minute, input and output
---@field hedge? lunagrad.hedge stragglers are asked twice
---@field extra? table raw body fields
---@field memo? boolean false: each call is bought by itself, also what a run had bought before
---@field keep_thinking? boolean true: what it thinks in tags of its text stays in the answer
---@field stop_repetition? boolean true: a reply that says the same over and over is broken off
---@field fallback? lunagrad.model|string|(lunagrad.model|string)[] asked in order when it cannot
---be had
---@field schema? lunagrad.schemaspec of all its answers

---@class lunagrad.message { "user", "text" } is the same as { role = "user", content = "text" }
---@field role? "system"|"developer"|"user"|"assistant" who said it
---@field content? lunagrad.text|lunagrad.text[] what; a list: texts and pictures

---@class lunagrad.ask: lunagrad.body what a model is called with
---@field [integer] lunagrad.text the question; further ones are parts of it (pictures, …)
---@field system? lunagrad.text the system prompt
---@field messages? lunagrad.message[] before the question
---@field role? string of the answer
---@field sample? integer equal questions with equal samples are one call
---@field stream? fun(piece: string, restart: boolean) hears the answer while it comes
---@field schema? lunagrad.schemaspec|false the answer is JSON that fits it
---@field kind? "forward"|"backward"|"optimizer"|"judge" whose bill it is (default: "forward")
---@field example? integer the row it belongs to (default: the one that lg.map works on)
---@field extra? table raw body fields

--- A model by name ("openai/gpt-4o-mini", "sim/default", "exec/./my_model.py --fast": a program that
--- reads JSON on its stdin and writes the answer), with options, or a Lua function; without
--- arguments the one that plays the role "model".
--- ```lua
--- local model = lg.model(function(request) return "heard: " .. request.messages[1].content end)
--- print(model "Hello")                                           --> heard: Hello
--- local warm = lg.model { "sim/default", temperature = 0.7, max_tokens = 200 }
--- print(warm, warm { "Is a plum a fruit? Answer yes or no.", sample = 2 }:state()) --> sim/default	pending
--- ```
---@param spec? string|lunagrad.modelspec|fun(request: table): string
---@param name? string
---@return lunagrad.model
---@raises nomodel: a name that is no provider/model, or a provider that is not known
---@raises auth: no key is set for that provider
function lunagrad.model(spec, name) end
---@class lunagrad.roles
---@field model? lunagrad.model|string|table|function answers (default: what -m says, or sim)
---@field backward? lunagrad.model|string|table|function writes feedback (default: as model)
---@field optimizer? lunagrad.model|string|table|function rewrites (default: as backward)
---@field judge? lunagrad.model|string|table|function judges (default: as backward)

--- Which model plays which role.
--- ```lua
--- lg.default { model = "sim/default", judge = lg.model(function() return "Fine." end) }
--- print(lg.loss.critic "Is it right?" "2 + 2 = 4")               --> Fine.
--- ```
---@param spec lunagrad.roles
function lunagrad.default(spec) end
--- A trainable leaf.
--- ```lua
--- local prompt = lg.param("Answer the question.", "system prompt")
--- print(prompt, prompt.role, prompt.requires_grad)               --> Answer the question.	system prompt	true
--- ```
---@param text lunagrad.text
---@param role string
---@return Var
function lunagrad.param(text, role) end
--- A fixed leaf.
--- ```lua
--- local question = lg.var("How many legs has a cat?", "question")
--- print(question, question.requires_grad)                        --> How many legs has a cat?	false
--- ```
---@param text lunagrad.text
---@param role? string
---@return Var
function lunagrad.var(text, role) end

---@class lunagrad.media
---@field [1]? string a file or an address
---@field file? string a file
---@field bytes? string its bytes
---@field url? string fetched by the provider
---@field role? string what it is for (default: "image", "sound" or "document")
---@field type? string "image/png", …; told by the bytes when it is left out

--- A picture: PNG, JPEG, GIF, WebP. A part of a message: model{ "What is in it?", picture }.
--- ```lua
--- local picture = lg.image { bytes = "\x89PNG\r\n\x1a\n", role = "a picture" }
--- print(picture.media)                                           --> image/png
--- ```
---@param spec string|lunagrad.media
---@return Var
---@raises io: the file cannot be read
---@raises inval: it is no picture
function lunagrad.image(spec) end
--- Sound: WAV, MP3, Ogg, FLAC.
--- ```lua
--- print(lg.audio { bytes = "fLaC\0\0\0\34", role = "a sound" }.media) --> audio/flac
--- ```
---@param spec string|lunagrad.media
---@return Var
---@raises inval: it is no sound
function lunagrad.audio(spec) end
--- A PDF.
--- ```lua
--- print(lg.document { bytes = "%PDF-1.4\n" }.media)              --> application/pdf
--- ```
---@param spec string|lunagrad.media
---@return Var
---@raises inval: it is no PDF
function lunagrad.document(spec) end
--- Write a variable's picture, sound or text to a file. Waits for it.
--- ```lua
--- lg.save(lg.var "a text to keep", "kept.txt")
--- print(io.open("kept.txt"):read "a")                            --> a text to keep
--- ```
---@param v Var
---@param path string
---@raises io: the file cannot be written
function lunagrad.save(v, path) end
--- Is it a variable?
--- ```lua
--- print(lg.is_var(lg.var "x"), lg.is_var "x")                    --> true	false
--- ```
---@param x any
---@return boolean
function lunagrad.is_var(x) end

---@class lunagrad.format_options
---@field role? string what the text is for (default "text")
---@field fenced? boolean each field in tags of its own, which no value can close (default false)

--- A text with named fields: "{name}" is replaced, "{{" is a brace. A name is made of letters of
--- any script, digits and _. A field that the template does not have is an error.
--- ```lua
--- local q = lg.var("Why is the sky blue?", "question")
--- print(lg.format("Question: {q}\nAnswer in {n} words.", { q = q, n = 5 })) --> Question: Why is the sky blue?
--- ```
---@param template lunagrad.text
---@param fields table<string, lunagrad.text>
---@param opts? lunagrad.format_options
---@return Var
---@raises template: a field that the template does not have
function lunagrad.format(template, fields, opts) end

---@class lunagrad.tool_spec
---@field name string what it is called
---@field purpose? string what it does, for the critic (default "")
---@field run function the inputs' texts (of pictures and sounds variables) → text or variable,
---score
---@field backward? fun(ctx: table): table feedback by input name; no model call then. ctx has
---inputs,
---output, score, target, feedback, example
---@field inputs? string[] their names (default: "input1", "input2", …)
---@field role? string of its result (default: its name)
---@field target? number the score that counts as solved (default: 1)
---@field cache? boolean keep results in the store
---@field version? string of the function: part of what results are found by (default "")
---@field timeout? number seconds that `run` may take; then the node fails (kind "timeout")

--- A Lua function as a node.
--- ```lua
--- local count = lg.tool { name = "word count", purpose = "counts the words",
---   run = function(text) return "words: " .. lg.text.count_words(text), 1 end,
---   backward = function() return { input1 = "say it in fewer words" } end }
--- local n = count(lg.param("a b c", "a text"))
--- print(n, n.score)                                              --> words: 3	1.0
--- ```
---@param spec lunagrad.tool_spec
---@return fun(...): Var
---@raises inval: a spec without a name or function
function lunagrad.tool(spec) end

---@class lunagrad.reduction
---@field skip_failed? boolean leave out what fails (default false)
---@field weights? number[] one number above 0 for each

--- Texts joined, scores added; feedback passes on unchanged.
--- ```lua
--- local a, b = lg.var "one", lg.var "two"
--- a:set_score(0.5) b:set_score(0.25)
--- print(lg.sum { a, b }.score)                                   --> 0.75
--- ```
---@param list Var[]
---@param opts? lunagrad.reduction
---@return Var
function lunagrad.sum(list, opts) end
--- Texts joined, scores averaged; feedback is merged by one call a parameter.
--- ```lua
--- local a, b = lg.var "one", lg.var "two"
--- a:set_score(1) b:set_score(0)
--- print(lg.mean { a, b }.score)                                  --> 0.5
--- ```
---@param list Var[]
---@param opts? lunagrad.reduction
---@return Var
function lunagrad.mean(list, opts) end

---@class lunagrad.map_options
---@field concurrency? integer items at the same time (default: all)
---@field on_error? "raise"|"collect" collect: each result is {ok = true, value = …} or {ok =
---false,
---err = …} (default "raise")
---@field example? boolean false: the items are no examples of their own (default true)

--- fn(item, index) for every item at the same time; results in order. Waits.
--- ```lua
--- local squares = lg.map({ 1, 2, 3 }, function(x) return x * x end, { concurrency = 2 })
--- print(table.concat(squares, " "))                              --> 1 4 9
--- ```
---@param list table a list or a data set
---@param fn fun(item: any, index: integer): any
---@param opts? lunagrad.map_options
---@return table results
---@raises what the first item that failed raised, when all that were begun have ended
function lunagrad.map(list, fn, opts) end

---@class lunagrad.task what lg.spawn returns
local Task = {}

--- Wait for the task: what its function returned.
--- ```lua
--- local task = lg.spawn(function() lg.sleep(0.01) return "done", 2 end)
--- print(task:await())                                            --> done	2
--- ```
---@return any ...
---@raises what its function raised
function Task:await() end

---@class lunagrad.spawn_context
---@field example? integer told by its nodes and errors
---@field step? integer likewise

--- Start a function as a task; task:await() gives what it returns.
--- ```lua
--- local task = lg.spawn(function() return lg.model() "How many fruits: a plum, a fig." end, { step = 1 })
--- print(lg.is_var(task:await()))                                 --> true
--- ```
---@param fn function
---@param context? lunagrad.spawn_context
---@return lunagrad.task task
function lunagrad.spawn(fn, context, ...) end
--- Wait, on the engine's clock: in a task others run meanwhile.
--- ```lua
--- lg.sleep(0.01)
--- print "a hundredth of a second later"                          --> later
--- ```
---@param seconds number 0 or more
function lunagrad.sleep(seconds) end

---@class lunagrad.config
---@field store? string|boolean the store's directory; true: LUNAGRAD_HOME, or .lunagrad here
---@field durable? "group"|"full"|boolean synced in groups, or every write waits for the disk
---@field prices? string|table a file or a table in litellm's format, before the built-in prices
---@field max_cost? number dollars that the run may cost
---@field max_calls? integer calls that it may buy
---@field max_tokens? integer tokens, input and output
---@field max_time? number seconds
---@field concurrency? integer calls in flight for each endpoint, all from the first on (default:
---up to
---64, begun with 16 or what an earlier run found to hold)
---@field max_attempts? integer tries of one call (default: 10)
---@field connect_timeout_ms? integer (default: 10,000)
---@field first_byte_timeout_ms? integer silence while a model thinks (default: 600,000)
---@field total_timeout_ms? integer of one try (default: 900,000)
---@field max_reply_bytes? integer the longest reply (default: 16 MiB)
---@field memo_bytes? integer finished replies that are kept for repeats (default: 64 MiB)
---@field http2? boolean ask for HTTP/2 where libcurl does it well
---@field ca_file? string a file of certificates, as SSL_CERT_FILE
---@field ca_path? string a folder of certificates, as SSL_CERT_DIR
---@field proxy? string address of a proxy, instead of what the environment says
---@field seed? integer of what the engine draws
---@field virtual_clock? boolean time jumps to what is waited for: for tests
---@field log? "error"|"warn"|"info"|"debug" what the engine tells on stderr; debug: every change
---of a state

--- Options of the engine, before anything else is used. A cap that the command line set stays, if it
--- is lower.
--- ```lua
--- lg.configure { concurrency = 4, max_calls = 100, max_cost = 0.50 }
--- print(lg.model() "How many fruits: a plum, a fig.":state())    --> pending
--- ```
---@param opts lunagrad.config
---@raises state: the engine has begun: something was asked or made before
function lunagrad.configure(opts) end
--- What was done so far. Bought are calls and useless (replies that were paid for and no call
--- got: a filter stopped them, they ended before a word). While calls are held back: held (how
--- many), held_seconds (until the first may go) and held_by ("rate" or "down").
--- ```lua
--- local answer = lg.model() "How many fruits: a plum, a fig."
--- print(#answer:text() > 0, lg.stats().calls)                    --> true	1
--- ```
---@return table
function lunagrad.stats() end

---@class lunagrad.prompts
---@field [string] Var the text of an operator's prompt: docs/prompts.md names them
--- The operators' prompts by name; assign a text or a variable to replace one.
---@type lunagrad.prompts
lunagrad.prompts = nil
--- Ask by another set from now on: "default", "textgrad" (what TextGrad tells its models, to compare
--- with), or your own, name to text or variable, in which what it lacks is as in "default". What
--- was assigned before is replaced. A set with a mistake is refused whole.
--- ```lua
--- lg.prompts.use { ["critic.base"] = "Say what is wrong, in ten words." }
--- print(lg.prompts["critic.base"])                               --> Say what is wrong, in ten words.
--- lg.prompts.use "default"
--- ```
---@param set "default"|"textgrad"|table<string, string|Var>
---@raises inval: a prompt that there is not, or a field that it does not have
function lunagrad.prompts.use(set) end
