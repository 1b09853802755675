--- What a few draws say of a search that has not begun: arithmetic, and six lines for people.
--
-- Sees scores in the order of the examples, and counts; asks nobody. How the draws are made is
-- lunagrad.improve.headroom's.

local claim = require "lunagrad.improve.claim"
local core = require "lunagrad.core"
local prices = require "lunagrad.prices"
local rng = require "lunagrad.rng"
local stats_math = require "lunagrad.stats_math"

local reports = {}

---@class lunagrad.headroom
---@field measured boolean whether anything was asked
---@field examples integer[]|nil of validation, that were asked about
---@field noise number|nil share of them whose score changes between two draws of the seed
---@field changes number|nil share of them whose score differs in any draw
---@field matters string|nil "yes", "unclear" or "no": whether the texts make a difference
---@field p number|nil chance of such a difference between the texts if noise were all of it
---@field scores table<string, number>|nil mean of each draw
---@field differ number share of examples that two texts differ on, as the gains are reckoned with
---@field smallest {validation: number|nil, test: number|nil} gain that is shown in four of five cases
---@field evaluations integer|nil of the search, at most
---@field calls integer|nil of the search, about
---@field cost number|nil of the search, about, in dollars
---@field bought {evaluations: integer, calls: integer} for this, with the seed's first draw
local Headroom = { __name = "lunagrad.headroom" }

local ASSUMED = 0.3      -- share of examples that differ, where nothing was asked
local SURE = 0.05        -- chance of saying "yes" where texts do not matter
local PERMUTATIONS = 2000
local SLACK = 1e-9

-- ---- do the texts matter? ----------------------------------------------------------

-- How far apart the draws of an example are, pair by pair; the first is the seed's own pair.
local function pairs_of(draws, k)
  local list = {}
  for a = 1, #draws do
    for b = a + 1, #draws do
      list[#list + 1] = math.abs(draws[a].scores[k] - draws[b].scores[k])
    end
  end
  return list
end

local function differs(list)
  for _, x in ipairs(list) do
    if x > SLACK then return true end
  end
  return false
end

-- If texts made no difference, any two draws of an example could as well be the seed's two: the
-- chance that those are as near to each other, over all examples, as they are.
local function chance(examples, seed)
  local seen, r, count = 0.0, rng.new(seed):fork "headroom: pairs", 0
  for _, list in ipairs(examples) do seen = seen + list[1] end
  for _ = 1, PERMUTATIONS do
    local sum = 0.0
    for _, list in ipairs(examples) do sum = sum + list[r:int(1, #list)] end
    if sum <= seen + SLACK then count = count + 1 end
  end
  return (count + 1) / (PERMUTATIONS + 1)
end

-- ---- figures -------------------------------------------------------------------------

local function is_share(draws)
  for _, one in ipairs(draws) do
    for _, x in ipairs(one.scores) do
      if x < 0 or x > 1 then return false end
    end
  end
  return true
end

-- Mean square of what some draws differ from the seed's first by; one in two is added to what was
-- seen, since a few examples do not prove that nothing differs.
local function spread(draws, from, to)
  local sum, n = 1.0, 2
  for d = from, to do
    for k, x in ipairs(draws[d].scores) do sum, n = sum + (x - draws[1].scores[k]) ^ 2, n + 1 end
  end
  return sum / n
end

-- Two texts differ as much as the variants do, and not less than two draws of the same.
local function differ(draws)
  local again = spread(draws, 2, 2)
  return #draws > 2 and math.max(again, spread(draws, 3, #draws)) or again
end

local function verdict(moved, p, draws)
  if #draws < 3 then return nil end
  if p <= SURE then return "yes" end
  return moved and "unclear" or "no"
end

local function measure(self, asked, seed)
  local draws, k = asked.draws, #asked.at
  local changed, noisy, moved, uneven = 0, 0, false, {}
  self.scores = {}
  for _, one in ipairs(draws) do self.scores[one.name] = stats_math.mean(one.scores) end
  for i = 1, k do
    local list = pairs_of(draws, i)
    noisy = noisy + (list[1] > SLACK and 1 or 0)
    if differs(list) then
      changed, uneven[#uneven + 1] = changed + 1, list
      -- what the seed's own two draws do not have
      for d = 2, #draws - 1 do
        moved = moved or list[d] > SLACK and math.abs(draws[d + 1].scores[i]
          - draws[2].scores[i]) > SLACK
      end
    end
  end
  self.measured, self.examples, self.draws = true, asked.at, draws
  self.noise, self.changes, self.failed = noisy / k, changed / k, asked.failed
  self.p = #draws > 2 and (#uneven > 0 and chance(uneven, seed) or 1.0) or nil
  self.matters = verdict(moved, self.p, draws)
  self.bounded, self.differ = is_share(draws), differ(draws)
end

local function bought(asked)
  local calls, evaluations = 0, 0
  for _, one in ipairs(asked and asked.draws or {}) do
    for _, result in ipairs(one.results) do
      calls, evaluations = calls + result.calls, evaluations + 1
    end
  end
  return { calls = calls, evaluations = evaluations }
end

-- Proposals ask too: for each a batch's critics, and an editor. A race takes about a third of
-- validation.
local function calls_of(self, what)
  local limits, per = what.limits, what.asked and what.asked.per
  if limits.calls then return limits.calls end
  if not per or not self.evaluations then return nil end
  local proposals = math.max(self.evaluations - what.n, 0) // (what.n // 3 + what.batch + 1)
  return self.evaluations * per + proposals * (what.batch + 2)
end

--- The result.
---
--- what: asked (of headroom.ask; nil: nothing was), n and test (rows), limits, batch, evaluations (the
--- search's, or nil), micros (of an evaluation, or nil), seed.
---@param what table
---@return lunagrad.headroom
function reports.new(what)
  local self = setmetatable({ measured = false, differ = ASSUMED, bounded = true, n = what.n,
    n_test = what.test, evaluations = what.evaluations, limits = what.limits,
    batch = what.batch, bought = bought(what.asked) }, Headroom)
  local asked = what.asked
  if asked and #asked.at > 0 then measure(self, asked, what.seed) end
  self.calls = calls_of(self, what)
  if what.micros and self.evaluations then
    local each = self.calls and what.asked.per > 0 and self.calls / what.asked.per
      or self.evaluations
    self.cost = what.micros * each / 1e6
  end
  self.smallest = {}
  if self.bounded then
    self.smallest.validation = claim.smallest(what.n, self.differ)
    self.smallest.test = what.test > 0 and claim.smallest(what.test, self.differ) or nil
  end
  return self
end

-- ---- in words --------------------------------------------------------------------------

local function percent(x) return ("%d%%"):format(math.floor(100 * x + 0.5)) end

local function count_of(share, n) return math.floor(share * n + 0.5) end

local function grouped(n)
  local text = ("%d"):format(n)
  while true do
    local more, count = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
    text = more
    if count == 0 then return text end
  end
end

local function noise_line(self)
  local k = #self.examples
  local said = ("noise: asked twice, the same text got another score on %d of %d examples")
    :format(count_of(self.noise, k), k)
  if self.noise > 0 then return said end
  return said .. (" (at most %s with 95%%)"):format(percent(1 - 0.05 ^ (1 / k)))
end

local function change_line(self)
  local k, means = #self.examples, {}
  for _, one in ipairs(self.draws) do
    means[#means + 1] = ("%s %.2f"):format(one.name, self.scores[one.name])
  end
  local failed = #self.failed > 0 and "; failed: " .. table.concat(self.failed, ", ") or ""
  return ("can change: %d of %d examples in %d draws (%s%s)"):format(count_of(self.changes, k), k,
    #self.draws, table.concat(means, ", "), failed)
end

local MATTERS = {
  yes = "the text matters here: crude variants differ from it by more than noise",
  unclear = "whether the text matters is unclear: crude variants differ from it, but noise may be "
    .. "all of it",
  no = "no sign that the text matters: no crude variant of it changed a score",
}

local function matter_line(self)
  if not self.matters then return "whether the text matters: no variant of it could be tried" end
  return ("%s (p = %.3f)"):format(MATTERS[self.matters], self.p)
end

local function gain_text(gain, n, name)
  if not gain then return ("none with %d %s example%s"):format(n, name, n == 1 and "" or "s") end
  return ("%.2f with %d %s examples"):format(gain, n, name)
end

local function smallest_line(self)
  if not self.bounded then
    return "smallest gain that can be shown: not known, scores are not from 0 to 1"
  end
  local test = self.n_test > 0 and gain_text(self.smallest.test, self.n_test, "test")
    or "without a test set nothing is proved"
  return ("smallest gain that can be shown: %s; %s (if texts differ on %s of them)"):format(
    gain_text(self.smallest.validation, self.n, "validation"), test, percent(self.differ))
end

local OTHER = { { "cost", "$%.2f" }, { "tokens", "%d tokens" }, { "time", "%g s" } }

local function search_line(self)
  local parts = {}
  if self.evaluations and (self.limits.evaluations or not self.limits.calls) then
    parts[1] = ("at most %s evaluations"):format(grouped(self.evaluations))
    if self.evaluations < 2 * self.n then
      parts[1] = parts[1] .. " (below two looks at validation: hardly a search)"
    end
  end
  if self.calls then
    parts[#parts + 1] = ("%s %s calls"):format(self.limits.calls and "at most" or "about",
      grouped(self.calls))
  end
  for _, one in ipairs(OTHER) do
    if self.limits[one[1]] then
      parts[#parts + 1] = ("until " .. one[2] .. " are spent"):format(self.limits[one[1]])
    end
  end
  if self.cost then
    parts[#parts + 1] = "about " .. prices.text(math.floor(self.cost * 1e6 + 0.5))
  end
  return "the search: " .. table.concat(parts, ", ")
end

--- The lines for people.
---@return string[]
function Headroom:lines()
  if not self.measured then return { smallest_line(self), search_line(self) } end
  return { ("before the search: %d of %d validation examples, %d evaluations, %d calls"):format(
      #self.examples, self.n, self.bought.evaluations, self.bought.calls),
    noise_line(self), change_line(self), matter_line(self), smallest_line(self),
    search_line(self) }
end

--- What of it is written down: numbers and words alone, and nothing that depends on what was served
--- from the store.
---@return table
function Headroom:told()
  return { measured = self.measured, noise = self.noise, changes = self.changes,
    matters = self.matters, p = self.p, scores = self.scores, differ = self.differ,
    smallest = next(self.smallest) and self.smallest or nil, evaluations = self.evaluations,
    calls = self.calls, examples = self.examples and setmetatable(
      table.move(self.examples, 1, #self.examples, 1, {}), core.array) or nil }
end

--- The same without what answers say: for a dry run, in which sim has given them.
---@return lunagrad.headroom
function Headroom:unmeasured()
  local plan = reports.new { n = self.n, test = self.n_test, limits = self.limits,
    batch = self.batch, evaluations = self.evaluations }
  plan.calls = self.calls
  return plan
end

function Headroom:__tostring() return table.concat(self:lines(), "\n") end

Headroom.__index = Headroom

return reports
