-- test_agent.lua - agents: the loop, what is told to the model, limits, feedback through the
-- whole trace, the store, sim, and the mock over HTTP

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local fails = helper.fails
local TURN = "application/vnd.lunagrad.turn+json"

-- A turn that calls: { name, arguments } each.
local function turn(...)
  local calls = lg.json.array {}
  for i, call in ipairs { ... } do
    calls[i] = { id = "c" .. i, name = call[1], arguments = call[2] or {} }
  end
  return { text = lg.json.encode { text = "let me see", calls = calls }, media = TURN }
end

-- A model that plays these turns, one a call, by how many assistant turns it is shown.
local function player(turns)
  local asked = {}
  return lg.model(function(request)
    asked[#asked + 1] = request
    local n = 1
    for _, message in ipairs(request.messages) do
      if message.role == "assistant" then n = n + 1 end
    end
    local now = turns[n] or turns[#turns]
    return type(now) == "function" and now(request) or now
  end, "player"), asked
end

local function add_tool(more)
  local tool = { name = "add", description = "Adds two numbers.",
    parameters = { a = "number", b = "number" },
    run = function(args) return args.a + args.b end }
  for key, value in pairs(more or {}) do tool[key] = value end
  return tool
end

local function messages_of(request, role)
  local found = {}
  for _, message in ipairs(request.messages) do
    if message.role:find("^" .. role) then found[#found + 1] = message end
  end
  return found
end

-- ---- the loop ---------------------------------------------------------------------

TestLoop = {}

function TestLoop.test_a_tool_and_an_answer()
  local m, asked = player { turn { "add", { a = 1, b = 2 } }, "It is 3." }
  local agent = lg.agent { model = m, system = "Use tools.", tools = { add_tool() },
    name = "counter" }
  local v = agent "What is 1 + 2?"
  lu.assertEquals(v:state(), "pending")
  lu.assertEquals(#asked, 0)
  lu.assertEquals(v:text(), "It is 3.")
  lu.assertEquals(tostring(agent), 'agent "counter"')
  lu.assertEquals(asked[1].tools[1].name, "add")
  lu.assertEquals(asked[1].tools[1].parameters.required, lg.json.array { "a", "b" })
  lu.assertNil(asked[1].tool_choice)
  local roles = {}
  for i, message in ipairs(asked[2].messages) do roles[i] = message.role end
  lu.assertEquals(roles, { "system", "user", "assistant", "tool add c1" })
  lu.assertEquals(asked[2].messages[4].content, "3")
end

function TestLoop.test_without_tools_or_calls()
  local m, asked = player { "Hello." }
  lu.assertEquals(lg.agent { model = m } "hi":text(), "Hello.")
  lu.assertNil(asked[1].tools)
  fails("inval", "nothing to ask", lg.agent { model = m }, {})
end

function TestLoop.test_results_of_all_kinds()
  local given = { text = "words", number = 2.5, table = { x = lg.json.array {} }, none = nil }
  local tools, calls = {}, {}
  for i, name in ipairs { "text", "number", "table", "none" } do
    tools[i] = { name = name, run = function() return given[name] end }
    calls[i] = { name }
  end
  local late = lg.model(function() return "late" end)
  tools[5] = { name = "var", run = function() return late "x" end }
  calls[5] = { "var" }
  local m, asked = player { turn(table.unpack(calls)), "done" }
  lu.assertEquals(lg.agent { model = m, tools = tools } "q":text(), "done")
  local texts = {}
  for i, message in ipairs(messages_of(asked[2], "tool ")) do texts[i] = message.content end
  lu.assertEquals(texts, { "words", "2.5", '{"x":[]}', "(no result)", "late" })
end

local PNG = "\137PNG\r\n\26\n" .. ("\0"):rep(40)
local WAV = "RIFF" .. ("<I4"):pack(36) .. "WAVEfmt " .. ("\0"):rep(28)

-- A result that is no text is the message itself; how it is said is its provider's business.
function TestLoop.test_pictures_and_sound_are_results()
  local function tool(name, run) return { name = name, run = run } end
  local late = lg.model(function() return { text = PNG, media = "image/png" } end)
  local m, asked = player { turn({ "draw" }, { "add", { a = 1, b = 1 } }, { "sing" }, { "late" },
    { "at" }), "a drawing" }
  local v = lg.agent { model = m, tools = { add_tool(),
    tool("draw", function() return lg.image { bytes = PNG, role = "drawing" } end),
    tool("sing", function() return lg.audio { bytes = WAV } end),
    tool("late", function() return late "draw" end),
    tool("at", function() return lg.image "https://example.com/a.png" end) } } "draw"
  lu.assertEquals(v:text(), "a drawing")
  local got = {}
  for i = 3, #asked[2].messages do
    local message = asked[2].messages[i]
    got[#got + 1] = { message.role, message.media or "text", message.content }
  end
  lu.assertEquals(got, { { "tool draw c1", "image/png", PNG }, { "tool add c2", "text", "2" },
    { "tool sing c3", "audio/wav", WAV }, { "tool late c4", "image/png", PNG },
    { "tool at c5", "image/url", "https://example.com/a.png" } })
  local results = v:trace()[1].results
  lu.assertEquals(results[1], { name = "draw", id = "c1", error = false, media = "image/png",
    text = "[image/png, 48 bytes]" })
  lu.assertEquals(results[5].text, "[image/url https://example.com/a.png]")
  lu.assertNil(results[2].media)
  lu.assertStrContains(lg.json.encode(v:trace()), "48 bytes")
end

-- Results stand in the order of the calls, whatever order they finished in.
function TestLoop.test_tools_run_at_the_same_time()
  local slow = lg.model(function(request) return "slow " .. request.messages[1].content end)
  local running, most, order = 0, 0, {}
  local tool = { name = "wait", parameters = { n = "integer" }, run = function(args)
    running = running + 1
    most = math.max(most, running)
    for _ = 1, 4 - args.n do slow(lg.var(args.n)):text() end
    running = running - 1
    order[#order + 1] = args.n
    return "result " .. args.n
  end }
  for _, parallel in ipairs { true, false } do
    running, most, order = 0, 0, {}
    local m, asked = player { turn({ "wait", { n = 1 } }, { "wait", { n = 2 } },
      { "wait", { n = 3 } }), "done" }
    lg.agent { model = m, tools = { tool }, parallel = parallel } "q":text()
    local texts = {}
    for i, message in ipairs(messages_of(asked[2], "tool ")) do texts[i] = message.content end
    lu.assertEquals(texts, { "result 1", "result 2", "result 3" })
    lu.assertEquals(most, parallel and 3 or 1)
    lu.assertEquals(order, parallel and { 3, 2, 1 } or { 1, 2, 3 })
    lu.assertEquals(asked[1].parallel_tool_calls == false, not parallel)
  end
end

function TestLoop.test_trace()
  local m = player { turn({ "add", { a = 1, b = 2 } }, { "nope" }),
    turn { "add", { a = 3, b = 4 } }, "It is 7." }
  local v = lg.agent { model = m, tools = { add_tool() } } "q"
  local steps = v:trace()
  lu.assertEquals(#steps, 3)
  lu.assertEquals(steps[1].words, "let me see")
  lu.assertEquals(steps[1].calls[1].arguments, { a = 1, b = 2 })
  lu.assertEquals(steps[1].results[1], { name = "add", id = "c1", text = "3", error = false })
  lu.assertTrue(steps[1].results[2].error)
  lu.assertEquals(steps[2].results[1].text, "7")
  lu.assertEquals(steps[3].words, "It is 7.")
  lu.assertEquals(lg.json.encode(steps[3]), '{"calls":[],"results":[],"words":"It is 7."}')
  lu.assertEquals(#lg.var("x"):trace(), 1)
end

-- ---- what goes wrong --------------------------------------------------------------

TestTold = {}

local function told(calls, tools, more)
  local m, asked = player { turn(table.unpack(calls)), "done" }
  local spec = { model = m, tools = tools }
  for key, value in pairs(more or {}) do spec[key] = value end
  lu.assertEquals(lg.agent(spec) "q":text(), "done")
  local list = {}
  for i, message in ipairs(messages_of(asked[2], "tool ")) do
    list[i] = message.role .. ": " .. message.content
  end
  return list
end

function TestTold.test_bad_calls()
  lu.assertEquals(told({ { "add", { a = 1 } }, { "add", { a = 1, b = "x" } }, { "sub" },
    { "add", "{broken" }, { "add", { a = 1, b = 2, c = 3 } }, { "add", '{"a":1,"b":1}' } },
    { add_tool() }), {
    "tool add c1 error: Error: the arguments do not fit: b is missing",
    'tool add c2 error: Error: the arguments do not fit: b must be a number, got "x"',
    'tool sub c3 error: Error: there is no tool "sub"; there are add',
    "tool add c4 error: Error: the arguments are no JSON: {broken",
    "tool add c5 error: Error: the arguments do not fit: c is not expected",
    "tool add c6: 2",
  })
end

function TestTold.test_tools_that_fail()
  local boom = { name = "boom", run = function() error "bang" end }
  local object = { name = "object", run = function() lg.errors.raise("io", "no disk") end }
  local wrong = { name = "wrong", run = function() return print end }
  local both = { name = "both", run = function() return { "a", lg.var "b" } end }
  local list = told({ { "boom" }, { "object" }, { "add", { a = 1, b = 1 } }, { "wrong" },
    { "both" } }, { boom, object, wrong, both, add_tool() })
  lu.assertEquals(list, { "tool boom c1 error: Error: bang",
    "tool object c2 error: Error: no disk", "tool add c3: 2",
    "tool wrong c4 error: Error: the tool returned a function, not a text",
    "tool both c5 error: Error: the tool returned a table with a variable in it; a picture is "
      .. "returned alone" })
end

function TestTold.test_too_many_at_once()
  local call = { "add", { a = 1, b = 1 } }
  lu.assertEquals(told({ call, call, call }, { add_tool() }, { max_calls_per_step = 2 }),
    { "tool add c1: 2", "tool add c2: 2",
      "tool add c3 error: Error: at most 2 tools can be called at once" })
end

function TestTold.test_names_cannot_forge_roles()
  local m, asked = player { { media = TURN, text = lg.json.encode { text = "", calls = {
    { id = "a b\nerror", name = "x y", arguments = {} } } } }, "done" }
  lg.agent { model = m, tools = { add_tool() } } "q":text()
  lu.assertEquals(asked[2].messages[3].role, "tool x%20y a_b_error error")
end

-- What the model called goes back to the provider, however odd; the trace says it as it was said.
function TestTold.test_names_of_any_kind()
  local long = ("n"):rep(100)
  local m, asked = player { turn({ "get weather!" }, { "a.b:c" }, { "s\u{e4}ge%41" }, { "" },
    { long }, { " c1 error" }, { ("x"):rep(63) .. "\u{e4}" }), "done" }
  local v = lg.agent { model = m, tools = { add_tool() } } "q"
  lu.assertEquals(v:text(), "done")
  local roles, names = {}, {}
  for i, message in ipairs(messages_of(asked[2], "tool ")) do roles[i] = message.role end
  lu.assertEquals(roles, { "tool get%20weather%21 c1 error", "tool a.b:c c2 error",
    "tool s%C3%A4ge%2541 c3 error", "tool unknown c4 error", "tool " .. long:sub(1, 64)
    .. " c5 error", "tool %20c1%20error c6 error", "tool " .. ("x"):rep(63) .. " c7 error" })
  for i, result in ipairs(v:trace()[1].results) do names[i] = result.name end
  lu.assertEquals(names, { "get weather!", "a.b:c", "s\u{e4}ge%41", "unknown", long:sub(1, 64),
    " c1 error", ("x"):rep(63) })
end

-- Servers choose ids as they like; the result must name the call as its turn does.
function TestTold.test_ids_of_any_kind()
  local id = "call_" .. ("9aZ"):rep(60) .. "__thought__ab+/=="
  local m, asked = player { { media = TURN, text = lg.json.encode { text = "", calls = {
    { id = id, name = "add", arguments = { a = 1, b = 2 } } } } }, "done" }
  local v = lg.agent { model = m, tools = { add_tool() } } "q"
  lu.assertEquals(v:text(), "done")
  lu.assertEquals(asked[2].messages[3].role, "tool add " .. id)
  lu.assertEquals(v:trace()[1].results[1].id, id)
end

-- What is told is part of the next request: nothing in it may differ from run to run.
function TestTold.test_failures_are_told_the_same_in_every_run()
  local inner = lg.model(function() lg.errors.raise("refused", "not that") end, "inner")
  local function tool(name, run) return { name = name, run = run } end
  local list = told({ { "bytes" }, { "table" }, { "none" }, { "call" }, { "caught" } }, {
    tool("bytes", function() return "a\xff" end), tool("table", function() error {} end),
    tool("none", function() error() end), tool("call", function() return inner "x" end),
    tool("caught", function() return inner("x"):text() end) })
  lu.assertEquals(list[1],
    "tool bytes c1 error: Error: the tool returned bytes that are no text in UTF-8")
  lu.assertEquals({ list[2], list[3] }, {
    "tool table c2 error: Error: a table without a message",
    "tool none c3 error: Error: the tool failed" })
  for i = 4, 5 do
    lu.assertStrContains(list[i], "not that")
    lu.assertNotStrContains(list[i], "(node")
  end
end

-- A turn that a Lua function made wrongly is its failure, not the agent's.
function TestTold.test_turns_that_cannot_be_read()
  for text, what in pairs { ["no json"] = "no JSON object", ["[1]"] = "no list of calls",
    ['{"calls":{"a":1}}'] = "no list of calls", ['{"text":5,"calls":[]}'] = "text that is none",
    ['{"calls":[5]}'] = "call 1 without an id", ['{"calls":[{"id":"c","name":"add"},{"id":"d"}]}']
    = "call 2 without an id", ['{"calls":[{"id":7,"name":"add"}]}'] = "call 1 without an id" } do
    local m = lg.model(function() return { text = text, media = TURN } end, "odd")
    local v = lg.agent { model = m, tools = { add_tool() } } "q"
    local problem = fails("tool", "a turn that calls tools with " .. what, v.text, v)
    lu.assertNotStrContains(problem.message, ".lua:")
  end
  lu.assertEquals(told({ { "add", { a = 1, b = 1 } } }, {}),
    { 'tool add c1 error: Error: there is no tool "add"; there are none' })
end

function TestTold.test_raise()
  local boom = { name = "boom", run = function() error "bang" end }
  local m = player { turn { "boom" }, "done" }
  local v = lg.agent { model = m, tools = { boom }, on_error = "raise" } "q"
  fails("tool", "bang", v.text, v)
  local broken = lg.model(function() lg.errors.raise("auth", "no key") end, "broken")
  v = lg.agent { model = broken, tools = { boom } } "q"
  fails("auth", "no key", v.text, v)
end

-- A table that is raised is told in words: no address, which would differ from run to run.
function TestTold.test_tables_that_are_raised()
  local self_inside = {}
  self_inside.x = self_inside
  local rows = {
    { {}, "a table without a message" }, { { message = "no disk" }, "no disk" },
    { { message = { code = 5 } }, '{"code":5}' }, { { code = 7, why = "full" },
      '{"code":7,"why":"full"}' },
    { setmetatable({}, { __tostring = function() return "in words" end }), "in words" },
    { { print }, "a table without a message" }, { self_inside, "a table without a message" },
    { setmetatable({}, { __tostring = function() error "no" end }), "a table without a message" },
  }
  for i, row in ipairs(rows) do
    local boom = { name = "boom", run = function() error(row[1]) end }
    lu.assertEquals(told({ { "boom" } }, { boom }), { "tool boom c1 error: Error: " .. row[2] },
      "row " .. i)
    local v = lg.agent { model = player { turn { "boom" }, "done" }, tools = { boom },
      on_error = "raise" } "q"
    local problem = fails("tool", row[2], v.text, v)
    lu.assertNotStrContains(problem.message, "table: 0x")
  end
end

-- A tool that is written by hand, with a whole JSON Schema, is checked like all others.
function TestTold.test_full_schemas_are_checked()
  local ran = 0
  local book = { name = "book", run = function(args)
    ran = ran + 1
    return args.date or "no date"
  end, parameters = {
    type = "object", required = { "seats" }, additionalProperties = false,
    properties = { seats = { type = "integer", minimum = 1, maximum = 4 },
      date = { ["$ref"] = "#/$defs/date" }, class = { enum = { "first", "second" } },
      names = { type = "array", items = { type = "string" }, uniqueItems = true } },
    ["$defs"] = { date = { type = "string", minLength = 10 } },
  } }
  local list = told({ { "book", { seats = 0 } }, { "book", { seats = 1.5 } }, { "book", {} },
    { "book", { seats = 2, date = "now" } }, { "book", { seats = 2, class = "third" } },
    { "book", { seats = 2, names = { "a", "a" } } }, { "book", { seats = 2, extra = 1 } },
    { "book", "[1]" }, { "book", "7" }, { "book", '{"seats":2,"date":null}' },
    { "book", { seats = 2, date = "2026-11-23" } } }, { book })
  local because = "tool book c%d error: Error: the arguments do not fit: %s"
  for i, what in ipairs { "seats must be at least 1, got 0",
    "seats must be a whole number, got 1.5", "seats is missing",
    "date must have at least 10 characters, has 3",
    'class must be one of "first", "second", got "third"', "names[2] is there twice",
    "extra is not expected", "they must be an object, got [1]",
    "they must be an object, got 7" } do
    lu.assertEquals(list[i], because:format(i, what))
  end
  lu.assertEquals({ list[10], list[11] }, { "tool book c10: no date",
    "tool book c11: 2026-11-23" })
  lu.assertEquals(ran, 2)
end

function TestTold.test_specs_that_are_wrong()
  local function bad(wanted, spec) fails("inval", wanted, lg.agent, spec) end
  bad('unknown option "tool"', { tool = {} })
  bad("two tools are called", { tools = { add_tool(), add_tool() } })
  bad("a tool's name is made of", { tools = { add_tool { name = "a b" } } })
  bad("run is missing", { tools = { { name = "x" } } })
  bad('a: "nr" is no type', { tools = { add_tool { parameters = { a = "nr" } } } })
  bad("are no object", { tools = { add_tool { parameters = "string" } } })
  bad("on_error must be one of", { on_error = "ignore" })
  bad("must be at least 1", { max_steps = 0 })
  bad("a tool is a table, got string", { tools = { "add" } })
  local find = lg.retriever { docs = { "a" } }
  bad("cache is for functions", { tools = { { name = "f", run = find, cache = true } } })
  bad("needs the parameter `query`", { tools = { { name = "f", run = find,
    parameters = { q = "string" } } } })
  local ready = setmetatable({}, { __index = add_tool { name = "own" } }) -- anything that has them
  lu.assertEquals(lg.agent { tools = { ready } }.tools[1].name, "own")
end

-- ---- limits -----------------------------------------------------------------------

TestLimits = {}

function TestLimits.test_the_last_word()
  local again = turn { "add", { a = 1, b = 1 } }
  local m, asked = player { function(request)
    return request.tool_choice == "none" and "It is 2." or again
  end }
  local v = lg.agent { model = m, tools = { add_tool() }, max_steps = 3 } "q"
  lu.assertEquals(v:text(), "It is 2.")
  lu.assertEquals(#asked, 4)
  lu.assertEquals(asked[4].tool_choice, "none")
  local last = asked[4].messages[#asked[4].messages]
  lu.assertEquals(last.role, "user")
  lu.assertStrContains(last.content, "Answer now")
end

function TestLimits.test_no_answer()
  local m, asked = player { turn { "add", { a = 1, b = 1 } } }
  local v = lg.agent { model = m, tools = { add_tool() }, max_steps = 2 } "q"
  local problem = fails("limit", "no answer after 2 steps", v.text, v)
  lu.assertStrContains(problem.hint, "max_steps")
  lu.assertEquals(#asked, 3)
end

function TestLimits.test_cancelled()
  local m, asked = player { turn { "add", { a = 1, b = 1 } } }
  local v
  local tool = add_tool { run = function()
    v:cancel()
    return 1
  end }
  v = lg.agent { model = m, tools = { tool }, max_steps = 50 } "q"
  fails("cancelled", nil, v.text, v)
  lg.var("wait"):text()
  lg.map({ 1 }, function() return lg.model(function() return "x" end)("y"):text() end)
  lu.assertTrue(#asked <= 2)
end

-- Nobody wants the answer any more: what runs for it is not waited for, nothing more is asked.
function TestLimits.test_cancelled_while_tools_and_calls_run()
  local m, asked = player { turn({ "inner" }, { "add", { a = 1, b = 1 } }), "done" }
  local v, inner_asked, added = nil, 0, 0
  local slow = lg.model(function()
    inner_asked = inner_asked + 1
    v:cancel()
    return "late"
  end)
  local tools = { { name = "inner", run = function() return slow "x" end },
    add_tool { run = function() added = added + 1 return 2 end } }
  v = lg.agent { model = m, tools = tools, parallel = false } "q"
  fails("cancelled", nil, v.text, v)
  lg.map({ 1, 2, 3 }, function() return lg.model(function() return "x" end)("y"):text() end)
  lu.assertEquals({ #asked, inner_asked, added }, { 1, 1, 0 })
end

function TestLimits.test_an_agent_that_calls_itself()
  local m = lg.model(function(request) -- goes deeper until a result comes back
    local last = request.messages[#request.messages]
    if last.role:find "^tool " then return "I heard: " .. last.content end
    return turn { "again", { task = "deeper" } }
  end, "deep")
  local agent, runs = nil, 0
  agent = lg.agent { model = m, name = "diver", tools = { { name = "again",
    parameters = { task = "string" }, run = function(args)
      runs = runs + 1
      return lg.map({ args.task }, function(task) return agent(task) end)[1]
    end } } }
  local said = agent "go":text()
  lu.assertStrContains(said, "diver: agents call each other through their tools more than 8 deep")
  lu.assertEquals(runs, 8)
  lu.assertStrContains(agent "go":text(), "8 deep") -- each time, not once
end

function TestLimits.test_a_hundred_calls_of_one_tool()
  local calls, runs = {}, 0
  for i = 1, 100 do calls[i] = { "add", { a = i, b = 0 } } end
  local m, asked = player { turn(table.unpack(calls)), "done" }
  local tool = add_tool { run = function(args) runs = runs + 1 return args.a end }
  lu.assertEquals(lg.agent { model = m, tools = { tool } } "q":text(), "done")
  lu.assertEquals(runs, 16)
  local results = messages_of(asked[2], "tool ")
  lu.assertEquals(#results, 100) -- servers want one for each call
  lu.assertStrContains(results[100].content, "at most 16 tools can be called at once")
end

function TestLimits.test_parts_of_a_question()
  local m, asked = player { "fine" }
  local agent = lg.agent { model = m, name = "many" }
  local parts = {}
  for i = 1, 16 do parts[i] = "part " .. i end
  lu.assertEquals(agent(parts):text(), "fine")
  lu.assertEquals(#asked[1].messages, 16)
  parts[17], parts[18] = "x", "y"
  local problem = fails("inval", { field = "17" }, agent, parts)
  lu.assertStrContains(problem.hint, "join texts")
  problem = fails("inval", { field = "17" }, m, parts)
  lu.assertStrContains(problem.hint, 'messages = { { "user", {')
  lu.assertEquals(m { messages = { { "user", parts } } }:text(), "fine") -- as the hint says
  fails("inval", { field = "2" }, agent, { "a", nil, "c" })
  fails("inval", { field = "2" }, m, { [1] = "a", [3] = "c" })
end

-- ---- feedback ---------------------------------------------------------------------

TestFeedback = {}

local function critic_of(log)
  return lg.model(function(request)
    log[#log + 1] = request.messages[2].content
    return "do better " .. #log
  end, "critic")
end

function TestFeedback.test_through_the_whole_trace()
  local log = {}
  local system = lg.param("Use tools.", "system prompt")
  local describe = lg.param("Adds two numbers.", "description of the tool add")
  local m = player { turn { "add", { a = 1, b = 2 } }, "It is 3." }
  local agent = lg.agent { model = m, system = system,
    tools = { add_tool { description = describe } } }
  local v = agent "What is 1 + 2?"
  lu.assertTrue(v:grad())
  local exact = lg.loss.exact { target = "It is 4." }
  local pass = lg.sum { exact(v) }:backward { model = critic_of(log) } -- while v is pending
  lu.assertNotNil(system:pass())
  lu.assertEquals(#system:feedback(), 2) -- of the turn and of the answer
  lu.assertEquals(#describe:feedback(), 2)
  lu.assertEquals(pass:state(), "ready")
  -- the answer's call: system, description, turn, result; the tool's arguments; the turn's call:
  -- system, description
  lu.assertEquals(#log, 7)
  local tool = 0
  for _, prompt in ipairs(log) do
    tool = tool + (prompt:find("arguments of the tool add", 1, true) and 1 or 0)
  end
  lu.assertTrue(tool > 0, "nobody asked about the arguments")
end

function TestFeedback.test_errors_lead_back_to_the_turn()
  local log = {}
  local system = lg.param("Use tools.", "system prompt")
  local m = player { turn({ "add", { a = 1 } }, { "boom" }), "No." }
  local boom = { name = "boom", run = function() error "bang" end }
  local v = lg.agent { model = m, system = system, tools = { add_tool(), boom } } "q"
  lg.loss.exact { target = "3" }(v):backward { model = critic_of(log) }
  lu.assertEquals(#system:feedback(), 2)
  lu.assertEquals(#log, 5) -- answer: system, turn, two results; turn: system. Errors cost none
end

function TestFeedback.test_an_optimizer_steps()
  local log = {}
  local system = lg.param("Use tools.", "system prompt")
  local m = player { turn { "add", { a = 1, b = 2 } }, function(request)
    return request.messages[1].content == "Use tools well." and "Yes." or "No."
  end }
  local agent = lg.agent { model = m, system = system, tools = { add_tool() } }
  local editor = lg.model(function(request)
    local tag = request.messages[1].content:match "<(NEW_[%u_]+)>"
      or request.messages[#request.messages].content:match "<(NEW_[%u_]+)>" or "NEW_VERSION"
    return ("<%s>Use tools well.</%s>"):format(tag, tag)
  end, "editor")
  lg.default { backward = critic_of(log), optimizer = editor }
  local opt = lg.optim.tgd { system }
  local exact = lg.loss.exact { target = "Yes." }
  local losses = lg.map({ "a", "b", "c" }, function(q) return exact(agent(q)) end)
  lg.sum(losses):backward()
  local report = opt:step()
  lu.assertEquals(system:text(), "Use tools well.", tostring(report))
  lu.assertEquals(agent("a"):text(), "Yes.")
end

function TestFeedback.test_solved_costs_nothing()
  local log = {}
  local system = lg.param("Use tools.", "system prompt")
  local m = player { turn { "add", { a = 1, b = 2 } }, "It is 3." }
  local v = lg.agent { model = m, system = system, tools = { add_tool() } } "q"
  lg.loss.exact { target = "It is 3." }(v):backward { model = critic_of(log) }
  system:feedback()
  lu.assertEquals(#log, 0)
end

function TestFeedback.test_own_backward_of_a_tool()
  local log = {}
  local system = lg.param("Use tools.", "system prompt")
  local tool = add_tool { backward = function(ctx)
    lu.assertEquals(ctx.inputs.arguments, '{"a":1,"b":2}')
    return { arguments = "add other numbers" }
  end }
  local m = player { turn { "add", { a = 1, b = 2 } }, "It is 3." }
  local v = lg.agent { model = m, system = system, tools = { tool } } "q"
  lg.loss.exact { target = "4" }(v):backward { model = critic_of(log) }
  lu.assertEquals(#system:feedback(), 2)
  lu.assertEquals(#log, 4) -- system, turn, result; the turn's system
  local found = false
  for _, prompt in ipairs(log) do
    found = found or prompt:find("add other numbers", 1, true) ~= nil
  end
  lu.assertTrue(found)
end

-- A picture is the result: critics look at it, and feedback goes on to the tool's arguments.
function TestFeedback.test_through_a_picture()
  local seen, log = {}, {}
  local system = lg.param("Draw.", "system prompt")
  local m = player { turn { "draw", { what = "a dot" } }, "Here." }
  local draw = { name = "draw", parameters = { what = "string" },
    run = function() return lg.image { bytes = PNG } end }
  local critic = lg.model(function(request)
    log[#log + 1] = request.messages[2].content
    for _, message in ipairs(request.messages) do
      if message.media then seen[#seen + 1] = message.media .. #message.content end
    end
    return "do better"
  end, "critic")
  local v = lg.agent { model = m, system = system, tools = { draw } } "q"
  lg.loss.exact { target = "No." }(v):backward { model = critic }
  lu.assertEquals(#system:feedback(), 2)
  lu.assertTrue(#seen > 0)
  lu.assertEquals(seen[1], "image/png48")
  local arguments = 0
  for _, prompt in ipairs(log) do
    if prompt:find("arguments of the tool draw", 1, true) then arguments = arguments + 1 end
  end
  lu.assertTrue(arguments > 0, "nobody asked about the arguments")
end

-- What a retriever finds for an agent are its documents: feedback on the result reaches them.
function TestFeedback.test_a_retriever_as_a_tool()
  local docs = { lg.param("Cats sleep on mats.", "document on cats"),
    lg.param("Dogs bark at cars.", "document on dogs"), "Rain falls." }
  local retriever = lg.retriever { docs = docs, k = 1, name = "find" }
  for _, tool in ipairs { retriever, { name = "find", description = "Looks it up.",
    run = retriever } } do
    docs[1]:zero_grad()
    docs[2]:zero_grad()
    local log = {}
    local m, asked = player { turn { "find", { query = "where do cats sleep" } }, "On a car." }
    local v = lg.agent { model = m, tools = { tool } } "Where do cats sleep?"
    lu.assertTrue(v:grad())
    lg.loss.exact { target = "On mats." }(v):backward { model = critic_of(log) }
    lu.assertEquals(#docs[1]:feedback(), 1)
    lu.assertEquals(#docs[2]:feedback(), 0) -- it was not found
    lu.assertStrContains(v:trace()[1].results[1].text, "Cats sleep on mats.")
    lu.assertEquals(asked[1].tools[1].parameters.required, lg.json.array { "query" })
  end
  local list = told({ { "find", { query = 5 } }, { "find", {} } }, { retriever })
  lu.assertEquals(list, {
    "tool find c1 error: Error: the arguments do not fit: query must be a text, got 5",
    "tool find c2 error: Error: the arguments do not fit: query is missing" })
end

function TestFeedback.test_an_agent_as_a_tool()
  local inner = lg.agent { model = player { turn { "add", { a = 2, b = 2 } }, "4" },
    tools = { add_tool() } }
  local m = player { turn { "helper", { task = "2 + 2" } }, "It is 4." }
  local helper_tool = { name = "helper", parameters = { task = "string" },
    run = function(args) return inner(args.task) end }
  lu.assertEquals(lg.agent { model = m, tools = { helper_tool } } "q":text(), "It is 4.")
end

-- ---- in whole programs ------------------------------------------------------------

TestPrograms = {}

local SCRIPT = [[
local lg = require "lunagrad"
local runs = 0
local agent = lg.agent { model = lg.model(%s), tools = {
  { name = "multiply", description = "Multiplies two numbers a and b.", cache = true,
    parameters = { a = "number", b = "number" },
    run = function(args) runs = runs + 1 return args.a * args.b end },
  { name = "fruit_price", description = "Looks up the price of a fruit.",
    parameters = { fruit = { "pear", "mango" } },
    run = function(args) return { fruit = args.fruit, euros = 1.2 } end } } }
local answers = lg.map({ "Multiply 12 by 7.", "What is the price of a mango? And multiply 3 by 5." },
  function(q) return agent(q) end)
for _, v in ipairs(answers) do print(v) print(lg.json.encode(v:trace())) end
io.stderr:write("runs ", runs, "\n")
]]

local WANTED = "84"

function TestPrograms.test_sim()
  local out = command.lua(SCRIPT:format '"sim/default"')
  lu.assertStrContains(out.out, WANTED)
  lu.assertStrContains(out.out, "euros: 1.2, fruit: mango")
  lu.assertEquals(out.code, 0)
end

function TestPrograms.test_the_script()
  local out = command.run("run", "scripts/agent.lua")
  lu.assertEquals(out.code, 0, out.err)
  lu.assertStrContains(out.out, 'multiply {"a":12,"b":7} -> 84')
end

-- Over HTTP the same comes out; a second run buys nothing and runs no cached tool.
function TestPrograms.test_over_http_and_again_from_the_store()
  local script = command.write(SCRIPT:format '"openai/sim"', ".lua")
  local out = command.with_mock({}, ([[
$LG run %s >$LUNAGRAD_HOME.1 2>$LUNAGRAD_HOME.err || cat $LUNAGRAD_HOME.err
$LG run %s 2>$LUNAGRAD_HOME.err2
cmp $LUNAGRAD_HOME.1 - </dev/null >/dev/null; cat $LUNAGRAD_HOME.err2 >&2
cat $LUNAGRAD_HOME.1; rm -f $LUNAGRAD_HOME.*]]):format(script, script))
  local half = #out.out // 2
  lu.assertStrContains(out.out, WANTED)
  lu.assertEquals(out.out:sub(1, half), out.out:sub(half + 1))
  lu.assertStrContains(out.err, "runs 0")
  lu.assertEquals(#out.journal, 4)
end

-- The same script in every dialect, against servers as strict as the real ones.
function TestPrograms.test_all_dialects()
  local agent = command.write(SCRIPT:format "", ".lua")
  local json = command.write([[
local v = require("lunagrad").model() { "I have two apples and a pear. How many fruits do I have?",
  schema = { count = "integer", note = "string?", kinds = { "string" } } }
print("count", v:value().count)]], ".lua")
  local out = command.with_mock({}, ([[
root=${url%%/v1}
export ANTHROPIC_BASE_URL=$root ANTHROPIC_API_KEY=k GOOGLE_GEMINI_BASE_URL=$root GEMINI_API_KEY=k
export OLLAMA_HOST=$root AZURE_OPENAI_ENDPOINT=$root AZURE_OPENAI_API_KEY=k
for m in openai responses azure anthropic gemini ollama; do
echo "[$m]"; $LG run --no-store %s -m $m/sim 2>&1; $LG run --no-store %s -m $m/sim 2>&1; done]])
    :format(agent, json))
  local seen = 0
  for name, said in out.out:gmatch "%[(%l+)%]\n([^\n]*\n.-)models" do
    seen = seen + 1
    lu.assertStrContains(said, "The answer is: 84", name)
    lu.assertStrContains(said, "euros: 1.2, fruit: mango", name)
  end
  lu.assertEquals(seen, 6, out.out)
  local counts = select(2, out.out:gsub("count\t2\n", ""))
  lu.assertEquals(counts, 6, out.out)
end

-- A picture of a kept tool in every dialect: the server sees it, and a later process runs nothing.
local PICTURE = [[
local lg = require "lunagrad"
local draw = require("lunagrad.world.pictures").draw
local runs = 0
local agent = lg.agent { model = lg.model(), tools = {
  { name = "draw", description = "Draws a square of a given side.", cache = true, version = "1",
    parameters = { side = "integer" }, run = function(args)
      runs = runs + 1
      return lg.image { bytes = draw("square", args.side) }
    end } } }
local v = agent "Draw a square of side 12."
print(v, v:trace()[1].results[1].text)
io.stderr:write("runs ", runs, "\n")
]]

function TestPrograms.test_pictures_in_all_dialects()
  local script = command.write(PICTURE, ".lua")
  local out = command.with_mock({}, ([[
root=${url%%/v1}
export ANTHROPIC_BASE_URL=$root ANTHROPIC_API_KEY=k GOOGLE_GEMINI_BASE_URL=$root GEMINI_API_KEY=k
export OLLAMA_HOST=$root AZURE_OPENAI_ENDPOINT=$root AZURE_OPENAI_API_KEY=k
for m in openai/sim responses/sim azure/sim anthropic/sim gemini/gemini-2.5-flash   gemini/gemini-3-pro ollama/sim; do
echo "[$m]"; $LG run %s -m $m 2>&1; $LG run %s -m $m 2>&1; done]]):format(script, script))
  local seen, runs = 0, {}
  for name, said in out.out:gmatch "%[(%l+/[%w.-]+)%]\n([^%[]*%[[^%[]*%[[^%[]*)" do
    seen = seen + 1
    lu.assertStrContains(said, "12 pixels wide", name .. out.out)
    local _, twice = said:gsub("12 pixels wide and 12 pixels high", "")
    lu.assertEquals(twice, 2, name)
    for n in said:gmatch "runs (%d)" do runs[#runs + 1] = n end
  end
  lu.assertEquals(seen, 7, out.out)
  lu.assertEquals(table.concat(runs), "10" .. ("00"):rep(6)) -- one store for all
end

-- Killed after the first calls, the rest is bought, and the bytes are the same.
function TestPrograms.test_killed_and_resumed()
  local script = command.write(SCRIPT:format '"openai/sim"', ".lua")
  local out = command.with_mock({ "--latency", "250" }, ([[
$LG run %s >/dev/null 2>&1 & P=$!
sleep 0.4; kill -9 $P 2>/dev/null; wait $P 2>/dev/null
$LG run %s 2>/dev/null; LUNAGRAD_HOME=$LUNAGRAD_HOME.b $LG run %s 2>/dev/null
rm -rf $LUNAGRAD_HOME.b]]):format(script, script, script))
  local half = #out.out // 2
  lu.assertStrContains(out.out, WANTED)
  lu.assertEquals(out.out:sub(1, half), out.out:sub(half + 1))
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
