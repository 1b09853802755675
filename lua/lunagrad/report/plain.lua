--- Texts as a page or a picture may hold them: whole characters, none that a reader obeys.
--
-- Bytes that are no UTF-8 and characters that HTML and XML have not become U+FFFD. What turns the
-- direction of writing (overrides, embeddings, isolates) is left out: a text could make what stands
-- behind it read as something else. Pure.

local plain = {}

local BAD = "\u{FFFD}"

-- As bytes: U+202A to U+202E, U+2066 to U+2069, the marks U+FFF9 to U+FFFB, and the last two of
-- each plane.
local function without_turns(text)
  if not text:find "[\xE2\xEF\xF0-\xF4]" then return text end
  text = text:gsub("\xE2\x80[\xAA-\xAE]", ""):gsub("\xE2\x81[\xA6-\xA9]", "")
    :gsub("\xEF\xBF[\xB9-\xBB\xBE\xBF]", BAD)
  return (text:gsub("[\xF0-\xF4][\x8F\x9F\xAF\xBF]\xBF[\xBE\xBF]", BAD))
end

-- utf8.len of Lua takes surrogates and what is beyond U+10FFFF for characters only when told to.
local function whole_characters(text)
  if utf8.len(text) then return text end
  local parts, at = {}, 1
  while at <= #text do
    local ok, bad = utf8.len(text, at)
    parts[#parts + 1] = ok and text:sub(at) or text:sub(at, bad - 1) .. BAD
    at = ok and #text + 1 or bad + 1
  end
  return table.concat(parts)
end

--- A text, with its lines and tabs.
---@param text string
---@return string
function plain.text(text)
  text = whole_characters(text)
  if text:find "[%z\1-\8\11-\31\127\xC2]" then
    text = text:gsub("\r\n?", "\n"):gsub("[%z\1-\8\11\12\14-\31\127]", BAD)
      :gsub("\xC2[\x80-\x84\x86-\x9F]", BAD)
  end
  return without_turns(text)
end

--- A text on one line.
---@param text string
---@return string
function plain.line(text) return (plain.text(text):gsub("[\t\n]", " ")) end

--- A text, or its beginning; at the border of a character.
---@param text string
---@param most integer bytes
---@return string
function plain.cut(text, most)
  if #text <= most then return text end
  while most > 0 and text:byte(most + 1) & 0xC0 == 0x80 do most = most - 1 end
  return text:sub(1, most) .. " […]"
end

local NAME = 160 -- bytes of a name

--- A name, or a reason in a few words: one line, and not a long one. nil stays nil.
---@param text string|nil
---@return string|nil
function plain.name(text) return text and plain.line(plain.cut(tostring(text), NAME)) end

local ENTITY = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\""] = "&quot;",
  ["'"] = "&#39;" }

--- As it stands between tags or in an attribute, of HTML and of SVG.
---@param text string of plain.text or plain.line
---@return string
function plain.escape(text) return (text:gsub("[&<>\"']", ENTITY)) end

return plain
