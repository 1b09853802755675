--- Ollama's own API as the mock server speaks it: chat as lines of JSON (streamed unless the request
-- says otherwise), embeddings, its lists. Like Ollama it lets unknown fields pass. Pure.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local vectors = require "lunagrad.world.vectors"
local wire = require "lunagrad.world.wire"
local world = require "lunagrad.world.neutral"

local ollama = { name = "ollama" }

function ollama.error(status, message, headers)
  return wire.json(status, { error = message }, headers)
end

local function bad(message) return nil, ollama.error(400, message) end

function ollama.headers() return {} end
function ollama.limit_headers() return {} end

--- A local Ollama asks for no key; with one set, it is that of its cloud.
function ollama.auth(ctx)
  if ctx.key and wire.bearer(ctx.headers) ~= ctx.key then
    return ollama.error(401, "unauthorized")
  end
end

function ollama.not_found()
  return { status = 404, headers = { ["Content-Type"] = "text/plain" },
    body = "404 page not found" }
end

function ollama.bad_method()
  return { status = 405, headers = { ["Content-Type"] = "text/plain" },
    body = "405 method not allowed" }
end

function ollama.too_big() return ollama.error(413, "request body too large") end

local FAULTS = { [429] = "too many requests", [500] = "internal server error", [502] =
  "bad gateway", [503] = "server busy, please try again. maximum pending requests exceeded",
  [529] = "overloaded" }

--- An error that is the server's doing.
function ollama.fault(status, seconds, _, message)
  return ollama.error(status, message or (FAULTS[status] or FAULTS[500])
    .. " (a fault of lunagrad mock)", seconds and { ["Retry-After"] = tostring(seconds) } or nil)
end

--- An error in the middle of a stream.
function ollama.stream_error()
  return '{"error":"an error was encountered while running the model (a fault of lunagrad mock)"}\n'
end

-- ---- what a request may hold -------------------------------------------------------------

local S = check
local OPTIONS = S.object({ temperature = S.number(), top_p = S.number(), min_p = S.number(),
  top_k = S.integer(), seed = S.integer(), num_ctx = S.integer(), num_predict = S.integer(),
  repeat_penalty = S.number(), repeat_last_n = S.integer(), stop = S.list(S.string),
  presence_penalty = S.number(), frequency_penalty = S.number() }, nil, true)
local MESSAGE = S.object({ role = S.string, content = S.string, thinking = S.string,
  images = S.list(S.string), tool_name = S.string, tool_call_id = S.string,
  tool_calls = S.list(S.object({ ["function"] = S.object({ name = S.string, arguments = S.map },
    nil, true) }, { "function" }, true)) }, nil, true)
ollama.spec = S.object({ model = S.string, messages = S.list(MESSAGE), stream = S.boolean,
  format = S.union { string = S.string, object = S.map }, options = OPTIONS,
  think = S.union { boolean = S.boolean, string = S.string }, truncate = S.boolean,
  keep_alive = S.union { string = S.string, number = S.number() }, tools = S.list(S.object({
    type = S.string, ["function"] = S.object({ name = S.string, description = S.string,
    parameters = S.map }, nil, true) }, nil, true)) }, nil, true)

local GO = { number = "float32", integer = "int", string = "string", boolean = "bool",
  list = "[]interface {}", object = "map[string]interface {}" }

local function words_of(found)
  local path = check.path(found.path, true)
  local option = path:match("^options%.(.+)$")
  if option then
    return ("option %q must be of type %s"):format(option, GO[found.want] or found.want)
  end
  local field = path:gsub("%.%d+", "")
  if found.kind ~= "type" then return ("invalid value for %s"):format(field) end
  local got = check.type_name(found.value)
  if got == "integer" then got = "number" elseif got == "list" then got = "array" end
  return ("json: cannot unmarshal %s into Go struct field ChatRequest.%s of type %s"):format(
    got, field, GO[found.want] or "interface {}")
end

local function decode(text, spec)
  if text == "" then return bad("missing request body") end
  local body, message = core.json_decode(text)
  if body == nil then return bad("invalid request: " .. tostring(message)) end
  if not wire.is_object(body) then
    return bad("json: cannot unmarshal array into Go value of type api.ChatRequest")
  end
  local found = check.find(spec, body)
  if found then return bad(words_of(found)) end
  if not body.model or body.model == "" then return bad("model is required") end
  return body
end

-- ---- reading -----------------------------------------------------------------------------

local ROLES = { system = "system", user = "user", assistant = "assistant", tool = "tool" }

local function read_images(list)
  local shown = {}
  for i, image in ipairs(list) do
    if image:find("^data:") then return bad("illegal base64 data at input byte 4") end
    local found = media.read(image)
    if not found then return bad("illegal base64 data at input byte 0") end
    if not (found.type or ""):find("^image/") then
      return bad("Failed to load image or audio file")
    end
    shown[i] = found
  end
  return shown
end

local function read_messages(list)
  local out, calls = {}, 0
  for i, message in ipairs(list or {}) do
    local role = ROLES[message.role or ""]
    if not role then
      return bad(("invalid role: %s, must be one of system, user, assistant, or tool")
        :format(tostring(message.role)))
    end
    local shown, refusal = read_images(message.images or {})
    if not shown then return nil, refusal end
    local made
    for at, call in ipairs(message.tool_calls or {}) do
      made, calls = made or {}, calls + 1
      made[at] = { id = call.id or tostring(calls), name = call["function"].name or "" }
    end
    out[i] = { role = role, content = message.content or "", media = shown, calls = made,
      id = message.tool_call_id or tostring(i), name = message.tool_name }
  end
  return out
end

local THINK = { low = 32, medium = 64, high = 128, max = 256 }

--- Read and check a request to /api/chat.
function ollama.read(text, ctx)
  local body, refusal = decode(text, ollama.spec)
  if not body then return nil, refusal end
  if type(body.format) == "string" and body.format ~= "json" and body.format ~= "" then
    return bad(("invalid format: %q; expected \"json\" or a valid JSON Schema object")
      :format(body.format))
  elseif type(body.think) == "string" and not THINK[body.think] then
    return bad(("invalid think value: %q (must be \"high\", \"medium\", \"low\", \"max\", true, or "
      .. "false)"):format(body.think))
  end
  local list
  list, refusal = read_messages(body.messages)
  if not list then return nil, refusal end
  local options, tools = body.options or {}, nil
  for i, tool in ipairs(body.tools or {}) do
    tools = tools or {}
    local said = tool["function"] or {}
    tools[i] = { name = said.name or "", description = said.description,
      parameters = said.parameters }
  end
  local most = options.num_predict
  return { model = ctx.sim_model(body.model), messages = list, body = body, tools = tools,
    schema = type(body.format) == "table" and body.format or nil, json = body.format == "json",
    temperature = options.temperature, max_tokens = most and most > 0 and most or nil,
    stop = options.stop, sample = options.seed, stream = body.stream ~= false,
    reasoning = body.think and (THINK[body.think] or 64) or 0 }
end

-- ---- answering ---------------------------------------------------------------------------

local function calls_of(answer, ctx)
  if #answer.calls == 0 then return nil end
  local list = wire.list {}
  for i, call in ipairs(answer.calls) do
    list[i] = { id = "call_" .. wire.id(("%s|%d"):format(ctx.id, i), 8), ["function"] = {
      index = i - 1, name = call.name, arguments = call.args } }
  end
  return list
end

local function last(line, answer, ctx)
  line.done = not ctx.no_finish
  if ctx.no_finish then return line end
  line.done_reason = answer.finish == "length" and "length" or "stop"
  line.prompt_eval_count, line.eval_count = answer.usage.input, answer.usage.output
  line.load_duration, line.prompt_eval_duration = 1000000, 100000 * answer.usage.input
  line.eval_duration = 1000000 * answer.usage.output
  line.total_duration = line.load_duration + line.prompt_eval_duration + line.eval_duration
  return line
end

local THOUGHT = "I look at what is asked."

--- The right reply to a request to /api/chat that was read well.
function ollama.answer(request, ctx)
  local answer = world.answer(request)
  local cost = answer.usage.input + answer.usage.output
  local function line(fields)
    fields.role, fields.content = "assistant", fields.content or ""
    return { model = request.body.model, created_at = wire.rfc3339(ctx.now_us), message = fields,
      done = false }
  end
  local thought = request.reasoning > 0 and THOUGHT or nil
  if #request.messages == 0 then -- as Ollama loads a model
    local empty = line {}
    empty.done, empty.done_reason = true, "load"
    return wire.json(200, empty), 0
  end
  if not request.stream then
    return wire.json(200, last(line { content = answer.text, thinking = thought,
      tool_calls = calls_of(answer, ctx) }, answer, ctx)), cost
  end
  local lines = {}
  if thought then lines[1] = line { thinking = thought } end
  for _, piece in ipairs(world.pieces(answer.text, 5)) do
    lines[#lines + 1] = line { content = piece }
  end
  local calls = calls_of(answer, ctx)
  if calls then lines[#lines + 1] = line { tool_calls = calls } end
  if not ctx.no_finish then lines[#lines + 1] = last(line {}, answer, ctx) end
  for i, one in ipairs(lines) do lines[i] = core.json_encode(one) .. "\n" end
  return { status = 200, stream = "ndjson", events = lines }, cost
end

-- ---- its other methods -------------------------------------------------------------------

local EMBED = S.object({ model = S.string, truncate = S.boolean, options = OPTIONS,
  dimensions = S.integer(1), keep_alive = S.any,
  input = S.union { string = S.string, list = S.list(S.string) } }, nil, true)

--- POST /api/embed
ollama.embed = { name = "ollama",
  read = function(text)
    local body, refusal = decode(text, EMBED)
    if not body then return nil, refusal end
    if body.input == nil then return bad("missing input") end
    return { body = body }
  end,
  answer = function(request)
    local body, list, cost = request.body, wire.list {}, 0
    for i, text in ipairs(type(body.input) == "string" and { body.input } or body.input) do
      list[i] = vectors.of(text, body.dimensions or 384)
      cost = cost + wire.tokens(text)
    end
    return wire.json(200, { model = body.model, embeddings = list, total_duration = 1000000,
      load_duration = 100000, prompt_eval_count = cost }), cost
  end,
}

--- POST /api/show
ollama.show = { name = "ollama",
  read = function(text)
    local body, refusal = decode(text, S.object({ model = S.string }, nil, true))
    if not body then return nil, refusal end
    return { body = body }
  end,
  answer = function()
    return wire.json(200, { modelfile = "", parameters = "", template = "{{ .Prompt }}",
      details = { format = "gguf", family = "sim", parameter_size = "0B" },
      model_info = { ["general.architecture"] = "sim", ["sim.context_length"] = 131072 },
      capabilities = wire.list { "completion", "tools", "vision", "thinking" } }), 0
  end,
}
for _, one in ipairs({ ollama.embed, ollama.show }) do
  for _, name in ipairs({ "auth", "fault", "limit_headers", "headers", "stream_error", "too_big",
    "bad_method" }) do
    one[name] = ollama[name]
  end
end

--- GET /api/tags and /api/ps
function ollama.models(names)
  local list = wire.list {}
  for i, name in ipairs(names) do
    list[i] = { name = name, model = name, size = 0, digest = core.sha256(name),
      modified_at = "2026-01-01T00:00:00Z", details = { format = "gguf", family = "sim",
      families = wire.list { "sim" }, parameter_size = "0B", quantization_level = "F32" } }
  end
  return wire.json(200, { models = list })
end

--- GET /api/version
function ollama.version() return wire.json(200, { version = "0.30.0" }) end

return ollama
