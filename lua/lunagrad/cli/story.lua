--- What `lunagrad show` draws and tells apart: the best score over what was spent, and what became of
--- the texts, word by word. Lines for a screen.

local chart = require "lunagrad.cli.chart"
local diff = require "lunagrad.report.diff"
local display = require "lunagrad.cli.display"

local story = {}

local ROWS = 11        -- of the plot
local MOST_COLUMNS = 90
local AROUND = 12      -- words that are shown beside a change
local KINDS = { stairs = "accent", kept = "add", left = "dim" }

-- What it got, or what it was about to get when it was dropped.
local function height_of(proposal, candidate)
  if candidate and candidate.score then return candidate.score end
  if proposal.after then return proposal.after end
  if proposal.before and proposal.gain then return proposal.before + proposal.gain end
  return nil
end

local PAGE = 2000

-- All calls of some starts that had a price.
local function each_priced(handle, where, fn)
  local reading, after = require "lunagrad.report.reading", 0
  while true do
    local rows = reading.calls(handle, where, after, PAGE)
    for _, call in ipairs(rows) do
      if call.unpriced ~= 1 and (call.micros or 0) > 0 then fn(call) end
    end
    if #rows < PAGE then return end
    after = rows[#rows].id
  end
end

-- What each proposal had cost when it was decided, in millionths of a dollar; nil where nothing has a
-- price.
local function money_of(handle, run, search)
  local by_proposal, start, any = {}, 0, false
  local function add(call, number)
    any = true
    if number then
      by_proposal[number] = (by_proposal[number] or 0) + call.micros
    else
      start = start + call.micros
    end
  end
  each_priced(handle, run.where, function(call)
    for _, purpose in ipairs(call.purposes or {}) do
      if purpose.search_id == search.id then
        return add(call, purpose.proposal) -- a reply that served several was bought once
      end
    end
  end)
  return any and by_proposal or nil, start
end

-- The start and all proposals with a score, from left to right; and where the axis ends.
local function points_of(search, money, start)
  local seed = search.by_idx[0]
  if not (seed and seed.score) then return nil end
  local spent = money and start / 1e6 or search.start
  local points = { { x = spent, y = seed.score, kept = true } }
  for _, one in ipairs(search.proposals) do
    spent = money and spent + (money[one.number] or 0) / 1e6 or one.spent
    local y = height_of(one, search.by_idx[one.idx or -1])
    if y and not one.aside then
      points[#points + 1] = { x = spent, y = y, kept = one.accepted and one.idx ~= nil }
    end
  end
  return points, spent
end

--- The best score so far after each step, as a line of blocks.
---@param search lunagrad.reading.search
---@param screen lunagrad.screen
---@return string|nil
function story.sparkline(search, screen)
  local points = points_of(search)
  if not points or #points < 2 then return nil end
  local values, best = {}, nil
  for i, one in ipairs(points) do
    if best == nil or one.kept and one.y > best then best = one.y end
    values[i] = best
  end
  local most, shown = screen.words // 2, values
  if #values > most then -- the last of each piece, so that the end is the end
    shown = {}
    for i = 1, most do shown[i] = values[math.ceil(i * #values / most)] end
  end
  return chart.sparkline(shown, #shown, screen.unicode)
end

--- Stairs of the best score over calls or money.
---@param search lunagrad.reading.search
---@param screen lunagrad.screen
---@param over "calls"|"money"
---@param handle table
---@param run lunagrad.reading
---@return string[]|nil lines
function story.plot(search, screen, over, handle, run)
  local money, start
  if over == "money" then
    money, start = money_of(handle, run, search)
    if not money then return nil end
  end
  local points, most = points_of(search, money, start)
  if not points or #points < 2 then return nil end
  return chart.stairs(points, { columns = math.min(MOST_COLUMNS, screen.words) - 4, rows = ROWS,
    unit = money and "dollars spent" or search.unit .. " spent", most = most, whole = not money,
    unicode = screen.unicode, braille = screen.braille,
    paint = function(kind, text) return screen:paint(KINDS[kind], text) end })
end

--- What the letters of the plot mean.
---@param screen lunagrad.screen
---@return string
function story.legend(screen)
  return screen.unicode and "● kept   ○ not kept" or "* kept   o not kept"
end

-- ---- texts ---------------------------------------------------------------------------------------

-- The first or last words of a text that did not change.
local function cut(text, is_first, is_last)
  local words = {}
  for word in text:gmatch "%S+%s*" do words[#words + 1] = word end
  local lead = text:match "^%s*"
  local most = (is_first or is_last) and AROUND or 2 * AROUND
  if #words <= most + 4 then return text end
  local head = is_first and "" or lead .. table.concat(words, "", 1, AROUND)
  local tail = is_last and "" or table.concat(words, "", #words - AROUND + 1)
  local left_out = #words - (is_first and 0 or AROUND) - (is_last and 0 or AROUND)
  return ("%s[… %d words …]%s%s"):format(head, left_out, is_last and "" or " ", tail)
end

local MARKS = { del = { "[-", "-]" }, add = { "{+", "+}" } }

-- A piece with its colours, or with marks; each line by itself, so that no colour crosses an end.
local function painted(piece, screen)
  local text = display.clean(piece.text)
  if piece.kind == "same" then return text end
  local body, tail = text:match "^(.-)(%s*)$"
  local marks = MARKS[piece.kind]
  return (body:gsub("[^\n]+", function(line)
    if screen.colour then return screen:paint(piece.kind, line) end
    return marks[1] .. line .. marks[2]
  end)) .. tail
end

-- Columns without what only colours.
local function plain(text) return (text:gsub("\27%[[%d;]*m", "")) end

-- Broken between words; a colour that goes on in the next line is ended and begun again.
local function wrapped(text, screen, indent)
  local out = {}
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local begun, used, colour = "", 0, nil
    for gap, word in line:gmatch "(%s*)(%S+)" do
      local columns = display.columns(plain(word))
      if used > 0 and used + #gap + columns > screen.words - indent then
        out[#out + 1] = (" "):rep(indent) .. begun .. (colour and "\27[0m" or "")
        begun, used = (colour or "") .. word, columns
      else
        begun, used = begun .. gap .. word, used + #gap + columns
      end
      for code in word:gmatch "\27%[[%d;]*m" do colour = code ~= "\27[0m" and code or nil end
    end
    out[#out + 1] = begun == "" and "" or (" "):rep(indent) .. begun
  end
  return out
end

--- What changed between two texts, as lines: green and red, or {+ +} and [- -].
---@param before string
---@param after string
---@param screen lunagrad.screen
---@param indent integer
---@param whole? boolean what did not change is not cut
---@return string[]
function story.diff(before, after, screen, indent, whole)
  local pieces, parts = diff.words(before, after), {}
  for i, piece in ipairs(pieces) do
    if piece.kind == "same" and not whole then
      piece = { kind = "same", text = cut(piece.text, i == 1, i == #pieces) }
    end
    parts[i] = painted(piece, screen)
  end
  return wrapped((table.concat(parts):gsub("%s+$", "")), screen, indent)
end

return story
