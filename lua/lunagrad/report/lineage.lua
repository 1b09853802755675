--- Where each candidate came from: a tree, the start on the left, a generation a column.
--
-- The first parent is a full line, others of a merge are dashed. Larger dots scored higher; the
-- best has a star. Where there are too many, only the kept one's ancestors and the best remain.

local svg = require "lunagrad.report.svg"

local lineage = {}

local COLUMN, ROW, LEFT, TOP = 118, 30, 30, 22
local MOST, SHOWN = 120, 50 -- drawn all; else so many
local px = svg.px

-- The best ones, and all that they came from.
local function chosen(search)
  if #search.candidates <= MOST then return search.candidates, 0 end
  local order = table.move(search.candidates, 1, #search.candidates, 1, {})
  table.sort(order, function(a, b)
    local x, y = a.score or -math.huge, b.score or -math.huge
    if x ~= y then return x > y end
    return a.idx < b.idx
  end)
  local keep, n = {}, 0
  for _, one in ipairs(order) do
    local at = one
    while at and not keep[at.idx] and n < SHOWN do
      keep[at.idx], n = true, n + 1
      at = search.by_idx[at.parents[1] or -1]
    end
  end
  local list = {}
  for _, one in ipairs(search.candidates) do
    if keep[one.idx] then list[#list + 1] = one end
  end
  return list, #search.candidates - #list
end

-- Columns by generation; rows so that a first child stands beside its parent, the next below all
-- that is there. Candidates come after their parents, so one pass over them is enough for columns,
-- and one from the last to the first for how many rows each needs.
local function layout(list)
  local at, rows = {}, {}
  for _, one in ipairs(list) do
    local parent = at[one.parents[1] or -1]
    at[one.idx] = { column = parent and parent.column + 1 or 0, one = one, parent = parent,
      children = {} }
    if parent then table.insert(parent.children, at[one.idx]) end
  end
  for i = #list, 1, -1 do
    local node, sum = at[list[i].idx], 0
    for _, child in ipairs(node.children) do sum = sum + rows[child] end
    rows[node] = math.max(1, sum)
  end
  local columns, bottom = 0, 0
  for _, one in ipairs(list) do
    local node = at[one.idx]
    if not node.parent then node.row, bottom = bottom, bottom + rows[node] end
    local row = node.row
    for _, child in ipairs(node.children) do child.row, row = row, row + rows[child] end
    columns = math.max(columns, node.column)
  end
  return at, columns, bottom
end

local function place(node) return LEFT + node.column * COLUMN, TOP + node.row * ROW end

local function draw_edge(parts, from, to, class)
  local x1, y1 = place(from)
  local x2, y2 = place(to)
  parts[#parts + 1] = ('<path class="%s" d="M%s %sC%s %s %s %s %s %s"/>'):format(class, px(x1),
    px(y1),
    px(x1 + COLUMN / 2), px(y1), px(x2 - COLUMN / 2), px(y2), px(x2), px(y2))
end

local function draw_node(parts, node, prefix)
  local one = node.one
  local x, y = place(node)
  local words = ("%d%s"):format(one.idx, one.score and (" · %.3f"):format(one.score) or "")
  parts[#parts + 1] = ('<a href="#%sc%d" class="node%s">'):format(prefix, one.idx,
    one.is_best and " best" or "")
  parts[#parts + 1] = svg.point("circle", x, y, 3 + 3 * math.max(0, math.min(1, one.score or 0)),
    ("candidate %d, %s"):format(one.idx, one.operator or "kept"))
  parts[#parts + 1] = svg.text(x + 10, y - 5, (one.is_best and "★ " or "") .. words,
    'class="small"')
  parts[#parts + 1] = svg.text(x + 10, y + 8, one.operator or "", 'class="tiny"') .. "</a>"
end

--- The picture; nil where there is nothing but the start.
---@param search lunagrad.reading.search
---@param prefix string of the ids of its candidates on the page
---@param note string|nil what the picture must say of itself
---@return string|nil
---@return integer left out
function lineage.svg(search, prefix, note)
  if #search.candidates < 2 then return nil, 0 end
  local list, left_out = chosen(search)
  local at, columns, bottom = layout(list)
  local wide, high = LEFT + columns * COLUMN + 110, TOP + bottom * ROW + (note and 12 or 0)
  local parts = { ('<svg class="tree" viewBox="0 0 %d %d" width="%d" role="group" aria-label="%s">')
    :format(wide, high, wide, "where each candidate came from") }
  for _, one in ipairs(list) do
    local node = at[one.idx]
    if node.parent then draw_edge(parts, node.parent, node, "edge") end
    for i = 2, #one.parents do
      local other = at[one.parents[i]]
      if other then draw_edge(parts, other, node, "edge merged") end
    end
  end
  for _, one in ipairs(list) do draw_node(parts, at[one.idx], prefix) end
  if note then
    parts[#parts + 1] = svg.text(wide - 4, high - 3, note, 'class="tiny" text-anchor="end"')
  end
  parts[#parts + 1] = "</svg>"
  return table.concat(parts, "\n"), left_out
end

return lineage
