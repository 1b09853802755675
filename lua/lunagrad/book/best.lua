--- The best texts of a search as files of the run's directory: best.txt, best.json, best.png.
--
-- They are replaced as a whole. A start that goes on begins with old texts: what an earlier one
-- reached stays in the file until this one is as far, or has come to its end. Used by tape.lua.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local file = require "lunagrad.file"
local media = require "lunagrad.media"

local best = {}

---@class lunagrad.book.best
local Best = {}
Best.__index = Best

--- The files of one search.
---@param directory string of the run
---@param number integer of the search: from the second on it is a part of the files' names
---@param names string[] of the parameters
---@return lunagrad.book.best
function best.new(directory, number, names)
  local suffix = number == 1 and "" or ("-%d"):format(number)
  return setmetatable({ base = ("%s/best%s"):format(directory, suffix), names = names, files = {} },
    Best)
end

local function joined(names, texts)
  if #texts == 1 then return texts[1] end
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = ("## %s\n\n%s\n"):format(name, media.words(texts[i]))
  end
  return table.concat(parts, "\n")
end

local function write(path, text)
  local ok, message = file.write(path, text, true) -- prompts and replies
  if not ok then
    errors.raise("io", ("%s: %s"):format(path, message), "the store's directory must be writable",
      0)
  end
end

-- The score in a file that an earlier start of this run left; nil when there is none.
local function standing_score(self)
  local handle = file.open(self.base .. ".json")
  local text = handle and handle:read "a"
  if handle then handle:close() end
  local found = text and core.json_decode(text)
  return type(found) == "table" and tonumber(found.score) or nil
end

--- Whether what was reached should take the place of what the file holds.
---@param score number|nil
---@param complete boolean|nil the search has come to its end
---@return boolean
function Best:is_due(score, complete)
  if self.standing == nil then self.standing = standing_score(self) or false end
  return complete or not self.standing or not score or score >= self.standing
end

-- A picture or sound has a file of its own: best.png; of several parameters best.the-logo.png.
local function media_file(self, i, value)
  local base = self.base
  if #self.names > 1 then
    base = ("%s.%s"):format(base, (self.names[i]:lower():gsub("[^%w]+", "-"):sub(1, 60)))
  end
  return ("%s.%s"):format(base, media.ending(value))
end

-- What an earlier best had in another format would be a stale file beside it.
local function write_media(self, i, value)
  local path, before = media_file(self, i, value), self.files[i]
  write(path, value:text())
  if before and before ~= path then os.remove(before) end
  self.files[i] = path
  return path
end

--- Writes them.
---@param texts table by parameter
---@param about table what best.json says beside the texts
---@return string path of the file that people look into
function Best:write(texts, about)
  local by_name, files, path = {}, {}, nil
  for i, name in ipairs(self.names) do
    by_name[name] = media.words(texts[i])
    if media.is(texts[i]) then
      path = write_media(self, i, texts[i])
      files[name] = path:match "[^/]*$"
    end
  end
  if not (path and #texts == 1) then
    path = self.base .. ".txt"
    write(path, joined(self.names, texts))
  end
  about.texts, about.files = by_name, next(files) and files or nil
  write(self.base .. ".json", core.json_encode(about) .. "\n")
  return path
end

--- The file that an earlier start left, and that is still the best.
---@param texts table the best of this start, for the format
---@return string
function Best:standing_file(texts)
  if #texts == 1 and media.is(texts[1]) then return media_file(self, 1, texts[1]) end
  return self.base .. ".txt"
end

return best
