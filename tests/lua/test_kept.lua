-- test_kept.lua - tools with cache = true in several processes that share a store

local lu = require "luaunit"
require "helper"
local command = require "command"

-- Each run of the tool adds a line to the log. What it does then is the words' to say.
local SCRIPT = [[
local lg = require "lunagrad"
local function note(text)
  local file = io.open(lg.args.log, "a")
  file:write(text, "\n")
  file:close()
end
local tool = lg.tool { name = "slow", inputs = { "x" }, cache = true, run = function(x)
  note(x)
  lg.sleep(tonumber(lg.args.sleep or 0.05))
  if lg.args.fails then error("not today", 0) end
  return x .. "!"
end }
local list = {}
for i = 1, tonumber(lg.args.keys or 20) do list[i] = tostring(i) end
local got = lg.map(list, function(x) return tool(x):text() end, { on_error = "collect" })
for _, one in ipairs(got) do io.write(one.ok and one.value or "failed", " ") end
]]

local dir, log, file

TestKept = {}

function TestKept:setUp()
  dir, log = command.temp ".store", command.temp()
  file = command.write(SCRIPT, ".lua")
end

function TestKept:tearDown() command.shell("rm -rf " .. dir) end

local function bare(...)
  return ("LUNAGRAD_HOME=%s %s"):format(dir, command.line("run", file, "log=" .. log, ...))
end

local function line(...) return "timeout 20 env " .. bare(...) end

local function runs()
  local list, most = {}, 0
  for key in command.read(log):gmatch "[^\n]+" do
    list[key] = (list[key] or 0) + 1
    most = math.max(most, list[key])
  end
  return list, most
end

local WORDS = {}
for i = 1, 20 do WORDS[i] = i .. "! " end

function TestKept:test_eight_processes_at_once_run_each_key_once()
  local got = command.shell(("for i in 1 2 3 4 5 6 7 8; do %s & done; wait"):format(line()))
  lu.assertEquals(got.err, "")
  local list, most = runs()
  lu.assertEquals(most, 1)
  lu.assertEquals(list["20"], 1)
  lu.assertEquals(#got.out, 8 * #table.concat(WORDS)) -- and everybody has the results
end

-- The second begins when the first is in its tool.
local function two(first, after, second)
  return command.shell(([[
%s & one=$!
n=0; while [ ! -s %s ] && [ $n -lt 500 ]; do sleep 0.01; n=$((n + 1)); done
%s
%s]]):format(first, log, after, second))
end

function TestKept:test_one_that_is_killed_frees_its_keys()
  local got = two(bare("keys=2", "sleep=15"), "sleep 0.1; kill -9 $one", line "keys=2")
  lu.assertEquals(got.out, "1! 2! ")
  lu.assertEquals(runs(), { ["1"] = 2, ["2"] = 2 })
end

function TestKept:test_one_that_fails_frees_its_keys()
  local got = two(line("keys=1", "sleep=0.3", "fails=1") .. " >/dev/null 2>&1", "", line "keys=1")
  lu.assertEquals(got.out, "1! ")
  lu.assertEquals(runs(), { ["1"] = 2 })
end

function TestKept:test_one_that_comes_later_waits_for_the_result()
  local got = two(line("keys=1", "sleep=0.5") .. " >/dev/null", "", line "keys=1")
  lu.assertEquals({ got.code, got.out }, { 0, "1! " }, got.err)
  lu.assertEquals(runs(), { ["1"] = 1 })
end

function TestKept:test_a_key_is_free_again_when_its_run_has_ended()
  lu.assertEquals(command.shell(line("keys=1", "fails=1")).out, "failed ")
  lu.assertEquals(command.shell(line "keys=1").out, "1! ")
  lu.assertEquals(runs(), { ["1"] = 2 })
end

function TestKept:test_a_process_goes_on_and_its_key_is_free_for_others()
  local script = SCRIPT .. [[
lg.sleep(2)
io.open(lg.args.log .. ".over", "w"):close()]]
  local other = file
  file = command.write(script, ".lua")
  local first = line("keys=1", "fails=1") .. " >/dev/null 2>&1"
  file = other
  local got = two(first, "", line("keys=1") .. "; test ! -e " .. log .. ".over && echo meanwhile")
  lu.assertEquals(got.out, "1! meanwhile\n")
  os.remove(log .. ".over")
end

os.exit(lu.LuaUnit.run())
