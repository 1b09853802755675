--- Small changes of a program, for sim/repair: one token or a few become others.
--
-- Operators, comparisons, constants, bounds, names, arguments. What changes statements is in
-- repair_templates. A change is { kind, line, from, to, put, prior }: bytes from..to of the text
-- become put. Every list is in the order of the text, so that equal programs give equal lists.

local edits = {}

local MOST = 4000 -- changes of one program that are thought of

---@class sim.change
---@field kind string what it is about: a key of repair_words
---@field line integer
---@field from integer
---@field to integer below from: put is inserted before it
---@field put string
---@field prior number how often such a change is what was needed, before anything was said

---@class sim.scan
---@field text string
---@field language "lua"|"python"
---@field tokens sim.token[]
---@field lines sim.line[]
---@field list sim.change[]
---@field functions table[] see repair_scope

local function add(scan, kind, prior, line, from, to, put)
  if #scan.list < MOST and scan.text:sub(from, to) ~= put then
    scan.list[#scan.list + 1] = { kind = kind, line = line, from = from, to = to, put = put,
      prior = prior }
  end
end
edits.add = add

local function replace(scan, kind, prior, token, put)
  add(scan, kind, prior, token.line, token.from, token.to, put)
end

local function insert(scan, kind, prior, token, put)
  add(scan, kind, prior, token.line, token.to + 1, token.to, put)
end

-- ---- what a token is ----------------------------------------------------------------

local VALUES = { name = true, number = true, string = true }
local CONSTANTS = { ["true"] = true, ["false"] = true, ["nil"] = true, True = true, False = true,
  None = true }

-- Whether an expression may end with this token.
local function ends_value(token)
  return token ~= nil and (VALUES[token.kind] or token.text == ")" or token.text == "]"
    or token.text == "}" or CONSTANTS[token.text]) or false
end

local function is_binary(scan, i)
  return ends_value(scan.tokens[i - 1]) and scan.tokens[i + 1] ~= nil
end

local CLOSES = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local OPENS = { [")"] = true, ["]"] = true, ["}"] = true }

-- The place of the bracket that closes the one at i.
local function closing(scan, i)
  local depth = 0
  for k = i, #scan.tokens do
    local text = scan.tokens[k].text
    if CLOSES[text] then depth = depth + 1 end
    if OPENS[text] then depth = depth - 1 end
    if depth == 0 then return k end
  end
  return nil
end
edits.closing = closing

local function opening(scan, i)
  local depth = 0
  for k = i, 1, -1 do
    local text = scan.tokens[k].text
    if OPENS[text] then depth = depth + 1 end
    if CLOSES[text] then depth = depth - 1 end
    if depth == 0 then return k end
  end
  return nil
end

-- The last token of the value that begins at i: a name with all that is called or indexed on it.
local function value_end(scan, i)
  local tokens = scan.tokens
  local at = tokens[i]
  if at and (at.text == "#" or at.text == "-" or at.text == "not") then i = i + 1 end
  at = tokens[i]
  if not at or not (VALUES[at.kind] or CLOSES[at.text]) then return nil end
  local last = CLOSES[at.text] and closing(scan, i) or i
  while last and tokens[last + 1] do
    local behind = tokens[last + 1].text
    if behind == "(" or behind == "[" then
      last = closing(scan, last + 1)
    elseif (behind == "." or behind == ":") and tokens[last + 2] and
      tokens[last + 2].kind == "name" and tokens[last + 2].from == tokens[last + 1].to + 1 then
      last = last + 2
    else
      break
    end
  end
  return last
end

-- The first token of the value that ends at i.
local function value_start(scan, i)
  local tokens, first = scan.tokens, i
  while first do
    local at = tokens[first]
    if OPENS[at.text] then
      first = opening(scan, first)
      local before = first and tokens[first - 1]
      if not (before and (before.kind == "name" or before.text == "]" or before.text == ")")) then
        return first
      end
      first = first - 1
    elseif not VALUES[at.kind] then
      return nil
    else
      local before = tokens[first - 1]
      local joined = before and (before.text == "." or before.text == ":")
        and before.to + 1 == at.from and scan.language == "lua"
        or before and before.text == "." and before.to + 1 == at.from
      if not joined then
        return before and before.text == "#" and scan.language == "lua" and first - 1 or first
      end
      first = first - 2
    end
  end
  return nil
end

-- ---- operators ----------------------------------------------------------------------

local COMPARE = {
  ["<"] = { { "<=", 1 }, { ">", .5 }, { ">=", .2 } },
  ["<="] = { { "<", 1 }, { ">=", .4 }, { ">", .2 }, { "==", .1 } },
  [">"] = { { ">=", 1 }, { "<", .5 }, { "<=", .2 } },
  [">="] = { { ">", 1 }, { "<=", .4 }, { "<", .2 }, { "==", .1 } },
  ["=="] = { { "~=", .5 }, { "<=", .3 }, { ">=", .3 } },
  ["~="] = { { "==", .5 }, { ">", .2 } },
}
COMPARE["!="] = COMPARE["~="]

local ARITHMETIC = {
  ["+"] = { { "-", .5 }, { "*", .15 } }, ["-"] = { { "+", .5 } },
  ["*"] = { { "+", .2 }, { "/", .1 } }, ["%"] = { { "//", .3 } },
  ["+="] = { { "-=", .3 } }, ["-="] = { { "+=", .3 } },
}

local DIVISION = { ["/"] = { { "//", .8 } }, ["//"] = { { "/", .8 }, { "%", .2 } } }

local LOGIC = { ["and"] = "or", ["or"] = "and" }

local function swap_of(text, language)
  return language == "python" and text == "~=" and "!=" or text
end

local function operator(scan, i, token)
  local tables = { compare = COMPARE, arithmetic = ARITHMETIC, division = DIVISION }
  for _, kind in ipairs { "compare", "arithmetic", "division" } do
    for _, one in ipairs(is_binary(scan, i) and tables[kind][token.text] or {}) do
      replace(scan, kind, one[2], token, swap_of(one[1], scan.language))
    end
  end
  if LOGIC[token.text] then replace(scan, "condition", .5, token, LOGIC[token.text]) end
end

local TURNS = { ["-"] = .3, ["/"] = .2, ["//"] = .2, ["%"] = .3, [".."] = .6 }

-- a - b becomes b - a.
local function operands(scan, i, token)
  if not (TURNS[token.text] and is_binary(scan, i)) then return end
  local first, last = value_start(scan, i - 1), value_end(scan, i + 1)
  if not (first and last) then return end
  local tokens, text = scan.tokens, scan.text
  local a, b = tokens[first], tokens[i - 1]
  local c, d = tokens[i + 1], tokens[last]
  add(scan, "operands", TURNS[token.text], token.line, a.from, d.to,
    text:sub(c.from, d.to) .. text:sub(b.to + 1, c.from - 1) .. text:sub(a.from, b.to))
end

-- ---- conditions ---------------------------------------------------------------------

local BEFORE_CONDITION = { ["if"] = true, ["elseif"] = true, ["elif"] = true, ["while"] = true,
  ["until"] = true, ["and"] = true, ["or"] = true }

local function condition(scan, i, token)
  local behind = scan.tokens[i + 1]
  if BEFORE_CONDITION[token.text] and behind and behind.text ~= "not" then
    insert(scan, "condition", .35, token, " not")
  elseif token.text == "not" and behind then
    if scan.language == "python" and behind.text == "in" then
      add(scan, "condition", .5, token.line, token.from, behind.from - 1, "")
    else
      add(scan, "condition", .5, token.line, token.from, behind.from - 1, "")
    end
  elseif token.text == "in" and scan.language == "python" and scan.tokens[i - 2]
    and BEFORE_CONDITION[scan.tokens[i - 2].text] then
    replace(scan, "condition", .6, token, "not in")
  end
end

local TRUTH = { ["true"] = "false", ["false"] = "true", True = "False", False = "True" }

local function truth(scan, token)
  if TRUTH[token.text] then replace(scan, "truth", .25, token, TRUTH[token.text]) end
end

-- ---- numbers and bounds -------------------------------------------------------------

local function is_negative(scan, i)
  local before = scan.tokens[i - 1]
  return before and before.text == "-" and not is_binary(scan, i - 1)
end

local function number(scan, i, token)
  local value = math.tointeger(tonumber(token.text))
  if not value then return end
  if is_negative(scan, i) then
    local sign = scan.tokens[i - 1]
    add(scan, "constant", .4, token.line, sign.from, token.to, token.text)
    add(scan, "constant", .5, token.line, sign.from, token.to, "0")
    return
  end
  local near = value <= 2 and .6 or .3
  replace(scan, "constant", near, token, tostring(value + 1))
  if value > 0 then replace(scan, "constant", near, token, tostring(value - 1)) end
end

-- "+ 1" and "- 1" are taken out.
local function one_off(scan, i, token)
  local behind = scan.tokens[i + 1]
  if (token.text == "+" or token.text == "-") and is_binary(scan, i) and behind.text == "1" then
    local before = scan.tokens[i - 1]
    add(scan, "bound", .5, token.line, before.to + 1, behind.to, "")
  end
end

local BOUND_ENDS = { [","] = true, ["do"] = true, [")"] = true, ["]"] = true, ["then"] = true,
  [":"] = true }

-- What is given to these is no number.
local WALKERS = { ipairs = true, pairs = true, next = true, enumerate = true, sorted = true,
  len = true, list = true, set = true, type = true, print = true }

-- Whether the token is inside brackets that index or call, or in the head of a loop.
local function in_bounds(scan, i)
  local depth, line = 0, scan.lines[scan.tokens[i].line].text
  local walks = line:find "^for%s.-%sin%s" ~= nil
  for k = i, math.max(1, i - 40), -1 do
    local at = scan.tokens[k]
    if OPENS[at.text] then depth = depth + 1 end
    if CLOSES[at.text] then
      if depth == 0 then
        local before = scan.tokens[k - 1]
        if before and WALKERS[before.text] then return false end
        return at.text ~= "{" and before and (before.kind == "name" or before.text == "]")
      end
      depth = depth - 1
    end
    if at.line ~= scan.tokens[i].line then return false end
    if depth == 0 and (at.text == "for" or at.text == "while") then return not walks end
  end
  return false
end

local function is_head(scan, line)
  local text = scan.lines[line].text
  return text:find "^def%s" or text:find "%f[%w]function%f[^%w].*%(" ~= nil
end

-- Whether the token stands left of "=" or before "in".
local function is_target(scan, i)
  local line = scan.tokens[i].line
  local first = i
  while scan.tokens[first - 1] and scan.tokens[first - 1].line == line do first = first - 1 end
  local depth = 0
  for k = first, #scan.tokens do
    local at = scan.tokens[k]
    if at.line ~= line then return false end
    if CLOSES[at.text] then depth = depth + 1 end
    if OPENS[at.text] then depth = depth - 1 end
    if depth == 0 and (at.text == "=" or at.text == "in" and
      scan.tokens[first].text == "for") then return k > i end
  end
  return false
end

-- A value that ends a bound gets "- 1" or "+ 1" behind it.
local function bound(scan, i, token)
  local behind, before = scan.tokens[i + 1], scan.tokens[i - 1]
  if not (behind and BOUND_ENDS[behind.text] and ends_value(token)) then return end
  if token.kind == "number" or token.kind == "string" or CONSTANTS[token.text] then return end
  if is_head(scan, token.line) or not in_bounds(scan, i) then return end
  local loop = scan.lines[token.line].text:find "^for" and .5 or .25
  if before and before.text == "in" or is_target(scan, i) then return end
  insert(scan, "bound", loop, token, " - 1")
  insert(scan, "bound", loop, token, " + 1")
end

-- (i + k) % n becomes (i - 1 + k) % n: a name at the beginning of brackets.
local function inner_bound(scan, i, token)
  local before, behind = scan.tokens[i - 1], scan.tokens[i + 1]
  if token.kind == "name" and before and before.text == "(" and behind
    and (behind.text == "+" or behind.text == "-") and not is_head(scan, token.line) then
    insert(scan, "bound", .3, token, " - 1")
    insert(scan, "bound", .3, token, " + 1")
  end
end

-- ---- arguments ----------------------------------------------------------------------

-- Ranges of tokens between commas inside the brackets from..to.
local function parts(scan, from, to)
  local list, depth, first = {}, 0, from + 1
  for k = from + 1, to do
    local text = scan.tokens[k].text
    if k == to or depth == 0 and text == "," then
      if k > first then list[#list + 1] = { scan.tokens[first], scan.tokens[k - 1] } end
      first = k + 1
    end
    if CLOSES[text] then depth = depth + 1 end
    if OPENS[text] then depth = depth - 1 end
  end
  return list
end
edits.parts = parts

local function arguments(scan, i, token)
  local before = scan.tokens[i - 1]
  if token.text ~= "(" or not before or before.kind ~= "name" or is_head(scan, token.line) then
    return
  end
  local to = closing(scan, i)
  local list = to and parts(scan, i, to) or {}
  for k = 1, #list - 1 do
    local a, b, text = list[k], list[k + 1], scan.text
    add(scan, "arguments", .4, token.line, a[1].from, b[2].to, text:sub(b[1].from, b[2].to)
      .. text:sub(a[2].to + 1, b[1].from - 1) .. text:sub(a[1].from, a[2].to))
  end
end

-- ---- names --------------------------------------------------------------------------

-- Whether a name is used here as a value, and not set, called, declared or a field.
local function is_use(scan, i)
  local before, behind = scan.tokens[i - 1], scan.tokens[i + 1]
  if before and ((before.text == "." or before.text == ":")
    and before.to + 1 == scan.tokens[i].from and ends_value(scan.tokens[i - 2])
    or before.text == "local" or before.text == "for" or before.text == "function"
    or before.text == "def") then
    return false
  end
  if behind and (behind.text == "(" or behind.text == "=") then return false end
  return not is_head(scan, scan.tokens[i].line)
end

local function variable(scan, i, token)
  local known = scan.scope.at(token.line)
  if not (known.has[token.text] and is_use(scan, i)) or is_target(scan, i) then return end
  local line = scan.lines[token.line].text
  local set = line:match "^for%s+(.-)%sin%s" or line:match "^for%s+(.-)="
    or line:match "^local%s+(.-)="
  set = " " .. (set or ""):gsub("[%s,]+", " ") .. " " -- these are not there yet
  for _, name in ipairs(known.names) do
    if name ~= token.text and not set:find(" " .. name .. " ", 1, true) then
      replace(scan, "variable", .05, token, name)
    end
  end
end

local FOLLOWS_TEXT = { [":"] = true, ["."] = true, [","] = true, [")"] = true, ["in"] = true }

-- Texts are made small before they are looked at.
local function lower(scan, i, token)
  local behind = scan.tokens[i + 1]
  local known = scan.scope.at(token.line)
  if not (known.has[token.text] and is_use(scan, i)) or is_target(scan, i) then return end
  if behind and (FOLLOWS_TEXT[behind.text] or behind.line > token.line) then
    local call = scan.language == "lua" and ":lower()" or ".lower()"
    insert(scan, "lower", .04, token, call)
    replace(scan, "number", .02, token, (scan.language == "lua" and "tonumber(%s)" or "int(%s)")
      :format(token.text))
  elseif behind and behind.kind == "keyword" and scan.language == "python" then
    insert(scan, "lower", .04, token, ".lower()")
  end
end

-- A value that begins with "for … in name": the same made small, or in reverse.
local PATTERNS = {
  { "%%a%+", "%%S+" }, { "%%a%+", "%%w+" }, { "%%w%+", "%%S+" }, { "%.%*", ".-" }, { "%.%-", ".*" },
  { "%%d$", "%%02d" }, { "%%d([^%%]*)$", "%%02d%1" }, { "^", "^" }, { "$", "$" },
}

local function text_token(scan, token)
  for _, pair in ipairs(PATTERNS) do
    local put = token.text:sub(2, -2):gsub(pair[1], pair[2], 1)
    local quote = token.text:sub(1, 1)
    if quote ~= "[" and token.text:find "%%" and #put > 0 then
      replace(scan, "text", .25, token, quote .. put .. quote)
    end
  end
end

-- ---- all ----------------------------------------------------------------------------

--- Adds all changes of tokens to the scan's list.
---@param scan sim.scan
function edits.tokens(scan)
  for i, token in ipairs(scan.tokens) do
    operator(scan, i, token)
    operands(scan, i, token)
    condition(scan, i, token)
    truth(scan, token)
    one_off(scan, i, token)
    bound(scan, i, token)
    inner_bound(scan, i, token)
    arguments(scan, i, token)
    if token.kind == "number" then number(scan, i, token) end
    if token.kind == "string" then text_token(scan, token) end
    if token.kind == "name" then
      variable(scan, i, token)
      lower(scan, i, token)
    end
  end
end

return edits
