-- test_code.lua - scripts/code.lua: a few problems, other files, what it says where it cannot

local command = require "command"
local lu = require "luaunit"
require "helper"

TestCode = { tearDown = command.remove_files }

local function run(...) return command.run("run", "scripts/code.lua", "--display", "none", ...) end

-- The shares that stand in the table.
local function solved(out)
  local shares = {}
  for _, name in ipairs { "the start", "one answer", "best of n", "reflexion", "textgrad" } do
    shares[name] = tonumber(out:match("\n" .. name .. "%s+([%d.]+) "))
  end
  return shares
end

local PROBLEM = [[{"id": "%s", "question": "%s", "entry_point": "f", "language": "lua", "start": %s,
"shown": [{"args": [2], "expect": 4}, {"args": [3], "expect": 9}],
"hidden": [{"args": [5], "expect": 25}, {"args": [0], "expect": 0}]}]]

local function problem(id, start)
  return (PROBLEM:format(id, "f(x) returns x times x.", start):gsub("\n", " ")) .. "\n"
end

function TestCode.test_a_file_of_ones_own()
  local lines = {}
  for i = 1, 8 do
    local start = '"function f(x%d)\\n  return x%d + x%d\\nend\\n"'
    lines[i] = problem("p" .. i, start:format(i, i, i))
  end
  local got = run("data=" .. command.write(table.concat(lines), ".jsonl"), "show=p1")
  lu.assertEquals(got.code, 0, got.err)
  local shares = solved(got.out)
  lu.assertEquals(shares["the start"], 0)
  lu.assertTrue(shares.textgrad > 0, got.out)
  lu.assertStrContains(got.out, "p1, textgrad")
  lu.assertStrContains(got.out, "was changed from `return x1 + x1`")
end

function TestCode.test_its_own_problems()
  local got = run("language=lua", "limit=3", "calls=6")
  lu.assertEquals(got.code, 0, got.err)
  lu.assertStrContains(got.out, "3 problems, at most 6 calls for each")
  local shares = solved(got.out)
  lu.assertEquals(shares["the start"], 0)
  lu.assertNotNil(shares.reflexion)
  lu.assertStrContains(got.out, "textgrad against best of n")
end

-- What a model is asked holds the tests to work with, and none of those that judge.
function TestCode.test_hidden_tests_are_shown_to_nobody()
  local log = command.temp()
  local model = command.write(("#!/bin/sh\ncat >>%s\necho no program\n"):format(log), ".sh")
  os.execute("chmod +x " .. model)
  local text = problem("p", '"function f(x)\\n  return 1\\nend\\n"')
  local data = command.write((text:gsub('"args": %[5%], "expect": 25',
    '"args": [5931], "expect": 35176761')), ".jsonl")
  local got = run("data=" .. data, "calls=6", "-m", "exec/" .. model)
  lu.assertEquals(got.code, 0, got.err)
  local asked = command.read(log)
  lu.assertStrContains(asked, "f(3) should give 9")
  lu.assertNil(asked:find("5931", 1, true))
  lu.assertNil(asked:find("35176761", 1, true))
end

function TestCode.test_the_same_again()
  local words = { "run", "scripts/code.lua", "--display", "none", "language=lua", "limit=4",
    "calls=6" }
  local one, other = command.run(table.unpack(words)), command.run("run", "scripts/code.lua",
    "--display", "none", "language=lua", "limit=4", "calls=6", "--concurrency", "1")
  lu.assertEquals(one.out, other.out)
end

function TestCode.test_what_cannot_be_is_told()
  for words, said in pairs { ["calls=0"] = "calls", ["clals=3"] = "clals", ["language=C"] = "lua",
    ["data=no/such/file"] = "no/such/file", ["show=nobody"] = "nobody" } do
    local got = run(words, "limit=1")
    lu.assertNotEquals(got.code, 0, words)
    lu.assertStrContains(got.err, said)
  end
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
