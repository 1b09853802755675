--- The world behind every dialect: a request in one neutral form, answered by lunagrad.world, by
-- the rules for tools, pictures and schemas beside it, and by nothing else.
--
-- Pure: equal requests get equal answers. It looks at nothing but the request.

local core = require "lunagrad.core"
local media = require "lunagrad.world.pictures"
local schema = require "lunagrad.world.fill"
local sim = require "lunagrad.world"
local tools = require "lunagrad.world.tools"
local wire = require "lunagrad.world.wire"

local world = {}

---@class mock.message
---@field role "system"|"user"|"assistant"|"tool"
---@field content string
---@field media mock.media[]|nil
---@field calls { id: string, name: string }[]|nil of an assistant
---@field id string|nil of a tool's result: the call it answers
---@field name string|nil of a tool's result
---@field failed boolean|nil

---@class mock.request
---@field model string of sim
---@field messages mock.message[]
---@field tools table[]|nil { name, description, parameters }
---@field choice string|nil "auto", "none", "required" or "name"
---@field choice_name string|nil
---@field parallel boolean|nil
---@field schema table|nil
---@field json boolean|nil any JSON
---@field temperature number|nil
---@field max_tokens integer|nil
---@field stop string[]|nil
---@field sample integer|nil
---@field reasoning integer|nil tokens it thinks before it speaks

---@class mock.answer
---@field text string
---@field calls mock.call[]
---@field finish "stop"|"length"|"calls"
---@field stopped string|nil the stop sequence that ended it
---@field usage { input: integer, output: integer, reasoning: integer, cached: integer }

-- Pictures that a tool returned come as a user's message behind the results where an API takes
-- only words for those: they are put back to where they belong.
local function fold(messages)
  local list, without = {}, {} -- results whose picture is still to come
  for _, message in ipairs(messages) do
    local shown = message.role == "user" and message.media or {}
    local behind = #shown > 0 and #without > 0 and message.content:find "^What the tool "
    if not behind then
      if message.role ~= "tool" then without = {} end
      list[#list + 1] = message
    end
    if message.role == "tool" and message.content:find ", shown below%]$" then
      local copy = {}
      for key, value in pairs(message) do copy[key] = value end
      list[#list], without[#without + 1] = copy, copy
    end
    for _, item in ipairs(behind and shown or {}) do
      local result = table.remove(without, 1)
      if result then result.media = { item } end
    end
  end
  return list
end

-- What a tool's result says and shows.
local function result_content(message)
  if not message.media or #message.media == 0 then return message.content end
  local words = message.content:gsub("\n?%[[^%[%]]*, shown below%]$", "")
  return (words ~= "" and words .. "\n" or "") .. media.describe(message.media)
end

-- The calls whose results came after the last word of the user, and those results.
local function pending(messages)
  local last = messages[#messages]
  if not last or last.role ~= "tool" then return nil end
  local results, done, names, from = {}, {}, {}, #messages
  while from > 0 and messages[from].role ~= "user" do
    for _, call in ipairs(messages[from].calls or {}) do
      names[call.id], done[call.name] = call.name, true
    end
    from = from - 1
  end
  for i = math.max(from, 1), #messages do
    local message = messages[i]
    if message.role == "tool" then
      results[#results + 1] = { name = message.name or names[message.id] or "tool",
        content = result_content(message), failed = message.failed }
    end
  end
  return results, done
end

local function last_user(messages)
  for i = #messages, 1, -1 do
    if messages[i].role == "user" then return messages[i] end
  end
  return { content = "" }
end

local function choose(request, results, done)
  if not request.tools or #request.tools == 0 or request.choice == "none" then return {} end
  local text = last_user(request.messages).content
  local choice = request.choice or "auto"
  if results then
    choice = "auto" -- it was made to call; now it may speak
    for _, result in ipairs(results) do text = text .. "\n" .. result.content end
  end
  return tools.choose(request.tools, text, { choice = choice, name = request.choice_name,
    parallel = request.parallel, done = done })
end

local function speak(request, results)
  if results then return tools.say(results) end
  local shown = last_user(request.messages).media
  local said = sim.reply({ model = request.model, messages = request.messages,
    temperature = request.temperature, sample = request.sample, bare = true })
  if shown and #shown > 0 and said.text == sim.CANNOT then return media.describe(shown) end
  return said.text, said.finish_reason
end

local function input_tokens(request)
  local bytes, extra = 0, 0
  for _, message in ipairs(request.messages) do
    bytes = bytes + #message.content
    extra = extra + 85 * #(message.media or {})
    if message.calls then extra = extra + 12 * #message.calls end
  end
  for _, tool in ipairs(request.tools or {}) do
    extra = extra + wire.tokens(tool.name .. (tool.description or "")
      .. core.json_encode(tool.parameters or {}))
  end
  return (bytes + 3) // 4 + 4 * #request.messages + extra
end

local function cut_at_stop(text, stop)
  local first, which
  for _, one in ipairs(stop or {}) do
    local at = one ~= "" and text:find(one, 1, true)
    if at and (not first or at < first) then first, which = at, one end
  end
  if first then return text:sub(1, first - 1), which end
  return text
end

-- To so many tokens, not inside a character.
local function cut(text, tokens)
  local limit = tokens * 4
  if #text <= limit then return text, false end
  while limit > 0 and text:find("^[\x80-\xBF]", limit + 1) do limit = limit - 1 end
  return text:sub(1, limit), true
end

--- Answer a request.
---@param request mock.request
---@return mock.answer
function world.answer(request)
  local whole = request
  request = setmetatable({ messages = fold(whole.messages) }, { __index = whole })
  local results, done = pending(request.messages)
  local answer = { text = "", calls = choose(request, results, done), finish = "stop",
    usage = { input = input_tokens(whole), reasoning = request.reasoning or 0 } }
  local left = request.max_tokens and request.max_tokens - answer.usage.reasoning
  if left and left <= 0 then
    answer.usage.reasoning, answer.finish, answer.calls = request.max_tokens, "length", {}
  elseif #answer.calls > 0 then
    answer.finish = "calls"
  else
    local text, how = speak(request, results)
    if request.schema or request.json then text = schema.json(request.schema, text) end
    text = sim.thought(request.model) .. text .. sim.loop(request.model)
    text, answer.stopped = cut_at_stop(text, request.stop)
    local short = false
    if left then text, short = cut(text, left) end
    answer.text = text
    answer.finish = (short or how == "length") and "length" or "stop"
  end
  if request.filtered then
    answer.text = cut(answer.text, #answer.text // 8)
    answer.finish, answer.stopped, answer.calls = "filter", nil, {}
  end
  local said = #answer.text
  for _, call in ipairs(answer.calls) do said = said + #call.name + #core.json_encode(call.args) end
  answer.usage.output = math.max(1, (said + 3) // 4) + answer.usage.reasoning
  if answer.finish == "length" and answer.text == "" then
    answer.usage.output = answer.usage.reasoning
  end
  return answer
end

--- The same text in two or more pieces, not split inside a character.
---@param text string
---@param n integer about how many
---@return string[]
function world.pieces(text, n)
  local list, at = {}, 1
  local size = math.max(1, (#text + n - 1) // n)
  while at <= #text do
    local to = math.min(#text, at + size - 1)
    while to < #text and text:find("^[\x80-\xBF]", to + 1) do to = to + 1 end
    list[#list + 1] = text:sub(at, to)
    at = to + 1
  end
  return list
end

return world
