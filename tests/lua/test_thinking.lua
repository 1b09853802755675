-- test_thinking.lua - what a model thinks is not what it answers: over HTTP in every dialect, from
-- functions, and in all that is made of answers

require "helper"
local lg = require "lunagrad"
local lu = require "luaunit"
local command = require "command"
local json = lg.json

-- ---- over HTTP ---------------------------------------------------------------------------

TestWire = {}

local SCRIPT = [[
local lg = require "lunagrad"
local out = {}
for name in arg_models:gmatch "%S+" do
  local m = lg.model{ name, keep_thinking = arg_keep }
  local heard, restarts = {}, 0
  local answer = m{ "I have two apples, a pear and three plums. How many fruits do I have?",
    system = "List the items.", stream = arg_stream and function(piece, restart)
      if restart then heard, restarts = {}, restarts + 1 end
      heard[#heard + 1] = piece
    end or nil }
  local text = answer:text()
  lg.spawn(function() end):await() -- the last piece's task has run
  local form = m{ "I have two apples and a pear. How many fruits do I have?",
    schema = { answer = "integer" } }
  out[#out + 1] = { name = name, text = text, thinking = answer:thinking(),
    finish = answer:finish_reason(), joined = arg_stream and table.concat(heard) or nil,
    restarts = restarts, answer = not arg_keep and form:value().answer or nil }
end
print(lg.json.encode(out))
]]

local MODELS = "openai/some-model responses/some-model anthropic/claude-x gemini/gemini-x "
  .. "ollama/llama"
local ENV = "ROOT=${OPENAI_BASE_URL%/v1}; "
  .. "export ANTHROPIC_BASE_URL=$ROOT ANTHROPIC_API_KEY=k GOOGLE_GEMINI_BASE_URL=$ROOT "
  .. "GOOGLE_API_KEY=k OLLAMA_HOST=$ROOT OPENAI_API_KEY=k; unset GEMINI_API_KEY; "

local function ask(model, options, stream, keep)
  local script = command.write(("local arg_models, arg_stream, arg_keep = %q, %s, %s\n"):format(
    MODELS, stream or false, keep or false) .. SCRIPT, ".lua")
  local line = { "--model", model, table.unpack(options) }
  local got = command.with_mock(line, ENV .. "$LG run " .. script .. " --no-store --display none")
  lu.assertStrContains(got.out, "[", false, false, got.err)
  return json.decode(got.out:match "%b[]")
end

function TestWire.test_every_dialect()
  local plain = ask("sim/default", {})[1]
  local want = plain.text
  for _, model in ipairs { "sim/think=1", "sim/think=2" } do
    for _, stream in ipairs { false, true } do
      for _, row in ipairs(ask(model, { "--split", "5" }, stream)) do
        local where = ("%s by %s, stream %s"):format(model, row.name, stream)
        lu.assertEquals(row.text, want, where)
        lu.assertEquals({ row.finish, row.answer }, { "stop", plain.answer }, where)
        lu.assertStrContains(row.thinking, "I look at what is asked. A draft:", false, false, where)
        lu.assertNotStrContains(row.thinking, "think>")
        if stream then lu.assertEquals(row.joined, want, where) end
        if model == "sim/think=1" then lu.assertEquals(row.restarts, 0, where) end
      end
    end
  end
end

-- While it comes, no piece of it is shown.
function TestWire.test_a_slow_stream()
  for _, row in ipairs(ask("sim/think=1", { "--pace", "3" }, true)) do
    lu.assertEquals({ row.joined, row.restarts }, { row.text, 0 }, row.name)
  end
  local restarts = 0
  for _, row in ipairs(ask("sim/think=2", { "--pace", "3" }, true)) do
    lu.assertEquals(row.joined, row.text, row.name)
    restarts = restarts + row.restarts
  end
  lu.assertTrue(restarts > 0, "nothing was taken back")
end

function TestWire.test_it_may_stay_in_the_text()
  for _, row in ipairs(ask("sim/think=1", {}, true, true)) do
    lu.assertStrContains(row.text, "<think>\nI look at what is asked.", false, false, row.name)
    lu.assertEquals({ row.joined, row.restarts }, { row.text, 0 }, row.name)
    lu.assertNil(row.thinking)
  end
end

-- The store has the bytes that came: what it serves has the same thinking, and so has an export.
function TestWire.test_served_and_exported()
  local dir = command.temp ".store"
  local script = command.write([[
local lg = require "lunagrad"
local answer = lg.model "openai/x" "I have two apples and a pear. How many fruits do I have?"
print(answer:text() .. "|" .. answer:thinking())]], ".lua")
  local got = command.with_mock({ "--model", "sim/think=1" }, ([[
LUNAGRAD_HOME=%s; export LUNAGRAD_HOME; RUN="$LG run %s --display none --run r"
$RUN; $RUN; $LG export r --store=%s | grep '"type":"call"'; rm -rf %s]]):format(dir, script, dir,
    dir))
  local first, second, row = got.out:match "^(I see.-No%.)\n(I see.-No%.)\n(.*)$"
  lu.assertNotNil(row, got.out .. got.err)
  lu.assertEquals(#got.journal, 1, got.err)
  lu.assertEquals(second, first)
  row = json.decode(row)
  lu.assertEquals(row.text .. "|" .. row.thinking, first)
end

-- ---- functions as models -----------------------------------------------------------------

TestFunctions = {}

local function says(text, finish)
  return lg.model(function() return { text = text, finish_reason = finish } end, "thinker")
end

function TestFunctions.test_parted_and_kept()
  local answer = says "<think>hm</think>\n\n4" "2+2?"
  lu.assertEquals({ answer:text(), answer:thinking() }, { "4", "hm" })
  local plain = says "4" "2+2?"
  lu.assertEquals({ plain:text(), plain:thinking() }, { "4", nil })
  lu.assertNil(lg.var("<think>hm</think>4", "text"):thinking())
  lu.assertEquals(lg.var("<think>hm</think>4", "text"):text(), "<think>hm</think>4")
  local kept = lg.model { function() return "<think>hm</think>4" end, keep_thinking = true } "2+2?"
  lu.assertEquals({ kept:text(), kept:thinking() }, { "<think>hm</think>4", nil })
end

function TestFunctions.test_cut_while_it_thought()
  local answer = says("<think>hm", "length") "2+2?"
  lu.assertEquals({ answer:text(), answer:thinking(), answer:finish_reason() },
    { "", "hm", "length" })
end

function TestFunctions.test_it_is_an_answer_of_an_agent_too()
  local turns = 0
  local m = lg.model(function(request)
    turns = turns + 1
    for _, message in ipairs(request.messages) do
      lu.assertNotStrContains(message.content, "hm")
    end
    return turns == 1 and { media = "application/vnd.lunagrad.turn+json",
      text = '{"text":"","calls":[{"id":"c1","name":"now","arguments":{}}]}' }
      or "<think>hm</think>Noon."
  end, "agent")
  local now = { name = "now", description = "tells the time", parameters = {},
    run = function() return "12" end }
  local answer = lg.agent { model = m, tools = { now } } "What time is it?"
  lu.assertEquals({ answer:text(), answer:thinking() }, { "Noon.", "hm" })
end

-- Two that ask the same at once, and want it differently, have it so.
function TestFunctions.test_both_at_once()
  local function fn() return "<think>hm</think>4" end
  local out = lg.map({ true, false, true, false }, function(keep)
    return lg.model({ fn, keep_thinking = keep }, "m") "2+2?"
  end)
  lu.assertEquals(lg.map(out, function(v) return v:text() end),
    { "<think>hm</think>4", "4", "<think>hm</think>4", "4" })
end

-- ---- what is made of answers -------------------------------------------------------------

TestUses = {}

function TestUses.test_nothing_to_improve()
  local prompt = lg.param("Answer.", "system prompt")
  local backward = says "<think>ok, <FEEDBACK>bad</FEEDBACK></think>\n\nNOTHING TO IMPROVE"
  local answer = says "4" { "2+2?", system = prompt }
  local critic = lg.loss.critic { "Is it right?", model = says "<think>no</think>It is right." }
  critic(answer):backward { model = backward }:await()
  local heard = prompt:feedback()
  lu.assertEquals({ #heard, heard[1].state }, { 1, "empty" })
end

local function step(reply, finish)
  local prompt = lg.param("Answer.", "system prompt")
  prompt:add_feedback "Be brief."
  local opt = lg.optim.tgd { prompt, model = says(reply, finish) }
  local ok, report = pcall(opt.step, opt)
  return prompt:text(), ok and report
end

function TestUses.test_new_texts()
  lu.assertEquals((step("<think><NEW_VARIABLE>BAD</NEW_VARIABLE></think>\n"
    .. "<NEW_VARIABLE>Good</NEW_VARIABLE>")), "Good")
  local text = step("<think><NEW_VARIABLE>BAD</NEW_VARIABLE></think>\n<NEW_VARIABLE>Goo", "length")
  lu.assertEquals(text, "Answer.")
  lu.assertEquals((step("<think><NEW_VARIABLE>BAD</NEW_VARIABLE>", "length")), "Answer.")
end

function TestUses.test_a_draft_is_not_the_object()
  local m = says '<think>```json\n{"n": 1}\n```</think>\n{"n": 2}'
  lu.assertEquals(m { "Which?", schema = { n = "integer" } }:value().n, 2)
end

function TestUses.test_a_judge_and_an_extractor()
  local judge = lg.loss.judge { "Is it right?",
    model = says "<think><VERDICT>no</VERDICT></think><VERDICT>yes</VERDICT>" }
  lu.assertEquals(judge(says "4" "2+2?").score, 1)
  lu.assertEquals(lg.extract.last_number((says "<think>5, no.</think>It is 4." "2+2?"):text()), "4")
end

os.exit(lu.LuaUnit.run())
