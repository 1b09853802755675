-- test_persistent.lua - lg.command{ persistent = true }: programs that stay, and answer by lines

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local LUA = os.getenv "LUA" or "lua5.4"

-- Answers by what it is asked; `n` counts the questions of this process.
local PROGRAM = [[
io.stdout:setvbuf "line"
print "a banner, which is no answer"
local n = 0
for line in io.lines() do
  local x = line:match '"x":"([^"]*)"'
  n = n + 1
  if x == "exit" then io.stderr:write "bad luck\n" os.exit(3)
  elseif x == "quiet" then os.exit(0)
  elseif x == "hang" then while true do end
  elseif x == "flood" then print("{" .. ("x"):rep(200000))
  elseif x == "drip" then while true do io.stdout:write(("x"):rep(1000)) end
  elseif x == "noise" then print "noise" print '{"value":"after noise"}'
  elseif x == "twice" then print '{"value":"first"}' print '{"value":"second"}'
  elseif x == "bad" then print "{bad"
  elseif x == "bytes" then print "{\255}"
  elseif x == "error" then print '{"error":"no such molecule"}'
  elseif x == "list" then print "[1,2]"
  elseif x == "table" then print '{"value":{"a":1},"score":0.5}'
  elseif x == "stderr" then io.stderr:write(("e"):rep(300000)) print '{"value":"well"}'
  elseif x == "cwd" then print(('{"value":"%s"}'):format(os.getenv "HOME"))
  else print(('{"value":"%s","n":%d,"score":%d}'):format(x:upper(), n, #x)) end
end
]]

local function program(more)
  local spec = { LUA, "-e", PROGRAM, persistent = true, fields = { "x" }, timeout = 30,
    name = "echo", output_limit = "100K", concurrency = 1 }
  for key, value in pairs(more or {}) do spec[key] = value end
  return lg.command(spec)
end

-- Everything holds with and without a sandbox, where there is one.
local function each(fn)
  fn(program)
  if lg.sandbox and pcall(program, { sandbox = true }) then
    fn(function(more)
      more = more or {}
      more.sandbox = true
      return program(more)
    end)
  end
end

TestPersistent = {}

function TestPersistent.test_answers()
  each(function(make)
    local echo = make()
    local v = echo { x = "hello" }
    lu.assertEquals({ v:text(), v.score }, { "HELLO", 5 })
    lu.assertEquals(echo("table"):text(), '{"a":1}')
    lu.assertEquals(echo("list"):text(), "[1,2]")
    lu.assertEquals(echo("noise"):text(), "after noise")
    lu.assertEquals(echo("stderr"):text(), "well")
    lu.assertEquals(echo:run { x = "again" }.reply.n, 6) -- one process for all
  end)
end

function TestPersistent.test_how_questions_fail()
  each(function(make)
    local echo = make()
    local function run(x) return echo:run { x = x } end
    local r = run "exit"
    lu.assertEquals({ r.code, r.stderr, r.reply }, { 3, "bad luck\n", nil })
    lu.assertNotNil(run("quiet").problem)
    lu.assertEquals(run("flood").limit, "output")
    lu.assertEquals(run("drip").limit, "output")
    lu.assertNotNil(run("bad").problem)
    lu.assertNotNil(run("bytes").problem)
    for _, x in ipairs { "exit", "quiet", "flood", "bad", "bytes", "error" } do
      helper.fails("program", nil, function() echo({ x = x }):text() end)
    end
    lu.assertEquals(echo("well"):text(), "WELL")
    lu.assertEquals(make { timeout = 0.3 }:run { x = "hang" }.limit, "time")
  end)
end

-- One that closes its stdout cannot answer: nobody waits for its time to be over.
function TestPersistent.test_one_that_closes_its_output()
  local mute = lg.command { "sh", "-c", "read line; exec >&-; sleep 100", persistent = true,
    fields = { "x" }, timeout = 100 }
  local run = mute:run { x = "speak" }
  lu.assertEquals({ run.signal, run.limit }, { "SIGKILL", nil })
end

function TestPersistent.test_what_was_not_asked_is_no_answer()
  local echo = program()
  lu.assertEquals(echo("twice"):text(), "first")
  lg.sleep(0.05) -- the second comes when nobody asks
  lu.assertEquals(echo("next"):text(), "NEXT")
end

function TestPersistent.test_many_in_turn()
  local echo = program { concurrency = 3 }
  local list = {}
  for i = 1, 120 do list[i] = i % 10 == 0 and "exit" or "w" .. i end
  local runs = lg.map(list, function(x) return echo:run { x = x } end)
  for i, x in ipairs(list) do
    if x == "exit" then
      lu.assertEquals(runs[i].code, 3)
    else
      lu.assertEquals(runs[i].reply.value, x:upper())
    end
  end
  lu.assertEquals(lg.stats().commands, 0)
end

-- A question that is not wanted any more ends its process, and hands its place on.
function TestPersistent.test_cancelled_in_line_and_asked()
  local echo = program()
  local slow = lg.tool { name = "slow", purpose = "waits", timeout = 0.2,
    run = function(x) return echo:run({ x = x }).stdout end }
  local results = lg.map({ "hang", "a", "b" }, function(x) return slow(x):text() end,
    { on_error = "collect" })
  lu.assertEquals({ results[1].ok, results[1].err.kind }, { false, "timeout" })
  lu.assertEquals(echo("after"):text(), "AFTER")
end

function TestPersistent.test_result_and_json()
  local echo = program { result = function(run) return "n " .. run.reply.n, run.reply.score end }
  local v = echo { x = "abc" }
  lu.assertEquals({ v:text(), v.score }, { "n 1", 3 })
  local quoted = program { result = function(run) return run.stdout end }
  lu.assertStrContains(quoted { x = "a" }:text(), '"value":"A"')
end

function TestPersistent.test_arguments()
  helper.fails("inval", { field = "fields" }, program, { fields = {} })
  helper.fails("inval", { field = "fields" }, program, { fields = { "x", "x" } })
  helper.fails("inval", { field = "fields" }, program, { persistent = false })
  helper.fails("inval", { field = "input" }, program, { input = "x" })
  helper.fails("inval", nil, lg.command, { LUA, "{x}", persistent = true, fields = { "x" } })
  helper.fails("program", nil, lg.command, { "no-such-program", persistent = true,
    fields = { "x" } })
end

os.exit(lu.LuaUnit.run(), true)
