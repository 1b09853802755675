--- `lunagrad repl`: a prompt where Lua is run, models are asked and values are shown.
--
-- Everything that is typed runs as a task, so that Ctrl-C can end it; the terminal is only read
-- between tasks, while the engine is stepped by lua/command/line.c. What a run sets up is cli.run's. Where
-- standard input is no terminal, lines are read and run without prompts.

local args = require "lunagrad.cli.args"
local limits = require "lunagrad.cli.caps"
local run = require "lunagrad.cli.run"
local term = require "lunagrad.term"

local repl = {}

local CHUNK = "=(prompt)"
local INTERRUPTED, DRAW_AFTER = 130, 0.3 -- an exit code; seconds before the live block is drawn

-- Those of `run` that make sense here.
local function options_here()
  local list = { { names = { "--json" }, key = "json", type = "flag", hidden = true } }
  for _, option in ipairs(run.spec.options) do
    if option.key ~= "code" and option.key ~= "json" then list[#list + 1] = option end
  end
  return list
end

repl.spec = { name = "repl", arguments = true, options = options_here() }

--- The text of `lunagrad help repl`.
function repl.help()
  return [[
usage: lunagrad repl [key=value …] [options]

A prompt where lg is there: Lua is run, values are shown, and models answer while they write.
Without -m the model is "sim", a rule-based stand-in that needs no key and no network.

  > 1 + 1                     an expression is shown; _ is the last value
  > for i = 1, 3 do           what is not whole goes on in the next line (>>)
  > ? What is 2 + 2?          asks the model of the role "model"; _ is the answer
  > ?? And twice that?        goes on with the same conversation
  > :help                     the prompt's own commands

Where standard input is no terminal, lines are read and run without prompts, and the exit code is
1 when one of them failed.

  -m MODEL            the model, as provider/model: openai/gpt-4o-mini, ollama/llama3, sim/default
  -m ROLE=MODEL       the model of one role: model, backward, optimizer or judge
  --seed N            of what is random in the engine; also lg.args.seed
  --concurrency N     calls in flight for each endpoint, from the first on (default: up to 64)
  --retries N         tries of a call after its first (default 9)
  --timeout S         seconds that one try may take (default 900)
  --display MODE      while you wait, full: a live block; plain: one line an event; none

Money and memory (nothing is kept without --run):
]] .. limits.HELP .. [[

Files of settings:
]] .. args.FILES_HELP .. [[

The variables that stand for options of run stand for these too: LUNAGRAD_RUN_MODEL, …

Ctrl-C cancels what runs; Ctrl-D or :quit leaves.

examples:
  lunagrad repl
  lunagrad repl -m openai/gpt-4o-mini --max-cost 0.10
  echo '? I have two apples and a pear. How many fruits?' | lunagrad repl
]]
end

local COMMANDS_HELP = [[
? QUESTION            ask the model; ?? QUESTION goes on with the same conversation
:again                ask the last question anew, for another answer
:model [ROLE=]NAME    another model from now on; without a name: which there are
:cost                 what was bought so far
:load FILE            run a Lua file; its globals stay
:stream on|off        whether answers are shown while they come (some servers let only some do it)
:quit                 leave, as Ctrl-D does
:help NAME            what a function does (:help lg.train); in Lua help(lg.train), help "lg.train"
Tab                   completes names, methods of variables, files in strings; twice: which there are
_                     the last value; lg is the library: :help lg lists its functions
v == "3"              is false of every variable v: compare v:text() == "3"
]]

-- ---- what is said ----------------------------------------------------------------------

local function complain(self, text)
  self.failed = true
  self.watch().display:clear()
  io.stdout:flush()
  local display = require "lunagrad.cli.display"
  for _, line in ipairs(display.fold(display.clean(text), term.width(2))) do
    io.stderr:write(line, "\n")
  end
  io.stderr:flush()
end

-- One line: what, and what to do.
local function error_line(problem)
  local lines, _, _, message = require("lunagrad.cli.trouble").describe(problem)
  local number = message:match "^%(prompt%):(%d+): "
  while message:find "^%(prompt%):%d+: " do message = message:gsub("^[^ ]* ", "") end
  if number and number ~= "1" then message = ("line %s: %s"):format(number, message) end
  for _, line in ipairs(lines) do
    local hint = line:match "^  hint: (.*)$"
    if hint then message = ("%s (%s)"):format(message, hint) end
  end
  return "error: " .. message:gsub("%s*\n%s*", " ")
end

-- ---- running ---------------------------------------------------------------------------

-- Whether answers are shown while they come.
local function is_live(self) return self.interactive and self.stream and term.isatty(1) end

local function is_var(value) return require("lunagrad").is_var(value) end

local function new_voice(self)
  return require("lunagrad.cli.voice").new(self.write, function(text)
    self.watch().display:clear()
    io.stderr:write("-- ", text, "\n")
  end)
end

-- Calls of an expression that is to be shown are heard from the beginning: if it is one of them
-- that it comes to, it is shown while it comes. For terminals alone.
local function listen_to_calls(self)
  local loop, core = require "lunagrad.loop", require "lunagrad.core"
  local call = core.call
  function core.call(engine, model, spec)
    local voice = self.voices and not spec.tag and loop.current() == self.task and new_voice(self)
    if not voice then return call(engine, model, spec) end
    local answer = require("lunagrad.work").watch(function(...) voice:hear(...) end, function(tag)
      spec.tag = tag
      return call(engine, model, spec)
    end)
    self.voices[answer:id()] = voice
    return answer
  end
end

local function show_values(self, n, first, ...)
  if n == 0 then return end
  local voice = n == 1 and is_var(first) and self.voices and self.voices[first:id()]
  if voice then
    voice:tell_all(first)
  else
    local inspect = require "lunagrad.cli.inspect"
    local texts = table.pack(first, ...)
    for i = 1, n do texts[i] = inspect.text(texts[i]) or self.env.tostring(texts[i]) end
    self.write(table.concat(texts, "\t", 1, n) .. "\n")
  end
  self.env._ = first
end

-- The values of a text: an expression's are shown, and those of `return`.
local function run_chunk(self, chunk, is_expression)
  self.voices = is_expression and is_live(self) and {} or nil
  local results = table.pack(chunk())
  show_values(self, results.n, table.unpack(results, 1, results.n))
end

-- A signal while it runs: nothing more is bought, all that is waited for is cancelled, and
-- nothing new is bought until the task has ended. It is asked about ten times a second.
local function look_at_signals(self)
  local loop = require "lunagrad.loop"
  if term.signals() == 0 or self.stopping or not loop.started() then return end
  self.stopping = true
  loop.engine():drain(true)
  loop.engine():cancel()
end

local function end_interrupt(self)
  local signals, ending = term.signals()
  if self.stopping then
    require("lunagrad.loop").engine():drain(false)
    self.stopping = false
  end
  term.forget_signals()
  self.ended = ending or signals > 0 and not self.interactive
  return signals > 0
end

-- Half a line that was printed is ended, and one where the terminal shows ^C and nothing came
-- after it, so that what comes stands on its own.
local function tidy(self, interrupted)
  local display = self.watch().display
  display:finish()
  local after_mark = interrupted and self.interactive and not self.wrote_since
  if display.held_back or after_mark then io.stdout:write "\n" end
  self.wrote_since = false
  display.held_back = false
  io.stdout:flush()
end

--- Run fn as a task until it ends or is interrupted; what goes wrong is told.
local function perform(self, fn, ...)
  local loop = require "lunagrad.loop"
  local display = self.watch().display
  display.started = term.monotonic()
  display.drawn_at = display.started + DRAW_AFTER
  display.phase, display.total = nil, nil
  self.task = loop.spawn(fn, nil, ...)
  local ok, problem = pcall(self.task.await, self.task)
  self.task, self.voices = nil, nil
  local interrupted = end_interrupt(self)
  tidy(self, interrupted)
  if interrupted then
    self.failed = true
    io.stderr:write "interrupted\n"
  elseif not ok then
    complain(self, error_line(problem))
  end
end

-- ---- asking ----------------------------------------------------------------------------

local function ask(self, talk, sample)
  local voice = new_voice(self)
  local answer = require("lunagrad.model").for_role "model" {
    messages = talk, sample = sample, role = "answer",
    stream = is_live(self) and function(...) voice:hear(...) end or nil }
  local text = voice:tell_all(answer)
  self.env._ = answer
  self.asked, self.sample = talk, sample
  self.talk = table.move(talk, 1, #talk, 1, {})
  self.talk[#self.talk + 1] = { "assistant", text }
end

local function question_of(self, line)
  local more, question = line:match "^%s*%?(%??)%s*(.-)%s*$"
  if not more then return false end
  if question == "" then
    complain(self, "error: ask what? (? What is 2 + 2)")
    return true
  end
  local talk = {}
  if more == "?" then table.move(self.talk, 1, #self.talk, 1, talk) end
  talk[#talk + 1] = { "user", question }
  perform(self, ask, self, talk, 1)
  return true
end

-- ---- the prompt's own commands -----------------------------------------------------------

local commands = {}

function commands.help(self, topic)
  if topic == "" then return require("lunagrad.cli.screen").help(COMMANDS_HELP) end
  self.write(require("lunagrad.cli.reference").text(topic))
end

function commands.quit(self) self.leaving = true end

function commands.cost(self)
  local lines = self.watch():so_far() or { "nothing was bought" }
  io.stdout:write(table.concat(lines, "\n"), "\n")
end

function commands.again(self)
  if not self.asked then args.fail("nothing was asked", "? What is 2 + 2") end
  perform(self, ask, self, self.asked, self.sample + 1)
end

function commands.model(self, word)
  local model = require "lunagrad.model"
  if word == "" then
    for _, role in ipairs(run.roles) do
      self.write(("%-9s  %s\n"):format(role, model.for_role(role).name))
    end
    return
  end
  model.default(run.read_roles({ word }, ":model"))
end

function commands.stream(self, word)
  if word ~= "on" and word ~= "off" then
    args.fail((":stream is %s"):format(self.stream and "on" or "off"), ":stream on, or :stream off")
  end
  self.stream = word == "on"
end

function commands.load(self, path)
  if path == "" then args.fail("load what?", ":load prompt.lua") end
  local script = require "lunagrad.cli.script"
  local text, message, hint = script.read(path)
  if not text then args.fail(message, hint) end
  local chunk, problem = script.compile(text, "@" .. path, self.env)
  if not chunk then args.fail(problem) end
  perform(self, function() chunk(path) end)
end

local NAMES = {}
for name in pairs(commands) do NAMES[#NAMES + 1] = ":" .. name end
table.sort(NAMES)

local function command_of(self, line)
  local name, rest = line:match "^%s*:(%a+)%s*(.-)%s*$"
  if not name then return false end
  if name == "q" then name = "quit" end
  if not commands[name] then
    complain(self, ("error: there is no command :%s (%s)"):format(name,
      args.did_you_mean(":" .. name, NAMES, ":help lists them")))
    return true
  end
  local ok, problem = pcall(commands[name], self, rest)
  if not ok then complain(self, error_line(problem)) end
  return true
end

-- ---- Lua -------------------------------------------------------------------------------

--- Compile what was typed: as an expression, or as statements.
---@param text string
---@param env table
---@return function|nil chunk, boolean is_expression or whether more is to come, string|nil message
function repl.compile(text, env)
  local chunk, problem = load("return " .. text, CHUNK, "t", env)
  if chunk then return chunk, true end
  local more = problem:find "near <eof>$"
  chunk, problem = load(text, CHUNK, "t", env)
  if chunk then return chunk, false end
  return nil, (more or problem:find "near <eof>$") ~= nil, problem
end

-- The text so far, run if it is whole; returns what is still to be continued.
local function take_lua(self, text, is_last)
  local chunk, flag, problem = repl.compile(text, self.env)
  if chunk then
    perform(self, run_chunk, self, chunk, flag)
  elseif flag and not is_last then
    return text
  else
    complain(self, error_line(problem))
  end
end

-- ---- the loop --------------------------------------------------------------------------

local function load_editor()
  local line, why = require "lunagrad.line", nil
  for _, name in ipairs { "libreadline.so.8", "libreadline.so.7" } do
    local editor, problem = line.load(name)
    if editor then return editor end
    why = why or problem
  end
  return nil, why
end

local function begin_typing(self)
  local history, problem = require("lunagrad.cli.history").open()
  self.history = history
  self.editor = os.getenv "TERM" ~= "dumb" and load_editor() or nil
  if self.editor then
    local line = require "lunagrad.line"
    for _, entry in ipairs(history.entries) do line.remember(self.editor, entry) end
  end
  if problem then io.stderr:write("lunagrad: what is typed is not kept: ", problem, "\n") end
  local greeting = ("lunagrad %s, model %s. lg is there, ? asks the model, :help lists the rest.")
    :format(require("lunagrad").VERSION, require("lunagrad.model").for_role("model").name)
  local lines = require("lunagrad.cli.display").wrap(greeting, term.width(1) or 100)
  self.write(table.concat(lines, "\n") .. "\n")
end

local function read_line(self, prompt)
  local line = require "lunagrad.line"
  local loop = require "lunagrad.loop"
  local engine = loop.started() and loop.engine() or nil
  if self.editor then
    return line.edit(self.editor, prompt, engine, function(text, again)
      return require("lunagrad.cli.complete").at(self.env, text, again,
        { commands = NAMES, columns = term.width(1) or 80 })
    end)
  end
  return line.read(self.interactive and prompt or "", engine)
end

local function remember(self, text)
  if self.history and self.history:add(text) and self.editor then
    require("lunagrad.line").remember(self.editor, text)
  end
end

-- The cursor leaves a line that was not ended; readline has seen to that itself.
local function end_prompt(self)
  if self.interactive and not self.editor then io.stdout:write "\n" end
end

-- Ctrl-C while something is typed drops it; where nothing is, it says how to leave.
local function drop_typed(self, typed)
  local _, ending = term.signals()
  term.forget_signals()
  self.ended = ending or not self.interactive
  if not self.ended then
    end_prompt(self)
    if not typed then io.stdout:write "(Ctrl-D or :quit leaves)\n" end
    io.stdout:flush()
  end
end

local function take(self, text)
  if not text:find "%S" then return end
  if text:find "^%s*%?" or text:find "^%s*:%a" then
    remember(self, text)
    return not question_of(self, text) and not command_of(self, text) or nil
  end
  local rest = take_lua(self, text)
  if not rest then remember(self, text) end
  return rest
end

local function loop(self)
  local held
  while not (self.leaving or self.ended) do
    local text, why, typed = read_line(self, held and ">> " or "> ")
    if text then
      held = take(self, held and held .. "\n" .. text or text)
    elseif why == "interrupt" then
      drop_typed(self, typed or held)
      held = nil
    else
      end_prompt(self)
      break
    end
  end
  if held and not self.ended then take_lua(self, held, true) end
end

-- ---- the command -----------------------------------------------------------------------

local function set_up(self)
  local lg = require "lunagrad"
  self.roles, self.other_roles = {}, run.read_roles(self.options.models)
  run.set_up(self, lg)
  local watch = self.watch()
  require("lunagrad.loop").on_tick(function()
    look_at_signals(self)
    watch:tick()
  end)
  local write = run.writer(self, io.stdout)
  function self.write(text)
    self.wrote_since = term.signals() > 0
    return write(text)
  end
  self.env = require("lunagrad.cli.script").environment { write = self.write,
    write_error = run.writer(self, io.stderr), with_library = true, exit = self.leave }
  self.env.arg = { [0] = "repl", table.unpack(self.words) }
  self.env.help = function(...)
    if select("#", ...) == 0 then return self.write(COMMANDS_HELP) end
    self.write(require("lunagrad.cli.reference").text((...)))
  end
  require("lunagrad.cli.script").add_searcher("./", self.env)
  listen_to_calls(self)
  local note = (self.options.run or self.options.dry_run) and limits.look_back(self)
  if note then watch:event { kind = "note", text = note } end
end

local function new_session(said, argv)
  args.use_files(said)
  args.as_usage(require("lunagrad.config").check)
  require("lunagrad.config").tell()
  local here = { name = "run", options = repl.spec.options }
  local otherwise = args.twins(here, require("lunagrad.config").get)
  otherwise.json = nil -- that is said to scripts
  local self = run.new(said, otherwise, argv)
  self.session, self.source = true, { name = "=repl" }
  self.interactive = term.isatty(0)
  self.talk, self.stream = {}, true
  limits.check(self.options)
  run.check_arguments(self.options.rest, 1, self.options.plain, "")
  self.arguments, self.words = run.read_arguments(self.options.rest, 1, self.options.seed)
  return self
end

local function check(said)
  if said.json then
    args.fail("repl has no --json: it is for people", "lunagrad run - --json runs a piped script")
  end
  for _, word in ipairs(said.rest) do
    if word:find "%.lua$" then
      args.fail(("repl takes no script (%s)"):format(word), "lunagrad run " .. word
        .. ", or at the prompt :load " .. word)
    end
  end
end

local function finish(self)
  if self.ended then
    limits.finish "interrupted"
    self.watch():close("interrupted", INTERRUPTED, "interrupted")
    return INTERRUPTED
  end
  local code = self.failed and not self.interactive and 1 or 0
  limits.finish(code == 0 and "done" or "failed")
  if self.options.dry_run then run.show_estimate(self) end
  self.watch():close(code == 0 and "ok" or "error", code)
  return code
end

--- Run the command.
---@param argv string[]
---@param first integer where its own arguments begin
---@return integer exit code
function repl.main(argv, first)
  local said = args.parse(repl.spec, argv, first)
  if said.help then
    require("lunagrad.cli.screen").help(repl.help())
    return 0
  end
  check(said)
  local self = new_session(said, argv)
  term.stop_at_signals()
  set_up(self)
  term.catch_signals()
  if self.interactive then begin_typing(self) end
  loop(self)
  return finish(self)
end

return repl
