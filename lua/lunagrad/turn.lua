--- Turns that call tools, as a model that is a Lua function returns them: whether they can be read.

local core = require "lunagrad.core"

local turn = {}

--- What is wrong with a turn that a model's function made; nil when it can be read.
---@param text string
---@return string|nil
function turn.problem(text)
  local made = core.json_decode(tostring(text))
  if type(made) ~= "table" then return "no JSON object" end
  if made.text ~= nil and type(made.text) ~= "string" then return "text that is none" end
  if type(made.calls) ~= "table" or next(made.calls) ~= nil and #made.calls == 0 then
    return "no list of calls"
  end
  for i, call in ipairs(made.calls) do
    if type(call) ~= "table" or type(call.id) ~= "string" or type(call.name) ~= "string" then
      return ("call %d without an id and a name that are texts"):format(i)
    end
  end
end

return turn
