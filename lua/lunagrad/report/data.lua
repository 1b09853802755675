--- Data that a page has for its script: texts by number, and JSON that no markup can come out of.

local core = require "lunagrad.core"
local html = require "lunagrad.report.html"
local plain = require "lunagrad.report.plain"

local data = {}

--- A list that gives each of its texts a number from 0; the list holds them as a page may.
---@return table list
---@return fun(text: string): integer, boolean its number, and whether it is new
function data.pool()
  local list, by_text = setmetatable({}, core.array), {}
  return list, function(text)
    local at = by_text[text]
    if at then return at, false end
    at = #list
    by_text[text], list[at + 1] = at, plain.text(text)
    return at, true
  end
end

local MARKUP = { ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026" }

--- Data for the script: of a table by its id, without one of the texts of a search.
---@param id string|nil
---@param value table
---@return table raw
function data.block(id, value)
  return html.raw(('<script type="application/json" %s>%s</script>'):format(
    id and ('id="%s"'):format(id) or "data-texts",
    (core.json_encode(value):gsub("[<>&]", MARKUP))))
end

return data
