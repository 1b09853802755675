--- Scores as letters: a line of blocks, and stairs over what was spent. Pure.
--
-- A braille letter has 2 by 4 dots, so that a plot of 60 columns and 10 lines has 120 by 40 points;
-- without them a point is a letter. What was not kept is a hollow dot above the stairs' lines.

local axis = require "lunagrad.report.axis"

local chart = {}

local BLOCKS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local MARKS = { "_", ".", "-", "=", "+", "*", "#", "@" } -- from low to high without them

--- A line of blocks, one a value; a blank where there is none.
---@param values (number|nil)[]
---@param n integer
---@param unicode boolean
---@return string
function chart.sparkline(values, n, unicode)
  local low, high
  for i = 1, n do
    local v = values[i]
    if axis.holds(v) then low, high = math.min(low or v, v), math.max(high or v, v) end
  end
  local letters, out = unicode and BLOCKS or MARKS, {}
  for i = 1, n do
    local v = values[i]
    if not axis.holds(v) then
      out[i] = " "
    elseif high == low then
      out[i] = letters[4]
    else
      out[i] = letters[1 + math.floor((v - low) / (high - low) * 7 + 0.5)]
    end
  end
  return table.concat(out)
end

-- ---- a canvas of dots --------------------------------------------------------------------------

local DOTS = { { 0x01, 0x02, 0x04, 0x40 }, { 0x08, 0x10, 0x20, 0x80 } } -- of a braille letter

local function new_canvas(columns, rows, fine)
  return { columns = columns, rows = rows, fine = fine, across = fine and 2 or 1,
    down = fine and 4 or 1, cells = {}, marks = {} }
end

-- x and y from 0 at the left and the top to 1.
local function place_of(canvas, x, y)
  local px = math.floor(x * (canvas.columns * canvas.across - 1) + 0.5)
  local py = math.floor(y * (canvas.rows * canvas.down - 1) + 0.5)
  return px, py
end

local function set(canvas, px, py, letter)
  local column, row = px // canvas.across, py // canvas.down
  local at = row * canvas.columns + column
  if canvas.fine then
    local dot = DOTS[px % 2 + 1][py % 4 + 1]
    canvas.cells[at] = (canvas.cells[at] or 0) | dot
  elseif not canvas.cells[at] or letter ~= "-" then
    canvas.cells[at] = letter
  end
end

local function line(canvas, x1, y1, x2, y2)
  local ax, ay = place_of(canvas, x1, y1)
  local bx, by = place_of(canvas, x2, y2)
  for px = math.min(ax, bx), math.max(ax, bx) do set(canvas, px, ay, "-") end
  for py = math.min(ay, by), math.max(ay, by) do set(canvas, bx, py, py == by and "+" or "|") end
end

local function mark(canvas, x, y, letter, kind)
  local px, py = place_of(canvas, x, y)
  local at = (py // canvas.down) * canvas.columns + px // canvas.across
  if not (canvas.marks[at] and canvas.marks[at].kind == "kept") then
    canvas.marks[at] = { letter = letter, kind = kind }
  end
end

-- One line of the canvas; paint(kind, text) colours what stands there.
local function row_of(canvas, row, paint)
  local out = {}
  for column = 0, canvas.columns - 1 do
    local at = row * canvas.columns + column
    local cell, dot = canvas.cells[at], canvas.marks[at]
    if dot then
      out[#out + 1] = paint(dot.kind, dot.letter)
    elseif cell then
      out[#out + 1] = paint("stairs", canvas.fine and utf8.char(0x2800 + cell) or cell)
    else
      out[#out + 1] = " "
    end
  end
  return (table.concat(out):gsub("%s+$", ""))
end

-- ---- the stairs -----------------------------------------------------------------------------------

local function values_of(points)
  local most, ys = 0, {}
  for i, one in ipairs(points) do most, ys[i] = math.max(most, one.x), one.y end
  return most, ys
end

-- Shares of one stay between 0 and 1.
local function limits_of(ys)
  local least, most = 1, 0
  for _, y in ipairs(ys) do
    if y < 0 or y > 1 then return {} end
    least, most = math.min(least, y), math.max(most, y)
  end
  return { min = least < 0.5 and 0 or nil, max = most > 0.5 and 1 or nil }
end

local KEPT, LEFT = { [true] = "●", [false] = "*" }, { [true] = "○", [false] = "o" }

-- Tick texts of the y axis by row, and how broad they are.
local function labels_of(y, rows)
  local by_row, broad = {}, 0
  for _, tick in ipairs(y.ticks) do
    local row = math.floor((1 - y.place(tick.at)) * (rows - 1) + 0.5)
    local text = tick.text:gsub("−", "-")
    if row >= 0 and row < rows and not by_row[row] then
      by_row[row], broad = text, math.max(broad, #text)
    end
  end
  return by_row, broad
end

-- "0      200     400  calls", under the columns where the ticks are.
local function under(x, columns, unit, whole)
  local text = ""
  for _, tick in ipairs(x.ticks) do
    local label = whole and ("%.0f"):format(tick.at) or tick.text
    local at = math.floor(x.place(tick.at) * (columns - 1) + 0.5) - (#label - 1) // 2
    at = math.max(0, at)
    local is_there = not whole or tick.at == math.floor(tick.at)
    if is_there and at + #label <= columns and (text == "" or at > #text) then
      text = text .. (" "):rep(at - #text) .. label
    end
  end
  local with = text .. "  " .. unit
  if #with <= columns + 1 then return with end
  return text:sub(1, math.max(0, columns - #unit - 1)) .. " " .. unit
end

--- Stairs of the best so far, as lines.
---@param points { x: number, y: number, kept: boolean }[] in order; the first is the start
---@param about { columns: integer, rows: integer, unit: string, unicode: boolean, braille: boolean,
--- most: number|nil where x ends, whole: boolean|nil x counts things, paint: fun(kind: string, text: string): string }
---@return string[]
function chart.stairs(points, about)
  local most, ys = values_of(points)
  most = math.max(about.most or 0, most)
  local x = axis.over({}, { min = 0, max = most > 0 and most or 1 })
  local y = axis.over(ys, limits_of(ys))
  local labels, broad = labels_of(y, about.rows)
  local columns = math.max(16, about.columns - broad - 2)
  local canvas = new_canvas(columns, about.rows, about.braille)
  local best, from
  for _, one in ipairs(points) do
    local px, py = x.place(one.x), 1 - y.place(one.y)
    if best == nil then
      best, from = one.y, px
      mark(canvas, px, py, KEPT[about.unicode], "kept")
    elseif one.kept and one.y > best then
      line(canvas, from, 1 - y.place(best), px, py)
      best, from = one.y, px
      mark(canvas, px, py, KEPT[about.unicode], "kept")
    else
      mark(canvas, px, py, LEFT[about.unicode], "left")
    end
  end
  line(canvas, from, 1 - y.place(best), 1, 1 - y.place(best))
  local lines, wall = {}, about.unicode and "│" or "|"
  for row = 0, about.rows - 1 do
    local label = labels[row] or ""
    lines[#lines + 1] = (" "):rep(broad - #label) .. label .. " "
      .. (labels[row] and about.unicode and "┤" or wall) .. row_of(canvas, row, about.paint)
  end
  local floor = about.unicode and "└" .. ("─"):rep(columns) or "+" .. ("-"):rep(columns)
  lines[#lines + 1] = (" "):rep(broad + 1) .. floor
  lines[#lines + 1] = (" "):rep(broad + 2) .. under(x, columns, about.unit, about.whole)
  return lines
end

return chart
