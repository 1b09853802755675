--- Where the boxes of a graph stand: in layers, the end at the bottom, what was read above its reader.
--
-- Sugiyama's way: a layer is the longest way to the end; edges that pass layers get a place in each;
-- orders are sorted by the mean place of neighbours, down and up, and the one with the fewest
-- crossings stays; then each box is drawn towards its neighbours as far as its own neighbours let
-- it. A layer of many boxes is broken into several. All of it is loops over lists, whatever comes in
-- (rings of edges, too). Pure: numbers in, numbers out; graph.lua draws.

local layers = {}

local MOST = 6           -- boxes beside each other
local SWEEPS, PULLS = 8, 12
local PLACES = 3000      -- that passing edges may have; beyond them edges go straight

---@class lunagrad.layers.spec
---@field n integer boxes
---@field edges table[] {from, to}: from is read by to
---@field wide number of a box
---@field gap number between two of them
---@field thin number room of an edge that passes

-- ---- layers ----------------------------------------------------------------------------------

-- The longest way from each box to an end. Boxes in a ring never get their turn: they stand on top.
local function ranks_of(spec)
  local readers, above, rank, ready = {}, {}, {}, {}
  for i = 1, spec.n do readers[i], above[i] = 0, {} end
  for _, edge in ipairs(spec.edges) do
    readers[edge.from] = readers[edge.from] + 1
    table.insert(above[edge.to], edge.from)
  end
  for i = 1, spec.n do
    if readers[i] == 0 then ready[#ready + 1], rank[i] = i, 1 end
  end
  local at, highest = 1, 1
  while at <= #ready do
    local to = ready[at]
    for _, from in ipairs(above[to]) do
      rank[from] = math.max(rank[from] or 1, rank[to] + 1)
      readers[from] = readers[from] - 1
      if readers[from] == 0 then ready[#ready + 1] = from end
    end
    highest, at = math.max(highest, rank[to]), at + 1
  end
  for i = 1, spec.n do
    if readers[i] > 0 then rank[i] = highest + 1 end
  end
  return rank
end

-- Lists of boxes by layer from the end up, none of them wider than may be.
local function broken(spec, rank)
  local by_rank, highest = {}, 0
  for i = 1, spec.n do
    by_rank[rank[i]] = by_rank[rank[i]] or {}
    table.insert(by_rank[rank[i]], i)
    highest = math.max(highest, rank[i])
  end
  local list = {}
  for r = 1, highest do
    local row = by_rank[r] or {}
    local parts = math.max(1, (#row + MOST - 1) // MOST)
    local each = (#row + parts - 1) // parts
    for first = 1, #row, math.max(1, each) do
      list[#list + 1] = table.move(row, first, math.min(#row, first + each - 1), 1, {})
    end
  end
  return list
end

-- ---- places: boxes, and what passes ------------------------------------------------------------

-- Every place is { box or edge, up = places above that lead here, down }.
local function places_of(spec, rows)
  local layer, place, list = {}, {}, {}
  for r, row in ipairs(rows) do
    list[r] = {}
    for k, i in ipairs(row) do
      place[i] = { box = i, up = {}, down = {}, at = k }
      layer[i], list[r][k] = r, place[i]
    end
  end
  local made = 0
  for _, edge in ipairs(spec.edges) do
    local from, to = layer[edge.from], layer[edge.to]
    edge.route = {}
    if from > to and made + from - to - 1 <= PLACES then
      local below = place[edge.to]
      for r = to + 1, from - 1 do
        local one = { edge = edge, up = {}, down = { below }, at = #list[r] + 1 }
        table.insert(below.up, one)
        list[r][one.at], below, made = one, one, made + 1
        edge.route[#edge.route + 1] = one
      end
      table.insert(below.up, place[edge.from])
      table.insert(place[edge.from].down, below)
    end
  end
  return list, place, layer
end

-- ---- orders ----------------------------------------------------------------------------------

local function mean_place(list, otherwise)
  if #list == 0 then return otherwise end
  local sum = 0
  for _, one in ipairs(list) do sum = sum + one.at end
  return sum / #list
end

local function sort_row(row, side)
  local want, was = {}, {}
  for k, one in ipairs(row) do want[one], was[one] = mean_place(one[side], one.at), k end
  table.sort(row, function(a, b)
    if want[a] ~= want[b] then return want[a] < want[b] end
    return was[a] < was[b]
  end)
  for k, one in ipairs(row) do one.at = k end
end

-- Crossings between two layers: pairs in the wrong order, counted in a tree of sums.
local function crossings_of(row, above)
  local ends, sums, n, crossed = {}, {}, #above, 0
  for _, one in ipairs(row) do
    local ats = {}
    for k, up in ipairs(one.up) do ats[k] = up.at end
    table.sort(ats)
    table.move(ats, 1, #ats, #ends + 1, ends)
  end
  for k = 1, n do sums[k] = 0 end
  for seen, at in ipairs(ends) do
    local before, k = 0, at
    while k > 0 do before, k = before + sums[k], k - (k & -k) end
    crossed, k = crossed + seen - 1 - before, at
    while k <= n do sums[k], k = sums[k] + 1, k + (k & -k) end
  end
  return crossed
end

local function all_crossings(list)
  local sum = 0
  for r = 1, #list - 1 do sum = sum + crossings_of(list[r], list[r + 1]) end
  return sum
end

local function copy_of(list)
  local copy = {}
  for r, row in ipairs(list) do copy[r] = table.move(row, 1, #row, 1, {}) end
  return copy
end

-- The order with the fewest crossings that was met.
local function untangled(list)
  local best, least = copy_of(list), all_crossings(list)
  for sweep = 1, SWEEPS do
    if least == 0 then break end
    if sweep % 2 == 1 then
      for r = 2, #list do sort_row(list[r], "down") end
    else
      for r = #list - 1, 1, -1 do sort_row(list[r], "up") end
    end
    local crossed = all_crossings(list)
    if crossed < least then best, least = copy_of(list), crossed end
  end
  for _, row in ipairs(best) do
    for k, one in ipairs(row) do one.at = k end
  end
  return best, least
end

-- ---- across ------------------------------------------------------------------------------------

local function mean_x(list, otherwise)
  if #list == 0 then return otherwise end
  local sum = 0
  for _, one in ipairs(list) do sum = sum + one.x end
  return sum / #list
end

-- Ways that pass lie close beside each other.
local function apart(a, b, gap)
  return (a.wide + b.wide) / 2 + ((a.box or b.box) and gap or 0)
end

-- Each as near to where it wants to be as the others of its layer let it: less what must lie left of
-- it, wishes have to rise, and those that do not are met by the mean of their group.
local function pull(row, side, gap)
  local groups, offset = {}, 0
  for k, one in ipairs(row) do
    offset = k > 1 and offset + apart(row[k - 1], one, gap) or 0
    one.offset = offset
    local group = { sum = mean_x(one[side], one.x) - offset, n = 1, last = k }
    local before = groups[#groups]
    while before and before.sum / before.n > group.sum / group.n do
      group.sum, group.n = group.sum + before.sum, group.n + before.n
      groups[#groups] = nil
      before = groups[#groups]
    end
    groups[#groups + 1] = group
  end
  local k = 1
  for _, group in ipairs(groups) do
    while k <= group.last do
      row[k].x = row[k].offset + group.sum / group.n
      k = k + 1
    end
  end
end

local function spread(spec, list)
  for _, row in ipairs(list) do
    for k, one in ipairs(row) do
      one.wide = one.box and spec.wide or spec.thin
      one.x = k == 1 and one.wide / 2 or row[k - 1].x + apart(row[k - 1], one, spec.gap)
    end
  end
  for turn = 1, PULLS do
    if turn % 2 == 1 then
      for r = 2, #list do pull(list[r], "down", spec.gap) end
    else
      for r = #list - 1, 1, -1 do pull(list[r], "up", spec.gap) end
    end
  end
end

--- Where everything stands.
---@param spec lunagrad.layers.spec
---@return table { x = by box (its middle), layer = by box (1: the end), layers = how many, wide;
--- crossings }; each edge gets `route`: { { x, layer } } of the layers that it passes, from its
--- reader up
function layers.layout(spec)
  local list, place, layer = places_of(spec, broken(spec, ranks_of(spec)))
  local crossed
  list, crossed = untangled(list)
  spread(spec, list)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(list) do
    for _, one in ipairs(row) do
      low, high = math.min(low, one.x - one.wide / 2), math.max(high, one.x + one.wide / 2)
    end
  end
  local x = {}
  for i = 1, spec.n do x[i] = place[i].x - low end
  for _, edge in ipairs(spec.edges) do
    for k, one in ipairs(edge.route) do edge.route[k] = { one.x - low, layer[edge.to] + k } end
  end
  return { x = x, layer = layer, layers = #list, wide = spec.n > 0 and high - low or 0,
    crossings = crossed }
end

return layers
