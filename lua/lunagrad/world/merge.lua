--- Merges several pieces of feedback into one: every distinct point once, with how
-- many pieces made it. It reads feedback as the editor does (cues).

local cues = require "lunagrad.world.cues"
local hash = require "lunagrad.world.hash"
local search = require "lunagrad.world.search"
local slips = require "lunagrad.world.slips"

local merge = {}

-- "1. … 2. …" on lines of their own, else paragraphs.
local function split(text)
  local parts, at = {}, 1
  if text:find "^%s*1%. " then
    while at do
      local from = text:find("\n" .. #parts + 2 .. "%. ", at)
      parts[#parts + 1] = text:sub(at, from and from - 1)
      at = from and from + 1
    end
    return parts
  end
  for part in (text .. "\n\n"):gmatch "(.-)\n%s*\n" do
    if part:find "%w%w%w" then
      parts[#parts + 1] = part
    end
  end
  return parts
end

--- The pieces of feedback that a request gives.
---@param view sim.view
---@return string[]
function merge.pieces(view)
  local pieces = {}
  for _, block in ipairs(view.blocks) do
    if block.meaning == "feedback" then
      pieces[#pieces + 1] = block.text
    end
  end
  if #pieces == 1 then
    pieces = split(pieces[1])
  end
  return #pieces > 0 and pieces or split(view.outside)
end

--- Merge several pieces of feedback into one, with counts.
---@param view sim.view
---@param options { seed: integer }
---@return string
function merge.reply(view, options)
  local seed = hash.text(view.all, options.seed)
  local pieces, counts, order, remove, queries = merge.pieces(view), {}, {}, 0, 0
  for _, piece in ipairs(pieces) do
    local is_query = search.wish(piece)
    local wanted, _, removes = cues.wishes(is_query and "" or piece)
    queries = queries + (is_query and 1 or 0)
    remove = remove + (removes and 1 or 0)
    for _, name in ipairs(cues.slips) do
      if wanted[name] then
        if not counts[name] then
          order[#order + 1] = name
        end
        counts[name] = (counts[name] or 0) + 1
      end
    end
  end
  table.sort(order, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  local lines = {}
  if queries > 0 then
    lines[1] = ("- %d of %d: the prompt for queries should tell the model to %s."):format(queries,
      #pieces, search.remedy(seed))
  end
  for _, name in ipairs(order) do
    local remedy = hash.pick(seed, "merge " .. name, slips[name].remedy)
    lines[#lines + 1] = "- " .. counts[name] .. " of " .. #pieces .. ": tell the model to "
      .. remedy .. "."
  end
  if remove > 0 then
    lines[#lines + 1] = "- The instructions hold something that does harm; remove that."
  end
  if #lines == 0 then
    return "The pieces agree that the outcome is not good enough, but name no cause."
  end
  table.insert(lines, 1, hash.pick(seed, "merged", {
    "Taken together, the pieces ask for this:", "The distinct points, the most common first:",
    "What the pieces have in common:",
  }))
  return table.concat(lines, "\n")
end

return merge
