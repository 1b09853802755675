--- What pictures share: numbers and texts as SVG has them, colours, marks for points.
--
-- Colours are classes, so that one style sheet has them for light and for dark paper. They are of
-- Okabe and Ito's kind: the colour-blind tell them apart. Not a drawing library.

local plain = require "lunagrad.report.plain"

local svg = {}

--- Number of colours; a ninth series has the first again.
svg.COLOURS = 8

local LIGHT = { "#0072b2", "#d55e00", "#00795a", "#a6377c", "#8a6a00", "#2f86bd", "#5a5f66",
  "#111" }
local DARK = { "#56b4e9", "#ff8f52", "#2fc99a", "#e58fc1", "#f0c74b", "#9ad4f5", "#a9b0b8", "#fff" }

-- Rules of one plot: pages may hold many pictures, and have texts of their own.
local function scoped(rules)
  return (rules:gsub("[^{}]+{[^{}]*}", ".lg-plot %0"))
end

local function colours(list)
  local rules = {}
  for i, colour in ipairs(list) do rules[i] = (".c%d{color:%s}"):format(i, colour) end
  return scoped(table.concat(rules))
end

--- The style sheet. What it says for dark paper comes last.
svg.STYLE = table.concat({
  scoped "text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#24292f}",
  scoped ".paper{fill:#fff}.grid{stroke:#d9dde2}.frame{stroke:#6e7781;fill:none}",
  scoped ".mark{stroke:#6e7781;stroke-dasharray:2 4}.small{font-size:11px;fill:#57606a}",
  scoped ".title{font-size:15px;font-weight:600}", colours(LIGHT),
  "@media (prefers-color-scheme:dark){" .. scoped "text{fill:#e6e9ed}.paper{fill:#14171c}",
  scoped ".grid{stroke:#2f353d}.frame{stroke:#8b949e}.mark{stroke:#8b949e}.small{fill:#a9b0b8}",
  colours(DARK) .. "}",
}, "\n")

--- A length or coordinate: one decimal, no more than is seen, with a point in every locale.
---@param v number
---@return string
function svg.px(v)
  local text = ("%.1f"):format(v):gsub(",", "."):gsub("%.0$", "")
  return text == "-0" and "0" or text
end

--- A text as it stands between tags or in an attribute.
---@param text string
---@return string
function svg.escape(text) return plain.escape(plain.line(text)) end

--- About how wide a text is, in pixels: fonts differ, so this is for room and no more.
---@param text string
---@param size number of the letters
---@return number
function svg.width(text, size) return (utf8.len(text) or #text) * size * 0.56 end

--- The shapes of points, in the order of the colours.
svg.MARKERS = { "circle", "square", "triangle", "diamond", "down", "cross" }

local SHAPES = {
  square = { -1, -1, 1, -1, 1, 1, -1, 1 }, triangle = { 0, -1.2, 1.2, 1, -1.2, 1 },
  diamond = { 0, -1.4, 1.4, 0, 0, 1.4, -1.4, 0 }, down = { 0, 1.2, 1.2, -1, -1.2, -1 },
  cross = { -1.2, -0.4, -0.4, -0.4, -0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4,
    0.4, 0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4 },
}

--- One point, in the colour of the group that it stands in; `tip` is what a pointer over it shows.
---@param shape string
---@param x number
---@param y number
---@param size number
---@param tip? string
---@return string
function svg.point(shape, x, y, size, tip)
  local corners = SHAPES[shape]
  local name, list = corners and "polygon" or "circle", {}
  for i = 1, corners and #corners or 0, 2 do
    list[#list + 1] = svg.px(x + corners[i] * size) .. "," .. svg.px(y + corners[i + 1] * size)
  end
  local head = corners and ('<polygon points="%s"'):format(table.concat(list, " "))
    or ('<circle cx="%s" cy="%s" r="%s"'):format(svg.px(x), svg.px(y), svg.px(size * 1.1))
  if not tip then return head .. "/>" end
  return ("%s><title>%s</title></%s>"):format(head, svg.escape(tip), name)
end

--- A text at a place; `more` is what else the tag says: "text-anchor=\"end\"".
---@param x number
---@param y number
---@param text string
---@param more? string
---@return string
function svg.text(x, y, text, more)
  return ('<text x="%s" y="%s"%s>%s</text>'):format(svg.px(x), svg.px(y),
    more and " " .. more or "", svg.escape(text))
end

return svg
