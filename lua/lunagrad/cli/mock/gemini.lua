--- Gemini's generateContent, streamGenerateContent, countTokens and batchEmbedContents as the mock
-- server speaks them. Pure.

local check = require "lunagrad.cli.mock.check"
local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local vectors = require "lunagrad.world.vectors"
local wire = require "lunagrad.world.wire"
local world = require "lunagrad.world.neutral"

local gemini = { name = "gemini" }

-- ---- errors ------------------------------------------------------------------------------

local STATUS = { [400] = "INVALID_ARGUMENT", [401] = "UNAUTHENTICATED", [403] =
  "PERMISSION_DENIED", [404] = "NOT_FOUND", [405] = "UNIMPLEMENTED", [413] = "INVALID_ARGUMENT",
  [429] = "RESOURCE_EXHAUSTED", [500] = "INTERNAL", [502] = "UNAVAILABLE", [503] = "UNAVAILABLE",
  [529] = "UNAVAILABLE" }

--- A reply in the form of Google's errors.
function gemini.error(status, message, details, headers)
  return wire.json(status, { error = { code = status, message = message, status = STATUS[status],
    details = details and wire.list(details) or nil } }, headers)
end

local function bad(message, details) return nil, gemini.error(400, message, details) end

-- A violation of the request's form, as Google reports it.
local function violation(path, message)
  return bad(message, { { ["@type"] = "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations = wire.list { { field = path ~= "" and path or nil, description = message } } }
  })
end

function gemini.headers() return {} end

function gemini.auth(ctx)
  local key = ctx.headers["x-goog-api-key"] or ctx.query.key or wire.bearer(ctx.headers)
  if not key or key == "" then
    return gemini.error(403, "Method doesn't allow unregistered callers (callers without "
      .. "established identity). Please use API Key or other form of API consumer identity to call "
      .. "this API.")
  elseif ctx.key and key ~= ctx.key then
    return gemini.error(400, "API key not valid. Please pass a valid API key.", {
      { ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo", reason = "API_KEY_INVALID",
        domain = "googleapis.com", metadata = { service = "generativelanguage.googleapis.com" } } })
  end
end

function gemini.not_found(ctx)
  return gemini.error(404, ("%s was not found on this server."):format(ctx.path))
end

function gemini.bad_method(ctx)
  return gemini.error(405, ("%s is not for %s"):format(ctx.path, ctx.method))
end

function gemini.too_big()
  return gemini.error(413, "Request payload size exceeds the limit: 67108864 bytes.")
end

local FAULTS = { [429] = "Resource has been exhausted (e.g. check quota).",
  [500] = "An internal error has occurred.", [502] = "Bad gateway.",
  [503] = "The model is overloaded. Please try again later.", [529] = "Overloaded." }

--- An error that is the server's doing. Google says in the body when to come again.
function gemini.fault(status, seconds, _, message)
  local details
  if status == 429 then
    details = { { ["@type"] = "type.googleapis.com/google.rpc.QuotaFailure",
      violations = wire.list { {
        quotaMetric = "generativelanguage.googleapis.com/generate_content_requests",
        quotaId = "GenerateRequestsPerMinutePerProjectPerModel" } } } }
    if seconds then
      details[2] = { ["@type"] = "type.googleapis.com/google.rpc.RetryInfo",
        retryDelay = seconds .. "s" }
    end
  end
  message = message or (FAULTS[status] or FAULTS[500]) .. " (a fault of lunagrad mock)"
  return gemini.error(status, message, details)
end

--- An error in the middle of a stream: bare JSON, not an event.
function gemini.stream_error()
  return '{\n  "error": {\n    "code": 503,\n    "message": "The model is overloaded. (a fault of '
    .. 'lunagrad mock)",\n    "status": "UNAVAILABLE"\n  }\n}\n'
end

function gemini.limit_headers() return {} end

-- ---- what a request may hold -------------------------------------------------------------

local S = check
local PART = S.object { text = S.string, thought = S.boolean, thoughtSignature = S.string,
  inlineData = S.object({ mimeType = S.string, data = S.string, displayName = S.string },
    { "mimeType", "data" }),
  fileData = S.object({ mimeType = S.string, fileUri = S.string, displayName = S.string },
    { "fileUri" }),
  functionCall = S.object({ id = S.string, name = S.name, args = S.map }, { "name" }),
  functionResponse = S.object({ id = S.string, name = S.name, response = S.map,
    parts = S.list(S.object({ inlineData = S.object({ mimeType = S.string, data = S.string,
      displayName = S.string }, { "mimeType", "data" }) }, { "inlineData" })) },
    { "name", "response" }), videoMetadata = S.map, mediaResolution = S.any,
  executableCode = S.map, codeExecutionResult = S.map }
local CONTENT = S.object({ role = S.string, parts = S.list(PART) })
local DECLARATION = S.object({ name = S.name, description = S.string, parameters = S.map,
  parametersJsonSchema = S.any, response = S.map, responseJsonSchema = S.any,
  behavior = S.string }, { "name" })
local CONFIG = S.object { temperature = S.number(0, 2), topP = S.number(0, 1),
  topK = S.number(1), candidateCount = S.integer(1, 8), maxOutputTokens = S.integer(1),
  stopSequences = S.list(S.string, nil, 5), seed = S.integer(), presencePenalty = S.number(-2, 2),
  frequencyPenalty = S.number(-2, 2), responseMimeType = S.string, responseSchema = S.map,
  responseJsonSchema = S.any, responseLogprobs = S.boolean, logprobs = S.integer(0, 20),
  responseModalities = S.list(S.string), speechConfig = S.map, mediaResolution = S.string,
  enableEnhancedCivicAnswers = S.boolean, imageConfig = S.map, thinkingConfig = S.object {
    thinkingBudget = S.integer(-1), includeThoughts = S.boolean, thinkingLevel = S.enum("MINIMAL",
    "LOW", "MEDIUM", "HIGH", "minimal", "low", "medium", "high",
    "THINKING_LEVEL_UNSPECIFIED") } }

gemini.spec = S.object({ model = S.string, contents = S.list(CONTENT, 1),
  systemInstruction = CONTENT, generationConfig = CONFIG, cachedContent = S.string,
  safetySettings = S.list(S.object({ category = S.string, threshold = S.string, method = S.string },
    { "category", "threshold" })), serviceTier = S.string, store = S.boolean, labels = S.map,
  tools = S.list(S.object { functionDeclarations = S.list(DECLARATION), googleSearch = S.map,
    codeExecution = S.map, urlContext = S.map, googleSearchRetrieval = S.map }),
  toolConfig = S.object { functionCallingConfig = S.object { mode = S.enum("AUTO", "ANY", "NONE",
    "VALIDATED", "MODE_UNSPECIFIED"), allowedFunctionNames = S.list(S.string),
    streamFunctionCallArguments = S.boolean }, retrievalConfig = S.map } }, { "contents" })

-- Names in snake_case are taken as well, as protobuf's JSON does.
local function camel(value, depth, keep)
  if type(value) ~= "table" or depth > 12 then return value end
  local list = wire.is_list(value)
  local out = list and wire.list {} or {}
  for key, field in pairs(value) do
    local name = not list and not keep and key:gsub("_(%l)", string.upper) or key
    local own = name == "args" or name == "response" or name == "parameters"
      or name == "responseSchema" or tostring(name):find("JsonSchema$") ~= nil
    out[name] = own and field or camel(field, depth + 1, keep)
  end
  return out
end

local KINDS = { number = "TYPE_FLOAT", integer = "TYPE_INT32", string = "TYPE_STRING",
  boolean = "TYPE_BOOL", list = "list", object = "message" }

local function words_of(found)
  local path = check.path(found.path)
  local parent, leaf = path:match("^(.-)%.?([^.]*)$")
  if found.kind == "unknown" then
    return ("Invalid JSON payload received. Unknown name \"%s\"%s: Cannot find field."):format(leaf,
      parent ~= "" and (" at '%s'"):format(parent) or ""), parent
  elseif found.kind == "type" then
    return ("Invalid value at '%s' (%s), %s"):format(path, KINDS[found.want] or found.want,
      core.json_encode({ found.value }):sub(2, -2)), path
  elseif found.kind == "enum" then
    return ("Invalid value at '%s' (TYPE_ENUM), \"%s\""):format(path, tostring(found.value)), path
  elseif found.kind == "missing" or found.kind == "few" then
    return ("* GenerateContentRequest.%s: %s is not specified"):format(path, leaf), path
  end
  local way = found.kind == "low" and "less than the minimum of" or "more than the maximum of"
  return ("* GenerateContentRequest.%s: %s is %s %s"):format(path,
    type(found.value) == "table" and "it" or tostring(found.value), way, found.want), path
end

-- ---- reading -----------------------------------------------------------------------------

local MIME = { ["image/png"] = 1, ["image/jpeg"] = 1, ["image/webp"] = 1, ["image/heic"] = 1,
  ["image/heif"] = 1, ["audio/wav"] = 2, ["audio/mp3"] = 2, ["audio/mpeg"] = 2,
  ["audio/aac"] = 2, ["audio/ogg"] = 2, ["audio/flac"] = 2, ["audio/aiff"] = 2,
  ["application/pdf"] = 3, ["text/plain"] = 3, ["video/mp4"] = 4 }

local function read_inline(data, where)
  local found = media.read(data.data)
  if not found then
    return violation(where .. ".data", ("Invalid value at '%s.data' (TYPE_BYTES), Base64 decoding "
      .. "failed"):format(where))
  elseif not MIME[data.mimeType] then
    return bad(("Unsupported MIME type: %s"):format(data.mimeType))
  elseif MIME[data.mimeType] == 1 and data.mimeType:find("^image/[pjw]")
    and not (found.type or ""):find("^image/") then
    return bad("Unable to process input image. Please retry or report in "
      .. "https://developers.generativeai.google/guide/troubleshooting")
  end
  return found
end

-- A result, with what it shows.
local function read_result(given, into, where, model)
  local text = given.response.output or given.response.result
  if type(text) ~= "string" then text = core.json_encode(text or given.response) end
  local result = { role = "tool", content = text, name = given.name,
    failed = given.response.error ~= nil or nil, id = given.id or given.name }
  if given.parts and model:find "^gemini%-[12]" then
    return bad("Unable to submit request because `function_response.parts` is not supported for "
      .. "this model.")
  end
  for i, part in ipairs(given.parts or {}) do
    local found, refusal = read_inline(part.inlineData,
      ("%s.function_response.parts[%d].inline_data"):format(where, i - 1))
    if not found then return nil, refusal end
    result.media = result.media or {}
    result.media[i] = found
  end
  into.results[#into.results + 1] = result
  return true
end

local function read_part(part, into, where, model)
  if part.text and not part.thought then into.texts[#into.texts + 1] = part.text end
  if part.inlineData then
    local found, refusal = read_inline(part.inlineData, where .. ".inline_data")
    if not found then return nil, refusal end
    into.media[#into.media + 1] = found
  elseif part.fileData then
    into.media[#into.media + 1] = { url = part.fileData.fileUri, name = "file" }
  elseif part.functionCall then
    into.calls[#into.calls + 1] = { id = part.functionCall.id or part.functionCall.name,
      name = part.functionCall.name }
  elseif part.functionResponse then
    return read_result(part.functionResponse, into, where, model)
  elseif not part.text then
    return violation(where, ("* GenerateContentRequest.%s.data: required oneof field 'data' must "
      .. "have one initialized field"):format(where))
  end
  return true
end

local MISMATCH = "Please ensure that the number of function response parts is equal to the number "
  .. "of function call parts of the function call turn."

-- A turn of results must answer the calls of the turn before it.
local function check_results(into, open)
  if #into.results == 0 and #open == 0 then return true end
  if #into.results == 0 then
    return bad("Please ensure that function call turn comes immediately before a function response "
      .. "turn.")
  elseif #open == 0 then
    return bad("Please ensure that function response turn comes immediately after a function call "
      .. "turn.")
  elseif #into.results ~= #open then
    return bad(MISMATCH)
  end
  for _, result in ipairs(into.results) do
    local known = false
    for _, call in ipairs(open) do known = known or call.name == result.name end
    if not known then
      return bad(("The function response part for '%s' matches no function call part.")
        :format(result.name))
    end
  end
  return true
end

local function read_contents(body, model)
  local list, open = {}, {}
  if body.systemInstruction then
    local texts = {}
    for _, part in ipairs(body.systemInstruction.parts or {}) do texts[#texts + 1] = part.text end
    list[1] = { role = "system", content = table.concat(texts, "\n") }
  end
  for i, content in ipairs(body.contents) do
    local where = ("contents[%d]"):format(i - 1)
    local role = content.role or "user"
    if role ~= "user" and role ~= "model" and role ~= "function" then
      return bad("Please use a valid role: user, model.")
    elseif not content.parts or #content.parts == 0 then
      return violation(where .. ".parts", ("* GenerateContentRequest.%s.parts: contents.parts must "
        .. "not be empty."):format(where))
    end
    local into = { texts = {}, media = {}, calls = {}, results = {} }
    for at, part in ipairs(content.parts) do
      local fine, refusal = read_part(part, into, ("%s.parts[%d]"):format(where, at - 1),
        model)
      if not fine then return nil, refusal end
    end
    local fine, refusal = check_results(into, open)
    if not fine then return nil, refusal end
    table.move(into.results, 1, #into.results, #list + 1, list)
    if #into.texts + #into.media + #into.calls > 0 then
      list[#list + 1] = { role = role == "model" and "assistant" or "user", media = into.media,
        content = table.concat(into.texts, "\n"), calls = #into.calls > 0 and into.calls or nil }
    end
    open = into.calls
  end
  return list
end

local function check_config(config, model)
  local thinking = config.thinkingConfig or {}
  if thinking.thinkingBudget and thinking.thinkingLevel then
    return bad("You can only set only one of thinking budget and thinking level.")
  elseif thinking.thinkingLevel and model:find("^gemini%-[12]") then
    return bad("Thinking level is not supported for this model.")
  elseif config.responseSchema and config.responseJsonSchema then
    return bad("Only one of response_schema and response_json_schema may be set.")
  elseif (config.responseSchema or config.responseJsonSchema)
    and config.responseMimeType ~= "application/json"
    and config.responseMimeType ~= "text/x.enum" then
    return bad("Function calling or response schema with response mime type: 'text/plain' is "
      .. "unsupported; it must be 'application/json'.")
  elseif config.responseMimeType and not config.responseMimeType:find("^text/")
    and config.responseMimeType ~= "application/json" then
    return violation("generation_config.response_mime_type", "* GenerateContentRequest."
      .. "generation_config.response_mime_type: allowed mimetypes are `text/plain`, "
      .. "`application/json`, `application/xml`, `application/yaml` and `text/x.enum`.")
  end
  return true
end

local function read_tools(body)
  local list, seen = nil, {}
  for _, tool in ipairs(body.tools or {}) do
    for _, one in ipairs(tool.functionDeclarations or {}) do
      list = list or {}
      if not one.name:find("^[%a_][%w_.:-]*$") or #one.name > 64 then
        return bad(("* GenerateContentRequest.tools[0].function_declarations[%d].name: Invalid "
          .. "function name. Must start with a letter or an underscore."):format(#list))
      elseif seen[one.name] then
        return bad("Duplicate function declaration found: " .. one.name)
      end
      seen[one.name] = true
      list[#list + 1] = { name = one.name, description = one.description,
        parameters = one.parametersJsonSchema or one.parameters }
    end
  end
  return list or {}
end

local function decode(text, spec, ctx)
  if not wire.says_json(ctx.headers) then
    return bad("Invalid JSON payload received. Unknown name \"\": Root element must be a message.")
  end
  local body, message = core.json_decode(text)
  if body == nil then
    return bad("Invalid JSON payload received. " .. tostring(message))
  elseif not wire.is_object(body) then
    return bad("Invalid JSON payload received. Unknown name \"\": Root element must be a message.")
  end
  body = camel(body, 0)
  local found = check.find(spec, body)
  if not found then return body end
  local words, path = words_of(found)
  return violation(path, words)
end

local LEVELS = { minimal = 0, low = 32, medium = 64, high = 128 }

local function thinking_tokens(config, model)
  local thinking = config.thinkingConfig or {}
  if thinking.thinkingLevel then return LEVELS[thinking.thinkingLevel:lower()] or 64 end
  if thinking.thinkingBudget then return math.max(0, math.min(64, thinking.thinkingBudget)) end
  return (model:find("^gemini%-2%.5") or model:find("^gemini%-[3-9]")) and 64 or 0
end

--- Read and check a request.
function gemini.read(text, ctx)
  local body, refusal = decode(text, gemini.spec, ctx)
  if not body then return nil, refusal end
  local config = body.generationConfig or {}
  local fine
  fine, refusal = check_config(config, ctx.model)
  if not fine then return nil, refusal end
  local tools, list
  tools, refusal = read_tools(body)
  if not tools then return nil, refusal end
  list, refusal = read_contents(body, ctx.model)
  if not list then return nil, refusal end
  local calling = (body.toolConfig or {}).functionCallingConfig or {}
  if calling.allowedFunctionNames and calling.mode ~= "ANY" and calling.mode ~= "VALIDATED" then
    return bad("Function calling config is set without function calling mode ANY.")
  end
  local allowed = calling.allowedFunctionNames
  return { model = ctx.sim_model(ctx.model), messages = list, body = body, tools = tools,
    choice = allowed and #allowed == 1 and "name" or ({ ANY = "required", NONE = "none" })[
    calling.mode] or "auto", choice_name = allowed and allowed[1],
    schema = config.responseJsonSchema or config.responseSchema,
    json = config.responseMimeType == "application/json", temperature = config.temperature,
    max_tokens = config.maxOutputTokens, stop = config.stopSequences, sample = config.seed,
    reasoning = thinking_tokens(config, ctx.model), config = config, stream = ctx.stream }
end

-- ---- answering ---------------------------------------------------------------------------

local function usage(answer)
  local said = answer.usage.output - answer.usage.reasoning
  return { promptTokenCount = answer.usage.input, candidatesTokenCount = said,
    thoughtsTokenCount = answer.usage.reasoning > 0 and answer.usage.reasoning or nil,
    totalTokenCount = answer.usage.input + answer.usage.output,
    promptTokensDetails = wire.list { { modality = "TEXT", tokenCount = answer.usage.input } } }
end

local FINISH = { stop = "STOP", length = "MAX_TOKENS", calls = "STOP",
  filter = "SAFETY" }

local function call_parts(answer, ctx)
  local parts = wire.list {}
  for i, call in ipairs(answer.calls) do
    parts[i] = { functionCall = { id = wire.id(("%s|%d"):format(ctx.id, i), 8), name = call.name,
      args = call.args }, thoughtSignature = i == 1 and answer.usage.reasoning > 0
      and wire.base64(ctx.id) or nil }
  end
  return parts
end

local function head(ctx, answer, candidate)
  return { candidates = wire.list { candidate }, usageMetadata = usage(answer),
    modelVersion = ctx.model, responseId = ctx.id }
end

local function thoughts(request)
  return (request.config.thinkingConfig or {}).includeThoughts and request.reasoning > 0
    and { text = "**Reading the question**\n\nI look at what is asked.", thought = true } or nil
end

local SIDE = 16

-- A picture of what was asked, when one is wanted: the same contents, the same pixels.
local function picture(request)
  for _, modality in ipairs(request.config.responseModalities or {}) do
    if modality == "IMAGE" then
      local bytes = media.draw(core.json_encode(request.body.contents), SIDE)
      return { inlineData = { mimeType = "image/png", data = wire.base64(bytes) } }
    end
  end
end

-- The parts in the order they come, in pieces for a stream.
local function part_groups(request, answer, ctx, n)
  local groups = {}
  local thought, drawn = thoughts(request), picture(request)
  if thought then groups[1] = { thought } end
  if drawn then
    groups[#groups + 1] = { drawn }
    return groups
  end
  for _, piece in ipairs(world.pieces(answer.text, n)) do
    groups[#groups + 1] = { { text = piece } }
  end
  if #answer.calls > 0 then groups[#groups + 1] = call_parts(answer, ctx) end
  return groups
end

local function event_stream(request, answer, ctx)
  local events = {}
  local groups = part_groups(request, answer, ctx, 4)
  if #groups == 0 then groups[1] = { { text = "" } } end
  for i, parts in ipairs(groups) do
    local candidate = { index = 0, content = { role = "model", parts = wire.list(parts) } }
    if i == #groups and not ctx.no_finish then candidate.finishReason = FINISH[answer.finish] end
    events[i] = "data: " .. core.json_encode(head(ctx, answer, candidate)) .. "\r\n\r\n"
  end
  return { status = 200, stream = "sse", events = events }
end

--- The right reply to a request that was read well.
function gemini.answer(request, ctx)
  local answer = world.answer(request)
  local cost = answer.usage.input + answer.usage.output
  if request.stream then return event_stream(request, answer, ctx), cost end
  local parts = wire.list {}
  for _, group in ipairs(part_groups(request, answer, ctx, 1)) do
    table.move(group, 1, #group, #parts + 1, parts)
  end
  local candidate = { index = 0, finishReason = FINISH[answer.finish], safetyRatings = wire.list {},
    content = { role = "model", parts = #parts > 0 and parts or nil } }
  if ctx.no_finish then candidate.finishReason = nil end
  return wire.json(200, head(ctx, answer, candidate)), cost
end

-- ---- its other methods -------------------------------------------------------------------

local function beside(fields)
  for _, name in ipairs({ "name", "auth", "fault", "limit_headers", "headers", "stream_error",
    "too_big", "bad_method" }) do
    fields[name] = gemini[name]
  end
  return fields
end

--- POST …:countTokens
gemini.count = beside {
  read = function(text, ctx)
    local body = core.json_decode(text)
    if wire.is_object(body) and wire.is_object(body.generateContentRequest) then
      text = core.json_encode(body.generateContentRequest)
    end
    return gemini.read(text, ctx)
  end,
  answer = function(request)
    return wire.json(200, { totalTokens = world.answer(request).usage.input }), 0
  end,
}

local EMBED = S.object({ requests = S.list(S.object({ model = S.string, content = CONTENT,
  taskType = S.string, title = S.string, outputDimensionality = S.integer(1, 3072) },
  { "model", "content" }), 1, 100) }, { "requests" })

--- POST …:batchEmbedContents
gemini.embed = beside {
  read = function(text, ctx)
    local body, refusal = decode(text, EMBED, ctx)
    if not body then return nil, refusal end
    for i, one in ipairs(body.requests) do
      if one.model ~= "models/" .. ctx.model then
        return bad(("* BatchEmbedContentsRequest.requests[%d].model: model must match the model of "
          .. "the path, models/%s"):format(i - 1, ctx.model))
      end
    end
    return { body = body }
  end,
  answer = function(request)
    local list, cost = wire.list {}, 0
    for i, one in ipairs(request.body.requests) do
      local texts = {}
      for at, part in ipairs(one.content.parts or {}) do texts[at] = part.text or "" end
      local text = table.concat(texts, "\n")
      cost = cost + wire.tokens(text)
      list[i] = { values = vectors.of(text, one.outputDimensionality or 768) }
    end
    return wire.json(200, { embeddings = list }), cost
  end,
}

--- GET /v1beta/models
function gemini.models(names)
  local list = wire.list {}
  for i, name in ipairs(names) do
    list[i] = { name = "models/" .. name, version = "001", displayName = name,
      inputTokenLimit = 1048576, outputTokenLimit = 65536, supportedGenerationMethods =
      wire.list { "generateContent", "countTokens", "embedContent" } }
  end
  return wire.json(200, { models = list })
end

return gemini
