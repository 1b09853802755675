--- What a run leaves behind for people and programs: its searches with their candidates, proposals,
--- scores and answers (tape.lua), feedback and edits, and its best texts as files (best.lua).
--
-- Everything goes through the engine's store and shares its transactions; without a store every
-- function here returns at once. Nothing is read back while a run goes on: what is recorded
-- changes no result. The tables are described in docs/store.md. Told by lg.train, lg.evaluate,
-- lg.optim.tgd (what happened) and the command (what is being run).

local core = require "lunagrad.core"
local examples = require "lunagrad.book.examples"
local loop = require "lunagrad.loop"
local outputs = require "lunagrad.book.outputs"
local queries = require "lunagrad.book.queries"
local tapes = require "lunagrad.book.tape"
local settings = require "lunagrad.settings"

local record = {}

local about                 -- what is being run, before the engine is there
local run                   -- { id =, name = } once it has begun
local searches = {}         -- those that improve texts, in the order in which they began
local counts = { search = 0, training = 0, evaluation = 0, comparison = 0, gradient = 0 }

-- Ids of gradients are given here, because edits name them before the database could.
local IDS_OF_ONE_RUN = 1 << 24

-- ---- names -----------------------------------------------------------------------------

--- What is wrong with a run's name, or nil.
---@param name string
---@return string|nil
function record.name_error(name)
  if not name:find "^[%w][%w._-]*$" or #name > 100 then
    return "a run's name is letters, digits, '.', '-' and '_', at most 100 of them"
  elseif name:find "^%d+$" then
    return "a run's name needs a letter: numbers are the runs' ids"
  elseif name:find "%.lock$" then
    return "a run's name may not end in .lock"
  end
  return nil
end

--- The name of a run that was given none: of the script, and a few letters that its arguments
--- and models decide, so that the same command line is the same run.
---@param script string path of the script, "" for none
---@param words string[] what else decides
---@return string
function record.default_name(script, words)
  local base = script:match "([^/]*)$":gsub("%.lua$", ""):gsub("[^%w_-]+", "-")
  base = base:gsub("^[^%w]+", ""):sub(1, 60)
  if base == "" then base = "script" end
  return base .. "-" .. core.sha256(table.concat(words, "\0")):sub(1, 6)
end

-- ---- the run ---------------------------------------------------------------------------

local function json_list(list)
  return core.json_encode(setmetatable(list, core.array))
end

-- The best of its trainings is the run's.
local function score_run()
  local highest = record.highest(searches)
  if highest then
    run.engine:store_exec(queries.score_run, highest.best_score, highest.seed_score, run.id)
  end
end

local function begin(engine)
  local a = about or {}
  local script = a.script or (arg and arg[0]) or ""
  local words = a.args or {}
  local name = a.name or record.default_name(script, { script, table.unpack(words) })
  local meta = core.json_encode {
    script = script, args = setmetatable(words, core.array), seed = a.seed, command = a.command,
    models = a.models and setmetatable(a.models, core.array),
    prices_as_of = require("lunagrad.prices").as_of(),
  }
  run = { id = engine:run_begin(name, meta), name = name, engine = engine,
    directory = ("%s/runs/%s"):format(settings.store_dir(), name), score = score_run }
  run.outputs = outputs.new(run)
  run.examples = examples.new(run)
  engine:store_exec(queries.describe_run, script, json_list(words), a.seed, run.id)
  -- A script in a stock Lua has no command that says how it ended. Made after the engine, this is
  -- collected before it.
  record.sentinel = setmetatable({}, { __gc = function() pcall(record.finish, "done") end })
end

loop.on_engine(function(engine)
  if settings.store_dir() then begin(engine) end
end)

--- Say what is being run, before the engine is made: {name, script, args, seed, command}.
function record.describe(what) about = what end

--- The run that is being recorded: {id, name}, or nil.
function record.current() return run end

--- The run has ended: "done", "interrupted", "limit" or "failed". Only the first call counts.
---@param state string
function record.finish(state)
  if not run or run.ended then return end
  run.ended = true
  pcall(run.outputs.flush, run.outputs) -- how it ended is written also when they are refused
  run.engine:run_end(state)
end

local function exec(sql, ...)
  run.engine:store_exec(sql, ...)
end

--- The directory of a run's files, or nil without a store.
function record.directory() return run and run.directory end

--- The file that holds the best texts so far, or nil when none was written.
function record.best_file() return run and run.best_file end

--- The same for each training: list of {number, names, path}.
function record.best_files()
  local list = {}
  for _, one in ipairs(searches) do
    if one.best_file then
      list[#list + 1] = { number = one.number, names = one.names, path = one.best_file }
    end
  end
  return list
end

--- The best of several trainings: the highest score, of equal ones the first.
---@param list table[] in order, each with best_score or without
---@return table|nil
function record.highest(list)
  local best
  for _, one in ipairs(list) do
    if one.best_score and (not best or one.best_score > best.best_score) then best = one end
  end
  return best
end

-- ---- a search --------------------------------------------------------------------------

-- What improves texts is numbered by itself, so that an evaluation before it moves no file's name.
local SORT = { train = "training", optimize = "training", evaluate = "evaluation",
  compare = "comparison" }

--- Begin to record a search; without a store an object whose methods do nothing, and whose id is
--- nil.
---@param what table {kind = "train", "optimize", "evaluate" or "compare"; method; names of the
--- parameters (nil: no texts are looked for); options: a table of which numbers, words and flags
--- are kept; seed}
---@return lunagrad.book.tape
function record.search(what)
  local sort = SORT[what.kind]
  counts[sort], counts.search = counts[sort] + 1, counts.search + 1
  if settings.store_dir() then loop.engine() end
  if not run then return tapes.silent(counts[sort]) end
  local tape = tapes.new(run, counts.search, counts[sort], what)
  if sort == "training" then searches[#searches + 1] = tape end
  return tape
end

-- ---- a step of an optimizer, an evaluation ---------------------------------------------

local function gradient(search, iteration, param, one)
  counts.gradient = counts.gradient + 1
  local id = run.id * IDS_OF_ONE_RUN + counts.gradient
  exec(queries.put_gradient, id, run.id, search, iteration, param, one.text, one.example,
    one.from_role, one.score)
  return id
end

--- What an optimizer's step saw and did: its feedback, and what it wrote because of it.
---@param iteration integer
---@param entries table of the report: {role, changed, before, after, records, edits}
---@param search integer|nil id of the search that the step belongs to
function record.step(iteration, entries, search)
  if not run then return end
  for _, entry in ipairs(entries) do
    local ids = {}
    for i, one in ipairs(entry.records or {}) do
      ids[i] = gradient(search, iteration, entry.role, one)
    end
    if entry.changed then
      exec(queries.put_edit, run.id, search, iteration, entry.role, entry.before, entry.after,
        json_list(ids))
    end
    for number, one in ipairs(entry.edits or {}) do
      exec(queries.put_replacement, run.id, search, iteration, entry.role, number, one.find,
        one.replace, one.problem)
    end
  end
end

return record
