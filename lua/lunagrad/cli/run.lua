--- `lunagrad run SCRIPT` and `lunagrad -e CODE`: one script, watched from start to end.
--
-- Sets what the command line says, runs the script as a task so that its waiting yields,
-- shows what goes on, counts interrupts, and ends with a summary and an exit code. How things
-- look is cli.display's and cli.trouble's, the script's world cli.script's.

local args = require "lunagrad.cli.args"
local display = require "lunagrad.cli.display"
local script = require "lunagrad.cli.script"
local term = require "lunagrad.term"

local run = {}

local STATS_SECONDS = 1    -- between two "stats" lines of --json
local EVENT_SECONDS = 0.1  -- between two "progress" lines of --json
local ROLES = { "model", "backward", "optimizer", "judge" }
local KINDS = { "forward", "backward", "optimizer", "judge" } -- as the engine's ledger counts

run.spec = { name = "run", options = {
  { names = { "-m", "--model" }, key = "models", type = "word", list = true, what = "a model" },
  { names = { "--seed" }, key = "seed", type = "integer", min = 0, what = "a whole number" },
  { names = { "--concurrency" }, key = "concurrency", type = "integer", min = 1, max = 100000,
    what = "a count" },
  { names = { "--retries" }, key = "retries", type = "integer", min = 0, max = 1000,
    what = "a count" },
  { names = { "--timeout" }, key = "timeout", type = "number", min = 0.001, max = 86400,
    what = "seconds" },
  { names = { "--json" }, key = "json", type = "flag" },
  { names = { "--display" }, key = "display", type = "word", values = { "full", "plain", "none" },
    what = "full, plain or none" },
  { names = { "-e" }, key = "code", type = "text", what = "Lua code" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

--- The text of `lunagrad help run`.
function run.help()
  return [[
usage: lunagrad run SCRIPT [key=value …] [options]
       lunagrad -e CODE [key=value …] [options]

Runs a Lua script. key=value arguments reach it as strings in lg.args. Without -m, models that
the script does not name are "sim", a rule-based stand-in that needs no key and no network.
"-" reads the script from standard input.

  -m MODEL            the model, as provider/model: openai/gpt-4o-mini, ollama/llama3, sim/default;
                      any OpenAI-compatible server foo works through FOO_BASE_URL and FOO_API_KEY
  -m ROLE=MODEL       the model of one role: model, backward, optimizer or judge; what is not set
                      falls back to the model before it in this list
  -e CODE             run this code; lg is there without require
  --seed N            of what is random in the engine; also lg.args.seed
  --concurrency N     calls in flight for each endpoint (default 64)
  --retries N         tries of a call after its first (default 9)
  --timeout S         seconds that one try may take (default 900)
  --display MODE      full: a live block; plain: one line an event; none. On stderr; full turns
                      plain where stderr is no terminal, and without colours if NO_COLOR is set
  --json              stdout carries only JSON lines, from "launch" to "done"; the script's own
                      output goes to stderr

Ctrl-C once: no new calls are started, those in flight are finished. Twice: stop now.
Exit codes: 0 done, 1 script error, 2 usage, 3 provider or key, 130 interrupted.

examples:
  lunagrad run scripts/prompt.lua
  lunagrad run scripts/prompt.lua data=questions.json -m openai/gpt-4o-mini -m judge=openai/gpt-4o
  lunagrad -e 'print(lg.model "sim/default" "I have two apples and a pear. How many fruits?")'
]]
end

-- ---- the command line ---------------------------------------------------------------

-- "-m MODEL" and "-m ROLE=MODEL"; model names may hold "=" behind their slash.
local function read_roles(list)
  local roles = {}
  for _, text in ipairs(list or {}) do
    local role, model = text:match("^([^/=]+)=(.+)$")
    role, model = role or "model", model or text
    local known = false
    for _, name in ipairs(ROLES) do known = known or name == role end
    if not known then
      args.fail(("-m: there is no role %q"):format(role),
        args.did_you_mean(role, ROLES, "the roles are " .. table.concat(ROLES, ", ")))
    end
    roles[role] = model
  end
  return roles
end

-- key=value words by name, others by number.
local function read_arguments(words, first, seed)
  local values, list = {}, {}
  for i = first, #words do
    local key, value = words[i]:match("^([%a_][%w_%-]*)=(.*)$")
    list[#list + 1] = words[i]
    if key then values[key] = value else values[#values + 1] = words[i] end
  end
  if seed and values.seed == nil then values.seed = ("%d"):format(seed) end
  return values, list
end

local function read_source(options)
  if options.code then return { name = "=(command line)", text = options.code, rest = 1 } end
  local path = options.rest[1]
  if not path then
    args.fail("run: no script given", "lunagrad run scripts/prompt.lua, or lunagrad help run")
  end
  local text, message, hint = script.read(path)
  if not text then args.fail(message, hint) end
  local name = path == "-" and "=stdin" or "@" .. path
  return { name = name, path = path ~= "-" and path or nil, text = text, rest = 2 }
end

-- ---- what is watched ------------------------------------------------------------------

local function counters()
  local async = package.loaded["lunagrad.async"]
  if async and async.started() then return async.engine():stats() end
end

local function tokens(stats)
  local input, output = 0, 0
  for _, usage in ipairs(stats.usage) do
    input, output = input + usage.input, output + usage.output
  end
  return { input = input, output = output }
end

-- A line of the --json contract.
local function emit(self, record)
  if not self.json then return end
  io.stdout:write(require("lunagrad.core").json_encode(record), "\n")
  io.stdout:flush()
end

local function on_event(self, event)
  if event.kind == "score" then
    self.best, self.seed_score = event.best or self.best, event.seed or self.seed_score
  end
  self.display:event(event)
  if not self.json then return end
  if event.kind == "progress" and event.done ~= event.total then
    local now = term.monotonic()
    if now - self.event_at < EVENT_SECONDS then return end
    self.event_at = now
  end
  local record = {}
  for key, value in pairs(event) do
    if key ~= "kind" then record[key] = value end
  end
  record.event = event.kind
  emit(self, record)
end

local function emit_stats(self)
  local now = term.monotonic()
  if not self.json or now - self.stats_at < STATS_SECONDS then return end
  self.stats_at = now
  local s = counters()
  if not s then return end
  emit(self, { event = "stats", calls = s.calls, shared = s.shared, in_flight = s.in_flight,
    queued = s.queued + s.waiting, retries = s.retries, tokens = tokens(s) })
end

-- Which models were really asked: every call and every reverse pass goes through these two.
local function watch_models(self)
  local core = require "lunagrad.core"
  local call, backward = core.call, core.backward
  function core.call(engine, model, spec)
    self.asked[model] = true
    return call(engine, model, spec)
  end
  function core.backward(engine, root, spec)
    if spec.model then self.maybe_asked[spec.model] = true end
    return backward(engine, root, spec)
  end
end

local function models_used(self, stats)
  local names, seen = {}, {}
  local function add(set)
    for model in pairs(set) do
      local name = model:name()
      if not seen[name] then
        seen[name] = true
        names[#names + 1] = display.clean_line(name)
      end
    end
  end
  add(self.asked)
  if stats and stats.calls_by_kind[2] > 0 then add(self.maybe_asked) end
  table.sort(names)
  return names
end

-- ---- interrupts -------------------------------------------------------------------------

-- No new calls; those in flight end well. What had not started is cancelled, and whoever
-- waits for it gets an error of the kind "cancelled".
local function on_interrupt(self)
  self.interrupted = true
  local async = package.loaded["lunagrad.async"]
  local engine = async and async.started() and async.engine()
  local in_flight = engine and engine:stats().in_flight or 0
  if engine and engine.drain then engine:drain() end
  self.display:print(("interrupted: no new calls; %d in flight will be finished"
    .. " (Ctrl-C again stops now)"):format(in_flight))
end

local function tick(self)
  local signals = term.signals()
  if signals >= 1 and not self.interrupted then on_interrupt(self) end
  if signals >= 2 then
    local errors = require "lunagrad.errors"
    errors.raise("cancelled", "stopped", nil, 0)
  end
  self.display:tick(counters)
  emit_stats(self)
end

-- ---- the library, set up as the command line says ------------------------------------

local function engine_config(options)
  local config = { seed = options.seed, concurrency = options.concurrency }
  if options.retries then config.max_attempts = options.retries + 1 end
  if options.timeout then
    local ms = math.ceil(options.timeout * 1000)
    config.total_timeout_ms, config.first_byte_timeout_ms = ms, ms
    config.connect_timeout_ms = math.min(ms, 10000)
  end
  return config
end

-- The command's models stand against those of the script's lg.default.
local function set_roles(lg, roles)
  if not next(roles) then return end
  local default = lg.default
  default(roles)
  function lg.default(wanted)
    if type(wanted) ~= "table" then return default(wanted) end
    local rest = {}
    for role, model in pairs(wanted) do
      if not roles[role] then rest[role] = model end
    end
    return default(rest)
  end
end

local function set_up(self, lg)
  local async = require "lunagrad.async"
  async.configure(engine_config(self.options))
  lg.args = self.arguments
  watch_models(self)
  set_roles(lg, self.roles)
  local progress = require "lunagrad.progress"
  progress.on_event = function(event) on_event(self, event) end
end

-- The library is loaded when the script asks for it; a script that never does starts at once.
local function prepare_library(self)
  local load_library = package.preload.lunagrad
  function package.preload.lunagrad(...)
    local lg = load_library(...)
    set_up(self, lg)
    return lg
  end
  if next(self.roles) then require "lunagrad" end
end

-- ---- the script -----------------------------------------------------------------------

-- The script's own output: out of the live block's way, clean on a terminal.
local function writer(self)
  local stream = self.json and io.stderr or io.stdout
  local tty = term.isatty(self.json and 2 or 1)
  return function(text)
    if not tty then
      stream:write(text)
      return
    end
    self.display:clear()
    self.display.held_back = text ~= "" and text:sub(-1) ~= "\n"
    stream:write(display.clean(text))
    stream:flush()
  end
end

local function load_script(self, source)
  local env = script.environment({ write = writer(self), with_library = source.path == nil,
    exit = function(code, close) self.leave(code, close) end })
  env.arg = { [0] = source.name:sub(2), table.unpack(self.words) }
  script.add_searcher(source.path or "./", env)
  local chunk, message, line = script.compile(source.text, source.name, env)
  if not chunk then
    error({ kind = "syntax", message = message, path = source.path, line = line }, 0)
  end
  return chunk
end

local function run_script(self, source)
  prepare_library(self)
  local chunk = load_script(self, source)
  local async = require "lunagrad.async"
  async.on_tick(function() tick(self) end)
  async.spawn(chunk, nil, table.unpack(self.words)):await()
end

-- ---- the end ----------------------------------------------------------------------------

local function summary_lines(stats, seconds, models)
  local lines = {}
  local calls = ("%d bought"):format(stats.calls)
  if stats.shared > 0 then calls = ("%s, %d shared"):format(calls, stats.shared) end
  if stats.failed > 0 then calls = ("%s, %d failed"):format(calls, stats.failed) end
  if stats.retries > 0 then calls = ("%s, %d retries"):format(calls, stats.retries) end
  if stats.ambiguous > 0 then
    calls = ("%s, %d ambiguous (perhaps paid for without a reply)"):format(calls, stats.ambiguous)
  end
  lines[1] = "calls   " .. calls
  local words = {}
  for i, usage in ipairs(stats.usage) do
    if usage.input + usage.output > 0 then
      words[#words + 1] = ("%s %s in, %s out"):format(KINDS[i], display.count(usage.input),
        display.count(usage.output))
    end
  end
  if #words > 0 then lines[#lines + 1] = "tokens  " .. table.concat(words, "; ") end
  lines[#lines + 1] = "time    " .. display.duration(seconds)
  if #models > 0 then lines[#lines + 1] = "models  " .. table.concat(models, ", ") end
  return lines
end

local function sim_lines(self, models)
  for _, name in ipairs(models) do
    if name == "sim" or name:find("^sim/") then
      local what = self.source.path and "run " .. self.source.path or "-e …"
      return {
        'These results were made with "sim", a rule-based stand-in for a language model;'
          .. " they say nothing about real models.",
        ("With a real one:  OPENAI_API_KEY=… lunagrad %s -m openai/gpt-4o-mini"):format(what),
      }
    end
  end
  return {}
end

local function write_lines(lines)
  for _, line in ipairs(lines) do io.stderr:write(line, "\n") end
  io.stderr:flush()
end

local function show_summary(self, stats, models)
  if self.mode == "none" or not stats or stats.calls + stats.shared + stats.failed == 0 then
    return
  end
  local lines = summary_lines(stats, term.monotonic() - self.started, models)
  for _, line in ipairs(sim_lines(self, models)) do lines[#lines + 1] = line end
  write_lines(lines)
end

local function or_null(value)
  if value == nil then return require("lunagrad.core").null end
  return value
end

local function emit_done(self, status, code, message, stats, models)
  if not self.json then return end
  local zero = { calls = 0, shared = 0, failed = 0, retries = 0, ambiguous = 0, usage = {} }
  local s = stats or zero
  if #models == 0 then models = setmetatable({}, require("lunagrad.core").array) end
  emit(self, { event = "done", run_id = self.run_id, status = status, exit_code = code,
    error = message, best_score = or_null(self.best), seed_score = or_null(self.seed_score),
    calls = s.calls, shared = s.shared, failed = s.failed, retries = s.retries,
    ambiguous = s.ambiguous, tokens = tokens(s), models = models, cost_usd = or_null(nil),
    wall_s = math.floor((term.monotonic() - self.started) * 1000 + 0.5) / 1000 })
end

-- The last things of every run, however it ended. Runs once.
local function close(self, status, code, message)
  if self.closed then return end
  self.closed = true
  local stats = counters()
  local models = models_used(self, stats)
  self.display:finish()
  io.stdout:flush()
  show_summary(self, stats, models)
  emit_done(self, status, code, message, stats, models)
end

local function again(self)
  local words = {}
  for i = 1, #self.argv do
    local word = self.argv[i]
    words[i] = word:find("^[%w_%-./=:,@%%+]+$") and word or "'" .. word:gsub("'", "'\\''") .. "'"
  end
  return "lunagrad " .. table.concat(words, " ")
end

local function end_interrupted(self)
  self.display:finish()
  if self.mode ~= "none" then
    write_lines({ "lunagrad: interrupted", "  to start again: " .. again(self) })
  end
  close(self, "interrupted", 130, "interrupted")
  return 130
end

local function end_failed(self, problem)
  local trouble = require "lunagrad.cli.trouble"
  local lines, code, status, message = trouble.describe(problem, self.source.path)
  self.display:finish()
  io.stdout:flush()
  write_lines(lines)
  close(self, status, code, message)
  return code
end

local function new_run(options, argv)
  local mode, colour, unicode = display.choose(options.display, term.isatty(2), os.getenv)
  local now = term.monotonic()
  local self = { options = options, argv = argv, json = options.json, mode = mode,
    roles = read_roles(options.models), started = now, event_at = -math.huge, stats_at = now,
    asked = {}, maybe_asked = {}, interrupted = false,
    run_id = os.date("!%Y%m%d-%H%M%S", math.floor(term.now_unix())) .. "-" .. term.pid() }
  self.display = display.new({ mode = mode, stream = io.stderr, clock = term.monotonic,
    width = function() return term.width(2) end, colour = colour, unicode = unicode })
  function self.leave(code, and_close)
    local number = code == nil and 0 or code == true and 0 or code == false and 1 or code
    close(self, number == 0 and "ok" or "error", number)
    os.exit(code, and_close)
  end
  return self
end

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function run.main(argv, first)
  local options = args.parse(run.spec, argv, first)
  if options.help then
    io.stdout:write(run.help())
    return 0
  end
  local self = new_run(options, argv)
  self.source = read_source(options)
  self.arguments, self.words = read_arguments(options.rest, self.source.rest, options.seed)
  emit(self, { event = "launch", run_id = self.run_id, script = self.source.name:sub(2),
    pid = term.pid() })
  term.catch_signals()
  local ok, problem = pcall(run_script, self, self.source)
  if self.interrupted or term.signals() > 0 then return end_interrupted(self) end
  if not ok then return end_failed(self, problem) end
  close(self, "ok", 0)
  return 0
end

return run
