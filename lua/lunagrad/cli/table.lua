--- Columns for people: rows of cells, aligned, as lines without blanks at their ends.
--
-- Pure. Cells are cleaned of what a terminal would obey.

local display = require "lunagrad.cli.display"

local columns = {}

local width_of = display.columns

local WIDEST = 200 -- columns of a cell: a name of a megabyte is no reason for a line of one

local function cell_text(value, most)
  local text = display.clean_line(value == nil and "-" or tostring(value))
  most = math.min(most or WIDEST, WIDEST)
  return width_of(text) > most and display.fit(text, most) or text
end

--- Rows → lines.
---@param rows table the first is the heading
---@param align string one letter a column: l or r
---@param most table|nil column → columns it may take
---@return string[]
function columns.lines(rows, align, most)
  local cells, widths = {}, {}
  for r, row in ipairs(rows) do
    cells[r] = {}
    for c = 1, #align do
      local text = cell_text(row[c], most and most[c])
      cells[r][c] = text
      widths[c] = math.max(widths[c] or 0, width_of(text))
    end
  end
  local lines = {}
  for r, row in ipairs(cells) do
    local parts = {}
    for c, text in ipairs(row) do
      local pad = (" "):rep(widths[c] - width_of(text))
      parts[c] = align:sub(c, c) == "r" and pad .. text or text .. pad
    end
    lines[r] = (table.concat(parts, "  "):gsub("%s+$", ""))
  end
  return lines
end

return columns
