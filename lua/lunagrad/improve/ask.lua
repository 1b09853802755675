--- A question to the editor's model, until the reply can be used: once more with what was wrong,
--- then as JSON.
--
-- What is asked, and what a reply is worth, are the caller's (lunagrad.improve.rewrite); here is how
-- often, with which messages, and how a template becomes a message. A failed call raises.

local core = require "lunagrad.core"
local errors = require "lunagrad.errors"
local context = require "lunagrad.improve.context"
local loop = require "lunagrad.loop"
local model = require "lunagrad.model"
local var = require "lunagrad.var"

local ask = {}

local ROLE = "question to the editor"
local ANOTHER = 1000 -- candidates are fewer: the number of a second answer to the same question

-- ---- templates -------------------------------------------------------------

--- A template of the operators' prompts, as the variable that it is.
---@param name string
---@return Var
function ask.prompt(name)
  local t = var.engine():template(name)
  if not t then errors.raise("notfound", ("the prompt %q is not set"):format(name), nil, 0) end
  return t
end

--- A template with its fields as variables, and the number that the fence gave its tags. What is
--- in `made` stands there as the variable that it is, with the text of its value.
---@param t Var the template
---@param names string[] of the fields
---@param values table name → text
---@param made? table name → variable
---@return Var question, integer number
function ask.fill(t, names, values, made)
  local engine, vars = var.engine(), {}
  local _, number = core.fence(t:text(), values)
  for n, field in ipairs(names) do
    vars[n] = made and made[field] or core.var(engine, values[field], field, false)
  end
  return core.format(engine, t, names, vars, ROLE, true), number
end

--- What to say when the answer could not be used.
---@param t Var the template, with the field problem
---@param number integer of the tags in it
---@param problem string
---@return Var
function ask.again(t, number, problem)
  local engine = var.engine()
  if number > 0 then
    t = core.var(engine, context.number_tags(t:text(), number), t.role, false)
  end
  local said = core.var(engine, problem, "problem", false)
  return core.format(engine, t, { "problem" }, { said }, ROLE, false)
end

-- ---- calls -----------------------------------------------------------------

local function spec_of(q, messages, most)
  return { messages = messages, role = q.role or "answer of the editor",
           kind = q.kind or "optimizer", max_tokens = most, sample = messages.sample or q.sample,
           temperature = q.temperature }
end

--- One reply, waited for. Where thinking used up the ceiling, it is asked for once more without.
---@param q table {model, ceiling, sample, role, kind = of the call in the ledger}
---@param messages table
---@return Var
function ask.reply(q, messages)
  local function call(most)
    return loop.await(model.call(q.model, spec_of(q, messages, most)))
  end
  local ok, reply = pcall(call, q.ceiling)
  if ok then return reply end
  if q.ceiling and errors.is(reply) and reply.kind == "truncated" then
    loop.passed_on()
    return call(nil) -- long reasoning used it up before the first word
  end
  error(reply, 0)
end

-- The messages of the first try, and the number of the tags that its answer must use.
local function at_first(q)
  if q.form == "plain" and q.plain then return q.plain() end
  return { { "system", q.system }, { "user", q.user } }, q.number
end

-- The same for the second try. The plain question is not explained, but asked for another answer.
local function once_more(q, messages, number, reply, problem, more)
  if messages.plain then
    messages.sample = (q.sample or 0) + ANOTHER
    return messages, number
  elseif (more == "short" or more == "form") and q.plain then
    return q.plain()
  elseif more == "short" and q.short then
    local user, its_number = q.short(problem)
    return { { "system", q.system }, { "user", user } }, its_number
  end
  messages = { { "system", q.system }, { "user", q.user } }
  -- what was cut would only be cut again behind itself
  if reply:finish_reason() ~= "length" and reply:text():find "%S" then
    messages[#messages + 1] = { "assistant", reply }
  end
  messages[#messages + 1] = { "user", q.again(number, problem) }
  return messages, number
end

local function note(tries, found, problem, detail)
  tries.found, tries.problem = found, problem
  for name, value in pairs(detail or {}) do tries[name] = value end
end

-- A model that does not keep to the tags is asked for JSON, which many servers enforce: a weak one
-- without the conversations, which it would take for the question.
local function by_schema(q, tries)
  local user = tries.malformed > 0 and q.short and q.short(tries.problem) or q.user
  local spec = spec_of(q, { { "system", q.system }, { "user", user }, { "user", q.json } },
    q.ceiling)
  spec.schema, spec.once = q.schema, true
  local reply = model.call(q.model, spec)
  local ok, problem = pcall(loop.await, reply)
  if not ok then
    if errors.stops(problem) then error(problem, 0) end
    loop.passed_on()
    tries.problem = tries.problem or "the reply does not fit its form"
    tries.malformed = tries.malformed + 1
    return tries
  end
  tries.reply, tries.form = reply, "schema"
  local found, why, _, detail = q.read(reply:text(), reply:finish_reason(), nil)
  note(tries, found, why, detail)
  return tries
end

--- Ask until the reply can be used: at most twice, and then, if the form was wrong both times, as
--- JSON.
---
--- q: model, system, user, number (of the question's tags), form ("tags", "plain" for the plain
--- question first, where there is one, or "schema" for JSON at once), ceiling (tokens of a reply, or
--- nil), sample, temperature (nil: the model's), json (the message that asks for JSON) and its
--- schema, read(text, finish, number|nil, plain) → found | nil, problem, more, detail (see
--- lunagrad.improve.proposal; what is in detail comes back with the answer), again(number, problem)
--- → message, short(problem) → message, number (or nil), plain() → messages, number (or nil).
---@param q table
---@return table {found, problem, reply, reasked, malformed, form = "schema" or "plain" if it was
--- asked so in the end}
function ask.hold(q)
  local tries = { reasked = false, malformed = 0 }
  if q.form ~= "schema" then
    local messages, number = at_first(q)
    for round = 1, 2 do
      local reply = ask.reply(q, messages)
      local found, problem, more, detail =
        q.read(reply:text(), reply:finish_reason(), number, messages.plain)
      tries.form = messages.plain and "plain" or nil
      note(tries, found, problem, detail)
      tries.reply, tries.reasked = reply, round > 1
      tries.malformed = tries.malformed + (more == "form" and 1 or 0)
      if not more then return tries end
      if round == 1 then messages, number = once_more(q, messages, number, reply, problem, more) end
    end
    if tries.malformed < 2 then return tries end
  end
  return by_schema(q, tries)
end

return ask
