--- Instructions out of what the data are like, without looking at mistakes: a description of the
--- data, and operator "instruct", which writes along it.
--
-- MIPROv2's grounded proposer (arXiv 2406.11695) in words of our own: observations on batches of 10
-- rows, written together; then of all texts at once a new one each, with a tip that is drawn. Unlike
-- there the program's code is not described: a program here is a function, and the roles of its
-- texts say what they are for. Used by the method "mipro".

local core = require "lunagrad.core"
local ask = require "lunagrad.improve.ask"
local context_of = require "lunagrad.improve.context"
local question = require "lunagrad.improve.question"
local together = require "lunagrad.improve.together"
local loop = require "lunagrad.loop"

local instruct = { name = "instruct", batch = false, TIPS = 6 }

local ROWS = 10    -- of a batch of observations
local BATCHES = 10 -- at most
local SHOWN = 3    -- examples that came out well

local function head(_, n) return ("Example %d"):format(n) end

-- ---- what the data are like ------------------------------------------------------

local function batches_of(context)
  local order, list = {}, {}
  for i = 1, #context.train do order[i] = i end
  context.rng:shuffle(order)
  for n, i in ipairs(order) do
    local k = (n - 1) // ROWS + 1
    if k > BATCHES then break end
    list[k] = list[k] or {}
    list[k][#list[k] + 1] = { row = context.train[i] }
  end
  return list
end

-- What is said between the tags that were asked for; without them all of it.
local function said(context, user, tag)
  local reply = ask.reply({ model = context.model or "optimizer", sample = context.sample,
    role = "description of the data" },
    { { "system", ask.prompt "facts.system" }, { "user", user } })
  local text = core.tag_last(reply:text(), tag) or reply:text()
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function observed(rows, context)
  local shown = question.cases(rows, context, head)
  local _, number = core.fence(shown.template, shown.values)
  local text = core.render(context_of.number_tags(shown.template, number), shown.values)
  return said(context, (ask.fill(ask.prompt "facts.user", { "examples" }, { examples = text })),
    "DESCRIPTION")
end

--- What the training rows have in common, in the words of the optimizer's model. Waits.
---@param context table
---@return string facts "" where there are no rows
function instruct.facts(context)
  local list = loop.map(batches_of(context), function(rows) return observed(rows, context) end)
  if #list < 2 then return list[1] or "" end
  return said(context, (ask.fill(ask.prompt "facts.together", { "observations" },
    { observations = table.concat(list, "\n") })), "SUMMARY")
end

-- ---- a new instruction -----------------------------------------------------------

local function solved_rows(context)
  local list = context.rng:shuffle(context.solved())
  return table.move(list, 1, math.min(SHOWN, #list), 1, {})
end

-- A section of the question, or nothing where there is nothing to show in it.
local function section(name, field, piece)
  if not piece.template:find "%S" then return { template = "" } end
  return { values = piece.values, template =
    together.lettered(ask.prompt(name):text(), "", {}, {}, { [field] = piece.template }) }
end

--- Other instructions for the parent's texts, along facts.
---@param parent lunagrad.candidate
---@param context table
---@param facts string
---@param tip integer 1 to instruct.TIPS
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function instruct.write(parent, context, facts, tip)
  local known = { template = facts ~= "" and "{data_facts}" or "", values = { data_facts = facts } }
  return question.ask { prompt = "instruct", parent = parent, batch = {}, context = context,
    temperature = 1, said = { tip = ask.prompt("instruct.tip." .. tip):text() }, shown = {
      facts = section("instruct.facts", "facts", known),
      examples = section("instruct.examples", "examples",
        question.cases(solved_rows(context), context, head)) } }
end

return instruct
