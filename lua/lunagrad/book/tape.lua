--- What one search leaves behind: its candidates, proposals and scores as rows, its best texts as
--- files.
--
-- A search is an lg.train, an lg.optimize, an lg.evaluate or an lg.compare; record.search begins
-- one. Everything is queued for the engine's next transaction and nothing is read back. The tables
-- are described in docs/store.md. Not here: runs and names (record.lua), how scores are packed
-- (outputs.lua).

local best_files = require "lunagrad.book.best"
local core = require "lunagrad.core"
local media = require "lunagrad.media"
local queries = require "lunagrad.book.queries"

local tape = {}

local IDS_OF_ONE_RUN = 1 << 20

---@class lunagrad.book.tape
---@field id integer|nil of the search; nil without a store
---@field number integer among those of its sort in this start, from 1
local Tape = {}
Tape.__index = Tape

-- The same where there is no store.
local Silent = {}
Silent.__index = Silent

-- ---- what is written ---------------------------------------------------------------------

local function now_us() return os.time() * 1000000 end

local function json_list(list)
  return core.json_encode(setmetatable(list, core.array))
end

local DEEPEST = 4

-- Of options what a row can hold: functions and models are told by their kind.
local function plain(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "string" or kind == "boolean" or kind == "integer" then return value end
  if kind == "float" then
    return value - value == 0 and value or tostring(value) -- JSON has no infinity
  end
  if kind ~= "table" or depth == DEEPEST then return ("(%s)"):format(kind) end
  local copy = {}
  if #value > 0 then
    for i, one in ipairs(value) do copy[i] = plain(one, depth + 1) end
    return setmetatable(copy, core.array)
  end
  for key, one in pairs(value) do
    if type(key) == "string" then copy[key] = plain(one, depth + 1) end
  end
  return copy
end

-- A text stays one; of a table its JSON.
local function as_json(value)
  if value == nil or type(value) == "string" then return value end
  return core.json_encode(plain(value, 0))
end

local function key_of(idx, heard) return ("%s %s"):format(idx, heard and "heard" or "made") end

local function exec(self, sql, ...)
  self.run.engine:store_exec(sql, ...)
end

local function named(self, texts)
  local by_name = {}
  for i, name in ipairs(self.names) do by_name[name] = media.words(texts[i]) end
  return core.json_encode(by_name)
end

-- ---- begin ---------------------------------------------------------------------------------

--- A search that nobody records.
---@param number integer
---@return lunagrad.book.tape
function tape.silent(number) return setmetatable({ number = number }, Silent) end

--- Begin one.
---@param run table of record.lua: {id, engine, name, directory, outputs}
---@param order integer how many searches this start has had, with this one
---@param number integer among those of its sort
---@param what table {kind, method, names, options, seed}
---@return lunagrad.book.tape
function tape.new(run, order, number, what)
  local names = what.names or {}
  local self = setmetatable({ run = run, order = order, number = number, names = names,
    kind = what.kind, id = tape.id_of(run.id, order), next = 0, options = what.options,
    drawn = { n = 0 } }, Tape)
  if what.names then self.files = best_files.new(run.directory, number, names) end
  self.started_us, self.began = now_us(), run.engine:now()
  exec(self, queries.put_search, self.id, run.id, number, what.kind, what.method,
    json_list(table.move(names, 1, #names, 1, {})), as_json(what.options), what.seed,
    self.started_us)
  return self
end

--- More of its options, or what was found out before it began.
---@param more table added to what was told
function Tape:describe(more)
  local options = {}
  for name, value in pairs(self.options or {}) do options[name] = value end
  for name, value in pairs(more) do options[name] = value end
  self.options = options
  exec(self, queries.describe_search, as_json(options), self.id)
end

-- ---- what a call is made for -----------------------------------------------------------------

local SPLITS = { train = 1, validation = 2, test = 3 }

-- From the lowest bit: example (24), split (2), 1 for a proposal, its number or the candidate's
-- (20), order of the search in its start (16).
local MOST = { example = 1 << 24, number = 1 << 20, order = 1 << 16 }

--- What calls are made for, as the one number that a task's context carries (`purpose`) and the store
--- keeps beside each call's reply. The number of an example may be added to it.
---@param what table {candidate = idx or proposal = number, split, example}: each may be missing
---@return integer|nil nil: there is no store, or no room for such a number
function Tape:purpose(what)
  local number, example = what.proposal or what.candidate or 0, what.example or 0
  if self.order >= MOST.order or number >= MOST.number or example >= MOST.example then
    return nil
  end
  return self.order << 47 | number << 27 | (what.proposal and 1 or 0) << 26
    | (SPLITS[what.split] or 0) << 24 | example
end

local NAMES = { "train", "validation", "test" }

--- What such a number says.
---@param purpose integer
---@return table {order, candidate or proposal, split, example}
function tape.about_purpose(purpose)
  local number, example = purpose >> 27 & MOST.number - 1, purpose & MOST.example - 1
  local is_proposal = purpose >> 26 & 1 == 1
  return { order = purpose >> 47, split = NAMES[purpose >> 24 & 3],
    proposal = is_proposal and number or nil, candidate = not is_proposal and number or nil,
    example = example > 0 and example or nil }
end

--- The id of the search that an order belongs to.
---@param run_id integer
---@param order integer
function tape.id_of(run_id, order) return run_id * IDS_OF_ONE_RUN + order end

-- ---- scores --------------------------------------------------------------------------------

--- What programs answered, and what that was worth. The number of a proposal is enough also of one
--- that becomes a candidate: its candidate names it.
---@param what table {candidate = idx or proposal = number or both; split = "train", "validation" or
--- "test"; phase; rows = {{example = index, score, output, objectives}}}: rows without a score are
--- left out
function Tape:scores(what)
  local row = { search = self.id, candidate = what.candidate, proposal = what.proposal,
    split = what.split, phase = what.phase }
  for _, one in ipairs(what.rows) do
    if one.score then
      row.example, row.score, row.output, row.objectives = one.example, one.score, one.output,
        one.objectives
      self.run.outputs:add(row)
    end
  end
end

-- ---- candidates and proposals ----------------------------------------------------------------

local function write_best(self, score, texts)
  self.best_file = self.files:write(texts, { name = self.run.name, score = score,
    seed_score = self.seed_score, candidate = self.best_idx, search = self.id,
    claim = self.claim })
  self.run.best_file = self.best_file
end

local function note_best(self, idx, what)
  exec(self, queries.demote_candidate, self.id, self.best_idx)
  self.best_idx, self.best_score = idx, what.score
end

local function tell_best(self, what)
  exec(self, queries.score_search, self.seed_score, self.best_score, self.best_idx, self.id)
  self.run.score()
  if self.files and self.files:is_due(what.score) then
    write_best(self, what.score, what.texts)
  end
end

--- A candidate that was kept.
---@param what table {idx (the next), iteration, texts, parents (the one kept last), operator,
--- proposal = the number of the one that it was, score, best = true: the best so far, words}
---@return integer idx
function Tape:candidate(what)
  local idx = what.idx or self.next
  self.next = math.max(self.next, idx + 1)
  local parents = what.parents or self.kept and { self.kept } or {}
  if what.best then note_best(self, idx, what) end
  if idx == 0 then self.seed_score = what.score end
  exec(self, queries.put_candidate, self.run.id, self.id, idx, what.iteration, json_list(parents),
    named(self, what.texts), what.score, what.best and 1 or 0, what.operator, what.proposal,
    what.words, now_us())
  self.kept = idx
  if what.best then tell_best(self, what) end
  return idx
end

--- A candidate that is recorded has been looked at again, or on more examples.
---@param what table {idx, texts, score, best = true: the best so far}
function Tape:rescored(what)
  if what.best then note_best(self, what.idx, what) end
  exec(self, queries.rescore_candidate, what.score, what.best and 1 or 0, self.id, what.idx)
  if what.best then tell_best(self, what) end
end

local function feedback_texts(report)
  local by_param = {}
  for _, entry in ipairs(report and report.params or {}) do
    by_param[entry.role] = setmetatable(entry.feedback or {}, core.array)
  end
  return core.json_encode(by_param)
end

local function gain_of(what)
  if what.gain then return what.gain end
  return what.before and what.after and what.after - what.before or nil
end

--- A proposal, accepted or not.
---@param what table {number, iteration (its number), parents (the one kept last), operator,
--- accepted, reason, texts, before, after, gain (after - before), batch, race, calls, tokens,
--- report}; batch and race are texts, or tables that are kept as JSON
function Tape:proposal(what)
  local parents = what.parents or self.kept and { self.kept } or {}
  exec(self, queries.put_proposal, self.run.id, self.id, what.number,
    what.iteration or what.number, parents[1], json_list(parents), what.operator,
    what.accepted and 1 or 0, what.reason, what.before, what.after, gain_of(what),
    what.texts and named(self, what.texts), feedback_texts(what.report), as_json(what.batch),
    as_json(what.race), what.calls, what.tokens, now_us())
end

-- ---- what examples say, and the graph of some ------------------------------------------------

--- The rows of one of its sets: what they say is kept.
---@param split string|nil "train", "validation" or "test"; nil: of an evaluation
---@param rows table
---@param field string|nil of a row: what is right
function Tape:set(split, rows, field) self.run.examples:add(self.id, split, rows, field) end

local GRAPHS, BEST = 32, 128 -- of one search; with those of texts that are the best so far
local A_CANDIDATE = 3        -- of one candidate with feedback; without it one is enough

--- Whether a graph of this candidate is still wanted.
---@param idx integer|nil nil: of an evaluation
---@param heard boolean with feedback on its edges
---@return boolean
function Tape:wants_graph(idx, heard)
  local drawn = self.drawn
  if drawn.n >= BEST or drawn.n >= GRAPHS and idx ~= self.best_idx then return false end
  return (drawn[key_of(idx, heard)] or 0) < (heard and idx == 0 and A_CANDIDATE or 1)
end

--- The graph of one example under a candidate's texts.
---@param what table {candidate = idx, proposal = number of the step that learned from it, split,
--- example, score, heard = with feedback, text = of graphs.text}
function Tape:graph(what)
  if not what.text or not self:wants_graph(what.candidate, what.heard) then return end
  local drawn, key = self.drawn, key_of(what.candidate, what.heard)
  drawn.n, drawn[key] = drawn.n + 1, (drawn[key] or 0) + 1
  exec(self, queries.put_graph, self.run.id, self.id, what.candidate, what.proposal, what.split,
    what.example, what.score, what.text)
end

-- ---- the end ----------------------------------------------------------------------------------

--- The search has ended.
---@param what table {complete = it came to its end, texts, score: the best, seed_score, stopped =
--- why it ended, claim}
function Tape:close(what)
  self.claim = what.claim and plain(what.claim, 0) or nil
  if self.files and self.best_idx then
    if self.files:is_due(what.score, what.complete) then
      write_best(self, what.score, what.texts)
    end
    self.best_file = self.best_file or self.files:standing_file(what.texts)
    self.run.best_file = self.best_file
  end
  self.run.outputs:flush()
  -- A clock that is set meanwhile does not change how long it took.
  local ended_us = self.started_us + self.run.engine:now() - self.began
  exec(self, queries.end_search, ended_us, what.stopped, what.seed_score or self.seed_score,
    what.score, self.best_idx, self.claim and core.json_encode(self.claim), self.id)
end

for name in pairs(Tape) do
  if name ~= "__index" then Silent[name] = function() end end
end

return tape
