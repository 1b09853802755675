--- `lunagrad report RUN`: a run as one page, to look at and to send.

local args = require "lunagrad.cli.args"
local file = require "lunagrad.file"
local store = require "lunagrad.cli.store"

local report = {}

local HELP = [[
usage: lunagrad report RUN [-o FILE] [options]

Writes a run as one HTML file that needs no network: the score over what was spent, each step with
what it changed, the feedback that asked for it and the examples that it fixed and broke, all texts,
candidates, answers and calls. RUN is a name or the number of one start, from lunagrad runs.

  -o FILE        write this file ("-": standard output); default: RUN.html
  --svg          the picture of the score over what was spent alone, of the search with the best
                 score, to standard output unless -o says where
  --md           Markdown instead, to standard output unless -o says where
]] .. store.HELP .. [[

examples:
  lunagrad report prompt-3fa1c2
  lunagrad report prompt-3fa1c2 --md >> notes.md
]]

report.spec = { name = "report", options = store.with {
  { names = { "-o", "--output" }, key = "output", type = "word", what = "a file" },
  { names = { "--md" }, key = "md", type = "flag" },
  { names = { "--svg" }, key = "svg", type = "flag" },
} }

--- The text of `lunagrad help report`.
function report.help() return HELP end

local function save(path, text)
  if path == "-" then
    io.stdout:write(text)
    return
  end
  local ok, problem = file.write(path, text, true)
  if not ok then args.fail("cannot write " .. tostring(problem),
    "-o names another file") end
  io.stderr:write(("lunagrad: wrote %s (%s)\n"):format(path, store.bytes(#text)))
end

local function plain_search(search)
  local candidates, proposals = {}, {}
  for i, one in ipairs(search.candidates) do
    candidates[i] = { idx = one.idx, parents = store.array(one.parents), texts = one.texts,
      operator = one.operator, score = one.score, low = one.low, high = one.high, n = one.n,
      is_best = one.is_best }
  end
  for i, one in ipairs(search.proposals) do
    proposals[i] = { number = one.number, parents = store.array(one.parents),
      operator = one.operator, accepted = one.accepted, reason = one.reason, before = one.before,
      after = one.after, gain = one.gain, texts = one.texts, spent = one.spent,
      fixed = store.array(one.fixed), broke = store.array(one.broke), compared = one.compared,
      feedback = store.array(one.feedback) }
  end
  return { id = search.id, number = search.number, kind = search.kind, method = search.method,
    params = store.array(search.params), seed_score = search.seed_score,
    best_score = search.best_score, best_idx = search.best_idx, claim = search.claim,
    stopped = search.stopped, unit = search.unit, spent = search.spent,
    evaluations = search.evaluations, candidates = store.array(candidates),
    proposals = store.array(proposals) }
end

local function to_json(run)
  local searches = {}
  for i, one in ipairs(run.searches) do searches[i] = plain_search(one) end
  store.emit { name = run.name, state = run.state, is_sim = run.is_sim, meta = run.meta,
    models = store.array(run.models), bought = run.total.bought, served = run.total.served,
    took_us = run.total.took_us, searches = store.array(searches) }
end

local function to_svg(run, options)
  local search = require("lunagrad.report.reading").chief(run)
  local note = run.is_sim and "on sim, a rule-based stand-in" or nil
  local picture = search and require("lunagrad.report.strip").alone(search, note)
  if not picture then args.fail(("run %s has no scores to draw"):format(run.name)) end
  save(options.output or "-", picture)
end

--- Run the command.
---@return integer exit code
function report.main(argv, first)
  local options = args.parse(report.spec, argv, first)
  if options.help then
    require("lunagrad.cli.screen").help(HELP)
    return 0
  end
  if #options.rest ~= 1 then args.fail("report needs one run", "lunagrad runs lists them") end
  if options.json and (options.md or options.output or options.svg) then
    args.fail("--json goes to standard output by itself")
  end
  if options.md and options.svg then args.fail "--md and --svg are two forms" end
  store.use(options, function(handle)
    local reading = require "lunagrad.report.reading"
    local runs = store.find(handle, options.rest[1])
    local run = reading.run(handle, runs)
    run.state = store.state(handle, runs[#runs])
    if options.json then return to_json(run) end
    if options.svg then return to_svg(run, options) end
    if options.md then
      return save(options.output or "-", require("lunagrad.report.markdown").make(run))
    end
    save(options.output or run.name .. ".html", require("lunagrad.report.page").make(handle, run))
  end)
  return 0
end

return report
