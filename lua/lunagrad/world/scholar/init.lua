--- The scholar: a world of sim ("sim/scholar") for word problems, with or without options, for lists
-- of words to sort, and for questions whose answer is two look-ups away.
--
-- It answers with slips that instructions, worked examples or a second look can prevent, criticises
-- what was answered and what led there, and works feedback into instructions and into solutions. It
-- is told nothing but the request; what is none of its field is left to the rules of sim.
--
-- Rooms: story, sorting, hops (subjects: what is asked, answered, wrong) · solution (a solution
-- looked at and written again) · lessons (what instructions teach).

local editor = require "lunagrad.world.editor"
local hash = require "lunagrad.world.hash"
local hops = require "lunagrad.world.scholar.hops"
local lessons = require "lunagrad.world.scholar.lessons"
local merge = require "lunagrad.world.merge"
local read = require "lunagrad.world.read"
local solution = require "lunagrad.world.scholar.solution"
local sorting = require "lunagrad.world.scholar.sorting"
local story = require "lunagrad.world.scholar.story"
local tags = require "lunagrad.world.tags"

local scholar = {}

local SUBJECTS = { story, sorting }

---@return table? subject, table? question
local function find(text)
  for _, subject in ipairs(SUBJECTS) do
    local q = subject.find(text)
    if q then return subject, q end
  end
  return nil
end

-- What a request is about stands in its material where a question does, not where it is spoken of.
local function find_in(view, material)
  if material then
    for _, kind in ipairs { "input", "conversation" } do
      for _, block in ipairs(view.blocks) do
        local subject, q = nil, nil
        if block.meaning == kind and not block.past then subject, q = find(block.text) end
        if subject then return subject, q end
      end
    end
  end
  return find(view.user)
end

-- ---- answering ---------------------------------------------------------------------

-- Questions with answers among the instructions, and the instructions without them.
local function taught(subject, text)
  local at = text:find "[Ww]orked examples?:" or text:find "\n[Ee]xamples?:" or text:find "Input:"
  if not at then return text, {} end
  local left = {}
  for part in (text:sub(at) .. "\n\nInput:"):gmatch "(.-)\n%s*\nInput:" do
    local asked, output = part:match "^(.-)\n%a+put:%s*(.*)$"
    local q = asked and subject.find(asked)
    for name, strength in pairs(q and subject.shows(q, output) or {}) do
      left[name] = (left[name] or 1) * (1 - strength)
    end
  end
  return text:sub(1, at - 1), left
end

local function answer(view, subject, q, options)
  local around = view.system .. "\n" .. view.user:sub(1, q.from - 1)
  local instructions, left = taught(subject, around)
  local cure = lessons.read(instructions, subject.slips)
  for name, rest in pairs(left) do cure[name] = 1 - (1 - cure[name]) * rest end
  return subject.answer(q, cure, options)
end

-- ---- criticism -----------------------------------------------------------------------

local function words_for_nothing(view)
  local text = view.outside .. "\n" .. view.system
  return text:match "exactly:?%s*[\"'`]([^\"'`\n]+)[\"'`]"
    or text:match "exactly:%s*([^\n]-)%.?%s*\n" or "I find no mistake in it."
end

local function names(role, list)
  for _, word in ipairs(list) do
    if role:find(word, 1, true) then return true end
  end
  return false
end

--- Is what is looked at one answer, and no instructions?
local function is_solution(role)
  local low = (role or ""):lower()
  return names(low, { "solution", "answer" }) and not names(low, { "prompt", "instruction" })
end

-- Of instructions: what the output shows to be missing in them.
local function of_instructions(subject, q, output, text, role, options)
  local seed = options.seed
  local found = subject.findings(q, output)
  if #found == 0 then return nil end
  if hash.unit(seed, "noise") < options.noise then
    if hash.unit(seed, "vague") < 0.5 then return hash.pick(seed, "words", lessons.VAGUE) end
    return lessons.point(hash.pick(seed, "other", subject.slips), nil, role, seed)
  end
  local said, points, named, open = lessons.read(text, subject.slips), {}, {}, {}
  for _, one in ipairs(found) do -- what the text says already is no news
    if (said[one.slip] or 0) < 0.8 then open[#open + 1] = one end
  end
  if #open == 0 then return hash.pick(seed, "words", lessons.VAGUE) end
  local first = hash.int(seed, "first", #open)
  for k = 0, #open - 1 do
    local one = open[(first + k - 1) % #open + 1]
    if not named[one.slip] and (k == 0 or hash.unit(seed, "also " .. k) < 0.3) then
      named[one.slip] = true
      points[#points + 1] = lessons.point(subject.slips[one.slip], one.detail, role, seed)
    end
  end
  return table.concat(points, "\n")
end

-- What was found, and a share of the steps that nothing was found at.
local function verdict(view, q, said)
  local points = 0
  for _ in (said or ""):gmatch "[^\n]+" do points = points + 1 end
  return ("%s\n<%s>%.2f</%s>"):format(said or "I find no mistake in it.", view.asked,
    math.max(0, 1 - points / #q.steps), view.asked)
end

local function critique(view, subject, q, options)
  local role, text = read.role(view) or "prompt", read.block(view, "variable")
  local output = read.output(view) or text
  if not output then return nil end
  local said
  if subject ~= story or not is_solution(text and role or "solution") then
    said = text and of_instructions(subject, q, output, text, role, options)
  elseif text then -- what a critique of it comes to
    said = solution.points(q, output)
  else
    said = solution.critique(q, output, options)
    if view.asked and tags.is_verdict(view.asked) then return verdict(view, q, said) end
  end
  return said or words_for_nothing(view)
end

-- ---- rewriting -----------------------------------------------------------------------

local function rewrite(view, subject, q, options)
  local text, feedback = editor.text_of(view), editor.feedback_of(view)
  if not text then return nil end
  local new
  if q and subject == story and is_solution(read.role(view)) then
    new = solution.rewrite(q, text, feedback, options)
  else
    new = lessons.rework(text, feedback, subject.slips, options)
  end
  if not view.asked or view.untagged then return new, "stop" end
  return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">",
    { noise = not view.again and options.noise or 0, seed = options.seed })
end

-- ---- what is asked -------------------------------------------------------------------

-- The words of the subject whose slips a text speaks of most.
local function subject_of_words(text)
  local best, most = nil, 0
  if text:lower():find "%f[%a]quer" then return nil end -- left to the rules of sim
  for _, subject in ipairs { story, sorting, hops.planning, hops.solving } do
    local n = 0
    for _ in pairs(lessons.wishes(text, subject.slips)) do n = n + 1 end
    if n > most then best, most = subject, n end
  end
  return best
end

-- A solution without its problem beside it cannot be looked at again: it stays as it is.
local function unseen(view)
  local text = view.task == "rewrite" and read.block(view, "variable")
  if not text or not is_solution(read.role(view) or view.outside:match "This is the (.-) as it is")
  then
    return nil
  end
  local tag = view.asked and not view.untagged and view.asked
  return tag and ("<%s>\n%s\n</%s>"):format(tag, text, tag) or text, "stop"
end

local function has_material(view)
  for _, block in ipairs(view.blocks) do
    if block.meaning == "variable" or block.meaning == "output" or block.meaning == "feedback"
      or block.meaning == "conversation" then
      return true
    end
  end
  return false
end

--- Answer a request; nil when it is none of the scholar's field.
---@param view sim.view
---@param settings table
---@param options { seed: integer }
---@return string? text
---@return string? finish
function scholar.reply(view, settings, options)
  for _, message in ipairs(view.messages) do
    view.again = view.again or message.role == "assistant"
  end
  local material = view.task == "rewrite" or has_material(view)
  local found, ended = hops.reply(view, settings, options, material,
    words_for_nothing(view))
  if found then return found, ended end
  local subject, q = find_in(view, material)
  if subject and not material then
    return answer(view, subject, q, { scale = settings.slips, seed = options.seed }), "stop"
  end
  local with = { seed = hash.text(view.all, options.seed), scale = settings.slips }
  if view.task == "merge" then
    local pieces = merge.pieces(view)
    local of = subject or subject_of_words(table.concat(pieces, "\n"))
    return of and lessons.merge(pieces, of.slips, with.seed), "stop"
  end
  if not subject then
    local text, finish = unseen(view)
    subject = not text and view.task == "rewrite"
      and subject_of_words(editor.feedback_of(view))
    if not subject then return text, finish end
  end
  if view.task == "rewrite" then
    with.noise = settings.editor_noise
    return rewrite(view, subject, q, with)
  end
  with.noise = settings.critic_noise
  return critique(view, subject, q, with), "stop"
end

return scholar
