--- What a run leaves behind for people and programs: candidates, proposals, feedback, edits,
--- scores, and its best texts as files.
--
-- Everything goes through the engine's store and shares its transactions; without a store every
-- function here returns at once. Nothing is read back while a run goes on: what is recorded
-- changes no result. The tables are described in docs/store.md. Told by lg.train, lg.evaluate,
-- lg.optim.tgd (what happened) and the command (what is being run).

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local file = require "lunagrad.file"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local queries = require "lunagrad.book.queries"
local settings = require "lunagrad.settings"

local record = {}

local about                 -- what is being run, before the engine is there
local run                   -- { id =, name = } once it has begun
local trainings = {}        -- in the order in which they began
local counts = { candidate = 0, training = 0, evaluation = 0, gradient = 0 }

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
  run = { id = engine:run_begin(name, meta), name = name, engine = engine }
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
  run.engine:run_end(state)
end

local function exec(sql, ...)
  run.engine:store_exec(sql, ...)
end

local function now_us() return os.time() * 1000000 end

-- ---- files -----------------------------------------------------------------------------

local function best_text(names, texts)
  if #texts == 1 then return texts[1] end
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = ("## %s\n\n%s\n"):format(name, media.words(texts[i]))
  end
  return table.concat(parts, "\n")
end

local function write(path, text)
  local ok, message = file.write(path, text, true) -- prompts and replies
  if not ok then
    errors.raise("io", ("%s: %s"):format(path, message), "the store's directory must be writable",
      0)
  end
end

--- The directory of a run's files, or nil without a store.
function record.directory()
  return run and ("%s/runs/%s"):format(settings.store_dir(), run.name) or nil
end

--- The file that holds the best texts so far, or nil when none was written.
function record.best_file() return run and run.best_file end

--- The same for each training: list of {number, names, path}.
function record.best_files()
  local list = {}
  for _, one in ipairs(trainings) do
    if one.best_file then
      list[#list + 1] = { number = one.number, names = one.names, path = one.best_file }
    end
  end
  return list
end

local function best_base(self)
  local suffix = self.number == 1 and "" or ("-%d"):format(self.number)
  return ("%s/best%s"):format(record.directory(), suffix)
end

-- The score in a file that an earlier start of this run left; nil when there is none.
local function standing_score(self)
  local handle = file.open(best_base(self) .. ".json")
  local text = handle and handle:read "a"
  if handle then handle:close() end
  local found = text and core.json_decode(text)
  return type(found) == "table" and tonumber(found.score) or nil
end

-- A start that goes on begins with old texts: what an earlier one reached stays in the file until
-- this one is as far, or has come to its end.
local function is_worth_writing(self, score, complete)
  if self.standing == nil then self.standing = standing_score(self) or false end
  return complete or not self.standing or not score or score >= self.standing
end

-- A picture or sound has a file of its own: best.png; of several parameters best.the-logo.png.
local function media_file(self, i, value)
  local base = best_base(self)
  if #self.names > 1 then
    base = ("%s.%s"):format(base, (self.names[i]:lower():gsub("[^%w]+", "-"):sub(1, 60)))
  end
  return ("%s.%s"):format(base, media.ending(value))
end

-- What an earlier best had in another format would be a stale file beside it.
local function write_media(self, i, value)
  local path, before = media_file(self, i, value), self.files[i]
  write(path, value:text())
  if before and before ~= path then os.remove(before) end
  self.files[i] = path
  return path
end

local function write_best(self, score, best)
  local base = best_base(self)
  local by_name, files, best_file = {}, {}, nil
  for i, name in ipairs(self.names) do
    by_name[name] = media.words(best[i])
    if media.is(best[i]) then
      best_file = write_media(self, i, best[i])
      files[name] = best_file:match "[^/]*$"
    end
  end
  if not (best_file and #best == 1) then
    write(base .. ".txt", best_text(self.names, best))
    best_file = base .. ".txt"
  end
  write(base .. ".json", core.json_encode {
    name = run.name, texts = by_name, score = score, seed_score = self.seed_score,
    candidate = self.best_idx, files = next(files) and files or nil,
  } .. "\n")
  run.best_file = best_file
  self.best_file = best_file
end

-- ---- a training ------------------------------------------------------------------------

---@class lunagrad.book.record
local Training = {}
Training.__index = Training

local NOTHING = setmetatable({}, { __index = function() return function() end end })

--- Begin to record a training; an object whose methods do nothing without a store.
---@param names string[] of the parameters
---@return lunagrad.book.record
---@return integer number of the training in this run, from 1
function record.training(names)
  counts.training = counts.training + 1
  if not settings.store_dir() then return NOTHING, counts.training end
  loop.engine()
  local self = setmetatable({ names = names, number = counts.training, files = {} }, Training)
  trainings[#trainings + 1] = self
  return self, counts.training
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

local function named(self, texts)
  local by_name = {}
  for i, name in ipairs(self.names) do by_name[name] = media.words(texts[i]) end
  return core.json_encode(by_name)
end

local function scores(idx, phase, rows)
  for i, row in ipairs(rows or {}) do
    if row.score then
      exec(queries.put_score, run.id, idx, phase, i, row.score)
    end
  end
end

--- A candidate that was kept.
---@param what table {iteration, texts, score, best = true: the best so far, rows, phase}
---@return integer idx
function Training:candidate(what)
  local idx = counts.candidate
  counts.candidate = idx + 1
  local parents = self.kept and { self.kept } or {}
  if what.best then
    exec(queries.demote_candidate, run.id, self.best_idx)
    self.best_idx, self.best_score = idx, what.score
  end
  exec(queries.put_candidate, run.id, idx, what.iteration, json_list(parents),
    named(self, what.texts), what.score, what.best and 1 or 0, now_us())
  scores(idx, what.phase or "validation", what.rows)
  self.kept = idx
  if what.iteration == 0 then self.seed_score = what.score end
  if what.best then
    local highest = what.score and record.highest(trainings)
    if highest then
      exec(queries.score_run, highest.best_score, highest.seed_score, run.id)
    end
    if is_worth_writing(self, what.score) then write_best(self, what.score, what.texts) end
  end
  return idx
end

-- The file that an earlier start of this run left, and that is still the best.
local function kept_file(self, best)
  if #best == 1 and media.is(best[1]) then return media_file(self, 1, best[1]) end
  return best_base(self) .. ".txt"
end

--- The training has ended.
---@param what table {complete = it came to its end, texts, score: the best}
function Training:close(what)
  if self.best_idx and is_worth_writing(self, what.score, what.complete) then
    write_best(self, what.score, what.texts)
  end
  if self.best_idx then
    self.best_file = self.best_file or kept_file(self, what.texts)
    run.best_file = self.best_file
  end
end

local function feedback_texts(report)
  local by_param = {}
  for _, entry in ipairs(report and report.params or {}) do
    by_param[entry.role] = setmetatable(entry.feedback or {}, core.array)
  end
  return core.json_encode(by_param)
end

--- A proposal, accepted or not.
---@param what table {iteration, accepted, reason, before, after, texts, report, rows}
function Training:proposal(what)
  exec(queries.put_proposal, run.id, what.iteration, self.kept, what.accepted and 1 or 0,
    what.reason, what.before, what.after,
    what.texts and named(self, what.texts), feedback_texts(what.report), now_us())
  local phase = ("proposal %d"):format(what.iteration)
  if self.number > 1 then phase = ("training %d, %s"):format(self.number, phase) end
  if not what.accepted then scores(nil, phase, what.rows) end
end

-- ---- a step of an optimizer, an evaluation ---------------------------------------------

local function gradient(iteration, param, one)
  counts.gradient = counts.gradient + 1
  local id = run.id * IDS_OF_ONE_RUN + counts.gradient
  exec(queries.put_gradient, id, run.id, iteration, param, one.text, one.example, one.from_role,
    one.score)
  return id
end

--- What an optimizer's step saw and did: its feedback, and what it wrote because of it.
---@param iteration integer
---@param entries table of the report: {role, changed, before, after, records, edits}
function record.step(iteration, entries)
  if not run then return end
  for _, entry in ipairs(entries) do
    local ids = {}
    for i, one in ipairs(entry.records or {}) do ids[i] = gradient(iteration, entry.role, one) end
    if entry.changed then
      exec(queries.put_edit, run.id, iteration, entry.role, entry.before, entry.after,
        json_list(ids))
    end
    for number, one in ipairs(entry.edits or {}) do
      exec(queries.put_replacement, run.id, iteration, entry.role, number, one.find, one.replace,
        one.problem)
    end
  end
end

--- The rows of an evaluation that belongs to no training.
---@param rows table of lg.evaluate's result
---@param phase string|nil what the script calls it
function record.evaluation(rows, phase)
  if not run then return end
  counts.evaluation = counts.evaluation + 1
  scores(nil, phase or ("evaluation %d"):format(counts.evaluation), rows)
end

return record
