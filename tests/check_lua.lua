--- check_lua.lua - what luacheck does not see in Lua files: functions that are too long, and loops
-- that change their own variable, which Lua 5.5 refuses.
--
-- Usage: lua5.4 tests/check_lua.lua FILE…
--
-- Reads words and signs, not a grammar: enough to know where a block ends and whose it is.

local MOST_LINES = 80

local bad = 0
local function complain(path, line, ...)
  io.stdout:write(("%s:%d: "):format(path, line), string.format(...), "\n")
  bad = bad + 1
end

-- The words and signs of a text with their lines; strings are one sign, comments none.
local function tokens(text)
  local list, at, line = {}, 1, 1
  local function skip(to)
    line = line + select(2, text:sub(at, to):gsub("\n", ""))
    at = to + 1
  end
  local function long(from) -- of a string or comment [==[ … ]==] that begins there
    local equals = text:match("^%[(=*)%[", from)
    return equals and select(2, text:find("]" .. equals .. "]", from, true))
  end
  local function quoted()
    local mark, to = text:sub(at, at), at + 1
    while to <= #text and text:sub(to, to) ~= mark do
      to = to + (text:sub(to, to) == "\\" and 2 or 1)
    end
    return to
  end
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "%s" then
      skip(select(2, text:find("^%s+", at)))
    elseif text:find("^%-%-", at) then
      skip(long(at + 2) or (text:find("\n", at, true) or #text + 1) - 1)
    else
      local first, to = line
      local kind = c:find "[%a_]" and "word" or "sign"
      if c == '"' or c == "'" then
        to, kind = quoted(), "string"
      elseif c == "[" and long(at) then
        to, kind = long(at), "string"
      else
        local form = kind == "word" and "^[%w_]+" or c:find "%d" and "^[%w.]+" or "^[=<>~]="
        to = select(2, text:find(form, at)) or at
      end
      list[#list + 1] = { text = kind == "string" and "" or text:sub(at, to), line = first,
        kind = kind }
      skip(to)
    end
  end
  return list
end

local OPENS = { ["do"] = true, ["then"] = true, ["repeat"] = true, ["function"] = true }
local KEYWORDS = { ["in"] = true, ["local"] = true, ["for"] = true }

-- Whether the name at i is what a statement gives a value: "i =", or one of "a, i = …".
local function is_assigned(list, i)
  local before = list[i - 1] and list[i - 1].text
  if before == "." or before == ":" or KEYWORDS[before] then return false end
  local k = i + 1
  while list[k] and list[k].text == "," and list[k + 1] and list[k + 1].kind == "word" do
    k = k + 2
  end
  return list[k] and list[k].text == "=" or false
end

local function check(path)
  local file = assert(io.open(path, "rb"))
  local list = tokens(file:read "a")
  file:close()
  local blocks, brackets, variable, loop = {}, {}, nil, false
  local function is_loops(name)
    for i = #blocks, 1, -1 do
      local of = blocks[i].names[name]
      if of ~= nil then return of end
    end
    return false
  end
  local function open(one, token)
    blocks[#blocks + 1] = { what = one, line = token.line, names = {}, brackets = #brackets }
  end
  local function close(token)
    local block = table.remove(blocks)
    local lines = block and token.line - block.line or 0
    if block and block.what == "function" and lines > MOST_LINES then
      complain(path, block.line, "a function of %d lines: %d at most", lines, MOST_LINES)
    end
  end
  for i, token in ipairs(list) do
    local word = token.text
    if token.kind == "sign" and word:find "^[%[({]$" then
      brackets[#brackets + 1] = word
    elseif token.kind == "sign" and word:find "^[%])}]$" then
      brackets[#brackets] = nil
    elseif word == "for" then
      variable = list[i + 1].text
    elseif word == "while" then
      loop = true
    elseif word == "elseif" or word == "else" then
      if word == "elseif" then blocks[#blocks] = nil end
    elseif OPENS[word] and token.kind == "word" then
      open(word, token)
      if word == "do" and variable then
        blocks[#blocks].names[variable], variable = true, nil
      elseif word == "do" and loop then
        loop = false
      elseif word == "function" then -- its parameters are other variables
        local k = i + 1
        while list[k] and list[k].text ~= "(" do k = k + 1 end
        while list[k] and list[k].text ~= ")" do
          blocks[#blocks].names[list[k].text] = false
          k = k + 1
        end
      end
    elseif word == "end" or word == "until" then
      close(token)
    elseif word == "local" and #blocks > 0 then
      local k = i + 1
      while list[k] and list[k].kind == "word" do
        blocks[#blocks].names[list[k].text] = false
        k = list[k + 1] and list[k + 1].text == "," and k + 2 or #list + 1
      end
    elseif token.kind == "word" and brackets[#brackets] ~= "{" and is_loops(word)
      and is_assigned(list, i) then
      complain(path, token.line, "%s is the loop's own variable, which Lua 5.5 does not let change",
        word)
    end
  end
end

for _, path in ipairs(arg) do check(path) end
os.exit(bad == 0 and 0 or 1)
