--- Standard output as somebody sees it: how broad it is, whether it has colours, and which letters.
--
-- What is no terminal gets no escapes and, but for words of help, whole lines. Colours are left out
-- with NO_COLOR and TERM=dumb, letters that are no ASCII where the locale is not UTF-8.

local display = require "lunagrad.cli.display"

local screen = {}

local BROADEST = 120 -- columns of words in one line: longer ones are hard to read
local NARROWEST = 40
local PLAIN = 100    -- where nobody says how broad it is

-- What went and what came differ by more than red and green.
local COLOURS = { bold = "1", dim = "2", add = "1;32", del = "9;31", accent = "36" }

---@class lunagrad.screen
---@field tty boolean
---@field width integer columns of a table
---@field words integer columns of words
---@field colour boolean
---@field unicode boolean blocks and arrows
---@field braille boolean dots finer than letters
local methods = {}
methods.__index = methods

--- A screen that has these.
---@param about { tty: boolean, width: integer|nil, colour: boolean, unicode: boolean, braille: boolean }
---@return lunagrad.screen
function screen.new(about)
  local width = math.max(NARROWEST, about.width or PLAIN)
  return setmetatable({ tty = about.tty, width = width, words = math.min(BROADEST, width),
    colour = about.colour, unicode = about.unicode, braille = about.unicode and about.braille },
    methods)
end

--- Standard output, as the terminal and the environment have it.
---@return lunagrad.screen
function screen.standard()
  local term = require "lunagrad.term"
  local tty = term.isatty(1)
  local _, colour, unicode = display.choose("plain", tty, os.getenv)
  local name = os.getenv "TERM" or ""
  return screen.new { tty = tty, width = tty and term.width(1) or tonumber(os.getenv "COLUMNS"),
    colour = colour, unicode = unicode and name ~= "dumb",
    braille = name ~= "linux" } -- the console's own letters have none
end

--- A text in a colour, where there are any.
---@param name string "bold", "dim", "add", "del" or "accent"
---@param text string
---@return string
function methods:paint(name, text)
  return self.colour and text ~= "" and ("\27[%sm%s\27[0m"):format(COLOURS[name], text) or text
end

--- Lines as they are, and clean; the screen's own colours pass.
---@param lines string[]
function methods:print(lines)
  local stream = require("lunagrad.cli.output").raw(io.stdout)
  for _, line in ipairs(lines) do stream:write(line, "\n") end
end

--- Lines for people to standard output, broken where a terminal is narrower.
---@param lines string[]
function screen.print(lines)
  local term = require "lunagrad.term"
  local columns = term.isatty(1) and term.width(1) or nil
  for _, whole in ipairs(lines) do
    for line in (whole .. "\n"):gmatch "(.-)\n" do
      for _, one in ipairs(display.fold(line, columns)) do io.stdout:write(one, "\n") end
    end
  end
end

-- ---- help ------------------------------------------------------------------------------------

-- A paragraph or the words of an option, joined and broken anew.
local function put(out, first, words, columns)
  local indent = display.columns(first)
  local lines = display.wrap(table.concat(words, " "), columns - indent)
  for i, line in ipairs(lines) do
    out[#out + 1] = (i == 1 and first or (" "):rep(indent)) .. line
  end
end

-- Where an option's words begin, and the lines that go on with them.
local function option_of(lines, at)
  local head, words = lines[at]:match "^(  %-%S.-%s%s+)(%S.*)$"
  if not head then return nil end
  local list, indent = { words }, #head
  while lines[at + 1] and #lines[at + 1]:match "^ *" == indent and lines[at + 1]:find "%S" do
    at = at + 1
    list[#list + 1] = lines[at]:sub(indent + 1)
  end
  return head, list, at
end

--- A help for a screen that is narrower than it was written for: its paragraphs and what is said of
--- options are broken anew; what is indented stays.
---@param help string
---@param columns integer
---@return string
function screen.reflow(help, columns)
  local lines, out, at = {}, {}, 1
  for line in help:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  while at <= #lines do
    local head, words, last = option_of(lines, at)
    if head then
      put(out, head, words, columns)
      at = last
    elseif lines[at]:find "^%S" and not lines[at]:find "^usage:" then
      words = {}
      while lines[at] and lines[at]:find "^%S" do
        words[#words + 1] = lines[at]
        at = at + 1
      end
      put(out, "", words, columns)
      at = at - 1
    else
      out[#out + 1] = lines[at]
    end
    at = at + 1
  end
  return table.concat(out, "\n") .. "\n"
end

local HELP_COLUMNS = 100 -- that helps are written for

--- Write a help to standard output.
---@param text string
function screen.help(text)
  local here = screen.standard()
  if here.tty and here.width < HELP_COLUMNS then text = screen.reflow(text, here.width - 1) end
  io.stdout:write(text)
end

return screen
