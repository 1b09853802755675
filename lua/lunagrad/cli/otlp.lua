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

--- The span of a start.
---@param run table a row of the table run
---@return table
function otlp.run_span(run)
  return { traceId = id_of("trace " .. run.name .. " " .. run.id, 32),
    spanId = id_of("run " .. run.name .. " " .. run.id, 16), name = "run " .. run.name,
    kind = INTERNAL, startTimeUnixNano = nanos(run.started_us),
    endTimeUnixNano = nanos(run.ended_us or run.started_us),
    attributes = attributes { { "lunagrad.run", run.name }, { "lunagrad.start", run.id },
      { "lunagrad.state", run.state }, { "lunagrad.seed_score", run.seed_score },
      { "lunagrad.best_score", run.best_score } } }
end

--- The span of a call.
---@param run table the start that bought it
---@param row table of the table reply
---@return table
function otlp.call_span(run, row)
  local provider, model = (row.model or ""):match "^([^/]+)/(.+)$"
  local role = math.type(row.kind) == "integer" and ledger.KINDS[row.kind + 1] or nil
  local ended = row.created_us or 0
  return { traceId = id_of("trace " .. run.name .. " " .. run.id, 32),
    parentSpanId = id_of("run " .. run.name .. " " .. run.id, 16),
    spanId = id_of("call " .. run.name .. " " .. row.id, 16),
    name = "chat " .. (model or row.model or "?"), kind = CLIENT,
    startTimeUnixNano = nanos(math.max(0, ended - (row.latency_us or 0))),
    endTimeUnixNano = nanos(ended), status = { code = OK },
    attributes = attributes { { "gen_ai.operation.name", "chat" },
      { "gen_ai.provider.name", provider and (PROVIDERS[provider] or provider) },
      { "gen_ai.request.model", model or row.model },
      { "gen_ai.response.finish_reasons", row.finish_reason and { row.finish_reason } or nil },
      { "gen_ai.response.id", row.request_id ~= "" and row.request_id or nil },
      { "gen_ai.usage.input_tokens", row.input }, { "gen_ai.usage.output_tokens", row.output },
      { "lunagrad.role", role }, { "lunagrad.call", row.id },
      { "lunagrad.cost_usd", row.unpriced ~= 1 and row.micros and row.micros / 1e6 or nil } } }
end

--- What stands before the spans, and what behind them.
---@return string head
---@return string tail
function otlp.frame()
  local resource = core.json_encode { attributes = attributes { { "service.name", "lunagrad" },
    { "service.version", core.VERSION } } }
  local scope = core.json_encode { name = "lunagrad", version = core.VERSION }
  return ('{"resourceSpans":[{"resource":%s,"scopeSpans":[{"scope":%s,"spans":['):format(resource,
    scope), "]}]}]}\n"
end

return otlp
