--- The texts behind data sets: files as UTF-8 with line feeds, and errors that name file and line.
--
-- What a text holds (JSON lines, CSV) is the business of lunagrad.data and lunagrad.csv.

local errors = require "lunagrad.errors"

local source = {}

local BOM = "\u{feff}"

--- Raise what is wrong at a line.
---@param kind string
---@param name string
---@param line integer
---@param message string
---@param hint string|nil
function source.broken(kind, name, line, message, hint)
  errors.raise(kind, ("%s:%d: %s"):format(name, line, message), hint, 0)
end

--- The number of the line that a byte is in.
---@param text string
---@param offset integer
---@return integer
function source.line_of(text, offset)
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

--- A file's bytes.
---@param path string
---@param where string what is being called
---@return string
function source.read_file(path, where)
  if type(path) ~= "string" then
    errors.raise("inval", ("%s: expected a file name, got %s"):format(where, type(path)), nil, 3)
  end
  local file, problem, number = require("lunagrad.file").open(path)
  if not file then
    local missing = number == 2 -- ENOENT
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

-- How files begin that are no text.
local OTHERS = {
  { "^PK\3\4", "a ZIP archive (an Excel workbook is one)", "export it as CSV" },
  { "^PAR1", "a Parquet file", "export it as JSON lines, or as CSV" },
  { "^\x1f\x8b", "packed with gzip", "unpack it first: gunzip FILE" },
  { "^\x28\xb5\x2f\xfd", "packed with zstd", "unpack it first: unzstd FILE" },
}

local function check_encoding(text, name)
  if text:find "^\xff\xfe" or text:find "^\xfe\xff" or text:find "^\0[^\0]" or text:find "^[^\0]\0"
  then
    source.broken("utf8", name, 1, "this is UTF-16, not UTF-8",
      "save the file as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW")
  end
  for _, other in ipairs(OTHERS) do
    if text:find(other[1]) then
      source.broken("parse", name, 1, "this is no text but " .. other[2], other[3])
    end
  end
  local ok, offset = utf8.len(text)
  if not ok then
    source.broken("utf8", name, source.line_of(text, offset), "invalid UTF-8",
      "save the file as UTF-8; if it is in a Western encoding: iconv -f WINDOWS-1252 -t UTF-8")
  end
end

--- The text without a byte order mark, known to be UTF-8. Lines that end in CR alone, as old Macs
--- wrote them, end in LF.
---@param text string
---@param name string what to call it in messages
---@param where string what is being called
---@return string
function source.clean(text, name, where)
  if type(text) ~= "string" then
    errors.raise("inval", ("%s: expected a text, got %s"):format(where, type(text)), nil, 3)
  end
  check_encoding(text, name)
  if text:sub(1, #BOM) == BOM then text = text:sub(#BOM + 1) end
  if not text:find("\n", 1, true) and text:find("\r", 1, true) then text = text:gsub("\r", "\n") end
  return text
end

return source
