-- test_repair.lua - lg.task.repair: the problems hold what they say; files; tests of programs

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local harness = require "lunagrad.task.python_harness"
local solutions = require "repair_solutions"

local function has_python() return os.execute "python3 -I -c 'import ast' 2>/dev/null" == true end

-- Python for trusted programs of this file, as lg.command would run it.
local python = {}
function python:run(fields)
  local file, job = command.write(fields.harness, ".py"), command.write(fields.job)
  local pipe = io.popen(("timeout 20 python3 -I %s <%s 2>/dev/null; echo \" $?\"")
    :format(file, job))
  local out, code = pipe:read "a":match "^(.*) (%d+)\n$"
  pipe:close()
  return { stdout = out, code = tonumber(code) }
end

local function tester()
  return lg.task.program_tests { box = lg.sandbox { instructions = 500000 }, python = python }
end

-- fn in a task, as waiting wants it.
local function in_task(list, fn) return lg.map(list, fn, { concurrency = 16 }) end

TestProblems = { tearDown = command.remove_files }

function TestProblems.test_there_are_many_of_many_kinds()
  local ids, kinds, languages, n_kinds = {}, {}, {}, 0
  for _, row in ipairs(lg.task.repair.problems()) do
    lu.assertNil(ids[row.id], row.id)
    ids[row.id] = true
    if not kinds[row.defect] then n_kinds = n_kinds + 1 end
    kinds[row.defect] = (kinds[row.defect] or 0) + 1
    languages[row.language] = (languages[row.language] or 0) + 1
    lu.assertTrue(#row.shown >= 3 and #row.hidden >= 3, row.id)
    lu.assertStrContains(row.question, row.entry_point .. "(")
  end
  lu.assertTrue(languages.lua >= 40 and languages.python >= 12)
  lu.assertTrue(n_kinds >= 15, n_kinds)
  for _, kind in ipairs { "off by one", "wrong operator", "wrong initial value", "missing case",
    "swapped arguments", "changed input", "wrong base case", "wrong variable", "integer division",
    "text edge case", "missing return", "too slow" } do
    lu.assertNotNil(kinds[kind], kind)
  end
end

function TestProblems.test_rows_are_new_each_time_and_by_language()
  local rows = lg.task.repair.problems "python"
  rows[1].start = "changed"
  lu.assertNotEquals(lg.task.repair.problems "python"[1].start, "changed")
  for _, row in ipairs(rows) do lu.assertEquals(row.language, "python") end
  helper.fails("inval", { field = "language" }, lg.task.repair.problems, "perl")
end

-- What solves a problem passes all its tests; what it begins with fails one of the hidden ones.
local function check_all(rows)
  local tests = tester()
  in_task(rows, function(row)
    local solution = solutions[row.id]
    lu.assertNotNil(solution, row.id)
    for _, which in ipairs { "shown", "hidden" } do
      local run = tests:run(row, solution, which)
      lu.assertEquals(run.passed, run.total, row.id .. "\n" .. run.report)
    end
    local run = tests:run(row, row.start, "hidden")
    lu.assertTrue(run.passed < run.total, row.id .. ": what it begins with passes")
  end)
end

function TestProblems.test_lua() check_all(lg.task.repair.problems "lua") end

function TestProblems.test_python()
  if not has_python() then lu.skip "there is no python3" end
  check_all(lg.task.repair.problems "python")
end

function TestProblems.test_solutions_are_of_problems()
  local ids = {}
  for _, row in ipairs(lg.task.repair.problems()) do ids[row.id] = true end
  for id in pairs(solutions) do lu.assertTrue(ids[id], id) end
end

TestReports = { tearDown = command.remove_files }

local ROW = { id = "own", question = "half(x) returns half of x.", entry_point = "half",
  language = "lua", shown = { { args = { 4 }, expect = 2 }, { args = { 5 }, expect = 2.5 } },
  hidden = { { args = { 0 }, expect = 0 } } }

local function report_of(row, program, which)
  local tests = tester()
  return in_task({ 1 }, function() return tests:run(row, program, which) end)[1]
end

function TestReports.test_what_passed_and_what_came_instead()
  local run = report_of(ROW, "function half(x) return x // 2 end", "shown")
  lu.assertEquals({ run.passed, run.total, run.score }, { 1, 2, 0.5 })
  lu.assertEquals(run.report, "1 of 2 tests pass.\nhalf(4) should give 2: passed\n"
    .. "half(5) should give 2.5, but gave 2")
  lu.assertEquals({ run.tests[1].passed, run.tests[2].passed }, { true, false })
end

function TestReports.test_how_it_failed_and_where()
  local cases = {
    { "function half(x)\n  return x.y.z\nend", "failed: line 2" },
    { "function half(x) return", "failed: line 1" },
    { "function halve(x) return x / 2 end", "failed" },
    { "function half(x) while true do end end", "did not end" },
    { "function half(x) end", "gave nil" },
    { "function half(x) return print end", "failed" },
  }
  for _, case in ipairs(cases) do
    local run = report_of(ROW, case[1], "shown")
    lu.assertEquals(run.passed, 0, case[1])
    lu.assertStrContains(run.tests[1].said, case[2])
  end
end

function TestReports.test_values_are_compared_by_what_they_hold()
  local row = { id = 1, entry_point = "f", language = "lua", hidden = {}, shown = {
    { args = { {} }, expect = {} }, { args = { { 1, { 2 } } }, expect = { 1, { 2 } } },
    { args = { "a" }, expect = "a" }, { args = { 0.3 }, expect = 0.1 + 0.2 },
    { args = { { 1 } }, expect = { 1, 2 } }, { args = { "1" }, expect = 1 },
    { args = { true }, expect = 1 }, { args = { 1e-3 }, expect = 2e-3 } } }
  local run = report_of(row, "function f(x) return x end", "shown")
  for i, test in ipairs(run.tests) do lu.assertEquals(test.passed, i <= 4, test.said) end
  lu.assertEquals(report_of(row, "x", "hidden").score, 0)
end

function TestReports.test_what_is_infinite_or_no_number_is_equal_to_nothing_else()
  for _, value in ipairs { "math.huge", "-math.huge", "0/0" } do
    lu.assertEquals(report_of(ROW, "function half() return " .. value .. " end", "shown").passed, 0)
  end
end

function TestReports.test_python_fails_in_its_ways()
  if not has_python() then lu.skip "there is no python3" end
  local row = { id = "own", entry_point = "half", language = "python",
    shown = { { args = { 4 }, expect = 2 } }, hidden = {} }
  local cases = {
    { "def half(x):\n    return x / 2", 1, "passed" },
    { "def half(x):\n    return y", 0, "failed: line 2: NameError" },
    { "def half(x)\n    return x", 0, "line 1: SyntaxError" },
    { "def half(x):\n    while True: pass", 0, "did not end" },
    { "def half(x):\n    return half(x)", 0, "stack overflow" },
    { "import sys\nsys.exit(0)", 0, "failed" },
    { "import os\nos._exit(0)", 0, "crashed" },
    { "print('[{\"got\": 2}]')\ndef half(x):\n    print(2)\n    return 3", 0, "gave 3" },
    { "def half(x):\n    return {1}", 0, "gave \"{1}\"" },
    { "def half(x):\n    return float('nan')", 0, "gave" },
  }
  for _, case in ipairs(cases) do
    local run = report_of(row, case[1], "shown")
    lu.assertEquals(run.passed, case[2], case[1])
    lu.assertStrContains(run.tests[1].said, case[3])
  end
end

function TestReports.test_who_cannot_be_run_is_told()
  local tests = lg.task.program_tests {}
  in_task({ 1 }, function()
    helper.fails("inval", { field = "box" }, function() tests:run(ROW, "", "shown") end)
    helper.fails("inval", { field = "visible" }, function() tests:run(ROW, "", "visible") end)
  end)
  helper.fails("inval", nil, lg.task.program_tests, { boxx = 1 })
  lu.assertStrContains(harness, "import")
end

TestFiles = { tearDown = command.remove_files }

function TestFiles.test_own_form()
  local text = [[
{"id": 7, "question": "f(x) gives x.", "entry_point": "f", "start": "function f() end",
 "shown": [{"args": [1], "expect": 1}], "hidden": [{"args": [], "expect": [2]}]}
]]
  local path = command.write((text:gsub("\n ", " ")), ".jsonl")
  local row = lg.task.repair.read(path)[1]
  lu.assertEquals({ row.id, row.language, row.entry_point, row.start },
    { "7", "lua", "f", "function f() end" })
  lu.assertEquals({ row.shown[1].args[1], row.hidden[1].expect[1] }, { 1, 2 })
end

function TestFiles.test_what_is_wrong_is_told_with_its_line()
  local good = '"question": "f(x) gives x.", "entry_point": "f"'
  for _, case in ipairs {
    { '{%s, "shown": 3, "hidden": []}', "shown" },
    { '{%s, "shown": [{"expect": 1}], "hidden": []}', "args" },
    { '{%s, "shown": [{"args": [1]}], "hidden": []}', "expect" },
    { '{%s, "shown": []}', "hidden" },
    { '{%s, "shown": [], "hidden": [], "language": "C"}', "language" },
    { '{%s, "shown": [], "hidden": [], "start": 4}', "start" },
    { '{"question": "f", "shown": [], "hidden": []}', "entry_point" },
  } do
    local path = command.write("\n" .. case[1]:format(good), ".jsonl")
    local problem = helper.fails("parse", nil, lg.task.repair.read, path)
    lu.assertStrContains(problem.message, path .. ":2: ")
    lu.assertStrContains(problem.message, case[2])
  end
end

function TestFiles.test_published_forms()
  local folder = "tests/data/tasks/"
  local row = lg.task.repair.read(folder .. "humaneval.jsonl")[1]
  lu.assertEquals({ row.language, row.entry_point, lg.data.get(row, "start") }, { "python", "add" })
  lu.assertStrContains(row.hidden[1].code, "check(add)")
  row = lg.task.repair.read(folder .. "mbpp.jsonl")[1]
  lu.assertStrContains(row.shown[1].code, "assert ")
end

function TestFiles.test_examples_of_statements_are_shown()
  local path = command.write(lg.json.encode { task_id = "Own/1", entry_point = "inc",
    prompt = "def inc(x):\n    \"\"\"\n    >>> inc(1)\n    2\n    >>> inc(-1)\n    0\n    \"\"\"\n",
    canonical_solution = "    return x + 1\n",
    test = "def check(f):\n    assert f(5) == 6\n" }, ".jsonl")
  local row = lg.task.repair.read(path)[1]
  lu.assertEquals({ row.shown[1].code, row.shown[2].code, row.shown[3] },
    { "assert inc(1) == 2", "assert inc(-1) == 0" })
  if not has_python() then lu.skip "there is no python3" end
  lu.assertEquals(report_of(row, "def inc(x):\n    return x + 1", "hidden").score, 1)
  local run = report_of(row, "def inc(x):\n    return x", "shown")
  lu.assertEquals(run.score, 0)
  lu.assertStrContains(run.report, "inc(1) should give 2, but gave 1")
  lu.assertEquals(report_of(row, "import sys\nsys.exit(0)", "hidden").score, 0)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
