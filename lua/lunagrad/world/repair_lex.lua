--- The words of a program in Lua or Python, for sim/repair: good enough to change them.
--
-- Tokens with their places and lines; no grammar, and nothing is run. Wrong programs are read as far
-- as they go.

local lex = {}

local KEYWORDS = {
  lua = "and break do else elseif end false for function goto if in local nil not or repeat return "
    .. "then true until while",
  python = "and as assert break class continue def del elif else except False finally for from "
    .. "global if import in is lambda None nonlocal not or pass raise return True try while with "
    .. "yield",
}

local keyword_of = {}
for language, words in pairs(KEYWORDS) do
  keyword_of[language] = {}
  for word in words:gmatch "%S+" do keyword_of[language][word] = true end
end

local OPERATORS = { "...", "**", "//", "==", "~=", "!=", "<=", ">=", "..", "::", "+=", "-=", "*=",
  "->" }

--- What language a text is a program in; nil: it is none.
---@param text string
---@return "lua"|"python"|nil
function lex.language(text)
  if ("\n" .. text):find "\n%s*def%s+[%a_][%w_]*%s*%(" then return "python" end
  if text:find "%f[%w_]function%s+[%a_][%w_.:]*%s*%(" and text:find "%f[%w_]end%f[^%w_]"
    or text:find "%f[%w_]function%s*%(" and text:find "%f[%w_]end%f[^%w_]" then
    return "lua"
  end
  return nil
end

-- The end of a string that begins at `at`, or nil where none does.
local function string_end(text, at, language)
  local quote = text:match("^[\"']", at)
  local three = language == "python" and quote and text:sub(at, at + 2) == quote:rep(3)
  if three then return select(2, text:find(quote:rep(3), at + 3, true)) or #text end
  local level = language == "lua" and text:match("^%[(=*)%[", at)
  if level then return select(2, text:find("]" .. level .. "]", at, true)) or #text end
  if not quote then return nil end
  local i = at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == quote or c == "\n" then return i end
    i = i + (c == "\\" and 2 or 1)
  end
  return #text
end

local function comment_end(text, at, language)
  if language == "python" then
    return text:find("^#", at) and (text:find("\n", at, true) or #text + 1) - 1
  end
  if not text:find("^%-%-", at) then return nil end
  return text:find("^%-%-%[=*%[", at) and string_end(text, at + 2, language)
    or (text:find("\n", at, true) or #text + 1) - 1
end

local function operator_end(text, at)
  for _, one in ipairs(OPERATORS) do
    if text:sub(at, at + #one - 1) == one then return at + #one - 1 end
  end
  return at
end

-- Kind and end of the token at a place that is no white space.
local function token(text, at, language)
  local to = comment_end(text, at, language)
  if to then return "comment", to end
  to = string_end(text, at, language)
  if to then return "string", to end
  local _, name_end = text:find("^[%a_\x80-\xff][%w_\x80-\xff]*", at)
  if name_end then
    return keyword_of[language][text:sub(at, name_end)] and "keyword" or "name", name_end
  end
  local _, number_end = text:find("^%d[%w_]*%.?%d*", at)
  if number_end then
    if text:sub(number_end, number_end) == "." then number_end = number_end - 1 end
    return "number", number_end
  end
  return "op", operator_end(text, at)
end

---@class sim.token
---@field kind "name"|"keyword"|"number"|"string"|"op"
---@field text string
---@field from integer first byte
---@field to integer last byte
---@field line integer

--- The tokens of a program, without comments.
---@param text string
---@param language "lua"|"python"
---@return sim.token[]
function lex.tokens(text, language)
  local list, at, line = {}, 1, 1
  while true do
    local from = text:find("%S", at)
    if not from then return list end
    line = line + select(2, text:sub(at, from - 1):gsub("\n", ""))
    local kind, to = token(text, from, language)
    local said = text:sub(from, to)
    if kind ~= "comment" then
      list[#list + 1] = { kind = kind, text = said, from = from, to = to, line = line }
    end
    line = line + select(2, said:gsub("\n", ""))
    at = to + 1
  end
end

---@class sim.line
---@field text string without what stands before it
---@field indent string
---@field from integer first byte with the indentation
---@field to integer last byte, without the line break

--- The lines of a program.
---@param text string
---@return sim.line[]
function lex.lines(text)
  local lines = {}
  for from, line in (text .. "\n"):gmatch "()([^\n]*)\n" do
    local indent, rest = line:match "^(%s*)(.-)%s*$"
    lines[#lines + 1] = { text = rest, indent = indent, from = from, to = from + #line - 1 }
  end
  return lines
end

return lex
