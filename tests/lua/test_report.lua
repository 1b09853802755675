-- test_report.lua - a run as one page: what it says, that nothing hostile gets into it, that it asks
-- nobody for anything, and that it stays small
--
-- The built command over the mock, as users run it.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local SCRIPT = [[
local lg = require "lunagrad"
local rows = lg.data.list(lg.task.object_counting.generate(40, 3))
local train, val, test = rows:split { 12, 16, 12, seed = 1 }
local model = lg.model()
local exact = lg.loss.exact { extract = lg.extract.last_number }
local prompt = lg.param("Answer the question.", "system <b>prompt</b>")
local function program(row) return model { row.question, system = prompt } end
if lg.args.optimize then
  lg.optimize { program = program, params = { prompt }, train = train, val = val, test = test,
    loss = function(answer, row) return exact(answer, row.answer) end,
    metric = lg.metric.number, budget = { calls = 200 }, seed = 1 }
else
  lg.train { program = program, params = { prompt }, train = train, val = val,
    loss = function(answer, row) return exact(answer, row.answer) end,
    metric = lg.metric.number, batch = 3, steps = 3, seed = 1 }
end
]]

-- What a model must not get into a page.
local HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\27]0;x\7 \u{202E}"

local HOSTILE_SCRIPT = ([[
local lg = require "lunagrad"
local n = 0
local evil = lg.model(function() n = n + 1 return %q .. n end)
lg.default { model = evil, backward = evil, optimizer = evil }
local prompt = lg.param("start", "p\"><script>")
local rows = lg.data.list { { q = "1" }, { q = "2" }, { q = "3" }, { q = "4" } }
lg.train { program = function(row) return evil { row.q, system = prompt } end, params = { prompt },
  train = rows, val = rows, loss = function(answer) return lg.loss.critic "Is it good?" (answer) end,
  metric = function(_, row) return tonumber(row.q) / 10 end, batch = 2, steps = 2,
  accept = "always" }
]]):format(HOSTILE)

local dir

local function report(...)
  local words = { "report", ... }
  words[#words + 1] = "--store=" .. dir
  local got = command.run(table.unpack(words))
  lu.assertEquals(got.code, 0, got.err)
  return got
end

local function page_of(run) return report(run, "-o", "-").out end

local function count(text, piece)
  local n, at = 0, 1
  while true do
    local from, to = text:find(piece, at, true)
    if not from then return n end
    n, at = n + 1, to + 1
  end
end

-- Data for the script hold texts as JSON, whose "<" is escaped.
local function without_data(page)
  return (page:gsub('<script type="application/json".-</script>', ""))
end

TestReport = {}

function TestReport:test_0_runs()
  dir = command.temp ".store"
  local script = command.write(SCRIPT, ".lua")
  local got = command.with_mock({}, ("LUNAGRAD_HOME=%s; export LUNAGRAD_HOME;"
    .. " $LG run %s --run t -m openai/gpt-4o-mini --display none"
    .. " && $LG run %s optimize=1 --run o -m openai/gpt-4o-mini --display none"
    .. " && $LG run %s optimize=1 --run sim --display none"
    .. " && $LG run %s --run evil --display none"):format(command.quote(dir), script, script,
    script,
    command.write(HOSTILE_SCRIPT, ".lua")))
  lu.assertEquals(got.code, 0, got.err)
end

function TestReport:test_the_head_and_the_steps()
  local page = page_of "o"
  local told = json.decode(report("o", "--json").out)
  local search = told.searches[1]
  lu.assertStrContains(page, ("%.3f → %.3f"):format(search.seed_score, search.best_score))
  lu.assertStrContains(page, search.claim.shown and "shown on a test set" or "not shown")
  lu.assertStrContains(page, "openai/gpt-4o-mini")
  for _, one in ipairs(search.proposals) do
    lu.assertEquals(count(page, ('id="s1p%d"'):format(one.number)), 1)
  end
  for _, one in ipairs(search.candidates) do
    lu.assertEquals(count(page, ('id="s1c%d"'):format(one.idx)), 1)
  end
  lu.assertEquals(count(page, "made on sim"), 0)
end

function TestReport:test_changes_stand_beside_their_feedback()
  local told = json.decode(report("t", "--json").out)
  local with = 0
  for _, one in ipairs(told.searches[1].proposals) do with = with + #one.feedback end
  lu.assertTrue(with > 0)
  local page = page_of "t"
  lu.assertTrue(count(page, "<ins>") > 0)
  lu.assertTrue(count(page, 'class="quote"') > 0)
end

-- An example that was wrong and is right is fixed, of those that both were asked.
function TestReport:test_flips_are_those_of_the_scores()
  local scores = {}
  local out = command.run("export", "t", "--store=" .. dir).out
  for line in out:gmatch "[^\n]+" do
    local row = json.decode(line)
    if row.type == "score" and row.split == "validation" and row.phase == json.null then
      local whose = row.candidate_idx ~= json.null and row.candidate_idx == 0 and 0 or row.proposal
      scores[whose] = scores[whose] or {}
      scores[whose][row.example] = row.score
    end
  end
  local first = json.decode(report("t", "--json").out).searches[1].proposals[1]
  local fixed = {}
  for example, score in pairs(scores[first.number] or {}) do
    local was = scores[0][example]
    if was and score > was then fixed[#fixed + 1] = example end
  end
  table.sort(fixed)
  lu.assertEquals(#first.fixed, #fixed)
  for i, example in ipairs(fixed) do lu.assertEquals(first.fixed[i], example) end
end

function TestReport:test_it_asks_nobody_for_anything()
  for _, run in ipairs { "t", "o", "evil" } do
    local page = page_of(run)
    lu.assertStrContains(page, "default-src &#39;none&#39;")
    lu.assertEquals(count(page, "connect-src"), 0)
    for _, word in ipairs { "@import", "<link", "<iframe", "<img" } do
      lu.assertEquals(count(without_data(page), word), 0, word)
    end
    lu.assertNil(without_data(page):find "<%w[^>]*%ssrc=")
    lu.assertNil(page:match("<style>(.-)</style>"):find("url(", 1, true))
  end
end

function TestReport:test_nothing_hostile_gets_in()
  local page = page_of "evil"
  lu.assertEquals(count(page, "<script"), count(page, "</script>"))
  lu.assertEquals(count(page, "alert(1)</script>"), 0)
  lu.assertEquals(count(page, "onerror=alert(2)>"), 0)
  lu.assertNil(page:find "[\27\7]")
  lu.assertNil(page:find("\u{202E}", 1, true))
  lu.assertStrContains(page, "&lt;img src=x onerror=alert(2)&gt;")
  local md = report("evil", "--md").out
  lu.assertNil(md:find("\n<img", 1, true))
end

function TestReport:test_sim_says_so_in_every_picture()
  local page = page_of "sim"
  lu.assertStrContains(page, "made on sim")
  for picture in page:gmatch "<svg.-</svg>" do lu.assertStrContains(picture, ">sim</text>") end
  lu.assertStrContains(report("sim", "--md").out, "Made on sim")
end

function TestReport:test_the_same_store_gives_the_same_bytes()
  lu.assertEquals(page_of "o", page_of "o")
end

function TestReport:test_calls_open_with_their_texts()
  local data = page_of("t"):match '<script type="application/json" id="call%-data">(.-)</script>'
  local calls = json.decode(data)
  lu.assertTrue(#calls.calls > 40)
  local first = calls.calls[1]
  local said = {}
  for _, message in ipairs(first[10]) do said[message[1]] = calls.texts[message[2] + 1] end
  lu.assertEquals(said.system, "Answer the question.")
  lu.assertStrContains(said.user, "?")
  lu.assertTrue(#said.reply > 0)
  lu.assertStrContains(first[8], "example")
end

function TestReport:test_examples_say_what_they_ask()
  local page = page_of "t"
  local body = page:match '(<details [^>]*id="s1e%d+".-</details>)'
  lu.assertStrContains(body, "the input")
  lu.assertStrContains(body, "what is right")
  lu.assertStrContains(body, "answered by candidate 0")
  lu.assertNotNil(page:match '<details id="s1t%d+"')
  local step = page:match '(<details id="s1p1".-)<details id="s1p2"' or page
  lu.assertNotNil(step:match 'href="#s1t%d+"')
end

function TestReport:test_the_graph_of_an_example()
  local page = page_of "t"
  lu.assertNotNil(page:match '<svg class="graph".-</svg>')
  lu.assertStrContains(page, 'class="edge heard"')
  lu.assertStrContains(page, 'id="s1g1n1"')
  lu.assertStrContains(page, "feedback from ")
end

function TestReport:test_an_agents_turns()
  local script = command.path:gsub("build/lunagrad$", "scripts/agent.lua")
  local got = command.with_mock({}, ("LUNAGRAD_HOME=%s $LG run %s --run agent"
    .. " -m openai/gpt-4o-mini --display none"):format(command.quote(dir), script))
  lu.assertEquals(got.code, 0, got.err)
  local calls = json.decode(page_of("agent"):match 'id="call%-data">(.-)</script>')
  lu.assertEquals({ calls.calls[1][8], calls.calls[2][8] },
    { "turn 1, calls fruit_price and multiply", "turn 2" })
  local roles = {}
  for _, message in ipairs(calls.calls[2][10]) do
    roles[message[1]] = calls.texts[message[2] + 1]
  end
  lu.assertEquals(roles["result of multiply"], "84")
  lu.assertStrContains(roles.assistant, 'calls multiply {"a":12,"b":7}')
end

function TestReport:test_it_stays_small()
  lu.assertTrue(#page_of "o" < 300000)
end

function TestReport:test_a_file_is_written_whole_and_for_its_owner()
  local path = command.temp ".html"
  lu.assertEquals(report("t", "-o", path).out, "")
  lu.assertStrContains(command.read(path), "</html>")
end

function TestReport:test_the_picture_alone()
  local picture = report("o", "--svg").out
  lu.assertStrContains(picture, '<svg xmlns="http://www.w3.org/2000/svg"')
  lu.assertEquals(count(picture, "<a "), 0)
  lu.assertEquals(count(picture, "<g"), count(picture, "</g>"))
  lu.assertStrContains(report("sim", "--svg").out, "on sim")
end

function TestReport:test_misuse()
  for _, words in ipairs { { "report" }, { "report", "nobody" }, { "report", "t", "o" },
    { "report", "t", "--json", "--md" } } do
    words[#words + 1] = "--store=" .. dir
    lu.assertEquals(command.run(table.unpack(words)).code, 2)
  end
  local got = command.run("report", "t", "-o", "/dev/null/report.html", "--store=" .. dir)
  lu.assertEquals(got.code, 2)
  lu.assertStrContains(got.err, "/dev/null/report.html")
end

-- ---- for other programs -----------------------------------------------------------------

TestTrackers = {}

local function export(format)
  local got = command.run("export", "t", "--format", format, "--store=" .. dir)
  lu.assertEquals(got.code, 0, got.err)
  return got.out
end

function TestTrackers:test_metrics_are_a_line_a_step()
  local told = json.decode(report("t", "--json").out).searches[1]
  local rows, best = {}, -1
  for line in export("metrics"):gmatch "[^\n]+" do rows[#rows + 1] = json.decode(line) end
  lu.assertEquals(#rows, #told.proposals + 1)
  for i, row in ipairs(rows) do
    lu.assertEquals(row.step, i == 1 and 0 or told.proposals[i - 1].number)
    lu.assertTrue(row.best_score >= best)
    best = row.best_score
  end
  lu.assertEquals(best, told.best_score)
end

-- The encoding of the protocol: 64 bits as texts, ids as hexadecimal digits of a fixed length.
function TestTrackers:test_traces()
  local text = export "otlp"
  local spans = json.decode(text).resourceSpans[1].scopeSpans[1].spans
  local calls = 0
  for line in command.run("export", "t", "--store=" .. dir).out:gmatch "[^\n]+" do
    if json.decode(line).type == "call" then calls = calls + 1 end
  end
  lu.assertEquals(#spans, calls + 1)
  local seen = {}
  for i, span in ipairs(spans) do
    lu.assertEquals(span.traceId:match "^%x+$" and #span.traceId, 32)
    lu.assertEquals(span.spanId:match "^%x+$" and #span.spanId, 16)
    lu.assertNil(seen[span.spanId])
    seen[span.spanId] = true
    lu.assertEquals(span.parentSpanId, i > 1 and spans[1].spanId or nil)
    lu.assertNotNil(span.startTimeUnixNano:match "^%d+$")
    lu.assertTrue(tonumber(span.startTimeUnixNano) <= tonumber(span.endTimeUnixNano))
  end
  local by_key = {}
  for _, one in ipairs(spans[2].attributes) do by_key[one.key] = one.value end
  lu.assertEquals(by_key["gen_ai.provider.name"], { stringValue = "openai" })
  lu.assertEquals(by_key["gen_ai.request.model"], { stringValue = "gpt-4o-mini" })
  lu.assertNotNil(by_key["gen_ai.usage.input_tokens"].intValue:match "^%d+$")
  lu.assertEquals(text, export "otlp")
end

-- ---- runs against each other ------------------------------------------------------------

local function compare(...)
  local words = { "compare", ... }
  words[#words + 1] = "--store=" .. dir
  return command.run(table.unpack(words))
end

TestVersus = {}

function TestVersus:test_example_by_example()
  local told = json.decode(compare("t", "o", "--on", "validation", "--json").out)
  local a, b = told.sides[1], told.sides[2]
  lu.assertEquals({ told.on, a.against, b.against.n }, { "validation", json.null, 16 })
  lu.assertAlmostEquals(b.against.gain, b.mean - a.mean, 1e-9)
  lu.assertAlmostEquals((#b.against.fixed - #b.against.broken) / 16, b.against.gain, 1e-9)
  lu.assertTrue(b.against.low <= b.against.gain and b.against.gain <= b.against.high)
end

function TestVersus:test_a_run_against_itself_has_no_gain()
  local b = json.decode(compare("o", "o", "--json").out).sides[2]
  lu.assertEquals({ b.against.gain, b.against.shown, #b.against.fixed, #b.against.broken },
    { 0, false, 0, 0 })
end

function TestVersus:test_several_runs_on_a_side()
  local told = json.decode(compare("t,sim", "o,o", "--json").out)
  local a, b = told.sides[1], told.sides[2]
  lu.assertEquals({ #a.runs, #b.runs, b.against, b.over_runs.runs }, { 2, 2, json.null, 2 })
  lu.assertAlmostEquals(b.over_runs.gain, b.mean - a.mean, 1e-9)
end

function TestVersus:test_for_people()
  local out = compare("t", "o").out
  lu.assertStrContains(out, "B against A")
  lu.assertStrContains(out, "system <b>prompt</b>, A to B:")
  local page = command.temp ".html"
  lu.assertEquals(compare("t", "o", "--html", page).code, 0)
  local text = command.read(page)
  lu.assertStrContains(text, "B against A")
  lu.assertEquals(count(text, "<style"), 1)
end

function TestVersus:test_misuse()
  lu.assertEquals(compare("t").code, 2)
  lu.assertEquals(compare("t", "nobody").code, 2)
  lu.assertEquals(compare("t", ",").code, 2)
  lu.assertEquals(compare("t", "o", "--on", "moon").code, 2)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
