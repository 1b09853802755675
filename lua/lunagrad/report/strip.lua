--- The blame strip: score over what was spent, with everything that was tried.
--
-- Kept steps are stairs with filled dots, steps that were not kept are hollow dots, joined to the
-- score that they began from; the band is the interval of the best so far. Each dot leads to its
-- step on the page. A picture that stands alone but for the page's style sheet.

local axis = require "lunagrad.report.axis"
local svg = require "lunagrad.report.svg"

local strip = {}

local WIDE, HIGH = 960, 340
local LEFT, RIGHT, TOP, BOTTOM = 56, 20, 18, 48
local px = svg.px

-- Where a proposal's dot is: what it got, or what it was about to get when it was dropped.
local function height_of(proposal, candidate)
  if candidate and candidate.score then return candidate.score end
  if proposal.after then return proposal.after end
  if proposal.before and proposal.gain then return proposal.before + proposal.gain end
  return proposal.before
end

-- The best so far, from the start on: { spent, candidate }.
local function stairs_of(search)
  local seed = search.by_idx[0]
  if not (seed and seed.score) then return {} end
  local list = { { spent = search.start, candidate = seed } }
  for _, proposal in ipairs(search.proposals) do
    local candidate = proposal.accepted and search.by_idx[proposal.idx or -1]
    if candidate and candidate.score and candidate.score > list[#list].candidate.score then
      list[#list + 1] = { spent = proposal.spent, candidate = candidate }
    end
  end
  return list
end

local function values_of(search, stairs)
  local xs, ys = { 0, search.spent }, {}
  for _, one in ipairs(search.proposals) do
    ys[#ys + 1] = one.before
    ys[#ys + 1] = height_of(one, search.by_idx[one.idx or -1])
  end
  for _, one in ipairs(stairs) do
    ys[#ys + 1] = one.candidate.score
    ys[#ys + 1] = one.candidate.low
    ys[#ys + 1] = one.candidate.high
  end
  return xs, ys
end

-- Shares of one stay between 0 and 1.
local function limits_of(ys)
  local all = true
  for _, y in ipairs(ys) do all = all and y >= 0 and y <= 1 end
  if not all then return {} end
  local low = 1
  for _, y in ipairs(ys) do low = math.min(low, y) end
  return { min = low < 0.5 and 0 or nil, max = 1 }
end

local function frame_of(search, stairs)
  local xs, ys = values_of(search, stairs)
  local x, y = axis.over(xs, { min = 0, max = math.max(1, search.spent) * 1.02 }),
    axis.over(ys, limits_of(ys))
  return { x = x, y = y,
    to_x = function(v) return LEFT + x.place(v) * (WIDE - LEFT - RIGHT) end,
    to_y = function(v) return HIGH - BOTTOM - y.place(v) * (HIGH - TOP - BOTTOM) end }
end

-- Of many stairs the last on each pixel.
local function thinned(stairs, frame)
  if #stairs < 200 then return stairs end
  local list, last = {}, nil
  for _, one in ipairs(stairs) do
    local at = ("%.0f"):format(frame.to_x(one.spent) / 2)
    if at == last then list[#list] = one else list[#list + 1] = one end
    last = at
  end
  return list
end

local function draw_axes(parts, frame, unit)
  local right, floor = WIDE - RIGHT, HIGH - BOTTOM
  for _, tick in ipairs(frame.y.ticks) do
    local at = px(frame.to_y(tick.at))
    parts[#parts + 1] = ('<path class="grid" d="M%d %sH%d"/>'):format(LEFT, at, right)
    parts[#parts + 1] = svg.text(LEFT - 8, frame.to_y(tick.at) + 4, tick.text,
      'class="small" text-anchor="end"')
  end
  for _, tick in ipairs(frame.x.ticks) do
    parts[#parts + 1] = svg.text(frame.to_x(tick.at), floor + 18, tick.text,
      'class="small" text-anchor="middle"')
  end
  parts[#parts + 1] = ('<path class="frame" d="M%d %dV%dH%d"/>'):format(LEFT, TOP, floor, right)
  parts[#parts + 1] = svg.text((LEFT + right) / 2, HIGH - 10, unit .. " spent",
    'class="small" text-anchor="middle"')
  parts[#parts + 1] = ('<text class="small" text-anchor="middle" transform="translate(14 %d) '
    .. 'rotate(-90)">validation score</text>'):format((TOP + floor) // 2)
end

-- A piece a stair; a score that is not of the whole set has none.
local function draw_band(parts, frame, stairs, spent)
  local path = {}
  for i, one in ipairs(stairs) do
    local low, high = one.candidate.low, one.candidate.high
    if low then
      local from = px(frame.to_x(one.spent))
      local to = px(frame.to_x(stairs[i + 1] and stairs[i + 1].spent or spent))
      path[#path + 1] = ("M%s %sH%sV%sH%sZ"):format(from, px(frame.to_y(high)), to,
        px(frame.to_y(low)), from)
    end
  end
  if #path > 0 then
    parts[#parts + 1] = ('<path class="band" d="%s"/>'):format(table.concat(path))
  end
end

local function draw_stairs(parts, frame, stairs, spent)
  local path = {}
  for i, one in ipairs(stairs) do
    local x, y = px(frame.to_x(one.spent)), px(frame.to_y(one.candidate.score))
    path[#path + 1] = i == 1 and ("M%s %s"):format(x, y) or ("H%sV%s"):format(x, y)
  end
  path[#path + 1] = "H" .. px(frame.to_x(spent))
  parts[#parts + 1] = ('<path class="stairs" d="%s"/>'):format(table.concat(path))
end

local function tip_of(proposal, height)
  local words = { ("step %d"):format(proposal.number) }
  if proposal.operator then words[1] = words[1] .. ", " .. proposal.operator end
  words[#words + 1] = proposal.accepted and "kept" or "not kept"
  if proposal.before and height then
    words[#words + 1] = ("%.3f → %.3f"):format(proposal.before, height)
  end
  if proposal.compared > 0 then
    words[#words + 1] = proposal.flips
  end
  return table.concat(words, "; ")
end

local MANY = 300

-- Of very many steps: all dots of one sort in one path, without links.
local function draw_many(parts, frame, search)
  local kept, lost, drawn = {}, {}, {}
  for _, proposal in ipairs(search.proposals) do
    local y = height_of(proposal, search.by_idx[proposal.idx or -1])
    if y and proposal.has_texts and not proposal.aside then
      local at = ("M%.0f %.0fh0"):format(frame.to_x(proposal.spent), frame.to_y(y))
      if not drawn[at] then table.insert(proposal.accepted and kept or lost, at) end
      drawn[at] = true
    end
  end
  for _, one in ipairs { { "many lost", lost }, { "many kept", kept } } do
    if #one[2] > 0 then
      parts[#parts + 1] = ('<path class="%s" d="%s"/>'):format(one[1], table.concat(one[2]))
    end
  end
end

local function draw_seed(parts, frame, search)
  local seed = search.by_idx[0]
  if seed and seed.score then
    parts[#parts + 1] = '<g class="seed">' .. svg.point("square", frame.to_x(search.start),
      frame.to_y(seed.score), 4.4, ("start: %.3f"):format(seed.score)) .. "</g>"
  end
end

local function draw_dots(parts, frame, search, prefix)
  if #search.proposals > MANY then return draw_many(parts, frame, search) end
  for _, proposal in ipairs(search.proposals) do
    local y = height_of(proposal, search.by_idx[proposal.idx or -1])
    if y and proposal.has_texts and not proposal.aside then
      local at, up = frame.to_x(proposal.spent), frame.to_y(y)
      local class = proposal.accepted and "kept" or "lost"
      parts[#parts + 1] = ('<a href="#%sp%d" class="%s">'):format(prefix, proposal.number, class)
      if proposal.before then
        parts[#parts + 1] = ('<path class="reach" d="M%s %sV%s"/>'):format(px(at), px(up),
          px(frame.to_y(proposal.before)))
      end
      parts[#parts + 1] = svg.point("circle", at, up, 4.6, tip_of(proposal, y)) .. "</a>"
    end
  end
end

-- What the page's style sheet has for it, for a picture that stands alone.
local function rules(main, bad, paper)
  return (".band{fill:%s;opacity:.16}.stairs{stroke:%s;stroke-width:2.4;fill:none}"
    .. ".reach{stroke:#6e7781;opacity:.55}.kept circle{fill:%s}"
    .. ".lost circle{fill:%s;stroke:%s;stroke-width:1.8}.seed *{fill:#6e7781}"
    .. ".many{fill:none;stroke-width:6;stroke-linecap:round}.many.kept{stroke:%s}"
    .. ".many.lost{stroke:%s;opacity:.5}"):format(main, main, main, paper, bad, main, bad)
end

--- The same as a file of its own: light and dark, without links.
---@param search lunagrad.reading.search
---@param note string|nil
---@return string|nil
function strip.alone(search, note)
  local picture = strip.svg(search, "", note)
  if not picture then return nil end
  picture = picture:gsub('<a href="[^"]*"', "<g"):gsub("</a>", "</g>")
    :gsub('class="strip"', 'class="lg-plot"', 1):gsub('role="group"', 'role="img"', 1)
  local style = svg.STYLE .. "\n" .. rules("#0072b2", "#c2410c", "#fff")
    .. "\n@media (prefers-color-scheme:dark){" .. rules("#56b4e9", "#ff8f52", "#14171c") .. "}"
  return (picture:gsub("^<svg", '<svg xmlns="http://www.w3.org/2000/svg"'):gsub(">",
    ("><style>%s</style><rect class=\"paper\" width=\"%d\" height=\"%d\"/>"):format(
      (style:gsub("%%", "%%%%")), WIDE, HIGH), 1)) .. "\n"
end

--- The best so far as points, to the end of what was spent.
---@param search lunagrad.reading.search
---@return number[][] points {spent, score}
function strip.stairs(search)
  local points = {}
  for i, one in ipairs(stairs_of(search)) do points[i] = { one.spent, one.candidate.score } end
  if #points > 0 then points[#points + 1] = { search.spent, points[#points][2] } end
  return points
end

--- The picture of one search; nil where it has no score to show.
---@param search lunagrad.reading.search
---@param prefix string of the ids of its steps on the page
---@param note string|nil what the picture must say of itself ("on sim …")
---@return string|nil
function strip.svg(search, prefix, note)
  local stairs = stairs_of(search)
  if #stairs == 0 then return nil end
  local frame = frame_of(search, stairs)
  local first, last = stairs[1].candidate.score, stairs[#stairs].candidate.score
  local parts = { ('<svg class="strip" viewBox="0 0 %d %d" role="group" aria-label="%s">'):format(
    WIDE, HIGH, svg.escape(("score over %s: %.3f at the start, %.3f at the end; %d steps, %d kept")
      :format(search.unit, first, last, #search.proposals, #search.candidates - 1))) }
  draw_axes(parts, frame, search.unit)
  local shown = thinned(stairs, frame)
  draw_band(parts, frame, shown, search.spent)
  draw_stairs(parts, frame, shown, search.spent)
  draw_dots(parts, frame, search, prefix)
  draw_seed(parts, frame, search)
  if note then
    parts[#parts + 1] = svg.text(WIDE - RIGHT - 6, HIGH - BOTTOM - 8, note,
      'class="small" text-anchor="end"')
  end
  parts[#parts + 1] = "</svg>"
  return table.concat(parts, "\n")
end

return strip
