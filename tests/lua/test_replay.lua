-- test_replay.lua - the model replay/FILE, and runs without their models

local helper = require "helper"
local lu = require "luaunit"
local loop = require "lunagrad.loop"
local command = require "command"
local dryrun = require "lunagrad.dryrun"
local lg = require "lunagrad"
local prices = require "lunagrad.prices"
local replay = require "lunagrad.book.replay"

lg.configure { virtual_clock = true }

local function call(user, text, more)
  local row = { type = "call", model = "openai/a", text = text, finish_reason = "stop",
    usage = { input = 3, output = 4 },
    request = { messages = { { role = "system", content = "Be brief." },
      { role = "user", content = user } }, options = {}, sample = 0 } }
  for name, value in pairs(more or {}) do row[name] = value end
  return row
end

local function recording(...)
  local lines = { lg.json.encode { type = "run", name = "x" } }
  for _, row in ipairs { ... } do lines[#lines + 1] = lg.json.encode(row) end
  return command.write(table.concat(lines, "\n") .. "\n", ".jsonl")
end

local function ask(model, user, more)
  local spec = { user, system = "Be brief." }
  for name, value in pairs(more or {}) do spec[name] = value end
  return model(spec)
end

TestReplay = {}

function TestReplay:tearDown() replay.missing = nil end

function TestReplay:test_answers_from_the_recording()
  local path = recording(call("one?", "1"), call("two?", "2"))
  local model = lg.model("replay/" .. path)
  local two = ask(model, "two?")
  lu.assertEquals(two:text(), "2")
  lu.assertEquals(ask(model, "one?"):text(), "1")
  lu.assertEquals(two:usage().output, 4)
  lu.assertEquals(two:finish_reason(), "stop")
end

function TestReplay:test_fails_loudly_and_shows_the_nearest()
  local path = recording(call("How many apples?", "1"), call("Sort the words", "2"))
  local problem = helper.fails("store", "the nearest is line 2", function()
    ask(lg.model("replay/" .. path), "How many pears?"):text()
  end)
  lu.assertStrContains(tostring(problem), "'How many apples?' where 'How many pears?' was asked")
  local shown = table.concat(replay.missing, "\n")
  lu.assertStrContains(shown, "- How many apples?")
  lu.assertStrContains(shown, "+ How many pears?")
  lu.assertNil(shown:find("Sort", 1, true))
  lu.assertNil(shown:find("- Be brief.", 1, true))
end

function TestReplay:test_options_of_the_request_must_be_the_recorded_ones()
  local row = call("one?", "1")
  row.request.options = { temperature = 0.5, stop = { "a", "b" } }
  local model = lg.model("replay/" .. recording(row))
  lu.assertEquals(ask(model, "one?"):text(), "1") -- the recorded model had them
  lu.assertEquals(ask(model, "one?", { stop = { "a", "b" } }):text(), "1")
  helper.fails("store", "temperature: 0.5", function()
    ask(model, "one?", { temperature = 1 }):text()
  end)
  lu.assertStrContains(table.concat(replay.missing, "\n"), "+ temperature: 1")
end

function TestReplay:test_samples_are_different_requests()
  local second = call("one?", "other")
  second.request.sample = 1
  local model = lg.model("replay/" .. recording(call("one?", "1"), second))
  lu.assertEquals(ask(model, "one?", { sample = 1 }):text(), "other")
  lu.assertEquals(ask(model, "one?"):text(), "1")
  helper.fails("store", "line", function() ask(model, "one?", { sample = 2 }):text() end)
  lu.assertStrContains(table.concat(replay.missing, "\n"), "+ sample 2")
end

function TestReplay:test_two_recorded_models_are_told_apart()
  local path = recording(call("one?", "1"), call("one?", "uno", { model = "openai/b" }))
  helper.fails("store", "two answers", function()
    ask(lg.model("replay/" .. path), "one?"):text()
  end)
  lu.assertEquals(ask(lg.model("replay/" .. path .. "#openai/b"), "one?"):text(), "uno")
  local same = recording(call("one?", "1"), call("one?", "1", { model = "openai/b" }))
  lu.assertEquals(ask(lg.model("replay/" .. same), "one?"):text(), "1")
end

function TestReplay:test_bad_files()
  helper.fails("notfound", "no/such.jsonl", lg.model, "replay/no/such.jsonl")
  helper.fails("notfound", "holds no call", lg.model, "replay/" .. recording())
  local path = command.write("{\"type\":\"run\"}\nnot JSON\n", ".jsonl")
  helper.fails("notfound", path .. ":2:", lg.model, "replay/" .. path)
  helper.fails("notfound", "of the model openai/z", lg.model,
    "replay/" .. recording(call("a", "b")) .. "#openai/z")
end

function TestReplay:test_the_command_shows_the_difference()
  local path = recording(call("How many apples?", "1"))
  local r = command.run("-e", 'print(lg.model() "How many pears?")', "-m", "replay/" .. path,
    "--no-store")
  lu.assertStrContains(r.err, "a request is not in " .. path)
  lu.assertStrContains(r.err, "- How many apples?")
  lu.assertStrContains(r.err, "+ How many pears?")
  lu.assertNotEquals(r.code, 0)
end

function TestReplay:test_no_loop_goes_on_without_an_answer()
  local model = lg.model("replay/" .. recording(call("one?", "1")))
  helper.fails("store", "is not in", lg.evaluate, { on_error = "zero",
    program = function(row) return ask(model, row.q) end, data = { { q = "one?" }, { q = "two?" } },
    metric = function() return 1 end })
end

-- ---- other than text ---------------------------------------------------------------------

local TURN = "application/vnd.lunagrad.turn+json"
local draw = require("lunagrad.world.pictures").draw

function TestReplay:test_pictures_are_told_by_their_digest()
  local a, b = draw("a", 8), draw("b", 8)
  local row = call("What is it?", "a square")
  row.request.messages[3] = { role = "+", media = "image/png",
    digest = require("lunagrad.core").sha256(a), bytes = #a }
  local model = lg.model("replay/" .. recording(row))
  local spec = { "What is it?", lg.image { bytes = a }, system = "Be brief." }
  lu.assertEquals(model(spec):text(), "a square")
  spec[2] = lg.image { bytes = b }
  helper.fails("store", ("[image/png, %d bytes, sha256 "):format(#a), function()
    model(spec):text()
  end)
  spec[2] = lg.image { url = "https://example.com/a.png" }
  helper.fails("store", "https://example.com/a.png", function() model(spec):text() end)
end

function TestReplay:test_answers_that_are_pictures_and_turns()
  local png = draw("a", 8)
  local core = require "lunagrad.core"
  local picture = call("draw", nil, { media = "image/png", data = core.base64(png) })
  local turn = call("use it", '{"text":"hm","calls":[{"id":"1","name":"f","arguments":{}}]}',
    { media = TURN })
  local after = call("use it", "done")
  after.request.messages[3] = { role = "assistant", media = TURN, content = '{"calls":[{"name":'
    .. '"f","id":"1","arguments":{}}],"text":"hm","dialect":"anthropic","raw":[1]}' }
  after.request.messages[4] = { role = "tool f 1", content = "7" }
  local model = lg.model("replay/" .. recording(picture, turn, after))
  local drawn = ask(model, "draw")
  lu.assertEquals({ drawn:text(), drawn.media }, { png, "image/png" })
  local said = ask(model, "use it")
  local calls, words = said:calls()
  lu.assertEquals({ calls[1].name, words }, { "f", "hm" })
  lu.assertEquals(model{ messages = { { "system", "Be brief." }, { "user", "use it" },
    { "assistant", said }, { "tool f 1", "7" } } }:text(), "done")
  helper.fails("notfound", "holds no call", lg.model, "replay/" .. recording(
    call("draw", nil, { media = "image/png", data = "%%" })))
end

function TestReplay:test_a_replayed_answer_is_heard_as_a_stream()
  local model = lg.model("replay/" .. recording(call("one?", "uno")))
  local heard = {}
  ask(model, "one?", { stream = function(piece) heard[#heard + 1] = piece end }):text()
  loop.pump(0)
  lu.assertEquals(table.concat(heard), "uno")
end

local EVERYTHING = [[
local lg = require "lunagrad"
local agent = lg.agent { system = "Use the tools.", tools = { { name = "add",
  description = "Adds two numbers.", parameters = { a = "number", b = "number" },
  run = function(args) return args.a + args.b end } } }
io.write("agent ", agent("Add 17 and 4 with the tool."):text(), "\n")
local painter = lg.model(os.getenv "PAINTER")
local first = painter "a red square"
local second = painter { "make it blue", first }
io.write(first.media, " ", second.media, " ", tostring(first:text() ~= second:text()), "\n")
io.write("seen ", lg.model() { "What is in it?", second }:text(), "\n")
io.write("heard ")
lg.model() { "I have two apples and a pear. How many fruits do I have?",
  stream = function(piece) io.write(piece) end }:text()
io.write("\n")
]]

-- Tools, pictures and streams over HTTP, exported, and replayed without the server.
function TestReplay:test_everything_over_http_and_again_without()
  local script = command.write(EVERYTHING, ".lua")
  for model, env in pairs { ["openai/gpt-5-mini"] = "", ["anthropic/claude-sonnet-5"] =
      "ANTHROPIC_BASE_URL=${url%/v1} ANTHROPIC_API_KEY=k", ["gemini/gemini-3-flash"] =
      "GOOGLE_GEMINI_BASE_URL=${url%/v1} GEMINI_API_KEY=k", ["responses/gpt-5-mini"] = "" } do
    local file, out, again = command.temp ".jsonl", command.temp(), command.temp()
    local got = command.with_mock({}, ([[
env %s PAINTER=openai-image/gpt-image-1 $LG run -m %s --run all %s 2>&1 >%s || cat %s >&2
$LG export all -o %s
unset OPENAI_BASE_URL OPENAI_API_KEY
PAINTER=replay/%s $LG run -m replay/%s --no-store %s >%s
cat %s; cmp %s %s && echo equal]]):format(env, model, script, out, out, file, file, file, script,
      again, out, out, again))
    lu.assertStrContains(got.out, "equal\n", model .. got.err .. got.out)
    lu.assertStrContains(got.out, "agent ")
    lu.assertStrContains(got.out, "21")
    lu.assertStrContains(got.out, "image/png image/png true")
    lu.assertStrContains(got.out, "a PNG image, 16 pixels wide")
    lu.assertStrContains(got.out, "heard ")
    local text = command.read(file)
    lu.assertNil(require("lunagrad.core").utf8_error(text))
    lu.assertStrContains(text, '"media":"image/png"')
    lu.assertStrContains(text, '"media":"' .. TURN .. '"')
    lu.assertStrContains(text, '"digest":"')
    lu.assertNil(text:find("\\u0089PNG", 1, true))
  end
end

TestExport = {}

function TestExport:test_the_text_of_a_reply_however_it_is_laid_out()
  local text_of = require("lunagrad.book.calls").text_of
  for _, body in ipairs {
    '{"choices":[{"message":{"content":"yes"}}]}',
    '{"choices":[{"message":{"content":[{"type":"text","text":"y"},{"text":"es"}]}}]}',
    '{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"yes"}]}',
    '{"output":[{"type":"reasoning","summary":[]},{"type":"message","content":'
      .. '[{"type":"output_text","text":"yes"}]}]}',
    '{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"yes"}]}}]}',
    '{"message":{"role":"assistant","content":"yes"},"done":true}',
  } do
    lu.assertEquals(text_of(body), "yes", body)
  end
  lu.assertNil(text_of "{}")
  lu.assertNil(text_of "no json")
end

TestDryRun = {}

local SCRIPT = [[
local m = lg.model "openai/gpt-4o-mini"
local q = "I have two apples and a pear. How many fruits do I have?"
lg.map({ 1, 2, 3 }, function(i) return m{ q .. (" "):rep(i % 2) } end)
m{ q, sample = 1 }:text()
lg.model{ "nobody/knows", base_url = "http://127.0.0.1:9" }(q):text()
]]

function TestDryRun:test_counts_and_prices_without_a_network()
  local r = command.run("-e", SCRIPT, "--dry-run", "--json")
  lu.assertEquals(r.code, 0, r.err)
  local estimate
  for line in r.out:gmatch "[^\n]+" do
    local event = lg.json.decode(line)
    if event.event == "estimate" then estimate = event end
  end
  lu.assertEquals(estimate.calls, 4) -- two of the three questions are one
  lu.assertEquals(estimate.cost_usd, lg.json.null)
  lu.assertEquals(#estimate.models, 2)
  local unknown, mini = estimate.models[1], estimate.models[2]
  lu.assertEquals({ unknown.model, unknown.calls, unknown.cost_usd },
    { "nobody/knows", 1, lg.json.null })
  lu.assertEquals({ mini.model, mini.calls }, { "openai/gpt-4o-mini", 3 })
  local cost = prices.cost(prices.lookup "openai/gpt-4o-mini", mini)
  lu.assertTrue(mini.cost_usd >= cost / 1e6 and mini.cost_usd <= (cost + 2) / 1e6) -- each call up
  lu.assertTrue(mini.full_length_cost_usd > mini.cost_usd)
  lu.assertStrContains(estimate.assumption, "sim")
end

function TestDryRun:test_says_what_it_is_and_what_it_assumes()
  local r = command.run("-e", SCRIPT, "--dry-run")
  lu.assertStrContains(r.err, "dry run: nothing is sent")
  lu.assertStrContains(r.err, "n/a: no price is known for 1 of 4 calls")
  lu.assertStrContains(r.err, "assumption: sim")
  lu.assertStrContains(r.err, "prices as of 20")
end

function TestDryRun:test_estimate_of_nothing()
  local rows, total = dryrun.estimate()
  lu.assertEquals(rows, {})
  lu.assertEquals(total.calls, 0)
end

loop.engine()
local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code)
