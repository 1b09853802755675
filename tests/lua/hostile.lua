-- hostile.lua - texts that must not change a page, a picture or a table, and a reader of HTML that is
-- strict about what it is given; for test_hostile.lua

local hostile = {}

-- Each is a text that somebody's model, data or run name could hold.
hostile.TEXTS = {
  "</script><script>alert(1)</script>", "<script src=//evil.example/x.js></script>",
  "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "'><b onmouseover=alert(1)>",
  "<svg><script>alert(1)</script></svg>", "</svg><script>alert(1)</script>",
  "<a href=\"javascript:alert(1)\">x</a>", "javascript:alert(1)//",
  "data:text/html,<script>1</script>",
  "</style><style>@import url(//evil.example)</style>", "}*{background:url(//evil.example/x)}",
  "expression(alert(1))", "</title><script>alert(1)</script>", "</textarea><script>1</script>",
  "</pre></details></main></body></html>", "<!--", "-->", "<!-- <script>", "]]>", "<![CDATA[x]]>",
  "<?xml version=\"1.0\"?>", "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>&b;",
  "&lt;script&gt;", "&#60;script&#62;", "&amp;lt;", "&nbsp;&#x202e;&", "\\u003cscript\\u003e",
  "<iframe srcdoc='<script>1</script>'>", "<base href=//evil.example>",
  "<link rel=stylesheet href=x>",
  "<meta http-equiv=refresh content=0>", "<form action=//evil.example><button>go</button>",
  "<template><script>1</script></template>", "\" style=\"position:fixed", "` onclick=alert(1) `",
  "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "%s %d %n %q %%", "%2e%2e%2f",
  "=cmd|'/C calc'!A0", "+1+1", "@SUM(1)", "-2+3+cmd|' /C calc'!A0", "\27[2J\27]0;owned\7",
  "\27]8;;http://evil.example\27\\link\27]8;;\27\\", "a\0b\0", "\1\2\8\11\12\127",
  "\xC2\x85\xC2\x9B[31m",
  "\255\254\253", "\xED\xA0\x80\xF4\x90\x80\x80", "\xC3(", "\u{202E}gnp.exe",
  "\u{2066}a\u{2069}\u{2067}b",
  "\u{202A}\u{202B}\u{202D}x\u{202C}", "\u{FEFF}bom\u{FFFE}\u{FFFF}", "\u{2028}line\u{2029}",
  "شيء من النص العربي 123 עברית", "👩‍👩‍👧‍👦🏳️‍🌈👍🏿", ("e" .. ("\u{301}"):rep(500)),
  ("W"):rep(20000),
  ("word "):rep(4000), ("<b>"):rep(2000), ("é"):rep(5000), "\r\n\r\r\n\ttabs\t\t",
  "```\n# md\n```\n<img src=x>",
  "[x](javascript:alert(1)) ![x](//evil.example/x.png)", "| a | b |\n|---|---|",
  "../../etc/passwd", "",
  " ", "\n\n\n", "constructor", "__proto__", "{\"a\":1}", "</SCRIPT\n><SCRIPT>alert(1)</SCRIPT >",
}

--- One line of a megabyte, with markup at its end.
function hostile.megabyte() return ("lang "):rep(200000) .. "</pre><script>alert(1)</script>" end

-- ---- a strict reader ------------------------------------------------------------------------

local function set(words)
  local names = {}
  for word in words:gmatch "%S+" do names[word] = true end
  return names
end

-- All that a page may hold; anything else came from a text.
local TAGS = set [[html head meta title style body main nav div p span b a small h1 h2 h3 pre code
  table thead tbody tr th td details summary ul ol li ins del script noscript input select option
  form button i svg g path rect circle polygon text line clipPath br label bdi]]
local ATTRIBUTES = set [[lang charset http-equiv content name id class href type placeholder role
  tabindex aria-label open value data-v data-q data-f data-flips data-sortable data-live data-texts
  data-x data-y data-cell data-prefix data-examples viewBox width height x y d cx cy r rx points
  text-anchor transform clip-path fill stroke stroke-width stroke-dasharray
  stroke-linejoin opacity font-size method action xmlns style]]
local ALONE = set "meta br input"
local BALANCED = set "path rect circle polygon line" -- closed by "/>" in pictures

local ENTITIES = set "amp lt gt quot #39"

local function check_text(text, fail)
  for name in text:gmatch "&([^;]*;?)" do
    local whole = name:sub(-1) == ";" and ENTITIES[name:sub(1, -2)]
    if not whole then fail("a bare &" .. name:sub(1, 20)) end
  end
end

local function check_attribute(tag, name, value, fail)
  if not ATTRIBUTES[name] then fail(("attribute %q of <%s>"):format(name, tag)) end
  if value:find "[<>]" then fail("a tag in an attribute") end
  check_text(value, fail)
  local local_link = value:find "^#[%w]+$" or value:find "^/%w[%w/?=&;%-._]*$"
  if (name == "href" or name == "action") and not local_link then
    fail(("%s leads to %q"):format(name, value))
  end
  local clips = name == "clip-path" and not value:find "^url%(#[%w-]+%)$"
  if clips then fail "a clip from elsewhere" end
  if name == "style" and tag ~= "svg" then fail "a style of its own" end
end

local function read_tag(self, text, at)
  local closing, name, place = text:match("^<(/?)([%a][%w]*)()", at)
  if not name then self.fail("no tag: " .. text:sub(at, at + 30)) end
  if not TAGS[name] then self.fail("tag <" .. name .. ">") end
  if closing == "/" then
    if text:sub(place, place) ~= ">" then self.fail("</" .. name .. " does not end") end
    if table.remove(self.open) ~= name then self.fail("</" .. name .. "> closes another tag") end
    return place + 1, name, true
  end
  local seen = {}
  while true do
    local key, rest = text:match("^%s+([%a][%w%-]*)()", place)
    if not key then break end
    if seen[key] then self.fail("attribute " .. key .. " twice") end
    seen[key] = true
    local value, after = text:match('^="([^"]*)"()', rest)
    check_attribute(name, key, value or "", self.fail)
    place = after or rest
  end
  local ending, after = text:match("^(/?>)()", place)
  if not ending then self.fail(("<%s … %s"):format(name, text:sub(place, place + 30))) end
  if ending == "/>" and not BALANCED[name] then self.fail("<" .. name .. "/>") end
  if ending == ">" and not ALONE[name] then table.insert(self.open, name) end
  return after, name, false, ending == "/>"
end

-- What stands in a script or a style: nothing but what is the page's own, or JSON without markup.
local function skip_raw(self, text, at, name)
  local finish = text:find("</" .. name, at, true)
  if not finish then self.fail("no end of " .. name) end
  local inside = text:sub(at, finish - 1)
  if name == "script" and inside:sub(1, 1) == "{" then
    if inside:find "[<>&]" then self.fail "markup in data" end
    self.data[#self.data + 1] = inside
  end
  return finish
end

--- Read a page or a picture; raises where something is not as it has to be.
---@param text string
---@param where string for the message
---@return table { data = JSON texts, ids, tags = name → how many }
function hostile.read(text, where)
  local self = { open = {}, data = {}, tags = {} }
  function self.fail(what) error(("%s: %s"):format(where, what), 0) end
  if not utf8.len(text) then self.fail "no UTF-8" end
  local control = text:match "[%z\1-\8\11-\31\127]"
  if control then self.fail(("control %d"):format(control:byte())) end
  for _, bad in ipairs { "\u{202A}", "\u{202B}", "\u{202D}", "\u{202E}", "\u{2066}", "\u{2067}",
    "\u{2068}" } do
    if text:find(bad, 1, true) then self.fail("turns the direction of writing") end
  end
  local at = text:match "^<!doctype html>\n()" or 1
  while at <= #text do
    local next_tag = text:find("<", at, true) or #text + 1
    if text:sub(at, next_tag - 1):find(">", 1, true) then self.fail "a bare >" end
    check_text(text:sub(at, next_tag - 1), self.fail)
    if next_tag > #text then break end
    local name, closing, whole
    at, name, closing, whole = read_tag(self, text, next_tag)
    if not closing then self.tags[name] = (self.tags[name] or 0) + 1 end
    if not closing and not whole and (name == "script" or name == "style") then
      at = skip_raw(self, text, at, name)
    end
  end
  if #self.open > 0 then self.fail("<" .. self.open[#self.open] .. "> is not closed") end
  return self
end

return hostile
