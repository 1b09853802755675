--- Questions whose answer is two look-ups away: plans for them, and answers from documents.
--
-- "… the bridge of the town where Ada Morel was born?" A hurried planner writes the question down as
-- it is; a hurried reader takes the first document that speaks of bridges, and gives its whole
-- sentence. Queries and what is wrong with them are search.lua's. Nothing is known here but what
-- stands in the messages.

local editor = require "lunagrad.world.editor"
local hash = require "lunagrad.world.hash"
local lessons = require "lunagrad.world.scholar.lessons"
local read = require "lunagrad.world.read"
local search = require "lunagrad.world.search"

local hops = {}

hops.planning = { name = "planning", slips = lessons.of {
  { name = "split", rate = 0.6, cues = { { 0.96, "split", "question|hop" } },
    fault = { "The plan asks for two things at once.", "One line of the plan takes two look-ups." },
    remedy = { "split the question into simpler questions, one for each look-up",
      "break the question into simpler questions, a line for each" },
    rule = { "Split the question into simpler questions, one for each look-up, a line each.",
      "Break the question down into simpler questions, each on a line of its own." } },
  { name = "refer", rate = 0.5, cues = { { 0.95, "before", "write|place" } },
    fault = { "The second line speaks of \"that town\", which nobody can look up." },
    remedy = { "write #1 in the place of the answer of the step before" },
    rule = { "Write #1 in the place of the answer of the step before.",
      "In a later line, write #1 where the answer of the step before is needed." } },
} }

hops.solving = { name = "solving", slips = lessons.of {
  { name = "match", rate = 0.4, cues = { { 0.95, "fits" } },
    fault = { "The output is taken from a document about something else." },
    remedy = { "use the document that names what the question names" },
    rule = { "Use only the document that names what the question names." } },
  { name = "form", rate = 0.5, cues = { { 0.96, "short" } },
    fault = { "The output is a whole sentence where a name or a number is wanted." },
    remedy = { "answer with the name or number alone" },
    rule = { "Answer with the name or number alone." } },
} }

-- ---- plans ---------------------------------------------------------------------------

-- The question around a town that has to be looked up itself, and what is said of it.
local function two_steps(question)
  if #question > 1000 then return nil end
  local before, said, behind = question:match(
    "^(.-)the town where (%u%a+ %u%a+ %l[%l ]-)(%f[%a]%l*[%.%?])")
  if not before then return nil end
  local verb = behind:match "^(%a+)"
  if verb == "is" or verb == "shows" or verb == "teaches" then
    return before, said:gsub("%s+$", ""), " " .. behind
  end
  return before, said .. (verb or ""), behind:match "[%.%?]$"
end

local function plan_for(question, instructions, options)
  local before, said, behind = two_steps(question)
  if not before then return question end
  local cure = lessons.read(instructions, hops.planning.slips)
  local q = { text = question }
  local seed = hash.text(question:lower(), options.seed)
  local function happens(name)
    return hash.unit(seed, name)
      < lessons.chance(q, hops.planning.slips[name], "", cure, options.scale)
  end
  if happens "split" then return question end
  local place = happens "refer" and "that town" or "#1"
  return ("1. Which is the town where %s?\n2. %s%s%s"):format(said, before, place, behind)
end

-- What is wrong with a plan.
local function of_plan(plan)
  if plan:find "of the town where" then return { { slip = "split" } } end
  if plan:find "that town" then return { { slip = "refer" } } end
  return {}
end

-- ---- answers from documents ------------------------------------------------------------

local function documents_of(view)
  local list = {}
  for _, block in ipairs(view.blocks) do
    if block.name:upper():find "^DOCUMENT" then list[#list + 1] = block.text end
  end
  return list
end

-- The question behind the documents.
local function question_of(text)
  local said
  for found in text:gmatch "[Qq]uestion:%s*([^\n]+)" do said = found end
  return said
end

-- Whom or what a question names: its last name.
local function named_in(question)
  local name
  for found in question:gmatch "%f[%w]%l+ (%u%l+%s?%u?%l*)" do name = found:match "^(.-)%s*$" end
  return name
end

-- The first sentence that shares a word with the question; with `name`, that holds it as well.
local function sentence_for(question, documents, name)
  local wanted = {}
  for _, word in ipairs(search.key_words(question)) do wanted[word:lower()] = true end
  local best, most = nil, 0
  for _, text in ipairs(documents) do
    local n = 0
    for _, word in ipairs(search.key_words(text)) do n = n + (wanted[word:lower()] and 1 or 0) end
    if name and not text:find(name, 1, true) then n = 0 end
    if n > most then
      best, most = text, n
      if not name then break end
    end
  end
  return best
end

local function value_in(question, sentence)
  local low = question:lower()
  if low:find "how many" or low:find "year" then return sentence:match "%d+" end
  if low:find "which day" then return sentence:match "on (%u%l+day)" end
  if low:find "museum" then return sentence:match "shows (%a+)" end
  return sentence:match " in (%u%l+)"
end

local UNKNOWN = "The documents do not say."

local function solve(question, documents, instructions, options)
  local cure = lessons.read(instructions, hops.solving.slips)
  local q = { text = question }
  local seed = hash.text(question:lower(), options.seed)
  local function happens(name)
    return hash.unit(seed, name)
      < lessons.chance(q, hops.solving.slips[name], "", cure, options.scale)
  end
  local name = not happens "match" and named_in(question) or nil
  local sentence = sentence_for(question, documents, name)
  if not sentence then return UNKNOWN end
  return not happens "form" and value_in(question, sentence) or sentence
end

-- What is wrong with an answer, given what it was made from.
local function of_answer(question, documents, output)
  local found, name = {}, named_in(question)
  local right = sentence_for(question, documents, name)
  if right and output ~= UNKNOWN and not right:find(output:match "^(.-)%.?%s*$", 1, true) then
    found[1] = { slip = "match" }
  elseif output == UNKNOWN and right then
    found[1] = { slip = "match" }
  end
  if output ~= UNKNOWN and output:find "%s%S+%s%S+%s" then found[#found + 1] = { slip = "form" } end
  return found
end

-- ---- criticism -------------------------------------------------------------------------

local function inner(view, meaning)
  local text
  for _, block in ipairs(view.blocks) do
    if block.meaning == meaning and block.depth > 1 and not block.past then text = block.text end
  end
  return text
end

local function points(subject, found, text, role, options)
  local seed, said = options.seed, lessons.read(text, subject.slips)
  if #found == 0 then return nil end
  if hash.unit(seed, "noise") < options.noise then
    return hash.pick(seed, "words", lessons.VAGUE)
  end
  local list = {}
  for _, one in ipairs(found) do
    if (said[one.slip] or 0) < 0.8 then
      list[#list + 1] = lessons.point(subject.slips[one.slip], nil, role, seed)
    end
  end
  return #list > 0 and table.concat(list, "\n") or nil
end

-- Which of the prompts a role speaks of.
local function subject_of(role)
  if role:find "%f[%a]plan" then return hops.planning end
  if role:find "document" and (role:find "answer" or role:find "solve") then return hops.solving end
  return nil
end

-- Documents that hold what was asked for are no cause.
local function of_documents(view, text, nothing)
  local question = question_of(inner(view, "input") or "")
  local list = {}
  for document in text:gmatch "<DOCUMENT[%w_]*>%s*(.-)%s*</DOCUMENT" do
    list[#list + 1] = document
  end
  local name = question and named_in(question)
  return name and sentence_for(question, list, name) and nothing or nil
end

-- A step that asks for two things, or names nothing, is the plan's fault.
local function of_step(text, nothing)
  local found = of_plan(text)[1]
  local slip = found and hops.planning.slips[found.slip]
  return slip and slip.fault[1] .. " The plan should " .. slip.remedy[1] .. "." or nothing
end

local function critique(view, nothing, options)
  local role, text = (read.role(view) or ""):lower(), read.block(view, "variable")
  if not text then return nil end
  if role:find "document" and role:find "found" then return of_documents(view, text, nothing) end
  if role:find "step" and role:find "plan" then return of_step(text, nothing) end
  local subject = role:find "prompt" and subject_of(role)
  if not subject then return nil end
  local input, output = inner(view, "input") or "", inner(view, "output") or ""
  local found
  if subject == hops.planning then
    found = of_plan(output)
  else
    found = of_answer(question_of(input) or "", documents_of(view), output)
  end
  return points(subject, found, text, role, options) or nothing
end

-- ---- the reply ---------------------------------------------------------------------------

local function rewrite(view, options)
  local role = (read.role(view) or view.user:match "Role: ([^\n]+)" or
    view.outside:match "This is the (.-) as it is" or ""):lower()
  local of_queries = role:find "%f[%a]quer" ~= nil
  local subject, text = subject_of(role), editor.text_of(view)
  if not (subject or of_queries) or not text then return nil end
  local feedback = editor.feedback_of(view)
  local new = lessons.rework(text, feedback, subject and subject.slips or {}, options)
  if of_queries then
    local rule = search.rule(text, feedback, options.seed)
    new = rule and hash.unit(options.seed, "drop") >= options.noise and text .. " " .. rule or new
  end
  if not view.asked or view.untagged then return new, "stop" end
  return editor.between(new, "<" .. view.asked .. ">", "</" .. view.asked .. ">",
    { noise = not view.again and options.noise or 0, seed = options.seed })
end

local function answer(view, settings, options)
  local with = { scale = settings.slips, seed = options.seed }
  local instructions = view.system
  if instructions:lower():find "%f[%a]plan" then
    return plan_for(view.user:match "^%s*(.-)%s*$", instructions, with), "stop"
  end
  local documents, question = documents_of(view), question_of(view.outside)
  if #documents == 0 or not question then return nil end
  return solve(question, documents, instructions, with), "stop"
end

--- Answer a request about plans or documents; nil when it is about neither.
---@param view sim.view
---@param settings table
---@param options { seed: integer }
---@param material boolean it is about texts that were made before
---@param nothing string what to say when nothing is wrong
---@return string? text
---@return string? finish
function hops.reply(view, settings, options, material, nothing)
  if not material then return answer(view, settings, options) end
  local with = { seed = hash.text(view.all, options.seed), scale = settings.slips }
  if view.task == "rewrite" then
    with.noise = settings.editor_noise
    return rewrite(view, with)
  elseif view.task == "critique" then
    with.noise = settings.critic_noise
    local said = critique(view, nothing, with)
    return said, "stop"
  end
  return nil
end

return hops
