--- One question about the texts of a candidate, and the new texts in its reply.
--
-- The operators reflect, merge, shorten and fresh say which prompt asks and what is shown; here the
-- texts come into it, the form of the reply, what was refused and the constraints, and the reply is
-- read as an optimizer reads one (proposal for one text, together for several). Worked examples
-- behind a text are not shown, and stand behind the new one as they were.

local core = require "lunagrad.core"
local ask = require "lunagrad.improve.ask"
local cases = require "lunagrad.improve.cases"
local context_of = require "lunagrad.improve.context"
local material = require "lunagrad.improve.material"
local proposal = require "lunagrad.improve.proposal"
local recorder = require "lunagrad.book.record"
local rewrite = require "lunagrad.improve.rewrite"
local tgd = require "lunagrad.improve.tgd"
local together = require "lunagrad.improve.together"

local question = {}

local BUDGET = 16000 -- tokens of all that is shown but the texts
local EXTRAS = 4000  -- … of what was refused, of each text

-- ---- what is shown -----------------------------------------------------------

local function extras_of(ask_of, i)
  local shown = context_of.build { feedback = {}, budget = EXTRAS, examples = {}, past = {},
    memory = {}, refused = material.refused(ask_of.parent, ask_of.context, i),
    constraints = ask_of.opt.constraints,
    prompt = function(name) return ask.prompt(name):text() end }
  return shown.extras
end

-- The texts, how the reply is asked for and its form, as templates with their values; `blank`: no
-- old text.
local function texts_and_form(ask_of, values)
  local many = #ask_of.targets > 1
  local name = ask_of.blank and "propose.blank" or "propose.one"
  local part = ask.prompt(many and name .. ".part" or name):text()
  local form = ask.prompt(many and "tgd.together.form" or "propose.form"):text()
  local parts, forms = {}, {}
  for n, i in ipairs(ask_of.targets) do
    local letter = together.letter(n)
    local given = { role = ask_of.opt.params[n].role, variable = ask_of.plain[i],
      extras = extras_of(ask_of, i) }
    parts[n] = together.lettered(part, letter, given, values)
    forms[n] = together.lettered(form, letter, given, values)
  end
  form = table.concat(forms, "\n")
  local said = not many and form
    or together.lettered(ask.prompt("propose.forms"):text(), "", {}, {}, { form = form })
  return table.concat(parts, "\n\n"), said, form
end

-- The message, the number of its tags, and the form of the reply alone.
local function message(ask_of)
  local values, shown = {}, {}
  local form
  shown.variables, shown.form, form = texts_and_form(ask_of, values)
  for name, piece in pairs(ask_of.shown) do
    shown[name] = piece.template
    for field, value in pairs(piece.values or {}) do values[field] = value end
  end
  local all, names = {}, {}
  for name, text in pairs(shown) do
    all[#all + 1], names[#names + 1] = text, name
  end
  local _, number = core.fence(table.concat(all, "\n"), values)
  for name, text in pairs(shown) do
    shown[name] = core.render(context_of.number_tags(text, number), values)
  end
  for name, text in pairs(ask_of.said) do
    shown[name], names[#names + 1] = text, name
  end
  table.sort(names)
  local user = ask.fill(ask.prompt(ask_of.prompt .. ".user"), names, shown)
  return user, number, core.render(context_of.number_tags(form, number), values)
end

-- ---- the reply -----------------------------------------------------------------

-- The cases of a batch as an optimizer has them in its records: so a text that is an output, quotes
-- an input or is the feedback is known.
local function records_of(batch, context)
  local records = {}
  for n, one in ipairs(context.program and batch or {}) do
    records[n] = { text = one.feedback or "", conversation =
      ("<SYSTEM>\n[VARIABLE]\n</SYSTEM>\n<INPUT>\n%s\n</INPUT>\n<OUTPUT>\n%s\n</OUTPUT>"):format(
        cases.input(one.row, context.field), one.output or "") }
  end
  return records
end

local FORMS = { "propose.form", "propose.forms", "tgd.again", "tgd.json", "tgd.together.form",
  "tgd.together.json" }

local function wanted(ask_of, i)
  local forms = {}
  for n, name in ipairs(FORMS) do forms[n] = ask.prompt(name):text() end
  return { before = ask_of.plain[i], role = ask_of.context.params[i].role, records = ask_of.records,
    constraints = ask_of.opt.constraints, form = table.concat(forms, "\n"),
    refused = material.refused(ask_of.parent, ask_of.context, i), may_grow = ask_of.blank }
end

-- The new texts by index, and what the operator or the search has against them.
local function weigh(ask_of, texts)
  local new = {}
  for n, i in ipairs(ask_of.targets) do new[i] = texts[n] end
  local problem = ask_of.check and ask_of.check(new)
  problem = problem or material.known(material.join(ask_of.parent, new), ask_of.context)
  if problem then return nil, problem, "again" end
  return new
end

local function read_one(ask_of, what)
  return function(text, finish, number)
    local tag = number and rewrite.TAG .. (number > 0 and "_" .. number or "") or nil
    local found, problem, more = proposal.read(what, text, finish, tag)
    if not found then return nil, problem, more end
    return weigh(ask_of, { found })
  end
end

local function read_many(ask_of, whats)
  return function(text, finish, number)
    local found, problem, more = together.read(ask_of.opt, ask_of.targets, whats, text, finish,
      number)
    if not found then return nil, problem, more end
    local texts = {}
    for n, one in ipairs(found) do texts[n] = one.text end
    return weigh(ask_of, texts)
  end
end

local function reader(ask_of, q)
  local whats, tokens = {}, 0
  for n, i in ipairs(ask_of.targets) do
    whats[n] = wanted(ask_of, i)
    tokens = tokens + core.tokens(whats[n].before)
  end
  for name, value in pairs(rewrite.addressed(ask_of.opt, ask_of.context.sample, 4 * tokens)) do
    q[name] = value
  end
  if #whats == 1 then
    q.read, q.json, q.schema = read_one(ask_of, whats[1]), ask.prompt "tgd.json",
      { new_text = "string" }
    q.again = function(number, problem)
      return ask.again(ask.prompt "tgd.again", number, problem)
    end
    return
  end
  q.read, q.json, q.schema = read_many(ask_of, whats), ask.prompt "tgd.together.json", {}
  for n in ipairs(whats) do q.schema[together.letter(n)] = "string" end
  q.again = function(_, problem)
    return (ask.fill(ask.prompt "tgd.together.again", { "problem", "form" },
      { problem = problem, form = q.form_shown }))
  end
end

-- ---- asking ----------------------------------------------------------------------

local function optimizer(ask_of)
  local spec, befores = { model = ask_of.context.model }, {}
  for n, i in ipairs(ask_of.targets) do
    spec[n], befores[n] = ask_of.context.params[i], ask_of.plain[i]
  end
  spec.constraints = material.constraints(ask_of.context, befores)
  local opt = tgd(spec)
  opt.habits = ask_of.context.habits
  return opt
end

-- What the texts were written on, for who looks at the run: the verdicts on the batch that was shown.
local function note(ask_of, batch, found)
  local context, records, entries = ask_of.context, {}, {}
  for n, one in ipairs(batch or {}) do
    records[n] = { text = cases.verdict(one, context), example = n, score = one.score,
      from_role = "verdict" }
  end
  for n, i in ipairs(ask_of.targets) do
    entries[n] = { role = context.names[i], changed = true, before = ask_of.plain[i],
      after = found[i], records = records }
  end
  recorder.step(context.sample, entries, context.recorded)
end

--- Ask for new texts.
---
--- spec: prompt (its templates are prompt.system and prompt.user), parent, batch, context; targets
--- (parameters; nil: those that the context names), shown (field of the template → {template,
--- values}), said (field → text without tags of its own), check(new by index) → problem|nil, blank
--- (the old texts are not shown), temperature (nil: the model's).
---@param spec table
---@return string[]|nil texts of all parameters
---@return string|nil why
---@return table|nil detail
function question.ask(spec)
  local ask_of = { prompt = spec.prompt, parent = spec.parent, context = spec.context,
    targets = spec.targets or material.targets(spec.parent, spec.context),
    plain = (material.split(spec.parent.texts)), records = records_of(spec.batch, spec.context),
    shown = spec.shown or {}, said = spec.said or {}, check = spec.check, blank = spec.blank }
  if #ask_of.targets == 0 then return nil, "there is no text to change" end
  ask_of.opt = optimizer(ask_of)
  local q = { system = ask.prompt(spec.prompt .. ".system"), temperature = spec.temperature }
  q.user, q.number, q.form_shown = message(ask_of)
  reader(ask_of, q)
  local answer = ask.hold(q)
  if answer.found then ask_of.opt:note_form(answer) end
  local detail = { reasked = answer.reasked, malformed = answer.malformed }
  if not answer.found then return nil, "refused: " .. answer.problem, detail end
  note(ask_of, spec.batch, answer.found)
  return material.finish(spec.parent, material.join(spec.parent, answer.found), spec.context,
    detail)
end

--- The cases of a batch, to be shown.
---@param batch table[]
---@param context table
---@param head? fun(one: table, n: integer): string
---@return table {template, values}
function question.cases(batch, context, head)
  local template, values = cases.template(batch, context, BUDGET, head)
  return { template = template, values = values }
end

return question
