--- A page's outer form: its policy, which lets nothing in but its own style and script; its title.

local core = require "lunagrad.core"
local html = require "lunagrad.report.html"
local script = require "lunagrad.report.script"
local style = require "lunagrad.report.style"

local sheet = {}

local tag, raw = html.tag, html.raw

--- Bytes that every page has.
sheet.SIZE = #style + #script + 700

-- A digest as a content security policy names it.
local function digest(text)
  local bytes = core.sha256(text):gsub("%x%x", function(hex)
    return string.char(tonumber(hex, 16))
  end)
  return ("'sha256-%s'"):format(core.base64(bytes))
end

--- A picture that stands alone, as it stands in a page: the page's style sheet has its colours.
---@param picture string SVG
---@return table raw
function sheet.picture(picture)
  return raw((picture:gsub("^%s*<%?xml.-%?>%s*", ""):gsub("<style>.-</style>%s*", "", 1)))
end

--- A page that stands alone; one that is served may ask its own server for more.
---@param title string
---@param body table raw
---@param live string|nil where its server tells that it changed
---@return string
function sheet.make(title, body, live)
  local policy = ("default-src 'none'; style-src %s; script-src %s; base-uri 'none';"
    .. " form-action %s%s"):format(digest(style), digest(script), live and "'self'" or "'none'",
    live and "; connect-src 'self'" or "")
  return "<!doctype html>\n" .. tag("html", { lang = "en", tag("head", {
    tag("meta", { charset = "utf-8" }),
    tag("meta", { ["http-equiv"] = "Content-Security-Policy", content = policy }),
    tag("meta", { name = "viewport", content = "width=device-width,initial-scale=1" }),
    tag("title", { title .. " – lunagrad" }), tag("style", { raw(style) }) }),
    tag("body", { tag("main", { id = "top", ["data-live"] = live, body }), tag("script",
      { raw(script) }) }) }).text
    .. "\n"
end

return sheet
