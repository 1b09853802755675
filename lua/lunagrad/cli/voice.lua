--- An answer that is heard while it comes: its pieces, and how they reach the terminal.
--
-- A voice hears from the beginning and is silent until it is told to speak. An attempt that broke
-- off after something was shown is told in a line of its own, and the answer begins anew below it.

local loop = require "lunagrad.loop"

local voice = {}

---@class lunagrad.voice
local methods = {}
methods.__index = methods

--- A voice that speaks through write, and tells of broken attempts through tell.
---@param write fun(text: string)
---@param tell fun(text: string)
---@return lunagrad.voice
function voice.new(write, tell)
  return setmetatable({ write = write, tell = tell, pieces = {}, speaking = false }, methods)
end

local function say(self, text)
  if text == "" then return end
  self.write(text)
  self.half_line = text:sub(-1) ~= "\n"
  self.shown = true
end

--- A piece of the answer; with restart the first of another attempt.
---@param piece string
---@param restart boolean
function methods:hear(piece, restart)
  if restart then
    self.pieces = {}
    if self.shown then
      self:end_line()
      self.tell "the answer broke off; it begins anew:"
      self.shown = false
    end
  end
  self.pieces[#self.pieces + 1] = piece
  if self.speaking then say(self, piece) end
end

--- What is shown ends its line.
function methods:end_line()
  if self.half_line then self.write "\n" end
  self.half_line = false
end

-- Pieces come by tasks of their own: the last ones may wait until those have run.
local function hear_the_rest()
  loop.spawn(function() end):await()
end

--- Show the answer while it comes, then wait for it; raises when it failed.
---@param answer lunagrad.var
---@return string text what it is as a whole
function methods:tell_all(answer)
  if not self.speaking then
    self.speaking = true
    say(self, table.concat(self.pieces))
  end
  local ok, problem = pcall(loop.await, answer)
  if ok then hear_the_rest() end
  self.speaking = false
  if not ok then
    self:end_line()
    error(problem, 0)
  end
  local text = answer:shown()
  if not self.shown or table.concat(self.pieces) ~= text then -- it was never streamed, or no text
    self:end_line()
    say(self, text)
  end
  self:end_line()
  return text
end

return voice
