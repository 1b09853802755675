-- code.lua - programs that do not do what they should, repaired by a critic and tests; other,
-- hidden tests judge in the end.
--
-- The experiment of the TextGrad paper (arXiv 2406.07496, section 3.1), on the project's own
-- problems: each has a statement, a program with a planted defect, a few tests to work with and
-- more that only judge. Compared at the same number of calls; all stop when the shown tests pass:
--   one answer     the first one
--   best of n      n answers, and the one that passes most shown tests
--   reflexion      a reflection on the last try, kept in memory, and another try
--   textgrad       a critic on program and test report, its gradient, a step of tgd
--   search         with search=yes: lg.optimize on the program, the shown tests its score
--
--   lunagrad run scripts/code.lua                              on sim/repair
--   lunagrad run scripts/code.lua -m openai/gpt-4o-mini        on a real model
--   lunagrad run scripts/code.lua data=HumanEval.jsonl         with other problems
--
-- Other arguments: calls=12 (for each problem and method), language=lua (or python; default both),
-- limit=20 (so many problems), seed=1, show=ID (the course of one problem), search=yes.

local lg = require "lunagrad"

local args = lg.args

local function number(name, default)
  local value = args[name] == nil and default or math.tointeger(tonumber(args[name]))
  if value and value >= 1 then return value end
  error(("%s=%s: expected a whole number of at least 1"):format(name, args[name]), 0)
end

for name in pairs(args) do
  if not ("data calls language limit seed show search "):find(name .. " ", 1, true) then
    error(("unknown argument %s=; there are data, calls, language, limit, seed, show and search")
      :format(name), 0)
  end
end
local calls, seed = number("calls", 12), number("seed", 1)

local problems = args.data and lg.task.repair.read(args.data)
  or lg.data.list(lg.task.repair.problems(args.language))
if args.data and args.language then
  problems = problems:filter(function(row) return row.language == args.language end)
end
if args.limit then problems = problems:take(math.min(number "limit", #problems)) end
if #problems == 0 then error("there is no problem to solve", 0) end

local shown = args.show and problems:filter(function(row) return row.id == args.show end)[1]
if args.show and not shown then
  error(("show=%s: there is no such problem"):format(args.show), 0)
end

-- ---- who answers, and what runs programs --------------------------------------------

lg.default { model = "sim/repair" } -- what -m says comes before it
local model = lg.model()

local in_python = #problems:filter(function(row) return row.language == "python" end) > 0
local tests = lg.task.program_tests {
  box = lg.sandbox { memory = "64M", instructions = 500000, timeout = 5 },
  python = in_python and lg.command { "python3", "-I", "{harness}",
    files = { harness = "harness.py" }, input = "job", sandbox = true, timeout = 10,
    memory = "512M", output_limit = "1M" } or nil,
}

local NAMES = { lua = "Lua", python = "Python" }

-- The program in a reply: its last block of code, or all of it.
local function program_in(reply)
  return (lg.extract.code(reply) or reply) .. "\n"
end

local function shown_tests(row)
  local lines = {}
  for i, test in ipairs(row.shown) do lines[i] = test.code or tests:said(row, test) end
  return table.concat(lines, "\n")
end

local function task(row)
  local start = lg.data.get(row, "start")
  local have = start and ("\nThis program in %s does not do so; it has a defect:\n```%s\n%s```\n")
    :format(NAMES[row.language], row.language, start) or ""
  return ("%s\n%s\nIt has to pass these tests, and others like them:\n%s\n"):format(row.question,
    have, shown_tests(row))
end

local WRITE = "\nWrite the whole program in %s, in one block of code, without tests."

-- ---- what has been tried -----------------------------------------------------------

local function lines_of(text)
  local lines = {}
  for line in text:gmatch "[^\n]*" do lines[#lines + 1] = line:match "^%s*(.-)%s*$" end
  return lines
end

-- The lines in which two programs differ, between their equal beginnings and ends.
local function change(before, after)
  local a, b, from, to = lines_of(before), lines_of(after), 1, 0
  while from <= #a and from <= #b and a[from] == b[from] do from = from + 1 end
  while to < #a - from + 1 and to < #b - from + 1 and a[#a - to] == b[#b - to] do to = to + 1 end
  return ("- line %d was changed from `%s` to `%s`"):format(from,
    table.concat(a, "\n", from, #a - to), table.concat(b, "\n", from, #b - to))
end

-- A row's state under one method: the best program so far, its tests, what was tried in vain.
local function begin(row, program, asked)
  return { row = row, program = program, run = tests:run(row, program, "shown"), tried = {},
    calls = asked, course = {} }
end

local function is_done(state) return state.run.passed == state.run.total end

-- A new program is kept if it passes more tests.
local function try(state, program)
  local run = tests:run(state.row, program, "shown")
  local better = run.passed > state.run.passed
  state.course[#state.course + 1] = ("%s\n%s\n%s"):format(change(state.program, program),
    run.report, better and "kept" or "not kept")
  if better then
    state.program, state.run, state.tried = program, run, {}
    return true
  end
  state.tried[#state.tried + 1] = ("%s: %d of %d tests passed"):format(
    change(state.program, program), run.passed, run.total)
  return false
end

local function tried(state)
  if #state.tried == 0 then return "nothing yet" end
  return table.concat(state.tried, "\n")
end

-- ---- the methods -------------------------------------------------------------------

local function first(row)
  return model { task(row) .. WRITE:format(NAMES[row.language]), role = "program" }
end

local function one_answer(row)
  return begin(row, program_in(first(row):text()), 1)
end

-- What is to be improved: the program that is given, or else the first answer.
local function version_one(row)
  local start = lg.data.get(row, "start")
  return start and begin(row, start, 0) or one_answer(row)
end

local function best_of_n(row)
  local state = one_answer(row)
  if is_done(state) then return state end
  local output = lg.best_of { first, row, n = calls, score = function(text)
    return tests:run(row, program_in(text), "shown").score
  end }
  return begin(row, program_in(output:text()), calls)
end

local SO_FAR = [[
%s
The program so far:
```%s
%s```
What came of its tests:
%s

Changed versions of it, which did not pass more tests:
%s

]]

local REFLECT = SO_FAR .. "Give criticism in a few sentences: what is wrong with the program, in "
  .. "which line, and what should be tried next?"

local AGAIN = SO_FAR .. "Reflections on it, the last one the newest:\n%s\n"

local function reflexion(row)
  local state, memory = version_one(row), {}
  while not is_done(state) and state.calls + 2 <= calls do
    local about = { row.language, state.program, state.run.report, tried(state) }
    memory[#memory + 1] = model({ REFLECT:format(row.question, table.unpack(about)),
      role = "reflection" }):text()
    about[5] = table.concat(memory, "\n", math.max(1, #memory - 2)) -- three, as Reflexion has
    local output = model { AGAIN:format(row.question, table.unpack(about))
      .. WRITE:format(NAMES[row.language]), role = "program" }
    state.calls = state.calls + 2
    if try(state, program_in(output:text())) then memory = {} end
  end
  return state
end

local critic = lg.loss.critic "You are shown a problem, a program for it, and what came of its \
tests. Criticise the program: what is wrong with it, and in which line? Look at what was tried \
before. Do not write a new program."

local function role_of(row) return ("program in %s"):format(NAMES[row.language]) end

local function textgrad(row)
  local state = version_one(row)
  local code = lg.param(state.program, role_of(row))
  local optimizer = lg.optim.tgd { code, constraints = {
    ("it is a whole program in %s that has the function %s"):format(NAMES[row.language],
      row.entry_point), "it has no tests in it", "it has all imports that it needs" } }
  while not is_done(state) and state.calls + 3 <= calls do
    optimizer:zero_grad()
    critic(code, { problem = row.question, tests = state.run.report, tried = tried(state) })
      :backward()
    local report = optimizer:step()
    state.calls = state.calls + 3 + (report.params[1].reasked and 1 or 0)
    if report.changed and try(state, program_in(code:text())) then
      optimizer:accepted(state.run.score)
    elseif report.changed then
      optimizer:rejected(0, state.run.score)
      code:set(state.program)
    end
  end
  return state
end

local function search(row)
  local state = version_one(row)
  if is_done(state) or state.calls >= calls then return state end
  local result = lg.optimize { start = state.program, role = role_of(row),
    evaluate = function(program)
      local run = tests:run(row, program_in(program), "shown")
      return run.score, row.question .. "\n" .. run.report
    end, budget = { calls = calls - state.calls }, stop = { score = 1 }, headroom = false,
    seed = seed }
  return begin(row, program_in(result.artefact), state.calls + result.spent.calls)
end

-- ---- all problems, all methods -----------------------------------------------------

local METHODS = { { "one answer", one_answer }, { "best of n", best_of_n },
  { "reflexion", reflexion }, { "textgrad", textgrad } }
if args.search == "yes" then METHODS[5] = { "search", search } end

local states = {}
for _, method in ipairs(METHODS) do states[method[1]] = {} end

lg.map(problems, function(row)
  lg.map(METHODS, function(method) states[method[1]][row] = method[2](row) end,
    { example = false })
end)

local judged = {} -- equal programs of a problem are judged once

local function solves(program, row)
  judged[row] = judged[row] or {}
  if not judged[row][program] then
    local run = tests:run(row, program, "hidden")
    judged[row][program] = run.passed == run.total and 1 or 0
  end
  return judged[row][program]
end

local function program_of(name)
  return function(row) return states[name][row].program end
end

local function print_solved(name, program, spent)
  local share = lg.evaluate { program, data = problems, metric = solves }
  print(("%-12s %-48s %5.1f"):format(name, tostring(share), spent))
end

local function spent(name)
  local sum = 0
  for _, row in ipairs(problems) do sum = sum + states[name][row].calls end
  return sum / #problems
end

local function start_of(row) return lg.data.get(row, "start") end

print(("%d problems, at most %d calls for each"):format(#problems, calls))
local untested = #problems:filter(function(row) return #row.shown == 0 end)
if untested > 0 then
  print(("%d of them show no tests: of these the first version stands"):format(untested))
end
print()
print(("%-12s %-48s %s"):format("", "solved (all hidden tests pass)", "calls"))
if #problems:filter(start_of) == #problems then print_solved("the start", start_of, 0) end
for _, method in ipairs(METHODS) do
  print_solved(method[1], program_of(method[1]), spent(method[1]))
end

for _, method in ipairs(METHODS) do
  local other = method[1]
  local compared = other ~= "textgrad" and lg.compare { program_of(other), program_of "textgrad",
    data = problems, metric = solves, seed = seed }
  if compared then
    print(("\ntextgrad against %s\n  %s"):format(other, tostring(compared.claim)))
  end
end

for _, method in ipairs(shown and METHODS or {}) do
  local state = states[method[1]][shown]
  print(("\n---- %s, %s\n%s\n\n%s\n%s"):format(shown.id, method[1],
    table.concat(state.course, "\n\n"), state.program, state.run.report))
end
