--- Programs run on the tests of a row, and what came of it as words and a score.
--
-- Lua programs run in a box (lg.sandbox), Python ones by a command (lg.command): both are given, so
-- nothing here decides what contains a program. Tests are calls with the value that is right, which
-- is compared here, never where the program is; or Python that raises where it is wrong
-- (lg.task.programs), which has to run beside it.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local harness = require "lunagrad.task.python_harness"
local loop = require "lunagrad.loop"
local options = require "lunagrad.options"

local program_tests = {}

-- ---- values -------------------------------------------------------------------------

local CLOSE = 1e-9 -- numbers with a fraction are equal up to this share

local function same_number(a, b)
  if a == b then return true end
  if a - a ~= 0 or b - b ~= 0 then return false end -- infinite, or no number
  return math.abs(a - b) <= CLOSE * math.max(math.abs(a), math.abs(b))
end

-- Pairs still to be compared, instead of a recursion: values may be deep.
local function same(a, b)
  if a == nil or b == nil then return a == b end
  local stack = { a, b }
  while #stack > 0 do
    local y, x = table.remove(stack), table.remove(stack)
    local kind = type(x)
    if kind ~= type(y) then return false end
    if kind == "table" then
      for key, value in pairs(x) do
        if y[key] == nil then return false end
        stack[#stack + 1], stack[#stack + 2] = value, y[key]
      end
      for key in pairs(y) do
        if x[key] == nil then return false end
      end
    elseif kind == "number" then
      if not same_number(x, y) then return false end
    elseif x ~= y then
      return false
    end
  end
  return true
end

local SHOWN = 300 -- bytes of a value in a report

-- A value as JSON, with blanks behind commas; numbers that are whole without a fraction.
local function said(value, nothing)
  if value == nil or value == core.null then return nothing end
  local ok, text = pcall(core.json_encode, value)
  text = (ok and text or tostring(value)):gsub("(%d)%.0%f[^%d]", "%1")
  if type(value) == "table" then text = text:gsub(",", ", ") end
  if #text <= SHOWN then return text end
  return core.trim(text, SHOWN // 4)
end

-- ---- Lua ------------------------------------------------------------------------------

local LIMITS = { time = "it did not end in time", instructions = "it did not end in time: too many "
  .. "steps", memory = "it needs too much memory", output = "it writes too much",
  crash = "it crashed" }

local function in_lua(self, row, program, tests)
  return loop.map(tests, function(test)
    local r = self.box:run(program, { call = row.entry_point, args = test.args, name = "program" })
    if r.ok then return { got = r.values[1] } end
    local words = LIMITS[r.kind] or tostring(r.message):gsub("^%[?[%w_]+%]?:%d+: ", "")
    return { error = words, kind = r.kind, line = r.line }
  end, { example = false })
end

-- ---- Python ---------------------------------------------------------------------------

local function job_of(self, row, program, tests)
  local job = { program = program, entry = row.entry_point, limit = self.limit }
  local name = tests[1].code and "checks" or "calls"
  job[name] = setmetatable({}, core.array)
  for i, test in ipairs(tests) do job[name][i] = test.code or test.args end
  return core.json_encode(job)
end

-- What each test came to where the process as a whole came to nothing.
local function all_failed(run, tests)
  local kind = run.limit or "crash"
  local results = {}
  for i = 1, #tests do results[i] = { error = LIMITS[kind] or LIMITS.crash, kind = kind } end
  return results
end

local function in_python(self, row, program, tests)
  local run = self.python:run { harness = harness, job = job_of(self, row, program, tests) }
  local ok, results = pcall(core.json_decode, run.stdout or "")
  if run.code ~= 0 or not ok or type(results) ~= "table" or #results ~= #tests then
    return all_failed(run, tests)
  end
  return results
end

-- ---- the report -----------------------------------------------------------------------

local function call_of(row, test)
  local args = {}
  for i, value in ipairs(test.args) do args[i] = said(value, "null") end
  return ("%s(%s)"):format(row.entry_point, table.concat(args, ", "))
end

local NOTHING = { lua = "nil", python = "None" }

local function failure(result, nothing)
  if not result.error then return "but gave " .. said(result.got, nothing) end
  local line = result.line
  local at = math.type(line) == "integer" and ("line %d: "):format(line) or ""
  return "but failed: " .. at .. tostring(result.error):gsub("\n.*", "")
end

-- One line about a test, and whether it passed.
local function judged(row, test, result)
  local nothing = NOTHING[row.language] or "nothing"
  if test.code then
    local what = test.code:match "^%s*(.-)%s*$"
    if result.passed == true then return true, what .. ": passed" end
    if result.call then
      return false, ("%s should give %s, but gave %s"):format(result.call,
        said(result.want, nothing), said(result.got, nothing))
    end
    return false, ("%s: %s"):format(what:gsub("\n.*", " …"), failure(result, nothing))
  end
  local wanted = ("%s should give %s"):format(call_of(row, test), said(test.expect, nothing))
  local got = result.got
  if got == core.null then got = nil end
  if not result.error and same(got, test.expect) then return true, wanted .. ": passed" end
  return false, wanted .. ", " .. failure(result, nothing)
end

local function summed(row, tests, results)
  local lines, passed, list = {}, 0, {}
  for i, test in ipairs(tests) do
    local ok, line = judged(row, test, results[i])
    passed = passed + (ok and 1 or 0)
    lines[i], list[i] = line, { passed = ok, said = line }
  end
  local head = ("%d of %d tests pass."):format(passed, #tests)
  return { passed = passed, total = #tests, score = #tests > 0 and passed / #tests or 0,
    report = head .. "\n" .. table.concat(lines, "\n"), tests = list }
end

-- ---- the tester -----------------------------------------------------------------------

---@class lunagrad.program_tests
local Tester = { __name = "lunagrad.program_tests" }
Tester.__index = Tester

local function tests_of(row, which)
  local tests = row[which]
  if type(tests) ~= "table" then
    errors.refuse(which, ("program_tests: row %s has no %s tests"):format(tostring(row.id), which),
      nil, 3)
  end
  return tests
end

--- Run a program on the tests of a row. Waits; many at once by lg.map.
---@param row lunagrad.row entry_point, language, shown and hidden
---@param program string
---@param which "shown"|"hidden"
---@return table {passed, total, score = the share that passed, report = words, tests = {{passed,
--- said}}}
function Tester:run(row, program, which)
  local tests = tests_of(row, which or "shown")
  if #tests == 0 then return summed(row, tests, {}) end
  local run = row.language == "lua" and in_lua or in_python
  local runner = row.language == "lua" and "box" or "python"
  if not self[runner] then
    errors.refuse(runner, ("program_tests: %s is a program in %s, and nothing runs such"):format(
      tostring(row.id), row.language == "lua" and "Lua" or "Python"),
      ("give %s = … to lg.task.program_tests"):format(runner), 2)
  end
  return summed(row, tests, run(self, row, program, tests))
end

--- A test in words, without what a program made of it: "gcd(12, 18) should give 6".
---@param row lunagrad.row
---@param test table
---@return string
function Tester:said(row, test)
  if test.code then return test.code end
  return ("%s should give %s"):format(call_of(row, test), said(test.expect, NOTHING[row.language]))
end

--- What runs programs on tests: box (of lg.sandbox) those in Lua, python (of lg.command, whose fields
--- are harness, a file, and job, its input) those in Python. limit: seconds of each test in Python.
---@param spec {box: table|nil, python: table|nil, limit: number|nil}
---@return lunagrad.program_tests
function program_tests.new(spec)
  spec = options.check(spec, { box = "any", python = "any",
    limit = { type = "number", default = 1 } }, "lg.task.program_tests")
  return setmetatable({ box = spec.box, python = spec.python, limit = spec.limit }, Tester)
end

return program_tests
