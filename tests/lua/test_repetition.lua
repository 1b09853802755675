-- test_repetition.lua - replies that say the same over and over are broken off, in every dialect

require "helper"
local lu = require "luaunit"
local command = require "command"
local json = require("lunagrad").json

TestRepetition = {}

local SCRIPT = [[
local lg = require "lunagrad"
local out = {}
for name in arg_models:gmatch "%S+" do
  local m = lg.model{ name, stop_repetition = arg_stop }
  local answer = m "I have two apples and a pear. How many fruits do I have?"
  local text = answer:text()
  out[#out + 1] = { name = name, text = text, finish = answer:finish_reason() }
end
print(lg.json.encode(out))
]]

local MODELS = "openai/some-model responses/some-model anthropic/claude-x gemini/gemini-x "
  .. "ollama/llama"
local ENV = "ROOT=${OPENAI_BASE_URL%/v1}; "
  .. "export ANTHROPIC_BASE_URL=$ROOT ANTHROPIC_API_KEY=k GOOGLE_GEMINI_BASE_URL=$ROOT "
  .. "GOOGLE_API_KEY=k OLLAMA_HOST=$ROOT OPENAI_API_KEY=k; unset GEMINI_API_KEY; "

-- What each model answered, in one run after the other; the log of all.
local function ask(model, stop, options, runs)
  local dir = command.temp ".store"
  local script = command.write(("local arg_models, arg_stop = %q, %s\n"):format(MODELS, stop)
    .. SCRIPT, ".lua")
  local line = ('LUNAGRAD_HOME=%s; export LUNAGRAD_HOME; for i in %s; do $LG run %s --display none'
    .. ' --log info --run r$i; done; rm -rf %s'):format(dir, runs or "1", script, dir)
  local got = command.with_mock({ "--model", model, table.unpack(options or {}) }, ENV .. line)
  local list = {}
  for row in got.out:gmatch "[^\n]+" do list[#list + 1] = json.decode(row) end
  lu.assertNotNil(list[1], got.err)
  return list, got
end

function TestRepetition.test_broken_off()
  local whole = ask("sim/loop=1", false)[1]
  local list, got = ask("sim/loop=1", true, { "--pace", "20", "--split", "2000" }, "1 2")
  local _, lines = got.err:gsub("the answer says the same over and over", "")
  lu.assertEquals(lines, 5, got.err)
  lu.assertEquals(#got.journal, 5) -- the second run was served
  lu.assertEquals(list[2], list[1])
  for i, row in ipairs(list[1]) do
    lu.assertEquals(row.finish, "length", row.name)
    lu.assertTrue(#row.text >= 800 and #row.text < #whole[i].text, row.name .. ": " .. #row.text)
    lu.assertEquals(row.text, whole[i].text:sub(1, #row.text), row.name)
  end
end

function TestRepetition.test_good_answers_are_left_alone()
  local plain = ask("sim/default", false)[1]
  local list, got = ask("sim/default", true)
  lu.assertEquals(list[1], plain)
  for _, row in ipairs(got.journal) do lu.assertTrue(row.stream, row.dialect) end
end

os.exit(lu.LuaUnit.run())
