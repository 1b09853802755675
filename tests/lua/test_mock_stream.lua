-- test_mock_stream.lua - lunagrad mock over HTTP: streams in their true shapes, split anywhere;
-- faults and limits in each dialect's own form

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local kit = require "mock_kit"
local rate = require "lunagrad.cli.mock.rate"

local Q, with, set = kit.QUESTION, kit.with, kit.set
local ASK = "What is the weather in Paris? Übrigens: ☀"
local WEATHER = { type = "object", properties = { city = { type = "string" } },
  required = { "city" } }

local function user(text) return { { role = "user", content = text } } end
local function contents(text) return { { role = "user", parts = { { text = text } } } } end

-- The same call in each dialect, streamed.
local STREAMS = {
  { path = "/v1/chat/completions", body = { model = "m", messages = user(Q), stream = true,
    stream_options = { include_usage = true } } },
  { path = "/v1/responses", body = { model = "m", input = Q, stream = true } },
  { path = "/v1/messages", headers = "anthropic", body = { model = "claude-sonnet-5-5",
    max_tokens = 99, messages = user(Q), stream = true } },
  { path = "/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse", headers = "gemini",
    body = { contents = contents(Q) } },
  { path = "/api/chat", headers = "ollama", body = { model = "m", messages = user(Q) } },
}

-- The same, whole.
local WHOLE = {
  with(STREAMS[1], { body = { model = "m", messages = user(Q) } }),
  with(STREAMS[2], { body = { model = "m", input = Q } }),
  with(STREAMS[3], { body = { model = "claude-sonnet-5-5", max_tokens = 99,
    messages = user(Q) } }),
  with(STREAMS[4], { path = "/v1beta/models/gemini-2.0-flash:generateContent" }),
  with(STREAMS[5], { body = set({ model = "m", messages = user(Q) }, "stream", false) }),
}

local NAMES = { "openai-chat", "openai-responses", "anthropic", "gemini", "ollama" }

-- ---- reading streams ---------------------------------------------------------------------

-- Events as { name, data }; comments are left out.
local function events_of(body)
  local events = {}
  for block in body:gsub("\r\n", "\n"):gmatch("(.-)\n\n") do
    local event = { name = block:match("^event: ([^\n]*)"), text = block:match("data: ([^\n]*)") }
    if event.text then
      event.data = lg.json.decode(event.text)
      events[#events + 1] = event
    end
  end
  return events
end

local TEXT = {
  ["openai-chat"] = function(body)
    local text, finish, usage = "", nil, nil
    local events = events_of(body)
    for i, event in ipairs(events) do
      if i == #events then
        lu.assertEquals(event.text, "[DONE]")
      else
        local choice = event.data.choices[1]
        lu.assertTrue(#event.data.obfuscation > 0)
        if choice then text = text .. (choice.delta.content or "") end
        if choice and choice.finish_reason ~= core.null then finish = choice.finish_reason end
        if event.data.usage ~= core.null then usage = event.data.usage end
      end
    end
    lu.assertTrue(usage.total_tokens > 0)
    return text, finish == "stop"
  end,
  ["openai-responses"] = function(body)
    local text, finished = "", false
    for i, event in ipairs(events_of(body)) do
      lu.assertEquals({ event.data.sequence_number, event.data.type }, { i - 1, event.name })
      if event.name == "response.output_text.delta" then text = text .. event.data.delta end
      if event.name == "response.completed" then
        finished = event.data.response.usage.output_tokens > 0
      end
    end
    return text, finished
  end,
  anthropic = function(body)
    local text, reason, pings, last = "", nil, 0, nil
    for _, event in ipairs(events_of(body)) do
      lu.assertEquals(event.data.type, event.name)
      last = event.name
      if last == "content_block_delta" then text = text .. event.data.delta.text end
      if last == "message_delta" then reason = event.data.delta.stop_reason end
      if last == "ping" then pings = pings + 1 end
    end
    lu.assertTrue(pings > 0)
    return text, reason == "end_turn" and last == "message_stop"
  end,
  gemini = function(body)
    local text, finished = "", false
    for _, event in ipairs(events_of(body)) do
      lu.assertNil(event.name)
      local candidate = event.data.candidates[1]
      text = text .. candidate.content.parts[1].text
      finished = candidate.finishReason == "STOP"
    end
    return text, finished
  end,
  ollama = function(body)
    local text, finished = "", false
    for line in body:gmatch("([^\n]+)\n") do
      local value = lg.json.decode(line)
      text, finished = text .. value.message.content, value.done
    end
    return text, finished
  end,
}

local function whole_text(i, json)
  if i == 1 then return json.choices[1].message.content end
  if i == 2 then return json.output[1].content[1].text end
  if i == 3 then return json.content[1].text end
  if i == 4 then return json.candidates[1].content.parts[1].text end
  return json.message.content
end

-- ---- streams -----------------------------------------------------------------------------

TestStream = {}
function TestStream:tearDown() command.remove_files() end

function TestStream:test_the_same_text_as_whole()
  local streams = kit.send({}, STREAMS)
  local wholes = kit.send({}, WHOLE)
  for i, name in ipairs(NAMES) do
    lu.assertEquals({ streams[i].status, wholes[i].status }, { 200, 200 }, name)
    local text, finished = TEXT[name](streams[i].body)
    lu.assertEquals(text, whole_text(i, wholes[i].json), name)
    lu.assertTrue(finished, name)
    lu.assertEquals(streams[i].headers["transfer-encoding"], "chunked", name)
  end
  lu.assertStrContains(streams[1].headers["content-type"], "text/event-stream")
  lu.assertStrContains(streams[5].headers["content-type"], "application/x-ndjson")
end

-- Ids and times are of the body and the clock: only the clock's are taken out.
local function timeless(body)
  return (body:gsub('"created_?a?t?":"?[%d:TZ-]+"?', ""))
end

function TestStream:test_split_anywhere_is_the_same()
  local plain = kit.send({}, STREAMS)
  for _, split in ipairs { "1", "7", "random" } do
    local got, journal = kit.send({ "--split", split }, STREAMS)
    for i, name in ipairs(NAMES) do
      lu.assertEquals(timeless(got[i].body), timeless(plain[i].body), name .. " split " .. split)
      lu.assertEquals({ journal[i].dialect, journal[i].stream, journal[i].whole },
        { name, true, true })
    end
  end
end

function TestStream:test_every_byte_is_a_chunk_of_its_own()
  local got = command.with_mock({ "--split", "1" },
    "post --raw $url/chat/completions -d '" .. lg.json.encode(STREAMS[1].body) .. "'")
  local sizes = {}
  for size in got.out:gmatch("(%x+)\r\n.\r\n") do sizes[size] = (sizes[size] or 0) + 1 end
  lu.assertTrue(sizes["1"] > 500, sizes["1"])
  lu.assertNil(next(sizes, "1"))
end

function TestStream:test_comments_go_between_events()
  local got = kit.send({ "--comments" }, STREAMS)
  for i, name in ipairs(NAMES) do
    local _, finished = TEXT[name](got[i].body)
    lu.assertTrue(finished, name)
  end
  lu.assertStrContains(got[1].body, "\n\n: keep-alive\n\n")
  local _, pings = got[3].body:gsub("event: ping", "")
  lu.assertTrue(pings > 2)
end

function TestStream:test_pace_spreads_the_events()
  local _, journal = kit.send({ "--pace", "20" }, { STREAMS[5] })
  lu.assertTrue(journal[1].finish_us - journal[1].arrival_us > 80000)
end

function TestStream:test_calls_come_in_pieces()
  local tool = { type = "function", ["function"] = { name = "get_weather", parameters = WEATHER } }
  local got = kit.send({ "--split", "3" }, {
    { path = "/v1/chat/completions", body = { model = "m", messages = user(ASK), stream = true,
      tools = { tool } } },
    { path = "/v1/messages", headers = "anthropic", body = { model = "claude-sonnet-5-5",
      max_tokens = 99, messages = user(ASK), stream = true, tools = { { name = "get_weather",
      input_schema = WEATHER } } } },
  })
  local arguments, json = "", ""
  for _, event in ipairs(events_of(got[1].body)) do
    local call = event.data and event.data.choices[1].delta.tool_calls
    if call then arguments = arguments .. (call[1]["function"].arguments or "") end
  end
  for _, event in ipairs(events_of(got[2].body)) do
    json = json .. (event.data.delta and event.data.delta.partial_json or "")
  end
  lu.assertEquals(lg.json.decode(arguments), { city = "Paris" })
  lu.assertEquals(lg.json.decode(json), { city = "Paris" })
end

-- ---- faults ------------------------------------------------------------------------------

TestFaults = {}
function TestFaults:tearDown() command.remove_files() end

function TestFaults:test_errors_have_each_dialects_form()
  for kind, statuses in pairs { ["429-retry-after"] = 429, ["529"] = 529, ["500"] = 500 } do
    local got, journal = kit.send({ "--fault", kind .. "=1" }, STREAMS)
    for i, name in ipairs(NAMES) do
      lu.assertEquals({ got[i].status, journal[i].fault, journal[i].dialect },
        { statuses, kind, name })
    end
    local words = { [429] = { "requests", "rate_limit_error", "RESOURCE_EXHAUSTED" },
      [529] = { "overloaded_error", "overloaded_error", "UNAVAILABLE" },
      [500] = { "server_error", "api_error", "INTERNAL" } }
    lu.assertEquals({ got[1].json.error.type, got[3].json.error.type, got[4].json.error.status },
      words[statuses])
    lu.assertEquals(got[3].json.type, "error")
    lu.assertEquals(type(got[5].json.error), "string")
    if statuses == 429 then
      lu.assertEquals(got[1].headers["retry-after"], "1")
      lu.assertNil(got[4].headers["retry-after"])
      lu.assertEquals(got[4].json.error.details[2].retryDelay, "1s")
    end
  end
end

function TestFaults:test_an_error_under_200_ends_a_stream()
  local got = kit.send({ "--fault", "error-200=1" }, STREAMS)
  local last = {}
  for i = 1, 5 do
    lu.assertEquals(got[i].status, 200)
    last[i] = got[i].body:match("([^\n]+)%s*$")
  end
  lu.assertStrContains(last[1], 'data: {"error":{"code":"server_error"')
  lu.assertStrContains(got[2].body, "\nevent: error\ndata: ")
  lu.assertStrContains(last[3], '"type":"overloaded_error"')
  lu.assertStrContains(got[4].body, '\n\r\n{\n  "error": {\n')
  lu.assertEquals(type(lg.json.decode(last[5]).error), "string")
  local whole = kit.send({ "--fault", "error-200=1" }, WHOLE)
  for i = 1, 5 do
    lu.assertEquals(whole[i].status, 200)
    lu.assertNotNil(whole[i].json.error)
  end
end

function TestFaults:test_a_stream_without_its_end()
  local got = kit.send({ "--fault", "no-finish=1" }, STREAMS)
  lu.assertNotStrContains(got[1].body, "[DONE]")
  lu.assertNotStrContains(got[1].body, '"finish_reason":"stop"')
  lu.assertNotStrContains(got[2].body, "response.completed")
  lu.assertNotStrContains(got[3].body, "message_stop")
  lu.assertNotStrContains(got[4].body, "finishReason")
  lu.assertNotStrContains(got[5].body, '"done":true')
  for i = 1, 5 do lu.assertEquals({ got[i].status, got[i].code }, { 200, 0 }) end
end

function TestFaults:test_a_filter_stops_the_answer_and_bills_it()
  local words = { '"content_filter"', '"content_filter"', '"refusal"', '"SAFETY"' }
  for _, requests in ipairs { WHOLE, STREAMS } do
    local plain = kit.send({}, requests)
    local got = kit.send({ "--fault", "filter=1" }, requests)
    for i, word in ipairs(words) do
      lu.assertEquals({ got[i].status, got[i].code }, { 200, 0 })
      lu.assertStrContains(got[i].body, word, false, i)
      lu.assertNotStrContains(plain[i].body, word)
      lu.assertStrContains(got[i].body:lower(), i == 4 and '"usagemetadata"' or '"usage"')
    end
  end
end

function TestFaults:test_broken_streams()
  local plain = kit.send({}, STREAMS)
  local cut = kit.send({ "--fault", "truncate=1" }, STREAMS)
  local reset = kit.send({ "--fault", "reset-body=1" }, STREAMS)
  local broken = kit.send({ "--fault", "malformed=1", "--split", "5" }, STREAMS)
  for i, name in ipairs(NAMES) do
    local half = #plain[i].body // 2
    lu.assertEquals({ #cut[i].body, cut[i].code }, { half, 0 }, name)
    lu.assertTrue(reset[i].code == 56 or reset[i].code == 18, reset[i].code)
    lu.assertTrue(#reset[i].body <= half, name)
    lu.assertStrContains(broken[i].body, "{<<garbage>>")
  end
end

-- ---- limits ------------------------------------------------------------------------------

TestLimits = {}
function TestLimits:tearDown() command.remove_files() end

function TestLimits:test_the_bucket()
  local limits = rate.new(60, 100)
  local wait, left = rate.take(limits, "k", 0, 40)
  lu.assertEquals({ wait, left.requests.remaining, left.tokens.remaining }, { 0, 59, 60 })
  lu.assertEquals(rate.take(limits, "k", 0, 40), 0)
  local what
  wait, left, what = rate.take(limits, "k", 0, 40)
  lu.assertAlmostEquals(wait, 12, 1e-6)
  lu.assertEquals({ what, left.tokens.remaining }, { "tokens", 20 })
  lu.assertEquals(rate.take(limits, "other", 0, 40), 0) -- a key has its own
  lu.assertEquals(rate.take(limits, "k", 12, 40), 0)
  lu.assertTrue(rate.take(limits, "k", 5, 40) > 0) -- time does not run backwards
  lu.assertEquals(rate.take(limits, "k", 999, 1000), 0) -- more than fits needs all of it,
  lu.assertAlmostEquals(rate.take(limits, "k", 999, 10), 546, 1e-6) -- and is paid off later
end

local function at(request, ms)
  local headers = table.move(kit.headers[request.headers or "openai"], 1, 9, 1, {})
  headers[#headers + 1] = ("x-mock-time-ms: %d"):format(ms)
  return with(request, { headers = headers })
end

function TestLimits:test_requests_a_minute_in_each_dialect()
  for i, name in ipairs(NAMES) do
    local got, journal = kit.send({ "--rpm", "2" }, { at(WHOLE[i], 0), at(WHOLE[i], 0),
      at(WHOLE[i], 0), at(WHOLE[i], 29000), at(WHOLE[i], 30000) })
    local codes = {}
    for at_row, reply in ipairs(got) do codes[at_row] = reply.status end
    lu.assertEquals(codes, { 200, 200, 429, 429, 200 }, name)
    lu.assertEquals({ journal[3].limited, journal[3].fault }, { "requests", core.null })
    local headers = got[3].headers
    if i <= 2 then
      lu.assertEquals({ headers["x-ratelimit-limit-requests"],
        headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"],
        headers["retry-after"], headers["retry-after-ms"] }, { "2", "0", "1m0s", "30", "30000" })
    elseif i == 3 then
      lu.assertEquals({ headers["anthropic-ratelimit-requests-limit"],
        headers["anthropic-ratelimit-requests-reset"], headers["retry-after"] },
        { "2", "1970-01-01T00:01:00Z", "30" })
    elseif i == 4 then
      lu.assertEquals(got[3].json.error.details[2].retryDelay, "30s")
    end
  end
end

function TestLimits:test_tokens_a_minute()
  local got = kit.send({ "--tpm", "60", "--no-retry-after" },
    { at(WHOLE[1], 0), at(WHOLE[1], 0), at(WHOLE[1], 0), at(WHOLE[1], 60000) })
  lu.assertEquals({ got[1].status, got[2].status, got[3].status, got[4].status },
    { 200, 200, 429, 200 })
  lu.assertEquals(tonumber(got[1].headers["x-ratelimit-remaining-tokens"]),
    60 - got[1].json.usage.total_tokens)
  lu.assertNil(got[3].headers["retry-after"])
  lu.assertStrContains(got[3].json.error.message, "tokens per min")
end

os.exit(lu.LuaUnit.run())
