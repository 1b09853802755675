--- Programs with a planted defect, in Lua and Python: what is to be repaired, and how it is judged.
--
-- Each problem has a statement, a program that does not do what it says, a few tests to work with
-- and more that only judge. The problems themselves are tables beside this file; what solves them
-- stands nowhere in here. Nothing is run: that is lunagrad.task.program_tests.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local file = require "lunagrad.task.repair.file"

local repair = { read = file.read }

local FILES = {
  { "lua", require "lunagrad.task.repair.numbers" },
  { "lua", require "lunagrad.task.repair.lists" },
  { "lua", require "lunagrad.task.repair.texts" },
  { "python", require "lunagrad.task.repair.python" },
}

-- Lines "arguments -> what is right", both JSON, as tests.
local function tests_of(lines)
  local tests = {}
  for line in lines:gmatch "[^\n]+" do
    local args, expect = line:match "^(.+) %-> (.+)$"
    tests[#tests + 1] = { args = core.json_decode(args), expect = core.json_decode(expect) }
  end
  return tests
end

local function row_of(problem, language)
  return {
    id = problem.id, question = problem.question, entry_point = problem.entry_point,
    language = language, start = problem.start, defect = problem.defect,
    shown = tests_of(problem.shown), hidden = tests_of(problem.hidden),
  }
end

--- The problems, in a fixed order: rows with id, question, entry_point (the function that is called),
--- language ("lua" or "python"), start (the program to repair), defect (its kind), shown and hidden
--- (tests: {args, expect} each). Every call makes new rows.
---@param language string|nil "lua" or "python"; nil: all
---@return lunagrad.row[]
function repair.problems(language)
  if language ~= nil and language ~= "lua" and language ~= "python" then
    errors.refuse("language", ("repair.problems: expected \"lua\" or \"python\", got %s")
      :format(tostring(language)), nil, 2)
  end
  local rows = {}
  for _, one in ipairs(FILES) do
    for _, problem in ipairs(not (language and language ~= one[1]) and one[2] or {}) do
      rows[#rows + 1] = row_of(problem, one[1])
    end
  end
  return rows
end

return repair
