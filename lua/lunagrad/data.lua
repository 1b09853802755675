--- Data sets: rows of examples from JSON lines, CSV, BIG-Bench Hard's JSON or a list.
--
-- A data set is an immutable list of rows: #set, set[i], ipairs(set). What
-- changes one (split, shuffle, take, …) returns another. All that is random is
-- seeded. A broken file is one error that names file and line. Rows are shared
-- between sets, not copied: do not change them.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local rng = require "lunagrad.rng"

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

local BOM = "\u{feff}"

local function broken(kind, name, line, message, hint)
  errors.raise(kind, ("%s:%d: %s"):format(name, line, message), hint, 0)
end

local function line_of(text, offset)
  local _, breaks = text:sub(1, math.max(offset - 1, 0)):gsub("\n", "")
  return breaks + 1
end

local MOST_BYTES, CHUNK = 512 * 2 ^ 20, 2 ^ 20 -- a file that never ends must not eat the machine

local function read_all(file, path)
  local chunks, size = {}, 0
  while true do
    local chunk, failed = file:read(CHUNK)
    if not chunk then return failed and nil or table.concat(chunks), failed end
    chunks[#chunks + 1], size = chunk, size + #chunk
    if size > MOST_BYTES then
      file:close()
      errors.raise("limit", ("%s is larger than %d MiB"):format(path, MOST_BYTES // 2 ^ 20),
        "split it, or read it yourself and give the rows to lg.data.list", 4)
    end
  end
end

--- A file's text.
local function read_file(path, where)
  if type(path) ~= "string" then
    errors.raise("inval", ("%s: expected a file name, got %s"):format(where, type(path)), nil, 3)
  end
  local file, problem = require("lunagrad.file").open(path)
  if not file then
    local missing = problem:find("No such file", 1, true)
    errors.raise(missing and "notfound" or "io", problem, missing
      and "relative names are looked up from the directory the command was started in" or nil, 3)
  end
  local text, failed = read_all(file, path)
  file:close()
  if not text then
    errors.raise("io", ("%s: %s"):format(path, failed or "cannot be read"), nil, 3)
  end
  return text
end

--- The text without a byte order mark, known to be UTF-8 and not blank.
local function clean(text, name, where)
  if type(text) ~= "string" then
    errors.raise("inval", ("%s: expected a text, got %s"):format(where, type(text)), nil, 3)
  end
  local ok, offset = utf8.len(text)
  if not ok then
    broken("utf8", name, line_of(text, offset), "invalid UTF-8", "save the file as UTF-8")
  end
  if text:sub(1, #BOM) == BOM then text = text:sub(#BOM + 1) end
  return text
end

local function finish(rows, name)
  if #rows == 0 then
    broken("parse", name, 1, "the data set is empty: it holds no row")
  end
  return wrap(rows)
end

--- JSON's null in objects becomes an absent key. In lists it stays, so that places keep.
local function drop_nulls(value)
  local stack = { value }
  while #stack > 0 do
    local top = table.remove(stack)
    for key, item in pairs(top) do
      if item == core.null and math.type(key) == nil then
        top[key] = nil
      elseif type(item) == "table" then
        stack[#stack + 1] = item
      end
    end
  end
  return value
end

local function is_object(value)
  return type(value) == "table" and #value == 0 and getmetatable(value) ~= core.array
end

--- Rows from JSON lines held in a text. Blank lines are skipped.
---@param text string
---@param name string|nil what to call the text in messages
---@return lunagrad.dataset
function data.jsonl_text(text, name)
  name = name or "text"
  text = clean(text, name, "lg.data.jsonl_text")
  local rows, number, at = {}, 0, 1
  while at <= #text do
    local stop = text:find("\n", at, true) or #text + 1
    local line = text:sub(at, stop - 1)
    number, at = number + 1, stop + 1
    if line:find "%S" then
      local row, problem = core.json_decode(line)
      if row == nil then
        broken("parse", name, number, "not valid JSON: " .. tostring(problem),
          "every line of a JSONL file is one JSON object")
      end
      if not is_object(row) then
        broken("parse", name, number, "expected a JSON object like {\"question\": …}")
      end
      rows[#rows + 1] = drop_nulls(row)
    end
  end
  return finish(rows, name)
end

--- Rows from a file of JSON lines: one object a line.
---@param path string
---@return lunagrad.dataset
function data.jsonl(path)
  return data.jsonl_text(read_file(path, "lg.data.jsonl"), path)
end

--- One quoted field that opens at `at`: its value, and where it ends.
local function read_quoted(text, at, name, line)
  local parts, from = {}, at + 1
  while true do
    local quote = text:find("\"", from, true)
    if not quote then
      broken("parse", name, line, "a quoted field that opens here is never closed")
    end
    parts[#parts + 1] = text:sub(from, quote - 1)
    if text:sub(quote + 1, quote + 1) ~= "\"" then return table.concat(parts), quote + 1 end
    parts[#parts + 1] = "\""
    from = quote + 2
  end
end

--- One field that starts at `at`: its value, where it ends, the line it ends on.
local function read_field(text, at, name, line, stops)
  if text:sub(at, at) ~= "\"" then
    local stop = text:find(stops, at) or #text + 1
    if text:sub(stop, stop) == "\"" then
      broken("parse", name, line, "a quote inside a field that does not start with one",
        "put the whole field in quotes and write each quote in it twice")
    end
    local value = text:sub(at, stop - 1)
    local ends = stop > #text or text:sub(stop, stop) == "\n"
    if ends and value:sub(-1) == "\r" then value = value:sub(1, -2) end
    return value, stop, line
  end
  local value, after = read_quoted(text, at, name, line)
  local _, breaks = text:sub(at, after - 1):gsub("\n", "")
  if text:sub(after, after + 1) == "\r\n" or after == #text and text:sub(after) == "\r" then
    after = after + 1
  end
  return value, after, line + breaks
end

--- One record that starts at `at`: its fields, where the next one starts, and on which line.
local function read_record(text, at, name, line, separator, stops)
  local fields = {}
  while true do
    local value, stop
    value, stop, line = read_field(text, at, name, line, stops)
    fields[#fields + 1] = value
    local c = text:sub(stop, stop)
    if c == "" then
      return fields, stop, line
    elseif c == "\n" then
      return fields, stop + 1, line + 1
    elseif c ~= separator then
      broken("parse", name, line, "text behind the closing quote of a field",
        "write a quote inside a field twice")
    end
    at = stop + 1
  end
end

local function check_header(header, name, line)
  local seen = {}
  for i, column in ipairs(header) do
    column = column:match "^%s*(.-)%s*$"
    if column == "" then
      broken("parse", name, line, ("column %d of the header has no name"):format(i))
    elseif seen[column] then
      broken("parse", name, line, ("the header names the column %q twice"):format(column))
    end
    header[i], seen[column] = column, true
  end
  return header
end

local function csv_options(opts, where)
  opts = opts or {}
  options.check(opts, { header = "any", separator = "string?" }, where)
  local separator = opts.separator or ","
  if #separator ~= 1 or separator:find "[\"\r\n\128-\255]" then
    errors.raise("inval", where .. ": separator must be one character, like \",\" or \"\\t\"",
      nil, 3)
  end
  local header = opts.header
  if header == nil then header = true end
  if type(header) ~= "boolean" and type(header) ~= "table" then
    errors.raise("inval", where .. ": header must be true, false or a list of names", nil, 3)
  end
  return header, separator
end

--- Rows from CSV held in a text (RFC 4180: quotes, line breaks in quotes, CR LF). All values are
--- texts. Blank lines are skipped.
---@param text string
---@param opts {header: boolean|string[]|nil, separator: string|nil}|nil header: true (default)
--- takes the names from the first line, a list gives them, false makes rows lists
---@param name string|nil
---@return lunagrad.dataset
function data.csv_text(text, opts, name)
  name = name or "text"
  local header, separator = csv_options(opts, "lg.data.csv")
  text = clean(text, name, "lg.data.csv_text")
  local stops = "[\n\"" .. separator:gsub("%p", "%%%0") .. "]"
  local names = type(header) == "table" and check_header(table.move(header, 1, #header, 1, {}),
    name, 1) or nil
  local rows, width, at, line = {}, names and #names, 1, 1
  while at <= #text do
    local start, quoted, fields = line, text:sub(at, at) == "\""
    fields, at, line = read_record(text, at, name, line, separator, stops)
    if #fields == 1 and fields[1] == "" and not quoted then
      fields = nil -- a blank line
    elseif not width then
      width = #fields
      if header == true then names, fields = check_header(fields, name, start), nil end
    end
    if fields and #fields ~= width then
      broken("parse", name, start, ("%d fields, expected %d"):format(#fields, width),
        "put fields that hold the separator in quotes")
    end
    if fields and names then
      local row = {}
      for i, column in ipairs(names) do row[column] = fields[i] end
      fields = row
    end
    rows[#rows + 1] = fields
  end
  return finish(rows, name)
end

--- Rows from a CSV file; see csv_text for the options.
---@param path string
---@param opts {header: boolean|string[]|nil, separator: string|nil}|nil
---@return lunagrad.dataset
function data.csv(path, opts)
  csv_options(opts, "lg.data.csv")
  return data.csv_text(read_file(path, "lg.data.csv"), opts, path)
end

--- Where decoding failed: the byte that the decoder names, or the end.
local function problem_line(text, problem)
  local offset = tostring(problem):match "byte (%d+)" or tostring(problem):match "offset (%d+)"
  return line_of(text, offset and math.tointeger(offset) or #text)
end

--- Rows from BIG-Bench Hard's JSON held in a text: {"examples": [{"input": …, "target": …}]}.
--- Each row has question and answer, and input and target with the same values.
---@param text string
---@param name string|nil
---@return lunagrad.dataset
function data.bbh_text(text, name)
  name = name or "text"
  text = clean(text, name, "lg.data.bbh_text")
  local whole, problem = core.json_decode(text)
  if whole == nil then
    broken("parse", name, problem_line(text, problem), "not valid JSON: " .. tostring(problem))
  end
  local examples = type(whole) == "table" and (whole.examples or #whole > 0 and whole)
  if type(examples) ~= "table" then
    broken("parse", name, 1, "expected {\"examples\": [{\"input\": …, \"target\": …}]}")
  end
  local rows = {}
  for i, example in ipairs(examples) do
    local input = type(example) == "table" and example.input
    local target = type(example) == "table" and example.target
    if math.type(target) then target = tostring(target) end
    if type(input) ~= "string" or type(target) ~= "string" then
      broken("parse", name, 1, ("example %d has no text as %s"):format(i,
        type(input) ~= "string" and "input" or "target"))
    end
    rows[i] = { question = input, answer = target, input = input, target = target }
  end
  return finish(rows, name)
end

--- Rows from a file of BIG-Bench Hard; see bbh_text.
---@param path string
---@return lunagrad.dataset
function data.bbh(path)
  return data.bbh_text(read_file(path, "lg.data.bbh"), path)
end

-- ---- methods ---------------------------------------------------------------

local function seed_of(seed, where)
  if seed == nil then return 0 end
  if type(seed) == "string" then return seed end
  if math.type(seed) and math.tointeger(seed) then return math.tointeger(seed) end
  errors.raise("inval", ("%s: a seed is a whole number or a text, got %s")
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
      errors.raise("inval", ("split: part %d must be larger than 0, got %s")
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
      errors.raise("inval", ("split: unknown option %q"):format(tostring(key)),
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

--- n random rows, each at most once unless with_replacement.
---@param n integer
---@param seed integer|string|nil
---@param with_replacement boolean|nil
---@return lunagrad.dataset
function Dataset:sample(n, seed, with_replacement)
  local rows = rows_of(self)
  n = count_of(n, "sample", 0)
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
  options.check(opts, { seed = "any", epochs = "number?", drop_last = "boolean?" }, "batches")
  local usable = opts.drop_last and #rows // n * n or #rows
  if usable == 0 then
    errors.raise("inval", ("batches: %d rows do not fill a batch of %d"):format(#rows, n), nil, 2)
  end
  local r = opts.seed ~= nil and rng.new(seed_of(opts.seed, "batches"))
  local epochs, epoch, at, order = opts.epochs or 1, 0, math.huge, rows
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

return options.closed(data, "lg.data")
