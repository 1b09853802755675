--- `lunagrad run SCRIPT` and `lunagrad -e CODE`: one script from start to exit code.
--
-- Sets what the command line says and runs the script as a task, so that its waiting yields.
-- What is seen of it is cli.watch's and cli.display's, errors are cli.trouble's, the script's
-- world is cli.script's; the first three are loaded when there is something to see.

local args = require "lunagrad.cli.args"
local limits = require "lunagrad.cli.caps"
local output = require "lunagrad.cli.output"
local reads = require "lunagrad.cli.reads"
local script = require "lunagrad.cli.script"
local term = require "lunagrad.term"

local run = {}

--- Who can be asked.
run.roles = { "model", "backward", "optimizer", "judge" }

run.spec = { name = "run", arguments = true, options = {
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
  { names = { "--log" }, key = "log", type = "word",
    values = { "error", "warn", "info", "debug" }, what = "error, warn, info or debug" },
  { names = { "-e" }, key = "code", type = "text", what = "Lua code" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }
table.move(limits.options, 1, #limits.options, #run.spec.options + 1, run.spec.options)
args.add_files(run.spec)

--- The text of `lunagrad help run`.
function run.help()
  return [[
usage: lunagrad run SCRIPT [key=value …] [options]
       lunagrad -e CODE [key=value …] [options]

Runs a Lua script. key=value arguments reach it as strings in lg.args; one that is named like an
option (max_calls=1) is an error, unless the script reads it or "--" stands before it; one that
nothing reads gets a warning before the first call. Without -m, models that the script does not
name are "sim", a rule-based stand-in that needs no key and no network. "-" reads the script from
standard input.

  -m MODEL            the model, as provider/model: openai/gpt-4o-mini, ollama/llama3, sim/default;
                      any OpenAI-compatible server foo works through FOO_BASE_URL and FOO_API_KEY
  -m ROLE=MODEL       the model of one role: model, backward, optimizer or judge; what is not set
                      falls back to the model before it in this list
  -e CODE             run this code; lg is there without require
  --seed N            of what is random in the engine; also lg.args.seed
  --concurrency N     calls in flight for each endpoint, all from the first on. Without it 64 at
                      most, begun with 16 or with what an earlier run found that the server takes
  --retries N         tries of a call after its first (default 9)
  --timeout S         seconds that one try may take (default 900)
  --display MODE      full: a live block; plain: one line an event; none. On stderr; full turns
                      plain where stderr is no terminal, and without colours if NO_COLOR is set
  --log LEVEL         what the engine tells on stderr: error, warn, info or debug; debug is a line
                      for each change of a state, with the seconds since the first
  --json              stdout carries only JSON lines, from "launch" to "done"; the script's own
                      output goes to stderr

Money and memory:
]] .. limits.HELP .. [[

Files of settings (lunagrad help doctor says which are looked for, and which count):
]] .. args.FILES_HELP .. [[

Every option with a long name has a variable that stands for it: LUNAGRAD_RUN_MAX_COST=2,
LUNAGRAD_RUN_MODEL="openai/gpt-5-mini; judge=openai/gpt-5", LUNAGRAD_RUN_JSON=1; in the environment,
in .env, or as run = { max_cost = 2 } in lunagrad.lua; for the two files LUNAGRAD_ENV_FILE and
LUNAGRAD_CONFIG, in the environment only. What a script sets itself comes before that,
and an option on the command line before both; limits can only become lower.

Ctrl-C once: no new calls are started, those in flight are finished; a script that computes on, or
catches what it is told, is ended after a second or a few. Twice: stop now. So does SIGTERM.
Exit codes: 0 done, 1 script error, 2 usage, 3 provider or key, 4 a limit was reached,
130 interrupted. 1 or 3 also where a call or loss failed and the script never looked at it.

examples:
  lunagrad run scripts/prompt.lua
  lunagrad run scripts/prompt.lua steps=20 -m openai/gpt-4o-mini -m judge=openai/gpt-4o --max-cost 2
  lunagrad -e 'print(lg.model "sim/default" "I have two apples and a pear. How many fruits?")'
]]
end

-- ---- the command line ---------------------------------------------------------------

--- "-m MODEL" and "-m ROLE=MODEL"; model names may hold "=" behind their slash.
---@param list string[]|nil
---@param where? string who says so, "-m" without it
---@return table<string, string>
function run.read_roles(list, where)
  local roles = {}
  for _, text in ipairs(list or {}) do
    local role, model = text:match("^([^/=]+)=(.+)$")
    role, model = role or "model", model or text
    local known = false
    for _, name in ipairs(run.roles) do known = known or name == role end
    if not known then
      args.fail(("%s: there is no role %q"):format(where or "-m", role),
        args.did_you_mean(role, run.roles, "the roles are " .. table.concat(run.roles, ", ")))
    end
    roles[role] = model
  end
  return roles
end

--- key=value words by name, others by number; and all of them as they are.
function run.read_arguments(words, first, seed)
  local values, list = {}, {}
  for i = first, #words do
    local key, value = words[i]:match("^([%a_][%w_%-]*)=(.*)$")
    list[#list + 1] = words[i]
    if key then values[key] = value else values[#values + 1] = words[i] end
  end
  if seed and values.seed == nil then values.seed = ("%d"):format(seed) end
  return values, list
end

--- A limit that is taken for an argument of the script would not hold. A script that reads
--- lg.args.timeout has such an argument of its own.
---@param words string[]
---@param first integer
---@param last integer
---@param text string of the script
function run.check_arguments(words, first, last, text)
  for i = first, last do
    local name, option = args.meant(run.spec, words[i])
    if name and not reads.is_read(text, name) then
      args.fail(("%s would be an argument of the script, which reads none of this name")
        :format(require("lunagrad.cli.display").clean_line(words[i])),
        ("did you mean %s? Behind -- all words are the script's"):format(option))
    end
  end
end

-- Told once, before the first call or else at the end: a word that is misspelt changes nothing.
local function tell_unread(self)
  if self.unread_told then return end
  self.unread_told = true
  for _, one in ipairs(reads.unread(self.source.text, self.words, self.modules)) do
    local near = one.near and ("; did you mean %s=?"):format(one.near) or ""
    self.watch():event({ kind = "note", text = ("warning: nothing reads the argument %s%s")
      :format(require("lunagrad.cli.display").clean_line(one.word), near) })
  end
end

-- Told before it runs, since it is not known while it does.
local function tell_comparisons(self, source)
  if not source.text:find "[=~]=%s*[\"'%d]" and not source.text:find "[\"']%s*[=~]=" then return end
  for _, one in ipairs(require("lunagrad.cli.lint").comparisons(source.text)) do
    local words = require("lunagrad.cli.display").clean_line(one.words)
    self.watch():event { kind = "note", text = ("warning: %s:%d: %s compares a variable with a"
      .. " plain value, which is never the same; %s:text() is its text"):format(
      source.name:sub(2), one.line, words, one.name) }
  end
end

local function tell_unread_at_call(self)
  local core = require "lunagrad.core"
  local call = core.call
  function core.call(...)
    tell_unread(self)
    return call(...)
  end
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

-- ---- the library, set up as the command line says ------------------------------------

local function engine_config(options)
  local config = { seed = options.seed, concurrency = options.concurrency, log = options.log }
  if options.retries then config.max_attempts = options.retries + 1 end
  if options.timeout then
    local ms = math.ceil(options.timeout * 1000)
    config.total_timeout_ms, config.first_byte_timeout_ms = ms, ms
    config.connect_timeout_ms = math.min(ms, 10000)
  end
  return config
end

-- The command's models stand against those of the script's lg.default.
local function set_roles(lg, roles, otherwise)
  local default, model = lg.default, require "lunagrad.model"
  model.preset(otherwise)
  if not next(roles) then return end
  model.preset(roles)
  function lg.default(wanted)
    if type(wanted) ~= "table" then return default(wanted) end
    local rest = {}
    for role, m in pairs(wanted) do
      if not roles[role] then
        rest[role] = m
      elseif role == "model" and type(m) == "string" then
        require("lunagrad.dryrun").stand_in(m)
      end
    end
    return default(rest)
  end
end

function run.install_hooks(self)
  require("lunagrad.progress").on_event = function(event) self.watch():event(event) end
  require("lunagrad.loop").on_tick(function() self.watch():tick() end)
end

--- Set the library up as a command line says, before it is used.
---@param self table from run.new
---@param lg table the library
function run.set_up(self, lg)
  local settings = require "lunagrad.settings"
  local otherwise = engine_config(self.otherwise)
  otherwise.log = otherwise.log or "warn"
  settings.configure(otherwise)
  settings.pin(engine_config(self.said))
  limits.set_up(self)
  lg.args = self.arguments
  self.watch():watch_models()
  set_roles(lg, self.roles, self.other_roles)
  run.install_hooks(self)
end

-- The library is loaded when the script asks for it; a script that never does starts at once.
local function prepare_library(self)
  local load_library = package.preload.lunagrad
  function package.preload.lunagrad(...)
    local lg = load_library(...)
    run.set_up(self, lg)
    return lg
  end
  if next(self.roles) or next(self.other_roles) then require "lunagrad" end
end

-- ---- the script -----------------------------------------------------------------------

--- What the script writes to standard output or error: out of the live block's way, clean on a
--- terminal.
---@param self table from run.new
---@param stream file*
---@return fun(text: string): any, ...
function run.writer(self, stream)
  local to = self.json and io.stderr or stream
  local raw, tty, clean = output.raw(to), term.is_terminal(to), output.cleaner()
  return function(text)
    if not tty then
      local ok, why, code = raw:write(text)
      if not ok then return ok, why, code end
      return stream
    end
    local display = self.watch().display
    display:clear()
    if text ~= "" then display.held_back = text:sub(-1) ~= "\n" end
    raw:write(clean(text))
    raw:flush()
    return stream
  end
end

-- A source has a text, or makes its function itself.
local function load_script(self, source)
  local env = script.environment({ write = run.writer(self, io.stdout),
    write_error = run.writer(self, io.stderr), with_library = source.path == nil,
    exit = function(code, close) self.leave(code, close) end })
  env.arg = { [0] = source.name:sub(2), table.unpack(self.words) }
  script.add_searcher(source.path or "./", env, function(text)
    self.modules[#self.modules + 1] = text
  end)
  if source.make then return source.make(env) end
  local chunk, message, line = script.compile(source.text, source.name, env)
  if not chunk then
    error({ kind = "syntax", message = message, path = source.path, line = line }, 0)
  end
  return chunk
end

-- Keeps where the error was raised, and where the script was when it reached it: an error of
-- a task inside lg.map has both.
local function keep_places(self)
  return function(problem)
    local here = debug.traceback("", 2)
    problem = require("lunagrad.errors").wrap(problem)
    if rawget(problem, "traceback") then
      self.outer_traceback = here
    else
      problem.traceback = here
    end
    return problem
  end
end

-- A text that never names the library needs no loop, and starts sooner without one.
local function run_script(self, source)
  self.modules = {} -- the texts of those beside the script
  prepare_library(self)
  local chunk = load_script(self, source)
  if #self.words > 0 then tell_unread_at_call(self) end
  if not source.make then tell_comparisons(self, source) end
  local function body(...)
    local ok, problem = xpcall(chunk, keep_places(self), ...)
    if not ok then error(problem, 0) end
  end
  if not (source.text:find("lunagrad", 1, true) or source.text:find("lg", 1, true)) then
    return body(table.unpack(self.words))
  end
  run.install_hooks(self)
  local note = limits.look_back(self)
  if note then self.watch():event({ kind = "note", text = note }) end
  local context = { what = "the script", whole = true }
  require("lunagrad.loop").spawn(body, context, table.unpack(self.words)):await()
end

-- ---- the end ----------------------------------------------------------------------------

local function end_interrupted(self)
  local watch = self.watch()
  if watch.mode ~= "none" then
    watch:write_lines({ "lunagrad: interrupted", "  to start again: " .. limits.again(self) })
  end
  limits.finish "interrupted"
  watch:close("interrupted", 130, "interrupted")
  return 130
end

local function end_at_limit(self)
  local lines, message = limits.lines(self)
  self.watch():write_lines(lines)
  limits.finish "limit"
  self.watch():close("limit", limits.LIMIT, message)
  return limits.LIMIT
end

local function end_failed(self, problem)
  if limits.is_limit(problem) then return end_at_limit(self) end
  local trouble = require "lunagrad.cli.trouble"
  local lines, code, status, message = trouble.describe(problem, self.source.path,
    self.outer_traceback)
  limits.add_details(lines, problem)
  self.watch():write_lines(lines)
  limits.finish(code == trouble.INTERRUPTED and "interrupted" or "failed")
  self.watch():close(status, code, message)
  return code
end

--- What a dry run would have cost.
function run.show_estimate(self)
  local lines, record = limits.estimate()
  self.watch():write_lines(lines)
  self.watch():emit(record)
end

-- All was well as far as the script looked. It is not well.
local function end_unseen(self, n, problems)
  local lines, code, status, message = require("lunagrad.cli.trouble").unseen(n, problems)
  self.watch():write_lines(lines)
  limits.finish "failed"
  self.watch():close(status, code, message)
  return code
end

local function end_well(self)
  tell_unread(self)
  if limits.reached() then return end_at_limit(self) end
  local loop = package.loaded["lunagrad.loop"]
  if loop and loop.started() then
    local n, problems = require("lunagrad.unseen").list(loop.engine())
    if n > 0 then return end_unseen(self, n, problems) end
  end
  limits.finish "done"
  if self.options.dry_run then run.show_estimate(self) end
  local code, status, message = 0, "ok", nil
  if self.source.verdict then code, status, message = self.source.verdict(self) end
  if self.watching or self.options.json then self.watch():close(status, code, message) end
  return code
end

--- A run, not begun.
---@param said table options of the command line
---@param otherwise table options by variables and files of settings
---@param argv string[]
---@return table
function run.new(said, otherwise, argv)
  local options = {}
  for key, value in pairs(otherwise) do options[key] = value end
  for key, value in pairs(said) do options[key] = value end
  if otherwise.models and said.models then
    options.models = table.move(said.models, 1, #said.models, #otherwise.models + 1,
      table.move(otherwise.models, 1, #otherwise.models, 1, {}))
  end
  local self = { options = options, argv = argv, json = options.json, started = term.monotonic(),
    said = said, otherwise = otherwise, roles = run.read_roles(said.models),
    other_roles = run.read_roles(otherwise.models) }
  function self.watch()
    if not self.watching then
      self.watching = require("lunagrad.cli.watch").new({ json = options.json,
        display = options.display, source = self.source, started = self.started,
        dry_run = options.dry_run, session = self.session })
    end
    return self.watching
  end
  function self.leave(code, and_close)
    local number = code == nil and 0 or code == true and 0 or code == false and 1 or code
    limits.finish(number == 0 and "done" or "failed")
    self.watch():close(number == 0 and "ok" or "error", number)
    os.exit(term.check_output(number), and_close)
  end
  return self
end

local function emit_launch(self)
  local watch = self.watch()
  watch:emit({ event = "launch", run_id = watch.run_id, script = self.source.name:sub(2),
    pid = term.pid() })
end

-- LUNAGRAD_RUN_MAX_COST is run.max_cost in a file of settings.
local function as_member(option) return "run." .. option:lower() end
local function in_words_of(found, text)
  return found.kind == ".env" and text or (text:gsub("LUNAGRAD_RUN_([%u%d_]+)", as_member))
end

--- What is meant as an option of `lunagrad run` and is none: a limit that is misspelt would not hold.
---@return table list of {text, mend}
function run.unknown_settings()
  local list = {}
  local function add(where, name, mend)
    list[#list + 1] = { text = ("%s: run has no option %s"):format(where, name), mend = mend }
  end
  for _, name in ipairs(term.env_names()) do
    local near = args.near_twin(run.spec, name)
    if near then add("environment", name, near) end
  end
  for _, found in ipairs(require("lunagrad.config").files()) do
    for name in pairs(found.values) do
      local near = args.near_twin(run.spec, name)
      if near then add(found.path, in_words_of(found, name), in_words_of(found, near)) end
    end
    for _, name in ipairs(found.kind ~= ".env" and found.ignored or {}) do
      if name:find "^run%." then
        add(found.path, name, "options are written as in max_cost")
      elseif name:find "^%l" then
        list[#list + 1] = { text = ("%s: there is no setting %s"):format(found.path, name),
          mend = "options stand in run = { max_cost = 2 }, variables are in capitals" }
      end
    end
  end
  return list
end

local function prepare(said, argv, source)
  args.use_files(said)
  args.as_usage(require("lunagrad.config").check)
  local unknown = run.unknown_settings()[1]
  if unknown then args.fail(unknown.text, unknown.mend) end
  require("lunagrad.config").tell()
  local otherwise = args.twins(run.spec, require("lunagrad.config").get)
  local self = run.new(said, otherwise, argv)
  limits.check(self.options)
  self.source = source or read_source(self.options)
  if not source then
    run.check_arguments(self.options.rest, self.source.rest, self.options.plain, self.source.text)
  end
  self.arguments, self.words = run.read_arguments(self.options.rest, self.source.rest,
    self.options.seed)
  return self
end

-- Whether --json is among the words, or its variable is set; nothing else of either need be right.
local function wants_json(argv)
  for _, word in ipairs(argv) do
    if word == "--" then break end
    if word == "--json" or word:find "^%-%-json=" then return true end
  end
  local spec = { name = run.spec.name, options = {} }
  for _, option in ipairs(run.spec.options) do
    if option.key == "json" then spec.options[1] = option end
  end
  local ok, found = pcall(args.twins, spec, require("lunagrad.config").get)
  return ok and found.json == true
end

-- A wrong command line, or settings that cannot be read: --json has its two lines all the same.
local function tell_json(argv, problem)
  if not wants_json(argv) then return end
  local _, code, status, message = require("lunagrad.cli.trouble").describe(problem)
  local watch = require("lunagrad.cli.watch").new({ json = true, display = "none", source = {},
    started = term.monotonic() })
  watch:emit({ event = "launch", run_id = watch.run_id, pid = term.pid() })
  watch:close(status, code, message)
end

local function begin(argv, first)
  local said = args.parse(run.spec, argv, first)
  return said.help or prepare(said, argv)
end

local function execute(self)
  if self.json then emit_launch(self) end
  term.catch_signals()
  local ok, problem = pcall(run_script, self, self.source)
  if term.signals() > 0 then return end_interrupted(self) end
  if not ok then return end_failed(self, problem) end
  return end_well(self)
end

--- Run something else than a script, under the options of `lunagrad run`.
---@param said table options, as args.parse gives them
---@param argv string[] the whole command line
---@param source table {name, text (what decides the run's name), rest (where arguments of its own
--- begin), make = function(env) → the function that is run, verdict = function(run) → exit code,
--- status, message, asked when all went well; command: how a person begins it again}
---@return integer exit code
function run.with_source(said, argv, source)
  local ok, self = pcall(prepare, said, argv, source)
  if not ok then
    if type(self) == "table" then tell_json(argv, self) end
    error(self, 0)
  end
  return execute(self)
end

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function run.main(argv, first)
  local ok, self = pcall(begin, argv, first)
  if not ok then
    if type(self) == "table" then tell_json(argv, self) end
    error(self, 0)
  end
  if self == true then
    require("lunagrad.cli.screen").help(run.help())
    return 0
  end
  return execute(self)
end

return run
