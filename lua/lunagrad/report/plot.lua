--- lg.plot: a picture of numbers, as SVG: dots, lines, steps and bands over two axes.
--
-- One text that stands alone: no script, no font, nothing that is fetched. It follows the reader's
-- light or dark setting; colours are told apart by the colour-blind, dots also by their shape. All
-- text is escaped. The same data gives the same bytes. It is no plotting library: what a report
-- or a page of docs needs, and nothing more.

local axis = require "lunagrad.report.axis"
local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local svg = require "lunagrad.report.svg"

local plot = {}

local PLOT = { title = "string?", x = "table?", y = "table?", marks = "table?",
  series = { type = "table", required = true }, width = { type = "number", default = 720 },
  height = { type = "number", default = 440 } }
local AXIS = { label = "string?", min = "number?", max = "number?", reverse = "boolean?" }
local SERIES = { name = "string?", points = { type = "table", required = true },
  kind = { type = "string", one_of = { "dots", "line", "steps", "band" }, default = "dots" },
  colour = "integer?", dash = "boolean?", hollow = "boolean?",
  marker = { type = "string", one_of = svg.MARKERS } }
local MARK = { x = "number?", y = "number?", label = "string?" }

local LEFT, RIGHT, BOTTOM, TITLE, ROW = 66, 22, 54, 30, 18
local LABELS, CLEAR_OF = 200, 2000 -- labels that are written, and dots that they keep clear of
local SIZE = 4 -- of a dot
local px, holds = svg.px, axis.holds

-- ---- what is asked for ---------------------------------------------------------

local function check_points(series, i)
  local wanted = series.kind == "band" and 3 or 2
  for k, point in ipairs(series.points) do
    local good = type(point) == "table"
    for n = 1, good and wanted or 0 do good = good and type(point[n]) == "number" end
    local label = good and (point.label or wanted == 2 and point[3])
    if not good or label and type(label) ~= "string" then
      errors.refuse("points", ("lg.plot.svg: series %d, point %d is no point"):format(i, k),
        wanted == 3 and "a band's is { x, low, high }" or 'one is { x, y } or { x, y, "label" }', 3)
    end
  end
end

local function check_size(opts)
  for _, name in ipairs { "width", "height" } do
    if not (opts[name] >= 200 and opts[name] <= 10000) then
      errors.refuse(name, ("lg.plot.svg: %s must be 200 to 10000 pixels"):format(name), nil, 3)
    end
  end
end

local function checked(opts)
  opts = options.check(opts, PLOT, "lg.plot.svg", 3)
  check_size(opts)
  local asked = { title = opts.title, width = opts.width, height = opts.height, series = {},
    marks = {}, x = options.check(opts.x, AXIS, "lg.plot.svg, x", 3),
    y = options.check(opts.y, AXIS, "lg.plot.svg, y", 3) }
  for i, given in ipairs(opts.series) do
    local one = options.check(given, SERIES, ("lg.plot.svg, series %d"):format(i), 3)
    check_points(one, i)
    asked.series[i] = { name = one.name, points = one.points, kind = one.kind, dash = one.dash,
      hollow = one.hollow, colour = ((one.colour or i) - 1) % svg.COLOURS + 1 }
    asked.series[i].marker = one.marker or svg.MARKERS[((one.colour or i) - 1) % #svg.MARKERS + 1]
  end
  for i, mark in ipairs(opts.marks or {}) do
    asked.marks[i] = options.check(mark, MARK, ("lg.plot.svg, mark %d"):format(i), 3)
  end
  return asked
end

local function values_of(asked, n)
  local values = {}
  for _, series in ipairs(asked.series) do
    for _, point in ipairs(series.points) do
      values[#values + 1] = point[n]
      if n == 2 and series.kind == "band" then values[#values + 1] = point[3] end
    end
  end
  for _, mark in ipairs(asked.marks) do values[#values + 1] = mark[n == 1 and "x" or "y"] end
  return values
end

-- ---- series --------------------------------------------------------------------

-- The runs of points without a gap: a value that is not finite breaks a line.
local function runs(points, wanted)
  local list, run = {}, nil
  for _, point in ipairs(points) do
    local good = holds(point[1]) and holds(point[2]) and (wanted == 2 or holds(point[3]))
    if good and not run then
      run = {}
      list[#list + 1] = run
    end
    if good then run[#run + 1] = point else run = nil end
  end
  return list
end

local function stroke(series)
  return ' stroke="currentColor" stroke-width="2"'
    .. (series.dash and ' stroke-dasharray="6 4"' or "")
end

local function line(series, to_x, to_y)
  local parts = {}
  for _, run in ipairs(runs(series.points, 2)) do
    local path = {}
    for i, point in ipairs(run) do
      local x, y = px(to_x(point[1])), px(to_y(point[2]))
      if i > 1 and series.kind == "steps" then path[#path + 1] = "H" .. x end
      path[#path + 1] = i > 1 and series.kind == "steps" and "V" .. y
        or (i == 1 and "M" or "L") .. x .. " " .. y
    end
    parts[#parts + 1] = table.concat(path)
  end
  return ('<path d="%s" fill="none"%s stroke-linejoin="round"/>'):format(table.concat(parts),
    stroke(series))
end

local function band(series, to_x, to_y)
  local parts = {}
  for _, run in ipairs(runs(series.points, 3)) do
    local path = {}
    for i, point in ipairs(run) do
      path[i] = (i == 1 and "M" or "L") .. px(to_x(point[1])) .. " " .. px(to_y(point[2]))
    end
    for i = #run, 1, -1 do
      path[#path + 1] = "L" .. px(to_x(run[i][1])) .. " " .. px(to_y(run[i][3]))
    end
    parts[#parts + 1] = table.concat(path) .. "Z"
  end
  return ('<path d="%s" fill="currentColor" fill-opacity="0.2" stroke="none"/>')
    :format(table.concat(parts))
end

local function paint(series)
  return series.hollow and ' fill="none" stroke="currentColor" stroke-width="1.8"'
    or ' fill="currentColor"'
end

local function label_of(point) return point.label or point[3] end

local function dots(series, to_x, to_y)
  local parts = { "<g" .. paint(series) .. ">" }
  for _, point in ipairs(series.points) do
    if holds(point[1]) and holds(point[2]) then
      parts[#parts + 1] = svg.point(series.marker, to_x(point[1]), to_y(point[2]), SIZE,
        label_of(point))
    end
  end
  parts[#parts + 1] = "</g>"
  return table.concat(parts, "\n")
end

local LAYERS = { { band = band }, { line = line, steps = line }, { dots = dots } } -- the last on top

-- ---- labels at points ------------------------------------------------------------

local function overlaps(a, b)
  return a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
end

local function is_free(box, taken, frame)
  if box[1] < frame.left or box[3] > frame.right or box[2] < frame.top or box[4] > frame.bottom then
    return false
  end
  for _, other in ipairs(taken) do
    if overlaps(box, other) then return false end
  end
  return true
end

-- Beside the dot, above, below: the first place that nothing stands in; nil where all are taken.
local function place_label(x, y, wide, taken, frame)
  local d = SIZE + 3
  for _, at in ipairs { { d, -6 }, { -d - wide, -6 }, { -wide / 2, -d - 12 }, { -wide / 2, d },
    { d, -d - 11 }, { d, d - 2 }, { -d - wide, -d - 11 }, { -d - wide, d - 2 } } do
    local box = { x + at[1], y + at[2], x + at[1] + wide, y + at[2] + 12 }
    if is_free(box, taken, frame) then return box end
  end
  return nil
end

-- What has no room is still shown when one points at the dot.
local function labels(asked, to_x, to_y, frame)
  local taken, wanted, parts = {}, {}, {}
  for _, series in ipairs(asked.series) do
    for _, point in ipairs(series.kind ~= "band" and series.points or {}) do
      if holds(point[1]) and holds(point[2]) then
        local x, y, text = to_x(point[1]), to_y(point[2]), label_of(point)
        if series.kind == "dots" and #taken < CLEAR_OF then
          taken[#taken + 1] = { x - SIZE, y - SIZE, x + SIZE, y + SIZE }
        end
        if text and text ~= "" then wanted[#wanted + 1] = { x = x, y = y, text = text } end
      end
    end
  end
  for i = 1, math.min(#wanted, LABELS) do
    local one = wanted[i]
    local box = place_label(one.x, one.y, svg.width(one.text, 11), taken, frame)
    if box then
      taken[#taken + 1] = box
      parts[#parts + 1] = svg.text(box[1], box[4] - 2, one.text, 'class="small"')
    end
  end
  return table.concat(parts, "\n")
end

-- ---- what stands round it ----------------------------------------------------------

local SAMPLE = 22 -- how wide a series' sign in the legend is

-- The legend's rows: which series, and where on its row each begins.
local function legend_rows(asked)
  local rows, x = {}, nil
  for _, series in ipairs(asked.series) do
    if series.name then
      local wide = SAMPLE + 8 + svg.width(series.name, 12) + 18
      if not x or x + wide > asked.width - RIGHT and x > LEFT then
        rows[#rows + 1], x = {}, LEFT
      end
      table.insert(rows[#rows], { series = series, x = x })
      x = x + wide
    end
  end
  return rows
end

local function sample(series, x, y)
  if series.kind == "dots" then
    return ("<g%s>%s</g>"):format(paint(series), svg.point(series.marker, x + SAMPLE / 2, y, SIZE))
  elseif series.kind == "band" then
    return ('<path d="M%s %sh%sv10h-%sZ" fill="currentColor" fill-opacity="0.2"/>'):format(px(x),
      px(y - 5), SAMPLE, SAMPLE)
  end
  return ('<path d="M%s %sh%s"%s/>'):format(px(x), px(y), SAMPLE, stroke(series))
end

local function legend(rows, top)
  local parts = {}
  for i, row in ipairs(rows) do
    local y = top + (i - 1) * ROW
    for _, one in ipairs(row) do
      parts[#parts + 1] = ('<g class="c%d">%s</g>'):format(one.series.colour,
        sample(one.series, one.x, y))
      parts[#parts + 1] = svg.text(one.x + SAMPLE + 8, y + 4, one.series.name)
    end
  end
  return table.concat(parts, "\n")
end

local function axes(asked, x, y, frame, to_x, to_y)
  local parts = {}
  local function add(...) parts[#parts + 1] = (...) end
  local function rule(class, x1, y1, x2, y2)
    add(('<path class="%s" d="M%s %sL%s %s"/>'):format(class, px(x1), px(y1), px(x2), px(y2)))
  end
  for _, tick in ipairs(x.ticks) do
    local at = to_x(tick.at)
    rule("grid", at, frame.top, at, frame.bottom)
    add(svg.text(at, frame.bottom + 18, tick.text, 'class="small" text-anchor="middle"'))
  end
  for _, tick in ipairs(y.ticks) do
    local at = to_y(tick.at)
    rule("grid", frame.left, at, frame.right, at)
    add(svg.text(frame.left - 8, at + 4, tick.text, 'class="small" text-anchor="end"'))
  end
  add(('<path class="frame" d="M%s %sV%sH%s"/>'):format(px(frame.left), px(frame.top),
    px(frame.bottom), px(frame.right)))
  if asked.x.label then
    add(svg.text((frame.left + frame.right) / 2, frame.bottom + 40, asked.x.label,
      'text-anchor="middle"'))
  end
  if asked.y.label then
    local middle = (frame.top + frame.bottom) / 2
    add(svg.text(18, middle, asked.y.label,
      ('text-anchor="middle" transform="rotate(-90 18 %s)"'):format(px(middle))))
  end
  for _, mark in ipairs(asked.marks) do
    if mark.x and holds(mark.x) then
      local at, wide = to_x(mark.x), svg.width(mark.label or "", 11)
      rule("mark", at, frame.top, at, frame.bottom)
      add(svg.text(at + wide + 4 > frame.right and at - wide - 4 or at + 4, frame.top + 12,
        mark.label or "", 'class="small"'))
    elseif mark.y and holds(mark.y) then
      rule("mark", frame.left, to_y(mark.y), frame.right, to_y(mark.y))
      add(svg.text(frame.left + 4, to_y(mark.y) - 4, mark.label or "", 'class="small"'))
    end
  end
  return table.concat(parts, "\n")
end

local HEAD = '<svg xmlns="http://www.w3.org/2000/svg" class="lg-plot" viewBox="0 0 %s %s" '
  .. 'width="%s" height="%s" role="img" aria-label="%s">\n<style>\n%s\n</style>\n'
  .. '<clipPath id="%s"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath>\n'
  .. '<rect class="paper" width="100%%" height="100%%"/>'

--- Draws series over two axes and returns the picture's text.
---
---     lg.plot.svg{ title = "…", x = { label = "QED" }, y = { label = "Vina, kcal/mol" },
---       series = { { name = "benzene", points = { { 0.44, -4.2, "start" }, { 0.8, -7.5 } } } } }
---
--- A series: name (for the legend), points (a list of { x, y } or { x, y, "label" }; a band's are
--- { x, low, high }), kind = "dots" (default), "line", "steps" (each value holds until the next)
--- or "band", and if wanted colour (1 to 8; its number among the series), dash, hollow, marker. An
--- axis: label, min, max, reverse. marks = { { x = or y =, label = } } are lines across, for goals.
--- A value that is not finite has no dot, and breaks a line.
---@param opts table { title =, x =, y =, series =, marks =, width =, height = }
---@return string
function plot.svg(opts)
  local asked = checked(opts)
  local rows = legend_rows(asked)
  local head = asked.title and TITLE or 8
  local frame = { left = LEFT, right = asked.width - RIGHT, bottom = asked.height - BOTTOM,
    top = head + #rows * ROW + 12 }
  frame.bottom = math.max(frame.bottom, frame.top + 40)
  local x, y = axis.over(values_of(asked, 1), asked.x), axis.over(values_of(asked, 2), asked.y)
  local function to_x(v) return frame.left + x.place(v) * (frame.right - frame.left) end
  local function to_y(v) return frame.bottom - y.place(v) * (frame.bottom - frame.top) end
  local high = math.max(asked.height, frame.bottom + BOTTOM)
  -- pictures of one page that have this name in common have the same rectangle
  local clip = ("in-%s-%s-%s"):format(px(frame.top), px(frame.right), px(frame.bottom))
  local parts = { HEAD:format(px(asked.width), px(high), px(asked.width), px(high),
    svg.escape(asked.title or "plot"), svg.STYLE, clip, px(frame.left - 6), px(frame.top - 6),
    px(frame.right - frame.left + 12), px(frame.bottom - frame.top + 12)) }
  if asked.title then parts[2] = svg.text(LEFT, 22, asked.title, 'class="title"') end
  parts[#parts + 1] = legend(rows, head + 10)
  parts[#parts + 1] = axes(asked, x, y, frame, to_x, to_y)
  for _, layer in ipairs(LAYERS) do
    for _, series in ipairs(asked.series) do
      if layer[series.kind] then
        parts[#parts + 1] = ('<g class="c%d" clip-path="url(#%s)">%s</g>'):format(series.colour,
          clip, layer[series.kind](series, to_x, to_y))
      end
    end
  end
  parts[#parts + 1] = labels(asked, to_x, to_y, frame)
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts, "\n")
end

return plot
