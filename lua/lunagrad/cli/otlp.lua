--- A run as OpenTelemetry's traces (OTLP, JSON encoding), in the conventions for generative AI: a span
--- a start, and below it one for each call that it bought.
--
-- One request of the protocol, as a collector takes it at /v1/traces:
-- curl -H 'Content-Type: application/json' -d @FILE http://127.0.0.1:4318/v1/traces
-- Ids are made of the run's name and the numbers of its rows, so the same store gives the same bytes.

local core = require "lunagrad.core"
local ledger = require "lunagrad.book.ledger"

local otlp = {}

local CLIENT, INTERNAL, OK = 3, 1, 1

local function list(items) return setmetatable(items or {}, core.array) end

local function id_of(text, digits) return core.sha256(text):sub(1, digits) end

local function attribute(name, value)
  local kind = math.type(value)
  if kind == "integer" then -- 64 bits go as texts in this encoding
    return { key = name, value = { intValue = ("%d"):format(value) } }
  elseif kind == "float" then
    return { key = name, value = { doubleValue = value } }
  elseif type(value) == "table" then
    local values = list()
    for i, one in ipairs(value) do values[i] = { stringValue = one } end
    return { key = name, value = { arrayValue = { values = values } } }
  end
  return { key = name, value = { stringValue = tostring(value) } }
end

local function attributes(pairs_in_order)
  local out = list()
  for _, one in ipairs(pairs_in_order) do
    if one[2] ~= nil then out[#out + 1] = attribute(one[1], one[2]) end
  end
  return out
end

local function nanos(us) return ("%d000"):format(us or 0) end

-- The conventions' names of who serves; others go by the name that the command has for them.
local PROVIDERS = { gemini = "gcp.gemini", azure = "azure.ai.openai", bedrock = "aws.bedrock",
  mistral = "mistral_ai", xai = "x_ai" }

-- "http://host:8080/v1" → host, port
local function server_of(endpoint)
  local scheme, rest = (endpoint or ""):match "^(https?)://([^/?#]*)"
  if not rest then return nil end
  local host, port = rest:gsub("^[^@]*@", ""):match "^(%[?[^%]]-%]?):(%d+)$"
  return host or rest:gsub("^[^@]*@", ""), math.tointeger(tonumber(port))
    or (scheme == "https" and 443 or 80)
end

-- What the request said of how to answer.
local function asked_of(row)
  local request = type(row.request) == "string" and core.json_decode(row.request, "number")
  if type(request) ~= "table" then return {}, {} end
  local set = type(request.options) == "table" and request.options or {}
  return set, type(request.messages) == "table" and request.messages or {}
end

local function number_of(value) return type(value) == "number" and value or nil end

local function float_of(value)
  local is_finite = type(value) == "number" and value == value and math.abs(value) < math.huge
  return is_finite and value + 0.0 or nil
end

-- Texts alone: of pictures and sounds the store has a digest.
local function parts_of(content)
  local parts = list()
  if type(content) == "string" then content = { { type = "text", text = content } } end
  for _, one in ipairs(type(content) == "table" and content or {}) do
    if type(one) == "table" and type(one.text) == "string" then
      parts[#parts + 1] = { type = "text", content = one.text }
    end
  end
  return parts
end

-- Messages as the conventions have them, as texts of JSON; what was said is sent only when it is asked for.
local function content_of(row, messages)
  local input, output = list(), list()
  for _, one in ipairs(messages) do
    input[#input + 1] = { role = one.role, parts = parts_of(one.content) }
  end
  local said = require("lunagrad.book.calls").reply_of(row, false)
  if type(said) == "string" then
    output[1] = { role = "assistant", parts = parts_of(said),
      finish_reason = row.finish_reason or "" }
  end
  return core.json_encode(input), core.json_encode(output)
end

local function score_event(name, score, us)
  return { name = "gen_ai.evaluation.result", timeUnixNano = nanos(us), attributes = attributes {
    { "gen_ai.evaluation.name", name }, { "gen_ai.evaluation.score.value", float_of(score) } } }
end

--- The span of a start.
---@param run table a row of the table run
---@return table
function otlp.run_span(run)
  local events, ended = list(), run.ended_us or run.started_us
  if run.seed_score then
    events[#events + 1] = score_event("start", run.seed_score, run.started_us)
  end
  if run.best_score then events[#events + 1] = score_event("best", run.best_score, ended) end
  return { traceId = id_of("trace " .. run.name .. " " .. run.id, 32),
    spanId = id_of("run " .. run.name .. " " .. run.id, 16),
    name = "invoke_workflow " .. run.name,
    kind = INTERNAL, startTimeUnixNano = nanos(run.started_us),
    endTimeUnixNano = nanos(math.max(ended, run.started_us)), events = events,
    attributes = attributes { { "gen_ai.operation.name", "invoke_workflow" },
      { "gen_ai.workflow.name", run.name }, { "lunagrad.run", run.name },
      { "lunagrad.start", run.id }, { "lunagrad.state", run.state },
      { "lunagrad.seed_score", float_of(run.seed_score) },
      { "lunagrad.best_score", float_of(run.best_score) } } }
end

--- The span of a call.
---@param run table the start that bought it
---@param row table of the table reply
---@param content? boolean with what was asked and answered
---@return table
function otlp.call_span(run, row, content)
  local provider, model = (row.model or ""):match "^([^/]+)/(.+)$"
  local role = math.type(row.kind) == "integer" and ledger.KINDS[row.kind + 1] or nil
  local ended = row.created_us or 0
  local set, messages = asked_of(row)
  local host, port = server_of(row.endpoint)
  local input, output
  if content then input, output = content_of(row, messages) end
  return { traceId = id_of("trace " .. run.name .. " " .. run.id, 32),
    parentSpanId = id_of("run " .. run.name .. " " .. run.id, 16),
    spanId = id_of("call " .. run.name .. " " .. row.id, 16),
    name = "chat " .. (model or row.model or "?"), kind = CLIENT,
    startTimeUnixNano = nanos(math.max(0, ended - (row.latency_us or 0))),
    endTimeUnixNano = nanos(ended), status = { code = OK },
    attributes = attributes { { "gen_ai.operation.name", "chat" },
      { "gen_ai.provider.name", provider and (PROVIDERS[provider] or provider) },
      { "gen_ai.request.model", model or row.model },
      { "gen_ai.request.temperature", float_of(set.temperature) },
      { "gen_ai.request.top_p", float_of(set.top_p) },
      { "gen_ai.request.max_tokens", math.tointeger(number_of(set.max_tokens)) },
      { "gen_ai.request.seed", math.tointeger(number_of(set.seed)) },
      { "gen_ai.response.finish_reasons", row.finish_reason and { row.finish_reason } or nil },
      { "gen_ai.response.id", row.request_id ~= "" and row.request_id or nil },
      { "gen_ai.usage.input_tokens", row.input }, { "gen_ai.usage.output_tokens", row.output },
      { "gen_ai.usage.cache_read.input_tokens", (row.cached or 0) > 0 and row.cached or nil },
      { "gen_ai.usage.reasoning.output_tokens",
        (row.reasoning or 0) > 0 and row.reasoning or nil },
      { "server.address", host }, { "server.port", port },
      { "gen_ai.input.messages", input }, { "gen_ai.output.messages", output },
      { "lunagrad.role", role }, { "lunagrad.call", row.id },
      { "lunagrad.cost_usd", row.unpriced ~= 1 and row.micros and row.micros / 1e6 or nil } } }
end

--- What stands before the spans, and what behind them.
---@param service? string the name that OTEL_SERVICE_NAME gives
---@return string head
---@return string tail
function otlp.frame(service)
  local resource = core.json_encode { attributes = attributes {
    { "service.name", service or "lunagrad" }, { "service.version", core.VERSION } } }
  local scope = core.json_encode { name = "lunagrad", version = core.VERSION }
  return ('{"resourceSpans":[{"resource":%s,"scopeSpans":[{"scope":%s,"spans":['):format(resource,
    scope), "]}]}]}\n"
end

return otlp
