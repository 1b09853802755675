--- HTML as text: tags, escaped texts, tables. What is written is always escaped; what must not be is
--- wrapped in html.raw by who made it here.
--
-- Pure. What a text may hold, plain.lua says; line ends stay.

local plain = require "lunagrad.report.plain"

local html = {}

local Raw = {}

--- Markup that was made here, to stand as it is.
---@param text string
function html.raw(text) return setmetatable({ text = text }, Raw) end

--- A text as it stands between tags or in an attribute.
---@param text any
---@return string
function html.escape(text)
  if getmetatable(text) == Raw then return text.text end
  return plain.escape(plain.text(tostring(text)))
end

html.cut, html.name = plain.cut, plain.name

local function attributes(list)
  local names, parts = {}, {}
  for name, value in pairs(list) do
    if type(name) == "string" and value then names[#names + 1] = name end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = list[name]
    parts[i] = value == true and " " .. name or (' %s="%s"'):format(name, html.escape(value))
  end
  return table.concat(parts)
end

local ALONE = { br = true, meta = true, link = true, input = true, hr = true }

--- One element: html.tag("p", { class = "small", "text", html.tag("b", { "bold" }) }).
---@param name string
---@param content table attributes by name, children in order: texts, or what html.tag gave
---@return table raw
function html.tag(name, content)
  local parts = { "<", name, attributes(content), ">" }
  for _, child in ipairs(content) do parts[#parts + 1] = html.escape(child) end
  if not ALONE[name] then parts[#parts + 1] = "</" .. name .. ">" end
  return html.raw(table.concat(parts))
end

--- Elements behind each other.
---@param list table
---@return table raw
function html.all(list)
  local parts = {}
  for i, child in ipairs(list) do parts[i] = html.escape(child) end
  return html.raw(table.concat(parts))
end

--- A table: the head's cells are { text, class } or text, of rows likewise; `id` names it for
--- sorting.
---@param head table
---@param rows table[] each a list of cells; row.id, row.class
---@param more? table attributes of the table
---@return table raw
function html.table(head, rows, more)
  local function cell(tag, one)
    if type(one) == "table" and getmetatable(one) ~= Raw then
      return html.tag(tag, { class = one.class, ["data-v"] = one.value, one[1] })
    end
    return html.tag(tag, { one == nil and "" or one })
  end
  local function row_of(tag, row)
    local cells = { id = row.id, class = row.class }
    for i = 1, #head do cells[i] = cell(tag, row[i]) end
    return html.tag("tr", cells)
  end
  local body = {}
  for i, row in ipairs(rows) do body[i] = row_of("td", row) end
  local whole = { html.tag("thead", { row_of("th", head) }), html.tag("tbody", body) }
  for name, value in pairs(more or {}) do whole[name] = value end
  return html.tag("div", { class = "scroll", html.tag("table", whole) })
end

return html
