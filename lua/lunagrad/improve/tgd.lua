--- Textual gradient descent: a model rewrites each parameter along the feedback on it.
--
-- One step: for every parameter that has feedback one question (whole variable,
-- feedback, extras) to the optimizer's model, all at the same time; the answers
-- are checked; then all parameters change or none. What is shown is built in
-- lunagrad.improve.context, the words are those of lunagrad.prompts (tgd.*). A
-- failed call raises, and then nothing has changed. A picture or sound is edited
-- by a model that makes such (lunagrad.improve.edit); wherever texts are shown,
-- remembered and reported a description stands for it.

local recorder = require "lunagrad.book.record"
local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local context = require "lunagrad.improve.context"
local edit = require "lunagrad.improve.edit"
local exhibits = require "lunagrad.improve.exhibits"
local functional = require "lunagrad.improve.functional"
local proposal = require "lunagrad.improve.proposal"
local loop = require "lunagrad.loop"
local media = require "lunagrad.media"
local model = require "lunagrad.model"
local options = require "lunagrad.options"
local signatures = require "lunagrad.signatures"
local var = require "lunagrad.var"

---@class lunagrad.tgd
local Tgd = {}
Tgd.__index = Tgd
Tgd.__name = "lunagrad.tgd"

local TAG = "NEW_VARIABLE" -- as lunagrad.prompts writes it
local REMEMBERED_REFUSALS = 3
local LEAST_REPLY = 2048 -- tokens of a reply's ceiling, besides those of the variable

-- ---- making one ------------------------------------------------------------

local SPEC = {
  model = "any", momentum = "integer?", memory = "integer?", constraints = "table?",
  examples = "table?", tags = "any", context_tokens = "integer?", media_model = "any",
  reply_tokens = "integer?", may_grow = "boolean?", pictures = "boolean?",
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
  if tags == nil then return TAG end
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
  local value = spec[name] or 0
  if value < 0 then
    errors.raise("inval", ("lg.optim.tgd: %s must be 0 or more"):format(name), nil, 3)
  end
  return value
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

--- An optimizer of the given variables.
---
--- Options: model (default: the optimizer's role), media_model (edits pictures and sounds, e.g.
--- "openai-image/gpt-image-1"; default: model), momentum (past versions shown), memory (past
--- steps' feedback shown), constraints (texts and lg.constraint), examples (texts the result
--- should be like), tags (the tag the reply must use), context_tokens (budget of all that is
--- shown but the variable), reply_tokens (ceiling of a reply, for models without max_tokens; 2048
--- and what the variable needs; 0: none), pictures (false: those that the feedback is about are not
--- shown to the editor), may_grow (one step may make a text more than four times
--- as long).
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
  options.check(named, SPEC, "lg.optim.tgd")
  local self = setmetatable({
    params = take_params(spec), tag = tag_name(spec.tags),
    model = spec.model ~= nil and model.of(spec.model, "optimizer") or nil,
    media_model = spec.media_model ~= nil and model.of(spec.media_model, "optimizer") or nil,
    momentum = not_negative(spec, "momentum"), memory = not_negative(spec, "memory"),
    constraints = {}, examples = example_texts(spec.examples),
    budget = not_negative(spec, "context_tokens"), past = {}, refused = {}, scores = {},
    rewritten = {}, iteration = 0, form = "tags", malformed = 0, may_grow = spec.may_grow == true,
    pictures = spec.pictures ~= false,
    reply_tokens = spec.reply_tokens and not_negative(spec, "reply_tokens"),
  }, Tgd)
  if self.budget == 0 then self.budget = 24000 end
  for i, one in ipairs(spec.constraints or {}) do
    self.constraints[i] = constraint.lift(one, ("lg.optim.tgd: constraint %d"):format(i))
  end
  for i in ipairs(self.params) do self.past[i], self.refused[i], self.scores[i] = {}, {}, {} end
  return self
end

-- ---- the question ----------------------------------------------------------

--- A template of the engine, with the tag exchanged for `tag`. Unchanged it is the variable itself,
--- so that a trainable template gets its feedback.
local function template(engine, name, tag)
  local t = engine:template(name)
  if not t then
    errors.raise("notfound", ("the prompt %q is not set"):format(name), nil, 0)
  end
  local text = t:text()
  if tag == TAG or text:find("<" .. tag .. ">", 1, true) then return t end
  if not text:find("<" .. TAG .. ">", 1, true) then
    errors.raise("inval", ("the prompt %q asks for no <%s>"):format(name, tag),
      "write the tag into the prompt, or leave out the option tags", 0)
  end
  if t:grad() then
    errors.raise("inval", ("the prompt %q is trainable and asks for <%s>, not for <%s>")
      :format(name, TAG, tag), "write the tag into the prompt", 0)
  end
  return core.var(engine, (text:gsub("%f[%w_]" .. TAG .. "%f[^%w_]", tag)), t.role, false)
end

--- The past versions that momentum shows, with the scores that validation gave them.
local function past_of(self, i)
  local list = context.last_other(self.past[i], self.momentum, media.words(self.params[i]))
  for n, one in ipairs(list) do
    list[n] = { text = one.text, feedback = one.feedback, score = self.scores[i][one.text] }
  end
  return list
end

--- What is shown besides parameter i. Of a picture no texts are shown as examples.
---@param heard table text, solved: records
local function surroundings(self, i, heard)
  local engine, kind = var.engine(), self.params[i]:raw_media()
  return context.build {
    feedback = heard.text, solved_records = heard.solved, solved = heard.n_solved,
    all = heard.n_solved + heard.n_open, score = self.scores[i][media.words(self.params[i])],
    budget = self.budget,
    constraints = constraint.for_media(self.constraints, kind),
    examples = kind and {} or self.examples, refused = self.refused[i],
    past = past_of(self, i),
    memory = context.last(self.past[i], self.memory),
    prompt = function(name) return template(engine, name, TAG):text() end,
  }
end

-- A template with its fields as a variable, and the tag as the fence has it then. What was said is
-- shown in the field `said`, by heard.shown if there is one.
local function filled(self, name, names, values, heard, said)
  local engine, vars = var.engine(), {}
  local t = template(engine, name, self.tag)
  local _, suffix = core.fence(t:text(), values)
  for n, field in ipairs(names) do
    vars[n] = heard.shown and field == said and heard.shown(heard.text, values[field])
      or core.var(engine, values[field], field, false)
  end
  return core.format(engine, t, names, vars, "question to the editor", true),
    suffix > 0 and ("%s_%d"):format(self.tag, suffix) or self.tag
end

--- The question for parameter i as variables, and the tag that the answer must use.
local function question(self, i, heard)
  local p = self.params[i]
  local shown = surroundings(self, i, heard)
  local values = {
    role = p.role, variable = p:text(), standing = shown.standing, context = shown.context,
    extras = shown.extras,
  }
  local user, tag = filled(self, "tgd.user",
    { "role", "variable", "standing", "context", "extras" }, values, heard, "context")
  if self.pictures then
    user = exhibits.attach(user, heard.text, template(var.engine(), "tgd.attached", TAG))
  end
  return { system = template(var.engine(), "tgd.system", TAG), user = user, tag = tag }
end

-- A ceiling for the reply, where the model has none: nil, or tokens.
local function ceiling(self, i)
  local m = model.of(self.model, "optimizer")
  if self.reply_tokens == 0 or rawget(m, "max_tokens") then return nil end
  return self.reply_tokens or LEAST_REPLY + 4 * core.tokens(self.params[i]:text())
end

local function ask(self, i, messages)
  local limit = ceiling(self, i)
  local function call(most)
    return loop.await(model.call(self.model or "optimizer", { messages = messages,
      role = "answer of the editor", kind = "optimizer", max_tokens = most }))
  end
  local ok, reply = pcall(call, limit)
  if ok then return reply end
  if limit and errors.is(reply) and reply.kind == "truncated" then
    loop.passed_on()
    return call(nil) -- long reasoning used it up before the first word
  end
  error(reply, 0)
end

-- ---- the answer ------------------------------------------------------------

-- What a reply is read against.
local function wanted(self, i, heard)
  local records = table.move(heard.text, 1, #heard.text, 1, {})
  table.move(heard.solved, 1, #heard.solved, #records + 1, records)
  return { before = self.params[i]:text(), role = self.params[i].role, records = records,
    constraints = self.constraints, refused = self.refused[i], may_grow = self.may_grow }
end

--- What to say when the answer could not be used.
local function again(self, tag, problem)
  local engine = var.engine()
  local t = template(engine, "tgd.again", self.tag)
  if tag ~= self.tag then
    local text = t:text():gsub("%f[%w_]" .. self.tag .. "%f[^%w_]", tag)
    t = core.var(engine, text, t.role, false)
  end
  local said = core.var(engine, problem, "problem", false)
  return core.format(engine, t, { "problem" }, { said }, "question to the editor", false)
end

-- The question without the conversations, which a weak model takes for what it is asked.
local function short_question(self, i, heard, problem)
  local p, said = self.params[i], {}
  for n, record in ipairs(heard.text) do said[n] = record.text end
  local values = { role = p.role, variable = p:text(), problem = problem,
    feedback = table.concat(context.fit(said, self.budget // 2), "\n") }
  return filled(self, "tgd.short", { "role", "variable", "feedback", "problem" }, values, heard,
    "feedback")
end

-- The messages of the second try, and the tag that its answer must use.
local function once_more(self, i, asked, heard, reply, problem, more)
  if more == "short" then
    local user, tag = short_question(self, i, heard, problem)
    return { { "system", asked.system }, { "user", user } }, tag
  end
  local messages = { { "system", asked.system }, { "user", asked.user } }
  -- what was cut would only be cut again behind itself
  if reply:finish_reason() ~= "length" and reply:text():find "%S" then
    messages[#messages + 1] = { "assistant", reply }
  end
  messages[#messages + 1] = { "user", again(self, asked.tag, problem) }
  return messages, asked.tag
end

-- A model that does not keep to the tags is asked for JSON, which many servers enforce.
local function by_schema(self, i, asked, what, tries)
  local reply = model.call(self.model or "optimizer", { role = "answer of the editor",
    kind = "optimizer", once = true, max_tokens = ceiling(self, i),
    schema = { new_text = "string" },
    messages = { { "system", asked.system }, { "user", asked.user },
      { "user", template(var.engine(), "tgd.json", TAG) } } })
  local ok, problem = pcall(loop.await, reply)
  if not ok then
    if errors.stops(problem) then error(problem, 0) end
    loop.passed_on()
    tries.problem = tries.problem or "the reply does not fit its form"
    tries.malformed = tries.malformed + 1
    return tries
  end
  tries.reply, tries.form = reply, "schema"
  tries.text, tries.problem = proposal.read(what, reply:text(), reply:finish_reason())
  return tries
end

--- The new text for parameter i, or nil and why there is none.
local function propose(self, i, heard)
  if media.family(self.params[i]) then
    return edit.propose { param = self.params[i], shown = surroundings(self, i, heard),
      model = self.media_model or self.model or "optimizer", constraints = self.constraints,
      refused = self.refused[i],
      template = function(name) return template(var.engine(), name, TAG) end }
  end
  local asked, what = question(self, i, heard), wanted(self, i, heard)
  local messages, tag = { { "system", asked.system }, { "user", asked.user } }, asked.tag
  local tries = { reasked = false, malformed = 0 }
  if self.form == "tags" then
    for round = 1, 2 do
      local reply = ask(self, i, messages)
      local new, problem, more = proposal.read(what, reply:text(), reply:finish_reason(), tag)
      tries.reply, tries.problem, tries.text, tries.reasked = reply, problem, new, round > 1
      tries.malformed = tries.malformed + (more == "form" and 1 or 0)
      if not more then return tries end
      if round == 1 then
        messages, tag = once_more(self, i, asked, heard, reply, problem, more)
      end
    end
    if tries.malformed < 2 then return tries end
  end
  return by_schema(self, i, asked, what, tries)
end

-- ---- the report ------------------------------------------------------------

local Report = { __name = "lunagrad.tgd.report" }

function Report:__tostring()
  local lines = { (self.changed and "changed: " or "unchanged: ") .. self.reason }
  for _, p in ipairs(self.params) do
    lines[#lines + 1] = ("  %s: %s (%d piece%s of feedback%s)"):format(p.role, p.reason,
      p.feedback_count, p.feedback_count == 1 and "" or "s", p.reasked and ", asked twice" or "")
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

--- Set all new texts. If one cannot be set, those before it are taken back.
local function commit(self, active, proposals)
  local done = {}
  for _, i in ipairs(active) do
    local p = self.params[i]
    local versions = p:versions()
    local ok, problem = pcall(p.set, p, proposals[i].value or proposals[i].text)
    if not ok then
      for _, one in ipairs(done) do one.param:rollback(one.versions) end
      error(problem, 0)
    end
    done[#done + 1] = { param = p, versions = versions }
  end
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

--- Rewrite the parameters that have feedback: all of them, or none. With functional = true nothing
--- is set: the new texts are returned as variables of the graph, in the order of the parameters
--- (what is not rewritten stands for itself), and the report behind them.
---@param opts? table {functional = boolean}
---@return table report {changed, reason, params = {{role, changed, reason, before, after,
--- feedback = texts, feedback_count, solved, examples, reasked, malformed, reply = variable}}}
function Tgd:step(opts)
  if opts and options.check(opts, { functional = "boolean?" }, "step", 2).functional then
    functional.check(self.params)
    return functional.step(self, { gather = gather, propose = propose, report = make_report })
  end
  local entries, active, heard = gather(self)
  self.iteration, self.step_number = self.step_number or self.iteration + 1, nil
  if #active == 0 then return make_report(false, "no parameter has feedback", entries) end
  local answers = loop.map(active, function(i)
    return propose(self, i, heard[i])
  end, { example = false })
  local accepted, refusals = {}, {}
  for n, i in ipairs(active) do
    local entry, answer = entries[i], answers[n]
    entry.reasked, entry.reply = answer.reasked, answer.reply
    entry.malformed = answer.malformed or 0
    self.malformed = self.malformed + entry.malformed
    if answer.form and answer.text then self.form = answer.form end -- for the next steps
    if answer.problem then
      entry.reason = "refused: " .. answer.problem
      refusals[#refusals + 1] = ("%s: %s"):format(entry.role, answer.problem)
    else
      entry.reason, accepted[i] = "rewritten", answer
    end
  end
  for _, i in ipairs(active) do remember(self, i, entries[i].feedback) end
  if #refusals > 0 then
    for i in pairs(accepted) do
      entries[i].reason = "kept as it was, because another parameter was refused"
    end
    recorder.step(self.iteration, entries)
    return make_report(false, "refused: " .. table.concat(refusals, "; "), entries)
  end
  commit(self, active, accepted)
  self.rewritten = active
  for i, answer in pairs(accepted) do
    entries[i].changed, entries[i].after = true, answer.text
  end
  recorder.step(self.iteration, entries)
  return make_report(true, ("%d of %d parameter%s rewritten"):format(#active, #self.params,
    #self.params == 1 and "" or "s"), entries)
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
