-- test_fallback.lua - models that are asked when another cannot be had
--
-- Port 9 of the loopback refuses connections; the project's mock answers. Each test is one run
-- of the command.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local DEAD = 'base_url = "http://127.0.0.1:9/v1", api_key = "k"'

local function run(text, more)
  return command.run("run", command.write(text, ".lua"), "--no-store", "--display", "none",
    table.unpack(more or {}))
end

TestFallback = {}

function TestFallback.test_the_next_of_the_list_answers()
  local got = run(([[
local lg = require "lunagrad"
local asked = {}
local function answers(name, text)
  return lg.model(function() asked[#asked + 1] = name; return text end, name)
end
local broken = lg.model(function() asked[#asked + 1] = "broken"; error "down" end, "broken")
local m = lg.model{ "openai/x", %s, fallback = { broken, answers("b", "from b"), answers("c", "") } }
local v = m "hello"
print(v:text(), table.concat(asked, " "))]]):format(DEAD))
  lu.assertEquals(got.out, "from b\tbroken b\n")
end

function TestFallback.test_when_all_fail_the_last_is_told()
  local got = run(([[
local lg = require "lunagrad"
local m = lg.model{ "openai/x", %s, fallback = lg.model(function() error "down too" end, "b") }
print(m "hello")]]):format(DEAD))
  lu.assertNotEquals(got.code, 0)
  lu.assertStrContains(got.err, "down too")
end

-- A script by itself, without the command: the log goes to stderr when it is asked for.
function TestFallback.test_a_script_may_have_the_log()
  local script = [[
local lg = require "lunagrad"
%s
local m = lg.model{ "openai/x", %s, fallback = lg.model(function() return "b" end, "b") }
print(m "hello")]]
  local function told(configure)
    local path = command.write(script:format(configure, DEAD), ".lua")
    local pipe = assert(io.popen(("%s %s 2>&1"):format(command.quote(arg[-1]), path)))
    local text = pipe:read "a"
    pipe:close()
    return text
  end
  lu.assertStrMatches(told 'lg.configure{ max_attempts = 1, log = "warn" }',
    "lunagrad: warn: openai/x[^\n]*; b is asked instead\nb\n")
  lu.assertEquals(told "lg.configure{ max_attempts = 1 }", "b\n")
end

-- What the model itself will not do it is not the next one's turn to do.
function TestFallback.test_a_refusal_is_not_passed_on()
  local got = run [[
local lg = require "lunagrad"
local refuses = function() lg.errors.raise("refused", "I will not") end
local m = lg.model{ refuses, fallback = lg.model(function() return "from b" end, "b") }
print(pcall(function() return m("hello"):text() end))]]
  lu.assertStrContains(got.out, "I will not")
  lu.assertNotStrContains(got.out, "from b")
end

function TestFallback.test_a_fallback_has_none_of_its_own()
  local got = run([[
local lg = require "lunagrad"
local function f() return "x" end
local a = lg.model(f, "a")
local b = lg.model{ f, fallback = a }
local c = lg.model{ f, fallback = b }
print(c "x")]])
  lu.assertStrContains(got.err, "fallbacks of its own")
end

-- The second run finds the decision and the reply: the dead model is not tried again.
function TestFallback.test_a_resumed_run_takes_the_same_way()
  local dir = command.temp ".store"
  local script = command.write(([[
local lg = require "lunagrad"
local m = lg.model{ "openai/x", %s, fallback = { lg.model "openai/y" } }
print(m "How many things? I have a cat and a dog.")]]):format(DEAD), ".lua")
  local line = "export LUNAGRAD_HOME=%s\n$LG run %s --display none && $LG run %s --json"
  line = line:format(command.quote(dir), script, script)
  local got = command.with_mock({}, line)
  os.execute("rm -rf " .. command.quote(dir))
  lu.assertEquals(#got.journal, 1, got.err)
  lu.assertEquals(json.decode(got.journal[1].body).model, "y")
  local done
  for row in got.out:gmatch "{[^\n]*" do
    local event = json.decode(row)
    if event.event == "done" then done = event end
  end
  lu.assertEquals({ done.calls, done.served }, { 0, 1 })
end

os.exit(lu.LuaUnit.run())
