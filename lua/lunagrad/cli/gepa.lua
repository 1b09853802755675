--- A search as GEPA writes its result, for programs and pages that read those.
--
-- The names and shapes are those of GEPAResult.to_dict of gepa 0.1 (validation_schema_version 2).
-- An example's id is its place in the validation set from 0, as GEPA's own loader gives them, and
-- what GEPA keeps of fronts is worked out from the scores. Used by cli/export.lua.

local core = require "lunagrad.core"
local queries = require "lunagrad.book.queries"
local store = require "lunagrad.cli.store"

local gepa = {}

local SCHEMA = 2

local function decoded(text, default)
  local value = type(text) == "string" and core.json_decode(text, "number") or nil
  if value == nil then return default end
  return value
end

local function id_of(example) return ("%d"):format(example - 1) end

-- Scores of each candidate by example; the candidates are numbered from 0.
local function subscores_of(handle, search, n)
  local list = {}
  for i = 1, n do list[i] = {} end
  local after = 0
  repeat
    local rows = handle.query(queries.validations, search.run_id, search.id, after)
    for _, row in ipairs(rows) do
      local of = list[row.candidate_idx + 1]
      if of then of[id_of(row.example)] = row.score end
      after = row.id
    end
  until #rows == 0
  return list
end

-- Which candidates are the best on each example.
local function fronts_of(subscores)
  local best, holders = {}, {}
  for i, scores in ipairs(subscores) do
    for id, score in pairs(scores) do
      if not best[id] or score > best[id] then best[id], holders[id] = score, {} end
      if score == best[id] then table.insert(holders[id], i - 1) end
    end
  end
  for _, list in pairs(holders) do store.array(list) end
  return holders
end

-- The last of rows in order whose proposal is not above a number; all before it count, too.
local function upto(rows, number)
  local low, high = 0, #rows
  while low < high do
    local middle = (low + high + 1) // 2
    if (rows[middle].proposal or 0) <= number then low = middle else high = middle - 1 end
  end
  return low > 0 and rows[low].all or 0
end

-- How many evaluations the search had bought when each candidate was there, and in all.
local function counts_of(handle, search, candidates)
  local rows = handle.query(queries.evaluations, search.run_id, search.id)
  local total, found = 0, {}
  for _, row in ipairs(rows) do
    total = total + row.n
    row.all = total
  end
  for i, one in ipairs(candidates) do found[i] = upto(rows, one.proposal or 0) end
  return store.array(found), total
end

local function full_evaluations(subscores)
  local most, n = 0, 0
  for _, scores in ipairs(subscores) do
    local size = 0
    for _ in pairs(scores) do size = size + 1 end
    if size > most then most, n = size, 0 end
    if size == most then n = n + 1 end
  end
  return n
end

local function parents_of(row)
  local list = decoded(row.parents, {})
  return #list > 0 and store.array(list) or store.array { core.null } -- the seed, as GEPA has it
end

--- The result of a search.
---@param handle table of cli/store.lua
---@param search table a row of the table searches
---@return table
function gepa.result(handle, search)
  local rows = handle.query(queries.candidates_of, search.id)
  local candidates, parents, means = {}, {}, {}
  for i, row in ipairs(rows) do
    candidates[i], parents[i] = decoded(row.texts, core.null), parents_of(row)
    means[i] = store.or_null(row.score)
  end
  local subscores = subscores_of(handle, search, #rows)
  local found, total = counts_of(handle, search, rows)
  return {
    candidates = store.array(candidates), parents = store.array(parents),
    val_aggregate_scores = store.array(means), val_subscores = store.array(subscores),
    per_val_instance_best_candidates = fronts_of(subscores), discovery_eval_counts = found,
    total_metric_calls = total, num_full_val_evals = full_evaluations(subscores),
    best_outputs_valset = core.null, val_aggregate_subscores = core.null,
    per_objective_best_candidates = core.null, objective_pareto_front = core.null,
    run_dir = core.null, _str_candidate_key = core.null, seed = store.or_null(search.seed),
    best_idx = store.or_null(search.best_idx), validation_schema_version = SCHEMA,
  }
end

return gepa
