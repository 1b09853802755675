-- test_mock_rules.lua - the mock's rules without a server: which tools are called, how schemas are
-- filled, what a picture is; and that no request, however bent, is more than refused

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local core = require "lunagrad.core"
local kit = require "mock_kit"
local media = require "lunagrad.world.pictures"
local plan = require "lunagrad.cli.mock.plan"
local schema = require "lunagrad.world.fill"
local serve = require "lunagrad.cli.mock.serve"
local tools = require "lunagrad.world.tools"
local wire = require "lunagrad.world.wire"

-- ---- tools -------------------------------------------------------------------------------

TestTools = {}

local function tool(name, description, properties, required)
  return { name = name, description = description, parameters = lg.json.decode(
    ('{"type":"object","properties":{%s},"required":[%s]}'):format(properties, required)) }
end

local TOOLS = {
  tool("get_weather", "Get the current weather for a city", '"city":{"type":"string"},"unit":{'
    .. '"type":"string","enum":["celsius","fahrenheit"]}', '"city"'),
  tool("calculator", "Evaluate an arithmetic expression", '"expression":{"type":"string"}',
    '"expression"'),
  tool("search_web", "Search the web", '"query":{"type":"string"},"limit":{"type":"integer"}',
    '"query"'),
  tool("send_email", "Send an email", '"to":{"type":"string"},"subject":{"type":"string"},'
    .. '"body":{"type":"string"}', '"to","body"'),
  tool("bookFlight", "Book a flight between two cities", '"origin":{"type":"string"},'
    .. '"destination":{"type":"string"},"date":{"type":"string"},"passengers":{"type":"integer"}',
    '"origin","destination","date"'),
  tool("add", "Add two numbers", '"a":{"type":"number"},"b":{"type":"number"}', '"a","b"'),
  tool("sum_list", "Sum a list of numbers", '"values":{"type":"array","items":{"type":"number"}}',
    '"values"'),
}

local function calls(text, options)
  local said = {}
  for i, call in ipairs(tools.choose(TOOLS, text, options or { choice = "auto" })) do
    said[i] = call.name .. core.json_encode(call.args)
  end
  return said
end

function TestTools.test_what_is_asked_for_is_called()
  local rows = {
    ["What's the weather in Paris?"] = { 'get_weather{"city":"Paris"}' },
    ["What is the weather in Paris and in New York, in celsius?"] = {
      'get_weather{"city":"Paris","unit":"celsius"}',
      'get_weather{"city":"New York","unit":"celsius"}' },
    ["weather for san francisco"] = { 'get_weather{"city":"san francisco"}' },
    ["Calculate 12 * (3 + 4)."] = { 'calculator{"expression":"12 * (3 + 4)"}' },
    ["Search the web for blue whales."] = { 'search_web{"query":"blue whales"}' },
    ['Send an email to bob@example.com with subject "Hi" and body "At noon".'] = {
      'send_email{"body":"At noon","subject":"Hi","to":"bob@example.com"}' },
    ["Book a flight from Berlin to Rome on 2026-12-01 for two passengers"] = {
      'bookFlight{"date":"2026-12-01","destination":"Rome","origin":"Berlin","passengers":2}' },
    ["Add 3 and 4.5 please"] = { 'add{"a":3,"b":4.5}' },
    ["Sum the list 1, 2 and 30"] = { 'sum_list{"values":[1,2,30]}' },
    ["The weather in Tokyo, and add 2 and 3"] = { 'get_weather{"city":"Tokyo"}',
      'add{"a":2,"b":3}' },
    ["What is the weather?"] = {}, -- where?
    ["Tell me a joke"] = {},
    [kit.QUESTION] = {},
  }
  for text, expected in pairs(rows) do lu.assertEquals(calls(text), expected, text) end
end

function TestTools.test_choices()
  lu.assertEquals(calls("Tell me a joke about cats", { choice = "name", name = "search_web" }),
    { 'search_web{"query":"cats"}' })
  lu.assertEquals(#calls("What is the weather?", { choice = "required" }), 1)
  lu.assertEquals(#calls("The weather in Tokyo, and add 2 and 3", { choice = "auto",
    parallel = false }), 1)
  lu.assertEquals(calls("The weather in Tokyo, and add 2 and 3", { choice = "auto",
    done = { get_weather = true } }), { 'add{"a":2,"b":3}' })
end

function TestTools.test_results_are_said()
  lu.assertEquals(tools.say { { name = "f", content = '{"b":2,"a":"x"}' } },
    "The answer is: a: x, b: 2")
  lu.assertEquals(tools.say { { name = "f", content = "one" }, { name = "g", content = "no",
    failed = true } }, "f: one\ng failed: no")
end

-- ---- schemas -----------------------------------------------------------------------------

TestSchema = {}

-- Does a value fit? Of schemas without $ref and anyOf.
local function fits(node, value)
  if node.enum then
    for _, one in ipairs(node.enum) do
      if one == value then return true end
    end
    return false
  elseif node.type == "object" then
    for _, name in ipairs(node.required or {}) do
      if value[name] == nil or not fits(node.properties[name], value[name]) then return false end
    end
    return wire.is_object(value)
  elseif node.type == "array" then
    for _, one in ipairs(value) do
      if not fits(node.items, one) then return false end
    end
    return wire.is_list(value) and #value >= (node.minItems or 0)
      and #value <= (node.maxItems or math.huge)
  elseif node.type == "string" then
    local length = utf8.len(value)
    return length >= (node.minLength or 0) and length <= (node.maxLength or math.huge)
  elseif node.type == "number" or node.type == "integer" then
    return value >= (node.minimum or -math.huge) and value <= (node.maximum or math.huge)
      and (node.type == "number" or math.type(value) == "integer")
  end
  return node.type == "null" and value == core.null or type(value) == node.type
end

function TestSchema.test_what_is_filled_fits()
  local texts = { "", "You have six fruits.", "The answer is 7.5, not 8", "Ja: schöne Grüße ☀",
    "no" }
  for _, text in ipairs {
    '{"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":5},"b":{"type":'
      .. '"string","maxLength":3},"c":{"type":"boolean"},"d":{"type":"null"}},"required":["a","b",'
      .. '"c","d"]}',
    '{"type":"array","items":{"type":"string","minLength":40},"minItems":3,"maxItems":4}',
    '{"type":"object","properties":{"v":{"enum":["good","bad"]},"n":{"type":"array","items":{'
      .. '"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}}},'
      .. '"required":["v","n"]}',
  } do
    local node = lg.json.decode(text)
    for _, said in ipairs(texts) do
      local value = lg.json.decode(schema.json(node, said))
      lu.assertTrue(fits(node, value), text .. " ← " .. said .. " → " .. core.json_encode(value))
    end
  end
end

function TestSchema.test_the_answer_goes_in()
  local node = lg.json.decode('{"type":"object","properties":{"answer":{"type":"integer"},'
    .. '"verdict":{"type":"string","enum":["right","wrong"]}},"required":["answer","verdict"]}')
  lu.assertEquals(lg.json.decode(schema.json(node, "You have six, so this is wrong.")),
    { answer = 6, verdict = "wrong" })
end

function TestSchema.test_schemas_that_hold_themselves_end()
  for _, text in ipairs {
    '{"$ref":"#"}', '{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}',
    '{"type":"object","properties":{"l":{"$ref":"#"},"r":{"$ref":"#"}},"required":["l","r"]}',
    '{"type":"array","items":{"$ref":"#"},"minItems":9}',
  } do
    lu.assertNotNil(lg.json.decode(schema.json(lg.json.decode(text), "x")), text)
  end
end

-- ---- media -------------------------------------------------------------------------------

TestMedia = {}

function TestMedia.test_sizes_from_headers()
  local jpeg = "\xFF\xD8\xFF\xE0\0\4ab\xFF\xC0\0\17\8\0\20\0\30\3"
  for bytes, expected in pairs {
    [wire.unbase64(kit.PNG)] = { "image/png", 3, 2 }, [jpeg .. ("x"):rep(20)] = { "image/jpeg", 30,
    20 }, ["GIF89a\5\0\6\0"] = { "image/gif", 5, 6 }, ["RIFFxxxxWEBPVP8 "] = { "image/webp" },
    ["RIFFxxxxWAVE"] = { "audio/wav" }, ["\137PNG\r\n\26\n"] = { "image/png" }, [""] = {},
    ["\xFF\xD8\xFF"] = { "image/jpeg" } } do
    local found = media.sniff(bytes)
    lu.assertEquals({ found.type, found.width, found.height }, expected)
  end
end

function TestMedia.test_base64()
  for _, text in ipairs { "", "a", "ab", "abc", ("\0\255"):rep(50) } do
    local coded = wire.base64(text)
    if text ~= "" then lu.assertEquals(wire.unbase64(coded), text) end
  end
  for _, bad in ipairs { "", "a", "ab=a", "====", "a b=", "abc%" } do
    lu.assertNil(wire.unbase64(bad), bad)
  end
end

function TestMedia.test_a_picture_depends_on_its_text()
  lu.assertEquals(media.draw("a", 16), media.draw("a", 16))
  lu.assertNotEquals(media.draw("a", 16), media.draw("b", 16))
  lu.assertEquals(media.sniff(media.draw("a", 64)).width, 64)
end

-- ---- bent requests -----------------------------------------------------------------------

TestBent = {}

local HEADERS = { ["content-type"] = "application/json", authorization = "Bearer k",
  ["x-api-key"] = "k", ["x-goog-api-key"] = "k", ["api-key"] = "k",
  ["anthropic-version"] = "2023-06-01" }

local SEEDS = {
  ["/v1/chat/completions"] = [[{"model":"m","messages":[{"role":"system","content":"s"},{"role":
    "user","content":[{"type":"text","text":"Add 1 and 2"},{"type":"image_url","image_url":{"url":
    "data:image/png;base64,PNG"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c",
    "type":"function","function":{"name":"add","arguments":"{}"}}]},{"role":"tool","tool_call_id":
    "c","content":"[image/png, shown below]"},{"role":"user","content":[{"type":"text","text":
    "What the tool add returned:"},{"type":"image_url","image_url":{"url":
    "data:image/png;base64,PNG"}}]}],"tools":[{"type":"function","function":{"name":"add","parameters":SCHEMA,
    "strict":true}}],"tool_choice":"auto","response_format":{"type":"json_schema","json_schema":{
    "name":"v","strict":true,"schema":SCHEMA}},"stream":true,"stream_options":{"include_usage":
    true},"stop":["x"],"n":2}]],
  ["/v1/responses"] = [[{"model":"m","instructions":"i","input":[{"role":"user","content":[{"type":
    "input_text","text":"Add 1 and 2"},{"type":"input_image","image_url":
    "data:image/png;base64,PNG"}]},{"type":"function_call","call_id":"c","name":"add","arguments":
    "{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":
    "data:image/png;base64,PNG","detail":"auto"}]}],"tools":[{"type":"function",
    "name":"add","parameters":SCHEMA}],"text":{"format":{"type":"json_schema","name":"v","schema":
    SCHEMA}},"stream":true,"reasoning":{"effort":"low"}}]],
  ["/v1/messages"] = [[{"model":"claude-3","max_tokens":99,"system":[{"type":"text","text":"s"}],
    "messages":[{"role":"user","content":[{"type":"text","text":"Add 1 and 2"},{"type":"image",
    "source":{"type":"base64","media_type":"image/png","data":"PNG"}}]},{"role":"assistant",
    "content":[{"type":"tool_use","id":"t","name":"add","input":{}}]},{"role":"user","content":[{
    "type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"3"},{"type":
    "image","source":{"type":"base64","media_type":"image/png","data":"PNG"}}]}]}],"tools":[{
    "name":"add","input_schema":SCHEMA}],"tool_choice":{"type":"auto"},"stream":true,
    "output_config":{"format":{"type":"json_schema","schema":SCHEMA}},"thinking":{"type":
    "adaptive"}}]],
  ["/v1beta/models/g:generateContent"] = [[{"contents":[{"role":"user","parts":[{"text":
    "Add 1 and 2"},{"inlineData":{"mimeType":"image/png","data":"PNG"}}]},{"role":"model","parts":[
    {"functionCall":{"name":"add","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":
    "add","response":{"output":"3"},"parts":[{"inlineData":{"mimeType":"image/png","data":"PNG"}}
    ]}}]}],"systemInstruction":{"parts":[{"text":"s"}]},"tools":[{
    "functionDeclarations":[{"name":"add","parametersJsonSchema":SCHEMA}]}],"toolConfig":{
    "functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["add"]}},"generationConfig":{
    "responseMimeType":"application/json","responseJsonSchema":SCHEMA}}]],
  ["/api/chat"] = [[{"model":"m","messages":[{"role":"user","content":"Add 1 and 2","images":["PNG"]
    },{"role":"assistant","tool_calls":[{"function":{"name":"add","arguments":{}}}]},{"role":"tool",
    "content":"3","tool_name":"add"}],"tools":[{"type":"function","function":{"name":"add",
    "parameters":SCHEMA}}],"format":SCHEMA,"options":{"stop":["x"],"num_predict":5},"think":true}]],
  ["/v1/embeddings"] = '{"model":"m","input":["a","b"],"dimensions":8}',
  ["/v1/images/generations"] = '{"model":"m","prompt":"a","n":1}',
  ["/v1beta/models/g:batchEmbedContents"] = '{"requests":[{"model":"models/g","content":{"parts":'
    .. '[{"text":"a"}]},"outputDimensionality":8}]}',
  ["/api/embed"] = '{"model":"m","input":["a"],"dimensions":8}',
}
local SCHEMA = '{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"number"}},'
  .. '"required":["a","b"],"additionalProperties":false}'

local ODD = { core.null, true, 0, -1, 1.5, 1e300, "", "x", "data:image/png;base64,", wire.list {},
  {}, wire.list { core.null }, wire.list { "x" }, { type = "x" }, { a = wire.list { {} } } }

-- Every place in a value: its table and key.
local function places(root)
  local found, stack = {}, { root }
  while #stack > 0 do
    local node = table.remove(stack)
    local keys = {}
    for key in pairs(node) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do
      found[#found + 1] = { node, key }
      if type(node[key]) == "table" then stack[#stack + 1] = node[key] end
    end
  end
  return found
end

local function send(self, path, text)
  return serve.reply(self, { method = "POST", path = path, headers = HEADERS, query = {},
    body = text, arrival_us = 5 })
end

-- Puts each odd value in each place. Nothing may raise, and nothing good may come out as 500.
function TestBent.test_no_value_anywhere_is_more_than_refused()
  local self = serve.new { model = "sim/default", latency = plan.latency(nil), faults = {},
    latency_seed = "1", fault_seed = "1", hang_ms = 0 }
  for path, seed in pairs(SEEDS) do
    local text = seed:gsub("SCHEMA", SCHEMA):gsub("PNG", kit.PNG)
    local first = send(self, path, text)
    lu.assertEquals(first.status, 200, path .. ": " .. first.body)
    local statuses = {}
    for at = 1, #places(lg.json.decode(text)) do
      for _, odd in ipairs(ODD) do
        local body = lg.json.decode(text)
        local place = places(body)[at]
        place[1][place[2]] = odd
        local reply = send(self, path, core.json_encode(body))
        statuses[reply.status] = true
        lu.assertTrue(reply.status < 500, ("%s: %s → %s"):format(path, core.json_encode(body),
          reply.body))
      end
    end
    lu.assertTrue(statuses[400], path)
  end
end

-- History with a name that no function can have is refused, as by the real ones.
function TestBent.test_names_of_called_functions()
  local self = serve.new { model = "sim/default", latency = plan.latency(nil), faults = {},
    latency_seed = "1", fault_seed = "1", hang_ms = 0 }
  for path, place in pairs { ["/v1/chat/completions"] =
      "Invalid 'messages[2].tool_calls[0].function.name': string does not match pattern",
      ["/v1/responses"] = "Invalid 'input[1].name': string does not match pattern",
      ["/v1/messages"] = "name: String should match pattern" } do
    local text = SEEDS[path]:gsub("SCHEMA", SCHEMA):gsub("PNG", kit.PNG)
    local reply = send(self, path, (text:gsub('"name":"add"', '"name":"a b"', 1)))
    lu.assertEquals(reply.status, 400, path)
    lu.assertStrContains(reply.body, place)
  end
end

-- Pictures in results, wherever they stand, are what is spoken of.
function TestBent.test_pictures_in_results()
  local self = serve.new { model = "sim/default", latency = plan.latency(nil), faults = {},
    latency_seed = "1", fault_seed = "1", hang_ms = 0 }
  local seen = 0
  for path, seed in pairs(SEEDS) do
    if seed:find "image" and seed:find '"add"' and path ~= "/api/chat" then
      local body = lg.json.decode((seed:gsub("SCHEMA", SCHEMA):gsub("PNG", kit.PNG)))
      body.response_format, body.text, body.output_config, body.stream = nil, nil, nil, nil
      body.stop, seen = nil, seen + 1
      body.generationConfig, body.toolConfig, body.stream_options, body.n = nil, nil, nil, nil
      local reply = send(self, path, core.json_encode(body))
      lu.assertEquals(reply.status, 200, reply.body)
      lu.assertStrContains(reply.body, "pixels wide", path)
    end
  end
  lu.assertEquals(seen, 4)
  local old = "/v1beta/models/gemini-2.5-flash:generateContent"
  local reply = send(self, old, (SEEDS["/v1beta/models/g:generateContent"]
    :gsub("SCHEMA", SCHEMA):gsub("PNG", kit.PNG)))
  lu.assertEquals(reply.status, 400)
  lu.assertStrContains(reply.body, "function_response.parts` is not supported for this model")
end

-- ---- what the official packages send -------------------------------------------------------

TestPackages = {}

-- Those that the real servers refuse as well: by the model's name.
local REFUSED = {
  ["anthropic-2023-06-01/sampling"] = "cannot both be specified",
  ["openai/effort-high"] = "reasoning_effort", ["openai/effort-low"] = "reasoning_effort",
  ["openai/effort-none"] = "reasoning_effort", ["openai/together"] = "reasoning_effort",
  ["responses/sampling"] = "'temperature' is not supported",
  ["responses/temperature-zero"] = "'temperature' is not supported",
}

local function form(parts)
  local out = {}
  for _, part in ipairs(parts) do
    local file = part.filename and ('; filename="%s"\r\nContent-Type: %s'):format(part.filename,
      part["content-type"]) or ""
    out[#out + 1] = ('--BOUNDARY\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n')
      :format(part.name, file, part.text or wire.unbase64(part.base64))
  end
  return table.concat(out) .. "--BOUNDARY--\r\n"
end

local function replay(self, case)
  local headers, query = {}, {}
  for name, value in pairs(case.headers) do headers[name:lower()] = value end
  local path, rest = case.path:match("^([^?]*)%??(.*)$")
  for name, value in rest:gmatch("([^&=]+)=([^&]*)") do query[name] = value end
  local multipart = (headers["content-type"] or ""):find("^multipart")
  return serve.reply(self, { method = case.method, path = path, headers = headers, query = query,
    body = multipart and form(case.body) or core.json_encode(case.body), arrival_us = 5 })
end

-- tests/oracle/cases: bodies captured from openai, @anthropic-ai/sdk, @google/genai and ollama.
function TestPackages.test_what_they_send_is_taken()
  local self = serve.new { model = "sim/default", latency = plan.latency(nil), faults = {},
    latency_seed = "1", fault_seed = "1", hang_ms = 0 }
  local list, n = assert(io.popen "ls tests/oracle/cases/*/*.json"), 0
  for name in list:lines() do
    local file = assert(io.open(name))
    local case = lg.json.decode(file:read "a")
    file:close()
    local reply = replay(self, case)
    local short = name:match("cases/(.*)%.json")
    lu.assertEquals(reply.status, REFUSED[short] and 400 or 200, short .. ": " .. reply.body)
    if REFUSED[short] then lu.assertStrContains(reply.body, REFUSED[short]) end
    n = n + 1
  end
  list:close()
  lu.assertTrue(n > 200, n)
end

os.exit(lu.LuaUnit.run())
