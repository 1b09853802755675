--- Crude variants of a text: what anybody would try first, to see whether the text matters at all.
--
-- They are no proposals: nothing that comes of them is kept. Pure. Used by
-- lunagrad.improve.headroom.

local crude = {}

--- The names, in the order in which they are tried: the text with a line that asks for steps; the
--- role alone in its place; its lines or sentences (words, where there is one) from the last to the
--- first.
crude.NAMES = { "step by step", "emptied", "reversed" }

local STEPS = "Think step by step."

local function pieces(text, pattern)
  local list = {}
  for raw in text:gmatch(pattern) do
    local piece = raw:match "^%s*(.-)%s*$"
    if piece ~= "" then list[#list + 1] = piece end
  end
  return list
end

local function backward(list, between)
  local turned = {}
  for i = #list, 1, -1 do turned[#turned + 1] = list[i] end
  return table.concat(turned, between)
end

local function reversed(text)
  local list = pieces(text, "[^\n]+")
  if #list > 1 then return backward(list, "\n") end
  list = pieces(text .. " ", "(.-[.!?]+)%s+")
  -- what stands behind the last full stop is a sentence too
  local rest = text:match "[.!?]+%s+([^.!?]+)$"
  if rest and #list > 0 then list[#list + 1] = rest:match "^%s*(.-)%s*$" end
  if #list > 1 then return backward(list, " ") end
  return backward(pieces(text, "%S+"), " ")
end

local MAKE = {
  ["step by step"] = function(text)
    return text:find "%S" and text .. "\n\n" .. STEPS or STEPS
  end,
  emptied = function(_, role) return role end,
  reversed = reversed,
}

local function is_same(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function is_known(variants, seed, texts)
  if is_same(texts, seed) then return true end
  for _, one in ipairs(variants) do
    if is_same(texts, one.texts) then return true end
  end
  return false
end

--- The variants of several texts, all of them changed at once. One that would be the texts
--- themselves, or another variant, is left out; so are values that are no texts.
---@param texts any[] by the order of the parameters
---@param roles string[]
---@return {name: string, texts: any[]}[]
function crude.variants(texts, roles)
  local variants = {}
  for _, name in ipairs(crude.NAMES) do
    local list = {}
    for i, text in ipairs(texts) do
      list[i] = type(text) == "string" and MAKE[name](text, roles[i]) or text
    end
    if not is_known(variants, texts, list) then
      variants[#variants + 1] = { name = name, texts = list }
    end
  end
  return variants
end

return crude
