-- test_mock_dialects.lua - lunagrad mock over HTTP: what each dialect answers and what it refuses

local build = os.getenv "BUILD" or os.getenv "LG_BUILD" or "build"
package.path = "tests/lua/?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = build .. "/?.so;" .. package.cpath

local lg = require "lunagrad"
local lu = require "luaunit"
local command = require "command"
local core = require "lunagrad.core"
local kit = require "mock_kit"

local Q, PNG, with, set = kit.QUESTION, kit.PNG, kit.with, kit.set
local WEATHER = { type = "object", properties = { city = { type = "string" } },
  required = { "city" }, additionalProperties = false }
local VERDICT = { type = "object", properties = { answer = { type = "integer" },
  why = { type = "string" } }, required = { "answer", "why" }, additionalProperties = false }
local ASK = "What is the weather in Paris?"

local function user(content) return { { role = "user", content = content } } end

-- Sends bodies that must be refused: each row is { body, what the message holds, param or nil }.
local function refused(path, headers, rows, message_of, status)
  local requests = {}
  for i, row in ipairs(rows) do
    requests[i] = { path = path, headers = row.headers or headers, body = row[1] }
  end
  local replies = kit.send({}, requests)
  lu.assertEquals(#replies, #rows)
  for i, row in ipairs(rows) do
    local reply = replies[i]
    lu.assertEquals(reply.status, row.status or status or 400, ("row %d: %s"):format(i, reply.body))
    local message, param = message_of(reply.json)
    lu.assertStrContains(message, row[2], false, false, "row " .. i)
    if row[3] then lu.assertEquals(param, row[3], "row " .. i) end
  end
end

-- ---- OpenAI Chat -------------------------------------------------------------------------

TestChat = {}
function TestChat:tearDown() command.remove_files() end

local CHAT = { model = "org/gpt-any", messages = user(Q) }
local TOOL = { type = "function", ["function"] = { name = "get_weather", description = "Weather",
  parameters = WEATHER, strict = true } }

function TestChat:test_good()
  local format = { type = "json_schema", json_schema = { name = "v", strict = true,
    schema = VERDICT } }
  local image = { { type = "text", text = "What is this?" }, { type = "image_url",
    image_url = { url = "data:image/png;base64," .. PNG } } }
  local replies, journal = kit.send({}, {
    { path = "/v1/chat/completions", body = CHAT },
    { path = "/v1/chat/completions", body = with(CHAT, { response_format = format }) },
    { path = "/v1/chat/completions", body = with(CHAT, { messages = user(image) }) },
    { path = "/v1/chat/completions", body = with(CHAT, { messages = user(ASK),
      tools = { TOOL } }) },
    { path = "/v1/chat/completions", body = with(CHAT, { model = "gpt-5-mini",
      max_completion_tokens = 10 }) },
  })
  local first = replies[1].json
  lu.assertEquals(first.model, "org/gpt-any")
  lu.assertStrContains(first.choices[1].message.content, "fruits")
  lu.assertNotNil(replies[1].headers["x-request-id"])
  local filled = lg.json.decode(replies[2].json.choices[1].message.content)
  lu.assertEquals(math.type(filled.answer), "integer")
  lu.assertStrContains(replies[3].json.choices[1].message.content, "3 pixels wide and 2 pixels")
  local call = replies[4].json.choices[1]
  lu.assertEquals(call.finish_reason, "tool_calls")
  lu.assertEquals(lg.json.decode(call.message.tool_calls[1]["function"].arguments),
    { city = "Paris" })
  local thought = replies[5].json -- the budget goes into thinking
  lu.assertEquals({ thought.choices[1].message.content, thought.choices[1].finish_reason },
    { "", "length" })
  lu.assertEquals(thought.usage.completion_tokens_details.reasoning_tokens, 10)
  lu.assertEquals(journal[1].dialect, "openai-chat")
  lu.assertEquals(journal[1].tokens, first.usage.total_tokens)
end

function TestChat:test_tool_results_are_answered_from()
  local asked = { role = "assistant", content = core.null, tool_calls = { { id = "c1",
    type = "function", ["function"] = { name = "get_weather", arguments = "{}" } } } }
  local result = { role = "tool", tool_call_id = "c1", content = "21 degrees" }
  local function talk(...) return with(CHAT, { messages = { { role = "user", content = ASK }, ... },
    tools = { TOOL } }) end
  local replies = kit.send({}, { { path = "/v1/chat/completions", body = talk(asked, result) } })
  lu.assertStrContains(replies[1].json.choices[1].message.content, "21 degrees")
  refused("/v1/chat/completions", "openai", {
    { talk(asked), "did not have response messages: c1" },
    { talk(asked, { role = "user", content = "and?" }), "did not have response messages: c1" },
    { talk(result), "must be a response to a preceeding message" },
    { talk(asked, with(result, { tool_call_id = "c2" })), "'tool_call_id' of 'c2' not found" },
  }, function(json) return json.error.message end)
end

local function openai_error(json) return json.error.message, json.error.param end

function TestChat:test_refusals()
  local function chat(changes) return with(CHAT, changes) end
  local function url(text) return chat { messages = user { { type = "image_url",
    image_url = { url = text } } } } end
  local open = set(VERDICT, "required", { "answer" })
  local function schema(s) return chat { response_format = { type = "json_schema", json_schema = {
    name = "v", strict = true, schema = s } } } end
  refused("/v1/chat/completions", "openai", {
    { chat { model = "o3", temperature = 0.5 }, "Only the default (1) value", "temperature" },
    { chat { model = "gpt-5.1", temperature = 0.5, reasoning_effort = "low" }, "Only the default",
      "temperature" },
    { chat { model = "gpt-5-mini", max_tokens = 5 }, "Use 'max_completion_tokens'", "max_tokens" },
    { chat { model = "o4-mini", stop = "x" }, "'stop' is not supported", "stop" },
    { chat { model = "gpt-4o", reasoning_effort = "low" }, "Unrecognized request argument" },
    { chat { model = "gpt-5.4", tools = { TOOL }, reasoning_effort = "low" },
      "Function tools with reasoning_effort", "reasoning_effort" },
    { chat { model = "gpt-5.6-terra", tools = { TOOL } }, "are not supported for gpt-5.6-terra",
      "reasoning_effort" },
    { chat { nonsense = 1 }, "Unknown parameter: 'nonsense'", "nonsense" },
    { chat { temperature = "hot" }, "expected a decimal, but got a string", "temperature" },
    { chat { top_p = 2 }, "above maximum value", "top_p" },
    { chat { stop = { "a", "b", "c", "d", "e" } }, "array too long", "stop" },
    { chat { messages = user { { type = "text" } } }, "Missing required parameter",
      "messages[0].content[0].text" },
    { chat { messages = { { role = "robot", content = "x" } } }, "Invalid value: 'robot'",
      "messages[0].role" },
    { chat { messages = { { role = "assistant" } } }, "got null" },
    { chat { stream_options = { include_usage = true } }, "only allowed when 'stream'" },
    { chat { tool_choice = "auto" }, "only allowed when 'tools'", "tool_choice" },
    { chat { tools = { TOOL }, tool_choice = { type = "function", ["function"] = { name = "x" } } },
      "Tool choice 'x' not found" },
    { chat { tools = { TOOL, TOOL } }, "must be unique" },
    { url("data:image/bmp;base64," .. PNG), "unsupported image" },
    { url("data:image/png;base64,%%%"), "Invalid image_url" },
    { url("data:image/png;base64,AAAA"), "does not represent a valid image" },
    { schema(open), "Missing 'why'" },
    { schema(set(VERDICT, "additionalProperties", true)), "'additionalProperties' is required" },
    { schema({ type = "array", items = VERDICT }), "got 'type: \"array\"'" },
    { chat { response_format = { type = "json_object" } }, "must contain the word 'json'" },
    { lg.json.encode(CHAT), "Unsupported content type",
      headers = { "Content-Type: text/plain", "Authorization: Bearer k" } },
    { CHAT, "You didn't provide an API key", status = 401,
      headers = { "Content-Type: application/json" } },
  }, openai_error)
end

function TestChat:test_effort_none_opens_what_is_refused()
  local replies = kit.send({}, {
    { path = "/v1/chat/completions", body = with(CHAT, { model = "gpt-5.6", tools = { TOOL },
      reasoning_effort = "none", temperature = 0.3 }) },
    { path = "/v1/chat/completions", body = with(CHAT, { model = "gpt-5.4", tools = { TOOL } }) },
  })
  lu.assertEquals({ replies[1].status, replies[2].status }, { 200, 200 })
end

function TestChat:test_azure()
  local base = "/openai/deployments/dep/chat/completions"
  local replies, journal = kit.send({ "--key", "k" }, {
    { path = base .. "?api-version=2024-10-21", headers = "azure", body = { messages = user(Q) } },
    { path = base, headers = "azure", body = { messages = user(Q) } },
    { path = base .. "?api-version=2024-10-21", headers = { "Content-Type: application/json",
      "api-key: wrong" }, body = { messages = user(Q) } },
    { path = "/openai/v1/chat/completions", headers = "azure", body = CHAT },
    { path = "/openai/v1/responses", headers = "openai", body = { model = "dep", input = Q } },
    { path = base .. "?api-version=2024-10-21", headers = "azure", body = { messages = user(Q),
      stream = true } },
  })
  local codes = {}
  for i, reply in ipairs(replies) do codes[i] = reply.status end
  lu.assertEquals(codes, { 200, 404, 401, 200, 200, 200 })
  lu.assertEquals(replies[1].json.prompt_filter_results[1].prompt_index, 0)
  lu.assertEquals(replies[3].json.error.code, "401")
  lu.assertStrContains(replies[6].body:match("^data: [^\n]*"), '"choices":[]')
  lu.assertEquals({ journal[1].dialect, journal[5].dialect }, { "azure-chat", "azure-responses" })
end

-- ---- OpenAI Responses --------------------------------------------------------------------

TestResponses = {}
function TestResponses:tearDown() command.remove_files() end

local FLAT = { type = "function", name = "get_weather", description = "Weather",
  parameters = WEATHER, strict = true }

function TestResponses:test_good()
  local image = { { type = "input_text", text = "What is this?" }, { type = "input_image",
    image_url = "data:image/png;base64," .. PNG } }
  local replies = kit.send({}, {
    { path = "/v1/responses", body = { model = "m", input = Q, instructions = "Be brief." } },
    { path = "/v1/responses", body = { model = "m", input = user(image) } },
    { path = "/v1/responses", body = { model = "gpt-5.6", input = ASK, tools = { FLAT } } },
    { path = "/v1/responses", body = { model = "m", input = { { role = "user", content = ASK },
      { type = "function_call", call_id = "c", name = "get_weather", arguments = "{}" },
      { type = "function_call_output", call_id = "c", output = "rain" } } } },
    { path = "/v1/responses", body = { model = "m", input = Q, text = { format = {
      type = "json_schema", name = "v", strict = true, schema = VERDICT } } } },
    { path = "/v1/responses", body = { model = "gpt-5", input = Q, max_output_tokens = 16 } },
  })
  for _, reply in ipairs(replies) do lu.assertEquals(reply.status, 200, reply.body) end
  lu.assertEquals(replies[1].json.status, "completed")
  lu.assertEquals(replies[1].json.output[1].content[1].type, "output_text")
  lu.assertStrContains(replies[2].json.output[1].content[1].text, "3 pixels wide")
  lu.assertEquals({ replies[3].json.output[1].type, replies[3].json.output[2].type },
    { "reasoning", "function_call" })
  lu.assertStrContains(replies[4].json.output[1].content[1].text, "rain")
  lu.assertNotNil(lg.json.decode(replies[5].json.output[1].content[1].text).why)
  lu.assertEquals(replies[6].json.status, "incomplete")
  lu.assertEquals(replies[6].json.incomplete_details.reason, "max_output_tokens")
end

function TestResponses:test_refusals()
  local function ask(changes) return with({ model = "m", input = Q }, changes) end
  refused("/v1/responses", "openai", {
    { ask { seed = 1 }, "Unknown parameter: 'seed'", "seed" },
    { ask { stop = "x" }, "Unknown parameter: 'stop'", "stop" },
    { ask { n = 2 }, "Unknown parameter: 'n'" },
    { ask { messages = user(Q) }, "Unknown parameter: 'messages'" },
    { ask { input = false }, "Missing required parameter: 'input'" },
    { ask { model = "gpt-5", temperature = 0.2 }, "'temperature' is not supported", "temperature" },
    { ask { model = "gpt-4o", reasoning = { effort = "low" } }, "reasoning.effort" },
    { ask { max_output_tokens = 5 }, "below minimum value", "max_output_tokens" },
    { ask { input = { { role = "robot", content = "x" } } }, "Invalid value: 'robot'" },
    { ask { input = user { { type = "text", text = "x" } } }, "Invalid value: 'text'" },
    { ask { input = { { type = "function_call_output", call_id = "z", output = "x" } } },
      "No tool call found for function call output with call_id z" },
    { ask { input = { { type = "function_call", call_id = "z", name = "f", arguments = "{}" } } },
      "No tool output found for function call z" },
    { ask { tools = { TOOL } }, "Unknown parameter: 'tools[0].function'" },
    { ask { previous_response_id = "resp_1" }, "not found", "previous_response_id" },
  }, openai_error)
end

-- ---- Anthropic ---------------------------------------------------------------------------

TestAnthropic = {}
function TestAnthropic:tearDown() command.remove_files() end

local CLAUDE = { model = "claude-sonnet-5-5", max_tokens = 500, messages = user(Q) }
local OLD = with(CLAUDE, { model = "claude-3-5-haiku-latest" })
local TOOL_A = { name = "get_weather", description = "Weather", input_schema = WEATHER }

local function image_block(data, kind)
  return { type = "image", source = { type = "base64", media_type = kind or "image/png",
    data = data } }
end

function TestAnthropic:test_good()
  local use = { role = "assistant", content = { { type = "tool_use", id = "t", name = "get_weather",
    input = { city = "Paris" } } } }
  local result = { role = "user", content = { { type = "tool_result", tool_use_id = "t",
    content = "rain" } } }
  local bearer = { "Content-Type: application/json", "Authorization: Bearer k",
    "anthropic-version: 2026-10-21" }
  local replies, journal = kit.send({}, {
    { path = "/v1/messages", headers = bearer, body = CLAUDE },
    { path = "/v1/messages", headers = "anthropic_old", body = with(OLD, { temperature = 0.5 }) },
    { path = "/v1/messages", headers = "anthropic", body = with(CLAUDE, { messages = user {
      image_block(PNG) } }) },
    { path = "/v1/messages", headers = "anthropic", body = with(CLAUDE, { messages = user(ASK),
      tools = { TOOL_A } }) },
    { path = "/v1/messages", headers = "anthropic", body = with(CLAUDE, { tools = { TOOL_A },
      messages = { { role = "user", content = ASK }, use, result } }) },
    { path = "/v1/messages", headers = "anthropic", body = with(CLAUDE, { output_config = {
      format = { type = "json_schema", schema = VERDICT } } }) },
    { path = "/v1/messages", headers = "anthropic_old", body = with(OLD, { messages = {
      { role = "user", content = Q }, { role = "assistant", content = "So" } } }) },
    { path = "/v1/messages", headers = "anthropic", body = with(CLAUDE, { max_tokens = 1 }) },
  })
  for _, reply in ipairs(replies) do lu.assertEquals(reply.status, 200, reply.body) end
  lu.assertEquals(replies[1].json.stop_reason, "end_turn")
  lu.assertNotNil(replies[1].headers["request-id"])
  lu.assertStrContains(replies[3].json.content[1].text, "3 pixels wide")
  lu.assertEquals(replies[4].json.stop_reason, "tool_use")
  lu.assertEquals(replies[4].json.content[1].input, { city = "Paris" })
  lu.assertStrContains(replies[5].json.content[1].text, "rain")
  lu.assertNotNil(lg.json.decode(replies[6].json.content[1].text).why)
  lu.assertEquals(replies[8].json.stop_reason, "max_tokens")
  lu.assertEquals(journal[1].dialect, "anthropic")
end

local function anthropic_error(json)
  lu.assertEquals(json.type, "error")
  lu.assertStrContains(json.request_id, "req_")
  return json.error.message, json.error.type
end

function TestAnthropic:test_refusals()
  local function ask(changes) return with(CLAUDE, changes) end
  local function old(changes) return with(OLD, changes) end
  local prefill = { { role = "user", content = Q }, { role = "assistant", content = "So" } }
  local use = { type = "tool_use", id = "t", name = "f", input = {} }
  local stray = { type = "tool_result", tool_use_id = "q", content = "x" }
  local BAD, V1 = "invalid_request_error", "anthropic_old"
  refused("/v1/messages", "anthropic", {
    { ask { max_tokens = false }, "max_tokens: Field required", BAD },
    { ask { temperature = 0.5 }, "temperature: Extra inputs", BAD },
    { ask { top_k = 5 }, "top_k: Extra inputs", BAD },
    { old { temperature = 0.5, top_p = 0.5, model = "claude-sonnet-4-5-20250929" },
      "cannot both be specified", headers = V1 },
    { old { temperature = 1.5 }, "less than or equal to 1", headers = V1 },
    { ask { temperature = 0.5, model = "claude-opus-4-7" }, "deprecated for this model",
      headers = V1 },
    { ask { messages = prefill }, "does not support assistant message prefill" },
    { ask { thinking = { type = "enabled", budget_tokens = 2048 }, max_tokens = 4096 },
      "not supported for this model" },
    { ask { nonsense = 1 }, "nonsense: Extra inputs are not permitted", BAD },
    { ask { max_tokens = "5" }, "max_tokens: Input should be a valid integer" },
    { ask { messages = { { role = "tool", content = "x" } } }, "messages.0.role: Input should be" },
    { ask { messages = user { image_block("%%") } }, "invalid base64" },
    { ask { messages = user { image_block("AAAA") } }, "Could not process image" },
    { ask { messages = user { image_block(PNG, "image/jpeg") } }, "does not match" },
    { ask { messages = user { image_block(PNG, "image/bmp") } }, "Input should be 'image/jpeg'" },
    { ask { messages = user { stray } }, "unexpected `tool_use_id`" },
    { ask { messages = { { role = "user", content = Q }, { role = "assistant",
      content = { use } }, { role = "user", content = "well?" } } },
      "without `tool_result` blocks immediately after: t" },
    { ask { messages = user("") }, "non-empty content" },
    { ask { tool_choice = { type = "auto" } }, "while providing tools" },
    { ask { tools = { { name = "f", input_schema = {} } } }, "input_schema.type" },
    { ask { messages = { { role = "user", content = { { type = "text", text = "x",
      citations = {} } } } } }, "citations" },
    { CLAUDE, "anthropic-version: header is required", headers = {
      "Content-Type: application/json", "x-api-key: k" } },
    { CLAUDE, "not a valid version", headers = { "Content-Type: application/json", "x-api-key: k",
      "anthropic-version: 2020-01-01" } },
    { lg.json.encode(CLAUDE), "content-type", headers = { "Content-Type: text/plain",
      "x-api-key: k", "anthropic-version: 2026-10-21" } },
    { CLAUDE, "x-api-key header is required", "authentication_error", status = 401, headers = {
      "Content-Type: application/json", "anthropic-version: 2026-10-21" } },
  }, anthropic_error)
end

-- ---- Gemini ------------------------------------------------------------------------------

TestGemini = {}
function TestGemini:tearDown() command.remove_files() end

local GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent"
local function contents(...) return { { role = "user", parts = { ... } } } end

function TestGemini:test_good()
  local tools = { { functionDeclarations = { { name = "get_weather", description = "Weather",
    parametersJsonSchema = WEATHER } } } }
  local replies, journal = kit.send({}, {
    { path = GENERATE, headers = "gemini", body = { contents = contents { text = Q },
      systemInstruction = { parts = { { text = "Be brief." } } } } },
    { path = GENERATE, headers = "gemini", body = { contents = contents({ text = "What?" },
      { inlineData = { mimeType = "image/png", data = PNG } }) } },
    { path = GENERATE, headers = "gemini", body = { contents = contents { text = ASK },
      tools = tools } },
    { path = GENERATE, headers = "gemini", body = { tools = tools, contents = {
      { role = "user", parts = { { text = ASK } } },
      { role = "model", parts = { { functionCall = { name = "get_weather", args = {} } } } },
      { role = "user", parts = { { functionResponse = { name = "get_weather",
        response = { output = "rain" } } } } } } } },
    { path = GENERATE, headers = "gemini", body = { contents = contents { text = Q },
      generation_config = { response_mime_type = "application/json",
        responseJsonSchema = VERDICT } } },
    { path = "/v1beta/models/e:batchEmbedContents?key=k",
      headers = { "Content-Type: application/json" },
      body = { requests = { { model = "models/e", content = { parts = { { text = "a" } } },
        outputDimensionality = 16 } } } },
    { path = "/v1beta/models", headers = "gemini" },
  })
  for _, reply in ipairs(replies) do lu.assertEquals(reply.status, 200, reply.body) end
  lu.assertEquals(replies[1].json.candidates[1].finishReason, "STOP")
  lu.assertEquals(replies[1].json.usageMetadata.thoughtsTokenCount, 64)
  lu.assertStrContains(replies[2].json.candidates[1].content.parts[1].text, "3 pixels wide")
  lu.assertEquals(replies[3].json.candidates[1].content.parts[1].functionCall.args,
    { city = "Paris" })
  lu.assertStrContains(replies[4].json.candidates[1].content.parts[1].text, "rain")
  lu.assertNotNil(lg.json.decode(replies[5].json.candidates[1].content.parts[1].text).why)
  lu.assertEquals(#replies[6].json.embeddings[1].values, 16)
  lu.assertEquals(replies[7].json.models[1].name, "models/sim/default")
  lu.assertEquals(journal[1].dialect, "gemini")
end

function TestGemini:test_refusals()
  local function ask(config, parts)
    return { contents = contents(parts or { text = Q }), generationConfig = config }
  end
  local BAD = "INVALID_ARGUMENT"
  refused(GENERATE, "gemini", {
    { { contents = contents { text = Q }, nonsense = 1 }, 'Unknown name "nonsense"', BAD },
    { '{"contents":[]}', "contents is not specified", BAD },
    { { contents = contents { text = Q }, tools = { { functionDeclarations = { { name = "a" },
      { name = "a" } } } } }, "Duplicate function declaration found: a", BAD },
    { ask({ temperature = "x" }), "(TYPE_FLOAT)", BAD },
    { ask({ temperature = 3 }), "more than the maximum" },
    { ask({ maxTokens = 3 }), "Unknown name \"maxTokens\" at 'generationConfig'" },
    { ask({ responseJsonSchema = VERDICT }), "must be 'application/json'" },
    { ask({ thinkingConfig = { thinkingBudget = 1, thinkingLevel = "LOW" } }), "only one of" },
    { ask({ thinkingConfig = { thinkingLevel = "LOW" } }), "not supported for this model" },
    { ask(nil, { inlineData = { mimeType = "image/png", data = "%%" } }), "Base64 decoding" },
    { ask(nil, { inlineData = { mimeType = "image/xyz", data = PNG } }), "Unsupported MIME type" },
    { ask(nil, { inlineData = { mimeType = "image/png", data = "AAAA" } }), "Unable to process" },
    { ask(nil, { thought = true }), "required oneof field" },
    { ask(nil, { functionResponse = { name = "f", response = {} } }),
      "immediately after a function call" },
    { { contents = { { role = "robot", parts = { { text = "x" } } } } }, "valid role" },
    { ask(), "unregistered callers", "PERMISSION_DENIED", status = 403,
      headers = { "Content-Type: application/json" } },
  }, function(json) return json.error.message, json.error.status end)
  local replies = kit.send({ "--key", "other" }, {
    { path = GENERATE, headers = "gemini", body = ask() },
    { path = "/v1beta/models/x:nothing", headers = "gemini", body = ask() } })
  lu.assertEquals({ replies[1].status, replies[1].json.error.details[1].reason },
    { 400, "API_KEY_INVALID" })
  lu.assertEquals({ replies[2].status, replies[2].json.error.status }, { 404, "NOT_FOUND" })
end

-- ---- Ollama ------------------------------------------------------------------------------

TestOllama = {}
function TestOllama:tearDown() command.remove_files() end

function TestOllama:test_good()
  local tool = { type = "function", ["function"] = { name = "get_weather", parameters = WEATHER } }
  local replies, journal = kit.send({}, {
    { path = "/api/chat", headers = "ollama", body = { model = "qwen3:8b", messages = user(Q) } },
    { path = "/api/chat", headers = "ollama", body = set({ model = "m", messages = user(Q),
      format = VERDICT, unknown = 1 }, "stream", false) },
    { path = "/api/chat", headers = "ollama", body = set({ model = "m", messages = { {
      role = "user", content = "What?", images = { PNG } } } }, "stream", false) },
    { path = "/api/chat", headers = "ollama", body = set({ model = "m", messages = user(ASK),
      tools = { tool } }, "stream", false) },
    { path = "/api/embed", headers = "ollama", body = { model = "m", input = { "a", "b" } } },
    { path = "/api/tags", headers = "ollama" }, { path = "/api/version", headers = "ollama" },
  })
  for _, reply in ipairs(replies) do lu.assertEquals(reply.status, 200, reply.body) end
  local text, final = "", nil
  for line in replies[1].body:gmatch("[^\n]+") do
    final = lg.json.decode(line)
    text = text .. final.message.content
  end
  lu.assertStrContains(text, "fruits")
  lu.assertEquals({ final.done, final.done_reason }, { true, "stop" })
  lu.assertNotNil(lg.json.decode(replies[2].json.message.content).why)
  lu.assertStrContains(replies[3].json.message.content, "3 pixels wide")
  lu.assertEquals(replies[4].json.message.tool_calls[1]["function"].arguments, { city = "Paris" })
  lu.assertEquals(#replies[5].json.embeddings, 2)
  lu.assertEquals(journal[1].dialect, "ollama")
end

function TestOllama:test_refusals()
  local function ask(changes) return with({ model = "m", messages = user(Q) }, changes) end
  refused("/api/chat", "ollama", {
    { ask { model = false }, "model is required" },
    { ask { stream = "yes" }, "cannot unmarshal string into Go struct field" },
    { ask { format = "yaml" }, "invalid format" },
    { ask { options = { temperature = "x" } }, 'option "temperature" must be of type float32' },
    { ask { messages = { { role = "robot", content = "x" } } }, "invalid role" },
    { ask { messages = { { role = "user", content = "x",
      images = { "data:image/png;base64," .. PNG } } } }, "illegal base64" },
    { ask { messages = { { role = "user", content = "x", images = { "AAAA" } } } },
      "Failed to load" },
    { ask { think = "hard" }, "invalid think value" },
    { "{", "invalid request" },
  }, function(json) return json.error end)
end

-- ---- embeddings and images ---------------------------------------------------------------

TestOther = {}
function TestOther:tearDown() command.remove_files() end

function TestOther:test_embeddings()
  local body = { model = "text-embedding-3-small", input = { "red cat", "red dog", "x y z" },
    dimensions = 64 }
  local replies = kit.send({}, {
    { path = "/v1/embeddings", body = body },
    { path = "/v1/embeddings", body = with(body, { encoding_format = "base64" }) },
    { path = "/v1/embeddings", body = with(body, { input = "" }) },
    { path = "/v1/embeddings", body = with(body, { encoding_format = "int8" }) },
    { path = "/v1/embeddings", body = with(body, { dimensions = 9999 }) },
  })
  local data = replies[1].json.data
  local function dot(a, b)
    local sum = 0
    for i = 1, 64 do sum = sum + data[a].embedding[i] * data[b].embedding[i] end
    return sum
  end
  lu.assertAlmostEquals(dot(1, 1), 1, 1e-5)
  lu.assertTrue(dot(1, 2) > dot(1, 3))
  local wire = require "lunagrad.world.wire"
  local bytes = wire.unbase64(replies[2].json.data[1].embedding)
  lu.assertEquals(#bytes, 256)
  lu.assertAlmostEquals(string.unpack("<f", bytes, 1), data[1].embedding[1], 1e-7)
  for i = 3, 5 do lu.assertEquals(replies[i].status, 400) end
end

function TestOther:test_images()
  local function form(kind, bytes)
    return "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nbluer\r\n--B\r\n"
      .. "Content-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: "
      .. kind .. "\r\n\r\n" .. bytes .. "\r\n--B--\r\n"
  end
  local wire = require "lunagrad.world.wire"
  local headers = { "Authorization: Bearer k", "Content-Type: multipart/form-data; boundary=B" }
  local replies = kit.send({}, {
    { path = "/v1/images/generations", body = { model = "gpt-image-1", prompt = "a cat", n = 2 } },
    { path = "/v1/images/generations", body = { model = "gpt-image-1", prompt = "a cat", n = 2 } },
    { path = "/v1/images/generations", body = { model = "gpt-image-1" } },
    { path = "/v1/images/edits", headers = headers, body = form("image/png", wire.unbase64(PNG)) },
    { path = "/v1/images/edits", headers = headers, body = form("image/png", "no picture") },
    { path = "/v1/images/edits", body = { prompt = "x" } },
  })
  local codes = {}
  for i, reply in ipairs(replies) do codes[i] = reply.status end
  lu.assertEquals(codes, { 200, 200, 400, 200, 400, 400 })
  local first = replies[1].json.data
  lu.assertEquals(first, replies[2].json.data)
  lu.assertNotEquals(first[1], first[2])
  local media = require("lunagrad.world.pictures").read(first[1].b64_json)
  lu.assertEquals({ media.type, media.width, media.height }, { "image/png", 16, 16 })
end

function TestOther:test_lists_health_and_paths()
  local replies = kit.send({ "--model", "noise=0.5" }, {
    { path = "/v1/models" }, { path = "/v1/models", headers = "anthropic" },
    { path = "/health", headers = {} }, { path = "/v1/none", body = {} },
    { path = "/v1/messages/none", body = {} }, { path = "/v1beta/none", body = {} },
    { path = "/api/none", body = {} }, { path = "/v1/messages", headers = "anthropic" },
  })
  lu.assertEquals(replies[1].json.data[2].id, "sim/noise=0.5")
  lu.assertEquals(replies[2].json.data[1].type, "model")
  lu.assertEquals(replies[3].json.status, "ok")
  for i = 4, 7 do lu.assertEquals(replies[i].status, 404, replies[i].body) end
  lu.assertEquals(replies[5].json.error.type, "not_found_error")
  lu.assertEquals(replies[6].json.error.status, "NOT_FOUND")
  lu.assertEquals(replies[8].status, 405)
end

os.exit(lu.LuaUnit.run())
