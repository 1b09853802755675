--- What the examples of a search say, on their way to the store: input and what is right.
--
-- A set of rows is written once, however many searches and evaluations go over it: rows are known
-- by who they are, and the same ones in the same order are the same set. Long texts are cut, and of
-- a large set the first ones are kept. Told by tape.lua when a search knows its sets, never while
-- it evaluates.

local core = require "lunagrad.core"
local queries = require "lunagrad.book.queries"
local row_text = require "lunagrad.row_text"

local examples = {}

local MOST = 2000               -- of one set
local INPUT, TARGET = 2000, 500 -- bytes of a text
local BYTES = 1 << 20           -- of all inputs of one set
local SETS = 32                 -- that are remembered
local ROWS = 64                 -- of one statement

---@class lunagrad.book.examples
local Examples = {}
Examples.__index = Examples

--- The sets of a start.
---@param run table {id, engine}
---@return lunagrad.book.examples
function examples.new(run) return setmetatable({ run = run, count = 0, known = {} }, Examples) end

--- A text, or its beginning. At the border of a character.
---@param text string
---@param most integer bytes
---@return string
function examples.cut(text, most)
  if #text <= most then return text end
  while most > 0 and text:byte(most + 1) & 0xC0 == 0x80 do most = most - 1 end
  return text:sub(1, most) .. " […]"
end

-- Rows that are lists are no rows with fields: all of it came in.
local function input_of(row, field)
  local text = row_text.input(row, field)
  if text == "" and type(row) == "table" and #row > 0 then text = row_text.value(row) end
  return text
end

local function kept(text, most)
  text = examples.cut(text, most)
  return utf8.len(text) and text or (core.clean(text))
end

local function texts_of(row, field)
  local ok, input = pcall(input_of, row, field)
  local right, truths = pcall(row_text.truths, row, field)
  return kept(ok and input or "(a row that cannot be shown)", INPUT),
    right and #truths > 0 and kept(table.concat(truths, " or "), TARGET) or nil
end

-- The number of a set that holds the same rows.
local function same_set(self, rows, field)
  for _, one in ipairs(self.known) do
    local same = one.n == #rows and one.field == field
    for i = 1, same and math.min(#rows, MOST) or 0 do
      if not rawequal(one.rows[i], rows[i]) then
        same = false
        break
      end
    end
    if same then return one.number end
  end
  return nil
end

-- Rows that nobody else has any more are no reason to keep them.
local function remember(self, rows, field)
  self.count = self.count + 1
  local copy = setmetatable({}, { __mode = "v" })
  for i = 1, math.min(#rows, MOST) do copy[i] = rows[i] end
  table.insert(self.known, 1, { number = self.count, n = #rows, field = field, rows = copy })
  self.known[SETS + 1] = nil
  return self.count
end

local function flush(self, number, values)
  if values.n == 0 then return end
  self.run.engine:store_exec(queries.put_examples(values.n // queries.EXAMPLE_COLUMNS),
    self.run.id, number, table.unpack(values, 1, values.n))
end

local function write(self, number, rows, field)
  local left, values = BYTES, { n = 0 }
  for i = 1, math.min(#rows, MOST) do
    local input, target = texts_of(rows[i], field)
    left = left - #input
    if left < 0 then break end
    local at = values.n
    values[at + 1], values[at + 2], values[at + 3] = i, input, target
    values.n = at + queries.EXAMPLE_COLUMNS
    if values.n >= ROWS * queries.EXAMPLE_COLUMNS then
      flush(self, number, values)
      values = { n = 0 }
    end
  end
  flush(self, number, values)
end

--- The rows of a search's set.
---@param search integer its id
---@param split string|nil "train", "validation" or "test"; nil: of an evaluation
---@param rows table
---@param field string|nil of a row: what is right
function Examples:add(search, split, rows, field)
  local number = same_set(self, rows, field)
  local fresh = not number
  number = number or remember(self, rows, field)
  self.run.engine:store_exec(queries.put_set, self.run.id, search, split, number, #rows)
  if fresh then write(self, number, rows, field) end
end

return examples
