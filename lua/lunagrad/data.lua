--- Data sets: rows of examples from JSON lines, CSV, BIG-Bench Hard's JSON or a list.
--
-- A data set is an immutable list of rows: #set, set[i], ipairs(set). What
-- changes one (split, shuffle, take, …) returns another. All that is random is
-- seeded. A broken file is one error that names file and line. Rows are shared
-- between sets, not copied: do not change them. A field that a row of a file does not have is an
-- error, see row.lua.

local core = require "lunagrad.core"
local csv = require "lunagrad.csv"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local rng = require "lunagrad.rng"
local row_module = require "lunagrad.row"
local source = require "lunagrad.source"

local data = {}

---@class lunagrad.dataset
local Dataset = {}
local ROWS = {} -- key of the rows, so that no method or index can meet it

local meta = {
  __name = "lunagrad.dataset",
  __len = function(self) return #rawget(self, ROWS) end,
  __index = function(self, key)
    if math.type(key) then return rawget(self, ROWS)[key] end
    return Dataset[key]
  end,
  __newindex = function()
    errors.raise("inval", "a data set does not change: use map or filter to make another", nil, 2)
  end,
  __tostring = function(self) return ("data set of %d rows"):format(#self) end,
}

local function wrap(rows)
  return setmetatable({ [ROWS] = rows }, meta)
end

local function rows_of(self)
  if getmetatable(self) ~= meta then
    errors.raise("inval", "this is a method of a data set: call it as set:name(…)", nil, 3)
  end
  return rawget(self, ROWS)
end

--- Is this a data set?
---@param value any
---@return boolean
function data.is(value)
  return getmetatable(value) == meta
end

--- A data set from a list of rows. A data set is returned as it is.
---@param rows table
---@return lunagrad.dataset
function data.list(rows)
  if data.is(rows) then return rows end
  if type(rows) ~= "table" then
    errors.raise("inval", ("lg.data.list: expected a list of rows, got %s"):format(type(rows)),
      nil, 2)
  end
  local n = #rows
  for key in pairs(rows) do
    if math.type(key) ~= "integer" or key < 1 or key > n then
      errors.raise("inval", ("lg.data.list: expected a list of rows, found the key %s")
        :format(tostring(key)), nil, 2)
    end
  end
  return wrap(table.move(rows, 1, n, 1, {}))
end

-- ---- reading ---------------------------------------------------------------

local broken, clean, read_file = source.broken, source.clean, source.read_file

local function finish(rows, name)
  if #rows == 0 then
    broken("parse", name, 1, "the data set is empty: it holds no row")
  end
  return wrap(rows)
end

--- JSON's null in objects becomes an absent key; in lists it stays, so that places keep. Returns
--- the names of those at the top.
local function drop_nulls(value)
  local stack, nulls = { value }, nil
  while #stack > 0 do
    local top = table.remove(stack)
    for key, item in pairs(top) do
      if item == core.null and math.type(key) == nil then
        top[key] = nil
        if top == value then
          nulls = nulls or {}
          nulls[key] = true
        end
      elseif type(item) == "table" then
        stack[#stack + 1] = item
      end
    end
  end
  return nulls
end

local function is_object(value)
  return type(value) == "table" and #value == 0 and getmetatable(value) ~= core.array
end

--- The rows of a text that is one list of objects; nil when it is lines.
local function list_rows(text, name)
  local first = text:match "^%s*(%[[^\n]*)"
  if not first then return nil end
  local list, problem, byte = core.json_decode(text, "text")
  if list == nil then
    if core.json_decode(first) then return nil end
    broken("parse", name, source.line_of(text, byte), tostring(problem))
  end
  if #list > 0 and not is_object(list[1]) then return nil end
  for i, item in ipairs(list) do
    if not is_object(item) then
      broken("parse", name, 1, ("item %d of the list is no object like {\"question\": …}")
        :format(i))
    end
  end
  return list
end

--- What to do with a text whose first line is no JSON.
local function no_lines_hint(text)
  if not text:find "^%s*[%[{]" then
    return "every line of a JSONL file is one JSON object; lg.data.csv reads CSV"
  end
  local whole, names = core.json_decode(text), {}
  for key, value in pairs(is_object(whole) and whole or {}) do
    local first = type(value) == "table" and value[1]
    if is_object(first) then names[#names + 1] = ("%q"):format(key) end
  end
  table.sort(names)
  if #names == 0 then return "every line of a JSONL file is one JSON object" end
  return ("the whole is one JSON object, with a list of objects in %s: save that list alone")
    :format(table.concat(names, ", "))
end

local function line_rows(text, name)
  local rows, number, at = {}, 0, 1
  while at <= #text do
    local stop = text:find("\n", at, true) or #text + 1
    local line = text:sub(at, stop - 1)
    number, at = number + 1, stop + 1
    if line:find "%S" then
      local row, problem = core.json_decode(line, "text")
      if row == nil then
        broken("parse", name, number, tostring(problem), #rows == 0
          and no_lines_hint(text) or "every line of a JSONL file is one JSON object")
      end
      if not is_object(row) then
        broken("parse", name, number, "expected a JSON object like {\"question\": …}")
      end
      rows[#rows + 1] = row
    end
  end
  return rows
end

--- Rows from JSON lines held in a text, or from one JSON list of objects. Blank lines are skipped.
--- A number that Lua would change is its text.
---@param text string
---@param name string|nil what to call the text in messages
---@return lunagrad.dataset
function data.jsonl_text(text, name)
  name = name or "text"
  text = clean(text, name, "lg.data.jsonl_text")
  local rows, make = list_rows(text, name) or line_rows(text, name), row_module.maker(name)
  for i, object in ipairs(rows) do rows[i] = make(object, drop_nulls(object)) end
  return finish(rows, name)
end

--- Rows from a file of JSON lines: one object a line; or from a list of objects.
---@param path string
---@return lunagrad.dataset
function data.jsonl(path)
  return data.jsonl_text(read_file(path, "lg.data.jsonl"), path)
end

local function csv_rows(text, header, separator, name)
  local rows, named = csv.read(text, header, separator, name)
  local make = row_module.maker(name)
  for i = 1, named and #rows or 0 do rows[i] = make(rows[i]) end
  return finish(rows, name)
end

--- Rows from CSV held in a text (RFC 4180: quotes, line breaks in quotes, CR LF). All values are
--- texts. Blank lines are skipped, and columns without name and values.
---@param text string
---@param opts {header: boolean|string[]|nil, separator: string|nil}|nil header: true (default)
--- takes the names from the first line, a list gives them, false makes rows lists; separator: what
--- stands between fields, if the header should not tell (",", ";", tab or "|")
---@param name string|nil
---@return lunagrad.dataset
function data.csv_text(text, opts, name)
  name = name or "text"
  local header, separator = csv.options(opts, "lg.data.csv_text")
  return csv_rows(clean(text, name, "lg.data.csv_text"), header, separator, name)
end

--- Rows from a CSV file, or one whose name ends in .tsv; see csv_text for the options.
---@param path string
---@param opts {header: boolean|string[]|nil, separator: string|nil}|nil
---@return lunagrad.dataset
function data.csv(path, opts)
  local header, separator = csv.options(opts, "lg.data.csv")
  local text = read_file(path, "lg.data.csv")
  if path:lower():find "%.tsv$" or path:lower():find "%.tab$" then separator = separator or "\t" end
  return csv_rows(clean(text, path, "lg.data.csv"), header, separator, path)
end

--- Rows from BIG-Bench Hard's JSON held in a text: {"examples": [{"input": …, "target": …}]}.
--- Each row has question and answer, and input and target with the same values.
---@param text string
---@param name string|nil
---@return lunagrad.dataset
function data.bbh_text(text, name)
  name = name or "text"
  text = clean(text, name, "lg.data.bbh_text")
  local whole, problem, byte = core.json_decode(text, "text")
  if whole == nil then
    broken("parse", name, source.line_of(text, byte), tostring(problem))
  end
  local examples = type(whole) == "table" and (whole.examples or #whole > 0 and whole)
  if type(examples) ~= "table" then
    broken("parse", name, 1, "expected {\"examples\": [{\"input\": …, \"target\": …}]}")
  end
  local rows, make = {}, row_module.maker(name)
  for i, example in ipairs(examples) do
    local input = type(example) == "table" and example.input
    local target = type(example) == "table" and example.target
    if math.type(target) then target = core.number_text(target) end
    if type(input) ~= "string" or type(target) ~= "string" then
      broken("parse", name, 1, ("example %d has no text as %s"):format(i,
        type(input) ~= "string" and "input" or "target"))
    end
    rows[i] = make { question = input, answer = target, input = input, target = target }
  end
  return finish(rows, name)
end

--- Rows from a file of BIG-Bench Hard; see bbh_text.
---@param path string
---@return lunagrad.dataset
function data.bbh(path)
  return data.bbh_text(read_file(path, "lg.data.bbh"), path)
end

--- A field that a row may lack: its value, or `otherwise`. Any other access to a field that a row
--- of a file does not have is an error.
---@param from table
---@param name string
---@param otherwise any
---@return any
function data.get(from, name, otherwise) return row_module.get(from, name, otherwise) end

-- ---- methods ---------------------------------------------------------------

local function seed_of(seed, where)
  if seed == nil then return 0 end
  if type(seed) == "string" then return seed end
  if math.type(seed) and math.tointeger(seed) then return math.tointeger(seed) end
  errors.refuse("seed", ("%s: a seed is a whole number or a text, got %s")
    :format(where, type(seed)), nil, 3)
end

local function count_of(n, where, least)
  local value = math.type(n) and math.tointeger(n)
  if not value or value < least then
    errors.raise("inval", ("%s: expected a whole number of at least %d, got %s")
      :format(where, least, tostring(n)), nil, 3)
  end
  return value
end

--- Where each part ends. Sizes are counts, or shares that sum to at most 1.
local function part_ends(sizes, total)
  local sum, shares = 0, true
  for i, size in ipairs(sizes) do
    if not math.type(size) or size <= 0 or size ~= size then
      errors.refuse(tostring(i), ("split: part %d must be larger than 0, got %s")
        :format(i, tostring(size)), nil, 4)
    end
    sum = sum + size
    shares = shares and (size < 1 or math.type(size) == "float" and size == 1)
  end
  if shares and sum > 1 + 1e-9 then
    errors.raise("inval", ("split: shares sum to %g, at most 1 is possible"):format(sum), nil, 4)
  end
  local ends, at = {}, 0
  for i, size in ipairs(sizes) do
    at = at + (shares and size * total or size)
    ends[i] = shares and math.floor(at + 1e-6) or math.tointeger(at)
    if not ends[i] then
      errors.raise("inval", ("split: part %d is neither a count nor a share: %s")
        :format(i, tostring(size)), "use whole numbers, or shares below 1, not both", 4)
    end
  end
  return ends
end

--- Cut the set into random parts that share no row: `set:split{ 50, 100, seed = 1 }` or shares,
--- `set:split{ 0.5, 0.5 }`. The same seed (0 if not given) makes the same parts.
---@param spec table sizes in the list, and seed
---@return lunagrad.dataset ...
function Dataset:split(spec)
  local rows = rows_of(self)
  if type(spec) ~= "table" or #spec == 0 then
    errors.raise("inval", "split: give the sizes, e.g. set:split{ 50, 100, seed = 1 }", nil, 2)
  end
  for key in pairs(spec) do
    if math.type(key) == nil and key ~= "seed" then
      errors.refuse(tostring(key), ("split: unknown option %q"):format(tostring(key)),
        "the only option is seed", 2)
    end
  end
  local seed = seed_of(spec.seed, "split")
  local ends = part_ends(spec, #rows)
  if ends[#ends] > #rows then
    errors.raise("inval", ("split: the parts need %d rows, the data set has %d")
      :format(ends[#ends], #rows), nil, 2)
  end
  local order = rng.new(seed):shuffle(table.move(rows, 1, #rows, 1, {}))
  local parts, from = {}, 1
  for i, to in ipairs(ends) do
    if to < from then
      errors.raise("inval", ("split: part %d would have no row, the data set has %d")
        :format(i, #rows), nil, 2)
    end
    parts[i] = wrap(table.move(order, from, to, 1, {}))
    from = to + 1
  end
  return table.unpack(parts)
end

--- The rows in random order.
---@param seed integer|string|nil
---@return lunagrad.dataset
function Dataset:shuffle(seed)
  local rows = rows_of(self)
  return wrap(rng.new(seed_of(seed, "shuffle")):shuffle(table.move(rows, 1, #rows, 1, {})))
end

--- The first n rows, or all if there are fewer.
---@param n integer
---@return lunagrad.dataset
function Dataset:take(n)
  local rows = rows_of(self)
  return wrap(table.move(rows, 1, math.min(count_of(n, "take", 0), #rows), 1, {}))
end

--- Rows from to to, counted as in string.sub: negative numbers count from the end.
---@param from integer
---@param to integer|nil
---@return lunagrad.dataset
function Dataset:slice(from, to)
  local rows = rows_of(self)
  from, to = count_of(from, "slice", math.mininteger), count_of(to or -1, "slice", math.mininteger)
  if from < 0 then from = math.max(#rows + from + 1, 1) end
  if to < 0 then to = #rows + to + 1 end
  return wrap(table.move(rows, math.max(from, 1), math.min(to, #rows), 1, {}))
end

--- A set of fn(row, i) for each row, one after the other. For model calls use lg.map.
---@param fn fun(row: any, i: integer): any
---@return lunagrad.dataset
function Dataset:map(fn)
  local made = {}
  for i, row in ipairs(rows_of(self)) do
    made[i] = fn(row, i)
    if made[i] == nil then
      errors.raise("inval", ("map: the function returned nil for row %d"):format(i),
        "use filter to drop rows", 2)
    end
  end
  return wrap(made)
end

--- The rows for which fn(row, i) is true.
---@param fn fun(row: any, i: integer): any
---@return lunagrad.dataset
function Dataset:filter(fn)
  local kept = {}
  for i, row in ipairs(rows_of(self)) do
    if fn(row, i) then kept[#kept + 1] = row end
  end
  return wrap(kept)
end

local MOST_DRAWN = 10000000 -- rows: more is a mistake, and would never come back

--- n random rows, each at most once unless with_replacement.
---@param n integer
---@param seed integer|string|nil
---@param with_replacement boolean|nil
---@return lunagrad.dataset
function Dataset:sample(n, seed, with_replacement)
  local rows = rows_of(self)
  n = count_of(n, "sample", 0)
  if n > MOST_DRAWN then
    errors.raise("inval", ("sample: at most %d rows can be drawn, got %d"):format(MOST_DRAWN, n),
      nil, 2)
  end
  local r = rng.new(seed_of(seed, "sample"))
  if n > 0 and #rows == 0 or n > #rows and not with_replacement then
    errors.raise("inval", ("sample: %d rows wanted, the data set has %d"):format(n, #rows), nil, 2)
  end
  local taken = {}
  if with_replacement then
    for i = 1, n do taken[i] = rows[r:int(1, #rows)] end
    return wrap(taken)
  end
  local order = r:shuffle(table.move(rows, 1, #rows, 1, {}))
  return wrap(table.move(order, 1, n, 1, taken))
end

--- Batches of n rows: `for batch, epoch in set:batches(3, { seed = 1 }) do`. With a seed the rows
--- are shuffled anew for each epoch; without, they come in order. Each epoch covers all rows; its
--- last batch may be smaller, unless drop_last. epochs: how many (1; math.huge never ends).
---@param n integer
---@param opts {seed: integer|string|nil, epochs: number|nil, drop_last: boolean|nil}|nil
---@return fun(): lunagrad.dataset|nil, integer|nil
function Dataset:batches(n, opts)
  local rows = rows_of(self)
  n, opts = count_of(n, "batches", 1), opts or {}
  opts = options.check(opts, { seed = "any", epochs = { type = "number", default = 1 },
    drop_last = { type = "boolean", default = false } }, "batches")
  local usable = opts.drop_last and #rows // n * n or #rows
  if usable == 0 then
    errors.raise("inval", ("batches: %d rows do not fill a batch of %d"):format(#rows, n), nil, 2)
  end
  local r = opts.seed ~= nil and rng.new(seed_of(opts.seed, "batches"))
  local epochs, epoch, at, order = opts.epochs, 0, math.huge, rows
  return function()
    if at > usable then
      if epoch >= epochs then return nil end
      epoch, at = epoch + 1, 1
      if r then order = r:shuffle(table.move(rows, 1, #rows, 1, {})) end
    end
    local from = at
    at = at + n
    return wrap(table.move(order, from, math.min(at - 1, usable), 1, {})), epoch
  end
end

local FN, COUNT, ANY = { "fn", "callable" }, { "n", "integer" }, { "seed", "any" }
require("lunagrad.signatures").methods(Dataset, "set", "lunagrad.dataset", { map = { FN },
  filter = { FN }, shuffle = { ANY }, take = { COUNT }, sample = { COUNT, ANY },
  slice = { { "from", "integer" }, { "to", "integer?" } }, split = { { "spec", "table" } },
  batches = { COUNT, { "options", "table?" } } })

return options.closed(data, "lg.data")
