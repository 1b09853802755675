-- test_eval.lua - lunagrad eval: what is scored, by what, and how it ends

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local data, dir

local function rows()
  local lines = {}
  for i = 1, 8 do
    lines[i] = json.encode { question = ("I have %d apples and a pear. How many fruits do I have?")
      :format(i + 1), answer = ("%d"):format(i + 2), topic = "fruit" }
  end
  return table.concat(lines, "\n")
end

local function eval(...)
  local words = { "eval", ... }
  words[#words + 1] = "--display=none"
  return command.shell(("LUNAGRAD_HOME=%s timeout 60 %s"):format(command.quote(dir),
    command.line(table.unpack(words))))
end

-- A program with the answers that are wanted, and one that is wrong where `bad` says.
local function program(bad)
  return command.write(([[
return { metric = require("lunagrad").metric.number, program = function(row)
  local n = row.question:match "%%d+" + 1
  return tostring((%s)[n] and 0 or n)
end }]]):format(bad or "{}"), ".lua")
end

TestEval = {}

function TestEval.setUp()
  dir, data = command.temp ".store", command.write(rows(), ".jsonl")
end

function TestEval.tearDown() command.remove_files() end

local function told(got)
  for line in got.out:gmatch "[^\n]+" do
    local event = json.decode(line)
    if event.event == "evaluation" then return event end
  end
  lu.fail("no evaluation: " .. got.out .. got.err)
end

function TestEval:test_a_program()
  local got = told(eval(program "{ [3] = true, [5] = true }", "--data", data, "--json"))
  lu.assertEquals({ got.n, got.mean, got.failing, got.below }, { 8, 0.75, { 1, 3 }, false })
  lu.assertTrue(got.low < 0.75 and got.high > 0.75)
end

function TestEval:test_the_threshold_decides_the_exit_code()
  local file = program "{ [3] = true, [5] = true }"
  lu.assertEquals(eval(file, "--data", data, "--threshold", "0.75").code, 0)
  lu.assertEquals(eval(file, "--data", data, "--threshold", "0.76").code, 100)
  local done = eval(file, "--data", data, "--threshold", "0.76", "--json").out:match "[^\n]+\n$"
  lu.assertEquals(json.decode(done).exit_code, 100)
end

function TestEval:test_a_prompt_a_file_and_a_best_json_are_the_same()
  local prompt = "List each item with its number, then the sum. Answer: N"
  local first = told(eval(prompt, "--data", data, "--json"))
  local best = command.write(json.encode { name = "r", texts = { ["a prompt"] = prompt } }, ".json")
  for _, path in ipairs { command.write(prompt .. "\n", ".txt"), best } do
    local again = told(eval(path, "--data", data, "--json"))
    lu.assertEquals({ again.mean, again.failing }, { first.mean, first.failing })
  end
  lu.assertEquals(first.metric, "number")
end

function TestEval:test_a_prompt_with_fields_is_the_whole_message()
  local echo = command.write("sed 's/.*\"content\":\"//'\n", ".sh")
  local out = eval("{topic} {nothing} {question}", "--data", data, "--limit", "1", "--metric",
    "contains", "-m", "exec/sh " .. echo)
  lu.assertStrContains(out.out, "fruit {nothing} I have 2 apples")
end

function TestEval:test_rows_that_a_run_had_wrong()
  lu.assertEquals(eval(program "{ [3] = true, [5] = true }", "--data", data, "--run", "first").code,
    0)
  local got = told(eval(program "{ [5] = true }", "--data", data, "--filter-failing", "first",
    "--json"))
  lu.assertEquals({ got.n, got.failing }, { 2, { 3 } })
  lu.assertEquals(eval(program(), "--data", data, "--run", "fine").code, 0)
  lu.assertEquals(eval(program(), "--data", data, "--filter-failing", "fine").code, 2)
end

function TestEval:test_junit()
  local path = command.temp ".xml"
  local file = command.write([[return function(row)
    if row.answer == "4" then error "no <idea>" end
    return row.answer == "3" and "<&\27>" or row.answer
  end]], ".lua")
  lu.assertEquals(eval(file, "--data", data, "--junit", path).code, 0)
  local text = command.read(path)
  lu.assertStrContains(text, 'tests="8" failures="1" errors="1"')
  lu.assertStrContains(text, "&lt;&amp;")
  lu.assertStrContains(text, "no &lt;idea&gt;")
  lu.assertNil(text:find "\27")
end

function TestEval:test_misuse()
  local lua = program()
  for _, words in ipairs { {}, { "a b" }, { "a b", "c", "--data", data }, { "nofile.txt", "--data",
    data },
    { "a b", "--data", "nofile.jsonl" },
    { lua, "--data", data, "--metric", "exactly" },
    { lua, "--data", data, "--metric", "exact", "--judge", "x" },
    { "a b", "--data", data, "--input", "moon" },
    { command.write("return 7", ".lua"), "--data", data },
    { command.write("{}", ".json"), "--data", data } } do
    local code = eval(table.unpack(words)).code
    lu.assertTrue(code == 2 or code == 1, ("%s: %d"):format(table.concat(words, " "), code))
  end
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
