--- Changes of statements, for sim/repair: guards, first values, copies, returns, order, memory.
--
-- As repair_edits, but a line or more at once. What a guard returns is taken from the failing
-- tests that the request shows, if any; so a repair may fit those alone, as such repairs do.

local edits = require "lunagrad.world.repair_edits"

local templates = {}

local add = edits.add

-- A line is put before line n.
local function line_before(scan, kind, prior, n, text)
  local line = scan.lines[n]
  if line then add(scan, kind, prior, n, line.from, line.from - 1, text .. "\n") end
end

-- ---- first values -------------------------------------------------------------------

local EXTREMES = {
  lua = { "-math.huge", "math.huge" }, python = { "float(\"-inf\")", "float(\"inf\")" },
}

-- "local best = 0": the first item of a list, or what is below or above all.
local function initial(scan, n, line)
  local fn = scan.scope.at(n)
  local is_set = line.text:find "^local%s+[%a_][%w_%s,]*=" or scan.language == "python"
    and line.text:find "^[%a_][%w_%s,]*=[^=]"
  if not is_set or line.indent ~= fn.indent then return end
  for _, token in ipairs(scan.tokens) do
    local value = token.line == n and (token.kind == "number" or token.text == "nil"
      or token.text == "None")
    if value and (token.text == "0" or token.text == "1" or token.kind == "keyword") then
      local first = scan.language == "lua" and "[1]" or "[0]"
      for _, param in ipairs(fn.params) do
        add(scan, "initial", .3, n, token.from, token.to, param .. first)
      end
      for _, extreme in ipairs(EXTREMES[scan.language]) do
        add(scan, "initial", .25, n, token.from, token.to, extreme)
      end
      for _, other in ipairs { "0", "1" } do
        add(scan, "initial", .3, n, token.from, token.to, other)
      end
    end
  end
end

-- ---- guards -------------------------------------------------------------------------

local function as_literal(said, language)
  if language == "python" then
    return (said:gsub("%f[%a]true%f[%A]", "True"):gsub("%f[%a]false%f[%A]", "False"))
  end
  return (said:gsub("%[", "{"):gsub("%]", "}"):gsub("True", "true"):gsub("False", "false"))
end

local function is_empty(said) return said == "[]" or said == "{}" or said == "\"\"" end

-- Conditions under which a parameter is such an argument, the general ones first.
local function conditions(param, said, language)
  local list = {}
  if is_empty(said) then
    list[1] = { language == "lua" and "#" .. param .. " == 0" or "not " .. param, 1 }
  elseif said == "0" then
    list = { { param .. " == 0", 1 }, { param .. " <= 0", .5 }, { param .. " < 1", .2 } }
  elseif said:find "^%-?%d+$" then
    list = { { param .. " == " .. said, .3 }, { param .. " < 0", said:find "^%-" and .5 or 0 } }
  elseif said:find "^\".*\"$" then
    list[1] = { param .. " == " .. said, .15 }
  end
  return list
end

local function guard_text(fn, language, condition, value)
  if language == "python" then
    return ("%sif %s:\n%s    return %s"):format(fn.indent, condition, fn.indent, value)
  end
  return ("%sif %s then\n%s%sreturn %s\n%send"):format(fn.indent, condition, fn.indent, fn.indent,
    value, fn.indent)
end

local function guards(scan, fn, failures)
  for _, failure in ipairs(failures) do
    if failure.name == fn.name and failure.want then
      local value = as_literal(failure.want, scan.language)
      for k, said in ipairs(failure.args) do
        local param = fn.params[k]
        for _, one in ipairs(param and conditions(param, said, scan.language) or {}) do
          if one[2] > 0 then
            line_before(scan, "guard", .6 * one[2], fn.head + 1,
              guard_text(fn, scan.language, one[1], value))
          end
        end
      end
    end
  end
end

-- ---- what is given is left alone -----------------------------------------------------

local COPY = { lua = "{ table.unpack(%s) }", python = "list(%s)" }

local function copies(scan, fn)
  for n = fn.head + 1, fn.last do
    local line = scan.lines[n]
    for _, param in ipairs(fn.params) do
      local copy = COPY[scan.language]:format(param)
      local at = line.text:match("=%s*()" .. param .. "$")
      if at then
        local from = line.from + #line.indent + at - 1
        add(scan, "copy", .5, n, from, from + #param - 1, copy)
      end
      if line.text:find("%(" .. param .. "%f[^%w_]") and line.text:find "sort"
        or line.text:find("^" .. param .. "[.:]") then
        line_before(scan, "copy", .3, fn.head + 1, ("%s%s = %s"):format(fn.indent, param, copy))
      end
    end
  end
end

-- "items=[]" in Python is one list for all calls.
local function shared_default(scan, fn)
  local head = scan.lines[fn.head]
  local at, param, default, behind = head.text:match "()([%a_][%w_]*)%s*=%s*([%[{][%]}])()"
  if not at or scan.language ~= "python" then return end
  local put = ("%s=None%s\n%sif %s is None:\n%s    %s = %s"):format(param, head.text:sub(behind),
    fn.indent, param, fn.indent, param, default)
  add(scan, "copy", .9, fn.head, head.from + at - 1, head.to, put)
end

-- ---- returns ------------------------------------------------------------------------

local function returns(scan, fn)
  local last = fn.last - (scan.language == "lua" and 1 or 0)
  local line = scan.lines[last]
  if not line or last <= fn.head then return end
  if line.text:find "^return" then
    local value = line.text:match "^return%s+([Tt]rue)$"
    for _, name in ipairs(value and fn.names or {}) do
      add(scan, "truth", .2, last, line.from, line.to, ("%sreturn %s == 0"):format(line.indent,
        name))
    end
    return
  end
  for _, name in ipairs(fn.names) do
    add(scan, "return", .8, last, line.to + 1, line.to, ("\n%sreturn %s"):format(fn.indent, name))
  end
  local set = line.text:match "^[%a_][%w_%s]*=%s*(.+)$"
  if set then
    add(scan, "return", .5, last, line.from, line.to, ("%sreturn %s"):format(line.indent, set))
  end
end

-- ---- statements ---------------------------------------------------------------------

local HEADS = { "^if%f[^%w]", "^else", "^elif", "^for%f[^%w]", "^while", "^end", "^def", "^until",
  "^repeat", "function", "^%-%-", "^#", "do$", "then$", ":$" }

local function is_simple(line)
  if line.text == "" then return false end
  for _, pattern in ipairs(HEADS) do
    if line.text:find(pattern) then return false end
  end
  return true
end

local function statements(scan, fn)
  for n = fn.head + 1, fn.last do
    local line, behind = scan.lines[n], scan.lines[n + 1]
    if is_simple(line) and line.indent ~= "" then
      add(scan, "delete", line.text:find "^return" and .3 or .1, n, line.from, line.to + 1, "")
      local both = behind and is_simple(behind) and behind.indent == line.indent
      if both and not line.text:find "^return" and not behind.text:find "^return" then
        add(scan, "order", .4, n, line.from, behind.to, scan.text:sub(behind.from, behind.to)
          .. "\n" .. scan.text:sub(line.from, line.to))
      end
    end
  end
end

-- ---- what takes too long ------------------------------------------------------------

local REMEMBERED = [[

local plain_NAME, known_NAME = NAME, {}

function NAME(PARAM)
  if known_NAME[PARAM] == nil then
    known_NAME[PARAM] = plain_NAME(PARAM)
  end
  return known_NAME[PARAM]
end
]]

-- A function of one value that calls itself remembers what it returned.
local function memory(scan, fn)
  local body = scan.text:sub(scan.lines[fn.head].to + 1, scan.lines[fn.last].to)
  if #fn.params ~= 1 or not body:find("%f[%w_]" .. fn.name .. "%(") then return end
  if scan.language == "python" then
    line_before(scan, "slow", .3, fn.head,
      "from functools import lru_cache\n\n\n@lru_cache(maxsize=None)")
  elseif fn.name:find "^[%a_][%w_]*$" then
    local to = #scan.text
    add(scan, "slow", .3, fn.last, to + 1, to,
      (REMEMBERED:gsub("NAME", fn.name):gsub("PARAM", fn.params[1])))
  end
end

-- "while i < n": up to the root of n.
local function roots(scan, fn)
  for n = fn.head + 1, fn.last do
    local line = scan.lines[n]
    local at, i, limit, to = line.text:match "^while%s+()([%a_][%w_]*)%s*<=?%s*([%a_][%w_]*)()"
    if at then
      local from = line.from + #line.indent
      add(scan, "slow", .3, n, from + at - 1, from + to - 2, ("%s * %s <= %s"):format(i, i, limit))
    end
  end
end

-- ---- all ----------------------------------------------------------------------------

--- Adds all changes of statements to the scan's list.
---@param scan sim.scan
---@param failures table[] failing tests that the request shows: { name, args, want }
function templates.statements(scan, failures)
  for n, line in ipairs(scan.lines) do initial(scan, n, line) end
  for _, fn in ipairs(scan.scope.list) do
    guards(scan, fn, failures)
    copies(scan, fn)
    shared_default(scan, fn)
    returns(scan, fn)
    statements(scan, fn)
    memory(scan, fn)
    roots(scan, fn)
  end
end

return templates
