--- Anthropic Messages as the mock server speaks it, both API versions. Pure.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local schema = require "lunagrad.world.fill"
local wire = require "lunagrad.world.wire"
local world = require "lunagrad.world.neutral"

local messages = { name = "anthropic" }

local NEW, OLD = "2026-10-21", "2023-06-01"

-- ---- errors ------------------------------------------------------------------------------

--- A reply in the form of Anthropic's errors.
function messages.error(status, kind, message, ctx, headers)
  headers = headers or {}
  return wire.json(status, { type = "error", error = { type = kind, message = message },
    request_id = "req_" .. ctx.id }, headers)
end

local function bad(ctx, message)
  return nil, messages.error(400, "invalid_request_error", message, ctx)
end

function messages.headers(ctx) return { ["request-id"] = "req_" .. ctx.id } end

function messages.auth(ctx)
  local key = ctx.headers["x-api-key"] or wire.bearer(ctx.headers)
  if not key or key == "" then
    return messages.error(401, "authentication_error", "x-api-key header is required", ctx)
  elseif ctx.key and key ~= ctx.key then
    return messages.error(401, "authentication_error", ctx.headers["x-api-key"]
      and "invalid x-api-key" or "Invalid bearer token", ctx)
  end
end

function messages.not_found(ctx)
  return messages.error(404, "not_found_error", "Not found", ctx)
end

function messages.bad_method(ctx)
  return messages.error(405, "invalid_request_error", "Method Not Allowed", ctx)
end

function messages.too_big(ctx)
  return messages.error(413, "request_too_large", "Request exceeds the maximum size", ctx)
end

local FAULTS = {
  [429] = { "rate_limit_error", "This request would exceed your organization's rate limit" },
  [500] = { "api_error", "Internal server error" },
  [502] = { "api_error", "Bad gateway" },
  [503] = { "api_error", "Service unavailable" },
  [529] = { "overloaded_error", "Overloaded" },
}

--- An error that is the server's doing.
function messages.fault(status, seconds, ctx, message)
  local words = FAULTS[status] or FAULTS[500]
  local headers = seconds and { ["Retry-After"] = tostring(seconds) } or {}
  return messages.error(status, words[1], message or words[2] .. " (a fault of lunagrad mock)", ctx,
    headers)
end

--- An error in the middle of a stream.
function messages.stream_error(ctx)
  return "event: error\ndata: " .. core.json_encode { type = "error", error = {
    type = "overloaded_error", message = "Overloaded (a fault of lunagrad mock)" },
    request_id = "req_" .. ctx.id } .. "\n\n"
end

--- What goes between events to keep the connection alive.
messages.ping = 'event: ping\ndata: {"type":"ping"}\n\n'

--- Headers that say what is left of the limits.
function messages.limit_headers(limits, ctx)
  local headers = {}
  for what, one in pairs(limits) do
    local prefix = ("anthropic-ratelimit-%s-"):format(what)
    headers[prefix .. "limit"] = tostring(one.limit)
    headers[prefix .. "remaining"] = tostring(one.remaining)
    headers[prefix .. "reset"] = wire.rfc3339(ctx.now_us + math.ceil(one.reset * 1e6))
  end
  return headers
end

-- ---- what a request may hold -------------------------------------------------------------

local S = check
local CACHE = S.object({ type = S.enum("ephemeral"), ttl = S.enum("5m", "1h") }, { "type" })
local TEXT = S.object({ type = S.string, text = S.name, cache_control = CACHE,
  citations = S.any }, { "text" })
local IMAGE = S.object({ type = S.string, cache_control = CACHE, source = S.tagged("type", {
  base64 = S.object({ type = S.string, data = S.string, media_type = S.enum("image/jpeg",
    "image/png", "image/gif", "image/webp") }, { "data", "media_type" }),
  url = S.object({ type = S.string, url = S.string }, { "url" }),
}) }, { "source" })
local DOCUMENT = S.object({ type = S.string, cache_control = CACHE, title = S.string,
  context = S.string, citations = S.any, source = S.map }, { "source" })
local BLOCKS = {
  text = TEXT, image = IMAGE, document = DOCUMENT,
  tool_use = S.object({ type = S.string, id = S.name, name = S.word, input = S.map,
    cache_control = CACHE, caller = S.map }, { "id", "name", "input" }),
  tool_result = S.object({ type = S.string, tool_use_id = S.name, is_error = S.boolean,
    cache_control = CACHE, content = S.union { string = S.string, list = S.list(
      S.tagged("type", { text = TEXT, image = IMAGE, document = DOCUMENT })) } },
    { "tool_use_id" }),
  thinking = S.object({ type = S.string, thinking = S.string, signature = S.string },
    { "thinking", "signature" }),
  redacted_thinking = S.object({ type = S.string, data = S.string }, { "data" }),
}
local CONTENT = S.union { string = S.string, list = S.list(S.tagged("type", BLOCKS)) }
local TOOL = S.object({ type = S.enum("custom"), name = S.name, description = S.string,
  input_schema = S.map, strict = S.boolean, cache_control = CACHE,
  eager_input_streaming = S.boolean }, { "name", "input_schema" })
local CHOICE = { auto = S.object { type = S.string, disable_parallel_tool_use = S.boolean },
  any = S.object { type = S.string, disable_parallel_tool_use = S.boolean },
  none = S.object { type = S.string },
  tool = S.object({ type = S.string, name = S.name, disable_parallel_tool_use = S.boolean },
    { "name" }) }

messages.spec = S.object({
  model = S.name, max_tokens = S.integer(1), stream = S.boolean,
  messages = S.list(S.object({ role = S.enum("user", "assistant", "system"), content = CONTENT },
    { "role", "content" }), 1),
  system = S.union { string = S.string, list = S.list(S.tagged("type", { text = TEXT })) },
  stop_sequences = S.list(S.name), temperature = S.number(0, 1), top_p = S.number(0, 1),
  top_k = S.integer(0), tools = S.list(TOOL), tool_choice = S.tagged("type", CHOICE),
  thinking = S.tagged("type", { adaptive = S.object { type = S.string, display = S.string },
    disabled = S.object { type = S.string }, between_tools = S.object { type = S.string,
      display = S.string }, enabled = S.object({ type = S.string, display = S.string,
      budget_tokens = S.integer(1024) }, { "budget_tokens" }) }),
  output_config = S.object { effort = S.enum("low", "medium", "high", "xhigh", "max"),
    format = S.tagged("type", { json_schema = S.object({ type = S.string, schema = S.map },
      { "schema" }) }) },
  metadata = S.object { user_id = S.string }, service_tier = S.enum("auto", "standard_only"),
  speed = S.enum("standard", "fast"), cache_control = CACHE, inference_geo = S.string,
}, { "model", "max_tokens", "messages" })

local TYPES = { number = "number", integer = "integer", string = "string", boolean = "boolean",
  list = "array", object = "object" }

local function types(want)
  return (want:gsub("%a+", function(one) return TYPES[one] end):gsub(" or ", " or "))
end

local WORDING = {
  missing = function() return "Field required" end,
  unknown = function() return "Extra inputs are not permitted" end,
  type = function(found) return ("Input should be a valid %s"):format(types(found.want)) end,
  enum = function(found) return ("Input should be %s"):format(found.want) end,
  low = function(found)
    return ("Input should be greater than or equal to %s"):format(found.want)
  end,
  high = function(found) return ("Input should be less than or equal to %s"):format(found.want) end,
  few = function(found)
    local kind = type(found.value) == "string" and "String should have at least %s character"
      or "List should have at least %s item after validation, not 0"
    return kind:format(found.want)
  end,
  pattern = function(found) return ("String should match pattern '%s'"):format(found.want) end,
  many = function(found) return ("Input should have at most %s items"):format(found.want) end,
}

-- ---- reading -----------------------------------------------------------------------------

-- Claude models from which on a thing is refused: "claude-opus-4-7" has 4.7.
local function family(name)
  local word, major, minor = name:lower():match("^claude%-(%a+)%-(%d+)%-?(%d?%d?)%f[%D]")
  if not word then return {} end
  local version = tonumber(major) + (tonumber(minor) or 0) / 100
  local no_sampling = word == "opus" and version >= 4.07 or version >= 5
  return { no_sampling = no_sampling, no_prefill = no_sampling or version >= 4.06,
    one_sampling = version >= 4.01, adaptive_only = no_sampling }
end

local function check_sampling(body, ctx, known)
  for _, field in ipairs({ "temperature", "top_p", "top_k" }) do
    if body[field] ~= nil and ctx.version == NEW then
      return bad(ctx, field .. ": Extra inputs are not permitted")
    elseif body[field] ~= nil and known.no_sampling then
      return bad(ctx, ("`%s` is deprecated for this model."):format(field))
    end
  end
  if known.one_sampling and body.temperature and body.top_p then
    return bad(ctx, "`temperature` and `top_p` cannot both be specified for this model. Please use "
      .. "only one.")
  end
  return true
end

local function check_thinking(body, ctx, known)
  local thinking = body.thinking
  if not thinking then return true end
  if thinking.type == "enabled" then
    if known.adaptive_only then
      return bad(ctx, "thinking.type: `enabled` is not supported for this model. Use `adaptive` "
        .. "thinking instead.")
    elseif thinking.budget_tokens >= body.max_tokens then
      return bad(ctx, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    elseif body.temperature and body.temperature ~= 1 then
      return bad(ctx, "`temperature` may only be set to 1 when thinking is enabled.")
    end
  end
  local choice = body.tool_choice and body.tool_choice.type
  if thinking.type ~= "disabled" and (choice == "any" or choice == "tool") then
    return bad(ctx, "Thinking may not be enabled when tool_choice forces tool use.")
  end
  return true
end

local function check_tools(body, ctx)
  local seen = {}
  for i, tool in ipairs(body.tools or {}) do
    local where = ("tools.%d.custom"):format(i - 1)
    if not tool.name:find("^[%w_-]+$") or #tool.name > 128 then
      return bad(ctx, where .. ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
    elseif seen[tool.name] then
      return bad(ctx, "tools: Tool names must be unique.")
    elseif tool.input_schema.type ~= "object" then
      return bad(ctx, where .. ".input_schema.type: Input should be 'object'")
    end
    local trouble = tool.strict and schema.strict_trouble(tool.input_schema)
    if trouble then return bad(ctx, ("%s: %s"):format(where, trouble)) end
    seen[tool.name] = true
  end
  local choice = body.tool_choice
  if choice and not body.tools then
    return bad(ctx, "tool_choice may only be specified while providing tools")
  elseif choice and choice.type == "tool" and not seen[choice.name] then
    return bad(ctx, ("Tool '%s' not found in provided tools"):format(choice.name))
  end
  return true
end

local function read_image(block, where, ctx)
  local source = block.source
  if source.type == "url" then
    local found = media.read_url(source.url)
    if found and found.url then return found end
    return bad(ctx, where .. ".source.url: Only HTTP(S) URLs are supported.")
  end
  local found = media.read(source.data)
  if not found then
    return bad(ctx, where .. ".image.source.base64: invalid base64 data")
  elseif not (found.type or ""):find("^image/") then
    return bad(ctx, where .. ".image.source.base64.data: Could not process image")
  elseif found.type ~= source.media_type then
    return bad(ctx, ("%s.image.source.base64.data: Image does not match the provided media type %s")
      :format(where, source.media_type))
  end
  return found
end

-- Text and pictures of a tool's result.
local function read_result(block, where, ctx)
  if type(block.content) ~= "table" then return block.content or "" end
  local texts, shown = {}, {}
  for i, part in ipairs(block.content) do
    texts[#texts + 1] = part.text
    if part.type == "image" then
      local found, refusal = read_image(part, ("%s.tool_result.content.%d"):format(where, i - 1),
        ctx)
      if not found then return nil, refusal end
      shown[#shown + 1] = found
    elseif part.type == "document" then
      shown[#shown + 1] = { name = "document", bytes = #tostring(part.source.data or "") }
    end
  end
  return table.concat(texts, "\n"), nil, shown
end

local READ = {
  text = function(block, into, _, ctx, role)
    if block.citations and role == "user" and ctx.version == NEW then
      return bad(ctx, "citations: Extra inputs are not permitted on user text blocks")
    end
    into.texts[#into.texts + 1] = block.text
    return true
  end,
  image = function(block, into, where, ctx)
    local found, refusal = read_image(block, where, ctx)
    if not found then return nil, refusal end
    into.media[#into.media + 1] = found
    return true
  end,
  document = function(block, into, where, ctx, role)
    if role == "assistant" and ctx.version == NEW then
      return bad(ctx, where .. ": document blocks are not permitted in assistant turns")
    end
    local source = block.source
    if source.type == "text" then
      into.texts[#into.texts + 1] = tostring(source.data)
    else
      into.media[#into.media + 1] = { name = "document", bytes = #tostring(source.data or "") }
    end
    return true
  end,
  tool_use = function(block, into, where, ctx, role)
    if role ~= "assistant" then
      return bad(ctx, where .. ": `tool_use` blocks can only be in `assistant` messages")
    end
    into.calls[#into.calls + 1] = { id = block.id, name = block.name }
    return true
  end,
  tool_result = function(block, into, where, ctx, role)
    if role ~= "user" then
      return bad(ctx, where .. ": `tool_result` blocks can only be in `user` messages")
    elseif not into.open[block.tool_use_id] then
      return bad(ctx, ("%s: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each "
        .. "`tool_result` block must have a corresponding `tool_use` block in the previous "
        .. "message."):format(where, block.tool_use_id))
    end
    local text, refusal, shown = read_result(block, where, ctx)
    if not text then return nil, refusal end
    into.results[#into.results + 1] = { role = "tool", content = text, media = shown,
      id = block.tool_use_id, name = into.open[block.tool_use_id], failed = block.is_error }
    into.answered[block.tool_use_id] = true
    return true
  end,
  thinking = function() return true end,
  redacted_thinking = function() return true end,
}

-- One turn: what it says, shows, calls and returns.
local function read_turn(turn, i, open, ctx)
  local into = { texts = {}, media = {}, calls = {}, results = {}, answered = {}, open = open }
  if type(turn.content) == "string" then
    into.texts[1] = turn.content
    return into
  end
  for at, block in ipairs(turn.content) do
    local where = ("messages.%d.content.%d"):format(i - 1, at - 1)
    local fine, refusal = READ[block.type](block, into, where, ctx, turn.role)
    if not fine then return nil, refusal end
  end
  return into
end

local function missing_results(open, answered)
  local ids = {}
  for id in pairs(open) do
    if not answered[id] then ids[#ids + 1] = id end
  end
  table.sort(ids)
  return #ids > 0 and table.concat(ids, ", ") or nil
end

local function read_turns(body, ctx, list)
  local open = {}
  for i, turn in ipairs(body.messages) do
    local into, refusal = read_turn(turn, i, open, ctx)
    if not into then return nil, refusal end
    local missing = missing_results(open, into.answered)
    if missing then
      return bad(ctx, ("messages.%d: `tool_use` ids were found without `tool_result` blocks "
        .. "immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` "
        .. "block in the next message."):format(i - 2, missing))
    end
    local text = table.concat(into.texts, "\n")
    local last = i == #body.messages
    if text == "" and #into.media + #into.calls + #into.results == 0
      and not (last and turn.role == "assistant") then
      return bad(ctx, ("messages.%d: all messages must have non-empty content except for the "
        .. "optional final assistant message"):format(i - 1))
    end
    table.move(into.results, 1, #into.results, #list + 1, list)
    if text ~= "" or #into.media + #into.calls > 0 then
      list[#list + 1] = { role = turn.role, content = text, media = into.media,
        calls = #into.calls > 0 and into.calls or nil }
    end
    open = {}
    for _, call in ipairs(into.calls) do open[call.id] = call.name end
  end
  local missing = missing_results(open, {})
  if missing then
    return bad(ctx, ("messages.%d: `tool_use` ids were found without `tool_result` blocks "
      .. "immediately after: %s."):format(#body.messages - 1, missing))
  end
  return list
end

local function read_messages(body, ctx, known)
  local list = {}
  if body.messages[1].role == "assistant" then
    return bad(ctx, "messages: first message must use the \"user\" role")
  end
  local last = body.messages[#body.messages]
  if last.role == "assistant" then
    if known.no_prefill then
      return bad(ctx, "This model does not support assistant message prefill. The conversation "
        .. "must end with a user message.")
    elseif type(last.content) == "string" and last.content:find("%s$") then
      return bad(ctx, "messages: final assistant content cannot end with trailing whitespace")
    end
  end
  if body.system then
    local texts = {}
    for i, block in ipairs(type(body.system) == "table" and body.system or {}) do
      texts[i] = block.text
    end
    local text = type(body.system) == "string" and body.system or table.concat(texts, "\n")
    list[1] = { role = "system", content = text }
  end
  return read_turns(body, ctx, list)
end

-- Headers that have to be there, and the body's JSON.
local function read_body(text, ctx)
  ctx.version = ctx.headers["anthropic-version"]
  if not ctx.version then
    return bad(ctx, "anthropic-version: header is required")
  elseif ctx.version ~= NEW and ctx.version ~= OLD then
    return bad(ctx, ("anthropic-version: \"%s\" is not a valid version. See "
      .. "https://docs.claude.com/en/api/versioning."):format(ctx.version))
  elseif not wire.says_json(ctx.headers) then
    return bad(ctx, "content-type: must be application/json")
  end
  local body, message = core.json_decode(text)
  if body == nil then
    return bad(ctx, "The request body is not valid JSON: " .. tostring(message))
  elseif not wire.is_object(body) then
    return bad(ctx, "Input should be a valid dictionary")
  end
  local found = check.find(messages.spec, body)
  if not found then return body end
  local words = WORDING[found.kind](found)
  return bad(ctx, ("%s: %s"):format(check.path(found.path, true), words))
end

local EFFORT = { low = 16, medium = 64, high = 128, xhigh = 192, max = 256 }

--- Read and check a request.
function messages.read(text, ctx)
  local body, refusal = read_body(text, ctx)
  if not body then return nil, refusal end
  local known = family(body.model)
  for _, step in ipairs({ check_sampling, check_thinking, check_tools }) do
    local fine, refused = step(body, ctx, known)
    if not fine then return nil, refused end
  end
  local list
  list, refusal = read_messages(body, ctx, known)
  if not list then return nil, refusal end
  local tools
  for i, tool in ipairs(body.tools or {}) do
    tools = tools or {}
    tools[i] = { name = tool.name, description = tool.description, parameters = tool.input_schema }
  end
  local choice = body.tool_choice or { type = "auto" }
  local config = body.output_config or {}
  local thinks = body.thinking and body.thinking.type ~= "disabled"
  return { model = ctx.sim_model(body.model), messages = list, body = body, tools = tools,
    choice = ({ auto = "auto", any = "required", tool = "name", none = "none" })[choice.type],
    choice_name = choice.name, parallel = not choice.disable_parallel_tool_use or nil,
    schema = config.format and config.format.schema, temperature = body.temperature,
    max_tokens = body.max_tokens, stop = body.stop_sequences, stream = body.stream,
    reasoning = thinks and EFFORT[config.effort or "low"] or 0, thinks = thinks }
end

-- ---- answering ---------------------------------------------------------------------------

local function blocks_of(request, answer, ctx)
  local blocks = wire.list {}
  if request.thinks then
    blocks[1] = { type = "thinking", thinking = "Let me think about what is asked.",
      signature = wire.base64(wire.id(ctx.id .. "signature", 32)) }
  end
  if answer.text ~= "" then
    blocks[#blocks + 1] = { type = "text", text = answer.text, citations = wire.null }
  end
  for i, call in ipairs(answer.calls) do
    blocks[#blocks + 1] = { type = "tool_use", id = "toolu_" .. wire.id(ctx.id .. "|" .. i),
      name = call.name, input = call.args }
  end
  return blocks
end

local function usage(answer, request, output)
  return { input_tokens = answer.usage.input, output_tokens = output or answer.usage.output,
    cache_creation_input_tokens = 0, cache_read_input_tokens = 0, service_tier = "standard",
    cache_creation = { ephemeral_5m_input_tokens = 0, ephemeral_1h_input_tokens = 0 },
    output_tokens_details = request.thinks and not output
      and { thinking_tokens = answer.usage.reasoning } or nil }
end

local STOP = { stop = "end_turn", length = "max_tokens", calls = "tool_use",
  filter = "refusal" }

local function stop_reason(answer)
  return answer.stopped and "stop_sequence" or STOP[answer.finish]
end

local function delta_events(add, block, at)
  local function delta(fields) add("content_block_delta", { index = at, delta = fields }) end
  if block.type == "text" then
    add("content_block_start", { index = at, content_block = { type = "text", text = "" } })
    for _, piece in ipairs(world.pieces(block.text, 5)) do
      delta { type = "text_delta", text = piece }
    end
  elseif block.type == "thinking" then
    add("content_block_start", { index = at, content_block = { type = "thinking", thinking = "",
      signature = "" } })
    delta { type = "thinking_delta", thinking = block.thinking }
    delta { type = "signature_delta", signature = block.signature }
  else
    add("content_block_start", { index = at, content_block = { type = "tool_use", id = block.id,
      name = block.name, input = {} } })
    delta { type = "input_json_delta", partial_json = "" }
    for _, piece in ipairs(world.pieces(core.json_encode(block.input), 3)) do
      delta { type = "input_json_delta", partial_json = piece }
    end
  end
  add("content_block_stop", { index = at })
end

local function event_stream(request, answer, ctx, message, blocks)
  local events = {}
  local function add(kind, fields)
    fields.type = kind
    events[#events + 1] = ("event: %s\ndata: %s\n\n"):format(kind, core.json_encode(fields))
  end
  message.content, message.stop_reason, message.stop_sequence = wire.list {}, wire.null, wire.null
  message.usage = usage(answer, request, 1)
  add("message_start", { message = message })
  for i, block in ipairs(blocks) do
    delta_events(add, block, i - 1)
    if i == 1 then table.insert(events, 3, messages.ping) end
  end
  if not ctx.no_finish then
    add("message_delta", { delta = { stop_reason = stop_reason(answer),
      stop_sequence = answer.stopped or wire.null }, usage = usage(answer, request) })
    add("message_stop", {})
  end
  return { status = 200, stream = "sse", events = events, ping = messages.ping }
end

--- The right reply to a request that was read well.
function messages.answer(request, ctx)
  local answer = world.answer(request)
  local blocks = blocks_of(request, answer, ctx)
  local cost = answer.usage.input + answer.usage.output
  local message = { id = "msg_" .. ctx.id, type = "message", role = "assistant",
    model = request.body.model, content = blocks, stop_reason = stop_reason(answer),
    stop_sequence = answer.stopped or wire.null, stop_details = wire.null,
    container = wire.null, usage = usage(answer, request) }
  if request.stream then return event_stream(request, answer, ctx, message, blocks), cost end
  if ctx.no_finish then message.stop_reason = wire.null end
  return wire.json(200, message), cost
end

--- POST /v1/messages/count_tokens
messages.count = { name = "anthropic" }
for _, name in ipairs({ "auth", "fault", "limit_headers", "headers", "too_big", "bad_method" }) do
  messages.count[name] = messages[name]
end

function messages.count.read(text, ctx)
  local body = core.json_decode(text)
  if wire.is_object(body) and body.max_tokens == nil then
    body.max_tokens = 1
    text = core.json_encode(body)
  end
  return messages.read(text, ctx)
end

function messages.count.answer(request)
  return wire.json(200, { input_tokens = world.answer(request).usage.input }), 0
end

return messages
