--- `lunagrad runs`: what was run in this directory, and how it ended.

local args = require "lunagrad.cli.args"
local display = require "lunagrad.cli.display"
local ledger = require "lunagrad.book.ledger"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"

local runs = {}

local HELP = [[
usage: lunagrad runs [options]

Lists the starts of scripts whose calls and results are in the store, the newest first. A run is
started again under its name; each start has its own number.

  state   running, done, interrupted (Ctrl-C), killed (its process is gone), limit (a limit such
          as --max-cost ended it) or failed (an error)
  bought  calls that were paid for;  served  calls that the store answered

  --limit N      so many lines (default 20)
  --state S      only those in this state
]] .. store.HELP .. [[

examples:
  lunagrad runs
  lunagrad runs --state killed
  lunagrad runs --json --limit 1000
]]

local STATES = { "running", "done", "interrupted", "killed", "limit", "failed" }

runs.spec = { name = "runs", options = store.with {
  { names = { "--limit" }, key = "limit", type = "integer", min = 1, max = 1000000,
    what = "a count" },
  { names = { "--state" }, key = "state", type = "word", values = STATES, what = "a state" },
} }

--- The text of `lunagrad help runs`.
function runs.help() return HELP end

local function cost(run)
  return ledger.money(run.micros or 0, (run.micros or 0) > 0, run.unpriced or 0)
end

local function score(run)
  if not run.best_score then return "-" end
  return display.score(run.best_score, run.seed_score)
end

local function took(run)
  if not run.ended_us or run.ended_us == 0 then return "-" end
  if run.ended_us < run.started_us then return "(clock set back)" end
  return display.duration((run.ended_us - run.started_us) / 1e6)
end

local function as_json(run, state)
  store.emit { id = run.id, name = run.name, state = state, script = store.or_null(run.script),
    started_us = run.started_us, ended_us = store.or_null(run.ended_us),
    calls = run.calls or 0, served = run.served or 0, tokens_in = run.tokens_in or 0,
    tokens_out = run.tokens_out or 0, cost_usd = store.dollars(runs.known_cost(run)),
    best_score = store.or_null(run.best_score), seed_score = store.or_null(run.seed_score) }
end

--- Micro-dollars of a start, or nil when they are not known or there is nothing with a price.
function runs.known_cost(run)
  local micros = run.micros or 0
  return micros > 0 and (run.unpriced or 0) == 0 and micros or nil
end

-- Rows of all runs with their unpriced replies; the state needs the lock files, so it is
-- filtered here.
local function rows_of(handle, options)
  local found, wanted = {}, options.limit or 20
  local rows = handle.query(queries.newest_runs, options.state and 1000000 or wanted)
  for _, run in ipairs(rows) do
    local state = store.state(handle, run)
    if (not options.state or state == options.state) and #found < wanted then
      found[#found + 1] = { run = run, state = state }
    end
  end
  return found
end

local function show(found)
  local list = { { "id", "name", "state", "started", "took", "bought", "served", "cost",
    "best (over the start)" } }
  for _, one in ipairs(found) do
    local run = one.run
    list[#list + 1] = { run.id, run.name, one.state, store.time(run.started_us), took(run),
      run.calls or 0, run.served or 0, cost(run) or "-", score(run) }
  end
  if #found == 0 then
    io.stdout:write "no runs\n"
  else
    store.print(require("lunagrad.cli.table").lines(list, "rllllrrrl"))
  end
end

--- Run the command.
---@return integer exit code
function runs.main(argv, first)
  local options = args.parse(runs.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if options.rest[1] then
    args.fail(("runs takes no argument, got %q"):format(options.rest[1]),
      ("did you mean lunagrad show %s?"):format(options.rest[1]))
  end
  store.use(options, function(handle)
    local found = rows_of(handle, options)
    if not options.json then return show(found) end
    for _, one in ipairs(found) do as_json(one.run, one.state) end
  end)
  return 0
end

return runs
