--- What a request says about a program's defect, for sim/repair: failing tests, and words.
--
-- Tests are read in any words that have a call, what it should give and what it gave, or how it
-- failed. From them follow factors on kinds of changes and on lines; criticism gives others. A clue
-- makes changes likelier, and never names one: it says "one too many", not what to write.

local kinds = require "lunagrad.world.repair_words"

local clues = {}

-- ---- values in a text ---------------------------------------------------------------

-- A literal at a place: "[1, 2]", "\"a\"", "-3", "true"; nil where none stands.
local function literal(text, at)
  at = text:find("[^%s:`'=]", at)
  if not at then return nil end
  local c = text:sub(at, at)
  if c == "[" or c == "{" or c == "(" then
    return text:match(c == "[" and "^%b[]" or c == "{" and "^%b{}" or "^%b()", at)
  elseif c == "\"" then
    local to = at
    repeat
      to = text:find("\"", to + 1, true)
    until not to or text:sub(to - 1, to - 1) ~= "\\"
    return to and text:sub(at, to)
  end
  return text:match("^%-?%d+%.?%d*e?%-?%d*", at) or text:match("^%a+%f[%A]", at)
end

local function behind(text, marks)
  local low = text:lower()
  for _, mark in ipairs(marks) do
    local _, to = low:find(mark)
    if to then return literal(text, to + 1) end
  end
end

-- The arguments in "f(…)", cut at its commas.
local function arguments(said)
  local list, depth, from, quoted = {}, 0, 2, false
  for i = 2, #said do
    local c = said:sub(i, i)
    if c == "\"" and said:sub(i - 1, i - 1) ~= "\\" then quoted = not quoted end
    if not quoted then
      if depth == 0 and (c == "," or i == #said) then
        list[#list + 1] = said:sub(from, i - 1):match "^%s*(.-)%s*$"
        from = i + 1
      end
      if c:find "[%[{(]" then depth = depth + 1 end
      if c:find "[%]})]" then depth = depth - 1 end
    end
  end
  return list
end

local WANTED = { "should give", "should return", "should be", "expected to be", "expected:?",
  "instead of", "rather than" }
local GOT = { "but gave", "but got", "gave", "returned", "but was", "got:?" }
local LIMITS = { "limit", "time", "too long", "memory", "stack overflow", "recursion" }

local function error_of(low, line)
  local failed = low:find "failed" or low:find "error" or low:find "raised"
    or low:find "did not end" or low:find "stopped"
  if not failed then return nil end
  local n = low:match("line (%d+)", failed) or line:match ":(%d+):"
  return line:sub(failed), math.tointeger(tonumber(n))
end

---@class sim.failure
---@field name string of the function
---@field args string[] as they are written
---@field want string?
---@field got string?
---@field problem string? how it failed
---@field line integer? where
---@field said string the line of the request

--- The failing tests that a text shows, each once.
---@param text string
---@return sim.failure[]
function clues.failures(text)
  local list, met = {}, {}
  for line in text:gmatch "[^\n]+" do
    local name, call = line:match "([%a_][%w_]*)(%b())"
    local low = line:lower()
    local want = name and behind(line, WANTED)
    if want and not met[name .. call] then
      local problem, at = error_of(low, line)
      local got = not problem and behind(line, GOT) or nil
      if got and got ~= want or problem then
        met[name .. call] = true
        list[#list + 1] = { name = name, args = arguments(call), want = want, got = got,
          problem = problem, line = at, said = name .. call }
      end
    end
  end
  return list
end

-- ---- what a failing test suggests ----------------------------------------------------

local function raise(factors, more)
  for name, factor in pairs(more) do factors[name] = (factors[name] or 1) * factor end
end

local function numbers(factors, want, got)
  if math.abs(got - want) == 1 then
    raise(factors, { bound = 3, compare = 2.5, constant = 2.5, guard = 1.5, initial = 1.5 })
  elseif got == -want then
    raise(factors, { operands = 5, arithmetic = 3, compare = 2, initial = 1.5 })
  elseif math.floor(want) ~= want or math.floor(got) ~= got then
    raise(factors, { division = 12, order = 3, variable = 2 })
  elseif got == 0 or got == 1 then
    raise(factors, { initial = 3, condition = 2, compare = 2, guard = 1.5, delete = 1.5 })
  elseif got == -1 then
    raise(factors, { delete = 2.5, compare = 2.5, bound = 2, condition = 1.5 })
  else
    raise(factors, { arithmetic = 2, variable = 2, constant = 1.5, initial = 1.5, order = 1.5 })
  end
end

local function sorted_letters(text)
  local list = { text:lower():byte(1, -1) }
  table.sort(list)
  return table.concat(list, ",")
end

local function texts(factors, want, got)
  if want:lower() == got:lower() then
    raise(factors, { lower = 6, text = 1.5, constant = 1.5 })
  elseif sorted_letters(want) == sorted_letters(got) then
    raise(factors, { operands = 6, arguments = 2, order = 2, arithmetic = 1.5 })
  elseif math.abs(#want - #got) == 1 then
    raise(factors, { bound = 3, constant = 3, text = 3, compare = 1.5 })
  else
    raise(factors, { constant = 2, text = 2, bound = 1.5, guard = 1.5 })
  end
end

local function count(list) return #arguments("(" .. list:sub(2, -2) .. ")") end

local function lists(factors, want, got)
  if sorted_letters(want) == sorted_letters(got) then
    raise(factors, { compare = 3, bound = 2.5, copy = 2.5, order = 2, operands = 1.5 })
  elseif want:find "%d" and count(want) == count(got) then
    raise(factors, { order = 3, copy = 3, variable = 2, bound = 1.5, arithmetic = 1.5 })
  else
    raise(factors, { bound = 3, compare = 3, condition = 2.5, constant = 1.5 })
  end
end

local function is_nothing(said) return said == "nil" or said == "None" or said == "null" end

local function is_truth(said) return said:lower() == "true" or said:lower() == "false" end

-- Where loops do nothing and recursion ends.
local EDGES = { ["0"] = true, ["1"] = true, ["[]"] = true, ["{}"] = true, ["\"\""] = true }

local function is_edge(failure)
  for _, said in ipairs(failure.args) do
    if EDGES[said] then return true end
  end
  return false
end

local function suggested(factors, failure)
  local want, got = failure.want, failure.got
  if is_edge(failure) then
    raise(factors, { guard = 3, initial = 2, compare = 1.5, constant = 1.5 })
  else
    raise(factors, { guard = .2 }) -- one ordinary value is no special case
  end
  if failure.problem then
    local low, slow = failure.problem:lower(), false
    for _, word in ipairs(LIMITS) do slow = slow or low:find(word, 1, true) ~= nil end
    if slow then
      raise(factors, { slow = 12, compare = 3, division = 3, variable = 2, arithmetic = 2 })
    elseif low:find "argument" or low:find "type" then
      raise(factors, { arguments = 8, number = 4, operands = 2, variable = 2 })
    elseif low:find "nil" or low:find "none" or low:find "index" then
      raise(factors, { bound = 5, initial = 3, compare = 2, ["return"] = 2, variable = 2 })
    else
      raise(factors, { bound = 2, arguments = 2, variable = 2 })
    end
  elseif is_nothing(got) then
    raise(factors, { ["return"] = 12, guard = 1.5 })
  elseif is_truth(want) then
    raise(factors, { compare = 2.5, condition = 2, truth = 2, bound = 2, lower = 2,
      constant = 1.5 })
  elseif want:find "^\"" and got:find "^\"" then
    texts(factors, want, got)
  elseif want:find "^[%[{]" and got:find "^[%[{]" then
    lists(factors, want, got)
  elseif tonumber(want) and tonumber(got) then
    numbers(factors, tonumber(want), tonumber(got))
  end
end

local MOST = 3 -- failing tests that are thought about

--- Factors on kinds and on lines that follow from failing tests.
---@param failures sim.failure[]
---@return table<string, number> by_kind
---@return table<integer, number> by_line
function clues.of_tests(failures)
  local by_kind, by_line = {}, {}
  for i = 1, math.min(#failures, MOST) do
    suggested(by_kind, failures[i])
    if failures[i].line then by_line[failures[i].line] = 6 end
  end
  for kind, factor in pairs(by_kind) do by_kind[kind] = math.min(factor, 20) end
  return by_kind, by_line
end

-- ---- what is said in words ------------------------------------------------------------

local SUGGESTS = { "perhaps `([^`]+)`", "should be `([^`]+)`", "should read `([^`]+)`",
  "try `([^`]+)`", "instead `([^`]+)`", "with `([^`]+)`", "[tT]o `([^`]+)`" }

-- "… perhaps `x >= limit`": what should stand there.
local function suggestion(said)
  for _, pattern in ipairs(SUGGESTS) do
    local new = said:match(pattern)
    if new then return new:match "^%s*(.-)%s*$" end
  end
end

---@class sim.hint
---@field line integer? that it speaks of
---@field kinds table<string, boolean>
---@field new string? what should stand in the line instead

--- The sentences of a text that speak of a line of the program, or of a call, as hints.
---@param text string
---@return sim.hint[]
function clues.hints(text)
  local list = {}
  for said in text:gmatch "[^\n]+" do
    local at = said:match "%f[%a][Ll]ine%s+(%d+)"
    local is_test = not at and behind(said, WANTED)
    if at or said:find "[%a_][%w_]*%(" and not is_test then
      local found = kinds.of(said)
      if at or next(found) then
        list[#list + 1] = { line = math.tointeger(tonumber(at)), kinds = found,
          new = suggestion(said) }
      end
    end
  end
  return list
end

local NEW, SAME, SAME_LINE, SAME_KIND, TOLD = 600, 40, 4, 3, 4

--- How much likelier hints make a change.
---@param hints sim.hint[]
---@param change sim.change with after, its line when it is made
---@return number
function clues.factor(hints, change)
  local best = 1
  for _, hint in ipairs(hints) do
    local fits, there = hint.kinds[change.kind], hint.line == change.line
    local factor = hint.line and (there and (fits and SAME or SAME_LINE) or fits and SAME_KIND)
      or fits and not hint.line and TOLD or 1
    if there and hint.new and change.after:find(hint.new, 1, true) then factor = NEW end
    best = math.max(best, factor)
  end
  return best
end

--- Changes that a text says were tried: old line → new lines that did not help, from
--- "`old` … `new`" with a word of failure or of trying.
---@param text string
---@return table<string, table<string, boolean>>
function clues.tried(text)
  local tried = {}
  for said in text:gmatch "[^\n]+" do
    local low = said:lower()
    if low:find "changed from" or low:find "tried" or low:find "did not help" then
      for old, new in said:gmatch "`([^`]+)`[^`]+`([^`]*)`" do
        tried[old] = tried[old] or {}
        tried[old][new] = true
      end
    end
  end
  return tried
end

return clues
