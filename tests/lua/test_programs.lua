-- test_programs.lua - lg.command: words, fields, files, limits, errors, what is kept; in each way
-- that programs run here. What a contained one is kept from is test_escapes.lua's.

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local containment = require "lunagrad.containment"
local core = require "lunagrad.core"
local helper = require "helper"
local kit = require "command"

local fails = helper.fails

local contains = containment.holds().problem == nil
local WAYS = contains and { false, true } or { false }

local function in_each_way(fn)
  for _, way in ipairs(WAYS) do fn(way) end
end

local function shell(text, spec)
  local all = { "sh", "-c", text }
  for name, value in pairs(spec or {}) do all[name] = value end
  return lg.command(all)
end

-- What is removed is removed piece by piece.
local function is_gone(path)
  for _ = 1, 300 do
    if not core.real_path(path) then return true end
    lg.sleep(0.01)
  end
  return false
end

TestWords = {}

function TestWords:test_fields_are_filled_in()
  in_each_way(function(way)
    local c = lg.command { "printf", "%s|%s|%s", "{a}", "x={b}y", "{{c}}", sandbox = way }
    lu.assertEquals(c{ a = "two words", b = "$HOME" }:text(), "two words|x=$HOMEy|{c}")
  end)
end

function TestWords:test_no_shell_reads_them()
  local c = lg.command { "printf", "%s", "$(id); `id` && * 'quoted'", "{ none }" , "{}" }
  lu.assertEquals(c():text(), "$(id); `id` && * 'quoted'{ none }{}")
end

function TestWords:test_one_field_needs_no_name()
  local c = lg.command { "cat", input = "text" }
  lu.assertEquals(c("as it is"):text(), "as it is")
  lu.assertEquals(tostring(c), 'command "cat"')
end

function TestWords:test_a_text_is_no_option()
  local c = lg.command { "ls", "{what}" }
  fails("inval", "would be an option", function() return c("-la"):text() end)
  lu.assertEquals(lg.command { "echo", "{n}" }("-5"):text(), "-5\n")
  local list = lg.command { "ls", "--", "{what}" }
  fails("program", "cannot access", function() return list("-x"):text() end)
end

function TestWords:test_a_pending_text_is_waited_for()
  local upper = lg.tool { name = "upper", run = function(s) return s:upper() end }
  lu.assertEquals(lg.command { "cat", input = "t" }(upper("abc")):text(), "ABC")
end

TestFiles = {}

function TestFiles:test_files_input_and_output()
  in_each_way(function(way)
    local c = shell("cat {config} - > out/result.txt; cat {config} >&2", { sandbox = way,
      files = { config = "in/config.txt", more = "out/keep" }, input = "rest",
      output = "out/result.txt" })
    lu.assertEquals(c{ config = "one\n", more = "", rest = "two" }:text(), "one\ntwo")
  end)
end

function TestFiles:test_what_it_left_is_told()
  in_each_way(function(way)
    local c = shell("echo new > a/b.txt; echo other > given; head -c 3000 /dev/zero > big; pwd",
      { sandbox = way, files = { given = "given", same = "a/same" }, output_limit = "1K" })
    local run = c:run { given = "given", same = "same" }
    lu.assertEquals(run.code, 0)
    lu.assertEquals(run.files, { ["a/b.txt"] = "new\n", given = "other\n" })
    lu.assertEquals(run.unread, { "big" })
    lu.assertTrue(is_gone((run.stdout:gsub("\n", ""))))
  end)
end

function TestFiles:test_links_that_lead_out_are_not_read()
  in_each_way(function(way)
    local c = shell("ln -s /etc/hostname out; ln -s / root; mkfifo pipe; echo x > fine",
      { sandbox = way, output = "out" })
    local run = c:run()
    lu.assertEquals(run.files, { fine = "x\n" })
    fails("program", "did not write out", function() return c():text() end)
  end)
end

function TestFiles:test_deep_and_many_are_removed()
  in_each_way(function(way)
    local c = shell([[pwd; i=0; while [ $i -lt 300 ]; do mkdir dddddddddddddddddddd
      cd dddddddddddddddddddd; i=$((i+1)); done; : > f; mkdir -m 000 shut]], { sandbox = way })
    local run = c:run()
    lu.assertTrue(run.code == 0 or run.limit == "disk", run.stderr) -- a slow one is looked at
    lu.assertTrue(is_gone((run.stdout:gsub("\n", ""))))
  end)
end

-- To look through folders in folders takes the longer the deeper they are.
function TestFiles:test_too_deep_is_too_much()
  in_each_way(function(way)
    if not way then return end -- what is not contained has no limit of the disk
    local run = shell([[i=0; while [ $i -lt 100 ]; do mkdir d; cd d; i=$((i+1)); done; sleep 30]],
      { sandbox = way, timeout = 60 }):run()
    lu.assertEquals({ run.limit, run.code }, { "disk", nil })
  end)
end

TestLimits = {}

local function limited(text, limit, spec, way)
  spec.sandbox = way
  local run = shell(text, spec):run()
  lu.assertEquals(run.limit, limit, text .. " " .. tostring(run.code) .. run.stderr)
end

function TestLimits:test_one_is_an_error()
  fails("program", "timeout", function()
    return lg.command { "sleep", "60", timeout = 0.1 }():text()
  end)
end

function TestLimits:test_each_is_named()
  in_each_way(function(way)
    limited("sleep 60", "time", { timeout = 0.1 }, way)
    limited("trap '' TERM INT HUP; while :; do sleep 1; done", "time", { timeout = 0.1 }, way)
    limited("while :; do :; done", "cpu", { cpu = 1 }, way)
    limited("yes", "output", { output_limit = "64K" }, way)
    limited("yes >&2", "output", { output_limit = "64K" }, way)
    limited("yes > f", "file_size", { file_size = "1M" }, way)
    limited("while :; do i=$((i+1)); head -c 400000 /dev/zero > f$i; done", "disk",
      { disk = "4M" }, way)
  end)
end

function TestLimits:test_memory()
  if not containment.find("python3", true) then lu.skip "python3 is missing" end
  in_each_way(function(way)
    local c = lg.command { "python3", "-c", "x = bytearray(1 << 32)", memory = "256M",
      sandbox = way }
    local run = c:run()
    lu.assertEquals(run.code, 1)
    lu.assertStrContains(run.stderr, "MemoryError")
  end)
end

function TestLimits:test_what_it_started_ends_with_it()
  in_each_way(function(way)
    local run = shell("sleep 98.7 & sleep 98.7 & echo $!", { sandbox = way }):run()
    local pid = assert(run.stdout:match "%d+")
    for _ = 1, 100 do
      local stat = kit.read("/proc/" .. pid .. "/stat") or ""
      if stat == "" or stat:find "%) Z" then return end
      lg.sleep(0.01)
    end
    lu.fail "it runs on"
  end)
end

function TestLimits:test_some_at_once()
  local c = shell("sleep 0.05; echo {n}", { concurrency = 4 })
  local started = os.time()
  local all = lg.map({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(n) return c{ n = n }:text() end)
  lu.assertEquals(table.concat(all), "1\n2\n3\n4\n5\n6\n7\n8\n")
  lu.assertTrue(os.time() - started < 5)
end

function TestLimits:test_cancelled_with_its_tool()
  local tool = lg.tool { name = "impatient", timeout = 0.1, run = function()
    return shell("sleep 60"):run().stdout
  end }
  fails("timeout", nil, function() return tool():text() end)
  for _ = 1, 300 do
    if lg.stats().commands == 0 then break end
    lg.sleep(0.01)
  end
  lu.assertEquals(lg.stats().commands, 0)
end

TestEnds = {}

function TestEnds:test_a_failed_run_is_a_value()
  in_each_way(function(way)
    local run = shell("echo out; echo words >&2; exit 7", { sandbox = way }):run()
    lu.assertEquals({ run.code, run.signal, run.limit }, { 7 })
    lu.assertEquals({ run.stdout, run.stderr }, { "out\n", "words\n" })
    lu.assertTrue(run.wall > 0 and run.cpu >= 0 and run.memory > 0)
    run = shell("kill -SEGV $$", { sandbox = way }):run()
    lu.assertEquals({ run.code or false, run.signal }, { false, "SIGSEGV" })
  end)
end

function TestEnds:test_an_error_of_the_variable()
  in_each_way(function(way)
    local bad = shell("echo first >&2; echo last words >&2; exit 3", { sandbox = way })
    local problem = fails("program", nil, function() return bad():text() end)
    lu.assertStrContains(problem.message, "exit code 3")
    lu.assertStrContains(problem.message, "last words")
  end)
end

function TestEnds:test_result_makes_something_of_it()
  local c = shell("echo 0.75; exit {code}", { result = function(run)
    if run.code ~= 0 then return "it failed with " .. run.code, 0 end
    return "fine", tonumber(run.stdout)
  end })
  local fine, bad = c{ code = 0 }, c{ code = 2 }
  lu.assertEquals({ fine:text(), fine.score }, { "fine", 0.75 })
  lu.assertEquals({ bad:text(), bad.score }, { "it failed with 2", 0 })
end

function TestEnds:test_what_is_no_text()
  fails("program", "no text", function() return lg.command { "printf", "\\377" }():text() end)
end

function TestEnds:test_stdin_stdout_and_the_rest_are_closed()
  in_each_way(function(way)
    local run = shell("ls /proc/self/fd 2>/dev/null | wc -l; exec >&- 2>&- <&-; sleep 0.05",
      { sandbox = way }):run()
    lu.assertEquals(run.code, 0)
    if not way then lu.assertTrue(tonumber(run.stdout) <= 5) end
  end)
end

function TestEnds:test_the_environment_is_clean()
  in_each_way(function(way)
    local run = shell("env", { sandbox = way, env = { MINE = "yes" } }):run()
    lu.assertStrContains(run.stdout, "MINE=yes")
    local known = { PATH = 1, HOME = 1, USER = 1, LOGNAME = 1, LANG = 1, LC_ALL = 1, LC_CTYPE = 1,
      TZ = 1, LD_LIBRARY_PATH = 1, MINE = 1, TMPDIR = 1, PWD = 1, _ = 1, OLDPWD = 1, SHLVL = 1 }
    for name in run.stdout:gmatch "([%w_]+)=[^\n]*\n" do lu.assertNotNil(known[name], name) end
  end)
end

TestStart = {}

function TestStart:test_what_cannot_be_run()
  fails("program", "no program", lg.command, { "no-such-program" })
  fails("program", "no program", lg.command, { "./no-such-program" })
  local text = kit.write("echo x\n", ".sh")
  fails("program", "not executable", lg.command, { text })
  os.execute("chmod +x " .. text)
  in_each_way(function(way)
    fails("program", "it is no program", function()
      return lg.command { text, sandbox = way }():text()
    end)
    local lost = kit.write("#!/no/interpreter\n", ".sh")
    os.execute("chmod +x " .. lost)
    fails("program", "interpreter", function()
      return lg.command { lost, sandbox = way }():text()
    end)
  end)
  kit.remove_files()
end

function TestStart:test_bad_options()
  fails("inval", { field = "timeout" }, lg.command, { "true", timeout = 0 })
  fails("inval", { field = "memory" }, lg.command, { "true", memory = "lots" })
  fails("inval", { field = "output" }, lg.command, { "true", output = "/etc/passwd" })
  fails("inval", { field = "files.a" }, lg.command, { "true", files = { a = "x/../../y" } })
  fails("inval", { field = "read" }, lg.command, { "true", read = { "/no/such/folder" } })
  fails("inval", { field = "sandbox" }, lg.command, { "true", sandbox = "strickt" })
  fails("inval", { field = "env" }, lg.command, { "true", env = { ["A B"] = "x" } })
  fails("inval", { field = "concurrency" }, lg.command, { "true", concurrency = 0 })
  fails("inval", "cannot be a field", lg.command, { "{program}" })
  fails("inval", nil, lg.command, {})
  fails("inval", "no program is named", lg.command, { "" })
  fails("inval", "did you mean", lg.command, { "true", time_out = 3 })
  fails("inval", "zero byte", function() return lg.command { "echo", "{a}" }("x\0y"):text() end)
  fails("inval", nil, function() return lg.command { "true" }:run { b = "1" } end)
end

function TestStart:test_interpreters_and_compilers()
  in_each_way(function(way)
    local c = shell("cc -O1 -o prog prog.c && ./prog {n}", { files = { source = "prog.c" },
      sandbox = way })
    if containment.find("cc", true) then
      lu.assertEquals(c{ n = 4, source = [[
#include <stdio.h>
#include <stdlib.h>
int main(int n, char **args) { printf("%d", atoi(args[n - 1]) * 2); return 0; }]] }:text(), "8")
    end
    local python = lg.command { "python3", "-c", "import sys, json; "
      .. "print(json.dumps(sorted(json.load(sys.stdin))))", input = "list", sandbox = way }
    if containment.find("python3", true) then
      lu.assertEquals(python("[3, 1, 2]"):text(), "[1, 2, 3]\n")
    end
  end)
end

function TestStart:test_strict_or_a_clear_word()
  local ok, c = pcall(lg.command, { "sh", "-c", "echo $$; ls /", sandbox = "strict" })
  if not ok then
    lu.assertEquals(c.kind, "program")
    lu.assertStrContains(c.message, "strict")
  else
    local seen = c():text()
    lu.assertTrue(tonumber(seen:match "^%d+") < 10, seen)
    lu.assertNil(seen:match "\nroot\n")
  end
end

function TestStart:test_an_older_kernel_is_refused()
  local module = require "lunagrad.command"
  if not contains then
    fails("program", "not to be had", lg.command, { "true", sandbox = true })
    return
  end
  for abi = 1, 7 do
    module.most_abi = abi
    lu.assertEquals(lg.command { "echo", "fine", sandbox = true, cache = false }():text(),
      "fine\n")
  end
  module.most_abi = nil
end

os.exit(lu.LuaUnit.run())
