--- Describing data and writing instructions for it, by who has seen questions but no mistakes.
--
-- Asked to describe data, sim notes what readers may stumble over in the questions that it is
-- shown: two points a batch, seldom more, and with the critic's noise a wrong one. Asked for an
-- instruction it writes down what the descriptions say and what the worked examples show, each
-- point in half of the drafts, and drops or adds with the editor's noise. So a writer of drafts
-- finds in several what a critic of mistakes finds in one. Asked in fields or between tags it is
-- the same; names are read by what they speak of.

local cues = require "lunagrad.world.cues"
local critic = require "lunagrad.world.critic"
local demos = require "lunagrad.world.demos"
local editor = require "lunagrad.world.editor"
local fields = require "lunagrad.world.fields"
local hash = require "lunagrad.world.hash"
local question = require "lunagrad.world.question"
local reflect = require "lunagrad.world.reflect"
local slips = require "lunagrad.world.slips"
local tags = require "lunagrad.world.tags"

local propose = {}

local AT_ONCE = 2 -- points that one look at data finds
local IN_SUMMARY = 3 -- points that a short summary keeps
local TAKEN = 0.5 -- share of the drafts that a point gets into

-- "Task: …", whatever else is to be described.
local PLAIN = "The task is to answer questions; each question is given as text, and so is its "
  .. "answer."

local function remedy(name, seed)
  return hash.pick(seed, "remedy " .. name, slips[name].remedy)
end

-- The points that questions give rise to and that are not said yet, one sentence each.
local function notes_on(list, already, options)
  local seed, open, because = options.seed, {}, {}
  for _, q in ipairs(list) do
    for _, point in ipairs(critic.foresee(q)) do
      if not because[point.slip] and not already[point.slip] then
        because[point.slip], open[#open + 1] = point.because, point.slip
      end
    end
    if #q.items > 4 and not because.skip and not already.skip then
      because.skip, open[#open + 1] = "lists are long", "skip"
    end
  end
  local said = {}
  for i = 1, math.min(AT_ONCE, #open) do
    local name = table.remove(open, hash.int(seed, "which point " .. i, #open))
    if hash.unit(seed, "noise " .. i) < options.critic_noise then
      name = hash.pick(seed, "wrong point " .. i, cues.slips)
    end
    said[i] = ("As %s, one has to %s."):format(because[name] or "answers go wrong",
      remedy(name, seed))
  end
  return said
end

local function describe(form, options)
  local data = fields.input(form, "example", "data", "sample") or fields.material(form)
  local prior = fields.input(form, "prior", "previous")
  local said = notes_on(question.all(data), prior and (cues.wishes(prior)) or {}, options)
  if #said == 0 and prior and form.objective:find "COMPLETE" then return "COMPLETE" end
  return PLAIN .. (#said > 0 and " " or "") .. table.concat(said, " ")
end

-- The points that are made most often, in few sentences.
local function summarize(form, options)
  local wanted, names = (cues.wishes(fields.material(form))), {}
  for _, name in ipairs(cues.slips) do
    names[#names + 1] = wanted[name] and name or nil
  end
  table.sort(names, function(a, b)
    if wanted[a] ~= wanted[b] then return wanted[a] > wanted[b] end
    return hash.unit(options.seed, a) < hash.unit(options.seed, b)
  end)
  local said = { PLAIN }
  for i = 1, math.min(IN_SUMMARY, #names) do
    said[i + 1] = "One has to " .. remedy(names[i], options.seed) .. "."
  end
  return table.concat(said, " ")
end

-- Whether a name speaks of what was found out about data.
local function is_description(name)
  return (name:find "descri" or name:find "summar" or name:find "observ") ~= nil
end

-- What descriptions and worked examples give a writer to say.
local function points_for(form, options)
  local described, shown = {}, nil
  for _, input in ipairs(form.inputs) do
    if is_description(input.name) then
      described[#described + 1] = input.text
    elseif input.name:find "demo" or input.name:find "example" then
      local _, list = demos.split(input.text)
      shown = demos.read(list)
    end
  end
  local wanted, said = (cues.wishes(table.concat(described, "\n"))), {}
  for _, name in ipairs(cues.slips) do
    local known = wanted[name] or shown and (shown.cure[name] or 0) >= 0.7
    if known and hash.unit(options.seed, "take " .. name) < TAKEN then
      said[#said + 1] = "One has to " .. remedy(name, options.seed) .. "."
    end
  end
  return table.concat(said, "\n")
end

-- Examples with feedback among the fields, if there are any.
local function examples_of(form)
  for _, input in ipairs(form.inputs) do
    local examples = reflect.records(input.text)
    if examples then return examples end
  end
  return nil
end

local function instruct(form, options)
  local basic = fields.input(form, "basic", "current", "instruction", "prompt") or ""
  local examples = examples_of(form)
  if examples then return (reflect.rework({ text = basic, examples = examples }, options)) end
  return editor.rework(basic, points_for(form, options),
    { noise = options.editor_noise, seed = options.seed })
end

--- Answer a request for a description or for an instruction in the field form; nil when the
--- fields wanted are of neither.
---@param form sim.fields
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string?
---@return "stop"|"length"?
function propose.reply(form, options)
  local name = form.outputs[#form.outputs] or ""
  if name:find "instruction" or name:find "prompt" then
    local new = instruct(form, options)
    if form.json or #form.outputs > 1 then return fields.write(form, "", new), "stop" end
    return editor.between(new, fields.mark(name), "\n" .. fields.mark(),
      { noise = options.editor_noise, seed = options.seed })
  elseif name:find "summar" then
    return fields.write(form, "", summarize(form, options)), "stop"
  elseif name:find "descri" or name:find "observ" then
    return fields.write(form, "", describe(form, options)), "stop"
  end
  return nil
end

-- ---- the same between tags ---------------------------------------------------------

-- What stands between tags as fields: a case with what came in and what came out is an example.
local function form_between_tags(view)
  local form = { inputs = {}, outputs = {}, json = true,
    objective = view.system .. "\n" .. view.outside }
  for _, block in ipairs(view.blocks) do
    if block.depth == 1 then
      local name = block.name:lower()
      for _, part in ipairs((tags.blocks(block.text))) do
        if part.meaning == "input" then name = "example" end
      end
      form.inputs[#form.inputs + 1] = { name = name, text = block.text }
    end
  end
  return form
end

--- Answer a request for a description or a summary between tags; nil when none is wanted.
---@param view sim.view
---@param options { critic_noise: number, editor_noise: number, seed: integer }
---@return string?
---@return "stop"|"length"?
function propose.between_tags(view, options)
  local name = view.asked and view.asked:lower() or ""
  if not is_description(name) then return nil end
  local form = form_between_tags(view)
  form.outputs[1] = name
  local with = { critic_noise = options.critic_noise, editor_noise = options.editor_noise,
    seed = hash.text(view.all, options.seed) }
  return editor.between(propose.reply(form, with), "<" .. view.asked .. ">",
    "</" .. view.asked .. ">", { noise = options.editor_noise, seed = with.seed })
end

--- What descriptions between tags, and examples, give a writer to say; nil without a description.
---@param view sim.view
---@param options { seed: integer }
---@return string?
function propose.described(view, options)
  local form, described = form_between_tags(view), false
  for _, input in ipairs(form.inputs) do described = described or is_description(input.name) end
  return described and points_for(form, options) or nil
end

return propose
