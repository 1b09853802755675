--- CSV: records of fields, as RFC 4180 has them and as spreadsheets and pandas write them.
--
-- The separator is told by the header line, unless it is given: a comma, a semicolon, a tab or a
-- bar that stands outside of quotes. Where that is not plain it is an error, not a guess. A text
-- comes as lunagrad.source cleans it. Used by lunagrad.data.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local source = require "lunagrad.source"

local csv = {}

local broken = source.broken

-- ---- fields and records ------------------------------------------------------

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

-- ---- the separator -------------------------------------------------------------

local CANDIDATES = { ",", ";", "\t", "|" }
local LOOKED_AT = 50 -- records, where the header alone does not tell

--- How often each candidate stands outside of quotes in the record at `at`, and where the next
--- record starts; nil for a blank line.
local function count_candidates(text, at)
  local counts, quoted, from = {}, false, at
  while true do
    local stop = text:find("[\n\",;\t|]", at) or #text + 1
    local c = text:sub(stop, stop)
    at = stop + 1
    if c == "\"" then
      quoted = not quoted
    elseif c == "" or c == "\n" and not quoted then
      return text:sub(from, stop):find "%S" and counts or nil, at
    elseif c ~= "\n" and not quoted then
      counts[c] = (counts[c] or 0) + 1
    end
  end
end

--- The candidates of which all records that are looked at have as many as the first.
local function even_candidates(text, at, first, list)
  local kept = list
  for _ = 2, LOOKED_AT do
    if at > #text then break end
    local counts
    counts, at = count_candidates(text, at)
    local still = {}
    for _, c in ipairs(kept) do
      if not counts or counts[c] == first[c] then still[#still + 1] = c end
    end
    kept = still
  end
  return kept
end

local function shown(separator) return core.json_encode(separator) end

local function guess_separator(text, name, line)
  local at, first = 1, nil
  while not first and at <= #text do first, at = count_candidates(text, at) end
  local list = {}
  for _, c in ipairs(CANDIDATES) do
    if first and first[c] then list[#list + 1] = c end
  end
  if #list <= 1 then return list[1] or "," end
  local even = even_candidates(text, at, first, list)
  if #even > 1 then
    broken("parse", name, line, ("both %s and %s could part the fields"):format(shown(even[1]),
      shown(even[2])), ("say which: lg.data.csv(file, { separator = %s })"):format(shown(even[1])))
  end
  return even[1] or list[1]
end

-- ---- names of columns --------------------------------------------------------

local function name_columns(header, name, line)
  local seen, names = {}, {}
  for i, column in ipairs(header) do
    column = column:match "^%s*(.-)%s*$"
    if column ~= "" and seen[column] then
      broken("parse", name, line, ("the header names the column %q twice"):format(column))
    end
    names[i], seen[column] = column, true
  end
  return names
end

local function is_empty(records, i)
  for _, record in ipairs(records) do
    if record[i]:find "%S" then return false end
  end
  return true
end

local function free_name(names)
  local taken, name, n = {}, "index", 1
  for _, other in ipairs(names) do taken[other] = true end
  while taken[name] do
    name, n = "index_" .. n, n + 1
  end
  return name
end

local told = {} -- files about which something was said

local function tell(name, text)
  if told[name] then return end
  told[name] = true
  io.stderr:write("lunagrad: ", name, ": ", text, "\n")
end

--- Columns without a name: an empty one is left out (its name becomes false); the first, which
--- pandas writes for its row numbers, gets one.
local function name_the_nameless(names, records, name, line)
  if not table.concat(names):find "%S" then
    broken("parse", name, line, "no column has a name",
      "the first line names them: question,answer")
  end
  for i, column in ipairs(names) do
    if column == "" and is_empty(records, i) then
      names[i] = false
    elseif column == "" and i == 1 and #names > 1 then
      names[i] = free_name(names)
      tell(name, ("the first column has no name: it is called %q here"):format(names[i]))
    elseif column == "" then
      broken("parse", name, line, ("column %d of the header has no name"):format(i),
        "name it, or give all names: lg.data.csv(file, { header = { … } })")
    end
  end
  return names
end

local function to_rows(names, records)
  local rows = {}
  for n, record in ipairs(records) do
    local made = {}
    for i, column in ipairs(names) do
      if column then made[column] = record[i] end
    end
    rows[n] = made
  end
  return rows
end

-- ---- the whole ---------------------------------------------------------------

--- All records, each a list of fields, and the lines that they start on. Blank lines are skipped.
local function read_records(text, name, line, separator)
  local stops = "[\n\"" .. separator:gsub("%p", "%%%0") .. "]"
  local records, lines, at = {}, {}, 1
  while at <= #text do
    local start, quoted = line, text:sub(at, at) == "\""
    local fields
    fields, at, line = read_record(text, at, name, line, separator, stops)
    if #fields > 1 or fields[1] ~= "" or quoted then
      records[#records + 1], lines[#lines + 1] = fields, start
    end
  end
  return records, lines
end

local function check_widths(records, lines, from, width, name)
  for i = from, #records do
    if #records[i] ~= width then
      broken("parse", name, lines[i], ("%d fields, expected %d"):format(#records[i], width),
        "put fields that hold the separator in quotes")
    end
  end
end

--- The options of a call: whether or how there is a header, and the separator, nil to find it out.
---@param opts table|nil
---@param where string
---@return boolean|string[] header, string|nil separator
function csv.options(opts, where)
  opts = options.check(opts or {}, { header = "any", separator = "string?" }, where)
  local separator = opts.separator
  if separator and (#separator ~= 1 or separator:find "[\"\r\n\128-\255]") then
    errors.refuse("separator", where .. ": separator must be one character, like \",\" or \"\\t\"",
      nil, 3)
  end
  local header = opts.header
  if header == nil then header = true end
  if type(header) ~= "boolean" and type(header) ~= "table" then
    errors.refuse("header", where .. ": header must be true, false or a list of names", nil, 3)
  end
  return header, separator
end

local function refuse_json(text, name)
  local start = text:match "^%s*([%[{][^\n]*)"
  if start and (core.json_decode(start) or start:find '^[%[{]%s*"?%s*$') then
    broken("parse", name, 1, "this is JSON, not CSV", "lg.data.jsonl reads it")
  end
end

--- The rows of a text: tables by the names of the columns, or lists where there is no header.
---@param text string
---@param header boolean|string[]
---@param separator string|nil
---@param name string
---@return table[] rows, boolean named, integer[] lines on which each row begins
function csv.read(text, header, separator, name)
  local line = 1
  local said, rest = text:match "^\"?[sS][eE][pP]=([^\r\n])\"?\r?\n(.*)$" -- Excel's own first line
  if said then text, line, separator = rest, 2, separator or said end
  refuse_json(text, name)
  separator = separator or guess_separator(text, name, line)
  local records, lines = read_records(text, name, line, separator)
  if type(header) == "table" then
    local names = name_columns(header, name, line)
    check_widths(records, lines, 1, #names, name)
    return to_rows(name_the_nameless(names, records, name, line), records), true, lines
  end
  check_widths(records, lines, 1, records[1] and #records[1] or 0, name)
  if not header or not records[1] then return records, false, lines end
  local names = name_columns(table.remove(records, 1), name, lines[1])
  local first = table.remove(lines, 1)
  return to_rows(name_the_nameless(names, records, name, first), records), true, lines
end

return csv
