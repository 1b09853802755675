--- What people see of a run: a live block, or a line an event, or nothing; on stderr.
--
-- Knows nothing of engines or scripts: it is told events and counters and draws.
-- The clock, the stream and the width are given, so that tests need no terminal.
-- Text from models goes through display.clean before it reaches a terminal.

local display = {}

local FRAME_SECONDS = 0.1 -- of the live block
local COUNT_SECONDS = 5   -- between two plain lines about counters

--- Text without what a terminal would obey: control characters (C0 but newline and tab,
-- DEL, C1), bidirectional overrides and isolates, and bytes that are not UTF-8.
---@param text string
---@return string
function display.clean(text)
  if not text:find("[^\n\t\32-\126]") then return text end
  return require("lunagrad.core").clean(text)
end

--- The same, as one line.
function display.clean_line(text)
  return (display.clean(text):gsub("%s+", " "))
end

local function is_wide(code)
  return code >= 0x1100 and (code <= 0x115F or (code >= 0x2E80 and code <= 0xA4CF)
    or (code >= 0xAC00 and code <= 0xD7A3) or (code >= 0xF900 and code <= 0xFAFF)
    or (code >= 0xFE30 and code <= 0xFE6F) or (code >= 0xFF00 and code <= 0xFF60)
    or (code >= 0x1F300 and code <= 0x1FAFF) or (code >= 0x20000 and code <= 0x3FFFD))
end

-- What stands on the letter before it, and what only says how it looks.
local function is_mark(code)
  return code >= 0x300 and (code <= 0x36F or code == 0x200D or (code >= 0x1AB0 and code <= 0x1AFF)
    or (code >= 0x20D0 and code <= 0x20FF) or (code >= 0xFE00 and code <= 0xFE0F)
    or (code >= 0x1F3FB and code <= 0x1F3FF))
end

local function columns_of(code) return is_mark(code) and 0 or is_wide(code) and 2 or 1 end

--- How many columns a clean line takes on a terminal.
---@param text string
---@return integer
function display.columns(text)
  if not text:find "[\128-\255]" then return #text end
  local n = 0
  for _, code in utf8.codes(text) do n = n + columns_of(code) end
  return n
end

-- The first bytes of a word that fill so many columns, and the rest.
local function split_word(word, columns)
  local used = 0
  for at, code in utf8.codes(word) do
    used = used + columns_of(code)
    if used > columns and at > 1 then return word:sub(1, at - 1), word:sub(at) end
  end
  return word, ""
end

--- A clean text as lines of at most so many columns, broken between words; lines of its own stay, and
--- so do the blanks that each begins with.
---@param text string
---@param columns integer
---@param hang? integer blanks before what goes on in the next line, more than those of the first
---@return string[]
function display.wrap(text, columns, hang)
  local lines = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local lead, rest = line:match "^(%s*)(.-)%s*$"
    lead = display.columns(lead) < columns // 2 and lead or ""
    local begun, used, more = lead, display.columns(lead), lead .. (" "):rep(hang or 0)
    local empty = true
    for gap, word in rest:gmatch "(%s*)(%S+)" do
      if not empty and used + #gap + display.columns(word) > columns then
        lines[#lines + 1] = begun
        begun, used, empty = more, display.columns(more), true
      end
      if not empty then begun, used = begun .. gap, used + #gap end
      while used + display.columns(word) > columns do
        local head, tail = split_word(word, math.max(1, columns - used))
        if tail == "" then break end
        lines[#lines + 1] = begun .. head
        begun, used, word = more, display.columns(more), tail
      end
      begun, used, empty = begun .. word, used + display.columns(word), false
    end
    lines[#lines + 1] = begun
  end
  return lines
end

-- Where the words of a line begin: behind a label, or in the last column that leaves half the screen.
local function hang_of(line, columns)
  local hang = 2
  for at in line:gmatch "%S%s%s+()%S" do
    local column = display.columns(line:sub(1, at - 1))
    if column > columns // 2 then break end
    hang = column
  end
  return hang
end

--- A line for people as lines that fit: what goes on stands below its words, behind a label such as
--- "calls   " or in the column of a table. An excerpt of a source stays as it is.
---@param line string
---@param columns integer|nil nil: as it is
---@return string[]
function display.fold(line, columns)
  if not columns or #line <= columns or utf8.len(line) and display.columns(line) <= columns
    or line:find "^%s*%d* | " then
    return { line }
  end
  if not utf8.len(line) then line = display.clean(line) end
  local lead = #line:match "^%s*"
  return display.wrap(line, columns, math.max(0, hang_of(line, columns) - lead))
end

--- As much of a clean line as fits into so many columns.
---@param text string
---@param columns integer
---@return string
function display.fit(text, columns)
  local used, cut = 0, nil
  for at, code in utf8.codes(text) do
    used = used + columns_of(code)
    if used > columns - 1 and not cut then cut = at end
    if used > columns then return text:sub(1, cut - 1) .. (columns > 0 and "~" or "") end
  end
  return text
end

--- 950, 12.3k, 4.5M
function display.count(n)
  if n < 10000 then return ("%d"):format(n) end
  if n < 1000000 then return ("%.1fk"):format(n / 1000) end
  return ("%.1fM"):format(n / 1000000)
end

--- 0.4 s, 12 s, 3:05, 1:02:03
function display.duration(seconds)
  if seconds < 9.95 then return ("%.1f s"):format(seconds) end
  local s = math.floor(seconds + 0.5)
  if s < 60 then return ("%d s"):format(s) end
  if s < 3600 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
end

--- 0.61 (+0.23): the best score and what it is above the seed's.
function display.score(best, seed)
  local text = ("%.3f"):format(best)
  if seed then text = ("%s (%+.3f)"):format(text, best - seed) end
  return text
end

---@class lunagrad.display
local methods = {}
methods.__index = methods

--- Make a display.
-- options = { mode = "full"|"plain"|"none", stream =, clock = function() seconds end,
-- width = function() columns|nil end, colour = boolean, unicode = boolean }
---@param options table
---@return lunagrad.display
function display.new(options)
  local now = options.clock()
  return setmetatable({
    mode = options.mode, stream = options.stream, clock = options.clock,
    width = options.width, colour = options.colour, unicode = options.unicode,
    started = now, drawn_at = -math.huge, lines = 0,
    phase = nil, done = nil, total = nil, best = nil, seed = nil,
    told = {}, -- training → its best score so far
    count_line_at = now, shown_retries = 0,
    held_back = false, -- true while the script has printed half a line
  }, methods)
end

local function paint(self, code, text)
  return self.colour and ("\27[%sm%s\27[0m"):format(code, text) or text
end

--- Take the live block off the screen, so that something else can be printed.
function methods:clear()
  if self.lines == 0 then return end
  local up = self.lines > 1 and ("\27[%dA"):format(self.lines - 1) or ""
  self.stream:write("\r", up, "\27[J")
  self.stream:flush()
  self.lines = 0
end

-- The bar and the count behind it; nothing when the phase has no count.
local function bar(self, columns)
  if not self.total or self.total <= 0 then return "" end
  local share = math.min(1, self.done / self.total)
  local text = (" %d/%d"):format(self.done, self.total)
  local cells = math.min(30, columns - #text - 2)
  if cells < 5 then return text end
  local full = math.floor(share * cells + 1e-9)
  local on, off = "#", "-"
  if self.unicode then on, off = "█", "░" end
  return on:rep(full) .. off:rep(cells - full) .. text
end

local function is_held(stats) return (stats.held or 0) > 0 and stats.held_seconds >= 1 end

-- "12 done  4 in flight  30 queued  2 retries  waiting for rate limit 12 s"
local function call_words(stats)
  local words = { ("%d done"):format(stats.calls + stats.shared),
    ("%d in flight"):format(stats.in_flight + stats.host_running),
    ("%d queued"):format(stats.queued + stats.waiting) }
  if stats.retries > 0 then
    words[#words + 1] = stats.retries == 1 and "1 retry" or ("%d retries"):format(stats.retries)
  end
  if is_held(stats) then
    words[#words + 1] = ("waiting for %s %s"):format(
      stats.held_by == "down" and "the server" or "rate limit",
      display.duration(stats.held_seconds))
  end
  return words
end

local function token_words(stats)
  local input, output = 0, 0
  for _, usage in ipairs(stats.usage) do
    input, output = input + usage.input, output + usage.output
  end
  return ("%s tokens in, %s out"):format(display.count(input), display.count(output))
end

-- What was spent, where there is a price: "$0.0123", or "at least …".
local function money_of(stats)
  local micros, unpriced = stats.micros or 0, stats.unpriced or 0
  return require("lunagrad.book.ledger").money(micros, micros > 0, unpriced)
end

local SURE = 2 -- seconds of a phase before anything is said of its end

-- How long the phase goes on at the pace it had; nil as long as that is a guess.
local function time_left(self)
  if not (self.total and self.done and self.phase_at) or self.done == 0 then return nil end
  local took = self.clock() - self.phase_at
  if took < SURE or self.done >= self.total then return nil end
  return took * (self.total - self.done) / self.done
end

local function block_lines(self, stats)
  local columns = (self.width() or 80) - 1 -- the last column would wrap on some terminals
  local gap = "  "
  local phase = display.clean_line(self.phase or "running")
  local head = display.fit(phase, columns)
  local meter = bar(self, columns - utf8.len(head) - #gap)
  if meter ~= "" then head = display.fit(head .. gap .. meter, columns) end
  local calls = "calls: " .. table.concat(call_words(stats), gap)
  local tail = { token_words(stats), display.duration(self.clock() - self.started) }
  local left = time_left(self)
  if left then tail[2] = ("%s, some %s left"):format(tail[2], display.duration(left)) end
  tail[#tail + 1] = money_of(stats)
  if self.best then tail[#tail + 1] = "best " .. display.score(self.best, self.seed) end
  return { paint(self, "1", head), display.fit(calls, columns),
    display.fit(table.concat(tail, gap), columns) }
end

local function draw(self, stats)
  local lines = block_lines(self, stats)
  local out = {}
  if self.lines > 0 then
    out[1] = "\r" .. (self.lines > 1 and ("\27[%dA"):format(self.lines - 1) or "")
  end
  for i, line in ipairs(lines) do
    out[#out + 1] = (i > 1 and "\n" or "") .. line .. "\27[K"
  end
  out[#out + 1] = "\27[J"
  self.stream:write(table.concat(out))
  self.stream:flush()
  self.lines = #lines
end

local function plain_line(self, text)
  for _, line in ipairs(display.fold(display.clean_line(text), self.width())) do
    self.stream:write(line, "\n")
  end
  self.stream:flush()
end

local function step_text(event)
  local text = ("step %s: %s"):format(event.number or "?",
    event.accepted and "accepted" or "rejected")
  if event.reason then text = ("%s, %s"):format(text, event.reason) end
  if (event.redrawn or 0) == 0 then return text end
  return ("%s (before it %d solved batch%s drawn again)"):format(text, event.redrawn,
    event.redrawn == 1 and "" or "es")
end

local function proposal_text(event)
  return ("proposal %d, %s: %s"):format(event.number, event.operator, event.reason)
end

local say = {
  proposal = proposal_text,
  training = function(event)
    if event.number == 1 then return nil end
    return ("training %d: %s"):format(event.number, table.concat(event.params or {}, ", "))
  end,
  phase = function(event) return event.name end,
  step = step_text,
  score = function(event)
    if event.best then return "best score " .. display.score(event.best, event.seed) end
  end,
}

-- Of the second training on, whose they are: several may go on at the same time.
local function with_training(event, text)
  if event.kind == "training" or (event.training or 1) == 1 then return text end
  return ("training %d, %s"):format(event.training, text)
end

-- A phase that goes on, and a score that stands, were told before.
local function is_news(self, event)
  if event.kind == "phase" then return event.name ~= self.phase end
  local best = self.told[event.training or 1]
  return event.kind ~= "score" or event.best ~= best
end

--- Take an event of lunagrad.progress.
---@param event table
function methods:event(event)
  local news = is_news(self, event)
  if event.kind == "phase" then
    self.phase, self.done, self.total = event.name, nil, nil
    self.phase_at = self.clock()
  elseif event.kind == "progress" then
    if self.done and event.done < self.done then self.phase_at = self.clock() end
    self.done, self.total = event.done, event.total
  elseif event.kind == "score" then
    self.best, self.seed = event.best or self.best, event.seed or self.seed
    self.told[event.training or 1] = event.best
  elseif event.kind == "training" then
    self.best, self.seed, self.phase = nil, nil, nil
  end
  if event.kind == "note" then
    self:print(event.text)
  elseif event.kind == "proposal" and event.accepted and self.mode == "full" then
    self:print(proposal_text(event))
  elseif self.mode == "plain" and news and say[event.kind] then
    local text = say[event.kind](event)
    if text then plain_line(self, with_training(event, text)) end
  end
end

--- A line that was asked for by itself: in every mode.
---@param text string
function methods:log(text)
  self:clear()
  plain_line(self, text)
end

--- A line that stays, above the live block; not for mode "none".
---@param text string
function methods:print(text)
  if self.mode ~= "none" then self:log(text) end
end

local function plain_tick(self, stats)
  local now = self.clock()
  if (stats.retries > self.shown_retries or is_held(stats))
    and now - self.count_line_at >= COUNT_SECONDS then
    self.count_line_at, self.shown_retries = now, stats.retries
    plain_line(self, "calls: " .. table.concat(call_words(stats), ", "))
  end
end

--- Draw if it is time to. `stats` is a function: counters are read only when drawn.
---@param stats fun(): table|nil
function methods:tick(stats)
  local now = self.clock()
  if self.mode == "none" or now - self.drawn_at < FRAME_SECONDS then return end
  self.drawn_at = now
  local counters = stats()
  if not counters then return end
  if self.mode == "plain" then
    plain_tick(self, counters)
  elseif not self.held_back then
    draw(self, counters)
  end
end

--- The end: nothing of the live block stays.
function methods:finish() self:clear() end

--- Whether the locale says that what is written is read as UTF-8.
---@param getenv fun(name: string): string|nil
---@return boolean
function display.has_unicode(getenv)
  local function set(name)
    local value = getenv(name)
    return value ~= "" and value or nil
  end
  local locale = set("LC_ALL") or set("LC_CTYPE") or set("LANG") or ""
  return locale:lower():find("utf%-?8") ~= nil
end

--- Which display fits: what was asked for, and what the terminal and the environment allow.
---@param asked string|nil "full", "plain" or "none"
---@param tty boolean stderr is a terminal
---@param getenv fun(name: string): string|nil
---@return string mode, boolean colour, boolean unicode
function display.choose(asked, tty, getenv)
  local function set(name)
    local value = getenv(name)
    return value ~= "" and value or nil
  end
  local dumb = set("TERM") == "dumb" or set("CI") ~= nil
  local mode = asked or "full"
  if mode == "full" and (not tty or dumb) then mode = "plain" end
  return mode, tty and not dumb and set("NO_COLOR") == nil, display.has_unicode(getenv)
end

return display
