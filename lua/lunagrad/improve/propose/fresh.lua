--- Operator "fresh": a new start from what is known of the task, and the best candidates with their
--- scores.
--
-- One question: what is wanted, the role, some rows with their right answers, and the best texts
-- so far, the best last (OPRO, arXiv 2309.03409). Unlike there the parent's text is not the start,
-- one text is asked for at a time, and copies of the rows are refused.

local ask = require "lunagrad.improve.ask"
local material = require "lunagrad.improve.material"
local question = require "lunagrad.improve.question"
local together = require "lunagrad.improve.together"
local worked = require "lunagrad.improve.worked"

local fresh = { name = "fresh", batch = false }

local ROWS = 3   -- that are shown
local BEST = 5   -- candidates that are shown

-- ---- what is known -----------------------------------------------------------

local function some_rows(context)
  local order, rows = {}, {}
  for i = 1, #(context.train or {}) do order[i] = i end
  context.rng:shuffle(order)
  for n = 1, math.min(ROWS, #order) do rows[n] = { row = context.train[order[n]] } end
  return rows
end

local function row_head(_, n) return ("Example %d"):format(n) end

local function ascending(a, b)
  if a.mean ~= b.mean then return a.mean < b.mean end
  return a.idx > b.idx
end

-- The best candidates, the best last; without those that have no text.
local function best(parent, context, most)
  local list = table.move(context.pool and context.pool.list or { parent }, 1,
    context.pool and #context.pool.list or 1, 1, {})
  table.sort(list, ascending)
  return table.move(list, math.max(#list - most + 1, 1), #list, 1, {})
end

local function versions(parent, targets, context, most)
  local lines, values = {}, {}
  for n, one in ipairs(best(parent, context, most)) do
    local texts = {}
    for k, i in ipairs(targets) do
      local text = worked.split(one.texts[i])
      if text:find "%S" then
        local field = ("version%d_%d"):format(n, k)
        values[field] = text
        texts[#texts + 1] = (#targets > 1 and together.letter(k) .. ": " or "")
          .. "{" .. field .. "}"
      end
    end
    if #texts > 0 then
      lines[#lines + 1] = ("This one has %.4g in validation, higher is better:\n"
        .. "<VERSION>\n%s\n</VERSION>"):format(one.mean, table.concat(texts, "\n"))
    end
  end
  return { template = table.concat(lines, "\n"), values = values }
end

-- A section of the question, or nothing where there is nothing to show in it.
local function section(name, field, piece)
  if not piece.template:find "%S" then return { template = "" } end
  return { values = piece.values, template =
    together.lettered(ask.prompt(name):text(), "", {}, {}, { [field] = piece.template }) }
end

--- New texts that do not start from the old ones.
---@param parent lunagrad.candidate
---@param batch table[]|nil
---@param context table
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function fresh.propose(parent, batch, context) return fresh.write(parent, batch, context, {}) end

--- The same with other measures: best, so many candidates are shown (5); temperature (the model's).
---@param parent lunagrad.candidate
---@param batch table[]
---@param context table
---@param options {best: integer|nil, temperature: number|nil}
---@return string[]|nil texts
---@return string|nil why
---@return table|nil detail
function fresh.write(parent, batch, context, options)
  local targets = material.targets(parent, context)
  local objective = { template = context.objective and "{objective}" or "",
    values = { objective = context.objective } }
  local rows = question.cases(some_rows(context), context, row_head)
  return question.ask { prompt = "fresh", parent = parent, batch = batch, context = context,
    targets = targets, blank = true, temperature = options.temperature, shown = {
      objective = section("fresh.objective", "objective", objective),
      examples = section("fresh.examples", "examples", rows),
      versions = section("fresh.versions", "versions", versions(parent, targets, context,
        options.best or BEST)) } }
end

return fresh
