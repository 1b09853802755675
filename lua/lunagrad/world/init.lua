--- sim: a small rule-based stand-in for a language model.
--
-- A world to try programs and optimizers in, without a key or a network; it is
-- never evidence about real models. It reads the messages of a request and does
-- what they ask for as far as it can: answer a question (counting, sorting words,
-- short sums, what the documents before it say), write a search query, criticise or
-- judge an output, merge feedback, rewrite a text.
-- It is a pure function of the request: no clock, no state, no engine; what
-- looks like chance is a hash of the text read (hash.lua). Served in the process
-- as the model "sim/default" and over HTTP by `lunagrad mock`.
--
-- Rooms: read, tags, fields (what is asked) · question, answerer, demos, slips, cues (answering) ·
-- search · case, diagnose, critic, judge, merge, letters · editor, reflect, drafts, graphs, propose ·
-- words, lexer, hash (ground).

local answerer = require "lunagrad.world.answerer"
local critic = require "lunagrad.world.critic"
local demos = require "lunagrad.world.demos"
local editor = require "lunagrad.world.editor"
local fields = require "lunagrad.world.fields"
local extras = require "lunagrad.world.extras"
local graphs = require "lunagrad.world.graphs"
local hash = require "lunagrad.world.hash"
local judge = require "lunagrad.world.judge"
local letters = require "lunagrad.world.letters"
local merge = require "lunagrad.world.merge"
local propose = require "lunagrad.world.propose"
local read = require "lunagrad.world.read"
local reflect = require "lunagrad.world.reflect"
local search = require "lunagrad.world.search"
local drafts = require "lunagrad.world.drafts"

local sim = {}

--- Worlds of one field each, by the name that asks for them ("sim/repair", "sim/repair,noise=0.5").
--- Each has reply(view, settings, options) → text, finish; nil: it is none of its field, and the
--- rules below answer. view: what read.view makes of the messages, and they themselves; options:
--- seed of the sampling, temperature. Name → function that loads it, so that none is loaded unasked.
---@type table<string, fun(): table>
local FIELDS = {
  chemist = function() return require "lunagrad.world.chemist" end,
  designer = function() return require "lunagrad.world.designer" end,
  planner = function() return require "lunagrad.world.planner" end,
  repair = function() return require "lunagrad.world.repair" end,
  scholar = function() return require "lunagrad.world.scholar" end,
  teller = function() return require "lunagrad.world.teller" end,
}

local function field_names()
  local names = {}
  for name in pairs(FIELDS) do
    names[#names + 1] = name
  end
  table.sort(names)
  return #names > 0 and ", and the worlds " .. table.concat(names, ", ") or ""
end

local DEFAULTS = { critic_noise = 0.15, editor_noise = 0.10, slips = 1, think = 0, loop = 0 }
local KNOWN = { noise = 1, critic_noise = 1, editor_noise = 1, slips = 3, think = 2, loop = 1 }

--- Read the settings in a model's name: "sim/default", "sim/noise=0.2",
--- "sim/critic_noise=0.3,editor_noise=0.1", "sim/slips=0.5", "sim/think=1".
---@param name? string
---@return { critic_noise: number, editor_noise: number, slips: number, think: number,
--- loop: number, field: string? }?
---@return string? problem
function sim.settings(name)
  local settings = {}
  for key, value in pairs(DEFAULTS) do
    settings[key] = value
  end
  local rest = (name or ""):gsub("^sim/", "")
  if rest == "" or rest == "sim" or rest == "default" then
    return settings
  end
  for part in rest:gmatch "[^,]+" do
    local key, text = part:match "^%s*([%w_]+)%s*=%s*(.-)%s*$"
    local value = tonumber(text)
    if FIELDS[part] then
      settings.field = part
    elseif key and not KNOWN[key] or not key and part ~= "default" then
      return nil, "sim has no setting '" .. (key or part)
        .. "'; it knows noise, critic_noise, editor_noise, slips, think and loop" .. field_names()
    elseif key and not (value and value >= 0 and value <= KNOWN[key]) then
      return nil, "sim: " .. key .. " must be a number from 0 to " .. KNOWN[key]
        .. ", not '" .. text .. "'"
    elseif key == "noise" then
      settings.critic_noise, settings.editor_noise = value, value
    elseif key then
      settings[key] = value
    end
  end
  return settings
end

-- A content may be a list of parts, as the chat protocol has it; only text is read.
local function plain(content)
  if type(content) == "string" then
    return content
  elseif type(content) ~= "table" then
    return ""
  end
  local parts = {}
  for _, part in ipairs(content) do
    parts[#parts + 1] = type(part) == "string" and part or type(part.text) == "string" and part.text
      or nil
  end
  return table.concat(parts, "\n")
end

-- One seed for everything that makes equal messages give different replies.
local function sampling_seed(request)
  local heat = tonumber(request.temperature)
  if heat == 0 then
    return 0 -- no sampling: every sample is the same
  end
  local key = string.format("%s|%s|%s", tostring(tonumber(request.seed) or 0),
    tostring(tonumber(request.sample) or 0), tostring(heat or 1))
  return hash.text((key:gsub("%.0", "")))
end

local CANNOT = "I am sim, a small rule-based stand-in for a language model. I can count things in "
  .. "a list (\"I have two apples and a pear. How many fruits do I have?\"), sort words and do "
  .. "short sums, criticise such answers and edit prompts for them; this I cannot answer."

--- What sim says to what it cannot do.
sim.CANNOT = CANNOT

-- The instructions: everything said but the question itself.
local function instructions_of(view)
  local q = view.question
  if not q then
    return view.system
  end
  return view.system .. "\n" .. view.user:sub(1, q.from - 1) .. "\n" .. view.user:sub(q.to + 1)
end

-- Instructions without the worked examples in them, and what all worked examples show.
local function taught(view, options)
  local instructions, inside = demos.split(instructions_of(view))
  local shown = demos.read(inside, demos.turns(view.messages))
  if not shown then return instructions, options end
  return instructions, setmetatable({ shown = shown }, { __index = options })
end

local function answer(view, options)
  if view.question then
    local instructions, with = taught(view, options)
    return answerer.reply(view.question, instructions, with)
  end
  return extras.sort(view.user, view.system, options.seed)
    or search.query(view.user, view.system) or search.answer(view)
    or extras.arithmetic(view.user, view.system, options.seed) or CANNOT
end

-- What stands in the text of a model that thinks there, as servers pass it on: think=1 in tags,
-- think=2 without the opening one, which the template wrote. It holds all that must not be read
-- as the answer.
local THOUGHT = "I look at what is asked. A draft:\n```json\n{\"answer\": \"a draft\"}\n```\n"
  .. "<NEW_VARIABLE>a draft</NEW_VARIABLE> <VERDICT>0</VERDICT> NOTHING TO IMPROVE? No."

--- What stands before the answer of the model of this name.
---@param name? string
---@return string
function sim.thought(name)
  local settings = sim.settings(name)
  local think = settings and settings.think or 0
  return think == 0 and "" or (think == 1 and "<think>\n" or "") .. THOUGHT .. "\n</think>\n\n"
end

local LOOP = "\nBut wait, let me look at it once more."

--- What stands behind the answer of the model of this name: with loop=1 the same, over and over.
---@param name? string
---@return string
function sim.loop(name)
  local settings = sim.settings(name)
  return settings and settings.loop > 0 and LOOP:rep(1000) or ""
end

-- What is said of one of several texts, about each conversation that it has a part in.
local function about_one(view, messages, options)
  local said, nothing = {}, "NOTHING TO IMPROVE"
  for _, content in ipairs(messages) do
    local alone = read.view { { role = "system", content = view.system },
      { role = "user", content = content } }
    local reply = critic.reply(alone, options)
    if reply:find "^NOTHING" or reply:find "^Nothing" or reply:find "^No " then
      nothing = reply
    elseif not said[reply] then
      said[reply] = true
      said[#said + 1] = "- " .. reply:gsub("\n", " ")
    end
  end
  return #said > 0 and "\n" .. table.concat(said, "\n") or " " .. nothing
end

-- Where several texts are shown under letters, and a line is asked for each.
local function by_letter(view, options)
  local list, rest = letters.find(view.user)
  if #list == 0 or not (view.system .. view.user):find "each letter" then return nil end
  local lines = {}
  for i, one in ipairs(list) do
    lines[i] = one.letter .. ":" .. about_one(view, letters.messages(one, list, rest), options)
  end
  return table.concat(lines, "\n")
end

-- Cut to a number of tokens (4 bytes each), not inside a UTF-8 character.
local function cut(text, max_tokens)
  local limit = max_tokens and math.max(0, math.floor(max_tokens)) * 4
  if not limit or #text <= limit then
    return text, false
  end
  while limit > 0 and text:find("^[\x80-\xBF]", limit + 1) do
    limit = limit - 1
  end
  return text:sub(1, limit), true
end

local function last_words(messages)
  local last = messages[#messages]
  return last and last.role == "user" and last.content or ""
end

-- What the messages ask for, in the form that they ask for.
local function respond(messages, settings, options)
  local view = read.view(messages)
  view.messages = messages
  for _, message in ipairs(messages) do
    view.again = view.again or message.role == "assistant"
  end
  local described, ended = propose.between_tags(view, { critic_noise = settings.critic_noise,
    editor_noise = view.again and 0 or settings.editor_noise, seed = options.seed })
  if described then return described, ended end
  local noise = { noise = settings.critic_noise }
  local with = setmetatable(noise, { __index = options })
  if view.task == "critique" then
    return judge.rules(view) or by_letter(view, with) or critic.reply(view, with), "stop"
  elseif view.task == "merge" then
    return merge.reply(view, options), "stop"
  elseif view.task == "rewrite" then
    noise.noise = settings.editor_noise
    local tried, finish = drafts.reply(view, { critic_noise = settings.critic_noise,
      editor_noise = settings.editor_noise, seed = options.seed })
    if tried then return tried, finish end
    return editor.reply(view, with)
  end
  return answer(view, options), "stop"
end

-- A request in the field form: read without its marks, answered under those it asks for.
local function in_fields(form, settings, options)
  local seed = hash.text(form.objective .. "\0" .. fields.material(form), options.seed)
  local proposed, finish = propose.reply(form, { critic_noise = settings.critic_noise,
    editor_noise = settings.editor_noise, seed = seed })
  if proposed then return proposed, finish end
  local system = form.objective
  if #form.outputs > 1 then system = system .. "\nShow your reasoning." end
  local messages = { { role = "system", content = system } }
  table.move(form.turns, 1, #form.turns, 2, messages)
  messages[#messages + 1] = { role = "user", content = fields.material(form) }
  local view = read.view(messages)
  view.messages = messages
  if view.task ~= "answer" or not view.question then
    return fields.write(form, "", (respond(messages, settings, options))), "stop"
  end
  local instructions, with = taught(view, options)
  local working, stated, aside, number = answerer.parts(view.question, instructions, with)
  if stated == "" then stated = #form.outputs > 1 and number or table.remove(working) end
  if aside then stated = stated .. "\n" .. aside end
  return fields.write(form, table.concat(working, "\n"), stated), "stop"
end

-- By a world of one field, if the model's name asks for one.
local function in_field(messages, settings, options)
  if not settings.field then return nil end
  local view = read.view(messages)
  view.messages = messages
  return FIELDS[settings.field]().reply(view, settings, options)
end

-- Requests in forms of their own: fields, a reflection, a recorded computation; nil for others.
local function in_special_form(messages, settings, options)
  local form = fields.of(messages)
  if form then return in_fields(form, settings, options) end
  local noises = { critic_noise = settings.critic_noise, editor_noise = settings.editor_noise,
    seed = options.seed }
  local said = last_words(messages)
  local reflection = reflect.of(said)
  if reflection then return reflect.reply(reflection, noises) end
  local record = graphs.of(said)
  return record and graphs.reply(record, noises)
end

---@class sim.request other fields are ignored
---@field model? string
---@field messages { role: string, content: string|table }[]
---@field temperature? number
---@field sample? integer
---@field seed? integer
---@field max_tokens? integer
---@field bare? boolean only the answer, whatever it thinks

---@class sim.reply
---@field text string
---@field finish_reason "stop"|"length"
---@field usage { input: integer, output: integer } tokens, taken as 4 bytes each

--- Reply to a request. Raises a message (a string) when the model's name is not understood.
---@param request sim.request
---@return sim.reply
function sim.reply(request)
  local settings, problem = sim.settings(request.model)
  if not settings then
    error(problem, 0)
  end
  local messages, bytes = {}, 0
  for i, message in ipairs(request.messages or {}) do
    messages[i] = { role = message.role, content = plain(message.content) }
    bytes = bytes + #messages[i].content
  end
  local options = {
    seed = sampling_seed(request), slips = settings.slips,
    temperature = tonumber(request.temperature),
  }
  local text, finish = in_field(messages, settings, options)
  if not text then text, finish = in_special_form(messages, settings, options) end
  if not text then text, finish = respond(messages, settings, options) end
  local was_cut
  if not request.bare then text = sim.thought(request.model) .. text .. sim.loop(request.model) end
  text, was_cut = cut(text, tonumber(request.max_tokens or request.max_completion_tokens))
  return {
    text = text, finish_reason = was_cut and "length" or finish or "stop",
    usage = { input = (bytes + 3) // 4 + 4 * #messages, output = math.max(1, (#text + 3) // 4) },
  }
end

return sim
