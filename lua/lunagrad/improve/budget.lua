--- What a search may still spend, counted so that it does not depend on who was quicker.
--
-- Proposals are numbered and decided in their order. Each gets a grant before it begins, and may
-- ask for more once all before it are decided. What is known at a grant is what the decided ones
-- have spent and what the others were granted: numbers that are the same in every run. So a budget
-- is kept to the unit, and the same proposals are made at any concurrency and after any restart.
-- Pure arithmetic; amounts are in one unit (calls or evaluations). Used by lunagrad.improve.search.

local errors = require "lunagrad.errors"
local options = require "lunagrad.options"

---@class lunagrad.budget
local Budget = {}
Budget.__index = Budget

local budget = {}

local SPEC = { calls = "integer?", evaluations = "integer?", cost = "number?", tokens = "integer?",
  time = "number?", proposals = "integer?" }

--- The limits that a script gives, checked: each above 0, or missing.
---@param given table|nil
---@param where string "lg.optimize"
---@param level integer whose line is to blame
---@return table<string, number>
function budget.check(given, where, level)
  given = options.check(given or {}, SPEC, where .. ": budget", level + 1)
  for name, value in pairs(given) do
    if value <= 0 or value ~= value then
      errors.refuse(name, ("%s: budget: %s must be above 0"):format(where, name), nil, level + 1)
    end
  end
  return given
end

--- A budget of `most` units; math.huge: none.
---@param most number
---@return lunagrad.budget
function budget.new(most)
  return setmetatable({ most = most, spent = 0, decided = 0, granted = {}, latest = 0 }, Budget)
end

--- What was spent before the first proposal.
---@param units number
function Budget:begin(units) self.spent = self.spent + units end

-- What the granted ones from `first` on hold.
local function held(self, first)
  local sum = 0
  for n = first, self.latest do sum = sum + (self.granted[n] or 0) end
  return sum
end

-- What the next proposal would get; nil: nothing now.
local function offer(self, wanted, least)
  local left = self.most - self.spent - held(self, self.decided + 1)
  if left >= wanted then return wanted end
  if left < least or self.latest > self.decided then return nil end
  return left
end

--- Whether so many proposals could spend that much each.
---@param list lunagrad.budget[]
---@param each number[] of each budget
---@param many integer
---@return boolean
function budget.is_plenty(list, each, many)
  for i, one in ipairs(list) do
    if one.most - one.spent < many * each[i] then return false end
  end
  return true
end

--- A grant for the next proposal, of each of several budgets or of none; nil: not now, and for ever
--- when no proposal is open.
---@param list lunagrad.budget[]
---@param wanted number[] of each
---@param least number[] with less than this of one it is not worth beginning
---@return number[]|nil granted
function budget.grant(list, wanted, least)
  local granted = {}
  for i, one in ipairs(list) do
    granted[i] = offer(one, wanted[i], least[i])
    if not granted[i] then return nil end
  end
  for i, one in ipairs(list) do
    one.latest = one.latest + 1
    one.granted[one.latest] = granted[i]
  end
  return granted
end

--- More for a proposal, all before it being decided: all that nobody holds.
---@param number integer decided + 1
---@return number granted what it may spend in all
function Budget:extend(number)
  assert(number == self.decided + 1)
  local left = self.most - self.spent - held(self, number + 1)
  self.granted[number] = math.max(self.granted[number], left)
  return self.granted[number]
end

--- A proposal is decided: what it has spent.
---@param number integer decided + 1
---@param units number
function Budget:decide(number, units)
  assert(number == self.decided + 1)
  self.decided, self.granted[number] = number, nil
  self.spent = self.spent + units
end

return budget
