--- Programming problems from a file, in the form of lg.task.repair.problems.
--
-- Reads the project's own form (JSON lines with shown and hidden tests), and HumanEval's, MBPP's
-- and LeetCode-like files by lg.task.programs. Of those, the examples in the statement are the
-- shown tests, and the file's own judge.

local core = require "lunagrad.core"
local data = require "lunagrad.data"
local programs = require "lunagrad.task.programs"
local reading = require "lunagrad.task.reading"
local source = require "lunagrad.source"

local file = {}

local get = data.get

-- ---- the project's own form ------------------------------------------------------------

local function tests_of(object, name, bad)
  local list, tests = get(object, name), {}
  if type(list) ~= "table" then bad(("%q is no list of tests"):format(name)) end
  for i, test in ipairs(list) do
    local args = type(test) == "table" and get(test, "args")
    if type(args) ~= "table" or next(args) ~= nil and args[1] == nil then
      bad(("test %d of %q has no list \"args\""):format(i, name))
    end
    local expect = get(test, "expect")
    if expect == nil then bad(("test %d of %q has no \"expect\""):format(i, name)) end
    tests[i] = { args = args, expect = expect }
  end
  return tests
end

local function own(object, bad, i)
  local language = get(object, "language", "lua")
  if language ~= "lua" and language ~= "python" then
    bad(("\"language\" is \"lua\" or \"python\", not %s"):format(tostring(language)))
  end
  local start = get(object, "start")
  if start == core.null then start = nil end
  if start ~= nil and type(start) ~= "string" then bad "\"start\" is no text" end
  local id = get(object, "id", i)
  return { id = math.type(id) and core.number_text(id) or tostring(id),
    question = reading.text(object, { "question" }, bad),
    entry_point = reading.text(object, { "entry_point" }, bad), language = language,
    start = start, shown = tests_of(object, "shown", bad),
    hidden = tests_of(object, "hidden", bad) }
end

-- ---- published forms ---------------------------------------------------------------------

-- What stands between ">>> f(1)" and the next blank or prompt, as checks.
local function doctests(question)
  local checks, call = {}, nil
  for line in (question .. "\n"):gmatch "(.-)\r?\n" do
    local asked = line:match "^%s*>>>%s*(.-)%s*$"
    local said = line:match "^%s*(.-)%s*$"
    if asked then
      call = asked
    elseif call then
      local is_value = said ~= "" and not said:find "^\"\"\"" and not said:find "^'''"
      if is_value then checks[#checks + 1] = { code = ("assert %s == %s"):format(call, said) } end
      call = nil
    end
  end
  return checks
end

-- The asserts of a test text that are one line each, behind what stands before the first.
local function asserts(tests)
  local before, list = "", {}
  for line in (tests .. "\n"):gmatch "(.-)\r?\n" do
    if line:find "^assert%s" then
      list[#list + 1] = { code = before .. line }
    elseif #list == 0 and line:find "%S" then
      before = before .. line .. "\n"
    end
  end
  return list
end

-- How many of MBPP's tests a prompt shows: the first one; the others judge.
local function published(row)
  local shown = doctests(row.question)
  if #shown == 0 and row.form == "mbpp" then shown = { asserts(row.tests)[1] } end
  local hidden = { { code = row.tests } }
  local more = get(row, "challenge_tests")
  if type(more) == "string" then hidden[2] = { code = more } end
  return { id = row.id, question = row.question, entry_point = row.entry_point,
    language = "python", shown = shown, hidden = hidden }
end

-- ---- both --------------------------------------------------------------------------------

local function is_own(path)
  local text = source.clean(source.read_file(path, "lg.task.repair.read"), path,
    "lg.task.repair.read")
  local first = data.jsonl_text(text, path)[1]
  return type(first) == "table" and (get(first, "shown") ~= nil or get(first, "hidden") ~= nil)
end

--- Problems from a file. Its own form is JSON lines with question, entry_point, shown and hidden
--- (lists of {"args": […], "expect": …}), and, where there are, id, language ("lua", the default,
--- or "python") and start (a program to begin with). HumanEval's, MBPP's and LeetCode-like files are
--- read as lg.task.programs reads them: Python without a start; shown is what the statement has as
--- examples (of MBPP the first test).
---@param path string
---@return lunagrad.dataset
function file.read(path)
  if is_own(path) then return reading.json(path, "lg.task.repair.read", own) end
  local rows = {}
  for i, row in ipairs(programs.read(path)) do rows[i] = published(row) end
  return data.list(rows)
end

return file
