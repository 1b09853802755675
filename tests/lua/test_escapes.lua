-- test_escapes.lua - what a contained program tries and does not get (tests/escapes), and what it
-- cannot exhaust: as this user, and as nobody when that is root; with each ABI of Landlock that
-- this kernel can pretend to have. What an older Landlock does not know, seccomp holds: so all
-- must hold from ABI 1 on, the floor.

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local containment = require "lunagrad.containment"
local core = require "lunagrad.core"
local kit = require "command"
local module = require "lunagrad.command"

local holds = containment.holds()
local has_cc = containment.find("cc", true) ~= nil
local as_nobody = os.getenv "ESCAPES_AS_NOBODY" ~= nil

local function check_means()
  if holds.problem then lu.skip(holds.problem) end
  if not has_cc then lu.skip "cc is missing" end
end

-- ---- programs, and whom they try it on --------------------------------------------

local place -- of programs and of the victim

local function sh(text, ...)
  local r = kit.shell(text:format(...))
  assert(r.code == 0, text .. ": " .. r.err)
  return r.out
end

local function programs()
  if place then return place end
  place = sh("mktemp -d"):gsub("\n", "")
  sh("chmod 755 %s", place)
  for _, name in ipairs { "attempts", "bombs" } do
    sh("cc -O1 -w -pthread -o %s/%s tests/escapes/%s.c", place, name, name)
  end
  return place
end

-- A folder like a person's, of this user, that no program may touch.
local function victim()
  local path = programs() .. "/victim"
  sh([[rm -rf %s; mkdir -p -m 700 %s; cd %s; mkdir .ssh .lunagrad
    for f in .ssh/id_rsa .lunagrad/store.db precious .profile to-truncate to-unlink to-rename \
      to-chmod to-touch; do echo secret >$f; chmod 600 $f; done
    printf '#!/bin/sh\nexit 99\n' >tool; chmod 700 tool]], path, path, path)
  return path
end

local function state_of(path)
  return sh("cd %s && find . -printf '%%%%p %%%%m %%%%u %%%%s %%%%T@\\n' | sort", path)
end

-- Processes with a program of ours; dead ones have none any more.
local function running()
  return sh("find /proc -maxdepth 2 -name exe -lname %s/bombs 2>/dev/null; true", place)
end

TestAttempts = {}

function TestAttempts:tearDown() module.most_abi = nil end

-- Where nothing contains them they succeed: so they are attempts.
function TestAttempts:test_they_are_real()
  check_means()
  local run = lg.command { programs() .. "/attempts", "controls", "{victim}" }
    :run { victim = victim() }
  lu.assertEquals(run.code, 0, run.stderr)
  lu.assertTrue(tonumber(run.stdout:match "tried (%d+)") >= 50)
  local held = {}
  for name in run.stdout:gmatch "held (%S+)" do held[#held + 1] = name end
  lu.assertTrue(#held <= 12, table.concat(held, " ")) -- a container around us holds some
end

function TestAttempts:test_all_are_held_with_every_landlock()
  check_means()
  for abi = 1, math.min(holds.abi, 7) do
    module.most_abi = abi
    local path = victim()
    local before = state_of(path)
    local run = lg.command { programs() .. "/attempts", "all", "{victim}", sandbox = true }
      :run { victim = path }
    lu.assertEquals(run.code, 0, run.stderr)
    for name in run.stdout:gmatch "ESCAPED (%S+)" do
      lu.fail(("%s is not held with Landlock's ABI %d"):format(name, abi))
    end
    lu.assertTrue(tonumber(run.stdout:match "tried (%d+)") >= 85)
    lu.assertEquals(state_of(path), before)
  end
end

function TestAttempts:test_all_are_held_by_bubblewrap()
  check_means()
  local ok, command = pcall(lg.command, { programs() .. "/attempts", "all", "{victim}",
    sandbox = "strict" })
  if not ok then lu.skip(command.message) end
  local path = victim()
  local before = state_of(path)
  local run = command:run { victim = path }
  lu.assertEquals(run.code, 0, run.stderr)
  -- what it has of its own there: processes, a root with nothing in it, /tmp, some devices
  local own = { signal_parent = 1, signal_group_of_parent = 1, signal_thread_of_parent = 1,
    signal_init = 1, list_processes = 1, environ_of_parent = 1, memory_of_parent = 1,
    descriptors_of_parent = 1, temporary_folders = 1, neighbour = 1, devices = 1,
    secrets_of_the_system = 1, folder_by_proc = 1 }
  for name in run.stdout:gmatch "ESCAPED (%S+)" do lu.assertNotNil(own[name], name) end
  lu.assertEquals(state_of(path), before)
end

-- The engine's environment holds a key, and so does what a shell around it would hand on.
function TestAttempts:test_keys_are_not_handed_on()
  check_means()
  local names = {}
  for name in sh("env"):gmatch "([%w_]+)=" do names[name] = true end
  local seen = lg.command { "env", sandbox = true, cache = false }():text()
  for name in seen:gmatch "([%w_]+)=" do
    lu.assertNotNil(("PATH LANG HOME TMPDIR PWD SHLVL _"):find(name, 1, true), name)
  end
  lu.assertTrue(names.PATH)
end

-- ---- what cannot be exhausted --------------------------------------------------------

TestBombs = {}

local LIMITS = { timeout = 0.4, memory = "64M", file_size = "4M", processes = 32, disk = "16M",
  output_limit = "256K", sandbox = true }

local function explode(name, more)
  local spec = { programs() .. "/bombs", name }
  for key, value in pairs(LIMITS) do spec[key] = value end
  for key, value in pairs(more or {}) do spec[key] = value end
  local run = lg.command(spec):run()
  for _ = 1, 200 do
    if running() == "" then return run end
    lg.sleep(0.02)
  end
  lu.fail(name .. " has left processes: " .. running())
end

local function ends_by(limit, names, more)
  for _, name in ipairs(names) do
    local run = explode(name, more)
    lu.assertEquals(run.limit, limit, ("%s: %s %s %s"):format(name, tostring(run.code),
      tostring(run.signal), run.stderr))
  end
end

-- It ends by itself; the number it prints is at most `most`.
local function ends_with(most, names)
  for _, name in ipairs(names) do
    local run = explode(name, { timeout = 20 })
    lu.assertEquals(run.code, 0, name .. run.stderr)
    local n = tonumber(run.stdout:match "^%d+")
    if most then lu.assertTrue(n and n <= most, name .. " got " .. run.stdout) end
  end
end

function TestBombs:test_processes()
  check_means()
  ends_by("time", { "fork_bomb" })
  ends_with(nil, { "fork_and_end", "leftovers", "held_output", "zombies" })
  -- as nobody in particular: what else runs as this user may end meanwhile, and makes room
  ends_with(core.holds().other_users and 32 or 32 + 200, { "fork_and_sleep", "threads" })
end

function TestBombs:test_memory()
  check_means()
  ends_with(64, { "memory", "shared_maps" })
  lu.assertEquals(explode("stack").signal, "SIGSEGV")
end

function TestBombs:test_files()
  check_means()
  ends_by("file_size", { "big_file" })
  ends_by("disk", { "big_files", "many_files" }, { timeout = 20 })
  lu.assertStrContains(explode("big_file_ignored").stdout, "too large")
  lu.assertStrContains(explode("sparse_file").stdout, "refused")
  ends_with(256, { "descriptors" })
  explode("deep_folders")
  ends_with(nil, { "shut_folders" })
  lu.assertEquals(explode("odd_output").files, {})
end

function TestBombs:test_output()
  check_means()
  ends_by("output", { "flood", "error_flood", "both_floods" }, { timeout = 20 })
  local run = explode("flood_and_end")
  lu.assertTrue(#run.stdout <= 256 * 1024)
end

function TestBombs:test_time()
  check_means()
  ends_by("time", { "deaf", "shut_and_run", "stop", "stop_all", "sleep" })
  ends_by("cpu", { "spin_for_ever" }, { timeout = 60, cpu = 1 })
  lu.assertEquals(explode("kill_own_group").signal, "SIGKILL")
  lu.assertEquals(explode("crash").signal, "SIGABRT")
end

-- The engine is killed, and can clear up nothing.
function TestBombs:test_when_the_engine_is_killed()
  check_means()
  local ready = kit.temp(".ready")
  local script = ([[
local lg = require "lunagrad"
local c = lg.command { "sh", "-c", "%s/bombs sleep & %s/bombs deaf & wait", sandbox = true,
  read = { %q } }
local function begun() return io.popen("find /proc -maxdepth 2 -name exe -lname %s/bombs 2>/dev/null")
  :read "a":find "exe.*exe" end
lg.spawn(function()
  while not begun() do lg.sleep(0.02) end
  io.open(%q, "w"):close()
end)
c():text()
]]):format(programs(), programs(), programs(), programs(), ready)
  kit.shell(("%s & p=$!; until [ -e %s ]; do sleep 0.05; done; kill -9 $p"):format(
    kit.lua_line(script):gsub("timeout 20 ", ""), ready))
  for _ = 1, 300 do
    if running() == "" then break end
    lg.sleep(0.02)
  end
  lu.assertEquals(running(), "")
  kit.remove_files()
end

function TestBombs:test_nothing_is_left()
  check_means()
  for _ = 1, 300 do
    if lg.stats().commands == 0 then break end
    lg.sleep(0.01)
  end
  lu.assertEquals(running(), "")
end

-- ---- as nobody ------------------------------------------------------------------------

TestUsers = {}

function TestUsers:test_as_nobody()
  check_means()
  if as_nobody then lu.skip "it is nobody" end
  if sh "id -u" ~= "0\n" then lu.skip "not root, so this was it" end
  if not containment.find("setpriv", true) then lu.skip "setpriv is missing" end
  local nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups "
  if kit.shell(nobody .. "test -r " .. build .. "/lunagrad.so").code ~= 0 then
    lu.skip "nobody cannot read the build"
  end
  local r = kit.shell(([[%s env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/nonexistent BUILD=%s \
    LUA_PATH="$LUA_PATH" LUA_CPATH="$LUA_CPATH" LD_PRELOAD="$LD_PRELOAD" \
    ASAN_OPTIONS="$ASAN_OPTIONS" ESCAPES_AS_NOBODY=1 %s tests/lua/test_escapes.lua]])
    :format(nobody, build, arg[-1]))
  lu.assertEquals(r.code, 0, r.out .. r.err)
end

local code = lu.LuaUnit.run()
if place then kit.shell("rm -rf " .. place) end
os.exit(code)
