--- lunagrad: optimization of texts by feedback. `local lg = require "lunagrad"`.
--
-- Only puts together what the modules offer; those that a script does not use are not
-- loaded. No globals, nothing runs before the first node is made.

local bind = require "lunagrad.bind"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local settings = require "lunagrad.settings"
local signatures = require "lunagrad.signatures"
local var = require "lunagrad.var"

local lg = { _NAME = "lunagrad", _VERSION = core.VERSION, VERSION = core.VERSION }

--- What the command was given as key=value; empty elsewhere.
lg.args = {}

lg.model = model.new
lg.default = model.default
lg.param = var.param
lg.var = var.var
lg.format = var.format
lg.tool = var.tool
lg.sum = var.sum
lg.mean = var.mean
lg.map = loop.map
lg.spawn = loop.start
lg.with = bind.with
lg.sleep = require("lunagrad.timer").sleep
lg.errors = errors
lg.is_var = var.is

--- JSON: encode(value) → text, decode(text) → value | nil, message; null stands for null, and
--- array{ … } marks a table as a list, so that an empty one is written as []; decode marks lists.
lg.json = {
  encode = core.json_encode, decode = core.json_decode, null = core.null,
  array = function(list) return setmetatable(list or {}, core.array) end,
}

-- ---- the engine's options -----------------------------------------------------

local CONFIG = {
  concurrency = "integer?", max_attempts = "integer?", connect_timeout_ms = "integer?",
  first_byte_timeout_ms = "integer?", total_timeout_ms = "integer?", max_reply_bytes = "integer?",
  memo_bytes = "integer?", seed = "integer?", virtual_clock = "boolean?", http2 = "boolean?",
  ca_file = "string?", ca_path = "string?", proxy = "string?", log = "string?",
}

--- Set options of the engine before anything else is used, e.g. lg.configure{ concurrency = 16 }.
--- Limits and the store are among them: max_cost (dollars), max_calls, max_tokens, max_time
--- (seconds), store (a directory, or true), durable ("group" or "full"), prices (a file).
function lg.configure(opts)
  options.check(opts, CONFIG, "lg.configure", 2)
  settings.configure(opts, 2)
end
for name, kind in pairs(settings.SPEC) do CONFIG[name] = kind end
loop.configure(model.engine_settings())

--- What was done so far: calls, attempts, retries, tokens by kind, …
function lg.stats() return loop.engine():stats() end

require "lunagrad.book.record" -- begins the run when the engine is made

-- ---- what variables can do with what stands above them --------------------------

local GRAINS = { edge = 0, node = 1, graph = 2, auto = 3 } -- enum lg_grain
local BACKWARD = { model = "any", context_tokens = "integer?", reply_tokens = "integer?",
  grain = { type = "string", default = "edge" }, skip_failed = { type = "boolean",
    default = false } }

--- Send feedback from here to everything trainable that led here. Does not wait:
--- feedback(), an optimizer's step() and the returned variable do.
--- One question is about one text that a step was given (grain "edge"), about all that it was
--- given ("node"), or about a batch with all its steps ("graph"); "auto": "graph" where an example
--- goes through four steps or more, else "node". The same records come of each.
---@param opts? table {model =, grain = "edge"|"node"|"graph"|"auto", context_tokens = integer,
--- reply_tokens = integer (ceiling of one reply; 2048; 0: none), skip_failed = boolean}
local function backward(self, opts)
  opts = options.check(opts or {}, BACKWARD, "backward", 2)
  local grain = GRAINS[opts.grain]
  if not grain then
    errors.refuse("grain", ("backward: no grain %q"):format(opts.grain),
      options.suggest(opts.grain, GRAINS) or 'there are "edge", "node", "graph" and "auto"', 2)
  end
  return bind.passes(loop.own(core.backward(loop.engine(), self, {
    model = model.of(opts.model, "backward").core,
    skip_failed = opts.skip_failed, context_tokens = opts.context_tokens,
    reply_tokens = opts.reply_tokens, grain = grain })))
end
var.add_method("backward", backward)

--- The steps that led to an agent's answer: a list of { calls, results, words }. Waits for it.
var.add_method("trace", function(self) return require("lunagrad.agent").trace(self) end)

--- What a retriever found: a list of { rank, score, id, title, text, row, var }. Waits for it.
var.add_method("documents", function(self) return require("lunagrad.retriever").documents(self) end)

lg.prompts = require("lunagrad.prompt_sets").face

-- ---- what is loaded when it is used -------------------------------------------

-- What other libraries have beside textual gradient descent is a method of lg.optimize here.
local function optimizers()
  local searches = {}
  for _, name in ipairs { "race", "gepa", "mipro", "opro", "best_of_n" } do
    searches[name] = ("a search is lg.optimize{ method = %q, … }"):format(name)
  end
  return options.closed({ tgd = require "lunagrad.improve.tgd" }, "lg.optim", searches)
end

local LAZY = {
  loss = "lunagrad.loss", extract = "lunagrad.extract", constraint = "lunagrad.constraint",
  text = "lunagrad.text", data = "lunagrad.data", metric = "lunagrad.metric",
  rng = "lunagrad.rng",
  task = "lunagrad.task",
  optim = optimizers,
  evaluate = "lunagrad.improve.evaluate", train = "lunagrad.improve.train",
  optimize = "lunagrad.improve.optimize",
  headroom = function() return require("lunagrad.improve.headroom").of end,
  vote = function() return require("lunagrad.vote").vote end,
  best_of = function() return require("lunagrad.vote").best_of end,
  compare = function() return require("lunagrad.improve.compare").compare end,
  sandbox = "lunagrad.sandbox",
  schema = "lunagrad.schema",
  command = function() return require("lunagrad.command").new end,
  agent = function() return require("lunagrad.agent").new end,
  embed = function() return require("lunagrad.embed").embed end,
  retriever = function() return require("lunagrad.retriever").new end,
  image = function() return require("lunagrad.media").image end,
  audio = function() return require("lunagrad.media").audio end,
  document = function() return require("lunagrad.media").document end,
  save = function() return require("lunagrad.media").save end,
  plot = "lunagrad.report.plot",
  fd = function() return require("lunagrad.hostloop").fd end,
  timeout = function() return require("lunagrad.hostloop").timeout end,
  step = function() return require("lunagrad.hostloop").step end,
  wakeup = function() return require("lunagrad.hostloop").wakeup end,
  preload = function() return require("lunagrad.hostloop").preload end,
}

signatures.install(lg, "")
signatures.methods(loop.task_methods, "task", "lunagrad.task", { await = {} })
signatures.install(lg.json, "json.")
signatures.install(errors, "errors.")

return setmetatable(lg, {
  __index = function(_, name)
    local from = LAZY[name]
    if not from then
      errors.refuse(tostring(name), ("lg has no %q"):format(tostring(name)),
        options.suggest(tostring(name), lg, LAZY), 2)
    end
    local value = type(from) == "function" and from() or require(from)
    value = signatures.one(name, value)
    if type(value) == "table" then signatures.install(value, name .. ".") end
    lg[name] = value
    return value
  end,
})
