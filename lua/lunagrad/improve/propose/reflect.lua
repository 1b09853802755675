--- Operator "reflect": one question that shows the texts and what came of them on the batch, and
--- asks for a new text of one component, or of all of them in one reply.
--
-- GEPA's reflective mutation (arXiv 2507.19457) in words of our own. Unlike there the right answer
-- and the validation score are shown, solved cases too, what was refused before, and the reply is
-- checked and asked for once more.

local context_of = require "lunagrad.improve.context"
local material = require "lunagrad.improve.material"
local question = require "lunagrad.improve.question"

local reflect = { name = "reflect" }

--- New texts by what came of the old ones.
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function reflect.propose(parent, batch, context)
  local solved = 0
  for _, one in ipairs(batch) do
    solved = solved + ((one.score or 0) >= material.perfect(context) and 1 or 0)
  end
  if solved == #batch then return nil, "the batch is solved" end
  local standing = context_of.standing { solved = solved, all = #batch, score = parent.mean }
  if context.objective then
    standing = "What is wanted: " .. context.objective .. "\n" .. standing
  end
  return question.ask { prompt = "reflect", parent = parent, batch = batch, context = context,
    shown = { cases = question.cases(batch, context) }, said = { standing = standing } }
end

return reflect
