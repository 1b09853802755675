--- Evidence by betting: how much money a gambler would have made of one number after another.
--
-- Someone who stakes a share of what he has on "the next number is above 0" cannot expect to gain
-- where the mean is 0 or less: to be 20 times as rich at any time then has a chance of 1 in 20 at
-- most (Ville), however often one looks and whenever one stops. Which share is best depends on
-- what nobody knows, so that equal parts of the money are bet with several shares; E, what the
-- start of 1 has become, is their mean (Waudby-Smith and Ramdas, arXiv 2010.09686).
--
-- Arithmetic alone, constant work and memory a number. What is bet on is decided by the caller:
-- lunagrad.improve.race bets on differences of scores.

local betting = {}

-- Shares of the money. Below 1: a difference of -1 must not ruin anyone for good.
local SHARES = { 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9 }

-- Money is not counted beyond this: evidence that great has decided long before.
local MOST = 1e280

---@class lunagrad.betting
local Betting = {}
Betting.__index = Betting

--- A gambler, before the first number.
---
--- opts.lambdas: the shares bet, each below 1. opts.cap: a function from the place of a number
--- (1, 2, …) to the largest share that may be bet on it; it must not know the number. Under a cap
--- that differs from place to place, E is evidence against "the mean is 0 or less at *each* place":
--- a child that is better where the cap is high and worse where it is low makes money with a mean of
--- 0, so a cap made of the parent's scores is not for comparing means.
---@param opts? {lambdas: number[]|nil, cap: (fun(i: integer): number)|nil}
---@return lunagrad.betting
function betting.new(opts)
  opts = opts or {}
  local self = setmetatable({ n = 0, shares = opts.lambdas or SHARES, cap = opts.cap, money = {} },
    Betting)
  for k = 1, #self.shares do self.money[k] = 1.0 end
  return self
end

--- The next number.
---@param x number from -1 on
---@return number E what 1 has become
function Betting:add(x)
  local shares, money, sum = self.shares, self.money, 0.0
  self.n = self.n + 1
  local most = self.cap and self.cap(self.n)
  for k = 1, #shares do
    local share = shares[k]
    if most and share > most then share = most end
    local now = money[k] * (1 + share * x)
    if now > MOST then now = MOST end
    money[k] = now
    sum = sum + now
  end
  self.evidence = sum / #shares
  return self.evidence
end

--- What 1 has become: 20 and more speaks for a mean above 0 with an error of 1 in 20 at most.
---@return number
function Betting:e() return self.evidence or 1.0 end

---@class lunagrad.futility
local Futility = {}
Futility.__index = Futility

--- A gambler who bets that a difference is less than delta in the mean.
---
--- When delta or more is the truth, the chance that `dropped` is ever said is beta at most.
---@param spec {delta: number, beta: number} delta: from 0 to below 1; beta: 0 says it never
---@return lunagrad.futility
function betting.futility(spec)
  return setmetatable({ delta = spec.delta, beta = spec.beta, bets = betting.new() }, Futility)
end

--- The next difference.
---@param x number from -1 to 1
---@return number F what 1 has become
---@return boolean dropped whether F has reached 1/beta
function Futility:add(x)
  local f = self.bets:add((self.delta - x) / (1 + self.delta))
  return f, f * self.beta >= 1
end

--- What 1 has become.
---@return number
function Futility:f() return self.bets:e() end

return betting
