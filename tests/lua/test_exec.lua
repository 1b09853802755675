-- test_exec.lua - programs as models: what they are told, what is made of what they say

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local loop = require "lunagrad.loop"
local command = require "command"
local fails = require("helper").fails

-- A program of one shell text, as the model's name.
local function program(text)
  local path = command.write("#!/bin/sh\n" .. text, ".sh")
  os.execute("chmod +x " .. path)
  return "exec/" .. path, path
end

TestExec = {}

function TestExec:tearDown() command.remove_files() end

function TestExec:test_says_what_it_reads()
  local told = command.temp()
  local m = lg.model { program("cat >" .. told .. "; echo \"$1, $2\"") .. " 'a b' c",
    temperature = 0.5, extra = { style = "dry" } }
  local answer = m { "How many?", system = "Be brief.", max_tokens = 9 }
  lu.assertEquals(tostring(answer), "a b, c")
  local asked = lg.json.decode(command.read(told))
  lu.assertEquals(asked.messages, { { role = "system", content = "Be brief." },
    { role = "user", content = "How many?" } })
  lu.assertEquals(asked.options, { temperature = 0.5, max_tokens = 9, style = "dry" })
  lu.assertStrContains(asked.model, "'a b' c")
  lu.assertStrContains(tostring(m), "exec//")
end

function TestExec:test_equal_calls_run_once()
  local runs = command.temp()
  local m = lg.model((program("echo x >>" .. runs .. "; sleep 0.05; echo good")))
  local a, b, c = m "same", m "same", m { "same", sample = 2 }
  lu.assertEquals(tostring(a) .. tostring(b) .. tostring(c), "goodgoodgood")
  lu.assertEquals(command.read(runs), "x\nx\n")
end

function TestExec:test_object_with_usage()
  local m = lg.model((program [[echo '{"text":"né","usage":{"input":7,"output":2}}']]))
  lu.assertEquals(tostring(m "x"), "né")
end

function TestExec:test_failures_are_one_line()
  fails("overload", "the program ended with exit code 4; the last line of its stderr: oh dear",
    tostring, lg.model((program "echo 'oh dear' >&2; exit 4")) "x")
  fails("overload", "was ended by signal 9", tostring, lg.model((program "kill -9 $$")) "x")
  fails("nomodel", "no program ./absent", tostring, lg.model "exec/./absent" "x")
  local _, path = program "echo hi"
  os.execute("chmod -x " .. path)
  local problem = fails("nomodel", "cannot be run", tostring, lg.model("exec/" .. path) "x")
  lu.assertStrContains(tostring(problem), "chmod +x")
  lu.assertNotStrContains(tostring(problem), "\n")
end

function TestExec:test_cancelled()
  local pid = command.temp()
  local answer = lg.model((program("echo $$ >" .. pid .. "; sleep 60"))) "x"
  local n = 0
  while command.read(pid) == "" and n < 1000 do
    loop.pump(10)
    n = n + 1
  end
  answer:cancel()
  local number, gone = command.read(pid):match "^%d+", false
  for _ = 1, 200 do
    loop.pump(10)
    gone = os.execute(("! kill -0 %s 2>/dev/null || grep -q 'State:.Z' /proc/%s/status")
      :format(number, number))
    if gone then break end
    os.execute "sleep 0.01"
  end
  lu.assertTrue(gone)
end

-- ---- as a user has it ------------------------------------------------------------------

local SCRIPT = [[
local lg = require "lunagrad"
for i = 1, 5 do print(lg.model(MODEL)("q" .. i)) end
]]

function TestExec:test_the_store_serves_it()
  local runs, dir = command.temp(), command.temp() .. ".home"
  local name = program("cat >/dev/null; echo x >>" .. runs .. "; echo fine")
  local script = command.write(SCRIPT:gsub("MODEL", ("%q"):format(name)), ".lua")
  for _ = 1, 2 do
    local r = command.shell(("LUNAGRAD_HOME=%s %s"):format(dir, command.line("run", script)))
    lu.assertEquals(r.code, 0, r.err)
    lu.assertEquals(r.out, ("fine\n"):rep(5))
  end
  lu.assertEquals(command.read(runs), ("x\n"):rep(5))
  os.execute("rm -rf " .. dir)
end

function TestExec:test_a_limit_on_money_does_not_mind()
  local name = program "echo fine"
  local script = command.write(SCRIPT:gsub("MODEL", ("%q"):format(name)), ".lua")
  local r = command.run("run", script, "--max-cost", "0.01")
  lu.assertEquals(r.code, 0, r.err)
end

os.exit(lu.LuaUnit.run())
