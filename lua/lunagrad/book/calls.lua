--- Calls as a store keeps them: what a reply says, and what it was made for.
--
-- Reads rows of the tables reply and purposes; asks no store by itself.

local core = require "lunagrad.core"
local tape = require "lunagrad.book.tape"

local calls = {}

-- The texts of a list of parts, joined; nil when it is no list. What a model thought is no answer.
local function joined(list)
  if type(list) ~= "table" then return nil end
  local texts = {}
  for _, part in ipairs(list) do
    local said = type(part) == "table" and part.thought ~= true and part.type ~= "thinking"
      and part.type ~= "reasoning"
    if said and type(part.text) == "string" then texts[#texts + 1] = part.text end
    if said and part.type == "message" then texts[#texts + 1] = joined(part.content) end
  end
  return table.concat(texts)
end

local function field(value, ...)
  for _, key in ipairs { ... } do value = type(value) == "table" and value[key] or nil end
  return value
end

-- Whose reply it is stands nowhere; all but the right ones find nothing in it. Those of a family
-- read each other's.
local DIALECTS = { "openai", "anthropic", "gemini", "ollama", "openai-image", "openai-embed",
  "gemini-embed", "ollama-embed" }

--- What a reply is, as the call's caller got it: a text, a turn that calls tools, a picture.
---@param row table of the table reply: model, body, content_type
---@param tools boolean they were offered
---@return string|nil text or bytes
---@return string|nil media its type, when it is no text
---@return string|nil thinking what was thought before it
function calls.reply_of(row, tools)
  if row.model and row.model:find "^exec/" then
    return core.reply("exec", row.body, row.content_type, tools)
  end
  for _, dialect in ipairs(DIALECTS) do
    local text, media, thinking = core.reply(dialect, row.body, row.content_type, tools)
    if text then return text, media, thinking end
  end
  return calls.text_of(row.body)
end

--- What a reply says, from the provider's own bytes, however it is laid out there: chat completions,
--- messages, responses, generateContent, Ollama's own. For what no longer is a whole reply.
---@param body string
---@return string|nil
function calls.text_of(body)
  local reply = core.json_decode(body)
  local content = field(reply, "choices", 1, "message", "content")
    or field(reply, "message", "content") or field(reply, "content") or field(reply, "output")
    or field(reply, "candidates", 1, "content", "parts")
  return type(content) == "string" and content or joined(content)
end

--- The type of a turn that calls tools.
calls.TURN = "application/vnd.lunagrad.turn+json"

--- A turn that calls tools, for people: its words, and a line a call.
---@param text string its JSON
---@return string
---@return string[] names of the tools that it calls
function calls.turn_words(text)
  local turn = core.json_decode(text, "number")
  if type(turn) ~= "table" or type(turn.calls) ~= "table" then return text, {} end
  local lines, names = {}, {}
  if type(turn.text) == "string" and turn.text ~= "" then lines[1] = turn.text end
  for _, one in ipairs(turn.calls) do
    local name = type(one) == "table" and type(one.name) == "string" and one.name or "?"
    local with = type(one) == "table" and one.arguments
    names[#names + 1] = name
    lines[#lines + 1] = ("calls %s %s"):format(name, type(with) == "string" and with
      or core.json_encode(with or {}))
  end
  return table.concat(lines, "\n"), names
end

--- What each call of a row was made for, as its search numbers it.
---@param row table of the table purposes
---@param fn function of {call_id, run_id, search_id, candidate_idx, proposal, split, example}
---@param first integer|nil only calls from this id on
---@param last integer|nil … up to this one
function calls.each_purpose(row, fn, first, last)
  first, last = first or 0, last or math.maxinteger
  for at = 1, #row.packed - 15, 16 do
    local purpose, id = string.unpack("<i8i8", row.packed, at)
    if id >= first and id <= last then
      local about = tape.about_purpose(purpose)
      fn { call_id = id, run_id = row.run_id, search_id = tape.id_of(row.run_id, about.order),
        candidate_idx = about.candidate, proposal = about.proposal, split = about.split,
        example = about.example }
    end
  end
end

return calls
