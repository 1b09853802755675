--- Two programs on the same rows: which is better, and is that shown?
--
-- `lg.compare{ a, b, data = test, metric = lg.metric.exact }` runs both on all rows at the same
-- time and claims (lunagrad.improve.claim) that b is better, row against row. Instead of two
-- programs there may be one with two candidates, as of lg.with. Nothing is changed or kept.

local recorder = require "lunagrad.book.record"
local bind = require "lunagrad.bind"
local claim = require "lunagrad.improve.claim"
local errors = require "lunagrad.errors"
local evaluate = require "lunagrad.improve.evaluate"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"
local progress = require "lunagrad.progress"
local row_get = require("lunagrad.row").get

local SPEC = {
  a = "any", b = "any", program = "callable?", data = "table", metric = "callable",
  field = "string?", seed = { type = "any", default = 0 },
  alpha = { type = "number", default = 0.05 },
  on_error = { type = "string", one_of = { "raise", "zero", "skip" }, default = "raise" },
  concurrency = "integer?",
}

---@class lunagrad.comparison
local Comparison = { __name = "lunagrad.comparison" }

-- ---- in words ---------------------------------------------------------------------

local MOST = 12 -- rows in a line

local function listed(rows)
  local names = {}
  for i = 1, math.min(#rows, MOST) do names[i] = tostring(rows[i].id) end
  local more = #rows > MOST and (" and %d more"):format(#rows - MOST) or ""
  return table.concat(names, ", ") .. more
end

function Comparison:__tostring()
  local lines = { "a      " .. tostring(self.a), "b      " .. tostring(self.b) }
  if self.claim then
    lines[#lines + 1] = "b - a  " .. tostring(self.claim)
  else
    lines[#lines + 1] = "b - a  no row has two scores"
  end
  if #self.fixed > 0 then lines[#lines + 1] = "fixed  " .. listed(self.fixed) end
  if #self.broken > 0 then lines[#lines + 1] = "broken " .. listed(self.broken) end
  return table.concat(lines, "\n")
end

-- ---- what is compared -------------------------------------------------------------

local function callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

-- One of the two, as a program: one itself, or the program with a candidate's texts.
local function program_of(spec, which, level)
  local one = spec[which]
  if not spec.program then
    if callable(one) then return one end
    errors.refuse(which, ("lg.compare: %s must be a program, got %s"):format(which, type(one)),
      "or a candidate, { [prompt] = \"…\" }, beside program = …", level + 1)
  end
  if type(one) ~= "table" or callable(one) then
    errors.refuse(which, ("lg.compare: beside program, %s is a candidate, got %s")
      :format(which, type(one)), "{ [prompt] = \"…\" }; {}: the program as it is", level + 1)
  end
  return function(row) return bind.with(one, spec.program, row) end
end

local function check(spec)
  if type(spec) ~= "table" then
    errors.raise("inval", "lg.compare: expected a table",
      "lg.compare{ a, b, data = …, metric = … }", 3)
  end
  local named = {}
  for key, value in pairs(spec) do named[key] = value end
  named.a, named.b = spec.a or spec[1], spec.b or spec[2]
  named[1], named[2] = nil, nil
  named = options.check(named, SPEC, "lg.compare", 3)
  if not (named.alpha > 0 and named.alpha < 1) then
    errors.refuse("alpha", "lg.compare: alpha is between 0 and 1", nil, 3)
  end
  return evaluate.check_rows(named, "lg.compare", 4)
end

-- ---- all rows, both programs ----------------------------------------------------------

-- The two as specs of evaluate.run_row, with what their calls are made for.
local function both(spec, tape)
  local list = {}
  for i, which in ipairs { "a", "b" } do
    list[i] = { program = program_of(spec, which, 3), metric = spec.metric, field = spec.field,
      on_error = spec.on_error, purpose = tape:purpose { candidate = i - 1, split = "test" } }
  end
  return list
end

local function run_all(spec, two)
  local total, done = 2 * #spec.data, 0
  return loop.map(spec.data, function(row, i)
    return loop.map(two, function(one)
      loop.context().purpose = one.purpose and one.purpose + i
      local result = evaluate.run_row(one, row)
      done = done + 1
      progress.emit { kind = "progress", done = done, total = total }
      return result
    end, { example = false })
  end, { concurrency = spec.concurrency })
end

-- The scores of those rows that have two, and which rows these are.
local function paired(results)
  local a, b, rows = {}, {}, {}
  for i, pair in ipairs(results) do
    if pair[1].score and pair[2].score then
      rows[#rows + 1] = i
      a[#rows], b[#rows] = pair[1].score, pair[2].score
    end
  end
  return a, b, rows
end

-- Rows by the claim's places, with what both programs said.
local function told(places, rows, results)
  local list = {}
  for k, place in ipairs(places) do
    local i = rows[place]
    local a, b = table.unpack(results[i])
    local id = row_get(a.example, "id")
    list[k] = { i = i, id = id == nil and i or id, example = a.example, a = a.output, b = b.output,
      a_score = a.score, b_score = b.score }
  end
  return list
end

local function column(results, k)
  local rows = {}
  for i, pair in ipairs(results) do rows[i] = pair[k] end
  return rows
end

local function put_down(tape, result)
  for i, which in ipairs { "a", "b" } do
    tape:scores { candidate = i - 1, split = "test",
      phase = ("comparison %d, %s"):format(tape.number, which),
      rows = evaluate.numbered(result[which].rows) }
  end
  tape:close { complete = true, seed_score = result.a.mean, score = result.b.mean,
    claim = result.claim }
end

local function result_of(spec, results)
  local seed = spec.seed
  local result = { a = evaluate.summed(column(results, 1), seed),
    b = evaluate.summed(column(results, 2), seed), fixed = {}, broken = {}, shown = false, n = 0 }
  local a, b, rows = paired(results)
  if #rows > 0 then
    local said = claim.paired(a, b, { alpha = spec.alpha, seed = seed })
    for _, name in ipairs { "shown", "gain", "low", "high", "p", "test", "n", "needed",
      "smallest" } do
      result[name] = said[name]
    end
    result.claim = said
    result.fixed, result.broken = told(said.fixed, rows, results), told(said.broken, rows, results)
  end
  return setmetatable(result, Comparison)
end

--- Run two programs on all rows, and say whether the second is better.
---
--- spec: a and b (or the first two items): programs, or candidates of one `program`, as of lg.with;
--- data, metric(output, row); field, on_error and concurrency (rows at the same time) as of
--- lg.evaluate: a row that one of them has no score for counts for neither; alpha (0.05), seed of
--- intervals and tests. An equal question of both is asked once.
---@param spec table
---@return lunagrad.comparison {a, b = evaluations, shown, gain, low, high, p, test, n, needed,
--- smallest, fixed, broken = {{i, id, example, a, b = outputs, a_score, b_score}}, claim}
local function compare(spec)
  spec = check(spec)
  local tape = recorder.search { kind = "compare", seed = spec.seed,
    options = { examples = #spec.data, on_error = spec.on_error, alpha = spec.alpha } }
  tape:set("test", spec.data, spec.field)
  local results = run_all(spec, both(spec, tape))
  local result = result_of(spec, results)
  put_down(tape, result)
  return result
end

return { compare = compare }
