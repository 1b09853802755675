--- OpenAI Chat Completions as the mock server speaks it, of OpenAI and of Azure.
--
-- Reads a request as strictly as the real server does, and writes what the world answers, whole
-- or as a stream. Pure: no server, no faults.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local openai = require "lunagrad.cli.mock.openai"
local schema = require "lunagrad.world.fill"
local wire = require "lunagrad.world.wire"
local world = require "lunagrad.world.neutral"

local chat = { name = "openai-chat", auth = openai.auth, fault = openai.fault,
  limit_headers = openai.limit_headers, headers = openai.headers,
  stream_error = openai.stream_error, too_big = openai.too_big, bad_method = openai.bad_method }

-- ---- what a request may hold -------------------------------------------------------------

local S = check
local TEXT = S.object({ type = S.string, text = S.string, prompt_cache_breakpoint = S.map },
  { "text" })
local USER_PARTS = S.tagged("type", {
  text = TEXT,
  image_url = S.object({ type = S.string, image_url = S.object({ url = S.string,
    detail = S.enum("auto", "low", "high", "original") }, { "url" }) }, { "image_url" }),
  input_audio = S.object({ type = S.string, input_audio = S.object({ data = S.string,
    format = S.enum("wav", "mp3") }, { "data", "format" }) }, { "input_audio" }),
  file = S.object({ type = S.string, file = S.object({ file_data = S.string, file_id = S.string,
    filename = S.string }) }, { "file" }),
})

local function content(parts) return S.union { string = S.string, list = S.list(parts, 1) } end

local ONLY_TEXT = content(S.tagged("type", { text = TEXT }))
local CALL = S.tagged("type", { ["function"] = S.object({ id = S.name, type = S.string,
  ["function"] = S.object({ name = S.word, arguments = S.string }, { "name", "arguments" }) },
  { "id", "function" }) })
local ROLES = {
  system = S.object({ role = S.string, content = ONLY_TEXT, name = S.string }, { "content" }),
  developer = S.object({ role = S.string, content = ONLY_TEXT, name = S.string }, { "content" }),
  user = S.object({ role = S.string, content = content(USER_PARTS), name = S.string },
    { "content" }),
  assistant = S.object({ role = S.string, name = S.string, refusal = S.string, audio = S.map,
    annotations = S.list(S.map), function_call = S.map, tool_calls = S.list(CALL, 1, 128),
    content = content(S.tagged("type", { text = TEXT, refusal = S.object({ type = S.string,
      refusal = S.string }, { "refusal" }) })) }),
  tool = S.object({ role = S.string, content = ONLY_TEXT, tool_call_id = S.string },
    { "content", "tool_call_id" }),
}
local TOOL = S.tagged("type", { ["function"] = S.object({ type = S.string,
  ["function"] = S.object({ name = S.name, description = S.string, parameters = S.map,
    strict = S.boolean }, { "name" }) }, { "function" }) })
local FORMAT = S.tagged("type", { text = S.object { type = S.string },
  json_object = S.object { type = S.string },
  json_schema = S.object({ type = S.string, json_schema = S.object({ name = S.name,
    description = S.string, schema = S.map, strict = S.boolean }, { "name" }) },
    { "json_schema" }) })
local EFFORT = S.enum("none", "minimal", "low", "medium", "high", "xhigh", "max")

chat.spec = S.object({
  model = S.name, messages = S.list(S.tagged("role", ROLES), 1),
  max_tokens = S.integer(1), max_completion_tokens = S.integer(1),
  temperature = S.number(0, 2), top_p = S.number(0, 1), n = S.integer(1, 128),
  seed = S.integer(), presence_penalty = S.number(-2, 2), frequency_penalty = S.number(-2, 2),
  stop = S.union { string = S.string, list = S.list(S.string, 1, 4) },
  logit_bias = S.map, logprobs = S.boolean, top_logprobs = S.integer(0, 20),
  response_format = FORMAT, tools = S.list(TOOL, 1, 128),
  tool_choice = S.union { string = S.enum("none", "auto", "required"), object =
    S.tagged("type", { ["function"] = S.object({ type = S.string,
      ["function"] = S.object({ name = S.name }, { "name" }) }, { "function" }) }) },
  parallel_tool_calls = S.boolean, reasoning_effort = EFFORT,
  verbosity = S.enum("low", "medium", "high"), stream = S.boolean,
  stream_options = S.object({ include_usage = S.boolean, include_obfuscation = S.boolean }),
  modalities = S.list(S.enum("text", "audio")), audio = S.map, prediction = S.map,
  metadata = S.map, store = S.boolean, web_search_options = S.map,
  service_tier = S.enum("auto", "default", "flex", "scale", "priority", "fast"),
  prompt_cache_key = S.string, prompt_cache_options = S.map, prompt_cache_retention = S.string,
  safety_identifier = S.string, user = S.string, functions = S.list(S.map), function_call = S.any,
}, { "messages" })

-- ---- reading ---------------------------------------------------------------------------------

local IMAGE_TYPES = { ["image/png"] = true, ["image/jpeg"] = true, ["image/gif"] = true,
  ["image/webp"] = true }

local function read_image(url, where)
  local found, declared = media.read_url(url)
  if declared and not IMAGE_TYPES[declared] then
    return openai.bad(("You uploaded an unsupported image. Please make sure your image has of one "
      .. "the following formats: ['png', 'jpeg', 'gif', 'webp']; %s is none."):format(declared),
      where, "invalid_image_format")
  elseif not found then
    return openai.bad("Invalid image_url: expected a base64-encoded data URL with an image MIME "
      .. "type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), or a URL.", where,
      "invalid_value")
  elseif not found.url and not IMAGE_TYPES[found.type] then
    return openai.bad("The image data you provided does not represent a valid image. Please check "
      .. "your input and try again.", where, "invalid_image")
  end
  return found
end
chat.read_image = read_image

local function read_part(part, where)
  if part.type == "image_url" then
    return read_image(part.image_url.url, where .. ".image_url.url")
  elseif part.type == "input_audio" then
    local found = media.read(part.input_audio.data)
    if not found or not (found.type or ""):find("^audio/") then
      return openai.bad("The audio data you provided does not represent a valid audio file.", where,
        "invalid_value")
    end
    return found
  elseif part.type == "file" then
    local found = part.file.file_data and media.read_url(part.file.file_data)
    if not found then
      return openai.bad(("Invalid '%s.file.file_data': expected a base64-encoded data URL.")
        :format(where), where, "invalid_value")
    end
    return found
  end
  return part.text or part.refusal
end

-- Text and media of a content.
local function read_content(value, where)
  if value == nil then return "" end
  if type(value) == "string" then return value end
  local texts, shown = {}, {}
  for i, part in ipairs(value) do
    local read, refusal = read_part(part, ("%s[%d]"):format(where, i - 1))
    if not read then return nil, refusal end
    if type(read) == "string" then texts[#texts + 1] = read else shown[#shown + 1] = read end
  end
  return table.concat(texts, "\n"), nil, shown
end

-- Every call must be answered at once, and every answer belong to a call.
local function check_order(messages)
  local open, n_open, asked = {}, 0, nil
  for i, message in ipairs(messages) do
    local where = ("messages.[%d].role"):format(i - 1)
    if message.role == "tool" then
      if not asked then
        return openai.bad("Invalid parameter: messages with role 'tool' must be a response to a "
          .. "preceeding message with 'tool_calls'.", where)
      elseif not open[message.tool_call_id] then
        return openai.bad(("Invalid parameter: 'tool_call_id' of '%s' not found in 'tool_calls' of "
          .. "previous message."):format(message.tool_call_id),
          ("messages.[%d].tool_call_id"):format(i - 1))
      end
      open[message.tool_call_id], n_open = nil, n_open - 1
    else
      if n_open > 0 then break end
      asked = message.tool_calls and i
      for _, call in ipairs(message.tool_calls or {}) do
        open[call.id], n_open = true, n_open + 1
      end
    end
  end
  if n_open == 0 then return true end
  local ids = {}
  for id in pairs(open) do ids[#ids + 1] = id end
  table.sort(ids)
  return openai.bad("An assistant message with 'tool_calls' must be followed by tool messages "
    .. "responding to each 'tool_call_id'. The following tool_call_ids did not have response "
    .. "messages: " .. table.concat(ids, ", "), ("messages.[%d].role"):format(asked))
end

local function read_messages(list)
  local fine, refusal = check_order(list)
  if not fine then return nil, refusal end
  local messages = {}
  for i, message in ipairs(list) do
    local where = ("messages[%d]"):format(i - 1)
    if message.role == "assistant" and message.content == nil and not message.tool_calls
      and not message.refusal and not message.audio and not message.function_call then
      return openai.bad(("Invalid value for 'content': expected a string, got null."),
        where .. ".content")
    end
    local text, refused, shown = read_content(message.content, where .. ".content")
    if not text then return nil, refused end
    local calls
    for at, call in ipairs(message.tool_calls or {}) do
      calls = calls or {}
      calls[at] = { id = call.id, name = call["function"].name }
    end
    messages[i] = { role = message.role, content = text, media = shown, calls = calls,
      id = message.tool_call_id }
  end
  return messages
end

--- Tools by name, checked; parameters of strict ones must be strict.
---@param list table[] { name, description, parameters, strict }
---@param where fun(i: integer, field: string): string
function chat.read_tools(list, where)
  local seen = {}
  for i, tool in ipairs(list) do
    if not tool.name:find("^[%w_-]+$") or #tool.name > 64 then
      return openai.bad(("Invalid '%s': string does not match pattern. Expected a string that "
        .. "matches the pattern '^[a-zA-Z0-9_-]+$'."):format(where(i, "name")), where(i, "name"),
        "invalid_value")
    elseif seen[tool.name] then
      return openai.bad(("Function names must be unique: '%s'"):format(tool.name), "tools")
    end
    seen[tool.name] = true
    if tool.parameters and tool.parameters.type ~= "object" and next(tool.parameters) then
      return openai.bad(("Invalid schema for function '%s': schema must be a JSON Schema of "
        .. "'type: \"object\"', got 'type: \"%s\"'."):format(tool.name,
        tostring(tool.parameters.type or "None")), where(i, "parameters"),
        "invalid_function_parameters")
    end
    local trouble = tool.strict and schema.strict_trouble(tool.parameters or {})
    if trouble then
      return openai.bad(("Invalid schema for function '%s': %s"):format(tool.name, trouble),
        where(i, "parameters"), "invalid_function_parameters")
    end
  end
  return list
end

--- "auto" and the like, or a named tool that must exist.
function chat.read_choice(choice, name, list)
  if not choice then return "auto" end
  if not list then
    return openai.bad("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
  end
  if type(choice) == "string" then return choice end
  for _, tool in ipairs(list) do
    if tool.name == name then return "name", nil, name end
  end
  return openai.bad(("Tool choice '%s' not found in 'tools' parameter."):format(name),
    "tool_choice")
end

--- Does any message hold the word?
function chat.says_json(messages)
  for _, message in ipairs(messages) do
    if message.content:lower():find("json", 1, true) then return true end
  end
  return false
end

--- A response format: its schema, checked if it is strict.
function chat.read_format(format, param, messages_say_json)
  if not format or format.type == "text" then return {} end
  if format.type == "json_object" then
    if messages_say_json then return { json = true } end
    return openai.bad("'messages' must contain the word 'json' in some form, to use "
      .. "'response_format' of type 'json_object'.", "messages")
  end
  local said = format.json_schema or format
  if not said.name:find("^[%w_-]+$") then
    return openai.bad(("Invalid '%s.name': string does not match pattern. Expected a string that "
      .. "matches the pattern '^[a-zA-Z0-9_-]+$'."):format(param), param .. ".name",
      "invalid_value")
  end
  if not said.schema then
    return openai.bad(("Missing required parameter: '%s.schema'."):format(param),
      param .. ".schema", "missing_required_parameter")
  end
  local trouble = said.strict and schema.strict_trouble(said.schema)
  if trouble then
    return openai.bad(("Invalid schema for response_format '%s': %s"):format(said.name, trouble),
      (param:gsub("%.json_schema$", "")), nil)
  end
  return { schema = said.schema }
end

-- What the model of that name refuses, though the field is well formed.
local function check_family(body, family)
  local effort = body.reasoning_effort
  if family.reasoning and body.max_tokens then
    return openai.bad("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
      .. "'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")
  elseif body.max_tokens and body.max_completion_tokens then
    return openai.bad("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not "
      .. "supported.", "max_tokens", "invalid_parameter_combination")
  elseif family.no_stop and body.stop then
    return openai.bad("Unsupported parameter: 'stop' is not supported with this model.", "stop",
      "unsupported_parameter")
  elseif family.plain and effort then
    return openai.bad("Unrecognized request argument supplied: reasoning_effort")
  elseif family.reasoning and effort == "none" and not family.none then
    return openai.bad("Unsupported value: 'reasoning_effort' does not support 'none' with this "
      .. "model. Supported values are: 'minimal', 'low', 'medium', and 'high'.",
      "reasoning_effort", "unsupported_value")
  end
  if body.tools and (family.tools_need_none == "always" and effort ~= "none"
    or family.tools_need_none and effort and effort ~= "none") then
    return openai.bad(("Function tools with reasoning_effort are not supported for %s in "
      .. "/v1/chat/completions. Please use /v1/responses instead."):format(body.model),
      "reasoning_effort")
  end
  local message, param, code = openai.refused_sampling(body, family, effort)
  if message then return openai.bad(message, param, code) end
  return true
end

local function check_rest(body)
  if body.stream_options and not body.stream then
    return openai.bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options")
  elseif body.top_logprobs and not body.logprobs then
    return openai.bad("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
      "top_logprobs")
  elseif body.parallel_tool_calls ~= nil and not body.tools then
    return openai.bad("'parallel_tool_calls' is only allowed when 'tools' are specified.",
      "parallel_tool_calls")
  end
  return true
end

local function flat_tools(list)
  if not list then return nil end
  local flat = {}
  for i, tool in ipairs(list) do flat[i] = tool["function"] end
  return chat.read_tools(flat, function(at, field)
    return ("tools[%d].function.%s"):format(at - 1, field)
  end)
end

-- The parts that depend on one another: tools, the choice among them, the format.
local function read_rest(body, request)
  local refusal
  if body.tools then
    request.tools, refusal = flat_tools(body.tools)
    if not request.tools then return nil, refusal end
  end
  local choice = body.tool_choice
  request.choice, refusal, request.choice_name = chat.read_choice(choice,
    type(choice) == "table" and choice["function"].name, request.tools)
  if not request.choice then return nil, refusal end
  local format
  format, refusal = chat.read_format(body.response_format, "response_format.json_schema",
    chat.says_json(request.messages))
  if not format then return nil, refusal end
  request.schema, request.json = format.schema, format.json
  return request
end

--- Read and check a request.
---@param text string
---@param ctx table of the request: headers, model, …
---@return table|nil request, table|nil refusal
function chat.read(text, ctx)
  local body, refusal = openai.body(text, chat.spec, ctx)
  if not body then return nil, refusal end
  local family = openai.family(body.model)
  for _, step in ipairs({ function() return check_family(body, family) end,
    function() return check_rest(body) end }) do
    local fine, refused = step()
    if not fine then return nil, refused end
  end
  local messages
  messages, refusal = read_messages(body.messages)
  if not messages then return nil, refusal end
  local stop = type(body.stop) == "string" and { body.stop } or body.stop
  local request = { model = ctx.sim_model(body.model), messages = messages, body = body,
    temperature = body.temperature, stop = stop, parallel = body.parallel_tool_calls,
    max_tokens = body.max_completion_tokens or body.max_tokens, stream = body.stream,
    reasoning = openai.reasoning_tokens(family, body.reasoning_effort) }
  return read_rest(body, request)
end

-- ---- answering -------------------------------------------------------------------------------

local FINISH = { stop = "stop", length = "length", calls = "tool_calls",
  filter = "content_filter" }

local function usage(answers)
  local input, output, thought = answers[1].usage.input, 0, 0
  for _, answer in ipairs(answers) do
    output, thought = output + answer.usage.output, thought + answer.usage.reasoning
  end
  return { prompt_tokens = input, completion_tokens = output, total_tokens = input + output,
    prompt_tokens_details = { cached_tokens = 0, audio_tokens = 0 },
    completion_tokens_details = { reasoning_tokens = thought, audio_tokens = 0,
      accepted_prediction_tokens = 0, rejected_prediction_tokens = 0 } }
end

local function wire_calls(answer, ctx, choice)
  local list = wire.list {}
  for i, call in ipairs(answer.calls) do
    local id = "call_" .. wire.id(("%s|%d|%d"):format(ctx.id, choice, i))
    list[i] = { id = id, type = "function", ["function"] = { name = call.name,
      arguments = core.json_encode(call.args) } }
  end
  return list
end

local SAFE = { hate = { filtered = false, severity = "safe" }, self_harm = { filtered = false,
  severity = "safe" }, sexual = { filtered = false, severity = "safe" }, violence = {
  filtered = false, severity = "safe" } }

local function prompt_filter()
  return wire.list { { prompt_index = 0, content_filter_results = SAFE } }
end

local function finish_of(answer, ctx)
  return ctx.no_finish and wire.null or FINISH[answer.finish]
end

local function whole(request, ctx, head, answers)
  local choices = wire.list {}
  for i, answer in ipairs(answers) do
    local message = { role = "assistant", content = answer.text, refusal = wire.null,
      annotations = wire.list {} }
    if #answer.calls > 0 then
      message.content, message.tool_calls = wire.null, wire_calls(answer, ctx, i)
    end
    choices[i] = { index = i - 1, finish_reason = finish_of(answer, ctx), message = message,
      logprobs = wire.null, content_filter_results = ctx.azure and SAFE or nil }
  end
  return wire.json(200, { id = head.id, object = "chat.completion", created = head.created,
    model = request.body.model, choices = choices, usage = usage(answers),
    service_tier = "default", system_fingerprint = "fp_lunagrad_sim",
    prompt_filter_results = ctx.azure and prompt_filter() or nil })
end

-- The deltas of one choice: its role, then text or calls piece by piece.
local function deltas(answer, ctx, choice)
  local list = { { role = "assistant", content = #answer.calls == 0 and "" or wire.null,
    refusal = wire.null } }
  for _, piece in ipairs(world.pieces(answer.text, 5)) do
    list[#list + 1] = { content = piece }
  end
  for i, call in ipairs(wire_calls(answer, ctx, choice)) do
    local first = { name = call["function"].name, arguments = "" }
    list[#list + 1] = { tool_calls = { { index = i - 1, id = call.id, type = "function",
      ["function"] = first } } }
    for _, piece in ipairs(world.pieces(call["function"].arguments, 3)) do
      list[#list + 1] = { tool_calls = { { index = i - 1, ["function"] = {
        arguments = piece } } } }
    end
  end
  return list
end

local function event_stream(request, ctx, head, answers)
  local events, options = {}, request.body.stream_options or {}
  local function add(choices, extra)
    local chunk = { id = head.id, created = head.created, model = request.body.model,
      object = "chat.completion.chunk", choices = wire.list(choices), service_tier = "default",
      system_fingerprint = "fp_lunagrad_sim" }
    if options.include_obfuscation ~= false and not ctx.azure then
      chunk.obfuscation = openai.obfuscation(ctx, #events)
    end
    if options.include_usage then chunk.usage = wire.null end
    for key, value in pairs(extra or {}) do chunk[key] = value end
    events[#events + 1] = openai.event(chunk)
  end
  if ctx.azure then add({}, { prompt_filter_results = prompt_filter() }) end
  for i, answer in ipairs(answers) do
    for _, delta in ipairs(deltas(answer, ctx, i)) do
      add({ { index = i - 1, delta = delta, logprobs = wire.null, finish_reason = wire.null } })
    end
    if not ctx.no_finish then
      add({ { index = i - 1, delta = {}, logprobs = wire.null,
        finish_reason = FINISH[answer.finish] } })
    end
  end
  if ctx.no_finish then return { status = 200, stream = "sse", events = events } end
  if options.include_usage then add({}, { usage = usage(answers) }) end
  events[#events + 1] = "data: [DONE]\n\n"
  return { status = 200, stream = "sse", events = events }
end

--- The right reply to a request that was read well.
---@param request table as read by chat.read
---@param ctx table { id, created, azure, no_finish }
---@return table reply { status, body, headers } or { status, stream, events }
---@return integer tokens that it cost
function chat.answer(request, ctx)
  local answers, cost = {}, 0
  for i = 1, request.body.n or 1 do
    request.sample = (request.body.seed or 0) + i - 1
    answers[i] = world.answer(request)
    cost = cost + answers[i].usage.output
  end
  cost = cost + answers[1].usage.input
  local head = { id = "chatcmpl-" .. ctx.id, created = ctx.created }
  local make = request.stream and event_stream or whole
  return make(request, ctx, head, answers), cost
end

return chat
