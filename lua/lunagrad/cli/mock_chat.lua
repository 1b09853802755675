--- OpenAI Chat Completions as the mock server speaks it, answered by lunagrad.sim.
--
-- Pure: a request's text in, a reply's text out. No server, no faults.

local core = require "lunagrad.core"
local sim = require "lunagrad.sim"

local chat = {}

local ROLES = { system = true, developer = true, user = true, assistant = true, tool = true }
local JSON = { ["Content-Type"] = "application/json" }

--- A reply in the form of OpenAI's errors.
---@return table reply { status, body, headers }
function chat.error(status, message, kind, param, code)
  local error_body = { message = message, type = kind or "invalid_request_error",
    param = param or core.null, code = code or core.null }
  return { status = status, headers = JSON, body = core.json_encode({ error = error_body }) }
end

local function bad(message, param, code)
  return nil, chat.error(400, message, "invalid_request_error", param, code)
end

-- A list: a table whose keys are 1..n; the empty object is let through as an empty list.
local function is_list(value)
  return type(value) == "table" and (next(value) == nil or value[1] ~= nil)
end

-- Content is a text, or a list of parts that are all text.
local function content_text(content, where)
  if type(content) == "string" then return content end
  if not is_list(content) then
    return bad(where .. " must be a string or a list of parts", where)
  end
  local texts = {}
  for i, part in ipairs(content) do
    if type(part) ~= "table" or part.type ~= "text" or type(part.text) ~= "string" then
      return bad(("%s[%d] must be {\"type\":\"text\",\"text\":…}: the mock reads only text")
        :format(where, i - 1), where)
    end
    texts[i] = part.text
  end
  return table.concat(texts, "\n")
end

local function read_message(message, i)
  local where = ("messages[%d]"):format(i - 1)
  if type(message) ~= "table" or is_list(message) then
    return bad(where .. " must be an object", where)
  end
  if type(message.role) ~= "string" then return bad(where .. ".role is missing", where) end
  if not ROLES[message.role] then
    return bad(("%s.role is %q; it must be one of system, developer, user, assistant, tool")
      :format(where, message.role), where .. ".role", "invalid_value")
  end
  local content = message.content
  if message.role == "assistant" and (content == nil or content == core.null) then
    return { role = message.role, content = "" }
  end
  if content == nil or content == core.null then
    return bad(where .. ".content is missing", where .. ".content")
  end
  local text, refusal = content_text(content, where .. ".content")
  if not text then return nil, refusal end
  return { role = message.role, content = text }
end

local function read_messages(list)
  if list == nil then
    return bad("Missing required parameter: 'messages'.", "messages",
      "missing_required_parameter")
  end
  if not is_list(list) then return bad("'messages' must be a list", "messages") end
  if #list == 0 then return bad("'messages' must not be empty", "messages") end
  local messages = {}
  for i, message in ipairs(list) do
    local read, refusal = read_message(message, i)
    if not read then return nil, refusal end
    messages[i] = read
  end
  return messages
end

local function is_integer(value) return math.type(value) == "integer" end

-- What a field must be, where it is given.
local FIELDS = {
  { "temperature", "a number from 0 to 2",
    function(v) return type(v) == "number" and v >= 0 and v <= 2 end },
  { "top_p", "a number from 0 to 1",
    function(v) return type(v) == "number" and v >= 0 and v <= 1 end },
  { "max_tokens", "a positive integer", function(v) return is_integer(v) and v > 0 end },
  { "max_completion_tokens", "a positive integer",
    function(v) return is_integer(v) and v > 0 end },
  { "n", "an integer from 1 to 128", function(v) return is_integer(v) and v > 0 and v <= 128 end },
  { "seed", "an integer", is_integer },
  { "stream", "true or false", function(v) return type(v) == "boolean" end },
}

local function check_fields(body)
  for _, field in ipairs(FIELDS) do
    local value = body[field[1]]
    if value == core.null then
      body[field[1]] = nil
    elseif value ~= nil and not field[3](value) then
      return bad(("'%s' must be %s"):format(field[1], field[2]), field[1], "invalid_value")
    end
  end
  return true
end

--- Read and check a request.
---@param text string
---@return table|nil request, table|nil refusal
function chat.read(text)
  local body, message = core.json_decode(text)
  if body == nil then
    return bad("We could not parse the JSON body of your request: " .. tostring(message))
  end
  if type(body) ~= "table" or body[1] ~= nil then
    return bad("The body must be a JSON object")
  end
  if body.model == nil then
    return bad("you must provide a model parameter", "model", "missing_required_parameter")
  end
  if type(body.model) ~= "string" or body.model == "" then
    return bad("'model' must be a string that is not empty", "model")
  end
  local messages, refusal = read_messages(body.messages)
  if not messages then return nil, refusal end
  local fine, field_refusal = check_fields(body)
  if not fine then return nil, field_refusal end
  body.messages = messages
  return body
end

local function ask(body, model, sample)
  return sim.reply({ model = model, messages = body.messages, temperature = body.temperature,
    max_tokens = body.max_completion_tokens or body.max_tokens, sample = sample })
end

local function usage(answers)
  local input, output = answers[1].usage.input, 0
  for _, answer in ipairs(answers) do output = output + answer.usage.output end
  return { prompt_tokens = input, completion_tokens = output, total_tokens = input + output }
end

-- The whole stream at once: two pieces a choice, then the ends, usage and [DONE].
local function event_stream(body, head, answers)
  local events = {}
  local function add(choices, extra)
    local chunk = { id = head.id, created = head.created, model = head.model,
      object = "chat.completion.chunk", choices = choices }
    for key, value in pairs(extra or {}) do chunk[key] = value end
    events[#events + 1] = "data: " .. core.json_encode(chunk) .. "\n\n"
  end
  for i, answer in ipairs(answers) do
    local half = utf8.offset(answer.text, 0, #answer.text // 2 + 1) or 1
    local pieces = { answer.text:sub(1, half - 1), answer.text:sub(half) }
    for at, piece in ipairs(pieces) do
      local delta = { content = piece, role = at == 1 and "assistant" or nil }
      add({ { index = i - 1, delta = delta, finish_reason = core.null } })
    end
    add({ { index = i - 1, delta = {}, finish_reason = answer.finish_reason } })
  end
  local options = body.stream_options
  if type(options) == "table" and options.include_usage == true then
    add(setmetatable({}, core.array), { usage = usage(answers) })
  end
  events[#events + 1] = "data: [DONE]\n\n"
  return { status = 200, headers = { ["Content-Type"] = "text/event-stream" },
    body = table.concat(events) }
end

--- The right reply to a request that was read well.
---@param body table as read by chat.read
---@param default_model string for model names that are not sim's
---@param id string
---@param created integer Unix time
---@return table reply { status, body, headers }
function chat.answer(body, default_model, id, created)
  local model = body.model:find("^sim/") and body.model or default_model
  local answers = {}
  for i = 1, body.n or 1 do answers[i] = ask(body, model, (body.seed or 0) + i - 1) end
  local head = { id = "chatcmpl-" .. id, created = created, model = body.model }
  if body.stream then return event_stream(body, head, answers) end
  local choices = {}
  for i, answer in ipairs(answers) do
    choices[i] = { index = i - 1, finish_reason = answer.finish_reason,
      message = { role = "assistant", content = answer.text } }
  end
  return { status = 200, headers = JSON, body = core.json_encode({ id = head.id,
    object = "chat.completion", created = created, model = body.model, choices = choices,
    usage = usage(answers), system_fingerprint = "lunagrad-sim" }) }
end

--- GET /v1/models
---@param default_model string
function chat.models(default_model)
  local list = {}
  local names = { "sim/default" }
  if default_model ~= names[1] then names[2] = default_model end
  for i, name in ipairs(names) do
    list[i] = { id = name, object = "model", created = 0, owned_by = "lunagrad" }
  end
  return { status = 200, headers = JSON,
    body = core.json_encode({ object = "list", data = list }) }
end

return chat
