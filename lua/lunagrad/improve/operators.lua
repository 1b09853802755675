--- The operators of a search: those that there are, and those that a script brings or leaves out.
--
-- An operator is { name, propose = function(parent, batch, context) → texts | nil, why }, and may
-- have batch = false (it looks at no batch), fits(search, parent) → whether it could do anything
-- now, may_quote = true (what it writes may hold training examples), any_batch = true (one that is
-- solved will do), and again = true (texts that were tried may come again). The built-in ones are
-- the files of lunagrad.improve.propose.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"
local selection = require "lunagrad.improve.selection"

local operators = {}

local BUILT_IN = { "gradient", "reflect", "merge", "demos", "edit", "shorten", "fresh" }
local KNOWN = {
  gradient = require "lunagrad.improve.propose.gradient",
  reflect = require "lunagrad.improve.propose.reflect",
  merge = require "lunagrad.improve.propose.merge",
  demos = require "lunagrad.improve.propose.demos",
  edit = require "lunagrad.improve.propose.edit",
  shorten = require "lunagrad.improve.propose.shorten",
  fresh = require "lunagrad.improve.propose.fresh",
}

--- What the bandit takes as seen before anything was: the usual ways first.
operators.PRIOR = {
  gradient = { kept = 2, lost = 2 }, reflect = { kept = 2, lost = 2 },
  edit = { kept = 1, lost = 2 }, merge = { kept = 1, lost = 2 }, demos = { kept = 1, lost = 2 },
  fresh = { kept = 1, lost = 4 }, shorten = { kept = 1, lost = 6 },
}

local function built_in(name, level)
  if not KNOWN[name] then
    errors.refuse("operators", ("lg.optimize: there is no operator %q"):format(tostring(name)),
      options.suggest(tostring(name), KNOWN) or "there are " .. table.concat(BUILT_IN, ", "),
      level + 1)
  end
  return KNOWN[name]
end

local function own(one, i, level)
  if type(one) == "function" then return { name = "operator " .. i, propose = one } end
  if type(one) ~= "table" or type(one.propose) ~= "function" or type(one.name) ~= "string" then
    errors.refuse("operators", ("lg.optimize: operator %d is none"):format(i),
      'a name, or { name = "mine", propose = function(parent, batch, context) … end }', level + 1)
  end
  return one
end

--- The list that spec.operators names, or all that can work here.
---@param spec table of lg.optimize: operators, program, loss
---@return table[]
function operators.take(spec)
  local list, seen = {}, {}
  for i, one in ipairs(spec.operators or BUILT_IN) do
    list[i] = type(one) == "string" and built_in(one, 4) or own(one, i, 4)
    if seen[list[i].name] then
      errors.refuse("operators", ("lg.optimize: two operators are called %q"):format(list[i].name),
        nil, 4)
    end
    seen[list[i].name] = true
  end
  if #list == 0 then
    errors.refuse("operators", "lg.optimize: there is no operator", nil, 4)
  end
  return list
end

--- Operators in turn: a method's own one, or those of the script.
---@param spec table of lg.optimize
---@param default string
---@return fun(number: integer): table operator of the proposal with that number
function operators.in_turn(spec, default)
  local list = operators.take { operators = spec.operators or { default } }
  return function(number) return list[(number - 1) % #list + 1] end
end

--- The operator of the next proposal: the bandit's, among those that could do anything now. Of a
--- parent that is known to solve all examples nothing is learned from a batch. Who is named first
--- begins: nothing is known of any, and chance would be the worse judge.
---@param arms lunagrad.bandit
---@param by_name table<string, table>
---@param search lunagrad.search
---@param parent lunagrad.candidate
---@param random lunagrad.rng
---@return table
function operators.pick(arms, by_name, search, parent, random)
  local solved = search.batches:is_solved(parent.idx)
  local function may(name)
    local one = by_name[name]
    if solved and one.batch ~= false and not one.any_batch then return false end
    return not one.fits or one.fits(search, parent)
  end
  local first = arms.names[1]
  if search.planned == 1 and may(first) then return by_name[first] end
  return by_name[arms:pick(random, may) or arms:pick(random)]
end

--- A way to select parents, from spec.select.
---@param wanted string|function|nil
---@param default function
---@return function
function operators.selection(wanted, default)
  if wanted == nil then return default end
  if type(wanted) == "function" then
    return function(pool, random)
      local one = wanted(pool, random)
      if type(one) == "table" and pool:get(one.idx) == one then return one end
      errors.raise("inval", "lg.optimize: select returned no candidate of the pool",
        "return one of pool.list", 0)
    end
  end
  local name, number = tostring(wanted):match "^(%a+)_?([%d.]*)$"
  local value = tonumber(number)
  if name == "pareto" and number == "" then return selection.pareto end
  if name == "pareto" and value and value >= 0 and value <= 1 then
    return selection.pareto_share(value)
  end
  if name == "best" and number == "" then return selection.best end
  if name == "top" and value and value >= 1 and value % 1 == 0 then
    return selection.top(math.tointeger(value))
  end
  if name == "epsilon" and value and value >= 0 and value <= 1 then
    return selection.epsilon(value)
  end
  errors.refuse("select", ("lg.optimize: there is no selection %q"):format(tostring(wanted)),
    'there are "pareto", "pareto_0.3", "best", "top_5", "epsilon_0.1" and functions (pool, rng) → '
      .. "candidate", 4)
end

return operators
