--- What `lunagrad run` says about money and memory: caps, the store, the run's name, a dry run.
--
-- Its options and help are added to cli.run's; it sets them up before the script runs, and says at
-- the end what a limit stopped and how to go on. Loaded by cli.run.

local args = require "lunagrad.cli.args"

local limits = {}

limits.LIMIT = 4 -- exit code

limits.options = {
  { names = { "--run" }, key = "run", type = "word", what = "a name" },
  { names = { "--max-cost" }, key = "max_cost", type = "number", min = 0.000001, what = "dollars" },
  { names = { "--max-calls" }, key = "max_calls", type = "integer", min = 1, what = "a count" },
  { names = { "--max-tokens" }, key = "max_tokens", type = "integer", min = 1, what = "a count" },
  { names = { "--max-time" }, key = "max_time", type = "number", min = 0.001, what = "seconds" },
  { names = { "--ambiguous" }, key = "ambiguous", type = "word",
    values = { "retry", "fail", "ask" }, what = "retry, fail or ask" },
  { names = { "--durable" }, key = "durable", type = "word", values = { "group", "full" },
    what = "group or full" },
  { names = { "--prices" }, key = "prices", type = "word", what = "a file" },
  { names = { "--no-store" }, key = "no_store", type = "flag" },
  { names = { "--dry-run" }, key = "dry_run", type = "flag" },
}

limits.HELP = [[
  --run NAME          the run's name (default: the script's, with six letters that its arguments
                      and models decide); the same command again goes on where it ended
  --max-cost USD      buy nothing that could make this start cost more; models need a known price
  --max-calls N       … that could make it more than N requests
  --max-tokens N      … more than N tokens, input and output
  --max-time S        start no call after S seconds
  --ambiguous POLICY  calls of an earlier start that may have been paid for without a reply:
                      retry buys them again (default), fail lets them fail, ask asks
  --durable MODE      group: written at once, synced in groups (default); full: every write waits
                      for the disk
  --prices FILE       prices that stand before the built-in ones: JSON in litellm's format
  --no-store          keep nothing: no replies, no record of the run (so does -e without --run)
  --dry-run           send nothing: sim answers, and what the calls would cost is estimated
]]

-- ---- before the script -----------------------------------------------------------------

local function copy(options, names)
  local found
  for _, name in ipairs(names) do
    if options[name] ~= nil then
      found = found or {}
      found[name] = options[name]
    end
  end
  return found
end

-- What makes two starts the same run: all words but those that say how it is shown or how much
-- it may cost.
local function deciding_words(self)
  local words = { self.source.path or self.source.text }
  for _, word in ipairs(self.words) do words[#words + 1] = word end
  for _, model in ipairs(self.options.models or {}) do words[#words + 1] = "-m " .. model end
  words[#words + 1] = "seed " .. tostring(self.options.seed)
  return words
end

--- What is wrong with the options, before anything is done.
---@param options table
function limits.check(options)
  if options.run then
    local problem = require("lunagrad.book.record").name_error(options.run)
    if problem then args.fail(("--run: %s, not %q"):format(problem, options.run)) end
  end
  if options.prices then args.as_usage(require("lunagrad.prices").use, options.prices) end
  if options.no_store and options.run then
    args.fail("--run names a run in the store, and --no-store keeps none", "give one of them")
  end
end

local function run_name(self)
  return self.options.run or require("lunagrad.book.record").default_name(
    self.source.path or self.source.name:sub(2), deciding_words(self))
end

local function describe(self, record)
  local arguments = {}
  for _, word in ipairs(self.words) do arguments[#arguments + 1] = word end
  record.describe { name = run_name(self), script = self.source.path or self.source.name:sub(2),
    args = arguments, seed = self.options.seed, command = limits.again(self),
    models = self.options.models }
end

-- Asked on the terminal; no terminal is a no.
local function is_wanted(text)
  if not require("lunagrad.term").isatty(0) then return false end
  io.stderr:write("lunagrad: ", text, "\n  Buy them again if the script asks for them? [y/N] ")
  io.stderr:flush()
  local answer = io.read "l"
  return answer ~= nil and answer:lower():find "^%s*y" ~= nil
end

local AGAIN = "; they are bought again if the script asks for them"
local NOT_AGAIN = "; if the script asks for one, it fails (--ambiguous retry buys them again)"

--- Calls that earlier starts left without a reply: bought again, failed or asked about, as
--- --ambiguous says.
---@param self table cli.run's run
---@return string|nil a line to show
function limits.look_back(self)
  local options = self.options
  if options.dry_run then return "dry run: nothing is sent; sim answers for the models" end
  if options.no_store then return nil end
  local text = require("lunagrad.cli.store").ambiguous_before(
    require("lunagrad.settings").default_dir(), run_name(self))
  local policy = options.ambiguous or "retry"
  local again = policy == "retry" or policy == "ask" and (not text or is_wanted(text))
  if not again then require("lunagrad.settings").pin { fail_ambiguous = true } end
  return text and text .. (again and AGAIN or NOT_AGAIN)
end

-- A line of code is for trying things, and so is a session at the prompt: they leave nothing behind
-- unless the run has a name.
local function keeps_nothing(self)
  local options = self.options
  local trying = options.code or self.session
  return options.no_store or options.dry_run or (trying and not options.run)
end

--- Prepare the library as the options say. Called when it has been loaded, before the script.
---@param self table cli.run's run
function limits.set_up(self)
  local settings = require "lunagrad.settings"
  local options = self.options
  settings.configure(copy(self.otherwise, { "durable", "prices" }) or {})
  settings.pin(copy(self.said, { "durable", "prices" }) or {})
  settings.pin(copy(options, { "max_cost", "max_calls", "max_tokens", "max_time" }) or {})
  if options.dry_run then require("lunagrad.model").dry_run = true end
  if keeps_nothing(self) then
    settings.pin { store = false }
    return
  end
  settings.configure { store = true }
  describe(self, require "lunagrad.book.record")
end

-- ---- after it --------------------------------------------------------------------------

--- The command line once more, for "to go on".
function limits.again(self)
  local words = {}
  for i = 1, #self.argv do
    local word = self.argv[i]
    words[i] = word:find("^[%w_%-./=:,@%%+]+$") and word or "'" .. word:gsub("'", "'\\''") .. "'"
  end
  return "lunagrad " .. table.concat(words, " ")
end

local CAPS = { "calls", "tokens", "cost", "time" } -- as the engine numbers them

local function stats()
  local loop = package.loaded["lunagrad.loop"]
  return loop and loop.started() and loop.engine():stats() or nil
end

--- The limit that was reached, "calls", "tokens", "cost" or "time"; nil when none was.
function limits.reached()
  local s = stats()
  return s and CAPS[s.cap or 0] or nil
end

--- Is it a limit that ended the script?
---@param problem any what it raised
function limits.is_limit(problem)
  local errors = package.loaded["lunagrad.errors"]
  return errors ~= nil and errors.stops(problem) == "cap"
end

local OPTION = { calls = "--max-calls", tokens = "--max-tokens", cost = "--max-cost",
  time = "--max-time" }

--- What people read when a limit ended the run.
---@return string[] lines, string message
function limits.lines(self)
  local which = limits.reached() or "cost"
  local message = ("the limit on %s (%s) was reached; calls under way were finished and kept")
    :format(which, OPTION[which])
  local lines = { "lunagrad: " .. message }
  local record = package.loaded["lunagrad.book.record"]
  local files = record and record.best_files() or {}
  for _, one in ipairs(files) do
    local of = #files > 1 and (" of training %d (%s)"):format(one.number,
      require("lunagrad.cli.display").clean_line(table.concat(one.names, ", "))) or ""
    lines[#lines + 1] = ("  the best so far%s: %s"):format(of, one.path)
  end
  lines[#lines + 1] = "  to go on (what was bought is not bought again): " .. limits.again(self)
  return lines, message
end

--- What a recording lacks, or what lets an ambiguous call pass, below the message that says so.
---@param lines string[] to add to
---@param problem any what the script raised
function limits.add_details(lines, problem)
  local errors = package.loaded["lunagrad.errors"]
  if errors and errors.stops(problem) == "ambiguous" then
    lines[#lines + 1] = "  hint: --ambiguous retry buys such calls again"
  end
  local replay = package.loaded["lunagrad.book.replay"]
  for _, line in ipairs(replay and replay.missing or {}) do
    lines[#lines + 1] = (require("lunagrad.cli.display").clean(line):gsub("\n", " "))
  end
end

--- Tell the store how the run ended.
---@param state string "done", "interrupted", "limit" or "failed"
function limits.finish(state)
  local record = package.loaded["lunagrad.book.record"]
  if record then record.finish(state) end
end

-- ---- the dry run -----------------------------------------------------------------------

local function dollars(micros)
  if micros == nil then return require("lunagrad.core").null end
  return micros / 1e6
end

-- What each lg.optimize has planned.
local function plan_lines(plans)
  local lines = {}
  for i, plan in ipairs(plans) do
    local of = #plans > 1 and (" %d"):format(i) or ""
    for _, line in ipairs(plan:lines()) do lines[#lines + 1] = ("plan%s: %s"):format(of, line) end
  end
  return lines
end

local function told_plans(plans)
  local list = setmetatable({}, require("lunagrad.core").array)
  for i, plan in ipairs(plans) do list[i] = plan:told() end
  return #list > 0 and list or nil
end

local function estimate_lines(rows, total, prices, assumption)
  local list = { { "model", "calls", "input", "output", "estimate", "full length" } }
  for _, row in ipairs(rows) do
    list[#list + 1] = { row.model, row.calls, row.input, row.output, prices.text(row.micros),
      prices.text(row.worst_micros) }
  end
  local lines = require("lunagrad.cli.table").lines(list, "lrrrrr")
  table.insert(lines, 1, "dry run: nothing was sent or stored; would be asked:")
  if total.calls == 0 then lines[#lines + 1] = "no call to a server's model would be made" end
  local all = total.unpriced == 0 and prices.text(total.micros)
    or ("n/a: no price is known for %d of %d calls (--prices FILE)"):format(total.unpriced,
      total.calls)
  lines[#lines + 1] = ("estimate: %s, prices as of %s"):format(all, prices.as_of())
  lines[#lines + 1] = "assumption: " .. assumption
  lines[#lines + 1] = "full length: the same calls, if every answer took max_tokens (or 4096)"
  return lines
end

--- The estimate of a dry run: lines for people, and a record for --json.
---@return string[] lines, table record
function limits.estimate()
  local dryrun = require "lunagrad.dryrun"
  local prices = require "lunagrad.prices"
  local rows, total = dryrun.estimate()
  local plans = dryrun.plans()
  local models = setmetatable({}, require("lunagrad.core").array)
  for i, row in ipairs(rows) do
    models[i] = { model = row.model, calls = row.calls, input = row.input, output = row.output,
      cost_usd = dollars(row.micros), full_length_cost_usd = dollars(row.worst_micros) }
  end
  local priced = total.unpriced == 0
  local lines = estimate_lines(rows, total, prices, dryrun.assumption)
  for i, line in ipairs(plan_lines(plans)) do table.insert(lines, i, line) end
  return lines, {
    event = "estimate", models = models, calls = total.calls, input = total.input,
    output = total.output, cost_usd = dollars(priced and total.micros or nil),
    full_length_cost_usd = dollars(priced and total.worst_micros or nil),
    assumption = dryrun.assumption, prices_as_of = prices.as_of(),
    searches = told_plans(plans) }
end

return limits
