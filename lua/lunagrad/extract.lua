--- Extractors: the part of a model's answer that counts.
--
-- Each is a function of a text that returns a string, or nil when the text
-- holds no such thing. Nil is an answer of its own: what cannot be read is
-- never taken for 0, "" or the first option, and "A or B" is neither. Nothing
-- here calls a model, keeps state or raises on any text. Used by losses,
-- metrics and scripts. Every form that is read is a row of
-- tests/data/extract.jsonl.

local core = require "lunagrad.core"
local choice = require "lunagrad.choice"
local errors = require "lunagrad.errors"
local number = require "lunagrad.number"
local text_layer = require "lunagrad.text"

local extract = {}

local find, sub, match = string.find, string.sub, string.match

--- A text without the blanks at its ends (no-break and wide ones, too), in linear time.
---@param text string
---@return string
function extract.trim(text) return text_layer.trim(text) end

local trim = text_layer.trim

--- Blanks and the marks that Markdown puts around a short answer: **8**, `x`, _y_.
local function bare(text)
  local from = find(text, "[^%s*_`]")
  if not from then return "" end
  local to = #text
  while find(sub(text, to, to), "[%s*_`]") do to = to - 1 end
  return trim(sub(text, from, to))
end

-- Marks that closed what bare has taken from the front, "5**." of "**5**.", go, too; where they
-- stand around other words, both are back: "**a** and **b**".
local function whole_marks(rest, mark)
  local from, to = find(rest, mark, 1, true)
  if not from or not find(rest, "^%S", from - 1) or find(rest, "^%w", to + 1) then return rest end
  if not find(rest, mark, to + 1, true) and find(rest, "^[%s%p]*$", to + 1) then
    return sub(rest, 1, from - 1) .. sub(rest, to + 1)
  end
  local n = 0
  for _ in (mark .. rest):gmatch((mark:gsub("%*", "%%*"))) do n = n + 1 end
  return mark .. rest .. (n % 2 == 1 and mark or "")
end

--- The last number written in digits, of whatever script, in plain form: "1,234.50" gives
--- "1234.50", "-$5" gives "-5", ".5" gives "0.5", "3/4", `\frac{3}{4}` and "½" give "3/4".
---
--- Groups of thousands: 1,234 and 1 234 and 1'234 and 12,34,567 and 1.234.567. One point is a decimal
--- point (1.234 is 1.234), one comma before other than three digits a decimal comma (1,5 is 1.5,
--- but not in brackets: (1,5) is a pair); 1.234,56 is 1234.56. Units and percent signs do not count:
--- "50%" gives "50". No numbers are number words, digits inside a name ("H2O", "v2"), versions and
--- dates ("1.2.3", "3/4/2024"). Where the last number stands inside something that is not read,
--- such as a root or a power, the answer is nil.
---@param text string
---@return string|nil
function extract.last_number(text) return number.last(text) end

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

--- What stands in the last `<name>…</name>` that can be an answer, trimmed. A pair that stands by
--- itself counts before one inside a sentence; tags in backticks, "between <name> and </name>" and
--- pairs of dots are talk about the tags.
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

--- What follows the last `marker`: the rest of its line, or the next line that is not blank when
--- nothing is left there. Markdown's marks around it are dropped, the rest stays as it is written.
--- The marker is found whatever its case, the width of its characters (Answer：) and Markdown's
--- marks inside (**Answer**:).
---@param marker string for example "Answer:"
---@return fun(text: string): string|nil
function extract.after(marker)
  if type(marker) ~= "string" or not find(marker, "%S") then
    errors.raise("inval", "extract.after: say behind which words to read, e.g. \"Answer:\"", nil, 2)
  end
  marker = trim(marker)
  return function(text)
    local at, behind = 1, nil
    while true do
      local _, to = core.find_marker(text, marker, at)
      if not to then break end
      behind, at = to + 1, to + 1
    end
    if not behind then return nil end
    for line in sub(text, behind):gmatch "[^\r\n]+" do
      local rest = whole_marks(whole_marks(bare(line), "**"), "`")
      if rest ~= "" then return rest end
    end
    return nil
  end
end

--- The option that the text answers with, exactly as it was given here. It is read from the last
--- "Answer: X" (or "the answer is X", or the word for it in a dozen languages), from the last
--- `\boxed{X}`, or from a reply or last line that is the option alone. It may stand in brackets,
--- quotes, Markdown's or LaTeX's marks, behind "option", and in another case where only one option
--- fits; a word that only starts with the letter is not the option ("Answer: Because" is no B).
--- Where several options are named ("A or B") the answer is nil.
---@param options string[] for example {"A", "B", "C", "D"}
---@return fun(text: string): string|nil
function extract.choice(options)
  if type(options) ~= "table" or #options == 0 then
    errors.raise("inval", "extract.choice: give the options, e.g. {\"A\", \"B\"}", nil, 2)
  end
  for i, option in ipairs(options) do
    if type(option) ~= "string" or trim(option) == "" then
      errors.raise("inval", ("extract.choice: option %d is no text"):format(i), nil, 2)
    end
  end
  return choice.reader(options)
end

-- The braces of a text that close, those of a box among them. One pass: a brace has a backslash
-- before it when it is a sign of the text.
local function last_box(text)
  local open, depth, at = {}, 0, 1
  local from, to
  while true do
    local pos = find(text, "[\\{}]", at)
    if not pos then return from, to end
    local c = sub(text, pos, pos)
    at = pos + 1
    if c == "\\" then
      local box = match(text, "^boxed%s*(){", at) or match(text, "^fbox%s*(){", at)
      if box then
        depth = depth + 1
        open[depth], at = box + 1, box + 1
      elseif not find(text, "^%a", at) then
        at = at + 1
      end
    elseif c == "{" then
      depth = depth + 1
      open[depth] = false
    elseif depth > 0 then
      if open[depth] and (not from or open[depth] > from) then from, to = open[depth], pos - 1 end
      depth = depth - 1
    end
  end
end

-- A whole text in \text{…} and its like, without it; nil when there is something beside it.
local function unwrapped(text)
  local inner = match(text, "^\\text%a*%s*{([^{}]*)}$")
    or match(text, "^\\math[rbis]%a*%s*{([^{}]*)}$")
    or match(text, "^\\mbox%s*{([^{}]*)}$") or match(text, "^%$+([^$]+)%$+$")
    or match(text, "^\\displaystyle%s*(.+)$")
  return inner and trim(inner)
end

--- What stands in the last `\boxed{…}` that closes, trimmed, as LaTeX. A `\text{…}` (or `\mathrm`,
--- `$…$`) around all of it is dropped, `\dfrac` and `\tfrac` become `\frac`. For its number use
--- lg.extract.last_number, which reads LaTeX.
---@param text string
---@return string|nil
function extract.boxed(text)
  local from, to = last_box(text)
  local inner
  if from then
    inner = trim(sub(text, from, to))
  else -- TeX takes one sign without braces
    inner = match(text, "^.*\\boxed%s+([^%s\\{}$]+)")
  end
  if not inner then return nil end
  for _ = 1, 4 do
    local less = unwrapped(inner)
    if not less then break end
    inner = less
  end
  inner = inner:gsub("\\[dt]frac%f[%A]", "\\frac")
  return inner ~= "" and inner or nil
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
