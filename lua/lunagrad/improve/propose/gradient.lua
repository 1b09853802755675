--- Operator "gradient": what the losses of a batch say of each text, sent backward, then rewritten.
--
-- Inside the parent's binding the program runs on the batch (what was bought is served), its losses
-- go backward through the graph, and an optimizer makes one step. Where there is no program, what
-- the evaluation said of the text is its feedback. Worked examples behind a text stay as they are.
-- `along` is the same for other operators that write along feedback (edit).

local cases = require "lunagrad.improve.cases"
local material = require "lunagrad.improve.material"
local replace = require "lunagrad.improve.replace"
local solved = require "lunagrad.improve.solved"
local tgd = require "lunagrad.improve.tgd"
local worked = require "lunagrad.improve.worked"
local loop = require "lunagrad.loop"
local var = require "lunagrad.var"

local gradient = { name = "gradient" }

-- ---- feedback --------------------------------------------------------------

-- Where the search was given no loss: what the metric said is what the critic is told.
local function told(answer, one, context)
  return var.tool { name = "metric", purpose = "scores an answer, higher is better",
    inputs = { "answer" }, target = material.perfect(context), role = "verdict on the answer",
    run = function() return cases.verdict(one, context), one.score end }(answer)
end

local function loss_of(one, context)
  if one.failed then return false end
  local answer = context.program(one.row)
  if not var.is(answer) then return false end
  local perfect = material.perfect(context)
  if one.score and one.score >= perfect then return solved.loss(answer, one.score, perfect) end
  local loss = context.loss and context.loss(answer, one.row) or told(answer, one, context)
  loss:text()
  return loss
end

-- Feedback for the targets alone: nobody is asked about a text that stays.
local function only(targets, params)
  local wanted, closed = {}, {}
  for _, i in ipairs(targets) do wanted[i] = true end
  for i, p in ipairs(params) do
    if not wanted[i] and p:grad() then
      p.requires_grad = false
      closed[#closed + 1] = p
    end
  end
  return function()
    for _, p in ipairs(closed) do p.requires_grad = true end
  end
end

local function is_right(one, context)
  return one.score ~= nil and one.score >= material.perfect(context)
end

-- Through the graph; false: no answer depends on a target.
local function through(batch, context)
  local losses, shown = {}, nil
  for n, loss in ipairs(loop.map(batch, function(one) return loss_of(one, context) end)) do
    if loss and loss:grad() then
      losses[#losses + 1] = loss
      if not shown and not is_right(batch[n], context) then shown = { batch[n], loss } end
    end
  end
  if #losses == 0 then return false end
  local root = #losses == 1 and losses[1] or var.mean(losses)
  root:backward(context.backward):await()
  if shown and context.heard then context.heard(shown[1], shown[2]) end
  return true
end

-- What the evaluation said, given to the texts as it is.
local function given(batch, targets, context)
  for _, i in ipairs(targets) do
    if context.objective then
      context.params[i]:add_feedback("What is wanted: " .. context.objective)
    end
    for _, one in ipairs(batch) do
      if not is_right(one, context) then
        context.params[i]:add_feedback(cases.verdict(one, context))
      end
    end
  end
  return true
end

-- ---- the step --------------------------------------------------------------

local function optimizer(parent, targets, context, more)
  local spec, befores = { model = context.model }, {}
  for name, value in pairs(more or {}) do spec[name] = value end
  for n, i in ipairs(targets) do
    spec[n], befores[n] = context.params[i], worked.split(parent.texts[i])
  end
  spec.constraints = material.constraints(context, befores)
  local opt = tgd(spec)
  opt.sample, opt.step_number, opt.habits = context.sample, context.sample, context.habits
  opt.search = context.recorded
  for n, i in ipairs(targets) do opt.refused[n] = material.refused(parent, context, i) end
  return opt
end

local function edits_of(report)
  local lines = {}
  for _, entry in ipairs(report.params) do
    for _, one in ipairs(entry.edits or {}) do lines[#lines + 1] = replace.line(one) end
  end
  return #lines > 0 and lines or nil
end

-- As a task inside the parent's binding.
local function step(parent, batch, targets, context, more)
  local reopen = only(targets, context.params)
  local heard
  if context.program then
    heard = through(batch, context)
  else
    heard = given(batch, targets, context)
  end
  reopen()
  if not heard then return nil, "no answer depends on the texts" end
  for _, i in ipairs(targets) do -- the editor has the instruction, without its worked examples
    local plain = worked.split(parent.texts[i])
    if plain ~= parent.texts[i] then context.params[i]:set(plain) end
  end
  local report = optimizer(parent, targets, context, more):step()
  local new = {}
  for _, i in ipairs(targets) do new[i] = context.params[i]:text() end
  return new, report
end

local function is_solved(batch, context)
  for _, one in ipairs(batch) do
    if not is_right(one, context) then return false end
  end
  return true
end

--- New texts along the feedback of a batch.
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@param more table|nil further options of lg.optim.tgd
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail {edits = a line each}
function gradient.along(parent, batch, context, more)
  local targets = material.targets(parent, context)
  if #targets == 0 then return nil, "there is no text to change" end
  if is_solved(batch, context) then return nil, "the batch is solved" end
  local new, report = context.run(parent.texts, function()
    return step(parent, batch, targets, context, more)
  end)
  if not new then return nil, report end
  local detail = { edits = edits_of(report) }
  if not report.changed then return nil, report.reason, detail end
  return material.finish(parent, material.join(parent, new), context, detail)
end

--- Feedback backward through the graph, then the editor.
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@return string[]|nil texts
---@return string|nil why
function gradient.propose(parent, batch, context) return gradient.along(parent, batch, context) end

return gradient
