--- What an operator of the search is given: the task, how to run things as the parent, and what was
--- decided when the proposal was planned.
--
-- Nothing here changes while the proposal works, whoever is quicker: the pool is that of the plan
-- (a list, and its fronts when they are asked for), the history too. What it buys, it pays for.
-- Used by lunagrad.improve.search.

local bind = require "lunagrad.bind"
local graphs = require "lunagrad.book.graphs"
local pools = require "lunagrad.improve.pool"
local loop = require "lunagrad.loop"

local given = {}

-- The program for operators that run it again: its calls are those of the evaluation, equal
-- questions that are not bought twice.
local function rerun(self)
  local program = self.problem.program
  if not program then return nil end
  return function(row)
    local candidate = loop.context().candidate
    return bind.run(candidate.binding, { meter = bind.meter() }, program, row)
  end
end

-- Traces of the parent that came out right.
local function solved_of(self, one)
  return function()
    local list = {}
    for n, i in ipairs(one.solved) do
      local result = one.parent.variant.known.train[i]
      list[n] = { i = i, row = self.problem.sets.train[i], output = result.output,
        score = result.score }
    end
    return list
  end
end

-- What a candidate of the pool is worth on a training example; the proposal pays for it, and gets
-- nil where its grant is used up. Several may be asked for at once: they count when they are asked
-- for, for when they are there is a matter of who is quicker.
local function tried_by(self, one)
  local before, asked = #one.used, 0
  return function(candidate, i)
    one.gate_from, asked = before, asked + 1
    if not self:may(one, asked) then return nil end
    local result = self.problem:evaluate(candidate.variant, "train", i)
    one.used[#one.used + 1] = result
    return result
  end
end

local function pool_of(self, one)
  local made
  return setmetatable({ list = one.list }, { __index = function(_, key)
    if not made then
      made = pools.new { n = self.n, front = self.method.front, size = math.huge }
      made:restore(one.list, self.pool, one.past)
    end
    local value = made[key]
    if type(value) ~= "function" then return value end
    return function(_, ...) return value(made, ...) end
  end })
end

-- An operator has sent feedback through the loss of an example: the graph is drawn when the proposal
-- is decided, if its parent has none by then.
local function heard_by(self, one)
  local tape = self.tape and self.tape.inner
  if not tape or not tape.id then return nil end
  return function(example, loss)
    if not tape:wants_graph(one.parent.idx, true) then return end
    one.graph = { candidate = one.parent.idx, proposal = one.number, split = "train",
      example = example.i, score = example.score, heard = true, text = graphs.text(loss) }
  end
end

--- What an operator is given besides parent and batch.
---@param self lunagrad.search
---@param one table the proposal
---@param meter table of bind.meter: counts what the operator asks
---@return table context
function given.to(self, one, meter)
  local problem = self.problem
  local roles = {}
  for i, p in ipairs(problem.params) do roles[i] = p.role end
  return {
    params = problem.params, names = problem.names, roles = roles,
    run = function(texts, fn, ...)
      return bind.run(bind.map(problem.params, texts), { meter = meter }, fn, ...)
    end,
    program = rerun(self), loss = self.loss, metric = problem.metric,
    evaluate = problem.artefact and problem.judge, objective = self.objective,
    rng = one.rng:fork "operator", sample = one.number, pool = pool_of(self, one),
    proposals = one.proposals, model = self.model, backward = self.backward,
    constraints = self.constraints, edits = one.edits, component = one.component,
    max_demos = self.max_demos, train = problem.sets.train, solved = solved_of(self, one),
    tried = tried_by(self, one),
    leak = self.leak, perfect = self.perfect, habits = one.habits,
    heard = heard_by(self, one), recorded = self.tape and self.tape.inner.id,
  }
end

return given
