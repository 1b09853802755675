-- test_model.lua - models: names, keys and addresses, options on their way into a request, roles

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local model = require "lunagrad.model"

lg.configure { virtual_clock = true }

local fails = helper.fails

-- A model that keeps its requests and answers "answer N", or what fn says.
local function recorder(fn, more)
  local asked = {}
  local spec = more or {}
  spec[1] = function(request)
    asked[#asked + 1] = request
    if fn then return fn(request, #asked) end
    return "answer " .. #asked
  end
  return lg.model(spec, "recorder"), asked
end

-- What a child prints whose environment has no keys or addresses but these.
local function child(code, env)
  local result = command.lua("local lg = require 'lunagrad'\n" .. code,
    "-u OPENAI_API_KEY -u OPENAI_BASE_URL " .. (env or ""))
  lu.assertEquals(result.err, "")
  return result.out
end

-- ---- Lua functions ----------------------------------------------------------------

TestFunction = {}

function TestFunction.test_request_and_reply()
  local m, asked = recorder()
  lu.assertEquals(m("why"):text(), "answer 1")
  lu.assertEquals(asked[1].messages, { { role = "user", content = "why" } })
  lu.assertEquals(tostring(m), "recorder")
  lu.assertEquals(tostring(lg.model(print)), "lua")
end

function TestFunction.test_reply_as_a_table()
  local m = recorder(function()
    return { text = 42, finish_reason = "length", usage = { input = 7, output = 3 } }
  end)
  local v = m "x"
  lu.assertEquals(v:text(), "42")
  lu.assertEquals(v:finish_reason(), "length")
  lu.assertEquals({ v:usage().input, v:usage().output }, { 7, 3 })
end

function TestFunction.test_what_is_no_reply()
  for _, odd in ipairs { { {}, "table" }, { true, "true" }, { print, "function" } } do
    fails("tool", "not a text", tostring, recorder(function() return odd[1] end)("x"))
  end
  fails("tool", "returned nil, not a text", tostring, recorder(function() end)("x"))
  fails("tool", "returned nil, no idea, not a text", tostring,
    lg.model(function() return nil, "nil, no idea" end)("x"))
  fails("tool", "oh dear", tostring, recorder(function() error "oh dear" end)("x"))
end

-- Whatever a function returns, its call ends, and the error can be caught.
function TestFunction.test_a_bad_reply_is_an_error_of_its_call()
  local loud = setmetatable({}, { __tostring = function() error "no text" end,
    __index = function() error "no field" end })
  local replies = {
    { text = "x", usage = { input = 1.5 } }, { text = "x", usage = { output = -1 } },
    { text = "x", usage = { cached = 2 ^ 60 } }, { text = "x", usage = { input = "many" } },
    { text = "x", usage = "none" }, { text = "x", finish_reason = {} },
    { text = "x", finish_reason = true }, { text = "x", finish_reason = "st\0op" },
    { text = "x", media = 7 }, { text = loud }, loud, { text = {} }, { text = true },
    { text = print }, { text = coroutine.create(print) }, { text = io.stdout }, { text = false },
  }
  for _, reply in ipairs(replies) do
    local m = recorder(function() return reply end)
    fails("tool", 'the function of the model "recorder" returned', m("why").text, m("why"))
  end
  local m = recorder(function() lg.errors.raise("no such kind", "what it says", nil, 0) end)
  fails("tool", "what it says", m("why").text, m("why"))
end

function TestFunction.test_an_error_object_keeps_its_kind()
  local m = recorder(function() lg.errors.raise("refused", "not that", "ask nicely") end)
  fails("refused", "not that", tostring, m "x")
end

function TestFunction.test_retryable_errors_are_tried_again()
  local m, asked = recorder(function(_, n)
    if n < 3 then
      local problem = lg.errors.new("overload", "busy")
      problem.retryable = true
      error(problem)
    end
    return "at last"
  end)
  lu.assertEquals(m("x"):text(), "at last")
  lu.assertEquals(#asked, 3)
end

-- ---- what reaches a request -------------------------------------------------------

function TestFunction.test_options_behind_the_question_are_an_error()
  local m = lg.model(function(request) return tostring(request.temperature) end, "m")
  fails("inval", { field = "temperature", hint = "model{ question, temperature = … }" },
    m, "q", { temperature = 0 })
  fails("inval", { field = "temprature" }, m, "q", { temprature = 0 })
  fails("inval", { field = "role" }, lg.agent { model = m }, "q", { role = "answer" })
  lu.assertEquals(m { "q", temperature = 0.5 }:text(), "0.5")
  lu.assertEquals(m("q", { question = "2 + 2?", answer = "4" }):text(), "nil") -- a row, as of a loss
  lu.assertEquals(lg.map({ "q" }, m)[1]:text(), "nil")
end

TestRequest = {}

function TestRequest.test_messages()
  local m, asked = recorder()
  local prompt = lg.param("Be brief.", "system prompt")
  m { "why", system = prompt, messages = { { role = "user", content = "hello" },
    { "assistant", lg.var "hi" } } }:await()
  lu.assertEquals(asked[1].messages, { { role = "system", content = "Be brief." },
    { role = "user", content = "hello" }, { role = "assistant", content = "hi" },
    { role = "user", content = "why" } })
  lu.assertEquals(m({ 5, role = "the count" }).role, "the count")
  lu.assertEquals(m("q").role, "answer")
  fails("inval", "nothing to ask", m, {})
  fails("inval", "nothing to ask", m, nil)
  fails("inval", "message 1", m, { messages = { { role = "user" } } })
end

-- Some servers pass a role they do not know as the user's.
function TestRequest.test_roles_of_messages()
  local m, asked = recorder()
  local function of(...) return { messages = { { "user", "x" }, ... } } end
  local problem = fails("inval", 'recorder: message 2: "usr" is no role', function()
    m(of { "usr", "y" })
  end)
  lu.assertStrContains(problem.hint, 'did you mean "user"?')
  lu.assertStrContains(problem.where, "test_model.lua:")
  fails("inval", "message 2: nil is no role", m, of { content = "y" })
  fails("inval", '"tool" is no role', m, of { "tool", "y" })
  fails("inval", '"tool a b c" is no role', m, of { "tool a b c", "y" })
  fails("inval", "message 2: expected { role", m, of "y")
  fails("inval", '"+" has no message before it', m, { messages = { { "+", "x" } } })
  m(of({ "+", "y" }, { "developer", "z" }, { "tool add id_1 error", "w" },
    { "describe add", "v" })):await()
  lu.assertEquals(#asked[1].messages, 5)
end

function TestRequest.test_a_configuration_that_is_wrong()
  local function bad(wanted, spec)
    spec[1], spec.api_key = "openai/m", spec.api_key or "k"
    return fails("inval", wanted, lg.model, spec)
  end
  lu.assertStrContains(bad("openai/m: unknown dialect", { dialect = "opnai" }).hint, '"opnai"')
  lu.assertStrContains(bad("openai/m: quirks", { quirks = "odd" }).hint, '"odd"')
  local problem = bad("openai/m: base_url must", { base_url = "http://u:secret@h/" })
  lu.assertNotStrContains(tostring(problem), "secret")
  lu.assertEquals(problem.field, "base_url")
  lu.assertEquals(bad("quirks", { quirks = "a>b a>c" }).field, "quirks")
  for _, name in ipairs { "rpm", "tpm", "concurrency" } do
    bad(name .. " must be at least 1, got 0", { [name] = 0 })
  end
end

function TestFunction.test_how_it_ended_is_waited_for()
  local m = recorder(function()
    return { text = "cut", finish_reason = "length", usage = { input = 7, output = 3 } }
  end)
  lu.assertEquals(m("x"):finish_reason(), "length")
  lu.assertEquals(m("y"):usage().output, 3)
  lu.assertNil(lg.var("z"):finish_reason())
end

function TestRequest.test_options_and_overrides()
  local m, asked = recorder(nil, { temperature = 0.25, max_tokens = 100, stop = { "\n", "END" },
    extra = { route = { only = { "a", "b" } }, flag = true } })
  m("one"):await()
  m({ "two", temperature = 1, seed = 5, extra = { flag = false } }):await()
  local function seen(r)
    return { r.temperature, r.max_tokens, r.stop, r.seed or 0, r.route, r.flag, r.top_p == nil }
  end
  local route = { only = { "a", "b" } }
  lu.assertEquals(seen(asked[1]), { 0.25, 100, { "\n", "END" }, 0, route, true, true })
  lu.assertEquals(seen(asked[2]), { 1, 100, { "\n", "END" }, 5, route, false, true })
end

function TestRequest.test_a_field_that_was_not_set_is_not_sent()
  local m, asked = recorder()
  m("x"):await()
  local names = {}
  for name in pairs(asked[1]) do names[#names + 1] = name end
  table.sort(names)
  lu.assertEquals(names, { "messages", "model", "sample" })
end

function TestRequest.test_unknown_options()
  local m = recorder()
  local problem = fails("inval", 'recorder: unknown option "temprature"', function()
    m { "x", temprature = 1 }
  end)
  lu.assertEquals(problem.hint, 'did you mean "temperature"?')
  lu.assertStrContains(problem.where, "test_model.lua:")
  problem = fails("inval", { field = "max_token" }, function()
    lg.model { "sim/default", max_token = 1 }
  end)
  lu.assertEquals(problem.hint, 'did you mean "max_tokens"?')
  lu.assertStrContains(problem.where, "test_model.lua:")
  fails("inval", { field = "temperature" }, lg.model, { "sim/default", temperature = "hot" })
  fails("inval", { field = "max_tokens" }, m, { "x", max_tokens = 1.5 })
  fails("inval", "lg.model: expected a name, got number", lg.model, 5)
  fails("inval", "lg.model: expected a name, got nil", lg.model, {})
end

function TestRequest.test_concurrency_of_a_model()
  local now, most = 0, 0
  local inner = recorder()
  local m = recorder(function()
    now = now + 1
    most = math.max(most, now)
    inner(("turn %d"):format(now)):await()
    now = now - 1
    return "x"
  end, { concurrency = 2 })
  lg.map({ 1, 2, 3, 4, 5, 6 }, function(i) return m(i):text() end)
  lu.assertEquals(most, 2)
end

-- The clock is virtual: a minute is over at once.
function TestRequest.test_a_straggler_is_asked_twice()
  local script = command.write([[
local lg = require "lunagrad"
local m = lg.model{ "openai/x", hedge = { after = 20, budget = 1 } }
local text, s = m("How many things? I have a cat and a dog."):text(), lg.stats()
print(#text > 0, s.calls, s.attempts, s.hedged, s.hedges_won + s.ambiguous > 0)]], ".lua")
  local got = command.with_mock({ "--latency", "150" },
    ("$LG run %s --no-store --display none"):format(script))
  lu.assertEquals(got.out, "true\t1\t2\t1\ttrue\n", got.err)
end

function TestRequest.test_what_is_no_hedge()
  local function of(hedge)
    return lg.model { "openai/x", base_url = "http://127.0.0.1:9/v1", api_key = "k", hedge = hedge }
  end
  fails("inval", { field = "after" }, of, { after = 0 })
  fails("inval", { field = "after" }, of, { after = "p9" })
  fails("inval", { field = "after" }, of, { after = "p49" })
  fails("inval", { field = "budget" }, of, { after = "p95", budget = 5 })
  fails("inval", { field = "after" }, of, {})
  fails("inval", { field = "often" }, of, { after = 100, often = 1 })
  lu.assertEquals(tostring(of { after = "p95" }), "openai/x")
end

function TestRequest.test_requests_a_minute()
  local m = lg.model { function() return "x" end, rpm = 60 }
  local core = require("lunagrad.loop").engine()
  local start, seen = core:now(), {}
  lg.map((function() local t = {} for i = 1, 60 do t[i] = i end return t end)(), function(i)
    m(i):text()
    local stats = lg.stats()
    if stats.held > 0 then seen[stats.held_by] = stats.held_seconds end
  end)
  lu.assertTrue(core:now() - start > 50e6, tostring(core:now() - start))
  lu.assertNotNil(seen.rate)
  fails("inval", { field = "rpm" }, lg.model, { "sim/default", rpm = "many" })
end

TestSharing = {}

function TestSharing.test_equal_calls_in_flight_are_one()
  local m, asked = recorder()
  local before = lg.stats()
  local a, b, c = m "same", m "same", m "other"
  lu.assertEquals({ a:text(), b:text() }, { "answer 1", "answer 1" })
  lu.assertEquals(c:text(), "answer 2")
  lu.assertEquals(#asked, 2)
  local after = lg.stats()
  lu.assertEquals({ after.calls - before.calls, after.shared - before.shared }, { 2, 1 })
  lu.assertNotEquals(a:id(), b:id())
end

function TestSharing.test_without_memo_each_call_is_asked()
  local m, asked = recorder(nil, { memo = false })
  local a, b = m "same", m "same"
  lu.assertEquals({ a:text(), b:text(), m("same"):text(), #asked },
    { "answer 1", "answer 2", "answer 3", 3 })
end

function TestSharing.test_a_sample_is_a_call_of_its_own()
  local m, asked = recorder()
  local list = {}
  for i = 1, 3 do list[i] = m { "same", sample = i } end
  list[4] = m { "same", sample = 2 }
  lu.assertEquals({ list[4]:text(), list[3]:text(), list[2]:text(), list[1]:text() },
    { "answer 2", "answer 3", "answer 2", "answer 1" })
  lu.assertEquals({ asked[1].sample, asked[2].sample, asked[3].sample, #asked }, { 1, 2, 3, 3 })
end

function TestSharing.test_other_options_are_another_call()
  local m, asked = recorder()
  local a, b = m { "same", temperature = 0 }, m { "same", temperature = 1 }
  local c = m { "same", system = "s" }
  lu.assertEquals({ a:text(), b:text(), c:text(), #asked },
    { "answer 1", "answer 2", "answer 3", 3 })
end

-- ---- roles ------------------------------------------------------------------------

TestRoles = {}

function TestRoles.test_fallbacks()
  local out = child [[
local model = require "lunagrad.model"
local roles = { "model", "backward", "optimizer", "judge" }
local function show()
  local names = {}
  for i, role in ipairs(roles) do names[i] = tostring(model.for_role(role)) end
  print(table.concat(names, " "), tostring(lg.model()))
end
local function named(name) return lg.model(function() return name end, name) end
show()
lg.default { model = named "m" } show()
lg.default { backward = named "b" } show()
lg.default { judge = named "j" } show()
lg.default { optimizer = named "o" } show()
lg.default { model = "sim/noise=0.1" } show()
print(table.concat(model.in_use(), " "))
print(model.of("judge") == model.for_role "judge", model.of(nil, "optimizer").name)]]
  lu.assertEquals(out, [[
sim/default sim/default sim/default sim/default	sim/default
m m m m	m
m b b b	m
m b b j	m
m b o j	m
sim/noise=0.1 b o j	sim/noise=0.1
sim/noise=0.1 b o j
true	o
]])
end

function TestRoles.test_anything_a_model_is_made_of()
  local function of(m)
    lg.default { judge = m }
    return model.call("judge", { "hi" }):text()
  end
  lu.assertEquals(of(function() return "from a function" end), "from a function")
  lu.assertEquals(of { function(r) return r.temperature .. "" end, temperature = 0.5 }, "0.5")
  lu.assertStrContains(of "sim/default", "sim")
  lu.assertEquals(of(recorder()), "answer 1")
  fails("inval", "expected a name, got number", lg.default, { judge = 5 })
  fails("inval", { field = "jugde", hint = 'did you mean "judge"?' },
    lg.default, { jugde = "sim/default" })
end

function TestRoles.test_backward_uses_its_role()
  local m, asked = recorder()
  lg.default { backward = m }
  local p = lg.param("x", "advice")
  local loss = recorder() { "q", system = p }
  loss:backward()
  lu.assertEquals(p:feedback()[1].text, "answer 1")
  lu.assertEquals(#asked, 1)
  lu.assertTrue(rawequal(lg.model(m), m))
end

-- ---- names, keys, addresses -------------------------------------------------------

TestNames = {}

function TestNames.test_no_name_of_a_model()
  local problem = fails("nomodel", '"gpt-4o" is no model\'s name', lg.model, "gpt-4o")
  lu.assertStrContains(problem.hint, "provider/model")
  fails("nomodel", "no model's name", lg.model, "openai/")
  fails("nomodel", "no model's name", lg.model, "/gpt")
end

function TestNames.test_unknown_provider()
  local problem = fails("nomodel", 'unknown provider "opnai" in model "opnai/gpt-4o"', function()
    lg.model "opnai/gpt-4o"
  end)
  lu.assertStrContains(problem.hint, 'did you mean "openai"?')
  lu.assertStrContains(problem.hint, "OPNAI_BASE_URL and OPNAI_API_KEY")
  lu.assertStrContains(problem.where, "test_model.lua:")
  problem = fails("nomodel", "unknown provider", lg.model, "my-own.server/x")
  lu.assertStrContains(problem.hint, "MY_OWN_SERVER_BASE_URL")
end

function TestNames.test_a_missing_key()
  lu.assertEquals(child [[
local ok, e = pcall(lg.model, "openai/gpt-4o")
print(ok, e.kind, e.message)
print(e.hint:find("set OPENAI_API_KEY in the environment", 1, true) ~= nil)]],
    "false\tauth\topenai: no key: OPENAI_API_KEY is not set\ntrue\n")
  lu.assertEquals(child([[print(pcall(lg.model, "openai/gpt-4o"))]], "OPENAI_API_KEY=k"),
    "true\topenai/gpt-4o\n")
  lu.assertEquals(child([[print(pcall(lg.model, "openai/x"))]],
    "OPENAI_API_KEY= OPENAI_BASE_URL=http://127.0.0.1:9/v1"), "true\topenai/x\n")
  lu.assertEquals(child [[print((lg.model { "openai/x", api_key = "k" }))]], "openai/x\n")
  lu.assertEquals(child [[print(lg.model "ollama/llama3:8b")]], "ollama/llama3:8b\n")
end

function TestNames.test_a_key_is_not_printed()
  local out = child [[
local function walk(x, seen)
  if type(x) == "string" then return print(x) end
  if type(x) ~= "table" or seen[x] then return end
  seen[x] = true
  for key, value in pairs(x) do walk(key, seen) walk(value, seen) end
end
local m = lg.model { "openai/x", api_key = "sk-very-secret", base_url = "http://127.0.0.1:9/v1" }
m "x"
walk(m, {})
print(m)]]
  lu.assertStrContains(out, "openai/x")
  lu.assertNotStrContains(out, "secret")
end

local ASK = [[
local lg = require "lunagrad"
local m = lg.model { %s }
print(m { "What is 2 + 3?", %s }:text() ~= "")]]

-- Asks a server that wants the key "right"; returns the result and the bodies it got.
local function ask_server(model_spec, call_spec, env)
  local line = command.lua_line(ASK:format(model_spec, call_spec or ""),
    "-u OPENAI_BASE_URL -u OPENAI_API_KEY " .. env)
  local result = command.with_mock({ "--key", "right", "--compatible" }, line)
  result.bodies = {}
  for i, row in ipairs(result.journal) do result.bodies[i] = lg.json.decode(row.body) end
  return result
end

function TestNames.test_any_server_by_its_variables()
  local got = ask_server('"my-foo/org/name:7b", temperature = 0.25, max_tokens = 50',
    'temperature = 1, extra = { top_a = { 1 } }',
    "MY_FOO_BASE_URL=$OPENAI_BASE_URL MY_FOO_API_KEY=right")
  lu.assertEquals({ got.out, got.err }, { "true\n", "" })
  lu.assertEquals(#got.bodies, 1)
  local body = got.bodies[1]
  lu.assertEquals({ body.model, body.temperature, body.max_tokens, body.top_a },
    { "org/name:7b", 1, 50, { 1 } })
  lu.assertNil(body.top_p)
end

function TestNames.test_the_servers_own_key_is_sent()
  local got = ask_server('"foo/x"', nil, "FOO_BASE_URL=$OPENAI_BASE_URL FOO_API_KEY=wrong")
  lu.assertStrContains(got.err, "FOO_API_KEY")
  lu.assertNotStrContains(got.err, "wrong")
  lu.assertEquals(got.journal[1].status, 401)
  got = ask_server('"foo/x", api_key = "right", base_url = os.getenv "URL"', nil,
    "URL=$OPENAI_BASE_URL FOO_BASE_URL=http://127.0.0.1:9/v1 FOO_API_KEY=wrong")
  lu.assertEquals({ got.out, #got.bodies }, { "true\n", 1 })
end

function TestNames.test_dotenv()
  local dir = command.temp() .. ".d"
  assert(os.execute(("mkdir -p %s/a/b %s/.git"):format(dir, dir)))
  local function write(name, text)
    local file = assert(io.open(dir .. name, "w"))
    file:write(text)
    file:close()
  end
  write("/a/.env", '# a comment\nexport NEAR="in a" # why\n  QUOTED = \'two words\'\n'
    .. "PLAIN=x y # said so\nEMPTY=\nSHADOWED=near\nexport_d=1\nport=2\nHASH=a#b\n")
  write("/.env", "SHADOWED=far\nFAR=above\nINHERITED=file\n")
  local out = child([[
local setting = require("lunagrad.model").setting
for _, name in ipairs { "NEAR", "QUOTED", "PLAIN", "EMPTY", "SHADOWED", "FAR", "INHERITED",
  "export_d", "port", "HASH", "ABSENT", "_d" } do
  print(name, setting(name))
end]], "-C " .. dir .. "/a/b INHERITED=environment FAR=")
  os.execute(("rm -rf %s"):format(dir))
  lu.assertEquals(out, [[
NEAR	in a
QUOTED	two words
PLAIN	x y
EMPTY	nil
SHADOWED	near
FAR	above
INHERITED	environment
export_d	1
port	2
HASH	a#b
ABSENT	nil
_d	nil
]])
end

TestNames.tearDown = command.remove_files
TestRoles.tearDown = command.remove_files

os.exit(lu.LuaUnit.run())
