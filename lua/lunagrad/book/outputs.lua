--- Scores and what was answered, on their way to the store: many rows a statement, equal texts once.
--
-- A text is written when it is first met and has a number from then on; the last ones met are
-- remembered by their words (long ones by their digest), so that what a classifier answers a
-- million times stands there once, and memory stays bounded: a text that is met again after very
-- many others stands there twice. Nothing is read back. Told by tape.lua.

local core = require "lunagrad.core"
local queries = require "lunagrad.book.queries"

local outputs = {}

local ROWS = 64            -- of one statement: what it costs to prepare is shared
local KNOWN = 16384        -- texts of one generation; two are remembered
local SHORT = 40           -- bytes up to which a text is its own name
local IDS_OF_ONE_RUN = 1 << 32

---@class lunagrad.book.outputs
local Outputs = {}
Outputs.__index = Outputs

--- What a start writes.
---@param run table {id, engine}
---@return lunagrad.book.outputs
function outputs.new(run)
  return setmetatable({ run = run, count = 0, young = {}, n_young = 0, old = {},
    scores = { n = 0 }, texts = { n = 0 } }, Outputs)
end

-- Bytes that are no text (a picture) are told by their digest; they are kept with their reply.
local function words_of(text)
  if utf8.len(text) then return text end
  return ("[%d bytes, sha256 %s]"):format(#text, core.sha256(text):sub(1, 16))
end

local function remember(self, name, id)
  if self.n_young >= KNOWN then self.old, self.young, self.n_young = self.young, {}, 0 end
  self.young[name] = id
  self.n_young = self.n_young + 1
end

local function add(list, ...)
  local n = select("#", ...)
  for i = 1, n do list[list.n + i] = (select(i, ...)) end
  list.n = list.n + n
end

--- The number of a text, which is written if it was not met lately.
---@param text string|nil
---@return integer|nil
function Outputs:id(text)
  if text == nil then return nil end
  local name = #text <= SHORT and text or core.sha256(text)
  local id = self.young[name]
  if id then return id end
  id = self.old[name]
  if not id then
    self.count = self.count + 1
    id = self.run.id * IDS_OF_ONE_RUN + self.count
    add(self.texts, id, words_of(text))
  end
  remember(self, name, id)
  return id
end

local function put(self, list, query, columns, ...)
  if list.n == 0 then return end
  local values = { ... }
  table.move(list, 1, list.n, #values + 1, values)
  self.run.engine:store_exec(query(list.n // columns), table.unpack(values, 1, select("#", ...)
    + list.n))
end

--- Hands on what is still held.
function Outputs:flush()
  put(self, self.texts, queries.put_outputs, 2)
  put(self, self.scores, queries.put_scores, queries.SCORE_COLUMNS, self.run.id)
  self.texts, self.scores = { n = 0 }, { n = 0 }
end

--- A row of scores.
---@param row table {search, candidate, proposal, split, phase, example, score, output, objectives}
function Outputs:add(row)
  add(self.scores, row.search, row.candidate, row.proposal, row.split, row.phase, row.example,
    row.score, self:id(row.output), row.objectives and core.json_encode(row.objectives))
  if self.scores.n >= ROWS * queries.SCORE_COLUMNS then self:flush() end
end

return outputs
