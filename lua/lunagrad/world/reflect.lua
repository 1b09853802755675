--- Reflection in one go: instructions and a list of examples with feedback are shown under
-- headings, and new instructions are asked for, in a block of backquotes.
--
-- Each example is read as the critic reads one (its noise applies to each), what the feedback says
-- in words is taken with it, and the editor works all of it into the text (with the editor's
-- noise). Headings are read by the meaning of their words; no program's template is known here.

local core = require "lunagrad.core"
local critic = require "lunagrad.world.critic"
local editor = require "lunagrad.world.editor"
local hash = require "lunagrad.world.hash"
local question = require "lunagrad.world.question"
local tags = require "lunagrad.world.tags"

local reflect = {}

local FENCE = "^%s*```%w*%s*$"

local HEADINGS = { input = true, output = true, feedback = true }

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

-- A heading's level and what it speaks of, if it is of an example's parts.
local function heading(line)
  local marks, title = line:match "^(#+)%s+(.-)%s*$"
  if not marks then return nil end
  local kind = #title < 60 and tags.meaning(title) or nil
  return #marks, HEADINGS[kind or ""] and kind or nil
end

-- The first line of the list of examples, with the headings above it, and the level of the
-- headings of their parts.
local function first_example(lines)
  for i, line in ipairs(lines) do
    local level, kind = heading(line)
    if kind then
      local from = i
      while from > 1 and (heading(lines[from - 1]) or not lines[from - 1]:find "%S") do
        from = from - 1
      end
      return from, level
    end
  end
  return nil
end

-- The lines between the first fence and the last one within a range.
local function fenced(lines, from, to)
  local first, last
  for i = from, to do
    if lines[i]:find(FENCE) then first, last = first or i, i end
  end
  if not first or last == first then return nil end
  return table.concat(lines, "\n", first + 1, last - 1):match "^%s*(.-)%s*$"
end

-- The examples from a line on: their parts by meaning.
local function examples_in(lines, from, to, parts_level)
  local list, current, kind = {}, {}, nil
  local function finish()
    if next(current) then list[#list + 1] = current end
    current, kind = {}, nil
  end
  for i = from, to do
    local level, means = heading(lines[i])
    if level and level < parts_level then
      finish()
    elseif level == parts_level then
      if means and current[means] then finish() end
      kind = means
      if means then current[means] = "" end
    elseif kind and not level then
      current[kind] = current[kind] .. lines[i] .. "\n"
    end
  end
  finish()
  return list
end

local function last_fence(lines, from)
  for i = #lines, from, -1 do
    if lines[i]:find(FENCE) then return i end
  end
  return nil
end

-- Do these words ask for new instructions between backquotes?
local function asks_for_new(text)
  local low = text:lower()
  return low:find("```", 1, true) ~= nil
    and (low:find "new %a*%s*instruction" or low:find "improved %a*%s*instruction"
      or low:find "new %a*%s*prompt" or low:find "improved %a*%s*prompt"
      or low:find "new version") ~= nil
end

---@class sim.reflection
---@field text string the instructions as they are
---@field examples { input?: string, output?: string, feedback?: string }[]

--- Read a request for reflection; nil when it is none.
---@param user string the user's message
---@return sim.reflection?
function reflect.of(user)
  if not user:find("```", 1, true) or not user:find "\n#+ " then return nil end
  local lines = lines_of(user)
  local from, level = first_example(lines)
  local to = from and last_fence(lines, from)
  if not to or not asks_for_new(table.concat(lines, "\n", to + 1)) then return nil end
  -- The fence that opens the list of examples is not one of the text's.
  local above = from - 1
  while above > 0 and not lines[above]:find "%S" do above = above - 1 end
  if above > 0 and lines[above]:find(FENCE) then above = above - 1 end
  local text = fenced(lines, 1, above)
  local examples = examples_in(lines, from, to - 1, level)
  if not text or #examples == 0 then return nil end
  return { text = text, examples = examples }
end

local MOST_NAMES = 20 -- whose places are looked up; nobody's records have more

-- Where names first stand in a JSON text, so that parts can be read in their order; each is looked
-- up once.
local function places_in(raw)
  local places, n = {}, 0
  return function(name)
    if math.type(name) then return name end
    if not places[name] and n < MOST_NAMES then
      places[name], n = raw:find('"' .. name .. '"', 1, true) or 0, n + 1
    end
    return places[name] or 0
  end
end

-- The texts in a value, in the order of their names' places.
local function texts_in(value, place)
  if type(value) ~= "table" then return tostring(value) end
  local names, parts = {}, {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    local first, second = place(a), place(b)
    if first ~= second then return first < second end
    return tostring(a) < tostring(b)
  end)
  for i, name in ipairs(names) do
    parts[i] = type(value[name]) == "table" and "" or tostring(value[name])
  end
  return table.concat(parts, "\n")
end

--- The examples in a JSON list of records whose names speak of inputs, outputs and feedback; nil
--- when the text is none.
---@param text string
---@return { input?: string, output?: string, feedback?: string }[]?
function reflect.records(text)
  if not text:find "^%s*%[%s*{" then return nil end
  local ok, list = pcall(core.json_decode, text)
  if not ok or type(list) ~= "table" then return nil end
  local examples, place = {}, places_in(text)
  for _, record in ipairs(list) do
    local example = {}
    for name, value in pairs(type(record) == "table" and record or {}) do
      local kind = type(name) == "string" and tags.meaning(name) or ""
      if HEADINGS[kind] then example[kind] = texts_in(value, place) end
    end
    if example.output and example.feedback then examples[#examples + 1] = example end
  end
  return #examples > 0 and examples or nil
end

-- What the critic says of one example, with what the feedback says of it.
local function said_of(example, text, options)
  local case = {
    role = "prompt", answer = false, about_answer = false, instructions = text, variable = text,
    question = question.find(example.input or ""), output = example.output,
    feedback = example.feedback,
  }
  local view = { system = "", outside = "", user = "", blocks = {}, sections = {} }
  return critic.prose(view, case, options) .. "\n" .. (example.feedback or "")
end

--- New instructions in the light of examples with feedback.
---@param asked sim.reflection
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string new
---@return integer seed of these texts, for what else is to be drawn
function reflect.rework(asked, options)
  local said, seed = {}, hash.text(asked.text, options.seed)
  for i, example in ipairs(asked.examples) do
    seed = hash.text((example.input or "") .. "\0" .. (example.output or ""), seed)
    said[i] = said_of(example, asked.text, { noise = options.critic_noise, seed = seed })
  end
  return editor.rework(asked.text, table.concat(said, "\n"),
    { noise = options.editor_noise, seed = seed }), seed
end

--- Answer a request for reflection.
---@param asked sim.reflection
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string
---@return "stop"|"length"
function reflect.reply(asked, options)
  local new, seed = reflect.rework(asked, options)
  return editor.between(new, "```", "```", { noise = options.editor_noise, seed = seed })
end

return reflect
