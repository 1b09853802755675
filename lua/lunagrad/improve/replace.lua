--- Edits of a long text: "find this, put that there", read from a reply and applied.
--
-- All places are looked for in the text as it is, so one edit never lands in what another wrote.
-- An edit whose anchor is missing, stands there twice or lies in another edit is refused with a
-- reason, and the others still count. Texts in, texts out; nobody is asked. Used by
-- lunagrad.improve.proposal.

local errors = require "lunagrad.errors"
local extract = require "lunagrad.extract"
local layer = require "lunagrad.text"

local replace = {}

-- ---- reading ---------------------------------------------------------------

-- What stands between two tags; the line break behind the first and before the last is the form's.
local function content(text)
  return (text:gsub("^[ \t]*\r?\n", "", 1):gsub("\r?\n[ \t]*$", "", 1))
end

-- Takes the tags of a reply one by one.
local Reader = {}
Reader.__index = Reader

function Reader:close()
  if self.find then
    self.list[#self.list + 1] = { find = self.find, replace = self.replace or "",
      problem = not self.replace and "it has no REPLACE (an empty one deletes)" or nil }
  elseif self.replace then
    self.list[#self.list + 1] = { find = "", replace = self.replace,
      problem = "it has no FIND (an empty one adds at the end)" }
  end
  self.find, self.replace, self.open = nil, nil, nil
end

function Reader:put(name, text)
  if name == "FIND" then
    if self.find then self:close() end
    self.find = text
  else
    self.replace = text
    if self.find then self:close() end
  end
  self.open = nil
end

function Reader:tag(text, from, ends, name, empty, to)
  if name == "EDIT" then
    self:close()
  elseif empty ~= "" then
    self:put(name, "")
  elseif ends == "" then
    self.open = { name = name, at = to }
  elseif self.open and self.open.name == name then
    self:put(name, content(text:sub(self.open.at, from - 1)))
  end
end

local NAMES = { EDIT = true, FIND = true, REPLACE = true }

local function from_tags(text, number)
  local reader = setmetatable({ list = {} }, Reader)
  local suffix = number > 0 and "_" .. number or ""
  for from, ends, name, empty, to in
    text:gmatch("()<%s*(/?)%s*(%a+)" .. suffix .. "%s*(/?)%s*>()") do
    name = name:upper()
    if NAMES[name] then reader:tag(text, from, ends, name, empty, to) end
  end
  local cut = reader.open ~= nil
  reader:close()
  return reader.list, cut
end

local function from_json(text)
  local value, list = extract.object(text), {}
  if type(value) ~= "table" then return list end
  local edits = type(value.edits) == "table" and value.edits or value[1] and value or { value }
  for _, one in ipairs(edits) do
    if type(one) == "table" and type(one.find) == "string" and type(one.replace) == "string" then
      list[#list + 1] = { find = one.find, replace = one.replace }
    end
  end
  return list
end

--- The edits in a reply, and whether it breaks off inside one. Tags may be of any case, and
--- <EDIT> may be missing around them; where there are none, JSON is read.
---@param text string
---@param number integer|nil what the tags are numbered with, 0: not; nil: the reply is JSON
---@return {find: string, replace: string, problem: string|nil}[] list
---@return boolean cut
function replace.read(text, number)
  local list, cut = {}, false
  if number then list, cut = from_tags(text, number) end
  if #list == 0 and not cut then list = from_json(text) end
  return list, cut
end

-- ---- finding the place -----------------------------------------------------

local function once(text, part)
  local from, to = text:find(part, 1, true)
  if not from then return nil, nil, 0 end
  if text:find(part, from + 1, true) then return nil, nil, 2 end
  return from, to, 1
end

-- Words between single blanks, and where each stands in both texts.
local function flat(text)
  local words, places, length = {}, {}, 0
  for from, word in text:gsub("\u{a0}", "  "):gmatch "()(%S+)" do
    words[#words + 1] = word
    places[#places + 1] = { flat = length + 1, from = from }
    length = length + #word + 1
  end
  return table.concat(words, " "), places
end

local function place_in(places, at)
  for i = #places, 1, -1 do
    local one = places[i]
    if one.flat <= at then return one.from + at - one.flat end
  end
end

-- As once, whatever the white space between the words.
local function once_by_words(text, part)
  local plain, places = flat(text)
  local from, to, n = once(plain, (flat(part)))
  if not from then return nil, nil, n end
  return place_in(places, from), place_in(places, to), 1
end

-- The range that an edit is about, or nil and why there is none.
local function locate(text, edit)
  local from, to, n = once(text, edit.find)
  local put = edit.replace
  if n == 0 then
    from, to, n = once_by_words(text, edit.find)
    if edit.find:find "^%s" then put = put:gsub("^%s+", "") end
    if edit.find:find "%s$" then put = put:gsub("%s+$", "") end
  end
  if n == 0 then return nil, "what it looks for does not stand in the text" end
  if n > 1 then return nil, "what it looks for stands in the text more than once" end
  return { from = from, to = to, put = put }
end

local function overlap(ranges, one)
  for _, other in ipairs(ranges) do
    if one.from <= other.to and other.from <= one.to then return other end
  end
  return nil
end

-- ---- applying --------------------------------------------------------------

-- What a deleted piece leaves behind: no two blanks in a row, and no empty line for a whole one.
-- `last` is the character before it, "" at the beginning; gap is the text between it and the edit
-- before, and limit where the next one begins.
local function close_gap(text, range, gap, last, limit)
  local behind = range.to < limit - 1 and text:sub(range.to + 1, range.to + 1) or nil
  local starts = last == "" or last == "\n"
  if starts and behind == "\n" then return gap, range.to + 2 end
  if starts and behind and behind:find "[ \t]" then
    local next_word = text:find("[^ \t]", range.to + 1) or #text + 1
    return gap, math.min(next_word, limit)
  end
  if not starts and (range.to == #text or behind and behind:find "%s") then
    gap = gap:gsub("[ \t]+$", "")
  end
  return gap, range.to + 1
end

local function assemble(text, ranges)
  table.sort(ranges, function(a, b) return a.from < b.from end)
  local out, at, last = {}, 1, ""
  local function write(piece)
    if piece ~= "" then out[#out + 1], last = piece, piece:sub(-1) end
  end
  for i, range in ipairs(ranges) do
    local gap, after = text:sub(at, range.from - 1), range.to + 1
    if range.put == "" then
      local limit = ranges[i + 1] and ranges[i + 1].from or #text + 1
      local before = gap ~= "" and gap:sub(-1) or last
      gap, after = close_gap(text, range, gap, before, limit)
    end
    write(gap)
    write(range.put)
    at = after
  end
  return table.concat(out) .. text:sub(at)
end

local function append(text, pieces)
  for _, piece in ipairs(pieces) do
    if not text:find "%S" then
      text = piece
    else
      text = text:gsub("%s+$", "") .. (piece:find "^%s*\n" and "" or "\n") .. piece
    end
  end
  return text
end

-- Why an edit is not to be looked for at all, or nil.
local function refused_at_once(edit, i, most)
  if edit.problem then return edit.problem end
  if i > most then return ("only %d edits are taken"):format(most) end
  local nothing = not edit.find:find "%S" and not edit.replace:find "%S"
  if nothing or edit.find == edit.replace then return "it changes nothing" end
  return nil
end

--- The text with the edits in it. An empty find adds at the end, an empty replace deletes.
---@param text string
---@param edits table[] {find, replace, problem}
---@param most integer so many are taken
---@return string new
---@return table[] results {find, replace, applied, problem}, in the same order
---@return integer applied how many
function replace.apply(text, edits, most)
  local results, ranges, pieces = {}, {}, {}
  for i, edit in ipairs(edits) do
    local problem = refused_at_once(edit, i, most)
    if problem == nil and not edit.find:find "%S" then
      pieces[#pieces + 1] = edit.replace
    elseif problem == nil then
      local range
      range, problem = locate(text, edit)
      local other = range and overlap(ranges, range)
      if other then
        problem = ("it is about a part of the text that edit %d changes"):format(other.number)
      elseif range then
        range.number, ranges[#ranges + 1] = i, range
      end
    end
    results[i] = { find = edit.find, replace = edit.replace, applied = problem == nil,
                   problem = problem }
  end
  return append(assemble(text, ranges), pieces), results, #ranges + #pieces
end

-- ---- telling --------------------------------------------------------------

local SHOWN = 40 -- characters of a text in a line

local function short(text)
  text = layer.trim(text):gsub("%s+", " ")
  local length = utf8.len(text)
  if length and length > SHOWN then text = text:sub(1, utf8.offset(text, SHOWN) - 1) .. "…" end
  return errors.quoted(text)
end

--- What was wrong with the edits that were not applied, in one line for who wrote them.
---@param results table[]
---@return string
function replace.problems(results)
  local said = {}
  for i, one in ipairs(results) do
    if not one.applied then
      said[#said + 1] = ("edit %d (%s): %s"):format(i, short(one.find), one.problem)
    end
  end
  return table.concat(said, "; ")
end

--- How many were applied, in words: "2 of 3 edits applied".
---@param results table[]
---@return string
function replace.summary(results)
  local n = 0
  for _, one in ipairs(results) do n = n + (one.applied and 1 or 0) end
  return ("%d of %d edit%s applied"):format(n, #results, #results == 1 and "" or "s")
end

--- The text that they made was not taken: none of them is applied.
---@param results table[]
---@param why string
function replace.refuse(results, why)
  for _, one in ipairs(results) do
    if one.applied then one.applied, one.problem = false, why end
  end
end

--- One edit in one line: what it put where, or why it did not.
---@param one table of the results
---@return string
function replace.line(one)
  local what
  if not one.find:find "%S" then
    what = "add " .. short(one.replace)
  elseif not one.replace:find "%S" then
    what = "delete " .. short(one.find)
  else
    what = ("%s -> %s"):format(short(one.find), short(one.replace))
  end
  return one.applied and what or ("refused: %s: %s"):format(what, one.problem)
end

return replace
