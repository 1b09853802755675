-- test_schema.lua - schemas from Lua tables, strict forms, checking; replies with a schema

local helper = require "helper"
local command = require "command"
local lu = require "luaunit"
local lg = require "lunagrad"
local schema = require "lunagrad.schema"

lg.configure { virtual_clock = true }

local fails = helper.fails
local array, null = lg.json.array, lg.json.null

local function json(value) return lg.json.encode(value) end

-- ---- the short form ---------------------------------------------------------------

TestShort = {}

function TestShort.test_forms()
  local cases = {
    { "number", '{"type":"number"}' },
    { "any", "{}" },
    { { "string" }, '{"items":{"type":"string"},"type":"array"}' },
    { { "yes", "no" }, '{"enum":["yes","no"],"type":"string"}' },
    { { 1, 2, 3 }, '{"enum":[1,2,3],"type":"number"}' },
    { { "a", 1 }, '{"enum":["a",1]}' },
    { { { x = "integer" } }, '{"items":{"additionalProperties":false,"properties":{"x":'
      .. '{"type":"integer"}},"required":["x"],"type":"object"},"type":"array"}' },
    { { note = "string?", ["list?"] = { "string" }, ok = "boolean" },
      '{"additionalProperties":false,"properties":{"list":{"items":{"type":"string"},'
        .. '"type":"array"},"note":{"type":"string"},"ok":{"type":"boolean"}},'
        .. '"required":["ok"],"type":"object"}' },
    { {}, '{"additionalProperties":false,"properties":{},"required":[],"type":"object"}' },
  }
  for _, case in ipairs(cases) do lu.assertEquals(json(schema.of(case[1])), case[2]) end
end

function TestShort.test_full_schemas_pass_as_they_are()
  for _, full in ipairs { { type = "string", minLength = 2 }, { anyOf = { { type = "null" } } },
    { ["$ref"] = "#/$defs/a", ["$defs"] = { a = true } }, { const = 1 },
    { type = { "string", "null" } }, { properties = { a = {} } } } do
    lu.assertIs(schema.of(full), full)
  end
  local inside = { type = "string", description = "in words" }
  lu.assertIs(schema.of { note = inside }.properties.note, inside)
end

function TestShort.test_what_is_none()
  local loop = {}
  loop.x = loop
  local cases = {
    { "strin", '"strin" is no type' }, { "array", "a list of texts is" },
    { { a = { b = "txt" } }, 'a.b: "txt" is no type' }, { 5, "expected a type or a table" },
    { { "yes", true }, "a choice is a text or a number" },
    { { "string", a = 1 }, "has names, or is a list, not both" },
    { { a = "string", ["a?"] = "string" }, "a: it is described twice" },
    { { type = { "a", "b" }, n = "number" }, "is no type of JSON" },
    { { type = "object", properties = { a = { type = "string", pattern = "^x" } } },
      "properties.a.pattern: this keyword cannot be checked" },
    { { type = "object", ["not"] = {} }, "not: this keyword" },
    { { type = "array", items = "string" }, "items: expected a schema" },
    { { anyOf = {} }, "anyOf: must be a list" }, { loop, "too deep, or inside itself" },
    { { properties = { a = { ["$ref"] = "#/$defs/b" } } },
      'properties.a.$ref: "#/$defs/b" is not in the schema' },
    { { a = { ["$ref"] = "http://x/y" } }, '"http://x/y" is not in the schema' },
    { { ["$ref"] = "#/$defs/a", ["$defs"] = { a = { ["$ref"] = "#/$defs/a" } } },
      "leads only to itself" },
  }
  for _, case in ipairs(cases) do fails("inval", case[2], schema.of, case[1]) end
end

-- ---- strict -----------------------------------------------------------------------

TestStrict = {}

function TestStrict.test_optional_ones_become_nullable()
  local made, strict = schema.strict(schema.of { a = "string?", ["b?"] = { "x", "y" },
    c = { { d = "number?" } } })
  lu.assertTrue(strict)
  lu.assertEquals(made.required, array { "a", "b", "c" })
  lu.assertEquals(json(made.properties.a), '{"type":["string","null"]}')
  lu.assertEquals(json(made.properties.b), '{"enum":["x","y",null],"type":["string","null"]}')
  lu.assertEquals(json(made.properties.c.items), '{"additionalProperties":false,"properties":'
    .. '{"d":{"type":["number","null"]}},"required":["d"],"type":"object"}')
end

function TestStrict.test_references_and_branches()
  local full = { type = "object", properties = { a = { ["$ref"] = "#/$defs/t" },
    b = { oneOf = { { type = "object", properties = { x = { type = "string" } } } } } },
    required = { "b" }, ["$defs"] = { t = { type = "object", properties = {} } } }
  local before = json(full)
  local made, strict = schema.strict(full)
  lu.assertTrue(strict)
  lu.assertEquals(json(made.properties.a), '{"anyOf":[{"$ref":"#/$defs/t"},{"type":"null"}]}')
  lu.assertEquals(made["$defs"].t.additionalProperties, false)
  lu.assertEquals(made.properties.b.oneOf[1].required, array { "x" })
  lu.assertEquals(json(full), before) -- a copy
end

function TestStrict.test_what_cannot_be_strict()
  for _, open in ipairs { { type = "object" }, { a = "any" }, { a = "object" },
    { type = "object", properties = {}, additionalProperties = { type = "string" } } } do
    local _, strict = schema.strict(schema.of(open))
    lu.assertFalse(strict)
  end
end

-- ---- checking ---------------------------------------------------------------------

TestValidate = {}

local function good(spec, text)
  lu.assertTrue(schema.validate(lg.json.decode(text), schema.of(spec)))
end

local function bad(spec, text, path, what)
  local ok, where, message = schema.validate(lg.json.decode(text), schema.of(spec))
  lu.assertFalse(ok, text)
  lu.assertEquals(where, path)
  lu.assertStrContains(message, what)
end

function TestValidate.test_types()
  for kind, texts in pairs { string = { '"x"', "1" }, number = { "1.5", '"1"' },
    integer = { "2", "2.5" }, boolean = { "true", "0" }, object = { '{"a":1}', "[]" },
    null = { "null", "false" } } do
    good(kind, texts[1])
    bad(kind, texts[2], "", "must be ")
  end
  good({ type = "array" }, "[]")
  bad({ type = "array" }, '{"a":1}', "", "must be a list")
  good({ type = { "string", "null" } }, "null")
  bad({ type = { "string", "null" } }, "1", "", "must be a text or null, got 1")
  good({ "string" }, "[]")
  good({ x = "any" }, '{"x":null}')
end

function TestValidate.test_objects()
  local spec = { score = "number", verdict = { "yes", "no" }, note = "string?" }
  good(spec, '{"score":1,"verdict":"yes"}')
  bad(spec, '{"verdict":"yes"}', "score", "is missing")
  bad(spec, '{"score":1,"verdict":"maybe"}', "verdict", 'must be one of "yes", "no", got "maybe"')
  bad(spec, '{"score":1,"verdict":"no","x":1}', "x", "is not expected")
  bad({ items = { { name = "string" } } }, '{"items":[{"name":"a"},{"name":2}]}', "items[2].name",
    "must be a text, got 2")
  bad({ type = "object", additionalProperties = { type = "number" } }, '{"a":1,"b":"x"}', "b",
    "must be a number")
  bad({ type = "object", minProperties = 1 }, "{}", "", "at least 1 members")
end

function TestValidate.test_limits()
  bad({ type = "number", minimum = 0 }, "-1", "", "at least 0")
  bad({ type = "number", maximum = 1 }, "1.5", "", "at most 1")
  bad({ type = "number", exclusiveMinimum = 0 }, "0", "", "more than 0")
  bad({ type = "number", exclusiveMaximum = 1 }, "1", "", "less than 1")
  bad({ type = "number", multipleOf = 0.1 }, "0.25", "", "a multiple of 0.1")
  good({ type = "number", multipleOf = 0.1 }, "0.3")
  bad({ type = "string", minLength = 2 }, '"é"', "", "at least 2 characters, has 1")
  bad({ type = "string", maxLength = 1 }, '"ab"', "", "at most 1 characters")
  bad({ type = "array", minItems = 1 }, "[]", "", "at least 1 items")
  bad({ type = "array", maxItems = 1 }, "[1,2]", "", "at most 1 items")
  bad({ type = "array", uniqueItems = true }, "[[1],[2],[1]]", "[3]", "is there twice")
end

function TestValidate.test_branches_and_constants()
  local any = { anyOf = { { type = "string" }, { type = "object", required = { "a" } } } }
  good(any, '"x"')
  good(any, '{"a":1}')
  bad(any, '{"b":1}', "a", "is missing") -- of the branch that got furthest
  bad({ oneOf = { { type = "number" }, { minimum = 1 } } }, "2", "", "fits 2 of the forms")
  bad({ allOf = { { type = "number" }, { minimum = 1 } } }, "0", "", "at least 1")
  bad({ const = { 1, 2 } }, "[1,3]", "", "must be [1,2], got [1,3]")
  good({ enum = { { a = 1 }, null } }, '{"a":1}')
  good({ enum = { { a = 1 }, null } }, "null")
end

function TestValidate.test_references()
  local tree = { ["$ref"] = "#/$defs/node", ["$defs"] = { node = { type = "object",
    properties = { value = { type = "number" }, next = { ["$ref"] = "#/$defs/node" } },
    required = { "value" } } } }
  good(tree, '{"value":1,"next":{"value":2}}')
  bad(tree, '{"value":1,"next":{"value":"x"}}', "next.value", "must be a number")
  local function broken(ref, wanted) -- of a schema that nobody looked through
    local ok, _, message = schema.validate(1, { ["$ref"] = ref })
    lu.assertFalse(ok)
    lu.assertStrContains(message, wanted)
  end
  broken("#/$defs/none", "the schema has no #/$defs/none")
  broken("#", "is nested too deep")
  broken("http://x/y", "has no http")
  good({ ["$ref"] = "#/anyOf/1", anyOf = { { type = "string" }, { type = "number" } } }, "1")
end

function TestValidate.test_bounds()
  local deep = ('{"next":'):rep(90) .. "1" .. ("}"):rep(90)
  local ok, _, message = schema.validate(lg.json.decode(deep), { type = "object",
    properties = { next = { ["$ref"] = "#" } } })
  lu.assertFalse(ok)
  lu.assertStrContains(message, "nested too deep")
  local wide = { type = "string" }
  for _ = 1, 30 do wide = { anyOf = { wide, wide } } end
  ok, _, message = schema.validate(1, wide) -- of a thousand million branches
  lu.assertFalse(ok)
  lu.assertStrContains(message, "too many steps")
  lu.assertTrue(select(2, schema.strict(wide)))
  fails("inval", "pattern", schema.validate, "x", { type = "string", pattern = "x" })
end

-- ---- replies ----------------------------------------------------------------------

TestReplies = {}

local SPEC = { verdict = { "yes", "no" }, note = "string?" }

local function scripted(replies)
  local asked = {}
  return lg.model(function(request)
    asked[#asked + 1] = request
    return replies[math.min(#asked, #replies)]
  end, "scripted"), asked
end

function TestReplies.test_normalised_and_decoded()
  for _, text in ipairs { '{"verdict":"yes"}', 'Here:\n```json\n{ "verdict": "yes" }\n```\nDone.',
    'I think {"note": null, "verdict": "yes"} is it' } do
    local m, asked = scripted { text }
    local v = m { "q", schema = SPEC }
    lu.assertEquals(v:state(), "pending")
    lu.assertEquals(v:text(), '{"verdict":"yes"}')
    lu.assertEquals(v:value(), { verdict = "yes" })
    lu.assertEquals(#asked, 1)
    lu.assertEquals(asked[1].schema.name, "answer")
    lu.assertTrue(asked[1].schema.strict)
    lu.assertEquals(asked[1].schema.schema.required, array { "note", "verdict" })
  end
end

function TestReplies.test_one_repair()
  local m, asked = scripted { '{"verdict":"maybe"}', '{"verdict":"no"}' }
  lu.assertEquals(m { "q", system = "s", schema = SPEC }:text(), '{"verdict":"no"}')
  lu.assertEquals(#asked, 2)
  local messages = asked[2].messages
  lu.assertEquals({ messages[1].content, messages[2].content, messages[3].role,
    messages[3].content, messages[4].role },
    { "s", "q", "assistant", '{"verdict":"maybe"}', "user" })
  lu.assertStrContains(messages[4].content, 'verdict must be one of "yes", "no", got "maybe"')
  lu.assertEquals(asked[2].schema, asked[1].schema)
end

function TestReplies.test_asked_twice_in_vain()
  local m, asked = scripted { "no idea", '{"verdict":"yes","more":[1]}' }
  local v = m { "q", schema = SPEC, role = "verdict" }
  local problem = fails("badreply", "more is not expected", v.text, v)
  lu.assertStrContains(tostring(problem), "verdict (node")
  lu.assertEquals(#asked, 2)
  lu.assertStrContains(asked[2].messages[3].content, "there is no JSON in it")
  local later = lg.format("{v}", { v = v })
  fails("badreply", "asked twice", later.text, later)
end

-- Asked again it would be cut at the same place, and paid for again.
function TestReplies.test_a_cut_reply_is_not_asked_for_again()
  local m, asked = scripted { { text = '{"verdict":"ye', finish_reason = "length" } }
  local problem = fails("badreply", "cut at the limit of its length", function()
    return m({ "q", schema = SPEC }):text()
  end)
  lu.assertStrContains(tostring(problem), "raise max_tokens")
  lu.assertEquals(#asked, 1)
end

function TestReplies.test_a_failing_call_is_no_bad_reply()
  local m = lg.model(function() error "down" end, "broken")
  local v = m { "q", schema = SPEC }
  fails("tool", "down", v.text, v)
end

function TestReplies.test_schema_of_a_model()
  local asked = {}
  local m = lg.model { function(request)
    asked[#asked + 1] = request
    return request.schema and '{"n":1}' or "one"
  end, schema = { n = "number" } }
  lu.assertEquals(m("q"):value(), { n = 1 })
  lu.assertEquals(m { "q", schema = false }:text(), "one")
  fails("inval", "a reply is an object", lg.model, { "sim/default", schema = "number" })
  fails("inval", 'a: "nr" is no type', m, { "q", schema = { a = "nr" } })
end

function TestReplies.test_not_strict()
  local m, asked = scripted { '{"any":{"x":[]}}' }
  lu.assertEquals(m { "q", schema = { any = "object" } }:text(), '{"any":{"x":[]}}')
  lu.assertFalse(asked[1].schema.strict)
end

-- No call of its own: what is said about the JSON is said about the call.
function TestReplies.test_feedback_reaches_the_prompt()
  for _, replies in ipairs { { '{"verdict":"yes"}' }, { "?", '{"verdict":"yes"}' } } do
    local m = scripted(replies)
    local critics = 0
    local critic = lg.model(function()
      critics = critics + 1
      return "say why"
    end, "critic")
    local prompt = lg.param("judge it", "system prompt")
    local v = m { "q", system = prompt, schema = SPEC }
    local loss = lg.loss.exact { target = "x" }(v)
    lg.sum { loss }:backward { model = critic }
    local feedback = prompt:feedback()
    lu.assertEquals(#feedback, 1)
    lu.assertEquals(feedback[1].text, "say why")
    lu.assertEquals(critics, 1)
    lu.assertStrContains(feedback[1].conversation, "<SYSTEM>\n[VARIABLE]\n</SYSTEM>")
  end
end

function TestReplies.test_many_at_once()
  local m = lg.model(function(request)
    local n = request.messages[2] and 1 or request.messages[1].content
    return ('{"n":%s}'):format(#request.messages == 1 and "null" or n)
  end, "odd")
  local all = lg.map({ 1, 2, 3, 4 }, function(i) return m { i, schema = { n = "number" } } end)
  for i = 1, 4 do lu.assertEquals(all[i]:value(), { n = 1 }) end
end

function TestReplies.test_value_without_schema()
  lu.assertEquals(lg.var('words {"a":[]} words'):value(), { a = array {} })
  fails("parse", "is no JSON", function() return lg.var("words", "reply"):value() end)
end

-- By the server's own means: a strict mock refuses what is no strict schema.
function TestReplies.test_over_http()
  local out = command.with_mock({}, command.lua_line([[
local lg = require "lunagrad"
local m = lg.model "openai/sim"
local q = "I have two apples, a pear and a cat. How many fruits do I have?"
local v = m { q, schema = { count = "integer", note = "string?", kinds = { "string" } } }
print(math.type(v:value().count), v)
print(m { q, schema = { anything = "object" } }:value() ~= nil)]]))
  lu.assertStrMatches(out.out, 'integer\t{"count":%d+,"kinds":%[.*%].*}\ntrue\n')
  lu.assertEquals(#out.journal, 2, out.err)
end

local code = lu.LuaUnit.run()
command.remove_files()
os.exit(code, true)
