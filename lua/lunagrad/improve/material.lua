--- What the operators of the search have in common: which texts they change, without their worked
--- examples, what they were told before, and what no proposal may be.
--
-- Used by lunagrad.improve.propose.*; nobody is asked here.

local constraint = require "lunagrad.constraint"
local worked = require "lunagrad.improve.worked"

local material = {}

local REMEMBERED = 3 -- refused children of a parent that are shown

-- ---- the texts -------------------------------------------------------------

--- The score that counts as solved.
---@param context table
---@return number
function material.perfect(context) return context.perfect or 1 end

--- Which parameters are to be changed: the component, or all that are texts.
---@param parent lunagrad.candidate
---@param context table
---@return integer[]
function material.targets(parent, context)
  local list = {}
  for i, text in ipairs(parent.texts) do
    local wanted = not context.component or context.component == i
    if wanted and type(text) == "string" then list[#list + 1] = i end
  end
  return list
end

--- The texts of a candidate without their worked examples, and these.
---@param texts string[]
---@return string[] plain
---@return string[] blocks
function material.split(texts)
  local plain, blocks = {}, {}
  for i, text in ipairs(texts) do
    if type(text) == "string" then
      plain[i], blocks[i] = worked.split(text)
    else
      plain[i], blocks[i] = text, ""
    end
  end
  return plain, blocks
end

--- The parent's texts with new ones in their places, each with its worked examples.
---@param parent lunagrad.candidate
---@param new table<integer, string> index of a parameter → text without worked examples
---@return string[]
function material.join(parent, new)
  local texts, _, blocks = {}, material.split(parent.texts)
  for i, text in ipairs(parent.texts) do
    texts[i] = new[i] and worked.join(new[i], blocks[i]) or text
  end
  return texts
end

local function same(a, b)
  for i in ipairs(a) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

--- Who had these texts already: nil, or what to say about it.
---@param texts string[]
---@param context table
---@return string|nil
function material.known(texts, context)
  for _, one in ipairs(context.pool and context.pool.list or {}) do
    if same(texts, one.texts) then
      return ("these are the texts of candidate %d"):format(one.idx)
    end
  end
  for n, one in ipairs(context.proposals or {}) do
    if one.texts and same(texts, one.texts) then
      return ("these texts were tried already, as proposal %d"):format(one.number or n)
    end
  end
  return nil
end

--- Texts as an operator returns them; nil and why where they are no proposal.
---@param parent lunagrad.candidate
---@param texts string[]
---@param context table
---@param detail table|nil what else is to be recorded
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function material.finish(parent, texts, context, detail)
  if same(texts, parent.texts) then return nil, "unchanged", detail end
  local known = material.known(texts, context)
  if known then return nil, known, detail end
  return texts, nil, detail
end

-- ---- what no text may be -----------------------------------------------------

--- What is wrong with a new text (without worked examples), or nil: it copies training examples.
---@param context table
---@param new string
---@param before string
---@return string|nil
function material.leak(context, new, before)
  local _, block = worked.split(new)
  if block ~= "" then return "the new text brings worked examples of its own" end
  return context.leak and context.leak(new, before) or nil
end

--- The constraints that proposals keep to: the search's, and that nothing is copied.
---@param context table
---@param befores string[] the texts that are changed
---@return table[]
function material.constraints(context, befores)
  local list = table.move(context.constraints or {}, 1, #(context.constraints or {}), 1, {})
  if not (context.leak or context.program) then return list end
  local before = table.concat(befores, "\n")
  list[#list + 1] = constraint.new("copies no passage and no right answer of the examples",
    function(text)
      local problem = material.leak(context, text, before)
      return problem == nil, problem
    end)
  return list
end

--- Children of the parent that were refused, as the editor is shown them: of each parameter the
--- texts that differ from the parent's, the last ones.
---@param parent lunagrad.candidate
---@param context table
---@param i integer the parameter
---@return table[] {text, alone = it was the only one that changed}
function material.refused(parent, context, i)
  local list = {}
  for _, one in ipairs(context.proposals or {}) do
    local decided = one.parent == parent.idx and one.kept == false and not one.unraced
    if decided and one.texts then
      local changed = 0
      for k, text in ipairs(one.texts) do
        changed = changed + (text ~= parent.texts[k] and 1 or 0)
      end
      local text, before = worked.split(one.texts[i]), worked.split(parent.texts[i])
      if text ~= before then list[#list + 1] = { text = text, alone = changed == 1 } end
    end
  end
  return table.move(list, math.max(#list - REMEMBERED + 1, 1), #list, 1, {})
end

return material
