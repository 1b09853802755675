--- What a script's text shows before it runs: a variable of the graph that is compared with a text.
--
-- Lua asks nobody for == between values of two types, so `answer == "3"` is false whatever the answer
-- is, and nothing can say so while it runs. This reads words, no grammar: it knows names that are given
-- what a model, tool, template or the like returns. A name that means two things in one file can
-- mislead it; what it says is a warning.

local lint = {}

local MAKERS = { model = true, tool = true, command = true, agent = true, retriever = true }
local MADE = { var = true, param = true, format = true, vote = true, best_of = true }

-- The text with comments blanked, and its strings as they are; as long as before.
local function without_comments(text)
  local function blank(part) return (part:gsub("[^\n]", " ")) end
  text = text:gsub("%-%-%[(=*)%[.-%]%1%]", function() return nil end)
  return (("\n" .. text):gsub("(\n[^\n\"']-)(%-%-[^\n]*)", function(before, comment)
    return before .. blank(comment)
  end):sub(2))
end

-- Where the call that begins at `at` ends: m(…), m{…}, m "…".
local function call_end(text, at)
  local from = text:match("^%s*()", at)
  local first = text:sub(from, from)
  if first == "(" then return select(2, text:find("^%b()", from)) end
  if first == "{" then return select(2, text:find("^%b{}", from)) end
  if first == '"' or first == "'" then
    local to = text:find(first, from + 1, true)
    return to
  end
end

-- Whether the expression is the call itself, and not what a method of it gives.
local function ends_there(text, to)
  local rest = text:match("^%s*(..?)", to + 1) or ""
  return rest == ".." or not rest:find "^[:.%[]"
end

-- Names of models and the like; and of what they, or the library, made.
local function names_of(text)
  local makers, variables = {}, {}
  for name, what, at in text:gmatch "local%s+([%a_][%w_]*)%s*=%s*lg%.([%w_]+)()" do
    local to = call_end(text, at)
    if to and ends_there(text, to) then
      if MAKERS[what] then makers[name] = true end
      if MADE[what] then variables[name] = true end
    end
  end
  for name, maker, at in text:gmatch "local%s+([%a_][%w_]*)%s*=%s*([%a_][%w_]*)()" do
    local to = makers[maker] and call_end(text, at)
    if to and ends_there(text, to) then variables[name] = true end
  end
  return variables
end

--- Comparisons of variables with texts or numbers: where, and what they say.
---@param text string of a script
---@return { line: integer, words: string, name: string }[]
function lint.comparisons(text)
  text = without_comments(text)
  local variables, found = names_of(text), {}
  local function add(at, name, words)
    if not variables[name] then return end
    local _, line = text:sub(1, at):gsub("\n", "")
    found[#found + 1] = { line = line + 1, words = words, name = name }
  end
  local behind = "()%f[%w_.:#]([%a_][%w_]*)%s*([=~]=)%s*([\"'%d][^%s)]*)"
  for at, name, sign, value in text:gmatch(behind) do
    add(at, name, ("%s %s %s"):format(name, sign, value))
  end
  for at, value, sign, name in text:gmatch "()(%b\"\")%s*([=~]=)%s*([%a_][%w_]*)%f[^%w_.:(]" do
    add(at, name, ("%s %s %s"):format(value, sign, name))
  end
  table.sort(found, function(a, b) return a.line < b.line end)
  return found
end

return lint
