--- What a request to rewrite texts shows, and the new texts in the form that was asked for.
--
-- For worlds of one field, whose own writers know how to better a text along what was said of it:
-- this finds the texts with their roles, the feedback, constraints, what was refused before, other
-- versions and the wish for fewer words; and puts what the writer gives between the tags, letter by
-- letter, as edits or as JSON. Nothing here knows what any text is about.

local core = require "lunagrad.core"
local editor = require "lunagrad.world.editor"
local hash = require "lunagrad.world.hash"
local tags = require "lunagrad.world.tags"

local rewriting = {}

-- ---- what is shown ---------------------------------------------------------------

---@class sim.material
---@field text string what there is, or the best version of it; "" where there is nothing
---@field role string
---@field feedback string[] piece by piece
---@field rules string constraints, as they are written
---@field said string the whole message
---@field refused table<string, boolean>
---@field other string? a second text of the same purpose
---@field shorter boolean the same in fewer words is wanted
---@field noise number
---@field seed integer

local function letter_of(block) return block.name:match "_(%u)_?%d*$" end

local function is_of(block, letter)
  local own = letter_of(block)
  return not letter or not own or own == letter
end

local function trimmed(text) return text:match "^%s*(.-)%s*$" end

-- "A: …\nB: …" → the part of one letter.
local function part_of(version, letter)
  if not letter then return version end
  local from = ("\n" .. version):match("\n" .. letter .. ": ()")
  if not from then return version end
  local rest = version:sub(from - 1)
  local to = rest:match "()\n%u: "
  return trimmed(to and rest:sub(1, to - 1) or rest)
end

local function role_of(view, letter)
  local frame = view.user
  if letter then frame = frame:match("[Vv]ariable " .. letter .. "[^\n]-(role.*)") or frame end
  return frame:match 'role is "(.-)"' or frame:match 'role "(.-)"'
    or frame:match "the (.-) as it is" or ""
end

local SHORTER = { "fewer words", "shorter", "more briefly", "less words" }

local function wants_shorter(view)
  for _, words in ipairs(SHORTER) do
    if view.outside:lower():find(words, 1, true) then return true end
  end
  return false
end

-- All that is shown for one of the texts, or for the only one.
local function material(view, letter)
  local found = { feedback = {}, refused = {}, rules = "", role = role_of(view, letter),
    shorter = wants_shorter(view), said = view.user }
  local best
  for _, block in ipairs(view.blocks) do
    local name, kind = block.name:upper(), block.meaning
    if kind == "feedback" and not block.past then
      found.feedback[#found.feedback + 1] = block.text
    elseif kind == "frame" then
      found.rules = block.text
    elseif kind == "past" and name:find "^VERSION" then
      if block.past then found.refused[block.text] = true else best = block.text end
    elseif kind == "variable" and is_of(block, letter) and not (block.past or tags.is_new(name))
    then
      if name:find "OTHER" then found.other = block.text else found.text = block.text end
    end
  end
  local name = "<VARIABLE" .. (letter and "_" .. letter or "") .. "[_%d]*>"
  found.text = found.text or view.user:match(name .. "%s*({.-})%s*</VARIABLE") -- JSON on one line
  local asked_plainly = not found.text and view.user:find("\nFeedback: ", 1, true)
  local plain = asked_plainly and { view.user:match "Role: (.-)\nText: (.-)\nFeedback: (.*)" }
  if plain and plain[3] then found.role, found.text, found.feedback[1] = table.unpack(plain) end
  found.is_new = found.text == nil
  found.text = found.text or best and part_of(best, letter) or ""
  return found
end

-- ---- the reply -------------------------------------------------------------------

-- What was refused before is not proposed again, if that can be helped.
local function anew(found, seed, noise, write)
  found.noise = noise
  local new
  for try = 1, 5 do
    found.seed = try == 1 and seed or hash.text("try " .. try, seed)
    new = write(found)
    if not found.refused[new] and new ~= found.text then break end
  end
  return new
end

-- Is it a text that is wanted, in one of the forms?
local function is_wanted(view)
  return view.asked and tags.is_new(view.asked) or editor.edit_tags(view) ~= nil
    or view.all:find("\"new_text\"", 1, true) ~= nil
end

--- Answer a request to rewrite; nil when it is none.
---@param view sim.view
---@param options { seed: integer }
---@param noise number
---@param write fun(found: sim.material): string
---@return string?
---@return "stop"|"length"?
function rewriting.reply(view, options, noise, write)
  local letters, tag, number = editor.letters(view)
  if #letters < 2 and not is_wanted(view) then return nil end
  local seed = hash.text(view.all, options.seed)
  for _, message in ipairs(view.messages or {}) do
    if message.role == "assistant" then noise = 0 end -- asked again, one takes care
  end
  if #letters > 1 then
    local parts = {}
    for i, letter in ipairs(letters) do
      local name = ("%s_%s%s"):format(tag, letter, number)
      parts[i] = ("<%s>\n%s\n</%s>"):format(name,
        anew(material(view, letter), hash.text(letter, seed), noise, write), name)
    end
    return table.concat(parts, "\n"), "stop"
  end
  local found = material(view)
  local new = anew(found, seed, noise, write)
  local find, replace = editor.edit_tags(view)
  if find then return editor.as_edit(found.text, new, find, replace), "stop" end
  if view.untagged or not view.asked then return core.json_encode { new_text = new }, "stop" end
  return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">",
    { noise = noise, seed = seed })
end

return rewriting
