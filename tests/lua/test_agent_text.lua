-- test_agent_text.lua - agents of models that do not call tools as they should: calls written
-- as text, arguments that cannot be read

local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"

-- A model whose first answer is this text, and which then says what it was told.
local function writer(text)
  local file = command.write(text, ".txt")
  local program = command.write(([[
unset LD_PRELOAD # a sanitizer's would find what sed leaks
told=$(cat)
case "$told" in
*'"role":"tool"'*) printf '%%s' "$told" | sed 's/.*"role":"tool"//' ;;
*) cat %s ;;
esac]]):format(file), ".sh")
  return lg.model("exec/sh " .. program)
end

local function adder(text)
  local calls = {}
  local add = { name = "add", parameters = { a = "number", b = "number" }, run = function(args)
    calls[#calls + 1] = args
    return ("sum %g"):format(args.a + args.b)
  end }
  local agent = lg.agent { model = writer(text), tools = { add } }
  return agent "What is 1 + 2?", calls
end

TestText = {}

function TestText.test_a_call_as_text_is_a_call()
  for _, text in ipairs {
    '{"name": "add", "arguments": {"a": 1, "b": 2}}',
    '```json\n{"name": "add", "parameters": {"a": 1, "b": 2}}\n```\n',
    '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>',
    '[{"type": "function", "function": {"name": "add", "arguments": "{\\"a\\":1,\\"b\\":2}"}}]',
  } do
    local v, calls = adder(text)
    lu.assertStrContains(v:text(), "sum 3", false, text)
    lu.assertEquals(#calls, 1)
    local trace = v:trace()
    lu.assertEquals({ trace[1].calls[1].name, trace[1].words }, { "add", "" })
  end
end

function TestText.test_what_only_looks_like_a_call_is_an_answer()
  for _, text in ipairs {
    '{"name": "subtract", "arguments": {"a": 1, "b": 2}}',
    'I call {"name": "add", "arguments": {"a": 1, "b": 2}} now.',
    '{"name": "add", "arguments": {"a": 1, "b": 2}, "why": "an example"}',
    '{"name": "add"}',
  } do
    local v, calls = adder(text)
    lu.assertEquals(v:text(), text)
    lu.assertEquals(#calls, 0)
  end
end

-- A server that gives no ids, or the same in each turn.
function TestText.test_ids_are_told_apart_over_turns()
  local program = command.write([[
told=$(cat)
if [ "$(printf '%s' "$told" | grep -o '"role":"tool' | wc -l)" -lt 3 ]; then
  echo '<tool_call>{"id": "c", "name": "add", "arguments": {"a": 1, "b": 2}}</tool_call>'
else
  echo done
fi]], ".sh")
  local add = { name = "add", parameters = { a = "number", b = "number" }, run = function()
    return "3"
  end }
  local v = lg.agent { model = lg.model("exec/sh " .. program), tools = { add } } "What is it?"
  lu.assertEquals(v:text(), "done")
  local seen = {}
  for _, step in ipairs(v:trace()) do
    for _, call in ipairs(step.calls or {}) do
      lu.assertNil(seen[call.id], call.id)
      seen[call.id] = true
    end
  end
  lu.assertTrue(seen.c)
end

-- What was wrong is told, with what was written: the history holds {} in its place.
function TestText.test_bad_arguments_are_told()
  for arguments, want in pairs {
    ['"{\\"a\\": 1, \\"b\\": "'] = [[no JSON: {\"a\": 1, \"b\": ]],
    ['"{\'a\': 1}"'] = "no JSON: {'a': 1}",
    ['"' .. ("ä"):rep(300) .. '"'] = "no JSON: " .. ("ä"):rep(200) .. "…",
    ['[1, 2]'] = "do not fit",
    ['"' .. ("x"):rep(1100000) .. '"'] = "longer than",
  } do
    local v, calls = adder('{"calls": [{"id": "c", "name": "add", "arguments": ' .. arguments
      .. "}]}")
    lu.assertStrContains(v:text(), want)
    lu.assertEquals(#calls, 0)
  end
end

TestText.tearDown = command.remove_files

os.exit(lu.LuaUnit.run(), true)
