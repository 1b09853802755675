--- A run as it is seen from outside: the display, the --json lines, interrupts, the summary.
--
-- Told of events and ticks by cli.run, asks the engine for its counters, and changes nothing
-- but to stop buying when the user interrupts. Loaded when there is something to see.

local display = require "lunagrad.cli.display"
local output = require "lunagrad.cli.output"
local term = require "lunagrad.term"

local watch = {}

local STATS_SECONDS = 1    -- between two "stats" lines of --json
local EVENT_SECONDS = 0.1  -- between two "progress" lines of --json
local KINDS = { "forward", "backward", "optimizer", "judge" } -- as the engine's ledger counts

---@class lunagrad.watch
local methods = {}
methods.__index = methods

--- Begin to watch. `about` is { json =, display = what was asked for, source =, session = true
--- where somebody else sees to signals }.
---@param about table
---@return lunagrad.watch
function watch.new(about)
  local mode, colour, unicode = display.choose(about.display, term.isatty(2), os.getenv)
  local now = term.monotonic()
  return setmetatable({ json = about.json, mode = mode, source = about.source,
    started = about.started, dry_run = about.dry_run,
    session = about.session, event_at = -math.huge, stats_at = now,
    asked = {}, maybe_asked = {}, trainings = {}, interrupted = false,
    run_id = os.date("!%Y%m%d-%H%M%S", math.floor(term.now_unix())) .. "-" .. term.pid(),
    display = display.new({ mode = mode, stream = output.raw(io.stderr), clock = term.monotonic,
      width = function() return term.width(2) end, colour = colour, unicode = unicode }) },
    methods)
end

-- ---- counters -------------------------------------------------------------------------

local function counters()
  local loop = package.loaded["lunagrad.loop"]
  if loop and loop.started() then return loop.engine():stats() end
end

local function tokens(stats)
  local sum = { input = 0, output = 0 }
  for _, usage in ipairs(stats.usage) do
    sum.input, sum.output = sum.input + usage.input, sum.output + usage.output
  end
  return sum
end

--- Note which models are really asked: every call and reverse pass goes through these two.
function methods:watch_models()
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

-- ---- events and ticks -----------------------------------------------------------------

--- A line of the --json contract; nothing without --json.
---@param record table
function methods:emit(record)
  if not self.json then return end
  local encode = require("lunagrad.core").json_encode
  local event = record.event
  record.event = nil
  local rest = encode(record):sub(2) -- the event's name stands first, for people and for grep
  local stream = output.raw(io.stdout)
  stream:write('{"event":', encode(event), rest == "}" and "" or ",", rest, "\n")
  stream:flush()
end

-- What is known of each training, in the order in which they began.
local function note_training(self, event)
  local number = event.kind == "training" and event.number or event.training or 1
  if event.kind == "training" then
    self.trainings[number] = { number = number, params = event.params }
  elseif event.kind == "score" then
    local one = self.trainings[number] or { number = number }
    self.trainings[number] = one
    one.best_score = event.best or one.best_score
    one.seed_score = event.seed or one.seed_score
  end
end

--- An event of lunagrad.progress.
---@param event table
function methods:event(event)
  note_training(self, event)
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
  self:emit(record)
end

local function emit_stats(self)
  local now = term.monotonic()
  if not self.json or now - self.stats_at < STATS_SECONDS then return end
  self.stats_at = now
  local s = counters()
  if not s then return end
  local ledger = require "lunagrad.book.ledger"
  self:emit({ event = "stats", calls = ledger.bought(s), shared = s.shared, served = s.served,
    cost_usd = ledger.dollars(s),
    in_flight = s.in_flight + s.host_running, queued = s.queued + s.waiting,
    retries = s.retries, tokens = tokens(s) })
end

-- No new calls; those in flight end well. What had not started is cancelled, and whoever
-- waits for it gets an error of the kind "cancelled".
local function on_interrupt(self)
  self.interrupted = true
  local loop = package.loaded["lunagrad.loop"]
  local engine = loop and loop.started() and loop.engine()
  local in_flight = engine and engine:stats().in_flight or 0
  if engine then engine:drain(true) end
  self.display:print(("interrupted: no new calls; %d in flight will be finished"
    .. " (Ctrl-C again stops now)"):format(in_flight))
end

-- What sleeps would keep an interrupted run for as long as it likes, and so would a script that
-- goes on when nothing is under way any more.
local function let_end()
  local s = counters()
  if s and s.in_flight + s.storing > 0 then return term.is_busy() end
  local timer = package.loaded["lunagrad.timer"]
  if timer then timer.end_sleeps() end
end

-- Warnings of the engine: a store that another program keeps locked, a damaged reply. Its errors
-- reach whoever asked for what failed. All its lines where --log or the script asked for a level.
local function tell_log(self)
  local loop = package.loaded["lunagrad.loop"]
  if not loop or not loop.started() then return end
  local all = loop.setting("log") ~= "warn"
  for _, line in ipairs(loop.log_lines(loop.engine())) do
    if all then
      self.display:log(("lunagrad: %s: %s"):format(line[1], line[2]))
    elseif line[1] == "warn" then
      self:event({ kind = "note", text = line[2] })
    end
  end
end

--- Called often while the loop waits: signals, the display, "stats" lines.
function methods:tick()
  local signals = self.session and 0 or term.signals()
  if signals >= 1 and not self.interrupted then on_interrupt(self) end
  if signals >= 2 then require("lunagrad.errors").raise("cancelled", "stopped", nil, 0) end
  if self.interrupted then let_end() end
  tell_log(self)
  self.display:tick(counters)
  emit_stats(self)
end

-- ---- the end --------------------------------------------------------------------------

local function summary_lines(stats, seconds, models)
  local lines = {}
  local ledger = require "lunagrad.book.ledger"
  local calls = ("%d bought"):format(ledger.bought(stats))
  if (stats.useless or 0) > 0 then calls = ("%s (%d useless)"):format(calls, stats.useless) end
  if (stats.served or 0) > 0 then
    calls = ("%s, %d served from the store"):format(calls, stats.served)
  end
  if stats.shared > 0 then calls = ("%s, %d shared"):format(calls, stats.shared) end
  if stats.failed > 0 then
    local how = (stats.cap or 0) > 0 and "refused by the limit or failed" or "failed"
    calls = ("%s, %d %s"):format(calls, stats.failed, how)
  end
  if stats.retries > 0 then
    calls = ("%s, %d %s"):format(calls, stats.retries, stats.retries == 1 and "retry" or "retries")
  end
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
  local cost = ledger.cost_line(stats)
  if cost then lines[#lines + 1] = "cost    " .. cost end
  lines[#lines + 1] = "time    " .. display.duration(seconds)
  if #models > 0 then lines[#lines + 1] = "models  " .. table.concat(models, ", ") end
  return lines
end

local function sim_lines(self, models)
  for _, name in ipairs(models) do
    if name == "sim" or name:find("^sim/") then
      local what = self.session and "repl" or self.source.command or self.source.path and "run "
        .. self.source.path
        or "-e …"
      return {
        'These results were made with "sim", a rule-based stand-in for a language model;'
          .. " they say nothing about real models.",
        ("With a real one:  OPENAI_API_KEY=… lunagrad %s -m openai/gpt-4o-mini"):format(what),
      }
    end
  end
  return {}
end

--- Lines for people, once the live block is gone.
---@param lines string[]
function methods:write_lines(lines)
  self.display:finish()
  io.stdout:flush()
  local columns = term.width(2)
  for _, whole in ipairs(lines) do
    for _, line in ipairs(display.fold(whole, columns)) do io.stderr:write(line, "\n") end
  end
  io.stderr:flush()
end

--- What was bought so far, for people; nil when nothing was.
---@return string[]|nil
function methods:so_far()
  local stats = counters()
  if not stats or stats.calls + stats.shared + stats.failed + (stats.served or 0) == 0 then
    return nil
  end
  return summary_lines(stats, term.monotonic() - self.started, models_used(self, stats))
end

local function show_summary(self, stats, models)
  if self.mode == "none" or self.dry_run or not stats
    or stats.calls + stats.shared + stats.failed + (stats.served or 0) == 0 then
    return
  end
  local lines = summary_lines(stats, term.monotonic() - self.started, models)
  for _, line in ipairs(sim_lines(self, models)) do lines[#lines + 1] = line end
  table.insert(lines, 1, "")
  self:write_lines(lines)
end

local function or_null(value)
  if value == nil then return require("lunagrad.core").null end
  return value
end

local function emit_done(self, status, code, message, stats, models)
  if not self.json then return end
  local zero = { calls = 0, shared = 0, failed = 0, retries = 0, ambiguous = 0, usage = {} }
  local s, ledger = stats or zero, require "lunagrad.book.ledger"
  local best = self.trainings[1] and require("lunagrad.book.record").highest(self.trainings) or {}
  local trainings = #self.trainings > 1 and self.trainings or nil
  if #models == 0 then models = setmetatable({}, require("lunagrad.core").array) end
  self:emit({ event = "done", run_id = self.run_id, status = status, exit_code = code,
    error = message, best_score = or_null(best.best_score), seed_score = or_null(best.seed_score),
    trainings = trainings,
    calls = ledger.bought(s), shared = s.shared, failed = s.failed, retries = s.retries,
    ambiguous = s.ambiguous, tokens = tokens(s), models = models, served = s.served or 0,
    cost_usd = or_null(ledger.dollars(s)), dry_run = self.dry_run,
    wall_s = math.floor((term.monotonic() - self.started) * 1000 + 0.5) / 1000 })
end

--- The last things of every run, however it ended. Only the first call counts.
---@param status string "ok", "error", "provider" or "interrupted"
---@param code integer
---@param message string|nil of an error
function methods:close(status, code, message)
  if self.closed then return end
  self.closed = true
  tell_log(self)
  local stats = counters()
  if stats and status == "interrupted" then
    stats.ambiguous = stats.ambiguous + stats.in_flight -- their replies are not awaited
  end
  local models = models_used(self, stats)
  self.display:finish()
  io.stdout:flush()
  show_summary(self, stats, models)
  emit_done(self, status, code, message, stats, models)
end

return watch
