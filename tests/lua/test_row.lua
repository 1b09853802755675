-- test_row.lua - what is not there is an error, not nil: fields of rows, parts of calls and messages

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

lg.configure { virtual_clock = true }

local fails = helper.fails

local function nothing() return "x" end

local function rows()
  return lg.data.jsonl_text('{"Question": "why?", "answer": 3, "note": null}\n{"Question": "how?", '
    .. '"answer": 4, "hint": "look"}\n', "mine.jsonl")
end

TestRow = {}

function TestRow.test_a_field_that_is_not_there_is_an_error_that_names_those_that_are()
  local row = rows()[1]
  local problem = fails("inval", 'mine.jsonl: the row has no field "question"; it has "Question", '
    .. '"answer", "note"', function() return row.question end)
  lu.assertStrContains(problem.hint, 'did you mean "Question"?')
  lu.assertStrContains(problem.hint, 'lg.data.get(row, "question")')
  lu.assertStrContains(problem.where, "test_row.lua:")
  fails("inval", { field = "hint" }, function() return row.hint end)
  lu.assertEquals(rows()[2].hint, "look")
end

function TestRow.test_of_csv_and_bbh_too()
  local row = lg.data.csv_text("Question;Answer\nq;1\n")[1]
  fails("inval", 'it has "Answer", "Question"', function() return row.question end)
  row = lg.data.csv_text("q,1\n", { header = { "question", "answer" } })[1]
  fails("inval", { field = "anwser" }, function() return row.anwser end)
  row = lg.data.bbh_text '[{"input": "q", "target": "1"}]'[1]
  fails("inval", { field = "label" }, function() return row.label end)
end

function TestRow.test_methods_of_sets_keep_the_rows()
  local set = rows()
  for _, part in ipairs { set:take(1), set:shuffle(1), set:slice(1, 1), set:sample(1),
    set:filter(function() return true end), (set:split { 1, 1 }) } do
    fails("inval", { field = "question" }, function() return part[1].question end)
  end
  lu.assertNil(set:map(function() return {} end)[1].question) -- the script's own table
  lu.assertNil(lg.data.list { { a = 1 } }[1].question)
end

function TestRow.test_null_is_there_and_nil()
  lu.assertNil(rows()[1].note)
  fails("inval", { field = "note" }, function() return rows()[2].note end)
end

function TestRow.test_get_is_for_what_may_be_missing()
  local set = rows()
  lu.assertNil(lg.data.get(set[1], "hint"))
  lu.assertEquals(lg.data.get(set[1], "hint", "none"), "none")
  lu.assertEquals(lg.data.get(set[1], "note", "none"), "none")
  lu.assertEquals(lg.data.get(set[2], "hint", "none"), "look")
  lu.assertEquals(lg.data.get({ a = false }, "a", true), false)
  lu.assertEquals(lg.data.get(setmetatable({}, { __index = { a = 1 } }), "a"), 1)
  lu.assertEquals(lg.data.get(setmetatable({}, { __index = function() return 2 end }), "a"), 2)
  lu.assertNil(lg.data.get(setmetatable({}, { __index = set[1] }), "question"))
  fails("inval", { field = "from" }, lg.data.get, nil, "a")
end

function TestRow.test_rows_are_tables_otherwise()
  local row, seen = rows()[2], {}
  for name, value in pairs(row) do seen[name] = value end
  lu.assertEquals(seen, { Question = "how?", answer = 4, hint = "look" })
  lu.assertEquals(lg.json.encode(row), '{"Question":"how?","answer":4,"hint":"look"}')
  lu.assertNil(row[1])
  lu.assertEquals(#row, 0)
  lu.assertEquals(require("lunagrad.cli.inspect").text(row),
    '{ Question = "how?", answer = 4, hint = "look" }')
  lu.assertTrue(lg.schema.validate(row, lg.schema.of { answer = "integer", Question = "string",
    ["hint?"] = "string" }))
  local ok, path = lg.schema.validate(row, lg.schema.of { question = "string" })
  lu.assertEquals({ ok, path }, { false, "question" })
end

-- What the library looks for in a row by itself may be missing.
function TestRow.test_the_library_looks_without_raising()
  local set = lg.data.jsonl_text '{"q": "1", "target": "x"}\n{"q": "2", "target": "y"}\n'
  local program = function() return "x" end
  lu.assertEquals(lg.evaluate { program, data = set, metric = lg.metric.exact }.mean, 0.5)
  lu.assertEquals(lg.evaluate { program, data = set, metric = lg.metric.exact,
    field = "target" }.mean, 0.5)
  lu.assertEquals(lg.metric.make { lg.metric.exact, field = "target" }("x", set[1]), 1)
  lu.assertEquals(lg.loss.exact {}("x", set[1]).score, 1)
  fails("inval", { field = "answer" }, lg.metric.exact, "x", lg.data.jsonl_text '{"q": 1}'[1])
  fails("inval", { field = "label" }, lg.metric.make { lg.metric.exact, field = "label" }, "x",
    set[1])
  local docs = lg.data.jsonl_text '{"text": "an apple"}\n{"text": "a pear"}\n'
  lu.assertEquals(lg.retriever { docs = docs }("pear"):documents()[1].text, "a pear")
end

function TestRow.test_a_run_over_a_wrong_field_ends_before_a_call_is_bought()
  local calls = 0
  local m = lg.model(function()
    calls = calls + 1
    return "x"
  end)
  local prompt = lg.param("Answer.", "system prompt")
  local function program(row) return m { row.question, system = prompt } end
  local set = rows()
  fails("inval", { field = "question" }, lg.evaluate, { program, data = set,
    metric = lg.metric.exact })
  fails("inval", { field = "question" }, lg.train, { program = program, params = { prompt },
    train = set, val = set, loss = lg.loss.exact {} })
  local own = { { Question = "why?", answer = "3" } } -- the script's own rows: caught at the call
  fails("inval", "nothing to ask", lg.train, { program = program, params = { prompt },
    train = own, val = own, loss = lg.loss.exact {} })
  lu.assertEquals(calls, 0)
end

-- ---- parts that are nil ----------------------------------------------------------------

TestNil = {}

function TestNil.test_a_call_without_a_question()
  local m = lg.model(nothing)
  local problem = fails("inval", "the question is nil", function()
    local v = m { nil, system = "p" }
    return v
  end)
  lu.assertStrContains(problem.where, "test_row.lua:")
  fails("inval", "the question is nil", m, { system = "p" })
  fails("inval", "nothing to ask", m, nil)
  fails("inval", "nothing to ask", m, {})
  fails("inval", "nothing to ask", m, { messages = {} })
end

function TestNil.test_holes_among_the_parts()
  local m = lg.model(nothing)
  fails("inval", { field = "1" }, m, { nil, "b", system = "p" })
  fails("inval", { field = "2" }, m, { "a", nil, "b" })
  fails("inval", { field = "2" }, m, { "a", system = { "b", nil, "c" } })
  fails("inval", { field = "1" }, m, { "a", system = { nil, "c" } })
  fails("inval", { field = "2" }, m, { messages = { { "user", { "a", nil, "b" } } } })
  fails("inval", "nothing to ask", lg.agent { model = m }, { nil })
  fails("inval", { field = "1" }, lg.agent { model = m }, { nil, "b" })
end

function TestNil.test_messages_are_all_sent_or_none()
  local m = lg.model(nothing)
  fails("inval", "message 2: expected", m,
    { messages = { { "system", "s" }, nil, { "user", "q" } } })
  fails("inval", { field = "content" }, m, { messages = { { "user", nil } } })
  fails("inval", { field = "contnet" }, m, { messages = { { role = "user", contnet = "x" } } })
  fails("inval", { field = "3" }, m, { messages = { { "user", "a", "b" } } })
  fails("inval", "messages is a list", m, { messages = { user = "x" } })
  local v = m { messages = { { "system", "s" }, { role = "user", content = "q" } } }
  lu.assertEquals(v:text(), "x")
end

function TestNil.test_other_places_where_a_text_is_wanted()
  fails("inval", "got nil", lg.var, nil)
  fails("inval", "got nil", lg.param, nil, "role")
  fails("inval", "got nil", function() return lg.var "a" .. nil end)
  fails("inval", "got nil", function() return nil .. lg.var "a" end)
  fails("inval", "item 2", lg.mean, { "a", nil, "b" })
  fails("inval", "item 1", lg.sum, { nil, "b" })
  fails("inval", "input 1", lg.tool { name = "t", run = nothing }, nil)
  fails("inval", 'input "b"', lg.tool { name = "t", run = nothing, inputs = { "a", "b" } },
    { a = "x" })
  fails("template", "{b}", function() return lg.format("{a}{b}", { a = "x", b = nil }):text() end)
end

function TestNil.test_targets()
  fails("inval", "the target is nil", lg.loss.exact, nil)
  fails("inval", "the target is nil", lg.loss.exact { target = "own" }, "x", nil)
  fails("inval", "no target", lg.loss.exact {}, "x")
  fails("inval", "nothing to judge", lg.loss.critic "Is it right?", nil)
  fails("inval", { field = "b" }, lg.loss.compare { "Which?", fields = { "a", "b" } },
    { a = "x", b = nil })
end

os.exit(lu.LuaUnit.run(), true)
