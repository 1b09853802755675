--- Pictures and sounds of the conversations that feedback is about, for the editor to see.
--
-- The critic was shown them as parts of its question; here they are found there again, each once,
-- in the order of the feedback. Nothing is asked here. Used by
-- lunagrad.improve.rewrite and together.

local core = require "lunagrad.core"
local var = require "lunagrad.var"

local exhibits = {}

local MOST = 6 -- that one question to the editor shows
local CALLS = "application/vnd.lunagrad.turn+json" -- an answer that calls tools: no picture

local function add(list, known, asked)
  for _, input in ipairs(asked:inputs()) do
    local media = input.media
    if media and media ~= CALLS and #list < MOST then
      local key = media .. "\0" .. input.text
      if not known[key] then
        known[key] = true
        list[#list + 1] = core.media(var.engine(), media, input.text, "attachment", false)
      end
    end
  end
end

--- Those of some records of feedback, at most 6.
---@param records table[] as v:feedback() gives them
---@return lunagrad.var[]
function exhibits.of(records)
  local list, known = {}, {}
  for _, record in ipairs(records) do
    local sources = record.sources and #record.sources > 0 and record.sources or { record }
    for _, source in ipairs(sources) do
      if source.var then add(list, known, source.var) end
    end
  end
  return list
end

--- A question with them behind it, as the content of a message.
---@param question lunagrad.var
---@param records table[]
---@param words lunagrad.var says what is attached
---@return lunagrad.var|lunagrad.var[]
function exhibits.attach(question, records, words)
  local list = exhibits.of(records)
  if #list == 0 then return question end
  return table.move(list, 1, #list, 3, { question, words })
end

return exhibits
