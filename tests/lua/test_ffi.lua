-- test_ffi.lua - lunagrad_ffi.lua in LuaJIT: jobs, functions, models, limits, its JSON, bad input
--
-- Each test is a program that a LuaJIT runs; skips where there is none (Debian: luajit).

local command = require "command"
local lu = require "luaunit"

local build = os.getenv "BUILD" or "build"
local has_luajit = command.shell "luajit -v".code == 0
local has_library = command.read(build .. "/liblunagrad.so") ~= "" -- built with Lua 5.4 alone
local BUILD = build:find "^/" and build or "$PWD/" .. build
local preload = os.getenv "LD_PRELOAD"

local function skip_without_luajit()
  lu.skipIf(not has_luajit, "luajit is not installed")
  lu.skipIf(not has_library, "no liblunagrad.so in " .. build)
end

-- What the program prints. `lg` is there, and show(…), which prints values as JSON.
local function luajit(code)
  skip_without_luajit()
  local file = command.write([[
package.path = "lua/?.lua;" .. package.path
local lg = require "lunagrad_ffi"
local function show(...)
  local list = {}
  for i = 1, select("#", ...) do
    local ok, text = pcall(lg.json.encode, (select(i, ...)))
    list[i] = ok and text or tostring((select(i, ...)))
  end
  print(table.concat(list, " "))
end
]] .. code, ".lua")
  local got = command.shell(("%s LUNAGRAD_LIBRARY=%s/liblunagrad.so timeout 60 luajit %s"):format(
    preload and "LD_PRELOAD=" .. preload or "", BUILD, file))
  lu.assertEquals(got.err, "")
  lu.assertEquals(got.code, 0)
  return got.out
end

TestFfi = { tearDown = command.remove_files }

function TestFfi.test_the_declarations_are_those_of_the_header()
  local got = command.shell "lua5.4 lua/declarations.lua --check"
  if got.code == 127 then got = command.shell(arg[-1] .. " lua/declarations.lua --check") end
  lu.assertEquals(got.code, 0, got.out .. got.err)
end

-- ---- jobs --------------------------------------------------------------------------

function TestFfi.test_a_job_is_polled()
  lu.assertEquals(luajit [[
local job = lg.run('local a = ... return { sum = a.x + lg.args.y, word = "ü", list = {} }',
  { x = 2, y = 3.5 })
show(job.state, job.result, job.error)
local polls = 0
while job:poll() == "pending" do polls = polls + 1 assert(polls < 1e5) end
show(job.state, job.result, job.error, job:poll())
print(job.result_json)]], [[
"pending" null null
"ready" {"list":{},"sum":5.5,"word":"ü"} null "ready"
{"list":{},"sum":5.5,"word":"ü"}
]])
end

function TestFfi.test_what_it_returns()
  lu.assertEquals(luajit [[
for _, source in ipairs { "return", "return nil", "return false", "return 1, 'a'", "return {}, 1",
  "return lg.json.null", "return lg.json.array{}", "return 1e300, -0.5" } do
  local job = lg.run(source)
  job:wait()
  print(job.result_json, job.result == nil, job.error)
end]], [[
null	true	nil
null	true	nil
false	false	nil
[1,"a"]	false	nil
[{},1]	false	nil
null	true	nil
[]	false	nil
[1e+300,-0.5]	false	nil
]])
end

-- Who waits for nothing but the descriptor, and the timeout when it is asked, hears of all.
function TestFfi.test_the_descriptor_tells()
  lu.assertEquals(luajit [[
local ffi = require "ffi"
ffi.cdef "struct pollfd { int fd; short events, revents; }; int poll(struct pollfd *, unsigned long, int);"
local e = lg.engine()
local fds = ffi.new("struct pollfd[1]")
fds[0].fd, fds[0].events = e:fd(), 1
show(ffi.C.poll(fds, 1, 0), e:timeout())
local job = e:run("lg.sleep(0.01) return host.f()", nil, { functions = { f = function() return 5 end } })
local polls = 0
while job.state == "pending" and polls < 1000 do
  polls = polls + 1
  if ffi.C.poll(fds, 1, polls == 1 and 0 or e:timeout()) == 0 and polls == 1 then print "not told" end
  e:step()
end
show(job.state, job.result, polls < 50)]], [[
0 -1
"ready" 5 true
]])
end

function TestFfi.test_many_at_once_with_a_world_and_their_events()
  lu.assertEquals(luajit [[
local e, jobs, ended = lg.engine { seed = 7 }, {}, 0
local source = 'print("I am " .. lg.args.i) '
  .. 'return lg.model "sim" ("I have two pears and " .. lg.args.i .. " cats. How many fruits?"):text()'
for i = 1, 30 do
  jobs[i] = e:run(source, { i = i }, { name = "job " .. i,
    log = function(line, job) assert(line == "I am " .. i and job == jobs[i]) end,
    done = function(job) ended = ended + (job == jobs[i] and job.state == "ready" and 1 or 0) end })
end
while ended < 30 do
  e:step(500)
  assert(e:timeout() >= -1 and e:fd() >= 0)
end
show(ended, type(jobs[30].result), e:stats().calls, e:stats().vars_pending)
e:close()
e:close()
show(jobs[1].state, pcall(e.step, e))]], [[
30 "string" 30 0
"ready" false "the engine was closed"
]])
end

function TestFfi.test_an_optimization()
  lu.assertEquals(luajit [[
local file = io.open "scripts/hosts/improve.lua"
local job = lg.run(file:read "*a", { steps = 3, seed = 2 }, { progress = function() end })
while job:poll(1000) == "pending" do end
show(job.error, job.result.score_after > job.result.score_before, job.result.steps,
  job.progress ~= nil)]], "null true 3 true\n")
end

-- A library with a thread of its own gives the same; one without says so.
function TestFfi.test_a_thread_of_the_librarys()
  local out = luajit [[
local ok, e = pcall(lg.engine, { thread = true })
if not ok then return print(e) end
local jobs, left = {}, 20
for i = 1, 20 do
  jobs[i] = e:run("return host.twice(" .. i .. ")", nil, { done = function() left = left - 1 end,
    functions = { twice = function(args) return 2 * args[1] end } })
end
local endless = e:run "while true do end"
while left > 0 do e:wait(20) end
endless:kill()
show(jobs[20].result, endless:wait())]]
  if out ~= "lg.engine: this version of the library has no thread\n" then
    lu.assertEquals(out, '40 "cancelled"\n')
  end
end

-- ---- functions and models of the host --------------------------------------------------

function TestFfi.test_functions_answer_now_and_later_and_fail()
  lu.assertEquals(luajit [[
local waiting
local job = lg.run([=[
  local ok, problem = pcall(host.bad)
  local sum = host.add(1, 2.5)
  local seen = host.see({ a = { 1 } }, "x", lg.json.null, true)
  return { sum, seen, host.later "q", host.nothing(), ok, tostring(problem):match "[^\n]*" }]=], nil,
  { functions = {
    add = function(args) return args[1] + args[2] end,
    see = function(args) return lg.json.encode(args) end,
    bad = function() error("no\nluck", 0) end,
    nothing = function() end,
    later = function(args, call)
      waiting = { args = args, call = call }
      return lg.later
    end } })
local polls = 0
while job:poll() == "pending" do
  polls = polls + 1
  if waiting and polls > 20 then
    show(waiting.args, waiting.call:reply { "answer" }, waiting.call:reply "again")
    waiting = nil
  end
  assert(polls < 1e6)
end
show(job.result, job.error)]], [[
["q"] true false
[3.5,"[{\"a\":[1]},\"x\",null,true]",["answer"],null,false,"no"] null
]])
end

function TestFfi.test_arguments_beside_functions()
  lu.assertEquals(luajit [[
local job = lg.run("return { lg.args.x, (...).x, host.f() }", { x = 5 }, { functions = {
  f = function() return 1 end } })
show(job:wait(), job.result)
job = lg.run("local a, b = ... return { a, b, lg.args[2] }", lg.json.array { 1, "two" })
show(job:wait(), job.result)]], [[
"ready" [5,5,1]
"ready" [1,"two","two"]
]])
end

function TestFfi.test_values_that_have_no_form_fail_the_call()
  lu.assertEquals(luajit [[
local loop = {}
loop[1] = loop
local job = lg.run('local t = {} for i, f in ipairs { host.a, host.b, host.c, host.d, host.e } do '
  .. 't[i] = select(2, pcall(f)) t[i] = tostring(t[i]) end return t', nil, { functions = {
  a = function() return print end, b = function() return loop end, c = function() return "\255" end,
  d = function() error {} end, e = function() error { message = "a field" } end } })
job:wait()
for _, words in ipairs(job.result) do print((words:gsub("^script:%d+: ", ""))) end]], [[
a function has no form in JSON
a table holds itself
a string is no UTF-8 (byte 1 of it)
a table without a message
a field
]])
end

function TestFfi.test_a_function_that_polls_ends_jobs_and_closes()
  lu.assertEquals(luajit [[
local e = lg.engine()
local other = e:run "return 7"
local job = e:run('return host.inside()', nil, { functions = { inside = function()
  while other:poll() == "pending" do end
  return other.result
end } })
show(job:wait(), job.result)
local dead = e:run('return host.stop(1)', nil, { functions = { stop = function(_, call)
  e:close()
  return 1
end } })
show(dead:wait(), dead.result, pcall(e.run, e, "return 1"))]], [[
"ready" 7
"cancelled" null false "the engine was closed"
]])
end

function TestFfi.test_models_that_are_functions_of_the_host()
  lu.assertEquals(luajit [[
local later
local job = lg.run([=[
  local one = lg.model()("how are you"):text()
  local two = lg.model "echo" { "again", system = "be kind", temperature = 0.5 }:text()
  local ok, problem = pcall(function() return lg.model "bad" "x":text() end)
  return { one, two, ok, lg.model "slow" "y":text() }]=], nil, {
  model = function(request) return "said: " .. request.messages[1].content end,
  models = {
    echo = function(request)
      local said = {}
      for _, one in ipairs(request.messages) do
        said[#said + 1], said[#said + 2] = one.role, one.content
      end
      return lg.json.encode { said, request.options.temperature }
    end,
    bad = function() error "no" end,
    slow = function(request, call)
      later = call
      return lg.later
    end } })
while job:poll() == "pending" do
  if later then later:reply "slowly" later = nil end
end
show(job.result, job.error)]], [==[
["said: how are you","[[\"system\",\"be kind\",\"user\",\"again\"],0.5]",false,"slowly"] null
]==])
end

function TestFfi.test_the_worlds_model()
  lu.assertEquals(luajit [[
local job = lg.run('return lg.model()("I have two pears. How many fruits?"):text(), lg.model "odd".name',
  nil, { model = "sim/noise=0", models = { odd = "sim/noise=0.9" } })
show(job:wait(), type(job.result[1]), job.error)
job = lg.run('return lg.model()("How many?"):text()', nil, { model = "sim/nois=1" })
show(job:wait(), job.error.message:find "nois" ~= nil)
show((pcall(lg.run, "return 1", nil, { model = "simple" })))]], [[
"ready" "string" null
"failed" true
false
]])
end

function TestFfi.test_models_over_http()
  skip_without_luajit()
  local file = command.write [[
package.path = "lua/?.lua;" .. package.path
local lg = require "lunagrad_ffi"
local e = lg.engine { max_attempts = 2 }
local job = e:run('return lg.model()("I have two apples. How many fruits do I have?"):text()', nil, {
  model = { base_url = os.getenv "OPENAI_BASE_URL", model = "gpt-4o-mini", api_key = "k",
    options = { temperature = 0 } } })
while job:poll() == "pending" do e:wait(20) end
print(job.state, #(job.result or "") > 0, job.error)]]
  local got = command.with_mock({}, ("%s LUNAGRAD_LIBRARY=%s/liblunagrad.so luajit %s")
    :format(preload and "LD_PRELOAD=" .. preload or "", BUILD, file))
  lu.assertEquals(got.err, "")
  lu.assertEquals(got.out, "ready\ttrue\tnil\n")
  lu.assertEquals(#got.journal, 1)
end

-- ---- what goes wrong ----------------------------------------------------------------------

function TestFfi.test_mistakes_of_scripts_are_the_jobs()
  lu.assertEquals(luajit [[
local function ends(source, opts)
  local job = lg.run(source, nil, opts)
  job:wait()
  show(job.state, job.error.kind, job.error.message:match "%a[^\n]*" ~= nil, job.result)
end
ends "return 1 +"
ends "error 'mine'"
ends "error { kind = 'own', message = 'a table' }"
ends("while true do end", { cpu_ms = 30 })
ends("local s = 'x' while true do s = s .. s end", { memory = 4e6 })
ends("while true do end", { instructions = 1e6 })
ends("lg.sleep(1000)", { wall_ms = 20 })
ends("x", { name = "odd" })
ends "return string.rep"
ends "\27Lua"]], [[
"failed" "parse" true null
"failed" "tool" true null
"failed" "tool" true null
"failed" "limit" true null
"failed" "limit" true null
"failed" "limit" true null
"failed" "limit" true null
"failed" "parse" true null
"failed" "inval" true null
"failed" "parse" true null
]])
end

function TestFfi.test_a_kill_harms_no_other()
  lu.assertEquals(luajit [[
local e = lg.engine()
local bad, good = e:run "while true do end", e:run "lg.sleep(0.02) return 1"
e:step()
show(bad:used() > 0)
bad:kill()
bad:kill()
show(bad:poll(), bad.error.kind, good:wait(), good.result, bad:used())
local other = e:run 'lg.sleep(1000)'
other:kill()
show(other:poll(), other:poll())]], [[
true
"cancelled" "cancelled" "ready" 1 null
"cancelled" "cancelled"
]])
end

function TestFfi.test_wrong_calls_are_told()
  lu.assertEquals(luajit [[
local e = lg.engine()
local function told(fn, ...) print((tostring(select(2, pcall(fn, ...))):gsub("^[^ ]*%.lua:%d+: ", ""))) end
told(lg.engine, { concurency = 3 })
told(lg.engine, { concurrency = -1 })
told(lg.engine, { concurrency = 2 ^ 40 })
told(lg.engine, { store = true })
told(lg.engine, { durable = "often" })
told(e.run, e, 5)
told(e.run, e, "return 1", "x")
told(e.run, e, "return 1", { 1, nil, 3 })
told(e.run, e, "return 1", nil, { memry = 1 })
local words = select(2, pcall(e.run, e, "return 1", nil, { model = "gpt" }))
show(words:find('the model "default"', 1, true) ~= nil, words:find('allow = { "models" }', 1, true) ~= nil)
told(e.run, e, "return 1", nil, { model = { modl = "x" } })
told(e.run, e, "return 1", nil, { models = { x = { base_url = "nowhere", model = "m" } } })
told(e.run, e, "return 1", nil, { allow = { "everything" } })
show(e:run("return 1", nil, { functions = { ["no name"] = print } }).state)
show(e:run("return 1"):wait())]], [[
lg.engine: no option "concurency", did you mean "concurrency"?
lg.engine: concurrency must be a whole number from 0 to 2147483647, got -1
lg.engine: concurrency must be a whole number from 0 to 2147483647, got 1099511627776
lg.engine: store must be a string, got boolean
lg.engine: durable must be "group" or "full"
e:run: the script must be a string
e:run: args must be a table
e:run: args: a list has holes: lg.null stands for null
e:run: no option "memry", did you mean "memory"?
true true
e:run: the model default: no option "modl", did you mean "model"?
e:run: the model "x": base_url must look like https://host/path
e:run: allow has "models", "files" and "commands", not "everything"
"failed"
"ready"
]])
end

function TestFfi.test_a_library_that_is_not_there()
  skip_without_luajit()
  local file = command.write [[
package.path = "lua/?.lua;" .. package.path
local ok, problem = pcall(require("lunagrad_ffi").run, "return 1")
print(ok, tostring(problem):find("LUNAGRAD_LIBRARY", 1, true) ~= nil)]]
  local got = command.shell(("LUNAGRAD_LIBRARY=/nowhere/liblunagrad.so luajit %s"):format(file))
  lu.assertEquals(got.out .. got.err, "false\ttrue\n")
end

-- As `make install` lays it out below any prefix, no variable says where the library is.
function TestFfi.test_found_beside_the_installed_file()
  skip_without_luajit()
  local got = command.shell(([[
t=$(mktemp -d); mkdir -p "$t/a b/share/lua/5.1" "$t/a b/lib"
cp lua/lunagrad_ffi.lua "$t/a b/share/lua/5.1/"
ln -s %s/liblunagrad.so "$t/a b/lib/$(sed -n 's/^SONAME = "\(.*\)"/\1/p' lua/lunagrad_ffi.lua)"
env -u LUNAGRAD_LIBRARY LUA_PATH="$t/a b/share/lua/5.1/?.lua;;" %s luajit -e '
local job = require("lunagrad_ffi").run "return 1"
print(job:wait(), job.result)'
rm -rf "$t"]]):format(BUILD, preload and "LD_PRELOAD=" .. preload or ""))
  lu.assertEquals(got.out .. got.err, "ready\t1\n")
end

function TestFfi.test_collected_and_left_at_the_end()
  luajit [[
for i = 1, 20 do
  local e = lg.engine()
  for j = 1, 3 do e:run("lg.sleep(1000)") end
  e:step()
end
collectgarbage()
collectgarbage()
local last = lg.run "while true do end"
last:poll()]] -- and the state closes with it
end

function TestFfi.test_loaded_again()
  lu.assertEquals(luajit [[
package.loaded.lunagrad_ffi = nil
lg.run "return 1":wait()
local again = require "lunagrad_ffi"
local job = again.run "return 2"
show(again ~= lg, job:wait(), job.result)]], 'true "ready" 2\n')
end

-- ---- JSON ----------------------------------------------------------------------------------

function TestFfi.test_json_there_and_back()
  lu.assertEquals(luajit [==[
local j = lg.json
local deep = ("["):rep(100000) .. ("]"):rep(100000)
local objects = ('{"a":'):rep(50000) .. "1" .. ("}"):rep(50000)
show(j.encode(j.decode(deep)) == deep, j.encode(j.decode(objects)) == objects)
for _, text in ipairs { '{"a":[1,2,{"b":null}],"c":{},"d":[]}', '"\\u0000\\u001f\\u007f\\"\\\\/\\n"', "-0",
  "0.1", "1e+300", "2.2250738585072014e-308", "9007199254740991", "1.2345678901234568e+17", "[true,false,null]",
  '"ü😀\u{2028}"' } do
  text = text:gsub("\\u{2028}", "\226\128\168")
  local value, problem = j.decode(text)
  print(problem or j.encode(value) == text or j.encode(value))
end
print(j.decode '"\\ud83d\\ude00 \\ud83d \\ude00x\\/"')
print(j.encode { 5LL, 18446744073709551615ULL, 0LL, z }, j.encode { b = 1, a = { x = 1 } })]==], [[
true true
true
true
true
true
true
true
true
true
true
true
😀 � �x/
[5,18446744073709551615,0]	{"a":{"x":1},"b":1}
]])
end

function TestFfi.test_json_that_is_none()
  lu.assertEquals(luajit [==[
local j, bad = lg.json, 0
local texts = { "", " ", "01", "-", "+1", "1.", ".5", "1e", "nul", "truex", "[1,]", "[1 2]", "[", "]", "[}",
  '{"a":1,}', '{"a" 1}', "{1:2}", '{"a":}', '"abc', '"\\x"', '"\\u12"', '"a\nb"', "1 2", "NaN",
  "Infinity", "'a'", "[1]]", "{}x", '"\\ud83d\\u"' }
for _, text in ipairs(texts) do
  local value, problem = j.decode(text)
  if value == nil and type(problem) == "string" and problem:find "at byte %d+$" then bad = bad + 1
  else print(text, value) end
end
show(bad == #texts)
local loop = {}
loop.x = { loop }
for _, value in ipairs { print, 0/0, 1/0, "\255", "\237\160\128", "\192\128", "\244\144\128\128",
  { 1, nil, 3 }, { 1, x = 2 }, { [1.5] = 1 }, loop, { ["\255"] = 1 }, coroutine.create(print) } do
  show((pcall(j.encode, value)))
end]==], "true\n" .. ("false\n"):rep(13))
end

os.exit(lu.LuaUnit.run())
