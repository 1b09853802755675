--- What a script reads of its arguments, by its text: known before it runs, so before anything is
--- bought.
--
-- A guess where a text can be read in two ways; then what is given counts as read. Words that the
-- command itself refuses are cli.run's.

local options = require "lunagrad.options"

local reads = {}

-- As a pattern that finds the name and nothing longer.
local function whole(name) return "%f[%w_]" .. name:gsub("%p", "%%%0") .. "%f[^%w_]" end

--- Whether a text reads a field of this name.
---@param text string
---@param name string
---@return boolean
function reads.is_read(text, name)
  local plain = name:gsub("%p", "%%%0")
  text = text:gsub("%f[%w_]lg%s*%.%s*" .. plain .. "%f[^%w_]", " ") -- lg.model is the library's
  return text:find("%.%s*" .. plain .. "%f[^%w_]") ~= nil
    or text:find("([\"'])" .. plain .. "%1") ~= nil
end

-- Only of a script, whose lines of comment may say what its arguments are.
local function without_comments(text)
  return (("\n" .. text):gsub("\n[ \t]*%-%-[^\n]*", "\n"))
end

-- Whether the chunk itself, and not a function in it, has "...": such a one does not compile
-- as the body of a function without.
local function takes_words(text)
  local body = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "", 1)
  return load("local function _()" .. body .. "\nend", "=", "t") == nil
end

-- `local args = lg.args` gives them another name; behind a name with a field they are read by name.
local function without_fields(text, name)
  return (text:gsub(whole(name) .. "%s*%.%s*[%a_]", " "):gsub(whole(name) .. "%s*%[%s*[\"']", " "))
end

-- Whether a text may read arguments without naming each: pairs(lg.args), lg.args[name], arg.
local function takes_all(text)
  text = without_comments(text)
  if text:find(whole "arg") then return true end
  local names = { "args" }
  text = text:gsub("local%s+([%a_][%w_]*)%s*=%s*[%a_][%w_]*%.args%s*%f[%w_;]", function(name)
    names[#names + 1] = name
    return " "
  end)
  for _, name in ipairs(names) do text = without_fields(text, name) end
  for _, name in ipairs(names) do
    if text:find(whole(name)) then return true end
  end
  return false
end

-- What a text calls arguments, or anything else: enough for a suggestion.
local function fields(text)
  local list = {}
  for name in without_comments(text):gmatch "args%s*%.%s*([%a_][%w_]*)" do
    list[#list + 1] = name
  end
  return list
end

--- The arguments that nothing reads.
---@param text string of the script
---@param words string[]
---@param modules string[] the texts of those that it has loaded
---@return {word: string, near: string|nil}[]
function reads.unread(text, words, modules)
  if #words == 0 or takes_words(text) then return {} end
  local list = {}
  text = text .. "\n" .. table.concat(modules, "\n")
  if takes_all(text) then return list end
  for _, word in ipairs(words) do
    local name = word:match "^([%a_][%w_%-]*)="
    if not (name and reads.is_read(text, name)) then
      list[#list + 1] = { word = word, near = name and options.nearest(name, fields(text)) }
    end
  end
  return list
end

return reads
