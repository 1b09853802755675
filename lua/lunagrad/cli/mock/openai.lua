--- What the OpenAI endpoints share: errors and their words, keys, rate headers, model families;
-- and how Azure's differ. Used by chat, responses, embeddings and images. Pure.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local wire = require "lunagrad.world.wire"

local openai = { name = "openai" }

--- A reply in the form of OpenAI's errors.
---@return table reply { status, body, headers }
function openai.error(status, message, kind, param, code, headers)
  local error_body = { message = message, type = kind or "invalid_request_error",
    param = param or wire.null, code = code or wire.null }
  return wire.json(status, { error = error_body }, headers)
end

--- A 400 as the second of two values, for a reader that gives up.
function openai.bad(message, param, code)
  return nil, openai.error(400, message, "invalid_request_error", param, code)
end

local NAMES = { number = "a decimal", integer = "an integer", string = "a string",
  boolean = "a boolean", list = "an array of objects", object = "an object", null = "null" }

local function named(want)
  local words = {}
  for one in want:gmatch "%a+" do words[#words + 1] = NAMES[one] end
  if #words < 2 then return words[1] or want end
  return "one of " .. table.concat(words, " or ")
end

local WORDING = {
  missing = function(_, path)
    return ("Missing required parameter: '%s'."):format(path), "missing_required_parameter"
  end,
  unknown = function(_, path)
    return ("Unknown parameter: '%s'."):format(path), "unknown_parameter"
  end,
  type = function(found, path)
    return ("Invalid type for '%s': expected %s, but got %s instead."):format(path,
      named(found.want), NAMES[check.type_name(found.value)]), "invalid_type"
  end,
  enum = function(found)
    return ("Invalid value: '%s'. Supported values are: %s."):format(tostring(found.value),
      found.want), "invalid_value"
  end,
  low = function(found, path)
    local kind = math.type(found.value) == "integer" and "integer" or "decimal"
    return ("Invalid '%s': %s below minimum value. Expected a value >= %s, but got %s instead.")
      :format(path, kind, found.want, found.value), kind .. "_below_min_value"
  end,
  high = function(found, path)
    local kind = math.type(found.value) == "integer" and "integer" or "decimal"
    return ("Invalid '%s': %s above maximum value. Expected a value <= %s, but got %s instead.")
      :format(path, kind, found.want, found.value), kind .. "_above_max_value"
  end,
  few = function(found, path)
    local kind = type(found.value) == "string" and "string" or "array"
    return ("Invalid '%s': empty %s. Expected %s with minimum length %s, but got an empty %s "
      .. "instead."):format(path, kind, kind == "array" and "an array" or "a string", found.want,
      kind), "empty_" .. kind
  end,
  pattern = function(found, path)
    return ("Invalid '%s': string does not match pattern. Expected a string that matches the "
      .. "pattern '%s'."):format(path, found.want), "invalid_value"
  end,
  many = function(found, path)
    local kind = type(found.value) == "string" and "string" or "array"
    return ("Invalid '%s': %s too long. Expected %s with maximum length %s, but got one with "
      .. "length %d instead."):format(path, kind, kind == "array" and "an array" or "a string",
      found.want, #found.value), kind .. "_above_max_length"
  end,
}

--- What was found, in OpenAI's words, and its code.
---@param found mock.finding
---@param path string
function openai.words(found, path) return WORDING[found.kind](found, path) end

--- Decode and check a body.
---@param text string
---@param spec table
---@return table|nil body
---@return table|nil refusal
function openai.body(text, spec, ctx)
  if not wire.says_json(ctx.headers) then
    local kind = ctx.headers["content-type"] or ""
    return openai.bad(("Unsupported content type: '%s'. This API method only accepts "
      .. "'application/json' requests, but you specified the header 'Content-Type: %s'.")
      :format(kind, kind), nil, "unsupported_content_type")
  end
  local body, message = core.json_decode(text)
  if body == nil then
    return openai.bad("We could not parse the JSON body of your request. (" .. tostring(message)
      .. ")")
  end
  if not wire.is_object(body) then
    return openai.bad("We could not parse the JSON body of your request: it must be a JSON object")
  end
  if ctx.deployment and body.model == nil then body.model = ctx.deployment end
  if body.model == nil or body.model == wire.null then
    return openai.bad("you must provide a model parameter", "model")
  end
  if ctx.compatible then spec = check.object(spec.fields, spec.required, true) end
  local found = check.find(spec, body)
  if not found then return body end
  local path = check.path(found.path)
  local words, code = openai.words(found, path)
  return openai.bad(words, path, code)
end

--- Is the key missing or wrong? The reply that says so, or nil.
function openai.auth(ctx)
  local key = wire.bearer(ctx.headers)
  if ctx.azure then key = ctx.headers["api-key"] or key end
  if key and key ~= "" and (not ctx.key or key == ctx.key) then return nil end
  if ctx.azure then
    return wire.json(401, { error = { code = "401", message = "Access denied due to invalid "
      .. "subscription key or wrong API endpoint. Make sure to provide a valid key for an active "
      .. "subscription and use a correct regional API endpoint for your resource." } })
  elseif not key then
    return openai.error(401, "You didn't provide an API key. You need to provide your API key in "
      .. "an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).")
  end
  local shown = #key > 8 and key:sub(1, 2) .. ("*"):rep(6) .. key:sub(-2) or "********"
  return openai.error(401, ("Incorrect API key provided: %s."):format(shown),
    "invalid_request_error", nil, "invalid_api_key")
end

function openai.not_found(ctx)
  if ctx.azure then
    return wire.json(404, { error = { code = "404", message = "Resource not found" } })
  end
  return openai.error(404, ("Invalid URL (%s %s)"):format(ctx.method, ctx.path))
end

function openai.bad_method(ctx)
  return openai.error(405, ("Not allowed to %s on %s."):format(ctx.method, ctx.path), nil, nil,
    "method_not_supported")
end

function openai.too_big()
  return openai.error(413, "Maximum content size limit exceeded. Please try again with a smaller "
    .. "request.")
end

local FAULTS = {
  [429] = { "Rate limit reached for requests", "requests", "rate_limit_exceeded" },
  [500] = { "The server had an error while processing your request", "server_error" },
  [502] = { "Bad gateway", "server_error" },
  [503] = { "The engine is currently overloaded, please try again later", "server_error" },
  [529] = { "Overloaded", "overloaded_error" },
}

--- An error that is the server's doing.
---@param status integer
---@param seconds integer|nil for Retry-After
---@param ctx table
---@param message string|nil
function openai.fault(status, seconds, ctx, message)
  local words = FAULTS[status] or FAULTS[500]
  local headers = seconds and { ["Retry-After"] = tostring(seconds) } or {}
  message = message or words[1] .. " (a fault of lunagrad mock)"
  if ctx.azure and status == 429 then
    return wire.json(429, { error = { code = "429", message = message
      .. (seconds and (" Please retry after %d seconds."):format(seconds) or "") } }, headers)
  end
  return openai.error(status, message, words[2], nil, words[3], headers)
end

-- 61.5 s as "1m1.5s", 0.02 s as "20ms".
local function go_duration(seconds)
  if seconds < 1 then return ("%dms"):format(math.ceil(seconds * 1000)) end
  local minutes = math.floor(seconds / 60)
  local rest = ("%.3f"):format(seconds - minutes * 60):gsub("%.?0+$", "")
  return (minutes > 0 and minutes .. "m" or "") .. (rest == "" and "0" or rest) .. "s"
end

--- Headers that say what is left of the limits.
---@param limits { requests: table?, tokens: table? } each { limit, remaining, reset }
---@return table<string, string>
function openai.limit_headers(limits)
  local headers = {}
  for _, what in ipairs({ "requests", "tokens" }) do
    local one = limits[what]
    if one then
      headers["x-ratelimit-limit-" .. what] = tostring(one.limit)
      headers["x-ratelimit-remaining-" .. what] = tostring(one.remaining)
      headers["x-ratelimit-reset-" .. what] = go_duration(one.reset)
    end
  end
  return headers
end

--- Headers of every reply.
function openai.headers(ctx)
  return { ["x-request-id"] = "req_" .. ctx.id, ["openai-processing-ms"] = "1" }
end

-- ---- families ----------------------------------------------------------------------------

---@class mock.family
---@field reasoning boolean it thinks, so sampling and max_tokens are refused
---@field none boolean effort "none" is known, and sampling passes with it
---@field tools_need_none "always"|"explicit"|nil chat refuses tools beside an effort
---@field no_stop boolean
---@field plain boolean a model that is known not to think

--- What the name of a model tells. Only OpenAI's own names tell anything: others are as they are.
---@param name string
---@return mock.family
function openai.family(name)
  local base = name:lower()
  local five = base:match("^gpt%-5%.?(%d*)")
  if base:find("^gpt%-5[%w.-]*%-chat") then five = nil end
  local minor = five and tonumber(five ~= "" and five or "0")
  local family = { reasoning = base:find("^o%d") ~= nil or minor ~= nil }
  family.none = minor ~= nil and minor >= 1
  family.no_stop = base:find("^o3") ~= nil or base:find("^o4%-mini") ~= nil
  if minor and minor >= 4 then
    family.tools_need_none = minor >= 6 and "always" or "explicit"
  end
  family.plain = not family.reasoning and (base:find("^gpt%-[34]") or base:find("^chatgpt")) ~= nil
  return family
end

local EFFORT_TOKENS = { none = 0, minimal = 0, low = 32, medium = 64, high = 128, xhigh = 192,
  max = 256 }

--- How many tokens it thinks.
function openai.reasoning_tokens(family, effort)
  if effort then return EFFORT_TOKENS[effort] end
  return family.reasoning and not (family.none and family.tools_need_none == "explicit")
    and EFFORT_TOKENS.medium or 0
end

--- The field that a reasoning model refuses, or nil.
---@param body table
---@param family mock.family
---@param effort string|nil
---@return string|nil message
---@return string|nil param
---@return string|nil code
function openai.refused_sampling(body, family, effort)
  if not family.reasoning or family.none and effort == "none" then return nil end
  for _, field in ipairs({ "temperature", "top_p" }) do
    if body[field] and body[field] ~= 1 then
      return ("Unsupported value: '%s' does not support %s with this model. Only the default (1) "
        .. "value is supported."):format(field, body[field]), field, "unsupported_value"
    end
  end
  for _, field in ipairs({ "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
    "top_logprobs" }) do
    local value = body[field]
    if value and value ~= 0 then
      return ("Unsupported parameter: '%s' is not supported with this model."):format(field), field,
        "unsupported_parameter"
    end
  end
end

--- One line of a stream of data-only events.
function openai.event(value) return "data: " .. core.json_encode(value) .. "\n\n" end

--- An error in the middle of a stream of data-only events.
function openai.stream_error()
  return openai.event { error = { code = "server_error", type = "server_error",
    param = wire.null, message = "The server had an error while processing your request (a fault "
    .. "of lunagrad mock)" } }
end

--- What pads a delta, so that its size tells nothing.
function openai.obfuscation(ctx, n) return wire.id(ctx.id .. "|" .. n, 4 + n % 9) end

return openai
