--- Which operator proposes next: by what each of them brought for a call.
--
-- Thompson sampling over the last WINDOW proposals of each: the share of them that is kept is drawn
-- from what is known of it (a Beta distribution), and multiplied by what a kept one of it brought
-- and divided by what one of it cost. Both means lean on the means over all operators, so that one
-- lucky proposal does not decide. Older proposals are forgotten: what helps in the beginning does
-- not help at the end. The draw counts ranks of uniform numbers and so needs no function of the
-- machine's mathematics: the same on every machine.

---@class lunagrad.bandit
local Bandit = {}
Bandit.__index = Bandit

local bandit = {}

local WINDOW = 32 -- proposals of an operator that count
local LEAN = 3    -- how many proposals the mean over all operators weighs

---@class lunagrad.bandit.options
---@field names string[]
---@field prior? table<string, { kept: integer, lost: integer }> as if that many had been seen before

--- Over operators by name.
---@param options lunagrad.bandit.options
---@return lunagrad.bandit
function bandit.new(options)
  local self = setmetatable({ names = options.names, arms = {},
    all = { gain = 0.0, kept = 0, calls = 0.0, tried = 0 } }, Bandit)
  for _, name in ipairs(options.names) do
    local prior = options.prior and options.prior[name] or { kept = 1, lost = 1 }
    self.arms[name] = { outcomes = {}, at = 0, prior = prior }
  end
  return self
end

-- The a-th smallest of a + b - 1 uniform numbers: Beta(a, b) for whole a and b.
local function beta(a, b, rng)
  local list = {}
  for i = 1, a + b - 1 do list[i] = rng:float() end
  table.sort(list)
  return list[a]
end

local function summary(arm)
  local sum = { gain = 0.0, kept = 0, calls = 0.0, tried = #arm.outcomes }
  for _, one in ipairs(arm.outcomes) do
    sum.calls = sum.calls + one.calls
    if one.kept then sum.gain, sum.kept = sum.gain + one.gain, sum.kept + 1 end
  end
  return sum
end

local function leaning(sum, count, all_sum, all_count, otherwise)
  local all = all_count > 0 and all_sum / all_count or otherwise
  return (sum + LEAN * all) / (count + LEAN)
end

local function worth(self, arm, rng)
  local sum, all = summary(arm), self.all
  local kept = beta(sum.kept + arm.prior.kept, sum.tried - sum.kept + arm.prior.lost, rng)
  local gain = leaning(sum.gain, sum.kept, all.gain, all.kept, 1.0)
  local calls = leaning(sum.calls, sum.tried, all.calls, all.tried, 1.0)
  return kept * gain / math.max(calls, 1e-9)
end

--- The operator of the next proposal.
---@param rng lunagrad.rng
---@param may nil|fun(name: string): boolean which could do anything now; nil: all
---@return string|nil name nil: none could
function Bandit:pick(rng, may)
  local best, most
  for _, name in ipairs(self.names) do
    local drawn = worth(self, self.arms[name], rng)
    if (not most or drawn > most) and (not may or may(name)) then best, most = name, drawn end
  end
  return best
end

--- How a proposal of an operator fared.
---@param name string
---@param outcome { gain: number, calls: number, kept: boolean } gain: of the mean score over its
--- parent; calls: all that it cost, its evaluations too
function Bandit:note(name, outcome)
  local arm, all = self.arms[name], self.all
  if not arm then return end
  local kept = outcome.kept and true or false
  local gain, calls = math.max(outcome.gain or 0, 0), outcome.calls or 0
  arm.at = arm.at % WINDOW + 1
  arm.outcomes[arm.at] = { kept = kept, gain = gain, calls = calls }
  all.calls, all.tried = all.calls + calls, all.tried + 1
  if kept then all.gain, all.kept = all.gain + gain, all.kept + 1 end
end

--- What is known of each operator, for people.
---@return table<string, { gain: number, kept: integer, calls: number, tried: integer }>
function Bandit:told()
  local told = {}
  for _, name in ipairs(self.names) do told[name] = summary(self.arms[name]) end
  return told
end

return bandit
