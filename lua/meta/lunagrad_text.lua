---@meta lunagrad.text
-- lg.text, lg.extract and lg.plot, for editors: a part of lunagrad.lua, which says more.

---@class lunagrad
local lunagrad = {}

--- People's languages: what metrics, extractors, constraints and retrievers compare and count with.
--- Characters are utf8proc's, with the version of Unicode that the system has.
lunagrad.text = {}
--- Plain characters: wide and styled letters, digits of all scripts as 0 to 9, quotes as ' and ",
--- hyphens and minus signs as -, blanks as spaces, nothing invisible, NFC. Case and lines stay.
---@param s string
---@return string
function lunagrad.text.plain(s) end
--- For comparing: plain, NFKC (but 10² stays 10²), no case, blanks and lines one space.
---@param s string
---@return string
function lunagrad.text.fold(s) end
--- For finding: folded, without accents.
---@param s string
---@return string
function lunagrad.text.search(s) end
--- The words: with apostrophes, hyphens and points inside, numbers with their minus sign; each
--- ideograph, each hiragana, each letter with its marks of Thai, Lao, Khmer and Myanmar alone.
---@param s string
---@return string[]
function lunagrad.text.words(s) end
--- How many words people would count; two hiragana are taken for one, three letters with their marks
--- of Thai, Lao, Khmer and Myanmar.
---@param s string
---@return integer
function lunagrad.text.count_words(s) end
--- Without the blanks at its ends, no-break and wide ones, too.
---@param s string
---@return string
function lunagrad.text.trim(s) end

---@alias lunagrad.extractor fun(text: string): string|nil

--- Finding the answer in a text; each gives nil when there is none, or it cannot be told which.
lunagrad.extract = {}
--- A text without the blanks at its ends.
---@param text string
---@return string
function lunagrad.extract.trim(text) end
--- The last number in digits of any script, in plain form: "1234.5", "-5", "3/4". 1,234 and 1 234 and
--- 1'234 have thousands, 1.234 a decimal point, 1,5 a decimal comma, 1.234,56 both.
---@param text string
---@return string|nil
function lunagrad.extract.last_number(text) end
--- The last line that is not blank.
---@param text string
---@return string|nil
function lunagrad.extract.last_line(text) end
--- The whole text, trimmed.
---@param text string
---@return string|nil
function lunagrad.extract.whole(text) end
--- What stands in the last <name>…</name> that can be an answer: one that stands by itself counts
--- before one inside a sentence.
---@param name string
---@return lunagrad.extractor
function lunagrad.extract.tag(name) end
--- What follows the last marker, for example "Answer:", whatever its case, width and Markdown's marks.
---@param marker string
---@return lunagrad.extractor
function lunagrad.extract.after(marker) end
--- The option in the last "Answer: X" or \boxed{X}, or that is all of the last line; nil for "A or B".
---@param options string[]
---@return lunagrad.extractor
function lunagrad.extract.choice(options) end
--- What stands in the last \boxed{…} that closes, as LaTeX, without \text{…} around it.
---@param text string
---@return string|nil
function lunagrad.extract.boxed(text) end
--- The last fenced block of code.
---@param text string
---@return string|nil
function lunagrad.extract.code(text) end
--- The JSON object or list that a text holds: all of it, in a fence, or among words.
---@param text string
---@param keep? "size"|"text"|"number" see lg.json.decode
---@return table|nil
function lunagrad.extract.object(text, keep) end
--- A value in the JSON that the text holds, for example "steps[1].result".
---@param path string
---@return lunagrad.extractor
function lunagrad.extract.json(path) end
--- The first extractor that finds something.
---@param ... lunagrad.extractor
---@return lunagrad.extractor
function lunagrad.extract.any(...) end

--- Pictures of numbers, as SVG that stands alone: light and dark, for the colour-blind, too.
lunagrad.plot = {}
---@class lunagrad.plot_series
---@field name? string for the legend
---@field points (number|string)[][] { x, y } or { x, y, "label" }; of a band { x, low, high }
---@field kind? "dots"|"line"|"steps"|"band" steps: each value holds until the next
---@field colour? integer 1 to 8; its number among the series
---@field dash? boolean
---@field hollow? boolean
---@field marker? "circle"|"square"|"triangle"|"diamond"|"down"|"cross"
---@class lunagrad.plot_axis
---@field label? string
---@field min? number
---@field max? number
---@field reverse? boolean
--- A picture of series over two axes; marks are lines across, for goals.
---@param opts { title: string?, x: lunagrad.plot_axis?, y: lunagrad.plot_axis?, series: lunagrad.plot_series[],
--- marks: { x: number?, y: number?, label: string? }[]?, width: number?, height: number? }
---@return string
function lunagrad.plot.svg(opts) end
