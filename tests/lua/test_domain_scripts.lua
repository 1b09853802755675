-- test_domain_scripts.lua - solution.lua, prompt.lua and compound.lua end without a key, and better
-- than they began

require "helper"
local command = require "command"
local lu = require "luaunit"

local function run(script, arguments)
  return command.shell(("timeout 120 %s run scripts/%s %s --no-store --display none"):format(
    command.quote(command.path), script, arguments))
end

-- The scores of a: and b: in each claim, and whether it is shown.
local function claims(text)
  local list = {}
  local pattern = "\na      ([%d.]+)[^\n]*\nb      ([%d.]+)[^\n]*\nb %- a  (%a+)"
  for a, b, verdict in text:gmatch(pattern) do
    list[#list + 1] = { a = tonumber(a), b = tonumber(b), shown = verdict == "shown" }
  end
  return list
end

TestScripts = {}

function TestScripts.test_solution()
  local r = run("solution.lua", "n=60 updates=2")
  lu.assertEquals(r.code, 0, r.err)
  local found = claims(r.out)
  lu.assertEquals(#found, 3)
  lu.assertTrue(found[1].shown and found[1].b > found[1].a, r.out)
  lu.assertStrContains(r.out, "vote over 7 answers")
end

function TestScripts.test_solution_reads_files()
  local r = run("solution.lua", "data=tests/data/tasks/mmlu.csv updates=1")
  lu.assertEquals(r.code, 0, r.err)
  lu.assertStrContains(r.out, "questions, 1 updates")
  r = run("solution.lua", "data=no/such.csv")
  lu.assertEquals(r.code, 1)
  lu.assertStrContains(r.err, "no/such.csv")
end

function TestScripts.test_prompt_tasks()
  for _, task in ipairs { "sorting", "math" } do
    local r = run("prompt.lua", ("task=%s steps=4 vote=0"):format(task))
    lu.assertEquals(r.code, 0, r.err)
    local before = tonumber(r.out:match "accuracy before: ([%d.]+)")
    local after = tonumber(r.out:match "accuracy after:  ([%d.]+)")
    lu.assertTrue(after > before + 0.2, r.out)
    lu.assertStrContains(r.out, "after - before:       shown")
  end
end

function TestScripts.test_prompt_compares()
  local r = run("prompt.lua", "task=sorting with=compare calls=300")
  lu.assertEquals(r.code, 0, r.err)
  lu.assertEquals(#claims(r.out), 2)
  lu.assertStrContains(r.out, "Worked examples:")
end

function TestScripts.test_compound()
  local r = run("compound.lua", "seed=4")
  lu.assertEquals(r.code, 0, r.err)
  local found = claims(r.out)
  lu.assertEquals(#found, 2)
  lu.assertTrue(found[1].shown and found[1].b > 0.5, r.out)
end

function TestScripts.test_arguments_are_checked()
  for script, wrong in pairs { ["solution.lua"] = "updates=0", ["prompt.lua"] = "task=cooking",
    ["compound.lua"] = "docs=only.jsonl" } do
    lu.assertEquals(run(script, wrong).code, 1, script)
    lu.assertEquals(run(script, "colour=blue").code, 1, script)
  end
end

os.exit(lu.LuaUnit.run(), true)
