-- test_binding.lua - lunagrad.core: objects and their lives, nodes, events, text tools

local helper = require "helper"
local lu = require "luaunit"
local core = require "lunagrad.core"

local fails = helper.fails

-- ---- engines ------------------------------------------------------------------

TestEngine = {}

function TestEngine.test_config()
  core.engine():close()
  local e = core.engine {
    concurrency = 2, max_attempts = 3, connect_timeout_ms = 1, first_byte_timeout_ms = 1,
    total_timeout_ms = 1, max_reply_bytes = 1000, memo_bytes = 1000, max_queued = 10, seed = -1,
    virtual_clock = true, http2 = false, log = "debug",
  }
  lu.assertEquals(math.type(e:fd()), "integer")
  lu.assertEquals(math.type(e:now()), "integer")
  lu.assertEquals(e:log_lines(), {})
  e:close()
end

function TestEngine.test_bad_config()
  fails("inval", "unknown option 'concurency'", core.engine, { concurency = 1 })
  fails("inval", "unknown option '1'", core.engine, { 1 })
  fails("inval", "concurrency: expected a whole number, got string", core.engine,
    { concurrency = "many" })
  fails("inval", "concurrency: -1 is out of range", core.engine, { concurrency = -1 })
  fails("inval", "log: expected error, warn, info or debug", core.engine, { log = "loud" })
  fails("inval", "proxy: the text holds a zero byte", core.engine, { proxy = "a\0b" })
  fails("inval", "expected a list, got number", core.engine, 5)
end

function TestEngine.test_stats()
  local e = helper.engine()
  local s = e:stats()
  for _, name in ipairs { "calls", "shared", "failed", "attempts", "retries", "ambiguous",
    "in_flight",
    "queued", "waiting", "host_running", "live_bytes", "live_blocks", "vars_pending",
      "vars_live" } do
    lu.assertEquals(math.type(s[name]), "integer", name)
  end
  lu.assertEquals(s.calls_by_kind, { 0, 0, 0, 0 })
  lu.assertEquals(#s.usage, 4)
  lu.assertEquals(s.usage[1], { input = 0, cached = 0, cache_write = 0, output = 0, reasoning = 0 })
  e:close()
end

function TestEngine.test_wakeup_makes_wait_return()
  local e = helper.engine()
  e:wakeup()
  e:wait(-1)
  e:wait(0)
  lu.assertEquals(e:timeout(), -1)
  e:close()
end

function TestEngine.test_templates()
  local e = helper.engine()
  lu.assertNil(e:template "operator")
  local v = core.var(e, "text", "prompt")
  e:set_template("operator", v)
  lu.assertEquals(e:template "operator", v)
  fails("inval", "expected a variable, got string", e.set_template, e, "operator", "text")
  e:close()
end

function TestEngine.test_methods_of_another_object()
  local e = helper.engine()
  fails("inval", "expected an engine, got lunagrad.var", e.step, core.var(e, "x"))
  fails("inval", "expected an engine, got no value", e.next)
  local problem = fails("inval", "bad argument #1 to 'wait': expected a whole number, got string",
    function() e:wait "long" end)
  lu.assertStrContains(problem.where, "test_binding.lua")
  fails("inval", "'step' was called on a wrong object", function()
    local odd = setmetatable({}, { __index = getmetatable(e).__index })
    odd:step()
  end)
  e:close()
end

-- ---- lives --------------------------------------------------------------------

TestLives = {}

function TestLives.test_everything_raises_after_close()
  local e = helper.engine()
  local v, m = core.var(e, "x", "r"), core.model(e, { dialect = "host", name = "host/a",
    model = "a" })
  local t = core.tool(e, "t", "does", false, 1)
  e:close()
  e:close()
  local function closed(fn, ...) fails("state", "the engine is closed", fn, ...) end
  for name, method in pairs(core.var_methods) do
    if name ~= "same" then closed(method, v, 1) end
  end
  for name, method in pairs(getmetatable(e).__index) do
    if name ~= "close" and name ~= "log_lines" then closed(method, e, 1) end
  end
  closed(m.name, m)
  closed(core.var, e, "x")
  closed(core.sum, e, { v })
  local other = helper.engine()
  closed(core.sum, other, { v })
  closed(core.call, other, m, { messages = { { "user", core.var(other, "x") } } })
  closed(core.tool_call, other, t, {}, {})
  lu.assertTrue(v == v)
  lu.assertEquals(tostring(e), "lunagrad engine (closed)")
  other:close()
  v, m, t = nil, nil, nil -- luacheck: ignore
  collectgarbage()
end

-- Calls f(value), and closes the value at its end as Lua 5.4 does.
local function closed_after(value, f)
  if _VERSION == "Lua 5.3" then lu.skip "Lua 5.3 has no to-be-closed variables" end
  assert(load "local value, f = ... local kept <close> = value f(value)")(value, f)
end

function TestLives.test_to_be_closed_variables()
  local e = helper.engine()
  local kept
  closed_after(core.var(e, "x", "r"), function(v)
    kept = v
    lu.assertEquals(e:stats().vars_live, 1)
  end)
  lu.assertEquals(e:stats().vars_live, 0)
  fails("state", "the variable is closed", kept.id, kept)
  fails("state", "the variable is closed", core.sum, e, { kept })
  lu.assertFalse(kept == core.var(e, "x", "r"))
  closed_after(helper.engine(), function(engine) kept = engine end)
  fails("state", "the engine is closed", kept.now, kept)
  e:close()
end

function TestLives.test_collected_variables_are_freed()
  local e = helper.engine()
  local blocks = e:stats().live_blocks
  for i = 1, 100 do core.concat(e, { core.var(e, tostring(i), "r") }, "r") end
  helper.run(e)
  collectgarbage()
  collectgarbage()
  lu.assertEquals(e:stats().vars_live, 0)
  lu.assertTrue(e:stats().live_blocks <= blocks + 8, "blocks stay: " .. e:stats().live_blocks)
  e:close()
end

function TestLives.test_a_variable_keeps_its_engine()
  local v = core.var(helper.engine(), "x", "r")
  collectgarbage()
  collectgarbage()
  lu.assertEquals(v:raw_text(), "x")
end

-- lua_close finalizes in the reverse order of making, the collector in any
function TestLives.test_all_orders_of_finalizers()
  local e = helper.engine()
  local list = { e, core.var(e, "x", "r"), core.tool(e, "t"), core.concat(e, { core.var(e, "y") }) }
  for _, object in ipairs(list) do
    local gc = getmetatable(object).__gc
    gc(object)
    gc(object)
  end
  fails("state", "the engine is closed", list[2].id, list[2])
  local e2 = helper.engine()
  local v = core.var(e2, "x", "r")
  getmetatable(v).__gc(v)
  getmetatable(v).__gc(v)
  getmetatable(v).__gc "no variable"
  e2:close()
end

function TestLives.test_equality()
  local e = helper.engine()
  local a, b = core.var(e, "x", "r"), core.var(e, "x", "r")
  local c = core.concat(e, { a }, "r"):inputs()[1].var
  lu.assertFalse(rawequal(a, c))
  lu.assertTrue(a == c and a:same(c))
  lu.assertFalse(a == b or a:same(b) or a:same(nil) or a:same "x")
  e:close()
end

-- ---- variables ----------------------------------------------------------------

TestVar = {}

function TestVar:setUp() self.e = helper.engine() end
function TestVar:tearDown() self.e:close() end

function TestVar:test_fresh()
  local v = core.var(self.e, "a\0b", "role", true)
  lu.assertEquals({ v:state(), v:raw_text(), v:raw_role(), v:grad(), v:op(), v:versions() },
    { "ready", "a\0b", "role", true, "leaf", 1 })
  lu.assertEquals(v:inputs(), {})
  lu.assertEquals(v:raw_feedback(), {})
  lu.assertNil(v:error())
  lu.assertNil(v:example())
  lu.assertNil(v:raw_score())
  lu.assertNil(v:pass())
  lu.assertNil(v:usage())
  lu.assertNil(v:finish_reason())
  lu.assertFalse(core.var(self.e, ""):grad())
  lu.assertNotEquals(v:id(), core.var(self.e, ""):id())
end

function TestVar:test_bad_arguments()
  fails("utf8", "byte 2 is wrong", core.var, self.e, "a\xff")
  fails("inval", "bad argument #2: expected a text, got table", core.var, self.e, {})
  fails("inval", "expected a text, got no value", core.var, self.e)
  fails("inval", "zero byte", core.var, self.e, "a", "r\0")
  local problem = fails("inval", "expected an engine, got number", core.var, 5, "x")
  lu.assertStrContains(problem.message, "argument #1")
end

function TestVar:test_misuse_is_placed_at_the_line_of_the_script()
  local expected
  local problem = fails("inval", "expected a text", function()
    expected = debug.getinfo(1, "l").currentline + 1
    core.var(self.e, {})
  end)
  lu.assertStrContains(problem.where, ("test_binding.lua:%d:"):format(expected))
end

function TestVar:test_setting()
  local v = core.var(self.e, "one", "r")
  v:raw_set "two"
  v:raw_set "three"
  lu.assertEquals({ v:versions(), v:version(1), v:version(3), v:raw_text() },
    { 3, "one", "three", "three" })
  v:rollback(2)
  lu.assertEquals({ v:versions(), v:raw_text() }, { 2, "two" })
  fails("notfound", "there is no version 3, the newest is 2", v.version, v, 3)
  fails("notfound", "there is no version 0", v.rollback, v, 0)
  fails("utf8", "byte 1 is wrong", v.raw_set, v, "\xc0")
  v:set_role "new"
  v:set_grad(true)
  v:set_example(4)
  v:set_score(0.5)
  lu.assertEquals({ v:raw_role(), v:grad(), v:example(), v:raw_score() }, { "new", true, 4,
    0.5, 1 })
  v:set_score(3, 5)
  v:set_example(nil)
  lu.assertEquals({ v:raw_score() }, { 3, 5 })
  lu.assertNil(v:example())
  fails("inval", "NaN", v.set_score, v, 0 / 0)
  fails("inval", "expected a number", v.set_score, v, "good")
end

function TestVar:test_pending_and_cancelled()
  local m = helper.model(self.e)
  local v = core.call(self.e, m, { messages = { { "user", core.var(self.e, "x") } } })
  lu.assertEquals(v:state(), "pending")
  lu.assertNil(v:raw_text())
  fails("state", "while the variable is pending", v.raw_set, v, "x")
  lu.assertTrue(v:cancel())
  lu.assertFalse(v:cancel())
  lu.assertEquals(v:state(), "cancelled")
  lu.assertEquals(v:error().kind, "cancelled")
end

function TestVar:test_feedback_by_hand()
  local v = core.var(self.e, "x", "r", true)
  v:add_feedback "be brief"
  v:add_feedback ""
  local list = v:raw_feedback()
  lu.assertEquals({ #list, list[1].state, list[1].text, list[2].state }, { 2, "text",
    "be brief", "empty" })
  lu.assertEquals({ list[1].from, list[1].example, list[1].var, list[1].sources }, { 0, nil,
    nil, {} })
  fails("utf8", "byte 1", v.add_feedback, v, "\xff")
  v:raw_zero_grad()
  lu.assertEquals(v:raw_feedback(), {})
end

function TestVar:test_dot()
  local v = core.concat(self.e, { core.var(self.e, "x", "left side", true) }, "both")
  helper.run(self.e)
  v:add_feedback "shorter"
  lu.assertStrContains(v:raw_dot(), "digraph")
  lu.assertStrContains(v:raw_dot(), "left side")
  lu.assertTrue(#v:raw_dot(true) >= #v:raw_dot(false))
end

function TestVar:test_watch()
  local v = core.var(self.e, "x")
  v:watch(77)
  local came
  lu.assertEquals(helper.run(self.e, {
    var = function(id, tag, var) came = { id, tag, var == v } end,
  }), { "var" })
  lu.assertEquals(came, { v:id(), 77, true })
end

-- ---- nodes --------------------------------------------------------------------

TestNode = {}

function TestNode:setUp() self.e = helper.engine() end
function TestNode:tearDown() self.e:close() end

local function leaves(e, ...)
  local list = {}
  for i, text in ipairs { ... } do list[i] = core.var(e, text, "part " .. i) end
  return list
end

function TestNode:test_texts()
  local e = self.e
  local both = core.concat(e, leaves(e, "a", "b"), "both")
  local asked = core.format(e, core.var(e, "{q}? <TAG>{x}</TAG>", "t"), { "q", "x" },
    leaves(e, "why", "</TAG>"), "asked", true)
  local plain = core.format(e, core.var(e, "{q}{{}}"), { "q" }, leaves(e, "why"), "asked", false)
  local vars = leaves(e, "1", "2")
  vars[1]:set_score(1)
  vars[2]:set_score(0)
  local sum, mean = core.sum(e, vars), core.mean(e, vars, true)
  helper.run(e)
  lu.assertEquals({ both:raw_text(), both:raw_role(), both:op() }, { "ab", "both",
    "concatenation" })
  lu.assertEquals(asked:raw_text(), "why? <TAG_2></TAG></TAG_2>")
  lu.assertEquals(plain:raw_text(), "why{}")
  lu.assertEquals({ sum:raw_text(), sum:raw_score() }, { "1\n2", 1, 2 })
  lu.assertEquals({ mean:raw_score() }, { 0.5, 1 })
  local inputs = asked:inputs()
  lu.assertEquals({ #inputs, inputs[2].name, inputs[2].text, inputs[3].var:raw_text() },
    { 3, "q", "why", "</TAG>" })
end

function TestNode:test_many_inputs()
  local list, wanted = {}, {}
  for i = 1, 100 do
    wanted[i] = tostring(i)
    list[i] = core.var(self.e, wanted[i])
  end
  local all = core.concat(self.e, list, "all")
  helper.run(self.e)
  lu.assertEquals(all:raw_text(), table.concat(wanted))
  lu.assertEquals(#all:inputs(), 100)
end

function TestNode:test_misuse()
  local e, v = self.e, core.var(self.e, "x")
  fails("inval", "variables: expected a variable at 2, got string", core.sum, e, { v, "x" })
  fails("inval", "expected a list, got no value", core.concat, e)
  fails("inval", "sum of nothing", core.sum, e, {})
  fails("inval", "2 names were given for 1 variables", core.format, e, v, { "a", "b" }, { v })
  fails("inval", "names: expected a name at 1, got number", core.format, e, v, { 1 }, { v })
  fails("inval", "zero byte", core.format, e, v, { "a\0" }, { v })
  fails("inval", "expected a tool, got lunagrad.var", core.tool_call, e, v, {}, {})
  local other = helper.engine()
  fails("inval", "", core.sum, e, { core.var(other, "x") })
  other:close()
end

function TestNode:test_failures_carry_their_cause()
  local bad = core.format(self.e, core.var(self.e, "{nope}"), {}, {}, "the question")
  local after = core.concat(self.e, { bad }, "the rest")
  local rest = core.sum(self.e, { bad, core.var(self.e, "good") }, true)
  helper.run(self.e)
  lu.assertEquals({ bad:state(), bad:error().kind }, { "failed", "template" })
  lu.assertStrContains(after:error().message, "nope")
  lu.assertEquals(after:error().kind, "template")
  lu.assertEquals(rest:raw_text(), "good")
end

-- ---- models and tools of the host ----------------------------------------------

TestHost = {}

function TestHost:setUp() self.e = helper.engine() end
function TestHost:tearDown() self.e:close() end

function TestHost:test_call()
  local e, seen = self.e, nil
  local model = core.model(e, { dialect = "host", name = "host/echo", model = "echo", tag = 5,
    options = { { "temperature", "0.5" }, { "stop", '["x"]' } } })
  lu.assertEquals(model:name(), "host/echo")
  local v = core.call(e, model, {
    messages = { { "system", core.var(e, "be kind") }, { "user", core.var(e, "hello") } },
    role = "greeting", options = { { "temperature", "1" } }, sample = 3, kind = "judge",
      example = 12,
  })
  helper.run(e, { call = function(id, tag)
    seen = e:call_view(id)
    lu.assertEquals(tag, 5)
    lu.assertTrue(e:call_reply(id, "hi", "length", { input = 7, output = 2 }))
    lu.assertFalse(e:call_reply(id, "again"))
    lu.assertNil(e:call_view(id))
  end })
  lu.assertEquals(seen, {
    messages = { { role = "system", content = "be kind" }, { role = "user", content = "hello" } },
    options = { temperature = "1", stop = '["x"]' }, sample = 3, model = "host/echo",
  })
  lu.assertEquals({ v:raw_text(), v:raw_role(), v:example(), v:finish_reason(), v:op() },
    { "hi", "greeting", 12, "length", "model call" })
  lu.assertEquals(v:usage().input, 7)
  lu.assertEquals(e:stats().calls_by_kind, { 0, 0, 0, 1 })
end

function TestHost:test_bad_calls()
  local e, v = self.e, core.var(self.e, "x")
  local model = helper.model(e)
  local function bad(wanted, spec) fails("inval", wanted, core.call, e, model, spec) end
  bad("messages: expected a list", {})
  bad("messages: expected a list", { messages = {} })
  bad("messages: expected {role, variable} at 1", { messages = { v } })
  bad("messages: expected a variable at 1, got nil", { messages = { { "user" } } })
  bad("messages: expected a name at 1, got userdata", { messages = { { v, v } } })
  bad("kind: expected forward", { messages = { { "user", v } }, kind = "loss" })
  bad("sample: -1 is out of range", { messages = { { "user", v } }, sample = -1 })
  bad("options: expected a text", { messages = { { "user", v } }, options = { { "temperature",
    1 } } })
  bad("options: expected a list of pairs", { messages = { { "user", v } }, options = { "x" } })
  fails("inval", "expected a model, got nil", core.call, e, nil, {})
  fails("inval", "unknown option 'modle'", core.model, e, { modle = "x" })
  fails("inval", "", core.model, e, { dialect = "no such", name = "x", model = "x" })
end

function TestHost:test_call_fails()
  local e = self.e
  local v = core.call(e, helper.model(e), { messages = { { "user", core.var(e, "x") } } })
  helper.run(e, { call = function(id)
    fails("inval", "no kind of error is called 'sad'", e.call_fail, e, id, "sad", false, "m")
    e:call_fail(id, "refused", false, "I will not")
  end })
  local problem = v:error()
  lu.assertEquals({ problem.kind, problem.retryable }, { "refused", false })
  lu.assertStrContains(problem.message, "I will not")
end

function TestHost:test_tool()
  local e = self.e
  local tool = core.tool(e, "count", "counts letters", false, 9)
  local good = core.tool_call(e, tool, { "text" }, { core.var(e, "hello") }, "number")
  local bad = core.tool_call(e, tool, { "text" }, { core.var(e, "") }, nil)
  helper.run(e, { tool = function(id, tag, var)
    lu.assertEquals(tag, 9)
    local text = var:inputs()[1].text
    if text == "" then return e:tool_fail(id, "tool", "nothing to count") end
    lu.assertTrue(e:tool_return(id, tostring(#text), #text, 10))
    lu.assertFalse(e:tool_return(id, "again"))
  end })
  lu.assertEquals({ good:raw_text(), good:raw_role(), good:raw_score() }, { "5", "number", 5, 10 })
  lu.assertEquals(bad:error().kind, "tool")
  lu.assertStrContains(bad:error().message, "nothing to count")
end

function TestHost:test_abandoned_work_is_told()
  local e = self.e
  local tool = core.tool(e, "slow", "takes long", false, 1)
  local v = core.tool_call(e, tool, {}, {}, "r")
  local asked, dropped
  helper.run(e, { tool = function(id) asked = id end })
  v:cancel()
  helper.run(e, { abandon = function(id) dropped = id end })
  lu.assertEquals(dropped, asked)
  lu.assertFalse(e:tool_return(asked, "late"))
  lu.assertFalse(e:tool_fail(asked, "tool", "late"))
end

-- a loss with a backward of its own over a parameter
function TestHost:test_gradient_of_a_tool()
  local e = self.e
  local param = core.var(e, "prompt", "the prompt", true)
  local tool = core.tool(e, "score", "scores", true, 4)
  local loss = core.tool_call(e, tool, { "prompt" }, { param }, "loss")
  local pass = core.backward(e, loss, { context_tokens = 1000, skip_failed = false })
  local heard
  local seen = helper.run(e, {
    tool = function(id) e:tool_return(id, "bad", 0) end,
    gradient = function(id, tag, var)
      lu.assertEquals(tag, 4)
      lu.assertTrue(var == loss)
      heard = e:tool_heard(id)
      lu.assertTrue(e:tool_feedback(id, 1, "say more"))
      fails("inval", "", e.tool_feedback, e, id, 2, "no such input")
      fails("utf8", "UTF-8", e.tool_feedback, e, id, 1, "\xff")
      lu.assertTrue(e:tool_return(id, ""))
      lu.assertNil(e:tool_heard(id))
    end,
  })
  lu.assertEquals(seen, { "tool", "gradient" })
  lu.assertEquals(heard, "")
  lu.assertEquals(pass:state(), "ready")
  local list = param:raw_feedback()
  lu.assertEquals({ #list, list[1].text, list[1].from, list[1].input, list[1].score },
    { 1, "say more", loss:id(), 1, 0 })
end

function TestHost:test_backward_misuse()
  local e, v = self.e, core.var(self.e, "x")
  fails("inval", "backward: unknown option 'modle'", core.backward, e, v, { modle = 1 })
  fails("inval", "expected a model", core.backward, e, v, { model = "gpt" })
  fails("inval", "expected a variable", core.backward, e, nil)
end

-- ---- promises ------------------------------------------------------------------------

TestPromise = {}

function TestPromise.test_keep_and_break()
  local e = helper.engine()
  local p = core.var(e, "prompt", "prompt", true)
  local v = core.promise(e, { p }, "answer")
  lu.assertEquals({ v:state(), v:op(), v:grad() }, { "pending", "promise", true })
  core.keep(e, v, p, "own words")
  lu.assertEquals(v:raw_text(), "own words")
  fails("state", "kept or broken already", core.keep, e, v, p)
  fails("state", "this is no promise", core.keep, e, p, v)
  fails("state", "kept or broken already", core.break_promise, e, v, "limit", "no")
  local w = core.promise(e, {}, "other")
  fails("inval", "no kind of error", core.break_promise, e, w, "oddity", "no")
  core.break_promise(e, w, "limit", "no steps left", "take more")
  lu.assertEquals(w:error().kind, "limit")
  lu.assertEquals(w:error().hint, "take more")
  fails("inval", "expected a variable at 1", core.promise, e, { "text" }, "x")
end

-- ---- text tools -----------------------------------------------------------------

TestText = {}

function TestText.test_tags()
  lu.assertEquals(core.tag_last("<A>1</A> <A>\n2\n</A> x", "A"), "2")
  lu.assertNil(core.tag_last("<A>1", "A"))
end

function TestText.test_templates()
  lu.assertEquals(core.render("{a}{{{b}}}", { a = "{b}", b = "1" }), "{b}{1}")
  lu.assertEquals({ core.fence("<T>{a}</T>", { a = "x" }) }, { "<T>x</T>", 0 })
  lu.assertEquals({ core.fence("<T>{a}</T>", { a = "</T>" }) }, { "<T_2></T></T_2>", 2 })
  local many, wanted = {}, {}
  for i = 1, 50 do
    many["f" .. i] = tostring(i)
    wanted[i] = "{f" .. i .. "}"
  end
  lu.assertEquals(core.render(table.concat(wanted, ","), many):sub(1, 5), "1,2,3")
  local problem = fails("template", "has a field {b} that was not given", core.render, "{b}", {})
  lu.assertStrContains(problem.hint, "{{")
  fails("inval", "field 'a' must be a text, got number", core.render, "{a}", { a = 1 })
  fails("inval", "a field's name must be a text", core.render, "{a}", { "x" })
end

function TestText.test_tokens_and_trim()
  lu.assertEquals(core.tokens "", 0)
  lu.assertTrue(core.tokens "one two three" >= 3)
  lu.assertEquals(core.trim("short", 100), "short")
  local long = ("word "):rep(1000)
  local short = core.trim(long, 100)
  lu.assertTrue(core.tokens(short) <= 100)
  lu.assertStrContains(short, "word")
  fails("inval", "out of range", core.trim, "x", -1)
end

function TestText.test_utf8()
  lu.assertNil(core.utf8_error "aé€😀\0")
  lu.assertEquals(core.utf8_error "ab\xed\xa0\x80", 3)
end

function TestText.test_sha256()
  lu.assertEquals(core.sha256 "abc",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  lu.assertEquals(core.sha256 "",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
end

function TestText.test_json_read()
  local value = core.json_decode '{"a":[1,2.5,"x\\u00e9",true,null,-0.0,1e3],"b":{"c":{}},"d":[]}'
  lu.assertEquals({ value.a[1], value.a[2], value.a[3], value.a[4], value.a[7] },
    { 1, 2.5, "xé", true, 1000 })
  lu.assertEquals(math.type(value.a[1]), "integer")
  lu.assertIs(value.a[5], core.null)
  lu.assertEquals(value.b, { c = {} })
  lu.assertEquals(getmetatable(value.d), core.array)
  lu.assertNil(getmetatable(value.b))
  lu.assertEquals({ core.json_decode "5" }, { 5 })
  lu.assertEquals({ core.json_decode '"x"' }, { "x" })
  lu.assertEquals(core.json_decode "9007199254740992", 9007199254740992)
  lu.assertEquals(math.type(core.json_decode "1e300"), "float")
end

function TestText.test_json_that_is_none()
  lu.assertEquals({ core.json_decode '{"a":1,}' }, { nil, "not valid JSON at byte 8", 8 })
  lu.assertEquals({ core.json_decode '"\xff"' }, { nil, "invalid UTF-8 at byte 2", 2 })
  lu.assertNil(core.json_decode "")
  lu.assertNil(core.json_decode(("["):rep(5000)))
end

function TestText.test_json_deep()
  local text = ("["):rep(1000) .. ("]"):rep(1000)
  lu.assertEquals(core.json_encode(core.json_decode(text)), text)
  local objects = ('{"a":'):rep(999) .. "1" .. ("}"):rep(999)
  lu.assertEquals(core.json_encode(core.json_decode(objects)), objects)
end

function TestText.test_json_write()
  local function is(text, value) lu.assertEquals(core.json_encode(value), text) end
  is('{"a":1,"aa":2,"b":[true,null,"x\\n"]}', { b = { true, core.null, "x\n" }, aa = 2, a = 1 })
  is("{}", {})
  is("[]", setmetatable({}, core.array))
  is("[[],{}]", { setmetatable({}, core.array), {} })
  is("0.1", 0.1)
  is("3", 3.0)
  is("-9223372036854775808", math.mininteger)
  is("false", false)
  is('"\\u0000\\"é"', "\0\"é")
  local function bad(wanted, value) fails("inval", wanted, core.json_encode, value) end
  bad("a list without holes", { 1, x = 2 })
  bad("a key that is no text", { [true] = 1 })
  bad("a key that is no text", { [2.5] = 1 })
  bad("no form for a function", { print })
  bad("no form for a nil", nil)
  local loop = {}
  loop.loop = loop
  bad("loop: a table is inside itself", loop)
end

function TestText.test_where()
  lu.assertStrMatches(core.where(1), ".*test_binding.lua:%d+:")
  lu.assertNil(core.where(1000))
end

TestModule = {}

function TestModule.test_version()
  lu.assertStrMatches(core.VERSION, "%d+%.%d+%.%d+")
end

function TestModule.test_embedded_files_are_found()
  for _, name in ipairs { "lunagrad", "lunagrad.core", "lunagrad.errors", "lunagrad.rng" } do
    lu.assertIsFunction(package.preload[name], name)
  end
  local info = debug.getinfo(require "lunagrad.rng".new, "S")
  lu.assertEquals(info.source, "@lunagrad/rng.lua")
end

os.exit(lu.LuaUnit.run(), true)
