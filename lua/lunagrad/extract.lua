--- Extractors: the part of a model's answer that counts.
--
-- Each is a function of a text that returns a string, or nil when the text
-- holds no such thing. Nil is an answer of its own: what cannot be read is
-- never taken for 0, "" or the first option. Nothing here calls a model, keeps
-- state or raises on any text. Used by losses, metrics and scripts.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"

local extract = {}

local find, sub, match = string.find, string.sub, string.match

--- A text without the blanks at its ends, in linear time for any text.
---@param text string
---@return string
function extract.trim(text)
  local from = find(text, "%S")
  return from and match(text, ".*%S", from) or ""
end

local trim = extract.trim

--- Blanks and the marks that Markdown puts around a short answer: **8**, `x`, _y_.
local function bare(text)
  local from = find(text, "[^%s*_`]")
  if not from then return "" end
  local to = #text
  while find(sub(text, to, to), "[%s*_`]") do to = to - 1 end
  return sub(text, from, to)
end

local UNICODE_MINUS = "\u{2212}"

--- Is there a minus sign that belongs to the number at `from`? A hyphen behind
-- a letter or digit ("GPT-4", "3-5") joins; it does not negate.
local function is_negative(text, from)
  local at = from - 1
  if sub(text, at, at) == "$" then at = at - 1 end
  local width = 1
  if sub(text, at, at) ~= "-" then
    if at < 3 or sub(text, at - 2, at) ~= UNICODE_MINUS then return false end
    width = 3
  end
  return not find(sub(text, at - width, at - width), "[%w_)]")
end

--- The number whose first digit is at `from`: its plain form and where it ends.
local function read_number(text, from)
  local digits, to = match(text, "^(%d+)()", from)
  if #digits <= 3 then -- groups of thousands: 1,234,567
    while true do
      local group, after = match(text, "^,(%d%d%d)()", to)
      if not group or find(text, "^%d", after) then break end
      digits, to = digits .. group, after
    end
  end
  local fraction, behind = match(text, "^(%.%d+)()", to)
  if fraction then digits, to = digits .. fraction, behind end
  local power, last = match(text, "^([eE][+-]?%d+)()", to)
  if power and not find(text, "^[%a_]", last) then digits, to = digits .. power, last end
  return digits, to
end

--- The last number written in digits, in plain form: "1,234.50" gives "1234.50", "$5"
--- gives "5", "-3" and "−3" give "-3", ".5" gives "0.5". Number words are not numbers, and
--- neither are digits inside a name ("H2O", "v2").
---@param text string
---@return string|nil
function extract.last_number(text)
  local at, found, start = 1, nil, nil
  while true do
    local from = find(text, "%d", at)
    if not from then break end
    local before = sub(text, from - 1, from - 1)
    if find(before, "[%a_]") then
      at = match(text, "^[%w_]+()", from)
    else
      local digits, to = read_number(text, from)
      if before == "." and not find(sub(text, from - 2, from - 2), "[%w_]") then
        digits, from = "0." .. digits, from - 1
      end
      found, start, at = digits, from, to
    end
  end
  if found and is_negative(text, start) then found = "-" .. found end
  return found
end

--- The last line that is not blank, trimmed.
---@param text string
---@return string|nil
function extract.last_line(text)
  local last
  for line in text:gmatch "[^\r\n]+" do
    if find(line, "%S") then last = line end
  end
  return last and trim(last)
end

--- The whole text, trimmed; nil when it is blank.
---@param text string
---@return string|nil
function extract.whole(text)
  local whole = trim(text)
  return whole ~= "" and whole or nil
end

--- What stands in the last well-formed `<name>…</name>`, trimmed.
---@param name string
---@return fun(text: string): string|nil
function extract.tag(name)
  if type(name) ~= "string" or not find(name, "^[%w_]+$") then
    errors.raise("inval", "extract.tag: a tag's name is letters, digits and _", nil, 2)
  end
  return function(text)
    local inner = core.tag_last(text, name)
    return inner and trim(inner)
  end
end

--- What follows the last `marker` (upper or lower case): the rest of its line, or the next line
--- that is not blank when nothing is left there. Markdown's marks around it are dropped.
---@param marker string for example "Answer:"
---@return fun(text: string): string|nil
function extract.after(marker)
  if type(marker) ~= "string" or marker == "" then
    errors.raise("inval", "extract.after: say behind which words to read, e.g. \"Answer:\"", nil, 2)
  end
  local wanted = marker:lower()
  return function(text)
    local low, at, behind = text:lower(), 1, nil
    while true do
      local from, to = find(low, wanted, at, true)
      if not from then break end
      behind, at = to + 1, to + 1
    end
    if not behind then return nil end
    for line in text:sub(behind):gmatch "[^\r\n]+" do
      local rest = bare(line)
      if rest ~= "" then return rest end
    end
    return nil
  end
end

--- Is the option at `at` followed by something that ends a word?
local function option_at(text, at, option)
  if sub(text, at, at + #option - 1) ~= option then return false end
  local behind = sub(text, at + #option, at + #option)
  return not find(behind, "[%w_'\128-\255]")
end

local function read_option(text, at, options)
  for _, option in ipairs(options) do
    if option_at(text, at, option) then return option end
  end
  return nil
end

--- The option in the last "Answer: X" (or "the answer is X"), exactly as it was given here. X may
--- stand in brackets or Markdown's marks; a word that only starts with the letter is not the
--- option ("Answer: Because" is no B). Options are compared with upper and lower case kept.
---@param options string[] for example {"A", "B", "C", "D"}
---@return fun(text: string): string|nil
function extract.choice(options)
  if type(options) ~= "table" or #options == 0 then
    errors.raise("inval", "extract.choice: give the options, e.g. {\"A\", \"B\"}", nil, 2)
  end
  local longest_first = table.move(options, 1, #options, 1, {})
  for i, option in ipairs(longest_first) do
    if type(option) ~= "string" or option == "" then
      errors.raise("inval", ("extract.choice: option %d is no text"):format(i), nil, 2)
    end
  end
  table.sort(longest_first, function(a, b)
    if #a ~= #b then return #a > #b end
    return a < b
  end)
  return function(text)
    local low, at, found = text:lower(), 1, nil
    while true do
      local _, to = find(low, "answer", at, true)
      if not to then return found end
      local start = match(low, "^[%s*_`]*:[%s*_`%(%[{\"']*()", to + 1)
        or match(low, "^%s+is%f[%W][%s*_`:%(%[{\"']*()", to + 1)
      found = start and read_option(text, start, longest_first) or found
      at = to + 1
    end
  end
end

--- The last fenced block of code, without its fences. A block that is never closed was cut and
--- does not count.
---@param text string
---@return string|nil
function extract.code(text)
  local fence, lines, found = nil, nil, nil
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    local marks = match(line, "^%s*(```+)") or match(line, "^%s*(~~~+)")
    if not fence then
      if marks and not find(line, "`", find(line, marks, 1, true) + #marks, true) then
        fence, lines = marks, {}
      end
    elseif marks and sub(marks, 1, 1) == sub(fence, 1, 1) and #marks >= #fence
      and find(line, "^%s*[`~]+%s*$") then
      found, fence = table.concat(lines, "\n"), nil
    else
      lines[#lines + 1] = line
    end
  end
  return found
end

--- Where the value that opens at `from` with a brace closes; nil when it does not.
local function closing_brace(text, from)
  local depth, at = 0, from
  while true do
    local pos = find(text, "[{}\"]", at)
    if not pos then return nil end
    local c = sub(text, pos, pos)
    if c == "\"" then
      repeat
        pos = find(text, "[\"\\]", pos + 1)
        if not pos then return nil end
        c = sub(text, pos, pos)
        if c == "\\" then pos = pos + 1 end
      until c == "\""
    else
      depth = depth + (c == "{" and 1 or -1)
      if depth == 0 then return pos end
    end
    at = pos + 1
  end
end

--- The JSON object in a text: the text itself, its last block of code, or the last braces that
--- decode, in this order.
local function find_object(text, keep)
  local value = core.json_decode(text, keep)
  if type(value) == "table" then return value end
  local block = extract.code(text)
  value = block and core.json_decode(block, keep)
  if type(value) == "table" then return value end
  local at, misses, found = 1, 0, nil
  while misses < 32 do -- a bound: every miss may have read to the end
    local from = find(text, "{", at, true)
    if not from then break end
    local to = closing_brace(text, from)
    value = to and core.json_decode(sub(text, from, to), keep)
    if type(value) == "table" then
      found, at = value, to + 1
    else
      at, misses = from + 1, misses + 1
    end
  end
  return found
end

--- The JSON object (or list) that a text holds: the text itself, in a fence, or among its words;
--- as a Lua value, nil when there is none.
---@param text string
---@param keep string|nil what becomes of numbers that Lua would change, see lg.json.decode
---@return table|nil
function extract.object(text, keep) return find_object(text, keep) end

--- A value in the JSON object that a text holds. `path` names it: "answer", "steps[1].result".
--- Texts are returned as they are, numbers and booleans in JSON's writing, the rest as JSON.
---@param path string
---@return fun(text: string): string|nil
function extract.json(path)
  local keys = {}
  for name, index in (type(path) == "string" and path or ""):gmatch "([^%.%[%]]*)%[?(%d*)%]?" do
    if name ~= "" then keys[#keys + 1] = name end
    if index ~= "" then keys[#keys + 1] = math.tointeger(index) end
  end
  if #keys == 0 then
    errors.raise("inval", "extract.json: say which value, e.g. \"answer\"", nil, 2)
  end
  return function(text)
    local value = find_object(text, "number")
    for _, key in ipairs(keys) do
      if type(value) ~= "table" then return nil end
      value = value[key]
    end
    if value == nil or value == core.null then return nil end
    return type(value) == "string" and value or core.json_encode(value)
  end
end

--- The first of several extractors that finds something.
---@param ... fun(text: string): string|nil
---@return fun(text: string): string|nil
function extract.any(...)
  local list = { ... }
  return function(text)
    for _, one in ipairs(list) do
      local found = one(text)
      if found ~= nil then return found end
    end
    return nil
  end
end

return require("lunagrad.options").closed(extract, "lg.extract")
