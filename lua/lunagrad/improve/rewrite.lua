--- What the editor is asked about one text, and how its reply is read: the whole text anew, or a
--- few edits of it.
--
-- What is shown is built in lunagrad.improve.context, the words are those of lunagrad.prompts
-- (tgd.*), the talk is lunagrad.improve.ask, and what a reply is worth says
-- lunagrad.improve.proposal. Pictures and sounds go to lunagrad.improve.edit. Nothing is changed
-- here. Used by lunagrad.improve.tgd.

local constraint = require "lunagrad.constraint"
local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local ask = require "lunagrad.improve.ask"
local check = require "lunagrad.improve.check"
local context = require "lunagrad.improve.context"
local edit = require "lunagrad.improve.edit"
local exhibits = require "lunagrad.improve.exhibits"
local habits = require "lunagrad.improve.habits"
local plain = require "lunagrad.improve.plain"
local proposal = require "lunagrad.improve.proposal"
local media = require "lunagrad.media"
local prompts = require "lunagrad.prompts"
local model = require "lunagrad.model"
local var = require "lunagrad.var"

local rewrite = { TAG = "NEW_VARIABLE" } -- the tag as lunagrad.prompts writes it

local TAG = rewrite.TAG
local LEAST_REPLY = 2048  -- tokens of a reply's ceiling, besides those of the variable
local LONG = 1500         -- tokens; beyond them mode "auto" asks for edits

-- ---- what is shown ---------------------------------------------------------

--- A template with the tag exchanged for `tag`. Unchanged it is the variable itself, so that a
--- trainable template gets its feedback.
---@param name string
---@param tag string
---@return Var
function rewrite.template(name, tag)
  local t = ask.prompt(name)
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
  return core.var(var.engine(), (text:gsub("%f[%w_]" .. TAG .. "%f[^%w_]", tag)), t.role, false)
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
---@param self lunagrad.tgd
---@param i integer
---@param heard table text, solved: records
---@param budget integer tokens
---@return table {context, standing, extras}
function rewrite.surroundings(self, i, heard, budget)
  local kind = self.params[i]:raw_media()
  return context.build {
    feedback = heard.text, solved_records = heard.solved, solved = heard.n_solved,
    all = heard.n_solved + heard.n_open, once = proposal.judged_itself(heard.text),
    score = self.scores[i][media.words(self.params[i])], budget = budget,
    constraints = constraint.for_media(self.constraints, kind),
    examples = kind and {} or self.examples, refused = self.refused[i],
    past = past_of(self, i),
    memory = context.last(self.past[i], self.memory),
    prompt = function(name) return ask.prompt(name):text() end,
  }
end

--- A question with the pictures and sounds that the feedback is about behind it.
---@param self lunagrad.tgd
---@param user Var
---@param records table[]
---@return Var|Var[]
function rewrite.illustrated(self, user, records)
  if not self.pictures then return user end
  return exhibits.attach(user, records, ask.prompt "tgd.attached")
end

local FIELDS = { "role", "variable", "standing", "context", "extras" }

--- The question for parameter i, and the number of its tags.
local function question(self, i, heard, t)
  local p = self.params[i]
  local shown = rewrite.surroundings(self, i, heard, self.budget)
  local user, number = ask.fill(t, FIELDS, { role = p.role, variable = p:text(),
    standing = shown.standing, context = shown.context, extras = shown.extras },
    heard.shown and { context = heard.shown(heard.text, shown.context) })
  return rewrite.illustrated(self, user, heard.text), number
end

-- ---- what a reply is read against ------------------------------------------

-- What the questions say about the form of a reply, which weak models give back as the reply.
local function forms(role)
  local said = {}
  for i, name in ipairs { "tgd.json", "tgd.short", "tgd.again", "tgd.edit.json", "tgd.edit.again",
    "tgd.together.form", "tgd.together.json" } do
    said[i] = ask.prompt(name):text()
  end
  return (table.concat(said, "\n"):gsub("{role}", (role:gsub("%%", "%%%%"))))
end

-- All that operators are told: a critic's prompt that says some of it quotes no example.
local function questions()
  local said = {}
  for name in pairs(prompts) do
    local t = var.engine():template(name)
    said[#said + 1] = t and t:text()
  end
  return table.concat(said, "\n")
end

--- What a new text for parameter i is compared with.
---@param self lunagrad.tgd
---@param i integer
---@param heard table
---@return table as proposal.read wants it
function rewrite.wanted(self, i, heard)
  local records = table.move(heard.text, 1, #heard.text, 1, {})
  table.move(heard.solved, 1, #heard.solved, #records + 1, records)
  return { before = self.params[i]:text(), role = self.params[i].role, records = records,
    constraints = self.constraints, refused = self.refused[i], may_grow = self.may_grow,
    max_edits = self.max_edits, form = forms(self.params[i].role), questions = questions,
    param = i }
end

--- A reader of replies whose new texts are put to the judge of the constraints as well, where that
--- is asked for.
---@param self lunagrad.tgd
---@param role string of the variable
---@param read function as ask.hold wants it
---@return function
function rewrite.checked(self, role, read)
  if not self.checks then return read end
  return function(text, finish, number, is_plain)
    local found, problem, more, detail = read(text, finish, number, is_plain)
    if not found then return nil, problem, more, detail end
    local broken, unread = check.problem { text = found, role = role, model = self.checks.model,
      constraints = self.constraints }
    detail = detail or {}
    detail.unchecked = unread
    if broken then return nil, broken, "again", detail end
    return found, nil, nil, detail
  end
end

--- What every question has: whom it goes to, and how long its reply may be. `tokens` are those of
--- a reply besides the usual ones.
---@param self lunagrad.tgd
---@param sample integer|nil
---@param tokens integer
---@return table q for ask.hold, without the question
function rewrite.addressed(self, sample, tokens)
  local whom, ceiling = self.model or "optimizer", nil
  if self.reply_tokens ~= 0 and not rawget(model.of(self.model, "optimizer"), "max_tokens") then
    ceiling = self.reply_tokens or LEAST_REPLY + tokens
  end
  return { model = whom, ceiling = ceiling, sample = sample, form = self:form() }
end

-- ---- the whole text anew ---------------------------------------------------

-- The question without the conversations, which a weak model takes for what it is asked.
local function short_question(self, i, heard, problem)
  local p, said = self.params[i], {}
  for n, record in ipairs(heard.text) do said[n] = record.text end
  local feedback = table.concat(context.fit(said, self.budget // 2), "\n")
  return ask.fill(rewrite.template("tgd.short", self.tag),
    { "role", "variable", "feedback", "problem" },
    { role = p.role, variable = p:text(), problem = problem, feedback = feedback },
    heard.shown and { feedback = heard.shown(heard.text, feedback) })
end

-- Whether whom is asked is known to be weak. Who is asked is also who criticises, as far as is known
-- here, when the names are the same.
local function is_weak(self, q, doubted)
  local whom = model.of(q.model, "optimizer")
  if whom.name ~= model.of(nil, "backward").name then return false end
  local known = self:known()
  local before = known.doubts
  habits.doubt(known, doubted)
  return before > 0
end

-- The question for weak models, where the text is one that it can be about; asked at once when the
-- critic only gave back what it was told, or does so more often than not.
local function plain_question(self, i, heard, q)
  if not proposal.instructs(heard.text) then return end
  local p, doubted = self.params[i], plain.doubted(heard.text)
  local weak = is_weak(self, q, doubted) or doubted
  if weak or q.form == "schema" then q.form = "plain" end
  q.plain = function()
    return plain.messages { role = p.role, variable = p:text(), records = heard.text,
      doubted = weak, constraints = self.constraints, budget = self.budget, shown = heard.shown,
      template = function(name) return rewrite.template(name, self.tag) end }
  end
end

local function whole(self, i, heard, sample)
  local what = rewrite.wanted(self, i, heard)
  local q = rewrite.addressed(self, sample, 4 * core.tokens(what.before))
  plain_question(self, i, heard, q)
  q.system = ask.prompt "tgd.system"
  q.user, q.number = question(self, i, heard, rewrite.template("tgd.user", self.tag))
  q.json, q.schema = ask.prompt "tgd.json", { new_text = "string" }
  q.read = function(text, finish, number, is_plain)
    what.open = is_plain
    return proposal.read(what, text, finish,
      number and self.tag .. (number > 0 and "_" .. number or ""))
  end
  q.again = function(number, problem)
    return ask.again(rewrite.template("tgd.again", self.tag), number, problem)
  end
  q.short = function(problem) return short_question(self, i, heard, problem) end
  return q
end

-- ---- edits -----------------------------------------------------------------

local function by_edits(self, i, heard, sample)
  local what = rewrite.wanted(self, i, heard)
  local q = rewrite.addressed(self, sample, core.tokens(what.before))
  q.system = ask.prompt "tgd.edit.system"
  q.user, q.number = question(self, i, heard, ask.prompt "tgd.edit")
  q.json = ask.prompt "tgd.edit.json"
  q.schema = { edits = { { find = "string", replace = "string" } } }
  q.read = function(text, finish, number)
    return proposal.read_edits(what, text, finish, number)
  end
  q.again = function(number, problem)
    return ask.again(ask.prompt "tgd.edit.again", number, problem)
  end
  return q
end

local function wants_edits(self, i)
  if self.mode == "auto" then return core.tokens(self.params[i]:text()) > LONG end
  return self.mode == "edit"
end

-- ---- one parameter ---------------------------------------------------------

local function drawn(self, i, heard, sample)
  return edit.propose { param = self.params[i], sample = sample,
    shown = rewrite.surroundings(self, i, heard, self.budget),
    model = self.media_model or self.model or "optimizer", constraints = self.constraints,
    refused = self.refused[i], template = ask.prompt }
end

--- A new value for parameter i, or why there is none.
---@param self lunagrad.tgd
---@param i integer
---@param heard table what was said of it
---@param sample integer|nil which of several answers to the same question
---@return table answer {text, value, problem, reply, reasked, malformed, form, edits,
--- unchecked = constraints that the judge gave no verdict on}
function rewrite.propose(self, i, heard, sample)
  if media.family(self.params[i]) then return drawn(self, i, heard, sample) end
  local q = (wants_edits(self, i) and by_edits or whole)(self, i, heard, sample)
  q.read = rewrite.checked(self, self.params[i].role, q.read)
  local answer = ask.hold(q)
  answer.text = answer.found
  return answer
end

return rewrite
