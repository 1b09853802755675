--- Operator "edit": a few anchored replacements along the feedback of the batch, instead of the
--- whole text anew.
--
-- As "gradient", but the editor replies with edits, of which so many are taken as the search allows
-- now: that number is its learning rate, and falls (SkillOpt, arXiv 2605.23904). Unlike there it is
-- the editor who chooses what matters most, and each edit is reported, applied or not, with why.

local gradient = require "lunagrad.improve.propose.gradient"

local edit = { name = "edit" }

--- The parent's texts with a few edits.
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail {edits = a line each}
function edit.propose(parent, batch, context)
  return gradient.along(parent, batch, context,
    { mode = "edit", max_edits = math.max(1, context.edits or 4) })
end

return edit
