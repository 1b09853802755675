-- test_number.lua - numbers as they were written: lg.json, arguments of tools, answers with a
-- schema, labels of data sets, numbers that become texts

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"
local core = require "lunagrad.core"
local schema = require "lunagrad.schema"

lg.configure { virtual_clock = true }

local TURN = "application/vnd.lunagrad.turn+json"

-- What a text decodes to, and of what type it is.
local function read(text, keep)
  local value = lg.json.decode(text, keep)
  return value, math.type(value) or type(value)
end

TestJson = {}

function TestJson.test_integers_that_fit_are_integers()
  for _, text in ipairs { "0", "7", "-12", "738529527931269425", "9007199254740993",
    "9223372036854775807", "-9223372036854775808" } do
    local value, kind = read(text)
    lu.assertEquals(kind, "integer", text)
    lu.assertEquals(tostring(value), text)
    lu.assertEquals(lg.json.encode { value }, "[" .. text .. "]")
  end
  lu.assertEquals({ read "-0" }, { 0, "integer" })
end

function TestJson.test_fractions_and_exponents_are_floats()
  for text, wanted in pairs { ["1.0"] = 1.0, ["1e3"] = 1000.0, ["1E5"] = 1e5, ["2.50"] = 2.5,
    ["-0.0"] = 0.0, ["0.30000000000000004"] = 0.1 + 0.2, ["1e-400"] = 0.0, ["5e-324"] = 5e-324 } do
    lu.assertEquals({ read(text) }, { wanted, "float" }, text)
  end
end

function TestJson.test_what_is_too_large_keeps_its_text()
  for _, text in ipairs { "12345678901234567890", "9223372036854775808", "-9223372036854775809",
    "1e400", "-1E+400", ("9"):rep(500) } do
    lu.assertEquals({ read(text) }, { text, "string" })
  end
end

function TestJson.test_text_keeps_every_digit()
  for _, text in ipairs { "123456789.123456789", "0.10000000000000000001", "1e-400",
    "0.1234567890123456789e-5" } do
    lu.assertEquals({ read(text, "text") }, { text, "string" })
  end
  for _, text in ipairs { "0.1", "0.30000000000000004", "1.50", "1e22", "123456789.12345679" } do
    lu.assertEquals(select(2, read(text, "text")), "float", text)
  end
end

function TestJson.test_number_is_written_as_it_came()
  for _, text in ipairs { "12345678901234567890", "123456789.123456789", "1e400" } do
    local value, kind = read(text, "number")
    lu.assertEquals(kind, "userdata")
    lu.assertEquals(tostring(value), text)
    lu.assertEquals(lg.json.encode { a = value }, '{"a":' .. text .. "}")
  end
end

function TestJson.test_floats_are_written_so_that_they_read_back()
  for _, x in ipairs { 0.1, 0.1 + 0.2, 1 / 3, 1e22, 5e-324, 1.7976931348623157e308, -2.5, 3.0,
    123456789.12345679 } do
    lu.assertEquals(lg.json.decode(lg.json.encode(x)), x)
  end
  lu.assertEquals(lg.json.encode(0.1 + 0.2), "0.30000000000000004")
  lu.assertEquals(lg.json.encode(3.0), "3")
  lu.assertEquals(lg.json.encode(-0.0), "-0.0")
  lu.assertEquals(1 / lg.json.decode(lg.json.encode(-0.0)), -math.huge)
end

function TestJson.test_bad_numbers_and_a_bad_choice()
  for _, text in ipairs { "01", "1.", ".5", "+1", "-", "1e", "0x10", "NaN", "Infinity", "--1" } do
    lu.assertNil(lg.json.decode(text), text)
  end
  helper.fails("inval", "argument 2", lg.json.decode, "1", "digits")
end

function TestJson.test_the_same_number_in_other_words()
  lu.assertTrue(core.same_number("1e2", "100"))
  lu.assertFalse(core.same_number("12345678901234567890", "12345678901234567168"))
end

-- ---- numbers that become texts ---------------------------------------------------------

TestTexts = {}

function TestTexts.test_a_float_is_told_with_all_its_digits()
  local sum = 0.1 + 0.2
  lu.assertEquals(lg.var(sum):text(), "0.30000000000000004")
  lu.assertEquals((lg.var "x = " .. sum):text(), "x = 0.30000000000000004")
  lu.assertEquals(lg.format("{x}", { x = sum }):text(), "0.30000000000000004")
  lu.assertEquals(lg.param(1 / 3, "a share"):text(), "0.3333333333333333")
  local p = lg.param("x", "a share")
  p:set(sum)
  lu.assertEquals(p:text(), "0.30000000000000004")
  lu.assertEquals(lg.model(function() return sum end)("x"):text(), "0.30000000000000004")
  lu.assertEquals(lg.tool { name = "t", run = function() return sum end }("x"):text(),
    "0.30000000000000004")
end

function TestTexts.test_a_short_one_stays_short()
  lu.assertEquals(lg.var(0.1):text(), "0.1")
  lu.assertEquals(lg.var(1.0):text(), "1.0")
  lu.assertEquals(lg.var(100.0):text(), "100.0")
  lu.assertEquals(lg.var(1e15):text(), "1e+15")
  lu.assertEquals(lg.var(2 ^ 53):text(), "9007199254740992.0")
  lu.assertEquals(lg.var(738529527931269425):text(), "738529527931269425")
end

function TestTexts.test_metrics_and_losses_see_all_digits()
  local row = { answer = 0.1 + 0.2 }
  lu.assertEquals(lg.metric.exact("0.30000000000000004", row), 1)
  lu.assertEquals(lg.metric.exact("0.3", row), 0)
  lu.assertEquals(lg.evaluate { function() return 0.1 + 0.2 end, data = { row },
    metric = lg.metric.exact }.mean, 1)
  lu.assertEquals(lg.loss.exact { target = 0.1 + 0.2 }("0.3").score, 0)
  lu.assertEquals(lg.loss.exact { target = 0.1 + 0.2 }("0.30000000000000004").score, 1)
end

-- ---- data sets -------------------------------------------------------------------------

TestLabels = {}

function TestLabels.test_labels_compare_as_written()
  for _, label in ipairs { "12345678901234567890", "0.30000000000000004", "123456789.123456789",
    "9007199254740993", "1e400", "0.1", "-7", "2.50" } do
    local row = lg.data.jsonl_text(('{"question": "q", "answer": %s}'):format(label))[1]
    lu.assertEquals(lg.metric.exact(label, row), 1, label)
    lu.assertEquals(lg.loss.exact {}(label, row).score, 1, label)
  end
  local row = lg.data.jsonl_text '{"answer": 9007199254740993}'[1]
  lu.assertEquals(lg.metric.exact("9007199254740992", row), 0)
  row = lg.data.jsonl_text '{"answer": 123456789.123456789}'[1]
  lu.assertEquals(lg.metric.exact("123456789.12345679", row), 0)
end

function TestLabels.test_targets_of_bbh()
  local set = lg.data.bbh_text '{"examples": [{"input": "q", "target": 12345678901234567890}]}'
  lu.assertEquals(set[1].answer, "12345678901234567890")
  set = lg.data.bbh_text '{"examples": [{"input": "q", "target": 0.30000000000000004}]}'
  lu.assertEquals(set[1].answer, "0.30000000000000004")
end

-- ---- arguments of tools ----------------------------------------------------------------

TestArguments = {}

-- A model that calls `f` with these arguments (in JSON's writing) once, and what the tool got and
-- the model was shown the second time.
local function called(arguments, parameters)
  local got, shown
  local m = lg.model(function(request)
    if #request.messages < 3 then
      return { text = '{"text":"","calls":[{"id":"c","name":"f","arguments":' .. arguments
        .. "}]}", media = TURN }
    end
    shown = request.messages
    return "done"
  end)
  lu.assertEquals(lg.agent { model = m, tools = { { name = "f", parameters = parameters,
    run = function(args)
      got = args
      return "ran"
    end } } } "go":text(), "done")
  return got, shown
end

function TestArguments.test_run_gets_all_digits_and_the_model_sees_its_own_words()
  local text = '{"a":738529527931269425,"b":0.30000000000000004,"c":7}'
  local got, shown = called(text, { a = "integer", b = "number", c = "any" })
  lu.assertEquals(got, { a = 738529527931269425, b = 0.1 + 0.2, c = 7 })
  lu.assertEquals(math.type(got.a), "integer")
  lu.assertStrContains(shown[2].content, text)
end

function TestArguments.test_numbers_beyond_lua_are_numbers_to_the_schema()
  local text = '{"a":12345678901234567890,"b":123456789.123456789}'
  local got, shown = called(text, { a = "integer", b = "number" })
  lu.assertEquals(got.a, "12345678901234567890")
  lu.assertEquals(got.b, 123456789.12345679)
  lu.assertStrContains(shown[2].content, text)
end

function TestArguments.test_a_text_of_digits_is_no_number()
  local got, shown = called('{"a":"12"}', { a = "integer" })
  lu.assertNil(got)
  lu.assertStrContains(shown[3].content, "must be a whole number")
end

function TestArguments.test_of_every_dialect()
  local args = '{"big":12345678901234567890,"id":738529527931269425,"part":0.10,"e":1E5}'
  local bodies = {
    openai = '{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","function":{"name":'
      .. '"f","arguments":' .. lg.json.encode(args) .. '}}]},"finish_reason":"tool_calls"}]}',
    anthropic = '{"content":[{"type":"tool_use","id":"a","name":"f","input":' .. args
      .. '}],"stop_reason":"tool_use"}',
    gemini = '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":' .. args
      .. '}}]},"finishReason":"STOP"}]}',
    ollama = '{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":' .. args
      .. '}}]},"done":true,"done_reason":"stop"}',
    responses = '{"status":"completed","output":[{"type":"function_call","call_id":"a",'
      .. '"name":"f","arguments":' .. lg.json.encode(args) .. '}]}',
  }
  for dialect, body in pairs(bodies) do
    local text = core.reply(dialect, body, "application/json", true)
    lu.assertStrContains(text or "nothing", args, false, dialect)
  end
end

-- ---- answers with a schema -------------------------------------------------------------

TestSchema = {}

local function check(kind, text)
  local full = schema.of { x = kind }
  return schema.validate({ x = core.json_decode(text, "number") }, full)
end

function TestSchema.test_an_answer_keeps_its_digits()
  local reply = '{"id": 738529527931269425, "big": 12345678901234567890, "x": 123456789.123456789}'
  local m = lg.model(function() return "Here: " .. reply .. " as you wished" end)
  local v = m { "q", schema = { id = "integer", big = "integer", x = "number" } }
  lu.assertEquals(v:text(),
    '{"big":12345678901234567890,"id":738529527931269425,"x":123456789.123456789}')
  lu.assertEquals(v:value().id, 738529527931269425)
  lu.assertEquals(v:value().big, "12345678901234567890")
  lu.assertEquals(lg.extract.json "big"(reply), "12345678901234567890")
  lu.assertEquals(lg.extract.json "id"(reply), "738529527931269425")
end

function TestSchema.test_types_of_large_numbers()
  lu.assertTrue(check("integer", "12345678901234567890"))
  lu.assertTrue(check("number", "12345678901234567890"))
  lu.assertTrue(check("number", "123456789.123456789"))
  lu.assertTrue(check("integer", "1.0"))
  lu.assertFalse(check("integer", "123456789.123456789"))
  lu.assertFalse(check("string", "12345678901234567890"))
  lu.assertFalse(check("object", "12345678901234567890"))
end

function TestSchema.test_limits_of_large_numbers()
  local most = { type = "integer", maximum = math.maxinteger }
  lu.assertTrue(check(most, "9223372036854775807"))
  lu.assertFalse(check(most, "9223372036854775808"))
  local least = { type = "integer", minimum = math.mininteger }
  lu.assertTrue(check(least, "-9223372036854775808"))
  lu.assertFalse(check(least, "-9223372036854777000"))
  lu.assertFalse(check({ type = "integer", exclusiveMinimum = 9007199254740993 },
    "9007199254740993"))
end

-- A schema that is read from JSON says its own numbers in full.
function TestSchema.test_limits_that_are_large_numbers()
  local text = '{"type":"integer","maximum":18446744073709551615,"minimum":-18446744073709551615}'
  local most = lg.json.decode(text, "number")
  lu.assertTrue(check(most, "9223372036854775808"))
  lu.assertTrue(check(most, "18446744073709551615"))
  lu.assertFalse(check(most, "28446744073709551615"))
  lu.assertFalse(check(most, "-28446744073709551615"))
  lu.assertTrue(check(lg.json.decode('{"const":18446744073709551615}', "number"),
    "18446744073709551615"))
  lu.assertFalse(check(lg.json.decode('{"enum":[18446744073709551615]}', "number"), "1"))
  lu.assertStrContains(lg.json.encode(lg.schema.of(most)), '"maximum":18446744073709551615')
  local problem = helper.fails("inval", "mum: must be a number", lg.schema.of,
    lg.json.decode(text))
  lu.assertStrContains(problem.hint, '"number"')
  helper.fails("inval", "exclusiveMinimum: must be a number", lg.schema.of,
    { type = "number", exclusiveMinimum = true })
end

function TestSchema.test_multiples_of_large_numbers()
  local ten = { type = "integer", multipleOf = 10 }
  lu.assertTrue(check(ten, "738529527931269420"))
  lu.assertFalse(check(ten, "738529527931269425"))
  lu.assertTrue(check(ten, "12345678901234567890"))
  lu.assertFalse(check(ten, "12345678901234567891"))
  lu.assertTrue(check({ type = "integer", multipleOf = 3.0 }, "12345678901234567890"))
  lu.assertTrue(check({ type = "number", multipleOf = 0.01 }, "0.07"))
  lu.assertFalse(check({ type = "number", multipleOf = 0.01 }, "0.075"))
end

function TestSchema.test_constants_compare_by_value()
  lu.assertTrue(check({ const = 738529527931269425 }, "738529527931269425"))
  lu.assertFalse(check({ const = 738529527931269425 }, "738529527931269424"))
  lu.assertTrue(check({ enum = { 1e19, 2 } }, "10000000000000000000"))
  lu.assertFalse(check({ enum = { 1e19, 2 } }, "10000000000000000001"))
  lu.assertTrue(check({ enum = { 1, 2 } }, "1.0"))
  lu.assertFalse(check({ const = "12345678901234567890" }, "12345678901234567890"))
end

os.exit(lu.LuaUnit.run(), true)
