-- test_stream.lua - answers that are watched while they come, over HTTP, in every dialect
--
-- The built command against its own mock. What is watched must join to the answer, the answer
-- must be what it is without watching, and faults may not change either.

local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

local SCRIPT = [[
local lg = require "lunagrad"
local rows = lg.task.object_counting.generate(6, 3)
local m = lg.model(arg_model)
local function ask(stream)
  return lg.map(rows, function(row)
    local heard, restarts = {}, 0
    local answer = m{ row.question, system = "List the items.", sample = 1,
      stream = stream and function(piece, restart)
        if restart then heard, restarts = {}, restarts + 1 end
        heard[#heard + 1] = piece
      end or nil }
    local text = answer:text()
    return { text = text, heard = heard, restarts = restarts, finish = answer:finish_reason() }
  end)
end
local results = ask(true)
lg.spawn(function() end):await() -- the last pieces' tasks have run
local out = {}
for i, r in ipairs(results) do
  out[i] = { text = r.text, joined = table.concat(r.heard), pieces = #r.heard,
    restarts = r.restarts, finish = r.finish }
end
print(lg.json.encode(out))
]]

local MODELS = { "openai/some-model", "responses/some-model", "anthropic/claude-x",
  "gemini/gemini-x", "ollama/llama" }

local ENV = "ROOT=${OPENAI_BASE_URL%/v1}; "
  .. "export ANTHROPIC_BASE_URL=$ROOT ANTHROPIC_API_KEY=k GOOGLE_GEMINI_BASE_URL=$ROOT "
  .. "GOOGLE_API_KEY=k OLLAMA_HOST=$ROOT OPENAI_API_KEY=k; unset GEMINI_API_KEY; "

local function run(model, mock, more)
  local script = command.write(("local arg_model = %q\n"):format(model) .. SCRIPT, ".lua")
  local line = ENV .. "$LG run " .. script .. " --no-store --display none " .. (more or "")
  local got = command.with_mock(mock, line)
  lu.assertStrContains(got.out, "[", false, false, model .. ": " .. got.err)
  return json.decode(got.out:match "%b[]"), got.journal
end

TestStream = {}
function TestStream:tearDown() command.remove_files() end

function TestStream:test_every_dialect_in_pieces()
  local plain
  for _, model in ipairs(MODELS) do
    local rows, journal = run(model, { "--split", "random", "--comments" })
    lu.assertEquals(#rows, 6)
    for _, row in ipairs(rows) do
      lu.assertEquals(row.joined, row.text, model)
      lu.assertTrue(row.pieces >= 1)
      lu.assertEquals({ row.restarts, row.finish }, { 0, "stop" }, model)
    end
    lu.assertTrue(journal[1].stream, model)
    local texts = {}
    for i, row in ipairs(rows) do texts[i] = row.text end
    plain = plain or texts
    lu.assertEquals(texts, plain, model) -- one world behind all dialects
  end
end

-- A stream that takes its time is heard while it comes, not when it is over.
function TestStream:test_pieces_come_as_they_are_sent()
  for _, model in ipairs(MODELS) do
    local rows = run(model, { "--pace", "10" })
    for _, row in ipairs(rows) do
      lu.assertEquals(row.joined, row.text, model)
      lu.assertTrue(row.pieces >= 3, ("%s: %d pieces"):format(model, row.pieces))
    end
  end
end

-- What was heard of an attempt that broke off is taken back.
function TestStream:test_attempts_that_break_off_while_they_are_heard()
  local restarts = 0
  for _, model in ipairs { "openai/some-model", "ollama/llama" } do -- events, and lines
    local want = run(model, {})
    local rows = run(model, { "--fault", "reset-body=30%", "--pace", "5" })
    for i, row in ipairs(rows) do
      restarts = restarts + row.restarts
      lu.assertEquals(row.text, want[i].text, model)
      lu.assertEquals(row.joined, row.text, model)
    end
  end
  lu.assertTrue(restarts > 0, "nothing was taken back")
end

-- Streams without an end, cut ones, errors in the middle: asked again, and the same in the end.
function TestStream:test_faults_in_every_dialect()
  local faulted = 0
  for _, model in ipairs(MODELS) do
    local want = run(model, {})
    local rows, journal = run(model, { "--fault", "no-finish=10%", "--fault", "reset-body=10%",
      "--fault", "error-200=10%", "--split", "7" })
    faulted = faulted + #journal - 6
    for i, row in ipairs(rows) do
      lu.assertEquals(row.text, want[i].text, model)
      lu.assertEquals(row.joined, row.text, model)
    end
  end
  lu.assertTrue(faulted > 0, "no fault came")
end

-- Who does not stream, and what the store serves, is heard in one piece.
function TestStream:test_host_models()
  local rows = run("sim/default", {})
  for _, row in ipairs(rows) do
    lu.assertEquals({ row.joined, row.pieces }, { row.text, 1 })
  end
end

function TestStream:test_a_watcher_that_fails_loses_nothing()
  local script = command.write([[
local lg = require "lunagrad"
local v = lg.model "sim/default" { "How many? A cat.", stream = function() error "oops" end }
print(#v:text() > 0)]], ".lua")
  local got = command.run("run", script, "--no-store", "--display", "none")
  lu.assertStrContains(got.out, "true")
end

os.exit(lu.LuaUnit.run())
