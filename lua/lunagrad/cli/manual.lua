--- The manual page lunagrad(1), made of what `lunagrad help` says of each command.
--
-- A help is: usage lines, paragraphs, options (cli.verbs reads them), tables and examples. Pure but
-- for SOURCE_DATE_EPOCH, which dates the page; without it the page has no date, and the same bytes.

local core = require "lunagrad.core"
local verbs = require "lunagrad.cli.verbs"

local manual = {}

-- As roff reads it: nothing of the text is a request or an escape.
local function text_of(line)
  line = line:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("'", "\\(aq"):gsub("`", "\\(ga")
    :gsub("%^", "\\(ha"):gsub("~", "\\(ti"):gsub('"', "\\(dq")
  line = line:gsub("[\xC2-\xF4][\x80-\xBF]+", function(c)
    return ("\\[u%04X]"):format(utf8.codepoint(c))
  end)
  return line:find "^[.']" and "\\&" .. line or line
end

local function quoted(text) return '"' .. text_of(text) .. '"' end

-- "usage: a" and what stands below it.
local function usage(out, lines, at)
  out[#out + 1] = ".nf"
  while lines[at] and lines[at] ~= "" do
    local words = lines[at]:gsub("^usage:%s*", ""):gsub("^%s+", "")
    out[#out + 1] = "\\fB" .. text_of(words) .. "\\fR"
    at = at + 1
  end
  out[#out + 1] = ".fi"
  return at
end

-- Lines as they stand, up to an empty one.
local function as_it_is(out, lines, at)
  out[#out + 1] = ".PP\n.nf\n.RS"
  while lines[at] and lines[at] ~= "" do
    out[#out + 1] = text_of(lines[at])
    at = at + 1
  end
  out[#out + 1] = ".RE\n.fi"
  return at
end

-- An option with its words: names to the left, what goes on further in belongs to it.
local function option(out, lines, at)
  local head, words = lines[at]:match "^  (%-%S.-)%s%s+(%S.*)$"
  head = head or lines[at]:match "^  (.*)$"
  out[#out + 1] = ".TP\n\\fB" .. text_of(head) .. "\\fR"
  if words then out[#out + 1] = text_of(words) end
  at = at + 1
  while lines[at] and lines[at]:find "^      +%S" do
    out[#out + 1] = text_of((lines[at]:gsub("^%s+", "")))
    at = at + 1
  end
  return at
end

local function paragraph(out, lines, at)
  out[#out + 1] = ".PP"
  while lines[at] and lines[at] ~= "" and not lines[at]:find "^  " do
    out[#out + 1] = text_of(lines[at])
    at = at + 1
  end
  return at
end

-- One help, block by block.
local function body(out, help)
  local lines = {}
  for line in help:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  local at = 1
  while at <= #lines do
    local line = lines[at]
    if line == "" then
      at = at + 1
    elseif line:find "^usage:" then
      at = usage(out, lines, at)
    elseif line:find "^  %-" then
      at = option(out, lines, at)
    elseif line:find "^  " then
      at = as_it_is(out, lines, at)
    else
      at = paragraph(out, lines, at)
    end
  end
end

local function date()
  local epoch = math.tointeger(tonumber(os.getenv "SOURCE_DATE_EPOCH" or ""))
  return epoch and epoch > 0 and os.date("!%Y-%m-%d", epoch) or '""'
end

local TAIL = [[
.SH FILES
.TP
\fB.lunagrad/store.db\fR
replies and runs of the scripts that were started in this directory; LUNAGRAD_HOME names another
.TP
\fB.lunagrad/runs/NAME/best.json\fR
the best texts of a run, for programs that use them
.TP
\fB.env\fR, \fBlunagrad.lua\fR
keys and settings of a project
.SH SEE ALSO
The pages in docs/ of the source, above all docs/reference/;
\fBlunagrad help lg.NAME\fR shows a function of the Lua module.
]]

--- The whole page.
---@param general string the text of `lunagrad help`
---@return string
function manual.page(general)
  local out = { (".TH LUNAGRAD 1 %s %s"):format(date(), quoted("lunagrad " .. core.VERSION)),
    ".SH NAME\nlunagrad \\- optimizes texts by feedback that is propagated through a graph of "
      .. "model calls",
    ".SH SYNOPSIS" }
  local first, rest = general:match "^(.-\n\n)(usage:.*)$"
  local synopsis, examples = rest:match "^(.-\n)\n(.*)$"
  usage(out, (function()
    local lines = {}
    for line in synopsis:gmatch "([^\n]*)\n" do
      lines[#lines + 1] = line:gsub("(%S)%s%s+.*$", "%1")
    end
    return lines
  end)(), 1)
  out[#out + 1] = ".SH DESCRIPTION"
  body(out, first .. examples)
  out[#out + 1] = ".SH COMMANDS"
  for _, verb in ipairs(verbs.list) do
    local module = verbs.module(verb.name)
    if module then
      out[#out + 1] = (".SS lunagrad %s"):format(verb.name)
      body(out, module.help())
    end
  end
  out[#out + 1] = TAIL
  return (table.concat(out, "\n"):gsub("\n%.PP\n(%.S[HS])", "\n%1")
    :gsub("(\n%.S[HS] [^\n]*)\n%.PP", "%1"))
end

return manual
