--- Several texts that depend on each other, rewritten in one reply.
--
-- Each is shown whole with its feedback, under a letter, and the reply has a tag for each:
-- NEW_VARIABLE_A, NEW_VARIABLE_B. One that is given back as it is stays as it is; a reply that gives
-- all of them back is refused, as is one that leaves any out. The words are lunagrad.prompts'
-- tgd.together.*. Used by lunagrad.improve.candidates.

local core = require "lunagrad.core"
local ask = require "lunagrad.improve.ask"
local check = require "lunagrad.improve.check"
local context = require "lunagrad.improve.context"
local proposal = require "lunagrad.improve.proposal"
local rewrite = require "lunagrad.improve.rewrite"
local loop = require "lunagrad.loop"

local together = {}

--- What variable n of a question is called: A, B, …
---@param n integer
---@return string
function together.letter(n)
  return n <= 26 and string.char(64 + n) or "P" .. n
end

-- ---- the question ----------------------------------------------------------

--- A part's template as a piece of the whole one: its fields get the letter, and their values go to
--- those of the whole. What is in `pieces` is put in as it is.
---@param text string
---@param letter string
---@param given table<string, string>
---@param values table<string, string>
---@param pieces? table<string, string>
---@return string
function together.lettered(text, letter, given, values, pieces)
  return (text:gsub("({+)([%a_][%w_]*)}", function(open, name)
    if #open % 2 == 0 then return nil end -- "{{" is a brace
    if name == "letter" then return open:sub(2) .. letter end
    if pieces and pieces[name] then return open:sub(2) .. pieces[name] end
    local field = ("%s_%s"):format(name, letter)
    values[field] = given[name]
    return ("%s{%s}"):format(open:sub(2), field)
  end))
end

--- The question about all of them: the message, the form of the reply, and the tags' number.
local function question(self, group, heard)
  local part, form = ask.prompt "tgd.together.part":text(), ask.prompt "tgd.together.form":text()
  form = form:gsub(rewrite.TAG, self.tag)
  local parts, forms, values = {}, {}, {}
  for n, i in ipairs(group) do
    local p, letter = self.params[i], together.letter(n)
    local shown = rewrite.surroundings(self, i, heard[i], self.budget // #group)
    local given = { role = p.role, variable = p:text(), standing = shown.standing,
      context = shown.context, extras = shown.extras }
    parts[n] = together.lettered(part, letter, given, values)
    forms[n] = together.lettered(form, letter, given, values)
  end
  local shown, wanted = table.concat(parts, "\n\n"), table.concat(forms, "\n")
  local _, number = core.fence(shown .. wanted, values)
  shown = core.render(context.number_tags(shown, number), values)
  wanted = core.render(context.number_tags(wanted, number), values)
  local user = ask.fill(ask.prompt "tgd.together", { "variables", "form" },
    { variables = shown, form = wanted })
  local records = {}
  for _, i in ipairs(group) do
    table.move(heard[i].text, 1, #heard[i].text, #records + 1, records)
  end
  return rewrite.illustrated(self, user, records), wanted, number
end

-- ---- the reply -------------------------------------------------------------

-- The new texts by number, and the letters of those that are missing.
local function texts_in(self, group, text, number)
  local suffix = number and number > 0 and "_" .. number or ""
  local value = not number and core.json_decode(text)
  local texts, missing = {}, {}
  for n in ipairs(group) do
    local letter = together.letter(n)
    local new
    if number then
      new = core.tag_last(text, ("%s_%s%s"):format(self.tag, letter, suffix))
    else
      new = type(value) == "table" and value[letter]
    end
    texts[n] = type(new) == "string" and new or nil
    if not texts[n] then missing[#missing + 1] = letter end
  end
  return texts, missing
end

-- Each new text as proposal.problem sees it; found[n] = {text, same} or what is wrong by number.
local function weigh(whats, texts)
  local found, problems, changed = {}, {}, false
  for n, what in ipairs(whats) do
    local new = proposal.tidy(texts[n], what.before)
    local same = new == proposal.tidy(what.before, what.before)
    local problem = not same and proposal.problem(what, new) or nil
    problems[n], changed = problem, changed or not same
    found[n] = { text = same and what.before or new, same = same }
  end
  return found, problems, changed
end

-- What the judge of the constraints has against the texts that changed.
local function judge(self, whats, found, problems)
  if not self.checks then return end
  local unchecked = loop.map(found, function(one, n)
    if one.same then return false end
    local problem, unread = check.problem { text = one.text, role = whats[n].role,
      model = self.checks.model, constraints = self.constraints }
    problems[n] = problem
    return unread or false
  end, { example = false })
  for n, unread in ipairs(unchecked) do found[n].unchecked = unread or nil end
end

local function named(whats, problems)
  local said = {}
  for n, what in ipairs(whats) do
    if problems[n] then
      said[#said + 1] = ("%s (%s): %s"):format(together.letter(n), what.role, problems[n])
    end
  end
  return table.concat(said, "; ")
end

--- The new texts of a reply, by number; or nil, what is wrong with it, and how it may be asked for
--- again (see lunagrad.improve.proposal).
---@param self lunagrad.tgd
---@param group integer[] so many
---@param whats table[] as proposal.read wants it
---@param text string the reply
---@param finish string|nil why it ended
---@param number integer|nil of its tags, 0: none; nil: it is JSON
---@return table[]|nil found {text, same, unchecked}
---@return string|nil problem, "again"|"form"|false|nil more
---@return table|nil detail {problems by number}
function together.read(self, group, whats, text, finish, number)
  if finish == "content_filter" then
    return nil, "the reply was cut by the provider's content filter", false
  end
  local texts, missing = texts_in(self, group, text, number)
  if #missing > 0 then
    if finish == "length" then
      return nil, "the reply was cut at the model's token limit", "form"
    end
    return nil, "it holds no new text for " .. table.concat(missing, ", "), "form"
  end
  local found, problems, changed = weigh(whats, texts)
  if not changed then return nil, "all new texts are the old ones", "again" end
  if not next(problems) then judge(self, whats, found, problems) end
  if next(problems) then
    return nil, named(whats, problems), "again", { problems = problems }
  end
  return found, nil, nil, { problems = {} }
end

-- ---- one question ----------------------------------------------------------

local function question_of(self, group, heard, sample)
  local whats, tokens, schema = {}, 0, {}
  for n, i in ipairs(group) do
    whats[n] = rewrite.wanted(self, i, heard[i])
    tokens, schema[together.letter(n)] = tokens + core.tokens(whats[n].before), "string"
  end
  local q = rewrite.addressed(self, sample, 4 * tokens)
  local form
  q.system = ask.prompt "tgd.together.system"
  q.user, form, q.number = question(self, group, heard)
  q.json, q.schema = ask.prompt "tgd.together.json", schema
  q.read = function(text, finish, number)
    return together.read(self, group, whats, text, finish, number)
  end
  q.again = function(_, problem)
    return (ask.fill(ask.prompt "tgd.together.again", { "problem", "form" },
      { problem = problem, form = form }))
  end
  return q
end

--- New texts for the parameters of a group, or why there are none.
---@param self lunagrad.tgd
---@param group integer[] of the parameters, all of them texts
---@param heard table index of a parameter → what was said of it
---@param sample integer|nil which of several answers to the same question
---@return table answers index of a parameter → {text, same = it stays as it is, problem, reply,
--- reasked, malformed, form, unchecked}
function together.propose(self, group, heard, sample)
  local tries, answers = ask.hold(question_of(self, group, heard, sample)), {}
  local problems = tries.problem and tries.problems or {}
  local whose = next(problems) ~= nil
  for n, i in ipairs(group) do
    local one = tries.found and tries.found[n] or {}
    answers[i] = { text = one.text, same = one.same, unchecked = one.unchecked,
      problem = problems[n] or not whose and tries.problem or nil, reply = tries.reply,
      reasked = tries.reasked, malformed = n == 1 and tries.malformed or 0, form = tries.form }
  end
  return answers
end

return together
