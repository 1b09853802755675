--- The text of a .env file: which values its lines give.
--
-- Pure: knows nothing of files. Read as most programs read it: of a name that is given twice the
-- last counts; `export` in front, quotes around, escapes between double quotes, comments behind.
-- What is written as $NAME stays so: nothing is looked up, and no value gets another's key.

local dotenv = {}

-- ---- what encodes it -------------------------------------------------------------

local function from_utf16(text, big)
  local out, high = {}, nil
  for at = 3, #text - 1, 2 do
    local unit = string.unpack(big and ">I2" or "<I2", text, at)
    if high and unit >= 0xDC00 and unit < 0xE000 then
      unit, high = 0x10000 + (high - 0xD800) * 0x400 + unit - 0xDC00, nil
    end
    if unit >= 0xD800 and unit < 0xDC00 then
      high = unit
    else
      out[#out + 1] = utf8.char(unit)
    end
  end
  return table.concat(out)
end

-- In UTF-8 without a mark, or nil and why not. Windows saves text as UTF-16 with a mark.
local function decoded(text)
  if text:find "^\xFF\xFE" then return from_utf16(text, false) end
  if text:find "^\xFE\xFF" then return from_utf16(text, true) end
  text = text:gsub("^\xEF\xBB\xBF", "")
  if text:find "\0" then return nil, "it is no text in UTF-8: save it as UTF-8" end
  return text
end

-- ---- blanks that nobody sees -----------------------------------------------------

-- No-break and other wide spaces, zero-width marks, marks of direction, the byte-order mark.
local UNSEEN = { 0xA0, 0xAD, 0x1680, 0x180E, 0x202F, 0x205F, 0x3000, 0xFEFF }
for code = 0x2000, 0x200F do UNSEEN[#UNSEEN + 1] = code end
for code = 0x2028, 0x202E do UNSEEN[#UNSEEN + 1] = code end
for code = 0x2060, 0x206F do UNSEEN[#UNSEEN + 1] = code end
local is_unseen = {}
for _, code in ipairs(UNSEEN) do is_unseen[utf8.char(code)] = true end

-- How long the blank is that begins or ends here: 0 is none.
local function unseen_at(text, first, last)
  for n = 2, 3 do
    if last - first + 1 >= n and is_unseen[text:sub(first, first + n - 1)] then return n end
  end
  return 0
end

local function unseen_before(text, first, last)
  for n = 2, 3 do
    if last - first + 1 >= n and is_unseen[text:sub(last - n + 1, last)] then return n end
  end
  return 0
end

--- A text without the blanks around it, those that nobody sees among them.
---@param text string
---@return string
function dotenv.trim(text)
  local first, last = 1, #text
  repeat
    local was = first
    first = text:match("^%s*()", first)
    first = first + unseen_at(text, first, last)
  until first == was
  repeat
    local was = last
    while last >= first and text:find("^%s", last) do last = last - 1 end
    last = last - unseen_before(text, first, last)
  until last == was
  return text:sub(first, last)
end
local trim = dotenv.trim

-- ---- values ----------------------------------------------------------------------

local ESCAPES = { n = "\n", r = "\r", t = "\t" }

-- Where the quote that opens here is closed; nil: nowhere.
local function closing(text, at)
  local quote = text:sub(at, at)
  if quote ~= '"' then return text:find(quote, at + 1, true) end
  repeat
    at = text:find('["\\]', at + 1)
    if at and text:sub(at, at) == '"' then return at end
    at = at and at + 1
  until not at
end

-- What stands between quotes, and where the next line begins; nil when no quotes are around it.
local function quoted(text, at)
  local close = closing(text, at)
  if not close then return nil end
  local line_end = text:find("\n", close, true) or #text + 1
  local rest = trim(text:sub(close + 1, line_end - 1))
  if rest ~= "" and not rest:find "^#" then return nil end
  local inside = text:sub(at + 1, close - 1)
  if text:sub(at, at) == '"' then
    inside = inside:gsub("\\(.)", function(c) return ESCAPES[c] or c:match '["\\$]' end)
  end
  return inside, line_end + 1
end

-- The value that begins here, and where the next line does; nil for a quote that nothing closes.
local function value_at(text, at)
  local line_end = text:find("\n", at, true) or #text + 1
  local first = text:match("^[ \t]*()[\"'`]", at)
  if first then
    local inside, after = quoted(text, first)
    if inside then return inside, after end
    if closing(text:sub(first, line_end - 1), 1) == nil then return nil, line_end + 1 end
  end
  local bare = trim(text:sub(at, line_end - 1))
  local comment = bare:find "^#" or bare:find "%s#"
  return comment and trim(bare:sub(1, comment - 1)) or bare, line_end + 1
end

-- The name before the first "=" of a line, and where its value begins; nil when it is none.
local function name_in(line)
  local equals = line:find("=", 1, true)
  local head = equals and trim(line:sub(1, equals - 1))
  if not head then return nil end
  return (head:match "^export%s+([%a_][%w_]*)$" or head:match "^[%a_][%w_]*$"), equals + 1
end

--- The values of a file, and what in it is no line of values.
---@param text string
---@return table|nil found {values = by name, lines = where each stands, ignored = {"line 4", …}}
---@return string|nil problem when it cannot be read at all
function dotenv.read(text)
  local plain, problem = decoded(text)
  if not plain then return nil, problem end
  plain = plain:gsub("\r\n?", "\n")
  local found, at, number = { values = {}, lines = {}, ignored = {} }, 1, 1
  while at <= #plain do
    local line = plain:match("^[^\n]*", at)
    local name, equals = name_in(line)
    local value, after = nil, at + #line + 1
    if name then value, after = value_at(plain, at + equals - 1) end
    if value then
      found.values[name], found.lines[name] = value, number
    elseif trim(line):find "^[^#]" then
      found.ignored[#found.ignored + 1] = "line " .. number -- not what it says: it may be a key
    end
    local _, passed = plain:sub(at, after - 1):gsub("\n", "")
    at, number = after, number + passed
  end
  return found
end

return dotenv
