--- Examples × candidates: who is right where, and what each candidate fixed and broke.
--
-- A column an example, a row a candidate. Marks are told apart by shape as well as by colour: right is
-- a full square, wrong a small dot, fixed (against the first parent) a square with a bright core,
-- broke a cross; what was not asked is empty. A score between 0 and 1 counts as right from a half.

local svg = require "lunagrad.report.svg"

local matrix = {}

local CELL, LABEL, HEAD = 9, 92, 22
local MOST_EXAMPLES, CELLS, CELL_BYTES = 100, 3000, 16 -- in one block; of a mark
local LEAST = 12 -- candidates that are shown in any case
local px = svg.px

---@alias lunagrad.mark "right"|"wrong"|"fixed"|"broke"

--- What a cell shows; nil: it was not asked.
---@param candidate lunagrad.reading.candidate
---@param parent lunagrad.reading.candidate|nil
---@param example integer
---@return lunagrad.mark|nil
function matrix.mark(candidate, parent, example)
  local score = candidate.by_example[example]
  if not score then return nil end
  local was = parent and parent.by_example[example]
  if was and score > was then return "fixed" end
  if was and score < was then return "broke" end
  return score >= 0.5 and "right" or "wrong"
end

-- Each mark as a piece of a path from a cell's corner, so that all cells of one sort are one path.
local SHAPE = {
  right = "h7v7h-7z",
  wrong = "m2.5 2.5h2v2h-2z",
  fixed = "h7v7h-7zm2.2 2.2v2.6h2.6v-2.6z",
  broke = "l7 7m0-7l-7 7",
}
local ORDER = { "right", "wrong", "fixed", "broke" }

-- Candidates that are shown: where there are too many, the start, and then the best ones.
local function shown_candidates(search, cells)
  local list = table.move(search.candidates, 1, #search.candidates, 1, {})
  local most = math.max(LEAST, cells // math.max(1, math.min(#search.examples, MOST_EXAMPLES)))
  if #list <= most then return list, 0 end
  table.sort(list, function(a, b)
    if (a.idx == 0) ~= (b.idx == 0) then return a.idx == 0 end
    local x, y = a.score or -math.huge, b.score or -math.huge
    if x ~= y then return x > y end
    return a.idx < b.idx
  end)
  local cut = table.move(list, 1, most, 1, {})
  table.sort(cut, function(a, b) return a.idx < b.idx end)
  return cut, #list - most
end

local function label_of(candidate)
  local score = candidate.score and (" %.3f"):format(candidate.score) or ""
  return ("%s%d%s"):format(candidate.is_best and "★ " or "", candidate.idx, score)
end

local function block(search, candidates, first, last, prefix, note)
  local columns = last - first + 1
  local wide, high = LABEL + columns * CELL + 4, HEAD + #candidates * CELL + (note and 16 or 2)
  local paths, parts = { right = {}, wrong = {}, fixed = {}, broke = {} }, {}
  for row, candidate in ipairs(candidates) do
    local y = HEAD + (row - 1) * CELL
    parts[#parts + 1] = svg.text(LABEL - 8, y + 8, label_of(candidate),
      'class="tiny" text-anchor="end"')
    local parent = search.by_idx[candidate.parents[1] or -1]
    for column = 0, columns - 1 do
      local mark = matrix.mark(candidate, parent, search.examples[first + column])
      if mark then
        local x = LABEL + column * CELL
        table.insert(paths[mark], ("M%s %s%s"):format(px(x + 1), px(y + 1), SHAPE[mark]))
      end
    end
  end
  for column = 0, columns - 1 do
    if column % 10 == 0 then
      parts[#parts + 1] = svg.text(LABEL + column * CELL + 4, 14,
        tostring(search.examples[first + column]), 'class="tiny" text-anchor="middle"')
    end
  end
  for _, mark in ipairs(ORDER) do
    if #paths[mark] > 0 then
      parts[#parts + 1] = ('<path class="m-%s" d="%s"/>'):format(mark, table.concat(paths[mark]))
    end
  end
  if note then
    parts[#parts + 1] = svg.text(wide - 4, high - 3, note, 'class="tiny" text-anchor="end"')
  end
  local examples = table.concat(search.examples, ",", first, last)
  return ('<svg class="matrix" viewBox="0 0 %d %d" width="%d" data-x="%d" data-y="%d"'
    .. ' data-cell="%d" data-prefix="%s" data-examples="%s" role="img"'
    .. ' aria-label="examples %d to %d by candidate">\n%s\n</svg>'):format(wide, high, wide, LABEL,
    HEAD, CELL, prefix, examples, search.examples[first], search.examples[last],
    table.concat(parts, "\n"))
end

--- The picture, in blocks of a hundred examples.
---@param search lunagrad.reading.search
---@param prefix string of the ids of its examples on the page
---@param note string|nil what each picture must say of itself
---@param most integer|nil examples at most
---@param room integer|nil bytes that it may take
---@return string[] blocks
---@return integer candidates left out
---@return integer examples left out
function matrix.svg(search, prefix, note, most, room)
  local candidates, left_out = shown_candidates(search, room and math.min(CELLS,
    room // CELL_BYTES) or CELLS)
  local total = math.min(#search.examples, most or 400)
  local blocks = {}
  for first = 1, total, MOST_EXAMPLES do
    blocks[#blocks + 1] = block(search, candidates, first, math.min(first + MOST_EXAMPLES - 1,
      total),
      prefix, note)
  end
  return blocks, left_out, #search.examples - total
end

return matrix
