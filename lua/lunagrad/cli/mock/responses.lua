--- OpenAI Responses as the mock server speaks it: items in, items out, named events. It keeps
-- nothing: previous_response_id is refused. Pure.

local chat = require "lunagrad.cli.mock.chat"
local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local openai = require "lunagrad.cli.mock.openai"
local wire = require "lunagrad.world.wire"
local world = require "lunagrad.world.neutral"

local responses = { name = "openai-responses", auth = openai.auth, fault = openai.fault,
  limit_headers = openai.limit_headers, headers = openai.headers, too_big = openai.too_big,
  bad_method = openai.bad_method }

local S = check
local INPUT_PARTS = S.tagged("type", {
  input_text = S.object({ type = S.string, text = S.string, prompt_cache_breakpoint = S.map },
    { "text" }),
  input_image = S.object { type = S.string, image_url = S.string, file_id = S.string,
    detail = S.enum("low", "high", "auto", "original") },
  input_file = S.object { type = S.string, file_data = S.string, file_id = S.string,
    file_url = S.string, filename = S.string, detail = S.string },
  output_text = S.object({ type = S.string, text = S.string, annotations = S.list(S.map),
    logprobs = S.list(S.map) }, { "text" }),
  refusal = S.object({ type = S.string, refusal = S.string }, { "refusal" }),
})
local CONTENT = S.union { string = S.string, list = S.list(INPUT_PARTS) }
local ITEM = {
  message = S.object({ type = S.string, id = S.string, status = S.string, phase = S.string,
    role = S.enum("user", "assistant", "system", "developer"), content = CONTENT },
    { "role", "content" }),
  function_call = S.object({ type = S.string, id = S.string, call_id = S.name, name = S.word,
    arguments = S.string, status = S.string }, { "call_id", "name", "arguments" }),
  function_call_output = S.object({ type = S.string, id = S.string, call_id = S.name,
    status = S.string, output = S.union { string = S.string, list = S.list(INPUT_PARTS) } },
    { "call_id", "output" }),
  reasoning = S.object({ type = S.string, id = S.string, summary = S.list(S.map),
    content = S.list(S.map), encrypted_content = S.string, status = S.string }, { "summary" }),
}
local TOOL = S.tagged("type", { ["function"] = S.object({ type = S.string, name = S.name,
  description = S.string, parameters = S.map, strict = S.boolean }, { "name" }) })
local FORMAT = S.tagged("type", { text = S.object { type = S.string },
  json_object = S.object { type = S.string },
  json_schema = S.object({ type = S.string, name = S.name, description = S.string, schema = S.map,
    strict = S.boolean }, { "name", "schema" }) })

responses.spec = S.object({
  model = S.name, instructions = S.string, stream = S.boolean, store = S.boolean,
  input = S.union { string = S.string, list = S.list(S.any) },
  max_output_tokens = S.integer(16), max_tool_calls = S.integer(1),
  temperature = S.number(0, 2), top_p = S.number(0, 1), top_logprobs = S.integer(0, 20),
  reasoning = S.object { effort = S.enum("none", "minimal", "low", "medium", "high", "xhigh",
    "max"), summary = S.enum("auto", "concise", "detailed"), generate_summary = S.string,
    mode = S.enum("standard", "pro") },
  text = S.object { format = FORMAT, verbosity = S.enum("low", "medium", "high") },
  tools = S.list(TOOL, nil, 128), parallel_tool_calls = S.boolean,
  tool_choice = S.union { string = S.enum("none", "auto", "required"), object = S.tagged("type", {
    ["function"] = S.object({ type = S.string, name = S.name }, { "name" }) }) },
  include = S.list(S.string), previous_response_id = S.string, truncation =
  S.enum("auto", "disabled"), metadata = S.map, prompt_cache_key = S.string,
  prompt_cache_options = S.map, prompt_cache_retention = S.string, safety_identifier = S.string,
  service_tier = S.enum("auto", "default", "flex", "priority", "fast", "scale"), user = S.string,
  background = S.boolean, stream_options = S.object { include_obfuscation = S.boolean },
})

-- ---- reading ---------------------------------------------------------------------------------

-- What kind of item it is; messages need not say so.
local function check_item(item, i)
  local where = ("input[%d]"):format(i - 1)
  if not wire.is_object(item) then
    return openai.bad(("Invalid type for '%s': expected an object."):format(where), where,
      "invalid_type")
  end
  local kind = item.type or item.role and "message"
  local spec = ITEM[kind or ""]
  if not spec then
    return openai.bad(("Invalid value: '%s'. Supported values are: 'function_call', "
      .. "'function_call_output', 'message', and 'reasoning'."):format(tostring(kind)),
      where .. ".type", "invalid_value")
  end
  local found = check.find(spec, item)
  if not found then return kind end
  local path = where .. "." .. check.path(found.path)
  local words, code = openai.words(found, path)
  return openai.bad(words, path, code)
end

local function read_parts(content, where)
  if type(content) == "string" then return content end
  local texts, shown = {}, {}
  for i, part in ipairs(content) do
    local at = ("%s[%d]"):format(where, i - 1)
    if part.type == "input_image" then
      if not part.image_url then
        return openai.bad("One of 'image_url' or 'file_id' must be provided; the mock keeps no "
          .. "files.", at, "missing_required_parameter")
      end
      local found, refusal = chat.read_image(part.image_url, at .. ".image_url")
      if not found then return nil, refusal end
      shown[#shown + 1] = found
    elseif part.type == "input_file" then
      shown[#shown + 1] = { name = "file", bytes = #(part.file_data or "") }
    else
      texts[#texts + 1] = part.text or part.refusal
    end
  end
  return table.concat(texts, "\n"), nil, shown
end

local READ = {
  message = function(item, where, state)
    local text, refusal, shown = read_parts(item.content, where .. ".content")
    if not text then return nil, refusal end
    state.messages[#state.messages + 1] = { role = item.role, content = text, media = shown }
    return true
  end,
  function_call = function(item, _, state)
    state.asked[item.call_id] = item.name
    state.open[item.call_id] = true
    state.messages[#state.messages + 1] = { role = "assistant", content = "",
      calls = { { id = item.call_id, name = item.name } } }
    return true
  end,
  function_call_output = function(item, where, state)
    if not state.asked[item.call_id] then
      return openai.bad(("No tool call found for function call output with call_id %s.")
        :format(item.call_id), "input")
    end
    local text, refusal, shown = read_parts(item.output, where .. ".output")
    if not text then return nil, refusal end
    state.open[item.call_id] = nil
    state.messages[#state.messages + 1] = { role = "tool", content = text, media = shown,
      id = item.call_id, name = state.asked[item.call_id] }
    return true
  end,
  reasoning = function() return true end,
}

local function read_input(body)
  local state = { messages = {}, asked = {}, open = {} }
  if body.instructions then
    state.messages[1] = { role = "system", content = body.instructions }
  end
  if body.input == nil or wire.is_list(body.input) and #body.input == 0 then
    return openai.bad("Missing required parameter: 'input'.", "input",
      "missing_required_parameter")
  end
  local items = body.input
  if type(items) == "string" then items = { { role = "user", content = items } } end
  for i, item in ipairs(items) do
    local kind, refusal = check_item(item, i)
    if not kind then return nil, refusal end
    local fine, refused = READ[kind](item, ("input[%d]"):format(i - 1), state)
    if not fine then return nil, refused end
  end
  local left = next(state.open)
  if left then
    return openai.bad(("No tool output found for function call %s."):format(left), "input")
  end
  return state.messages
end

local function check_family(body, family)
  local effort = body.reasoning and body.reasoning.effort
  if family.plain and body.reasoning and (effort or body.reasoning.summary) then
    return openai.bad("Unsupported parameter: 'reasoning.effort' is not supported with this model.",
      "reasoning.effort", "unsupported_parameter")
  elseif family.reasoning then
    for _, field in ipairs({ "temperature", "top_p" }) do
      if body[field] and body[field] ~= 1 and not (family.none and effort == "none") then
        return openai.bad(("Unsupported parameter: '%s' is not supported with this model.")
          :format(field), field, "unsupported_parameter")
      end
    end
  end
  if body.previous_response_id then
    return openai.bad(("Previous response with id '%s' not found."):format(
      body.previous_response_id), "previous_response_id", "previous_response_not_found")
  elseif body.background then
    return openai.bad("Background mode is not served by the mock.", "background",
      "unsupported_parameter")
  end
  return true
end

local function read_rest(body, request)
  local refusal
  if body.tools and #body.tools > 0 then
    for _, tool in ipairs(body.tools) do
      if tool.strict == nil then tool.strict = false end
    end
    request.tools, refusal = chat.read_tools(body.tools, function(at, field)
      return ("tools[%d].%s"):format(at - 1, field)
    end)
    if not request.tools then return nil, refusal end
  end
  local choice = body.tool_choice
  if choice == "none" or choice == "auto" then choice = request.tools and choice end
  request.choice, refusal, request.choice_name = chat.read_choice(choice,
    type(choice) == "table" and choice.name, request.tools)
  if not request.choice then return nil, refusal end
  local format
  format, refusal = chat.read_format((body.text or {}).format, "text.format",
    chat.says_json(request.messages))
  if not format then return nil, refusal end
  request.schema, request.json = format.schema, format.json
  return request
end

--- Read and check a request.
function responses.read(text, ctx)
  local body, refusal = openai.body(text, responses.spec, ctx)
  if not body then return nil, refusal end
  local family = openai.family(body.model)
  local fine
  fine, refusal = check_family(body, family)
  if not fine then return nil, refusal end
  local messages
  messages, refusal = read_input(body)
  if not messages then return nil, refusal end
  local effort = body.reasoning and body.reasoning.effort
  return read_rest(body, { model = ctx.sim_model(body.model), messages = messages, body = body,
    temperature = body.temperature, max_tokens = body.max_output_tokens, stream = body.stream,
    parallel = body.parallel_tool_calls,
    reasoning = openai.reasoning_tokens(family, effort) })
end

-- ---- answering -------------------------------------------------------------------------------

local function output_items(answer, ctx)
  local items = wire.list {}
  local function id(kind, i) return kind .. "_" .. wire.id(("%s|%s|%d"):format(ctx.id, kind, i)) end
  if answer.usage.reasoning > 0 then
    items[1] = { id = id("rs", 0), type = "reasoning", summary = wire.list {} }
  end
  for i, call in ipairs(answer.calls) do
    items[#items + 1] = { id = id("fc", i), type = "function_call", status = "completed",
      call_id = "call_" .. wire.id(("%s|%d"):format(ctx.id, i)), name = call.name,
      arguments = core.json_encode(call.args) }
  end
  if #answer.calls == 0 and (answer.text ~= "" or answer.finish == "stop") then
    items[#items + 1] = { id = id("msg", 0), type = "message", role = "assistant",
      status = answer.finish == "stop" and "completed" or "incomplete", content = wire.list {
        { type = "output_text", text = answer.text, annotations = wire.list {},
          logprobs = wire.list {} } } }
  end
  return items
end

local function usage(answer)
  return { input_tokens = answer.usage.input, output_tokens = answer.usage.output,
    total_tokens = answer.usage.input + answer.usage.output,
    input_tokens_details = { cached_tokens = 0 },
    output_tokens_details = { reasoning_tokens = answer.usage.reasoning } }
end

-- The response as it stands: what was asked beside what there is of an answer.
local function object(request, ctx, status, items, answer)
  local body = request.body
  return { id = "resp_" .. ctx.id, object = "response", created_at = ctx.created, status = status,
    background = false, error = wire.null, model = body.model, output = items or wire.list {},
    incomplete_details = status == "incomplete" and { reason = answer and answer.finish == "filter"
      and "content_filter" or "max_output_tokens" } or wire.null,
    instructions = body.instructions or wire.null, metadata = body.metadata or {},
    max_output_tokens = body.max_output_tokens or wire.null, previous_response_id = wire.null,
    parallel_tool_calls = body.parallel_tool_calls ~= false, store = body.store ~= false,
    reasoning = { effort = (body.reasoning or {}).effort or wire.null, summary = wire.null },
    service_tier = "default", temperature = body.temperature or 1, top_p = body.top_p or 1,
    text = body.text or { format = { type = "text" } }, truncation = "disabled",
    tool_choice = body.tool_choice or "auto", tools = body.tools or wire.list {},
    usage = answer and usage(answer) or wire.null, user = wire.null }
end

local function stream_call(add, item, at)
  local bare = { id = item.id, type = item.type, status = "in_progress", call_id = item.call_id,
    name = item.name, arguments = "" }
  add("response.output_item.added", { output_index = at, item = bare })
  for _, piece in ipairs(world.pieces(item.arguments, 3)) do
    add("response.function_call_arguments.delta", { item_id = item.id, output_index = at,
      delta = piece }, true)
  end
  add("response.function_call_arguments.done", { item_id = item.id, output_index = at,
    name = item.name, arguments = item.arguments })
end

local function stream_message(add, item, at)
  local part, empty = item.content[1], { type = "output_text", text = "",
    annotations = wire.list {}, logprobs = wire.list {} }
  add("response.output_item.added", { output_index = at, item = { id = item.id, type = item.type,
    status = "in_progress", role = "assistant", content = wire.list {} } })
  local where = { item_id = item.id, output_index = at, content_index = 0 }
  local function more(fields)
    for key, value in pairs(where) do fields[key] = value end
    return fields
  end
  add("response.content_part.added", more { part = empty })
  for _, piece in ipairs(world.pieces(part.text, 5)) do
    add("response.output_text.delta", more { delta = piece, logprobs = wire.list {} }, true)
  end
  add("response.output_text.done", more { text = part.text, logprobs = wire.list {} })
  add("response.content_part.done", more { part = part })
end

local function event_stream(request, ctx, status, items, answer)
  local events = {}
  local function add(kind, fields, padded)
    fields.type, fields.sequence_number = kind, #events
    if padded and (request.body.stream_options or {}).include_obfuscation ~= false then
      fields.obfuscation = openai.obfuscation(ctx, #events)
    end
    events[#events + 1] = ("event: %s\n%s"):format(kind, openai.event(fields))
  end
  add("response.created", { response = object(request, ctx, "in_progress") })
  add("response.in_progress", { response = object(request, ctx, "in_progress") })
  for i, item in ipairs(items) do
    if item.type == "function_call" then
      stream_call(add, item, i - 1)
    elseif item.type == "message" then
      stream_message(add, item, i - 1)
    else
      add("response.output_item.added", { output_index = i - 1, item = item })
    end
    add("response.output_item.done", { output_index = i - 1, item = item })
  end
  if not ctx.no_finish then
    add("response." .. status, { response = object(request, ctx, status, items, answer) })
  end
  return { status = 200, stream = "sse", events = events }
end

--- The right reply to a request that was read well.
function responses.answer(request, ctx)
  local answer = world.answer(request)
  local cut = answer.finish == "length" or answer.finish == "filter"
  local status = cut and "incomplete" or "completed"
  local items = output_items(answer, ctx)
  local cost = answer.usage.input + answer.usage.output
  if request.stream then return event_stream(request, ctx, status, items, answer), cost end
  if ctx.no_finish then status = "in_progress" end
  return wire.json(200, object(request, ctx, status, items, answer)), cost
end

--- An error in the middle of a stream.
function responses.stream_error(_, n)
  return "event: error\n" .. openai.event { type = "error", code = "server_error",
    message = "The server had an error while processing your request (a fault of lunagrad mock)",
    param = wire.null, sequence_number = n }
end

return responses
