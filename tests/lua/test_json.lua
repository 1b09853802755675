-- test_json.lua - lg.json: null and empty lists survive a round trip; what JSON has no form for
-- is an error that says where it stands

local helper = require "helper"
local lu = require "luaunit"
local lg = require "lunagrad"

local encode, decode, null = lg.json.encode, lg.json.decode, lg.json.null

local function bad(wanted, value) helper.fails("inval", wanted, encode, value) end

TestJson = {}

function TestJson.test_round_trips()
  for _, text in ipairs { "[]", "{}", "null", '{"a":[],"b":{},"c":[[],{}]}', "[null,1,null]",
    '{"deep":{"list":[{"x":[]}]}}', '"é\\n"', "[0.1,3,-2]" } do
    lu.assertEquals(encode(decode(text)), text)
  end
end

function TestJson.test_array_marks_a_list()
  lu.assertEquals(encode(lg.json.array {}), "[]")
  lu.assertEquals(encode(lg.json.array()), "[]")
  lu.assertEquals(encode(lg.json.array { 1, 2 }), "[1,2]")
  lu.assertEquals(encode { tags = lg.json.array {} }, '{"tags":[]}')
  lu.assertEquals(encode {}, "{}")
  bad('a list has the name "x" as well', lg.json.array { x = 1 })
end

function TestJson.test_null()
  lu.assertEquals(encode { a = null }, '{"a":null}')
  lu.assertEquals(decode '{"a":null}'.a, null)
  lu.assertTrue(null ~= nil)
end

function TestJson.test_numbers_that_are_none()
  bad("a: there is no form for not-a-number", { a = 0 / 0 })
  bad("a.b[2]: there is no form for an infinite number", { a = { b = { 1, math.huge } } })
  bad("there is no form for an infinite number", -math.huge)
  bad("lg.json.null", 0 / 0)
end

function TestJson.test_mixed_tables()
  bad('list: a list has the name "x" as well', { list = { 1, x = 2 } })
  bad("a list has holes", { a = { list = { 1, { 1, 2, nil, 4, [9] = 5 } } } })
  bad("[1]: a table has a key that is no text (true)", { { [true] = 1 } })
end

function TestJson.test_cycles()
  local loop = { a = { {} } }
  loop.a[1].back = loop
  bad("a[1].back: a table is inside itself", loop)
  local shared = { 1 }
  lu.assertEquals(encode { shared, shared }, "[[1],[1]]")
  local deep = {}
  for _ = 1, 1100 do deep = { deep } end
  bad("too deep", deep)
end

function TestJson.test_what_has_no_form()
  bad("f: there is no form for a function", { f = print })
  bad("[2]: there is no form for a userdata", { 1, lg.var "x" })
end

os.exit(lu.LuaUnit.run(), true)
