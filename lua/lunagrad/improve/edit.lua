--- One edit of a picture or sound by a model that makes such: the question, the checks, a re-ask.
--
-- The variable goes along as an attachment, the feedback as words; the answer must be a value of
-- the same family and not the old one. The words are lunagrad.prompts' tgd.picture, tgd.sound and
-- tgd.media.again. Used by lunagrad.improve.tgd.

local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local model = require "lunagrad.model"
local var = require "lunagrad.var"

local edit = {}

local NAMES = { image = "picture", audio = "sound" }

-- The question with the variable behind it.
local function question(what, old, name)
  local engine = var.engine()
  local names, vars = { "role", "context", "extras" }, {}
  local values = { role = what.param.role, context = what.shown.context,
    extras = what.shown.extras }
  for n, field in ipairs(names) do vars[n] = core.var(engine, values[field], field, false) end
  local user = core.format(engine, what.template("tgd." .. name), names, vars,
    "question to the editor", true)
  return { user, old }
end

local function ask(what, content)
  local reply = model.call(what.model, { messages = { { "user", content } },
    role = "answer of the editor", kind = "optimizer", sample = what.sample })
  return loop.await(reply)
end

local function is_refused(list, words)
  for _, old in ipairs(list) do
    if old.alone and old.text == words then return true end
  end
  return false
end

-- What is wrong with an answer, or nil; and whether to ask again.
local function problem_of(what, old, reply, name)
  local finish = reply:finish_reason()
  if finish == "length" then
    return "the reply was cut at the model's token limit", false
  elseif finish == "content_filter" then
    return "the reply was cut by the provider's content filter", false
  elseif media.family(reply) ~= media.family(old) then
    return ("it is no %s, but %s"):format(name, reply:raw_media() or "a text"), true
  elseif reply:text() == old:text() then
    return ("the new %s is the old one"):format(name), true
  end
  local broken, why = constraint.broken(what.constraints, reply:text(), reply:raw_media())
  if broken then
    return ("the new %s breaks the constraint \"%s\": %s"):format(name, broken.text, why), true
  elseif is_refused(what.refused, media.words(reply)) then
    return ("this %s was tried already, and validation refused it"):format(name), true
  end
  return nil
end

-- The problem as one more part: models that only make pictures hear no other messages.
local function again(what, problem)
  local engine = var.engine()
  local said = core.var(engine, problem, "problem", false)
  return core.format(engine, what.template "tgd.media.again", { "problem" }, { said },
    "question to the editor", false)
end

--- A new value for a parameter that is a picture or sound.
---@param what table {param, shown = {context, extras}, model, sample, constraints, refused,
--- template}
---@return table answer {text = description, value = variable, reply, reasked}, or with problem
function edit.propose(what)
  local old = media.snapshot(what.param)
  local name = NAMES[media.family(old)]
  local content = question(what, old, name)
  local reply = ask(what, content)
  local problem, once_more = problem_of(what, old, reply, name)
  local reasked = problem ~= nil and once_more
  if reasked then
    content[3] = again(what, problem)
    reply = ask(what, content)
    problem = problem_of(what, old, reply, name)
  end
  if problem then return { problem = problem, reply = reply, reasked = reasked } end
  local value = media.snapshot(reply)
  return { text = media.words(value), value = value, reply = reply, reasked = reasked }
end

return edit
