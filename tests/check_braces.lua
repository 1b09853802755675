--- check_braces.lua - one brace style in C: a body of one line stands without, any other with;
-- and where one branch of an if has braces, all have.
--
-- Usage: lua5.4 tests/check_braces.lua [--fix] FILE…
--
-- Reads words and signs, not a grammar: enough to know where a statement ends. What the
-- preprocessor reads is passed over. --fix puts in and takes out; clang-format lays out.

local fix = arg[1] == "--fix" and table.remove(arg, 1) ~= nil

local CONTROL = { ["if"] = true, ["for"] = true, ["while"] = true, ["do"] = true,
  ["switch"] = true, ["else"] = true }
local CLOSES = { ["("] = ")", ["{"] = "}", ["["] = "]" }

-- A comment, a literal or a line of the preprocessor that begins at `at`: its last place.
local function skipped(text, at)
  if text:find("^/%*", at) then return (select(2, text:find("*/", at + 2, true))) end
  if text:find("^//", at) then return (text:find("\n", at, true) or #text + 1) - 1 end
  if text:find("^#", at) and text:sub(1, at - 1):find "\n[ \t]*$" then
    local to = text:find("\n", at, true)
    while to and text:sub(to - 1, to - 1) == "\\" do to = text:find("\n", to + 1, true) end
    return (to or #text + 1) - 1
  end
end

local function literal(text, at)
  local mark, to = text:sub(at, at), at + 1
  while to <= #text and text:sub(to, to) ~= mark do
    to = to + (text:sub(to, to) == "\\" and 2 or 1)
  end
  return to
end

-- Words, literals and signs, with where they begin and end; and places of comments.
local function tokens(text)
  local list, comments, at = {}, {}, 1
  while at <= #text do
    local to = skipped(text, at)
    if to then
      if text:find("^/", at) then comments[#comments + 1] = at end
    elseif text:find("^%s", at) then
      to = select(2, text:find("^%s+", at))
    else
      local c = text:sub(at, at)
      to = (c == '"' or c == "'") and literal(text, at)
        or select(2, text:find("^[%w_]+", at)) or at
      list[#list + 1] = { text = text:sub(at, to), from = at, to = to }
    end
    at = to + 1
  end
  return list, comments
end

-- The token that closes what the one at i opens.
local function closing(list, i)
  local depth = 0
  for k = i, #list do
    local sign = list[k].text
    if CLOSES[sign] then
      depth = depth + 1
    elseif sign == ")" or sign == "}" or sign == "]" then
      depth = depth - 1
      if depth == 0 then return k end
    end
  end
  return #list
end

local statement_end

-- Behind the condition of the control statement at i.
local function body_of(list, i)
  local word = list[i].text
  if word == "do" or word == "else" then return i + 1 end
  return closing(list, i + 1) + 1
end

function statement_end(list, i)
  local word = list[i] and list[i].text
  if not word then return #list end
  if word == "{" then return closing(list, i) end
  if not CONTROL[word] then
    while list[i] and list[i].text ~= ";" do
      i = CLOSES[list[i].text] and closing(list, i) + 1 or i + 1
    end
    return math.min(i, #list)
  end
  local e = statement_end(list, body_of(list, i))
  if word == "do" then return closing(list, e + 2) + 1 end
  if word == "if" and list[e + 1] and list[e + 1].text == "else" then
    return statement_end(list, e + 2)
  end
  return e
end

local function line_of(text, place)
  return select(2, text:sub(1, place):gsub("\n", "")) + 1
end

-- From a body's first token: whether it has braces, whether it must, and its last token.
local function look(S, i)
  local text, list = S.text, S.list
  local braced, e = list[i].text == "{", statement_end(list, i)
  local first, last = i, e
  if braced then
    first, last = i + 1, e - 1
    if first > last or statement_end(list, first) ~= last then return braced, true, e end
  end
  if CONTROL[list[first].text] or list[first].text == "{" or list[first + 1].text == ":" then
    return braced, true, e
  end
  if text:sub(list[first].from, list[last].to):find "\n" then return braced, true, e end
  for _, at in ipairs(S.comments) do
    if at > list[i].from and at < list[e].to and text:sub(1, at - 1):find "\n[ \t]*$" then
      return braced, true, e
    end
  end
  return braced, false, e
end

local function put(S, place, what, take) S.edits[#S.edits + 1] = { place, what, take or 0 } end

local function set(S, body, wanted)
  local i, e, braced = table.unpack(body)
  if braced == wanted then return end
  S.bad = S.bad + 1
  if not fix then
    io.stdout:write(("%s:%d: %s\n"):format(S.path, line_of(S.text, S.list[i].from),
      wanted and "a body of several lines, or beside one, needs braces"
      or "a body of one line has no braces"))
  elseif wanted then
    put(S, S.list[i - 1].to + 1, " {")
    put(S, S.list[e].to + 1, "\n}")
  else
    put(S, S.list[i].from, "", 1)
    put(S, S.list[e].from, "", 1)
  end
end

-- The body of the control statement at i, and those of all its else.
local function chain(S, i)
  local list, bodies, needs, k = S.list, {}, false, i
  while k do
    local b = body_of(list, k)
    local braced, must, e = look(S, b)
    bodies[#bodies + 1], needs, S.done[k] = { b, e, braced }, needs or must, true
    local other = list[i].text == "if" and list[k].text ~= "else" and list[e + 1]
      and list[e + 1].text == "else" and e + 1
    k = other and (list[other + 1].text == "if" and other + 1 or other)
  end
  for _, body in ipairs(bodies) do set(S, body, needs) end
end

local function rewrite(S)
  table.sort(S.edits, function(a, b) return a[1] > b[1] end)
  local text = S.text
  for _, edit in ipairs(S.edits) do
    text = text:sub(1, edit[1] - 1) .. edit[2] .. text:sub(edit[1] + edit[3])
  end
  local file = assert(io.open(S.path, "wb"))
  file:write(text)
  file:close()
end

local HAS_BODY = { ["if"] = true, ["for"] = true, ["while"] = true }

local function check(path)
  local file = assert(io.open(path, "rb"))
  local S = { path = path, text = file:read "a", edits = {}, done = {}, bad = 0 }
  file:close()
  S.list, S.comments = tokens(S.text)
  local list = S.list
  for i, token in ipairs(list) do
    if token.text == "do" then S.done[statement_end(list, i + 1) + 1] = true end -- its while
    if HAS_BODY[token.text] and not S.done[i] and list[i + 1] and list[i + 1].text == "(" then
      local b = body_of(list, i)
      if list[b] and list[b].text ~= ";" then chain(S, i) end
    end
  end
  if #S.edits > 0 then rewrite(S) end
  return S.bad
end

local bad = 0
for _, path in ipairs(arg) do bad = bad + check(path) end
if fix then io.stdout:write(("%d bodies changed\n"):format(bad)) end
os.exit((fix or bad == 0) and 0 or 1)
