---@meta lunagrad.text
-- lg.text, lg.extract and lg.plot, for editors: a part of lunagrad.lua, which says more.

---@class lunagrad
local lunagrad = {}

--- People's languages: what metrics, extractors, constraints and retrievers compare and count with.
--- Characters are utf8proc's, with the version of Unicode that the system has.
lunagrad.text = {}
--- Plain characters: wide and styled letters, digits of all scripts as 0 to 9, quotes as ' and ",
--- hyphens and minus signs as -, blanks as spaces, nothing invisible, NFC. Case and lines stay.
--- ```lua
--- print(lg.text.plain "“Ｈｉ” – 5")                               --> "Hi" - 5
--- ```
---@param s string
---@return string
function lunagrad.text.plain(s) end
--- For comparing: plain, NFKC (but 10² stays 10²), no case, blanks and lines one space.
--- ```lua
--- print(lg.text.fold "  Straße\n  10 ")                          --> strasse 10
--- ```
---@param s string
---@return string
function lunagrad.text.fold(s) end
--- For finding: folded, without accents.
--- ```lua
--- print(lg.text.search "Café")                                   --> cafe
--- ```
---@param s string
---@return string
function lunagrad.text.search(s) end
--- The words: with apostrophes, hyphens and points inside, numbers with their minus sign; each
--- ideograph, each hiragana, each letter with its marks of Thai, Lao, Khmer and Myanmar alone.
--- ```lua
--- print(table.concat(lg.text.words "It's well-known: -5 degrees.", "|")) --> It's|well-known|-5|degrees
--- ```
---@param s string
---@return string[]
function lunagrad.text.words(s) end
--- How many words people would count; two hiragana are taken for one, three letters with their marks
--- of Thai, Lao, Khmer and Myanmar.
--- ```lua
--- print(lg.text.count_words "one two three")                     --> 3
--- ```
---@param s string
---@return integer
function lunagrad.text.count_words(s) end
--- Without the blanks at its ends, no-break and wide ones, too.
--- ```lua
--- print("[" .. lg.text.trim "  a b  " .. "]")                    --> [a b]
--- ```
---@param s string
---@return string
function lunagrad.text.trim(s) end

---@alias lunagrad.extractor fun(text: string): string|nil

--- Finding the answer in a text; each gives nil when there is none, or it cannot be told which.
lunagrad.extract = {}
--- A text without the blanks at its ends.
--- ```lua
--- print("[" .. lg.extract.trim "  a b  " .. "]")                 --> [a b]
--- ```
---@param text string
---@return string
function lunagrad.extract.trim(text) end
--- The last number in digits of any script, in plain form: "1234.5", "-5", "3/4". 1,234 and 1 234 and
--- 1'234 have thousands, 1.234 a decimal point, 1,5 a decimal comma, 1.234,56 both.
--- ```lua
--- print(lg.extract.last_number "3 pears and 1,234 plums")        --> 1234
--- ```
---@param text string
---@return string|nil
function lunagrad.extract.last_number(text) end
--- The last line that is not blank.
--- ```lua
--- print(lg.extract.last_line "thoughts\n\nthe answer\n")         --> the answer
--- ```
---@param text string
---@return string|nil
function lunagrad.extract.last_line(text) end
--- The whole text, trimmed.
--- ```lua
--- print(lg.extract.whole "  all of it ")                         --> all of it
--- ```
---@param text string
---@return string|nil
function lunagrad.extract.whole(text) end
--- What stands in the last <name>…</name> that can be an answer: one that stands by itself counts
--- before one inside a sentence.
--- ```lua
--- print(lg.extract.tag "ANSWER" "<ANSWER>12</ANSWER>")           --> 12
--- ```
---@param name string
---@return lunagrad.extractor
function lunagrad.extract.tag(name) end
--- What follows the last marker, for example "Answer:", whatever its case, width and Markdown's marks.
--- ```lua
--- print(lg.extract.after "Answer:" "Let me see.\n**answer:** 12")  --> 12
--- ```
---@param marker string
---@return lunagrad.extractor
function lunagrad.extract.after(marker) end
--- The option in the last "Answer: X" or \boxed{X}, or that is all of the last line; nil for "A or B".
--- ```lua
--- print(lg.extract.choice { "A", "B" } "The answer is Answer: B") --> B
--- ```
---@param options string[]
---@return lunagrad.extractor
function lunagrad.extract.choice(options) end
--- What stands in the last \boxed{…} that closes, as LaTeX, without \text{…} around it.
--- ```lua
--- print(lg.extract.boxed "so \\boxed{12}")                       --> 12
--- ```
---@param text string
---@return string|nil
function lunagrad.extract.boxed(text) end
--- The last fenced block of code.
--- ```lua
--- print(lg.extract.code "Here:\n```lua\nreturn 1\n```\n")        --> return 1
--- ```
---@param text string
---@return string|nil
function lunagrad.extract.code(text) end
--- The JSON object or list that a text holds: all of it, in a fence, or among words.
--- ```lua
--- print(lg.extract.object 'It is {"n": 3}, I think.'.n)          --> 3
--- ```
---@param text string
---@param keep? "size"|"text"|"number" see lg.json.decode
---@return table|nil
function lunagrad.extract.object(text, keep) end
--- A value in the JSON that the text holds, for example "steps[1].result".
--- ```lua
--- print(lg.extract.json "steps[1].result" '{"steps": [{"result": 12}]}') --> 12
--- ```
---@param path string
---@return lunagrad.extractor
function lunagrad.extract.json(path) end
--- The first extractor that finds something.
--- ```lua
--- print(lg.extract.any(lg.extract.boxed, lg.extract.last_number) "it is 12") --> 12
--- ```
---@param ... lunagrad.extractor
---@return lunagrad.extractor
function lunagrad.extract.any(...) end

--- Pictures of numbers, as SVG that stands alone: light and dark, for the colour-blind, too.
lunagrad.plot = {}
---@class lunagrad.plot_series
---@field name? string for the legend
---@field points (number|string)[][] { x, y } or { x, y, "label" }; of a band { x, low, high }
---@field kind? "dots"|"line"|"steps"|"band" steps: each value holds until the next (default "dots")
---@field colour? integer 1 to 8 (default: its number among the series)
---@field dash? boolean a dashed line
---@field hollow? boolean dots that are not filled
---@field marker? "circle"|"square"|"triangle"|"diamond"|"down"|"cross" (default: by its colour)
---@class lunagrad.plot_axis
---@field label? string what it measures
---@field min? number where it begins (default: by the points)
---@field max? number where it ends (default: by the points)
---@field reverse? boolean larger values left, or below
---@class lunagrad.plot_mark
---@field x? number a line across at this x
---@field y? number a line across at this y
---@field label? string what it says
---@class lunagrad.plot
---@field series lunagrad.plot_series[] what is drawn
---@field title? string above
---@field x? lunagrad.plot_axis
---@field y? lunagrad.plot_axis
---@field marks? lunagrad.plot_mark[] lines across, for goals
---@field width? number pixels (default 720)
---@field height? number pixels (default 440)

--- A picture of series over two axes; marks are lines across, for goals.
--- ```lua
--- local svg = lg.plot.svg { title = "scores", x = { label = "step" }, y = { label = "score", min = 0, max = 1 },
---   series = { { name = "best", kind = "steps", points = { { 0, 0.2 }, { 1, 0.8 } } } },
---   marks = { { y = 1, label = "perfect" } } }
--- print(svg:sub(1, 4))                                           --> <svg
--- ```
---@param opts lunagrad.plot
---@return string
---@raises inval: a point that is none
function lunagrad.plot.svg(opts) end
