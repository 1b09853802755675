--- lg.text: people's languages, in one place: words, case, digits of other scripts, quotes, dashes.
--
-- Metrics, extractors, constraints and retrieval compare and cut texts with these and with nothing
-- else, so that what is a word in one is a word in all. Characters are known from utf8proc (its
-- version of Unicode is the system's); what a word is, is said in lua/binding/unicode.h. Linear in the
-- text, whatever it holds; bytes that are not UTF-8 count as U+FFFD. Nothing here is used by
-- lg.metric.exact, which compares what is written.

local core = require "lunagrad.core"

local text = {}

--- The text in plain characters: wide and styled letters, digits of all scripts as 0 to 9,
--- typographic quotes as ' and ", hyphens and minus signs as -, blanks of all kinds as spaces;
--- invisible characters are gone, the rest is in NFC. Case, accents and lines stay.
---@param s string
---@return string
function text.plain(s) return core.alike(s, "plain") end

--- The text for comparing: plain, in NFKC without case, dashes between words as " - ", runs of
--- blanks and lines one space. Raised and lowered signs and fractions stay (10² is not 102).
---@param s string
---@return string
function text.fold(s) return core.alike(s, "fold") end

--- The text for finding: folded, without accents and Hebrew's and Arabic's points.
---@param s string
---@return string
function text.search(s) return core.alike(s, "search") end

--- The words of a text. Letters, marks and digits in a row, with the apostrophes, hyphens and points
--- that stand between them (don't, well-known, e.g, 1,234.5), a number with its minus sign. Where no
--- blanks part words: each ideograph is one, each hiragana, each letter with its marks of Thai, Lao,
--- Khmer, Myanmar and their kind; a run of katakana is one.
---@param s string
---@return string[]
function text.words(s) return (core.words(s)) end

--- How many words people would count: as `words`, but two hiragana in a row are taken for a word,
--- and three letters with their marks of Thai, Lao, Khmer, Myanmar and their kind. That is a rough
--- measure, not a dictionary.
---@param s string
---@return integer
function text.count_words(s) return core.count_words(s) end

-- Blanks that are not ASCII: no-break, of all widths, ideographic, and those without width.
local WIDE_BLANKS = {}
for _, c in ipairs { 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0x200B, 0xFEFF } do
  WIDE_BLANKS[utf8.char(c)] = true
end
for c = 0x2000, 0x200A do WIDE_BLANKS[utf8.char(c)] = true end

local find, sub = string.find, string.sub

local function blank_before(s, to)
  if find(sub(s, to, to), "%s") then return 1 end
  return WIDE_BLANKS[sub(s, to - 1, to)] and 2 or WIDE_BLANKS[sub(s, to - 2, to)] and 3
end

--- A text without the blanks at its ends, of whatever kind.
---@param s string
---@return string
function text.trim(s)
  local from, to = find(s, "%S"), #s
  while from do
    local width = WIDE_BLANKS[sub(s, from, from + 1)] and 2 or WIDE_BLANKS[sub(s, from, from + 2)]
      and 3
    if not width then break end
    from = find(s, "%S", from + width)
  end
  if not from then return "" end
  while true do
    local width = to > from and blank_before(s, to)
    if not width then return sub(s, from, to) end
    to = to - width
  end
end

return require("lunagrad.options").closed(text, "lg.text")
