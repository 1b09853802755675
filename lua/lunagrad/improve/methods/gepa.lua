--- Method "gepa": reflective evolution with a Pareto front, as published (arXiv 2507.19457; gepa
--- 0.1.4).
--
-- One proposal at a time: a parent that holds fronts, a batch of 3 in epochs (the last one padded
-- with what was drawn least), one text of the program in turn, one question to the editor
-- ("reflect"). A child that does better on its batch is asked all of validation and joins the pool
-- whatever that says. After a child has joined, the next proposal is a merge of two that hold
-- fronts, text by text over an ancestor: at most 5 that were tried on 5 validation examples and
-- are no worse there than the better of the two. Where it differs: the questions are ours, which
-- show the right answers; what is known of a parent on an example is not bought again; two that
-- merge are drawn as parents are, not evenly; the budget is kept to the unit, a proposal that it
-- does not reach for is not begun; copies of training examples are refused; the pool holds 64.

local epochs = require "lunagrad.improve.epochs"
local gates = require "lunagrad.improve.gates"
local operators = require "lunagrad.improve.operators"
local merge = require "lunagrad.improve.propose.merge"
local selection = require "lunagrad.improve.selection"

local BATCH = 3
local MERGES = 5 -- that were tried and taken

local merging = { name = merge.name, batch = false, propose = merge.by_ancestor }

-- Whether the next proposal is a merge: of programs with several texts, right after a child joined.
local function merge_is_due(state, search)
  return #search.problem.params > 1 and state.due > 0 and state.joined and state.merged < MERGES
end

-- The text that is changed: of each candidate the next, which its children go on with.
local function component(state, search, one)
  local n = #search.problem.params
  if n == 1 or one.operator == merging then return nil end
  return state.pointer[one.parent.idx] or 1
end

local function learn(state, search, one)
  local child = one.candidate
  if one.component and not one.unteachable then -- a solved batch is no turn
    state.pointer[one.parent.idx] = one.component % #search.problem.params + 1
  end
  state.joined = child ~= nil
  if not child then return end
  local pointer = 1
  for _, idx in ipairs(child.parents) do pointer = math.max(pointer, state.pointer[idx] or 1) end
  state.pointer[child.idx] = pointer
  if one.operator == merging then
    state.due, state.merged, state.joined = state.due - 1, state.merged + 1, false
  elseif state.merged < MERGES then
    state.due = state.due + 1
  end
end

local function draw(state, search)
  state.order = state.order or epochs.new(#search.problem.sets.train, search.batch,
    search.random:fork "epochs", { pad = true })
  return { state.order:batch(search.planned) }
end

return function(spec)
  local operator = operators.in_turn(spec, "reflect")
  local state = { due = 0, merged = 0, joined = false, pointer = {} }
  local by_batch, by_parents = gates.batch_first {}, gates.merged()
  return {
    front = spec.front or "instance", lag = 1, batch = BATCH,
    window = function(n) return n end,
    select = operators.selection(spec.select, selection.pareto),
    choose = function(search)
      return merge_is_due(state, search) and merging or operator(search.planned)
    end,
    draw = function(search) return draw(state, search) end,
    component = function(search, one) return component(state, search, one) end,
    gate = function(search, one)
      return (one.operator == merging and by_parents or by_batch)(search, one)
    end,
    learn = function(search, one) learn(state, search, one) end,
  }
end
