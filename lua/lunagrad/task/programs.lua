--- Programming problems: HumanEval's, MBPP's and LeetCode-style files, as rows of one form.
--
-- Reads only. What a model writes for such a row is run by whoever has a sandbox for it.

local core = require "lunagrad.core"
local data = require "lunagrad.data"
local reading = require "lunagrad.task.reading"

local programs = {}

local get = data.get

-- A field that is a text, or a list of lines; nil when it is missing or empty.
local function lines_of(object, name, bad)
  local value = get(object, name)
  if type(value) == "string" then return value:find "%S" and value or nil end
  if value == nil or value == core.null then return nil end
  if type(value) ~= "table" then bad(("%q is no text and no list"):format(name)) end
  for i, line in ipairs(value) do
    if type(line) ~= "string" then bad(("item %d of %q is no text"):format(i, name)) end
  end
  return #value > 0 and table.concat(value, "\n") or nil
end

-- The function that MBPP's tests call: the last one of the reference solution that they name.
local function tested_function(code, tests)
  local found
  for name in ("\n" .. code):gmatch "\ndef%s+([%a_][%w_]*)" do
    if tests:find("%f[%w_]" .. name .. "%s*%(") then found = name end
  end
  return found
end

local function mbpp(object, bad)
  local code = reading.text(object, { "code" }, bad)
  local shown = lines_of(object, "test_list", bad) or bad "\"test_list\" is empty"
  local before = lines_of(object, "test_setup_code", bad) or lines_of(object, "test_imports", bad)
  local entry = tested_function(code, shown)
  if not entry then bad "no test calls a function of \"code\"" end
  return { question = reading.text(object, { "text", "prompt" }, bad), answer = code,
    entry_point = entry, tests = (before and before .. "\n" or "") .. shown .. "\n",
    challenge_tests = lines_of(object, "challenge_test_list", bad) }
end

-- HumanEval's test is a function check(candidate) that is called on the entry point.
local function humaneval(object, bad)
  local entry = reading.text(object, { "entry_point" }, bad)
  local prompt = reading.text(object, { "prompt" }, bad)
  local body = lines_of(object, "canonical_solution", bad)
  return { question = prompt, answer = body and prompt .. body,
    entry_point = entry,
    tests = ("%s\n\ncheck(%s)\n"):format(reading.text(object, { "test" }, bad), entry) }
end

-- LeetCode's problems have many forms: a description, a start of the program, and asserts or a check.
local function leetcode(object, bad)
  local question = reading.text(object, { "problem_description", "description", "prompt" }, bad)
  local start = lines_of(object, "starter_code", bad) or lines_of(object, "signature", bad)
  local entry = reading.text(object, { "entry_point" }, bad)
  local tests = lines_of(object, "test", bad) or lines_of(object, "tests", bad)
    or lines_of(object, "test_list", bad) or bad "there is no \"test\" or \"tests\""
  if tests:find "%f[%w_]def%s+check%s*%(" then
    tests = ("%s\n\ncheck(%s)\n"):format(tests, entry)
  end
  return { question = start and question .. "\n\n" .. start or question, entry_point = entry,
    answer = lines_of(object, "completion", bad) or lines_of(object, "canonical_solution", bad),
    tests = tests }
end

local function reader_of(object)
  if get(object, "code") ~= nil and get(object, "test_list") ~= nil then return mbpp, "mbpp" end
  if get(object, "test") ~= nil and get(object, "prompt") ~= nil
    and get(object, "problem_description") == nil then
    return humaneval, "humaneval"
  end
  return leetcode, "leetcode"
end

--- Programming problems from HumanEval's or MBPP's file, or LeetCode's in their manner (JSON lines, or
--- one JSON list): rows with question (what is to be written), entry_point (the function that is
--- called), tests (Python that raises where the program is wrong, to stand behind it), id, form
--- ("humaneval", "mbpp" or "leetcode"), and, where the file has them, answer (the published
--- program) and challenge_tests. Nothing is run.
---@param path string
---@return lunagrad.dataset
function programs.read(path)
  return reading.json(path, "lg.task.programs", function(object, bad, i)
    local read, form = reader_of(object)
    local row = read(object, bad)
    local id = get(object, "task_id", get(object, "question_id", i))
    row.id = math.type(id) and core.number_text(id) or tostring(id)
    row.form = form
    return row
  end)
end

return programs
