-- test_log.lua - what the engine tells when it is asked to: --log, and log = of lg.configure.

local lu = require "luaunit"
local command = require "command"

local ONE_CALL = [[
local lg = require "lunagrad"
%s
print(lg.model "openai/some-model" "TEXTCANARY: I have two apples and a pear. How many fruits?")
]]

-- A call whose first try fails, then the lines of the log: { level =, at =, text = }.
local function log_of(configure, more)
  local script = command.write(ONE_CALL:format(configure), ".lua")
  local got = command.with_mock({ "--fault", "500=50%", "--fault-seed", "3" },
    "OPENAI_API_KEY=sk-keycanary-1 $LG run " .. script .. " --no-store --display none " .. more)
  lu.assertEquals(got.code, 0, got.err)
  local lines = {}
  for level, text in got.err:gmatch "lunagrad: (%a+): ([^\n]*)" do
    local at, rest = text:match "^(%d+%.%d+) (.*)"
    lines[#lines + 1] = { level = level, at = tonumber(at), text = rest or text }
  end
  return lines, got.err
end

local function states(lines)
  local list = {}
  for _, line in ipairs(lines) do
    local from, to, try = line.text:match "^request 1 [^:]*: (%S+) %-> (%S+) %(try (%d+)"
    if from then list[#list + 1] = ("%s>%s %s"):format(from, to, try) end
  end
  return list
end

local LIFE = { "new>queued 0", "queued>sent 1", "sent>backoff 1", "backoff>queued 1",
  "queued>sent 2", "sent>done 2", "done>kept 2" }

local function check(lines, err)
  lu.assertEquals(states(lines), LIFE)
  local before = 0
  for _, line in ipairs(lines) do
    if line.level == "debug" then
      lu.assertIsNumber(line.at, line.text)
      lu.assertTrue(line.at >= before, line.text)
      before = line.at
    end
  end
  lu.assertNil(err:find "canary")
  lu.assertNil(err:find "TEXTCANARY")
end

TestLog = {}

function TestLog:test_option()
  check(log_of("", "--log debug"))
end

function TestLog:test_script_says_so()
  check(log_of('lg.configure{ log = "debug" }', ""))
end

-- An option on the command line comes before the script.
function TestLog:test_option_first()
  local lines = log_of('lg.configure{ log = "debug" }', "--log info")
  lu.assertEquals(states(lines), {})
  lu.assertEquals(#lines, 1) -- the retry
  lu.assertEquals(lines[1].level, "info")
end

function TestLog:test_silent_unless_asked()
  lu.assertEquals(log_of("", ""), {})
end

function TestLog:test_unknown_level()
  local got = command.shell(command.line("run", "x.lua", "--log", "loud"))
  lu.assertEquals(got.code, 2)
end

function TestLog:tearDown() command.remove_files() end

os.exit(lu.LuaUnit.run())
