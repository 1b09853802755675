--- Operator "demos": worked examples behind an instruction, from what the parent solved.
--
-- DSPy's bootstrapped demonstrations: of rows of the training set that the parent solves, what came
-- in and what came out at the very call that the text instructs, so that a step in the middle of a
-- program gets examples of its own. How many and which is drawn. Nobody is asked: what was bought is
-- served. A block that is there is replaced, or taken off again. Where nothing is solved yet and the
-- program has one text, the rows' right answers stand for the outputs.

local core = require "lunagrad.core"
local cases = require "lunagrad.improve.cases"
local material = require "lunagrad.improve.material"
local solved = require "lunagrad.improve.solved"
local worked = require "lunagrad.improve.worked"
local loop = require "lunagrad.loop"
local var = require "lunagrad.var"

-- may_quote: its texts are not looked through for copies of training examples, they are made of them
local demos = { name = "demos", batch = false, may_quote = true }

local LONGEST = 400 -- tokens of one example
local DRAWS = 3     -- until examples come that are not known yet

-- ---- which -------------------------------------------------------------------

local function fits(one) return core.tokens(one.input) + core.tokens(one.output) <= LONGEST end

-- The rows that the parent is known to solve, in a drawn order.
local function solved_rows(context)
  local list = context.solved()
  return context.rng:shuffle(table.move(list, 1, #list, 1, {}))
end

-- Right answers instead of outputs.
local function labels(context)
  local list = {}
  for i = 1, #context.train do
    local row = context.train[i]
    local input, truth = cases.input(row, context.field), cases.truths(row, context.field)[1]
    if input:find "%S" and truth and truth:find "%S" then
      list[#list + 1] = { i = i, input = input, output = truth }
    end
  end
  return context.rng:shuffle(list)
end

-- ---- what came in and out at a call --------------------------------------------

local function of_talk(record, one, context)
  local talk = record.conversation or ""
  local input = talk:match "<USER[_%d]*>\n(.-)\n</USER[_%d]*>"
  local output = talk:match ".*<OUTPUT[_%d]*>\n(.-)\n</OUTPUT[_%d]*>"
  if not output then return nil end
  if not input or input:find("[VARIABLE]", 1, true) then -- the text is part of what comes in
    input = cases.input(one.row, context.field)
  end
  return { i = one.i, input = input, output = output }
end

-- What stood at each use of a text, by row, in their order; one use of each row.
local function uses(p, rows, context)
  local by_row, list = {}, {}
  for _, record in ipairs(p:feedback()) do
    local n = record.example
    if n and rows[n] and not by_row[n] then by_row[n] = of_talk(record, rows[n], context) end
  end
  for n in ipairs(rows) do
    if by_row[n] and fits(by_row[n]) then list[#list + 1] = by_row[n] end
  end
  return list
end

-- Of each target the examples: target → list. As a task inside the parent's binding.
local function bootstrapped(rows, targets, context)
  local losses, found = {}, {}
  for _, loss in ipairs(loop.map(rows, function(one)
    local answer = context.program(one.row)
    return var.is(answer) and answer:grad() and solved.loss(answer, 1, 1)
  end)) do
    losses[#losses + 1] = loss or nil
  end
  if #losses > 0 then var.sum(losses):backward(context.backward):await() end
  for _, i in ipairs(targets) do found[i] = uses(context.params[i], rows, context) end
  return found
end

-- ---- the block -----------------------------------------------------------------

-- In a text that is a template braces would be fields.
local function shown(list, instruction)
  if #core.fields(instruction) == 0 then return list end
  local escaped = {}
  for n, one in ipairs(list) do
    escaped[n] = { input = one.input:gsub("{", "{{"), output = one.output:gsub("{", "{{") }
  end
  return escaped
end

local function has_examples(blocks, targets)
  for _, i in ipairs(targets) do
    if blocks[i] ~= "" then return true end
  end
  return false
end

local function examples(parent, targets, rows, most, context)
  if #rows > 0 then
    rows = table.move(rows, 1, math.min(most, #rows), 1, {})
    return context.run(parent.texts, function() return bootstrapped(rows, targets, context) end)
  end
  local list = {}
  for _, one in ipairs(#context.params == 1 and labels(context) or {}) do
    if #list < most and fits(one) then list[#list + 1] = one end
  end
  return { [targets[1]] = list }
end

-- One draw of the examples.
local function drawn(parent, targets, context)
  local plain, blocks = material.split(parent.texts)
  local least = has_examples(blocks, targets) and 0 or 1
  local most = context.rng:int(least, math.max(context.max_demos or 4, 1))
  local rows = solved_rows(context)
  local found = most > 0 and examples(parent, targets, rows, most, context) or {}
  local texts, used = table.move(parent.texts, 1, #parent.texts, 1, {}), {}
  for _, i in ipairs(targets) do
    local list = found[i] or {}
    texts[i] = worked.join(plain[i], worked.block(shown(list, plain[i])))
    for _, one in ipairs(list) do used[one.i] = true end
  end
  if most > 0 and not next(used) then
    return nil, #rows > 0 and "no solved example can be shown" or "nothing is solved yet"
  end
  return material.finish(parent, texts, context, { rows = used })
end

--- Whether there is something to take examples from: solved rows, or right answers.
---@param search lunagrad.search
---@param parent lunagrad.candidate
---@return boolean
function demos.fits(search, parent)
  if not search.problem.program then return false end
  for _, score in pairs(search.batches.lowest[parent.idx] or {}) do
    if score >= search.perfect then return true end
  end
  return #search.problem.params == 1 and #cases.truths(search.problem.sets.train[1]) > 0
end

--- The parent's texts with other worked examples behind them.
---@param parent lunagrad.candidate
---@param _ table[]|nil the batch, which is not needed
---@param context table
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail {rows = those that are shown, by index}
function demos.propose(parent, _, context)
  local targets = material.targets(parent, context)
  if not context.program then return nil, "there is no program that solves examples" end
  if #targets == 0 then return nil, "there is no text to change" end
  local texts, why, detail
  for _ = 1, DRAWS do
    texts, why, detail = drawn(parent, targets, context)
    if texts then break end
  end
  return texts, why, detail
end

return demos
