--- Textual gradient descent: a model rewrites each parameter along the feedback on it.
--
-- One step: for every parameter that has feedback one question (whole variable,
-- feedback, extras) to the optimizer's model, all at the same time; the answers
-- are checked; then all parameters change or none. What is asked and how it is read
-- is lunagrad.improve.rewrite. A failed call raises, and then nothing has changed. A
-- picture or sound is edited by a model that makes such; wherever texts are shown,
-- remembered and reported a description stands for it.

local recorder = require "lunagrad.book.record"
local constraint = require "lunagrad.constraint"
local errors = require "lunagrad.errors"
local candidates = require "lunagrad.improve.candidates"
local functional = require "lunagrad.improve.functional"
local habits = require "lunagrad.improve.habits"
local replace = require "lunagrad.improve.replace"
local rewrite = require "lunagrad.improve.rewrite"
local media = require "lunagrad.media"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local signatures = require "lunagrad.signatures"
local var = require "lunagrad.var"

---@class lunagrad.tgd
local Tgd = {}
Tgd.__index = Tgd
Tgd.__name = "lunagrad.tgd"

local REMEMBERED_REFUSALS = 3

-- ---- making one ------------------------------------------------------------

local SPEC = {
  model = "any", momentum = { type = "integer", default = 0 },
  memory = { type = "integer", default = 0 }, constraints = "table?", examples = "table?",
  tags = { type = "any", default = rewrite.TAG }, media_model = "any",
  context_tokens = { type = "integer", default = 24000 }, reply_tokens = "integer?",
  may_grow = { type = "boolean", default = false }, max_edits = { type = "integer", default = 5 },
  candidates = { type = "integer", default = 1 }, judge = "callable?",
  check_constraints = { type = "any", default = false },
  together = { type = "boolean", default = false },
  pictures = { type = "boolean", default = true },
  mode = { type = "string", one_of = { "rewrite", "edit", "auto" }, default = "rewrite" },
}

local function take_params(spec)
  local params, seen = {}, {}
  for i, p in ipairs(spec) do
    if not var.is(p) then
      errors.raise("inval", ("lg.optim.tgd: parameter %d is no variable, but a %s")
        :format(i, type(p)), "make it with lg.param(text, role)", 3)
    elseif not p:grad() then
      errors.raise("inval", ("lg.optim.tgd: parameter %d (%s) does not require grad")
        :format(i, p.role), "make it with lg.param(text, role)", 3)
    elseif seen[p] then
      errors.raise("inval", ("lg.optim.tgd: parameters %d and %d are the same variable")
        :format(seen[p], i), nil, 3)
    elseif media.family(p) == "document" then
      errors.raise("inval", ("lg.optim.tgd: parameter %d (%s) is a document, which no model edits")
        :format(i, p.role), nil, 3)
    end
    params[i], seen[p] = p, i
  end
  if #params == 0 then
    errors.raise("inval", "lg.optim.tgd: no parameter given", "lg.optim.tgd{ prompt }", 3)
  end
  return params
end

--- The tag's bare name, from "NAME", "<NAME>" or { "<NAME>", "</NAME>" }.
local function tag_name(tags)
  local first, second = tags, nil
  if type(tags) == "table" then first, second = tags[1], tags[2] end
  local name = type(first) == "string" and (first:match "^<?([A-Z][A-Z0-9_]*)>?$")
  if not name or second ~= nil and second ~= "</" .. name .. ">" then
    errors.raise("inval", "lg.optim.tgd: tags is a name in capitals, e.g. \"NEW_PROMPT\"",
      "the opening and the closing tag are made from it", 3)
  end
  return name
end

local function not_negative(spec, name)
  local value = spec[name]
  if value < 0 then
    errors.raise("inval", ("lg.optim.tgd: %s must be 0 or more"):format(name), nil, 3)
  end
  return value
end

local function at_least_one(spec, name)
  if spec[name] and spec[name] < 1 then
    errors.refuse(name, ("lg.optim.tgd: %s must be 1 or more"):format(name), nil, 3)
  end
end

local function example_texts(list)
  local texts = {}
  for i, example in ipairs(list or {}) do
    if var.is(example) then example = example:text() end
    if type(example) ~= "string" then
      errors.raise("inval", ("lg.optim.tgd: example %d is no text"):format(i), nil, 3)
    end
    texts[i] = example
  end
  return texts
end

-- Who judges the constraints in words: {model}, nil: nobody is asked.
local function checks_of(wanted)
  if not wanted then return nil end
  return { model = wanted ~= true and model.of(wanted, "judge") or nil }
end

--- An optimizer of the given variables.
---
--- Options: model (default: the optimizer's role), media_model (edits pictures and sounds, e.g.
--- "openai-image/gpt-image-1"; default: model), momentum (past versions shown), memory (past
--- steps' feedback shown), constraints (texts and lg.constraint), examples (texts the result
--- should be like), tags (the tag the reply must use), context_tokens (budget of all that is
--- shown but the variable), reply_tokens (ceiling of a reply, for models without max_tokens; 2048
--- and what the variable needs; 0: none), pictures (false: those that the feedback is about are not
--- shown to the editor), may_grow (one step may make a text more than four times as long), mode
--- ("rewrite": the whole text anew; "edit": a few edits of it; "auto": edits of texts beyond some
--- 1,500 tokens), max_edits (of one reply, 5), candidates (so many proposals a step, of which the
--- judge takes the best), judge(texts) → score, check_constraints (true or a model: a judge looks
--- at the constraints in words), together (one question and reply for all texts that have
--- feedback). docs/optimizers.md says more.
---@param spec table
---@return lunagrad.tgd
local function tgd(spec)
  if type(spec) ~= "table" or var.is(spec) then
    errors.raise("inval", "lg.optim.tgd: expected a table", "lg.optim.tgd{ prompt }", 2)
  end
  local named = {}
  for key, value in pairs(spec) do
    if math.type(key) == nil then named[key] = value end
  end
  named = options.check(named, SPEC, "lg.optim.tgd")
  at_least_one(named, "max_edits")
  at_least_one(named, "candidates")
  if named.together and named.mode == "edit" then
    errors.refuse("together", "lg.optim.tgd: together = true rewrites whole texts, not by edits",
      "leave out mode = \"edit\"", 2)
  end
  local self = setmetatable({
    params = take_params(spec), tag = tag_name(named.tags),
    model = spec.model ~= nil and model.of(spec.model, "optimizer") or nil,
    media_model = spec.media_model ~= nil and model.of(spec.media_model, "optimizer") or nil,
    momentum = not_negative(named, "momentum"), memory = not_negative(named, "memory"),
    constraints = {}, examples = example_texts(spec.examples),
    budget = not_negative(named, "context_tokens"), past = {}, refused = {}, scores = {},
    rewritten = {}, iteration = 0, malformed = 0, may_grow = named.may_grow,
    pictures = named.pictures,
    reply_tokens = spec.reply_tokens and not_negative(spec, "reply_tokens"),
    candidates = named.candidates, judge = named.judge, mode = named.mode,
    together = named.together, max_edits = named.max_edits,
    checks = checks_of(named.check_constraints),
  }, Tgd)
  if self.budget == 0 then self.budget = SPEC.context_tokens.default end
  for i, one in ipairs(spec.constraints or {}) do
    self.constraints[i] = constraint.lift(one, ("lg.optim.tgd: constraint %d"):format(i))
  end
  for i in ipairs(self.params) do self.past[i], self.refused[i], self.scores[i] = {}, {}, {} end
  return self
end

-- ---- the report ------------------------------------------------------------

local Report = { __name = "lunagrad.tgd.report" }

function Report:__tostring()
  local lines = { (self.changed and "changed: " or "unchanged: ") .. self.reason }
  for _, p in ipairs(self.params) do
    lines[#lines + 1] = ("  %s: %s (%d piece%s of feedback%s)"):format(p.role, p.reason,
      p.feedback_count, p.feedback_count == 1 and "" or "s", p.reasked and ", asked twice" or "")
    for _, one in ipairs(p.unchecked or {}) do
      lines[#lines + 1] = ("    not checked: %s"):format(errors.quoted(one))
    end
    for _, one in ipairs(p.edits or {}) do lines[#lines + 1] = "    " .. replace.line(one) end
  end
  for i, one in ipairs(self.candidates or {}) do
    lines[#lines + 1] = "  " .. candidates.line(i, one)
  end
  return table.concat(lines, "\n")
end

local function make_report(changed, reason, params)
  return setmetatable({ changed = changed, reason = reason, params = params }, Report)
end

-- ---- a step ----------------------------------------------------------------

-- The examples that records, or what they were merged from, are of; one without is one by itself.
local function add_examples(set, record)
  local sources = record.sources and #record.sources > 0 and record.sources or { record }
  for _, source in ipairs(sources) do set[source.example or source] = true end
end

--- What was said of p: the records with text, those of examples that came out right, and how many
--- examples did and did not: an example whose calls used p twice is one. Waits for a backward pass
--- that still runs; one that failed raises.
---@return table {text, solved, n_solved, n_open}
local function heard_of(p)
  local heard, open, right = { text = {}, solved = {}, n_solved = 0, n_open = 0 }, {}, {}
  for _, record in ipairs(p:feedback()) do
    if record.state == "text" and record.text:find "%S" then
      heard.text[#heard.text + 1] = record
      add_examples(open, record)
    elseif record.state == "empty" and record.score and record.score >= (record.target or 1) then
      heard.solved[#heard.solved + 1] = record
      add_examples(right, record)
    end
  end
  for example in pairs(right) do
    if not open[example] then heard.n_solved = heard.n_solved + 1 end
  end
  for _ in pairs(open) do heard.n_open = heard.n_open + 1 end
  return heard
end

local function remember(self, i, feedback)
  local past, keep = self.past[i], math.max(self.momentum, self.memory)
  if keep == 0 then return end
  past[#past + 1] = { text = media.words(self.params[i]), feedback = table.concat(feedback, "\n") }
  while #past > keep + 1 do table.remove(past, 1) end
end

local function gather(self)
  local entries, active, heard = {}, {}, {}
  for i, p in ipairs(self.params) do
    local entry = { role = p.role, name = p.role, changed = false, before = media.words(p),
                    feedback_count = 0, feedback = {}, reasked = false }
    entries[i] = entry
    if not p:grad() then
      entry.reason = "frozen: it does not require grad any more"
    else
      heard[i] = heard_of(p)
      entry.records, entry.feedback_count = heard[i].text, #heard[i].text
      for n, one in ipairs(heard[i].text) do entry.feedback[n] = one.text end
      entry.solved, entry.examples = heard[i].n_solved, heard[i].n_solved + heard[i].n_open
      if entry.feedback_count == 0 then
        entry.reason = "no feedback"
      else
        active[#active + 1] = i
      end
    end
  end
  return entries, active, heard
end

--- What is known of the model; a search gives its own (`habits`).
---@return lunagrad.habits
function Tgd:known() return self.habits or habits.of(model.of(self.model, "optimizer")) end

--- The form in which the model is asked first.
---@return "tags"|"schema"
function Tgd:form() return self:known().form or "tags" end

--- The model has managed to answer in this form.
---@param answer table {form}
function Tgd:note_form(answer)
  if answer.form == "schema" then self:known().form = answer.form end
end

-- What came of the answers, whichever is taken: what the next steps do otherwise.
local function learn(self, entries, all)
  for _, one in ipairs(all) do
    local entry, answer = entries[one.i], one.answer
    entry.malformed = (entry.malformed or 0) + (answer.malformed or 0)
    self.malformed = self.malformed + (answer.malformed or 0)
    if answer.text then self:note_form(answer) end
  end
end

-- Nothing is changed: what each parameter's entry says about that.
local function refuse(entries, active, answers)
  local refusals = {}
  for _, i in ipairs(active) do
    local entry, problem = entries[i], answers[i].problem
    if problem then
      entry.reason = "refused: " .. problem
      refusals[#refusals + 1] = ("%s: %s"):format(entry.role, problem)
    else
      entry.reason = "kept as it was, because another parameter was refused"
    end
    if entry.edits then replace.refuse(entry.edits, "the new text was refused") end
  end
  return make_report(false, "refused: " .. table.concat(refusals, "; "), entries)
end

local function accept(self, entries, active, answers)
  candidates.set(self.params, answers)
  self.rewritten = {}
  for _, i in ipairs(active) do
    local entry, answer = entries[i], answers[i]
    if answer.same then
      entry.reason = "left as it is"
    else
      self.rewritten[#self.rewritten + 1] = i
      entry.changed, entry.after = true, answer.text
      entry.reason = answer.edits and replace.summary(answer.edits) or "rewritten"
    end
  end
  return make_report(true, ("%d of %d parameter%s rewritten"):format(#self.rewritten,
    #self.params, #self.params == 1 and "" or "s"), entries)
end

local function judge_of(self, opts)
  local judge = opts and opts.judge or self.judge
  if self.candidates > 1 and not judge then
    errors.refuse("judge", ("optimizer:step: candidates = %d, but nobody says which is best")
      :format(self.candidates), "give judge = function(texts) return score end to lg.optim.tgd or "
        .. "to step; lg.train gives its own", 3)
  end
  return judge
end

--- Rewrite the parameters that have feedback: all of them, or none. With functional = true nothing
--- is set: the new texts are returned as variables of the graph, in the order of the parameters
--- (what is not rewritten stands for itself), and the report behind them; there is one candidate
--- then, and each parameter is a question of its own.
---
--- judge(texts) → number says which of several candidates is best; the parameters hold its texts
--- meanwhile.
---@param opts? table {judge = function, functional = boolean}
---@return table report {changed, reason, params = {{role, changed, reason, before, after,
--- feedback = texts, feedback_count, solved, examples, reasked, malformed, reply = variable,
--- edits = {{find, replace, applied, problem}} or nil, unchecked = texts or nil}},
--- candidates = {{texts, score, problem, times, taken}} or nil}
function Tgd:step(opts)
  options.check(opts, { judge = "callable?", functional = "boolean?" }, "step", 2)
  if opts and opts.functional then
    functional.check(self.params)
    return functional.step(self, { gather = gather, propose = rewrite.propose,
      report = make_report })
  end
  local judge = judge_of(self, opts)
  local entries, active, heard = gather(self)
  self.iteration, self.step_number = self.step_number or self.iteration + 1, nil
  if #active == 0 then return make_report(false, "no parameter has feedback", entries) end
  local list, all = candidates.ask(self, active, heard)
  learn(self, entries, all)
  local taken = candidates.best(self.params, list, judge)
  for _, i in ipairs(active) do
    local entry, answer = entries[i], taken.answers[i]
    entry.reasked, entry.reply, entry.edits = answer.reasked, answer.reply, answer.edits
    entry.unchecked = answer.unchecked
    remember(self, i, entry.feedback)
  end
  local report = taken.problem and refuse(entries, active, taken.answers)
    or accept(self, entries, active, taken.answers)
  if self.candidates > 1 then report.candidates = candidates.told(list, taken) end
  recorder.step(self.iteration, entries, self.search)
  return report
end

--- Forget the feedback on all parameters.
function Tgd:zero_grad()
  for _, p in ipairs(self.params) do p:zero_grad() end
end

--- The variables that this optimizer rewrites.
---@return table
function Tgd:parameters()
  return table.move(self.params, 1, #self.params, 1, {})
end

--- Tell the optimizer that validation refused its last step. Call it before the parameters are
--- rolled back: the texts are shown in later steps, and the same text is not accepted again (if it
--- was the only one that changed).
---@param score number|nil of these texts
---@param kept number|nil the score of what is kept instead
function Tgd:rejected(score, kept)
  for _, i in ipairs(self.rewritten) do
    local list = self.refused[i]
    list[#list + 1] = { text = media.words(self.params[i]), score = score, kept = kept,
                        alone = #self.rewritten == 1 }
    if #list > REMEMBERED_REFUSALS then table.remove(list, 1) end
  end
end

--- Tell the optimizer that the texts the parameters hold now stay, and what validation gave them.
--- What was refused before is no longer shown; the score is, with the past versions.
---@param score number|nil
function Tgd:accepted(score)
  for i, p in ipairs(self.params) do
    self.refused[i], self.scores[i][media.words(p)] = {}, score
  end
end

signatures.methods(Tgd, "optimizer", "lunagrad.tgd", { step = { { "options", "table?" } },
  zero_grad = {}, parameters = {}, accepted = { { "score", "number?" } }, rejected = {} })

return tgd
