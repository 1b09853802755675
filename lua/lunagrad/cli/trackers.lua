--- A search as trackers of experiments take it: lines of JSON, one a step or one a request.
--
-- metrics: all searches, a line a step. wandb: one search, each line a dictionary for run.log, with
-- steps that rise one by one. mlflow: one search, each line the body of a request
-- POST /api/2.0/mlflow/runs/log-batch but for its run_id, within the limits of that request.

local core = require "lunagrad.core"
local queries = require "lunagrad.book.queries"
local reading = require "lunagrad.report.reading"
local args = require "lunagrad.cli.args"

local trackers = {}

local MOST_METRICS, MOST_PARAMS, LONGEST = 1000, 100, 500 -- of a request; bytes of a param
local EVERY = math.maxinteger >> 1

-- JSON has no number for what is infinite or none.
local function finite(x) return x and x == x and math.abs(x) < math.huge and x or nil end

-- The steps of a search: the start, then each proposal, with the best score so far.
local function steps_of(search)
  local best = finite(search.seed_score)
  local steps = { { step = 0, spent = search.start, score = best, best_score = best,
    accepted = true } }
  for _, one in ipairs(search.proposals) do
    local candidate = one.idx and search.by_idx[one.idx]
    local score = finite(candidate and candidate.score or one.after)
    if candidate and score then best = math.max(best or score, score) end
    steps[#steps + 1] = { step = one.number, spent = one.spent, score = score, best_score = best,
      accepted = one.accepted, operator = one.operator, fixed = #one.fixed, broke = #one.broke }
  end
  return steps
end

--- A line a step of every search.
---@param handle table
---@param runs table[]
---@param write fun(...)
function trackers.metrics(handle, runs, write)
  for _, search in ipairs(reading.run(handle, runs).searches) do
    for _, one in ipairs(steps_of(search)) do
      one.search = search.number
      one.score = one.score == nil and core.null or one.score
      one.best_score = one.best_score == nil and core.null or one.best_score
      write(core.json_encode(one), "\n")
    end
  end
end

local function chosen(handle, runs, number)
  local run = reading.run(handle, runs)
  for _, search in ipairs(number and run.searches or {}) do
    if search.number == number then return run, search end
  end
  local search = not number and reading.chief(run) or nil
  if not search then
    args.fail(number and ("this run has no training %d"):format(number)
      or "this run has no training", "lunagrad show RUN lists what it has")
  end
  return run, search
end

-- When each step was decided, in microseconds since 1970.
local function times_of(handle, search)
  local times = { [0] = search.started_us or 0 }
  for _, row in ipairs(handle.query(queries.page("proposals", queries.of_search(search), EVERY),
    -1)) do
    times[row.number or row.iteration] = row.created_us
  end
  return times
end

-- ---- W&B -----------------------------------------------------------------------------------

--- A dictionary a step.
---@param handle table
---@param runs table[]
---@param number integer|nil of the training; nil: the one with the best score
---@param write fun(...)
function trackers.wandb(handle, runs, number, write)
  local _, search = chosen(handle, runs, number)
  local times = times_of(handle, search)
  for i, one in ipairs(steps_of(search)) do
    local us = times[one.step]
    one.proposal, one.step, one.accepted = one.step, i - 1, one.accepted and 1 or 0
    one.time = us and us / 1e6
    write(core.json_encode(one), "\n")
  end
end

-- ---- MLflow --------------------------------------------------------------------------------

local function list(items) return setmetatable(items, core.array) end

local function as_text(value)
  local text = type(value) == "table" and core.json_encode(value) or tostring(value)
  if #text <= LONGEST then return text end
  local cut = LONGEST - 3
  while cut > 0 and (text:byte(cut + 1) or 0) & 0xC0 == 0x80 do cut = cut - 1 end
  return text:sub(1, cut) .. "…"
end

local function params_of(run, search)
  local params, names = list {}, {}
  local values = { kind = search.kind, method = search.method, seed = search.seed,
    params = table.concat(search.params, ", "), models = table.concat(run.models, ", ") }
  for name, value in pairs(type(search.options) == "table" and search.options or {}) do
    if type(name) == "string" and name:find "^[%w_%-%. /]+$" and values[name] == nil then
      values["option." .. name] = value
    end
  end
  for name, value in pairs(values) do
    if value ~= "" then names[#names + 1] = name end
  end
  table.sort(names)
  for i = 1, math.min(#names, MOST_PARAMS) do
    params[i] = { key = names[i], value = as_text(values[names[i]]) }
  end
  return params
end

local METRICS = { "score", "best_score", "spent", "accepted", "fixed", "broke" }

local function metrics_of(search, times)
  local out = {}
  for _, one in ipairs(steps_of(search)) do
    one.accepted = one.accepted and 1 or 0
    for _, name in ipairs(METRICS) do
      if one[name] ~= nil then
        out[#out + 1] = { key = name, value = one[name], step = one.step,
          timestamp = (times[one.step] or times[0]) // 1000 }
      end
    end
  end
  return out
end

--- Bodies of requests: the first has what stays the same, the others the metrics.
---@param handle table
---@param runs table[]
---@param number integer|nil of the training; nil: the one with the best score
---@param write fun(...)
function trackers.mlflow(handle, runs, number, write)
  local run, search = chosen(handle, runs, number)
  write(core.json_encode { params = params_of(run, search), metrics = list {},
    tags = list { { key = "mlflow.runName", value = run.name },
      { key = "lunagrad.sim", value = tostring(run.is_sim) } } }, "\n")
  local metrics = metrics_of(search, times_of(handle, search))
  for from = 1, #metrics, MOST_METRICS do
    local piece = table.move(metrics, from, math.min(#metrics, from + MOST_METRICS - 1), 1, {})
    write(core.json_encode { metrics = list(piece) }, "\n")
  end
end

return trackers
