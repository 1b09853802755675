-- grain.lua - one question about a text, a step or a batch: what each costs and what comes of it.
--
-- Usage: lunagrad run benchmarks/grain.lua [steps=6] [batch=6] [runs=8] [rows=60] [-m MODEL]
--
-- A program of two calls (a draft, and a report that reads it) with a prompt each learns to count
-- things, from bare prompts, with every grain of `backward` and the same splits. Printed: calls of
-- the critic for each step, its tokens, and the score on rows that were not learned from, before
-- and after; ± is the standard error over the runs, which differ in their seeds. On sim, unless
-- -m names a model: then few runs and rows will do, and say little.

local lg = require "lunagrad"
local stats = require "lunagrad.stats_math"

local options = { steps = 6, batch = 6, runs = 8, rows = 60, seed = 1 }
for name, value in pairs(lg.args) do
  if not options[name] or not math.tointeger(tonumber(value)) then
    error(("%s=: say steps=, batch=, runs=, rows= or seed= and a whole number"):format(name), 0)
  end
  options[name] = math.tointeger(tonumber(value))
end

local BACKWARD = 2 -- of lg.stats(): the critics' kind of calls

local model = lg.model()
local exact = lg.loss.exact { extract = lg.extract.last_number }

local function program_of(draft_prompt, report_prompt)
  return function(row)
    local draft = model { row.question, system = draft_prompt, role = "draft of the answer" }
    return model { lg.format("{question}\nA draft: {draft}",
      { question = row.question, draft = draft }, { role = "question and draft" }),
      system = report_prompt, role = "answer to the question" }
  end
end

-- What critics were asked so far.
local function critics()
  local all = lg.stats()
  local usage = all.usage[BACKWARD]
  return { calls = all.calls_by_kind[BACKWARD], tokens = usage.input + usage.output }
end

-- The score before and after, critic's calls for each step, and their tokens.
local function train(grain, seed)
  local rows = lg.data.list(lg.task.object_counting.generate(options.rows, seed))
  local fit, val, test = rows:split { 0.4, 0.2, 0.4, seed = seed }
  local draft = lg.param("Answer the question.", "system prompt for drafts of counting questions")
  local report = lg.param("Give the answer.", "system prompt for the report on a draft")
  local program = program_of(draft, report)
  local function score()
    return lg.evaluate { program, data = test, metric = lg.metric.number }.mean
  end
  local before, from = score(), critics()
  local result = lg.train { program = program, params = { draft, report },
    loss = function(answer, row) return exact(answer, row.answer) end, metric = lg.metric.number,
    train = fit, val = val, seed = seed, batch = options.batch, steps = options.steps,
    backward = { grain = grain } }
  local to = critics()
  local n = math.max(#result.steps, 1)
  return { before = before, after = score(), calls = (to.calls - from.calls) / n,
    tokens = (to.tokens - from.tokens) / n }
end

local function shown(runs, name, form)
  local values = {}
  for i, run in ipairs(runs) do values[i] = run[name] end
  return (form .. " ± " .. form):format(stats.mean(values),
    (stats.deviation(values) or 0) / math.sqrt(#values))
end

print(("%-6s  %-14s %-16s %-15s %s"):format("grain", "critic's calls", "tokens", "before", "after"))
for _, grain in ipairs { "edge", "node", "graph" } do
  local runs = {}
  for i = 1, options.runs do runs[i] = train(grain, options.seed + i) end
  print(("%-6s  %-14s %-16s %-15s %s"):format(grain, shown(runs, "calls", "%.1f"),
    shown(runs, "tokens", "%.0f"), shown(runs, "before", "%.3f"), shown(runs, "after", "%.3f")))
end
