--- sim with tools and schemas: the same rules as behind `lunagrad mock`, inside the process.
--
-- A request that offers tools, has results of tools or wants a schema goes to the world of the
-- mock server; all others go to sim as they are. Pure.

local core = require "lunagrad.core"
local sim = require "lunagrad.world"

local talk = {}

local TURN = "application/vnd.lunagrad.turn+json"
local ROLES = { system = "system", developer = "system", assistant = "assistant", user = "user" }

--- Does a request need more than texts?
---@param request table
---@return boolean
function talk.wants_more(request)
  if request.schema or request.tools and #request.tools > 0 then return true end
  for _, message in ipairs(request.messages) do
    if message.role:find "^tool " then return true end
  end
  return false
end

local function add_turn(list, message)
  local turn = core.json_decode(message.content) or {}
  list[#list + 1] = { role = "assistant", content = turn.text or "", calls = turn.calls }
end

-- What a tool returned, as sim can read it: of a picture that there is one.
local function result_of(message)
  if not message.media then return message.content end
  return ("[%s, %d bytes]"):format(message.media, #message.content)
end

local function add_part(list, message)
  local last = list[#list]
  if last and not message.media then
    last.content = last.content .. "\n" .. message.content
  elseif not last then
    list[1] = { role = "user", content = message.media and "" or message.content }
  end
end

-- The messages in the world's form, and the descriptions that stand among them.
local function read_messages(messages)
  local list, descriptions = {}, {}
  for _, message in ipairs(messages) do
    local role = message.role
    local described = role:match "^describe (.+)$"
    local tool, id, failed = role:match "^tool (%S+) (%S*) ?(%S*)$"
    if described then
      descriptions[described] = message.content
    elseif tool then
      tool = tool:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
      list[#list + 1] = { role = "tool", name = tool, id = id, content = result_of(message),
        failed = failed == "error" }
    elseif role == "+" then
      add_part(list, message)
    elseif message.media == TURN then
      add_turn(list, message)
    elseif ROLES[role] then
      list[#list + 1] = { role = ROLES[role], content = message.media and "" or message.content }
    end
  end
  return list, descriptions
end

local function read_tools(tools, descriptions)
  local list = {}
  for i, tool in ipairs(tools or {}) do
    list[i] = { name = tool.name, description = descriptions[tool.name] or tool.description,
      parameters = tool.parameters }
  end
  return #list > 0 and list or nil
end

-- Ids that are the same at every run: which turn it is, and which of its calls.
local function as_turn(answer, messages)
  local calls, turns = setmetatable({}, core.array), 1
  for _, message in ipairs(messages) do
    if message.calls then turns = turns + 1 end
  end
  for i, call in ipairs(answer.calls) do
    calls[i] = { id = ("call_%d_%d"):format(turns, i), name = call.name, arguments = call.args }
  end
  return core.json_encode { text = answer.text, calls = calls }
end

local function reply(request)
  local world = require "lunagrad.world.neutral"
  local messages, descriptions = read_messages(request.messages)
  local choice, choice_name = request.tool_choice, nil
  if type(choice) == "table" then choice, choice_name = "name", choice.name end
  local stop = request.stop
  local answer = world.answer {
    model = request.model, messages = messages, tools = read_tools(request.tools, descriptions),
    choice = choice, choice_name = choice_name, parallel = request.parallel_tool_calls,
    schema = request.schema and request.schema.schema, temperature = request.temperature,
    max_tokens = request.max_tokens or request.max_completion_tokens, sample = request.sample,
    stop = type(stop) == "string" and { stop } or stop,
  }
  local usage = { input = answer.usage.input, output = answer.usage.output }
  if answer.finish ~= "calls" then
    return { text = answer.text, finish_reason = answer.finish, usage = usage }
  end
  return { text = as_turn(answer, messages), media = TURN, usage = usage,
    finish_reason = "tool_calls" }
end

--- Answer a request: { model, messages, tools, schema, … }. A reply that calls tools has
--- media = "application/vnd.lunagrad.turn+json".
---@param request table
---@return table
function talk.reply(request)
  if talk.wants_more(request) then return reply(request) end
  return sim.reply(request)
end

return talk
